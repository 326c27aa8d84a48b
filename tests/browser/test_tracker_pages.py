"""The tracker on other people's pages: plain, with a strict policy, a React application, one built for HubSpot, and ten people at once."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from baton.events.vocabulary import Kind
from tests.browser import sites
from tests.browser.sites import ROOT, Town, until
from tests.running import PATIENCE

KEPT = "f3d1c0de" * 4  # the hubspotutk cookie of somebody whom HubSpot knew
FILL = """
from baton.events import own, sites
from baton.forms import verbs
fields = [{"name": "email", "label": "이메일", "type": "email", "required": True}, {"name": "lastname", "label": "성", "type": "text"}]
form = verbs.create("문의", {"fields": fields, "after": {"thanks": "고맙습니다."}, "spam": {"seconds": 0}}, actor=SYSTEM, publish=True)
own.define("데모 예약", name="demo_booked", actor=SYSTEM, properties=[{"name": name, "label": name, "type": "string"} for name in ("plan", "seats", "trial")])
for name in ("plain", "strict", "app", "old", "crowd"):
    sites.define(name + ".localhost", actor=SYSTEM)
for name in ("one", "two"):
    sites.define(name + ".localhost", actor=SYSTEM, group="누리")
sites.define("ask.localhost", actor=SYSTEM, banner={"mode": "ask", "policy_url": "/privacy"})
answer = {"form": form.pk, "guid": str(form.guid)}
"""
CLEAR = """
from baton.events import sites
for site in sites.known():
    sites.archive(site, actor=SYSTEM)
"""


class World:
    """The sites, Baton's address, and what Baton has come to know."""

    def __init__(self, town: Town, baton: str, database: psycopg.Connection[Any], browser: Browser, made: dict[str, Any]) -> None:
        self.town, self.baton, self.database, self.browser, self.form, self.guid = town, baton, database, browser, made["form"], made["guid"]

    def tag(self, more: str = "") -> str:
        return f'<script async src="{self.baton}/t/baton.js"{more}></script>'

    def page(self, path: str, body: str, *, head: str = "", title: str = "제목", **headers: str) -> None:
        html = f'<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>{title}</title>{head or self.tag()}</head><body>{body}</body></html>'
        self.town.put(path, html, **headers)

    def visitor(self, **options: Any) -> AbstractContextManager[Page]:
        return sites.visitor(self.browser, **options)

    def facts(self, cookie: str, *kinds: Kind, count: int = 1) -> list[dict[str, Any]]:
        """Events of a visitor of these kinds in their order, as soon as there are `count`."""
        until = time.monotonic() + PATIENCE
        while True:
            found = self.database.execute(
                "SELECT e.kind, k.value, k.label, e.value, e.payload FROM identity i JOIN event e ON e.contact_id = i.contact_id"
                " LEFT JOIN event_key k ON k.id = e.key WHERE i.kind = 'cookie' AND i.value = %s AND e.kind = ANY(%s) ORDER BY e.ts, e.id",
                [cookie, [int(kind) for kind in kinds]],
            ).fetchall()
            if len(found) >= count or time.monotonic() > until:
                assert len(found) == count, found
                return [{"kind": Kind(kind), "key": key, "label": label, "value": value, **payload} for kind, key, label, value, payload in found]
            time.sleep(0.05)

    def wait(self, true: Callable[[], Any]) -> Any:
        """What `true` gives as soon as it gives something."""
        until = time.monotonic() + PATIENCE
        while not (found := true()) and time.monotonic() < until:
            time.sleep(0.05)
        return found


def cookie_of(page: Page, name: str = "baton_v") -> str:
    """A cookie of the page, as its own scripts see it."""
    until(page, "window.baton && baton.visitor()")
    found = re.search(rf"(?:^|; ){name}=([^;]*)", page.evaluate("document.cookie"))
    return found[1] if found else ""


