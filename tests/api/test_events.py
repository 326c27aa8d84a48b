"""Events that a company sends itself, and what programs read of what happened."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.crm import records
from baton.events.record import NewEvent, add
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.platform.actor import SYSTEM

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
NEW = {"label": "Bought something", "propertyDefinitions": [{"label": "Amount", "name": "amount", "type": "number"}]}


@pytest.fixture
def contact() -> int:
    return records.create("contact", {"email": "kim@a.example"}, actor=SYSTEM, source="page")


def events(program: Call, **more: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{key}={value}" for key, value in {"objectType": "contact", **more}.items())
    response = program("GET", f"/events/v3/events/?{query}")
    assert response.status_code == 200, response.body
    return list(response.body["results"])


def test_an_event_is_defined_sent_and_read(program: Call, contact: int) -> None:
    made = program("POST", "/events/v3/event-definitions", NEW)
    assert made.status_code == 201, made.body
    name = made.body["fullyQualifiedName"]
    assert name.endswith("_bought_something")
    assert made.body["objectTypeId"].startswith("6-")
    sent = {"eventName": name, "email": "kim@a.example", "properties": {"amount": 12}, "uuid": "one"}
    for _twice in range(2):
        assert program("POST", "/events/v3/send", sent).status_code == 204
    assert program("POST", "/events/v3/send", {**sent, "email": "new@a.example", "uuid": "two"}).status_code == 204
    found = events(program, objectId=contact, eventType=name)
    assert [(one["eventType"], one["objectId"], one["properties"]) for one in found] == [(name, str(contact), {"amount": "12"})]
    assert len(events(program, eventType=name)) == 2
    assert name in program("GET", "/events/v3/events/event-types").body["eventTypes"]
    assert program("GET", "/crm/v3/objects/contacts/new@a.example?idProperty=email").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"eventName": "nothing"}, {"email": None}, {"email": "nonsense"}, {"properties": {"colour": "red"}}, {"occurredAt": "yesterday"}, {"objectId": "x"}],
)
def test_what_makes_no_sense_is_refused(program: Call, contact: int, changes: dict[str, Any]) -> None:
    program("POST", "/events/v3/event-definitions", NEW)
    response = program("POST", "/events/v3/send", {"eventName": "bought_something", "email": "kim@a.example", **changes})
    assert response.status_code == 400, response.body
    assert events(program) == []


def test_many_at_once_and_pages(program: Call, contact: int) -> None:
    program("POST", "/events/v3/event-definitions", NEW)
    now = clock.now()
    inputs = [
        {"eventName": "bought_something", "objectId": contact, "occurredAt": (now - timedelta(hours=n)).isoformat(), "properties": {"amount": n}}
        for n in range(7)
    ]
    assert program("POST", "/events/v3/send/batch", {"inputs": inputs}).status_code == 204
    path, seen = "/events/v3/events?objectType=CONTACT&sort=-occurredAt&limit=3", []
    while path:
        body = program("GET", path).body
        seen += [one["properties"]["amount"] for one in body["results"]]
        after = body.get("paging", {}).get("next", {}).get("after")
        path = f"/events/v3/events?objectType=CONTACT&sort=-occurredAt&limit=3&after={after}" if after else ""
    assert seen == ["0", "1", "2", "3", "4", "5", "6"]
    half = (now - timedelta(hours=2, minutes=30)).isoformat().replace("+00:00", "Z")
    assert len(events(program, occurredAfter=half)) == 3
    assert [one["properties"]["amount"] for one in events(program, sort="occurredAt", limit=1)] == ["6"]


def test_visits_and_forms_are_read_too(program: Call, contact: int) -> None:
    at = clock.now() - timedelta(minutes=5)
    add([NewEvent(contact, Kind.PAGE_VIEW, at, "a.example/pricing", "Pricing", payload={"url": "https://a.example/pricing", "title": "Pricing"})])
    (view,) = events(program, eventType="e_visited_page")
    assert view["properties"] == {"hs_url": "https://a.example/pricing", "hs_title": "Pricing"}
    missing = program("GET", "/events/v3/events")
    assert (missing.status_code, missing.body["message"]) == (400, "Must specify an eventType or objectType")


def test_programs_are_told_from_people(program: Call, contact: int) -> None:
    at = clock.now() - timedelta(minutes=5)
    hit = {"message": 1, "url": "https://a.example/", "human": 0.03, "why": ["trap", "gesture"], "machine": "trap"}
    add([NewEvent(contact, Kind.EMAIL_CLICK, at, "3", "News", payload=hit), NewEvent(contact, Kind.EMAIL_OPEN, at, "3", "News", payload={"human": 0.88})])
    (click,) = events(program, eventType="e_clicked_link_in_email_v2")
    told = {"is_human": "false", "confidence": "0.03", "reason": "trap;gesture"}
    assert click["properties"] == {"hs_name": "News", "url": "https://a.example/", **told}
    (opened,) = events(program, eventType="e_opened_email")
    assert opened["properties"] == {"hs_name": "News", "is_human": "true", "confidence": "0.88"}


def test_definitions_are_changed_and_put_aside(program: Call) -> None:
    name = program("POST", "/events/v3/event-definitions", NEW).body["fullyQualifiedName"]
    assert program("POST", "/events/v3/event-definitions", NEW).status_code == 409
    assert program("PATCH", f"/events/v3/event-definitions/{name}", {"label": "Order"}).body["labels"]["singular"] == "Order"
    added = program("POST", f"/events/v3/event-definitions/{name}/property", {"label": "Colour", "type": "string"})
    assert (added.status_code, added.body["name"]) == (201, "colour")
    assert program("DELETE", f"/events/v3/event-definitions/{name}/property/amount").status_code == 204
    listed = program("GET", "/events/v3/event-definitions?searchString=order").body
    assert (listed["total"], [one["name"] for one in listed["results"][0]["properties"]]) == (1, ["colour"])
    assert program("DELETE", f"/events/v3/event-definitions/{name}").status_code == 204
    assert program("GET", f"/events/v3/event-definitions/{name}").status_code == 404
