"""Settings: the properties of every object type, by group; made, changed, put aside and taken back."""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.crm import properties, types
from baton.crm.models import ObjectType, PropertyDefinition
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import done, faults, go, toast
from ..page import actor, allow
from ..parts import property_form
from ..settings_page import SettingsPage


class PropertySettings(SettingsPage):
    key = "settings_properties"
    slug = "properties"
    label = gettext_lazy("Properties")
    about = gettext_lazy("What is known of contacts, companies, deals and everything else.")
    glyph = "list-checks"
    section = "data"
    order = 10
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        of = "settings/properties/<str:object_type>/"
        return [
            path("settings/properties/", first),
            path(of, page),
            path(f"{of}new/", new),
            path(f"{of}groups/", group),
            path(f"{of}groups/<str:name>/", change_group),
            path(f"{of}<str:name>/", change),
            path(f"{of}<str:name>/archive/", archive),
            path(f"{of}<str:name>/restore/", restore),
        ]

    @classmethod
    def fact(cls) -> str:
        n = PropertyDefinition.objects.filter(archived_at=None, builtin=False).count()
        return ngettext("%(n)d of your own", "%(n)d of your own", n) % {"n": n}


@allow("settings", "view")
def first(request: HttpRequest) -> HttpResponse:
    return _page(request, types.get("contact"), "settings/properties.html")


@allow("settings", "view")
def page(request: HttpRequest, object_type: str) -> HttpResponse:
    return _page(request, types.get(object_type), "settings/properties.html")


def _page(request: HttpRequest, kind: ObjectType, template: str, **more: object) -> HttpResponse:
    known = properties.definitions(kind.key)
    groups = properties.groups(kind.key)
    by_group: dict[str, list[dict[str, object]]] = {group.name: [] for group in groups}
    for definition in known.values():
        by_group.setdefault(definition.group, []).append(
            {"definition": definition, "label": properties.label(definition), "kind": property_form.kind_label(definition)}
        )
    archived = PropertyDefinition.objects.filter(object_type=kind.key).exclude(archived_at=None)
    context = {
        "kind": kind, "kinds": [(one, types.label(one, plural=True)) for one in types.all()], "label": PropertySettings.label,
        "groups": [(group, properties.group_label(group), by_group[group.name]) for group in groups],
        "archived": [(definition, properties.label(definition), property_form.kind_label(definition)) for definition in archived],
        "may_edit": permissions.can(request.user, "settings", "edit"), "kind_label": types.label(kind, plural=True), **more,
    }  # fmt: skip
    return render(request, template, context, status=422 if more.get("group_fault") else 200)


