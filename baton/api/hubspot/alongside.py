"""What programs write as properties of a contact and Baton keeps elsewhere: its primary company, and its other e-mail addresses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from baton.api import paging
from baton.crm import associations, contacts, identity, records
from baton.crm.associations import PRIMARY, Link
from baton.crm.models import ObjectType
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.errors import DomainError, Invalid

Sent = Mapping[str, Any]
COMPANY, MAILS = "associatedcompanyid", "hs_additional_emails"
NAMES = frozenset({COMPANY, MAILS})


def check(kind: ObjectType, inputs: Sequence[tuple[int | None, Sent]]) -> list[DomainError | None]:
    """What speaks against each of (record or None for a new one, properties), before anything is written. At most three queries."""
    faults: list[DomainError | None] = [None] * len(inputs)
    if not _about(kind, [sent for _id, sent in inputs]):
        return faults
    wanted = {place: _company(sent) for place, (_id, sent) in enumerate(inputs) if COMPANY in sent}
    there = records.many("company", {id for id in wanted.values() if id})
    for place, company in wanted.items():
        if company is None or (company and company not in there):
            text = f"{inputs[place][1][COMPANY]} is not the ID of a company."
            faults[place] = Invalid.one(f"properties.{COMPANY}", "INVALID_OBJECT_ID", text)
    given = {place: _mails(sent) for place, (_id, sent) in enumerate(inputs) if MAILS in sent and faults[place] is None}
    now_at = _now_at([id for id, _sent in inputs if id])
    for place, fault in contacts.check_others({place: (now_at.get(inputs[place][0] or 0), mails) for place, mails in given.items()}).items():
        faults[place] = fault
    return faults


def raise_fault(kind: ObjectType, id: int | None, sent: Sent) -> None:
    """The same for one record. Raises Invalid and Conflict."""
    for fault in check(kind, [(id, sent)]):
        if fault is not None:
            raise fault


def write(kind: ObjectType, written: Mapping[int, Sent], actor: Actor) -> None:
    """Write it for records that were written, in the caller's transaction. Raises Conflict when another contact got an address a moment ago."""
    if not _about(kind, list(written.values())):
        return
    now_at = _now_at(written)
    written = {now_at[id]: sent for id, sent in written.items()}
    companies = {id: _company(sent) for id, sent in written.items() if COMPANY in sent}
    if cleared := [id for id, company in companies.items() if company == 0]:
        rows = sql.rows("SELECT from_id, to_id FROM association WHERE from_id = ANY(%s) AND to_type = 'company' AND label = %s", [cleared, PRIMARY])
        associations.unlink_many([Link(kind.key, id, "company", company) for id, company in rows], actor=actor)
    associations.link_many([Link(kind.key, id, "company", company, PRIMARY) for id, company in companies.items() if company], actor=actor)
    contacts.set_others({id: _mails(sent) for id, sent in written.items() if MAILS in sent}, actor=actor)


def _now_at(ids: Iterable[int]) -> dict[int, int]:
    """The ids that contacts have now, of those that were merged."""
    asked = list(ids)
    moved = identity.find_many("merged", [str(id) for id in asked])
    return {id: moved.get(str(id), id) for id in asked}


def _about(kind: ObjectType, sent: Sequence[Sent]) -> bool:
    return kind.key == "contact" and any(NAMES & one.keys() for one in sent)


def _company(sent: Sent) -> int | None:
    """The id; 0: none from now on; None: not an id."""
    text = str(sent[COMPANY] if sent[COMPANY] is not None else "").strip()
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:20]) <= paging.LARGEST else None


def _mails(sent: Sent) -> list[str]:
    text = str(sent[MAILS] if sent[MAILS] is not None else "")
    return [one.strip() for one in text.split(";") if one.strip()]
