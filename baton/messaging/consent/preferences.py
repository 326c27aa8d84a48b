"""The preference centre: what people who are not signed in may see and change about themselves, with a signed link and nothing else.

A mail's own links lead here (`/u/<token>`, good for ever, for the way out only) and, while the mail is young, to the whole centre
(`/preferences/<token>/`, good for DAYS). An old link is never a dead end: it mails a fresh one to the address it was made for.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.crm import consent, contacts
from baton.crm.models import Consent, ConsentEvent, Contact
from baton.messaging.consent import subscriptions, suppression
from baton.messaging.consent.subscriptions import State
from baton.messaging.models import Subscription, Suppression
from baton.platform import clock, signing, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, NotFound
from baton.segments import pauses

DAYS = timedelta(days=30)
MOST = 3  # fresh links mailed to one address in a day
FROM_MAIL, CENTRE, TAKE_BACK = "unsub", "preferences", "undo"
SOURCE, UNDO = "preferences", "undo"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose link it is, and of which mail; `live`: it may open the whole centre."""

    contact: Contact
    email_id: int = 0
    message_id: int = 0
    live: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """A channel of somebody's centre: whether he agrees to it at all, and what else stops it that he cannot change here."""

    key: str
    label: str
    on: bool
    stopped: str  # a reason word of suppression, or ""


# Links -----------------------------------------------------------------------


def of_mail(token: str) -> Ticket:
    """What a link at the end of a mail is for. Raises NotFound for a forged one, and for somebody who is no more."""
    numbers = signing.read(FROM_MAIL, token)
    if numbers is None or len(numbers) not in (2, 3):
        raise _unknown()
    return Ticket(_contact(numbers[0]), numbers[1], numbers[2] if len(numbers) == 3 else 0)


def of_link(token: str) -> Ticket:
    """What a link to the centre is for; an old one is not `live`. Raises NotFound for a forged one."""
    numbers = signing.read(CENTRE, token)
    if numbers is None or len(numbers) != 2:
        raise _unknown()
    return Ticket(_contact(numbers[0]), live=numbers[1] > clock.now().timestamp())


def link(contact_id: int, *, until: datetime | None = None) -> str:
    """The address of somebody's preference centre, without the host; good for DAYS."""
    ends = until or clock.now() + DAYS
    return f"/preferences/{signing.make(CENTRE, contact_id, int(ends.timestamp()))}/"


def link_of(ticket: Ticket) -> str | None:
    """The centre for who holds a mail's link: good as long as DAYS after the mail; None when it is older, or was never sent."""
    rows = sql.rows("SELECT max(coalesce(sent_at, created_at)) FROM message WHERE contact_id = %s AND email_id = %s", [ticket.contact.pk, ticket.email_id])
    sent = rows[0][0]
    return link(ticket.contact.pk, until=sent + DAYS) if sent and sent + DAYS > clock.now() else None


def may_mail(contact_id: int) -> bool:
    """Whether one more fresh link may go to this person today; counts it."""
    key = f"preferences:{contact_id}"
    cache.add(key, 0, timeout=int(timedelta(days=1).total_seconds()))
    return bool(cache.incr(key) <= MOST)


