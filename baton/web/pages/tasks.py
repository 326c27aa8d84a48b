"""Tasks: what there is to do, by when it is due; ticked off, put off, and added here."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from baton.accounts import rights
from baton.accounts.models import User
from baton.crm import activities, properties, records
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid

from .. import answer
from ..answer import faults, targets
from ..page import Page, actor, allow_records, user
from ..parts import people, task_list

LATER = {"tomorrow": 1, "week": 7}  # days a task is put off by
CHANGED = "tasks-changed"  # the list asks for its tasks again
DUE_HOUR = 9  # a task given a day without an hour


class Tasks(Page):
    key = "tasks"
    label = gettext_lazy("Tasks")
    icon = "circle-check"
    order = 20
    on_phone = True

    @classmethod
    def count(cls, user: User) -> int:
        return task_list.waiting(user)

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("tasks/", show),
            path("tasks/new/", new),
            path("tasks/<int:id>/done/", done),
            path("tasks/<int:id>/later/", later),
        ]


@allow_records("task", "view")
def show(request: HttpRequest) -> HttpResponse:
    """Open tasks: mine, my team's or everybody's (`?whose=`), and lately done ones (`?done=1`)."""
    me, users = user(request), people.colleagues()
    held = rights.of(me)
    whose = request.GET.get("whose", "mine")
    whose = whose if whose in task_list.WHOSE else "mine"
    closed = request.GET.get("done") == "1"
    groups, more = ([], False) if closed else task_list.groups(held, me, whose, users)
    context = {
        "groups": groups, "more": more, "closed": closed, "finished": task_list.done(held, me, whose, users) if closed else [], "whose": whose,
        "scopes": (("mine", _("Mine")), ("team", _("My team")), ("all", _("Everybody"))), "may_add": held.may("task", "create"), "users": users,
    }  # fmt: skip
    return render(request, "tasks/list.html" if targets(request, "tasks") else "tasks/page.html", context)


@allow_records("task", "create")
def new(request: HttpRequest) -> HttpResponse:
    """The form to add a task without a record; saved, the list reloads. 422 with the faults under their fields."""
    me = user(request)
    values: dict[str, Any] = {"subject": "", "day": "", "time": "", "owner_id": str(me.pk), "priority": "", "kind": "TODO", "body": ""}
    problems: dict[str, str] = {}
    if request.method == "POST":
        values |= {name: request.POST.get(name, "") for name in values}
        try:
            given = {name: values[name] for name in ("subject", "owner_id", "priority", "kind", "body")}
            if not values["subject"].strip():
                raise Invalid.one("properties.subject", "REQUIRED", _("A title is required."))
            at = _due(values["day"], values["time"])
            records.create("task", {**given, "status": "NOT_STARTED", "at": at}, actor=actor(request), source="page")
        except Invalid as error:
            problems = faults(error)
        else:
            return answer.done(_("Task added"), tell=CHANGED)
    known = properties.definitions("task")
    options = {name: [(o["value"], properties.option_label(known[name], o["value"])) for o in known[name].options] for name in ("priority", "kind")}
    context = {"values": values, "errors": problems, "users": people.colleagues(), "options": options}
    return render(request, "tasks/new.html", context, status=422 if problems else 200)


@require_POST
@allow_records("task", "edit")
def done(request: HttpRequest, id: int) -> HttpResponse:
    """Tick a task off, or (`undo=1`) take the tick back."""
    _may(request, id)
    undone = request.POST.get("undo") == "1"
    activities.finish(id, not undone, actor=actor(request))
    undo = None if undone else {"url": request.path, "target": "#tasks", "swap": "none", "values": {"undo": "1"}}
    return answer.done(_("Taken back") if undone else _("Done"), undo, tell=CHANGED)


@require_POST
@allow_records("task", "edit")
def later(request: HttpRequest, id: int) -> HttpResponse:
    """Put a task off to tomorrow or by a week (`to`), or back to the moment `at`."""
    _may(request, id)
    before = records.get("task", id).properties.get("at")
    to = request.POST.get("to", "")
    if to in LATER:
        base = datetime.fromisoformat(before).astimezone(config().zone) if before else clock.now().astimezone(config().zone)
        now = clock.now().astimezone(config().zone)
        day = (max(base, now) if to == "week" else now) + timedelta(days=LATER[to])
        at: Any = day.replace(hour=base.hour if before else DUE_HOUR, minute=base.minute if before else 0, second=0, microsecond=0)
    else:
        at = request.POST.get("at", "")
    activities.change("task", id, {"at": at}, actor=actor(request))
    undo = {"url": request.path, "target": "#tasks", "swap": "none", "values": {"at": before or ""}}
    return answer.done(_("Put off"), undo, tell=CHANGED)


def _may(request: HttpRequest, id: int) -> None:
    rights.of(user(request)).require("task", "edit", [records.get("task", id).owner_id])


def _due(day: str, time: str) -> Any:
    """The moment of a day and an hour as typed; "" for no day. Raises Invalid at `properties.at`."""
    if not day:
        return ""
    try:
        return datetime.fromisoformat(f"{day}T{time or f'{DUE_HOUR:02}:00'}").replace(tzinfo=config().zone)
    except ValueError:
        raise Invalid.one("properties.at", "INVALID_DATE", _("{value} is not a date and time.").format(value=f"{day} {time}".strip())) from None
