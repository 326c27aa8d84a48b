"""The tests of one and the same event as rows of inputs: property, comparison, value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from baton.events.models import EventDefinition
from baton.events.vocabulary import Kind
from baton.query.catalog import Property
from baton.query.operators import OPERATORS
from baton.segments.catalog import KINDS

from .inputs import Input
from .value_inputs import typed, value_input

Stored = dict[str, Any]
Option = tuple[str, str]
TYPES = {"string": "text", "number": "number", "enumeration": "choice", "datetime": "datetime"}  # of a definition's properties


@dataclass(frozen=True, slots=True)
class Row:
    """One test."""

    index: int
    inputs: tuple[Input, ...]
    error: str = ""


def kinds() -> list[Option]:
    """The kinds of events, by the word that filters use."""
    return [(kind.word, _(KINDS[kind])) for kind in Kind if kind in KINDS]


def own() -> list[Option]:
    """The events of one's own."""
    return list(EventDefinition.objects.filter(archived_at=None).order_by("label").values_list("name", "label"))


def known(stored: Stored) -> dict[str, Property]:
    """What can be asked of the event: what it was about, its number, and the properties of an event of one's own."""
    found = {"about": Property("about", _("About"), "text"), "value": Property("value", _("Number"), "number")}
    if stored.get("event") == "custom_event" and (definition := EventDefinition.objects.filter(name=stored.get("name", "")).first()):
        for given in definition.properties:
            options = tuple((str(o.get("value", "")), str(o.get("label", o.get("value", "")))) for o in given.get("options") or ())
            found[given["name"]] = Property(given["name"], str(given.get("label") or given["name"]), TYPES.get(given.get("type"), "text"), options)  # type: ignore[arg-type]  # the table's words are the language's
    for test in stored.get("tests") or ():
        if isinstance(test, dict) and (name := str(test.get("property", ""))):
            found.setdefault(name, Property(name, name, "text"))
    return found


def draw(stored: Stored, prefix: str, errors: Mapping[str, str]) -> tuple[Row, ...]:
    """The rows of inputs, called `<prefix>/tests/<n>/<field>`."""
    asked, rows = known(stored), []
    for index, test in enumerate(stored.get("tests") or ()):
        faults = {path.removeprefix(f"tests.{index}."): m for path, m in errors.items() if path.startswith(f"tests.{index}")}
        name, operator = str(test.get("property", "")), str(test.get("operator", ""))
        prop = asked.get(name, asked["about"])

        def made(
            field: str, kind: str, value: Any = None, options: Any = (), place: str = f"{prefix}/tests/{index}", faults: Any = faults, **more: Any
        ) -> Input:
            labels = {"property": _("Property"), "operator": _("Comparison"), "value": _("Value")}
            error = next((m for path, m in faults.items() if path.partition(".")[0] == field), "")
            return Input(f"{place}/{field}", labels[field], kind, value, tuple(options), error=error, **more)

        operators = _operators(name, prop)
        inputs = [
            made("property", "select", name, [(key, p.label) for key, p in asked.items()]),
            made("operator", "select", operator, [(key, label) for key, (label, _takes) in operators.items()]),
        ]
        if operator in operators and operators[operator][1] != "nothing":
            inputs.append(value_input(made, prop, operators[operator][1], test.get("value")))
        rows.append(Row(index, tuple(inputs), next((m for path, m in faults.items() if path.startswith("tests.")), "")))
    return tuple(rows)


def read(given: QueryDict, prefix: str, new: Stored, old: Stored) -> None:
    """Put the tests of the form into `new`."""
    if new.get("event") != old.get("event") or new.get("name") != old.get("name"):
        for name in ("tests", "sum", "about", "tag"):
            new.pop(name, None)
        if new.get("event") != "custom_event":
            new.pop("name", None)
        return
    tests, asked = [], known(new)
    for index, test in enumerate(old.get("tests") or ()):
        place = f"{prefix}/tests/{index}"
        name = str(given.get(f"{place}/property", test.get("property", "")))
        operator = str(given.get(f"{place}/operator", test.get("operator", "")))
        prop = asked.get(name, asked["about"])
        operators = _operators(name, prop)
        if operator not in operators:
            operator = next(iter(operators))
        made = {**test, "property": name, "operator": operator}
        takes = operators[operator][1]
        before = _operators(str(test.get("property", "")), asked.get(str(test.get("property", "")), prop)).get(str(test.get("operator", "")), ("", ""))[1]
        if name != test.get("property") or takes != before or takes == "nothing":
            made.pop("value", None)
        elif f"{place}/value" in given or f"{place}/value?" in given:
            made["value"] = typed([str(v) for v in given.getlist(f"{place}/value")], prop, takes)
        tests.append(made)
    if tests:
        new["tests"] = tests
    else:
        new.pop("tests", None)


def add(stored: Stored) -> Stored:
    """The condition with one more test."""
    return {**stored, "tests": [*(stored.get("tests") or ()), {"property": "value", "operator": "at_least", "value": 1}]}


def drop(stored: Stored, index: int) -> Stored:
    """The condition without one of its tests."""
    left = [test for place, test in enumerate(stored.get("tests") or ()) if place != index]
    return {**{k: v for k, v in stored.items() if k != "tests"}, **({"tests": left} if left else {})}


def _operators(name: str, prop: Property) -> dict[str, tuple[str, str]]:
    """Operator -> its label and what it takes."""
    text = OPERATORS["text"]
    if name != "about":
        return {key: (_(o.label), str(o.takes)) for key, o in OPERATORS[prop.type].items()}
    plain = {key: (_(text[key].label), str(text[key].takes)) for key in ("is", "is_not", "starts_with", "contains", "not_contains", "any_of", "none_of")}
    return {**plain, "tagged": (_("carries the tag"), "one"), "not_tagged": (_("does not carry the tag"), "one")}
