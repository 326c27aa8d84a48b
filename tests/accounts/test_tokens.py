"""API tokens: shown once, stored as a hash, ended at once."""

import re
from datetime import timedelta

import pytest

from baton.accounts import tokens
from baton.accounts.models import ApiToken
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db


def test_a_token_is_found_and_nowhere_stored() -> None:
    plain = tokens.create(" 수집기 ", ["contacts.read", "contacts.read"], actor=SYSTEM)
    assert re.fullmatch(r"bat_[0-9A-Za-z]{38}", plain)
    token = tokens.find(plain)
    assert token is not None
    assert (token.name, token.scopes, token.limited, plain.startswith(token.hint)) == ("수집기", ["contacts.read"], True, True)
    assert plain not in str(ApiToken.objects.values())


def test_no_two_are_the_same() -> None:
    assert len({tokens.create("x", ["*"], actor=SYSTEM) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1] + ("a" if t[-1] != "a" else "b"),
        lambda t: t[:10],
        lambda t: t + "0",
        lambda t: t.swapcase(),
        lambda t: "pat" + t[3:],
        lambda t: "",
    ],
)
def test_a_mistyped_token_is_turned_away_without_a_query(change: object, django_assert_num_queries: object) -> None:
    plain = change(tokens.create("x", ["*"], actor=SYSTEM))  # type: ignore[operator]
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert tokens.find(plain) is None


def test_scopes_decide() -> None:
    def allows(scopes: list[str], scope: str) -> bool:
        return tokens.allows(ApiToken(scopes=scopes), scope)

    assert allows(["contacts.read"], "contacts.read")
    assert not allows(["contacts.read"], "contacts.write")
    assert not allows(["contacts.read"], "companies.read")
    assert allows(["contacts.write"], "contacts.read")
    assert allows(["*"], "settings.write")
    assert not allows([], "contacts.read")


@pytest.mark.parametrize(("name", "scopes"), [("x", []), ("x", ["contacts.fly"]), (" ", ["*"])])
def test_a_token_that_makes_no_sense_is_refused(name: str, scopes: list[str]) -> None:
    with pytest.raises(Invalid):
        tokens.create(name, scopes, actor=SYSTEM)


def test_hubspots_scopes_become_ours() -> None:
    token = tokens.find(tokens.create("x", ["crm.objects.contacts.read"], actor=SYSTEM))
    assert token is not None
    assert token.scopes == ["contacts.read"]


def test_a_revoked_token_ends_at_once() -> None:
    plain = tokens.create("x", ["*"], actor=SYSTEM)
    token = tokens.find(plain)
    assert token is not None
    tokens.revoke(token.pk, actor=SYSTEM)
    assert tokens.find(plain) is None
    with pytest.raises(NotFound):
        tokens.revoke(token.pk, actor=SYSTEM)


def test_the_last_use_is_written_at_most_once_a_minute() -> None:
    plain = tokens.create("x", ["*"], actor=SYSTEM)
    first = tokens.find(plain)
    assert first is not None
    clock.shift(timedelta(seconds=30))
    again = tokens.find(plain)
    assert again is not None
    assert again.last_used_at == first.last_used_at
    clock.shift(timedelta(seconds=90))
    later = tokens.find(plain)
    assert later is not None
    assert later.last_used_at is not None
    assert first.last_used_at is not None
    assert later.last_used_at > first.last_used_at
