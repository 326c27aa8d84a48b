"""Where records and their tables live: four types have a word of their own, all others are below /objects/."""

from typing import Any

from baton.crm.models import ObjectType

OWN = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}


def table_url(object_type: str) -> str:
    """The table of a type, by its key: /deals/, /objects/<plural>/. Raises NotFound for an unknown type."""
    return f"/{OWN[object_type]}/" if object_type in OWN else f"/objects/{_plural(object_type)}/"


def record_url(object_type: str, id: Any) -> str:
    """The page of one record."""
    return f"{table_url(object_type)}{id}/"


def _plural(object_type: str) -> str:
    from baton.crm import types

    found: ObjectType = types.get(object_type)
    return found.plural
