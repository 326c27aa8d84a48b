"""`opted out of e-mail`"""

from typing import Literal

from django.utils.translation import gettext_noop

from baton.query.catalog import Catalog
from baton.query.nodes import HasState, Node
from baton.segments.condition import Condition


class OptedOut(Condition):
    """Refused, unsubscribed, or must not be written to because mails bounced or were complained about."""

    key = "opted_out"
    label = gettext_noop("Opted out")

    channel: Literal["email", "kakaotalk", "sms"] = "email"

    def lower(self, catalog: Catalog) -> Node:
        return HasState("opted_out", self.channel)
