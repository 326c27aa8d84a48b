"""Settings of a transport: how fast each group of receivers gets mail over it. What holds somebody back and why, what a colleague sets, and forgetting."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.messaging.sending import operators, rates, transport_settings
from baton.messaging.sending.rates import GroupRate
from baton.platform.config import config
from baton.platform.errors import Invalid

from ..answer import faults, toast
from ..page import Page, actor, allow

WHY: dict[str, tuple[str | Promise, str]] = {  # label, tone of its badge
    "": (gettext_lazy("nothing holds it back"), "good"),
    "set": (gettext_lazy("set by a colleague"), "accent"),
    "start": (gettext_lazy("new to us: begun with gently"), "outline"),
    "slower": (gettext_lazy("it asked for less"), "warn"),
}
ANSWERS = 3


class TransportRates(Page):
    key = "settings-transport-rates"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/transports/<int:transport_id>/rates/", show),
            path("settings/transports/<int:transport_id>/rates/set/", keep),
            path("settings/transports/<int:transport_id>/rates/forget/", forget),
        ]


@require_GET
@allow("settings", "view")
def show(request: HttpRequest, transport_id: int) -> HttpResponse:
    """The groups of a transport; 0 is the mail server of the settings file."""
    return render(request, "settings/rates.html", _context(request, transport_id))


@require_POST
@allow("settings", "edit")
def keep(request: HttpRequest, transport_id: int) -> HttpResponse:
    """Set what a group (`group`: an operator, or a domain) gets at most; empty fields are as learnt."""
    given = {name: request.POST.get(name, "").strip() for name in ("group", "per_second", "at_once")}
    group, slots = given["group"].lower().lstrip("@"), _number(given["at_once"])
    try:
        rates.set_rate(
            transport_id or None,
            group,
            actor(request),
            per_second=_number(given["per_second"]),
            at_once=None if slots is None else int(slots) if slots == int(slots) else -1,
        )
    except Invalid as error:
        context = _context(request, transport_id, given, faults(error), new=bool(request.POST.get("new")))
        return render(request, "settings/rates_list.html", context, status=422)
    return toast(render(request, "settings/rates_list.html", _context(request, transport_id)), _("Saved"))


@require_POST
@allow("settings", "edit")
def forget(request: HttpRequest, transport_id: int) -> HttpResponse:
    """What was learnt about a group does not count any more; what somebody set stays."""
    rates.forget(transport_id or None, request.POST.get("group", ""), actor(request))
    return toast(render(request, "settings/rates_list.html", _context(request, transport_id)), _("Forgotten"))


def _number(text: str) -> float | None:
    """A number as it was typed; -1 for what is none, which is refused. None: nothing was typed."""
    text = text.replace(",", "")
    plain = text.replace(".", "", 1)
    return None if not text else float(text) if plain.isascii() and plain.isdecimal() and len(text) < 10 else -1.0


def _context(
    request: HttpRequest, transport_id: int, given: dict[str, str] | None = None, errors: dict[str, str] | None = None, *, new: bool = False
) -> dict[str, Any]:
    row = transport_settings.get(transport_id) if transport_id else None
    name = row.name if row else config().smtp_url.rpartition("@")[2].rpartition("//")[2]
    found = rates.shown(row.pk if row else None)
    rows = [_row(one, given if given and not new and given["group"] == one.group else None, errors or {}) for one in found]
    known = {one.group for one in found}
    return {
        "rows": rows, "row": row, "name": name, "base": f"/settings/transports/{transport_id}/rates/",
        "may_edit": permissions.can(request.user, "settings", "edit"), "given": given if new and given else {}, "errors": errors if new and errors else {},
        "others": [(key, operators.label(key)) for key in operators.operators() if key not in known],
    }  # fmt: skip


def _row(one: GroupRate, given: dict[str, str] | None, errors: dict[str, str]) -> dict[str, Any]:
    words, tone = WHY.get(one.why, (one.why, "outline"))
    return {
        "one": one, "why": words, "tone": tone, "answers": one.answers[:ANSWERS], "many": one.domains >= rates.DOMAINS,
        "now": "" if one.now is None else f"{one.now:.3g}", "a_minute": max(1, round(one.now * 60)) if one.now is not None and one.now < 1 else 0,
        "lately": "" if one.lately < 0.005 else f"{one.lately:.2g}",
        "per_second": given["per_second"] if given else "" if one.most is None else f"{one.most:g}",
        "at_once": given["at_once"] if given else one.at_once or "", "errors": errors if given else {},
    }  # fmt: skip
