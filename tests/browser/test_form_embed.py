"""Baton's forms in other people's pages: plain, with a strict policy, in a React application, and the hosted page with and without scripts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import sites
from tests.browser.sites import ROOT, Town, until

FILL = """
from baton.forms import verbs
from baton.events import sites
NOTICE = {"purpose": "상담", "items": "이름, 이메일", "period": "1년", "refusal": "거부할 수 있습니다."}
EMAIL = {"name": "email", "label": "회사 이메일", "type": "email", "required": True, "help": "회사 주소로 적어 주십시오."}
BOXES = [{"key": "p", "kind": "processing", "label": "수집과 이용에 동의합니다.", "required": True},
         {"key": "n", "kind": "channel", "channel": "email", "label": "소식을 받습니다."}]
def made(name, fields, **parts):
    form = verbs.create(name, {"fields": fields, "spam": {"seconds": 0}, **parts}, actor=SYSTEM, publish=True)
    return form, {"pk": form.pk, "guid": str(form.guid)}
rich = {"name": "intro", "type": "richtext", "text": "<p>안녕하십니까. <b>30초</b>면 됩니다. <a href='https://www.nuriwork.example/privacy'>방침</a></p>"}
size = {"name": "numberofemployees", "label": "직원 수", "type": "number", "width": "half"}
plan = {"name": "plan", "label": "도입 시기", "type": "radio", "required": True,
        "options": [{"value": "now", "label": "지금"}, {"value": "later", "label": "나중"}],
        "when": {"all": [{"field": "numberofemployees", "operator": "gt", "value": "100"}]}}
cv = {"name": "cv", "label": "소개서", "type": "file", "rules": {"accept": ["pdf"]}}
theirs = {"name": "theirs", "label": "x", "type": "hidden", "from": "cookie:theirs"}
utm = {"name": "campaign", "label": "캠페인", "type": "hidden", "from": "query:utm_campaign"}
steps = [{"title": "누구십니까", "fields": ["intro", "email"]}, {"title": "회사", "fields": ["numberofemployees", "plan", "cv", "campaign", "theirs"]}]
full, one = made("상담", [rich, EMAIL, size, plan, cv, utm, theirs], consent={"notice": NOTICE, "boxes": BOXES}, steps=steps)
file = verbs.add_file(full, "brochure.pdf", b"%PDF-1.7 brochure", actor=SYSTEM)
verbs.save(full, actor=SYSTEM, definition={**full.draft, "after": {"kind": "file", "file": file, "thanks": "고맙습니다."}})
verbs.publish(full, actor=SYSTEM)
queued = [{"name": n, "label": l, "type": "text", "ask": "queued", "required": True} for n, l in (("company", "회사"), ("jobtitle", "직함"))]
asking, two = made("물어보기", [EMAIL, *queued], queue_size=1)
tried, three = made("비교", [EMAIL], submit_label="가")
verbs.save(tried, actor=SYSTEM, definition={**tried.draft, "submit_label": "나"})
verbs.split(tried, 50, actor=SYSTEM)
from baton.forms import shown
three["expected"] = {f"{n:032x}": shown.to(tried, f"{n:032x}").definition["submit_label"] for n in range(1, 4)}
guarded, four = made("지킴", [EMAIL])
verbs.save(guarded, actor=SYSTEM, definition={**guarded.draft, "spam": {"captcha": "hcaptcha", "site_key": "10000000-ffff"}})
verbs.publish(guarded, actor=SYSTEM)
answer = {"full": one, "asking": two, "tried": three, "guarded": four}
"""


class World:
    def __init__(self, town: Town, baton: str, database: psycopg.Connection[Any], browser: Browser, forms: dict[str, Any]) -> None:
        self.town, self.baton, self.database, self.browser, self.forms = town, baton, database, browser, forms

    def script(self, name: str) -> str:
        return f"{self.baton}/f/{self.forms[name]['guid']}.js"

    def page(self, path: str, body: str, head: str = "", **headers: str) -> None:
        self.town.put(path, f'<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>상담</title>{head}</head><body>{body}</body></html>', **headers)

    @contextmanager
    def visitor(self, cookie: str = "", **options: Any) -> Iterator[Page]:
        """Somebody at these pages, known by a cookie or new."""
        with sites.visitor(self.browser, **options) as page:
            if cookie:
                page.context.add_cookies([{"name": "baton_v", "value": cookie, "url": self.town.url(host)} for host in ("plain", "strict", "app")])
            yield page

    def last(self, name: str) -> dict[str, Any]:
        """The last answer to a form, with its contact's address."""
        row = self.database.execute(
            "SELECT s.values, s.consents, s.about, s.version, s.page_url, c.email FROM form_submission s JOIN contact c ON c.id = s.contact_id"
            " WHERE s.form_id = %s ORDER BY s.id DESC LIMIT 1",
            [self.forms[name]["pk"]],
        ).fetchone()
        assert row
        return dict(zip(("values", "consents", "about", "version", "page", "email"), row, strict=True))


