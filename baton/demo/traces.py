"""What the tracker notes besides views: forms seen, begun and left, how far pages were read, films watched, links to other sites."""

import random
from datetime import datetime, timedelta
from typing import Any

from baton.demo import arrivals, trials
from baton.demo.book import Event
from baton.demo.pages import AGENTS, FORM_PAGES, SITE, SOURCES, TITLES
from baton.demo.sample import Sample
from baton.events.vocabulary import Kind
from baton.events.wire import page_key
from baton.forms import shown
from baton.platform import sql

READ = timedelta(days=21)  # how far back pages know how far they were read
LOOKED = timedelta(days=90)  # how far back there are visitors who saw forms and did not send them
LOOKERS = 0.22  # of those, a contact
LIKED = {"demo": 4, "webinar": 6, "whitepaper": 3, "newsletter": 2, "brochure": 3}
STOPPED: dict[str, dict[str, int]] = {  # the last field touched of who left, by form
    "demo": {"phone": 46, "company": 18, "email": 14, "message": 12, "jobtitle": 7, "lastname": 3},
    "webinar": {"jobtitle": 30, "company": 28, "email": 26, "firstname": 6},
    "whitepaper": {"company": 40, "email": 38, "firstname": 8},
    "newsletter": {"email": 60, "firstname": 25, "lastname": 15},
    "brochure": {"company": 45, "email": 40, "firstname": 10},
}
BETTER = 0.62  # of those who sent the form whose test is decided, so many had the second version
BEGUN = 0.38  # of those who see a form and do not send it, begin it
FILM = ("/static/tour.webm", "누리워크 20초 둘러보기", 20.0)  # address below the site, title, seconds
SEEN = (15, 25, 40, 50, 75, 90, 100, 100)
ELSEWHERE = {  # links of pages to others' sites
    "/blog/electronic-contract-guide": ("https://law.example/electronic-documents", "전자문서법 조문 보기"),
    "/blog/attendance-2027": ("https://labor.example/notice/2027-hours", "제도 변경 고시"),
    "/blog/payroll-errors": ("https://tax.example/withholding", "원천징수 안내"),
    "/case": ("https://hangyeol-logistics.example/", "한결물류 홈페이지"),
}


def note(sample: Sample) -> None:
    """All of it."""
    rng = sample.luck("traces")
    _draw(sample)
    _brochures(sample, rng)
    _senders(sample, rng)
    _readers(sample, rng)
    _lookers(sample, rng)


def _event(
    sample: Sample, rng: random.Random, who: int, at: datetime, kind: Kind, key: str, label: str = "", value: float | None = None, /, **payload: Any
) -> None:
    sample.book.events.append(Event(who, at, kind, key, label, value, payload, rng.getrandbits(52)))


def _draw(sample: Sample) -> None:
    """Which version everybody had who sent a form while it was tested. The lot is that of production: it falls by the cookie."""
    book, rng = sample.book, sample.luck("trials")
    place = {contact: number for number, (_value, contact, _at) in enumerate(book.cookies)}
    drawn: set[int] = set()
    tested = [(sent, trial) for sent in book.submissions if (trial := sample.setting.trials.get(sent.form)) and sent.at >= trial.since]
    tested = [(sent, trial) for sent, trial in tested if sent.contact_id in place]
    for sent, trial in tested:
        cookie, contact, at = book.cookies[place[sent.contact_id]]
        if sent.form == "webinar" and contact not in drawn:
            wanted = rng.random() < BETTER
            while shown.lot(trial.split, cookie) != wanted:
                cookie = f"{rng.getrandbits(128):032x}"
            book.cookies[place[contact]] = (cookie, contact, at)
            drawn.add(contact)
    for sent, trial in tested:
        sent.version, sent.split = trials.version(trial, book.cookies[place[sent.contact_id]][0]), trial.split.pk


def _brochures(sample: Sample, rng: random.Random) -> None:
    """Most downloads of the brochure of the last months were asked for by its form."""
    book, people = sample.book, {person.id: person for person in sample.people}
    oldest = sample.now - LOOKED
    for event in [e for e in book.events if e.kind is Kind.DOWNLOAD and e.ts > oldest and rng.random() < 0.45]:
        at = event.ts - timedelta(seconds=rng.randint(2, 9))
        if at > people[event.contact_id].created:
            book.ask(people[event.contact_id], at, "brochure", rng.getrandbits(52))


