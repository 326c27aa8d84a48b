"""Make a ticket for whoever walks, linked to him and his main company."""

from typing import Annotated

from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.opened import MERGED, Opened


class CreateTicket(Opened):
    key = "create_ticket"
    label = _("Create a ticket")
    icon = "ticket"
    makes = "ticket"

    title: Annotated[str, Input("text", _("Subject"), help=MERGED)] = ""
