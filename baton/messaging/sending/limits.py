"""How fast mail may go: token buckets for a transport, for a group of receivers behind one operator, and for a domain's day while it is warmed up.

All sending processes share them (table sending_allowance). What receivers answer teaches: who says "slow down" is sent half as much, and a tenth more every
minute without such an answer. Rates of a transport are its settings `per_second` and `groups` ({"gmail": 5}); a campaign's own pace is in its chunks' turns.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction

from baton.messaging.channel import Receipt, Result
from baton.messaging.incoming import bounces
from baton.messaging.models import SendingDomain, Transport
from baton.platform import clock, logs, sql
from baton.platform.config import config

GROUPS = {
    "gmail": ("gmail.com", "googlemail.com"),
    "naver": ("naver.com",),
    "kakao": ("daum.net", "hanmail.net", "kakao.com"),
    "nate": ("nate.com", "empas.com", "lycos.co.kr"),
    "microsoft": ("outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.kr", "hotmail.co.kr", "live.co.kr"),
    "yahoo": ("yahoo.com", "ymail.com", "aol.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr"),
    "icloud": ("icloud.com", "me.com", "mac.com"),
}  # domains behind one operator, which counts them together
GROUP = {domain: group for group, domains in GROUPS.items() for domain in domains}
LESS, MORE = 0.5, 1.1  # what a rate is multiplied by after "slow down", and for a minute without
SLOWEST, ENOUGH = 0.05, 200.0  # messages a second: never less; learnt rates above this are forgotten
AGAIN = timedelta(seconds=10)  # answers within so long after one are about the same haste
OBSERVED = 20  # seconds of which the rate of now is the mean

_log = logs.log(__name__)
_lately: dict[str, deque[tuple[int, int]]] = defaultdict(deque)  # messages of this process: (second, how many)


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket: so many a second, and at most so many at once. A rate of 0 never fills again."""

    per_second: float
    most: float


def group_of(address: str) -> str:
    """Whom an address' answers are about: the operator, or the domain by itself."""
    domain = address.rpartition("@")[2].lower()
    return GROUP.get(domain, domain)


