"""What every trigger keeps, whichever it is."""

from datetime import timedelta

import pytest
from django.utils import translation

from baton.automation import graph
from baton.automation.field import Input
from baton.automation.trigger import Trigger, triggers
from baton.platform import clock, sql
from baton.platform.changes import Change

pytestmark = pytest.mark.django_db
ALL = sorted(triggers().items())
# What only may have changed, and what is no fact of anybody's: nothing begins by it.
NO_NEWS = [
    Change(1, "property", "city"), Change(1, "property", "deal.*"), Change(1, "identity"), Change(1, "identity", "mail:3"), Change(1, "stage", "mql"),
    Change(1, "edge", "segment:3"), Change(1, "score", "1"), Change(1, "event", "1:1"), Change(1, "event", "5:7"), Change(1, "membership", "3:joined"),
    Change(1, "membership", "3:left"), Change(1, "record", "deal:amount"), Change(1, "company", "name"), Change(1, "entry", "1"), Change(1, "linked", "note:4"),
]  # fmt: skip
NEWS = [
    Change(1, "property", "city", "5"), Change(1, "property", "deal.dealstage", "7:5"), Change(1, "property", "deal.*", "7"), Change(1, "identity", "", "new"),
    Change(1, "event", "1:1", "1700000000000000:5"), Change(1, "event", "5:7", "1700000000000000:6"), Change(1, "booking", "12"),
    Change(1, "membership", "3:joined", "2026-01-01T00:00:00+00:00"), Change(1, "membership", "3:left", "2026-01-01T00:00:00+00:00"),
    Change(1, "score", "1", "2026-01-01T00:00:00+00:00"), Change(7, "record", "deal:*"), Change(7, "record", "deal:amount,dealstage", "5,6"),
]  # fmt: skip
OF_THE_CLOCK = {"date_arrives", "schedule"}
BY_SOMEBODY = {"manual", "webhook_received"}  # who enrolls at once


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_trigger_says_what_it_is_and_what_it_asks(key: str, kind: type[Trigger]) -> None:
    assert key == kind.key
    assert kind.__module__ == f"baton.automation.triggers.{key}"
    assert kind.icon
    with translation.override("en"):
        assert str(kind.label)[0].isupper()
    assert set(kind.model_fields) - {"id"} == set(kind.inputs())
    for asked in kind.inputs().values():
        assert isinstance(asked, Input)
        assert str(asked.label)
        assert bool(asked.options) == (asked.kind in ("choice", "choices"))
        assert asked.shown_when is None or asked.shown_when[0] in kind.inputs()


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_trigger_wakes_by_facts_only(key: str, kind: type[Trigger]) -> None:
    assert not any(kind.wakes(change) for change in NO_NEWS)
    assert any(kind.wakes(change) for change in NEWS) == (key not in OF_THE_CLOCK | BY_SOMEBODY)


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_an_empty_trigger_can_be_drawn_and_enrolls_nobody(key: str, kind: type[Trigger]) -> None:
    for object_type in kind.objects or ("contact", "company", "deal", "ticket"):
        [trigger] = graph.parse({"triggers": [{"type": key}], "steps": []}, object_type).triggers
        assert trigger.heading()
        assert isinstance(trigger.detail(), str)
        assert trigger.causes([]) == {}
        if key != "record_created":  # which asks nothing
            assert trigger.causes([change for change in NEWS if kind.wakes(change)]) == {}, "of facts that are not there, or of what is not filled in"
        assert trigger.due(clock.now() - timedelta(days=2), clock.now(), object_type) == {}
        for found, columns in ((trigger.backlog(object_type), 2), (trigger.past(clock.now() - timedelta(days=2), clock.now(), object_type), 3)):
            if found is not None:
                rows = sql.rows(f"SELECT * FROM ({found.text}) q", found.params)
                assert rows == []
                names = ", ".join(f"c{n}" for n in range(columns))
                sql.rows(f"SELECT {names} FROM ({found.text}) q({names})", found.params)


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_trigger_is_stored_and_read_as_the_same(key: str, kind: type[Trigger]) -> None:
    for object_type in kind.objects or ("contact", "company", "deal", "ticket"):
        parsed = graph.parse({"triggers": [{"type": key}], "steps": [{"id": "s1", "type": "end"}]}, object_type)
        assert graph.parse(parsed.stored(), object_type).stored() == parsed.stored()
        missing = parsed.triggers[0].unfilled()
        assert {p.path for p in parsed.problems() if p.path.startswith("triggers[0]")} >= {f"triggers[0].{name}" for name in missing}
