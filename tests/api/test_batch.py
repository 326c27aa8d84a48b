"""Many records at once: what is read, made, changed and put aside, and what is told of those that went wrong."""

import json
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import tokens
from baton.crm import properties, records
from baton.crm.models import Contact
from baton.platform.actor import SYSTEM, Actor

pytestmark = pytest.mark.urls("baton.api.urls")
Program = Callable[..., Any]
PATH = "/crm/v3/objects/contacts/batch"


def make(**values: Any) -> int:
    return records.create("contact", values, actor=SYSTEM, source="page")


def test_it_reads_by_id_and_by_address_and_tells_who_is_missing(program: Program) -> None:
    one, two = make(email="a@x.example", city="서울"), make(email="b@x.example")
    body = program("POST", f"{PATH}/read", {"inputs": [{"id": str(two)}, {"id": one}, {"id": str(one)}], "properties": ["city"]})
    assert body.status_code == 200
    assert [row["id"] for row in body.body["results"]] == [str(two), str(one)]
    assert body.body["results"][1]["properties"]["city"] == "서울"
    assert body.body["status"] == "COMPLETE"
    assert body.body["startedAt"] <= body.body["completedAt"]
    body = program("POST", f"{PATH}/read", {"inputs": [{"id": "A@x.example"}, {"id": "c@x.example"}], "idProperty": "email", "properties": []})
    assert body.status_code == 207
    assert [row["id"] for row in body.body["results"]] == [str(one)]
    assert body.body["numErrors"] == 1
    (error,) = body.body["errors"]
    assert (error["category"], error["context"]["ids"]) == ("OBJECT_NOT_FOUND", ["c@x.example"])
    assert error["message"] == "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."


def test_it_reads_the_archived_with_their_past(program: Program) -> None:
    id = make(email="a@x.example", city="서울")
    records.update("contact", id, {"city": "부산"}, actor=SYSTEM, source="page")
    records.archive("contact", id, actor=SYSTEM)
    assert program("POST", f"{PATH}/read", {"inputs": [{"id": id}], "properties": []}).status_code == 207
    found = program("POST", f"{PATH}/read?archived=true", {"inputs": [{"id": id}], "properties": [], "propertiesWithHistory": ["city"]}).body["results"][0]
    assert found["archived"] is True
    assert [entry["value"] for entry in found["propertiesWithHistory"]["city"]] == ["부산", "서울"]


