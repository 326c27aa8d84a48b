"""How many messages a second one group of receivers may get over one transport: what a person set, what was learnt, and how an operator is begun with.

A learnt rate grows by a tenth a minute, so after a while it holds nobody back. People set theirs here; the settings page shows what is here.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.models import ReceiverRate, Transport
from baton.messaging.sending import operators
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

MORE = 1.1  # what a rate is multiplied by for a minute in which nobody asked for less
SLOWEST, ENOUGH = 0.05, 200.0  # messages a second: never less; learnt rates above this hold nobody back
IDLE = timedelta(hours=6)  # an operator that got nothing from us for so long is begun with anew, as a TCP connection is after a rest (RFC 5681, 4.1)
MOST, AT_ONCE = 1000.0, 1000  # what a person may set
LATELY = 20.0  # seconds: the mean of what an operator got; see learning.py
DOMAINS = 1000  # of a group at most so many are counted for a page
NAMES = 5  # of them at most so many are named
DOMAIN = re.compile(r"(?=.{4,253}$)[\w-]+(\.[\w-]+)+")

NOW = """
SELECT r.grouped, r.most, r.at_once, r.rate, r.at, s.at
FROM receiver_rate r LEFT JOIN sending_allowance s ON s.key = 'sent:' || r.transport_id || ':' || r.grouped
WHERE r.transport_id = %(transport)s AND (
    r.most IS NOT NULL OR r.at_once IS NOT NULL OR r.grouped = ANY(%(operators)s)
    OR r.rate * power(%(more)s, least(extract(epoch FROM %(now)s - r.at) / 60, 1000)) < %(enough)s
)
"""
BEGIN = """
INSERT INTO receiver_rate (transport_id, grouped, rate, at, why, answers)
SELECT %(transport)s, r.grouped, r.rate, %(now)s, 'start', '[]' FROM unnest(%(groups)s::text[], %(rates)s::float8[]) AS r(grouped, rate) ORDER BY r.grouped
ON CONFLICT (transport_id, grouped) DO UPDATE SET rate = excluded.rate, at = excluded.at, why = 'start'
    WHERE receiver_rate.at IS NULL OR receiver_rate.at < %(now)s - %(idle)s::interval
"""
SHOWN = """
SELECT g.grouped, r.most, r.at_once, r.rate, r.at, r.why, r.before, r.lowered_at, coalesce(r.answers, '[]'), s.tokens, s.at, d.n, d.names
FROM (
    SELECT grouped FROM (
        SELECT grouped FROM receiver_rate WHERE transport_id = %(transport)s ORDER BY lowered_at DESC NULLS LAST, grouped LIMIT %(limit)s
    ) mine UNION SELECT unnest(%(operators)s::text[])
) g
LEFT JOIN receiver_rate r ON r.transport_id = %(transport)s AND r.grouped = g.grouped
LEFT JOIN sending_allowance s ON s.key = 'sent:' || %(transport)s::bigint || ':' || g.grouped
CROSS JOIN LATERAL (
    SELECT count(*) AS n, (array_agg(l.domain ORDER BY l.domain))[1:%(names)s::int] AS names
    FROM (SELECT domain FROM receiver_domain WHERE grouped = g.grouped LIMIT %(domains)s) l
) d
WHERE r.grouped IS NOT NULL OR d.n > 0
"""


class Now(NamedTuple):
    """What holds for a transport at a moment."""

    rates: dict[str, float]  # messages a second of the groups that are held back
    fresh: set[str]  # operators among them that are begun with at the next message
    at_once: dict[str, int]  # letters under way at the same time, of the groups of which a person said so


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody asked for less."""

    at: datetime
    domain: str
    code: int
    text: str  # as it was said, without names of mailboxes


@dataclass(frozen=True, slots=True)
class GroupRate:
    """One group of receivers over one transport, for people."""

    group: str  # key; "": everybody, because the carrier itself asked for less
    label: str
    domains: int  # seen of it; DOMAINS stands for that many or more
    names: list[str]  # some of them
    now: float | None  # messages a second at this moment; None: as many as there are
    most: float | None  # what a person set
    at_once: int | None  # likewise
    lately: float  # messages a second it got in the last seconds, of an operator of the table
    why: str  # "" nothing holds it back, "set" by a person, "start" it is new to us, "slower" it asked for less
    before: float | None  # its rate before it was lowered last
    lowered_at: datetime | None
    answers: list[Answer]  # newest first

    @property
    def a_minute(self) -> int:
        """Its rate in messages a minute, at least one; of one that nothing holds back 0."""
        return max(1, round(self.now * 60)) if self.now else 0


def now(transport: int, at: datetime, *, own: bool) -> Now:
    """What holds somebody back at this moment, by group.

    `own`: a relay of one's own, which carries as fast as it is given; providers pace operators by themselves.
    """
    found: dict[str, float] = {}
    together: dict[str, int] = {}
    fresh = set(operators.operators()) if own else set()
    asked = {"transport": transport, "more": MORE, "now": at, "enough": ENOUGH, "operators": sorted(fresh)}
    for group, most, at_once, rate, since, used in sql.rows(NOW, asked):
        if at_once:
            together[group] = at_once
        learnt = grown(rate, since, at)
        if group in fresh and since is not None and max(since, used or since) > at - IDLE:
            fresh.discard(group)
        elif group in fresh:
            learnt = ENOUGH
        if min(learnt, most or ENOUGH) < ENOUGH or most:
            found[group] = min(learnt if learnt < ENOUGH else MOST, most or MOST)
    for group in fresh:
        found[group] = min(operators.operators()[group].start, found.get(group, MOST))
    return Now(found, fresh, together)


