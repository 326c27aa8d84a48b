"""What the editor of filters asks while somebody uses it: itself after a change, and how many a filter finds."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.accounts import rights
from baton.crm import types
from baton.platform.errors import Forbidden, Invalid
from baton.segments import list_presets, preview

from ..page import Page, actor, allow, user
from ..parts import filter_editor


class FilterEditor(Page):
    key = "filter-editor"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("filter-editor/", edit), path("filter-editor/count/", count)]


@require_POST
@allow()
def edit(request: HttpRequest) -> HttpResponse:
    """The editor after a change or a button; nothing is saved."""
    name, kind = _asked(request)
    asked = str(request.POST.get(f"{name}!", ""))
    if asked.startswith("exclude|") and asked.endswith("|block"):  # the list is made when it is first wanted
        asked = asked.removesuffix("block") + str(list_presets.exclusions(actor(request)).pk) if _may_exclude(request) else ""
    given = request.POST.copy()
    given[f"{name}!"] = asked
    tree = filter_editor.tree(given, name, kind)
    context = filter_editor.editor(request, tree, name, kind, count=bool(request.GET.get("count")), focus=filter_editor.focus_of(asked, tree))
    return render(request, "parts/filter_editor_inside.html", context)


@require_POST
@allow()
def count(request: HttpRequest) -> HttpResponse:
    """How many records that the reader may see the filter finds: exact when it is quickly counted, else about."""
    name, kind = _asked(request)
    held = rights.of(user(request))
    if not held.may(kind, "view"):
        raise Forbidden(rights.refusal())
    try:
        found = preview.live(filter_editor.read(request.POST, name, kind), kind, held)
    except Invalid:
        return HttpResponse("")
    return render(request, "parts/filter_count.html", {"found": found, "kind": kind})


def _may_exclude(request: HttpRequest) -> bool:
    from baton.accounts import permissions

    return permissions.can(request.user, "segments", "edit")


def _asked(request: HttpRequest) -> tuple[str, str]:
    name, kind = request.GET.get("name", "filter"), request.GET.get("type", "contact")
    if not name.isidentifier() or kind not in types.known():
        raise Invalid.one("name", "INVALID_VALUE", _("This value cannot be used."))
    return name, kind
