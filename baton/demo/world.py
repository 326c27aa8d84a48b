"""The sample company 누리워크: a believable B2B database with two years of history, loaded in one transaction.

People, visits, mails are copied in; scores, lists and stages are then found by the same functions that find them in
production, and only their dates are moved to where they would have happened.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation

from baton.accounts.models import User
from baton.crm import builtin, duplicates
from baton.demo import (
    activities,
    content_library,
    contracts,
    deals,
    decisions,
    definitions,
    doubles,
    hero,
    history,
    kept,
    machines,
    mailings,
    meetings,
    memberships,
    news,
    people,
    quarantined,
    said,
    setting,
    stages,
    tables,
    traces,
    walks,
)
from baton.demo.book import Book
from baton.demo.content import PASSWORD, PEOPLE
from baton.demo.people import Company, Person
from baton.demo.sample import Sample
from baton.events import origins, partitions, sessions
from baton.messaging.models import Email
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import company_scores, refresh, scoring

SEED = 20260520
__all__ = ["PASSWORD", "PEOPLE", "follow", "load", "loaded"]

COMPANIES_PER_CONTACT = 900 / 12_000
ANONYMOUS_PER_CONTACT = 0.2
PART = 2000  # people whose visits are worked out at once
NUMBERED = ("message", "form_submission", "enrollment")  # tables whose rows the history numbers itself

Say = Callable[[str], None]


def loaded() -> bool:
    """Whether the sample company is in this database."""
    return User.objects.filter(email="han@nuriwork.example").exists()


def load(contacts: int = 12_000, *, seed: int = SEED, say: Say = lambda text: None) -> None:
    """Fill an empty database; the same seed and day give the same people. All or nothing. Takes about 30 s for 12,000."""
    now = clock.now().replace(second=0, microsecond=0)
    builtin.ensure()
    partitions.ensure(now - timedelta(days=800), now)
    with transaction.atomic(), translation.override("ko"):
        _fill(contacts, seed, now, say)


def follow(url: str) -> None:
    """Let the links of the mails point at Baton's present address; it changes when the demo finds its port taken."""
    for email in Email.objects.filter(body__contains="/site"):
        body = definitions.SITE_LINK.sub(f'"{url}/site', email.body)
        if body != email.body:
            email.body = body
            email.save(update_fields=["body", "updated_at"])
    content_library.follow(url)


def _fill(contacts: int, seed: int, now: datetime, say: Say) -> None:
    made, rng = setting.make(), random.Random(seed)
    say("Inventing people and two years of their history")
    firms, persons = _people(contacts, seed, rng, now)
    sample = Sample(seed, rng, now, made, firms, persons, Book(rng, now, config().url, made.ids))
    meetings.prepare(sample)
    _live(sample, round(contacts * ANONYMOUS_PER_CONTACT))
    meetings.attend(sample)
    traces.note(sample)
    machines.judge(sample)
    say(f"Copying {len(sample.book.events):,} events of {contacts:,} people into the database")
    tables.everything(sample)
    mailings.deliver(sample)
    activities.logged(sample)
    tables.analyze()
    _sources(sample)
    say("Scoring everybody")
    decisions.give(sample)
    said.entries(sample, [entry for given in sample.given.values() for entry in given])
    scoring.everyone(made.model)
    stages.date(sample)
    say("Deals, offers, contracts, and what is written down about them")
    deals.make(sample)
    contracts.make(sample)
    activities.make(sample)
    kept.make(sample)
    company_scores.everyone(made.companies)
    say("Finding the members of the lists")
    memberships.pin(sample)
    for segment in made.lists.values():
        refresh.everyone(segment)
    memberships.date(sample)
    duplicates.rebuild()
    doubles.settle(made.users["관리자"], now)
    for name in NUMBERED:
        sql.rows("SELECT setval(%s::regclass, %s)", [f"{name}_id_seq", sample.book.last(name)])
    said.look_back(sample)
    content_library.make(made, now, random.Random(f"{seed}:content"))
    machines.fetch(sample)
    mailings.count(sample)
    quarantined.make(sample)
    news.make(sample)
    sql.run("DELETE FROM change")  # all of this is evaluated; nobody is to be enrolled or told for what happened long ago
    tables.analyze()


def _sources(sample: Sample) -> None:
    """Visits, and where everybody came from."""
    ids = [row[0] for row in sample.book.visitors]
    known = [person.id for person in sample.people]
    for start in range(0, len(ids), PART):
        sessions.rebuild(ids[start : start + PART])
    for start in range(0, len(known), PART):
        origins.settle(known[start : start + PART], quiet=True)


def _people(contacts: int, seed: int, rng: random.Random, now: datetime) -> tuple[list[Company], list[Person]]:
    """Companies and the people who work there, with their record ids."""
    firms = people.companies(rng, max(8, round(contacts * COMPANIES_PER_CONTACT)), now)
    persons = people.people(rng, contacts, firms, now)
    people.register(random.Random(f"{seed}:register"), firms)
    doubles.add(random.Random(f"{seed}:doubles"), firms, persons, now)
    ids = iter(sql.next_ids("record_id_seq", len(firms) + len(persons)))
    for firm in firms:
        firm.id = next(ids)
    for person in persons:
        person.id = next(ids)
    return firms, persons


def _live(sample: Sample, anonymous: int) -> None:
    """Everybody's two years, written down in the book."""
    book = sample.book
    for name in NUMBERED:
        book.start(name, sql.next_ids(f"{name}_id_seq", 1)[0])
    hero.live(book, sample.people[0])
    for person in sample.people[1:]:
        history.live(book, person)
    for visitor_id in sql.next_ids("record_id_seq", anonymous):
        history.anonymous(book, visitor_id)
    for person in sample.people:
        walks.follow_up(book, person)
