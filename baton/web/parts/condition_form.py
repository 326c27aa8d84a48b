"""Conditions of a filter as inputs, and back to the stored filter JSON: for branches and score rules.

Edited here is a flat group: all or any of some conditions. A filter with groups inside is shown as a sentence only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.crm import properties
from baton.events.logged import ABOUT
from baton.query.catalog import Property
from baton.query.operators import OPERATORS
from baton.segments import catalog
from baton.segments.condition import conditions
from baton.segments.models import ScoreModel
from baton.web.parts.step_form import Option, Widget, integer, records

Stored = dict[str, Any]

LABELS: dict[str, str | Promise] = {
    "property": _("Property"),
    "operator": _("Comparison"),
    "value": _("Value"),
    "address": _("Address"),
    "match": _("Address is"),
    "at_least": _("At least"),
    "at_most": _("At most"),
    "days": _("In the last days"),
    "form": _("Form"),
    "email": _("E-mail"),
    "segment": _("List"),
    "seconds": _("Seconds"),
    "name": _("Name"),
    "channel": _("Channel"),
    "model": _("Score"),
    "part": _("Part of the score"),
    "kind": _("Activity"),
    "outcome": _("Outcome"),
}
HELP: dict[str, str | Promise] = {"address": _("For example /pricing; blank is any page"), "days": _("Blank: at any time")}
WORDS: dict[str, str | Promise] = {
    "is": _("exactly this"),
    "starts": _("starting with this"),
    "contains": _("containing this"),
    "email": _("E-mail"),
    "kakaotalk": _("KakaoTalk"),
    "sms": _("Text message"),
    "total": _("Total"),
    "fit": _("Fit"),
    "engagement": _("Engagement"),
    "call": _("Call"),
    "meeting": _("Meeting"),
    "note": _("Note"),
    "task": _("Task"),
    "communication": _("Message"),
}
OPTIONAL = ("form", "email", "model")  # blank is any, or the usual one
RECORDS = ("form", "email", "segment")
RARE = ("at_most", "model", "part")  # shown only where a filter has them


@dataclass(frozen=True, slots=True)
class Row:
    """One condition."""

    number: int
    kind: str
    label: str
    widgets: tuple[Widget, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A filter as it is edited."""

    how: Literal["all", "any"]
    rows: tuple[Row, ...]
    flat: bool  # else it has groups inside, and only its sentence is shown


def kinds() -> list[Option]:
    """What can be asked, by key."""
    return [(key, gettext(kind.label)) for key, kind in conditions().items()]


def flat(stored: Stored) -> tuple[Literal["all", "any"], list[Stored]] | None:
    """The conditions of a flat filter, else None."""
    if not stored:
        return "all", []
    if "condition" in stored:
        return "all", [stored]
    for how in ("all", "any"):
        inner = stored.get(how)
        if isinstance(inner, list) and all(isinstance(c, dict) and "condition" in c for c in inner):
            return how, inner
    return None


def draw(stored: Stored, errors: Mapping[str, str]) -> Group:
    """The inputs of a filter; `errors` by path inside it (`all.0.value`)."""
    found = flat(stored)
    if found is None:
        return Group("all", (), False)
    how, inner = found
    single = "condition" in stored
    rows = [
        _row(i, c, {p.removeprefix("" if single else f"{how}.{i}."): m for p, m in errors.items() if single or p.startswith(f"{how}.{i}.")})
        for i, c in enumerate(inner)
    ]
    return Group(how, tuple(rows), True)


def _row(number: int, stored: Stored, errors: Mapping[str, str]) -> Row:
    kind = str(stored["condition"])
    known = conditions().get(kind)
    if known is None:
        return Row(number, kind, kind, ())
    widgets = []
    for name, info in known.model_fields.items():
        if name in RARE and stored.get(name) in (None, "total") and not (kind == "score" and name == "at_most"):
            continue
        default = None if info.is_required() else info.get_default()
        widgets.append(_widget(kind, name, stored.get(name, default), stored, info.annotation, errors))
    return Row(number, kind, gettext(known.label), tuple(w for w in widgets if w is not None))


def _widget(kind: str, name: str, value: Any, stored: Stored, annotation: Any, errors: Mapping[str, str]) -> Widget | None:
    error = next((m for p, m in errors.items() if p.partition(".")[0] == name), "")
    label, help = str(LABELS.get(name, name)), str(HELP.get(name, ""))
    of = "company" if kind == "company_property" else "contact"

    def made(shape: str, options: list[Option] | None = None, shown: Any = value) -> Widget:
        return Widget(name, label, help, shape, shown, tuple(options or ()), error)

    if name == "property":
        options = [(d.name, properties.label(d)) for d in properties.definitions(of).values()]
        return made("select", options if value else [("", gettext("Choose …")), *options])
    if name == "operator":
        prop = catalog.current().property(of, str(stored.get("property", "")))
        return made("select", [(key, gettext(o.label)) for key, o in OPERATORS[prop.type].items()]) if prop else None
    if name == "outcome":
        outcomes = _outcomes(str(stored.get("kind", "call")))
        return made("select", [("", gettext("Any")), *outcomes]) if outcomes else None
    if name == "value":
        return _value(made, stored, of)
    if name in RECORDS:
        options = records(name)
        return made("select", [("", gettext("Any")), *options] if name in OPTIONAL else options if value else [("", gettext("Choose …")), *options])
    if name == "model":
        return made("select", [("", gettext("The first")), *((str(m.pk), m.name) for m in ScoreModel.objects.order_by("pk"))])
    if get_origin(annotation) is Literal:
        return made("select", [(str(v), str(WORDS.get(v, v))) for v in get_args(annotation)])
    return made("number" if name in ("at_least", "at_most", "days", "seconds") else "text")


