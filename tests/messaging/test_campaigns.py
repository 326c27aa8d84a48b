"""A campaign from its writing down to its frozen audience: who gets it, when, and that nobody is lost or doubled."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts.models import Account
from baton.crm import associations, consent, records
from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging import gate, rules
from baton.messaging.campaigns import (
    ab,
    check,
    folding,
    freeze,
    goals,
    pace,
    plan,
    progress,
    ready,
    report_counts,
    report_people,
    reports,
    run,
    states,
    steering,
    verbs,
)  # fmt: skip
from baton.messaging.consent import suppression
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, Chunk, Email, Message, ReceiverDomain, Variant
from baton.messaging.sending import mx
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid
from baton.platform.models import History
from baton.segments import verbs as lists
from baton.segments.models import Segment
from tests.examples import some

pytestmark = pytest.mark.django_db
MINA = Actor("user", 1)
SEOUL = ZoneInfo("Asia/Seoul")
NUMBERS = count(1)
MORNING = datetime(2026, 11, 24, 10, tzinfo=SEOUL)  # a Tuesday


@pytest.fixture(autouse=True)
def _account(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(postal_address="서울특별시 중구 세종대로 1", phone="02-123-4567", contact_email="help@nuriwork.example")


@pytest.fixture
def mail() -> Email:
    return emails.create("11월 소식", MINA, subject="새로운 기능", body="<p>안녕하세요</p>")


def people(n: int, *, agreed: bool = True, **properties: Any) -> list[int]:
    rows = [{"email": f"p{next(NUMBERS)}@gaon.example", **properties} for _ in range(n)]
    ids = [records.create("contact", row, actor=SYSTEM, source="test") for row in rows]
    if agreed and ids:
        consent.set(ids, "email", True, actor=SYSTEM, source="test")
    return ids


def a_list(ids: list[int], name: str = "고객") -> int:
    segment = lists.create_segment(name, {}, "fixed", MINA)
    lists.add(segment.pk, ids, MINA)
    return segment.pk


def a_campaign(mail: Email, ids: list[int], **fields: Any) -> Campaign:
    return verbs.create("11월 소식지", MINA, email_id=mail.pk, audience={"lists": [a_list(ids)]}, **fields)


def begun(campaign: Campaign) -> Campaign:
    steering.start(campaign.pk, MINA)
    assert run.prepare() == 1
    campaign.refresh_from_db()
    return campaign


def frozen(campaign: Campaign) -> list[int]:
    return sorted(id for chunk in Chunk.objects.filter(campaign_id=campaign.pk) for id in chunk.contact_ids)


def skipped(campaign: Campaign) -> list[int]:
    return sorted(Message.objects.filter(campaign_id=campaign.pk, state="skipped").values_list("contact_id", flat=True))


def test_it_is_written_down_checked_and_begun(mail: Email) -> None:
    ids = people(5)
    outside = people(2)
    campaign = verbs.create("소식지", MINA)
    assert {p.path for p in ready.problems(campaign)} == {"email_id", "audience"}
    with pytest.raises(Invalid):
        steering.start(campaign.pk, MINA)
    verbs.change(campaign.pk, MINA, email_id=mail.pk, audience={"lists": [a_list(ids)], "except": [a_list(ids[:1], "임직원")], "contacts": outside})
    campaign.refresh_from_db()
    assert ready.problems(campaign) == []
    begun(campaign)
    assert campaign.state == "sending"
    assert campaign.people == 6
    assert frozen(campaign) == sorted(ids[1:] + outside)
    assert all(chunk.due_at <= clock.now() and chunk.closes_at is None for chunk in Chunk.objects.filter(campaign_id=campaign.pk))
    with pytest.raises(Conflict):
        verbs.change(campaign.pk, MINA, name="다른 이름")
    done = list(History.objects.filter(subject_type="campaign", subject_id=str(campaign.pk)).order_by("pk").values_list("verb", "actor"))
    assert done == [("created", "user:1"), ("updated", "user:1"), ("started", "user:1")]


def test_a_version_is_fixed_when_it_begins(mail: Email) -> None:
    campaign = begun(a_campaign(mail, people(1)))
    emails.draft_save(mail.pk, MINA, mail.revision, subject="나중에 바꾼 제목")
    emails.publish(mail.pk, MINA)
    variant = Variant.objects.get(campaign=campaign)
    assert (variant.key, variant.email_id, variant.version) == ("a", mail.pk, 1)
    draft = emails.create("초안", MINA)
    waiting = a_campaign(mail, people(1))
    verbs.change(waiting.pk, MINA, email_id=draft.pk)
    with pytest.raises(Invalid) as error:
        steering.start(waiting.pk, MINA)
    assert [p.code for p in error.value.problems] == ["NOT_PUBLISHED"]


def test_a_list_that_a_campaign_waits_for_stays(mail: Email) -> None:
    campaign = a_campaign(mail, people(1))
    segment = Segment.objects.get(pk=campaign.audience["lists"][0])
    with pytest.raises(Conflict, match="11월 소식지"):
        lists.archive_segment(segment, actor=MINA)
    begun(campaign)
    lists.archive_segment(segment, actor=MINA)


def test_what_cannot_be_is_refused_at_its_field(mail: Email) -> None:
    for fields, path in (
        ({"name": " "}, "name"),
        ({"audience": {"lists": [99]}}, "audience.lists"),
        ({"audience": {"lists": "all"}}, "audience.lists"),
        ({"plan": {"at": "tomorrow"}}, "plan.at"),
        ({"plan": {"from": "18:00", "to": "09:00"}}, "plan.to"),
        ({"plan": {"days": []}}, "plan.days"),
        ({"plan": {"per_hour": -1}}, "plan.per_hour"),
        ({"plan": {"warm_up": {"first": 10, "growth": 0.5}}}, "plan.warm_up.growth"),
        ({"test": {"share": 20}}, "variants"),
        ({"goal": {"filter": {"condition": "no_such"}}}, "goal.filter"),
        ({"email_id": 99}, "email_id"),
    ):
        campaign = a_campaign(mail, [])
        with pytest.raises(Invalid) as error:
            verbs.change(campaign.pk, MINA, **fields)
        assert any(p.path.startswith(path) for p in error.value.problems), (fields, error.value.problems)


def test_pause_resume_and_cancel_hold_at_once_and_lose_nobody(mail: Email) -> None:
    ids = people(6)
    campaign = begun(a_campaign(mail, ids))
    sent_to(campaign, ids[:2])
    assert steering.pause(campaign.pk, MINA).state == "paused"
    assert run.due() == 0
    assert steering.resume(campaign.pk, MINA).state == "sending"
    steering.cancel(campaign.pk, MINA)
    assert run.due() > 0
    assert run.due() == 0
    assert Counter(Message.objects.filter(campaign_id=campaign.pk).values_list("state", flat=True)) == {"sent": 2, "cancelled": 4}
    campaign.refresh_from_db()
    found = progress.of(campaign)
    assert (campaign.state, found.done, found.waiting, found.states) == ("cancelled", 6, 0, {"sent": 2, "cancelled": 4})
    with pytest.raises(Conflict):
        steering.resume(campaign.pk, MINA)


def test_a_pause_while_the_audience_is_frozen_holds(mail: Email) -> None:
    campaign = a_campaign(mail, people(2))
    steering.start(campaign.pk, MINA)
    steering.pause(campaign.pk, MINA)
    assert run.prepare() == 0
    assert steering.resume(campaign.pk, MINA).state == "preparing"
    assert run.prepare() == 1
    assert run.prepare() == 0
    assert freeze.freeze(campaign.pk) is None
    campaign.refresh_from_db()
    assert len(frozen(campaign)) == 2


def test_it_ends_when_nobody_waits(mail: Email) -> None:
    ids = people(3)
    campaign = begun(a_campaign(mail, ids))
    sent_to(campaign, ids)
    run.due()
    campaign.refresh_from_db()
    assert campaign.state == "done"
    assert campaign.ended_at is not None
    empty = begun(a_campaign(mail, []))
    run.due()
    empty.refresh_from_db()
    assert (empty.state, empty.people) == ("done", 0)


def test_one_address_gets_one_mail_and_the_check_says_so(mail: Email) -> None:
    one, two, three = people(3)
    sql.run("UPDATE contact SET email = 'Info@gaon.example' WHERE id = %s", [one])
    sql.run("UPDATE contact SET email = 'info@gaon.example' WHERE id = ANY(%s)", [[two, three]])
    campaign = a_campaign(mail, [one, two, three])
    said = check.check(campaign)
    assert (said.total, said.getting, said.reasons) == (3, 1, {"duplicate_address": 2})
    check.ask(campaign)
    check.count(campaign_id=campaign.pk)
    assert check.people(campaign, "duplicate_address") == [two, three]
    assert check.people(campaign, "", limit=1) == [one]
    begun(campaign)
    assert frozen(campaign) == [one]
    assert skipped(campaign) == [two, three]
    assert progress.of(campaign).reasons == {("skipped", "duplicate_address"): 2}


def test_the_check_of_many_and_the_gate_of_each_say_the_same(mail: Email) -> None:
    ids = people(6)
    rules.change({"cap_messages": 2, "cap_days": 7}, actor=MINA)
    for n, (contact, days) in enumerate([(ids[0], 1), (ids[0], 2), (ids[1], 1), (ids[2], 1), (ids[2], 9), (ids[3], 1), (ids[3], 3)]):
        Message.objects.create(
            contact_id=contact, id=sql.next_ids("message_id_seq", 1)[0], cause=f"before:{n}", email_id=mail.pk, state="sent",
            created_at=clock.now() - timedelta(days=days), sent_at=clock.now() - timedelta(days=days),
        )  # fmt: skip
    consent.set([ids[4]], "email", False, actor=SYSTEM, source="test")
    campaign = a_campaign(mail, ids)
    sql.run("UPDATE contact SET archived_at = now() WHERE id = %s", [ids[5]])
    each = gate.refused(mail.pk, ids, campaign_id=campaign.pk)
    assert each == {ids[0]: "frequency_cap", ids[3]: "frequency_cap", ids[4]: "no_consent", ids[5]: "archived"}
    check.ask(campaign)
    check.count(campaign_id=campaign.pk)
    assert {id: reason for reason in ("frequency_cap", "no_consent", "archived") for id in check.people(campaign, reason)} == each


def test_a_domain_that_takes_no_mail_is_a_reason_as_long_as_that_is_known(mail: Email) -> None:
    first, other = people(2)
    sql.run("UPDATE contact SET email = 'A@Silent.kr' WHERE id = %s", [first])
    now = clock.now()
    ReceiverDomain.objects.create(domain="silent.kr", grouped="silent.kr", state=mx.NULL_MX, wanted_at=now, looked_at=now)
    campaign = a_campaign(mail, [first, other])
    assert check.check(campaign).reasons == {"null_mx": 1}
    check.ask(campaign)
    check.count(campaign_id=campaign.pk)
    assert check.people(campaign, "null_mx") == [first]
    assert gate.refused(mail.pk, [first, other], campaign_id=campaign.pk) == {first: "null_mx"}
    with clock.stopped(now + gate.MX_KNOWN + timedelta(seconds=1)):
        assert check.check(campaign).getting == 2  # nobody has asked its DNS for long
    ReceiverDomain.objects.update(state=mx.NOTHING)
    assert check.check(campaign).getting == 2  # no record at all proves nothing


def test_of_one_address_somebody_gets_it_who_may(mail: Email) -> None:
    refused, agreed = (*people(1, agreed=False), *people(1))
    sql.run("UPDATE contact SET email = 'info@gaon.example' WHERE id = ANY(%s)", [[refused, agreed]])
    campaign = a_campaign(mail, [refused, agreed])
    said = check.check(campaign)
    assert (said.getting, said.reasons) == (1, {"no_consent": 1})
    begun(campaign)
    assert frozen(campaign) == [refused, agreed]  # the gate stops the first when it is his turn
    assert skipped(campaign) == []


def sent_to(campaign: Campaign, ids: list[int], variant: str = "", at: datetime | None = None) -> None:
    """What senders leave behind of people of a campaign."""
    now = at or clock.now()
    for chunk in Chunk.objects.filter(campaign_id=campaign.pk):
        mine = [id for id in chunk.contact_ids if id in ids]
        for contact_id, message_id in zip(mine, sql.next_ids("message_id_seq", len(mine)), strict=True):
            Message.objects.create(
                contact_id=contact_id, id=message_id, cause=freeze.cause(campaign.pk), email_id=campaign.email_id, campaign_id=campaign.pk,
                variant=chunk.variant, state="sent", created_at=now, sent_at=now,
            )  # fmt: skip
            sql.run(
                "INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n) VALUES (%s, %s, %s, %s, 'sent', '', 1)",
                [contact_id % 64, message_id, campaign.pk, chunk.variant],
            )
        left = chunk.waiting - len(mine)
        if left:
            sql.run("UPDATE campaign_chunk SET waiting = %s WHERE bucket = %s AND id = %s", [left, chunk.bucket, chunk.id])
        else:
            sql.run("DELETE FROM campaign_chunk WHERE bucket = %s AND id = %s", [chunk.bucket, chunk.id])


def test_tallies_are_folded_and_say_the_same(mail: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MANY", 5)
    ids = people(8)
    campaign = begun(a_campaign(mail, ids))
    sent_to(campaign, ids[:6])
    sql.run("UPDATE campaign_tally SET bucket = 0 WHERE campaign_id = %s", [campaign.pk])
    before = progress.of(campaign)
    assert (folding.fold(), folding.fold()) == (1, 0)
    assert sql.rows("SELECT state, n FROM campaign_tally WHERE campaign_id = %s", [campaign.pk]) == [("sent", 6)]
    assert progress.of(campaign) == before


def test_turns_keep_hours_pace_and_warm_up() -> None:
    """Pure: by Seoul's clock from nine to six on weekdays, 600 an hour, the first day 1,000 and then twice as many."""
    stored = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00", "per_hour": 600, "warm_up": {"first": 1000, "growth": 2}}
    assert plan.problems(stored) == []
    chosen = plan.of(stored)
    assert pace.size(chosen) == 10
    waiting = [pace.Waiting(0, i, "", 10) for i in range(500)]
    friday = datetime(2026, 11, 27, 16, 30, tzinfo=SEOUL)
    given = pace.turns(waiting, chosen, friday, started=friday)
    by_day = Counter(at.astimezone(SEOUL).date().isoformat() for at, _close in given)
    assert by_day == {"2026-11-27": 90, "2026-11-30": 410}  # an hour and a half of Friday; Monday's limit is 8,000, the hours allow 5,400
    assert all(9 <= at.astimezone(SEOUL).hour < 18 for at, _close in given)
    assert all(close is not None and at < close <= at + pace.GRACE and close.astimezone(SEOUL).hour <= 18 for at, close in given)
    assert all((b[0] - a[0]) >= timedelta(minutes=1) for a, b in pairwise(given))
    small = plan.of({"warm_up": {"first": 100, "growth": 2}})
    days = Counter(at.astimezone(SEOUL).date() for at, _close in pace.turns(waiting, small, MORNING, started=MORNING))
    assert [n * 10 for _day, n in sorted(days.items())] == [100, 200, 400, 800, 1600, 1900]


