"""The book in which everything is written down that happened in two years, and when each score rule began to hold.

Pure data: lists of rows in the shape of the tables, made in memory and copied by tables.py.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baton.demo.pages import FORM_PAGES, SITE, TAGS, TITLES
from baton.demo.people import Person
from baton.events.vocabulary import Kind, key_kind
from baton.platform.config import config

WINDOW = timedelta(days=90)  # how long visits, opens and clicks count in the demo's score rules


@dataclass(frozen=True, slots=True)
class Ids:
    """What the history refers to: ids of forms, mails (with their addresses), and colleagues, by the names in definitions.py."""

    forms: dict[str, int]
    form_names: dict[str, str]
    emails: dict[str, int]
    email_names: dict[str, str]
    users: dict[str, int]
    campaigns: dict[str, int]  # by the key of their mail
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
    version: int = 1
    split: int | None = None


@dataclass(slots=True)
class Message:
    contact_id: int
    id: int
    cause: str
    email: str
    at: datetime
    state: str = "sent"
    reason: str = ""
    campaign: int | None = None
    variant: str = ""


@dataclass(slots=True)
class Logged:
    """What a colleague wrote down about somebody: a note, call or meeting."""

    contact_id: int
    at: datetime
    kind: str
    properties: dict[str, Any]
    user: int


@dataclass(slots=True)
class Walk:
    """Somebody's way through a workflow. `steps` is what each did: (step, outcome, detail, when he came, when he went on after a wait)."""

    contact_id: int
    id: int
    cause: str
    at: datetime
    steps: list[tuple[str, str, dict[str, Any], datetime, datetime | None]] = field(default_factory=list)
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
        self.logged: list[Logged] = []
        self.submissions: list[Submission] = []
        self.messages: list[Message] = []
        self.mailed: dict[int, int] = {}  # the campaign of a message
        self.walks: list[Walk] = []
        self.demos: dict[int, list[tuple[datetime, int]]] = defaultdict(list)  # (when, id of the event) of each demo request, by contact
        self.visitors: list[tuple[int, datetime, datetime, str, str, str]] = []
        self.cookies: list[tuple[str, int, datetime]] = []
        self.attended: list[tuple[int, datetime]] = []  # the webinar
        self.unsubscribed: list[tuple[int, datetime]] = []
        self.consents: list[tuple[int, str, bool, datetime, str, str]] = []
        self.gains: dict[int, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        self.items: dict[int, dict[str, dict[str, datetime]]] = defaultdict(lambda: defaultdict(dict))  # the same by page, where each counts once
        self._next = {"message": 0, "form_submission": 0, "enrollment": 0}

    # Writing down --------------------------------------------------------

    def event(self, person: Person, at: datetime, kind: Kind, key: str = "", label: str = "", value: float | None = None, **payload: Any) -> None:
        self.events.append(Event(person.id, at, kind, key, label, value, payload, self.rng.getrandbits(52)))

    def log(self, person: Person, at: datetime, kind: str, user: int, /, **properties: Any) -> None:
        """A note, call or meeting that a colleague wrote down."""
        self.logged.append(Logged(person.id, at, kind, properties, user))

    def gain(self, person: Person, rule: str, at: datetime) -> None:
        """A moment that a score rule counts, if its window still holds it."""
        self.gains[person.id][rule].append(at)

    def once(self, person: Person, rule: str, item: str, at: datetime) -> None:
        """The same where each page or file counts once: when it first did."""
        known = self.items[person.id][rule]
        known[item] = min(at, known.get(item, at))

    def start(self, of: str, number: int) -> None:
        """Numbers of messages, submissions, enrollments go on from here."""
        self._next[of] = number

    def last(self, of: str) -> int:
        return self._next[of]

    def number(self, of: str) -> int:
        self._next[of] += 1
        return self._next[of]

    def view(self, person: Person, at: datetime, path: str, seconds: int, referrer: str = "", query: str = "") -> None:
        """A page view and how long it was in sight."""
        url = f"{self.url}{SITE}{path or '/'}{'?' if query else ''}{query}"
        key, view_id = f"{self.host}{SITE}{path}", self.rng.getrandbits(52)
        self.events.append(Event(person.id, at, Kind.PAGE_VIEW, key, TITLES[path], None, {"url": url, "title": TITLES[path], "referrer": referrer}, view_id))
        self.events.append(Event(person.id, at, Kind.PAGE_DWELL, key, TITLES[path], float(seconds), {}, view_id + 1))
        if self.now - at < WINDOW:
            self.gain(person, "pageview", at)
            if path == "/pricing":
                self.gain(person, "pricing", at)
            for tag, rule in (("early", "blog"), ("case_study", "case_study")):
                if tag in TAGS.get(path, ((), 0))[0]:
                    self.once(person, rule, path, at)
            if seconds >= 60:
                self.gain(person, "dwell", at)

    def download(self, person: Person, at: datetime) -> None:
        url = f"{self.url}{SITE}/files/nuriwork-brochure.pdf"
        self.event(person, at, Kind.DOWNLOAD, url.partition("://")[2], "nuriwork-brochure.pdf", page=f"{self.url}{SITE}/brochure", href=url)
        if self.now - at < timedelta(days=180):
            self.once(person, "brochure", "pdf", at)

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

    def ask(self, person: Person, at: datetime, form: str, event: int) -> None:
        """A form sent that gives no points of its own; `event` is the id of what happened."""
        page, number = f"{self.url}{SITE}{FORM_PAGES[form]}", self.number("form_submission")
        values = {"lastname": person.family, "firstname": person.given, "email": person.email, "company": person.company.name}
        self.submissions.append(Submission(person.id, number, form, values, page, at))
        about = {"submission": number, "page": page}
        self.events.append(Event(person.id, at, Kind.FORM_SUBMISSION, str(self.ids.forms[form]), self.ids.form_names[form], None, about, event))

    def send(self, person: Person, at: datetime, email: str, cause: str) -> int:
        """A mail that went out; returns the message's number."""
        number, campaign = self.number("message"), self.ids.campaigns.get(email) if cause.startswith("campaign:") else None
        if campaign is not None:
            cause, self.mailed[number] = f"campaign:{campaign}", campaign
        variant = "" if campaign is None else "ab"[number % 2] if email == "case" else "a"
        self.messages.append(Message(person.id, number, cause, email, at, campaign=campaign, variant=variant))
        self.event(person, at, Kind.EMAIL_SENT, str(self.ids.emails[email]), self.ids.email_names[email], message=number, **self.of_campaign(number))
        return number

    def of_campaign(self, message: int) -> dict[str, int]:
        """What an event of a campaign's mail says besides."""
        campaign = self.mailed.get(message)
        return {} if campaign is None else {"campaign": campaign}

    def opened(self, person: Person, at: datetime, email: str, message: int) -> None:
        self.event(person, at, Kind.EMAIL_OPEN, str(self.ids.emails[email]), self.ids.email_names[email], message=message, **self.of_campaign(message))
        if self.now - at < WINDOW:
            self.gain(person, "open", at)

    def clicked(self, person: Person, at: datetime, email: str, message: int, path: str) -> None:
        about: dict[str, Any] = {"message": message, "url": f"{self.url}{SITE}{path}", **self.of_campaign(message)}
        self.event(person, at, Kind.EMAIL_CLICK, str(self.ids.emails[email]), self.ids.email_names[email], **about)
        if self.now - at < WINDOW:
            self.gain(person, "click", at)

    def consent(self, person: Person, channel: str, granted: bool, at: datetime, source: str) -> None:
        wording = "누리워크의 소식과 자료를 받는 데 동의합니다." if granted and source.startswith("form") else ""
        self.consents.append((person.id, channel, granted, at, source, wording))

    def seller(self) -> int:
        """One of the salespeople."""
        return self.rng.choice(list(self.ids.users.values())[2:])

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
