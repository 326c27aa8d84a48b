"""Settings as an administrator uses them: people, teams, roles, tokens, the company, one's own profile."""

import re
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import roles, teams, tokens, users
from baton.accounts.models import Account, ApiToken, Role, Team, User
from baton.crm import records
from baton.platform.actor import SYSTEM
from baton.platform.models import History

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-one"


@pytest.fixture
def admin(account: Account) -> User:
    return users.create("admin@nuriwork.example", "오세린", PASSWORD, "admin", actor=SYSTEM)


@pytest.fixture
def web(admin: User) -> Client:
    web = Client(headers={"accept-language": "en"})
    web.force_login(admin)
    return web


def han() -> User:
    return users.create("han@nuriwork.example", "한도윤", PASSWORD, "sales", actor=SYSTEM, team="영업")


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


# Index ------------------------------------------------------------------------


def test_everybody_finds_his_own_cards(web: Client) -> None:
    shown = text(web.get("/settings/"))
    assert all(f'href="/settings/{slug}/"' in shown for slug in ("me", "users", "teams", "roles", "account", "tokens"))
    viewer = Client(headers={"accept-language": "en"})
    viewer.force_login(users.create("lim@nuriwork.example", "임다온", PASSWORD, "viewer", actor=SYSTEM))
    shown = text(viewer.get("/settings/"))
    assert 'href="/settings/me/"' in shown
    assert 'href="/settings/users/"' not in shown
    assert viewer.get("/settings/users/").status_code == 403


def test_the_pages_ask_as_many_questions_for_many_users(web: Client, held: None) -> None:
    def asked(page: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert web.get(page).status_code == 200
        return len(queries)

    pages = ("/settings/users/", "/settings/teams/", "/settings/roles/", "/settings/roles/sales/", "/settings/tokens/")
    han()
    few = {page: asked(page) for page in pages}
    for number in range(10):
        users.create(f"u{number}@nuriwork.example", f"u{number}", PASSWORD, "sales", actor=SYSTEM, team=f"t{number}")
        roles.create(f"r{number}", copy_of="viewer", actor=SYSTEM)
        tokens.create(f"t{number}", ["deals.read"], actor=SYSTEM)
    assert {page: asked(page) for page in pages} == few


# Users ------------------------------------------------------------------------


def test_a_colleague_is_invited(web: Client, mailoutbox: list[Any]) -> None:
    sent = {"email": "new@nuriwork.example", "name": "신하늘", "role": "sales", "team": "", "language": "ko"}
    shown = text(web.post("/settings/users/new/", sent))
    link = re.search(r'value="(\S+/login/reset/[^"]+)"', shown)
    assert link
    assert link[1] in mailoutbox[0].body
    assert "Invited" in text(web.get("/settings/users/"))
    refused = web.post("/settings/users/new/", {**sent, "name": ""})
    assert refused.status_code == 422
    assert "A name is required." in text(refused)
    refused = web.post("/settings/users/new/", sent)
    assert (refused.status_code, "There is an account for new@nuriwork.example already." in text(refused)) == (422, True)
    assert text(web.post(f"/settings/users/{User.objects.get(email='new@nuriwork.example').pk}/invitation/")).count("/login/reset/") == 1


def test_a_user_changes_in_one_form_or_not_at_all(web: Client) -> None:
    user = han()
    other = Team.objects.create(name="해외")
    sent = {"name": "한도윤 대리", "email": "han@nuriwork.example", "role": "viewer", "team": str(other.pk), "language": "en"}
    assert "HX-Trigger" in web.post(f"/settings/users/{user.pk}/", sent)
    user.refresh_from_db()
    assert (user.name, user.role, user.team_id, user.language) == ("한도윤 대리", "viewer", other.pk, "en")
    for fault in ({"email": "nobody"}, {"role": "emperor"}, {"team": "999"}):
        assert web.post(f"/settings/users/{user.pk}/", {**sent, "name": "x", **fault}).status_code == 422
    user.refresh_from_db()
    assert user.name == "한도윤 대리"


def test_the_last_administrator_is_told_why_not(web: Client, admin: User) -> None:
    answer = web.post(f"/settings/users/{admin.pk}/", {"name": "x", "email": admin.email, "role": "viewer", "team": "", "language": ""})
    assert (answer.status_code, "The last administrator cannot be taken away." in text(answer)) == (422, True)
    web.post(f"/settings/users/{admin.pk}/active/", {"active": ""})
    assert users.get(admin.pk).is_active
    assert users.get(admin.pk).role == "admin"


def test_a_user_is_deactivated_and_back(web: Client) -> None:
    user = han()
    answer = web.post(f"/settings/users/{user.pk}/active/", {"active": ""})
    assert "undo" in answer["HX-Trigger"]
    assert not users.get(user.pk).is_active
    web.post(f"/settings/users/{user.pk}/active/", {"active": "1"})
    assert users.get(user.pk).is_active


def test_a_password_is_set_for_somebody(web: Client) -> None:
    user = han()
    assert web.post(f"/settings/users/{user.pk}/password/", {"password": "short"}).status_code == 422
    assert web.post(f"/settings/users/{user.pk}/password/", {"password": "Straw-Lamp-22"}).status_code == 200
    assert authenticate(None, email=user.email, password="Straw-Lamp-22") == user


def test_who_manages_users_cannot_take_over_an_administrator(admin: User) -> None:
    Role.objects.create(key="office", name="Office", rights={}, areas={"users": "edit"})
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create("office@nuriwork.example", "office", PASSWORD, "office", actor=SYSTEM))
    assert web.post(f"/settings/users/{admin.pk}/password/", {"password": "Straw-Lamp-22"}).status_code == 403
    assert authenticate(None, email=admin.email, password=PASSWORD) == admin
    assert "disabled" in text(web.get(f"/settings/users/{admin.pk}/"))


