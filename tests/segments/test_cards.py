"""Scores as documents: drafts, review, publishing, going back, differences, files; and what a faulty card is told."""

from typing import Any

import pytest

from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.models import History
from baton.segments import cards, jobs, lifecycle, presets
from baton.segments.models import Score, ScoreModel, ScoreRule
from tests.segments import scores

ANN, BEN = Actor("user", 7), Actor("user", 8)


def deferred(task: str) -> list[dict[str, Any]]:
    import json

    found = sql.rows("SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [f"baton.segments.jobs.{task}"])
    return [json.loads(args) if isinstance(args, str) else args for (args,) in found]


def told() -> list[tuple[str, str, dict[str, Any]]]:
    return [(h.actor, h.verb, h.detail) for h in History.objects.filter(subject_type="score_model").order_by("id")]


def content(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return presets.blank("점수") | {"rules": list(rules)} | more


def exec_rule(world: Any, points: int = 20, **more: Any) -> dict[str, Any]:
    return {"key": "exec", "group": "fit_person", "filter": world.has("seniority", "exec"), "points": points, **more}


def test_a_draft_counts_for_nobody_until_it_is_published(world: Any) -> None:
    anna = world.contact(seniority="exec")
    model = cards.create(content(exec_rule(world)), actor=ANN)
    jobs.evaluate_model(**deferred("evaluate_model")[-1])
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 20
    cards.put_rule(model, exec_rule(world, 15), actor=ANN)
    world.change(anna, city="서울")
    world.settle()
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 20
    assert cards.review(model, note="영업팀 확인", actor=BEN).reviewed_by == "user:8"
    published = cards.publish(model, actor=ANN)
    assert (published.number, published.reviewed_by, published.published_by, model.version) == (2, "user:8", "user:7", 2)
    first, second = deferred("evaluate_model")[-2:]
    jobs.evaluate_model(**first)  # an older version: nothing happens
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 20
    jobs.evaluate_model(**second)
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 15
    assert [verb for _who, verb, _what in told()] == ["created", "published", "reviewed", "published"]
    assert told()[-1][2]["reviewed_by"] == "user:8"


def test_a_change_after_the_review_wants_another_review(world: Any) -> None:
    model = cards.create(content(exec_rule(world)), actor=ANN)
    cards.put_rule(model, exec_rule(world, 15), actor=ANN)
    cards.review(model, actor=BEN)
    again = cards.put_rule(model, exec_rule(world, 10), actor=ANN)
    assert (again.number, again.state, again.reviewed_by) == (2, "draft", "")
    cards.discard(model, actor=ANN)
    assert cards.draft(model) is None
    with pytest.raises(NotFound):
        cards.publish(model, actor=ANN)


def test_going_back_publishes_an_older_card_and_rules_keep_their_numbers(world: Any) -> None:
    model = cards.create(content(exec_rule(world)), actor=ANN)
    number = model.rules.get().pk
    cards.save(model, content(), actor=ANN)
    cards.publish(model, actor=ANN)
    assert not ScoreRule.objects.get(pk=number).active  # it stays, so that old points can be explained
    draft = cards.back_to(model, 1, actor=ANN)
    with pytest.raises(Conflict):
        cards.back_to(model, 1, actor=ANN)
    assert draft.note
    cards.publish(model, actor=ANN)
    rule = model.rules.get()
    assert (rule.pk, rule.active, model.version) == (number, True, 3)


def test_the_difference_names_what_is_new_gone_and_other(world: Any) -> None:
    model = cards.create(content(exec_rule(world)), actor=ANN)
    before = cards.current(model)
    new = {"key": "seen", "group": "web", "filter": world.viewed("/pricing"), "points": 2, "kind": "event", "times": 3}
    cards.save(model, content(exec_rule(world, 15), new, bands=presets.bands(40, 80)), actor=ANN)
    cards.publish(model, actor=ANN)
    found = {(d.what, d.key): (d.before, d.after) for d in cards.difference(before, cards.current(model))}
    assert set(found) == {("band", "mql"), ("band", "sql"), ("rule", "exec"), ("rule", "seen")}
    assert found["rule", "seen"][0] is None
    assert [side and side["points"] for side in found["rule", "exec"]] == [20, 15]


def test_a_card_survives_its_file(world: Any) -> None:
    decayed = {"key": "seen", "group": "web", "filter": world.viewed("/pricing"), "points": 2, "kind": "event", "decay": {"kind": "half", "days": 30}}
    model = cards.create(content(exec_rule(world), decayed), actor=ANN)
    text = cards.to_yaml(cards.current(model))
    other = cards.create(cards.from_yaml(text), actor=ANN)
    assert cards.difference(cards.current(model), cards.current(other)) == []
    assert other.key != model.key
    for faulty in ("- 1", "a: [", ""):
        with pytest.raises(Invalid):
            cards.from_yaml(faulty)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"points": 5000}, "rules.0.points"),
        ({"times": 0, "kind": "event"}, "rules.0.times"),
        ({"times": 2}, "rules.0.times"),
        ({"decay": {"kind": "half", "days": 3}}, "rules.0.decay"),
        ({"expires_days": 3}, "rules.0.expires_days"),
        ({"kind": "event"}, "rules.0.filter"),  # who somebody is cannot be counted
        ({"group": "nowhere"}, "rules.0.group"),
        ({"filter": {"all": [{"condition": "page_viewed", "days": "x"}]}}, "rules.0.filter.all.0.days"),
        ({"filter": {"condition": "nonsense"}}, "rules.0.filter.condition"),
        ({"colour": "red"}, "rules.0.colour"),
    ],
)
def test_a_faulty_rule_is_refused_with_its_place(world: Any, change: dict[str, Any], path: str) -> None:
    model = cards.create(content(), actor=ANN)
    with pytest.raises(Invalid) as error:
        cards.put_rule(model, exec_rule(world) | change, actor=ANN)
    assert error.value.problems[0].path == path
    assert cards.draft(model) is None


