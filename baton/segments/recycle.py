"""The recycle desk: who gets no marketing until when and why, whose he is, and who came back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baton.accounts.rights import Rights
from baton.crm import stages
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import filter, finder, waking

PAGE = 50
MONTH = 30  # shown at most of who came back
LEAVING = timedelta(days=7)

# The owner is the contact's; of who has none, the owner of his newest deal: he is remembered.
OWNER = """
coalesce(c.owner_id, (SELECT d.owner_id FROM association a JOIN record d ON d.id = a.to_id AND d.owner_id IS NOT NULL
                      WHERE a.from_id = c.id AND a.to_type = 'deal' ORDER BY d.created_at DESC, d.id DESC LIMIT 1))
"""
PAUSED = f"""
SELECT p.contact_id, p.until, p.reason, p.actor, p.at, p.wake::text, coalesce(c.properties ->> 'lifecyclestage', ''), {OWNER}
FROM pause p JOIN contact c ON c.id = p.contact_id AND c.archived_at IS NULL
WHERE p.ended_at IS NULL AND {{tests}}
"""
RETURNED = f"""
SELECT p.contact_id, p.ended_at, p.ended_by, p.reason, coalesce(c.properties ->> 'lifecyclestage', ''), {OWNER}
FROM pause p JOIN contact c ON c.id = p.contact_id AND c.archived_at IS NULL
WHERE p.ended_at >= %(since)s AND {{tests}} ORDER BY p.ended_at DESC LIMIT %(most)s
"""
COUNTS = """
SELECT count(*), count(*) FILTER (WHERE p.until <= %(soon)s), count(*) FILTER (WHERE p.wake <> '{{}}')
FROM pause p JOIN contact c ON c.id = p.contact_id AND c.archived_at IS NULL WHERE p.ended_at IS NULL AND {tests}
"""
# Who was put in a recycle stage without a day stays there until somebody takes him out.
ENDLESS = """
SELECT count(*) FROM (
    SELECT 1 FROM contact c WHERE c.archived_at IS NULL AND lower(normalize(c.properties ->> 'lifecyclestage', NFC)) = ANY(%(boxes)s) AND {tests}
      AND NOT EXISTS (SELECT 1 FROM pause p WHERE p.contact_id = c.id AND p.ended_at IS NULL) LIMIT %(most)s
) few
"""


@dataclass(frozen=True, slots=True)
class Paused:
    """A contact who gets no marketing now."""

    contact_id: int
    until: datetime
    reason: str
    actor: str
    at: datetime
    wake: str  # the wake-up condition in words; "" without one
    stage: str
    owner_id: int | None

    @property
    def days_left(self) -> int:
        """Days of the account from today to the day it ends."""
        zone = config().zone
        return (self.until.astimezone(zone).date() - clock.now().astimezone(zone).date()).days


@dataclass(frozen=True, slots=True)
class Returned:
    """A contact whose pause is over: by time, wake, or an actor."""

    contact_id: int
    at: datetime
    by: str
    reason: str
    stage: str
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    paused: int
    soon: int  # within a week
    waking: int  # with a wake-up condition
    endless: int  # in a recycle stage, without a day


def boxes() -> list[str]:
    """The recycle stages."""
    return [stage.key for stage in stages.known() if stage.kind == "recycle"]


def paused(rights: Rights | None, *, owner: int | None = None, stage: str = "", after: tuple[datetime, int] | None = None, limit: int = PAGE) -> list[Paused]:
    """Those whose pause goes on, who come back first; of an owner (0: of nobody), in a stage; `after` the last one of the page before."""
    tests, params = _tests(rights, owner)
    if stage:
        tests, params = f"{tests} AND c.properties ->> 'lifecyclestage' = %(stage)s", {**params, "stage": stage}
    if after is not None:
        tests, params = f"{tests} AND (p.until, p.contact_id) > (%(after)s, %(after_id)s)", {**params, "after": after[0], "after_id": after[1]}
    rows = sql.rows(f"{PAUSED.replace('{tests}', tests)} ORDER BY p.until, p.contact_id LIMIT %(limit)s", {**params, "limit": limit})
    said: dict[str, str] = {}
    for stored in {row[5] for row in rows}:
        condition = waking.read(stored)
        said[stored] = filter.sentence(condition) if condition else ""
    return [_paused(row, said[row[5]]) for row in rows]


def one(contact_id: int) -> Paused | None:
    """The pause of a contact that goes on."""
    rows = sql.rows(PAUSED.replace("{tests}", "p.contact_id = %(id)s"), {"id": contact_id})
    if not rows:
        return None
    condition = waking.read(rows[0][5])
    return _paused(rows[0], filter.sentence(condition) if condition else "")


def returned(rights: Rights | None, *, owner: int | None = None) -> list[Returned]:
    """Who came back in this month of the account, newest first."""
    tests, params = _tests(rights, owner)
    first = clock.now().astimezone(config().zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return [Returned(*row) for row in sql.rows(RETURNED.replace("{tests}", tests), {**params, "since": first, "most": MONTH})]


def counts(rights: Rights | None, *, owner: int | None = None) -> Counts:
    """How many are paused, and how many stand in a recycle stage without a day."""
    tests, params = _tests(rights, owner)
    [(all_of_them, soon, wakes)] = sql.rows(COUNTS.format(tests=tests), {**params, "soon": clock.now() + LEAVING})
    [(endless,)] = sql.rows(ENDLESS.format(tests=tests), {**params, "boxes": boxes(), "most": finder.EXACT})
    return Counts(all_of_them, soon, wakes, endless)


def _paused(row: tuple[Any, ...], wake: str) -> Paused:
    contact, until, reason, actor, at, _stored, stage, owner = row
    return Paused(contact, until, reason, actor, at, wake, stage, owner)


def _tests(rights: Rights | None, owner: int | None) -> tuple[str, dict[str, Any]]:
    seen = finder.visible(rights, "contact", "c")
    if owner is None:
        return seen.text, seen.params
    return (f"{seen.text} AND c.owner_id IS NULL", seen.params) if not owner else (f"{seen.text} AND c.owner_id = %(owner)s", {**seen.params, "owner": owner})
