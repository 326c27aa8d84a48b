"""Where a column goes. A target is stored as text:

property:<type>:<name>   a value of a record          fullname:contact   family and given name in one
link:<type>:<by>         the record it belongs to     emails:contact     more addresses, separated by , or ;
id:<type>                Baton's own number           created:<type>     when it was made
consent:<channel>        yes or no                    consent_at:<channel>   since when
refused:<channel>        yes means no                 kind:activity      call, meeting, task ...
minutes:contact          how long he attended
new:<type>:<kind of value>  a property that the import makes; new:<type>:text:unique keeps the numbers of another system
"" leaves the column out.
"""

from dataclasses import dataclass

from baton.crm import consent, properties, types
from baton.crm.models.property import PropertyType

ACTIVITIES = ("call", "meeting", "task", "note", "email", "communication")
# What a column of a file of activities is called in each of them.
ACTIVITY: dict[str, dict[str, str]] = {
    "at": dict.fromkeys(ACTIVITIES, "at"),
    "title": {"call": "title", "meeting": "title", "task": "subject", "email": "subject"},
    "body": {"call": "body", "meeting": "body", "task": "body", "note": "body", "email": "text", "communication": "body"},
    "owner_id": dict.fromkeys(ACTIVITIES, "owner_id"),
    "call_outcome": {"call": "outcome"},
    "meeting_outcome": {"meeting": "outcome"},
    "task_status": {"task": "status"},
    "due": {"task": "at"},
}
LINKED_BY = {"company": ("name", "domain", "business_number"), "contact": ("email",), "product": ("name",), "deal": ("name",), "ticket": ("name",)}
BESIDE = {"contact": ("company",), "deal": ("company", "contact"), "ticket": ("contact", "company"), "company": ("contact",), "activity": ()}


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a target; all empty: the column is left out."""

    what: str = ""
    object_type: str = ""
    name: str = ""
    unique: bool = False

    @classmethod
    def parse(cls, text: str) -> "Target":
        what, object_type, name, unique, *_rest = [*text.split(":"), "", "", "", ""]
        return cls(what, object_type, name, unique == "unique")

    def __str__(self) -> str:
        return ":".join(part for part in (self.what, self.object_type, self.name, "unique" if self.unique else "") if part)


def exists(target: Target, object_type: str) -> bool:
    """May a column of an import of this object type go there?"""
    if not target.what:
        return True
    if target.what in ("consent", "consent_at", "refused"):
        return target.object_type in consent.CHANNELS
    if target.what == "kind":
        return object_type == "activity"
    if target.object_type == "activity":
        return object_type == "activity" and (
            target.name in ACTIVITY or target.name in unique_names("call")
            if target.what == "property"
            else target.what in ("new", "created") and target.name in PropertyType.values
        )
    kind = types.resolve(target.object_type)
    if kind is None or kind.key != target.object_type:
        return False
    if target.what == "property":
        found = properties.definitions(kind.key).get(target.name)
        return found is not None and not found.read_only
    if target.what == "link":
        return target.name == "id" or target.name in LINKED_BY.get(kind.key, ()) or target.name in unique_names(kind.key)
    if target.what == "new":
        return target.name in PropertyType.values
    return target.what in ("id", "created") or (target.what in ("fullname", "emails", "minutes") and kind.key == "contact")


def unique_names(object_type: str) -> list[str]:
    """Properties that tell records of a type apart, an e-mail address aside."""
    return [name for name, definition in properties.definitions(object_type).items() if definition.unique_value and definition.type != PropertyType.EMAIL]
