"""Settings: the hand-over to sales. Who is told what, when a verdict is overdue, and from how many visits a lost company is news."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts import permissions
from baton.platform.errors import Invalid
from baton.segments import handover

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage

SWITCHES = ("alert", "mail")


class HandoverSettings(SettingsPage):
    key = "settings_handover"
    slug = "handover"
    label = gettext_lazy("Hand-over to sales")
    about = gettext_lazy("Alerts about new SQLs, reminders of verdicts, lost companies that are back.")
    glyph = "gavel"
    section = "data"
    order = 60
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/handover/", page)]


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    """The page; POST saves and answers the form. 422 with the faults under their fields."""
    found = handover.settings()
    values = {name: getattr(found, name) for name in (*SWITCHES, *handover.BOUNDS)}
    errors: dict[str, str] = {}
    if request.method == "POST":
        permissions.require(request.user, "settings", "edit")
        given = {name: name in request.POST for name in SWITCHES} | {name: request.POST.get(name, "").strip() for name in handover.BOUNDS}
        try:
            whole = {name: int(v) if isinstance(v, str) and v.isascii() and v.isdecimal() and len(v) < 9 else v for name, v in given.items()}
            handover.change(whole, actor=actor(request))
        except Invalid as error:
            errors = faults(error)
        values = given
    context = {"values": values, "errors": errors, "may_edit": permissions.can(request.user, "settings", "edit"), "label": HandoverSettings.label}
    if request.method != "POST":
        return render(request, "settings/handover.html", context)
    response = render(request, "settings/handover_form.html", context, status=422 if errors else 200)
    return response if errors else toast(response, _("Saved"))
