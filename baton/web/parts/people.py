"""Contacts as pages name them in a line: name, company, title; the search for one; and colleagues."""

from collections.abc import Iterable
from dataclasses import dataclass

from baton.accounts.models import User
from baton.crm import contacts, properties
from baton.crm.models import Contact
from baton.platform import sql

SEARCH = """
SELECT c.id FROM contact c LEFT JOIN score s ON s.contact_id = c.id
WHERE c.archived_at IS NULL AND (
    (c.properties->>'lastname') || (c.properties->>'firstname') ILIKE %(like)s
    OR (c.properties->>'firstname') || ' ' || (c.properties->>'lastname') ILIKE %(like)s
    OR c.properties->>'lastname' ILIKE %(like)s OR c.properties->>'firstname' ILIKE %(like)s
    OR c.properties->>'company' ILIKE %(like)s OR c.email ILIKE %(like)s)
ORDER BY coalesce(s.total, 0) DESC, c.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A contact in one line."""

    id: int
    name: str
    company: str
    title: str
    stage: str = ""
    stage_label: str = ""


def person(contact: Contact) -> Person:
    given = contact.properties
    stage = str(given.get("lifecyclestage") or "")
    label = properties.option_label(properties.definitions("contact")["lifecyclestage"], stage) if stage else ""
    name = contacts.display_name(given) or f"#{contact.pk}"
    return Person(contact.pk, name, str(given.get("company") or ""), str(given.get("jobtitle") or ""), stage, label)


def named(ids: Iterable[int]) -> dict[int, Person]:
    """The contacts with these ids; archived ones too, because a log still names them."""
    return {c.pk: person(c) for c in Contact.objects.filter(pk__in=set(ids))}


def search(text: str, *, limit: int) -> list[Person]:
    """Contacts whose name, company or e-mail address contains the text, most points first; the best scored for no text."""
    like = "%" + text.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    ids = [row[0] for row in sql.rows(SEARCH, {"like": like, "limit": limit})]
    found = named(ids)
    return [found[i] for i in ids if i in found]


def colleagues() -> list[User]:
    """Who may own a record, by name."""
    return list(User.objects.filter(is_active=True).order_by("name", "pk"))
