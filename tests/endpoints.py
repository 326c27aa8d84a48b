"""Every address of the product with a real thing behind it: what the tests of rights walk over. A new page or resource is found by itself."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from ninja import Router

from baton.accounts.models import User
from baton.api import urls as api
from baton.api.auth import Needs
from baton.automation import verbs as workflows
from baton.crm import records
from baton.forms import verbs as forms
from baton.messaging.mail import emails
from baton.platform.actor import SYSTEM
from baton.web.page import Need

# For people who are not signed in, and for programs of other sites.
PUBLIC = {
    "login/",
    "logout/",
    "login/inactive/",
    "login/reset/",
    "login/reset/sent/",
    r"^login/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "login/reset/done/",
    "me/language/",  # a cookie, chosen on the sign-in page
    "f/<guid>.js",
    "f/<guid>/",
    "f/<guid>",
    "f/<guid>/known",  # names of fields, never values
    "f/<guid>/intake",  # the form's key is the proof
    "f/file/<str:token>",  # the token is the proof
    "f/confirm/<str:token>",
    "uploads/form/v2/<account>/<guid>",
    "uploads/form/v2/<account>/<guid>/",
    "a/<str:guid>/",  # content: its gate decides
    "a/<str:guid>",
    "a/<str:guid>/file",  # the signed address is the proof
    "p/<str:slug>/",
    "p/<str:slug>",
    "p/colours/<str:accent>.css",
    "p/images/<int:page>/<int:number>",
    "m/<str:key>",  # images of mails: the address is made of what they show
    "m/icons/<str:network>.png",
    "u/<str:token>",  # the token is the proof
    "u/<str:token>/preferences",
    "preferences/<str:token>/",
    "preferences/undo/<str:token>/",
    "hooks/<str:key>/",  # the address is the proof, and what the provider signs
    "hooks/workflows/<str:token>/",  # likewise
    "hooks/workflows/<str:token>",
    "quotes/<str:token>/",  # so it is here
    "submissions/v3/integration/submit/<account>/<guid>",
    "submissions/v3/integration/submit/<account>/<guid>/",
}
RECORDS = re.compile(r"^\^\(\?:\(\?P<word>[^()]*\)\|objects/\(\?P<plural>[^()]*\)\)/")  # how pages of any object type begin
NAMES_ONE = re.compile(r"(?:cells/)?\(\?P<id>")  # what follows when a record is named
TYPES = {"contacts": "contact", "deals": "deal", "objects/products": "product"}  # one with a page of its own, one with stages, one of the others


@dataclass(frozen=True)
class Page:
    """One address of the pages."""

    route: str
    address: str
    needs: tuple[Need, ...]  # empty: it declares nothing
    object_type: str = ""  # of the record or table the address names
    record: bool = False  # it names one record


@dataclass(frozen=True)
class World:
    """The ids behind the addresses."""

    contact: int
    deal: int
    product: int
    task: int
    email: int
    workflow: int
    form: str
    account: int
    user: int


def world(account: Any, owner: User | None) -> World:
    """One real thing of each kind; the records belong to `owner`."""
    owned = {"owner_id": str(owner.pk)} if owner else {}
    made = {
        "contact": records.create("contact", {"email": "jiu@gaon.example", "lastname": "서", **owned}, actor=SYSTEM, source="test"),
        "deal": records.create("deal", {"dealname": "출퇴근 400명", **owned}, actor=SYSTEM, source="test"),
        "product": records.create("product", {"name": "라이선스", **owned}, actor=SYSTEM, source="test"),
        "task": records.create("task", {"subject": "전화", **owned}, actor=SYSTEM, source="test"),
    }
    form = forms.create("f", {"fields": [{"name": "email", "label": "E-mail", "type": "email"}]}, actor=SYSTEM, publish=True)
    mail, workflow = emails.create("A mail", SYSTEM).pk, workflows.create("A workflow", SYSTEM).pk
    return World(**made, email=mail, workflow=workflow, form=str(form.guid), account=account.pk, user=owner.pk if owner else 1)


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every registered address with its view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))
        else:
            assert isinstance(pattern, URLPattern)
            yield before + str(pattern.pattern), pattern.callback


def is_page(view: Callable[..., Any]) -> bool:
    """Whether a view is one of the pages (and not of the API or of signing in)."""
    return hasattr(view, "needs") or view.__module__.startswith("baton.web.")


def pages(made: World) -> list[Page]:
    """Every address of the pages that is not public, those of records once for each of TYPES."""
    found = []
    for route, view in routes():
        if route in PUBLIC or not is_page(view):
            continue
        needs = getattr(view, "needs", ())
        if RECORDS.match(route):
            for word, object_type in TYPES.items():
                rest = RECORDS.sub("", route)
                found.append(Page(route, f"/{word}/{_fill(rest, object_type, made)}", needs, object_type, bool(NAMES_ONE.match(rest))))
        else:
            found.append(Page(route, "/" + _fill(route, route.split("/")[0], made), needs, record="<int:id>" in route))
    for page in found:
        try:
            resolve(page.address)
        except Resolver404:
            raise AssertionError(f"{page.address} is no address of {page.route}: give its parts a value in _value") from None
    return found


def _fill(route: str, about: str, made: World) -> str:
    """A route with values: of a path (<int:id>) or a regular expression ((?P<id>…))."""
    route = route.removeprefix("^").removesuffix("$")

    def value(found: re.Match[str]) -> str:
        choices = found[2] or ""
        return choices.split("|")[0] if re.fullmatch(r"\w+(\|\w+)*", choices) else _value(found[1] or found[3], about, made)

    return re.sub(r"\(\?P<(\w+)>([^()]*)\)|<(?:\w+:)?(\w+)>", value, route)


def _value(name: str, about: str, made: World) -> str:
    ids = {
        "contact": made.contact, "privacy": made.contact,
        "deal": made.deal, "product": made.product, "tasks": made.task, "board": made.deal, "emails": made.email,
        "workflows": made.workflow,
    }  # fmt: skip
    known = {
        "name": {"deal": "dealname", "product": "name"}.get(about, "jobtitle"), "object_type": "deal", "role": "sales", "user_id": str(made.user),
        "step_id": "s1", "guid": made.form, "account": str(made.account), "token": "forged",
    }  # fmt: skip
    return known.get(name) or str(ids.get(about, 1) if name in ("id", "pk") else 1)


@dataclass(frozen=True)
class Resource:
    """One method of one path of the API."""

    method: str
    path: str  # as declared
    address: str
    values: dict[str, str]  # of the path's placeholders
    needs: tuple[Needs, ...]  # empty: it declares nothing


def resources(made: World) -> list[Resource]:
    """Every method of every path of the API. Paths of any object type are asked about deals, and companies at their other end."""
    fixed = {"object_type": "deals", "to_type": "companies", "id": str(made.deal), "email": "jiu@gaon.example", "domain": "gaon.example", "token": "forged"}
    found = []
    for module in api._modules:
        router = getattr(module, "router", None)
        for path, view in router.path_operations.items() if isinstance(router, Router) else ():
            values = {name: fixed.get(name, "1") for name in re.findall(r"{(\w+)}", path)}
            for operation in view.operations:
                needs = tuple(auth for auth in operation.auth_callbacks if isinstance(auth, Needs))
                found += [Resource(method, path, path.format(**values), values, needs) for method in operation.methods]
    return found
