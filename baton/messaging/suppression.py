"""Who must never be written to again on a channel: set here, enforced in SQL by the last gate (sql/gate.sql)."""

import hashlib
from functools import cache

from django.db import transaction

from baton.crm import consent
from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging.models import Email, Suppression
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.config import config

UNSUBSCRIBED, BOUNCED, COMPLAINED = "unsubscribed", "bounced", "complained"


@cache
def pepper() -> str:
    """What goes before an address when it is hashed: without the account's secret key nobody can try addresses out."""
    return hashlib.sha256(b"baton.suppression\0" + config().secret_key.encode()).hexdigest()


def hashed(address: str) -> bytes:
    """How an address is known in `suppressed_address`; the gate's SQL works out the same: sha256(pepper || lower(address))."""
    return hashlib.sha256((pepper() + address.strip().lower()).encode()).digest()


def suppress(contact_id: int, channel: str, reason: str) -> bool:
    """Stop writing to this contact; returns whether that is new. A graver reason replaces an unsubscription, never the reverse."""
    new = bool(
        sql.rows(
            "INSERT INTO suppression (contact_id, channel, reason, at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (contact_id, channel) DO UPDATE SET reason = excluded.reason, at = excluded.at"
            " WHERE suppression.reason = 'unsubscribed' AND excluded.reason <> 'unsubscribed' RETURNING contact_id",
            [contact_id, channel, reason, clock.now()],
        )
    )
    if new:
        changes.append([Change(contact_id, "property", f"consent.{channel}")])
    return new


def unsubscribe(contact_id: int, email_id: int, *, channel: str = "email") -> bool:
    """The contact does not want marketing on this channel any more; returns whether that is new. May be called again.

    Somebody who agreed anew since the last time unsubscribes anew.
    """
    actor = Actor("visitor", contact_id)
    with transaction.atomic():
        sql.rows("SELECT 1 FROM contact WHERE id = %s FOR UPDATE", [contact_id])  # two clicks at once count once
        found = Suppression.objects.filter(contact_id=contact_id, channel=channel).first()
        agreed = sql.rows("SELECT at FROM consent WHERE contact_id = %s AND channel = %s AND granted", [contact_id, channel])
        if found and not agreed:
            return False
        if found and found.reason == UNSUBSCRIBED:
            Suppression.objects.filter(contact_id=contact_id, channel=channel).update(at=clock.now())
        elif not found:
            suppress(contact_id, channel, UNSUBSCRIBED)
        consent.set([contact_id], channel, False, actor=actor, source="unsubscribe")
        name = Email.objects.filter(id=email_id).values_list("name", flat=True).first() or ""
        record.add([record.NewEvent(contact_id, Kind.EMAIL_UNSUBSCRIBE, clock.now(), key_value=str(email_id), key_label=name)])
    return True
