"""What receivers say becomes states, tallies, suppressions and events: once, however often and in whatever order it comes."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.crm import consent
from baton.crm.models import Consent
from baton.events.vocabulary import Kind
from baton.messaging.consent.suppression import addresses
from baton.messaging.incoming import receipts, refusals
from baton.messaging.incoming.receipts import Told
from baton.messaging.models import CampaignTally, Email, Message, Suppression, Trouble
from baton.platform import clock, sql
from tests.examples import some
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db


def sent(contact_id: int, email: Email, *, state: str = "sent", at: datetime | None = None, campaign: int | None = None, address: str = "") -> int:
    """A message that has gone out."""
    [id] = sql.next_ids("message_id_seq", 1)
    at = at or clock.now() - timedelta(hours=1)
    [(mail,)] = sql.rows("SELECT coalesce(email, '') FROM contact WHERE id = %s", [contact_id])
    Message.objects.create(
        contact_id=contact_id, id=id, cause=f"test:{id}", email_id=email.pk, campaign_id=campaign, variant="a" if campaign else "",
        address=address or mail, state=state, created_at=at, sent_at=at,
    )  # fmt: skip
    return id


def told(kind: Any, contact_id: int, message_id: int, **more: Any) -> Told:
    return Told(kind, contact_id, message_id, more.pop("at", clock.now()), **more)


def state(message_id: int) -> tuple[str, str]:
    return Message.objects.values_list("state", "reason").get(id=message_id)


def events(contact_id: int, kind: Kind) -> list[dict[str, Any]]:
    return [
        json.loads(row[0]) for row in sql.rows("SELECT payload::text FROM event WHERE contact_id = %s AND kind = %s ORDER BY ts, id", [contact_id, int(kind)])
    ]


def suppressed(contact_id: int) -> str:
    return Suppression.objects.filter(contact_id=contact_id, channel="email").values_list("reason", flat=True).first() or ""


def tally(campaign_id: int) -> dict[tuple[str, str], int]:
    rows = sql.rows("SELECT state, reason, sum(n) FROM campaign_tally WHERE campaign_id = %s GROUP BY 1, 2 HAVING sum(n) <> 0", [campaign_id])
    return {(state, reason): int(n) for state, reason, n in rows}


def test_a_dead_address_is_never_written_to_again_and_the_same_bounce_counts_once(email: Email) -> None:
    jiwoo = person("jiwoo@gaon.example")
    mail = sent(jiwoo, email, campaign=7)
    CampaignTally.objects.create(bucket=7, id=1, campaign_id=7, variant="a", state="sent", n=1)
    bounce = told("bounced", jiwoo, mail, hard=True, reason="user_unknown", code="5.1.1", text="550 5.1.1 User unknown")
    for _ in range(3):
        assert receipts.take([bounce, bounce]) == []
    assert state(mail) == ("bounced", "user_unknown")
    assert tally(7) == {("bounced", "user_unknown"): 1}
    assert suppressed(jiwoo) == "bounced"
    [event] = events(jiwoo, Kind.EMAIL_BOUNCE)
    assert (event["class"], event["reason"], event["code"], event["message"]) == ("hard", "user_unknown", "5.1.1", mail)
    assert addresses(["jiwoo@gaon.example"]) == {"jiwoo@gaon.example": "bounced"}


def test_who_has_a_new_address_by_now_is_still_written_to_and_the_old_one_never(email: Email) -> None:
    jiwoo = person("jiwoo@new.example")
    mail = sent(jiwoo, email, address="jiwoo@old.example")
    receipts.take([told("bounced", jiwoo, mail, hard=True, reason="user_unknown")])
    assert suppressed(jiwoo) == ""
    assert addresses(["jiwoo@old.example", "jiwoo@new.example"]) == {"jiwoo@old.example": "bounced"}


def test_what_the_sender_did_wrong_is_never_counted_against_a_person(email: Email) -> None:
    jiwoo = person()
    for day in range(8):
        mail = sent(jiwoo, email)
        receipts.take([told("bounced", jiwoo, mail, reason="auth_failure", at=clock.now() + timedelta(days=day * 3))])
    assert suppressed(jiwoo) == ""
    assert not Trouble.objects.exists()


def test_five_soft_bounces_over_ten_days_and_what_comes_between_begins_the_count_anew(email: Email) -> None:
    now = clock.now()
    worn, saved, quick = person("worn@gaon.example"), person("saved@gaon.example"), person("quick@gaon.example")

    def bounce(contact: int, day: float) -> None:
        at = now - timedelta(days=30) + timedelta(days=day)
        mail = sent(contact, email, at=at - timedelta(hours=1))
        receipts.take([told("bounced", contact, mail, reason="mailbox_full", at=at)])

    for day in (0, 3, 6, 9):
        bounce(worn, day)
        bounce(saved, day)
        assert suppressed(worn) == ""
    between = sent(saved, email, at=now - timedelta(days=20))
    receipts.take([told("delivered", saved, between, at=now - timedelta(days=20))])
    bounce(worn, 12)
    bounce(saved, 12)
    for hour in range(6):
        bounce(quick, hour / 24)
    assert (suppressed(worn), suppressed(saved), suppressed(quick)) == ("soft_limit", "", "")
    assert Trouble.objects.get(contact_id=saved).bounces == 1
    assert addresses(["worn@gaon.example"]) == {}


def test_a_mail_that_never_came_back_begins_the_count_anew_and_one_still_on_its_way_does_not(email: Email) -> None:
    now = clock.now()
    jiwoo = person()
    for day, silent in ((0, False), (3, False), (6, False), (9, True), (16, False)):
        at = now - timedelta(days=30 - day)
        mail = sent(jiwoo, email, at=at)
        if not silent:
            receipts.take([told("bounced", jiwoo, mail, reason="temporary", at=at + timedelta(hours=1))])
    assert Trouble.objects.get(contact_id=jiwoo).bounces == 1
    sent(jiwoo, email, at=now - timedelta(days=13))  # a day after: a mail server may still be trying
    late = sent(jiwoo, email, at=now - timedelta(days=12))
    receipts.take([told("bounced", jiwoo, late, reason="temporary", at=now - timedelta(days=11))])
    assert Trouble.objects.get(contact_id=jiwoo).bounces == 2


def test_a_mailbox_found_switched_off_on_two_days_counts_as_dead(email: Email) -> None:
    jiwoo = person()
    for hours in (72, 71, 24):
        assert suppressed(jiwoo) == ""
        mail = sent(jiwoo, email, at=clock.now() - timedelta(hours=hours))
        receipts.take([told("bounced", jiwoo, mail, reason="disabled", at=clock.now() - timedelta(hours=hours))])
    assert suppressed(jiwoo) == "bounced"


def test_a_complaint_stops_everything_at_once_and_is_one_event(email: Email) -> None:
    jiwoo = person()
    mail = sent(jiwoo, email)
    for minute in range(3):
        receipts.take([told("complained", jiwoo, mail, reason="abuse", at=clock.now() + timedelta(minutes=minute))])
    assert suppressed(jiwoo) == "complained"
    assert [e["kind"] for e in events(jiwoo, Kind.EMAIL_COMPLAINT)] == ["abuse"]
    assert state(mail) == ("delivered", "")


def test_answers_are_events_each_once_and_prove_that_the_mail_came(email: Email) -> None:
    jiwoo, sumin = person(), person("sumin@gaon.example")
    mail, other = sent(jiwoo, email, state="unknown"), sent(sumin, email)
    answers = [told("replied", jiwoo, mail, key=key, text=f"answer {key}") for key in ("<a@x>", "<b@x>", "<a@x>")]
    receipts.take([*answers, told("auto_replied", sumin, other, key="<c@x>", text="부재중입니다")])
    receipts.take(answers)
    assert sorted(e["text"] for e in events(jiwoo, Kind.EMAIL_REPLY)) == ["answer <a@x>", "answer <b@x>"]
    assert not events(sumin, Kind.EMAIL_REPLY)
    assert len(events(sumin, Kind.EMAIL_AUTO_REPLY)) == 1
    assert state(mail)[0] == state(other)[0] == "delivered"


def test_an_answer_that_is_nothing_but_a_refusal_is_one(email: Email) -> None:
    refused = (
        "수신거부",
        "수신 거부합니다.",
        "구독 취소 부탁드립니다",
        "수신거부 해 주세요!",
        "Unsubscribe",
        "please unsubscribe me, thanks",
        "STOP",
        "remove me from your list",
    )
    meant_otherwise = (
        "수신거부는 어떻게 하나요?",
        "구독 취소가 아니라 주소를 바꾸고 싶습니다",
        "do not unsubscribe me",
        "stop by on Monday",
        "",
        "수신거부 " * 20,
    )
    assert [text for text in refused if not refusals.is_one(text)] == []
    assert [text for text in meant_otherwise if refusals.is_one(text)] == []
    anna = person()
    message = sent(anna, email)
    receipts.take([told("replied", anna, message, text="수신거부", key="<a>", details={"from": "boss@gaon.example"})])
    assert consent.granted(anna, "email") is True, "somebody else of her company cannot refuse for her"
    receipts.take([told("replied", anna, message, text="수신 거부합니다", key="<b>", details={"from": "Jiwoo@gaon.example"})])
    assert consent.granted(anna, "email") is False
    row = Consent.objects.get(contact_id=anna)
    assert (row.source, row.proof["reason"], row.proof["message"]) == ("reply", "수신 거부합니다", message)
    assert suppressed(anna) == "unsubscribed"
    assert len(events(anna, Kind.EMAIL_REPLY)) == 2


def test_what_comes_while_the_mail_is_being_handed_over_is_kept_for_later(email: Email) -> None:
    jiwoo = person()
    mail = sent(jiwoo, email, state="handing")
    bounce = told("bounced", jiwoo, mail, hard=True, reason="user_unknown")
    assert receipts.take([bounce]) == [bounce]
    assert state(mail)[0] == "handing"
    assert suppressed(jiwoo) == ""
    assert receipts.take([told("delivered", jiwoo, 999_999_999)]) == []


def test_a_late_bounce_wins_over_delivered_and_never_the_other_way(email: Email) -> None:
    jiwoo = person()
    mail = sent(jiwoo, email)
    receipts.take([told("delivered", jiwoo, mail)])
    receipts.take([told("bounced", jiwoo, mail, reason="blocked")])
    receipts.take([told("delivered", jiwoo, mail), told("deferred", jiwoo, mail, reason="temporary")])
    assert state(mail) == ("bounced", "blocked")
    assert Message.objects.get(id=mail).undelivered_at is not None


@settings(max_examples=some(12), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["delivered", "deferred", "hard", "soft", "complained", "replied"])), max_size=14), st.randoms())
def test_however_often_and_split_receipts_come_the_end_is_the_same(said: list[tuple[int, str]], chance: Random) -> None:
    """In one go, or one by one with repetitions: tallies add up, and nobody has two events of one fact."""
    email = Email.objects.create(name="m", subject="s", body="b")
    ends = []
    for run in range(2):
        people = [person(f"p{number}@gaon.example") for number in sql.next_ids("message_id_seq", 3)]
        campaign = people[0]
        mails = [sent(contact, email, campaign=campaign) for contact in people]
        start = clock.now() - timedelta(minutes=30)
        all = [_told(people, mails, n, what, start + timedelta(seconds=place)) for place, (n, what) in enumerate(said)]
        for part in [all] if run == 0 else _split(all, chance):
            receipts.take(part)
        counts = tally(campaign)
        assert sum(counts.values()) == 0
        ends.append(
            (counts, [state(m) for m in mails], [suppressed(c) for c in people], [[len(events(c, k)) for k in receipts.EVENTS.values()] for c in people])
        )
    assert ends[0] == ends[1]


def _told(people: list[int], mails: list[int], n: int, what: str, at: datetime) -> Told:
    if what in ("hard", "soft"):
        return told("bounced", people[n], mails[n], hard=what == "hard", reason="user_unknown" if what == "hard" else "mailbox_full", at=at)
    return told(what, people[n], mails[n], at=at, reason="temporary" if what == "deferred" else "")


def _split(all: list[Told], chance: Random) -> Iterable[list[Told]]:
    for one in all:
        yield [one] * chance.randint(1, 2)
