"""Moving over from Mailchimp and Stibee: files and APIs, and what becomes of people's answers on the way."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from baton.crm import consent, contacts, erase
from baton.crm.models import Consent, ConsentEvent, Contact
from baton.messaging import gate
from baton.messaging.consent import subscriptions, suppression
from baton.messaging.consent.movers import files, run, verbs
from baton.messaging.consent.movers.verbs import Options
from baton.messaging.models import Email, Move, Subscription, SuppressedAddress, Suppression
from baton.platform import clock, http
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.platform.models import History
from baton.segments.models import Membership, Segment
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db
HEAD = (
    "Email Address,First Name,Last Name,Phone Number,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,"
    "CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
LINE = '{mail},{first},Lee,,2,,,{at},203.0.113.7,,,,,,,,"2025-05-01 10:00:00",1,abc,,{tags}'
SOURCE = Options(source="Newsletter form of gaon.example: I want to get the newsletter")


def mailchimp_zip() -> bytes:
    subscribed = [
        LINE.format(mail="anna@gaon.example", first="Anna", at="2025-03-01 09:30:00", tags='"""VIP"",""Blog"""'),
        LINE.format(mail="undated@gaon.example", first="Udo", at="", tags=""),
        LINE.format(mail="no address", first="Nix", at="2025-03-01 09:30:00", tags=""),
    ]
    out = [LINE.format(mail="ben@gaon.example", first="Ben", at="2024-03-01 09:30:00", tags="") + ",2025-04-02 08:00:00,Spring news,c1,NORMAL,too often"]
    out.append(LINE.format(mail="stranger@gaon.example", first="S", at="", tags="") + ",2025-04-02 08:00:00,Spring news,c1,N/A,")
    cleaned = [LINE.format(mail="carl@gaon.example", first="Carl", at="", tags="") + ",2025-01-02 08:00:00,Winter news,c2"]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("cleaned_segment_1.csv", "\n".join([HEAD + ",CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID", *cleaned]))
        packed.writestr("subscribed_segment_1.csv", "\n".join([HEAD, *subscribed]))
        more = ",UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER"
        packed.writestr("unsubscribed_segment_1.csv", "\n".join([HEAD + more, *out]))
    return data.getvalue()


def mine(email: str) -> int:
    found = contacts.by_email(email)
    assert found is not None, email
    return found


def test_an_export_of_mailchimp_brings_answers_with_their_proof_and_no_more(account: object) -> None:
    for mail in ("ben@gaon.example", "carl@gaon.example"):
        person(mail)
    Consent.objects.update(at=datetime(2024, 1, 1, tzinfo=UTC))
    move = verbs.begin_file("mailchimp", "audience_export.zip", mailchimp_zip(), SOURCE, actor=SYSTEM)
    run.run(move.pk)
    move.refresh_from_db()
    assert (move.state, move.content, move.trouble) == ("done", None, "")
    row = Consent.objects.get(contact_id=mine("anna@gaon.example"))
    assert (row.granted, row.at, row.wording) == (True, datetime(2025, 3, 1, 9, 30, tzinfo=UTC), SOURCE.source)
    assert row.proof["confirm_ip"] == "203.0.113.7"
    assert ConsentEvent.objects.filter(contact_id=row.contact_id, source=f"move:{move.pk}").count() == 1
    assert consent.granted(mine("undated@gaon.example"), "email") is None
    assert consent.granted(mine("ben@gaon.example"), "email") is False
    stop = Suppression.objects.get(contact_id=mine("ben@gaon.example"))
    assert (stop.reason, stop.source, "too often" in stop.note) == ("unsubscribed", f"move:{move.pk}", True)
    assert Suppression.objects.get(contact_id=mine("carl@gaon.example")).reason == "bounced"
    assert contacts.by_email("stranger@gaon.example") is None
    assert suppression.addresses(["stranger@gaon.example"]) == {"stranger@gaon.example": "unsubscribed"}
    lists = {s.name: Membership.objects.filter(segment_id=s.pk).count() for s in Segment.objects.filter(kind="fixed")}
    assert lists == {"Mailchimp: VIP": 1, "Mailchimp: Blog": 1}
    assert move.counts["agreed"] == 1
    assert move.counts["without_proof"] == 1
    assert move.problems == [[3, "INVALID_EMAIL"]]
    again = verbs.begin_file("mailchimp", "audience_export.zip", mailchimp_zip(), SOURCE, actor=SYSTEM)
    run.run(again.pk)
    again.refresh_from_db()
    assert (again.counts.get("agreed", 0), again.counts.get("created", 0), again.counts["agreed_already"]) == (0, 0, 1)


def test_without_a_source_nobody_agreed_and_a_refusal_here_stays_one(account: object) -> None:
    anna = person("anna@gaon.example", agreed=False)
    line = LINE.format(mail="anna@gaon.example", first="A", at="2025-03-01 09:30:00", tags="")
    move = verbs.begin_file("mailchimp", "subscribed.csv", f"{HEAD}\n{line}".encode(), Options(), actor=SYSTEM)
    run.run(move.pk)
    assert consent.granted(anna, "email") is None
    suppression.unsubscribe(anna, 0)
    move = verbs.begin_file("mailchimp", "export.zip", mailchimp_zip(), SOURCE, actor=SYSTEM)
    run.run(move.pk)
    move.refresh_from_db()
    assert consent.granted(anna, "email") is False
    assert move.counts["refused_here"] == 1
    gone = person("undated@gaon.example") if contacts.by_email("undated@gaon.example") is None else mine("undated@gaon.example")
    erase.erase(gone, actor=SYSTEM)
    move = verbs.begin_file("mailchimp", "export.zip", mailchimp_zip(), SOURCE, actor=SYSTEM)
    run.run(move.pk)
    assert contacts.by_email("undated@gaon.example") is None


def test_an_export_of_stibee_keeps_who_refused_advertising(account: object) -> None:
    ben = person("ben@gaon.example")
    Consent.objects.update(at=datetime(2024, 1, 1, tzinfo=UTC))
    text = (
        "이메일 주소,이름,회사,구독 상태,광고성 정보 수신 동의,구독일,수신거부일,그룹\n"
        'anna@gaon.example,홍길동,가온,구독 중,Y,2025-03-01 10:00:00,,"뉴스레터,세미나"\n'
        "noads@gaon.example,김하나,,구독 중,N,2025-03-01 10:00:00,,\n"
        "ben@gaon.example,이둘,,수신거부,Y,2024-03-01 10:00:00,2025-02-01 10:00:00,\n"
        "carl@gaon.example,박셋,,자동삭제,Y,2024-03-01 10:00:00,,\n"
        "odd@gaon.example,최넷,,휴면,Y,2024-03-01 10:00:00,,\n"
    ).encode("cp949")
    kind = subscriptions.define({"ko": "뉴스레터"}, SYSTEM)
    with pytest.raises(Invalid, match="수신 종류"):
        verbs.begin_file("stibee", "a.csv", text, Options(everything=False), actor=SYSTEM)
    with pytest.raises(Invalid):
        verbs.begin_file("mailchimp", "a.csv", text, SOURCE, actor=SYSTEM)
    move = verbs.begin_file("stibee", "주소록.csv", text, Options(source="홈페이지 구독 신청", everything=False, type=kind.pk), actor=SYSTEM)
    run.run(move.pk)
    anna = Contact.objects.get(pk=mine("anna@gaon.example"))
    assert (anna.properties["lastname"], anna.properties["firstname"], anna.properties["company"]) == ("홍", "길동", "가온")
    assert consent.granted(anna.pk, "email") is True
    assert Subscription.objects.get(contact_id=anna.pk).granted
    assert consent.granted(mine("noads@gaon.example"), "email") is None
    assert consent.granted(ben, "email") is True  # he left one kind of news only, as was chosen
    assert Subscription.objects.get(contact_id=ben).granted is False
    assert contacts.by_email("carl@gaon.example") is None
    assert suppression.addresses(["carl@gaon.example"]) == {"carl@gaon.example": "bounced"}
    move.refresh_from_db()
    assert move.problems == [[5, "UNKNOWN_STATE"]]
    assert Segment.objects.filter(name="스티비: 세미나").exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949", "utf-16"])
def test_whatever_excel_made_of_an_export_of_stibee(account: object, encoding: str) -> None:
    """A byte order mark, old Korean letters, lines of Windows, a line break within a cell, columns in another order; nobody agrees who left it open."""
    text = "\r\n".join([
        "구독 상태,이메일,이름,메모,광고성 정보 수신 동의 여부,광고성 정보 수신 동의,구독일,수신거부일,그룹",
        '구독 중,ANNA@gaon.example,홍길동,"두 줄\n메모",,동의,2025.03.01 10:00,,"뉴스레터, 세미나"',
        "구독 중,open@gaon.example,김하나,,,,2025-03-01 10:00:00,,",
        "수신 거부,ben@gaon.example,이둘,,,동의,2024-03-01,2025-02-01,",
        "자동 삭제,carl@gaon.example,박셋,,,동의,2024-03-01,,",
    ])  # fmt: skip
    for _turn in range(2):
        move = verbs.begin_file("stibee", "주소록.csv", text.encode(encoding), Options(source="구독 신청"), actor=SYSTEM)
        run.run(move.pk)
        move.refresh_from_db()
        assert (move.state, move.problems) == ("done", [])
        row = Consent.objects.get(granted=True)
        assert (row.contact_id, row.at) == (mine("anna@gaon.example"), datetime(2025, 3, 1, 1, tzinfo=UTC))
        assert consent.granted(mine("open@gaon.example"), "email") is None
        assert suppression.addresses(["ben@gaon.example", "carl@gaon.example"]) == {"ben@gaon.example": "unsubscribed", "carl@gaon.example": "bounced"}
        assert (ConsentEvent.objects.count(), SuppressedAddress.objects.count()) == (1, 2), "the second time nothing changes"
        assert {s.name: Membership.objects.filter(segment_id=s.pk).count() for s in Segment.objects.filter(kind="fixed")} == {
            "스티비: 뉴스레터": 1, "스티비: 세미나": 1,
        }  # fmt: skip


def test_states_that_only_the_name_of_a_file_says(account: object) -> None:
    line = LINE.format(mail="{}@gaon.example", first="A", at="2025-03-01 09:30:00", tags="")
    names = {"subscribed_email_audience_export_1.csv": "a", "nonsubscribed_email_audience_export_1.csv": "b", "transactional.csv": "c", "audience.csv": "d"}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for name, person_ in names.items():
            packed.writestr(name, f"\ufeff{HEAD}\n{line.format(person_)}".replace("Email Address", "이메일 주소"))
    move = verbs.begin_file("mailchimp", "export.zip", data.getvalue(), SOURCE, actor=SYSTEM)
    run.run(move.pk)
    assert [consent.granted(mine(f"{one}@gaon.example"), "email") for one in "abcd"] == [True, None, None, None]
    head = "이메일 주소,이름,구독일"
    for name, state in (("구독자 목록.csv", "unknown"), ("구독 중.csv", "subscribed"), ("주소록_수신거부.csv", "unsubscribed"), ("자동 삭제.csv", "cleaned")):
        [sheet] = files.sheets(f"{head}\nx@gaon.example,홍길동,2025-03-01\n".encode(), name, "stibee")
        assert [one.status for one in sheet.people()] == [state]


def test_refusals_of_a_kind_of_news_are_kept_both_ways(account: object) -> None:
    """Who refused the kind here keeps so though the list there has him; who left the list there and agreed here later keeps that; a day is the list's own."""
    kind = subscriptions.define({"ko": "뉴스레터"}, SYSTEM, separate=True, months=12)
    anna, ben, carl = person("anna@gaon.example", agreed=False), person("ben@gaon.example"), person("carl@gaon.example")
    Consent.objects.filter(contact_id=carl).update(at=datetime(2024, 1, 1, tzinfo=UTC))
    subscriptions.choose(anna, {kind.pk: False}, actor=SYSTEM, source="token:1")
    subscriptions.choose(ben, {kind.pk: True}, actor=SYSTEM, source="preferences", wording="뉴스레터")
    text = (
        "이메일 주소,이름,구독 상태,구독일,수신거부일\nanna@gaon.example,홍,구독 중,2025-03-01,\nben@gaon.example,이,수신거부,2024-03-01,2025-02-01\n"
        "carl@gaon.example,박,수신거부,2024-03-01,2025-02-01\n"
    ).encode()
    for _turn in range(2):
        move = verbs.begin_file("stibee", "주소록.csv", text, Options(source="구독 신청", everything=False, type=kind.pk), actor=SYSTEM)
        run.run(move.pk)
        said = {row.contact_id: (row.granted, row.at.date().isoformat()) for row in Subscription.objects.filter(type_id=kind.pk)}
        assert said[anna][0] is False
        assert said[ben][0] is True
        assert said[carl] == (False, "2025-01-31")  # midnight in Seoul
        assert consent.granted(anna, "email") is None
        assert consent.granted(carl, "email") is True
    assert ConsentEvent.objects.filter(type_id=kind.pk).count() == 3


