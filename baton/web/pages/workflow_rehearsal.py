"""A workflow tried without touching anybody: with the people of the past or made-up ones, day by day; its messages, its conflicts, everybody's way."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.automation import journeys, rehearsals
from baton.automation.models import Rehearsal, Workflow
from baton.automation.rehearsed import Node, Result
from baton.crm import types
from baton.crm.models import Contact, Record
from baton.messaging import outbox
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound
from baton.web.answer import go, targets
from baton.web.page import Page, actor, allow, user
from baton.web.parts import rehearsal_words

from .workflow_publish import workflow_of

WINDOWS = (7, 14, 30, 60, 90)
LENGTHS = (7, 14, 30, 60, 90, 180, 400)
EARLIER = 10
SAMPLE = """kim:
  properties: {email: kim@hanbit.example, lastname: 김}
  facts:
    - {day: 0, enroll: true}
    - {day: 5, property: {city: 서울}}
lee:
  properties: {email: lee@gaon.example, lastname: 이}
  facts:
    - {day: 0, enroll: true}
"""


class WorkflowRehearsal(Page):
    key = "workflow-rehearsal"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "workflows/<int:pk>/rehearsal/"
        return [path(at, show), path(f"{at}start/", start), path(f"{at}<int:number>/stop/", stop)]


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The form with the newest rehearsal, or that of `?run=`; to htmx only its state and result."""
    workflow = workflow_of(pk)
    context = _context(request, workflow, _chosen(workflow, request.GET.get("run", "")))
    return render(request, "workflow_rehearsal/result.html" if targets(request, "rehearsal") else "workflow_rehearsal/page.html", context)


