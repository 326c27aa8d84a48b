"""What the public sees of a form: its hosted page, the script that puts it into any other page, the file it hands out, and the yes to a mail's question."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from baton.accounts import tokens, users
from baton.content import gate
from baton.events.wire import COOKIE, storable
from baton.forms import captcha, consents, handing, intake, kept, known, public, receive, shown, spam, submissions, verbs
from baton.forms.fields import Upload
from baton.forms.models import Form, FormVersion
from baton.forms.shown import Shown
from baton.forms.submissions import Submission
from baton.platform import senders
from baton.platform.errors import Invalid, NotFound

from ..middleware import POLICY
from ..page import Page

SCRIPT = settings.BASE / "web" / "static" / "dist" / "form-embed.js"
JAVASCRIPT = "text/javascript; charset=utf-8"
BOX, VERSION = "consent.", "baton_version"
# What is sent beside the answers.
ABOUT = frozenset({"hutk", "page_url", "page_title", VERSION, spam.TRAP, spam.TIME, *captcha.ANSWER.values(), "g-recaptcha-response"})
YEAR = 395 * 24 * 3600  # seconds the visitor's cookie lives
LARGEST = 25 * 1024 * 1024  # bytes of an answer with its files


class FormPage(Page):
    key = "f"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("f/<guid>.js", script, name="form_script"),
            path("f/file/<str:token>", handed),
            path("f/confirm/<str:token>", confirm, name="form_confirm"),
            path("f/<guid>/known", skip),
            path("f/<guid>/intake", taken_in),
            path("f/<guid>/", hosted, name="form_page"),
            path("f/<guid>", hosted),
        ]


@dataclass(slots=True)
class Sent:
    """A posted form: the answers, what tells a robot, and what `submissions.submit` takes beside the answers."""

    values: dict[str, Any]
    evidence: spam.Evidence
    about: dict[str, Any]
    uploads: dict[str, Upload] = field(default_factory=dict)


@csrf_exempt  # anybody may send a form, from any site; no session is read
def hosted(request: HttpRequest, guid: str) -> HttpResponse:
    """The form as a page (GET), and where every form is sent (POST): answers JSON to the script and a page to a browser."""
    json_wanted = "application/json" in request.headers.get("Accept", "")
    if request.method == "POST" and int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return _open_to_all(JsonResponse({"problems": [{"path": "", "code": "INPUT_TOO_LARGE", "message": _("That is too large.")}]}, status=422))
    try:
        form = verbs.by_guid(guid)
        seen = shown.to(form, _cookie(request))
    except NotFound as error:
        response = JsonResponse({"error": str(error)}, status=404) if json_wanted else _page(request, "forms/closed.html", {}, status=404)
        return _open_to_all(response)
    except Error:
        if request.method != "POST" or not _keep(guid, _sent(request)):
            raise
        return _open_to_all(JsonResponse({"thanks": _("Thank you. We have received your answer."), "redirect": ""}))
    with translation.override(seen.definition["language"]):
        if request.method == "POST":
            response = _submit(request, form, seen, json_wanted)
        elif request.method in ("GET", "HEAD"):
            response = _form(request, form, seen)
        else:
            response = HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    return _open_to_all(response, seen)


def _submit(request: HttpRequest, form: Form, seen: Shown, json_wanted: bool) -> HttpResponse:
    sent = _sent(request)
    try:
        done = receive.take(form, sent.values, sent.evidence, uploads=sent.uploads, **sent.about)
    except Invalid as error:
        if json_wanted:
            return JsonResponse({"problems": [{"path": p.path, "code": p.code, "message": p.message} for p in error.problems]}, status=422)
        there = shown.answered(form, sent.about["version"], sent.about["cookie"])
        return _form(request, form, there, faults={p.path.removeprefix("fields."): p.message for p in reversed(error.problems)}, given=request.POST, status=422)
    except Error:
        if not _keep(str(form.guid), sent):
            raise
        done = submissions.as_if_taken(form, seen)
    if opens := gate.after_form(sent.about["page_url"], form.pk, done.contact_id):
        done = replace(done, redirect_url=request.build_absolute_uri(opens))  # it was asked for before a piece of content
    return _thanked(request, form, done, json_wanted)


def _thanked(request: HttpRequest, form: Form, done: Submission, json_wanted: bool) -> HttpResponse:
    file = f"/f/file/{done.file}" if done.file else ""
    if json_wanted:
        answer = {"thanks": done.thanks, "redirect": done.redirect_url, "file": request.build_absolute_uri(file) if file else "", "cookie": done.cookie}
        return JsonResponse({word: text for word, text in answer.items() if text or word in ("thanks", "redirect")})
    if done.redirect_url:
        response = HttpResponse(status=303, headers={"Location": done.redirect_url})
    else:
        response = _page(request, "forms/thanks.html", {"form": form, "thanks": done.thanks, "file": file})
    if done.cookie and COOKIE in request.COOKIES:
        response.set_cookie(COOKIE, done.cookie, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    return response


def _sent(request: HttpRequest) -> Sent:
    """A posted form. The page's address may come from the script, else from the browser."""
    given = request.POST
    values = {name: found if len(found) > 1 else found[0] for name, found in given.lists() if name not in ABOUT and not name.startswith(BOX)}
    page_url = given.get("page_url") or request.build_absolute_uri(request.path)
    number = given.get(VERSION, "")
    return Sent(
        values,
        spam.Evidence(
            trap=given.get(spam.TRAP, "")[:200], drawn=given.get(spam.TIME, "")[:200], address=_address(request),
            captcha=next((given[name] for name in captcha.ANSWER.values() if given.get(name)), ""),
        ),
        {
            "cookie": given.get("hutk") or _cookie(request),
            "page_url": page_url if page_url.startswith(("http://", "https://")) else "",
            "page_title": given.get("page_title", ""),
            "boxes": {name.removeprefix(BOX): value == "true" for name, value in given.items() if name.startswith(BOX)},
            "version": int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0,
            "via": "page",
        },
        {name: Upload(one.name or "", one.read()) for name, one in request.FILES.items() if isinstance(one, UploadedFile)},
    )  # fmt: skip


