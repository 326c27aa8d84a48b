"""HubSpot's names and value forms for Baton's properties, both ways."""

import re
from datetime import UTC, datetime
from typing import Any

from baton.crm.models import Contact, Record
from baton.crm.models.property import PropertyDefinition, PropertyType
from baton.crm.values import stamp

NAMES = {  # object type -> Baton's name -> HubSpot's, where they differ
    "contact": {"owner_id": "hubspot_owner_id"},
    "company": {"owner_id": "hubspot_owner_id"},
    "deal": {"owner_id": "hubspot_owner_id"},
    "ticket": {"owner_id": "hubspot_owner_id", "pipeline": "hs_pipeline", "ticket_stage": "hs_pipeline_stage", "priority": "hs_ticket_priority"},
}
VALUES = {("contact", "lifecyclestage"): {"mql": "marketingqualifiedlead", "sql": "salesqualifiedlead"}}
SOURCES = {"page": "CRM_UI", "api": "API", "form": "FORM", "import": "IMPORT", "workflow": "AUTOMATION_PLATFORM"}
MODIFIED = {"contact": "lastmodifieddate"}  # all others: hs_lastmodifieddate


def system(object_type: str, row: Contact | Record) -> dict[str, str]:
    """The properties every record has, set by the system."""
    return {
        "hs_object_id": str(row.id),
        "createdate": stamp(row.created_at),
        MODIFIED.get(object_type, "hs_lastmodifieddate"): stamp(row.updated_at),
    }


def system_names(object_type: str) -> set[str]:
    return {"hs_object_id", "createdate", MODIFIED.get(object_type, "hs_lastmodifieddate")}


def theirs(object_type: str, name: str) -> str:
    """HubSpot's name of a property."""
    return NAMES.get(object_type, {}).get(name, name)


def ours(object_type: str, name: str) -> str:
    """Baton's name of a property; a name that HubSpot does not have is taken as it is."""
    return next((mine for mine, word in NAMES.get(object_type, {}).items() if word == name), name)


def value_out(object_type: str, name: str, value: Any) -> str | None:
    """A stored value as text: `1500`, `true`, `a;b`, null. `name` is Baton's."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    return VALUES.get((object_type, name), {}).get(str(value), str(value))


def value_in(object_type: str, definition: PropertyDefinition, value: Any) -> Any:
    """What a client sent, in Baton's words; times may come as milliseconds since 1970. Faults are left for the validation to find."""
    if definition.type in (PropertyType.DATE, PropertyType.DATETIME) and not isinstance(value, bool) and re.fullmatch(r"-?\d{5,15}", str(value)):
        moment = datetime.fromtimestamp(int(value) / 1000, UTC)
        return moment.date() if definition.type == PropertyType.DATE else moment
    words = VALUES.get((object_type, definition.name), {})
    return next((mine for mine, word in words.items() if word == value), value)
