"""A program called the workflow's secret address, and said whom it is about."""

from typing import Annotated

from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.trigger import Trigger


class WebhookReceived(Trigger):
    """Enrolls in the call itself (hooks.py); what else the call says is kept for later steps: `{{ trigger.<name> }}`."""

    key = "webhook_received"
    label = _("A program called")
    icon = "webhook"
    group = "outside"
    objects = ()

    address: Annotated[
        str,
        Input(
            "hook",
            _("Address"),
            help=_("Send JSON by POST: “email” or “id” says who; what else it says can be used as {{ trigger.name }} in later steps."),
            optional=True,
        ),
    ] = ""
    make: Annotated[bool, Input("boolean", _("Make a contact of an address that nobody has"), optional=True)] = False

    def detail(self) -> str:
        return str(_("by POST to a secret address"))
