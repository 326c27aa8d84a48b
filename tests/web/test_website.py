"""The web site's pages and what a record says of visits: numbers that open exactly the people they count."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.crm import contacts, records
from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.web.parts import campaign_link

pytestmark = pytest.mark.django_db
SITE = "https://www.acme.example"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(users.create("han@nuriwork.example", "Han", "a-long-password-1", "admin", actor=SYSTEM, language="en"))
    return client


def view(person: int, at: datetime, path: str, referrer: str = "") -> NewEvent:
    payload = {"url": SITE + path, "referrer": referrer}
    return NewEvent(person, Kind.PAGE_VIEW, at, f"www.acme.example{path.partition('?')[0]}", "Page " + path.partition("?")[0], payload=payload)


@pytest.fixture
def people() -> dict[str, int]:
    """Anna came by Naver, then by a mail, sent a form and was at a webinar; somebody looked around; Ben was imported."""
    anna, nobody = sql.next_ids("record_id_seq", 2)
    now = clock.now().astimezone(UTC).replace(hour=3, minute=0, second=0)
    day = now - timedelta(days=3)
    for number in (anna, nobody):
        identity.first_seen(number, day)
    record.add([view(anna, day, "/", "https://search.naver.com/search.naver?query=crm"), view(anna, day + timedelta(minutes=1), "/pricing", f"{SITE}/")])
    record.add([view(nobody, day, "/", "https://chatgpt.com/")])
    contacts.create_as(anna, {"email": "anna@hanbit.example", "lastname": "Anna"}, actor=Actor("form", 1), source="form", at=day + timedelta(minutes=3))
    record.add([NewEvent(anna, Kind.FORM_SUBMISSION, day + timedelta(minutes=3), "1", payload={"page": f"{SITE}/pricing"})])
    record.add([NewEvent(anna, Kind.ATTENDED, day + timedelta(hours=4), "Webinar", value=42)])
    record.add([view(anna, day + timedelta(days=1), "/hr?utm_source=newsletter&utm_medium=email&utm_campaign=oct")])
    records.update("contact", anna, {"lifecyclestage": "mql"}, actor=SYSTEM, source="page")
    ben = records.create("contact", {"email": "ben@hanbit.example"}, actor=SYSTEM, source="api")
    for _ in range(6):
        changes.tick()
    return {"anna": anna, "ben": ben}


def shown(page: Client, url: str) -> list[int]:
    """The contacts in the table at an address."""
    text = page.get(url).content.decode()
    return sorted({int(id) for id in re.findall(r'href="/contacts/(\d+)/', text)})


def numbers(text: str, row: str) -> list[tuple[str, str]]:
    """(link, number) of the cells of a table row that open people."""
    found = next(one for one in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if row in one)
    return [(unescape(url), n) for url, n in re.findall(r'<a class="link" href="([^"]+)"[^>]*>([\d,]+)</a>', found)]


def test_sources_count_visits_and_open_their_contacts(page: Client, people: dict[str, int]) -> None:
    text = page.get("/website/").content.decode()
    (made, mql) = numbers(text, "Organic search")
    assert (made[1], mql[1]) == ("1", "1")
    assert shown(page, made[0]) == shown(page, mql[0]) == [people["anna"]]
    assert shown(page, numbers(text, "Offline sources")[0][0]) == [people["ben"]]
    for name in ("AI assistants", "Email marketing"):
        assert name in text
    inside = page.get("/website/?source=organic_search&days=90").content.decode()
    assert shown(page, numbers(inside, "Naver")[0][0]) == [people["anna"]]
    assert page.get("/website/?source=moon&days=x").status_code == 200


def test_pages_tell_who_read_them(page: Client, people: dict[str, int]) -> None:
    text = page.get("/website/pages/").content.decode()
    row = next(one for one in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if ">www.acme.example<" in one or "www.acme.example/<" in one)
    assert re.findall(r'class="end num">(\d+)<', row) == ["2", "2"], "two views by two, one of whom is known"
    assert shown(page, numbers(text, "/pricing")[0][0]) == [people["anna"]]
    part = page.get("/website/pages/?q=pricing", headers={**HTMX, "HX-Target": "section#pages-table"}).content.decode()
    assert "<h1" not in part
    assert part.count("<tr>") == 2
    assert "/hr" not in part


def test_the_record_says_where_from_and_lists_visits(page: Client, people: dict[str, int]) -> None:
    text = page.get(f"/contacts/{people['anna']}/").content.decode()
    card = text[text.index('id="where-from"') :]
    card = card[: card.index("</section>")]
    for words in ("2 visits", "Organic search", "Naver · crm", "Email marketing", "oct", "2 pages", "Since the webinar"):
        assert words in card, words
    assert re.search(r"Since the webinar</dt><dd class=\"num\">1 visit<", card)
    sheet = page.get(f"/contacts/{people['anna']}/visits/", headers=HTMX).content.decode()
    assert sheet.count("<details") == 2
    assert [path for path in re.findall(r'<a href="https://www.acme.example([^"?]*)', sheet)] == ["/hr", "/pricing", "/"]
    assert page.get(f"/contacts/{people['anna']}/visits/?before=x,y", headers=HTMX).status_code == 404
    assert "where-from" in page.get(f"/contacts/{people['ben']}/").content.decode()


def link(**asked: Any) -> campaign_link.Made:
    return campaign_link.make({"url": "", **dict.fromkeys(campaign_link.FIELDS, ""), **asked})


def test_campaign_links_have_one_spelling(page: Client, people: dict[str, int]) -> None:
    made = link(url="www.acme.example/a?x=1&utm_source=old#top", utm_source="Naver", utm_medium="cpc", utm_campaign=" Brand  A ")
    assert made.url == "https://www.acme.example/a?x=1&utm_source=naver&utm_medium=cpc&utm_campaign=brand_a#top"
    assert len(made.doubts) == 2
    assert link(url="www.acme.example").doubts, "something is missing"
    for wrong in ("", "nowhere", "ftp://a.example/", "javascript:alert(1)", "https://[::1"):
        assert (link(url=wrong).url, bool(link(url=wrong).missing)) == ("", True)
    assert campaign_link.known()["utm_campaign"] == ["oct"]
    assert 'value="oct"' in page.get("/website/links/").content.decode()
    asked = {"url": "www.acme.example", "utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "nov"}
    assert "Email marketing (nov)" in page.get("/website/links/", asked, headers={**HTMX, "HX-Target": "div#made-link"}).content.decode()
    short = page.post("/website/links/short/", asked, headers=HTMX).content.decode()
    assert "/l/" in short
    assert sql.rows("SELECT url FROM short_link") == [("https://www.acme.example?utm_source=newsletter&utm_medium=email&utm_campaign=nov",)]
    assert page.post("/website/links/short/", {"url": "nowhere"}, headers=HTMX).status_code in (400, 422)
