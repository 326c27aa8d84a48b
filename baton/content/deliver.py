"""A piece of content reached somebody: noted once for each address that was given out, whatever a browser asks for in pieces or again."""

from datetime import datetime

from django.db import transaction

from baton.content import addresses
from baton.content.models import Asset
from baton.crm import contacts
from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.events.wire import is_cookie
from baton.platform import clock, sql

THERE = "SELECT 1 FROM event WHERE contact_id = %s AND ts >= %s AND id = %s"


def downloaded(asset: Asset, *, number: int, since: datetime, cookie: str = "", given_to: int = 0, page_url: str = "", name: str = "") -> int:
    """Note a download by whoever has the cookie, else by whom the address was given to; returns whose it is, 0 when nobody can be named.

    `number` is the event's id: with it the same address counts once since it was made (`since`).
    """
    if not is_cookie(cookie):
        cookie = ""
    with transaction.atomic():
        sql.rows("SELECT pg_advisory_xact_lock(%s)", [number])  # a browser may ask for several pieces at the same moment
        contact_id = _whose(cookie, given_to)
        if not contact_id or sql.rows(THERE, [contact_id, since, number]):
            return contact_id
        key = next(iter(addresses.addresses(asset, [Kind.DOWNLOAD])), "")
        payload = {"page": page_url, "asset": asset.pk, "file": name}
        if cookie and (via := identity.origin(cookie)):
            payload["via"] = via
        record.add([NewEvent(contact_id, Kind.DOWNLOAD, clock.now(), key, asset.title, payload=payload, id=number)])
    return contact_id


def _whose(cookie: str, given_to: int) -> int:
    """The visitor or contact. A cookie that came here before its first hit becomes a visitor, as the hit would make it one."""
    if cookie:
        found = identity.visitor(cookie)
        if found is not None:
            return found
        owner = contacts.claim("cookie", cookie, sql.next_ids("record_id_seq", 1)[0])
        identity.first_seen(owner, clock.now())
        return owner
    return contacts.resolve(given_to) if given_to else 0
