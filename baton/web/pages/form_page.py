"""What the public sees of a form: its hosted page, and the script that puts it into any other page."""

import hashlib
import json
from functools import cache
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from baton.events.wire import COOKIE
from baton.forms import fields, kept, spam, submissions, verbs
from baton.forms.models import Form
from baton.platform.errors import Invalid, NotFound

from ..middleware import POLICY
from ..page import Page

SCRIPT = settings.BASE / "web" / "static" / "dist" / "form-embed.js"
JAVASCRIPT = "text/javascript; charset=utf-8"
ABOUT = frozenset({"consent", "hutk", "page_url", "page_title"})  # what is sent beside the answers
INPUTS = {"email": "email", "phone": "tel", "number": "number", "date": "date", "url": "url", "hidden": "hidden"}
COMPLETE = {"email": "email", "firstname": "given-name", "lastname": "family-name", "phone": "tel", "mobilephone": "tel", "company": "organization",
            "jobtitle": "organization-title", "website": "url", "city": "address-level2", "country": "country-name"}  # fmt: skip


class FormPage(Page):
    key = "f"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("f/<guid>.js", script, name="form_script"), path("f/<guid>/", hosted, name="form_page"), path("f/<guid>", hosted)]


@csrf_exempt  # anybody may send a form, from any site; no session is read
def hosted(request: HttpRequest, guid: str) -> HttpResponse:
    """The form as a page (GET), and where every form is sent (POST): answers JSON to the script and a page to a browser."""
    json_wanted = "application/json" in request.headers.get("Accept", "")
    try:
        form = verbs.by_guid(guid)
    except NotFound as error:
        response = JsonResponse({"error": str(error)}, status=404) if json_wanted else _page(request, "forms/closed.html", {}, status=404)
        return _open_to_all(response)
    except Error:
        if request.method != "POST" or not kept.keep(guid, **_sent(request)):
            raise
        return _open_to_all(JsonResponse({"thanks": _("Thank you. We have received your answer."), "redirect": ""}))
    with translation.override(form.language):
        if request.method == "POST":
            response = _submit(request, form, json_wanted)
        elif request.method in ("GET", "HEAD"):
            response = _form(request, form)
        else:
            response = HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    return _open_to_all(response)


def _submit(request: HttpRequest, form: Form, json_wanted: bool) -> HttpResponse:
    sent = _sent(request)
    if spam.is_spam(sent["values"]):
        done = submissions.Submission(0, submissions.thanks(form), form.redirect_url)
    else:
        try:
            done = submissions.submit(form, **sent)
        except Invalid as error:
            if json_wanted:
                return JsonResponse({"problems": [{"path": p.path, "code": p.code, "message": p.message} for p in error.problems]}, status=422)
            return _form(request, form, faults={p.path.removeprefix("fields."): p.message for p in reversed(error.problems)}, given=request.POST, status=422)
        except Error:
            if not kept.keep(str(form.guid), **sent):
                raise
            done = submissions.Submission(0, submissions.thanks(form), form.redirect_url)
    if json_wanted:
        return JsonResponse({"thanks": done.thanks, "redirect": done.redirect_url})
    if done.redirect_url:
        return HttpResponse(status=303, headers={"Location": done.redirect_url})
    return _page(request, "forms/thanks.html", {"form": form, "thanks": done.thanks})


def _sent(request: HttpRequest) -> dict[str, Any]:
    """The arguments of `submissions.submit` in a posted form. The page's address may come from the script, else from the browser."""
    values = {name: found if len(found) > 1 else found[0] for name, found in request.POST.lists() if name not in ABOUT}
    if not spam.is_spam(values):
        values.pop(spam.TRAP, None)
    page_url = request.POST.get("page_url") or request.build_absolute_uri(request.path)
    return {
        "values": values,
        "cookie": request.POST.get("hutk") or request.COOKIES.get(COOKIE, ""),
        "page_url": page_url if page_url.startswith(("http://", "https://")) else "",
        "page_title": request.POST.get("page_title", ""),
        "consent": request.POST.get("consent") == "true",
    }


def _form(request: HttpRequest, form: Form, *, faults: dict[str, str] | None = None, given: Any = None, status: int = 200) -> HttpResponse:
    faults = faults or {}
    rows = []
    for field in definition(form)["fields"]:
        chosen = given.getlist(field["name"]) if given else []
        rows.append({**field, "fault": faults.get(field["name"], ""), "chosen": chosen, "value": chosen[0] if chosen else ""})
    words = {
        "form": form,
        "rows": rows,
        "faults": faults,
        "consent_fault": faults.get("consent", ""),
        "consented": bool(given and given.get("consent")),
        "trap": spam.TRAP,
    }
    return _page(request, "forms/hosted.html", words, status=status)


def _page(request: HttpRequest, template: str, words: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, template, {**words, "page_language": translation.get_language()}, status=status)
    response["Content-Language"] = translation.get_language() or ""
    return response


def _open_to_all(response: HttpResponse) -> HttpResponse:
    """Any site may frame the page and send to it; a browser may follow the form's redirect."""
    policy = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")
    response["Content-Security-Policy"] = policy.replace("form-action 'self'", "form-action 'self' https: http:")
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    if "Cache-Control" not in response:
        response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def definition(form: Form) -> dict[str, Any]:
    """What a page must know to show the form: texts in the form's language, inputs with their browser types."""
    with translation.override(form.language):
        rows = [
            {
                "name": field["name"],
                "label": field["label"],
                "type": field["type"],
                "input": INPUTS.get(field["type"], "text"),
                "complete": COMPLETE.get(field["name"], ""),
                "required": bool(field.get("required")),
                "placeholder": field.get("placeholder") or "",
                "options": fields.options(field) if field["type"] in ("choice", "multi_choice") else [],
            }
            for field in form.fields
        ]
        return {
            "guid": str(form.guid),
            "language": form.language,
            "fields": rows,
            "consent": {"label": form.consent["label"], "required": bool(form.consent.get("required"))} if form.consent else None,
            "submit": form.submit_label or _("Send"),
            "trap": spam.TRAP,
            "words": {
                "choose": _("Please choose"),
                "required": _("required"),
                "failed": _("That did not work. Please try again in a moment."),
                "sending": _("Sending…"),
            },
        }


def script(request: HttpRequest, guid: str) -> HttpResponse:
    """The form as a script: it puts the form where its tag stands, or into `[data-baton-form=<guid>]`."""
    try:
        form = verbs.by_guid(guid)
    except NotFound:
        text = f"console.warn({json.dumps(f'Baton: there is no form {guid}')});\n"
        response = HttpResponse(text, status=404, content_type=JAVASCRIPT)
        return _open_to_all(response)
    about = (
        json.dumps(definition(form), ensure_ascii=False, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    text = f"(function(BATON_FORM){{{_code()}}})({about});\n"
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
    known = request.headers.get("If-None-Match") in (tag, f"W/{tag}")
    response = HttpResponse(status=304) if known else HttpResponse(text, content_type=JAVASCRIPT)
    response["ETag"] = tag
    response["Cache-Control"] = "public, max-age=60"
    return _open_to_all(response)


@cache
def _code() -> str:
    return SCRIPT.read_text()
