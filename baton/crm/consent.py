"""Whether people agreed to be written to. The last word by channel, with what they saw; every change stays in the history."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from baton.crm import trail
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change


def set(
    contact_ids: Sequence[int], channel: str, granted: bool, *, actor: Actor, source: str, wording: str = "", proof: Mapping[str, Any] | None = None
) -> None:
    """Record an agreement or a refusal of many people at once. `wording` is the text they saw, `proof` what else shows that they did.

    Agreeing again refreshes time and proof; the tick hears of `property:consent.<channel>` only where the answer changed.
    """
    ids = sorted({*contact_ids})
    if not ids:
        return
    now = clock.now()
    with transaction.atomic():
        was = dict(sql.rows("SELECT contact_id, granted FROM consent WHERE contact_id = ANY(%s) AND channel = %s", [ids, channel]))
        sql.run(
            "INSERT INTO consent (contact_id, channel, granted, at, source, wording, proof, actor)"
            " SELECT r.contact_id, %s, %s, %s, %s, %s, %s::jsonb, %s FROM unnest(%s::bigint[]) AS r(contact_id)"
            " ON CONFLICT (contact_id, channel) DO UPDATE SET granted = excluded.granted, at = excluded.at, source = excluded.source,"
            " wording = excluded.wording, proof = excluded.proof, actor = excluded.actor",
            [channel, granted, now, source, wording, json.dumps(dict(proof or {})), str(actor), ids],
        )
        rows = [(id, f"consent.{channel}", was.get(id), granted) for id in ids if was.get(id) is not granted]
        trail.write("contact", rows, actor, source, now)
        changes.append(Change(id, "property", name) for id, name, _old, _new in rows)


def granted(contact_id: int, channel: str) -> bool | None:
    """What a person answered; None when never asked."""
    found = sql.rows("SELECT granted FROM consent WHERE contact_id = %s AND channel = %s", [contact_id, channel])
    return found[0][0] if found else None
