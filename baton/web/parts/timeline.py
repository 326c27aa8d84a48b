"""A record's story, newest first, a page at a time: what people did, what colleagues wrote down, and what changed of the record itself.

A contact's story is his own; a company's holds that of its contacts; every other record has its activities and its changes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm import activities, contacts, merge, pipelines, properties
from baton.crm.models import Merge
from baton.events import timeline
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import Actor

from ..templatetags.fmt import local_day
from . import activity_words, enrolled, event_words
from .event_words import At, Entry
from .subject import Subject

PAGE = 40
PEOPLE = 200  # contacts of a company whose events are shown: those linked last
LOGGED = tuple(activities.TEXT)
SITE = (Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.PAGE_SCROLL, Kind.CTA_CLICK, Kind.DOWNLOAD, Kind.OUTBOUND_CLICK, Kind.VIDEO_WATCHED, Kind.LINK_CLICK)
WEB = (*SITE, Kind.FORM_VIEW, Kind.FORM_START, Kind.FORM_ABANDON, Kind.TRACKING_CHOICE, Kind.IDENTIFIED, Kind.SAID_WHO, Kind.CUSTOM_EVENT)
MAIL = (
    *(Kind.EMAIL_SENT, Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.EMAIL_REPLY, Kind.EMAIL_AUTO_REPLY),
    *(Kind.EMAIL_BOUNCE, Kind.EMAIL_COMPLAINT, Kind.EMAIL_UNSUBSCRIBE, Kind.EMAIL_LOGGED),
)
SALES = (Kind.NOTE, Kind.CALL, Kind.MEETING, Kind.TASK, Kind.MESSAGE_LOGGED, Kind.ATTENDED)
LEADS = (Kind.STAGE_CHANGED, Kind.VERDICT_GIVEN, Kind.PAUSE_STARTED, Kind.PAUSE_ENDED)
MACHINE = (Kind.SCORE_CHANGED, *LEADS, Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT, Kind.WORKFLOW_ENROLLED, Kind.WORKFLOW_FINISHED)


@dataclass(frozen=True)
class Choice:
    """What one button above the timeline shows."""

    label: str | Promise
    events: tuple[Kind, ...] | None = ()  # None: all
    logged: tuple[str, ...] = ()
    changes: bool = False


ALL = Choice(gettext_lazy("All"), None, LOGGED, True)
OF_PEOPLE = {
    "all": ALL,
    "web": Choice(gettext_lazy("Web"), WEB),
    "email": Choice(gettext_lazy("E-mail"), MAIL, ("email",)),
    "form": Choice(gettext_lazy("Forms"), (Kind.FORM_SUBMISSION,)),
    "sales": Choice(gettext_lazy("Sales"), SALES, ("note", "call", "meeting", "task", "communication")),
    "automation": Choice(gettext_lazy("Automation"), MACHINE, (), True),
}
OF_OTHERS = {
    "all": ALL,
    "note": Choice(gettext_lazy("Notes"), (), ("note",)),
    "call": Choice(gettext_lazy("Calls and messages"), (), ("call", "communication", "email")),
    "meeting": Choice(gettext_lazy("Meetings"), (), ("meeting",)),
    "task": Choice(gettext_lazy("Tasks"), (), ("task",)),
    "changes": Choice(gettext_lazy("Changes"), (), (), True),
}

CHANGES = """
SELECT h.id, h.at, h.name, h.old, h.new, h.actor, h.source FROM property_history h
WHERE h.record_id = ANY(%(ids)s) AND h.name = ANY(%(names)s) AND (%(ts)s::timestamptz IS NULL OR (h.at, h.id) < (%(ts)s::timestamptz, %(last)s::bigint))
ORDER BY h.at DESC, h.id DESC LIMIT %(limit)s
"""
CONTACTS = """
SELECT c.id, c.properties FROM (
    SELECT a.to_id, max(a.created_at) AS at FROM association a WHERE a.from_id = %s AND a.to_type = 'contact' GROUP BY a.to_id ORDER BY at DESC LIMIT %s
) l JOIN contact c ON c.id = l.to_id WHERE c.archived_at IS NULL AND """


@dataclass(frozen=True)
class Day:
    day: date
    at: datetime
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """A page of days; `before` continues it ("<ISO time>,<id>"), empty at the end."""

    days: list[Day]
    before: str


def choices(subject: Subject) -> dict[str, Choice]:
    """The kinds by which the record's story can be filtered."""
    return OF_PEOPLE if subject.key in ("contact", "company") else OF_OTHERS


