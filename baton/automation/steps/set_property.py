"""Give a property of the contact a value, or clear it."""

from typing import Annotated, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.accounts.models import User
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import properties, records
from baton.platform.errors import Invalid, Problem


class SetProperty(Step):
    key = "set_property"
    label = _("Set a property")
    icon = "pencil"

    property: Annotated[str, Input("property", _("Property"))] = ""
    value: Annotated[Any, Input("property_value", _("Value"), optional=True, empty=_("Clear the value"))] = None

    def run(self, batch: Batch) -> None:
        value = properties.clean("contact", {self.property: self.value})
        outcomes = records.update_many("contact", dict.fromkeys(batch.contact_ids, value), actor=batch.actor, source="workflow")
        for one in batch.standing:
            if isinstance(fault := outcomes[one.contact_id], Invalid):  # a stage that lies behind this contact
                batch.skip(one, "; ".join(problem.message for problem in fault.problems))

    def detail(self) -> str:
        definition = properties.definitions("contact").get(self.property)
        if definition is None:
            return self.property
        values = self.value if isinstance(self.value, list) else [] if self.value in (None, "") else [self.value]
        if definition.type == "user":
            words = list(User.objects.filter(pk__in=[v for v in values if str(v).isdecimal()]).values_list("name", flat=True))
        else:
            words = [properties.option_label(definition, str(v)) for v in values]
        return f"{properties.label(definition)}: {', '.join(words) or '–'}"

    def problems(self) -> list[Problem]:
        if self.property not in properties.definitions("contact"):
            return [Problem("property", "PROPERTY_DOESNT_EXIST", gettext("There is no property {name}.").format(name=self.property))]
        if self.property == "email":
            return [Problem("property", "READ_ONLY", gettext("An e-mail address belongs to one contact and cannot be set for many."))]
        try:
            properties.clean("contact", {self.property: self.value})
        except Invalid as error:
            return [Problem("value" if p.code != "READ_ONLY" else "property", p.code, p.message) for p in error.problems]
        return []
