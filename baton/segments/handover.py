"""How leads are handed to sales: the settings, who waits for a verdict, why, and what became of those who were handed over."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts import users
from baton.accounts.models import Account
from baton.accounts.rights import Rights
from baton.crm import stages
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, Problem
from baton.query.nodes import And, Compare, Node, ScoreIs
from baton.segments import filter, finder, verdicts
from baton.segments.finder import Count, Find
from baton.segments.models import ScoreModel, ScoreRule

Band = Literal["first", "later", "short"]
BANDS: dict[str, str | Promise] = {
    "first": gettext_lazy("First"),
    "later": gettext_lazy("Later"),
    "short": gettext_lazy("No answer, or a short one"),
}
TOUCHES = (Kind.CALL, Kind.MEETING, Kind.EMAIL_LOGGED)  # what counts as an attempt of sales; mail that came in does not
REASONS = 3  # shown of a lead

TOUCHED = """
SELECT e.contact_id, count(*), max(e.ts), (array_agg(e.kind ORDER BY e.ts DESC))[1]
FROM unnest(%(ids)s::bigint[], %(since)s::timestamptz[]) AS w(contact_id, since)
JOIN event e ON e.contact_id = w.contact_id AND e.ts >= w.since AND e.ts >= %(oldest)s AND e.ts <= %(now)s AND e.kind = ANY(%(kinds)s::smallint[])
LEFT JOIN event_key k ON k.id = e.key
WHERE e.kind <> %(mail)s OR coalesce(k.value, '') <> 'INCOMING_EMAIL'
GROUP BY e.contact_id
"""
# What became of those who became SQLs in a period: the newest verdict given since, by contact and entry.
OUTCOMES = """
SELECT coalesce(v.verdict, 'none'), count(*), count(*) FILTER (WHERE v.verdict IS NULL AND NOT EXISTS (
    SELECT 1 FROM event e WHERE e.contact_id = b.contact_id AND e.ts >= b.at AND e.ts >= %(since)s AND e.kind = ANY(%(kinds)s::smallint[])))
FROM (
    SELECT b.contact_id, b.at, lead(b.at) OVER (PARTITION BY b.contact_id ORDER BY b.at, b.id) AS again
    FROM booking b WHERE b.into = 'sql' AND b.at >= %(since)s AND b.at <= %(until)s
) b
JOIN contact c ON c.id = b.contact_id AND c.archived_at IS NULL AND {seen}
LEFT JOIN LATERAL (
    SELECT nullif(v.verdict, 'open') AS verdict FROM verdict v
    WHERE v.contact_id = b.contact_id AND v.at >= b.at AND (b.again IS NULL OR v.at < b.again) ORDER BY v.at DESC, v.id DESC LIMIT 1
) v ON true
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an account may change."""

    alert: bool = True  # tell the owner who became an SQL
    mail: bool = True  # by e-mail too
    touches: int = 2  # reminded of the verdict after so many calls, meetings or mails
    days: int = 3  # or after so many days
    visits: int = 3  # of a company whose deal was lost, after which its owner hears of it
    visit_days: int = 14  # within so many days


BOUNDS = {"touches": (1, 20), "days": (1, 90), "visits": (1, 100), "visit_days": (1, 90)}
USUAL = Settings()


@dataclass(frozen=True, slots=True)
class Bounds:
    """The classes by points: from the SQL threshold first, from the MQL threshold later, below that no answer or a short one."""

    model: ScoreModel
    first: int
    later: int

    def of(self, total: int) -> Band:
        return "first" if total >= self.first else "later" if total >= self.later else "short"

    def node(self, band: str) -> Node:
        """The contacts of a class."""
        match band:
            case "first":
                return ScoreIs(self.model.pk, "at_least", self.first)
            case "later":
                return And((ScoreIs(self.model.pk, "at_least", self.later), ScoreIs(self.model.pk, "at_most", self.first - 1)))
        return ScoreIs(self.model.pk, "at_most", self.later - 1)


@dataclass(frozen=True, slots=True)
class Touch:
    """What sales did since a moment."""

    times: int = 0
    last: datetime | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Who became an SQL in a period, each entry once, by what sales said of it."""

    total: int
    ready: int
    not_ready: int
    unqualified: int
    paused: int
    waiting: int  # without a verdict
    unworked: int  # of those: nobody called, met or wrote

    @property
    def rejected(self) -> int:
        return self.not_ready + self.unqualified


def settings() -> Settings:
    """As the account chose."""
    names = {f.name for f in fields(Settings)}
    return Settings(**{name: value for name, value in users.account().handover.items() if name in names})


