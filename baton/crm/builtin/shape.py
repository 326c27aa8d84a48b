"""How the files beside this one write down an object type."""

from dataclasses import dataclass, field
from typing import Any

Row = tuple[str, str, str, str, dict[str, Any]]  # name, label, type, group, more fields of PropertyDefinition; "options" as {value: label}


@dataclass(frozen=True)
class Way:
    """The first pipeline: stages as (key, label, probability, closed, hours until a record there is ageing or late)."""

    key: str
    label: str
    stages: tuple[tuple[str, str, float, bool, int | None], ...]


@dataclass(frozen=True)
class Kind:
    """An object type; labels are msgids."""

    key: str
    plural: str
    type_id: str
    label: str
    label_plural: str
    icon: str
    primary: str
    groups: dict[str, str]
    properties: tuple[Row, ...]
    secondary: tuple[str, ...] = ()
    searchable: tuple[str, ...] = ()
    stage_property: str = ""
    pipeline: Way | None = None
    activity: bool = False
    usual: tuple[str, ...] = field(default=())  # columns of its table before anybody chose some