# Teams ------------------------------------------------------------------------


def test_teams_are_made_filled_and_removed(web: Client) -> None:
    user = han()
    web.post("/settings/teams/new/", {"name": "해외 영업"})
    made = Team.objects.get(name="해외 영업")
    web.post(f"/settings/teams/{made.pk}/", {"name": "해외", "member": [str(user.pk)]})
    assert teams.get(made.pk) == ("해외", [user.pk])
    assert web.post("/settings/teams/new/", {"name": "해외"}).status_code == 422
    assert web.post("/settings/teams/new/", {"name": " "}).status_code == 422
    answer = web.post(f"/settings/teams/{made.pk}/delete/")
    assert users.get(user.pk).team is None
    assert str(user.pk) in answer["HX-Trigger"]  # the way back brings the members too
    web.post("/settings/teams/new/", {"name": "해외", "member": str(user.pk)})
    assert users.get(user.pk).team is not None
    assert web.post("/settings/teams/999999/delete/").status_code == 404


# Roles ------------------------------------------------------------------------


def test_a_role_is_copied_and_changed_in_the_matrix(web: Client) -> None:
    made = web.post("/settings/roles/new/", {"name": "Own deals", "copy_of": "sales"})["HX-Redirect"]
    assert made == "/settings/roles/own-deals/"
    shown = text(web.get(made))
    assert 'name="rights.*.view"' in shown
    rows = {"name": "Own deals", "rights.*.view": "all", "rights.*.create": "all", "areas.segments": "view"}
    drafted = text(web.post(f"{made}matrix/", {**rows, "add": "deal"}))
    assert 'name="rights.deal.view"' in drafted
    assert "deal" not in roles.get("own-deals").rights  # nothing was saved
    assert 'name="rights.deal.view"' not in text(web.post(f"{made}matrix/", {**rows, "rights.deal.view": "own", "drop": "deal"}))
    assert "HX-Trigger" in web.post(made, {**rows, "rights.deal.view": "own", "rights.deal.edit": "own"})
    saved = roles.get("own-deals")
    assert (saved.rights["deal"]["view"], saved.rights["deal"]["delete"], saved.areas["segments"]) == ("own", "none", "view")
    assert web.post(made, {**rows, "name": ""}).status_code == 422
    assert web.post(f"{made}delete/")["HX-Redirect"] == "/settings/roles/"
    assert web.get(made).status_code == 404


def test_a_built_in_role_goes_back_to_what_it_was(web: Client) -> None:
    web.post("/settings/roles/sales/", {"name": "Sales", "rights.*.view": "own"})
    assert "As delivered" in text(web.get("/settings/roles/sales/"))
    web.post("/settings/roles/sales/reset/")
    assert not roles.get("sales").changed


def test_the_administrators_role_is_shown_and_stays(web: Client) -> None:
    assert "<select" not in text(web.get("/settings/roles/admin/")).partition("role-form")[2]
    web.post("/settings/roles/admin/", {"name": "x", "rights.*.view": "none"})
    assert not Role.objects.filter(key="admin").exists()


