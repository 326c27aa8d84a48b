"""Consent on a person's page: the answer a channel and a kind of news, what it rests on and until when, its proof, and the ledger of all answers."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import consent
from baton.crm.models import ConsentEvent
from baton.messaging.consent import subscribing, subscriptions
from baton.messaging.consent.subscriptions import State
from baton.platform.actor import Actor
from baton.platform.errors import Invalid

from ..templatetags import fmt
from . import timeline

SHOWN = 100
BASES: dict[str, str | Promise] = {consent.CONSENT: gettext_lazy("agreement"), consent.TRANSACTION: gettext_lazy("bought the like")}
PROOF: dict[str, str | Promise] = {  # what proofs are called, in the order they are told
    "reason": gettext_lazy("Reason"), "page": gettext_lazy("Page"), "form": gettext_lazy("Form"), "form_version": gettext_lazy("Version of the form"),
    "version": gettext_lazy("Version of the words"), "asked_at": gettext_lazy("Asked"), "confirmed_at": gettext_lazy("Confirmed"),
    "network": gettext_lazy("Network"), "asked_from": gettext_lazy("Asked from"), "confirmed_from": gettext_lazy("Confirmed from"),
    "browser": gettext_lazy("Browser"), "language": gettext_lazy("Language"), "email": gettext_lazy("E-mail"), "message": gettext_lazy("Message"),
    "import": gettext_lazy("Import"), "row": gettext_lazy("Line"), "service": gettext_lazy("Service"), "optin_time": gettext_lazy("Asked"),
    "optin_ip": gettext_lazy("Asked from"), "confirm_time": gettext_lazy("Confirmed"), "confirm_ip": gettext_lazy("Confirmed from"),
    "legal_basis": gettext_lazy("Basis told"), "undoes": gettext_lazy("Takes back the answer of"),
}  # fmt: skip
TIMES = ("asked_at", "confirmed_at", "optin_time", "confirm_time")


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer of the ledger, in words."""

    at: datetime
    channel: str
    kind: str
    granted: bool
    night: bool
    basis: str
    until: datetime | None
    source: str
    who: str
    address: str
    wording: str
    proof: list[tuple[str, str]]


def kinds(contact_id: int) -> list[State]:
    """The kinds of news by e-mail and what the person said of each."""
    return subscriptions.state(contact_id)


def ledger(contact_id: int, names: Mapping[int, str]) -> list[Entry]:
    """All answers, the newest first."""
    types = {type.pk: subscriptions.name(type) for type in subscriptions.known(archived=True)}
    rows = list(ConsentEvent.objects.filter(contact_id=contact_id).order_by("-at", "-id")[:SHOWN])
    times = {row.id: row.at for row in rows}
    return [
        Entry(
            row.at, consent.channel_name(row.channel), types.get(row.type_id or 0, ""), row.granted, row.night, str(BASES.get(row.basis, row.basis)),
            row.expires_at, row.source, str(timeline.who(row.actor, names, row.source)), row.address, row.wording, proof(row.proof, times),
        )
        for row in rows
    ]  # fmt: skip


def proof(stored: Mapping[str, Any], times: Mapping[int, datetime] = MappingProxyType({})) -> list[tuple[str, str]]:
    """What shows that an answer was given, in words. `times`: when other answers of the person were given, by their ids."""
    return [(str(word), _told(key, stored[key], times)) for key, word in PROOF.items() if stored.get(key) not in (None, "", {})]


def _told(key: str, value: Any, times: Mapping[int, datetime]) -> str:
    """One thing of a proof as people say it: a time, a language, a page of ours and another answer have no keys."""
    if key == "undoes":
        return fmt.moment(times[value]) if value in times else str(value)
    if key == "page" and value == "preferences":
        return _("What you receive")
    if key == "language":
        return str(dict(settings.LANGUAGES).get(str(value), value))
    if key in TIMES:
        with suppress(ValueError):
            return fmt.moment(datetime.fromisoformat(str(value)))
    return str(value)


def record(contact_id: int, given: Mapping[str, str], actor: Actor) -> None:
    """What a colleague was told: `granted` yes or no to a `channel`, or to a `kind` of news, with the `reason`, the `basis` and its end. Raises Invalid."""
    granted, reason, kind = given.get("granted"), given.get("reason", "").strip()[:1000], given.get("kind", "")
    if granted not in ("yes", "no") or (kind and not kind.isdecimal()):
        raise Invalid.one("channel", "INVALID_OPTION", _("There is no such channel."))
    if granted == "yes" and not reason:
        raise Invalid.one("reason", "REQUIRED", _("Say how you know: it is the proof of the agreement."))
    basis, ends, until = given.get("basis") or consent.CONSENT, given.get("ended", ""), None
    if basis == consent.TRANSACTION and ends:
        try:
            until = consent.after_transaction(date.fromisoformat(ends))
        except ValueError:
            raise Invalid.one("ended", "INVALID_DATE", _("That is no day.")) from None
    subscribing.record(
        contact_id, int(kind) if kind else None, granted == "yes", actor=actor, source="page", channel=given.get("channel", "email"), reason=reason,
        basis=basis, expires_at=until, night=True if "night" in given else None, anew=True,
    )  # fmt: skip
