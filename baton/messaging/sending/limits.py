"""How fast mail may go: token buckets for a transport, for a group of receivers behind one operator, and for a domain's day while it is warmed up.

All sending processes share them (table sending_allowance). What the rates of groups are is told by rates.py, what receivers' answers do to them by
learning.py; a transport's own is its setting `per_second`; a campaign's own pace is in its chunks' turns.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from baton.messaging.models import SendingDomain, Transport
from baton.messaging.sending import groups, rates
from baton.platform import clock, sql
from baton.platform.config import config

SPAN = 3.0  # seconds: what a group did not use for so long it may have at once, and who waits for its turn comes back after at most so long
TURN = 1.0  # seconds after which those come back who were too many at the same time

MISSING = """
INSERT INTO sending_allowance (key, tokens, at) SELECT r.key, r.most, %(now)s FROM unnest(%(keys)s::text[], %(most)s::float8[]) AS r(key, most)
ON CONFLICT (key) DO NOTHING
"""
# Fills the buckets up to now and takes from each as many as are wanted, or as there are. Gives back how full each was.
TAKE = """
WITH held AS MATERIALIZED (
    SELECT key, tokens, at FROM sending_allowance WHERE key = ANY(%(keys)s) ORDER BY key FOR UPDATE
), filled AS (
    SELECT h.key, r.wanted, least(r.most, h.tokens + greatest(0, extract(epoch FROM %(now)s - h.at)) * r.per_second) AS tokens
    FROM held h JOIN unnest(%(keys)s::text[], %(rates)s::float8[], %(most)s::float8[], %(wanted)s::int[]) AS r(key, per_second, most, wanted) ON r.key = h.key
)
UPDATE sending_allowance a SET tokens = f.tokens - least(f.wanted, greatest(floor(f.tokens), 0)), at = %(now)s
FROM filled f WHERE a.key = f.key RETURNING a.key, f.tokens
"""
BACK = """
WITH held AS MATERIALIZED (SELECT key FROM sending_allowance WHERE key = ANY(%(keys)s) ORDER BY key FOR UPDATE)
UPDATE sending_allowance a SET tokens = a.tokens + r.n
FROM held h JOIN unnest(%(keys)s::text[], %(ns)s::float8[]) AS r(key, n) ON r.key = h.key WHERE a.key = h.key
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket: so many a second, and at most so many at once. A rate of 0 never fills again."""

    per_second: float
    most: float


class Gauge:
    """The limits for mails of one domain over one transport, as they are now. Made for each lease: it asks the database three times."""

    def __init__(self, transport_id: int | None, domain: str) -> None:
        now = clock.now()
        self.transport = transport_id or 0
        self.rates: dict[str, Rate] = {}
        self._group, self._day, self._relay = f"group:{self.transport}:", "", f"relay:{self.transport}"
        row = Transport.objects.filter(pk=transport_id).values_list("kind", "settings").first() if transport_id else None
        kind, settings = row or ("smtp", {})
        if per_second := _number(settings.get("per_second")):
            self.rates[self._relay] = Rate(per_second, max(1.0, per_second))
        learnt, self._fresh, self._at_once = rates.now(self.transport, now, own=kind == "smtp")
        for group, per_second in learnt.items():
            name = self._group + group if group else self._relay
            if name not in self.rates or per_second < self.rates[name].per_second:
                self.rates[name] = Rate(per_second, max(1.0, per_second * SPAN))
        self._warm_up(domain, now)
        self._always = tuple(key for key in (self._relay, self._day) if key in self.rates)

    def admit(self, addresses: Sequence[str]) -> list[float]:
        """For each of these, in their order: 0 when it may go now, else after how many seconds it is worth asking again. Takes the tokens of those that go.

        Those that may go are handed over together, so of a group at most as many as may be under way at the same time.
        """
        if self._at_once:
            return self._some(addresses)
        return self._admit(addresses)

    def _some(self, addresses: Sequence[str]) -> list[float]:
        """Likewise, where some groups get only so many letters at the same time."""
        known, seen, waits = groups.of(groups.domain_of(address) for address in addresses), Counter[str](), []
        for address in addresses:
            group = known[groups.domain_of(address)]
            seen[group] += 1
            waits.append(TURN if seen[group] > self._at_once.get(group, len(addresses)) else 0.0)
        admitted = iter(self._admit([address for address, wait in zip(addresses, waits, strict=True) if not wait]))
        return [wait or next(admitted) for wait in waits]

    def _admit(self, addresses: Sequence[str]) -> list[float]:
        if not self.rates:
            return [0.0] * len(addresses)
        keys = self._keys(addresses)
        wanted = Counter(key for some in keys for key in some)
        if not wanted:
            return [0.0] * len(addresses)
        now = clock.now()
        if begun := self._fresh.intersection(key.removeprefix(self._group) for key in wanted if key.startswith(self._group)):
            rates.begin(self.transport, begun, now)
            self._fresh -= begun
        full = self._take(wanted, now)
        left = {key: min(n, int(max(full[key], 0.0))) for key, n in wanted.items()}
        after = {key: self._wait(key, n - left[key], full[key] - left[key], now) for key, n in wanted.items() if n > left[key]}
        found = []
        for some in keys:
            if lacking := [key for key in some if left[key] < 1]:
                found.append(max(after.get(key, SPAN) for key in lacking))
                continue
            found.append(0.0)
            for key in some:
                left[key] -= 1
        _back({key: n for key, n in left.items() if n})
        return found

    def give_back(self, addresses: Sequence[str]) -> None:
        """These did not go after all."""
        if self.rates:
            _back(Counter(key for some in self._keys(addresses) for key in some))

    def _keys(self, addresses: Sequence[str]) -> list[tuple[str, ...]]:
        """The buckets that each of these takes from."""
        domains = [groups.domain_of(address) for address in addresses]
        known = {}
        for domain, group in groups.of(domains).items():
            key = self._group + group
            known[domain] = (*self._always, key) if key in self.rates else self._always
        return [known[domain] for domain in domains]

    def _take(self, wanted: Counter[str], now: datetime) -> dict[str, float]:
        """How full the buckets were; what is wanted is taken, as far as there is any."""
        keys = sorted(wanted)
        given = {
            "now": now, "keys": keys, "rates": [self.rates[key].per_second for key in keys], "most": [self.rates[key].most for key in keys],
            "wanted": [wanted[key] for key in keys],
        }  # fmt: skip
        full: dict[str, float] = dict(sql.rows(TAKE, given))
        if missing := [key for key in keys if key not in full]:
            sql.run(MISSING, {"now": now, "keys": missing, "most": [self.rates[key].most for key in missing]})
            part = [(key, self.rates[key]) for key in missing]
            again = {
                "now": now, "keys": missing, "rates": [rate.per_second for _key, rate in part], "most": [rate.most for _key, rate in part],
                "wanted": [wanted[key] for key in missing],
            }  # fmt: skip
            full |= dict(sql.rows(TAKE, again))
        return full

    def _warm_up(self, domain: str, now: datetime) -> None:
        today = now.astimezone(config().zone).date()
        self._day = f"day:{domain}:{today}"
        plan = SendingDomain.objects.filter(name=domain).values_list("warm_up", flat=True).first()
        if plan and plan.get("from") and _number(plan.get("first")):
            day = (today - date.fromisoformat(str(plan["from"]))).days
            if day >= 0:
                most = _number(plan["first"]) * (_number(plan.get("growth")) or 2.0) ** min(day, 60)
                if most < 5_000_000:  # warm by then
                    self.rates[self._day] = Rate(0.0, most)

    def _wait(self, key: str, short: int, tokens: float, now: datetime) -> float:
        """Seconds until those who were left out can go, or as many of them as go at once."""
        rate = self.rates[key]
        if rate.per_second:
            return max(0.0, min(float(short), max(1.0, rate.most)) - max(tokens, 0.0)) / rate.per_second
        tomorrow = (now.astimezone(config().zone) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (tomorrow - now).total_seconds()


def tidy() -> int:
    """Forget days that are over, buckets nobody used for long, and what receivers asked for long ago; returns how many."""
    now = clock.now()
    gone = sql.run("DELETE FROM sending_allowance WHERE at < %s", [now - timedelta(days=2)])
    return gone + rates.tidy(now)


def _back(tokens: dict[str, int]) -> None:
    if tokens:
        keys = sorted(tokens)
        sql.run(BACK, {"keys": keys, "ns": [float(tokens[key]) for key in keys]})


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0
