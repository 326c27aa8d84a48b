"""서지우, the person of the screenshots: her history is written by hand."""

from datetime import datetime, timedelta

from baton.demo.book import Book
from baton.demo.pages import AGENTS
from baton.demo.people import Person
from baton.events.vocabulary import Kind


def live(book: Book, person: Person) -> None:
    """서지우: found by a search, four weeks anonymous, a webinar, a demo request two days ago, and back on the pricing page just now."""

    def day(days: int, hour: int, minute: int) -> datetime:
        return (book.now.astimezone(book.zone) - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)

    def working(at: datetime) -> datetime:
        """The same hour on the Friday before, when it is a weekend."""
        return at - timedelta(days=max(0, at.weekday() - 4))

    search = "https://search.naver.com/search.naver?query=전자근로계약 시스템 비교"
    book.view(person, day(37, 16, 20), "/blog/electronic-contract-guide", 48, search)
    book.view(person, day(37, 16, 22), "", 21, f"{book.url}/site/blog/electronic-contract-guide")
    book.view(person, day(30, 9, 41), "/product", 55, "")
    book.view(person, day(23, 11, 15), "/case", 52, "")
    book.view(person, day(17, 21, 46), "", 12, "")
    book.view(person, day(17, 21, 48), "/pricing", 41, f"{book.url}/site/")
    person.created = day(15, 10, 12)
    book.view(person, day(15, 10, 10), "/webinar", 54, "")
    book.submit(person, person.created, "webinar")
    book.event(person, person.created, Kind.IDENTIFIED, by="form", views=7)
    book.consent(person, "email", True, person.created, f"form:{book.ids.forms['webinar']}")
    webinar = working(day(8, 15, 0))
    book.attended.append((person.id, webinar))
    book.gain(person, "webinar", webinar)
    asked = working(day(2, 11, 4))
    for rule in ("rank_head", "phone"):
        book.gain(person, rule, asked)  # the form told both
    book.view(person, asked - timedelta(minutes=2), "/demo", 58, "")
    book.submit(person, asked, "demo", message="직원 340명 규모이고 근태·전자계약을 함께 검토하고 있습니다. 기존 ERP 연동 가능 여부 문의드립니다.")
    book.consent(person, "kakaotalk", True, asked, f"form:{book.ids.forms['demo']}")
    book.log(
        person, working(day(1, 16, 40)), "call", book.ids.users[person.owner], minutes=8, outcome="connected", direction="outbound", title="상담 문의 확인",
        body="내년 1월 근태 시스템 계약 만료. 전자결재 연동 여부가 핵심이고 예산은 다음 주 본부장 회의에서 확정 예정.",
    )  # fmt: skip
    sent = day(0, 9, 0) if book.now.astimezone(book.zone).hour >= 10 else day(1, 17, 30)
    message = book.send(person, sent, "case", "campaign:case")
    for opened in (sent + timedelta(minutes=2), sent + timedelta(minutes=33), book.now - timedelta(minutes=10)):
        book.opened(person, opened, "case", message)
    book.clicked(person, book.now - timedelta(minutes=9), "case", message, "/case")
    book.view(person, book.now - timedelta(minutes=9) + timedelta(seconds=2), "/case", 58, "")
    book.view(person, book.now - timedelta(minutes=7), "/pricing", 134, f"{book.url}/site/case")
    book.visitors.append((person.id, day(37, 16, 20), person.seen, f"{book.host}/site/blog/electronic-contract-guide", search, AGENTS[0]))
    book.cookies.append((f"{book.rng.getrandbits(128):032x}", person.id, day(37, 16, 20)))
