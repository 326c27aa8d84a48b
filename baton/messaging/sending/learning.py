"""What receivers' answers teach about haste: who says "slow down" is sent half as much as lately, and a tenth more every minute without such an answer.

What goes to the operators of the table is counted for all senders together; what goes to a single domain by each process for itself. When many groups at once
ask for less, it is the carrier that does, and everything over it goes slower.
"""

import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, transaction

from baton.messaging.channel import Receipt, Result
from baton.messaging.incoming import bounces
from baton.messaging.sending import groups, operators, rates
from baton.platform import clock, logs, sql

LESS = 0.5  # what a rate is multiplied by when somebody asks for less
AGAIN = timedelta(seconds=10)  # answers within so long after one are about the same haste
OBSERVED = 20  # seconds of which the rate of now is the mean
FLUSH = 5.0  # seconds between two counts for all senders
MANY = 8  # groups of one window that ask for less, and half of those in it: then it is the carrier
KEPT = 5  # answers of a group that are kept
LONGEST = 300  # letters of one

SAID = re.compile(r"(?<![\d.])4\.7\.\d{1,3}(?![\d.]*\d)")
MAILBOX = re.compile(r"[^\s<>@:;,()\"']+@(?=[\w.-])")

# A bucket that leaks: of what was counted a part of e is left after OBSERVED seconds.
COUNT = f"""
INSERT INTO sending_allowance AS a (key, tokens, at)
SELECT r.key, r.n, %(now)s FROM unnest(%(keys)s::text[], %(ns)s::float8[]) AS r(key, n) ORDER BY r.key
ON CONFLICT (key) DO UPDATE SET at = excluded.at,
    tokens = excluded.tokens + a.tokens * exp(-least(50, greatest(0, extract(epoch FROM excluded.at - a.at)) / {rates.LATELY}))
"""
KNOWN = """
SELECT r.grouped, r.rate, r.at, r.most, r.lowered_at, r.answers, s.tokens, s.at
FROM receiver_rate r LEFT JOIN sending_allowance s ON s.key = 'sent:' || r.transport_id || ':' || r.grouped
WHERE r.transport_id = %s AND r.grouped = ANY(%s) ORDER BY r.grouped FOR UPDATE OF r
"""
MISSING = """
INSERT INTO receiver_rate (transport_id, grouped, why, answers) SELECT %s, grouped, '', '[]' FROM unnest(%s::text[]) AS r(grouped) ORDER BY grouped
ON CONFLICT (transport_id, grouped) DO NOTHING
"""
LOWER = """
UPDATE receiver_rate t SET rate = r.rate, at = %(now)s, why = 'slower', before = r.before, lowered_at = %(now)s, answers = r.answers
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(grouped text, rate float8, before float8, answers jsonb)
WHERE t.transport_id = %(transport)s AND t.grouped = r.grouped
"""

_log = logs.log(__name__)
_holding = threading.Lock()
_lately: deque[tuple[int, int, Counter[str]]] = deque()  # what this process handed over: (second, transport, how many of each domain)
_uncounted: list[tuple[int, Counter[str]]] = []  # of which the others do not know yet: (transport, how many of each domain)
_counted_at = 0.0


class Said(NamedTuple):
    """An answer that asks for less."""

    domain: str
    code: int
    text: str


def learn(answers: Sequence[tuple[int | None, str, Receipt]]) -> None:
    """Of (transport, address, answer) what was taken, and where somebody asks for less. Never fails: it is only advice."""
    took: dict[int, Counter[str]] = {}
    slower: dict[int, list[Said]] = {}
    for transport in {transport_id for transport_id, _address, _answer in answers}:
        sent = [address.rpartition("@")[2] for whose, address, answer in answers if whose == transport and answer.result is Result.SENT]
        if sent:
            took[transport or 0] = Counter(sent)
    for transport_id, address, answer in answers:
        if answer.result is Result.SENT:
            continue
        if answer.result is Result.DEFERRED and asks_for_less(answer):
            slower.setdefault(transport_id or 0, []).append(Said(groups.domain_of(address), answer.code, answer.reason))
    _note(took)
    try:
        _count()
        for id, said in sorted(slower.items()):
            _slow_down(id, said, took.get(id, Counter()))
    except (OperationalError, InterfaceError) as error:
        _log.warning("what receivers asked for was not kept", error=str(error))


