"""Settings: object types. Those every Baton has, and a company's own: made, changed and put aside without code."""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.crm import properties, types
from baton.crm.models import ObjectType
from baton.platform.errors import Conflict, Invalid

from ..answer import done, faults, go, toast
from ..page import actor, allow
from ..parts.address import table_url
from ..settings_page import SettingsPage

ICONS = ("box", "package", "file-text", "building-2", "calendar", "graduation-cap", "laptop", "truck", "shield-check", "key-round", "map-pin", "layers")


class ObjectSettings(SettingsPage):
    key = "settings_objects"
    slug = "objects"
    label = gettext_lazy("Object types")
    about = gettext_lazy("Contacts, companies, deals … and what your company needs beside them: contracts, devices, courses.")
    glyph = "boxes"
    section = "data"
    order = 30
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/objects/", page),
            path("settings/objects/new/", new),
            path("settings/objects/<str:key>/", change),
            path("settings/objects/<str:key>/archive/", archive),
        ]

    @classmethod
    def fact(cls) -> str:
        n = ObjectType.objects.filter(builtin=False, archived_at=None).count()
        return ngettext("%(n)d of your own", "%(n)d of your own", n) % {"n": n}


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    return _shown(request, "settings/objects.html")


def _shown(request: HttpRequest, template: str) -> HttpResponse:
    rows = [(kind, types.label(kind, plural=True), table_url(kind.key), len(properties.definitions(kind.key))) for kind in types.all()]
    context = {"rows": rows, "label": ObjectSettings.label, "may_edit": permissions.can(request.user, "settings", "edit")}
    return render(request, template, context)


@allow("settings", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new object type; saved, its properties are next."""
    values: dict[str, object] = {"icon": "box"}
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = request.POST
        values = {name: given[name] for name in given}
        label = given.get("label", "").strip()
        key = given.get("key", "").strip() or re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
        if label and not re.match(r"[a-z]", key):
            key = f"object_{ObjectType.objects.filter(builtin=False).count() + 1}"
        try:
            made = types.define(
                key, label, given.get("label_plural", "").strip() or label, actor=actor(request), pipelines="pipelines" in given,
                description=given.get("description", "").strip(), icon=given["icon"] if given.get("icon") in ICONS else "box",
            )  # fmt: skip
        except Invalid as error:
            problems = faults(error)
        except Conflict as error:
            problems = {"key": str(error)}
        else:
            return go(f"/settings/properties/{made.key}/")
    context = {"kind": None, "values": values, "errors": problems, "icons": ICONS}
    return render(request, "settings/object_form.html", context, status=422 if problems else 200)


@allow("settings", "edit")
def change(request: HttpRequest, key: str) -> HttpResponse:
    """The form of an object type there is: its names, and which properties name it and find it."""
    kind = types.get(key)
    known = properties.definitions(key)
    texts = [(name, properties.label(d)) for name, d in known.items() if d.type in ("text", "email", "phone", "url")]
    values: dict[str, object] = {
        "label": types.label(kind), "label_plural": types.label(kind, plural=True), "description": kind.description, "icon": kind.icon,
        "primary_property": kind.primary_property, "searchable": kind.searchable, "secondary_properties": kind.secondary_properties,
    }  # fmt: skip
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = request.POST
        wanted: dict[str, object] = {
            "description": given.get("description", "").strip(), "secondary_properties": given.getlist("secondary_properties")[:5],
            "searchable": given.getlist("searchable")[:20],
        }  # fmt: skip
        if not kind.builtin:
            wanted |= {name: given.get(name, "").strip() for name in ("label", "label_plural", "primary_property")}
            wanted["icon"] = given.get("icon") if given.get("icon") in ICONS else "box"
            for name in ("label", "label_plural"):
                if not wanted[name]:
                    problems[name] = _("A label is required.")
        values |= wanted
        if not problems:
            try:
                types.change(key, actor=actor(request), **wanted)
            except Invalid as error:
                problems = faults(error)
            else:
                return go("/settings/objects/")
    context = {
        "kind": kind, "values": values, "errors": problems, "icons": ICONS, "texts": texts,
        "all": [(name, properties.label(d)) for name, d in known.items()],
    }  # fmt: skip
    return render(request, "settings/object_form.html", context, status=422 if problems else 200)


@require_POST
@allow("settings", "edit")
def archive(request: HttpRequest, key: str) -> HttpResponse:
    """Put a type of one's own aside, when it has no records."""
    try:
        types.archive(key, actor=actor(request))
    except Conflict as error:
        return done(str(error))
    return toast(_shown(request, "settings/objects_list.html"), _("Put aside"))
