"""Give a property a value, or clear it: of whoever walks, of his main company, or of the records linked to him."""

from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.accounts.models import User
from baton.automation import whom, words
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import properties, records
from baton.crm.models import PropertyDefinition
from baton.crm.writing import Reckon
from baton.messaging.mail import render
from baton.platform import sql
from baton.platform.errors import DomainError, Invalid, Problem

HOW = (
    ("set", _("Set this value")),
    ("clear", _("Clear it")),
    ("add", _("Add to its values")),
    ("remove", _("Remove from its values")),
    ("now", _("Today, or this moment")),
    ("owner", _("The owner of who walks here")),
)


class SetProperty(Step):
    key = "set_property"
    label = _("Set a property")
    icon = "pencil"
    group = "record"

    record: whom.Record = ""
    property: Annotated[str, Input("property", _("Property"))] = ""
    how: Annotated[Literal["set", "clear", "add", "remove", "now", "owner"], Input("choice", _("Change"), options=HOW)] = "set"
    value: Annotated[
        Any,
        Input(
            "property_value",
            _("Value"),
            optional=True,
            empty=_("Clear the value"),
            shown_when=("how", "set", "add", "remove"),
            help=_("A text may use merge fields: {{ steps.s3.plan }}"),
        ),
    ] = None

    def run(self, batch: Batch) -> None:
        kind = self.record or batch.object_type
        found = whom.targets(batch, kind)
        given = self._given(batch)
        wanted: dict[int, records.Values | Reckon] = {}
        for one in batch.standing:
            if one.contact_id in given:
                wanted |= dict.fromkeys(found[one.enrollment_id], self._change(given[one.contact_id]))
        outcomes = records.update_many(kind, wanted, actor=batch.actor, source="workflow")
        whom.account(batch, found, kind, outcomes)
        for one in batch.standing:
            if one.contact_id not in given:
                batch.skip(one, gettext("There is no value for it."))

    def _given(self, batch: Batch) -> dict[int, Any]:
        """The value for each of the batch; who has none is missing: a merge field that is empty clears nothing."""
        if self.how == "clear":
            return dict.fromkeys(batch.contact_ids)
        if self.how == "now":
            return dict.fromkeys(batch.contact_ids, batch.now)
        if self.how == "owner":
            table = "contact" if batch.object_type == "contact" else "record"
            return dict(sql.rows(f"SELECT id, owner_id FROM {table} WHERE id = ANY(%s) AND owner_id IS NOT NULL", [batch.contact_ids]))
        if not self._merges():
            return dict.fromkeys(batch.contact_ids, self.value)
        known = words.people(batch, self.value)
        values = {id: render.value(self.value, known[id]) for id in batch.contact_ids}
        return {id: value for id, value in values.items() if value not in (None, "", [])}

    def _change(self, value: Any) -> records.Values | Reckon:
        """What is written; several values are changed from those the record has at that moment."""
        if self.how not in ("add", "remove"):
            return {self.property: value}
        some = [str(v) for v in value] if isinstance(value, list) else [str(value)]

        def reckon(was: records.Values) -> records.Values:
            before = [v for v in was.get(self.property) or [] if v not in some]
            return {self.property: [*before, *some] if self.how == "add" else before}

        return reckon

    def _merges(self) -> bool:
        return isinstance(self.value, str) and "{{" in self.value

    def _definition(self) -> PropertyDefinition | None:
        return properties.definitions(self.record or self.object_type).get(self.property)

    def detail(self) -> str:
        definition = self._definition()
        if definition is None:
            return self.property
        label = properties.label(definition)
        if self.how in ("clear", "now", "owner"):
            return f"{label}: {dict(HOW)[self.how]}"
        values = self.value if isinstance(self.value, list) else [] if self.value in (None, "") else [self.value]
        if definition.type == "user" and not self._merges():
            shown = list(User.objects.filter(pk__in=[v for v in values if str(v).isdecimal()]).values_list("name", flat=True))
        else:
            shown = [properties.option_label(definition, str(v)) for v in values]
        sign = {"add": "+ ", "remove": "− "}.get(self.how, "")
        return f"{label}: {sign}{', '.join(shown) or '–'}"

    def problems(self) -> list[Problem]:
        definition = self._definition()
        if definition is None:
            return [Problem("property", "PROPERTY_DOESNT_EXIST", gettext("There is no property {name}.").format(name=self.property))]
        kind = self.record or self.object_type
        if self.property == "email" and kind == "contact":
            return [Problem("property", "READ_ONLY", gettext("An e-mail address belongs to one contact and cannot be set for many."))]
        fits = {"now": ("date", "datetime"), "owner": ("user",), "add": ("multi_choice",), "remove": ("multi_choice",)}.get(self.how)
        if fits and definition.type not in fits:
            return [Problem("how", "INVALID_OPTION", gettext("This property cannot be changed in this way."))]
        if self.how in ("add", "remove") and not self.value:
            return [Problem("value", "REQUIRED", gettext("Choose the values."))]
        if self._merges():
            return words.check("value", self.value)
        try:
            properties.clean(kind, {self.property: None if self.how in ("clear", "now", "owner") else self.value})
        except Invalid as error:
            return [Problem("value" if p.code != "READ_ONLY" else "property", p.code, p.message) for p in error.problems]
        except DomainError as error:
            return [Problem("property", "INVALID_VALUE", str(error))]
        return []
