"""A filter taken apart for one contact or record: each of its conditions as a sentence, and whether it holds. One statement, however many there are.

of(filter, id, at=None, object_type="contact") -> Part
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.query import compile
from baton.query.nodes import Node
from baton.segments import catalog, filter, past
from baton.segments.filter import Stored


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, or a group of them: `how` is all, any or not, and "" of a condition. `holds` is None where it can no longer be read."""

    sentence: str
    holds: bool | None
    how: str = ""
    parts: tuple["Part", ...] = ()

    def leaves(self) -> Iterator["Part"]:
        """The conditions in it."""
        if not self.how:
            yield self
        for part in self.parts:
            yield from part.leaves()


def of(stored: Stored, id: int, at: datetime | None = None, object_type: str = "contact") -> Part:
    """The filter for this contact or record: as it is now, or for a contact as it was at a moment that is over (as far as the past is kept)."""
    nodes: list[Node | None] = []
    _gather(stored, object_type, nodes)
    return _built(stored, object_type, iter(_held([n for n in nodes if n is not None], id, at, object_type)), iter(nodes))


def missing(part: Part) -> str:
    """What would have to come true for it to hold, in words; "" when it holds."""
    if part.holds:
        return ""
    if part.how == "all":
        return _(" and ").join(said for one in part.parts if (said := missing(one)))
    if part.how == "any":
        return _("one of these: {list}").format(list="; ".join(missing(one) for one in part.parts))
    if part.how == "not":
        return _("this must end: {sentence}").format(sentence=part.parts[0].sentence)
    return part.sentence


def _gather(stored: Any, object_type: str, nodes: list[Node | None]) -> None:
    match stored:
        case {"all": [*parts]} | {"any": [*parts]}:
            for part in parts:
                _gather(part, object_type, nodes)
        case {"not": inner}:
            _gather(inner, object_type, nodes)
        case dict():
            try:
                nodes.append(filter.parse(stored, catalog.current(), object_type=object_type, deep=True))
            except Invalid:
                nodes.append(None)


def _held(nodes: list[Node], id: int, at: datetime | None, object_type: str) -> list[bool]:
    """Whether each holds; all do not for somebody who is not there."""
    if not nodes:
        return []
    known, now = catalog.current(), at or clock.now()
    tests = [compile.condition(node, known, now=now, zone=config().zone, prefix=f"w{i}_") for i, node in enumerate(nodes)]
    params: dict[str, Any] = {"ids": [id]}
    for test in tests:
        params |= test.params
    table, before = "contact" if object_type == "contact" else "record", ""
    if at is not None and object_type == "contact" and at < clock.now():
        shown = past.tables(nodes, at, ids=[id])
        before, params = f"WITH {shown.text} ", params | shown.params
    rows = sql.rows(f"{before}SELECT {', '.join(f'({test.text})' for test in tests)} FROM {table} c WHERE c.id = ANY(%(ids)s::bigint[])", params)
    return [bool(value) for value in rows[0]] if rows else [False] * len(nodes)


def _built(stored: Any, object_type: str, held: Iterator[bool], nodes: Iterator[Node | None]) -> Part:
    match stored:
        case {"all": [*inner]} | {"any": [*inner]}:
            how = "all" if "all" in stored else "any"
            parts = tuple(_built(part, object_type, held, nodes) for part in inner)
            values = [bool(part.holds) for part in parts]
            # an empty group is nobody, as in a filter
            return Part(filter.sentence(stored, object_type), bool(values) and (all(values) if how == "all" else any(values)), how, parts)
        case {"not": inner}:
            part = _built(inner, object_type, held, nodes)
            return Part(filter.sentence(stored, object_type), not part.holds, "not", (part,))
        case dict() if stored and next(nodes) is not None:
            return Part(filter.sentence(stored, object_type), next(held))
    return Part(filter.sentence(stored, object_type) if isinstance(stored, dict) else "", None if stored else False)
