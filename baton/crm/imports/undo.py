"""Takes an import back: what it made is archived, what it changed is what it was before, unless somebody has changed it again since."""

import json
from collections import Counter

from django.db import transaction
from django.utils import translation

from baton.crm import associations, consent, records
from baton.crm.associations import Link
from baton.crm.models import Import
from baton.platform import changes, clock, live, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change

CHUNK = 2000
SOURCE = "import"
NOBODY = 0  # a change that is about an import as a whole


def run(import_id: int) -> None:
    """Undo in chunks, each one transaction; a killed worker's work goes on with what is left. Nothing happens to an import that is not being undone."""
    row = Import.objects.filter(pk=import_id, state="undoing").first()
    if row is None:
        return
    actor = Actor.parse(row.actor)
    with translation.override(row.language):
        for step in (_links, _consents, _records):
            while _counted(row, step(import_id, actor)):
                live.publish(f"import:{import_id}", state="undoing")
        with transaction.atomic():
            if row.options.get("occasion"):
                changes.append([Change(NOBODY, "attended", f"{import_id}:undone")])
            Import.objects.filter(pk=import_id, state="undoing").update(state="undone", ended_at=clock.now(), told=False)
            live.publish(f"import:{import_id}", state="undone")


def _counted(row: Import, done: Counter[str] | None) -> bool:
    if done is None:
        return False
    if done:
        row.counts = {**row.counts, **{name: row.counts.get(name, 0) + number for name, number in done.items()}}
        Import.objects.filter(pk=row.pk).update(counts=row.counts)
    return True


def _links(import_id: int, actor: Actor) -> Counter[str] | None:
    with transaction.atomic():
        rows = sql.rows("SELECT from_id, to_id, from_type, to_type FROM import_link WHERE import_id = %s LIMIT %s", [import_id, CHUNK])
        if not rows:
            return None
        associations.unlink_many([Link(row[2], row[0], row[3], row[1]) for row in rows], actor=actor)
        sql.run(
            "DELETE FROM import_link AS l USING unnest(%s::bigint[], %s::bigint[]) AS r(one, other)"
            " WHERE l.import_id = %s AND l.from_id = r.one AND l.to_id = r.other",
            [[row[0] for row in rows], [row[1] for row in rows], import_id],
        )
    return Counter()


def _consents(import_id: int, actor: Actor) -> Counter[str] | None:
    with transaction.atomic():
        rows = sql.rows(
            "SELECT i.contact_id, i.channel, i.before::text, c.granted FROM import_consent i"
            " LEFT JOIN consent c ON c.contact_id = i.contact_id AND c.channel = i.channel AND c.granted = i.granted AND c.at = i.at AND c.source = %s"
            " WHERE i.import_id = %s LIMIT %s",
            [f"import:{import_id}", import_id, CHUNK],
        )
        if not rows:
            return None
        still = [(row[0], row[1], json.loads(row[2]) if row[2] else None) for row in rows if row[3] is not None]  # others were answered again since
        consent.put_back(still, actor=actor, source=SOURCE, because=f"import_undo:{import_id}")
        sql.run(
            "DELETE FROM import_consent AS l USING unnest(%s::bigint[], %s::text[]) AS r(id, channel)"
            " WHERE l.import_id = %s AND l.contact_id = r.id AND l.channel = r.channel",
            [[row[0] for row in rows], [row[1] for row in rows], import_id],
        )
    return Counter()


def _records(import_id: int, actor: Actor) -> Counter[str] | None:
    done: Counter[str] = Counter()
    with transaction.atomic():
        rows = sql.rows(
            "SELECT record_id, object_type, created, before::text, after::text FROM import_change"
            " WHERE import_id = %s ORDER BY object_type, record_id LIMIT %s",
            [import_id, CHUNK],
        )
        if not rows:
            return None
        for kind in sorted({row[1] for row in rows}):
            made = [row[0] for row in rows if row[1] == kind and row[2]]
            done["archived"] += records.archive_many(kind, made, actor=actor)
            changed = {row[0]: (json.loads(row[3]), json.loads(row[4])) for row in rows if row[1] == kind and not row[2]}
            read_only = _set_by_baton(kind)
            now = {id: record.properties for id, record in records.many(kind, changed).items()}
            back = {}
            for id, (before, after) in changed.items():
                if id not in now:
                    continue
                values = {name: before[name] for name in before if name not in read_only and now[id].get(name) == after.get(name)}
                done["kept"] += sum(1 for name in before if name not in read_only and now[id].get(name) != after.get(name))
                if values:
                    back[id] = values
            outcomes = records.update_many(kind, back, actor=actor, source=SOURCE, freedom="any") if back else {}
            done["restored"] += sum(fault is None for fault in outcomes.values())
            done["stuck"] += sum(fault is not None for fault in outcomes.values())
        sql.run("DELETE FROM import_change WHERE import_id = %s AND record_id = ANY(%s)", [import_id, [row[0] for row in rows]])
    return done


def _set_by_baton(kind: str) -> set[str]:
    from baton.crm import properties

    return {name for name, definition in properties.definitions(kind).items() if definition.read_only}
