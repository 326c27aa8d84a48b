"""Fast hands on a slow line: answers are held back until the person has gone on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Error, Page, Route, expect

from tests.browser.sites import until

Held = list[Route]


@contextmanager
def slow(page: Page, method: str, path: str) -> Iterator[Held]:
    """Requests of this method whose path begins so wait here, until `answer` lets them go."""
    held: Held = []

    def hold(route: Route) -> None:
        if route.request.method == method and route.request.resource_type == "fetch":
            held.append(route)
        else:
            route.fallback()

    page.route(re.compile(f"^[a-z]+://[^/]+{re.escape(path)}"), hold)
    yield held
    page.unroute_all()


def answer(held: Held) -> None:
    for route in held:
        with suppress(Error):  # the page gave it up
            route.continue_()
    held.clear()


def test_a_campaign_is_made_once_and_keeps_what_is_typed_in_a_hurry(page: Page) -> None:
    page.goto("/campaigns/")
    button = page.get_by_role("button", name="새 캠페인").first
    with slow(page, "POST", "/campaigns/new/") as held:
        button.dblclick()
        expect(button).to_have_attribute("aria-busy", "true")
        expect(button).to_be_focused()
        assert len(held) == 1
        answer(held)
        page.wait_for_url(re.compile(r"/campaigns/\d+/$"))
    name, pace = page.locator("[name=name]"), page.locator("select[name=pace]")
    with slow(page, "POST", "/campaigns/") as held:
        with page.expect_request("**/change/"):
            name.fill("급한 캠페")
            pace.select_option("hourly")  # leaving the name sends it
        name.fill("급한 캠페인")
        page.locator("[name=per_hour]").click()
        page.keyboard.type("12")
        with page.expect_request("**/change/"):  # the change that waited for the answer to the first one
            answer(held)
        expect(name).to_have_value("급한 캠페인")
        page.keyboard.type("34")
        expect(page.locator("[name=per_hour]")).to_have_value("1234")
        answer(held)
    page.get_by_role("link", name="발송 점검").click()  # at once: it waits for what saves itself
    page.wait_for_url(re.compile(r"/check/$"))
    page.get_by_role("link", name="급한 캠페인").click()
    expect(page.locator("[name=per_hour]")).to_have_value("1234")


def test_the_last_search_is_what_is_shown(page: Page) -> None:
    page.goto("/contacts/")
    expect(page.locator("#records")).to_contain_text("서지우")
    with slow(page, "GET", "/contacts/?q=") as held:
        page.locator("#record-search").click()
        for letters in ("서", "지우"):
            with page.expect_request("**/contacts/?q=*"):
                page.keyboard.type(letters)
        until(page, "document.querySelector('#progress.htmx-request')")
        answer(held[::-1])  # the older one comes last
    expect(page).to_have_url(re.compile(r"q=%EC%84%9C%EC%A7%80%EC%9A%B0"))
    expect(page.locator("#records tbody tr")).to_have_count(1)
    expect(page.locator("#record-search")).to_have_value("서지우")


def test_what_was_typed_is_not_lost_without_a_word(page: Page) -> None:
    page.goto("/contacts/")
    page.locator("#add-record").click()
    sheet, said = page.locator("#sheet"), []
    field = sheet.get_by_label("이메일").first
    field.fill("a@b.example")
    stay = lambda dialog: (said.append(dialog.type), dialog.dismiss())  # noqa: E731
    page.once("dialog", stay)
    page.keyboard.press("Escape")
    expect(field).to_have_value("a@b.example")
    page.once("dialog", stay)
    page.evaluate("location.assign('/tasks/')")
    expect(field).to_be_visible()
    page.once("dialog", lambda dialog: (said.append(dialog.type), dialog.accept()))
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert said == ["confirm", "beforeunload", "confirm"]


def test_a_card_stays_in_the_hand_while_the_one_before_it_is_moved(admin: Page) -> None:
    page = admin
    page.goto("/deals/?layout=board")
    card = page.locator("[data-movable]").first
    expect(card).to_be_visible()

    def drag(stage: str) -> None:
        card.scroll_into_view_if_needed()
        at, to = card.bounding_box(), page.locator(f".lane[data-stage={stage}]").bounding_box()
        assert at
        assert to
        page.mouse.move(at["x"] + 40, at["y"] + 8)
        page.mouse.down()
        page.mouse.move(to["x"] + 40, to["y"] + 60, steps=4)

    with slow(page, "POST", "/board/") as held:
        drag("qualifiedtobuy")
        page.mouse.up()
        drag("appointmentscheduled")
        answer(held)
        expect(page.locator(".lane[data-stage=qualifiedtobuy] .deal.moving")).to_have_count(1)  # the answer has put it there, and the hand still holds it
    page.mouse.up()
    expect(page.locator(".lane[data-stage=appointmentscheduled] .deal")).to_have_count(1)
