"""What every step keeps, whichever it is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from django.db import transaction
from django.utils import translation

from baton.accounts.models import Account, Role, Team, User
from baton.automation import graph
from baton.automation.field import Input, Kind
from baton.automation.models import Enrollment, Version, Workflow
from baton.automation.step import Batch, Effect, Standing, Step, steps
from baton.messaging.models import Email
from baton.platform import clock, sql
from baton.segments.models import ScoreModel, Segment
from tests.automation.conftest import contact

pytestmark = pytest.mark.django_db
ALL = sorted(steps().items())
GROUPS = {"message", "time", "path", "record", "outside"}
SEOUL = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
# What leaves Baton or speaks to people has a key of its own; records are written once because the runner lets a step's result in once.
ONCE = ("message", "notification", "membership", "workflow_call", "enrollment")
LASTING = ("message", "notification", "timer", "record", "property_history", "membership", "workflow_call", "enrollment", "entry", "association")


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_step_says_what_it_is_and_what_it_asks(key: str, kind: type[Step]) -> None:
    assert key == kind.key
    assert kind.icon != "circle"
    assert kind.group in GROUPS
    assert kind.ends in ("", "finished", "goal")
    own = set(kind.model_fields) - {"id", "name", "paths"}
    assert own == set(kind.inputs()), "every field says how it is asked for"
    for asked in kind.inputs().values():
        assert isinstance(asked, Input)
        assert asked.kind in get_args(Kind)
        assert bool(asked.options) == (asked.kind in ("choice", "choices"))
        assert asked.shown_when is None or asked.shown_when[0] in own | {"object_type"}  # a field, or whom the workflow leads


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_all_its_words_are_there_in_both_languages(key: str, kind: type[Step]) -> None:
    said = [kind.label, *(name for _label, name in kind.labels)]
    for asked in kind.inputs().values():
        said += [asked.label, *([asked.help] if asked.help else []), *(name for _value, name in asked.options)]
    with translation.override("en"):
        english = [str(text) for text in said]
    assert english[0][0].isupper()
    with translation.override("ko"):
        assert all(str(text).strip() for text in said)


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_an_empty_step_is_a_draft_that_can_be_drawn_and_says_what_is_missing(key: str, kind: type[Step]) -> None:
    parsed = graph.parse({"triggers": [{"type": "form_submitted"}], "steps": [{"id": "s1", "type": key}]})
    step = next(parsed.walk())
    assert step.heading()
    assert isinstance(step.detail(), str)
    assert [f.name for f in step.entries()] == list(kind.inputs())
    assert all(p.path.startswith("steps[0].") for p in parsed.problems())
    assert bool(parsed.problems()) == bool(step.unfilled() or step.problems())
    named = {p.path.removeprefix("steps[0].").split(".")[0].split("[")[0] for p in parsed.problems()}
    assert named <= set(kind.inputs()), "a problem names one of the step's fields"
    assert graph.parse(parsed.stored()).stored() == parsed.stored()


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_steps_file_carries_its_key(key: str, kind: type[Step]) -> None:
    assert kind.__module__ == f"baton.automation.steps.{key}"


Sample = Callable[[], dict[str, Any]]


@pytest.fixture
def sample(account: Account) -> dict[str, dict[str, Any]]:
    """A filled-in step of each kind that can be filled in without more than this."""
    team = Team.objects.create(name="영업")
    users = [User.objects.create_user(f"{name}@nuriwork.example", name=name, role=Role.SALES, team=team).pk for name in ("han", "yoon")]
    email = Email.objects.create(name="서비스 소개", subject="안녕하세요", body="<p>소개</p>")
    fixed = Segment.objects.create(name="관심 고객", kind="fixed")
    other = Workflow.objects.create(name="다른 워크플로")
    return {
        "send_email": {"email": email.pk},
        "notify": {"to": "users", "users": users, "title": "{{ contact.city }}"},
        "wait": {"days": 1},
        "wait_until_date": {"of": "property", "property": "created_at", "days": 2, "side": "after"},
        "wait_for_hours": {"days": ["mon"], "start": "09:00", "end": "10:00"},
        "wait_until": {"filter": SEOUL, "days": 3},
        "branch": {"filter": SEOUL},
        "branch_value": {"of": "property", "property": "city", "values": {"a": "서울", "b": "부산"}},
        "split_random": {"shares": {"a": 30, "b": 70}},
        "split_test": {"shares": {"a": 30, "b": 70}, "goal": SEOUL},
        "go_to": {"to": "s1"},
        "set_property": {"property": "jobtitle", "value": "대표"},
        "add_to_list": {"segment": fixed.pk},
        "remove_from_list": {"segment": fixed.pk},
        "enroll_in": {"workflow": other.pk},
        "leave": {"workflow": other.pk},
        "assign_owner": {"how": "turn", "users": users},
        "branch_answer": {"source": "s9", "field": "plan", "value": "pro"},
        "change_number": {"property": "numberofemployees", "by": 3},
        "copy_property": {"source": "contact.city", "to": "contact.state"},
        "create_deal": {"title": "{{ contact.city }} 상담"},
        "create_note": {"text": "{{ contact.city }}"},
        "create_task": {"title": "전화"},
        "create_ticket": {"title": "문의"},
        "give_points": {"score": ScoreModel.objects.create(key="lead", name="관심도").pk, "points": 5, "reason": "상담"},
        "set_stage": {"stage": "mql"},
        "webhook": {"url": "https://hooks.gaon.example/in", "body": {"city": "{{ contact.city }}"}, "key_to_sign": "geheim"},
    }


def batch(people: list[tuple[int, int]], workflow: Workflow) -> Batch:
    return Batch(workflow.pk, "s1", clock.now(), [Standing(contact_id, enrollment_id, clock.now()) for contact_id, enrollment_id in people])


def run(step: Step, given: Batch) -> dict[int, Effect]:
    step.run(given)
    return {one.enrollment_id: given.effects.get(one.enrollment_id, Effect()) for one in given.standing}


def seen(effects: dict[int, Effect]) -> dict[int, Any]:
    """What is told of each, without moments that differ by how long the test took."""
    return {id: (e.outcome, e.path, e.ends, e.until and e.until.replace(second=0, microsecond=0)) for id, e in effects.items()}


def left(name: str) -> int:
    return int(sql.rows(f"SELECT count(*) FROM {name}")[0][0])


@pytest.fixture
def people(account: Account) -> tuple[Workflow, list[tuple[int, int]]]:
    """Five who stand at a step: in Seoul, in Busan, and nowhere."""
    workflow = Workflow.objects.create(name="후속", state="on")
    version = Version.objects.create(workflow=workflow, number=1, graph={"steps": []}, published_at=clock.now(), published_by="system")
    cities = ["서울", "부산", "서울", "대전", ""]
    ids = [contact(f"p{n}@gaon.example", **({"city": city} if city else {})) for n, city in enumerate(cities)]
    now = clock.now()
    runs = sql.next_ids("enrollment_id_seq", len(ids))
    Enrollment.objects.bulk_create(
        Enrollment(contact_id=c, id=e, workflow_id=workflow.pk, version_id=version.pk, cause=f"test:{c}", step="s1", entered_at=now, enrolled_at=now)
        for c, e in zip(ids, runs, strict=True)
    )
    return workflow, list(zip(ids, runs, strict=True))


def tables() -> list[str]:
    found = {name for (name,) in sql.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    return [name for name in LASTING if name in found]


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_nobody_one_by_one_and_twice(key: str, kind: type[Step], sample: dict[str, dict[str, Any]], people: tuple[Workflow, list[tuple[int, int]]]) -> None:
    workflow, five = people
    if kind.objects and "contact" not in kind.objects:
        pytest.skip("leads other records")
    step = kind.model_validate({"id": "s1", **sample.get(key, {})})
    assert not step.unfilled(), "the sample above is to be filled in"

    empty = batch([], workflow)
    step.run(empty)
    step.resume(empty)
    assert empty.effects == {}

    def undone(work: Callable[[], Any]) -> tuple[Any, dict[str, int]]:
        """What it answers, and how many rows of each kind it left; then it never happened."""
        before = {name: left(name) for name in tables()}
        try:
            with transaction.atomic():
                found = work(), {name: left(name) - before[name] for name in tables()}
                raise _Undo
        except _Undo:
            return found

    def alone() -> dict[int, Any]:
        return {id: effect for one in five for id, effect in seen(run(step, batch([one], workflow))).items()}

    def twice() -> dict[int, Any]:
        first = seen(run(step, batch(five, workflow)))
        again = seen(run(step, replace(batch(five, workflow), effects={})))
        assert {id: e[1:3] for id, e in first.items()} == {id: e[1:3] for id, e in again.items()}, "who comes again goes the same way"
        return first

    together, rows = undone(lambda: seen(run(step, batch(five, workflow))))
    assert undone(alone) == (together, rows), "one by one it does the same as for all at once"
    effects, more = undone(twice)
    assert (effects, {name: more[name] for name in ONCE}) == (together, {name: rows[name] for name in ONCE}), "twice it says no more than once"
    if ways := dict(step.ways()):
        assert all(path in ways for outcome, path, _ends, _until in together.values() if outcome not in ("waiting", "failed"))


class _Undo(Exception):
    pass
