"""The report of a campaign: what became of its mails and what people did with them. It reads rows that were counted before, never the events.

sent        handed to a receiver: delivered, bounced, refused, or not known
delivered   sent, and nobody said that it did not arrive
opened      a person opened it or clicked in it; what programs did is told apart
clicked     a person clicked in it
Rates are parts of the delivered; click-to-open is a part of the opened. See docs/campaign-report.md.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from baton.messaging.campaigns.report_counts import COUNTED, WITHIN
from baton.messaging.models import Campaign, CampaignCount, EmailLink, Variant
from baton.platform import sql
from baton.segments.statistics import Rate, rate

SENT = frozenset({"sent", "delivered", "bounced", "failed", "unknown"})  # states of messages that were handed over
ARRIVED = frozenset({"sent", "delivered"})
BACK = frozenset({"bounced", "failed"})

TALLIES = "SELECT campaign_id, variant, state, reason, sum(n)::bigint FROM campaign_tally WHERE campaign_id = ANY(%s) GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A campaign, or one variant of it, in people."""

    states: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (state, reason) -> messages
    counts: Mapping[str, int] = field(default_factory=dict)  # names of CampaignCount

    def of(self, states: Collection[str]) -> int:
        return sum(n for (state, _reason), n in self.states.items() if state in states)

    def reasons(self, states: Collection[str]) -> list[tuple[str, int]]:
        """Why, the most frequent first."""
        found: dict[str, int] = defaultdict(int)
        for (state, reason), n in self.states.items():
            if state in states:
                found[reason] += n
        return sorted(((reason, n) for reason, n in found.items() if n > 0), key=lambda one: (-one[1], one[0]))

    @property
    def sent(self) -> int:
        return self.of(SENT)

    @property
    def delivered(self) -> int:
        return self.of(ARRIVED)

    @property
    def bounced(self) -> int:
        return self.of(BACK)

    @property
    def skipped(self) -> int:
        return self.of({"skipped"})

    @property
    def settled(self) -> int:
        """Of which nothing more is to be done: sent, left out, or cancelled."""
        return self.of(SENT | {"skipped", "cancelled"})

    def n(self, name: str) -> int:
        return self.counts.get(name, 0)

    def rate(self, name: str, of: str = "delivered") -> Rate:
        """A count as a part of the delivered, or of another count; with its interval, or without when there are too few."""
        whole = self.delivered if of == "delivered" else self.sent if of == "sent" else self.n(of)
        part = self.bounced if name == "bounced" else self.delivered if name == "delivered" else self.n(name)
        return rate(min(part, whole), whole)


@dataclass(frozen=True, slots=True)
class Group:
    """Receivers of one domain, or of one mail provider; an empty name: all others."""

    name: str
    sent: int
    bounced: int
    opened: int
    clicked: int
    complained: int

    @property
    def delivered(self) -> int:
        return self.sent


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page of a report shows."""

    campaign: Campaign
    all: Numbers
    variants: list[tuple[Variant, Numbers]]
    links: list[tuple[EmailLink, int, int]]  # people, and how many were programs only; the most clicked first
    by_hour: list[tuple[int, int, int]]  # hours since the beginning, opened, clicked: first times, as far as something was counted
    groups: list[Group]
    counted_at: datetime | None

    def within(self, days: int) -> dict[str, int]:
        """What people did within so many days of their first click: forms, meetings, deals, won, revenue, foreign (deals won in other currencies)."""
        assert days in WITHIN
        return {name: self.all.n(f"{name}:{days}") for name in ("forms", "meetings", "deals", "won", "revenue", "foreign")}


def numbers(campaigns: Collection[int]) -> dict[int, Numbers]:
    """The numbers of several campaigns for a list: three statements, however many there are."""
    ids = list(campaigns)
    states: dict[int, dict[tuple[str, str], int]] = {id: defaultdict(int) for id in ids}
    for id, _variant, state, reason, n in sql.rows(TALLIES, [ids]):
        states[id][state, reason] += n
    counts: dict[int, dict[str, int]] = {id: defaultdict(int) for id in ids}
    plain = ("opened", "clicked", "machine_opened", "machine_clicked", "unsubscribed", "complained", "replied", "auto_replied")
    for id, name, n in CampaignCount.objects.filter(campaign__in=ids, name__in=plain).values_list("campaign_id", "name", "n"):
        counts[id][name] += n
    return {id: Numbers(states[id], counts[id]) for id in ids}


def of(campaign: Campaign) -> Report:
    """The report of one campaign. A few statements, none of which grows with its events."""
    states: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    whole: dict[tuple[str, str], int] = defaultdict(int)
    for _id, variant, state, reason, n in sql.rows(TALLIES, [[campaign.pk]]):
        states[variant][state, reason] += n
        whole[state, reason] += n
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    total: dict[str, int] = defaultdict(int)
    counted_at = None
    for row in CampaignCount.objects.filter(campaign=campaign):
        if row.name == COUNTED:
            counted_at = row.counted_at
            continue
        counts[row.variant][row.name] = row.n
        total[row.name] += row.n
    every = list(Variant.objects.filter(campaign=campaign).order_by("key"))
    return Report(
        campaign,
        Numbers(whole, total),
        [(variant, Numbers(states[variant.key], counts[variant.key])) for variant in every],
        _links(campaign, every, total),
        _by_hour(total),
        _groups(total),
        counted_at,
    )


def _links(campaign: Campaign, variants: list[Variant], total: Mapping[str, int]) -> list[tuple[EmailLink, int, int]]:
    """The links of its mails that somebody followed."""
    emails = {variant.email_id for variant in variants} | ({campaign.email_id} if campaign.email_id else set())
    found = [(link, total.get(f"link:{link.pk}", 0), total.get(f"link_machine:{link.pk}", 0)) for link in EmailLink.objects.filter(email_id__in=emails)]
    return sorted((one for one in found if one[1] or one[2]), key=lambda one: (-one[1], -one[2], one[0].pk))


def _by_hour(total: Mapping[str, int]) -> list[tuple[int, int, int]]:
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for name, n in total.items():
        what, _colon, number = name.partition(":")
        place = 0 if what.startswith("opened_") else 1
        if what in ("opened_hour", "clicked_hour"):
            found[int(number)][place] += n
        elif what in ("opened_day", "clicked_day"):
            found[int(number) * 24][place] += n
    return [(hour, opened, clicked) for hour, (opened, clicked) in sorted(found.items())]


def _groups(total: Mapping[str, int]) -> list[Group]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, n in total.items():
        if name.startswith("group:"):
            _group, place, what = name.split(":", 2)
            found[place]["sent" if what == "unknown" else what] += n
    rows = [Group(name, *(n[what] for what in ("sent", "bounced", "opened", "clicked", "complained"))) for name, n in found.items()]
    return sorted(rows, key=lambda group: (not group.name, -group.sent - group.bounced, group.name))
