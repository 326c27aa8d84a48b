"""Programs and people on the pages: why Baton thinks so, a colleague's word, and the numbers of a mail side by side."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from baton.crm import records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.models import History

pytestmark = pytest.mark.django_db


def hits(email: Email) -> int:
    """A contact with a click by a program and one by a person."""
    contact = records.create("contact", {"email": "minjun@hankyul.example"}, actor=SYSTEM, source="api")
    at = clock.now() - timedelta(minutes=9)
    ua = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
    program = {"message": 1, "url": "https://a.example/", "human": 0.01, "why": ["trap", "gesture"], "machine": "trap", "ua": ua, "net": "203.0.113.0"}
    person = {"message": 1, "url": "https://a.example/", "human": 0.95, "ua": ua}
    record.add([NewEvent(contact, Kind.EMAIL_CLICK, at + timedelta(seconds=n), str(email.pk), payload=said) for n, said in enumerate((program, person))])
    return contact


def test_the_timeline_says_why_and_takes_a_colleagues_word(web: Client) -> None:
    contact = hits(Email.objects.create(name="소식", subject="소식", body="<p></p>"))
    page = web.get(f"/contacts/{contact}/").content.decode()
    assert "probably a program: followed a link that no person can see" in page
    assert "probably a person (95 %)" in page
    assert "Chrome · Windows · network 203.0.113.0" in page
    assert page.count("This was a person") == page.count("This was a program") == 1
    [address] = re.findall(rf'hx-post="(/contacts/{contact}/hits/[\d-]+/)"[^>]*>\s*<button[^>]*value="person"', page)
    said = web.post(address, {"verdict": "person"}).content.decode()
    assert "said to be a person" in said
    assert "said by 오세린" in said
    assert "Let Baton judge" in said
    back = web.post(address, {"verdict": ""}).content.decode()
    assert "probably a program: followed a link that no person can see" in back
    assert History.objects.filter(subject_type="hit").count() == 2
    assert web.post(address, {"verdict": "ghost"}).status_code == 422
    assert web.post(f"/contacts/{contact}/hits/17000000000000000-5/", {"verdict": "person"}).status_code == 404


def test_a_mails_numbers_stand_side_by_side(web: Client) -> None:
    email = Email.objects.create(name="소식", subject="소식", body="<p></p>")
    hits(email)
    page = web.get(f"/emails/{email.pk}/").content.decode()
    assert re.search(r"Clicked</dt><dd class=\"num\">1 <small class=\"muted\">\+ 1 by programs</small>", page)
