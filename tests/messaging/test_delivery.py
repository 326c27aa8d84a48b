"""From the outbox to the relay: once, with a reason when not, and again when the relay was away."""

from datetime import timedelta

import pytest

from baton.crm import consent, records
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging import outbox
from baton.messaging.consent import suppression
from baton.messaging.models import Email, Message, Outbox, Suppression
from baton.messaging.sending import delivery, window
from baton.platform import clock, signing
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, NotFound
from baton.platform.models import History
from tests.messaging.conftest import parsed, person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db


def queue(contact_id: int, email: Email, cause: str = "test:1") -> None:
    outbox.add([outbox.NewMessage(contact_id, email.id, cause)])


def drain() -> None:
    while delivery.deliver():
        pass


def test_a_message_arrives_and_is_an_event(email: Email, relay: Relay) -> None:
    contact_id = person(firstname="지우", lastname="서")
    queue(contact_id, email)
    drain()
    [(to, raw)] = relay.mails
    assert to == "jiwoo@gaon.example"
    message = Message.objects.get(contact_id=contact_id)
    assert (message.state, message.reason, message.attempts) == ("sent", "", 1)
    assert message.sent_at
    assert not Outbox.objects.exists()
    event = Event.objects.get(contact_id=contact_id, kind=Kind.EMAIL_SENT)
    assert event.payload == {"message": message.id}
    assert parsed(raw)["Message-ID"] == f"<{signing.make_both('bounce', message.id, contact_id)[1]}@nuriwork.example>"


def test_korean_headers_and_bodies_are_read_back_as_written(email: Email, relay: Relay) -> None:
    email.from_name = "누리워크 팀, 서울"
    email.save()
    queue(person(firstname="지우", lastname="서"), email)
    drain()
    raw = relay.mails[0][1]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    mail = parsed(raw)
    assert mail["Subject"] == "(광고) 서지우 님, 인사 관리가 쉬워지는 방법을 알려 드립니다"
    assert mail["From"].addresses[0].display_name == "누리워크 팀, 서울"
    assert mail["From"].addresses[0].addr_spec == "news@nuriwork.example"
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html
    assert text
    assert "안녕하세요, 지우 님." in html.get_content()
    assert "안녕하세요, 지우 님." in text.get_content()


def test_marketing_carries_one_click_headers(email: Email, relay: Relay) -> None:
    queue(person(), email)
    drain()
    raw = relay.mails[0][1]
    mail = parsed(raw)
    assert mail["List-Unsubscribe"].startswith("<https://go.nuriwork.example/u/")
    assert mail["List-Unsubscribe"].endswith(">")
    assert b"List-Unsubscribe: <https://" in raw  # never folded into an encoded word
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_same_cause_sends_once(email: Email, relay: Relay) -> None:
    contact_id = person()
    queue(contact_id, email)
    queue(contact_id, email)
    drain()
    queue(contact_id, email)
    drain()
    assert len(relay.mails) == 1
    queue(contact_id, email, cause="test:2")
    drain()
    assert len(relay.mails) == 2


def test_a_batch_goes_over_one_connection(email: Email, relay: Relay) -> None:
    outbox.add([outbox.NewMessage(person(f"p{n}@b.example"), email.id, "batch") for n in range(5)])
    assert delivery.deliver() == 5
    assert len(relay.mails) == 5
    assert relay.connections == 1


def test_the_last_gate_gives_its_reason(email: Email, relay: Relay) -> None:
    nameless = person("", agreed=True, firstname="이름만")
    silent = person("silent@b.example", agreed=False)
    refused = person("refused@b.example", agreed=False)
    consent.set([refused], "email", False, actor=SYSTEM, source="test")
    bounced = person("bounced@b.example")
    suppression.suppress(bounced, "email", "bounced")
    gone = person("gone@b.example")
    out = person("out@b.example")
    outbox.add([outbox.NewMessage(c, email.id, "gate") for c in (nameless, silent, refused, bounced, gone, out)])
    records.archive("contact", gone, actor=SYSTEM)
    suppression.unsubscribe(out, email.id)
    drain()
    assert relay.mails == []
    assert dict(Message.objects.values_list("contact_id", "reason")) == {
        nameless: "no_address",
        silent: "no_consent",
        refused: "no_consent",
        bounced: "suppressed_bounced",
        gone: "archived",
        out: "suppressed_unsubscribed",
    }
    assert set(Message.objects.values_list("state", flat=True)) == {"skipped"}
    assert not Outbox.objects.exists()
    assert outbox.reason("no_consent") != "no_consent"


def test_transactional_mail_needs_no_consent_but_no_bounced_address_gets_it(email: Email, relay: Relay) -> None:
    email.purpose = "transactional"
    email.save()
    silent, out, bounced = person("silent@b.example", agreed=False), person("out@b.example"), person("bounced@b.example")
    suppression.unsubscribe(out, email.id)
    suppression.suppress(bounced, "email", "bounced")
    outbox.add([outbox.NewMessage(c, email.id, "gate") for c in (silent, out, bounced)])
    drain()
    assert {to for to, _ in relay.mails} == {"silent@b.example", "out@b.example"}


def test_somebody_who_agrees_anew_gets_mail_again(email: Email, relay: Relay) -> None:
    contact_id = person()
    suppression.unsubscribe(contact_id, email.id)
    clock.shift(timedelta(minutes=1))
    consent.set([contact_id], "email", True, actor=SYSTEM, source="form:1")
    queue(contact_id, email)
    drain()
    assert len(relay.mails) == 1


