"""Go one way or the other by what an earlier step kept: the answer of a web address, what a trigger brought."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import words
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem

TESTS = (
    ("is", _("is")),
    ("is_not", _("is not")),
    ("contains", _("contains")),
    ("at_least", _("is at least")),
    ("at_most", _("is at most")),
    ("known", _("has a value")),
    ("unknown", _("has no value")),
)


class BranchAnswer(Step):
    key = "branch_answer"
    label = _("Branch by an answer")
    icon = "git-branch"
    group = "path"
    labels = (("yes", _("Yes")), ("no", _("No")))

    source: Annotated[str, Input("step", _("Kept by"), help=_("The step whose answer is looked at."))] = ""
    field: Annotated[str, Input("text", _("Name"), help=_("As the step keeps it, for example plan; status is the number a web address answered with."))] = ""
    test: Annotated[Literal["is", "is_not", "contains", "at_least", "at_most", "known", "unknown"], Input("choice", _("Test"), options=TESTS)] = "is"
    value: Annotated[str, Input("text", _("Value"), shown_when=("test", "is", "is_not", "contains", "at_least", "at_most"))] = ""

    def run(self, batch: Batch) -> None:
        kept = words.kept(batch, self.source)
        found = {one.enrollment_id: kept.get(one.enrollment_id, {}).get(self.field) for one in batch.standing}
        for one in batch.standing:
            value = found[one.enrollment_id]
            batch.take("yes" if self._holds(value) else "no", [one])
            batch.effects[one.enrollment_id].detail["value"] = _shown(value)

    def _holds(self, value: Any) -> bool:
        """Like filters: without a value only `unknown` and `is_not` hold. Of a list one fitting value is enough."""
        if value in (None, "", []):
            return self.test in ("unknown", "is_not")
        if self.test in ("known", "unknown"):
            return self.test == "known"
        if self.test == "is_not":
            return not any(_same(one, self.value) for one in _each(value))
        return any(self._fits(one) for one in _each(value))

    def _fits(self, value: Any) -> bool:
        if self.test == "is":
            return _same(value, self.value)
        if self.test == "contains":
            return self.value.casefold() in _text(value).casefold()
        one, other = _number(value), _number(self.value)
        if one is None or other is None:
            return False
        return one >= other if self.test == "at_least" else one <= other

    def detail(self) -> str:
        if not self.field:
            return ""
        return f"{self.source}.{self.field} {dict(TESTS)[self.test]} {self.value if self.test not in ('known', 'unknown') else ''}".strip()

    def problems(self) -> list[Problem]:
        if self.test in ("at_least", "at_most") and _number(self.value) is None:
            return [Problem("value", "INVALID_NUMBER", gettext("{value} is not a number.").format(value=self.value))]
        return []


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _same(value: Any, asked: str) -> bool:
    one, other = _number(value), _number(asked)
    if one is not None and other is not None:
        return one == other
    return _text(value).strip().casefold() == asked.strip().casefold()


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else _text(value)[:200]
