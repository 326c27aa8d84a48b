"""A pause: no marketing message on any channel until a day, unless a wake-up condition comes true earlier. One a contact.

The last gate of messaging reads the table; here pauses begin and end. A wake-up condition is a stored filter that asks about what happens from
the pause on: it is looked at when the contact changes and when one of its windows moves over him. Who comes back from a recycle stage goes to
the stage that it returns to, with the reason.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import records, stages
from baton.crm.values import stamp
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, DomainError, Invalid, NotFound, Problem
from baton.segments import filter, waking

Stored = dict[str, Any]
End = Literal["time", "wake"]

BACK = "nurturing"  # where people of a recycle stage go that names none
LONGEST = timedelta(days=3650)
DUE = 500  # pauses ended at once
ENDINGS: dict[str, str | Promise] = {
    "time": gettext_lazy("the day had come"),
    "wake": gettext_lazy("the wake-up condition came true"),
    "hand": gettext_lazy("ended by hand"),
}

BEGIN = """
INSERT INTO pause (contact_id, until, reason, actor, at, wake, ended_at, ended_by)
SELECT id, %(until)s, %(reason)s, %(actor)s, %(at)s, %(wake)s::jsonb, NULL, '' FROM unnest(%(ids)s::bigint[]) AS id
ON CONFLICT (contact_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, actor = excluded.actor, at = excluded.at,
    wake = excluded.wake, ended_at = NULL, ended_by = ''
"""
END = """
UPDATE pause SET ended_at = %s, ended_by = %s WHERE contact_id = ANY(%s) AND ended_at IS NULL AND until <= %s::timestamptz
RETURNING contact_id, until, wake::text
"""
# Who is archived comes back to his pause; it ends after that, so that he goes where everybody goes.
OVER = """
SELECT p.contact_id FROM pause p WHERE p.ended_at IS NULL AND p.until <= %s
  AND EXISTS (SELECT 1 FROM contact c WHERE c.id = p.contact_id AND c.archived_at IS NULL)
ORDER BY p.until LIMIT %s
"""
STAGES = "SELECT id, coalesce(properties ->> 'lifecyclestage', '') FROM contact WHERE id = ANY(%s) AND archived_at IS NULL"


def pause(
    ids: Iterable[int], until: datetime | date, *, reason: str = "", wake: Stored | None = None, into: str = "", actor: Actor, source: str = "pause"
) -> int:
    """Pause contacts until a moment, or until a day begins; returns how many. Who is paused already is paused anew. Archived ones are passed over.

    `wake` is a stored filter; `into` a recycle stage they go to, "" leaves them in their stage. Raises Invalid (`until`, `wake…`, `into`) and Conflict for
    people of a dead end, who are never recycled; nothing is written then.
    """
    contact_ids, end = sorted({*ids}), _ahead(until)
    with transaction.atomic():
        changes.hold(contact_ids)
        now, kinds = clock.now(), {stage.key: stage.kind for stage in stages.known()}
        if into and kinds.get(into) != "recycle":
            raise Invalid.one("into", "INVALID_OPTION", _("Choose one of the recycle stages."))
        found = dict(sql.rows(STAGES, [contact_ids]))
        if any(kinds.get(stage) == "dead_end" for stage in found.values()):
            raise Conflict(_("Who is at a dead end gets no marketing and is never recycled."))
        text = waking.checked(wake)
        params = {"until": end, "reason": reason, "actor": str(actor), "at": now, "wake": text, "ids": sorted(found)}
        sql.run(BEGIN, params)
        if wake and waking.holds(wake, list(found)):
            raise Invalid.one("wake", "HOLDS_ALREADY", _("This is so already: choose what has not happened yet."))
        records.derive("contact", sorted(found), {"paused_until": stamp(end)}, actor=actor)
        payload = {"actor": str(actor), "reason": reason, "until": end.isoformat()}
        record.add(NewEvent(id, Kind.PAUSE_STARTED, now, payload=payload) for id in found)
        if into:
            _moved(stages.move([id for id in found if found[id] != into], into, actor=actor, source=source, reason=reason))
    return len(found)


def extend(contact_id: int, until: datetime | date, *, actor: Actor) -> datetime:
    """Another day for a pause that goes on; returns when it ends. Raises Invalid (`until`), NotFound (it is over)."""
    end = _ahead(until)
    with transaction.atomic():
        found = sql.rows("UPDATE pause SET until = %s WHERE contact_id = %s AND ended_at IS NULL RETURNING reason", [end, contact_id])
        if not found:
            raise NotFound(_("This pause is over."))
        records.derive("contact", [contact_id], {"paused_until": stamp(end)}, actor=actor)
        payload = {"actor": str(actor), "reason": found[0][0], "until": end.isoformat()}
        record.add([NewEvent(contact_id, Kind.PAUSE_STARTED, clock.now(), payload=payload)])
    return end


def end(ids: Iterable[int], *, by: Actor | End, reason: str = "", stay: bool = False) -> int:
    """End pauses that go on; returns how many. Who stands in a recycle stage goes back to where it returns to, unless he is to `stay`."""
    contact_ids = sorted({*ids})
    now, actor = clock.now(), SYSTEM if isinstance(by, str) else by
    with transaction.atomic():
        # Not whose day was put off since it was looked up.
        over = sql.rows(END, [now, str(by), contact_ids, now if by == "time" else "infinity"])
        if not over:
            return 0
        ended = [row[0] for row in over]
        with translation.override(settings.LANGUAGE_CODE):  # written down once for everybody
            said = {id: reason or _why(by, until, wake) for id, until, wake in over}
        records.derive("contact", ended, {"paused_until": None}, actor=actor)
        word = by if isinstance(by, str) else "hand"
        record.add(NewEvent(id, Kind.PAUSE_ENDED, now, key_value=word, payload={"actor": str(actor), "reason": said[id]}) for id in ended)
        if not stay:
            _return(said, actor)
        return len(ended)


def look() -> int:
    """End the pauses whose day has come, and those that time wakes; returns how many. Any number of workers may look."""
    with transaction.atomic():
        due = sql.rows(OVER, [clock.now(), DUE])
        ended = end([row[0] for row in due], by="time") if due else 0
    try:
        return ended + (end(crossed, by="wake") if (crossed := waking.crossed()) else 0)
    except Exception:
        waking.forget()  # nobody was woken: everybody is asked again
        raise


def wake(ids: Iterable[int]) -> int:
    """End the pauses of those among the contacts whose wake-up condition holds now; returns how many. The tick calls this for whoever changed."""
    woken = waking.among(sorted({*ids}))
    return end(woken, by="wake") if woken else 0


def _ahead(until: datetime | date) -> datetime:
    """The moment; of a day its beginning in the account's time zone."""
    moment = until if isinstance(until, datetime) else datetime.combine(until, time(), config().zone)
    if not timedelta() < moment - clock.now() <= LONGEST:
        raise Invalid([Problem("until", "INVALID_DATE", _("Choose a day ahead, at most ten years from now."))])
    return moment


def _why(by: Actor | End, until: datetime, stored: str) -> str:
    if by == "wake":
        return _("Woken: {condition}").format(condition=filter.sentence(waking.read(stored)))
    if by == "time":
        return _("The pause until {day} is over").format(day=until.astimezone(config().zone).date().isoformat())
    return _("The pause was ended by hand")


def _return(said: Mapping[int, str], actor: Actor) -> None:
    """Those who stand in a recycle stage go back, each group with one move for each reason."""
    back = {stage.key: stage.returns_to or BACK for stage in stages.known() if stage.kind == "recycle"}
    groups: dict[tuple[str, str], list[int]] = {}
    for id, stage in sql.rows(STAGES, [list(said)]):
        if stage in back:
            groups.setdefault((back[stage], said[id]), []).append(id)
    for (into, reason), ids in sorted(groups.items()):
        stages.move(ids, into, actor=actor, source="pause", reason=reason)


def _moved(outcomes: Mapping[int, DomainError | bool]) -> None:
    for outcome in outcomes.values():
        if isinstance(outcome, DomainError):
            raise outcome
