"""The export files of other mail tools: whose they are, and their people one after the other. A ZIP holds several; those who left come last."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from baton.crm.imports import encodings
from baton.messaging.consent.movers import mailchimp, stibee
from baton.messaging.consent.movers.people import Status, Subscriber
from baton.platform.errors import Invalid

LARGEST = 60 << 20  # bytes, unpacked too
ORDER: tuple[Status, ...] = ("unknown", "subscribed", "pending", "refused", "unsubscribed", "cleaned")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file with people."""

    service: str
    name: str
    status: Status  # of those whose line does not say
    headers: list[str]
    text: str

    def people(self) -> Iterator[Subscriber]:
        """Line by line."""
        lines = csv.reader(io.StringIO(self.text))
        next(lines, None)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            row = dict(zip(self.headers, cells, strict=False))
            yield mailchimp.read(row, self.status) if self.service == "mailchimp" else stibee.read(row, self.status)


def sheets(content: bytes, name: str, service: str = "") -> list[Sheet]:
    """The files of an upload, in the order they are taken. Raises Invalid (`file`) where none is an export of the service (or of any)."""
    parts = _unpacked(content) if content[:4] == b"PK\x03\x04" else [(name, content)]
    found = [sheet for title, data in parts if (sheet := _sheet(title, data, service)) is not None]
    if not found:
        raise Invalid.one("file", "NOT_AN_EXPORT", _("This is no export of {service}: its columns are missing.").format(service=service.capitalize() or "–"))
    return sorted(found, key=lambda sheet: (ORDER.index(sheet.status), sheet.name))


def _unpacked(content: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            wanted = [one for one in packed.infolist() if one.filename.lower().endswith(".csv")]
            if sum(one.file_size for one in wanted) > LARGEST:
                raise Invalid.one("file", "TOO_LARGE", _("A file can have {size} MB at most.").format(size=LARGEST >> 20))
            return [(one.filename.rsplit("/", 1)[-1], packed.read(one)) for one in wanted]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
        raise Invalid.one("file", "UNREADABLE", _("This file cannot be opened.")) from None


def _sheet(name: str, content: bytes, service: str) -> Sheet | None:
    text = content.decode(encodings.detect(io.BytesIO(content)), "replace").lstrip("\ufeff")
    try:
        headers = [header.strip() for header in next(csv.reader(io.StringIO(text)), [])]
    except csv.Error:
        return None
    if service in ("", "mailchimp") and mailchimp.is_mine(headers):
        return Sheet("mailchimp", name, mailchimp.status_of(headers, name), headers, text)
    if service in ("", "stibee") and stibee.is_mine(headers):
        alone = any(header in stibee.STATE for header in headers)
        return Sheet("stibee", name, "unknown" if alone else _by_name(name), headers, text)
    return None


def _by_name(name: str) -> Status:
    """Stibee can export one state alone; then the file is called by it, and has no column for it. "구독자 목록" is none: it may have everybody in it."""
    plain = name.replace(" ", "").replace("_", "")
    states: dict[str, Status] = {"수신거부": "unsubscribed", "자동삭제": "cleaned", "구독중": "subscribed"}
    return next((status for word, status in states.items() if word in plain), "unknown")
