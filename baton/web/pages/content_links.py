"""Short links and QR codes: all of them with their clicks; one with its days, its code as a file, and a sheet to print for the booth."""

import io
from typing import Any

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, users
from baton.content import campaign, links
from baton.content.models import ShortLink
from baton.events.vocabulary import Kind
from baton.platform.errors import Conflict, Invalid

from ..answer import faults, go, toast
from ..page import Page, actor, allow
from ..parts import packed

PAGE = 50
DAYS = 90
ERRORS = "q"  # a quarter of a printed code may be dirty


class ContentLinks(Page):
    key = "content-links"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("content/links/", index),
            path("content/links/new/", new),
            path("content/links/<int:pk>/", show),
            path("content/links/<int:pk>/switch/", switch),
            path("content/links/<int:pk>/qr.<str:form>", code),
            path("content/links/<int:pk>/print/", sheet),
        ]


@require_GET
@allow("content")
def index(request: HttpRequest) -> HttpResponse:
    """All links, the newest first; `?q=` searches name, place and code."""
    text = request.GET.get("q", "").strip().replace("\0", "")
    found = ShortLink.objects.order_by("-pk")
    if text:
        found = found.filter(name__icontains=text) | found.filter(place__icontains=text) | found.filter(code__icontains=text)
    asked = request.GET.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    total = found.count()
    shown = list(found[(number - 1) * PAGE : number * PAGE])
    used = links.used([link.pk for link in shown], DAYS)
    rows = [{"link": link, "used": used.get(link.pk, links.Used()), "people": _people(link), "medium": links.MEDIA[link.medium]} for link in shown]
    return render(request, "content/links.html", {
        "rows": rows, "q": text, "total": total, "number": number, "more": total > number * PAGE, "days": DAYS, "tab": "links",
        "may_edit": permissions.can(request.user, "content", "edit"),
    })  # fmt: skip


def _people(link: ShortLink) -> str:
    """The contacts who clicked it."""
    return packed.url("contact", {"condition": "event", "event": Kind.LINK_CLICK.word, "about": str(link.pk), "match": "is", "days": DAYS})


@allow("content", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """A link, or a QR code with `?medium=qr`; POST makes it and opens its page."""
    if request.method != "POST":
        given = {name: request.GET.get(name, "") for name in ("name", "url", "medium")}
        return render(request, "content/links_new.html", {"given": given, "errors": {}, "tab": "links", **_words(given["medium"])})
    given = request.POST.dict()
    try:
        made = links.create(
            given.get("name", ""), given.get("url", ""), actor=actor(request), code=given.get("code", ""), medium=given.get("medium", ""),
            place=given.get("place", ""), utm={tag: given.get(tag, "") for tag in campaign.TAGS},
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        found = faults(error) if isinstance(error, Invalid) else {"code": str(error)}
        return render(request, "content/links_form.html", {"given": given, "errors": found, **_words(given.get("medium", ""))}, status=422)
    return go(f"/content/links/{made.pk}/")


def _words(medium: str) -> dict[str, Any]:
    return {"media": links.MEDIA.items(), "medium": medium if medium in links.MEDIA else "link", "tags": campaign.TAGS}


@allow("content")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A link with its clicks (GET); POST changes it."""
    link = links.get(pk)
    if request.method == "POST":
        permissions.require(request.user, "content", "edit")
        given = request.POST
        try:
            links.update(
                link, actor=actor(request), name=given.get("name", ""), url=given.get("url", ""), place=given.get("place", ""),
                utm={tag: given.get(tag, "") for tag in campaign.TAGS},
            )  # fmt: skip
        except Invalid as error:
            tried = {**_given(link), **given.dict()}
            return render(request, "content/link_body.html", {**_context(request, links.get(pk)), "given": tried, "errors": faults(error)}, status=422)
        return toast(render(request, "content/link_saved.html", _context(request, link)), _("Saved"))
    return render(request, "content/link.html", _context(request, link))


def _given(link: ShortLink) -> dict[str, str]:
    return {"name": link.name, "url": link.url, "place": link.place, "code": link.code, **link.utm}


def _context(request: HttpRequest, link: ShortLink) -> dict[str, Any]:
    days = links.by_day(link.pk)
    most = max((used.people for _day, used in days), default=0)
    heights = [round(one.people * 100 / most) if most else 0 for _day, one in days]
    used = links.used([link.pk], DAYS).get(link.pk, links.Used())
    return {
        "link": link, "given": _given(link), "errors": {}, **_words(link.medium), "address": links.address(link), "target": links.target(link), "used": used,
        "people": _people(link), "by_day": days, "bars": [(at * 10 + 1, 100 - high, high) for at, high in enumerate(heights)], "days": DAYS,
        "clicks_shown": sum(one.people for _day, one in days), "may_edit": permissions.can(request.user, "content", "edit"),
        "medium_word": links.MEDIA[link.medium],
    }  # fmt: skip


@require_POST
@allow("content", "edit")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it lead on, or not."""
    link = links.get(pk)
    active = request.POST.get("active") == "true"
    links.switch(link, active, actor=actor(request))
    undo = {"url": f"/content/links/{pk}/switch/", "target": "#link-page", "values": {"active": "false" if active else "true"}, "swap": "innerHTML"}
    return toast(render(request, "content/link_saved.html", _context(request, link)), _("It leads on") if active else _("It leads nowhere now"), undo)


@require_GET
@allow("content")
def code(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The QR code as SVG or PNG; `?download` saves it under the link's code."""
    link = links.get(pk)
    made, out = segno.make_qr(links.address(link), error=ERRORS), io.BytesIO()
    if form == "svg":
        made.save(out, kind="svg", scale=8, border=4, xmldecl=False, svgclass=None, lineclass=None, light="#fff")
    elif form == "png":
        made.save(out, kind="png", scale=24, border=4)
    else:
        return HttpResponse(status=404)
    response = HttpResponse(out.getvalue(), content_type={"svg": "image/svg+xml", "png": "image/png"}[form])
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="qr-{link.code}.{form}"'
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_GET
@allow("content")
def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """A page to print: the code large, the name of the event, what it leads to, and the address to type."""
    link = links.get(pk)
    return render(request, "content/link_print.html", {"link": link, "address": links.address(link), "brand": users.account()})
