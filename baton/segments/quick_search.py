"""Quick search over all object types: one look into the words of contacts, one into those of the other records."""

import json
from collections.abc import Sequence
from typing import Any

from baton.accounts.rights import Rights
from baton.crm import properties, search, types
from baton.platform import sql
from baton.segments import finder

LOOKED_AT = 60  # matches of each table that are ranked; more words find fewer


def hits(text: str, *, rights: Rights | None, only: Sequence[str] | None, limit: int) -> list["finder.Hit"]:
    """See finder.quick."""
    asked = search.query(text)
    if not asked or limit <= 0:
        return []
    wanted = [kind.key for kind in types.all(activities=False)] if only is None else [key for key in only if key in types.known()]
    found: list[tuple[str, int, dict[str, Any]]] = []
    if "contact" in wanted:
        found += _look("contact", ["contact"], asked, rights)
    if others := [key for key in wanted if key != "contact"]:
        found += _look("record", others, asked, rights)
    words = search.plain(text)
    ranked = sorted(((not _begins(kind, values, words), wanted.index(kind), -id), kind, id, values) for kind, id, values in found)
    return [finder.Hit(kind, id, types.title(kind, values) or f"#{id}", _subtitle(kind, values)) for _rank, kind, id, values in ranked[:limit]]


def _look(table: str, kinds: Sequence[str], asked: str, rights: Rights | None) -> list[tuple[str, int, dict[str, Any]]]:
    params: dict[str, Any] = {"words": asked}
    tests = []
    for number, kind in enumerate(kinds):
        allowed = finder.visible(rights, kind, "c")
        if allowed.text != "false":
            params |= allowed.params | {f"kind{number}": kind}
            tests.append(allowed.text if table == "contact" else f"(c.object_type = %(kind{number})s AND {allowed.text})")
    if not tests:
        return []
    kind = "'contact'" if table == "contact" else "c.object_type"
    rows = sql.rows(
        f"SELECT {kind}, c.id, c.properties FROM {table} c"
        f" WHERE c.archived_at IS NULL AND c.search @@ %(words)s::tsquery AND ({' OR '.join(tests)}) LIMIT {LOOKED_AT}",
        params,
    )
    return [(kind, id, json.loads(values) if isinstance(values, str) else values) for kind, id, values in rows]


def _begins(kind: str, values: dict[str, Any], words: str) -> bool:
    """Whether the record's name begins with what was typed: such come first."""
    return search.plain(types.title(kind, values)).startswith(words.strip())


def _subtitle(kind: str, values: dict[str, Any]) -> str:
    """What tells records of the same name apart."""
    known = properties.definitions(kind)
    names = ("email", "company", "phone") if kind == "contact" else types.get(kind).secondary_properties
    shown = [properties.option_label(known[name], str(values[name])) for name in names if name in known and values.get(name)]
    return " · ".join(shown[:2])
