"""Settings: transports, which carry mail: a relay or a provider. Secrets go in and are never shown; a button tries the connection."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.messaging.incoming import provider_hooks
from baton.messaging.models import Transport
from baton.messaging.sending import transport, transport_settings
from baton.messaging.sending.transport import Down
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage


class TransportSettings(SettingsPage):
    key = "settings_transports"
    slug = "transports"
    label = gettext_lazy("Transports")
    about = gettext_lazy("What carries your mail: your own server or a provider, with its access, and a try of the connection.")
    glyph = "truck"
    section = "messages"
    order = 40
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/transports/", page),
            path("settings/transports/new/", new),
            path("settings/transports/<int:transport_id>/", change),
            path("settings/transports/<int:transport_id>/try/", attempt),
            path("settings/transports/<int:transport_id>/usual/", usual),
            path("settings/transports/<int:transport_id>/remove/", remove),
        ]

    @classmethod
    def fact(cls) -> str:
        n = Transport.objects.filter(channel="email", archived_at=None).count()
        return ngettext("%(n)d transport", "%(n)d transports", n) % {"n": n} if n else ""


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    return _list(request, "settings/transports.html")


@allow("settings", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """The form of a kind (`kind`); a POST makes it."""
    kind = (request.POST or request.GET).get("kind", "smtp")
    if kind not in transport.kinds():
        raise NotFound(_("There is no such kind of transport."))
    if request.method == "POST":
        try:
            row = transport_settings.add(kind, _typed(request), actor(request))
        except Invalid as error:
            return _form(request, kind, dict(_typed(request)), errors=faults(error), status=422)
        response = HttpResponse(status=204)
        response["HX-Redirect"] = f"/settings/transports/{row.pk}/"
        return response
    return _form(request, kind, {s.key: s.usual for s in transport.kinds()[kind].settings if s.kind != "secret"})


@allow("settings", "view")
def change(request: HttpRequest, transport_id: int) -> HttpResponse:
    """What a transport is set to; a POST changes it."""
    row = transport_settings.get(transport_id)
    if request.method == "POST":
        permissions.require(request.user, "settings", "edit")
        try:
            row = transport_settings.change(transport_id, _typed(request), actor(request))
        except Invalid as error:
            return _form(request, row.kind, dict(_typed(request)), row=row, errors=faults(error), status=422)
        return toast(_form(request, row.kind, transport_settings.typed(row), row=row), _("Saved"))
    return _form(request, row.kind, transport_settings.typed(row), row=row)


@require_POST
@allow("settings", "edit")
def attempt(request: HttpRequest, transport_id: int) -> HttpResponse:
    """Whether it answers and lets us in; nothing is sent."""
    try:
        said, good = transport_settings.attempt(transport_id), True
    except (Down, Invalid) as error:
        said, good = str(error), False
    return render(request, "settings/transport_tried.html", {"said": said, "good": good})


@require_POST
@allow("settings", "edit")
def usual(request: HttpRequest, transport_id: int) -> HttpResponse:
    transport_settings.make_usual(transport_id, actor(request))
    return toast(_list(request, "settings/transports_list.html"), _("Saved"))


@require_POST
@allow("settings", "edit")
def remove(request: HttpRequest, transport_id: int) -> HttpResponse:
    try:
        transport_settings.archive(transport_id, actor(request))
    except Conflict as error:
        row = transport_settings.get(transport_id)
        return _form(request, row.kind, transport_settings.typed(row), row=row, errors={"name": str(error)}, status=409)
    return redirect("/settings/transports/")


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.POST.items()}


def _list(request: HttpRequest, template: str) -> HttpResponse:
    kinds = transport.kinds()
    rows = [{"row": row, "kind": kinds[row.kind].label if row.kind in kinds else row.kind} for row in transport_settings.all()]
    url = config().smtp_url
    context = {
        "rows": rows, "label": TransportSettings.label, "may_edit": permissions.can(request.user, "settings", "edit"),
        "relay": url.rpartition("@")[2].rpartition("//")[2], "kinds": _kinds(),
    }  # fmt: skip
    return render(request, template, context)


def _kinds() -> list[tuple[str, Any]]:
    """A relay first, then the providers by name."""
    return sorted(((key, found.label) for key, found in transport.kinds().items()), key=lambda pair: (pair[0] != "smtp", str(pair[1])))


def _form(
    request: HttpRequest, kind: str, values: dict[str, Any], *, row: Transport | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    carrier = transport.kinds()[kind]
    known = transport_settings.typed(row) if row else {}
    fields = [
        {"setting": s, "value": "" if s.kind == "secret" else values.get(s.key, s.usual), "kept": s.kind == "secret" and bool(known.get(s.key)),
         "fault": (errors or {}).get(s.key, "")}
        for s in carrier.settings
    ]  # fmt: skip
    context = {
        "label": TransportSettings.label, "kind": kind, "kind_label": carrier.label, "fields": fields, "row": row, "name": values.get("name", ""),
        "errors": errors or {}, "hook": provider_hooks.address(row.pk) if row and carrier.hooks else "", "proof": carrier.proof, "kinds": _kinds(),
        "may_edit": permissions.can(request.user, "settings", "edit"),
    }  # fmt: skip
    return render(request, "settings/transport_form.html" if request.headers.get("HX-Request") else "settings/transport.html", context, status=status)
