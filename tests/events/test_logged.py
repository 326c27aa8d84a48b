"""Logged activities become events of the people they are linked to, and follow what becomes of them."""

from datetime import timedelta

import pytest

from baton.accounts import users
from baton.crm import activities, associations, records
from baton.crm.values import stamp
from baton.events import logged, timeline
from baton.events.models import Event, Visitor
from baton.events.vocabulary import Kind
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM, Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(account: object) -> Actor:
    return Actor("user", users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM).pk)


@pytest.fixture
def seo(account: object) -> int:
    return records.create("contact", {"lastname": "서", "firstname": "지우"}, actor=SYSTEM, source="test")


def settle() -> None:
    while changes.tick():
        pass


def seen(contact: int) -> list[tuple[Kind, str]]:
    return [(e.kind, e.key_value) for e in timeline.page(contact, set(logged.KINDS.values()))]


def test_what_is_logged_becomes_an_event_once(seo: int, actor: Actor) -> None:
    call = activities.write("call", {"body": "…", "outcome": "connected"}, [("contact", seo)], actor=actor)
    settle()
    associations.link("call", call, "contact", seo, actor=actor)
    settle()
    assert seen(seo) == [(Kind.CALL, "connected")]
    assert Event.objects.get(contact_id=seo, kind=Kind.CALL).id == call
    assert Visitor.objects.get(contact_id=seo).last_seen_at


def test_the_event_follows_the_activity(seo: int, actor: Actor) -> None:
    meeting = activities.write("meeting", {"title": "데모", "outcome": "COMPLETED"}, [("contact", seo)], actor=actor)
    settle()
    earlier = clock.now() - timedelta(days=2)
    activities.change("meeting", meeting, {"outcome": "NO_SHOW", "at": stamp(earlier)}, actor=actor)
    settle()
    (event,) = timeline.page(seo, [Kind.MEETING])
    assert event.key_value == "NO_SHOW"
    assert abs(event.ts - earlier) < timedelta(seconds=1)
    records.archive("meeting", meeting, actor=actor)
    settle()
    assert seen(seo) == []
    records.restore("meeting", meeting, actor=actor)
    settle()
    assert seen(seo) == [(Kind.MEETING, "NO_SHOW")]
    associations.unlink("meeting", meeting, "contact", seo, actor=actor)
    settle()
    assert seen(seo) == []


def test_a_meeting_becomes_an_event_when_it_begins(seo: int, actor: Actor) -> None:
    activities.write("meeting", {"title": "데모", "at": stamp(clock.now() + timedelta(hours=2))}, [("contact", seo)], actor=actor)
    settle()
    assert logged.come_due() == 0
    assert seen(seo) == []
    clock.shift(timedelta(hours=3))
    assert logged.come_due() == 1
    settle()
    assert seen(seo) == [(Kind.MEETING, "")]
    assert logged.come_due() == 0


def test_a_task_is_an_event_when_it_is_done(seo: int, actor: Actor) -> None:
    task = activities.write("task", {"subject": "전화"}, [("contact", seo)], actor=actor)
    settle()
    assert seen(seo) == []
    activities.finish(task, actor=actor)
    settle()
    assert seen(seo) == [(Kind.TASK, "")]
    activities.finish(task, False, actor=actor)
    settle()
    assert seen(seo) == []


def test_every_person_of_an_activity_has_the_event(seo: int, actor: Actor) -> None:
    other = records.create("contact", {"lastname": "한"}, actor=SYSTEM, source="test")
    activities.write("email", {"subject": "제안", "direction": "EMAIL"}, [("contact", seo), ("contact", other)], actor=actor)
    settle()
    assert seen(seo) == seen(other) == [(Kind.EMAIL_LOGGED, "EMAIL")]


def test_old_activities_find_a_partition(seo: int, actor: Actor) -> None:
    activities.write("note", {"body": "long ago", "at": stamp(clock.now() - timedelta(days=1500))}, [("contact", seo)], actor=actor)
    activities.write("note", {"body": "before computers", "at": "1972-01-01T00:00:00Z"}, [("contact", seo)], actor=actor)
    settle()
    assert len(seen(seo)) == 1
