"""What colleagues and programs record of people's choices: an agreement or a refusal of a kind of news, or of a channel as a whole, with basis and reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import consent
from baton.crm.consent import Answer
from baton.crm.models import Consent
from baton.messaging.consent import subscriptions, suppression
from baton.messaging.models import Subscription, Suppression
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import Conflict, Invalid


def refused(contact_id: int, channel: str = "email") -> bool:
    """Whether the person himself said no to the channel, and has not said yes since."""
    if consent.granted(contact_id, channel) is False:
        return True
    at = Suppression.objects.filter(contact_id=contact_id, channel=channel, reason=suppression.UNSUBSCRIBED).values_list("at", flat=True).first()
    return at is not None and not sql.rows("SELECT 1 FROM consent WHERE contact_id = %s AND channel = %s AND granted AND at > %s", [contact_id, channel, at])


def record(
    contact_id: int,
    type_id: int | None,
    granted: bool,
    *,
    actor: Actor,
    source: str,
    channel: str = "email",
    reason: str = "",
    basis: str = consent.CONSENT,
    expires_at: datetime | None = None,
    night: bool | None = None,
    anew: bool = False,
    proof: Mapping[str, Any] | None = None,
) -> None:
    """Record what somebody said of a kind of news (None: of the channel). `reason` says how it is known; it is kept as the words and in the proof.

    A yes to a kind of news is one to the channel too where he was never asked; the other kinds stay closed to him then. A refusal of the channel is not
    overruled unless he agreed `anew`: raises Conflict. Raises Invalid (`type`, `basis`, `channel`).
    """
    if channel not in consent.CHANNELS:
        raise Invalid.one("channel", "INVALID_OPTION", _("There is no such channel."))
    types = {type.pk: type for type in subscriptions.known()}
    if type_id is not None and type_id not in types:
        raise Invalid.one("type", "INVALID_OPTION", _("There is no such kind of news any more."))
    shown = {**(proof or {}), **({"reason": reason} if reason else {})}
    with transaction.atomic():
        sql.rows("SELECT 1 FROM contact WHERE id = %s FOR UPDATE", [contact_id])
        if not granted:
            if type_id is None:
                suppression.unsubscribe(contact_id, 0, channel=channel, source=source, actor=actor, note=reason)
            else:
                subscriptions.choose(contact_id, {type_id: False}, actor=actor, source=source, channel=channel, wording=reason, proof=shown)
            return
        if refused(contact_id, channel) and not anew:
            raise Conflict(_("This person unsubscribed. Only he himself can agree again."))
        closed: dict[int, bool] = {}
        if type_id is None or not subscriptions.willing(contact_id, channel):
            if type_id is not None and consent.granted(contact_id, channel) is not True:
                closed = {s.type.pk: False for s in subscriptions.state(contact_id, [channel]) if s.row is None and not s.type.separate}
            consent.set(
                [contact_id], channel, True, actor=actor, source=source, wording=reason, proof=shown, basis=basis, expires_at=expires_at, night=night
            )  # fmt: skip
            sql.run("DELETE FROM suppression WHERE contact_id = %s AND channel = %s AND reason = 'unsubscribed'", [contact_id, channel])
        if type_id is not None:
            answers = {**closed, type_id: True}
            subscriptions.choose(contact_id, answers, actor=actor, source=source, channel=channel, wording=reason, proof=shown, basis=basis)


def as_agreed(contact_id: int, type_id: int, channel: str) -> None:
    """A yes to a kind of news with the words and the proof of the agreement to its channel that was given with it."""
    row = Consent.objects.filter(contact_id=contact_id, channel=channel, granted=True).first()
    if row is not None:
        subscriptions.choose(
            contact_id, {type_id: True}, actor=Actor.parse(row.actor), source=row.source, channel=channel, wording=row.wording, proof=row.proof
        )  # fmt: skip


def forget(contact_id: int, type_id: int, *, actor: Actor, source: str, channel: str = "email") -> None:
    """As if nothing had been said of a kind of news; the ledger keeps what was, and that it was taken away."""
    with transaction.atomic():
        row = Subscription.objects.filter(contact_id=contact_id, type_id=type_id, channel=channel).first()
        if row is None:
            return
        Subscription.objects.filter(contact_id=contact_id, type_id=type_id, channel=channel).delete()
        consent.note([Answer(contact_id, channel, False, clock.now(), source, str(actor), type_id, proof={"forgotten": True})])
        changes.append([Change(contact_id, "property", f"consent.{channel}")])