def test_a_relay_that_is_down_delays_and_says_why(email: Email, relay: Relay) -> None:
    contact_id = person()
    relay.stop()
    queue(contact_id, email)
    drain()
    message = Message.objects.get(contact_id=contact_id)
    assert (message.state, message.attempts) == ("queued", 1)
    assert "refused" in message.reason.lower()
    relay.start()
    assert delivery.deliver() == 0  # not before its time
    clock.shift(timedelta(seconds=20))
    drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == ("sent", "")
    assert len(relay.mails) == 1


def test_a_full_mailbox_waits_and_is_given_up_after_three_days(email: Email, relay: Relay) -> None:
    contact_id = person("full@b.example")
    queue(contact_id, email)
    drain()
    message = Message.objects.get(contact_id=contact_id)
    assert (message.state, message.reason) == ("queued", "452 4.2.2 Mailbox full")
    for hour in range(1, 60):
        clock.shift(timedelta(hours=2 * hour))
        drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == ("bounced", "mailbox_full")
    assert not Outbox.objects.exists()
    told = Event.objects.get(contact_id=contact_id, kind=Kind.EMAIL_BOUNCE).payload
    assert (told["class"], told["text"]) == ("soft", "452 4.2.2 Mailbox full"), "the last answer is kept"
    assert not Suppression.objects.exists()


def test_a_refused_address_bounces_and_is_never_written_to_again(email: Email, relay: Relay) -> None:
    dead, blocked, fine = person("hard@b.example"), person("block@b.example"), person("ok@b.example")
    outbox.add([outbox.NewMessage(c, email.id, "x") for c in (dead, blocked, fine)])
    drain()
    assert [to for to, _ in relay.mails] == ["ok@b.example"]
    assert dict(Message.objects.values_list("contact_id", "state")) == {dead: "bounced", blocked: "bounced", fine: "sent"}
    assert set(Event.objects.filter(kind=Kind.EMAIL_BOUNCE).values_list("contact_id", flat=True)) == {dead, blocked}
    assert set(Suppression.objects.values_list("contact_id", "reason")) == {(dead, "bounced")}


def test_a_claim_whose_worker_died_goes_to_the_next(email: Email, relay: Relay) -> None:
    contact_id = person()
    queue(contact_id, email)
    assert len(delivery.claim(contact_id % 64)[1]) == 1
    assert delivery.deliver() == 0  # somebody works on it
    clock.shift(delivery.LEASE + timedelta(seconds=1))
    drain()
    assert len(relay.mails) == 1


def test_a_message_that_may_have_arrived_is_unknown_and_not_sent_again(email: Email, relay: Relay) -> None:
    contact_id = person()
    queue(contact_id, email)
    assert window.handing(window.built(delivery.claim(contact_id % 64)[1]))
    clock.shift(delivery.LEASE * 3)
    drain()
    message = Message.objects.get(contact_id=contact_id)
    assert (message.state, message.reason) == ("unknown", "interrupted")
    assert relay.mails == []
    assert not Outbox.objects.exists()


def test_a_slow_worker_does_not_send_what_another_took_over(email: Email, relay: Relay) -> None:
    contact_id = person()
    queue(contact_id, email)
    slow = window.built(delivery.claim(contact_id % 64)[1])
    clock.shift(delivery.LEASE + timedelta(seconds=1))
    drain()
    assert not window.handing(slow)
    assert len(relay.mails) == 1


def test_a_mail_with_a_broken_template_fails_with_the_line(email: Email, relay: Relay) -> None:
    contact_id = person()
    queue(contact_id, email)
    Email.objects.filter(id=email.id).update(body="<p>\n{{ contact.firstname</p>")
    drain()
    message = Message.objects.get(contact_id=contact_id)
    assert message.state == "failed"
    assert "2" in message.reason


@pytest.mark.parametrize("state", ["failed", "bounced", "unknown"])
def test_a_person_sends_a_message_again_that_failed_or_may_not_have_arrived(email: Email, relay: Relay, actor: Actor, state: str) -> None:
    contact_id = person()
    queue(contact_id, email)
    Message.objects.filter(contact_id=contact_id).update(state=state, reason="550 no such user", attempts=13)
    Outbox.objects.all().delete()
    records.update("contact", contact_id, {"email": "jiwoo.seo@gaon.example"}, actor=actor, source="test")
    message_id = Message.objects.get(contact_id=contact_id).id
    delivery.again(contact_id, message_id, actor)
    with pytest.raises(Conflict):
        delivery.again(contact_id, message_id, actor)  # a second press of the button
    drain()
    assert [to for to, _ in relay.mails] == ["jiwoo.seo@gaon.example"]
    message = Message.objects.get(contact_id=contact_id)
    assert (message.id, message.state, message.reason, message.attempts) == (message_id, "sent", "", 1)
    left = History.objects.get(subject_type="message", subject_id=str(message_id))
    assert (left.verb, left.actor, left.detail) == ("sent_again", str(actor), {"contact": contact_id, "was": state, "reason": "550 no such user"})
    with pytest.raises(Conflict):
        delivery.again(contact_id, message_id, actor)
    with pytest.raises(NotFound):
        delivery.again(contact_id, message_id + 1, actor)


def test_sending_again_passes_the_last_gate(email: Email, relay: Relay, actor: Actor) -> None:
    contact_id = person()
    queue(contact_id, email)
    Message.objects.filter(contact_id=contact_id).update(state="failed")
    Outbox.objects.all().delete()
    suppression.unsubscribe(contact_id, email.id)
    delivery.again(contact_id, Message.objects.get(contact_id=contact_id).id, actor)
    drain()
    assert relay.mails == []
    assert Message.objects.get(contact_id=contact_id).reason == "suppressed_unsubscribed"
