"""Somebody came into a stage of the life cycle, which are those of the funnel too, or left it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.crm import life
from baton.platform import sql
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql

HOW = (("enters", _("Comes into it")), ("leaves", _("Leaves it")))


class StageEntered(Trigger):
    """By the ledger of stages: each move is one booking."""

    key = "stage_entered"
    label = _("A contact came to a stage of the life cycle")
    icon = "flag"
    group = "place"
    rejoins = True

    stage: Annotated[str, Input("lifecycle", _("Stage"))] = ""
    how: Annotated[Literal["enters", "leaves"], Input("choice", _("Kind of change"), options=HOW)] = "enters"
    other: Annotated[str, Input("lifecycle", _("Only from or to this stage"), optional=True, empty=_("Any stage"))] = ""

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "booking"

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """By the very booking; of several within a tick the newest that counts."""
        if not self.stage:
            return {}
        told = [(c.contact_id, int(c.key)) for c in changes]
        found = sql.rows(
            "SELECT b.contact_id, 'stage:' || b.id FROM unnest(%(contacts)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)"
            f" JOIN booking b ON b.contact_id = r.contact_id AND b.id = r.id WHERE {self._test} ORDER BY b.id",
            {**self._values(), "contacts": [contact for contact, _id in told], "ids": [id for _contact, id in told]},
        )
        return dict(found)

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        text = f"SELECT b.contact_id, b.at, 'stage:' || b.id FROM booking b WHERE b.at > %(since)s AND b.at <= %(until)s AND b.contact_id > 0 AND {self._test}"
        return Sql(text, {**self._values(), "since": since, "until": until})

    def backlog(self, object_type: str) -> Sql | None:
        """Those in the stage now, by the booking that brought them."""
        if self.how == "leaves":
            return None
        text = (
            "SELECT c.id, coalesce('stage:' || b.id, 'stage:now') FROM contact c LEFT JOIN LATERAL (SELECT k.id, k.out_of FROM booking k"
            ' WHERE k.contact_id = c.id AND k."into" = %(stage)s ORDER BY k.id DESC LIMIT 1) b ON true'
            f" WHERE c.archived_at IS NULL AND c.properties ->> '{life.PROPERTY}' = %(stage)s AND (%(other)s = '' OR b.out_of = %(other)s)"
        )
        return Sql(text, self._values())

    @property
    def _test(self) -> str:
        here, there = ('b."into"', "b.out_of") if self.how == "enters" else ("b.out_of", 'b."into"')
        return f"{here} = %(stage)s AND (%(other)s = '' OR {there} = %(other)s)"

    def _values(self) -> dict[str, Any]:
        return {"stage": self.stage, "other": self.other}

    def heading(self) -> str:
        if not self.stage:
            return str(self.label)
        text = gettext("Comes to the stage {stage}") if self.how == "enters" else gettext("Leaves the stage {stage}")
        return text.format(stage=_name(self.stage))

    def detail(self) -> str:
        if not self.other:
            return ""
        text = gettext("from {stage}") if self.how == "enters" else gettext("to {stage}")
        return text.format(stage=_name(self.other))

    def problems(self) -> list[Problem]:
        known = {stage.key for stage in life.known()}
        gone = [name for name in ("stage", "other") if getattr(self, name) and getattr(self, name) not in known]
        return [Problem(name, "NOT_FOUND", gettext("This stage does not exist any more.")) for name in gone]


def _name(key: str) -> str:
    return next((stage.label for stage in life.known() if stage.key == key), key)
