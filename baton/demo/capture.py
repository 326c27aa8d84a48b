"""What the visitor of the story leaves behind, and who is asked: the tracker's words, a scanner, a code on a booth, content that lets the known in."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import APIRequestContext, Browser, BrowserContext, Page, Request

SEARCH = f"https://search.naver.com/search.naver?{urlencode({'query': '전자근로계약 비교'})}"
SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))"
CODE, CASE = "hr2026", "도입 사례"
NEEDED = ("page_view", "page_dwell", "video_watched", "form_view", "form_start")


class Missing(Exception):
    """Something the story needs was not there; the text is the evidence."""


def listen(context: BrowserContext) -> set[str]:
    """The kinds of hits that the pages of a browser tell of; it grows as they do."""
    told: set[str] = set()

    def note(request: Request) -> None:
        if request.url.endswith("/t/e"):
            told.update(re.findall(r'"k":"(\w+)"', request.post_data or ""))

    context.on("request", note)
    return told


def watch(page: Page) -> str:
    """Scroll down and watch a moment of the film; returns how much."""
    page.mouse.wheel(0, 1200)
    film = page.locator("video")
    film.evaluate("film => { film.muted = true; return film.play(); }")
    film.evaluate("film => new Promise(done => film.addEventListener('timeupdate', () => film.currentTime > 1.2 && done()))")
    film.evaluate("film => film.pause()")
    return f"{film.evaluate('film => film.currentTime'):.1f} s"


def complete(told: set[str]) -> str:
    """All that was to be told was told."""
    if missing := [kind for kind in NEEDED if kind not in told]:
        raise Missing(f"the tracker did not tell of {', '.join(missing)}")
    return ", ".join(NEEDED)


def source(record: str) -> str:
    """The record says where he came from, and which page was the first."""
    found = re.search(r"First source</small><b>Organic search</b><small>(Naver[^<]*)", record)
    first = re.search(r"First page</small><b>(.*?)</b>", record)
    if found is None or first is None:
        raise Missing("the record does not name the search")
    return f"organic search, {found[1]}; first page {re.sub('<[^>]*>', '', first[1])}"


def scan(request: APIRequestContext, url: str, mail: str) -> int:
    """Fetch every link of a mail, as a gateway does; returns how many there were."""
    links = list(dict.fromkeys(re.findall(r'href="((?:https?://[^/"]+)?/c/[^"]+)"', mail)))
    for link in links:
        request.get(f"{url}{urlsplit(link).path}", headers={"User-Agent": SCANNER}, max_redirects=0)
    return len(links)


def scan_code(context: BrowserContext, url: str) -> str:
    """Open the address behind the code that hangs at the booth; returns the page it led to."""
    page = context.new_page()
    page.goto(f"{url}/l/{CODE}")
    landed = page.url.removeprefix(url)
    page.close()
    if "utm_medium=qr" not in landed:
        raise Missing(f"the code led to {landed}")
    return landed.partition("?")[0]


def late(browser: Browser, known: BrowserContext, url: str, get: Callable[[str], str]) -> str:
    """Content for those who decide asks a stranger and opens for whom Baton knows."""
    row: Any = next((m for m in re.findall(r'href="/content/(\d+)/"[^>]*>(.*?)</a>', get("/content/"), re.S) if CASE in m[1]), None)
    guid = re.search(r"/a/([0-9a-f-]{36})/", get(f"/content/{row[0]}/")) if row else None
    if guid is None:
        raise Missing(f"no content named {json.dumps(CASE, ensure_ascii=False)}")
    stranger = browser.new_context(locale="ko-KR")
    asked = stranger.request.get(f"{url}/a/{guid[1]}/").text()
    opened = known.request.get(f"{url}/a/{guid[1]}/")
    stranger.close()
    if "baton-form" not in asked or "baton-form" in opened.text():
        raise Missing("the form was not where it belongs")
    return f"the stranger gets the form, the contact {urlsplit(opened.url).path}"