def test_everybody_gets_it_by_his_own_clock(mail: Email) -> None:
    here, named, country, unknown = (*people(1), *people(1, time_zone="America/New_York"), *people(1, country="Japan"), *people(1, time_zone="Mars/Base"))
    with clock.stopped(datetime(2026, 11, 20, tzinfo=UTC)):
        campaign = a_campaign(mail, [here, named, country, unknown], plan={"at": "2026-11-24T10:00", "zones": "contact"})
        campaign = steering.schedule(campaign.pk, MINA)
        assert campaign.due_at == datetime(2026, 11, 23, 20, tzinfo=UTC)  # ten o'clock where the day begins first
        assert run.due() == 0
    with clock.stopped(campaign.due_at):
        run.due()
        assert run.prepare() == 1
    due = {id: chunk.due_at for chunk in Chunk.objects.filter(campaign_id=campaign.pk) for id in chunk.contact_ids}
    assert due[here] == due[country] == due[unknown] == MORNING
    assert due[named] == datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("America/New_York"))


def test_a_turn_that_passed_is_given_anew(mail: Email) -> None:
    ids = people(3)
    with clock.stopped(datetime(2026, 11, 24, 17, tzinfo=SEOUL)):
        campaign = begun(a_campaign(mail, ids, plan={"from": "09:00", "to": "18:00"}))
    assert {chunk.closes_at for chunk in Chunk.objects.filter(campaign_id=campaign.pk)} == {datetime(2026, 11, 24, 18, tzinfo=SEOUL)}
    with clock.stopped(datetime(2026, 11, 25, 3, tzinfo=SEOUL)):  # nobody sent until three in the morning
        assert run.due() == 1
        assert run.due() == 0
    assert {chunk.due_at for chunk in Chunk.objects.filter(campaign_id=campaign.pk)} == {datetime(2026, 11, 25, 9, tzinfo=SEOUL)}
    with clock.stopped(datetime(2026, 11, 25, 3, tzinfo=SEOUL)):
        assert progress.of(verbs.get(campaign.pk)).next_at == datetime(2026, 11, 25, 9, tzinfo=SEOUL)