def begin(transport: int, groups: Iterable[str], at: datetime) -> None:
    """These operators get their first message for long: from now on their rate grows."""
    some = sorted(groups)
    starts = [operators.operators()[group].start for group in some]
    sql.run(BEGIN, {"transport": transport, "groups": some, "rates": starts, "now": at, "idle": IDLE})


def grown(rate: float | None, since: datetime | None, at: datetime) -> float:
    """What a rate of then is by now; ENOUGH when it holds nobody back."""
    if rate is None or since is None:
        return ENOUGH
    minutes = max(0.0, (at - since).total_seconds()) / 60
    return min(ENOUGH, rate * float(MORE ** min(minutes, 1000.0)))


def shown(transport_id: int | None, *, limit: int = 50) -> list[GroupRate]:
    """The groups of a transport for its page: those a person set or that asked for less, and operators of which domains are known. None: the relay of the
    settings. One query."""
    transport, at = transport_id or 0, clock.now()
    own = _own(transport_id)
    rates, fresh, _together = now(transport, at, own=own)
    asked = {"transport": transport, "limit": limit, "operators": list(operators.operators()), "names": NAMES, "domains": DOMAINS}
    found = []
    for group, most, at_once, _rate, _since, why, before, lowered_at, answers, tokens, sent_at, n, names in sql.rows(SHOWN, asked):
        rate = rates.get(group)
        word = "" if rate is None else "set" if most is not None and rate >= most else "start" if group in fresh else why or "set"
        said = [Answer(datetime.fromisoformat(a["at"]), a["domain"], int(a["code"]), a["text"]) for a in json.loads(answers)]
        label = operators.label(group) if group else _("Everybody")
        lately = faded(tokens, sent_at, at) / LATELY
        found.append(GroupRate(group, label, n, list(names or []), rate, most, at_once, lately, word, before, lowered_at, said))
    return sorted(found, key=lambda one: (one.group != "", one.now is None, -one.domains, one.group))


def set_rate(transport_id: int | None, group: str, actor: Actor, *, per_second: float | None, at_once: int | None = None) -> None:
    """A group gets at most so many messages a second over this transport, and so many at the same time; None: as learnt.

    Raises NotFound (the transport), Invalid (`group`, `per_second`, `at_once`).
    """
    _own(transport_id)
    problems = []
    if group not in operators.operators() and not DOMAIN.fullmatch(group):
        problems.append(Problem("group", "INVALID_OPTION", _("There is no such group of receivers.")))
    if per_second is not None and not SLOWEST <= per_second <= MOST:
        least, most = f"{SLOWEST:g}", f"{MOST:,.0f}"
        problems.append(Problem("per_second", "INVALID_NUMBER", _("A number from {least} to {most}.").format(least=least, most=most)))
    if at_once is not None and not 1 <= at_once <= AT_ONCE:
        problems.append(Problem("at_once", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=1, most=f"{AT_ONCE:,}")))
    if problems:
        raise Invalid(problems)
    key: dict[str, Any] = {"transport_id": transport_id or 0, "grouped": group}
    with transaction.atomic():
        row = ReceiverRate.objects.select_for_update().filter(**key).first()
        was = (row.most, row.at_once) if row else (None, None)
        if was == (per_second, at_once):
            return
        ReceiverRate.objects.update_or_create(**key, defaults={"most": per_second, "at_once": at_once})
        _record(actor, "rate_set", transport_id, group, per_second=per_second, at_once=at_once, was={"per_second": was[0], "at_once": was[1]})


def forget(transport_id: int | None, group: str, actor: Actor) -> None:
    """What was learnt about a group does not count any more; what a person set stays. Raises NotFound."""
    _own(transport_id)
    with transaction.atomic():
        row = ReceiverRate.objects.select_for_update().filter(transport_id=transport_id or 0, grouped=group).first()
        if row is not None and row.rate is not None:
            none: dict[str, Any] = {"rate": ENOUGH, "at": clock.now(), "why": "", "before": None, "lowered_at": None, "answers": []}
            ReceiverRate.objects.filter(transport_id=row.transport_id, grouped=group).update(**none)
            _record(actor, "rate_forgotten", transport_id, group, per_second=round(grown(row.rate, row.at, clock.now()), 2))


def tidy(at: datetime) -> int:
    """Forget what holds nobody back any more and was set by nobody."""
    return sql.run("DELETE FROM receiver_rate WHERE most IS NULL AND at_once IS NULL AND at < %s", [at - timedelta(days=7)])


def faded(tokens: float | None, since: datetime | None, at: datetime) -> float:
    """What is left at this moment of messages that were counted as a bucket that leaks; see learning.py."""
    return float((tokens or 0.0) * 2.718281828 ** (-min(50.0, max(0.0, (at - since).total_seconds()) / LATELY))) if since else 0.0


def _own(transport_id: int | None) -> bool:
    """Whether it is a relay of one's own. Raises NotFound."""
    if transport_id is None:
        return True
    kind = Transport.objects.filter(pk=transport_id, archived_at=None).values_list("kind", flat=True).first()
    if kind is None:
        raise NotFound(_("This transport does not exist any more."))
    return kind == "smtp"


def _record(actor: Actor, verb: str, transport_id: int | None, group: str, **detail: Any) -> None:
    history.record(actor, verb, "transport", transport_id or 0, group=group, **detail)
