"""Settings: who must not be written to. Looked through, added to by hand or from a file, lifted with a reason, written as a file."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts import rights as access
from baton.messaging import column
from baton.messaging.consent import suppression, suppression_list
from baton.platform import clock, history
from baton.platform.errors import Invalid, NotFound

from ..answer import faults, toast
from ..page import actor, allow, allow_records, user
from ..settings_page import SettingsPage
from ..templatetags.fmt import num


class SuppressionSettings(SettingsPage):
    key = "settings_suppressions"
    slug = "suppressions"
    label = gettext_lazy("Suppressions")
    about = gettext_lazy("Who unsubscribed, bounced or complained; added by hand or from a file, and lifted with a reason.")
    glyph = "ban"
    section = "messages"
    order = 30
    area = "emails"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/suppressions/", page),
            path("settings/suppressions/add/", add),
            path("settings/suppressions/lift/", lift),
            path("settings/suppressions/export/", export),
        ]


@require_GET
@allow("emails", "view")
def page(request: HttpRequest) -> HttpResponse:
    """The list; `reason`, `q` and `at` (how many before) choose."""
    return _shown(request, "suppressions/list.html" if request.headers.get("HX-Request") else "suppressions/page.html")


@require_POST
@allow("emails", "edit")
def add(request: HttpRequest) -> HttpResponse:
    """Addresses that were typed, or those of a file."""
    try:
        file = request.FILES.get("file")
        reason = request.POST.get("reason", "")
        if file is not None:
            if (file.size or 0) > column.LARGEST:
                raise Invalid.one("file", "TOO_LARGE", _("A file can have {size} MB at most.").format(size=column.LARGEST >> 20))
            addresses, source = suppression_list.read(file.read()), f"file:{str(file.name)[:100]}"
        else:
            addresses, source = request.POST.get("addresses", "").replace(",", " ").replace(";", " ").split(), ""
        if not addresses:
            raise Invalid.one("addresses", "REQUIRED", _("Enter at least one address, or choose a file."))
        done = suppression_list.add(addresses, reason, request.POST.get("note", "").strip(), actor=actor(request), source=source)
    except Invalid as error:
        return _shown(request, "suppressions/list.html", status=422, errors=faults(error), opened=True)
    text = _("{people} contacts and {addresses} other addresses are new on the list; {wrong} are no addresses.").format(
        **{name: num(n) for name, n in done.items()}
    )
    return toast(_shown(request, "suppressions/list.html"), text)


@require_POST
@allow("emails", "edit")
def lift(request: HttpRequest) -> HttpResponse:
    """Take a contact, or an address nobody has, from the list, with a reason."""
    number, channel = request.POST.get("contact", ""), request.POST.get("channel", "email")
    lifting: tuple[int, str] | None = None
    try:
        if number.isdecimal() and len(number) < 19:
            lifting = (int(number), channel)
            suppression.lift(*lifting, request.POST.get("why", ""), actor=actor(request))
        else:
            suppression.lift_address(request.POST.get("address", ""), "email", request.POST.get("why", ""), actor=actor(request))
    except Invalid as error:
        return _shown(request, "suppressions/list.html", status=422, errors=faults(error), lifting=lifting)
    except NotFound as error:
        return toast(_shown(request, "suppressions/list.html"), str(error))
    return toast(_shown(request, "suppressions/list.html"), _("Lifted. A refusal of marketing stays one until the person agrees again."))


@require_GET
@allow("emails", "view")
@allow_records("contact", "export")
def export(request: HttpRequest) -> HttpResponseBase:
    """The list as CSV, of the contacts that somebody may export; every download is in the history."""
    history.record(actor(request), "downloaded", "suppression", "list")
    response = StreamingHttpResponse(suppression_list.written(access.of(user(request))), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="suppressions-{clock.now():%Y-%m-%d}.csv"'
    return response


def _shown(
    request: HttpRequest,
    template: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    opened: bool = False,
    lifting: tuple[int, str] | None = None,
) -> HttpResponse:
    """`opened`: the dialog that adds stands open, with what was typed; `lifting`: that of this contact and channel does."""
    given = request.GET if request.method == "GET" else request.POST
    reason, text, place = (
        given.get("reason_filter", given.get("reason", "") if request.method == "GET" else ""),
        given.get("q", "").strip(),
        given.get("at", ""),
    )
    start = int(place) if place.isdecimal() and len(place) < 7 else 0
    held = access.of(user(request))
    rows = suppression_list.page(held, reason=reason if reason in suppression.WORDS else "", text=text, at=start)
    size = suppression_list.PAGE
    context = {
        "label": SuppressionSettings.label, "rows": rows[:size], "reason": reason, "q": text, "at": start, "errors": errors or {}, "opened": opened,
        "typed": request.POST if opened else {}, "lifting": lifting,
        "next": start + size if len(rows) > size else 0, "previous": max(0, start - size) if start else None,
        "reasons": [(key, str(word)) for key, word in suppression.WORDS.items() if key != suppression.ERASED],
        "by_hand": [(key, str(suppression.WORDS[key])) for key in suppression_list.BY_HAND],
        "stray": suppression.WORDS.get(suppression_list.held(text), "") if "@" in text else "",
        "may_edit": permissions.can(request.user, "emails", "edit"), "may_export": held.may("contact", "export"),
    }  # fmt: skip
    return render(request, template, context, status=status)