@pytest.fixture(scope="module")
def world(browser: Browser, server: str, environment: dict[str, str]) -> Iterator[World]:
    def elsewhere(lines: str) -> Any:
        begin = "import json\nfrom baton.platform import setup\nsetup.django('test')\nfrom baton.platform.actor import SYSTEM\nanswer = None"
        done = subprocess.run(
            [sys.executable, "-c", f"{begin}\n{lines}\nprint(json.dumps(answer))"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    made = elsewhere(FILL)
    with sites.town() as town, psycopg.connect(environment["BATON_DATABASE_URL"], autocommit=True) as database:
        yield World(town, server, database, browser, made)
        elsewhere(CLEAR)


def test_a_plain_page_tells_what_its_reader_does(world: World) -> None:
    world.page(
        "/",
        '<h1>요금</h1><div style="height: 3000px"></div><a href="/demo" data-baton-cta="상담 신청" onclick="return false">상담</a>'
        '<a href="https://partner.example/offer" onclick="return false">제휴사</a>'
        ' <a href="http://www.plain.localhost/x" onclick="return false">같은 사이트</a>'
        '<a href="/files/brochure.pdf" onclick="return false">소개서</a>'
        '<form id="ask" onsubmit="return false"><input name="company" aria-label="회사"><input name="note" aria-label="문의"><button>보내기</button></form>'
        '<form id="sent" onsubmit="return false"><input name="email" aria-label="이메일"><button>구독</button></form>'
        '<form><input name="user"><input type="password"></form><form role="search"><input name="words" aria-label="검색"></form>',
    )
    world.page("/next", "다음", title="다음")
    with world.visitor() as page:
        page.goto(world.town.url("plain"))
        cookie = cookie_of(page)
        page.get_by_text("상담").click()
        page.get_by_text("제휴사").click()
        page.get_by_text("같은 사이트").click()
        page.get_by_text("소개서").click()
        page.get_by_label("회사").fill("비밀이다")
        page.get_by_label("문의").fill("비밀이다")
        page.get_by_label("검색").fill("찾는 말")
        page.get_by_label("이메일").fill("a@b.example")
        page.get_by_role("button", name="구독").click()
        page.evaluate("baton.track('Demo booked', {plan: 'team', seats: 3, trial: true, odd: {}, none: null, nan: NaN}); baton.track('nobody_knows', {})")
        page.wait_for_timeout(1_050)  # a second in view is told
        # Left, so no timer runs any more; a page that is really left sends under the name of a robot here, Chromium's own.
        page.evaluate("setTimeout = () => 0; dispatchEvent(new PageTransitionEvent('pagehide'))")
        page.goto(world.town.url("plain", "/next"))
        world.facts(cookie, Kind.PAGE_VIEW, count=2)
        [view, _second] = world.facts(cookie, Kind.PAGE_VIEW, count=2)
        assert (view["key"], view["label"]) == (f"plain.localhost:{world.town.port}/", "제목")
        clicks = world.facts(cookie, Kind.CTA_CLICK, Kind.OUTBOUND_CLICK, Kind.DOWNLOAD, count=3)
        assert [(fact["kind"], fact["key"].split(":")[0]) for fact in clicks] == [
            (Kind.CTA_CLICK, "상담 신청"), (Kind.OUTBOUND_CLICK, "partner.example/offer"), (Kind.DOWNLOAD, "plain.localhost")
        ]  # fmt: skip
        [dwell, scroll] = world.facts(cookie, Kind.PAGE_DWELL, Kind.PAGE_SCROLL, count=2)
        assert (dwell["kind"], dwell["value"] >= 1) == (Kind.PAGE_DWELL, True)
        assert scroll["value"] >= 90  # the links are at the end of the page
        forms = world.facts(cookie, Kind.FORM_VIEW, Kind.FORM_START, Kind.FORM_ABANDON, count=5)
        assert {(fact["kind"], fact["key"]) for fact in forms} == {
            (Kind.FORM_VIEW, "#ask"), (Kind.FORM_VIEW, "#sent"), (Kind.FORM_START, "#ask"), (Kind.FORM_START, "#sent"), (Kind.FORM_ABANDON, "#ask")
        }  # fmt: skip
        assert next(fact for fact in forms if fact["kind"] is Kind.FORM_ABANDON)["field"] == "note"
        assert "비밀" not in json.dumps(forms, ensure_ascii=False, default=str)
        [booked] = world.facts(cookie, Kind.CUSTOM_EVENT)
        assert (booked["key"], booked["properties"]) == ("demo_booked", {"plan": "team", "seats": "3", "trial": "true"})


def test_a_page_with_a_strict_policy_shows_the_banner_and_records_nothing_before_it_is_agreed(world: World) -> None:
    policy = f"default-src 'none'; script-src {world.baton}; connect-src {world.baton}; base-uri 'none'; form-action 'none'"
    world.page("/", '<main><h1>안녕하세요</h1><p><a href="#" data-baton-consent>쿠키 설정</a></p></main>', Content_Security_Policy=policy)
    with world.visitor() as page:
        page.goto(world.town.url("strict"))  # a site without a banner is not asked
        world.facts(cookie_of(page), Kind.PAGE_VIEW)
    with world.visitor() as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/t/e") else None)
        page.goto(world.town.url("ask"))
        banner = page.get_by_role("dialog", name="방문 기록을 남겨도 괜찮습니까?")
        expect(banner).to_be_visible()
        assert page.evaluate("[document.cookie, Object.keys(localStorage).length]") == ["", 0]
        boxes = [banner.get_by_role("button", name=name).bounding_box() for name in ("거부", "동의")]
        assert len({(box["width"], box["height"]) for box in boxes if box}) == 1
        assert page.evaluate("getComputedStyle(document.querySelector('[data-baton-banner]').shadowRoot.querySelector('[role=dialog]')).borderRadius") == "12px"
        for name in ("개인정보 처리방침", "거부", "동의"):  # first in the page, in this order
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == name
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        expect(banner).to_have_count(0)
        page.reload()
        until(page, "window.baton && baton._.config.banner")
        assert page.evaluate("[document.cookie.replace(/=.*/, ''), baton.visitor()]") == ["baton_consent", ""]
        expect(banner).to_have_count(0)  # a refusal is not asked about again
        assert sent == []
        page.get_by_role("link", name="쿠키 설정").click()
        expect(banner.get_by_role("heading")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="쿠키 설정")).to_be_focused()
        page.keyboard.press("Enter")
        banner.get_by_role("button", name="동의").click()
        cookie = cookie_of(page)
        [choice, view] = world.facts(cookie, Kind.TRACKING_CHOICE, Kind.PAGE_VIEW, count=2)[::-1]
        choice, view = (choice, view) if choice["kind"] is Kind.TRACKING_CHOICE else (view, choice)
        edition, digest = choice["version"].split("-")
        assert (choice["key"], choice["language"], edition) == ("granted", "ko", "1")
        kept = world.database.execute("SELECT banner FROM site WHERE domain = 'ask.localhost'").fetchone()
        assert kept is not None
        assert kept[0]["versions"]["ko"] == digest
        page.get_by_role("link", name="쿠키 설정").click()
        banner.get_by_role("button", name="거부").click()
        world.facts(cookie, Kind.TRACKING_CHOICE, count=2)
        assert page.evaluate("[document.cookie.includes('baton_v'), baton.visitor()]") == [False, ""]
    with world.visitor(locale="en-US") as page:
        page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true}); document.addEventListener('x', () => 0)")
        page.goto(world.town.url("ask"))
        until(page, "window.baton && baton._.config.banner")
        expect(page.get_by_role("dialog")).to_have_count(0)  # who has said no to everybody is not asked
        assert page.evaluate("document.cookie") == ""


