"""`the industry is any of IT, Bio`"""

from typing import Any

from django.utils.translation import gettext_noop
from pydantic import field_validator

from baton.query.catalog import Catalog
from baton.query.nodes import Compare, Node
from baton.segments.condition import Condition, Text, as_value


class Property(Condition):
    key = "property"
    label = gettext_noop("Property")

    property: Text
    operator: str
    value: Any = None

    _value = field_validator("value")(as_value)

    def lower(self, catalog: Catalog) -> Node:
        return Compare(self.property, self.operator, self.value)
