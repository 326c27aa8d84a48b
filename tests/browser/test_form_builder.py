"""A form from the first click to the first answer: built with mouse and keys, published, put into somebody's page, sent, read, and counted."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser import sites
from tests.browser.sites import AGENT


def names(page: Page) -> list[str]:
    """The fields in their order."""
    return [str(name) for name in page.locator("#blocks > li").evaluate_all("all => all.map(one => one.dataset.name)")]


def test_a_form_is_built_published_embedded_sent_and_reported(page: Page, browser: Browser) -> None:
    page.goto("/forms/new/")
    page.get_by_label("이름", exact=True).fill("박람회 상담")
    page.get_by_text("문의", exact=True).click()
    page.get_by_role("button", name="폼 만들기").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("박람회 상담")
    assert names(page) == ["성", "이름", "업무용 이메일", "전화번호", "회사명", "문의 내용"]

    phone = page.locator("#block-phone [data-open]")  # with keys: up, out, and back by the toast
    phone.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-say]")).to_have_text("전화번호: 6개 중 3번째")
    expect(phone).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator("#block-phone")).to_have_count(0)
    expect(page.locator("#block-email [data-open]")).to_be_focused()
    page.get_by_role("button", name="되돌리기").click()
    expect(page.locator("#block-phone")).to_be_visible()
    assert names(page)[2] == "전화번호"

    grip, first = page.locator("#block-message [data-grip]").bounding_box(), page.locator("#block-lastname").bounding_box()  # with the mouse: to the top
    assert grip
    assert first
    page.mouse.move(grip["x"] + 6, grip["y"] + 12)
    page.mouse.down()
    page.mouse.move(grip["x"] + 6, first["y"] + 30, steps=6)
    page.mouse.move(grip["x"] + 6, first["y"] - 2)
    page.mouse.up()
    expect(page.locator("#blocks > li").first).to_have_attribute("data-block", "message")

    page.get_by_role("button", name="필드 추가").click()  # by the palette, behind the chosen one; the preview follows
    page.get_by_role("searchbox", name="필드 찾기").fill("목록에서")
    page.locator("#palette-fields").get_by_role("button", name="목록에서 선택").click()
    expect(page.locator("#panel h2")).to_have_text("목록에서 선택")
    page.get_by_label("라벨").fill("관심 제품")
    option = page.get_by_label("선택지", exact=True)
    option.first.fill("근태")
    option.first.press("Enter")
    page.keyboard.type("급여")
    preview = page.frame_locator("baton-preview iframe:not(.next)")
    expect(page.locator("#blocks")).to_contain_text("관심 제품")
    expect(preview.get_by_label("관심 제품")).to_contain_text("급여")

    page.get_by_role("button", name="스팸 방어").click()
    expect(page.locator("#panel h2")).to_have_text("스팸 방어")
    page.get_by_label("사람이 쓰는 데 드는 최소 시간(초)").fill("0")
    expect(page.get_by_text("저장됨", exact=True)).to_be_visible()
    page.locator("#form-head").get_by_role("button", name="게시").click()
    dialog = page.get_by_role("dialog", name="게시")
    expect(dialog).to_contain_text("있어야 할 것이 모두 있습니다")
    dialog.get_by_role("button", name="게시").click()
    expect(page.get_by_text("버전 1을(를) 공개했습니다")).to_be_visible()
    code, form = page.get_by_label("삽입 코드").input_value(), page.url.split("/share")[0]

    with sites.town() as town:
        town.put("/", f"<!doctype html><meta charset=utf-8><title>행사</title><h1>행사</h1>{code}")
        context = browser.new_context(user_agent=AGENT, locale="ko-KR")
        guest = context.new_page()
        guest.goto(town.url("fair"))
        guest.get_by_label(re.compile("^성")).fill("구")
        guest.get_by_label(re.compile("^이름")).fill("하랑")
        guest.get_by_label(re.compile("이메일")).first.fill("harang.gu@client.example")
        guest.get_by_label(re.compile("^회사명")).fill("클라이언트")
        guest.get_by_label(re.compile("^문의 내용")).fill("견적을 받고 싶습니다")
        guest.get_by_label(re.compile("^관심 제품")).select_option(label="급여")
        guest.get_by_label(re.compile("수집·이용에 동의")).check()
        guest.get_by_role("button", name="문의 보내기").click()
        expect(guest.get_by_text("문의해 주셔서 고맙습니다")).to_be_visible()
        context.close()

    page.goto(f"{form}/answers/")
    row = page.get_by_role("row").filter(has_text="하랑")
    expect(row).to_contain_text("급여")
    expect(row).to_contain_text("수집·이용")
    page.goto(f"{form}/report/")
    expect(page.get_by_text("전환율을 말하기에는 자료가 부족합니다")).to_be_visible()
    expect(page.locator(".facts dd").first).to_have_text("1")
    page.locator(".facts a").first.click()
    expect(page.get_by_role("link", name="구하랑")).to_be_visible()