def masked(address: str) -> str:
    """`ji***@gaon.example`: enough to know oneself, too little for whom the mail was forwarded to."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:2] if len(local) > 3 else local[:1]}***@{domain}" if domain else ""


# What is there ----------------------------------------------------------------


def columns(contact_id: int) -> list[Column]:
    """E-mail, and the other channels on which the person ever answered."""
    asked = set(Consent.objects.filter(contact_id=contact_id).values_list("channel", flat=True))
    stops = dict(Suppression.objects.filter(contact_id=contact_id).values_list("channel", "reason"))
    return [
        Column(key, str(label), subscriptions.willing(contact_id, key), "" if stops.get(key, "") in ("", suppression.UNSUBSCRIBED) else stops[key])
        for key, label in consent.CHANNELS.items()
        if key == "email" or key in asked
    ]


def grid(contact_id: int, channels: list[Column]) -> list[tuple[str, list[list[State]]]]:
    """The public kinds of news by topic, those without one last: of each one state a channel."""
    states = subscriptions.state(contact_id, [c.key for c in channels], public=True)
    topics: dict[str, dict[int, list[State]]] = {}
    for one in states:
        topics.setdefault(one.type.topic, {}).setdefault(one.type.pk, []).append(one)
    return [(topic, list(topics[topic].values())) for topic in sorted(topics, key=lambda topic: topic == "")]


def paused_until(contact_id: int) -> datetime | None:
    """The end of a pause that goes on."""
    rows = sql.rows("SELECT until FROM pause WHERE contact_id = %s AND ended_at IS NULL AND until > %s", [contact_id, clock.now()])
    return rows[0][0] if rows else None


# What people do ----------------------------------------------------------------


def save(contact_id: int, wanted: Mapping[tuple[int, str], bool], channels: Mapping[str, bool], *, proof: Mapping[str, Any]) -> bool:
    """What somebody ticked: {(kind of news, channel): yes}, and {channel: yes} where there are no kinds. Returns whether anything changed.

    A yes on a channel that he had refused is an agreement to the channel too, for what he ticked only. Nothing ticked at all is the way out of everything.
    """
    actor, changed = Actor("visitor", contact_id), False
    with transaction.atomic():
        sql.rows("SELECT 1 FROM contact WHERE id = %s FOR UPDATE", [contact_id])
        for column in columns(contact_id):
            key = column.key
            states = {s.type.pk: s for s in subscriptions.state(contact_id, [key])}
            mine = {id: yes for (id, channel), yes in wanted.items() if channel == key and id in states and states[id].type.public}
            yes = any(mine.values()) or channels.get(key, False)
            if column.stopped or (not mine and key not in channels):
                continue
            if not yes:
                changed |= suppression.unsubscribe(contact_id, 0, channel=key, source=SOURCE)
                continue
            differs = {id: choice for id, choice in mine.items() if choice is not states[id].gets}
            if not column.on:
                words = wording([subscriptions.name(states[id].type) for id, choice in mine.items() if choice], column.label)
                consent.set([contact_id], key, True, actor=actor, source=SOURCE, wording=words, proof=proof)
                _agreed_again(contact_id, key)
                differs = {id: mine.get(id, False) for id, state in states.items() if id in mine or (state.row is None and not state.type.separate)}
            if differs:
                words = wording([subscriptions.name(states[id].type) for id, choice in differs.items() if choice], column.label)
                subscriptions.choose(contact_id, differs, actor=actor, source=SOURCE, channel=key, wording=words, proof=proof)
            changed |= bool(differs) or not column.on
    return changed


def leave_all(contact_id: int, email_id: int = 0, message_id: int = 0) -> bool:
    """Out of everything, on every channel; returns whether anything is new."""
    new = [suppression.unsubscribe(contact_id, email_id, channel=c.key, source=SOURCE, message_id=message_id) for c in columns(contact_id)]
    return any(new)


def pause(contact_id: int, until: date | None) -> None:
    """No marketing on any channel until a day begins; None ends a pause. Raises Invalid (`until`)."""
    actor = Actor("visitor", contact_id)
    if until is None:
        pauses.end([contact_id], by=actor, reason=_("The person ended the pause"), stay=True)
        return
    try:
        pauses.pause([contact_id], until, reason=_("The person asked for a pause"), actor=actor, source=SOURCE)
    except Conflict:
        return  # at a dead end: gets no marketing anyway


def wording(names: list[str], channel: str) -> str:
    """The words beside the ticks, as the ledger keeps them."""
    sender = users.account().name
    if not names:
        return _("News of {sender} by {channel}").format(sender=sender, channel=channel)
    return _("News of {sender} by {channel}: {names}").format(sender=sender, channel=channel, names=", ".join(names))


# Taking it back ------------------------------------------------------------------


def refusal(contact_id: int, type_id: int | None, channel: str = "email") -> ConsentEvent | None:
    """The last answer about a kind of news (None: the channel), if it is a refusal that took something away and still holds."""
    row = ConsentEvent.objects.filter(contact_id=contact_id, channel=channel, type_id=type_id).order_by("-id").first()
    if row is None or row.granted:
        return None
    if type_id is None:
        holds = row.proof.get("before") is not None and Consent.objects.filter(contact_id=contact_id, channel=channel, granted=False, at=row.at).exists()
    else:
        holds = Subscription.objects.filter(contact_id=contact_id, type_id=type_id, channel=channel, granted=False, at=row.at).exists()
    return row if holds else None


def undo_token(row: ConsentEvent) -> str:
    """The key to taking a refusal back, good for DAYS."""
    return signing.make(TAKE_BACK, row.contact_id, row.id)


def of_undo(token: str) -> tuple[Ticket, ConsentEvent]:
    """Whose refusal a link takes back, and which one. Raises NotFound for a forged and for an old one."""
    numbers = signing.read(TAKE_BACK, token)
    if numbers is None or len(numbers) != 2:
        raise _unknown()
    contact = _contact(numbers[0])
    row = ConsentEvent.objects.filter(contact_id=contact.pk, id=numbers[1], granted=False, at__gt=clock.now() - DAYS).first()
    if row is None:
        raise _unknown()
    return Ticket(contact), row


def undo(row: ConsentEvent, *, proof: Mapping[str, Any]) -> bool:
    """The person says that the refusal was none of his: what he had agreed to holds again, since and until when it did; the ledger keeps both facts.

    False when he has answered anew since, had not agreed, or his agreement has ended by itself.
    """
    with transaction.atomic():
        sql.rows("SELECT 1 FROM contact WHERE id = %s FOR UPDATE", [row.contact_id])
        last = refusal(row.contact_id, row.type_id, row.channel)
        if last is None or last.id != row.id:
            return False
        actor, before = Actor("visitor", row.contact_id), row.proof.get("before")
        shown = {**proof, "undoes": row.id}
        if before and before.get("expires_at") and datetime.fromisoformat(before["expires_at"]) <= clock.now():
            return False  # it would have ended by itself meanwhile
        if row.type_id is not None:
            if not before and any(type.separate for type in subscriptions.known(archived=True) if type.pk == row.type_id):
                return False  # he had never agreed to it: there is nothing to go back to
            subscriptions.restore(row.contact_id, row.type_id, row.channel, before, actor=actor, source=UNDO, proof=shown)
            return True
        consent.restore(row.contact_id, row.channel, before, actor=actor, source=UNDO, proof=shown)
        _agreed_again(row.contact_id, row.channel)
    return True


# Words of mails ------------------------------------------------------------------


def undo_words(row: ConsentEvent) -> tuple[str, str]:
    """Subject and text of the mail that tells somebody that he unsubscribed, and how to take it back (also the notice of 정보통신망법 제50조⑦)."""
    account = users.account()
    type = next((t for t in subscriptions.known(archived=True) if t.pk == row.type_id), None)
    what = subscriptions.name(type) if type else _("all marketing e-mail")
    day = date_format(row.at.astimezone(config().zone), "DATE_FORMAT")
    parts = [
        _("On {day} this address was taken off: {what}. {sender} has recorded it, and you get nothing of it any more.").format(
            day=day, what=what, sender=account.name
        ),
        _("If that was you, there is nothing to do. If somebody else did it, perhaps with a mail that you passed on, take it back here within 30 days:"),
        f"{config().url}/preferences/undo/{undo_token(row)}/",
        _("You can choose what you receive here:"),
        f"{config().url}{link(row.contact_id)}",
        _signature(),
    ]
    return _("You are unsubscribed: {sender}").format(sender=account.name), "\n\n".join(parts) + "\n"


def link_words(contact_id: int) -> tuple[str, str]:
    """Subject and text of the mail with a fresh link."""
    sender = users.account().name
    parts = [
        _("Somebody asked for the link to choose what {sender} sends to this address. It is good for 30 days:").format(sender=sender),
        f"{config().url}{link(contact_id)}",
        _("If it was not you, do nothing: nothing has changed."),
        _signature(),
    ]
    return _("Your link: what you receive from {sender}").format(sender=sender), "\n\n".join(parts) + "\n"


def language_of(contact: Contact) -> str:
    """The language to write to somebody in: his own if Baton knows it, else the account's."""
    spoken = str(contact.properties.get("language") or contact.properties.get("hs_language") or "")[:2].lower()
    return spoken if spoken in subscriptions.LANGUAGES else config().language


