"""Settings: the user's own name, language and password. Everybody may change these for himself."""

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from baton.accounts import roles, users
from baton.platform.errors import Invalid

from ..answer import faults, go, toast
from ..page import actor, allow, user
from ..settings_page import SettingsPage


class MySettings(SettingsPage):
    key = "settings_me"
    slug = "me"
    label = gettext_lazy("My profile")
    about = gettext_lazy("Your name, language and password.")
    glyph = "circle-user-round"
    section = "you"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/me/", page), path("settings/me/password/", password)]


@allow()
def page(request: HttpRequest) -> HttpResponse:
    """The page; POST saves name and language."""
    me = user(request)
    values = {"name": me.name, "language": me.language}
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {"name": request.POST.get("name", ""), "language": request.POST.get("language", "")}
        try:
            users.update(me.pk, actor=actor(request), **values)
        except Invalid as error:
            errors = faults(error)
        else:
            if values["language"] != me.language:
                return go("/settings/me/")
    context = {"me": me, "values": values, "errors": errors, "label": MySettings.label, "role": roles.name(me.role)}
    if request.method != "POST":
        return render(request, "settings/me.html", context)
    response = render(request, "settings/me_form.html", context, status=422 if errors else 200)
    return response if errors else toast(response, _("Saved"))


@require_POST
@allow()
def password(request: HttpRequest) -> HttpResponse:
    """A new password, for who knows the present one. Other sessions end; this one goes on."""
    me = user(request)
    present, wanted, again = (request.POST.get(name, "") for name in ("present", "password", "again"))
    errors = {}
    if not me.check_password(present):
        errors = {"present": _("This is not your present password.")}
    elif wanted != again:
        errors = {"again": _("The two do not match.")}
    else:
        try:
            users.set_password(me, wanted, actor=actor(request))
        except Invalid as error:
            errors = faults(error)
    if errors:
        return render(request, "settings/me_password.html", {"errors": errors}, status=422)
    update_session_auth_hash(request, me)
    return toast(render(request, "settings/me_password.html", {"errors": {}}), _("Your password is changed. Other devices must sign in again."))
