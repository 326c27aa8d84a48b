"""Who needs what: asked before a property, an option, a form or a list is put aside. Whoever keeps definitions says how to find out."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from django.utils.translation import gettext as _

from baton.platform.errors import Conflict


class Mention(NamedTuple):
    """Something that a stored filter, a workflow or the like needs.

    `kind` is property ("contact.city"), option ("contact.industry", `part` its value), form, email, segment, asset, news (their ids), event (its name),
    score (its key or id; "": the first one), band (likewise, `part` its key) or workflow (its id).
    """

    kind: Literal["property", "option", "form", "email", "event", "segment", "score", "band", "asset", "workflow", "news"]
    key: str
    part: str = ""


Users = Callable[[Mention], Iterable[str]]
_finders: list[Users] = []


def also_used_by(find: Users) -> Users:
    """Make a function one that is asked who needs something: it gives back names that people know."""
    _finders.append(find)
    return find


def of(thing: Mention) -> list[str]:
    """The names of all that would be broken without it, each once."""
    return list(dict.fromkeys(name for find in _finders for name in find(thing)))


def refuse(thing: Mention, label: str) -> None:
    """Raises Conflict that names who needs it; `label` is what people call the thing."""
    if users := of(thing):
        raise Conflict(_("“{what}” is used by: {users}").format(what=label, users=", ".join(users)))
