"""Time moves people without any event: where a filter's answer depends on now, and who crossed such an edge between two moments.

Asking too many people is harmless (they are evaluated again and nothing changes); missing one is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from .catalog import Catalog
from .check import resolve
from .compile import cell, one_of
from .moment import Moment
from .nodes import Compare, MemberOf, Node, Performed, Value, walk
from .operators import OPERATORS
from .periods import Period, days
from .statement import Binder, Sql


@dataclass(frozen=True, slots=True)
class Window:
    """Events that count for `length` from when they happened, or only after it."""

    kinds: tuple[int, ...]
    keys: tuple[int, ...] | None
    length: timedelta


@dataclass(frozen=True, slots=True)
class PeriodWindow:
    """Events of a period of the calendar, which is another one from some midnight on."""

    kinds: tuple[int, ...]
    keys: tuple[int, ...] | None
    period: Period


@dataclass(frozen=True, slots=True)
class MemberWindow:
    """Somebody is in a list for so long."""

    segment_id: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class DateWindow:
    """A comparison of a date with now."""

    property: str
    operator: str
    value: Value
    of: str = "contact"


Edge = Window | PeriodWindow | MemberWindow | DateWindow


def windows(node: Node) -> list[Edge]:
    """The moving edges of a filter, each once."""
    found: dict[Edge, None] = {}
    for n in walk(node):
        if isinstance(n, Performed) and n.keys != ():
            if n.period is not None:
                found[PeriodWindow(n.kinds, n.keys, n.period)] = None
            found.update(dict.fromkeys(Window(n.kinds, n.keys, length) for length in (n.within, n.older) if length is not None))
        elif isinstance(n, MemberOf):
            found.update(dict.fromkeys(MemberWindow(n.segment_id, length) for length in (n.within, n.older) if length is not None))
        elif isinstance(n, Compare) and (operator := OPERATORS["date"].get(n.operator)) and operator.turned is not None:
            found[DateWindow(n.property, n.operator, n.value, n.of)] = None
    return list(found)


def crossed(node: Node, catalog: Catalog, *, since: datetime, until: datetime, zone: tzinfo, prefix: str = "p", ahead: bool = True) -> list[Sql]:
    """`SELECT contact_id` of those whose event or date passed an edge after `since` and up to `until`. No statement: nobody could.

    A contact may come more than once, and may be archived. With `ahead` events are looked for that were recorded ahead of their time, and whose time
    has come.
    """
    found: list[Sql] = []
    edges = windows(node)
    before, after = Moment(since, zone), Moment(until, zone)
    for edge in edges:
        if isinstance(edge, Window):
            found.append(_events(edge.kinds, edge.keys, since - edge.length, until - edge.length, prefix))
        elif isinstance(edge, MemberWindow):
            found.append(_members(edge, since, until, prefix))
        elif isinstance(edge, PeriodWindow) and (start := days(edge.period, before.today)[0]) != days(edge.period, after.today)[0]:
            end = days(edge.period, after.today)[1]
            found.append(_events(edge.kinds, edge.keys, after.midnight(start), after.midnight(end), prefix))
    if ahead:
        coming = dict.fromkeys((n.kinds, n.keys) for n in walk(node) if isinstance(n, Performed) and n.within is not None and n.keys != ())
        found += [_events(kinds, keys, since, until, prefix) for kinds, keys in coming]
    return found + _dates([edge for edge in edges if isinstance(edge, DateWindow)], catalog, before, after, prefix)


def _events(kinds: tuple[int, ...], keys: tuple[int, ...] | None, since: datetime, until: datetime, prefix: str) -> Sql:
    """Whose events lie between these moments: those that crossed an edge meanwhile."""
    bind = Binder(prefix)
    tests = [one_of("e.kind", kinds, "smallint", bind)]
    if keys is not None:
        tests.append(one_of("e.key", keys, "bigint", bind))
    tests += [f"e.ts >= {bind(since)}", f"e.ts <= {bind(until)}"]
    return Sql(f"SELECT DISTINCT e.contact_id FROM event e WHERE {' AND '.join(tests)}", bind.params)


def _members(window: MemberWindow, since: datetime, until: datetime, prefix: str) -> Sql:
    bind = Binder(prefix)
    ends = f"m.joined_at >= {bind(since - window.length)} AND m.joined_at <= {bind(until - window.length)}"
    return Sql(f"SELECT m.contact_id FROM membership m WHERE m.segment_id = {bind(window.segment_id)} AND {ends}", bind.params)


def _dates(windows: list[DateWindow], catalog: Catalog, since: Moment, until: Moment, prefix: str) -> list[Sql]:
    """One look at the records of each object type for all their windows."""
    found: list[Sql] = []
    by_type: dict[str, list[DateWindow]] = {}
    for window in windows:
        by_type.setdefault(window.of, []).append(window)
    for object_type, some in by_type.items():
        bind = Binder(prefix)
        tests = [test for window in some if (test := _turned(window, catalog, since, until, bind))]
        if not tests:
            continue
        either = " OR ".join(tests)
        if object_type == "contact":
            found.append(Sql(f"SELECT c.id AS contact_id FROM contact c WHERE c.archived_at IS NULL AND ({either})", bind.params))
        else:
            kind = bind(object_type)
            records = f"SELECT r.id FROM record r WHERE r.object_type = {kind} AND r.archived_at IS NULL AND ({either})"
            text = f"SELECT a.from_id AS contact_id FROM association a WHERE a.from_type = 'contact' AND a.to_type = {kind} AND a.to_id IN ({records})"
            found.append(Sql(text, bind.params))
    return found


def _turned(window: DateWindow, catalog: Catalog, since: Moment, until: Moment, bind: Binder) -> str | None:
    prop, operator = resolve(Compare(window.property, window.operator, window.value, window.of), catalog)
    if operator.turned is None:
        return None
    return operator.turned(cell(prop, "c" if window.of == "contact" else "r", bind), window.value, since, until)
