"""The pages of campaigns: the form with its faults, the send check with its people, the report with the people behind each number, lists and files of them."""

import csv
import io
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from baton.accounts import roles, users
from baton.accounts.models import Account, User
from baton.crm import associations, consent, records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.messaging.campaigns import check, report_counts, verbs
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, Email, EmailLink, SendingDomain, Variant
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import verbs as lists
from baton.segments.models import Membership, Segment
from baton.web import feeds
from baton.web.feeds import CampaignFeed

pytestmark = pytest.mark.django_db
BODY = '<p>{{ contact.firstname|default("고객") }} 님</p><p><a href="https://shop.example/pricing">요금 보기</a></p>'


@pytest.fixture
def mail(account: Account) -> Email:
    return emails.create("겨울 소식", SYSTEM, subject="겨울 소식", body=BODY)


@pytest.fixture
def people(account: Account) -> list[int]:
    """Thirty, of whom the last six never agreed; all in a list."""
    made = [records.create("contact", {"email": f"a{n}@gaon.example", "lastname": f"김{n}"}, actor=SYSTEM, source="test") for n in range(30)]
    consent.set(made[:24], "email", True, actor=SYSTEM, source="test")
    lists.add(lists.create_segment("겨울 고객", {}, "fixed", SYSTEM).pk, made, SYSTEM)
    return made


def form(mail: Email, **more: Any) -> dict[str, Any]:
    listed = Segment.objects.get(name="겨울 고객").pk
    return {"name": "겨울", "email": mail.pk, "lists": [listed], "when": "now", "hours": "any", "pace": "full", "goal_form": "", **more}


def work(pk: int, _asked: Any = None) -> None:
    """What a worker does with a count that was asked for."""
    queued = sql.rows("DELETE FROM procrastinate_jobs WHERE task_name = 'baton.messaging.campaigns.check.count' RETURNING args ->> 'campaign_id'")
    assert [(str(pk),)] == queued
    check.count(campaign_id=pk)


