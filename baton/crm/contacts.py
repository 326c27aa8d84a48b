"""What only contacts have: e-mail addresses, a life before they were known, and a name in the order of their language.

A contact may have many addresses. One is the primary one (the property `email`), the others are in `additional_emails`; each points to its contact
in `identity`. A shared address (info@ …) points to nobody: several contacts may carry it, and what comes from it overwrites no one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity, properties, records, values
from baton.crm.identity import claim, redirect, resolve
from baton.crm.models import Contact
from baton.platform import history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, DomainError, Invalid, NotFound
from baton.platform.transaction import retrying

__all__ = ["archived_by_email", "by_email", "claim", "create_as", "display_name", "redirect", "resolve"]

HANGUL = re.compile(r"[가-힣]")
MOST = 20  # addresses of one contact


@dataclass(frozen=True, slots=True)
class Address:
    """One e-mail address of a contact."""

    email: str
    primary: bool
    shared: bool  # several people read it


def by_email(email: str) -> int | None:
    """The live contact with this address, primary or not, in any case; None for a shared address: see `match`."""
    return identity.find("email", identity.normal_email(email))


def match(email: str, properties: Mapping[str, Any]) -> int | None:
    """The contact that values with this address are about, see `match_many`."""
    return match_many([{**properties, "email": email}])[0]


def match_many(rows: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """For each row the live contact its `email` belongs to, or None: somebody new. Two statements.

    A shared address alone names nobody: it is the one of its contacts who has the same name, or, for a row without a name, the only one without.
    """
    mails = [identity.normal_email(str(row.get("email") or "")) for row in rows]
    found = {value: (id, shared) for value, id, shared in sql.rows(
        "SELECT value, contact_id, shared FROM identity WHERE value = ANY(%s) AND kind = 'email'", [sorted({m for m in mails if m})])}  # fmt: skip
    several = sorted({m for m in mails if m in found and found[m][1]})
    carriers: dict[tuple[str, str], list[int]] = {}
    if several:
        for contact in Contact.objects.filter(email__in=several, archived_at=None).order_by("id"):
            carriers.setdefault((contact.email, _name(contact.properties)), []).append(contact.id)
    matched: list[int | None] = []
    for mail, row in zip(mails, rows, strict=True):
        id, shared = found.get(mail, (None, False))
        if shared:
            same = carriers.get((mail, _name(row)), [])
            id = same[0] if len(same) == 1 else None
        matched.append(id)
    return matched


def _name(row: Mapping[str, Any]) -> str:
    return f"{row.get('lastname') or ''}{row.get('firstname') or ''}".replace(" ", "").casefold()


def create_as(contact_id: int, properties: Mapping[str, Any], *, actor: Actor, source: str, at: datetime | None = None) -> None:
    """Make a contact of a visitor under the id the visitor has. Raises Invalid, and Conflict(existing_id) as records.create does."""
    records.create("contact", properties, actor=actor, source=source, record_id=contact_id, at=at)


def display_name(properties: Mapping[str, Any]) -> str:
    """Family and given name as the person's language writes them, else the e-mail address, else ""."""
    first, last = str(properties.get("firstname") or ""), str(properties.get("lastname") or "")
    if first and last:
        return f"{last}{first}" if HANGUL.search(last + first) else f"{first} {last}"
    return last or first or str(properties.get("email") or "")


def archived_by_email(email: str) -> int | None:
    """The contact archived last that had this address."""
    return Contact.objects.filter(email=identity.normal_email(email)).exclude(archived_at=None).order_by("-archived_at").values_list("id", flat=True).first()


# Addresses ------------------------------------------------------------------


def emails(contact_id: int) -> list[Address]:
    """All addresses of a contact, the primary one first; an archived one has given his up, but for the primary."""
    contact = records.get("contact", contact_id, archived=None)
    assert isinstance(contact, Contact)
    own = dict(identity.of(contact.id, "email"))
    if contact.email and contact.email not in own:
        own = {contact.email: True, **own}  # shared, and listed under another of its contacts
    return sorted((Address(email, email == contact.email, shared) for email, shared in own.items()), key=lambda a: not a.primary)


@retrying
def add_email(contact_id: int, email: str, *, actor: Actor, source: str = "page") -> None:
    """Give a contact one more address; his first becomes the primary one.

    Raises Invalid (`email`), NotFound, Conflict(existing_id) when it is another contact's.
    """
    address = _clean(email)
    with transaction.atomic():
        contact = _held(contact_id)
        owner, shared = identity.claim_many("email", {address: contact.id})[address]
        if owner != contact.id and not shared:
            raise Conflict(_("Another contact has the e-mail address {email}.").format(email=address), existing_id=owner)
        if not contact.email:
            records.update("contact", contact.id, {"email": address}, actor=actor, source=source)
        elif shared and owner != contact.id:
            raise Invalid.one("email", "SHARED", _("{email} is read by several people; a contact can have it as its only address.").format(email=address))
        elif len(identity.of(contact.id, "email")) > MOST:
            raise Invalid.one("email", "TOO_MANY", _("A contact has at most {n} addresses.").format(n=MOST))
        else:
            others_changed(contact.id, actor=actor)


@retrying
def remove_email(contact_id: int, email: str, *, actor: Actor, source: str = "page") -> None:
    """Take an address from a contact; the oldest of the others takes the place of the primary one. Raises NotFound."""
    address = identity.normal_email(email)
    with transaction.atomic():
        contact = _held(contact_id)
        others = [mail for mail, _shared in identity.of(contact.id, "email") if mail != address]
        if address == contact.email:
            records.update("contact", contact.id, {"email": others[0] if others else None}, actor=actor, source=source)
        elif address not in dict(identity.of(contact.id, "email")):
            raise NotFound(_("This contact does not have the address {email}.").format(email=address))
        identity.release("email", address, contact.id)
        others_changed(contact.id, actor=actor)


