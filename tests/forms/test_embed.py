"""The form in somebody else's page, in a real Chromium: drawn by the page's own look, faults under the fields, thanks in its place."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client
from playwright.sync_api import Page, Route, sync_playwright

from baton.forms.models import Form
from baton.forms.spam import TRAP
from tools.browser import executable

pytestmark = [pytest.mark.django_db, pytest.mark.browser, pytest.mark.xdist_group("embed")]
SITE = "https://www.nuriwork.example/demo"


@contextmanager
def site(script: str, body: str, sent: list[dict[str, list[str]]], answer: dict[str, Any]) -> Iterator[Page]:
    """A page of a site with a strict policy for styles; what the form sends is kept in `sent`.

    The browser lives within the test only: while its loop runs, Django's connection of this thread is not to be used.
    """

    def reply(route: Route) -> None:
        if route.request.url.endswith(".js"):
            route.fulfill(body=script, content_type="text/javascript")
        elif route.request.method == "POST":
            sent.append(parse_qs(route.request.post_data or "", keep_blank_values=True))
            headers = {"access-control-allow-origin": "*", "content-type": "application/json"}
            route.fulfill(status=422 if "problems" in answer else 200, body=json.dumps(answer), headers=headers)
        else:
            text = f"<!doctype html><meta charset=utf-8><title>상담</title>{body}"
            route.fulfill(body=text, content_type="text/html", headers={"content-security-policy": "style-src 'self'"})

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        page = chromium.new_context(locale="ko-KR").new_page()
        page.set_default_timeout(10_000)
        page.route("**/*", reply)
        page.goto(SITE)
        yield page
        chromium.close()


def test_a_form_is_filled_in_and_thanked_for(client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js").text
    sent: list[dict[str, list[str]]] = []
    body = f'<main><p>앞</p><script src="https://baton.example/f/{form.guid}.js"></script><p>뒤</p></main>'
    with site(script, body, sent, {"thanks": "고맙습니다.", "redirect": ""}) as page:
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
        assert (data["email"], data["seniority"], data["consent.news"], data["hutk"], data["page_url"], data["page_title"]) == (
            ["minjun@hankyul.example"], ["exec"], ["true"], ["a" * 32], [SITE], ["상담"],
        )  # fmt: skip


def test_faults_of_the_server_stand_under_their_fields(client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js").text
    wrong = {"problems": [{"path": "fields.email", "code": "INVALID_EMAIL", "message": "이메일 주소가 올바르지 않습니다."}]}
    body = f'<div data-baton-form="{form.guid}"></div><script src="https://baton.example/f/{form.guid}.js"></script>'
    with site(script, body, [], wrong) as page:
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


def test_a_server_that_is_away_leaves_what_was_typed(client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js").text
    with site(script, f'<script src="https://baton.example/f/{form.guid}.js"></script>', [], {}) as page:
        page.route("**/f/*/", lambda route: route.abort())
        page.get_by_label("회사 이메일").fill("minjun@hankyul.example")
        page.get_by_label("성", exact=False).first.fill("김")
        page.get_by_role("button").click()
        page.get_by_role("alert").wait_for()
        assert page.get_by_label("회사 이메일").input_value() == "minjun@hankyul.example"
