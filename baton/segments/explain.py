"""Why a contact has the points he has: rule by rule, now, at a past moment, or by a draft; and what would bring him to the next band.

explain(contact_id, model=None, *, at=None, card=None) -> Explained
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.segments import card as cards
from baton.segments import catalog, filter, score_sql
from baton.segments.card import Band, Card, Group, Rule
from baton.segments.models import ScoreModel, ScoreVersion
from baton.segments.score_sql import CAP, LEDGER, PEOPLE

NEAREST = 5  # rules that are named as ways to the next band

Reasons = Mapping[str, Sequence[int]]  # name -> [times, points]


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule asked about one contact: how often it gives points (0: it does not hold), and how many. Of a rule that does not hold: `points` is 0."""

    rule: Rule
    times: int
    points: int
    sentence: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A rule that does not give all it could: what it would add to the total if it held (once, or once more)."""

    rule: Rule
    adds: int
    sentence: str
    enough: bool  # to reach the next band by itself


@dataclass(frozen=True, slots=True)
class Explained:
    """A score taken apart. `groups`: points by key of the group, after caps; beside them `ledger` (given by hand) and `people`. Their sum is the total."""

    total: int
    fit: int
    engagement: int
    explicit: int  # by what people said; `implicit` is the rest: by what they did, and given by hand
    implicit: int
    groups: dict[str, int]
    caps: dict[str, int]  # what the caps of groups took, by key of the group
    ledger: int
    people: int  # of a company: what its contacts bring
    hits: list[Hit]  # those that hold, most points first; then those that do not, in the card's order
    band: Band | None
    next_band: Band | None
    missing_points: int  # to the next band; 0 in the highest
    nearest: list[Way] = field(default_factory=list)
    version: int | None = None  # of the score; None: a draft
    at: datetime | None = None

    @property
    def held(self) -> list[Hit]:
        return [hit for hit in self.hits if hit.holds]


def explain(contact_id: int, model: ScoreModel | None = None, *, at: datetime | None = None, card: Card | None = None) -> Explained | None:
    """A contact's score by a model (the first unless another is given): as it stands; as it stood at `at`; or what `card` would give him now.

    None: there is no score. Raises Invalid when the card names what is not there.
    """
    model = model or first_model()
    if card is not None:
        return _explained(card, _tried(contact_id, card, model), None, None)
    if model is None:
        return None
    if at is not None:
        return _past(contact_id, model, at)
    found = sql.rows("SELECT reasons FROM score WHERE contact_id = %s AND model_id = %s", [contact_id, model.pk])
    return of_reasons(model, json.loads(found[0][0]) if found else {})


def of_reasons(model: ScoreModel, reasons: Reasons) -> Explained:
    """Stored reasons of a score as it is published."""
    return _explained(published(model), _by_key(model, reasons), model.version, None)


def published(model: ScoreModel) -> Card:
    """The card of what counts now, from the rows that are counted."""
    bands, groups = (tuple(kind.model_construct(**part) for part in parts) for kind, parts in ((Band, model.bands), (Group, model.groups)))
    rules = tuple(score_sql.rule_of(row) for row in score_sql.active(model))
    return Card.model_construct(name=model.name, object_type=model.object_type, people=None, groups=groups, bands=bands, rules=rules)


def _tried(contact_id: int, card: Card, model: ScoreModel | None) -> Reasons:
    """What the card would give, and what people gave by hand in the score it is a draft of."""
    found = score_sql.points(score_sql.plan_for(card, catalog.current(), ledger=model.pk if model else None), clock.now(), whom=True)
    rows = sql.rows(found.text, {**found.params, "ids": [contact_id]})
    return json.loads(rows[0][3]) if rows else {}


def _past(contact_id: int, model: ScoreModel, at: datetime) -> Explained:
    """What the score was: the sum of all that was told of it until then, by the rules of the version that held."""
    told = Event.objects.filter(contact_id=contact_id, kind=Kind.SCORE_CHANGED, ts__lte=at, key__in=_keys(model)).order_by("ts", "id")
    reasons: dict[str, list[int]] = {}
    version = None
    for payload in told.values_list("payload", flat=True):
        version = payload.get("version", version)
        for moved in payload.get("rules", ()):
            points = reasons.get(str(moved["rule"]), [1, 0])[1] + int(moved["points"])
            reasons[str(moved["rule"])] = [1, points]
    held = {name: both for name, both in reasons.items() if both[1]}
    content = _version(model, version, at)
    card = cards.read(content.content) if content else published(model)
    return _explained(card, _by_key(model, held), content.number if content else model.version, at)


def _version(model: ScoreModel, number: int | None, at: datetime) -> ScoreVersion | None:
    """The version by which the contact was last scored; before any score, the one that was published."""
    if number is not None:
        return model.versions.filter(number=number).first()
    return model.versions.filter(published_at__lte=at).order_by("-published_at").first()


def _keys(model: ScoreModel) -> list[int]:
    return [id for (id,) in sql.rows("SELECT id FROM event_key WHERE kind = %s AND value = %s", [int(Kind.SCORE_CHANGED), str(model.pk)])]


def _by_key(model: ScoreModel, reasons: Reasons) -> Reasons:
    """Reasons with the keys of rules in place of their numbers."""
    names = {str(rule.pk): rule.key for rule in model.rules.all()}
    return {names.get(name, name): both for name, both in reasons.items()}


def _explained(card: Card, reasons: Reasons, version: int | None, at: datetime | None) -> Explained:
    hits = [_hit(rule, reasons, card.object_type) for rule in card.rules if rule.active or rule.key in reasons]
    place = {hit.rule.key: i for i, hit in enumerate(hits)}
    hits.sort(key=lambda hit: (not hit.holds, -abs(hit.points), place[hit.rule.key]))
    caps = {group.key: int(reasons.get(CAP + group.key, (0, 0))[1]) for group in card.groups if CAP + group.key in reasons}
    ledger = int(reasons.get(LEDGER, (0, 0))[1])
    groups = {group.key: sum(hit.points for hit in hits if hit.rule.group == group.key) + caps.get(group.key, 0) for group in card.groups}
    total = sum(int(both[1]) for both in reasons.values())
    fit = sum(points for key, points in groups.items() if _side(card, key) == "fit")
    said_only = {g.key for g in card.groups if all(r.explicit for r in card.rules if r.group == g.key and r.active)}
    explicit = sum(hit.points for hit in hits if hit.rule.explicit) + sum(points for key, points in caps.items() if key in said_only)
    following = next((band for band in card.bands if band.at_least > total), None)
    missing = following.at_least - total if following else 0
    return Explained(
        total=total,
        fit=fit,
        engagement=total - fit,
        explicit=explicit,
        implicit=total - explicit,
        groups=groups,
        caps=caps,
        ledger=ledger,
        people=int(reasons.get(PEOPLE, (0, 0))[1]),
        hits=hits,
        band=card.band(total),
        next_band=following,
        missing_points=missing,
        nearest=_nearest(card, hits, missing) if following else [],
        version=version,
        at=at,
    )


def _side(card: Card, key: str) -> str:
    return next(group.side for group in card.groups if group.key == key)


def _hit(rule: Rule, reasons: Reasons, object_type: str) -> Hit:
    times, points = reasons.get(rule.key, (0, 0))
    return Hit(rule, int(times), int(points), sentence(rule, object_type), bool(times))


def sentence(rule: Rule, object_type: str = "contact") -> str:
    """What a rule asks for, and how it counts, in the reader's language."""
    parts = [filter.sentence(rule.filter, object_type)]
    if rule.kind == "event":
        parts.append(_("each time") if rule.times is None else _("at most {n} times").format(n=rule.times))
        if rule.per_item:
            parts.append(_("each item once"))
        if rule.decay and rule.decay.kind == "half":
            parts.append(_("half after each {n} days").format(n=rule.decay.days))
        if rule.decay and rule.decay.kind == "linear":
            parts.append(_("less by the day, nothing after {n} days").format(n=rule.decay.days))
        if rule.expires_days:
            parts.append(_("until {n} days have passed").format(n=rule.expires_days))
    return ", ".join(parts)


