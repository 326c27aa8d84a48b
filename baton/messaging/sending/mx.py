"""Looks up who takes the mail of a domain, in the background and before its mail is due. Senders only read what is written down here.

Nothing but the resolver of this machine is asked, and only for names of the public DNS; no mail server is connected to, wherever an MX record points. While
nobody answers, nothing changes: a domain that is not known is a group of its own.
"""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dns.exception
import dns.resolver

from baton.messaging.deliverability.dns_checks import Names, Resolver, Silent, suffixes
from baton.messaging.sending import groups, operators
from baton.platform import clock, logs, sql
from baton.platform.models import BUCKETS

MX = "mx"  # mail servers take its mail
ADDRESS = "address"  # it has no MX record, so its own host takes it (RFC 5321, 5.1)
NULL_MX = "null_mx"  # it says that it takes no mail (RFC 7505)
NOTHING = "nothing"  # neither an MX record nor an address: mail to it comes back, but a record may be missing by mistake
SILENT = "silent"  # nobody answered
NAMED = "named"  # an operator's own domain: nobody needs to ask
UNASKED = "unasked"  # no name of the public DNS

AGE = {MX: timedelta(days=7), ADDRESS: timedelta(days=7), NULL_MX: timedelta(days=1), NOTHING: timedelta(days=1), SILENT: timedelta(hours=1)}
USED = timedelta(days=30)  # what nobody wanted for so long is not looked up again
KEPT = timedelta(days=60)  # and after so long it is forgotten
CLAIM = timedelta(minutes=10)  # a worker that dies with domains to look up leaves them to the next after so long
AT_ONCE, BATCH = 8, 16  # questions at a time; domains after which is looked whether anybody answers
PATIENCE = 40.0  # seconds a round may take; the next follows within a minute
PART = 5000  # rows of a statement
# RFC 6761, 7686, 8375, 9476, and the name ICANN keeps for private networks: no question about them belongs in the public DNS.
SPECIAL = frozenset({"test", "example", "invalid", "localhost", "local", "onion", "internal", "alt", "arpa", "corp", "home", "lan", "mail"})

# Bare addresses in brackets, names of one word and such are never asked about.
WANT = """
INSERT INTO receiver_domain AS d (domain, grouped, state, hosts, wanted_at, look_at)
SELECT r.domain, r.grouped, r.state, '{}', %(now)s, CASE WHEN r.state = '' THEN %(now)s::timestamptz END
FROM unnest(%(domains)s::text[], %(groups)s::text[], %(states)s::text[]) AS r(domain, grouped, state)
ON CONFLICT (domain) DO UPDATE SET wanted_at = excluded.wanted_at WHERE d.wanted_at < excluded.wanted_at - interval '6 hours'
"""
TAKE = """
UPDATE receiver_domain SET look_at = %(until)s
WHERE domain = ANY (ARRAY(
    SELECT domain FROM receiver_domain WHERE look_at <= %(now)s AND wanted_at > %(used)s ORDER BY look_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
))
RETURNING domain
"""
# Who did not answer this time stays what he was.
KEEP = """
UPDATE receiver_domain d SET looked_at = %(now)s, look_at = r.look_at, state = CASE WHEN r.state = 'silent' AND d.state <> '' THEN d.state ELSE r.state END,
    grouped = CASE WHEN r.state = 'silent' THEN d.grouped ELSE r.grouped END, hosts = CASE WHEN r.state = 'silent' THEN d.hosts ELSE r.hosts END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(domain text, grouped text, state text, hosts text[], look_at timestamptz)
WHERE d.domain = r.domain
"""
# Those of the outbox that are due within the hour, some of each bucket.
WAITING = """
SELECT DISTINCT lower(split_part(coalesce(nullif(m.address, ''), c.email), '@', -1))
FROM generate_series(0, %s - 1) AS b(bucket)
CROSS JOIN LATERAL (
    SELECT o.contact_id, o.message_id FROM outbox o WHERE o.bucket = b.bucket AND o.due_at BETWEEN %s AND %s ORDER BY o.due_at LIMIT 100
) o
JOIN message m ON m.contact_id = o.contact_id AND m.id = o.message_id AND m.channel = 'email' JOIN contact c ON c.id = o.contact_id
"""

