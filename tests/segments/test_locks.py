"""A full evaluation and the tick keep out of each other's way; two workers do not look for edges at once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from baton.automation import runs
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import edges, locks, refresh, scoring, verbs
from tests.segments import scores


@pytest.fixture
def other(db: None) -> Iterator[psycopg.Connection[Any]]:
    """Another worker's connection."""
    known = {name: value for name, value in connection.get_connection_params().items() if name in ("dbname", "user", "host", "port", "password")}
    with psycopg.connect(**known) as found:
        found.execute("SET lock_timeout = '5s'")
        found.commit()
        yield found
        found.rollback()


def waits(action: Any) -> bool:
    """Whether an action waits for somebody else (it is given up at once)."""
    try:
        with transaction.atomic():
            sql.run("SET LOCAL lock_timeout = '100ms'")
            action()
    except OperationalError:
        return True
    return False


def test_the_tick_waits_for_a_full_evaluation_of_the_same_list_only(world: Any, other: psycopg.Connection[Any]) -> None:
    anna = world.contact(industry="it")
    one, two = (verbs.create_segment(name, world.has("industry", "it"), "active", SYSTEM) for name in ("One", "Two"))
    other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [locks.SPACE["segment"], one.pk])
    assert waits(lambda: refresh.some([one], [anna]))
    assert not waits(lambda: refresh.some([two], [anna]))
    other.rollback()
    assert not waits(lambda: refresh.some([one], [anna]))


def test_a_million_people_scored_anew_hold_up_nobody_elses_tick(world: Any, other: psycopg.Connection[Any]) -> None:
    busy, free = (scores.create(name, rules=[scores.rule("it", "fit_person", world.has("industry", "it"), 10)], actor=SYSTEM) for name in ("One", "Two"))
    slow, quick = (verbs.create_segment(name, world.has("industry", "it"), "active", SYSTEM) for name in ("One", "Two"))
    other.execute("SELECT pg_advisory_lock(%s, %s), pg_advisory_lock(%s, %s)", [locks.SPACE["model"], busy.pk, locks.SPACE["segment"], slow.pk])
    anna = world.contact(industry="it")
    changes.tick()
    points = "SELECT m.name, s.total FROM score s JOIN score_model m ON m.id = s.model_id WHERE s.contact_id = %s AND s.total <> 0 ORDER BY 1"
    member = "SELECT segment_id FROM membership WHERE contact_id = %s ORDER BY 1"
    assert sql.rows(points, [anna]) == [("Two", 10)]
    assert sql.rows(member, [anna]) == [(quick.pk,)]
    other.execute("SELECT pg_advisory_unlock_all()")
    changes.tick()
    assert sql.rows(points, [anna]) == [("Two", 10)], "the others come again in a moment, not at once"
    clock.shift(timedelta(seconds=2))
    changes.tick()
    assert sql.rows(points, [anna]) == [("One", 10), ("Two", 10)]
    assert sql.rows(member, [anna]) == [(slow.pk,), (quick.pk,)]
    assert free.pk != busy.pk


def test_a_full_evaluation_waits_for_the_tick(world: Any, other: psycopg.Connection[Any]) -> None:
    model = scores.create("Lead score", actor=SYSTEM)
    other.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [locks.SPACE["model"], model.pk])
    assert waits(lambda: scoring.everyone(model))
    assert not waits(lambda: scoring.some([world.contact()]))


def test_one_worker_looks_for_edges(world: Any, other: psycopg.Connection[Any]) -> None:
    world.views(world.contact(), "/pricing", days_ago=29.5)
    world.list(world.viewed("/pricing", days=30))
    clock.shift(timedelta(days=1))
    other.execute("SELECT pg_advisory_xact_lock(%s, 0)", [locks.SPACE["edges"]])
    assert edges.look() == 0
    other.rollback()
    assert edges.look() == 1


def test_every_use_of_advisory_locks_has_a_class_of_its_own() -> None:
    """Two that share one wait for each other, and while each holds rows the other wants, that is a deadlock."""
    classes = [changes.LOCK, runs.LOCK, *locks.SPACE.values()]
    assert len(set(classes)) == len(classes)
