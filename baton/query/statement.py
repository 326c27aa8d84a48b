"""A piece of SQL with its bound values, and the one way values get into it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """psycopg text with named placeholders. A statement compiled with whom=True also needs the caller's `ids` (list of contact ids)."""

    text: str
    params: dict[str, Any]


@dataclass(slots=True)
class Binder:
    """Gives each value a name; the same value keeps its name."""

    prefix: str = "p"
    params: dict[str, Any] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def __call__(self, value: Any) -> str:
        """The placeholder for a value: `%(p1)s`."""
        identity = (type(value).__name__, repr(value))
        name = self._names.get(identity)
        if name is None:
            name = self._names[identity] = f"{self.prefix}{len(self.params) + 1}"
            self.params[name] = value
        return f"%({name})s"
