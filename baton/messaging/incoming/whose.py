"""Which of our messages something is about that came in: by a token that we have signed, in its return path, our headers or our links.

Nothing else is believed: numbers, addresses and subjects could be written by anybody. A call of a provider is proved as a whole, so its marks are plain.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from email.message import EmailMessage
from typing import NamedTuple

from baton.crm import mail_domains
from baton.events import identity
from baton.platform import clock, signing, sql

RECENT = timedelta(days=14)  # a bounce that names nothing but an address is about the newest mail of these days
MARK = re.compile(r"\b(\d{1,19})\.(\d{1,19})\b")  # contact.message, in what providers give back
TOKEN = re.compile(r"(?<![\w-])[\w-]{38}(?![\w-])", re.ASCII)  # two numbers and a signature
OURS = re.compile(r"<([\w-]{38})@[^>\s]{1,255}>", re.ASCII)
LINK = re.compile(r"/[co]/([\w-]{48})(?![\w-])", re.ASCII)  # three numbers and a signature
MOST = 50  # marks of one mail that are looked at
LARGEST = 2**63
BOUNCE = "bounce"


class Which(NamedTuple):
    contact_id: int
    message_id: int


def of_token(recipient: str) -> Which | None:
    """The message behind `b+<token>@...`: nobody can make such an address but us."""
    local = recipient.partition("@")[0]
    return _read(local.partition("+")[2]) if "+" in local else None


def signed(*texts: str) -> Which | None:
    """The message of the first of our tokens in these texts: X-Baton-Message, which only the receiver of a mail has seen, or what it is returned in."""
    found = (token for text in texts for token in TOKEN.findall(text or "")[:MOST])
    return next((which for token in found if (which := _read(token))), None)


def _read(token: str, *, shown: bool = False) -> Which | None:
    read = signing.read(BOUNCE, token, shown=shown)
    return Which(read[1], read[0]) if read and len(read) == 2 else None


def marks(*texts: str) -> list[Which]:
    """Our plain marks in what a provider gives back, in order."""
    found = [Which(int(a), int(b)) for text in texts for a, b in MARK.findall(text or "") if int(a) < LARGEST and int(b) < LARGEST]
    return list(dict.fromkeys(found))


def answered(mail: EmailMessage, quoted: str = "") -> list[Which]:
    """The messages that a mail answers to, the nearest first: by our Message-IDs, or by links of ours in what it quotes; some carriers write ids of
    their own. Others than the receiver may know these, so whoever believes them looks at the writer too."""
    text = f"{mail['in-reply-to'] or ''} {' '.join(reversed(str(mail['references'] or '').split()))}"
    found = [_read(token, shown=True) for token in OURS.findall(text)[:MOST]]
    for token in LINK.findall(quoted)[:MOST]:
        read = signing.read("mail", token)
        found.append(Which(read[1], read[0]) if read and len(read) == 3 else None)
    return list(dict.fromkeys(which for which in found if which))


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
SELECT m.contact_id, m.id FROM identity i JOIN message m ON m.contact_id = i.contact_id
WHERE i.kind = 'email' AND i.value = %s AND lower(m.address) = %s AND m.sent_at > %s AND m.state IN ('sent', 'delivered', 'unknown', 'bounced')
ORDER BY m.sent_at DESC LIMIT 1
"""


def newest(address: str) -> Which | None:
    """The newest message to this address: a guess, and what is said by a stranger changes nothing because of it."""
    address = address.strip().lower()
    found = sql.rows(NEWEST, [address, address, clock.now() - RECENT]) if address else []
    return Which(*found[0]) if found else None
