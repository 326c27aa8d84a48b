"""Filters of lists and rules, read once and kept ready: what they ask, and which changes can make them answer differently.

`depends` is stored with every definition, so that one that cannot care is not even read. Which pages a pattern means
now is asked of the parsed filter, because new pages appear.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from baton.events import keys
from baton.platform import clock, logs
from baton.platform.changes import Change
from baton.platform.errors import Invalid
from baton.query import depends, edges
from baton.query.catalog import Catalog
from baton.query.depends import Depends
from baton.query.edges import Edge, Window
from baton.query.nodes import Node, Performed, walk
from baton.segments import catalog, filter, tally
from baton.segments.card import Decay
from baton.segments.models import ScoreRule

log = logs.log(__name__)

What = Literal["segment", "rule", "stage", "step"]
Stored = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Definition:
    """One filter, parsed: ready to be compiled."""

    what: What
    id: int
    node: Node
    depends: Depends
    windows: tuple[Edge, ...]
    aging: tuple[Window, ...] = ()  # of a rule whose points grow less with age: among `windows` too
    looks: Mapping[int, frozenset[int] | None] = field(default_factory=dict)  # kind of event -> keys; None: any

    def cares(self, kind: str, key: str) -> bool:
        """Whether a change of this kind and key can change the answer for the contact it happened to."""
        if kind != "event":
            return _wakes(self.what, self.id, self.depends, kind, key)
        number, _, about = key.partition(":")
        keys = self.looks.get(int(number), frozenset())
        return keys is None or int(about or 0) in keys


Ages = tuple[timedelta, ...]
ELSEWHERE = frozenset({"entry", "company", "demoted"})  # changes that no filter looks at (see jobs.py)
_kept: dict[tuple[What, int], tuple[Stored, Ages, keys.Version, Definition]] = {}
_saved: dict[tuple[What, int], tuple[Stored, Depends]] = {}


def parse(what: What, id: int, stored: Stored, known: Catalog, ages: Ages = ()) -> Definition:
    """Read a stored filter. `ages`: at which a counted event is worth less than before. Raises Invalid with the path of the fault."""
    node = filter.parse(stored, known)
    aging = tuple(Window(node.kinds, node.keys, age) for age in ages) if isinstance(node, Performed) and node.keys != () else ()
    looks: dict[int, frozenset[int] | None] = {}
    for n in (n for n in walk(node) if isinstance(n, Performed)):
        for kind in n.kinds:
            there = looks.get(kind, frozenset())
            looks[kind] = None if n.keys is None or there is None else there | set(n.keys)
    return Definition(what, id, node, depends.of(node), (*edges.windows(node), *aging), aging, looks)


def ready(what: What, stored: Mapping[int, Stored], ages: Mapping[int, Ages] | None = None) -> dict[int, Definition]:
    """The definitions behind stored filters, by id. One whose filter can no longer be read is left out, and logged."""
    if not stored:
        return {}
    version = keys.version()
    known = None
    found = {}
    for id, stored_filter in stored.items():
        aged = ages.get(id, ()) if ages else ()
        kept = _kept.get((what, id))
        if kept is None or kept[:3] != (stored_filter, aged, version):
            known = known or catalog.current()
            try:
                kept = (stored_filter, aged, version, parse(what, id, stored_filter, known, aged))
            except Invalid as error:
                log.warning("filter cannot be read, left out", what=what, id=id, error=str(error))
                continue
            _kept[what, id] = kept
        found[id] = kept[3]
    return found


def rules(rows: Iterable[ScoreRule]) -> dict[int, Definition]:
    """The definitions of published rules, by number."""
    rows = list(rows)
    ages = {row.pk: tally.ages(row.decay and Decay.model_construct(**row.decay), row.expires_days) for row in rows if row.kind == "event"}
    return ready("rule", {row.pk: row.filter for row in rows}, {id: tuple(found) for id, found in ages.items()})


def not_before(*looked_at: datetime | None) -> datetime:
    """Now, for definitions whose edges were looked at until then; never earlier, should this machine's clock be behind.

    Who crossed an edge before that moment is waiting for this evaluation: asked about an earlier one, he would stay where he was.
    """
    return max([clock.now(), *(at for at in looked_at if at is not None)])


def woken(what: What, stored: Mapping[int, tuple[Stored, Stored]], changes: Iterable[Change]) -> dict[int, set[int]]:
    """Which definitions these changes wake, and about whom: id -> contacts. `stored` is id -> (filter, depends)."""
    events: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))  # kind -> key -> contacts
    others: dict[tuple[str, str], set[int]] = defaultdict(set)
    for change in changes:
        if change.kind == "event":
            number, _, about = change.key.partition(":")
            events[int(number)][int(about or 0)].add(change.contact_id)
        elif change.kind not in ELSEWHERE:
            others[_plain(change)].add(change.contact_id)

    found: dict[int, set[int]] = {}
    readable: dict[int, Stored] = {}
    unsaved = ready(what, {id: stored_filter for id, (stored_filter, saved) in stored.items() if not saved})
    for id, (stored_filter, saved) in stored.items():
        looks_at = _looks_at(what, id, saved) if saved else unsaved[id].depends if id in unsaved else Depends()
        if ids := set[int]().union(*(people for (kind, key), people in others.items() if _wakes(what, id, looks_at, kind, key))):
            found[id] = ids
        if events and any(kind in events and (key is None or key in events[kind]) for kind, key in looks_at.events):
            readable[id] = stored_filter
    for id, definition in ready(what, readable).items():
        heard = [people for kind, keys in definition.looks.items() if kind in events for people in _among(events[kind], keys)]
        if heard:
            found.setdefault(id, set()).update(*heard)
    return found


def _among(people: Mapping[int, set[int]], keys: frozenset[int] | None) -> list[set[int]]:
    return list(people.values()) if keys is None else [people[key] for key in people.keys() & keys]


def _looks_at(what: What, id: int, saved: Stored) -> Depends:
    kept = _saved.get((what, id))
    if kept is None or kept[0] != saved:
        kept = _saved[what, id] = (saved, Depends.from_json(saved))
    return kept[1]


def _plain(change: Change) -> tuple[str, str]:
    """Kind and key in the words of query.depends: a change of a company is `related`, one of an agreement `consent`."""
    if change.kind == "property" and "." in change.key:
        about, _, name = change.key.partition(".")
        return ("consent", name) if about == "consent" else ("related", f"{about}:{'' if name == '*' else name}")
    return (change.kind, change.key)


def _wakes(what: What, id: int, looks_at: Depends, kind: str, key: str) -> bool:
    return key == f"{what}:{id}" if kind == "edge" else looks_at.woken_by(kind, key)
