"""Kinds of news and consent for programs: `/communication-preferences/v3` and `v4`, `/email/public/v1/subscriptions`."""

import pytest

from baton.crm import consent
from baton.crm.models import Consent, ConsentEvent
from baton.messaging.consent import subscriptions, suppression
from baton.messaging.models import Subscription, SubscriptionType
from baton.platform.actor import SYSTEM
from tests.api.conftest import Call
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db
V3, V4 = "/communication-preferences/v3", "/communication-preferences/v4"


@pytest.fixture
def news(account: object) -> SubscriptionType:
    return subscriptions.define({"ko": "뉴스레터", "en": "Newsletter"}, SYSTEM, topic="Marketing")


@pytest.fixture
def events(news: object) -> SubscriptionType:
    return subscriptions.define({"en": "Seminars"}, SYSTEM)


def test_version_3(program: Call, news: SubscriptionType, events: SubscriptionType) -> None:
    anna = person(agreed=False)
    found = program("GET", f"{V3}/definitions").body["subscriptionDefinitions"]
    assert [(one["id"], one["isActive"], one["isDefault"]) for one in found] == [(str(news.pk), True, True), (str(events.pk), True, False)]
    body = {"emailAddress": "jiwoo@gaon.example", "subscriptionId": str(news.pk), "legalBasis": "CONSENT_WITH_NOTICE", "legalBasisExplanation": "Signed, fair"}
    answer = program("POST", f"{V3}/subscribe", body)
    assert answer.status_code == 200
    assert (answer.body["status"], answer.body["sourceOfStatus"], answer.body["legalBasis"]) == ("SUBSCRIBED", "SUBSCRIPTION_STATUS", "CONSENT_WITH_NOTICE")
    assert Consent.objects.get(contact_id=anna).wording == "Signed, fair"
    shown = program("GET", f"{V3}/status/email/jiwoo@gaon.example").body
    assert [(one["id"], one["status"]) for one in shown["subscriptionStatuses"]] == [(str(news.pk), "SUBSCRIBED"), (str(events.pk), "NOT_SUBSCRIBED")]
    assert program("POST", f"{V3}/unsubscribe", body).body["status"] == "NOT_SUBSCRIBED"
    assert program("POST", f"{V3}/unsubscribe", body).status_code == 200
    suppression.unsubscribe(anna, 0)
    refused = program("POST", f"{V3}/subscribe", body)
    assert refused.status_code == 400
    assert "unsubscribed from all" in refused.body["message"]
    assert consent.granted(anna, "email") is False
    assert program("GET", f"{V3}/status/email/nobody@gaon.example").body["subscriptionStatuses"][0]["status"] == "NOT_SUBSCRIBED"


def test_version_4(program: Call, news: SubscriptionType, events: SubscriptionType) -> None:
    anna, ben = person(), person("ben@gaon.example")
    one = program("GET", f"{V4}/statuses/jiwoo@gaon.example?channel=EMAIL").body
    assert one["status"] == "COMPLETE"
    assert {row["subscriptionId"]: row["status"] for row in one["results"]} == {news.pk: "SUBSCRIBED", events.pk: "SUBSCRIBED"}
    wanted = {"subscriptionId": news.pk, "statusState": "UNSUBSCRIBED", "channel": "EMAIL"}
    assert program("POST", f"{V4}/statuses/jiwoo@gaon.example", wanted).body["results"][0]["status"] == "UNSUBSCRIBED"
    assert program("POST", f"{V4}/statuses/jiwoo@gaon.example", {**wanted, "statusState": "NOT_SPECIFIED"}).body["results"][0]["status"] == "SUBSCRIBED"
    assert not Subscription.objects.filter(contact_id=anna).exists()
    many = [{**wanted, "subscriberIdString": "ben@gaon.example"}, {**wanted, "subscriberIdString": "nobody@gaon.example"}]
    written = program("POST", f"{V4}/statuses/batch/write", {"inputs": many})
    assert (written.status_code, len(written.body["results"]), written.body["numErrors"]) == (207, 1, 1)
    assert written.body["results"][0]["setStatusSuccessReason"] == "REQUESTED_CHANGE_OCCURRED"
    again = program("POST", f"{V4}/statuses/batch/write", {"inputs": many[:1]})
    assert (again.status_code, again.body["results"][0]["setStatusSuccessReason"]) == (200, "NO_STATUS_CHANGE")
    both = {"inputs": ["ben@gaon.example", "nobody@gaon.example"]}
    left = program("POST", f"{V4}/statuses/batch/unsubscribe-all?channel=EMAIL&verbose=true", both).body
    assert [(row["subscriberIdString"], {s["status"] for s in row["statuses"]}) for row in left["results"]] == [
        (email, {"UNSUBSCRIBED"}) for email in both["inputs"]
    ]
    assert [row["statuses"] for row in program("POST", f"{V4}/statuses/batch/unsubscribe-all", both).body["results"]] == [[], []]
    assert consent.granted(ben, "email") is False
    assert suppression.addresses(["Nobody@gaon.example"]) == {"Nobody@gaon.example": "unsubscribed"}
    read = program("POST", f"{V4}/statuses/batch/unsubscribe-all/read?channel=EMAIL", {"inputs": ["ben@gaon.example", "jiwoo@gaon.example"]}).body
    assert [[one["status"] for one in row["wideStatuses"]] for row in read["results"]] == [["UNSUBSCRIBED"], []]
    for path in (V4, "/communication-preferences/2026-03"):
        assert program("GET", f"{path}/statuses/ben@gaon.example/unsubscribe-all").body["results"][0]["wideStatusType"] == "PORTAL_WIDE"
        assert program("GET", f"{path}/statuses/jiwoo@gaon.example/unsubscribe-all").body["results"] == []
    assert program("GET", f"{V4}/definitions").body["results"][0]["name"]
    for bad in ({**wanted, "statusState": "MAYBE"}, {**wanted, "channel": "PIGEON"}, {**wanted, "subscriptionId": 999}, {**wanted, "legalBasis": "FRIEND"}):
        assert program("POST", f"{V4}/statuses/jiwoo@gaon.example", bad | ({"statusState": "SUBSCRIBED"} if "legalBasis" in bad else {})).status_code == 400
    assert program("POST", f"{V4}/statuses/batch/read", {"inputs": []}).status_code == 400


def test_version_1_and_its_timeline(program: Call, news: SubscriptionType) -> None:
    anna = person()
    suppression.unsubscribe(anna, 0)
    found = program("GET", "/email/public/v1/subscriptions").body["subscriptionDefinitions"]
    assert (found[0]["id"], found[0]["active"], found[0]["category"]) == (news.pk, True, "Marketing")
    first = program("GET", "/email/public/v1/subscriptions/timeline?limit=1").body
    assert (first["hasMore"], first["timeline"][0]["changes"][0]["change"]) == (True, "SUBSCRIBED")
    rest = program("GET", f"/email/public/v1/subscriptions/timeline?limit=1&offset={first['offset']}").body
    assert (rest["hasMore"], rest["timeline"][0]["changes"][0]["change"], rest["timeline"][0]["recipient"]) == (False, "UNSUBSCRIBED", "jiwoo@gaon.example")
    assert ConsentEvent.objects.count() == 2
    assert program("GET", "/email/public/v1/subscriptions/timeline?startTimestamp=soon").status_code == 400
