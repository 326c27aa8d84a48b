"""The queue of changes: nothing lost, in order for each person, one worker a bucket."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection

from baton.platform import changes, clock
from baton.platform.changes import Batch, Change
from baton.platform.models import Change as Row


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[int, changes.Stage]]]:
    """No stages but the test's own."""
    own: dict[str, tuple[int, changes.Stage]] = {}
    monkeypatch.setattr(changes, "_stages", own)
    return own  # type: ignore[return-value]


@pytest.mark.django_db
def test_a_tick_hands_every_change_over_once_and_in_order(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    seen: list[Change] = []
    stages["all"] = (10, lambda batch, new: seen.extend(new))
    given = [Change(n % 3, "property", str(n)) for n in range(1200)]
    changes.append(given)
    taken = 0
    while now := changes.tick():
        taken += now
    assert taken == 1200
    for contact in range(3):
        assert [c for c in seen if c.contact_id == contact] == [c for c in given if c.contact_id == contact]
    assert changes.waiting() == 0


@pytest.mark.django_db
def test_what_a_late_stage_causes_reaches_an_early_one_in_the_same_tick(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    heard: list[str] = []

    def early(batch: Batch, new: list[Change]) -> None:
        heard.extend(f"early {c.kind}" for c in new)

    def late(batch: Batch, new: list[Change]) -> None:
        heard.extend(f"late {c.kind}" for c in new)
        batch.add([Change(c.contact_id, "stage", "mql") for c in new if c.kind == "score"])

    stages.update(early=(10, early), late=(40, late))
    changes.append([Change(5, "score")])
    assert changes.tick() == 1
    assert heard == ["early score", "late score", "early stage", "late stage"]


@pytest.mark.django_db
def test_stages_that_wake_each_other_for_ever_do_not_hang_the_tick(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    stages["echo"] = (10, lambda batch, new: batch.add(new))
    changes.append([Change(5, "score")])
    assert changes.tick() == 1
    assert changes.waiting() == 1  # the rest is for the next tick, not lost


class Killed(BaseException):
    """What ends a worker in the middle of a tick."""


@pytest.mark.django_db(transaction=True)
def test_a_killed_tick_loses_nothing(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    def fail(batch: Batch, new: list[Change]) -> None:
        raise Killed

    stages["fail"] = (10, fail)
    changes.append([Change(5, "score")])
    with pytest.raises(Killed):
        changes.tick()
    assert (changes.waiting(), changes.set_aside()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_stage_that_fails_for_one_contact_holds_up_nobody_else(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    poisoned = {64 * 77}
    seen: list[Change] = []

    def picky(batch: Batch, new: list[Change]) -> None:
        if poisoned & {c.contact_id for c in new}:
            raise ValueError("no such colour")
        seen.extend(new)

    stages["picky"] = (10, picky)
    given = [Change(64 * n, "property", str(k)) for n in range(200) for k in range(2)] + [Change(3, "score")]
    changes.append(given)
    assert changes.tick() == 399  # everybody else's, of this bucket and of others
    assert [c for c in seen if c.contact_id == 64 * 5] == [Change(64 * 5, "property", "0"), Change(64 * 5, "property", "1")]
    assert (changes.waiting(), changes.set_aside()) == (2, 2)
    row = Row.objects.order_by("id")[0]
    assert (row.contact_id, row.tries, row.trouble) == (64 * 77, 1, "ValueError: no such colour")

    assert changes.tick() == 0  # not asked again at once
    clock.shift(timedelta(seconds=61))
    assert changes.tick() == 0
    assert Row.objects.order_by("id")[0].tries == 2
    clock.shift(timedelta(seconds=61 + 100))
    assert changes.tick() == 0
    assert Row.objects.order_by("id")[0].tries == 2  # waits twice as long

    poisoned.clear()  # mended: what was set aside is taken by itself, in order
    clock.shift(timedelta(hours=1))
    assert changes.tick() == 2
    assert seen[-2:] == [Change(64 * 77, "property", "0"), Change(64 * 77, "property", "1")]
    assert changes.waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_a_change_that_always_fails_is_tried_for_ever_at_long_intervals(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    def fail(batch: Batch, new: list[Change]) -> None:
        raise ValueError("a text that PostgreSQL cannot keep: \0")

    stages["fail"] = (10, fail)
    changes.append([Change(5, "score")])
    for round in range(15):
        clock.shift(timedelta(hours=7 * round))
        changes.tick()
    found = Row.objects.get()
    assert found.tries == changes.TRIES
    assert found.again_at is not None
    assert found.again_at - clock.now() <= changes.LONGEST


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_sets_nothing_aside(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    def away(batch: Batch, new: list[Change]) -> None:
        raise OperationalError("the connection is closed")

    stages["away"] = (10, away)
    changes.append([Change(5, "score")])
    with pytest.raises(OperationalError):
        changes.tick()
    assert (changes.waiting(), changes.set_aside()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_hold_the_same_bucket(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    seen: list[Change] = []
    stages["all"] = (10, lambda batch, new: seen.extend(new))
    changes.append([Change(5, "score"), Change(6, "score")])
    settings = connection.settings_dict
    with psycopg.connect(host=settings["HOST"], dbname=settings["NAME"], user=settings["USER"], port=settings["PORT"] or None) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [changes.LOCK, 5])
        assert changes.tick() == 1
        assert seen == [Change(6, "score")]
    assert changes.tick() == 1
    assert seen[1:] == [Change(5, "score")]
