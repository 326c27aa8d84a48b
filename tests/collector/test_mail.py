"""Opens and clicks of mails: who, which mail, a person or a machine, and where the link leads."""

import json
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from baton.collector.networks import Networks
from baton.crm import records
from baton.events.vocabulary import Kind
from baton.messaging.models import Email, EmailLink, Message
from baton.platform import clock, signing, sql
from baton.platform.actor import SYSTEM
from tests.collector.running import BROWSER, COOKIE, Running, events, view, wait_for

OWN = "https://www.nuriwork.example/case?utm_source=mail#top"
FOREIGN = "https://other.example/"


@pytest.fixture
def sent(collector: Running) -> dict[str, Any]:
    """A mail to a contact, sent a minute ago, with two links."""
    contact = records.create("contact", {"email": "minjun@hankyul.example"}, actor=SYSTEM, source="api")
    email = Email.objects.create(name="서비스 소개", subject="안녕하세요", body="<p></p>")
    now = clock.now()
    Message.objects.create(contact_id=contact, id=7, cause="test", email_id=email.pk, state="sent", created_at=now, sent_at=now - timedelta(minutes=1))
    links = [EmailLink.objects.create(email=email, url=url).pk for url in (OWN, FOREIGN)]
    token = signing.make("mail", 7, contact, email.pk)
    return {"contact": contact, "email": str(email.pk), "own": links[0], "token": token, "open": f"/o/{token}.gif",
            "click": f"/c/{token}/{links[0]}", "away": f"/c/{token}/{links[1]}"}  # fmt: skip


def mails() -> list[tuple[int, int, str, dict[str, Any]]]:
    """(contact, kind, e-mail, what is told of it without who probably did it)."""
    return [(contact, kind, value, {k: v for k, v in payload.items() if k in ("message", "url")}) for contact, kind, value, payload in told()]


def told() -> list[tuple[int, int, str, dict[str, Any]]]:
    return [
        (contact, kind, value, json.loads(payload))
        for contact, kind, value, payload in sql.rows(
            "SELECT e.contact_id, e.kind, k.value, e.payload FROM event e JOIN event_key k ON k.id = e.key ORDER BY e.ts"
        )
        if kind in (Kind.EMAIL_OPEN, Kind.EMAIL_CLICK)
    ]


def test_an_open_is_an_event_and_a_pixel(collector: Running, sent: dict[str, Any]) -> None:
    answer = collector.get(sent["open"])
    assert (answer.status_code, answer.headers["content-type"], answer.content[:3]) == (200, "image/gif", b"GIF")
    assert "no-store" in answer.headers["cache-control"]
    assert mails() == [(sent["contact"], Kind.EMAIL_OPEN, sent["email"], {"message": 7})]
    assert sql.rows("SELECT label FROM event_key WHERE kind = %s", [int(Kind.EMAIL_OPEN)]) == [("서비스 소개",)]


def test_a_forged_pixel_is_a_pixel_and_nothing_else(collector: Running, sent: dict[str, Any]) -> None:
    for path in ("/o/forged.gif", "/o/.gif", sent["open"].replace("/o/", "/o/A"), f"/o/{signing.make('unsub', 7, sent['contact'], 1)}.gif"):
        assert collector.get(path).content[:3] == b"GIF"
    assert mails() == []


def test_a_click_leads_to_our_own_site_with_a_token(collector: Running, sent: dict[str, Any]) -> None:
    collector.hits(view(), cookie=COOKIE)  # the tracker runs on www.nuriwork.example
    answer = collector.get(sent["click"])
    target, _, token = answer.headers["location"].partition("&bt=")
    assert (answer.status_code, target) == (302, "https://www.nuriwork.example/case?utm_source=mail")
    assert token.endswith("#top")
    number = sql.rows("SELECT id FROM event WHERE kind = %s", [int(Kind.EMAIL_CLICK)])[0][0]
    assert signing.read("contact", token.removesuffix("#top")) == (sent["contact"], 7, number)
    assert mails() == [(sent["contact"], Kind.EMAIL_CLICK, sent["email"], {"message": 7, "url": OWN})]


def test_a_click_to_another_site_tells_it_nothing(collector: Running, sent: dict[str, Any]) -> None:
    collector.hits(view(), cookie=COOKIE)
    assert collector.get(sent["away"]).headers["location"] == FOREIGN


