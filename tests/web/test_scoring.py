"""The rule sheet: real counts, a change that scores everybody again, thresholds, the tested contact, the history."""

from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account
from baton.crm import records
from baton.platform.actor import SYSTEM
from baton.segments import scoring
from baton.segments.models import ScoreModel, ScoreRule
from tests.segments import scores

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "aside#scoring-side"}


@pytest.fixture
def model(account: Account) -> ScoreModel:
    """Twenty points for executives, ten for big companies; three contacts with 30, 20 and 0 points."""
    model = scores.create("점수", mql=15, sql=25, actor=SYSTEM)
    scores.define(model, "exec", "fit_person", {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec"]}, 20, actor=SYSTEM)
    scores.define(
        model, "big", "fit_company", {"condition": "property", "property": "numberofemployees", "operator": "at_least", "value": 300}, 10, actor=SYSTEM
    )
    people: dict[str, dict[str, Any]] = {"하나": {"seniority": "exec", "numberofemployees": 500}, "둘": {"seniority": "exec"}, "셋": {}}
    for name, values in people.items():
        records.create("contact", {"firstname": name, "lastname": "김", "email": f"{name}@a.example", **values}, actor=SYSTEM, source="import")
    scoring.everyone(model)
    model.refresh_from_db()
    return model


@pytest.fixture
def marketer(client: Client, account: Account) -> Client:
    client.force_login(users.create("oh@nuriwork.example", "오세린", "baton-demo-1", "marketing", actor=SYSTEM, language="en"))
    return client


def rule(model: ScoreModel, key: str) -> ScoreRule:
    return model.rules.get(key=key)


def test_the_page_has_the_rules_with_the_people_they_match(marketer: Client, model: ScoreModel) -> None:
    page = marketer.get("/scoring/").content.decode()
    assert "<!doctype html>" in page
    assert f'<span id="matched-{rule(model, "exec").pk}">2 people</span>' in page
    assert f'<span id="matched-{rule(model, "big").pk}">1 person</span>' in page
    assert '<b class="num">30 points</b>' in page  # the best contact is tested first
    assert "customers in the last 90 days" not in page  # nobody became one: nothing is said


def test_the_side_panel_comes_alone(marketer: Client, model: ScoreModel) -> None:
    part = marketer.get("/scoring/", headers=PART).content.decode()
    assert "<html" not in part
    assert 'data-sum="sql">1<' in part
    assert 'data-sum="mql">1<' in part


def test_a_changed_rule_scores_everybody_again(marketer: Client, model: ScoreModel) -> None:
    answer = marketer.post(f"/scoring/rules/{rule(model, 'exec').pk}/", {"points": "5", "active": "on"}, headers=PART)
    part = answer.content.decode()
    assert '<b class="num">15 points</b>' in part
    assert 'data-sum="sql">0<' in part
    assert "scored again" in answer.headers["HX-Trigger"]


def test_a_rule_that_is_switched_off_matches_nobody(marketer: Client, model: ScoreModel) -> None:
    big = rule(model, "big")
    part = marketer.post(f"/scoring/rules/{big.pk}/", {"points": "10"}, headers=PART).content.decode()
    assert not rule(model, "big").active
    assert f'<span id="matched-{big.pk}">0 people</span>' in part


@pytest.mark.parametrize("points", ["", "viel", "1001", "1.5"])
def test_points_must_be_a_number(marketer: Client, model: ScoreModel, points: str) -> None:
    answer = marketer.post(f"/scoring/rules/{rule(model, 'exec').pk}/", {"points": points, "active": "on"}, headers=PART)
    assert answer.status_code == 422
    assert rule(model, "exec").points == 20


def test_thresholds_move_the_bands(marketer: Client, model: ScoreModel) -> None:
    part = marketer.post("/scoring/thresholds/", {"mql": "10", "sql": "20"}, headers=PART).content.decode()
    assert 'data-sum="sql">2<' in part
    model.refresh_from_db()
    assert (model.mql, model.sql) == (10, 20)


def test_impossible_thresholds_are_refused_with_a_reason(marketer: Client, model: ScoreModel) -> None:
    answer = marketer.post("/scoring/thresholds/", {"mql": "-5", "sql": "20"}, headers=PART)
    assert "below the SQL threshold" in answer.headers["HX-Trigger"]
    model.refresh_from_db()
    assert (model.mql, model.sql) == (15, 25)


def test_another_contact_is_tried(marketer: Client, model: ScoreModel) -> None:
    found = marketer.get("/scoring/people/?q=김둘").content.decode()
    assert "김둘" in found
    assert "김하나" not in found
    address = found.split('href="')[1].split('"')[0]
    assert '<b class="num">20 points</b>' in marketer.get(address, headers=PART).content.decode()


@pytest.mark.parametrize("q", ["%", "_", "\\", "<b>"])
def test_the_search_takes_any_letters(marketer: Client, model: ScoreModel, q: str) -> None:
    found = marketer.get("/scoring/people/", {"q": q}).content.decode()
    assert "김하나" not in found
    assert "<b>”" not in found


def test_the_history_says_who_changed_what(marketer: Client, model: ScoreModel) -> None:
    marketer.post(f"/scoring/rules/{rule(model, 'exec').pk}/", {"points": "5", "active": "on"}, headers=PART)
    told = marketer.get("/scoring/history/").content.decode()
    assert "오세린" in told
    assert "20 → 5 points" in told


def test_who_may_look_may_not_change(client: Client, model: ScoreModel) -> None:
    client.force_login(users.create("han@nuriwork.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM))
    assert client.get("/scoring/").status_code == 200
    assert client.post(f"/scoring/rules/{rule(model, 'exec').pk}/", {"points": "5"}, headers=PART).status_code == 403
    assert rule(model, "exec").points == 20


def test_without_a_model_there_is_a_page_too(marketer: Client) -> None:
    assert marketer.get("/scoring/").status_code == 200


def test_with_many_contacts_a_worker_scores_and_the_page_follows(marketer: Client, model: ScoreModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baton.web.pages.scoring.AT_ONCE", 2)
    head = rule(model, "exec")
    part = marketer.post(f"/scoring/rules/{head.pk}/", {"points": "5", "active": "on"}, headers=PART).content.decode()
    assert "being scored again" in part
    assert '<b class="num">30 points</b>' in part
    scoring.everyone(model)
    part = marketer.get("/scoring/?counts=1", headers=PART).content.decode()
    assert "being scored again" not in part
    assert '<b class="num">15 points</b>' in part
    assert f'hx-target="#matched-{head.pk}"' in part
