"""Notes, calls, meetings, mails and tasks as records, with the events that events/logged.py would make of them.

What happened is an event of the contact with the record's id; what lies ahead, or is still to be done, is none yet.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from baton.crm import activities
from baton.crm.values import stamp
from baton.demo import tables, talk
from baton.demo.book import Event
from baton.demo.people import Person
from baton.demo.sample import Deal, Row, Sample
from baton.events.logged import ABOUT, KINDS
from baton.messaging.colleagues import mentions
from baton.platform.actor import Actor
from baton.platform.config import config

MINUTE = 60_000  # milliseconds


def logged(sample: Sample) -> None:
    """What is in the book: it counts when people are scored, so it comes before."""
    employers = {person.id: person.company.id for person in sample.people}
    rows = [
        _row(sample, entry.kind, entry.at, entry.user, entry.properties, [("contact", entry.contact_id), ("company", employers[entry.contact_id])])
        for entry in sample.book.logged
    ]
    _write(rows, sample.now)


def make(sample: Sample) -> None:
    """What salespeople did and are going to do about their deals, and what lies on the desks of those who sign in."""
    rng, rows = sample.luck("activities"), []
    for deal in sample.deals:
        rows += _talked(sample, rng, deal)
        rows += _tasks(sample, rng, deal)
    rows += _desks(sample)
    asked = _hero(sample)
    _write([*rows, *asked], sample.now)
    for note in asked:
        mentions.tell(
            note.id, str(note.properties["body"]), about=sample.people[0].name,
            url=f"/contacts/{sample.people[0].id}/", actor=Actor("user", int(note.properties["owner_id"])), contact_id=sample.people[0].id,
        )  # fmt: skip


def _write(rows: Sequence[Row], now: datetime) -> None:
    tables.records(rows)
    tables.events([event for row in rows for event in _events(row, now)])


def _events(row: Row, now: datetime) -> list[Event]:
    """The event of each contact an activity is linked to, once it has happened."""
    about, done = row.properties, row.kind != "task" or row.properties["status"] == "COMPLETED"
    at = datetime.fromisoformat(about["completed_at"] if row.kind == "task" and done else about["at"])
    if not done or at > now:
        return []
    key = str(about.get(ABOUT.get(row.kind, ""), ""))
    return [Event(id, at, KINDS[row.kind], key, "", None, {"record": row.id, "actor": row.by}, row.id) for kind, id in row.links if kind == "contact"]


def _row(sample: Sample, kind: str, at: datetime, user: int, given: dict[str, Any], links: list[tuple[str, int]], written: datetime | None = None) -> Row:
    """An activity; `minutes` of a call or meeting is its length. `written` is when it was written down, if not when it happened."""
    about: dict[str, Any] = {"at": stamp(at), "owner_id": user, **{name: value for name, value in given.items() if value not in ("", None)}}
    minutes = about.pop("minutes", None)
    if kind == "call":
        about |= {"duration": minutes * MINUTE} if minutes else {}
        about.setdefault("status", "COMPLETED")
    elif kind == "meeting":
        about |= {"starts_at": stamp(at), "ends_at": stamp(at + timedelta(minutes=minutes or 30))}
    return Row(kind, sample.number(), about, min(written or at, sample.now), links, f"user:{user}")


def _ahead(sample: Sample, rng: random.Random, days: int) -> datetime:
    """A moment at work, so many days from today; what falls on a weekend comes on the Monday after, or was due on the Friday before."""
    at = (sample.now.astimezone(config().zone) + timedelta(days=days)).replace(hour=rng.choice((10, 11, 14, 15, 16)), minute=rng.choice((0, 30)), second=0)
    if at.weekday() > 4:
        at += timedelta(days=7 - at.weekday() if days >= 0 else 4 - at.weekday())
    return at


def _talked(sample: Sample, rng: random.Random, deal: Deal) -> list[Row]:
    """Calls, meetings, notes, mails and messages of one deal, the meeting that is planned among them."""
    person, made = deal.person, list[Row]()
    end = min(sample.reach(person), datetime.fromisoformat(deal.row.properties["stage_since"]) if not deal.open else sample.now)
    if end <= deal.row.at:
        return []

    def add(kind: str, at: datetime | None = None, /, **given: Any) -> None:
        when = at or sample.book.office(deal.row.at, end)
        made.append(_row(sample, kind, when.replace(microsecond=0), deal.owner, given, deal.about, deal.row.at + (end - deal.row.at) / 2 if at else None))

    for _ in range(rng.randint(1, 3)):
        outcome = rng.choices(list(talk.CALLS), [weight for weight, _status, _texts in talk.CALLS.values()])[0]
        _weight, status, texts = talk.CALLS[outcome]
        add(
            "call", title=rng.choice(talk.CALL_TITLES), outcome=outcome, status=status, direction="inbound" if rng.random() < 0.2 else "outbound",
            body=rng.choice(texts), minutes=rng.randint(3, 24) if outcome == "connected" else None, to_number=person.phone,
        )  # fmt: skip
    if rng.random() < 0.55:
        title, kind, minutes, place = rng.choice(talk.MEETINGS)
        missed = rng.random() < 0.08
        body = "" if missed else rng.choice(talk.SAID)
        add("meeting", title=title, kind=kind, minutes=minutes, location=place, outcome="NO_SHOW" if missed else "COMPLETED", body=body)
    if deal.open and rng.random() < 0.3:
        title, kind, minutes, place = rng.choice(talk.MEETINGS)
        add("meeting", _ahead(sample, rng, rng.randint(1, 14)), title=title, kind=kind, minutes=minutes, location=place, outcome="SCHEDULED")
    for _ in range(rng.choice((0, 1, 1, 2))):
        add("note", body=_note(sample, rng, deal.owner))
    if rng.random() < 0.3:
        subject, text = rng.choice(talk.MAILS)
        add("email", subject=subject, text=text, direction="EMAIL", status="SENT", to_email=person.email)
    if rng.random() < 0.12:
        add("communication", body=rng.choice(talk.CHATS), channel="KAKAOTALK")
    return made


def _note(sample: Sample, rng: random.Random, writer: int) -> str:
    """A note, now and then with a colleague's name in it."""
    if rng.random() < 0.8:
        return activities.html(rng.choice(talk.NOTES))
    name, user = rng.choice([(name, user) for name, user in sample.setting.users.items() if user != writer])
    return activities.html(rng.choice(talk.ASKS).format(name=name), {name: user})


