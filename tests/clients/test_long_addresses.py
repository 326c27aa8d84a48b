"""Programs that name every property they want make addresses of 16 KB; the server takes them, and as many parameters."""

import json
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest


def get(baton: SimpleNamespace, query: str) -> Any:
    request = urllib.request.Request(f"{baton.url}/crm/v3/objects/contacts?limit=1&{query}", headers={"Authorization": f"Bearer {baton.token}"})
    with urllib.request.urlopen(request) as answer:
        return answer.status, json.load(answer)


@pytest.mark.parametrize("size", [8_000, 16_300])
def test_a_long_list_in_one_parameter(baton: SimpleNamespace, size: int) -> None:
    names = ",".join(f"a_property_of_theirs_{n}" for n in range(size // 24))
    status, body = get(baton, f"properties={names},email")
    assert (status, "email" in body["results"][0]["properties"]) == (200, True)
    assert len(body["paging"]["next"]["link"]) > size * 0.9


def test_a_parameter_for_each_name(baton: SimpleNamespace) -> None:
    query = "&".join(f"properties=p{n}" for n in range(1100))
    assert len(query) > 15_000
    assert get(baton, f"{query}&properties=email")[0] == 200
