"""What sales decided, as rows: verdicts with the score as it was, the points they took, pauses; and the score looked at against how it ended."""

from collections.abc import Iterable
from typing import Any

from baton.crm.values import stamp
from baton.demo import points
from baton.demo.book import Event
from baton.demo.copying import as_json, copy, update
from baton.demo.people import Person
from baton.demo.points import Entry, Steps
from baton.demo.sample import Journey, Pause, Sample
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import Actor
from baton.segments import backtest, scoring, verdicts
from baton.segments.outcomes import Settings

# Mails that would have gone out while somebody rested, and that nobody opened: the last gate held them back.
HELD = """
UPDATE message m SET state = 'skipped', reason = 'paused', sent_at = NULL, attempts = 0
FROM pause p
WHERE m.contact_id = p.contact_id AND m.state = 'sent' AND m.created_at > p.at AND m.created_at < coalesce(p.ended_at, p.until)
  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.contact_id = m.contact_id AND e.kind = ANY(%s) AND e.payload ->> 'message' = m.id::text)
RETURNING m.contact_id, m.id
"""


def entries(sample: Sample, given: Iterable[Entry]) -> None:
    """Entries of the ledger."""
    copy(
        "score_entry",
        ("contact_id", "id", "model_id", "points", "reason", "actor", "cause", "at"),
        ((e.contact_id, e.id, sample.setting.model.pk, e.points, e.reason, e.actor, e.cause, e.at) for e in given),
    )


def known(journey: Journey) -> dict[str, Any]:
    """What the properties say of it."""
    found: dict[str, Any] = {}
    if journey.verdict and journey.verdict[1] != "paused":
        found[verdicts.PROPERTY] = journey.verdict[1]
    if journey.pause and journey.pause.ended is None:
        found["paused_until"] = stamp(journey.pause.until)
    return found


class Said:
    """Collects what is said of people, and writes it."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.least = sample.setting.model.begins("sql") or 0
        self.keys = {str(pk): rule.key for pk, rule in sample.setting.rules.items()}
        self.verdicts: list[tuple[Any, ...]] = []
        self.taken: list[Entry] = []
        self.pauses: list[tuple[int, Pause]] = []
        self.events: list[Event] = []

    def judge(self, person: Person, journey: Journey, steps: Steps, reasons: dict[str, list[int]]) -> Entry | None:
        """Note the verdict on somebody and his pause; returns the points that it took."""
        if journey.pause:
            self._pause(person, journey.pause)
        if journey.verdict is None:
            return None
        at, verdict, why = journey.verdict
        then, number = points.standing(steps, at), self.sample.number()
        total, who = sum(then.values()), f"user:{self.sample.setting.users[person.owner]}"
        kept = {self.keys.get(name, name): [reasons.get(name, [1])[0], worth] for name, worth in then.items()}
        self.verdicts.append((person.id, number, verdict, why, who, at, "sql", total, as_json(kept)))
        until = journey.pause.until.isoformat() if verdict == "paused" and journey.pause else None
        self._event(person, at, Kind.VERDICT_GIVEN, verdict, {"actor": who, "reason": why, "score": total, "until": until})
        took = verdicts.UNQUALIFIED if verdict == "unqualified" else min(0, self.least - 1 - total) if verdict == "not_ready" else 0
        if not took:
            return None
        self.taken.append(Entry(person.id, self.sample.number(), took, why, who, f"verdict:{number}:0", at))
        return self.taken[-1]

    def write(self) -> list[Event]:
        """Write all of it, score those again whose points were taken; returns the events."""
        copy("verdict", ("contact_id", "id", "verdict", "reason", "actor", "at", "stage", "score", "reasons"), self.verdicts)
        entries(self.sample, self.taken)
        scoring.some([entry.contact_id for entry in self.taken], models=[self.sample.setting.model.pk])
        update("score", "changed_at = r.at", "t.contact_id = r.id", "id bigint, at timestamptz", [(e.contact_id, e.at) for e in self.taken])
        copy(
            "pause",
            ("contact_id", "until", "reason", "actor", "at", "wake", "ended_at", "ended_by"),
            ((id, p.until, p.reason, p.actor, p.at, as_json(p.wake), p.ended, p.by) for id, p in self.pauses),
        )
        held = sql.rows(HELD, [[int(Kind.EMAIL_OPEN), int(Kind.EMAIL_CLICK)]])
        sql.run(
            "DELETE FROM event e USING unnest(%s::bigint[], %s::text[]) AS h(contact_id, message)"
            " WHERE e.contact_id = h.contact_id AND e.kind = %s AND e.payload ->> 'message' = h.message",
            [[id for id, _message in held], [str(message) for _id, message in held], int(Kind.EMAIL_SENT)],
        )
        return self.events

    def _pause(self, person: Person, pause: Pause) -> None:
        self.pauses.append((person.id, pause))
        self._event(person, pause.at, Kind.PAUSE_STARTED, "", {"actor": pause.actor, "reason": pause.reason, "until": pause.until.isoformat()})
        if pause.ended:
            by, hand = pause.by, pause.by not in ("time", "wake")
            why = next(why for at, why in self.sample.journeys[person.id].why.items() if at == pause.ended)
            self._event(person, pause.ended, Kind.PAUSE_ENDED, "hand" if hand else by, {"actor": by if hand else "system", "reason": why})

    def _event(self, person: Person, at: Any, kind: Kind, key: str, payload: dict[str, Any]) -> None:
        self.events.append(Event(person.id, at, kind, key, "", None, payload, self.sample.rng.getrandbits(52)))


def look_back(sample: Sample) -> None:
    """The lead score tried on two years of won and lost deals."""
    test = backtest.ask(sample.setting.model, Settings(ends="deals", days=None), actor=Actor("user", sample.setting.users["오세린"]))
    backtest.run(test.pk)
