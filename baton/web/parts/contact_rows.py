"""One page of the contacts table, in a fixed number of queries however many rows and columns it shows."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.accounts.models import User
from baton.crm import contacts, properties
from baton.platform import clock, sql
from baton.platform.config import config
from baton.query import compile
from baton.query.nodes import Node
from baton.segments import catalog

from . import initials

PAGE = 50
DEEPEST = 400  # pages; beyond them a filter helps more than a next button
EXACT = 10_000  # counts are exact up to here
SAMPLE = 30_000  # rows looked at to estimate a larger count

NAME = "coalesce(c.properties->>'lastname', '') || coalesce(c.properties->>'firstname', '')"
WESTERN = "coalesce(c.properties->>'firstname', '') || ' ' || coalesce(c.properties->>'lastname', '')"
SORTS = {
    "name": f"NULLIF({NAME}, '')",
    "company": "c.properties->>'company'",
    "title": "c.properties->>'jobtitle'",
    "stage": "array_position(%(stages)s::text[], c.properties->>'lifecyclestage')",
    "score": "s.total",
    "owner": "array_position(%(owners)s::bigint[], c.owner_id)",
    "seen": "v.last_seen_at",
    "source": "c.properties->>'lead_source'",
}
JOINS = " LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s LEFT JOIN visitor v ON v.contact_id = c.id"
CHANNELS = (("email", "mail"), ("kakaotalk", "message-circle"), ("sms", "smartphone"))


@dataclass(frozen=True, slots=True)
class Row:
    """One contact as the table shows it."""

    id: int
    name: str
    email: str
    company: str
    company_id: int | None
    title: str
    stage: str
    stage_label: str
    score: int | None
    owner: str
    seen: datetime | None
    source: str
    consents: tuple[tuple[str, bool, str], ...] = ()  # channel, agreed, icon


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with how many there are in all; `exact` is false where the count is an estimate."""

    rows: list[Row]
    number: int
    more: bool
    total: int
    exact: bool

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return (self.number - 1) * PAGE + len(self.rows)


def page(node: Node | None, q: str, *, sort: str, number: int, users: Sequence[User], model_id: int) -> Page:
    """The contacts for whom the filter holds and whose name, address or company has `q`; `sort` is a key of SORTS, "-" before it descends."""
    where, params = condition(node, q)
    key = sort.lstrip("-") if sort.lstrip("-") in SORTS else "seen"
    direction = "DESC" if sort.startswith("-") else "ASC"
    params |= {"model": model_id, "stages": _stages(), "owners": [u.pk for u in users], "limit": PAGE + 1, "offset": (number - 1) * PAGE}
    found = sql.rows(
        f"SELECT c.id, c.properties, c.owner_id, s.total, v.last_seen_at FROM contact c{JOINS} WHERE {where}"
        f" ORDER BY {SORTS[key]} {direction} NULLS LAST, c.id DESC LIMIT %(limit)s OFFSET %(offset)s",
        params,
    )
    total, exact = count(where, params)
    return Page(_rows(found[:PAGE], users), number, len(found) > PAGE and number < DEEPEST, total, exact)


def some(ids: Sequence[int], *, users: Sequence[User], model_id: int) -> dict[int, Row]:
    """The rows of these contacts (archived ones are left out), by id."""
    found = sql.rows(
        f"SELECT c.id, c.properties, c.owner_id, s.total, v.last_seen_at FROM contact c{JOINS} WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL",
        {"ids": list(ids), "model": model_id},
    )
    return {row.id: row for row in _rows(found, users)}


def condition(node: Node | None, q: str) -> tuple[str, dict[str, Any]]:
    """SQL over `contact c` for a filter and a search text, with its named parameters."""
    tests = ["c.archived_at IS NULL"]
    params: dict[str, Any] = {}
    if node is not None:
        compiled = compile.condition(node, catalog.current(), now=clock.now(), zone=config().zone, whom=False)
        tests.append(f"({compiled.text})")
        params |= compiled.params
    for number, word in enumerate(q.lower().split()[:5]):
        test, more = _search(word, f"q{number}")
        tests.append(f"({test})")
        params |= more
    return " AND ".join(tests), params


