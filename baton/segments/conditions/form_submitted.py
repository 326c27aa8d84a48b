"""`submitted the form “Demo request”`"""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.crm.uses import Mention
from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import Happened, Id, Text, both, tagged, with_tag


class FormSubmitted(Happened):
    key = "form_submitted"
    label = gettext_noop("Form submitted")

    form: Id | None = None
    tag: Text = ""

    def lower(self, catalog: Catalog) -> Node:
        keys = None if self.form is None else catalog.event_keys(Kind.FORM_SUBMISSION, "is", str(self.form))
        return self.performed([Kind.FORM_SUBMISSION], both(keys, tagged(Kind.FORM_SUBMISSION, self.tag, catalog)))

    def sentence(self, catalog: Catalog) -> str:
        if self.form is None:
            return self.said(with_tag(_("submitted any form"), self.tag))
        name = catalog.key_label(Kind.FORM_SUBMISSION, str(self.form))
        return self.said(with_tag(_("submitted the form “{name}”").format(name=name), self.tag))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return () if self.form is None else (Mention("form", str(self.form)),)
