"""The mail catcher's pages: what the sample company's customers and colleagues would find in their mailboxes."""

import re
from functools import cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.template import Engine
from django.template.context import Context
from django.utils.translation import get_language

from baton.demo import mail
from baton.platform.config import config

FOLDER = Path(__file__).resolve().parent
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
# A mail brings its own inline styles and may load pictures (the open pixel among them), but never run anything.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self';"
    " sandbox allow-popups allow-popups-to-escape-sandbox"
)


@cache
def _engine() -> Engine:
    return Engine(
        dirs=[str(FOLDER / "templates")],
        autoescape=True,
        libraries={"i18n": "django.templatetags.i18n"},
        builtins=["django.templatetags.i18n", "django.templatetags.tz"],
    )


def _page(request: HttpRequest, template: str, **words: object) -> HttpResponse:
    words |= {"language": get_language() or "ko", "zone": config().time_zone}
    response = HttpResponse(_engine().get_template(f"inbox/{template}.html").render(Context(words)))
    response["Content-Security-Policy"] = POLICY
    response["Cache-Control"] = "no-store"
    return response


def listing(request: HttpRequest) -> HttpResponse:
    """All caught mails, newest first; `?to=` narrows to one address."""
    to = request.GET.get("to", "").strip()
    return _page(request, "list", mails=mail.newest(to=to), to=to)


def latest(request: HttpRequest) -> HttpResponse:
    """The key of the newest mail, for the open list to know when to load itself again."""
    found = mail.newest(limit=1)
    return HttpResponse(found[0].key if found else "", content_type="text/plain", headers={"Cache-Control": "no-store"})


def message(request: HttpRequest, key: str) -> HttpResponse:
    """One mail: its headers, and its HTML part in a frame of its own."""
    found = mail.read(key)
    if found is None:
        raise Http404
    summary, parsed = found
    headers = [(k, str(v)) for k, v in parsed.items()]
    text = parsed.get_body(("plain",))
    return _page(request, "message", mail=summary, headers=headers, text=text.get_content() if text else "", has_html=parsed.get_body(("html",)) is not None)


def html(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML part as a mail client shows it: nothing runs, links open in a new tab."""
    found = mail.read(key)
    part = found[1].get_body(("html",)) if found else None
    if part is None:
        raise Http404
    # Links hold the public address; the reader may have come by another name of the same machine (127.0.0.1, localhost).
    body = re.sub(rf"""(href|src)=(["']){re.escape(config().url)}/""", r"\1=\2/", part.get_content())
    target = '<base target="_blank">'
    body = re.sub(r"(?i)<head([^>]*)>", rf"<head\1>{target}", body, count=1) if re.search(r"(?i)<head[\s>]", body) else target + body
    response = HttpResponse(body)
    response["Content-Security-Policy"] = MAIL_POLICY
    response["Cache-Control"] = "no-store"
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def static(request: HttpRequest, name: str) -> HttpResponse:
    """The inbox's style sheet and script."""
    kinds = {"inbox.css": "text/css", "inbox.js": "text/javascript"}
    if name not in kinds:
        raise Http404
    return HttpResponse((FOLDER / "static" / "inbox" / name).read_bytes(), content_type=kinds[name])
