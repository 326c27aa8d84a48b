"""What a visitor and a marketer do with content: a paper behind its form, and a landing page put together from blocks."""

import re

from playwright.sync_api import Page, expect


def test_a_paper_asks_once_opens_at_once_and_is_one_download(page: Page, visitor: Page) -> None:
    page.goto("/content/?kind=file")
    page.get_by_role("link", name="교대 근무 백서").click()
    address = page.get_by_label("주소").last.input_value()
    path = "/" + address.split("/", 3)[3]
    visitor.set_extra_http_headers({"user-agent": visitor.evaluate("navigator.userAgent").replace("Headless", "")})  # else no download counts
    visitor.goto(path)
    expect(visitor.get_by_role("link", name="내려받기")).to_have_count(0)
    visitor.get_by_label("회사 이메일").fill("reader@hanbit.example")
    visitor.get_by_label("성").fill("한")
    visitor.locator(".baton-form button").click()
    with visitor.expect_download() as waiting:
        visitor.get_by_role("link", name="내려받기").click()
    assert waiting.value.suggested_filename == "교대근무.pdf"
    visitor.goto(path)  # asked once
    expect(visitor.get_by_role("link", name="내려받기")).to_be_visible()
    page.goto("/contacts/?q=reader@hanbit.example")
    page.locator("td.name a").first.click()
    expect(page.get_by_text("교대 근무 백서").filter(has_text=re.compile("내려받|다운로드"))).to_have_count(1)


def test_a_landing_page_is_changed_and_published(page: Page) -> None:
    page.goto("/content/pages/")
    page.get_by_role("link", name="근태 안내").click()
    page.get_by_role("button", name="블록 추가").click()
    page.get_by_role("button", name="인용", exact=True).click()
    panel = page.locator("#panel")
    panel.get_by_label("인용").fill("마감이 사흘 줄었습니다.")
    block = page.locator("#blocks > li[aria-current]")
    expect(block).to_contain_text("마감이 사흘")
    block.locator("[data-open]").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.frame_locator("baton-preview iframe").first.get_by_text("마감이 사흘 줄었습니다.")).to_be_visible()
    page.get_by_role("button", name="게시", exact=True).click()
    page.locator("#sheet").get_by_role("button", name="게시").click()
    expect(page.locator("#sheet").get_by_role("link", name="보러 가기")).to_be_visible()
    page.goto("/p/guide/")
    expect(page.get_by_text("마감이 사흘 줄었습니다.")).to_be_visible()