def test_a_react_application_is_seen_route_by_route(world: World) -> None:
    world.town.put("/app.js", sites.react(), kind="text/javascript")
    for path, title in (("/", "Home"), ("/plans", "…"), ("/contact", "…")):
        world.page(path, '<div id="app"></div><script src="/app.js"></script>', title=title)
    with world.visitor() as page:
        page.goto(world.town.url("app"))
        cookie = cookie_of(page)
        page.get_by_role("link", name="Plans").click()
        expect(page.get_by_role("heading", name="Plans")).to_be_visible()
        page.get_by_role("link", name="Contact").click()
        page.get_by_label("Company").fill("가온")
        page.go_back()
        expect(page.get_by_role("heading", name="Plans")).to_be_visible()
        views = world.facts(cookie, Kind.PAGE_VIEW, count=4)
        assert [(view["key"].partition("/")[2], view["label"]) for view in views] == [
            ("", "Home"),
            ("plans", "Plans"),
            ("contact", "Contact"),
            ("plans", "Plans"),
        ]
        assert views[1]["referrer"] == world.town.url("app")
        [seen, begun, left] = world.facts(cookie, Kind.FORM_VIEW, Kind.FORM_START, Kind.FORM_ABANDON, count=3)
        assert {fact["key"] for fact in (seen, begun, left)} == {"#contact"}
        assert left["page"].endswith("/contact")


