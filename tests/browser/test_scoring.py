"""The rule sheet in a browser: a rule goes from a draft over its effect and the review of sales to points; bands are dragged; a contact is tried."""

import re

import pytest
from playwright.sync_api import Page, expect

from .test_live import Elsewhere, elsewhere, seller  # noqa: F401  # the fixtures

RULES = """
from baton.segments import scoring
from tests.segments import scores
model = scoring.first_model()
if not model.rules.exists():
    scores.define(model, "head", "fit_person", {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["head"]}, 50, actor=SYSTEM)
    scores.define(model, "title", "fit_person", {"condition": "property", "property": "jobtitle", "operator": "known", "value": None}, 20, actor=SYSTEM)
scoring.everyone(model)
from baton.crm.models import Contact
answer = Contact.objects.get(email="jiwoo.seo@gaonlogis.example").pk
"""


@pytest.fixture
def sheet(page: Page, elsewhere: Elsewhere) -> Page:  # noqa: F811  # pytest finds the fixture by its name
    """The sheet of a score with two rules, tried with 서지우: 50 points for heads of department, 20 for whoever has a title. Only she saw pages."""
    contact = elsewhere(RULES)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/scoring/lead/?contact={contact}")
    return page


def test_a_new_rule_goes_from_draft_to_points(sheet: Page, seller: Page) -> None:  # noqa: F811
    verdict, tried = sheet.locator("#verdict > b"), sheet.url
    before = int("".join(filter(str.isdigit, verdict.inner_text())))  # 70, and what another test gave her
    sheet.locator("#group-web [hx-get*='rules/new/']").click()
    sheet.locator("#filter-editor .btn.dashed").click()
    sheet.locator("#filter-editor [hx-vals*='add|all|page_viewed']").click()
    expect(sheet.locator("#rule-form .badge.good")).to_be_visible()  # any page: complete, so it is kept at once
    sheet.locator("#rule-form [name=points]").fill("7")
    sheet.locator("#rule-form [name=points]").press("Tab")
    expect(sheet.locator("#rule-web_rule [name=points]")).to_have_value("7")
    sheet.locator("#rule-form header [data-close]").click()
    expect(sheet.locator("#matched-web_rule")).to_have_text(re.compile("[1-9]"))  # her, and whoever saw a page in other tests
    expect(verdict).to_contain_text(str(before + 7))  # by the draft
    sheet.locator("#rule-head .switch").click()
    expect(verdict).to_contain_text(str(before - 43))
    sheet.locator("#sheet-head .btn.primary").click()
    expect(sheet.locator("#crossed b").first).not_to_have_text("0")
    expect(sheet.locator(".movers li").first).to_be_visible()
    seller.goto("/scoring/lead/draft/")
    seller.locator("[name=note]").fill("직함보다 방문이 중요합니다")
    seller.locator("#draft-body form .btn").click()
    expect(seller.locator("#draft-body")).to_contain_text("한도윤")
    sheet.reload()
    expect(sheet.locator("#draft-body")).to_contain_text("직함보다 방문이 중요합니다")
    sheet.locator("#draft-body .btn.primary").click()
    sheet.wait_for_url("**/scoring/lead/")
    sheet.goto(tried)
    expect(verdict).to_contain_text(str(before - 43))
    expect(sheet.locator("#draft-state")).to_have_count(0)
    sheet.goto("/scoring/lead/versions/")
    expect(sheet.locator("#versions > li").first).to_contain_text("한도윤")
    sheet.locator("#versions [hx-post$='/versions/3/back/']").click()
    sheet.wait_for_url("**/draft/")
    sheet.locator("#draft-body .btn.primary").click()
    sheet.wait_for_url("**/scoring/lead/")
    sheet.goto(tried)
    expect(verdict).to_contain_text(str(before))


def test_bands_are_dragged_and_kept_in_the_draft(sheet: Page) -> None:
    slider = sheet.locator("#thresholds input[name=sql]")
    before = int(slider.input_value())
    slider.focus()
    with sheet.expect_response("**/thresholds/"):
        sheet.keyboard.press("ArrowRight")
    expect(sheet.locator("[data-flag=sql] b")).to_have_text(str(before + 5))
    expect(sheet.locator("#draft-state")).to_be_visible()
    sheet.reload()
    expect(slider).to_have_value(str(before + 5))
    sheet.goto("/scoring/lead/draft/")
    sheet.locator("#draft-body [hx-post$='/discard/']").click()
    sheet.wait_for_url("**/scoring/lead/")
    expect(slider).to_have_value(str(before))


def test_another_contact_is_tried_and_given_points(sheet: Page) -> None:
    sheet.locator("#try-search").fill("서지우")
    sheet.locator("#try-people button", has_text="서지우").first.click()
    expect(sheet.locator(".tested")).to_contain_text("서지우")
    sheet.locator(".tested a.strong").click()
    card = sheet.locator("#scorecard")
    before = int(card.locator(".big-score b").inner_text())
    sheet.locator("[popovertarget=give-pop]").click()
    sheet.locator("#give-pop [name=points]").fill("4")
    sheet.locator("#give-pop [name=reason]").fill("전화로 예산을 확인함")
    sheet.locator("#give-pop .btn.primary").click()
    expect(card.locator(".big-score b")).to_have_text(str(before + 4))
    expect(card.locator("#entries")).to_contain_text("전화로 예산을 확인함")
