"""What every deployment has from its first migration on, put back where a test with real transactions has emptied the tables."""

from baton.crm import builtin
from baton.crm.models import ObjectType
from baton.events import builtin as own_events
from baton.events.models import EventDefinition


def ensure() -> None:
    """Object types, properties, pipelines, own kinds of events."""
    if not ObjectType.objects.exists():
        builtin.ensure()
    if not EventDefinition.objects.exists():
        own_events.ensure()
