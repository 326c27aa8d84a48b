"""Settings: what each role may do, as a matrix of objects and actions."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import authority, permissions, roles
from baton.accounts.rights import Rights
from baton.accounts.roles import Shown
from baton.platform.errors import Conflict, Forbidden, Invalid

from ..answer import done, faults, go, toast
from ..page import actor, allow
from ..parts import role_matrix
from ..settings_page import SettingsPage


class RoleSettings(SettingsPage):
    key = "settings_roles"
    slug = "roles"
    label = gettext_lazy("Roles")
    about = gettext_lazy("What users may see and do: object by object, own records, the team's or all.")
    glyph = "shield-check"
    section = "people"
    order = 30
    area = "users"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/roles/", page),
            path("settings/roles/new/", new),
            path("settings/roles/<slug:role>/", one),
            path("settings/roles/<slug:role>/matrix/", matrix),
            path("settings/roles/<slug:role>/reset/", reset),
            path("settings/roles/<slug:role>/delete/", delete),
        ]

    @classmethod
    def fact(cls) -> str:
        n = len(roles.names())
        return ngettext("%(n)d role", "%(n)d roles", n) % {"n": n}


@allow("users", "view")
def page(request: HttpRequest) -> HttpResponse:
    context = {"roles": roles.all(), "label": RoleSettings.label, "may_edit": permissions.can(request.user, "users", "edit")}
    return render(request, "settings/roles.html", context)


@allow("users", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """A copy of another role, under a name of its own."""
    name, copy_of, errors = request.POST.get("name", ""), request.POST.get("copy_of", request.GET.get("copy_of", "viewer")), {}
    if request.method == "POST":
        try:
            made = roles.create(name, copy_of=copy_of, actor=actor(request))
        except Invalid as error:
            errors = faults(error)
        except Forbidden as error:
            errors = {"copy_of": str(error)}
        else:
            return go(f"/settings/roles/{made}/")
    context = {"names": roles.names(), "name": name, "copy_of": copy_of, "errors": errors}
    return render(request, "settings/role_new.html", context, status=422 if errors else 200)


@allow("users", "view")
def one(request: HttpRequest, role: str) -> HttpResponse:
    """One role; POST saves name, rights and areas."""
    found = roles.get(role)
    if request.method != "POST":
        return render(request, "settings/role.html", _context(request, found, found.rights, found.areas, str(found.name)))
    permissions.require(request.user, "users", "edit")
    rights, areas = role_matrix.sent(request.POST)
    name = request.POST.get("name", "")
    try:
        roles.change(role, name=name, rights=rights, areas=areas, actor=actor(request))
    except Invalid as error:
        context = _context(request, found, rights, areas, name)
        return render(request, "settings/role_form.html", {**context, "errors": faults(error)}, status=422)
    except (Conflict, Forbidden) as error:
        return done(str(error))
    found = roles.get(role)
    return toast(render(request, "settings/role_form.html", _context(request, found, found.rights, found.areas, str(found.name))), _("Saved"))


@require_POST
@allow("users", "edit")
def matrix(request: HttpRequest, role: str) -> HttpResponse:
    """The form as it is on the page, with a row more (`add`) or less (`drop`); nothing is saved."""
    rights, areas = role_matrix.sent(request.POST)
    return render(request, "settings/role_form.html", _context(request, roles.get(role), rights, areas, request.POST.get("name", "")))


@require_POST
@allow("users", "edit")
def reset(request: HttpRequest, role: str) -> HttpResponse:
    """A built-in role as Baton brings it."""
    try:
        roles.reset(role, actor=actor(request))
    except (Conflict, Forbidden) as error:
        return done(str(error))
    return go(f"/settings/roles/{role}/")


@require_POST
@allow("users", "edit")
def delete(request: HttpRequest, role: str) -> HttpResponse:
    try:
        roles.delete(role, actor=actor(request))
    except (Conflict, Forbidden) as error:
        return done(str(error))
    return go("/settings/roles/")


def _context(request: HttpRequest, role: Shown, rights: dict[str, dict[str, str]], areas: dict[str, str], name: str) -> dict[str, Any]:
    may_edit = permissions.can(request.user, "users", "edit") and not role.fixed and _may_change(request, role)
    rows = role_matrix.rows(rights)
    return {
        "role": role, "name": name, "rows": rows, "actions": [cell.label for cell in rows[0].cells], "areas": role_matrix.areas(areas),
        "addable": role_matrix.addable(rights), "may_edit": may_edit, "may_copy": permissions.can(request.user, "users", "edit"), "label": RoleSettings.label,
    }  # fmt: skip


def _may_change(request: HttpRequest, role: Shown) -> bool:
    try:
        authority.may_define(actor(request), Rights(role.rights, role.areas))
    except Forbidden:
        return False
    return True
