"""The consent boxes of an answer: what was ticked, with the words that were read, and what it makes of the contact's consents."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import consent as ledger
from baton.crm import contacts
from baton.forms.definition import box_version, wording
from baton.forms.models import OptIn
from baton.forms.shown import Shown
from baton.platform import changes, clock, signing, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import NotFound, Problem

PENDING = timedelta(days=14)  # a mail that nobody answers within that time asked for nothing
DAY, MOST = timedelta(days=1), 3  # mails that ask one address
ELSEWHERE = "elsewhere"  # the box of a page of somebody else, which the form itself has not
AGREED = "subscribed"  # the change that tells messaging of a kind of news somebody agreed to; its key is "<kind>:<channel>"
CHANGE = "opt_in"  # the change that tells messaging to send the mail; its key is the row's id
PURPOSE = "opt_in"

Said = list[dict[str, Any]]


def problems(definition: Mapping[str, Any], boxes: Mapping[str, bool] | None) -> list[Problem]:
    """The required boxes that are not ticked, at `consent.<key>`."""
    ticked = boxes or {}
    return [
        Problem(f"consent.{box['key']}", "MISSING_PROCESSING_CONSENT", _("Please agree to go on."))
        for box in definition["consent"]["boxes"]
        if box["required"] and not ticked.get(box["key"])
    ]


def said(definition: Mapping[str, Any], boxes: Mapping[str, bool] | None, spoken: str = "") -> Said:
    """What was answered, box by box, with the version of the words and the words themselves; [] when nobody was asked."""
    if boxes is None:
        return []
    found = [
        {
            "key": box["key"], "kind": box["kind"], "channel": box["channel"], "granted": bool(boxes.get(box["key"])), "version": box_version(definition, box),
            "text": spoken or wording(definition, box), **({"subscription": box["subscription"]} if box.get("subscription") else {}),
        }
        for box in definition["consent"]["boxes"]
    ]  # fmt: skip
    if boxes.get(ELSEWHERE) and spoken:
        found.append({"key": ELSEWHERE, "kind": "channel", "channel": "email", "granted": True, "version": box_version({}, {"text": spoken}), "text": spoken})
    return found


def take(seen: Shown, answers: Said, contact_id: int, submission: int, address: str, *, actor: Actor, proof: Mapping[str, Any], network: str) -> None:
    """Set what was agreed to. An agreement to e-mail waits for the click in a mail where the form asks for that (double opt-in)."""
    agreed = [one for one in answers if one["kind"] == "channel" and one["granted"]]
    doubled = [one for one in agreed if seen.definition["consent"]["double_opt_in"] and one["channel"] == "email"]
    for one in agreed:
        if one not in doubled:
            ledger.set([contact_id], one["channel"], True, actor=actor, source=str(actor), wording=one["text"], proof={**proof, "version": one["version"]})
            _subscribed(contact_id, one)
    more = not ledger.granted(contact_id, "email") or any(one.get("subscription") for one in doubled)  # a kind of news may have been refused meanwhile
    if doubled and address and more and not _asked_enough(contact_id):
        OptIn.objects.create(
            contact_id=contact_id, id=submission, form_id=proof["form"], version=seen.number, address=address, consents=doubled,
            page_url=str(proof["page"]), asked_at=clock.now(), asked_from=network,
        )  # fmt: skip
        changes.append([Change(contact_id, CHANGE, str(submission))])


def _asked_enough(contact_id: int) -> bool:
    """Whether so many mails went out lately that another form's sender must be somebody else's joke."""
    return OptIn.objects.filter(contact_id=contact_id, confirmed_at=None, asked_at__gt=clock.now() - DAY).count() >= MOST


# Double opt-in -----------------------------------------------------------------


def token(row: OptIn) -> str:
    """The key in the link of the mail."""
    return signing.make(PURPOSE, row.contact_id, row.id)


def pending(text: str) -> OptIn:
    """What a link asks to confirm. Raises NotFound for a forged, an unknown and an expired one."""
    numbers = signing.read(PURPOSE, text)
    row = None
    if numbers is not None and len(numbers) == 2:
        row = OptIn.objects.filter(contact_id=contacts.resolve(numbers[0]), id=numbers[1]).first()
    if row is None or (row.confirmed_at is None and row.asked_at < clock.now() - PENDING):
        raise NotFound(_("This link is not one of ours, or it is too old."))
    return row


def confirm(text: str, *, network: str = "") -> OptIn:
    """The person said yes in the mail as well: only now it counts. May be called again. Raises NotFound."""
    with transaction.atomic():
        row = pending(text)
        row = OptIn.objects.select_for_update().get(contact_id=row.contact_id, id=row.id)
        if row.confirmed_at is not None:
            return row
        now = clock.now()
        OptIn.objects.filter(contact_id=row.contact_id, id=row.id).update(confirmed_at=now, confirmed_from=network)
        actor = Actor("form", row.form_id)
        for one in row.consents:
            proof = {
                "form": row.form_id, "form_version": row.version, "submission": row.id, "page": row.page_url, "version": one["version"],
                "asked_at": row.asked_at.isoformat(), "confirmed_at": now.isoformat(), "asked_from": row.asked_from, "confirmed_from": network,
            }  # fmt: skip
            ledger.set([row.contact_id], one["channel"], True, actor=actor, source=str(actor), wording=one["text"], proof=proof)
            _subscribed(row.contact_id, one)
        row.confirmed_at = now
    return row


def _subscribed(contact_id: int, one: Mapping[str, Any]) -> None:
    """The box was about one kind of news: messaging, which knows the kinds, records that too."""
    if one.get("subscription"):
        changes.append([Change(contact_id, AGREED, f"{one['subscription']}:{one['channel']}")])


def take_unsent(contact_id: int, id: int) -> OptIn | None:
    """The request whose mail is to go out now; None when it is out, confirmed, or too old. It counts as sent from here on."""
    contact_id = contacts.resolve(contact_id)
    now = clock.now()
    rows = OptIn.objects.filter(contact_id=contact_id, id=id, sent_at=None, confirmed_at=None, asked_at__gt=now - PENDING)
    return OptIn.objects.get(contact_id=contact_id, id=id) if rows.update(sent_at=now) else None


def not_sent(row: OptIn) -> None:
    """The mail did not go out after all."""
    OptIn.objects.filter(contact_id=row.contact_id, id=row.id).update(sent_at=None)


def expire() -> int:
    """Forget requests that nobody confirmed within PENDING; returns how many."""
    return len(sql.rows("DELETE FROM form_opt_in WHERE confirmed_at IS NULL AND asked_at < %s RETURNING id", [clock.now() - PENDING]))
