"""Records of the HubSpot-compatible API, one at a time, spoken to as its clients speak; contacts for the most part."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts import tokens
from baton.api import limits
from baton.crm import contacts, properties, records
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from tests import examples

pytestmark = pytest.mark.urls("baton.api.urls")
PATH = "/crm/v3/objects/contacts"
Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh_buckets() -> Iterator[None]:
    limits.forget()
    yield
    limits.forget()


@pytest.fixture
def call(db: None) -> Call:
    token = tokens.create("tests", ["contacts.read", "contacts.write", "companies.read", "deals.read"], actor=SYSTEM)

    def run(method: str, path: str, body: Any = None, *, token: str = token, **headers: str) -> Any:
        data = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        response = Client(raise_request_exception=False).generic(
            method, path, data or "", content_type="application/json", headers={"authorization": f"Bearer {token}", **headers}
        )
        response.body = json.loads(response.content) if response.content else None  # type: ignore[attr-defined]
        return response

    return run


@pytest.fixture
def unlimited(db: None) -> str:
    return tokens.create("no limit", ["*"], limited=False, actor=SYSTEM)


def make(**values: Any) -> int:
    return records.create("contact", values, actor=SYSTEM, source="page")


def test_it_creates_a_contact_and_answers_what_was_written(call: Call) -> None:
    response = call("POST", PATH, {"properties": {"email": "Kim@Nuri.example", "firstname": "민준", "numberofemployees": 120, "competitor": True}})
    assert response.status_code == 201
    body = response.body
    assert body["properties"] | {"createdate": "", "lastmodifieddate": ""} == {
        "hs_object_id": body["id"],
        "createdate": "",
        "lastmodifieddate": "",
        "email": "kim@nuri.example",
        "firstname": "민준",
        "lastname": None,
        "numberofemployees": "120",
        "competitor": "true",
    }
    assert body["archived"] is False
    assert body["createdAt"].endswith("Z")
    assert len(body["createdAt"]) == len("2026-11-21T10:15:30.123Z")


def test_it_says_which_contact_has_the_address(call: Call) -> None:
    id = make(email="kim@nuri.example")
    response = call("POST", PATH, {"properties": {"email": "KIM@nuri.example"}})
    assert response.status_code == 409
    assert response.body["message"] == f"Contact already exists. Existing ID: {id}"
    assert response.body["category"] == "CONFLICT"


def test_it_reads_by_id_and_by_address_with_chosen_properties(call: Call) -> None:
    id = make(email="a+b@x.example", phone="010-4827-1935", lifecyclestage="mql", lastname="김")
    by_id = call("GET", f"{PATH}/{id}?properties=phone,lifecyclestage&properties=hubspot_owner_id&properties=nonsense&hapikey=")
    assert by_id.body["properties"].keys() == {"hs_object_id", "createdate", "lastmodifieddate", "phone", "lifecyclestage", "hubspot_owner_id"}
    assert by_id.body["properties"]["lifecyclestage"] == "marketingqualifiedlead"
    assert by_id.body["properties"]["phone"] == "+821048271935"
    assert by_id.body["properties"]["hubspot_owner_id"] is None
    by_email = call("GET", f"{PATH}/A%2Bb%40x.example?idProperty=email")
    assert by_email.body["id"] == str(id)
    assert by_email.body["properties"]["lastname"] == "김"


def test_it_walks_all_pages_by_absolute_links(call: Call) -> None:
    ids = [str(make(email=f"{n}@x.example")) for n in range(7)]
    seen: list[str] = []
    url = f"{PATH}?limit=3&properties=email&properties=phone"
    while url:
        body = call("GET", url).body
        seen += [row["id"] for row in body["results"]]
        paging = body.get("paging")
        if paging:
            assert paging["next"]["after"].isdigit()
            assert paging["next"]["link"].startswith(f"{config().url}{PATH}?")
            assert paging["next"]["link"].count("properties=") == 2
        url = paging["next"]["link"].removeprefix(config().url) if paging else ""
    assert seen == ids


@pytest.mark.parametrize("after", ["", "0", "null"])
def test_the_first_page_has_many_names(call: Call, after: str) -> None:
    make(email="a@x.example")
    assert len(call("GET", f"{PATH}?after={after}").body["results"]) == 1


def test_an_excessive_limit_is_clamped(call: Call) -> None:
    for n in range(101):
        records.create("contact", {"lastname": str(n)}, actor=SYSTEM, source="page")
    assert len(call("GET", f"{PATH}?limit=5000").body["results"]) == 100
    assert len(call("GET", f"{PATH}?limit=5000&propertiesWithHistory=lastname").body["results"]) == 50


@pytest.mark.parametrize("query", ["limit=abc", "limit=0", "limit=-1", "after=abc", "after=99999999999999999999999", "archived=maybe"])
def test_a_parameter_that_makes_no_sense_is_named(call: Call, query: str) -> None:
    response = call("GET", f"{PATH}?{query}")
    assert response.status_code == 400
    assert query.split("=")[0] in response.body["message"]


def test_it_changes_and_clears_properties(call: Call) -> None:
    id = make(email="a@x.example", phone="010-4827-1935", city="부산")
    response = call("PATCH", f"{PATH}/{id}", {"properties": {"phone": "", "city": None, "lifecyclestage": "salesqualifiedlead"}})
    assert response.status_code == 200
    assert response.body["properties"]["phone"] is None
    assert response.body["properties"]["lifecyclestage"] == "salesqualifiedlead"
    stored = records.get("contact", id).properties
    assert stored.pop("stage_since")
    assert {name: value for name, value in stored.items() if "_source" not in name} == {"email": "a@x.example", "lifecyclestage": "sql"}
    assert call("PATCH", f"{PATH}/a%40x.example?idProperty=email", {"properties": {"city": "서울"}}).body["properties"]["city"] == "서울"


def test_an_address_that_is_taken_cannot_be_set(call: Call) -> None:
    one, two = make(email="a@x.example"), make(email="b@x.example")
    response = call("PATCH", f"{PATH}/{two}", {"properties": {"email": "a@x.example"}})
    assert response.status_code == 400
    assert response.body["message"].endswith(f"on {two}. {one} already has that value.")


def test_it_archives_and_finds_the_archived(call: Call) -> None:
    id = make(email="a@x.example")
    assert call("DELETE", f"{PATH}/{id}").status_code == 204
    assert call("DELETE", f"{PATH}/{id}").status_code == 204
    assert call("GET", f"{PATH}/{id}").status_code == 404
    assert call("GET", PATH).body == {"results": []}
    archived = call("GET", f"{PATH}/{id}?archived=True").body
    assert archived["archived"] is True
    assert archived["archivedAt"]
    assert call("GET", f"{PATH}?archived=true").body["results"][0]["id"] == str(id)
    assert call("GET", f"{PATH}/a%40x.example?idProperty=email&archived=true").body["id"] == str(id)
    assert call("POST", PATH, {"properties": {"email": "a@x.example"}}).status_code == 201


def test_it_shows_earlier_values_newest_first(call: Call) -> None:
    id = make(email="a@x.example", city="부산")
    records.update("contact", id, {"city": "서울"}, actor=Actor("user", 7), source="page")
    past = call("GET", f"{PATH}/{id}?propertiesWithHistory=city").body["propertiesWithHistory"]["city"]
    assert [entry["value"] for entry in past] == ["서울", "부산"]
    assert past[0]["sourceType"] == "CRM_UI"
    assert past[0]["updatedByUserId"] == 7


def test_both_forms_of_a_path_answer_for_every_method(call: Call) -> None:
    id = call("POST", f"{PATH}/", {"properties": {"email": "a@x.example"}}).body["id"]
    assert call("GET", f"{PATH}/").status_code == 200
    assert call("GET", f"{PATH}/{id}/").status_code == 200
    assert call("PATCH", f"{PATH}/{id}/", {"properties": {"city": "서울"}}).status_code == 200
    assert call("DELETE", f"{PATH}/{id}/").status_code == 204


def test_times_may_come_as_milliseconds(call: Call, actor: Actor) -> None:
    properties.define("contact", "renewal", "Renewal", "date", actor=actor)
    properties.define("contact", "seen", "Seen", "datetime", actor=actor)
    properties.define("contact", "likes", "Likes", "multi_choice", actor=actor, options=[{"value": v, "label": v} for v in "abc"])
    sent = {"email": "a@x.example", "renewal": "1795219200000", "seen": 1795219200123, "likes": "c;a"}
    body = call("POST", PATH, {"properties": sent}).body
    assert body["properties"]["renewal"] == "2026-11-21"
    assert body["properties"]["seen"] == "2026-11-21T00:00:00.123Z"
    assert body["properties"]["likes"] == "a;c"


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"nonsense": "x"}, "PROPERTY_DOESNT_EXIST", 'Property "nonsense" does not exist'),
    ({"email": "not an address"}, "INVALID_EMAIL", "Email address not an address is invalid"),
    ({"lifecyclestage": "boss"}, "INVALID_OPTION", "boss was not one of the allowed options: [subscriber, lead, nurturing, marketingqualifiedlead, "),
    ({"numberofemployees": "many"}, "INVALID_NUMBER", "many is not a number."),
    ({"hs_object_id": "5"}, "READ_ONLY_VALUE", '"hs_object_id" is a read only property; its value cannot be set.'),
    ({"hubspot_owner_id": "999"}, "INVALID_USER", "There is no user 999."),
    ({"firstname": {"a": 1}}, "INVALID_TEXT", "Expected a text."),
    ({"firstname": "a\x00b"}, "INVALID_TEXT", "The text contains characters that cannot be stored."),
    ({"firstname": "\ud800"}, "INVALID_TEXT", "The text contains characters that cannot be stored."),
]


@pytest.mark.parametrize(("sent", "code", "text"), FAULTS)
def test_a_wrong_value_is_refused_in_a_form_that_programs_read(call: Call, sent: dict[str, Any], code: str, text: str) -> None:
    response = call("POST", PATH, {"properties": sent}, **{"accept-language": "ko"})
    assert response.status_code == 400
    body = response.body
    assert body["category"] == "VALIDATION_ERROR"
    assert body["correlationId"] == response.headers["X-HubSpot-Correlation-Id"]
    listed = json.loads(body["message"].removeprefix("Property values were not valid: "))
    assert listed[0]["error"] == code
    assert listed[0]["name"] == next(iter(sent))
    assert listed[0]["message"].startswith(text)
    assert body["errors"][0]["context"] == {"propertyName": [next(iter(sent))]}
    assert call("GET", PATH).body == {"results": []}


def test_all_faults_are_told_at_once(call: Call) -> None:
    body = call("POST", PATH, {"properties": {"nonsense": "1", "email": "x", "phone": "call me", "city": "서울"}}).body
    assert {error["code"] for error in body["errors"]} == {"PROPERTY_DOESNT_EXIST", "INVALID_EMAIL", "INVALID_PHONE"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"properties": ', "Invalid input JSON on line 1, column"),
        ("", "Some required fields were not set: [body]"),
        (b"\xff\xfe", "Invalid input JSON on line 1, column 1"),
        ("{}", "Some required fields were not set: [properties]"),
        ("[]", "Some required fields were not set: [properties]"),
        ('{"properties": []}', "properties: "),
        ('{"properties": {}}', "Error creating CONTACT. Some required properties were not set."),
        ("[" * 100_000, "Invalid input JSON"),
    ],
)
def test_a_body_that_makes_no_sense_is_explained(call: Call, body: str, text: str) -> None:
    response = call("POST", PATH, body)
    assert response.status_code == 400
    assert text in response.body["message"]


def test_a_change_needs_something_to_change(call: Call) -> None:
    response = call("PATCH", f"{PATH}/{make(email='a@x.example')}", {"properties": {}})
    assert (response.status_code, response.body["message"]) == (400, "No properties found to update, please provide at least one.")


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"properties": {"city": "x"}}), ("DELETE", None)])
@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("999999", "resource not found"),
        ("9" * 40, "resource not found"),
        ("abc", "Object not found.  objectId are usually numeric."),
        ("x@x.example?idProperty=email", "resource not found"),
    ],
)
def test_what_does_not_exist_is_not_found(call: Call, method: str, body: Any, id: str, text: str) -> None:
    response = call(method, f"{PATH}/{id}", body)
    assert response.status_code == 404
    assert response.body["message"] == text
    assert response.body["category"] == "OBJECT_NOT_FOUND"


def test_a_property_that_identifies_nobody_is_refused(call: Call) -> None:
    assert call("GET", f"{PATH}/x?idProperty=city").status_code == 400


@pytest.mark.parametrize("token", ["", "bat_nonsense", "x" * 400, "pat-na1-1234", "bat_한글"])
def test_no_token_no_answer(call: Call, token: str) -> None:
    response = Client().get(PATH, headers={"authorization": f"Bearer {token}".encode().decode("latin-1")} if token else {})
    assert response.status_code == 401
    assert response.json()["category"] == "INVALID_AUTHENTICATION"
    assert response.headers["X-HubSpot-Correlation-Id"]


def test_the_word_bearer_is_read_in_any_case(call: Call) -> None:
    token = tokens.create("x", ["*"], actor=SYSTEM)
    assert Client().get(PATH, headers={"authorization": f"bearer {token}"}).status_code == 200
    assert Client().get(PATH, headers={"authorization": f"Basic {token}"}).status_code == 401


def test_a_token_without_the_scope_is_told_which_it_needs(call: Call) -> None:
    token = tokens.create("reader", ["contacts.read"], actor=SYSTEM)
    assert call("GET", PATH, token=token).status_code == 200
    response = call("POST", PATH, {"properties": {"email": "a@x.example"}}, token=token)
    assert response.status_code == 403
    assert response.body["category"] == "MISSING_SCOPES"
    assert response.body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write", "contacts.write"]


def test_hubspots_scope_names_work_on_tokens(call: Call) -> None:
    token = tokens.create("alias", ["crm.objects.contacts.read"], actor=SYSTEM)
    assert call("GET", PATH, token=token).status_code == 200
    assert call("DELETE", f"{PATH}/1", token=token).status_code == 403


def test_too_many_calls_are_slowed_down(call: Call) -> None:
    for _ in range(limits.BURST):
        last = call("GET", f"{PATH}?limit=1")
    assert last.status_code == 200
    assert last.headers["X-HubSpot-RateLimit-Max"] == "100"
    assert last.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    while (response := call("GET", f"{PATH}?limit=1")).status_code == 200:
        pass  # the bucket fills while the test runs
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert response.body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert response.body["message"] == "You have reached your ten_secondly_rolling limit."


def test_a_token_without_limit_has_none(call: Call) -> None:
    token = tokens.create("bulk", ["*"], limited=False, actor=SYSTEM)
    answers = [call("GET", f"{PATH}?limit=1", token=token) for _ in range(limits.BURST + 20)]
    assert {response.status_code for response in answers} == {200}
    assert "X-HubSpot-RateLimit-Max" not in answers[-1].headers


def test_other_methods_and_paths_answer_in_json_too(call: Call) -> None:
    put = call("PUT", PATH, {})
    assert (put.status_code, put.body["category"]) == (405, "METHOD_NOT_ALLOWED")
    assert "POST" in put.headers["Allow"]
    nowhere = call("GET", "/crm/v3/nonsense/1")
    assert (nowhere.status_code, nowhere.body["category"]) == (404, "OBJECT_NOT_FOUND")
    assert put.headers["Content-Type"] == call("GET", PATH).headers["Content-Type"] == "application/json;charset=utf-8"


def test_a_contact_is_created_with_its_links_or_not_at_all(call: Call) -> None:
    company = records.create("company", {"name": "누리워크"}, actor=SYSTEM, source="page")

    def link(id: Any, number: int = 279) -> list[dict[str, Any]]:
        return [{"to": {"id": id}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]}]

    made = call("POST", PATH, {"properties": {"email": "a@x.example"}, "associations": link(str(company))}).body
    shown = call("GET", f"{PATH}/{made['id']}?associations=companies,deals&associations=conversations").body
    assert shown["associations"] == {
        "companies": {"results": [{"id": str(company), "type": "contact_to_company"}, {"id": str(company), "type": "contact_to_company_unlabeled"}]}
    }
    assert "associations" not in call("GET", f"{PATH}/{made['id']}").body
    for id, number, status in (("999999", 279, 404), (str(company), 12345, 400), ("abc", 279, 400)):
        assert call("POST", PATH, {"properties": {"email": "b@x.example"}, "associations": link(id, number)}).status_code == status
    assert contacts.by_email("b@x.example") is None


def test_a_body_that_is_too_large_is_refused(call: Call) -> None:
    response = call("POST", PATH, {"properties": {"firstname": "x" * 6_000_000}})
    assert (response.status_code, response.body["category"]) == (413, "VALIDATION_ERROR")


def test_a_database_that_is_away_is_said(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: Any, **_more: Any) -> Any:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(records, "page", away)
    response = call("GET", PATH)
    assert (response.status_code, response.body["category"], response.headers["Retry-After"]) == (503, "UNAVAILABLE", "5")


def test_a_fault_of_ours_is_told_without_its_details(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_more: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(records, "page", broken)
    response = call("GET", PATH)
    assert (response.status_code, response.body["message"]) == (500, "internal error")
    assert response.body["correlationId"] == response.headers["X-HubSpot-Correlation-Id"]


NAMES = ["email", "firstname", "phone", "numberofemployees", "lifecyclestage", "competitor", "website", "hubspot_owner_id", "owner_id", "createdate", "x", ""]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.from_regex(r"[a-z]{1,5}@[a-z]{1,5}\.example", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=examples.some(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), JSON, max_size=4), again=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3))
def test_whatever_is_sent_has_an_answer(call: Call, unlimited: str, sent: dict[str, Any], again: dict[str, Any]) -> None:
    created = call("POST", PATH, {"properties": sent}, token=unlimited)
    assert created.status_code in (201, 400, 409), created.content
    if created.status_code == 201:
        path = f"{PATH}/{created.body['id']}"
        assert call("PATCH", path, {"properties": again}, token=unlimited).status_code in (200, 400)
        kept = call("GET", f"{path}?properties={','.join(NAMES[:9])}", token=unlimited).body["properties"]
        assert all(value is None or isinstance(value, str) for value in kept.values())
        fixed = ("hs_object_id", "createdate", "lastmodifieddate")
        writable = {name: value for name, value in kept.items() if name not in fixed}
        same = call("PATCH", path, {"properties": writable}, token=unlimited).body["properties"]
        assert {name: same[name] for name in writable} == writable


def test_a_long_list_of_properties_is_read(call: Call) -> None:
    id = make(email="a@x.example")
    names = ",".join(f"made_up_property_{n}" for n in range(600))
    assert call("GET", f"{PATH}/{id}?properties={names},email").body["properties"]["email"] == "a@x.example"


def test_a_contact_that_was_joined_to_another_is_still_found(call: Call) -> None:
    old, new = make(lastname="old"), make(email="a@x.example")
    records.archive("contact", old, actor=SYSTEM)
    contacts.redirect(old, new)
    from baton.crm.models import Contact

    Contact.objects.filter(id=old).delete()
    assert call("GET", f"{PATH}/{old}").body["id"] == str(new)
