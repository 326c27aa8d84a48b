"""Events in words: each becomes an entry, a dwell joins its page view, points join what earned them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from baton.crm import properties
from baton.events.timeline import Event
from baton.events.vocabulary import HUMAN, Kind
from baton.forms.models import FormSubmission
from baton.messaging.incoming import bounces
from baton.platform import sql
from baton.segments import pauses, verdicts

from ..templatetags.fmt import day_only, num, signed, spent
from .hit_words import Hit, hit

VISITS = (Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.CTA_CLICK, Kind.DOWNLOAD)
EARNED_WITHIN = timedelta(seconds=90)  # points that came later than this are an entry of their own
At = tuple[datetime, int]  # time and id: where something stands in a timeline


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
    contact_id: int = 0  # whose event it is
    who: str = ""  # his name, where the timeline is not his own
    logged: Any = None  # an activity_words.Logged: what people wrote down and may change
    undo_merge: int = 0  # the merge that the reader may take back
    hit: Hit | None = None  # who probably opened or clicked


def entries(found: Sequence[Event], users: Mapping[int, str], acts: Collection[tuple[int, At]] = ()) -> list[tuple[At, Entry]]:
    """The entries of events, newest first, each with its place. `acts` are (contact, place) of logged activities, which earn points too."""
    dwells = {(e.contact_id, e.ts, e.id - 1): e.value for e in found if e.kind == Kind.PAGE_DWELL}
    scrolls = {(e.contact_id, e.ts, e.id - 2): e.value for e in found if e.kind == Kind.PAGE_SCROLL}
    views = {(e.contact_id, e.ts, e.id) for e in found if e.kind == Kind.PAGE_VIEW}
    known_since = _identified({contact for contact, _ts, _id in views})
    answers = _answers(found)
    points, alone = earned(found, acts)
    made = []
    for event in found:
        place = (event.contact_id, event.ts, event.id)
        if event.kind == Kind.PAGE_DWELL and (event.contact_id, event.ts, event.id - 1) in views:
            continue
        if event.kind == Kind.PAGE_SCROLL and (event.contact_id, event.ts, event.id - 2) in views:
            continue
        if event.kind == Kind.SCORE_CHANGED and (event.contact_id, event.cursor) not in alone:
            continue
        entry = _entry(event, users, dwells.get(place), scrolls.get(place), answers)
        since = known_since.get(event.contact_id)
        made.append(
            (
                event.cursor,
                replace(
                    entry,
                    contact_id=event.contact_id,
                    points=points.get((event.contact_id, event.cursor), entry.points),
                    anonymous=since is not None and event.ts < since and event.kind in VISITS,
                    hit=hit(event, users),
                ),
            )
        )
    return made


def earned(found: Sequence[Event], acts: Collection[tuple[int, At]]) -> tuple[dict[tuple[int, At], int], set[tuple[int, At]]]:
    """Points of score changes given to the act just before them, by (contact, place); and the changes that no act explains."""
    given: dict[tuple[int, At], int] = {}
    alone: set[tuple[int, At]] = set()
    last: dict[int, At] = {}
    steps: list[tuple[At, int, Event | None]] = [(e.cursor, e.contact_id, e) for e in found]
    steps += [(place, contact, None) for contact, place in acts]
    for place, contact, event in sorted(steps, key=lambda step: step[0]):
        if event is None or (event.kind in HUMAN and event.kind != Kind.PAGE_DWELL):
            last[contact] = place
        elif event.kind == Kind.SCORE_CHANGED:
            act = last.get(contact)
            if act and event.ts - act[0] <= EARNED_WITHIN:
                given[contact, act] = given.get((contact, act), 0) + round(event.value or 0)
            else:
                alone.add((contact, place))
    return given, alone


def _identified(contact_ids: Collection[int]) -> dict[int, datetime]:
    """When visitors got a name; what they did before was anonymous."""
    if not contact_ids:
        return {}
    rows = sql.rows("SELECT contact_id, min(ts) FROM event WHERE contact_id = ANY(%s) AND kind = %s GROUP BY 1", [list(contact_ids), int(Kind.IDENTIFIED)])
    return dict(rows)


def _answers(found: Sequence[Event]) -> dict[int, str]:
    """What people wrote into a form besides their own properties, by submission."""
    sent = [e for e in found if e.kind == Kind.FORM_SUBMISSION and str(e.payload.get("submission", "")).isdigit()]
    if not sent:
        return {}
    known = properties.definitions("contact")
    ids = [int(e.payload["submission"]) for e in sent]
    rows = FormSubmission.objects.filter(contact_id__in={e.contact_id for e in sent}, id__in=ids).values_list("id", "values")
    return {id: "\n".join(str(v) for k, v in values.items() if k not in known and isinstance(v, str) and v.strip()) for id, values in rows}


def _entry(event: Event, users: Mapping[int, str], dwell: float | None, scroll: float | None, answers: Mapping[int, str]) -> Entry:
    name = event.key_label or event.key_value
    said = event.payload
    by_program = _("probably a program") if said.get("machine") and "human" not in said else ""  # the others say it in their own part
    match event.kind:
        case Kind.PAGE_VIEW:
            stayed = spent(dwell) if dwell else ""
            read = _("read to {percent}").format(percent=f"{num(scroll)} %") if scroll else ""
            detail = " · ".join(
                filter(None, (_page(event), stayed, read, _("from {host}").format(host=urlsplit(said["referrer"]).netloc) if _foreign(said) else ""))
            )
            return Entry(event.ts, "mouse-pointer-click" if "pric" in event.key_value else "globe", "web", _("Viewed ‘{page}’").format(page=name), detail)
        case Kind.PAGE_DWELL:
            return Entry(event.ts, "timer", "web", _("Stayed on ‘{page}’").format(page=name), spent(event.value or 0))
        case Kind.PAGE_SCROLL:
            return Entry(event.ts, "arrow-down", "web", _("Read ‘{page}’").format(page=name), f"{num(event.value or 0)} %")
        case Kind.OUTBOUND_CLICK:
            return Entry(event.ts, "arrow-up-right", "web", _("Left for {address}").format(address=name), str(said.get("page", "")))
        case Kind.VIDEO_WATCHED:
            return Entry(event.ts, "circle-play", "web", _("Watched ‘{video}’").format(video=name), f"{num(event.value or 0)} %")
        case Kind.LINK_CLICK:
            return Entry(
                event.ts, "link", "web", _("Opened the link ‘{name}’").format(name=name), " · ".join(filter(None, (str(said.get("url", "")), by_program)))
            )
        case Kind.TRACKING_CHOICE:
            title = _("Agreed to tracking") if event.key_value == "granted" else _("Refused tracking")
            return Entry(event.ts, "shield-check", "web", title, str(said.get("page", "")))
        case Kind.FORM_VIEW:
            return Entry(event.ts, "clipboard-list", "web", _("Saw the form ‘{form}’").format(form=name), str(said.get("page", "")))
        case Kind.FORM_START:
            return Entry(event.ts, "clipboard-list", "web", _("Began to fill in ‘{form}’").format(form=name), str(said.get("page", "")))
        case Kind.FORM_ABANDON:
            return Entry(event.ts, "clipboard-list", "web", _("Left ‘{form}’ unsent").format(form=name), str(said.get("page", "")))
        case Kind.SAID_WHO:
            return Entry(event.ts, "link", "stage", _("The website said who this is"), str(said.get("email", "")))
        case Kind.ATTENDED:
            stayed = spent(event.value * 60) if event.value else ""
            return Entry(
                event.ts, "users-round", "meeting", _("Attended ‘{name}’").format(name=name), " · ".join(filter(None, (stayed, str(said.get("text", "")))))
            )
        case Kind.CTA_CLICK:
            return Entry(event.ts, "mouse-pointer-click", "web", _("Clicked ‘{name}’").format(name=name), str(said.get("page", "")))
        case Kind.CUSTOM_EVENT:
            details = "\n".join(f"{key}: {value}" for key, value in (said.get("properties") or {}).items())
            return Entry(event.ts, "mouse-pointer-click", "web", name, "", details)
        case Kind.DOWNLOAD:
            return Entry(event.ts, "file-down", "web", _("Downloaded ‘{file}’").format(file=name.rpartition("/")[2] or name), str(said.get("page", "")))
        case Kind.FORM_SUBMISSION:
            quote = answers.get(int(said["submission"]), "") if str(said.get("submission", "")).isdigit() else ""
            return Entry(event.ts, "clipboard-list", "form", _("Sent the form ‘{form}’").format(form=name), str(said.get("page", "") or ""), quote)
        case Kind.IDENTIFIED:
            words = {"form": _("by sending a form"), "email_click": _("by a click in an e-mail"), "api": _("by the website"), "site": _("by the website")}
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
            return Entry(event.ts, "mail-x", "mail", _("‘{email}’ came back").format(email=name), bounces.words(str(said.get("reason", ""))))
        case Kind.EMAIL_COMPLAINT:
            return Entry(event.ts, "mail-x", "mail", _("Reported ‘{email}’ as spam").format(email=name))
        case Kind.EMAIL_REPLY:
            return Entry(event.ts, "reply", "mail", _("Answered ‘{email}’").format(email=name), str(said.get("subject", "")), str(said.get("text", "")))
        case Kind.EMAIL_AUTO_REPLY:
            return Entry(event.ts, "reply", "mail", _("An automatic answer to ‘{email}’").format(email=name), str(said.get("subject", "")))
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
            why = str(said.get("reason") or "") or _cause(str(said.get("cause") or (said.get("actor") if said.get("source") != "rule" else "rule") or ""))
            return Entry(event.ts, "arrow-up-right", "stage", _("Lifecycle stage: {old} → {new}").format(old=old or "–", new=new or "–"), why)
        case Kind.SEGMENT_JOINED:
            return Entry(event.ts, "list-plus", "stage", _("Joined the list ‘{name}’").format(name=name))
        case Kind.SEGMENT_LEFT:
            return Entry(event.ts, "list-minus", "stage", _("Left the list ‘{name}’").format(name=name))
        case Kind.VERDICT_GIVEN:
            verdict = str(verdicts.WORDS.get(event.key_value, event.key_value))
            return Entry(
                event.ts, "gavel", "stage", _("Verdict of sales: {verdict}").format(verdict=verdict), _author(said, users), str(said.get("reason") or "")
            )
        case Kind.PAUSE_STARTED:
            until = str(said.get("until") or "")
            title = _("No marketing until {day}").format(day=day_only(datetime.fromisoformat(until))) if until else _("No marketing")
            return Entry(event.ts, "circle-pause", "stage", title, _author(said, users), str(said.get("reason") or ""))
        case Kind.PAUSE_ENDED:
            why = str(pauses.ENDINGS.get(event.key_value, ""))
            return Entry(event.ts, "circle-play", "stage", _("The pause is over"), why, str(said.get("reason") or ""))
        case Kind.WORKFLOW_ENROLLED:
            return Entry(event.ts, "workflow", "workflow", _("Started the workflow ‘{name}’").format(name=name))
        case Kind.WORKFLOW_FINISHED:
            return Entry(event.ts, "workflow", "workflow", _("Finished the workflow ‘{name}’").format(name=name))
        case Kind.NOTE:
            return Entry(event.ts, "notebook-pen", "meeting", _("Note"), _author(said, users), str(said.get("text", "")))
        case Kind.CALL:
            return Entry(event.ts, "phone", "meeting", _("Call"), _author(said, users), str(said.get("text", "")))
        case Kind.MEETING:
            return Entry(event.ts, "calendar", "meeting", _("Meeting"), _author(said, users) or name, str(said.get("text", "")))
        case Kind.TASK:
            return Entry(event.ts, "circle-check", "meeting", _("Task done"), _author(said, users), str(said.get("text", "")))
        case Kind.EMAIL_LOGGED:
            return Entry(event.ts, "mail", "meeting", _("Logged e-mail"), _author(said, users), str(said.get("text", "")))
        case Kind.MESSAGE_LOGGED:
            return Entry(event.ts, "message-circle", "meeting", _("Message"), _author(said, users), str(said.get("text", "")))


def _page(event: Event) -> str:
    return event.key_value if event.key_label else ""


def _foreign(said: Mapping[str, Any]) -> bool:
    """A referrer on another host than the page."""
    referrer = urlsplit(str(said.get("referrer") or "")).netloc
    return bool(referrer) and referrer != urlsplit(str(said.get("url") or "")).netloc


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
