"""`/submissions/v3/integration/submit/{account}/{guid}`: forms of other sites and programs, sent as HubSpot's clients do."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponse
from django.urls import path
from django.utils.html import escape

from baton.accounts import users
from baton.api import auth
from baton.api.router import manners
from baton.events.wire import is_cookie
from baton.forms import consents, kept, receive, shown, spam, submissions, verbs
from baton.forms import fields as form_fields
from baton.forms.models import Form
from baton.platform import clock, logs, senders
from baton.platform.errors import Invalid, NotFound

log = logs.log(__name__)
OLDEST = timedelta(days=31)  # of `submittedAt`
LARGEST = 1024 * 1024  # bytes of a body
OLD_CONTEXT = {"hutk": "hutk", "ipAddress": "ipAddress", "pageUri": "pageUrl", "pageName": "pageName"}  # today's name: the first one
TEXTS = {"en": "Thank you. We have received your answer."}

# HubSpot's codes for a value that does not fit; all our finer ones are this.
KNOWN = {
    "MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED",
    "INVALID_EMAIL",
    "BLOCKED_EMAIL",
    "REQUIRED_FIELD",
    "INVALID_NUMBER",
    "INPUT_TOO_LARGE",
    "FIELD_NOT_IN_FORM_DEFINITION",
    "NUMBER_OUT_OF_RANGE",
    "VALUE_NOT_IN_FIELD_DEFINITION",
    "INVALID_METADATA",
    "INVALID_HUTK",
    "INVALID_IP_ADDRESS",
    "INVALID_PAGE_URI",
    "INVALID_LEGAL_OPTION_FORMAT",
    "MISSING_PROCESSING_CONSENT",
    "MISSING_PROCESSING_CONSENT_TEXT",
    "MISSING_COMMUNICATION_CONSENT_TEXT",
    "MISSING_LEGITIMATE_INTEREST_TEXT",
    "DUPLICATE_SUBSCRIPTION_TYPE_ID",
}


class Refused(Exception):
    """Faults of the request itself: (where, HubSpot's error type, text)."""

    def __init__(self, *faults: tuple[str, str, str]) -> None:
        super().__init__(faults)
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as understood."""

    values: dict[str, Any]
    cookie: str
    page_url: str
    page_title: str
    consent: bool | None
    consent_text: str
    at: datetime | None
    lenient: bool
    processing: bool = False  # whether the person agreed that the data is processed
    address: str = ""  # of the person, as the page says


def submit(request: HttpRequest, account: str, guid: str) -> HttpResponse:
    """Take an answer from anywhere; CORS is open to all."""
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "content-type"
        response["Access-Control-Max-Age"] = "86400"
    elif request.method != "POST":
        response = HttpResponse(status=405, headers={"Allow": "POST, OPTIONS"})
    else:
        response = _submit(request, account, guid)
    response["Access-Control-Allow-Origin"] = "*"
    return response


def secure_submit(request: HttpRequest, account: str, guid: str) -> HttpResponse:
    """The same for programs with a token."""
    auth.Needs("forms.write")(request)
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    return _submit(request, account, guid, trusted=True)


def upload(request: HttpRequest, account: str, guid: str) -> HttpResponse:
    """The first way to send a form: fields as a browser posts them, `hs_context` as JSON. 204, or 302 where the form leads on."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    given = request.POST
    try:
        context = json.loads(given.get("hs_context") or "{}")
    except (ValueError, RecursionError):
        context = None
    if not isinstance(context, dict):
        return _invalid(request, [("hs_context", "INVALID_METADATA", "Expected a JSON object.")])
    body = {
        "fields": [{"name": name, "value": value} for name, values in given.lists() if name != "hs_context" for value in values],
        "context": {mine: context.get(old) for mine, old in OLD_CONTEXT.items() if context.get(old)},
        "skipValidation": True,
    }
    answer = _submit(request, account, guid, json.dumps(body).encode())
    if answer.status_code != 200:
        return answer
    to = json.loads(answer.content).get("redirectUri")
    return HttpResponse(status=302, headers={"Location": to}) if to else HttpResponse(status=204)


def _submit(request: HttpRequest, account: str, guid: str, body: bytes = b"", *, trusted: bool = False) -> HttpResponse:
    try:
        sent = _read(body or request.body)
    except Refused as error:
        return _invalid(request, error.faults)
    trap = str(sent.values.pop(spam.TRAP, "") or "")
    through = senders.believed(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))
    evidence = spam.Evidence(trap=trap, timed=False, address=sent.address, through=through)
    about: dict[str, Any] = {
        "cookie": sent.cookie, "page_url": sent.page_url, "page_title": sent.page_title, "spoken": sent.consent_text, "at": sent.at, "lenient": sent.lenient,
        "via": "hubspot",
    }  # fmt: skip
    try:
        if account != str(users.account().pk):
            raise NotFound
        form = verbs.by_guid(guid)
        if not trusted and shown.to(form).definition["spam"]["captcha"]:
            return _invalid(request, [("form", "FORM_HAS_RECAPTCHA_ENABLED", "The form asks for a captcha: send it from a page.")])
        boxes = _boxes(form, sent)
        done = submissions.submit(form, sent.values, **about, boxes=boxes) if trusted else receive.take(form, sent.values, evidence, **about, boxes=boxes)
    except NotFound:
        return _error(request, 404, f"Form {guid} was not found.", errors=[{"message": f"Form {guid} was not found.", "errorType": "FORM_NOT_FOUND"}])
    except Invalid as error:
        return _invalid(request, [(p.path, p.code if p.code in KNOWN else "VALUE_NOT_IN_FIELD_DEFINITION", p.message) for p in error.problems])
    except Error:  # the database is away
        log.exception("submission kept for later")
        if not kept.keep(guid, sent.values, evidence, **about, boxes={consents.ELSEWHERE: True} if sent.consent else None):
            return _error(request, 503, "The answer cannot be taken now. Try again.", headers={"Retry-After": "10"})
        return JsonResponse({"inlineMessage": TEXTS["en"]})
    if done.redirect_url:
        return JsonResponse({"redirectUri": done.redirect_url})
    return JsonResponse({"inlineMessage": f"<p>{escape(done.thanks)}</p>"})


