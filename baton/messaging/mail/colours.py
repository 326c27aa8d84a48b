"""Colours of mails: what can be read on what (WCAG 2.2, 1.4.3), and what a colour becomes where mails are dark."""

import colorsys
from functools import lru_cache

WHITE, INK = "#ffffff", "#111827"
READABLE = 4.5  # contrast of usual text
DARK_PAGE, DARK_PAPER, DARK_INK, DARK_LINE = "#101216", "#1b1e24", "#e7e9ec", "#3b4048"


@lru_cache(maxsize=4096)
def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def on(ground: str) -> str:
    """What is written on a ground of this colour: white where that can be read."""
    return WHITE if contrast(WHITE, ground) >= READABLE or contrast(WHITE, ground) >= contrast(INK, ground) else INK


def is_light(colour: str) -> bool:
    """Whether dark letters are read better on it than white ones."""
    return contrast(INK, colour) > contrast(WHITE, colour)


@lru_cache(maxsize=1024)
def legible(colour: str, ground: str) -> str:
    """The colour, as much lighter or darker as it takes to be read on the ground; its hue stays."""
    red, green, blue = (part / 255 for part in _parts(colour))
    hue, light, full = colorsys.rgb_to_hls(red, green, blue)
    step = -0.02 if is_light(ground) else 0.02
    found = colour
    while contrast(found, ground) < READABLE and 0 < light + step < 1:
        light += step
        found = _written(*colorsys.hls_to_rgb(hue, light, full))
    return found if contrast(found, ground) >= READABLE else on(ground)


def darkened(colour: str) -> str:
    """A light ground as it is where mails are dark: the same hue, as dark as the paper; what is dark already stays."""
    if not is_light(colour):
        return colour
    hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in _parts(colour)))
    return _written(*colorsys.hls_to_rgb(hue, 0.13 + (1 - light) * 0.15, min(full, 0.25)))


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _written(*parts: float) -> str:
    return "#" + "".join(f"{round(min(max(part, 0), 1) * 255):02x}" for part in parts)


def _luminance(colour: str) -> float:
    red, green, blue = (part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
