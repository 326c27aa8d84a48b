"""The pages of the life cycle: its settings, and moving a contact on his page."""

from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.crm import records, stages
from baton.platform.actor import SYSTEM
from tests.segments import scores


@pytest.fixture
def admin(account: object) -> Client:
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM))
    return web


def text(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.django_db
class TestSettings:
    def test_the_page_tells_who_enters_and_a_preset_changes_it(self, admin: Client) -> None:
        scores.create("리드 점수")
        page = text(admin.get("/settings/lifecycle/"))
        assert all(f"/settings/lifecycle/{stage.key}/" in page for stage in stages.known())
        assert admin.post("/settings/lifecycle/preset/", {"preset": "score"}).status_code == 204
        assert stages.get("mql").rule == {"mode": "score", "model": "", "band": "mql"}
        assert admin.post("/settings/lifecycle/preset/", {"preset": "mine"}).status_code == 422

    def test_a_rule_is_tried_saved_and_refused_at_its_place(self, admin: Client) -> None:
        scores.create("리드 점수")
        for _number in range(3):
            records.create("contact", {"jobtitle": "CTO", "lifecyclestage": "lead"}, actor=SYSTEM, source="test")
        stored = '{"all": [{"condition": "property", "property": "jobtitle", "operator": "is", "value": "CTO"}]}'
        form = {"kind": "forward", "team": "sales", "days": "9", "mode": "filter", "band": "|", "filter": stored, "returns_to": "", "reason": ""}
        assert "3" in text(admin.post("/settings/lifecycle/sql/effect/", form))
        assert admin.post("/settings/lifecycle/sql/", form).status_code == 204
        assert (stages.get("sql").days, stages.get("sql").rule["mode"]) == (9, "filter")
        assert "CTO" in text(admin.get("/settings/lifecycle/sql/"))
        refused = admin.post("/settings/lifecycle/sql/", {**form, "mode": "people"})
        assert (refused.status_code, stages.get("sql").rule["mode"]) == (422, "filter")
        assert admin.post("/settings/lifecycle/sql/", {**form, "days": "soon"}).status_code == 422
        assert admin.post("/settings/lifecycle/sql/", {**form, "filter": stored.replace("jobtitle", "mood")}).status_code == 422
        assert admin.get("/settings/lifecycle/nothing/").status_code == 404


@pytest.mark.django_db
class TestMoving:
    def test_on_back_with_a_reason_and_taken_back(self, web: Client) -> None:
        id = records.create("contact", {"lastname": "서", "firstname": "지우", "lifecyclestage": "sql"}, actor=SYSTEM, source="test")
        url = f"/contacts/{id}/stage/"

        def stage() -> str:
            return str(records.get("contact", id).properties.get("lifecyclestage", ""))

        assert "optgroup" in text(web.get(url))
        assert web.post(url, {"into": ""}).status_code == 422
        assert (web.post(url, {"into": "mql"}).status_code, stage()) == (422, "sql")
        assert (web.post(url, {"into": "mql", "reason": "아직 이름"}).status_code, stage()) == (200, "mql")
        assert "아직 이름" in text(web.get(f"/contacts/{id}/"))
        assert (web.post(url, {"into": "sql", "undo": "1"}).status_code, stage()) == (200, "sql")
        assert (web.post(url, {"into": "-"}).status_code, stage()) == (200, "")
        assert (web.post(url, {"into": "recycle_a"}).status_code, stage()) == (200, "recycle_a")

    def test_the_field_says_why_it_does_not_go_back_and_its_toast_does(self, web: Client) -> None:
        id = records.create("contact", {"lastname": "서", "lifecyclestage": "mql"}, actor=SYSTEM, source="test")
        url = f"/contacts/{id}/properties/lifecyclestage/"
        refused = web.post(url, {"value": "lead"})
        assert (refused.status_code, stages.get("mql").label in text(refused)) == (422, True)
        assert web.post(url, {"value": "sql"}).status_code == 200
        assert web.post(url, {"value": "mql", "undo": "1"}).status_code == 200
        assert web.post(url, {"value": "lead", "undo": "1"}).status_code == 422
