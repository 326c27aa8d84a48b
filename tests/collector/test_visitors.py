"""What is concluded about a visitor: country, device, robot or person; and who may send how much."""

import json
import time
from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from baton.collector import countries, hits
from baton.collector.device import device
from baton.collector.http import crawler
from baton.collector.limits import Buckets
from baton.events.models import Site
from baton.platform import senders, sql
from tests.collector.running import BROWSER, Running, events, view, wait_for

DEVICES = json.loads((Path(__file__).parent.parent / "data" / "uap_core_devices.json").read_text())


def test_every_sample_of_the_list_of_robots_is_a_robot() -> None:
    samples = [sample for one in CRAWLER_USER_AGENTS_DATA for sample in one["instances"]]
    assert len(samples) > 2_000
    assert [sample for sample in samples if not crawler(sample, False)] == []
    assert not crawler(BROWSER, False)


@pytest.mark.parametrize("word", ["desktop", "phone", "tablet", "none"])
def test_devices_are_what_the_parsers_own_tests_call_them(word: str) -> None:
    assert len(DEVICES[word]) > 50
    assert {(agent, found) for agent in DEVICES[word] if (found := device(agent) or "none") != word} == set()


@pytest.mark.parametrize(
    ("address", "zone", "language", "country"),
    [
        ("168.126.63.1", "America/New_York", "en-US", "KR"),  # the address tells
        ("2001:230::1", "", "", "KR"),
        ("10.1.2.3", "Asia/Seoul", "en-US", "KR"),  # of a private one the time zone
        ("", "Etc/UTC", "ko-KR", "KR"),  # else the language
        ("", "", "zh-Hant-TW", "TW"),
        ("", "", "ko", ""),
        ("no address", "", "", ""),
    ],
)
def test_a_country_is_told_by_address_zone_or_language(address: str, zone: str, language: str, country: str) -> None:
    assert countries.country(address, zone, language) == country


def test_without_the_list_the_time_zone_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(countries, "FILE", tmp_path / "countries.bin")
    for cached in (countries._list, countries.of_address):
        cached.cache_clear()
    try:
        assert countries.country("168.126.63.1", "Asia/Tokyo", "") == "JP"
    finally:
        for cached in (countries._list, countries.of_address):
            cached.cache_clear()


def test_a_proxy_of_ours_is_believed_and_nobody_else() -> None:
    assert senders.believed("127.0.0.1", "198.51.100.9, 203.0.113.7") == "203.0.113.7"
    assert senders.believed("198.51.100.9", "203.0.113.7") == "198.51.100.9"
    assert senders.believed("127.0.0.1", "") == ""


def test_a_new_visitor_has_country_language_and_device_and_his_address_is_kept_nowhere(collector: Running) -> None:
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
    collector.cut()
    sent = collector.hits(view(4), l="en-US", headers={"x-forwarded-for": "168.126.63.1", "user-agent": phone})
    assert sent.status_code == 202
    assert not any(b"168.126" in path.read_bytes() for path in (collector.folder / "spill").iterdir())
    collector.mend()
    wait_for(lambda: len(events()) > 0)
    assert sql.rows("SELECT country, language, device FROM visitor") == [("KR", "en-US", "phone")]
    assert sql.rows("SELECT count(*) FROM event WHERE payload::text LIKE '%%168.126%%'") == [(0,)]


def test_a_bucket_holds_a_burst_and_fills_at_its_rate() -> None:
    bucket = Buckets(10, 100)
    assert bucket.take("a", 100, 0) == 0
    assert bucket.take("a", 5, 0) == pytest.approx(0.5)
    assert bucket.take("b", 1, 0) == 0  # everybody has his own
    assert bucket.take("a", 5, 0.5) == 0
    assert bucket.take("a", 1_000, 1) == pytest.approx(9.5)  # more than it ever holds: when it is full


def test_who_sends_too_much_is_told_when_to_come_back(collector: Running) -> None:
    at, many = view()["t"], 0
    for start in range(0, 2_000, 200):
        answer = collector.hits(*(view((start + n) * 4, at=at) for n in range(200)))
        many += answer.status_code == 204
        if answer.status_code != 204:
            break
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 200 / hits.COOKIE_RATE
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(events()) == many * 200 == hits.COOKIE_BURST
    assert collector.hits(view(4), cookie="b" * 32).status_code == 204  # others are not held up


def test_only_registered_sites_may_send_once_there_is_one(collector: Running) -> None:
    def hits_of(origin: str) -> int:
        return collector.post(json.dumps({"v": 1, "c": "a" * 32, "s": view()["t"], "h": [view(4)]}), headers={"origin": origin} if origin else {}).status_code

    assert hits_of("https://anybody.example") == 204
    text = {"title": "쿠키", "text": "…"}
    Site.objects.create(domain="nuriwork.example", group="ours", banner={"mode": "ask", "edition": 1, "text": {"ko": text}})
    Site.objects.create(domain="nuri.example", group="ours", banner={"mode": "none"})
    try:
        sql.run("NOTIFY baton_site")
        wait_for(lambda: hits_of("https://anybody.example") == 403)
        refused = collector.post(json.dumps({"v": 1, "c": "a" * 32, "s": view()["t"], "h": [view(4)]}), headers={"origin": "null"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (403, "*")
        assert "registered" in refused.json()["error"]
        assert hits_of("https://www.nuriwork.example:8443") == 204
        assert hits_of("https://notnuriwork.example") == 403
        assert hits_of("") == 204  # a program: the page it names counts
        wait_for(lambda: Site.objects.get(domain="nuriwork.example").seen_at is not None)
        told = collector.get("/t/config?h=www.nuriwork.example").json()
        assert (told["ask"], told["linked"], told["banner"]["text"]["ko"]) == (True, ["nuri.example", "nuriwork.example"], text)
        assert collector.get("/t/config?h=nuri.example").json() == {"banner": None, "linked": ["nuri.example", "nuriwork.example"], "ask": False}
        assert collector.get("/t/config?h=elsewhere.example").json() == {"banner": None, "linked": [], "ask": False}
        begun = time.process_time()
        assert collector.get("/t/config?h=" + "." * 20_000).json()["linked"] == []
        assert time.process_time() - begun < 1  # it is no host: nobody waits while its parts are looked at
        collector.stop()
        assert Site.objects.get(domain="nuriwork.example").hits == 2
        collector.start()
    finally:
        Site.objects.all().delete()
