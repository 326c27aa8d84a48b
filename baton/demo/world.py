"""The sample company 누리워크: a believable B2B database with two years of history, loaded in one transaction.

People, visits, mails are copied in; scores, lists and stages are then found by the same functions that find them in
production, and only their dates are moved to where they would have happened.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from baton.accounts import users
from baton.accounts.models import Team, User
from baton.automation import verbs as workflows
from baton.automation.models import Workflow
from baton.crm import builtin, duplicates
from baton.crm.models import Stage
from baton.crm.values import stamp
from baton.demo import content, definitions, people
from baton.demo.content import PASSWORD, PEOPLE, STAFF
from baton.demo.copying import as_json, copy, copy_in_pieces, update, words
from baton.demo.history import FORM_PAGES, TITLES, Book, Event, Ids, Walk
from baton.demo.people import Company, Person
from baton.events import keys, partitions
from baton.events.vocabulary import Kind
from baton.messaging.models import Email
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.models import BUCKETS
from baton.segments import lifecycle, refresh, scoring
from baton.segments.models import ScoreModel, ScoreRule, Segment

SEED = 20260520
SALES = [name for name, (_, role, _team) in STAFF.items() if role == "sales"]
__all__ = ["PASSWORD", "PEOPLE", "follow", "load", "loaded"]

COMPANIES_PER_CONTACT = 900 / 12_000
ANONYMOUS_PER_CONTACT = 0.2
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
    with transaction.atomic():
        _Loader(contacts, random.Random(seed), now, say).run()


def follow(url: str) -> None:
    """Let the links of the mails point at Baton's present address; it changes when the demo finds its port taken."""
    for email in Email.objects.filter(body__contains="/site"):
        body = definitions.SITE_LINK.sub(f'"{url}/site', email.body)
        if body != email.body:
            email.body = body
            email.save(update_fields=["body", "updated_at"])


@dataclass(slots=True)
class Journey:
    """How a person came to his stage: (when, from, to, who moved him, source)."""

    stage: str
    moves: list[tuple[datetime, str, str, str, str]]

    def at(self, stage: str) -> datetime | None:
        return next((when for when, _from, to, _who, _source in self.moves if to == stage), None)


