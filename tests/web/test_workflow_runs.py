"""Around a workflow's runs: review and publish, versions, why, log, failures, and the card and timeline of a record; and who may do what."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from baton.accounts import rights, users
from baton.accounts.models import Role
from baton.automation import enroll, runner, verbs
from baton.automation.models import Enrollment, Rehearsal, Timer, Version, Workflow
from baton.automation.rehearsed import Result
from baton.crm import records
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.segments import verbs as lists
from baton.web.parts import workflow_canvas

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TRIGGER = {"id": "t", "type": "form_submitted", "form": None}


def person(name: str, **values: Any) -> int:
    return records.create("contact", {"lastname": name, "email": f"{len(name)}{abs(hash(name))}@gaon.example", **values}, actor=SYSTEM, source="test")


def drain() -> None:
    while changes.tick() + runner.run_due():
        pass


def draft(workflow: Workflow, *steps: dict[str, Any], **settings: Any) -> None:
    verbs.save_draft(workflow, {"triggers": [TRIGGER], "settings": settings, "steps": list(steps)}, SYSTEM)


FIRST = ({"id": "s1", "type": "wait", "days": 3}, {"id": "s2", "type": "set_property", "property": "city", "value": "서울"})
SECOND = ({"id": "s3", "type": "set_property", "property": "city", "value": "부산"}, {"id": "s2", "type": "set_property", "property": "city", "value": "서울"})


@pytest.fixture
def workflow(account: object) -> Workflow:
    made = verbs.create("상담 후속", SYSTEM)
    draft(made, *FIRST)
    verbs.publish(made, SYSTEM, "첫 판")
    return made


@pytest.fixture
def sales(account: object) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(users.create("han@nuriwork.example", "한지민", "a-long-enough-one", "sales", actor=SYSTEM))
    return client


def test_a_version_is_reviewed_published_and_rolled_back(web: Client, workflow: Workflow) -> None:
    jiwoo = person("지우")
    enroll.enroll(workflow, [jiwoo], "x", SYSTEM)
    drain()
    due = Timer.objects.get(contact_id=jiwoo).due_at
    draft(workflow, *SECOND)
    at = f"/workflows/{workflow.pk}/publish/"
    page = web.get(at).content.decode()
    for said in ("What changes against version 1", "People inside", "They move to the new version", 'name="to-s1"', "removed", "suggested"):
        assert said in page
    assert "People are enrolled from now on" in web.get(f"{at}now/", headers=HTMX).content.decode()

    answer = web.post(at, {"people": "move", "to-s1": "s77"}, headers=HTMX)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.content.decode()
    answer = web.post(at, {"people": "move", "to-s1": "s2", "when-s1": "later", "note": "더 빨리 <b>부산</b>"}, headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/workflows/{workflow.pk}/")
    two = Version.objects.get(number=2)
    assert (two.note, two.counts["moved"]) == ("더 빨리 <b>부산</b>", 1)
    assert Timer.objects.get(contact_id=jiwoo).due_at == due

    page = web.get(f"/workflows/{workflow.pk}/versions/?old=1&new=2").content.decode()
    for said in ("Version 2", "live", "오세린", "더 빨리 &lt;b&gt;부산&lt;/b&gt;", "1 person moved", "Nothing differs" if False else "added"):
        assert said in page
    answer = web.post(f"/workflows/{workflow.pk}/versions/1/back/", {"note": "아직"}, headers=HTMX)
    assert answer.status_code == 204
    assert Enrollment.objects.get(contact_id=jiwoo).step == "s1"
    assert "brings back version 1" in web.get(f"/workflows/{workflow.pk}/versions/").content.decode()
    assert web.get(f"/workflows/{workflow.pk}/versions/?old=99&new=x").status_code == 200
    assert web.post(f"/workflows/{workflow.pk}/versions/99/back/", headers=HTMX).status_code == 404


def test_a_workflow_is_cloned_with_other_lists_renamed_archived_and_restored(web: Client, workflow: Workflow) -> None:
    old, new = (lists.create_segment(name, {}, "fixed", SYSTEM) for name in ("2025 세미나", "2026 세미나"))
    inside = {"condition": "in_segment", "segment": old.pk}
    draft(workflow, *FIRST, {"id": "s4", "type": "branch", "filter": {"not": inside}}, suppress=[old.pk])
    at = f"/workflows/{workflow.pk}/"
    assert "In place of the list “2025 세미나”" in web.get(f"{at}versions/").content.decode()
    answer = web.post(f"{at}clone/", {"name": "2026", f"list-{old.pk}": new.pk}, headers=HTMX)
    made = Workflow.objects.get(name="2026")
    assert answer["HX-Redirect"] == f"/workflows/{made.pk}/"
    assert (made.state, made.draft["settings"]["suppress"], made.draft["steps"][2]["filter"]) == ("draft", [new.pk], {"not": {**inside, "segment": new.pk}})
    assert web.post(f"{at}clone/", {"name": " "}, headers=HTMX).status_code == 422

    oh = users.create("park@nuriwork.example", "박서연", "a-long-enough-one", "marketing", actor=SYSTEM)
    assert web.post(f"{at}about/", {"name": "새 이름", "description": "설명", "owner": oh.pk}, headers=HTMX).status_code == 204
    workflow.refresh_from_db()
    assert (workflow.name, workflow.description, workflow.owner_id) == ("새 이름", "설명", oh.pk)
    assert web.post(f"{at}about/", {"name": "", "owner": ""}, headers=HTMX).status_code == 422

    jiwoo = person("지우")
    enroll.enroll(workflow, [jiwoo], "x", SYSTEM)
    drain()
    assert web.post(f"{at}archive/", {"people": "stay"}, headers=HTMX).status_code == 204
    clock.shift(timedelta(days=10))
    drain()
    assert Enrollment.objects.get(contact_id=jiwoo).step == "s1"
    assert "Restore" in web.get(f"{at}versions/").content.decode()
    assert web.get(at).status_code == 404
    assert web.post(f"{at}restore/", headers=HTMX).status_code == 204
    workflow.refresh_from_db()
    assert (workflow.archived_at, workflow.state) == (None, "paused")
    verbs.resume(workflow, SYSTEM)
    drain()
    assert Enrollment.objects.get(contact_id=jiwoo).step == "s1"  # three days are still three days


def test_the_log_finds_runs_and_gives_them_out(web: Client, workflow: Workflow) -> None:
    people = [person(name) for name in ("가람", "나래", "=다솜")]
    for number, id in enumerate(people):
        enroll.enroll(workflow, [id], f"x{number}", SYSTEM)
    drain()
    at = f"/workflows/{workflow.pk}/log/"
    page = web.get(at).content.decode()
    assert all(name in page for name in ("가람", "나래", "다솜"))
    assert f"/workflows/{workflow.pk}/contacts/{people[0]}/" in page
    page = web.get(at, {"q": "나래"}).content.decode()
    assert "가람" not in page.partition("<tbody>")[2]
    assert "나래" in page
    assert "Nobody is found" in web.get(at, {"state": "failed"}).content.decode()
    assert "가람" in web.get(at, {"step": "s1", "outcome": "waiting"}).content.decode()
    assert "Nobody is found" in web.get(at, {"step": "s2"}).content.decode()
    assert "Nobody is found" in web.get(at, {"to": "2020-01-01"}).content.decode()
    assert web.get(at, {"from": "x", "after": "y,z"}).status_code == 200
    file = b"".join(web.get(f"{at}export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert len(file.strip().splitlines()) == 4
    assert "'=다솜" in file

    run = Enrollment.objects.get(contact_id=people[0])
    assert web.post(f"{at}do/", {"act": "remove", "run": [run.id]}, headers=HTMX).status_code == 204
    assert Enrollment.objects.get(contact_id=people[0]).state == "removed"
    assert Enrollment.objects.get(contact_id=people[1]).state == "active"
    assert web.post(f"{at}do/", {"act": "x"}, headers=HTMX).status_code == 422


def test_the_why_page_enrolls_and_removes_and_the_record_shows_it(web: Client, workflow: Workflow) -> None:
    jiwoo = person("지우")
    at = f"/workflows/{workflow.pk}/contacts/{jiwoo}/"
    page = web.get(at).content.decode()
    for said in ("Was never in this workflow", "The first that fails", "What would make it true", "Enroll by hand"):
        assert said in page
    assert web.post(f"{at}enroll/", headers=HTMX)["HX-Redirect"] == at
    drain()
    page = web.get(at).content.decode()
    for said in ("Enrolled by hand · 오세린", "Waiting", "until ", "Stands at", "Remove", "Why not again"):
        assert said in page
    assert web.post(f"{at}enroll/", headers=HTMX).status_code == 409

    record = web.get(f"/contacts/{jiwoo}/").content.decode()
    assert at in record
    assert "goes on" in record
    assert "상담 후속 · Waiting" in record  # in the timeline
    assert "상담 후속 · Waiting" in web.get(f"/contacts/{jiwoo}/?kind=automation").content.decode()
    assert web.post(f"{at}remove/", {"from": "record"}, headers=HTMX)["HX-Redirect"] == f"/contacts/{jiwoo}/"
    assert Enrollment.objects.get(contact_id=jiwoo).state == "removed"
    assert web.get(f"/workflows/{workflow.pk}/contacts/999999999/").status_code == 404
    assert web.post(f"{at}retry/", headers=HTMX).status_code == 404


def test_failures_wait_with_their_reason_and_are_tried_again(web: Client, workflow: Workflow) -> None:
    draft(workflow, {"id": "s5", "type": "send_email", "email": None})
    jiwoo, minho = person("지우"), person("민호호")
    Version.objects.filter(workflow=workflow).update(
        graph={**workflow.published.graph, "steps": [{"id": "s5", "type": "send_email", "email": 999999999}]}  # type: ignore[union-attr]
    )
    from baton.automation import graph

    graph._of.cache_clear()
    enroll.enroll(workflow, [jiwoo, minho], "x", SYSTEM)
    drain()
    assert "Failures" in web.get("/workflows/").content.decode()
    page = web.get("/workflows/errors/").content.decode()
    for said in ("상담 후속", "Retry", "Skip", "Nothing is more than five minutes late"):
        assert said in page
    [row] = Enrollment.objects.filter(contact_id=jiwoo)
    assert row.state == "failed"
    at = f"/workflows/{workflow.pk}/contacts/{jiwoo}/"
    assert "Retry" in web.get(at).content.decode()
    answer = web.post(f"/workflows/errors/{workflow.pk}/", {"act": "skip", "step": "s5", "reason": row.reason}, headers=HTMX)
    assert answer.status_code == 200
    assert "Nothing failed." in answer.content.decode()
    drain()
    assert {e.state for e in Enrollment.objects.all()} == {"finished"}
    assert web.post(f"/workflows/errors/{workflow.pk}/", {"act": "x"}, headers=HTMX).status_code == 422
    graph._of.cache_clear()


def test_who_may_not(sales: Client, workflow: Workflow) -> None:
    jiwoo = person("지우")
    at = f"/workflows/{workflow.pk}/"
    assert sales.get(f"{at}publish/").status_code == 403
    for path in (
        "publish/",
        "versions/1/back/",
        "about/",
        "clone/",
        "archive/",
        "restore/",
        "log/do/",
        f"contacts/{jiwoo}/enroll/",
        f"contacts/{jiwoo}/remove/",
    ):
        assert sales.post(f"{at}{path}", headers=HTMX).status_code == 403, path
    assert Client().get(f"{at}log/").status_code == 302


def test_who_sees_only_his_own_contacts_reads_no_others_in_a_workflow(workflow: Workflow) -> None:
    Role.objects.create(key="own", name="own", rights={"contact": {"view": "own", "edit": "own"}}, areas={"workflows": "edit", "messages": "edit"})
    han = users.create("han@nuriwork.example", "한지민", "a-long-enough-one", "own", actor=SYSTEM, language="en")
    mine, other = person("서", firstname="지우", owner_id=han.pk), person("김", firstname="비밀")
    enroll.enroll(workflow, [mine, other], "x", SYSTEM)
    drain()
    asked = {"population": "past", "days": 7, "window": 7}
    ways = [{"contact": id, "runs": [], "messages": []} for id in (mine, other)]
    messages = [{"contact": id, "at": clock.now().isoformat(), "state": "sent", "why": ""} for id in (mine, other)]
    result = Result(clock.now().isoformat(), clock.now().isoformat(), 7, paths=ways, messages=messages).to_json()
    Rehearsal.objects.create(workflow=workflow, graph={}, asked=asked, asked_by="", state="done", result=result, created_at=clock.now())
    web = Client(headers={"accept-language": "en"})
    web.force_login(han)
    at = f"/workflows/{workflow.pk}/"
    for path in (at, f"{at}?node=s1", f"{at}people/?step=s1&outcome=waiting", f"{at}log/", f"{at}rehearsal/"):
        page = web.get(path).content.decode()
        assert "서지우" in page, path
        assert "비밀" not in page, path
    live = "".join(workflow_canvas.live_parts(workflow, rights.of(han)).values())
    assert "서지우" in live
    assert "비밀" not in live
    assert web.get(f"{at}contacts/{other}/").status_code == 403
    assert web.post(f"{at}again/", {"contact": other, "message": 1}, headers=HTMX).status_code == 403


def test_deals_walk_and_are_explained_too(web: Client) -> None:
    flow = verbs.create("큰 거래", SYSTEM, {"triggers": [{"id": "t", "type": "manual"}], "steps": [FIRST[0]]}, object_type="deal")
    verbs.publish(flow, SYSTEM)
    deal = records.create("deal", {"dealname": "가온 근태 도입", "amount": 5_000_000}, actor=SYSTEM, source="test")
    at = f"/workflows/{flow.pk}/records/{deal}/"
    assert "Was never in this workflow" in web.get(at).content.decode()
    assert web.post(f"{at}enroll/", headers=HTMX).status_code == 403  # marketing sees deals and does not change them
    web.force_login(users.create("kim@nuriwork.example", "김도현", "a-long-enough-one", "admin", actor=SYSTEM, language="en"))
    assert web.post(f"{at}enroll/", headers=HTMX)["HX-Redirect"] == at
    drain()
    for path in (at, f"/workflows/{flow.pk}/", f"/workflows/{flow.pk}/log/", f"/workflows/{flow.pk}/log/?q=가온"):
        assert "가온 근태 도입" in web.get(path).content.decode(), path
    page = web.get(f"/deals/{deal}/").content.decode()
    assert at in page
    assert "큰 거래 · Waiting" in page
    assert web.post(f"{at}remove/", {"from": "record"}, headers=HTMX)["HX-Redirect"] == f"/deals/{deal}/"
