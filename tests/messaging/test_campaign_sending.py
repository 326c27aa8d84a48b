"""A campaign all the way to the mailboxes: a real relay, the real sender, and the worker's own rounds."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from baton.accounts.models import Account
from baton.messaging.campaigns import check, progress, run, steering, verbs
from baton.messaging.channel import Receipt
from baton.messaging.consent import suppression
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, Chunk, Message, Outbox
from baton.messaging.sending import chunks, delivery, window
from baton.platform import clock
from baton.platform.actor import Actor
from baton.segments import verbs as lists
from tests.messaging.conftest import parsed, person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db
MINA = Actor("user", 1)


@pytest.fixture
def campaign(nuriwork: Account) -> Campaign:
    Account.objects.filter(pk=nuriwork.pk).update(phone="02-123-4567", contact_email="help@nuriwork.example")
    mail = emails.create("소식", MINA, subject="소식입니다", body="<p>{{ contact.firstname|default('고객') }} 님</p>")
    ids = [person(f"p{n}@gaon.example") for n in range(9)]
    ids.append(person("refused@gaon.example", agreed=False))
    suppression.suppress(ids[0], "email", suppression.BOUNCED)
    segment = lists.create_segment("고객", {}, "fixed", MINA)
    lists.add(segment.pk, ids, MINA)
    return verbs.create("소식지", MINA, email_id=mail.pk, audience={"lists": [segment.pk]}, variants=[{"email_id": mail.pk, "subject": "변형 제목"}])


def work() -> None:
    """As the worker does: round after round until nothing is left to do."""
    while run.due() + run.prepare() + delivery.deliver():
        pass


def states_of(campaign: Campaign) -> dict[str, int]:
    return dict(Counter(Message.objects.filter(campaign_id=campaign.pk).values_list("state", flat=True)))


def test_what_the_check_says_is_what_is_sent(relay: Relay, campaign: Campaign) -> None:
    said = check.check(campaign)
    assert (said.getting, said.reasons) == (8, {"no_consent": 1, "suppressed_bounced": 1})
    steering.start(campaign.pk, MINA)
    work()
    assert len(relay.mails) == said.getting
    assert {parsed(raw)["subject"] for _to, raw in relay.mails} == {"(광고) 변형 제목"}
    assert states_of(campaign) == {"sent": 8, "skipped": 2}
    found = verbs.get(campaign.pk)
    assert (found.state, found.people, progress.of(found).done, progress.of(found).share) == ("done", 10, 10, 1.0)
    assert progress.of(found).reasons == {("skipped", reason): n for reason, n in said.reasons.items()}


def test_a_pause_stops_it_and_going_on_sends_the_rest_once(relay: Relay, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "PEOPLE", 4)  # of a lease
    lists.add(campaign.audience["lists"][0], [person(f"more{n}@gaon.example") for n in range(12)], MINA)  # more chunks than a sender takes at a time
    steering.start(campaign.pk, MINA)
    run.prepare()
    while not relay.mails:
        assert delivery.deliver()
    before = len(relay.mails)
    assert before < 20
    steering.pause(campaign.pk, MINA)
    work()
    assert len(relay.mails) == before
    steering.resume(campaign.pk, MINA)
    work()
    assert sorted(to for to, _raw in relay.mails) == sorted([f"p{n}@gaon.example" for n in range(1, 9)] + [f"more{n}@gaon.example" for n in range(12)])
    assert verbs.get(campaign.pk).state == "done"


def test_nothing_comes_outside_its_hours_however_late_the_sender_is(relay: Relay, campaign: Campaign) -> None:
    seoul = ZoneInfo("Asia/Seoul")
    verbs.change(campaign.pk, MINA, plan={"from": "09:00", "to": "18:00"})
    with clock.stopped(datetime(2026, 11, 24, 17, 55, tzinfo=seoul)):
        steering.start(campaign.pk, MINA)
        run.prepare()
    assert Chunk.objects.filter(campaign_id=campaign.pk).exists()
    with clock.stopped(datetime(2026, 11, 25, 2, tzinfo=seoul)):  # all senders were down until two at night
        delivery.deliver()
        work()
        assert relay.mails == []
    with clock.stopped(datetime(2026, 11, 25, 9, 0, 1, tzinfo=seoul)):
        work()
    assert len(relay.mails) == 8


def test_what_a_receiver_puts_off_waits_for_the_hours_too(relay: Relay, campaign: Campaign) -> None:
    seoul = ZoneInfo("Asia/Seoul")
    full = lists.create_segment("가득 찬 편지함", {}, "fixed", MINA)
    lists.add(full.pk, [person("full@gaon.example")], MINA)
    verbs.change(campaign.pk, MINA, plan={"from": "09:00", "to": "18:00"}, audience={"lists": [full.pk]})
    at = datetime(2026, 11, 24, 17, 59, 50, tzinfo=seoul)
    with clock.stopped(at):
        steering.start(campaign.pk, MINA)
        work()
    waiting = Outbox.objects.get(campaign_id=campaign.pk)
    assert waiting.due_at == datetime(2026, 11, 25, 9, tzinfo=seoul)
    assert (states_of(campaign), progress.of(verbs.get(campaign.pk)).waiting) == ({"queued": 1}, 1)
    with clock.stopped(waiting.due_at):
        steering.cancel(campaign.pk, MINA)
        work()
    assert (states_of(campaign), progress.of(verbs.get(campaign.pk)).states) == ({"cancelled": 1}, {"cancelled": 1})


def test_what_a_dead_sender_had_on_the_wire_of_a_cancelled_campaign_is_not_known(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_handed: object) -> list[Receipt]:
        raise KeyboardInterrupt

    steering.start(campaign.pk, MINA)
    run.prepare()
    monkeypatch.setattr(window, "sent", killed)
    with pytest.raises(KeyboardInterrupt):
        delivery.deliver()
    on_the_wire = states_of(campaign)["handing"]
    assert on_the_wire
    steering.cancel(campaign.pk, MINA)
    with clock.stopped(clock.now() + 2 * window.LEASE):
        work()
    states = states_of(campaign)
    assert (states["unknown"], states.get("handing")) == (on_the_wire, None)
    assert progress.of(verbs.get(campaign.pk)).states == states
    assert not Chunk.objects.exists()


def test_a_second_try_that_died_on_the_wire_of_a_cancelled_campaign_is_not_known(relay: Relay, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    full = lists.create_segment("가득 찬 편지함", {}, "fixed", MINA)
    lists.add(full.pk, [person("full@gaon.example")], MINA)
    verbs.change(campaign.pk, MINA, audience={"lists": [full.pk]})
    steering.start(campaign.pk, MINA)
    work()

    def killed(_handed: object) -> list[Receipt]:
        raise KeyboardInterrupt

    monkeypatch.setattr(window, "sent", killed)
    with clock.stopped(Outbox.objects.get(campaign_id=campaign.pk).due_at), pytest.raises(KeyboardInterrupt):
        delivery.deliver()
    steering.cancel(campaign.pk, MINA)
    with clock.stopped(clock.now() + 4 * window.LEASE):
        work()
    assert (states_of(campaign), progress.of(verbs.get(campaign.pk)).states) == ({"unknown": 1}, {"unknown": 1})
