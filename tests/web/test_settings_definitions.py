"""Settings of what Baton keeps: properties, groups, pipelines, object types."""

import json

import pytest
from django.test import Client
from django.utils import translation

from baton.accounts import users
from baton.crm import pipelines, properties, records, types
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, account: object) -> Client:
    client.force_login(users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM, language="en"))
    return client


def test_a_property_is_made_and_usable_at_once(admin: Client) -> None:
    answer = admin.post(
        "/settings/properties/contact/new/", {"label": "보안 인증", "kind": "choice", "options": "ISMS\nISO 27001\nnone = 없음", "group": "company"}
    )
    assert answer["HX-Redirect"] == "/settings/properties/contact/"
    name, made = next((name, d) for name, d in properties.definitions("contact").items() if d.label == "보안 인증")
    assert [(o["value"], o["label"]) for o in made.options] == [("ISMS", "ISMS"), ("ISO 27001", "ISO 27001"), ("none", "없음")]
    records.create("contact", {"lastname": "김", name: "ISMS"}, actor=SYSTEM, source="page")
    assert "보안 인증" in admin.get("/settings/properties/contact/").content.decode()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"label": " ", "kind": "text"}, "A label is required."),
        ({"label": "x", "kind": "choice", "options": ""}, "A choice needs options."),
        ({"label": "x", "kind": "choice", "options": "a\na"}, "An option has a value of its own"),
        ({"label": "x", "kind": "calculated", "formula": "name * 2"}, "name is no number property."),
        ({"label": "Name", "name": "name", "kind": "text"}, "already exists"),
        ({"label": "x", "kind": "choice", "options": "a", "unique_value": "on"}, "cannot be unique"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin: Client, given: dict[str, str], fault: str) -> None:
    answer = admin.post("/settings/properties/company/new/", {"group": "basic", **given})
    assert answer.status_code == 422
    assert fault in answer.content.decode()


def test_an_option_is_renamed_and_a_used_one_left_out_is_kept(admin: Client) -> None:
    properties.define("contact", "plan", "Plan", "choice", actor=SYSTEM, options=[{"value": "a", "label": "A"}, {"value": "b", "label": "B"}])
    records.create("contact", {"lastname": "김", "plan": "b"}, actor=SYSTEM, source="page")
    assert "a = A" in admin.get("/settings/properties/contact/plan/").content.decode()
    admin.post("/settings/properties/contact/plan/", {"label": "Plan", "group": "basic", "options": "a = Alpha\nc"})
    found = properties.definitions("contact")["plan"].options
    assert [(o["value"], o["label"], o.get("archived", False)) for o in found] == [("a", "Alpha", False), ("c", "c", False), ("b", "B", True)]


def test_what_baton_brought_stays_translated_when_it_is_saved_unchanged(admin: Client) -> None:
    before = properties.definitions("contact")["seniority"]
    page = admin.get("/settings/properties/contact/seniority/").content.decode()
    text = page.partition('name="options"')[2].partition(">")[2].partition("</textarea>")[0]
    admin.post("/settings/properties/contact/seniority/", {"label": "Seniority", "group": "company", "options": text, "form_field": "on", "indexed": "on"})
    after = properties.definitions("contact")["seniority"]
    assert (after.label, after.options) == (before.label, before.options)


def test_a_property_is_put_aside_and_taken_back(admin: Client) -> None:
    properties.define("contact", "plan", "Plan", "text", actor=SYSTEM)
    undo = json.loads(admin.post("/settings/properties/contact/plan/archive/")["HX-Trigger"])["toast"]["undo"]
    assert "plan" not in properties.definitions("contact")
    admin.post(undo["url"])
    assert "plan" in properties.definitions("contact")
    refused = admin.post("/settings/properties/contact/email/archive/")
    assert "cannot be removed" in json.loads(refused["HX-Trigger"])["toast"]["text"]


def test_groups_are_made_moved_renamed_and_removed(admin: Client) -> None:
    admin.post("/settings/properties/company/groups/", {"label": "계약 정보"})
    group = properties.groups("company")[-1]
    admin.post(f"/settings/properties/company/groups/{group.name}/", {"move": "-1"})
    assert [g.name for g in properties.groups("company")][-2] == group.name
    admin.post(f"/settings/properties/company/groups/{group.name}/", {"label": "계약"})
    assert "계약" in admin.get("/settings/properties/company/").content.decode()
    assert admin.post("/settings/properties/company/groups/basic/", {"archive": "1"}).status_code == 422
    admin.post(f"/settings/properties/company/groups/{group.name}/", {"archive": "1"})
    assert group.name not in {g.name for g in properties.groups("company")}


