"""Publishing while people are inside: who stays, who goes where, that nobody is left out or served twice, and the way back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from baton.automation import difference, enroll, graph, runner, verbs, versions
from baton.automation.models import Enrollment, Moved, StepRun, Timer, Workflow
from baton.messaging.models import Email, Message
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid
from baton.platform.models import History

pytestmark = pytest.mark.django_db
TRIGGER = {"id": "t", "type": "form_submitted", "form": None}
OH = Actor("user", 7)


def crowd(n: int) -> list[int]:
    ids = sql.next_ids("record_id_seq", n)
    sql.run(
        "INSERT INTO contact (id, email, properties, created_at, updated_at, created_by, source)"
        " SELECT i, 'p' || i || '@gaon.example', jsonb_build_object('lastname', 'P' || i), now(), now(), 'system', 'test' FROM unnest(%s::bigint[]) AS i",
        [ids],
    )
    return ids


def mail(name: str) -> Email:
    return Email.objects.create(name=name, subject=name, body="<p>.</p>")


def wait(id: str, days: int) -> dict[str, Any]:
    return {"id": id, "type": "wait", "days": days}


def send(id: str, email: Email) -> dict[str, Any]:
    return {"id": id, "type": "send_email", "email": email.pk}


def walk(days: float = 0) -> None:
    if days:
        clock.shift(clock.now() - datetime.now(UTC) + timedelta(days=days))
    while changes.tick() + runner.run_due():
        pass


def where(workflow: Workflow) -> dict[int, tuple[Any, ...]]:
    """Everything about where each stands: step, turn, since when, state, and when he is due."""
    due = dict(Timer.objects.filter(workflow_id=workflow.pk).values_list("enrollment_id", "due_at"))
    rows = Enrollment.objects.filter(workflow_id=workflow.pk).values_list("id", "step", "turn", "entered_at", "state", "reason")
    return {id: (*rest, due.get(id)) for id, *rest in rows}


def sent(email: Email) -> list[int]:
    return sorted(Message.objects.filter(email_id=email.pk).values_list("contact_id", flat=True))


def draft(workflow: Workflow, *steps: dict[str, Any], **settings: Any) -> None:
    verbs.save_draft(workflow, {"triggers": [TRIGGER], "settings": settings, "steps": list(steps)}, SYSTEM)


def test_a_thousand_people_move_and_come_back(account: object) -> None:
    a, b, c, d = (mail(name) for name in "ABCD")
    workflow = verbs.create("후속", SYSTEM)
    draft(workflow, send("s1", a), wait("s2", 3), send("s3", b), wait("s4", 2), send("s5", c))
    first = verbs.publish(workflow, OH)
    people = crowd(1000)
    early, late = people[:600], people[600:]
    enroll.enroll(workflow, early, "early", SYSTEM)
    walk()
    walk(3.5)  # the early wait at s4 now
    enroll.enroll(workflow, late, "late", SYSTEM)
    walk()
    stood = where(workflow)
    assert {row[0] for row in stood.values()} == {"s2", "s4"}

    # s4 is gone, a mail stands before s3, and nobody says where the people of s4 go
    draft(workflow, send("s1", a), wait("s2", 3), send("s6", d), send("s3", b), send("s5", c))
    new = graph.parse(workflow.draft)
    assert [(s.step, s.count, s.there, s.suggested) for s in versions.stands(workflow, new)] == [("s2", 400, True, "s2"), ("s4", 600, False, "s5")]
    with pytest.raises(Invalid) as caught:
        verbs.publish(workflow, OH, people="move")
    assert [p.path for p in caught.value.problems] == ["steps.s4"]
    assert where(workflow) == stood
    assert workflow.published == first

    second = verbs.publish(workflow, OH, note="D 메일을 앞에 둡니다", people="move", steps={"s4": "s5"})
    assert (second.number, second.note, second.counts) == (2, "D 메일을 앞에 둡니다", {"moved": 1000, "out": 0, "back": 0})
    assert {v for v in Enrollment.objects.values_list("version_id", flat=True)} == {second.pk}
    moved = where(workflow)
    assert {id: row[-1] for id, row in moved.items()} == {id: row[-1] for id, row in stood.items()}  # everybody keeps his time
    walk()
    assert sent(c) == []  # nobody comes before his wait is over

    # back: all of them stand where they stood, to the second
    third = verbs.roll_back(workflow, first, OH, "D가 아직 준비되지 않았습니다")
    assert (third.number, third.restores, third.counts) == (3, 1, {"moved": 0, "out": 0, "back": 1000})
    assert where(workflow) == stood
    assert not StepRun.objects.filter(detail__has_key="moved").exists()
    assert workflow.draft == first.graph

    # forth again, and now some walk on before the next way back
    draft(workflow, send("s1", a), wait("s2", 3), send("s6", d), send("s3", b), send("s5", c))
    verbs.publish(workflow, OH, people="move", steps={"s4": "s5"})
    walk(2.1)  # the early are through; the late still wait at s2
    assert sent(c) == sorted(early)
    fifth = verbs.roll_back(workflow, first, OH, "")
    assert fifth.counts == {"moved": 0, "out": 0, "back": 400}
    walk(10)
    walk(10)
    for email, got in ((a, people), (b, people), (c, people), (d, [])):
        assert sent(email) == sorted(got), email.name
    assert {row[3] for row in where(workflow).values()} == {"finished"}
    verbs_of = list(History.objects.filter(subject_type="workflow", subject_id=str(workflow.pk), actor="user:7").order_by("pk").values_list("verb", flat=True))
    assert verbs_of == ["published", "published", "rolled_back", "published", "rolled_back"]


def test_who_is_put_out_comes_back_and_a_wait_goes_on_in_a_wait(account: object) -> None:
    a, b = mail("A"), mail("B")
    workflow = verbs.create("후속", SYSTEM)
    draft(workflow, wait("s1", 1), wait("s2", 5), send("s3", a))
    first = verbs.publish(workflow, OH)
    slow, quick = crowd(2)
    enroll.enroll(workflow, [slow], "x", SYSTEM)
    walk()
    walk(2)
    enroll.enroll(workflow, [quick], "x", SYSTEM)
    walk()
    stood = where(workflow)
    draft(workflow, send("s4", b), wait("s5", 9))
    verbs.publish(workflow, OH, people="move", steps={"s1": "", "s2": "s5"})
    at = clock.now()
    with clock.stopped(at):
        verbs.pause(workflow, OH)
    with clock.stopped(at + timedelta(hours=5)):
        verbs.resume(workflow, OH)
    stood = {id: (*row[:-1], row[-1] + timedelta(hours=5)) for id, row in stood.items()}  # the pause took five hours of nobody's time
    [out] = Enrollment.objects.filter(contact_id=quick)
    [on] = Enrollment.objects.filter(contact_id=slow)
    assert (out.state, out.reason) == ("removed", "version")
    assert not Timer.objects.filter(contact_id=quick).exists()
    old = next(row for row in stood.values() if row[0] == "s2")
    assert (on.step, on.entered_at) == ("s5", old[2])
    assert [r.outcome for r in StepRun.objects.filter(contact_id=slow).order_by("step")] == ["done", "left", "waiting"]
    verbs.roll_back(workflow, first, OH, "")
    assert where(workflow) == stood
    assert [r.outcome for r in StepRun.objects.filter(contact_id=slow).order_by("step")] == ["done", "waiting"]

    # moved again: the wait ends when the old one would have, not nine days later; and what stands before it is not run
    draft(workflow, send("s4", b), wait("s5", 9))
    verbs.publish(workflow, OH, people="move", steps={"s1": "s4", "s2": "s5"}, at_once=["s1"])
    walk()
    assert sent(b) == [quick]
    walk(5.4)
    assert Enrollment.objects.get(contact_id=slow).state == "finished"
    assert sent(b) == [quick]
    assert sent(a) == []
    with pytest.raises(Conflict):
        verbs.roll_back(workflow, workflow.published, OH, "")  # type: ignore[arg-type]


def test_people_stay_in_their_version_unless_they_are_moved(account: object) -> None:
    a, b = mail("A"), mail("B")
    workflow = verbs.create("후속", SYSTEM)
    draft(workflow, wait("s1", 1), send("s2", a))
    verbs.publish(workflow, OH)
    [one] = crowd(1)
    enroll.enroll(workflow, [one], "x", SYSTEM)
    walk()
    draft(workflow, wait("s1", 1), send("s3", b))
    verbs.publish(workflow, OH)
    assert not Moved.objects.exists()
    walk(1.1)
    assert (sent(a), sent(b)) == ([one], [])
    with pytest.raises(Invalid, match="people"):
        verbs.publish(workflow, OH, people="fly")


def test_a_step_that_comes_again_in_the_new_version_is_not_run_again(account: object) -> None:
    """Who got a mail and stands behind it does not get it once more when the new version puts it behind him."""
    a, b = mail("A"), mail("B")
    branch = {"id": "s3", "type": "branch", "filter": {"condition": "property", "property": "lastname", "operator": "known"}}
    workflow = verbs.create("후속", SYSTEM)
    ways = [{"label": "yes", "steps": [send("s4", b)]}, {"label": "no", "steps": []}]
    draft(workflow, send("s1", a), {**branch, "paths": ways}, wait("s2", 1))
    verbs.publish(workflow, OH)
    [one] = crowd(1)
    enroll.enroll(workflow, [one], "x", SYSTEM)
    walk()
    draft(workflow, wait("s2", 1), send("s1", a), {**branch, "paths": ways}, wait("s5", 1))
    verbs.publish(workflow, OH, people="move")
    walk(1.1)
    assert Enrollment.objects.get(contact_id=one).step == "s5"
    assert (sent(a), sent(b)) == ([one], [one])


def test_the_difference_of_two_versions_is_told_in_words(account: object) -> None:
    a, b = mail("환영"), mail("사례")
    known = {"condition": "property", "property": "lastname", "operator": "known"}
    branch = {"id": "s3", "type": "branch", "filter": known}
    old = graph.parse(
        {
            "triggers": [TRIGGER],
            "steps": [
                send("s1", a),
                wait("s2", 3),
                {**branch, "paths": [{"label": "yes", "steps": [send("s4", b)]}]},
                {"id": "s5", "type": "notify", "title": "안녕"},
            ],
        }
    )
    new = graph.parse(
        {
            "triggers": [TRIGGER, {"id": "t2", "type": "form_submitted", "form": None}],
            "settings": {"again": "never"},
            "steps": [
                wait("s2", 5),
                send("s1", b),
                {**branch, "filter": {"not": known}, "paths": [{"label": "yes", "steps": []}, {"label": "no", "steps": [send("s6", a)]}]},
                {"id": "s5", "type": "notify", "title": "안녕", "name": "영업에 알림"},
            ],
        }
    )
    with translation.override("en"):
        told = [(e.kind, e.what, e.id, [(f.label, f.old, f.new) for f in e.fields]) for e in difference.between(old, new)]
        assert told == [
            ("added", "trigger", "t2", []),
            ("changed", "settings", "", [("Enroll again", "At every new occasion", "Never: each one once")]),
            ("changed", "step", "s2", [("Days", "3", "5")]),
            ("moved", "step", "s1", []),
            ("changed", "step", "s1", [("E-mail", "환영", "사례")]),
            ("changed", "step", "s3", [("Condition", "Family name is known", "not (Family name is known)")]),
            ("added", "step", "s6", []),
            ("changed", "step", "s5", [("Name", "–", "영업에 알림")]),
            ("removed", "step", "s4", []),
        ]
        [moved] = [e for e in difference.between(old, new) if e.kind == "moved"]
        assert moved.detail == "at the beginning → behind “Wait”"
        assert difference.between(old, old) == []
        assert {e.kind for e in difference.between(None, old)} == {"added"}
