"""What the sheet of a score shows: groups with their rules and the people these match, bands on the histogram, a contact tried against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_date

from baton.accounts import permissions, rights
from baton.accounts.rights import Rights
from baton.crm.models import Contact
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import card as cards_of
from baton.segments import effects, explain, finder, patience, scoring
from baton.segments.card import Card
from baton.segments.finder import Find
from baton.segments.models import ScoreModel, ScoreRule, ScoreVersion
from baton.web.page import user
from baton.web.parts import packed, people, score_draft, score_words, scorecard


@dataclass(frozen=True, slots=True)
class Line:
    """A rule of the sheet. `matched` None: not counted yet, because the rule is new or was changed."""

    rule: Mapping[str, Any]
    sentence: str
    chips: list[score_words.Chip]
    matched: int | None
    url: str  # of exactly these people
    free: str  # the free-text property it compares, if it does
    draft: bool  # not as published

    @property
    def key(self) -> str:
        return str(self.rule["key"])


@dataclass(frozen=True, slots=True)
class GroupLines:
    group: Mapping[str, Any]
    icon: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Mark:
    """A band on the histogram."""

    key: str
    label: str
    at_least: int
    left: float  # percent of the drawing
    shade: int  # percent of the accent
    count: int
    share: int
    url: str = ""  # of exactly these, as far as the stored scores are of this model


def context(request: HttpRequest, model: ScoreModel, *, side: bool = True) -> dict[str, Any]:
    """All that the sheet's templates need; without `side` not the histogram and the tested contact."""
    content, draft = score_draft.working(model)
    found = {
        "model": model,
        "content": content,
        "draft": draft,
        "groups": groups(model, content),
        "rule_count": sum(rule["active"] for rule in content["rules"]),
        "may_edit": permissions.can(request.user, "scoring", "edit"),
        "behind": behind(model),
        "several": ScoreModel.objects.filter(archived_at=None).count() > 1,
    }
    return {**found, **(aside(request, model, content, draft) if side else {})}


def aside(request: HttpRequest, model: ScoreModel, content: Mapping[str, Any], draft: ScoreVersion | None) -> dict[str, Any]:
    """The histogram with the bands of the draft, and the tested contact."""
    card = cards_of.read(content)
    held = rights.of(user(request))
    return {
        **histogram(model, card),
        "facts": facts(model) if model.object_type == "contact" else None,
        "model": model,
        "draft": draft,
        "may_edit": permissions.can(request.user, "scoring", "edit"),
        "may_see": held.may("contact", "view"),
        "behind": behind(model),
        **(tested(request, model, card, draft, held) if model.object_type == "contact" else {}),
    }


def behind(model: ScoreModel) -> bool:
    """Whether a version was published after everybody was scored last."""
    at = model.versions.filter(state="published").values_list("published_at", flat=True).first()
    return at is not None and (model.evaluated_at is None or model.evaluated_at < at)


# Rules -----------------------------------------------------------------------


def groups(model: ScoreModel, content: Mapping[str, Any], *, counted: bool | None = None) -> list[GroupLines]:
    """The rules by group, with the people they match where that is quickly known, or `counted` whatever it takes."""
    published = {rule.key: rule for rule in model.rules.all()}
    counts = matched(model) if counted or (counted is None and not patience.large("score")) else {}
    lines = [_line(rule, published.get(rule["key"]), counts, model.object_type) for rule in content["rules"]]
    return [GroupLines(g, score_words.group_icon(g), [line for line in lines if line.rule["group"] == g["key"]]) for g in content["groups"]]


def matched(model: ScoreModel) -> dict[str, int]:
    """How many each published rule gives points now, by key."""
    keys = {rule.pk: rule.key for rule in model.rules.all()}
    return {keys[pk]: n for pk, n in scoring.matched(model).items()}