def asks_for_less(answer: Receipt) -> bool:
    """Whether this is about how much we send: 421, words for it, or 4.7.x. Greylisting wants a second try, and not fewer."""
    reason = bounces.classify(answer.code, answer.reason).reason
    if reason in ("greylisted", "auth_failure"):
        return False
    return answer.code == 421 or reason == "throttled" or bool(SAID.search(answer.reason))


def forget() -> None:
    """What this process handed over lately."""
    global _counted_at
    with _holding:
        _lately.clear()
        _uncounted.clear()
        _counted_at = 0.0


def _note(took: dict[int, Counter[str]]) -> None:
    second = int(time.monotonic())
    with _holding:
        for transport, domains in took.items():
            _lately.append((second, transport, domains))
            _uncounted.append((transport, domains))
        while _lately and _lately[0][0] < second - OBSERVED:
            _lately.popleft()


def _count(*, at_once: bool = False) -> None:
    """Tell the other senders what the operators of the table got."""
    global _counted_at
    now = time.monotonic()
    with _holding:
        if not _uncounted or (now < _counted_at + FLUSH and not at_once):
            return
        _counted_at, waiting = now, list(_uncounted)
        _uncounted.clear()
    group, known = groups.of({domain.lower() for _transport, domains in waiting for domain in domains}), operators.operators()
    found = Counter[str]()
    for transport, domains in waiting:
        for domain, n in domains.items():
            if (name := group[domain.lower()]) in known:
                found[f"sent:{transport}:{name}"] += n
    if found:
        keys = sorted(found)
        sql.run(COUNT, {"now": clock.now(), "keys": keys, "ns": [float(found[key]) for key in keys]})


def _slow_down(transport: int, said: Sequence[Said], took: Counter[str]) -> None:
    """Halve what the groups of these answers got."""
    known = groups.of({one.domain for one in said} | {domain.lower() for domain in took})
    by_group: dict[str, list[Said]] = {}
    for one in said:
        by_group.setdefault(known[one.domain], []).append(one)
    if len(by_group) >= MANY and len(by_group) * 2 >= len({known[one.domain] for one in said} | {known[domain.lower()] for domain in took}):
        by_group = {"": list(said)}
    _count(at_once=True)
    here = _observed(transport, set(by_group))
    now = clock.now()
    with transaction.atomic():
        names = sorted(by_group)
        sql.run(MISSING, [transport, names])
        rows = []
        for group, rate, at, most, lowered_at, answers, tokens, sent_at in sql.rows(KNOWN, [transport, names]):
            if lowered_at is not None and lowered_at > now - AGAIN:
                continue
            lately = rates.faded(tokens, sent_at, now) / rates.LATELY if group in operators.operators() else here[group] / OBSERVED
            before = min(rates.grown(rate, at, now), most or rates.ENOUGH)
            less = max(rates.SLOWEST, min(before, lately or 1.0) * LESS)
            last = by_group[group][-1]
            heard: dict[str, Any] = {"at": now.isoformat(), "domain": last.domain, "code": last.code, "text": MAILBOX.sub("…@", last.text)[:LONGEST]}
            rows.append({"grouped": group, "rate": less, "before": min(before, lately or before), "answers": [heard, *json.loads(answers)][:KEPT]})
            _log.info("a receiver wants fewer mails at a time", transport=transport, group=group or "all", per_second=round(less, 2))
        if rows:
            sql.run(LOWER, {"now": now, "transport": transport, "rows": json.dumps(rows)})


def _observed(transport: int, wanted: set[str]) -> Counter[str]:
    """How many messages of this process these groups got in the last seconds; "" stands for all."""
    with _holding:
        lately = [dict(domains) for _second, whose, domains in _lately if whose == transport]
    known = groups.of({domain.lower() for domains in lately for domain in domains})
    found = Counter[str]()
    for domains in lately:
        for domain, n in domains.items():
            for group in ({known[domain.lower()], ""} & wanted) if wanted else ():
                found[group] += n
    return found
