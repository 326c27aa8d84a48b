"""The ways of people through the workflow '상담 문의 후속', each with its mails."""

from datetime import datetime, timedelta

from baton.demo.book import Book, Message, Walk
from baton.demo.people import Person
from baton.events.vocabulary import Kind


def follow_up(book: Book, person: Person) -> None:
    """What the workflow '상담 문의 후속' did after each demo request of this person; one that came while he was inside was passed over."""
    rng, now = book.rng, book.now
    inside: datetime | None = None
    for at, event_id in sorted(book.demos.get(person.id, [])):
        if inside is not None and at < inside:
            continue
        walk = Walk(person.id, book.number("enrollment"), f"form:{event_id}", at + timedelta(seconds=1))
        walk.steps.append(("s1", "done", {}, walk.at, None))
        book.walks.append(walk)
        book.event(
            person, walk.at, Kind.WORKFLOW_ENROLLED, str(book.ids.workflow), book.ids.workflow_name, enrollment=walk.id, cause=walk.cause, actor="system"
        )
        until = walk.at + timedelta(days=1)
        inside = until + timedelta(days=7)
        if _mail(book, person, walk, "s2", "intro", walk.at, until) and rng.random() < 0.3:
            when = min(walk.at + (until - walk.at) * rng.random() ** 2, now)
            book.clicked(person, when, "intro", book.messages[-1].id, "/case")
            walk.steps += [("s3", "met", {"until": until.isoformat()}, walk.at, when), ("s5", "done", {}, when, None), ("s9", "done", {}, when, None)]
            inside = _ended(book, person, walk, when, "goal")
            continue
        if not _wait(book, walk, "s3", walk.at, until, "timeout"):
            continue
        _mail(book, person, walk, "s6", "guide", until, until + timedelta(days=2))
        end = until + timedelta(days=7)
        if not _wait(book, walk, "s7", until, end, "done"):
            continue
        _mail(book, person, walk, "s8", "nudge", end, end + timedelta(days=2))
        inside = _ended(book, person, walk, end, "finished")


def _ended(book: Book, person: Person, walk: Walk, at: datetime, state: str) -> datetime:
    walk.state, walk.entered, walk.finished = state, at, at
    book.event(person, at, Kind.WORKFLOW_FINISHED, str(book.ids.workflow), book.ids.workflow_name, enrollment=walk.id, outcome=state)
    return at


def _mail(book: Book, person: Person, walk: Walk, step: str, email: str, at: datetime, until: datetime) -> bool:
    """A mail of the workflow; True when it went out."""
    walk.steps.append((step, "done", {}, at, None))
    cause = f"step:{walk.id}:{step}"
    if not person.consent.get("email"):
        reason = "suppressed_unsubscribed" if person.hits.get("optout") else "no_consent"
        book.messages.append(Message(person.id, book.number("message"), cause, email, at, "skipped", reason))
        return False
    message = book.send(person, at, email, cause)
    if book.rng.random() < 0.6:
        book.opened(person, min(at + (until - at) * book.rng.random() ** 2, book.now), email, message)
    return True


def _wait(book: Book, walk: Walk, step: str, at: datetime, until: datetime, outcome: str) -> bool:
    """A wait of the workflow; False when it is not over yet."""
    if until <= book.now:
        walk.steps.append((step, outcome, {"until": until.isoformat()}, at, until))
        return True
    walk.steps.append((step, "waiting", {"until": until.isoformat()}, at, None))
    walk.state, walk.step, walk.entered, walk.due = "active", step, at, until
    return False
