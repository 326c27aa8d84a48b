"""`works at a company of at least 100 employees`"""

from collections.abc import Iterable

from django.utils.translation import gettext_noop

from baton.crm.uses import Mention
from baton.query.catalog import Catalog
from baton.query.nodes import Node, Related
from baton.segments.conditions.property import Property


class CompanyProperty(Property):
    key = "company_property"
    label = gettext_noop("Company property")

    def lower(self, catalog: Catalog) -> Node:
        return Related("company", self.compare("company"))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return super().mentions("company")