@pytest.fixture(scope="module")
def world(browser: Browser, server: str, environment: dict[str, str]) -> Iterator[World]:
    begin = "import json\nfrom baton.platform import setup\nsetup.django('test')\nfrom baton.platform.actor import SYSTEM"
    done = subprocess.run(
        [sys.executable, "-c", f"{begin}\n{FILL}\nprint(json.dumps(answer))"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    with sites.town() as town, psycopg.connect(environment["BATON_DATABASE_URL"], autocommit=True) as database:
        yield World(town, server, database, browser, json.loads(done.stdout.splitlines()[-1]))


def test_a_whole_form_on_a_plain_page(world: World, tmp_path: Path) -> None:
    style = "<style>body{font:italic 21px serif} label{color:rgb(1,2,3)} .baton-field{display:flex}</style>"
    tracker = f'<script async src="{world.baton}/t/baton.js"></script>'
    world.page("/", f'<main><p>앞</p><script src="{world.script("full")}"></script><p>뒤</p></main>', style + tracker)
    with world.visitor("a1" * 16) as page:
        others: list[str] = []
        page.on("request", lambda request: others.append(request.url) if not request.url.startswith((world.baton, world.town.url("plain"))) else None)
        page.context.add_cookies([{"name": "theirs", "value": "50%", "url": world.town.url("plain")}])  # of another script, and no code
        page.goto(f"{world.town.url('plain')}?utm_campaign=spring")
        form = page.locator("main > form.baton-form")
        assert form.evaluate("(f) => [f.previousElementSibling.tagName, f.nextElementSibling.tagName]") == ["SCRIPT", "P"]
        label = page.locator("label", has_text="회사 이메일")
        assert label.evaluate("(l) => [getComputedStyle(l).fontStyle, getComputedStyle(l).fontSize, getComputedStyle(l).color]") == [
            "italic", "21px", "rgb(1, 2, 3)",
        ]  # fmt: skip
        assert form.locator("b").inner_text() == "30초"
        expect(page.get_by_label("직원 수")).to_be_hidden()  # of the second step
        page.get_by_role("button", name="다음").click()
        expect(page.get_by_label("직원 수")).to_be_hidden()  # the first one is not filled in
        page.get_by_label("회사 이메일").fill("minjun@gmail.example")
        page.get_by_role("button", name="다음").click()
        page.get_by_label("직원 수").fill("50")
        expect(page.get_by_label("지금")).to_be_hidden()
        page.get_by_label("직원 수").fill("500")
        page.get_by_label("지금").check()
        (tmp_path / "a.pdf").write_bytes(b"not a pdf \x00")
        page.get_by_label("소개서").set_input_files(tmp_path / "a.pdf")
        assert [box.is_checked() for box in page.locator("[name^=consent]").all()] == [False, False]
        expect(page.locator(".baton-notice")).to_contain_text("거부할 수 있습니다.")
        page.get_by_label("수집과 이용에").check()
        page.locator("button[type=submit]").click()
        expect(page.get_by_role("alert")).to_have_count(1)
        cv = page.get_by_label("소개서")
        assert cv.get_attribute("aria-invalid") == "true"
        assert page.locator(f"#{cv.get_attribute('aria-describedby')}").inner_text()
        (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 real")
        cv.set_input_files(tmp_path / "b.pdf")
        page.locator("button[type=submit]").click()
        expect(page.get_by_role("status")).to_contain_text("고맙습니다.")
        with page.expect_download() as download:
            page.get_by_role("link", name="파일 받기").or_(page.locator(".baton-thanks a")).click()
        assert Path(download.value.path()).read_bytes() == b"%PDF-1.7 brochure"
        assert others == []
        sent = world.last("full")
        assert (sent["email"], sent["page"]) == ("minjun@gmail.example", f"{world.town.url('plain')}?utm_campaign=spring")
        assert sent["values"] == {
            "email": "minjun@gmail.example",
            "numberofemployees": 500,
            "plan": "now",
            "cv": "b.pdf",
            "campaign": "spring",
            "theirs": "50%",
        }
        assert ([one["granted"] for one in sent["consents"]], sent["version"]) == ([True, False], 2)
        until(page, "window.baton")
        views = "SELECT k.value, e.payload ->> 'version' FROM event e JOIN event_key k ON k.id = e.key JOIN identity i ON i.contact_id = e.contact_id"
        found: list[Any] = []
        for _ in range(100):
            found = world.database.execute(f"{views} WHERE i.value = %s AND e.kind IN (7, 8) ORDER BY e.kind", ["a1" * 16]).fetchall()
            if len(found) == 2:
                break
            page.wait_for_timeout(50)
        assert found == [(str(world.forms["full"]["pk"]), "2")] * 2  # seen and begun, by number and version


def test_a_strict_policy_a_lot_and_a_captcha(world: World) -> None:
    policy = f"default-src 'none'; script-src {world.baton} https://js.hcaptcha.com; connect-src {world.baton}; style-src 'none'; form-action 'none'"
    place = f'<div data-baton-form="{world.forms["tried"]["guid"]}"></div><script src="{world.script("tried")}" defer></script>'
    world.page("/lot", place, content_security_policy=policy)
    for cookie, label in world.forms["tried"]["expected"].items():
        with world.visitor(cookie) as page:
            page.goto(world.town.url("strict", "/lot"))
            assert page.locator("[data-baton-form] > form button").inner_text() == label  # the browser draws what the server draws
    with world.visitor("1".zfill(32)) as page:
        page.goto(world.town.url("strict", "/lot"))
        page.get_by_label("회사 이메일").fill("strict@gaon.example")
        page.route("**/f/*/", lambda route: route.abort())
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.get_by_label("회사 이메일").input_value() == "strict@gaon.example"  # a server that is away leaves what was typed
        page.unroute("**/f/*/")
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_be_visible()
        assert world.last("tried")["email"] == "strict@gaon.example"
    world.page("/captcha", f'<script src="{world.script("guarded")}"></script>', content_security_policy=policy)
    widget = "document.querySelectorAll('.h-captcha').forEach((e) => { const i = document.createElement('textarea'); i.name = 'h-captcha-response'; i.value = 'x'; e.append(i); e.dataset.drawn = e.dataset.sitekey; }); window.hcaptcha = {reset: () => document.body.dataset.reset = 1};"  # noqa: E501
    with world.visitor() as page:
        page.route("https://js.hcaptcha.com/**", lambda route: route.fulfill(body=widget, content_type="text/javascript"))
        refused = json.dumps({"problems": [{"path": "captcha", "code": "MISSING_CAPTCHA", "message": "다시 확인해 주십시오."}]})
        headers = {"access-control-allow-origin": "*"}
        page.route("**/f/*/", lambda route: route.fulfill(status=422, body=refused, content_type="application/json", headers=headers))
        page.goto(world.town.url("strict", "/captcha"))
        expect(page.locator('.h-captcha[data-drawn="10000000-ffff"]')).to_have_count(1)
        page.get_by_label("회사 이메일").fill("strict@gaon.example")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_have_text("다시 확인해 주십시오.")
        assert page.locator("body").get_attribute("data-reset") == "1"  # an answer of the widget is good once


REACT = """
import { StrictMode, createElement as h, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
function BatonForm({ src, guid }) {
  const place = useRef(null);
  useEffect(() => {
    const script = document.createElement("script");
    script.src = src;
    document.head.append(script);
    return () => script.remove();
  }, [src]);
  return h("div", { ref: place, "data-baton-form": guid });
}
function App() {
  const [count, more] = useState(0);
  return h("main", null, h("button", { id: "more", onClick: () => more(count + 1) }, "+" + count), h(BatonForm, window.FORM));
}
createRoot(document.getElementById("app")).render(h(StrictMode, null, h(App)));
"""


def test_a_react_application_asks_the_next_question_of_whoever_comes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "REACT", REACT)
    about = json.dumps({"src": world.script("asking"), "guid": world.forms["asking"]["guid"]})
    world.town.put("/form.js", b"window.FORM = " + about.encode() + b";" + sites.react(), kind="text/javascript")
    world.page("/", '<div id="app"></div><script src="/form.js"></script>')
    with world.visitor("b2" * 16) as page:
        for value, shown, waiting in (("가온", "company", "jobtitle"), ("팀장", "jobtitle", "company")):
            page.goto(world.town.url("app"))
            expect(page.locator(f"[name={shown}]")).to_be_visible()
            expect(page.locator(f"[name={waiting}]")).to_be_hidden()
            page.get_by_label("회사 이메일").fill("seo@gaon.example")
            page.locator(f"[name={shown}]").fill(value)
            page.locator("#more").click()  # the application draws itself anew: what was typed stays
            page.locator("form.baton-form button[type=submit]").click()
            expect(page.get_by_role("status")).to_be_visible()
        assert world.last("asking")["values"] == {"email": "seo@gaon.example", "jobtitle": "팀장"}
        page.goto(world.town.url("app"))
        page.get_by_label("회사 이메일").fill("other@gaon.example")  # a colleague at the same browser
        expect(page.locator("[name=jobtitle]")).to_be_hidden()
        page.locator("form.baton-form button[type=submit]").click()
        expect(page.get_by_role("status")).to_be_visible()
        assert "b2" * 16 not in page.evaluate("document.cookie")  # from now on the browser is his


@pytest.mark.parametrize("scripts", [True, False])
def test_the_hosted_page_with_and_without_scripts(world: World, scripts: bool) -> None:
    with world.visitor(java_script_enabled=scripts) as page:
        page.goto(f"{world.baton}/f/{world.forms['full']['guid']}/")
        address = f"hosted{int(scripts)}@gaon.example"
        page.get_by_label("회사 이메일").fill(address)
        if scripts:
            page.get_by_role("button", name="다음").click()
        else:
            expect(page.get_by_label("지금")).to_be_visible()  # nothing is hidden from who has no script, and nothing hidden is required
        page.get_by_label("직원 수").fill("20")
        page.get_by_label("수집과 이용에").check()
        page.locator("button:not([type=button])").click()
        expect(page.get_by_role("status")).to_contain_text("고맙습니다.")
        assert world.last("full")["values"] == {"email": address, "numberofemployees": 20}
