"""What a step or a trigger asks for: the side panel draws its form from these, and nothing else knows the fields."""

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict, ValidationError

from baton.platform.errors import Problem

Kind = Literal[
    "text", "long_text", "number", "boolean", "choice", "choices", "date", "time", "url", "secret",
    "email", "form", "segment", "fixed_segment", "segments", "user", "users", "team", "score", "band", "lifecycle", "workflow", "step",
    "property", "date_property", "property_value", "values", "filter", "event_kind", "object_type", "pipeline", "pipeline_stage", "pairs",
    "role", "rules", "user_role", "shares", "any_property", "hook",
]  # fmt: skip
# What a value looks like where the name does not say it: `pairs` is {"name": "text"}, in which texts may have merge fields; `secret` comes back encrypted
# (never shown again; what is left empty in a form keeps the old one); `role` is the name of an association label; `rules` are
# [{"filter": {...}, "user": 3 or null, "team": null or 2}], of which the first that holds decides; `user_role` is the key of a role of colleagues; `shares` is
# {"a": 50, "b": 50}, per cent by the label of a way, of one letter; `values` is {"a": "서울", "b": "부산"}, likewise, a value to be chosen from
# item.offered(name), which are (value, label), or a text where that is empty. A `property`, `pipeline` and `pipeline_stage` are of the type in
# item.subject(); `any_property` names its type itself: "company.industry".
# `hook` has no value: the secret address of this trigger (hooks.py) is shown, with a button that renews it.


@dataclass(frozen=True, slots=True)
class Input:
    """How a field is asked for; put beside the type: `email: Annotated[int | None, Input("email", _("E-mail"))] = None`."""

    kind: Kind
    label: str | Promise
    help: str | Promise = ""
    options: tuple[tuple[str, str | Promise], ...] = ()  # of a choice: (value, label)
    shown_when: tuple[str, ...] | None = None  # another field and the value it must have, or the values of which it must have one
    optional: bool = False  # empty has a meaning: any form, no message ...
    empty: str | Promise = ""  # what empty means, in words


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a plug-in with its value, ready to be drawn."""

    name: str
    input: Input
    value: Any


class Fields(BaseModel):
    """Base of steps and triggers: pydantic fields that say how they are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def inputs(cls) -> dict[str, Input]:
        """The inputs by field name, in the order in which they are written."""
        return {name: item for name, info in cls.model_fields.items() for item in info.metadata if isinstance(item, Input)}

    def entries(self) -> list[Field]:
        """The fields with their values."""
        return [Field(name, asked, getattr(self, name)) for name, asked in self.inputs().items()]

    def offered(self, name: str) -> list[tuple[str, str]]:
        """The choices of a field of kind `values`, as (value, label); empty: any text."""
        return []

    def unfilled(self) -> list[str]:
        """Names of fields that must be filled in before publishing and are not."""
        return [f.name for f in self.entries() if not f.input.optional and f.value in (None, "", {}, [], ()) and self.asks(f.name)]

    def subject(self, leads: str) -> str:
        """The type of the records whose properties, pipelines and stages its fields name, within a workflow that leads records of the type `leads`."""
        return str(getattr(self, "record", "") or getattr(self, "makes", "") or getattr(self, "object_type", "") or leads)

    def asks(self, name: str) -> bool:
        """Whether this field matters with the values of the others."""
        when = self.inputs()[name].shown_when
        return when is None or getattr(self, when[0]) in when[1:]


def faults(error: ValidationError, at: str) -> list[Problem]:
    """A pydantic error as problems with paths below `at`."""
    return [Problem(join(at, *e["loc"]), "INVALID_VALUE", e["msg"].removeprefix("Value error, ")) for e in error.errors()]


def join(at: str, *more: object) -> str:
    """`steps[0]` and `filter`, `all`, 1 -> `steps[0].filter.all[1]`."""
    for part in more:
        text = str(part)
        at += f"[{text}]" if isinstance(part, int) else text if text.startswith("[") else f".{text}" if at else text
    return at
