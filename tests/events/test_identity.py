"""Visitors become contacts or parts of one; two known people stay two."""

from datetime import timedelta

import pytest

from baton.crm import contacts, records
from baton.events import identity, record, timeline
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict
from baton.platform.models import Change

pytestmark = pytest.mark.django_db
A, B = "a" * 32, "b" * 32


def visitor(cookie: str, *pages: str, days: int = 1) -> int:
    number = sql.next_ids("record_id_seq", 1)[0]
    contacts.claim("cookie", cookie, number)
    start = clock.now() - timedelta(days=days)
    identity.first_seen(number, start, page=f"https://{pages[0]}" if pages else "")
    record.add(NewEvent(number, Kind.PAGE_VIEW, start + timedelta(minutes=i), page) for i, page in enumerate(pages))
    return number


def known(email: str = "minjun@hankyul.example") -> int:
    return records.create("contact", {"email": email}, actor=SYSTEM, source="api")


def test_a_join_moves_everything_and_leaves_a_way_from_the_old_id() -> None:
    old, contact = visitor(A, "a.example/", "a.example/pricing", days=5), known()
    Change.objects.all().delete()
    assert identity.join(old, contact, by="api") is True
    assert [e.kind for e in timeline.page(contact)] == [Kind.IDENTIFIED, Kind.PAGE_VIEW, Kind.PAGE_VIEW]
    assert timeline.page(contact)[0].payload == {"by": "api", "views": 2}
    assert timeline.page(old) == []
    assert identity.visitor(A) == identity.current(old) == contact
    assert sql.rows("SELECT contact_id, first_page FROM visitor") == [(contact, "https://a.example/")]
    assert {(c.contact_id, c.kind) for c in Change.objects.all()} == {(contact, "identity"), (contact, "event")}
    assert identity.join(old, contact, by="api") is False


def test_the_older_past_wins_when_both_have_one() -> None:
    contact = visitor(A, "a.example/new", days=1)
    contacts.create_as(contact, {"email": "minjun@hankyul.example"}, actor=SYSTEM, source="api")
    identity.join(visitor(B, "a.example/old", days=9), contact, by="api")
    [(page, span)] = sql.rows("SELECT first_page, last_seen_at - first_seen_at FROM visitor")
    assert (page, round(span / timedelta(days=1))) == ("https://a.example/old", 8)


def test_two_known_people_stay_two() -> None:
    one, two = known(), known("seoyeon@hankyul.example")
    with pytest.raises(Conflict):
        identity.join(one, two, by="api")
    assert identity.current(one) == one


def test_a_chain_of_joins_ends_at_one_contact() -> None:
    first, second, contact = visitor(A, "a.example/1"), visitor(B, "a.example/2"), known()
    identity.join(first, second, by="api")
    identity.join(second, contact, by="api")
    assert identity.current(first) == identity.current(second) == identity.visitor(A) == contact
    assert len([e for e in timeline.page(contact) if e.kind is Kind.PAGE_VIEW]) == 2


def test_the_same_event_on_both_sides_is_one() -> None:
    old, contact, at = visitor(A), known(), clock.now() - timedelta(minutes=5)
    record.add([NewEvent(owner, Kind.PAGE_DWELL, at, "a.example/", value=value, id=3) for owner, value in ((old, 9.0), (contact, 4.0))])
    identity.join(old, contact, by="api")
    assert [e.value for e in timeline.page(contact, [Kind.PAGE_DWELL])] == [9.0]


def test_the_tick_counts_people_not_machines_as_seen() -> None:
    contact, now = visitor(A, "a.example/", days=3), clock.now()
    record.add([NewEvent(contact, Kind.EMAIL_OPEN, now, "1", payload={"message": 1, "machine": "early"})])
    record.add([NewEvent(contact, Kind.SCORE_CHANGED, now, value=5)])
    changes.tick()
    assert sql.rows("SELECT count(*) FROM visitor WHERE last_seen_at > %s", [now - timedelta(days=1)]) == [(0,)]
    record.add([NewEvent(contact, Kind.EMAIL_OPEN, now, "1", payload={"message": 1})])
    changes.tick()
    assert sql.rows("SELECT last_seen_at FROM visitor") == [(now,)]
