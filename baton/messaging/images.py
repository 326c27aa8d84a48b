"""Images of mails: checked, freed of what a camera wrote into them, kept once, and served by Baton under an address that never shows another image."""

from dataclasses import dataclass
from datetime import datetime

from baton.platform.actor import Actor
from baton.platform.config import config

LARGEST = 5 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class About:
    """An image without its bytes. `key` is what a block holds: `<digest>.png`."""

    key: str
    name: str
    media_type: str
    size: int
    width: int
    height: int
    created_at: datetime


def add(name: str, content: bytes, *, actor: Actor) -> About:
    """Keep an image; the same bytes are kept once. Raises Invalid at `image`: not PNG, JPEG or GIF, too large, too many dots."""
    raise NotImplementedError


def known(search: str = "", limit: int = 60) -> list[About]:
    """Images to choose from, newest first."""
    raise NotImplementedError


def address(key: str) -> str:
    """Where everybody can see it."""
    return f"{config().url}/m/{key}" if key else ""
