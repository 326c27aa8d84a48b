"""What follows events: the first stage of the tick, and the partitions of the months to come."""

from collections.abc import Sequence
from datetime import timedelta

from baton.events import expiry, hits, identity, logged, moves, offline, partitions, said, visiting  # noqa: F401  # visiting is a stage by itself
from baton.events.vocabulary import HUMAN, Kind
from baton.platform import changes, clock, live, logs, sql
from baton.platform.changes import Batch, Change
from baton.platform.errors import Conflict
from baton.platform.jobs import every

log = logs.log(__name__)

BY_MAIL = "cookie:"  # key of an `identity` change left by the collector: "cookie:<cookie>:<contact id>"

SEEN = """
INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent)
SELECT e.contact_id, min(e.ts), max(e.ts), '', '', ''
FROM event e LEFT JOIN visitor v ON v.contact_id = e.contact_id
WHERE e.contact_id = ANY(%(ids)s) AND e.kind = ANY(%(kinds)s::smallint[]) AND NOT e.payload ? 'machine'
  AND (v.contact_id IS NULL OR e.ts > v.last_seen_at)
GROUP BY e.contact_id
ON CONFLICT (contact_id) DO UPDATE SET last_seen_at = excluded.last_seen_at WHERE excluded.last_seen_at > visitor.last_seen_at
"""


@changes.on_change(order=10)
def who_and_when(batch: Batch, unseen: list[Change]) -> None:
    """Settle who the events belong to and when each person was last active, before scores and lists look."""
    followed = logged.follow(logged.touched(unseen))
    batch.add(followed)
    batch.add(moves.follow(unseen))
    met = offline.follow(unseen)
    batch.add(met)
    happened = {c.contact_id for c in unseen if c.kind == "event"}
    moved = _strays([c for c in unseen if c.kind == "event"])
    for change in unseen:
        if change.kind == "identity" and change.key.startswith(BY_MAIL):
            _by_mail(change)
    said.follow(unseen)
    acted = {c.contact_id for c in (*unseen, *followed, *met) if c.kind == "event" and _is_human(c.key)} - moved
    if acted:
        sql.run(SEEN, {"ids": sorted(acted), "kinds": [int(k) for k in HUMAN]})
    if happened - moved:
        sql.rows(
            "SELECT pg_notify(%s, json_build_object('topic', 'contact:' || c.id, 'what', 'changed')::text) FROM contact c WHERE c.id = ANY(%s)",
            [live.CHANNEL, sorted(happened - moved)],
        )


def _strays(events: Sequence[Change]) -> set[int]:
    """Move events that were on their way to an id while it was merged into another; returns the old ids."""
    gone = identity.merged({c.contact_id for c in events}) if events else {}
    for old, new in gone.items():
        told = {Change(new, "event", f"{kind}:{key}") for kind, key in identity.move_events(old, new, via=True)}
        told |= {c._replace(contact_id=new) for c in events if c.contact_id == old}  # what nobody has heard of yet is still news
        changes.append(sorted(told))  # the new id may be another bucket's: its own tick takes it
    return set(gone)


def _by_mail(change: Change) -> None:
    """A visitor came by a link of a mail written to a contact: he is that contact, unless he is known as another."""
    contact_id = int(change.key.rpartition(":")[2])
    now = identity.current(contact_id)
    if not identity.is_known(now) or hits.led_by_program(change.contact_id, now):
        return
    try:
        identity.join(change.contact_id, contact_id, by="email_click", sure=False)
    except Conflict:
        log.info("mail link opened by another known contact", visitor=change.contact_id, contact=contact_id)


def _is_human(key: str) -> bool:
    kind, _, _ = key.partition(":")
    return Kind(int(kind)) in HUMAN


@every("* * * * *")
def meetings_begin() -> None:
    """A meeting planned ahead becomes an event when it begins."""
    logged.come_due()


@every("41 3 * * *")
def visitors_expire() -> None:
    """Who was never more than a visitor and has not come back for long is forgotten."""
    expiry.forget()


@every("17 3 * * *")
def months_ahead() -> None:
    """Partitions for late hits of the last two months and for the months to come."""
    partitions.ensure(clock.now() - timedelta(days=62), clock.now())
