"""Images of mails: checked, freed of what a camera wrote into them, kept once, and served by Baton under an address that never shows another image."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm.files import clean_name, media_type
from baton.messaging.models import MailImage
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound

LARGEST = 5 * 1024 * 1024  # bytes
WIDEST = 6000  # dots
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}  # what Outlook, Gmail and Naver all show
ICONS = Path(__file__).parent / "mail_icons"
OURS = Path(__file__).parent / "mail_images"  # those of the gallery; they never change their names: mails are read years later
KEPT_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"cHRM", b"iCCP", b"pHYs", b"acTL", b"fcTL", b"fdAT"}


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

    @property
    def address(self) -> str:
        return address(self.key)


def add(name: str, content: bytes, *, actor: Actor) -> About:
    """Keep an image; the same bytes are kept once. Raises Invalid at `image`: not PNG, JPEG or GIF, too large, too many dots, broken."""
    if len(content) > LARGEST:
        raise Invalid.one("image", "TOO_LARGE", _("An image may have at most {n} MB.").format(n=LARGEST // 1024 // 1024))
    kind = media_type(content)
    if kind not in ENDINGS:
        raise Invalid.one("image", "INVALID_TYPE", _("Only PNG, JPEG and GIF are shown by all mail programs. Save the image as one of these."))
    try:
        plain = _bare(content, kind)
        width, height = _size(plain, kind)
    except (IndexError, ValueError):
        raise Invalid.one("image", "INVALID_TYPE", _("This image is broken.")) from None
    if not 0 < width <= WIDEST or not 0 < height <= WIDEST:
        raise Invalid.one("image", "TOO_LARGE", _("An image may be at most {n} dots wide and high.").format(n=WIDEST))
    digest = hashlib.sha256(plain).hexdigest()[:40]
    with transaction.atomic():
        row, made = MailImage.objects.get_or_create(
            digest=digest,
            defaults={
                "name": clean_name(name), "media_type": kind, "width": width, "height": height, "content": plain, "created_by": str(actor),
                "created_at": clock.now(),
            },
        )  # fmt: skip
        if row.archived_at:
            MailImage.objects.filter(digest=digest).update(archived_at=None)
        if made:
            history.record(actor, "added", "mail_image", digest, name=row.name, size=len(plain))
    return About(f"{digest}.{ENDINGS[kind]}", row.name, kind, len(plain), width, height, row.created_at)


def known(search: str = "", limit: int = 60) -> list[About]:
    """Images to choose from, newest first."""
    rows = sql.rows(
        "SELECT digest, name, media_type, length(content), width, height, created_at FROM mail_image"
        " WHERE archived_at IS NULL AND strpos(lower(name), lower(%s)) > 0 ORDER BY created_at DESC, digest LIMIT %s",
        [search, limit],
    )
    return [About(f"{digest}.{ENDINGS[kind]}", name, kind, *rest) for digest, name, kind, *rest in rows]


def archive(key: str, *, actor: Actor) -> None:
    """Offer it no more; mails that show it go on showing it. Raises NotFound."""
    digest = key.partition(".")[0]
    with transaction.atomic():
        if not MailImage.objects.filter(digest=digest, archived_at=None).update(archived_at=clock.now()):
            raise NotFound(_("There is no such image."))
        history.record(actor, "archived", "mail_image", digest)


def content(key: str) -> tuple[str, bytes]:
    """Media type and bytes. Raises NotFound."""
    if key in _ours():
        return "image/png", (OURS / key).read_bytes()
    digest, _dot, ending = key.partition(".")
    row = MailImage.objects.filter(digest=digest).values_list("media_type", "content").first()
    if row is None or ENDINGS[row[0]] != ending:
        raise NotFound(_("There is no such image."))
    return row[0], bytes(row[1])


def sizes(keys: Collection[str]) -> dict[str, tuple[int, int]]:
    """Width and height in dots of those there are."""
    if not keys:
        return {}
    ours, kept = {key: _ours()[key][:2] for key in keys if key in _ours()}, [key.partition(".")[0] for key in keys if key not in _ours()]
    found = MailImage.objects.filter(digest__in=kept).values_list("digest", "width", "height", "media_type") if kept else ()
    return ours | {f"{digest}.{ENDINGS[kind]}": (width, height) for digest, width, height, kind in found}


def weights(keys: Collection[str]) -> dict[str, int]:
    """Bytes of each."""
    if not keys:
        return {}
    asked = [key.partition(".")[0] for key in keys]
    rows = sql.rows("SELECT digest, media_type, length(content) FROM mail_image WHERE digest = ANY(%s)", [asked])
    return {key: _ours()[key][2] for key in keys if key in _ours()} | {f"{digest}.{ENDINGS[kind]}": size for digest, kind, size in rows}


def address(key: str) -> str:
    """Where everybody can see it."""
    return f"{config().url}/m/{key}" if key else ""


def icon(network: str) -> str:
    """Where the sign of a social network is seen: with Baton, not with the network, which would learn who reads."""
    return f"{config().url}/m/icons/{network}.png"


@cache
def _ours() -> dict[str, tuple[int, int, int]]:
    """Width, height and bytes of the images that come with Baton."""
    return {file.name: (*_size(file.read_bytes(), "image/png"), file.stat().st_size) for file in sorted(OURS.glob("*.png"))}


# -- what is in a file -------------------------------------------------------------------------------------------------------------------------------


def _bare(content: bytes, kind: str) -> bytes:
    """The image without place, camera, comments and whatever hangs behind its end. The way it is turned stays."""
    match kind:
        case "image/png":
            return content[:8] + b"".join(piece for name, piece in _chunks(content) if name in KEPT_CHUNKS)
        case "image/jpeg":
            return _bare_jpeg(content)
    return content


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a PNG (PNG specification, 5.3) up to its end."""
    at = 8
    while True:
        length, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        end = at + 12 + length
        if len(name) < 4 or end > len(content):
            raise ValueError("cut off")
        yield name, content[at:end]
        if name == b"IEND":
            return
        at = end


