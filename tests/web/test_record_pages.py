"""Record pages: properties, timeline, activities, links, files, score, consent; merged and archived records; a fixed number of queries."""

import json
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from baton.accounts import rights, users
from baton.accounts.models import Role, User
from baton.crm import activities, associations, contacts, files, merge, records, types
from baton.crm.models import AssociationLabel, Consent
from baton.crm.values import stamp
from baton.events import record, timeline
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.colleagues import reminders
from baton.messaging.consent import subscriptions
from baton.messaging.models import Notification
from baton.platform import changes, clock, live
from baton.platform.actor import SYSTEM, Actor
from baton.segments.models import Score, ScoreModel
from baton.web.feeds import RecordFeed
from baton.web.parts import timeline as words
from baton.web.parts.subject import Subject
from baton.web.templatetags import fmt

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
    since = words.newest(seo, rights.SYSTEM)
    assert words.newer(seo, since, rights.SYSTEM) == 0
    record.add([NewEvent(seo, Kind.CTA_CLICK, clock.now(), "another")], announce=False)
    assert words.newer(seo, since, rights.SYSTEM) == 1
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
    refused = web.post(f"/contacts/{seo}/consent/", {"channel": "email", "granted": "yes"})
    assert refused.status_code == 422
    assert "Say how you know" in refused.content.decode()
    said = {"channel": "email", "granted": "yes", "reason": "told on the phone", "basis": "transaction", "ended": "2026-11-01"}
    assert "agreed" in web.post(f"/contacts/{seo}/consent/", said).content.decode()
    row = Consent.objects.get(contact_id=seo, channel="email")
    assert (row.granted, row.actor, row.source, row.wording, row.basis) == (True, f"user:{oh.pk}", "page", "told on the phone", "transaction")
    assert row.expires_at is not None
    assert row.expires_at.month in (4, 5)
    kind = subscriptions.define({"en": "Newsletter"}, SYSTEM)
    panel = web.post(f"/contacts/{seo}/consent/", {"channel": "email", "kind": str(kind.pk), "granted": "no"}).content.decode()
    assert "Newsletter" in panel
    ledger = web.get(f"/contacts/{seo}/consent/ledger/").content.decode()
    assert "told on the phone" in ledger
    assert ledger.count("<li") == 2
    assert web.post(f"/contacts/{seo}/consent/", {"channel": "pigeon", "granted": "yes", "reason": "x"}).status_code == 422


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


# Every object type ---------------------------------------------------------------


@pytest.fixture
def seller(account: object) -> Client:
    """A colleague of sales, in English."""
    han = users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(han)
    return web


