"""The tracker in a real Chromium: views, visible time, clicks, downloads, the cookie, and who does not want to be tracked."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from baton.collector.scripts import SCRIPT
from baton.demo.browser import LIGHT
from baton.events import wire
from baton.events.vocabulary import Kind
from tests.running import PATIENCE
from tools.browser import executable

SITE = "https://www.nuriwork.example"
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAGE = """<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>{title}</title><script async src="https://baton.example/t/baton.js"></script></head>
<body><h1>{title}</h1><a href="/pricing">요금</a> <a href="/demo" data-baton-cta="상담 신청" onclick="return false">상담</a>
<a href="/files/brochure.pdf" onclick="return false">소개서</a> <a href="/other" onclick="return false">다른 글</a></body></html>"""
# Chromium under Playwright always calls its pages visible; a test that hides one says so in the page.
HIDE = """(hidden) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => hidden ? "hidden" : "visible" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


class Site:
    """A customer's site with the tracker, and everything the tracker sent."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.sent: list[wire.Batch] = []
        self.down = False
        context.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        url = route.request.url
        if url.endswith("/t/baton.js"):
            route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
        elif url.endswith("/t/e"):
            if self.down:
                route.abort()
                return
            self.sent.append(wire.parse(json.loads(route.request.post_data or "")))
            route.fulfill(status=204, headers={"access-control-allow-origin": "*"})
        else:
            route.fulfill(body=PAGE.format(title=url.removeprefix(SITE)), content_type="text/html")

    def open(self, path: str, *, clock: bool = True) -> Page:
        page = self.context.new_page()
        if clock:
            page.clock.install(time=START)
        page.goto(SITE + path)
        page.wait_for_function("window.baton")
        if clock:
            page.clock.run_for(100)
        return page

    def hits(self, kind: Kind) -> list[wire.Hit]:
        return [hit for batch in self.sent for hit in batch.hits if hit.kind is kind]

    def wait(self, page: Page, kind: Kind, count: int) -> list[wire.Hit]:
        until = time.monotonic() + PATIENCE
        while len(self.hits(kind)) < count and time.monotonic() < until:
            page.evaluate("() => new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0) })")
        found = self.hits(kind)
        assert len(found) == count, found
        return found

    def longest(self) -> float:
        return max((hit.value or 0 for hit in self.hits(Kind.PAGE_DWELL)), default=0)


class Live(BaseHTTPRequestHandler):
    """The same site on a real port: what a page sends while it closes never passes Playwright's routes."""

    def do_GET(self) -> None:
        script = self.path == "/t/baton.js"
        self._answer(
            200,
            SCRIPT.read_bytes() if script else PAGE.format(title=self.path).replace("https://baton.example", "").encode(),
            "text/javascript" if script else "text/html",
        )

    def do_POST(self) -> None:
        self.server.sent.append(wire.parse(json.loads(self.rfile.read(int(self.headers["content-length"])))))  # type: ignore[attr-defined]
        self._answer(204, b"", "text/plain")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def live() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Live) as server:
        server.sent = []  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def browser(live: ThreadingHTTPServer) -> Iterator[Browser]:
    names = f"--host-resolver-rules=MAP live.example 127.0.0.1:{live.server_port}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox", names, *LIGHT])
        yield chromium
        chromium.close()


@contextmanager
def site_of(browser: Browser, **options: Any) -> Iterator[Site]:
    context = browser.new_context(**options)
    yield Site(context)
    context.close()


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    with site_of(browser) as made:
        yield made


def test_the_script_is_under_five_kilobytes() -> None:
    import gzip

    assert len(gzip.compress(SCRIPT.read_bytes())) < 5 * 1024
    for part in ("video", "banner", "linked", "hubspot", "hbspt"):  # loaded by pages that need them
        assert len(gzip.compress(SCRIPT.with_name(f"{part}.js").read_bytes())) < 2 * 1024, part


def test_a_view_is_sent_with_its_page_and_a_cookie_of_thirteen_months(site: Site) -> None:
    page = site.open("/pricing?utm_source=x#part")
    [view] = site.wait(page, Kind.PAGE_VIEW, 1)
    assert (view.key, view.url, view.label) == ("www.nuriwork.example/pricing", f"{SITE}/pricing?utm_source=x", "/pricing?utm_source=x")
    assert view.id % 2 == 0
    [cookie] = site.context.cookies()
    assert (cookie["name"], cookie["sameSite"], cookie["path"], cookie["secure"]) == ("baton_v", "Lax", "/", True)
    assert wire.is_cookie(cookie["value"])
    assert site.sent[0].cookie == cookie["value"]


