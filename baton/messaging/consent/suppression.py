"""Who must never be written to again on a channel, by person or by the hash of an address: set and lifted here, enforced in SQL by the last gate.

Reasons: unsubscribed (the person's own will, which a later agreement ends), manual and imported (a colleague's word), soft_limit, bounced, complained.
Of addresses also erased: somebody who asked to be forgotten; a later agreement ends that too.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import consent, identity
from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging.models import Email, Suppression
from baton.platform import changes, clock, history, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.changes import Change
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound

UNSUBSCRIBED, BOUNCED, COMPLAINED, SOFT_LIMIT, MANUAL, IMPORTED, ERASED = (
    "unsubscribed", "bounced", "complained", "soft_limit", "manual", "imported", "erased",
)  # fmt: skip
WEIGHT = {UNSUBSCRIBED: 0, ERASED: 0, IMPORTED: 1, MANUAL: 1, SOFT_LIMIT: 2, BOUNCED: 3, COMPLAINED: 4}  # a graver one replaces another
WORDS: dict[str, str | Promise] = {
    UNSUBSCRIBED: gettext_lazy("unsubscribed"),
    BOUNCED: gettext_lazy("address does not exist"),
    SOFT_LIMIT: gettext_lazy("not deliverable for long"),
    COMPLAINED: gettext_lazy("reported as spam"),
    MANUAL: gettext_lazy("by a colleague"),
    IMPORTED: gettext_lazy("from an import"),
    ERASED: gettext_lazy("asked to be forgotten"),
}

SUPPRESS = """
INSERT INTO suppression AS s (contact_id, channel, reason, at, source, note)
SELECT DISTINCT ON (r.contact_id) r.contact_id, %(channel)s, r.reason, %(now)s, r.source, r.note
FROM unnest(%(ids)s::bigint[], %(reasons)s::text[], %(weights)s::int[], %(sources)s::text[], %(notes)s::text[]) AS r(contact_id, reason, weight, source, note)
ORDER BY r.contact_id, r.weight DESC
ON CONFLICT (contact_id, channel) DO UPDATE SET reason = excluded.reason, at = excluded.at, source = excluded.source, note = excluded.note
WHERE coalesce((%(known)s::jsonb ->> s.reason)::int, 0) < coalesce((%(known)s::jsonb ->> excluded.reason)::int, 0)
RETURNING contact_id
"""
ADDRESSES = """
INSERT INTO suppressed_address AS s (hash, channel, reason, at, source, actor)
SELECT hash, %(channel)s, %(reason)s, %(now)s, %(source)s, %(actor)s FROM unnest(%(hashes)s::bytea[]) AS r(hash)
ON CONFLICT (hash, channel) DO UPDATE SET reason = excluded.reason, at = excluded.at, source = excluded.source, actor = excluded.actor
WHERE coalesce((%(known)s::jsonb ->> s.reason)::int, 0) < coalesce((%(known)s::jsonb ->> excluded.reason)::int, 0)
RETURNING hash
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody who is not to be written to any more. `source` says what told us (message:<id>, import:<id>, user:<id>), `note` in whose words."""

    contact_id: int
    reason: str
    source: str = ""
    note: str = ""


@cache
def pepper() -> str:
    """What goes before an address when it is hashed: without the account's secret key nobody can try addresses out."""
    return hashlib.sha256(b"baton.suppression\0" + config().secret_key.encode()).hexdigest()


def hashed(address: str) -> bytes:
    """How an address is known in `suppressed_address`; the gate's SQL works out the same: sha256(pepper || lower(address))."""
    return hashlib.sha256((pepper() + address.strip().lower()).encode()).digest()


def suppress(contact_id: int, channel: str, reason: str, *, source: str = "", note: str = "") -> bool:
    """Stop writing to this contact; returns whether that is new. A graver reason replaces another, never the reverse."""
    return bool(suppress_many(channel, [Stop(contact_id, reason, source, note)]))


def suppress_many(channel: str, stops: Sequence[Stop]) -> set[int]:
    """Stop writing to many, each for a reason of his own; returns those for whom that is new. In the caller's transaction."""
    if not stops:
        return set()
    rows = sql.rows(
        SUPPRESS,
        {
            "channel": channel, "now": clock.now(), "ids": [s.contact_id for s in stops], "reasons": [s.reason for s in stops],
            "weights": [WEIGHT.get(s.reason, 0) for s in stops], "sources": [s.source for s in stops], "notes": [s.note[:1000] for s in stops],
            "known": _weights(),
        },
    )  # fmt: skip
    new = {row[0] for row in rows}
    changes.append(Change(id, "property", f"consent.{channel}") for id in sorted(new))
    return new


def suppress_addresses(addresses: Iterable[str], channel: str, reason: str, *, source: str = "", actor: Actor = SYSTEM) -> int:
    """Never write to these addresses, whoever has them now or later; only their hashes are kept. Returns how many are new."""
    hashes = sorted({hashed(address) for address in addresses if address.strip()})
    if not hashes:
        return 0
    given = {"channel": channel, "reason": reason, "now": clock.now(), "source": source, "actor": str(actor), "hashes": hashes, "known": _weights()}
    return len(sql.rows(ADDRESSES, given))


