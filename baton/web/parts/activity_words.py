"""Logged activities in words: what happened, who wrote it down, how it ended, and what is written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.html import escape, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.rights import Rights
from baton.crm import activities, properties
from baton.crm import files as kept
from baton.crm.activities import Activity
from baton.platform import clock
from baton.platform.actor import Actor

ICONS = {"note": "notebook-pen", "call": "phone", "meeting": "calendar", "task": "circle-check", "email": "mail", "communication": "message-circle"}
LABELS = {
    "note": gettext_lazy("Note"), "call": gettext_lazy("Call"), "meeting": gettext_lazy("Meeting"), "task": gettext_lazy("Task"),
    "email": gettext_lazy("Logged e-mail"), "communication": gettext_lazy("Text or chat message"),
}  # fmt: skip
GOOD = ("connected", "COMPLETED", "INCOMING_EMAIL")
BAD = ("NO_SHOW", "CANCELED", "no_answer", "busy", "wrong_number")


@dataclass(frozen=True)
class Logged:
    """One activity as the timeline shows it."""

    id: int
    type: str
    at: datetime
    icon: str
    title: str
    by: str
    text: SafeString
    badge: str = ""
    tone: str = ""  # of the badge: good, warn or ""
    facts: str = ""  # length, place, addresses
    done: bool = False
    late: bool = False
    ahead: bool = False
    pinned: bool = False
    may_edit: bool = False
    may_delete: bool = False
    files: list[kept.About] = field(default_factory=list)


def shown(found: Sequence[Activity], users: Mapping[int, str], rights: Rights, pinned: int | None = None) -> dict[int, Logged]:
    """The activities in words, by id; one query for the files of all."""
    attached: dict[int, list[kept.About]] = {}
    for file in kept.of(a.id for a in found):
        attached.setdefault(file.record_id, []).append(file)
    now = clock.now()
    made = {}
    for a in found:
        done = a.properties.get("status") == activities.DONE
        badge, tone = _badge(a)
        made[a.id] = Logged(
            a.id, a.type, a.at, ICONS.get(a.type, "sticky-note"), title(a), _by(a, users), text(a.html), badge, tone, _facts(a), done,
            a.type == "task" and not done and a.at < now, a.at > now, a.id == pinned,
            rights.may(a.type, "edit", [a.owner_id]), rights.may(a.type, "delete", [a.owner_id]), attached.get(a.id, []),
        )  # fmt: skip
    return made


def title(a: Activity) -> str:
    """What an activity is called in a line."""
    own = str(a.properties.get("subject") or a.properties.get("title") or "").strip()
    label = str(LABELS.get(a.type, a.type))
    match a.type:
        case "task" | "email":
            return own or label
        case "call":
            minutes = round(float(a.properties.get("duration") or 0) / 60_000)
            label = _("Call · {n} min").format(n=minutes) if minutes else label
        case "meeting" | "communication":
            name = _option(a, "kind" if a.type == "meeting" else "channel")
            label = name or label
    return f"{label} · {own}" if own else label


def _badge(a: Activity) -> tuple[str, str]:
    if a.type == "task":
        return (_option(a, "priority"), "warn") if a.properties.get("priority") == "HIGH" and a.properties.get("status") != activities.DONE else ("", "")
    name = {"call": "outcome", "meeting": "outcome", "email": "direction"}.get(a.type, "")
    value = str(a.properties.get(name) or "")
    return _option(a, name), "good" if value in GOOD else "warn" if value in BAD else ""


def _option(a: Activity, name: str) -> str:
    value = a.properties.get(name)
    definition = properties.definitions(a.type).get(name)
    return properties.option_label(definition, str(value)) if value and definition else ""


def _by(a: Activity, users: Mapping[int, str]) -> str:
    if a.type == "task":
        return users.get(a.owner_id or 0, "")
    by = Actor.parse(a.created_by)
    return users.get(by.id or 0, "") if by.kind == "user" else users.get(a.owner_id or 0, "")


def _facts(a: Activity) -> str:
    p = a.properties
    match a.type:
        case "meeting":
            return str(p.get("location") or "")
        case "call":
            return " → ".join(str(p[n]) for n in ("from_number", "to_number") if p.get(n))
        case "email":
            return " → ".join(str(p[n]) for n in ("from_email", "to_email") if p.get(n))
    return ""


MENTIONED = re.compile(r"\ue000(.*?)\ue001")


def text(html: str) -> SafeString:
    """The text for the page: lines, links to click, mentions marked; nothing of the HTML it was written in."""
    marked = re.sub(r'<span data-mention="\d+">(.*?)</span>', "\ue000\\1\ue001", html)
    lines = urlize(escape(activities.plain(marked)), nofollow=True)
    return mark_safe(MENTIONED.sub(r'<b class="mention">\1</b>', lines).replace("\n", "<br>"))  # escaped above
