"""What was known at a moment: WITH queries that hide the tables conditions look into behind what they held then. So the same compiled conditions answer.

`tables` is everybody, or a few, at one moment. `each` is many cases, a contact and a moment each, in one statement: every case becomes a contact of its own,
whose clock is moved so that its moment is now. A window such as "in the last 30 days" is then right for all of them at once; days of the calendar are not,
so conditions that name some (`of_days`) are asked one day at a time.

What the past keeps and what it does not is told in docs/backtest.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Compare, EventTest, InBand, MemberOf, Node, Performed, Related, ScoreIs, walk
from baton.query.statement import Sql
from baton.segments.models import ScoreModel, ScoreRule

DAYS = frozenset({"date", "datetime"})

EVERYBODY = "SELECT k.id, k.id AS contact_id, %(past_at)s::timestamptz AS at, '0'::interval AS shift FROM contact k WHERE k.created_at <= %(past_at)s"
CASES = """
SELECT r.id, r.contact_id, r.at, {shift} AS shift
FROM unnest(%(past_ids)s::bigint[], %(past_contacts)s::bigint[], %(past_moments)s::timestamptz[]) AS r(id, contact_id, at)"""

# The value before the first change after the moment is the value at the moment. Of what did not change since it is today's.
BEFORE = """
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(h.name, h.old) AS values
    FROM (SELECT DISTINCT ON (f.name) f.name, f.old FROM property_history f WHERE f.record_id = {id} AND f.at > {at} ORDER BY f.name, f.at, f.id) h
) was ON true"""

# Each before the table that hides what it reads: within a WITH, a later query sees the earlier ones.
MEMBERSHIP = f"""membership AS MATERIALIZED (
    SELECT p.id AS contact_id, m.segment_id, m.joined_at + p.shift AS joined_at, m.reason
    FROM past_case p JOIN membership m ON m.contact_id = p.contact_id WHERE m.segment_id = ANY(%(past_lists)s) AND m.joined_at <= p.at
    UNION
    SELECT l.id, l.value::bigint, l.ts + l.shift, l.reason
    FROM (SELECT DISTINCT ON (p.id, k.value) p.id, p.shift, k.value, e.kind, e.ts, coalesce(e.payload->>'reason', 'filter') AS reason
          FROM past_case p JOIN event e ON e.contact_id = p.contact_id AND e.ts <= p.at JOIN event_key k ON k.id = e.key
          WHERE e.kind IN ({int(Kind.SEGMENT_JOINED)}, {int(Kind.SEGMENT_LEFT)}) AND k.value = ANY(%(past_lists)s::bigint[]::text[])
          ORDER BY p.id, k.value, e.ts DESC, e.kind DESC) l
    WHERE l.kind = {int(Kind.SEGMENT_JOINED)}
      AND NOT EXISTS (SELECT 1 FROM membership m JOIN past_case q ON q.contact_id = m.contact_id
                      WHERE q.id = l.id AND m.segment_id = l.value::bigint AND m.joined_at <= q.at)
)"""
SCORE = f"""score AS MATERIALIZED (
    SELECT s.*, s.total - s.fit AS engagement, '{{}}'::jsonb AS reasons
    FROM (SELECT p.id AS contact_id, k.value::bigint AS model_id, sum(e.value)::int AS total, coalesce(sum(f.points), 0)::int AS fit, max(e.ts) AS changed_at
          FROM past_case p JOIN event e ON e.contact_id = p.contact_id AND e.ts <= p.at AND e.kind = {int(Kind.SCORE_CHANGED)}
          JOIN event_key k ON k.id = e.key AND k.value = ANY(%(past_scores)s::bigint[]::text[])
          LEFT JOIN LATERAL (SELECT sum((r->>'points')::int) AS points FROM jsonb_array_elements(e.payload->'rules') AS r
                             WHERE r->>'rule' = ANY(%(past_fit)s)) f ON true
          GROUP BY 1, 2) s
)"""
CONSENT = """consent AS MATERIALIZED (
    SELECT p.id AS contact_id, k.channel, CASE WHEN h.id IS NULL THEN k.granted ELSE h.old::boolean END AS granted, least(k.at, p.at) + p.shift AS at,
        k.expires_at + p.shift AS expires_at
    FROM past_case p JOIN consent k ON k.contact_id = p.contact_id
    LEFT JOIN LATERAL (SELECT f.id, f.old FROM property_history f WHERE f.record_id = p.contact_id AND f.name = 'consent.' || k.channel AND f.at > p.at
                       ORDER BY f.at, f.id LIMIT 1) h ON true
    WHERE CASE WHEN h.id IS NULL THEN k.at <= p.at ELSE h.old IS NOT NULL AND h.old <> 'null' END
)"""
SUPPRESSION = """suppression AS MATERIALIZED (
    SELECT p.id AS contact_id, u.channel, u.reason, u.at + p.shift AS at FROM past_case p JOIN suppression u ON u.contact_id = p.contact_id WHERE u.at <= p.at
)"""
# What somebody said of a kind of news last before the moment, from the ledger of consent.
SUBSCRIPTION = """subscription AS MATERIALIZED (
    SELECT DISTINCT ON (p.id, f.type_id, f.channel) p.id AS contact_id, f.type_id, f.channel, f.granted, f.at + p.shift AS at,
        f.expires_at + p.shift AS expires_at
    FROM past_case p JOIN consent_event f ON f.contact_id = p.contact_id AND f.type_id IS NOT NULL AND f.at <= p.at
    ORDER BY p.id, f.type_id, f.channel, f.at DESC, f.id DESC
)"""
VISITOR = """visitor AS MATERIALIZED (
    SELECT p.id AS contact_id, v.first_seen_at, v.last_seen_at, v.first_page, v.first_referrer, v.user_agent
    FROM past_case p JOIN visitor v ON v.contact_id = p.contact_id WHERE v.first_seen_at <= p.at
)"""
# A linked record is another one for each case, because each asks about another moment: it goes by the number of the pair.
LINKS = """past_link AS MATERIALIZED (
    SELECT dense_rank() OVER (ORDER BY p.id, a.to_id) AS number, p.id, p.at, p.shift, a.to_id, a.to_type, a.label, a.created_at
    FROM past_case p JOIN association a ON a.from_id = p.contact_id WHERE a.to_type = ANY(%(past_types)s) AND a.created_at <= p.at
), association AS MATERIALIZED (
    SELECT l.id AS from_id, 'contact' AS from_type, l.number AS to_id, l.to_type, l.label, l.created_at + l.shift AS created_at FROM past_link l
)"""
RECORD = f"""record AS MATERIALIZED (
    SELECT l.number AS id, r.object_type, jsonb_strip_nulls(r.properties || coalesce(was.values, '{{}}')) AS properties, r.owner_id,
           r.created_at + l.shift AS created_at, r.created_by, r.source, least(r.updated_at, l.at) + l.shift AS updated_at,
           CASE WHEN r.archived_at <= l.at THEN r.archived_at END AS archived_at
    FROM (SELECT DISTINCT number, to_id, at, shift FROM past_link) l JOIN record r ON r.id = l.to_id AND r.created_at <= l.at
    {BEFORE.format(id="r.id", at="l.at")}
)"""
CONTACT = f"""contact AS MATERIALIZED (
    SELECT p.id, jsonb_strip_nulls(c.properties || coalesce(was.values, '{{}}')) AS properties, c.owner_id, c.created_at + p.shift AS created_at,
           c.created_by, c.source, least(c.updated_at, p.at) + p.shift AS updated_at, CASE WHEN c.archived_at <= p.at THEN c.archived_at END AS archived_at,
           c.email, p.contact_id AS past_contact
    FROM past_case p JOIN contact c ON c.id = p.contact_id AND c.created_at <= p.at {BEFORE.format(id="c.id", at="p.at")}
)"""
EVENT = """event AS MATERIALIZED (
    SELECT p.id AS contact_id, e.ts + p.shift AS ts, e.id, e.kind, e.key, e.value, e.payload
    FROM past_case p JOIN event e ON e.contact_id = p.contact_id AND e.ts <= p.at
    WHERE e.kind = ANY(%(past_kinds)s::smallint[]) AND e.ts <= %(past_last)s{since}
)"""


@dataclass(frozen=True, slots=True)
class Case:
    """A contact and a moment. The statement knows it by `id`."""

    id: int
    contact_id: int
    at: datetime


def tables(nodes: Iterable[Node], at: datetime, *, ids: Sequence[int] | None = None) -> Sql:
    """The WITH queries that show a statement all contacts there were at a moment (or those of `ids`) as they were then. Ask with `now=at`."""
    some = "" if ids is None else " AND k.id = ANY(%(past_ids)s)"
    return _with(nodes, EVERYBODY + some, at, at, {"past_at": at, "past_ids": None if ids is None else list(ids)})


def each(nodes: Iterable[Node], cases: Sequence[Case], now: datetime, *, moved: bool = True) -> Sql:
    """The same for cases (one or more) with a moment each. Ask with this `now`; a contact's id is the case's, and who was not known then is missing.

    With `moved` every clock is set so that the case's moment is `now`; without, facts keep their times, and only what came after the moment is hidden.
    """
    params = {"past_ids": [c.id for c in cases], "past_contacts": [c.contact_id for c in cases], "past_moments": [c.at for c in cases], "past_now": now}
    moments = [c.at for c in cases]
    return _with(nodes, CASES.format(shift="%(past_now)s - r.at" if moved else "'0'::interval"), min(moments), max(moments), params)


def of_days(node: Node, catalog: Catalog) -> bool:
    """Whether a condition compares with days of the calendar, or with a date somebody wrote down: it cannot be asked with a moved clock."""
    return any(_of_days(n, catalog) for n in walk(node))


def _of_days(node: Node, catalog: Catalog) -> bool:
    if isinstance(node, Compare):
        found = catalog.property(node.of, node.property)
        return found is not None and found.type in DAYS
    if isinstance(node, Performed):
        return node.since is not None or node.until is not None or node.period is not None or any(isinstance(test, EventTest) for test in node.where)
    return False


def _with(nodes: Iterable[Node], cases: str, first: datetime, last: datetime, params: dict[str, Any]) -> Sql:
    looks = [found for node in nodes for found in walk(node)]
    happened = [n for n in looks if isinstance(n, Performed)]
    windows = [n.within for n in happened]
    ever = None in windows
    params = params | {
        "past_kinds": sorted({int(kind) for n in happened for kind in n.kinds}),
        "past_last": last,
        "past_since": None if ever else first - max(cast(list[timedelta], windows), default=timedelta()),
        "past_types": sorted({n.object_type for n in looks if isinstance(n, Related)}),
        "past_lists": sorted({n.segment_id for n in looks if isinstance(n, MemberOf)}),
    }
    models = sorted({n.model_id for n in looks if isinstance(n, ScoreIs | InBand)})
    params |= {"past_scores": models, "past_fit": _fit(models)}
    since = "" if ever else " AND e.ts >= %(past_since)s"
    parts = [f"past_case AS MATERIALIZED ({cases})", MEMBERSHIP, SCORE, CONSENT, SUPPRESSION, SUBSCRIPTION, VISITOR, LINKS, RECORD, CONTACT]
    parts.append(EVENT.format(since=since))
    return Sql(", ".join(parts), params)


def _fit(models: Sequence[int]) -> list[str]:
    """What the events of these scores call the rules that say who somebody is."""
    if not models:
        return []
    sides = {m.pk: {group["key"] for group in m.groups if group["side"] == "fit"} for m in ScoreModel.objects.filter(pk__in=models)}
    rules = ScoreRule.objects.filter(model_id__in=models).values_list("id", "model_id", "group")
    return [str(id) for id, model, group in rules if group in sides[model]] + [f"cap:{key}" for keys in sides.values() for key in keys]
