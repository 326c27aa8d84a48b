"""A record as HubSpot shows it: properties, earlier values, links. A set of records costs the same few statements as one."""

from collections.abc import Sequence
from typing import Any

from baton.api.hubspot import computed, links, words
from baton.crm import properties, trail
from baton.crm.models import Contact, ObjectType, Record
from baton.crm.values import stamp
from baton.platform.actor import Actor

Row = Contact | Record
Body = dict[str, Any]


def bodies(kind: ObjectType, rows: Sequence[Row], names: Sequence[str] = (), history: Sequence[str] = (), linked: Sequence[str] = ()) -> list[Body]:
    """Records with the named properties, or those everybody gets. Names that do not exist are left out; a property that is not set is null.

    `history`: names of properties to show with their earlier values. `linked`: words of object types to show the links to.
    """
    if not rows:
        return []
    type = kind.key
    known = properties.definitions(type)
    always = ("hs_object_id", words.created_name(type), words.modified_name(type))
    asked = list(dict.fromkeys([*always, *(names or words.defaults(type)), *history]))
    worked_out = computed.find(type, asked)
    stored = {name: words.ours(type, name) for name in asked if name not in worked_out and words.ours(type, name) in known}
    facts = computed.Facts(type, rows)
    past = _history(type, rows, history) if history else {}
    found = links.read(type, facts.ids, linked) if linked else {}
    made = []
    for row in rows:
        values = {name: one.value(row, facts) for name, one in worked_out.items()}
        values |= {name: words.value_out(type, mine, row.properties.get(mine)) for name, mine in stored.items()}
        body = {
            "id": str(row.id),
            "properties": values,
            "createdAt": stamp(row.created_at),
            "updatedAt": stamp(row.updated_at),
            "archived": row.archived_at is not None,
        }
        if row.archived_at is not None:
            body["archivedAt"] = stamp(row.archived_at)
        if history:
            body["propertiesWithHistory"] = past[row.id]
        if row.id in found:
            body["associations"] = found[row.id]
        made.append(body)
    return made


def _history(type: str, rows: Sequence[Row], names: Sequence[str]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """The values of some properties over time by record and HubSpot's name, newest first."""
    known = properties.definitions(type)
    mine = {name: words.ours(type, name) for name in names if words.ours(type, name) in known}
    told = trail.of(rows, set(mine.values()))
    return {row.id: {name: [_entry(type, our, entry) for entry in told[row.id].get(our, [])] for name, our in mine.items()} for row in rows}


def _entry(type: str, name: str, entry: trail.Entry) -> dict[str, Any]:
    made: dict[str, Any] = {
        "value": words.value_out(type, name, entry.value) or "",
        "timestamp": stamp(entry.at),
        "sourceType": words.SOURCES.get(entry.source, "INTERNAL_PROCESSING"),
        "sourceId": entry.actor,
    }
    who = Actor.parse(entry.actor)
    if who.kind == "user" and who.id is not None:
        made["updatedByUserId"] = who.id
    return made
