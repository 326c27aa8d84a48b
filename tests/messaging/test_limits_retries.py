"""Mails that a receiver put off: when they are tried again, what is said of them meanwhile, and what becomes of those that nobody takes."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.template.loader import render_to_string

from baton.accounts.models import User
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging import outbox
from baton.messaging.campaigns import freeze, put_off, steering, verbs
from baton.messaging.channel import Receipt, Result
from baton.messaging.colleagues import delayed, notify
from baton.messaging.incoming import bounces
from baton.messaging.models import Campaign, Email, EmailVersion, Message, ReceiverDomain, Transport, Trouble
from baton.messaging.sending import delivery, groups, learning, retries
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.web.parts import campaign_board
from tests.messaging.conftest import person
from tests.messaging.relay import Relay

AWAY = Receipt(Result.NOT_HANDED, "connection refused")
BUSY = Receipt(Result.DEFERRED, "451 4.3.0 busy", 451)
GREY = Receipt(Result.DEFERRED, "450 4.2.0 Greylisted, come back in 5 minutes", 450)


def tries(answer: Receipt, *, campaign: bool, transport_id: int | None = None) -> list[timedelta]:
    found: list[timedelta] = []
    while (wait := retries.pause(len(found), answer, campaign=campaign, transport_id=transport_id)) is not None:
        found.append(wait)
    return found


@pytest.mark.parametrize(
    ("answer", "campaign", "hours"), [(BUSY, True, (14, 29)), (BUSY, False, (57, 87)), (GREY, True, (12, 29)), (AWAY, True, (57, 87)), (AWAY, False, (57, 87))]
)
def test_the_pauses_grow_and_end(answer: Receipt, campaign: bool, hours: tuple[int, int]) -> None:
    found = tries(answer, campaign=campaign)
    least, most = hours  # a fifth more or less
    assert timedelta(hours=least) < sum(found, timedelta()) < timedelta(hours=most)
    assert all(later > sooner for sooner, later in pairwise(found[:7]))
    assert found != tries(answer, campaign=campaign), "by chance a little shorter or longer"
    assert timedelta(minutes=4) < found[0] < timedelta(minutes=7) if answer is GREY else timedelta(seconds=10) < found[0] < timedelta(seconds=20)


@pytest.mark.django_db
def test_a_transport_may_say_for_how_long() -> None:
    transport = Transport.objects.create(name="서버", kind="smtp", settings={"keep_trying": 6}).pk
    assert sum(tries(BUSY, campaign=True, transport_id=transport), timedelta()) < timedelta(hours=6)
    assert tries(BUSY, campaign=True, transport_id=transport)[-1] > timedelta(minutes=45)


@pytest.mark.parametrize(
    ("said", "reason"),
    [("452 4.2.2 Mailbox full", "mailbox_full"), ("451 4.3.0 busy", "expired"), ("450 4.2.0 Greylisted", "expired"), ("421 Too many messages", "throttled")],
)
def test_what_nobody_took_says_why(said: str, reason: str) -> None:
    assert retries.given_up(Receipt(Result.DEFERRED, said, int(said[:3]))) == reason


@pytest.fixture
def campaign(email: Email) -> Campaign:
    """To six people of three companies whose mail one operator takes, and to six others; frozen, and nothing of it was sent."""
    learning.forget()
    for domain in ("gaon.example", "haneul.example", "dasom.example"):
        ReceiverDomain.objects.create(domain=domain, grouped="microsoft365", state="mx", wanted_at=clock.now())
    groups.forget()
    people = [person(f"p{n}@{('gaon', 'haneul', 'dasom', 'own', 'solo', 'hana')[n % 6]}.example") for n in range(12)]
    content = {name: getattr(email, name) for name in ("subject", "preheader", "body", "purpose", "language")}
    EmailVersion.objects.create(email=email, number=1, content=content, published_at=clock.now(), published_by="system")
    Email.objects.filter(pk=email.pk).update(version=1)
    made = verbs.create("소식지", SYSTEM, email_id=email.pk, audience={"contacts": people})
    steering.start(made.pk, SYSTEM)
    freeze.freeze(made.pk)
    return verbs.get(made.pk)


def drain() -> None:
    while delivery.deliver():
        pass


def states(campaign: Campaign) -> Counter[str]:
    return Counter(Message.objects.filter(campaign_id=campaign.pk).values_list("state", flat=True))


@pytest.mark.django_db
def test_an_operator_that_puts_mail_off_holds_up_nobody_else_and_gets_it_later_once(campaign: Campaign, relay: Relay) -> None:
    relay.slow = {"gaon.example", "haneul.example"}
    drain()
    assert states(campaign) == {"sent": 8, "queued": 4}, "everybody else has it"
    found = put_off.of(campaign, 4)
    assert found is not None
    assert [(one.receiver, one.reason, one.n) for one in found.why] == [("Microsoft 365", bounces.words("throttled"), 4)]
    assert found.next_at is not None
    assert timedelta(0) < found.next_at - clock.now() < timedelta(seconds=20)
    [slow] = put_off.held_back(campaign)
    assert (slow.group, slow.why, slow.answers[0].text) == ("microsoft365", "slower", "451 4.7.0 Too many messages, slow down")
    assert slow.now is not None
    assert slow.now <= 0.5, "they share the rate, whatever their domains"
    page = campaign_board.standing(campaign)
    assert (page["put_off"].n, [one.group for one in page["held_back"]]) == (4, ["microsoft365"])
    text = render_to_string("campaigns/progress.html", {**page, "may_edit": False})
    assert "Microsoft 365" in text

    relay.stop()
    clock.shift(timedelta(hours=1))
    drain()
    found = put_off.of(campaign, 4)
    assert found is not None
    assert {one.receiver for one in found.why} == {""}, "it is the carrier's fault now, and nobody else's"
    relay.start()

    relay.slow = set()
    for minutes in (60, 70, 90, 120, 180):
        clock.shift(timedelta(minutes=minutes))
        drain()
    assert states(campaign) == {"sent": 12}
    assert Counter(to for to, _raw in relay.mails).most_common(1)[0][1] == 1
    assert put_off.of(campaign, 0) is None


@pytest.mark.django_db
def test_what_an_operator_never_took_is_told_as_a_soft_bounce(campaign: Campaign, relay: Relay) -> None:
    relay.slow = {"dasom.example"}
    for hour in (0, 1, 2, 3, 6, 9, 14, 24, 34, 44, 54, 64):
        clock.shift(timedelta(hours=hour))
        drain()
    assert states(campaign) == {"sent": 10, "bounced": 2}
    told = Event.objects.filter(kind=Kind.EMAIL_BOUNCE).values_list("payload", flat=True)
    assert {(one["class"], one["reason"], one["text"]) for one in told} == {("soft", "throttled", "451 4.7.0 Too many messages, slow down")}
    assert not Trouble.objects.exists(), "how much we send is nobody's fault who gets it"


@pytest.mark.django_db
def test_who_wrote_a_letter_that_is_put_off_for_hours_is_told_once(email: Email, relay: Relay) -> None:
    user = User.objects.create(email="jiwon@nuriwork.example", name="박지원")
    contact_id = person("full@gaon.example")
    outbox.add([outbox.NewMessage(contact_id, email.id, "letter:1", f"user:{user.pk}")])
    drain()
    assert delayed.tell() == 0, "most of what is put off arrives within hours"
    clock.shift(timedelta(hours=5))
    assert (delayed.tell(), delayed.tell()) == (1, 0)
    [notice] = notify.recent(user.pk)
    assert notice.url == f"/contacts/{contact_id}/"
    assert bounces.words("mailbox_full") in notice.body
