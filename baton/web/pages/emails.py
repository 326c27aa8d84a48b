"""E-mails: all of them with a picture and what became of them, new ones from the gallery, copies, and putting them aside."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.events.vocabulary import Kind
from baton.messaging.mail import emails, gallery
from baton.messaging.models import Email
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound
from baton.web.answer import faults, go, targets, toast
from baton.web.page import Page, actor, allow

PAGE = 24
KINDS = {"": _("All"), "mail": _("For campaigns and workflows"), "personal": pgettext_lazy("mails", "For one person")}

BECAME = """
SELECT k.value,
    count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(sent)s),
    count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(open)s AND NOT e.payload ? 'machine'),
    count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(click)s AND NOT e.payload ? 'machine'),
    count(DISTINCT e.contact_id) FILTER (WHERE e.kind = %(out)s),
    count(*) FILTER (WHERE e.kind = %(open)s AND e.payload ? 'machine'),
    count(*) FILTER (WHERE e.kind = %(click)s AND e.payload ? 'machine')
FROM event_key k JOIN event e ON e.kind = k.kind AND e.key = k.id
WHERE k.kind = ANY(%(kinds)s) AND k.value = ANY(%(ids)s)
GROUP BY k.value
"""


class Emails(Page):
    key = "emails"
    label = _("E-mails")
    icon = "mail"
    group = "marketing"
    order = 20
    area = "emails"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("emails/", show_all), path("emails/new/", create), path("emails/<int:pk>/do/", act)]


@dataclass(frozen=True, slots=True)
class Became:
    """People, not events: who was sent it, opened it, clicked in it, opted out by it. And beside them how often programs opened and clicked."""

    sent: int = 0
    opened: int = 0
    clicked: int = 0
    out: int = 0
    opened_by_programs: int = 0
    clicked_by_programs: int = 0


def became(ids: list[int]) -> dict[int, Became]:
    """What became of these mails, one query for all."""
    kinds = {"sent": int(Kind.EMAIL_SENT), "open": int(Kind.EMAIL_OPEN), "click": int(Kind.EMAIL_CLICK), "out": int(Kind.EMAIL_UNSUBSCRIBE)}
    rows = sql.rows(BECAME, {**kinds, "kinds": list(kinds.values()), "ids": [str(i) for i in ids]})
    return {int(value): Became(*numbers) for value, *numbers in rows}


@require_GET
@allow("emails", "view")
def show_all(request: HttpRequest) -> HttpResponse:
    """All e-mails, the last changed first; `?q=` by name or subject, `?kind=`, `?archived=1` for those put aside."""
    part = targets(request, "email-rows")
    return render(request, "emails/rows.html" if part else "emails/list.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    asked, kind, aside = request.GET.get("q", "").strip()[:200], request.GET.get("kind", ""), bool(request.GET.get("archived"))
    page = request.GET.get("page", "")
    number = max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1
    found = _found(asked, kind if kind in KINDS else "", aside)
    total = found.count()
    shown = list(found.defer("body", "document", "text")[(number - 1) * PAGE : number * PAGE])
    what = became([e.pk for e in shown])
    rows = [(e, what.get(e.pk, Became())) for e in shown]
    return {
        "rows": rows, "total": total, "number": number, "more": total > number * PAGE, "asked": asked, "kind": kind, "kinds": KINDS.items(), "aside": aside,
        "may_edit": permissions.can(request.user, "emails", "edit"),
    }  # fmt: skip


def _found(asked: str, kind: str, aside: bool) -> QuerySet[Email]:
    found = Email.objects.filter(archived_at__isnull=not aside).order_by("-updated_at", "-pk")
    if kind:
        found = found.filter(kind=kind)
    return found.filter(Q(name__icontains=asked) | Q(subject__icontains=asked)) if asked else found


@allow("emails", "edit")
def create(request: HttpRequest) -> HttpResponse:
    """The gallery (GET); a new e-mail of this name, from a template or empty (POST): its editor opens."""
    given = request.POST
    language = given.get("language") or request.GET.get("language") or (get_language() or "ko")[:2]
    language = language if language in emails.LANGUAGES else "ko"
    context: dict[str, Any] = {
        "templates": gallery.templates(language), "chosen": given.get("template") or request.GET.get("template", "newsletter"),
        "name": given.get("name", ""), "language": language, "errors": {},
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "emails/new.html", context)
    try:
        email = _made(request, given.get("template", ""), language)
    except Invalid as error:
        return render(request, "emails/new.html", {**context, "errors": faults(error)}, status=422)
    return go(f"/emails/{email.pk}/")


def _made(request: HttpRequest, key: str, language: str) -> Email:
    name = request.POST.get("name", "").strip()
    if key in ("", "blank", "raw"):
        return emails.create(name, actor(request), mode="raw" if key == "raw" else "blocks", language=language)
    return gallery.start(key, actor(request), language=language, name=name)


@require_POST
@allow("emails", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy, put aside, take back."""
    who, what = actor(request), request.POST.get("do", "")
    match what:
        case "copy":
            return go(f"/emails/{emails.copy(pk, who).pk}/")
        case "archive" | "restore":
            (emails.archive if what == "archive" else emails.unarchive)(pk, who)
            if request.POST.get("away"):
                return go("/emails/")
            undo = {
                "url": f"/emails/{pk}/do/",
                "target": "#email-rows",
                "values": {"do": {"archive": "restore", "restore": "archive"}[what]},
                "swap": "innerMorph",
            }
            return toast(render(request, "emails/rows.html", _context(request)), gettext("Put aside") if what == "archive" else gettext("Taken back"), undo)
    raise NotFound(gettext("This does not exist."))
