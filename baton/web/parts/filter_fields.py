"""What a table's filter can be about: the properties of its records and of their companies, and for people points, lists and mail consent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from baton.accounts import users as accounts
from baton.accounts.models import User
from baton.crm import consent, properties, types
from baton.crm.models import PropertyDefinition
from baton.segments.models import Segment

from ..templatetags.fmt import currency_sign, day_only, num
from . import stages

# Short names that addresses use since people read them.
SHORT = {"stage": "lifecyclestage", "owner": "owner_id", "source": "lead_source", "rank": "seniority", "size": "numberofemployees"}
FIRST = ("stage", "score", "owner", "dealstage", "ticket_stage", "amount", "closedate", "priority", "source", "industry", "size", "rank")
ICONS = {
    "score": "gauge", "lifecyclestage": "milestone", "owner_id": "user-round-check", "lead_source": "route", "industry": "factory",
    "numberofemployees": "users-round", "seniority": "id-card", "jobtitle": "briefcase", "company": "building-2", "city": "map-pin", "email": "mail",
    "dealstage": "milestone", "ticket_stage": "milestone", "amount": "banknote", "list": "list-filter", "optout": "mail-x", "quiet": "moon", "only": "filter",
}  # fmt: skip
KIND_ICONS = {
    "choice": "list", "multi_choice": "list-checks", "number": "hash", "boolean": "toggle-left", "date": "calendar", "datetime": "calendar",
    "user": "user-round",
}  # fmt: skip
RANGES = ("number", "date", "datetime", "score")
DAYS = ("date", "datetime")
CHOICES = ("choice", "multi_choice", "user", "boolean", "list", "optout")
COMPANY_OF = ("contact", "deal", "ticket", "quote")  # whose companies' properties can be asked for


@dataclass(frozen=True)
class Field:
    """Something a condition can be about. `of` is "" (the record itself), "company" (one it is linked to), or what only people have: score, list …"""

    key: str  # as addresses write it
    name: str  # of the property
    label: str
    kind: str
    of: str = ""
    options: tuple[tuple[str, str], ...] = ()
    currency: bool = False

    @property
    def icon(self) -> str:
        return ICONS.get(self.name, KIND_ICONS.get(self.kind, "text-cursor-input"))

    @property
    def is_range(self) -> bool:
        return self.kind in RANGES

    @property
    def is_day(self) -> bool:
        return self.kind in DAYS

    @property
    def is_choice(self) -> bool:
        return self.kind in CHOICES

    @property
    def is_text(self) -> bool:
        return not self.is_range and not self.is_choice

    @property
    def may_be_unset(self) -> bool:
        return self.of in ("", "company")

    def amount(self, value: str) -> str:
        """A number or day of the address in words."""
        if self.is_day:
            return day_only(value)
        text = num(float(value))
        if self.of == "score":
            return _("{n} points").format(n=text)
        if self.currency:
            return f"{currency_sign(accounts.currency())}{text}"
        return _("{n} people").format(n=text) if self.name == "numberofemployees" else text


Fields = Mapping[str, Field]


def fields(object_type: str, users: Sequence[User]) -> Fields:
    """All fields by key, the frequent ones first. Definitions are kept by their owner; for people one statement reads the lists."""
    found: dict[str, Field] = {}
    if object_type == "contact":
        found["score"] = Field("score", "score", _("Score"), "score", "score")
    for name, definition in properties.definitions(object_type).items():
        if not definition.hidden:
            key = _key(name)
            found[key] = field(object_type, definition, key, users)
    for key, label in (("created_at", _("Created")), ("updated_at", _("Changed"))):
        found.setdefault(key, Field(key, key, label, "datetime"))
    if object_type == "contact":
        found["list"] = Field("list", "list", _("List"), "list", "list", tuple((str(id), name) for id, name in _lists()))
        found["optout"] = Field("optout", "optout", _("Opted out"), "optout", "optout", tuple((key, str(label)) for key, label in consent.CHANNELS.items()))
    if object_type in COMPANY_OF:
        for name, definition in properties.definitions("company").items():
            if not definition.hidden:
                key = f"company.{name}"
                found[key] = field("company", definition, key, users, of="company")
    found["only"] = Field("only", "only", _("Only"), "only", "only")  # a whole filter in one word, see packed.py
    return {**{k: found[k] for k in FIRST if k in found}, **found}


def field(object_type: str, definition: PropertyDefinition, key: str, users: Sequence[User], *, of: str = "") -> Field:
    """A property as a field of filters."""
    label = properties.label(definition)
    kind = "text" if definition.type in ("phone", "email", "url") else definition.type
    options: tuple[tuple[str, str], ...] = tuple(
        (o["value"], properties.option_label(definition, o["value"])) for o in definition.options if not o.get("archived")
    )
    if kind == "boolean":
        options = (("true", _("Yes")), ("false", _("No")))
    elif kind == "user":
        options = (("me", _("Me")), *((str(u.pk), u.name) for u in users))
    elif places := stages.options(object_type, definition.name):
        kind, options = "choice", places
    label = _("Company: {label}").format(label=label) if of else label
    return Field(key, definition.name, label, kind, of, options, definition.field_type == "currency")


def _key(name: str) -> str:
    return next((short for short, long in SHORT.items() if long == name), name)


def key_of(object_type: str, name: str) -> str:
    """How an address writes a property."""
    return _key(name)


def _lists() -> list[tuple[int, str]]:
    return list(Segment.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name"))


def kind_of(object_type: str) -> str:
    """What one record of the type is called."""
    return types.label(types.get(object_type))
