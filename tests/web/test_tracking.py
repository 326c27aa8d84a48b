"""Settings, Tracking: sites and their groups, the banner with its versions, and the check that sees a page."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.crm import contacts
from baton.events import banner_texts, identity, record, sites
from baton.events.models import Site
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.platform.models import History

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(account: object) -> Client:
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create("admin@nuriwork.example", "문가영", "a-long-enough-one", "admin", actor=SYSTEM))
    return web


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def add(web: Client, domain: str, group: str = "") -> Any:
    return web.post("/settings/tracking/new/", {"domain": domain, "group": group})


def test_sites_are_added_grouped_removed_and_brought_back(web: Client) -> None:
    assert "hits of any site are taken" in text(web.get("/settings/tracking/"))
    assert add(web, "https://www.Nuriwork.example/pricing?x=1", "누리워크").status_code == 200
    assert add(web, "한글.example").status_code == 200
    assert [site.domain for site in sites.known()] == ["xn--bj0bj06e.example", "nuriwork.example"]
    for wrong, said in (("nuriwork.example", "is there already"), ("co.kr", "anybody can have a site"), ("what is this", "no domain"), ("", "no domain")):
        answer = add(web, wrong)
        assert (answer.status_code, said in text(answer)) == (422, True), wrong
    page = text(web.get("/settings/tracking/"))
    assert "한글.example" in page
    assert "xn--" not in page
    site = Site.objects.get(domain="nuriwork.example")
    web.post(f"/settings/tracking/{site.pk}/", {"mode": "notice", "ko.title": "우리 말"})
    web.post(f"/settings/tracking/{site.pk}/group/", {"group": "모두"})
    web.post(f"/settings/tracking/{site.pk}/remove/")
    assert [one.domain for one in sites.known()] == ["xn--bj0bj06e.example"]
    assert web.get(f"/settings/tracking/{site.pk}/").status_code == 404
    add(web, "nuriwork.example", "모두")
    assert sites.banner(sites.find(site.pk), "ko")["title"] == "우리 말"  # it comes back as it was
    verbs = list(History.objects.filter(subject_type="site", subject_id=str(site.pk)).order_by("id").values_list("verb", "actor"))
    assert [verb for verb, _ in verbs] == ["created", "updated", "updated", "archived", "created"]
    assert all(actor.startswith("user:") for _, actor in verbs)


def test_a_host_belongs_to_the_nearest_site_above_it(account: object) -> None:
    for domain in ("nuriwork.example", "shop.nuriwork.example"):
        sites.define(domain, actor=SYSTEM)
    found = [(site.domain if (site := sites.of_host(host)) else "") for host in ("a.shop.nuriwork.example", "WWW.nuriwork.example", "notnuriwork.example")]
    assert found == ["shop.nuriwork.example", "nuriwork.example", ""]


def test_the_words_of_a_banner_have_versions_which_stay_as_proof(web: Client) -> None:
    add(web, "nuriwork.example")
    site = sites.known()[0]
    address = f"/settings/tracking/{site.pk}/"
    first = web.post(address, {"mode": "ask", "policy_url": "/privacy"})
    assert first.status_code == 200
    asked = sites.banner(sites.find(site.pk), "en")
    assert (asked["mode"], asked["title"]) == ("ask", banner_texts.default("ask", "en")["title"])
    assert re.fullmatch(r"1-[0-9a-f]{12}", asked["version"])
    kept = {f"{language}.{field}": sites.banner(sites.find(site.pk), language)[field] for language in ("ko", "en") for field in banner_texts.FIELDS}
    web.post(address, {**kept, "mode": "ask", "policy_url": "/privacy", "en.title": "May we?"})
    changed, other = sites.banner(sites.find(site.pk), "en"), sites.banner(sites.find(site.pk), "ko")
    assert changed["version"] != asked["version"]
    assert changed["version"].startswith("1-")
    web.post(address, {**kept, "mode": "ask", "policy_url": "/privacy", "en.title": "May we?", "again": "on"})
    assert sites.banner(sites.find(site.pk), "ko")["version"] == other["version"].replace("1-", "2-")
    page = text(web.get(address))
    for version in (asked["version"], changed["version"], other["version"]):
        assert version in page
    wrong = web.post(address, {**kept, "mode": "ask", "policy_url": "javascript:alert(1)", "ko.agree": "가" * 41})
    assert (wrong.status_code, text(wrong).count('role="alert"')) == (422, 2)
    shown = text(web.post("/settings/tracking/preview/", {**kept, "mode": "ask", "ko.title": "<b>굵게</b>"}))
    frame = re.search(r'src="(/settings/tracking/frame/[^"]+language=ko[^"]*)"', shown)
    assert frame
    answer = web.get(frame[1].replace("&amp;", "&"))
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert "<b>" not in text(answer)
    assert "&lt;b&gt;" in text(answer)
    with pytest.raises(Invalid):
        sites.define("nuriwork.example", actor=SYSTEM, banner={"mode": "sometimes"})


def test_the_check_shows_the_first_page_that_comes_in(web: Client) -> None:
    opened = int(clock.now().timestamp() * 1000) - 5_000
    asks = f"/settings/tracking/check/?since={opened}"
    waiting = web.get(asks)
    assert "Waiting for a page" in text(waiting)
    assert "every 2s" in text(waiting)
    number, now = sql.next_ids("record_id_seq", 1)[0], clock.now()
    contacts.claim("cookie", "d" * 32, number)
    identity.first_seen(number, now, page="http://www.nuriwork.example/pricing")
    url = "http://www.nuriwork.example:8080/pricing"
    view = NewEvent(number, Kind.PAGE_VIEW, now - timedelta(seconds=1), key_value=url.removeprefix("http://"), key_label="요금", payload={"url": url})
    record.add([view])
    seen = text(web.get(asks))
    assert "We see your site" in seen
    assert "every 2s" not in seen
    for said in ("www.nuriwork.example", "요금", "Register www.nuriwork.example", "not encrypted"):
        assert said in seen
    add(web, "nuriwork.example")
    add(web, "elsewhere.example")
    ids = {site.domain: site.pk for site in sites.known()}
    assert "not told that they are recorded" in text(web.get(f"{asks}&site={ids['nuriwork.example']}"))
    assert "Waiting for a page" in text(web.get(f"{asks}&site={ids['elsewhere.example']}"))
    assert "Waiting for a page" in text(web.get(f"/settings/tracking/check/?since={int(clock.now().timestamp() * 1000) + 60_000}"))
    assert web.get("/settings/tracking/check/?since=x9999999999999999999").status_code == 200


def test_every_platform_has_its_steps(web: Client) -> None:
    for platform, line in (
        ("html", "/t/baton.js"),
        ("gtm", "/t/baton.js"),
        ("cafe24", "/t/baton.js"),
        ("react", "next/script"),
        ("hubspot", "hs-script-loader"),
        ("?", "/t/baton.js"),
    ):
        assert line in text(web.get("/settings/tracking/install/", {"platform": platform})), platform


def test_who_may_not_change_settings_sees_no_buttons(account: object) -> None:
    viewer = Client(headers={"accept-language": "en"})
    viewer.force_login(users.create("v@nuriwork.example", "류태경", "a-long-enough-one", "viewer", actor=SYSTEM))
    answer = viewer.get("/settings/tracking/")
    assert answer.status_code == 403 or 'hx-post="/settings/tracking/new/"' not in text(answer)
    assert add(viewer, "nuriwork.example").status_code == 403
