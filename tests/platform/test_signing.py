"""Tokens in addresses cannot be made, changed or used for something else."""

import pytest

from baton.platform import secrets, signing


def test_a_token_gives_its_numbers_back() -> None:
    assert signing.read("click", signing.make("click", 7, 2**62, -1)) == (7, 2**62, -1)


def test_of_two_tokens_of_one_digest_neither_stands_for_the_other() -> None:
    token, shown = signing.make_both("bounce", 7, 8)
    assert token == signing.make("bounce", 7, 8) != shown
    assert (signing.read("bounce", token), signing.read("bounce", shown, shown=True)) == ((7, 8), (7, 8))
    assert signing.read("bounce", shown) is signing.read("bounce", token, shown=True) is None


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t + "AAAA", lambda t: ("B" if t[0] == "A" else "A") + t[1:], lambda t: "", lambda t: "%%%", lambda t: "한글"]
)
def test_a_spoiled_token_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    assert signing.read("click", spoil(signing.make("click", 7, 8))) is None


def test_a_token_is_good_for_one_purpose() -> None:
    assert signing.read("unsub", signing.make("click", 7, 8)) is None


def test_a_stored_secret_is_not_readable_and_comes_back() -> None:
    stored = secrets.encrypt("비밀 api-key")
    assert "api-key" not in stored
    assert secrets.decrypt(stored) == "비밀 api-key"
    with pytest.raises(ValueError, match="BATON_SECRET_KEY"):
        secrets.decrypt(stored[:-6] + "AAAAA=")
