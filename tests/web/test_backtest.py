"""The pages of the back-test and of won deals: what they say of enough and of too few cases, proposals put in the draft, and who may."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import users
from baton.crm import properties, records
from baton.crm.associations import link
from baton.messaging.models import Notification
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import backtest, cards
from baton.segments.models import Backtest, ScoreModel, ScoreVersion
from baton.segments.outcomes import Settings
from baton.web import jobs
from tests.segments.conftest import World
from tests.segments.test_backtest import binary, judged, many, planted


@pytest.fixture
def world(account: object) -> World:
    return World()


@pytest.fixture
def model(world: World) -> ScoreModel:
    return binary()


def text(web: Client, url: str, **more: Any) -> str:
    answer = web.get(url, **more)
    assert answer.status_code == 200
    return answer.content.decode()


def tried(model: ScoreModel) -> Backtest:
    test = backtest.ask(model, Settings(), actor=SYSTEM)
    backtest.run(test.pk)
    test.refresh_from_db()
    return test


def test_a_back_test_is_asked_for_followed_and_read(web: Client, model: ScoreModel) -> None:
    address = f"/scoring/{model.key}/backtest/"
    assert "has not been tried" in text(web, address)
    many(planted(400))
    answer = web.post(f"{address}start/", {"version": "1", "ends": "deals", "moment": "created", "days": "365"})
    assert answer.status_code == 302
    test = Backtest.objects.get()
    assert "Waiting for the worker" in text(web, answer["Location"])
    assert web.post(f"{address}start/", {"days": "365"}).status_code == 409  # one at a time
    backtest.run(test.pk)
    page = text(web, address)
    assert "400 people whose end is known" in page
    assert "not counted as lost" in page
    assert "Youden" in page
    part = text(web, f"{address}?run={test.pk}", headers={"HX-Request": "true", "HX-Target": "div#backtest"})
    assert "<html" not in part
    assert "400 people" in part
    assert web.post(f"{address}{test.pk}/stop/").status_code == 409
    assert web.post(f"{address}start/", {"ends": "moon"}).status_code in (400, 422)


def test_a_proposed_threshold_goes_into_the_draft(web: Client, model: ScoreModel) -> None:
    many(planted(600))
    test = tried(model)
    assert test.result is not None
    at = test.result["cuts"][1]["at"]
    answer = web.post(f"/scoring/{model.key}/backtest/{test.pk}/bands/sql/")
    assert answer.status_code == 200
    assert "As in the rules" in answer.content.decode()
    draft = cards.draft(model)
    assert draft is not None
    assert draft.content["bands"][1]["at_least"] == at
    assert web.post(f"/scoring/{model.key}/backtest/{test.pk}/bands/nothing/").status_code == 404


def test_a_proposed_rule_is_added_and_taken_back(web: Client, world: World, model: ScoreModel) -> None:
    many([({"jobtitle": "공장장" if number % 2 else "사원"}, number % 2 == 1) for number in range(80)])
    test = tried(model)
    address = f"/scoring/{model.key}/backtest/"
    assert "공장장" in text(web, address)
    answer = web.post(f"{address}{test.pk}/rules/0/")
    assert "In the draft" in answer.content.decode()
    assert "undo" in answer["HX-Trigger"]
    draft = cards.draft(model)
    assert draft is not None
    assert len(draft.content["rules"]) == 8
    answer = web.post(f"{address}{test.pk}/rules/0/back/")
    assert "Add the rule" in answer.content.decode()
    draft.refresh_from_db()
    assert len(draft.content["rules"]) == 7
    assert web.post(f"{address}{test.pk}/rules/7/").status_code == 404


def test_few_cases_are_said_to_be_few(web: Client, model: ScoreModel) -> None:
    many(planted(12))
    tried(model)
    page = text(web, f"/scoring/{model.key}/backtest/")
    assert "Not enough data" in page
    assert "Begin at" not in page


def test_who_may_only_look_changes_nothing(model: ScoreModel, account: object) -> None:
    seller = users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(seller)
    assert web.get(f"/scoring/{model.key}/backtest/").status_code == 200
    assert web.post(f"/scoring/{model.key}/backtest/start/", {}).status_code == 403
    assert web.post("/scoring/won/pages/1/", {}).status_code == 403


def test_the_report_tells_the_months_and_the_rules_behind_refusals(web: Client, world: World, model: ScoreModel) -> None:
    bad, good = (model.rules.get(key=key) for key in ("competitor", "sector"))
    for number in range(60):
        refused = number < 30
        held = {str(bad.pk if ((number % 30) < 27) == refused else good.pk): [1, 10]}
        judged(10_000 + number, "unqualified" if refused else "ready", reasons=held)
    page = text(web, f"/scoring/{model.key}/backtest/report/")
    assert "50%" in page  # accepted
    first = page.split("Rules behind refused leads")[1].split("<tbody>")[1].split("</tr>")[0]
    assert "competitor" in first.lower()
    assert "×" in first


def test_somebody_is_reminded_in_the_first_months_once_a_month(web: Client, world: World, model: ScoreModel, oh: Any) -> None:
    ScoreVersion.objects.filter(model=model).update(published_at=clock.now() - timedelta(days=45), published_by=f"user:{oh.pk}")
    jobs.review_scores(timestamp=0)
    jobs.review_scores(timestamp=0)
    notice = Notification.objects.get()
    assert (notice.user_id, notice.url) == (oh.pk, f"/scoring/{model.key}/backtest/")
    ScoreVersion.objects.filter(model=model).update(published_at=clock.now() - timedelta(days=400))
    Notification.objects.all().delete()
    jobs.review_scores(timestamp=0)
    assert not Notification.objects.exists()


def test_won_deals_tell_what_was_before_them_and_pages_become_rules(web: Client, world: World, model: ScoreModel, held: None) -> None:
    properties.define("contact", "wanted_product", "원하는 제품", "choice", options=[{"value": "t", "label": "근태 관리"}], actor=SYSTEM)
    assert "No deal has been won yet" in text(web, "/scoring/won/")
    people = many([({"lastname": "강", "firstname": f"민{number}", "lead_source": "webinar"}, number % 2 == 0) for number in range(60)])
    for person in people[::2]:
        world.views(person, "/cases", days_ago=70)
        world.views(person, "/late", days_ago=1)
    product = records.create("product", {"name": "근태 관리"}, actor=SYSTEM, source="test")
    for (deal,) in sql.rows("SELECT id FROM record WHERE object_type = 'deal'"):
        line = records.create("line_item", {"name": "근태", "product_id": product, "quantity": 1, "price": 1000}, actor=SYSTEM, source="test")
        link("deal", deal, "line_item", line, actor=SYSTEM)
    page = text(web, "/scoring/won/")
    assert "Webinar" in page
    assert "nuriwork.example/cases" in page
    assert "/late" not in page  # that was after the deal was made
    asked = []
    for count in (5, 20):  # as many questions for many deals as for a few
        with CaptureQueriesContext(connection) as found:
            text(web, f"/scoring/won/?n={count}")
        asked.append(len(found))
    assert asked[0] >= asked[1]
    pages = text(web, "/scoring/won/pages/")
    assert "30 / 30" in pages
    assert "0 / 30" in pages
    key = pages.split("/scoring/won/pages/")[1].split("/")[0]
    added = web.post(f"/scoring/won/pages/{key}/", {"points": "15"})
    assert "In the draft" in added.content.decode()
    draft = cards.draft(model)
    assert draft is not None
    assert draft.content["rules"][-1]["points"] == 15
    assert "In the draft" in text(web, "/scoring/won/pages/")
    assert (
        web.post(
            f"/scoring/won/rules/{draft.content['rules'][-1]['key']}/back/", {"place": f"page-{key}", "url": "//evil.example/", "points": "15"}
        ).status_code
        == 200
    )
    products = text(web, "/scoring/won/products/")
    assert "근태 관리" in products
    assert "30 / 60" in products
    assert f"/scoring/won/products/{product}/" in products
    assert "In the draft" in web.post(f"/scoring/won/products/{product}/", {"points": "20"}).content.decode()
    assert web.post("/scoring/won/pages/999999/", {"points": "15"}).status_code == 404
