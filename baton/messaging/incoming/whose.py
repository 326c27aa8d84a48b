"""Which of our messages something is about that came in: by the token of its return path, by our marks in headers, at last by the address.

Only the token is signed. Every other mark could be written by anybody, so it counts only together with the address the message went to.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from email.message import EmailMessage
from typing import NamedTuple

from baton.crm import mail_domains
from baton.events import identity
from baton.messaging.incoming import replies
from baton.platform import clock, signing, sql

RECENT = timedelta(days=14)  # a bounce that names nothing but an address is about the newest mail of these days
ANSWERED = timedelta(days=90)  # the same for an answer, which must also have the subject of the mail
MARK = re.compile(r"\b(\d{1,19})\.(\d{1,19})\b")  # contact.message: X-Baton-Message, ENVID, the beginning of our Message-IDs
OURS = re.compile(r"<(\d{1,19})\.(\d{1,19})(?:\.[\w\-]+)?@[^>\s]+>")
LARGEST = 2**63


class Which(NamedTuple):
    contact_id: int
    message_id: int


def of_token(recipient: str, purpose: str = "bounce") -> Which | None:
    """The message behind `b+<token>@...`: nobody can make such an address but us."""
    local = recipient.partition("@")[0]
    read = signing.read(purpose, local.partition("+")[2]) if "+" in local else None
    return Which(read[1], read[0]) if read and len(read) == 2 else None


def marks(*texts: str) -> list[Which]:
    """Our marks in headers of a mail that came back, in order."""
    found = [Which(int(a), int(b)) for text in texts for a, b in MARK.findall(text or "") if int(a) < LARGEST and int(b) < LARGEST]
    return list(dict.fromkeys(found))


def answered(mail: EmailMessage) -> list[Which]:
    """Our Message-IDs among those that a mail answers to, the nearest first."""
    text = f"{mail['in-reply-to'] or ''} {' '.join(reversed(str(mail['references'] or '').split()))}"
    return list(dict.fromkeys(Which(int(a), int(b)) for a, b in OURS.findall(text) if int(a) < LARGEST and int(b) < LARGEST))


PROVED = """
SELECT m.contact_id, m.id, lower(m.address), lower(coalesce(c.email, ''))
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS r(contact_id, id, now_id, place)
JOIN message m ON m.id = r.id AND m.contact_id IN (r.contact_id, r.now_id) LEFT JOIN contact c ON c.id = m.contact_id
ORDER BY r.place
"""


def proved(found: Iterable[Which], address: str, *, colleagues: bool = False) -> Which | None:
    """The first of these whose message went to this address; with `colleagues` to one of the same company's domain."""
    wanted = list(found)
    if not wanted or not address:
        return None
    now = identity.merged({one.contact_id for one in wanted})
    rows = sql.rows(PROVED, [[w.contact_id for w in wanted], [w.message_id for w in wanted], [now.get(w.contact_id, w.contact_id) for w in wanted]])
    for contact_id, message_id, sent_to, mail in rows:
        if address.lower() in (sent_to, mail) or (colleagues and _colleagues(address, sent_to)):
            return Which(contact_id, message_id)
    return None


def _colleagues(one: str, other: str) -> bool:
    domain = one.rpartition("@")[2].lower()
    return bool(domain) and domain == other.rpartition("@")[2].lower() and domain not in mail_domains.free()


NEWEST = """
SELECT m.contact_id, m.id, m.subject FROM identity i JOIN message m ON m.contact_id = i.contact_id
WHERE i.kind = 'email' AND i.value = %s AND lower(m.address) = %s AND m.sent_at > %s AND m.state IN ('sent', 'delivered', 'unknown', 'bounced')
ORDER BY m.sent_at DESC LIMIT 20
"""


def newest(address: str, *, subject: str | None = None) -> Which | None:
    """The newest message to this address; with `subject` the newest that has it, whatever mail programs put before it."""
    address = address.strip().lower()
    if not address:
        return None
    since = clock.now() - (RECENT if subject is None else ANSWERED)
    for contact_id, message_id, sent in sql.rows(NEWEST, [address, address, since]):
        if subject is None or (replies.topic(subject) and replies.topic(subject) == replies.topic(sent)):
            return Which(contact_id, message_id)
    return None
