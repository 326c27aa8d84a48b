"""The contract of a layout: how the records of a table page are shown. One file in layouts/, found by the registry; the switch comes from it."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest
from django.utils.functional import Promise

from baton.crm.models import ObjectType
from baton.platform import registry

if TYPE_CHECKING:
    from .table import Table


class Layout:
    """What stands below the filter bar, at `?layout=<key>`. The filter, the search, the views and the bar above are the table page's own."""

    key: ClassVar[str]
    label: ClassVar[str | Promise]
    icon: ClassVar[str]  # a Lucide name
    order: ClassVar[int] = 100
    template: ClassVar[str]  # included in #records with the table page's context and `context` of this class; see templates/tables/grid.html
    paged: ClassVar[bool] = False  # has sorting and columns

    @classmethod
    def fits(cls, kind: ObjectType) -> bool:
        """Whether records of this type can be shown so."""
        return True

    @classmethod
    def context(cls, request: HttpRequest, table: "Table") -> dict[str, Any]:
        """What the template needs beside `table`; `table.find` is what to show."""
        return {}


def layouts(kind: ObjectType) -> list[type[Layout]]:
    """Those that fit a type, in order; the first is what a table opens with."""
    found = registry.discover("baton.web.layouts", Layout).values()
    return sorted((layout for layout in found if layout.fits(kind)), key=lambda layout: layout.order)
