"""Who enters a workflow: by a trigger, by hand, or because he is among those whom its triggers would have enrolled. One statement does it for any number.

`enter` is the only door. It keeps out who is archived or no contact yet, who does not belong to the audience or is on a list that is kept out, whom this
very cause enrolled before, and whom the policy of an earlier run, as it was stored with that run, or of today does not let in again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction

from baton.automation import audience, graph, runs, told
from baton.automation.graph import Graph
from baton.automation.models import Version, Workflow
from baton.automation.settings import Settings
from baton.automation.trigger import triggers
from baton.events.vocabulary import Kind
from baton.platform import clock, live, logs, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.changes import Batch, Change
from baton.platform.models import BUCKETS
from baton.query.statement import Sql

SET = 20_000  # people who enter in one transaction, when many do
GIVEN = "SELECT * FROM unnest(%(contact_ids)s::bigint[], %(causes)s::text[])"
TRIES = 2  # what one of two at once kept out is let in or queued the second time
_log = logs.log(__name__)

Enrolled = dict[int, tuple[int, str]]  # contact -> (enrollment, cause)


def by_changes(changes: Sequence[Change], batch: Batch | None = None) -> int:
    """Enroll everybody whom these changes bring into a live workflow; returns how many. Several triggers that wake within one tick enroll once."""
    kinds = triggers()
    waking = {key: woken for key, kind in kinds.items() if (woken := [c for c in changes if kind.wakes(c)])}
    if not waking:
        return 0
    enrolled = 0
    came: dict[int, set[int]] = batch.notes.setdefault("enrolled", {}) if batch is not None else {}
    for workflow, published in live_ones():
        there = came.setdefault(workflow.pk, set())
        for trigger in published.triggers:
            if trigger.key not in waking or not (causes := trigger.causes(waking[trigger.key])):
                continue
            fresh = {id: cause for id, cause in causes.items() if id not in there}
            entered = _enter(workflow, published, _given(fresh), actor=SYSTEM, trigger=trigger.id) if fresh else {}
            there |= entered.keys()
            enrolled += len(entered)
    return enrolled


def live_ones() -> Iterator[tuple[Workflow, Graph]]:
    """The workflows that run, each with its published graph."""
    for workflow in Workflow.objects.filter(state="on", archived_at=None).exclude(published=None).order_by("id"):
        if published := graph.readable(workflow.published_id or 0):
            yield workflow, published


def enroll(workflow: Workflow, contact_ids: Collection[int], cause: str, actor: Actor) -> int:
    """Enroll these contacts (or records) by hand or by program; returns how many entered. The same cause enrolls each once."""
    return enter(workflow, dict.fromkeys(contact_ids, cause), actor=actor)


def enter(workflow: Workflow, causes: Mapping[int, str], *, actor: Actor, trigger: str = "") -> int:
    """Enroll each for its cause in the caller's transaction; returns how many entered, those included whose run is queued. Nobody enters one that is not on."""
    if not causes or workflow.published_id is None or workflow.state != "on" or workflow.archived_at is not None:
        return 0
    return len(_enter(workflow, graph.of(workflow.published_id), _given(causes), actor=actor, trigger=trigger))


# Those who would have been enrolled -------------------------------------------


def preview(workflow: Workflow, asked: Graph) -> int:
    """How many would enter now, were this graph published with those who already fit its triggers: found by the statement that enrolls them."""
    found = who_fit(workflow, asked)
    return int(sql.rows(f"SELECT count(DISTINCT f.contact_id) FROM ({found.text}) f", found.params)[0][0]) if found else 0


def who_fit(workflow: Workflow, asked: Graph) -> Sql | None:
    """`SELECT contact_id, cause` of those who already fit the triggers of this graph and may enter; one may come twice. None: no trigger knows of any."""
    texts: list[str] = []
    params: dict[str, Any] = {}
    for number, trigger in enumerate(asked.triggers):
        if (source := trigger.backlog(workflow.object_type)) is not None:
            found = candidates(workflow, asked, _renamed(source, f"b{number}_"), rejoins=trigger.rejoins)
            texts.append(found.text)
            params |= found.params
    return Sql(" UNION ALL ".join(texts), params) if texts else None


