"""Where records and their tables live: four types have a word of their own, all others are below /objects/."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from baton.accounts import rights as access
from baton.accounts.rights import Action
from baton.crm import types
from baton.crm.models import ObjectType
from baton.platform.errors import NotFound

from ..page import Need, allow, declare, user

OWN = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
WORDS = {plural: key for key, plural in OWN.items()}
BASE = rf"^(?:(?P<word>{'|'.join(WORDS)})|objects/(?P<plural>[a-z0-9_]+))/"  # of a re_path; `of_type` reads it
Inner = Callable[..., HttpResponseBase]


def table_url(object_type: str) -> str:
    """The table of a type, by its key: /deals/, /objects/<plural>/. Raises NotFound for an unknown type."""
    return f"/{OWN[object_type]}/" if object_type in OWN else f"/objects/{types.get(object_type).plural}/"


def record_url(object_type: str, id: Any) -> str:
    """The page of one record."""
    return f"{table_url(object_type)}{id}/"


def of_type(action: Action = "view") -> Callable[[Inner], Inner]:
    """Give the view the object type of its address (BASE); only for those whose rights allow the action on some record of it."""

    def decorate(inner: Inner) -> Inner:
        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, word: str | None = None, plural: str | None = None, **kwargs: Any) -> HttpResponseBase:
            kind = _kind(word, plural)
            access.of(user(request)).require(kind.key, action)
            return inner(request, kind, *args, **kwargs)

        return declare(allow()(guarded), Need(action=action))

    return decorate


def _kind(word: str | None, plural: str | None) -> ObjectType:
    if word:
        return types.get(WORDS[word])
    found = next((kind for kind in types.all() if kind.plural == plural), None)
    if found is None or found.key in OWN:
        raise NotFound(_("There is no such kind of record."))
    return found