def test_the_cookie_lives_thirteen_months(browser: Browser) -> None:
    with site_of(browser) as site:
        site.open("/", clock=False)
        [cookie] = site.context.cookies()
        days = (cookie["expires"] - datetime.now(UTC).timestamp()) / 86400
        assert 394 < days < 396


def test_one_browser_keeps_its_cookie(site: Site) -> None:
    first = site.open("/")
    site.wait(first, Kind.PAGE_VIEW, 1)  # what a closing page still sends does not pass the routes
    first.close()
    page = site.open("/pricing")
    site.wait(page, Kind.PAGE_VIEW, 2)
    assert len({batch.cookie for batch in site.sent}) == 1


@pytest.mark.parametrize(("seconds", "counts"), [(61, True), (59, False)])
def test_a_minute_in_view_is_told_at_once(site: Site, seconds: int, counts: bool) -> None:
    page = site.open("/case")
    page.clock.run_for(seconds * 1000 - 100)
    told = site.wait(page, Kind.PAGE_DWELL, 1 if counts else 0)
    if counts:
        [view] = site.hits(Kind.PAGE_VIEW)
        assert (told[0].id, told[0].time, told[0].key) == (view.id + 1, view.time, view.key)
        assert 60 <= (told[0].value or 0) < 61.5
    page.evaluate(HIDE, True)
    assert (site.longest() >= 60) is counts


def test_a_moved_clock_counts_too(site: Site) -> None:
    page = site.open("/case")
    page.clock.fast_forward(61_000)
    assert (site.wait(page, Kind.PAGE_DWELL, 1)[0].value or 0) >= 60


def test_a_hidden_tab_does_not_count(site: Site) -> None:
    page = site.open("/case")
    page.clock.run_for(20_000)
    page.evaluate(HIDE, True)
    page.clock.run_for(600_000)
    site.wait(page, Kind.PAGE_DWELL, 1)
    assert 20 <= site.longest() < 21
    page.evaluate(HIDE, False)
    page.clock.run_for(39_000)
    assert site.longest() < 60
    page.clock.run_for(1_500)
    site.wait(page, Kind.PAGE_DWELL, 2)
    assert 60 <= site.longest() < 61.5
    assert len({hit.id for hit in site.hits(Kind.PAGE_DWELL)}) == 1  # one hit that grows


def test_the_deepest_percent_of_a_page_is_told_with_its_dwell(site: Site) -> None:
    page = site.open("/case")
    page.evaluate("document.body.append(Object.assign(document.createElement('div'), {style: 'height: 3000px'}))")
    page.evaluate("new Promise((told) => { addEventListener('scroll', told, { once: true }); scrollTo(0, 1200); })")  # a browser tells it with its next frame
    page.clock.run_for(500)
    page.evaluate("scrollTo(0, 0)")
    page.clock.run_for(60_500)
    [view], [scroll] = site.hits(Kind.PAGE_VIEW), site.wait(page, Kind.PAGE_SCROLL, 1)
    assert (view.id % 4, scroll.id, scroll.time, scroll.key) == (0, view.id + 2, view.time, view.key)
    assert 50 <= (scroll.value or 0) <= 70


def test_leaving_a_page_tells_how_long_it_was_seen(browser: Browser, live: ThreadingHTTPServer) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.clock.install(time=START)
    page.goto("http://live.example/case")
    page.wait_for_function("window.baton")
    page.clock.run_for(8_000)
    page.goto("http://live.example/pricing")
    page.clock.run_for(2_000)
    page.close(run_before_unload=True)
    sent: list[wire.Batch] = live.sent  # type: ignore[attr-defined]
    until = time.monotonic() + PATIENCE
    told: dict[str, float] = {}
    while len(told) < 2 and time.monotonic() < until:
        told = {hit.key: hit.value or 0 for batch in sent for hit in batch.hits if hit.kind is Kind.PAGE_DWELL}
        time.sleep(0.05)
    context.close()
    assert 8 <= told["live.example/case"] < 9
    assert 2 <= told["live.example/pricing"] < 3
    assert len({batch.cookie for batch in sent}) == 1


