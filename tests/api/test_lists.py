"""Lists as programs make, fill, filter, search and end them."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.api.hubspot import branches, branches_out
from baton.crm import records
from baton.messaging.consent import subscriptions
from baton.platform.actor import SYSTEM
from baton.segments import filter, refresh
from baton.segments.models import Segment

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
PATH = "/crm/v3/lists"


def people(count: int, **values: Any) -> list[str]:
    return [str(records.create("contact", {"email": f"p{n}@a.example", **values}, actor=SYSTEM, source="page")) for n in range(count)]


def made(program: Call, **body: Any) -> dict[str, Any]:
    response = program("POST", f"{PATH}/", {"name": "Mine", "objectTypeId": "0-1", "processingType": "MANUAL", **body})
    assert response.status_code == 200, response.body
    return dict(response.body["list"])


def branch(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"filterBranchType": "OR", "filterBranches": [{"filterBranchType": "AND", "filters": list(filters), "filterBranches": []}], "filters": []}


def on(name: str, operator: str, kind: str = "STRING", **operands: Any) -> dict[str, Any]:
    return {"filterType": "PROPERTY", "property": name, "operation": {"operationType": kind, "operator": operator, **operands}}


def test_a_list_filled_by_hand(program: Call) -> None:
    ids, id = people(3), made(program)["listId"]
    moved = program("PUT", f"{PATH}/{id}/memberships/add", [*ids, "424242"]).body
    assert (sorted(moved["recordsIdsAdded"]), moved["recordIdsMissing"]) == (sorted(ids), ["424242"])
    assert program("PUT", f"{PATH}/{id}/memberships/add", ids).body["recordIdsAdded"] == []
    page = program("GET", f"{PATH}/{id}/memberships?limit=2").body
    assert [row["recordId"] for row in page["results"]] == ids[:2]
    rest = program("GET", f"{PATH}/{id}/memberships?limit=2&after={page['paging']['next']['after']}").body
    assert [row["recordId"] for row in rest["results"]] == ids[2:]
    assert "paging" not in rest
    by_time, path = [], f"{PATH}/{id}/memberships/join-order?limit=2"
    while path:
        body = program("GET", path).body
        by_time += [row["recordId"] for row in body["results"]]
        after = body.get("paging", {}).get("next", {}).get("after")
        path = f"{PATH}/{id}/memberships/join-order?limit=2&after={after}" if after else ""
    assert by_time == ids
    assert [row["listId"] for row in program("GET", f"{PATH}/records/0-1/{ids[0]}/memberships").body["results"]] == [id]
    both = program("PUT", f"{PATH}/{id}/memberships/add-and-remove", {"recordIdsToAdd": [], "recordIdsToRemove": ids[:1]}).body
    assert both["recordIdsRemoved"] == ids[:1]
    assert program("GET", f"{PATH}/{id}").body["list"]["size"] == 2
    assert program("DELETE", f"{PATH}/{id}/memberships").status_code == 204
    assert program("GET", f"{PATH}/{id}").body["list"]["size"] == 0


@pytest.mark.parametrize(
    ("given", "whom"),
    [
        (on("jobtitle", "CONTAINS", value="manager"), {"a"}),
        (on("jobtitle", "IS_KNOWN", "ALL_PROPERTY"), {"a", "b"}),
        (on("jobtitle", "IS_NOT_EQUAL_TO", value="Chef"), {"a"}),
        (on("jobtitle", "IS_NOT_EQUAL_TO", value="Chef", includeObjectsWithNoValueSet=True), {"a", "c"}),
        (on("numberofemployees", "IS_GREATER_THAN", "NUMBER", value=50), {"b", "c"}),
        (on("numberofemployees", "IS_BETWEEN", "number-ranged", lowerBound=1, upperBound=60), {"a", "b"}),
        (on("lifecyclestage", "IS_ANY_OF", "ENUMERATION", values=["marketingqualifiedlead", "lead"]), {"a"}),
        (on("competitor", "IS_EQUAL_TO", "BOOL", value=True), {"c"}),
    ],
)
def test_a_list_that_follows_a_filter(program: Call, given: dict[str, Any], whom: set[str]) -> None:
    there = {
        "a": {"jobtitle": "Sales manager", "numberofemployees": 10, "lifecyclestage": "mql"},
        "b": {"jobtitle": "Chef", "numberofemployees": 60, "lifecyclestage": "customer"},
        "c": {"numberofemployees": 90, "competitor": True},
    }
    ids = {name: str(records.create("contact", {"email": f"{name}@a.example", **values}, actor=SYSTEM, source="page")) for name, values in there.items()}
    shown = made(program, processingType="DYNAMIC", filterBranch=branch(given))
    refresh.everyone(Segment.objects.get(pk=shown["listId"]))
    found = program("GET", f"{PATH}/{shown['listId']}/memberships").body["results"]
    assert {row["recordId"] for row in found} == {ids[name] for name in whom}
    assert program("PUT", f"{PATH}/{shown['listId']}/memberships/add", []).status_code == 400
    read = program("GET", f"{PATH}/{shown['listId']}?includeFilters=true").body["list"]
    assert (read["processingType"], read["filterBranch"]["filterBranchType"]) == ("DYNAMIC", "OR")
    again = program("PUT", f"{PATH}/{shown['listId']}/update-list-filters", {"filterBranch": read["filterBranch"]})
    assert again.status_code == 200, again.body  # what Baton shows, it reads
    refresh.everyone(Segment.objects.get(pk=shown["listId"]))
    assert {row["recordId"] for row in program("GET", f"{PATH}/{shown['listId']}/memberships").body["results"]} == {ids[name] for name in whom}


AGO = {"offsetDirection": "PAST", "timeUnit": "DAYS", "amount": 30}
LATELY = {"pruningRefineBy": {"type": "RELATIVE_COMPARATIVE", "comparison": "AFTER", "timeOffset": AGO}}
BIG = on("numberofemployees", "IS_GREATER_THAN", "NUMBER", value=50)


def test_filters_are_said_both_ways(program: Call) -> None:
    """What HubSpot has words for comes back in them; what it has none for comes back as it was."""
    opened = {"condition": "event", "event": "email_open", "at_least": 3, "days": 30}
    stored = {
        "all": [
            {"condition": "page_viewed", "address": "/pricing", "match": "contains", "days": 60, "until_days": 30},
            {"not": {"condition": "cta_clicked", "name": "demo", "at_least": 2}},
            {"condition": "property", "property": "jobtitle", "operator": "is_not", "value": "Chef", "unset": False},
            {"condition": "property", "property": "createdate", "operator": "in_period", "value": "last_month"},
            {"condition": "score", "at_least": 35, "at_most": 64},
            opened,
            {
                "not": {
                    "related": "company",
                    "filter": {"all": [{"condition": "property", "property": "city", "operator": "is", "value": "Seoul"}]},
                    "label": "primary",
                }
            },
            {"any": [{"condition": "stage", "stages": ["mql"], "longer_days": 30}, {"not": {"condition": "no_activity", "days": 60}}]},
        ]
    }
    shown = branches_out.write(stored)
    inside = shown["filterBranches"][0]
    words = [one["filterType"] for one in inside["filters"]]
    assert words == ["PAGE_VIEW", "CTA", "PROPERTY", "CONSTANT", "CONSTANT", "UNIFIED_EVENTS"]
    assert inside["filterBranches"][0]["filterBranchType"] == "ASSOCIATION"
    read = branches.read(shown)["any"][0]["all"]
    assert all(part in read for part in stored["all"][:7] if "related" not in str(part)), read
    assert filter.sentence({"all": read[:-1]}) == filter.sentence({"all": [*stored["all"][:6], stored["all"][6]]})
    assert branches_out.write(branches.read(shown))["filterBranches"][0]["filters"] == inside["filters"]


def test_subscriptions_are_said_both_ways(program: Call) -> None:
    news, more = (subscriptions.define({"en": name}, SYSTEM) for name in ("Newsletter", "Seminars"))
    ids = [records.create("contact", {"email": f"{name}@a.example"}, actor=SYSTEM, source="page") for name in "abc"]
    for id, granted in zip(ids, (True, False), strict=False):
        subscriptions.choose(id, {news.pk: granted}, actor=SYSTEM, source="test")
    for statuses, whom in ((["SUBSCRIBED"], ids[:1]), (["OPT_OUT"], ids[1:2]), (["SUBSCRIBED", "NOT_SPECIFIED"], [ids[0], ids[2]])):
        given = {"filterType": "EMAIL_SUBSCRIPTION", "subscriptionIds": [str(news.pk)], "acceptedStatuses": statuses}
        shown = made(program, processingType="DYNAMIC", filterBranch=branch(given), name=str(statuses))
        refresh.everyone(Segment.objects.get(pk=shown["listId"]))
        found = program("GET", f"{PATH}/{shown['listId']}/memberships").body["results"]
        assert {row["recordId"] for row in found} == {str(id) for id in whom}
    sms = {"filterType": "COMMUNICATION_SUBSCRIPTION", "subscriptionIds": [str(news.pk), str(more.pk)], "channel": "SMS", "acceptedOptStates": ["OPT_IN"]}
    wanted = [{"condition": "news", "news": one.pk, "state": "takes", "channel": "sms"} for one in (news, more)]
    assert str({"any": wanted}) in str(branches.read(branch(sms)))
    plain = {"condition": "news", "news": news.pk, "state": "refused"}
    [written] = branches_out.write(plain)["filterBranches"][0]["filters"]
    assert written == {"filterType": "EMAIL_SUBSCRIPTION", "subscriptionIds": [str(news.pk)], "acceptedStatuses": ["UNSUBSCRIBED"]}
    reaches = {"condition": "news", "news": news.pk, "state": "gets"}
    assert str(reaches) in str(branches.read(branches_out.write(reaches)))
    for wrong in ({"acceptedStatuses": ["MAYBE"], "subscriptionIds": ["1"]}, {"acceptedStatuses": ["SUBSCRIBED"], "subscriptionIds": []}):
        body = {"name": "W", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": branch({"filterType": "EMAIL_SUBSCRIPTION", **wrong})}
        assert program("POST", PATH, body).status_code == 400


def test_an_association_and_events_of_one_mail_are_asked(program: Call) -> None:
    linked = {"filterBranchType": "ASSOCIATION", "objectTypeId": "0-2", "operator": "IN_LIST", "associationTypeId": 1, "filters": [BIG], "filterBranches": []}
    given = branch({"filterType": "EMAIL_EVENT", "operator": "OPENED_BUT_LINK_NOT_CLICKED", **LATELY})
    given["filterBranches"][0]["filterBranches"] = [linked]
    list_id = made(program, processingType="DYNAMIC", filterBranch=given)["listId"]
    opened, related = Segment.objects.get(pk=list_id).filter["any"][0]["all"]
    assert opened["all"][1] == {"not": {"condition": "email_clicked", "days": 30}}
    assert (related["related"], related["label"]) == ("company", "primary")
    wrong = program("POST", PATH, {"name": "W", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": branch(BIG, on("nothing", "IS_KNOWN"))})
    assert wrong.status_code == 400
    assert wrong.body["message"].startswith("filterBranch.filterBranches.0.filters.1: ")
    assert wrong.body["errors"][0]["in"] == "filterBranch.filterBranches.0.filters.1"


def test_lists_are_searched_named_and_ended(program: Call) -> None:
    first, second = made(program, name="Alpha")["listId"], made(program, name="Beta")["listId"]
    assert program("POST", PATH, {"name": "Alpha", "objectTypeId": "0-1", "processingType": "MANUAL"}).status_code == 400
    found = program("POST", f"{PATH}/search", {"count": 1000, "offset": 0, "sort": "-HS_UPDATED_AT"}).body
    assert ([one["listId"] for one in found["lists"]], found["total"], found["hasMore"], found["offset"]) == ([second, first], 2, False, 2)
    assert [one["name"] for one in program("GET", f"{PATH}/?listIds={first}&listIds={second}").body["lists"]] == ["Alpha", "Beta"]
    assert program("PUT", f"{PATH}/{first}/update-list-name?listName=Gamma").body["updatedList"]["name"] == "Gamma"
    assert program("GET", f"{PATH}/object-type-id/0-1/name/Gamma").body["list"]["listId"] == first
    assert program("DELETE", f"{PATH}/{first}").status_code == 204
    gone = program("GET", f"{PATH}/{first}")
    assert (gone.status_code, gone.body["message"]) == (404, f"List does not exist with ID {first}.")
    assert program("PUT", f"{PATH}/{first}/restore").status_code == 204
    assert program("GET", f"{PATH}/{first}").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"objectTypeId": "0-2"},
        {"processingType": "SOMETIMES"},
        {"processingType": "DYNAMIC"},
        {"processingType": "DYNAMIC", "filterBranch": {"filterBranchType": "MAYBE"}},
        {"processingType": "DYNAMIC", "filterBranch": branch(on("nothing", "IS_KNOWN"))},
        {"processingType": "DYNAMIC", "filterBranch": branch({"filterType": "WEBINAR"})},
        {"processingType": "DYNAMIC", "filterBranch": branch({"filterType": "IN_LIST", "listId": "x"})},
        {"processingType": "DYNAMIC", "filterBranch": branch(on("industry", "IS_ANY_OF", "ENUMERATION", values=5))},
        {"processingType": "DYNAMIC", "filterBranch": branch({"filterType": "UNIFIED_EVENTS", "eventTypeId": "4-1", "filterLines": 5})},
        {"name": " "},
    ],
)
def test_what_makes_no_sense_is_refused(program: Call, wrong: dict[str, Any]) -> None:
    response = program("POST", PATH, {"name": "Mine", "objectTypeId": "0-1", "processingType": "MANUAL", **wrong})
    assert response.status_code == 400, response.body
    assert not Segment.objects.exists()
