"""Sending domains, transports and deliverability, as people see them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account
from baton.messaging.deliverability import dns_checks, domains
from baton.messaging.models import Campaign, CampaignCount, DmarcReport, ReceiverRate, SendingDomain, Transport
from baton.messaging.sending import transport_settings
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.models import History
from tests.messaging.relay import Relay, free_port

pytestmark = pytest.mark.django_db
PASSWORD = "s3cret-of-the-relay"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made sooner."""
    monkeypatch.setattr("baton.messaging.deliverability.dkim.RSA_BITS", 1024)


@pytest.fixture
def web(account: Account) -> Client:
    """An administrator's browser, in English."""
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create("admin@nuriwork.example", "오세린", "a-long-enough-one", "admin", actor=SYSTEM))
    return web


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], list[str]]:
    """What the DNS says: {(name, type): [texts]}."""
    known: dict[tuple[str, str], list[str]] = {}
    monkeypatch.setattr(dns_checks.Names, "_ask", lambda _self, name, kind: known.get((name, kind), []))
    return known


def test_a_domain_is_added_its_records_shown_and_a_key_put_to_use_and_replaced(web: Client, zone: dict[tuple[str, str], list[str]]) -> None:
    wrong = web.post("/settings/sending/new/", {"name": "not a domain"}, headers=HTMX)
    assert (wrong.status_code, "This is not the name of a domain" in wrong.content.decode()) == (422, True)
    made = web.post("/settings/sending/new/", {"name": "mail.nuriwork.example", "bounce_host": "bounce.nuriwork.example"}, headers=HTMX)
    domain = SendingDomain.objects.get()
    here = f"/settings/sending/{domain.pk}/"
    assert made.headers["HX-Redirect"] == here
    key = domain.keys.get()
    page = web.get(here).content.decode()
    assert f"{key.selector}._domainkey.mail.nuriwork.example" in page
    assert f"v=DKIM1; k=rsa; p={key.public}" in page
    assert "v=DMARC1; p=none; rua=mailto:dmarc@bounce.nuriwork.example" in page
    assert "PRIVATE" not in page
    assert key.secret not in page
    too_early = web.post(f"/settings/sending/keys/{key.pk}/activate/", headers=HTMX)
    assert too_early.status_code == 422
    assert "would look forged" in too_early.headers["HX-Trigger"]
    zone[f"{key.selector}._domainkey.mail.nuriwork.example", "TXT"] = [f"v=DKIM1; k=rsa; p={key.public}"]
    used = web.post(f"/settings/sending/keys/{key.pk}/activate/", headers=HTMX)
    assert (used.status_code, "signs, and its key is in the DNS" in used.content.decode()) == (200, True)
    web.post(f"{here}rotate/", headers=HTMX)
    assert sorted(domain.keys.values_list("state", flat=True)) == ["active", "new"]
    web.post(f"{here}change/", {"bounce_host": "bounce.nuriwork.example", "first_day": "500"}, headers=HTMX)
    domain.refresh_from_db()
    assert (domain.bounce_host, domain.warm_up["first"]) == ("bounce.nuriwork.example", 500)
    web.post(f"{here}keys/", {"algorithm": "ed25519-sha256"}, headers=HTMX)
    assert domain.keys.count() == 3
    assert web.post(f"/settings/sending/keys/{key.pk}/remove/", headers=HTMX).status_code == 409, "a key that signs is not thrown away"
    assert "mail.nuriwork.example" in web.get("/settings/sending/").content.decode()
    web.post(f"{here}remove/")
    assert not SendingDomain.objects.exists()
    assert [row.verb for row in History.objects.filter(subject_type="sending_domain").order_by("id")] == [
        *("created", "key_made", "key_activated", "key_made", "updated", "key_made", "removed")
    ]


def test_a_transport_keeps_its_secret_and_says_whether_it_works(web: Client) -> None:
    relay = Relay(free_port())
    relay.start()
    typed = {
        "kind": "smtp",
        "name": "사내 서버",
        "host": "127.0.0.1",
        "port": str(relay.port),
        "security": "starttls",
        "password": PASSWORD,
        "connections": "2",
    }
    try:
        wrong = web.post("/settings/transports/new/", {**typed, "host": "", "port": "many"}, headers=HTMX)
        assert (wrong.status_code, wrong.content.decode().count('role="alert"')) == (422, 2)
        assert web.post("/settings/transports/new/", typed, headers=HTMX).status_code == 204
        row = Transport.objects.get()
        assert row.usual
        page = web.get(f"/settings/transports/{row.pk}/").content.decode()
        for text in (page, row.secret, str(list(History.objects.values_list("detail", flat=True)))):
            assert PASSWORD not in text
        assert "Stored, and never shown" in page
        web.post(f"/settings/transports/{row.pk}/", {**typed, "name": "우리 서버", "password": ""}, headers=HTMX)
        row.refresh_from_db()
        assert (row.name, transport_settings.transport.secrets_of(row)) == ("우리 서버", {"password": PASSWORD})
        thief = web.post(f"/settings/transports/{row.pk}/", {**typed, "host": "thief.example", "password": ""}, headers=HTMX)
        row.refresh_from_db()
        assert (thief.status_code, row.settings["host"]) == (422, "127.0.0.1"), "a kept secret goes to no other server"
        web.post(f"/settings/transports/{row.pk}/", {**typed, "user": "", "password": ""}, headers=HTMX)
        assert "It answers and lets us in." in web.post(f"/settings/transports/{row.pk}/try/", headers=HTMX).content.decode()
    finally:
        relay.stop()
    assert "It does not work:" in web.post(f"/settings/transports/{row.pk}/try/", headers=HTMX).content.decode()
    domain = domains.add("nuriwork.example", SYSTEM, transport_id=row.pk)
    assert web.post(f"/settings/transports/{row.pk}/remove/", headers=HTMX).status_code == 409
    domains.remove(domain.pk, SYSTEM)
    web.post(f"/settings/transports/{row.pk}/remove/")
    assert not Transport.objects.exists()


