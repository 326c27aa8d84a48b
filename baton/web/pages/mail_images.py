"""Images of mails, and the signs of social networks in them, as everybody sees them."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from baton.messaging.mail import images
from baton.messaging.mail.block_kinds import NETWORKS
from baton.platform.errors import NotFound

from ..page import Page


class MailImages(Page):
    key = "m"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("m/icons/<str:network>.png", icon), path("m/<str:key>", image)]


@require_safe
def image(request: HttpRequest, key: str) -> HttpResponse:
    """An image under its digest: it never changes, so whoever has it once need not ask again."""
    try:
        media_type, content = images.content(key)
    except NotFound:
        return HttpResponse(status=404)
    return _answer(media_type, content)


@require_safe
def icon(request: HttpRequest, network: str) -> HttpResponse:
    """The sign of a network. Its address stays the same for good: mails are read years later."""
    if network not in dict(NETWORKS):
        return HttpResponse(status=404)
    return _answer("image/png", (images.ICONS / f"{network}.png").read_bytes())


def _answer(media_type: str, content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # mail programs in a browser
    response["X-Content-Type-Options"] = "nosniff"
    return response
