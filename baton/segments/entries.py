"""Points given by hand: a salesperson or a workflow adds or takes some, with a reason. Appended, never changed; they count until they expire.

    add(contact_ids, model, points, reason=, actor=, cause="", expires_days=None) -> int
    of(contact_id) -> [Entry]                     newest first
    reset(contact_ids, model, reason=, actor=)    an entry that brings the total to 0

The tick scores who got one: an entry is seen in the score a moment later, like everything else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity
from baton.events.ids import new_id
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import Invalid
from baton.segments.card import MOST
from baton.segments.models import ScoreEntry, ScoreModel

LONGEST = 500  # letters of a reason
DAYS = 3650

INSERT = """
INSERT INTO score_entry (contact_id, id, model_id, points, reason, actor, cause, at, expires_at)
SELECT c.id, r.entry_id, %(model)s, r.points, %(reason)s, %(actor)s, r.cause, %(at)s, %(expires_at)s
FROM unnest(%(ids)s::bigint[], %(entry_ids)s::bigint[], %(points)s::int[], %(causes)s::text[]) AS r(contact_id, entry_id, points, cause)
JOIN contact c ON c.id = r.contact_id AND c.archived_at IS NULL
ORDER BY c.id
ON CONFLICT (contact_id, model_id, cause) WHERE cause <> '' DO NOTHING
RETURNING contact_id
"""
# What contacts have now, entries that are not scored yet among it.
STANDING = """
SELECT c.id, coalesce(s.total, 0) - coalesce((s.reasons #>> '{ledger,1}')::int, 0)
       + coalesce((SELECT sum(e.points) FROM score_entry e
                   WHERE e.contact_id = c.id AND e.model_id = %(model)s AND (e.expires_at IS NULL OR e.expires_at > %(at)s)), 0)::int
FROM contact c LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s
WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """Points given by hand."""

    id: int
    model_id: int
    points: int
    reason: str
    actor: str
    at: datetime
    expires_at: datetime | None
    counts: bool  # has not expired


def add(
    contact_ids: Collection[int],
    model: ScoreModel,
    points: int,
    *,
    reason: str,
    actor: Actor,
    cause: str | Mapping[int, str] = "",
    expires_days: int | None = None,
) -> int:
    """Give contacts points, or take some with a negative number; returns how many got an entry. With a `cause` (or one by contact) each gets one of it only.

    Ids of merged contacts mean who they are now; archived ones are passed over. Raises Invalid (`points`, `reason`, `expires_days`, `model`).
    """
    if not -MOST <= points <= MOST or points == 0:
        raise Invalid.one("points", "INVALID_NUMBER", _("Between -{most} and {most}, but not 0.").format(most=MOST))
    now = _now(contact_ids)
    causes = {id: cause if isinstance(cause, str) else cause.get(old, "") for old, id in now.items()}
    return _write(model, dict.fromkeys(sorted(now.values()), points), reason, actor, causes, expires_days)


def reset(contact_ids: Collection[int], model: ScoreModel, *, reason: str, actor: Actor, cause: str = "") -> int:
    """Bring the totals of contacts to 0 as they stand; returns how many had another. What rules give from then on counts from 0. Raises Invalid (`reason`)."""
    with transaction.atomic():
        ids = sorted(set(_now(contact_ids).values()))
        changes.hold(ids)  # two at once would both take the same points
        standing = sql.rows(STANDING, {"model": model.pk, "ids": ids, "at": clock.now()})
        return _write(model, {id: -total for id, total in sorted(standing) if total}, reason, actor, dict.fromkeys(ids, cause), None)


def of(contact_id: int, model: ScoreModel | None = None) -> list[Entry]:
    """The entries of a contact, newest first."""
    now = clock.now()
    rows = ScoreEntry.objects.filter(contact_id=contact_id, **({} if model is None else {"model_id": model.pk})).order_by("-at", "-id")
    return [Entry(r.id, r.model_id, r.points, r.reason, r.actor, r.at, r.expires_at, r.expires_at is None or r.expires_at > now) for r in rows]


def _now(contact_ids: Collection[int]) -> dict[int, int]:
    """Who each of them is now."""
    moved = identity.find_many("merged", [str(id) for id in contact_ids])
    return {id: moved.get(str(id), id) for id in contact_ids}


def _write(model: ScoreModel, points: dict[int, int], reason: str, actor: Actor, causes: Mapping[int, str], expires_days: int | None) -> int:
    reason = reason.strip()
    if not reason:
        raise Invalid.one("reason", "REQUIRED", _("Say why, so that others understand the points."))
    if len(reason) > LONGEST or "\0" in reason:
        raise Invalid.one("reason", "TOO_LONG", _("At most {most} letters.").format(most=LONGEST))
    if expires_days is not None and not 1 <= expires_days <= DAYS:
        raise Invalid.one("expires_days", "INVALID_NUMBER", _("Between 1 and {most} days.").format(most=DAYS))
    if model.object_type != "contact" or model.archived_at is not None:
        raise Invalid.one("model", "INVALID_OPTION", _("Points are given by hand in a score of contacts that is in use."))
    if not points:
        return 0
    now = clock.now()
    with transaction.atomic():
        given = sql.rows(
            INSERT,
            {
                "model": model.pk,
                "reason": reason,
                "actor": str(actor),
                "causes": [causes[id] for id in points],
                "at": now,
                "expires_at": None if expires_days is None else now + timedelta(days=expires_days),
                "ids": list(points),
                "entry_ids": [new_id() for _id in points],
                "points": list(points.values()),
            },
        )
        changes.append(Change(contact_id, "entry", str(model.pk)) for (contact_id,) in given)
    return len(given)