def in_language(contact: Contact) -> AbstractContextManager[Any]:
    """A context in which texts are in that language."""
    return translation.override(language_of(contact))


def _signature() -> str:
    account = users.account()
    return " · ".join(part for part in (f"— {account.legal_name or account.name}", account.postal_address, account.phone, account.contact_email) if part)


def _agreed_again(contact_id: int, channel: str) -> None:
    sql.run("DELETE FROM suppression WHERE contact_id = %s AND channel = %s AND reason = 'unsubscribed'", [contact_id, channel])


def _contact(number: int) -> Contact:
    contact = Contact.objects.filter(pk=contacts.resolve(number)).first()
    if contact is None:
        raise _unknown()
    return contact


def _unknown() -> NotFound:
    return NotFound(_("This link is not one of ours, or it is incomplete."))


def until_of(text: str) -> date | None:
    """A day as a form sends it (2026-11-20), or so many months ahead ("+3"); None for what is neither."""
    if text.startswith("+") and text[1:].isdecimal() and len(text) < 4:
        return consent.months_after(clock.now().astimezone(config().zone), int(text[1:])).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def told(row: ConsentEvent, *, at: datetime | None = None) -> None:
    """The law's notice of a refusal went out with the mail about it."""
    if row.type_id is not None:
        return
    now = at or clock.now().astimezone(UTC)
    sql.run(
        "INSERT INTO law_notice (contact_id, id, kind, channel, consent_at, granted, due_at, state, reason, told_at)"
        " VALUES (%s, %s, 'result', %s, %s, false, %s, 'sent', '', %s)"
        " ON CONFLICT (contact_id, kind, channel, consent_at) DO UPDATE SET state = 'sent', told_at = excluded.told_at WHERE law_notice.state = 'waiting'",
        [row.contact_id, sql.next_ids("message_id_seq", 1)[0], row.channel, row.at, row.at + timedelta(days=14), now],
    )
