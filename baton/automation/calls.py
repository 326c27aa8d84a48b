"""Requests to other people's servers that steps asked for: rows before anybody sends them, sent by the worker, tried again until there is an answer.

A call is taken with a lease and sent outside any transaction. Whoever takes it over from a worker that died sends it anew with the same
Idempotency-Key, so the receiver can tell; once an answer is stored it is never sent again. The answer wakes the run that waits for it.
How a receiver checks the signature: docs/workflow-webhooks.md.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from psycopg.types.json import Jsonb

from baton.automation import answers, graph, sealed
from baton.automation.models import Workflow
from baton.automation.step import Batch
from baton.platform import clock, http, logs, sql
from baton.platform.models import BUCKETS
from baton.platform.transaction import retrying

AT_ONCE = 16  # calls of one round, sent side by side
PATIENCE = 10.0  # seconds for a whole answer
LEASE = timedelta(seconds=60)
PAUSES = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200, 21_600, 43_200, 86_400))  # before the second try, the third ...
LONGEST = timedelta(days=1)  # what a receiver may ask for by Retry-After
AGAIN = frozenset({408, 425, 429})  # and all from 500: may pass
KEPT = timedelta(days=90)  # what was sent is forgotten after that

_log = logs.log(__name__)


@dataclass(frozen=True, slots=True)
class NewCall:
    """What one run wants sent."""

    contact_id: int
    enrollment_id: int
    turn: int
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a call is: queued, done, failed."""

    state: str
    status: int | None
    answer: dict[str, Any]
    tries: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the step says beside the request; read when it is sent, so that no secret is written down twice."""

    key: str = ""  # signing secret, sealed
    header: str = ""
    secret: str = ""  # that header's value, sealed
    most: int = 5  # tries
    keep: Mapping[str, str] = field(default_factory=dict)  # name -> path in the answer


@dataclass(frozen=True, slots=True)
class _Call:
    contact_id: int
    enrollment_id: int
    step: str
    turn: int
    workflow_id: int
    method: str
    url: str
    headers: dict[str, str]
    body: str
    tries: int
    version_id: int | None  # None: the run has left the step

    @property
    def cause(self) -> str:
        return f"step:{self.enrollment_id}:{self.step}" + (f":{self.turn}" if self.turn else "")


@dataclass(frozen=True, slots=True)
class _Result:
    state: str  # queued: to be tried again
    status: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""
    after: timedelta = timedelta()


def add(batch: Batch, calls: Sequence[NewCall], *, method: str, headers: Mapping[str, str]) -> None:
    """Queue these requests in the caller's transaction; the worker hears of them when it commits. In a rehearsal they are only told, never sent."""
    if not calls:
        return
    sql.run(
        sql.load("call_add", __package__),
        {
            "step": batch.step,
            "workflow": batch.workflow_id,
            "method": method,
            "state": "done" if batch.rehearsal else "queued",
            "headers": Jsonb(dict(headers)),
            "now": batch.now,
            "contact_ids": [c.contact_id for c in calls],
            "enrollment_ids": [c.enrollment_id for c in calls],
            "turns": [c.turn for c in calls],
            "urls": [c.url for c in calls],
            "bodies": [c.body for c in calls],
        },
    )
    sql.run("NOTIFY baton_call")


def standing(batch: Batch) -> dict[int, Standing]:
    """How far the calls of these runs at this step are, by enrollment."""
    found = sql.rows(
        "SELECT enrollment_id, turn, state, status, answer::text, tries, trouble FROM workflow_call WHERE contact_id = ANY(%s) AND step = %s",
        [batch.contact_ids, batch.step],
    )
    turns = {one.enrollment_id: one.turn for one in batch.standing}
    return {
        id: Standing(state, status, json.loads(answer), tries, trouble) for id, turn, state, status, answer, tries, trouble in found if turns.get(id) == turn
    }


def send_due() -> int:
    """Send the calls that are due; returns how many were taken. Any number of workers may."""
    calls = _claim()
    live = [c for c in calls if c.version_id is not None]
    results = {c.cause: _Result("failed", trouble="ended") for c in calls if c.version_id is None}
    wishes = {c.cause: _wish(c) for c in live}
    with ThreadPoolExecutor(max_workers=max(1, len(live))) as pool:
        sent = list(pool.map(lambda call: _send(call, wishes[call.cause]), live))
    results |= {c.cause: result for c, result in zip(live, sent, strict=True)}
    for call in calls:
        _store(call, results[call.cause])
    return len(calls)


def forget() -> int:
    """Delete what was sent long ago; returns how many calls."""
    return sql.run("DELETE FROM workflow_call WHERE state <> 'queued' AND at < %s", [clock.now() - KEPT])


