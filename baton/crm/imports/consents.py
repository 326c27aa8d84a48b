"""Consent that comes with a file: yes or no with a date, and never a yes over somebody's no unless the user said that the file is right."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from baton.crm import consent
from baton.crm.consent import Answer
from baton.crm.imports.options import Options
from baton.crm.imports.plan import Item, Problem
from baton.platform import clock, sql
from baton.platform.actor import Actor

KNOWN = "SELECT contact_id, (to_jsonb(k) - 'contact_id' - 'channel')::text FROM consent k WHERE contact_id = ANY(%s) AND channel = %s"


def write(import_id: int, items: Sequence[Item], placed: Mapping[int, Mapping[str, int]], options: Options, actor: Actor, source: str) -> None:
    """Record the answers of these rows. An answer that is not taken is a problem of its row."""
    for channel in sorted({channel for item in items for channel in item.consents}):
        wanted = {placed[item.number]["contact"]: item for item in items if channel in item.consents and "contact" in placed[item.number]}
        _channel(import_id, channel, wanted, options, actor, source)


def _channel(import_id: int, channel: str, wanted: Mapping[int, Item], options: Options, actor: Actor, source: str) -> None:
    now = clock.now()
    known = {row[0]: json.loads(row[1]) for row in sql.rows(KNOWN, [list(wanted), channel])}
    rows: list[tuple[int, bool, datetime, dict[str, Any] | None, dict[str, Any]]] = []
    for id, item in wanted.items():
        granted, at, was = item.consents[channel], min(item.consent_at.get(channel, now), now), known.get(id)
        if was is not None and was["granted"] == granted:
            continue
        if was is not None and granted and options.consent != "file":
            text = _("This person opted out; an import does not change that unless you say so.")
            item.problems.append(Problem("", "OPTED_OUT", text))
            continue
        if was is not None and not granted and channel in item.consent_at and datetime.fromisoformat(str(was["at"])) > at:
            item.problems.append(Problem("", "CONSENT_OLDER", _("This person agreed after the date in the file, so the later answer was kept.")))
            continue
        rows.append((id, granted, at, was, {"import": import_id, "row": item.number} | ({} if channel in item.consent_at else {"undated": True})))
    if not rows:
        return
    said, who = f"{source}:{import_id}", str(actor)
    consent.give([Answer(id, channel, granted, at, said, who, wording=options.source, proof=proof) for id, granted, at, _was, proof in rows], source=source)
    sql.run(
        "INSERT INTO import_consent (import_id, contact_id, channel, before, granted, at)"
        " SELECT %s, r.id, %s, r.before, r.granted, r.at FROM unnest(%s::bigint[], %s::jsonb[], %s::boolean[], %s::timestamptz[]) AS r(id, before, granted, at)"
        " ON CONFLICT (contact_id, channel, import_id) DO UPDATE SET granted = excluded.granted, at = excluded.at",
        [
            import_id, channel, [row[0] for row in rows], [None if row[3] is None else json.dumps(row[3]) for row in rows],
            [row[1] for row in rows], [row[2] for row in rows],
        ],
    )  # fmt: skip
