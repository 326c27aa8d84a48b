"""Campaigns that harm the name of their sender stop by themselves, and somebody hears why."""

from datetime import timedelta

import pytest

from baton.accounts.models import Account, User
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging import outbox
from baton.messaging.campaigns import steering
from baton.messaging.deliverability import brake, health
from baton.messaging.models import Campaign, CampaignCount, CampaignTally, Email, Notification
from baton.platform import clock, sql
from baton.platform.actor import Actor
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def maker(nuriwork: Account) -> User:
    return User.objects.create_user("oh@nuriwork.example", name="오", role="admin")


@pytest.fixture
def campaign(maker: User, email: Email) -> Campaign:
    Email.objects.filter(pk=email.pk).update(from_address="news@nuriwork.example")
    now = clock.now()
    return Campaign.objects.create(name="11월 소식", state="sending", email_id=email.pk, created_by=f"user:{maker.pk}", started_at=now, due_at=now)


def became(campaign: Campaign, **counts: int) -> None:
    for number, (name, n) in enumerate(counts.items()):
        state, _sign, reason = name.partition("__")
        CampaignTally.objects.create(bucket=0, id=number, campaign_id=campaign.pk, variant="a", state=state, reason=reason, n=n)


def counted(campaign: Campaign, **counts: int) -> None:
    for name, n in counts.items():
        CampaignCount.objects.create(campaign=campaign, variant="a", name=name.replace("__", ":"), n=n, counted_at=clock.now())


@pytest.mark.parametrize(
    ("tally", "complaints", "why"),
    [
        ({"sent": 9_000, "bounced__user_unknown": 100, "bounced__blocked": 900}, 8, ""),
        ({"sent": 190, "bounced__user_unknown": 9}, 0, ""),
        ({"sent": 900, "bounced__user_unknown": 60, "bounced__host_unknown": 10}, 0, brake.BOUNCES),
        ({"delivered": 1_000}, 3, brake.COMPLAINTS),
        ({"sent": 40, "bounced__auth_failure": 3}, 0, brake.UNTRUSTED),
    ],
)
def test_a_campaign_stops_before_the_limits_of_the_large_providers(campaign: Campaign, maker: User, tally: dict[str, int], complaints: int, why: str) -> None:
    became(campaign, **tally)
    counted(campaign, complained=complaints)
    assert brake.look() == bool(why)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stopped_for) == (("paused", why) if why else ("sending", ""))
    assert ["11월 소식" in notice.title for notice in Notification.objects.filter(user_id=maker.pk)] == [True] * bool(why)
    assert outbox.reason(why) != why or not why
    if why:
        Campaign.objects.filter(pk=campaign.pk).update(state="paused", started_at=clock.now())
        steering.resume(campaign.pk, Actor("user", maker.pk))
        assert brake.look() == 0, "who has seen the numbers decides"


def test_receivers_that_put_mail_off_because_they_do_not_trust_us_are_told_from_busy_ones(campaign: Campaign) -> None:
    words = ["421 4.7.28 too many mails", *["421-4.7.26 This mail is unauthenticated", "421 4.7.27 SPF did not pass", "451 4.7.23 no PTR"]]
    became(campaign, queued=len(words))
    for number, reason in enumerate(words):
        who = person(f"p{number}@gmail.example")
        sql.run(
            "INSERT INTO message (contact_id, id, cause, channel, email_id, campaign_id, variant, address, subject, sender, state, reason, attempts,"
            " created_at)"
            " VALUES (%s, %s, %s, 'email', %s, %s, 'a', 'x@x', '', '', 'queued', %s, 1, %s)",
            [who, number + 1, f"campaign:{campaign.pk}", campaign.email_id, campaign.pk, reason, clock.now()],
        )
        sql.run(
            "INSERT INTO outbox (bucket, message_id, contact_id, due_at, campaign_id) VALUES (%s, %s, %s, %s, %s)",
            [who % 64, number + 1, who, clock.now(), campaign.pk],
        )
    assert brake.look() == 1
    campaign.refresh_from_db()
    assert campaign.stopped_for == brake.UNTRUSTED


def alone(email: Email, cause: str, state: str, n: int, *, reason: str = "", domain: str = "gmail.com", days: int = 0, campaign: int | None = None) -> None:
    sql.run(
        "INSERT INTO message (contact_id, id, cause, channel, email_id, campaign_id, variant, address, subject, sender, state, reason, attempts, created_at)"
        " SELECT 5000000 + s, s, %s || s, 'email', %s, %s, '', 'p' || s || '@' || %s, '', '', %s, %s, 1, %s"
        " FROM (SELECT nextval('message_id_seq') AS s FROM generate_series(1, %s)) q",
        [cause, email.pk, campaign, domain, state, reason, clock.now() - timedelta(days=days), n],
    )


def test_mail_outside_campaigns_is_told_by_kind_and_never_stopped(campaign: Campaign, maker: User, email: Email) -> None:
    counted(campaign, group__gmail__sent=990, group__gmail__bounced=10)
    alone(email, "step:1:", "sent", 900)
    alone(email, "step:1:", "delivered", 40, domain="rare.example")
    alone(email, "step:1:", "bounced", 60, reason="user_unknown")
    alone(email, "step:1:", "bounced", 500, reason="user_unknown", days=31)  # of another month
    alone(email, "step:1:", "skipped", 70, reason="no_consent")
    alone(email, "letter:1:", "sent", 300, domain="naver.com")
    alone(email, "campaign:9:", "sent", 400, campaign=campaign.pk)  # known by its counts
    who, number = sql.rows("SELECT contact_id, id FROM message WHERE cause LIKE 'letter:%%' LIMIT 1")[0]
    about = {"message": number, "kind": "abuse"}
    record.add([NewEvent(who, Kind.EMAIL_COMPLAINT, clock.now(), str(email.pk), email.name, payload=about) for _again in range(2)])
    found = health.look()
    assert [(r.name, r.sent, r.bounced, r.complained) for r in found.kinds] == [
        ("campaign", 1000, 10, 0), ("workflow", 1000, 60, 0), ("single", 300, 0, 1),
    ]  # fmt: skip
    assert [(r.name, r.sent, r.complained) for r in found.domains] == [("nuriwork.example", 2300, 1)]
    assert [(r.name, r.sent) for r in found.receivers] == [("gmail", 1960), ("naver", 300), ("", 40)]
    assert (brake.watch(), brake.watch()) == (1, 0), "told once"
    [notice] = Notification.objects.filter(user_id=maker.pk)
    assert email.name in notice.title
    assert "60" in notice.body
    assert brake.look() == 0


def test_rates_are_told_by_domain_and_by_receivers(campaign: Campaign) -> None:
    counted(campaign, group__gmail__sent=990, group__gmail__bounced=10, group__naver__sent=500, group__naver__complained=1, group____sent=20)
    found = health.look()
    assert [(r.name, r.sent, r.bounced, r.complained) for r in found.domains] == [("nuriwork.example", 1520, 10, 1)]
    assert [(r.name, r.bounce_state, r.complaint_state) for r in found.receivers] == [
        ("gmail", "ok", "ok"),
        ("naver", "ok", "warn"),
        ("", "unknown", "unknown"),
    ]
