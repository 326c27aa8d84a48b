"""The inventory of forms: what each is worth, how far its readers are, how often it was sent, and the points it gives. As a page and as CSV."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.crm import records
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound
from baton.segments import content as contents
from baton.segments import exports
from baton.segments.models import ScoreModel, ScoreRule
from baton.web.answer import toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import score_draft

POSITIONS = (("early", gettext_lazy("Early")), ("middle", gettext_lazy("Middle")), ("late", gettext_lazy("Late")))

SENT = """
SELECT f.form_id, count(*), count(DISTINCT f.contact_id), max(f.at) FROM form_submission f WHERE f.form_id = ANY(%s) GROUP BY 1
"""


class ScoringForms(Page):
    key = "scoring-forms"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("scoring/forms/", show),
            path("scoring/forms/file/", download),
            path("scoring/forms/<int:pk>/", rate),
            path("scoring/forms/<int:pk>/task/", task),
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """A form of the inventory. `points`: of each score whose rules look at it, (score's name, points)."""

    form: Form
    rating: int | None
    position: str
    position_label: str
    tags: list[str]
    times: int
    people: int
    last: datetime | None
    points: list[tuple[str, int]]


def _lines() -> list[Line]:
    """All forms that are in use, by name. Four queries, however many there are."""
    forms = list(Form.objects.filter(archived_at=None).order_by("name", "pk"))
    said = keys.tags(Kind.FORM_SUBMISSION)
    sent = {id: (times, people, last) for id, times, people, last in sql.rows(SENT, [[f.pk for f in forms]])}
    rules = list(ScoreRule.objects.filter(active=True, model__archived_at=None, points__gt=0).select_related("model").order_by("model__position", "position"))
    lines = []
    for form in forms:
        tags, rating = said.get(str(form.pk), ([], None))
        position = next((word for word, _label in POSITIONS if word in tags), "")
        label = str(dict(POSITIONS)[position]) if position else ""
        times, people, last = sent.get(form.pk, (0, 0, None))
        lines.append(Line(form, rating, position, label, tags, times, people, last, list(_points(form.pk, tags, rules))))
    return lines


def _points(form: int, tags: Sequence[str], rules: Sequence[ScoreRule]) -> Iterator[tuple[str, int]]:
    """What one answer gives, score by score: the sum of the rules that look at this form, or at a tag it carries."""
    sums: dict[str, int] = {}
    for rule in rules:
        if _looks_at(rule.filter, form, tags):
            sums[rule.model.name] = sums.get(rule.model.name, 0) + rule.points
    yield from sums.items()


def _looks_at(stored: Any, form: int, tags: Sequence[str]) -> bool:
    if isinstance(stored, list):
        return any(_looks_at(part, form, tags) for part in stored)
    if not isinstance(stored, Mapping) or "not" in stored:
        return False
    if stored.get("condition") == "form_submitted":
        return stored.get("form") in (None, form) and (not stored.get("tag") or stored["tag"] in tags)
    return any(_looks_at(stored[how], form, tags) for how in ("all", "any") if how in stored)


def _context(request: HttpRequest) -> dict[str, Any]:
    lines = _lines()
    return {
        "lines": lines,
        "positions": POSITIONS,
        "ratings": range(1, 11),
        "without": sum(not line.points for line in lines),
        "may_edit": permissions.can(request.user, "scoring", "edit"),
        "may_forms": permissions.can(request.user, "forms"),
        "may_task": rights.of(user(request)).may("task", "create"),
        "models": ScoreModel.objects.filter(archived_at=None, object_type="contact"),
    }


@require_GET
@allow("scoring", "view")
def show(request: HttpRequest) -> HttpResponse:
    """The table."""
    return render(request, "scoring/forms.html", _context(request))


@require_POST
@allow("scoring", "edit")
def rate(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what a form is worth (1 to 10, blank for nothing said) and how far its readers are."""
    form = _form(pk)
    tags, _rating = keys.tags(Kind.FORM_SUBMISSION).get(str(pk), ([], None))
    position = request.POST.get("position", "")
    if position and position not in contents.POSITIONS:
        raise Invalid.one("position", "INVALID_OPTION", _("Content has one position: early, middle or late."))
    wanted = [tag for tag in tags if tag not in contents.POSITIONS] + ([position] if position else [])
    rating = score_draft.optional(request.POST, "rating", 1, 10)
    contents.tag(Kind.FORM_SUBMISSION, str(pk), tags=wanted, rating=rating, actor=actor(request))
    return toast(render(request, "scoring/forms_table.html", _context(request)), _("{name}: saved").format(name=form.name))


def _form(pk: int) -> Form:
    found = Form.objects.filter(pk=pk, archived_at=None).first()
    if found is None:
        raise NotFound(_("This form no longer exists."))
    return found


@require_POST
@allow("scoring", "view")
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """A task for the reader: give this form points."""
    form = _form(pk)
    rights.of(user(request)).require("task", "create")
    subject = _("Assign points to the form “{name}”").format(name=form.name)
    given = {"subject": subject, "owner_id": str(user(request).pk), "kind": "TODO", "status": "NOT_STARTED"}
    records.create("task", given, actor=actor(request), source="page")
    response = toast(HttpResponse(), _("Task added: {subject}").format(subject=subject))
    response["HX-Reswap"] = "none"
    return response


@require_GET
@allow("scoring", "view")
def download(request: HttpRequest) -> HttpResponse:
    """The table as CSV, with a byte order mark so that Excel reads Korean."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_("Form"), _("Rating"), _("Position"), _("Submissions"), _("People"), _("Last"), _("Points")])
    for line in _lines():
        points = "; ".join(f"{name}: +{n}" if n > 0 else f"{name}: {n}" for name, n in line.points) or _("no points yet")
        last = line.last.isoformat(timespec="seconds") if line.last else ""
        writer.writerow([exports.safe(line.form.name), line.rating or "", line.position_label, line.times, line.people, last, exports.safe(points)])
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="forms.csv"'
    return response
