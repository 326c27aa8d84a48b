"""Notes, calls, meetings, tasks, logged mails and messages: what is written down about people and their affairs.

An activity is a record, linked to what it is about. Its text is kept as HTML, as programs write it; people write plain text with @names.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from html.parser import HTMLParser
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.crm import associations, records, types
from baton.crm.associations import Link
from baton.crm.models import Contact, Record
from baton.crm.values import stamp
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid

TEXT = {"note": "body", "call": "body", "meeting": "body", "task": "body", "email": "text", "communication": "body"}  # where the written text is
NEEDED = {"note": "body", "task": "subject", "email": "subject", "communication": "body"}  # what an activity is nothing without
LONGEST = 65_536  # letters of a text
PINNED = "pinned"  # label of the link between a record and the note shown first on it
DONE = "COMPLETED"

AT = "coalesce((r.properties->>'at')::timestamptz, r.created_at)"
PAGE = f"""
SELECT r.id, r.object_type, r.properties, r.owner_id, {AT}, r.created_at, r.created_by
FROM (SELECT DISTINCT a.to_id FROM association a WHERE a.from_id = ANY(%(about)s) AND a.to_type = ANY(%(types)s)) l
JOIN record r ON r.id = l.to_id
WHERE r.archived_at IS NULL AND {{seen}} AND (%(ts)s::timestamptz IS NULL OR ({AT}, r.id) < (%(ts)s::timestamptz, %(id)s::bigint))
ORDER BY {AT} DESC, r.id DESC LIMIT %(limit)s
"""
OPEN_TASKS = f"""
SELECT DISTINCT ON (r.properties->>'at', r.id) r.id, r.object_type, r.properties, r.owner_id, {AT}, r.created_at, r.created_by
FROM association a JOIN record r ON r.id = a.to_id
WHERE a.from_id = %(id)s AND a.to_type = 'task' AND r.archived_at IS NULL AND coalesce(r.properties->>'status', '') <> 'COMPLETED' AND {{seen}}
ORDER BY r.properties->>'at' NULLS LAST, r.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity; `at` is when it happened, or when a task is due or a meeting begins."""

    id: int
    type: str
    properties: dict[str, Any]
    owner_id: int | None
    at: datetime
    created_at: datetime
    created_by: str

    @property
    def html(self) -> str:
        return str(self.properties.get(TEXT.get(self.type, "body")) or (self.properties.get("html") if self.type == "email" else "") or "")


def write(type: str, values: Mapping[str, Any], about: Sequence[tuple[str, int]], *, actor: Actor, source: str = "page") -> int:
    """Write an activity down and link it to the records it is about; returns its id.

    Its time is now and its owner the user who writes it, unless given. Raises Invalid at `properties.<name>`, NotFound for what it is about.
    """
    if not types.get(type).activity or not about:
        raise Invalid.one("about", "REQUIRED", _("An activity is about a record."))
    given = {"at": stamp(clock.now()), **({"owner_id": actor.id} if actor.kind == "user" else {}), **values}
    if type == "task":
        given.setdefault("status", "NOT_STARTED")
    _check(type, given, new=True)
    with transaction.atomic():
        id = records.create(type, given, actor=actor, source=source)
        for fault in associations.link_many([Link(type, id, other, other_id) for other, other_id in about], actor=actor):
            if fault is not None:
                raise fault
    return id


def change(type: str, id: int, values: Mapping[str, Any], *, actor: Actor, source: str = "page") -> None:
    """Change an activity. Raises Invalid, NotFound."""
    _check(type, values, new=False)
    records.update(type, id, values, actor=actor, source=source)


def finish(task_id: int, done: bool = True, *, actor: Actor, source: str = "page") -> None:
    """A task is done, or not after all. Raises NotFound."""
    change("task", task_id, {"status": DONE if done else "NOT_STARTED"}, actor=actor, source=source)


def _check(type: str, values: Mapping[str, Any], *, new: bool) -> None:
    needed, text = NEEDED.get(type), TEXT.get(type, "body")
    if needed and (new or needed in values) and not plain(str(values.get(needed) or "")).strip():
        raise Invalid.one(f"properties.{needed}", "REQUIRED", _("Write something first.") if needed == "body" else _("A title is required."))
    if len(str(values.get(text) or "")) > LONGEST:
        raise Invalid.one(f"properties.{text}", "TOO_LONG", _("At most {most} letters.").format(most=LONGEST))


def pin(record_type: str, record_id: int, type: str, id: int | None, *, actor: Actor) -> None:
    """Show this activity first on the record, and no other; None: none. Raises NotFound."""
    with transaction.atomic():
        for old_type, old_id in _pinned(record_id):
            associations.unlink(record_type, record_id, old_type, old_id, label=PINNED, actor=actor)
        if id is not None:
            associations.link(record_type, record_id, type, id, label=PINNED, actor=actor)


def _pinned(record_id: int) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in sql.rows("SELECT to_type, to_id FROM association WHERE from_id = %s AND label = %s", [record_id, PINNED])]


def seen(rights: Rights | None, kinds: Iterable[str] = tuple(TEXT)) -> tuple[str, dict[str, Any]]:
    """Which activities of these types somebody may see, as a condition over `r` with its named parameters; "true" for all of them (rights None)."""
    if rights is None or all(rights.scope(kind, "view") == "all" for kind in kinds):
        return "true", {}
    tests, params = ["false"], dict[str, Any]()
    for kind in kinds:
        text, values = rights.where(kind, "view", "r")
        names = [f"{kind}_right{number}" for number in range(len(values))]
        tests.append(f"(r.object_type = '{types.get(kind).key}' AND {text.replace('%s', '{}').format(*(f'%({name})s' for name in names))})")
        params |= dict(zip(names, values, strict=True))
    return f"({' OR '.join(tests)})", params


def pinned(record_id: int, rights: Rights | None = None) -> Activity | None:
    """The activity pinned to a record, if the reader may see it."""
    allowed, params = seen(rights)
    rows = sql.rows(
        f"SELECT r.id, r.object_type, r.properties, r.owner_id, {AT}, r.created_at, r.created_by FROM association a JOIN record r ON r.id = a.to_id"
        f" WHERE a.from_id = %(id)s AND a.label = %(label)s AND r.archived_at IS NULL AND {allowed} ORDER BY r.id DESC LIMIT 1",
        {"id": record_id, "label": PINNED, **params},
    )
    return _activity(rows[0]) if rows else None


def page(about: Sequence[int], kinds: Sequence[str], before: tuple[datetime, int] | None, limit: int, rights: Rights | None = None) -> list[Activity]:
    """Up to `limit` activities of these types that are about any of these records and may be seen, newest first, strictly before the cursor (time, id)."""
    ts, last = before or (None, 0)
    allowed, params = seen(rights, kinds)
    asked = {"about": list(about), "types": list(kinds), "ts": ts, "id": last, "limit": limit, **params}
    return [_activity(row) for row in sql.rows(PAGE.format(seen=allowed), asked)]


def open_tasks(record_id: int, rights: Rights | None = None, limit: int = 5) -> list[Activity]:
    """What is still to be done about a record, the next due first, as far as the reader may see it."""
    allowed, params = seen(rights, ["task"])
    return [_activity(row) for row in sql.rows(OPEN_TASKS.format(seen=allowed), {"id": record_id, "limit": limit, **params})]


def of(row: Contact | Record) -> Activity:
    """A record of an activity type as an activity."""
    assert isinstance(row, Record)
    at = row.properties.get("at")
    return Activity(row.id, row.object_type, row.properties, row.owner_id, datetime.fromisoformat(at) if at else row.created_at, row.created_at, row.created_by)


def about(id: int, kinds: Iterable[str]) -> list[tuple[str, int]]:
    """The records an activity is about: (type, id), contacts first."""
    rows = sql.rows("SELECT DISTINCT to_type, to_id FROM association WHERE from_id = %s AND to_type = ANY(%s)", [id, list(kinds)])
    return sorted(((row[0], row[1]) for row in rows), key=lambda row: (row[0] != "contact", row))


def _activity(row: tuple[Any, ...]) -> Activity:
    id, type, properties, owner_id, at, created_at, created_by = row
    return Activity(id, type, json.loads(properties) if isinstance(properties, str) else properties, owner_id, at, created_at, created_by)


# Text ---------------------------------------------------------------------------

MENTION = re.compile(r'<span data-mention="(\d+)">')
BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "ul", "ol", "table"})
UNSAID = frozenset({"script", "style", "head", "title"})


def html(text: str, mentions: Mapping[str, int] | None = None) -> str:
    """What people typed as HTML; each @name of `mentions` (name -> user id) becomes a mention."""
    done = escape(text.strip(), quote=False)
    for name, user_id in sorted((mentions or {}).items(), key=lambda item: -len(item[0])):
        done = re.sub(rf"(?<!>)@{re.escape(escape(name, quote=False))}", f'<span data-mention="{user_id}">@{escape(name, quote=False)}</span>', done)
    return done.replace("\r\n", "\n").replace("\n", "<br>")


def mentioned(text: str) -> list[int]:
    """The ids of the users an HTML text mentions, in order."""
    return [int(number) for number in dict.fromkeys(MENTION.findall(text))]


def plain(text: str) -> str:
    """An HTML text (ours, or what a program wrote) as people read it: lines, no tags, nothing a browser could run."""
    if "<" not in text:
        return unescape(text)
    reader = _Text()
    reader.feed(text)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSAID:
            self.silent += 1
        elif tag in BREAKS and (tag == "br" or (self.parts and not self.parts[-1].endswith("\n"))):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSAID:
            self.silent = max(0, self.silent - 1)
        elif tag in BREAKS and tag != "br" and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)
