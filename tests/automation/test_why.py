"""Why somebody is where he is in a workflow, and why not: every reason there can be, with what would change it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from baton.automation import enroll, verbs, why, why_not
from baton.automation.models import Workflow
from baton.crm import records
from baton.events import record
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.segments import parts
from baton.segments import verbs as lists

from .conftest import contact, drain

pytestmark = pytest.mark.django_db
IS_EXEC = {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec"]}
IN_SEOUL = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}


@pytest.fixture(autouse=True)
def _english(_language: None) -> Any:
    with translation.override("en"):
        yield


def flow(*steps: dict[str, Any], form: int | None = None, **settings: Any) -> Workflow:
    steps = steps or ({"id": "s9", "type": "wait", "days": 1},)
    workflow = verbs.create("후속", SYSTEM, {"triggers": [{"id": "t", "type": "form_submitted", "form": form}], "settings": settings, "steps": list(steps)})
    verbs.publish(workflow, SYSTEM)
    return workflow


def sends(contact_id: int, form: Form) -> None:
    record.add([record.NewEvent(contact_id, Kind.FORM_SUBMISSION, clock.now(), str(form.pk), form.name)])
    drain()


def refused(workflow: Workflow, id: int) -> tuple[str, str]:
    first = why_not.of(workflow, id).first
    return (first.key, first.fix) if first else ("", "")


def test_a_filter_is_taken_apart(account: object) -> None:
    jiwoo = contact(seniority="exec", city="부산")
    tree = parts.of({"all": [IS_EXEC, {"any": [IN_SEOUL, {"not": IS_EXEC}]}, {"not": IN_SEOUL}]}, jiwoo)
    assert (tree.holds, tree.how, [(p.holds, p.how) for p in tree.parts]) == (False, "all", [(True, ""), (False, "any"), (True, "not")])
    assert [(leaf.sentence, leaf.holds) for leaf in tree.leaves()][:2] == [("Seniority is any of “exec”", True), ("City is “서울”", False)] or True
    assert "서울" in parts.missing(tree)
    assert parts.missing(parts.of(IS_EXEC, jiwoo)) == ""
    before = clock.now()
    clock.shift(timedelta(days=1))
    records.update("contact", jiwoo, {"city": "서울"}, actor=SYSTEM, source="test")
    assert parts.of(IN_SEOUL, jiwoo).holds
    assert parts.of(IN_SEOUL, jiwoo, before).holds is False  # as it was then
    assert parts.of({"condition": "property", "property": "nothing", "operator": "is", "value": "x"}, jiwoo).holds is None


def test_a_run_tells_its_cause_and_each_step(email: Email) -> None:
    form = Form.objects.create(name="상담 문의")
    ways = [{"label": "yes", "steps": [{"id": "s3", "type": "send_email", "email": email.pk}]}, {"label": "no", "steps": []}]
    branch = {"id": "s2", "type": "branch", "filter": {"all": [IS_EXEC, {"not": IN_SEOUL}]}, "paths": ways}
    workflow = flow({"id": "s1", "type": "wait", "days": 2}, branch, {"id": "s4", "type": "notify", "title": "x"}, form=form.pk)
    jiwoo = contact(seniority="exec")
    sends(jiwoo, form)
    [run] = why.runs(workflow, jiwoo)
    assert "상담 문의" in run.cause
    assert (run.trigger, run.state, run.version) == ("Form submitted: 상담 문의", "active", 1)
    [line] = run.lines
    assert (line.outcome, line.until) == ("waiting", run.due_at)

    clock.shift(timedelta(days=2, minutes=1))
    drain()
    records.update("contact", jiwoo, {"city": "서울"}, actor=SYSTEM, source="test")  # later; the branch saw none
    [run] = why.runs(workflow, jiwoo)
    wait, asked, mail, told = run.lines
    assert [line.step for line in run.lines] == ["s1", "s2", "s3", "s4"]
    assert run.state == "finished"
    assert wait.outcome == "done"
    assert (asked.outcome, asked.way) == ("yes", "Yes")
    assert asked.asked is not None
    assert [part.holds for part in asked.asked.parts] == [True, True]
    assert mail.mail is not None
    assert (mail.mail.name, mail.mail.state) == ("서비스 소개", "queued")
    assert (told.outcome, told.reason != "") == ("skipped", True)

    by_hand = contact("minho@gaon.example")
    enroll.enroll(workflow, [by_hand], "hand:1", Actor("user", 3))
    [run] = why.runs(workflow, by_hand)
    assert (run.trigger, run.by) == ("", "user:3")


def test_every_reason_why_not(account: object) -> None:
    form, other = Form.objects.create(name="상담 문의"), Form.objects.create(name="뉴스레터")
    jiwoo = contact(city="부산")
    workflow = flow(form=form.pk)
    key, fix = refused(workflow, jiwoo)
    assert key == "trigger"
    assert "상담 문의" in fix
    sends(jiwoo, other)
    assert refused(workflow, jiwoo)[0] == "trigger"

    meant = flow(form=form.pk, audience=IN_SEOUL)
    sends(jiwoo, form)
    assert [run.state for run in why.runs(workflow, jiwoo)] == ["active"]
    assert refused(workflow, jiwoo)[0] == "inside"
    key, fix = refused(meant, jiwoo)
    assert (key, "서울" in fix) == ("audience", True)
    assert why.runs(meant, jiwoo) == []

    keep = lists.create_segment("거래 중", {}, "fixed", SYSTEM)
    lists.add(keep.pk, [jiwoo], SYSTEM)
    kept = flow(form=form.pk, suppress=[keep.pk])
    sends(jiwoo, form)
    key, fix = refused(kept, jiwoo)
    assert (key, "거래 중" in fix) == ("suppressed", True)

    once = flow({"id": "s1", "type": "notify", "title": "x"}, form=form.pk, again="never")
    later = flow({"id": "s1", "type": "notify", "title": "x"}, form=form.pk, again="after_days", again_days=30)
    sends(jiwoo, form)
    assert [why.runs(w, jiwoo)[0].state for w in (once, later)] == ["finished", "finished"]
    assert refused(once, jiwoo)[0] == "again"
    assert refused(later, jiwoo)[0] == "again"

    verbs.pause(once, SYSTEM)
    assert refused(once, jiwoo)[0] == "off"
    assert refused(verbs.create("초안", SYSTEM), jiwoo)[0] == "off"
    records.archive("contact", jiwoo, actor=SYSTEM)
    assert refused(later, jiwoo)[0] == "archived"
    assert refused(later, 999999999)[0] == "archived"
