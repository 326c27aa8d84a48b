"""What every answer of the pages has in common: security headers, the user's language, errors as pages."""

from collections.abc import Callable

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from baton.platform import logs
from baton.platform.errors import Conflict, DomainError, Forbidden, Invalid, NotFound

from .answer import toast

log = logs.log(__name__)
Next = Callable[[HttpRequest], HttpResponse]

# `style` attributes carry numbers for drawings (a bar's length); style sheets and scripts come from files only.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
TITLES = {404: _lazy("There is nothing here"), 403: _lazy("You may not see this"), 409: _lazy("Somebody was faster"), 422: _lazy("This cannot be saved")}
STATUS: dict[type[DomainError], int] = {NotFound: 404, Forbidden: 403, Conflict: 409, Invalid: 422}


class SecurityHeaders:
    """A view that must be framed or must load more says so by setting the header itself."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if settings.SESSION_COOKIE_SECURE:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response


class Language:
    """The user's choice; else the browser's (cookie of an earlier choice, Accept-Language); else the account's."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = ""
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            chosen = getattr(request.user, "language", "")
        language = chosen or translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
            if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                response.render()
        response.headers.setdefault("Content-Language", language)
        return response


class DomainErrors:
    """Errors of the domain become pages, or for htmx a toast that leaves the page as it is."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "htmx", False) and response.status_code in (403, 404, 405, 409) and "HX-Reswap" not in response:
            return _quiet(response.status_code, _("This no longer exists, or you may not do this."))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DataError):
            log.warning("the database refused a value", path=request.path, error=str(exception).splitlines()[0])
            exception = Invalid.one("", "INVALID_TEXT", _("The text contains characters that cannot be stored."))
        status = next((code for kind, code in STATUS.items() if isinstance(exception, kind)), 0)
        if not status:
            return None
        text = "; ".join(p.message for p in exception.problems) if isinstance(exception, Invalid) else str(exception)
        if getattr(request, "htmx", False):
            return _quiet(status, text)
        return render(request, "errors/page.html", {"title": TITLES[status], "text": text}, status=status)


def _quiet(status: int, text: str) -> HttpResponse:
    response = toast(HttpResponse(status=status), text)
    response["HX-Reswap"] = "none"
    return response
