"""The list of who must not be written to, for colleagues: looked through, added to, read from a file, written as a file."""

import csv
import io
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.crm import contacts, identity, search
from baton.messaging import column
from baton.messaging.consent import suppression
from baton.messaging.consent.suppression import Stop
from baton.platform import history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid

PAGE = 50
MOST = 200_000  # lines of a file
SET = 2000
BY_HAND = (suppression.MANUAL, suppression.IMPORTED, suppression.BOUNCED, suppression.COMPLAINED, suppression.UNSUBSCRIBED)
COLUMNS = ("email", "e-mail", "email address", "이메일", "이메일 주소", "address")

ROWS = """
SELECT s.contact_id, s.channel, s.reason, s.at, s.source, s.note, coalesce(c.email, ''), c.properties
FROM suppression s JOIN contact c ON c.id = s.contact_id
WHERE {where} ORDER BY s.at DESC, s.contact_id LIMIT %s OFFSET %s
"""
EXPORT = """
SELECT s.contact_id, c.email, s.channel, s.reason, s.at, s.source, s.note FROM suppression s JOIN contact c ON c.id = s.contact_id
WHERE {where} AND (s.contact_id, s.channel) > (%s, %s) AND c.email <> '' ORDER BY s.contact_id, s.channel LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody on the list."""

    contact_id: int
    channel: str
    reason: str
    at: datetime
    source: str
    note: str
    email: str
    name: str

    @property
    def word(self) -> str:
        return str(suppression.WORDS.get(self.reason, self.reason))


def page(rights: Rights, *, reason: str = "", text: str = "", at: int = 0) -> list[Line]:
    """Up to PAGE people and one more, those added last first; `text` is an address or a name. Only contacts that the reader may see."""
    mine, params = rights.where("contact", "view", "c")
    tests: list[str] = [mine] if mine else []
    if reason:
        tests.append("s.reason = %s")
        params = [*params, reason]
    if "@" in text:
        tests.append("s.contact_id = %s")
        params = [*params, contacts.by_email(text) or 0]
    elif asked := search.query(text):
        tests.append("c.search @@ %s::tsquery")
        params = [*params, asked]
    rows = sql.rows(ROWS.replace("{where}", " AND ".join(tests) or "true"), [*params, PAGE + 1, at])
    return [Line(row[0], row[1], row[2], row[3], row[4], row[5], row[6], contacts.display_name(_properties(row[7]))) for row in rows]


def held(address: str) -> str:
    """The reason for which an address nobody has is on the list; "" when it is not."""
    return suppression.addresses([address]).get(address, "")


def add(addresses: Collection[str], reason: str, note: str, *, actor: Actor, source: str = "") -> dict[str, int]:
    """Never write to these again, contacts or not: {"people", "addresses", "wrong"} that are new, or no addresses. Raises Invalid (`reason`)."""
    if reason not in BY_HAND:
        raise Invalid.one("reason", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(BY_HAND)))
    counts = {"people": 0, "addresses": 0, "wrong": 0}
    good = sorted({identity.normal_email(a) for a in addresses if a.strip()})
    fine = [a for a in good if a.count("@") == 1 and " " not in a and "." in a.partition("@")[2] and len(a) <= 320]
    counts["wrong"] = len(good) - len(fine)
    said = source or str(actor)
    with transaction.atomic():
        for start in range(0, len(fine), SET):
            part = fine[start : start + SET]
            found = identity.find_many("email", part)
            counts["people"] += len(suppression.suppress_many("email", [Stop(id, reason, said, note) for id in sorted({*found.values()})]))
            counts["addresses"] += suppression.suppress_addresses([a for a in part if a not in found], "email", reason, source=said, actor=actor)
        history.record(actor, "added", "suppression", said, reason=reason, note=note[:500], **counts)
    return counts


def read(content: bytes) -> list[str]:
    """The addresses of a file: one a line, or the column that is called so. Raises Invalid (`file`)."""
    found = column.read(content, COLUMNS, most=MOST)
    if not any("@" in one for one in found):
        raise Invalid.one("file", "NO_ADDRESSES", _("There are no addresses in this file."))
    return found


def written(rights: Rights) -> Iterator[str]:
    """The list as CSV, in pieces: the contacts that somebody may export; whoever may export all also gets the hashes of addresses nobody has."""
    mine, params = rights.where("contact", "export", "c")
    statement = EXPORT.replace("{where}", mine or "true")
    yield "\ufeff" + _csv([["email", "channel", "reason", "since", "source", "note"]])
    last: tuple[int, str] = (0, "")
    while rows := sql.rows(statement, [*params, *last, SET]):
        last = (rows[-1][0], rows[-1][2])
        yield _csv([[email, channel, reason, at.isoformat(), source, note] for _id, email, channel, reason, at, source, note in rows])
    if rights.scope("contact", "export") != "all":
        return
    hashes = sql.rows("SELECT encode(hash, 'hex'), channel, reason, at, source FROM suppressed_address ORDER BY at LIMIT %s", [MOST])
    yield _csv([[f"sha256:{row[0]}", row[1], row[2], row[3].isoformat(), row[4], ""] for row in hashes])


def _csv(rows: list[list[Any]]) -> str:
    file = io.StringIO()
    # A cell that begins like a formula would be one in Excel.
    csv.writer(file).writerows([["'" + str(cell) if str(cell)[:1] in tuple("=+-@\t\r") else cell for cell in row] for row in rows])
    return file.getvalue()


def _properties(stored: Any) -> dict[str, Any]:

    return stored if isinstance(stored, dict) else json.loads(stored or "{}")
