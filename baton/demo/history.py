"""What the sample company's people did in two years: visits, forms, mails, and when each score rule began to hold.

Pure data: lists of rows in the shape of the tables, made in memory and copied by world.py.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baton.demo.people import Person
from baton.events.vocabulary import Kind, key_kind
from baton.platform.config import config

WINDOW = timedelta(days=90)  # how long visits, opens and clicks count in the demo's score rules
SITE = "/site"
TITLES = {
    "": "누리워크 | 인사 업무를 한 흐름으로",
    "/product": "제품 | 누리워크",
    "/pricing": "요금 | 누리워크",
    "/blog": "블로그 | 누리워크",
    "/blog/electronic-contract-guide": "전자근로계약, 도입 전에 확인할 다섯 가지 | 누리워크 블로그",
    "/blog/attendance-2027": "2027년 근태 제도 변화, 인사팀의 준비표 | 누리워크 블로그",
    "/blog/payroll-errors": "급여 오류의 절반은 근태 마감에서 생깁니다 | 누리워크 블로그",
    "/case": "도입 사례 | 누리워크",
    "/brochure": "회사소개서 | 누리워크",
    "/demo": "상담 · 데모 신청 | 누리워크",
    "/newsletter": "뉴스레터 | 누리워크",
    "/webinar": "웨비나 | 누리워크",
    "/whitepaper": "백서 | 누리워크",
}
FREQUENT = {
    "": 30,
    "/product": 22,
    "/blog": 9,
    "/blog/electronic-contract-guide": 10,
    "/blog/attendance-2027": 9,
    "/blog/payroll-errors": 7,
    "/case": 11,
    "/brochure": 6,
}
REFERRERS = {
    "search": "https://search.example/?q=전자근로계약",
    "ad_naver": "https://ad.naver.example/",
    "ad_linkedin": "https://linkedin.example/",
    "newsletter": "",
    "webinar": "",
    "direct": "",
    "referral": "https://hr-community.example/board/1204",
    "exhibition": "",
}
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
]
FORM_PAGES = {"demo": "/demo", "newsletter": "/newsletter", "webinar": "/webinar", "whitepaper": "/whitepaper", "brochure": "/brochure"}


@dataclass(frozen=True, slots=True)
class Ids:
    """What the history refers to: ids of forms, mails (with their addresses), and colleagues, by the names in definitions.py."""

    forms: dict[str, int]
    form_names: dict[str, str]
    emails: dict[str, int]
    email_names: dict[str, str]
    users: dict[str, int]
    workflow: int  # '상담 문의 후속'
    workflow_name: str


@dataclass(slots=True)
class Event:
    contact_id: int
    ts: datetime
    kind: Kind
    key: str = ""
    label: str = ""
    value: float | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    id: int = 0

    @property
    def ref(self) -> tuple[Kind, str]:
        return key_kind(self.kind), self.key


@dataclass(slots=True)
class Submission:
    contact_id: int
    id: int
    form: str
    values: dict[str, Any]
    page: str
    at: datetime


@dataclass(slots=True)
class Message:
    contact_id: int
    id: int
    cause: str
    email: str
    at: datetime
    state: str = "sent"
    reason: str = ""


@dataclass(slots=True)
class Walk:
    """Somebody's way through a workflow. `steps` is what each did: (step, outcome, detail, when)."""

    contact_id: int
    id: int
    cause: str
    at: datetime
    steps: list[tuple[str, str, dict[str, Any], datetime]] = field(default_factory=list)
    state: str = "finished"
    step: str = ""
    entered: datetime | None = None
    finished: datetime | None = None
    due: datetime | None = None


