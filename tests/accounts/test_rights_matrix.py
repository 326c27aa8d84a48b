"""Every address x every role, and every resource of the API x every scope: refused or answered, as each declares. Nothing is listed here by hand."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from baton.accounts import permissions, rights, scopes, tokens, users
from baton.accounts.builtin_roles import BUILTIN
from baton.accounts.models import Account, Role, User
from baton.accounts.rights import Rights
from baton.api.auth import Needs
from baton.api.hubspot.access import Records
from baton.crm import types
from baton.platform.actor import SYSTEM
from baton.web.page import Need
from tests import endpoints, examples
from tests.endpoints import Page, Resource

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-one"
CUSTOM: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "nothing": ({}, {}),
    "mixed": (
        {"deal": {"view": "own", "create": "all", "edit": "own"}, "contact": {"view": "team", "edit": "own"}, "task": {"view": "team", "edit": "team"}},
        {"users": "edit", "settings": "view", "forms": "view"},
    ),
}
ROLES = [*BUILTIN, *CUSTOM]
ANSWERED = {"Session", "Change", "History"}  # what may change though nobody changed anything: sessions, queues
QUIET = {"hx-request": "true"}  # a part of a page asks: what is refused is answered without a whole page around it
OWN = {"View", "Notification"}  # what everybody has for himself


def person(role: str) -> User:
    if role in CUSTOM:
        held, areas = CUSTOM[role]
        Role.objects.get_or_create(key=role, defaults={"name": role, "rights": held, "areas": areas})
    return users.create(f"{role}-{uuid.uuid4().hex[:6]}@nuriwork.example", role, PASSWORD, role, actor=SYSTEM)


def browser(user: User) -> Client:
    web = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    web.force_login(user)
    return web


def refused(answer: Any) -> bool:
    return answer.status_code in (401, 403) or (answer.status_code == 302 and answer["Location"].startswith("/login/"))


def holds(user: User, page: Page, owner: int) -> bool:
    """Whether the role gives all that the page declares."""

    def met(need: Need) -> bool:
        if need.action is None:
            return not need.area or permissions.can(user, need.area, need.level)
        return rights.of(user).may(need.object_type or page.object_type, need.action, [owner] if page.record else ())

    return all(met(need) for need in page.needs)


def only_views(page: Page) -> bool:
    """Whether its POST may ask for more than the page itself."""
    return all((need.action or need.level) == "view" for need in page.needs)


def test_every_page_declares_what_it_asks(account: Account) -> None:
    found = endpoints.pages(endpoints.world(account, None))
    assert len(found) > 60
    assert [page.route for page in found if not page.needs] == []
    assert {need.area for page in found for need in page.needs if need.area} <= set(permissions.AREAS)
    assert endpoints.PUBLIC - {route for route, _view in endpoints.routes()} == set()


@pytest.mark.parametrize("role", ROLES if examples.TIMES > 1 else ["sales", *CUSTOM])
def test_each_role_may_what_it_holds(account: Account, role: str) -> None:
    owner = person("nothing")
    made = endpoints.world(account, owner)
    user = person(role)
    web = browser(user)
    faults = []
    for page in endpoints.pages(made):
        for method in ("GET", "POST"):
            if method == "POST" and only_views(page) and holds(user, page, owner.pk):
                continue  # it may ask for more than the page itself
            may = holds(user, page, owner.pk)
            answer = web.generic(method, page.address, headers={} if may else QUIET)
            if answer.status_code >= 500:
                faults.append((method, page.address, answer.status_code))
            elif not may and not refused(answer) and answer.status_code not in (404, 405):
                faults.append((method, page.address, answer.status_code, "let through"))
            elif may and refused(answer) and "<type>" not in page.route:  # such a page also asks for a right on the type of activity that it names
                faults.append((method, page.address, answer.status_code, "refused"))
    assert faults == []


def test_who_may_only_look_changes_nothing(account: Account) -> None:
    made = endpoints.world(account, person("sales"))
    web = browser(person("viewer"))
    before = everything()
    for page in endpoints.pages(made):
        if not page.route.startswith("settings/me/"):
            sent = b"value=x&name=x&to=away&text=x&id=1&body=x&subject=x&stage=closedwon&active=1"
            web.generic("POST", page.address, sent, "application/x-www-form-urlencoded", headers=QUIET)
    after = everything()
    assert [name for name in before if before[name] != after[name]] == []


def everything() -> dict[str, list[Any]]:
    """All rows of all tables."""
    models = [model for model in apps.get_models() if model.__name__ not in ANSWERED | OWN and model._meta.managed]
    return {model.__name__: sorted(map(str, model._default_manager.values())) for model in models}


# Programs ----------------------------------------------------------------------

OPEN = {  # every live token may call these; they tell about the token and the account only
    "/account-info/v3/details",
    "/account-info/v3/api-usage/daily/private-apps",
    "/business-units/v3/business-units/user/{user_id}",
    "/oauth/v2/private-apps/get/access-token-info",
}
PROVED_BY_PATH = {"/oauth/v1/access-tokens/{token}"}  # whoever has the token may ask about it


def open_to(resource: Resource, held: list[str]) -> bool:
    """Whether a token with these scopes may call it, by what it declares."""
    mine = Rights(*scopes.granted(held))

    def met(need: Needs) -> bool:
        if isinstance(need, Records):
            asked = {types.resolve(resource.values[place]): action for place, action in need.actions.items()}
            return all(kind is not None and mine.may(kind.key, action) for kind, action in asked.items())
        needed = need.needed(request(resource))
        return not needed or any(scopes.allow(held, scope) for scope in needed)

    return all(met(need) for need in resource.needs)


def request(resource: Resource) -> Any:
    return SimpleNamespace(resolver_match=SimpleNamespace(kwargs=resource.values), path=resource.address, method=resource.method)


def test_every_resource_of_the_api_declares_its_scopes(account: Account) -> None:
    found = endpoints.resources(endpoints.world(account, None))
    assert len(found) > 100
    assert {r.path for r in found if not r.needs} == PROVED_BY_PATH & {r.path for r in found}
    bare = {r.path for r in found if r.needs and not any(isinstance(need, Records) or need.needed(request(r)) for need in r.needs)}
    assert bare <= OPEN
    named = {scope for r in found for need in r.needs for scope in need.needed(request(r))}
    assert [scope for scope in named if scopes.ours(scope) is None] == []


@pytest.mark.parametrize("enough", [True, False], ids=["what it needs and nothing else", "all but what it needs"])
def test_each_scope_opens_what_declares_it_and_nothing_else(account: Account, enough: bool) -> None:
    made = endpoints.world(account, None)
    web, faults = Client(raise_request_exception=False), []
    tried: dict[Any, list[str]] = {}
    for resource in endpoints.resources(made):
        if not resource.needs:
            continue
        key = (resource.needs, resource.values.get("object_type"), resource.values.get("to_type"))  # many resources ask the same
        held = tried.get(key) or tried.setdefault(key, least(resource, SINGLES) if enough else most(resource))
        if not enough and open_to(resource, held):
            continue  # every live token may
        answer = web.generic(resource.method, resource.address, "{}", "application/json", headers={"authorization": f"Bearer {token(held)}"})
        if answer.status_code >= 500 or (answer.status_code == 403) is enough:
            faults.append((resource.method, resource.address, held, answer.status_code))
    assert faults == []


SINGLES = sorted((scope for scope in scopes.OWN if scope != scopes.ALL), reverse=True)  # .write before .read: what is enough is the smaller one


def least(resource: Resource, held: list[str]) -> list[str]:
    """The scopes among these that it cannot do without."""
    for scope in list(held):
        less = [other for other in held if other != scope]
        if open_to(resource, less):
            held = less
    return held


def most(resource: Resource) -> list[str]:
    """All scopes but those that open it."""
    rest = list(SINGLES)
    while needed := least(resource, rest) if open_to(resource, rest) else []:
        rest.remove(needed[0])
    return rest


def token(held: list[str]) -> str:
    return tokens.create("program", held or ["oauth"], limited=False, actor=SYSTEM)
