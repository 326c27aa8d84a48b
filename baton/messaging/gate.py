"""Who must not be written to, and why: one decision, asked about messages that are about to be sent, and about people beforehand."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from baton.messaging.models import Email
from baton.platform import clock, sql
from baton.query.statement import Sql

WAITING = "(SELECT * FROM message WHERE contact_id = ANY (%(contact_ids)s) AND id = ANY (%(ids)s))"
WOULD_BE = """(
    SELECT c.id AS contact_id, c.id, %(email)s::bigint AS email_id, coalesce(c.email, '') AS address, %(channel)s::text AS channel
    FROM contact c WHERE c.id = ANY (%(contact_ids)s)
)"""
MANY = """(
    SELECT DISTINCT c.id AS contact_id, c.id, %(email)s::bigint AS email_id, coalesce(c.email, '') AS address, %(channel)s::text AS channel
    FROM contact c JOIN ({people}) w ON w.contact_id = c.id
)"""
UNWILLING = ("no_consent", "suppressed_unsubscribed", "suppressed_complained")  # reasons that are the person's own will


def decide(contact_ids: Collection[int], ids: Collection[int], now: datetime) -> list[tuple[Any, ...]]:
    """Hold these messages against the gate and write down what it says: (contact, id, state, channel, e-mail, address, attempts, sender) of each."""
    statement = sql.load("gate", __package__).replace("{judged}", _judge(WAITING))
    return sql.rows(statement, {"contact_ids": sorted({*contact_ids}), "ids": list(ids), "now": now, **_purposes()})


def refused(email_id: int, contact_ids: Sequence[int], channel: str = "email") -> dict[int, str]:
    """Those who would not get this e-mail if it were sent now, with the reason (outbox.REASONS)."""
    given = {"contact_ids": list(contact_ids), "email": email_id, "channel": channel, "now": clock.now(), **_purposes()}
    return {contact_id: reason for contact_id, _id, reason in sql.rows(_judge(WOULD_BE), given) if reason}


def reasons(email_id: int, people: Sql, channel: str = "email") -> dict[str, int]:
    """How many of many people (a `SELECT contact_id`) would not get this e-mail if it were sent now, by reason; under "" those who would."""
    given = {**people.params, "email": email_id, "channel": channel, "now": clock.now(), **_purposes()}
    judged = _judge(MANY.replace("{people}", people.text))
    return dict(sql.rows(f"SELECT reason, count(*) FROM ({judged}) g GROUP BY reason", given))


def _judge(rows: str) -> str:
    return sql.load("judge", __package__).replace("{rows}", rows)


def _purposes() -> dict[str, list[int]]:
    emails = dict(Email.objects.values_list("id", "purpose"))
    return {"emails": list(emails), "marketing": [key for key, purpose in emails.items() if purpose == "marketing"]}