def _boxes(form: Form, sent: Sent) -> dict[str, bool] | None:
    """The form's own boxes as the request answers them. A form without one for e-mail still takes an agreement that another page asked for."""
    if sent.consent is None and not sent.processing:
        return None
    boxes = shown.to(form).definition["consent"]["boxes"]
    made = {box["key"]: sent.processing if box["kind"] == "processing" else bool(sent.consent) and box["channel"] == "email" for box in boxes}
    if sent.consent and not any(box["channel"] == "email" for box in boxes):
        made[consents.ELSEWHERE] = True
    return made


def _read(body: bytes) -> Sent:
    """Check everything about a request that does not need the form. Raises Refused."""
    if len(body) > LARGEST:
        raise Refused(("fields", "INPUT_TOO_LARGE", "The request is too large."))
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(("body", "INVALID_METADATA", "The body is not JSON.")) from None
    if not isinstance(raw, dict) or not isinstance(raw.get("fields"), list):
        raise Refused(("fields", "INVALID_METADATA", "Expected a list of fields."))
    context = raw.get("context") or {}
    if not isinstance(context, dict):
        raise Refused(("context", "INVALID_METADATA", "Expected an object."))
    values = _values(raw["fields"])
    processing, agreed, text = _consent(raw.get("legalConsentOptions"))
    _check_context(context)
    return Sent(
        values,
        cookie=str(context.get("hutk") or ""),
        page_url=str(context.get("pageUri") or ""),
        page_title=str(context.get("pageName") or ""),
        consent=agreed,
        consent_text=text,
        at=_at(raw.get("submittedAt")),
        lenient=raw.get("skipValidation") is True,
        processing=processing,
        address=str(context.get("ipAddress") or ""),
    )


def _values(fields: list[Any]) -> dict[str, Any]:
    """Values by name; a name that comes again makes a list. Newer embed codes put the object type before the name."""
    if len(fields) > form_fields.MOST:
        raise Refused(("fields", "MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED", f"More than {form_fields.MOST} values."))
    values: dict[str, Any] = {}
    for number, field in enumerate(fields):
        name = field.get("name") if isinstance(field, dict) else None
        value = field.get("value") if isinstance(field, dict) else None
        if not isinstance(name, str) or not name or isinstance(value, dict | list):
            raise Refused((f"fields[{number}]", "INVALID_METADATA", "Expected a name and a value."))
        name = name.removeprefix("0-1/")
        if str(field.get("objectTypeId") or "0-1") != "0-1":
            name = f"{field['objectTypeId']}/{name}"
        values[name] = [*(values[name] if isinstance(values[name], list) else [values[name]]), value] if name in values else value
    return values


