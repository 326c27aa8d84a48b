"""Who enters a workflow: trigger sets become enrollments, and the same cause enrolls a contact once."""

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from baton.automation import graph
from baton.automation.models import Workflow
from baton.automation.trigger import triggers
from baton.events import record
from baton.events.vocabulary import Kind
from baton.platform import clock, live, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.changes import Change
from baton.platform.models import BUCKETS


def by_changes(changes: Sequence[Change]) -> int:
    """Enroll everybody whom these changes bring into a live workflow; returns how many."""
    kinds = triggers()
    waking = {key: woken for key, kind in kinds.items() if (woken := [c for c in changes if kind.wakes(c)])}
    if not waking:
        return 0
    enrolled = 0
    for workflow in Workflow.objects.filter(state="on", archived_at=None).exclude(published=None):
        published = graph.readable(workflow.published_id or 0)
        for trigger in published.triggers if published else ():
            if trigger.key in waking and (causes := trigger.causes(waking[trigger.key])):
                enrolled += enter(workflow, causes, actor=SYSTEM, trigger=trigger.id)
    return enrolled


def enroll(workflow: Workflow, contact_ids: Collection[int], cause: str, actor: Actor) -> int:
    """Enroll these contacts by hand or by program; returns how many entered."""
    return enter(workflow, dict.fromkeys(contact_ids, cause), actor=actor)


def enter(workflow: Workflow, causes: Mapping[int, str], *, actor: Actor, trigger: str = "") -> int:
    """Enroll each contact for its cause in the caller's transaction; returns how many entered.

    Left out: who is archived or not known by name yet, who is inside already, whom this cause enrolled before, and, when
    the trigger says `never` again, who was ever inside.
    """
    if not causes or workflow.published_id is None:
        return 0
    published = graph.of(workflow.published_id)
    now = clock.now()
    with transaction.atomic():
        entered = sql.rows(
            sql.load("enroll", __package__),
            {
                "contact_ids": list(causes),
                "causes": list(causes.values()),
                "ids": sql.next_ids("enrollment_id_seq", len(causes)),
                "workflow": workflow.pk,
                "version": workflow.published_id,
                "step": published.first,
                "once": published.settings.again == "never",
                "trigger": trigger,
                "policy": published.settings.again,
                "now": now,
            },
        )
        if not entered:
            return 0
        sql.run(
            "INSERT INTO timer (bucket, enrollment_id, contact_id, workflow_id, due_at) SELECT r.contact_id %% %s, r.id, r.contact_id, %s, %s"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)",
            [BUCKETS, workflow.pk, now, [e[0] for e in entered], [e[1] for e in entered]],
        )
        record.add(
            record.NewEvent(
                contact_id,
                Kind.WORKFLOW_ENROLLED,
                now,
                str(workflow.pk),
                workflow.name,
                payload={"enrollment": enrollment_id, "cause": causes[contact_id], "actor": str(actor)},
            )
            for contact_id, enrollment_id in entered
        )
        sql.run("NOTIFY baton_timer")
        live.publish(f"workflow:{workflow.pk}", what="counts")
    return len(entered)
