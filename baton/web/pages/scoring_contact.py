"""The score of one contact: every change with the rule and the version that moved it, what was given by hand, and a form to give or take points."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.errors import Forbidden, Invalid, NotFound
from baton.segments import entries, scoring
from baton.segments.card import MOST
from baton.segments.models import ScoreModel
from baton.web.answer import faults, toast
from baton.web.page import Page, actor
from baton.web.parts import score_draft, score_words, scorecard
from baton.web.parts.subject import BASE, Subject, of_record

SHOWN = 50  # changes on a page


class ScoringContact(Page):
    key = "scoring-contact"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [re_path(BASE + r"score/$", show), re_path(BASE + r"score/points/$", give)]


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that moved a score, and by how much."""

    what: str
    points: int
    gone: bool  # the rule is in no version any more that can be read


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a score: when, to what total, by which version, and what moved it."""

    at: datetime
    points: int
    total: int | None
    version: int | None
    moves: list[Move]
    cursor: str


@of_record()
def show(request: HttpRequest, subject: Subject) -> HttpResponseBase:
    """The page; `?before=` continues the changes. `?score=` is another score than the first."""
    _may_look(request, subject)
    models = list(ScoreModel.objects.filter(object_type="contact", archived_at=None))
    model = next((m for m in models if m.key == request.GET.get("score")), models[0] if models else None)
    if model is None:
        raise NotFound(_("There is no score model yet."))
    changes, before = _changes(subject.id, model, request.GET.get("before", ""))
    names = score_words.colleagues()
    context = {
        "subject": subject,
        "model": model,
        "models": models,
        "changes": changes,
        "before": before,
        "score": scorecard.card(subject.id, model),
        "entries": [(entry, score_words.who(entry.actor, names)) for entry in entries.of(subject.id, model)],
    }
    template = "scoring/contact_changes.html" if "before" in request.GET and request.headers.get("HX-Request") else "scoring/contact.html"
    return TemplateResponse(request, template, context)


def _may_look(request: HttpRequest, subject: Subject) -> None:
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    if not permissions.can(request.user, "scoring", "view"):
        raise Forbidden(_("Your role does not show scores."))


def _changes(contact_id: int, model: ScoreModel, before: str) -> tuple[list[Change], str]:
    """A page of changes, newest first, and where the next begins (empty at the end)."""
    keys = [id for (id,) in sql.rows("SELECT id FROM event_key WHERE kind = %s AND value = %s", [int(Kind.SCORE_CHANGED), str(model.pk)])]
    told = Event.objects.filter(contact_id=contact_id, kind=Kind.SCORE_CHANGED, key__in=keys).order_by("-ts", "-id")
    if (cursor := _cursor(before)) is not None:
        told = told.filter(ts__lt=cursor)
    rows = list(told[: SHOWN + 1].values_list("ts", "value", "payload"))
    names = _names(model)
    found = [
        Change(
            ts,
            round(value or 0),
            payload.get("total"),
            payload.get("version"),
            [_move(moved, names, payload.get("version")) for moved in payload.get("rules", ())],
            ts.isoformat(),
        )
        for ts, value, payload in rows[:SHOWN]
    ]
    return found, found[-1].cursor if len(rows) > SHOWN else ""


def _cursor(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


Names = tuple[dict[str, str], dict[int, dict[str, Any]], dict[str, Any], dict[str, str]]


def _names(model: ScoreModel) -> Names:
    """Keys of rules by number, rules by version and key, rules as they are now by key, and labels of groups."""
    versions = {v.number: {r["key"]: r for r in v.content["rules"]} for v in model.versions.all()}
    now = {rule.key: {"key": rule.key, "filter": rule.filter} for rule in model.rules.all()}
    return {str(rule.pk): rule.key for rule in model.rules.all()}, versions, now, {g["key"]: g["label"] for g in model.groups}


def _move(moved: Mapping[str, Any], names: Names, version: int | None) -> Move:
    keys, versions, now, groups = names
    name, points = str(moved["rule"]), int(moved["points"])
    if name == "ledger":
        return Move(_("Given by hand"), points, False)
    if name.startswith("cap:"):
        return Move(_("Most of the group “{label}”").format(label=groups.get(name[4:], name[4:])), points, False)
    key = keys.get(name, "")
    rule = versions.get(version or 0, {}).get(key) or now.get(key)
    return Move(score_words.sentence(rule), points, False) if rule else Move(_("A rule that no longer exists"), points, True)


@require_POST
@of_record("edit")
def give(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Give points, or take some, with a reason; they count from the answer on, for `days` or for ever."""
    _may_look(request, subject)
    model = ScoreModel.objects.filter(key=request.POST.get("score", ""), object_type="contact", archived_at=None).first() or scoring.first_model()
    if model is None:
        raise NotFound(_("There is no score model yet."))
    context: dict[str, Any] = {"subject": subject, "model": model, "typed": request.POST}
    try:
        points = score_draft.integer(request.POST, "points", 1, MOST)
        points = -points if request.POST.get("way") == "take" else points
        days = score_draft.optional(request.POST, "days", 1, entries.DAYS)
        entries.add([subject.id], model, points, reason=request.POST.get("reason", ""), actor=actor(request), expires_days=days)
    except Invalid as error:
        return render(request, "scoring/give.html", context | {"errors": faults(error)}, status=422)
    scoring.some([subject.id], models=[model.pk])
    response = render(request, "scoring/given.html", {"subject": subject, "score": scorecard.card(subject.id), "model": model})
    text = ngettext("{n} point given", "{n} points given", points) if points > 0 else ngettext("{n} point taken", "{n} points taken", -points)
    return toast(response, text.format(n=abs(points)))
