"""What the salesperson of the story does at the desk: a deal moves on the board and back, two records become one and two again.

Both are taken back, so that the story can be played again and finds the same company.
"""

import re
from urllib.parse import quote

from playwright.sync_api import Page, expect

SAID = "예산과 도입 시기를 확인했습니다"


def move_a_deal(page: Page, url: str) -> str:
    """Move the board's first open deal to another stage by its menu, and back; returns what was seen."""
    page.goto(f"{url}/deals/?layout=board")
    card = page.locator(".lane:not(.closed) .deal[data-movable]").first
    place, name = str(card.get_attribute("id")), card.get_by_role("link").first.inner_text()
    before = str(page.locator(".lane", has=page.locator(f"#{place}")).get_attribute("data-stage"))
    after = next(stage for stage in ("qualifiedtobuy", "presentationscheduled") if stage != before)
    page.goto(f"{url}/deals/?layout=board&q={quote(name)}")  # a lane shows its first deals only
    _move(page, place, after)
    _move(page, place, before)
    return f"‘{name}’ went from {before} to {after} and back"


def _move(page: Page, place: str, stage: str) -> None:
    card = page.locator(f"#{place}")
    card.locator("[popovertarget^='move-']").click()
    card.locator(f"button[name='stage'][value='{stage}']").click()
    expect(page.locator(f"[data-stage='{stage}'] #{place}")).to_be_visible()


def give_a_verdict(page: Page, url: str, contact: int) -> str:
    """Say of a lead, on the page that the alert leads to, that he is a true SQL; returns what was seen."""
    page.goto(f"{url}/handover/{contact}/")
    page.locator(f"[hx-get='/contacts/{contact}/verdict/?give=ready']").click()
    form = page.locator("#sheet form")
    form.locator("input[name='reason']").fill(SAID)
    form.locator("button.primary").click()
    expect(page.locator("#verdict .verdict-note")).to_contain_text(SAID)
    return f"‘{SAID}’ stands on the page of the hand-over"


def on_the_board(page: Page, url: str, name: str) -> str:
    """Open the people of the SQL stage from the board of The Model: whoever became one just now is among them; returns what was seen."""
    page.goto(f"{url}/model/")
    page.locator("a[href*='sql']").first.wait_for()
    address = next(a for a in page.locator("a[href*='/model/people']").evaluate_all("all => all.map(a => a.getAttribute('href'))") if "sql" in a)
    page.goto(f"{url}{address}" if address.startswith("/") else f"{url}/model/{address}")
    expect(page.get_by_text(name).first).to_be_visible()
    return f"the number of the SQL stage opens its people, {name} among them"


def merge_two(page: Page, url: str) -> str:
    """Make one company of the two that look most alike, and two again; returns what was seen."""
    page.goto(f"{url}/duplicates/?type=company")
    page.locator("#twins a[href^='/duplicates/']").first.click()
    names = [text.strip() for text in page.locator(".merge-grid .heads .twin-card a").all_inner_texts()]
    page.locator(".merge footer .btn.primary").click()
    page.wait_for_url("**/merges/*/")
    expect(page.locator(".merged")).to_contain_text(names[1])
    page.locator("[hx-post$='/undo/']").first.click()
    page.wait_for_url(re.compile("/duplicates/"))
    expect(page.locator(".merge-grid .heads")).to_contain_text(names[1])
    return f"{names[0]} and {names[1]} were one company, and are two again"