def test_all_are_made_or_none(program: Program) -> None:
    company = records.create("company", {"name": "가온"}, actor=SYSTEM, source="page")
    link = [{"to": {"id": str(company)}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]
    good = {"properties": {"email": "a@x.example"}, "associations": link}
    made = program("POST", f"{PATH}/create", {"inputs": [good, {"properties": {"email": "b@x.example", "numberofemployees": 5}}]})
    assert made.status_code == 201
    assert [row["properties"]["email"] for row in made.body["results"]] == ["a@x.example", "b@x.example"]
    assert made.body["results"][1]["properties"]["numberofemployees"] == "5"
    shown = program("GET", f"/crm/v3/objects/contacts/{made.body['results'][0]['id']}?associations=companies").body
    assert shown["associations"]["companies"]["results"][0]["id"] == str(company)
    refused = program("POST", f"{PATH}/create", {"inputs": [{"properties": {"email": "c@x.example"}}, {"properties": {"email": "A@x.example"}}]})
    assert (refused.status_code, refused.body["category"]) == (409, "CONFLICT")
    assert refused.body["message"].endswith(f"Existing ID: {made.body['results'][0]['id']}")
    invalid = program("POST", f"{PATH}/create", {"inputs": [{"properties": {"email": "c@x.example"}}, {"properties": {"nonsense": "x"}}]})
    assert (invalid.status_code, invalid.body["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    lost = [{"to": {"id": "999999"}, "types": link[0]["types"]}]
    assert program("POST", f"{PATH}/create", {"inputs": [{"properties": {"email": "c@x.example"}, "associations": lost}]}).status_code == 404
    assert Contact.objects.count() == 2


def test_with_traces_the_good_ones_are_made(program: Program) -> None:
    id = make(email="a@x.example")
    inputs = [
        {"properties": {"email": "b@x.example"}, "objectWriteTraceId": "1"},
        {"properties": {"email": "a@x.example"}, "objectWriteTraceId": "2"},
        {"properties": {"phone": "call me"}, "objectWriteTraceId": "3"},
    ]
    answer = program("POST", f"{PATH}/create", {"inputs": inputs})
    assert answer.status_code == 207
    assert [row["objectWriteTraceId"] for row in answer.body["results"]] == ["1"]
    assert answer.body["numErrors"] == 2
    assert [error["context"]["objectWriteTraceId"] for error in answer.body["errors"]] == [["2"], ["3"]]
    assert str(id) in answer.body["errors"][0]["message"]
    assert Contact.objects.count() == 2


def test_it_changes_those_there_are(program: Program) -> None:
    one, two = make(email="a@x.example"), make(email="b@x.example")
    inputs = [{"id": str(one), "properties": {"city": "서울"}}, {"id": "999999", "properties": {"city": "x"}}]
    answer = program("POST", f"{PATH}/update", {"inputs": inputs})
    assert answer.status_code == 207
    assert [row["properties"]["city"] for row in answer.body["results"]] == ["서울"]
    assert answer.body["errors"][0]["context"]["ids"] == ["999999"]
    by_mail = [{"id": "b@x.example", "idProperty": "email", "properties": {"city": "부산"}}]
    assert program("POST", f"{PATH}/update", {"inputs": by_mail}).body["results"][0]["id"] == str(two)
    wrong = [{"id": str(one), "properties": {"city": "대구"}}, {"id": str(two), "properties": {"email": "a@x.example"}}]
    refused = program("POST", f"{PATH}/update", {"inputs": wrong})
    assert (refused.status_code, refused.body["message"].endswith(f"on {two}. {one} already has that value.")) == (400, True)
    assert records.get("contact", one).properties["city"] == "서울"
    apart = program("POST", f"{PATH}/update", {"inputs": [{**one, "objectWriteTraceId": str(n)} for n, one in enumerate(wrong)]})
    assert apart.status_code == 207
    assert records.get("contact", one).properties["city"] == "대구"


def test_it_makes_or_changes_by_address(program: Program) -> None:
    id = make(email="a@x.example")
    inputs = [
        {"id": "A@x.example", "idProperty": "email", "properties": {"city": "서울"}},
        {"id": "b@x.example", "idProperty": "email", "properties": {"city": "부산"}},
    ]
    answer = program("POST", f"{PATH}/upsert", {"inputs": inputs})
    assert answer.status_code == 200
    assert [(row["new"], row["properties"]["email"], row["properties"]["city"]) for row in answer.body["results"]] == [
        (False, "a@x.example", "서울"), (True, "b@x.example", "부산"),
    ]  # fmt: skip
    assert answer.body["results"][0]["id"] == str(id)
    again = program("POST", f"{PATH}/upsert", {"inputs": inputs})
    assert [row["new"] for row in again.body["results"]] == [False, False]
    assert program("POST", f"{PATH}/upsert", {"inputs": [{"id": "1", "properties": {}}]}).status_code == 400


def test_an_address_that_several_people_read_is_the_ones_with_the_same_name(program: Program) -> None:
    def sent(name: str) -> dict[str, Any]:
        return {"inputs": [{"id": "info@x.example", "idProperty": "email", "properties": {"lastname": name, "city": "서울"}}]}

    first = program("POST", f"{PATH}/upsert", sent("김")).body["results"][0]
    assert program("GET", "/crm/v3/objects/contacts/info%40x.example?idProperty=email").body["id"] == first["id"]
    second = program("POST", f"{PATH}/upsert", sent("이")).body["results"][0]
    again = program("POST", f"{PATH}/upsert", sent("김")).body["results"][0]
    assert (first["new"], second["new"], again["new"], again["id"]) == (True, True, False, first["id"])


def test_it_makes_or_changes_by_a_unique_property(program: Program, actor: Actor) -> None:
    properties.define("company", "erp_id", "ERP number", "text", actor=actor, unique_value=True)
    path = "/crm/v3/objects/companies/batch/upsert"
    first = program("POST", path, {"inputs": [{"id": "K-7", "idProperty": "erp_id", "properties": {"name": "가온"}}]}).body["results"][0]
    second = program("POST", path, {"inputs": [{"id": "K-7", "idProperty": "erp_id", "properties": {"name": "가온테크"}}]}).body["results"][0]
    assert (first["new"], second["new"], second["id"], second["properties"]["name"]) == (True, False, first["id"], "가온테크")
    assert program("GET", "/crm/v3/objects/companies/K-7?idProperty=erp_id").body["id"] == first["id"]


def test_it_puts_aside_and_passes_over_what_is_not_there(program: Program) -> None:
    ids = [make(email=f"{n}@x.example") for n in range(3)]
    assert program("POST", f"{PATH}/archive", {"inputs": [{"id": str(id)} for id in [*ids[:2], 999999, "abc"]]}).status_code == 204
    assert [row["id"] for row in program("GET", "/crm/v3/objects/contacts").body["results"]] == [str(ids[2])]


@pytest.mark.parametrize("verb", ["read", "create", "update", "upsert", "archive"])
def test_a_batch_has_one_to_a_hundred_inputs(program: Program, verb: str) -> None:
    empty = program("POST", f"{PATH}/{verb}", {"inputs": [], "properties": []})
    assert (empty.status_code, empty.body["message"]) == (400, "Batch input provided should have at least one object.")
    one = {"id": "1", "idProperty": "email", "properties": {"city": "x"}}
    assert program("POST", f"{PATH}/{verb}", {"inputs": [one] * 101, "properties": []}).status_code == 400
    assert program("POST", f"{PATH}/{verb}", {}).status_code == 400


def test_one_record_is_meant_once(program: Program) -> None:
    id = make(email="a@x.example")
    twice = [{"id": str(id), "properties": {"city": "a"}}, {"id": str(id), "properties": {"city": "b"}}]
    answer = program("POST", f"{PATH}/update", {"inputs": twice})
    assert (answer.status_code, answer.body["message"]) == (400, f"Duplicate IDs found in batch input: [{id}]")
    twice = [{"id": "b@x.example", "idProperty": "email", "properties": {}}, {"id": "B@x.example", "idProperty": "email", "properties": {}}]
    assert program("POST", f"{PATH}/upsert", {"inputs": twice}).status_code == 400
    both = [{"properties": {"email": "c@x.example"}}, {"properties": {"email": "C@x.example"}}]
    assert program("POST", f"{PATH}/create", {"inputs": both}).status_code == 409
    assert Contact.objects.count() == 1


def test_a_batch_costs_few_statements(program: Program, settled: None, django_assert_max_num_queries: Any) -> None:
    def inputs(city: str) -> dict[str, Any]:
        return {"inputs": [{"id": f"{n}@x.example", "idProperty": "email", "properties": {"city": city, "lastname": "김"}} for n in range(100)]}

    with django_assert_max_num_queries(40):
        made = program("POST", f"{PATH}/upsert", inputs("서울")).body["results"]
    assert all(row["new"] for row in made)
    with django_assert_max_num_queries(40):
        assert not any(row["new"] for row in program("POST", f"{PATH}/upsert", inputs("부산")).body["results"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", ["upsert", "create"])
def test_eight_programs_at_once_make_one_contact(live_server: Any, call: str) -> None:
    token = tokens.create("eight", ["*"], limited=False, actor=SYSTEM)
    start = threading.Barrier(8)
    answers: list[tuple[int, Any]] = []

    def send(number: int) -> None:
        one = {"properties": {"email": "one@x.example", "city": f"city {number}"}}
        if call == "upsert":
            one |= {"id": "one@x.example", "idProperty": "email"}  # type: ignore[dict-item]
        body = json.dumps({"inputs": [one]} if call == "upsert" else one).encode()
        path = "/crm/v3/objects/contacts/batch/upsert" if call == "upsert" else "/crm/v3/objects/contacts"
        request = urllib.request.Request(live_server.url + path, body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        start.wait()
        try:
            with urllib.request.urlopen(request) as answer:
                answers.append((answer.status, json.load(answer)))
        except urllib.error.HTTPError as error:
            answers.append((error.code, json.load(error)))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (contact,) = Contact.objects.all()
    assert len(answers) == 8
    if call == "upsert":
        assert {status for status, _body in answers} == {200}, answers
        assert {body["results"][0]["id"] for _status, body in answers} == {str(contact.id)}
        assert sum(body["results"][0]["new"] for _status, body in answers) == 1
    else:
        assert sorted(status for status, _body in answers) == [201] + [409] * 7
        assert all(body["message"].endswith(f"Existing ID: {contact.id}") for status, body in answers if status == 409)
