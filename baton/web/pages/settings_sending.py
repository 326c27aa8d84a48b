"""Settings: sending domains. What their DNS says with the record to copy, their DKIM keys and how one replaces another, where bounces and links go."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.messaging.deliverability import dkim, dns_checks, domains
from baton.messaging.models import DkimKey, SendingDomain
from baton.messaging.sending import transport_settings
from baton.platform import clock
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import faults, toast
from ..page import actor, allow
from ..parts import dns_rows
from ..settings_page import SettingsPage


class SendingSettings(SettingsPage):
    key = "settings_sending"
    slug = "sending"
    label = gettext_lazy("Sending domains")
    about = gettext_lazy("SPF, DKIM and DMARC of the domains your mail comes from, each with the record to copy; keys and their rotation.")
    glyph = "at-sign"
    section = "messages"
    order = 30
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/sending/", page),
            path("settings/sending/new/", new),
            path("settings/sending/<int:domain_id>/", show),
            path("settings/sending/<int:domain_id>/check/", check),
            path("settings/sending/<int:domain_id>/change/", change),
            path("settings/sending/<int:domain_id>/remove/", remove),
            path("settings/sending/<int:domain_id>/rotate/", rotate),
            path("settings/sending/<int:domain_id>/keys/", key),
            path("settings/sending/keys/<int:key_id>/<str:verb>/", of_key),
        ]

    @classmethod
    def fact(cls) -> str:
        n = SendingDomain.objects.count()
        return ngettext("%(n)d domain", "%(n)d domains", n) % {"n": n} if n else ""


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    return _list(request, "settings/sending.html")


@require_POST
@allow("settings", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """A domain with its first key; what its DNS says is looked up at once."""
    typed = {name: request.POST.get(name, "") for name in ("name", "bounce_host", "tracking_host")}
    try:
        row = domains.add(typed["name"], actor(request), bounce_host=typed["bounce_host"], tracking_host=typed["tracking_host"])
    except (Invalid, Conflict) as error:
        errors = faults(error) if isinstance(error, Invalid) else {"name": str(error)}
        return _list(request, "settings/sending_list.html", status=422, errors=errors, typed=typed)
    dns_checks.keep(row)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = f"/settings/sending/{row.pk}/"
    return response


@allow("settings", "view")
def show(request: HttpRequest, domain_id: int) -> HttpResponse:
    return _one(request, domain_id, "settings/sending_domain.html")


@require_POST
@allow("settings", "view")
def check(request: HttpRequest, domain_id: int) -> HttpResponse:
    """Look at the DNS now."""
    dns_checks.keep(_domain(domain_id))
    return _one(request, domain_id, "settings/sending_body.html")


@require_POST
@allow("settings", "edit")
def change(request: HttpRequest, domain_id: int) -> HttpResponse:
    """Where bounces and links go, and by what the mail leaves."""
    typed = {name: request.POST.get(name, "") for name in ("bounce_host", "tracking_host", "transport_id", "first_day")}
    try:
        row = domains.change(
            domain_id,
            actor(request),
            bounce_host=typed["bounce_host"],
            tracking_host=typed["tracking_host"],
            transport_id=_number(typed["transport_id"]) or None,
            first_day=_number(typed["first_day"]),
        )
    except Invalid as error:
        return _one(request, domain_id, "settings/sending_body.html", status=422, errors=faults(error), typed=typed)
    dns_checks.keep(row)
    return toast(_one(request, domain_id, "settings/sending_body.html"), _("Saved"))


@require_POST
@allow("settings", "edit")
def remove(request: HttpRequest, domain_id: int) -> HttpResponse:
    domains.remove(domain_id, actor(request))
    return redirect("/settings/sending/")


@require_POST
@allow("settings", "edit")
def rotate(request: HttpRequest, domain_id: int) -> HttpResponse:
    """New keys beside those that sign."""
    return _did(
        request, domain_id, lambda: domains.rotate(domain_id, actor(request)), _("The new key is there. Put its record into the DNS, then put it to use.")
    )


@require_POST
@allow("settings", "edit")
def key(request: HttpRequest, domain_id: int) -> HttpResponse:
    """A key of an algorithm that the domain has none of."""
    return _did(request, domain_id, lambda: domains.make_key(domain_id, request.POST.get("algorithm", ""), actor(request)), _("The new key is there."))


@require_POST
@allow("settings", "edit")
def of_key(request: HttpRequest, key_id: int, verb: str) -> HttpResponse:
    """Put a key to use, retire it, or forget it. One whose record is not in the DNS signs only when somebody insists (`sure`)."""
    row = DkimKey.objects.filter(pk=key_id).first()
    if row is None:
        raise NotFound(_("This key does not exist any more."))
    if verb == "activate":
        found = {check.about.get("selector"): check.state for check in dns_checks.keep(row.domain) if check.key == "dkim"}
        if found.get(row.selector) not in ("ok", "warn") and not request.POST.get("sure"):
            return toast(
                _one(request, row.domain_id, "settings/sending_body.html", status=422),
                _("Its record is not in the DNS yet: mail signed by it would look forged."),
            )
        return _did(request, row.domain_id, lambda: domains.activate(key_id, actor(request)), _("{selector} signs from now on.").format(selector=row.selector))
    if verb == "retire":
        words = _("{selector} does not sign any more. Leave its record for a week, for mails on their way.")
        return _did(request, row.domain_id, lambda: domains.retire(key_id, actor(request)), words.format(selector=row.selector))
    if verb == "remove":
        return _did(request, row.domain_id, lambda: domains.remove_key(key_id, actor(request)), _("The key is gone."))
    raise NotFound(_("There is nothing here."))


def _did(request: HttpRequest, domain_id: int, work: Any, words: str) -> HttpResponse:
    try:
        work()
    except Conflict as error:
        return toast(_one(request, domain_id, "settings/sending_body.html", status=409), str(error))
    dns_checks.keep(_domain(domain_id))
    return toast(_one(request, domain_id, "settings/sending_body.html"), words)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _domain(domain_id: int) -> SendingDomain:
    found = SendingDomain.objects.filter(pk=domain_id).first()
    if found is None:
        raise NotFound(_("This sending domain does not exist any more."))
    return found


def _list(request: HttpRequest, template: str, *, status: int = 200, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> HttpResponse:
    rows = [{"domain": row, **dns_rows.whole(row), "keys": [k for k in row.keys.all() if k.state == "active"]} for row in _all()]
    context = {
        "rows": rows, "label": SendingSettings.label, "errors": errors or {}, "typed": typed or {},
        "may_edit": permissions.can(request.user, "settings", "edit"),
    }  # fmt: skip
    return render(request, template, context, status=status)


def _all() -> list[SendingDomain]:
    return list(SendingDomain.objects.prefetch_related("keys").select_related("transport").order_by("name"))


def _one(
    request: HttpRequest, domain_id: int, template: str, *, status: int = 200, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    row = _domain(domain_id)
    keys = list(row.keys.order_by("created_at"))
    used = {one.algorithm for one in keys if one.state != "retired"}
    values = typed or {"bounce_host": row.bounce_host, "tracking_host": row.tracking_host, "transport_id": str(row.transport_id or "")}
    values.setdefault("first_day", str(row.warm_up.get("first") or 0))
    context = {
        "label": SendingSettings.label, "domain": row, "checks": dns_rows.rows(row), **dns_rows.whole(row),
        "keys": [dns_rows.key(one) for one in keys], "rotates": any(one.state == "active" for one in keys) and not any(one.state == "new" for one in keys),
        "lacking": [a for a in dkim.ALGORITHMS if a not in used], "values": values, "errors": errors or {},
        "transports": [(str(one.pk), one.name) for one in transport_settings.all()], "may_edit": permissions.can(request.user, "settings", "edit"),
        "now": clock.now(),
    }  # fmt: skip
    return render(request, template, context, status=status)
