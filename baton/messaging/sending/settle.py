"""Writes down what carriers said of a window, in one transaction: messages, the queue, tallies, events, and what follows from a bounce.

It may come late, when another sender has found the messages `handing` and called them `unknown`: what is known holds.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging.channel import Parcel, Receipt, Result
from baton.messaging.incoming import bounces, receipts
from baton.messaging.incoming.receipts import Told
from baton.messaging.mail.said import COPY
from baton.messaging.models import Email
from baton.messaging.sending import learning, retries
from baton.messaging.sending.tally import Tally
from baton.messaging.sending.window import Item
from baton.platform import clock, live, logs, sql

NOBODY = frozenset({"no_address", "invalid_address"})  # problems of a letter that the last gate knows too
ATTEMPTS = 100  # times a settling is tried anew while the database is away
PAUSE = 3.0  # seconds between them

SENT = """
UPDATE message m SET state = 'sent', reason = '', subject = r.subject, transport_id = %(transport)s::bigint, sent_at = %(now)s::timestamptz,
    undelivered_at = NULL
FROM unnest(%(contacts)s::bigint[], %(ids)s::bigint[], %(tries)s::int[], ARRAY(SELECT json_array_elements_text(%(subjects)s::json)))
    AS r(contact_id, id, attempts, subject)
WHERE m.contact_id = r.contact_id AND m.id = r.id AND m.state = %(was)s::text AND (%(was)s::text <> 'unknown' OR m.reason = 'interrupted')
    AND m.attempts = r.attempts
RETURNING m.id
"""
UPDATE = """
UPDATE message m SET state = r.state, reason = r.reason, subject = r.subject, transport_id = r.transport_id,
    settled_at = CASE WHEN r.state = 'bounced' THEN %(now)s::timestamptz ELSE m.settled_at END,
    undelivered_at = CASE WHEN r.state IN ('bounced', 'failed', 'unknown') THEN %(now)s::timestamptz END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(contact_id bigint, id bigint, state text, reason text, subject text, transport_id bigint, attempts int)
