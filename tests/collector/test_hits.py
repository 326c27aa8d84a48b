"""What the collector takes from browsers, what it refuses, and what becomes of it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection

from baton.crm import contacts, records
from baton.events import facts, identity, wire
from baton.events.vocabulary import Kind
from baton.platform import changes, sql
from baton.platform.actor import SYSTEM
from tests.collector.running import COOKIE, Running, events, now_ms, view, wait_for

B = "b" * 32


def test_a_view_makes_a_visitor_an_event_and_a_change(collector: Running) -> None:
    answer = collector.hits(view(r="https://search.example/"))
    assert (answer.status_code, answer.content) == (204, b"")
    [(contact, kind, key, value, number)] = events()
    assert (kind, key, value, number) == (Kind.PAGE_VIEW, "www.nuriwork.example/pricing", None, 2)
    assert identity.visitor(COOKIE) == contact
    assert sql.rows("SELECT first_page, first_referrer FROM visitor WHERE contact_id = %s", [contact]) == [
        ("https://www.nuriwork.example/pricing", "https://search.example/")
    ]
    [(bucket, owner, what, fact)] = sql.rows("SELECT bucket, contact_id, kind, fact FROM change")
    assert (bucket, owner, what) == (contact % 64, contact, "event")
    assert [facts.read(fact)] == sql.rows("SELECT ts, id FROM event"), "it names this very view"
    assert not records.many("contact", [contact])


def test_the_same_hit_is_recorded_once(collector: Running) -> None:
    hit = view()
    for _ in range(3):
        assert collector.hits(hit).status_code == 204
    assert collector.hits(hit, hit).status_code == 204
    assert len(events()) == 1
    assert sql.rows("SELECT count(*) FROM change") == [(1,)]


def test_a_dwell_grows_and_never_shrinks(collector: Running) -> None:
    at = now_ms() - 90_000
    collector.hits(view(2, at=at))
    for seconds in (12.5, 60.1, 30):
        collector.hits({"k": "page_dwell", "id": 3, "t": at, "u": "https://www.nuriwork.example/pricing", "n": seconds})
    assert [(kind, key, value) for _, kind, key, value, _ in events()] == [
        (Kind.PAGE_VIEW, "www.nuriwork.example/pricing", None),
        (Kind.PAGE_DWELL, "www.nuriwork.example/pricing", 60.1),
    ]
    assert sql.rows("SELECT count(DISTINCT key) FROM event") == [(1,)]  # both name the same page


def test_clicks_and_downloads_name_what_they_are_about(collector: Running) -> None:
    page = "https://www.nuriwork.example/"
    collector.hits(
        {"k": "cta_click", "id": 1, "t": now_ms(), "u": page, "x": {"cta": "첫 화면 상담 신청", "href": f"{page}demo"}},
        {"k": "download", "id": 2, "t": now_ms(), "u": page, "x": {"href": f"{page}files/소개서.pdf?v=2", "text": "소개서"}},
    )
    assert {(kind, key) for _, kind, key, _, _ in events()} == {(Kind.CTA_CLICK, "첫 화면 상담 신청"), (Kind.DOWNLOAD, "www.nuriwork.example/files/소개서.pdf")}


def test_what_else_a_browser_tells_is_kept_and_an_event_nobody_defined_is_not(collector: Running) -> None:
    from baton.events.models import EventDefinition

    EventDefinition.objects.create(name="signed_in", label="Signed in", properties=[{"name": "plan", "label": "Plan", "type": "string"}])
    at, page = now_ms() - 1000, "https://www.nuriwork.example/"
    try:
        answer = collector.hits(
            view(4, at=at, url=page),
            {"k": "page_scroll", "id": 6, "t": at, "u": page, "n": 40},
            {"k": "page_scroll", "id": 6, "t": at, "u": page, "n": 90},
            {"k": "video_watched", "id": 8, "t": at, "u": page, "n": 25, "x": {"video": "vimeo:76979871", "seconds": 15}},
            {"k": "form_view", "id": 12, "t": at, "u": page, "x": {"form": "7", "label": "not the browser's to name"}},
            {"k": "tracking_choice", "id": 16, "t": at, "u": page, "x": {"choice": "granted", "version": "2", "language": "ko"}},
            {"k": "custom_event", "id": 20, "t": at, "u": page, "x": {"name": "signed_in", "properties": {"plan": "team", "password": "no"}}},
            {"k": "custom_event", "id": 24, "t": at, "u": page, "x": {"name": "invented"}},
            l="ko-KR",
            z="Asia/Seoul",
            i={"email": "minjun@hankyul.example", "firstname": "민준"},
        )
    finally:
        EventDefinition.objects.all().delete()
    assert answer.status_code == 204
    collector.hits({"k": "video_watched", "id": 8, "t": at, "u": page, "n": 50, "x": {"video": "vimeo:76979871", "seconds": 30}})
    assert {(kind, key, value) for _, kind, key, value, _ in events()} == {
        (Kind.PAGE_VIEW, "www.nuriwork.example/", None),
        (Kind.PAGE_SCROLL, "www.nuriwork.example/", 90),
        (Kind.VIDEO_WATCHED, "vimeo:76979871", 50),
        (Kind.FORM_VIEW, "7", None),
        (Kind.TRACKING_CHOICE, "granted", None),
        (Kind.CUSTOM_EVENT, "signed_in", None),
        (Kind.SAID_WHO, "", None),
    }
    said = {kind: json.loads(payload) for kind, payload in sql.rows("SELECT kind, payload FROM event")}
    assert said[Kind.CUSTOM_EVENT] == {"page": page, "properties": {"plan": "team"}}
    assert said[Kind.SAID_WHO] == {"email": "minjun@hankyul.example", "properties": {"firstname": "민준"}}
    assert said[Kind.VIDEO_WATCHED] == {"page": page, "seconds": 30}
    assert sql.rows("SELECT label FROM event_key WHERE kind = %s", [Kind.FORM_SUBMISSION]) == [("",)]
    assert sql.rows("SELECT language, zone, choice FROM visitor") == [("ko-KR", "Asia/Seoul", "granted")]


def test_many_browsers_at_once_and_one_browser_at_once(collector: Running) -> None:
    async def all_at_once() -> list[int]:
        async def one(number: int) -> int:
            body = {"v": 1, "c": f"{number % 10:032x}", "s": now_ms(), "h": [view(number * 2)]}
            return (await collector.http.post("/t/e", json=body)).status_code

        return await asyncio.gather(*(one(number) for number in range(200)))

    assert set(collector.do(all_at_once())) == {204}
    assert sql.rows("SELECT count(*), count(DISTINCT contact_id) FROM event") == [(200, 10)]
    assert sql.rows("SELECT count(*) FROM identity WHERE kind = 'cookie'") == [(10,)]
    assert sql.rows("SELECT count(*) FROM visitor") == [(10,)]


def test_a_wake_up_call_follows_the_commit(collector: Running) -> None:
    at = connection.settings_dict
    with psycopg.connect(host=at["HOST"], port=at["PORT"] or None, user=at["USER"], password=at["PASSWORD"], dbname=at["NAME"], autocommit=True) as other:
        other.execute("LISTEN baton_change")
        collector.hits(view())
        assert next(other.notifies(timeout=5)).channel == "baton_change"
        assert other.execute("SELECT count(*) FROM event").fetchone() == (1,)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ("null", ""),
        ("[" * 5000, ""),
        ({"v": 2}, "v"),
        ({"v": 1, "c": "short"}, "c"),
        ({"v": 1, "c": "C" * 32}, "c"),
        ({"v": 1, "c": COOKIE, "s": "now"}, "s"),
        ({"v": 1, "c": COOKIE, "s": 1.5}, "s"),
        ({"v": 1, "c": COOKIE, "s": 1}, "h"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": []}, "h"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": {}}, "h"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [1]}, "h[0]"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "form_submission"}]}, "h[0].k"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": ["page_view"]}]}, "h[0].k"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view"}]}, "h[0].id"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view", "id": 1 << 53}]}, "h[0].id"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view", "id": True}]}, "h[0].id"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view", "id": 1, "t": -1}]}, "h[0].t"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view", "id": 1, "t": 1, "u": "javascript:alert(1)"}]}, "h[0].u"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view", "id": 1, "t": 1, "u": "https://[broken"}]}, "h[0].u"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_view", "id": 1, "t": 1, "u": "https://a.example/", "title": 3}]}, "h[0].title"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_dwell", "id": 1, "t": 1, "u": "https://a.example/"}]}, "h[0].n"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_dwell", "id": 1, "t": 1, "u": "https://a.example/", "n": -5}]}, "h[0].n"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "page_dwell", "id": 1, "t": 1, "u": "https://a.example/", "n": float("nan")}]}, "h[0].n"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "cta_click", "id": 1, "t": 1, "u": "https://a.example/"}]}, "h[0].x.cta"),
        ({"v": 1, "c": COOKIE, "s": 1, "h": [{"k": "download", "id": 1, "t": 1, "u": "https://a.example/", "x": {"href": "file"}}]}, "h[0].x.href"),
        ({"v": 1, "c": COOKIE, "s": 1, "bt": 7}, "bt"),
    ],
)
def test_a_malformed_request_is_refused_whole_with_the_place_of_the_fault(collector: Running, body: Any, path: str) -> None:
    answer = collector.post(body)
    assert answer.status_code == 400
    assert answer.json()["path"] == path
    assert answer.json()["error"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_one_bad_hit_refuses_the_good_ones_beside_it(collector: Running) -> None:
    answer = collector.hits(view(2), {**view(4), "k": "purchase"})
    assert (answer.status_code, answer.json()["path"]) == (400, "h[1].k")
    assert events() == []


def test_a_request_over_the_limit_is_refused(collector: Running) -> None:
    answer = collector.post(b" " * 1_000_000)
    assert answer.status_code == 413
    assert str(wire.MAX_BODY) in answer.json()["error"]
    assert collector.post(json.dumps({"v": 1, "c": COOKIE, "s": now_ms(), "h": [view(title="가" * 5_000)]})).status_code == 204


def test_odd_but_honest_addresses_are_kept(collector: Running) -> None:
    long = "https://www.nuriwork.example/" + "%ED%95%9C" * 220
    for number, url in enumerate(
        (long, "https://www.nuriwork.example/a%00b", "https://User:pw@WWW.Nuriwork.example:8443/Path/?q=1#x", "https://www.nuriwork.example")
    ):
        assert collector.hits(view(number * 2, url=url)).status_code == 204, url
    assert {key for _, _, key, _, _ in events()} >= {"www.nuriwork.example/ab", "www.nuriwork.example:8443/Path", "www.nuriwork.example/"}


def test_a_title_with_a_zero_byte_is_kept(collector: Running) -> None:
    assert collector.hits({**view(), "title": "x\0y"}).status_code == 204
    assert len(events()) == 1


def test_a_beacon_with_a_text_body_is_taken_and_any_site_may_ask(collector: Running) -> None:
    body = json.dumps({"v": 1, "c": COOKIE, "s": now_ms(), "h": [view()]})
    assert collector.post(body, headers={"content-type": "text/plain;charset=UTF-8", "origin": "https://www.nuriwork.example"}).status_code == 204
    preflight = collector.do(collector.http.options("/t/e"))
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert collector.get("/t/e").status_code == 405


@pytest.mark.parametrize("agent", ["Googlebot/2.1 (+http://www.google.com/bot.html)", "curl/8.5.0", "Mozilla/5.0 HeadlessChrome/130.0"])
def test_robots_are_answered_and_not_recorded(collector: Running, agent: str) -> None:
    assert collector.post({"v": 1, "c": COOKIE, "s": now_ms(), "h": [view()]}, headers={"user-agent": agent}).status_code == 204
    assert events() == []


@pytest.mark.parametrize(
    ("off", "told", "recorded"),  # minutes: the browser's clock against ours, how long ago it says the view was, and how long ago it was recorded
    [(0, 10, 10), (-4, 10, 14), (-7.5, 10, 10.5), (3, 10, 10), (-300, 0, 0), (600, 0, 0)],
)
def test_a_clock_that_is_off_is_corrected_by_whole_minutes(collector: Running, off: float, told: float, recorded: float) -> None:
    sent = now_ms() + int(off * 60_000)
    collector.hits(view(at=sent - int(told * 60_000)), sent=sent)
    [(ts,)] = sql.rows("SELECT ts FROM event")
    ago = (datetime.now(UTC) - ts).total_seconds() / 60
    assert recorded - 0.1 <= ago <= recorded + 1.1
    assert ts <= datetime.now(UTC)


def test_a_hit_of_last_month_finds_its_partition_and_one_of_last_year_is_refused(collector: Running) -> None:
    month = datetime.now(UTC).replace(day=1)
    old = int(month.timestamp() * 1000) - 5 * 86_400_000
    name = f"event_{datetime.fromtimestamp(old / 1000, UTC):%Y%m}"
    sql.run(f"ALTER TABLE event DETACH PARTITION {name}")
    sql.run(f"DROP TABLE {name}")

    async def all_at_once() -> list[int]:
        """So many that two connections write, and both find no partition."""

        async def one(number: int) -> int:
            hits = [view(number * 1000 + n * 4, at=old + n) for n in range(200)]
            return (await collector.http.post("/t/e", json={"v": 1, "c": f"{number:032x}", "s": now_ms(), "h": hits})).status_code

        return await asyncio.gather(*(one(number) for number in range(10)))

    assert set(collector.do(all_at_once())) == {204}
    assert len(events()) == 2_000
    answer = collector.hits(view(at=now_ms() - 365 * 86_400_000))
    assert (answer.status_code, answer.json()["path"]) == (400, "h[0].t")


def test_after_a_join_the_next_hit_is_the_contacts(collector: Running) -> None:
    collector.hits(view(2))
    visitor = identity.visitor(COOKIE)
    assert visitor is not None
    contact = records.create("contact", {"email": "minjun@hankyul.example"}, actor=SYSTEM, source="api")
    identity.join(visitor, contact, by="api")
    collector.hits(view(4))
    changes.tick()
    assert {owner for owner, kind, *_ in events() if kind == Kind.PAGE_VIEW} == {contact}
    assert len([e for e in events() if e[1] == Kind.PAGE_VIEW]) == 2


def test_a_hit_that_was_on_its_way_during_a_join_follows(collector: Running) -> None:
    """The collector wrote to the visitor's id after it was joined: the tick moves the event."""
    collector.hits(view(2))
    visitor = identity.visitor(COOKIE)
    assert visitor is not None
    contact = records.create("contact", {"email": "minjun@hankyul.example"}, actor=SYSTEM, source="api")
    identity.join(visitor, contact, by="api")
    stores = collector.app.buffer.stores
    wait_for(lambda: not any(COOKIE in store._owners for store in stores))
    for store in stores:
        store._owners[COOKIE] = (visitor, 0)
    collector.hits(view(4))
    assert visitor in {e[0] for e in events()}
    while changes.tick():
        pass
    assert {e[0] for e in events()} == {contact}