_log = logs.log(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What the DNS says of a domain."""

    state: str
    hosts: list[str] = field(default_factory=list)  # the preferred ones first


def want(domains: Iterable[str]) -> int:
    """Say that mail is about to go to these domains; those nobody knows are looked up soon. Returns how many there are."""
    some = sorted({domain for domain in domains if domain})
    now = clock.now()
    for start in range(0, len(some), PART):
        part = some[start : start + PART]
        known = [operators.by_domain().get(domain, "") for domain in part]
        states = [NAMED if group else "" if public(domain) else UNASKED for domain, group in zip(part, known, strict=True)]
        sql.run(WANT, {"now": now, "domains": part, "groups": known, "states": states})
    return len(some)


def want_waiting() -> int:
    """Likewise for what waits in the outbox and is due soon."""
    now = clock.now()
    return want(domain for (domain,) in sql.rows(WAITING, [BUCKETS, now - timedelta(minutes=10), now + timedelta(hours=1)]) if domain)


def look(resolver: Resolver | None = None, *, seconds: float = PATIENCE) -> int:
    """Look up domains until none is left or the time is over; stops when nobody answers at all. Returns how many were answered."""
    try:
        resolver = resolver or dns.resolver.get_default_resolver()
    except dns.exception.DNSException as error:  # this machine knows of no DNS
        _log.debug("nobody can be asked about domains", error=type(error).__name__)
        return 0
    until, answered = time.monotonic() + seconds, 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mx") as threads:
        while time.monotonic() < until and (some := _take(BATCH)):
            found = dict(zip(some, threads.map(lambda domain: asked(domain, resolver), some), strict=True))
            _keep(found)
            answered += (heard := sum(one.state != SILENT for one in found.values()))
            if not heard:
                break
    if answered:
        groups.forget()
    return answered


def asked(domain: str, resolver: Resolver) -> Found:
    """Ask about one domain. Raises nothing."""
    names = Names(resolver)
    try:
        records = names.ask(domain, "MX")
        if not records:
            return Found(ADDRESS if names.addresses(domain) else NOTHING)
    except Silent:
        return Found(SILENT)
    ranked = sorted((int(rank) if rank.isdigit() else 0, host) for rank, _space, host in (record.strip().partition(" ") for record in records))
    hosts = [host for _rank, host in ranked if host]
    return Found(MX, hosts[:8]) if hosts else Found(NULL_MX)


def group_of(domain: str, found: Found) -> str:
    """The group of a domain: the operator of its first server that is known, else the organisation whose server is the preferred one, else itself."""
    known = next((key for host in found.hosts if (key := operators.of_host(host))), "")
    first = found.hosts[0] if found.hosts else ""
    return known or (first and public(first) and suffixes().privatesuffix(first)) or domain


def public(name: str) -> bool:
    """Whether a question about it may go into the public DNS: a name of two words or more, under no name that is kept for something else."""
    *before, last = name.rstrip(".").split(".")
    return bool(before) and all(before) and len(name) < 254 and not last.isdigit() and last not in SPECIAL and not set(name) & set("[]:/\\ _")


def tidy() -> int:
    """Forget the domains that nobody wrote to for long; returns how many."""
    return sql.run("DELETE FROM receiver_domain WHERE wanted_at < %s", [clock.now() - KEPT])


def _take(most: int) -> list[str]:
    now = clock.now()
    return [domain for (domain,) in sql.rows(TAKE, {"now": now, "until": now + CLAIM, "used": now - USED, "most": most})]


def _keep(found: dict[str, Found]) -> None:
    now = clock.now()
    rows = [_row(domain, one, now) for domain, one in sorted(found.items())]
    sql.run(KEEP, {"now": now, "rows": json.dumps(rows)})


def _row(domain: str, found: Found, now: datetime) -> dict[str, Any]:
    return {
        "domain": domain, "grouped": group_of(domain, found), "state": found.state, "hosts": found.hosts, "look_at": (now + AGE[found.state]).isoformat(),
    }  # fmt: skip