def test_schedule_and_back(mail: Email) -> None:
    campaign = a_campaign(mail, people(1))
    for at in (None, clock.now() - timedelta(hours=1)):
        with pytest.raises(Invalid) as error:
            steering.schedule(campaign.pk, MINA, at=at)
        assert error.value.problems[0].path == "plan.at"
    at = clock.now().replace(second=0, microsecond=0) + timedelta(hours=3)
    assert steering.schedule(campaign.pk, MINA, at=at).due_at == at
    assert steering.unschedule(campaign.pk, MINA).state == "draft"
    steering.schedule(campaign.pk, MINA, at=at)
    Email.objects.filter(pk=mail.pk).update(archived_at=clock.now())
    with clock.stopped(at):
        run.due()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stopped_for) == ("paused", "not_ready")
    Email.objects.filter(pk=mail.pk).update(archived_at=None)
    assert steering.resume(campaign.pk, MINA).state == "preparing"


VARIANTS = [{"subject": "첫째 제목"}, {"subject": "둘째 제목"}]


def _tested(mail: Email, n: int, **test: Any) -> Campaign:
    """A campaign whose test mails went out; the people are only numbers, for a test needs many."""
    fields = {"variants": [{"email_id": mail.pk, **one} for one in VARIANTS], "test": {"share": 50, "metric": "opened", "hours": 4, **test}}
    campaign = begun(a_campaign(mail, people(2), **fields))
    sql.run("DELETE FROM campaign_chunk WHERE campaign_id = %s", [campaign.pk])
    sql.run("DELETE FROM message WHERE campaign_id = %s", [campaign.pk])
    now = clock.now()
    sql.run(
        "INSERT INTO message (contact_id, id, cause, channel, email_id, campaign_id, variant, address, subject, state, reason, attempts, created_at, sent_at)"
        " SELECT 900000 + i, 900000 + i, %s, 'email', %s, %s, CASE i %% 2 WHEN 0 THEN 'a' ELSE 'b' END, '', '', 'sent', '', 0, %s, %s"
        " FROM generate_series(1, %s) AS i",
        [freeze.cause(campaign.pk), mail.pk, campaign.pk, now, now, n],
    )
    sql.run(
        "INSERT INTO campaign_chunk (bucket, id, campaign_id, variant, contact_ids, waiting, due_at)"
        " SELECT i, nextval('message_id_seq'), %s, '', ARRAY[i::bigint], 1, %s FROM generate_series(1, 20) AS i",
        [campaign.pk, pace.NEVER],
    )
    return campaign


