"""The right to a copy: everything Baton keeps about a person, as one zip file: JSON for programs, HTML for people, and the files on his record."""

import io
import json
import zipfile
from html import escape
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.crm import contacts, identity, properties, records, types
from baton.crm.merge import absorbed
from baton.crm.models import Contact, File, PropertyHistory, Record
from baton.crm.part import parts
from baton.platform import clock, history, sql
from baton.platform.actor import Actor

STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}"
    "td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left;vertical-align:top}h2{margin-top:2em}"
)


def everything(contact_id: int) -> dict[str, Any]:
    """All that is kept about a contact, by area, as plain JSON. Raises NotFound."""
    row = records.get("contact", contact_id, archived=None)
    assert isinstance(row, Contact)
    ids = [row.id, *absorbed(row.id)]
    known = properties.definitions("contact")
    about: dict[str, Any] = {
        "contact": {
            "id": row.id, "merged_ids": ids[1:], "created_at": row.created_at.isoformat(), "created_by": row.created_by, "source": row.source,
            "archived_at": row.archived_at and row.archived_at.isoformat(),
        },
        "properties": {properties.label(known[name]) if name in known else name: value for name, value in row.properties.items()},
        "email addresses": [a.email for a in contacts.emails(row.id)] if row.archived_at is None else [],
        "browsers": [value for id in ids for value, _shared in identity.of(id, "cookie")],
        "history of properties": [
            {"at": h.at.isoformat(), "name": h.name, "old": h.old, "new": h.new, "by": h.actor, "source": h.source}
            for h in PropertyHistory.objects.filter(record_id__in=ids).order_by("at", "id")
        ],
        "notes, calls and mail": _activities(ids),
        "files": [{"name": f.name, "size": f.size} for f in _files(ids)],
    }  # fmt: skip
    for name, part in parts().items():
        if rows := part.copy(ids):
            about[name.replace("_", " ")] = rows
    return about


def zipped(contact_id: int, *, actor: Actor) -> bytes:
    """The copy as a zip file; that it was made is kept in the history. Raises NotFound, Forbidden."""
    row = records.get("contact", contact_id, archived=None)
    rights.of_actor(actor).require("contact", "export", [row.owner_id])
    about = everything(row.id)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("person.json", json.dumps(about, ensure_ascii=False, indent=2, default=str))
        file.writestr("person.html", page(types.title("contact", row.properties), about))
        for number, one in enumerate(_files([row.id, *absorbed(row.id)]), 1):
            file.writestr(f"files/{number}-{one.name.replace('/', '_')}", bytes(one.content))
    history.record(actor, "copied", "contact", row.id)
    return out.getvalue()


def page(title: str, about: dict[str, Any]) -> str:
    """The copy to read: one table an area."""
    heading = escape(_("What we keep about {name}").format(name=title))
    parts_of_it = [f"<h1>{heading}</h1><p>{escape(clock.now().isoformat(timespec='seconds'))}</p>"]
    parts_of_it += [f"<h2>{escape(name)}</h2>{_table(value)}" for name, value in about.items() if value]
    return f'<!doctype html><html lang="ko"><meta charset="utf-8"><title>{heading}</title><style>{STYLE}</style>{"".join(parts_of_it)}</html>'


def _table(value: Any) -> str:
    if isinstance(value, dict):
        return "<table>" + "".join(f"<tr><th>{escape(str(k))}</th><td>{_cell(v)}</td></tr>" for k, v in value.items()) + "</table>"
    if value and isinstance(value[0], dict):
        heads = list(dict.fromkeys(key for row in value for key in row))
        rows = "".join("<tr>" + "".join(f"<td>{_cell(row.get(head))}</td>" for head in heads) + "</tr>" for row in value)
        return "<table><tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + f"</tr>{rows}</table>"
    return "<ul>" + "".join(f"<li>{_cell(item)}</li>" for item in value) + "</ul>"


def _cell(value: Any) -> str:
    return "" if value is None else escape(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value))


def _activities(ids: list[int]) -> list[dict[str, Any]]:
    kinds = [kind.key for kind in types.all(activities=True)]
    linked = [row[0] for row in sql.rows("SELECT DISTINCT to_id FROM association WHERE from_id = ANY(%s) AND to_type = ANY(%s)", [ids, kinds])]
    rows = Record.objects.filter(id__in=linked).order_by("id")
    return [{"kind": row.object_type, "at": row.created_at.isoformat(), "by": row.created_by, **row.properties} for row in rows]


def _files(ids: list[int]) -> list[File]:
    return list(File.objects.filter(record_id__in=ids).order_by("id"))
