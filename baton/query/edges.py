"""Time moves people without any event: where a filter's answer depends on now, and who crossed such an edge between two moments.

Asking too many people is harmless (they are evaluated again and nothing changes); missing one is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from .catalog import Catalog
from .check import resolve
from .compile import cell, one_of
from .moment import Moment, stamp
from .nodes import Compare, Node, Performed, walk
from .operators import OPERATORS
from .operators.date import Span, spanned
from .statement import Binder, Sql


@dataclass(frozen=True, slots=True)
class Window:
    """Events that count for `length` from when they happened."""

    kinds: tuple[int, ...]
    keys: tuple[int, ...] | None
    length: timedelta


@dataclass(frozen=True, slots=True)
class DateWindow:
    """The answer turns when now, moved by `offset` days, passes the property's value (a whole day: when the day does)."""

    property: str
    offset: int
    of: str = "contact"


def windows(node: Node) -> list[Window | DateWindow]:
    """The moving edges of a filter, each once."""
    found: dict[Window | DateWindow, None] = {}
    for n in walk(node):
        if isinstance(n, Performed) and n.within is not None and n.keys != ():
            found[Window(n.kinds, n.keys, n.within)] = None
        elif isinstance(n, Compare) and (operator := OPERATORS["date"].get(n.operator)) and isinstance(n.value, int):
            found.update(dict.fromkeys(DateWindow(n.property, offset, n.of) for offset in operator.edges(n.value)))
    return list(found)


def crossed(node: Node, catalog: Catalog, *, since: datetime, until: datetime, zone: tzinfo, prefix: str = "p") -> list[Sql]:
    """`SELECT contact_id` of those whose event or date passed an edge after `since` and up to `until`. No statement: nobody could.

    A contact may come more than once, and may be archived.
    """
    found: list[Sql] = []
    dates: dict[str, dict[DateWindow, None]] = {}
    for window in windows(node):
        if isinstance(window, Window):
            found += [_events(window, since, until, prefix), _events(Window(window.kinds, window.keys, timedelta()), since, until, prefix)]
        else:
            dates.setdefault(window.of, {})[window] = None
    for object_type, some in dates.items():  # one look at the records for all their windows
        bind = Binder(prefix)
        tests = [test for window in some if (test := _date(window, catalog, Moment(since, zone), Moment(until, zone), bind))]
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


def _events(window: Window, since: datetime, until: datetime, prefix: str) -> Sql:
    """Events that left the window; with no length: events whose time has come (they were recorded ahead of it)."""
    bind = Binder(prefix)
    tests = [one_of("e.kind", window.kinds, "smallint", bind)]
    if window.keys is not None:
        tests.append(one_of("e.key", window.keys, "bigint", bind))
    tests += [f"e.ts >= {bind(since - window.length)}", f"e.ts <= {bind(until - window.length)}"]
    return Sql(f"SELECT DISTINCT e.contact_id FROM event e WHERE {' AND '.join(tests)}", bind.params)


def _date(window: DateWindow, catalog: Catalog, since: Moment, until: Moment, bind: Binder) -> str | None:
    prop, _ = resolve(Compare(window.property, "known", of=window.of), catalog)
    stored = cell(prop, "c" if window.of == "contact" else "r", bind)
    by = timedelta(days=window.offset)
    if prop.type == "datetime":
        # stored moments are whole seconds: begin with the second in which `since` lies
        return spanned(stored, Span(stamp((since.now + by).replace(microsecond=0)), stamp(until.now + by)), moment=True)
    if since.today == until.today:
        return None
    return spanned(stored, Span((since.today + by).isoformat(), (until.today + by).isoformat()), moment=False)
