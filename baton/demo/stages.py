"""Points dated to when they were earned, and the stages and owners that follow from them."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from baton.demo import memberships, tables
from baton.demo.book import Event, Walk
from baton.demo.copying import as_json, update
from baton.demo.people import Person
from baton.demo.sample import Journey, Sample
from baton.demo.setting import SALES
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.segments import lifecycle


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
        journey = sample.journeys[person.id] = _journey(sample, person, peak)
        if not person.owner and (journey.at("sql") or (journey.stage == "mql" and sample.rng.random() < 0.3)):
            person.owner = sample.rng.choice(SALES)
        changed.append((person.id, as_json({"lifecyclestage": journey.stage} | ({"owner_id": sample.setting.users[person.owner]} if person.owner else {}))))
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
                        sample.rng.getrandbits(52),
                    )
                )
        if person.owner and (handed := journey.at("sql")):
            who = f"workflow:{sample.setting.handover.pk}"
            trail.append((person.id, "contact", "owner_id", None, sample.setting.users[person.owner], who, "workflow", handed + timedelta(seconds=1)))
    walks = [walk for person in sample.people if (walk := _handed_over(sample, person, events))]
    tables.walks(sample.setting.handover, walks)
    tables.events(events)
    tables.history(trail)
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


def _journey(sample: Sample, person: Person, peak: list[tuple[datetime, int]]) -> Journey:
    """Lead, MQL, SQL by points and never back by a rule; what comes after is what sales decided."""
    rng, hits = sample.rng, person.hits
    highest = max((points for _, points in peak), default=0)
    stage = "subscriber" if highest < 8 else "lead"
    moves = [(person.created, "", stage, "system", "form" if hits.get("demo") else "import")]
    for target, least in (("mql", sample.setting.model.begins("mql")), ("sql", sample.setting.model.begins("sql"))):
        at = next((at for at, points in peak if points >= least), None)
        if at is not None:
            if moves[-1][0] >= at and len(moves) > 1:
                moves.pop()  # past both thresholds at once
                stage = moves[-1][2]
            moves.append((at, stage, target, "system", "rule"))
            stage = target
    roll, last, seller = rng.random(), moves[-1][0], f"user:{sample.setting.users[rng.choice(SALES)]}"
    further = ""
    if hits.get("competitor") or hits.get("student") or (hits.get("optout") and roll < 0.5):
        further = "deadend"
    elif person is sample.people[0]:
        pass
    elif stage == "sql":
        further = "customer" if roll < 0.12 else "opportunity" if roll < 0.34 else "recycle_a" if roll < 0.44 else ""
    elif stage == "mql" and roll < 0.08:
        further = "recycle_a"
    if further:
        at = last + (sample.now - last) * (0.2 + 0.7 * rng.random())
        if further == "customer":
            moves.append((last + (at - last) / 2, stage, "opportunity", seller, "page"))
            stage = "opportunity"
        moves.append((at, stage, further, seller, "page"))
        stage = further
    return Journey(stage, moves)


def _by(peak: list[tuple[datetime, int]], at: datetime) -> int:
    """The points a contact had at a moment."""
    return next((points for when, points in reversed(peak) if when <= at), 0)