def _outcomes(kind: str) -> list[Option]:
    """How an activity of a kind may have ended; none for those that have no outcome."""
    definition = properties.definitions(kind).get(ABOUT[kind]) if kind in ABOUT else None
    return [(o["value"], properties.option_label(definition, o["value"])) for o in definition.options] if definition else []


def _value(made: Any, stored: Stored, of: str) -> Widget | None:
    prop = catalog.current().property(of, str(stored.get("property", "")))
    operator = OPERATORS[prop.type].get(str(stored.get("operator", ""))) if prop else None
    if prop is None or operator is None or operator.takes == "nothing":
        return None
    value = stored.get("value")
    options = _options(prop)
    found: Widget
    if operator.takes == "many":
        found = (
            made("many", options, value if isinstance(value, list) else [])
            if options
            else made("text", None, ", ".join(map(str, value)) if isinstance(value, list) else value)
        )
    elif operator.takes == "two":
        found = made("text", None, " – ".join(map(str, value)) if isinstance(value, list) else "")
    elif operator.takes == "days":
        found = made("number")
    elif options:
        found = made("select", options if value is not None else [("", gettext("Choose …")), *options])
    else:
        found = made("number" if prop.type == "number" else "date" if prop.type in ("date", "datetime") else "text")
    return found


def _options(prop: Property) -> list[Option]:
    if prop.type == "boolean":
        return [("true", gettext("Yes")), ("false", gettext("No"))]
    if prop.type == "user":
        return records("user")
    return list(prop.options)


def read(given: QueryDict, stored: Stored) -> Stored:
    """The filter after the form was sent: its fields, a condition added (`add`) or taken away (`drop`)."""
    found = flat(stored)
    if found is None:
        return stored
    how = given.get("how", found[0])
    inner = [_condition(given, f"c{i}_", c) for i, c in enumerate(found[1])]
    drop = str(given.get("drop", ""))
    if drop.isascii() and drop.isdigit() and int(drop) < len(inner):
        del inner[int(drop)]
    if (kind := str(given.get("add", ""))) in conditions():
        inner.append(blank(kind))
    return {how if how in ("all", "any") else "all": inner} if inner else {}


def blank(kind: str) -> Stored:
    """A new condition of a kind with a first choice where one is needed."""
    stored: Stored = {"condition": kind}
    if kind in ("property", "company_property"):
        of = "company" if kind == "company_property" else "contact"
        first = next(iter(properties.definitions(of).values()), None)
        if first is not None:
            stored |= {"property": first.name, "operator": next(iter(OPERATORS[first.type]))}  # type: ignore[index]  # a definition's types are the language's
    if kind == "activity":
        stored["kind"] = "call"
    if kind == "in_segment" and (lists := records("segment")):
        stored["segment"] = int(lists[0][0])
    return stored


def _condition(given: QueryDict, prefix: str, old: Stored) -> Stored:
    """One condition with the values of the form; what the form does not show stays."""
    known = conditions().get(str(old["condition"]))
    if known is None:
        return old
    new = dict(old)
    for name in known.model_fields:
        key = prefix + name
        if name != "value" and key in given:
            _set(new, name, str(given[key]).strip(), known.model_fields[name].annotation)
    if new.get("kind") != old.get("kind"):
        new.pop("outcome", None)  # each kind of activity has outcomes of its own
    if "property" in known.model_fields:
        of = "company" if old["condition"] == "company_property" else "contact"
        prop = catalog.current().property(of, str(new.get("property", "")))
        if prop is None or new.get("operator") not in OPERATORS[prop.type]:
            new["operator"] = next(iter(OPERATORS[prop.type])) if prop else ""
        if (new.get("property"), new.get("operator")) != (old.get("property"), old.get("operator")):
            new.pop("value", None)
        elif prop is not None and (shown := f"{prefix}value") in given:
            new["value"] = _typed([str(v) for v in given.getlist(shown)], prop, OPERATORS[prop.type][new["operator"]].takes)
        elif prefix in given and prop is not None and OPERATORS[prop.type][new["operator"]].takes == "many" and _options(prop):
            new["value"] = []  # the condition was sent, and nothing is chosen in its list
    return new


def _set(new: Stored, name: str, text: str, annotation: Any) -> None:
    if not text and get_origin(annotation) is not Literal and name != "address":
        new.pop(name, None)
    elif name in ("at_least", "at_most", "days", "seconds", *RECORDS, "model"):
        new[name] = integer(text)
    else:
        new[name] = text


def _typed(given: list[str], prop: Property, takes: str) -> Any:
    """The texts of the form as a JSON value of the property's type."""
    if takes == "many":
        parts = given if _options(prop) else [p.strip() for p in given[-1].split(",")]
        return [_one(p, prop) for p in parts if p]
    if takes == "two":
        return [_one(p.strip(), prop) for p in given[-1].replace("~", "–").split("–")]
    return integer(given[-1]) if takes == "days" else _one(given[-1].strip(), prop)


def _one(text: str, prop: Property) -> Any:
    if prop.type == "boolean":
        return text == "true"
    if prop.type in ("number", "user"):
        try:
            return float(text) if "." in text else int(text)
        except ValueError:
            return text
    return text
