"""Two records become one through the API, and a person is forgotten."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.crm import associations, records
from baton.crm.models import Contact
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.urls("baton.api.urls")
Program = Callable[..., Any]
PATH = "/crm/v3/objects/contacts"


def make(object_type: str = "contact", **values: Any) -> int:
    return records.create(object_type, values, actor=SYSTEM, source="page")


def test_the_first_keeps_its_id_and_the_second_leads_to_it(program: Program) -> None:
    keep, gone = make(email="a@x.example", city="서울"), make(email="b@x.example", city="부산", phone="010-4827-1935")
    deal = make("deal", dealname="x")
    associations.link("contact", gone, "deal", deal, actor=SYSTEM)
    merged = program("POST", f"{PATH}/merge", {"primaryObjectId": str(keep), "objectIdToMerge": str(gone)})
    assert merged.status_code == 200, merged.content
    assert (merged.body["id"], merged.body["properties"]["hs_merged_object_ids"]) == (str(keep), str(gone))
    assert merged.body["properties"]["hs_calculated_merged_vids"].startswith(f"{gone}:")
    shown = program("GET", f"{PATH}/{gone}?properties=city,phone,email,hs_additional_emails&associations=deals").body
    assert shown["id"] == str(keep)
    assert shown["properties"].items() >= {"city": "서울", "phone": "+821048271935", "email": "a@x.example", "hs_additional_emails": "b@x.example"}.items()
    assert shown["associations"]["deals"]["results"][0]["id"] == str(deal)
    assert program("GET", f"{PATH}/b%40x.example?idProperty=email").body["id"] == str(keep)
    read = program("POST", f"{PATH}/batch/read", {"inputs": [{"id": str(gone)}, {"id": str(keep)}], "properties": []})
    assert (read.status_code, [row["id"] for row in read.body["results"]]) == (200, [str(keep)])
    told = program("GET", f"{PATH}/{keep}?propertiesWithHistory=city").body["propertiesWithHistory"]["city"]
    assert (told[0]["value"], {entry["value"] for entry in told}) == ("서울", {"서울", "부산"})
    assert program("PATCH", f"{PATH}/{gone}", {"properties": {"city": "대구"}}).body["id"] == str(keep)
    assert program("POST", f"{PATH}/merge", {"primaryObjectId": str(keep), "objectIdToMerge": str(gone)}).status_code == 400
    assert [row["id"] for row in program("GET", PATH).body["results"]] == [str(keep)]


def test_companies_are_merged_too(program: Program) -> None:
    keep, gone = make("company", name="가온"), make("company", name="가온테크", domain="gaon.example")
    merged = program("POST", "/crm/v3/objects/companies/merge", {"primaryObjectId": str(keep), "objectIdToMerge": str(gone)})
    assert merged.body["properties"].items() >= {"name": "가온", "domain": "gaon.example", "hs_merged_object_ids": str(gone)}.items()
    assert program("GET", f"/crm/v3/objects/companies/{gone}").body["id"] == str(keep)


def test_what_is_not_there_cannot_be_merged(program: Program) -> None:
    keep = make(email="a@x.example")
    assert program("POST", f"{PATH}/merge", {"primaryObjectId": str(keep), "objectIdToMerge": "999999"}).status_code == 404
    assert program("POST", f"{PATH}/merge", {"primaryObjectId": "abc", "objectIdToMerge": str(keep)}).status_code == 404
    assert program("POST", f"{PATH}/merge", {"primaryObjectId": str(keep)}).status_code == 400


@pytest.mark.parametrize("by", ["id", "email"])
def test_an_erased_person_is_not_found_and_does_not_come_back(program: Program, by: str) -> None:
    id = make(email="a@x.example")
    body = {"objectId": str(id)} if by == "id" else {"objectId": "A@x.example", "idProperty": "email"}
    assert program("POST", f"{PATH}/gdpr-delete", body).status_code == 204
    for query in ("", "?archived=true"):
        assert program("GET", f"{PATH}/{id}{query}").status_code == 404
    assert not Contact.objects.exists()
    again = program("POST", PATH, {"properties": {"email": "a@x.example"}})
    assert (again.status_code, again.body["category"]) == (409, "CONFLICT")
    many = program("POST", f"{PATH}/batch/create", {"inputs": [{"properties": {"email": "a@x.example"}}]})
    upsert = program("POST", f"{PATH}/batch/upsert", {"inputs": [{"id": "a@x.example", "idProperty": "email", "properties": {"city": "서울"}}]})
    assert (many.status_code, upsert.status_code) == (409, 409)


def test_an_address_nobody_has_is_blocked(program: Program) -> None:
    assert program("POST", f"{PATH}/gdpr-delete", {"objectId": "new@x.example", "idProperty": "email"}).status_code == 204
    assert program("POST", PATH, {"properties": {"email": "new@x.example"}}).status_code == 409
    assert program("POST", f"{PATH}/gdpr-delete", {"objectId": "999999"}).status_code == 404
    assert program("POST", "/crm/v3/objects/deals/gdpr-delete", {"objectId": "1"}).status_code == 400
