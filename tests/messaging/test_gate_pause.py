"""The last gate: no marketing to whom a pause holds, to dead ends and to whom sales called unqualified; transactional mails go."""

from datetime import timedelta

import pytest

from baton.crm import records, stages
from baton.messaging import outbox
from baton.messaging.models import Email, Message
from baton.messaging.sending import delivery
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.segments import pauses, verdicts
from tests.messaging.conftest import person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db


def send(contact_ids: list[int], email: Email, cause: str) -> dict[int, tuple[str, str]]:
    """What became of a mail to each: state and reason."""
    outbox.add([outbox.NewMessage(c, email.id, cause) for c in contact_ids])
    while delivery.deliver():
        pass
    return {m.contact_id: (m.state, m.reason) for m in Message.objects.filter(cause=cause)}


def test_no_marketing_message_reaches_a_paused_contact_for_90_days(email: Email, relay: Relay) -> None:
    anna, ben = person("anna@gaon.example"), person("ben@gaon.example")
    receipt = Email.objects.create(name="영수증", subject="영수증", body="<p>감사합니다</p>", purpose="transactional")
    pauses.pause([anna], clock.now() + timedelta(days=90), reason="잠시 멈춤", actor=SYSTEM)
    start = clock._shift
    for day in range(0, 90, 10):
        clock.shift(start + timedelta(days=day))
        pauses.look()
        assert send([anna, ben], email, f"day:{day}") == {anna: ("skipped", "paused"), ben: ("sent", "")}
    assert send([anna], receipt, "receipt") == {anna: ("sent", "")}
    assert [to for to, _raw in relay.mails if to == "anna@gaon.example"] == ["anna@gaon.example"]
    clock.shift(start + timedelta(days=90, seconds=1))
    assert send([anna], email, "after") == {anna: ("sent", "")}  # to the second, before anything has ended the pause
    pauses.look()
    assert send([anna], email, "later") == {anna: ("sent", "")}
    assert outbox.reason("paused") != "paused"


def test_a_message_that_waits_since_before_the_pause_does_not_leave(email: Email, relay: Relay) -> None:
    anna = person()
    outbox.add([outbox.NewMessage(anna, email.id, "waiting")])
    pauses.pause([anna], clock.now() + timedelta(days=5), actor=SYSTEM)
    delivery.deliver()
    assert Message.objects.get(contact_id=anna).reason == "paused"
    assert not relay.mails


def test_dead_ends_and_the_unqualified_get_no_marketing(email: Email, relay: Relay) -> None:
    student, rival, back = person("s@gaon.example"), person("r@gaon.example"), person("b@gaon.example")
    stages.move([student], "deadend", actor=SYSTEM, source="test", reason="학생")
    verdicts.give(rival, "unqualified", reason="경쟁사", actor=SYSTEM)
    verdicts.give(back, "unqualified", actor=SYSTEM)
    verdicts.take_back(back, actor=SYSTEM)
    assert send([student, rival, back], email, "news") == {student: ("skipped", "dead_end"), rival: ("skipped", "unqualified"), back: ("sent", "")}
    stages.reopen(student, "lead", reason="졸업하고 입사", actor=SYSTEM)
    assert send([student], email, "again") == {student: ("sent", "")}
    assert records.get("contact", student).properties["lifecyclestage"] == "lead"
