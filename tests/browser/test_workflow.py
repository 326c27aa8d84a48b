"""The workflow page in a browser: counts that move by themselves, a step changed in the panel, a new step, publishing."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import settled
from .sites import until
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
    expect(page.locator("#counts-s1 .passed")).to_have_text("0")
    elsewhere(ENROLL.format(pk=workflow))
    expect(page.locator("#counts-s1 .passed")).to_have_text("8")
    expect(page.locator("#counts-s4 .waiting")).to_contain_text("8")
    expect(page.locator("#kpis")).to_contain_text("8")
    expect(page.locator("#log-rows tr").first).to_be_visible()


def order(page: Page) -> list[str]:
    """The ids of the steps as they are drawn."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('[data-kind=step]')].map(e => e.dataset.id)")
    return found


def focused(page: Page) -> str:
    """The item of the tree that has the focus."""
    found: str = page.evaluate("document.activeElement.dataset.id ?? document.activeElement.dataset.way ?? document.activeElement.dataset.end ?? ''")
    return found


def chosen(page: Page, step: str) -> None:
    """Its panel is there when this is over."""
    with page.expect_response(re.compile(f"node={step}")):
        page.locator(f"#node-{step} .name").click()
    expect(page.locator(f"#step-form[hx-post$='/steps/{step}/']")).to_be_visible()


def press(page: Page, key: str) -> None:
    """A key that changes the draft: the answer is there when this is over."""
    with page.expect_response(re.compile("/(change|undo|redo)/")):
        page.keyboard.press(key)
    settled(page)


def test_a_workflow_is_built_by_pointer(page: Page, workflow: int) -> None:
    page.goto("/workflows/")
    page.locator(".page-head [data-dialog=new-workflow]").click()
    page.locator("#new-workflow [name=name]").fill("웨비나 초대")
    page.locator("#new-workflow [type=submit]").click()
    page.wait_for_url(re.compile(r"/workflows/\d+/$"))
    page.locator(".step-kinds [value=form_submitted]").click()
    expect(page.locator(".node.trigger .name")).to_be_visible()
    page.locator(".flow-end .insert").hover()
    page.locator(".flow-end .insert").click()
    page.locator("[data-kinds-search]").fill("이메일")
    page.locator(".step-kinds [value=send_email]").click()
    page.locator("#step-form [name=email]").select_option(index=1)
    page.locator(".flow-end .insert").last.click()
    page.locator(".step-kinds [value=branch]").click()
    expect(page.locator("#node-s2")).to_be_visible()
    page.locator(".insert[data-at='root:1']").click()
    page.locator("[data-new=wait]").drag_to(page.locator(".insert[data-at='s2.yes:0']"))
    expect(page.locator("[data-way=s2-0] #node-s3")).to_be_visible()
    page.locator("#node-s1").drag_to(page.locator(".insert[data-at='s2.no:0']"))
    expect(page.locator("[data-way=s2-1] #node-s1")).to_be_visible()
    page.locator(".flow-tools [data-do=undo]").click()
    expect(page.locator("#flow > li > #node-s1")).to_be_visible()
    chosen(page, "s1")
    page.locator("[popovertarget=step-menu]").click()
    page.locator("[data-act=carry]").click()  # the way of moving without dragging
    page.locator(".insert[data-at='s2.no:0']").click()
    expect(page.locator("[data-way=s2-1] #node-s1")).to_be_visible()
    page.locator(".toast button").last.click()
    expect(page.locator("#flow > li > #node-s1")).to_be_visible()
    chosen(page, "s2")
    page.locator("[popovertarget=step-menu]").click()
    page.locator("#step-menu [value=drop]").click()
    expect(page.locator("#node-s2")).to_have_count(0)
    page.reload()  # what can be undone outlives it
    page.locator(".flow-tools [data-do=undo]").click()
    expect(page.locator("[data-way=s2-0] #node-s3")).to_be_visible()