@pytest.fixture
def viewer(account: object) -> Client:
    """A colleague who may only look."""
    ryu = users.create("ryu@nuriwork.example", "류태경", "a-long-enough-one", "viewer", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(ryu)
    return web


def made(object_type: str, **values: object) -> int:
    return records.create(object_type, values, actor=SYSTEM, source="test")


def link(one: str, one_id: int, other: str, other_id: int, label: str = "") -> None:
    associations.link(one, one_id, other, other_id, label=label, actor=SYSTEM)


def test_every_type_has_a_page(seller: Client, seo: int) -> None:
    types.define("contract", "Contract", "Contracts", actor=SYSTEM)
    shown = [("company", "/companies/"), ("deal", "/deals/"), ("ticket", "/tickets/"), ("quote", "/objects/quotes/"), ("contract", "/objects/contracts/")]
    for key, base in shown:
        name = types.get(key).primary_property
        id = made(key, **{name: f"One {key}"})
        link("contact", seo, key, id)
        page = seller.get(f"{base}{id}/")
        assert page.status_code == 200
        assert f"One {key}" in page.content.decode()
    assert "One contract" in body(seller, seo)
    note = activities.write("note", {"body": "a note has one too"}, [("contact", seo)], actor=SYSTEM)
    assert "a note has one too" in seller.get(f"/objects/notes/{note}/").content.decode()


def test_an_address_with_another_word_leads_to_the_one_address(seller: Client, seo: int) -> None:
    firm = made("company", name="가온로지스")
    assert seller.get(f"/objects/companies/{firm}/")["Location"] == f"/companies/{firm}/"
    assert seller.get(f"/objects/0-2/{firm}/").status_code == 404
    assert seller.get(f"/deals/{firm}/").status_code == 404
    assert seller.get(f"/objects/nothing/{firm}/").status_code == 404


def test_a_company_tells_the_story_of_its_people(seller: Client, seo: int) -> None:
    firm, deal, lost = made("company", name="가온로지스"), made("deal", dealname="근태", amount=100), made("deal", dealname="old", dealstage="closedlost")
    for other, id in (("contact", seo), ("deal", deal), ("deal", lost)):
        link("company", firm, other, id)
    record.add([NewEvent(seo, Kind.CTA_CLICK, clock.now(), "Request a demo")], announce=False)
    activities.write("note", {"body": "said to 서지우"}, [("contact", seo)], actor=SYSTEM)
    page = seller.get(f"/companies/{firm}/").content.decode()
    assert "Clicked ‘Request a demo’" in page
    assert "said to 서지우" in page
    facts = dict(re.findall(r"<div><dt>([^<]+)</dt><dd class=\"num\">([^<]+)</dd></div>", page))
    assert facts == {"Contacts": "1", "Open deals": "1", "Open amount": "₩100"}


def test_a_deal_tells_its_stages(seller: Client) -> None:
    deal = made("deal", dealname="근태", dealstage="appointmentscheduled")
    seller.post(f"/deals/{deal}/properties/dealstage/", {"value": "contractsent"})
    page = seller.get(f"/deals/{deal}/").content.decode()
    assert "Deal stage: Appointment scheduled → Contract sent" in page
    assert 'aria-current="step"><span>Contract sent' in page


def test_a_quote_adds_its_line_items_up(seller: Client) -> None:
    quote = made("quote", title="견적 1차")
    for name, quantity, price in (("근태", 10, 3000), ("결재", 2, 500)):
        link("quote", quote, "line_item", made("line_item", name=name, quantity=quantity, price=price, discount=0, discount_percentage=0))
    page = seller.get(f"/objects/quotes/{quote}/").content.decode()
    assert "₩30,000" in page
    assert "₩31,000" in page
    (address,) = re.findall(r'href="(/quotes/[^"]+)"', page)
    shown = Client().get(address)
    assert "₩31,000" in shown.content.decode()
    assert shown["X-Robots-Tag"] == "noindex"
    forged = address.replace(address[-9:-5], address[-9:-5].swapcase() + "0")  # the last letter alone may say the same in other bits
    assert Client().get(forged).status_code == 404
    records.archive("quote", quote, actor=SYSTEM)
    assert Client().get(address).status_code == 404


def test_archived_records_are_shown_as_such_and_come_back(seller: Client, seo: int) -> None:
    assert seller.post(f"/contacts/{seo}/archive/")["HX-Redirect"] == f"/contacts/{seo}/"
    page = body(seller, seo)
    assert f'hx-post="/contacts/{seo}/restore/"' in page
    assert 'id="composer"' not in page
    assert seller.post(f"/contacts/{seo}/activities/note/", {"body": "x"}).status_code == 404
    seller.post(f"/contacts/{seo}/restore/")
    assert 'id="composer"' in body(seller, seo)


def test_what_is_asked_does_not_grow(seller: Client, seo: int, held: None) -> None:
    firm = made("company", name="가온로지스")
    link("contact", seo, "company", firm)
    urls = [f"/contacts/{seo}/", f"/companies/{firm}/"]

    def fill(times: int) -> None:
        for n in range(times):
            activities.write("note", {"body": f"note {n}"}, [("contact", seo)], actor=SYSTEM)
            activities.write("task", {"subject": f"task {n}"}, [("contact", seo)], actor=SYSTEM)
            deal, other = made("deal", dealname=f"deal {n}"), made("contact", lastname=f"other {n}", email=f"o{n}-{times}@gaon.example")
            link("contact", seo, "deal", deal)
            link("company", firm, "contact", other)
            files.add(seo, "a.txt", b"text", actor=SYSTEM)
            record.add([NewEvent(seo, Kind.PAGE_VIEW, clock.now(), f"nuriwork.example/{times}/{n}")], announce=False)

    def asked() -> list[int]:
        numbers = []
        for url in urls:
            seller.get(url)  # what is kept for a second is read here
            with CaptureQueriesContext(connection) as queries:
                seller.get(url)
            kept = ('FROM "property_definition"', 'FROM "object_type"')  # read again after a second, whatever is shown
            numbers.append(sum(not any(mark in query["sql"] for mark in kept) for query in queries.captured_queries))
        return numbers

    fill(1)
    few = asked()
    fill(7)
    assert asked() == few


# Activities ------------------------------------------------------------------------


def test_mentions_tell_colleagues_once(seller: Client, seo: int, oh: User) -> None:
    seller.post(f"/contacts/{seo}/activities/note/", {"body": "@오세린 please send the brochure"})
    (notice,) = Notification.objects.filter(user_id=oh.pk)
    assert (notice.url, notice.contact_id) == (f"/contacts/{seo}/", seo)
    assert "please send the brochure" in notice.body
    (note,) = activities.page([seo], ["note"], None, 5)
    seller.post(f"/contacts/{seo}/activities/note/{note.id}/", {"body": "@오세린 please send the brochure today"})
    assert Notification.objects.filter(user_id=oh.pk).count() == 1


def test_a_call_has_length_and_outcome(seller: Client, seo: int) -> None:
    url = f"/contacts/{seo}/activities/call/"
    page = seller.post(url, {"body": "about the price", "outcome": "connected", "minutes": "8", "at": "2026-11-20T14:00"}).content.decode()
    assert "Call · 8 min" in page
    (call,) = activities.page([seo], ["call"], None, 5)
    assert call.properties["duration"] == 480_000
    assert seller.post(url, {"body": "x", "minutes": "an hour"}).status_code == 422
    assert seller.post(url, {"body": "x", "outcome": "rang"}).status_code == 422


def test_a_meeting_lasts(seller: Client, seo: int) -> None:
    deal = made("deal", dealname="근태")
    link("contact", seo, "deal", deal)
    form = {"title": "Demo", "kind": "visit", "outcome": "COMPLETED", "at": "2026-11-20T14:00", "minutes": "90", "also": f"contact:{seo}"}
    assert seller.post(f"/deals/{deal}/activities/meeting/", form).status_code == 200
    (meeting,) = activities.page([deal], ["meeting"], None, 5)
    assert (meeting.properties["starts_at"], meeting.properties["ends_at"]) == ("2026-11-20T05:00:00.000Z", "2026-11-20T06:30:00.000Z")
    assert "Visit · Demo" in body(seller, seo)
    changed = seller.get(f"/deals/{deal}/activities/meeting/{meeting.id}/?edit=1").content.decode()
    assert 'value="2026-11-20T14:00"' in changed
    assert 'value="90"' in changed


def test_a_task_is_ticked_off_and_taken_back(seller: Client, seo: int) -> None:
    seller.post(f"/contacts/{seo}/activities/task/", {"subject": "Send offer", "at": "2026-11-30T09:00"})
    (task,) = activities.open_tasks(seo)
    answer = seller.post(f"/contacts/{seo}/activities/task/{task.id}/done/")
    assert activities.open_tasks(seo) == []
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    seller.post(undo["url"], undo["values"])
    assert len(activities.open_tasks(seo)) == 1


def test_a_deleted_activity_comes_back(seller: Client, seo: int) -> None:
    note = activities.write("note", {"body": "gone"}, [("contact", seo)], actor=SYSTEM)
    answer = seller.post(f"/contacts/{seo}/activities/note/{note}/delete/")
    assert activities.page([seo], ["note"], None, 5) == []
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    seller.post(undo["url"], undo["values"])
    assert len(activities.page([seo], ["note"], None, 5)) == 1


def test_an_activity_is_reached_through_its_record_only(seller: Client, seo: int) -> None:
    other = made("contact", lastname="다른")
    note = activities.write("note", {"body": "private"}, [("contact", seo)], actor=SYSTEM)
    assert seller.get(f"/contacts/{other}/activities/note/{note}/").status_code == 404
    assert seller.post(f"/contacts/{other}/activities/note/{note}/delete/").status_code == 404


def test_what_programs_write_cannot_run(seller: Client, seo: int) -> None:
    activities.write("note", {"body": '<img src=x onerror="alert(1)"><script>alert(2)</script><p>hello</p>'}, [("contact", seo)], actor=SYSTEM)
    page = body(seller, seo)
    assert "hello" in page
    assert "onerror" not in page
    assert "alert(2)" not in page


# Files -------------------------------------------------------------------------------


def test_files_are_downloads_and_nothing_else(seller: Client, seo: int) -> None:
    sent = SimpleUploadedFile('견적 "1".html', b"<script>alert(1)</script>", content_type="text/html")
    assert seller.post(f"/contacts/{seo}/files/", {"file": sent}).status_code == 200
    (kept,) = files.of([seo])
    answer = seller.get(f"/contacts/{seo}/files/{seo}/{kept.id}/")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Disposition"].startswith("attachment; filename=\"__ _1_.html\"; filename*=UTF-8''%EA%B2%AC")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    other = made("contact", lastname="다른")
    assert seller.get(f"/contacts/{other}/files/{seo}/{kept.id}/").status_code == 404
    assert seller.post(f"/contacts/{seo}/files/{kept.id}/delete/").status_code == 200
    assert files.of([seo]) == []
    assert seller.post(f"/contacts/{seo}/files/").status_code == 422