def _keep(guid: str, sent: Sent) -> bool:
    return kept.keep(guid, sent.values, sent.evidence, uploads=sent.uploads, **sent.about)


def _cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(COOKIE, "")


def _address(request: HttpRequest) -> str:
    return senders.believed(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


def _form(request: HttpRequest, form: Form, seen: Shown, *, faults: dict[str, str] | None = None, given: Any = None, status: int = 200) -> HttpResponse:
    words = drawn(seen, faults=faults, given=given, skipped=known.skipped(form, seen.definition, _cookie(request)))
    words |= {"form": form, "trap": spam.TRAP, "time_name": spam.TIME, "time": spam.drawn()}
    words["page_url"] = gate.page_of(request.GET.get("for", "")) or (given.get("page_url", "") if given else "")
    return _page(request, "forms/hosted.html", words, status=status)


def drawn(seen: Shown, *, faults: dict[str, str] | None = None, given: Any = None, skipped: Any = ()) -> dict[str, Any]:
    """What the template `forms/fields.html` draws of a version: also for a preview of a draft (`Shown(0, whole(draft))`)."""
    faults = faults or {}
    about = public.version(seen)
    steps = {name: number for number, step in enumerate(seen.definition["steps"]) for name in step["fields"]}
    rows = []
    for one, shape in zip(seen.definition["fields"], about["fields"], strict=True):
        if one["name"] in skipped:
            continue
        chosen = (
            given.getlist(one["name"]) if given else [str(v) for v in (one["default"] if isinstance(one["default"], list) else [one["default"]]) if v != ""]
        )
        rows.append(
            {
                **one, "label": one.get("label", ""), "input": shape.get("i", "text"), "complete": shape.get("c", ""), "options": shape.get("o", []),
                "checks": shape.get("x", {}), "fault": faults.get(one["name"], ""), "chosen": chosen, "value": chosen[0] if chosen else "",
                "must": one["required"] and not one["when"], "html": public.clean(one["text"]) if one["type"] == "richtext" else "",
                "step": steps.get(one["name"], 0),
            }
        )  # fmt: skip
    titles = [step["title"] for step in seen.definition["steps"]] or [""]
    boxes = [
        {**box, "fault": faults.get(f"{BOX}{box['key']}", ""), "ticked": bool(given and given.get(f"{BOX}{box['key']}"))}
        for box in seen.definition["consent"]["boxes"]
    ]
    return {
        "seen": seen, "groups": [{"title": title, "rows": [row for row in rows if row["step"] == number]} for number, title in enumerate(titles)],
        "boxes": boxes, "notice": about.get("notice", []), "submit": about["submit"], "captcha": about.get("captcha"), "faults": faults,
        "captcha_fault": faults.get("captcha", ""), "files": any(row["type"] == "file" for row in rows),
    }  # fmt: skip


def _page(request: HttpRequest, template: str, words: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, template, {**words, "page_language": translation.get_language()}, status=status)
    response["Content-Language"] = translation.get_language() or ""
    return response


def _open_to_all(response: HttpResponse, seen: Shown | None = None) -> HttpResponse:
    """Any site may frame the page and send to it; a browser may follow the form's redirect, and load the captcha if there is one."""
    policy = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *").replace("form-action 'self'", "form-action 'self' https: http:")
    if seen is not None and (service := seen.definition["spam"]["captcha"]):
        there = captcha.POLICY[service]
        for word in ("script-src", "style-src", "connect-src"):
            policy = policy.replace(f"{word} 'self'", f"{word} 'self' {there}")
        policy += f"; frame-src 'self' {there}"
    response["Content-Security-Policy"] = policy
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    if "Cache-Control" not in response:
        response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def script(request: HttpRequest, guid: str) -> HttpResponse:
    """The form as a script: it puts the form where its tag stands, or into `[data-baton-form=<guid>]`."""
    try:
        form = verbs.by_guid(guid)
        about = {**public.told(form, *shown.both(form)), "guid": guid}  # as the page calls it: perhaps by a former id
    except NotFound:
        text = f"console.warn({json.dumps(f'Baton: there is no form {guid}')});\n"
        response = HttpResponse(text, status=404, content_type=JAVASCRIPT)
        return _open_to_all(response)
    tag = f'"{hashlib.sha256((json.dumps(about) + _code()).encode()).hexdigest()[:20]}"'
    known_already = request.headers.get("If-None-Match") in (tag, f"W/{tag}")
    plain = json.dumps({**about, "time": [spam.TIME, spam.drawn()]}, ensure_ascii=False, separators=(",", ":"))
    data = plain.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    response = HttpResponse(status=304) if known_already else HttpResponse(f"(function(BATON_FORM){{{_code()}}})({data});\n", content_type=JAVASCRIPT)
    response["ETag"] = tag
    response["Cache-Control"] = "public, max-age=60"
    return _open_to_all(response)


@cache
def _code() -> str:
    return SCRIPT.read_text()


def skip(request: HttpRequest, guid: str) -> HttpResponse:
    """Which fields the browser with this cookie need not be shown: names only, and for an unknown cookie the same as for a new visitor."""
    try:
        form = verbs.by_guid(guid)
        cookie = request.GET.get("c", "")
        response = JsonResponse({"skip": known.skipped(form, shown.to(form, cookie).definition, cookie)})
    except NotFound as error:
        response = JsonResponse({"error": str(error)}, status=404)
    return _open_to_all(response)


@require_http_methods(["GET", "HEAD"])
def handed(request: HttpRequest, token: str) -> HttpResponse:
    """The file a form hands out, to whoever has the link, until it expires. A forged or old link is a 404."""
    name, media_type, content = handing.take(token, follow=request.method == "GET")
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@csrf_exempt  # the token in the address is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the mail that asks whether the sender of a form was the owner of the address.

    A GET only shows a button: scanners and previews follow every link of a mail. The POST of the button confirms.
    """
    row = consents.pending(token)
    version = FormVersion.objects.get(form_id=row.form_id, number=row.version)
    with translation.override(version.definition.get("language", "ko")):
        if request.method == "POST":
            row = consents.confirm(token, network=spam.network(_address(request)))
        words = {"texts": [one["text"] for one in row.consents], "sender": users.account().name, "done": row.confirmed_at is not None, "address": row.address}
        response = _page(request, "forms/confirm.html", words)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


@csrf_exempt  # the key in the header is the proof
@require_http_methods(["POST"])
def taken_in(request: HttpRequest, guid: str) -> HttpResponse:
    """One response of a Google form or sheet, with the form's own key or a token that may write forms."""
    try:
        form = verbs.by_guid(guid)
        if not _may_send(form, request.headers.get("Authorization", "").removeprefix("Bearer ").strip()):
            return JsonResponse({"error": _("The key is not the one of this form.")}, status=401)
        body = json.loads(request.body) if len(request.body) <= 1024 * 1024 else None
        done = intake.take(form, body)
    except NotFound as error:
        return JsonResponse({"error": str(error)}, status=404)
    except (ValueError, RecursionError):
        return JsonResponse({"error": _("Expected JSON.")}, status=400)
    except Invalid as error:
        return JsonResponse({"problems": [{"path": p.path, "code": p.code, "message": p.message} for p in error.problems]}, status=422)
    return JsonResponse({"contact": done.contact_id})


def _may_send(form: Form, key: str) -> bool:
    if intake.is_secret(form, storable(key, 200)):
        return True
    token = tokens.find(key)
    return token is not None and tokens.allows(token, "forms.write")