def test_routes_of_a_single_page_application_are_views(site: Site) -> None:
    page = site.open("/")
    page.clock.run_for(5_000)
    page.evaluate("history.pushState({}, '', '/pricing'); document.title = '요금'")
    page.clock.run_for(100)
    page.evaluate("history.replaceState({}, '', '/pricing#plans')")  # the same page
    page.clock.run_for(100)
    page.evaluate("history.replaceState({}, '', '/case')")
    page.clock.run_for(100)
    page.go_back()
    page.clock.run_for(300)
    views = site.wait(page, Kind.PAGE_VIEW, 4)
    assert [view.key.removeprefix("www.nuriwork.example") for view in views] == ["/", "/pricing", "/case", "/"]
    assert views[1].label == "요금"
    assert views[1].referrer == f"{SITE}/"
    assert site.hits(Kind.PAGE_DWELL)[0].key == "www.nuriwork.example/"


def test_clicks_and_downloads(site: Site) -> None:
    page = site.open("/")
    page.get_by_text("상담").click()
    page.get_by_text("소개서").click()
    page.get_by_text("다른 글").click()
    [click] = site.wait(page, Kind.CTA_CLICK, 1)
    [download] = site.wait(page, Kind.DOWNLOAD, 1)
    assert (click.key, click.extra) == ("상담 신청", {"url": f"{SITE}/demo"})
    assert (download.key, download.label) == ("www.nuriwork.example/files/brochure.pdf", "소개서")


def test_the_token_of_a_mail_is_read_and_taken_out_of_the_address(site: Site) -> None:
    page = site.open("/case?a=1&bt=AbC_-9&b=2#part")
    [view] = site.wait(page, Kind.PAGE_VIEW, 1)
    assert site.sent[0].token == "AbC_-9"
    assert page.url == f"{SITE}/case?a=1&b=2#part"
    assert "bt=" not in view.url
    page.get_by_text("상담").click()
    site.wait(page, Kind.CTA_CLICK, 1)
    assert site.sent[-1].token == ""


def test_hits_wait_while_the_server_is_away_and_are_sent_once(site: Site) -> None:
    site.down = True
    page = site.open("/")
    page.get_by_text("상담").click()
    page.clock.run_for(3_000)
    assert site.sent == []
    site.down = False
    page.clock.run_for(10_000)
    site.wait(page, Kind.PAGE_VIEW, 1)
    site.wait(page, Kind.CTA_CLICK, 1)


def test_hits_of_a_page_that_was_left_offline_are_sent_by_the_next(site: Site) -> None:
    site.down = True
    page = site.open("/")
    page.clock.run_for(1_000)
    page.wait_for_function("localStorage.getItem('baton_q')")
    page.close()
    site.down = False
    page = site.open("/pricing")
    assert {view.key for view in site.wait(page, Kind.PAGE_VIEW, 2)} == {"www.nuriwork.example/", "www.nuriwork.example/pricing"}


@pytest.mark.parametrize("signal", ["globalPrivacyControl = true", 'doNotTrack = "1"'])
def test_who_does_not_want_to_be_tracked_is_not(site: Site, signal: str) -> None:
    name, value = signal.split(" = ")
    site.context.add_init_script(f"Object.defineProperty(navigator, '{name}', {{ get: () => {value} }})")
    page = site.open("/?bt=AAAA")
    page.get_by_text("상담").click()
    page.clock.run_for(70_000)
    assert site.sent == []
    assert site.context.cookies() == []
    assert "bt=" not in page.url


def test_a_page_may_tell_of_a_click_itself_but_not_invent_kinds(site: Site) -> None:
    page = site.open("/")
    page.evaluate("baton.track('cta_click', { cta: '채팅 열기' }); baton.track('purchase', {}); baton.track('page_dwell', {})")
    assert site.wait(page, Kind.CTA_CLICK, 1)[0].key == "채팅 열기"
    assert site.hits(Kind.PAGE_DWELL) == []


def test_the_script_twice_counts_once(site: Site) -> None:
    page = site.open("/")
    page.add_script_tag(content=Path(SCRIPT).read_text())
    page.clock.run_for(200)
    site.wait(page, Kind.PAGE_VIEW, 1)
