"""Before a score is published: what the draft changes, its effect, the review by sales; then the versions, with the way back, as files."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.crm.models import Contact
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.segments import card as cards_of
from baton.segments import cards, effects, scoring
from baton.segments.card import Card
from baton.segments.models import ScoreModel, ScoreVersion
from baton.web.answer import go, toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import people, score_draft, score_sheet, score_words

from .scoring import uploaded

AT_ONCE = 3_000  # with no more contacts than this, everybody is scored again before the answer; else a worker does it


class ScoringPublish(Page):
    key = "scoring-publish"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "scoring/<slug:key>/"
        return [
            path(f"{at}draft/", draft),
            path(f"{at}draft/effect/", effect),
            path(f"{at}draft/review/", review),
            path(f"{at}draft/publish/", publish),
            path(f"{at}draft/discard/", discard),
            path(f"{at}versions/", versions),
            path(f"{at}versions/<int:number>/back/", back),
            path(f"{at}versions/<int:number>/file/", export),
            path(f"{at}import/", bring),
        ]


def _draft(model: ScoreModel) -> ScoreVersion:
    found = cards.draft(model)
    if found is None:
        raise NotFound(_("There is no draft."))
    return found


# The draft ---------------------------------------------------------------------


@require_GET
@allow("scoring", "view")
def draft(request: HttpRequest, key: str) -> HttpResponse:
    """What the draft changes, who reviewed it, and the buttons; its effect comes after, because it may take a moment."""
    model = cards.model(key)
    version = cards.draft(model)
    if version is None:
        return redirect(f"/scoring/{key}/")
    return render(request, "scoring/draft.html", _context(request, model, version))


def _context(request: HttpRequest, model: ScoreModel, version: ScoreVersion) -> dict[str, Any]:
    names = score_words.colleagues()
    return {
        "model": model,
        "version": version,
        "said": score_words.differences(cards.current(model), cards_of.read(version.content)),
        "reviewer": score_words.who(version.reviewed_by, names) if version.state == "reviewed" else "",
        "author": score_words.who(version.created_by, names),
        "may_edit": permissions.can(request.user, "scoring", "edit"),
    }


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody whose points would not stay, as the page shows it."""

    person: people.Person
    before: int
    after: int
    was: str
    now: str


@require_GET
@allow("scoring", "view")
def effect(request: HttpRequest, key: str) -> HttpResponse:
    """How the scores would lie, who would change band, and some of them by name: those the reader may see."""
    model = cards.model(key)
    version = _draft(model)
    old, new = cards.current(model), cards_of.read(version.content)
    if model.object_type != "contact":
        return render(request, "scoring/effect.html", {"model": model, "found": None})
    try:
        found = effects.of(model, old, new)
    except Invalid as error:
        return render(request, "scoring/effect.html", {"model": model, "found": None, "fault": "; ".join(p.message for p in error.problems)})
    held = rights.of(user(request))
    shown = Contact.objects.filter(pk__in=[m.contact_id for m in found.people])
    named = {c.pk: people.person(c) for c in shown if held.may("contact", "view", [c.owner_id])}
    context = {
        "model": model,
        "found": found,
        "bars": _bars(found, new),
        "axis": score_sheet.axis(found.scale),
        "marks": score_sheet.marks(found.after, found.scale, new),
        "columns": [_("Nurture"), *(band.label for band in new.bands)],
        "matrix": _matrix(found, old, new),
        "bands": _bands(found, old, new),
        "movers": [
            Moved(named[m.contact_id], m.before, m.after, _label(old, m.band_before), _label(new, m.band_after)) for m in found.people if m.contact_id in named
        ],
    }
    return render(request, "scoring/effect.html", context)


def _label(card: Card, place: int) -> str:
    return card.bands[place].label if place >= 0 else _("Nurture")


def _bars(found: effects.Effect, new: Card) -> list[dict[str, Any]]:
    """Pairs of bars: before and after."""
    top = max(1, *found.before.bins, *found.after.bins)
    shades = score_sheet.bins(found.after, found.scale, new)
    return [
        {**bar, "before": was, "before_height": round(was * 100 / top, 1), "height": round(bar["count"] * 100 / top, 1)}
        for was, bar in zip(found.before.bins, shades, strict=True)
    ]


