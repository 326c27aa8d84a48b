"""The step of an import where columns find their properties: what the form shows, and what it sends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.models import User
from baton.crm import pipelines, properties, types
from baton.crm.imports import convert, matching
from baton.crm.imports.targets import Target
from baton.crm.models import Import
from baton.crm.models.property import PropertyDefinition, PropertyType
from baton.crm.values import Fault

Choices = list[tuple[str, str]]
KINDS = (
    PropertyType.TEXT, PropertyType.NUMBER, PropertyType.DATE, PropertyType.DATETIME, PropertyType.CHOICE, PropertyType.MULTI_CHOICE,
    PropertyType.BOOLEAN, PropertyType.PHONE, PropertyType.EMAIL, PropertyType.URL,
)  # fmt: skip
OCCASIONS = {
    "fair": gettext_lazy("At a fair or booth: business cards"), "seminar": gettext_lazy("At a seminar"), "webinar": gettext_lazy("At a webinar"),
    "shop": gettext_lazy("In a shop or office"), "other": gettext_lazy("Elsewhere"),
}  # fmt: skip
MOST = 60  # values of a column that are translated one by one


@dataclass
class Value:
    """A text of the column that is no option as it stands."""

    number: int  # its place among the column's values
    text: str
    rows: int
    chosen: str


@dataclass
class Column:
    number: int
    header: str
    to: str
    examples: list[str]
    filled: int
    fault: str = ""
    fresh: str = ""  # the kind of value of a property made of it
    unique: bool = False
    values: list[Value] = field(default_factory=list)
    options: Choices = field(default_factory=list)  # for the values
    may_add: bool = False


def columns(row: Import, faults: Mapping[str, str] | None = None) -> list[Column]:
    """The columns of the file with where they go."""
    found = []
    for number, (header, column, seen) in enumerate(zip(row.headers, row.columns, row.seen, strict=True)):
        target = Target.parse(column["to"])
        one = Column(number, header, column["to"], list(dict.fromkeys(seen["examples"]))[:3], seen["filled"], (faults or {}).get(str(number), ""))
        if target.what == "new":
            one.to, one.fresh, one.unique = f"new:{target.object_type}", target.name, target.unique
        elif target.what == "property" and target.object_type != "activity":
            _values(one, column, seen, target)
        found.append(one)
    return found


def _values(one: Column, column: Mapping[str, Any], seen: Mapping[str, Any], target: Target) -> None:
    definition = properties.definitions(target.object_type).get(target.name)
    if definition is None or seen["values"] is None:
        return
    read, one.options, one.may_add = _reader(definition, target.object_type)
    if read is None:
        return
    chosen = column.get("values") or {}
    for number, (text, rows) in enumerate(seen["values"][:MOST]):
        try:
            read(text)
        except Fault:
            one.values.append(Value(number, text, rows, chosen.get(text, "")))


def _reader(definition: PropertyDefinition, object_type: str) -> tuple[convert.Convert | None, Choices, bool]:
    """What reads a value, what it may be translated to, and whether it may become an option of its own."""
    stage = types.get(object_type).stage_property
    if stage and definition.name in ("pipeline", stage):
        ways = convert.Ways(object_type)
        known = pipelines.pipelines(object_type)
        if definition.name == "pipeline":
            return ways.pipeline, [(pipeline.key, pipelines.label(pipeline)) for pipeline in known], True
        stages = [(one.key, pipelines.label(one)) for pipeline in known[:1] for one in pipeline.stages_in_order]  # type: ignore[attr-defined]
        return lambda text: ways.stage("", text), stages, False
    if definition.type == PropertyType.USER:
        people = [(str(pk), name) for pk, name in User.objects.filter(is_active=True).order_by("name").values_list("pk", "name")]
        return convert.users(), people, False
    if definition.type == PropertyType.CHOICE:
        options = [(option["value"], properties.option_label(definition, option["value"])) for option in definition.options if not option.get("archived")]
        return convert.choice(definition), options, True
    return None, [], False


def kinds() -> Choices:
    """Kinds of values that a new property can have, in words."""
    labels = {
        PropertyType.TEXT: _("Text"), PropertyType.NUMBER: _("Number"), PropertyType.DATE: _("Date"), PropertyType.DATETIME: _("Date and time"),
        PropertyType.CHOICE: _("Choice"), PropertyType.MULTI_CHOICE: _("Several choices"), PropertyType.BOOLEAN: _("Yes or no"),
        PropertyType.PHONE: _("Phone"), PropertyType.EMAIL: _("E-mail"), PropertyType.URL: _("Web address"),
    }  # fmt: skip
    return [(str(kind), labels[kind]) for kind in KINDS]


def read(row: Import, sent: Mapping[str, str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Columns and options out of a sent form; what it does not name stays as it was."""
    found = []
    for number, (column, seen) in enumerate(zip(row.columns, row.seen, strict=True)):
        to = sent.get(f"to.{number}", column["to"])
        if re.fullmatch(r"new:\w+", to):
            fresh = sent.get(f"fresh.{number}") or matching.value_type(seen)
            to = f"{to}:{fresh}" + (":unique" if sent.get(f"unique.{number}") else "")
        one: dict[str, Any] = {"to": to}
        known = dict(column.get("values") or {}) if to == column["to"] else {}
        for place, (text, _rows) in enumerate(seen["values"] or []):
            if f"value.{number}.{place}" in sent:
                known[text] = sent[f"value.{number}.{place}"]
        if known := {text: value for text, value in known.items() if value}:
            one["values"] = known
        if rest := sent.get(f"rest.{number}"):
            one["values"] = {**{text: rest for text, _rows in _unknown(row, number, to) if not known.get(text)}, **known}
        found.append(one)
    names = ("mode", "faulty", "empty", "dates", "consent", "everybody", "source", "occasion", "occasion_name", "occasion_day")
    return found, {name: sent[name] for name in names if name in sent}


def _unknown(row: Import, number: int, to: str) -> list[tuple[str, int]]:
    seen = row.seen[number]
    one = Column(number, row.headers[number], to, [], 0)
    _values(one, {}, seen, Target.parse(to))
    return [(value.text, value.rows) for value in one.values]