def change(values: Mapping[str, Any], *, actor: Actor) -> Settings:
    """Change what is given; raises Invalid with the names."""
    problems = [
        Problem(name, "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=least, most=most))
        for name, (least, most) in BOUNDS.items()
        if name in values and not (isinstance(values[name], int) and least <= values[name] <= most)
    ]
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        before = Account.objects.select_for_update().get(pk=users.account().pk).handover
        chosen = {**before, **{name: values[name] for name in asdict(USUAL) if name in values}}
        users.update_account(actor=actor, handover={name: value for name, value in chosen.items() if value != getattr(USUAL, name, None)})
    return settings()


def bounds() -> Bounds | None:
    """Where the classes begin; None before there is a score with an SQL threshold."""
    model, sql_at = verdicts.threshold()
    if model is None or sql_at is None:
        return None
    mql_at = model.begins(verdicts.MQL)
    return Bounds(model, sql_at, sql_at if mql_at is None else mql_at)


def waiting(rights: Rights | None, *, owner: int | None = None, band: str = "", limits: Bounds | None = None) -> Find:
    """SQLs without a verdict that somebody may see, those with the most points first; of an owner (0: of nobody), of a class."""
    tests: list[Node] = [Compare("lifecyclestage", "any_of", (verdicts.SQL,)), Compare(verdicts.PROPERTY, "unknown")]
    if owner is not None:
        tests.append(Compare("owner_id", "any_of", (owner,)) if owner else Compare("owner_id", "unknown"))
    if band and (limits := limits or bounds()) is not None:
        tests.append(limits.node(band))
    return Find("contact", And(tuple(tests)), sort="score", descending=True, rights=rights)


def counts(rights: Rights | None, limits: Bounds | None, *, owner: int | None = None) -> dict[str, Count]:
    """How many wait, by class; "" for all."""
    return {band: finder.count(waiting(rights, owner=owner, band=band, limits=limits)) for band in ("", *BANDS)}


def touches(since: Mapping[int, datetime]) -> dict[int, Touch]:
    """What sales did with each contact since his moment. One query."""
    params = {
        "oldest": min(since.values(), default=None), "ids": list(since), "since": list(since.values()), "now": clock.now(),
        "kinds": [int(k) for k in TOUCHES], "mail": int(Kind.EMAIL_LOGGED),
    }  # fmt: skip
    return {id: Touch(times, last, Kind(kind)) for id, times, last, kind in sql.rows(TOUCHED, params)} if since else {}


def reasons(ids: Collection[int], model: ScoreModel | None = None, most: int = REASONS) -> dict[int, list[tuple[str, int]]]:
    """Of each contact the rules that give him the most points, in words of the current language, with the points. Two queries."""
    model = model or verdicts.threshold()[0]
    if model is None or not ids:
        return {}
    rows = sql.rows(
        "SELECT r.contact_id, r.rule, r.points FROM ("
        " SELECT s.contact_id, k.key AS rule, (k.value ->> 1)::int AS points,"
        " row_number() OVER (PARTITION BY s.contact_id ORDER BY (k.value ->> 1)::int DESC, k.key) AS place"
        " FROM score s, jsonb_each(s.reasons) k WHERE s.contact_id = ANY(%s) AND s.model_id = %s AND (k.value ->> 1)::int > 0 AND k.key ~ '^[0-9]+$'"
        ") r WHERE r.place <= %s ORDER BY r.contact_id, r.place",
        [list(ids), model.pk, most],
    )
    rules = {str(r.pk): r for r in ScoreRule.objects.filter(pk__in={int(rule) for _id, rule, _points in rows})}
    said = {key: filter.sentence(rule.filter) for key, rule in rules.items()}
    found: dict[int, list[tuple[str, int]]] = {}
    for contact_id, rule, points in rows:
        if rule in said:
            found.setdefault(contact_id, []).append((said[rule], points))
    return found


def report(since: datetime, until: datetime, rights: Rights | None = None) -> Report:
    """What became of the SQLs of a period: rejected ones, and those nobody has worked on."""
    seen = finder.visible(rights, "contact", "c")
    rows = sql.rows(OUTCOMES.replace("{seen}", seen.text), {**seen.params, "since": since, "until": until, "kinds": [int(k) for k in TOUCHES]})
    by = {verdict: number for verdict, number, _untouched in rows}
    untouched = sum(row[2] for row in rows)
    given = {verdict: by.get(verdict, 0) for verdict in verdicts.GIVEN}
    return Report(sum(by.values()), **given, waiting=by.get("none", 0), unworked=untouched)


def definition() -> dict[str, Any]:
    """What makes an SQL now: the stage's rule, and the version of the score with who published and reviewed it."""
    rule = stages.get(verdicts.SQL).rule
    model, least = verdicts.threshold()
    version = model.versions.filter(state="published").first() if model else None
    return {
        "model": model, "least": least, "version": version, "mode": rule.get("mode") or "score",
        "filter": filter.sentence(rule["filter"]) if rule.get("filter") else "",
    }  # fmt: skip
