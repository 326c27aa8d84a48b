"""Whom the answers to an address are about: the operator that takes the mail of its domain, else the domain by itself.

Senders ask for a window of addresses at a time and never wait for the DNS: sending/mx.py looks domains up in the background, and one that is not looked up
yet is a group of its own.
"""

import time
from collections.abc import Iterable

from baton.messaging.sending import operators
from baton.platform import sql

FRESH = 300.0  # seconds a process remembers what the table says
MOST = 65_536  # domains it remembers: about 10 MB

# The group of a domain, as SQL over `receiver_domain d` joined by LEFT JOIN on d.domain = the domain in lower case; {domain} is that domain.
GROUPED = "coalesce(nullif(d.grouped, ''), {domain})"

_known: dict[str, str] = {}
_until = 0.0


def domain_of(address: str) -> str:
    """What stands behind the @, in lower case."""
    return address.rpartition("@")[2].lower()


def of(domains: Iterable[str]) -> dict[str, str]:
    """The group of each of these domains: one question to the database at most, and none for those asked about lately."""
    global _known, _until
    now = time.monotonic()
    known = _known
    if now > _until or len(known) > MOST:
        known = _known = dict(operators.by_domain())
        _until = now + FRESH
    wanted = set(domains)
    if missing := wanted.difference(known):
        found: dict[str, str] = dict(sql.rows("SELECT domain, grouped FROM receiver_domain WHERE domain = ANY(%s) AND grouped <> ''", [sorted(missing)]))
        for domain in missing:
            known[domain] = found.get(domain, domain)
    return {domain: known[domain] for domain in wanted}


def of_address(address: str) -> str:
    """The group of one address."""
    domain = domain_of(address)
    return of([domain])[domain]


def forget() -> None:
    """Ask the table again: it says something new."""
    global _until
    _until = 0.0
