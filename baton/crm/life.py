"""The stages of the life cycle as data, and which move from one to another is what.

The stages are the options of the contact property `lifecyclestage`, in their order; `LifecycleStage` says what each is. Nothing here writes: `ledger` books
moves, `stages` is the door for people and programs, `writing` asks on every change of that property.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import connection
from django.utils.translation import gettext as _

from baton.crm import properties
from baton.crm.models import LifecycleStage
from baton.platform.errors import Invalid, NotFound

PROPERTY = "lifecyclestage"
SINCE = "stage_since"
PATH = f"properties.{PROPERTY}"
ON_THE_WAY = ("forward", "won")
# What a move may do beside going on: also go back, or anything, out of a dead end too; "stay": what may not be is left out and nobody is told.
Freedom = Literal["", "back", "any", "stay"]
FRESH = 1.0  # seconds; a stage changed in another process is known here after that


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `rank` is its place among all of them, from 1; `rule` says who enters (models/stage.py)."""

    key: str
    name: str
    builtin: bool
    rank: int
    kind: str = "aside"
    team: str = ""
    rule: Mapping[str, Any] = field(default_factory=dict, hash=False)
    returns_to: str = ""
    days: int | None = None

    @property
    def label(self) -> str:
        """What people read, in the current language."""
        return _(self.name) if self.builtin and self.name else self.name

    @property
    def on_the_way(self) -> bool:
        """Whether it lies on the way to a contract, where nobody goes back by himself."""
        return self.kind in ON_THE_WAY

    @property
    def measured(self) -> bool:
        """Whether a rule says who enters."""
        return measured(self.rule)


_known: dict[str, tuple[float, dict[str, Stage]]] = {}
_here: dict[str, tuple[int, dict[str, Stage]]] = {}  # of a transaction that changes some


def known() -> tuple[Stage, ...]:
    """All stages in order."""
    return tuple(by_key().values())


def get(key: str) -> Stage:
    """One stage. Raises NotFound."""
    found = by_key().get(key)
    if found is None:
        raise NotFound(_("There is no such stage."))
    return found


def by_key() -> dict[str, Stage]:
    """The stages by key, in order. Do not change what you get."""
    definition = properties.definitions("contact").get(PROPERTY)
    if definition is None:
        return {}
    if changes := sum(entry[1] is forget for entry in connection.run_on_commit):  # seen by this transaction only
        if _here.get("", (0,))[0] != changes:
            _here[""] = (changes, _read())
        return _merged(_here[""][1], definition)
    at, found = _known.get("", (0.0, {}))
    if not found or time.monotonic() - at > FRESH:
        found = _read()
        _known[""] = (time.monotonic(), found)
    return _merged(found, definition)


def forget() -> None:
    """Read the stages again the next time they are asked for."""
    _known.clear()
    _here.clear()


def _read() -> dict[str, Stage]:
    rows = LifecycleStage.objects.all()
    return {r.key: Stage(r.key, r.key, False, 0, r.kind, r.team, r.rule, r.returns_to, r.days) for r in rows}


_joined: tuple[object, object, dict[str, Stage]] = (None, None, {})


def _merged(rows: dict[str, Stage], definition: Any) -> dict[str, Stage]:
    """The rows under the names and in the order of the options; an option nobody described stands beside the way."""
    global _joined
    if _joined[0] is not rows or _joined[1] is not definition:
        found = {}
        for rank, option in enumerate((o for o in definition.options if not o.get("archived")), 1):
            key = option["value"]
            row = rows.get(key)
            more = (row.kind, row.team, row.rule, row.returns_to, row.days) if row else ()
            found[key] = Stage(key, str(option["label"]), definition.builtin, rank, *more)
        _joined = (rows, definition, found)
    return _joined[2]


def measured(rule: Mapping[str, Any]) -> bool:
    """Whether a rule of entry names something that can be measured."""
    mode = rule.get("mode")
    score, filter = bool(rule.get("band")), bool(rule.get("filter"))
    return {"score": score, "filter": filter, "either": score or filter, "both": score and filter}.get(str(mode), False)


# Moves ----------------------------------------------------------------------


def path(out_of: str, into: str) -> str:
    """What a move is: entry, forward, fast_pass (skips a stage that has a rule), recycle, return, dead_end, reopen, back, exit."""
    if not into:
        return "exit"
    if not out_of:
        return "entry"
    stages = by_key()
    here, there = stages.get(out_of), stages.get(into)
    if there and there.kind == "dead_end":
        return "dead_end"
    if here and here.kind == "dead_end":
        return "reopen"
    if there and there.kind == "recycle":
        return "recycle"
    if here and here.kind == "recycle":
        return "return"
    if here is None or there is None:
        return "forward"
    if there.rank < here.rank:
        return "back"
    skips = there.on_the_way and any(s.kind == "forward" and s.measured and here.rank < s.rank < there.rank for s in stages.values())
    return "fast_pass" if skips else "forward"


def judge(out_of: str, into: str, freedom: Freedom = "") -> None:
    """Raises Invalid (BACKWARD, DEAD_END) when a contact may not be moved so."""
    if freedom == "any" or not out_of:
        return
    stages = by_key()
    here, there = stages.get(out_of), stages.get(into)
    if here and here.kind == "dead_end":
        text = _("{stage} is an end. Only an administrator reopens it, with a reason, on the contact's page.")
        raise Invalid.one(PATH, "DEAD_END", text.format(stage=here.label))
    if freedom == "back" or here is None or there is None:
        return
    if here.on_the_way and there.on_the_way and there.rank < here.rank:
        text = _("A contact does not go back from {stage} to {into} by itself. Clear the stage first and then set it, or move the contact back on its page.")
        raise Invalid.one(PATH, "BACKWARD", text.format(stage=here.label, into=there.label))
