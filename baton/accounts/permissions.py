"""What a role may do, area by area. Areas that are records follow from the rights on their objects (rights.py)."""

from typing import Any

from baton.accounts import rights
from baton.accounts.models import User
from baton.accounts.rights import Action, Level
from baton.platform.errors import Forbidden

# Area -> the object types it shows. "*" stands for all of them.
OBJECTS = {"contacts": "contact", "companies": "company", "deals": "deal", "tickets": "ticket", "tasks": "task", "objects": "*"}
ACTS: dict[str, Action] = {"exports": "export", "imports": "import", "merges": "merge"}  # open with the right on any object type
AREAS = (*OBJECTS, *ACTS, *rights.AREAS)


def can(user: Any, area: str, level: Level = "view") -> bool:
    """May this user see (`view`) or change (`edit`) things of an area? Nobody is signed in: never. Raises KeyError for an unknown area."""
    if area not in AREAS:
        raise KeyError(area)
    if not isinstance(user, User):
        return False
    held = rights.of(user)
    types = {rights.OTHERS, *held.objects}
    if area in ACTS:
        return any(held.may(object_type, ACTS[area]) for object_type in types)
    if area == "objects":
        return any(held.may(object_type, level) for object_type in types)
    if area in OBJECTS:
        return held.may(OBJECTS[area], level)
    return held.level(area) == "edit" or held.level(area) == level


def require(user: Any, area: str, level: Level = "view") -> None:
    """Raises Forbidden unless `can`."""
    if not can(user, area, level):
        raise Forbidden(rights.refusal())