def test_written_checked_and_sent(web: Client, mail: Email, people: list[int], oh: User) -> None:
    assert web.post("/campaigns/new/").headers["HX-Redirect"].startswith("/campaigns/")
    pk = Campaign.objects.get().pk
    assert "Choose a mail and at least one list" in web.get(f"/campaigns/{pk}/count/").content.decode()
    assert "Give the campaign a name." in web.post(f"/campaigns/{pk}/change/", form(mail, name=" ")).content.decode()
    wrong = web.post(f"/campaigns/{pk}/change/", form(mail, when="at", day="soon", pace="hourly", per_hour="many"))
    assert wrong.status_code == 422
    assert "Expected a day and a time" in (said := wrong.content.decode())
    assert "A whole number" in said
    assert Campaign.objects.get().email_id is None
    test = {"testing": "on", "v_email": [mail.pk, mail.pk], "v_subject": ["", "다른 제목"], "v_from": ["", ""], "share": "100", "test_hours": "4"}
    plan = {"hours": "window", "days": ["mon", "tue"], "from": "09:00", "to": "17:00", "pace": "warm_up", "first": "50", "growth": "1.5"}
    assert web.post(f"/campaigns/{pk}/change/", form(mail, **test, **plan)).status_code == 200
    campaign = Campaign.objects.get()
    assert campaign.plan == {"days": ["mon", "tue"], "from": "09:00", "to": "17:00", "warm_up": {"first": 50, "growth": 1.5}}
    assert [v.subject for v in Variant.objects.filter(campaign=campaign).order_by("key")] == ["", "다른 제목"]
    assert campaign.test["hours"] == 4
    assert web.post(f"/campaigns/{pk}/change/", form(mail)).status_code == 200
    assert (Campaign.objects.get().test, Campaign.objects.get().plan) == ({}, {})

    assert "Being counted" in web.get(f"/campaigns/{pk}/count/").content.decode()
    work(pk)
    shown = web.get(f"/campaigns/{pk}/count/").content.decode()
    assert "24" in shown
    assert "of 30 would get it now" in shown
    page = web.get(f"/campaigns/{pk}/check/").content.decode()
    assert "The subject begins with (광고)." in page
    assert "No sending domain was set up" in page
    found = {"key": "spf", "state": "bad", "why": "spf_none", "found": [], "wanted": [], "about": {"host": "nuriwork.example"}}
    SendingDomain.objects.create(name="nuriwork.example", checks={"rows": [found]}, checked_at=clock.now())
    Email.objects.filter(pk=mail.pk).update(from_address="news@nuriwork.example", preheader='{{ contact.firstname|default("고객") }} 님께')
    signed = web.get(f"/campaigns/{pk}/check/").content.decode()
    assert "no DKIM key is active" in signed
    assert "nuriwork.example has no SPF record." in signed
    assert "contact.firstname" not in signed
    assert "Send to 24 people" in page
    kept = web.get(f"/campaigns/{pk}/check/people/?reason=no_consent").content.decode()
    assert kept.count('<li><a href="/contacts/') == 6
    assert web.get(f"/campaigns/{pk}/check/people/?reason=nothing").status_code == 404
    refused = web.post(f"/campaigns/{pk}/exempt/", {"rule": "no_consent", "reason": "", "basis": ""})
    assert refused.status_code == 422
    assert web.post(f"/campaigns/{pk}/exempt/", {"rule": "no_consent", "reason": "행사 참가 안내", "basis": "서면 동의서"}).status_code == 204
    work(pk, web.get(f"/campaigns/{pk}/count/"))
    assert "of 30 would get it now" in (again := web.get(f"/campaigns/{pk}/count/").content.decode())
    assert "행사 참가 안내" in again
    User.objects.filter(pk=oh.pk).update(role="admin")
    log = web.get("/settings/law/").content.decode()
    assert "행사 참가 안내" in log
    assert f"<td>{oh.name}<br>" in log  # who approved it, by name
    User.objects.filter(pk=oh.pk).update(role=oh.role)
    assert web.post(f"/campaigns/{pk}/exempt/", {"rule": "no_consent", "end": "1"}).status_code == 204

    work(pk, web.get(f"/campaigns/{pk}/check/"))
    assert web.post(f"/campaigns/{pk}/send/", {"do": "schedule"}).status_code == 422  # no time was chosen
    assert web.post(f"/campaigns/{pk}/send/", {"do": "now"}).headers["HX-Redirect"] == f"/campaigns/{pk}/"
    assert Campaign.objects.get().state == "preparing"
    assert web.post(f"/campaigns/{pk}/change/", form(mail)).status_code == 409
    for what, state in (("pause", "paused"), ("resume", "preparing"), ("cancel", "cancelled")):
        assert web.post(f"/campaigns/{pk}/steer/", {"do": what}).status_code == 204
        assert Campaign.objects.get().state == state
    assert web.post(f"/campaigns/{pk}/steer/", {"do": "dance"}).status_code == 422


def test_every_kind_of_goal_has_a_form(web: Client, mail: Email, people: list[int]) -> None:
    pk = verbs.create("겨울", SYSTEM, email_id=mail.pk).pk
    url, wanted = f"/campaigns/{pk}/change/", Form.objects.create(name="상담 신청")

    def goal(**given: Any) -> dict[str, Any]:
        response = web.post(url, form(mail, **given))
        assert response.status_code == 200, response.content.decode()
        return Campaign.objects.get().goal

    assert goal(goal_kind="form", goal_form=str(wanted.pk), goal_days="3") == {"filter": {"condition": "form_submitted", "form": wanted.pk}, "days": 3}
    page = goal(goal_kind="page", goal_address="/pricing", goal_match="starts")
    assert page["filter"] == {"condition": "page_viewed", "address": "/pricing", "match": "starts"}
    assert goal(goal_kind="file", goal_address="brochure")["filter"]["condition"] == "downloaded"
    assert goal(goal_kind="stage", goal_stage="mql")["filter"] == {"condition": "stage_moved", "into": ["mql"]}
    assert 'value="mql" selected' in web.get(f"/campaigns/{pk}/").content.decode()
    for made in ("meeting", "deal", "won"):
        assert goal(goal_kind=made) == {"made": made, "days": 7}
    # a filter of one's own: what is not finished is neither stored nor a fault, and other changes are kept
    begun = web.post(url, form(mail, goal_kind="filter", goal="{}", **{"goal!": "add|all|in_segment"}, name="봄"))
    assert (begun.status_code, Campaign.objects.get().name, Campaign.objects.get().goal["made"]) == (200, "봄", "won")
    assert "goal/all.0/segment" in begun.content.decode()
    typed = {"goal": '{"all": [{"condition": "property", "property": "city", "operator": "is"}]}', "goal/all.0/": "1", "goal/all.0/value": "서울"}
    stored = goal(goal_kind="filter", **typed)
    assert stored["filter"]["all"][0]["value"] == "서울"
    assert 'name="goal/all.0/value"' in web.get(f"/campaigns/{pk}/").content.decode()
    for wrong, said in (({"goal_kind": "dance"}, "This goal is not known."), ({"goal_kind": "form", "goal_form": "987654"}, "does not exist any more"),
                        ({"goal_kind": "deal", "goal_days": "1000"}, "A number of days up to 90")):  # fmt: skip
        refused = web.post(url, form(mail, **wrong))
        assert refused.status_code == 422
        assert said in refused.content.decode()
    assert Campaign.objects.get().goal == stored
    assert goal() == {}