def backlog(workflow: Workflow, actor: Actor) -> int:
    """Enroll those who already fit the triggers of the published version, in sets, each a transaction; returns how many entered.

    What was interrupted goes on where it stopped: who entered is not among them any more.
    """
    published = graph.of(workflow.published_id or 0)
    entered = 0
    for trigger in published.triggers:
        if (source := trigger.backlog(workflow.object_type)) is None:
            continue
        found = candidates(workflow, published, source, rejoins=trigger.rejoins)
        sql.run("DROP TABLE IF EXISTS those_who_fit")
        sql.run(
            "CREATE TEMPORARY TABLE those_who_fit AS SELECT f.contact_id, f.cause, (row_number() OVER (ORDER BY f.contact_id) - 1) / %(set)s AS part"
            f" FROM ({found.text}) f",
            {**found.params, "set": SET},
        )
        sql.run("CREATE INDEX ON those_who_fit (part)")
        sql.run("ANALYZE those_who_fit")
        [(parts,)] = sql.rows("SELECT coalesce(max(part) + 1, 0) FROM those_who_fit")
        for part in range(parts):
            if not Workflow.objects.filter(pk=workflow.pk, state="on", published_id=workflow.published_id or 0).exists():
                break  # paused, or another version: its own job enrolls
            some = Sql("SELECT contact_id, cause FROM those_who_fit WHERE part = %(part)s", {"part": part})
            entered += _enter_set(workflow, published, some, actor=actor, trigger=trigger.id)
        sql.run("DROP TABLE those_who_fit")
    return entered


# How --------------------------------------------------------------------------


def candidates(workflow: Workflow, asked: Graph, source: Sql, *, rejoins: bool, ids: Sequence[int] | None = None) -> Sql:
    """`SELECT contact_id, cause` of those of the source who may enter now. `ids`: the source's people, when they are few and known."""
    settings = asked.settings
    test = audience.condition(settings.audience, workflow.object_type, whom=ids is not None) if settings.audience else Sql("true", {})
    table = "contact" if workflow.object_type == "contact" else "(SELECT * FROM record WHERE object_type = %(object_type)s)"
    text = sql.load("candidates", __package__).replace("{source}", source.text).replace("{table}", table).replace("{audience}", test.text)
    text = text.replace("%(rejoins)s", str(rejoins))
    return Sql(
        text,
        {
            **source.params, **test.params, "workflow": workflow.pk, "object_type": workflow.object_type, "suppress": list(settings.suppress),
            "again": settings.again, "days": settings.again_days, "inside": settings.inside, "now": clock.now(),
            **({"ids": list(ids)} if ids is not None else {}),
        },
    )  # fmt: skip


def _given(causes: Mapping[int, str]) -> Sql:
    return Sql(GIVEN, {"contact_ids": list(causes), "causes": list(causes.values())})


def _enter(workflow: Workflow, published: Graph, source: Sql, *, actor: Actor, trigger: str) -> Enrolled:
    """Enroll the people of a small source, in the caller's transaction."""
    ids = source.params["contact_ids"]
    rejoins = bool(trigger and (by := published.trigger(trigger)) and by.rejoins)
    settings = published.settings
    entered: Enrolled = {}
    with transaction.atomic():
        for _ in range(TRIES if settings.inside != "stay" else 1):
            found = candidates(workflow, published, source, rejoins=rejoins, ids=ids)
            if settings.inside == "supersede":
                _supersede(workflow, found, actor)
            entered |= _insert(workflow, published, found, actor=actor, trigger=trigger, returning=True)
            if len(entered) == len(ids):
                break
        if entered and workflow.object_type == "contact":
            told.entered(workflow, entered, clock.now(), actor)
        _wake(workflow, bool(entered))
    return entered


def _enter_set(workflow: Workflow, published: Graph, some: Sql, *, actor: Actor, trigger: str) -> int:
    """Enroll one set of many, in a transaction of its own."""
    rejoins = bool((by := published.trigger(trigger)) and by.rejoins)
    with transaction.atomic():
        found = candidates(workflow, published, some, rejoins=rejoins)
        if published.settings.inside == "supersede":
            _supersede(workflow, found, actor)
        listened = workflow.object_type == "contact" and told.listened()
        entered = _insert(workflow, published, found, actor=actor, trigger=trigger, returning=listened, tell=workflow.object_type == "contact" and not listened)
        if listened:
            told.entered(workflow, entered, clock.now(), actor)
        _wake(workflow, True)
    return entered[0][0] if 0 in entered else len(entered)