def _check_context(context: Mapping[str, Any]) -> None:
    hutk, uri, address = context.get("hutk"), context.get("pageUri"), context.get("ipAddress")
    faults = []
    if hutk and not (isinstance(hutk, str) and is_cookie(hutk)):
        faults.append(("context.hutk", "INVALID_HUTK", "Expected 32 hexadecimal digits."))
    if uri:
        try:
            parts = urlsplit(str(uri) if "://" in str(uri) else f"//{uri}")
            good = bool(parts.hostname) and parts.scheme in ("", "http", "https") and not re.search(r"\s", str(uri))
        except ValueError:
            good = False
        if not good:
            faults.append(("context.pageUri", "INVALID_PAGE_URI", "Expected an address."))
    if address:
        try:
            ip_address(str(address))
        except ValueError:
            faults.append(("context.ipAddress", "INVALID_IP_ADDRESS", "Expected an IP address."))
    if faults:
        raise Refused(*faults)


def _at(raw: Any) -> datetime | None:
    if raw in (None, ""):
        return None
    now = clock.now()
    try:
        at = datetime.fromtimestamp(int(str(raw)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused(("submittedAt", "INVALID_METADATA", "Expected milliseconds since 1970.")) from None
    if not now - OLDEST <= at <= now + timedelta(minutes=5):
        raise Refused(("submittedAt", "INVALID_METADATA", f"Expected a time of the last {OLDEST.days} days."))
    return at


def _consent(raw: Any) -> tuple[bool, bool | None, str]:
    """Whether the person agreed that the data is processed, and to be written to (None: not asked), and to which words."""
    if raw is None:
        return False, None, ""
    where = "legalConsentOptions"
    if not isinstance(raw, dict) or len({"consent", "legitimateInterest"} & set(raw)) != 1:
        raise Refused((where, "INVALID_LEGAL_OPTION_FORMAT", "Expected either consent or legitimateInterest."))
    if "legitimateInterest" in raw:
        interest = raw["legitimateInterest"]
        if not isinstance(interest, dict) or interest.get("legalBasis") not in ("CUSTOMER", "LEAD"):
            raise Refused((where, "INVALID_LEGAL_OPTION_FORMAT", "Expected a legal basis: CUSTOMER or LEAD."))
        if not interest.get("text"):
            raise Refused((where, "MISSING_LEGITIMATE_INTEREST_TEXT", "The text shown is missing."))
        return True, None, ""  # an interest of ours is no agreement of theirs
    consent = raw["consent"]
    if not isinstance(consent, dict):
        raise Refused((where, "INVALID_LEGAL_OPTION_FORMAT", "Expected an object."))
    if consent.get("consentToProcess") is not True:
        raise Refused((where, "MISSING_PROCESSING_CONSENT", "The person has not agreed that the data is processed."))
    if not consent.get("text"):
        raise Refused((where, "MISSING_PROCESSING_CONSENT_TEXT", "The text shown is missing."))
    communications = consent.get("communications") or []
    if not isinstance(communications, list) or not all(isinstance(c, dict) for c in communications):
        raise Refused((where, "INVALID_LEGAL_OPTION_FORMAT", "Expected a list of communications."))
    types = [c.get("subscriptionTypeId") for c in communications]
    if len(set(map(str, types))) != len(types):
        raise Refused((where, "DUPLICATE_SUBSCRIPTION_TYPE_ID", "A subscription type is named twice."))
    if any(not c.get("text") for c in communications):
        raise Refused((where, "MISSING_COMMUNICATION_CONSENT_TEXT", "The text shown is missing."))
    agreed = [c for c in communications if c.get("value") is True]
    return True, bool(agreed) if communications else None, str(agreed[0]["text"]) if agreed else str(consent["text"])


def _invalid(request: HttpRequest, faults: list[tuple[str, str, str]]) -> HttpResponse:
    errors = [{"message": f"Error in '{where}'. {text}", "errorType": kind} for where, kind, text in faults]
    return _error(request, 400, "The request is not valid", errors=errors)


def _error(
    request: HttpRequest, status: int, message: str, *, errors: list[dict[str, str]] | None = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    body: dict[str, Any] = {"status": "error", "message": message, "correlationId": getattr(request, "correlation_id", "")}
    if errors:
        body["errors"] = errors
    return JsonResponse(body, status=status, headers=headers)


urlpatterns = [
    *(
        path(f"submissions/v3/integration/{way}/<account>/<guid>{slash}", manners(view))
        for way, view in (("submit", submit), ("secure/submit", secure_submit))
        for slash in ("", "/")
    ),
    path("uploads/form/v2/<account>/<guid>", manners(upload)),
    path("uploads/form/v2/<account>/<guid>/", manners(upload)),
]
