"""Around every page: sign-in, themes, languages, the palette, phones."""

import re

from playwright.sync_api import Page, expect

from .conftest import PASSWORD
from .pages import STORY


def test_signing_in_and_out(visitor: Page) -> None:
    visitor.goto("/contacts/")
    visitor.get_by_label("이메일").fill("han@nuriwork.example")
    visitor.get_by_label("비밀번호", exact=True).fill("wrong")
    visitor.get_by_role("button", name="로그인").click()
    expect(visitor.get_by_role("alert")).to_be_visible()
    visitor.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    visitor.get_by_role("button", name="로그인").click()
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("연락처")
    visitor.get_by_role("complementary").get_by_role("button", name="한도윤").click()
    visitor.get_by_role("button", name="로그아웃").click()
    expect(visitor.get_by_role("heading", name="로그인")).to_be_visible()


def test_the_palette_finds_people_by_initial_consonants(page: Page) -> None:
    page.goto("/")
    page.bring_to_front()  # keys go to the page that has them
    page.keyboard.press("Control+k")
    page.keyboard.type("ㅅㅈㅇ", delay=40)
    wanted = page.get_by_role("option", name=re.compile(STORY))
    expect(wanted).to_be_visible()
    for _step in range(page.get_by_role("option").count()):
        if wanted.get_attribute("aria-selected") != "true":
            page.keyboard.press("ArrowDown")
    expect(wanted).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(STORY)


def test_the_palette_knows_the_pages(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option", name="연락처")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option", name="연락처")).to_be_hidden()


def test_the_theme_is_kept(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    page.locator(".side [data-theme-toggle]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/contacts/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_language_changes_and_comes_back(viewer: Page) -> None:
    viewer.goto("/contacts/?q=1")
    viewer.get_by_role("button", name="류태경").click()
    viewer.get_by_role("button", name="English").click()
    expect(viewer.get_by_role("heading", level=1)).to_contain_text("Contacts")
    expect(viewer).to_have_url(re.compile(r"/contacts/\?q=1"))
    viewer.get_by_role("button", name="류태경").click()
    viewer.get_by_role("button", name="한국어").click()
    expect(viewer.get_by_role("heading", level=1)).to_contain_text("연락처")


def test_a_phone_reaches_every_page(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    page.get_by_role("navigation", name="하단 메뉴").get_by_role("link", name="연락처").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("연락처")
    page.get_by_role("button", name="전체", exact=True).click()
    page.get_by_role("option", name="리드 스코어링").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("리드 스코어링")


def test_a_phone_shows_one_part_of_the_record_at_a_time(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/contacts/?q={STORY}")
    page.get_by_role("link", name=STORY).click()
    expect(page.get_by_role("heading", name="리드 점수")).to_be_hidden()
    page.get_by_text("점수 · 연결").click()
    expect(page.get_by_role("heading", name="리드 점수")).to_be_visible()
    expect(page.get_by_role("textbox", name="메모")).to_be_hidden()
