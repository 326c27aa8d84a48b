"""Properties and their groups, as programs see and make them."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import tokens
from baton.platform.actor import SYSTEM

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
NEW = {"name": "favourite_tea", "label": "Tea", "type": "string", "fieldType": "text", "groupName": "contactinformation"}


def by_name(response: Any) -> dict[str, dict[str, Any]]:
    assert response.status_code == 200, response.body
    return {row["name"]: row for row in response.body["results"]}


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        (
            "contacts",
            "email firstname lastname phone mobilephone fax company jobtitle website address city state zip country lifecyclestage hs_lead_status"
            " hubspot_owner_id hs_additional_emails associatedcompanyid hs_email_optout hs_merged_object_ids createdate lastmodifieddate hs_object_id",
        ),
        (
            "company",
            "name domain website phone address city state zip country industry description numberofemployees annualrevenue type hubspot_owner_id"
            " lifecyclestage createdate hs_lastmodifieddate hs_object_id",
        ),
        (
            "0-3",
            "dealname amount closedate pipeline dealstage dealtype description hubspot_owner_id hs_is_closed hs_is_closed_won hs_deal_stage_probability"
            " hs_v2_date_entered_closedwon hs_v2_date_exited_closedwon num_associated_contacts createdate hs_lastmodifieddate hs_object_id",
        ),
        (
            "tickets",
            "subject content hs_pipeline hs_pipeline_stage hs_ticket_priority hs_ticket_category hs_ticket_id hubspot_owner_id source_type hs_object_id",
        ),
        ("products", "name description price hs_sku hs_cost_of_goods_sold recurringbillingfrequency hs_object_id"),
        ("line_items", "name quantity price amount hs_product_id discount hs_discount_percentage hs_object_id"),
        ("quotes", "hs_title hs_status hs_expiration_date hs_public_url_key hs_object_id"),
        (
            "calls",
            "hs_timestamp hs_call_title hs_call_body hs_call_duration hs_call_direction hs_call_status hs_call_disposition hs_call_from_number"
            " hs_call_to_number hs_call_recording_url hubspot_owner_id hs_createdate hs_lastmodifieddate",
        ),
        ("emails", "hs_timestamp hs_email_subject hs_email_text hs_email_html hs_email_direction hs_email_status hs_email_headers hubspot_owner_id"),
        (
            "meeting",
            "hs_timestamp hs_meeting_title hs_meeting_body hs_meeting_start_time hs_meeting_end_time hs_meeting_outcome hs_meeting_location"
            " hs_internal_meeting_notes hubspot_owner_id",
        ),
        ("notes", "hs_timestamp hs_note_body hs_attachment_ids hubspot_owner_id"),
        ("tasks", "hs_timestamp hs_task_subject hs_task_body hs_task_status hs_task_priority hs_task_type hubspot_owner_id"),
        ("communications", "hs_timestamp hs_communication_channel_type hs_communication_logged_from hs_communication_body hubspot_owner_id"),
    ],
)
def test_a_new_account_has_the_properties_programs_look_for(program: Call, word: str, wanted: str) -> None:
    found = by_name(program("GET", f"/crm/v3/properties/{word}"))
    assert set(wanted.split()) - found.keys() == set()
    for row in found.values():
        assert row["type"] in ("string", "number", "date", "datetime", "enumeration", "bool"), row
        assert row["groupName"]
        assert row["label"]


def test_choices_speak_in_the_words_programs_know(program: Call) -> None:
    contacts = by_name(program("GET", "/crm/v3/properties/contacts/"))
    stages = [option["value"] for option in contacts["lifecyclestage"]["options"]]
    assert {"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"} <= set(stages)
    assert contacts["email"]["hasUniqueValue"] is True
    assert contacts["hs_object_id"]["modificationMetadata"]["readOnlyValue"] is True
    tickets = by_name(program("GET", "/crm/v3/properties/tickets"))
    assert [option["value"] for option in tickets["hs_ticket_priority"]["options"]] == ["LOW", "MEDIUM", "HIGH", "URGENT"]
    assert [option["value"] for option in tickets["hs_pipeline_stage"]["options"]] == ["1", "2", "3", "4"]
    deals = by_name(program("GET", "/crm/v3/properties/deals"))
    assert {"appointmentscheduled", "closedwon"} <= {option["value"] for option in deals["dealstage"]["options"]}


def test_a_property_is_made_changed_and_put_aside(program: Call) -> None:
    made = program("POST", "/crm/v3/properties/contacts", {**NEW, "description": "Which?", "hasUniqueValue": False})
    assert made.status_code == 201, made.body
    assert (made.body["name"], made.body["type"], made.body["fieldType"], made.body["groupName"]) == ("favourite_tea", "string", "text", "contactinformation")
    assert made.body["hubspotDefined"] is False
    assert program("POST", "/crm/v3/objects/contacts", {"properties": {"email": "t@a.example", "favourite_tea": "Oolong"}}).status_code == 201

    changed = program("PATCH", "/crm/v3/properties/contacts/favourite_tea", {"label": "Best tea", "fieldType": "textarea", "hidden": True})
    assert changed.status_code == 200, changed.body
    assert (changed.body["label"], changed.body["fieldType"], changed.body["hidden"]) == ("Best tea", "textarea", True)

    assert program("DELETE", "/crm/v3/properties/contacts/favourite_tea").status_code == 204
    assert program("GET", "/crm/v3/properties/contacts/favourite_tea").status_code == 404
    assert by_name(program("GET", "/crm/v3/properties/contacts?archived=true")).keys() == {"favourite_tea"}


def test_options_keep_their_order_and_the_patch_is_the_whole_list(program: Call) -> None:
    options = [{"label": "B", "value": "b", "displayOrder": 1}, {"label": "A", "value": "a", "displayOrder": 0}, {"label": "Last", "value": "z"}]
    body = {**NEW, "name": "level", "type": "enumeration", "fieldType": "radio", "options": options}
    made = program("POST", "/crm/v3/properties/contacts", body)
    assert made.status_code == 201, made.body
    assert [option["value"] for option in made.body["options"]] == ["a", "b", "z"]
    assert made.body["fieldType"] == "radio"
    wrong = program("POST", "/crm/v3/objects/contacts", {"properties": {"level": "q"}})
    assert wrong.status_code == 400
    assert "q was not one of the allowed options: [a, b, z]" in wrong.body["message"]
    changed = program("PATCH", "/crm/v3/properties/contacts/level", {"options": [{"label": "New", "value": "n", "displayOrder": 0}]})
    assert [option["value"] for option in changed.body["options"]] == ["n"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": "string", "fieldType": "booleancheckbox"}, 400),
        ({"type": "gps"}, 400),
        ({"groupName": "nowhere"}, 400),
        ({"name": "Bad Name"}, 400),
        ({"label": " "}, 400),
        ({"name": "email"}, 409),
        ({"type": "enumeration", "fieldType": "select"}, 400),
        ({"type": "bool", "fieldType": "booleancheckbox", "options": [{"label": "True", "value": "true"}, {"label": "False", "value": "false"}]}, 201),
        ({"type": "number", "fieldType": "number", "hasUniqueValue": True}, 201),
        ({"type": "datetime", "fieldType": "date"}, 201),
        ({"type": "enumeration", "fieldType": "checkbox", "options": [{"label": "A", "value": "a"}]}, 201),
    ],
)
def test_what_does_not_fit_is_refused(program: Call, changes: dict[str, Any], status: int) -> None:
    response = program("POST", "/crm/v3/properties/contacts", {**NEW, **changes})
    assert response.status_code == status, response.body
    if status == 409:
        assert response.body["message"].startswith("A property named 'email' already exists.")
    if status == 400:
        assert response.body["category"] == "VALIDATION_ERROR"


def test_many_at_once(program: Call) -> None:
    inputs = [{**NEW, "name": f"n{number}"} for number in range(3)]
    assert (
        len(program("POST", "/crm/v3/properties/deals/batch/create", {"inputs": [{**i, "groupName": "dealinformation"} for i in inputs]}).body["results"]) == 3
    )
    read = program("POST", "/crm/v3/properties/deals/batch/read", {"archived": False, "inputs": [{"name": "n0"}, {"name": "dealname"}, {"name": "nix"}]})
    assert read.status_code == 207
    assert [row["name"] for row in read.body["results"]] == ["n0", "dealname"]
    assert read.body["errors"][0]["context"] == {"name": ["nix"]}
    failed = program("POST", "/crm/v3/properties/deals/batch/create", {"inputs": [{**NEW, "name": "ok", "groupName": "dealinformation"}, {**NEW, "name": "?"}]})
    assert failed.status_code == 400
    assert program("GET", "/crm/v3/properties/deals/ok").status_code == 404
    assert program("POST", "/crm/v3/properties/deals/batch/archive", {"inputs": [{"name": "n0"}, {"name": "nix"}]}).status_code == 204
    assert program("GET", "/crm/v3/properties/deals/n0").status_code == 404
    assert program("POST", "/crm/v3/properties/deals/batch/read", {"archived": False, "inputs": []}).status_code == 400


def test_groups_come_and_go(program: Call) -> None:
    assert "contactinformation" in {row["name"] for row in program("GET", "/crm/v3/properties/contacts/groups").body["results"]}
    made = program("POST", "/crm/v3/properties/contacts/groups", {"name": "habits", "label": "Habits", "displayOrder": -1})
    assert made.status_code == 201
    assert program("POST", "/crm/v3/properties/contacts/groups", {"name": "habits", "label": "Habits"}).status_code == 409
    assert program("PATCH", "/crm/v3/properties/contacts/groups/habits", {"label": "Ways"}).body["label"] == "Ways"
    assert program("POST", "/crm/v3/properties/contacts", {**NEW, "groupName": "habits"}).body["groupName"] == "habits"
    assert program("GET", "/crm/v3/properties/contacts/groups/habits").body["label"] == "Ways"
    program("DELETE", "/crm/v3/properties/contacts/favourite_tea")
    assert program("DELETE", "/crm/v3/properties/contacts/groups/habits").status_code == 204
    assert program("GET", "/crm/v3/properties/contacts/groups/habits").status_code == 404


def test_types_baton_lacks_are_empty_and_typing_errors_are_not(program: Call) -> None:
    assert program("GET", "/crm/v3/properties/goal_targets").body == {"results": []}
    assert program("GET", "/crm/v3/properties/postal_mail").body == {"results": []}
    wrong = program("GET", "/crm/v3/properties/cotnacts")
    assert wrong.status_code == 400
    assert wrong.body["message"] == "Unable to infer object type from: cotnacts"


def test_who_may_read_contacts_may_read_how_they_are_made(program: Call) -> None:
    token = tokens.create("reader", ["crm.objects.contacts.read"], actor=SYSTEM)
    assert program("GET", "/crm/v3/properties/contacts", token=token).status_code == 200
    assert program("GET", "/crm/v3/properties/deals", token=token).status_code == 403
    refused = program("POST", "/crm/v3/properties/contacts", NEW, token=token)
    assert refused.status_code == 403
    assert "schemas.write" in refused.body["errors"][0]["context"]["requiredGranularScopes"]
    assert program("POST", "/crm/v3/properties/contacts", NEW, token=tokens.create("w", ["crm.schemas.contacts.write"], actor=SYSTEM)).status_code == 201