@retrying
def make_primary(contact_id: int, email: str, *, actor: Actor, source: str = "page") -> None:
    """Write to this address of a contact from now on; the one before stays his. Raises NotFound."""
    address = identity.normal_email(email)
    with transaction.atomic():
        contact = _held(contact_id)
        own = dict(identity.of(contact.id, "email"))
        if address not in own:
            raise NotFound(_("This contact does not have the address {email}.").format(email=address))
        if address == contact.email:
            return
        others_changed(contact.id, actor=actor)
        records.update("contact", contact.id, {"email": address}, actor=actor, source=source)


def set_shared(email: str, shared: bool, *, actor: Actor) -> None:
    """Say whether several people read an address. Raises NotFound for an unknown one, Conflict when several contacts have it."""
    address = identity.normal_email(email)
    with transaction.atomic():
        if not shared and Contact.objects.filter(email=address, archived_at=None).count() > 1:
            raise Conflict(_("Several contacts have the e-mail address {email}.").format(email=address))
        if not sql.run("UPDATE identity SET shared = %s WHERE value = %s AND kind = 'email'", [shared, address]):
            raise NotFound(_("No contact has the e-mail address {email}.").format(email=address))
        history.record(actor, "shared" if shared else "personal", "email", "", shared=shared)


def check_others(wanted: Mapping[int, tuple[int | None, Sequence[str]]]) -> dict[int, DomainError]:
    """What speaks against (contact, None for a new one; its other addresses), by your keys: Invalid (`properties.additional_emails`), Conflict. One query."""
    faults: dict[int, DomainError] = {}
    clean: dict[int, set[str]] = {}
    for key, (_id, mails) in wanted.items():
        try:
            clean[key] = {_clean(mail) for mail in mails}
            if len(clean[key]) > MOST:
                raise Invalid.one("email", "TOO_MANY", _("A contact has at most {n} addresses.").format(n=MOST))
        except Invalid as fault:
            faults[key] = Invalid([replace(problem, path="properties.additional_emails") for problem in fault.problems])
    every = {mail for mails in clean.values() for mail in mails}
    owners = (
        {mail: owner for mail, owner in sql.rows("SELECT value, contact_id FROM identity WHERE value = ANY(%s) AND kind = 'email'", [sorted(every)])}
        if every
        else {}
    )
    taken: dict[str, int] = {}
    for key, addresses in clean.items():
        for mail in sorted(addresses):
            id = wanted[key][0]
            other = owners.get(mail)
            if (other is not None and other != id) or taken.setdefault(mail, key) != key:
                faults[key] = Conflict(_("Another contact has the e-mail address {email}.").format(email=mail), existing_id=other)
    return faults


@retrying
def set_others(wanted: Mapping[int, Sequence[str]], *, actor: Actor) -> None:
    """Give contacts exactly these addresses beside the primary one, in sets.

    Raises Invalid, and Conflict(existing_id) for another's address; then nothing is written.
    """
    if not wanted:
        return
    with transaction.atomic():
        held = {contact.id: contact for contact in Contact.objects.filter(id__in=list(wanted), archived_at=None).order_by("id")}
        others = {id: [mail for mail in dict.fromkeys(_clean(mail) for mail in wanted[id]) if mail != contact.email] for id, contact in held.items()}
        have = sql.rows("SELECT value, contact_id FROM identity WHERE contact_id = ANY(%s) AND kind = 'email'", [sorted(held)])
        identity.release_many("email", [(mail, id) for mail, id in have if mail != held[id].email and mail not in others[id]])
        owners = identity.claim_many("email", {mail: id for id, mails in others.items() for mail in mails})
        for id, mails in others.items():
            for mail in mails:
                if owners[mail][0] != id:
                    raise Conflict(_("Another contact has the e-mail address {email}.").format(email=mail), existing_id=owners[mail][0])
        changed = {id: ";".join(mails) or None for id, mails in others.items()}
        known = {id: text for id, text in changed.items() if held[id].properties.get("additional_emails") != text}
        records.derive_each("contact", {id: {"additional_emails": text} for id, text in known.items()}, actor=actor)


def others_changed(contact_id: int, *, actor: Actor) -> None:
    """Bring the property `additional_emails` in line with the addresses that point to the contact."""
    contact = records.get("contact", contact_id)
    assert isinstance(contact, Contact)
    others = ";".join(mail for mail, _shared in identity.of(contact_id, "email") if mail != contact.email) or None
    if contact.properties.get("additional_emails") != others:
        records.derive("contact", [contact_id], {"additional_emails": others}, actor=actor)


def _held(contact_id: int) -> Contact:
    """The live contact, held until the transaction ends."""
    found = list(Contact.objects.raw("SELECT * FROM contact WHERE id = %s AND archived_at IS NULL FOR UPDATE", [resolve(contact_id)]))
    if not found:
        raise NotFound(_("There is no such record."))
    return found[0]


def _clean(email: str) -> str:
    try:
        address = values.convert(properties.definitions("contact")["email"], email)
    except values.Fault as fault:
        raise Invalid.one("email", fault.code, fault.message) from None
    if not isinstance(address, str):
        raise Invalid.one("email", "REQUIRED", _("An e-mail address is required."))
    return address