def opened(n: int, offset: int, **payload: Any) -> None:
    """So many of every second open it, from 900000 + offset on."""
    sql.run(
        "INSERT INTO event (contact_id, ts, id, kind, key, payload) SELECT 900000 + i, %s, i, 11, 0, jsonb_build_object('message', 900000 + i) || %s::jsonb"
        " FROM generate_series(%s, %s, 2) AS i",
        [clock.now() + timedelta(minutes=1), json.dumps(payload), offset, offset + 2 * n - 1],
    )


def test_the_rest_gets_the_variant_that_is_better_for_sure(mail: Email) -> None:
    campaign = _tested(mail, 800)
    opened(60, 2)
    opened(160, 1)
    assert ab.standing(campaign).better == "b"
    run.due()
    campaign.refresh_from_db()
    assert campaign.test["sent_at"]
    run.due()
    assert verbs.get(campaign.pk).state == "testing"
    with clock.stopped(clock.now() + timedelta(hours=5)):
        run.due()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.test["result"]["winner"], campaign.test["result"]["given"]) == ("sending", "b", "b")
    assert set(Chunk.objects.filter(campaign_id=campaign.pk).values_list("variant", flat=True)) == {"b"}
    assert all(chunk.due_at < pace.NEVER for chunk in Chunk.objects.filter(campaign_id=campaign.pk))


