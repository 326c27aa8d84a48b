"""What a user decides about an import as a whole."""

from dataclasses import asdict, dataclass
from typing import Any

MODES = ("both", "create", "update")
FAULTY = ("rest", "skip")
CONSENT = ("keep", "file")


@dataclass(frozen=True, slots=True)
class Options:
    mode: str = "both"  # both; create: leave what is there as it is; update: make nothing new
    faulty: str = "rest"  # rest: import a row without the values that cannot be taken; skip: leave the whole row out
    empty: str = "keep"  # keep; clear: an empty cell empties the property
    dates: str = ""  # mdy, dmy: how 3/4/2026 is meant; "" when it does not come up
    consent: str = "keep"  # keep: a refusal stays a refusal whatever the file says; file: the file is right
    everybody: str = ""  # consent of everybody in the file: yes, no, "" as the columns say
    source: str = ""  # where consent was given, in words

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Options":
        return cls(**{name: value for name, value in stored.items() if name in cls.__slots__})
