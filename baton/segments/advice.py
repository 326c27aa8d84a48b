"""What won people did and were more often than lost ones, as rules one can put in a draft; and proposed cuts put in as bands.

Of the many things that are compared some would look telling by chance: only those are kept of which no more than one in ten is.
"""

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.utils.translation import gettext as _

from baton.crm import properties
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import NotFound
from baton.query.nodes import Everyone, Related
from baton.segments import card, cards, outcomes, past, statistics
from baton.segments.card import Card
from baton.segments.models import ScoreModel, ScoreVersion
from baton.segments.outcomes import Outcome
from baton.segments.past import Case

WINDOW = 180  # days before the moment in which something must have happened
SHOWN = 20
DID = {Kind.PAGE_VIEW: "page", Kind.DOWNLOAD: "download", Kind.FORM_SUBMISSION: "form", Kind.CTA_CLICK: "button"}
FOLLOWS = frozenset({"lifecyclestage", "lead_status", "sales_verdict"})  # set because of a deal, so they foretell nothing
COMPANY = ("industry",)
GROUPS = {"page": "web", "download": "web", "button": "web", "form": "form", "person": "fit_person", "company": "fit_company"}

HAPPENED = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(contacts)s::bigint[], %(moments)s::timestamptz[], %(goods)s::boolean[]) WITH ORDINALITY AS r(contact_id, at, good, id)
)
SELECT n.kind, n.key, k.value, n.good, n.bad
FROM (SELECT e.kind, e.key, count(DISTINCT p.id) FILTER (WHERE p.good) AS good, count(DISTINCT p.id) FILTER (WHERE NOT p.good) AS bad
      FROM asked p JOIN event e ON e.contact_id = p.contact_id AND e.ts <= p.at AND e.ts >= p.at - %(window)s::interval
      WHERE e.kind = ANY(%(kinds)s::smallint[]) AND e.ts >= %(first)s AND e.ts <= %(last)s
      GROUP BY 1, 2) n
JOIN event_key k ON k.id = n.key
WHERE n.good + n.bad >= %(least)s
"""
HAD = """
SELECT 'person', v.key, v.value, count(*) FILTER (WHERE g.good), count(*) FILTER (WHERE NOT g.good)
FROM contact c JOIN unnest(%(ids)s::bigint[], %(goods)s::boolean[]) AS g(id, good) ON g.id = c.id, jsonb_each_text(c.properties) AS v
WHERE v.key = ANY(%(names)s) AND v.value NOT IN ('', 'false') GROUP BY 2, 3 HAVING count(*) >= %(least)s
UNION ALL
SELECT 'company', v.key, v.value, count(DISTINCT g.id) FILTER (WHERE g.good), count(DISTINCT g.id) FILTER (WHERE NOT g.good)
FROM contact c JOIN unnest(%(ids)s::bigint[], %(goods)s::boolean[]) AS g(id, good) ON g.id = c.id
JOIN association a ON a.from_id = c.id JOIN record r ON r.id = a.to_id AND r.archived_at IS NULL, jsonb_each_text(r.properties) AS v
WHERE v.key = ANY(%(company)s) AND v.value <> '' GROUP BY 2, 3 HAVING count(DISTINCT g.id) >= %(least)s
"""


@dataclass(frozen=True, slots=True)
class Trait:
    """Something that can be asked of people before their end, and of how many good and bad ends it was true."""

    what: Literal["page", "download", "form", "button", "person", "company"]
    filter: dict[str, Any]
    good: int
    bad: int


def candidates(tried: Card, ends: Sequence[Outcome]) -> list[dict[str, Any]] | None:
    """Rules for what was more often so before a good end, the surest first: {"rule", "good", "bad", "lift"}. None: not enough data to look."""
    goods = sum(o.end in outcomes.GOOD for o in ends)
    if min(goods, len(ends) - goods) < statistics.LEAST:
        return None
    known = {mark for there in tried.rules for mark in _marks(there.filter)}
    found = [trait for trait in traits(ends) if not known & set(_marks(trait.filter))]
    lifts = [statistics.lift(t.good, t.good + t.bad, goods, len(ends)) for t in found]
    sure = statistics.surprising([statistics.chance(t.good, t.good + t.bad, goods, len(ends)) for t in found])
    kept = [(trait, lift) for trait, lift, shown in zip(found, lifts, sure, strict=True) if shown and lift.tells > 0]
    kept.sort(key=lambda pair: -(pair[1].low or 0))
    return [
        {"rule": rule(tried, trait, worth(lift.value or 1)), "good": trait.good, "bad": trait.bad, "lift": [lift.value, lift.low, lift.high]}
        for trait, lift in kept[:SHOWN]
    ]


def traits(ends: Sequence[Outcome]) -> Iterator[Trait]:
    """What at least LEAST people did, or were, before their end: pages, files, forms, buttons; choices, titles; their company's industry."""
    if not ends:
        return
    goods = [o.end in outcomes.GOOD for o in ends]
    moments = [o.at for o in ends]
    params: dict[str, Any] = {
        "contacts": [o.contact_id for o in ends], "moments": moments, "goods": goods, "kinds": [int(kind) for kind in DID], "window": timedelta(days=WINDOW),
        "first": min(moments) - timedelta(days=WINDOW), "last": max(moments), "least": statistics.LEAST,
    }  # fmt: skip
    for kind, _key, value, good, bad in sql.rows(HAPPENED, params):
        what = DID[Kind(kind)]
        if stored := happened(Kind(kind), value):
            yield Trait(what, stored, good, bad)  # type: ignore[arg-type]  # one of the words of DID
    cases = [Case(number, o.contact_id, o.at) for number, o in enumerate(ends)]
    told = past.each([Related("company", Everyone())], cases, clock.now(), moved=False)
    wanted = {"ids": [c.id for c in cases], "goods": goods, "names": _asked(), "company": list(COMPANY), "least": statistics.LEAST}
    for what, name, value, good, bad in sql.rows(f"WITH {told.text} {HAD}", told.params | wanted):
        yield Trait(what, _has(what, name, value), good, bad)


