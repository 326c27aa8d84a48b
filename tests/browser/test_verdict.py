"""Sales says what it thinks of a lead, on the record and at the desk; the way back; a pause with a wake-up condition."""

import pytest
from playwright.sync_api import Page, expect

from .test_live import Elsewhere, elsewhere  # noqa: F401  # the fixture

LEAD = """
from baton.crm import records
given = {"lastname": "판", "firstname": "정아", "email": "verdict@gaon.example", "lifecyclestage": "sql"}
answer = records.create("contact", given, actor=SYSTEM, source="page")
"""


@pytest.fixture
def lead(elsewhere: Elsewhere) -> int:  # noqa: F811  # pytest finds the fixture by its name
    """An SQL without a verdict."""
    found: int = elsewhere(LEAD)
    return found


def test_a_verdict_its_way_back_and_a_pause(page: Page, lead: int) -> None:
    page.goto(f"/contacts/{lead}/")
    panel = page.locator("#verdict")
    panel.get_by_role("button", name="아직 아님").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_role("radio", name="아직 아님")).to_be_checked()
    form.get_by_label("이유").fill("예산이 없음")
    form.get_by_role("button", name="판정하기").click()
    expect(panel).to_contain_text("예산이 없음")
    expect(form).to_be_hidden()
    page.get_by_role("button", name="되돌리기").last.click()
    expect(panel.get_by_role("button", name="일시중지")).to_be_visible()

    page.goto("/handover/")
    row = page.locator(f"#lead-{lead}")
    row.get_by_role("button", name="일시중지").click()
    expect(form.get_by_label("끝")).to_be_visible()
    form.get_by_label("이유").fill("내년 예산")
    form.get_by_role("radio", name="진짜 SQL").check()
    expect(form.get_by_label("끝")).to_be_hidden()
    form.get_by_role("radio", name="일시중지").check()
    form.get_by_role("button", name="판정하기").click()
    expect(row).to_have_count(0)

    page.goto("/recycle/")
    resting = page.get_by_role("listitem").filter(has_text="판정아").first
    expect(resting).to_contain_text("내년 예산")
    resting.get_by_role("button", name="지금 끝내기").click()
    expect(page.get_by_role("listitem").filter(has_text="판정아").filter(has_text="직접 끝냈습니다")).to_be_visible()
