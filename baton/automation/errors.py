"""What went wrong and waits for somebody: failed runs by workflow, step and reason, what should have been done by now, and who is told of it.

Nothing here is hidden in a log: a failure is a run in the state `failed` until somebody tries it again, passes the step over or takes the person out.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.accounts.models import Role, User
from baton.automation.models import Workflow
from baton.messaging.colleagues import mailed, notify
from baton.messaging.colleagues.notify import Notice
from baton.platform import clock, sql
from baton.platform.models import BUCKETS

LATE = timedelta(minutes=5)  # after which what is due is overdue
QUIET = timedelta(hours=1)  # between two alerts of one workflow
LINES = 20  # of a digest

FAILED = """
SELECT e.workflow_id, e.step, e.reason, count(*), min(coalesce(e.finished_at, e.entered_at)), max(coalesce(e.finished_at, e.entered_at))
FROM enrollment e
WHERE e.workflow_id = ANY(%(workflows)s) AND e.state = 'failed' AND (%(since)s::timestamptz IS NULL OR e.finished_at >= %(since)s)
GROUP BY e.workflow_id, e.step, e.reason ORDER BY 6 DESC, 4 DESC LIMIT %(limit)s
"""
OVERDUE = """
SELECT l.workflow_id, e.step, count(*), min(l.due_at)
FROM generate_series(0, %(buckets)s - 1) AS b(bucket)
CROSS JOIN LATERAL (
    SELECT * FROM timer t WHERE t.bucket = b.bucket AND t.due_at <= %(late)s AND t.workflow_id = ANY(%(running)s) ORDER BY t.due_at LIMIT 200
) l
JOIN enrollment e ON e.contact_id = l.contact_id AND e.id = l.enrollment_id
GROUP BY l.workflow_id, e.step ORDER BY 4
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """Runs that failed at one step for one reason."""

    workflow_id: int
    workflow: str
    owner_id: int | None
    step: str
    reason: str
    number: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Overdue:
    """Steps that should have run LATE ago: no worker runs, or something keeps breaking. They are tried again all the time."""

    workflow_id: int
    workflow: str
    owner_id: int | None
    step: str
    number: int  # up to 200 of each of the queue's parts are counted
    since: datetime


def failed(workflow: Workflow | None = None, *, since: datetime | None = None, limit: int = 200) -> list[Failure]:
    """The failed runs of one workflow, or of all that are not archived, those that failed last first."""
    found = {w.pk: w for w in ([workflow] if workflow else Workflow.objects.filter(archived_at=None))}
    rows = sql.rows(FAILED, {"workflows": list(found), "since": since, "limit": limit})
    return [Failure(id, found[id].name, found[id].owner_id, *rest) for id, *rest in rows]


def pairs(workflow: Workflow, step: str | None = None, reason: str | None = None, limit: int = 10_000) -> list[tuple[int, int]]:
    """(contact, enrollment) of failed runs, for runs.retry, runs.skip and runs.end: of a workflow, of a step, with a reason. The oldest first."""
    return sql.rows(
        "SELECT contact_id, id FROM enrollment WHERE workflow_id = %(workflow)s AND state = 'failed'"
        " AND (%(step)s::text IS NULL OR step = %(step)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s) ORDER BY id LIMIT %(limit)s",
        {"workflow": workflow.pk, "step": step, "reason": reason, "limit": limit},
    )


def overdue(workflow: Workflow | None = None) -> list[Overdue]:
    """What waits for longer than LATE behind its time in workflows that run, the longest first."""
    running = {w.pk: w for w in Workflow.objects.filter(state="on", archived_at=None) if workflow is None or w.pk == workflow.pk}
    rows = sql.rows(OVERDUE, {"late": clock.now() - LATE, "running": list(running), "buckets": BUCKETS})
    return [Overdue(id, running[id].name, running[id].owner_id, *rest) for id, *rest in rows]


# Who is told ------------------------------------------------------------------


def told(workflows: Collection[Workflow]) -> dict[int, list[User]]:
    """Whom the failures of each workflow concern: its owner, else the administrators."""
    active = {u.pk: u for u in User.objects.filter(Q(pk__in=[w.owner_id for w in workflows if w.owner_id]) | Q(role=Role.ADMIN), is_active=True)}
    admins = [u for u in active.values() if u.role == Role.ADMIN]
    return {w.pk: [active[w.owner_id]] if w.owner_id in active else admins for w in workflows}


def alert(workflow_id: int, people: Sequence[tuple[int, str, str]]) -> None:
    """Runs failed now, (contact, step, reason): tell whom it concerns, at most once an hour for each workflow. In the caller's transaction."""
    now = clock.now()
    first = Workflow.objects.filter(pk=workflow_id).filter(Q(alerted_at=None) | Q(alerted_at__lte=now - QUIET)).update(alerted_at=now)
    if not first:
        return
    workflow = Workflow.objects.get(pk=workflow_id)
    reasons: dict[str, int] = defaultdict(int)
    for _contact, _step, reason in people:
        reasons[reason] += 1
    notices = []
    for user in told([workflow])[workflow_id]:
        with translation.override(user.language or settings.LANGUAGE_CODE):
            title = _("The workflow “{name}” failed for somebody").format(name=workflow.name)
            lines = [_times(n, reason) for reason, n in sorted(reasons.items(), key=lambda item: -item[1])[:LINES]]
        notices.append(Notice(user.pk, f"workflow_failed:{workflow_id}:{now.isoformat()}", title, "\n".join(lines), f"/workflows/{workflow_id}/"))
    for id in notify.many(notices):
        mailed.notice.defer(notification_id=id)


def digest() -> int:
    """Mail everybody what failed in his workflows since yesterday, and what still waits; returns how many were told."""
    now = clock.now()
    day = now - timedelta(days=1)
    latest = failed(since=day, limit=2000)
    late = overdue()
    if not latest and not late:
        return 0
    ids = {f.workflow_id for f in latest} | {o.workflow_id for o in late}
    concerned = told(list(Workflow.objects.filter(pk__in=ids)))
    lists: dict[int, tuple[User, list[Failure], list[Overdue]]] = {}
    for workflow_id, users in concerned.items():
        for user in users:
            mine = lists.setdefault(user.pk, (user, [], []))
            mine[1].extend(f for f in latest if f.workflow_id == workflow_id)
            mine[2].extend(o for o in late if o.workflow_id == workflow_id)
    notices = []
    for user, failures, waiting in lists.values():
        with translation.override(user.language or settings.LANGUAGE_CODE):
            number = sum(f.number for f in failures)
            title = ngettext("{n} run failed since yesterday", "{n} runs failed since yesterday", number).format(n=number)
            lines = [f"{f.workflow}: {_times(f.number, f.reason)}" for f in failures[:LINES]]
            lines += [f"{o.workflow}: " + ngettext("{n} step is overdue", "{n} steps are overdue", o.number).format(n=o.number) for o in waiting[:LINES]]
        place = f"/workflows/{failures[0].workflow_id}/" if len({f.workflow_id for f in failures}) == 1 else "/workflows/"
        notices.append(Notice(user.pk, f"workflow_digest:{now:%Y-%m-%d}", title, "\n".join(lines), place))
    told_now = notify.many(notices)
    for id in told_now:
        mailed.notice.defer(notification_id=id)
    return len(told_now)


def _times(number: int, reason: str) -> str:
    return f"{number} × {reason or _('for an unknown reason')}"
