"""Contacts as pages name them in a line: name, company, title; the search for one; and colleagues."""

from collections.abc import Iterable
from dataclasses import dataclass

from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm import contacts, properties
from baton.crm.models import Contact
from baton.platform import sql
from baton.segments import finder

BEST = """
SELECT c.id FROM score s JOIN contact c ON c.id = s.contact_id
WHERE c.archived_at IS NULL AND {seen} ORDER BY s.total DESC, c.id DESC LIMIT %s
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


def search(text: str, *, rights: Rights, limit: int) -> list[Person]:
    """Contacts found by name, company or e-mail address; for no text those with the most points. Only what the rights let see."""
    if text.strip():
        ids = [hit.id for hit in finder.quick(text, rights=rights, types=("contact",), limit=limit)]
    else:
        seen, params = rights.where("contact", "view", "c")
        ids = [row[0] for row in sql.rows(BEST.format(seen=seen), [*params, limit])]
    found = named(ids)
    return [found[i] for i in ids if i in found]


def colleagues() -> list[User]:
    """Who may own a record, by name."""
    return list(User.objects.filter(is_active=True).order_by("name", "pk"))
