"""`the lead score is at least 35`"""

from typing import Annotated

from django.utils.translation import gettext_noop
from pydantic import Field

from baton.query.catalog import Catalog
from baton.query.check import WHOLE
from baton.query.errors import FilterError
from baton.query.nodes import And, Node, ScoreIs, ScorePart
from baton.segments.condition import Condition, Id

Points = Annotated[int, Field(ge=-WHOLE, le=WHOLE)]


class Score(Condition):
    """From `at_least` to `at_most`; one of them may be left out. Without a model it is the one that decides the life-cycle stage."""

    key = "score"
    label = gettext_noop("Lead score")

    at_least: Points | None = None
    at_most: Points | None = None
    model: Id | None = None
    part: ScorePart = "total"

    def lower(self, catalog: Catalog) -> Node:
        model = self.model if self.model is not None else catalog.first_score()
        if model is None:
            raise FilterError("model", "SCORE_DOESNT_EXIST", gettext_noop("There is no lead score yet."))
        tests: list[Node] = []
        if self.at_least is not None:
            tests.append(ScoreIs(model, "at_least", self.at_least, self.part))
        if self.at_most is not None:
            tests.append(ScoreIs(model, "at_most", self.at_most, self.part))
        if not tests:
            raise FilterError("at_least", "REQUIRED", gettext_noop("Say how many points at least or at most."))
        return tests[0] if len(tests) == 1 else And(tuple(tests))
