"""What the law asks of advertising, at the last gate and after it: nothing leaves without label, agreement and way out; nights; notices; what is set aside."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts.models import Account
from baton.crm import consent, records
from baton.crm.models import Consent
from baton.messaging import exemptions, gate, law, outbox, rules
from baton.messaging.consent import notices, suppression
from baton.messaging.models import Campaign, Email, LawNotice, Message, Subscription, SubscriptionType, Suppression
from baton.messaging.rules import Rules
from baton.messaging.sending import delivery
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Forbidden, Invalid
from tests.examples import some
from tests.messaging.conftest import parsed, person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
KR = Rules(law="kr")


@dataclass(frozen=True)
class Case:
    """Somebody, and what he said."""

    granted: bool | None
    expired: bool
    kind: bool | None  # of news: refused, taken, never said
    suppressed: str
    agreed_after: bool  # than the suppression


CASES = st.builds(
    Case, st.sampled_from([None, True, True, False]), st.booleans(), st.sampled_from([None, None, True, False]),
    st.sampled_from(["", "", "unsubscribed", "bounced", "complained", "manual"]), st.booleans(),
)  # fmt: skip


def may(case: Case, *, marketing: bool, separate: bool) -> bool:
    """The law in plain words."""
    if case.suppressed not in ("", "unsubscribed"):
        return False
    if not marketing:
        return True
    if case.suppressed and not (case.granted and case.agreed_after):
        return False
    agreed = case.granted is True and not case.expired
    return agreed and (case.kind is True if separate else case.kind is not False)


@settings(max_examples=some(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cases=st.lists(CASES, min_size=3, max_size=12),
    marketing=st.booleans(),
    separate=st.booleans(),
    label=st.sampled_from(["", "(광고) ", "( 광 고 )", "[광고]"]),
)
def test_nothing_leaves_against_the_law(nuriwork: Account, relay: Relay, cases: list[Case], marketing: bool, separate: bool, label: str) -> None:
    relay.mails.clear()
    kind = SubscriptionType.objects.create(key=f"k{clock.now().timestamp()}", names={"ko": "소식"}, separate=separate)
    email = Email.objects.create(
        name="소식", subject=f"{label}{{{{ contact.firstname }}}} 소식", body="<p>안녕하세요</p>",
        purpose="marketing" if marketing else "transactional", subscription_id=kind.pk,
    )  # fmt: skip
    now, expected = clock.now(), set()
    for number, case in enumerate(cases):
        address = f"p{number}.{email.pk}@gaon.example"
        contact = records.create("contact", {"email": address, "firstname": "지우"}, actor=SYSTEM, source="test")
        if case.granted is not None:
            consent.set([contact], "email", case.granted, actor=SYSTEM, source="test")
            at = now - timedelta(days=1 if case.agreed_after else 30)
            Consent.objects.filter(contact_id=contact).update(at=at, expires_at=now - timedelta(hours=1) if case.expired else None)
        if case.suppressed:
            suppression.suppress(contact, "email", case.suppressed)
            Suppression.objects.filter(contact_id=contact).update(at=now - timedelta(days=10))
        if case.kind is not None:
            Subscription.objects.create(contact_id=contact, type_id=kind.pk, channel="email", granted=case.kind, at=now)
        outbox.add([outbox.NewMessage(contact, email.pk, f"test:{email.pk}")])
        if may(case, marketing=marketing, separate=separate):
            expected.add(address)
    while delivery.deliver():
        pass
    assert {to for to, _raw in relay.mails} == expected
    for _to, raw in relay.mails:
        mail = parsed(raw)
        html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        if marketing:
            assert re.match(r"\(광고\) (?!.*광\s*고)", mail["Subject"]), mail["Subject"]
            assert mail["List-Unsubscribe"].startswith("<https://")
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            for said in ("누리워크", "서울특별시 중구 세종대로 1", "02-1234-5678", "hello@nuriwork.example", "수신", "Unsubscribe"):
                assert said in html
            assert len(re.findall(r'href="[^"]*/u/', html)) >= 2  # the way out, in Korean and in English
        else:
            assert not mail["Subject"].startswith("(광고)") or label == "(광고) "
            assert mail["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("channel", "clock_time", "waits_until"),
    [
        ("kakaotalk", "20:49", None), ("kakaotalk", "20:50", "08:00"), ("kakaotalk", "07:59", "08:00"), ("kakaotalk", "08:00", None),
        ("sms", "20:59", None), ("sms", "21:00", "08:00"), ("email", "23:30", None),
    ],
)  # fmt: skip
def test_advertising_waits_for_the_morning_where_the_channel_says_so(email: Email, channel: str, clock_time: str, waits_until: str | None) -> None:
    hour, minute = map(int, clock_time.split(":"))
    now = datetime(2026, 11, 20, hour, minute, tzinfo=SEOUL).astimezone(UTC)
    contact = person()
    consent.set([contact], channel, True, actor=SYSTEM, source="test")
    with clock.stopped(now):
        assert gate.refused(email.pk, [contact], channel) == ({} if waits_until is None else {contact: "night"})
    if waits_until:
        again = gate.again_at("night", channel, now)
        assert again.astimezone(SEOUL).strftime("%H:%M") == waits_until
        assert timedelta() < again - now < timedelta(hours=12)


def test_night_is_where_the_receiver_is_and_a_yes_to_the_night_is_a_yes(email: Email) -> None:
    here, abroad, awake = person(), person("lee@gaon.example", time_zone="Europe/Berlin"), person("han@gaon.example")
    for one in (here, abroad, awake):
        consent.set([one], "sms", True, actor=SYSTEM, source="test", night=one == awake)
    with clock.stopped(datetime(2026, 11, 20, 22, 0, tzinfo=SEOUL)):
        assert gate.refused(email.pk, [here, abroad, awake], "sms") == {here: "night"}


def test_what_the_sender_has_not_said_of_himself_makes_advertising_wait(account: Account, email: Email, relay: Relay) -> None:
    Account.objects.update(phone="")
    outbox.add([outbox.NewMessage(contact := person(), email.pk, "test:1")])
    while delivery.deliver():
        pass
    message = Message.objects.get(contact_id=contact)
    assert (message.state, message.reason, relay.mails) == ("queued", "no_sender", [])
    consent.set([unwilling := person("lee@gaon.example")], "email", False, actor=SYSTEM, source="test")
    assert gate.refused(email.pk, [contact, unwilling]) == {contact: "no_sender", unwilling: "no_consent"}  # nothing of the sender's makes him willing
    Account.objects.update(phone="02-1234-5678")
    clock.shift(gate.A_WHILE + timedelta(seconds=1))
    while delivery.deliver():
        pass
    assert Message.objects.get(contact_id=contact).state == "sent"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("소식", "(광고) 소식"),
        ("(광고) 소식", "(광고) 소식"),
        ("(광고)소식", "(광고) 소식"),
        ("[광 고] 소식", "(광고) 소식"),
        ("소식 (광.고)", "(광고) 소식"),
        ("광고주 모임", "(광고) 광고주 모임"),
    ],
)
def test_the_label_stands_once_at_the_very_beginning(written: str, sent: str) -> None:
    assert law.labelled(written, KR) == sent


def test_a_frequency_cap_counts_marketing_only(email: Email, relay: Relay) -> None:
    rules.change({"cap_messages": 2, "cap_days": 7}, actor=SYSTEM)
    contact = person()
    receipt = Email.objects.create(name="접수", subject="접수되었습니다", body="<p>네</p>", purpose="transactional")
    for number, mail in enumerate((receipt, email, email, receipt, email)):
        outbox.add([outbox.NewMessage(contact, mail.pk, f"test:{number}")])
        while delivery.deliver():
            pass
        clock.shift(timedelta(hours=number + 1))
    assert list(Message.objects.filter(contact_id=contact).order_by("id").values_list("state", flat=True)) == ["sent", "sent", "sent", "sent", "skipped"]
    assert Message.objects.get(contact_id=contact, state="skipped").reason == "frequency_cap"
    clock.shift(timedelta(days=7, hours=6))
    assert gate.refused(email.pk, [contact]) == {}


class TestNotices:
    def test_an_answer_is_told_of_within_two_weeks(self, nuriwork: Account, relay: Relay) -> None:
        contact = person()
        changes.tick()
        notice = LawNotice.objects.get(contact_id=contact)
        assert (notice.kind, notice.state, notice.granted) == ("result", "waiting", True)
        assert notice.due_at - notice.consent_at == timedelta(days=14)
        assert notices.send() == 0  # he may change his mind yet
        clock.shift(timedelta(hours=1))
        assert notices.send() == 1
        while delivery.deliver():
            pass
        assert notices.learn() == 1
        assert LawNotice.objects.get(contact_id=contact).state == "sent"
        mail = parsed(relay.mails[0][1])
        assert not mail["Subject"].startswith("(광고)")  # a notice is no advertisement
        said = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        for word in ("누리워크", "동의"):
            assert word in said

    def test_only_the_last_answer_is_told_of_and_none_that_a_page_told_already(self, nuriwork: Account) -> None:
        wavering, leaving = person(), person("han@gaon.example", agreed=False)
        changes.tick()
        clock.shift(timedelta(minutes=5))
        consent.set([wavering], "email", False, actor=SYSTEM, source="form:1")
        consent.set([leaving], "email", False, actor=SYSTEM, source="unsubscribe")
        changes.tick()
        assert sorted(LawNotice.objects.filter(contact_id=wavering).values_list("granted", "state")) == [(False, "waiting"), (True, "dropped")]
        assert LawNotice.objects.get(contact_id=leaving).state == "shown"

    def test_an_agreement_of_23_months_is_confirmed_and_again_two_years_later(self, nuriwork: Account, relay: Relay) -> None:
        contact, young, refused = person(), person("young@gaon.example"), person("no@gaon.example", agreed=False)
        consent.set([refused], "email", False, actor=SYSTEM, source="test")
        old = clock.now() - timedelta(days=23 * 30.44 + 2)
        Consent.objects.filter(contact_id__in=[contact, refused]).update(at=old)
        assert notices.confirm() == 1
        assert notices.confirm() == 0
        [notice] = LawNotice.objects.filter(kind="confirmation")
        assert notice.contact_id == contact
        assert young != contact
        assert notice.due_at > clock.now()
        notices.send()
        while delivery.deliver():
            pass
        notices.learn()
        assert Consent.objects.get(contact_id=contact).confirmed_at is not None
        assert notices.confirm() == 0
        clock.shift(timedelta(days=23 * 30.44 + 2))
        assert notices.confirm() >= 1

    def test_nobody_is_told_where_the_law_does_not_hold(self, nuriwork: Account) -> None:
        rules.change({"law": "none"}, actor=SYSTEM)
        person()
        changes.tick()
        assert not LawNotice.objects.exists()


class TestSetAside:
    @pytest.fixture
    def campaign(self) -> Campaign:
        return Campaign.objects.create(name="고객 공지", created_by="system")

    def test_a_person_sets_a_rule_aside_with_reason_and_basis(self, nuriwork: Account, email: Email, campaign: Campaign) -> None:
        contact = person(agreed=False)
        assert gate.refused(email.pk, [contact], campaign_id=campaign.pk) == {contact: "no_consent"}
        exemptions.grant(campaign.pk, "no_consent", reason="계약 고객 안내", basis="제50조① 단서, 거래 관계", actor=Actor("user", 7))
        assert gate.refused(email.pk, [contact], campaign_id=campaign.pk) == {}
        assert gate.refused(email.pk, [contact]) == {contact: "no_consent"}  # elsewhere it holds
        exemptions.end(campaign.pk, "no_consent", actor=Actor("user", 7))
        assert gate.refused(email.pk, [contact], campaign_id=campaign.pk) == {contact: "no_consent"}

    def test_not_by_a_program_not_without_words_and_never_a_refusal(self, nuriwork: Account, email: Email, campaign: Campaign) -> None:
        with pytest.raises(Forbidden):
            exemptions.grant(campaign.pk, "no_consent", reason="계약 고객 안내", basis="거래 관계", actor=SYSTEM)
        with pytest.raises(Invalid):
            exemptions.grant(campaign.pk, "no_consent", reason="", basis="", actor=Actor("user", 7))
        with pytest.raises(Invalid):
            exemptions.grant(campaign.pk, "suppressed_unsubscribed", reason="꼭 필요합니다", basis="없습니다만", actor=Actor("user", 7))
        exemptions.grant(campaign.pk, "no_consent", reason="계약 고객 안내", basis="거래 관계", actor=Actor("user", 7))
        refused = person(agreed=False)
        consent.set([refused], "email", False, actor=SYSTEM, source="test")
        assert gate.refused(email.pk, [refused], campaign_id=campaign.pk) == {refused: "no_consent"}