def test_no_winner_is_named_where_it_may_be_chance(mail: Email) -> None:
    campaign = _tested(mail, 800, otherwise="even")
    opened(60, 2)
    opened(70, 1)
    assert (ab.standing(campaign).better, ab.standing(campaign).why) == ("", "open")
    run.due()
    with clock.stopped(clock.now() + timedelta(hours=5)):
        run.due()
    campaign.refresh_from_db()
    assert campaign.test["result"] | {"at": "", "counts": {}} == {"winner": "", "given": "even", "why": "open", "by": "system", "at": "", "counts": {}}
    assert Counter(Chunk.objects.filter(campaign_id=campaign.pk).values_list("variant", flat=True)) == {"a": 10, "b": 10}


def test_programs_open_nothing_and_few_people_prove_nothing(mail: Email) -> None:
    campaign = _tested(mail, 800, otherwise="ask")
    opened(20, 2)
    opened(200, 1, machine="privacy")
    assert [(side.rate.k, side.rate.n) for side in ab.standing(campaign).sides] == [(20, 400), (0, 400)]
    small = _tested(mail, 0)
    assert ab.standing(small).why == "few"
    run.due()
    with clock.stopped(clock.now() + timedelta(hours=5)):
        run.due()
        run.due()
    assert verbs.get(small.pk).test["result"]["why"] == "few"
    assert verbs.get(small.pk).test["result"]["given"] == "a"