@require_POST
@allow("workflows", "edit")
def start(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Begin one. Faults come back beside the form, with what was given."""
    workflow = workflow_of(pk)
    given = request.POST
    try:
        made = rehearsals.ask(workflow, _asked(given), actor=actor(request))
    except Invalid as error:
        context = _context(request, workflow, None) | {"given": given, "faults": [f"{p.path}: {p.message}" if p.path else p.message for p in error.problems]}
        return render(request, "workflow_rehearsal/page.html", context, status=422)
    return redirect(f"/workflows/{pk}/rehearsal/?run={made.pk}")


@require_POST
@allow("workflows", "edit")
def stop(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Nobody wants to know any more."""
    found = Rehearsal.objects.filter(workflow=workflow_of(pk), pk=number).first()
    if found is None:
        raise NotFound(_("There is no such rehearsal."))
    rehearsals.cancel(found, actor=actor(request))
    return go(f"/workflows/{pk}/rehearsal/?run={number}")


def _asked(given: Any) -> dict[str, Any]:
    """What the form says, as rehearsals.ask takes it."""
    asked: dict[str, Any] = {"version": given.get("version", "draft"), "population": "ghosts" if given.get("population") == "ghosts" else "past"}
    asked["days"] = _number(given, "days", LENGTHS)
    if asked["population"] == "past":
        window = _number(given, "window", WINDOWS)
        return asked | {"window": window, "start": (clock.now() - timedelta(days=window)).isoformat()}
    said = str(given.get("start") or "")
    begin = journeys.moment(said) if said else clock.now()
    return asked | {"start": begin.isoformat(), "others": bool(given.get("others")), "contacts": journeys.people(str(given.get("contacts", "")), begin)}


def _number(given: Any, name: str, known: tuple[int, ...]) -> int:
    text = str(given.get(name, ""))
    if text.isascii() and text.isdigit() and int(text) in known:
        return int(text)
    raise Invalid.one(name, "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(map(str, known))))


def _chosen(workflow: Workflow, asked: str) -> Rehearsal | None:
    mine = Rehearsal.objects.filter(workflow=workflow)
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        return mine.filter(pk=int(asked)).first()
    return mine.order_by("-pk").first()


def _context(request: HttpRequest, workflow: Workflow, found: Rehearsal | None) -> dict[str, Any]:
    asked = found.asked if found else {}
    context = {
        "workflow": workflow,
        "rehearsal": found,
        "earlier": Rehearsal.objects.filter(workflow=workflow).defer("graph", "result").order_by("-pk")[:EARLIER],
        "busy": found is not None and found.state in rehearsals.WORKING,
        "may_edit": permissions.can(request.user, "workflows", "edit"),
        "windows": WINDOWS,
        "lengths": LENGTHS,
        "window": asked.get("window", 30),
        "days": asked.get("days", 60),
        "population": asked.get("population", "past"),
        "version": asked.get("version", "draft"),
        "sample": SAMPLE,
        "starts": clock.now().astimezone(config().zone).strftime("%Y-%m-%dT%H:%M"),
    }
    return context | (_result(Result.from_json(found.result), _names(request, found)) if found is not None and found.state == "done" and found.result else {})


def _names(request: HttpRequest, found: Rehearsal) -> dict[int, str]:
    """What those in it whom the reader may see are called now; real people are kept without their names. Made-up ones are everybody's."""
    told = [one for part in ("paths", "messages") for one in found.result.get(part, ())]
    if found.asked.get("population") == "ghosts":
        return {one["contact"]: one["name"] for one in told}
    kind, held = found.workflow.object_type, rights.of(user(request))
    rows = (Contact if kind == "contact" else Record).objects.filter(id__in={one["contact"] for one in told})
    return {row.pk: types.title(kind, row.properties) or f"#{row.pk}" for row in rows if held.may(kind, "view", [row.owner_id])}


def _result(result: Result, names: dict[int, str]) -> dict[str, Any]:
    first = datetime.fromisoformat(result.start).astimezone(config().zone).date()
    last = max([0, *(int(day) for node in result.nodes for day in node.days)])
    titles = {node.id: node.label for node in result.nodes}
    return {
        "result": result,
        "first": first,
        "until": first + timedelta(days=result.days),
        "ends": [(rehearsal_words.ended(state), count) for state, count in result.ends.items()],
        "rows": [_row(node, first, last) for node in result.nodes],
        "sent": sum(mail["sent"] for mail in result.mails),
        "skipped": sum(sum(mail["skipped"].values()) for mail in result.mails),
        "mails": [
            {
                **mail,
                "date": first + timedelta(days=mail["day"]),
                "title": titles.get(mail["step"], ""),
                "why": [(str(outbox.reason(reason)), n) for reason, n in mail["skipped"].items()],
            }
            for mail in result.mails
        ],
        "conflicts": [rehearsal_words.conflict(one) for one in result.conflicts],
        "notes": [text for note in result.notes if (text := rehearsal_words.note(note, titles))],
        "people": [_person(one, titles) | {"name": one.get("name", names[one["contact"]])} for one in result.paths if one["contact"] in names],
        "messages": [
            {**m, "when": datetime.fromisoformat(m["at"]), "name": m.get("name", names[m["contact"]])} for m in result.messages if m["contact"] in names
        ],
    }  # fmt: skip


def _row(node: Node, first: Any, last: int) -> dict[str, Any]:
    """A node with its days: bars of how many came, and the numbers of each day with news."""
    most = max([1, *(row[0] for row in node.days.values())])
    width = 300 / (last + 1)
    bars = [(int(day) * width, max(row[0] / most * 26, 1)) for day, row in node.days.items() if row[0]]
    return {
        "node": node,
        "label": node.label or node.id,
        "indent": min(node.depth, 6),
        "ways": [(rehearsal_words.way(way), count) for way, count in node.ways.items()],
        "bars": [{"x": f"{x:.2f}", "width": f"{max(width - 0.6, 0.8):.2f}", "height": f"{high:.1f}", "y": f"{28 - high:.1f}"} for x, high in bars],
        "days": [(first + timedelta(days=int(day)), *row) for day, row in sorted(node.days.items(), key=lambda d: int(d[0]))],
    }  # fmt: skip


def _person(one: dict[str, Any], titles: dict[str, str]) -> dict[str, Any]:
    """Somebody's runs, each step with its moment; steps that were done at once stand without an end."""
    runs = [
        {
            **run,
            "ended": rehearsal_words.ended(run["state"]),
            "why": rehearsal_words.reason(run["reason"]),
            "from": datetime.fromisoformat(run["at"]),
            "steps": [
                {
                    "title": titles.get(walked["step"], walked["step"]),
                    "outcome": rehearsal_words.way(walked["outcome"]) if walked["outcome"] != "done" else "",
                    "at": datetime.fromisoformat(walked["at"]),
                    "done": datetime.fromisoformat(walked["done"]) if walked["done"] and walked["done"] != walked["at"] else None,
                }
                for walked in run["walked"]
            ],
        }
        for run in one["runs"]
    ]
    return {**one, "runs": runs, "sent": sum(m["state"] == "sent" for m in one["messages"])}