def _line(rule: Mapping[str, Any], known: ScoreRule | None, counts: Mapping[str, int], object_type: str) -> Line:
    same = known is not None and known.active and rule["active"] and all(getattr(known, name) == rule[name] for name in ("filter", "kind", "expires_days"))
    whole = same and known is not None and all(getattr(known, name) == rule[name] for name in rule if name != "key")
    count = counts.get(rule["key"], 0) if same and counts else None
    stored = rule["filter"]
    free = next(score_words.free_texts(stored), "")
    url = packed.url(object_type, people_of(rule)) if stored else ""
    return Line(rule, score_words.sentence(rule, object_type), score_words.chips(rule), count, url, free, not whole)


def people_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A filter for those a rule gives points: of an event rule that expires, who did it since."""
    stored: dict[str, Any] = dict(rule["filter"])
    if rule["kind"] == "event" and rule["expires_days"] and not {"since", "until", "until_days", "period"} & set(stored):
        stored["days"] = min(rule["expires_days"], stored.get("days") or rule["expires_days"])
    return stored


# The histogram -----------------------------------------------------------------


def histogram(model: ScoreModel, card: Card) -> dict[str, Any]:
    """The stored scores against the bands of a card."""
    on = effects.scale(card.bands)
    found = effects.lie(model, card.bands, on)
    return {
        "scale": on,
        "total": found.total,
        "bins": bins(found, on, card),
        "marks": marks(found, on, card, model),
        "axis": axis(on),
        "below": below(found, card, model),
    }


def bins(found: effects.Lie, on: effects.Scale, card: Card) -> list[dict[str, Any]]:
    """The bars: where they begin, how many, how high (percent), and their shade."""
    top = max(1, *found.bins)
    shades = {band.key: _shade(i, len(card.bands)) for i, band in enumerate(card.bands, 1)}
    return [
        {"at": at, "count": n, "height": round(n * 100 / top, 1), "shade": shades[band.key] if (band := card.band(at)) else 0}
        for at, n in zip(on.places(), found.bins, strict=True)
    ]


def marks(found: effects.Lie, on: effects.Scale, card: Card, model: ScoreModel | None = None) -> list[Mark]:
    """The bands; with a model, each with the address of those who are in it now."""
    total = found.total or 1
    width = on.high + on.step - on.low
    return [
        Mark(
            band.key,
            band.label,
            band.at_least,
            round(min(max((band.at_least - on.low) / width, 0), 1) * 100, 2),
            _shade(i, len(card.bands)),
            found.bands[i],
            round(found.bands[i] * 100 / total),
            "" if model is None else between(model, band.at_least, _end(card, i)),
        )
        for i, band in enumerate(card.bands, 1)
    ]


def below(found: effects.Lie, card: Card, model: ScoreModel) -> dict[str, Any]:
    """Those below the first band."""
    return {"count": found.bands[0], "share": round(found.bands[0] * 100 / (found.total or 1)), "url": between(model, None, _end(card, 0))}


def _end(card: Card, place: int) -> int | None:
    """The last point before the band after this place (0: before the first); None: there is none."""
    return card.bands[place].at_least - 1 if place < len(card.bands) else None


def between(model: ScoreModel, low: int | None, high: int | None, part: str = "total") -> str:
    """The table of those who have so many points."""
    if model.object_type != "contact" or (low is None and high is None):
        return f"/{'contacts' if model.object_type == 'contact' else 'companies'}/"
    edges = {name: at for name, at in (("at_least", low), ("at_most", high)) if at is not None}
    return packed.url("contact", {"condition": "score", "model": model.pk, "part": part, **edges})


def _shade(place: int, of: int) -> int:
    """How much accent a band has: the last is full."""
    return round(48 + 52 * (place - 1) / (of - 1)) if of > 1 else 100


def axis(on: effects.Scale) -> list[tuple[int, float]]:
    """Numbers under the histogram with their places in percent: the ends, zero, and three round ones between."""
    width = on.high + on.step - on.low
    between = [n * on.step * 10 for n in (1, 2)]
    return [(at, round((at - on.low) * 100 / width, 1)) for at in (on.low, 0, *between, on.high)]


# A contact tried -----------------------------------------------------------------


def tested(request: HttpRequest, model: ScoreModel, card: Card, draft: ScoreVersion | None, held: Rights) -> dict[str, Any]:
    """The contact of `?contact`, else the one with the most points, explained: now or at the end of the day `?on`, as published or by the draft (`?by`)."""
    given = request.GET if request.method == "GET" else request.POST
    contact = _contact(given.get("pick") or given.get("contact", ""), model, held)  # picked from a search, while the form still holds the one before
    day = parse_date(given["on"]) if _day(given.get("on", "")) else None
    if day is not None and day >= clock.now().astimezone(config().zone).date():
        day = None
    by_draft = draft is not None and day is None and given.get("by", "draft") == "draft"
    found: dict[str, Any] = {
        "tested": None,
        "on": day.isoformat() if day else "",
        "by_draft": by_draft,
        "today": clock.now().astimezone(config().zone).date().isoformat(),
    }
    if contact is None:
        return found
    at = datetime.combine(day + timedelta(days=1), time(), config().zone) - timedelta(microseconds=1) if day else None
    shown = card if by_draft else cards_of.read(model.versions.get(state="published").content)
    said = explain.explain(contact.pk, model, at=at, card=card if by_draft else None)
    assert said is not None  # None is for no score at all
    sides = {group.key: group for group in shown.groups}
    return found | {
        "tested": people.person(contact),
        "said": said,
        "by_group": [(sides[key].label, points) for key, points in said.groups.items() if key in sides and points],
        "met": [(h, scorecard.evidence(h.rule.filter)) for h in said.hits if h.holds],
        "caps": [(sides[key].label, points) for key, points in said.caps.items() if points and key in sides],
        "unmet": [h for h in said.hits if not h.holds],
        "band_shade": next((_shade(i, len(shown.bands)) for i, band in enumerate(shown.bands, 1) if said.band and band.key == said.band.key), 0),
    }


def _day(text: str) -> bool:
    try:
        return parse_date(text) is not None
    except ValueError:
        return False


def _contact(asked: str, model: ScoreModel, held: Rights) -> Contact | None:
    """The contact asked for, else the one with the most points, of those the user may see."""
    live = Contact.objects.filter(archived_at=None)
    found = live.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is not None and held.may("contact", "view", [found.owner_id]):
        return found
    if not held.may("contact", "view"):
        return None
    seen, params = held.where("contact", "view", "c")
    best = sql.rows(
        f"SELECT s.contact_id FROM score s JOIN contact c ON c.id = s.contact_id WHERE s.model_id = %s AND c.archived_at IS NULL AND {seen}"
        " ORDER BY s.total DESC, s.contact_id DESC LIMIT 1",
        [model.pk, *params],
    ) or [(id,) for id in finder.ids(Find("contact", rights=held), limit=1)]
    return live.filter(pk=best[0][0]).first() if best else None


# What the data says about the bands ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the data says about the highest band; a number that has no ground is None."""

    won: int  # contacts that became customers in the last 90 days
    won_share: int | None  # % of them whose score is in the highest band
    least: int  # where that begins
    arrivals: float | None  # contacts that became SQL a day, over the last 30 days


REACHED = """
SELECT count(DISTINCT e.contact_id), count(DISTINCT e.contact_id) FILTER (WHERE s.total >= %(least)s)
FROM event e JOIN event_key k ON k.id = e.key AND k.kind = %(kind)s AND k.value = %(stage)s
LEFT JOIN score s ON s.contact_id = e.contact_id AND s.model_id = %(model)s
WHERE e.kind = %(kind)s AND e.ts >= %(since)s
"""


def facts(model: ScoreModel) -> Facts | None:
    """None for a score without bands."""
    if not model.bands:
        return None
    least = int(model.bands[-1]["at_least"])
    won, strong = _reached(model, least, "customer", 90)
    arrived, _strong = _reached(model, least, "sql", 30)
    return Facts(won, round(strong * 100 / won) if won else None, least, round(arrived / 30, 1) if arrived else None)


def _reached(model: ScoreModel, least: int, stage: str, days: int) -> tuple[int, int]:
    """Contacts that came to a stage in the last days, and how many of them have so many points now."""
    params = {"least": least, "kind": int(Kind.STAGE_CHANGED), "stage": stage, "model": model.pk, "since": clock.now() - timedelta(days=days)}
    return sql.rows(REACHED, params)[0]
