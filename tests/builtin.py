"""What every deployment has from its first migration on, put back where a test with real transactions has emptied the tables."""

from baton.crm import builtin
from baton.crm.models import ObjectType
from baton.events import builtin as own_events


def ensure() -> None:
    """Object types, properties, pipelines, own kinds of events."""
    if not ObjectType.objects.exists():
        builtin.ensure()
        own_events.ensure()