@retrying
def _claim() -> list[_Call]:
    """The calls that are due, except those of workflows that stand still; each is one worker's, however many look at once."""
    now = clock.now()
    if not sql.rows("SELECT 1 FROM workflow_call WHERE state = 'queued' AND due_at <= %s LIMIT 1", [now]):
        return []
    frozen = list(Workflow.objects.exclude(state="on", archived_at=None).values_list("pk", flat=True))
    due = sql.rows(
        "SELECT contact_id, enrollment_id, step, turn, tries FROM workflow_call"
        " WHERE state = 'queued' AND due_at <= %s AND workflow_id <> ALL(%s) ORDER BY due_at, enrollment_id LIMIT %s",
        [now, frozen, AT_ONCE],
    )
    keys = ("contact_ids", "enrollment_ids", "steps", "turns", "tries")
    columns = dict(zip(keys, map(list, zip(*due, strict=True)), strict=True)) if due else {}
    rows = sql.rows(sql.load("call_claim", __package__), {**columns, "now": now, "lease": now + LEASE}) if due else []
    return [
        _Call(contact_id, enrollment_id, step, turn, workflow_id, method, url, json.loads(headers), body, tries, version_id)
        for contact_id, enrollment_id, step, turn, workflow_id, method, url, headers, body, tries, version_id in rows
    ]


def _wish(call: _Call) -> Wish | None:
    """What the step says, of the version that the run walks; None when it is there no more."""
    published = graph.readable(call.version_id or 0)
    asked = getattr(published.get(call.step), "wish", None) if published else None
    return asked() if asked else None


def _send(call: _Call, wish: Wish | None) -> _Result:
    """One try. Touches no database: it runs in a thread of its own."""
    if wish is None:
        return _Result("failed", trouble="ended")
    try:
        headers = {**call.headers, **_signed(call, wish)}
        body = call.body.encode() if call.method not in ("GET", "DELETE") else None
        answer = http.send(call.method, call.url, body=body, headers=headers, within=PATIENCE)
    except http.Unreachable as error:
        return _again(call, wish, str(error))
    except (http.Refused, ValueError) as error:
        return _Result("failed", trouble=str(error)[:500])
    except Exception as error:  # a fault of ours must not hold up the others
        _log.exception("a call could not be sent", workflow=call.workflow_id, step=call.step)
        return _again(call, wish, type(error).__name__)
    if 200 <= answer.status < 300:
        return _Result("done", answer.status, answers.chosen(answer.body, wish.keep))
    trouble = f"HTTP {answer.status}"
    if answer.status in AGAIN or answer.status >= 500:
        return _again(call, wish, trouble, answer.status, _asked(answer.headers))
    return _Result("failed", answer.status, trouble=trouble)


def _again(call: _Call, wish: Wish, trouble: str, status: int | None = None, asked: timedelta | None = None) -> _Result:
    if call.tries >= wish.most:
        return _Result("failed", status, trouble=trouble[:500])
    return _Result("queued", status, trouble=trouble[:500], after=PAUSES[min(call.tries, len(PAUSES)) - 1] if asked is None else asked)


def _asked(headers: Mapping[str, str]) -> timedelta | None:
    """How long the receiver wants to be left alone: Retry-After in seconds or as a date."""
    text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}", text):
        wait = timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - clock.now()
    return max(timedelta(seconds=1), min(wait, LONGEST))


def _signed(call: _Call, wish: Wish) -> dict[str, str]:
    """The headers that are Baton's own, with the step's secret ones. Raises ValueError when a secret cannot be opened."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": call.cause, "X-Baton-Workflow": str(call.workflow_id)}
    if wish.header and wish.secret:
        headers[wish.header] = sealed.bound(wish.secret, urlsplit(call.url).hostname or "")
    if wish.key:
        headers["X-Baton-Signature"] = signature(
            sealed.open(wish.key), clock.now(), call.method, call.url, call.body if call.method not in ("GET", "DELETE") else ""
        )
    return headers


def signature(key: str, at: datetime, method: str, url: str, body: str) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 over seconds, method, path with query, and body, a line each."""
    parts, seconds = urlsplit(url), int(at.timestamp())
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    said = "\n".join((str(seconds), method, target, body))
    return f"t={seconds},v1={hmac.digest(key.encode(), said.encode(), hashlib.sha256).hex()}"


def _store(call: _Call, result: _Result) -> None:
    """Write down what came of it, and wake the run when there is nothing more to wait for."""
    now = clock.now()
    with transaction.atomic():
        stored = sql.run(
            sql.load("call_store", __package__),
            {
                "state": result.state,
                "status": result.status,
                "answer": Jsonb(result.answer),
                "trouble": result.trouble.replace("\0", ""),
                "due_at": now + result.after if result.state == "queued" else None,
                "contact_id": call.contact_id,
                "enrollment_id": call.enrollment_id,
                "step": call.step,
                "turn": call.turn,
                "tries": call.tries,
            },
        )
        if stored and result.state != "queued":
            sql.run(
                "UPDATE timer SET due_at = %s WHERE bucket = %s AND enrollment_id = %s AND due_at > %s",
                [now, call.contact_id % BUCKETS, call.enrollment_id, now],
            )
            sql.run("NOTIFY baton_timer")
    if result.trouble:
        _log.info("a call got no good answer", workflow=call.workflow_id, step=call.step, tries=call.tries, status=result.status, trouble=result.trouble)
