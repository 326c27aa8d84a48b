"""Roles and teams: made, copied, changed, put back, removed."""

import pytest

from baton.accounts import rights, roles, teams, users
from baton.accounts.builtin_roles import BUILTIN
from baton.accounts.models import Role, Team, User
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.models import History

pytestmark = pytest.mark.django_db


def person(name: str, role: str = "sales") -> User:
    return users.create(f"{name}@nuriwork.example", name, "Straw-Lamp-22", role, actor=SYSTEM)


def test_a_copy_starts_with_the_same_rights_and_goes_its_own_way() -> None:
    key = roles.create("영업 (자기 것만)", copy_of="sales", actor=SYSTEM)
    other = roles.create("영업 (자기 것만)", copy_of="sales", actor=SYSTEM)
    assert key != other
    copied, like = rights.of_role(key), rights.of_role("sales")
    assert copied == like
    roles.change(key, name="자기 것만", rights={"*": {"view": "own", "edit": "own"}, "deal": {"view": "team"}}, areas={"forms": "view"}, actor=SYSTEM)
    user = person("han", key)
    held = rights.of(user)
    assert (held.scope("contact", "edit"), held.scope("deal", "view"), held.scope("deal", "edit"), held.level("forms")) == ("own", "team", "none", "view")
    assert rights.of_role("sales") == like
    assert [role.key for role in roles.all()][:4] == list(BUILTIN)
    assert next(role for role in roles.all() if role.key == key).users == 1
    assert roles.names()[key] == roles.name(key) == "자기 것만"


def test_a_built_in_role_can_be_changed_and_put_back() -> None:
    roles.change("sales", name="영업", rights={"*": {"view": "own"}}, areas={}, actor=SYSTEM)
    assert (roles.get("sales").changed, str(roles.get("sales").name)) == (True, "영업")
    assert History.objects.filter(subject_type="role", verb="updated").exists()
    roles.reset("sales", actor=SYSTEM)
    assert not roles.get("sales").changed
    assert roles.get("sales").rights == BUILTIN["sales"].rights
    with pytest.raises(Conflict):
        roles.delete("sales", actor=SYSTEM)


def test_the_administrators_role_stays_as_it_is() -> None:
    with pytest.raises(Conflict):
        roles.change("admin", name="x", rights={}, areas={}, actor=SYSTEM)
    with pytest.raises(Conflict):
        roles.reset("admin", actor=SYSTEM)
    with pytest.raises(Conflict):
        roles.delete("admin", actor=SYSTEM)


def test_a_role_that_is_used_stays() -> None:
    key = roles.create("Closer", copy_of="viewer", actor=SYSTEM)
    assert key == "closer"
    user = person("han", key)
    with pytest.raises(Conflict):
        roles.delete(key, actor=SYSTEM)
    users.set_role(user.pk, "viewer", actor=SYSTEM)
    roles.delete(key, actor=SYSTEM)
    assert not Role.objects.exists()
    with pytest.raises(NotFound):
        roles.get(key)


@pytest.mark.parametrize(
    ("held", "areas", "path"),
    [
        ({"deal": {"view": "everything"}}, {}, "rights.deal.view"),
        ({"deal": {"fly": "all"}}, {}, "rights.deal.fly"),
        ({"deal": {"create": "own"}}, {}, "rights.deal.create"),
        ({}, {"forms": "all"}, "areas.forms"),
        ({}, {"spaceships": "view"}, "areas.spaceships"),
    ],
)
def test_a_right_that_makes_no_sense_is_refused(held: dict[str, dict[str, str]], areas: dict[str, str], path: str) -> None:
    with pytest.raises(Invalid) as error:
        roles.change("sales", name="x", rights=held, areas=areas, actor=SYSTEM)
    assert [problem.path for problem in error.value.problems] == [path]
    assert not roles.get("sales").changed


def test_teams_come_and_go_with_their_members() -> None:
    han, yoon = person("han"), person("yoon")
    first = teams.create("1팀", actor=SYSTEM)
    second = teams.create("2팀", actor=SYSTEM)
    teams.set_members(first, [han.pk, yoon.pk], actor=SYSTEM)
    teams.set_members(second, [yoon.pk], actor=SYSTEM)
    teams.rename(second, "둘째 팀", actor=SYSTEM)
    assert [(team.name, [user.name for user in members]) for team, members in teams.all()] == [("1팀", ["han"]), ("둘째 팀", ["yoon"])]
    with pytest.raises(Conflict):
        teams.create("1팀", actor=SYSTEM)
    with pytest.raises(Invalid):
        teams.create(" ", actor=SYSTEM)
    teams.delete(first, actor=SYSTEM)
    assert list(Team.objects.values_list("name", flat=True)) == ["둘째 팀"]
    assert users.get(han.pk).team is None
    with pytest.raises(NotFound):
        teams.delete(first, actor=SYSTEM)