def test_the_check_counts_behind_the_page_and_says_of_when_it_is(web: Client, oh: User, mail: Email, people: list[int]) -> None:
    campaign = verbs.create("겨울", SYSTEM, email_id=mail.pk, audience={"lists": [Segment.objects.get().pk]})
    url = f"/campaigns/{campaign.pk}"
    feed = CampaignFeed(oh, str(campaign.pk), None)
    first = web.get(f"{url}/check/").content.decode()
    assert "Being counted" in first
    assert 'data-dialog="confirm"' not in first
    assert web.get(f"{url}/check/people/?reason=").status_code == 404
    assert "still being counted" in web.post(f"{url}/send/", {"do": "now"}).content.decode()
    assert [piece.event for piece in feed.first()] == ["campaign-counted"]
    assert feed.news() == []
    work(campaign.pk)
    assert [piece.event for piece in feed.news()] == ["campaign-counted"]  # the page asks for its numbers
    shown = web.get(f"{url}/check/now/").content.decode()
    assert ">24</b>" in shown
    assert "just now" in shown
    assert "Being counted" not in shown
    basis = re.search(r'name="basis" value="(\w+)"', shown)[1]  # type: ignore[index]

    # an old answer is shown with its time and counted again; a button asks for it at once
    clock.shift(clock._shift + timedelta(minutes=3))
    later = web.get(f"{url}/check/").content.decode()
    assert "3 min ago" in later
    assert ">24</b>" in later
    assert "Being counted again" in later
    assert "Being counted again" in web.post(f"{url}/check/again/").content.decode()  # it is under way: nothing is asked twice
    consent.set(people[24:26], "email", True, actor=SYSTEM, source="test")
    work(campaign.pk)
    assert ">26</b>" in web.get(f"{url}/check/now/").content.decode()
    work(campaign.pk, web.post(f"{url}/check/again/"))

    # what was changed is not told from the old answer, and nothing is sent because of it
    verbs.change(campaign.pk, SYSTEM, audience={**campaign.audience, "except_contacts": people[:4]})
    assert [piece.event for piece in feed.news()] == ["campaign-counted"]
    assert "Being counted …" in (now := web.get(f"{url}/check/now/").content.decode())
    assert ">26</b>" not in now
    work(campaign.pk)
    stale = web.post(f"{url}/send/", {"do": "now", "basis": basis})
    assert (stale.status_code, "Something was changed" in stale.content.decode()) == (422, True)
    assert "Send to 22 people" in stale.content.decode()
    got = web.get(f"{url}/check/people/?reason=").content.decode()
    assert got.count('<li><a href="/contacts/') == 22
    assert web.post(f"{url}/send/", {"do": "now"}).status_code == 204
    assert [piece.event for piece in feed.news()] == ["campaign-counted"]
    assert web.get(f"{url}/check/now/").headers["HX-Redirect"] == f"{url}/"


