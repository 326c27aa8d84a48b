"""Notices the law asks for. Silence keeps an agreement.

The result of an agreement or a refusal within 14 days (정보통신망법 제50조⑦, 시행령 제62조의2); every two years that somebody agreed, and how to take it back
(제50조⑧, 시행령 제62조의3).

A notice is a row as soon as it is owed, is mailed through the outbox like any other message, and learns from its message what became of it. An answer that was
given on a page of Baton's own that says at once what was recorded, when and for whom, has had its notice there: `shown`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.messaging import law, outbox, rules
from baton.messaging.models import Email
from baton.platform import clock, history, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config

RESULT, CONFIRMATION = "result", "confirmation"
WITHIN = timedelta(days=14)
MONTHS = 24
SETTLES = timedelta(minutes=30)  # who changes his mind at once is told of the last answer only
BATCH = 500
ON_THE_PAGE = ("unsubscribe", "preferences", "undo")  # sources of answers that were given on a page which says the result

OWED = """
INSERT INTO law_notice (contact_id, id, kind, channel, consent_at, granted, due_at, state, reason, told_at)
SELECT r.contact_id, r.id, 'result', k.channel, k.at, k.granted, k.at + %(within)s,
    CASE WHEN split_part(k.source, ':', 1) = ANY (%(pages)s) THEN 'shown' ELSE 'waiting' END, '',
    CASE WHEN split_part(k.source, ':', 1) = ANY (%(pages)s) THEN k.at END
FROM unnest(%(contact_ids)s::bigint[], %(channels)s::text[], %(ids)s::bigint[]) AS r(contact_id, channel, id)
JOIN consent k ON k.contact_id = r.contact_id AND k.channel = r.channel AND k.at > %(oldest)s
ON CONFLICT DO NOTHING
"""
# What a newer answer overtook needs no notice of its own any more: the newer one has one.
OVERTAKEN = """
UPDATE law_notice n SET state = 'dropped', reason = 'overtaken'
FROM consent k
WHERE n.state = 'waiting' AND n.kind = 'result' AND n.contact_id = ANY (%(contact_ids)s)
    AND k.contact_id = n.contact_id AND k.channel = n.channel AND k.at > n.consent_at
"""
AGED = """
SELECT k.contact_id, k.channel, coalesce(k.confirmed_at, k.at) AS since
FROM consent k
WHERE k.granted AND coalesce(k.confirmed_at, k.at) <= %(ripe)s AND (k.expires_at IS NULL OR k.expires_at > %(now)s)
    AND EXISTS (SELECT 1 FROM contact c WHERE c.id = k.contact_id AND c.archived_at IS NULL)
    AND NOT EXISTS (
        SELECT 1 FROM law_notice n
        WHERE n.contact_id = k.contact_id AND n.kind = 'confirmation' AND n.channel = k.channel AND n.consent_at = coalesce(k.confirmed_at, k.at)
    )
ORDER BY since LIMIT %(most)s
"""
ASK = """
INSERT INTO law_notice (contact_id, id, kind, channel, consent_at, granted, due_at, state, reason)
SELECT r.contact_id, r.id, 'confirmation', r.channel, r.since, true, r.since + %(months)s * interval '1 month', 'waiting', ''
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(channels)s::text[], %(since)s::timestamptz[]) AS r(contact_id, id, channel, since)
ON CONFLICT DO NOTHING
"""
DUE = """
UPDATE law_notice n SET state = 'mailed'
FROM (
    SELECT contact_id, id FROM law_notice WHERE state = 'waiting' AND (kind = 'confirmation' OR consent_at <= %(settled)s) ORDER BY due_at, id LIMIT %(most)s
) r
WHERE n.contact_id = r.contact_id AND n.id = r.id AND n.state = 'waiting'
RETURNING n.contact_id, n.id, n.kind
"""
# What became of the messages of notices that were mailed.
BECAME = """
UPDATE law_notice n SET state = r.state, reason = r.reason, told_at = r.at
FROM (
    SELECT n.contact_id, n.id, CASE WHEN m.state IN ('sent', 'delivered') THEN 'sent' ELSE 'failed' END AS state,
        CASE WHEN m.state IN ('sent', 'delivered') THEN '' ELSE m.reason END AS reason, m.sent_at AS at
    FROM law_notice n JOIN message m ON m.contact_id = n.contact_id AND m.cause = 'law:' || n.id AND m.channel = 'email'
    WHERE n.state = 'mailed' AND m.state NOT IN ('queued', 'claimed', 'handing')
) r
WHERE n.contact_id = r.contact_id AND n.id = r.id AND n.state = 'mailed'
RETURNING n.contact_id, n.kind, n.channel, n.consent_at, n.state, n.told_at
"""
CONFIRMED = """
UPDATE consent k SET confirmed_at = r.at
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS r(contact_id, channel, since, at)
WHERE k.contact_id = r.contact_id AND k.channel = r.channel AND k.granted AND coalesce(k.confirmed_at, k.at) = r.since
"""
COUNTS = """
SELECT kind, state, count(*), count(*) FILTER (WHERE state IN ('waiting', 'mailed') AND due_at < %(now)s), min(due_at) FILTER (WHERE state = 'waiting')
FROM law_notice WHERE due_at > %(since)s GROUP BY kind, state
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How many notices of a kind are in a state, how many of them are late by the law's day, and when the next is due."""

    kind: str
    state: str
    n: int
    late: int
    next_at: datetime | None


