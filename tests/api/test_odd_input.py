"""What no client should send is answered in the envelope, never as a failure of ours."""

import json
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from baton.accounts import tokens
from baton.crm import records
from baton.platform.actor import SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.urls("baton.api.urls")]
PATH = "/crm/v3/objects/contacts"
ODD = ["a%00b", "%F0%9F%92%A5", "9" * 30, "-1", "²", "..%2F..", "a" * 4000, "%ED%A0%80"]


@pytest.fixture
def token(account: Any) -> str:
    return tokens.create("tests", ["*"], limited=False, actor=SYSTEM)


@pytest.mark.parametrize("odd", ODD)
def test_odd_addresses(token: str, odd: str) -> None:
    web = Client(headers={"authorization": f"Bearer {token}"}, raise_request_exception=False)
    found = {}
    for query in (
        f"/{odd}",
        f"/{odd}?idProperty=email",
        f"/{odd}?idProperty=email&archived=true",
        f"?limit={odd}",
        f"?after={odd}",
        f"?properties={odd}&propertiesWithHistory={odd}",
        f"?associations={odd}",
        f"?archived={odd}",
        f"/1?idProperty={odd}",
    ):
        with transaction.atomic():
            found[query] = web.get(PATH + query)
    assert {query: a.status_code for query, a in found.items() if a.status_code not in (200, 400, 404)} == {}
    assert all(a.json()["correlationId"] for a in found.values() if a.status_code != 200)


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", 10**400, {"a": 1}, [["x"]], True])
def test_odd_values(token: str, bad: Any) -> None:
    web = Client(headers={"authorization": f"Bearer {token}"}, raise_request_exception=False)
    contact = records.create("contact", {"email": "jiu@gaon.example"}, actor=SYSTEM, source="test")
    for name in ("lastname", "email", "numberofemployees", "lifecyclestage", "hubspot_owner_id", "phone", "website", "a\x00b"):
        for method, path in (("POST", PATH), ("PATCH", f"{PATH}/{contact}")):
            with transaction.atomic():
                answer = web.generic(method, path, json.dumps({"properties": {name: bad}}), content_type="application/json")
            assert answer.status_code in (200, 201, 400), (method, name, answer.content)
