"""Rights on records: object type x action x own, team or all; tokens by their scopes."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from baton.accounts import rights, scopes
from baton.accounts.models import ApiToken, Role, Team, User
from baton.accounts.rights import ACTIONS, Rights
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Forbidden

pytestmark = pytest.mark.django_db


def role(key: str = "closer", areas: dict[str, str] | None = None, **objects: dict[str, str]) -> Role:
    return Role.objects.create(key=key, name=key, rights={name.replace("others", "*"): held for name, held in objects.items()}, areas=areas or {})


def someone(key: str, name: str = "someone", team: Team | None = None) -> User:
    return User.objects.create_user(f"{name}@nuriwork.example", name=name, role=key, team=team)


def test_the_system_may_do_everything_and_a_stranger_nothing() -> None:
    assert all(rights.of(None).scope("contact", action) == "all" for action in ACTIONS)
    locked = User.objects.create_user("x@nuriwork.example", name="x", role="admin", is_active=False)
    for stranger in (AnonymousUser(), locked, someone("emperor"), ApiToken(scopes=[])):
        assert all(rights.of(stranger).scope("contact", action) == "none" for action in ACTIONS)


@pytest.mark.parametrize(
    ("key", "object_type", "action", "scope"),
    [
        ("admin", "ship", "delete", "all"),
        ("marketing", "contact", "merge", "all"),
        ("marketing", "deal", "view", "all"),
        ("marketing", "deal", "edit", "none"),
        ("marketing", "deal", "export", "all"),
        ("sales", "deal", "edit", "all"),
        ("sales", "contact", "export", "none"),
        ("viewer", "ship", "view", "all"),
        ("viewer", "contact", "create", "none"),
    ],
)
def test_the_built_in_roles(key: str, object_type: str, action: Any, scope: str) -> None:
    assert rights.of(someone(key)).scope(object_type, action) == scope


def test_an_object_type_nobody_named_has_the_rights_of_the_others() -> None:
    role(others={"view": "team"}, deal={"view": "own", "edit": "all"})
    held = rights.of(someone("closer"))
    assert (held.scope("ship", "view"), held.scope("deal", "view"), held.scope("ship", "edit")) == ("team", "own", "none")


def test_who_may_not_see_a_record_may_not_change_it() -> None:
    role(deal={"view": "own", "edit": "all", "export": "team", "create": "all"}, contact={"view": "none", "create": "all", "edit": "all"})
    held = rights.of(someone("closer"))
    assert (held.scope("deal", "edit"), held.scope("deal", "export"), held.scope("deal", "create")) == ("own", "own", "all")
    assert (held.scope("contact", "edit"), held.scope("contact", "create")) == ("none", "none")


def test_own_and_team_by_owner_and_as_sql() -> None:
    sales, other = Team.objects.create(name="sales"), Team.objects.create(name="other")
    role(deal={"view": "team", "edit": "own"})
    me, mate, far = someone("closer", "me", sales), someone("closer", "mate", sales), someone("closer", "far", other)
    held = rights.of(me)
    owners = {"me": me.pk, "mate": mate.pk, "far": far.pk, "nobody": None}

    def shown(held: Rights, action: Any) -> set[str]:
        condition, params = held.where("deal", action, "r")
        found = sql.rows(f"SELECT owner_id FROM (VALUES (%s::bigint), (%s), (%s), (%s)) AS r (owner_id) WHERE {condition}", [*owners.values(), *params])
        names = {id: name for name, id in owners.items()}
        assert {names[row[0]] for row in found} == {name for name, id in owners.items() if held.may("deal", action, [id])}
        return {names[row[0]] for row in found}

    assert shown(held, "view") == {"me", "mate", "nobody"}
    assert shown(held, "edit") == {"me"}
    assert shown(held, "delete") == set()
    assert shown(rights.of(None), "delete") == set(owners)
    held.require("deal", "edit", [me.pk])
    for refused in ([mate.pk], [me.pk, None]):
        with pytest.raises(Forbidden):
            held.require("deal", "edit", refused)
    lonely = rights.of(someone("closer", "lonely"))
    assert lonely.may("deal", "view", [None])
    assert not lonely.may("deal", "view", [me.pk])


def test_a_users_rights_cost_one_query(django_assert_num_queries: Any) -> None:
    user = someone("sales")
    with django_assert_num_queries(1):
        for _time in range(5):
            rights.of(user).scope("deal", "view")
            rights.of(user).where("deal", "edit", "r")
    with django_assert_num_queries(0):
        rights.of(User(role="admin", is_active=True)).require("deal", "view")


def test_the_administrators_rights_cannot_be_taken_in_the_database() -> None:
    Role.objects.create(key="admin", rights={"*": {}}, builtin=True)
    assert rights.of(someone("admin")).scope("deal", "delete") == "all"


def test_a_changed_built_in_role_is_the_row() -> None:
    Role.objects.create(key="sales", rights={"*": {"view": "own"}}, builtin=True)
    assert rights.of(someone("sales")).scope("contact", "view") == "own"


def test_nonsense_in_a_role_gives_nothing() -> None:
    Role.objects.create(key="odd", name="odd", rights={"*": {"view": "everything"}}, areas={"forms": 3})
    held = rights.of(someone("odd"))
    assert (held.scope("deal", "view"), held.level("forms"), held.level("spaceships")) == ("none", "none", "none")


def test_covers() -> None:
    admin, sales, viewer = (rights.of(someone(key, key)) for key in ("admin", "sales", "viewer"))
    marketing = rights.of(someone("marketing", "marketing"))
    assert admin.covers(marketing)
    assert admin.covers(rights.SYSTEM)
    assert rights.SYSTEM.covers(admin)
    assert sales.covers(viewer)
    assert not viewer.covers(sales)
    assert not sales.covers(marketing)
    assert not marketing.covers(sales)


def token(*names: str) -> Rights:
    return rights.of(ApiToken(scopes=list(names)))


def test_a_token_has_the_rights_of_its_scopes() -> None:
    held = token("contacts.read", "deals.write")
    assert (held.scope("contact", "view"), held.scope("contact", "edit"), held.scope("note", "view")) == ("all", "none", "all")
    assert [held.scope("deal", action) for action in ACTIONS] == ["all", "all", "all", "all", "none", "all", "none"]
    assert (held.scope("ship", "view"), held.level("segments")) == ("none", "none")
    assert token("deals.read", "crm.export").scope("deal", "export") == "all"
    assert token("deals.write", "crm.import").scope("deal", "import") == "all"
    assert token("crm.objects.custom.write").scope("ship", "edit") == "all"
    assert token("crm.lists.write").level("segments") == "edit"
    assert rights.SYSTEM.covers(token("*"))
    assert token("*").covers(rights.SYSTEM)


@pytest.mark.parametrize(
    ("held", "needed", "allowed"),
    [
        ("crm.objects.contacts.read", "contacts.read", True),
        ("contacts.write", "crm.objects.contacts.read", True),
        ("crm.schemas.deals.read", "schemas.read", True),
        ("crm.schemas.deals.read", "crm.schemas.deals.write", False),
        ("tickets", "tickets.write", True),
        ("tickets.write", "tickets", True),
        ("tickets.read", "tickets", False),
        ("e-commerce", "crm.objects.line_items.write", True),
        ("crm.objects.line_items.write", "e-commerce", False),
        ("crm.lists.write", "crm.lists.read", True),
        ("crm.export", "crm.import", False),
        ("oauth", "contacts.read", False),
        ("*", "crm.export", True),
    ],
)
def test_scopes_in_either_ones_names(held: str, needed: str, allowed: bool) -> None:
    assert scopes.allow([held], needed) is allowed


def test_a_scope_that_does_not_exist_is_a_mistake() -> None:
    assert scopes.ours("crm.objects.spaceships.read") is None
    assert scopes.ours("contacts.fly") is None
    with pytest.raises(KeyError):
        scopes.allow(["*"], "contacts.fly")


def test_the_rights_behind_an_actor() -> None:
    user = someone("viewer")
    made = ApiToken.objects.create(name="t", digest="d", hint="h", scopes=["deals.read"])
    assert rights.of_actor(Actor("user", user.pk)).scope("deal", "view") == "all"
    assert rights.of_actor(Actor("token", made.pk)).scope("contact", "view") == "none"
    assert rights.of_actor(SYSTEM).scope("contact", "delete") == "all"
    assert rights.of_actor(Actor("workflow", 7)).scope("contact", "delete") == "all"
    assert rights.of_actor(Actor("user", 999_999)) == rights.NOTHING
