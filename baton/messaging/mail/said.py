"""What a program said of a single message, as its letter needs it: values of its own, another sender, and whose copy it is. Kept by messaging/single.py."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from baton.messaging.mail import encode
from baton.messaging.mail.sandbox import Fields
from baton.platform import sql

SINGLE, COPY = "single", "copy:"  # message.sender of such a message, and of a copy of it: copy:<message>
Header = tuple[bytes, bytes]

ROWS = """
SELECT s.id, s.custom::text, s.sent_by, s.reply_to, s.cc, m.address
FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)
JOIN single_send s ON s.contact_id = r.contact_id AND s.id = r.id
JOIN message m ON m.contact_id = s.contact_id AND m.id = s.id
"""


@dataclass(frozen=True, slots=True)
class Said:
    """`to` and `cc` are shown to everybody; who gets a hidden copy is in no header of any."""

    message_id: int  # of the message itself: its copies have its Message-ID
    custom: Fields
    sent_by: str
    reply_to: tuple[str, ...]
    to: str
    cc: tuple[str, ...]
    copy: bool  # this letter is one: nobody's opens and clicks are counted, and no way out is his

    def headers(self, given: Sequence[Header]) -> list[Header]:
        """A letter's headers with what was said in place of the usual."""
        mine = {b"To": self.to}
        if self.sent_by:
            mine[b"From"] = encode.mailbox(*parseaddr(self.sent_by))
        if self.reply_to:
            mine[b"Reply-To"] = ",\r\n ".join(self.reply_to)
        found = [(name, mine.pop(name).encode() if name in mine else value) for name, value in given]
        found += [(name, value.encode()) for name, value in mine.items()]
        return [*found, (b"Cc", ",\r\n ".join(self.cc).encode())] if self.cc else found


def of(messages: Collection[tuple[int, int, str]]) -> dict[int, Said]:
    """By message, of those (contact, message, sender) that are single sends or copies of one; nothing is asked where there are none."""
    asked = {(contact, id): id if sender == SINGLE else int(sender.removeprefix(COPY)) for contact, id, sender in messages if is_said(sender)}
    if not asked:
        return {}
    rows = sql.rows(ROWS, [[contact for contact, _id in asked], list(asked.values())])
    known = {row[0]: row[1:] for row in rows}
    found = {}
    for (_contact, id), of_message in asked.items():
        if of_message in known:
            custom, sent_by, reply_to, cc, to = known[of_message]
            found[id] = Said(of_message, fields(json.loads(custom)), sent_by, tuple(reply_to), to, tuple(cc), id != of_message)
    return found


def is_said(sender: str) -> bool:
    """Whether a message of this `sender` is a single send with something of its own, or a copy of one."""
    return sender == SINGLE or sender.startswith(COPY)


def fields(values: dict[str, Any]) -> Fields:
    """Values as templates read them, however deep: `custom.order.items` is the value, never a method."""
    return Fields({name: _readable(value) for name, value in values.items()})


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return fields(value)
    return [_readable(one) for one in value] if isinstance(value, list) else value
