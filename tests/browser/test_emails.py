"""What a marketer does with an e-mail: builds it from blocks, takes changes back, publishes it, goes back to a version, tries it on colleagues."""

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .test_accessibility import check

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # an image of one dot
DROP = """([text, where]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "dot.png", {type: "image/png"}));
  const at = where ? document.querySelector(where).getBoundingClientRect() : null;
  const sent = at
    ? new DragEvent("drop", {bubbles: true, cancelable: true, clientX: at.x + 40, clientY: at.y + 200, dataTransfer: data})
    : new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData: data});
  document.body.dispatchEvent(sent);
}"""


@pytest.fixture
def begun(page: Page) -> Callable[[str, str], str]:
    """Makes an e-mail from a template of the gallery; its editor is open then."""

    def begin(name: str, template: str) -> str:
        page.goto("/emails/new/")
        page.get_by_label("이메일 이름").fill(name)
        page.locator(f"[name=template][value={template}]").check()
        page.get_by_role("button", name="이메일 만들기").click()
        page.wait_for_url(re.compile(r"/emails/\d+/$"))
        return page.url

    return begin


def names(page: Page) -> list[str]:
    found: list[str] = page.locator("#outline [data-block]").evaluate_all("all => all.map((one) => one.dataset.name)")
    return found


def test_a_mail_is_built_taken_back_and_published(page: Page, begun: Callable[[str, str], str]) -> None:
    address = begun("가을 소식", "blank")
    mail = page.frame_locator("mail-canvas iframe:not(.next)")
    page.locator("[name=subject]").fill("가을에 달라지는 것")
    expect(page.locator(".mail-subject")).to_contain_text("(광고) 가을에 달라지는 것")
    page.get_by_role("button", name="텍스트", exact=True).first.click()  # a text is added behind what there is
    page.locator(".rich-text").click()
    page.keyboard.type("새 기능을 소개합니다. ")
    page.get_by_role("toolbar", name="서식").get_by_role("button", name="치환값").click()
    picker = page.get_by_role("dialog", name="치환값 넣기")
    picker.get_by_role("button", name="이름", exact=True).click()
    picker.get_by_label("값이 없을 때").fill("독자")
    picker.get_by_role("button", name="넣기", exact=True).click()
    expect(page.locator(".rich-text .merge-chip")).to_contain_text("독자")
    expect(mail.get_by_text("새 기능을 소개합니다.")).to_be_visible()
    page.locator("[data-add=button]").click()
    page.locator("#panel [name=label]").fill("자세히 보기")
    page.locator("#panel [name=link]").fill("https://nuriwork.example/new")
    expect(mail.get_by_role("link", name="자세히 보기")).to_be_visible()
    before = names(page)
    assert before[-1] != "자세히 보기"  # the footer stays last
    expect(page.locator("#mail-state")).to_contain_text("저장")
    block = page.locator("#outline [data-block][aria-current] [data-open]")
    block.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#outline [data-block]").nth(before.index("자세히 보기") - 1)).to_contain_text("자세히 보기")
    expect(block).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#outline [data-block]").nth(before.index("자세히 보기"))).to_contain_text("자세히 보기")
    page.reload()  # the way back outlives it
    shown = names(page)
    for _step in range(3):
        page.locator("[data-history=back]").click()
    for _step in range(3):
        page.locator("[data-history=forth]").click()  # none waits for the answer of another, and none is lost
    expect(page.locator("#mail-state")).to_contain_text("저장")
    page.get_by_role("button", name="게시", exact=True).click()
    expect(page.locator("#sheet").get_by_label("바뀐 내용")).to_be_visible()  # behind all of them
    assert names(page) == shown
    expect(page.locator("[data-history=back]")).to_have_attribute("aria-disabled", "false")
    page.locator("#sheet").get_by_label("바뀐 내용").fill("첫 게시")
    page.locator("#sheet").get_by_role("button", name=re.compile("버전 1 게시")).click()
    expect(page.locator("#mail-state")).to_contain_text("버전 1")
    check(page, address)


def test_a_block_is_dragged_on_the_mail_and_a_version_comes_back(page: Page, begun: Callable[[str, str], str]) -> None:
    page.emulate_media(reduced_motion="reduce")
    begun("초대", "personal")
    page.locator("[data-add=divider]").click()
    expect(page.locator("#outline")).to_contain_text("구분선")
    page.get_by_role("button", name="게시", exact=True).click()
    page.locator("#sheet [type=submit]").click()
    page.locator("#sheet [data-close]").first.click()
    before = names(page)
    page.locator("#outline [data-name='구분선'] [data-open]").click()
    grip = page.locator("mail-canvas [data-tools] [data-grip]")
    expect(grip).to_be_visible()
    at, to = grip.bounding_box(), page.locator("mail-canvas iframe").bounding_box()
    assert at
    assert to
    page.mouse.move(at["x"] + 8, at["y"] + 8)
    page.mouse.down()
    page.mouse.move(at["x"] + 30, to["y"] + 30, steps=5)
    expect(page.locator(".drop-line")).to_be_visible()
    page.mouse.up()
    expect(page.locator("#outline [data-block]").first).to_have_attribute("data-name", "구분선")
    expect(page.locator("#mail-state")).to_contain_text("초안")
    page.get_by_role("button", name="더 보기").click()
    page.get_by_role("button", name="버전", exact=True).click()
    expect(page.frame_locator("#version-frame").locator("body")).to_be_visible()
    page.get_by_role("button", name="버전 1을(를) 초안으로").click()
    expect(page.locator("#outline [data-block]").first).to_have_attribute("data-name", before[0])


