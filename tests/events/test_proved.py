"""Who proves himself at a browser that was taken for somebody else's, who is named by the site, and who is forgotten."""

from datetime import timedelta

import pytest

from baton.crm import contacts, records
from baton.events import expiry, identity, record, timeline
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from tests.events.test_identity import A, B, known, visitor

pytestmark = pytest.mark.django_db


def pages(id: int) -> list[str]:
    return [e.key_value for e in timeline.page(id) if e.kind is Kind.PAGE_VIEW]


def comes_by(cookie: str, page: str) -> None:
    """A view as the collector writes it: with the id the cookie had first, once that was taken for somebody."""
    now, first = identity.visitor(cookie), identity.origin(cookie)
    assert now is not None
    record.add([NewEvent(now, Kind.PAGE_VIEW, clock.now(), page, payload={"url": f"https://{page}"} | ({"via": first} if first else {}))])


def test_a_forwarded_mail_takes_nobody_for_the_reader_it_was_sent_to_for_ever() -> None:
    reader, colleague = known("minjun@hankyul.example"), known("seoyeon@hankyul.example")
    old = visitor(A, "a.example/before")
    identity.join(old, reader, by="email_click", sure=False)
    comes_by(A, "a.example/pricing")
    assert sorted(pages(reader)) == ["a.example/before", "a.example/pricing"]
    now = identity.proved(A, colleague)  # the colleague to whom the mail was passed on sends a form
    assert now == old
    assert not identity.is_known(old)
    identity.join(old, colleague, by="form")
    assert pages(reader) == []
    assert [e.kind for e in timeline.page(reader)] == []
    assert sorted(pages(colleague)) == ["a.example/before", "a.example/pricing"]
    assert identity.visitor(A) == colleague


def test_the_reader_who_sends_a_form_himself_keeps_his_browser() -> None:
    reader = known("minjun@hankyul.example")
    identity.join(visitor(A, "a.example/"), reader, by="email_click", sure=False)
    assert identity.browsers(reader) == 1
    assert identity.proved(A, reader) == reader
    assert identity.browsers(reader) == 1
    assert identity.proved(A, known("seoyeon@hankyul.example")) == reader, "both proved themselves: they stay two"
    assert pages(reader) == ["a.example/"]
    assert identity.origin(A) is None
    other = identity.fresh(records.create("contact", {"email": "jiho@hankyul.example"}, actor=SYSTEM, source="form"))
    assert identity.visitor(other) not in (None, reader)


def test_what_a_guess_gave_is_taken_back_from_the_score_too() -> None:
    reader = known("minjun@hankyul.example")
    old = visitor(A, "a.example/pricing")
    identity.join(old, reader, by="email_click", sure=False)
    changes.tick()
    identity.proved(A, None)
    told = sql.rows("SELECT contact_id, kind FROM change ORDER BY id")
    assert (reader, "event") in told, "scores and lists of the reader are looked at again"
    assert sql.rows("SELECT first_page FROM visitor WHERE contact_id = %s", [old])


def said(id: int, email: str, **more: object) -> None:
    record.add([NewEvent(id, Kind.SAID_WHO, clock.now(), payload={"email": email, "properties": more})])
    changes.tick()


def test_the_site_names_a_visitor() -> None:
    old = visitor(A, "a.example/")
    said(old, "minjun@hankyul.example", firstname="민준", lifecyclestage="customer", nonsense="x")
    contact = records.get("contact", old)
    assert contact.properties["email"] == "minjun@hankyul.example"
    assert contact.properties["firstname"] == "민준"
    assert contact.properties["lifecyclestage"] != "customer"


def test_the_site_fills_what_is_empty_and_overwrites_nothing() -> None:
    owner = records.create("contact", {"email": "minjun@hankyul.example", "firstname": "민준"}, actor=SYSTEM, source="api")
    old = visitor(A, "a.example/")
    said(old, "Minjun@hankyul.example", firstname="다른", jobtitle="과장")
    held = records.get("contact", owner).properties
    assert (held["firstname"], held["jobtitle"], identity.visitor(A)) == ("민준", "과장", owner)
    said(owner, "seoyeon@hankyul.example", firstname="서연")
    assert records.get("contact", owner).properties["email"] == "minjun@hankyul.example"
    assert contacts.match("seoyeon@hankyul.example", {}) is None
    said(owner, "not an address")
    said(owner, "a@b")
    said(visitor(B, "a.example/"), "@", firstname="x")
    assert sql.rows("SELECT count(*) FROM change") == [(0,)], "nonsense is passed over: nobody waits behind it"


def test_visitors_expire_and_contacts_do_not() -> None:
    old, new = visitor(A, "a.example/", days=420), visitor(B, "a.example/", days=300)
    contact = known()
    identity.first_seen(contact, clock.now() - timedelta(days=900))
    assert expiry.forget() == 1
    assert sql.rows("SELECT contact_id FROM visitor ORDER BY 1") == sorted([(new,), (contact,)])
    assert not sql.rows("SELECT 1 FROM event WHERE contact_id = %s", [old])
    assert identity.visitor(A) is None
    assert identity.visitor(B) == new