def test_a_note_brings_files(seller: Client, seo: int) -> None:
    sent = SimpleUploadedFile("offer.pdf", b"%PDF-1.7")
    page = seller.post(f"/contacts/{seo}/activities/note/", {"body": "see the offer", "file": sent}).content.decode()
    assert "offer.pdf" in page
    (note,) = activities.page([seo], ["note"], None, 5)
    (kept,) = files.of([note.id])
    assert note.properties["files"] == str(kept.id)
    assert seller.get(f"/contacts/{seo}/files/{note.id}/{kept.id}/").content == b"%PDF-1.7"


# Links -------------------------------------------------------------------------------


def test_records_are_found_linked_labelled_and_unlinked(seller: Client, seo: int) -> None:
    AssociationLabel.objects.create(type_id=901, name="decider", from_type="contact", to_type="company", label="Decides")
    AssociationLabel.objects.create(type_id=902, name="decider", from_type="company", to_type="contact", label="Decided by")
    firm, other = made("company", name="가온로지스"), made("company", name="다온정밀")
    base = f"/contacts/{seo}/links/company/"
    assert "다온정밀" in seller.get(base, {"q": "다온"}).content.decode()
    for id in (firm, other):
        assert seller.post(f"{base}{id}/add/").status_code == 200
    assert associations.of(seo, "company") == [firm, other]
    assert "다온정밀" not in seller.get(base, {"q": "다온"}).content.decode()
    seller.post(f"{base}{other}/primary/")
    assert associations.of(seo, "company")[0] == other
    assert "Decides" in seller.post(f"{base}{firm}/label/", {"label": "decider"}).content.decode()
    assert "Decided by" in seller.get(f"/companies/{firm}/").content.decode()
    assert seller.post(f"{base}{firm}/label/", {"label": "enemy"}).status_code == 422
    answer = seller.post(f"{base}{firm}/remove/")
    assert associations.of(seo, "company") == [other]
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    seller.post(undo["url"], undo["values"])
    assert dict(associations.linked([seo], "company")[seo])[firm] == ["decider"]


