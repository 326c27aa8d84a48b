"""`the lead score is at least 35`, `the lead score is in the band “MQL”`"""

from collections.abc import Iterable
from typing import Annotated

from django.utils.translation import gettext_noop
from pydantic import Field

from baton.crm.uses import Mention
from baton.query.catalog import Catalog
from baton.query.check import WHOLE
from baton.query.errors import FilterError
from baton.query.nodes import And, InBand, Node, ScoreIs, ScorePart
from baton.segments.condition import Condition, Id, Word

Points = Annotated[int, Field(ge=-WHOLE, le=WHOLE)]


class Score(Condition):
    """From `at_least` to `at_most`, or in a `band` (or, with `above`, in it or a higher one) as it is published now.

    `model` is a score's key or number; without it, it is the first one. Bands are of the total.
    """

    key = "score"
    label = gettext_noop("Lead score")

    at_least: Points | None = None
    at_most: Points | None = None
    model: Id | Word | None = None
    part: ScorePart = "total"
    band: Word | None = None
    above: bool = False

    def lower(self, catalog: Catalog) -> Node:
        model = self._model(catalog)
        tests: list[Node] = []
        if self.band is not None:
            if self.part != "total":
                raise FilterError("part", "UNEXPECTED_VALUE", gettext_noop("Bands are of the total."))
            tests.append(InBand(model, self.band, self.above))
        elif self.above:
            raise FilterError("band", "REQUIRED", gettext_noop("Say which band."))
        if self.at_least is not None:
            tests.append(ScoreIs(model, "at_least", self.at_least, self.part))
        if self.at_most is not None:
            tests.append(ScoreIs(model, "at_most", self.at_most, self.part))
        if not tests:
            raise FilterError("at_least", "REQUIRED", gettext_noop("Say how many points at least or at most."))
        return tests[0] if len(tests) == 1 else And(tuple(tests))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        model = "" if self.model is None else str(self.model)
        yield Mention("score", model)
        if self.band is not None:
            yield Mention("band", model, self.band)

    def _model(self, catalog: Catalog) -> int:
        model = catalog.first_score() if self.model is None else catalog.score_named(self.model) if isinstance(self.model, str) else self.model
        if model is None:
            text = gettext_noop("There is no lead score yet.") if self.model is None else gettext_noop("There is no score {number}.")
            raise FilterError("model", "SCORE_DOESNT_EXIST", text, number=self.model)
        return model
