"""Bounces and complaints by sending domain, by group of receivers and by kind of mail, held against what the large mail providers allow.

Campaigns are read from their counts, so their cost follows their number, not that of messages; what is outside them from its own index (alone.py).
Gmail tells nobody who complained: of its receivers the numbers are those of its Postmaster Tools only.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr

from baton.messaging.deliverability import alone
from baton.platform import clock, sql
from baton.platform.config import config

# Shares of mails sent. Gmail and Yahoo, Email sender guidelines: complaints below 0.1 %, never 0.3 % or more.
COMPLAINTS_WARN, COMPLAINTS_STOP = 0.001, 0.003
BOUNCES_WARN, BOUNCES_STOP = 0.02, 0.05
DAYS = 30
CAMPAIGN = "campaign"
KINDS = (CAMPAIGN, alone.WORKFLOW, alone.SINGLE)
LEAST = 200  # mails: of fewer a share says little
COUNTS = """
SELECT lower(split_part(e.from_address, '@', 2)), split_part(c.name, ':', 2), split_part(c.name, ':', 3), sum(c.n)::bigint
FROM campaign k JOIN campaign_count c ON c.campaign_id = k.id LEFT JOIN email e ON e.id = k.email_id
WHERE k.started_at >= %s AND c.name LIKE 'group:%%:%%'
GROUP BY 1, 2, 3
"""


@dataclass(slots=True)
class Rate:
    """What became of mails: `name` is a domain, a group of receivers ("": the others), or one of KINDS."""

    name: str
    arrived: int = 0  # taken by the receiver and not sent back
    bounced: int = 0
    complained: int = 0

    @property
    def sent(self) -> int:
        return self.arrived + self.bounced

    @property
    def bounces(self) -> float:
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaints(self) -> float:
        return self.complained / self.arrived if self.arrived else 0.0

    @property
    def bounce_state(self) -> str:
        return _state(self.bounces, BOUNCES_WARN, BOUNCES_STOP, self.sent)

    @property
    def complaint_state(self) -> str:
        return _state(self.complaints, COMPLAINTS_WARN, COMPLAINTS_STOP, self.sent)

    def add(self, what: str, n: int) -> None:
        if what in ("sent", "unknown"):
            self.arrived += n
        elif what == "bounced":
            self.bounced += n
        elif what == "complained":
            self.complained += n


@dataclass(frozen=True, slots=True)
class Health:
    domains: list[Rate]
    receivers: list[Rate]
    kinds: list[Rate]
    all: Rate


def look(days: int = DAYS) -> Health:
    """The campaigns begun in the last days, and what was written outside of campaigns since then; most mails first. Two queries."""
    usual = parseaddr(config().mail_from)[1].rpartition("@")[2].lower()
    domains: dict[str, Rate] = {}
    receivers: dict[str, Rate] = {}
    kinds = {kind: Rate(kind) for kind in KINDS}
    whole, since = Rate(""), clock.now() - timedelta(days=days)
    rows = [alone.Placed(domain, CAMPAIGN, group, what, n) for domain, group, what, n in sql.rows(COUNTS, [since])]
    for one in (*rows, *alone.by_place(since, LEAST)):
        name = one.domain or usual
        for rate in (domains.setdefault(name, Rate(name)), receivers.setdefault(one.place, Rate(one.place)), kinds[one.kind], whole):
            rate.add(one.what, one.n)
    return Health(_sorted(domains), _sorted(_folded(receivers)), [kinds[kind] for kind in KINDS if kinds[kind].sent], whole)


def complained(campaign_ids: list[int]) -> dict[int, int]:
    """How many people called each of these campaigns spam."""
    found: dict[int, int] = defaultdict(int)
    rows = sql.rows("SELECT campaign_id, sum(n)::bigint FROM campaign_count WHERE campaign_id = ANY(%s) AND name = 'complained' GROUP BY 1", [campaign_ids])
    found.update(dict(rows))
    return found


def _state(share: float, warn: float, stop: float, of: int) -> str:
    if of < LEAST:
        return "unknown"
    return "bad" if share >= stop else "warn" if share >= warn else "ok"


def _folded(rates: dict[str, Rate]) -> dict[str, Rate]:
    """Those of whom too few mails went are the others: each alone says little."""
    found = {"": rates.get("", Rate(""))}
    for name, rate in rates.items():
        if name and rate.sent >= LEAST:
            found[name] = rate
        elif name:
            found[""].arrived += rate.arrived
            found[""].bounced += rate.bounced
            found[""].complained += rate.complained
    return found


def _sorted(rates: dict[str, Rate]) -> list[Rate]:
    return sorted((rate for rate in rates.values() if rate.sent), key=lambda rate: (rate.name == "", -rate.sent))
