"""Colleagues, teams, roles, and the account."""

import pytest
from django.contrib.auth import authenticate

from baton.accounts import users
from baton.accounts.models import Account, Team, User
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.django_db
GOOD = "Straw-Lamp-22"


def make(actor: Actor, email: str = "oh@nuriwork.example", role: str = "marketing", **more: str) -> User:
    return users.create(email, "오세린", GOOD, role, actor=actor, **more)


def test_a_colleague_can_sign_in(actor: Actor) -> None:
    user = make(actor, " Oh@Nuriwork.EXAMPLE ", team="마케팅", language="ko")
    assert (user.email, user.team, user.password[:6]) == ("oh@nuriwork.example", Team.objects.get(name="마케팅"), "argon2")
    assert authenticate(None, email="OH@nuriwork.example", password=GOOD) == user
    assert authenticate(None, email="oh@nuriwork.example", password="wrong") is None
    make(actor, "bae@nuriwork.example", team="마케팅")
    assert Team.objects.count() == 1


def test_an_address_has_one_account(actor: Actor) -> None:
    user = make(actor)
    with pytest.raises(Conflict) as error:
        make(actor, "OH@nuriwork.example")
    assert error.value.existing_id == user.pk


@pytest.mark.parametrize("password", ["short1!", "password123", "oh@nuriwork.example", ""])
def test_a_weak_password_is_refused_in_words(actor: Actor, password: str) -> None:
    with pytest.raises(Invalid) as error:
        users.create("oh@nuriwork.example", "오세린", password, "marketing", actor=actor)
    assert {problem.path for problem in error.value.problems} == {"password"}
    assert not User.objects.exists()


def test_every_fault_is_told(actor: Actor) -> None:
    with pytest.raises(Invalid) as error:
        users.create("nobody", " ", "x", "emperor", actor=actor, language="xx")
    assert {problem.path for problem in error.value.problems} == {"email", "name", "password", "role", "language"}


def test_the_last_administrator_stays(actor: Actor) -> None:
    admin = make(actor, role="admin")
    with pytest.raises(Conflict):
        users.set_role(admin.pk, "viewer", actor=actor)
    with pytest.raises(Conflict):
        users.set_active(admin.pk, False, actor=actor)
    other = make(actor, "admin@nuriwork.example", role="admin")
    users.set_role(admin.pk, "viewer", actor=actor)
    users.set_active(admin.pk, False, actor=actor)
    assert authenticate(None, email=admin.email, password=GOOD) is None
    with pytest.raises(Conflict):
        users.set_active(other.pk, False, actor=actor)
    with pytest.raises(Invalid):
        users.set_role(other.pk, "emperor", actor=actor)
    with pytest.raises(NotFound):
        users.set_role(999_999, "admin", actor=actor)


def test_a_password_can_be_changed(actor: Actor) -> None:
    user = make(actor)
    users.set_password(user, "Another-Lamp-33", actor=actor)
    assert authenticate(None, email=user.email, password="Another-Lamp-33") == user
    with pytest.raises(Invalid):
        users.set_password(user, "x", actor=actor)


def test_there_is_one_account(account: Account, actor: Actor) -> None:
    assert users.account() == account
    users.update_account(actor=actor, name=" 누리워크 주식회사 ", postal_address="서울시 중구")
    assert users.account().name == "누리워크 주식회사"
    with pytest.raises(Invalid):
        users.update_account(actor=actor, name=" ")


def test_an_account_is_made_on_first_use() -> None:
    assert users.account() == users.account()
    assert Account.objects.count() == 1
