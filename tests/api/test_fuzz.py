"""schemathesis against the API's own description: whatever is sent, no answer is a server error. EXAMPLES=200 tries longer."""

import json
import os
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from baton.accounts import tokens
from baton.api import limits, openapi, urls
from baton.crm import records
from baton.platform.actor import SYSTEM

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db, pytest.mark.filterwarnings("ignore")]
EXAMPLES = int(os.environ.get("EXAMPLES", "2"))  # of each call
SCHEMA = schemathesis.openapi.from_dict(openapi.describe(urls._api))
CALLS = {f"{one.ok().method.upper()} {one.ok().path}": one.ok() for one in SCHEMA.get_all_operations()}
TYPES = ("contacts", "companies", "0-3", "ticket", "line_items", "notes", "leads", "nonsense")


@pytest.fixture
def there(db: None) -> dict[str, Any]:
    """A token for everything, and ids of things that exist: an address of made-up ones would hardly get past its first line."""
    limits.forget()
    contact = records.create("contact", {"email": "there@a.example", "firstname": "There"}, actor=SYSTEM, source="page")
    deal = records.create("deal", {"dealname": "There", "amount": 3}, actor=SYSTEM, source="page")
    return {"token": tokens.create("fuzz", ["*"], limited=False, actor=SYSTEM), "ids": [str(contact), str(deal), "0", "99999999999999999999", "ä/%00"]}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_no_answer_is_a_server_error(name: str, there: dict[str, Any]) -> None:
    operation = CALLS[name]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 10,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), data=st.data())
    def attempt(case: Any, data: Any) -> None:
        for parameter in case.path_parameters or {}:
            if data.draw(st.booleans() if EXAMPLES > 10 else st.just(True)):
                known = TYPES if parameter in ("object_type", "from_type", "to_type") else there["ids"]
                case.path_parameters[parameter] = data.draw(st.sampled_from(known))
        sent = case.as_transport_kwargs(base_url="http://testserver")
        headers = {"authorization": f"Bearer {there['token']}"}
        body: dict[str, Any] = {}
        if "json" in sent and sent["json"] is not None:
            body = {"data": json.dumps(sent["json"]), "content_type": "application/json"}
        with transaction.atomic():
            client = Client(raise_request_exception=False)
            response = client.generic(sent["method"], sent["url"].removeprefix("http://testserver"), headers=headers, query_params=_flat(sent), **body)
            transaction.set_rollback(True)
        assert response.status_code < 500, (name, sent["url"], sent.get("params"), sent.get("json"), response.content[:300])

    attempt()


def _flat(sent: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, list) else str(value) for key, value in (sent.get("params") or {}).items() if "\x00" not in str(value)}