class Gauge:
    """The limits for mails of one domain over one transport, as they are now. Made for each lease: it asks the database three times."""

    def __init__(self, transport_id: int | None, domain: str) -> None:
        now = clock.now()
        self.transport = transport_id or 0
        self.rates: dict[str, Rate] = {}
        settings = Transport.objects.filter(pk=transport_id).values_list("settings", flat=True).first() if transport_id else None
        self._relay(settings or {})
        self._learnt(now)
        self._warm_up(domain, now)

    def admit(self, addresses: Sequence[str]) -> tuple[list[bool], float]:
        """Which of these may go now, in their order, and after how many seconds it is worth asking for the others. Takes their tokens."""
        wanted = [[key for key in self._keys(address) if key in self.rates] for address in addresses]
        names = sorted({key for keys in wanted for key in keys})
        if not names:
            return [True] * len(addresses), 0.0
        now = clock.now()
        with transaction.atomic():
            tokens = self._tokens(names, now)
            admitted, short = [], set[str]()
            for keys in wanted:
                lacking = [key for key in keys if tokens[key] < 1]
                short.update(lacking)
                admitted.append(not lacking)
                for key in keys if not lacking else ():
                    tokens[key] -= 1
            _keep(tokens, now)
        return admitted, max((self._wait(key, tokens[key], now) for key in short), default=0.0)

    def give_back(self, addresses: Sequence[str]) -> None:
        """These did not go after all."""
        back = Counter(key for address in addresses for key in self._keys(address) if key in self.rates)
        if back:
            sql.run(
                "UPDATE sending_allowance a SET tokens = a.tokens + r.n FROM unnest(%s::text[], %s::float8[]) AS r(key, n) WHERE a.key = r.key",
                [list(back), [float(n) for n in back.values()]],
            )

    def _keys(self, address: str) -> tuple[str, str, str]:
        return f"relay:{self.transport}", f"group:{self.transport}:{group_of(address)}", self.day

    def _relay(self, settings: dict[str, object]) -> None:
        if rate := _number(settings.get("per_second")):
            self.rates[f"relay:{self.transport}"] = Rate(rate, max(1.0, rate))
        groups = settings.get("groups")
        for group, wanted in groups.items() if isinstance(groups, dict) else ():
            if rate := _number(wanted):
                self.rates[f"group:{self.transport}:{group}"] = Rate(rate, max(1.0, rate))

    def _learnt(self, now: datetime) -> None:
        begin = f"learnt:{self.transport}:"
        for key, rate, at in sql.rows("SELECT key, rate, at FROM sending_allowance WHERE starts_with(key, %s)", [begin]):
            grown = _grown(rate, at, now)
            name = f"group:{key.removeprefix('learnt:')}"
            if grown < ENOUGH and (name not in self.rates or grown < self.rates[name].per_second):
                self.rates[name] = Rate(grown, max(1.0, grown))

    def _warm_up(self, domain: str, now: datetime) -> None:
        today = now.astimezone(config().zone).date()
        self.day = f"day:{domain}:{today}"
        plan = SendingDomain.objects.filter(name=domain).values_list("warm_up", flat=True).first()
        if plan and plan.get("from") and _number(plan.get("first")):
            day = (today - date.fromisoformat(str(plan["from"]))).days
            if day >= 0:
                most = _number(plan["first"]) * (_number(plan.get("growth")) or 2.0) ** min(day, 60)
                if most < 5_000_000:  # warm by then
                    self.rates[self.day] = Rate(0.0, most)

    def _tokens(self, names: Sequence[str], now: datetime) -> dict[str, float]:
        sql.run(
            "INSERT INTO sending_allowance (key, tokens, at) SELECT r.key, r.tokens, %s FROM unnest(%s::text[], %s::float8[]) AS r(key, tokens)"
            " ON CONFLICT (key) DO NOTHING",
            [now, list(names), [self.rates[name].most for name in names]],
        )
        held = sql.rows("SELECT key, tokens, at FROM sending_allowance WHERE key = ANY(%s) ORDER BY key FOR UPDATE", [list(names)])
        return {key: min(self.rates[key].most, tokens + max(0.0, (now - at).total_seconds()) * self.rates[key].per_second) for key, tokens, at in held}

    def _wait(self, key: str, tokens: float, now: datetime) -> float:
        rate = self.rates[key]
        if rate.per_second:
            return max(0.0, 1 - tokens) / rate.per_second
        tomorrow = (now.astimezone(config().zone) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (tomorrow - now).total_seconds()


def learn(answers: Sequence[tuple[int | None, str, Receipt]]) -> None:
    """Of (transport, address, answer) what was taken and where somebody asks for less. Never fails: it is only advice."""
    took, slower = Counter[str](), set[str]()
    for transport_id, address, answer in answers:
        if answer.result == Result.SENT:
            took[f"learnt:{transport_id or 0}:{group_of(address)}"] += 1
        elif answer.result == Result.DEFERRED and (answer.code == 421 or bounces.classify(answer.code, answer.reason).reason == "throttled"):
            slower.add(f"learnt:{transport_id or 0}:{group_of(address)}")
    second = int(time.monotonic())
    for key, n in took.items():
        lately = _lately[key]
        lately.append((second, n))
        while lately[0][0] < second - OBSERVED:
            lately.popleft()
    for key in sorted(slower):
        try:
            _slow_down(key, sum(n for _second, n in _lately[key]) / OBSERVED)
        except (OperationalError, InterfaceError) as error:
            _log.warning("what a receiver asked for was not kept", error=str(error))


def _slow_down(key: str, observed: float) -> None:
    now = clock.now()
    with transaction.atomic():
        known = sql.rows("SELECT rate, at FROM sending_allowance WHERE key = %s FOR UPDATE", [key])
        if known and known[0][1] > now - AGAIN:
            return
        before = _grown(known[0][0], known[0][1], now) if known else ENOUGH
        rate = max(SLOWEST, min(before, observed or 1.0) * LESS)
        sql.run(
            "INSERT INTO sending_allowance (key, tokens, at, rate) VALUES (%s, 0, %s, %s)"
            " ON CONFLICT (key) DO UPDATE SET at = excluded.at, rate = excluded.rate",
            [key, now, rate],
        )
    _log.info("a receiver wants fewer mails at a time", key=key, per_second=round(rate, 2))


def tidy() -> int:
    """Forget days that are over and learnt rates that hold nobody back any more; returns how many."""
    now = clock.now()
    minutes = 60 * 24  # by then even the slowest rate has grown beyond ENOUGH
    return sql.run(
        "DELETE FROM sending_allowance WHERE (starts_with(key, 'day:') AND at < %s) OR (starts_with(key, 'learnt:') AND at < %s)",
        [now - timedelta(days=2), now - timedelta(minutes=minutes)],
    )


def _keep(tokens: dict[str, float], now: datetime) -> None:
    sql.run(
        "UPDATE sending_allowance a SET tokens = r.tokens, at = %s FROM unnest(%s::text[], %s::float8[]) AS r(key, tokens) WHERE a.key = r.key",
        [now, list(tokens), list(tokens.values())],
    )


def _grown(rate: float, at: datetime, now: datetime) -> float:
    minutes = max(0.0, (now - at).total_seconds()) / 60
    return min(ENOUGH, rate * MORE ** min(minutes, 1000.0)) if rate else ENOUGH


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0
