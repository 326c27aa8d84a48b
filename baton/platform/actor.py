"""Who did it: every write names one."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["user", "token", "form", "workflow", "import", "visitor", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Stored as `kind:id`, for example `user:3` or `workflow:7`; `system` has no id."""

    kind: Kind
    id: int | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Actor":
        kind, _, number = text.partition(":")
        return cls(kind, int(number) if number else None)  # type: ignore[arg-type]  # only our own texts are parsed


SYSTEM = Actor("system")
