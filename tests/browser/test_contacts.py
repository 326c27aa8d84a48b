"""What a marketer does with contacts, in a real browser; found by role and name, as a screen reader finds it."""

import re

from playwright.sync_api import Page, expect

from .pages import STORY


def open_story(page: Page) -> None:
    page.goto(f"/contacts/?q={STORY}")
    page.get_by_role("link", name=STORY).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(STORY)


def test_a_filter_is_a_sentence_and_a_link(page: Page) -> None:
    page.goto("/contacts/?f=stage:mql,sql;score:35..")
    page.get_by_role("button", name="라이프사이클 단계 MQL 또는 SQL", exact=True).click()
    editor = page.locator("#filter-pop")
    editor.get_by_label("영업 기회").check()
    editor.get_by_role("button", name="적용").click()
    expect(page.get_by_text("MQL 또는 SQL 또는 영업 기회")).to_be_visible()
    total = page.locator(".grid-foot .num").first.inner_text().rpartition("/ ")[2]
    expect(page.get_by_role("heading", level=1)).to_have_text(f"연락처 {total}명")
    shown = page.locator(".grid-foot .num").first.inner_text(), page.url
    page.goto(shown[1])
    assert page.locator(".grid-foot .num").first.inner_text() == shown[0]


def test_a_condition_is_added_and_gets_an_alternative(page: Page) -> None:
    page.goto("/contacts/")
    page.get_by_role("button", name="필터", exact=True).click()
    editor = page.locator("#filter-pop")
    editor.get_by_role("button", name="점수", exact=True).click()
    editor.get_by_label("최소").fill("40")
    page.keyboard.press("Enter")
    chip = page.get_by_role("button", name="점수 40점 이상", exact=True)
    expect(chip).to_be_visible()
    chip.click()
    editor.get_by_role("button", name="또는 …").click()
    editor.get_by_role("button", name="직급", exact=True).click()
    editor.get_by_label("부서장").check()
    editor.get_by_role("button", name="적용").click()
    expect(page.get_by_role("button", name="직급 부서장", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"f=%28score%3A40\.\.%7Crank%3Ahead%29"))
    page.get_by_role("button", name="그룹 지우기").click()
    expect(page.get_by_role("button", name="점수 40점 이상", exact=True)).to_have_count(0)


def test_search_keeps_the_caret_while_results_change(page: Page) -> None:
    page.goto("/contacts/")
    page.keyboard.press("/")
    page.keyboard.type("ㅅㅈㅇ", delay=40)
    page.wait_for_url("**q=%E3%85%85*")
    expect(page.get_by_role("link", name=STORY)).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "contact-search"


def test_sorting_and_columns_change_the_table(page: Page) -> None:
    page.goto("/contacts/")
    page.get_by_role("link", name="점수").click()
    expect(page.get_by_role("columnheader", name="점수")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="열", exact=True).click()
    page.locator("#columns").get_by_label("유입 경로").uncheck()
    expect(page.get_by_role("columnheader", name="유입 경로")).to_have_count(0)
    expect(page).to_have_url(re.compile("hide=source"))


def test_an_inline_edit_can_be_undone(page: Page) -> None:
    page.goto("/contacts/?sort=name")
    cell = page.locator("tbody tr").nth(3).locator(".c-title")
    before = cell.inner_text()
    cell.get_by_role("button").click()
    cell.get_by_role("textbox").fill("인사전략팀장")
    page.keyboard.press("Enter")
    expect(cell).to_have_text("인사전략팀장")
    page.get_by_role("button", name="되돌리기").click()
    expect(cell).to_have_text(before)


def test_many_contacts_get_a_stage_and_give_it_back(page: Page) -> None:
    page.goto("/contacts/?f=stage:lead&sort=name")
    total = page.locator(".grid-foot .num").first
    before = total.inner_text()
    for number in (0, 1):
        page.locator("tbody input[type=checkbox]").nth(number).check()
    bar = page.get_by_role("toolbar", name="선택한 연락처 작업")
    bar.get_by_role("button", name="단계").click()
    page.locator("#bulk-stage").get_by_role("button", name="재활용").click()
    expect(total).not_to_have_text(before)
    expect(bar).to_be_hidden()
    page.get_by_role("button", name="되돌리기").click()
    expect(total).to_have_text(before)


def test_the_keyboard_moves_selects_and_opens(page: Page) -> None:
    page.goto("/contacts/?sort=name")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody input[type=checkbox]").nth(1)).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/contacts/\d+/$"))


