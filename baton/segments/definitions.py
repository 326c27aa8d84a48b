"""Filters of lists and rules, read once and kept ready: what they ask, and which changes can make them answer differently.

`depends` is stored with every definition, so that one that cannot care is not even read. Which pages a pattern means
now is asked of the parsed filter, because new pages appear.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from baton.platform import clock, logs, sql
from baton.platform.changes import Change
from baton.platform.errors import Invalid
from baton.query import depends, edges
from baton.query.catalog import Catalog
from baton.query.depends import Depends
from baton.query.edges import DateWindow, Window
from baton.query.nodes import Node, Performed, walk
from baton.segments import catalog, filter

log = logs.log(__name__)

What = Literal["segment", "rule"]
Stored = dict[str, Any]
Version = tuple[int, int, int]

# Ids of pages, forms ... are taken in order but may be committed out of order: the count of the last ones tells. So do the tags.
KEYS = """
SELECT m.last, (SELECT count(*) FROM event_key k WHERE k.id > m.last - 1000),
       (SELECT coalesce(sum(hashtext(k.id || ':' || array_to_string(k.tags, ',')))::bigint, 0) FROM event_key k WHERE k.tags <> '{}')
FROM (SELECT coalesce(max(id), 0) AS last FROM event_key) m
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """One filter, parsed: ready to be compiled."""

    what: What
    id: int
    node: Node
    depends: Depends
    windows: tuple[Window | DateWindow, ...]

    def cares(self, kind: str, key: str) -> bool:
        """Whether a change of this kind and key can change the answer for the contact it happened to."""
        if kind != "event":
            return _wakes(self.what, self.id, self.depends, kind, key)
        number, _, about = key.partition(":")
        looks = (n for n in walk(self.node) if isinstance(n, Performed) and int(number) in n.kinds)
        return any(n.keys is None or int(about or 0) in n.keys for n in looks)


_kept: dict[tuple[What, int], tuple[Stored, Version, Definition]] = {}


def parse(what: What, id: int, stored: Stored, known: Catalog) -> Definition:
    """Read a stored filter. Raises Invalid with the path of the fault."""
    node = filter.parse(stored, known)
    return Definition(what, id, node, depends.of(node), tuple(edges.windows(node)))


def ready(what: What, stored: Mapping[int, Stored]) -> dict[int, Definition]:
    """The definitions behind stored filters, by id. One whose filter can no longer be read is left out, and logged."""
    if not stored:
        return {}
    version: Version = sql.rows(KEYS)[0]
    known = None
    found = {}
    for id, stored_filter in stored.items():
        kept = _kept.get((what, id))
        if kept is None or kept[:2] != (stored_filter, version):
            known = known or catalog.current()
            try:
                kept = (stored_filter, version, parse(what, id, stored_filter, known))
            except Invalid as error:
                log.warning("filter cannot be read, left out", what=what, id=id, error=str(error))
                continue
            _kept[what, id] = kept
        found[id] = kept[2]
    return found


def not_before(*looked_at: datetime | None) -> datetime:
    """Now, for definitions whose edges were looked at until then; never earlier, should this machine's clock be behind.

    Who crossed an edge before that moment is waiting for this evaluation: asked about an earlier one, he would stay where he was.
    """
    return max([clock.now(), *(at for at in looked_at if at is not None)])


def woken(what: What, stored: Mapping[int, tuple[Stored, Stored]], changes: Iterable[Change]) -> dict[int, set[int]]:
    """Which definitions these changes wake, and about whom: id -> contacts. `stored` is id -> (filter, depends)."""
    happened: dict[tuple[str, str], set[int]] = defaultdict(set)
    for change in changes:
        happened[_plain(change)].add(change.contact_id)

    def may_care(id: int, saved: Stored) -> bool:
        return not saved or any(_wakes(what, id, Depends.from_json(saved), kind, key) for kind, key in happened)

    awake = {id: stored_filter for id, (stored_filter, saved) in stored.items() if may_care(id, saved)}
    found = {}
    for id, definition in ready(what, awake).items():
        if ids := set[int]().union(*(people for (kind, key), people in happened.items() if definition.cares(kind, key))):
            found[id] = ids
    return found


def _plain(change: Change) -> tuple[str, str]:
    """Kind and key in the words of query.depends: a change of a company is `related`, one of an agreement `consent`."""
    if change.kind == "property" and "." in change.key:
        about, _, name = change.key.partition(".")
        return ("consent", name) if about == "consent" else ("related", f"{about}:{'' if name == '*' else name}")
    return (change.kind, change.key)


def _wakes(what: What, id: int, looks_at: Depends, kind: str, key: str) -> bool:
    return key == f"{what}:{id}" if kind == "edge" else looks_at.woken_by(kind, key)
