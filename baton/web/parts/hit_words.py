"""Who probably opened a mail or clicked a link, in words: how sure, why, by which program, and who has said so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from ua_parser import parse

from baton.events import evidence
from baton.events.timeline import Event

from ..templatetags.fmt import num


@dataclass(frozen=True)
class Hit:
    """An open or a click under its entry in the timeline."""

    contact_id: int
    place: str  # "<microseconds since 1970>-<id>": where a verdict by hand is sent to
    human: int  # percent
    program: bool
    reasons: list[str]
    agent: str  # browser and system, as far as they are known
    network: str
    said: str  # person, program: what a colleague said; "" if nobody did
    by: str  # his name

    @property
    def summary(self) -> str:
        """One line, for the closed entry."""
        if self.said:
            return _("said to be a program") if self.program else _("said to be a person")
        first = self.reasons[0] if self.reasons else ""
        if self.program:
            return _("probably a program: {why}").format(why=first) if first else _("probably a program")
        return _("probably a person ({percent})").format(percent=f"{num(self.human)} %")


def hit(event: Event, users: Mapping[int, str]) -> Hit | None:
    """None for what nobody judges."""
    said = event.payload
    if "human" not in said:
        return None
    return _hit(event.contact_id, event.ts, event.id, said, users)


def _hit(contact_id: int, ts: datetime, id: int, said: Mapping[str, Any], users: Mapping[int, str]) -> Hit:
    words = evidence.words(said)
    by_hand = next((word for word in words if word in evidence.HAND), "")
    kind, _colon, number = str(said.get("by") or "").partition(":")
    return Hit(
        contact_id,
        f"{micros(ts)}-{id}",
        round(float(said["human"]) * 100),
        "machine" in said,
        [_(evidence.REASONS[word][1]) for word in words if word in evidence.REASONS and word not in evidence.HAND],
        program(str(said.get("ua") or "")),
        str(said.get("net") or ""),
        by_hand,
        users.get(int(number), "") if kind == "user" and number.isdigit() else "",
    )


def micros(ts: datetime) -> int:
    """A moment as a whole number, exactly."""
    return int(ts.timestamp()) * 1_000_000 + ts.microsecond


def program(user_agent: str) -> str:
    """Browser and system in a few words; what cannot be read, as it is."""
    found = parse(user_agent)
    names = [part.family for part in (found.user_agent, found.os) if part is not None and part.family]
    return " · ".join(names) or user_agent[:80]
