"""The site's own code says who its visitor is (`identify`): believed as far as it is safe.

An address proves who sits there, as a form does. What else is said fills what is empty and never overwrites: whoever can open a
page can call `identify`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from baton.crm import contacts, properties, records, values
from baton.events import identity
from baton.events.vocabulary import Kind
from baton.platform import logs, sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import Change
from baton.platform.errors import Conflict, DomainError

SOURCE = "site"
LAST = """
SELECT DISTINCT ON (e.contact_id) e.contact_id, e.payload ->> 'email', (e.payload -> 'properties')::text, e.payload ->> 'via', c.email
FROM event e LEFT JOIN contact c ON c.id = e.contact_id
WHERE e.contact_id = ANY(%s) AND e.kind = %s ORDER BY e.contact_id, e.ts DESC, e.id DESC
"""

log = logs.log(__name__)


def follow(unseen: Iterable[Change]) -> None:
    """Settle who those are about whom something was said last."""
    about = sorted({change.contact_id for change in unseen if change.kind == "event" and change.key.startswith(f"{int(Kind.SAID_WHO)}:")})
    if not about:
        return
    for id, email, more, via, known in sql.rows(LAST, [about, int(Kind.SAID_WHO)]):
        if not email or (known == str(email).strip().lower() and more in (None, "{}")):
            continue  # sites say it again on every page
        try:
            with transaction.atomic():
                _settle(id, email, json.loads(more or "{}"), int(via) if via else None)
        except (DomainError, values.Fault) as error:
            log.info("what a site said of its visitor is not believed", visitor=id, error=str(error))


def _settle(id: int, email: str, more: Mapping[str, Any], via: int | None) -> None:
    address = values.convert(properties.definitions("contact")["email"], email)
    given = {"email": address, **_usable(more)}
    owner = contacts.match(str(address), given)
    now = identity.settle(via, owner) if via else identity.current(id)
    if identity.is_known(now):
        if owner is not None and owner != now:
            raise Conflict("two known people stay two", existing_id=now)
        if owner is None:
            return  # a known person with an address that is nobody's: perhaps a colleague at his computer
    elif owner is not None:
        identity.join(now, owner, by=SOURCE)
    else:
        contacts.create_as(now, given, actor=SYSTEM, source=SOURCE)
        identity.became_known(now, by=SOURCE)
        return
    _fill(owner, given)


def _fill(contact_id: int, given: Mapping[str, Any]) -> None:
    held = records.get("contact", contact_id).properties
    empty = {name: value for name, value in given.items() if name != "email" and held.get(name) in (None, "")}
    if empty:
        records.update("contact", contact_id, empty, actor=SYSTEM, source=SOURCE, freedom="stay")


def _usable(more: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that a visitor may say of himself and that fit."""
    definitions = properties.definitions("contact")
    found = {}
    for name, value in more.items():
        definition = definitions.get(name)
        if definition is None or definition.read_only or not definition.form_field or name in ("email", "lifecyclestage", "owner_id"):
            continue
        try:
            found[name] = values.convert(definition, value)
        except values.Fault:
            continue
    return {name: value for name, value in found.items() if value not in (None, "")}
