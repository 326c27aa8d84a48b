"""E-mails: the list with what became of them, and a simple editor with a preview."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.crm.models import Contact
from baton.events.vocabulary import Kind
from baton.messaging import emails
from baton.messaging import render as mails
from baton.messaging.models import Email
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound
from baton.web.answer import faults, go, toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import people

# A mail is a stranger's page: it may run nothing, ask nobody, and be framed by Baton only.
PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"

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
        return [path("emails/", show_all), path("emails/new/", create), path("emails/<int:pk>/", edit), path("emails/<int:pk>/preview/", preview)]


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


def _email(pk: int) -> Email:
    found = Email.objects.filter(pk=pk, archived_at=None).first()
    if found is None:
        raise NotFound(gettext("This e-mail does not exist any more."))
    return found


@require_GET
@allow("emails", "view")
def show_all(request: HttpRequest) -> HttpResponse:
    """All e-mails, the last changed first."""
    found = list(Email.objects.filter(archived_at=None).order_by("-updated_at", "-pk"))
    numbers = became([e.pk for e in found])
    rows = [(e, numbers.get(e.pk, Became())) for e in found]
    return render(request, "emails/list.html", {"rows": rows, "may_edit": permissions.can(request.user, "emails", "edit")})


@require_POST
@allow("emails", "edit")
def create(request: HttpRequest) -> HttpResponse:
    """An empty e-mail of this name; its editor opens."""
    name = request.POST.get("name", "")
    try:
        email = emails.create(name, actor(request))
    except Invalid as error:
        return render(request, "emails/new.html", {"name": name, "errors": faults(error)}, status=422)
    return go(f"/emails/{email.pk}/")


@allow("emails", "view")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the editor. POST: saves; faults come back under their fields."""
    email = _email(pk)
    may_edit = permissions.can(request.user, "emails", "edit")
    back = request.GET.get("back", "/emails/")
    context: dict[str, Any] = {"email": email, "may_edit": may_edit, "became": became([pk]).get(pk, Became()), "errors": {}}
    context["back"] = back if url_has_allowed_host_and_scheme(back, None) else "/emails/"
    context["example"] = _example(request)
    if request.method != "POST":
        return render(request, "emails/page.html", context)
    permissions.require(request.user, "emails", "edit")
    given = {name: request.POST[name] for name in emails.FIELDS if name in request.POST}
    try:
        context["email"] = emails.update(pk, actor(request), **given)
    except Invalid as error:
        for name, value in given.items():
            setattr(email, name, value)
        return render(request, "emails/form.html", {**context, "errors": faults(error)}, status=422)
    return toast(render(request, "emails/form.html", {**context, "saved": True}), gettext("E-mail saved"))


def _example(request: HttpRequest) -> people.Person | None:
    """The contact the preview is filled in for, one the user may see."""
    held = rights.of(user(request))
    asked = request.GET.get("contact", "")
    live = Contact.objects.filter(archived_at=None)
    found = live.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is None or not held.may("contact", "view", [found.owner_id]):
        best = people.search("", rights=held, limit=1)
        return best[0] if best else None
    return people.person(found)


@xframe_options_exempt
@require_GET
@allow("emails", "view")
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as a contact would get it (`?contact=`), in a page that may do nothing."""
    example = _example(request)
    try:
        html = mails.mail(_email(pk), [example.id if example else 0])[0]
        body = html.html or html.problem
    except Invalid as error:
        body = str(error)
    response = HttpResponse(body)
    response["Content-Security-Policy"] = PREVIEW_POLICY
    return response
