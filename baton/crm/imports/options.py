"""What a user decides about an import as a whole."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from baton.platform import clock
from baton.platform.config import config

MODES = ("both", "create", "update")
FAULTY = ("rest", "skip")
CONSENT = ("keep", "file")
EVERYBODY = ("", "yes", "no", "none")
OCCASIONS = ("", "fair", "seminar", "webinar", "shop", "other")
BROUGHT = {"fair": "exhibition", "webinar": "webinar"}  # what the source of a new contact is, by occasion


@dataclass(frozen=True, slots=True)
class Options:
    mode: str = "both"  # both; create: leave what is there as it is; update: make nothing new
    faulty: str = "rest"  # rest: import a row without the values that cannot be taken; skip: leave the whole row out
    empty: str = "keep"  # keep; clear: an empty cell empties the property
    dates: str = ""  # mdy, dmy: how 3/4/2026 is meant; "" when it does not come up
    consent: str = "keep"  # keep: a refusal stays a refusal whatever the file says; file: the file is right
    everybody: str = ""  # consent of everybody in the file: yes, no, none (nobody was asked), "" as the columns say
    source: str = ""  # where consent was given, in words
    occasion: str = ""  # these people were met in the flesh, or at a webinar: fair, seminar, webinar, shop, other
    occasion_name: str = ""
    occasion_day: str = ""  # as 2026-11-20

    @property
    def met_at(self) -> datetime:
        """Noon of the day in the account's zone, never ahead."""
        return min(datetime.combine(date.fromisoformat(self.occasion_day), time(12), config().zone), clock.now() - timedelta(seconds=1))

    @property
    def met_on(self) -> tuple[datetime, datetime]:
        """The day, from its beginning to the next one's, in the account's zone."""
        day = date.fromisoformat(self.occasion_day)
        return datetime.combine(day, time(), config().zone), datetime.combine(day + timedelta(days=1), time(), config().zone)

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Options":
        return cls(**{name: value for name, value in stored.items() if name in cls.__slots__})
