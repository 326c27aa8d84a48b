"""Signing in and out, and a new password by mail."""

import re

import pytest
from django.core import mail
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.platform.actor import SYSTEM
from baton.platform.config import config

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-one"


@pytest.fixture
def oh() -> User:
    return users.create("oh@nuriwork.example", "오세린", PASSWORD, "marketing", actor=SYSTEM)


@pytest.fixture
def web() -> Client:
    return Client(headers={"accept-language": "en"})


def test_a_page_leads_to_sign_in_and_back(oh: User, web: Client) -> None:
    answer = web.get("/contacts/?q=seo")
    assert answer["Location"] == "/login/?next=/contacts/%3Fq%3Dseo"
    assert b'name="next" value="/contacts/?q=seo"' in web.get(answer["Location"]).content
    answer = web.post("/login/", {"login": "OH@nuriwork.example", "password": PASSWORD, "next": "/contacts/?q=seo"})
    assert answer["Location"] == "/contacts/?q=seo"
    assert web.get("/contacts/?q=seo").status_code == 200


def test_next_never_leads_to_another_site(oh: User, web: Client) -> None:
    answer = web.post("/login/", {"login": oh.email, "password": PASSWORD, "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"


def test_a_wrong_password_does_not_say_whether_the_user_exists(oh: User, web: Client) -> None:
    texts = set()
    for address in (oh.email, "nobody@nuriwork.example"):
        page = web.post("/login/", {"login": address, "password": "something-else"}).content.decode()
        texts.add(re.findall(r'class="fault" role="alert">.*?</svg>(.*?)</p>', page, re.S)[0].strip())
    assert len(texts) == 1


def test_sign_out_needs_a_post(oh: User, web: Client) -> None:
    web.force_login(oh)
    assert web.get("/logout/").status_code == 200
    assert web.get("/").status_code == 200
    assert web.post("/logout/")["Location"] == "/login/"
    assert web.get("/").status_code == 302


def test_a_new_password_by_mail(oh: User, web: Client) -> None:
    assert web.post("/login/reset/", {"email": oh.email}).status_code == 302
    assert len(mail.outbox) == 1
    link = re.search(r"https?://[^/]+(/login/reset/\S+)", str(mail.outbox[0].body))
    assert link
    form = web.get(link[1], follow=True)
    target = form.redirect_chain[-1][0]
    assert web.post(target, {"password1": "another-long-one", "password2": "another-long-one"}).status_code == 302
    oh.refresh_from_db()
    assert oh.check_password("another-long-one")
    assert "no longer works" in Client(headers={"accept-language": "en"}).get(link[1], follow=True).content.decode()


def test_the_link_of_the_mail_leads_to_the_public_address_whoever_asked(oh: User, web: Client) -> None:
    """A forged Host header would send the key of somebody's account to another site."""
    assert web.post("/login/reset/", {"email": oh.email}, headers={"host": "evil.example", "x-forwarded-host": "evil.example"}).status_code == 302
    text = str(mail.outbox[0].body)
    assert "evil" not in text
    assert f"{config().url}/login/reset/" in text


@pytest.mark.parametrize(
    "next", ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example/", "https:elsewhere.example", "javascript:alert(1)"]
)
def test_next_leads_nowhere_else_by_any_spelling(oh: User, web: Client, next: str) -> None:
    answer = web.post("/login/", {"login": oh.email, "password": PASSWORD, "next": next}, headers={"host": "elsewhere.example"})
    assert answer["Location"] == "/"


def test_guessing_passwords_is_slowed_down(oh: User, web: Client) -> None:
    for _ in range(12):
        web.post("/login/", {"login": oh.email, "password": "wrong-again"})
    answer = web.post("/login/", {"login": oh.email, "password": PASSWORD})
    assert answer.status_code in (200, 429)
    assert web.get("/").status_code == 302


def test_an_unknown_address_looks_the_same(web: Client, account: object) -> None:
    answer = web.post("/login/reset/", {"email": "nobody@nuriwork.example"})
    assert answer["Location"] == "/login/reset/sent/"


def test_nobody_signs_up(web: Client) -> None:
    assert web.get("/signup/").status_code == 404
    assert web.get("/accounts/signup/").status_code == 404
