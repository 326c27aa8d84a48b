"""Kinds of events that everybody's marketing has, defined from the start; programs send them, lists and scores ask for them."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events import keys
from baton.events.models import EventDefinition
from baton.events.vocabulary import Kind

EVENTS = {
    "webinar_attended": (gettext_noop("Webinar attended"), [("minutes", gettext_noop("Minutes"), "number")]),
    "signed_up": (gettext_noop("Signed up"), []),
    "blog_comment": (gettext_noop("Blog comment"), []),
    "social_interaction": (gettext_noop("Reaction on social media"), [("network", gettext_noop("Network"), "string")]),
}


def ensure() -> None:
    """Define those that are missing, in the account's language. What was renamed or archived stays so."""
    there = set(EventDefinition.objects.filter(name__in=EVENTS).values_list("name", flat=True))
    missing = {name: about for name, about in EVENTS.items() if name not in there}
    EventDefinition.objects.bulk_create(
        EventDefinition(name=name, label=_(label), properties=[{"name": key, "label": _(word), "type": type_} for key, word, type_ in properties])
        for name, (label, properties) in missing.items()
    )
    keys.resolve({(Kind.CUSTOM_EVENT, name): _(label) for name, (label, _properties) in missing.items()})