def test_a_forged_click_leads_nowhere(collector: Running, sent: dict[str, Any]) -> None:
    token, own = sent["token"], sent["own"]
    other = Email.objects.create(name="다른 메일", subject="x", body="<p></p>")
    theirs = EmailLink.objects.create(email=other, url=OWN).pk
    Message.objects.create(contact_id=sent["contact"], id=8, cause="other", email_id=other.pk, state="sent", created_at=clock.now())
    assert collector.get(f"/c/{signing.make('mail', 8, sent['contact'], other.pk)}/{theirs}").status_code == 302  # the collector knows the link now
    for path in (
        *("/c/forged", f"/c/forged/{own}", "/c/", "/c//1", f"/c/{token}", f"/c/{token}/", f"/c/A{token}/{own}", f"/c/{signing.make('unsub', 7, 1, 1)}/{own}"),
        *(f"/c/{token}/{own}A", f"/c/{token}/{own}/", f"/c/{token}/-1", f"/c/{token}/99999999999999999999", f"/c/{token}/999"),
        f"/c/{token}/{theirs}",  # a link of another mail
    ):
        assert collector.get(path).status_code == 404, path
    assert len(mails()) == 1


def test_machines_are_told_from_people(collector: Running, sent: dict[str, Any]) -> None:
    collector.head(sent["click"])
    collector.get(sent["open"], headers={"user-agent": "Googlebot/2.1"})
    collector.get(sent["open"], headers={"user-agent": "Mozilla/5.0"})
    Message.objects.update(sent_at=clock.now())
    collector.get(sent["open"])
    collector.get(sent["click"])
    assert [payload["machine"] for *_, payload in told()] == ["head", "crawler", "privacy", "early", "early"]


def test_a_hit_keeps_who_made_it_from_where_and_how_sure_that_is(collector: Running, sent: dict[str, Any]) -> None:
    person = {"accept": "text/html", "accept-language": "ko", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1", "x-forwarded-for": "203.0.113.77"}
    collector.get(sent["away"], headers=person)
    collector.get(sent["open"], headers={"x-forwarded-for": "198.51.100.1, 2001:db8:7:8::9"})
    click, opened = (payload for *_, payload in told())
    assert click == {"message": 7, "url": FOREIGN, "ua": BROWSER, "net": "203.0.113.0", "human": 0.99, "why": ["gesture"]}
    assert (opened["net"], opened["human"]) == ("2001:db8:7::", 0.88)


def test_networks_that_the_administrator_listed(collector: Running, sent: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "relays.csv").write_text("203.0.113.0/28,KR,KR-11,Seoul,\n2001:db8::/45,KR,,,\n")
    (tmp_path / "scanners.csv").write_text("# ours\n198.51.100.8/31\nnonsense\n")
    known = collector.app.judge.networks = Networks(tmp_path)
    for address in ("203.0.113.15", "2001:db8:7::1", "203.0.113.16", "198.51.100.9"):
        collector.get(sent["open"], headers={"x-forwarded-for": address})
    collector.get(sent["away"], headers={"x-forwarded-for": "203.0.113.15", "accept": "text/html", "accept-language": "ko"})  # people surf by relays
    assert [payload.get("machine") for *_, payload in told()] == ["relay", "relay", None, "scanner_network", None]
    (tmp_path / "relays.csv").unlink()
    known.look()
    assert known.kind(ip_address("203.0.113.15")) == ""


def test_the_link_that_nobody_sees_gives_its_follower_away(collector: Running, sent: dict[str, Any]) -> None:
    answer = collector.get(f"/c/{sent['token']}/0")
    assert (answer.status_code, answer.content, "location" in answer.headers) == (204, b"", False)
    assert [(kind, payload["machine"]) for _contact, kind, _email, payload in told()] == [(Kind.EMAIL_CLICK, "trap")]


def test_a_click_while_the_database_is_away(collector: Running, sent: dict[str, Any]) -> None:
    collector.get(sent["click"])
    collector.cut()
    assert collector.get(sent["click"]).status_code == 302  # known before
    sorry = collector.get(sent["away"])
    assert (sorry.status_code, "다시" in sorry.text) == (503, True)
    assert collector.get(sent["open"]).content[:3] == b"GIF"
    collector.mend()
    wait_for(lambda: len(mails()) == 3)
    assert collector.get(sent["away"]).status_code == 302


def test_the_mail_of_a_joined_person_counts_for_who_he_is_now(collector: Running, sent: dict[str, Any]) -> None:
    other = records.create("contact", {"email": "other@hankyul.example"}, actor=SYSTEM, source="api")
    from baton.crm import contacts

    contacts.redirect(sent["contact"], other)
    collector.get(sent["open"])
    assert [contact for contact, *_ in events()] == [other]