def test_conversions_are_what_people_did_after_their_mail(mail: Email) -> None:
    before, after, late = people(3)
    goal = {"filter": {"condition": "page_viewed", "address": "/pricing"}, "days": 2}
    campaign = begun(a_campaign(mail, [before, after, late], goal=goal))
    at = clock.now() - timedelta(days=5)
    sent_to(campaign, [before, after, late], at=at)
    for id, seen in ((before, at - timedelta(hours=1)), (after, at + timedelta(hours=1)), (late, at + timedelta(days=3))):
        record.add([record.NewEvent(id, Kind.PAGE_VIEW, seen, key_value="nuriwork.example/pricing", key_label="요금")])
    assert list(goals.converted(campaign)) == [("a", after)]
    assert goals.reached(campaign) == {"a": 1}


def test_every_kind_of_goal_counts_within_its_days_and_opens_its_people(mail: Email) -> None:
    before, after, late = people(3)
    at = clock.now() - timedelta(days=5)

    def linked(kind: str, values: dict[str, Any], contact: int, when: datetime) -> None:
        with clock.stopped(when):
            made = records.create(kind, values, actor=MINA, source="test")
            associations.link(kind, made, "contact", contact, actor=MINA)
        sql.run("UPDATE record SET created_at = %s WHERE id = %s", [when, made])

    for contact, hours in ((before, -3), (after, 3), (late, 72)):
        when = at + timedelta(hours=hours)
        record.add([record.NewEvent(contact, Kind.STAGE_CHANGED, when, key_value="mql", key_label="MQL")])
        linked("meeting", {"title": "미팅", "at": clock.now().isoformat()}, contact, when)
        linked("deal", {"dealname": "거래", "pipeline": "default", "dealstage": "appointmentscheduled"}, contact, when)
        linked("deal", {"dealname": "따낸 거래", "pipeline": "default", "dealstage": "closedwon"}, contact, when)
    kinds = ({"filter": {"condition": "stage_moved", "into": ["mql"]}}, {"made": "meeting"}, {"made": "deal"}, {"made": "won"})
    for kind in kinds:
        campaign = begun(a_campaign(mail, [before, after, late], goal={**kind, "days": 2}))
        sent_to(campaign, [before, after, late], at=at)
        assert list(goals.converted(campaign)) == [("a", after)], kind
        assert report_counts.count(campaign)
        assert reports.of(campaign).all.n("converted") == 1
        shown, _next = report_people.page(campaign, report_people.Who("converted"))
        assert [one.contact_id for one in shown] == [after]
    assert report_counts.count(campaign)
    assert reports.of(campaign).all.n("converted") == 1
    for goal, field in (
        ({"made": "dance"}, "goal.made"), ({"made": "deal", "filter": {"condition": "opted_out"}}, "goal.made"), ({"wish": 1}, "goal.wish"),
        ({"filter": {"condition": "form_submitted", "form": 987654}}, "goal.filter.form"), ({"made": "won", "days": 0}, "goal.days"),
    ):  # fmt: skip
        assert [problem.path for problem in goals.problems(goal)] == [field]


