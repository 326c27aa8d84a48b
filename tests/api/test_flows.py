"""Workflows as HubSpot's flows: read, written, the same on the way back; what Baton cannot do is refused with its place."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts.models import Account
from baton.automation import graph, verbs
from baton.automation.models import Workflow
from baton.forms import verbs as forms
from baton.messaging.mail import emails
from baton.platform.actor import SYSTEM
from baton.segments import verbs as lists
from baton.segments.models import Segment

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
FIELDS = {"fields": [{"name": "email", "label": "E-mail", "type": "email"}]}
KNOWN_CITY = {
    "filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [],
    "filterBranches": [{
        "filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [],
        "filters": [{"filterType": "PROPERTY", "property": "city", "operation": {"operationType": "ALL_PROPERTY", "operator": "IS_KNOWN"}}],
    }],
}  # fmt: skip


def to(id: str, edge: str = "STANDARD") -> dict[str, Any]:
    return {"edgeType": edge, "nextActionId": id}


def single(id: str, number: str, fields: dict[str, Any], following: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"type": "SINGLE_CONNECTION", "actionId": id, "actionTypeId": number, "actionTypeVersion": 0, "fields": fields}
    return {**made, "connection": following} if following else made


def flow(mail: int, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    shown = [
        single("1", "0-4", {"content_id": str(mail)}, to("2")), single("2", "0-1", {"delta": "1440", "time_unit": "MINUTES"}, to("3")),
        {"type": "LIST_BRANCH", "actionId": "3", "defaultBranchName": "Others", "defaultBranch": to("5"),
         "listBranches": [{"branchName": "Knows his city", "filterBranch": KNOWN_CITY, "connection": to("4")}]},
        single("4", "0-5", {"property_name": "hs_lead_status", "value": {"type": "STATIC_VALUE", "staticValue": "NEW"}}, to("6", "GO-TO")),
        single("5", "0-5", {"property_name": "city", "value": {"type": "STATIC_VALUE", "staticValue": "서울"}}, to("6")),
        single("6", "0-8", {"user_ids": [], "owner_properties": ["hubspot_owner_id"], "subject": "{{ enrolled_object.firstname }} 님", "body": "…"}),
    ]  # fmt: skip
    return {
        "name": "데모 후속", "type": "CONTACT_FLOW", "flowType": "WORKFLOW", "objectTypeId": "0-1", "isEnabled": True, "startActionId": "1",
        "actions": list(actions) or shown,
        "enrollmentCriteria": {"type": "LIST_BASED", "listFilterBranch": KNOWN_CITY, "shouldReEnroll": True,
                               "unEnrollObjectsNotMeetingCriteria": False, "reEnrollmentTriggersFilterBranches": []},
        "timeWindows": [], "blockedDates": [], "customProperties": {}, "dataSources": [], "suppressionListIds": [], "canEnrollFromSalesforce": False, **more,
    }  # fmt: skip


@pytest.fixture
def mail(account: Account) -> int:
    return emails.create("소개", SYSTEM, subject="s", body="b").pk


def test_a_flow_is_made_read_changed_and_put_aside(program: Call, mail: int) -> None:
    made = program("POST", "/automation/v4/flows", flow(mail))
    assert made.status_code == 201, made.body
    one = made.body
    workflow = Workflow.objects.get(pk=one["id"])
    assert (workflow.state, one["isEnabled"], one["type"], one["startActionId"], one["nextAvailableActionId"]) == ("on", True, "CONTACT_FLOW", "1", "7")
    assert [step["type"] for step in workflow.draft["steps"]] == ["send_email", "wait", "branch", "notify"]  # the ways join behind the branch
    assert [[step["id"] for step in way["steps"]] for way in workflow.draft["steps"][2]["paths"]] == [["s4"], ["s5"]]
    assert workflow.draft["steps"][3]["title"] == "{{ contact.firstname }} 님"
    own = Segment.objects.get(pk=workflow.draft["triggers"][0]["segment"])
    assert (own.name, own.kind) == ("데모 후속 (enrollment)", "active")
    assert one["enrollmentCriteria"]["listFilterBranch"]["filterBranches"][0]["filters"][0]["property"] == "city"
    assert {action["actionId"]: action.get("connection", {}).get("edgeType") for action in one["actions"]} == {
        "1": "STANDARD", "2": "STANDARD", "3": None, "4": "GO_TO", "5": "STANDARD", "6": None,
    }  # fmt: skip

    assert program("GET", f"/automation/v4/flows/{one['id']}").body == one
    assert program("GET", "/automation/v4/flows").body["results"][0].keys() <= one.keys()
    assert program("POST", "/automation/v4/flows/batch/read", {"inputs": [{"type": "FLOW_ID", "flowId": one["id"]}]}).body["results"] == [one]
    assert program("GET", f"/automation/v4/flows/email-campaigns?flowId={one['id']}").body["results"] == [
        {"flowId": one["id"], "emailCampaignId": str(mail), "emailContentId": str(mail)}
    ]
    assert program("GET", "/automation/v4/flows/email-campaigns").status_code == 400

    renamed = program("PUT", f"/automation/v4/flows/{one['id']}", {**one, "name": "다른 이름"})
    assert renamed.status_code == 200, renamed.body
    assert workflow.versions.count() == 1  # nothing of what it does was changed
    assert program("PUT", f"/automation/v4/flows/{one['id']}", one).status_code == 409  # an old revisionId
    assert program("PUT", f"/automation/v4/flows/{one['id']}", {**renamed.body, "revisionId": None}).status_code == 400
    later = {**renamed.body, "isEnabled": False, "actions": renamed.body["actions"][:1], "enrollmentCriteria": {"type": "MANUAL", "shouldReEnroll": False}}
    later["actions"] = [{**later["actions"][0], "connection": None}]
    changed = program("PUT", f"/automation/v4/flows/{one['id']}", later)
    assert changed.status_code == 200, changed.body
    assert (changed.body["isEnabled"], len(changed.body["actions"]), changed.body["enrollmentCriteria"]["type"]) == (False, 1, "MANUAL")
    assert program("DELETE", f"/automation/v4/flows/{one['id']}").status_code == 204
    assert program("GET", f"/automation/v4/flows/{one['id']}").status_code == 404


def test_what_only_baton_says_comes_back_as_it_was(program: Call, mail: int) -> None:
    asked = {"condition": "email_clicked", "email": mail, "days": 7}
    goal = {"condition": "event", "event": "custom_event", "name": "signed_up"}
    draft = {
        "triggers": [
            {"id": "t", "type": "segment_joined", "segment": lists.create_segment("목록", {}, "fixed", SYSTEM).pk},
            {"id": "t2", "type": "form_submitted", "form": forms.create("문의", FIELDS, actor=SYSTEM).pk},
        ],
        "settings": {"again": "after_days", "again_days": 9, "inside": "supersede", "goal": goal},
        "steps": [
            {"id": "s1", "type": "send_email", "name": "첫 메일", "email": mail},
            {"id": "s2", "type": "wait_until", "filter": asked, "days": 3,
             "paths": [{"label": "met", "steps": [{"id": "s3", "type": "goal"}]}, {"label": "timeout", "steps": []}]},
            {"id": "s8", "type": "wait", "days": 2},
            {"id": "s4", "type": "branch", "filter": asked, "paths": [
                {"label": "yes", "steps": []},
                {"label": "no", "steps": [{"id": "s5", "type": "split_random", "shares": {"a": 50, "b": 50}, "paths": [
                    {"label": "a", "steps": [{"id": "s6", "type": "wait", "hours": 1}]}, {"label": "b", "steps": []}]}]}]},
            {"id": "s7", "type": "branch", "filter": asked, "paths": [{"label": "yes", "steps": [{"id": "s9", "type": "go_to", "to": "s1"}]}]},
        ],
    }  # fmt: skip
    workflow = verbs.create("온전한 것", SYSTEM, draft)
    shown = program("GET", f"/automation/v4/flows/{workflow.pk}").body
    copy = program("POST", "/automation/v4/flows", {**shown, "name": "사본"})
    assert copy.status_code == 201, copy.body
    mine, other = (graph.parse(Workflow.objects.get(pk=pk).draft).stored() for pk in (workflow.pk, copy.body["id"]))
    mine["steps"][4]["paths"][0]["steps"][0]["id"] = "s7-yes-go"  # a jump is a connection there, and has no id
    assert other == mine
    assert copy.body["actions"] == shown["actions"]


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ({"actions": [single("1", "0-99", {})]}, "actions.0.actionTypeId"),
        ({"actions": [single("1", "0-1", {"delta": "x", "time_unit": "MINUTES"})]}, "actions.0.fields.delta"),
        ({"actions": [single("1", "0-1", {"delta": "1", "time_unit": "MINUTES", "until": "x"})]}, "actions.0.fields.until"),
        ({"actions": [single("1", "0-5", {"property_name": "moon", "value": {}})]}, "actions.0.fields.property_name"),
        ({"actions": [single("1", "0-5", {"property_name": "city", "value": {"type": "FIELD_DATA"}})]}, "actions.0.fields.value.type"),
        ({"actions": [single("1", "0-4", {"content_id": "1"}, to("7"))]}, "actions.0.connection"),
        ({"actions": [single("1", "0-4", {"content_id": "1"}), single("2", "0-4", {"content_id": "1"})]}, "actions.1"),
        ({"actions": [single("1", "0-4", {"content_id": "1"}, to("1"))]}, "actions.0"),
        ({"actions": [{"type": "CUSTOM_CODE", "actionId": "1", "sourceCode": "x"}]}, "actions.0.type"),
        ({"actions": [{"type": "WEBHOOK", "actionId": "1", "authSettings": {"type": "SIGNATURE"}}]}, "actions.0.authSettings"),
        ({"timeWindows": [{"day": "MONDAY"}]}, "timeWindows"),
        ({"unEnrollmentSetting": {"type": "ALL", "flowIds": []}}, "unEnrollmentSetting"),
        ({"moon": 1}, "moon"),
        ({"type": "PLATFORM_FLOW"}, "type"),
        ({"objectTypeId": "9-9"}, "objectTypeId"),
        (
            {"enrollmentCriteria": {"type": "LIST_BASED", "listFilterBranch": KNOWN_CITY, "shouldReEnroll": False, "unEnrollObjectsNotMeetingCriteria": True}},
            "enrollmentCriteria.unEnrollObjectsNotMeetingCriteria",
        ),
    ],
)
def test_what_baton_cannot_do_is_refused_with_its_place(program: Call, mail: int, sent: dict[str, Any], place: str) -> None:
    answer = program("POST", "/automation/v4/flows", {**flow(mail), "isEnabled": False, **sent})
    assert answer.status_code == 400, answer.body
    assert answer.body["errors"][0]["in"] == place
    assert not Workflow.objects.exists()


def test_what_cannot_run_yet_is_not_switched_on(program: Call, mail: int) -> None:
    answer = program("POST", "/automation/v4/flows", flow(mail, single("1", "0-4", {"content_id": "999"})))
    assert (answer.status_code, answer.body["errors"][0]["in"]) == (400, "steps[0].email")
    assert not Workflow.objects.exists()