def story(subject: Subject, kind: str, before: str, users: Sequence[User]) -> Story:
    """Up to PAGE entries of a kind of `choices`, from the cursor `before` on. A fixed number of queries."""
    chosen = choices(subject).get(kind, ALL)
    cursor = _cursor(before)
    names = {u.pk: u.name for u in users}
    people = _people(subject)
    events = chosen.events
    if subject.key == "company" and events is None:
        events = tuple(k for k in Kind if k != Kind.SCORE_CHANGED)  # points of many people do not add up to anything
    found = timeline.together(list(people), events, cursor, PAGE) if people and events != () else []
    logged = activities.page([subject.id, *(people if subject.key == "company" else ())], chosen.logged, cursor, PAGE, subject.rights) if chosen.logged else []
    merges = merge.of_record(subject.id) if chosen.changes else []
    walked = enrolled.steps(subject.id, cursor, PAGE) if chosen.changes else []
    changed = _changes(subject, merges, cursor, names) if chosen.changes else []
    made = event_words.entries(found, names, [(subject.id, (a.at, a.id)) for a in logged] if subject.is_person else [])
    if subject.is_person:
        earned, _alone = event_words.earned(found, [(subject.id, (a.at, a.id)) for a in logged])
    else:
        made = [(place, replace(entry, who=people.get(entry.contact_id, ""))) for place, entry in made]
        earned = {}
    words = activity_words.shown(logged, names, subject.rights)
    made += [
        ((a.at, a.id), Entry(a.at, words[a.id].icon, "meeting", words[a.id].title, points=earned.get((subject.id, (a.at, a.id)), 0), logged=words[a.id]))
        for a in logged
    ]
    made = sorted(made + walked + changed + _merges(subject, merges, cursor, names), key=lambda row: row[0], reverse=True)
    ends = [
        source[-1]
        for source in ([e.cursor for e in found], [(a.at, a.id) for a in logged], [p for p, _e in changed], [p for p, _e in walked])
        if len(source) >= PAGE
    ]
    last = max(ends, default=None)  # of what was read whole; what lies before it may have gaps
    if last is not None:
        made = [row for row in made if row[0] >= last]
    return Story(_days(entry for _place, entry in made), f"{last[0].isoformat()},{last[1]}" if last else "")


def _days(entries: Iterable[Entry]) -> list[Day]:
    days: list[Day] = []
    for entry in entries:
        day = local_day(entry.at)
        if not days or days[-1].day != day:
            days.append(Day(day, entry.at))
        days[-1].entries.append(entry)
    return days


def _people(subject: Subject) -> dict[int, str]:
    """The contacts whose events belong to the story, with their names."""
    if subject.is_person:
        return {subject.id: ""}
    if subject.key != "company":
        return {}
    where, params = subject.rights.where("contact", "view", "c")
    rows = sql.rows(CONTACTS + where, [subject.id, PEOPLE, *params])
    return {id: contacts.display_name(json.loads(values) if isinstance(values, str) else values) or f"#{id}" for id, values in rows}


# What changed of the record itself ---------------------------------------------


def _merges(subject: Subject, merges: Sequence[Merge], cursor: At | None, users: Mapping[int, str]) -> list[tuple[At, Entry]]:
    """What was merged into the record, with the way back."""
    made = []
    for m in merges:
        if cursor is None or (m.at, m.id) < cursor:
            title = _("‘{name}’ merged into this record").format(name=m.title or f"#{m.gone_id}")
            detail = f"{who(m.actor, users)} · {_('undone')}" if m.undone_at else who(m.actor, users)
            undo = m.id if m.undone_at is None and subject.may("merge") else 0
            made.append(((m.at, m.id), Entry(m.at, "merge", "stage", title, detail, undo_merge=undo)))
    return made


