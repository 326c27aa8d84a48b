"""Which questions a visitor is not asked again. What is known of him is private: only names of fields ever leave, never values."""

from collections.abc import Mapping
from typing import Any

from baton.crm import records
from baton.events import identity
from baton.events.wire import is_cookie
from baton.forms.models import Form
from baton.platform import sql

ANSWERED = "SELECT DISTINCT k FROM form_submission s, jsonb_object_keys(s.values) k WHERE s.contact_id = %s AND s.form_id = %s"


def skipped(form: Form, definition: Mapping[str, Any], cookie: str) -> list[str]:
    """The fields not to show: those known of whoever the cookie is, and what waits in the queue behind the first `queue_size`.

    For a cookie nobody knows the answer is the same as for one without any answers, so it tells nothing.
    """
    asking = [field for field in definition["fields"] if field["ask"] != "always"]
    if not asking:
        return []
    there = known(form, cookie)
    left = [field for field in asking if field["name"] not in there]
    waiting = [field["name"] for field in left if field["ask"] == "queued"][definition["queue_size"] :]
    return [field["name"] for field in asking if field["name"] in there or field["name"] in waiting]


def known(form: Form, cookie: str) -> set[str]:
    """The names of fields of which something is known: properties of the contact, and what he answered in this form before."""
    contact_id = identity.visitor(cookie) if is_cookie(cookie) else None
    found = records.many("contact", [contact_id]).get(contact_id) if contact_id is not None else None
    if found is None:
        return set()
    answered = {row[0] for row in sql.rows(ANSWERED, [contact_id, form.pk])}
    return {name for name, value in found.properties.items() if value not in (None, "", [])} | answered
