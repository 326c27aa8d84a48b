"""What a form brought: who saw it, began it, left it and sent it, by day, page and source; the points it gave, and how far its people came.

People are counted, not times: whoever saw a form ten times saw it once. A visitor nobody knows yet counts like a contact. Whoever sent it without having
been seen before it (a program, another company's form) is told apart, because there is nothing he could be a share of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from baton.events.vocabulary import Kind
from baton.forms.models import Form, FormVersion
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments.models import ScoreRule
from baton.segments.statistics import Rate, rate

DAYS = 30  # of the list; the report offers PERIODS
PERIODS = (7, 30, 90, 365)
SHOWN = 12  # pages, sources and fields
Stored = dict[str, Any]  # a filter of contacts

KINDS = {"saw": int(Kind.FORM_VIEW), "began": int(Kind.FORM_START), "left": int(Kind.FORM_ABANDON), "sent": int(Kind.FORM_SUBMISSION)}
PEOPLE = """
SELECT e.key, e.contact_id, bool_or(e.kind IN (%(saw)s, %(began)s)) AS saw, bool_or(e.kind = %(began)s) AS began, bool_or(e.kind = %(sent)s) AS sent,
       count(*) FILTER (WHERE e.kind = %(sent)s) AS times
FROM event e WHERE e.kind IN (%(saw)s, %(began)s, %(sent)s) AND e.key = ANY(%(keys)s) AND e.ts >= %(start)s GROUP BY e.key, e.contact_id
"""
SUMS = f"""
SELECT p.key, count(*) FILTER (WHERE p.saw), count(*) FILTER (WHERE p.saw AND (p.began OR p.sent)), count(*) FILTER (WHERE p.saw AND p.sent),
       count(*) FILTER (WHERE p.sent), sum(p.times)::bigint
FROM ({PEOPLE}) p GROUP BY p.key
"""
KEYS = "SELECT value::bigint, id FROM event_key WHERE kind = %s AND value = ANY(%s)"
LAST = "SELECT f.id, (SELECT max(s.at) FROM form_submission s WHERE s.form_id = f.id) FROM unnest(%s::bigint[]) AS f(id)"
BY_DAY = """
SELECT (e.ts AT TIME ZONE %(zone)s)::date, count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(saw)s),
       count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(began)s), count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(sent)s)
FROM event e WHERE e.kind IN (%(saw)s, %(began)s, %(sent)s) AND e.key = ANY(%(keys)s) AND e.ts >= %(start)s GROUP BY 1
"""
BY_PAGE = """
SELECT p.page, count(*) FILTER (WHERE p.saw OR p.began), count(*) FILTER (WHERE (p.saw OR p.began) AND p.sent), count(*) FILTER (WHERE p.sent)
FROM (SELECT split_part(split_part(coalesce(e.payload ->> 'page', e.payload ->> 'url', ''), '?', 1), '#', 1) AS page, e.contact_id,
             bool_or(e.kind = %(saw)s) AS saw, bool_or(e.kind = %(began)s) AS began, bool_or(e.kind = %(sent)s) AS sent
      FROM event e WHERE e.kind IN (%(saw)s, %(began)s, %(sent)s) AND e.key = ANY(%(keys)s) AND e.ts >= %(start)s GROUP BY 1, 2) p
