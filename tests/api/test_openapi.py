"""The API's own description: whole, readable by programs, and shown to people."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db
Call = Callable[..., Any]


@pytest.mark.urls("baton.api.urls")
def test_every_call_is_described_once(program: Call) -> None:
    document = program("GET", "/api/openapi.json").body
    assert document["openapi"].startswith("3.")
    calls = [call for item in document["paths"].values() for call in item.values()]
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names) > 100
    assert all(call["description"] and call["tags"] for call in calls)
    assert {"/crm/v3/objects/{object_type}", "/crm/v3/properties/{object_type}", "/crm/v3/lists/search"} <= document["paths"].keys()
    assert document["paths"]["/crm/v3/owners"]["get"]["x-scopes"] == ["owners.read", "contacts.read"]
    known = document["components"]["schemas"]
    assert {name for name in _references(document)} <= known.keys()


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in part.values()))
    return set().union(*(_references(value) for value in part)) if isinstance(part, list) else set()


@pytest.mark.parametrize(("language", "word"), [("ko", "API 문서"), ("en", "API reference")])
def test_people_read_it_in_their_language(language: str, word: str) -> None:
    users.create("kim@a.example", "김민준", "baton-demo-1", "admin", actor=SYSTEM, language=language)
    client = Client()
    client.force_login(users.by_email("kim@a.example"))
    page = client.get("/settings/api/")
    assert page.status_code == 200
    text = page.content.decode()
    assert word in text
    assert "/crm/v3/objects/{object_type}" in text
