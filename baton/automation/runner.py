"""Moves everybody who is due one or more steps on, in sets.

Some buckets are one transaction: the due walks, what their steps did (step_run, outbox, properties, notices), where they stand now and when
they are due next are committed together. That transaction is the lease: a worker killed anywhere leaves all of it undone, and its walks free
(docs/decisions/0009-a-transaction-is-the-lease.md).
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction

from baton.automation import errors, goals, graph, runs, shadow, tally, told
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.step import DONE, FAILED, WAITING, Batch, Effect, Standing, Step
from baton.platform import changes, clock, live, logs, sql
from baton.platform.changes import AWAY, Change
from baton.platform.errors import DomainError
from baton.platform.models import BUCKETS
from baton.platform.transaction import retrying

BATCH = 4_000  # walks of one transaction
LEAPS = 200  # steps one walk may take in one transaction; the rest follows in the next
KINDS = 20  # of results that are written one statement each
TURNS = 30_000  # ways back of one walk; more is a loop that nobody meant
NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # until somebody is woken

PATIENCE, LONGEST = timedelta(minutes=1), timedelta(hours=6)  # of walks that cannot be moved
DUE = """
SELECT enrollment_id FROM timer
WHERE bucket = ANY (%(taken)s) AND due_at <= %(now)s AND workflow_id = ANY (%(live)s) AND enrollment_id <> ALL (%(aside)s::bigint[])
ORDER BY due_at LIMIT %(limit)s
"""
COPY = "COPY step_run (contact_id, enrollment_id, step, turn, workflow_id, outcome, detail, at) FROM STDIN"

_log = logs.log(__name__)
_broken: dict[int, tuple[datetime, int]] = {}  # enrollment -> (when it is tried again, tries); errors.overdue shows them


@dataclass(slots=True)
class Walk:
    """One enrollment on its way through this transaction."""

    contact_id: int
    enrollment_id: int
    workflow_id: int
    version_id: int
    step: str
    turn: int
    entered_at: datetime
    woken: bool
    was: str | None  # how this step came out so far; None: he just comes
    frozen: float | None  # seconds of his wait here that a pause took
    here: bool  # not archived
    walked: dict[str, str] | None
    state: str = "active"
    reason: str = ""
    due_at: datetime | None = None  # None: at once
    moved: bool = False


def run_due() -> int:
    """Run the steps that are due, one batch of every bucket; returns how many walks were taken."""
    running = list(Workflow.objects.filter(state="on", archived_at=None).values_list("pk", flat=True))
    if not running:
        return 0
    touched: set[int] = set()
    taken = 0
    for buckets in _together(running):
        try:
            walks = run_buckets(buckets, running)
        except AWAY:
            raise
        except Exception as error:
            _log.warning("walks could not be moved; they are tried in smaller parts", buckets=buckets, error=repr(error))
            walks = _in_parts(buckets, running)
        touched.update(w.workflow_id for w in walks)
        taken += len(walks)
    for workflow_id in touched:
        live.publish(f"workflow:{workflow_id}", what="counts")
    return taken


def _together(running: list[int]) -> Iterator[list[int]]:
    """The buckets with walks that are due, as many at a time as make one batch. Each worker begins elsewhere."""
    found = sql.rows(sql.load("waiting", __package__), {"buckets": BUCKETS, "now": clock.now(), "live": running, "limit": BATCH, "aside": _aside()})
    start = random.randrange(len(found)) if found else 0
    buckets: list[int] = []
    rows = 0
    for bucket, count in found[start:] + found[:start]:
        if buckets and rows + count > BATCH:
            yield buckets
            buckets, rows = [], 0
        buckets.append(bucket)
        rows += count
    if buckets:
        yield buckets


def _in_parts(buckets: Sequence[int], running: list[int], only: Sequence[int] | None = None) -> list[Walk]:
    """Halve what failed, first by bucket, then by walk, until those are found that it fails for: they are left alone for a while."""
    if len(buckets) > 1:
        parts: list[tuple[Sequence[int], Sequence[int] | None]] = [(buckets[: len(buckets) // 2], None), (buckets[len(buckets) // 2 :], None)]
    else:
        if only is None:
            params = {"taken": list(buckets), "now": clock.now(), "live": running, "limit": BATCH, "aside": _aside()}
            only = [id for (id,) in sql.rows(DUE, params)]
        parts = [(buckets, only[: len(only) // 2]), (buckets, only[len(only) // 2 :])]
    walks: list[Walk] = []
    for some, ids in parts:
        if ids is not None and not ids:
            continue
        try:
            walks += run_buckets(some, running, ids)
        except AWAY:
            raise
        except Exception as error:
            if ids is not None and len(ids) == 1:
                tries = _broken[ids[0]][1] + 1 if ids[0] in _broken else 0
                _broken[ids[0]] = (clock.now() + min(PATIENCE * 2**tries, LONGEST), tries)
                _log.exception("a walk cannot be moved and is left alone for a while", enrollment=ids[0], error=repr(error))
            else:
                walks += _in_parts(some, running, ids)
    return walks


def _aside() -> list[int]:
    """The walks that this process leaves alone for now."""
    now = clock.now()
    return [id for id, (until, _tries) in _broken.items() if until > now]


@retrying
def run_buckets(buckets: Sequence[int], running: Collection[int], only: Sequence[int] | None = None) -> list[Walk]:
    """Move the due walks of these buckets (or only these of them) as far as they get now. A bucket that another worker has is left to him."""
    now = clock.now()
    with transaction.atomic():
        ours = [b for (b,) in sql.rows("SELECT b FROM unnest(%s::int[]) AS b WHERE pg_try_advisory_xact_lock(%s, b)", [list(buckets), runs.LOCK])]
        if not ours:
            return []
        params = {"taken": ours, "now": now, "live": list(running), "limit": BATCH, "aside": _aside(), "only": None if only is None else list(only)}
        rows = sql.rows(sql.load("claim", __package__), params)
        if only is None and (not rows or len(rows) < rows[0][-1]):
            sql.run(sql.load("orphans", __package__), params)
        walks = [Walk(*row[:11], json.loads(row[11]) if row[11] else None) for row in rows]  # type: ignore[call-arg]  # a row is no tuple of known length
        _Pass(now, walks).run()
    return walks


@dataclass(slots=True)
class _Row:
    """A result of a step that is written down for the first time, for everybody who has the same."""

    workflow_id: int
    step: str
    outcome: str
    detail: str
    walks: list[Walk]


@dataclass(slots=True)
class _Pass:
    """The walks of one transaction."""

    now: datetime
    walks: list[Walk]
    counts: tally.Deltas = field(default_factory=Counter)
    new: list[_Row] = field(default_factory=list)
    settled: list[tuple[Walk, str, int, str, str]] = field(default_factory=list)  # (walk, step, turn, outcome, detail)
    watching: list[Change] = field(default_factory=list)  # who came to a step that watches is looked at once more when the tick can see him there
    failed: dict[int, list[tuple[Walk, str]]] = field(default_factory=lambda: defaultdict(list))
    ended: set[int] = field(default_factory=set)  # what something else ended within this transaction
    _dropped: int = 0

    def run(self) -> None:
        token = runs._ended.set(self.ended)
        try:
            self._out()
            moving = [w for w in self.walks if w.state == "active"]
            for _leap in range(LEAPS):
                if not moving:
                    break
                groups: dict[tuple[int, str], list[Walk]] = {}
                for walk in moving:
                    key = (walk.version_id, walk.step)
                    if key in groups:
                        groups[key].append(walk)
                    else:
                        groups[key] = [walk]
                for (version_id, step_id), group in groups.items():
                    self._group(version_id, step_id, group)
                self._write()
                moving = [w for w in moving if w.state == "active" and w.due_at is None]
        finally:
            runs._ended.reset(token)
        self._save()

    def _out(self) -> None:
        """Before anything else: who is no more here, reached the goal, or must not be inside any more."""
        gone = [w for w in self.walks if not w.here]
        runs.end([(w.contact_id, w.enrollment_id) for w in gone], "removed", "archived")
        here = [w for w in self.walks if w.here]
        goals.end_due(here)
        self._drop()

    def _drop(self) -> None:
        """Who was ended by something else is not walked with any more, and nothing is written about him here."""
        if len(self.ended) == self._dropped:
            return
        self._dropped = len(self.ended)
        self._write()
        gone = [w for w in self.walks if w.enrollment_id in self.ended and w.state != "ended"]
        for walk in gone:
            walk.state = "ended"
        runs.close([(w.contact_id, w.enrollment_id) for w in gone if w.due_at is not None])

    def _group(self, version_id: int, step_id: str, group: list[Walk]) -> None:
        if self.ended:
            group = [w for w in group if w.state == "active"]
        if not group:
            return
        published = graph.readable(version_id)
        if published is None:
            for walk in group:
                walk.state, walk.reason, walk.moved = "failed", "unreadable", True
            self.failed[group[0].workflow_id] += [(w, "unreadable") for w in group]
            return
        step = published.get(step_id)
        if step is None:  # the end
            for walk in group:
                walk.state, walk.moved = "finished", True
            return
        come: list[Walk] = []
        back: list[Walk] = []
        through: list[Walk] = []
        for walk in group:
            if walk.walked and walk.was is None:
                walk.was = walk.walked.get(step_id)
            (come if walk.was is None or walk.was == FAILED else back if walk.was == WAITING else through).append(walk)
        for walk in through:  # it did this already: nobody is served twice
            self._on(published, step, [walk], walk.was or "")
        if come:
            self._took(published, step, come, _run(step, published, self._batch(published, step, come), step.run), first=True)
        if back:
            self._took(published, step, back, _run(step, published, self._batch(published, step, back), step.resume), first=False)
        self._drop()

    def _batch(self, published: Graph, step: Step, walks: list[Walk]) -> Batch:
        standing = [Standing(w.contact_id, w.enrollment_id, w.entered_at if w.was else None, w.turn, w.woken, timedelta(seconds=w.frozen or 0)) for w in walks]
        return Batch(walks[0].workflow_id, step.id, self.now, standing, object_type=step.object_type, settings=published.settings, rehearsal=shadow.inside())

    def _took(self, published: Graph, step: Step, walks: list[Walk], effects: dict[int, Effect], *, first: bool) -> None:
        """What the step did becomes rows, and moves everybody on who does not stay."""
        kept: list[tuple[Walk, dict[str, Any]]] = []
        alike: dict[tuple[str, str, str, str], list[Walk]] = {}  # (outcome, detail, path, ends)
        over: list[Walk] = []
        plain: list[Walk] = []
        waits: dict[datetime, str] = {}
        for walk in walks:
            effect = effects.get(walk.enrollment_id)
            if effect is None:
                plain.append(walk)
                continue
            if effect.kept:
                kept.append((walk, effect.kept))
            if effect.outcome == WAITING:
                until = effect.until or NEVER
                if until <= self.now:
                    over.append(walk)
                    continue
                walk.due_at = until
            if not effect.detail:
                detail = "{}"
            elif effect.until is not None and len(effect.detail) == 1:  # a plain wait: most have the same
                detail = waits.get(effect.until) or waits.setdefault(effect.until, json.dumps(effect.detail, ensure_ascii=False, default=str))
            else:
                detail = json.dumps(effect.detail, ensure_ascii=False, default=str)
            key = (effect.outcome, detail, effect.path, effect.ends)
            if key in alike:
                alike[key].append(walk)
            else:
                alike[key] = [walk]
        if plain:
            alike.setdefault((DONE, "{}", "", ""), []).extend(plain)
        if kept:
            self._keep(step.id, kept)
        for (outcome, detail, path, ends), some in alike.items():
            self._came_out(step, some, outcome, detail, first=first)
            if outcome == WAITING:
                if first and (number := goals.number(some[0].version_id, step.id)) is not None:
                    self.watching += [Change(w.contact_id, "edge", f"step:{number}") for w in some if w.was is None]
            elif outcome == FAILED:
                reason = json.loads(detail).get("reason", "")
                for walk in some:
                    walk.state, walk.reason, walk.moved = FAILED, reason[:500], True
                self.failed[some[0].workflow_id] += [(w, reason) for w in some]
            else:
                self._on(published, step, some, path, ends, json.loads(detail).get("reason", "") if ends else "")
        if over:  # a time that is over already
            self._over(published, step, over, first=first)

    def _over(self, published: Graph, step: Step, walks: list[Walk], *, first: bool) -> None:
        """Whose wait is over before it began: what comes after a wait decides; a plain wait lets them go on."""
        effects: dict[int, Effect] = {}
        if type(step).resume is not Step.resume:
            effects = _run(step, published, self._batch(published, step, walks), step.resume)
        for effect in effects.values():
            if effect.outcome == WAITING and (effect.until or NEVER) <= self.now:
                effect.outcome, effect.until = DONE, None
        self._took(published, step, walks, effects, first=first)

    def _on(self, published: Graph, step: Step, walks: list[Walk], path: str, ends: str = "", reason: str = "") -> None:
        """These go on behind the step."""
        after = published.after(step.id, path)
        back = published.back(step.id, after)
        for walk in walks:
            walk.moved = True
            if ends or step.ends:
                walk.state, walk.reason = ends or step.ends, reason
            elif not after:
                walk.step, walk.state = "", "finished"
            else:
                walk.step, walk.was, walk.woken, walk.frozen, walk.due_at, walk.entered_at = after, None, False, None, None, self.now
                if back:
                    walk.turn += 1
                    walk.walked = None
                    if walk.turn > TURNS:
                        walk.state, walk.reason = FAILED, "endless"

    def _came_out(self, step: Step, walks: list[Walk], outcome: str, detail: str, *, first: bool) -> None:
        workflow_id = walks[0].workflow_id
        self.counts[workflow_id, step.id, outcome] += len(walks)
        anew = [w for w in walks if w.was is None] if first else []
        if anew:
            self.new.append(_Row(workflow_id, step.id, outcome, detail, anew))
        if len(anew) < len(walks):
            for walk in walks:
                if walk.was is not None:
                    self.counts[workflow_id, step.id, walk.was] -= 1
                    self.settled.append((walk, step.id, walk.turn, outcome, detail))

    def _keep(self, step_id: str, kept: list[tuple[Walk, dict[str, Any]]]) -> None:
        sql.run(
            sql.load("keep", __package__),
            {
                "step": step_id, "contact_ids": [w.contact_id for w, _ in kept], "ids": [w.enrollment_id for w, _ in kept],
                "kept": [json.dumps(values, ensure_ascii=False, default=str) for _, values in kept],
            },
        )  # fmt: skip

    # Writing -------------------------------------------------------------------

    def _write(self) -> None:
        """The results of one leap: the key of a result admits it once, so a step that ran before undoes the whole transaction."""
        if self.new:
            at = self.now.isoformat()
            lines: list[str] = []
            for row in self.new:
                middle, end = f"\t{_copied(row.step)}\t", f"\t{row.workflow_id}\t{_copied(row.outcome)}\t{_copied(row.detail)}\t{at}\n"
                lines += [f"{w.contact_id}\t{w.enrollment_id}{middle}{w.turn}{end}" for w in row.walks]
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY step_run (contact_id, enrollment_id, step, turn, workflow_id, outcome, detail, at) FROM STDIN") as copy,
            ):
                copy.write("".join(lines))
            self.new = []
        if self.settled:
            alike: dict[tuple[str, str, str], list[tuple[Walk, int]]] = {}
            for walk, step, turn, outcome, detail in self.settled:
                alike.setdefault((step, outcome, detail), []).append((walk, turn))
            self.settled = []
            if len(alike) > KINDS:
                self._settle_each(alike)
                return
            for (step, outcome, detail), some in alike.items():
                columns = {**_columns([w for w, _ in some]), "turns": _array(turn for _, turn in some)}
                sql.run(sql.load("settle", __package__), {**columns, "now": self.now, "step": step, "outcome": outcome, "detail": detail})

    def _settle_each(self, alike: dict[tuple[str, str, str], list[tuple[Walk, int]]]) -> None:
        """Where nearly everybody's result is his own."""
        rows = [(walk, turn, *how) for how, some in alike.items() for walk, turn in some]
        sql.run(
            sql.load("settle_each", __package__),
            {
                **_columns([r[0] for r in rows]), "now": self.now, "turns": _array(r[1] for r in rows),
                "steps": [r[2] for r in rows], "outcomes": [r[3] for r in rows], "details": [r[4] for r in rows],
            },
        )  # fmt: skip

    def _save(self) -> None:
        """Where everybody stands now and when he is due next; who is through leaves the queue."""
        mine = [w for w in self.walks if w.state != "ended"]
        places: dict[tuple[str, int, str, str], list[Walk]] = defaultdict(list)
        for walk in mine:
            if walk.moved:
                places[walk.step, walk.turn, walk.state, walk.reason].append(walk)
        for (step, turn, state, reason), some in places.items():
            sql.run(
                sql.load("move", __package__),
                {
                    **_columns(some), "step": step, "turn": turn, "state": state, "reason": reason, "now": self.now,
                    "finished": None if state == "active" else self.now,
                },
            )  # fmt: skip
        through = [w for w in mine if w.state != "active"]
        if through:
            sql.run(
                "DELETE FROM timer t USING unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)"
                " WHERE t.bucket = r.contact_id %% %(buckets)s AND t.enrollment_id = r.id",
                {**_columns(through), "buckets": BUCKETS},
            )
        staying = [w for w in mine if w.state == "active"]
        if staying:
            times: dict[datetime, str] = {}
            for walk in staying:
                at = walk.due_at or self.now
                if at not in times:
                    times[at] = at.isoformat()
            due = _array(times[w.due_at or self.now] for w in staying)
            sql.run(sql.load("later", __package__), {**_columns(staying), "due": due, "buckets": BUCKETS})
        changes.append(self.watching)
        for walk in through:
            self.counts[walk.workflow_id, "", "active"] -= 1
            self.counts[walk.workflow_id, "", walk.state] += 1
        tally.add(self.counts)
        outs: dict[tuple[int, str, str], list[tuple[int, int]]] = defaultdict(list)
        for walk in through:
            outs[walk.workflow_id, walk.state, walk.reason].append((walk.contact_id, walk.enrollment_id))
        for (workflow_id, state, reason), pairs in outs.items():
            told.finished(workflow_id, pairs, state, self.now, reason=reason)
        runs.begin_queued([(w.contact_id, w.workflow_id) for w in through])
        for workflow_id, told_of in self.failed.items():
            errors.alert(workflow_id, [(w.contact_id, w.step, reason) for w, reason in told_of])