WHERE m.contact_id = r.contact_id AND m.id = r.id AND m.state = %(was)s AND (%(was)s <> 'unknown' OR m.reason = 'interrupted') AND m.attempts = r.attempts
RETURNING m.id
"""
LATER = """
INSERT INTO outbox (bucket, message_id, contact_id, due_at, campaign_id)
SELECT r.bucket, r.id, r.contact_id, to_timestamp(r.due), r.campaign_id
FROM jsonb_to_recordset(%s::jsonb) AS r(bucket smallint, id bigint, contact_id bigint, due float8, campaign_id bigint)
ON CONFLICT (bucket, message_id) DO UPDATE SET due_at = excluded.due_at, leased_until = NULL
"""
DONE = "DELETE FROM outbox o USING unnest(%s::smallint[], %s::bigint[]) AS r(bucket, id) WHERE o.bucket = r.bucket AND o.message_id = r.id"

_log = logs.log(__name__)


def settle(handed: Sequence[tuple[Item, Parcel]], answers: Sequence[Receipt], *, was: str = "handing") -> None:
    """Write down the answers to a window, however long the database is away meanwhile: nobody else knows them."""
    if handed:
        outlast(lambda: _settle(handed, answers, was))
        learning.learn([(parcel.transport_id, item.address, answer) for (item, parcel), answer in zip(handed, answers, strict=True)])


def faulty(found: Sequence[tuple[Item, Parcel]], *, was: str = "claimed") -> None:
    """Write down that these could not be made."""
    settle(found, [Receipt(Result.NOT_HANDED)] * len(found), was=was)


def outlast(work: Callable[[], Any]) -> None:
    """Do it again until the database takes it."""
    for attempt in range(ATTEMPTS):
        try:
            work()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or attempt == ATTEMPTS - 1:
                raise
            _log.warning("what was sent waits for the database", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
            connection.close()
            time.sleep(min(PAUSE, 0.1 * 2**attempt))
        else:
            return


def _settle(handed: Sequence[tuple[Item, Parcel]], answers: Sequence[Receipt], was: str) -> None:
    now = clock.now()
    became = [_became(item, parcel, answer) for (item, parcel), answer in zip(handed, answers, strict=True)]
    results = [(item, parcel, *after) for (item, parcel), after in zip(handed, became, strict=True)]
    with transaction.atomic():
        changed = _write(results, now, was)
        late: set[int] = set()
        if len(changed) < len(results) and was == "handing":
            late = _write([one for one in results if one[0].id not in changed], now, "unknown")
        mine = changed | late
        tally, told, later, done, went = Tally(), list[Told](), list[dict[str, Any]](), list[Item](), list[Item]()
        for (item, parcel), answer, (state, reason) in zip(handed, answers, became, strict=True):
            if item.id not in mine:
                continue
            if item.id in late:
                tally.add(item.contact_id, item.campaign_id, item.variant, "unknown", n=-1)
            elif item.queued:
                tally.add(item.contact_id, item.campaign_id, item.variant, "queued", n=-1)
            tally.add(item.contact_id, item.campaign_id, item.variant, state, reason)
            if state == "queued":
                due = now + (_pause(item, parcel, answer) or timedelta(hours=1))
                later.append({"bucket": item.bucket, "id": item.id, "contact_id": item.contact_id, "due": due.timestamp(), "campaign_id": item.campaign_id})
            elif item.queued:
                done.append(item)
            if state == "sent":
                went.append(item)
            elif state == "bounced":
                told.append(_told(item, answer, reason, now))
        if later:
            sql.run(LATER, [json.dumps(later)])
        if done:
            sql.run(DONE, [[item.bucket for item in done], [item.id for item in done]])
        tally.write()
        _events(went, now)
        receipts.follow(told)
        if singles := [item.contact_id for item in went if item.campaign_id is None]:
            live.changed("contact", singles)
        for campaign in sorted({item.campaign_id for item, _parcel in handed if item.campaign_id is not None and item.id in mine}):
            _progress(campaign)


def _write(results: Sequence[tuple[Item, Parcel, str, str]], now: datetime, was: str) -> set[int]:
    """Messages (item, parcel, new state, reason) that are still as they were get their new state; gives back which.

    Of the same try: when the database fell with this very transaction, it may have been kept, and the next try of somebody else may be under way.
    """
    this = 0 if was == "claimed" else 1  # `handing` counts the try
    went: dict[int | None, list[tuple[Item, Parcel]]] = {}
    rest = []
    for item, parcel, state, reason in results:
        if state == "sent":
            went.setdefault(parcel.transport_id, []).append((item, parcel))
        else:
            row = {"contact_id": item.contact_id, "id": item.id, "state": state, "reason": reason, "attempts": item.attempts + this}
            rest.append({**row, "subject": parcel.subject, "transport_id": parcel.transport_id})
    changed: set[int] = set()
    for transport_id, some in went.items():
        same = {"transport": transport_id, "now": now, "was": was, "subjects": sql.texts([parcel.subject for _item, parcel in some])}
        people = {"contacts": sql.numbers(item.contact_id for item, _parcel in some), "ids": sql.numbers(item.id for item, _parcel in some)}
        tries = sql.numbers(item.attempts + this for item, _parcel in some)
        changed |= {id for (id,) in sql.prepared(SENT, {**same, **people, "tries": tries})}
    if rest:
        changed |= {id for (id,) in sql.rows(UPDATE, {"rows": json.dumps(rest), "now": now, "was": was})}
    return changed


def _became(item: Item, parcel: Parcel, answer: Receipt) -> tuple[str, str]:
    """The state and the reason of a message after this answer."""
    if parcel.problem:
        return ("skipped" if parcel.problem in NOBODY else "failed"), parcel.problem
    match answer.result:
        case Result.SENT:
            return "sent", ""
        case Result.UNKNOWN:
            return "unknown", answer.reason
        case Result.REFUSED:
            return "bounced", bounces.classify(answer.code, answer.reason).reason
        case Result.DEFERRED:
            return ("queued", answer.reason) if _pause(item, parcel, answer) else ("bounced", retries.given_up(answer))
        case _:
            return ("queued" if _pause(item, parcel, answer) else "failed"), answer.reason


def _pause(item: Item, parcel: Parcel, answer: Receipt) -> timedelta | None:
    """Until it is tried again; None: it is given up."""
    return retries.pause(item.attempts, answer, campaign=item.campaign_id is not None, transport_id=parcel.transport_id)


def _told(item: Item, answer: Receipt, reason: str, now: datetime) -> Told:
    """A bounce, of a receiver that refused it, or put it off until it was given up: then it is soft, with the last answer."""
    hard = answer.result == Result.REFUSED and bounces.classify(answer.code, answer.reason).hard
    return Told("bounced", item.contact_id, item.id, now, hard=hard, reason=reason, code=str(answer.code or ""), text=answer.reason)


def _events(went: Sequence[Item], now: datetime) -> None:
    """That these mails were sent are facts about the people; not that somebody else got a copy."""
    went = [item for item in went if not item.sender.startswith(COPY)]
    if not went:
        return
    by_mail: dict[tuple[int, int | None], list[Item]] = {}
    for item in went:
        by_mail.setdefault((item.email_id, item.campaign_id), []).append(item)
    names = {email: some[0].name for (email, _campaign), some in by_mail.items()}
    if unnamed := [email for email, name in names.items() if name is None]:
        names |= Email.objects.filter(pk__in=unnamed).values_list("id", "name")
    for (email, campaign), some in sorted(by_mail.items(), key=lambda found: (found[0][0], found[0][1] or 0)):
        same = {} if campaign is None else {"campaign": campaign}
        record.add_alike(Kind.EMAIL_SENT, str(email), names.get(email) or "", now, same, "message", [(item.contact_id, item.id) for item in some])


_told_at: Counter[int] = Counter()  # when the pages of a campaign were told last, in seconds


def _progress(campaign_id: int) -> None:
    """Pages of a campaign move on about once a second."""
    second = int(time.monotonic())
    if _told_at[campaign_id] != second:
        _told_at[campaign_id] = second
        live.publish(f"campaign:{campaign_id}", what="changed")
