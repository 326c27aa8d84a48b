"""The fields of a form: what may be designed, and whether an answer fits.

A field named like a contact property writes that property and obeys its type. Any other name is kept with the
submission only (a free remark, for example).
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from baton.crm import properties, values
from baton.crm.models import PropertyDefinition
from baton.platform.errors import Problem

TYPES = ("text", "textarea", "email", "phone", "number", "date", "url", "choice", "multi_choice", "boolean", "hidden")
STORED = {"textarea": "text", "hidden": "text"}  # how a field without a property is checked; the rest are property types
MOST = 1000  # values of one submission
# What the CRM calls a fault, and what a form does.
CODES = {"INVALID_OPTION": "VALUE_NOT_IN_FIELD_DEFINITION", "REQUIRED": "REQUIRED_FIELD", "INVALID_TEXT": "INPUT_TOO_LARGE"}

Field = dict[str, Any]


def design_problems(fields: Any) -> list[Problem]:
    """Faults of a form's field list, at `fields.<number>...`."""
    if not isinstance(fields, list) or not fields:
        return [Problem("fields", "REQUIRED", _("A form needs at least one field."))]
    known, seen = properties.definitions("contact"), set[str]()
    problems: list[Problem] = []
    for number, field in enumerate(fields):
        path = f"fields.{number}"
        if not isinstance(field, dict):
            problems.append(Problem(path, "INVALID", _("Expected an object.")))
            continue
        name, kind = field.get("name"), field.get("type")
        unknown = sorted(set(field) - {"name", "label", "type", "required", "options", "placeholder"})
        if unknown:
            problems.append(Problem(f"{path}.{unknown[0]}", "UNKNOWN", _("A field has no such setting.")))
        if not isinstance(name, str) or not name.replace("_", "").isalnum() or not name.isascii() or name in seen:
            problems.append(Problem(f"{path}.name", "INVALID", _("A field has a name of its own: letters, digits and underscore.")))
        elif name in known and known[name].read_only:
            problems.append(Problem(f"{path}.name", "READ_ONLY", _("{name} is set by Baton and cannot be asked for.").format(name=name)))
        seen.add(str(name))
        if not isinstance(field.get("label"), str) or not field["label"].strip():
            problems.append(Problem(f"{path}.label", "REQUIRED", _("A field needs a label.")))
        if kind not in TYPES:
            problems.append(Problem(f"{path}.type", "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(TYPES))))
        if kind in ("choice", "multi_choice") and not _options(field, known.get(str(name))):
            problems.append(Problem(f"{path}.options", "REQUIRED", _("A choice needs options.")))
    return problems


def options(field: Field) -> list[dict[str, str]]:
    """What a choice offers: its own options, else those of the property."""
    return _options(field, properties.definitions("contact").get(field["name"]))


def _options(field: Field, definition: PropertyDefinition | None) -> list[dict[str, str]]:
    if field.get("options"):
        return [{"value": str(o["value"]), "label": str(o.get("label") or o["value"])} for o in field["options"]]
    if definition is None:
        return []
    return [{"value": o["value"], "label": properties.option_label(definition, o["value"])} for o in definition.options if not o.get("archived")]


def check(fields: list[Field], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """What was answered: (all answers as kept, values of contact properties, faults at `fields.<name>`).

    An answer that is empty is no answer: it neither counts for a required field nor clears a value that is known.
    """
    definitions = properties.definitions("contact")
    by_name = {field["name"]: field for field in fields}
    problems = [
        Problem(f"fields.{name}", "FIELD_NOT_IN_FORM_DEFINITION", _("The form has no field {name}.").format(name=name)) for name in given if name not in by_name
    ]
    if len(given) > MOST:
        problems.append(Problem("fields", "MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED", _("More than {limit} values.").format(limit=MOST)))
    answers: dict[str, Any] = {}
    written: dict[str, Any] = {}
    for name, field in by_name.items():
        value, problem = _answer(field, definitions.get(name), given.get(name))
        if problem:
            problems.append(problem)
        elif value is not None:
            answers[name] = value
            if name in definitions:
                written[name] = value
    return answers, written, problems


def _answer(field: Field, definition: PropertyDefinition | None, raw: Any) -> tuple[Any, Problem | None]:
    path = f"fields.{field['name']}"
    if isinstance(raw, str):
        raw = raw.strip()
    if isinstance(raw, list) and field["type"] != "multi_choice":
        raw = raw[-1] if raw else None  # the same name twice: the last one counts, as browsers' own forms do
    if raw in (None, "", []) or (raw is False and field["type"] == "boolean" and field.get("required")):
        return None, Problem(path, "REQUIRED_FIELD", _("{label} is required.").format(label=field["label"])) if field.get("required") else None
    if isinstance(raw, str) and len(raw) > values.LONGEST:
        return None, Problem(path, "INPUT_TOO_LARGE", _("The text is longer than {limit} characters.").format(limit=values.LONGEST))
    rule = definition or PropertyDefinition(name=field["name"], label=field["label"], type=str(STORED.get(field["type"], field["type"])))
    if field.get("options"):
        # The form may offer less than the property knows, never more than itself.
        rule = PropertyDefinition(name=rule.name, label=rule.label, type=rule.type, options=options(field))
    try:
        value = values.convert(rule, raw)
        if definition is not None and definition is not rule:
            value = values.convert(definition, value)
    except values.Fault as fault:
        return None, Problem(path, CODES.get(fault.code, fault.code), fault.message)
    if value is None and field.get("required"):
        return None, Problem(path, "REQUIRED_FIELD", _("{label} is required.").format(label=field["label"]))
    return value, None