class _Loader:
    def __init__(self, contacts: int, rng: random.Random, now: datetime, say: Say) -> None:
        self.count, self.rng, self.now, self.say = contacts, rng, now, say
        self.actor: Actor = SYSTEM

    def run(self) -> None:
        self._staff()
        self._definitions()
        self.say("Inventing people and two years of their history")
        self._people()
        self.book = Book(self.rng, self.now, config().url, self.ids)
        for name in NUMBERED:
            self.book.start(name, sql.next_ids(f"{name}_id_seq", 1)[0])
        self.book.hero(self.people[0])
        for person in self.people[1:]:
            self.book.live(person)
        for visitor_id in sql.next_ids("record_id_seq", round(self.count * ANONYMOUS_PER_CONTACT)):
            self.book.anonymous(visitor_id)
        for person in self.people:
            self.book.follow_up(person)
        self.say(f"Copying {len(self.book.events):,} events of {self.count:,} people into the database")
        self._copy()
        self.say("Scoring everybody")
        scoring.everyone(self.model)
        self._stages()
        self.say("Finding the members of the lists")
        for segment in self.lists.values():
            refresh.everyone(segment)
        self._date_memberships()
        duplicates.rebuild()
        for name in NUMBERED:
            sql.rows("SELECT setval(%s::regclass, %s)", [f"{name}_id_seq", self.book.last(name)])
        sql.run("DELETE FROM change")  # all of this is evaluated; nobody is to be enrolled or told for what happened long ago
        self._analyze()

    # Set-up ------------------------------------------------------------------

    def _staff(self) -> None:
        users.update_account(actor=SYSTEM, name="누리워크", sending_domain="nuriwork.example", postal_address="서울특별시 성동구 견본로 12, 4층 · 02-555-0142")
        for team in ("마케팅", "영업"):
            Team.objects.get_or_create(name=team)
        self.users = {name: users.create(email, name, PASSWORD, role, actor=SYSTEM, team=team).pk for name, (email, role, team) in STAFF.items()}
        self.actor = Actor("user", self.users["오세린"])

    def _definitions(self) -> None:
        self.forms = definitions.make_forms(self.actor)
        self.emails = definitions.make_emails(self.actor, config().url)
        # The pages and files that rules speak of must be known before a rule about them is made.
        self.attended = definitions.make_attended(self.actor)
        self.model: ScoreModel = definitions.make_model(self.actor, self.forms, self.attended.pk)
        self.rules: dict[int, ScoreRule] = {rule.pk: rule for rule in self.model.rules.all()}
        self.lists: dict[str, Segment] = definitions.make_lists(self.actor, self.forms)
        self.inquiry = self._workflow("상담 문의 후속", definitions.inquiry(self.forms, self.emails))
        self.handover = self._workflow("SQL 영업 인계", definitions.handover(self.lists["sql"].pk, self.users["한도윤"]))
        self.ids = Ids(
            forms=self.forms,
            form_names={key: about["name"] for key, about in content.FORMS.items()},
            emails=self.emails,
            email_names={key: about[0] for key, about in content.EMAILS.items()},
            users=self.users,
            workflow=self.inquiry.pk,
            workflow_name=self.inquiry.name,
        )

    def _workflow(self, name: str, graph: dict[str, Any]) -> Workflow:
        workflow = workflows.create(name, actor=self.actor)
        workflows.save_draft(workflow, graph, actor=self.actor)
        workflows.publish(workflow, actor=self.actor)
        workflow.refresh_from_db()
        return workflow

    def _people(self) -> None:
        self.companies = people.companies(self.rng, max(8, round(self.count * COMPANIES_PER_CONTACT)), self.now)
        self.people = people.people(self.rng, self.count, self.companies, self.now)
        ids = iter(sql.next_ids("record_id_seq", len(self.companies) + len(self.people)))
        for company in self.companies:
            company.id = next(ids)
        for person in self.people:
            person.id = next(ids)

    # Copying -----------------------------------------------------------------

    def _copy(self) -> None:
        book = self.book
        copy_in_pieces(
            "record",
            ("id", "object_type", "properties", "created_at", "created_by", "source", "updated_at", "search"),
            ((c.id, "company", as_json(_company(c)), c.created, "import:1", "import", c.created, words("company", _company(c))) for c in self.companies),
        )
        copy_in_pieces(
            "contact",
            ("id", "email", "properties", "created_at", "created_by", "source", "updated_at", "search"),
            ((p.id, p.email, as_json(_contact(p)), p.created, *_origin(p), max(p.created, p.seen), words("contact", _contact(p))) for p in self.people),
        )
        copy("identity", ("value", "kind", "contact_id", "shared", "created_at"), ((p.email, "email", p.id, False, p.created) for p in self.people))
        copy("identity", ("value", "kind", "contact_id", "shared", "created_at"), ((value, "cookie", id, False, at) for value, id, at in book.cookies))
        self._link((p.id, "contact", p.company.id, "company", label, p.created) for p in self.people for label in ("", "primary"))
        copy(
            "consent",
            ("contact_id", "channel", "granted", "at", "source", "wording", "actor"),
            ((*row, "visitor" if row[4].startswith(("form", "unsub")) else "import:1") for row in book.consents),
        )
        copy("suppression", ("contact_id", "channel", "reason", "at"), ((id, "email", "unsubscribed", at) for id, at in book.unsubscribed))
        copy("visitor", ("contact_id", "first_seen_at", "last_seen_at", "first_page", "first_referrer", "user_agent"), book.visitors)
        copy(
            "form_submission",
            ("contact_id", "id", "form_id", "values", "page_url", "page_title", "at"),
            ((s.contact_id, s.id, self.forms[s.form], as_json(s.values), s.page, TITLES[FORM_PAGES[s.form]], s.at) for s in book.submissions),
        )
        address = {p.id: p.email for p in self.people}
        copy(
            "message",
            ("contact_id", "id", "cause", "channel", "email_id", "address", "subject", "state", "reason", "attempts", "created_at", "sent_at"),
            (
                (
                    m.contact_id,
                    m.id,
                    m.cause,
                    "email",
                    self.emails[m.email],
                    address[m.contact_id],
                    content.EMAILS[m.email][0],
                    m.state,
                    m.reason,
                    1,
                    m.at,
                    m.at if m.state == "sent" else None,
                )
                for m in book.messages
            ),
        )
        self._walks(self.inquiry, book.walks)
        copy("membership", ("contact_id", "segment_id", "joined_at", "reason"), ((id, self.attended.pk, at, str(self.actor)) for id, at in book.attended))
        self._events(book.events)
        self._analyze()

    def _walks(self, workflow: Workflow, walks: Sequence[Walk]) -> None:
        """Ways through a workflow; who still waits goes on when his time has come."""
        copy(
            "enrollment",
            ("contact_id", "id", "workflow_id", "version_id", "cause", "state", "step", "entered_at", "enrolled_at", "finished_at"),
            ((w.contact_id, w.id, workflow.pk, workflow.published_id, w.cause, w.state, w.step, w.entered, w.at, w.finished) for w in walks),
        )
        copy(
            "step_run",
            ("contact_id", "enrollment_id", "step", "workflow_id", "outcome", "detail", "at"),
            ((w.contact_id, w.id, step, workflow.pk, outcome, as_json(detail), at) for w in walks for step, outcome, detail, at in w.steps),
        )
        copy(
            "timer",
            ("bucket", "enrollment_id", "contact_id", "due_at", "workflow_id"),
            ((w.contact_id % BUCKETS, w.id, w.contact_id, w.due, workflow.pk) for w in walks if w.due),
        )

    def _link(self, rows: Iterable[tuple[int, str, int, str, str, datetime]]) -> None:
        rows = list(rows)
        both = [*rows, *((to, to_type, id, from_type, label, at) for id, from_type, to, to_type, label, at in rows)]
        copy("association", ("from_id", "from_type", "to_id", "to_type", "label", "created_at"), both)

    def _events(self, events: Sequence[Event]) -> None:
        wanted: dict[tuple[Kind, str], str] = {}
        for event in events:
            if event.key:
                wanted.setdefault(event.ref, event.label)
        found = keys.resolve(wanted)
        rows = ((e.contact_id, e.ts, e.id, int(e.kind), found[e.ref] if e.key else 0, e.value, as_json(e.payload)) for e in events)
        copy("event", ("contact_id", "ts", "id", "kind", "key", "value", "payload"), rows)

    def _history(self, rows: Sequence[tuple[int, str, str, Any, Any, str, str, datetime]]) -> None:
        ids = sql.next_ids("property_history_id_seq", len(rows))
        copy(
            "property_history",
            ("record_id", "id", "object_type", "name", "old", "new", "actor", "source", "at"),
            (
                (id, number, kind, name, None if old is None else as_json(old), as_json(new), *rest)
                for number, (id, kind, name, old, new, *rest) in zip(ids, rows, strict=True)
            ),
        )

    def _analyze(self) -> None:
        for table in (
            "contact",
            "record",
            "association",
            "event",
            "event_key",
            "membership",
            "consent",
            "suppression",
            "score",
            "message",
            "enrollment",
            "step_run",
            "visitor",
            "identity",
        ):
            sql.run(f"ANALYZE {table}")

    # Scores, stages, deals ---------------------------------------------------

    def _stages(self) -> None:
        """Date the points to when they were earned, and let stages, owners and deals follow from them."""
        self.unsubscribed = dict(self.book.unsubscribed)
        stored = sql.rows("SELECT contact_id, total, reasons FROM score WHERE model_id = %s", [self.model.pk])
        scores = {id: (total, json.loads(reasons)) for id, total, reasons in stored}
        sql.run("DELETE FROM event WHERE kind = %s", [int(Kind.SCORE_CHANGED)])
        events: list[Event] = []
        self.journeys: dict[int, Journey] = {}
        touched: list[tuple[int, datetime]] = []
        changed: list[tuple[int, str]] = []
        trail: list[tuple[int, str, str, Any, Any, str, str, datetime]] = []
        for person in self.people:
            total, reasons = scores.get(person.id, (0, {}))
            steps = self._deltas(person, reasons)
            assert sum(points for _, rules in steps for _, points in rules) == total
            running, peak = 0, []
            for at, moved in steps:
                running += sum(points for _, points in moved)
                peak.append((at, running))
                events.append(
                    Event(
                        person.id, at, Kind.SCORE_CHANGED, str(self.model.pk), self.model.name, float(sum(points for _, points in moved)),
                        {"total": running, "rules": [{"rule": rule, "points": points} for rule, points in moved]}, self.rng.getrandbits(52),
                    )
                )  # fmt: skip
            if steps:
                touched.append((person.id, steps[-1][0]))
            journey = self.journeys[person.id] = self._journey(person, peak)
            if not person.owner and (journey.at("sql") or (journey.stage == "mql" and self.rng.random() < 0.3)):
                person.owner = self.rng.choice(SALES)
            changed.append((person.id, as_json({"lifecyclestage": journey.stage} | ({"owner_id": self.users[person.owner]} if person.owner else {}))))
            for at, old, new, who, source in journey.moves:
                if old:
                    trail.append((person.id, "contact", lifecycle.PROPERTY, old, new, who, source, at))
                    events.append(
                        Event(
                            person.id,
                            at,
                            Kind.STAGE_CHANGED,
                            new,
                            new,
                            None,
                            {"from": old, "to": new} | ({"score": _by(peak, at)} if source == "rule" else {"cause": who}),
                            self.rng.getrandbits(52),
                        )
                    )
            if person.owner and (handed := journey.at("sql")):
                who = f"workflow:{self.handover.pk}"
                trail.append((person.id, "contact", "owner_id", None, self.users[person.owner], who, "workflow", handed + timedelta(seconds=1)))
        walks = [walk for person in self.people if (walk := self._handed_over(person, events))]
        self._walks(self.handover, walks)
        self._events(events)
        self._history(trail)
        update("score", "changed_at = r.at", "t.contact_id = r.id", "id bigint, at timestamptz", touched)
        update(
            "contact",
            "properties = t.properties || r.more, owner_id = (r.more ->> 'owner_id')::bigint",
            "t.id = r.id",
            "id bigint, more jsonb",
            changed,
        )
        self._deals()

    def _handed_over(self, person: Person, events: list[Event]) -> Walk | None:
        """What the workflow 'SQL 영업 인계' did when this person became an SQL."""
        at = self.journeys[person.id].at("sql")
        if at is None:
            return None
        joined = self._joined(person, "sql")
        walk = Walk(person.id, self.book.number("enrollment"), f"segment:{self.lists['sql'].pk}:{joined.isoformat()}", joined, entered=joined, finished=joined)
        walk.steps = [("s1", "no", {}, joined), ("s2", "done", {}, joined), ("s3", "done", {}, joined)]
        for kind, payload in ((Kind.WORKFLOW_ENROLLED, {"cause": walk.cause, "actor": "system"}), (Kind.WORKFLOW_FINISHED, {"outcome": "finished"})):
            events.append(
                Event(person.id, joined, kind, str(self.handover.pk), self.handover.name, None, {"enrollment": walk.id, **payload}, self.rng.getrandbits(52))
            )
        return walk

    def _deltas(self, person: Person, reasons: dict[str, list[int]]) -> list[tuple[datetime, list[tuple[int, int]]]]:
        """The points a contact has, at the moments they were earned: [(when, [(rule, points)])], oldest first."""
        unsubscribed = self.unsubscribed
        moments: dict[datetime, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for id, (times, points) in reasons.items():
            rule = self.rules[int(id)]
            left = points
            earned = sorted(self.book.gains[person.id].get(rule.key, []))[:times] if person.id in self.book.gains else []
            if rule.key == "silent":
                earned = [person.seen + timedelta(days=90)]
            elif rule.key == "optout":
                earned = [unsubscribed[person.id]] if person.id in unsubscribed else []
            for at in earned:
                part = rule.points if rule.each else left
                part = max(part, left) if left < 0 else min(part, left)
                if part:
                    moments[self._after(person, at)][rule.pk] += part
                    left -= part
            if left:  # who somebody is: known from the first moment
                moments[self._after(person, earned[-1] if earned else person.created)][rule.pk] += left
        return [(at, sorted(rules.items())) for at, rules in sorted(moments.items())]

    def _after(self, person: Person, at: datetime) -> datetime:
        return min(max(at, person.created) + timedelta(seconds=1), self.now)

    def _journey(self, person: Person, peak: list[tuple[datetime, int]]) -> Journey:
        """Lead, MQL, SQL by points and never back by a rule; what comes after is what sales decided."""
        rng, hits = self.rng, person.hits
        highest = max((points for _, points in peak), default=0)
        stage = "subscriber" if highest < 8 else "lead"
        moves = [(person.created, "", stage, "system", "form" if hits.get("demo") else "import")]
        for target, least in (("mql", self.model.mql), ("sql", self.model.sql)):
            at = next((at for at, points in peak if points >= least), None)
            if at is not None:
                if moves[-1][0] >= at and len(moves) > 1:
                    moves.pop()  # past both thresholds at once
                    stage = moves[-1][2]
                moves.append((at, stage, target, "system", "rule"))
                stage = target
        roll, last, seller = rng.random(), moves[-1][0], f"user:{self.users[rng.choice(SALES)]}"
        further = ""
        if hits.get("competitor") or hits.get("student") or (hits.get("optout") and roll < 0.5):
            further = "deadend"
        elif person is self.people[0]:
            pass
        elif stage == "sql":
            further = "customer" if roll < 0.12 else "opportunity" if roll < 0.34 else "recycled" if roll < 0.44 else ""
        elif stage == "mql" and roll < 0.08:
            further = "recycled"
        if further:
            at = last + (self.now - last) * (0.2 + 0.7 * rng.random())
            if further == "customer":
                moves.append((last + (at - last) / 2, stage, "opportunity", seller, "page"))
                stage = "opportunity"
            moves.append((at, stage, further, seller, "page"))
            stage = further
        return Journey(stage, moves)

    def _deals(self) -> None:
        """Deals for whom sales works on, support tickets for customers."""
        rng, now = self.rng, self.now
        stages = {s.key: s for s in Stage.objects.filter(pipeline__object_type="deal", pipeline__key="default").order_by("position")}
        order = [key for key, stage in stages.items() if not stage.closed]
        deals: list[tuple[Person, dict[str, Any], datetime]] = []
        tickets: list[tuple[Person, dict[str, Any], datetime]] = []
        for person in self.people:
            journey = self.journeys[person.id]
            began = journey.at("opportunity") or (journey.at("sql") if journey.stage in ("sql", "recycled") else None)
            if began is None or (journey.stage == "sql" and person is not self.people[0] and rng.random() > 0.25):
                continue
            stage = {"customer": "closedwon", "recycled": "closedlost"}.get(journey.stage) or rng.choice(
                order[1:] if journey.stage == "opportunity" else order[:2]
            )
            seats = max(10, round(person.company.employees * rng.uniform(0.6, 1)))
            closed = journey.moves[-1][0] if stage.startswith("closed") else now + timedelta(days=rng.randint(5, 90))
            about: dict[str, Any] = {
                "dealname": f"{person.company.name} {rng.choice(('근태', '전자계약', '근태 + 전자계약', '급여 마감'))}",
                "amount": round(seats * 6900 * 12, -5) or 100_000,
                "closedate": closed.astimezone(config().zone).date().isoformat(),
                "pipeline": "default",
                "dealstage": stage,
                "owner_id": self.users[person.owner],
            }
            if person is self.people[0]:
                about |= {"dealname": "가온로지스 근태 + 전자계약", "amount": 38_400_000, "dealstage": order[1]}
            reached = closed if stage.startswith("closed") else now - timedelta(hours=rng.randint(3, 24 * 30))
            probability = stages[about["dealstage"]].probability
            about |= {"stage_since": stamp(min(reached, now)), "probability": probability, "weighted_amount": about["amount"] * probability}
            deals.append((person, about, min(began + timedelta(minutes=20), now)))
            if journey.stage == "customer" and rng.random() < 0.3:
                subject = rng.choice(("휴가 잔여일이 다르게 보입니다", "계약서 서식을 추가하고 싶습니다", "출입 기록 연동 문의", "사용자 추가 요청"))
                tickets.append(
                    (
                        person,
                        _ticket(rng, subject, journey.moves[-1][0], now),
                        journey.moves[-1][0],
                    )
                )
        for kind, found in (("deal", deals), ("ticket", tickets)):
            ids = sql.next_ids("record_id_seq", len(found))
            copy_in_pieces(
                "record",
                ("id", "object_type", "properties", "owner_id", "created_at", "created_by", "source", "updated_at", "search"),
                (
                    (id, kind, as_json(about), about.get("owner_id"), at, *_seller(about), at, words(kind, about))
                    for id, (_person, about, at) in zip(ids, found, strict=True)
                ),
            )
            self._link((id, kind, person.id, "contact", "", at) for id, (person, _about, at) in zip(ids, found, strict=True))
            self._link((id, kind, person.company.id, "company", "", at) for id, (person, _about, at) in zip(ids, found, strict=True))

    def _date_memberships(self) -> None:
        """Everybody joined now; move that to when the filter began to hold, as far as the history tells."""
        sql.run("DELETE FROM event WHERE kind = %s", [int(Kind.SEGMENT_JOINED)])
        by_id = {p.id: p for p in self.people}
        names = {s.pk: (key, s.name) for key, s in self.lists.items()} | {self.attended.pk: ("attended", self.attended.name)}
        dated, events = [], []
        for contact_id, segment_id, joined in sql.rows("SELECT contact_id, segment_id, joined_at FROM membership ORDER BY contact_id, segment_id"):
            key, name = names[segment_id]
            at = joined if key == "attended" else self._joined(by_id[contact_id], key)
            dated.append((contact_id, segment_id, at))
            events.append(Event(contact_id, at, Kind.SEGMENT_JOINED, str(segment_id), name, None, {}, self.rng.getrandbits(52)))
        update("membership", "joined_at = r.at", "t.contact_id = r.id AND t.segment_id = r.segment", "id bigint, segment bigint, at timestamptz", dated)
        self._events(events)

    def _joined(self, person: Person, key: str) -> datetime:
        gains, journey = self.book.gains.get(person.id, {}), self.journeys[person.id]
        at = {
            "sql": journey.at("sql"),
            "mql": journey.at("mql"),
            "letter": min(gains.get("newsletter", []), default=None),
            "pricing": sorted(gains.get("pricing", []))[-2:][0] if gains.get("pricing") else None,
            "asleep": person.seen + timedelta(days=90),
        }.get(key)
        return min(max(at or person.created, person.created) + timedelta(seconds=2), self.now)


def _by(peak: list[tuple[datetime, int]], at: datetime) -> int:
    """The points a contact had at a moment."""
    return next((points for when, points in reversed(peak) if when <= at), 0)


def _company(company: Company) -> dict[str, Any]:
    return {
        "name": company.name,
        "domain": company.domain,
        "industry": company.industry,
        "numberofemployees": company.employees,
        "annualrevenue": company.revenue,
        "city": company.city,
    }


def _contact(person: Person) -> dict[str, Any]:
    values: dict[str, Any] = {
        "email": person.email,
        "lastname": person.family,
        "firstname": person.given,
        "phone": person.phone,
        "jobtitle": person.title,
        "seniority": person.rank,
        "company": person.company.name,
        "industry": person.company.industry,
        "city": person.company.city,
        "lead_source": person.source,
        "budget": person.budget,
        **person.more,
    }
    values |= {name: True for name in ("competitor", "student") if person.hits.get(name)}
    return {name: value for name, value in values.items() if value != ""}


def _origin(person: Person) -> tuple[str, str]:
    """Who made the contact, and how it came."""
    return ("visitor", "form") if person.hits.get("demo") else ("import:1", "import")


def _seller(about: dict[str, Any]) -> tuple[str, str]:
    return (f"user:{about['owner_id']}", "page") if "owner_id" in about else ("system", "form")


def _ticket(rng: random.Random, subject: str, at: datetime, now: datetime) -> dict[str, Any]:
    """What a customer asked for. Closed ones are old, open ones a matter of hours and days."""
    stage = rng.choice(("1", "3", "4"))
    since = at if stage == "4" else max(at, now - timedelta(hours=rng.randint(1, 60)))
    about = {"subject": subject, "pipeline": "0", "ticket_stage": stage, "priority": rng.choice(("low", "medium", "high")), "stage_since": stamp(since)}
    return about | ({"closed_at": stamp(since)} if stage == "4" else {})
