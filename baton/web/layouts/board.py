"""Records as cards in the columns of their stages: deals with sums, tickets with their service level."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from baton.crm.models import ObjectType

from ..parts import board
from ..parts.layout import Layout
from ..parts.table import Table


class Board(Layout):
    key = "board"
    label = _("Board")
    icon = "square-kanban"
    order = 10
    template = "tables/board.html"

    @classmethod
    def fits(cls, kind: ObjectType) -> bool:
        return bool(kind.stage_property)

    @classmethod
    def context(cls, request: HttpRequest, table: Table) -> dict[str, Any]:
        return {"board": board.read(table)}
