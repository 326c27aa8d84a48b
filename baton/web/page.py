"""The contract of a page: one file in pages/, found by the registry; the navigation and the addresses come from it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.functional import Promise

from baton.accounts import permissions, rights
from baton.accounts.models import User
from baton.accounts.rights import Action, Level
from baton.platform import registry
from baton.platform.actor import Actor

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Item:
    """One line of the navigation."""

    key: str  # the beginning of the addresses it stands for: contacts, objects/products
    label: str | Promise
    icon: str
    url: str
    count: int = 0
    on_phone: bool = False


@dataclass(frozen=True)
class Need:
    """What an address asks of whoever calls it; an empty one: to be signed in. Every view carries its own as `needs`, and the tests walk over them."""

    area: str = ""
    level: Level = "view"
    action: Action | None = None  # on records of this type:
    object_type: str = ""  # empty: of the type that the address names


class Page:
    """One area of the product. A class without `icon` has addresses but no place in the navigation."""

    key: ClassVar[str]  # first part of its addresses, and what marks it in the navigation
    label: ClassVar[str | Promise] = ""
    icon: ClassVar[str] = ""  # a Lucide name
    group: ClassVar[str] = ""  # "", customers, marketing, automation, analytics
    order: ClassVar[int] = 100  # within the group
    area: ClassVar[str] = ""  # permission area a user must be able to view; empty: everybody who is signed in
    on_phone: ClassVar[bool] = False  # also in the tab bar of phones (four at most)

    @classmethod
    def address(cls) -> str:
        """Where the navigation leads."""
        return f"/{cls.key}/"

    @classmethod
    def count(cls, user: User) -> int:
        """A number shown beside the label (unread notices ...); 0 shows none."""
        return 0

    @classmethod
    def items(cls, user: User) -> list[Item]:
        """Its lines in the navigation: one, or as many as its data asks for."""
        return [Item(cls.key, cls.label, cls.icon, cls.address(), cls.count(user), cls.on_phone)]

    @classmethod
    def urls(cls) -> list[URLPattern]:
        """Addresses of the page, written from the root."""
        raise NotImplementedError


def pages() -> dict[str, type[Page]]:
    """All pages by key."""
    return registry.discover("baton.web.pages", Page)


def allow(area: str = "", level: Level = "view") -> Callable[[View], View]:
    """Let only signed-in users in whose role may `level` (view, edit) this area; others get the sign-in page or a 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if area:
                permissions.require(request.user, area, level)
            return view(request, *args, **kwargs)

        return declare(guarded, Need(area, level))

    return decorate


def allow_records(object_type: str, action: Action) -> Callable[[View], View]:
    """Let only those in whose role may do this with some records of the type; on which ones, the view asks the rights."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            rights.of(user(request)).require(object_type, action)
            return view(request, *args, **kwargs)

        return declare(allow()(guarded), Need(action=action, object_type=object_type))

    return decorate


def declare(view: View, need: Need) -> View:
    """Write on a view what it asks, beside what it asks already; whoever guards views writes it."""
    view.needs = (*getattr(view, "needs", ()), need)  # type: ignore[attr-defined]  # functions may carry more than their type says
    return view


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = settings.LOGIN_URL
        return answer
    return redirect(f"{settings.LOGIN_URL}?next={quote(request.get_full_path())}")


def user(request: HttpRequest) -> User:
    """Who is signed in; only in views that `allow` guards."""
    assert isinstance(request.user, User)
    return request.user


def actor(request: HttpRequest) -> Actor:
    """The signed-in user, as writes name him."""
    return Actor("user", request.user.pk)
