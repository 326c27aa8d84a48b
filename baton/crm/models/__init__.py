"""Tables of the CRM. Ids of contacts and records come from one sequence, `record_id_seq`, taken before the insert."""

from .association import Association
from .consent import Consent
from .contact import Contact, Identity
from .pipeline import Pipeline, Stage
from .property import ObjectType, PropertyDefinition, PropertyHistory
from .record import Record

__all__ = ["Association", "Consent", "Contact", "Identity", "ObjectType", "Pipeline", "PropertyDefinition", "PropertyHistory", "Record", "Stage"]
