"""Every object type answers, under each of its names and each version of the paths, in HubSpot's words."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.api.versions import canonical
from baton.crm import associations, contacts, records, types
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor

pytestmark = pytest.mark.urls("baton.api.urls")
Call = Callable[..., Any]

# type -> what a program sends, in HubSpot's names and values
SENT: dict[str, dict[str, str]] = {
    "contacts": {"email": "a@x.example", "hs_lead_status": "OPEN", "lifecyclestage": "marketingqualifiedlead"},
    "companies": {"name": "가온", "domain": "gaon.example", "numberofemployees": "120", "lifecyclestage": "customer"},
    "deals": {"dealname": "Line 3",
              "amount": "1500.5", "dealstage": "contractsent", "deal_currency_code": "KRW", "closedate": "2026-12-01", "hs_priority": "high"},
    "tickets": {"subject": "It stopped", "hs_pipeline": "0", "hs_pipeline_stage": "3", "hs_ticket_priority": "HIGH", "hs_ticket_category": "PRODUCT_ISSUE"},
    "products": {"name": "Sensor", "price": "12000", "hs_sku": "S-1", "recurringbillingfrequency": "monthly", "hs_cost_of_goods_sold": "8000"},
    "line_items": {"name": "Sensor", "quantity": "3", "price": "12000", "hs_discount_percentage": "10", "hs_product_id": "7"},
    "quotes": {"hs_title": "Offer", "hs_status": "DRAFT", "hs_expiration_date": "2026-12-31", "hs_currency": "KRW"},
    "notes": {"hs_note_body": "<p>Called back</p>", "hs_timestamp": "2026-11-21T10:15:30.123Z"},
    "calls": {"hs_call_title": "First", "hs_call_duration": "60000", "hs_call_direction": "OUTBOUND", "hs_call_status": "COMPLETED",
              "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7", "hs_timestamp": "2026-11-21T10:15:30.123Z"},
    "meetings": {"hs_meeting_title": "Demo", "hs_meeting_start_time": "2026-11-21T10:00:00.000Z", "hs_meeting_end_time": "2026-11-21T11:00:00.000Z",
                 "hs_meeting_outcome": "SCHEDULED", "hs_timestamp": "2026-11-21T10:00:00.000Z"},
    "tasks": {"hs_task_subject": "Ring", "hs_task_status": "WAITING", "hs_task_priority": "HIGH", "hs_task_type": "CALL",
              "hs_timestamp": "2026-11-21T10:00:00.000Z"},
    "emails": {"hs_email_subject": "Hello", "hs_email_text": "…", "hs_email_direction": "INCOMING_EMAIL", "hs_email_status": "SENT",
               "hs_timestamp": "2026-11-21T10:00:00.000Z"},
    "communications": {"hs_communication_channel_type": "SMS", "hs_communication_body": "On my way", "hs_communication_logged_from": "CRM",
                       "hs_timestamp": "2026-11-21T10:00:00.000Z"},
}  # fmt: skip


@pytest.mark.parametrize("plural", SENT)
def test_each_type_keeps_what_it_is_sent(program: Call, plural: str) -> None:
    made = program("POST", f"/crm/v3/objects/{plural}", {"properties": SENT[plural]})
    assert made.status_code == 201, made.content
    assert made.body["properties"].items() >= SENT[plural].items()
    kind = types.resolve(plural)
    assert kind is not None
    for word in (plural, kind.key, kind.key.upper(), kind.type_id):
        read = program("GET", f"/crm/v3/objects/{word}/{made.body['id']}?properties={','.join(SENT[plural])}")
        assert read.status_code == 200, (word, read.content)
        assert read.body["properties"].items() >= SENT[plural].items()
        assert [row["id"] for row in program("GET", f"/crm/v3/objects/{word}").body["results"]] == [made.body["id"]]
    name, value = next(iter(SENT[plural].items()))
    assert program("PATCH", f"/crm/v3/objects/{plural}/{made.body['id']}", {"properties": {name: value}}).status_code == 200
    assert program("DELETE", f"/crm/v3/objects/{plural}/{made.body['id']}").status_code == 204
    assert program("GET", f"/crm/v3/objects/{plural}").body == {"results": []}


@pytest.mark.parametrize(
    ("plural", "names"),
    [
        ("contacts", {"createdate", "lastmodifieddate", "firstname", "lastname", "email"}),
        ("companies", {"createdate", "hs_lastmodifieddate", "name", "domain"}),
        ("deals", {"createdate", "hs_lastmodifieddate", "dealname", "amount", "closedate", "pipeline", "dealstage"}),
        (
            "tickets",
            {"createdate", "hs_lastmodifieddate", "subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority"},
        ),
        ("notes", {"hs_createdate", "hs_lastmodifieddate"}),
        ("quotes", {"hs_createdate", "hs_lastmodifieddate", "hs_title", "hs_status", "hs_expiration_date", "hs_public_url_key"}),
    ],
)
def test_without_names_the_usual_properties_come(program: Call, plural: str, names: set[str]) -> None:
    program("POST", f"/crm/v3/objects/{plural}", {"properties": SENT[plural]})
    assert program("GET", f"/crm/v3/objects/{plural}").body["results"][0]["properties"].keys() == {"hs_object_id", *names}


@pytest.mark.parametrize(
    "path",
    ["/crm/v3/objects/tickets", "/crm/v4/objects/tickets", "/crm/objects/v3/tickets", "/crm/objects/2026-03/tickets", "/crm/objects/2026-09-beta/0-5"],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_each_version_of_a_path_leads_to_the_same(program: Call, path: str, slash: str) -> None:
    id = program("POST", path + slash, {"properties": {"subject": "x"}}).body["id"]
    assert program("GET", f"{path}/{id}{slash}").body["properties"]["hs_pipeline_stage"] == "1"
    assert program("POST", f"{path}/batch/read{slash}", {"inputs": [{"id": id}], "properties": ["subject"]}).body["results"][0]["id"] == id
    found = program("POST", f"{path}/search{slash}", {})
    assert [row["id"] for row in found.body["results"]] == [id]
    first = program("GET", f"{path}{slash}?limit=1")
    assert "paging" not in first.body


@pytest.mark.parametrize(
    "word", ["goal_targets", "feedback_submissions", "postal_mail", "leads", "lead", "0-136", "deal_split", "conversations", "DEAL_SPLITS"]
)
def test_types_baton_lacks_are_empty(program: Call, word: str) -> None:
    path = f"/crm/v3/objects/{word}"
    assert program("GET", f"{path}?limit=100&associations=contacts").body == {"results": []}
    assert program("POST", f"{path}/search", {"limit": 100}).body == {"total": 0, "results": []}
    assert program("POST", f"{path}/batch/read", {"inputs": [{"id": "1"}], "properties": []}).body["results"] == []
    assert program("POST", path, {"properties": {"x": "y"}}).status_code == 400


def test_an_unknown_type_is_said(program: Call) -> None:
    answer = program("GET", "/crm/v3/objects/nonsense")
    assert (answer.status_code, answer.body["message"]) == (400, "Unable to infer object type from: nonsense")


def test_a_type_of_ones_own_has_all_its_names(program: Call, actor: Actor) -> None:
    kind = types.define(
        "contract", "Contract", "Contracts", actor=actor, properties=[{"name": "number", "label": "Number", "type": "text", "unique_value": True}]
    )
    id = program("POST", "/crm/v3/objects/p_contract", {"properties": {"name": "2026/7", "number": "C-7"}}).body["id"]
    for word in ("contract", "contracts", kind.type_id, "p_contract", "p1_contract", "P_Contract"):
        assert program("GET", f"/crm/v3/objects/{word}/{id}").body["properties"]["name"] == "2026/7"
    assert program("GET", "/crm/v3/objects/contract/c-7?idProperty=number").body["id"] == id
    taken = program("POST", "/crm/v3/objects/contract", {"properties": {"name": "again", "number": "C-7"}})
    assert taken.body["message"] == f"Contract already exists. Existing ID: {id}"
    assert taken.status_code == 409
    assert program("PATCH", "/crm/v3/objects/contract/C-7?idProperty=number", {"properties": {"name": "new"}}).body["properties"]["name"] == "new"


def test_what_the_system_knows_is_told(program: Call, actor: Actor) -> None:
    company = records.create("company", {"name": "가온"}, actor=actor, source="page")
    contact = records.create("contact", {"email": "a@x.example", "lastname": "김"}, actor=actor, source="page")
    deal = records.create("deal", {"dealname": "x", "amount": 100}, actor=actor, source="page")
    associations.link("contact", contact, "company", company, actor=actor)
    associations.link("contact", contact, "deal", deal, actor=actor)
    records.update("deal", deal, {"dealstage": "closedwon"}, actor=actor, source="page")
    names = "associatedcompanyid,num_associated_deals,hs_email_domain,hs_additional_emails,hs_email_optout,hs_created_by_user_id,hs_object_source"
    assert (
        program("GET", f"/crm/v3/objects/contacts/{contact}?properties={names}").body["properties"].items()
        >= {
            "associatedcompanyid": str(company),
            "num_associated_deals": "1",
            "hs_email_domain": "x.example",
            "hs_additional_emails": None,
            "hs_email_optout": "false",
            "hs_created_by_user_id": "1",
            "hs_object_source": "CRM_UI",
        }.items()
    )
    names = (
        "hs_is_closed,hs_is_closed_won,hs_deal_stage_probability,num_associated_contacts,hs_v2_date_entered_closedwon,"
        "hs_v2_date_exited_appointmentscheduled,hs_v2_date_entered_contractsent"
    )
    shown = program("GET", f"/crm/v3/objects/deals/{deal}?properties={names}").body["properties"]
    assert shown["hs_is_closed"] == shown["hs_is_closed_won"] == "true"
    assert (shown["hs_deal_stage_probability"], shown["num_associated_contacts"]) == ("1", "1")
    assert shown["hs_v2_date_entered_closedwon"] == shown["hs_v2_date_exited_appointmentscheduled"]
    assert shown["hs_v2_date_entered_closedwon"].endswith("Z")
    assert shown["hs_v2_date_entered_contractsent"] is None
    assert program("GET", f"/crm/v3/objects/companies/{company}?properties=num_associated_contacts").body["properties"]["num_associated_contacts"] == "1"


def test_an_additional_address_finds_its_contact(program: Call, actor: Actor) -> None:
    contact = records.create("contact", {"email": "a@x.example"}, actor=actor, source="page")
    contacts.add_email(contact, "b@x.example", actor=actor)
    assert program("GET", "/crm/v3/objects/contacts/B%40x.example?idProperty=email&properties=hs_additional_emails").body["properties"] == {
        "hs_object_id": str(contact),
        "createdate": records.get("contact", contact).created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lastmodifieddate": records.get("contact", contact).updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "hs_additional_emails": "b@x.example",
    }


def test_what_is_worked_out_cannot_be_written(program: Call) -> None:
    for plural, name in (
        ("deals", "hs_is_closed"),
        ("contacts", "hs_email_domain"),
        ("companies", "hs_createdate"),
        ("deals", "hs_v2_date_entered_closedwon"),
    ):
        answer = program("POST", f"/crm/v3/objects/{plural}", {"properties": {name: "1"}})
        assert (answer.status_code, answer.body["errors"][0]["code"]) == (400, "READ_ONLY_VALUE"), name


def test_a_stage_that_is_not_of_the_pipeline_is_named_in_their_words(program: Call) -> None:
    body = program("POST", "/crm/v3/objects/tickets", {"properties": {"subject": "x", "hs_pipeline_stage": "99"}}).body
    assert body["errors"][0]["context"] == {"propertyName": ["hs_pipeline_stage"]}
    assert "99 is not a valid pipeline stage ID. Valid options are: pipelineId=0 : [1, 2, 3, 4]" in body["message"]


def test_a_hundred_records_cost_six_statements(program: Call, settled: None, django_assert_max_num_queries: Any) -> None:
    for n in range(100):
        contact = records.create("contact", {"email": f"{n}@x.example"}, actor=SYSTEM, source="page")
        company = records.create("company", {"name": f"c{n}"}, actor=SYSTEM, source="page")
        deal = records.create("deal", {"dealname": f"d{n}"}, actor=SYSTEM, source="page")
        associations.link_many([associations.Link("contact", contact, to, id) for to, id in (("company", company), ("deal", deal))], actor=SYSTEM)
    names = (
        "firstname,lastname,email,phone,mobilephone,fax,company,jobtitle,website,address,city,state,zip,country,lifecyclestage,hs_lead_status,hubspot_owner_id,"
        "hs_additional_emails,associatedcompanyid,hs_merged_object_ids,hs_calculated_merged_vids,industry,seniority,budget,authority,need,timeframe,competitor,"
        "student,numberofemployees"
    )
    path = f"/crm/v3/objects/contacts?limit=100&properties={names}&associations=companies,deals"
    program("GET", path)  # now the definitions are known
    with django_assert_max_num_queries(6):
        body = program("GET", path).body
    assert len(body["results"]) == 100
    assert all(len(row["associations"]["companies"]["results"]) == 2 and row["properties"]["associatedcompanyid"] for row in body["results"])
    names = "dealname,amount,dealstage,pipeline,hs_is_closed,hs_is_closed_won,num_associated_contacts,hs_v2_date_entered_appointmentscheduled"
    path = f"/crm/v3/objects/deals?limit=100&properties={names}&associations=contacts"
    program("GET", path)
    with django_assert_max_num_queries(6):
        assert len(program("GET", path).body["results"]) == 100
    assert sql.rows("SELECT count(*) FROM contact")[0][0] == 100


def test_rights_are_by_object_type(program: Call) -> None:
    from baton.accounts import tokens

    token = tokens.create("deals only", ["crm.objects.deals.read"], actor=SYSTEM)
    assert program("GET", "/crm/v3/objects/deals", token=token).status_code == 200
    assert program("GET", "/crm/v3/objects/0-3", token=token).status_code == 200
    assert program("GET", "/crm/v3/objects/leads", token=token).status_code == 200
    for method, path, scope in (
        ("GET", "/crm/v3/objects/contacts", "crm.objects.contacts.read"),
        ("GET", "/crm/v3/objects/notes/1", "crm.objects.contacts.read"),
        ("POST", "/crm/v3/objects/deals", "crm.objects.deals.write"),
        ("POST", "/crm/v3/objects/companies/search", "crm.objects.companies.read"),
        ("POST", "/crm/v3/objects/deals/batch/archive", "crm.objects.deals.write"),
        ("GET", "/crm/objects/2026-03/companies", "crm.objects.companies.read"),
    ):
        answer = program(method, path, {} if method == "POST" else None, token=token)
        assert answer.status_code == 403, path
        assert answer.body["errors"][0]["context"]["requiredGranularScopes"][0] == scope


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("crm/objects/2026-03/contacts/1/", "crm/v3/objects/contacts/1"),
        ("crm/objects/2026-09-beta/contacts/1/associations/deals", "crm/v4/objects/contacts/1/associations/deals"),
        ("crm/v4/objects/tickets", "crm/v3/objects/tickets"),
        ("crm/v3/objects/contacts/1/associations/deals", "crm/v3/objects/contacts/1/associations/deals"),
        ("crm/associations/2026-03/contacts/deals/batch/read", "crm/v4/associations/contacts/deals/batch/read"),
        ("crm/associations/v4/contacts/deals/labels", "crm/v4/associations/contacts/deals/labels"),
        ("crm/properties/2026-03/contacts", "crm/v3/properties/contacts"),
        ("crm/owners/2026-03/", "crm/v3/owners"),
        ("crm-object-schemas/v3/schemas/p_contract", "crm/v3/schemas/p_contract"),
        ("events/event-occurrences/2026-03", "events/v3/events"),
        ("events/2026-03/send", "events/v3/send"),
        ("marketing/forms/2026-03/", "marketing/v3/forms"),
        ("oauth/2026-03/token", "oauth/v1/token"),
        ("crm/v3/lists/search", "crm/v3/lists/search"),
    ],
)
def test_dates_and_numbers_name_one_path(path: str, known: str) -> None:
    assert canonical(path) == known
