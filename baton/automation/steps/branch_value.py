"""Several ways by a value: of a property, of a score's band, of the stage, or of what an earlier step left. Whoever fits none goes the way "other"."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import words
from baton.automation.field import Input
from baton.automation.step import Batch, Standing, Step
from baton.crm import types
from baton.platform import sql
from baton.platform.errors import Problem
from baton.query.catalog import Property
from baton.segments import catalog
from baton.segments.models import ScoreModel

WHAT = (
    ("property", _("A property")),
    ("stage", _("The stage")),
    ("band", _("The band of a score")),
    ("step", _("What an earlier step left")),
)
OTHER = "other"
Label = Annotated[str, Field(pattern=r"^[a-z]$")]


class BranchValue(Step):
    key = "branch_value"
    label = _("Branch by value")
    icon = "git-fork"
    group = "path"

    of: Annotated[Literal["property", "stage", "band", "step"], Input("choice", _("By"), options=WHAT)] = "property"
    property: Annotated[str, Input("property", _("Property"), shown_when=("of", "property"))] = ""
    score: Annotated[int | None, Input("score", _("Score"), shown_when=("of", "band"))] = None
    step: Annotated[str, Input("step", _("Step"), shown_when=("of", "step"))] = ""
    kept: Annotated[str, Input("text", _("Which of its values"), shown_when=("of", "step"))] = ""
    values: Annotated[dict[Label, str], Input("values", _("A way for each value"), help=_("Everybody else goes the way “other”."))] = {}

    def run(self, batch: Batch) -> None:
        found = self._found(batch)
        way = {value: label for label, value in sorted(self.values.items(), reverse=True)}  # of two alike the first
        taken: dict[str, list[Standing]] = {}
        for one in batch.standing:
            fits = [way[value] for value in found.get(one.contact_id, ()) if value in way]
            taken.setdefault(min(fits, default=OTHER), []).append(one)
        for label, standing in taken.items():
            batch.take(label, standing)

    def _found(self, batch: Batch) -> Mapping[int, list[str]]:
        """The values of each, as texts. One statement."""
        match self.of:
            case "band":
                return self._bands(batch)
            case "step":
                contacts = {one.enrollment_id: one.contact_id for one in batch.standing}
                return {contacts[id]: _texts(values.get(self.kept)) for id, values in words.kept(batch, self.step).items()}
        table = "contact" if batch.object_type == "contact" else "record"
        statement = f"SELECT c.id, c.properties -> %s FROM {table} c WHERE c.id = ANY(%s)"
        return {id: _texts(_read(stored)) for id, stored in sql.rows(statement, [self._property(batch.object_type), batch.contact_ids])}

    def _bands(self, batch: Batch) -> Mapping[int, list[str]]:
        model = ScoreModel.objects.filter(pk=self.score or 0).first()
        bands = sorted(model.bands, key=lambda band: int(band["at_least"]), reverse=True) if model else []
        rows = sql.rows("SELECT contact_id, total FROM score WHERE contact_id = ANY(%s) AND model_id = %s", [batch.contact_ids, self.score or 0])
        points = {**dict.fromkeys(batch.contact_ids, 0), **dict(rows)}
        return {id: [str(band["key"]) for band in bands if total >= int(band["at_least"])][:1] for id, total in points.items()}

    def _property(self, object_type: str) -> str:
        if self.of == "property":
            return self.property
        if object_type == "contact":
            return "lifecyclestage"
        found = types.known().get(object_type)
        return found.stage_property if found else ""

    def _known(self) -> Property | None:
        return catalog.current().property(self.object_type, self._property(self.object_type))

    def offered(self, name: str) -> list[tuple[str, str]]:
        if name != "values" or self.of == "step":
            return []
        if self.of == "band":
            return [(band.key, band.label) for band in catalog.current().bands(self.score or 0)]
        known = self._known()
        if known is not None and known.type == "boolean":
            return [("true", gettext("Yes")), ("false", gettext("No"))]
        return list(known.options) if known else []

    def ways(self) -> tuple[tuple[str, str | Promise], ...]:
        return (*((label, _named(self, value)) for label, value in sorted(self.values.items())), (OTHER, _("Other")))

    def detail(self) -> str:
        match self.of:
            case "band":
                return catalog.current().score(self.score or 0) or ""
            case "step":
                return f"{self.step} {self.kept}".strip()
        known = self._known()
        return known.label if known else self.property

    def problems(self) -> list[Problem]:
        found = []
        if self.of in ("property", "stage") and self._known() is None:
            text = gettext("There is no property {name}.").format(name=self.property) if self.property else gettext("These records have no stage.")
            return [Problem("property" if self.of == "property" else "of", "PROPERTY_DOESNT_EXIST", text)]
        if self.of == "band" and (self.object_type != "contact" or catalog.current().score(self.score or 0) is None):
            return [Problem("score", "NOT_FOUND", gettext("There is no such score."))]
        offered = {value for value, _label in self.offered("values")}
        for label, value in self.values.items():
            if not value.strip():
                found.append(Problem(f"values.{label}", "REQUIRED", gettext("Say which value this way is for.")))
            elif offered and value not in offered:
                found.append(Problem(f"values.{label}", "INVALID_OPTION", gettext("There is no option {value}.").format(value=value)))
            elif sum(value == other for other in self.values.values()) > 1:
                found.append(Problem(f"values.{label}", "DUPLICATE", gettext("Two ways are for the same value.")))
        return found


def _name(step: BranchValue, value: str) -> str:
    return dict(step.offered("values")).get(value, value)


_named = lazy(_name, str)


def _texts(value: Any) -> list[str]:
    """A stored value as texts: a list has several, nothing has none."""
    if value in (None, ""):
        return []
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return ["true" if value is True else "false" if value is False else str(value)]


def _read(stored: Any) -> Any:
    """Raw cursors of Django hand out jsonb as text."""
    return json.loads(stored) if isinstance(stored, str) else stored