def _changes(subject: Subject, merges: Sequence[Merge], cursor: At | None, users: Mapping[int, str]) -> list[tuple[At, Entry]]:
    """Owner, stage and being archived; at the end how the record was made."""
    stage = subject.kind.stage_property
    names = ["owner_id", "archived", *([stage] if stage else [])]
    ts, last = cursor or (None, 0)
    rows = sql.rows(CHANGES, {"ids": [subject.id, *(m.gone_id for m in merges if m.undone_at is None)], "names": names, "ts": ts, "last": last, "limit": PAGE})
    labels = {key: label for (_way, key), label in pipelines.stage_labels(subject.key).items()} if stage else {}
    made = []
    for id, at, name, old, new, actor, source in rows:
        was, now = _read(old), _read(new)
        if name == "owner_id":
            entry = Entry(at, "user-round", "stage", _("Owner: {old} → {new}").format(old=users.get(was, "–"), new=users.get(now, "–")))
        elif name == "archived":
            entry = Entry(at, "archive", "stage", _("Archived") if now else _("Restored"))
        else:
            definition = properties.definitions(subject.key).get(name)
            label = properties.label(definition) if definition else name
            entry = Entry(at, "arrow-up-right", "stage", f"{label}: {labels.get(was, was or '–')} → {labels.get(now, now or '–')}")
        made.append(((at, id), replace(entry, detail=who(actor, users, source))))
    first = (subject.row.created_at, 0)
    if len(rows) < PAGE and (cursor is None or first < cursor):
        title = _("{kind} added").format(kind=subject.label)
        made.append((first, Entry(first[0], "plus", "stage", title, who(subject.row.created_by, users, subject.row.source))))
    return made


def _read(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored


def who(stored: str, users: Mapping[int, str], source: str = "") -> str:
    """The actor of a write in words."""
    by = Actor.parse(stored)
    if by.kind == "user":
        return users.get(by.id or 0) or _("a former colleague")
    words = {
        "token": _("a program"), "form": _("a form"), "workflow": _("a workflow"), "import": _("an import"), "visitor": _("the person"),
        "system": _("a form") if source == "form" else _("an import") if source == "import" else "Baton",
    }  # fmt: skip
    return words[by.kind]


# News of an open page ------------------------------------------------------------


def newest(contact_id: int, rights: Rights) -> str:
    """The cursor of the newest thing in a contact's story, "" where there is none."""
    seen, params = activities.seen(rights)
    found = [e.cursor for e in timeline.together([contact_id], None, None, 1)]
    found += sql.rows(
        "SELECT r.created_at, r.id FROM association a JOIN record r ON r.id = a.to_id WHERE a.from_id = %(id)s AND a.to_type = ANY(%(types)s)"
        f" AND {seen} ORDER BY r.created_at DESC, r.id DESC LIMIT 1",
        {"id": contact_id, "types": list(LOGGED), **params},
    )
    last = max(found, default=None)
    return f"{last[0].isoformat()},{last[1]}" if last else ""


def newer(contact_id: int, since: str, rights: Rights) -> int:
    """How many entries came after a cursor of `newest`."""
    at = _cursor(since)
    seen, allowed = activities.seen(rights)
    hidden = [int(Kind.PAGE_DWELL), int(Kind.SCORE_CHANGED)]
    after, params = (" AND (ts, id) > (%s, %s)", [*at]) if at else ("", [])
    events = sql.rows(f"SELECT count(*) FROM event WHERE contact_id = %s AND kind <> ALL(%s) AND NOT payload ? 'record'{after}", [contact_id, hidden, *params])
    later = " AND (r.created_at, r.id) > (%(at)s, %(last)s)" if at else ""
    logged = sql.rows(
        "SELECT count(*) FROM (SELECT DISTINCT a.to_id FROM association a WHERE a.from_id = %(id)s AND a.to_type = ANY(%(types)s)) l"
        f" JOIN record r ON r.id = l.to_id WHERE r.archived_at IS NULL AND {seen}{later}",
        {"id": contact_id, "types": list(LOGGED), **allowed, **(dict(zip(("at", "last"), at, strict=True)) if at else {})},
    )
    return int(events[0][0]) + int(logged[0][0])


def edited(id: int, opened: str, me: Actor) -> bool:
    """Whether a colleague changed a value of the record since the moment its page was drawn ("<ISO time>")."""
    try:
        since = datetime.fromisoformat(opened)
    except ValueError:
        return False
    rows = sql.rows(
        "SELECT 1 FROM property_history WHERE record_id = %s AND at > %s AND actor LIKE 'user:%%' AND actor <> %s AND name <> 'archived' LIMIT 1",
        [id, since, str(me)],
    )
    return bool(rows)


def _cursor(before: str) -> At | None:
    try:
        at, _comma, id = before.rpartition(",")
        return (datetime.fromisoformat(at), int(id)) if before else None
    except ValueError:
        return None
