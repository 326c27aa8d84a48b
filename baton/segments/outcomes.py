"""How it ended with people: deals won and lost, and what sales said of leads. Whose end is not known is neither good nor bad: he is not counted.

A person counts once. Who won a deal is won, from the first deal won on; else the last deal lost counts; who has no closed deal is what sales said of him last.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from baton.crm.models import Stage
from baton.platform import clock, sql
from baton.platform.config import config

MOST = 5_000  # the newest closed deals, and the newest verdicts, that are looked at
BEFORE = timedelta(microseconds=1)

End = Literal["won", "lost", "ready", "not_ready", "unqualified"]
GOOD: frozenset[End] = frozenset({"won", "ready"})

# When a deal was closed: when it came to its last stage here, or by the end of its close date if that was earlier (it was imported later).
CLOSED = (
    "least((d.properties->>'stage_since')::timestamptz,"
    " (CASE WHEN d.properties->>'closedate' ~ '^\\d{4}-\\d{2}-\\d{2}$' THEN (d.properties->>'closedate')::date + 1 END)::timestamp AT TIME ZONE %(zone)s)"
)
DEALS = f"""
SELECT d.id, s.won, d.created_at, {CLOSED} AS closed
FROM record d JOIN unnest(%(pipelines)s::text[], %(stages)s::text[], %(wins)s::boolean[]) AS s(pipeline, stage, won)
  ON d.properties->>'pipeline' = s.pipeline AND d.properties->>'dealstage' = s.stage
WHERE d.object_type = 'deal' AND d.archived_at IS NULL AND d.properties->>'dealtype' IS DISTINCT FROM 'existingbusiness'
"""
NEWEST = f"""
WITH deal AS ({DEALS}), newest AS (
    SELECT d.* FROM deal d WHERE d.closed <= %(now)s AND (%(since)s::timestamptz IS NULL OR d.closed >= %(since)s)
    ORDER BY d.closed DESC, d.id DESC LIMIT %(most)s
)
SELECT n.id, n.won, n.created_at, n.closed, a.to_id FROM newest n JOIN association a ON a.from_id = n.id AND a.to_type = 'contact' AND a.label = ''
ORDER BY n.closed, n.id, a.to_id
"""
VERDICTS = """
SELECT v.contact_id, v.verdict, v.at FROM verdict v
WHERE v.verdict IN ('ready', 'not_ready', 'unqualified') AND (%(since)s::timestamptz IS NULL OR v.at >= %(since)s)
ORDER BY v.at DESC, v.contact_id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What counts as an end, when the score is looked at, and how far back ends are looked for."""

    ends: Literal["both", "deals", "verdicts"] = "both"
    moment: Literal["created", "closed"] = "created"  # just before the deal was made, or just before it was closed
    days: int | None = 365  # None: for ever

    def to_json(self) -> dict[str, Any]:
        return {"ends": self.ends, "moment": self.moment, "days": self.days}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Settings":
        return cls(**{name: stored[name] for name in ("ends", "moment", "days") if name in stored})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended with a contact, and the moment for which his score is asked: just before sales took him up."""

    contact_id: int
    end: End
    at: datetime
    deal: int | None = None
    late: bool = False  # the deal was written down after it had closed, so the moment is its close


@dataclass(frozen=True, slots=True)
class Deal:
    """A closed deal with its contacts."""

    id: int
    won: bool
    created: datetime
    closed: datetime
    contacts: tuple[int, ...]

    def before(self, moment: Literal["created", "closed"]) -> datetime:
        """Just before the deal was made, or closed."""
        return (min(self.created, self.closed) if moment == "created" else self.closed) - BEFORE


def deals(days: int | None = None, *, most: int = MOST) -> list[Deal]:
    """The newest closed deals that have contacts, the newest last; deals with customers of before (existing business) are none."""
    found: dict[int, Deal] = {}
    for id, won, created, closed, contact in sql.rows(NEWEST, {**stages(), "since": _since(days), "now": clock.now(), "most": most}):
        deal = found.get(id)
        found[id] = Deal(id, won, created, closed, (*(deal.contacts if deal else ()), contact))
    return list(found.values())


def find(settings: Settings) -> list[Outcome]:
    """The ends of contacts, by contact; bounded by MOST."""
    found: dict[int, Outcome] = {}
    if settings.ends != "deals":
        for contact, verdict, at in sql.rows(VERDICTS, {"since": _since(settings.days), "most": MOST}):
            found.setdefault(contact, Outcome(contact, verdict, at - BEFORE))
    if settings.ends != "verdicts":
        for deal in deals(settings.days):
            for contact in deal.contacts:
                was = found.get(contact)
                if was is None or was.end != "won":  # the newest lost one, until one is won
                    end: End = "won" if deal.won else "lost"
                    found[contact] = Outcome(contact, end, deal.before(settings.moment), deal.id, deal.created > deal.closed)
    return sorted(found.values(), key=lambda o: o.contact_id)


def is_good(end: End, *, last: bool) -> bool | None:
    """Whether an end speaks for a contact; None: neither for nor against. Not ready speaks against the `last` band, which hands people to sales, only."""
    if end == "not_ready":
        return False if last else None
    return end in GOOD


def stages() -> dict[str, Any]:
    """The stages in which deals end, as parameters: pipeline, stage, won or not; and the account's time zone."""
    rows = list(
        Stage.objects.filter(pipeline__object_type="deal", closed=True).order_by("pipeline_id", "position").values_list("pipeline__key", "key", "probability")
    )
    return {
        "pipelines": [row[0] for row in rows],
        "stages": [row[1] for row in rows],
        "wins": [row[2] > 0 for row in rows],
        "zone": str(config().zone),
    }


def _since(days: int | None) -> datetime | None:
    return None if days is None else clock.now() - timedelta(days=days)
