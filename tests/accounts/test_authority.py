"""Nobody gives, or takes over, more than he has: users, roles, tokens and teams."""

import pytest

from baton.accounts import roles, teams, tokens, users
from baton.accounts.builtin_roles import FULL
from baton.accounts.models import Role, Team, User
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Forbidden

pytestmark = pytest.mark.django_db
PASSWORD = "Straw-Lamp-22"


def person(name: str, role: str, team: str | None = None) -> User:
    return users.create(f"{name}@nuriwork.example", name, PASSWORD, role, actor=SYSTEM, team=team)


@pytest.fixture
def manager() -> Actor:
    """May manage users and tokens and work with deals, but is no administrator."""
    Role.objects.create(
        key="manager", name="manager", rights={"deal": FULL, "contact": {"view": "team", "edit": "own"}}, areas={"users": "edit", "tokens": "edit"}
    )
    return Actor("user", person("manager", "manager", "영업").pk)


def test_a_role_that_may_more_cannot_be_given(manager: Actor) -> None:
    other = person("other", "manager")
    for role in ("admin", "sales", "viewer"):
        with pytest.raises(Forbidden):
            users.create("new@nuriwork.example", "new", PASSWORD, role, actor=manager)
        with pytest.raises(Forbidden):
            users.set_role(other.pk, role, actor=manager)
        with pytest.raises(Forbidden):
            users.set_role(manager.id or 0, role, actor=manager)
    assert not User.objects.filter(email="new@nuriwork.example").exists()
    assert users.create("new@nuriwork.example", "new", PASSWORD, "manager", actor=manager).role == "manager"


def test_a_user_who_may_more_cannot_be_touched(manager: Actor) -> None:
    admin = person("admin", "admin")
    person("admin2", "admin")
    for touch in (
        lambda: users.set_password(admin, "Another-Lamp-33", actor=manager),
        lambda: users.update(admin.pk, email="mine@nuriwork.example", actor=manager),
        lambda: users.set_active(admin.pk, False, actor=manager),
        lambda: users.set_role(admin.pk, "manager", actor=manager),
    ):
        with pytest.raises(Forbidden):
            touch()
    users.set_password(person("mate", "manager"), "Another-Lamp-33", actor=manager)


def test_a_role_can_be_given_only_what_its_maker_has(manager: Actor) -> None:
    with pytest.raises(Forbidden):
        roles.create("Copy", copy_of="sales", actor=manager)
    key = roles.create("Copy", copy_of="manager", actor=manager)
    with pytest.raises(Forbidden):
        roles.change(key, name="Copy", rights={"*": {"view": "all"}}, areas={}, actor=manager)
    with pytest.raises(Forbidden):
        roles.change("manager", name="manager", rights={"deal": FULL, "contact": {"view": "all"}}, areas={"users": "edit"}, actor=manager)
    with pytest.raises(Forbidden):
        roles.change("viewer", name="Viewer", rights={}, areas={}, actor=manager)
    roles.change(key, name="Less", rights={"deal": {"view": "own"}}, areas={}, actor=manager)


def test_a_token_can_be_given_only_what_its_maker_has(manager: Actor) -> None:
    assert tokens.create("deals", ["deals.write"], actor=manager)
    for scope in ("*", "contacts.read", "companies.read", "settings.read"):
        with pytest.raises(Forbidden):
            tokens.create("more", [scope], actor=manager)


def test_nobody_widens_his_own_view_through_teams(manager: Actor) -> None:
    far = person("far", "manager", "해외")
    mine, other = Team.objects.get(name="영업"), Team.objects.get(name="해외")
    for move in (
        lambda: users.set_team(manager.id or 0, other.pk, actor=manager),
        lambda: users.set_team(far.pk, mine.pk, actor=manager),
        lambda: teams.set_members(mine.pk, [manager.id or 0, far.pk], actor=manager),
        lambda: users.create("new@nuriwork.example", "new", PASSWORD, "manager", actor=manager, team=mine),
    ):
        with pytest.raises(Forbidden):
            move()
    users.set_team(far.pk, None, actor=manager)
    users.set_team(far.pk, mine.pk, actor=Actor("user", person("admin", "admin").pk))


def test_who_is_gone_gives_nothing() -> None:
    admin = person("admin", "admin")
    person("admin2", "admin")
    users.set_active(admin.pk, False, actor=SYSTEM)
    with pytest.raises(Forbidden):
        users.create("new@nuriwork.example", "new", PASSWORD, "viewer", actor=Actor("user", admin.pk))
    with pytest.raises(Forbidden):
        tokens.create("t", ["contacts.read"], actor=Actor("user", 999_999))
