"""The points of somebody came into a band of a score, or left it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql
from baton.segments.models import ScoreModel

HOW = (("enters", _("Comes into it")), ("rises", _("Comes into it from below")), ("leaves", _("Leaves it")))
# Of each change of points, `was` and `total`; the ends of the band are %(low)s (with it) and %(high)s (without it; null: none).
POINTS = """
SELECT e.contact_id, e.ts, e.id, (e.payload ->> 'total')::numeric AS total, (e.payload ->> 'total')::numeric - coalesce(e.value, 0)::numeric AS was
FROM event e WHERE e.kind = %(kind)s AND e.key = %(key)s AND {which}
"""
IN = "({0} >= %(low)s AND (%(high)s::numeric IS NULL OR {0} < %(high)s))"
TESTS = {
    "enters": f"{IN.format('p.total')} AND NOT {IN.format('p.was')}",
    "rises": f"{IN.format('p.total')} AND p.was < %(low)s",
    "leaves": f"{IN.format('p.was')} AND NOT {IN.format('p.total')}",
}


class ScoreBand(Trigger):
    """By points that change; another card that calls the same points by another band brings nobody in."""

    key = "score_band"
    label = _("A lead score came into a band")
    icon = "gauge"
    group = "place"
    rejoins = True

    score: Annotated[int | None, Input("score", _("Score"))] = None
    band: Annotated[str, Input("band", _("Band"))] = ""
    how: Annotated[Literal["enters", "rises", "leaves"], Input("choice", _("Kind of change"), options=HOW)] = "enters"

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "score" and bool(change.fact)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """By the very change of points, named by its moment; of several within a tick the newest that counts."""
        told = sorted({(c.contact_id, c.fact) for c in changes if c.key == str(self.score)})
        ends = self._ends() if told else None
        if ends is None:
            return {}
        which = "e.contact_id = ANY(%(contacts)s::bigint[]) AND e.ts = ANY(%(times)s::timestamptz[])"
        times = sorted({datetime.fromisoformat(at) for _contact, at in told})
        found = sql.rows(
            f"SELECT p.contact_id, 'score:' || p.id FROM ({POINTS.format(which=which)}) p WHERE {TESTS[self.how]} ORDER BY p.ts",
            {**ends, "contacts": sorted({contact for contact, _at in told}), "times": times},
        )
        return dict(found)

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        """By the bands as they are published now."""
        text = f"SELECT p.contact_id, p.ts, 'score:' || p.id FROM ({POINTS.format(which='e.ts > %(since)s AND e.ts <= %(until)s')}) p WHERE {TESTS[self.how]}"
        return Sql(text, {**(self._ends() or self._nowhere()), "since": since, "until": until})

    def backlog(self, object_type: str) -> Sql | None:
        """Those in the band now, by the change that brought them there last; where another card did, by none."""
        if self.how == "leaves":
            return None
        text = (
            "SELECT s.contact_id, coalesce('score:' || f.id, 'score:now') FROM score s LEFT JOIN"
            f" (SELECT DISTINCT ON (p.contact_id) p.contact_id, p.id FROM ({POINTS.format(which='true')}) p WHERE {TESTS[self.how]}"
            " ORDER BY p.contact_id, p.ts DESC, p.id DESC) f ON f.contact_id = s.contact_id"
            f" WHERE s.model_id = %(number)s AND {IN.format('s.total')}"
        )
        return Sql(text, {**(self._ends() or self._nowhere()), "number": self.score or 0})

    def _ends(self) -> dict[str, Any] | None:
        """The ends of the band, beside which score it is; None when there is no such band."""
        model = self._model()
        low = model.begins(self.band) if model else None
        if model is None or low is None:
            return None
        above = [int(b["at_least"]) for b in model.bands if int(b["at_least"]) > low]
        return {
            "kind": int(Kind.SCORE_CHANGED),
            "key": (keys.matching(Kind.SCORE_CHANGED, "is", str(model.pk)) or [-1])[0],
            "low": low,
            "high": min(above, default=None),
        }

    def _nowhere(self) -> dict[str, Any]:
        return {"kind": int(Kind.SCORE_CHANGED), "key": -1, "low": 1, "high": 0}

    def _model(self) -> ScoreModel | None:
        return ScoreModel.objects.filter(pk=self.score or 0, archived_at=None).first()

    def heading(self) -> str:
        model = self._model()
        label = next((str(b.get("label") or b["key"]) for b in model.bands if b["key"] == self.band), "") if model else ""
        if model is None or not label:
            return str(self.label)
        text = gettext("{score} leaves {band}") if self.how == "leaves" else gettext("{score} comes into {band}")
        return text.format(score=model.name, band=label)

    def detail(self) -> str:
        return gettext("from below") if self.how == "rises" else ""

    def problems(self) -> list[Problem]:
        model = self._model()
        if model is None:
            return [Problem("score", "NOT_FOUND", gettext("This score does not exist any more."))]
        if model.begins(self.band) is None:
            return [Problem("band", "NOT_FOUND", gettext("The score has no such band any more."))]
        return []