@allow("settings", "edit")
def new(request: HttpRequest, object_type: str) -> HttpResponse:
    """The form of a new property; saved, the page shows it. 422 with the faults under their fields."""
    kind = types.get(object_type)
    values: dict[str, object] = {"kind": "text", "form_field": True, "group": request.GET.get("group", "")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = {name: request.POST[name] for name in request.POST}
        values = dict(given)
        name = given.get("name", "").strip() or _name(given.get("label", ""), object_type)
        try:
            properties.define(object_type, name, actor=actor(request), **property_form.fields(given, None))
        except Invalid as error:
            problems = _faults(error)
        except Conflict as error:
            problems = {"name": str(error)}
        else:
            return go(f"/settings/properties/{object_type}/")
    return _form(request, kind, None, values, problems)


def _name(label: str, object_type: str) -> str:
    """An internal name from a label: Latin letters of it, else the next free number."""
    base = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    if not base:
        return "" if not label.strip() else f"own_{PropertyDefinition.objects.filter(object_type=object_type).count() + 1}"
    return base[:100] if base[0].isalpha() else f"p_{base}"[:100]


@allow("settings", "edit")
def change(request: HttpRequest, object_type: str, name: str) -> HttpResponse:
    """The form of a property there is."""
    kind = types.get(object_type)
    definition = properties.definitions(object_type).get(name)
    if definition is None:
        raise NotFound(_('Property "{name}" does not exist').format(name=name))
    values: dict[str, object] = {
        "kind": property_form.kind_of(definition), "label": properties.label(definition), "name": name, "description": definition.description,
        "group": definition.group, "required": definition.required, "hidden": definition.hidden, "form_field": definition.form_field,
        "indexed": definition.indexed, "unique_value": definition.unique_value, "formula": definition.formula,
        "options": property_form.options_text(definition),
    }  # fmt: skip
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = {name: request.POST[name] for name in request.POST}
        wanted = property_form.fields(given, definition)
        if wanted["label"] == properties.label(definition):
            del wanted["label"]  # what Baton brought stays translated
        values |= given
        try:
            properties.change(object_type, name, actor=actor(request), **wanted)
        except Invalid as error:
            problems = _faults(error)
        else:
            return go(f"/settings/properties/{object_type}/")
    return _form(request, kind, definition, values, problems)


def _faults(error: Invalid) -> dict[str, str]:
    """Faults by field; those of single options under `options`."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.path.partition(".")[0], problem.message)
    return found


def _form(request: HttpRequest, kind: ObjectType, definition: PropertyDefinition | None, values: dict[str, object], problems: dict[str, str]) -> HttpResponse:
    numbers = [d.name for d in properties.definitions(kind.key).values() if d.type == "number" and not d.formula]
    context = {
        "kind": kind, "definition": definition, "values": values, "errors": problems, "kinds": [(k.key, k.label) for k in property_form.KINDS],
        "groups": [(group.name, properties.group_label(group)) for group in properties.groups(kind.key)], "numbers": numbers,
        "kind_of_property": property_form.kind_label(definition) if definition else "",
        "has_options": definition is None or definition.type in ("choice", "multi_choice"), "calculated": definition is None or bool(definition.formula),
    }  # fmt: skip
    return render(request, "settings/property_form.html", context, status=422 if problems else 200)


@require_POST
@allow("settings", "edit")
def archive(request: HttpRequest, object_type: str, name: str) -> HttpResponse:
    """Put a property aside; the toast takes it back."""
    kind = types.get(object_type)
    try:
        properties.archive(object_type, name, actor=actor(request))
    except Conflict as error:
        return done(str(error))
    undo = {"url": f"/settings/properties/{object_type}/{name}/restore/", "target": "#properties", "swap": "innerHTML", "values": {}}
    return toast(_page(request, kind, "settings/properties_list.html"), _("Put aside. Its values are kept."), undo)


@require_POST
@allow("settings", "edit")
def restore(request: HttpRequest, object_type: str, name: str) -> HttpResponse:
    """Take a property back, with its values."""
    kind = types.get(object_type)
    properties.restore(object_type, name, actor=actor(request))
    return toast(_page(request, kind, "settings/properties_list.html"), _("Taken back"))


@require_POST
@allow("settings", "edit")
def group(request: HttpRequest, object_type: str) -> HttpResponse:
    """A new group with the label `label`."""
    kind = types.get(object_type)
    label = request.POST.get("label", "")
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    if not name or not name[0].isalpha():
        name = f"group_{len(properties.groups(object_type)) + 1}"
    try:
        properties.define_group(object_type, name, label, actor=actor(request))
    except (Invalid, Conflict) as error:
        fault = faults(error).get("label", str(error)) if isinstance(error, Invalid) else str(error)
        return _page(request, kind, "settings/properties_list.html", group_fault=fault)
    return toast(_page(request, kind, "settings/properties_list.html"), _("Group added"))


@require_POST
@allow("settings", "edit")
def change_group(request: HttpRequest, object_type: str, name: str) -> HttpResponse:
    """Rename a group (`label`), move it (`move`: -1 or 1), or put an empty one aside (`archive`)."""
    kind = types.get(object_type)
    who = actor(request)
    try:
        if "archive" in request.POST:
            properties.archive_group(object_type, name, actor=who)
        elif "move" in request.POST:
            _move(object_type, name, -1 if request.POST["move"] == "-1" else 1, request)
        else:
            properties.change_group(object_type, name, actor=who, label=request.POST.get("label", ""))
    except (Invalid, Conflict) as error:
        text = faults(error).get("label", str(error)) if isinstance(error, Invalid) else str(error)
        return _page(request, kind, "settings/properties_list.html", group_fault=text)
    return toast(_page(request, kind, "settings/properties_list.html"), _("Saved"))


def _move(object_type: str, name: str, by: int, request: HttpRequest) -> None:
    names = [group.name for group in properties.groups(object_type)]
    if name not in names:
        raise NotFound(_("There is no such group."))
    at = names.index(name)
    to = min(max(at + by, 0), len(names) - 1)
    names.insert(to, names.pop(at))
    for position, one in enumerate(names):
        properties.change_group(object_type, one, actor=actor(request), position=position)
