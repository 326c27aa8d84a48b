"""What the public pages of Baton share: landing pages and the pages of content. Their look, their headers, and the colours of a company."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from baton.accounts import users
from baton.content import assets, blocks
from baton.content.models import LandingPage
from baton.platform.config import config

# Videos of YouTube and Vimeo stand in frames of theirs; nothing else comes from other hosts, but what a page plays (media) or an editor chose.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' https:; font-src 'self'; connect-src 'self'"
    "; frame-src 'self' https://www.youtube-nocookie.com https://player.vimeo.com; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {by}"
)
WHITE, DARK = (255, 255, 255), (22, 24, 30)
READABLE = 4.5  # contrast of text (WCAG AA)

Colour = tuple[int, int, int]


def answer(
    request: HttpRequest, template: str, words: dict[str, Any], *, language: str, theme: dict[str, str], framed: bool = False, status: int = 200
) -> HttpResponse:
    """A public page in its own language. `framed`: Baton's own pages may show it in a frame (a preview), and it tracks nobody."""
    with translation.override(language):
        found = {**words, "page_language": language, "theme": theme, "brand": users.account(), "base": config().url, "preview": framed}
        response = render(request, template, found, status=status)
    response["Content-Language"] = language
    response["Content-Security-Policy"] = POLICY.format(by="'self'" if framed else "'none'")
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    if framed:
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["X-Robots-Tag"] = "noindex"
    return response


def usual_theme() -> dict[str, str]:
    """The look of pages that have none of their own: that of the landing page published last."""
    content = (
        LandingPage.objects.filter(archived_at=None, published__isnull=False).order_by("-published__published_at").values_list("published__content", flat=True)
    )
    return blocks.theme((content.first() or {}).get("theme"))


def video(url: str) -> dict[str, str]:
    """How a video is shown: {"frame": address} for players of others, {"file": address} for a file."""
    player, id = assets.player(url)
    match player:
        case "youtube":
            return {"frame": f"https://www.youtube-nocookie.com/embed/{id}?enablejsapi=1&rel=0"}
        case "vimeo":
            return {"frame": f"https://player.vimeo.com/video/{id}?dnt=1"}
    return {"file": id} if id else {}


@lru_cache(256)
def colours(accent: str) -> str:
    """A style sheet with the tokens that follow from one colour (`365fe0`): what stands on it, and as text on light and on dark ground."""
    colour = (int(accent[0:2], 16), int(accent[2:4], 16), int(accent[4:6], 16))
    on = WHITE if contrast(colour, WHITE) >= contrast(colour, DARK) else DARK
    return (
        f":root{{--accent:#{accent};--on-accent:{_hex(on)};--accent-on-light:{_hex(_until(colour, WHITE, (0, 0, 0)))};"
        f"--accent-on-dark:{_hex(_until(colour, DARK, WHITE))}}}\n"
    )


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _until(colour: Colour, ground: Colour, towards: Colour) -> Colour:
    """The colour, moved towards another until text in it can be read on this ground."""
    for step in range(21):
        moved = tuple(round(a + (b - a) * step / 20) for a, b in zip(colour, towards, strict=True))
        if contrast((moved[0], moved[1], moved[2]), ground) >= READABLE:
            return moved[0], moved[1], moved[2]
    return towards


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (value / 255 for value in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
