"""Settings: the pipelines of deals, tickets and objects of one's own; their stages with probability, needs and time limits."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.crm import pipelines, properties, types
from baton.crm.models import ObjectType, Pipeline
from baton.platform.errors import Conflict, Invalid, Problem

from ..answer import toast
from ..page import actor, allow
from ..settings_page import SettingsPage

NEW = "new"  # the key of the row at the end of a table
KINDS = {"open": gettext_lazy("In progress"), "won": gettext_lazy("Won"), "closed": gettext_lazy("Closed")}


class PipelineSettings(SettingsPage):
    key = "settings_pipelines"
    slug = "pipelines"
    label = gettext_lazy("Pipelines")
    about = gettext_lazy("The stages deals and tickets go through, and what each needs.")
    glyph = "square-kanban"
    section = "data"
    order = 20
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        of = "settings/pipelines/<str:object_type>/"
        return [
            path("settings/pipelines/", first),
            path(of, page),
            path(f"{of}new/", new),
            path(f"{of}<str:key>/", save),
            path(f"{of}<str:key>/archive/", archive),
            path(f"{of}<str:key>/<str:stage>/<str:verb>/", stage_verb),
        ]

    @classmethod
    def fact(cls) -> str:
        n = Pipeline.objects.filter(archived_at=None).count()
        return ngettext("%(n)d pipeline", "%(n)d pipelines", n) % {"n": n}


def _kinds() -> list[ObjectType]:
    return [kind for kind in types.all() if kind.stage_property]


@allow("settings", "view")
def first(request: HttpRequest) -> HttpResponse:
    return _shown(request, _kinds()[0], "settings/pipelines.html")


@allow("settings", "view")
def page(request: HttpRequest, object_type: str) -> HttpResponse:
    return _shown(request, types.get(object_type), "settings/pipelines.html")


def _shown(request: HttpRequest, kind: ObjectType, template: str, *, fault: str = "", faulty: str = "") -> HttpResponse:
    rows = [
        (
            pipeline,
            pipelines.label(pipeline),
            [
                {
                    "stage": stage, "label": pipelines.label(stage), "percent": round(stage.probability * 100),
                    "kind": "won" if stage.closed and stage.probability == 1 else "closed" if stage.closed else "open",
                }
                for stage in pipeline.stages_in_order  # type: ignore[attr-defined]  # set by pipelines.pipelines
            ],
        )
        for pipeline in pipelines.pipelines(kind.key)
    ]  # fmt: skip
    known = properties.definitions(kind.key)
    context = {
        "kind": kind, "kinds": [(one, types.label(one, plural=True)) for one in _kinds()], "pipelines": rows, "label": PipelineSettings.label,
        "kind_label": types.label(kind, plural=True), "deals": kind.key == "deal", "stage_kinds": KINDS.items(), "fault": fault, "faulty": faulty,
        "needs": [(d.name, properties.label(d)) for d in known.values() if not d.read_only and d.name not in ("pipeline", kind.stage_property)],
        "may_edit": permissions.can(request.user, "settings", "edit"),
    }  # fmt: skip
    return render(request, template, context, status=422 if fault else 200)


def _answer(request: HttpRequest, kind: ObjectType, text: str) -> HttpResponse:
    return toast(_shown(request, kind, "settings/pipelines_list.html"), text)


def _refused(request: HttpRequest, kind: ObjectType, error: Invalid | Conflict, key: str) -> HttpResponse:
    text = "; ".join(dict.fromkeys(problem.message for problem in error.problems)) if isinstance(error, Invalid) else str(error)
    return _shown(request, kind, "settings/pipelines_list.html", fault=text, faulty=key)


@require_POST
@allow("settings", "edit")
def new(request: HttpRequest, object_type: str) -> HttpResponse:
    """A new pipeline called `label`, with the stages of the first one to begin with."""
    kind = types.get(object_type)
    ways = pipelines.pipelines(object_type)
    model = ways[0].stages_in_order if ways else []  # type: ignore[attr-defined]  # set by pipelines.pipelines
    stages = [
        {"label": pipelines.label(stage), "probability": stage.probability, "closed": stage.closed, "hours": stage.hours, "required": stage.required}
        for stage in model
    ] or [{"label": _("New")}, {"label": _("Closed"), "closed": True}]
    try:
        pipelines.define(object_type, request.POST.get("label", ""), stages, actor=actor(request))
    except (Invalid, Conflict) as error:
        return _refused(request, kind, error, NEW)
    return _answer(request, kind, _("Pipeline added"))


@require_POST
@allow("settings", "edit")
def save(request: HttpRequest, object_type: str, key: str) -> HttpResponse:
    """A pipeline's name and all its stages: `label`, and for each stage `<key>.label`, `.percent`, `.kind`, `.hours`, `.required`; `new.*` adds one."""
    kind = types.get(object_type)
    given, who = request.POST, actor(request)
    try:
        with transaction.atomic():
            way = next((way for way in pipelines.pipelines(object_type) if way.key == key), None)
            if way is None or given.get("label", "").strip() != pipelines.label(way):
                pipelines.change(object_type, key, actor=who, label=given.get("label", ""))
            for stage in pipelines.stages(object_type).get(key, []):
                fields = _fields(request, stage.key, object_type)
                if fields.get("label") == pipelines.label(stage):
                    del fields["label"]  # what Baton brought stays translated
                changed = {name: value for name, value in fields.items() if getattr(stage, name) != value}
                if changed and f"{stage.key}.label" in given:
                    pipelines.change_stage(object_type, key, stage.key, actor=who, **changed)
            if given.get(f"{NEW}.label", "").strip():
                fields = _fields(request, NEW, object_type)
                pipelines.define_stage(object_type, key, fields.pop("label"), actor=who, **fields)
    except (Invalid, Conflict) as error:
        return _refused(request, kind, error, key)
    return _answer(request, kind, _("Saved"))


