"""What every page has: headers, navigation by role, language, errors as pages and as toasts."""

import json
import re

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.platform.actor import SYSTEM
from baton.web.page import pages

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def user(role: str, language: str = "") -> User:
    return users.create(f"{role}@nuriwork.example", role.title(), "a-long-enough-one", role, actor=SYSTEM, language=language)


def client(role: str, **headers: str) -> Client:
    web = Client(headers={"accept-language": "en", **headers})
    web.force_login(user(role))
    return web


def test_scripts_come_from_files_only(account: object) -> None:
    for url, web in (("/login/", Client()), ("/", client("admin"))):
        answer = web.get(url)
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        body = answer.content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)", body) == []
        assert re.findall(r"\son\w+=", body) == []


def test_the_navigation_has_what_the_pages_say(account: object) -> None:
    body = client("admin").get("/").content.decode()
    me = User.objects.get()
    at_the_foot = ("settings", "settings_me")  # beside and below the user, without a line of their own
    for page in pages().values():
        if page.icon:
            assert all(f'href="{item.url}"' in body for item in page.items(me)), page.key
        else:
            assert (f'href="{page.address()}"' in body) == (page.key in at_the_foot), page.key
    assert "/objects/quotes/" in body
    assert "/objects/line_items/" not in body  # seen in their deal or quote


def test_the_language_is_the_users_else_the_browsers_else_the_accounts(account: object) -> None:
    web = Client()
    assert web.get("/login/")["Content-Language"] == "ko"
    assert web.get("/login/", headers={"accept-language": "en-GB,en;q=0.9"})["Content-Language"] == "en"
    web.force_login(user("sales", "en"))
    assert web.get("/", headers={"accept-language": "ko"})["Content-Language"] == "en"


def test_a_choice_of_language_is_kept_and_leads_back(account: object) -> None:
    web = client("viewer")
    answer = web.post("/me/language/", {"language": "ko", "next": "/contacts/?q=1"})
    assert answer["Location"] == "/contacts/?q=1"
    assert User.objects.get().language == "ko"
    assert web.post("/me/language/", {"language": "en", "next": "https://elsewhere.example/"})["Location"] == "/"
    assert web.post("/me/language/", {"language": "xx"}).status_code == 422


def test_errors_are_pages_for_people_and_toasts_for_htmx(account: object) -> None:
    web = client("viewer")
    assert web.get("/nothing-here/").status_code == 404
    assert "There is nothing here" in web.get("/contacts/1/").content.decode()
    answer = web.get("/contacts/1/", headers=HTMX)
    assert (answer.status_code, answer["HX-Reswap"]) == (404, "none")
    assert json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert web.get("/contacts/new/").status_code == 403
    assert web.get("/contacts/?f=nonsense:1").status_code == 422


def test_a_lost_session_leads_htmx_to_sign_in(account: object) -> None:
    answer = Client().get("/contacts/", headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/login/")


def test_texts_of_users_are_escaped(account: object) -> None:
    web = Client()
    web.force_login(users.create("x@nuriwork.example", "<b>x</b>", "a-long-enough-one", "admin", actor=SYSTEM))
    body = web.get("/").content.decode()
    assert "<b>x</b>" not in body.replace("<header><b>", "").replace("<b>&lt;", "&lt;")
    assert "&lt;b&gt;x&lt;/b&gt;" in body
