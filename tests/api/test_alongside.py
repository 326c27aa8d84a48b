"""What programs write as properties of a contact and Baton keeps elsewhere: the primary company, the other e-mail addresses."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.crm import associations, contacts, merge, records
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.urls("baton.api.urls")
Program = Callable[..., Any]
PATH = "/crm/v3/objects/contacts"


def make(object_type: str = "contact", **values: Any) -> int:
    return records.create(object_type, values, actor=SYSTEM, source="page")


def mails(id: int) -> list[str]:
    return [address.email for address in contacts.emails(id)]


def company_of(program: Program, id: int | str) -> str | None:
    value: str | None = program("GET", f"{PATH}/{id}?properties=associatedcompanyid").body["properties"]["associatedcompanyid"]
    return value


def test_the_primary_company_is_written(program: Program) -> None:
    first, second = make("company", name="가온"), make("company", name="한결")
    made = program("POST", PATH, {"properties": {"email": "a@x.example", "associatedcompanyid": str(first)}})
    assert made.status_code == 201, made.content
    id = made.body["id"]
    assert made.body["properties"]["associatedcompanyid"] == str(first)
    assert program("PATCH", f"{PATH}/{id}", {"properties": {"associatedcompanyid": second}}).status_code == 200
    assert company_of(program, id) == str(second)
    assert sorted(associations.of(int(id), "company")) == sorted([first, second])
    assert program("PATCH", f"{PATH}/{id}", {"properties": {"associatedcompanyid": ""}}).status_code == 200
    assert associations.of(int(id), "company") == [first]


def test_what_is_no_company_is_refused_and_nothing_is_written(program: Program) -> None:
    person, deal = make(email="a@x.example", city="서울"), make("deal", dealname="x")
    for wrong in (str(deal), "0", "-1", "x", "9" * 30):
        answer = program("PATCH", f"{PATH}/{person}", {"properties": {"city": "부산", "associatedcompanyid": wrong}})
        assert (answer.status_code, "associatedcompanyid" in str(answer.body)) == (400, True)
    assert records.get("contact", person).properties["city"] == "서울"


def test_other_addresses_are_written_as_a_list(program: Program) -> None:
    made = program("POST", PATH, {"properties": {"email": "a@x.example", "hs_additional_emails": " B@x.example;c@x.example"}})
    id = int(made.body["id"])
    assert made.body["properties"]["hs_additional_emails"] == "b@x.example;c@x.example"
    assert contacts.by_email("b@x.example") == id
    program("PATCH", f"{PATH}/{id}", {"properties": {"email": "c@x.example", "hs_additional_emails": "a@x.example"}})
    assert mails(id) == ["c@x.example", "a@x.example"]
    assert contacts.by_email("b@x.example") is None
    program("PATCH", f"{PATH}/{id}", {"properties": {"hs_additional_emails": ""}})
    assert mails(id) == ["c@x.example"]


def test_the_address_of_another_or_none_is_refused(program: Program) -> None:
    person, other = make(email="a@x.example"), make(email="b@x.example")
    for wrong in ("b@x.example", "no address"):
        assert program("PATCH", f"{PATH}/{person}", {"properties": {"city": "부산", "hs_additional_emails": wrong}}).status_code == 400
        assert "city" not in records.get("contact", person).properties
    assert program("POST", PATH, {"properties": {"email": "c@x.example", "hs_additional_emails": "b@x.example"}}).body["message"].endswith(str(other))
    assert contacts.by_email("c@x.example") is None


def test_a_batch_and_a_merged_id(program: Program) -> None:
    company, person, gone = make("company", name="가온"), make(email="a@x.example"), make(email="b@x.example")
    merge.merge("contact", person, gone, actor=SYSTEM)
    inputs = [
        {"id": "new@x.example", "idProperty": "email", "properties": {"associatedcompanyid": str(company), "hs_additional_emails": "more@x.example"}},
        {"id": "b@x.example", "idProperty": "email", "properties": {"associatedcompanyid": str(company)}},
    ]
    answer = program("POST", f"{PATH}/batch/upsert", {"inputs": inputs})
    assert answer.status_code == 200, answer.content
    assert [company_of(program, row["id"]) for row in answer.body["results"]] == [str(company)] * 2
    update = {"inputs": [{"id": str(gone), "properties": {"hs_additional_emails": "z@x.example;b@x.example"}}]}
    assert program("POST", f"{PATH}/batch/update", update).status_code == 200
    assert set(mails(person)) == {"a@x.example", "b@x.example", "z@x.example"}
    program("POST", f"{PATH}/batch/create", {"inputs": [{"properties": {"email": "n@x.example", "hs_additional_emails": "m@x.example"}}]})
    assert contacts.by_email("m@x.example") == contacts.by_email("n@x.example") is not None
