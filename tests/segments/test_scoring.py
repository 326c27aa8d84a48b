"""Points, their reasons, and the events that add up to them."""

from typing import Any

import pytest
from django.db import OperationalError
from psycopg.errors import DiskFull

from baton.events import identity
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import patience, scoring
from baton.segments.models import Score, ScoreModel
from tests.segments import scores

CANCELLED = {"not": {"condition": "opted_out"}}  # looks into other tables


def find(contact_id: int, model: ScoreModel) -> Score | None:
    return Score.objects.filter(contact_id=contact_id, model_id=model.pk).first()


def score(contact_id: int, model: ScoreModel) -> Score:
    return Score.objects.get(contact_id=contact_id, model_id=model.pk)


def events(contact_id: int) -> list[Event]:
    return list(Event.objects.filter(contact_id=contact_id, kind=Kind.SCORE_CHANGED).order_by("ts"))


def assert_adds_up(contact_id: int, model: ScoreModel) -> None:
    """The score, its reasons and its events say the same."""
    found = find(contact_id, model)
    total = found.total if found else 0
    assert sum(e.value or 0 for e in events(contact_id)) == total
    if found:
        assert sum(points for _times, points in found.reasons.values()) == total == found.fit + found.engagement
        by_rule: dict[str, int] = {}
        for event in events(contact_id):
            for moved in event.payload["rules"]:
                by_rule[str(moved["rule"])] = by_rule.get(str(moved["rule"]), 0) + moved["points"]
        assert {rule: points for rule, points in by_rule.items() if points} == {rule: points for rule, (_n, points) in found.reasons.items() if points}


def test_points_while_the_rule_holds(world: Any) -> None:
    anna = world.contact()
    model = world.model(("fit_person", world.has("seniority", "exec"), 20), ("web", world.viewed("/pricing"), 5))
    assert find(anna, model) is None
    world.change(anna, seniority="exec")
    world.views(anna, "/pricing")
    world.settle()
    found = score(anna, model)
    assert (found.total, found.fit, found.engagement) == (25, 20, 5)
    assert found.reasons == {str(world.rule(model, 0).pk): [1, 20], str(world.rule(model, 1).pk): [1, 5]}
    world.change(anna, seniority="staff")
    world.settle()
    found = score(anna, model)
    assert (found.total, found.fit) == (5, 0)
    assert [e.value for e in events(anna)] == [25, -20]
    assert events(anna)[1].payload == {"total": 5, "version": model.version, "rules": [{"rule": str(world.rule(model, 0).pk), "points": -20}]}
    assert_adds_up(anna, model)


@pytest.mark.parametrize(
    ("points", "most", "times", "counted", "worth"),
    [(5, None, 4, 4, 20), (5, 3, 2, 2, 10), (5, 3, 4, 3, 15), (-5, 3, 2, 2, -10), (-5, 3, 4, 3, -15), (3, 1, 2, 1, 3)],
)
def test_points_for_every_time_up_to_a_limit(world: Any, points: int, most: int | None, times: int, counted: int, worth: int) -> None:
    anna = world.contact()
    model = world.model(("web", world.viewed("/pricing"), points, {"each": True, "times": most}))
    world.views(anna, "/pricing", times=times)
    world.settle()
    assert score(anna, model).reasons == {str(world.rule(model, 0).pk): [counted, worth]}
    assert_adds_up(anna, model)