def addresses(given: Collection[str], channel: str = "email") -> dict[str, str]:
    """Those of the addresses that are never written to, with the reason."""
    hashes = {hashed(address): address for address in given}
    rows = sql.rows("SELECT hash, reason FROM suppressed_address WHERE hash = ANY(%s) AND channel = %s", [list(hashes), channel])
    return {hashes[bytes(hash)]: reason for hash, reason in rows}


def lift(contact_id: int, channel: str, why: str, *, actor: Actor) -> str:
    """Write to this contact again, as far as he agrees; returns the reason for which it had stopped. His refusal stays one: it is no agreement.

    Raises Invalid (`why`: it is kept in the history), NotFound.
    """
    with transaction.atomic():
        rows = sql.rows("DELETE FROM suppression WHERE contact_id = %s AND channel = %s RETURNING reason", [contact_id, channel])
        mails = [row[0] for row in sql.rows("SELECT value FROM identity WHERE contact_id = %s AND kind = 'email'", [contact_id])]
        held = addresses(mails, channel) if mails else {}
        if not rows and not held:
            raise NotFound(_("Nothing keeps this contact from being written to any more."))
        reason = str(rows[0][0]) if rows else next(iter(held.values()))
        history.record(actor, "lifted", "suppression", contact_id, channel=channel, reason=reason, why=_because(why))
        if held:
            sql.run("DELETE FROM suppressed_address WHERE hash = ANY(%s) AND channel = %s", [[hashed(mail) for mail in held], channel])
        sql.run("DELETE FROM message_trouble WHERE contact_id = %s AND channel = %s", [contact_id, channel])
        changes.append([Change(contact_id, "property", f"consent.{channel}")])
    return reason


def lift_address(address: str, channel: str, why: str, *, actor: Actor) -> str:
    """Let an address that nobody has be written to again; returns the reason for which it had stopped. Raises as `lift` does."""
    owner = identity.find("email", identity.normal_email(address))
    if owner is not None:
        return lift(owner, channel, why, actor=actor)
    with transaction.atomic():
        rows = sql.rows("DELETE FROM suppressed_address WHERE hash = %s AND channel = %s RETURNING reason", [hashed(address), channel])
        if not rows:
            raise NotFound(_("This address is not on the list."))
        history.record(actor, "lifted", "suppressed_address", hashed(address).hex()[:16], channel=channel, reason=rows[0][0], why=_because(why))
    return str(rows[0][0])


def unsubscribe(
    contact_id: int, email_id: int, *, channel: str = "email", source: str = "unsubscribe", message_id: int = 0, actor: Actor | None = None, note: str = ""
) -> bool:
    """The contact wants no marketing at all on this channel any more; returns whether that is new. May be called again.

    Somebody who agreed anew since the last time unsubscribes anew. Of one kind of news: subscriptions.leave. `actor` is who records it, where that was
    not the person himself, and `note` in whose words.
    """
    actor = actor or Actor("visitor", contact_id)
    with transaction.atomic():
        sql.rows("SELECT 1 FROM contact WHERE id = %s FOR UPDATE", [contact_id])  # two clicks at once count once
        found = Suppression.objects.filter(contact_id=contact_id, channel=channel).first()
        answers = [row[0] for row in sql.rows("SELECT granted FROM consent WHERE contact_id = %s AND channel = %s", [contact_id, channel])]
        if found and True not in answers and (found.reason == UNSUBSCRIBED or answers):
            return False  # refused already; somebody else's reason to stop is no refusal of his, and may be lifted
        told = f"message:{message_id}" if message_id else source
        if found and found.reason == UNSUBSCRIBED:
            Suppression.objects.filter(contact_id=contact_id, channel=channel).update(at=clock.now(), source=told, note=note)
        elif not found:
            suppress(contact_id, channel, UNSUBSCRIBED, source=told, note=note)
        proof: dict[str, Any] = {"email": email_id, "before": consent.before(contact_id, channel)} | ({"message": message_id} if message_id else {})
        proof |= {"reason": note} if note else {}
        consent.set([contact_id], channel, False, actor=actor, source=source, proof=proof)
        happened(contact_id, email_id, message_id=message_id)
    return True


def happened(contact_id: int, email_id: int, *, message_id: int = 0, type_id: int | None = None) -> None:
    """The event that says by which mail somebody unsubscribed (0: by none), and from which kind of news (None: from all)."""
    name = Email.objects.filter(id=email_id).values_list("name", flat=True).first() or ""
    payload = ({"message": message_id} if message_id else {}) | ({"subscription": type_id} if type_id else {})
    record.add([record.NewEvent(contact_id, Kind.EMAIL_UNSUBSCRIBE, clock.now(), key_value=str(email_id), key_label=name, payload=payload)])


def _because(why: str) -> str:
    if not why.strip():
        raise Invalid.one("why", "REQUIRED", _("Say why: the reason stays in the history."))
    return why.strip()[:500]


def _weights() -> str:

    return json.dumps(WEIGHT)