def test_above_ten_thousand_the_number_is_typed(web: Client, mail: Email, people: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    from baton.web.pages import campaigns_check

    monkeypatch.setattr(campaigns_check, "TYPED", 20)
    campaign = verbs.create("겨울", SYSTEM, email_id=mail.pk, audience={"lists": [Segment.objects.get().pk]})
    work(campaign.pk, web.get(f"/campaigns/{campaign.pk}/check/"))
    assert "type the number: 24" in web.get(f"/campaigns/{campaign.pk}/check/").content.decode()
    assert web.post(f"/campaigns/{campaign.pk}/send/", {"do": "now", "typed": "23"}).status_code == 422
    assert Campaign.objects.get().state == "draft"
    assert web.post(f"/campaigns/{campaign.pk}/send/", {"do": "now", "typed": "24"}).status_code == 204


def sent(mail: Email, contacts: list[int]) -> Campaign:
    """A campaign that went out yesterday; the last six were left out, one mail came back; ten opened it, four clicked, one by a program only."""
    start = clock.now() - timedelta(days=1)
    campaign = Campaign.objects.create(
        name="겨울", email_id=mail.pk, state="done", people=len(contacts), started_at=start, ended_at=start + timedelta(hours=1), created_by="user:1"
    )
    Variant.objects.create(campaign=campaign, key="a", email_id=mail.pk, version=mail.version)
    link = EmailLink.objects.create(email=mail, url="https://shop.example/pricing")
    for n, contact in enumerate(contacts):
        state, reason = ("skipped", "no_consent") if n >= 24 else ("bounced", "user_unknown") if n == 23 else ("sent", "")
        sql.run(
            "INSERT INTO message (contact_id, id, cause, channel, email_id, version, campaign_id, variant, address, subject, sender, state, reason, attempts,"
            " created_at, sent_at) VALUES (%s, %s, %s, 'email', %s, 1, %s, 'a', %s, '', '', %s, %s, 1, %s, %s)",
            [contact, 500 + n, f"campaign:{campaign.pk}", mail.pk, campaign.pk, f"a{n}@gaon.example", state, reason, start, start if n < 24 else None],
        )
        sql.run("INSERT INTO campaign_tally VALUES (0, %s, %s, 'a', %s, %s, 1)", [900 + n, campaign.pk, state, reason])
    said = {"campaign": campaign.pk}
    opens: list[tuple[int, Kind, dict[str, str]]] = [(n, Kind.EMAIL_OPEN, {}) for n in range(10)] + [(n, Kind.EMAIL_CLICK, {"url": link.url}) for n in range(4)]
    opens += [(20, Kind.EMAIL_CLICK, {"url": link.url, "machine": "scanner"})]
    record.add(
        NewEvent(contacts[n], kind, start + timedelta(hours=2 + n), str(mail.pk), mail.name, payload={"message": 500 + n, **said, **more})
        for n, kind, more in opens
    )
    report_counts.count(campaign)
    return campaign


def test_the_report_and_who_is_behind_it(web: Client, mail: Email, people: list[int]) -> None:
    contacts = people
    campaign = sent(mail, contacts)
    at = f"/campaigns/{campaign.pk}/"
    page = web.get(at).content.decode()
    for words in ("95.8%", "43.5%", "There is no such mailbox.", "besides 1 by programs only", "https://shop.example/pricing", "gaon.example"):
        assert words in page, words
    assert web.get(f"{at}people/?what=opened").content.decode().count('<tr><td class="name">') == 10
    assert "There is no such mailbox." in web.get(f"{at}people/?what=bounced&reason=user_unknown").content.decode()
    assert web.get(f"{at}people/?what=lies").status_code == 404
    framed = web.get(f"{at}mail/")
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    assert "1 · 4" in framed.content.decode()
    assert "겨울" in (table := web.get("/campaigns/").content.decode())
    assert "43.5%" in table

    assert web.post(f"{at}people/list/", {"what": "opened", "name": " ", "kind": "fixed"}).status_code == 422
    made = web.post(f"{at}people/list/", {"what": "opened", "name": "읽은 사람", "kind": "active"}).headers["HX-Redirect"]
    found = Segment.objects.get(name="읽은 사람")
    assert made == f"/lists/{found.pk}/"
    web.post(f"{at}people/list/", {"what": "not_opened", "name": "안 읽은 사람", "kind": "fixed", "days": "30"})
    assert Membership.objects.filter(segment_id=Segment.objects.get(name="안 읽은 사람").pk).count() == 13

    file = web.get(f"{at}people/export/?what=skipped")
    rows = list(csv.reader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]  # it streams
    assert len(rows) == 7
    assert rows[1][4:6] == ["Left out", "The contact has not agreed to receive marketing e-mail."]

    again = web.post(f"{at}steer/", {"do": "again", "subject": "아직 안 보셨습니까"}).headers["HX-Redirect"]
    assert "Everybody who got “겨울”" in web.get(again).content.decode()
    work(int(again.split("/")[2]), web.get(f"{again}count/"))
    assert "of 13 would get it now" in web.get(f"{again}count/").content.decode()
    assert "겨울" in web.get(f"/contacts/{contacts[0]}/").content.decode()


def test_an_ab_test_is_followed_live_but_not_with_every_piece(web: Client, mail: Email, people: list[int], oh: User, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = sent(mail, people)
    Variant.objects.create(campaign=campaign, key="b", email_id=mail.pk, version=mail.version, subject="다른 제목")
    Campaign.objects.filter(pk=campaign.pk).update(test={"share": 50, "metric": "opened", "hours": 4}, state="testing")
    assert 'id="test"' in web.get(f"/campaigns/{campaign.pk}/").content.decode()
    feed = CampaignFeed(oh, str(campaign.pk), None)
    [piece] = feed.first()
    assert 'hx-target="#test"' in piece.html
    assert '"do": "choose"' in piece.html
    assert feed.news() == []

    def delivered_more() -> str:
        sql.run("UPDATE campaign_tally SET n = n + 1 WHERE id = 900")
        return "".join(piece.html for piece in feed.news())

    said = delivered_more()
    assert 'hx-target="#campaign-tiles"' in said
    assert 'hx-target="#test"' not in said  # later
    later = time.monotonic() + feeds.TEST_PAUSE + 60
    with monkeypatch.context() as patched:
        patched.setattr(feeds.time, "monotonic", lambda: later)
        assert 'hx-target="#test"' in delivered_more()
    Campaign.objects.filter(pk=campaign.pk).update(state="sending")
    said = delivered_more()
    assert 'hx-target="#test"' in said  # at once: it is decided
    assert '"do": "choose"' not in said


def test_who_may_not(mail: Email, people: list[int]) -> None:
    campaign = sent(mail, people)
    viewer = users.create("v@nuriwork.example", "류태경", "a-long-enough-one", "viewer", actor=SYSTEM)
    web = Client()
    web.force_login(viewer)
    at = f"/campaigns/{campaign.pk}/"
    assert web.get(at).status_code == 200
    assert b"steer/" not in web.get(at).content
    for address, given in ((f"{at}steer/", {"do": "again"}), ("/campaigns/new/", {}), (f"{at}do/", {"do": "copy"}), (f"{at}people/list/", {"what": "opened"})):
        assert web.post(address, given).status_code == 403, address
    assert web.get(f"{at}people/export/?what=opened").status_code == 403
    assert Campaign.objects.count() == 1


def test_of_whom_and_what_one_may_not_see_nothing_is_told(mail: Email, people: list[int]) -> None:
    campaign = sent(mail, people)
    deal = records.create("deal", {"dealname": "비밀 거래"}, actor=SYSTEM, source="test")
    associations.link("contact", people[0], "deal", deal, actor=SYSTEM)
    at, web = f"/campaigns/{campaign.pk}/people/", Client()
    for number, (rights, told) in enumerate(
        (
            ({"contact": {"view": "all"}, "deal": {"view": "all"}}, (True, True)),
            ({"contact": {"view": "all"}, "deal": {"view": "own"}}, (False, True)),
            ({"contact": {"view": "own"}, "deal": {"view": "all"}}, (False, False)),
        )
    ):
        role = roles.create(f"역할 {number}", copy_of="viewer", actor=SYSTEM)
        roles.change(role, actor=SYSTEM, name=f"역할 {number}", rights=rights, areas={"emails": "view"})
        web.force_login(users.create(f"r{number}@nuriwork.example", "류태경", "a-long-enough-one", role, actor=SYSTEM))
        deals, clicks = (web.get(f"{at}?what={what}").content.decode() for what in ("deals", "clicked"))
        assert '<tr><td class="name">' in deals
        assert ("비밀 거래" in deals, "shop.example" in clicks) == told
