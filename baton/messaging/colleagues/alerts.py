"""What colleagues are told about their leads: who became an SQL and why, who waits too long for a verdict, who is back from a pause, which lost company is.

Each is told once, to the owner; where nobody active owns the lead, to everybody in sales who may see it. In Baton at
once, and by e-mail if the account wants it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.accounts import rights
from baton.accounts.models import Role, User
from baton.crm import contacts
from baton.crm.models import Contact
from baton.crm.values import stamp
from baton.messaging.colleagues import mailed, notify
from baton.messaging.colleagues.notify import Notice
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import filter, handover, revisit, verdicts, waking
from baton.segments.models import ScoreModel

QUIET = ("import", "merge", "restore", "unmerge")  # sources of moves that nobody made now
LATE = timedelta(days=3)  # for so long a worker may have been away and still remind
MOST = 500  # reminders of one look

ARRIVED = """
SELECT c.id, b.id, b.actor, s.total, demoted.at, v.verdict, v.reason
FROM contact c
CROSS JOIN LATERAL (SELECT * FROM booking b WHERE b.contact_id = c.id AND b.into = 'sql' ORDER BY b.at DESC, b.id DESC LIMIT 1) b
LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s
LEFT JOIN LATERAL (
    SELECT max(o.at) AS at FROM booking o WHERE o.contact_id = c.id AND o.out_of = 'sql' AND o.path IN ('back', 'recycle') AND o.at <= b.at
) demoted ON true
LEFT JOIN LATERAL (
    SELECT v.verdict, v.reason FROM verdict v WHERE v.contact_id = c.id AND v.at <= b.at AND v.verdict <> 'open' ORDER BY v.at DESC, v.id DESC LIMIT 1
) v ON true
WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL AND c.properties ->> 'lifecyclestage' = 'sql' AND b.source <> ALL (%(quiet)s)
"""
WAITING = """
SELECT c.id, c.properties ->> 'stage_since' FROM contact c
WHERE c.archived_at IS NULL AND c.properties ->> 'lifecyclestage' = 'sql' AND coalesce(c.properties ->> 'sales_verdict', '') = '' AND {which}
"""
OF_THESE = "c.id = ANY(%(ids)s) AND c.properties ->> 'stage_since' IS NOT NULL"
TOO_LONG = """
left(c.properties ->> 'stage_since', 19) COLLATE "C" > %(since)s AND left(c.properties ->> 'stage_since', 19) COLLATE "C" <= %(until)s
AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.user_id = c.owner_id AND n.cause = 'verdict_due:' || c.id || ':' || (c.properties ->> 'stage_since'))
ORDER BY left(c.properties ->> 'stage_since', 19) COLLATE "C" LIMIT %(most)s
"""
RETURNED = """
SELECT p.contact_id, p.ended_at, p.ended_by, p.reason, p.wake::text FROM pause p
WHERE p.contact_id = ANY(%s) AND p.ended_by IN ('time', 'wake') AND p.ended_at > %s
"""


@dataclass(frozen=True, slots=True)
class Lead:
    """Whom an alert is about, and who hears it."""

    name: str
    company: str
    owner_id: int | None
    users: tuple[User, ...]

    @property
    def title(self) -> str:
        return f"{self.name} ({self.company})" if self.company else self.name


def became_sql(ids: Iterable[int]) -> int:
    """Tell who became an SQL, with the rules that led there; who was one before and was sent back is "re-qualified". Returns how many notices there were."""
    if not handover.settings().alert:
        return 0
    rows, model = _arrived(ids)
    if not rows:
        return 0
    found = leads([row[0] for row in rows])
    in_words = _by_language(found, lambda: handover.reasons([row[0] for row in rows], model))

    def notices() -> Iterable[Notice]:
        for row in rows:
            id, booking, actor, total, demoted, _verdict, _said = row
            for user in found[id].users:
                if actor == f"user:{user.pk}":
                    continue  # he did it himself
                with _speaking(user):
                    again = _("{name} became an SQL with {points} points") if demoted is None else _("{name} is an SQL again with {points} points")
                    title = again.format(name=found[id].title, points=total or 0)
                    body = _why(row, in_words[_language(user)].get(id, []))
                    yield Notice(user.pk, f"sql:{id}:{booking}", title, body, f"/handover/{id}/", id)

    return _tell(list(notices()))


def why_sql(ids: Iterable[int]) -> dict[int, str]:
    """Of those who are SQLs: that they were one before and were sent back, and the rules that led there, in the current language."""
    rows, model = _arrived(ids)
    reasons = handover.reasons([row[0] for row in rows], model)
    return {row[0]: why for row in rows if (why := _why(row, reasons.get(row[0], [])))}


def _arrived(ids: Iterable[int]) -> tuple[list[tuple[Any, ...]], ScoreModel | None]:
    """A row of ARRIVED for each who is an SQL, and the score that decides it."""
    model = verdicts.threshold()[0]
    return sql.rows(ARRIVED, {"ids": sorted({*ids}), "model": model.pk if model else 0, "quiet": list(QUIET)}), model


def _why(row: tuple[Any, ...], reasons: Collection[tuple[str, int]]) -> str:
    _id, _booking, _actor, _total, demoted, verdict, said = row
    parts = [] if demoted is None else [_("Re-qualified, was demoted on {day}").format(day=_day(demoted)) + _because(verdict, said)]
    if reasons:
        parts.append(_("Why: {reasons}").format(reasons=", ".join(f"{text} (+{given})" for text, given in reasons)))
    return ". ".join(parts)


def touched(ids: Iterable[int]) -> int:
    """Remind of a verdict where sales has called, met or written often enough since the contact became an SQL. Returns how many notices there were."""
    return _remind(sql.rows(WAITING.replace("{which}", OF_THESE), {"ids": sorted({*ids})}), least=handover.settings().touches)


def overdue() -> int:
    """Remind of a verdict where an SQL has waited for too long. Returns how many notices there were."""
    until = clock.now() - timedelta(days=handover.settings().days)
    params = {"since": _stored(until - LATE), "until": _stored(until), "most": MOST}
    return _remind(sql.rows(WAITING.replace("{which}", TOO_LONG), params), least=0)


def came_back(ids: Iterable[int]) -> int:
    """Tell who is back because the day came or something woke him; the owner is still the same. Returns how many notices there were."""
    rows = sql.rows(RETURNED, [sorted({*ids}), clock.now() - LATE])
    found = leads([row[0] for row in rows])
    notices = []
    for id, at, by, reason, wake in rows:
        for user in found[id].users if id in found else ():
            with _speaking(user):
                title = _("{name} is back from the pause").format(name=found[id].title)
                why = _("The day of the pause has come") if by == "time" else _("Woken: {condition}").format(condition=_sentence(wake))
                body = ". ".join([why, *([_("Paused because: {reason}").format(reason=reason)] if reason else [])])
            notices.append(Notice(user.pk, f"returned:{id}:{at.isoformat()}", title, body, f"/contacts/{id}/", id))
    return _tell(notices)


def revisited(ids: Iterable[int]) -> int:
    """Tell the owner of a lost deal that its company is back on the website, once for a deal and window. Returns how many notices there were."""
    chosen = handover.settings()
    found = revisit.found(ids, visits=chosen.visits, days=chosen.visit_days)
    if not found:
        return 0
    today = clock.now().date()
    window = [(today - timedelta(days=back)).isoformat() for back in range(chosen.visit_days)]
    active = {u.pk: u for u in User.objects.filter(is_active=True, pk__in={f.owner_id for f in found if f.owner_id})}
    sales = _sales() if any(f.owner_id not in active for f in found) else ()
    told = {
        (user, deal)
        for user, deal in sql.rows(
            "SELECT n.user_id, split_part(n.cause, ':', 2)::bigint FROM notification n WHERE n.user_id = ANY(%s) AND n.cause = ANY(%s)",
            [[*active, *(u.pk for u in sales)], [f"revisit:{f.deal_id}:{day}" for f in found for day in window]],
        )
    }
    notices = []
    for one in found:
        for user in (active[one.owner_id],) if one.owner_id in active else _who_see(sales, "deal", one.owner_id):
            if (user.pk, one.deal_id) in told:
                continue
            with _speaking(user):
                title = _("{company} is back on the website").format(company=one.company)
                times = ngettext("{n} visit", "{n} visits", one.visits).format(n=one.visits)
                people = ngettext("by {n} person", "by {n} people", one.people).format(n=one.people)
                body = _("{times} {people} in {days} days. The deal was lost on {day}").format(
                    times=times, people=people, days=chosen.visit_days, day=_day(one.lost_at)
                ) + (f": {one.lost_because}" if one.lost_because else "")
            notices.append(Notice(user.pk, f"revisit:{one.deal_id}:{window[0]}", title, body, f"/companies/{one.company_id}/"))
    return _tell(notices)


def leads(ids: Collection[int]) -> dict[int, Lead]:
    """Names and receivers of contacts: the active owner, else everybody in sales who may see them. At most three queries, and one for each of these."""
    rows = {c.id: c for c in Contact.objects.filter(pk__in=list(ids))}
    owners = {u.pk: u for u in User.objects.filter(is_active=True, pk__in={c.owner_id for c in rows.values() if c.owner_id})}
    sales = _sales() if any(c.owner_id not in owners for c in rows.values()) else ()
    return {
        id: Lead(
            contacts.display_name(c.properties) or f"#{id}", str(c.properties.get("company") or ""), c.owner_id,
            (owners[c.owner_id],) if c.owner_id in owners else _who_see(sales, "contact", c.owner_id),
        )
        for id, c in rows.items()
    }  # fmt: skip


def _remind(rows: Collection[tuple[int, str]], *, least: int) -> int:
    since = {id: datetime.fromisoformat(stored) for id, stored in rows}
    done = handover.touches(since)
    due = {id: done.get(id, handover.Touch()) for id in since if done.get(id, handover.Touch()).times >= least}
    found = leads(due)
    stored = dict(rows)
    notices = []
    for id, touch in due.items():
        for user in found[id].users:
            with _speaking(user):
                title = _("What do you say of {name}?").format(name=found[id].title)
                often = ngettext("{n} attempt", "{n} attempts", touch.times).format(n=touch.times) if touch.times else _("No attempt yet")
                body = _("{often} since {day}, and no verdict").format(often=often, day=_day(since[id]))
            notices.append(Notice(user.pk, f"verdict_due:{id}:{stored[id]}", title, body, f"/handover/{id}/", id))
    return _tell(notices)


def _tell(notices: list[Notice]) -> int:
    made = notify.many(notices)
    if made and handover.settings().mail:
        for id in made:
            mailed.notice.defer(notification_id=id)
    return len(made)


def _sales() -> tuple[User, ...]:
    return tuple(User.objects.filter(is_active=True, role=Role.SALES).order_by("pk"))


def _who_see(users: Collection[User], object_type: str, owner_id: int | None) -> tuple[User, ...]:
    """Those of the users who may see a record of this owner."""
    return tuple(user for user in users if rights.of(user).may(object_type, "view", [owner_id]))


def _language(user: User) -> str:
    return user.language or settings.LANGUAGE_CODE


def _speaking(user: User) -> Any:
    return translation.override(_language(user))


def _by_language(found: Mapping[int, Lead], say: Callable[[], dict[int, Any]]) -> dict[str, dict[int, Any]]:
    """The same thing said in every language that a receiver reads."""
    said = {}
    for language in {_language(user) for lead in found.values() for user in lead.users}:
        with translation.override(language):
            said[language] = say()
    return said


def _because(verdict: str | None, reason: str | None) -> str:
    words = [str(verdicts.WORDS[verdict])] if verdict in verdicts.WORDS and verdict else []
    return f" ({': '.join([*words, *([reason] if reason else [])])})" if words or reason else ""


def _sentence(stored: str) -> str:
    return filter.sentence(waking.read(stored))


def _day(moment: datetime) -> str:
    return moment.astimezone(config().zone).date().isoformat()


def _stored(moment: datetime) -> str:
    return stamp(moment)[:19]
