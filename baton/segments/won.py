"""Closed deals looked at: how the newest won ones came about, what was seen before, and which products bring how much.

A few deals are stories, not statistics: shares have intervals, and what is proposed needs LEAST deals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baton.accounts.rights import Rights
from baton.crm import properties, types
from baton.crm.models import Record
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.config import config
from baton.query import expression
from baton.segments import outcomes, statistics
from baton.segments.advice import WINDOW
from baton.segments.statistics import Lift, Rate

MOST = 50  # deals told one by one
COMPARED = 300  # newest won, and newest lost deals, that pages are compared over
PRICED = 2_000  # newest closed deals that products are counted over
BEST = 20  # points of the product that is worth most
SHOWN = 20
TOLD = {Kind.PAGE_VIEW: "pages", Kind.DOWNLOAD: "downloads", Kind.FORM_SUBMISSION: "forms", Kind.EMAIL_CLICK: "mails", Kind.EMAIL_OPEN: "mails"}

# The newest by their close date, which has an index; deals with customers of before are none.
NEWEST = f"""
SELECT d.id, s.won, d.created_at, {outcomes.CLOSED} AS closed
FROM record d JOIN unnest(%(pipelines)s::text[], %(stages)s::text[], %(wins)s::boolean[]) AS s(pipeline, stage, won)
  ON d.properties->>'pipeline' = s.pipeline AND d.properties->>'dealstage' = s.stage
WHERE d.object_type = 'deal' AND d.archived_at IS NULL AND d.properties->>'dealtype' IS DISTINCT FROM 'existingbusiness' AND s.won = ANY(%(which)s)
  AND {expression.date("d.properties", "'closedate'")} <= %(today)s
