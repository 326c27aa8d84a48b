"""The first and the latest source of contacts, as properties: worked out from their visits, and from how the record was made.

The first is what came first: the first visit, or the record if it was there before (offline). Nothing later overwrites it; of two people who become one the
earlier counts. The latest is that of the last visit.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from baton.crm import offline, records
from baton.crm.values import stamp
from baton.events import sessions, sources
from baton.events.sources import UTM, Source
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor

GRACE = timedelta(minutes=30)  # a form may be quicker than the view it was sent from
ORIGINAL = ("original_source", "original_source_1", "original_source_2", "first_url", "first_referrer", *(f"first_{name}" for name in UTM[:5]))
LATEST = ("latest_source", "latest_source_1", "latest_source_2", "latest_source_at")
SAID = {  # what `lead_source` becomes where nobody said it: (class, first detail or campaign source) -> option
    "organic_search": "search",
    "direct": "direct",
    "referral": "referral",
    "email": "newsletter",
}
ADS = (("paid_search", "naver", "ad_naver"), ("display", "naver", "ad_naver"), ("paid_social", "linkedin", "ad_linkedin"))

PEOPLE = """
SELECT c.id, c.created_at, c.source, c.created_by, c.properties::text,
       f.started_at, f.source, f.detail_1, f.detail_2, f.campaign::text, f.landing, f.referrer, l.started_at, l.source, l.detail_1, l.detail_2,
       v.first_page, v.first_referrer
FROM contact c LEFT JOIN visitor v ON v.contact_id = c.id
LEFT JOIN LATERAL (SELECT * FROM session s WHERE s.contact_id = c.id ORDER BY s.started_at, s.id LIMIT 1) f ON true
LEFT JOIN LATERAL (SELECT * FROM session s WHERE s.contact_id = c.id ORDER BY s.started_at DESC, s.id DESC LIMIT 1) l ON true
WHERE c.id = ANY(%s) AND c.archived_at IS NULL
"""
ABSORBED = """
SELECT i.contact_id, (m.kept -> 'gone' ->> 'created_at')::timestamptz, (m.kept -> 'gone' -> 'properties')::text
FROM identity i JOIN merge m ON m.gone_id::text = i.value AND m.undone_at IS NULL AND m.object_type = 'contact'
WHERE i.contact_id = ANY(%s) AND i.kind = 'merged'
"""


def settle(contact_ids: Collection[int], *, quiet: bool = False) -> None:
    """Write what is not so yet of these contacts. A handful of statements, whatever their number; visitors without a record are passed over.

    `quiet` leaves no history, for people whose past is loaded.
    """
    rows = sql.rows(PEOPLE, [sorted(contact_ids)]) if contact_ids else []
    if not rows:
        return
    absorbed: dict[int, list[tuple[datetime, Mapping[str, Any]]]] = {}
    for id, at, properties in sql.rows(ABSORBED, [[row[0] for row in rows]]):
        absorbed.setdefault(id, []).append((at, json.loads(properties)))
    names = offline.names([Actor.parse(row[3]) for row in rows if row[2] not in offline.ONLINE])
    first: dict[int, dict[str, Any]] = {}
    latest: dict[int, dict[str, Any]] = {}
    for row in rows:
        id, held = row[0], json.loads(row[4])
        origin = _origin(row, held, names, absorbed.get(id, []))
        new = {name: origin.get(name) for name in ORIGINAL if origin.get(name) != held.get(name)}
        if new and not held.get("original_source") and not held.get("lead_source") and (said := _said(origin)):
            new["lead_source"] = said
        if new:
            first[id] = new
        last = _last(row, origin)
        if new := {name: last.get(name) for name in LATEST if last.get(name) != held.get(name)}:
            latest[id] = new
    known = {id: values | latest.pop(id, {}) for id, values in first.items()}
    if known:
        records.derive_each("contact", known, actor=SYSTEM, quiet=quiet)
    if latest:
        records.derive_each("contact", latest, actor=SYSTEM, quiet=True)  # with every visit: the visits themselves tell it


def _origin(row: tuple[Any, ...], held: Mapping[str, Any], names: Mapping[str, str], absorbed: list[tuple[datetime, Mapping[str, Any]]]) -> dict[str, Any]:
    created_at, way, begun = row[1], row[2], row[5]
    online = way in offline.ONLINE
    made = [(created_at, _as_made(row, held, names, bool(absorbed)))]
    made += [(at, {name: values[name] for name in ORIGINAL if values.get(name) is not None}) for at, values in absorbed]
    at, found = min((one for one in made if one[1]), key=lambda one: one[0], default=(created_at, {}))
    if begun is not None and (not found or begun <= at + (GRACE if online else timedelta())):
        return _of_visit(row)
    return found


def _as_made(row: tuple[Any, ...], held: Mapping[str, Any], names: Mapping[str, str], several: bool) -> dict[str, Any]:
    """The source of a record by itself: the file, colleague or program that made it, or the page of the form."""
    way, creator, page, referrer = row[2], row[3], row[16], row[17]
    if way not in offline.ONLINE:
        if held.get("original_source") == offline.CLASS and not several:
            return {name: held[name] for name in ORIGINAL if held.get(name) is not None}  # as it was called then
        return {name: value for name, value in offline.as_properties(way, names.get(creator, "")).items() if name in ORIGINAL}
    if page:
        return _as_properties(sources.classify(page, referrer or "", sessions.own_domains()), page, referrer or "")
    return {}


def _of_visit(row: tuple[Any, ...]) -> dict[str, Any]:
    source, one, two, campaign, landing, referrer = row[6:12]
    return _as_properties(Source(source, one, two, json.loads(campaign)), landing, referrer)


def _as_properties(source: Source, page: str, referrer: str) -> dict[str, Any]:
    found = {"original_source": source.source, "original_source_1": source.detail_1, "original_source_2": source.detail_2}
    found |= {"first_url": page, "first_referrer": referrer, **{f"first_{name}": source.campaign.get(name, "") for name in UTM[:5]}}
    return {name: value for name, value in found.items() if value}


def _last(row: tuple[Any, ...], origin: Mapping[str, Any]) -> dict[str, Any]:
    begun, source, one, two = row[12:16]
    if begun is None:  # nobody visited yet: as it began
        found = {name.replace("original", "latest"): origin.get(name) for name in ORIGINAL[:3]}
    else:
        found = {"latest_source": source, "latest_source_1": one, "latest_source_2": two, "latest_source_at": stamp(begun)}
    return {name: value for name, value in found.items() if value}


def _said(origin: Mapping[str, Any]) -> str:
    """The option of `lead_source` that a source means; "" for those that it has no word for."""
    source = str(origin.get("original_source", ""))
    where = f"{origin.get('original_source_1', '')} {origin.get('first_utm_source', '')}".lower()
    return next((option for name, word, option in ADS if source == name and word in where), SAID.get(source, ""))
