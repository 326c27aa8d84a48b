"""What people do with tables, in a real browser; found by role and name, as a screen reader finds it."""

import re

from playwright.sync_api import Page, expect

from .pages import STORY


def test_a_filter_is_a_sentence_and_a_link(page: Page) -> None:
    page.goto("/contacts/?f=stage:mql,sql;score:35..")
    page.get_by_role("button", name="라이프사이클 단계 MQL 또는 SQL", exact=True).click()
    editor = page.locator("#filter-pop")
    editor.get_by_label("영업 기회").check()
    editor.get_by_role("button", name="적용").click()
    expect(page.get_by_role("button", name="라이프사이클 단계 MQL 또는 SQL 또는 영업 기회", exact=True)).to_be_visible()
    total = page.locator(".grid-foot .num").first.inner_text().rpartition("/ ")[2]
    expect(page.get_by_role("heading", level=1)).to_have_text(f"연락처 {total}명")
    shown = page.locator(".grid-foot .num").first.inner_text(), page.url
    page.goto(shown[1])
    assert page.locator(".grid-foot .num").first.inner_text() == shown[0]


def test_a_filter_nests_and_is_turned_round(page: Page) -> None:
    page.goto("/contacts/")
    page.get_by_role("button", name="필터", exact=True).click()
    editor = page.locator("#filter-pop")
    editor.get_by_role("button", name="점수", exact=True).click()
    editor.get_by_label("최소").fill("40")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="점수 40점 이상", exact=True).click()
    editor.get_by_role("button", name="또는 …").click()
    editor.get_by_role("searchbox", name="속성 찾기").fill("직급")
    editor.get_by_role("button", name="직급", exact=True).click()
    editor.get_by_label("부서장").check()
    editor.get_by_role("button", name="적용").click()
    expect(page).to_have_url(re.compile(r"f=%28score%3A40\.\.%7Crank%3Ahead%29"))
    page.get_by_role("button", name="직급 부서장", exact=True).click()
    editor.get_by_role("button", name="그리고 …").click()
    editor.get_by_role("button", name="담당자", exact=True).click()
    editor.get_by_label("한도윤").check()
    editor.get_by_role("button", name="적용").click()
    expect(page).to_have_url(re.compile(r"f=%28score%3A40\.\.%7Crank%3Ahead%3Bowner%3A\d+%29"))
    page.get_by_role("button", name="그룹 바꾸기").last.click()
    editor.get_by_role("button", name=re.compile("^반대로")).click()
    expect(page.get_by_text("아닌 것:")).to_be_visible()
    page.get_by_role("button", name="그룹 지우기").last.click()
    expect(page.get_by_role("button", name="점수 40점 이상", exact=True)).to_have_count(0)


def test_search_keeps_the_caret_while_results_change(page: Page) -> None:
    page.goto("/contacts/")
    page.keyboard.press("/")
    page.keyboard.type("ㅅㅈㅇ", delay=40)
    page.wait_for_url("**q=%E3%85%85*")
    expect(page.get_by_role("link", name=STORY)).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "record-search"


def test_columns_are_found_added_and_put_in_order(page: Page) -> None:
    page.goto("/contacts/?columns=company,score")
    page.get_by_role("button", name="열", exact=True).click()
    chooser = page.locator("#columns")
    chooser.get_by_role("searchbox").fill("도시")
    chooser.get_by_label("도시", exact=True).check()
    expect(page).to_have_url(re.compile("columns=company%2Cscore%2Ccity"))
    chooser.get_by_role("searchbox").fill("")
    chooser.get_by_text("도시", exact=True).hover()
    chooser.get_by_role("button", name="도시: 앞으로").click()
    expect(page).to_have_url(re.compile("columns=company%2Ccity%2Cscore"))
    expect(page.get_by_role("columnheader").nth(3)).to_have_text("도시")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="도시", exact=True).click()
    expect(page.get_by_role("columnheader", name="도시")).to_have_attribute("aria-sort", "descending")


def test_an_edit_in_a_cell_is_saved_reverted_and_taken_back(page: Page) -> None:
    page.goto("/contacts/?sort=name&columns=jobtitle,lifecyclestage")
    cell = page.locator("tbody tr").nth(3).locator(".c-jobtitle")
    before = cell.inner_text()
    cell.get_by_role("button").click()
    cell.get_by_role("textbox").fill("대표")
    page.keyboard.press("Escape")
    expect(cell).to_have_text(before)
    cell.get_by_role("button").click()
    cell.get_by_role("textbox").fill("인사전략팀장")
    page.keyboard.press("Enter")
    expect(cell).to_have_text("인사전략팀장")
    page.get_by_role("button", name="되돌리기").click()
    expect(cell).to_have_text(before)
    stage = page.locator("tbody tr").nth(3).locator(".c-lifecyclestage")
    was = stage.inner_text().strip()
    stage.get_by_role("button").click()
    stage.get_by_role("combobox").select_option(label="재활용 A")
    expect(stage).to_have_text("재활용 A")
    page.get_by_role("button", name="되돌리기").last.click()
    expect(stage).to_have_text(was)


