"""One contact's story in words: events become entries, a dwell joins its page view, points join what earned them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.models import User
from baton.crm import properties
from baton.events import timeline
from baton.events.timeline import Event
from baton.events.vocabulary import HUMAN, Kind
from baton.forms.models import FormSubmission
from baton.platform import sql

from ..templatetags.fmt import local_day, num, signed

PAGE = 40
KINDS: dict[str, tuple[str | Promise, tuple[Kind, ...]]] = {
    "all": (gettext_lazy("All"), ()),
    "web": (gettext_lazy("Web"), (Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.CTA_CLICK, Kind.DOWNLOAD, Kind.IDENTIFIED)),
    "email": (gettext_lazy("E-mail"), (Kind.EMAIL_SENT, Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.EMAIL_BOUNCE, Kind.EMAIL_UNSUBSCRIBE)),
    "form": (gettext_lazy("Forms"), (Kind.FORM_SUBMISSION,)),
    "sales": (gettext_lazy("Sales"), (Kind.NOTE, Kind.CALL, Kind.MEETING)),
    "automation": (
        gettext_lazy("Automation"),
        (Kind.SCORE_CHANGED, Kind.STAGE_CHANGED, Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT, Kind.WORKFLOW_ENROLLED, Kind.WORKFLOW_FINISHED),
    ),
}
VISITS = (Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.CTA_CLICK, Kind.DOWNLOAD)
EARNED_WITHIN = timedelta(seconds=90)  # points that came later than this are an entry of their own


@dataclass(frozen=True)
class Entry:
    """One line of the timeline; `tone` is web, mail, form, meeting, stage or workflow."""

    at: datetime
    icon: str
    tone: str
    title: str
    detail: str = ""
    quote: str = ""
    points: int = 0
    anonymous: bool = False


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


def story(contact_id: int, kind: str, before: str, users: Sequence[User]) -> Story:
    """Up to PAGE events of a kind of KINDS, newest first, from the cursor `before` on."""
    kinds = KINDS.get(kind, KINDS["all"])[1]
    found = timeline.page(contact_id, kinds or None, _cursor(before), PAGE)
    entries = _entries(contact_id, found, {u.pk: u.name for u in users})
    days: list[Day] = []
    for entry in entries:
        day = local_day(entry.at)
        if not days or days[-1].day != day:
            days.append(Day(day, entry.at))
        days[-1].entries.append(entry)
    last = found[-1] if len(found) == PAGE else None
    return Story(days, f"{last.ts.isoformat()},{last.id}" if last else "")


def newest(contact_id: int) -> str:
    """The cursor of the newest event, "" where there is none."""
    found = timeline.page(contact_id, None, None, 1)
    return f"{found[0].ts.isoformat()},{found[0].id}" if found else ""


def newer(contact_id: int, since: str) -> int:
    """How many entries came after a cursor of `newest`."""
    at = _cursor(since)
    hidden = [int(Kind.PAGE_DWELL), int(Kind.SCORE_CHANGED)]
    after, params = (" AND (ts, id) > (%s, %s)", [*at]) if at else ("", [])
    return int(sql.rows(f"SELECT count(*) FROM event WHERE contact_id = %s AND kind <> ALL(%s){after}", [contact_id, hidden, *params])[0][0])


def _cursor(before: str) -> tuple[datetime, int] | None:
    try:
        at, _comma, id = before.rpartition(",")
        return (datetime.fromisoformat(at), int(id)) if before else None
    except ValueError:
        return None


def _entries(contact_id: int, found: Sequence[Event], users: Mapping[int, str]) -> list[Entry]:
    dwells = {(e.ts, e.id - 1): e.value for e in found if e.kind == Kind.PAGE_DWELL}
    views = {(e.ts, e.id) for e in found if e.kind == Kind.PAGE_VIEW}
    known_since = _identified(contact_id) if views else None
    answers = _answers(contact_id, found)
    points, alone = _points(found)
    entries = []
    for event in found:
        if event.kind == Kind.PAGE_DWELL and (event.ts, event.id - 1) in views:
            continue
        if event.kind == Kind.SCORE_CHANGED and (event.ts, event.id) not in alone:
            continue
        entry = _entry(event, users, dwells.get((event.ts, event.id)), answers)
        entries.append(
            replace(
                entry,
                points=points.get((event.ts, event.id), entry.points),
                anonymous=known_since is not None and event.ts < known_since and event.kind in VISITS,
            )
        )
    return entries


def _identified(contact_id: int) -> datetime | None:
    """When the visitor got a name; what he did before was anonymous."""
    found = sql.rows("SELECT min(ts) FROM event WHERE contact_id = %s AND kind = %s", [contact_id, int(Kind.IDENTIFIED)])
    return found[0][0] if found else None


def _answers(contact_id: int, found: Sequence[Event]) -> dict[int, str]:
    """What people wrote into a form besides their own properties, by submission."""
    ids = [int(e.payload["submission"]) for e in found if e.kind == Kind.FORM_SUBMISSION and str(e.payload.get("submission", "")).isdigit()]
    if not ids:
        return {}
    known = properties.definitions("contact")
    rows = FormSubmission.objects.filter(contact_id=contact_id, id__in=ids).values_list("id", "values")
    return {id: "\n".join(str(v) for k, v in values.items() if k not in known and isinstance(v, str) and v.strip()) for id, values in rows}


def _points(found: Sequence[Event]) -> tuple[dict[tuple[datetime, int], int], set[tuple[datetime, int]]]:
    """Points of score changes given to the act just before them; and the changes that no act explains."""
    given: dict[tuple[datetime, int], int] = {}
    alone: set[tuple[datetime, int]] = set()
    act: Event | None = None
    for event in reversed(found):
        if event.kind in HUMAN and event.kind != Kind.PAGE_DWELL:
            act = event
        elif event.kind == Kind.SCORE_CHANGED:
            if act and event.ts - act.ts <= EARNED_WITHIN:
                at = (act.ts, act.id)
                given[at] = given.get(at, 0) + round(event.value or 0)
            else:
                alone.add((event.ts, event.id))
    return given, alone


def _entry(event: Event, users: Mapping[int, str], dwell: float | None, answers: Mapping[int, str]) -> Entry:
    name = event.key_label or event.key_value
    said = event.payload
    by_program = _("probably opened by a program, not a person") if said.get("machine") else ""
    match event.kind:
        case Kind.PAGE_VIEW:
            spent = _duration(dwell) if dwell else ""
            detail = " · ".join(filter(None, (_page(event), spent, _("from {host}").format(host=urlsplit(said["referrer"]).netloc) if _foreign(said) else "")))
            return Entry(event.ts, "mouse-pointer-click" if "pric" in event.key_value else "globe", "web", _("Viewed ‘{page}’").format(page=name), detail)
        case Kind.PAGE_DWELL:
            return Entry(event.ts, "timer", "web", _("Stayed on ‘{page}’").format(page=name), _duration(event.value or 0))
        case Kind.CTA_CLICK:
            return Entry(event.ts, "mouse-pointer-click", "web", _("Clicked ‘{name}’").format(name=name), str(said.get("page", "")))
        case Kind.DOWNLOAD:
            return Entry(event.ts, "file-down", "web", _("Downloaded ‘{file}’").format(file=name.rpartition("/")[2] or name), str(said.get("page", "")))
        case Kind.FORM_SUBMISSION:
            quote = answers.get(int(said["submission"]), "") if str(said.get("submission", "")).isdigit() else ""
            return Entry(event.ts, "clipboard-list", "form", _("Sent the form ‘{form}’").format(form=name), str(said.get("page", "") or ""), quote)
        case Kind.IDENTIFIED:
            words = {"form": _("by sending a form"), "email_click": _("by a click in an e-mail"), "api": _("by the website")}
            views = int(said.get("views") or event.value or 0)
            return Entry(
                event.ts,
                "link",
                "stage",
                _("The visitor became known"),
                " · ".join(
                    filter(None, (words.get(str(said.get("by")), ""), _("{n} earlier page views belong to this contact").format(n=num(views)) if views else ""))
                ),
            )
        case Kind.EMAIL_SENT:
            return Entry(event.ts, "mail", "mail", _("Was sent ‘{email}’").format(email=name))
        case Kind.EMAIL_OPEN:
            return Entry(event.ts, "mail-open", "mail", _("Opened ‘{email}’").format(email=name), by_program)
        case Kind.EMAIL_CLICK:
            return Entry(
                event.ts,
                "mail-open",
                "mail",
                _("Clicked a link in ‘{email}’").format(email=name),
                " · ".join(filter(None, (str(said.get("url", "")), by_program))),
            )
        case Kind.EMAIL_BOUNCE:
            return Entry(event.ts, "mail-x", "mail", _("‘{email}’ came back").format(email=name), str(said.get("reason", "")))
        case Kind.EMAIL_UNSUBSCRIBE:
            return Entry(event.ts, "mail-x", "mail", _("Unsubscribed from e-mails"), name)
        case Kind.SCORE_CHANGED:
            change, total = round(event.value or 0), said.get("total")
            return Entry(
                event.ts,
                "gauge",
                "stage",
                _("Score {change}").format(change=signed(change)),
                _("now {total}").format(total=total) if total is not None else "",
                points=change,
            )
        case Kind.STAGE_CHANGED:
            stage = properties.definitions("contact")["lifecyclestage"]
            old, new = (properties.option_label(stage, str(said.get(k) or "")) for k in ("from", "to"))
            new = new or properties.option_label(stage, event.key_value)
            return Entry(
                event.ts, "arrow-up-right", "stage", _("Lifecycle stage: {old} → {new}").format(old=old or "–", new=new), _cause(str(said.get("cause") or ""))
            )
        case Kind.SEGMENT_JOINED:
            return Entry(event.ts, "list-plus", "stage", _("Joined the list ‘{name}’").format(name=name))
        case Kind.SEGMENT_LEFT:
            return Entry(event.ts, "list-minus", "stage", _("Left the list ‘{name}’").format(name=name))
        case Kind.WORKFLOW_ENROLLED:
            return Entry(event.ts, "workflow", "workflow", _("Started the workflow ‘{name}’").format(name=name))
        case Kind.WORKFLOW_FINISHED:
            return Entry(event.ts, "workflow", "workflow", _("Finished the workflow ‘{name}’").format(name=name))
        case Kind.NOTE:
            return Entry(event.ts, "notebook-pen", "meeting", _("Note"), _author(said, users), str(said.get("text", "")))
        case Kind.CALL:
            return Entry(event.ts, "phone", "meeting", _("Call"), _author(said, users), str(said.get("text", "")))
        case Kind.MEETING:
            return Entry(event.ts, "presentation", "meeting", _("Meeting"), _author(said, users) or name, str(said.get("text", "")))


def _page(event: Event) -> str:
    return event.key_value if event.key_label else ""


def _foreign(said: Mapping[str, Any]) -> bool:
    """A referrer on another host than the page."""
    referrer = urlsplit(str(said.get("referrer") or "")).netloc
    return bool(referrer) and referrer != urlsplit(str(said.get("url") or "")).netloc


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return _("{m} min {s} s").format(m=whole // 60, s=whole % 60) if whole >= 60 else _("{s} s").format(s=whole)


def _author(said: Mapping[str, Any], users: Mapping[int, str]) -> str:
    kind, _colon, number = str(said.get("actor", "")).partition(":")
    return users.get(int(number), "") if kind == "user" and number.isdigit() else str(said.get("by", ""))


def _cause(cause: str) -> str:
    kind, _colon, rest = cause.partition(":")
    words = {
        "score": _("by score"),
        "user": _("by hand"),
        "workflow": _("by a workflow"),
        "rule": _("by rule"),
        "form": _("by a form"),
        "system": "",
        "token": _("by a program"),
        "import": _("by an import"),
    }
    return words.get(kind, rest or kind)
