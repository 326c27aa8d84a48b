"""Events that a company sends itself: their definitions, and what happened."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity as identities
from baton.crm import uses
from baton.crm.uses import Mention
from baton.events import keys, record
from baton.events.models import EventDefinition
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

TYPES = ("string", "number", "enumeration", "datetime")
LONGEST = 1024  # characters of a value
MOST = 500  # properties of a definition
Property = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened to one contact. The same `key` is recorded once."""

    name: str
    contact_id: int
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


def find(name: str) -> EventDefinition:
    """The live definition. Raises NotFound."""
    found = EventDefinition.objects.filter(name=name, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no event {name}.").format(name=name))
    return found


def define(label: str, *, actor: Actor, name: str = "", description: str = "", properties: Sequence[Property] = ()) -> EventDefinition:
    """A new kind of event; without a name it is made from the label. Raises Invalid, Conflict (name taken)."""
    name = name.strip().lower() or re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:100] or f"event_{EventDefinition.objects.count() + 1}"
    problems = [] if label.strip() else [Problem("label", "REQUIRED", _("A label is required."))]
    if not re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,99}", name):
        problems.append(Problem("name", "INVALID_NAME", _("A name has small letters, digits and underscores, and begins with a letter.")))
    problems += _property_problems(properties)
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        made, new = EventDefinition.objects.get_or_create(
            name=name, defaults={"label": label.strip(), "description": description, "properties": [dict(one) for one in properties]}
        )
        if not new:
            raise Conflict(_("An event named '{name}' already exists.").format(name=name), existing_id=made.pk)
        keys.resolve({(Kind.CUSTOM_EVENT, name): label.strip()})
        history.record(actor, "created", "event_definition", made.pk, name=name, label=label)
    return made


def change(name: str, *, actor: Actor, **fields: Any) -> EventDefinition:
    """Another label, description or list of properties. Raises NotFound, Invalid."""
    found = find(name)
    problems = _property_problems(fields.get("properties", ()))
    if "label" in fields and not fields["label"].strip():
        problems.append(Problem("label", "REQUIRED", _("A label is required.")))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        for key in ("label", "description", "properties"):
            setattr(found, key, fields.get(key, getattr(found, key)))
        found.updated_at = clock.now()
        found.save()
        keys.resolve({(Kind.CUSTOM_EVENT, name): found.label})
        history.record(actor, "changed", "event_definition", found.pk, **fields)
    return found


def archive(name: str, *, actor: Actor) -> None:
    """Take no more of these events; what happened stays. Raises NotFound, Conflict that names what asks for them."""
    found = find(name)
    uses.refuse(Mention("event", name), found.label)
    with transaction.atomic():
        found.archived_at = clock.now()
        found.save(update_fields=["archived_at"])
        history.record(actor, "archived", "event_definition", found.pk, name=name)


def send(happened: Sequence[Occurrence]) -> None:
    """Record what happened, all of it or nothing. Raises NotFound for an event nobody defined, Invalid for properties that do not fit."""
    names = {one.name for one in happened}
    known = {row.name: row for row in EventDefinition.objects.filter(name__in=names, archived_at=None)}
    if missing := sorted(names - known.keys()):
        raise NotFound(_("There is no event {name}.").format(name=missing[0]))
    with transaction.atomic():
        rows, new = [], _new_keys(happened)
        for one in happened:
            values = {key: str(value)[:LONGEST] for key, value in one.properties.items() if value is not None}
            if unknown := sorted(values.keys() - {row["name"] for row in known[one.name].properties}):
                text = _("The event has no property {name}.")
                raise Invalid([Problem(f"event.{name}", "PROPERTY_DOESNT_EXIST", text.format(name=name)) for name in unknown])
            if one.key and one.key not in new:
                continue
            new.discard(one.key)
            rows.append(NewEvent(one.contact_id, Kind.CUSTOM_EVENT, one.at, one.name, known[one.name].label, payload={"properties": values}))
        record.add(rows)


def _new_keys(happened: Sequence[Occurrence]) -> set[str]:
    """The keys that were never seen before; they are now."""
    wanted = {f"event:{one.key}": one.contact_id for one in happened if one.key}
    if not wanted:
        return set()
    there = identities.find_many("submission", wanted)
    identities.claim_many("submission", {key: id for key, id in wanted.items() if key not in there})
    return {key.removeprefix("event:") for key in wanted if key not in there}


def _property_problems(properties: Sequence[Property]) -> list[Problem]:
    problems = []
    if len(properties) > MOST:
        problems.append(Problem("properties", "TOO_MANY", _("There are {limit} properties already; no more fit.").format(limit=MOST)))
    seen: set[str] = set()
    for number, one in enumerate(properties):
        name = str(one.get("name", ""))
        if not re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,99}", name) or name in seen:
            problems.append(
                Problem(f"definitions.{number}.name", "INVALID_NAME", _("A name has small letters, digits and underscores, and begins with a letter."))
            )
        if one.get("type") not in TYPES:
            problems.append(Problem(f"definitions.{number}.type", "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(TYPES))))
        seen.add(name)
    return problems