def test_rates_of_receivers_are_shown_set_and_forgotten(web: Client) -> None:
    here = "/settings/transports/0/rates/"
    assert "No group of receivers is known yet" in web.get(here).content.decode()
    for given, fault in (
        ({"group": "nonsense", "per_second": "5"}, "There is no such group of receivers."),
        ({"group": "gaon.example", "per_second": "fast"}, "A number from"),
        ({"group": "gaon.example", "per_second": "1", "at_once": "0"}, "A whole number from"),
    ):
        refused = web.post(f"{here}set/", {**given, "new": "1"}, headers=HTMX)
        assert (refused.status_code, fault in refused.content.decode()) == (422, True), given
        assert f'value="{given["group"]}"' in refused.content.decode()
    kept = web.post(f"{here}set/", {"group": "@Gaon.example", "per_second": "2.5", "at_once": "4", "new": "1"}, headers=HTMX)
    assert kept.status_code == 200
    assert "set by a colleague" in (page := web.get(here).content.decode())
    assert 'value="2.5"' in page
    wrong = web.post(f"{here}set/", {"group": "gaon.example", "per_second": "5000"}, headers=HTMX)
    assert (wrong.status_code, 'value="5000"' in wrong.content.decode()) == (422, True)
    ReceiverRate.objects.filter(grouped="gaon.example").update(
        rate=0.5, at=clock.now(), why="slower", before=8, lowered_at=clock.now(),
        answers=[{"at": clock.now().isoformat(), "domain": "gaon.example", "code": 421, "text": "4.7.0 slow down"}],
    )  # fmt: skip
    assert "421 4.7.0 slow down" in web.get(here).content.decode()
    assert "slow down" not in web.post(f"{here}forget/", {"group": "gaon.example"}, headers=HTMX).content.decode()
    web.post(f"{here}set/", {"group": "gaon.example", "per_second": "", "at_once": ""}, headers=HTMX)
    row = ReceiverRate.objects.get(grouped="gaon.example")
    assert (row.most, row.at_once) == (None, None)
    verbs = list(History.objects.filter(subject_type="transport").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["rate_set", "rate_forgotten", "rate_set"]
    assert web.get("/settings/transports/999/rates/").status_code == 404


def test_the_page_of_deliverability_says_what_is_too_much_and_who_writes_in_our_name(web: Client, zone: Any) -> None:
    assert "No mail went out lately" in web.get("/deliverability/").content.decode()
    now = clock.now()
    campaign = Campaign.objects.create(name="11월 소식", state="paused", stopped_for="brake_complaints", created_by="system", started_at=now)
    for name, n in (("group:naver:sent", 900), ("group:naver:bounced", 60), ("group:naver:complained", 9)):
        CampaignCount.objects.create(campaign=campaign, variant="a", name=name, n=n, counted_at=now)
    domains.add("nuriwork.example", SYSTEM)
    row = {"ip": "198.51.100.66", "count": 40, "disposition": "none", "dkim": "fail", "spf": "fail", "from": "nuriwork.example"}
    ours = [{**row, "ip": f"203.0.113.{n}", "count": 20 - n, "dkim": "pass"} for n in range(10)]
    DmarcReport.objects.create(
        domain="nuriwork.example", organisation="mail.example", report="1", begins_at=now - timedelta(days=1), ends_at=now, rows=[row, *ours], read_at=now
    )
    page = web.get("/deliverability/").content.decode()
    for words in ("11월 소식", "Stopped by Baton", "6.2%", "1.00%", "too many", "198.51.100.66", "0%", "By kind of mail", "Campaigns"):
        assert words in page
    assert "79.5% of 195 mails proved" in page  # of all sources, not of those that are named
    assert "3 other addresses" in page


def test_who_may_not_see_settings_sees_rates_but_no_keys(account: Account) -> None:
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create("oh@nuriwork.example", "오세린", "a-long-enough-one", "marketing", actor=SYSTEM))
    assert web.get("/deliverability/").status_code == 200
    assert web.post("/settings/transports/new/", {}).status_code == 403
    assert web.post("/settings/sending/new/", {}).status_code == 403