def _senders(sample: Sample, rng: random.Random) -> None:
    """Who sent a form had seen and begun it."""
    book = sample.book
    for sent in book.submissions:
        form, name = str(book.ids.forms[sent.form]), book.ids.form_names[sent.form]
        began = sent.at - timedelta(seconds=rng.randint(20, 60))
        about = {"page": sent.page, "version": str(sent.version)}
        _event(sample, rng, sent.contact_id, began - timedelta(seconds=rng.randint(3, 9)), Kind.FORM_VIEW, form, name, **about)
        _event(sample, rng, sent.contact_id, began, Kind.FORM_START, form, name, **about)


def _readers(sample: Sample, rng: random.Random) -> None:
    """How far pages were read, the film on the product page, links to other sites."""
    book, oldest = sample.book, sample.now - READ
    film, title, length = f"{book.url}{SITE}{FILM[0]}", FILM[1], FILM[2]
    start = len(f"{book.host}{SITE}")
    for view in [e for e in book.events if e.kind is Kind.PAGE_DWELL and e.ts > oldest]:
        path, seconds, page = view.key[start:], view.value or 0.0, f"{book.url}{SITE}{view.key[start:]}"
        percent = min(100, round(18 + seconds * rng.uniform(0.4, 1.6)))
        book.events.append(Event(view.contact_id, view.ts, Kind.PAGE_SCROLL, view.key, view.label, float(percent), {}, view.id + 1))
        if path == "/product" and rng.random() < 0.3:
            watched = rng.choice(SEEN)
            about = {"page": page, "seconds": round(length * watched / 100, 1), "duration": length}
            _event(sample, rng, view.contact_id, view.ts + timedelta(seconds=3), Kind.VIDEO_WATCHED, film.partition("://")[2], title, float(watched), **about)
        elif path in ELSEWHERE and rng.random() < 0.08:
            href, text = ELSEWHERE[path]
            _event(
                sample, rng, view.contact_id, view.ts + timedelta(seconds=min(seconds, 30)), Kind.OUTBOUND_CLICK,
                page_key(href), page=page, url=href, text=text,
            )  # fmt: skip


def _lookers(sample: Sample, rng: random.Random) -> None:
    """Visitors who saw forms and did not send them; some began."""
    book, now = sample.book, sample.now
    for id in sql.next_ids("record_id_seq", round(len(sample.people) * LOOKERS)):
        at = start = _hour(now - LOOKED * rng.random(), now, book.zone, rng)
        cookie, seen = f"{rng.getrandbits(128):032x}", set(rng.choices(list(LIKED), list(LIKED.values()), k=rng.choice((1, 1, 2, 3))))
        referrer, query = camefrom = arrivals.of(rng.choice(SOURCES), at, id)
        for form in sorted(seen):
            path = FORM_PAGES[form]
            page = f"{book.url}{SITE}{path}{'?' if query else ''}{query}"
            _event(sample, rng, id, at, Kind.PAGE_VIEW, f"{book.host}{SITE}{path}", TITLES[path], url=page, title=TITLES[path], referrer=referrer)
            trial = sample.setting.trials.get(form)
            number = trials.version(trial, cookie) if trial and at >= trial.since else 1
            about, form_id, name = {"page": page, "version": str(number)}, str(book.ids.forms[form]), book.ids.form_names[form]
            _event(sample, rng, id, at + timedelta(seconds=1), Kind.FORM_VIEW, form_id, name, **about)
            if rng.random() < BEGUN:
                field = rng.choices(list(STOPPED[form]), list(STOPPED[form].values()))[0]
                _event(sample, rng, id, at + timedelta(seconds=rng.randint(4, 20)), Kind.FORM_START, form_id, name, **about)
                _event(sample, rng, id, at + timedelta(seconds=rng.randint(25, 40)), Kind.FORM_ABANDON, form_id, name, **about, field=field)
            referrer, query, at = f"{book.url}{SITE}{path}", "", at + timedelta(seconds=rng.randint(45, 90))
        first = f"{book.host}{SITE}{FORM_PAGES[min(seen)]}"
        book.visitors.append((id, start, at, first, camefrom[0], rng.choice(AGENTS)))
        book.cookies.append((cookie, id, start))


def _hour(at: datetime, now: datetime, zone: Any, rng: random.Random) -> datetime:
    """A moment of that day when people are at work, and a few minutes ago at the latest."""
    local = at.astimezone(zone).replace(hour=rng.choice((9, 10, 10, 11, 13, 14, 14, 15, 16, 17, 20)), minute=rng.randrange(60), second=rng.randrange(60))
    return min(local, now - timedelta(minutes=rng.randint(8, 50)))
