"""Files on records: bytes in the database, their type told by what is in them, and handed out as downloads only."""

import hashlib
import io
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm.models import File
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound

LARGEST = 20 * 1024 * 1024  # bytes
NAME = 200  # letters of a file's name
UNKNOWN = "application/octet-stream"

BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # doc, xls, ppt, hwp
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
)
OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(frozen=True, slots=True)
class About:
    """A file without its bytes. `media_type` is told by the content."""

    record_id: int
    id: int
    name: str
    media_type: str
    size: int
    created_by: str
    created_at: datetime


def add(record_id: int, name: str, content: bytes, *, actor: Actor) -> int:
    """Keep a file with a record; returns its id. Raises Invalid at `file` when it is empty or larger than LARGEST."""
    if not content:
        raise Invalid.one("file", "REQUIRED", _("The file is empty."))
    if len(content) > LARGEST:
        raise Invalid.one("file", "TOO_LARGE", _("A file may have at most {n} MB.").format(n=LARGEST // 1024 // 1024))
    id = sql.next_ids("record_id_seq", 1)[0]
    with transaction.atomic():
        File.objects.create(
            record_id=record_id, id=id, name=clean_name(name), media_type=media_type(content), size=len(content),
            digest=hashlib.sha256(content).hexdigest(), content=content, created_by=str(actor), created_at=clock.now(),
        )  # fmt: skip
        history.record(actor, "added", "file", id, record=record_id, size=len(content))
    return id


def of(record_ids: Iterable[int]) -> list[About]:
    """The files of these records, newest first, without their bytes."""
    rows = File.objects.filter(record_id__in=list(record_ids)).order_by("-id").values_list(
        "record_id", "id", "name", "media_type", "size", "created_by", "created_at"
    )  # fmt: skip
    return [About(*row) for row in rows]


def get(record_id: int, id: int) -> tuple[About, bytes]:
    """A file with its bytes. Raises NotFound."""
    row = File.objects.filter(record_id=record_id, id=id).first()
    if row is None:
        _missing()
    return About(row.record_id, row.id, row.name, row.media_type, row.size, row.created_by, row.created_at), bytes(row.content)


def about(record_id: int, id: int) -> About:
    """A file without its bytes. Raises NotFound."""
    return next((one for one in of([record_id]) if one.id == id), None) or _missing()


def piece(record_id: int, id: int, start: int, length: int) -> bytes:
    """Some of a file's bytes, from `start` (0: the first); fewer at its end. Raises NotFound."""
    found = sql.rows("SELECT substring(content FROM %s FOR %s) FROM file WHERE record_id = %s AND id = %s", [start + 1, length, record_id, id])
    return bytes(found[0][0]) if found else _missing()


def _missing() -> NoReturn:
    raise NotFound(_("There is no such file."))


def remove(record_id: int, id: int, *, actor: Actor) -> None:
    """Delete a file for good; that it was there, and who deleted it, is kept. Raises NotFound."""
    with transaction.atomic():
        if not File.objects.filter(record_id=record_id, id=id).delete()[0]:
            raise NotFound(_("There is no such file."))
        history.record(actor, "deleted", "file", id, record=record_id)


def clean_name(name: str) -> str:
    """The name a browser sent, without a path and without letters that mislead: control signs and those that turn the writing direction."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")).strip(" .")
    if len(kept) > NAME:
        stem, dot, ending = kept.rpartition(".")
        kept = f"{stem[: NAME - len(ending) - 1]}{dot}{ending}" if dot and len(ending) <= 10 else kept[:NAME]
    return kept or _("file")


def media_type(content: bytes) -> str:
    """What a file is, told by its first bytes; a name says nothing. What a browser could run (HTML, SVG) is plain text or unknown."""
    for beginning, found in BEGINNINGS:
        if content.startswith(beginning):
            return found
    if content[:4] == b"RIFF" and content[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if content[8:12] == b"WEBP" else "audio/wav"
    if content[4:8] == b"ftyp":
        return "video/mp4"
    if content.startswith(b"PK\x03\x04"):
        return _zipped(content)
    return "text/plain" if _readable(content[:4096]) else UNKNOWN


def _readable(start: bytes) -> bool:
    """Whether the bytes are UTF-8 text; a letter may be cut at the end."""
    for end in range(4):
        try:
            text = start[: len(start) - end].decode()
        except UnicodeDecodeError:
            continue
        return not any(letter < " " and letter not in "\t\n\r\f" for letter in text)
    return False


def _zipped(content: bytes) -> str:
    """Which kind of office file a zip archive is."""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except zipfile.BadZipFile:
        return UNKNOWN
    if "[Content_Types].xml" in names:
        return next((found for start, found in OFFICE.items() if any(name.startswith(start) for name in names)), "application/zip")
    return "application/zip"
