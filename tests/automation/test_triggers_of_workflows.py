"""What brings contacts in: a form, a list."""

from collections.abc import Callable

import pytest

from baton.automation import verbs
from baton.automation.models import Enrollment, Workflow
from baton.events import record
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.platform.changes import Change
from baton.segments.models import Membership, Segment
from tests.automation.conftest import contact, drain

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
WAIT = {"id": "s1", "type": "wait", "days": 1}


def submit(contact_id: int, form: Form) -> None:
    record.add([record.NewEvent(contact_id, Kind.FORM_SUBMISSION, clock.now(), str(form.pk), form.name)])


def test_a_form_enrolls_whoever_sent_it(live: Live) -> None:
    demo, other = Form.objects.create(name="상담 문의"), Form.objects.create(name="뉴스레터")
    workflow = live(WAIT, trigger={"type": "form_submitted", "form": demo.pk})
    jiwoo, chaewon = contact("a@b.example"), contact("b@b.example")
    submit(jiwoo, demo)
    submit(jiwoo, demo)
    submit(chaewon, other)
    drain()
    assert [(e.contact_id, e.workflow_id) for e in Enrollment.objects.all()] == [(jiwoo, workflow.pk)]


def test_any_form_enrolls_when_none_is_named(live: Live) -> None:
    live(WAIT, trigger={"type": "form_submitted"})
    submit(contact(), Form.objects.create(name="무엇이든"))
    drain()
    assert Enrollment.objects.count() == 1


def test_joining_a_list_enrolls_by_that_joining(live: Live) -> None:
    segment = Segment.objects.create(name="SQL", kind="fixed")
    live(WAIT, trigger={"type": "segment_joined", "segment": segment.pk})
    jiwoo, left = contact("a@b.example"), contact("b@b.example")
    at = clock.now()
    Membership.objects.create(contact_id=jiwoo, segment_id=segment.pk, joined_at=at)
    changes.append(Change(c, "membership", f"{segment.pk}:joined", at.isoformat()) for c in (jiwoo, left))
    drain()
    assert list(Enrollment.objects.values_list("contact_id", flat=True)) == [jiwoo]


def test_a_paused_workflow_enrolls_nobody(live: Live) -> None:
    form = Form.objects.create(name="상담 문의")
    workflow = live(WAIT, trigger={"type": "form_submitted", "form": form.pk})
    verbs.pause(workflow, SYSTEM)
    submit(contact(), form)
    drain()
    assert not Enrollment.objects.exists()
