"""What the public sees of content: an asset behind its gate, its file, and landing pages."""

import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from baton.content import addresses, assets, deliver, gate, pages
from baton.content.models import Asset, LandingPage
from baton.crm import files
from baton.events import evidence
from baton.events.vocabulary import Kind
from baton.events.wire import COOKIE
from baton.forms.models import Form
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import NotFound

from ..page import Page
from ..parts import page_blocks, public

RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
SHOWN = ("image/", "video/", "audio/")  # what browsers may show in a page; everything else is a download
EARLY = 15 * 60  # seconds before a webinar at which the way in opens


class ContentPublic(Page):
    key = "a"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("a/<str:guid>/", asset),
            path("a/<str:guid>", asset),
            path("a/<str:guid>/file", file),
            path("p/colours/<str:accent>.css", colours),
            path("p/images/<int:page>/<int:number>", image),
            path("p/<str:slug>/", landing),
            path("p/<str:slug>", landing),
        ]


@require_safe
def asset(request: HttpRequest, guid: str) -> HttpResponse:
    """The asset for whom it is open, else the form that is asked before. Nothing on the page tells whom we take the visitor for."""
    try:
        found = assets.by_guid(guid)
    except NotFound:
        return _nothing(request)
    passed = gate.read_pass(found, request.GET.get("g", ""))
    who = gate.visitor(request.COOKIES.get(COOKIE, ""), passed)
    form = Form.objects.filter(pk=found.form_id, archived_at=None).first() if found.form_id else None
    if not passed and form is not None and gate.decide(found, who.known, who.answered) == "ask":
        return _private(_page(request, found, "content/public/gate.html", {"form": form}))
    if found.kind in ("page", "link"):
        return _private(_lead_on(request, found, who))
    return _private(_page(request, found, "content/public/asset.html", _inside(found, who)))


def _inside(found: Asset, who: gate.Visitor) -> dict[str, Any]:
    about = assets.file_of(found)
    words: dict[str, Any] = {"file": about, "file_url": gate.file_address(found, who) if about else ""}
    if found.kind == "video":
        words["video"] = {"file": words["file_url"]} if about else public.video(found.url)
    if found.kind == "webinar" and found.starts_at:
        now, ends = clock.now().timestamp(), found.starts_at.timestamp() + (found.minutes or 60) * 60
        words["state"] = "after" if now > ends else "now" if now > found.starts_at.timestamp() - EARLY else "before"
        if words["state"] == "after":
            words["video"] = {"file": words["file_url"]} if about and about.media_type.startswith("video/") else public.video(found.replay_url)
    return words


def _lead_on(request: HttpRequest, found: Asset, who: gate.Visitor) -> HttpResponse:
    """To the page itself; the click on somebody else's page is what we see of it."""
    if found.kind == "link" and _by_person(request):
        number = time.time_ns() // 1_000_000  # reloaded within the same thousandth it counts once; nobody is that quick
        cookie = request.COOKIES.get(COOKIE, "")
        deliver.downloaded(found, number=number, since=clock.now(), cookie=cookie, given_to=who.contact_id, page_url=gate.address(found), name=found.url)
    return HttpResponse(status=302, headers={"Location": found.url})


@require_safe
def file(request: HttpRequest, guid: str) -> HttpResponse:
    """The file of a signed address. One that is over leads back to the asset's page, where the gate looks again."""
    try:
        found = assets.by_guid(guid)
        given = gate.read_file(found, request.GET.get("t", ""))
        if given is None or given.file_id != found.file_id:
            raise NotFound
        about = files.about(found.pk, given.file_id)
    except NotFound:
        return _nothing(request)
    if given.until < time.time():
        return _private(HttpResponse(status=302, headers={"Location": f"/a/{found.guid}/"}))
    if found.kind == "file" and request.method == "GET" and _by_person(request):
        since = datetime.fromtimestamp(given.until - gate.PLAY, UTC)
        deliver.downloaded(
            found, number=given.number, since=since, cookie=request.COOKIES.get(COOKIE, ""), given_to=given.contact_id,
            page_url=gate.address(found), name=about.name,
        )  # fmt: skip
    return _private(_bytes(request, about, as_file=found.kind == "file" or not about.media_type.startswith(SHOWN)))


