"""The workflow page in a browser: counts that move by themselves, a step changed in the panel, a new step, publishing."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .test_accessibility import check
from .test_live import Elsewhere, connected, elsewhere  # noqa: F401  # the fixture

MAKE = """
from baton.automation import verbs
from baton.messaging.models import Email
email = Email.objects.create(name="서비스 소개", subject="안녕하세요", body="<p>본문</p>")
steps = [
    {"id": "s1", "type": "send_email", "email": email.pk},
    {"id": "s2", "type": "branch", "filter": {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["head"]},
     "paths": [{"label": "yes", "steps": [{"id": "s3", "type": "notify", "to": "owner", "title": "확인"}]}, {"label": "no", "steps": []}]},
    {"id": "s4", "type": "wait", "days": 1},
]
workflow = verbs.create("상담 문의 후속", SYSTEM, {"triggers": [{"id": "t", "type": "form_submitted"}], "steps": steps})
verbs.publish(workflow, SYSTEM)
answer = workflow.pk
"""
ENROLL = """
from baton.automation import enroll, runner
from baton.automation.models import Workflow
from baton.crm.models import Contact
enroll.enroll(Workflow.objects.get(pk={pk}), list(Contact.objects.values_list("pk", flat=True)[:8]), "test", SYSTEM)
while runner.run_due():
    pass
"""


@pytest.fixture
def workflow(elsewhere: Elsewhere) -> Any:  # noqa: F811  # pytest finds the fixture by its name
    """The address of a new workflow that runs."""
    return elsewhere(MAKE)


def test_counts_move_while_the_page_is_open(page: Page, elsewhere: Elsewhere, workflow: int) -> None:  # noqa: F811
    connected(page, f"/workflows/{workflow}/")
    expect(page.locator("#counts-t .passed")).to_have_text("0")
    elsewhere(ENROLL.format(pk=workflow))
    expect(page.locator("#counts-t .passed")).to_have_text("8")
    expect(page.locator("#counts-s1 .passed")).to_have_text("8")
    expect(page.locator("#counts-s4 .waiting")).to_contain_text("8")
    expect(page.locator("#kpis")).to_contain_text("8")
    expect(page.locator("#log-rows tr").first).to_be_visible()


def test_a_step_is_changed_added_removed_and_published(page: Page, workflow: int) -> None:
    page.goto(f"/workflows/{workflow}/")
    page.locator("#node-s4").click()
    expect(page).to_have_url(re.compile("node=s4"))
    days = page.locator("#step-form [name=days]")
    days.fill("3")
    days.blur()
    publish = page.locator("[popovertarget=publish]")
    expect(publish).to_be_visible()  # the draft is no longer what is published
    page.reload()
    page.locator("#node-s4").click()
    expect(days).to_have_value("3")
    page.locator("#flow .insert").first.click()
    page.locator(".step-kinds [value=wait]").click()
    new = page.locator("#node-s5")
    expect(new).to_have_attribute("aria-current", "true")
    publish.click()
    expect(page.locator("#publish .problems li")).to_have_count(1)  # nobody said how long to wait
    page.keyboard.press("Escape")
    page.locator("[popovertarget=step-menu]").click()
    page.locator("#step-menu [value=away]").click()
    expect(new).to_have_count(0)
    page.locator(".toast button").click()
    expect(new).to_have_count(1)
    with page.expect_response(re.compile("node=s5")):  # the panel it answers replaces what is being typed
        new.click()
    expect(days).not_to_have_value("3")  # the panel shows the new step, no longer the old one
    days.fill("2")
    days.blur()
    expect(page.locator("#node-s5")).to_contain_text("2")
    publish.click()
    page.locator("#publish [type=submit]").click()
    expect(publish).to_have_count(0)


def test_a_branch_gets_another_condition(page: Page, workflow: int) -> None:
    page.goto(f"/workflows/{workflow}/?node=s2")
    editor = page.locator("#filter-form")
    editor.get_by_role("button", name="조건", exact=True).click()
    editor.get_by_role("button", name="페이지 조회").click()
    address = page.locator("[name='filter/all.1/address']")
    address.fill("/pricing")
    address.press("Enter")
    expect(editor.get_by_role("status")).to_contain_text("/pricing")
    editor.locator(".filter-row").first.get_by_role("button").last.click()
    expect(editor.locator(".filter-row")).to_have_count(1)
    expect(address).to_have_count(0)
    expect(page.locator("[name='filter/all.0/address']")).to_have_value("/pricing")


def test_the_mail_is_seen_in_the_panel(page: Page, workflow: int) -> None:
    page.goto(f"/workflows/{workflow}/?node=s1")
    expect(page.frame_locator(".mail-preview iframe").get_by_text("본문")).to_be_visible()
    page.locator(".mail-preview a").click()
    page.locator("[name=subject]").fill("새 제목")
    page.locator("[form=email-form]").click()
    expect(page.locator(".toast")).to_be_visible()
    page.locator(".crumb a").click()
    expect(page.locator(".mail-preview")).to_contain_text("새 제목")


def test_everybody_can_use_the_canvas(page: Page, workflow: int) -> None:
    check(page, f"/workflows/{workflow}/?node=s2")
    check(page, "/emails/1/")
