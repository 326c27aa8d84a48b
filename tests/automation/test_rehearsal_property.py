"""Random workflows, random people who do random things, and a moved clock: what a rehearsal says is what happens afterwards, and what it says of the past
is what happened then. Every way of a person is compared, to the moment."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from baton.accounts.models import Account, Role, User
from baton.automation import enroll, ghosts, graph, lot, rehearse, rehearsed, runner, verbs
from baton.automation.ghosts import Fact, Ghost
from baton.automation.models import Enrollment, Workflow
from baton.automation.rehearsed import Result
from baton.automation.step import steps as kinds
from baton.cli.worker import load_jobs
from baton.crm import builtin as properties
from baton.events import builtin as own_events
from baton.forms.models import Form
from baton.messaging import pretend
from baton.messaging.models import Email
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.segments import cards, presets
from baton.segments import verbs as lists
from baton.segments.models import Segment
from tests import examples

START = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
DAYS = 16
CITIES = ["서울", "부산", "대구"]
BRANCHES = ["branch", "branch_value", "split_random", "split_test"]
PLAIN = [
    "send_email", "send_email", "wait", "wait", "wait", "wait_until", "wait_until", "wait_for_hours", "wait_until_date", "set_property", "set_property",
    "copy_property", "change_number", "add_to_list", "remove_from_list", "notify", "create_task", "create_note", "create_deal", "create_ticket",
    "set_stage", "enroll_in", "leave", "assign_owner", "associate", "goal", "end", "go_to", "branch_answer", "give_points",
]  # fmt: skip
READS = {  # what a workflow writes is told of the past as it was, even where it did it itself: only those that write nothing are compared with their past
    "send_email", "wait", "wait_until", "wait_for_hours", "wait_until_date", "notify", "create_task", "create_note", "goal", "end", "go_to", "branch_answer",
    *BRANCHES,
}  # fmt: skip
OUTSIDE = {"webhook"}  # asks somebody else's server


@dataclass
class World:
    """What workflows may mention."""

    emails: list[int]
    form: int
    fixed: int  # a list people are put in by hand
    active: int  # those in Seoul
    other: int  # another workflow
    score: int
    user: int


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        load_jobs()
        properties.ensure()
        own_events.ensure()
        Account.objects.create(name="누리워크")
        with clock.stopped(START - timedelta(days=30)):
            emails = [
                Email.objects.create(name=f"메일 {n}", subject="안녕하세요", body="<p>내용</p>", purpose=p).pk
                for n, p in enumerate(["marketing", "transactional"])
            ]
            form = Form.objects.create(name="무료 체험")
            fixed = lists.create_segment("손으로", {}, "fixed", SYSTEM)
            active = lists.create_segment("서울 사람", {"condition": "property", "property": "city", "operator": "is", "value": "서울"}, "active", SYSTEM)
            Segment.objects.filter(pk=active.pk).update(evaluated_at=clock.now())
            user = User.objects.create_user("han@nuriwork.example", name="한별", role=Role.SALES)
            score = cards.create(presets.blank("점수"), actor=SYSTEM).pk
            other = verbs.create(
                "다른 흐름", SYSTEM, {"triggers": [{"type": "manual"}], "steps": [{"id": "s1", "type": "wait", "days": 2}, {"id": "s2", "type": "end"}]}
            )
            verbs.publish(other, SYSTEM)
        yield World(emails, form.pk, fixed.pk, active.pk, other.pk, score, user.pk)
        transaction.set_rollback(True)


# Random workflows --------------------------------------------------------------


def filters(world: World) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(lambda city: {"condition": "property", "property": "city", "operator": "is", "value": city}, st.sampled_from(CITIES)),
        st.just({"condition": "form_submitted", "form": world.form}),
        st.just({"condition": "in_segment", "segment": world.fixed}),
        st.just({"condition": "in_segment", "segment": world.active}),
        st.builds(lambda days: {"condition": "page_viewed", "address": "/pricing", "match": "starts", "days": days}, st.sampled_from([1, 3, 30])),
        st.builds(lambda email: {"condition": "email_clicked", "email": email, "at_least": 1, "days": 7}, st.sampled_from(world.emails)),
    )


@st.composite
def a_step(draw: st.DrawFn, world: World, depth: int, waits: list[str], numbers: Iterator[int]) -> dict[str, Any]:
    """Any step that talks to nobody outside."""
    kind = draw(st.sampled_from([*PLAIN, *BRANCHES, *BRANCHES] if depth < 2 else PLAIN))
    if (kind == "go_to" and not waits) or (kind == "give_points" and not world.score) or (kind == "branch_answer" and depth >= 2):
        kind = "wait"
    step: dict[str, Any] = {"id": f"s{next(numbers)}", "type": kind}
    match kind:
        case "send_email":
            step |= {"email": draw(st.sampled_from(world.emails)), "refused": draw(st.sampled_from(["skip", "end"]))}
        case "wait":
            step |= {"days": draw(st.integers(2, 4)), "hours": draw(st.integers(0, 30))}
            if depth == 0:
                waits.append(step["id"])
        case "wait_until":
            step |= {"filter": draw(filters(world)), "counts": draw(st.sampled_from(["here", "ever"])), "days": draw(st.integers(1, 5))}
        case "wait_until_date":
            step |= {"of": "date", "date": f"2026-11-{draw(st.integers(3, 14)):02}"}
        case "set_property":
            step |= {"property": "city", "how": "set", "value": draw(st.sampled_from(CITIES))}
        case "copy_property":
            step |= {"source": "contact.city", "to": "contact.jobtitle"}
        case "change_number":
            step |= {"property": "numberofemployees", "how": draw(st.sampled_from(["increase", "decrease"])), "by": 1}
        case "add_to_list" | "remove_from_list":
            step |= {"segment": world.fixed}
        case "notify":
            step |= {"to": "owner", "title": "{{ contact.email }}"}
        case "create_task" | "create_deal" | "create_ticket":
            step |= {"title": "{{ contact.email }}"}
        case "create_note":
            step |= {"text": "메모"}
        case "set_stage":
            step |= {"how": "forward", "stage": draw(st.sampled_from(["lead", "mql"]))}
        case "enroll_in" | "leave":
            step |= {"workflow": world.other}
        case "assign_owner":
            step |= {"how": "user", "user": world.user}
        case "go_to":
            step |= {"to": draw(st.sampled_from(waits))}
        case "give_points":
            step |= {"score": world.score, "points": 3, "reason": "rehearsal"}
        case "branch_answer":
            step |= {"source": step["id"], "field": "status", "test": "known"}
        case "branch":
            step |= {"filter": draw(filters(world))}
        case "branch_value":
            step |= {"of": "property", "property": "city", "values": {"a": "서울", "b": "부산"}}
        case "split_test":
            step |= {"goal": draw(filters(world))}
    ways = {
        "branch": ["yes", "no"],
        "branch_answer": ["yes", "no"],
        "branch_value": ["a", "b", "other"],
        "split_random": ["a", "b"],
        "split_test": ["a", "b"],
    }.get(kind)
    if ways:
        step["paths"] = [{"label": way, "steps": draw(some_steps(world, depth + 1, waits, numbers, least=0))} for way in ways]
    return step


@st.composite
def some_steps(draw: st.DrawFn, world: World, depth: int, waits: list[str], numbers: Iterator[int], least: int = 1) -> list[dict[str, Any]]:
    return [draw(a_step(world, depth, waits, numbers)) for _ in range(draw(st.integers(least, 5 if depth == 0 else 2)))]


@st.composite
def graphs(draw: st.DrawFn, world: World) -> dict[str, Any]:
    triggers = draw(
        st.lists(
            st.sampled_from(
                [
                    {"type": "form_submitted", "form": world.form},
                    {"type": "property_changed", "property": "city", "how": "any"},
                    {"type": "segment_joined", "segment": world.fixed},
                    {"type": "segment_joined", "segment": world.active},
                    {"type": "schedule", "how": "weekly", "days": ["wed"], "at": "09:00", "filter": {"condition": "form_submitted", "form": world.form}},
                ]
            ),
            min_size=1, max_size=2, unique_by=repr,
        )
    )  # fmt: skip
    stored: dict[str, Any] = {
        "again": draw(st.sampled_from(["never", "on_rejoin", "every_time", "every_time", "after_days"])),
        "again_days": draw(st.integers(1, 6)),
        "inside": draw(st.sampled_from(["stay", "supersede", "wait"])),
        "on_opt_out": draw(st.sampled_from(["skip", "end"])),
    }
    if draw(st.integers(0, 3)) == 0:
        stored["goal"] = draw(filters(world))
    if draw(st.integers(0, 3)) == 0:
        stored["suppress"] = [world.fixed]
    return {
        "triggers": [{"id": f"t{n}", **one} for n, one in enumerate(triggers)],
        "settings": stored,
        "steps": draw(some_steps(world, 0, [], iter(range(1, 1000)))),
    }


@st.composite
def people(draw: st.DrawFn, world: World) -> list[Ghost]:
    def fact(kind: str, minute: int, city: str, email: int, yes: bool) -> Fact:
        value: Any = {
            "form": world.form, "property": {"city": city}, "page": "www.nuriwork.example/pricing", "joined": world.fixed, "left": world.fixed,
            "consent": yes, "opened": email, "clicked": email, "unsubscribed": email,
        }[kind]  # fmt: skip
        return Fact(START + timedelta(minutes=minute, seconds=7), kind, value)

    found = []
    for number in range(draw(st.integers(1, 4))):
        some = st.builds(
            fact,
            st.sampled_from([*["form"] * 3, *["property", "joined", "clicked"] * 2, "page", "left", "consent", "opened", "unsubscribed"]),
            st.integers(0, (DAYS - 3) * 1440), st.sampled_from(CITIES), st.sampled_from(world.emails), st.booleans(),
        )  # fmt: skip
        about = {"email": f"ghost{number}@gaon.example", **({"city": draw(st.sampled_from(CITIES))} if draw(st.booleans()) else {})}
        found.append(
            Ghost(f"ghost{number}", about, draw(st.sampled_from([True, True, None])), draw(st.lists(some, min_size=1, max_size=6, unique_by=lambda f: f.at)))
        )
    return found


# The real run ------------------------------------------------------------------


def really(workflow: Workflow, group: Sequence[Ghost]) -> dict[int, str]:
    """Let it happen in the real tables: a loop of its own, from fact to fact, from timer to timer, and every Wednesday at nine."""
    zone = config().zone
    with clock.stopped(START - timedelta(microseconds=1)):
        ids = {ghosts.appear(ghost): ghost for ghost in group}
        while changes.tick():
            pass
    with clock.stopped(START - timedelta(microseconds=1)):
        verbs.publish(workflow, SYSTEM)
        Workflow.objects.filter(pk=workflow.pk).update(clock_at=START)
    facts = {(fact.at, id): fact for id, ghost in ids.items() for fact in ghost.facts}
    moments = [START, *(at for at, _id in facts)]
    nine = datetime.combine(START.astimezone(zone).date(), datetime.min.time(), zone) + timedelta(hours=9)
    moments += [nine + timedelta(days=n) for n in range(DAYS + 1) if nine + timedelta(days=n) > START]
    heapq.heapify(moments)
    seen = START - timedelta(microseconds=1)
    while moments and moments[0] <= START + timedelta(days=DAYS):
        at = heapq.heappop(moments)
        if at <= seen:
            continue
        with clock.stopped(at):
            for (moment, id), fact in sorted(facts.items(), key=lambda f: f[0]):
                if seen < moment <= at:
                    ghosts.happen(workflow, "contact", id, fact)
            enroll.by_clock(at)
            while changes.tick() + runner.run_due() + pretend.deliver():
                pass
        seen = at
        [(due,)] = sql.rows("SELECT min(due_at) FROM timer WHERE due_at > %s", [at])
        if due is not None:
            heapq.heappush(moments, due)
    return {id: ghost.name for id, ghost in ids.items()}


def ways(paths: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is compared of each person: every run with its cause of ending and its steps with their times, and every message."""
    return {
        path["name"]: {
            "runs": [
                (
                    run["trigger"],
                    run["at"],
                    run["until"],
                    run["state"],
                    run["reason"],
                    run["step"],
                    *sorted((w["turn"], w["at"], w["step"], w["outcome"], w["done"]) for w in run["walked"]),
                )
                for run in path["runs"]
            ],
            "messages": sorted((m["at"], m["step"], m["email"], m["state"], m["reason"]) for m in path["messages"]),
        }
        for path in paths
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[Any]:
    """What only one of the two has: person, which of the two, run or message."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        left, right = one.get(name, {"runs": [], "messages": []}), other.get(name, {"runs": [], "messages": []})
        for what in ("runs", "messages"):
            found += [(name, "rehearsed", row) for row in left[what] if row not in right[what]]
            found += [(name, "happened", row) for row in right[what] if row not in left[what]]
    return found


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def policies_hold(asked: graph.Graph, id: int) -> None:
    """Nobody was inside twice at once, and nobody came again earlier than he may."""
    runs = list(
        Enrollment.objects.filter(workflow_id=id).order_by("contact_id", "enrolled_at", "id").values_list("contact_id", "enrolled_at", "finished_at", "state")
    )
    for before, after in pairwise(runs):
        if before[0] != after[0]:
            continue
        assert asked.settings.again != "never"
        assert before[2] is not None or after[3] == "queued", "two runs at once"
        if asked.settings.again == "after_days":
            assert after[1] - before[1] >= timedelta(days=asked.settings.again_days)


def counts_are_rows(result: Result) -> None:
    """What the nodes say, by day and in all, is what the people did."""
    zone = config().zone
    first = START.astimezone(zone).date()
    came: Counter[tuple[str, int]] = Counter()
    for path in result.paths:
        for run in path["runs"]:
            for walked in run["walked"]:
                came[walked["step"], (datetime.fromisoformat(walked["at"]).astimezone(zone).date() - first).days] += 1
    assert {(node.id, int(day)): row[0] for node in result.nodes if node.type and node.id[0] == "s" for day, row in node.days.items() if row[0]} == dict(came)
    for node in result.nodes:
        assert node.came == node.left + node.failed + node.waiting
        assert sum(row[0] for row in node.days.values()) == node.came
        if node.days:
            assert node.days[max(node.days, key=int)][3] == node.waiting


def test_every_step_is_tried_but_those_that_ask_somebody_else() -> None:
    assert kinds().keys() - {*PLAIN, *BRANCHES} == OUTSIDE


def test_a_rehearsal_is_what_happens_afterwards(world: World, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lot, "place", lambda contact_id, cause, step: (hash(step) % 97) / 97)  # ghosts have other numbers than those who come after them

    @settings(
        max_examples=examples.some(3),
        deadline=None,
        phases=[Phase.generate],  # to shrink takes too long; the example itself tells enough
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        stored = data.draw(graphs(world))
        group = data.draw(people(world))
        with undone():
            workflow = verbs.create("시험", SYSTEM, stored)
            asked = graph.parse(stored)
            if asked.problems():
                return
            before = rehearse.run(asked, rehearse.Ghosts(group), START, DAYS, workflow=workflow)
            assert not [note for note in before.notes if note.startswith("trouble")]
            counts_are_rows(before)
            names = really(workflow, group)
            happened = ways(rehearsed.paths(asked, workflow.pk, names))
            assert differences(ways(before.paths), happened) == []
            policies_hold(asked, workflow.pk)
            if not {step.key for step in asked.walk()} <= READS:
                return
            after = rehearse.run(asked, rehearse.Past(DAYS), START, DAYS, workflow=workflow)
            told = ways([{**path, "name": names[path["contact"]]} for path in after.paths])
            assert differences(told, happened) == []

    with django_db_blocker.unblock():
        check()