class Book:
    """Everything that happened, as it is written down."""

    def __init__(self, rng: random.Random, now: datetime, site: str, ids: Ids) -> None:
        self.rng, self.now, self.ids = rng, now, ids
        self.url = site.rstrip("/")  # http://127.0.0.1:8000
        self.host = self.url.partition("://")[2]
        self.zone = config().zone
        self.events: list[Event] = []
        self.submissions: list[Submission] = []
        self.messages: list[Message] = []
        self.walks: list[Walk] = []
        self.demos: dict[int, list[tuple[datetime, int]]] = defaultdict(list)  # (when, id of the event) of each demo request, by contact
        self.visitors: list[tuple[int, datetime, datetime, str, str, str]] = []
        self.cookies: list[tuple[str, int, datetime]] = []
        self.attended: list[tuple[int, datetime]] = []  # the webinar
        self.unsubscribed: list[tuple[int, datetime]] = []
        self.consents: list[tuple[int, str, bool, datetime, str, str]] = []
        self.gains: dict[int, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        self._next = {"message": 0, "form_submission": 0, "enrollment": 0}

    # Writing down --------------------------------------------------------

    def event(self, person: Person, at: datetime, kind: Kind, key: str = "", label: str = "", value: float | None = None, **payload: Any) -> None:
        self.events.append(Event(person.id, at, kind, key, label, value, payload, self.rng.getrandbits(52)))

    def gain(self, person: Person, rule: str, at: datetime) -> None:
        """A moment that a score rule counts, if its window still holds it."""
        self.gains[person.id][rule].append(at)

    def start(self, of: str, number: int) -> None:
        """Numbers of messages, submissions, enrollments go on from here."""
        self._next[of] = number

    def last(self, of: str) -> int:
        return self._next[of]

    def number(self, of: str) -> int:
        self._next[of] += 1
        return self._next[of]

    def view(self, person: Person, at: datetime, path: str, seconds: int, referrer: str = "") -> None:
        """A page view and how long it was in sight."""
        url = f"{self.url}{SITE}{path or '/'}"
        key, view_id = f"{self.host}{SITE}{path}", self.rng.getrandbits(52)
        self.events.append(Event(person.id, at, Kind.PAGE_VIEW, key, TITLES[path], None, {"url": url, "title": TITLES[path], "referrer": referrer}, view_id))
        self.events.append(Event(person.id, at, Kind.PAGE_DWELL, key, TITLES[path], float(seconds), {"url": url}, view_id + 1))
        if self.now - at < WINDOW:
            self.gain(person, "pageview", at)
            if path == "/pricing":
                self.gain(person, "pricing", at)
            if seconds >= 60:
                self.gain(person, "dwell", at)

    def download(self, person: Person, at: datetime) -> None:
        url = f"{self.url}{SITE}/files/nuriwork-brochure.pdf"
        self.event(person, at, Kind.DOWNLOAD, url.partition("://")[2], "nuriwork-brochure.pdf", page=f"{self.url}{SITE}/brochure", href=url)
        if self.now - at < timedelta(days=180):
            self.gain(person, "brochure", at)

    def submit(self, person: Person, at: datetime, form: str, *, message: str = "") -> None:
        """A form sent from its page."""
        page, number = f"{self.url}{SITE}{FORM_PAGES[form]}", self.number("form_submission")
        values: dict[str, Any] = {"lastname": person.family, "firstname": person.given, "email": person.email}
        if form != "newsletter":
            values["company"] = person.company.name
        if form == "demo":
            values |= (
                {"jobtitle": person.title, "seniority": person.rank}
                | ({"phone": person.phone} if person.phone else {})
                | ({"message": message} if message else {})
            )
        self.submissions.append(Submission(person.id, number, form, values, page, at))
        self.event(person, at, Kind.FORM_SUBMISSION, str(self.ids.forms[form]), self.ids.form_names[form], submission=number, page=page)
        if form == "demo":
            self.demos[person.id].append((at, self.events[-1].id))
        self.gain(person, {"webinar": "webinar_form"}.get(form, form), at)

    def send(self, person: Person, at: datetime, email: str, cause: str) -> int:
        """A mail that went out; returns the message's number."""
        number = self.number("message")
        self.messages.append(Message(person.id, number, cause, email, at))
        self.event(person, at, Kind.EMAIL_SENT, str(self.ids.emails[email]), self.ids.email_names[email], message=number)
        return number

    def opened(self, person: Person, at: datetime, email: str, message: int) -> None:
        self.event(person, at, Kind.EMAIL_OPEN, str(self.ids.emails[email]), self.ids.email_names[email], message=message)
        if self.now - at < WINDOW:
            self.gain(person, "open", at)

    def clicked(self, person: Person, at: datetime, email: str, message: int, path: str) -> None:
        self.event(person, at, Kind.EMAIL_CLICK, str(self.ids.emails[email]), self.ids.email_names[email], message=message, url=f"{self.url}{SITE}{path}")
        if self.now - at < WINDOW:
            self.gain(person, "click", at)

    def consent(self, person: Person, channel: str, granted: bool, at: datetime, source: str) -> None:
        wording = "누리워크의 소식과 자료를 받는 데 동의합니다." if granted and source.startswith("form") else ""
        self.consents.append((person.id, channel, granted, at, source, wording))

    def _seller(self) -> str:
        return f"user:{self.rng.choice(list(self.ids.users.values())[2:])}"

    def office(self, start: datetime, end: datetime) -> datetime:
        """A moment between the two, mostly on a working day between nine and six."""
        if end <= start:
            return end
        rng = self.rng
        for _ in range(4):
            at = start + (end - start) * rng.random()
            local = at.astimezone(self.zone)
            if local.weekday() < 5 or rng.random() < 0.15:
                at = local.replace(hour=rng.choice((9, 9, 10, 10, 11, 13, 14, 14, 15, 16, 17, 20, 22)), minute=rng.randrange(60), second=rng.randrange(60))
                if start <= at <= end:
                    return at
        return start + (end - start) * rng.random()

    # One person ----------------------------------------------------------

    def live(self, person: Person) -> None:
        """Two years of one person, from his temperament. Sets `created` to when he became known."""
        rng, hits, now = self.rng, person.hits, self.now
        recent = max(person.seen - timedelta(days=60), person.created)
        forms = [("newsletter", self.office(person.created, person.seen))] if hits["newsletter"] else []
        forms += [("webinar", self.office(max(recent, now - timedelta(days=40)), person.seen))] if hits["webinar_form"] else []
        forms += [("whitepaper", self.office(person.created, person.seen)) for _ in range(hits["whitepaper"])]
        forms += [("demo", self.office(recent, person.seen))] if hits["demo"] else []
        forms.sort(key=lambda f: f[1])
        if forms:
            person.created = forms[0][1]
        source = f"form:{self.ids.forms[forms[0][0]]}" if forms else "import:1"
        self._visits(person, recent, forms)
        self._campaigns(person)
        if hits["brochure"]:
            self.download(person, self.office(recent, person.seen))
        if hits["webinar"]:
            at = now - timedelta(days=8)
            if person.created < at:
                self.attended.append((person.id, at))
                self.gain(person, "webinar", at)
        if hits["meeting"] and hits["demo"] and (asked := next((at for form, at in forms if form == "demo"), None)):
            self.event(
                person, self.office(asked + timedelta(hours=20), min(now, asked + timedelta(days=9))), Kind.MEETING, text="화면 시연 30분", actor=self._seller()
            )
        for channel, granted in person.consent.items():
            if granted:
                self.consent(person, channel, True, person.created, source)
        if hits["optout"]:
            at = self.office(person.created, person.seen)
            self.consent(person, "email", False, at, "unsubscribe")
            self.unsubscribed.append((person.id, at))
            self.event(person, at, Kind.EMAIL_UNSUBSCRIBE)
        if rng.random() < 0.02 and person.created > now - timedelta(days=400):
            self.event(person, self.office(person.created, person.seen), Kind.NOTE, text=rng.choice(NOTES), actor=self._seller())

    def _visits(self, person: Person, recent: datetime, forms: list[tuple[str, datetime]]) -> None:
        rng, hits = self.rng, person.hits
        pages = rng.choices(list(FREQUENT), list(FREQUENT.values()), k=hits["pageview"]) + ["/pricing"] * hits["pricing"]
        rng.shuffle(pages)
        long = set(rng.sample(range(len(pages)), min(hits["dwell"], len(pages))))
        views = 0
        first: tuple[datetime, str] | None = None

        def walk(walked: list[tuple[str, bool]], at: datetime) -> None:
            nonlocal views, first
            referrer = REFERRERS[person.source]
            for path, stays in walked:
                seconds = rng.randint(61, 290) if stays else rng.randint(4, 55)
                self.view(person, at, path, seconds, referrer)
                referrer = f"{self.url}{SITE}{path or '/'}"
                first = min(first, (at, path)) if first else (at, path)
                at += timedelta(seconds=seconds + rng.randint(1, 20))
                views += 1

        index = 0
        while index < len(pages):  # sessions of one to four pages; the last one ends when the person was last seen
            size = rng.choice((1, 1, 2, 2, 3, 4))
            part = [(pages[i], i in long) for i in range(index, min(index + size, len(pages)))]
            index += size
            start = person.seen - timedelta(minutes=6 * len(part)) if index >= len(pages) else self.office(recent, person.seen - timedelta(hours=1))
            walk(part, start)
        before = min(recent, self.now - WINDOW - timedelta(days=1))
        if before > person.created:
            for _ in range(int(rng.expovariate(0.5) * (0.5 + person.warm))):
                walk([(rng.choice(list(FREQUENT)), rng.random() < 0.25) for _ in range(rng.randint(1, 3))], self.office(person.created, before))
        for form, at in forms:
            walk([(FORM_PAGES[form], False)], at - timedelta(seconds=rng.randint(70, 240)))
            self.submit(person, at, form, message=rng.choice(QUESTIONS) if form == "demo" else "")
        if first is not None:
            known = person.created if forms else max(first[0], person.created)
            self.event(person, known, Kind.IDENTIFIED, by="form" if forms else "email_click", views=views)
            self.visitors.append((person.id, first[0], person.seen, f"{self.host}{SITE}{first[1]}", REFERRERS[person.source], rng.choice(AGENTS)))
            self.cookies.append((f"{rng.getrandbits(128):032x}", person.id, first[0]))

    def _campaigns(self, person: Person) -> None:
        """Mails that everybody got who agreed: the quarterly letters, and this season's campaigns with the opens and clicks of `hits`."""
        rng, hits, now = self.rng, person.hits, self.now
        if not (person.consent["email"] or hits["optout"]):
            return
        if hits["newsletter"]:
            for number, days in enumerate(LETTERS):
                at = now - timedelta(days=days, minutes=-rng.randrange(40))
                if at < person.created or (hits["optout"] and number > 3):
                    continue
                message = self.send(person, at, f"letter{number}", f"campaign:letter{number}")
                if days > 95 and rng.random() < 0.12 + 0.5 * person.warm:
                    self.opened(person, at + timedelta(minutes=rng.randint(3, 2000)), f"letter{number}", message)
        if hits["optout"]:
            return
        sent = []
        for email, days in CAMPAIGNS.items():
            at = now - timedelta(days=days, minutes=-rng.randrange(30))
            if at > person.created:
                sent.append((email, at, self.send(person, at, email, f"campaign:{email}")))
        for _ in range(hits["open"] if sent else 0):
            email, at, message = rng.choice(sent)
            self.opened(person, min(at + timedelta(minutes=int(rng.expovariate(1 / 500)) + 1), now - timedelta(minutes=rng.randint(7, 60))), email, message)
        for _ in range(hits["click"] if sent else 0):
            email, at, message = rng.choice(sent)
            at = min(at + timedelta(minutes=int(rng.expovariate(1 / 700)) + 2), now - timedelta(minutes=rng.randint(7, 50)))
            self.clicked(person, at, email, message, CAMPAIGN_PAGES[email])

    def follow_up(self, person: Person) -> None:
        """What the workflow '상담 문의 후속' did after each demo request of this person."""
        rng, now = self.rng, self.now
        for at, event_id in self.demos.get(person.id, []):
            walk = Walk(person.id, self.number("enrollment"), f"form:{event_id}", at + timedelta(seconds=1), [("s1", "done", {}, at + timedelta(seconds=1))])
            self.walks.append(walk)
            self.event(
                person, walk.at, Kind.WORKFLOW_ENROLLED, str(self.ids.workflow), self.ids.workflow_name, enrollment=walk.id, cause=walk.cause, actor="system"
            )
            until = walk.at + timedelta(days=1)
            clicked = self._step_mail(person, walk, "s2", "intro", walk.at, until) and rng.random() < 0.3
            if clicked:
                when = min(walk.at + (until - walk.at) * rng.random() ** 2, now)
                self.clicked(person, when, "intro", self.messages[-1].id, "/case")
            if not self._step_wait(walk, "s3", walk.at, until):
                continue
            walk.steps.append(("s4", "yes" if clicked else "no", {}, until))
            end = until
            if clicked:
                walk.steps.append(("s5", "done", {}, until))
            else:
                self._step_mail(person, walk, "s6", "guide", until, until + timedelta(days=2))
                end = until + timedelta(days=7)
                if not self._step_wait(walk, "s7", until, end):
                    continue
                self._step_mail(person, walk, "s8", "nudge", end, end + timedelta(days=2))
            walk.entered = walk.finished = end
            self.event(person, end, Kind.WORKFLOW_FINISHED, str(self.ids.workflow), self.ids.workflow_name, enrollment=walk.id, outcome="finished")

    def _step_mail(self, person: Person, walk: Walk, step: str, email: str, at: datetime, until: datetime) -> bool:
        """A mail of the workflow; True when it went out."""
        walk.steps.append((step, "done", {}, at))
        cause = f"step:{walk.id}:{step}"
        if not person.consent.get("email"):
            reason = "suppressed_unsubscribed" if person.hits.get("optout") else "no_consent"
            self.messages.append(Message(person.id, self.number("message"), cause, email, at, "skipped", reason))
            return False
        message = self.send(person, at, email, cause)
        if self.rng.random() < 0.6:
            self.opened(person, min(at + (until - at) * self.rng.random() ** 2, self.now), email, message)
        return True

    def _step_wait(self, walk: Walk, step: str, at: datetime, until: datetime) -> bool:
        """A wait of the workflow; False when it is not over yet."""
        if until <= self.now:
            walk.steps.append((step, "done", {"until": until.isoformat()}, at))
            return True
        walk.steps.append((step, "waiting", {"until": until.isoformat()}, at))
        walk.state, walk.step, walk.entered, walk.due = "active", step, at, until
        return False

    def anonymous(self, visitor_id: int) -> None:
        """Somebody who looked around and left no name."""
        rng = self.rng
        at = self.office(self.now - timedelta(days=300), self.now - timedelta(minutes=30))
        start, path = at, ""
        nobody = Person("", "", "", "", "", "staff", None, "search", "unknown", at, at, 0.0, {}, {}, id=visitor_id)  # type: ignore[arg-type]  # has no company
        source = rng.choice(list(REFERRERS))
        first = path = rng.choice(list(FREQUENT))
        for _ in range(rng.choice((1, 1, 2, 3, 5))):
            self.view(nobody, at, path, rng.randint(3, 120), REFERRERS[source])
            at, path = at + timedelta(seconds=rng.randint(20, 200)), rng.choice(list(FREQUENT))
        self.gains.pop(visitor_id, None)  # who is no contact has no score
        self.visitors.append((visitor_id, start, at, f"{self.host}{SITE}{first}", REFERRERS[source], rng.choice(AGENTS)))
        self.cookies.append((f"{rng.getrandbits(128):032x}", visitor_id, start))

    # The hero ------------------------------------------------------------

    def hero(self, person: Person) -> None:
        """서지우: found by a search, four weeks anonymous, a webinar, a demo request two days ago, and back on the pricing page just now."""

        def day(days: int, hour: int, minute: int) -> datetime:
            return (self.now.astimezone(self.zone) - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)

        def working(at: datetime) -> datetime:
            """The same hour on the Friday before, when it is a weekend."""
            return at - timedelta(days=max(0, at.weekday() - 4))

        search = "https://search.example/?q=전자근로계약 시스템 비교"
        self.view(person, day(37, 16, 20), "/blog/electronic-contract-guide", 48, search)
        self.view(person, day(37, 16, 22), "", 21, f"{self.url}/site/blog/electronic-contract-guide")
        self.view(person, day(30, 9, 41), "/product", 55, "")
        self.view(person, day(23, 11, 15), "/case", 52, "")
        self.view(person, day(17, 21, 46), "", 12, "")
        self.view(person, day(17, 21, 48), "/pricing", 41, f"{self.url}/site/")
        person.created = day(15, 10, 12)
        self.view(person, day(15, 10, 10), "/webinar", 54, "")
        self.submit(person, person.created, "webinar")
        self.event(person, person.created, Kind.IDENTIFIED, by="form", views=7)
        self.consent(person, "email", True, person.created, f"form:{self.ids.forms['webinar']}")
        webinar = working(day(8, 15, 0))
        self.attended.append((person.id, webinar))
        self.gain(person, "webinar", webinar)
        asked = working(day(2, 11, 4))
        for rule in ("rank_head", "phone"):
            self.gain(person, rule, asked)  # the form told both
        self.view(person, asked - timedelta(minutes=2), "/demo", 58, "")
        self.submit(person, asked, "demo", message="직원 340명 규모이고 근태·전자계약을 함께 검토하고 있습니다. 기존 ERP 연동 가능 여부 문의드립니다.")
        self.consent(person, "kakaotalk", True, asked, f"form:{self.ids.forms['demo']}")
        owner = self.ids.users.get(person.owner)
        self.event(
            person, working(day(1, 16, 40)), Kind.CALL, minutes=8, actor=f"user:{owner}",
            text="8분. 내년 1월 근태 시스템 계약 만료. 전자결재 연동 여부가 핵심이고 예산은 다음 주 본부장 회의에서 확정 예정.",
        )  # fmt: skip
        sent = day(0, 9, 0) if self.now.astimezone(self.zone).hour >= 10 else day(1, 17, 30)
        message = self.send(person, sent, "case", "campaign:case")
        for opened in (sent + timedelta(minutes=2), sent + timedelta(minutes=33), self.now - timedelta(minutes=10)):
            self.opened(person, opened, "case", message)
        self.clicked(person, self.now - timedelta(minutes=9), "case", message, "/case")
        self.view(person, self.now - timedelta(minutes=9) + timedelta(seconds=2), "/case", 58, "")
        self.view(person, self.now - timedelta(minutes=7), "/pricing", 134, f"{self.url}/site/case")
        self.visitors.append((person.id, day(37, 16, 20), person.seen, f"{self.host}/site/blog/electronic-contract-guide", search, AGENTS[0]))
        self.cookies.append((f"{self.rng.getrandbits(128):032x}", person.id, day(37, 16, 20)))


LETTERS = (690, 600, 508, 416, 325, 236, 144, 53)  # days ago, one a quarter
CAMPAIGNS = {"guide": 62, "webinar_invite": 17, "case": 3}
CAMPAIGN_PAGES = {"guide": "/product", "webinar_invite": "/webinar", "case": "/case"}
NOTES = [
    "연말까지 예산 없음. 내년 2월에 다시 연락.",
    "급여 프로그램 교체와 함께 검토 중.",
    "총무팀이 결정. 인사팀은 추천만 함.",
    "교대제 설정을 가장 궁금해함.",
]
QUESTIONS = [
    "근태와 전자계약을 함께 보고 싶습니다.",
    "교대 근무가 많은데 설정이 가능한지 궁금합니다.",
    "지금 쓰는 급여 프로그램과 연동되는지 알고 싶습니다.",
    "50명 이하인데 도입 비용이 얼마나 되는지 문의드립니다.",
    "연차 촉진 통지를 자동으로 보내고 싶습니다.",
    "법인이 두 개인데 규정을 따로 둘 수 있습니까?",
]