ORDER BY {expression.date("d.properties", "'closedate'")} DESC, d.id DESC LIMIT %(most)s
"""
# One row for each contact of a deal: what is looked at ends just before the deal was made.
ASKED = """
WITH asked AS MATERIALIZED (
    SELECT r.deal, a.to_id AS contact_id, r.at, r.won
    FROM unnest(%(deals)s::bigint[], %(moments)s::timestamptz[], %(wins)s::boolean[]) AS r(deal, at, won)
    JOIN association a ON a.from_id = r.deal AND a.to_type = 'contact' AND a.label = ''
)
"""
STEPS = f"""{ASKED}
SELECT p.deal, e.kind, coalesce(nullif(k.label, ''), k.value), min(e.ts), count(*)
FROM asked p JOIN event e ON e.contact_id = p.contact_id AND e.ts <= p.at JOIN event_key k ON k.id = e.key
WHERE e.kind = ANY(%(kinds)s::smallint[]) AND NOT e.payload ? 'machine' GROUP BY 1, 2, 3 ORDER BY 1, min(e.ts)
"""
PATHS = f"""{ASKED}
SELECT DISTINCT ON (p.deal) p.deal, c.id, c.properties->>'lead_source', v.first_seen_at, v.first_page, v.first_referrer, c.created_at
FROM asked p JOIN contact c ON c.id = p.contact_id LEFT JOIN visitor v ON v.contact_id = c.id
ORDER BY p.deal, least(v.first_seen_at, c.created_at), c.id
"""
ASSISTS = f"""{ASKED}
SELECT e.key, k.value, k.label, count(*) FILTER (WHERE p.won), count(DISTINCT p.deal) FILTER (WHERE p.won), count(DISTINCT p.deal) FILTER (WHERE NOT p.won)
FROM asked p JOIN event e ON e.contact_id = p.contact_id AND e.ts <= p.at AND e.ts >= p.at - %(window)s::interval JOIN event_key k ON k.id = e.key
WHERE e.kind = {int(Kind.PAGE_VIEW)} AND e.ts >= %(first)s AND e.ts <= %(last)s
GROUP BY 1, 2, 3 HAVING count(DISTINCT p.deal) FILTER (WHERE p.won) > 0 ORDER BY 5 DESC, 4 DESC, 1 LIMIT %(shown)s
"""
PRODUCTS = """
SELECT (i.properties->>'product_id')::bigint, d.deal, d.won, sum((i.properties->>'amount')::numeric)
FROM unnest(%(deals)s::bigint[], %(wins)s::boolean[]) AS d(deal, won)
JOIN association a ON a.from_id = d.deal AND a.to_type = 'line_item' AND a.label = '' JOIN record i ON i.id = a.to_id AND i.archived_at IS NULL
WHERE jsonb_typeof(i.properties->'product_id') = 'number' AND jsonb_typeof(i.properties->'amount') = 'number'
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed deal; `at` is just before it was made."""

    id: int
    won: bool
    at: datetime
    closed: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """Something done before the deal: what, first when, how often."""

    label: str
    at: datetime
    times: int


@dataclass(slots=True)
class Story:
    """How a won deal came about."""

    deal: Closed
    title: str
    amount: float | None
    contact_id: int | None = None
    source: str = ""
    first_seen: datetime | None = None
    first_page: str = ""
    first_referrer: str = ""
    steps: dict[str, list[Step]] = field(default_factory=lambda: {"pages": [], "downloads": [], "forms": [], "mails": []})

    @property
    def days(self) -> int | None:
        """From first seen to the deal."""
        return None if self.first_seen is None else max((self.deal.at - self.first_seen).days, 0)


@dataclass(frozen=True, slots=True)
class Assist:
    """A page seen before deals: by how many of the won and of the lost ones, and how often before won ones."""

    key: int
    address: str
    title: str
    views: int
    won: Rate
    lost: Rate
    lift: Lift


@dataclass(frozen=True, slots=True)
class Product:
    """What a product brought: won of closed deals with it, revenue of the won ones, and points in proportion to what an inquiry is worth."""

    id: int
    name: str
    won: Rate
    revenue: float
    worth: float | None  # revenue that one closed deal with it brings on average
    points: int | None
    rule: dict[str, Any] | None  # a condition that asks for it, where a property names products


def newest(which: Sequence[bool] = (True,), *, most: int) -> list[Closed]:
    """The newest closed deals, the newest first: won ones, lost ones, or both."""
    params = outcomes.stages() | {"which": list(which), "today": clock.now().astimezone(config().zone).date().isoformat(), "most": most}
    found = [(id, won, created, closed) for id, won, created, closed in sql.rows(NEWEST, params)]
    return [Closed(id, won, min(created, closed or created) - outcomes.BEFORE, closed or created) for id, won, created, closed in found]


def stories(most: int, rights: Rights) -> list[Story]:
    """The newest won deals with what their people did before. What the reader may not see of deals and people has no name."""
    deals = newest(most=min(most, MOST))
    if not deals:
        return []
    rows = {row.id: row for row in Record.objects.filter(pk__in=[d.id for d in deals])}
    found: dict[int, Story] = {}
    for deal in deals:
        row = rows[deal.id]
        seen = rights.may("deal", "view", [row.owner_id])
        amount = row.properties.get("amount")
        found[deal.id] = Story(deal, types.title("deal", row.properties) if seen else "", amount if seen and isinstance(amount, int | float) else None)
    params = _asked(deals)
    for id, contact, source, first_seen, page, referrer, created in sql.rows(PATHS, params):
        story = found[id]
        story.contact_id, story.source = contact, source or ""
        story.first_seen, story.first_page, story.first_referrer = min(first_seen or created, created), page or "", referrer or ""
    for id, kind, label, at, times in sql.rows(STEPS, params | {"kinds": [int(kind) for kind in TOLD]}):
        steps = found[id].steps[TOLD[Kind(kind)]]
        same = next((i for i, step in enumerate(steps) if step.label == label), None)
        if same is None:
            steps.append(Step(label, at, times))
        else:  # a mail that was opened and clicked
            steps[same] = Step(label, min(at, steps[same].at), times + steps[same].times)
    return list(found.values())


def assists() -> tuple[list[Assist], int, int]:
    """Pages most seen before won deals, and over how many won and lost deals they were compared."""
    won, lost = newest(most=COMPARED), newest((False,), most=COMPARED)
    deals = [*won, *lost]
    if not deals:
        return [], 0, 0
    moments = [d.at for d in deals]
    window = timedelta(days=WINDOW)
    params = _asked(deals) | {"window": window, "first": min(moments) - window, "last": max(moments), "shown": SHOWN}
    found = [
        Assist(
            key, value, label, views, statistics.rate(before_won, len(won)), statistics.rate(before_lost, len(lost)),
            statistics.lift(before_won, before_won + before_lost, len(won), len(deals)),
        )
        for key, value, label, views, before_won, before_lost in sql.rows(ASSISTS, params)
    ]  # fmt: skip
    return found, len(won), len(lost)


def products() -> tuple[list[Product], int]:
    """What each product brought, the most revenue first, and over how many closed deals that was counted."""
    deals = newest((True, False), most=PRICED)
    if not deals:
        return [], 0
    rows = sql.rows(PRODUCTS, {"deals": [d.id for d in deals], "wins": [d.won for d in deals]})
    counts: dict[int, list[int]] = {}
    revenue: dict[int, float] = {}
    for product, _deal, won, amount in rows:
        both = counts.setdefault(product, [0, 0])
        both[not won] += 1
        revenue[product] = revenue.get(product, 0) + (float(amount) if won else 0)
    names = {row.id: str(row.properties.get("name") or "") for row in Record.objects.filter(pk__in=counts, object_type="product")}
    worths = {id: revenue[id] / sum(both) for id, both in counts.items() if sum(both) >= statistics.LEAST}
    best = max(worths.values(), default=0)
    found = []
    for id, (won, lost) in counts.items():
        points = max(5, 5 * round(BEST * worths[id] / best / 5)) if id in worths and best > 0 and worths[id] > 0 else None
        name = names.get(id, "")
        found.append(Product(id, name, statistics.rate(won, won + lost), revenue[id], worths.get(id), points, _asks_for(name)))
    return sorted(found, key=lambda p: (-p.revenue, p.id)), len(deals)


def _asks_for(name: str) -> dict[str, Any] | None:
    """A condition on a contact's choice whose option is called like the product."""
    for definition in properties.definitions("contact").values():
        if definition.type in ("choice", "multi_choice") and not definition.read_only:
            for option in definition.options:
                if name and option["label"].strip().casefold() == name.strip().casefold():
                    return {"condition": "property", "property": definition.name, "operator": "any_of", "value": [option["value"]]}
    return None


def _asked(deals: Sequence[Closed]) -> dict[str, Any]:
    return {"deals": [d.id for d in deals], "moments": [d.at for d in deals], "wins": [d.won for d in deals]}
