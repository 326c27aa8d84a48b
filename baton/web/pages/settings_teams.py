"""Settings: teams and who is in them."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions, teams
from baton.accounts.models import Team, User
from baton.platform.errors import Conflict, Forbidden, Invalid

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage


class TeamSettings(SettingsPage):
    key = "settings_teams"
    slug = "teams"
    label = gettext_lazy("Teams")
    about = gettext_lazy("Who works together: a role can open the records of the team.")
    glyph = "network"
    section = "people"
    order = 20
    area = "users"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/teams/", page),
            path("settings/teams/new/", new),
            path("settings/teams/<int:team_id>/", change),
            path("settings/teams/<int:team_id>/delete/", delete),
        ]

    @classmethod
    def fact(cls) -> str:
        n = Team.objects.count()
        return ngettext("%(n)d team", "%(n)d teams", n) % {"n": n}


@allow("users", "view")
def page(request: HttpRequest) -> HttpResponse:
    return _shown(request, "settings/teams.html")


@require_POST
@allow("users", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """A new team, with the members named by `member`."""
    try:
        with transaction.atomic():
            made = teams.create(request.POST.get("name", ""), actor=actor(request))
            teams.set_members(made, _members(request), actor=actor(request))
    except (Invalid, Conflict) as error:
        fault = faults(error).get("name", "") if isinstance(error, Invalid) else str(error)
        return _shown(request, "settings/teams_list.html", status=422, fault=fault, typed=request.POST.get("name", ""))
    return toast(_shown(request, "settings/teams_list.html"), _("The team is there."))


@require_POST
@allow("users", "edit")
def change(request: HttpRequest, team_id: int) -> HttpResponse:
    """Name and members of a team."""
    try:
        with transaction.atomic():
            teams.rename(team_id, request.POST.get("name", ""), actor=actor(request))
            teams.set_members(team_id, _members(request), actor=actor(request))
    except (Invalid, Conflict, Forbidden) as error:
        fault = faults(error).get("name", "") if isinstance(error, Invalid) else str(error)
        return _shown(request, "settings/teams_list.html", status=422, faulty=team_id, fault=fault)
    return toast(_shown(request, "settings/teams_list.html"), _("Saved"))


@require_POST
@allow("users", "edit")
def delete(request: HttpRequest, team_id: int) -> HttpResponse:
    """The toast makes a team with the same name and members again."""
    name, members = teams.get(team_id)
    teams.delete(team_id, actor=actor(request))
    values = {"name": name, "member": ",".join(str(member) for member in members)}
    undo = {"url": "/settings/teams/new/", "target": "#teams", "values": values}
    return toast(_shown(request, "settings/teams_list.html"), _("The team {name} is gone.").format(name=name), undo)


def _shown(request: HttpRequest, template: str, *, status: int = 200, faulty: int = 0, fault: str = "", typed: str = "") -> HttpResponse:
    context = {
        "teams": teams.all(), "people": User.objects.select_related("team").order_by("name", "pk"), "label": TeamSettings.label,
        "may_edit": permissions.can(request.user, "users", "edit"), "faulty": faulty, "fault": fault, "typed": typed,
    }  # fmt: skip
    return render(request, template, context, status=status)


def _members(request: HttpRequest) -> list[int]:
    sent = [part for value in request.POST.getlist("member") for part in value.split(",")]
    return [int(part) for part in sent if part.isascii() and part.isdigit() and len(part) < 18]