# Tokens ------------------------------------------------------------------------


def test_a_token_is_shown_once_and_revoked(web: Client) -> None:
    answer = text(web.post("/settings/tokens/new/", {"name": "Warehouse", "level.contacts": "read", "level.deals": "write", "scope": "crm.export"}))
    plain = re.search(r"bat_[0-9A-Za-z]{38}", answer)
    assert plain
    made = tokens.find(plain[0])
    assert made is not None
    assert made.scopes == ["contacts.read", "crm.export", "deals.write"]
    shown = text(web.get("/settings/tokens/"))
    assert ("Warehouse" in shown, plain[0] in shown) == (True, False)
    web.post(f"/settings/tokens/{made.pk}/revoke/")
    assert tokens.find(plain[0]) is None
    assert "Warehouse" not in text(web.get("/settings/tokens/"))


@pytest.mark.parametrize("sent", [{"name": "x"}, {"name": "", "scope": "*"}, {"name": "x", "scope": "contacts.fly"}, {"name": "x", "level.contacts": "fly"}])
def test_a_token_that_makes_no_sense_is_told(web: Client, sent: dict[str, str]) -> None:
    assert web.post("/settings/tokens/new/", sent).status_code == 422
    assert not ApiToken.objects.exists()


# Company and profile --------------------------------------------------------------


def test_the_company_changes_with_history(web: Client) -> None:
    web.post("/settings/account/", {"name": "누리워크 주식회사", "sending_domain": "mail.nuriwork.example", "postal_address": "서울"})
    assert users.account().name == "누리워크 주식회사"
    assert History.objects.filter(subject_type="account", verb="updated").exists()
    answer = web.post("/settings/account/", {"name": " "})
    assert (answer.status_code, "A name is required." in text(answer)) == (422, True)


def test_amounts_are_in_the_currency_of_the_company(web: Client, account: Account) -> None:
    deal = records.create("deal", {"dealname": "출퇴근", "amount": 1200.5}, actor=SYSTEM, source="test")
    fields = {"name": "누리워크", "sending_domain": "", "postal_address": ""}
    assert "₩1,200" in text(web.get(f"/deals/{deal}/"))
    try:
        assert "US dollar" in text(web.get("/settings/account/")).replace("Dollar", "dollar")
        assert web.post("/settings/account/", {**fields, "currency": "USD"}).status_code == 200
        assert "$1,200.50" in text(web.get(f"/deals/{deal}/"))
        assert web.post("/settings/account/", {**fields, "currency": "XXX"}).status_code == 422
    finally:
        users.update_account(currency="KRW", actor=SYSTEM)


def test_whoever_may_only_look_does_not_change_the_company(account: Account) -> None:
    web = Client(headers={"accept-language": "en"})
    web.force_login(han())
    assert web.get("/settings/account/").status_code == 200
    assert web.post("/settings/account/", {"name": "x"}).status_code == 403
    assert users.account().name == account.name


def test_my_own_name_language_and_password(web: Client, admin: User) -> None:
    assert "HX-Trigger" in web.post("/settings/me/", {"name": "오세린 팀장", "language": ""})
    assert web.post("/settings/me/", {"name": "오세린 팀장", "language": "ko"})["HX-Redirect"] == "/settings/me/"
    admin.refresh_from_db()
    assert (admin.name, admin.language) == ("오세린 팀장", "ko")
    assert web.post("/settings/me/", {"name": " ", "language": "ko"}).status_code == 422
    new = {"password": "Straw-Lamp-22", "again": "Straw-Lamp-22"}
    assert web.post("/settings/me/password/", {**new, "present": "wrong"}).status_code == 422
    assert web.post("/settings/me/password/", {**new, "present": PASSWORD, "again": "other"}).status_code == 422
    other = Client()
    other.force_login(admin)
    assert web.post("/settings/me/password/", {**new, "present": PASSWORD}).status_code == 200
    assert web.get("/settings/me/").status_code == 200  # this session goes on
    assert other.get("/settings/me/").status_code == 302
    assert authenticate(None, email=admin.email, password="Straw-Lamp-22") == admin


def test_the_pages_speak_korean(web: Client, admin: User) -> None:
    users.update(admin.pk, language="ko", actor=SYSTEM)
    assert web.get("/settings/")["Content-Language"] == "ko"
