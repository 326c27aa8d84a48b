"""A real Chromium against a real server with a database of its own, filled once: other tests never see its rows.

Any script error, and any request that leaves the machine, fails the test.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from baton.demo.browser import LIGHT
from tests import running
from tools.browser import executable

PASSWORD = "baton-demo"
expect.set_options(timeout=1000 * running.PATIENCE)
Mailer = Callable[[str], Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So that `-m browser` finds them."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """A fresh, migrated, filled database: the variables of the processes under test, and the keys of the colleagues' sessions."""
    with running.environment("browser", tmp_path_factory.mktemp("data"), "tests.browser.cast") as (variables, said):
        yield variables, json.loads(said.splitlines()[-1])


@pytest.fixture(scope="session")
def environment(filled: tuple[dict[str, str], dict[str, str]]) -> dict[str, str]:
    """The variables of the processes under test."""
    return filled[0]


@pytest.fixture(scope="session")
def server(environment: dict[str, str]) -> Iterator[str]:
    """The address of a running `baton web`."""
    with running.web(environment) as url:
        yield url


@pytest.fixture(scope="session")
def mailer(environment: dict[str, str], server: str) -> Iterator[Mailer]:
    """Does the worker's part when told to (tests/browser/mailer.py)."""
    variables = {**environment, "BATON_BASE_URL": server}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.browser.mailer"], cwd=running.ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as at:

        def tell(line: str) -> Any:
            assert at.stdin
            assert at.stdout
            at.stdin.write(f"{line}\n")
            at.stdin.flush()
            while said := at.stdout.readline():  # logs come in between
                if said.startswith(("{", '"')) or said.strip().isdecimal():
                    return json.loads(said)
            raise AssertionError("the mailer ended")

        yield tell
        at.stdin.close()  # type: ignore[union-attr]  # it is a pipe


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox", *LIGHT])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def signed_in(server: str, filled: tuple[dict[str, str], dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A session of each of the cast, so that a test need not sign in: name -> storage state."""
    states = {}
    for name, key in filled[1].items():
        cookie = {
            "name": "baton_session",
            "value": key,
            "domain": "127.0.0.1",
            "path": "/",
            "expires": -1,
            "httpOnly": True,
            "secure": False,
            "sameSite": "Lax",
        }
        states[name] = tmp_path_factory.mktemp("session") / f"{name}.json"
        states[name].write_text(json.dumps({"cookies": [cookie], "origins": []}))
    return states


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module, no longer: while it lives its loop runs in this thread, and other tests of the worker could not use Django."""
    with _chromium() as chromium:
        yield chromium


@pytest.fixture
def visitor(browser: Browser, server: str) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    yield from opened(browser, server, None, "ko-KR")


@pytest.fixture
def page(browser: Browser, server: str, signed_in: dict[str, Path]) -> Iterator[Page]:
    """A page of 오세린 (marketing), in Korean."""
    yield from opened(browser, server, signed_in["oh"], "ko-KR")


@pytest.fixture
def viewer(browser: Browser, server: str, signed_in: dict[str, Path]) -> Iterator[Page]:
    """A page of somebody who may look but not touch."""
    yield from opened(browser, server, signed_in["viewer"], "ko-KR")


@pytest.fixture
def admin(browser: Browser, server: str, signed_in: dict[str, Path]) -> Iterator[Page]:
    """A page of the administrator."""
    yield from opened(browser, server, signed_in["admin"], "ko-KR")


def settled(page: Page) -> None:
    """Until what was asked for is on the page."""
    expect(page.locator("#progress")).not_to_have_class(re.compile("htmx-request"))


def opened(browser: Browser, server: str, state: Path | None, locale: str) -> Iterator[Page]:
    """A page; script errors, blocked styles and requests that leave the machine are told when it is closed."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale, base_url=server, storage_state=state)
    context.set_default_timeout(1000 * running.PATIENCE)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(f"script error on {page.url}: {error}"))
    page.on("console", lambda message: faults.append(f"console of {page.url}: {message.text}") if "Content Security Policy" in message.text else None)
    page.on("request", lambda request: faults.append(f"left the host: {request.url}") if not request.url.startswith((server, "data:", "blob:")) else None)
    yield page
    context.close()
    assert not faults