def _fields(request: HttpRequest, key: str, object_type: str) -> dict[str, Any]:
    """The fields of one stage. Raises Invalid."""
    given = request.POST
    kind = given.get(f"{key}.kind", "open")
    percent, hours = given.get(f"{key}.percent", "").strip(), given.get(f"{key}.hours", "").strip()
    problems = []
    if percent and (not (percent.isascii() and percent.isdigit()) or int(percent[:4]) > 100):
        problems.append(Problem("probability", "INVALID_NUMBER", _("A probability is a whole number from 0 to 100.")))
    if hours and not (hours.isascii() and hours.isdigit()):
        problems.append(Problem("hours", "INVALID_NUMBER", _("Hours are a whole number above 0.")))
    if problems:
        raise Invalid(problems)
    found: dict[str, Any] = {
        "label": given.get(f"{key}.label", "").strip(), "closed": kind != "open", "hours": int(hours[:7]) if hours else None,
        "required": given.getlist(f"{key}.required"),
    }  # fmt: skip
    if object_type == "deal":
        found["probability"] = 1.0 if kind == "won" else 0.0 if kind == "closed" else int(percent or 0) / 100
    return found


@require_POST
@allow("settings", "edit")
def archive(request: HttpRequest, object_type: str, key: str) -> HttpResponse:
    """Put a pipeline aside in which no record stands."""
    kind = types.get(object_type)
    try:
        pipelines.archive(object_type, key, actor=actor(request))
    except Conflict as error:
        return _refused(request, kind, error, key)
    return _answer(request, kind, _("Pipeline removed"))


@require_POST
@allow("settings", "edit")
def stage_verb(request: HttpRequest, object_type: str, key: str, stage: str, verb: str) -> HttpResponse:
    """Move a stage (`up`, `down`) or put it aside (`archive`)."""
    kind, who = types.get(object_type), actor(request)
    try:
        with transaction.atomic():
            if verb == "archive":
                pipelines.archive_stage(object_type, key, stage, actor=who)
            else:
                keys = [row.key for row in pipelines.stages(object_type).get(key, [])]
                if stage in keys and verb in ("up", "down"):
                    at = keys.index(stage)
                    keys.insert(max(at - 1, 0) if verb == "up" else at + 1, keys.pop(at))
                    for position, one in enumerate(keys):
                        pipelines.change_stage(object_type, key, one, actor=who, position=position)
    except Conflict as error:
        return _refused(request, kind, error, key)
    return _answer(request, kind, _("Saved"))
