"""Rights by area follow from the role."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser

from baton.accounts import permissions
from baton.accounts.models import Role, User
from baton.accounts.permissions import AREAS, can
from baton.platform.errors import Forbidden

pytestmark = pytest.mark.django_db


def someone(role: str, active: bool = True) -> User:
    return User(email=f"{role}@nuriwork.example", role=role, is_active=active)


def test_an_administrator_may_do_everything() -> None:
    assert all(can(someone("admin"), area, "edit") for area in AREAS)


@pytest.mark.parametrize(
    ("role", "area", "view", "edit"),
    [
        ("marketing", "workflows", True, True),
        ("marketing", "deals", True, False),
        ("marketing", "users", False, False),
        ("sales", "contacts", True, True),
        ("sales", "scoring", True, False),
        ("sales", "exports", False, False),
        ("viewer", "contacts", True, False),
        ("viewer", "settings", False, False),
        ("viewer", "tokens", False, False),
    ],
)
def test_a_role_has_its_rights(role: str, area: str, view: bool, edit: bool) -> None:
    assert (can(someone(role), area, "view"), can(someone(role), area, "edit")) == (view, edit)


def test_a_viewer_changes_nothing() -> None:
    assert not any(can(someone("viewer"), area, "edit") for area in AREAS)


def test_who_is_not_signed_in_or_was_locked_out_may_nothing() -> None:
    for user in (AnonymousUser(), None, someone("admin", active=False), someone("emperor"), SimpleNamespace()):
        assert not any(can(user, area, "view") for area in AREAS)
        with pytest.raises(Forbidden):
            permissions.require(user, "contacts", "view")


def test_an_unknown_area_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        can(someone("admin"), "spaceships", "view")


def test_areas_that_are_records_follow_from_the_objects() -> None:
    Role.objects.create(key="closer", rights={"deal": {"view": "own", "edit": "own", "export": "own"}}, areas={"forms": "view"})
    assert [can(someone("closer"), area, "edit") for area in ("deals", "contacts", "objects", "exports", "imports", "forms")] == [
        True, False, True, True, False, False,
    ]  # fmt: skip
    assert can(someone("closer"), "forms")
