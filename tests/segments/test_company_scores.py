"""Companies have points by their people and by what they are themselves."""

from typing import Any

import pytest

from baton.crm import associations, records
from baton.crm.models import PropertyHistory
from baton.platform.actor import SYSTEM
from baton.segments import cards, company_scores, jobs, presets
from baton.segments.models import RecordScore, ScoreModel


def content(how: str = "sum", at_least: int = 0) -> dict[str, Any]:
    large = {"condition": "property", "property": "numberofemployees", "operator": "at_least", "value": 100}
    return presets.blank("회사 점수") | {
        "object_type": "company",
        "people": {"model": "lead", "how": how, "at_least": at_least},
        "rules": [{"key": "large", "group": "fit_company", "filter": large, "points": 15}],
    }


@pytest.fixture
def lead(world: Any) -> ScoreModel:
    given = {"key": "exec", "group": "fit_person", "filter": world.has("seniority", "exec"), "points": 20}
    seen = {"key": "seen", "group": "web", "filter": world.viewed("/pricing"), "points": 5, "kind": "event"}
    model = cards.create(presets.blank("점수") | {"rules": [given, seen]}, key="lead", actor=SYSTEM)
    jobs.evaluate_model(model_id=model.pk, rules_version=1)
    return model


def company(**values: Any) -> int:
    return records.create("company", {"name": "한빛정밀", **values}, actor=SYSTEM, source="test")


def score(id: int) -> tuple[int, dict[str, list[int]]]:
    found = RecordScore.objects.filter(record_id=id).first()
    return (found.total, found.reasons) if found else (0, {})


def published(how: str = "sum", at_least: int = 0) -> ScoreModel:
    model = cards.create(content(how, at_least), key="company", actor=SYSTEM)
    jobs.evaluate_model(model_id=model.pk, rules_version=1)
    return model


def test_a_company_follows_its_people_and_its_own_properties(world: Any, lead: ScoreModel) -> None:
    anna, ben = world.contact(seniority="exec"), world.contact()
    here, alone = company(), company(numberofemployees=500)
    model = published()
    world.settle()
    assert score(alone)[0] == 15
    for who in (anna, ben):
        associations.link("contact", who, "company", here, actor=SYSTEM)
    world.settle()
    assert score(here) == (20, {"people": [2, 20]})
    world.views(ben, "/pricing", times=2)
    world.settle()
    assert score(here) == (30, {"people": [2, 30]})
    records.update("company", here, {"numberofemployees": 120}, actor=SYSTEM, source="test")
    world.settle()
    assert score(here)[0] == 45
    assert records.get("company", here).properties["lead_score"] == 45
    assert not PropertyHistory.objects.filter(record_id=here, name="lead_score").exists()
    explained = company_scores.explain(here, model)
    assert (explained.total, explained.people, explained.fit, [h.rule.key for h in explained.held]) == (45, 30, 15, ["large"])
    records.archive("contact", ben, actor=SYSTEM)
    world.settle()
    assert score(here)[0] == 35
    associations.unlink("contact", anna, "company", here, actor=SYSTEM)
    world.settle()
    assert score(here)[0] == 15
    assert company_scores.everyone(model) == 0


@pytest.mark.parametrize(("how", "at_least", "points"), [("sum", 0, 45), ("average", 0, 15), ("highest", 0, 25), ("count", 20, 2)])
def test_what_people_bring(world: Any, lead: ScoreModel, how: str, at_least: int, points: int) -> None:
    people = [world.contact(seniority="exec"), world.contact(seniority="exec"), world.contact()]
    world.views(people[0], "/pricing")
    world.settle()
    here = company()
    for who in people:
        associations.link("contact", who, "company", here, actor=SYSTEM)
    model = published(how, at_least)
    assert score(here)[0] == points
    RecordScore.objects.all().delete()
    assert company_scores.some([here]) == 1
    assert score(here)[0] == points
    assert company_scores.everyone(model) == 0
