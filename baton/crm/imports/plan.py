"""A row of the file as records: which values, which links, which consent, and what could not be read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm import properties, types, values
from baton.crm.imports import matching, parse
from baton.crm.imports.convert import Convert, Ways, converter
from baton.crm.imports.options import Options
from baton.crm.imports.reading import Row
from baton.crm.imports.targets import ACTIVITIES, ACTIVITY, Target
from baton.crm.imports.words import folded
from baton.crm.models import Import
from baton.crm.values import Fault
from baton.platform.config import config

ORDER = ("product", "company", "contact", "deal", "ticket")  # what others are linked to is made first
BROKEN = "\ufffd"  # a byte that is no letter of the encoding


@dataclass(slots=True)
class Problem:
    """What is wrong with a row, or with one value of it."""

    column: str
    code: str
    message: str


@dataclass(slots=True)
class Item:
    """One row, read."""

    number: int
    cells: Row
    values: dict[str, dict[str, Any]] = field(default_factory=dict)  # object type -> name -> value; None clears
    ids: dict[str, int] = field(default_factory=dict)  # object type -> Baton's own number
    emails: list[str] = field(default_factory=list)
    links: list[tuple[str, str, str, str]] = field(default_factory=list)  # type, by, text, header
    consents: dict[str, bool] = field(default_factory=dict)
    consent_at: dict[str, datetime] = field(default_factory=dict)
    created: dict[str, datetime] = field(default_factory=dict)
    minutes: float | None = None  # he attended
    problems: list[Problem] = field(default_factory=list)
    kept: int = 0  # phones kept as they were written
    lost: bool = False  # the row as a whole cannot be taken


Put = Callable[[Item, str], None]


class Plan:
    """How each column is read. Made once for an import."""

    def __init__(self, row: Import) -> None:
        self.object_type = row.object_type
        self.options = Options.of(row.options)
        self.headers: list[str] = row.headers
        self.columns = row.columns
        self.targets = [Target.parse(column["to"]) for column in row.columns]
        self.header_of: dict[tuple[str, str], str] = {}
        self._ways: dict[str, Ways] = {}
        self._of_activities: dict[tuple[str, str, int], Convert] = {}
        self._late: list[tuple[int, Put]] = []  # stages need their pipeline first
        self._puts = [(place, put) for place, target in enumerate(self.targets) if (put := self._put(place, target))]
        found = {target.object_type for target in self.targets if target.what in ("property", "fullname", "emails", "id", "new", "created")}
        main = {row.object_type}
        self.kinds = sorted((found | main) - {"activity"}, key=lambda kind: (ORDER.index(kind) if kind in ORDER else len(ORDER), kind))

    def read(self, number: int, cells: Row) -> Item:
        """Read a row; what cannot be read is a problem of it."""
        item = Item(number, cells)
        width = len(cells)
        for place, put in [*self._puts, *self._late]:
            text = cells[place].strip() if place < width else ""
            if BROKEN in text:
                item.problems.append(Problem(self.headers[place], "UNREADABLE", _("Some letters cannot be read. Choose another encoding.")))
            else:
                put(item, text)
        if width > len(self.headers) and any(cells[len(self.headers) :]):
            item.problems.append(Problem("", "TOO_MANY_CELLS", _("The row has more cells than the first one; those without a name were left out.")))
        if self.options.everybody in ("yes", "no") and self.object_type == "contact":
            item.consents.setdefault("email", self.options.everybody == "yes")
        if self.options.occasion and not item.consents and self.options.everybody != "none":
            item.lost = True
            item.problems.append(Problem("", "CONSENT_MISSING", _("Whether this person agreed to be written to is not said.")))
        if item.values.pop("activity", None) is not None or (self.object_type == "activity" and not item.values):
            self._no_kind(item)
        for kind in self.kinds:
            if item.values.get(kind) and not any(value is not None for value in item.values[kind].values()) and kind not in item.ids:
                del item.values[kind]
        if not item.values and not item.ids and not item.lost:
            item.lost = True
            item.problems.append(Problem("", "EMPTY", _("The row has nothing that could be imported.")))
        if self.options.faulty == "skip" and item.problems:
            item.lost = True
        return item

    # One function for each column: it reads a text into the item.

    def _put(self, place: int, target: Target) -> Put | None:
        header = self.headers[place]
        self.header_of.setdefault((target.object_type, target.name), header)
        match target.what:
            case "property" | "new":
                return self._property(place, header, target)
            case "link":
                return lambda item, text: item.links.append((target.object_type, target.name, text, header)) if text else None
            case "fullname":
                return self._full_name
            case "emails":
                return lambda item, text: self._emails(item, text, header)
            case "id":
                return lambda item, text: self._id(item, text, header, target.object_type)
            case "consent" | "refused":
                return lambda item, text: self._consent(item, text, header, target)
            case "consent_at":
                return lambda item, text: self._time(item.consent_at, item, text, header, target.object_type)
            case "created":
                return lambda item, text: self._time(item.created, item, text, header, target.object_type)
            case "kind":
                return lambda item, text: self._kind(item, text, header)
            case "minutes":
                return lambda item, text: self._minutes(item, text, header)
        return None

    def _property(self, place: int, header: str, target: Target) -> Put | None:
        kind = target.object_type
        name = self.columns[place].get("name") or target.name  # a new property was made and has a name by now
        if target.what == "new" and not self.columns[place].get("name"):
            name = matching.property_name(header)
        self.header_of[kind, name] = header
        if kind == "activity":
            return self._activity(place, header, name)
        definition = properties.definitions(kind).get(name)
        if definition is None:  # before the import has begun a new property is not there: its values are shown as they are
            return lambda item, text: item.values.setdefault(kind, {}).__setitem__(name, text) if text else None
        stage = types.get(kind).stage_property
        if stage and name in ("pipeline", stage):
            ways = self._ways.setdefault(kind, Ways(kind))
            chosen = {text: value for text, value in (self.columns[place].get("values") or {}).items() if value and value != "+"}
            put = self._pipeline(kind, ways, chosen, header) if name == "pipeline" else self._stage(kind, stage, ways, chosen, header)
            if name == stage:
                self._late.append((place, put))
                return None
            return put
        return self._value(kind, name, header, converter(definition, self.columns[place], self.options.dates or "mdy"))

    def _value(self, kind: str, name: str, header: str, convert: Convert) -> Put:
        clears = self.options.empty == "clear"

        def put(item: Item, text: str) -> None:
            if not text:
                if clears:
                    item.values.setdefault(kind, {})[name] = None
                return
            try:
                value = convert(text)
            except Fault as fault:
                item.problems.append(Problem(header, fault.code, fault.message))
                return
            if value is not None:
                item.values.setdefault(kind, {})[name] = value
                item.kept += isinstance(value, values.Kept)

        return put

    def _pipeline(self, kind: str, ways: Ways, chosen: dict[str, str], header: str) -> Put:
        def put(item: Item, text: str) -> None:
            try:
                if text and chosen.get(text) != "-":
                    item.values.setdefault(kind, {})["pipeline"] = chosen.get(text) or ways.pipeline(text)
            except Fault as fault:
                item.problems.append(Problem(header, fault.code, fault.message))

        return put

    def _stage(self, kind: str, name: str, ways: Ways, chosen: dict[str, str], header: str) -> Put:
        def put(item: Item, text: str) -> None:
            if not text or chosen.get(text) == "-":
                return
            own = item.values.setdefault(kind, {})
            try:
                own[name] = chosen.get(text) or ways.stage(str(own.get("pipeline") or ""), text)
            except Fault as fault:
                item.problems.append(Problem(header, fault.code, fault.message))

        return put

    def _full_name(self, item: Item, text: str) -> None:
        if text:
            last, first = parse.full_name(text)
            own = item.values.setdefault("contact", {})
            own.setdefault("lastname", last)
            if first:
                own.setdefault("firstname", first)

    def _emails(self, item: Item, text: str, header: str) -> None:
        definition = properties.definitions("contact")["email"]
        for part in text.replace(",", ";").replace(" ", ";").split(";"):
            if part:
                try:
                    item.emails.append(str(values.convert(definition, part.lower())))
                except Fault as fault:
                    item.problems.append(Problem(header, fault.code, fault.message))

    def _id(self, item: Item, text: str, header: str, kind: str) -> None:
        if text.isascii() and text.isdigit() and len(text) < 19:
            item.ids[kind] = int(text)
        elif text:
            item.problems.append(Problem(header, "INVALID_ID", _("{value} is not a number that Baton gave.").format(value=text)))
            item.lost = True

    def _consent(self, item: Item, text: str, header: str, target: Target) -> None:
        try:
            answer = parse.answer(text)
        except Fault as fault:
            item.problems.append(Problem(header, fault.code, fault.message))
            return
        if answer is None:
            return
        if target.what == "refused":
            if answer:
                item.consents[target.object_type] = False
        elif item.consents.get(target.object_type) is not False:  # of two columns the refusal counts
            item.consents[target.object_type] = answer

    def _minutes(self, item: Item, text: str, header: str) -> None:
        if text:
            try:
                item.minutes = parse.minutes(text)
            except Fault as fault:
                item.problems.append(Problem(header, fault.code, fault.message))

    def _time(self, into: dict[str, datetime], item: Item, text: str, header: str, key: str) -> None:
        if text:
            try:
                moment = parse.moment(text, self.options.dates or "mdy")
            except Fault as fault:
                item.problems.append(Problem(header, fault.code, fault.message))
            else:
                into[key] = moment if moment.tzinfo else moment.replace(tzinfo=config().zone)

    # Activities: the kind is known only when the row is read.

    def _kind(self, item: Item, text: str, header: str) -> None:
        found = _activity_kinds().get(folded(text))
        if found:
            pending = item.values.pop("activity", {})
            own = item.values.setdefault(found, {})
            for name, value in pending.items():
                self._set_activity(item, found, own, name, value)
        else:
            item.lost = True
            item.problems.append(Problem(header, "INVALID_KIND", _("{value} is no kind of activity.").format(value=text or "–")))

    def _activity(self, place: int, header: str, name: str) -> Put:
        def put(item: Item, text: str) -> None:
            if not text:
                return
            kind = next((kind for kind in ACTIVITIES if kind in item.values), "")
            if kind:
                self._set_activity(item, kind, item.values[kind], name, (text, place))
            else:
                item.values.setdefault("activity", {})[name] = (text, place)

        return put

    def _set_activity(self, item: Item, kind: str, own: dict[str, Any], name: str, value: tuple[str, int]) -> None:
        text, place = value
        target = ACTIVITY[name].get(kind) if name in ACTIVITY else name if name in properties.definitions(kind) else None
        if target is None:
            item.problems.append(Problem(self.headers[place], "NOT_HERE", _("A record of this kind has no such value: {value}").format(value=text)))
            return
        if name == "at" and "at" in own:  # the due date of a task is its time
            return
        key = (kind, target, place)
        if key not in self._of_activities:
            self._of_activities[key] = converter(properties.definitions(kind)[target], self.columns[place], self.options.dates or "mdy")
        try:
            found = self._of_activities[key](text)
        except Fault as fault:
            item.problems.append(Problem(self.headers[place], fault.code, fault.message))
            return
        self.header_of.setdefault((kind, target), self.headers[place])
        if found is not None:
            own[target] = found

    def _no_kind(self, item: Item) -> None:
        item.lost = True
        if not item.problems:
            item.problems.append(Problem("", "EMPTY", _("The row has nothing that could be imported.")))


@cache
def _activity_kinds() -> dict[str, str]:
    found = {
        "전화": "call",
        "통화": "call",
        "미팅": "meeting",
        "회의": "meeting",
        "할일": "task",
        "업무": "task",
        "메모": "note",
        "노트": "note",
        "이메일": "email",
        "메일": "email",
        "incomingemail": "email",
        "forwardedemail": "email",
        "message": "communication",
        "sms": "communication",
    }
    for kind in ACTIVITIES:
        found[kind] = found[f"{kind}s"] = kind
        for language in ("en", "ko"):
            with translation.override(language):
                found.setdefault(folded(types.label(types.get(kind))), kind)
    return found
