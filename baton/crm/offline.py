"""The source of a contact who did not come by the web site: a file, a colleague, a program."""

from collections.abc import Mapping, Sequence
from typing import Any

from baton.platform import sql
from baton.platform.actor import Actor

CLASS = "offline"
ONLINE = frozenset({"form", "site"})  # ways of making a contact that begin with a visit: events/origins.py says where from
NAMES = {  # kind of actor -> what he is called
    "import": "SELECT id, coalesce(nullif(options ->> 'occasion_name', ''), name) FROM import WHERE id = ANY(%s)",
    "user": "SELECT id, coalesce(nullif(name, ''), email) FROM \"user\" WHERE id = ANY(%s)",
    "token": "SELECT id, name FROM api_token WHERE id = ANY(%s)",
}


def values(actor: Actor, source: str) -> dict[str, str]:
    """The properties of a new contact that say so; {} for one who came by the site. `source` is the way the record was made: import, page, api …"""
    return {} if source in ONLINE else as_properties(source, names([actor]).get(str(actor), ""))


def as_properties(source: str, name: str) -> dict[str, str]:
    """Original and latest source alike: the latest one stays so until the first visit."""
    found: dict[str, str] = {}
    for which in ("original", "latest"):
        found |= {f"{which}_source": CLASS, f"{which}_source_1": source, f"{which}_source_2": name}
    return {property: value for property, value in found.items() if value}


def names(actors: Sequence[Actor]) -> Mapping[str, str]:
    """What files, colleagues and programs are called, by the text of the actor. At most one statement a kind."""
    found: dict[str, Any] = {}
    for kind, statement in NAMES.items():
        ids = sorted({actor.id for actor in actors if actor.kind == kind and actor.id is not None})
        if ids:
            found |= {f"{kind}:{id}": name for id, name in sql.rows(statement, [ids])}
    return found
