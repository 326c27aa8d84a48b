"""Points dated to when they were earned, and the stages and owners that follow from them."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from baton.crm import life
from baton.crm.values import stamp
from baton.demo import decisions, memberships, points, said, scores, tables
from baton.demo.book import Event, Walk
from baton.demo.copying import as_json, copy, update
from baton.demo.people import Person
from baton.demo.points import Steps
from baton.demo.sample import Journey, Sample
from baton.demo.setting import SALES
from baton.events.vocabulary import Kind
from baton.platform import sql

BOOKING = ("contact_id", "id", "at", "out_of", '"into"', "path", "actor", "source", "reason")
Booked = tuple[int, int, datetime, str, str, str, str, str, str]
SOON = timedelta(seconds=1)  # after which a rule has moved somebody


def date(sample: Sample) -> None:
    """Date the points to when they were earned, and let stages, owners and deals follow from them."""
    unsubscribed = dict(sample.book.unsubscribed)
    stored = sql.rows("SELECT contact_id, total, reasons FROM score WHERE model_id = %s", [sample.setting.model.pk])
    found = {id: (total, json.loads(reasons)) for id, total, reasons in stored}
    events: list[Event] = []
    touched: list[tuple[int, datetime]] = []
    changed: list[tuple[int, str]] = []
    trail: list[tuple[int, str, str, Any, Any, str, str, datetime]] = []
    booked: list[Booked] = []
    interest, asked, did = _interest(sample), _asked(sample), _did(sample)
    sales = said.Said(sample)
    for person in sample.people:
        total, reasons = found.get(person.id, (0, {}))
        steps = points.dated(sample, person, reasons, unsubscribed, sample.given.get(person.id, ()))
        assert sum(worth for _, rules in steps for _, worth in rules) == total
        journey = sample.journeys[person.id] = _journey(sample, person, steps, interest.get(person.id), asked.get(person.id), did.get(person.id, []))
        if entry := sales.judge(person, journey, steps, reasons):
            steps = sorted([*steps, (entry.at, [("ledger", entry.points)])])
        running = 0
        for at, moved in steps:
            gained = sum(worth for _, worth in moved)
            running += gained
            events.append(
                Event(
                    person.id, at, Kind.SCORE_CHANGED, str(sample.setting.model.pk), sample.setting.model.name, float(gained),
                    {"total": running, "version": scores.version_at(at, sample.now), "rules": [{"rule": rule, "points": worth} for rule, worth in moved]},
                    sample.rng.getrandbits(52),
                )
            )  # fmt: skip
        if steps:
            touched.append((person.id, steps[-1][0]))
        if not person.owner and (journey.at("sql") or (journey.stage == "mql" and sample.rng.random() < 0.3)):
            person.owner = sample.rng.choice(SALES)
        about: dict[str, Any] = {life.PROPERTY: journey.stage, life.SINCE: stamp(journey.moves[-1][0])} | said.known(journey)
        changed.append((person.id, as_json(about | ({"owner_id": sample.setting.users[person.owner]} if person.owner else {}))))
        for at, old, new, who, source in journey.moves:
            number = sample.number()  # in the order of time, as numbers of one contact's bookings are
            why = journey.why.get(at, "")
            booked.append((person.id, number, at, old, new, life.path(old, new), who, source, why))
            payload = {"from": old, "to": new, "path": booked[-1][5], "source": source, "actor": who} | ({"reason": why} if why else {})
            events.append(Event(person.id, at, Kind.STAGE_CHANGED, new, "", None, payload, number))
            if old:
                trail.append((person.id, "contact", life.PROPERTY, old, new, who, source, at))
        if person.owner and (handed := journey.at("sql")):
            who = f"workflow:{sample.setting.handover.pk}"
            trail.append((person.id, "contact", "owner_id", None, sample.setting.users[person.owner], who, "workflow", handed + timedelta(seconds=1)))
    walks = [walk for person in sample.people if (walk := _handed_over(sample, person, events))]
    events += sales.write()
    sql.run("DELETE FROM event WHERE kind = %s", [int(Kind.SCORE_CHANGED)])
    tables.walks(sample.setting.handover, walks)
    tables.events(events)
    tables.history(trail)
    copy("booking", BOOKING, booked)
    update("score", "changed_at = r.at", "t.contact_id = r.id", "id bigint, at timestamptz", touched)
    update(
        "contact",
        "properties = t.properties || r.more, owner_id = (r.more ->> 'owner_id')::bigint",
        "t.id = r.id",
        "id bigint, more jsonb",
        changed,
    )


def _handed_over(sample: Sample, person: Person, events: list[Event]) -> Walk | None:
    """What the workflow 'SQL 영업 인계' did when this person became an SQL."""
    if sample.journeys[person.id].at("sql") is None:
        return None
    workflow, joined = sample.setting.handover, memberships.joined(sample, person, "sql")
    cause = f"segment:{sample.setting.lists['sql'].pk}:{joined.isoformat()}"
    walk = Walk(person.id, sample.book.number("enrollment"), cause, joined, entered=joined, finished=joined)
    walk.steps = [("s1", "done", {}, joined, None)]
    for kind, payload in ((Kind.WORKFLOW_ENROLLED, {"cause": cause, "actor": "system"}), (Kind.WORKFLOW_FINISHED, {"outcome": "finished"})):
        said = {"enrollment": walk.id, **payload}
        events.append(Event(person.id, joined, kind, str(workflow.pk), workflow.name, None, said, sample.rng.getrandbits(52)))
    return walk


def _interest(sample: Sample) -> dict[int, datetime]:
    """When each first looked at a page or clicked a link in a mail."""
    found: dict[int, datetime] = {}
    for event in sample.book.events:
        if event.kind in (Kind.PAGE_VIEW, Kind.EMAIL_CLICK) and "machine" not in event.payload:
            found[event.contact_id] = min(event.ts, found.get(event.contact_id, event.ts))
    return found


def _did(sample: Sample) -> dict[int, list[datetime]]:
    """When each did something: whatever is no mail sent to him and no step of a workflow."""
    found: dict[int, list[datetime]] = defaultdict(list)
    for event in sample.book.events:
        if event.kind not in (Kind.EMAIL_SENT, Kind.WORKFLOW_ENROLLED, Kind.WORKFLOW_FINISHED, Kind.PAGE_DWELL):
            found[event.contact_id].append(event.ts)
    return {id: sorted(times) for id, times in found.items()}


def _asked(sample: Sample) -> dict[int, datetime]:
    """When each first asked for a consultation: the form of those who are about to decide."""
    found: dict[int, datetime] = {}
    for sent in sample.book.submissions:
        if sent.form == "demo":
            found[sent.contact_id] = min(sent.at, found.get(sent.contact_id, sent.at))
    return found


def _journey(sample: Sample, person: Person, steps: Steps, interest: datetime | None, asked: datetime | None, did: list[datetime]) -> Journey:
    """What the rules of entry did, forward only, and what sales decided after that."""
    running, peak = 0, []
    for at, rules in steps:
        running += sum(worth for _name, worth in rules)
        peak.append((at, running))
    highest = max((points for _, points in peak), default=0)
    first = "subscriber" if highest < 8 and interest is None and asked is None else "lead"
    moves = [(person.created, "", first, *(("import:1", "import") if first == "subscriber" else ("system", "rule")))]
    due = {"nurturing": interest, "mql": asked}
    for target in ("mql", "sql"):
        least = sample.setting.model.begins(target)
        earned = next((at for at, points in peak if least is not None and points >= least), None)
        due[target] = min((at for at in (due.get(target), earned) if at is not None), default=None)
    order = list(due)
    last = moves[0][0]
    for at, target in sorted((max(at, person.created) + SOON, target) for target, at in due.items() if at is not None):
        _when, _from, stage, *_ = moves[-1]
        if stage in order and order.index(stage) > order.index(target):
            continue
        if len(moves) > 1 and at - last <= SOON:
            stage = moves.pop()[1]  # past both at once
        last = min(at, sample.now)
        moves.append((last, stage, target, "system", "rule"))
    return decisions.journey(sample, person, moves, steps, did)
