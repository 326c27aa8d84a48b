"""Two records become one and two again, in a real browser."""

import re

from playwright.sync_api import Page, expect

from .pages import STORY


def test_merge_and_back(page: Page) -> None:
    page.goto(f"/contacts/?q={STORY}")
    page.get_by_role("link", name=STORY).first.click()
    page.wait_for_url(re.compile(r"/contacts/\d+/"))
    number = page.url.rstrip("/").rpartition("/")[2]
    page.goto(f"/merge/contact/{number}/")
    page.get_by_role("searchbox").fill("김")
    page.locator("#others a[href^='/duplicates/']").first.click()
    other = page.locator(".merge-grid .heads > div").last.get_by_role("link").first.inner_text()
    page.locator(".merge footer .btn.primary").click()
    page.wait_for_url("**/merges/*/")
    expect(page.locator(".merged")).to_contain_text(other)
    page.locator("[hx-post$='/undo/']").click()
    page.wait_for_url("**/duplicates/**")
    expect(page.locator(".merge-grid .heads")).to_contain_text(other)
    expect(page.locator(".merge-grid .heads")).to_contain_text(STORY)
