"""What a marketer does with a contact, in a real browser; found by role and name, as a screen reader finds it."""

from playwright.sync_api import Page, expect

from .pages import STORY


def open_story(page: Page) -> None:
    page.goto(f"/contacts/?q={STORY}")
    page.get_by_role("link", name=STORY).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(STORY)


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
