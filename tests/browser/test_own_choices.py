"""Whoever gets a mail chooses himself: kinds of news, a pause, out of everything, and back; in Korean, in English, on a phone. A look changes nothing."""

from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from baton.platform import clock
from tests.browser.conftest import Mailer

AXE = (Path(__file__).resolve().parent.parent.parent / "node_modules/axe-core/axe.min.js").read_text()
LOOKS = (("GET", {}), ("HEAD", {}), ("GET", {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"}), ("GET", {"User-Agent": "SafeLinks scanner"}))


def sends(method: str, url: str, body: str = "", **headers: str) -> tuple[int, bytes, str]:
    """What a program without cookies is answered: status, body, and the address it is sent on to."""
    at = urlsplit(url)
    line = HTTPConnection(at.hostname or "", at.port, timeout=60)
    line.request(method, f"{at.path}?{at.query}" if at.query else at.path, body or None, headers)
    answer = line.getresponse()
    said = answer.status, answer.read(), answer.headers.get("Location", "")
    line.close()
    return said


def looked_at(url: str) -> None:
    """Scanners, previews and prefetching mail programs come by, and follow where they are led."""
    for method, headers in LOOKS:
        status, _body, to = sends(method, url, **headers)
        assert status in (200, 302)
        if to:
            at = urlsplit(url)
            assert sends("GET", f"{at.scheme}://{at.netloc}{to}", **headers)[0] == 200


def fine(page: Page) -> None:
    """No fault that axe can find, and nothing wider than a phone."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})")
    assert [(v["id"], v["nodes"][0]["target"]) for v in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_person_chooses_pauses_leaves_and_comes_back_by_links_of_real_mails(visitor: Page, mailer: Mailer) -> None:
    page, sent = visitor, mailer("news")
    letters, talks = sent["kinds"]

    def now() -> Any:
        return mailer(f"agrees {sent['person']}")

    before = now()
    assert before["gets"] == [letters, talks]
    for link in (sent["way"], sent["centre"]):
        looked_at(link)
    assert now() == before, "a look changes nothing"

    # in Korean: one kind of news less
    page.goto(sent["centre"])
    expect(page.get_by_role("heading", level=1)).to_have_text("수신 설정")
    expect(page.get_by_text("매달 첫 화요일")).to_be_visible()
    fine(page)
    page.get_by_label("세미나 안내").uncheck()
    page.get_by_role("button", name="선택 저장").click()
    expect(page.get_by_role("status")).to_contain_text("선택을 저장했습니다.")
    expect(page.get_by_label("세미나 안내")).not_to_be_checked()
    assert now()["gets"] == [letters]

    # in English, on a phone: a pause
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    day = (clock.now() + timedelta(days=40)).date()
    page.locator("input[type=date]").fill(day.isoformat())
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Paused: you get no marketing until that day.")
    assert now()["paused"] != ""
    fine(page)
    page.get_by_role("button", name="End the pause").click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert now()["paused"] == ""

    # out of everything, and back by the mail that says so
    page.get_by_role("button", name="Unsubscribe from everything").click()
    expect(page.get_by_role("status")).to_contain_text("You are unsubscribed from everything.")
    left = now()
    assert (left["gets"], left["granted"], left["stopped"]) == ([], False, True)
    undo = mailer(f"undo {sent['person']}")
    looked_at(undo)
    assert now() == left
    page.goto(f"{undo}?language=en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Take the unsubscription back?")
    fine(page)
    page.get_by_role("button", name="Undo the unsubscription").click()
    expect(page.get_by_role("status")).to_contain_text("receives our news again, as agreed before.")
    back = now()
    assert (back["gets"], back["granted"], back["stopped"]) == ([letters], True, False)
    assert (back["since"], back["words"]) == (before["since"], before["words"]), "what he had agreed to, no newer agreement"
    assert back["answers"] > left["answers"], "the ledger has both"

    # the mail program's own button: one POST without cookies, as often as it likes
    for _time in range(2):
        answered = sends("POST", sent["way"], sent["post"], **{"Content-Type": "application/x-www-form-urlencoded"})
        assert answered == (200, b"", "")
    assert (now()["gets"], now()["granted"], now()["answers"]) == ([], True, back["answers"] + 1)
    page.goto(sent["way"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("월간 소식")
    fine(page)
    page.goto(mailer(f"undo {sent['person']}"))
    page.get_by_role("button", name="수신 거부 되돌리기").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("이전 상태로 되돌렸습니다")
    page.get_by_role("link", name="받을 소식 고르기").click()
    page.get_by_label("세미나 안내").check()
    page.get_by_role("button", name="선택 저장").click()
    expect(page.get_by_role("status")).to_contain_text("선택을 저장했습니다.")
    assert now()["gets"] == [letters, talks]
