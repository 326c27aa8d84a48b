"""Consent that comes with a file: yes or no with a date, and never a yes over somebody's no unless the user said that the file is right."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from baton.crm import trail
from baton.crm.imports.options import Options
from baton.crm.imports.plan import Item, Problem
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change


def write(import_id: int, items: Sequence[Item], placed: Mapping[int, Mapping[str, int]], options: Options, actor: Actor, source: str) -> None:
    """Record the answers of these rows. An answer that is not taken is a problem of its row."""
    for channel in sorted({channel for item in items for channel in item.consents}):
        wanted = {placed[item.number]["contact"]: item for item in items if channel in item.consents and "contact" in placed[item.number]}
        _channel(import_id, channel, wanted, options, actor, source)


def _channel(import_id: int, channel: str, wanted: Mapping[int, Item], options: Options, actor: Actor, source: str) -> None:
    now = clock.now()
    known = {
        row[0]: {"granted": row[1], "at": row[2].isoformat(), "source": row[3], "wording": row[4], "actor": row[5]}
        for row in sql.rows(
            "SELECT contact_id, granted, at, source, wording, actor FROM consent WHERE contact_id = ANY(%s) AND channel = %s", [list(wanted), channel]
        )
    }
    rows: list[tuple[int, bool, datetime, str | None]] = []
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
        rows.append((id, granted, at, None if was is None else json.dumps(was)))
    if not rows:
        return
    ids, answers, times, befores = (list(column) for column in zip(*rows, strict=True))
    sql.run(
        "INSERT INTO consent (contact_id, channel, granted, at, source, wording, actor)"
        " SELECT r.id, %s, r.granted, r.at, %s, %s, %s FROM unnest(%s::bigint[], %s::boolean[], %s::timestamptz[]) AS r(id, granted, at)"
        " ON CONFLICT (contact_id, channel) DO UPDATE SET granted = excluded.granted, at = excluded.at, source = excluded.source,"
        " wording = excluded.wording, proof = excluded.proof, actor = excluded.actor",
        [channel, f"{source}:{import_id}", options.source, str(actor), ids, answers, times],
    )
    sql.run(
        "INSERT INTO import_consent (import_id, contact_id, channel, before, granted, at)"
        " SELECT %s, r.id, %s, r.before, r.granted, r.at FROM unnest(%s::bigint[], %s::jsonb[], %s::boolean[], %s::timestamptz[]) AS r(id, before, granted, at)"
        " ON CONFLICT (contact_id, channel, import_id) DO UPDATE SET granted = excluded.granted, at = excluded.at",
        [import_id, channel, ids, befores, answers, times],
    )
    name = f"consent.{channel}"
    trail.write("contact", [(id, name, known[id]["granted"] if id in known else None, granted) for id, granted, _at, _was in rows], actor, source, now)
    changes.append(Change(id, "property", name) for id in ids)
