"""A score to look at: the criteria table to print and agree on, and the grid of fit and engagement."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from baton.accounts import users
from baton.automation.models import Workflow
from baton.crm import properties
from baton.crm.models import LifecycleStage
from baton.platform import sql
from baton.platform.errors import NotFound
from baton.segments import cards, scoring
from baton.segments.models import ScoreModel, Segment
from baton.web.page import Page, allow
from baton.web.parts import packed, score_words

CELLS = 4  # rows and columns of the grid


class ScoringViews(Page):
    key = "scoring-views"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("scoring/<slug:key>/criteria/", criteria), path("scoring/<slug:key>/axes/", axes)]


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the criteria table."""

    sentence: str
    points: int
    chips: list[score_words.Chip]


@require_GET
@allow("scoring", "view")
def criteria(request: HttpRequest, key: str) -> HttpResponse:
    """What gives how many points, and what happens at which score: made from what is published now."""
    model = cards.model(key)
    version = model.versions.get(state="published")
    content = version.content
    names = score_words.colleagues()
    groups = []
    for group in content["groups"]:
        rules = [r for r in content["rules"] if r["group"] == group["key"] and r["active"]]
        if rules:
            groups.append((group, [Item(score_words.sentence(r, model.object_type), r["points"], score_words.chips(r)) for r in rules]))
    looks, others = _looks(model, content)
    context = {
        "model": model,
        "account": users.account(),
        "version": version,
        "groups": groups,
        "bands": [(band, looks[band["key"]]) for band in score_words.bands(content["bands"])],
        "users": others,
        "reviewer": score_words.who(version.reviewed_by, names) if version.reviewed_by else "",
        "publisher": score_words.who(version.published_by, names),
    }
    return render(request, "scoring/criteria.html", context)


