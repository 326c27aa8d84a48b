"""What no client should send is answered in the envelope, never as a failure of ours."""

import json
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts import tokens
from baton.api.hubspot import search_filters
from baton.crm import records
from baton.platform.actor import SYSTEM
from tests import examples

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


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["1", "0-2", "email", "-1", "2026-11-21", "*", "**a"])
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=4)
NAMES = [
    "email",
    "numberofemployees",
    "lifecyclestage",
    "hubspot_owner_id",
    "createdate",
    "hs_object_id",
    "competitor",
    "phone",
    "associations.company",
    "nonsense",
]
FILTER = st.fixed_dictionaries(
    {"propertyName": st.sampled_from(NAMES), "operator": st.sampled_from(search_filters.OPERATORS)},
    optional={"value": JSON, "highValue": JSON, "values": st.lists(SCALAR, max_size=3) | JSON},
)
SEARCH = st.fixed_dictionaries(
    {}, optional={"filters": st.lists(FILTER, max_size=3), "query": JSON, "sorts": JSON, "limit": JSON, "after": JSON, "properties": JSON}
)
INPUT = st.fixed_dictionaries(
    {}, optional={"id": JSON, "idProperty": st.sampled_from(["email", "city", None]), "properties": JSON, "from": JSON, "to": JSON, "types": JSON}
)
BATCH = st.fixed_dictionaries({}, optional={"inputs": st.lists(INPUT, max_size=3) | JSON, "properties": JSON, "idProperty": JSON})


@settings(max_examples=examples.some(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(search=SEARCH, batch=BATCH)
def test_odd_bodies(token: str, search: Any, batch: Any) -> None:
    web = Client(headers={"authorization": f"Bearer {token}"}, raise_request_exception=False)
    calls = [
        (f"{PATH}/search", search),
        *((f"{PATH}/batch/{verb}", batch) for verb in ("read", "create", "update", "upsert", "archive")),
        *((f"/crm/v4/associations/contacts/companies/batch/{verb}", batch) for verb in ("read", "create", "archive", "labels/archive", "associate/default")),
        ("/crm/v3/associations/contacts/companies/batch/create", batch),
        (f"{PATH}/merge", batch),
    ]
    for path, body in calls:
        with transaction.atomic():
            answer = web.post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code < 500, (path, body, answer.content)