def stage_fields() -> dict[str, object]:
    """The form of the first deal pipeline as the page sends it unchanged."""
    found: dict[str, object] = {"label": "Sales pipeline"}
    translation.activate("en")
    for stage in pipelines.stages("deal")["default"]:
        kind = "won" if stage.closed and stage.probability == 1 else "closed" if stage.closed else "open"
        found |= {f"{stage.key}.label": pipelines.label(stage), f"{stage.key}.percent": round(stage.probability * 100), f"{stage.key}.kind": kind,
                  f"{stage.key}.hours": stage.hours or "", f"{stage.key}.required": stage.required}  # fmt: skip
    return found


def test_stages_are_changed_added_moved_and_removed(admin: Client) -> None:
    assert "Appointment scheduled" in admin.get("/settings/pipelines/").content.decode()
    fields = stage_fields() | {"contractsent.percent": "95", "contractsent.required": ["amount"], "new.label": "검토", "new.percent": "50", "new.kind": "open"}
    assert admin.post("/settings/pipelines/deal/default/", fields).status_code == 200
    found = {stage.key: stage for stage in pipelines.stages("deal")["default"]}
    assert (found["contractsent"].probability, found["contractsent"].required) == (0.95, ["amount"])
    assert found["appointmentscheduled"].builtin
    added = next(stage for stage in found.values() if stage.label == "검토")
    admin.post(f"/settings/pipelines/deal/default/{added.key}/up/")
    assert list(pipelines.stages("deal")["default"])[-2].key == added.key
    records.create("deal", {"dealname": "x", "dealstage": added.key}, actor=SYSTEM, source="page")
    refused = admin.post(f"/settings/pipelines/deal/default/{added.key}/archive/")
    assert (refused.status_code, "Records stand in this stage" in refused.content.decode()) == (422, True)


def test_a_wrong_number_changes_nothing(admin: Client) -> None:
    answer = admin.post("/settings/pipelines/deal/default/", stage_fields() | {"appointmentscheduled.label": "첫 만남", "contractsent.percent": "150"})
    assert answer.status_code == 422
    assert "from 0 to 100" in answer.content.decode()
    assert pipelines.stages("deal")["default"][0].label == "Appointment scheduled"


def test_a_pipeline_is_added_and_removed(admin: Client) -> None:
    admin.post("/settings/pipelines/deal/new/", {"label": "파트너 판매"})
    made = next(way for way in pipelines.pipelines("deal") if way.label == "파트너 판매")
    assert len(pipelines.stages("deal")[made.key]) == 7
    assert admin.post("/settings/pipelines/deal/new/", {"label": "파트너 판매"}).status_code == 422
    admin.post(f"/settings/pipelines/deal/{made.key}/archive/")
    assert made.key not in pipelines.stages("deal")


def test_an_object_type_is_made_without_code(admin: Client) -> None:
    answer = admin.post("/settings/objects/new/", {"label": "계약", "label_plural": "계약", "key": "contract", "icon": "file-text", "pipelines": "on"})
    assert answer["HX-Redirect"] == "/settings/properties/contract/"
    assert "계약" in admin.get("/settings/objects/").content.decode()
    admin.post("/settings/pipelines/contract/new/", {"label": "계약 진행"})
    id = records.create("contract", {"name": "누리워크 2027"}, actor=SYSTEM, source="page")
    assert "누리워크 2027" in admin.get("/objects/contracts/").content.decode()
    admin.post("/settings/objects/contract/", {"label": "계약서", "label_plural": "계약서", "primary_property": "name", "searchable": ["name"], "icon": "box"})
    assert types.get("contract").label == "계약서"
    refused = admin.post("/settings/objects/contract/archive/")
    assert "There are records of this type" in json.loads(refused["HX-Trigger"])["toast"]["text"]
    records.archive("contract", id, actor=SYSTEM)
    admin.post("/settings/objects/contract/archive/")
    assert types.resolve("contract") is None


@pytest.mark.parametrize("url", ["/settings/properties/contact/new/", "/settings/objects/new/", "/settings/pipelines/deal/new/"])
def test_only_who_may_change_settings_does(client: Client, account: object, url: str) -> None:
    client.force_login(users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM))
    assert client.post(url, {"label": "x"}).status_code == 403
    assert client.get("/settings/properties/").status_code == 200
