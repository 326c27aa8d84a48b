"""Records by stage: the columns of a board with their sums and first cards, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baton.accounts.models import User
from baton.crm import associations, contacts, pipelines, records, types
from baton.crm.models import Pipeline, Stage
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import finder

from .address import record_url
from .table import Table

CARDS = 25  # of one column; the table shows the others
CLOSED = timedelta(days=90)  # closed records are shown for so long
SOON = 0.25  # of a service level: what is left when a card begins to warn

COLUMNS = """
SELECT stage, count(*), coalesce(sum(amount), 0), coalesce(sum(weighted), 0), array_agg(id ORDER BY place) FILTER (WHERE place <= %(cards)s)
FROM (
    SELECT c.id, c.properties ->> %(stage)s AS stage, (c.properties ->> 'amount')::numeric AS amount, (c.properties ->> 'weighted_amount')::numeric AS weighted,
        row_number() OVER (PARTITION BY c.properties ->> %(stage)s ORDER BY c.properties ->> %(order)s, c.id) AS place
    FROM record c
    WHERE {where} AND c.properties @> jsonb_build_object('pipeline', %(pipeline)s::text)
        AND (NOT (c.properties ->> %(stage)s) = ANY(%(closed)s) OR coalesce(c.properties ->> %(closed_at)s, c.properties ->> 'stage_since') >= %(since)s)
) found GROUP BY stage
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One record on a board. `left` is the time until its service level or the usual stay in the stage is over, negative after it."""

    id: int
    title: str
    url: str
    who: str  # the company, else the contact it is about
    amount: float | None
    priority: str
    priority_label: str
    closes: str  # ISO date
    overdue: bool
    owner: User | None
    since: datetime | None
    left: timedelta | None
    editable: bool

    @property
    def late(self) -> bool:
        return self.left is not None and self.left < timedelta(0)

    @property
    def days(self) -> int:
        """Whole days in the stage."""
        return (clock.now() - self.since).days if self.since else 0

    @property
    def hours_over(self) -> int:
        return round(-self.left.total_seconds() / 3600) if self.left is not None else 0

    @property
    def hours_left(self) -> int:
        return max(round(self.left.total_seconds() / 3600), 1) if self.left is not None else 0


@dataclass(frozen=True, slots=True)
class Column:
    """One stage with its sums; `cards` are the first CARDS of `count`."""

    key: str
    label: str
    probability: float
    closed: bool
    won: bool
    count: int
    amount: float
    weighted: float
    cards: list[Card]
    more_filter: str

    @property
    def percent(self) -> int:
        return round(self.probability * 100)

    @property
    def hidden(self) -> int:
        return self.count - len(self.cards)


@dataclass(frozen=True, slots=True)
class Board:
    """The pipeline chosen, all pipelines to choose from, and the columns. Sums are of open stages."""

    kind: str
    pipeline: Pipeline
    pipelines: list[Pipeline]
    columns: list[Column]
    money: bool  # has amounts
    service: bool  # has a service level instead of an expected stay

    @property
    def open(self) -> list[Column]:
        return [column for column in self.columns if not column.closed]

    @property
    def count(self) -> int:
        return sum(column.count for column in self.open)

    @property
    def amount(self) -> float:
        return sum(column.amount for column in self.open)

    @property
    def weighted(self) -> float:
        return sum(column.weighted for column in self.open)


def read(table: Table) -> Board | None:
    """The board of a table's records; None for an object type that has no pipeline yet. Raises Invalid when the filter cannot be compiled."""
    ways = pipelines.pipelines(table.kind.key)
    if not ways:
        return None
    chosen = next((way for way in ways if way.key == table.pipeline), ways[0])
    stages: Sequence[Stage] = chosen.stages_in_order  # type: ignore[attr-defined]  # set by pipelines.pipelines
    sums = _sums(table, chosen, stages)
    cards = _cards(table, [id for row in sums.values() for id in row[3]], {stage.key: stage for stage in stages})
    columns = []
    for stage in stages:
        count, amount, weighted, ids = sums.get(stage.key, (0, 0.0, 0.0, []))
        only = f"{table.kind.stage_property}:{stage.key}"
        shown, more = [cards[id] for id in ids if id in cards], f"{table.filter};{only}" if table.filter else only
        won = stage.closed and stage.probability == 1
        columns.append(Column(stage.key, pipelines.label(stage), stage.probability, stage.closed, won, count, float(amount), float(weighted), shown, more))
    return Board(table.kind.key, chosen, ways, columns, table.kind.key == "deal", table.kind.key == "ticket")


def _sums(table: Table, pipeline: Pipeline, stages: Sequence[Stage]) -> dict[str, tuple[int, float, float, list[int]]]:
    where = finder.condition(table.find)
    if where is None:
        return {}
    deal = table.kind.key == "deal"
    params = {
        **where.params, "cards": CARDS, "stage": table.kind.stage_property, "pipeline": pipeline.key, "order": "closedate" if deal else "stage_since",
        "closed": [stage.key for stage in stages if stage.closed], "closed_at": "closedate" if deal else "closed_at",
        "since": (clock.now() - CLOSED).astimezone(config().zone).date().isoformat(),
    }  # fmt: skip
    return {stage: (count, amount, weighted, ids or []) for stage, count, amount, weighted, ids in sql.rows(COLUMNS.format(where=where.text), params)}


def _cards(table: Table, ids: Sequence[int], stages: Mapping[str, Stage]) -> dict[int, Card]:
    from baton.crm import properties

    rows = records.many(table.kind.key, ids)
    companies, people = associations.linked(ids, "company"), associations.linked(ids, "contact")
    firms = records.many("company", [row[0][0] for row in companies.values()])
    persons = records.many("contact", [row[0][0] for id, row in people.items() if id not in companies])
    owners = {user.pk: user for user in table.users}
    now = clock.now()
    today = now.astimezone(config().zone).date().isoformat()
    priority = properties.definitions(table.kind.key).get("priority")

    def about(id: int) -> str:
        if id in companies and (firm := firms.get(companies[id][0][0])):
            return types.title("company", firm.properties)
        if id in people and (person := persons.get(people[id][0][0])):
            return contacts.display_name(person.properties)
        return ""

    found = {}
    for id, row in rows.items():
        given = row.properties
        stage = stages.get(given.get(table.kind.stage_property, ""))
        since = _moment(given.get("stage_since")) or row.created_at
        closed = stage is not None and stage.closed
        limit = timedelta(hours=stage.hours) if stage is not None and stage.hours else None
        closes = str(given.get("closedate") or "")
        found[id] = Card(
            id, types.title(table.kind.key, given) or f"#{id}", record_url(table.kind.key, id), about(id), given.get("amount"),
            str(given.get("priority") or ""), properties.option_label(priority, given["priority"]) if priority and given.get("priority") else "",
            closes, bool(closes) and not closed and closes < today, owners.get(row.owner_id or 0), since,
            since + limit - now if limit else None, table.rights.may(table.kind.key, "edit", [row.owner_id]),
        )  # fmt: skip
    return found


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
