"""Who is behind a number of the board: the bookings of the ledger that it counts, newest first, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from baton.analytics import flows, funnel, periods, whose
from baton.analytics.flows import EVERYBODY, Only, Way
from baton.analytics.funnel import Row
from baton.analytics.periods import Period
from baton.crm import stages
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound

STANDING = ("opening", "closing", "stuck")  # who stands in the stage at a moment; else moves
CAME = {f"in_{kind}": kind for kind in funnel.IN} | {"new": "new"}
LEFT = {f"out_{kind}": (kind,) for kind in funnel.OUT} | {"out_rest": ("exit", "other"), "exit": ("exit",)}

FOUND = f"""
SELECT b.contact_id, b.id, b.at, b.out_of, b."into", b.path, b.actor, b.source, b.reason, c.owner_id, c.id IS NOT NULL
FROM booking b {whose.JOIN}
WHERE {{which}} AND {{only}} AND {{after}} ORDER BY b.at DESC, b.contact_id DESC, b.id DESC LIMIT %(limit)s
"""
MOVES = """
b.at >= %(start)s AND b.at < %(end)s
AND EXISTS (SELECT 1 FROM unnest(%(out_of)s::text[], %(into)s::text[], %(path)s::text[]) AS w(o, i, p) WHERE w.o = b.out_of AND w.i = b."into" AND w.p = b.path)
"""
STANDS = """
b."into" = %(stage)s AND b.at < %(end)s AND b.at < %(latest)s
AND NOT EXISTS (SELECT 1 FROM booking l WHERE l.contact_id = b.contact_id AND l.id > b.id AND l.at < %(end)s)
"""
AFTER = "(b.at, b.contact_id, b.id) < (%(at)s, %(contact)s, %(id)s)"


class Entry(NamedTuple):
    """A booking, with the owner of its contact; `there`: whether the contact still is (else he was merged or erased)."""

    contact_id: int
    id: int
    at: datetime
    out_of: str
    into: str
    path: str
    actor: str
    source: str
    reason: str
    owner_id: int | None
    there: bool

    @property
    def cursor(self) -> str:
        return f"{self.at.isoformat()}_{self.contact_id}_{self.id}"


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the board: a stage, what is counted of it (STANDING, in, out, next, CAME, LEFT, or the stage people went to), and when."""

    stage: str
    what: str
    first: date
    until: date
    only: Only = EVERYBODY

    def row(self) -> Row:
        """The stage's row in that stretch of time. Raises NotFound, Invalid."""
        if not periods.EARLIEST <= self.first < self.until <= periods.LATEST:
            raise Invalid.one("from", "INVALID_PERIOD", periods.refusal())
        before, moves = flows.read([self.first, self.until], only=self.only)
        rows = funnel.lay_out(Period("", self.first, self.until), flows.balances(before.ways), moves).rows
        if self.stage not in rows:
            stages.get(self.stage)
        return rows[self.stage]

    def ways(self) -> list[Way]:
        """The ways that are counted, of those that were walked."""
        _before, moves = flows.read([self.first, self.until], only=self.only)
        known = {stage.key: stage for stage in stages.known()}
        recycle = self.stage in known and known[self.stage].kind == "recycle"
        goes = "returned" if recycle else "forward"

        def counted(way: Way) -> bool:
            kind = funnel.kind(way, known)
            if self.what == "in" or self.what in CAME:
                return way.into == self.stage and (self.what == "in" or kind == CAME[self.what])
            if way.out_of != self.stage:
                return False
            return self.what == "out" or kind in ((goes,) if self.what == "next" else LEFT.get(self.what, ())) or way.into == self.what

        return [way for way in moves.ways if counted(way)]

    def count(self) -> int:
        """The number itself, as the board has it."""
        if self.what == "opening":
            return self.row().opening
        if self.what == "closing":
            return self.row().closing
        if self.what == "stuck":
            from baton.analytics import ageing

            return next((age.stuck for age in ageing.read(self.until, only=self.only) if age.stage.key == self.stage), 0)
        moves = flows.read([self.first, self.until], only=self.only)[1].ways
        return sum(moves[way] for way in self.ways())

    def page(self, cursor: str = "", limit: int = 50) -> list[Entry]:
        """The bookings after a cursor: of a move that itself, of somebody who stands there the one that brought him. Raises NotFound, Invalid."""
        which, params = self._which()
        condition, more = self.only.condition()
        params |= more | {"limit": limit}
        after = "true"
        if cursor:
            after, params = AFTER, params | _read(cursor)
        rows = sql.rows(FOUND.format(which=which, only=condition, after=after), params)
        return [Entry(*row) for row in rows]

    def everybody(self, size: int = 2000) -> Iterator[list[Entry]]:
        """All of them, in pieces."""
        cursor = ""
        while found := self.page(cursor, size):
            yield found
            cursor = found[-1].cursor

    def _which(self) -> tuple[str, dict[str, Any]]:
        if self.what in STANDING:
            end = self.first if self.what == "opening" else self.until
            latest = end
            if self.what == "stuck":
                days = stages.get(self.stage).days
                latest = periods.add_days(periods.asof(end), -days) if days is not None else periods.EARLIEST
            return STANDS, {"stage": self.stage, "end": periods.at(end), "latest": periods.at(latest)}
        ways = self.ways()
        columns = {name: [getattr(way, name) for way in ways] for name in Way._fields}
        return MOVES, {"start": periods.at(self.first), "end": periods.at(self.until), **columns}


def number(stage: str, what: str, first: str, until: str, only: Only = EVERYBODY) -> Number:
    """What an address names. Raises NotFound, Invalid."""
    if what not in (*STANDING, "in", "out", "next", *CAME, *LEFT):
        stages.get(what)
    try:
        found = Number(stage, what, date.fromisoformat(first), date.fromisoformat(until), only)
    except ValueError:
        raise Invalid.one("from", "INVALID_PERIOD", periods.refusal()) from None
    if not periods.EARLIEST <= found.first < found.until <= periods.LATEST:
        raise Invalid.one("from", "INVALID_PERIOD", periods.refusal())
    found.row()
    return found


def _read(cursor: str) -> dict[str, Any]:
    try:
        at, contact, id = cursor.split("_")
        return {"at": datetime.fromisoformat(at), "contact": int(contact), "id": int(id)}
    except ValueError:
        raise NotFound(periods.refusal()) from None
