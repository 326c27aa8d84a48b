"""Increase or decrease a number: from what it is at the moment it is written, so that nothing is lost when others write too."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import properties, records
from baton.crm.models import PropertyDefinition
from baton.crm.writing import Reckon
from baton.platform.errors import Problem

HOW = (("increase", _("Increase by")), ("decrease", _("Decrease by")))
UNSET = (("zero", _("Count it as 0")), ("skip", _("Leave it unset")))


class ChangeNumber(Step):
    key = "change_number"
    label = _("Increase or decrease a number")
    icon = "diff"
    group = "record"
    writes: ClassVar[bool] = True  # the form offers what may be written only

    record: whom.Record = ""
    property: Annotated[str, Input("property", _("Property"))] = ""
    how: Annotated[Literal["increase", "decrease"], Input("choice", _("Change"), options=HOW)] = "increase"
    by: Annotated[float, Field(ge=0, le=10**12, allow_inf_nan=False), Input("number", _("By how much"))] = 1
    unset: Annotated[Literal["zero", "skip"], Input("choice", _("If it has no value"), options=UNSET)] = "zero"

    def run(self, batch: Batch) -> None:
        kind = self.record or batch.object_type
        found = whom.targets(batch, kind)
        times = Counter(id for ids in found.values() for id in ids)  # two contacts of one company: twice
        seen: dict[int, tuple[Any, Any]] = {}
        wanted: dict[int, records.Values | Reckon] = {id: self._change(n, lambda was, now, id=id: seen.update({id: (was, now)})) for id, n in times.items()}  # type: ignore[misc]
        outcomes = records.update_many(kind, wanted, actor=batch.actor, source="workflow")
        whom.account(batch, found, kind, outcomes)
        for one in batch.standing:
            changed = [seen[id] for id in found[one.enrollment_id] if outcomes.get(id) is None and id in seen]
            if changed and all(now is None for _was, now in changed):
                batch.skip(one, gettext("It has no value."))
            elif len(changed) == 1:
                whom.add(batch, one, was=changed[0][0], now=changed[0][1])

    def _change(self, times: int, tell: Callable[[Any, Any], None]) -> Reckon:
        by = Decimal(str(self.by)) * times * (1 if self.how == "increase" else -1)

        def reckon(was: records.Values) -> records.Values:
            before = was.get(self.property)
            if before is None and self.unset == "skip":
                tell(None, None)
                return {}
            after = Decimal(str(before or 0)) + by
            number = int(after) if after == after.to_integral_value() else float(after)
            tell(before, number)
            return {self.property: number}

        return reckon

    def _definition(self) -> PropertyDefinition | None:
        return properties.definitions(self.record or self.object_type).get(self.property)

    def detail(self) -> str:
        definition = self._definition()
        number = int(self.by) if self.by == int(self.by) else self.by
        return f"{properties.label(definition)} {'+' if self.how == 'increase' else '−'}{number}" if definition else self.property

    def problems(self) -> list[Problem]:
        definition = self._definition()
        if definition is None:
            return [Problem("property", "PROPERTY_DOESNT_EXIST", gettext("There is no property {name}.").format(name=self.property))]
        if definition.type != "number" or definition.unique_value:
            return [Problem("property", "INVALID_OPTION", gettext("Choose a property that holds a number."))]
        if definition.read_only:
            return [Problem("property", "READ_ONLY", gettext("This property cannot be written by a workflow."))]
        return [] if self.by else [Problem("by", "REQUIRED", gettext("Say by how much."))]
