"""The rule sheet in a browser: a changed rule moves the counts and the tested contact at once."""

import pytest
from playwright.sync_api import Page, expect

from .test_live import Elsewhere, elsewhere  # noqa: F401  # the fixture

RULES = """
from baton.segments import scoring
from tests.segments import scores
model = scoring.first_model()
if not model.rules.exists():
    scores.define(model, "head", "fit_person", {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["head"]}, 50, actor=SYSTEM)
    scores.define(model, "title", "fit_person", {"condition": "property", "property": "jobtitle", "operator": "known", "value": None}, 20, actor=SYSTEM)
scoring.everyone(model)
answer = [r.pk for r in model.rules.all()]
"""


@pytest.fixture
def rules(elsewhere: Elsewhere) -> list[int]:  # noqa: F811  # pytest finds the fixture by its name
    """The ids of two rules: 50 points for heads of department (one contact), 20 for whoever has a title."""
    found: list[int] = elsewhere(RULES)
    return found


def test_a_changed_rule_moves_counts_and_the_tested_contact(page: Page, rules: list[int]) -> None:
    page.goto("/scoring/")
    verdict, sql = page.locator("#verdict > b"), page.locator("[data-sum=sql]")
    head, title = (page.locator(f"#rule-{pk} [name=points]") for pk in rules)
    head.fill("50")
    head.press("Enter")
    title.fill("20")
    title.press("Enter")
    expect(verdict).to_contain_text("70")
    expect(sql).to_have_text("1")
    head.fill("40")
    head.press("Enter")
    expect(verdict).to_contain_text("60")
    expect(sql).to_have_text("0")
    expect(page.locator("#hits li").first).to_contain_text("+40")
    page.locator(f"#rule-{rules[1]} .switch").click()
    expect(verdict).to_contain_text("40")
    expect(page.locator(f"#matched-{rules[1]}")).to_contain_text("0")
    page.locator(f"#rule-{rules[1]} .switch").click()
    expect(verdict).to_contain_text("60")


def test_thresholds_are_dragged_and_kept(page: Page, rules: list[int]) -> None:
    page.goto("/scoring/")
    slider = page.locator("input[name=sql]")
    before = int(slider.input_value())
    slider.focus()
    with page.expect_response("**/scoring/thresholds/"):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[data-at-sql]")).to_have_text(str(before + 5))
    page.reload()
    expect(slider).to_have_value(str(before + 5))


def test_another_contact_is_tried(page: Page, rules: list[int]) -> None:
    page.goto("/scoring/")
    page.locator("#try-search").fill("서지우")
    page.locator("#try-people a").first.click()
    expect(page.locator(".tested")).to_contain_text("서지우")
    page.locator("[popovertarget=score-history]").click()
    expect(page.locator("#score-history li").first).to_be_visible()
