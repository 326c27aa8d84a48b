"""An e-mail as somebody would get it: on the editor's canvas, in lists and panels, as one of its versions. It is a stranger's page: it may run nothing."""

import re
from html import escape

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET

from baton.accounts import rights
from baton.crm.models import Contact
from baton.messaging.mail import blocks, conditional, emails, gallery, mjml
from baton.messaging.mail import render as mails
from baton.messaging.mail.render import Rendered
from baton.messaging.models import Email
from baton.platform.errors import Invalid

from ..page import Page, allow, user
from ..parts import mail_editor, people
from .email_editor import get

# Nothing runs, nothing is sent, Baton alone may frame it. Images of the mail's own servers are seen as the reader would see them.
CANVAS_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: https:; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
PREVIEW_POLICY = f"{CANVAS_POLICY}; sandbox"  # and it is nobody's: not even Baton's own page can look into it
DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
PLAIN = "white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.7 ui-monospace,monospace;padding:20px;margin:0"
EMPTY = "<!doctype html><meta charset=utf-8><title>–</title><body>"


class EmailPreview(Page):
    key = "email-preview"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("emails/<int:pk>/preview/", preview),
            path("emails/<int:pk>/canvas/", canvas),
            path("emails/<int:pk>/people/", find),
            path("emails/gallery/<slug:key>/", template),
        ]


def example(request: HttpRequest) -> int:
    """The contact a preview is filled in for, one the user may see: `contact` of the request, else the one with the most points; 0 for none."""
    held = rights.of(user(request))
    asked = request.POST.get("contact") or request.GET.get("contact", "")
    found = Contact.objects.filter(archived_at=None, pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is not None and held.may("contact", "view", [found.owner_id]):
        return int(found.pk)
    best = people.search("", rights=held, limit=1)
    return best[0].id if best else 0


def _page(body: str, policy: str) -> HttpResponse:
    response = HttpResponse(body)
    response["Content-Security-Policy"], response["Cache-Control"] = policy, "no-store"
    return response


def _filled(request: HttpRequest, email: Email, sent: bool) -> Rendered:
    """The draft, what is sent, or a version (`?version=`)."""
    number = request.GET.get("version", "")
    if number.isascii() and number.isdecimal() and len(number) < 9:
        kept = emails.version(email.pk, int(number)).content
        return mails.mail(Email(pk=email.pk, version=int(number), **{"kind": email.kind, **kept}), [example(request)])[0]
    return emails.preview(email, example(request), sent=sent)


def _html(request: HttpRequest, email: Email, *, sent: bool = False) -> str:
    try:
        return _seen(request, _filled(request, email, sent))
    except Invalid as error:
        return EMPTY + "".join(f"<p>{escape(problem.message)}</p>" for problem in error.problems)


def _seen(request: HttpRequest, filled: Rendered) -> str:
    if filled.problem:
        return f"{EMPTY}<p>{escape(filled.problem)}</p>"
    if request.GET.get("part") == "text":
        return f'{EMPTY}<pre style="{PLAIN};color:{"#e8e9ec" if request.GET.get("dark") else "#16181d"}">{escape(filled.text)}</pre>'
    # what the mail says to dark screens is said to all, or to none: the frame shows the one that was asked for
    return DARK.sub("all" if request.GET.get("dark") else "not all", filled.html)


@xframe_options_exempt
@require_GET
@allow("emails", "view")
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as a contact would get it (`?contact=`): what is sent now; with `?draft=`, or never published, the draft."""
    email = get(pk)
    return _page(_html(request, email, sent=bool(email.version) and "draft" not in request.GET), PREVIEW_POLICY)


@xframe_options_exempt
@require_GET
@allow("emails", "view")
def canvas(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft as the editor's canvas shows it, in a frame that the editor may reach into. What the contact would not get is pale."""
    email, contact = get(pk), example(request)
    draft = emails.draft(email)
    composed = mail_editor.is_composed(draft)
    hidden = ""
    if composed:
        draft["body"] = mjml.html(draft["document"], subject=draft["subject"], language=draft["language"], purpose=draft["purpose"], marked=True)
        filters = blocks.filters(draft["document"])
        shown = conditional.conditions(filters, [contact]).get(contact, frozenset())
        hidden = ",".join(f".b-{key}" for key in filters if key not in shown)
    try:
        if request.GET.get("part") == "text":
            filled = emails.preview(email, contact)
        else:
            filled = mails.mail(Email(pk=email.pk, name=email.name, kind=email.kind, version=email.version, **draft), [contact])[0]
        html, lines = _seen(request, filled), (filled.subject, _preheader(draft["preheader"], contact))
    except Invalid as error:
        html, lines = EMPTY + "".join(f"<p>{escape(problem.message)}</p>" for problem in error.problems), (draft["subject"], "")
    if hidden:
        html = html.replace("</head>", f"<style>{hidden}{{opacity:.3}}</style></head>", 1)
    return _page(f'{html}<template id="baton-lines" data-subject="{escape(lines[0])}" data-preheader="{escape(lines[1])}"></template>', CANVAS_POLICY)


def _preheader(source: str, contact: int) -> str:
    try:
        return mails.lines(source, [contact])[contact]
    except Invalid:
        return source


@require_GET
@allow("emails", "view")
def find(request: HttpRequest, pk: int) -> HttpResponse:
    """Contacts whose mail the canvas can show."""
    get(pk)
    found = people.search(request.GET.get("q", ""), rights=rights.of(user(request)), limit=8)
    return render(request, "emails/people.html", {"people": found, "asked": request.GET.get("q", "").strip()})


@xframe_options_exempt
@require_GET
@allow("emails", "view")
def template(request: HttpRequest, key: str) -> HttpResponse:
    """One of the gallery, as its mails will look."""
    found = gallery.template(key, request.GET.get("language", "ko"))
    shown = Email(pk=0, subject=found.subject, body=gallery.page(found), document=found.document, purpose=found.purpose, kind=found.kind)
    return _page(DARK.sub("not all", mails.mail(shown, [0])[0].html), PREVIEW_POLICY)