def happened(kind: Kind, value: str, *, days: int | None = WINDOW) -> dict[str, Any] | None:
    """The condition that somebody did this once or more; None for what has no condition."""
    match kind:
        case Kind.PAGE_VIEW:
            return {"condition": "page_viewed", "address": value, "match": "is", "days": days}
        case Kind.DOWNLOAD:
            return {"condition": "downloaded", "address": value, "match": "is", "days": days}
        case Kind.CTA_CLICK:
            return {"condition": "cta_clicked", "name": value, "days": days}
        case Kind.FORM_SUBMISSION if value.isdigit():
            return {"condition": "form_submitted", "form": int(value), "days": days}
    return None


def put(model: ScoreModel, proposed: dict[str, Any], *, actor: Actor) -> ScoreVersion:
    """Put a proposed rule in the draft, in a group the draft has. Raises Invalid (what it names is gone)."""
    content = working(model).to_json()
    if proposed["group"] not in {group["key"] for group in content["groups"]}:
        proposed = proposed | {"group": content["groups"][0]["key"]}
    return cards.put_rule(model, proposed, actor=actor)


def begin_at(model: ScoreModel, band: str, at: int, *, actor: Actor) -> ScoreVersion:
    """Let a band of the draft begin at so many points. Raises NotFound (no such band), Invalid (it would pass its neighbour)."""
    content = working(model).to_json()
    if band not in {b["key"] for b in content["bands"]}:
        raise NotFound(_("The score has no band “{band}” any more.").format(band=band))
    bands = [b | {"at_least": at} if b["key"] == band else b for b in content["bands"]]
    return cards.save(model, content | {"bands": bands}, actor=actor)


def working(model: ScoreModel) -> Card:
    """The draft, or what is published."""
    draft = cards.draft(model)
    return card.read(draft.content) if draft else cards.current(model)


def worth(lift: float) -> int:
    """Points to begin with: 10 for what makes a good end twice as likely, in steps of 5, from 5 to 30."""
    return max(5, min(30, 5 * round(2 * math.log2(max(lift, 1)))))


def rule(into: Card, trait: Trait, points: int) -> dict[str, Any]:
    """A rule for a trait, with the key it always has."""
    return {
        "key": key(trait),
        "group": group_for(into, trait.what),
        "kind": "state",
        "filter": trait.filter,
        "points": points,
        "explicit": trait.what == "person",
    }


def group_for(into: Card, what: str) -> str:
    """The group of a card that a rule about this belongs to."""
    side = "fit" if what in ("person", "company") else "engagement"
    keys = [group.key for group in into.groups]
    return GROUPS[what] if GROUPS[what] in keys else next((group.key for group in into.groups if group.side == side), keys[0])


def key(trait: Trait) -> str:
    """The same for the same trait, so that adding it twice is adding it once."""
    mark = next(_marks(trait.filter))
    word = re.sub(r"[^a-z0-9]+", "_", mark[-1].lower()).strip("_")[:24]
    return f"won_{trait.what}_{word}_{zlib.crc32(repr(mark).encode()):08x}"


def _marks(stored: Any) -> Iterator[tuple[str, ...]]:
    """What the conditions of a stored filter are about, without how often and when."""
    if isinstance(stored, list):
        for part in stored:
            yield from _marks(part)
    elif isinstance(stored, dict):
        if isinstance(stored.get("condition"), str):
            values = stored.get("value")
            for value in values if isinstance(values, list) else [values]:
                about = [stored.get(name) for name in ("address", "name", "form", "property")]
                yield tuple(str(part) for part in (stored["condition"], *about, value) if part not in (None, ""))
        for word in ("all", "any", "not", "filter"):
            yield from _marks(stored.get(word))


def _has(what: str, name: str, value: str) -> dict[str, Any]:
    kind = "company_property" if what == "company" else "property"
    definition = properties.definitions("company" if what == "company" else "contact")[name]
    if definition.type == "boolean":
        return {"condition": kind, "property": name, "operator": "is", "value": value == "true"}
    return {"condition": kind, "property": name, "operator": "any_of", "value": [value]}


def _asked() -> list[str]:
    """The properties that are looked at: choices and yes-or-no ones that people fill in, and job titles."""
    found = properties.definitions("contact").values()
    return [d.name for d in found if (d.type in ("choice", "boolean") and not d.read_only and d.name not in FOLLOWS) or d.name == "jobtitle"]