def _task(sample: Sample, due: datetime, user: int, given: dict[str, Any], links: list[tuple[str, int]], done: datetime | None = None) -> Row:
    state = {"status": "COMPLETED", "completed_at": stamp(done)} if done else {"status": "NOT_STARTED"}
    row = _row(sample, "task", due, user, given | state, links, (done or min(due, sample.now)) - timedelta(days=2))
    row.changed = done
    return row


def _tasks(sample: Sample, rng: random.Random, deal: Deal) -> list[Row]:
    """What was done about a deal, and what is to be done next: some of it late."""
    made = []
    if rng.random() < 0.5 and sample.now - deal.row.at > timedelta(days=3):
        done = sample.book.office(deal.row.at, sample.now - timedelta(hours=1)).replace(microsecond=0)
        subject, kind = rng.choice(talk.TASKS)
        made.append(_task(sample, done + timedelta(hours=3), deal.owner, {"subject": subject, "kind": kind, "priority": "NONE"}, deal.about, done))
    if deal.open and rng.random() < 0.22:
        subject, kind = rng.choice(talk.TASKS)
        due = _ahead(sample, rng, rng.choice((-4, -1, 0, 1, 1, 2, 3, 4, 6, 8, 10, 13, 17, 21)))
        priority = rng.choice(("NONE", "NONE", "LOW", "MEDIUM", "HIGH"))
        made.append(_task(sample, due, deal.owner, {"subject": subject, "kind": kind, "priority": priority}, deal.about))
    return made


def _desks(sample: Sample) -> list[Row]:
    """The tasks of those who sign in."""
    rng, made = sample.luck("desks"), []
    for name, tasks in talk.DESK.items():
        for subject, kind, priority, days, number in tasks:
            deal = sample.deals[number % len(sample.deals)]
            given = {"subject": subject, "kind": kind, "priority": priority}
            done = sample.now - timedelta(hours=rng.randint(3, 40)) if days is None else None
            due = done or _ahead(sample, rng, int(days or 0)).replace(hour=9 if (days or 0) < 0 else 17)
            made.append(_task(sample, due, sample.setting.users[name], given, deal.about, done))
    return made


def _hero(sample: Sample) -> list[Row]:
    """Two colleagues write to each other about the hero, and the demonstration that is planned with her."""
    hero: Person = sample.people[0]
    deal = next(deal for deal in sample.deals if deal.person is hero)
    han, oh = sample.setting.users["한도윤"], sample.setting.users["오세린"]
    talked = max(entry.at for entry in sample.book.logged if entry.contact_id == hero.id)
    ask = activities.html("@오세린 물류 340명 규모의 도입 사례를 메일로 보내 주세요. 본부장 보고 자료에 넣겠다고 합니다.", {"오세린": oh})
    answer = activities.html("@한도윤 오늘 보냈습니다. 급여 마감이 4.5일에서 1.3일로 줄어든 표가 3쪽에 있습니다.", {"한도윤": han})
    demo = _ahead(sample, sample.luck("hero"), 2).replace(hour=14, minute=0)
    return [
        _row(sample, "note", talked + timedelta(minutes=10), han, {"body": ask}, deal.about),
        _row(sample, "note", min(talked + timedelta(hours=1, minutes=5), sample.now), oh, {"body": answer}, deal.about),
        _row(
            sample, "meeting", demo, han,
            {"title": "근태 + 전자계약 화면 시연", "kind": "online", "minutes": 30, "location": "화상 회의", "outcome": "SCHEDULED",
             "body": "3교대 근무표, 전자결재 연동 순서로 보여 드립니다."},
            deal.about, talked + timedelta(minutes=12),
        ),
    ]  # fmt: skip
