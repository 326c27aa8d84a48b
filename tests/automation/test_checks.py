"""What is found before publishing, and where each leads."""

from typing import Any

import pytest
from django.utils import translation

from baton.accounts.models import Account
from baton.automation import checks, graph, verbs
from baton.automation.models import Workflow
from baton.crm import consent, records
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.segments.models import Membership, Segment

pytestmark = pytest.mark.django_db


def found(steps: list[dict[str, Any]], *, triggers: Any = ({"id": "t", "type": "manual"},), settings: dict[str, Any] | None = None) -> list[checks.Check]:
    workflow = Workflow(pk=7, name="시험")
    return checks.found(graph.parse({"triggers": list(triggers), "steps": steps, "settings": settings or {}}), workflow)


def about(told: list[checks.Check]) -> list[tuple[str, bool, str]]:
    return [(check.step, check.blocks, check.fix_url) for check in told]


def test_what_nobody_reaches_is_told_once_and_what_lacks_a_text_blocks(account: Account) -> None:
    email = Email.objects.create(name="빈 메일", subject="제목", body=" ")
    told = found(
        [
            {"id": "s1", "type": "send_email", "email": email.pk},
            {"id": "s2", "type": "end"},
            {"id": "s3", "type": "wait", "days": 1},
            {"id": "s4", "type": "end"},
        ]
    )
    page = "/workflows/7/?node="
    assert about(told) == [
        ("s1", True, f"/emails/{email.pk}/?back=/workflows/7/%3Fnode=s1"),
        ("s3", False, page + "s3"),
        ("settings", False, page + "settings"),
    ]


def test_an_empty_workflow_says_what_to_add(account: Account) -> None:
    assert about(found([], triggers=())) == [("", True, "/workflows/7/?add=trigger"), ("", True, "/workflows/7/?add=root:0")]


def test_workflows_that_enroll_each_other_at_once_are_refused(account: Account) -> None:
    first, second = verbs.create("하나", SYSTEM), verbs.create("둘", SYSTEM)
    trigger = {"id": "t", "type": "manual"}
    verbs.save_draft(second, {"triggers": [trigger], "steps": [{"id": "s1", "type": "enroll_in", "workflow": first.pk}]}, SYSTEM)
    verbs.publish(second, SYSTEM)

    def blocked(steps: list[dict[str, Any]]) -> list[str]:
        return [c.step for c in checks.found(graph.parse({"triggers": [trigger], "steps": steps}), first) if c.blocks]

    assert blocked([{"id": "s1", "type": "enroll_in", "workflow": second.pk}]) == ["s1"]
    assert blocked([{"id": "s0", "type": "wait", "days": 1}, {"id": "s1", "type": "enroll_in", "workflow": second.pk}]) == []


def test_those_who_may_not_get_the_mail_are_counted_by_the_gate(account: Account) -> None:
    ids = [records.create("contact", {"firstname": f"{n}", "email": f"p{n}@a.example"}, actor=SYSTEM, source="import") for n in range(3)]
    consent.set(ids[:1], "email", True, actor=SYSTEM, source="page")
    email = Email.objects.create(name="소식", subject="제목", body="<p>본문</p>")
    segment = Segment.objects.create(name="모두", kind="fixed")
    Membership.objects.bulk_create(Membership(contact_id=id, segment_id=segment.pk, joined_at=clock.now()) for id in ids)
    steps = [{"id": "s1", "type": "send_email", "email": email.pk}, {"id": "s2", "type": "goal"}]
    with translation.override("en"):
        told = found(steps, triggers=[{"id": "t", "type": "segment_joined", "segment": segment.pk}])
    assert [check.message for check in told if not check.blocks] == ["Send an e-mail: 2 of 3 who would enter may not get marketing mail; they are skipped."]
