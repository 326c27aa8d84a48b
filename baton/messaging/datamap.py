"""What messaging keeps about people: messages, what waits to be sent, who must not be written to, notices about them (see crm/part.py)."""

import json
from typing import Any

from django.utils.translation import gettext as _

from baton.crm.datamap import stricter
from baton.crm.part import Image, Mentions, One, Pair, Part, Person, Rows, Strict
from baton.events import datamap as events
from baton.messaging.consent import suppression
from baton.messaging.consent.suppression import UNSUBSCRIBED
from baton.platform import sql
from baton.platform.errors import Conflict


class Messages(Rows):
    """Messages go back to whose address they were sent to, also those written after the merge. A letter written to one person goes with him."""

    def erase(self, person: Person) -> None:
        _forget_letters(person.ids)
        super().erase(person)

    def anonymise(self, person: Person) -> None:
        _forget_letters(person.ids)
        super().anonymise(person)

    def move(self, pair: Pair) -> Any:
        OUTBOX.keys(pair.gone)  # waits for a sender who looks at one of them this moment
        if self.keys(pair.gone, "o.state IN ('claimed', 'handing')"):
            raise Conflict(_("A message to this person is being sent right now. Try again in a moment."))
        return super().move(pair)

    def back(self, pair: Pair, kept: Any) -> None:
        super().back(pair, kept)
        mails = [row[0] for row in sql.rows("SELECT value FROM identity WHERE contact_id = %s AND kind = 'email'", [pair.gone])]
        later = self.keys(pair.keep, "o.created_at >= %s AND o.address = ANY(%s) AND o.state NOT IN ('queued', 'claimed', 'handing')", [pair.at, mails])
        self.give(later, pair.keep, pair.gone)
        events.follow(pair, "message", [int(key[0]) for key in [*(kept or {}).get("moved", []), *later]])


def _forget_letters(contact_ids: list[int]) -> None:
    """Letters are kept beside the versions of their template, with numbers below zero (one_to_one.py)."""
    sql.run(
        "DELETE FROM email_version v USING message m WHERE m.contact_id = ANY(%s) AND m.version < 0 AND v.email_id = m.email_id AND v.number = m.version",
        [contact_ids],
    )


class SingleSends(Rows):
    """What programs said of single messages goes with the person, and so does whoever was to get a copy."""

    def erase(self, person: Person) -> None:
        self._forget(person)
        super().erase(person)

    def anonymise(self, person: Person) -> None:
        self._forget(person)
        super().anonymise(person)

    def _forget(self, person: Person) -> None:
        mails = [value.lower() for value in person.values if value.count("@") == 1]
        gone = sql.rows("DELETE FROM single_send WHERE others && %s::text[] RETURNING contact_id, copies::text", [mails]) if mails else []
        copies = [(contact_id, id) for contact_id, made in gone for id, address in json.loads(made) if address.lower() in mails]
        if copies:
            sql.run(
                "UPDATE message m SET address = '' FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)"
                " WHERE m.contact_id = r.contact_id AND m.id = r.id",
                [[contact_id for contact_id, _id in copies], [id for _contact, id in copies]],
            )


def _graver(ours: Image, theirs: Image) -> Image:
    return theirs if ours["reason"] == UNSUBSCRIBED and theirs["reason"] != UNSUBSCRIBED else ours


class Suppressions(Strict):
    """Who must not be written to. Somebody who is forgotten is never written to again either: of his addresses hashes stay, which tell nobody who he was."""

    def erase(self, person: Person) -> None:
        mails = [value for value in person.values if value.count("@") == 1]
        for reason, channel in sql.rows("SELECT reason, channel FROM suppression WHERE contact_id = ANY(%s)", [person.ids]):
            suppression.suppress_addresses(mails, channel, reason, source="erased")
        suppression.suppress_addresses(mails, "email", suppression.ERASED, source="erased")
        super().erase(person)

    def anonymise(self, person: Person) -> None:
        stopped = sql.rows("SELECT 1 FROM suppression WHERE contact_id = ANY(%s)", [person.ids])
        refused = sql.rows("SELECT 1 FROM consent WHERE contact_id = ANY(%s) AND NOT granted", [person.ids])
        if stopped or refused:
            mails = [value for value in person.values if value.count("@") == 1]
            suppression.suppress_addresses(mails, "email", suppression.ERASED, source="anonymised")
        super().anonymise(person)


OUTBOX = Rows("outbox", ["message_id"], blank="delete", copied=False)
PARTS: list[Part] = [
    Messages("message", ["id"], tell_apart=("cause", ("channel",)), blank={"address": "", "subject": ""}),
    OUTBOX,
    SingleSends("single_send", ["id"], blank="delete"),
    Suppressions("suppression", ["channel"], refusal=lambda row: row["reason"] != "bounced", pick=_graver, blank={"note": ""}),
    Strict("subscription", ["type_id", "channel"], refusal=lambda row: not row["granted"], pick=stricter, blank={"wording": "", "source": "", "proof": "{}"}),
    One("message_trouble", ["channel"], lambda ours, theirs: max(ours, theirs, key=lambda row: row["bounces"]), blank={"reason": ""}),
    Rows("coupon", ["id"]),
    Rows("campaign_conversion", ["campaign_id"]),
    Rows("law_notice", ["id"], tell_apart=("kind", ("channel", "consent_at")), blank={"reason": ""}),
    Mentions("notification", blank="delete", copied=False),
]
