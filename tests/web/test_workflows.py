"""Workflows: the list, the tree with its people, the panel that saves the draft, publishing, and e-mails with their preview."""

import json
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account
from baton.automation import enroll, runner, verbs
from baton.automation.models import Workflow
from baton.crm import records
from baton.forms.models import Form
from baton.messaging.models import Email, Message, Outbox
from baton.platform.actor import SYSTEM
from baton.web.parts import workflow_canvas

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "div#workflow-part"}
PANEL = {"HX-Request": "true", "HX-Target": "aside#inspector"}


@pytest.fixture
def marketer(client: Client, account: Account) -> Client:
    client.force_login(users.create("oh@nuriwork.example", "오세린", "baton-demo-1", "marketing", actor=SYSTEM, language="en"))
    return client


@pytest.fixture
def workflow(account: Account) -> Workflow:
    """A mail, a wait, and a branch by seniority with a value set on one way."""
    form = Form.objects.create(name="상담 문의")
    email = Email.objects.create(
        name="서비스 소개", subject='{{ contact.firstname|default("고객") }} 님', body="<p>안녕하세요 {{ contact.firstname }}</p><script>alert(1)</script>"
    )
    draft = {
        "triggers": [{"id": "t", "type": "form_submitted", "form": form.pk}],
        "steps": [
            {"id": "s1", "type": "send_email", "email": email.pk},
            {
                "id": "s2",
                "type": "branch",
                "filter": {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec"]},
                "paths": [
                    {"label": "yes", "steps": [{"id": "s3", "type": "set_property", "property": "lead_source", "value": "webinar"}]},
                    {"label": "no", "steps": []},
                ],
            },
            {"id": "s4", "type": "wait", "days": 1},
        ],
    }
    workflow = verbs.create("상담 문의 후속", SYSTEM, draft)
    verbs.publish(workflow, SYSTEM)
    return workflow


def contacts(count: int, **values: Any) -> list[int]:
    return [
        records.create("contact", {"firstname": f"{n}", "email": f"p{n}{len(values)}@a.example", **values}, actor=SYSTEM, source="import") for n in range(count)
    ]


def walk(workflow: Workflow) -> None:
    enroll.enroll(workflow, [*contacts(3, seniority="exec"), *contacts(1)], "test:1", SYSTEM)
    while runner.run_due():
        pass


def stored(workflow: Workflow) -> dict[str, Any]:
    workflow.refresh_from_db()
    draft: dict[str, Any] = workflow.draft
    return draft


def test_the_list_has_the_numbers(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    page = marketer.get("/workflows/").content.decode()
    assert "상담 문의 후속" in page
    assert '<td class="num end">4</td><td class="num end">4</td>' in page


def test_the_tree_shows_where_people_are(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    page = marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    assert "<!doctype html>" in page
    assert 'Yes <b class="num">75%</b>' in page
    assert "waiting 4" in page
    assert f"workflow:{workflow.pk}" in page


def test_the_panel_comes_alone(marketer: Client, workflow: Workflow) -> None:
    part = marketer.get(f"/workflows/{workflow.pk}/?node=s4", headers=PANEL).content.decode()
    assert "<html" not in part
    assert 'name="days" type="number"' in part
    assert marketer.get(f"/workflows/{workflow.pk}/?node=nothing", headers=PANEL).status_code == 200


def test_fields_are_kept_in_the_draft_only(marketer: Client, workflow: Workflow) -> None:
    answer = marketer.post(
        f"/workflows/{workflow.pk}/steps/s4/", {"name": "사흘 기다리기", "days": "3", "hours": "0", "minutes": "0"}, headers=PART
    ).content.decode()
    assert stored(workflow)["steps"][2] == {"id": "s4", "type": "wait", "name": "사흘 기다리기", "days": 3, "hours": 0, "minutes": 0}
    assert workflow.published is not None
    assert workflow.published.graph["steps"][2]["days"] == 1
    assert "사흘 기다리기" in answer
    assert "Draft saved" in answer


def test_a_wrong_value_comes_back_under_its_field(marketer: Client, workflow: Workflow) -> None:
    answer = marketer.post(f"/workflows/{workflow.pk}/steps/s4/", {"days": "-3"}, headers=PART)
    assert answer.status_code == 422
    assert 'id="error-days"' in answer.content.decode()
    assert 'value="-3"' in answer.content.decode()
    assert stored(workflow)["steps"][2]["days"] == 1


@pytest.mark.parametrize(
    ("at", "where"), [("root:0", lambda d: d["steps"][0]), ("root:99", lambda d: d["steps"][-1]), ("s2.no:0", lambda d: d["steps"][1]["paths"][1]["steps"][0])]
)
def test_a_step_is_added_anywhere(marketer: Client, workflow: Workflow, at: str, where: Any) -> None:
    assert "Wait" in marketer.get(f"/workflows/{workflow.pk}/add/?at={at}", headers=PANEL).content.decode()
    assert marketer.post(f"/workflows/{workflow.pk}/add/", {"at": at, "type": "wait"}, headers=PART).status_code == 200
    assert where(stored(workflow)) == {"id": "s5", "type": "wait", "name": "", "days": 0, "hours": 0, "minutes": 0}


@pytest.mark.parametrize(("at", "kind", "status"), [("root:0", "rocket", 422), ("s9.yes:0", "wait", 404), ("root", "wait", 404), ("", "", 422)])
def test_what_cannot_be_added(marketer: Client, workflow: Workflow, at: str, kind: str, status: int) -> None:
    assert marketer.post(f"/workflows/{workflow.pk}/add/", {"at": at, "type": kind}, headers=PART).status_code == status


def test_a_mail_that_may_not_have_arrived_is_shown_and_sent_again_by_a_person(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    assert "did not arrive" not in marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    message = Message.objects.order_by("id")[0]
    Message.objects.filter(contact_id=message.contact_id, id=message.id).update(state="unknown", reason="interrupted")
    Outbox.objects.all().delete()
    page = marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    assert "it may have arrived and is not sent again" in page
    sent = {"contact": message.contact_id, "message": message.id}
    answer = marketer.post(f"/workflows/{workflow.pk}/again/", sent, headers=PART)
    assert answer.status_code == 200
    assert "did not arrive" not in answer.content.decode()
    assert Outbox.objects.get().message_id == message.id
    assert marketer.post(f"/workflows/{workflow.pk}/again/", sent, headers=PART).status_code == 409
    assert marketer.post(f"/workflows/{workflow.pk}/again/", {"contact": "x"}, headers=PART).status_code == 422


def test_the_id_of_a_removed_published_step_never_comes_back(marketer: Client, workflow: Workflow) -> None:
    """People who went through it are counted by its id."""
    marketer.post(f"/workflows/{workflow.pk}/steps/s4/move/", {"to": "away"}, headers=PART)
    marketer.post(f"/workflows/{workflow.pk}/add/", {"at": "root:2", "type": "wait"}, headers=PART)
    assert [step["id"] for step in stored(workflow)["steps"]] == ["s1", "s2", "s5"]


def test_a_removed_step_whose_id_was_given_away_is_not_put_back(marketer: Client, workflow: Workflow) -> None:
    marketer.post(f"/workflows/{workflow.pk}/add/", {"at": "root:3", "type": "wait"}, headers=PART)
    answer = marketer.post(f"/workflows/{workflow.pk}/steps/s5/move/", {"to": "away"}, headers=PART)
    back = json.loads(answer["HX-Trigger"])["toast"]["undo"]["values"]
    marketer.post(f"/workflows/{workflow.pk}/add/", {"at": "root:3", "type": "notify"}, headers=PART)
    assert marketer.post(f"/workflows/{workflow.pk}/back/", back, headers=PART).status_code == 409
    assert [step["type"] for step in stored(workflow)["steps"]] == ["send_email", "branch", "wait", "notify"]


def test_steps_move_and_come_back_when_removed(marketer: Client, workflow: Workflow) -> None:
    def order() -> list[str]:
        return [s["id"] for s in stored(workflow)["steps"]]

    marketer.post(f"/workflows/{workflow.pk}/steps/s4/move/", {"to": "up"}, headers=PART)
    assert order() == ["s1", "s4", "s2"]
    answer = marketer.post(f"/workflows/{workflow.pk}/steps/s2/move/", {"to": "away"}, headers=PART)
    assert order() == ["s1", "s4"]
    undo = json.loads(answer.headers["HX-Trigger"])["toast"]["undo"]
    marketer.post(undo["url"], undo["values"], headers=PART)
    assert order() == ["s1", "s4", "s2"]
    assert stored(workflow)["steps"][2]["paths"][0]["steps"][0]["id"] == "s3"


def test_conditions_of_a_branch_are_edited(marketer: Client, workflow: Workflow) -> None:
    at = f"/workflows/{workflow.pk}/steps/s2/filter/"

    def post(**given: Any) -> str:
        now = stored(workflow)["steps"][1]["filter"]
        sent = {"filter": json.dumps(now), **{f"filter{key}": value for key, value in given.pop("fields", {}).items()}, **given}
        return marketer.post(at, sent, headers=PART).content.decode()

    post(**{"filter!": "add|all|page_viewed"})
    fields = {
        "/all/how": "any", "/all.0/": "1", "/all.0/value?": "1", "/all.0/value": ["exec", "head"], "/all.1/": "1", "/all.1/address": "/pricing",
        "/all.1/match": "starts", "/all.1/when": "days", "/all.1/days": "30",
    }  # fmt: skip
    post(fields=fields)
    assert stored(workflow)["steps"][1]["filter"] == {
        "any": [
            {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec", "head"]},
            {"condition": "page_viewed", "address": "/pricing", "match": "starts", "days": 30},
        ]
    }
    answer = post(fields={"/any.0/": "1", "/any.0/value?": "1", "/any.1/": "1"}, **{"filter!": "drop|any.1"})
    assert stored(workflow)["steps"][1]["filter"] == {"any": [{"condition": "property", "property": "seniority", "operator": "any_of", "value": []}]}
    assert "Not ready yet" in answer


def test_publishing_asks_for_what_is_missing(marketer: Client, account: Account) -> None:
    workflow = verbs.create("새 것", SYSTEM)
    answer = marketer.post(f"/workflows/{workflow.pk}/publish/", headers=PART)
    assert "missing" in answer.headers["HX-Trigger"]
    assert "Choose what enrolls contacts" in answer.content.decode()
    workflow.refresh_from_db()
    assert workflow.state == "draft"


def test_publish_pause_and_resume(marketer: Client, workflow: Workflow) -> None:
    marketer.post(f"/workflows/{workflow.pk}/steps/s4/", {"days": "2"}, headers=PART)
    marketer.post(f"/workflows/{workflow.pk}/publish/", headers=PART)
    workflow.refresh_from_db()
    assert workflow.published is not None
    assert workflow.published.number == 2
    assert "Paused" in marketer.post(f"/workflows/{workflow.pk}/pause/", headers=PART).content.decode()
    assert marketer.post(f"/workflows/{workflow.pk}/pause/", headers=PART).status_code == 409
    marketer.post(f"/workflows/{workflow.pk}/resume/", headers=PART)
    workflow.refresh_from_db()
    assert workflow.state == "on"


def test_live_parts_are_those_of_the_page(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    parts = workflow_canvas.live_parts(workflow)
    assert set(parts) == {"counts-t", "counts-s1", "counts-s2", "counts-s3", "counts-s4", "share-s2-yes", "share-s2-no", "kpis", "log-rows"}
    page = marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    assert all(f'id="{target}"' in page for target in parts)


def test_a_new_workflow_opens(marketer: Client) -> None:
    answer = marketer.post("/workflows/new/", {"name": "웨비나 초대"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == f"/workflows/{Workflow.objects.get().pk}/"
    assert marketer.get(answer.headers["HX-Redirect"]).status_code == 200
    assert marketer.post("/workflows/new/", {"name": " "}, headers={"HX-Request": "true"}).status_code == 422


def test_sales_may_look_but_not_change(client: Client, workflow: Workflow) -> None:
    client.force_login(users.create("han@nuriwork.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM))
    page = client.get(f"/workflows/{workflow.pk}/").content.decode()
    assert 'class="insert" type="button"' not in page
    for at in ("add/", "publish/", "pause/", "steps/s4/", "steps/s4/move/", "steps/s2/filter/"):
        assert client.post(f"/workflows/{workflow.pk}/{at}", {"to": "away"}, headers=PART).status_code == 403, at
    assert client.get("/workflows/999/").status_code == 404


def test_an_e_mail_is_changed_and_previewed(marketer: Client, workflow: Workflow) -> None:
    email = Email.objects.get()
    answer = marketer.post(f"/emails/{email.pk}/", {"subject": "{{ contact.firstname", "body": "<p>x</p>"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "faulty" in answer.content.decode()
    marketer.post(f"/emails/{email.pk}/", {"subject": "새 제목", "body": "<p>새 본문</p>"}, headers={"HX-Request": "true"})
    email.refresh_from_db()
    assert (email.subject, email.body, email.name) == ("새 제목", "<p>새 본문</p>", "서비스 소개")
    preview = marketer.get(f"/emails/{email.pk}/preview/")
    assert "새 본문" in preview.content.decode()
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in preview.headers["Content-Security-Policy"]


def test_e_mails_are_listed(marketer: Client, workflow: Workflow) -> None:
    assert "서비스 소개" in marketer.get("/emails/").content.decode()
    assert 'href="//evil' not in marketer.get(f"/emails/{Email.objects.get().pk}/?back=//evil.example/").content.decode()
