"""Record pages: properties, timeline, activities, links, files, score, consent; merged and archived records; a fixed number of queries."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client

from baton.accounts import rights
from baton.accounts.models import User
from baton.crm import activities, associations, contacts, records, types
from baton.crm.models import Consent
from baton.crm.values import stamp
from baton.events import record, timeline
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM, Actor
from baton.segments.models import Score, ScoreModel
from baton.web.parts import timeline as words
from baton.web.parts.subject import Subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def seo(account: object) -> int:
    values = {"lastname": "서", "firstname": "지우", "email": "jiwoo@gaon.example", "lifecyclestage": "mql", "mobilephone": "010-4827-1935"}
    return records.create("contact", values, actor=SYSTEM, source="test")


def body(web: Client, contact: int, query: str = "", **headers: str) -> str:
    answer = web.get(f"/contacts/{contact}/{query}", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_record_shows_who_it_is(web: Client, seo: int) -> None:
    firm = records.create("company", {"name": "가온로지스", "industry": "logistics", "numberofemployees": 340}, actor=SYSTEM, source="test")
    deal = records.create("deal", {"dealname": "근태", "amount": 38400000, "closedate": "2026-12-18"}, actor=SYSTEM, source="test")
    associations.link("contact", seo, "company", firm, actor=SYSTEM)
    associations.link("contact", seo, "deal", deal, actor=SYSTEM)
    page = body(web, seo)
    for text in ("서지우", "jiwoo@gaon.example", "+82 10-4827-1935", "가온로지스", "₩38,400,000", "MQL"):
        assert text in page


def test_a_value_is_saved_checked_and_undone(web: Client, seo: int) -> None:
    url = f"/contacts/{seo}/properties/email/"
    answer = web.post(url, {"value": "not an address"})
    assert answer.status_code == 422
    assert 'id="fault-email"' in answer.content.decode()
    answer = web.post(url, {"value": "new@gaon.example"})
    assert contacts.by_email("new@gaon.example") == seo
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    web.post(undo["url"], undo["values"])
    assert contacts.by_email("jiwoo@gaon.example") == seo
    assert web.get(f"/contacts/{seo}/properties/nothing/").status_code == 404


def test_the_address_of_another_contact_is_refused(web: Client, seo: int) -> None:
    records.create("contact", {"email": "han@gaon.example"}, actor=SYSTEM, source="test")
    answer = web.post(f"/contacts/{seo}/properties/email/", {"value": "han@gaon.example"})
    assert answer.status_code == 422


def test_a_property_tells_its_history(web: Client, seo: int, oh: User) -> None:
    web.post(f"/contacts/{seo}/properties/lifecyclestage/", {"value": "sql"})
    page = web.get(f"/contacts/{seo}/properties/lifecyclestage/history/").content.decode()
    assert page.index("SQL") < page.index("MQL")
    assert "오세린" in page
    assert "Baton" in page


def test_the_timeline_tells_the_story(web: Client, seo: int) -> None:
    now = clock.now()
    view = now - timedelta(days=3)
    record.add(
        [
            NewEvent(seo, Kind.PAGE_VIEW, view, "nuriwork.example/pricing", "Pricing", payload={"url": "https://nuriwork.example/pricing"}, id=100),
            NewEvent(seo, Kind.PAGE_DWELL, view, "nuriwork.example/pricing", "Pricing", value=134, id=101),
            NewEvent(seo, Kind.FORM_SUBMISSION, now - timedelta(days=2), "1", "Demo request"),
            NewEvent(seo, Kind.IDENTIFIED, now - timedelta(days=2), value=1, payload={"by": "form", "views": 1}),
            NewEvent(seo, Kind.SCORE_CHANGED, now - timedelta(days=2) + timedelta(seconds=1), "1", value=50, payload={"total": 50}),
        ],
        announce=False,
    )
    page = body(web, seo)
    assert "Viewed ‘Pricing’" in page
    assert "2 min 14 s" in page
    assert "anonymous visit" in page
    assert "+50" in page
    assert "Stayed on" not in page
    only_forms = body(web, seo, "?kind=form", **{"HX-Request": "true", "HX-Target": "div#timeline"})
    assert "Demo request" in only_forms
    assert "Pricing" not in only_forms
    assert "<html" not in only_forms


def subject(me: User, id: int, key: str = "contact") -> Subject:
    return Subject(types.get(key), records.get(key, id, archived=None), me, rights.of(me))


def test_every_kind_of_event_has_words(oh: User, seo: int) -> None:
    now = clock.now()
    record.add([NewEvent(seo, kind, now - timedelta(hours=n), "1", "Something", value=5) for n, kind in enumerate(Kind)], announce=False)
    story = words.story(subject(oh, seo), "all", "", [])
    entries = [e for d in story.days for e in d.entries]
    assert len(entries) == len(Kind) + 1  # and that the contact was added
    assert all(e.title and e.icon for e in entries)
    assert {k for choice in words.OF_PEOPLE.values() for k in choice.events or ()} == set(Kind)


def test_the_timeline_continues_where_it_ended(oh: User, seo: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "PAGE", 2)
    now = clock.now()
    record.add([NewEvent(seo, Kind.CTA_CLICK, now - timedelta(minutes=2 * n), f"button {n}") for n in range(5)], announce=False)
    for n in range(3):
        activities.write("note", {"body": f"note {n}", "at": stamp(now - timedelta(minutes=2 * n + 1))}, [("contact", seo)], actor=Actor("user", oh.pk))
    seen, before = [], ""
    for _turn in range(9):
        story = words.story(subject(oh, seo), "all", before, [])
        seen += [str(e.logged.text) if e.logged else e.title for d in story.days for e in d.entries]
        before = story.before
        if not before:
            break
    told = [match[0] for text in seen if (match := re.search(r"(button|note) \d", text))]
    assert told == ["button 0", "note 0", "button 1", "note 1", "button 2", "note 2", "button 3", "button 4"]
    assert words.story(subject(oh, seo), "all", "nonsense", []).days


def test_news_of_an_open_record(web: Client, seo: int) -> None:
    record.add([NewEvent(seo, Kind.CTA_CLICK, clock.now() - timedelta(minutes=5), "a button")], announce=False)
    since = words.newest(seo)
    assert words.newer(seo, since) == 0
    record.add([NewEvent(seo, Kind.CTA_CLICK, clock.now(), "another")], announce=False)
    assert words.newer(seo, since) == 1
    assert "Show 1 new activity" in web.get(f"/contacts/{seo}/news/", {"since": since}).content.decode()


def test_a_note_is_written_down_and_counts(web: Client, seo: int, oh: User) -> None:
    answer = web.post(f"/contacts/{seo}/activities/note/", {"body": "<i>budget</i> next week"})
    assert "&lt;i&gt;budget&lt;/i&gt; next week" in answer.content.decode()
    assert "오세린" in answer.content.decode()
    while changes.tick():
        pass
    (event,) = timeline.page(seo, [Kind.NOTE])
    (note,) = activities.page([seo], ["note"], None, 5)
    assert event.payload == {"record": note.id, "actor": f"user:{oh.pk}"}
    refused = web.post(f"/contacts/{seo}/activities/note/", {"body": " "})
    assert refused.status_code == 422
    assert "Write something first." in refused.content.decode()


def test_consent_is_recorded_with_who_did_it(web: Client, seo: int, oh: User) -> None:
    assert "agreed" in web.post(f"/contacts/{seo}/consent/", {"channel": "email", "granted": "yes"}).content.decode()
    row = Consent.objects.get(contact_id=seo, channel="email")
    assert (row.granted, row.actor, row.source) == (True, f"user:{oh.pk}", "page")
    assert web.post(f"/contacts/{seo}/consent/", {"channel": "pigeon", "granted": "yes"}).status_code == 422


def test_the_score_card_adds_up(web: Client, seo: int) -> None:
    model = ScoreModel.objects.order_by("pk").first() or ScoreModel.objects.create(name="Leads")
    now = clock.now()
    Score.objects.create(contact_id=seo, model_id=model.pk, total=55, fit=20, engagement=35, changed_at=now)
    record.add(
        [
            NewEvent(seo, Kind.SCORE_CHANGED, now - timedelta(days=20), str(model.pk), value=20),
            NewEvent(seo, Kind.SCORE_CHANGED, now - timedelta(days=2), str(model.pk), value=35),
        ],
        announce=False,
    )
    page = body(web, seo)
    assert "0, 0, 0, 0, 0, 0, 0, 0, 20, 20, 20, 55" in page.replace("20, 20, 20, 20", "20, 20, 20") or "20, 55" in page
    assert "+35 in 7 days" in page


def test_a_merged_contact_leads_to_the_one_that_is_left(web: Client, seo: int) -> None:
    contacts.redirect(seo + 1000, seo)
    assert web.get(f"/contacts/{seo + 1000}/")["Location"] == f"/contacts/{seo}/"
    assert web.get(f"/contacts/{seo + 2000}/").status_code == 404