def test_a_new_deal_is_linked_to_the_person_and_the_company(seller: Client, seo: int) -> None:
    firm = made("company", name="가온로지스")
    link("contact", seo, "company", firm)
    url = f"/contacts/{seo}/links/deal/new/"
    assert seller.post(url, {"dealname": " "}).status_code == 422
    answer = seller.post(url, {"dealname": "근태", "amount": "1000"})
    assert answer["HX-Retarget"] == "#links-deal"
    (deal,) = associations.of(seo, "deal")
    assert associations.of(deal, "company") == [firm]


def test_activities_are_no_links(seller: Client, seo: int) -> None:
    assert seller.get(f"/contacts/{seo}/links/note/").status_code == 404


# Rights --------------------------------------------------------------------------------


def test_who_may_only_look_changes_nothing(viewer: Client, seo: int) -> None:
    firm, note = made("company", name="가온로지스"), activities.write("note", {"body": "x"}, [("contact", seo)], actor=SYSTEM)
    page = body(viewer, seo)
    assert 'id="composer"' not in page
    for url in (
        "archive/", "files/", "activities/note/", f"activities/note/{note}/delete/", f"activities/note/{note}/pin/", f"links/company/{firm}/add/",
        "links/deal/new/", "consent/", "properties/jobtitle/",
    ):  # fmt: skip
        assert viewer.post(f"/contacts/{seo}/{url}", {"body": "x", "value": "x", "channel": "email", "granted": "yes"}).status_code == 403, url
    assert viewer.get(f"/contacts/{seo}/activities/note/{note}/?edit=1").status_code == 403


