"""Links between records: version 4 with numbers, version 3 with words, labels of one's own, and what reads show of them."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts import tokens
from baton.crm import associations, records, types
from baton.platform.actor import SYSTEM, Actor

pytestmark = pytest.mark.urls("baton.api.urls")
Program = Callable[..., Any]
DEFINED = "HUBSPOT_DEFINED"


def make(object_type: str, **values: Any) -> int:
    return records.create(object_type, values, actor=SYSTEM, source="page")


@pytest.fixture
def contact(db: None) -> int:
    return make("contact", email="a@x.example")


@pytest.fixture
def company(db: None) -> int:
    return make("company", name="가온")


def spec(number: int, category: str = DEFINED) -> dict[str, Any]:
    return {"associationCategory": category, "associationTypeId": number}


def typed(number: int, label: str | None = None, category: str = DEFINED) -> dict[str, Any]:
    return {"category": category, "typeId": number, "label": label}


def test_the_default_link_is_told_from_both_sides(program: Program, contact: int) -> None:
    deal = make("deal", dealname="x")
    answer = program("PUT", f"/crm/v4/objects/contacts/{contact}/associations/default/deals/{deal}")
    assert answer.status_code == 200
    assert answer.body["status"] == "COMPLETE"
    assert answer.body["results"] == [
        {"from": {"id": str(contact)}, "to": {"id": str(deal)}, "associationSpec": spec(4)},
        {"from": {"id": str(deal)}, "to": {"id": str(contact)}, "associationSpec": spec(3)},
    ]
    assert program("GET", f"/crm/v4/objects/deal/{deal}/associations/contact").body == {"results": [{"toObjectId": contact, "associationTypes": [typed(3)]}]}


def test_the_first_company_is_the_primary_one(program: Program, contact: int, company: int) -> None:
    answer = program("PUT", f"/crm/objects/2026-03/contacts/{contact}/associations/companies/{company}", [{"associationTypeId": 279}])
    assert answer.status_code == 201
    assert answer.body == {"fromObjectTypeId": "0-1", "fromObjectId": contact, "toObjectTypeId": "0-2", "toObjectId": company, "labels": []}
    assert program("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").body["results"] == [
        {"toObjectId": company, "associationTypes": [typed(1, "Primary"), typed(279)]}
    ]
    other = make("company", name="나래")
    program("PUT", f"/crm/v4/objects/contacts/{contact}/associations/companies/{other}", [spec(1)])
    shown = program("GET", f"/crm/v3/objects/contacts/{contact}?associations=companies&properties=associatedcompanyid").body
    assert shown["properties"]["associatedcompanyid"] == str(other)
    assert shown["associations"]["companies"]["results"] == [
        {"id": str(company), "type": "contact_to_company_unlabeled"},
        {"id": str(other), "type": "contact_to_company"},
        {"id": str(other), "type": "contact_to_company_unlabeled"},
    ]


def test_unlinking_takes_both_directions(program: Program, contact: int, company: int) -> None:
    associations.link("contact", contact, "company", company, actor=SYSTEM)
    assert program("DELETE", f"/crm/v4/objects/companies/{company}/associations/contacts/{contact}").status_code == 204
    assert program("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").body == {"results": []}
    assert program("DELETE", f"/crm/v4/objects/companies/{company}/associations/contacts/{contact}").status_code == 204


@pytest.mark.parametrize("body", [[spec(999)], [spec(280)], [spec(279, "USER_DEFINED")], []])
def test_a_number_that_means_nothing_here_is_refused(program: Program, contact: int, company: int, body: Any) -> None:
    assert program("PUT", f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}", body).status_code == 400


def test_what_is_not_there_cannot_be_linked(program: Program, contact: int) -> None:
    assert program("PUT", f"/crm/v4/objects/contacts/{contact}/associations/default/companies/999999").status_code == 404
    assert program("PUT", f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{contact}").status_code == 404


def test_links_come_page_by_page(program: Program, contact: int) -> None:
    deals = [make("deal", dealname=str(n)) for n in range(5)]
    associations.link_many([associations.Link("contact", contact, "deal", id) for id in deals], actor=SYSTEM)
    records.archive("deal", deals[1], actor=SYSTEM)
    path, seen = f"/crm/v4/objects/contacts/{contact}/associations/deals?limit=2", []
    after = ""
    while True:
        body = program("GET", f"{path}&after={after}").body
        seen += [row["toObjectId"] for row in body["results"]]
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"]
    assert seen == [deals[0], *deals[2:]]


def test_batches_link_read_and_unlink(program: Program, contact: int, company: int) -> None:
    other = make("contact", email="b@x.example")
    path = "/crm/v4/associations/contacts/companies/batch"
    inputs = [{"from": {"id": str(id)}, "to": {"id": company}, "types": [spec(279)]} for id in (contact, other)]
    made = program("POST", f"{path}/create", {"inputs": inputs})
    assert made.status_code == 201
    assert [row["fromObjectId"] for row in made.body["results"]] == [contact, other]
    alone = make("contact", email="c@x.example")
    read = program("POST", f"{path}/read", {"inputs": [{"id": str(id)} for id in (other, alone, contact)]})
    assert read.status_code == 207
    assert [(row["from"]["id"], row["to"][0]["toObjectId"]) for row in read.body["results"]] == [(str(other), company), (str(contact), company)]
    assert read.body["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert read.body["errors"][0]["context"] == {"fromObjectId": [str(alone)]}
    gone = program("POST", f"{path}/create", {"inputs": [*inputs, {"from": {"id": "999999"}, "to": {"id": str(company)}, "types": [spec(279)]}]})
    assert gone.status_code == 207
    assert len(gone.body["results"]) == 2
    assert gone.body["errors"][0]["context"]["ids"] == ["999999"]
    assert program("POST", f"{path}/archive", {"inputs": [{"from": {"id": str(contact)}, "to": [{"id": str(company)}]}]}).status_code == 204
    assert program("GET", f"/crm/v4/objects/companies/{company}/associations/contacts").body["results"][0]["toObjectId"] == other
    default = program("POST", f"{path}/associate/default", {"inputs": [{"from": {"id": alone}, "to": {"id": str(company)}}]})
    assert (default.status_code, len(default.body["results"])) == (200, 2)


def test_batches_take_more_than_a_hundred(program: Program, company: int) -> None:
    ids = records.create_many("contact", [{"email": f"{n}@x.example"} for n in range(250)], actor=SYSTEM, source="page")
    inputs = [{"from": {"id": id}, "to": {"id": company}} for id in ids]
    assert program("POST", "/crm/v4/associations/contact/company/batch/associate/default", {"inputs": inputs}).status_code == 200
    read = program("POST", "/crm/v3/associations/contact/company/batch/read", {"inputs": [{"id": id} for id in ids]})
    assert len(read.body["results"]) == 250
    assert len(program("GET", f"/crm/v3/objects/companies/{company}?associations=contacts").body["associations"]["contacts"]["results"]) == 500
    whole = program("GET", f"/crm/v4/objects/companies/{company}/associations/contacts").body
    assert len(whole["results"]) == 250


@pytest.mark.parametrize(
    "body", [{"inputs": [{"to": {"id": "1"}}]}, {"inputs": [{"from": {"id": "x"}, "to": {"id": "1"}, "types": [spec(279)]}]}, {"inputs": []}, {}]
)
def test_a_batch_that_makes_no_sense_is_refused(program: Program, db: None, body: Any) -> None:
    assert program("POST", "/crm/v4/associations/contacts/companies/batch/create", body).status_code == 400


def test_labels_of_ones_own(program: Program, contact: int, company: int) -> None:
    path = "/crm/v4/associations/contacts/companies/labels"
    made = program("POST", path, {"name": "billing", "label": "Billing contact", "inverseLabel": "Billed company"})
    assert made.status_code == 200
    there, back = made.body["results"]
    assert (there["category"], there["label"], back["label"]) == ("USER_DEFINED", "Billing contact", "Billed company")
    assert there["typeId"] != back["typeId"]
    assert program("GET", path).body["results"] == [typed(1, "Primary"), there, typed(279)]
    assert program("GET", "/crm/v4/associations/company/contact/labels").body["results"] == [typed(2, "Primary"), back, typed(280)]
    answer = program("PUT", f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}", [spec(there["typeId"], "USER_DEFINED")])
    assert answer.body["labels"] == ["Billing contact"]
    assert program("GET", f"/crm/v4/objects/companies/{company}/associations/contacts").body["results"][0]["associationTypes"] == [
        typed(2, "Primary"), typed(back["typeId"], "Billed company", "USER_DEFINED"), typed(280),
    ]  # fmt: skip
    shown = program("GET", f"/crm/v3/objects/contacts/{contact}?associations=companies").body["associations"]["companies"]["results"]
    assert {row["type"] for row in shown} == {"contact_to_company", "contact_to_company_unlabeled", "billing"}
    assert program("PUT", path, {"associationTypeId": there["typeId"], "label": "Pays"}).status_code == 204
    assert program("GET", path).body["results"][1]["label"] == "Pays"
    pair = {"from": {"id": str(contact)}, "to": {"id": str(company)}, "types": [spec(there["typeId"], "USER_DEFINED")]}
    assert program("POST", "/crm/v4/associations/contacts/companies/batch/labels/archive", {"inputs": [pair]}).status_code == 204
    kinds = program("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").body["results"][0]["associationTypes"]
    assert [kind["typeId"] for kind in kinds] == [1, 279]
    assert program("POST", path, {"name": "billing", "label": "Again"}).status_code == 409
    assert program("DELETE", f"{path}/{there['typeId']}").status_code == 204
    assert program("GET", path).body["results"] == [typed(1, "Primary"), typed(279)]
    assert program("DELETE", f"{path}/1").status_code == 400
    assert program("DELETE", f"{path}/4").status_code == 404


def test_two_records_of_one_type_know_who_is_whose(program: Program, contact: int, company: int) -> None:
    mother = make("company", name="모회사")
    program("PUT", f"/crm/v4/objects/companies/{mother}/associations/companies/{company}", [spec(13)])
    assert program("GET", f"/crm/v4/objects/companies/{mother}/associations/companies").body["results"][0]["associationTypes"] == [
        typed(13, "Child company"), typed(450),
    ]  # fmt: skip
    assert program("GET", f"/crm/v4/objects/companies/{company}/associations/companies").body["results"][0]["associationTypes"] == [
        typed(14, "Parent company"), typed(450),
    ]  # fmt: skip
    boss = make("contact", email="boss@x.example")
    there, back = program("POST", "/crm/v4/associations/0-1/0-1/labels", {"name": "leads", "label": "Leads", "inverseLabel": "Reports to"}).body["results"]
    program("PUT", f"/crm/v4/objects/contacts/{boss}/associations/contacts/{contact}", [spec(there["typeId"], "USER_DEFINED")])
    kinds = program("GET", f"/crm/v4/objects/contacts/{contact}/associations/contacts").body["results"][0]["associationTypes"]
    assert [kind["label"] for kind in kinds if kind["label"]] == ["Reports to"]
    assert back["label"] == "Reports to"
    same = program("POST", "/crm/v4/associations/contacts/contacts/labels", {"name": "friend", "label": "Friend"}).body["results"]
    assert len(same) == 1


def test_every_pair_of_types_has_a_number(program: Program, contact: int, actor: Actor) -> None:
    types.define("contract", "Contract", "Contracts", actor=actor)
    contract = make("contract", name="2026/7")
    numbers = set()
    for other, id in (("contacts", contact), ("products", make("product", name="Sensor")), ("contract", make("contract", name="2026/8"))):
        (kind,) = program("GET", f"/crm/v4/associations/contract/{other}/labels").body["results"]
        numbers.add(kind["typeId"])
        answer = program("PUT", f"/crm/v4/objects/contract/{contract}/associations/{other}/{id}", [spec(kind["typeId"])])
        assert answer.status_code == 201, answer.content
    assert len(numbers) == 3
    note = {"properties": {"hs_note_body": "x"}, "associations": [{"to": {"id": str(contact)}, "types": [spec(202)]}]}
    made = program("POST", "/crm/v3/objects/notes", note).body
    assert program("GET", f"/crm/v3/objects/notes/{made['id']}?associations=contacts").body["associations"]["contacts"]["results"] == [
        {"id": str(contact), "type": "note_to_contact"}
    ]


def test_version_three_speaks_in_words(program: Program, contact: int, company: int) -> None:
    path = "/crm/v3/associations/contact/company"
    body = {"inputs": [{"from": {"id": str(contact)}, "to": {"id": str(company)}, "type": "contact_to_company"}]}
    made = program("POST", f"{path}/batch/create", body)
    assert made.status_code == 201
    assert made.body["results"] == [{"from": {"id": str(contact)}, "to": {"id": str(company)}, "type": "contact_to_company"}]
    read = program("POST", f"{path}/batch/read", {"inputs": [{"id": contact}]}).body["results"]
    rows = [{"id": str(company), "type": "contact_to_company"}, {"id": str(company), "type": "contact_to_company_unlabeled"}]
    assert read == [{"from": {"id": str(contact)}, "to": rows}]
    assert program("GET", f"/crm/v3/objects/contacts/{contact}/associations/companies").body["results"] == rows
    assert {row["name"] for row in program("GET", f"{path}/types").body["results"]} == {"contact_to_company", "contact_to_company_unlabeled"}
    assert program("POST", f"{path}/batch/archive", {"inputs": [{**body["inputs"][0], "type": "contact_to_company_unlabeled"}]}).status_code == 204
    assert program("GET", f"/crm/v3/objects/contacts/{contact}/associations/companies").body == {"results": []}
    put = program("PUT", f"/crm/v3/objects/contacts/{contact}/associations/companies/{company}/279")
    assert put.body["associations"]["companies"]["results"] == rows
    assert program("DELETE", f"/crm/v3/objects/contacts/{contact}/associations/companies/{company}/279").status_code == 204
    wrong = program("POST", f"{path}/batch/create", {"inputs": [{**body["inputs"][0], "type": "nonsense"}]})
    assert wrong.status_code == 400


def test_records_that_baton_lacks_are_linked_to_nothing(program: Program, contact: int) -> None:
    assert program("GET", f"/crm/v4/objects/contacts/{contact}/associations/leads").body == {"results": []}
    assert program("GET", f"/crm/v3/objects/contacts/{contact}?associations=leads,conversations").status_code == 200
    assert program("POST", "/crm/v4/associations/contacts/leads/batch/read", {"inputs": [{"id": "1"}]}).status_code == 207


def test_links_to_types_out_of_scope_are_neither_told_nor_made(program: Program) -> None:
    """A token for contacts alone sees no deals: not beside contacts, not by their links in a search, and it links to none."""
    token = tokens.create("narrow", ["crm.objects.contacts.write"], limited=False, actor=SYSTEM)
    he = records.create("contact", {"email": "he@gana.example"}, actor=SYSTEM, source="api")
    deal = records.create("deal", {"dealname": "Big", "amount": 900}, actor=SYSTEM, source="api")
    associations.link("contact", he, "deal", deal, actor=SYSTEM)
    link = {"to": {"id": str(deal)}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 4}]}
    made: dict[str, Any] = {"properties": {"email": "new@gana.example"}, "associations": [link]}
    for method, path, body in (
        ("GET", f"/crm/v3/objects/contacts/{he}?associations=deals", None),
        ("GET", "/crm/v3/objects/contacts?associations=companies,deals", None),
        ("POST", "/crm/v3/objects/contacts", made),
        ("POST", "/crm/v3/objects/contacts/batch/create", {"inputs": [made]}),
    ):
        answer = program(method, path, body, token=token)
        assert (answer.status_code, answer.body["category"]) == (403, "MISSING_SCOPES"), path
        assert program(method, path, body).status_code < 300 or method == "POST", path
    asked = {"filterGroups": [{"filters": [{"propertyName": "associations.deal", "operator": "EQ", "value": str(deal)}]}]}
    assert program("POST", "/crm/v3/objects/contacts/search", asked).body["total"] == 2
    assert program("POST", "/crm/v3/objects/contacts/search", asked, token=token).body["total"] == 0
