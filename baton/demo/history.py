"""What one of the sample company's people did in two years, from his temperament; book.py is where it is written down."""

from datetime import datetime, timedelta

from baton.demo import arrivals, campaigns, talk
from baton.demo.book import WINDOW, Book
from baton.demo.pages import AGENTS, FORM_PAGES, FREQUENT, SITE, SOURCES
from baton.demo.people import Person
from baton.events.vocabulary import Kind

QUESTIONS = [
    "근태와 전자계약을 함께 보고 싶습니다.",
    "교대 근무가 많은데 설정이 가능한지 궁금합니다.",
    "지금 쓰는 급여 프로그램과 연동되는지 알고 싶습니다.",
    "50명 이하인데 도입 비용이 얼마나 되는지 문의드립니다.",
    "연차 촉진 통지를 자동으로 보내고 싶습니다.",
    "법인이 두 개인데 규정을 따로 둘 수 있습니까?",
]


def live(book: Book, person: Person) -> None:
    """Two years of one person, from his temperament. Sets `created` to when he became known."""
    rng, hits, now = book.rng, person.hits, book.now
    recent = max(person.seen - timedelta(days=60), person.created)
    forms = [("newsletter", book.office(person.created, person.seen))] if hits["newsletter"] else []
    forms += [("webinar", book.office(max(recent, now - timedelta(days=40)), person.seen))] if hits["webinar_form"] else []
    forms += [("whitepaper", book.office(person.created, person.seen)) for _ in range(hits["whitepaper"])]
    forms += [("demo", book.office(recent, person.seen))] if hits["demo"] else []
    forms.sort(key=lambda f: f[1])
    if forms:
        person.created = forms[0][1]
    source = f"form:{book.ids.forms[forms[0][0]]}" if forms else "import:1"
    _visits(book, person, recent, forms)
    campaigns.send(book, person)
    if hits["brochure"]:
        book.download(person, book.office(recent, person.seen))
    if hits["webinar"]:
        at = now - timedelta(days=8)
        if person.created < at:
            book.attended.append((person.id, at))
            book.gain(person, "webinar", at)
    if hits["meeting"] and hits["demo"] and (asked := next((at for form, at in forms if form == "demo"), None)):
        shown = book.office(asked + timedelta(hours=20), min(now, asked + timedelta(days=9)))
        book.log(person, shown, "meeting", book.seller(), title="화면 시연 30분", kind="online", outcome="COMPLETED", minutes=30)
    for channel, granted in person.consent.items():
        if granted:
            book.consent(person, channel, True, person.created, source)
    if hits["optout"]:
        at = book.office(person.created, person.seen)
        book.consent(person, "email", False, at, "unsubscribe")
        book.unsubscribed.append((person.id, at))
        book.event(person, at, Kind.EMAIL_UNSUBSCRIBE)
    if rng.random() < 0.02 and person.created > now - timedelta(days=400):
        book.log(person, book.office(person.created, person.seen), "note", book.seller(), body=rng.choice(talk.NOTES))


def _visits(book: Book, person: Person, recent: datetime, forms: list[tuple[str, datetime]]) -> None:
    rng, hits = book.rng, person.hits
    pages = rng.choices(list(FREQUENT), list(FREQUENT.values()), k=hits["pageview"]) + ["/pricing"] * hits["pricing"]
    rng.shuffle(pages)
    long = set(rng.sample(range(len(pages)), min(hits["dwell"], len(pages))))
    views = 0
    first: tuple[datetime, str, str] | None = None

    def walk(walked: list[tuple[str, bool]], at: datetime) -> None:
        nonlocal views, first
        referrer, query = arrivals.of(person.source, at, person.id)
        for path, stays in walked:
            seconds = rng.randint(61, 290) if stays else rng.randint(4, 55)
            book.view(person, at, path, seconds, referrer, query)
            here = (at, path, referrer)
            referrer, query = f"{book.url}{SITE}{path or '/'}", ""
            first = min(first, here) if first else here
            at += timedelta(seconds=seconds + rng.randint(1, 20))
            views += 1

    index = 0
    while index < len(pages):  # sessions of one to four pages; the last one ends when the person was last seen
        size = rng.choice((1, 1, 2, 2, 3, 4))
        part = [(pages[i], i in long) for i in range(index, min(index + size, len(pages)))]
        index += size
        start = person.seen - timedelta(minutes=6 * len(part)) if index >= len(pages) else book.office(recent, person.seen - timedelta(hours=1))
        walk(part, start)
    before = min(recent, book.now - WINDOW - timedelta(days=1))
    if before > person.created:
        for _ in range(int(rng.expovariate(0.5) * (0.5 + person.warm))):
            walk([(rng.choice(list(FREQUENT)), rng.random() < 0.25) for _ in range(rng.randint(1, 3))], book.office(person.created, before))
    for form, at in forms:
        walk([(FORM_PAGES[form], False)], at - timedelta(seconds=rng.randint(70, 240)))
        book.submit(person, at, form, message=rng.choice(QUESTIONS) if form == "demo" else "")
    if first is not None:
        known = person.created if forms else max(first[0], person.created)
        book.event(person, known, Kind.IDENTIFIED, by="form" if forms else "email_click", views=views)
        book.visitors.append((person.id, first[0], person.seen, f"{book.host}{SITE}{first[1]}", first[2], rng.choice(AGENTS)))
        book.cookies.append((f"{rng.getrandbits(128):032x}", person.id, first[0]))


def anonymous(book: Book, visitor_id: int) -> None:
    """Somebody who looked around and left no name."""
    rng = book.rng
    at = book.office(book.now - timedelta(days=300), book.now - timedelta(minutes=30))
    start, path = at, ""
    nobody = Person("", "", "", "", "", "staff", None, "search", "unknown", at, at, 0.0, {}, {}, id=visitor_id)  # type: ignore[arg-type]  # has no company
    referrer, query = camefrom = arrivals.of(rng.choice(SOURCES), at, visitor_id)
    first = path = rng.choice(list(FREQUENT))
    for _ in range(rng.choice((1, 1, 2, 3, 5))):
        book.view(nobody, at, path, rng.randint(3, 120), referrer, query)
        referrer, query = f"{book.url}{SITE}{path or '/'}", ""
        at, path = at + timedelta(seconds=rng.randint(20, 200)), rng.choice(list(FREQUENT))
    book.items.pop(visitor_id, None)
    book.gains.pop(visitor_id, None)  # who is no contact has no score
    book.visitors.append((visitor_id, start, at, f"{book.host}{SITE}{first}", camefrom[0], rng.choice(AGENTS)))
    book.cookies.append((f"{rng.getrandbits(128):032x}", visitor_id, start))
