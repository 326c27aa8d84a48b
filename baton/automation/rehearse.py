"""Runs a workflow over the past or over made-up contacts with a moved clock: by the real engine, in a shadow of the database. Nothing is sent, nothing stays.

`Past` takes those whom the triggers would have enrolled in the days before, as they were then, and lets happen what they really did; `Ghosts` takes people who
do not exist and what they do on which day. The clock goes from one instant to the next: the next thing that happens, the next timer. With many people instants
are put together in slices of minutes, so that each costs its statements once.
"""

import heapq
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Max
from django.utils.translation import gettext as _

from baton.automation import enroll, ghosts, rehearsed, replay, runner, shadow
from baton.automation.ghosts import Ghost
from baton.automation.graph import Graph
from baton.automation.models import Version, Workflow
from baton.automation.rehearsed import Result
from baton.automation.trigger import Trigger
from baton.messaging import pretend
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import Batch
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.segments import edges

MOST, LONGEST = 20_000, 400  # people and days of one rehearsal
EXACT = 50  # so many people are led to the very moment
SLICES = (1, 2, 5, 10, 15, 30, 60, 120, 240)  # minutes; each divides a day, so that a wait of days ends on the same slice
INSTANTS = 200  # of a rehearsal of many, at most about so many: the slice is chosen by it
MOST_INSTANTS = 40_000
GROWN = "ANALYZE enrollment, step_run, timer, message, event"  # tables that begin empty or grow: the database plans by what it knows of them
LOOKS = frozenset({3, 12, 50, 200, 800, 3200})  # instants after which it looks
TICK = timedelta(seconds=5)  # what happened within it went through the engine at once
ROUNDS = 100  # how often the engine may wake itself at one instant

Told = Callable[[int], bool]  # told how far it is, in %; False: stop


@dataclass(frozen=True, slots=True)
class Past:
    """Whom the triggers would have enrolled within so many days from the start on."""

    days: int = 30


@dataclass(frozen=True, slots=True)
class Ghosts:
    """People who do not exist. With `others` the other workflows that are switched on lead them too, as they would real ones."""

    people: Sequence[Ghost]
    others: bool = False


class Stopped(Exception):
    """Somebody does not want to know any more."""


def run(
    graph: Graph,
    population: Past | Ghosts,
    start: datetime,
    days: int,
    *,
    workflow: Workflow | None = None,
    told: Told = lambda percent: True,
) -> Result:
    """Rehearse `days` days from `start` on. `workflow`: whose graph it is; its own earlier runs are as if they had never been.

    Raises Invalid (`start`, `days`, `contacts`, paths of the graph) for what cannot be rehearsed, Stopped when `told` says so.
    """
    check(graph, population, start, days)
    object_type = workflow.object_type if workflow else "contact"
    end = start + timedelta(days=days)
    if isinstance(population, Past):
        entries, unknown = replay.entries(graph, start, min(start + timedelta(days=population.days), end), object_type, MOST)
        people = sorted({entry.id for entry in entries})
        rehearsal = _Past(graph, workflow, object_type, start, end, told, entries, unknown)
        with shadow.world("SELECT id FROM unnest(%(people)s::bigint[]) AS id", {"people": people}, rehearsal.prepare):
            return rehearsal.play()
    staged = _Ghosts(graph, workflow, object_type, start, end, told, population)
    with shadow.world("SELECT NULL::bigint WHERE false", {}, staged.prepare):
        return staged.play()


def check(graph: Graph, population: Past | Ghosts, start: datetime, days: int) -> None:
    """Raises Invalid for what cannot be rehearsed."""
    if not 1 <= days <= LONGEST:
        raise Invalid.one("days", "OUT_OF_RANGE", _("Choose 1 to {most} days.").format(most=LONGEST))
    if isinstance(population, Past):
        if start >= clock.now():
            raise Invalid.one("start", "OUT_OF_RANGE", _("The past begins before today."))
        if not 1 <= population.days <= LONGEST:
            raise Invalid.one("window", "OUT_OF_RANGE", _("Choose 1 to {most} days.").format(most=LONGEST))
    else:
        ghosts.check(population.people)
    if problems := [p for p in graph.problems() if isinstance(population, Past) or not p.path.startswith("triggers")]:
        raise Invalid(problems)


