"""Object types: which kinds of records there are, and new ones. A new kind is data, not code."""

import re
import time
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from baton.crm.models import ObjectType, PropertyDefinition, PropertyGroup, Record
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

FRESH = 1.0  # seconds; a type made in another process is known here after that
OWN = 101  # number of the first type of one's own: "2-101"
TITLE = 80  # letters of what a record is called
_known: tuple[float, dict[str, ObjectType]] = (0.0, {})


def known() -> dict[str, ObjectType]:
    """The live object types by key, built-in ones first. Do not change what you get."""
    global _known
    if any(entry[1] is forget for entry in connection.run_on_commit):
        return _read()  # changed by this transaction, and not yet for the others
    at, found = _known
    if not found or time.monotonic() - at > FRESH:
        found = _read()
        _known = (time.monotonic(), found)
    return found


def _read() -> dict[str, ObjectType]:
    rows = ObjectType.objects.filter(archived_at=None)
    return {row.key: row for row in sorted(rows, key=lambda row: (not row.builtin, int(row.type_id.partition("-")[2] or 0)))}


def forget() -> None:
    """Read the types again the next time they are asked for."""
    global _known
    _known = (0.0, {})


def all(*, activities: bool | None = None) -> list[ObjectType]:
    """The live object types; only activities (notes, calls …), or only the others, when asked."""
    return [kind for kind in known().values() if activities is None or kind.activity == activities]


def get(key: str) -> ObjectType:
    """The live type with this key. Raises NotFound."""
    found = known().get(key)
    if found is None:
        raise NotFound(_("There is no object type {name}.").format(name=key))
    return found


def resolve(word: str) -> ObjectType | None:
    """The type that an address or a program names: key, plural, number ("0-1"), or `p_name` and `p123_name` of one's own; in any case."""
    word = word.strip().lower()
    own = re.fullmatch(r"p\d*_(.+)", word)
    names = {word, own[1] if own else word}
    return next((kind for kind in known().values() if names & {kind.key, kind.plural} or word == kind.type_id), None)


def label(kind: ObjectType, *, plural: bool = False) -> str:
    """What people call it, in the current language."""
    text = kind.label_plural if plural else kind.label
    return _(text) if kind.builtin and text else text


def title(object_type: str, properties: Mapping[str, Any]) -> str:
    """What a record is called: a contact's name, else its primary property; plain text of at most TITLE letters; "" when it has none."""
    if object_type == "contact":
        from baton.crm.contacts import display_name

        return display_name(properties)
    text = str(properties.get(get(object_type).primary_property) or "")
    if "<" in text:
        text = unescape(re.sub(r"<[^>]*>", " ", text))
    text = " ".join(text.split())
    return text if len(text) <= TITLE else f"{text[: TITLE - 1]}…"


def define(
    key: str,
    label: str,
    label_plural: str,
    *,
    actor: Actor,
    properties: Iterable[Mapping[str, Any]] = (),
    primary_property: str = "name",
    secondary_properties: Iterable[str] = (),
    searchable: Iterable[str] = (),
    description: str = "",
    icon: str = "box",
    pipelines: bool = False,
) -> ObjectType:
    """Make an object type of one's own. `properties` are arguments of properties.define; a text `name` is made when the primary one is not among them.

    With `pipelines` its records go through stages, kept in the property `stage`. Raises Invalid (`key`, `label`, `properties.<n>.<field>` …), Conflict.
    """
    from baton.crm import properties as definitions

    problems = []
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", key):
        problems.append(Problem("key", "INVALID_NAME", _("A name has small letters, digits and underscores, and begins with a letter.")))
    for path, text in (("label", label), ("label_plural", label_plural)):
        if not text.strip():
            problems.append(Problem(path, "REQUIRED", _("A label is required.")))
    if problems:
        raise Invalid(problems)
    if resolve(key) or ObjectType.objects.filter(key=key).exists():
        raise Conflict(_("An object type named '{name}' already exists.").format(name=key))
    wanted = [dict(row) for row in properties]
    added = primary_property not in {row.get("name") for row in wanted}
    if added:
        wanted.insert(0, {"name": primary_property, "label": _("Name"), "type": "text"})
    plural = f"{key}s" if not resolve(f"{key}s") else f"{key}_records"
    with transaction.atomic():
        numbers = [int(text.partition("-")[2]) for text in ObjectType.objects.filter(type_id__startswith="2-").values_list("type_id", flat=True)]
        made = ObjectType.objects.create(
            key=key, plural=plural, type_id=f"2-{max([OWN - 1, *numbers]) + 1}", label=label.strip(), label_plural=label_plural.strip(),
            description=description, icon=icon, primary_property=primary_property, secondary_properties=list(secondary_properties),
            searchable=list(searchable) or [primary_property], stage_property="stage" if pipelines else "",
        )  # fmt: skip
        PropertyGroup.objects.create(object_type=made, name="basic", label="Basics", builtin=True)
        forget()
        transaction.on_commit(forget)
        own = [{"name": "owner_id", "label": _("Owner"), "type": "user"}]
        stages = [{"name": "pipeline", "label": _("Pipeline"), "type": "text"}, {"name": "stage", "label": _("Stage"), "type": "text"}] if pipelines else []
        for number, row in enumerate([*wanted, *stages, *own]):
            try:
                definitions.define(key, actor=actor, **{"label": "", "type": "text", "name": "", **row})
            except Invalid as error:
                where = number - added
                raise Invalid([Problem(f"properties.{where}.{p.path}", p.code, p.message) for p in error.problems]) from None
        history.record(actor, "created", "object_type", key, label=label)
    return made


CHANGEABLE = {"label", "label_plural", "description", "icon", "primary_property", "secondary_properties", "searchable"}


def change(key: str, *, actor: Actor, **fields: Any) -> ObjectType:
    """Change labels, description, icon, and which properties name and find a record. Raises NotFound, Invalid at the field."""
    kind = get(key)
    if wrong := fields.keys() - CHANGEABLE:
        raise Invalid([Problem(name, "READ_ONLY", _("{name} cannot be changed.").format(name=name)) for name in sorted(wrong)])
    names = set(PropertyDefinition.objects.filter(object_type=kind, archived_at=None).values_list("name", flat=True))
    for path in ("primary_property", "secondary_properties", "searchable"):
        given = fields.get(path, [])
        for name in [given] if isinstance(given, str) else given:
            if name not in names:
                raise Invalid.one(path, "PROPERTY_DOESNT_EXIST", _('Property "{name}" does not exist').format(name=name))
    with transaction.atomic():
        ObjectType.objects.filter(key=key).update(**fields, updated_at=clock.now())
        history.record(actor, "changed", "object_type", key, **{name: value for name, value in fields.items()})
        forget()
        transaction.on_commit(forget)
    return get(key)


def archive(key: str, *, actor: Actor) -> None:
    """Put a type of one's own aside. Raises NotFound, Conflict for a built-in type or one that has live records."""
    kind = get(key)
    if kind.builtin:
        raise Conflict(_("A built-in object type cannot be removed."))
    if Record.objects.filter(object_type=key, archived_at=None).exists():
        raise Conflict(_("There are records of this type. Archive them first."))
    with transaction.atomic():
        ObjectType.objects.filter(key=key).update(archived_at=clock.now())
        history.record(actor, "archived", "object_type", key)
        forget()
        transaction.on_commit(forget)
