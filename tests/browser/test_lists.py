"""What a marketer does with lists: write a filter with groups, see whom it finds, save it, put people in by hand. Found as a screen reader finds it."""

import re

from playwright.sync_api import Page, Route, expect


def test_a_list_is_written_seen_and_saved(page: Page) -> None:
    page.goto("/lists/new/")
    page.get_by_label("이름").fill("부서장과 임원")
    editor = page.get_by_role("group", name="필터", exact=True)
    editor.get_by_role("button", name="조건", exact=True).first.press("Enter")
    page.get_by_role("button", name="속성", exact=True).press("Enter")
    row = editor.locator(".filter-row")
    row.locator("[name$='/property']").select_option("seniority")
    row.locator("[name$='/operator']").select_option("any_of")
    row.get_by_role("button", name=re.compile("값")).press("Enter")
    row.get_by_label("부서장").check()
    expect(editor.get_by_role("status")).to_contain_text("부서장")
    row.get_by_label("임원").check()
    page.keyboard.press("Escape")
    expect(editor.get_by_role("status")).to_contain_text(re.compile(r"임원[\s\S]*\d명"))
    editor.get_by_role("button", name="그룹", exact=True).first.click()
    inner = editor.locator(".filter-inner")
    inner.get_by_role("button", name="조건", exact=True).click()
    inner.get_by_role("button", name="페이지 조회", exact=True).click()
    inner.locator("[name$='/often']").select_option("at_least")
    expect(inner.locator("[name$='/at_least']")).to_have_value("2")
    inner.locator("[name$='/when']").select_option("days")
    inner.locator("[name$='/days']").fill("7")
    expect(editor.get_by_role("status")).to_contain_text("최근 7일")
    inner.get_by_role("button", name="조건 삭제: 페이지 조회").click()
    expect(inner.get_by_role("button", name="조건", exact=True)).to_be_focused()
    expect(page.locator("#effect")).to_contain_text("조건에 맞음")
    slow: list[Route] = []
    page.route("**/filter-editor/**", lambda route: slow.append(route), times=1)
    editor.get_by_role("button", name="그룹 지우기").click()
    page.get_by_role("button", name="저장").click()  # before the answer: it waits for it
    expect(page.locator("#progress")).to_have_class(re.compile("htmx-request"))
    slow[0].continue_()
    expect(page.get_by_role("heading", level=1)).to_contain_text("부서장과 임원")


def test_somebody_is_put_in_by_hand_and_taken_back(page: Page) -> None:
    page.goto("/lists/")
    page.get_by_role("searchbox", name="목록 찾기").fill("웨비나")
    expect(page.locator("#list-rows tbody tr")).to_have_count(1)
    page.get_by_role("link", name="웨비나 참석자").click()
    members = page.locator("#members")
    name = members.locator("td.name a").first.inner_text()
    members.get_by_role("button", name=f"{name}님 빼기").click()
    expect(members.get_by_role("link", name=name, exact=True)).to_have_count(0)
    page.get_by_role("button", name="되돌리기").click()
    expect(members.get_by_role("link", name=name, exact=True)).to_have_count(1)
