"""`nothing heard for 90 days`"""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events.vocabulary import HUMAN, Kind
from baton.query.catalog import Catalog
from baton.query.nodes import And, Node, Not, PayloadTest, Performed
from baton.segments.condition import Condition, Days

MAIL = frozenset({Kind.EMAIL_OPEN, Kind.EMAIL_CLICK})


class NoActivity(Condition):
    """Did nothing himself in the last days; somebody who never did anything is quiet too. What machines did with a mail or a short link is not activity."""

    key = "no_activity"
    label = gettext_noop("No activity")

    days: Days = 90

    def lower(self, catalog: Catalog) -> Node:
        within = timedelta(days=self.days)
        # only mails and short links have machines: asked apart, the many page views are answered from the index alone
        people = (PayloadTest("machine", "missing"),)
        others = tuple(sorted(int(kind) for kind in HUMAN - MAIL - {Kind.LINK_CLICK}))
        mails = Performed(tuple(sorted(int(kind) for kind in MAIL)), within=within, where=people)
        links = Performed((int(Kind.LINK_CLICK),), within=within, where=people)
        return And((Not(Performed(others, within=within)), Not(mails), Not(links)))

    def sentence(self, catalog: Catalog) -> str:
        return _("no activity in the last {n} days").format(n=self.days)
