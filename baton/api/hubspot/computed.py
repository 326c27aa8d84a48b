"""Properties HubSpot's records have that Baton does not store as such: what the system knows of a record, worked out for a whole set at once."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import unescape
from typing import Literal

from baton.api.hubspot import vocabulary, words
from baton.crm import contacts, pipelines, trail, types
from baton.crm.associations import PRIMARY
from baton.crm.models import Contact, Record, Stage
from baton.crm.values import stamp
from baton.platform import sql
from baton.platform.actor import Actor

Row = Contact | Record
Type = Literal["string", "number", "bool", "datetime", "enumeration"]
ENTERED = re.compile(r"hs_(?:v2_)?date_(entered|exited)_(.+)")
PREVIEW = 512  # letters of a body's beginning


class Facts:
    """What is known around a set of records of one type. Each kind of fact is read once for all of them, when it is asked for."""

    def __init__(self, object_type: str, rows: Sequence[Row]) -> None:
        self.object_type = object_type
        self.rows = rows
        self.ids = [row.id for row in rows]

    @cached_property
    def stages(self) -> dict[tuple[str, str], Stage]:
        """(pipeline, stage) -> the stage."""
        return {(key, stage.key): stage for key, found in pipelines.stages(self.object_type).items() for stage in found}

    @cached_property
    def absorbed(self) -> dict[int, list[tuple[str, datetime]]]:
        """Record -> the ids that were merged into it, and when."""
        found: dict[int, list[tuple[str, datetime]]] = {}
        for id, value, at in sql.rows(
            "SELECT contact_id, value, created_at FROM identity WHERE contact_id = ANY(%s) AND kind = 'merged' ORDER BY created_at, value", [self.ids]
        ):
            found.setdefault(id, []).append((value, at))
        return found

    @cached_property
    def counts(self) -> dict[tuple[int, str], int]:
        """(record, other type) -> how many of those are linked to it."""
        rows = sql.rows("SELECT from_id, to_type, count(DISTINCT to_id) FROM association WHERE from_id = ANY(%s) GROUP BY from_id, to_type", [self.ids])
        return {(id, to_type): count for id, to_type, count in rows}

    @cached_property
    def companies(self) -> dict[int, int]:
        """Record -> its primary company."""
        rows = sql.rows(
            "SELECT from_id, min(to_id) FROM association WHERE from_id = ANY(%s) AND to_type = 'company' AND label = %s GROUP BY from_id", [self.ids, PRIMARY]
        )
        return dict(rows)

    @cached_property
    def refusals(self) -> set[int]:
        """Contacts that must not be sent marketing mail."""
        rows = sql.rows(
            "SELECT contact_id FROM consent WHERE contact_id = ANY(%s) AND channel = 'email' AND NOT granted"
            " UNION SELECT u.contact_id FROM suppression u WHERE u.contact_id = ANY(%s) AND u.channel = 'email' AND NOT (u.reason = 'unsubscribed' AND EXISTS"
            " (SELECT 1 FROM consent g WHERE g.contact_id = u.contact_id AND g.channel = 'email' AND g.granted AND g.at > u.at))",
            [self.ids, self.ids],
        )
        return {row[0] for row in rows}

    @cached_property
    def visits(self) -> dict[int, tuple[int, int, datetime, datetime]]:
        """Contact -> page views, visits, the first view, the last one; visitors of no page are not in it."""
        rows = sql.rows(
            "SELECT contact_id, sum(views)::bigint, count(*), min(started_at), max(ended_at) FROM session WHERE contact_id = ANY(%s) GROUP BY contact_id",
            [self.ids],
        )
        return {id: (views, visits, first, last) for id, views, visits, first, last in rows}

    @cached_property
    def walks(self) -> dict[int, list[tuple[str, datetime]]]:
        """Record -> the stages it went through and when it entered them, first to last."""
        name = types.get(self.object_type).stage_property
        told = trail.of(self.rows, [name], merged=False)  # the walk of the record itself, not of one that was merged into it
        return {id: [(str(entry.value), entry.at) for entry in reversed(entries.get(name, []))] for id, entries in told.items()}


Value = Callable[[Row, Facts], str | None]


@dataclass(frozen=True, slots=True)
class Computed:
    """A property that can be read, not written."""

    label: str
    type: Type
    value: Value


def _count(to_type: str) -> Value:
    return lambda row, facts: str(facts.counts.get((row.id, to_type), 0))


def _visited(what: int) -> Value:
    """Page views (0), visits (1): 0 for who visited nothing; first (2) and last moment (3): None."""

    def value(row: Row, facts: Facts) -> str | None:
        found = facts.visits.get(row.id)
        if what < 2:
            return str(found[what] if found else 0)
        return stamp(found[what]) if found else None  # type: ignore[arg-type]  # the last two are moments

    return value


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _merged(row: Row, facts: Facts) -> str | None:
    return ";".join(value for value, _at in facts.absorbed.get(row.id, [])) or None


def _merged_when(row: Row, facts: Facts) -> str | None:
    return ";".join(f"{value}:{int(at.timestamp() * 1000)}" for value, at in facts.absorbed.get(row.id, [])) or None


def _stage(row: Row, facts: Facts) -> Stage | None:
    name = types.get(facts.object_type).stage_property
    return facts.stages.get((str(row.properties.get("pipeline")), str(row.properties.get(name))))


def _closed(row: Row, facts: Facts) -> str:
    stage = _stage(row, facts)
    return _flag(stage is not None and stage.closed)


def _won(row: Row, facts: Facts) -> str:
    stage = _stage(row, facts)
    return _flag(stage is not None and stage.closed and stage.probability == 1)


def _lost(row: Row, facts: Facts) -> str:
    stage = _stage(row, facts)
    return _flag(stage is not None and stage.closed and stage.probability == 0)


def _author(row: Row, _facts: Facts) -> str | None:
    who = Actor.parse(row.created_by)
    return str(who.id) if who.kind == "user" and who.id is not None else None


def _preview(row: Row, _facts: Facts) -> str | None:
    text = str(row.properties.get("body") or row.properties.get("text") or row.properties.get("html") or "")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())[:PREVIEW] or None


_ALL = {
    "hs_object_id": Computed("Record ID", "number", lambda row, _: str(row.id)),
    "hs_merged_object_ids": Computed("Merged record IDs", "enumeration", _merged),
    "hs_object_source": Computed("Record source", "enumeration", lambda row, _: vocabulary.SOURCES.get(row.source, "INTERNAL_PROCESSING")),
    "hs_created_by_user_id": Computed("Created by user ID", "number", _author),
}
_OF: dict[str, dict[str, Computed]] = {
    "contact": {
        "hs_calculated_merged_vids": Computed("Merged contact IDs with timestamps", "enumeration", _merged_when),
        "hs_full_name_or_email": Computed("Full name or email", "string", lambda row, _: contacts.display_name(row.properties) or None),
        "hs_email_domain": Computed("Email domain", "string", lambda row, _: str(row.properties.get("email") or "").rpartition("@")[2] or None),
        "hs_email_optout": Computed("Unsubscribed from all email", "bool", lambda row, facts: _flag(row.id in facts.refusals)),
        "associatedcompanyid": Computed(
            "Primary associated company ID", "number", lambda row, facts: str(facts.companies[row.id]) if row.id in facts.companies else None
        ),
        "num_associated_deals": Computed("Number of associated deals", "number", _count("deal")),
        "hs_analytics_num_page_views": Computed("Number of pageviews", "number", _visited(0)),
        "hs_analytics_num_visits": Computed("Number of sessions", "number", _visited(1)),
        "hs_analytics_first_timestamp": Computed("Time first seen", "datetime", _visited(2)),
        "hs_analytics_last_timestamp": Computed("Time last seen", "datetime", _visited(3)),
    },
    "company": {
        "num_associated_contacts": Computed("Number of associated contacts", "number", _count("contact")),
        "num_associated_deals": Computed("Number of associated deals", "number", _count("deal")),
    },
    "deal": {
        "hs_is_closed": Computed("Is deal closed", "bool", _closed),
        "hs_is_closed_won": Computed("Is closed won", "bool", _won),
        "hs_is_closed_lost": Computed("Is closed lost", "bool", _lost),
        "num_associated_contacts": Computed("Number of associated contacts", "number", _count("contact")),
    },
    "ticket": {
        "hs_ticket_id": Computed("Ticket ID", "number", lambda row, _: str(row.id)),
        "hs_is_closed": Computed("Is ticket closed", "bool", _closed),
        "hs_num_associated_contacts": Computed("Number of associated contacts", "number", _count("contact")),
    },
}
_ACTIVITY = {"hs_body_preview": Computed("Body preview", "string", _preview)}


def known(object_type: str) -> dict[str, Computed]:
    """What there is for an object type by HubSpot's name, the moments of making and changing included; days in stages (`find`) are not listed."""
    kind = types.get(object_type)
    moments = {
        words.created_name(object_type): Computed("Create date", "datetime", lambda row, _: stamp(row.created_at)),
        words.modified_name(object_type): Computed("Last modified date", "datetime", lambda row, _: stamp(row.updated_at)),
    }
    return {**_ALL, **moments, **_OF.get(object_type, {}), **(_ACTIVITY if kind.activity else {})}


def find(object_type: str, names: Iterable[str]) -> dict[str, Computed]:
    """Those of `names` that are worked out, hs_v2_date_entered_<stage> and hs_v2_date_exited_<stage> among them."""
    there = known(object_type)
    staged = bool(types.get(object_type).stage_property)
    found: dict[str, Computed] = {}
    for name in names:
        if name in there:
            found[name] = there[name]
        elif staged and words.ours(object_type, name) == name and (parts := ENTERED.fullmatch(name)):
            found[name] = _walked(parts[1], parts[2])
    return found


def _walked(how: str, stage: str) -> Computed:
    """When a record entered a stage, or left it, the last time."""

    def value(row: Row, facts: Facts) -> str | None:
        walk = facts.walks.get(row.id, [])
        last = None
        for number, (name, at) in enumerate(walk):
            if name == stage:
                last = at if how == "entered" else walk[number + 1][1] if number + 1 < len(walk) else None
        return None if last is None else stamp(last)

    return Computed(f"Date {how} {stage}", "datetime", value)
