"""What a contact's timeline hears of his runs: that he entered a workflow, and how he came out of it. Of other records nothing is told.

A million people may enter at once, so rows are written by the database itself, and changes for the tick only where a filter asks for such events at all.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from baton.automation.models import Version, Workflow
from baton.events import keys, record
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import Actor

FINISHED = """
INSERT INTO event (contact_id, ts, id, kind, key, payload)
SELECT r.contact_id, %(at)s, floor(random() * 9007199254740992)::bigint, %(kind)s, %(key)s, jsonb_build_object('enrollment', r.id) || %(payload)s::jsonb
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)
"""
LISTENERS = """
SELECT EXISTS (SELECT 1 FROM segment WHERE kind = 'active' AND archived_at IS NULL AND filter::text LIKE '%%workflow_%%')
    OR EXISTS (SELECT 1 FROM score_rule WHERE active AND filter::text LIKE '%%workflow_%%')
    OR EXISTS (SELECT 1 FROM lifecycle_stage WHERE rule::text LIKE '%%workflow_%%')
    OR EXISTS (SELECT 1 FROM pause WHERE ended_at IS NULL AND wake::text LIKE '%%workflow_%%')
"""


def listened() -> bool:
    """Whether any filter or trigger asks who entered or left a workflow."""
    live = Workflow.objects.filter(archived_at=None, state__in=("on", "paused")).exclude(published=None).values_list("published_id", flat=True)
    return bool(sql.rows(LISTENERS)[0][0]) or any(_mentions(id) for id in live)


@cache
def _mentions(version_id: int) -> bool:
    """Whether a published version, which never changes, asks for such events."""
    return Version.objects.filter(pk=version_id).extra(where=["graph::text LIKE '%%workflow\\_%%'"]).exists()


def key(workflow: Workflow) -> int:
    """What the events of a workflow are about, with its name of today."""
    pair = (Kind.WORKFLOW_ENROLLED, str(workflow.pk))
    keys.resolve({(Kind.WORKFLOW_FINISHED, str(workflow.pk)): workflow.name})
    return keys.resolve({pair: workflow.name})[pair]


def entered(workflow: Workflow, ids: Mapping[int, tuple[int, str]], at: datetime, actor: Actor) -> None:
    """These people entered, {contact: (enrollment, cause)}; whoever listens hears of it in this tick or the next."""
    record.add(
        record.NewEvent(
            contact_id, Kind.WORKFLOW_ENROLLED, at, str(workflow.pk), workflow.name, payload={"enrollment": id, "cause": cause, "actor": str(actor)}
        )
        for contact_id, (id, cause) in ids.items()
    )


def finished(workflow_id: int, pairs: Sequence[tuple[int, int]], state: str, at: datetime, *, reason: str = "", actor: Actor | None = None) -> None:
    """These runs (contact, enrollment) of one workflow came out like this."""
    name, object_type = Workflow.objects.values_list("name", "object_type").get(pk=workflow_id)
    if object_type != "contact" or not pairs:
        return
    more = {"outcome": state, **({"reason": reason} if reason else {}), **({"actor": str(actor)} if actor else {})}
    if listened():
        record.add(
            record.NewEvent(contact_id, Kind.WORKFLOW_FINISHED, at, str(workflow_id), name, payload={"enrollment": id, **more}) for contact_id, id in pairs
        )
        return
    found = keys.resolve({(Kind.WORKFLOW_FINISHED, str(workflow_id)): name})
    sql.run(
        FINISHED,
        {
            "contact_ids": [c for c, _ in pairs], "ids": [e for _, e in pairs], "at": at, "kind": int(Kind.WORKFLOW_FINISHED),
            "key": found[Kind.WORKFLOW_FINISHED, str(workflow_id)], "payload": json.dumps(more, ensure_ascii=False),
        },
    )  # fmt: skip
