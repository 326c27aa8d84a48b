"""`clicked a link in at least one e-mail in the last 30 days`"""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.crm.uses import Mention
from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node, PayloadTest
from baton.segments.condition import Happened, Id


class EmailClicked(Happened):
    """Clicked by a person: what mail scanners and privacy proxies do is marked `machine` and does not count."""

    key = "email_clicked"
    label = gettext_noop("E-mail clicked")

    email: Id | None = None

    def lower(self, catalog: Catalog) -> Node:
        keys = None if self.email is None else catalog.event_keys(Kind.EMAIL_CLICK, "is", str(self.email))
        return self.performed([Kind.EMAIL_CLICK], keys, where=(PayloadTest("machine", "missing"),))

    def sentence(self, catalog: Catalog) -> str:
        if self.email is None:
            return self.said(_("clicked a link in any e-mail"))
        return self.said(_("clicked a link in the e-mail “{name}”").format(name=catalog.key_label(Kind.EMAIL_CLICK, str(self.email))))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return () if self.email is None else (Mention("email", str(self.email)),)
