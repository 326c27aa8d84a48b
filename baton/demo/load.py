"""`baton demo load`: a crowd into the sample company's database by COPY, in minutes, with flat memory. All or nothing."""

import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import transaction

from baton.accounts.models import User
from baton.crm import life
from baton.crm.models import Contact, Stage
from baton.demo import world
from baton.demo.copying import as_json, copy, copy_in_pieces, without_indexes, words
from baton.demo.crowd import CALLS, WAYS, Crowd, Made, Sizes
from baton.demo.pages import AGENTS, FREQUENT, SITE, TITLES
from baton.events import keys, logged, partitions
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import scoring
from baton.segments.models import ScoreModel

Say = Callable[[str], None]
EACH = 50_000  # rows between two lines of progress
TABLES = ("contact", "record", "identity", "association", "consent", "visitor", "booking", "event")
SERIES = ("company", "contact", "deal", "ticket", "task", "note", "call", "meeting")  # in the order their ids are given
KNOWN = timedelta(days=750)  # moves before this are booked, but no events
ACTIVITIES = ("task", "note", "call", "meeting")
RECORD = ("id", "object_type", "properties", "owner_id", "created_at", "created_by", "source", "updated_at", "search")
CONTACT = ("id", "email", "properties", "owner_id", "created_at", "created_by", "source", "updated_at", "search")
ORIGIN = ("import:2", "import")
LINK = """
INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)
SELECT s.* FROM tied t
CROSS JOIN LATERAL (VALUES
    (t.one, t.one_type, t.other, t.other_type, '', t.at), (t.other, t.other_type, t.one, t.one_type, '', t.at),
    (t.one, t.one_type, t.other, t.other_type, 'primary', t.at), (t.other, t.other_type, t.one, t.one_type, 'primary', t.at)
) AS s(from_id, from_type, to_id, to_type, label, created_at)
WHERE s.label = '' OR t.other_type = 'company'
ORDER BY s.from_id, s.to_id
"""
HAPPENED = f"""
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT h.contact_id, h.at, h.id, h.kind, coalesce(k.key, 0), NULL, jsonb_build_object('record', h.id, 'actor', h.created_by)
FROM (
    SELECT t.other AS contact_id, {logged.HAPPENED} AS at, r.id, n.kind, r.properties ->> 'outcome' AS outcome, r.created_by
    FROM tied t JOIN record r ON r.id = t.one JOIN unnest(%s::text[], %s::smallint[]) AS n(name, kind) ON n.name = t.one_type
) h LEFT JOIN unnest(%s::smallint[], %s::text[], %s::bigint[]) AS k(kind, outcome, key) ON k.kind = h.kind AND k.outcome = h.outcome
WHERE h.at <= %s
"""
# Through the stages of his way in equal steps, from when he was made until he came to where he is; numbers in the order of time.
BOOKED = """
INSERT INTO booking (contact_id, id, at, out_of, "into", path, actor, source, reason)
SELECT s.contact_id, nextval('record_id_seq'), s.at, s.out_of, s.went, s.path, 'import:2', CASE WHEN s.out_of = '' THEN 'import' ELSE 'rule' END, ''
FROM (
    SELECT c.id AS contact_id, w.out_of, w.went, w.path, w.step,
           CASE WHEN w.steps > 0 THEN c.created_at + ((c.properties ->> 'stage_since')::timestamptz - c.created_at) * (w.step::float / w.steps)
                ELSE c.created_at END AS at
    FROM contact c JOIN unnest(%s::text[], %s::int[], %s::int[], %s::text[], %s::text[], %s::text[]) AS w(stage, step, steps, out_of, went, path)
        ON w.stage = c.properties ->> 'lifecyclestage'
    WHERE c.id BETWEEN %s AND %s
    ORDER BY c.id, w.step
) s
"""
MOVED = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT b.contact_id, b.at, b.id, %s, k.key, NULL,
       jsonb_build_object('from', b.out_of, 'to', b."into", 'path', b.path, 'source', b.source, 'actor', b.actor)
