"""Records as the rows of a table; on a phone as a list."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..parts import table_rows
from ..parts.layout import Layout
from ..parts.table import Table


class Grid(Layout):
    key = "table"
    label = _("Table")
    icon = "rows-3"
    order = 0
    template = "tables/grid.html"
    paged = True

    @classmethod
    def context(cls, request: HttpRequest, table: Table) -> dict[str, Any]:
        return {"found": table_rows.page(table)}
