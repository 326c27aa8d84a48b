"""The main journey in a real browser against a running demo: from the first anonymous page view to the alert of the salesperson.

Every step is proved by what people can see: the record of the contact, the mail catcher, the open page of the
salesperson. Times count from the moment the visitor presses the button of the form.
"""

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect, sync_playwright

from baton.demo import browser as chromium
from baton.demo import capture, desk
from baton.demo.capture import Missing
from baton.demo.content import EMAILS, FORMS, PASSWORD

FLAGS = [*chromium.LIGHT, "--no-first-run", "--disable-component-update", "--disable-sync"]
# The collector counts robots as robots, headless browsers among them; the visitor of the story is a person.
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
PATIENCE = 30.0  # seconds until something that does not come counts as missing
BEHIND = 100  # seconds the visitor's clock starts in the past: the story moves it on while a page is read
A_PERSONS_PAUSE = 2.6  # seconds between a mail and its opening: what opens faster is a mail gateway
A_GATEWAYS_MOMENT = 6.0  # seconds after a gateway looked at every link; what is clicked within five is taken for its work
A_FORM_TAKES = 3.2  # seconds to read and fill it in: what is faster is a robot
VISITORS = [
    ("강", "하은", "haeun.kang", "인사팀장", "새길물류"),
    ("오", "민준", "minjun.oh", "총무팀장", "한들정밀"),
    ("문", "서연", "seoyeon.moon", "경영기획팀장", "다올커머스"),
    ("배", "도현", "dohyun.bae", "인사팀장", "이룸제약"),
    ("신", "유나", "yuna.shin", "재무팀장", "밝은교육"),
]
WATCH = """() => {
  window.__alerts = [];
  const place = document.getElementById("alerts");
  const note = (node) => node.nodeType === 1 && window.__alerts.push([Date.now(), node.innerText]);
  new MutationObserver((changes) => changes.forEach((c) => c.addedNodes.forEach(note))).observe(place, { childList: true });
}"""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step: what was seen (or what went wrong), and when in seconds after the form was sent."""

    name: str
    ok: bool
    evidence: str
    seconds: float | None = None
    limit: float | None = None

    @property
    def late(self) -> bool:
        return self.limit is not None and self.seconds is not None and self.seconds > self.limit

    def __str__(self) -> str:
        took = "" if self.seconds is None else f"{self.seconds:6.2f} s" + (f" (limit {self.limit:.0f} s{', LATE' if self.late else ''})" if self.limit else "")
        return f"{'ok     ' if self.ok else 'MISSING'}  {self.name:<34} {took:<24} {self.evidence}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a contact's timeline."""

    title: str
    at: datetime
    detail: str
    points: int