def test_a_site_built_for_hubspot_goes_on_working(world: World) -> None:
    fitted = [part.replace("{baton}", world.baton).replace("{guid}", world.guid) for part in (sites.OLD_BODY, sites.OLD_HEAD)]
    world.page("/old", fitted[0], head=fitted[1])
    with world.visitor() as page:
        page.context.add_cookies([{"name": "hubspotutk", "value": KEPT, "url": world.town.url("old")}])
        page.goto(world.town.url("old", "/old"))
        assert page.evaluate("window.seen") == KEPT
        assert (cookie_of(page), cookie_of(page, "hubspotutk")) == (KEPT, KEPT)  # whom HubSpot knew is the same visitor
        until(page, "heard.length > 0 && said.length > 0")
        assert page.evaluate("[heard[0], said[0]]") == [True, "ready 2"]
        assert re.fullmatch(rf"\d+\.{KEPT}\.\d+\.\d+\.\d+\.1", cookie_of(page, "__hstc"))
        page.evaluate("_hsq.push(['setPath', '/second'], ['trackPageView'], (() => said.push('function')))")
        page.evaluate("history.pushState({}, '', '/third'); _hsq.push(['setPath', '/third']); _hsq.push(['trackPageView'])")
        page.locator("#form [name=email]").fill("minji@hankyul.example")
        page.locator("#form button.hs-button").click()
        expect(page.locator("#form .baton-thanks")).to_have_text("고맙습니다.")
        assert page.evaluate("said") == ["ready 2", "function", "submit minji@hankyul.example", "submitted"]
        assert page.evaluate("calls.filter((one, n) => calls.indexOf(one) === n)") == [
            "onBeforeFormInit",
            "onFormReady",
            "onBeforeFormSubmit",
            "onFormSubmit",
            "onFormSubmitted",
        ]
        views = world.facts(KEPT, Kind.PAGE_VIEW, count=3)
        assert [view["url"].replace(world.town.url("old"), "/") for view in views] == ["/virtual?x=1", "/second", "/third"]
        [booked] = world.facts(KEPT, Kind.CUSTOM_EVENT)
        assert (booked["key"], booked["properties"]) == ("demo_booked", {"seats": "2"})
        [said] = world.facts(KEPT, Kind.SAID_WHO)
        assert (said["email"], said["properties"]["jobtitle"]) == ("minji@hankyul.example", "팀장")
        owner = "SELECT c.email, c.properties ->> 'lastname' FROM identity i JOIN contact c ON c.id = i.contact_id WHERE i.kind = 'cookie' AND i.value = %s"
        assert world.wait(lambda: world.database.execute(owner, [KEPT]).fetchone()) == ("minji@hankyul.example", "한")
        page.evaluate("_hsq.push(['doNotTrack'])")
        assert page.evaluate("[document.cookie.includes('hubspotutk'), document.cookie.includes('__hs_do_not_track=yes'), baton.visitor()]") == [
            False,
            True,
            "",
        ]


def test_linked_sites_hand_the_visitor_on_and_nobody_else_can(world: World) -> None:
    other = world.town.url("two", "/there")
    world.page("/", f'<a href="{other}?a=1#part">다른 사이트</a> <form action="{other}"><input name="q2" aria-label="말"><button>가기</button></form>')
    world.page("/there", "도착")
    world.page("/elsewhere", f'<a href="{other}?bt_v={KEPT}.zzzz.aaaa">몰래</a>')
    with world.visitor() as page:
        page.goto(world.town.url("one"))
        until(page, "window.baton && !!baton._.hooks.follow")
        mine = cookie_of(page)
        page.get_by_role("link").click()
        page.wait_for_url(f"{other}?a=1#part")  # the address bar shows nothing of it
        assert cookie_of(page) == mine
        page.go_back()
        page.context.clear_cookies(domain="two.localhost")
        until(page, "window.baton && !!baton._.hooks.follow")
        page.get_by_label("말").fill("안녕")
        page.get_by_role("button").click()
        page.wait_for_url(f"{other}?q2=*")
        until(page, "!location.search.includes('bt_v')")
        assert cookie_of(page) == mine
        stolen = page.evaluate("baton._.hooks.handed('x.y.z')")
        assert stolen == ""
        page.goto(world.town.url("plain", "/elsewhere"))
        page.get_by_role("link").click()
        until(page, "window.baton && baton.visitor() && !location.search")
        assert cookie_of(page) == mine