def owe(answered: Collection[tuple[int, str]]) -> int:
    """People answered (contact, channel): they are owed the result. Of answers older than 14 days, as imports bring them, nobody is told."""
    ruled, now = rules.rules(), clock.now()
    pairs = sorted({*answered})
    if not pairs or not ruled.korean or not ruled.result_notice:
        return 0
    contact_ids, channels = [contact for contact, _channel in pairs], [channel for _contact, channel in pairs]
    with transaction.atomic():
        sql.run(OVERTAKEN, {"contact_ids": contact_ids})
        return sql.run(
            OWED,
            {
                "contact_ids": contact_ids, "channels": channels, "ids": sql.next_ids("message_id_seq", len(pairs)),
                "within": WITHIN, "oldest": now - WITHIN, "pages": list(ON_THE_PAGE),
            },
        )  # fmt: skip


def confirm() -> int:
    """Agreements that will soon be two years old since they were given, or confirmed last: their people are owed a notice. Returns how many are new."""
    ruled, now = rules.rules(), clock.now()
    if not ruled.korean or not ruled.confirm_notice:
        return 0
    [(ripe,)] = sql.rows("SELECT %s::timestamptz - %s * interval '1 month' + %s * interval '1 day'", [now, MONTHS, ruled.confirm_ahead])
    found = sql.rows(AGED, {"ripe": ripe, "now": now, "most": BATCH})
    if not found:
        return 0
    contact_ids, channels, since = ([row[i] for row in found] for i in range(3))
    return sql.run(ASK, {"contact_ids": contact_ids, "channels": channels, "since": since, "ids": sql.next_ids("message_id_seq", len(found)), "months": MONTHS})


def send() -> int:
    """Put due notices into the outbox, a batch; returns how many."""
    with transaction.atomic():
        due = sql.rows(DUE, {"settled": clock.now() - SETTLES, "most": BATCH})
        for kind in sorted({row[2] for row in due}):
            email = mail(kind)
            outbox.add([outbox.NewMessage(contact, email.pk, f"law:{id}") for contact, id, of in due if of == kind])
    return len(due)


def learn() -> int:
    """What became of the notices that were mailed; who was told of his agreement has it confirmed from then on. Returns how many."""
    with transaction.atomic():
        done = sql.rows(BECAME)
        told = [row for row in done if row[1] == CONFIRMATION and row[4] == "sent"]
        if told:
            sql.run(CONFIRMED, [[r[0] for r in told], [r[2] for r in told], [r[3] for r in told], [r[5] for r in told]])
    return len(done)


def counts(since: datetime) -> list[Count]:
    """The notices whose day was after `since`, by kind and state."""
    return [Count(*row) for row in sql.rows(COUNTS, {"now": clock.now(), "since": since})]


def mail(kind: str) -> Email:
    """The mail of a kind of notice; written once, from then on colleagues may change its words like any other mail's."""
    key = f"notice_{kind}"
    found = Email.objects.filter(kind=key, archived_at=None).order_by("id").first()
    if found is not None:
        return found
    with transaction.atomic(), translation.override(language := "ko" if rules.rules().korean else config().language):
        sql.rows("SELECT pg_advisory_xact_lock(hashtext(%s))", [key])
        found = Email.objects.filter(kind=key, archived_at=None).order_by("id").first()
        if found is None:
            found = Email.objects.create(
                kind=key,
                language=language,
                purpose="transactional",
                purpose_reason=_("A notice of the law: {article}").format(article=law.ARTICLES[kind]),
                **_words(kind),
            )
            history.record(SYSTEM, "created", "email", found.pk, name=found.name)
    return found


def _words(kind: str) -> dict[str, str]:
    """Name, subject and body. They say who tells, what was expressed, when, and how to change it: what 시행령 제62조의2 and 제62조의3 list."""
    sender = "{{ account.name }}"
    if kind == RESULT:
        name, subject = _("Notice: result of an agreement or refusal"), _("{sender}: your answer about our news was recorded").format(sender=sender)
        first = _("We have recorded what you told us about receiving advertising from {sender}:").format(sender=sender)
    else:
        name, subject = _("Notice: confirmation of an agreement"), _("{sender}: you agreed to receive our news").format(sender=sender)
        first = _("Every two years we tell you that you agreed to receive advertising from {sender}:").format(sender=sender)
    keep = _("If this is right, you need not do anything.")
    change = _("You can change it at any time, free of charge:")
    link = _("Choose what you receive")
    each = "<li>{{ one.channel }}: {{ one.answer }} ({{ one.at }}){% if one.wording %}<br>{{ one.wording }}{% endif %}</li>"
    body = (
        f"<p>{first}</p><ul>{{% for one in consents %}}{each}{{% endfor %}}</ul>"
        f'<p>{keep} {change} <a href="{{{{ preferences_url }}}}">{link}</a></p>'
        "<p>{{ account.name }}{% if account.address %} · {{ account.address }}{% endif %}{% if account.phone %} · {{ account.phone }}{% endif %}</p>"
    )
    return {"name": name, "subject": subject, "body": body}
