"""Baton's own form of workflows for programs, and what older clients call."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import tokens
from baton.accounts.models import Account
from baton.automation import runner
from baton.automation.models import Workflow
from baton.crm import records
from baton.messaging.mail import emails
from baton.platform import changes
from baton.platform.actor import SYSTEM

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
PATH = "/baton/v1/workflows"


def drain() -> None:
    while changes.tick() + runner.run_due():
        pass


def test_a_workflow_is_made_published_run_and_explained(program: Call, account: Account) -> None:
    mail = emails.create("소개", SYSTEM, subject="s", body="b").pk
    people = [records.create("contact", {"email": f"p{n}@gaon.example"}, actor=SYSTEM, source="test") for n in range(3)]
    made = program("POST", PATH, {"name": "후속", "description": "두 통"})
    assert made.status_code == 201, made.body
    one = f"{PATH}/{made.body['id']}"
    assert {problem["in"] for problem in made.body["problems"]} == {"triggers", "steps"}
    steps = [{"id": "s1", "type": "send_email", "email": mail}, {"id": "s2", "type": "wait", "days": 3}]
    draft = {"triggers": [{"id": "t", "type": "manual"}], "settings": {"again": "never"}, "steps": steps}
    kept = program("PUT", f"{one}/draft", {"graph": draft, "draft_at": made.body["draft_at"]})
    assert (kept.status_code, kept.body["problems"]) == (200, [])
    late = program("PUT", f"{one}/draft", {"graph": draft, "draft_at": "2020-01-01T00:00:00+00:00"})
    assert late.status_code == 409
    wrong = program("PUT", f"{one}/draft", {"graph": {"steps": [{"id": "s1", "type": "fly"}]}})
    assert (wrong.status_code, wrong.body["errors"][0]["in"]) == (400, "steps[0].type")
    assert program("POST", f"{one}/enrollments", {"ids": people}).status_code == 409  # not on
    assert program("POST", f"{one}/publish", {"note": "첫 버전"}).body["version"] == 1
    entered = program("POST", f"{one}/enrollments", {"ids": people[:2], "emails": ["P2@gaon.example ", "nobody@gaon.example"], "key": "order-7"})
    assert entered.body == {"entered": 3, "left_out": 0, "missing": ["nobody@gaon.example"]}
    assert program("POST", f"{one}/enrollments", {"ids": people, "key": "order-7"}).body["entered"] == 0
    drain()
    counts = program("GET", f"{one}/counts").body
    assert counts["runs"] == {"active": 3}
    assert counts["steps"]["s2"] == {"passed": 0, "waiting": 3, "failed": 0, "ways": {}}
    (run,) = program("GET", f"{one}/enrollments/{people[0]}").body["results"]
    assert [(line["step"], line["outcome"]) for line in run["lines"]] == [("s1", "done"), ("s2", "waiting")]
    assert program("POST", f"{one}/enrollments/remove", {"ids": people[:1]}).body["removed"] == 1
    assert program("POST", f"{one}/enrollments/remove", {}).status_code == 400
    assert [program("POST", f"{one}/{word}").body["state"] for word in ("pause", "resume")] == ["paused", "on"]
    assert program("POST", f"{one}/resume").status_code == 409
    whole = program("GET", one).body
    assert (whole["version"], whole["versions"][0]["note"], whole["runs"]) == (1, "첫 버전", {"active": 2, "removed": 1})
    assert program("GET", PATH).body["results"][0]["runs"] == {"active": 2, "removed": 1}
    assert program("GET", f"{one}/preview").body == {"would_enter": 0}
    odd: list[dict[str, Any]] = [{"window": 10**9}, {"start": "0001"}, {"start": "9999-12-31T23:59"}, {"days": 10**12}]
    odd += [{"population": "ghosts", "contacts": [one]} for one in ({}, {"name": "a", "facts": [{}]}, {"name": "a", "facts": 5})]
    assert {program("POST", f"{one}/rehearsals", body).status_code for body in odd} == {400}

    text = program("GET", f"{one}/file?published=true").body["text"]
    again = program("POST", f"{PATH}/import", {"text": text})
    assert (again.status_code, again.body["name"], again.body["draft"]) == (201, "후속 2", whole["draft"])
    template = program("POST", f"{PATH}/templates/auto_reply", {"language": "en"})
    assert (template.status_code, template.body["name"], template.body["problems"]) == (201, "Auto-reply to an inquiry", [])
    assert "five_step_nurture" in {row["key"] for row in program("GET", f"{PATH}/templates").body["results"]}
    assert program("DELETE", one).status_code == 204
    assert program("GET", one).status_code == 404


def test_older_clients_list_workflows_and_enroll_by_address(program: Call, account: Account) -> None:
    records.create("contact", {"email": "jiwoo@gaon.example"}, actor=SYSTEM, source="test")
    id = program("POST", PATH, {"name": "후속"}).body["id"]
    address = f"/automation/v2/workflows/{id}/enrollments/contacts/Jiwoo@gaon.example"
    assert program("POST", address).status_code == 400  # not on
    graph = {"triggers": [{"id": "t", "type": "manual"}], "steps": [{"id": "s1", "type": "wait", "days": 1}]}
    program("PUT", f"{PATH}/{id}/draft", {"graph": graph})
    program("POST", f"{PATH}/{id}/publish", {})
    assert program("POST", address).status_code == 204
    (listed,) = program("GET", "/automation/v3/workflows").body["workflows"]
    assert (listed["id"], listed["enabled"], listed["contactCounts"]) == (int(id), True, {"active": 1, "enrolled": 1})
    assert program("GET", f"/automation/v3/workflows/{id}").body == listed
    assert program("DELETE", address).status_code == 204
    assert program("GET", f"/automation/v3/workflows/{id}").body["contactCounts"] == {"active": 0, "enrolled": 1}
    assert program("POST", address.replace("Jiwoo", "nobody")).status_code == 404
    assert program("POST", "/automation/v4/workflow-id-mappings/batch/read", {"inputs": [{"type": "WORKFLOW_ID", "workflowId": id}]}).body["results"] == [
        {"flowId": id, "workflowId": id}
    ]
    assert Workflow.objects.count() == 1


def test_a_token_that_may_read_workflows_changes_none(program: Call, account: Account) -> None:
    reader = tokens.create("reader", ["workflows.read"], limited=False, actor=SYSTEM)
    writer = tokens.create("writer", ["automation"], limited=False, actor=SYSTEM)
    assert program("GET", PATH, token=reader).status_code == 200
    assert program("POST", PATH, {"name": "x"}, token=reader).status_code == 403
    id = program("POST", PATH, {"name": "x"}, token=writer).body["id"]
    assert program("POST", f"{PATH}/{id}/enrollments", {"ids": [1]}, token=writer).status_code == 403  # nor may it touch contacts