def _insert(workflow: Workflow, published: Graph, found: Sql, *, actor: Actor, trigger: str, returning: bool, tell: bool = False) -> Enrolled:
    """Write the runs; returns who entered, or (without `returning`) their number as {0: (number, "")}."""
    text = sql.load("enroll", __package__).replace("{candidates}", found.text)
    text += "SELECT contact_id, id, cause FROM entered" if returning else "SELECT 0, count(*), '' FROM entered"
    params = {
        **found.params, "version": workflow.published_id, "step": published.first, "trigger": trigger, "policy": policy(published.settings),
        "buckets": BUCKETS, "kind": int(Kind.WORKFLOW_ENROLLED), "key": told.key(workflow) if tell else 0, "tell": tell, "actor": str(actor),
    }  # fmt: skip
    return {contact_id: (id, cause) for contact_id, id, cause in sql.rows(text, params)}


def policy(settings: Settings) -> str:
    """How often one may enter, as it is stored with a run: `after_days:30`."""
    return f"after_days:{settings.again_days}" if settings.again == "after_days" else settings.again


def _supersede(workflow: Workflow, found: Sql, actor: Actor) -> None:
    """End the runs of those who enter anew."""
    pairs = sql.rows(
        f"SELECT e.contact_id, e.id FROM ({found.text}) f JOIN enrollment e ON e.contact_id = f.contact_id AND e.workflow_id = %(workflow)s"
        " WHERE e.state IN ('active', 'queued')",
        found.params,
    )
    runs.end(pairs, "superseded", "superseded", actor=actor)


def _wake(workflow: Workflow, any_entered: bool) -> None:
    if any_entered:
        sql.run("NOTIFY baton_timer")
        live.publish(f"workflow:{workflow.pk}", what="counts")


def _renamed(statement: Sql, prefix: str) -> Sql:
    """The same statement, with its values under names of their own."""
    text = statement.text
    for name in statement.params:
        text = text.replace(f"%({name})s", f"%({prefix}{name})s")
    return Sql(text, {f"{prefix}{name}": value for name, value in statement.params.items()})


# By the clock -----------------------------------------------------------------


def by_clock(now: datetime | None = None) -> int:
    """Ask the triggers that go by the clock for the time since they were asked last; returns how many entered.

    Until when a workflow was asked is written with the enrollments in one transaction, so a server that stood still asks for what it missed, once.
    What came while a workflow was paused is passed over. A workflow begins with the moment at which its version was published.
    """
    entered = 0
    for workflow_id in Workflow.objects.filter(state__in=("on", "paused"), archived_at=None).exclude(published=None).values_list("pk", flat=True):
        try:
            entered += _by_clock(workflow_id, now or clock.now())
        except OperationalError:
            raise
        except Exception:  # its own trouble: the others are asked all the same, and it is asked again
            _log.exception("the clock triggers of a workflow could not be asked", workflow=workflow_id)
    return entered


def _by_clock(workflow_id: int, now: datetime) -> int:
    with transaction.atomic():
        workflow = Workflow.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=workflow_id).first()
        if workflow is None or (published := graph.readable(workflow.published_id or 0)) is None:
            return 0
        since = workflow.clock_at or Version.objects.values_list("published_at", flat=True).get(pk=workflow.published_id or 0)
        if since >= now:
            return 0
        entered = 0
        came: set[int] = set()
        for trigger in published.triggers if workflow.state == "on" else ():
            causes = {id: cause for id, cause in trigger.due(since, now, workflow.object_type).items() if id not in came}
            if causes:
                done = _enter(workflow, published, _given(causes), actor=SYSTEM, trigger=trigger.id)
                came |= done.keys()
                entered += len(done)
        Workflow.objects.filter(pk=workflow_id).update(clock_at=now)
        return entered
