"""A new list, or another name or filter for one: the editor, and who would join or leave."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.accounts import rights
from baton.crm import types
from baton.platform.errors import Conflict, Invalid
from baton.segments import finder, list_presets, preview, verbs
from baton.segments.finder import Find
from baton.segments.models import Segment

from ..answer import go
from ..page import Page, actor, allow, user
from ..parts import filter_editor, people
from ..parts import table as tables
from ..parts.people import colleagues
from .lists import one

QUICK = 700  # milliseconds for who would join or leave, as long as nobody asks for it


class ListsEdit(Page):
    key = "lists-edit"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("lists/new/", new), path("lists/<int:pk>/edit/", edit), path("lists/effect/", effect)]


@allow("segments", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """GET: an empty form, a preset (`?preset=`), or the filter of a table (`?f=`). POST: the list is made, and its page opens."""
    if request.method == "POST":
        return _save(request, None)
    given: dict[str, Any] = {"kind": "active"}
    key = request.GET.get("preset", "")
    if (stored := list_presets.stored(key)) is not None:
        preset = list_presets.PRESETS[key]
        given |= {
            "name": _(preset.name),
            "description": _(preset.why),
            "filter": stored,
            "role": preset.role,
            "preset": key,
            "hint": preset.hint and _(preset.hint),
        }
    elif "f" in request.GET or "view" in request.GET:
        table = tables.read(request, types.get("contact"), colleagues())
        given |= {"filter": table.stored, "name": table.view.name if table.view and not table.changed else ""}
    return _form(request, None, given)


@allow("segments", "edit")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the form. POST: saved; the members follow."""
    segment = one(pk)
    if request.method == "POST":
        return _save(request, segment)
    return _form(request, segment, {name: getattr(segment, name) for name in ("name", "description", "kind", "role", "filter", "preset")})


def _form(request: HttpRequest, segment: Segment | None, given: dict[str, Any], problems: Invalid | None = None) -> HttpResponse:
    errors = {p.path: p.message for p in reversed(problems.problems)} if problems else None
    context = {
        "list": segment,
        "given": given,
        "errors": errors or {},
        "presets": [] if segment else list_presets.offered(),
        "fixed": segment is not None and segment.kind == "fixed",
        **filter_editor.editor(request, given.get("filter") or {}, errors=errors),
    }
    return render(request, "lists/form.html" if problems or request.method == "POST" else "lists/edit.html", context, status=422 if problems else 200)


def _save(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    given = {name: request.POST.get(name, "").strip() for name in ("name", "description", "kind", "role", "preset")}
    stored = filter_editor.read(request.POST)
    try:
        if segment is None:
            preset = given["preset"] if given["preset"] in list_presets.PRESETS else ""
            made = verbs.create_segment(
                given["name"], stored, given["kind"] or "active", actor(request), description=given["description"], role=given["role"], preset=preset
            )
        else:
            changed = {} if segment.kind == "fixed" else {"filter": stored}
            made = verbs.update_segment(segment, name=given["name"], description=given["description"], role=given["role"], **changed, actor=actor(request))
    except Invalid as error:
        return _form(request, segment, {**given, "filter": stored}, error)
    return go(f"/lists/{made.pk}/")


@require_POST
@allow("segments", "edit")
def effect(request: HttpRequest) -> HttpResponse:
    """Who would join and leave with the filter of the form: of list `?id=`, or a new one. Unasked it gives up soon, and offers to count."""
    held = rights.of(user(request))
    number = request.GET.get("id", "")
    segment = Segment.objects.filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 19 else None
    context: dict[str, Any] = {"list": segment}
    try:
        found = preview.effect(segment, filter_editor.read(request.POST), patience=preview.PATIENCE if request.GET.get("count") else QUICK)
    except Invalid:
        return render(request, "lists/effect.html", context)
    except Conflict as error:
        return render(request, "lists/effect.html", {**context, "slow": True, "fault": str(error) if request.GET.get("count") else ""})
    seen = finder.matching(Find("contact", rights=held), [*found.some_joining, *found.some_leaving])
    named = people.named(seen)
    context |= {
        "found": found,
        "joining": [named[id] for id in found.some_joining if id in named],
        "leaving": [named[id] for id in found.some_leaving if id in named],
    }
    return render(request, "lists/effect.html", context)
