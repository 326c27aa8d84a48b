"""Settings: the colleagues who may sign in, with role and team; invitations."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import authority, invitations, permissions, roles, users
from baton.accounts.models import Role, Team, User
from baton.platform.errors import Conflict, Forbidden, Invalid

from ..answer import done, faults, go, toast
from ..page import actor, allow, user
from ..settings_page import SettingsPage

NEW = ("email", "name", "role", "team", "language")


class UserSettings(SettingsPage):
    key = "settings_users"
    slug = "users"
    label = gettext_lazy("Users")
    about = gettext_lazy("Who may sign in, with which role and in which team.")
    glyph = "users-round"
    section = "people"
    order = 10
    area = "users"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/users/", page),
            path("settings/users/new/", new),
            path("settings/users/<int:user_id>/", one),
            path("settings/users/<int:user_id>/invitation/", invitation),
            path("settings/users/<int:user_id>/password/", password),
            path("settings/users/<int:user_id>/active/", active),
        ]

    @classmethod
    def fact(cls) -> str:
        n = User.objects.filter(is_active=True).count()
        return ngettext("%(n)d user", "%(n)d users", n) % {"n": n}


@allow("users", "view")
def page(request: HttpRequest) -> HttpResponse:
    """Everybody: who may sign in first, then the deactivated."""
    people = User.objects.select_related("team").order_by("-is_active", "name", "pk")
    return render(request, "settings/users.html", {**_choices(request), "people": people, "label": UserSettings.label})


@allow("users", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """The form of an invitation; sent, it says where the link is. 422 with the faults under their fields."""
    values = {name: request.POST.get(name, "") for name in NEW}
    errors: dict[str, str] = {}
    if request.method != "POST":
        values["role"] = Role.VIEWER  # nobody becomes an administrator because a choice was overlooked
    else:
        try:
            team = _team(values["team"])
            made = users.create(values["email"], values["name"], None, values["role"], actor=actor(request), team=team, language=values["language"])
        except Invalid as error:
            errors = faults(error)
        except Conflict as error:
            errors = {"email": str(error)}
        except Forbidden as error:
            errors = {"role": str(error)}
        else:
            link, sent = invitations.send(made.pk, actor=actor(request))
            return render(request, "settings/user_invited.html", {"person": made, "link": link, "sent": sent})
    context = {**_choices(request), "values": values, "errors": errors, "first": next(iter(errors), "email")}
    return render(request, "settings/user_new.html", context, status=422 if errors else 200)


@allow("users", "view")
def one(request: HttpRequest, user_id: int) -> HttpResponse:
    """One user; POST saves name, address, role, team and language together."""
    person = users.get(user_id)
    values: dict[str, Any] = {"name": person.name, "email": person.email, "role": person.role, "team": str(person.team_id or ""), "language": person.language}
    errors: dict[str, str] = {}
    if request.method == "POST":
        permissions.require(request.user, "users", "edit")
        values = {name: request.POST.get(name, "") for name in values}
        errors = _save(request, person, values)
        person = users.get(user_id)
    context = {**_choices(request), "person": person, "values": values, "errors": errors, "label": UserSettings.label, "itself": person.pk == user(request).pk}
    context["may_edit"] = context["may_edit"] and _may_manage(request, person)
    if request.method != "POST":
        return render(request, "settings/user.html", context)
    response = render(request, "settings/user_form.html", context, status=422 if errors else 200)
    return response if errors else toast(response, _("Saved"))


def _save(request: HttpRequest, person: User, values: dict[str, Any]) -> dict[str, str]:
    """All or nothing; what was refused, by field."""
    place = "name"
    try:
        with transaction.atomic():
            team = _team(values["team"])
            users.update(person.pk, name=values["name"], email=values["email"], language=values["language"], actor=actor(request))
            place = "role"
            users.set_role(person.pk, values["role"], actor=actor(request))
            place = "team"
            users.set_team(person.pk, team.pk if team else None, actor=actor(request))
    except Invalid as error:
        return faults(error)
    except Conflict as error:
        return {"email" if error.existing_id else place: str(error)}
    except Forbidden as error:
        return {place: str(error)}
    return {}


@require_POST
@allow("users", "edit")
def invitation(request: HttpRequest, user_id: int) -> HttpResponse:
    """Send it again, and show the link."""
    link, sent = invitations.send(user_id, actor=actor(request))
    return render(request, "settings/user_invited.html", {"person": users.get(user_id), "link": link, "sent": sent})


@require_POST
@allow("users", "edit")
def password(request: HttpRequest, user_id: int) -> HttpResponse:
    """Set a password for somebody; his sessions end."""
    person = users.get(user_id)
    try:
        users.set_password(person, request.POST.get("password", ""), actor=actor(request))
    except Invalid as error:
        return render(request, "settings/user_password.html", {"person": person, "errors": faults(error), "may_edit": True}, status=422)
    return toast(render(request, "settings/user_password.html", {"person": person, "errors": {}, "may_edit": True}), _("The password is set."))


@require_POST
@allow("users", "edit")
def active(request: HttpRequest, user_id: int) -> HttpResponse:
    """Let a user sign in (`active=1`), or no longer; the toast takes it back."""
    wanted = request.POST.get("active") == "1"
    try:
        users.set_active(user_id, wanted, actor=actor(request))
    except (Conflict, Forbidden) as error:
        return done(str(error))
    if request.POST.get("stay"):
        return go(f"/settings/users/{user_id}/")
    person = users.get(user_id)
    text = (_("{name} may sign in again.") if wanted else _("{name} may no longer sign in.")).format(name=person.name)
    undo = {"url": f"/settings/users/{user_id}/active/", "target": "#user-state", "values": {"active": "" if wanted else "1"}}
    context = {"person": person, "may_edit": True, "itself": person.pk == user(request).pk}
    return toast(render(request, "settings/user_state.html", context), text, undo)


def _choices(request: HttpRequest) -> dict[str, Any]:
    return {
        "roles": roles.names(),
        "teams": Team.objects.order_by("name", "pk"),
        "may_edit": permissions.can(request.user, "users", "edit"),
    }


def _team(value: str) -> Team | None:
    """Raises Invalid (`team`)."""
    if not value:
        return None
    found = Team.objects.filter(pk=int(value)).first() if value.isascii() and value.isdigit() and len(value) < 18 else None
    if found is None:
        raise Invalid.one("team", "INVALID_OPTION", _("There is no such team."))
    return found


def _may_manage(request: HttpRequest, person: User) -> bool:
    try:
        authority.may_manage(actor(request), person)
    except Forbidden:
        return False
    return True
