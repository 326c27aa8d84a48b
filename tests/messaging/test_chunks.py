"""A campaign goes out chunk by chunk: everybody once, whoever dies, and whatever is paused, cancelled or held back meanwhile."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError

from baton.accounts.models import Account
from baton.crm import consent
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging import outbox, rules
from baton.messaging.campaigns import freeze, states, steering, verbs
from baton.messaging.channel import Receipt, Result
from baton.messaging.channels.email import EmailChannel
from baton.messaging.consent import suppression
from baton.messaging.models import Allowance, Campaign, CampaignTally, Chunk, Email, EmailVersion, Message, Outbox, Transport, Variant
from baton.messaging.sending import chunks, delivery, settle, window
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from tests.messaging.conftest import person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db
LATER = chunks.LEASE + timedelta(seconds=1)


@pytest.fixture
def people(account: Account) -> list[int]:
    return [person(f"p{n}@b.example", firstname=f"지우{n}") for n in range(5)]


@pytest.fixture
def campaign(email: Email, people: list[int]) -> Campaign:
    """Its audience is frozen; nothing of it was sent."""
    content = {name: getattr(email, name) for name in ("subject", "preheader", "body", "purpose", "language")}
    EmailVersion.objects.create(email=email, number=1, content=content, published_at=clock.now(), published_by="system")
    Email.objects.filter(pk=email.pk).update(version=1)
    made = verbs.create("소식지", SYSTEM, email_id=email.pk, audience={"contacts": people})
    steering.start(made.pk, SYSTEM)
    assert freeze.freeze(made.pk) == 5
    return verbs.get(made.pk)


def drain() -> None:
    while delivery.deliver():
        pass


def counted(campaign: Campaign) -> dict[str, int]:
    """By state, as the tallies say; they agree with the messages."""
    said: Counter[tuple[str, str]] = Counter()
    for state, reason, n in CampaignTally.objects.filter(campaign_id=campaign.pk).values_list("state", "reason", "n"):
        said[state, reason] += n
    kept = Counter(Message.objects.filter(campaign_id=campaign.pk).values_list("state", flat=True))
    assert Counter({state: n for state, n in _by_state(said).items() if n}) == kept
    return dict(kept)


def _by_state(said: Counter[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (state, _reason), n in said.items():
        found[state] += n
    return found


def test_everybody_gets_it_once_and_the_numbers_say_so(campaign: Campaign, people: list[int], relay: Relay) -> None:
    drain()
    assert sorted(to for to, _ in relay.mails) == [f"p{n}@b.example" for n in range(5)]
    assert counted(campaign) == {"sent": 5}
    assert not Chunk.objects.exists()
    sent = Event.objects.filter(kind=Kind.EMAIL_SENT)
    assert {(e.contact_id, e.payload["campaign"]) for e in sent} == {(c, campaign.pk) for c in people}
    message = Message.objects.filter(campaign_id=campaign.pk).first()
    assert message is not None
    assert message.subject.startswith("(광고) 지우")
    assert (message.version, message.variant, message.attempts) == (1, "a", 1)


def test_the_gate_decides_when_it_is_their_turn(campaign: Campaign, people: list[int], relay: Relay) -> None:
    consent.set(people[:1], "email", False, actor=SYSTEM, source="test")
    suppression.suppress(people[1], "email", "bounced")
    drain()
    assert len(relay.mails) == 3
    assert counted(campaign) == {"sent": 3, "skipped": 2}
    reasons = dict(Message.objects.filter(state="skipped").values_list("contact_id", "reason"))
    assert reasons == {people[0]: "no_consent", people[1]: "suppressed_bounced"}


def test_who_waits_for_the_night_comes_back_at_its_end(campaign: Campaign, people: list[int], relay: Relay) -> None:
    rules.change({"law": "kr", "night_email": True}, actor=SYSTEM)
    zones = "CASE id WHEN %s THEN 'America/New_York' ELSE 'Asia/Seoul' END"
    sql.run(f"UPDATE contact SET properties = properties || jsonb_build_object('time_zone', {zones})", people[:1])
    home = ZoneInfo("Asia/Seoul")
    evening = (clock.now().astimezone(home) + timedelta(days=1)).replace(hour=23, minute=0, second=0, microsecond=0)
    clock.shift(evening - clock.now())
    drain()
    assert [to for to, _ in relay.mails] == ["p0@b.example"], "it is morning there"
    morning = evening.replace(hour=8) + timedelta(days=1)
    assert {due.replace(microsecond=0) for due in Chunk.objects.values_list("due_at", flat=True)} == {morning}


def test_a_pause_holds_and_a_cancellation_ends_it(campaign: Campaign, relay: Relay) -> None:
    steering.pause(campaign.pk, SYSTEM)
    drain()
    assert relay.mails == []
    steering.resume(campaign.pk, SYSTEM)
    lease = chunks.take()
    assert lease
    steering.pause(campaign.pk, SYSTEM)
    assert chunks.send(lease) == 0, "a pause while a sender holds the chunk stops it before the wire"
    assert relay.mails == []
    assert not Message.objects.exists()
    steering.resume(campaign.pk, SYSTEM)
    Chunk.objects.update(due_at=clock.now())
    lease = chunks.take()
    assert lease
    Chunk.objects.all().delete()
    Campaign.objects.filter(pk=campaign.pk).update(state=states.CANCELLED)
    assert chunks.send(lease) == 0
    assert relay.mails == []


def test_what_a_receiver_puts_off_waits_while_the_campaign_is_paused_and_is_given_up_after_a_day(campaign: Campaign, people: list[int], relay: Relay) -> None:
    sql.run("UPDATE contact SET email = 'full@b.example' WHERE id = %s", [people[0]])
    drain()
    assert counted(campaign) == {"sent": 4, "queued": 1}
    steering.pause(campaign.pk, SYSTEM)
    clock.shift(timedelta(hours=1))
    assert delivery.deliver() == 0
    steering.resume(campaign.pk, SYSTEM)
    for hour in range(2, 40):
        clock.shift(timedelta(hours=hour))
        drain()
    assert counted(campaign) == {"sent": 4, "bounced": 1}
    assert not Outbox.objects.exists()


def test_a_dead_address_bounces_and_a_broken_mail_fails_for_its_person_only(campaign: Campaign, people: list[int], relay: Relay) -> None:
    sql.run("UPDATE contact SET email = 'hard@b.example' WHERE id = %s", [people[0]])
    EmailVersion.objects.update(content={**EmailVersion.objects.get().content, "subject": "{{ 1 // (contact.firstname|length - 3) }}"})
    sql.run('UPDATE contact SET properties = properties || \'{"firstname": "지우지우"}\' WHERE id = ANY(%s)', [people[1:]])
    sql.run('UPDATE contact SET properties = properties || \'{"firstname": "하나"}\' WHERE id = %s', [people[0]])
    sql.run('UPDATE contact SET properties = properties || \'{"firstname": "지우1"}\' WHERE id = %s', [people[1]])
    drain()
    assert counted(campaign) == {"sent": 3, "bounced": 1, "failed": 1}
    assert Message.objects.get(contact_id=people[0]).reason == "user_unknown"
    assert "ZeroDivisionError" in Message.objects.get(contact_id=people[1]).reason


def test_a_relay_that_is_away_holds_the_chunk_and_nothing_is_lost(campaign: Campaign, relay: Relay) -> None:
    relay.stop()
    drain()
    assert set(counted(campaign)) <= {"queued"}
    relay.start()
    clock.shift(timedelta(minutes=1))
    drain()
    clock.shift(timedelta(minutes=10))
    drain()
    assert counted(campaign) == {"sent": 5}
    assert len(relay.mails) == 5


def test_a_limit_lets_some_go_and_the_others_later(campaign: Campaign, relay: Relay) -> None:
    Transport.objects.create(name="느린 서버", kind="smtp", usual=True, settings={"host": "127.0.0.1", "port": relay.port, "per_second": 0.5})
    Chunk.objects.update(due_at=clock.now())
    sent = []
    for second in range(0, 40, 4):
        clock.shift(timedelta(seconds=second))
        drain()
        sent.append(len(relay.mails))
    assert sent[0] == 1
    assert sent == sorted(sent)
    assert sent[-1] == 5
    assert Allowance.objects.exists()


def test_two_senders_share_the_chunks(campaign: Campaign, relay: Relay) -> None:
    first = chunks.take()
    assert first
    assert len(first.parts) == 5, "one person is in each bucket"
    assert chunks.take() is None
    assert chunks.send(first) == 5


class Killed(BaseException):
    """What kill -9 is to the code: nothing after it runs, not even handlers of exceptions."""


POINTS: list[tuple[Any, str, str, int]] = [
    (chunks, "take", "after", 0),
    (chunks, "_waiting", "after", 0),
    (window, "built", "before", 0),
    (window, "built", "after", 0),
    (chunks, "_committed", "after", 5),  # written down, nothing is on the wire
    (window, "sent", "before", 5),
    (window, "sent", "after", 5),  # the relay has them, the answers are lost
    (settle, "_settle", "before", 5),
    (settle, "_settle", "after", 0),  # settled, the chunk is still there
    (chunks, "send", "after", 0),
]


@pytest.mark.parametrize(("where", "name", "when", "unknown"), POINTS, ids=[f"{name}:{when}" for _, name, when, _ in POINTS])
def test_a_sender_that_is_killed_sends_nobody_twice_and_loses_nobody(
    campaign: Campaign, relay: Relay, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, when: str, unknown: int
) -> None:
    original: Callable[..., Any] = getattr(where, name)

    def deadly(*args: Any, **named: Any) -> Any:
        if when == "after":
            original(*args, **named)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(where, name, deadly)
        with pytest.raises(Killed):
            chunks.work()
    chunks.work()
    clock.shift(LATER)
    drain()
    states_ = counted(campaign)
    assert states_ == ({"unknown": 5} if unknown else {"sent": 5})
    to = [address for address, _ in relay.mails]
    assert len(to) == len(set(to))
    assert len(to) == 5 or unknown
    if unknown:
        assert set(Message.objects.values_list("reason", flat=True)) == {"interrupted"}
    assert not Chunk.objects.exists()
    clock.shift(LATER * 9)
    drain()
    assert len(relay.mails) == len(to), "unknown ones are never sent by themselves"


def test_a_kill_leaves_only_open_what_a_slow_relay_had(campaign: Campaign, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmailChannel, "at_once", lambda *_: 2)
    settled = []

    def deadly(*given: object) -> None:
        settled.append(given)
        if len(settled) == 2:
            raise Killed
        original(*given)  # type: ignore[arg-type]  # as it is called

    original = settle._settle
    with monkeypatch.context() as patched:
        patched.setattr(settle, "_settle", deadly)
        with pytest.raises(Killed):
            chunks.work()
    assert Message.objects.filter(state="handing").count() == 2
    clock.shift(LATER)
    drain()
    assert counted(campaign) == {"sent": 3, "unknown": 2}
    assert len(relay.mails) == 5


def test_the_outbox_gives_a_slow_carrier_few_at_a_time(email: Email, people: list[int], relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmailChannel, "at_once", lambda *_: 2)
    sent = window.sent
    windows: list[int] = []
    monkeypatch.setattr(window, "sent", lambda handed: windows.append(len(handed)) or sent(handed))
    outbox.add([outbox.NewMessage(contact, email.pk, "slow") for contact in people])
    drain()
    assert windows == [2, 2, 1]
    assert len(relay.mails) == 5


def test_what_was_put_off_belongs_to_the_outbox_also_when_its_chunk_is_taken_again(campaign: Campaign, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender dies with messages of the outbox on the wire, another one before it finished their chunk: each is told of once."""

    def away(handed: Any) -> list[Receipt]:
        return [Receipt(Result.NOT_HANDED, "the relay is away")] * len(handed)

    def dead(*_args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(window, "sent", away)
        patched.setattr(settle, "outlast", lambda work: (work(), dead()))
        with pytest.raises(Killed):
            chunks.work()
    assert counted(campaign) == {"queued": 5}
    clock.shift(LATER)
    with monkeypatch.context() as patched:
        patched.setattr(window, "sent", dead)
        with pytest.raises(Killed):
            delivery._outbox()
    assert Message.objects.filter(state="handing").exists()
    chunks.work()
    assert not Message.objects.filter(state="unknown").exists(), "its sender may still be at it"
    clock.shift(LATER * 3)
    drain()
    assert counted(campaign) == dict(Counter(Message.objects.values_list("state", flat=True)))
    assert not Outbox.objects.exists()


def test_answers_that_come_late_still_count(campaign: Campaign, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that was held up until another called its messages unknown knows better."""
    held: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(settle, "_settle", lambda *given: held.append(given) or _die())
        with pytest.raises(Killed):
            chunks.work()
    clock.shift(LATER)
    drain()
    assert counted(campaign) == {"unknown": 5}
    for given in held:
        settle._settle(*given)
    assert counted(campaign) == {"sent": 5}
    assert Event.objects.filter(kind=Kind.EMAIL_SENT).count() == 5
    for given in held:
        settle._settle(*given)
    assert counted(campaign) == {"sent": 5}
    assert Event.objects.filter(kind=Kind.EMAIL_SENT).count() == 5


def _die() -> None:
    raise Killed


def test_a_database_that_goes_away_as_a_window_is_committed_costs_nobody_his_mail(campaign: Campaign, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    original = chunks._committed

    def cut(*args: Any) -> Any:
        original(*args)
        raise OperationalError("the connection was lost")  # it is committed, but nobody said so

    with monkeypatch.context() as patched:
        patched.setattr(chunks, "_committed", cut)
        with pytest.raises(OperationalError):
            chunks.work()
    assert relay.mails == []
    assert counted(campaign) == {"queued": 5}, "nothing was on the wire, so they go again"
    clock.shift(LATER)
    drain()
    assert counted(campaign) == {"sent": 5}
    assert len(relay.mails) == 5


def test_a_variant_has_its_own_subject_and_sender(campaign: Campaign, relay: Relay) -> None:
    Variant.objects.filter(campaign=campaign).update(subject="다른 제목", from_name="연구소")
    drain()
    assert set(Message.objects.values_list("subject", flat=True)) == {"(광고) 다른 제목"}
