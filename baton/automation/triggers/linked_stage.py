"""A deal or a ticket of a contact came to a stage: the contact is enrolled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import staged
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.crm import types
from baton.platform import sql
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql

KINDS = (("deal", _("Deal")), ("ticket", _("Ticket")))
FRESH = timedelta(hours=1)  # a record that is linked so soon after it was made came to its first stage with this contact
# Who is linked to a record, once each, and since when.
LINKS = """
SELECT a.from_id AS contact_id, a.to_id AS record_id, min(a.created_at) AS at FROM association a
WHERE a.from_type = 'contact' AND a.to_type = %(record)s AND {which} GROUP BY a.from_id, a.to_id
"""
CHANGED = """
SELECT l.contact_id, v.at, %(record)s || ':' || v.record_id || ':' || v.number AS cause, v.old, v.new, v.number
FROM (SELECT h.record_id, h.at, h.old, h.new, h.id AS number FROM property_history h WHERE h.name = %(name)s AND {which}) v
JOIN ({links}) l ON l.record_id = v.record_id AND l.at <= v.at
"""
# With the stage the record was made in: the old value of its first change, or what it is now.
BEGAN = """
SELECT l.contact_id, l.at, %(record)s || ':' || r.id || ':new' AS cause, NULL::jsonb AS old,
       CASE WHEN f.id IS NULL THEN r.properties -> %(name)s ELSE f.old END AS new, 0::bigint AS number
FROM ({links}) l JOIN record r ON r.id = l.record_id AND r.object_type = %(record)s AND l.at <= r.created_at + %(fresh)s
LEFT JOIN LATERAL (SELECT h.id, h.old FROM property_history h WHERE h.record_id = r.id AND h.name = %(name)s ORDER BY h.at, h.id LIMIT 1) f ON true
"""


class LinkedStage(Trigger):
    """Each move of each record is one cause, for every contact who was linked to it by then."""

    key = "linked_stage"
    label = _("A deal or ticket of the contact came to a stage")
    icon = "handshake"
    group = "record"

    record: Annotated[Literal["deal", "ticket"], Input("choice", _("Of which kind"), options=KINDS)] = "deal"
    pipeline: Annotated[str, Input("pipeline", _("Pipeline"), optional=True, empty=_("Any pipeline"))] = ""
    stage: Annotated[str, Input("pipeline_stage", _("Stage"), optional=True, empty=_("Any stage"))] = ""
    how: Annotated[Literal["enters", "leaves"], Input("choice", _("Kind of change"), options=staged.HOW)] = "enters"

    @property
    def object_type(self) -> str:
        """Of which records its pipeline and its stage are; those who walk are contacts."""
        return self.record

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "property" and bool(change.fact) and change.key.startswith(("deal.", "ticket."))

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """By the change of the stage, or by the link to a record that was just made."""
        moved = [(c.contact_id, c.fact) for c in changes if c.key == f"{self.record}.{self._name}"]
        linked = [(c.contact_id, int(c.fact)) for c in changes if c.key == f"{self.record}.*"]
        parts, values = [], self._values()
        if moved:
            links = LINKS.format(which="a.from_id = ANY(%(movers)s::bigint[]) AND a.to_id = ANY(%(moved)s::bigint[])")
            parts.append(CHANGED.format(which="h.record_id = ANY(%(moved)s::bigint[]) AND h.id = ANY(%(numbers)s::bigint[])", links=links))
            values["movers"] = sorted({contact for contact, _fact in moved})
            values["moved"] = sorted({int(fact.partition(":")[0]) for _contact, fact in moved})
            values["numbers"] = sorted({int(n) for _contact, fact in moved for n in fact.partition(":")[2].split(",")})
        if linked:
            links = LINKS.format(which="(a.from_id, a.to_id) IN (SELECT * FROM unnest(%(contacts)s::bigint[], %(records)s::bigint[]))")
            parts.append(BEGAN.format(links=links))
            values |= {"contacts": [contact for contact, _id in linked], "records": [id for _contact, id in linked]}
        if not parts:
            return {}
        test = self._test()
        found = sql.rows(f"SELECT v.contact_id, v.cause FROM ({' UNION ALL '.join(parts)}) v WHERE {test.text} ORDER BY v.at, v.number", values | test.params)
        return dict(found)

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        test, span = self._test(), "{0} > %(since)s AND {0} <= %(until)s"
        changed = CHANGED.format(which="h.object_type = %(record)s AND " + span.format("h.at"), links=LINKS.format(which="true"))
        began = BEGAN.format(links=LINKS.format(which="true") + " HAVING " + span.format("min(a.created_at)"))
        text = f"SELECT v.contact_id, v.at, v.cause FROM ({changed} UNION ALL {began}) v WHERE {test.text}"
        return Sql(text, {**self._values(), **test.params, "since": since, "until": until})

    def backlog(self, object_type: str) -> Sql | None:
        """The contacts of the records that are in the stage now; of several records, by the one that came last."""
        if self.how == "leaves":
            return None
        test = self._test()
        text = (
            f"SELECT DISTINCT ON (v.contact_id) v.contact_id, %(record)s || ':' || v.id || ':' || coalesce(v.number::text, 'new') FROM"
            f" (SELECT l.contact_id, r.id, NULL::jsonb AS old, r.properties -> %(name)s AS new, f.id AS number FROM ({LINKS.format(which='true')}) l"
            " JOIN record r ON r.id = l.record_id AND r.object_type = %(record)s AND r.archived_at IS NULL"
            " LEFT JOIN LATERAL (SELECT h.id FROM property_history h WHERE h.record_id = r.id AND h.name = %(name)s ORDER BY h.id DESC LIMIT 1) f ON true) v"
            f" WHERE {test.text} ORDER BY v.contact_id, v.number DESC NULLS LAST, v.id DESC"
        )
        return Sql(text, {**self._values(), **test.params})

    @property
    def _name(self) -> str:
        return types.get(self.record).stage_property

    def _values(self) -> dict[str, Any]:
        return {"record": self.record, "name": self._name, "fresh": FRESH}

    def _test(self) -> Sql:
        return staged.test(self.record, self.pipeline, self.stage, self.how)

    def heading(self) -> str:
        label = staged.name(self.record, self.pipeline, self.stage)
        if not label:
            return str(self.label)
        kind = types.label(types.get(self.record))
        text = gettext("A {kind} of the contact leaves {stage}") if self.how == "leaves" else gettext("A {kind} of the contact comes to {stage}")
        return text.format(kind=kind, stage=label)

    def problems(self) -> list[Problem]:
        return staged.problems(self.record, self.pipeline, self.stage)