class Mailchimp:
    """Answers as version 3.0 does: pages, states, groups; refuses a wrong key, and asks for patience as often as it is told to."""

    def __init__(self) -> None:
        self.busy, self.calls = 0, 0
        self.members = {
            "subscribed": [self._member(f"p{n}@gaon.example", "subscribed") for n in range(900)],
            "unsubscribed": [{**self._member("ben@gaon.example", "unsubscribed"), "unsubscribe_reason": "Too many"}],
            "cleaned": [self._member("carl@gaon.example", "cleaned")], "pending": [self._member("wait@gaon.example", "pending")],
        }  # fmt: skip

    @staticmethod
    def _member(mail: str, status: str) -> dict[str, Any]:
        return {
            "email_address": mail, "status": status, "merge_fields": {"FNAME": "Anna", "LNAME": "Lee", "ADDRESS": {"city": "Seoul"}},
            "interests": {"i1": mail.startswith("p1"), "i2": False}, "tags": [{"id": 1, "name": "Fair"}] if mail == "p1@gaon.example" else [],
            "timestamp_opt": "2025-03-01T09:30:00+00:00", "ip_opt": "203.0.113.9", "timestamp_signup": "", "last_changed": "2025-06-01T00:00:00+00:00",
        }  # fmt: skip

    def __call__(self, url: str, *, headers: dict[str, str] | None = None) -> http.Answer:
        parts, self.calls = urlsplit(url), self.calls + 1
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.hostname != "us21.api.mailchimp.com" or not (headers or {}).get("Authorization", "").startswith("Basic "):
            return http.Answer(401, {}, b'{"type":"about:blank","title":"API Key Invalid","status":401,"detail":"no"}')
        if self.busy:
            self.busy -= 1
            return http.Answer(429, {"Retry-After": "30"}, b'{"title":"Too Many Requests","status":429}')
        match parts.path.split("/")[2:]:
            case ["lists"]:
                body: dict[str, Any] = {"lists": [{"id": "l1", "name": "Newsletter"}, {"id": "l2", "name": "Old"}]}
            case ["lists", "l1", "members"]:
                rows, at = self.members[query["status"]], int(query["offset"])
                body = {"members": rows[at : at + int(query["count"])], "total_items": len(rows)}
            case ["lists", "l1", "interest-categories"]:
                body = {"categories": [{"id": "c1", "title": "Topics"}]}
            case ["lists", "l1", "interest-categories", "c1", "interests"]:
                body = {"interests": [{"id": "i1", "name": "Seminars"}, {"id": "i2", "name": "Products"}]}
            case _:
                return http.Answer(404, {}, b'{"title":"Resource Not Found","status":404,"detail":"gone"}')
        return http.Answer(200, {}, json.dumps(body).encode())


