"""Make a deal for whoever walks, linked to him and his main company."""

from typing import Annotated

from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.opened import MERGED, Opened


class CreateDeal(Opened):
    key = "create_deal"
    label = _("Create a deal")
    icon = "handshake"
    makes = "deal"

    title: Annotated[str, Input("text", _("Deal name"), help=MERGED)] = ""
