"""A new account as programs find it: owners, pipelines, the account itself, and what a token may do."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import tokens, users
from baton.platform.actor import SYSTEM, Actor

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]


def user(email: str, name: str, role: str = "sales", **more: Any) -> Any:
    return users.create(email, name, "baton-demo-1", role, actor=SYSTEM, **more)


def test_every_user_is_an_owner(program: Call) -> None:
    kim, berg = user("kim@a.example", "김민준", "admin", team="Sales"), user("berg@a.example", "Anna Maria Berg")
    owners = program("GET", "/crm/v3/owners/?limit=500").body["results"]
    assert [(one["id"], one["userId"], one["firstName"], one["lastName"]) for one in owners] == [
        (str(kim.pk), kim.pk, "민준", "김"), (str(berg.pk), berg.pk, "Anna Maria", "Berg"),
    ]  # fmt: skip
    assert owners[0]["teams"] == [{"id": str(kim.team_id), "name": "Sales", "primary": True}]
    assert program("GET", "/crm/v3/owners?email=BERG@a.example").body["results"][0]["id"] == str(berg.pk)
    assert program("GET", f"/crm/v3/owners/{kim.pk}?idProperty=userId").body["email"] == "kim@a.example"
    assert program("GET", "/crm/v3/owners/999999").status_code == 404
    users.set_active(berg.pk, False, actor=SYSTEM)
    assert [one["id"] for one in program("GET", "/crm/v3/owners").body["results"]] == [str(kim.pk)]
    gone = program("GET", "/crm/v3/owners?archived=true").body["results"][0]
    assert (gone["id"], gone["userId"], gone["userIdIncludingInactive"], gone["archived"]) == (str(berg.pk), None, berg.pk, True)


def test_owners_come_in_pages(program: Call) -> None:
    ids = [str(user(f"u{number}@a.example", f"U {number}").pk) for number in range(5)]
    found, path = [], "/crm/v3/owners?limit=2"
    while path:
        body = program("GET", path).body
        found += [one["id"] for one in body["results"]]
        path = body.get("paging", {}).get("next", {}).get("link", "").partition("8000")[2]
    assert found == ids


def test_users_teams_and_roles(program: Call) -> None:
    kim = user("kim@a.example", "김민준", "admin", team="Sales")
    assert program("GET", "/settings/v3/users/").body["results"][0]["superAdmin"] is True
    assert program("GET", "/settings/v3/users/kim@a.example?idProperty=EMAIL").body["id"] == str(kim.pk)
    assert program("GET", "/settings/v3/users/teams").body["results"] == [
        {"id": str(kim.team_id), "name": "Sales", "userIds": [str(kim.pk)], "secondaryUserIds": []}
    ]
    assert {"admin", "viewer"} <= {role["id"] for role in program("GET", "/settings/v3/users/roles").body["results"]}


def test_the_account_describes_itself(program: Call) -> None:
    details = program("GET", "/account-info/v3/details").body
    assert (details["portalId"], details["timeZone"], details["companyCurrency"]) == (users.account().pk, "Asia/Seoul", "KRW")
    assert (details["utcOffset"], details["utcOffsetMilliseconds"]) == ("+09:00", 32_400_000)
    assert program("GET", "/business-units/v3/business-units/user/1").body == {"results": []}
    assert program("GET", "/account-info/v3/api-usage/daily/private-apps").body["results"][0]["name"] == "everything"


def test_a_token_says_whose_it_is(program: Call) -> None:
    kim = user("kim@a.example", "김민준", "admin")
    token = tokens.create("mine", ["contacts.read", "tickets.write"], actor=Actor("user", kim.pk))
    told = program("POST", "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": token}, token=token).body
    assert (told["userId"], told["hubId"]) == (kim.pk, users.account().pk)
    assert {"crm.objects.contacts.read", "tickets"} <= set(told["scopes"])
    assert "crm.objects.contacts.write" not in told["scopes"]
    same = program("GET", f"/oauth/v1/access-tokens/{token}").body
    assert (same["user"], same["hub_id"], same["token_type"]) == ("kim@a.example", users.account().pk, "access")
    assert program("GET", "/oauth/v1/access-tokens/bat_wrong").status_code == 404


def test_a_new_account_has_the_pipelines_programs_look_for(program: Call) -> None:
    deals = program("GET", "/crm/v3/pipelines/deals").body["results"]
    assert [row["id"] for row in deals] == ["default"]
    assert [(stage["id"], stage["metadata"]) for stage in deals[0]["stages"]][-2:] == [
        ("closedwon", {"isClosed": "true", "probability": "1.0"}),
        ("closedlost", {"isClosed": "true", "probability": "0.0"}),
    ]
    tickets = program("GET", "/crm/v3/pipelines/tickets").body["results"]
    assert [(row["id"], [(stage["id"], stage["metadata"]["ticketState"]) for stage in row["stages"]]) for row in tickets] == [
        ("0", [("1", "OPEN"), ("2", "OPEN"), ("3", "OPEN"), ("4", "CLOSED")])
    ]
    assert program("GET", "/crm/v3/pipelines/contacts").body == {"results": []}
    assert program("GET", "/crm/v3/pipelines/leads").body == {"results": []}


def test_a_pipeline_in_use_stays(program: Call) -> None:
    stages = [{"label": "In", "displayOrder": 0, "metadata": {"probability": "0.1"}}, {"label": "Won", "displayOrder": 1, "metadata": {"probability": "1.0"}}]
    made = program("POST", "/crm/v3/pipelines/deals", {"label": "Partners", "displayOrder": 1, "stages": stages})
    assert made.status_code == 201, made.body
    id, stage = made.body["id"], made.body["stages"][0]["id"]
    program("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "X", "pipeline": id, "dealstage": stage}})
    for path in (f"/crm/v3/pipelines/deals/{id}", f"/crm/v3/pipelines/deals/{id}/stages/{stage}"):
        refused = program("DELETE", f"{path}?validateReferencesBeforeDelete=true")
        assert refused.status_code == 400, refused.body
    replaced = program("PUT", f"/crm/v3/pipelines/deals/{id}", {"label": "Partner", "displayOrder": 0, "stages": [{**stages[0], "label": "In"}]})
    assert [row["label"] for row in replaced.body["stages"]] == ["In"]
    assert program("POST", "/crm/v3/pipelines/deals", {"label": "No", "displayOrder": 1, "stages": [{"label": "A", "displayOrder": 0}]}).status_code == 400
    assert program("POST", "/crm/v3/pipelines/contacts", {"label": "No", "displayOrder": 1, "stages": stages}).status_code == 400
    audit = program("GET", f"/crm/v3/pipelines/deals/{id}/audit").body["results"]
    assert [entry["action"] for entry in audit][-1] == "CREATE"