GROUP BY 1 ORDER BY 4 DESC, 2 DESC, 1 LIMIT %(most)s
"""
BY_SOURCE = """
SELECT coalesce(c.properties ->> 'original_source', ''), count(DISTINCT e.contact_id)
FROM event e JOIN contact c ON c.id = e.contact_id AND c.archived_at IS NULL
WHERE e.kind = %(sent)s AND e.key = ANY(%(keys)s) AND e.ts >= %(start)s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""
LEFT = """
SELECT coalesce(l.field, ''), count(*) FROM (
    SELECT DISTINCT ON (e.contact_id) e.contact_id, e.ts, e.payload ->> 'field' AS field
    FROM event e WHERE e.kind = %(left)s AND e.key = ANY(%(keys)s) AND e.ts >= %(start)s ORDER BY e.contact_id, e.ts DESC
) l WHERE NOT EXISTS (SELECT 1 FROM event s WHERE s.kind = %(sent)s AND s.key = ANY(%(keys)s) AND s.contact_id = l.contact_id AND s.ts >= l.ts)
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""
POINTS = """
SELECT r.id, count(*), coalesce(sum((s.reasons -> r.id::text ->> 1)::int), 0)::bigint
FROM unnest(%(rules)s::bigint[], %(models)s::bigint[]) AS r(id, model) JOIN score s ON s.model_id = r.model AND s.reasons ? r.id::text
WHERE EXISTS (SELECT 1 FROM event e WHERE e.kind = %(sent)s AND e.key = ANY(%(keys)s) AND e.ts >= %(start)s AND e.contact_id = s.contact_id)
GROUP BY r.id
"""


@dataclass(frozen=True, slots=True)
class Sums:
    """People of a form: who saw it; of those who began, and who sent it; all who sent it; and how often it was sent."""

    saw: int = 0
    began: int = 0
    converted: int = 0
    sent: int = 0
    times: int = 0

    @property
    def conversion(self) -> Rate:
        return rate(self.converted, self.saw)

    @property
    def elsewhere(self) -> int:
        """Who sent it without having been seen before it."""
        return self.sent - self.converted


@dataclass(frozen=True, slots=True)
class Given:
    """A rule of a score that looks at the form: how many of its people have points by it, and how many points in all."""

    rule: ScoreRule
    people: int
    points: int


@dataclass(frozen=True, slots=True)
class Report:
    """One form over the last `days`."""

    form: Form
    days: int
    sums: Sums
    left: int
    fields: list[tuple[str, int]]  # the last field touched of those who left, by its name
    by_day: list[tuple[date, int, int, int]]  # saw, began, sent; every day
    by_page: list[tuple[str, int, int, int]]  # page, saw, of those sent, all who sent
    by_source: list[tuple[str, int]]
    points: list[Given] = field(default_factory=list)


def since(days: int) -> datetime:
    return clock.now() - timedelta(days=days)


def sums(forms: Sequence[int], days: int = DAYS) -> dict[int, Sums]:
    """The people of each form in the last `days`. Two queries, however many forms."""
    keys = _keys(forms)
    by_key = {id: form for form, id in keys.items()}
    found = sql.rows(SUMS, {**KINDS, "keys": list(by_key), "start": since(days)}) if keys else []
    counted = {by_key[key]: Sums(*row) for key, *row in found}
    return {form: counted.get(form, Sums()) for form in forms}


def last(forms: Sequence[int]) -> dict[int, datetime]:
    """When each was sent last."""
    return {form: at for form, at in sql.rows(LAST, [list(forms)]) if at is not None}


def public(forms: Sequence[Form]) -> dict[int, Any]:
    """The definition that the public sees of each form."""
    numbers = {form.pk: form.version for form in forms if form.version}
    rows = FormVersion.objects.filter(form_id__in=numbers, number__in=set(numbers.values())).values_list("form_id", "number", "definition")
    return {form: definition for form, number, definition in rows if numbers[form] == number}


def of(form: Form, days: int) -> Report:
    """The report of one form."""
    keys = list(_keys([form.pk]).values())
    given: dict[str, Any] = {**KINDS, "keys": keys, "start": since(days), "zone": str(config().zone), "most": SHOWN}
    days_found = {day: (saw, began, sent) for day, saw, began, sent in sql.rows(BY_DAY, given)}
    first, today = given["start"].astimezone(config().zone).date(), clock.now().astimezone(config().zone).date()
    every = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    fields = [(name, n) for name, n in sql.rows(LEFT, given)]
    return Report(
        form,
        days,
        sums([form.pk], days)[form.pk],
        sum(n for _name, n in fields),
        fields,
        [(day, *days_found.get(day, (0, 0, 0))) for day in every],
        [(page, saw, converted, sent) for page, saw, converted, sent in sql.rows(BY_PAGE, given)],
        [(source, n) for source, n in sql.rows(BY_SOURCE, given)],
        _points(form.pk, given),
    )


def _keys(forms: Sequence[int]) -> dict[int, int]:
    """Form -> the id under which events name it. A form nobody saw yet has none."""
    return dict(sql.rows(KEYS, [int(Kind.FORM_SUBMISSION), [str(form) for form in forms]]))


def _points(form: int, given: Mapping[str, Any]) -> list[Given]:
    rules = [
        rule
        for rule in ScoreRule.objects.filter(active=True, model__archived_at=None, model__object_type="contact").select_related("model")
        if _mentions(rule.filter, form)
    ]
    if not rules:
        return []
    asked = {**given, "rules": [rule.pk for rule in rules], "models": [rule.model_id for rule in rules]}
    found = {id: (people, points) for id, people, points in sql.rows(POINTS, asked)}
    rules.sort(key=lambda rule: (rule.model.position, rule.position))
    return [Given(rule, *found.get(rule.pk, (0, 0))) for rule in rules]


def _mentions(stored: Any, form: int) -> bool:
    """Whether a rule asks for this form, or for any."""
    if isinstance(stored, list):
        return any(_mentions(part, form) for part in stored)
    if not isinstance(stored, Mapping) or "not" in stored:
        return False
    if stored.get("condition") == "form_submitted":
        return stored.get("form") in (None, form)
    return any(_mentions(stored[how], form) for how in ("all", "any") if how in stored)


# The filters behind the numbers ----------------------------------------------------------


def people(form: int, days: int) -> dict[str, Stored]:
    """The filter of contacts behind each number: who saw, began, left, sent; and of those who sent, who became MQL, SQL and customers."""

    def did(event: str) -> Stored:
        return {"condition": "event", "event": event, "about": str(form), "days": days}

    sent: Stored = {"condition": "form_submitted", "form": form, "days": days}
    won = {"related": "deal", "filter": {"condition": "property", "property": "probability", "operator": "at_least", "value": 1}}
    return {
        "saw": {"any": [did("form_view"), did("form_start")]},
        "began": did("form_start"),
        "left": {"all": [did("form_abandon"), {"not": sent}]},
        "sent": sent,
        **{stage: {"all": [sent, {"condition": "stage_moved", "into": [stage], "days": days}]} for stage in ("mql", "sql")},
        "won": {"all": [sent, won]},
    }


def from_source(form: int, days: int, source: str) -> Stored:
    """Who sent it and came from a source first."""
    asked: Stored = {"condition": "property", "property": "original_source", "operator": "any_of", "value": [source]}
    if not source:
        asked = {"condition": "property", "property": "original_source", "operator": "unknown"}
    return {"all": [people(form, days)["sent"], asked]}
