"""One input of a form that is drawn from data, and the numbers people type into such."""

from dataclasses import dataclass
from typing import Any

Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Input:
    """`kind`: text, number, date, select, many (several of the options), two (from and to), check. A check and many send `<name>?` too: they were there."""

    name: str
    label: str
    kind: str
    value: Any = None
    options: tuple[Option, ...] = ()
    help: str = ""
    error: str = ""
    suggestions: tuple[str, ...] = ()
    narrow: bool = False
    shape: str = ""  # of both inputs of two: number, date
    default: bool = False  # of a check: what it is unsaid

    @property
    def id(self) -> str:
        return "f-" + "".join(letter if letter.isalnum() else "-" for letter in self.name)

    @property
    def chosen(self) -> list[str]:
        """What is selected, as the options write it."""
        values = self.value if isinstance(self.value, list | tuple) else [self.value]
        return ["" if v is None else {True: "true", False: "false"}.get(v, str(v)) if isinstance(v, bool) else str(v) for v in values]

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """The options with what is selected; something selected that is no option (any more) is kept as one."""
        chosen = self.chosen
        lost = [(v, v) for v in chosen if v and v not in {value for value, _label in self.options}]
        return [(value, label, value in chosen) for value, label in (*self.options, *lost)]

    @property
    def summary(self) -> str:
        """The names of what is selected."""
        return ", ".join(label for _value, label, on in self.choices if on)

    @property
    def both(self) -> tuple[str, str]:
        """Of two: from and to."""
        given = [*self.chosen, "", ""]
        return given[0], given[1]

    @property
    def said(self) -> bool:
        """Whether it says something."""
        return bool(self.value) != self.default if self.kind == "check" else self.value not in (None, "", [], "total")


def integer(text: str) -> int | str:
    """The number, or the text that is none."""
    try:
        return int(text)
    except ValueError:
        return text


def number(text: str) -> int | float | str:
    """The number, whole or not, or the text that is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
