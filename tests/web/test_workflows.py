"""Workflows: the list, the tree with its people, the panel that saves the draft, publishing, and e-mails with their preview."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from baton.accounts import rights, users
from baton.accounts.models import Account
from baton.automation import enroll, graph, runner, verbs
from baton.automation.field import Fields
from baton.automation.models import Workflow
from baton.automation.step import Step, steps
from baton.automation.trigger import Trigger, triggers
from baton.crm import records
from baton.forms.models import Form
from baton.messaging.models import Email, Message, Outbox
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.web.parts import step_form, workflow_canvas, workflow_draft, workflow_panel
from baton.web.parts.step_choices import About

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "div#workflow-part"}


def change(client: Client, workflow: Workflow, do: str, **given: str) -> Any:
    return client.post(f"/workflows/{workflow.pk}/change/", {"do": do, **given}, headers=PART)


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


def test_the_list_has_the_numbers_and_finds_by_name(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    page = marketer.get("/workflows/").content.decode()
    assert "상담 문의 후속" in page
    assert '<td class="num end">4</td><td class="num end">4</td>' in page
    assert "상담 문의 후속" not in marketer.get("/workflows/?q=웨비나", headers={"HX-Target": "div#workflow-rows"}).content.decode()
    assert "상담 문의 후속" not in marketer.get("/workflows/?state=paused").content.decode()
    answer = marketer.post(f"/workflows/{workflow.pk}/double/", headers={"HX-Request": "true"})
    copy = Workflow.objects.get(pk=int(answer["HX-Redirect"].split("/")[2]))
    assert (copy.name, copy.draft, copy.state) == ("상담 문의 후속 (copy)", workflow.draft, "draft")
    undo = json.loads(marketer.post(f"/workflows/{copy.pk}/aside/").headers["HX-Trigger"])["toast"]["undo"]
    assert "(copy)" in marketer.get("/workflows/?state=archived").content.decode()
    marketer.post(undo["url"], undo["values"])
    assert "(copy)" in marketer.get("/workflows/").content.decode()


def test_the_tree_shows_where_people_are_and_each_count_opens_them(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    page = marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    assert "<!doctype html>" in page
    assert 'Yes <b class="num">75%</b>' in page
    assert "waiting 4" in page
    assert f"workflow:{workflow.pk}" in page

    def behind(query: str) -> int:
        panel = marketer.get(f"/workflows/{workflow.pk}/people/?{query}", headers=PANEL).content.decode()
        assert "<html" not in panel
        return panel.count("<c-avatar") or panel.count('class="avatar')

    assert behind("step=s4&outcome=waiting") == 4
    assert behind("step=s2&outcome=yes") == 3
    assert behind("step=s1&outcome=passed") == 4
    assert behind("outcome=active") == 4
    assert behind("step=s1&outcome=failed") == 0
    assert "<!doctype html>" in marketer.get(f"/workflows/{workflow.pk}/people/?step=s2&outcome=yes").content.decode()
    assert marketer.get(f"/workflows/{workflow.pk}/people/?after=x").status_code == 200


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
    assert change(marketer, workflow, "add", at=at, type="wait").status_code == 200
    assert where(stored(workflow)).items() >= {"id": "s5", "type": "wait", "days": 0}.items()


@pytest.mark.parametrize(("at", "kind", "status"), [("root:0", "rocket", 422), ("s9.yes:0", "wait", 404), ("root", "wait", 404), ("", "", 422)])
def test_what_cannot_be_added(marketer: Client, workflow: Workflow, at: str, kind: str, status: int) -> None:
    assert change(marketer, workflow, "add", at=at, type=kind).status_code == status


def test_a_mail_that_may_not_have_arrived_is_shown_and_sent_again_by_a_person(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    assert "did not arrive" not in marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    message = Message.objects.order_by("id")[0]
    Message.objects.filter(contact_id=message.contact_id, id=message.id).update(state="unknown", reason="interrupted", undelivered_at=clock.now())
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
    change(marketer, workflow, "drop", step="s4")
    change(marketer, workflow, "add", at="root:2", type="wait")
    assert [step["id"] for step in stored(workflow)["steps"]] == ["s1", "s2", "s5"]


def order(workflow: Workflow) -> list[Any]:
    """The ids as they stand, ways as lists."""

    def read(found: list[dict[str, Any]]) -> list[Any]:
        return [(s["id"], *(read(way["steps"]) for way in s["paths"])) if s.get("paths") else s["id"] for s in found]

    return read(stored(workflow)["steps"])


def test_steps_move_by_places_and_by_keys(marketer: Client, workflow: Workflow) -> None:
    change(marketer, workflow, "move", step="s4", at="root:0")
    assert order(workflow) == ["s4", "s1", ("s2", ["s3"], [])]
    change(marketer, workflow, "move", step="s4", at="root:3")
    assert order(workflow) == ["s1", ("s2", ["s3"], []), "s4"]
    assert change(marketer, workflow, "move", step="s2", at="s2.no:0").status_code == 422  # into itself
    nudges = {
        "up": ["s1", "s4", ("s2", ["s3"], [])], "right": ["s1", ("s2", ["s4", "s3"], [])], "down": ["s1", ("s2", ["s3", "s4"], [])],
        "left": ["s1", ("s2", ["s3"], []), "s4"],
    }  # fmt: skip
    for to, expected in nudges.items():
        said = json.loads(change(marketer, workflow, "nudge", step="s4", to=to).headers["HX-Trigger"])["toast"]["text"]
        assert order(workflow) == expected, to
        assert said.startswith("Wait: now ")
    change(marketer, workflow, "nudge", step="s3", to="right")
    assert order(workflow) == ["s1", ("s2", [], ["s3"]), "s4"]
    change(marketer, workflow, "nudge", step="s3", to="up")
    assert order(workflow) == ["s1", "s3", ("s2", [], []), "s4"]


def test_steps_are_copied_with_what_is_inside_also_from_another_workflow(marketer: Client, workflow: Workflow) -> None:
    change(marketer, workflow, "add", at="s2.yes:1", type="go_to")
    marketer.post(f"/workflows/{workflow.pk}/steps/s5/", {"to": "s3"}, headers=PART)
    change(marketer, workflow, "copy", step="s2")
    assert order(workflow) == ["s1", ("s2", ["s3", "s5"], []), ("s6", ["s7", "s8"], []), "s4"]
    assert stored(workflow)["steps"][2]["paths"][0]["steps"][1]["to"] == "s7"  # the copy of the step that was meant
    other = verbs.create("다른 것", SYSTEM, {"triggers": [], "steps": []}, object_type="contact")
    copied = change(marketer, other, "copy", **{"from": str(workflow.pk), "step": "s5", "at": "root:0"})
    assert copied.status_code == 200
    assert stored(other)["steps"][0]["to"] == ""  # there is no such step here
    deals = verbs.create("거래", SYSTEM, object_type="deal")
    assert change(marketer, deals, "copy", **{"from": str(workflow.pk), "step": "s1", "at": "root:0"}).status_code == 422
    assert change(marketer, other, "copy", **{"from": str(workflow.pk), "step": "s99", "at": "root:0"}).status_code == 404


def test_every_change_is_undone_and_done_again(marketer: Client, workflow: Workflow) -> None:
    before = order(workflow)
    answer = change(marketer, workflow, "drop", step="s2")
    assert order(workflow) == ["s1", "s4"]
    undo = json.loads(answer.headers["HX-Trigger"])["toast"]["undo"]
    marketer.post(undo["url"], undo["values"], headers=PART)
    assert order(workflow) == before
    assert marketer.post(f"/workflows/{workflow.pk}/redo/", headers=PART).status_code == 200
    assert order(workflow) == ["s1", "s4"]
    change(marketer, workflow, "add", at="root:0", type="wait")
    assert marketer.post(undo["url"], undo["values"], headers=PART).status_code == 409  # the message is older than the newest change
    for _step in range(2):
        marketer.post(f"/workflows/{workflow.pk}/undo/", headers=PART)
    assert order(workflow) == before
    assert marketer.post(f"/workflows/{workflow.pk}/undo/", headers=PART).status_code == 404
    for days in range(1, 56):
        verbs.save_draft(workflow, workflow_draft.fill(workflow.draft, "s4", {"days": days})[0], SYSTEM)
    assert workflow.edits.count() == 50


def test_of_two_pages_that_edit_at_once_the_later_is_told(marketer: Client, workflow: Workflow) -> None:
    one, two = {**PART, "X-Draft": "one "}, {**PART, "X-Draft": "two "}
    fields = {"hours": "0", "minutes": "0"}
    assert marketer.post(f"/workflows/{workflow.pk}/steps/s4/", {"days": "2", **fields}, headers=one).status_code == 200
    refused = marketer.post(f"/workflows/{workflow.pk}/steps/s4/", {"days": "9", **fields}, headers=two)
    assert refused.status_code == 409
    assert refused["HX-Retarget"] == "#overtaken"
    assert marketer.post(f"/workflows/{workflow.pk}/steps/s4/", {"days": "3", **fields}, headers=one).status_code == 200
    assert stored(workflow)["steps"][2]["days"] == 3


def test_several_triggers_and_the_settings_of_the_whole(marketer: Client, workflow: Workflow) -> None:
    assert "joined a list" in marketer.get(f"/workflows/{workflow.pk}/add/?at=trigger", headers=PANEL).content.decode()
    change(marketer, workflow, "trigger", type="segment_joined")
    assert [t["id"] for t in stored(workflow)["triggers"]] == ["t", "t2"]
    assert change(marketer, workflow, "trigger", type="rocket").status_code == 422
    change(marketer, workflow, "drop_trigger", step="t")
    change(marketer, workflow, "trigger", type="form_submitted")
    assert [t["id"] for t in stored(workflow)["triggers"]] == ["t2", "t3"]  # people were counted by `t`
    panel = marketer.get(f"/workflows/{workflow.pk}/?node=settings", headers=PANEL).content.decode()
    assert 'name="audience"' in panel
    assert 'name="goal"' in panel
    marketer.post(f"/workflows/{workflow.pk}/steps/settings/", {"again": "after_days", "again_days": "14", "suppress?": "1"}, headers=PART)
    assert stored(workflow)["settings"].items() >= {"again": "after_days", "again_days": 14, "suppress": []}.items()
    marketer.post(f"/workflows/{workflow.pk}/steps/settings/filter/goal/", {"goal": "{}", "goal!": "add|all|property"}, headers=PART)
    assert stored(workflow)["settings"]["goal"]
    assert marketer.post(f"/workflows/{workflow.pk}/steps/settings/filter/again/", {"again": "{}"}, headers=PART).status_code == 404


def test_every_step_and_trigger_has_a_form_that_keeps_what_it_shows(account: Account, rf: RequestFactory) -> None:
    """What a form sends without a change leaves the draft as it was."""
    kinds: dict[str, type[Step] | type[Trigger]] = {**steps(), **triggers()}
    for key, kind in kinds.items():
        of = next(one for one in ("contact", "deal", "company", "ticket") if workflow_draft.fits(kind, one))
        workflow = Workflow(pk=1, object_type=of)
        if key in steps():
            draft, id = workflow_draft.add({}, "root:0", key, of)
        else:
            draft, id = workflow_draft.add_trigger({}, key, of)
        before = graph.parse(draft, of)
        item = workflow_panel.item(before, id)
        assert isinstance(item, Fields)
        about = About(workflow, before, id)
        drawn = step_form.draw(item, about, {})
        assert {w.name for w in drawn} == {f.name for f in item.entries() if item.asks(f.name)}
        form = "".join(render_to_string("workflows/widget.html", {"w": w}) for w in drawn if w.kind != "filter")
        given = rf.post("/", sent(form)).POST
        after, gone = workflow_draft.fill(draft, id, step_form.read(item, about, given))
        assert (graph.parse(after, of).stored(), gone) == (before.stored(), 0), key


class _Inputs(HTMLParser):
    """What a browser would send of a form."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.select, self.area = "", ""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        at = dict(given)
        name = at.get("name") or ""
        if tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area = name
            self.found[name] = [""]
        elif tag == "option" and self.select and ("selected" in at or self.select not in self.found):
            self.found[self.select] = [at.get("value") or ""]
        elif tag == "input" and name and (at.get("type") not in ("checkbox", "radio") or "checked" in at):
            self.found.setdefault(name, []).append(at.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.found[self.area] = [data]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self.select = self.area = ""


def sent(form: str) -> dict[str, list[str]]:
    inputs = _Inputs()
    inputs.feed(form)
    return inputs.found


def test_conditions_of_a_branch_are_edited(marketer: Client, workflow: Workflow) -> None:
    at = f"/workflows/{workflow.pk}/steps/s2/filter/filter/"

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


def test_what_is_missing_is_listed_with_a_way_to_mend_it(marketer: Client, account: Account) -> None:
    workflow = verbs.create("새 것", SYSTEM)
    page = marketer.get(f"/workflows/{workflow.pk}/").content.decode()
    assert "Choose what enrolls contacts" in page
    assert f'href="/workflows/{workflow.pk}/?add=trigger"' in page
    assert f'href="/workflows/{workflow.pk}/publish/"' in page


def test_pause_and_resume(marketer: Client, workflow: Workflow) -> None:
    assert "Paused" in marketer.post(f"/workflows/{workflow.pk}/pause/", headers=PART).content.decode()
    assert marketer.post(f"/workflows/{workflow.pk}/pause/", headers=PART).status_code == 409
    marketer.post(f"/workflows/{workflow.pk}/resume/", headers=PART)
    workflow.refresh_from_db()
    assert workflow.state == "on"


def test_live_parts_are_those_of_the_page(marketer: Client, workflow: Workflow) -> None:
    walk(workflow)
    parts = workflow_canvas.live_parts(workflow, rights.SYSTEM)
    assert set(parts) == {"counts-t", "counts-s1", "counts-s2", "counts-s3", "counts-s4", "share-s2-0", "share-s2-1", "kpis", "log-rows"}
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
    for at in ("change/", "undo/", "redo/", "name/", "publish/", "pause/", "steps/s4/", "steps/s2/filter/filter/", "double/", "aside/"):
        assert client.post(f"/workflows/{workflow.pk}/{at}", {"to": "away"}, headers=PART).status_code == 403, at
    assert client.get("/workflows/999/").status_code == 404


def test_an_e_mail_is_changed_and_previewed(marketer: Client, workflow: Workflow) -> None:
    email = Email.objects.get()
    part = {"HX-Request": "true"}
    marketer.post(f"/emails/{email.pk}/blocks/mail/", {"subject": "{{ contact.firstname"}, headers=part)
    assert marketer.post(f"/emails/{email.pk}/publish/", headers=part).status_code == 422
    marketer.post(f"/emails/{email.pk}/blocks/mail/", {"subject": "새 제목"}, headers=part)
    marketer.post(f"/emails/{email.pk}/blocks/code/", {"body": "<p>새 본문</p>"}, headers=part)
    assert marketer.post(f"/emails/{email.pk}/publish/", headers=part).status_code == 200
    email.refresh_from_db()
    assert (email.subject, email.body, email.name) == ("새 제목", "<p>새 본문</p>", "서비스 소개")
    preview = marketer.get(f"/emails/{email.pk}/preview/")
    assert "새 본문" in preview.content.decode()
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in preview.headers["Content-Security-Policy"]


def test_e_mails_are_listed(marketer: Client, workflow: Workflow) -> None:
    assert "서비스 소개" in marketer.get("/emails/").content.decode()
    assert 'href="//evil' not in marketer.get(f"/emails/{Email.objects.get().pk}/?back=//evil.example/").content.decode()
