"""Notices to colleagues: a row each, and open pages hear of it at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from baton.messaging.models import Notification
from baton.platform import clock, live, sql


@dataclass(frozen=True, slots=True)
class Notice:
    user_id: int
    cause: str  # the same cause notifies a user once
    title: str
    body: str = ""
    url: str = ""
    contact_id: int | None = None


def users(user_ids: Iterable[int], *, cause: str, title: str, body: str = "", url: str = "", contact_id: int | None = None) -> None:
    """Tell these colleagues the same thing."""
    many([Notice(user_id, cause, title, body, url, contact_id) for user_id in user_ids])


def many(notices: Sequence[Notice]) -> list[int]:
    """Tell each his own, in the caller's transaction; pages hear of it when it commits. Returns the ids of the notices that are new."""
    if not notices:
        return []
    made = sql.rows(
        "INSERT INTO notification (user_id, cause, title, body, url, contact_id, at)"
        " SELECT r.*, %s FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[]) AS r"
        " ON CONFLICT (user_id, cause) DO NOTHING RETURNING user_id, id",
        [clock.now(), *(list(column) for column in zip(*((n.user_id, n.cause, n.title, n.body, n.url, n.contact_id) for n in notices), strict=True))],
    )
    for user_id, notification_id in made:
        live.publish(f"user:{user_id}", what="notification", id=notification_id)
    return [notification_id for _user, notification_id in made]


def recent(user_id: int, limit: int = 20) -> list[Notification]:
    """A user's notices, newest first."""
    return list(Notification.objects.filter(user_id=user_id).order_by("-at", "-id")[:limit])


def unread(user_id: int) -> int:
    """How many notices the user has not read."""
    return Notification.objects.filter(user_id=user_id, read_at=None).count()


def mark_read(user_id: int, ids: Iterable[int] | None = None) -> int:
    """Mark these notices of the user as read (None: all); returns how many were not."""
    waiting = Notification.objects.filter(user_id=user_id, read_at=None)
    return (waiting if ids is None else waiting.filter(id__in=list(ids))).update(read_at=clock.now())
