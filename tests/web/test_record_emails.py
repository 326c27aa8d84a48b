"""The addresses of a contact on its page: add, remove, make primary, shared mailboxes, each with its way back."""

import json
from typing import Any

import pytest
from django.test import Client

from baton.crm import contacts, records
from baton.messaging.models import Email, Message
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def seo(account: object) -> int:
    return records.create("contact", {"lastname": "서", "firstname": "지우", "email": "jiwoo@gaon.example"}, actor=SYSTEM, source="test")


def act(web: Client, id: int, verb: str, email: str, **more: str) -> Any:
    return web.post(f"/contacts/{id}/emails/{verb}/", {"email": email, **more}, headers={"hx-request": "true"})


def undo(web: Client, answer: Any) -> Any:
    back = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    return web.post(back["url"], back["values"], headers={"hx-request": "true"})


def mails(id: int) -> list[str]:
    return [a.email for a in contacts.emails(id)]


def test_one_more_address_is_added_and_taken_back(web: Client, seo: int) -> None:
    assert 'name="email"' in web.get(f"/contacts/{seo}/emails/?add=1").content.decode()
    answer = act(web, seo, "add", " JiWoo.Seo@Gaon.example ")
    assert answer.status_code == 200
    assert "jiwoo.seo@" in web.get(f"/contacts/{seo}/").content.decode()
    assert contacts.by_email("jiwoo.seo@gaon.example") == seo
    undo(web, answer)
    assert mails(seo) == ["jiwoo@gaon.example"]


def test_what_is_no_address_or_another_s_stays_in_the_field(web: Client, seo: int) -> None:
    records.create("contact", {"email": "han@gaon.example"}, actor=SYSTEM, source="test")
    for wrong in ("no address", "han@gaon.example"):
        answer = act(web, seo, "add", wrong)
        assert answer.status_code == 422
        assert f'value="{wrong}"' in answer.content.decode()
    assert mails(seo) == ["jiwoo@gaon.example"]


def test_the_primary_address_changes_and_back(web: Client, seo: int) -> None:
    contacts.add_email(seo, "seo@home.example", actor=SYSTEM)
    answer = act(web, seo, "primary", "seo@home.example")
    assert mails(seo)[0] == "seo@home.example"
    assert 'hx-target="#p-email"' in answer.content.decode()
    undo(web, answer)
    assert mails(seo) == ["jiwoo@gaon.example", "seo@home.example"]


def test_a_removed_address_comes_back_as_it_was(web: Client, seo: int) -> None:
    contacts.add_email(seo, "info@gaon.example", actor=SYSTEM)
    before = contacts.emails(seo)
    for address in ("jiwoo@gaon.example", "info@gaon.example"):
        answer = act(web, seo, "remove", address)
        assert address not in mails(seo)
        undo(web, answer)
        assert sorted(contacts.emails(seo), key=str) == sorted(before, key=str)


def test_a_mailbox_of_several_people(web: Client, seo: int) -> None:
    answer = act(web, seo, "shared", "jiwoo@gaon.example")
    assert "Shared mailbox" in answer.content.decode()
    assert contacts.by_email("jiwoo@gaon.example") is None
    undo(web, answer)
    assert contacts.by_email("jiwoo@gaon.example") == seo


def test_the_address_of_somebody_else_is_left_alone(web: Client, seo: int) -> None:
    other = records.create("contact", {"email": "han@gaon.example"}, actor=SYSTEM, source="test")
    for verb in ("remove", "primary", "shared", "personal"):
        assert act(web, seo, verb, "han@gaon.example").status_code == 404
    assert contacts.by_email("han@gaon.example") == other


def test_editing_the_address_itself_shows_the_others_anew(web: Client, seo: int) -> None:
    answer = web.post(f"/contacts/{seo}/properties/email/", {"value": "new@gaon.example"})
    assert 'value="new@gaon.example"' in answer.content.decode()
    company = records.create("company", {"name": "가온"}, actor=SYSTEM, source="test")
    assert web.get(f"/companies/{company}/emails/").status_code == 404


def test_looking_at_a_letter_saves_no_template_and_sending_it_does(web: Client, seo: int) -> None:
    page = web.get(f"/contacts/{seo}/letter/").content.decode()
    assert 'name="template" value="0"' in page
    assert 'aria-current="true"' in page
    sent = {"template": "0", "token": "t1", "subject": "어제 통화", "html": "<p>감사합니다.</p>"}
    assert web.post(f"/contacts/{seo}/letter/", sent | {"subject": " "}).status_code == 422
    assert Email.objects.count() == 0
    assert web.post(f"/contacts/{seo}/letter/", sent).headers["HX-Redirect"] == f"/contacts/{seo}/"
    assert Email.objects.get().kind == "personal"
    assert Message.objects.get().email_id == Email.objects.get().pk
    assert f'name="template" value="{Email.objects.get().pk}"' in web.get(f"/contacts/{seo}/letter/").content.decode()
