"""Copy the value of a property to another one: of whoever walks, of his main company, or of the records linked to him."""

from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import properties, records, types
from baton.crm.models import PropertyDefinition
from baton.crm.writing import Reckon
from baton.platform.errors import Problem

EMPTY = (("skip", _("Leave the other as it is")), ("clear", _("Clear the other too")))
FULL = (("replace", _("Replace it")), ("keep", _("Keep it")))


class CopyProperty(Step):
    key = "copy_property"
    label = _("Copy a property")
    icon = "copy"
    group = "record"
    writes: ClassVar[bool] = True  # the form offers what may be written only

    source: Annotated[str, Input("any_property", _("Copy from"), help=_("Of several linked records the first."))] = ""
    to: Annotated[str, Input("any_property", _("Copy to"), help=_("Of several linked records all."))] = ""
    if_empty: Annotated[Literal["skip", "clear"], Input("choice", _("If there is no value"), options=EMPTY)] = "skip"
    if_full: Annotated[Literal["replace", "keep"], Input("choice", _("If the other has one"), options=FULL)] = "replace"

    def run(self, batch: Batch) -> None:
        from_type, _dot, from_name = self.source.partition(".")
        to_type, _dot, to_name = self.to.partition(".")
        first = {enrollment: ids[0] for enrollment, ids in whom.targets(batch, from_type).items() if ids}
        rows = records.many(from_type, set(first.values()))
        found = whom.targets(batch, to_type)
        numbers = (d := properties.definitions(to_type).get(to_name)) is not None and d.type == "multi_choice"
        wanted: dict[int, Reckon] = {}
        without = set()
        for one in batch.standing:
            row = rows.get(first.get(one.enrollment_id, 0))
            value = row.properties.get(from_name) if row else None
            if value is None and (row is None or self.if_empty == "skip"):
                without.add(one.enrollment_id)
                continue
            if isinstance(value, list) and not numbers:
                value = ", ".join(str(v) for v in value)
            wanted |= dict.fromkeys(found[one.enrollment_id], self._copy(to_name, value))
        outcomes = records.update_many(to_type, wanted, actor=batch.actor, source="workflow")
        whom.account(batch, found, to_type, outcomes)
        for one in batch.standing:
            if one.enrollment_id in without:
                batch.skip(one, gettext("There is no value to copy."))

    def _copy(self, name: str, value: Any) -> Reckon:
        keep = self.if_full == "keep"
        return lambda was: {} if keep and was.get(name) is not None else {name: value}

    def detail(self) -> str:
        one, other = self._named(self.source), self._named(self.to)
        return f"{one} → {other}" if one and other else ""

    def _named(self, path: str) -> str:
        definition = _definition(path)
        return f"{types.label(types.get(path.partition('.')[0]))} · {properties.label(definition)}" if definition else path

    def problems(self) -> list[Problem]:
        found = [
            Problem(field, "PROPERTY_DOESNT_EXIST", gettext("There is no property {name}.").format(name=path))
            for field, path in (("source", self.source), ("to", self.to))
            if _definition(path) is None
        ]
        target = _definition(self.to)
        if target is not None and (target.read_only or target.unique_value or self.to == "contact.email"):
            found.append(Problem("to", "READ_ONLY", gettext("This property cannot be written by a workflow.")))
        if self.source == self.to and not found:
            found.append(Problem("to", "INVALID_OPTION", gettext("Choose another property than the one that is copied.")))
        return found


def _definition(path: str) -> PropertyDefinition | None:
    kind, _dot, name = path.partition(".")
    return properties.definitions(kind).get(name) if kind in types.known() else None
