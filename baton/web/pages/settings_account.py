"""Settings: the company that runs this Baton, as mails and programs see it."""

from babel.numbers import get_currency_name
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from baton.accounts import permissions, users
from baton.accounts.models import CURRENCIES
from baton.crm import employers
from baton.platform.config import config
from baton.platform.errors import Invalid

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage

MODES = {
    "create": gettext_lazy("Link to the company with that domain; make it where there is none"),
    "link": gettext_lazy("Link to the company with that domain, if there is one"),
    "off": gettext_lazy("Do nothing"),
}
FIELDS = ("name", "legal_name", "sending_domain", "postal_address", "phone", "contact_email", "currency")


class AccountSettings(SettingsPage):
    key = "settings_account"
    slug = "account"
    label = gettext_lazy("Company details")
    about = gettext_lazy("Name, sending domain, postal address, telephone and e-mail, as mails show them.")
    glyph = "building-2"
    section = "company"
    order = 10
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/account/", page)]

    @classmethod
    def fact(cls) -> str:
        return users.account().name


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    """The page; POST saves and answers the form. 422 with the faults under their fields."""
    account = users.account()
    values = {name: getattr(account, name) for name in FIELDS}
    wish = employers.chosen()
    errors: dict[str, str] = {}
    if request.method == "POST":
        permissions.require(request.user, "settings", "edit")
        values = {name: request.POST.get(name, values[name] if name == "currency" else "") for name in FIELDS}
        wish = {"mode": request.POST.get("mode", wish["mode"]), "not": request.POST.get("not", "\n".join(wish["not"])).split()}
        try:
            with transaction.atomic():
                users.update_account(actor=actor(request), **values)
                employers.choose(wish["mode"], wish["not"], actor=actor(request))
        except Invalid as error:
            errors = faults(error)
    context = {
        "values": values, "errors": errors, "id": account.pk, "time_zone": settings.TIME_ZONE, "url": config().url,
        "currencies": [(code, f"{get_currency_name(code, locale=get_language() or 'ko')} ({code})") for code in CURRENCIES],
        "modes": [(key, label) for key, label in MODES.items()], "mode": wish["mode"], "excepted": "\n".join(wish["not"]),
        "may_edit": permissions.can(request.user, "settings", "edit"), "label": AccountSettings.label,
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "settings/account.html", context)
    response = render(request, "settings/account_form.html", context, status=422 if errors else 200)
    return response if errors else toast(response, _("Saved"))
