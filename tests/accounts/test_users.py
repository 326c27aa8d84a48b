"""Colleagues, teams, roles, and the account."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.test import override_settings

from baton.accounts import invitations, users
from baton.accounts.models import Account, Team, User
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.models import History

pytestmark = pytest.mark.django_db
GOOD = "Straw-Lamp-22"


@pytest.fixture
def actor() -> Actor:
    return SYSTEM


def make(actor: Actor, email: str = "oh@nuriwork.example", role: str = "marketing", **more: str) -> User:
    return users.create(email, "오세린", GOOD, role, actor=actor, **more)


@override_settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS)
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


def test_every_user_is_an_owner_with_the_same_id(actor: Actor) -> None:
    han, oh = make(actor, "han@nuriwork.example", team="영업"), make(actor)
    gone = make(actor, "gone@nuriwork.example")
    users.set_active(gone.pk, False, actor=actor)
    assert [owner.pk for owner in users.owners()] == [han.pk, oh.pk]
    assert [owner.pk for owner in users.owners(email="OH@nuriwork.example")] == [oh.pk]
    assert [owner.pk for owner in users.owners(after=han.pk, limit=1)] == [oh.pk]
    assert [owner.pk for owner in users.owners(archived=True)] == [gone.pk]


def test_owners_and_their_teams_are_one_query(actor: Actor, django_assert_num_queries: Any) -> None:
    for number in range(5):
        make(actor, f"u{number}@nuriwork.example", team=f"팀 {number}")
    with django_assert_num_queries(1):
        assert len([owner.team and owner.team.name for owner in users.owners()]) == 5


def test_name_address_and_language_change_with_history(actor: Actor) -> None:
    user, other = make(actor), make(actor, "han@nuriwork.example")
    users.update(user.pk, name=" 오세린 과장 ", language="en", actor=actor)
    user.refresh_from_db()
    assert (user.name, user.language) == ("오세린 과장", "en")
    assert History.objects.filter(subject_type="user", verb="updated").values_list("detail", flat=True)[0]["name"] == ["오세린", "오세린 과장"]
    with pytest.raises(Conflict) as error:
        users.update(user.pk, email="HAN@nuriwork.example", actor=actor)
    assert error.value.existing_id == other.pk
    with pytest.raises(Invalid):
        users.update(user.pk, name=" ", actor=actor)


def test_an_invitation_is_a_link_that_works_once(actor: Actor, account: Account, mailoutbox: list[Any], client: Any) -> None:
    user = users.create("new@nuriwork.example", "신입", None, "sales", actor=actor, language="en")
    link, sent = invitations.send(user.pk, actor=actor)
    assert sent
    assert mailoutbox[0].to == ["new@nuriwork.example"]
    assert link in mailoutbox[0].body
    assert "누리워크" in mailoutbox[0].body
    path = link[link.index("/login/") :]
    form = client.get(path)["Location"]
    answer = client.post(form, {"password1": GOOD, "password2": GOOD})
    assert answer.status_code == 302
    assert authenticate(None, email=user.email, password=GOOD) == user
    assert client.get(path).status_code == 200  # says that the link no longer works
    with pytest.raises(Conflict):
        invitations.send(user.pk, actor=actor)


def test_an_invitation_that_the_mail_server_refuses_still_has_its_link(actor: Actor, account: Account, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    settings.EMAIL_TIMEOUT = 1
    user = users.create("new@nuriwork.example", "신입", None, "sales", actor=actor)
    link, sent = invitations.send(user.pk, actor=actor)
    assert (sent, "/login/reset/" in link) == (False, True)
