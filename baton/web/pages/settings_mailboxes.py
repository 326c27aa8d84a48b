"""Settings: mailboxes. Where bounces, complaints and answers are read from, and what came last."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.messaging.incoming import imap
from baton.messaging.models import Inbound, Mailbox
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage

NEW = {"name": "", "host": "", "port": 993, "user": "", "folder": "INBOX"}
LAST = 12  # things that came, shown on the page
BECAME: dict[str, tuple[str | Promise, str]] = {  # words, kind of badge
    "bounce": (gettext_lazy("bounced"), "bad"),
    "complaint": (gettext_lazy("reported as spam"), "bad"),
    "reply": (gettext_lazy("answer"), "good"),
    "auto_reply": (gettext_lazy("automatic answer"), "outline"),
    "receipt": (gettext_lazy("news of the delivery"), "outline"),
    "unsubscribe": (gettext_lazy("unsubscription"), "outline"),
    "dmarc": (gettext_lazy("DMARC report"), "outline"),
    "nothing": (gettext_lazy("about none of our mails"), "outline"),
}


@dataclass(frozen=True, slots=True)
class Came:
    """One thing that came in."""

    at: Any
    source: str
    label: str | Promise
    badge: str
    problem: str


class MailboxSettings(SettingsPage):
    key = "settings_mailboxes"
    slug = "mailboxes"
    label = gettext_lazy("Mailboxes")
    about = gettext_lazy("Where bounces, complaints and answers are read from.")
    glyph = "inbox"
    section = "messages"
    order = 40
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/mailboxes/", page),
            path("settings/mailboxes/new/", new),
            path("settings/mailboxes/<int:box_id>/", change),
            path("settings/mailboxes/<int:box_id>/remove/", remove),
        ]

    @classmethod
    def fact(cls) -> str:
        if Mailbox.objects.filter(active=True).exclude(problem="").exists():
            return _("One cannot be read")
        n = Mailbox.objects.count()
        return ngettext("%(n)d mailbox", "%(n)d mailboxes", n) % {"n": n} if n else ""


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "mailboxes/page.html", _shown(request))


@allow("settings", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """The form of a mailbox; it is tried before it is kept."""
    return _form(request, None)


@allow("settings", "edit")
def change(request: HttpRequest, box_id: int) -> HttpResponse:
    """The same of one that is there; an empty password leaves the one that is kept."""
    box = Mailbox.objects.filter(pk=box_id).first()
    if box is None:
        raise NotFound(_("There is no such mailbox."))
    return _form(request, box)


@require_POST
@allow("settings", "edit")
def remove(request: HttpRequest, box_id: int) -> HttpResponse:
    """Read it no more. What was read stays."""
    imap.remove(box_id, actor=actor(request))
    return toast(render(request, "mailboxes/list.html", _shown(request)), _("The mailbox is not read any more."))


def _form(request: HttpRequest, box: Mailbox | None) -> HttpResponse:
    values: dict[str, Any] = NEW if box is None else {name: getattr(box, name) for name in NEW}
    errors: dict[str, str] = {}
    if request.method == "POST":
        port = request.POST.get("port", "").strip()
        values = {name: request.POST.get(name, "").strip() for name in NEW} | {
            "port": int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0
        }
        try:
            made = _save(box, values, request.POST.get("password", ""), active="active" in request.POST or box is None, request=request)
        except Invalid as error:
            errors = faults(error)
        else:
            response = HttpResponse(status=204)
            response["HX-Redirect"] = MailboxSettings.address()
            return toast(response, _("{name} is read from now on.").format(name=made.name) if box is None else _("Saved"))
    context = {"label": MailboxSettings.label, "values": values, "errors": errors, "box": box, "active": box is None or box.active}
    return render(request, "mailboxes/form.html" if request.method == "POST" else "mailboxes/edit.html", context, status=422 if errors else 200)


def _save(box: Mailbox | None, values: dict[str, Any], password: str, *, active: bool, request: HttpRequest) -> Mailbox:
    imap.asked(values, password, box=box)
    if active:
        imap.check(values["host"], values["port"], values["user"], password or imap.password(box), values["folder"])
    if box is None:
        return imap.add(values, password, actor=actor(request))
    return imap.change(box.pk, {**values, "active": active}, password, actor=actor(request))


def _shown(request: HttpRequest) -> dict[str, Any]:
    boxes = list(Mailbox.objects.order_by("name", "pk"))
    names = {f"imap:{box.pk}": box.name for box in boxes}
    rows = Inbound.objects.exclude(source__startswith="transport:").order_by("-id").values_list("at", "source", "became", "problem", "read_at")[:LAST]
    came = [
        Came(at, names.get(source, source.upper()), *(BECAME.get(became, (became, "outline")) if read_at else (_("waits"), "warn")), problem)
        for at, source, became, problem, read_at in rows
    ]
    return {
        "label": MailboxSettings.label, "boxes": boxes, "came": came, "intake": config().intake,
        "may_edit": permissions.can(request.user, "settings", "edit"),
    }  # fmt: skip
