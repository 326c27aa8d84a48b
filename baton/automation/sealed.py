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


Secret = Annotated[str, BeforeValidator(seal)]
