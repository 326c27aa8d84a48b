"""`was never written to by e-mail`, `gets no marketing for now`"""

from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import And, Compare, HasState, Node, Not, Performed
from baton.segments.condition import Condition

PAUSED = "paused_until"


class MailState(Condition):
    """Consent and what mails did: agreed, refused, said nothing; bounced, complained, unsubscribed; never written to; paused until some day."""

    key = "mail_state"
    label = gettext_noop("Consent and mail state")

    state: Literal["opted_in", "opted_out", "no_answer", "bounced", "complained", "unsubscribed", "never_mailed", "paused"]
    channel: Literal["email", "kakaotalk", "sms"] = "email"

    def lower(self, catalog: Catalog) -> Node:
        match self.state:
            case "no_answer":
                return And((Not(HasState("opted_in", self.channel)), Not(HasState("opted_out", self.channel))))
            case "never_mailed":
                if self.channel != "email":
                    raise FilterError("channel", "INVALID_OPTION", gettext_noop("Only e-mails are counted."))
                return Performed((int(Kind.EMAIL_SENT),), at_least=0, at_most=0)
            case "paused":
                return Compare(PAUSED, "more_than_days_ahead", 0)
            case _:
                return HasState(self.state, self.channel)

    def sentence(self, catalog: Catalog) -> str:
        match self.state:
            case "no_answer":
                return _("neither agreed to nor refused messages")
            case "never_mailed":
                return _("was never sent an e-mail")
            case "paused":
                return _("gets no marketing for now")
            case _:
                return super().sentence(catalog)
