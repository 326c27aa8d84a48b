"""The preference centre: what a signed link may show and change, what the ledger keeps of it, and taking an unsubscription back."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.test import Client

from baton.crm import consent
from baton.crm.models import Consent, ConsentEvent
from baton.messaging import gate
from baton.messaging.consent import opt_in, preferences, subscriptions, suppression
from baton.messaging.models import Email, LawNotice, Message, Subscription, SubscriptionType, Suppression
from baton.platform import clock, signing
from baton.platform.actor import SYSTEM
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db
EN = {"headers": {"Accept-Language": "en"}}
ONE_CLICK = {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def kinds(nuriwork: object) -> dict[str, SubscriptionType]:
    made = {
        "news": subscriptions.define({"ko": "뉴스레터", "en": "Newsletter"}, SYSTEM, descriptions={"en": "Every Tuesday"}, topic="News"),
        "events": subscriptions.define({"ko": "세미나", "en": "Seminars"}, SYSTEM),
        "partners": subscriptions.define({"en": "Partner offers"}, SYSTEM, separate=True, months=12),
        "inner": subscriptions.define({"en": "Pilot group"}, SYSTEM, public=False),
    }
    return made


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def gets(contact_id: int) -> set[str]:
    return {s.type.key for s in subscriptions.state(contact_id) if s.gets}


def mailed(email: Email, contact_id: int) -> str:
    """The link of a mail that went out just now."""
    Message.objects.create(contact_id=contact_id, id=contact_id, cause="test", email_id=email.pk, created_at=clock.now(), sent_at=clock.now(), state="sent")
    return f"/u/{signing.make('unsub', contact_id, email.pk)}"


def text(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def test_one_click_leaves_one_kind_of_news_and_the_page_offers_all(browser: Client, email: Email, kinds: dict[str, SubscriptionType]) -> None:
    email.subscription_id = kinds["events"].pk
    email.save()
    anna = person()
    link = mailed(email, anna)
    assert gets(anna) == {"newsletter", "seminars", "pilot-group"}
    page = text(browser.get(link, **EN))
    assert "Unsubscribe from “Seminars”?" in page
    assert "Unsubscribe from everything" in page
    assert gets(anna) == {"newsletter", "seminars", "pilot-group"}
    for _ in range(3):
        answer = browser.post(link, **ONE_CLICK)
        assert (answer.status_code, answer.content) == (200, b"")
    assert gets(anna) == {"newsletter", "pilot-group"}
    assert gate.refused(email.pk, [anna]) == {anna: "subscription_refused"}
    assert [(e.granted, e.type_id, e.source) for e in ConsentEvent.objects.filter(contact_id=anna).order_by("id")][1:] == [
        (False, kinds["events"].pk, "one_click")
    ]
    assert not Suppression.objects.exists()
    page = text(browser.post(link, {"what": "all"}, **EN))
    assert "You are unsubscribed" in page
    assert gets(anna) == set()
    assert consent.granted(anna, "email") is False


def test_the_centre_is_opened_by_a_young_mail_and_mails_a_fresh_link_for_an_old_one(browser: Client, email: Email, kinds: dict[str, SubscriptionType]) -> None:
    anna = person()
    link = mailed(email, anna)
    answer = browser.get(f"{link}/preferences")
    assert answer.status_code == 302
    assert browser.get(answer["Location"]).status_code == 200
    Message.objects.update(sent_at=clock.now() - timedelta(days=31))
    page = text(browser.get(f"{link}/preferences", **EN))
    assert "This link is old" in page
    assert "ji***@gaon.example" in page
    assert "jiwoo@" not in page
    old = preferences.link(anna, until=clock.now() - timedelta(seconds=1))
    assert "This link is old" in text(browser.get(old, **EN))
    assert not mail.outbox
    assert "on its way" in text(browser.post(old, **EN))
    opt_in.new_link(contact_id=anna)
    [sent] = mail.outbox
    assert sent.to == ["jiwoo@gaon.example"]
    fresh = re.search(r"/preferences/\S+/", sent.body)
    assert fresh
    assert browser.get(fresh[0]).status_code == 200
    for bad in ("/preferences/abc/", old[:-6] + "aaaaa/", f"/preferences/{signing.make('unsub', anna, 99)}/", "/preferences/undo/abc/"):
        assert browser.get(bad).status_code == 404
    for _ in range(4):
        page = text(browser.post(old, **EN))
    assert "newest one" in page


def test_choices_are_kept_with_words_and_proof(browser: Client, kinds: dict[str, SubscriptionType]) -> None:
    anna, link = person(), ""
    link = preferences.link(anna)
    page = text(browser.get(link, **EN))
    assert "Newsletter" in page
    assert "Every Tuesday" in page
    assert "Pilot group" not in page
    assert 0 < page.index(">News</legend>") < page.index("Newsletter") < page.index(">Other news</legend>") < page.index("Seminars")
    assert "뉴스레터" in text(browser.get(link + "?language=ko", **EN))
    news, events, partners = (kinds[key].pk for key in ("news", "events", "partners"))
    answer = browser.post(link, {"act": "save", f"kind-{news}-email": "on", f"kind-{partners}-email": "on"}, **EN)
    assert "Your choice is recorded." in text(answer)
    assert gets(anna) == {"newsletter", "partner-offers", "pilot-group"}
    row = Subscription.objects.get(contact_id=anna, type_id=partners)
    assert row.expires_at is not None
    assert "Partner offers" in row.wording
    assert row.proof["page"] == "preferences"
    assert Subscription.objects.get(contact_id=anna, type_id=events).granted is False
    assert "Nothing has changed." in text(browser.post(link, {"act": "save", f"kind-{news}-email": "on", f"kind-{partners}-email": "on"}, **EN))
    with clock.stopped(clock.now() + timedelta(days=400)):
        assert gets(anna) == {"newsletter", "pilot-group"}


def test_who_comes_back_agrees_to_what_he_ticks_and_nothing_else(browser: Client, kinds: dict[str, SubscriptionType], monkeypatch: pytest.MonkeyPatch) -> None:
    anna = person()
    link = preferences.link(anna)
    assert "unsubscribed from everything" in text(browser.post(link, {"act": "all"}, **EN))
    assert gets(anna) == set()
    browser.post(link, {"act": "save", f"kind-{kinds['events'].pk}-email": "on"}, **EN)
    assert gets(anna) == {"seminars"}
    assert consent.granted(anna, "email") is True
    assert "Seminars" in Consent.objects.get(contact_id=anna).wording
    assert not Suppression.objects.exists()
    told: list[dict[str, int]] = []
    monkeypatch.setattr(opt_in, "unsubscribed", SimpleNamespace(defer=lambda **args: told.append(args)))
    for _ in range(2):
        browser.post(link, {"act": "save"}, **EN)
    assert consent.granted(anna, "email") is False
    assert [one["contact_id"] for one in told] == [anna], "a mail says so, once"


def test_a_bounced_address_is_told_so_and_stays_stopped(browser: Client, kinds: dict[str, SubscriptionType]) -> None:
    anna = person()
    suppression.suppress(anna, "email", suppression.COMPLAINED, source="message:1")
    link = preferences.link(anna)
    assert "Please write to us" in text(browser.get(link, **EN))
    browser.post(link, {"act": "save", f"kind-{kinds['news'].pk}-email": "on"}, **EN)
    assert gets(anna) == set()
    assert Suppression.objects.get().reason == "complained"


def test_a_pause_begins_and_ends(browser: Client, kinds: dict[str, SubscriptionType], email: Email) -> None:
    anna = person()
    link = preferences.link(anna)
    assert "Paused until" in text(browser.post(link, {"act": "pause", "until": "+3"}, **EN))
    assert gate.refused(email.pk, [anna]) == {anna: "paused"}
    assert "The pause is over" in text(browser.post(link, {"act": "go_on"}, **EN))
    assert gate.refused(email.pk, [anna]) == {}
    for bad in ("2020-01-01", "soon", "+99999"):
        answer = browser.post(link, {"act": "pause", "day": bad}, **EN)
        assert answer.status_code == 422
    assert preferences.paused_until(anna) is None


def test_an_unsubscription_is_told_by_mail_and_taken_back_from_it(browser: Client, email: Email, kinds: dict[str, SubscriptionType]) -> None:
    for type in kinds.values():
        subscriptions.archive(type.pk, SYSTEM)
    anna = person()
    Consent.objects.filter(contact_id=anna).update(wording="소식을 받겠습니다", basis="transaction", expires_at=clock.now() + timedelta(days=90))
    was = Consent.objects.get(contact_id=anna)
    link = mailed(email, anna)
    browser.post(link, **ONE_CLICK)
    row = preferences.refusal(anna, None)
    assert row is not None
    opt_in.unsubscribed(contact_id=anna, id=row.id)
    [sent] = mail.outbox
    undo = re.search(r"/preferences/undo/\S+/", sent.body)
    assert undo
    notice = LawNotice.objects.get(contact_id=anna)
    assert (notice.kind, notice.state, notice.granted) == ("result", "sent", False)
    assert "Undo the unsubscription" in text(browser.get(undo[0], **EN))
    assert consent.granted(anna, "email") is False
    assert "again, as agreed before" in text(browser.post(undo[0], **EN))
    now = Consent.objects.get(contact_id=anna)
    assert (now.granted, now.wording, now.basis, now.source) == (True, "소식을 받겠습니다", "transaction", "test")
    assert (now.at, now.expires_at) == (was.at, was.expires_at), "no fresh term"
    assert [(e.granted, e.source) for e in ConsentEvent.objects.filter(contact_id=anna).order_by("id")] == [
        (True, "test"), (False, "one_click"), (True, "undo"),
    ]  # fmt: skip
    assert gate.refused(email.pk, [anna]) == {}
    assert "chosen anew" in text(browser.post(undo[0], **EN))
    browser.post(link, **ONE_CLICK)
    assert consent.granted(anna, "email") is False  # an old key takes back its own refusal only
    assert "chosen anew" in text(browser.post(undo[0], **EN))
    assert consent.granted(anna, "email") is False
    with clock.stopped(clock.now() + timedelta(days=31)):
        assert browser.post(undo[0]).status_code == 404


def test_taking_a_kind_of_news_back_restores_the_former_answer(email: Email, kinds: dict[str, SubscriptionType]) -> None:
    anna, news, partners = person(), kinds["news"].pk, kinds["partners"].pk
    with clock.stopped(clock.now() - timedelta(days=200)):
        subscriptions.choose(anna, {partners: True}, actor=SYSTEM, source="form:3", wording="제휴 소식을 받습니다", proof={"form": 3}, basis="transaction")
    was = Subscription.objects.get(contact_id=anna, type_id=partners)
    Email.objects.filter(pk=email.pk).update(subscription_id=partners)
    for source in ("unsubscribe", "one_click"):  # each way out keeps what it ends
        subscriptions.leave(anna, email.pk, source=source)
        row = preferences.refusal(anna, partners)
        assert row is not None
        assert preferences.undo(row, proof={"page": "preferences"})
        now = Subscription.objects.get(contact_id=anna, type_id=partners)
        for name in ("granted", "basis", "at", "expires_at", "source", "wording", "proof", "actor"):
            assert getattr(now, name) == getattr(was, name), name
    Email.objects.filter(pk=email.pk).update(subscription_id=news)
    subscriptions.leave(anna, email.pk)
    row = preferences.refusal(anna, news)
    assert row is not None
    assert preferences.undo(row, proof={})
    assert "newsletter" in gets(anna)
    assert not Subscription.objects.filter(contact_id=anna, type_id=news).exists(), "he had said nothing of it: no agreement was made of that"
    Email.objects.filter(pk=email.pk).update(subscription_id=partners)
    subscriptions.leave(anna, email.pk)
    row = preferences.refusal(anna, partners)
    assert row is not None
    with clock.stopped(was.expires_at):
        assert not preferences.undo(row, proof={}), "it had ended by itself meanwhile"


def test_taking_back_makes_no_agreement_that_there_never_was(email: Email) -> None:
    contact = person("sumin@gaon.example")
    kind = SubscriptionType.objects.create(key="events", names={"en": "Events"}, separate=True)
    Email.objects.filter(pk=email.pk).update(subscription_id=kind.pk)
    subscriptions.leave(contact, email.pk)
    row = preferences.refusal(contact, kind.pk)
    assert row is not None
    assert not preferences.undo(row, proof={})
    assert not Subscription.objects.filter(contact_id=contact, granted=True).exists()
