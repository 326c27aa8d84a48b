"""The form in somebody else's page, in a real Chromium: drawn by the page's own look, faults under the fields, thanks in its place."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Route, sync_playwright

from baton.forms.models import Form
from baton.forms.spam import TRAP
from tools.browser import executable

pytestmark = pytest.mark.django_db
SITE = "https://www.nuriwork.example/demo"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop and Django share this thread and take turns
        chromium = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def show(browser: Browser, script: str, body: str, sent: list[dict[str, list[str]]], answer: dict[str, Any]) -> Page:
    """A page of a site with a strict policy for styles; what the form sends is kept in `sent`."""
    context = browser.new_context(locale="ko-KR")
    page = context.new_page()

    def reply(route: Route) -> None:
        if route.request.url.endswith(".js"):
            route.fulfill(body=script, content_type="text/javascript")
        elif route.request.method == "POST":
            sent.append(parse_qs(route.request.post_data or "", keep_blank_values=True))
            route.fulfill(
                status=422 if "problems" in answer else 200,
                body=json.dumps(answer),
                headers={"access-control-allow-origin": "*", "content-type": "application/json"},
            )
        else:
            route.fulfill(body=f"<!doctype html><title>상담</title>{body}", content_type="text/html", headers={"content-security-policy": "style-src 'self'"})

    page.route("**/*", reply)
    page.goto(SITE)
    return page


def test_a_form_is_filled_in_and_thanked_for(browser: Browser, client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js").text
    sent: list[dict[str, list[str]]] = []
    page = show(
        browser,
        script,
        f'<main><p>앞</p><script src="https://baton.example/f/{form.guid}.js"></script><p>뒤</p></main>',
        sent,
        {"thanks": "고맙습니다.", "redirect": ""},
    )
    assert page.locator("main > form.baton-form").count() == 1
    assert not page.locator(f"[name={TRAP}]").is_visible()
    page.context.add_cookies([{"name": "baton_v", "value": "a" * 32, "url": SITE}])
    page.get_by_label("회사 이메일").fill("minjun@hankyul.example")
    page.get_by_label("성", exact=False).first.fill("김")
    page.get_by_label("직급").select_option("임원")
    page.get_by_label("소식을 이메일로").check()
    page.get_by_role("button").click()
    page.get_by_role("status").wait_for()
    assert page.get_by_role("status").inner_text() == "고맙습니다."
    assert page.locator("form").count() == 0
    [data] = sent
    assert (data["email"], data["seniority"], data["consent"], data["hutk"], data["page_url"], data["page_title"]) == (
        ["minjun@hankyul.example"], ["exec"], ["true"], ["a" * 32], [SITE], ["상담"],
    )  # fmt: skip
    page.context.close()


def test_faults_of_the_server_stand_under_their_fields(browser: Browser, client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js").text
    wrong = {"problems": [{"path": "fields.email", "code": "INVALID_EMAIL", "message": "이메일 주소가 올바르지 않습니다."}]}
    body = f'<div data-baton-form="{form.guid}"></div><script src="https://baton.example/f/{form.guid}.js"></script>'
    page = show(browser, script, body, [], wrong)
    assert page.locator("[data-baton-form] > form").count() == 1
    page.get_by_label("회사 이메일").fill("minjun@hankyul")
    page.get_by_label("성", exact=False).first.fill("김")
    page.get_by_role("button").click()
    page.get_by_role("alert").wait_for()
    email = page.get_by_label("회사 이메일")
    assert email.get_attribute("aria-invalid") == "true"
    assert page.locator(f"#{email.get_attribute('aria-describedby')}").inner_text() == "이메일 주소가 올바르지 않습니다."
    assert email.evaluate("(e) => e === document.activeElement")
    assert page.get_by_role("button").is_enabled()
    page.context.close()


def test_a_server_that_is_away_leaves_what_was_typed(browser: Browser, client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js").text
    page = show(browser, script, f'<script src="https://baton.example/f/{form.guid}.js"></script>', [], {})
    page.route("**/f/*/", lambda route: route.abort())
    page.get_by_label("회사 이메일").fill("minjun@hankyul.example")
    page.get_by_label("성", exact=False).first.fill("김")
    page.get_by_role("button").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("회사 이메일").input_value() == "minjun@hankyul.example"
    page.context.close()