def test_html_by_hand_goes_out_as_it_is_written(page: Page, begun: Callable[[str, str], str]) -> None:
    begun("손으로 쓴 메일", "raw")
    written = '<!DOCTYPE html>\n<html><body  bgcolor=#fff>\n<p>안녕하세요, {{ contact.firstname|default("고객") }}님</p></body></html>\n'
    page.locator("[data-key=code]").click()
    page.locator("[name=body]").fill(written)
    expect(page.frame_locator("mail-canvas iframe:not(.next)").get_by_text("안녕하세요")).to_be_visible()
    page.get_by_role("button", name="게시", exact=True).click()
    expect(page.locator("#sheet .missing")).to_be_visible()  # an advertisement without a way out
    page.locator("#sheet [data-jump]").first.click()
    page.locator("[data-key=code]").click()
    page.locator("[name=body]").fill(written.replace("</p>", ' <a href="{{ unsubscribe_url }}">수신 거부</a></p>'))
    expect(page.locator("#mail-state")).to_contain_text("저장")
    button = page.get_by_role("button", name="게시", exact=True)
    button.press("Enter")  # the sheet has still what it showed before, until the answer is there
    expect(page.locator("#sheet").get_by_label("바뀐 내용")).to_be_visible()
    expect(page.locator("#sheet:focus, #sheet :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.reload()
    page.locator("[data-key=code]").click()
    assert page.locator("[name=body]").input_value().startswith("<!DOCTYPE html>\n<html><body  bgcolor=#fff>\n<p>")


def test_images_come_by_button_drop_and_paste(page: Page, begun: Callable[[str, str], str]) -> None:
    begun("그림", "blank")
    image = page.frame_locator("mail-canvas iframe:not(.next)").locator("img[src*='/m/']")
    page.locator("[data-add=image]").click()
    page.locator("#panel [name=alt]").fill("가을 숲")
    page.locator("#panel [data-image-for]").set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": base64.b64decode(DOT)})
    expect(page.locator("#panel .image-now img")).to_be_visible()
    expect(image).to_have_count(1)
    expect(image).to_have_attribute("alt", "가을 숲")  # what was being typed, and the image
    page.evaluate(DROP, [DOT, "mail-canvas [data-sheet]"])
    expect(image).to_have_count(2)
    page.locator("#outline [data-block] [data-open]").first.click()
    page.evaluate(DROP, [DOT, None])
    expect(image).to_have_count(3)


def test_two_editors_are_told_and_a_test_goes_to_colleagues(page: Page, admin: Page, begun: Callable[[str, str], str]) -> None:
    address = begun("함께 쓰는 메일", "newsletter")
    page.locator("[name=preheader]").fill("첫째 사람이 씁니다")
    expect(page.locator("#mail-state")).to_contain_text("저장")
    admin.goto(address)
    expect(admin.locator("#mail-conflict")).to_contain_text("오세린 님도")
    page.locator("[name=preheader]").fill("첫째 사람이 또 씁니다")
    expect(page.locator(".mail-subject")).to_contain_text("또")
    admin.locator("[name=preheader]").fill("둘째 사람이 씁니다")
    mine = admin.get_by_role("button", name="내 것으로 저장")
    expect(mine).to_be_visible()
    mine.click()
    expect(admin.locator("#mail-conflict")).to_be_empty()
    expect(admin.locator(".mail-subject")).to_contain_text("둘째 사람이 씁니다")
    page.locator(".mail-head").get_by_role("button", name="테스트 발송").first.click()
    page.locator("#sheet [name=to]").last.check()
    page.locator("#sheet").get_by_role("button", name="테스트 보내기").click()
    expect(page.locator("#sheet .fine")).to_have_count(2)


def test_a_letter_is_written_from_the_record(page: Page) -> None:
    page.goto("/contacts/?q=서지우")
    page.get_by_role("link", name="서지우").click()
    record = page.url
    check(page, f"{record}letter/")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{record}letter/")
    page.locator("[name=subject]").fill("어제 통화 뒤에")
    page.locator(".rich-text").click()
    page.keyboard.type("감사합니다. ")
    page.get_by_role("button", name="보내기").click()
    page.wait_for_url(record)
    expect(page.locator("#timeline")).to_contain_text("어제 통화 뒤에")
