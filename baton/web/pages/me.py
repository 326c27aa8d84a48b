"""The user's own choices: the language of the screens."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.platform.errors import Invalid

from ..page import Page
from ..shell import LANGUAGES

YEAR = 60 * 60 * 24 * 365


class Me(Page):
    key = "me"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("me/language/", language)]


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keep the choice with the user, and in a cookie for the sign-in page."""
    chosen = request.POST.get("language", "")
    if chosen not in dict(LANGUAGES):
        raise Invalid.one("language", "INVALID_OPTION", _("Choose one of the languages offered."))
    if request.user.is_authenticated:
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    back = request.POST.get("next", "/")
    response = redirect(back if url_has_allowed_host_and_scheme(back, None) else "/")
    response.set_cookie("django_language", chosen, max_age=YEAR, samesite="Lax", httponly=True)
    return response
