"""`submitted the form “Demo request”`"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import Happened, Id


class FormSubmitted(Happened):
    key = "form_submitted"
    label = gettext_noop("Form submitted")

    form: Id | None = None

    def lower(self, catalog: Catalog) -> Node:
        return self.performed([Kind.FORM_SUBMISSION], None if self.form is None else catalog.event_keys(Kind.FORM_SUBMISSION, "is", str(self.form)))

    def sentence(self, catalog: Catalog) -> str:
        if self.form is None:
            return self.said(_("submitted any form"))
        return self.said(_("submitted the form “{name}”").format(name=catalog.key_label(Kind.FORM_SUBMISSION, str(self.form))))
