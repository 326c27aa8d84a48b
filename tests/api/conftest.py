"""A program that calls the API, as the tests of its areas need one."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from baton.accounts import tokens
from baton.api import limits
from baton.platform.actor import SYSTEM

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh_buckets() -> Iterator[None]:
    limits.forget()
    yield
    limits.forget()


@pytest.fixture
def everything(db: None) -> str:
    """A token that may do all, without limit."""
    return tokens.create("everything", ["*"], limited=False, actor=SYSTEM)


@pytest.fixture
def program(everything: str) -> Call:
    """`program("GET", "/crm/v3/owners")` answers with `status_code` and the parsed `body`; another `token` may be given."""

    def run(method: str, path: str, body: Any = None, *, token: str = everything, **headers: str) -> Any:
        data = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        response = Client(raise_request_exception=False).generic(
            method, path, data or "", content_type="application/json", headers={"authorization": f"Bearer {token}", **headers}
        )
        response.body = json.loads(response.content) if response.content else None  # type: ignore[attr-defined]
        return response

    return run


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read of definitions is kept while the test runs, however slow the machine is: for tests that count statements."""
    from baton.crm import properties, types

    monkeypatch.setattr(properties, "FRESH", 600.0)
    monkeypatch.setattr(types, "FRESH", 600.0)
