"""What became of a campaign: every number, who is behind it, and lists of them. Programs do not count as people."""

from datetime import timedelta
from typing import Any

import pytest

from baton.crm import associations, records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.campaigns import report_counts as counts
from baton.messaging.campaigns import report_people as behind
from baton.messaging.campaigns import reports
from baton.messaging.campaigns.report_people import Who
from baton.messaging.models import Campaign, CampaignCount, Email, EmailLink, Variant
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid, NotFound
from baton.segments import preview
from baton.segments.models import Membership

from .conftest import person

DOMAINS = ("gaon.example", "naver.com", "gmail.com", "googlemail.com")
REASONS = {
    24: ("bounced", "user_unknown"),
    25: ("bounced", "mailbox_full"),
    26: ("failed", "user_unknown"),
    27: ("skipped", "no_consent"),
    28: ("skipped", "paused"),
}


class World:
    """A campaign of 29 people a day ago: 24 got it, three bounced, two were left out. Number -> contact; the message's number is the same plus 1000."""

    def __init__(self, email: Email) -> None:
        self.start = clock.now() - timedelta(days=1)
        self.campaign = Campaign.objects.create(
            name="11월 소식", email_id=email.pk, state="done", people=29, started_at=self.start, ended_at=clock.now(), created_by="user:1"
        )
        for key in "ab":
            Variant.objects.create(campaign=self.campaign, key=key, email_id=email.pk, version=1, share=50)
        self.link, self.other = (EmailLink.objects.create(email=email, url=f"https://nuriwork.example/{path}") for path in ("pricing", "case"))
        self.email = email
        self.people = [person(f"p{n}@{DOMAINS[n % 4]}", lastname=f"김{n}") for n in range(29)]
        for n, contact in enumerate(self.people):
            state, reason = REASONS.get(n, ("sent", ""))
            key = "ab"[n % 2]
            sql.run(
                "INSERT INTO message (contact_id, id, cause, channel, email_id, campaign_id, variant, address, subject, sender, state, reason, attempts,"
                " created_at, sent_at)"
                " VALUES (%s, %s, %s, 'email', %s, %s, %s, %s, '', '', %s, %s, 1, %s, %s)",
                [contact, 1000 + n, f"campaign:{self.campaign.pk}", email.pk, self.campaign.pk, key, f"p{n}@{DOMAINS[n % 4]}", state, reason, self.start,
                 None if state == "skipped" else self.start],
            )  # fmt: skip
            sql.run(
                "INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n) VALUES (0, %s, %s, %s, %s, %s, 1)",
                [9000 + n, self.campaign.pk, key, state, reason],
            )

    def did(self, n: int, kind: Kind, hours: float, *, message: int | None = None, **payload: Any) -> None:
        about = {"message": 1000 + n if message is None else message, "campaign": self.campaign.pk} | payload
        record.add([NewEvent(self.people[n], kind, self.start + timedelta(hours=hours), str(self.email.pk), self.email.name, payload=about)])


@pytest.fixture
def world(email: Email) -> World:
    made = World(email)
    for n in range(8):  # eight opened, the first of them twice
        made.did(n, Kind.EMAIL_OPEN, 1 + n / 10)
    made.did(0, Kind.EMAIL_OPEN, 20)
    for n in (0, 1, 8):  # three clicked, one of whom saw no pictures
        made.did(n, Kind.EMAIL_CLICK, 2, url=made.link.url)
    made.did(0, Kind.EMAIL_CLICK, 3, url=made.other.url)
    for n in (0, 9, 10):  # a gateway followed all links of three mails; one of these was read as well
        made.did(n, Kind.EMAIL_OPEN, 0.001, machine="scanner")
        made.did(n, Kind.EMAIL_CLICK, 0.001, machine="scanner", url=made.link.url)
    made.did(11, Kind.EMAIL_UNSUBSCRIBE, 4)
    made.did(12, Kind.EMAIL_COMPLAINT, 5)
    made.did(13, Kind.EMAIL_REPLY, 6, subject="Re: 소식")
    made.did(14, Kind.EMAIL_OPEN, 1, message=77, campaign=0)  # of another message: somebody got this mail by a workflow too
    made.did(1, Kind.FORM_SUBMISSION, 10)
    made.did(2, Kind.FORM_SUBMISSION, 5)  # opened only: no conversion
    record.add([NewEvent(made.people[8], Kind.MEETING, made.start + timedelta(hours=22))])
    for n, stage, amount in ((0, "closedwon", 5_000_000), (1, "appointmentscheduled", 900_000), (3, "closedwon", 7_000_000)):
        deal = records.create("deal", {"dealname": f"거래 {n}", "amount": amount, "pipeline": "default", "dealstage": stage}, actor=SYSTEM, source="test")
        associations.link("deal", deal, "contact", made.people[n], actor=SYSTEM)
    return made