def _nearest(card: Card, hits: Sequence[Hit], missing: int) -> list[Way]:
    """The rules that would bring the contact nearer to the next band: first those that are enough alone, the smallest first; then the largest."""
    ways = []
    for hit in hits:
        adds = _adds(card, hits, hit)
        if adds > 0:
            ways.append(Way(hit.rule, adds, hit.sentence, adds >= missing))
    ways.sort(key=lambda way: (not way.enough, way.adds if way.enough else -way.adds))
    return ways[:NEAREST]


def _adds(card: Card, hits: Sequence[Hit], hit: Hit) -> int:
    """What a rule would add if it held; a counted one, if it happened once more, now. A loss that would end counts too."""
    rule = hit.rule
    if not rule.active:
        return 0
    if rule.kind == "state":
        more = rule.points if not hit.holds else -hit.points if hit.points < 0 else 0
    elif rule.points < 0:
        more = -hit.points
    elif rule.times is None or hit.times < rule.times:
        more = rule.points
    else:
        more = max(rule.points * rule.times - hit.points, 0) and min(rule.points, rule.points * rule.times - hit.points)
    group = next(group for group in card.groups if group.key == rule.group)
    inside = sum(other.points for other in hits if other.rule.group == rule.group)
    return _capped(inside + more, group) - _capped(inside, group)


def _capped(points: int, group: Group) -> int:
    if group.cap is None:
        return points
    return min(points, group.cap) if group.cap >= 0 else max(points, group.cap)


def first_model() -> ScoreModel | None:
    """The score that tables and records show: the first of contacts."""
    return ScoreModel.objects.filter(object_type="contact", archived_at=None).first()
