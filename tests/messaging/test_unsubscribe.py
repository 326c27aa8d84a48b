"""The way out: asked by GET, taken by POST, once, and only with our own token."""

import pytest
from django.test import Client

from baton.crm import consent
from baton.crm.models import Consent
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging.consent import suppression
from baton.messaging.models import Email, Suppression
from baton.platform import signing
from baton.platform.actor import SYSTEM
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def link(contact_id: int, email: Email) -> str:
    return f"/u/{signing.make('unsub', contact_id, email.id)}"


def out(contact_id: int) -> tuple[bool, bool | None, int]:
    """Suppressed, consent, events."""
    return (
        Suppression.objects.filter(contact_id=contact_id, channel="email").exists(),
        consent.granted(contact_id, "email"),
        Event.objects.filter(contact_id=contact_id, kind=Kind.EMAIL_UNSUBSCRIBE).count(),
    )


def test_looking_at_the_page_changes_nothing(browser: Client, email: Email) -> None:
    contact_id = person()
    answer = browser.get(link(contact_id, email))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count("<button") == 1
    assert "ji***@gaon.example" in page
    assert "jiwoo@" not in page
    assert browser.head(link(contact_id, email)).status_code == 200
    assert out(contact_id) == (False, True, 0)


def test_the_mailbox_providers_click_acts_and_gets_an_empty_answer(browser: Client, email: Email) -> None:
    contact_id = person()
    for _ in range(3):
        answer = browser.post(link(contact_id, email), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.content) == (200, b"")
        assert "Location" not in answer
    assert out(contact_id) == (True, False, 1)
    event = Event.objects.get(contact_id=contact_id, kind=Kind.EMAIL_UNSUBSCRIBE)
    assert event.key


def test_the_form_may_come_in_parts(browser: Client, email: Email) -> None:
    contact_id = person()
    assert browser.post(link(contact_id, email), {"List-Unsubscribe": "One-Click"}).content == b""
    assert out(contact_id) == (True, False, 1)


def test_the_button_acts_and_says_so(browser: Client, email: Email) -> None:
    contact_id = person()
    answer = browser.post(link(contact_id, email), {"confirm": "1"})
    assert answer.status_code == 200
    assert b"/preferences/undo/" in answer.content
    assert out(contact_id) == (True, False, 1)


def test_a_forged_or_foreign_token_is_nothing_we_know(browser: Client, email: Email) -> None:
    contact_id = person()
    good = link(contact_id, email)
    for bad in (good[:-3] + "abc", "/u/xyz", f"/u/{signing.make('open', contact_id, email.id)}", f"/u/{signing.make('unsub', 999999999, email.id)}"):
        assert browser.get(bad).status_code == 404
        assert browser.post(bad, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded").status_code == 404
    assert out(contact_id) == (False, True, 0)


def test_who_was_put_on_the_list_by_others_can_still_refuse(email: Email) -> None:
    contact = person("sumin@gaon.example", agreed=False)
    Consent.objects.filter(contact_id=contact).delete()
    suppression.suppress(contact, "email", suppression.MANUAL)
    assert suppression.unsubscribe(contact, email.pk)
    assert not suppression.unsubscribe(contact, email.pk), "once"
    suppression.lift(contact, "email", "다시 보내 달라고 함", actor=SYSTEM)
    assert consent.granted(contact, "email") is False
    assert Consent.objects.filter(contact_id=contact, granted=False).exists(), "the refusal outlives the colleague's reason"
