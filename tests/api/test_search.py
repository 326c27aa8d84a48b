"""Searches: every operator on every kind of property, groups, words, orders and pages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baton.accounts.models import User
from baton.crm import associations, contacts, properties, records
from baton.platform.actor import SYSTEM, Actor

pytestmark = pytest.mark.urls("baton.api.urls")
Program = Callable[..., Any]
PATH = "/crm/v3/objects/contacts/search"


def make(**values: Any) -> str:
    return str(records.create("contact", values, actor=SYSTEM, source="page"))


@pytest.fixture
def people(db: None, actor: Actor) -> dict[str, str]:
    """Three contacts by name; 지우 has hardly any values."""
    properties.define("contact", "likes", "Likes", "multi_choice", actor=actor, options=[{"value": v, "label": v.upper()} for v in ("tea", "go", "tennis")])
    properties.define("contact", "renewal", "Renewal", "date", actor=actor)
    properties.define("contact", "met", "Met", "datetime", actor=actor)
    owner = User.objects.create_user(email="owner@x.example", password="a long password", name="Owner").pk
    return {
        "민준": make(
            firstname="민준", email="minjun@gaon.example", company="Acme Corp", numberofemployees=9, lifecyclestage="mql", student=True, likes=["tea", "go"],
            renewal="2026-11-21", met="2026-11-21T10:00:00.000Z", phone="010-4827-1935", owner_id=owner, website="https://gaon.example/a",
        ),
        "서연": make(
            firstname="서연", email="seoyeon@nuri.example", company="acme", numberofemployees=10, lifecyclestage="customer", student=False, likes=["go"],
            renewal="2026-12-01", met="2026-12-01T10:00:00.000Z", phone="02-312-4567",
        ),
        "지우": make(firstname="지우"),
    }  # fmt: skip


def found(program: Program, people: dict[str, str], *filters: dict[str, Any], **more: Any) -> str:
    answer = program("POST", PATH, {"filterGroups": [{"filters": list(filters)}], **more})
    assert answer.status_code == 200, answer.content
    names = {id: name for name, id in people.items()}
    assert answer.body["total"] == len(answer.body["results"])
    return " ".join(names[row["id"]] for row in answer.body["results"])


def f(name: str, operator: str, value: Any = None, high: Any = None, values: Any = None) -> dict[str, Any]:
    made = {"propertyName": name, "operator": operator, "value": value, "highValue": high, "values": values}
    return {key: given for key, given in made.items() if given is not None}


MS = int(datetime(2026, 11, 21, 10, tzinfo=UTC).timestamp() * 1000)
FOUND: list[tuple[dict[str, Any], str]] = [
    (f("email", "EQ", "MinJun@gaon.example"), "민준"),
    (f("company", "EQ", "ACME"), "서연"),
    (f("company", "NEQ", "ACME"), "민준 지우"),
    (f("company", "IN", values=["acme", "acme corp"]), "민준 서연"),
    (f("company", "NOT_IN", values=["acme"]), "민준 지우"),
    (f("company", "HAS_PROPERTY"), "민준 서연"),
    (f("company", "NOT_HAS_PROPERTY"), "지우"),
    (f("company", "CONTAINS_TOKEN", "acme"), "민준 서연"),
    (f("company", "CONTAINS_TOKEN", "corp"), "민준"),
    (f("company", "CONTAINS_TOKEN", "cor"), ""),
    (f("company", "CONTAINS_TOKEN", "cor*"), "민준"),
    (f("company", "NOT_CONTAINS_TOKEN", "corp"), "서연 지우"),
    (f("company", "CONTAINS_TOKEN", "*me"), "민준 서연"),
    (f("company", "CONTAINS_TOKEN", "a*e corp"), "민준"),
    (f("company", "CONTAINS_TOKEN", "me"), ""),
    (f("firstname", "EQ", "지우"), "지우"),
    (f("firstname", "CONTAINS_TOKEN", "*준"), "민준"),
    (f("email", "EQ", "minjun"), ""),
    (f("email", "CONTAINS_TOKEN", "*nuri.example"), "서연"),
    (f("email", "CONTAINS_TOKEN", "*@nuri.example"), "서연"),
    (f("email", "CONTAINS_TOKEN", "gaon.example"), "민준"),
    (f("numberofemployees", "EQ", "9"), "민준"),
    (f("numberofemployees", "EQ", 9), "민준"),
    (f("numberofemployees", "NEQ", 9), "서연 지우"),
    (f("numberofemployees", "GT", "9"), "서연"),
    (f("numberofemployees", "GTE", "9"), "민준 서연"),
    (f("numberofemployees", "LT", "10"), "민준"),
    (f("numberofemployees", "LTE", "10"), "민준 서연"),
    (f("numberofemployees", "BETWEEN", "9.5", "10"), "서연"),
    (f("numberofemployees", "BETWEEN", "10", "9"), ""),
    (f("numberofemployees", "IN", values=["9", 10]), "민준 서연"),
    (f("numberofemployees", "NOT_HAS_PROPERTY"), "지우"),
    (f("lifecyclestage", "EQ", "marketingqualifiedlead"), "민준"),
    (f("lifecyclestage", "IN", values=["customer", "nonsense"]), "서연"),
    (f("lifecyclestage", "EQ", "CUSTOMER"), ""),
    (f("lifecyclestage", "CONTAINS_TOKEN", "custom*"), "서연"),
    (f("likes", "EQ", "go"), "민준 서연"),
    (f("likes", "EQ", "tea;go"), "민준"),
    (f("likes", "IN", values=["tea"]), "민준"),
    (f("likes", "NEQ", "tea"), "서연 지우"),
    (f("student", "EQ", "true"), "민준"),
    (f("student", "EQ", False), "서연"),
    (f("student", "NEQ", "true"), "서연 지우"),
    (f("renewal", "EQ", "2026-11-21"), "민준"),
    (f("renewal", "EQ", str(int(datetime(2026, 11, 21, tzinfo=UTC).timestamp() * 1000))), "민준"),
    (f("renewal", "GT", "2026-11-21"), "서연"),
    (f("renewal", "GTE", "2026-11-21"), "민준 서연"),
    (f("renewal", "BETWEEN", "2026-11-01", "2026-11-30"), "민준"),
    (f("met", "EQ", MS), "민준"),
    (f("met", "GT", str(MS)), "서연"),
    (f("met", "LTE", "2026-11-21T10:00:00Z"), "민준"),
    (f("met", "BETWEEN", MS, MS + 86_400_000 * 20), "민준 서연"),
    (f("phone", "EQ", "010 4827 1935"), "민준"),
    (f("phone", "CONTAINS_TOKEN", "*1935"), "민준"),
    (f("phone", "CONTAINS_TOKEN", "02-312-4567"), "서연"),
    (f("website", "EQ", "gaon.example/a"), "민준"),
    (f("hubspot_owner_id", "HAS_PROPERTY"), "민준"),
    (f("hubspot_owner_id", "EQ", "nobody"), ""),
    (f("hs_email_optout", "EQ", "true"), ""),
    (f("createdate", "GT", "0000000000000"), "민준 서연 지우"),
    (f("lastmodifieddate", "HAS_PROPERTY"), "민준 서연 지우"),
]


@pytest.mark.parametrize(("asked", "names"), FOUND, ids=lambda one: " ".join(map(str, one.values())) if isinstance(one, dict) else "")
def test_every_operator_finds_who_it_means(program: Program, people: dict[str, str], asked: dict[str, Any], names: str) -> None:
    if asked.get("value") == "0000000000000":
        asked = {**asked, "value": "100000000000"}
    assert found(program, people, asked) == names


def test_owners_ids_and_moments(program: Program, people: dict[str, str]) -> None:
    owner = User.objects.get(email="owner@x.example").pk
    assert found(program, people, f("hubspot_owner_id", "EQ", str(owner))) == "민준"
    assert found(program, people, f("hubspot_owner_id", "IN", values=[owner])) == "민준"
    assert found(program, people, f("hs_object_id", "EQ", people["서연"])) == "서연"
    assert found(program, people, f("hs_object_id", "GT", people["민준"])) == "서연 지우"
    assert found(program, people, f("hs_object_id", "IN", values=[people["민준"], people["지우"]])) == "민준 지우"
    soon = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp() * 1000)
    assert found(program, people, f("lastmodifieddate", "LT", soon)) == "민준 서연 지우"
    assert found(program, people, f("createdate", "GTE", soon)) == ""
    contacts.add_email(int(people["서연"]), "other@x.example", actor=SYSTEM)
    assert found(program, people, f("hs_additional_emails", "EQ", "other@x.example")) == "서연"
    assert found(program, people, f("hs_additional_emails", "CONTAINS_TOKEN", "*@x.example")) == "서연"
    assert found(program, people, f("email", "EQ", "other@x.example")) == ""
    assert found(program, people, f("email", "NOT_IN", values=["minjun@gaon.example"])) == "서연 지우"


def test_groups_are_alternatives_and_filters_add_up(program: Program, people: dict[str, str]) -> None:
    assert found(program, people, f("company", "CONTAINS_TOKEN", "acme"), f("numberofemployees", "GT", 9)) == "서연"
    groups = [{"filters": [f("firstname", "EQ", "지우")]}, {"filters": [f("student", "EQ", "true")]}]
    assert [row["id"] for row in program("POST", PATH, {"filterGroups": groups}).body["results"]] == [people["민준"], people["지우"]]
    assert program("POST", PATH, {"filters": [f("firstname", "EQ", "지우")]}).body["total"] == 1
    assert program("POST", PATH, {}).body["total"] == 3
    assert program("POST", PATH, {"filterGroups": [], "sorts": [], "query": "", "properties": None, "after": None}).body["total"] == 3


def test_words_find_the_beginnings_of_words(program: Program, people: dict[str, str]) -> None:
    assert [row["id"] for row in program("POST", PATH, {"query": "acm"}).body["results"]] == [people["민준"], people["서연"]]
    assert [row["id"] for row in program("POST", PATH, {"query": "acme corp"}).body["results"]] == [people["민준"]]
    assert program("POST", PATH, {"query": "acme", "filters": [f("student", "EQ", "false")]}).body["total"] == 1
    assert program("POST", PATH, {"query": "nobody at all"}).body == {"total": 0, "results": []}


def test_links_can_be_asked_for(program: Program, people: dict[str, str]) -> None:
    company = records.create("company", {"name": "가온"}, actor=SYSTEM, source="page")
    associations.link("contact", int(people["민준"]), "company", company, actor=SYSTEM)
    for name in ("associations.company", "associations.companies", "associations.0-2", "associatedcompanyid"):
        assert found(program, people, f(name, "EQ", str(company))) == "민준"
    assert found(program, people, f("associations.company", "IN", values=[company, 999999])) == "민준"
    assert found(program, people, f("associations.company", "NOT_HAS_PROPERTY")) == "서연 지우"
    answer = program("POST", "/crm/v3/objects/companies/search", {"filters": [f("associations.contact", "EQ", people["민준"])]})
    assert [row["id"] for row in answer.body["results"]] == [str(company)]


def test_deals_are_found_by_their_way(program: Program, db: None) -> None:
    open_ = records.create("deal", {"dealname": "open", "amount": 100}, actor=SYSTEM, source="page")
    won = records.create("deal", {"dealname": "won", "amount": 20, "dealstage": "closedwon"}, actor=SYSTEM, source="page")

    def ids(**body: Any) -> list[str]:
        return [row["id"] for row in program("POST", "/crm/v3/objects/deals/search", body).body["results"]]

    assert ids(filters=[f("dealstage", "EQ", "closedwon")]) == [str(won)]
    assert ids(filters=[f("hs_is_closed", "EQ", "false")]) == [str(open_)]
    assert ids(filters=[f("hs_is_closed_won", "EQ", "true")]) == [str(won)]
    assert ids(filters=[f("hs_is_closed_lost", "EQ", "true")]) == []
    assert ids(sorts=[{"propertyName": "amount", "direction": "ASCENDING"}]) == [str(won), str(open_)]
    assert ids(sorts=["-amount"]) == [str(open_), str(won)]
    assert ids(sorts=["hs_object_id"]) == [str(open_), str(won)]
    assert ids(sorts=[{"propertyName": "createdate", "direction": "DESCENDING"}]) == [str(won), str(open_)]


def test_pages_follow_each_other(program: Program, db: None) -> None:
    ids = [str(id) for id in records.create_many("contact", [{"lastname": str(n)} for n in range(25)], actor=SYSTEM, source="page")]
    seen: list[str] = []
    after: str | None = None
    while True:
        body = program("POST", PATH, {"limit": 10, "after": after, "properties": ["lastname"]}).body
        assert body["total"] == 25
        seen += [row["id"] for row in body["results"]]
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"]
    assert seen == ids
    assert len(program("POST", PATH, {"limit": 500}).body["results"]) == 25
    assert program("POST", PATH, {"limit": 0}).body == {"total": 25, "results": []}
    assert program("POST", PATH, {"limit": 10, "after": 20}).body["results"][0]["id"] == ids[20]


def test_the_archived_are_never_found(program: Program, people: dict[str, str]) -> None:
    records.archive("contact", int(people["민준"]), actor=SYSTEM)
    assert program("POST", f"{PATH}?archived=true&associations=companies", {"limit": 100}).body["total"] == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"filterGroups": [{"filters": [f("city", "HAS_PROPERTY")]}] * 6}, "At most 5 filter groups"),
        ({"filterGroups": [{"filters": [f("city", "HAS_PROPERTY")] * 7}]}, "At most 6 filters"),
        ({"filterGroups": [{"filters": [f("city", "HAS_PROPERTY")] * 5}] * 4}, "At most 18 filters"),
        ({"filters": [f("nonsense", "EQ", "x")]}, 'Property "nonsense" does not exist'),
        ({"filters": [f("city", "LIKE", "x")]}, "LIKE is no operator. Valid operators are: [EQ, NEQ, "),
        ({"filters": [f("city", "GT", "x")]}, "cannot be used"),
        ({"filters": [f("city", "EQ")]}, "needs a value"),
        ({"filters": [f("city", "IN", values=[])]}, "needs values"),
        ({"filters": [f("city", "EQ", {"a": 1})]}, "needs a value"),
        ({"filters": [f("city", "EQ", "a\x00b")]}, "characters that cannot be stored"),
        ({"query": "a\x00b"}, "characters that cannot be stored"),
        ({"filters": [f("numberofemployees", "GT", "many")]}, "many is not a number"),
        ({"filters": [f("createdate", "GT", "yesterday")]}, "yesterday is neither a date nor milliseconds"),
        ({"filters": [f("associations.nonsense", "EQ", "1")]}, "Unable to infer object type from: nonsense"),
        ({"sorts": ["nonsense"]}, 'Property "nonsense" does not exist'),
        ({"sorts": [{"propertyName": "city", "direction": "SIDEWAYS"}]}, "no direction"),
        ({"after": 9_995, "limit": 10}, "first 10000 results only"),
        ({"after": "abc"}, "after"),
        ({"limit": "many"}, "limit"),
        ({"filters": [{"propertyName": "city"}]}, "Some required fields were not set: [operator]"),
        ({"filterGroups": "x"}, "filterGroups"),
    ],
)
def test_a_search_that_makes_no_sense_is_explained(program: Program, body: Any, words: str) -> None:
    answer = program("POST", PATH, body)
    assert answer.status_code == 400, answer.content
    assert answer.body["category"] == "VALIDATION_ERROR"
    assert words in answer.body["message"], answer.body["message"]


def test_searches_have_no_headers_of_the_rate_limit(program: Program, db: None) -> None:
    from baton.accounts import tokens

    token = tokens.create("limited", ["*"], actor=SYSTEM)
    assert "X-HubSpot-RateLimit-Max" not in program("POST", PATH, {}, token=token).headers
    assert "X-HubSpot-RateLimit-Max" in program("GET", "/crm/v3/objects/contacts", token=token).headers


def test_a_search_costs_six_statements(program: Program, settled: None, people: dict[str, str], django_assert_max_num_queries: Any) -> None:
    body = {"filters": [f("company", "HAS_PROPERTY")], "properties": ["email", "associatedcompanyid", "hs_additional_emails"], "limit": 1}
    program("POST", PATH, body)
    with django_assert_max_num_queries(6):
        assert program("POST", PATH, body).body["total"] == 2


def test_hundreds_of_properties_may_be_named(program: Program, people: dict[str, str]) -> None:
    names = [f"made_up_property_{n}" for n in range(900)]
    assert program("POST", PATH, {"properties": [*names, "firstname"], "limit": 1}).body["results"][0]["properties"]["firstname"] == "민준"
