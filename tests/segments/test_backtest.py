"""A score tried on the past: the right people at the right moments, a planted threshold found, small numbers silent, proposals that become rules."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from baton.crm import associations, records
from baton.crm.models import Contact, Record
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict
from baton.segments import advice, backtest, card, cards, catalog, filter, outcomes, presets
from baton.segments.models import ScoreModel, Verdict
from baton.segments.outcomes import Outcome, Settings
from tests.segments import scores
from tests.segments.conftest import World

BITS = ("competitor", "student", "supplier", "retired", "partner", "employee")


def binary() -> ScoreModel:
    """A score that gives 1, 2, 4 … 32 points for six yes-or-no properties and 40 for one industry: 0 to 103 points."""
    content = presets.blank("시험 점수")
    group = content["groups"][0]["key"]
    content["rules"] = [
        {"key": name, "group": group, "points": 2**place, "filter": {"condition": "property", "property": name, "operator": "is", "value": True}}
        for place, name in enumerate(BITS)
    ] + [{"key": "sector", "group": group, "points": 40, "filter": {"condition": "property", "property": "industry", "operator": "any_of", "value": ["it"]}}]
    return cards.create(content, actor=SYSTEM)


def of(points: int) -> dict[str, Any]:
    """The properties of somebody with so many points."""
    rest = points - 40 if points >= 64 else points
    return {name: bool(rest >> place & 1) for place, name in enumerate(BITS)} | ({"industry": "it"} if points >= 64 else {})


def deal(world: World, contact: int, stage: str, **values: Any) -> int:
    id = records.create("deal", {"dealname": "거래", "dealstage": "appointmentscheduled", **values}, actor=SYSTEM, source="test")
    associations.link("deal", id, "contact", contact, actor=SYSTEM)
    if stage:
        records.update("deal", id, {"dealstage": stage}, actor=SYSTEM, source="test")
    return id


def judged(contact: int, verdict: str, at: datetime | None = None, **more: Any) -> None:
    Verdict.objects.create(contact_id=contact, id=Verdict.objects.count() + 1, verdict=verdict, actor="user:1", at=at or clock.now(), **more)


def many(ends: list[tuple[dict[str, Any], bool]]) -> list[int]:
    """Contacts with these properties and a deal each, won or lost, written at once; returns their ids."""
    now = clock.now()
    ids = sql.next_ids("record_id_seq", 2 * len(ends))
    people, deals = ids[: len(ends)], ids[len(ends) :]
    before, made, closed = (now - timedelta(days=days) for days in (90, 60, 30))
    shared = {"created_by": "system", "updated_at": now}
    ended = {"pipeline": "default", "stage_since": closed.isoformat(), "closedate": str(closed.date())}
    Contact.objects.bulk_create([Contact(id=id, properties=about, created_at=before, **shared) for id, (about, _won) in zip(people, ends, strict=True)])
    Record.objects.bulk_create(
        Record(
            id=id, object_type="deal", created_at=made, **shared,
            properties=ended | {"dealstage": "closedwon" if won else "closedlost"},
        )
        for id, (_about, won) in zip(deals, ends, strict=True)
    )  # fmt: skip
    sql.run(
        "INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)"
        " SELECT d, 'deal', c, 'contact', '', %(at)s FROM unnest(%(d)s::bigint[], %(c)s::bigint[]) AS r(d, c)"
        " UNION ALL SELECT c, 'contact', d, 'deal', '', %(at)s FROM unnest(%(d)s::bigint[], %(c)s::bigint[]) AS r(d, c)",
        {"at": made, "d": deals, "c": people},
    )
    return people


def planted(count: int, *, seed: int = 3) -> list[tuple[dict[str, Any], bool]]:
    """From 62 points on six in ten were won, below it one in twelve."""
    luck = random.Random(seed)
    return [(of(points), luck.random() < (0.6 if points >= 62 else 0.08)) for points in (luck.randint(20, 95) for _ in range(count))]


def measured(model: ScoreModel, settings: Settings | None = None) -> dict[str, Any]:
    found = backtest.measure(cards.current(model), settings or Settings())
    assert found is not None
    return found


def test_a_planted_threshold_is_found_with_what_the_bands_are_worth(world: World) -> None:
    model = binary()
    many(planted(800))
    sql.run("ANALYZE")
    found = measured(model)
    assert found["counts"]["won"] + found["counts"]["lost"] == 800
    upper = found["cuts"][1]
    assert 60 <= upper["at"] <= 64
    assert upper["low"] <= 62 <= upper["high"]
    lower = found["cuts"][0]
    assert lower["at"] < upper["at"]
    below, mql, sql_ = found["bands"]
    assert (below["at_least"], below["below"], mql["at_least"], sql_["at_least"]) == (None, 35, 35, 65)
    assert sum(band["good"] + band["bad"] for band in found["bands"]) == 800
    share, low, high = sql_["precision"][2:]
    assert 0.5 < low < share < high < 0.7
    assert sql_["lift"][1] > 1.2
    sector = next(rule for rule in found["rules"] if rule["key"] == "sector")
    assert sector["lift"][1] > 1
    assert sum(good + bad for _at, good, bad in found["bars"]) == 800


def test_with_few_ends_there_are_counts_and_nothing_else(world: World) -> None:
    model = binary()
    many([(of(70), True)] * 4 + [(of(20), False)] * 6)
    found = measured(model)
    assert found["counts"] == {"won": 4, "lost": 6, "ready": 0, "not_ready": 0, "unqualified": 0}
    assert all(band["share"][2] is None for band in found["bands"])
    assert all(rule["lift"] == [None, None, None] for rule in found["rules"])
    assert [cut["why"] for cut in found["cuts"]] == ["few", "few"]
    assert found["candidates"] is None
    empty = measured(model, Settings(days=1))
    assert (empty["bars"], sum(empty["counts"].values())) == ([], 0)


def test_points_are_those_from_before_the_deal(world: World) -> None:
    model = world.model(("fit_person", world.has("industry", "it"), 10), ("web", world.viewed("/pricing"), 5, {"kind": "event"}))
    person = world.contact(industry="it")
    clock.shift(timedelta(days=1))
    world.views(person, "/pricing", days_ago=0.5)
    made = deal(world, person, "")
    after = clock.now()
    clock.shift(timedelta(days=3))
    world.views(person, "/pricing", times=3)
    world.change(person, industry="finance")
    records.update("deal", made, {"dealstage": "closedwon"}, actor=SYSTEM, source="test")
    content = cards.current(model)
    known = catalog.current()
    nodes = {rule.key: filter.parse(rule.filter, known) for rule in content.rules}

    def points(settings: Settings) -> tuple[int, dict[str, Any]]:
        (found,) = backtest.points(content, nodes, outcomes.find(settings), known)
        return found.total, dict(found.reasons)

    total, reasons = points(Settings())
    assert total == 15
    assert reasons == {"rule0": [1, 10], "rule1": [1, 5]}
    total, reasons = points(Settings(moment="closed"))
    assert total == 20  # four views by then, and no longer in that industry
    (end,) = outcomes.find(Settings())
    assert end.end == "won"
    assert end.at < after


def test_a_person_counts_once_and_who_is_undecided_not_at_all(world: World) -> None:
    won, twice, lost, open_, renewed, said, both = (world.contact() for _ in range(7))
    deal(world, won, "closedwon")
    deal(world, twice, "closedwon")
    deal(world, twice, "closedlost")
    deal(world, lost, "closedlost")
    deal(world, open_, "")
    deal(world, renewed, "closedwon", dealtype="existingbusiness")
    judged(said, "not_ready", clock.now() - timedelta(days=2))
    judged(said, "unqualified")
    judged(both, "ready")
    deal(world, both, "closedlost")
    clock.shift(timedelta(minutes=1))
    assert {o.contact_id: o.end for o in outcomes.find(Settings())} == {won: "won", twice: "won", lost: "lost", said: "unqualified", both: "lost"}
    assert {o.contact_id: o.end for o in outcomes.find(Settings(ends="verdicts"))} == {said: "unqualified", both: "ready"}
    assert {o.contact_id for o in outcomes.find(Settings(ends="deals"))} == {won, twice, lost, both}
    assert outcomes.is_good("not_ready", last=True) is False
    assert outcomes.is_good("not_ready", last=False) is None


def test_who_was_not_known_then_is_left_out_and_said_so(world: World) -> None:
    model = binary()
    person = world.contact()
    deal(world, person, "closedwon", closedate=(clock.now() - timedelta(days=30)).date().isoformat())  # imported: closed before it was written down
    found = measured(model)
    assert (found["unknown"], sum(found["counts"].values())) == (1, 0)


def test_rules_about_days_of_the_calendar_are_right_for_each_day(world: World) -> None:
    content = presets.blank("날짜")
    keys = [group["key"] for group in content["groups"]]
    content["groups"] = [group | ({"cap": 12} if group["key"] == keys[3] else {}) for group in content["groups"]]
    dated = {"condition": "property", "property": "created_at", "operator": "in_last_days", "value": 3}
    content["rules"] = [
        {"key": "fresh", "group": keys[3], "points": 10, "filter": dated},
        {"key": "seen", "group": keys[3], "points": 5, "filter": world.viewed("/pricing")},
    ]
    checked = cards.current(cards.create(content, actor=SYSTEM))
    person = world.contact()
    start = clock.now()
    world.views(person, "/pricing")
    clock.shift(timedelta(days=100))
    known = catalog.current()
    nodes = {rule.key: filter.parse(rule.filter, known) for rule in checked.rules}
    ends = [Outcome(person, "won", start + timedelta(days=days)) for days in (1, 10, 50)]
    assert [s.total for s in backtest.points(checked, nodes, ends, known)] == [12, 5, 0]  # capped; then only the view; then nothing


def test_what_won_people_did_more_often_is_proposed_and_can_be_added(world: World) -> None:
    model = binary()
    people = many([({"jobtitle": "공장장" if number % 2 else "사원"}, number % 2 == 1 or number % 10 == 0) for number in range(160)])
    winners = {o.contact_id for o in outcomes.find(Settings()) if o.end == "won"}
    for number, person in enumerate(people):
        if person in winners or number % 8 == 0:
            world.views(person, "/cases", days_ago=70)
        world.views(person, "/home", days_ago=70)
        world.views(person, "/after", days_ago=40)  # after the deal was made
    found = measured(model)["candidates"]
    asked = [row["rule"]["filter"] for row in found]
    assert {"condition": "page_viewed", "address": "nuriwork.example/cases", "match": "is", "days": advice.WINDOW} in asked
    assert {"condition": "property", "property": "jobtitle", "operator": "any_of", "value": ["공장장"]} in asked
    assert len(asked) == 2  # the page everybody sees says nothing, and what came later foretells nothing
    version = advice.put(model, found[0]["rule"], actor=SYSTEM)
    advice.put(model, found[0]["rule"], actor=SYSTEM)
    assert version.state == "draft"
    added = card.read(cards.draft(model).content)  # type: ignore[union-attr]  # it was just made
    assert len(added.rules) == len(BITS) + 2
    again = backtest.measure(added, Settings())
    assert again is not None
    assert len(again["candidates"]) == 1  # what is a rule already is not proposed


def test_a_back_test_runs_in_the_background_is_stopped_and_fails_honestly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    model = binary()
    many(planted(60))
    test = backtest.ask(model, Settings(), actor=SYSTEM)
    with pytest.raises(Conflict):
        backtest.ask(model, Settings(), actor=SYSTEM)
    backtest.run(test.pk)
    test.refresh_from_db()
    assert (test.state, test.done, test.total) == ("done", 60, 60)
    assert test.result is not None
    backtest.run(test.pk)  # a second worker does nothing
    with pytest.raises(Conflict):
        backtest.cancel(test, actor=SYSTEM)

    stopped = backtest.ask(model, Settings(), actor=SYSTEM)

    def while_stopped(*_: Any) -> list[Any]:
        backtest.cancel(stopped, actor=SYSTEM)
        return []

    monkeypatch.setattr(backtest, "points", while_stopped)
    backtest.run(stopped.pk)
    stopped.refresh_from_db()
    assert (stopped.state, stopped.result) == ("cancelled", None)

    failed = backtest.ask(model, Settings(), actor=SYSTEM)

    def broken(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(backtest, "points", broken)
    backtest.run(failed.pk)
    failed.refresh_from_db()
    assert failed.state == "failed"
    assert failed.fault


def test_a_draft_is_tried_before_it_counts(world: World) -> None:
    model = binary()
    many(planted(60))
    content = cards.current(model).to_json()
    cards.save(model, content | {"bands": presets.bands(10, 20)}, actor=SYSTEM)
    test = backtest.ask(model, Settings(), actor=SYSTEM)
    backtest.run(test.pk)
    test.refresh_from_db()
    assert test.version == 2
    assert test.result is not None
    assert [band["at_least"] for band in test.result["bands"]] == [None, 10, 20]
    advice.begin_at(model, "sql", 62, actor=SYSTEM)
    assert advice.working(model).bands[1].at_least == 62
    assert cards.current(model).bands[1].at_least == 65


def test_bant_answers_with_and_without_behaviour_are_compared(world: World) -> None:
    model = scores.create("BANT", actor=SYSTEM)
    scores.define(model, "budget_ok", "fit_person", world.has("budget", "fit"), 10)
    scores.define(model, "looked", "web", world.viewed("/pricing", days=365), 10)
    people = many([({"budget": "fit"}, number < 60 and number % 4 != 0) for number in range(120)])
    for person in people[:60]:
        world.views(person, "/pricing", days_ago=70)
    found = measured(model)["bant"]
    assert (found["only"][:2], found["both"][:2]) == ([0, 60], [45, 60])
    assert found["winner"] == 1
    assert measured(binary())["bant"] is None