def _run(step: Step, published: Graph, batch: Batch, do: Callable[[Batch], None]) -> dict[int, Effect]:
    """Run a step for a batch. When it breaks it is run again in halves, so that only those fail who broke it."""
    try:
        with transaction.atomic():
            do(batch)
    except OperationalError:  # the database, not the step: the whole transaction is tried again later
        raise
    except Exception as error:
        if len(batch.standing) == 1:
            one = batch.standing[0]
            _log.warning("a step failed", workflow=batch.workflow_id, step=batch.step, enrollment=one.enrollment_id, error=repr(error))
            reason = str(error) if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
            return {one.enrollment_id: Effect(FAILED, {"reason": reason[:500].replace("\0", "")})}
        middle = len(batch.standing) // 2
        effects: dict[int, Effect] = {}
        for part in (batch.standing[:middle], batch.standing[middle:]):
            some = Batch(batch.workflow_id, batch.step, batch.now, part, object_type=batch.object_type, settings=batch.settings, rehearsal=batch.rehearsal)
            effects |= _run(step, published, some, do)
        return effects
    return batch.effects


def _columns(walks: Sequence[Walk]) -> dict[str, str]:
    return {"contact_ids": _array(w.contact_id for w in walks), "ids": _array(w.enrollment_id for w in walks)}


def _array(values: Iterable[object]) -> str:
    """Numbers or moments as PostgreSQL writes an array: many times as fast as a list that the driver writes out one by one."""
    return f"{{{','.join(map(str, values))}}}"


def _copied(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
