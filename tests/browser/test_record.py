"""The record page as people use it: notes with mentions, calls, tasks, links, files, and the way from one record to the next."""

import re

from playwright.sync_api import Locator, Page, expect

from .pages import STORY


def open_story(page: Page) -> None:
    page.goto(f"/contacts/?q={STORY}")
    page.get_by_role("link", name=STORY).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(STORY)


def send(page: Page) -> None:
    page.locator("#composer footer .btn").last.click()


def menu(page: Page, text: str) -> Locator:
    """The opened menu of the activity that says `text`."""
    row = page.locator("#timeline .event.logged", has_text=text).first
    row.hover()
    row.locator(".act").click()
    return row.locator(".pop")


def test_a_note_calls_a_colleague(page: Page) -> None:
    open_story(page)
    page.locator("#composer textarea").click()
    page.keyboard.type("예산은 @한도", delay=20)
    expect(page.locator("#composer .mention-list")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("님이 압니다")
    send(page)
    expect(page.locator("#timeline .mention").first).to_have_text("@한도윤")
    expect(page.locator("#composer textarea")).to_have_value("")


def test_a_call_is_logged_changed_deleted_and_back(page: Page) -> None:
    open_story(page)
    page.locator(".quick button").nth(2).click()
    page.locator("#composer [name=minutes]").fill("12")
    page.locator("#composer [name=body]").fill("가격을 이야기했습니다")
    send(page)
    timeline = page.locator("#timeline")
    expect(timeline.get_by_text("가격을 이야기했습니다")).to_be_visible()
    menu(page, "가격을 이야기").locator("button").first.click()
    form = page.locator(".event.editing")
    form.locator("textarea").fill("할인을 이야기했습니다")
    form.locator("footer .btn").last.click()
    expect(timeline.get_by_text("할인을 이야기했습니다")).to_be_visible()
    menu(page, "할인을 이야기").locator("form").last.locator("button").click()
    expect(timeline.get_by_text("할인을 이야기했습니다")).to_have_count(0)
    page.locator(".toast button").last.click()
    expect(timeline.get_by_text("할인을 이야기했습니다")).to_be_visible()


def test_a_note_is_pinned(page: Page) -> None:
    open_story(page)
    page.locator("#composer textarea").fill("결정은 11월 말")
    send(page)
    menu(page, "결정은 11월 말").locator("form").first.locator("button").click()
    expect(page.locator("#pinned")).to_contain_text("결정은 11월 말")
    page.locator("#pinned .act").click()
    expect(page.locator("#pinned .event")).to_have_count(0)


def test_a_task_stands_on_top_until_it_is_done(page: Page) -> None:
    page.goto("/contacts/?sort=name")  # somebody else: what is due tomorrow stands above the story that other tests tell
    page.locator("td.name a").filter(has_not_text=STORY).first.click()
    page.locator(".quick button").nth(3).click()
    page.locator("#composer [name=subject]").fill("제안서 보내기")
    send(page)
    banner = page.locator("#next-step")
    expect(banner).to_contain_text("제안서 보내기")
    banner.locator("button").click()
    expect(banner).not_to_contain_text("제안서 보내기")
    expect(page.locator("#timeline .event.done", has_text="제안서 보내기")).to_be_visible()


def test_an_empty_note_says_so(page: Page) -> None:
    open_story(page)
    send(page)
    expect(page.locator("#composer").get_by_role("alert")).to_be_visible()


def test_a_company_is_linked_and_unlinked(page: Page) -> None:
    open_story(page)
    panel = page.locator("#links-company")
    panel.locator("header button").click()
    picker = page.locator("#picker-pop")
    with page.expect_response(re.compile(r"links/company/\?q=")):
        picker.locator("input").fill("물류")
    found = picker.locator("#picker-list button", has_text="물류").first
    expect(found).to_be_visible()
    name = found.locator(".grow > span").inner_text()
    found.click()
    expect(panel.locator(".linked a")).to_have_count(2)
    expect(panel).to_contain_text(name)
    page.locator(".toast button").last.click()
    expect(panel.locator(".linked a")).to_have_count(1)


def test_files_come_and_go(page: Page) -> None:
    open_story(page)
    files = page.locator("#files")
    files.locator("input[type=file]").set_input_files({"name": "견적서.pdf", "mimeType": "text/html", "buffer": b"%PDF-1.7 test"})
    expect(files).to_contain_text("견적서.pdf")
    with page.expect_download() as started:
        files.locator(".linked a").first.click()
    assert started.value.suggested_filename == "견적서.pdf"
    files.locator("li").first.hover()
    files.locator("li .act").first.click()
    files.locator(".pop button").first.click()
    expect(files).not_to_contain_text("견적서.pdf")


def test_from_one_record_to_the_next(page: Page) -> None:
    page.goto("/contacts/?sort=-score")
    page.locator("tbody tr").nth(1).locator("a[href^='/contacts/']").first.click()
    first = page.get_by_role("heading", level=1).inner_text()
    page.locator(".neighbours [rel=next]").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(first)
    page.locator(".neighbours [rel=prev]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)


def test_an_archived_record_comes_back(page: Page) -> None:
    page.goto("/companies/?sort=name")
    page.locator("tbody tr").last.locator("a[href^='/companies/']").first.click()
    page.locator("[popovertarget=record-menu]").click()
    page.locator("#record-menu form button").click()
    note = page.locator(".note.archived")
    expect(note).to_be_visible()
    expect(page.locator("#composer")).to_have_count(0)
    note.locator("button").click()
    expect(note).to_have_count(0)
    expect(page.locator("#composer")).to_be_visible()


def test_who_may_only_look_finds_no_forms(viewer: Page) -> None:
    open_story(viewer)
    expect(viewer.locator("#composer")).to_have_count(0)
    expect(viewer.locator(".card.links header button, .card.links header form")).to_have_count(0)
    expect(viewer.locator(".value-row button.value")).to_have_count(0)
