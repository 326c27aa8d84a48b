"""Marketing e-mails, their statistics, single sends and the events that taps read, in HubSpot's words."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.accounts.models import Account
from baton.crm import consent, contacts, records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.campaigns import run
from baton.messaging.consent import suppression
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, Chunk, Email, Message
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.segments import verbs as lists

pytestmark = [pytest.mark.urls("baton.api.urls"), pytest.mark.django_db]
Call = Callable[..., Any]
PATH = "/marketing/v3/emails"
FOOTED = '<p>안녕하세요 {{ contact.firstname|default("고객") }} 님</p>'


@pytest.fixture(autouse=True)
def _sender(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(postal_address="서울 중구", phone="02-1", contact_email="help@nuriwork.example")


def someone(address: str) -> int:
    contact_id = records.create("contact", {"email": address}, actor=SYSTEM, source="test")
    consent.set([contact_id], "email", True, actor=SYSTEM, source="test")
    return contact_id


def a_list(*ids: int) -> str:
    segment = lists.create_segment("받는 사람", {}, "fixed", SYSTEM)
    lists.add(segment.pk, ids, SYSTEM)
    return str(segment.pk)


def test_a_mail_is_made_changed_copied_published_and_sent(program: Call) -> None:
    ours, theirs = someone("a@gaon.example"), someone("b@gaon.example")
    to = {"contactLists": {"include": [a_list(ours, theirs)], "exclude": [a_list(theirs)]}}
    made = program("POST", f"{PATH}/", {"name": "11월 소식", "subject": "새 기능", "from": {"fromName": "누리워크"}, "to": to, "content": {"html": FOOTED}})
    assert made.status_code == 201
    one = f"{PATH}/{made.body['id']}"
    assert (made.body["state"], made.body["type"], made.body["isPublished"], made.body["subject"]) == ("DRAFT", "BATCH_EMAIL", False, "새 기능")
    assert made.body["to"]["contactLists"] == to["contactLists"]
    assert "안녕하세요" in made.body["content"]["html"]
    changed = program("PATCH", one, {"subject": "더 나은 제목", "from": {"replyTo": "team@nuriwork.example"}})
    assert (changed.body["subject"], changed.body["from"]["fromName"], changed.body["from"]["replyTo"]) == ("더 나은 제목", "누리워크", "team@nuriwork.example")
    copied = program("POST", f"{PATH}/clone", {"id": made.body["id"], "cloneName": "사본"}).body
    assert (copied["name"], copied["to"]["contactLists"], copied["state"]) == ("사본", to["contactLists"], "DRAFT")
    assert [row["id"] for row in program("GET", f"{PATH}?limit=1").body["results"]] == [made.body["id"]]
    assert program("GET", PATH).body["total"] == 2
    assert program("POST", f"{one}/publish").status_code == 204
    assert program("GET", one).body["state"] == "PROCESSING"
    assert run.prepare() == 1
    campaign = Campaign.objects.get(email_id=made.body["id"])
    assert [id for chunk in Chunk.objects.filter(campaign_id=campaign.pk) for id in chunk.contact_ids] == [ours]
    assert program("POST", f"{one}/unpublish").status_code == 204
    assert Campaign.objects.get(pk=campaign.pk).state == "cancelled"
    assert program("POST", f"{one}/unpublish").status_code == 400
    assert program("DELETE", f"{PATH}/{copied['id']}").status_code == 204
    assert program("GET", f"{PATH}/{copied['id']}").status_code == 404
    assert program("GET", f"{PATH}/{copied['id']}?archived=true").body["archived"] is True


def test_every_order_is_walked_to_its_end(program: Call) -> None:
    for name in ("b", "a", "c", "a", "b"):
        program("POST", PATH, {"name": name})
    for sort, wanted in (("name", "aabbc"), ("-name", "cbbaa"), ("", "bacab"), ("-id", "bacab"), ("-createdAt", "bacab")):
        seen, after = [], ""
        while True:
            page = program("GET", f"{PATH}?limit=2&sort={sort}&after={after}").body
            seen += page["results"]
            after = page.get("paging", {}).get("next", {}).get("after", "")
            if not after:
                break
        assert "".join(row["name"] for row in seen) == wanted, sort
        assert len({row["id"] for row in seen}) == 5
    assert program("GET", f"{PATH}?sort=name&after=999999").status_code == 400


def test_versions_schedule_and_variants(program: Call) -> None:
    later = (clock.now() + timedelta(days=2)).replace(microsecond=0, second=0)
    made = program(
        "POST", PATH, {"name": "예약", "subject": "하나", "content": {"widgets": {"m1": {"body": {"html": FOOTED}}}}, "publishDate": later.isoformat()}
    ).body
    one = f"{PATH}/{made['id']}"
    assert program("POST", f"{one}/publish").status_code == 204
    assert program("GET", one).body["state"] == "DRAFT"  # nobody is named yet
    program("PATCH", one, {"subject": "둘", "to": {"contactIds": {"include": [str(someone("c@gaon.example"))]}}})
    assert program("POST", f"{one}/publish").status_code == 204
    assert (program("GET", one).body["state"], program("GET", one).body["subject"]) == ("SCHEDULED", "둘")
    assert Campaign.objects.get(email_id=made["id"]).due_at == later
    found = program("GET", f"{one}/revisions").body
    assert [(row["id"], row["object"]["subject"]) for row in found["results"]] == [("2", "둘"), ("1", "하나")]
    assert program("POST", f"{one}/revisions/1/restore-to-draft").body["subject"] == "하나"
    assert program("POST", f"{one}/draft/reset").status_code == 204
    assert program("GET", f"{one}/draft").body["subject"] == "둘"
    assert program("POST", f"{one}/unpublish").status_code == 204
    varied = program("POST", f"{PATH}/ab-test/create-variation", {"contentId": made["id"], "variationName": "B안"}).body
    assert program("GET", f"{one}/ab-test/get-variation").body["id"] == varied["id"]
    assert program("GET", one).body["testing"]["abTestPercentage"] == 100


def test_what_cannot_be_is_refused_with_its_place(program: Call) -> None:
    made = program("POST", PATH, {"name": "x", "content": {"html": FOOTED}}).body
    for body, place in (
        ({"to": {"contactLists": {"include": ["all"]}}}, "to.contactLists.include"),
        ({"to": {"contactLists": {"include": ["99999"]}}}, "audience.lists"),
        ({"to": {"contactLists": {"include": "all"}}}, "to.contactLists.include"),
        ({"content": {"widgets": [1]}}, "content.widgets"),
        ({"rssFeed": "https://x.example"}, "rssFeed"),
        ({"content": {"widgets": {"m": {"type": "module"}}}}, "content.widgets.m"),
    ):
        answer = program("PATCH", f"{PATH}/{made['id']}", body)
        assert (answer.status_code, answer.body["errors"][0]["in"]) == (400, place), answer.body
    for body in ([], "x", {"name": ""}, {"name": 5, "publishDate": "soon"}):
        assert program("POST", PATH, json.dumps(body)).status_code == 400
    for path in ("/nonsense", "/99999", "/99999999999999999999"):
        assert program("GET", f"{PATH}{path}").status_code == 404


@pytest.fixture
def history() -> tuple[int, list[int]]:
    """A mail that went to four people: two open it (one of them by a program), one clicks, one bounces, one unsubscribes."""
    mail = emails.create("소식", SYSTEM, subject="s", body=FOOTED).pk
    ids = [someone(f"h{n}@gaon.example") for n in range(4)]
    now = clock.now() - timedelta(hours=2)
    said = [(id, Kind.EMAIL_SENT, {}) for id in ids[:3]] + [
        (ids[0], Kind.EMAIL_OPEN, {}), (ids[1], Kind.EMAIL_OPEN, {"machine": "scanner"}), (ids[2], Kind.EMAIL_CLICK, {"url": "https://nuriwork.example/a"}),
        (ids[3], Kind.EMAIL_BOUNCE, {"class": "hard", "reason": "unknown_user", "code": "5.1.1"}), (ids[0], Kind.EMAIL_UNSUBSCRIBE, {}),
    ]  # fmt: skip
    record.add(
        [NewEvent(id, kind, now + timedelta(seconds=n), key_value=str(mail), key_label="소식", payload=payload) for n, (id, kind, payload) in enumerate(said)]
    )
    return mail, ids


def test_numbers_tell_people_from_programs(program: Call, history: tuple[int, list[int]]) -> None:
    mail, _ids = history
    span = (
        f"startTimestamp={(clock.now() - timedelta(days=1)).isoformat().replace('+00:00', 'Z')}&endTimestamp={clock.now().isoformat().replace('+00:00', 'Z')}"
    )
    found = program("GET", f"{PATH}/statistics/list?{span}&emailIds={mail}").body
    counters = found["aggregate"]["counters"]
    wanted = {"sent": 4, "delivered": 3, "open": 2, "click": 1, "bounce": 1, "hardbounced": 1, "unsubscribed": 1}
    assert {name: counters[name] for name in wanted} == wanted
    assert found["campaignAggregations"][str(mail)]["qualifierStats"]["machine"] == {"open": 1, "click": 0}
    assert found["aggregate"]["ratios"]["openratio"] == 66.6667
    histogram = program("GET", f"{PATH}/statistics/histogram?{span}&interval=DAY").body
    assert sum(row["aggregations"]["counters"]["sent"] for row in histogram["results"]) == 4
    assert program("GET", f"{PATH}/{mail}?includeStats=true").body["stats"]["counters"]["open"] == 2
    missing = program("GET", f"{PATH}/statistics/list")
    assert (missing.status_code, missing.body["message"]) == (400, "Unable to parse value for query parameter: startTimestamp")


def test_taps_read_every_event_once(program: Call, history: tuple[int, list[int]]) -> None:
    mail, _ids = history
    since = int((clock.now() - timedelta(days=1)).timestamp() * 1000)
    seen, offset = [], ""
    for _ in range(10):
        page = program("GET", f"/email/public/v1/events?startTimestamp={since}&limit=3&offset={offset}").body
        seen += page["events"]
        offset = page["offset"]
        if not page["hasMore"]:
            break
    assert len(seen) == len({row["id"] for row in seen}) == 8
    assert sorted(row["type"] for row in seen) == ["BOUNCE", "CLICK", "OPEN", "OPEN", "SENT", "SENT", "SENT", "STATUSCHANGE"]
    assert [row["filteredEvent"] for row in seen if row["type"] == "OPEN"] == [False, True]
    assert {row["emailCampaignId"] for row in seen} == {mail}
    assert program("GET", "/email/public/v1/events?recipient=h3@gaon.example&eventType=BOUNCE").body["events"][0]["category"] == "UNKNOWN_USER"
    assert program("GET", "/email/public/v1/events?offset=no").status_code == 400
    listed = program("GET", "/email/public/v1/campaigns/by-id?limit=1").body
    assert (listed["campaigns"][0]["id"], listed["hasMore"]) == (mail, False)
    assert program("GET", f"/email/public/v1/campaigns/{mail}").body["counters"]["open"] == 2
    old = program("GET", "/marketing-emails/v1/emails/with-statistics?limit=250&offset=0").body
    assert (old["total"], old["objects"][0]["stats"]["counters"]["click"]) == (1, 1)


def test_one_mail_to_one_person_once(program: Call) -> None:
    mail = emails.create("확인", SYSTEM, subject="s", body=FOOTED, purpose="transactional")
    Email.objects.filter(pk=mail.pk).update(purpose="transactional")
    body = {"emailId": mail.pk, "message": {"to": "new@gaon.example", "sendId": "order-1"}, "contactProperties": {"firstname": "지우"}}
    first = program("POST", "/marketing/v3/transactional/single-email/send", body)
    assert (first.status_code, first.body["status"], first.body["sendResult"]) == (200, "PENDING", "QUEUED")
    again = program("POST", "/marketing/v4/email/single-send", body).body
    assert (again["sendResult"], again["statusId"]) == ("IDEMPOTENT_IGNORE", first.body["statusId"])
    assert Message.objects.count() == 1
    assert program("GET", f"/marketing/v3/email/send-statuses/{first.body['statusId']}").body["status"] == "PENDING"
    assert program("GET", "/marketing/v3/email/send-statuses/999999-1").status_code == 404
    assert program("POST", "/marketing/v4/email/single-send", body | {"message": {"to": "nonsense"}}).body["sendResult"] == "INVALID_TO_ADDRESS"
    elsewhere = program("POST", "/marketing/v4/email/single-send", body | {"message": {"to": "other@gaon.example", "sendId": "order-1"}}).body
    assert (elsewhere["sendResult"], elsewhere["statusId"]) == ("IDEMPOTENT_IGNORE", first.body["statusId"]), "one mail for each sendId, whoever gets it"
    assert contacts.by_email("other@gaon.example") is None
    suppression.suppress_addresses(["dead@y.example"], "email", suppression.BOUNCED)
    copied = body | {
        "message": {"to": "new@gaon.example", "cc": ["x@y.example", "dead@y.example"], "bcc": ["z@y.example"], "replyTo": "help@nuriwork.example"},
        "customProperties": {"order": {"lines": ["a", 1, True]}},
    }
    sent = program("POST", "/marketing/v4/email/single-send", copied).body
    assert [(row["to"], row["sendResult"]) for row in sent["copies"]] == [
        ("x@y.example", "QUEUED"), ("dead@y.example", "BLOCKED_ADDRESS"), ("z@y.example", "QUEUED"),
    ]  # fmt: skip
    shown = program("GET", f"/marketing/v3/email/send-statuses/{sent['statusId']}").body
    assert {row["to"]: row["sendResult"] for row in shown["copies"]} == {"x@y.example": "QUEUED", "z@y.example": "QUEUED"}
    for message, more, place in (
        ({"cc": ["nobody"]}, {}, "message.cc"), ({"from": "ceo@elsewhere.example"}, {}, "message.from"), ({"replyTo": ["x"]}, {}, "message.replyTo"),
        ({}, {"customProperties": {"1x": 1}}, "customProperties.1x"),
    ):  # fmt: skip
        answer = program("POST", "/marketing/v4/email/single-send", {"emailId": mail.pk, "message": {"to": "new@gaon.example", **message}, **more})
        assert (answer.status_code, answer.body["category"], answer.body["errors"][0]["in"]) == (400, "VALIDATION_ERROR", place)
    assert program("POST", "/marketing/v4/email/single-send", body | {"message": {"to": "a@b.example", "sendId": "x" * 201}}).status_code == 400
    assert program("POST", "/marketing/v4/email/single-send", body | {"emailId": 99999}).status_code == 400
    marketing = emails.create("광고", SYSTEM, subject="s", body=FOOTED)
    refused = program("POST", "/marketing/v4/email/single-send", {"emailId": marketing.pk, "message": {"to": "new@gaon.example"}}).body
    assert (refused["status"], refused["sendResult"]) == ("COMPLETE", "EMAIL_UNCONFIRMED")