def _bare_jpeg(content: bytes) -> bytes:
    """Segments up to the picture itself (ITU T.81, annex B), without comments and notes of programs; colour profiles and Adobe's sign stay."""
    kept, at, turned = [content[:2]], 2, b""
    while True:
        while content[at + 1] == 0xFF:
            at += 1
        if content[at] != 0xFF:
            raise ValueError("not a segment")
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        segment = content[at : at + 2 + length]
        if length < 2 or len(segment) < 2 + length:
            raise ValueError("cut off")
        if marker == 0xDA:
            end = content.rfind(b"\xff\xd9")
            if end < at:
                raise ValueError("no end")
            return b"".join([kept[0], turned, *kept[1:], content[at : end + 2]])
        if marker == 0xE1:
            turned = turned or _turned(segment)
        elif marker != 0xFE and (not 0xE3 <= marker <= 0xED):
            kept.append(segment)
        at += 2 + length


def _turned(segment: bytes) -> bytes:
    """An Exif segment that says nothing but how the picture is turned (Exif tag 0x0112); nothing when it is not turned."""
    tiff = segment[10:]
    if segment[4:10] != b"Exif\0\0" or tiff[:2] not in (b"II", b"MM"):
        return b""
    order = "little" if tiff[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)  # type: ignore[arg-type]  # one of the two words

    start = number(4, 4)
    for entry in range(start + 2, start + 2 + 12 * min(number(start, 2), 200), 12):
        if number(entry, 2) == 0x0112 and 2 <= number(entry + 8, 2) <= 8:
            made = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([number(entry + 8, 2)]) + b"\0\0\0\0\0\0"
            return b"\xff\xe1" + (len(made) + 2).to_bytes(2) + made
    return b""


def _size(content: bytes, kind: str) -> tuple[int, int]:
    match kind:
        case "image/png":
            return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
        case "image/gif":
            return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    at, swapped = 2, False
    while True:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker == 0xE1:
            swapped = content[at + 29] >= 5 if length == 34 else False  # turned by a quarter, see _turned
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = int.from_bytes(content[at + 5 : at + 7]), int.from_bytes(content[at + 7 : at + 9])
            return (height, width) if swapped else (width, height)
        if marker == 0xDA:
            raise ValueError("no size")
        at += 2 + length
