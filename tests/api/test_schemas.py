"""Object types that a program makes: with their properties, records, links, and an end."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import users

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
PATH = "/crm-object-schemas/v3/schemas"
NEW = {
    "name": "machine",
    "labels": {"singular": "Machine", "plural": "Machines"},
    "requiredProperties": ["serial"],
    "primaryDisplayProperty": "serial",
    "secondaryDisplayProperties": ["power"],
    "searchableProperties": ["serial"],
    "properties": [
        {"name": "serial", "label": "Serial number", "type": "string", "fieldType": "text", "hasUniqueValue": True},
        {"name": "power", "label": "Power", "type": "number", "fieldType": "number"},
    ],
    "associatedObjects": ["CONTACT"],
}


def test_a_new_object_type_has_records_at_once(program: Call) -> None:
    made = program("POST", PATH, NEW)
    assert made.status_code == 201, made.body
    full_name = f"p{users.account().pk}_machine"
    assert (made.body["fullyQualifiedName"], made.body["name"], made.body["requiredProperties"]) == (full_name, "machine", ["serial"])
    assert made.body["objectTypeId"] == f"2-{made.body['id']}"
    assert {row["name"] for row in made.body["properties"]} >= {"serial", "power", "hubspot_owner_id", "hs_object_id", "hs_createdate"}
    for number, word in enumerate(("machine", "p_machine", full_name, made.body["objectTypeId"], "MACHINE")):
        assert program("GET", f"{PATH}/{word}").body["id"] == made.body["id"]
        record = program("POST", f"/crm/v3/objects/{word}", {"properties": {"serial": f"no {number}", "power": 3}})
        assert record.status_code == 201, record.body
    assert len(program("GET", "/crm/v3/objects/p_machine?properties=serial").body["results"]) == 5
    assert program("POST", "/crm/v3/objects/machine", {"properties": {"power": 3}}).status_code == 400
    assert [row["name"] for row in program("GET", "/crm/v3/schemas/").body["results"]] == ["machine"]
    assert program("POST", PATH, NEW).status_code == 409
    refused = program("DELETE", f"{PATH}/machine")
    assert refused.status_code == 400, refused.body


def test_it_is_changed_and_put_aside(program: Call) -> None:
    program("POST", PATH, NEW)
    changed = program("PATCH", f"{PATH}/machine", {"labels": {"singular": "Robot", "plural": "Robots"}, "requiredProperties": [], "description": "Arms"})
    assert changed.status_code == 200, changed.body
    assert (changed.body["labels"]["plural"], changed.body["requiredProperties"], changed.body["description"]) == ("Robots", [], "Arms")
    assert program("PATCH", f"{PATH}/machine", {"primaryDisplayProperty": "nix"}).status_code == 400
    assert program("DELETE", f"{PATH}/machine").status_code == 204
    assert program("GET", f"{PATH}/machine").status_code == 404
    assert [row["archived"] for row in program("GET", f"{PATH}?archived=true").body["results"]] == [True]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "contact"},
        {"name": "no good"},
        {"requiredProperties": ["nix"]},
        {"properties": [{"name": "serial", "label": "S", "type": "gps", "fieldType": "text"}]},
        {"properties": [{"name": "Serial", "label": "S", "type": "string", "fieldType": "text"}], "requiredProperties": [], "searchableProperties": []},
        {"associatedObjects": ["NOTHING"]},
    ],
)
def test_what_makes_no_sense_is_refused(program: Call, changes: dict[str, Any]) -> None:
    response = program("POST", PATH, {**NEW, **changes})
    assert response.status_code in (400, 409), response.body
    assert program("GET", PATH).body == {"results": []}


def test_built_in_types_are_described_but_not_taken_away(program: Call) -> None:
    assert program("GET", f"{PATH}/contacts").body["objectTypeId"] == "0-1"
    assert program("DELETE", f"{PATH}/contacts").status_code == 400
    assert program("GET", f"{PATH}/nothing").status_code == 404