def test_faulty_bands_groups_and_keys_are_refused_all_at_once(world: Any) -> None:
    faulty = content(exec_rule(world), exec_rule(world), bands=presets.bands(65, 65))
    with pytest.raises(Invalid) as error:
        cards.create(faulty, actor=ANN)
    assert [problem.path for problem in error.value.problems] == ["rules.1.key", "bands.1.at_least"]
    assert not ScoreModel.objects.exists()


def test_a_score_in_use_is_not_put_aside(world: Any) -> None:
    model = cards.create(content(exec_rule(world)), actor=ANN)
    anna = world.contact(seniority="exec")
    hot = world.list({"condition": "score", "at_least": 35, "model": model.pk}, name="Hot")
    with pytest.raises(Conflict, match="Hot"):
        cards.archive(model, actor=ANN)
    other = cards.create(content(exec_rule(world)), key="second", actor=ANN)
    firms = cards.create({"name": "Firms", "object_type": "company", "groups": [{"key": "g", "label": "G"}], "people": {"model": "second"}}, actor=ANN)
    with pytest.raises(Conflict, match="Firms"):
        cards.archive(other, actor=ANN)
    cards.archive(firms, actor=ANN)
    lifecycle.define("mql", rule={"mode": "score", "model": "second", "band": "mql"}, actor=ANN)
    with pytest.raises(Conflict, match="MQL"):
        cards.archive(other, actor=ANN)
    lifecycle.define("mql", rule={"mode": "score", "band": "mql"}, actor=ANN)
    cards.archive(other, actor=ANN)
    world.change(anna, seniority="staff")
    world.settle()
    assert not Score.objects.filter(model_id=other.pk).exists()
    assert hot


def test_other_bands_are_another_version(world: Any) -> None:
    model = scores.create()
    changed = scores.thresholds(model, 40, 80, actor=ANN)
    assert (changed.begins("mql"), changed.begins("sql"), changed.begins("hot"), changed.version) == (40, 80, None, 2)


def test_new_bands_move_people_in_lists_without_a_change_of_points(world: Any) -> None:
    anna = world.contact(seniority="exec")
    model = cards.create(content(exec_rule(world, 40)), actor=ANN)
    jobs.evaluate_model(**deferred("evaluate_model")[-1])
    mql = world.list({"condition": "score", "band": "mql", "model": model.pk})
    assert world.members(mql) == {anna}
    scores.thresholds(model, 50, 80, actor=ANN)
    jobs.evaluate_model(**deferred("evaluate_model")[-1])
    assert world.members(mql) == set()
