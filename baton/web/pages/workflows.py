"""The list of workflows, and a new one: empty, or from a template."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.automation import gallery, verbs
from baton.automation.models import Tally, Workflow
from baton.crm import types
from baton.platform.errors import Invalid, NotFound
from baton.web.answer import done, faults, go, targets
from baton.web.page import Page, actor, allow

SIZE = 50  # workflows of a page
STATES = (
    ("", gettext_lazy("All")),
    ("on", pgettext_lazy("workflow", "On")),
    ("paused", gettext_lazy("Paused")),
    ("draft", gettext_lazy("Draft")),
    ("archived", gettext_lazy("Archived")),
)
ICONS = {"contact": "user", "company": "building-2", "deal": "handshake", "ticket": "ticket"}


class Workflows(Page):
    key = "workflows"
    label = gettext_lazy("Workflows")
    icon = "workflow"
    group = "automation"
    order = 10
    area = "workflows"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/", show), path("workflows/new/", create), path("workflows/<int:pk>/double/", double), path("workflows/<int:pk>/aside/", aside)]


@dataclass(frozen=True, slots=True)
class Row:
    """A workflow with its numbers."""

    workflow: Workflow
    kind: str
    icon: str
    owner: str
    enrolled: int
    active: int
    goal: int
    failed: int


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest) -> HttpResponse:
    """A page of the workflows with their numbers, found by `?q=`, a state or an object type; only the rows when a part asks for them."""
    q, state, page = request.GET.get("q", "").strip(), request.GET.get("state", ""), request.GET.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 6 else 1
    found = _found(q, state)
    some = list(found[(number - 1) * SIZE : number * SIZE + 1])
    context = {
        "rows": _rows(some[:SIZE]), "q": q, "state": state, "states": STATES, "count": found.count(),
        "following": number + 1 if len(some) > SIZE else 0, "before": number - 1,
        "may_edit": permissions.can(request.user, "workflows", "edit"), "narrowed": bool(q or state),
    }  # fmt: skip
    if targets(request, "workflow-rows"):
        return render(request, "workflows/list_rows.html", context)
    return render(request, "workflows/list.html", context | _new())


def _found(q: str, state: str) -> QuerySet[Workflow]:
    found = Workflow.objects.select_related("published").defer("draft").order_by("name", "pk").filter(archived_at__isnull=state != "archived")
    if state in ("on", "paused", "draft"):
        found = found.filter(state=state)
    return found.filter(Q(name__icontains=q) | Q(description__icontains=q)) if q else found


def _rows(found: list[Workflow]) -> list[Row]:
    numbers: dict[int, dict[str, int]] = {w.pk: {} for w in found}
    counted = Tally.objects.filter(workflow_id__in=numbers, step="").values_list("workflow_id", "outcome").annotate(Sum("n")).order_by()
    for pk, outcome, n in counted:
        numbers[pk][outcome] = n
    owners = dict(User.objects.filter(pk__in={w.owner_id for w in found}).values_list("pk", "name"))
    names = {kind.key: types.label(kind, plural=True) for kind in types.all(activities=False)}
    return [
        Row(
            w, names.get(w.object_type, w.object_type), ICONS.get(w.object_type, "shapes"), owners.get(w.owner_id or 0, ""),
            sum(n.values()), n.get("active", 0), n.get("goal", 0), n.get("failed", 0),
        )
        for w in found for n in [numbers[w.pk]]
    ]  # fmt: skip


# A new one ---------------------------------------------------------------------


def _new() -> dict[str, Any]:
    """What a new workflow can begin with, and whom it may lead."""
    kinds = [kind for kind in types.all(activities=False) if kind.key != "line_item"]
    return {
        "templates": _templates(),
        "kinds": [(kind.key, types.label(kind, plural=True)) for kind in kinds],
        "object_type": "contact",
        "name": "",
        "template": "",
    }


def _templates() -> list[dict[str, str]]:
    language = str(get_language())
    return [{"key": t.key, "name": t.name(language), "description": t.description(language), "object_type": t.object_type} for t in gallery.all()]


@require_POST
@allow("workflows", "edit")
def create(request: HttpRequest) -> HttpResponse:
    """A workflow of this name for this object type, empty or from a template; its page opens."""
    name, template, kind = (request.POST.get(field, "") for field in ("name", "template", "object_type"))
    try:
        if template:
            workflow = gallery.make(template, actor(request), str(get_language()))
            if name.strip():
                verbs.rename(workflow, name, actor(request))
        else:
            workflow = verbs.create(name, actor(request), object_type=kind or "contact")
    except Invalid as error:
        context = _new() | {"name": name, "template": template, "object_type": kind, "errors": faults(error)}
        return render(request, "workflows/new.html", context, status=422)
    return go(f"/workflows/{workflow.pk}/")


def _workflow(pk: int) -> Workflow:
    found = Workflow.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("This workflow does not exist any more."))
    return found


@require_POST
@allow("workflows", "edit")
def double(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as a new draft; its page opens."""
    workflow = _workflow(pk)
    return go(f"/workflows/{verbs.clone(workflow, _('{name} (copy)').format(name=workflow.name), actor(request)).pk}/")


@require_POST
@allow("workflows", "edit")
def aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Put it aside, or take it back; the message takes either back."""
    workflow = _workflow(pk)
    back = request.POST.get("back") == "1"
    if back:
        verbs.restore(workflow, actor(request))
    else:
        verbs.archive(workflow, actor(request))
    undo = {"url": f"/workflows/{pk}/aside/", "target": "body", "swap": "none", "values": {"back": "" if back else "1"}}
    return done(_("Restored") if back else _("Archived; those inside stay where they are"), undo, tell="workflows-changed")