@pytest.fixture(params=["few contacts", "many contacts"])
def sized(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is evaluated as in a large database, too: in two steps that workers share."""
    if request.param == "many contacts":
        monkeypatch.setattr(patience, "LARGE", -1)


def test_everybody_and_the_few_score_alike(world: Any, sized: None) -> None:
    people = [world.contact(seniority=["exec", "staff"][n % 2]) for n in range(6)]
    for n, who in enumerate(people):
        world.views(who, "/pricing", times=n + 1)
    given: Any = (
        ("fit_person", world.has("seniority", "exec"), 20),
        ("web", world.viewed("/pricing"), 5, {"each": True, "times": 3}),
        ("web", CANCELLED, 1),
        ("minus", CANCELLED, -1),
    )
    full = world.model(*given)
    few = scores.create("Second", actor=SYSTEM)
    for number, (group, stored, points, *more) in enumerate(given):
        scores.define(few, f"rule{number}", group, stored, points, actor=SYSTEM, **(more[0] if more else {}))
    assert scoring.some(people, models=[few.pk]) == 6
    assert [score(who, full).total for who in people] == [score(who, few).total for who in people] == [25, 10, 35, 15, 35, 15]
    for who in people:
        first, second = events(who)
        assert [moved["points"] for moved in first.payload["rules"]] == [moved["points"] for moved in second.payload["rules"]]
        assert first.payload["total"] == second.payload["total"] == score(who, full).total
    assert scoring.everyone(few) == scoring.everyone(full) == scoring.some(people) == 0


def test_a_contact_without_points_has_no_row(world: Any) -> None:
    anna = world.contact()
    model = world.model(("web", world.viewed("/pricing"), 5))
    world.settle()
    assert find(anna, model) is None
    assert events(anna) == []


def test_a_visitor_is_not_scored_until_he_is_a_contact(world: Any) -> None:
    from baton.crm import contacts, records

    model = world.model(("web", world.viewed("/pricing"), 5))
    visitor = sql.next_ids("record_id_seq", 1)[0]
    world.views(visitor, "/pricing")
    world.settle()
    assert find(visitor, model) is None
    contacts.create_as(visitor, {"email": "kim@client.example"}, actor=SYSTEM, source="form")
    world.settle()
    found = score(visitor, model)
    assert found.total == 5
    assert records.get("contact", visitor).properties["lifecyclestage"] == "nurturing"  # in by being there, on by what he did


def test_a_changed_rule_moves_the_scores(world: Any, sized: None) -> None:
    anna = world.contact()
    world.views(anna, "/pricing", times=2)
    model = world.model(("web", world.viewed("/pricing"), 5, {"each": True}), ("web", world.viewed("/pricing"), 7))
    assert score(anna, model).total == 17
    scores.change(world.rule(model, 0), points=10, actor=SYSTEM)
    scoring.everyone(model)
    assert score(anna, model).total == 27
    scores.change(world.rule(model, 1), active=False, actor=SYSTEM)
    scoring.everyone(model)
    assert score(anna, model).total == 20
    assert [e.value for e in events(anna)] == [17, 10, -7]
    assert_adds_up(anna, model)
    scores.change(world.rule(model, 0), active=False, actor=SYSTEM)
    scoring.everyone(model)
    assert (score(anna, model).total, score(anna, model).reasons) == (0, {})
    assert_adds_up(anna, model)


def test_a_machine_with_little_shared_memory_scores_all_the_same(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = world.contact(seniority="exec")
    model = world.model(("fit_person", world.has("seniority", "exec"), 10))
    scores.change(world.rule(model, 0), points=12, actor=SYSTEM)
    asked: list[str] = []

    def run(statement: str, params: Any = ()) -> int:
        if "score_moved AS" in statement:
            asked.append(sql.rows("SHOW max_parallel_workers_per_gather")[0][0])
            if len(asked) == 1:
                raise OperationalError("could not resize shared memory segment") from DiskFull()
        return run_anyway(statement, params)

    run_anyway = sql.run
    monkeypatch.setattr(sql, "run", run)
    assert scoring.everyone(model) == 1
    assert asked[1:] == ["0"]
    assert score(anna, model).total == 12


def test_rules_that_cancel_each_other_still_leave_their_trace(world: Any) -> None:
    anna = world.contact(seniority="exec")
    model = world.model(("fit_person", world.has("seniority", "exec"), 10), ("fit_person", world.has("seniority", "staff"), 10))
    world.change(anna, seniority="staff")
    world.settle()
    assert [(e.value, len(e.payload["rules"])) for e in events(anna)] == [(10, 1), (0, 2)]
    assert_adds_up(anna, model)


def test_one_statement_asks_all_rules(world: Any) -> None:
    people = [world.contact() for _ in range(3)]
    given = [("web", world.viewed(f"/page{n}"), 1) for n in range(60)]  # more than one function call of PostgreSQL can take
    model = world.model(*given)
    world.settle()
    for who in people:
        world.views(who, "/page59", times=1)
    scoring.some(people)  # rules are parsed once

    def statements() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(
            connection,
        ) as found:
            scoring.some(people, models=[model.pk])
        return len([q for q in found if "held AS MATERIALIZED" in q["sql"]])

    assert statements() == 1
    assert score(people[0], model).reasons == {str(world.rule(model, 59).pk): [1, 1]}


def test_a_model_without_rules_scores_nobody(world: Any) -> None:
    anna = world.contact()
    model = world.model()
    assert scoring.everyone(model) == scoring.some([anna]) == 0
    found = scoring.explain(anna)
    assert (found.total, found.hits, found.next_band.key, found.nearest) == (0, [], "mql", [])


def test_explain_names_rules_that_hold_and_those_that_do_not(world: Any) -> None:
    anna = world.contact(seniority="exec")
    world.model(
        ("fit_person", world.has("seniority", "staff"), 5), ("fit_person", world.has("seniority", "exec"), 20), ("minus", world.has("seniority", "exec"), -30)
    )
    assert [(h.rule.key, h.times, h.points) for h in scoring.explain(anna).hits] == [("rule2", 1, -30), ("rule1", 1, 20), ("rule0", 0, 0)]


def test_histogram_and_bands_count_everybody(world: Any) -> None:
    for points in (-100, -20, -16, 0, 34, 35, 64, 65, 149, 150, 400):
        anna = world.contact(numberofemployees=1000 + points)
    model = world.model(*(("fit_company", world.has_number(1000 + p), p) for p in (-100, -20, -16, 34, 35, 64, 65, 149, 150, 400)))
    assert anna
    found = scoring.histogram(model)
    bins = {b.at: b.count for b in found.bins}
    assert len(found.bins) == 35
    assert {at: n for at, n in bins.items() if n} == {-20: 3, 0: 1, 30: 1, 35: 1, 60: 1, 65: 1, 145: 1, 150: 2}
    assert [(b.key, b.at_least, b.count) for b in found.bands] == [("", None, 5), ("mql", 35, 2), ("sql", 65, 4)]
    assert (found.band("mql"), found.total) == (2, 11)


def test_matched_counts_contacts_by_rule(world: Any) -> None:
    for n in range(5):
        world.contact(seniority=["exec", "staff"][n % 2])
    model = world.model(
        ("fit_person", world.has("seniority", "exec"), 5), ("fit_person", world.has("seniority", "staff"), 5), ("fit_person", world.has("seniority", "head"), 5)
    )
    ids = [world.rule(model, n).pk for n in range(3)]
    assert scoring.matched(model) == {ids[0]: 3, ids[1]: 2, ids[2]: 0}


def test_what_a_visitor_did_counts_at_once_when_he_turns_out_to_be_a_contact(world: Any) -> None:
    anna = world.contact()
    model = world.model(("web", world.viewed("/pricing"), 5, {"each": True, "times": 3}))
    often = world.list(world.viewed("/pricing", at_least=3))
    visitor = sql.next_ids("record_id_seq", 1)[0]
    identity.first_seen(visitor, clock.now())
    world.views(visitor, "/pricing", times=2)
    world.views(anna, "/pricing")
    world.settle()
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 5
    identity.join(visitor, anna, by="email_click")
    world.settle()
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 15
    assert world.members(often) == {anna}
    assert not Score.objects.filter(contact_id=visitor).exists()
