"""Messages to be sent: anyone may add some. They are rows before anybody tries to send them, and one cause sends once."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.messaging import channel as channels
from baton.messaging.incoming import bounces
from baton.platform import clock, sql
from baton.platform.models import BUCKETS

REASONS: dict[str, str | Promise] = {
    "brake_untrusted": _("Receivers do not trust the sender: the DNS records of the sending domain need a look before it goes on."),
    "brake_bounces": _("Too many addresses do not exist: the list is older than it seems, or was not collected by the people on it."),
    "brake_complaints": _("Too many people reported it as spam: going on would bring later mails into the spam folder, too."),
    "archived": _("The contact is archived."),
    "no_address": _("The contact has no e-mail address."),
    "invalid_address": _("The address is not one that mail can be sent to."),
    "duplicate_address": _("Somebody else with the same address gets this mail."),
    "no_sender": _("The sender’s name, address, telephone or e-mail is missing; the law asks for them."),
    "no_consent": _("The contact has not agreed to receive marketing e-mail."),
    "consent_expired": _("The agreement to receive marketing e-mail has ended."),
    "subscription_refused": _("The contact does not want this kind of news."),
    "subscription_missing": _("The contact has not agreed to this kind of news."),
    "frequency_cap": _("The contact has had as many marketing messages as the limit allows."),
    "night": _("It is night at the contact’s; the message waits until the morning."),
    "no_email": _("The e-mail does not exist any more."),
    "suppressed_unsubscribed": _("The contact unsubscribed."),
    "suppressed_bounced": _("Mail to this address bounced before."),
    "suppressed_complained": _("The contact reported a mail as spam."),
    "suppressed_soft_limit": _("Mail to this address came back again and again."),
    "suppressed_manual": _("A colleague put the contact on the suppression list."),
    "suppressed_imported": _("The contact was on an imported suppression list."),
    "suppressed_address": _("The address is on the suppression list."),
    "dead_end": _("The contact is at a dead end: no marketing."),
    "unqualified": _("Sales called the contact unqualified: no marketing."),
    "paused": _("Marketing to the contact is paused."),
    "single_lost": _("What a program had said of this message was forgotten, with somebody who was mentioned in it."),
    "no_coupon": _("There was no coupon code left."),
    "interrupted": _("Baton was stopped while the mail server was taking this message; it may have arrived and is not sent again."),
}


@dataclass(frozen=True, slots=True)
class NewMessage:
    contact_id: int
    email_id: int
    cause: str  # "step:<enrollment>:<step>" ...: the same cause never sends to the same contact twice
    sender: str = ""  # whose name it carries, who gets the answers: "owner" (the contact's) or "user:<id>"; empty: as the e-mail says
    version: int = 0  # EmailVersion.number; 0: the newest when it is sent
    address: str = ""  # of a copy for somebody else; empty: the contact's at this moment


def add(rows: Sequence[NewMessage], *, channel: str = "email") -> None:
    """Queue these messages in the caller's transaction and wake the senders when it commits.

    The address is the contact's at this moment. Who must not be written to is found out when it is sent, see delivery.py.
    """
    if not rows:
        return
    now = clock.now()
    with transaction.atomic():
        made = sql.rows(
            sql.load("add", __package__).replace("{address}", channels.channel(channel).address),
            {
                "contact_ids": [r.contact_id for r in rows],
                "ids": sql.next_ids("message_id_seq", len(rows)),
                "causes": [r.cause for r in rows],
                "email_ids": [r.email_id for r in rows],
                "senders": [r.sender for r in rows],
                "versions": [r.version for r in rows],
                "addresses": [r.address for r in rows],
                "channel": channel,
                "now": now,
            },
        )
        sql.run(
            "INSERT INTO outbox (bucket, message_id, contact_id, due_at) SELECT r.contact_id %% %s, r.id, r.contact_id, %s"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)",
            [BUCKETS, now, [m[0] for m in made], [m[1] for m in made]],
        )
        sql.run("NOTIFY baton_outbox")


def reason(code: str) -> str:
    """The reason of a message in words; a carrier's own words come back as they are."""
    return str(REASONS.get(code) or bounces.words(code))
