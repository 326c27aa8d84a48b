"""A contact's stage, moved by hand: on, back, into recycling, out of the life cycle; every move with its reason, and the toast takes it back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _

from baton.crm import records, stages
from baton.platform.errors import DomainError, Invalid, NotFound

from .. import answer
from ..page import Page, actor
from ..parts.subject import BASE, Subject, of_record

CHANGED = "verdict-changed"  # the part of the page that shows stage, score and verdict asks for itself again
NOWHERE = "-"  # no stage, as the form sends it


class RecordStage(Page):
    key = "record-stage"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [re_path(BASE + r"stage/$", move)]


@of_record("edit")
def move(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The form; POST moves (`into`, `reason`), 422 with the fault. With `undo` one's own last move is taken back."""
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    now = str(subject.values.get(stages.PROPERTY) or "")
    if request.method != "POST":
        return _form(request, subject, now, "", "", "")
    who, into, reason = actor(request), request.POST.get("into", ""), request.POST.get("reason", "").strip()
    target = "" if into == NOWHERE else into
    try:
        if not into:
            raise Invalid.one("into", "REQUIRED", _("Choose a stage."))
        if "undo" in request.POST:
            free = stages.taking_back(subject.id, target, actor=who)
            records.update("contact", subject.id, {stages.PROPERTY: target}, actor=who, source="undo", freedom=free)
            return answer.done(_("Taken back"), tell=CHANGED)
        if _is_back(now, target) and not reason:
            raise Invalid.one("reason", "REQUIRED", _("Say why the contact moves back."))
        outcome = stages.move([subject.id], target, actor=who, source="page", reason=reason, back=True)[subject.id]
        if isinstance(outcome, DomainError):
            raise outcome
    except Invalid as error:
        return _form(request, subject, now, into, reason, error.problems[0].message)
    undo = {"url": f"{subject.url}stage/", "target": "#main", "swap": "none", "values": {"into": now or NOWHERE, "undo": "1"}}
    label = stages.get(target).label if target else _("No stage")
    return answer.done(_("{name}: {stage}").format(name=subject.name, stage=label), undo, tell=CHANGED)


def _is_back(now: str, into: str) -> bool:
    known = {stage.key: stage for stage in stages.known()}
    here, there = known.get(now), known.get(into)
    return here is not None and there is not None and here.on_the_way and there.on_the_way and there.rank < here.rank


def _form(request: HttpRequest, subject: Subject, now: str, into: str, reason: str, fault: str) -> HttpResponse:
    known = {stage.key: stage for stage in stages.known()}
    here = known.get(now)
    rank = here.rank if here and here.on_the_way else 0
    way = [stage for stage in known.values() if stage.on_the_way and stage.key != now]
    groups = [
        (_("Forward"), [(s.key, s.label) for s in way if s.rank > rank]),
        (_("Recycling"), [(s.key, s.label) for s in known.values() if s.kind == "recycle" and s.key != now]),
        (_("Back, with a reason"), [(s.key, s.label) for s in way if s.rank < rank]),
        (_("Beside the way"), [(s.key, s.label) for s in known.values() if s.kind == "aside" and s.key != now]),
        (_("Out"), [(NOWHERE, _("No stage: rules leave the contact alone"))] if now else []),
    ]
    context = {"subject": subject, "here": here, "groups": [(name, rows) for name, rows in groups if rows], "into": into, "reason": reason, "fault": fault}
    return render(request, "records/stage_move.html", context, status=422 if fault else 200)
