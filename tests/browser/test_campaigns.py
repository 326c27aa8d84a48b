"""A campaign from its making to its report: written, checked, scheduled and taken back, sent, paused, gone on with, opened by a person; and a list."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Mailer, settled
from tests.running import PATIENCE

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
READER = {"user-agent": CHROME, "accept-language": "ko-KR", "accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1"}


@pytest.fixture
def marketer(browser: Browser, server: str, signed_in: dict[str, Path]) -> Iterator[Page]:
    """A page of 오세린, in English."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", base_url=server, storage_state=signed_in["oh"])
    context.set_default_timeout(1000 * PATIENCE)
    page, faults = context.new_page(), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert not faults


@contextmanager
def kept(page: Page) -> Iterator[None]:
    """Until the form has saved itself."""
    with page.expect_response(lambda answer: answer.url.endswith("/change/") and answer.status == 200):
        yield
    settled(page)


def test_a_campaign_is_written_checked_sent_paused_and_reported(marketer: Page, mailer: Mailer) -> None:
    page = marketer
    mailer("prepare")
    page.goto("/campaigns/")
    page.get_by_role("button", name="New campaign").first.click()
    page.get_by_label("Name of the campaign").fill("겨울 캠페인")
    with kept(page):
        page.get_by_label("Mail that is sent").select_option(label="겨울 소식")
    page.get_by_role("button", name="Choose lists").first.click()
    page.locator("#pop-lists").get_by_label("겨울 고객").check()
    expect(page.locator("#campaign-count")).to_contain_text("Being counted")
    assert mailer("check") == 1
    expect(page.locator("#campaign-count")).to_contain_text("of 6 would get it now")  # by itself
    page.keyboard.press("Escape")

    # scheduled, and taken back
    with kept(page):
        page.get_by_role("combobox", name="Begins").select_option("at")
    with kept(page):
        page.get_by_label("Day", exact=True).fill("2199-01-02")
    page.locator(".page-head").get_by_role("link", name="Send check").click()
    page.get_by_role("button", name="Schedule", exact=True).click()
    page.get_by_role("button", name="Schedule for 5").click()
    expect(page.locator(".page-head .badge")).to_have_text("Scheduled")
    page.get_by_role("button", name="Do not send").click()
    expect(page.locator(".page-head .badge")).to_have_text("Draft")
    with kept(page):
        page.get_by_role("combobox", name="Begins").select_option("now")
    expect(page.get_by_label("Day", exact=True)).to_be_hidden()

    # the send check: who does not get it, and why
    page.locator(".page-head").get_by_role("link", name="Send check").click()
    expect(page.get_by_role("region", name="Receivers")).to_contain_text("5 get it")
    page.get_by_role("button", name="Count again").click()
    expect(page.get_by_role("region", name="Receivers")).to_contain_text("Being counted again")
    mailer("check")
    expect(page.get_by_role("button", name="Count again")).to_be_enabled()
    page.get_by_role("region", name="Receivers").locator("table a").click()
    expect(page.locator(".linked li")).to_have_count(1)
    page.go_back()
    aside = page.get_by_role("button", name="Set aside")
    aside.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Set aside").press("Enter")
    expect(page.get_by_role("textbox", name="Why these people are written to nevertheless")).to_be_focused()  # the first field with a fault
    page.keyboard.press("Escape")
    expect(aside).to_be_focused()
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Send to 5").click()

    # under way: paused before the first mail, then gone on with; the page follows by itself
    state = page.locator("#campaign-progress .badge")
    expect(state).to_have_text(re.compile("Being prepared|Being sent"))
    page.get_by_role("button", name="Pause").click()
    expect(state).to_have_text("Paused")
    assert mailer("work") == 0
    page.get_by_role("button", name="Go on").click()
    expect(state).to_have_text("Being prepared")
    assert mailer("work") == 5
    expect(state).to_have_text("Sent")
    expect(page.locator("#campaign-tiles")).to_contain_text("too few")

    # somebody reads it
    found = mailer("links")
    for address in (found["open"], found["click"]):
        page.request.get(address, headers=READER, max_redirects=0)
    assert mailer("count 2") >= 2
    opened = page.locator("#campaign-tiles > div", has_text="Opened it").get_by_role("link").first
    expect(opened).to_have_text("1")
    page.reload()
    expect(page.get_by_role("region", name="Where they clicked")).to_contain_text("https://shop.example/pricing")
    shown = page.frame_locator("iframe[name=link-map]")
    expect(shown.get_by_text("1 · 1")).to_be_visible()
    expect(shown.locator("a:not([tabindex='-1'])")).to_have_count(0)  # nobody steps through all links of the mail
    expect(page.get_by_role("region", name="What became of the mails")).to_contain_text("Left out")

    # … and the number becomes a list
    opened.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Make a list").click()
    page.get_by_role("button", name="Make the list").click()
    page.wait_for_url(re.compile(r"/lists/\d+/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("겨울 캠페인")