def _matrix(found: effects.Effect, old: Card, new: Card) -> list[tuple[str, list[tuple[int, bool]], int]]:
    """A line for each band of the old card: its name, how many go to each of the new (and whether that is where they were), and their sum."""
    keys = ["", *(band.key for band in new.bands)]
    labels = [("", _("Nurture")), *((band.key, band.label) for band in old.bands)]
    return [(label, [(n, keys[j] == key) for j, n in enumerate(line)], sum(line)) for (key, label), line in zip(labels, found.moves, strict=True)]


def _bands(found: effects.Effect, old: Card, new: Card) -> list[tuple[str, int | None, int]]:
    """Each band of the new card with how many were and would be in it."""
    before = {band.key: n for band, n in zip(old.bands, found.before.bands[1:], strict=True)} | {"": found.before.bands[0]}
    labels = [("", _("Nurture")), *((band.key, band.label) for band in new.bands)]
    return [(label, before.get(key), n) for (key, label), n in zip(labels, found.after.bands, strict=True)]


@require_POST
@allow("scoring", "view")
def review(request: HttpRequest, key: str) -> HttpResponse:
    """Sales agrees: whoever may look at scores may say so, with a note."""
    model = cards.model(key)
    version = cards.review(model, note=score_draft.text(request.POST, "note"), actor=actor(request))
    return toast(render(request, "scoring/draft_body.html", _context(request, model, version)), _("Reviewed: thank you"))


@require_POST
@allow("scoring", "edit")
def publish(request: HttpRequest, key: str) -> HttpResponse:
    """Make the draft what counts. Few contacts are scored at once, many by a worker."""
    model = cards.model(key)
    cards.publish(model, note=score_draft.text(request.POST, "note"), actor=actor(request))
    if model.object_type == "contact" and Contact.objects.filter(archived_at=None)[: AT_ONCE + 1].count() <= AT_ONCE:
        scoring.everyone(model)
    return go(f"/scoring/{key}/")


@require_POST
@allow("scoring", "edit")
def discard(request: HttpRequest, key: str) -> HttpResponse:
    """Throw the draft away."""
    cards.discard(cards.model(key), actor=actor(request))
    return go(f"/scoring/{key}/")


# Versions ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A version in the list: who made, reviewed and published it, and what it changed."""

    version: ScoreVersion
    author: str
    reviewer: str
    publisher: str
    said: list[score_words.Said]


@require_GET
@allow("scoring", "view")
def versions(request: HttpRequest, key: str) -> HttpResponse:
    """All versions, newest first, each with what it changed from the one before."""
    model = cards.model(key)
    names = score_words.colleagues()
    rows = list(model.versions.all())
    lines = []
    for version, before in zip(rows, [*rows[1:], None], strict=True):
        said = score_words.differences(cards_of.read(before.content), cards_of.read(version.content)) if before else []
        author, reviewer, publisher = (score_words.who(a, names) if a else "" for a in (version.created_by, version.reviewed_by, version.published_by))
        lines.append(Line(version, author, reviewer, publisher, said))
    context = {"model": model, "lines": lines, "may_edit": permissions.can(request.user, "scoring", "edit"), "draft": cards.draft(model)}
    return render(request, "scoring/versions.html", context)


@require_POST
@allow("scoring", "edit")
def back(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """A draft of an older version; publishing it goes back."""
    cards.back_to(cards.model(key), number, actor=actor(request))
    return go(f"/scoring/{key}/draft/")


@require_GET
@allow("scoring", "view")
def export(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """A version as a YAML file."""
    model = cards.model(key)
    version = model.versions.filter(number=number).first()
    if version is None:
        raise NotFound(_("There is no version {number}.").format(number=number))
    response = HttpResponse(cards.to_yaml(cards_of.read(version.content)), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{key}-v{number}.yaml") or "attachment"
    return response


@allow("scoring", "edit")
def bring(request: HttpRequest, key: str) -> HttpResponse:
    """GET: the form. POST: a YAML file becomes the draft; its faults are said beside the field."""
    model = cards.model(key)
    if request.method != "POST":
        return render(request, "scoring/bring.html", {"model": model})
    try:
        text = uploaded(request)
        if not text:
            raise Invalid.one("file", "REQUIRED", _("Choose a file."))
        cards.save(model, cards.from_yaml(text), actor=actor(request))
    except (Invalid, Conflict) as error:
        said = [(p.path, p.message) for p in error.problems] if isinstance(error, Invalid) else [("", str(error))]
        return render(request, "scoring/bring.html", {"model": model, "faults": said}, status=422)
    return go(f"/scoring/{key}/draft/")
