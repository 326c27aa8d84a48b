"""Blocks that only some people get: their filters, asked about a batch of recipients in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from baton.messaging.mail import blocks
from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.query import compile
from baton.segments import catalog, filter

FLAGS = "_shown"  # the name a compiled mail knows the keys by: `{% if "3f2a91bc" in _shown %}`
NOBODY: frozenset[str] = frozenset()


def conditions(filters: Mapping[str, Any], contact_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """The keys of the conditional rows and blocks (blocks.filters of the document) that each of these contacts gets; whoever is not in it gets none.

    A mail without conditions costs nothing, any other one statement for all. A filter that can no longer be read (its property is gone)
    holds for nobody: rather a block less than one that somebody must not see.
    """

    if not filters or not contact_ids:
        return {}
    known, now, zone = catalog.current(), clock.now(), config().zone
    asked: dict[str, compile.Sql] = {}
    for number, (key, stored) in enumerate(filters.items()):
        try:
            asked[key] = compile.condition(filter.parse(stored, known), known, now=now, zone=zone, whom=True, prefix=f"b{number}_")
        except Invalid:
            continue
    if not asked:
        return {}
    columns = ", ".join(f"({one.text})" for one in asked.values())
    params: dict[str, Any] = {name: value for one in asked.values() for name, value in one.params.items()}
    rows = sql.rows(f"SELECT c.id, {columns} FROM contact c WHERE c.id = ANY(%(ids)s::bigint[])", {**params, "ids": list(contact_ids)})
    return {contact_id: frozenset(key for key, holds in zip(asked, held, strict=True) if holds) for contact_id, *held in rows}


def problems(document: Mapping[str, Any]) -> list[Problem]:
    """Filters that cannot be read, at `document.blocks.<key>.filter`."""
    found, known = [], catalog.current()
    for key, stored in blocks.filters(document).items():
        try:
            filter.parse(stored, known)
        except Invalid as error:
            found += [Problem(f"document.blocks.{key}.filter", problem.code, problem.message) for problem in error.problems]
    return found


def sentence(stored: dict[str, Any]) -> str:
    """A block's filter as people read it."""
    return filter.sentence(stored)
