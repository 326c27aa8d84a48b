"""Tables of the CRM. Ids of contacts and records come from one sequence, `record_id_seq`, taken before the insert."""

from .association import Association, AssociationLabel
from .consent import Consent, ConsentEvent
from .contact import Contact, Identity
from .file import File
from .merge import Blocked, LikeDue, LikeKey, Likeness, Merge
from .pipeline import Pipeline, Stage
from .property import FieldType, ObjectType, PropertyDefinition, PropertyGroup, PropertyHistory, PropertyType, UniqueValue
from .record import Record
from .stage import BookedFor, Booking, LifecycleStage
from .transfer import Export, ExportPart, Import, ImportChange, ImportConsent, ImportFault, ImportLink, ImportPart
from .view import View

__all__ = [
    "Association",
    "AssociationLabel",
    "Blocked",
    "BookedFor",
    "Booking",
    "Consent",
    "ConsentEvent",
    "Contact",
    "Export",
    "ExportPart",
    "FieldType",
    "File",
    "Identity",
    "Import",
    "ImportChange",
    "ImportConsent",
    "ImportFault",
    "ImportLink",
    "ImportPart",
    "LifecycleStage",
    "LikeDue",
    "LikeKey",
    "Likeness",
    "Merge",
    "ObjectType",
    "Pipeline",
    "PropertyDefinition",
    "PropertyGroup",
    "PropertyHistory",
    "PropertyType",
    "Record",
    "Stage",
    "UniqueValue",
    "View",
]  # fmt: skip
