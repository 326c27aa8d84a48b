"""A notice in Baton to the colleague who looks after the contact: the nearest channel there is, and the smallest example of one."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from baton.messaging.channel import Addressee, Channel, Mailing, Parcel, Receipt, Result
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.messaging.mail import render
from baton.messaging.models import Email


class InApp(Channel):
    key = "in_app"
    label = _("Notice in Baton")
    address = "coalesce(c.owner_id::text, '')"  # who looks after the contact

    def build(self, mailing: Mailing, people: Sequence[Addressee]) -> Sequence[Parcel]:
        written = render.mail(Email.objects.get(pk=mailing.email_id), [one.contact_id for one in people])
        return [
            Parcel(one.contact_id, one.message_id, one.address, message.subject, message.text, message.problem)
            for one, message in zip(people, written, strict=True)
        ]

    def send(self, batch: Sequence[Parcel]) -> Sequence[Receipt]:
        notify.many([Notice(int(p.address), f"message:{p.message_id}", p.subject, str(p.content), f"/contacts/{p.contact_id}/", p.contact_id) for p in batch])
        return [Receipt(Result.SENT) for _parcel in batch]