def test_ten_people_who_read_at_the_same_time_keep_their_own_story(world: World) -> None:
    for name in ("a", "b", "c"):
        world.page(f"/{name}", name, title=name)
    world.page("/form", f'<script src="{world.baton}/f/{world.guid}.js"></script>')
    people: list[tuple[BrowserContext, Page]] = []
    for _number in range(10):
        context = world.browser.new_context(user_agent=sites.AGENT)
        people.append((context, context.new_page()))
    walks = [[("a", "b", "c")[(number + step) % 3] for step in range(1 + number % 2)] for number in range(10)]
    cookies = []
    for step in range(2):
        for number, (_context, page) in enumerate(people):  # everybody takes a step, then everybody the next
            if step < len(walks[number]):
                page.goto(world.town.url("crowd", f"/{walks[number][step]}?n={number}"))
                until(page, "window.baton && baton.visitor()")
    for number, (_context, page) in enumerate(people):
        page.goto(world.town.url("crowd", f"/form?n={number}"), wait_until="commit")
    for number, (_context, page) in enumerate(people):
        page.locator("[name=email]").fill(f"p{number}@crowd.example")
    for _context, page in reversed(people):
        page.locator("form button").click()
    for _context, page in people:
        expect(page.locator(".baton-thanks")).to_be_visible()
        cookies.append(cookie_of(page))
    assert len(set(cookies)) == 10
    for number, cookie in enumerate(cookies):
        views = world.facts(cookie, Kind.PAGE_VIEW, count=len(walks[number]) + 1)
        assert [view["key"].rpartition("/")[2] for view in views] == [*walks[number], "form"]
        assert {view["url"].rpartition("=")[2] for view in views} == {str(number)}  # nobody else's page among them
        email = world.database.execute("SELECT c.email FROM identity i JOIN contact c ON c.id = i.contact_id WHERE i.value = %s", [cookie]).fetchone()
        assert email == (f"p{number}@crowd.example",)
    for context, _page in people:
        context.close()


def test_videos_tell_how_much_of_them_was_seen(world: World) -> None:
    world.town.put("/clip.wav", sites.silence(1.2), kind="audio/wav")
    world.page(
        "/film",
        '<video src="/clip.wav" title="안내" muted></video><iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ?enablejsapi=1"></iframe>'
        '<iframe src="https://player.vimeo.com/video/76979871" title="사례"></iframe>',
    )

    def stand_in(route: Route) -> None:
        route.fulfill(body=sites.YOUTUBE if "youtube" in route.request.url else sites.VIMEO, content_type="text/html; charset=utf-8")

    with world.visitor() as page:
        for address in ("https://www.youtube.com/**", "https://player.vimeo.com/**"):
            page.context.route(address, stand_in)
        page.goto(world.town.url("plain", "/film"))
        cookie = cookie_of(page)
        until(page, "performance.getEntriesByName(document.querySelector('script').src.replace('baton.js', 'video.js')).length")
        page.evaluate("document.querySelector('video').play()")

        def all_told() -> Any:
            seen = world.facts(cookie, Kind.VIDEO_WATCHED, count=3)
            found = {fact["key"].rpartition("/")[2]: fact for fact in seen}
            return (
                found if found["clip.wav"]["value"] == 100 and found["vimeo:76979871"]["value"] == 100 and found["youtube:dQw4w9WgXcQ"]["value"] >= 50 else None
            )

        until(page, "document.querySelector('video').ended")
        found = world.wait(all_told)
        assert found, world.facts(cookie, Kind.VIDEO_WATCHED, count=3)
        assert (found["youtube:dQw4w9WgXcQ"]["label"], found["vimeo:76979871"]["label"], found["clip.wav"]["label"]) == ("소개 영상", "사례", "안내")
        assert 50 <= found["youtube:dQw4w9WgXcQ"]["value"] <= 62  # stopped after 0.7 of 1.2 seconds
