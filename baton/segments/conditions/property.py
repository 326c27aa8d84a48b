"""`the industry is any of IT, Bio`"""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import field_validator

from baton.crm.uses import Mention
from baton.query.catalog import Catalog
from baton.query.nodes import And, Compare, Node
from baton.segments.condition import Condition, Text, as_value, texts


class Property(Condition):
    """`unset` false: a negative comparison leaves out those of whom it is not known. `case`: capital and small letters are not the same."""

    key = "property"
    label = gettext_noop("Property")

    property: Text
    operator: str
    value: Any = None
    unset: bool = True
    case: bool = False

    _value = field_validator("value")(as_value)

    def lower(self, catalog: Catalog) -> Node:
        return self.compare()

    def sentence(self, catalog: Catalog) -> str:
        said = super().sentence(catalog) if self.unset else self.model_copy(update={"unset": True}).sentence(catalog)
        return said if self.unset else _("{filter}, and it is known").format(filter=said)

    def mentions(self, object_type: str) -> Iterable[Mention]:
        yield Mention("property", f"{object_type}.{self.property}")
        for text in texts(self.value):
            yield Mention("option", f"{object_type}.{self.property}", text)

    def compare(self, of: str = "contact") -> Node:
        """The comparison, of a record of type `of`. What is a positive one with `unset` false is the same: it never matches unset."""
        asked = Compare(self.property, self.operator, self.value, of, self.case)
        return asked if self.unset else And((asked, Compare(self.property, "known", of=of)))