def _looks(model: ScoreModel, content: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Which stages, lists and workflows look at where a band begins, by the band's key; and those that look at the score otherwise."""
    stage = properties.definitions("contact")["lifecyclestage"]
    found: dict[str, list[str]] = {str(band["key"]): [] for band in content["bands"]}
    begins = {int(band["at_least"]): str(band["key"]) for band in content["bands"]}
    for key, band in LifecycleStage.objects.filter(rule__model=model.key, rule__mode__in=("score", "either", "both")).values_list("key", "rule__band"):
        if band in found:
            found[band].append(_("Stage “{name}”").format(name=properties.option_label(stage, key)))
    others = []
    for label, stored in _readers(model):
        at = sorted({begins[n] for n in beginnings(stored, model) if n in begins}, key=list(found).index)
        for key in at:
            found[key].append(label)
        if not at:
            others.append(label)
    return found, others


def _readers(model: ScoreModel) -> Iterator[tuple[str, Any]]:
    """Lists and published workflows that look at a score, with what they store."""
    for name, stored in Segment.objects.filter(archived_at=None, depends__scores__contains=model.pk).order_by("name").values_list("name", "filter"):
        yield _("List “{name}”").format(name=name), stored
    for name, stored in Workflow.objects.filter(archived_at=None).exclude(published=None).order_by("name").values_list("name", "published__graph"):
        if mentions_score(stored, model):
            yield _("Workflow “{name}”").format(name=name), stored


def _is_mine(stored: Mapping[str, Any], model: ScoreModel) -> bool:
    """Whether a score condition is about this score: by its number, or without one because it is the first."""
    given = stored.get("model")
    if stored.get("condition") != "score":
        return False
    return given in (model.pk, model.key) if given is not None else scoring.first_model() == model


def mentions_score(stored: Any, model: ScoreModel) -> bool:
    """Whether some condition in stored JSON is about this score."""
    if isinstance(stored, list):
        return any(mentions_score(part, model) for part in stored)
    return isinstance(stored, dict) and (_is_mine(stored, model) or any(mentions_score(part, model) for part in stored.values()))


def beginnings(stored: Any, model: ScoreModel) -> list[int]:
    """The points from which conditions on the whole of this score begin."""
    if isinstance(stored, list):
        return [n for part in stored for n in beginnings(part, model)]
    if not isinstance(stored, dict):
        return []
    own = []
    if _is_mine(stored, model) and stored.get("part", "total") == "total":
        own = [n for n in (stored.get("at_least"), model.begins(str(stored.get("band") or ""))) if isinstance(n, int)]
    return [*own, *(n for part in stored.values() for n in beginnings(part, model))]


# Fit and engagement --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    count: int
    share: float  # of the largest cell, percent
    url: str


@require_GET
@allow("scoring", "view")
def axes(request: HttpRequest, key: str) -> HttpResponse:
    """How many contacts there are by fit and by engagement, each cell a link to exactly these."""
    model = cards.model(key)
    if model.object_type != "contact":
        raise NotFound(_("Only the scores of contacts have this view."))
    fit, engagement = (_edges(model, part) for part in ("fit", "engagement"))
    counts = _grid(model, fit, engagement)
    top = max(1, *counts.values()) if counts else 1
    rows = [
        (
            _span(fit, i),
            [
                Cell(counts.get((i, j), 0), round(counts.get((i, j), 0) * 100 / top, 1), _url(model, _range(fit, i), _range(engagement, j)))
                for j in range(len(engagement) + 1)
            ],
            sum(counts.get((i, j), 0) for j in range(len(engagement) + 1)),
        )
        for i in reversed(range(len(fit) + 1))
    ]
    sums = [sum(counts.get((i, j), 0) for i in range(len(fit) + 1)) for j in range(len(engagement) + 1)]
    context = {"model": model, "rows": rows, "columns": [_span(engagement, j) for j in range(len(engagement) + 1)], "sums": sums, "total": sum(sums)}
    return render(request, "scoring/axes.html", context)


def _edges(model: ScoreModel, part: str) -> list[int]:
    """Where the cells after the first begin: parts of what the rules of this side can give, round numbers, and never the same twice."""
    sides = {group["key"]: group for group in model.groups}
    able = 0
    for key, group in sides.items():
        if group["side"] == part:
            points = sum(rule.points for rule in model.rules.all() if rule.active and rule.group == key and rule.points > 0)
            able += min(points, group["cap"]) if group.get("cap") and group["cap"] > 0 else points
    step = max(1, able // (2 * CELLS))
    step = step if step < 5 else 5 * max(1, round(step / 5))
    return [step * n for n in range(1, CELLS)]


def _grid(model: ScoreModel, fit: list[int], engagement: list[int]) -> dict[tuple[int, int], int]:
    """Contacts by (place of fit, place of engagement). Who has no score has 0 of both."""
    place = "(SELECT count(*) FROM unnest(%({name})s::int[]) AS e(least) WHERE coalesce(s.{name}, 0) >= e.least)::int"
    found = sql.rows(
        f"SELECT {place.format(name='fit')}, {place.format(name='engagement')}, count(*) FROM contact c"
        " LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s WHERE c.archived_at IS NULL GROUP BY 1, 2",
        {"fit": fit, "engagement": engagement, "model": model.pk},
    )
    return {(i, j): n for i, j, n in found}


def _range(edges: list[int], place: int) -> tuple[int | None, int | None]:
    return (edges[place - 1] if place else None, edges[place] - 1 if place < len(edges) else None)


def _span(edges: list[int], place: int) -> str:
    """A range of points in words."""
    low, high = _range(edges, place)
    if low is None:
        return _("up to {n}").format(n=high)
    return _("{n} or more").format(n=low) if high is None else f"{low} – {high}"


def _url(model: ScoreModel, fit: tuple[int | None, int | None], engagement: tuple[int | None, int | None]) -> str:
    parts = []
    for part, (low, high) in (("fit", fit), ("engagement", engagement)):
        test: dict[str, Any] = {"condition": "score", "model": model.pk, "part": part}
        parts.append(test | ({} if low is None else {"at_least": low}) | ({} if high is None else {"at_most": high}))
    return packed.url("contact", {"all": parts})