class _Rehearsal:
    """What both kinds have in common: the stage, the loop, the engine."""

    def __init__(self, graph: Graph, workflow: Workflow | None, object_type: str, start: datetime, end: datetime, told: Told) -> None:
        self.graph, self.real, self.object_type, self.start, self.end, self.told = graph, workflow, object_type, start, end, told
        self.slice = timedelta()
        self.midnight = datetime.combine(start.astimezone(config().zone), time(), config().zone)  # slices end just before days do
        self.version = 2**36 + secrets.randbelow(2**40)  # processes keep what versions say by number: no two rehearsals share one
        self.id = workflow.pk if workflow else 2**36 + secrets.randbelow(2**40)
        self.notes: list[str] = []
        self.seconds = 0.0

    # What differs --------------------------------------------------------

    def alone(self) -> bool:
        """Whether no other workflow is switched on."""
        return True

    def begin(self) -> None:
        """The world as it is at the start."""

    def happen(self, since: datetime, until: datetime) -> None:
        """What happens in (since, until], told to the engine."""

    def following(self, since: datetime) -> datetime | None:
        """When the next thing happens."""

    # The stage -----------------------------------------------------------

    def prepare(self) -> None:
        """Put the workflow on the stage: published, switched on, with nobody inside."""
        number = (Version.objects.filter(workflow_id=self.id).aggregate(last=Max("number"))["last"] or 0) + 1
        Version.objects.create(
            pk=self.version, workflow_id=self.id, number=number, graph=self.graph.stored(), published_at=self.start, published_by=str(SYSTEM)
        )
        if self.real is None:
            Workflow.objects.create(pk=self.id, name=str(_("Rehearsal")), object_type=self.object_type, draft=self.graph.stored())
        Workflow.objects.filter(pk=self.id).update(state="on", published_id=self.version, archived_at=None, paused_at=None)
        sql.run("CREATE TEMP TABLE own_message ON COMMIT DROP AS SELECT m.id FROM message m JOIN enrollment e ON e.contact_id = m.contact_id"
                " AND starts_with(m.cause, 'step:' || e.id || ':') WHERE e.workflow_id = %s", [self.id])  # fmt: skip
        for table in ("step_run", "enrollment", "workflow_call"):
            sql.run(f"DELETE FROM {table} WHERE workflow_id = %s", [self.id])
        if self.alone():
            called = rehearsed.called_by(self.id, self.graph)
            Workflow.objects.exclude(pk__in=[self.id, *called]).filter(state="on").update(state="paused")
        [(self.first_run,)] = sql.rows("SELECT nextval('enrollment_id_seq'::regclass)")
        self.begin()

    @property
    def workflow(self) -> Workflow:
        return Workflow.objects.get(pk=self.id)

    # The clock -----------------------------------------------------------

    def play(self) -> Result:
        at, before, instants = self.start, self.start - timedelta(microseconds=1), 0
        while at <= self.end:
            with clock.stopped(at):
                self.happen(before, at)
                self.settle()
            instants += 1
            if instants in LOOKS:
                sql.run(GROWN)
            if instants >= MOST_INSTANTS:
                self.notes.append("instants")
                break
            if not self.told(min(99, int(100 * (at - self.start) / (self.end - self.start)))):
                raise Stopped
            before, at = at, self.next(at)
        sql.run(GROWN)
        return self.result(instants)

    def next(self, at: datetime) -> datetime:
        """The next instant at which there is anything to do; behind the end when there is none."""
        due = sql.rows(
            "SELECT min(q.at) FROM (SELECT min(t.due_at) AS at FROM timer t WHERE t.workflow_id IN (SELECT id FROM workflow WHERE state = 'on')"
            " UNION ALL SELECT min(due_at) FROM outbox UNION ALL SELECT min(again_at) FROM change) q"
        )[0][0]
        found = [moment for moment in (due, self.following(at)) if moment is not None]
        if not found:
            return self.end + timedelta(days=1)
        moment: datetime = max(min(found), at + timedelta(microseconds=1))
        if not self.slice or moment > self.end:
            return moment
        behind = (moment - self.midnight) % self.slice
        return min(moment - behind + self.slice - timedelta(microseconds=1), self.end) if behind != self.slice - timedelta(microseconds=1) else moment

    def settle(self) -> int:
        """The engine works off all there is at this moment; returns how much that was."""
        done = 0
        for _round in range(ROUNDS):
            taken = changes.tick() + runner.run_due() + pretend.deliver()
            done += taken
            if not taken:
                break
        return done

    def result(self, instants: int) -> Result:
        if trouble := sql.rows("SELECT trouble FROM change WHERE tries > 0 LIMIT 1"):
            self.notes.append(f"trouble:{trouble[0][0]}")
        found = rehearsed.read(self.graph, self.id, self.first_run, self.start, self.end, self.notes)
        found.instants, found.slice_minutes = instants, int(self.slice.total_seconds() // 60)
        return found


class _Past(_Rehearsal):
    def __init__(
        self,
        graph: Graph,
        workflow: Workflow | None,
        object_type: str,
        start: datetime,
        end: datetime,
        told: Told,
        entries: Sequence[replay.Entry],
        unknown: Sequence[str],
    ) -> None:
        super().__init__(graph, workflow, object_type, start, end, told)
        self.entries, self.place = entries, 0
        self.came: dict[int, tuple[datetime, str]] = {}  # when and by which trigger somebody entered last
        people = len({entry.id for entry in entries})
        if people > EXACT:
            span = (end - start) / INSTANTS
            self.slice = timedelta(minutes=next((m for m in SLICES if timedelta(minutes=m) >= span), SLICES[-1]))
        self.notes += ["today"] + (["most"] if people >= MOST else []) + [f"unknown:{id}" for id in unknown]

    def begin(self) -> None:
        replay.rewind(self.start, self.id)
        self.stages = [stage for order, stage in changes.stages() if 51 <= order < 60]

    def happen(self, since: datetime, until: datetime) -> None:
        # The triggers are asked about the past itself, so what happened goes to the stages behind them only: to the ends of runs, and to those who wait.
        told = replay.until(since, until)
        if told:
            batch = Batch(told)
            for stage in self.stages:
                stage(batch, told)
        waiting: list[replay.Entry] = []
        while self.place < len(self.entries) and self.entries[self.place].at <= until:
            entry = self.entries[self.place]
            self.place += 1
            if any(entry.id == one.id for one in waiting):
                self._enter(waiting)
            came, by = self.came.get(entry.id, (None, ""))
            if came is None or by == entry.trigger or entry.at - came > TICK:  # several triggers that wake within one tick enroll once
                waiting.append(entry)
        self._enter(waiting)

    def _enter(self, waiting: list[replay.Entry]) -> None:
        for trigger in dict.fromkeys(entry.trigger for entry in waiting):
            mine = {entry.id: entry for entry in waiting if entry.trigger == trigger}
            enroll.enter(self.workflow, {id: entry.cause for id, entry in mine.items()}, actor=SYSTEM, trigger=trigger)
            if len(self.graph.triggers) > 1:
                here = "SELECT contact_id FROM enrollment WHERE contact_id = ANY(%s) AND workflow_id = %s AND enrolled_at = %s AND trigger = %s"
                self.came |= {id: (mine[id].at, trigger) for (id,) in sql.rows(here, [list(mine), self.id, clock.now(), trigger])}
        waiting.clear()

    def following(self, since: datetime) -> datetime | None:
        entry = self.entries[self.place].at if self.place < len(self.entries) else None
        fact = replay.following(since)
        return min((moment for moment in (entry, fact) if moment is not None), default=None)


class _Ghosts(_Rehearsal):
    def __init__(self, graph: Graph, workflow: Workflow | None, object_type: str, start: datetime, end: datetime, told: Told, population: Ghosts) -> None:
        super().__init__(graph, workflow, object_type, start, end, told)
        self.population = population
        self.facts = sorted(((fact.at, number, fact) for number, ghost in enumerate(population.people) for fact in ghost.facts), key=lambda f: f[:2])
        self.place = 0
        self.timed = [t for t in graph.triggers if type(t).due is not Trigger.due]
        self.turns: list[datetime] = []  # when something goes out of a window, or a day begins: time alone moves people then

    def alone(self) -> bool:
        return not self.population.others

    def begin(self) -> None:
        sql.run("CREATE TEMP TABLE later_message ON COMMIT DROP AS SELECT * FROM message WHERE false")
        # The windows of lists, scores and stages were looked at until now, and the clock's triggers were asked.
        for table, column in (("segment", "evaluated_at"), ("score_model", "evaluated_at"), ("lifecycle_stage", "looked_at")):
            sql.run(f"UPDATE {table} SET {column} = %s WHERE {column} IS NOT NULL", [self.start])
        sql.run("UPDATE workflow SET clock_at = %s", [self.start])
        self.lengths = rehearsed.windows(self.graph)
        with clock.stopped(self.start - timedelta(microseconds=1)):
            self.ids = [ghosts.appear(ghost, self.object_type) for ghost in self.population.people]

    def happen(self, since: datetime, until: datetime) -> None:
        if since < self.start:  # what they are is no news to a workflow
            self._calm()
        while self.place < len(self.facts) and self.facts[self.place][0] <= until:
            _at, number, fact = self.facts[self.place]
            ghosts.happen(self.workflow, self.object_type, self.ids[number], fact)
            self.place += 1
        if self.timed or not self.alone():
            enroll.by_clock(until)
        if self.lengths is not None:
            edges.look()

    def settle(self) -> int:
        taken = super().settle()
        if taken and self.lengths:
            for length in self.lengths:
                heapq.heappush(self.turns, clock.now() + length + edges.PACE)
        return taken

    def _calm(self) -> None:
        """Lists and scores find the ghosts before anything happens; the workflow is switched on behind that."""
        Workflow.objects.filter(pk=self.id).update(state="paused")
        while changes.tick():
            pass
        Workflow.objects.filter(pk=self.id).update(state="on")

    def following(self, since: datetime) -> datetime | None:
        found = [self.facts[self.place][0]] if self.place < len(self.facts) else []
        while self.turns and self.turns[0] <= since:
            heapq.heappop(self.turns)
        found += self.turns[:1]
        if self.lengths is not None:  # what goes by days of the calendar turns at midnight
            found.append(datetime.combine(since.astimezone(config().zone).date() + timedelta(days=1), time(), config().zone) + edges.PACE)
        return min(found, default=None)

    def next(self, at: datetime) -> datetime:
        moment = super().next(at)
        last = min(moment, self.end)
        if not self._due(at, last):
            return moment
        early, late = at, last  # to the minute at which the clock brings somebody in
        while late - early > timedelta(seconds=1):
            middle = early + (late - early) / 2
            early, late = (early, middle) if self._due(at, middle) else (middle, late)
        minute = late.replace(second=0, microsecond=0)
        return minute if minute > early else late

    def _due(self, since: datetime, until: datetime) -> bool:
        with clock.stopped(until):
            return since < until and any(trigger.due(since, until, self.object_type) for trigger in self.timed)

    def result(self, instants: int) -> Result:
        found = super().result(instants)
        found.paths = rehearsed.paths(self.graph, self.id, dict(zip(self.ids, (g.name for g in self.population.people), strict=True)))
        return found