def test_a_workflow_is_changed_by_keys_copied_and_published(page: Page, elsewhere: Elsewhere, workflow: int) -> None:  # noqa: F811
    page.goto(f"/workflows/{workflow}/?node=s1")
    page.locator("[data-id=s1]").focus()
    page.keyboard.press("ArrowDown")
    assert focused(page) == "s2"
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-id=s2]")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "s4"  # what is folded is passed over
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "s3"
    page.keyboard.press("Control+c")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "s2-1"
    press(page, "Control+v")
    expect(page.locator("[data-way=s2-1] #node-s5")).to_be_visible()
    press(page, "Alt+ArrowDown")  # out of the way
    expect(page.locator("#flow > li > #node-s5")).to_be_visible()
    expect(page.locator("[data-id=s5]")).to_be_focused()
    with page.expect_response(re.compile("/redo/")):  # faster than the answers: one after the other, none is lost
        for key in ("Delete", "Control+z", "Control+z", "Control+Shift+z"):
            page.keyboard.press(key)
    settled(page)
    assert order(page) == ["s1", "s2", "s3", "s5", "s4"]
    page.locator("[data-id=s5]").focus()
    press(page, "Delete")
    page.locator("[data-id=s1]").focus()
    page.keyboard.press("/")
    search = page.locator("[data-kinds-search]")
    expect(search).to_be_focused()
    page.keyboard.type("대기")
    page.keyboard.press("ArrowDown")
    press(page, "Enter")
    expect(page.locator("[data-id=s5]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#step-form [name=name]")).to_be_focused()
    days = page.locator("#step-form [name=days]")
    days.fill("2")
    with page.expect_response(re.compile("/steps/s5/")):
        days.press("Tab")
    hours = page.locator("#step-form [name=hours]")
    hours.fill("7")  # and the page is left before the field is
    page.goto(f"/workflows/{workflow}/?node=s5")
    until(page, "fetch(location.href).then(answer => answer.text()).then(text => /name=.hours.[^>]*value=.7./.test(text))")
    page.reload()
    expect(hours).to_have_value("7")
    expect(days).to_have_value("2")
    elsewhere(f"from baton.automation import verbs\nfrom baton.automation.models import Workflow\nw = Workflow.objects.get(pk={workflow})\n"
              "verbs.save_draft(w, {**w.draft, 'settings': {'again': 'never'}}, SYSTEM)\nanswer = 1")  # fmt: skip
    days.fill("9")
    days.press("Tab")
    expect(page.locator("#overtaken")).not_to_be_empty()
    page.locator("#overtaken a").click()
    page.locator(".page-head .btn.primary").click()
    page.wait_for_url(re.compile("/publish/"))
    page.locator("#publish [type=submit]").click()
    page.wait_for_url(re.compile(rf"/workflows/{workflow}/$"))
    expect(page.locator(".page-head .btn.primary")).to_have_count(0)


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
    page.locator(".mail-parts [data-key=mail]").click()
    page.locator("[name=subject]").fill("새 제목")
    page.get_by_role("button", name="게시", exact=True).click()
    page.locator("#sheet [type=submit]").click()
    expect(page.locator(".toast")).to_be_visible()
    page.locator("#sheet [data-close]").first.click()
    page.locator(".crumb a").click()
    expect(page.locator(".mail-preview")).to_contain_text("새 제목")


def test_everybody_can_use_the_canvas(page: Page, workflow: int) -> None:
    check(page, f"/workflows/{workflow}/?node=s2")
    check(page, f"/workflows/{workflow}/?node=settings")
    check(page, f"/workflows/{workflow}/people/?step=s1&outcome=passed")
    check(page, "/emails/1/")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/workflows/{workflow}/")
    expect(page.locator("#inspector")).to_be_hidden()
    page.locator("#node-s4").click()
    expect(page.locator("#step-form [name=days]")).to_be_visible()
    page.locator("[data-close-sheet]").click()
    expect(page.locator("#inspector")).to_be_hidden()
