"""Versions 1 and 2, as taps and connectors still speak them."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import users
from baton.crm import records
from baton.forms import submissions, verbs
from baton.platform.actor import SYSTEM

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]


def test_companies_page_by_page(program: Call) -> None:
    ids = [records.create("company", {"name": f"C{n}", "domain": f"c{n}.example"}, actor=SYSTEM, source="page") for n in range(3)]
    first = program("GET", "/companies/v2/companies/paged?limit=2&properties=name&properties=hs_lastmodifieddate").body
    assert ([one["companyId"] for one in first["companies"]], first["has-more"], first["offset"]) == (ids[:2], True, ids[1])
    name = first["companies"][0]["properties"]["name"]
    assert (name["value"], name["source"], name["versions"][0]["value"]) == ("C0", "CRM_UI", "C0")
    assert isinstance(first["companies"][0]["properties"]["hs_lastmodifieddate"]["timestamp"], int)
    rest = program("GET", f"/companies/v2/companies/paged?limit=2&offset={first['offset']}").body
    assert ([one["companyId"] for one in rest["companies"]], rest["has-more"]) == (ids[2:], False)
    assert program("GET", f"/companies/v2/companies/{ids[0]}").body["properties"]["domain"]["value"] == "c0.example"
    found = program("POST", "/companies/v2/domains/c1.example/companies", {"limit": 1, "requestOptions": {"properties": ["name"]}}).body
    assert [one["companyId"] for one in found["results"]] == [ids[1]]
    made = program("POST", "/companies/v2/companies", {"properties": [{"name": "name", "value": "Neu"}]}).body
    changed = program("PUT", f"/companies/v2/companies/{made['companyId']}", {"properties": [{"name": "city", "value": "Seoul"}]}).body
    assert (changed["properties"]["name"]["value"], changed["properties"]["city"]["value"]) == ("Neu", "Seoul")
    assert program("GET", "/companies/v2/companies/recent/modified").body["total"] == 4


def test_deals_contacts_and_tickets(program: Call) -> None:
    vid = program("POST", "/contacts/v1/contact/createOrUpdate/email/kim@a.example", {"properties": [{"property": "firstname", "value": "Kim"}]}).body
    assert vid["isNew"] is True
    again = program("POST", "/contacts/v1/contact/createOrUpdate/email/kim@a.example", {"properties": [{"property": "lastname", "value": "X"}]}).body
    assert again == {"vid": vid["vid"], "isNew": False}
    profile = program("GET", f"/contacts/v1/contact/vid/{vid['vid']}/profile").body
    assert (profile["properties"]["firstname"]["value"], profile["properties"]["lastname"]["value"]) == ("Kim", "X")
    body = {"properties": [{"name": "dealname", "value": "D"}, {"name": "amount", "value": 5}], "associations": {"associatedVids": [vid["vid"]]}}
    deal = program("POST", "/deals/v1/deal", body).body
    assert (deal["associations"]["associatedVids"], deal["properties"]["dealstage"]["value"]) == ([vid["vid"]], "appointmentscheduled")
    paged = program("GET", "/deals/v1/deal/paged?includeAssociations=True&includeAllProperties=True&allPropertiesFetchMode=latest_version").body
    assert (paged["deals"][0]["dealId"], paged["hasMore"], paged["deals"][0]["properties"]["amount"]["value"]) == (deal["dealId"], False, "5")
    assert program("DELETE", f"/deals/v1/deal/{deal['dealId']}").status_code == 204
    ticket = program("POST", "/crm-objects/v1/objects/tickets", [{"name": "subject", "value": "Help"}, {"name": "hs_pipeline_stage", "value": "2"}]).body
    assert (ticket["objectType"], ticket["properties"]["hs_pipeline_stage"]["value"]) == ("TICKET", "2")
    assert [one["objectId"] for one in program("GET", "/crm-objects/v1/objects/tickets/paged?properties=subject").body["objects"]] == [ticket["objectId"]]
    wrong = program("POST", "/deals/v1/deal", {"properties": [{"name": "nothing", "value": "1"}]})
    assert wrong.status_code == 400


def test_engagements_of_every_kind(program: Call) -> None:
    contact = records.create("contact", {"email": "kim@a.example"}, actor=SYSTEM, source="page")
    owner = users.create("han@a.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM).pk
    bodies = {
        "NOTE": {"body": "Hello"},
        "TASK": {"body": "Do", "subject": "Call back", "status": "NOT_STARTED"},
        "CALL": {"body": "Said", "toNumber": "1", "durationMilliseconds": 5000, "status": "COMPLETED"},
        "MEETING": {"title": "Meet", "startTime": 1763700000000, "endTime": 1763703600000},
        "EMAIL": {"subject": "Hi", "text": "Dear", "from": {"email": "a@a.example"}, "to": [{"email": "b@b.example"}]},
    }
    made = []
    for kind, metadata in bodies.items():
        body = {"engagement": {"type": kind, "ownerId": owner, "timestamp": 1763700000000}, "associations": {"contactIds": [contact]}, "metadata": metadata}
        response = program("POST", "/engagements/v1/engagements", body)
        assert response.status_code == 200, response.body
        assert response.body["engagement"]["type"] == kind
        assert response.body["associations"]["contactIds"] == [contact]
        assert response.body["metadata"].items() >= metadata.items() or kind == "EMAIL"
        made.append(response.body["engagement"]["id"])
    seen, path = [], "/engagements/v1/engagements/modified/after?after=0&limit=2"
    while path:
        page = program("GET", path).body
        seen += [one["engagement"]["id"] for one in page["results"]]
        path = f"/engagements/v1/engagements/modified/after?after={page['after']}&limit=2" if page["hasMore"] else ""
    assert sorted(seen) == sorted(made)
    assert program("GET", f"/engagements/v1/engagements/modified/after?after={page['after']}").body["results"] == []
    all_pages = program("GET", "/engagements/v1/engagements/paged?limit=250").body
    assert ([one["engagement"]["id"] for one in all_pages["results"]], all_pages["total"]) == (made, 5)
    assert program("GET", "/engagements/v1/engagements/recent/modified?count=250&since=0").body["total"] == 5
    changed = program("PATCH", f"/engagements/v1/engagements/{made[0]}", {"metadata": {"body": "Changed"}}).body
    assert changed["metadata"]["body"] == "Changed"
    assert program("DELETE", f"/engagements/v1/engagements/{made[0]}").status_code == 204
    assert program("GET", f"/engagements/v1/engagements/{made[0]}").status_code == 404
    assert program("POST", "/engagements/v1/engagements", {"engagement": {"type": "DANCE"}}).status_code == 400


def test_definitions_for_schemas(program: Call) -> None:
    assert "domain" in {row["name"] for row in program("GET", "/companies/v2/properties").body}
    for path in ("/properties/v1/deals/properties", "/properties/v2/deal/properties", "/properties/v2/line_item/properties", "/properties/v2/calls/properties"):
        assert "hs_object_id" in {row["name"] for row in program("GET", path).body}, path
    for path in ("/properties/v2/form/properties", "/properties/v2/goal_targets/properties", "/properties/v2/deal_split/properties"):
        assert program("GET", path).body == [], path
    assert program("GET", "/properties/v1/deals/properties/named/dealtype").body["name"] == "dealtype"
    assert program("GET", "/deals/v1/pipelines").body[0]["stages"][5]["closedWon"] is True
    assert program("GET", "/crm-pipelines/v1/pipelines/tickets").body["results"][0]["stages"][3]["metadata"]["isClosed"] == "true"


def test_forms_and_their_answers(program: Call) -> None:
    groups = [{"groupType": "default_group", "fields": [{"name": "email", "label": "E-mail", "fieldType": "email", "required": True, "objectTypeId": "0-1"}]}]
    made = program("POST", "/marketing/v3/forms/", {"name": "Demo", "fieldGroups": groups, "configuration": {"language": "en"}})
    assert made.status_code == 201, made.body
    guid = made.body["id"]
    assert program("PATCH", f"/marketing/v3/forms/{guid}", {"name": "Demo 2"}).body["name"] == "Demo 2"
    submissions.submit(verbs.by_guid(guid), {"email": "kim@a.example"}, page_url="https://a.example/demo")
    (answer,) = program("GET", f"/form-integrations/v1/submissions/forms/{guid}").body["results"]
    assert answer["values"] == [{"name": "email", "value": "kim@a.example", "objectTypeId": "0-1"}]
    assert answer["pageUrl"] == "https://a.example/demo"
    assert [form["guid"] for form in program("GET", "/forms/v2/forms").body] == [guid]
    assert program("GET", f"/forms/v2/fields/{guid}").body[0]["fieldType"] == "text"
    assert program("DELETE", f"/marketing/v3/forms/{guid}").status_code == 204
    assert program("GET", "/marketing/v3/forms").body == {"results": []}
    assert (
        program("POST", "/marketing/v3/forms", {"name": "X", "fieldGroups": [{"fields": [{"name": "a", "fieldType": "payment_link_radio"}]}]}).status_code
        == 400
    )