def everybody(world: World, who: Who) -> list[int]:
    """All pages of a number, by the numbers of the people."""
    found, after = [], ""
    while True:
        people, after = behind.page(world.campaign, who, after=after, limit=3)
        found += [world.people.index(one.contact_id) for one in people]
        if not after:
            return found


def test_numbers_and_the_people_behind_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "GROUP_LEAST", 5)
    assert counts.count(world.campaign)
    report = reports.of(world.campaign)
    all_ = report.all
    assert (all_.sent, all_.delivered, all_.bounced, all_.skipped) == (27, 24, 3, 2)
    assert all_.reasons(reports.BACK) == [("user_unknown", 2), ("mailbox_full", 1)]
    expected = {
        "opened": {*range(9)}, "clicked": {0, 1, 8}, "machine_opened": {9, 10}, "machine_clicked": {9, 10},
        "unsubscribed": {11}, "complained": {12}, "replied": {13},
    }  # fmt: skip
    for name, people in expected.items():
        assert all_.n(name) == len(people), name
        assert sorted(everybody(world, Who(name))) == sorted(people), name
    for what, people in {
        "delivered": {*range(24)}, "bounced": {24, 25, 26}, "skipped": {27, 28}, "all": {*range(29)}, "not_opened": {*range(9, 24)}, "waiting": set(),
    }.items():  # fmt: skip
        assert sorted(everybody(world, Who(what))) == sorted(people), what
    assert everybody(world, Who("bounced", reason="user_unknown")) == [26, 24]
    assert everybody(world, Who("clicked", link=world.other.pk)) == [0]
    assert everybody(world, Who("opened", variant="b")) == [8 - 1, 5, 3, 1]
    assert sorted(everybody(world, Who("delivered", group="gmail"))) == [n for n in range(24) if n % 4 in (2, 3)]
    assert report.links == [(world.link, 3, 3), (world.other, 1, 0)]
    assert report.by_hour == [(1, 8, 0), (2, 1, 3)]
    assert {g.name: (g.sent, g.bounced, g.opened) for g in report.groups} == {"gaon.example": (6, 1, 3), "naver": (6, 1, 2), "gmail": (12, 1, 4)}
    assert report.within(30) == {"forms": 1, "meetings": 1, "deals": 2, "won": 1, "revenue": 5_000_000, "foreign": 0}
    for what, people in {"forms": {1}, "meetings": {8}, "deals": {0, 1}, "won": {0}}.items():
        assert sorted(everybody(world, Who(what))) == sorted(people), what
    (_, a), (_, b) = report.variants
    assert (a.delivered + b.delivered, a.n("opened"), b.n("opened")) == (24, 5, 4)
    rate = all_.rate("opened")
    assert rate.enough
    assert rate.share == 9 / 24
    assert not a.rate("opened").enough  # twelve are too few to say a rate
    assert reports.numbers([world.campaign.pk])[world.campaign.pk].n("clicked") == 3


def test_counted_again_when_due_and_what_no_longer_holds_goes(world: World) -> None:
    assert counts.count_due() == 1
    assert counts.count_due() == 0  # a moment ago
    sql.run('UPDATE event SET payload = payload || \'{"machine": "trap"}\' WHERE contact_id = %s AND kind = %s', [world.people[8], int(Kind.EMAIL_CLICK)])
    clock.shift(timedelta(minutes=2))
    assert counts.count_due() == 1
    assert reports.of(world.campaign).all.n("opened") == 8
    CampaignCount.objects.filter(name=counts.COUNTED).update(n=60_000)  # it took a minute: not counted every minute any more
    clock.shift(timedelta(minutes=4))
    assert counts.count_due() == 0
    Campaign.objects.update(ended_at=clock.now() - timedelta(days=121))
    clock.shift(timedelta(days=1))
    assert counts.count_due() == 0


def test_a_list_of_those_who_opened(world: World, actor: Actor) -> None:
    fixed = behind.make_list(world.campaign, Who("opened"), "열람한 사람", kind="fixed", actor=actor)
    assert {*Membership.objects.filter(segment_id=fixed.pk).values_list("contact_id", flat=True)} == {*world.people[:9]}
    active = behind.make_list(world.campaign, Who("opened"), "열람하는 사람", kind="active", actor=actor)
    assert preview.count(active.filter) == 9  # not him who opened the same mail of a workflow, nor programs
    assert preview.count(behind.following(world.campaign, Who("clicked", link=world.other.pk))) == 1
    with pytest.raises(Invalid):
        behind.make_list(world.campaign, Who("bounced"), "반송", kind="active", actor=actor)
    with pytest.raises(NotFound):
        Who("nonsense")
    with pytest.raises(NotFound):
        behind.page(world.campaign, Who("opened"), after="x")