def test_a_person_may_choose_and_is_asked(mail: Email) -> None:
    campaign = _tested(mail, 40, otherwise="ask")
    run.due()
    with clock.stopped(clock.now() + timedelta(hours=5)):
        run.due()
        assert run.due() == 0
    assert verbs.get(campaign.pk).state == "testing"
    with pytest.raises(Invalid):
        steering.choose(campaign.pk, "z", MINA)
    chosen = steering.choose(campaign.pk, "b", MINA)
    assert (chosen.state, chosen.test["result"]["winner"], chosen.test["result"]["by"]) == ("sending", "", "user:1")


def test_again_goes_to_those_who_did_not_read_it_under_another_cause(mail: Email) -> None:
    ids = people(4)
    campaign = begun(a_campaign(mail, ids))
    sent_to(campaign, ids[:3])
    reader, program, silent = (Message.objects.get(campaign_id=campaign.pk, contact_id=id) for id in ids[:3])
    for message, payload in ((reader, {}), (program, {"machine": "scanner"})):
        sql.run(
            "INSERT INTO event (contact_id, ts, id, kind, key, payload) VALUES (%s, %s, %s, 11, 0, %s)",
            [message.contact_id, clock.now(), message.id, json.dumps({"message": message.id, **payload})],
        )
    with pytest.raises(Conflict):
        verbs.again(campaign.pk, MINA)
    steering.cancel(campaign.pk, MINA)
    run.due()
    second = verbs.again(campaign.pk, MINA, subject="못 보셨나요?")
    assert check.check(second).total == 2
    begun(second)
    assert frozen(second) == sorted([program.contact_id, silent.contact_id])
    assert freeze.cause(second.pk) != freeze.cause(campaign.pk)
    assert Variant.objects.get(campaign=second).subject == "못 보셨나요?"