def test_last_seen_follows_what_people_do(collector: Running) -> None:
    collector.hits(view(at=now_ms() - 60_000))
    contact = identity.visitor(COOKIE)
    collector.hits(view(4))
    changes.tick()
    [(first, last)] = sql.rows("SELECT first_seen_at, last_seen_at FROM visitor WHERE contact_id = %s", [contact])
    assert 55 < (last - first).total_seconds() < 65


def test_a_token_of_a_mail_makes_the_visitor_the_contact(collector: Running) -> None:
    from baton.platform import signing

    contact = records.create("contact", {"email": "minjun@hankyul.example"}, actor=SYSTEM, source="api")
    collector.hits(view(2))
    collector.hits(view(4), bt=signing.make("contact", contact, 77))
    while changes.tick():
        pass
    assert identity.visitor(COOKIE) == contact
    noted = [e for e in events() if e[1] == Kind.IDENTIFIED]
    assert [e[0] for e in noted] == [contact]
    # a colleague the mail was forwarded to, known himself, stays who he is
    other = records.create("contact", {"email": "seoyeon@hankyul.example"}, actor=SYSTEM, source="api")
    contacts.claim("cookie", B, other)
    collector.hits(view(6), cookie=B, bt=signing.make("contact", contact, 77))
    while changes.tick():
        pass
    assert identity.visitor(B) == other
    # a forged token is no token
    assert collector.hits(view(8), cookie="d" * 32, bt="forged").status_code == 204
    while changes.tick():
        pass
    assert identity.visitor("d" * 32) not in (contact, other)


def test_the_tracker_is_served_small_with_a_tag(collector: Running) -> None:
    script = collector.get("/t/baton.js", headers={"accept-encoding": "gzip"})
    assert script.status_code == 200
    assert int(script.headers["content-length"]) < 5 * 1024
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert collector.get("/t/baton.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    assert collector.get("/t/other.js").status_code == 404
