"""`took the news “Newsletter” by e-mail`, `refused the news “Seminars”`"""

from collections.abc import Iterable
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.crm.uses import Mention
from baton.query import describe
from baton.query.catalog import Catalog
from baton.query.nodes import And, HasState, Node, Not, Subscribed
from baton.segments.condition import Condition, Id


class News(Condition):
    """What somebody said of one kind of news on a channel: took it (and the agreement holds), refused it, or neither; or whether he gets it.

    Gets: agreed to marketing on the channel, and did not refuse this kind, or of one that wants an agreement of its own took it.
    """

    key = "news"
    label = gettext_noop("Kind of news")

    news: Id
    state: Literal["gets", "takes", "refused", "no_answer"] = "takes"
    channel: Literal["email", "kakaotalk", "sms"] = "email"

    def lower(self, catalog: Catalog) -> Node:
        takes, refused = Subscribed(self.news, True, self.channel), Subscribed(self.news, False, self.channel)
        match self.state:
            case "takes":
                return takes
            case "refused":
                return refused
            case "no_answer":
                return And((Not(takes), Not(refused)))
        known = catalog.news(self.news)
        return And((HasState("opted_in", self.channel), takes if known is not None and known.separate else Not(refused)))

    def sentence(self, catalog: Catalog) -> str:
        known = catalog.news(self.news)
        words = {
            "gets": _("gets the news “{name}” by {channel}"),
            "takes": _("took the news “{name}” by {channel}"),
            "refused": _("refused the news “{name}” by {channel}"),
            "no_answer": _("neither took nor refused the news “{name}” by {channel}"),
        }
        return words[self.state].format(name=known.name if known else f"#{self.news}", channel=_(describe.CHANNELS[self.channel]))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return (Mention("news", str(self.news)),)