def test_one_sees_the_own_records_only_when_the_role_says_so(account: object, seo: int) -> None:
    Role.objects.create(key="agent", name="Agent", rights={"*": {"view": "own", "create": "all", "edit": "own"}}, areas={})
    kim = users.create("kim@nuriwork.example", "김", "a-long-enough-one", "agent", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(kim)
    assert web.get(f"/contacts/{seo}/").status_code == 403
    records.update("contact", seo, {"owner_id": kim.pk}, actor=SYSTEM, source="test")
    mine, other = made("deal", dealname="mine", owner_id=kim.pk), made("deal", dealname="somebody else's")
    for deal in (mine, other):
        link("contact", seo, "deal", deal)
    page = body(web, seo)
    assert "mine" in page
    assert "somebody else" not in page
    assert web.post(f"/contacts/{seo}/links/deal/{other}/remove/").status_code == 403


# From one record to the next -------------------------------------------------------------


def test_next_and_previous_follow_the_table_one_came_from(seller: Client) -> None:
    ids = [made("contact", lastname=name, email=f"{n}@order.example") for n, name in enumerate("가나다라")]
    page = body(seller, ids[1], "", referer="http://testserver/contacts/?sort=name")
    assert f'href="/contacts/{ids[0]}/?in=sort%3Dname" rel="prev"' in page
    assert f'href="/contacts/{ids[2]}/?in=sort%3Dname" rel="next"' in page
    assert "No. 2" in page
    assert 'rel="next"' not in body(seller, ids[3], "?in=sort%3Dname")
    assert 'rel="prev"' not in body(seller, ids[1])
    assert 'rel="prev"' not in body(seller, ids[1], "?in=f%3Dnothing%3A1")


# Before you call ------------------------------------------------------------------------


def test_what_to_know_before_a_call(seller: Client, seo: int) -> None:
    assert "Nothing is known of this person" in body(seller, seo)
    now = clock.now()
    record.add(
        [
            NewEvent(seo, Kind.PAGE_VIEW, now - timedelta(days=2), "nuriwork.example/pricing", "Pricing", id=100),
            NewEvent(seo, Kind.PAGE_DWELL, now - timedelta(days=2), "nuriwork.example/pricing", "Pricing", value=134, id=101),
            NewEvent(seo, Kind.DOWNLOAD, now - timedelta(days=1), "https://nuriwork.example/files/brochure.pdf"),
        ],
        announce=False,
    )
    activities.write("call", {"body": "…", "at": stamp(now - timedelta(hours=3))}, [("contact", seo)], actor=SYSTEM)
    deal = made("deal", dealname="근태", amount=5000)
    link("deal", deal, "contact", seo)
    card = re.findall(r'<details class="card brief".*?</details>', body(seller, seo), re.S)[0]
    with translation.override("en"):
        called = fmt.ago(now - timedelta(hours=3))  # shortly after midnight that was yesterday
    for text in ("Pricing", "1× · 2 min 14 s", "brochure.pdf", "No points yet", called, "1 open deal", "₩5,000"):
        assert text in card
    assert "Nobody has been in touch" not in card
    deals = seller.get(f"/deals/{deal}/").content.decode()
    assert "brochure.pdf" in deals


def test_a_task_that_falls_due_reminds_its_owner(seo: int, oh: User) -> None:
    activities.write("task", {"subject": "Call 서지우", "at": stamp(clock.now() + timedelta(minutes=5)), "owner_id": oh.pk}, [("contact", seo)], actor=SYSTEM)
    assert reminders.remind() == 0
    clock.shift(timedelta(minutes=6))
    assert reminders.remind() == 1
    assert reminders.remind() == 0
    (notice,) = Notification.objects.filter(user_id=oh.pk)
    assert "Call 서지우" in notice.title
    assert notice.contact_id == seo


def test_a_merge_is_told_and_undone_on_the_record(seller: Client, seo: int) -> None:
    other = records.create("contact", {"email": "seo@gaon.example", "jobtitle": "과장"}, actor=SYSTEM, source="import")
    records.update("contact", other, {"jobtitle": "차장"}, actor=SYSTEM, source="page")
    made = merge.merge("contact", seo, other, actor=SYSTEM)
    page = body(seller, seo)
    assert "merged into this record" in page
    assert f"/merges/{made}/undo/" in page
    assert "과장" in seller.get(f"/contacts/{seo}/properties/jobtitle/history/").content.decode()
    assert seller.post(f"/merges/{made}/undo/").status_code == 204
    page = body(seller, seo)
    assert "undone" in page
    assert f"/merges/{made}/undo/" not in page


def test_news_of_an_open_deal(web: Client, oh: User) -> None:
    deal = records.create("deal", {"dealname": "근태", "dealstage": "appointmentscheduled"}, actor=SYSTEM, source="test")
    page = web.get(f"/deals/{deal}/").content.decode()
    assert f"topics=user:{oh.pk},record:{deal}" in page
    news = re.search(r'hx-get="(/deals/[^"]*news/[^"]*)"', page)
    assert news is not None
    address = news[1].replace("&amp;", "&")
    quiet = web.get(address).content.decode()
    assert "changed values" not in quiet
    assert "new activit" not in quiet
    han = users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM)
    records.update("deal", deal, {"dealstage": "contractsent", "amount": 5}, actor=Actor("user", oh.pk), source="page")
    assert "changed values" not in web.get(address).content.decode()
    records.update("deal", deal, {"amount": 7}, actor=Actor("user", han.pk), source="page")
    activities.write("note", {"body": "budget"}, [("deal", deal)], actor=Actor("user", han.pk))
    loud = web.get(address).content.decode()
    assert "changed values" in loud
    assert "Show 1 new activity" in loud
    assert 'hx-target="#stage"' in loud


def test_only_those_hear_of_a_record_who_may_view_it(oh: User) -> None:
    deal = records.create("deal", {"dealname": "근태"}, actor=SYSTEM, source="test")
    Role.objects.create(key="desk", name="Desk", rights={"*": {"view": "none"}}, areas={})
    stranger = users.create("desk@nuriwork.example", "안내", "a-long-enough-one", "desk", actor=SYSTEM)
    assert RecordFeed.allowed(oh, str(deal))
    assert not RecordFeed.allowed(stranger, str(deal))
    assert not RecordFeed.allowed(oh, "999999")


def test_pages_of_a_record_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(live, "changed", lambda kind, ids: told.append((kind, list(ids))))
    deal = records.create("deal", {"dealname": "근태"}, actor=SYSTEM, source="test")
    told.clear()
    records.update("deal", deal, {"amount": 7}, actor=SYSTEM, source="api")
    assert ("record", [deal]) in told
    told.clear()
    activities.write("note", {"body": "budget"}, [("deal", deal)], actor=SYSTEM)
    assert ("record", [deal]) in told
