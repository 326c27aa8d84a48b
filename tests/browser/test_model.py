"""The Model in a browser: a dragged rate moves the board and the address, and a number leads to its people."""

import re

import pytest
from playwright.sync_api import Page, expect

from .test_live import Elsewhere, elsewhere  # noqa: F401  # the fixture

HISTORY = """
from datetime import timedelta
from baton.crm.models import Booking
from baton.platform import clock
from tests.analytics.ledger import book, many
if not Booking.objects.filter(contact_id__gte=8_000_000).exists():
    then = clock.now() - timedelta(minutes=30)
    way = ["lead", "nurturing", "mql", "sql", "opportunity", "customer"]
    steps = [(then + timedelta(minutes=n), stage) for n, stage in enumerate(way)]
    for number, length in enumerate((1, 2, 3, 4, 5, 6)):
        book(many(40 - 5 * number, steps[:length], 8_000_000 + 100 * number))
answer = Booking.objects.count()
"""


@pytest.fixture
def history(elsewhere: Elsewhere) -> int:  # noqa: F811  # pytest finds the fixture by its name
    """165 people who came this month; 15 of them won."""
    found: int = elsewhere(HISTORY)
    return found


def test_a_dragged_rate_moves_the_board_and_can_be_taken_back(page: Page, history: int) -> None:
    page.goto("/model/")
    slider = page.locator("input[name=nurturing]")
    before = int(slider.input_value())
    slider.focus()
    with page.expect_response(lambda answer: "/model/?" in answer.url and answer.status == 200):
        page.keyboard.press("End")
    expect(page).to_have_url(re.compile("nurturing=100"))
    expect(page.locator(".stages .delta.good")).to_be_visible()
    expect(page.locator(".sankey path.move").first).to_be_visible()
    page.reload()
    assert int(slider.input_value()) > before
    page.locator(".model-grid header a").click()
    expect(slider).to_have_value(str(before))


def test_a_number_leads_to_its_people(page: Page, history: int) -> None:
    page.goto("/model/")
    expect(page.locator("#model-ages table")).to_be_visible()
    number = page.locator(".stages li a").nth(1)
    told = number.inner_text()
    number.click()
    expect(page.locator("h1 small")).to_have_text(told)
    assert page.locator(".behind tbody tr").count() == min(50, int(told.replace(",", "")))
