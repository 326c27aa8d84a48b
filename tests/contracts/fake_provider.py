"""A channel of text messages at a provider that does not exist: the whole of what a new channel is (docs/how-to/add-a-channel.md)."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from baton.messaging.channel import Addressee, Channel, Mailing, Parcel, Receipt, Result, Setting
from baton.messaging.incoming.receipts import Told
from baton.messaging.mail import render
from baton.messaging.models import Email, Inbound
from baton.platform.errors import Invalid

WORDS: dict[str, Any] = {"delivered": "delivered", "failed": "bounced"}


class FakeSms(Channel):
    key = "fake_sms"
    label = "Text message"
    address = "coalesce(c.properties ->> 'mobilephone', '')"
    settings = (Setting("api_key", "API key", "secret", required=True),)

    def __init__(self, call: Callable[[list[dict[str, str]]], list[dict[str, Any]]]) -> None:
        self.call = call  # of the provider; a real one goes through platform/http.py

    def build(self, mailing: Mailing, people: Sequence[Addressee]) -> Sequence[Parcel]:
        written = render.mail(Email.objects.get(pk=mailing.email_id), [one.contact_id for one in people])
        return [
            Parcel(one.contact_id, one.message_id, one.address, message.subject, message.subject, message.problem)
            for one, message in zip(people, written, strict=True)
        ]

    def send(self, batch: Sequence[Parcel]) -> Sequence[Receipt]:
        asked = [{"id": str(p.message_id), "to": p.address, "text": str(p.content)} for p in batch]
        try:
            answers = self.call(asked)
        except ConnectionRefusedError as error:  # it never heard of them
            return [Receipt(Result.NOT_HANDED, str(error))] * len(batch)
        except OSError as error:  # it may have them
            return [Receipt(Result.UNKNOWN, str(error))] * len(batch)
        return [_receipt(answer) for answer in answers]

    def receipts(self, inbound: Inbound) -> list[Told]:
        if inbound.headers.get("x-secret") != "geheim":
            raise Invalid.one("headers", "FORGED", "not from the provider")
        rows = json.loads(bytes(inbound.body))
        return [Told(WORDS[r["what"]], r["contact"], r["message"], inbound.at, reason=r.get("why", ""), hard=r["what"] == "failed") for r in rows]


def _receipt(answer: dict[str, Any]) -> Receipt:
    if answer["ok"]:
        return Receipt(Result.SENT, key=answer["id"])
    return Receipt(Result.DEFERRED if answer["code"] == 429 else Result.REFUSED, answer["why"], answer["code"])
