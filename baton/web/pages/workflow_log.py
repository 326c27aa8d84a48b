"""The enrollment log of a workflow: who entered, when, by what, and where he is; searched, as a file, and what can be done to many at once."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.accounts.rights import Rights
from baton.automation import graph, jobs, log
from baton.automation.log import Entry, Find
from baton.automation.models import Workflow
from baton.platform import history
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.segments import exports
from baton.web.answer import go, targets
from baton.web.page import Page, actor, allow, allow_records, user
from baton.web.parts import workflow_words
from baton.web.templatetags.fmt import iso

from .workflow_publish import workflow_of

SIZE = 50
ACTS = ("remove", "retry", "skip")


class WorkflowLog(Page):
    key = "workflow-log"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "workflows/<int:pk>/log/"
        return [path(at, show), path(f"{at}export/", export), path(f"{at}do/", do)]


def _find(request: HttpRequest) -> Find:
    given = request.GET
    return Find(
        given.get("q", "")[:200],
        given.get("state", ""),
        given.get("step", ""),
        given.get("outcome", ""),
        _day(given.get("from", "")),
        _day(given.get("to", ""), 1),
    )


def _day(text: str, more: int = 0) -> datetime | None:
    """Midnight of a day in the account's zone, or of the day behind it; None where nothing that is a day was given."""
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=more), time(), config().zone) if text else None
    except (ValueError, OverflowError):
        return None


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of it. Whom one may not see is counted and not named."""
    workflow, find = workflow_of(pk, archived=True), _find(request)
    held = rights.of(user(request))
    found = log.page(workflow, find, held, _after(request.GET.get("after", "")), SIZE + 1)
    shown, more = found[:SIZE], len(found) > SIZE
    live = graph.readable(workflow.published_id) if workflow.published_id else None
    query = request.GET.copy()
    query.pop("after", None)
    last = shown[-1].cursor if more else None
    context: dict[str, Any] = {
        "workflow": workflow,
        "rows": _rows(workflow, shown),
        "find": find,
        "given": request.GET,
        "states": [(key, label) for key, (label, _tone) in workflow_words.STATES.items()],
        "steps": [(s.id, s.heading()) for s in live.walk()] if live else [],
        "outcomes": [(key, label) for key, (label, _tone) in workflow_words.OUTCOMES.items() if key != "moved"]
        + ([(label, name) for s in live.walk() for label, name in s.ways() if s.id == find.step] if live else []),
        "next": f"?{query.urlencode()}&{urlencode({'after': f'{last[0].isoformat()},{last[1]}'})}" if last else "",
        "first": "after" not in request.GET,
        "start": f"?{query.urlencode()}",
        "export": f"/workflows/{pk}/log/export/?{query.urlencode()}" if held.may(workflow.object_type, "export") and shown else "",
        "may_edit": permissions.can(request.user, "workflows", "edit"),
    }
    return render(request, "workflow_log/rows.html" if targets(request, "log") else "workflow_log/page.html", context)


def _after(text: str) -> tuple[datetime, int] | None:
    at, _comma, id = text.rpartition(",")
    try:
        return (datetime.fromisoformat(at), int(id)) if at and len(id) < 19 else None
    except ValueError:
        return None


def _rows(workflow: Workflow, found: list[Entry]) -> list[dict[str, Any]]:
    graphs = {id: graph.readable(id) for id in {entry.version_id for entry in found}}
    of = "contacts" if workflow.object_type == "contact" else "records"
    rows = []
    for entry in found:
        known = graphs[entry.version_id]
        step = known.get(entry.step) if known else None
        trigger = known.trigger(entry.trigger) if known and entry.trigger else None
        label, tone = workflow_words.state(entry.state)
        rows.append(
            {
                "run": entry,
                "name": (workflow_words.name(entry.properties) or f"#{entry.contact_id}") if entry.seen else "",
                "company": entry.properties.get("company", ""),
                "email": entry.properties.get("email", ""),
                "state": label,
                "tone": tone,
                "reason": workflow_words.reason(entry.reason),
                "step": step.heading() if step and entry.state in ("active", "failed") else "",
                "trigger": trigger.heading() if trigger else _("Enrolled by hand"),
                "url": f"/workflows/{workflow.pk}/{of}/{entry.contact_id}/",
            }
        )
    return rows


@require_GET
@allow("workflows", "view")
@allow_records("contact", "export")
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The same as CSV, written as it is read; a right of its own on the records it leads. The export is written down."""
    workflow, find, held = workflow_of(pk, archived=True), _find(request), rights.of(user(request))
    held.require(workflow.object_type, "export")
    history.record(actor(request), "exported", "workflow", workflow.pk, what="log", asked=dict(request.GET.items()))
    response = StreamingHttpResponse(_lines(workflow, find, held, get_language() or "ko"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="workflow-{workflow.pk}-log.csv"'
    return response


def _lines(workflow: Workflow, find: Find, held: Rights, language: str) -> Iterator[bytes]:
    """The file in pieces; they are made after the request, so the language is given along. Who may not be exported is left out."""
    yield "\ufeff".encode()
    with translation.override(language):
        yield _csv([(_("Enrolled"), _("Name"), "id", _("E-mail"), _("State"), _("Reason"), _("Step"), _("Trigger"), _("Since"), _("Due"), _("Ended"))])
    for piece in log.everything(workflow, find, held):
        with translation.override(language):
            yield _csv(
                (
                    iso(r["run"].enrolled_at), r["name"], str(r["run"].contact_id), r["email"], r["state"], r["reason"], r["step"], r["trigger"],
                    iso(r["run"].entered_at), iso(r["run"].due_at), iso(r["run"].finished_at),
                )
                for r in _rows(workflow, piece)
                if r["run"].seen
            )  # fmt: skip


def _csv(rows: Any) -> bytes:
    """Lines of a file that worksheets open as text: what they would take for a formula gets an apostrophe."""
    out = io.StringIO()
    csv.writer(out).writerows([[f"'{cell}" if str(cell).startswith(exports.DANGEROUS) else cell for cell in row] for row in rows])
    return out.getvalue().encode()


@require_POST
@allow("workflows", "edit")
def do(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the chosen out, try their failed step again, or pass it over; `all` takes everybody out. Whom one may not change stays."""
    workflow = workflow_of(pk, archived=True)
    act = request.POST.get("act", "")
    if act == "remove-all":
        rights.of(user(request)).require(workflow.object_type, "edit")
        if rights.of(user(request)).scope(workflow.object_type, "edit") != "all":
            raise Invalid.one("act", "INVALID_OPTION", _("You may not change everybody who is inside."))
        jobs.remove_everybody.defer(workflow_id=workflow.pk, actor=str(actor(request)), reason="by hand")
        return go(f"/workflows/{pk}/log/")
    if act not in ACTS:
        raise Invalid.one("act", "INVALID_OPTION", _("This value cannot be used."))
    chosen = [int(value) for value in request.POST.getlist("run") if value.isdecimal() and len(value) < 19]
    pairs = workflow_words.allowed(workflow.object_type, log.pairs(workflow, chosen), rights.of(user(request)))
    workflow_words.act(act, workflow, pairs, actor(request))
    return go(request.POST.get("back", "") if request.POST.get("back", "").startswith(f"/workflows/{pk}/log/") else f"/workflows/{pk}/log/")
