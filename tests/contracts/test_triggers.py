"""What every trigger keeps, whichever it is."""

import pytest

from baton.automation.trigger import Trigger, triggers
from baton.platform.changes import Change

pytestmark = pytest.mark.django_db
ALL = sorted(triggers().items())
UNRELATED = [Change(1, "property", "city"), Change(1, "identity"), Change(1, "stage", "mql"), Change(1, "edge", "segment:3"), Change(1, "score", "1")]


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_trigger_says_what_it_is_and_what_it_asks(key: str, kind: type[Trigger]) -> None:
    assert key == kind.key
    assert kind.__module__ == f"baton.automation.triggers.{key}"
    assert str(kind.label)
    assert kind.icon
    assert set(kind.model_fields) - {"id"} == set(kind.inputs())


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_trigger_sleeps_through_what_is_not_its_own(key: str, kind: type[Trigger]) -> None:
    assert not any(kind.wakes(change) for change in UNRELATED)


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_an_empty_trigger_can_be_drawn_and_enrolls_nobody_by_nothing(key: str, kind: type[Trigger]) -> None:
    trigger = kind()
    assert trigger.heading()
    assert isinstance(trigger.detail(), str)
    assert trigger.causes([]) == {}
