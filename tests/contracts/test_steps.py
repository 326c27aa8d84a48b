"""What every step keeps, whichever it is."""

import pytest
from django.utils import translation

from baton.automation import graph
from baton.automation.field import Input
from baton.automation.step import Step, steps

pytestmark = pytest.mark.django_db
ALL = sorted(steps().items())


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_step_says_what_it_is_and_what_it_asks(key: str, kind: type[Step]) -> None:
    assert key == kind.key
    assert str(kind.label)
    assert kind.icon
    own = set(kind.model_fields) - {"id", "name", "paths"}
    assert own == set(kind.inputs()), "every field says how it is asked for"
    for asked in kind.inputs().values():
        assert isinstance(asked, Input)
        assert str(asked.label)
        assert bool(asked.options) == (asked.kind == "choice")
        assert asked.shown_when is None or asked.shown_when[0] in own


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_an_empty_step_is_a_draft_that_can_be_drawn_but_not_published(key: str, kind: type[Step]) -> None:
    parsed = graph.parse({"triggers": [{"type": "form_submitted"}], "steps": [{"id": "s1", "type": key}]})
    step = next(parsed.walk())
    assert step.heading()
    assert isinstance(step.detail(), str)
    assert [f.name for f in step.entries()] == list(kind.inputs())
    assert parsed.problems()
    assert all(p.path.startswith("steps[0].") for p in parsed.problems())
    assert graph.parse(parsed.stored()).stored() == parsed.stored()


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_steps_file_carries_its_key(key: str, kind: type[Step]) -> None:
    assert kind.__module__ == f"baton.automation.steps.{key}"
    with translation.override("en"):
        assert str(kind.label)[0].isupper()
