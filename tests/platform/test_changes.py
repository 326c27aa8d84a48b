"""The queue of changes: nothing lost, in order for each person, one worker a bucket."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from baton.platform import changes
from baton.platform.changes import Batch, Change


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


@pytest.mark.django_db(transaction=True)
def test_a_failed_tick_loses_nothing(stages: dict[str, tuple[int, changes.Stage]]) -> None:
    def fail(batch: Batch, new: list[Change]) -> None:
        raise RuntimeError("killed here")

    stages["fail"] = (10, fail)
    changes.append([Change(5, "score")])
    with pytest.raises(RuntimeError):
        changes.tick()
    assert changes.waiting() == 1


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
