"""Which records a program may see and change: the rights of its token, by the object types its path names."""

from collections.abc import Iterable

from django.http import HttpRequest

from baton.accounts import rights, scopes
from baton.accounts.models import ApiToken
from baton.accounts.rights import Action
from baton.api.auth import Needs, missing_scopes
from baton.crm import types
from baton.platform.errors import Forbidden


class Records(Needs):
    """`auth=Records("edit")`: the token may do this with records of the path's `{object_type}`; more pairs say what it needs for other types of the path."""

    def __init__(self, action: Action, **more: Action) -> None:
        super().__init__()
        self.actions: dict[str, Action] = {"object_type": action, **more}

    def check(self, request: HttpRequest, token: ApiToken) -> None:
        held = rights.of(token)
        match = request.resolver_match
        for place, action in self.actions.items():
            kind = types.resolve(str(match.kwargs.get(place, ""))) if match else None
            if kind is not None and not held.may(kind.key, action):  # what there is not is told by the resource
                raise missing_scopes(scope(kind.key, action))


def require(request: HttpRequest, object_type: str, action: Action) -> None:
    """The same for an object type that is known only later. Raises Failure 403."""
    try:
        rights.of(request.auth).require(object_type, action)  # type: ignore[attr-defined]  # set by ninja from what Needs returned
    except Forbidden:
        raise missing_scopes(scope(object_type, action)) from None


def scope(object_type: str, action: Action) -> str:
    """The scope a token needs: contacts.read."""
    return f"{scopes.OBJECTS.get(object_type, scopes.OBJECTS['*'])}.{'read' if action == 'view' else 'write'}"


def readable(request: HttpRequest, asked: Iterable[str]) -> None:
    """Links to records of these types are only told to who may see such records; a name that is no type is told nothing anyway. Raises Failure 403."""
    for kind in map(types.resolve, asked):
        if kind is not None:
            require(request, kind.key, "view")
