"""One mail to one person, with values, a sender and copies of its own: what goes over the wire, what is kept, and what becomes of the others."""

import json
from typing import Any

import pytest

from baton.crm import erase
from baton.events.models import Event
from baton.messaging import outbox, single
from baton.messaging.consent import suppression
from baton.messaging.incoming import receipts
from baton.messaging.incoming.receipts import Told
from baton.messaging.models import Email, Message, SingleSend, Suppression
from baton.messaging.sending import delivery
from baton.messaging.single import Wish
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from tests.messaging.conftest import parsed, person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db
BODY = (
    '<p>{{ contact.firstname|default("고객") }} 님, {{ custom.order.number }}번 주문</p>{% for one in custom.lines %}<p>{{ one.name }}: {{ one.n }}</p>'
    '{% endfor %}<i>{{ custom.order }}</i><p>{{ custom.missing|default("없음") }}</p><p><a href="https://shop.example/orders">보기</a></p>'
)
CUSTOM: dict[str, Any] = {
    "order": {"number": 1042, "items": "목록"}, "name": "김 <b>굵게</b>\r\nBcc: evil@x.example",
    "lines": [{"name": "커피 & 차", "n": 2}, {"name": "{{ owner.email }}", "n": 1}],
}  # fmt: skip


@pytest.fixture
def receipt(email: Email) -> Email:
    Email.objects.filter(pk=email.pk).update(purpose="transactional", subject="주문 {{ custom.order.items }} {{ custom.name }}", preheader="", body=BODY)
    return Email.objects.get(pk=email.pk)


def drain() -> None:
    while delivery.deliver():
        pass


def test_values_sender_and_copies_are_this_message_s(receipt: Email, relay: Relay) -> None:
    anna, ben = person(firstname="지우", agreed=False), person("ben@gaon.example", agreed=False)
    gone = person("gone@gaon.example", agreed=False)
    suppression.suppress(gone, "email", suppression.MANUAL)
    suppression.suppress_addresses(["dead@x.example"], "email", suppression.BOUNCED)
    suppression.suppress_addresses(["left@x.example"], "email", suppression.UNSUBSCRIBED)
    wish = Wish(
        CUSTOM, "주문 담당 <orders@nuriwork.example>", ["help@nuriwork.example", "desk@nuriwork.example"],
        cc=["Ben@gaon.example", "gone@gaon.example", "boss@y.example", "jiwoo@gaon.example"],
        bcc=["archive@z.example", "boss@Y.example", "dead@x.example", "left@x.example"],
    )  # fmt: skip
    message, copies = single.queue(anna, receipt.pk, single.checked(receipt, wish, "jiwoo@gaon.example"), key="order-1042")
    assert {c.address: c.reason for c in copies if c.message is None} == {"gone@gaon.example": "suppressed_manual", "dead@x.example": "suppressed_address"}
    outbox.add([outbox.NewMessage(ben, receipt.pk, "test:other")])  # the same mail to another, in the same window
    drain()
    mails = dict(relay.mails)
    assert sorted(mails) == sorted(["jiwoo@gaon.example", "Ben@gaon.example", "boss@y.example", "archive@z.example", "left@x.example", "ben@gaon.example"])
    read = {to: parsed(raw) for to, raw in mails.items()}
    first, other = read["jiwoo@gaon.example"], read.pop("ben@gaon.example")
    for to, one in read.items():
        assert (one["From"], one["Reply-To"]) == ("주문 담당 <orders@nuriwork.example>", "help@nuriwork.example, desk@nuriwork.example")
        assert (one["To"], one["Cc"], one["Bcc"]) == ("jiwoo@gaon.example", "Ben@gaon.example, boss@y.example", None)
        assert one["Subject"] == "주문 목록 김 <b>굵게</b> Bcc: evil@x.example"
        assert one["Message-ID"] == first["Message-ID"], "mailboxes put answers together"
        html = one.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert "지우 님, 1042번 주문" in html
        assert "커피 &amp; 차: 2" in html
        assert "{{ owner.email }}: 1" in html
        assert "없음" in html
        assert "<i></i>" in html, "what has values within is none itself"
        assert ("/c/" in html) is (to == "jiwoo@gaon.example"), "what others open and click is not hers"
        assert b"archive@z" not in mails[to].partition(b"\r\n\r\n")[0]
    assert other["From"].endswith("<news@nuriwork.example>")
    assert other["Cc"] is None
    assert "번 주문" in other.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "1042" not in other.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert [Event.objects.filter(contact_id=id).count() for id in (anna, ben)] == [1, 1], "a copy is no fact about her"
    assert {c.address: c.message.state for c in single.copies(message) if c.message} == dict.fromkeys(
        ["Ben@gaon.example", "boss@y.example", "archive@z.example", "left@x.example"], "sent"
    )
    assert single.known("order-1042") == message

    # what becomes of a copy is its receiver's alone
    copy = Message.objects.get(address="boss@y.example")
    receipts.take([Told("bounced", anna, copy.id, clock.now(), hard=True, reason="user_unknown"), Told("complained", anna, copy.id, clock.now())])
    assert not Suppression.objects.filter(contact_id=anna).exists()
    assert Event.objects.filter(contact_id=anna).count() == 1
    assert suppression.addresses(["boss@y.example"]) == {"boss@y.example": "complained"}
    assert set(single.refused(["boss@y.example"], receipt.pk)) == {"boss@y.example"}

    # forgotten with whoever is mentioned
    erase.erase(ben, actor=SYSTEM)
    assert not SingleSend.objects.exists()
    assert not Message.objects.filter(address__iexact="ben@gaon.example").exists()


def test_what_was_forgotten_before_it_went_is_told(receipt: Email, relay: Relay) -> None:
    message, _copies = single.queue(person(agreed=False), receipt.pk, Wish(CUSTOM))
    SingleSend.objects.all().delete()
    drain()
    message.refresh_from_db()
    assert (message.state, message.reason, relay.mails) == ("failed", "single_lost", [])


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        (Wish({"a b": 1}), "customProperties.a b"),
        (Wish({"_open": 1}), "customProperties._open"),
        (Wish({f"n{n}": 1 for n in range(201)}), "customProperties"),
        (Wish({"a": "가" * 20_000}), "customProperties"),
        (Wish({"a": json.loads("[" * 6 + "]" * 6)}), "customProperties"),
        (Wish({"a": "x\x00y"}), "customProperties"),
        (Wish(cc=["a@b.example\r\nX: y"]), "message.cc"),
        (Wish(cc=["지우 <a@b.example>"]), "message.cc"),
        (Wish(bcc=[f"a{n}@b.example" for n in range(21)]), "message.cc"),
        (Wish(sent_by="ceo@other.example"), "message.from"),
        (Wish(sent_by="x\r\nBcc: y@z.example <a@nuriwork.example>"), "message.from"),
        (Wish(reply_to=["nobody"]), "message.replyTo"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place(receipt: Email, relay: Relay, wish: Wish, place: str) -> None:
    with pytest.raises(Invalid) as error:
        single.checked(receipt, wish, "jiwoo@gaon.example")
    assert error.value.problems[0].path == place


def test_an_advertisement_has_one_receiver(email: Email, relay: Relay) -> None:
    with pytest.raises(Invalid) as error:
        single.checked(email, Wish(bcc=["a@b.example"]), "jiwoo@gaon.example")
    assert error.value.problems[0].path == "message.bcc"
    single.checked(email, Wish({"a": 1}, reply_to=["a@b.example"]), "jiwoo@gaon.example")