def _bytes(request: HttpRequest, about: files.About, *, as_file: bool) -> HttpResponse:
    """A file or the piece of it that the browser asks for."""
    start, end, status = 0, about.size - 1, 200
    if found := RANGE.fullmatch(request.headers.get("Range", "")):
        first, last = found.groups()
        if first:
            start, end = int(first), min(int(last), end) if last else end
        elif last:
            start = max(0, about.size - int(last))
        if start > end or start >= about.size:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{about.size}"})
        status = 206
    content = files.piece(about.record_id, about.id, start, end - start + 1) if request.method == "GET" else b""
    response = HttpResponse(content, status=status, content_type=about.media_type)
    response["Content-Length"] = str(end - start + 1)
    response["Accept-Ranges"] = "bytes"
    response["Content-Encoding"] = "identity"  # a piece of a file is counted in the file's own bytes: it is not compressed on the way
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{end}/{about.size}"
    plain = "".join(letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in about.name)
    response["Content-Disposition"] = f"{'attachment' if as_file else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(about.name, safe='')}"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@require_safe
def landing(request: HttpRequest, slug: str) -> HttpResponse:
    """The published version of a landing page."""
    try:
        page = pages.public(slug)
    except NotFound:
        return _nothing(request)
    assert page.published is not None
    response = landing_page(request, page, page.published.content)
    response["Cache-Control"] = "no-cache"
    return response


def landing_page(request: HttpRequest, page: LandingPage, content: dict[str, Any], *, preview: bool = False) -> HttpResponse:
    """A document as its page."""
    words = {
        "title": content.get("title") or page.name, "description": content.get("description", ""), "image": _image_url(page, content.get("image")),
        "canonical": addresses.page_address(page), "blocks": page_blocks.shown(page, content),
    }  # fmt: skip
    return public.answer(request, "content/public/page.html", words, language=page.language, theme=content["theme"], framed=preview)


@require_safe
def image(request: HttpRequest, page: int, number: int) -> HttpResponse:
    """An image of a landing page. Nothing that hangs on other records is found here."""
    try:
        pages.get(page)
        about = files.about(page, number)
    except NotFound:
        return HttpResponse(status=404)
    if not about.media_type.startswith("image/"):
        return HttpResponse(status=404)
    response = _bytes(request, about, as_file=False)
    response["Cache-Control"] = "public, max-age=31536000, immutable"  # what has this number never changes
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # previews of messengers and networks
    return response


@require_safe
def colours(request: HttpRequest, accent: str) -> HttpResponse:
    """The tokens of one colour as a style sheet."""
    if not re.fullmatch(r"[0-9a-f]{6}", accent):
        return HttpResponse(status=404)
    response = HttpResponse(public.colours(accent), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _image_url(page: LandingPage, number: int | None) -> str:
    return f"{config().url}/p/images/{page.pk}/{number}" if number else ""


def _page(request: HttpRequest, found: Asset, template: str, words: dict[str, Any]) -> HttpResponse:
    shown = {"asset": found, "title": found.title, "description": found.description, "canonical": gate.address(found), "kind": assets.KINDS[found.kind]}
    return public.answer(request, template, {**shown, **words}, language=found.language, theme=public.usual_theme())


def _private(response: HttpResponse) -> HttpResponse:
    """What depends on who asks is kept by nobody."""
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Cookie"])
    return response


def _nothing(request: HttpRequest) -> HttpResponse:
    language = (request.headers.get("Accept-Language", "") or config().language)[:2]
    return public.answer(
        request,
        "content/public/nothing.html",
        {"title": "", "description": ""},
        language="en" if language == "en" else "ko",
        theme=public.usual_theme(),
        status=404,
    )


def _by_person(request: HttpRequest) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    verdict = evidence.judge(
        kind=Kind.LINK_CLICK, method=request.method or "", user_agent=headers.get("user-agent", ""), headers=headers, headless=config().demo
    )  # downloads ask for no page and videos for pieces, so what is missing for a page says little here
    return not verdict.machine
