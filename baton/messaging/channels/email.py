"""E-mail: letters are built for the wire, and a transport carries them."""

import time
from collections.abc import Sequence
from email.utils import parseaddr

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext_lazy as _

from baton.accounts import users
from baton.messaging.channel import WINDOW, Addressee, Channel, Mailing, Parcel, Receipt, Result
from baton.messaging.mail import frame, letters, said
from baton.messaging.mail.frame import Content
from baton.messaging.models import Email
from baton.messaging.sending import transport
from baton.messaging.sending.transport import Carrier
from baton.platform.config import config
from baton.platform.errors import DomainError


class EmailChannel(Channel):
    key = "email"
    label = _("E-mail")
    address = "coalesce(c.email, '')"

    def build(self, mailing: Mailing, people: Sequence[Addressee]) -> Sequence[Parcel]:
        writer = _writer(mailing)
        carried_by = mailing.way[0] if mailing.way else transport.choose(domain_of(writer.content))
        own = said.of([(one.contact_id, one.message_id, one.sender) for one in people if one.sender]) if mailing.campaign_id is None else {}
        lost = {one.message_id for one in people if one.sender and said.is_said(one.sender) and one.message_id not in own}
        told = [one._replace(sender="") if one.message_id in lost else one for one in people] if lost else people
        written = writer.letters([letters.Recipient(o.contact_id, o.message_id, o.address, o.sender, said=own.get(o.message_id)) for o in told])
        for letter in written:
            if letter.message_id in lost:
                letter.problem = "single_lost"
        return [Parcel(letter.contact_id, letter.message_id, letter.address, letter.subject, letter, letter.problem, carried_by) for letter in written]

    def send(self, batch: Sequence[Parcel]) -> Sequence[Receipt]:
        if len({parcel.transport_id for parcel in batch}) == 1:
            return _by(batch[0].transport_id, batch)
        found: dict[int, Receipt] = {}
        for transport_id in sorted({p.transport_id for p in batch}, key=lambda id: id or 0):
            places = [place for place, parcel in enumerate(batch) if parcel.transport_id == transport_id]
            found |= zip(places, _by(transport_id, [batch[place] for place in places]), strict=True)
        return [found[place] for place in range(len(batch))]

    def way(self, mailing: Mailing) -> tuple[int | None, str]:
        try:
            domain = domain_of(_content(mailing))
        except ObjectDoesNotExist:
            return None, ""
        return transport.choose(domain), domain

    def pause(self, transport_id: int | None) -> float:
        try:
            return transport.carrier(transport_id).pause()
        except (DomainError, ValueError):
            return 0.0

    def at_once(self, transport_id: int | None) -> int:
        try:
            return transport.carrier(transport_id).at_once()
        except (DomainError, ValueError):
            return WINDOW


def _writer(mailing: Mailing) -> letters.Writer:
    """Kept for some seconds: a window takes a tenth of one, and the account or a key may change."""
    made_at, kept = mailing.kept.get("writer", (0.0, None))
    if isinstance(kept, letters.Writer) and time.monotonic() < made_at + users.FRESH:
        return kept
    instead = letters.Instead(mailing.subject, mailing.from_name)
    writer = letters.Writer(_content(mailing), instead, campaign_id=mailing.campaign_id)
    mailing.kept["writer"] = (time.monotonic(), writer)
    return writer


def _content(mailing: Mailing) -> Content:
    return frame.version(mailing.email_id, mailing.version) if mailing.version else frame.of(Email.objects.get(pk=mailing.email_id))


def domain_of(content: Content) -> str:
    return (content.from_address or parseaddr(config().mail_from)[1]).rpartition("@")[2].lower()


def _by(transport_id: int | None, batch: Sequence[Parcel]) -> Sequence[Receipt]:
    try:
        carrier: Carrier = transport.carrier(transport_id)
    except (DomainError, ValueError) as error:  # its settings or its secret cannot be used
        return [Receipt(Result.NOT_HANDED, str(error))] * len(batch)
    return carrier.send([parcel.content for parcel in batch])
