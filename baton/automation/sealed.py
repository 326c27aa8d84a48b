"""Secrets within a stored workflow (a token for somebody's server, a signing key): encrypted as soon as they are read; no draft or version shows one."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from baton.platform import secrets

MARK = "sealed:"


def seal(value: Any) -> Any:
    """A text as it is stored; what is sealed already, or empty, stays as it is."""
    return MARK + secrets.encrypt(value) if isinstance(value, str) and value and not value.startswith(MARK) else value


def open(stored: str) -> str:
    """The secret itself. Raises ValueError when it was sealed with another BATON_SECRET_KEY."""
    return secrets.decrypt(stored.removeprefix(MARK)) if stored.startswith(MARK) else stored


class Elsewhere(ValueError):
    """The secret was entered for another server."""


def bind(value: str, host: str) -> str:
    """A text as it is stored, for this server only: whoever changes the address does not get the secret there. What is sealed, or empty, stays as it is."""
    return value if not value or value.startswith(MARK) else MARK + secrets.encrypt(f"{host}\n{value}")


def bound(stored: str, host: str) -> str:
    """The secret itself, for the server it was entered for. Raises Elsewhere for another, ValueError when it was sealed with another BATON_SECRET_KEY."""
    of, _line, secret = open(stored).partition("\n")
    if stored and of != host:
        raise Elsewhere(host)
    return secret


Secret = Annotated[str, BeforeValidator(seal)]
