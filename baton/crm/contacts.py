"""What only contacts have: the e-mail identity, a life before they were known, and a name in the order of their language."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from baton.crm import identity, records
from baton.crm.identity import claim, redirect, resolve
from baton.crm.models import Contact
from baton.platform.actor import Actor

__all__ = ["archived_by_email", "by_email", "claim", "create_as", "display_name", "redirect", "resolve"]

HANGUL = re.compile(r"[가-힣]")


def by_email(email: str) -> int | None:
    """The live contact with this address, in any case."""
    return identity.find("email", identity.normal_email(email))


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