@settings(max_examples=some(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_everybody_is_frozen_once_and_sums_agree_with_the_check(mail: Email, data: st.DataObject) -> None:
    """Whatever the lists, addresses, consents, zones and the test: the audience is chunks and skipped together, nobody twice, as the send check says."""
    n = data.draw(st.integers(0, 12), label="people")
    ids = people(n, agreed=False)
    address = data.draw(st.lists(st.sampled_from(["", "a@gaon.example", "A@gaon.example", "b@gaon.example", "nonsense", None]), min_size=n, max_size=n))
    zones = data.draw(st.lists(st.sampled_from(["", "Asia/Tokyo", "Europe/Berlin", "x"]), min_size=n, max_size=n))
    for id, mailbox, zone in zip(ids, address, zones, strict=True):
        if mailbox is not None:
            sql.run("UPDATE contact SET email = %s WHERE id = %s", [mailbox, id])
        sql.run("UPDATE contact SET properties = properties || jsonb_build_object('time_zone', %s::text) WHERE id = %s", [zone, id])
    some_of = st.lists(st.sampled_from(ids), unique=True) if ids else st.just([])
    if agreed := data.draw(some_of, label="agreed"):
        consent.set(agreed, "email", True, actor=SYSTEM, source="test")
    for id in data.draw(some_of, label="bounced"):
        suppression.suppress(id, "email", suppression.BOUNCED)
    members, others, left_out = (data.draw(some_of, label=label) for label in ("list", "other list", "left out"))
    campaign = a_campaign(
        mail, members, plan={"zones": data.draw(st.sampled_from(["account", "contact"])), "per_hour": data.draw(st.sampled_from([0, 60, 120]))}
    )
    verbs.change(campaign.pk, MINA, audience={**campaign.audience, "contacts": others, "except": [a_list(left_out)]})
    if data.draw(st.booleans(), label="test"):
        verbs.change(campaign.pk, MINA, variants=VARIANTS, test={"share": data.draw(st.sampled_from([10, 50, 100])), "hours": 1})
    campaign.refresh_from_db()
    said = check.check(campaign)
    begun(campaign)
    expected = sorted({*members, *others} - {*left_out})
    assert sorted(frozen(campaign) + skipped(campaign)) == expected
    assert (said.total, campaign.people) == (len(expected), len(expected))
    assert len(skipped(campaign)) == said.reasons.get("duplicate_address", 0)
    for chunk in Chunk.objects.filter(campaign_id=campaign.pk):
        assert chunk.contact_ids == sorted(chunk.contact_ids)
        assert len(chunk.contact_ids) == chunk.waiting <= pace.size(plan.of(campaign.plan))
        assert {id % 64 for id in chunk.contact_ids} == {chunk.bucket}
        assert (chunk.due_at == pace.NEVER) == (chunk.variant == "")


def test_a_freeze_that_dies_is_done_again_and_only_once(mail: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = people(4)
    sql.run("UPDATE contact SET email = 'same@gaon.example' WHERE id = ANY(%s)", [ids[:2]])
    campaign = a_campaign(mail, ids)
    steering.start(campaign.pk, MINA)
    for module, name in ((states, "move"), (pace, "give")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, _dies)
            assert run.prepare() == 0
        assert (frozen(campaign), skipped(campaign)) == ([], [])
    assert [run.prepare(), run.prepare(), freeze.freeze(campaign.pk)] == [1, 0, None]
    assert sorted(frozen(campaign) + skipped(campaign)) == sorted(ids)


def _dies(*_args: object, **_named: object) -> None:
    raise RuntimeError("killed")
