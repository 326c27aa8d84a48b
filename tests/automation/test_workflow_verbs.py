"""Making, publishing, pausing."""

from typing import Any

import pytest

from baton.automation import verbs
from baton.messaging.models import Email
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict, Invalid
from baton.platform.models import History
from baton.segments import verbs as segments
from baton.segments.models import Segment

pytestmark = pytest.mark.django_db
TRIGGER = {"type": "form_submitted"}


def faults(*steps: dict[str, Any], trigger: dict[str, Any] | None = TRIGGER) -> list[tuple[str, str]]:
    workflow = verbs.create("시험", SYSTEM, {"triggers": [trigger] if trigger else [], "steps": list(steps)})
    with pytest.raises(Invalid) as caught:
        verbs.publish(workflow, SYSTEM)
    assert workflow.state == "draft"
    return [(p.path, p.code) for p in caught.value.problems]


def test_an_empty_workflow_cannot_be_published() -> None:
    assert faults(trigger=None) == [("triggers", "REQUIRED"), ("steps", "REQUIRED")]


def test_a_draft_may_lack_what_publishing_needs(email: Email) -> None:
    inside = {"id": "s2", "type": "send_email"}
    assert faults(
        {"id": "s1", "type": "branch", "paths": [{"label": "yes", "steps": [inside]}]},
        {"id": "s3", "type": "send_email", "email": 999999999},
        {"id": "s4", "type": "set_property", "property": "nothing"},
        {"id": "s5", "type": "set_property", "property": "lifecyclestage", "value": "king"},
        {"id": "s6", "type": "wait"},
        {"id": "s7", "type": "notify", "to": "team", "title": "{{ x"},
        trigger={"type": "segment_joined", "segment": 999999999},
    ) == [
        ("triggers[0].segment", "NOT_FOUND"),
        ("steps[0].filter", "REQUIRED"),
        ("steps[0].paths[0].steps[0].email", "REQUIRED"),
        ("steps[1].email", "NOT_FOUND"),
        ("steps[2].property", "PROPERTY_DOESNT_EXIST"),
        ("steps[3].value", "INVALID_OPTION"),
        ("steps[4].days", "REQUIRED"),
        ("steps[5].team", "REQUIRED"),
    ]


def test_a_condition_about_what_does_not_exist_is_named_within_the_step(email: Email) -> None:
    [(path, _code)] = faults(
        {"id": "s1", "type": "branch", "filter": {"all": [{"condition": "property", "property": "nothing", "operator": "is", "value": "x"}]}}
    )
    assert path.startswith("steps[0].filter.")


def test_publishing_switches_on_and_counts_versions(email: Email) -> None:
    workflow = verbs.create("시험", SYSTEM, {"triggers": [TRIGGER], "steps": [{"id": "s1", "type": "send_email", "email": email.id}]})
    first = verbs.publish(workflow, SYSTEM)
    assert (workflow.state, first.number) == ("on", 1)
    assert verbs.publish(workflow, SYSTEM).pk == first.pk  # nothing changed
    verbs.save_draft(workflow, {"triggers": [TRIGGER], "steps": [{"id": "s1", "type": "wait", "days": 1}]}, SYSTEM)
    assert verbs.publish(workflow, SYSTEM).number == 2
    assert verbs.used_ids(workflow) == {"s1"}
    verbs_left = History.objects.filter(subject_type="workflow").order_by("id").values_list("verb", flat=True)
    assert list(verbs_left) == ["created", "published", "published", "draft_saved", "published"]


def test_only_what_runs_is_paused_and_only_what_is_paused_resumed(email: Email) -> None:
    workflow = verbs.create("시험", SYSTEM, {"triggers": [TRIGGER], "steps": [{"id": "s1", "type": "send_email", "email": email.id}]})
    with pytest.raises(Conflict):
        verbs.pause(workflow, SYSTEM)
    verbs.publish(workflow, SYSTEM)
    with pytest.raises(Conflict):
        verbs.resume(workflow, SYSTEM)
    verbs.pause(workflow, SYSTEM)
    assert workflow.state == "paused"
    verbs.resume(workflow, SYSTEM)
    assert workflow.state == "on"


def test_a_workflow_needs_a_name() -> None:
    with pytest.raises(Invalid):
        verbs.create("  ", SYSTEM)


def test_a_list_that_a_workflow_uses_is_not_put_aside(email: Email) -> None:
    def segment(name: str) -> Segment:
        return segments.create_segment(name, {"condition": "property", "property": "city", "operator": "known"}, "active", SYSTEM)

    triggers, asked, free = segment("가입"), segment("조건"), segment("자유")
    inside = {"id": "s2", "type": "branch", "filter": {"not": {"condition": "in_segment", "segment": asked.pk}}, "paths": []}
    steps = [{"id": "s1", "type": "branch", "filter": {}, "paths": [{"label": "yes", "steps": [inside]}]}]
    workflow = verbs.create("후속 연락", SYSTEM, {"triggers": [{"type": "segment_joined", "segment": triggers.pk}], "steps": steps})
    for used in (triggers, asked):
        with pytest.raises(Conflict, match="후속 연락"):
            segments.archive_segment(used, actor=SYSTEM)
    segments.archive_segment(free, actor=SYSTEM)
    verbs.archive(workflow, SYSTEM)
    segments.archive_segment(triggers, actor=SYSTEM)
