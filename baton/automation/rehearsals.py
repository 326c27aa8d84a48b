"""Rehearsals that people asked for: kept with their result, worked off in the background, one at a time, stopped when nobody wants them any more."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from baton.automation import graph as graphs
from baton.automation import jobs, journeys, rehearse
from baton.automation.ghosts import Fact, Ghost
from baton.automation.models import Rehearsal, Workflow
from baton.automation.rehearsed import Result
from baton.platform import clock, history, live, logs
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, DomainError, Invalid

WORKING = ("waiting", "running")
KEPT = 20  # results of one workflow
PATIENCE = 15 * 60  # seconds one may take: a long transaction keeps the database from tidying up
PACE = 1.0  # seconds between two looks whether it is still wanted

log = logs.log(__name__)


def ask(workflow: Workflow, asked: Mapping[str, Any], *, actor: Actor) -> Rehearsal:
    """Rehearse in the background. asked: {version: draft | published | n, population: past | ghosts, start, days, window, contacts, others}.

    Raises Invalid with what cannot be rehearsed, Conflict when one of this workflow is on its way.
    """
    stored = journeys.stored(workflow, asked.get("version", "draft"))
    graph = graphs.parse(stored, workflow.object_type)
    population, start, days = _understood(asked)
    rehearse.check(graph, population, start, days)
    with transaction.atomic():
        Workflow.objects.select_for_update().get(pk=workflow.pk)
        if Rehearsal.objects.filter(workflow=workflow, state__in=WORKING).exists():
            raise Conflict(_("A rehearsal of this workflow is running already."))
        made = Rehearsal.objects.create(
            workflow=workflow, graph=stored, asked={**asked, "start": start.isoformat()}, asked_by=str(actor), created_at=clock.now()
        )
        old = Rehearsal.objects.filter(workflow=workflow).order_by("-pk").values_list("pk", flat=True)[KEPT:]
        Rehearsal.objects.filter(pk__in=list(old)).delete()
        history.record(actor, "rehearsed", "workflow", workflow.pk, rehearsal=made.pk)
        jobs.run_rehearsal.defer(lock="rehearsal", rehearsal_id=made.pk)
    return made


def cancel(rehearsal: Rehearsal, *, actor: Actor) -> None:
    """Stop it. Raises Conflict when it has ended."""
    if not Rehearsal.objects.filter(pk=rehearsal.pk, state__in=WORKING).update(state="cancelled", finished_at=clock.now()):
        raise Conflict(_("This rehearsal has ended already."))
    history.record(actor, "rehearsal_cancelled", "workflow", rehearsal.workflow_id, rehearsal=rehearsal.pk)


def run(rehearsal_id: int) -> None:
    """Work one off; one that a worker left in the middle begins anew. What goes wrong is kept with it."""
    if not Rehearsal.objects.filter(pk=rehearsal_id, state__in=WORKING).update(state="running", progress=0):
        return
    found = Rehearsal.objects.select_related("workflow").get(pk=rehearsal_id)
    mine = Rehearsal.objects.filter(pk=rehearsal_id, state="running")
    try:
        graph = graphs.parse(found.graph, found.workflow.object_type)
        population, start, days = _understood(found.asked)
        with _Beside(rehearsal_id) as told:
            result = rehearse.run(graph, population, start, days, workflow=found.workflow, told=told)
    except rehearse.Stopped:
        mine.update(state="failed", trouble=_("It took too long and was stopped. Take fewer days."), finished_at=clock.now())
    except DomainError as error:
        mine.update(state="failed", trouble=_words(error), finished_at=clock.now())
    except Exception:
        log.exception("rehearsal failed", rehearsal=rehearsal_id)
        mine.update(state="failed", trouble=_("Something went wrong here; nothing was changed. The log of the worker tells more."), finished_at=clock.now())
    else:
        mine.update(state="done", progress=100, result=_kept(result, population), finished_at=clock.now())
    live.publish(f"workflow:{found.workflow_id}", what="rehearsal")


def _kept(result: Result, population: rehearse.Past | rehearse.Ghosts) -> dict[str, Any]:
    """Real people are kept by their number only: who is erased leaves nothing here, and whoever reads it sees the names he may see."""
    stored = result.to_json()
    if isinstance(population, rehearse.Past):
        for one in (*stored["paths"], *stored["messages"]):
            one.pop("name", None)
            one.pop("to", None)
    return stored


class _Beside:
    """Says how far it is and hears whether to go on, over a connection of its own: what the rehearsal's own writes is never seen."""

    def __init__(self, rehearsal_id: int) -> None:
        self.id, self.began, self.looked = rehearsal_id, time.monotonic(), 0.0

    def __enter__(self) -> "_Beside":
        self.connection = connection.copy()
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def __call__(self, percent: int) -> bool:
        now = time.monotonic()
        if now - self.looked < PACE:
            return True
        self.looked = now
        with self.connection.cursor() as cursor:
            cursor.execute("UPDATE workflow_rehearsal SET progress = %s WHERE id = %s AND state = 'running'", [percent, self.id])
            return cursor.rowcount == 1 and now - self.began < PATIENCE


def _understood(asked: Mapping[str, Any]) -> tuple[rehearse.Past | rehearse.Ghosts, datetime, int]:
    try:
        days = int(asked.get("days", 30))
        window = int(asked.get("window", 30))
        start = datetime.fromisoformat(str(asked["start"])) if asked.get("start") else clock.now() - timedelta(days=window)
        start = start.replace(tzinfo=start.tzinfo or config().zone)
    except (ValueError, OverflowError):
        raise Invalid.one("start", "INVALID_DATE", _("Expected a day and a time, as in 2026-11-02 09:00.")) from None
    if asked.get("population", "past") == "past":
        return rehearse.Past(window), start, days
    try:
        return rehearse.Ghosts(_ghosts(asked.get("contacts") or ()), bool(asked.get("others", False))), start, days
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid.one("contacts", "INVALID_VALUE", _("Expected an object.")) from None


def _ghosts(asked: Sequence[Mapping[str, Any]]) -> list[Ghost]:
    """Raises what Python raises for what is none."""
    return [
        Ghost(
            str(one["name"]),
            one.get("properties") or {},
            one.get("consent", True),
            [Fact(datetime.fromisoformat(fact["at"]), fact["kind"], fact.get("value"), fact.get("more") or {}) for fact in one.get("facts") or ()],
        )
        for one in asked
    ]


def _words(error: DomainError) -> str:
    return "; ".join(p.message for p in error.problems) if isinstance(error, Invalid) else str(error)
