"""Every page in both themes, on a desk and on a phone: no fault that axe can find, never wider than the screen; and the weight of what loads."""

import gzip
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page

from tests import examples

from .conftest import opened
from .pages import ADMIN, FRONT, PAGES, STORY

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text()
DIST = ROOT / "baton/web/static/dist"


LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1440),
    ("dark", 390),
)  # colours do not depend on the width, nor the order of things on the theme


@pytest.fixture(scope="module")
def page(browser: Browser, server: str, signed_in: dict[str, Path]) -> Iterator[Page]:
    """One for all: scripts, styles and fonts are loaded once."""
    yield from opened(browser, server, signed_in["oh"], "ko-KR")


@pytest.fixture(scope="module")
def admin(browser: Browser, server: str, signed_in: dict[str, Path]) -> Iterator[Page]:
    """The administrator's."""
    yield from opened(browser, server, signed_in["admin"], "ko-KR")


def check(page: Page, url: str) -> None:
    """In one of the looks, half of the pages in each; with EXAMPLES in both. Each is loaded afresh: colours just changing are neither one nor the other."""
    for theme, width in LOOKS if examples.TIMES > 1 else [LOOKS[crc32(url.encode()) % len(LOOKS)]]:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(url)
        page.evaluate(AXE)
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})")
        faults = [(v["id"], n["target"], n["failureSummary"]) for v in found["violations"] for n in v["nodes"][:2]]
        assert faults == [], (url, width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (url, width)


@pytest.mark.parametrize("url", PAGES)
def test_everybody_can_use_every_page(page: Page, url: str) -> None:
    page.set_viewport_size({"width": LOOKS[0][1], "height": 900})  # links are looked for on a desk
    check(page, FOUND[url](page) if url in FOUND else url)


@pytest.mark.parametrize("url", ADMIN)
def test_an_administrator_can_use_every_page(admin: Page, url: str) -> None:
    check(admin, url)


@pytest.mark.parametrize("url", FRONT)
def test_everybody_can_sign_in(visitor: Page, url: str) -> None:
    check(visitor, url)


@cache
def story(page: Page) -> str:
    """The address of the record with a full story."""
    page.goto(f"/contacts/?q={STORY}")
    return page.get_by_role("link", name=STORY).get_attribute("href") or ""


def company(page: Page) -> str:
    """The address of that contact's company."""
    page.goto(story(page))
    return page.locator("#links-company a").first.get_attribute("href") or ""


def backtest(page: Page) -> str:
    """The back-test of the first score, with a result."""
    page.goto("/scoring/")
    return f"{page.url}backtest/"


@cache
def first(table: str) -> Callable[[Page], str]:
    """The address of the first record of a table."""

    @cache
    def find(page: Page) -> str:
        page.goto(table)
        return page.locator("td.name a").first.get_attribute("href") or ""

    return find


def gate(page: Page) -> str:
    """The public page of a paper that asks for a form."""
    page.goto("/content/?kind=file")
    page.get_by_role("link", name="교대 근무 백서").click()
    return page.get_by_role("link", name="보러 가기").get_attribute("href") or ""


FOUND: dict[str, Callable[[Page], str]] = {
    "{backtest}": backtest,
    "{story}": story,
    "{company}": company,
    "{deal}": first("/deals/"),
    "{ticket}": first("/tickets/"),
    "{quote}": first("/objects/quotes/"),
    "{product}": first("/objects/products/"),
    "{list}": first("/lists/"),
    "{form}": first("/forms/"),
    "{form_consent}": lambda page: first("/forms/")(page) + "?part=consent",
    **{f"{{form_{tab}}}": lambda page, tab=tab: f"{first('/forms/')(page)}{tab}/" for tab in ("share", "answers", "report")},  # type: ignore[misc]
    "{workflow}": first("/workflows/"),
    "{workflow}people/?outcome=active": lambda page: first("/workflows/")(page) + "people/?outcome=active",
    "{asset}": first("/content/"),
    "{landing_page}": first("/content/pages/"),
    "{short_link}": first("/content/links/"),
    "{coupons}": first("/coupons/"),
    "{gate}": gate,
    "{list_edit}": lambda page: first("/lists/")(page) + "edit/",
    "{merge}": lambda page: story(page).replace("/contacts/", "/merge/contact/"),
    **{f"{{flow_{tab}}}": lambda page, tab=tab: f"{first('/workflows/')(page)}{tab}/" for tab in ("versions", "publish", "log", "rehearsal")},  # type: ignore[misc]
    "{flow_why}": lambda page: first("/workflows/")(page) + story(page).lstrip("/"),
    "{privacy}": lambda page: story(page).replace("/contacts/", "/privacy/"),
}


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("app.js", 25),
        ("style.css", 20),
        ("reports.css", 5),
        ("builder.js", 10),
        ("builder.css", 6),
        ("content.css", 3),
        ("flow.js", 10),
        ("flow.css", 6),
        ("public.css", 4),
    ],
)
def test_pages_load_little(name: str, limit: int) -> None:
    assert len(gzip.compress((DIST / name).read_bytes(), 9)) <= limit * 1024