def test_a_contact_is_added_and_faults_stand_under_their_fields(page: Page) -> None:
    page.goto("/contacts/")
    page.get_by_role("button", name="연락처 추가").click()
    dialog = page.get_by_role("dialog", name="연락처 추가")
    dialog.get_by_label("이메일").fill("jiwoo.seo@gaonlogis.example")
    dialog.get_by_role("button", name="추가", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("이미 있습니다")
    expect(dialog.get_by_label("이메일")).to_be_focused()
    expect(dialog.get_by_role("link", name="열기")).to_be_visible()
    dialog.get_by_label("이메일").fill(f"new{page.evaluate('Date.now()')}@added.example")
    dialog.get_by_label("성", exact=True).fill("남궁")
    dialog.get_by_label("이름", exact=True).fill("별")
    dialog.get_by_role("button", name="추가", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("남궁별")


def test_a_property_is_edited_in_place(page: Page) -> None:
    open_story(page)
    side = page.get_by_role("complementary", name="속성")
    side.get_by_role("button", name="도시: –").click()
    side.get_by_role("textbox", name="도시").fill("부산")
    page.keyboard.press("Enter")
    expect(side.get_by_role("button", name="도시: 부산")).to_be_visible()
    page.get_by_role("button", name="되돌리기").click()
    expect(side.get_by_role("button", name="도시: –")).to_be_visible()


def test_escape_leaves_a_property_as_it_was(page: Page) -> None:
    open_story(page)
    side = page.get_by_role("complementary", name="속성")
    side.get_by_role("button", name="직책: 인사팀장").click()
    side.get_by_role("textbox", name="직책").fill("대표")
    page.keyboard.press("Escape")
    expect(side.get_by_role("button", name="직책: 인사팀장")).to_be_visible()
    page.reload()
    expect(side.get_by_role("button", name="직책: 인사팀장")).to_be_visible()


def test_a_wrong_value_says_so_and_is_kept_to_be_mended(page: Page) -> None:
    open_story(page)
    side = page.get_by_role("complementary", name="속성")
    side.get_by_role("button", name="이메일: jiwoo.seo@gaonlogis.example").click()
    side.get_by_role("textbox", name="이메일").fill("jiwoo@@")
    page.keyboard.press("Enter")
    expect(side.get_by_role("alert")).to_be_visible()
    expect(side.get_by_role("textbox", name="이메일")).to_have_value("jiwoo@@")


def test_a_note_appears_at_the_top_of_the_timeline(page: Page) -> None:
    open_story(page)
    page.get_by_role("textbox", name="메모").fill("다음 주에 다시 전화하기로 했습니다.")
    page.get_by_role("button", name="메모 저장").click()
    expect(page.locator(".event").first).to_contain_text("다음 주에 다시 전화하기로 했습니다.")
    expect(page.get_by_role("textbox", name="메모")).to_have_value("")


def test_the_timeline_shows_one_kind(page: Page) -> None:
    open_story(page)
    expect(page.get_by_text("익명 방문").first).to_be_visible()
    page.get_by_role("navigation", name="활동 종류").get_by_role("link", name="폼", exact=True).click()
    expect(page.get_by_text("‘상담 문의’ 폼을 제출했습니다")).to_be_visible()
    expect(page.locator(".event")).to_have_count(1)


def test_who_may_only_look_has_no_buttons_that_fail(viewer: Page) -> None:
    viewer.goto("/contacts/")
    expect(viewer.get_by_role("button", name="연락처 추가")).to_have_count(0)
    open_story(viewer)
    expect(viewer.get_by_role("textbox", name="메모")).to_have_count(0)
    expect(viewer.get_by_role("button", name="직책: 인사팀장")).to_have_count(0)


def test_an_open_record_offers_what_is_new(page: Page) -> None:
    open_story(page)
    other = page.context.new_page()
    open_story(other)
    page.get_by_role("button", name="직책: 인사팀장").wait_for()
    other.get_by_role("textbox", name="메모").fill("다른 창에서 쓴 메모")
    other.get_by_role("button", name="메모 저장").click()
    expect(other.locator(".event").first).to_contain_text("다른 창에서 쓴 메모")
    page.get_by_role("button", name="새 활동").click()
    expect(page.locator(".event").first).to_contain_text("다른 창에서 쓴 메모")
    expect(page.get_by_role("button", name="새 활동")).to_have_count(0)
