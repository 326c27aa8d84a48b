"""The form that writes an activity down, or changes one: which fields each type has, and how they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.models import User
from baton.crm import activities, properties
from baton.crm.activities import Activity
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

from .activity_words import ICONS, LABELS
from .links import Panel
from .subject import Subject

TABS = ("note", "email", "call", "task", "meeting", "communication")
FIELDS: dict[str, tuple[str, ...]] = {
    "note": ("body",),
    "call": ("body", "outcome", "direction", "at", "minutes"),
    "meeting": ("title", "kind", "outcome", "at", "minutes", "location", "body"),
    "task": ("subject", "at", "owner_id", "priority", "kind", "body"),
    "email": ("subject", "direction", "at", "text"),
    "communication": ("body", "channel", "at"),
}
FIRST = {"call": {"outcome": "connected", "direction": "outbound"}, "meeting": {"kind": "meeting", "outcome": "COMPLETED", "minutes": "60"},
         "task": {"priority": "NONE", "kind": "TODO"}, "email": {"direction": "EMAIL"}, "communication": {"channel": "KAKAOTALK"}}  # fmt: skip
NEEDED = ("subject", "at")
WORDS: dict[str, str | Promise] = {"minutes": gettext_lazy("Minutes"), "location": gettext_lazy("Place")}
TIMES: dict[str, str | Promise] = {"task": gettext_lazy("Due"), "meeting": gettext_lazy("Start"), "call": gettext_lazy("When")}
HINTS: dict[str, str | Promise] = {
    "call": gettext_lazy("What was said"), "meeting": gettext_lazy("What was discussed and agreed"), "task": gettext_lazy("Notes for whoever does it"),
    "email": gettext_lazy("Text of the e-mail"), "communication": gettext_lazy("What was written"),
}  # fmt: skip
LEAST = {"call": gettext_lazy("Log call"), "meeting": gettext_lazy("Log meeting"), "task": gettext_lazy("Create task"), "email": gettext_lazy("Log e-mail"),
         "communication": gettext_lazy("Log message"), "note": gettext_lazy("Save note")}  # fmt: skip
SHORT: dict[str, str | Promise] = {"email": gettext_lazy("E-mail"), "communication": gettext_lazy("Text · chat")}  # in a row of buttons
ALSO = 5  # other records offered to log it with


@dataclass(frozen=True)
class Input:
    """One field. `shape`: area, select, or the type of an input."""

    name: str
    label: str
    shape: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    hint: str = ""
    required: bool = False


@dataclass
class Composer:
    """The form as it is shown."""

    subject: Subject
    type: str
    users: Sequence[User]
    values: Mapping[str, str]
    id: int | None = None  # of the activity that is changed
    faults: dict[str, str] = field(default_factory=dict)
    also: list[tuple[str, str, bool]] = field(default_factory=list)  # ("contact:5", name, chosen)

    @property
    def url(self) -> str:
        base = f"{self.subject.url}activities/{self.type}/"
        return base if self.id is None else f"{base}{self.id}/"

    @property
    def send(self) -> str:
        return str(_("Save") if self.id is not None else LEAST[self.type])

    @property
    def tabs(self) -> list[tuple[str, str, str]]:
        return [(type, ICONS[type], str(SHORT.get(type, LABELS[type]))) for type in TABS if self.subject.may_log(type)]

    @property
    def inputs(self) -> list[Input]:
        return [self._input(name) for name in FIELDS[self.type]]

    @property
    def first(self) -> Input:
        """What is written at once: a note's text, a task's title."""
        return self.inputs[0]

    @property
    def others(self) -> list[Input]:
        """The small fields, in a row."""
        return [row for row in self.inputs[1:] if row.shape != "area"]

    @property
    def text(self) -> Input | None:
        """The long text, where it is not the first field."""
        return next((row for row in self.inputs[1:] if row.shape == "area"), None)

    @property
    def other_faults(self) -> list[str]:
        names = FIELDS[self.type]
        return [text for name, text in self.faults.items() if name not in names]

    def _input(self, name: str) -> Input:
        definition = properties.definitions(self.type).get(name)
        label = str(TIMES[self.type] if name == "at" and self.type in TIMES else WORDS.get(name) or (properties.label(definition) if definition else name))
        shape, options = "text", tuple[tuple[str, str], ...]()
        if name in ("body", "text"):
            shape = "area"
        elif name == "at":
            shape = "datetime-local"
        elif name == "minutes":
            shape = "number"
        elif name == "owner_id":
            shape, options = "select", tuple((str(u.pk), u.name) for u in self.users)
        elif definition is not None and definition.options:
            shape = "select"
            options = tuple((o["value"], properties.option_label(definition, o["value"])) for o in definition.options if not o.get("archived"))
        hint = str(HINTS.get(self.type, "")) if shape == "area" else ""
        if shape == "area" and self.type == "note":
            about = _("Write a note about {name}. @ calls a colleague.").format(name=self.subject.name)
            hint = about if self.subject.is_person else _("Write a note. @ calls a colleague.")
        return Input(name, label, shape, str(self.values.get(name, "")), options, self.faults.get(name, ""), hint, name in NEEDED and self.type == "task")


def blank(subject: Subject, type: str, users: Sequence[User], panels: Mapping[str, Panel]) -> Composer:
    """An empty form of a type. The panels tell with whom else it may be logged."""
    now = clock.now().astimezone(config().zone)
    at = now.replace(minute=0) + timedelta(days=1) if type == "task" else now
    if type == "task":
        at = at.replace(hour=9)
    values = {"at": at.strftime("%Y-%m-%dT%H:%M"), "owner_id": str(subject.me.pk), **FIRST.get(type, {})}
    return Composer(subject, type, users, values, also=_also(subject, panels))


def of(subject: Subject, activity: Activity, users: Sequence[User]) -> Composer:
    """The form of an activity that is there."""
    p = activity.properties
    values = {name: str(p.get(name) if p.get(name) is not None else "") for name in FIELDS[activity.type]}
    values["at"] = activity.at.astimezone(config().zone).strftime("%Y-%m-%dT%H:%M")
    for name in ("body", "text"):
        if name in values:
            values[name] = activities.plain(activity.html)
    values["owner_id"] = str(activity.owner_id or "")
    if activity.type == "call":
        values["minutes"] = str(round(float(p["duration"]) / 60_000)) if p.get("duration") else ""
    elif activity.type == "meeting" and p.get("ends_at"):
        values["minutes"] = str(round((datetime.fromisoformat(p["ends_at"]) - activity.at).total_seconds() / 60))
    return Composer(subject, activity.type, users, values, activity.id)


def _also(subject: Subject, panels: Mapping[str, Panel]) -> list[tuple[str, str, bool]]:
    """Who else it may be about: a deal's people (the first one is chosen), a person's deals."""
    other = "deal" if subject.is_person else "contact"
    rows = panels[other].rows[:ALSO] if other in panels else []
    return [
        (f"{other}:{row.id}", row.name, n == 0 and subject.key in ("deal", "ticket"))
        for n, row in enumerate(rows)
        if not (other == "deal" and row.tone != "accent")
    ]


def read(type: str, given: QueryDict, users: Sequence[User]) -> dict[str, Any]:
    """The values of a sent form as properties. Raises Invalid at `<field>`."""
    asked = {name: str(given.get(name, "")).strip() for name in FIELDS[type] if name in given}
    values: dict[str, Any] = {name: text for name, text in asked.items() if name != "minutes"}
    mentions = {u.name: u.pk for u in users}
    for name in ("body", "text"):
        if name in values:
            values[name] = activities.html(values[name], {n: id for n, id in mentions.items() if f"@{n}" in values[name]} if name == "body" else None)
    if "at" in values and not values["at"]:
        del values["at"]
    minutes = _minutes(asked.get("minutes", ""))
    if type == "call" and "minutes" in asked:
        values["duration"] = minutes * 60_000 if minutes is not None else None
    if type == "meeting" and "at" in values:
        values["starts_at"] = values["at"]
        if minutes is not None:
            begin = datetime.fromisoformat(values["at"])
            values["ends_at"] = (begin + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")
    return values


def _minutes(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > 100_000:
        raise Invalid([Problem("minutes", "INVALID_NUMBER", _("A length is a whole number of minutes."))])
    return int(text)


def chosen(given: QueryDict) -> list[tuple[str, int]]:
    """The records ticked to log it with: (type, id)."""
    found = []
    for text in given.getlist("also"):
        type, _colon, number = text.partition(":")
        if type in ("contact", "deal") and number.isascii() and number.isdigit() and len(number) < 19:
            found.append((type, int(number)))
    return found
