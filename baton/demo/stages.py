"""Points dated to when they were earned, and the stages and owners that follow from them."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from baton.crm import life
from baton.crm.values import stamp
from baton.demo import memberships, tables
from baton.demo.book import Event, Walk
from baton.demo.copying import as_json, copy, update
from baton.demo.people import Person
from baton.demo.sample import Journey, Sample
from baton.demo.setting import SALES
from baton.events.vocabulary import Kind
from baton.platform import sql

BOOKING = ("contact_id", "id", "at", "out_of", '"into"', "path", "actor", "source", "reason")
Booked = tuple[int, int, datetime, str, str, str, str, str, str]
DEAD = {"competitor": "경쟁사", "student": "학생", "optout": "수신 거부"}
SOON = timedelta(seconds=1)  # after which a rule has moved somebody


def date(sample: Sample) -> None:
    """Date the points to when they were earned, and let stages, owners and deals follow from them."""
    unsubscribed = dict(sample.book.unsubscribed)
    stored = sql.rows("SELECT contact_id, total, reasons FROM score WHERE model_id = %s", [sample.setting.model.pk])
    scores = {id: (total, json.loads(reasons)) for id, total, reasons in stored}
    sql.run("DELETE FROM event WHERE kind = %s", [int(Kind.SCORE_CHANGED)])
    events: list[Event] = []
    touched: list[tuple[int, datetime]] = []
    changed: list[tuple[int, str]] = []
    trail: list[tuple[int, str, str, Any, Any, str, str, datetime]] = []
    booked: list[Booked] = []
    interest, asked = _interest(sample), _asked(sample)
    for person in sample.people:
        total, reasons = scores.get(person.id, (0, {}))
        steps = _deltas(sample, person, reasons, unsubscribed)
        assert sum(points for _, rules in steps for _, points in rules) == total
        running, peak = 0, []
        for at, moved in steps:
            running += sum(points for _, points in moved)
            peak.append((at, running))
            events.append(
                Event(
                    person.id, at, Kind.SCORE_CHANGED, str(sample.setting.model.pk), sample.setting.model.name, float(sum(points for _, points in moved)),
                    {"total": running, "rules": [{"rule": rule, "points": points} for rule, points in moved]}, sample.rng.getrandbits(52),
                )
            )  # fmt: skip
        if steps:
            touched.append((person.id, steps[-1][0]))
        journey = sample.journeys[person.id] = _journey(sample, person, peak, interest.get(person.id), asked.get(person.id))
        if not person.owner and (journey.at("sql") or (journey.stage == "mql" and sample.rng.random() < 0.3)):
            person.owner = sample.rng.choice(SALES)
        about: dict[str, Any] = {life.PROPERTY: journey.stage, life.SINCE: stamp(journey.moves[-1][0])}
        changed.append((person.id, as_json(about | ({"owner_id": sample.setting.users[person.owner]} if person.owner else {}))))
        for at, old, new, who, source in journey.moves:
            number = sample.number()  # in the order of time, as numbers of one contact's bookings are
            why = next((why for hit, why in DEAD.items() if person.hits.get(hit)), "") if new == "deadend" else ""
            booked.append((person.id, number, at, old, new, life.path(old, new), who, source, why))
            said = {"from": old, "to": new, "path": booked[-1][5], "source": source, "actor": who} | ({"reason": why} if why else {})
            events.append(Event(person.id, at, Kind.STAGE_CHANGED, new, "", None, said, number))
            if old:
                trail.append((person.id, "contact", life.PROPERTY, old, new, who, source, at))
        if person.owner and (handed := journey.at("sql")):
            who = f"workflow:{sample.setting.handover.pk}"
            trail.append((person.id, "contact", "owner_id", None, sample.setting.users[person.owner], who, "workflow", handed + timedelta(seconds=1)))
    walks = [walk for person in sample.people if (walk := _handed_over(sample, person, events))]
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
    walk.steps = [("s1", "no", {}, joined), ("s2", "done", {}, joined), ("s3", "done", {}, joined)]
    for kind, payload in ((Kind.WORKFLOW_ENROLLED, {"cause": cause, "actor": "system"}), (Kind.WORKFLOW_FINISHED, {"outcome": "finished"})):
        said = {"enrollment": walk.id, **payload}
        events.append(Event(person.id, joined, kind, str(workflow.pk), workflow.name, None, said, sample.rng.getrandbits(52)))
    return walk


def _deltas(sample: Sample, person: Person, reasons: dict[str, list[int]], unsubscribed: dict[int, datetime]) -> list[tuple[datetime, list[tuple[int, int]]]]:
    """The points a contact has, at the moments they were earned: [(when, [(rule, points)])], oldest first."""
    moments: dict[datetime, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for id, (times, points) in reasons.items():
        rule = sample.setting.rules[int(id)]
        left = points
        earned = sorted(sample.book.gains[person.id].get(rule.key, []))[:times] if person.id in sample.book.gains else []
        if rule.key == "silent":
            earned = [person.seen + timedelta(days=90)]
        elif rule.key == "optout":
            earned = [unsubscribed[person.id]] if person.id in unsubscribed else []
        for at in earned:
            part = rule.points if rule.kind == "event" else left
            part = max(part, left) if left < 0 else min(part, left)
            if part:
                moments[_after(sample, person, at)][rule.pk] += part
                left -= part
        if left:  # who somebody is: known from the first moment
            moments[_after(sample, person, earned[-1] if earned else person.created)][rule.pk] += left
    return [(at, sorted(rules.items())) for at, rules in sorted(moments.items())]


def _after(sample: Sample, person: Person, at: datetime) -> datetime:
    return min(max(at, person.created) + timedelta(seconds=1), sample.now)


def _interest(sample: Sample) -> dict[int, datetime]:
    """When each first looked at a page or clicked a link in a mail."""
    found: dict[int, datetime] = {}
    for event in sample.book.events:
        if event.kind in (Kind.PAGE_VIEW, Kind.EMAIL_CLICK) and "machine" not in event.payload:
            found[event.contact_id] = min(event.ts, found.get(event.contact_id, event.ts))
    return found


def _asked(sample: Sample) -> dict[int, datetime]:
    """When each first asked for a consultation: the form of those who are about to decide."""
    found: dict[int, datetime] = {}
    for sent in sample.book.submissions:
        if sent.form == "demo":
            found[sent.contact_id] = min(sent.at, found.get(sent.contact_id, sent.at))
    return found


def _journey(sample: Sample, person: Person, peak: list[tuple[datetime, int]], interest: datetime | None, asked: datetime | None) -> Journey:
    """What the rules of entry did, forward only, and what sales decided after that."""
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
    return _decided(sample, person, moves, peak)


def _decided(sample: Sample, person: Person, moves: list[tuple[datetime, str, str, str, str]], peak: list[tuple[datetime, int]]) -> Journey:
    """What people made of it: deals, recycling and the way back, dead ends."""
    rng, hits, now = sample.rng, person.hits, sample.now
    last, stage = moves[-1][0], moves[-1][2]
    roll, seller = rng.random(), f"user:{sample.setting.users[rng.choice(SALES)]}"
    further = ""
    if hits.get("competitor") or hits.get("student") or (hits.get("optout") and roll < 0.5):
        further = "deadend"
    elif person is sample.people[0]:
        pass
    elif stage == "sql":
        further = "customer" if roll < 0.12 else "opportunity" if roll < 0.34 else "recycle_b" if roll < 0.44 else ""
    elif stage == "mql" and roll < 0.14:
        further = "recycle_a"
    if further:
        at = last + (now - last) * (0.2 + 0.7 * rng.random())
        if further == "customer":
            moves.append((last + (at - last) / 2, stage, "opportunity", seller, "page"))
            stage = "opportunity"
        moves.append((at, stage, further, seller, "page"))
        stage = further
        quiet = max(at, person.seen, peak[-1][0] if peak else at) + timedelta(hours=1)  # nothing after it calls for more than nurturing
        if further.startswith("recycle") and rng.random() < 0.5 and quiet < now:
            moves.append((quiet + (now - quiet) * rng.random(), stage, "nurturing", seller, "page"))
            stage = "nurturing"
    return Journey(stage, moves)
