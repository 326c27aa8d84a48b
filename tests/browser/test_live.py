"""What happens elsewhere shows on a page that is open: alerts, counts on steps, and a quiet word when the connection is lost."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parent.parent.parent
Elsewhere = Callable[[str], Any]


@pytest.fixture(scope="session")
def elsewhere(environment: dict[str, str]) -> Elsewhere:
    """Runs a few lines in another process on the server's database; the last line's `answer` comes back."""

    def run(lines: str) -> Any:
        begin = "import json\nfrom baton.platform import setup\nsetup.django('test')\nfrom baton.platform.actor import SYSTEM\nanswer = None"
        program = f"{begin}\n{lines}\nprint(json.dumps(answer))"
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def seller(browser: Browser, server: str, signed_in: dict[str, Path]) -> Any:
    """A page of 한도윤 (sales)."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="ko-KR", base_url=server, storage_state=signed_in["han"])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert not faults


def connected(page: Page, address: str) -> None:
    """Open a page and wait until its stream is there."""
    with page.expect_response(lambda response: "/live/" in response.url and response.status == 200):
        page.goto(address)


NOTIFY = """
from baton.messaging.colleagues import notify
from baton.accounts.models import User
from baton.crm.models import Contact
contact = Contact.objects.get(email="jiwoo.seo@gaonlogis.example").pk
seller = User.objects.get(email="han@nuriwork.example").pk
title, url = "서지우 님이 SQL이 되었습니다", f"/contacts/{{contact}}/"
notify.users([seller], cause="test:{cause}", title=title, body="가온로지스 · 89점", url=url, contact_id=contact)
answer = contact
"""


def test_an_alert_shows_on_an_open_page(seller: Page, elsewhere: Elsewhere) -> None:
    connected(seller, "/contacts/")
    contact = elsewhere(NOTIFY.format(cause=time.time()))
    alerts = seller.locator("#alerts")
    expect(alerts).to_have_attribute("role", "status")
    expect(alerts.get_by_role("heading", name="서지우 님이 SQL이 되었습니다")).to_be_visible()
    expect(alerts).to_contain_text("가온로지스 · 89점")
    bell = seller.locator(".nav [data-nav-count=notifications]")
    before = int(bell.inner_text())
    assert before >= 1
    alerts.get_by_role("link").click()
    seller.wait_for_url(f"**/contacts/{contact}/")
    seller.goto("/contacts/")
    expect(bell).to_have_text(str(before - 1))  # read on the way to the record


def test_an_alert_is_closed_and_stays_on_the_list(seller: Page, elsewhere: Elsewhere) -> None:
    connected(seller, "/notifications/")
    rows = seller.locator("#notices > li.new")
    before = rows.count()
    elsewhere(NOTIFY.format(cause=time.time()))
    expect(rows).to_have_count(before + 1)
    seller.locator("#alerts [data-close]").first.click()
    expect(seller.locator("#alerts .alert")).to_have_count(0)
    expect(rows).to_have_count(before + 1)


def test_a_lost_connection_is_said_quietly_and_mends_itself(seller: Page, elsewhere: Elsewhere) -> None:
    connected(seller, "/contacts/")
    badge = seller.locator("#live-lost > span")
    expect(badge).to_be_hidden()
    seller.context.set_offline(True)
    elsewhere("from django.db import connection\nconnection.cursor().execute('SELECT 1')")
    seller.evaluate("document.getElementById('live')._htmx.sse.reader.cancel()")  # as when the network drops
    expect(badge).to_be_visible()
    cause = time.time()
    elsewhere(NOTIFY.format(cause=cause))
    seller.context.set_offline(False)
    expect(seller.locator("#alerts .alert").first).to_be_visible()  # what was missed comes
    expect(badge).to_be_hidden()
