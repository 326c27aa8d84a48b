"""Steps that change records: properties, numbers, stages, lists, points, links; one of several is refused, and each happens once however often it is tried."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction

from baton.automation import enroll, graph, verbs
from baton.automation.models import Enrollment, StepRun, Workflow
from baton.automation.step import Batch, Standing
from baton.crm import associations, labels, properties, records
from baton.crm.associations import PRIMARY
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.segments import entries
from baton.segments import verbs as lists
from baton.segments.models import Membership, ScoreEntry, Verdict
from tests.automation.conftest import contact, drain
from tests.segments import scores

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]


class _Killed(Exception):
    pass


def walk(workflow: Workflow, ids: list[int]) -> None:
    """Enroll, let a worker die just before the end of his work, then let another do it, and look again."""
    enroll.enroll(workflow, ids, "test", SYSTEM)
    with suppress(_Killed), transaction.atomic():
        drain()
        raise _Killed
    drain()
    drain()


def runs(step: str) -> dict[int, tuple[str, Any]]:
    return {c: (outcome, detail) for c, outcome, detail in StepRun.objects.filter(step=step).values_list("contact_id", "outcome", "detail")}


def prop(id: int, name: str, kind: str = "contact") -> Any:
    return records.get(kind, id).properties.get(name)


def history(id: int, name: str) -> list[str]:
    return [row[0] for row in sql.rows("SELECT actor FROM property_history WHERE record_id = %s AND name = %s ORDER BY id", [id, name])]


def three() -> tuple[int, int, int, int]:
    """Two of one company, one of none; and the company."""
    people = [contact(f"{name}@gaon.example", firstname=name) for name in ("jiwoo", "minho", "sora")]
    company = records.create("company", {"name": "가온", "numberofemployees": 10}, actor=SYSTEM, source="test")
    for person in people[:2]:
        associations.link("contact", person, "company", company, actor=SYSTEM)
    return people[0], people[1], people[2], company


def test_values_are_set_cleared_copied_and_counted_on_whoever_walks_and_on_his_company(live: Live, sales: list[int]) -> None:
    properties.define("contact", "topics", "관심", "multi_choice", actor=SYSTEM, options=[{"value": v, "label": v} for v in ("crm", "mail", "ads")])
    properties.define("contact", "since", "기준일", "date", actor=SYSTEM)
    properties.define("contact", "visits", "방문", "number", actor=SYSTEM)
    jiwoo, minho, sora, company = three()
    records.update("contact", jiwoo, {"topics": ["crm", "ads"], "visits": 2.5, "owner_id": sales[0], "jobtitle": "대표"}, actor=SYSTEM, source="test")
    records.update("contact", minho, {"topics": ["mail"]}, actor=SYSTEM, source="test")

    def put(id: str, property: str, **more: Any) -> dict[str, Any]:
        return {"id": id, "type": "set_property", "property": property, **more}

    workflow = live(
        put("s1", "topics", how="add", value=["mail"]),
        put("s2", "topics", how="remove", value=["crm"]),
        put("s3", "since", how="now"),
        put("s4", "owner_id", how="owner", record="company"),
        put("s5", "jobtitle", value="{{ contact.firstname }} 님"),
        put("s6", "jobtitle", how="clear"),
        {"id": "s7", "type": "copy_property", "source": "contact.firstname", "to": "contact.city", "if_full": "keep"},
        {"id": "s8", "type": "copy_property", "source": "company.name", "to": "contact.company"},
        {"id": "s9", "type": "change_number", "property": "visits", "by": 0.1},
        {"id": "s10", "type": "change_number", "property": "visits", "how": "decrease", "by": 1, "unset": "skip"},
        {"id": "s11", "type": "change_number", "property": "numberofemployees", "record": "company", "by": 5},
    )
    records.update("contact", sora, {"city": "부산"}, actor=SYSTEM, source="test")
    walk(workflow, [jiwoo, minho, sora])
    assert {id: prop(id, "topics") for id in (jiwoo, minho, sora)} == {jiwoo: ["mail", "ads"], minho: ["mail"], sora: ["mail"]}
    assert prop(jiwoo, "since") == str(sql.rows("SELECT (%s::timestamptz AT TIME ZONE 'Asia/Seoul')::date", [clock.now()])[0][0])
    assert prop(company, "owner_id", "company") == sales[0]
    assert runs("s4")[minho][0] == "skipped", "minho has no owner whom the company could get"
    assert runs("s4")[sora][0] == "skipped"
    assert prop(jiwoo, "jobtitle") is None
    assert [prop(id, "city") for id in (jiwoo, minho, sora)] == ["jiwoo", "minho", "부산"]
    assert [prop(id, "company") for id in (jiwoo, minho, sora)] == ["가온", "가온", None]
    assert runs("s8")[sora][1]["reason"]
    assert [prop(id, "visits") for id in (jiwoo, minho, sora)] == [1.6, -0.9, -0.9]
    assert runs("s9")[jiwoo][1] == {"was": 2.5, "now": 2.6}
    assert prop(company, "numberofemployees", "company") == 20, "once for each of its two people, and no more"
    assert runs("s11")[sora][0] == "skipped"
    assert {*history(jiwoo, "visits")} == {"system", f"workflow:{workflow.pk}"}
    assert len(history(jiwoo, "visits")) == 3


def test_an_unset_number_may_stay_unset_and_what_is_wrong_is_said_before(live: Live) -> None:
    properties.define("contact", "visits", "방문", "number", actor=SYSTEM)
    jiwoo = contact()
    walk(live({"id": "s1", "type": "change_number", "property": "visits", "by": 1, "unset": "skip"}), [jiwoo])
    assert (prop(jiwoo, "visits"), runs("s1")[jiwoo][0]) == (None, "skipped")

    def wrong(type: str, **fields: Any) -> list[str]:
        parsed = graph.parse({"triggers": [{"type": "form_submitted"}], "steps": [{"id": "s1", "type": type, **fields}]})
        return [p.path.removeprefix("steps[0].") for p in parsed.problems()]

    assert wrong("change_number", property="city", by=1) == ["property"]
    assert wrong("change_number", property="visits", by=0) == ["by"]
    assert wrong("set_property", property="city", how="now") == ["how"]
    assert wrong("set_property", property="visits", value="many") == ["value"]
    assert wrong("set_property", property="city", value="{{ steps.s1.") == ["value"]
    assert wrong("set_property", record="company", property="name", value="가온") == []
    assert wrong("copy_property", source="contact.nothing", to="contact.email") == ["source", "to"]
    assert wrong("set_stage", how="recycle", stage="mql") == ["stage"]
    assert wrong("set_stage", stage="recycle_a") == ["how"]
    assert wrong("give_points", score=0, points=5, reason="x") == ["score"]
    assert wrong("associate", role="nobody") == ["role"]
    assert wrong("create_deal", title="{{", pipeline="none", values={"amount": "many", "nothing": "x"}) == [
        "title",
        "pipeline",
        "values.amount",
        "values.nothing",
    ]
    assert wrong("branch_answer", source="s9", field="a", test="at_least", value="many") == ["value"]
    assert wrong("create_task", title="x", whose="user") == ["user"]


def test_stages_go_forward_and_back_only_when_cleared_first(live: Live) -> None:
    """Set backward is refused with the reason, clear and set works; a dead end is left by nobody."""
    jiwoo, minho, sora, _company = three()
    for id, stage in ((jiwoo, "sql"), (minho, "lead"), (sora, "deadend")):
        records.update("contact", id, {"lifecyclestage": stage}, actor=SYSTEM, source="test")
    back = live({"id": "s1", "type": "set_stage", "stage": "mql"}, {"id": "s2", "type": "set_stage", "how": "back", "stage": "mql", "reason": "다시 육성"})
    walk(back, [jiwoo, minho, sora])
    assert {id: runs("s1")[id][0] for id in (jiwoo, minho, sora)} == {jiwoo: "skipped", minho: "done", sora: "skipped"}
    assert runs("s1")[jiwoo][1]["reason"]
    assert [prop(id, "lifecyclestage") for id in (jiwoo, minho)] == ["mql", "mql"]
    assert runs("s2")[sora][0] == "skipped"
    ledger = sql.rows('SELECT out_of, "into", actor, reason FROM booking WHERE contact_id = %s ORDER BY id', [jiwoo])[-2:]
    assert ledger == [("sql", "", f"workflow:{back.pk}", "다시 육성"), ("", "mql", f"workflow:{back.pk}", "다시 육성")]
    recycle = live(
        {"id": "s3", "type": "set_stage", "how": "recycle", "stage": "recycle_a", "days": 30, "reason": "내년 예산"},
        {"id": "s4", "type": "set_stage", "how": "unqualified", "reason": "학생"},
    )
    walk(recycle, [jiwoo, sora])
    assert prop(jiwoo, "lifecyclestage") == "subscriber"
    assert sql.rows("SELECT reason, ended_at IS NOT NULL FROM pause WHERE contact_id = %s", [jiwoo]) == [("내년 예산", True)]
    assert {id: runs("s3")[id][0] for id in (jiwoo, sora)} == {jiwoo: "done", sora: "skipped"}
    assert [v.verdict for v in Verdict.objects.filter(contact_id=jiwoo)] == ["unqualified"]
    assert runs("s4")[sora][0] == "skipped"


def test_lists_and_points_name_the_workflow_and_happen_once(live: Live) -> None:
    model = scores.create("Lead score", rules=[], actor=SYSTEM)
    jiwoo, minho, sora, _company = three()
    segment = lists.create_segment("관심 고객", {}, "fixed", SYSTEM)
    lists.add(segment.pk, [minho], SYSTEM)
    records.archive("contact", sora, actor=SYSTEM)
    workflow = live(
        {"id": "s1", "type": "add_to_list", "segment": segment.pk},
        {"id": "s2", "type": "give_points", "score": model.pk, "points": 7, "reason": "웨비나", "expires_days": 30},
    )
    walk(workflow, [jiwoo, minho])
    assert dict(Membership.objects.filter(segment_id=segment.pk).values_list("contact_id", "reason")) == {jiwoo: f"workflow:{workflow.pk}", minho: "system"}
    assert runs("s1")[minho][0] == "skipped"
    given = ScoreEntry.objects.get(contact_id=jiwoo)
    run = Enrollment.objects.get(contact_id=jiwoo)
    assert (given.points, given.reason, given.actor, given.cause) == (7, "웨비나", f"workflow:{workflow.pk}", f"step:{run.id}:s2")
    step = graph.of(workflow.published_id or 0).get("s2")
    assert step is not None
    step.run(Batch(workflow.pk, "s2", clock.now(), [Standing(jiwoo, run.id)]))
    assert ScoreEntry.objects.filter(contact_id=jiwoo).count() == 1, "the cause gives once"
    assert entries.of(jiwoo, model)[0].points == 7
    walk(live({"id": "s3", "type": "remove_from_list", "segment": segment.pk}), [jiwoo, minho])
    assert not Membership.objects.filter(segment_id=segment.pk).exists()


def test_people_are_linked_by_their_address_and_with_what_their_company_has(live: Live) -> None:
    _jiwoo, _minho, sora, company = three()
    records.update("company", company, {"domain": "gaon.example"}, actor=SYSTEM, source="test")
    deal = records.create("deal", {"dealname": "도입"}, actor=SYSTEM, source="test")
    associations.link("deal", deal, "company", company, actor=SYSTEM)
    stranger = contact("lee@new-firm.example")
    nobody = contact("someone@gmail.com")
    labels.define("contact", "deal", "decider", "결정권자", actor=SYSTEM)
    workflow = live(
        {"id": "s1", "type": "associate", "how": "domain", "new": "create"},
        {"id": "s2", "type": "associate", "how": "company_deals", "role": "decider"},
    )
    walk(workflow, [sora, stranger, nobody])
    assert associations.linked([sora], "company")[sora] == [(company, [PRIMARY])]
    [(made, words)] = associations.linked([stranger], "company")[stranger]
    assert (records.get("company", made).properties["domain"], words) == ("new-firm.example", [PRIMARY])
    assert {runs("s1")[nobody][0], runs("s2")[stranger][0]} == {"skipped"}
    assert associations.linked([sora], "deal")[sora] == [(deal, ["decider"])]
    assert len(records.page("company", after=0, limit=9)) == 2


def test_one_workflow_begins_another_and_circles_are_found(live: Live) -> None:
    jiwoo, minho, sora, _company = three()
    other = live({"id": "s1", "type": "wait", "days": 3})
    enroll.enroll(other, [minho], "before", SYSTEM)
    workflow = live({"id": "e1", "type": "enroll_in", "workflow": other.pk})
    walk(workflow, [jiwoo, minho])
    assert Enrollment.objects.filter(workflow_id=other.pk, contact_id=jiwoo).count() == 1
    assert {id: runs("e1")[id][0] for id in (jiwoo, minho)} == {jiwoo: "done", minho: "skipped"}
    begin = {"id": "s1", "type": "enroll_in", "workflow": workflow.pk}

    def faults(*some: dict[str, Any], **settings: Any) -> list[tuple[str, str]]:
        drawn = {"triggers": [{"type": "form_submitted"}], "settings": settings, "steps": list(some)}
        verbs.save_draft(other, drawn, SYSTEM)
        try:
            verbs.publish(other, SYSTEM)
        except Invalid as error:
            return [(p.path, p.code) for p in error.problems]
        return []

    assert faults(begin) == [("steps[0].workflow", "ENDLESS")]
    assert faults({"id": "s0", "type": "wait", "days": 1}, begin) == []
    assert faults(begin, again="never") == []
    walk(live({"id": "e2", "type": "leave", "workflow": other.pk}), [jiwoo, sora])
    assert Enrollment.objects.get(workflow_id=other.pk, contact_id=jiwoo).state == "removed"
    assert runs("e2")[sora][0] == "skipped"