FROM booking b JOIN unnest(%s::text[], %s::bigint[]) AS k(stage, key) ON k.stage = b."into"
WHERE b.contact_id BETWEEN %s AND %s AND b.at >= %s
"""


def load(contacts: int, *, say: Say = lambda text: None) -> int:
    """Bring the sample company up to `contacts`, and companies, deals, tickets and what was written down in proportion; returns how many contacts were added.

    Makes the sample company first when it is not there. About four minutes for a million.
    """
    if not world.loaded():
        world.load(min(contacts, 12_000), say=say)
    missing = contacts - Contact.objects.count()
    if missing <= 0:
        return 0
    now = clock.now()
    partitions.ensure(now - timedelta(days=800), now)
    with transaction.atomic():
        _Load(missing, clock.now().replace(microsecond=0), say).run()
    return missing


class _Load:
    def __init__(self, contacts: int, now: datetime, say: Say) -> None:
        self.now, self.say, self.sizes = now, say, Sizes(contacts)
        probability = dict(Stage.objects.filter(pipeline__object_type="deal", pipeline__key="default").order_by("position").values_list("key", "probability"))
        self.crowd = Crowd(contacts, now, self.sizes, list(User.objects.order_by("pk").values_list("pk", flat=True)), probability)
        self.counts = {kind: getattr(self.sizes, f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s") for kind in SERIES}
        self.first: dict[str, int] = {}
        # what the links are made of, 16 bytes a record: number of the company and of the contact (-1: none), and when
        self.tied: dict[str, tuple[array[int], array[int], array[float]]] = {}
        self.seen: list[tuple[int, datetime]] = []

    def run(self) -> None:
        self._number()
        sql.run("CREATE TEMPORARY TABLE tied (one bigint, one_type text, other bigint, other_type text, at timestamptz) ON COMMIT DROP")
        with without_indexes(*TABLES):
            copy_in_pieces("record", RECORD, self._records("company"))
            copy_in_pieces("contact", CONTACT, self._contacts())
            self._of_contacts()
            self._moves()
            for kind in ("deal", "ticket", *ACTIVITIES):
                copy_in_pieces("record", RECORD, self._records(kind))
            self._links()
            self._happened()
            self.say("Making the indexes again")
        for table in TABLES:
            sql.run(f"ANALYZE {table}")
        self.say("Scoring everybody")
        if model := ScoreModel.objects.order_by("pk").first():
            scoring.everyone(model)
            sql.run("ANALYZE score")
        sql.run("DELETE FROM change")  # nobody is to be enrolled or told for what happened long ago

    def _number(self) -> None:
        """Ids in one row: all companies, then all contacts …"""
        total = sum(self.counts.values())
        ((last,),) = sql.rows("SELECT setval('record_id_seq', nextval('record_id_seq') + %s)", [total])
        at = last - total
        for kind in SERIES:
            self.first[kind] = at
            at += self.counts[kind]

    def _told(self, rows: Iterable[Made], kind: str) -> Iterator[tuple[int, Made]]:
        """Rows with their ids, saying how far it is and how quick."""
        began, total, first = time.monotonic(), self.counts[kind], self.first[kind]
        companies, contacts, moments = self.tied.setdefault(kind, (array("i"), array("i"), array("d")))
        for number, made in enumerate(rows):
            yield first + number, made
            companies.append(-1 if made.company is None else made.company)
            contacts.append(-1 if made.contact is None else made.contact)
            moments.append(made.created.timestamp())
            if made.seen is not None:
                self.seen.append((first + number, made.seen))
            if (number + 1) % EACH == 0 or number + 1 == total:
                speed = (number + 1) / max(time.monotonic() - began, 0.001)
                self.say(f"{kind} {number + 1:,}/{total:,} · {speed:,.0f} a second")

    def _records(self, kind: str) -> Iterator[tuple[Any, ...]]:
        rows = {
            "company": self.crowd.companies, "deal": self.crowd.deals, "ticket": self.crowd.tickets, "task": self.crowd.tasks, "note": self.crowd.notes,
            "call": self.crowd.calls, "meeting": self.crowd.meetings,
        }[kind]()  # fmt: skip
        for id, made in self._told(rows, kind):
            yield id, kind, as_json(made.properties), made.owner, made.created, *ORIGIN, made.updated, words(kind, made.properties)

    def _contacts(self) -> Iterator[tuple[Any, ...]]:
        for id, made in self._told(self.crowd.contacts(), "contact"):
            about = made.properties
            yield id, about["email"], as_json(about), made.owner, made.created, *ORIGIN, made.updated, words("contact", about)

    def _of_contacts(self) -> None:
        """What hangs on contacts: addresses, consents, and the visits of some."""
        self.say("Addresses, consents and visits")
        some = [self.first["contact"], self.first["contact"] + self.counts["contact"] - 1]
        sql.run(
            "INSERT INTO identity (value, kind, contact_id, shared, created_at)"
            " SELECT email, 'email', id, false, created_at FROM contact WHERE id BETWEEN %s AND %s ORDER BY email",
            some,
        )
        sql.run(
            "INSERT INTO consent (contact_id, channel, granted, at, source, wording, actor)"
            " SELECT id, 'email', id %% 25 <> 0, created_at, 'import:2', '', 'import:2' FROM contact WHERE id BETWEEN %s AND %s AND id %% 5 <> 0",
            some,
        )
        host, paths = config().url.partition("://")[2], list(FREQUENT)
        found = keys.ids(Kind.PAGE_VIEW, [f"{host}{SITE}{path}" for path in paths])
        about = [
            (found[f"{host}{SITE}{path}"], as_json({"url": f"{config().url}{SITE}{path or '/'}", "title": TITLES[path], "referrer": ""})) for path in paths
        ]
        sql.run("CREATE TEMPORARY TABLE visitor_seen (contact_id bigint, at timestamptz) ON COMMIT DROP")
        copy("visitor_seen", ("contact_id", "at"), self.seen)
        visitors = "INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent)"
        sql.run(f"{visitors} SELECT contact_id, at - interval '3 days', at, %s, '', %s FROM visitor_seen", [f"{host}{SITE}", AGENTS[0]])
        sql.run(
            "INSERT INTO event (contact_id, ts, id, kind, key, value, payload)"
            " SELECT v.contact_id, v.at - n * interval '36 hours', v.contact_id * 4 + n, %s, p.key, NULL, p.payload"
            " FROM visitor_seen v CROSS JOIN generate_series(0, 2) n"
            " JOIN unnest(%s::int[], %s::bigint[], %s::jsonb[]) AS p(number, key, payload) ON p.number = (v.contact_id + n) %% %s",
            [int(Kind.PAGE_VIEW), list(range(len(about))), [key for key, _ in about], [payload for _, payload in about], len(about)],
        )

    def _moves(self) -> None:
        """The bookings that tell how everybody came to his stage, and their events."""
        self.say("Moves between stages")
        some = [self.first["contact"], self.first["contact"] + self.counts["contact"] - 1]
        steps = [(stage, n, len(way) - 1, way[n - 1] if n else "", into) for stage, way in WAYS.items() for n, into in enumerate(way)]
        columns = [list(column) for column in zip(*((*step, life.path(*step[3:])) for step in steps), strict=True)]
        sql.run(BOOKED, [*columns, *some])
        found = keys.ids(Kind.STAGE_CHANGED, WAYS)
        sql.run(MOVED, [int(Kind.STAGE_CHANGED), list(found), list(found.values()), *some, self.now - KNOWN])

    def _links(self) -> None:
        """People and their companies; deals and tickets with both; what was written down with people."""
        self.say("Links between all of them")
        copy("tied", ("one", "one_type", "other", "other_type", "at"), self._pairs())
        self.tied.clear()
        sql.run(LINK)

    def _happened(self) -> None:
        """The events of what was written down, as events/logged.py makes them."""
        outcomes = {Kind.CALL: list(CALLS), Kind.MEETING: ["COMPLETED"]}
        found = [(int(kind), outcome, key) for kind, names in outcomes.items() for outcome, key in keys.ids(kind, names).items()]
        kinds = [int(logged.KINDS[kind]) for kind in ACTIVITIES]
        sql.run(HAPPENED, [list(ACTIVITIES), kinds, [row[0] for row in found], [row[1] for row in found], [row[2] for row in found], self.now])

    def _pairs(self) -> Iterator[tuple[Any, ...]]:
        for kind, (companies, contacts, moments) in self.tied.items():
            for id, company, contact, at in zip(count(self.first[kind]), companies, contacts, moments):
                created = datetime.fromtimestamp(at, UTC)
                if company >= 0:
                    yield id, kind, self.first["company"] + company, "company", created
                if contact >= 0:
                    yield id, kind, self.first["contact"] + contact, "contact", created