KEY = "0123456789abcdef0123456789abcdef-us21"


def test_the_api_of_mailchimp_is_asked_page_by_page_and_again_when_it_is_busy(account: object, monkeypatch: pytest.MonkeyPatch) -> None:
    ben = person("ben@gaon.example")
    Consent.objects.update(at=datetime(2024, 1, 1, tzinfo=UTC))
    service = Mailchimp()
    monkeypatch.setattr(http, "get", service)
    with pytest.raises(Invalid, match="데이터 센터"):
        verbs.lists("mailchimp", "nonsense")
    assert verbs.lists("mailchimp", KEY) == [("l1", "Newsletter"), ("l2", "Old")]
    with pytest.raises(Invalid):
        verbs.begin_api("mailchimp", KEY, [], SOURCE, actor=SYSTEM)
    move = verbs.begin_api("mailchimp", KEY, ["l1"], SOURCE, actor=SYSTEM)
    assert KEY not in move.secret
    run.step(move.pk)  # a page, then the worker dies; another goes on
    assert Consent.objects.filter(granted=True, source=f"move:{move.pk}").count() == 400
    service.busy = 2
    run.run(move.pk)
    move.refresh_from_db()
    assert (move.state, move.tries) == ("waiting", 1)
    assert run.due() == []
    for minutes in (10, 30):
        with clock.stopped(clock.now() + timedelta(minutes=minutes)):
            assert run.due() == [move.pk]
            run.run(move.pk)
    move.refresh_from_db()
    assert (move.state, move.secret) == ("done", "")
    assert Consent.objects.filter(granted=True, source=f"move:{move.pk}").count() == 900
    assert consent.granted(ben, "email") is False
    assert consent.granted(mine("wait@gaon.example"), "email") is None
    assert suppression.addresses(["carl@gaon.example"]) == {"carl@gaon.example": "bounced"}
    assert {s.name for s in Segment.objects.filter(kind="fixed")} == {"Mailchimp: Seminars", "Mailchimp: Fair"}
    assert Membership.objects.filter(segment_id=Segment.objects.get(name="Mailchimp: Fair").pk).count() == 1