def launch(playwright: Playwright, *, headless: bool = True) -> Browser:
    """A Chromium that talks to nobody but the page's host."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(headless=headless, executable_path=chromium.system(), args=[*FLAGS, *(["--no-sandbox"] if root else [])])


def play(url: str, *, headless: bool = True, say: Callable[[str], None] = print) -> list[StepResult]:
    """Play the journey with a visitor nobody knows yet; prints and returns the steps. The first missing step may take later ones with it."""
    with sync_playwright() as playwright:
        browser = launch(playwright, headless=headless)
        try:
            return Story(browser, url.rstrip("/"), say).play()
        finally:
            browser.close()


class Story:
    """One visitor's journey, with the salesperson and the marketer who watch it."""

    def __init__(self, browser: Browser, url: str, say: Callable[[str], None]) -> None:
        self.browser, self.url, self.say = browser, url, say
        self.results: list[StepResult] = []
        self.family, self.given, name, self.title, self.company = random.choice(VISITORS)
        self.email = f"{name}.{int(time.time() * 10) % 10**9:09d}@story.example"
        self.name = self.family + self.given
        self.sent = 0.0  # when the form was sent, seconds since 1970
        self.contact = 0
        self.downloads: list[Path] = []

    def play(self) -> list[StepResult]:
        self.say(f"{self.name} ({self.email}) visits {self.url}/site/\n")
        own_language = ""
        try:
            sales = self._signed_in("han@nuriwork.example")
            self.marketing = self._signed_in("oh@nuriwork.example").context
            own_language = self._speaking()
            if own_language != "en":
                self._speak("en")
            with self._step("Salesperson keeps a page open") as seen:
                seen("한도윤 looks at " + sales.url.removeprefix(self.url))
            self._visit()
            self._follow(sales)
            self._mail()
            self._content()
            self._desk(sales)
        except (Missing, Error, AssertionError) as error:
            if not self.results or self.results[-1].ok:
                self._add(StepResult("The story goes on", False, _first_line(error)))
        finally:
            if own_language not in ("", "en"):
                self._speak(own_language)
        missing = [r for r in self.results if not r.ok]
        late = [r for r in self.results if r.late]
        self.say(f"\n{len(self.results) - len(missing)} of {len(self.results)} steps seen{f', {len(late)} late' if late else ''}.")
        return self.results

    # The visitor -------------------------------------------------------------

    def _visit(self) -> None:
        context = self.browser.new_context(locale="ko-KR", timezone_id="Asia/Seoul", user_agent=AGENT, accept_downloads=True)
        self.visitor = page = context.new_page()
        told = capture.listen(context)
        page.clock.install(time=time.time() - BEHIND)
        with self._step("Anonymous views") as seen:
            page.goto(f"{self.url}/site/", referer=capture.SEARCH)
            page.get_by_role("link", name="제품 자세히 보기").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("기록은 한 번")
            watched = capture.watch(page)
            page.get_by_role("navigation", name="주 메뉴").get_by_role("link", name="요금").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("쓰는 사람 수만큼")
            seen(f"from a Naver search: /site/, /site/product (scrolled, {watched} of the film), /site/pricing")
        with self._step("One page stays open over 60 s") as seen:
            with page.expect_request(
                lambda request: request.url.endswith("/t/e") and "page_dwell" in (request.post_data or ""), timeout=1000 * PATIENCE
            ) as dwell:
                page.clock.fast_forward(63_000)
            stayed = max(float(n) for n in re.findall(r'"n":([\d.]+)', dwell.value.post_data or "0"))
            if stayed < 60:
                raise Missing(f"the tracker told {stayed} s")
            seen(f"the tracker told {stayed:.0f} s on /site/pricing")
        with self._step("Brochure") as seen:
            page.get_by_role("navigation", name="주 메뉴").get_by_role("link", name="소개서").click()
            with page.expect_download() as download:
                page.get_by_role("link", name="PDF 내려받기").click()
            head = Path(download.value.path()).read_bytes()[:5]
            if head != b"%PDF-":
                raise Missing(f"the file begins with {head!r}")
            seen(f"{download.value.suggested_filename} came down")
        with self._step("Demo request form") as seen:
            page.get_by_role("banner").get_by_role("link", name="상담 · 데모 신청").click()
            form = page.locator("form.baton-form")
            expect(form).to_be_visible()
            drawn = time.time()
            for label, value in (
                ("성", self.family),
                ("이름", self.given),
                ("회사 이메일", self.email),
                ("전화번호", "010-5550-1234"),
                ("회사", self.company),
                ("직함", self.title),
            ):
                form.get_by_label(re.compile(rf"^{label}( \*)?$")).fill(value)
            form.get_by_label("직급").select_option("head")
            form.get_by_label("문의 내용").fill("직원 280명, 3교대입니다. 근태와 전자계약을 함께 보고 싶습니다.")
            for box in form.get_by_role("checkbox").all():
                box.check()
            time.sleep(max(0.0, drawn + A_FORM_TAKES - time.time()))
            self.sent = time.time()
            form.get_by_role("button", name=FORMS["demo"]["submit_label"]).click()
            expect(page.get_by_role("status")).to_contain_text("신청해 주셔서 고맙습니다")
            seen("thanked", time.time() - self.sent)
        with self._step("What the tracker told") as seen:
            seen(capture.complete(told))

    # What Baton made of it ---------------------------------------------------

    def _follow(self, sales: Page) -> None:
        """Look at the record again and again until everything is there; each step has the time of the first look that showed it."""
        wanted: dict[str, tuple[float | None, Callable[[str, list[Entry]], str]]] = {
            "Contact with his earlier views": (2.0, self._earlier_views),
            "First source: a Naver search": (2.0, lambda page, _story: capture.source(page)),
            "The film and how far he read": (2.0, lambda _page, story: self._read(story)),
            "Score with its reasons": (2.0, self._score),
            "Stage MQL (past 35)": (2.0, self._mql),
            "Stage SQL (past 65)": (2.0, self._sql),
            "Joined the list of SQLs": (2.0, lambda _page, story: self._entry(story, "Joined the list ‘SQL")),
            "Workflow after a request started": (2.0, lambda _page, story: self._entry(story, "Started the workflow ‘상담 문의 후속")),
            "Workflow of the hand-over started": (2.0, lambda _page, story: self._entry(story, "Started the workflow ‘SQL 영업 인계")),
        }
        why = dict.fromkeys(wanted, "nothing yet")
        until = time.time() + PATIENCE
        while wanted and time.time() < until:
            page, story = self._record()
            looked = time.time()
            for name, (limit, look) in list(wanted.items()):
                try:
                    evidence = look(page, story)
                except Missing as error:
                    why[name] = str(error)
                    continue
                del wanted[name]
                # what one look shows together is reported in the story's order below
                self._add(StepResult(name, True, evidence, max(looked - self.sent, 0.01), limit))
            time.sleep(0.05)
        for name in wanted:
            self._add(StepResult(name, False, why[name]))
        with self._step("Mail handed to SMTP", 2.0) as seen:
            self.mail, at, subject = self._caught()
            seen(f"‘{subject}’ for {self.email}", at - self.sent)
        with self._step("Alert on the salesperson's page", 3.0) as seen:
            at, text = self._poll(
                lambda: next(((at / 1000, text) for at, text in sales.evaluate("window.__alerts") if self.name in text and "상담 문의" in text), None),
                "no alert on the open page",
            )
            seen(" / ".join(line for line in text.splitlines()[:2] if line), at - self.sent)
        with self._step("Alert of the hand-over", 3.0) as seen:
            at, text = self._poll(
                lambda: next(((at / 1000, text) for at, text in sales.evaluate("window.__alerts") if self.name in text and "SQL" in text), None),
                "no alert about the SQL",
            )
            seen(text.splitlines()[0], at - self.sent)

    def _earlier_views(self, page: str, story: list[Entry]) -> str:
        form = next((e for e in story if "상담 · 데모 신청’" in e.title and e.title.startswith("Sent the form")), None)
        if form is None:
            raise Missing("the record does not show the form")
        before = [e for e in story if e.title.startswith("Viewed") and e.at <= form.at]
        for name in ("인사 업무를 한 흐름으로", "제품 |", "요금 |", "회사소개서 |"):
            if not any(name in e.title for e in before):
                raise Missing(f"no view of ‘{name}’ before the form; {len(before)} views")
        if not any(e.title.startswith("Downloaded") for e in story):
            raise Missing("the download is not on the timeline")
        stayed = next((e for e in before if "요금" in e.title), before[0])
        if "1 min" not in stayed.detail:
            raise Missing(f"the stay on the pricing page shows as ‘{stayed.detail}’")
        since = (form.at - min(e.at for e in before)).total_seconds()
        return f"contact {self.contact}: {len(before)} views, the first {since:.0f} s before the form, one of over a minute"

    def _score(self, page: str, story: list[Entry]) -> str:
        found = re.search(r'class="big-score"><b class="num">([−\-\d]+)</b>', page)
        reasons = [
            (_text(text), points)
            for text, points in re.findall(r'<li><span class="bar.*?<span class="clip">(.*?)</span>.*?<b class="num[^"]*">(.*?)</b></li>', page, re.S)
        ]
        if found is None or not reasons:
            raise Missing("the record shows no score")
        total, parts = _number(found[1]), [_number(points) for _text_, points in reasons]
        if total < 65 or sum(parts) != total:
            raise Missing(f"score {total} from {parts}")
        return f"{total} points = " + " ".join(f"{p:+d}" for p in parts) + f" ({reasons[0][0]}, …)"

    def _mql(self, page: str, story: list[Entry]) -> str:
        try:
            return self._moved(story, "MQL")
        except Missing:  # both thresholds were passed by the same form: one booking, past MQL
            return f"{self._moved(story, 'SQL')}, past MQL in one booking"

    def _sql(self, page: str, story: list[Entry]) -> str:
        now = re.search(r'<li class="now"[^>]*><span>(.*?)</span>', page)
        if now is None or _text(now[1]) != "SQL":
            raise Missing(f"the stage is {_text(now[1]) if now else 'unknown'}")
        return self._moved(story, "SQL")

    def _moved(self, story: list[Entry], stage: str) -> str:
        moved = next((e for e in story if e.title.startswith("Lifecycle stage:") and e.title.endswith(stage)), None)
        if moved is None:
            raise Missing(f"the timeline tells of no move to {stage}")
        return moved.title

    def _read(self, story: list[Entry]) -> str:
        read = next((e.detail for e in story if e.title.startswith("Viewed") and "read to" in e.detail), None)
        if read is None:
            raise Missing("no view tells how far it was read")
        return f"{self._entry(story, 'Watched')}; a page {read[read.index('read to') :]}"

    def _entry(self, story: list[Entry], start: str) -> str:
        found = next((e for e in story if e.title.startswith(start)), None)
        if found is None:
            raise Missing(f"no ‘{start.strip('‘')}…’ on the timeline")
        return found.title

    # The mail ----------------------------------------------------------------

    def _mail(self) -> None:
        name = EMAILS["intro"][0]
        # The same browser, but with its own clock again: a moved one would stop the frame of the mail.
        state = self.visitor.context.storage_state()
        box = self.browser.new_context(locale="ko-KR", timezone_id="Asia/Seoul", user_agent=AGENT, storage_state=state).new_page()
        self.box = box.context
        with self._step("A scanner fetches every link") as seen:
            links = capture.scan(self.marketing.request, self.url, self._get(f"/demo/inbox/{self.mail}/html"))
            scanned = time.time()
            entry = self._poll(lambda: self._hit(f"Clicked a link in ‘{name}’", machine=True), "the scanner's clicks are not on the timeline")
            if entry.points:
                raise Missing(f"the scanner got {entry.points} points")
            seen(f"{links} links, told as a program's: {entry.detail[:60]}; no points")
        time.sleep(max(0.0, self._at + A_PERSONS_PAUSE - time.time()))
        with self._step("Mail opened") as seen:
            opened = time.time()
            with box.expect_response(lambda response: "/o/" in response.url, timeout=1000 * PATIENCE):
                box.goto(f"{self.url}/demo/inbox/{self.mail}/")
            entry = self._poll(lambda: self._by_a_person(f"Opened ‘{name}’"), "the opening is not on the timeline")
            seen(f"{entry.title}, on the timeline {time.time() - opened:.2f} s later", time.time() - self.sent)
        time.sleep(max(0.0, scanned + A_GATEWAYS_MOMENT - time.time()))
        with self._step("Link in the mail clicked") as seen:
            with box.expect_popup() as popup:
                box.frame_locator("iframe").get_by_role("link", name=EMAILS["intro"][5]).click()
            popup.value.wait_for_load_state()
            if not re.search(r"/site/case$", popup.value.url):
                raise Missing(f"the link led to {popup.value.url}")
            entry = self._poll(lambda: self._by_a_person(f"Clicked a link in ‘{name}’"), "the click is not on the timeline")
            seen(f"{entry.title}, landed on {popup.value.url.removeprefix(self.url)}", time.time() - self.sent)
        with self._step("The points of the timeline add up") as seen:
            time.sleep(0.5)  # those of the click may still be on their way
            seen(self._poll(self._sum, "the points do not add up"))

    def _by_a_person(self, title: str) -> Entry | None:
        return self._hit(title, machine=False)

    def _hit(self, title: str, *, machine: bool) -> Entry | None:
        """A line of the timeline that tells of a person's act, or of a program's."""
        return next((e for e in self._record()[1] if e.title == title and ("program" in e.detail) == machine), None)

    def _sum(self) -> str | None:
        page, story = self._record()
        found = re.search(r'class="big-score"><b class="num">([−\-\d]+)</b>', page)
        total, points = _number(found[1]) if found else 0, sum(e.points for e in story)
        return f"{points} points on {sum(bool(e.points) for e in story)} lines of the timeline, score {total}" if points == total else None

    def _caught(self) -> tuple[str, float, str]:
        """The first mail to the visitor: key, when the catcher took it, subject."""

        def look() -> tuple[str, float, str] | None:
            page = self._get(f"/demo/inbox/?to={self.email}")
            found = re.findall(r'<a href="/demo/inbox/([\d\w-]+)/".*?class="subject">(.*?)</span>\s*<time datetime="([^"]+)"', page, re.S)
            if not found:
                return None
            key, subject, at = found[-1]
            return key, datetime.fromisoformat(at).timestamp(), _text(subject)

        result: tuple[str, float, str] = self._poll(look, "the mail catcher has nothing for him")
        self._at = result[1]
        return result

    # Codes and content --------------------------------------------------------

    def _content(self) -> None:
        with self._step("Code of the booth scanned") as seen:
            landed = capture.scan_code(self.box, self.url)
            entry = self._poll(lambda: next((e for e in self._record()[1] if e.title.startswith("Opened the link")), None), "the code is not on the timeline")
            seen(f"{entry.title}, landed on {landed}")
        with self._step("Late content: a stranger is asked") as seen:
            seen(capture.late(self.browser, self.box, self.url, self._get))

    # The salesperson's desk ---------------------------------------------------

    def _desk(self, sales: Page) -> None:
        with self._step("Sales says: a true SQL") as seen:
            seen(desk.give_a_verdict(sales, self.url, self.contact))
        with self._step("The verdict is on the timeline") as seen:
            seen(self._poll(lambda: next((e.title for e in self._record()[1] if e.title.startswith("Verdict")), None), "no verdict on the timeline"))
        with self._step("On the board of The Model") as seen:
            seen(desk.on_the_board(sales, self.url, self.name))
        with self._step("Deal moved on the board") as seen:
            seen(desk.move_a_deal(sales, self.url))
        with self._step("Two duplicates merged, and undone") as seen:
            seen(desk.merge_two(sales, self.url))

    # Looking -----------------------------------------------------------------

    def _signed_in(self, email: str) -> Page:
        """A page of a colleague, signed in, with its live stream open."""
        context = self.browser.new_context(locale="ko-KR", timezone_id="Asia/Seoul")
        page = context.new_page()
        page.goto(f"{self.url}/login/?next=/contacts/")
        page.locator("input[name=login]").fill(email)
        page.locator("input[name=password]").fill(PASSWORD)
        with page.expect_response(lambda response: "/live/" in response.url):
            page.locator("form[action='/login/'] button").click()
            page.wait_for_url("**/contacts/")
        page.evaluate(WATCH)
        return page

    def _get(self, path: str) -> str:
        """A page as the marketer gets it, in English so that its words can be compared."""
        answer = self._context.request.get(f"{self.url}{path}", headers={"Accept-Language": "en"})
        return answer.text() if answer.ok else ""

    def _speaking(self) -> str:
        """The language of the marketer's pages when English is asked for: another one is his own choice."""
        found = re.search(r'<html lang="(\w+)"', self._get("/"))
        return found[1] if found else ""

    def _speak(self, language: str) -> None:
        """Change the marketer's language."""
        token = next((c["value"] for c in self.marketing.cookies() if c["name"] == "baton_csrf"), "")
        address = f"{self.url}/me/language/"
        self.marketing.request.post(address, form={"language": language, "csrfmiddlewaretoken": token}, headers={"Referer": f"{self.url}/"})

    @property
    def _context(self) -> BrowserContext:
        return self.marketing

    def _record(self) -> tuple[str, list[Entry]]:
        """The visitor's record and its timeline; empty while there is none."""
        if not self.contact:
            found = re.search(r'href="/contacts/(\d+)/', self._get(f"/palette/?q={self.email}"))
            if found is None:
                return "", []
            self.contact = int(found[1])
        page = self._get(f"/contacts/{self.contact}/")
        return page, list(_entries(page))

    def _poll(self, look: Callable[[], Any], missing: str) -> Any:
        until = time.time() + PATIENCE
        while time.time() < until:
            if found := look():
                return found
            time.sleep(0.1)
        raise Missing(missing)

    @contextmanager
    def _step(self, name: str, limit: float | None = None) -> Iterator[Callable[..., None]]:
        said: list[tuple[str, float | None]] = []

        def seen(evidence: str, seconds: float | None = None) -> None:
            said.append((evidence, seconds))

        try:
            yield seen
        except (Missing, Error, AssertionError) as error:
            self._add(StepResult(name, False, _first_line(error)))
            raise Missing(name) from error
        self._add(StepResult(name, True, *said[-1], limit))

    def _add(self, result: StepResult) -> None:
        self.results.append(result)
        self.say(str(result))


def _entries(page: str) -> Iterator[Entry]:
    for block in re.findall(r'<li class="event .*?</li>', page, re.S):
        title = re.search(r"<b>(.*?)</b>", block, re.S)
        at = re.search(r'datetime="([^"]+)"', block)
        detail = " ".join(re.findall(r'<(?:p class="soft small"|summary)>(.*?)</(?:p|summary)>', block, re.S))
        points = re.search(r'class="delta[^>]*>(.*?)</span>', block, re.S)
        if title and at:
            yield Entry(_text(title[1]), datetime.fromisoformat(at[1]), _text(detail), _number(points[1]) if points else 0)


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def _number(text: str) -> int:
    return int(re.sub(r"[^\d\-]", "", text.replace("−", "-")) or 0)


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