def test_many_get_a_value_and_give_it_back(page: Page) -> None:
    page.goto("/contacts/?f=stage:lead&sort=name")
    total = page.locator(".grid-foot .num").first
    before = total.inner_text()
    for number in (0, 1):
        page.locator("tbody input[type=checkbox]").nth(number).check()
    bar = page.get_by_role("toolbar", name="선택한 레코드 작업")
    expect(bar).to_contain_text("2명 선택")
    bar.get_by_role("button", name="수정").click()
    sheet = page.locator("#sheet")
    sheet.get_by_role("combobox", name="속성").select_option(label="라이프사이클 단계")
    sheet.get_by_role("combobox", name="라이프사이클 단계").select_option(label="재활용 A")
    sheet.get_by_role("button", name="변경", exact=True).click()
    expect(total).not_to_have_text(before)
    expect(bar).to_be_hidden()
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="되돌리기").click()
    expect(total).to_have_text(before)


def test_all_that_match_get_an_owner(page: Page) -> None:
    page.goto("/contacts/?f=stage:customer&sort=name")
    owners = page.locator("tbody .c-owner_id")
    page.goto("/contacts/?sort=name")
    page.locator("tbody input[type=checkbox]").first.check()
    bar = page.get_by_role("toolbar", name="선택한 레코드 작업")
    bar.get_by_role("button", name=re.compile("모두$")).click()
    expect(bar).to_contain_text(re.compile(r"2\d\d명 선택"))  # other tests add people
    before = owners.all_inner_texts()
    bar.get_by_role("button", name="담당자").click()
    page.locator("#bulk-owner").get_by_role("button", name="한도윤").click()
    expect(owners.filter(has_not_text="한도윤")).to_have_count(0)
    page.get_by_role("button", name="되돌리기").click()
    expect(owners).to_have_text(before)


def test_the_keyboard_moves_selects_edits_opens_and_helps(page: Page) -> None:
    page.goto("/contacts/?sort=name&columns=jobtitle")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="키보드")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="키보드")).to_be_hidden()
    for row in range(2):
        page.keyboard.press("j")
        expect(page.locator("tbody tr").nth(row)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("tbody input[type=checkbox]").nth(1)).to_be_checked()
    page.keyboard.press("x")
    page.keyboard.press("e")
    expect(page.locator("tbody tr").nth(1).get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("tbody tr").nth(1).focus()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/contacts/\d+/$"))
    page.goto("/companies/")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#sheet")).to_contain_text("회사 추가")


def test_a_view_is_saved_changed_and_deleted(page: Page) -> None:
    page.goto("/companies/?f=industry:it&columns=industry&sort=name")
    page.get_by_role("button", name="보기 저장").click()
    page.locator("#save-view").get_by_label("보기 이름").fill("IT 회사")
    page.locator("#save-view").get_by_role("button", name="저장").click()
    tab = page.get_by_role("navigation", name="보기").get_by_role("link", name="IT 회사")
    expect(tab).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(r"/companies/\?view=\d+$"))
    expect(page.get_by_role("button", name="업종 IT·소프트웨어")).to_be_visible()
    page.get_by_role("button", name="업종 필터 지우기").click()
    expect(page.get_by_role("button", name="보기에 저장")).to_be_visible()
    page.get_by_role("button", name="IT 회사 보기 바꾸기").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="보기 삭제").click()
    expect(tab).to_have_count(0)


def test_a_contact_is_added_and_faults_stand_under_their_fields(page: Page) -> None:
    page.goto("/contacts/")
    page.get_by_role("button", name="연락처 추가").click()
    dialog = page.locator("#sheet")
    dialog.get_by_label("이메일").fill("jiwoo.seo@gaonlogis.example")
    dialog.get_by_role("button", name="추가", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("이미 있습니다")
    expect(dialog.get_by_label("이메일")).to_be_focused()
    expect(dialog.get_by_role("link", name="열기")).to_be_visible()
    dialog.get_by_label("이메일").fill(f"new{page.evaluate('Date.now()')}@added.example")
    dialog.get_by_label("성", exact=True).fill("남궁")
    dialog.get_by_label("이름", exact=True).fill("별")
    dialog.get_by_role("button", name="추가", exact=True).click()
    page.wait_for_url(re.compile(r"/contacts/\d+/$"))


def test_a_broken_filter_says_so_and_leads_back(page: Page) -> None:
    page.goto("/contacts/?f=(stage:mql")
    expect(page.get_by_role("alert")).to_contain_text("필터를 읽을 수 없습니다")
    page.get_by_role("link", name="필터 모두 지우기").click()
    expect(page.locator("tbody tr").first).to_be_visible()


def test_on_a_phone_the_table_is_a_list(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/companies/")
    expect(page.get_by_role("link", name="가온로지스", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_who_may_only_look_gets_no_editors(viewer: Page) -> None:
    viewer.goto("/contacts/")
    expect(viewer.locator("tbody tr").first).to_be_visible()
    expect(viewer.locator("tbody button.edit")).to_have_count(0)
    expect(viewer.get_by_role("button", name="연락처 추가")).to_have_count(0)
