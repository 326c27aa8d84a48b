"""`works at a company of at least 100 employees`"""

from typing import Any

from django.utils.translation import gettext_noop
from pydantic import field_validator

from baton.query.catalog import Catalog
from baton.query.nodes import Compare, Node, Related
from baton.segments.condition import Condition, Text, as_value


class CompanyProperty(Condition):
    key = "company_property"
    label = gettext_noop("Company property")

    property: Text
    operator: str
    value: Any = None

    _value = field_validator("value")(as_value)

    def lower(self, catalog: Catalog) -> Node:
        return Related("company", Compare(self.property, self.operator, self.value, of="company"))
