"""The verdict of sales on a contact's page, and wherever a lead is shown: give one, take it back, pause, end a pause, dead end and back."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.crm import records, stages
from baton.platform.errors import DomainError, Invalid, NotFound
from baton.segments import pauses, verdicts

from .. import answer
from ..page import Page, actor, allow
from ..parts import filter_editor, progress, scorecard, verdict
from ..parts.people import colleagues
from ..parts.subject import BASE, Subject, of_record
from ..templatetags.fmt import day_only

CHANGED = "verdict-changed"  # whatever shows verdicts asks for itself again


class RecordVerdict(Page):
    key = "record-verdict"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(BASE + r"verdict/$", give),
            re_path(BASE + r"verdict/panel/$", panel),
            re_path(BASE + r"verdict/back/$", take_back),
            re_path(BASE + r"pause/$", pause),
            re_path(BASE + r"deadend/$", dead_end),
            re_path(BASE + r"reopen/$", reopen),
        ]


@of_record("edit")
def give(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The form (`?give=` chooses a verdict); POST gives it, and the toast takes it back. 422 with the faults under their fields."""
    _person(subject)
    if request.method != "POST":
        chosen = request.GET.get("give", "ready")
        values = {"verdict": chosen if chosen in verdicts.GIVEN else "ready"}
        return render(request, "verdict/form.html", verdict.form(request, subject, values, {}, {}))
    given = {name: request.POST.get(name, "").strip() for name in ("verdict", "reason", "until", "into")}
    wake: dict[str, Any] = {}
    try:
        if given["verdict"] == "paused":
            wake = filter_editor.read(request.POST, "wake")
        more: dict[str, Any] = {"until": _day(given["until"]), "wake": wake, "into": given["into"]} if given["verdict"] == "paused" else {}
        made = verdicts.give(subject.id, given["verdict"], reason=given["reason"], actor=actor(request), **more)
    except Invalid as error:
        faults = {p.path: p.message for p in reversed(error.problems)}
        return render(request, "verdict/form.html", verdict.form(request, subject, given, faults, wake), status=422)
    undo = {"url": f"{subject.url}verdict/back/", "target": "#main", "values": {"undo": "1"}, "swap": "none"}
    return answer.done(_("{name}: {verdict}").format(name=subject.name, verdict=verdicts.WORDS[made.verdict]), undo, tell=CHANGED)


@require_GET
@of_record()
def panel(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The part of the record that shows the verdict, with the stage and the score that it may have changed."""
    context: dict[str, Any] = {"subject": subject, "verdict": verdict.of(subject, colleagues())}
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    context |= {"stage": progress.of(subject), "score": scorecard.card(subject.id), "whole": request.GET.get("of") != "handover"}
    return render(request, "verdict/changed.html", context)


@require_POST
@of_record("edit")
def take_back(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Take the newest verdict back: its points, its pause, its stage."""
    _person(subject)
    verdicts.take_back(subject.id, actor=actor(request))
    return answer.done(_("The verdict was taken back"), tell=CHANGED)


@require_POST
@of_record("edit")
def pause(request: HttpRequest, subject: Subject) -> HttpResponse:
    """End the pause of the contact now, or give it another day (`until`)."""
    _person(subject)
    if request.POST.get("until"):
        try:
            until = pauses.extend(subject.id, _day(request.POST["until"]), actor=actor(request))
        except Invalid as error:
            return answer.toast(HttpResponse(status=422), error.problems[0].message)
        return answer.done(_("{name} is paused until {day}").format(name=subject.name, day=day_only(until)), tell=CHANGED)
    if not pauses.end([subject.id], by=actor(request), reason=request.POST.get("reason", "").strip()):
        raise NotFound(_("This pause is over."))
    return answer.done(_("The pause of {name} is over").format(name=subject.name), tell=CHANGED)


@of_record("edit")
def dead_end(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The form that asks why; POST moves the contact to the dead end. 422 without a reason."""
    _person(subject)
    fault, reason = "", request.POST.get("reason", "").strip()
    if request.method == "POST":
        end = next((stage.key for stage in stages.known() if stage.kind == "dead_end"), None)
        if end is None:
            raise NotFound(_("There is no such stage."))
        try:
            outcome = stages.move([subject.id], end, actor=actor(request), source="page", reason=reason)[subject.id]
            if isinstance(outcome, DomainError):
                raise outcome
        except Invalid as error:
            fault = error.problems[0].message
        else:
            return answer.done(_("{name} is at a dead end").format(name=subject.name), tell=CHANGED)
    context = {"subject": subject, "fault": fault, "reason": reason, "reasons": verdict.REASONS["deadend"]}
    return render(request, "verdict/dead_end.html", context, status=422 if fault else 200)


@allow("settings", "edit")
@of_record("edit")
def reopen(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The form of an administrator who takes a contact out of a dead end; POST does. 403 for others, 422 without a reason."""
    _person(subject)
    fault, reason, into = "", request.POST.get("reason", "").strip(), request.POST.get("into", "lead")
    if request.method == "POST":
        try:
            stages.reopen(subject.id, into, reason=reason, actor=actor(request))
        except Invalid as error:
            fault = error.problems[0].message
        else:
            return answer.done(_("{name} is open again").format(name=subject.name), tell=CHANGED)
    choices = [(stage.key, stage.label) for stage in stages.known() if stage.kind == "forward"]
    context = {"subject": subject, "fault": fault, "reason": reason, "into": into, "choices": choices}
    return render(request, "verdict/reopen.html", context, status=422 if fault else 200)


def _person(subject: Subject) -> None:
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    records.get("contact", subject.id)  # raises NotFound for one that is archived


def _day(text: str) -> date:
    """Raises Invalid (`until`)."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid.one("until", "INVALID_DATE", _("Until when?")) from None