def _search(word: str, key: str) -> tuple[str, dict[str, Any]]:
    if initials.asked(word):
        pattern = initials.pattern(word)
        people, fields = f"({NAME}) ~ %({key})s", f"r.properties->>'name' ~ %({key})s"
        own = f"c.properties->>'company' ~ %({key})s"
    else:
        pattern = "%" + word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        people = f"lower({NAME}) LIKE %({key})s OR lower({WESTERN}) LIKE %({key})s OR c.email LIKE %({key})s"
        fields, own = f"lower(r.properties->>'name') LIKE %({key})s", f"lower(c.properties->>'company') LIKE %({key})s"
    of_company = (
        "SELECT a.to_id FROM record r JOIN association a ON a.from_id = r.id AND a.to_type = 'contact'"
        f" WHERE r.object_type = 'company' AND r.archived_at IS NULL AND {fields}"
    )
    return f"{people} OR {own} OR c.id IN ({of_company})", {key: pattern}


def count(where: str, params: dict[str, Any]) -> tuple[int, bool]:
    """How many: exact up to EXACT, else from a sample of the table's blocks. A small table is sampled whole, so its count is exact too."""
    (found,) = sql.rows(f"SELECT count(*) FROM (SELECT 1 FROM contact c WHERE {where} LIMIT {EXACT + 1}) AS few", params)[0]
    if found <= EXACT:
        return found, True
    ((rows,),) = sql.rows("SELECT greatest(reltuples, 1)::bigint FROM pg_class WHERE oid = 'contact'::regclass")
    percent = min(100.0, 100.0 * SAMPLE / rows)
    ((found,),) = sql.rows(f"SELECT count(*) FROM contact c TABLESAMPLE SYSTEM ({percent:.4f}) WHERE {where}", params)
    return max(round(found * 100 / percent), EXACT), percent == 100.0


def _stages() -> list[str]:
    return [o["value"] for o in properties.definitions("contact")["lifecyclestage"].options]


def _rows(found: Iterable[tuple[Any, ...]], users: Sequence[User]) -> list[Row]:
    found = [(id, decoded(values), owner, score, seen) for id, values, owner, score, seen in found]
    ids = [r[0] for r in found]
    companies = {
        contact: (id, name or "")
        for contact, id, name in sql.rows(
            "SELECT DISTINCT ON (a.from_id) a.from_id, r.id, r.properties->>'name' FROM association a JOIN record r ON r.id = a.to_id"
            " WHERE a.from_id = ANY(%s) AND a.to_type = 'company' AND r.archived_at IS NULL ORDER BY a.from_id, (a.label = 'primary') DESC, r.id",
            [ids],
        )
    }
    agreed = {
        (contact, channel): granted
        for contact, channel, granted in sql.rows("SELECT contact_id, channel, granted FROM consent WHERE contact_id = ANY(%s)", [ids])
    }
    owners = {u.pk: u.name for u in users}
    known = properties.definitions("contact")
    labels = {name: {o["value"]: properties.option_label(known[name], o["value"]) for o in known[name].options} for name in ("lifecyclestage", "lead_source")}
    rows = []
    for id, values, owner, score, seen in found:
        company_id, company = companies.get(id, (None, values.get("company", "")))
        stage, source = values.get("lifecyclestage", ""), values.get("lead_source", "")
        rows.append(
            Row(
                id=id,
                name=contacts.display_name(values),
                email=values.get("email", ""),
                company=company,
                company_id=company_id,
                title=values.get("jobtitle", ""),
                stage=stage,
                stage_label=labels["lifecyclestage"].get(stage, stage),
                score=score,
                owner=owners.get(owner, ""),
                seen=seen,
                source=labels["lead_source"].get(source, source),
                consents=tuple((channel, bool(agreed.get((id, channel))), glyph) for channel, glyph in CHANNELS),
            )
        )
    return rows


def decoded(values: Any) -> dict[str, Any]:
    """Django's connection hands out jsonb as text."""
    found: dict[str, Any] = json.loads(values) if isinstance(values, str) else values
    return found