def test_the_api_of_stibee_and_a_key_it_does_not_know(account: object, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [
        {"email": "anna@gaon.example", "name": "홍길동", "status": "SUBSCRIBED", "createdTime": "2025-03-01T10:00:00+09:00", "$ad_agreed": "Y"},
        {"email": "ben@gaon.example", "name": "이둘", "status": "UNSUBSCRIBED", "createdTime": "2024-03-01T10:00:00+09:00"},
    ]

    def answer(url: str, *, headers: dict[str, str] | None = None) -> http.Answer:
        if (headers or {}).get("AccessToken") != "good":
            return http.Answer(400, {}, b'{"code":"Errors.Auth.Invalid","message":"wrong token"}')
        parts = urlsplit(url)
        offset = int(parse_qs(parts.query)["offset"][0])
        rows: list[dict[str, Any]] = [{"id": 7, "name": "뉴스레터"}] if parts.path == "/v2/lists" else people[offset:]
        return http.Answer(200, {}, json.dumps({"items": rows}).encode())

    monkeypatch.setattr(http, "get", answer)
    with pytest.raises(Invalid, match="wrong token"):
        verbs.lists("stibee", "bad")
    ben = person("ben@gaon.example", agreed=False)
    move = verbs.begin_api("stibee", "good", ["7"], Options(source="구독 신청"), actor=SYSTEM)
    run.run(move.pk)
    assert Move.objects.get(pk=move.pk).state == "done"
    assert consent.granted(mine("anna@gaon.example"), "email") is True
    assert consent.granted(ben, "email") is False


def test_who_was_forgotten_is_known_by_a_hash_and_gets_mail_again_only_after_agreeing(email: Email) -> None:
    anna = person("Anna@Gaon.example")
    assert gate.refused(email.pk, [anna]) == {}
    erase.erase(anna, actor=SYSTEM)
    assert suppression.addresses(["anna@gaon.example"]) == {"anna@gaon.example": "erased"}
    assert b"anna" not in bytes(SuppressedAddress.objects.get().hash)
    back = person("anna@gaon.example", agreed=False)
    Consent.objects.create(contact_id=back, channel="email", granted=True, at=clock.now() - timedelta(days=1))
    assert gate.refused(email.pk, [back]) == {back: "suppressed_address"}
    consent.set([back], "email", True, actor=SYSTEM, source="form:1")
    assert gate.refused(email.pk, [back]) == {}
    suppression.suppress_addresses(["anna@gaon.example"], "email", suppression.COMPLAINED)
    assert gate.refused(email.pk, [back]) == {back: "suppressed_address"}
    assert suppression.lift(back, "email", "asked by phone", actor=SYSTEM) == "complained"
    assert gate.refused(email.pk, [back]) == {}
    suppression.suppress(back, "email", suppression.MANUAL)
    with pytest.raises(Invalid):
        suppression.lift(back, "email", " ", actor=SYSTEM)
    assert History.objects.filter(verb="lifted", subject_type="suppression", detail__why="asked by phone").exists()
