"""Workflows that begin one another without anybody ever waiting: whoever came in would run in circles for ever."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from baton.automation.models import Workflow
from baton.automation.steps.enroll_in import EnrollIn
from baton.platform.errors import Problem

if TYPE_CHECKING:
    from baton.automation.graph import Graph


def problems(workflow: Workflow, asked: "Graph") -> list[Problem]:
    """The steps of a graph that is to be published which lead back into its own workflow on a way without a wait, through any number of others."""
    if asked.settings.again == "never":
        return []
    steps = list(_at_once(asked))
    if not steps:
        return []
    names = dict(Workflow.objects.filter(archived_at=None).values_list("pk", "name"))
    leads = _leads()
    found = []
    for step in steps:
        if step.workflow == workflow.pk:
            text = _("A workflow cannot begin itself.")
        elif way := _way(leads, step.workflow or 0, workflow.pk):
            text = _("This leads in circles without a wait: {way}").format(way=" → ".join([workflow.name, *(names.get(id, "") for id in way)]))
        else:
            continue
        found.append(Problem(f"{asked.where(step.id)}.workflow", "ENDLESS", text))
    return found


def _at_once(asked: "Graph") -> Iterator[EnrollIn]:
    """The steps that enroll elsewhere and that somebody can reach without having to wait."""
    seen, todo = set[str](), [asked.first]
    while todo:
        here = todo.pop()
        step = asked.get(here)
        if step is None or here in seen:
            continue
        seen.add(here)
        if isinstance(step, EnrollIn):
            yield step
        if not step.lasts():
            todo += [asked.after(here, way.label) for way in step.paths] or [asked.after(here)]


def _leads() -> dict[int, set[int]]:
    """Which live workflows begin which others at once; those that nobody enters twice end every circle."""
    from baton.automation import graph

    found: dict[int, set[int]] = {}
    for id, version_id in Workflow.objects.filter(archived_at=None).exclude(published=None).values_list("pk", "published_id"):
        published = graph.readable(version_id)
        if published is not None and published.settings.again != "never":
            found[id] = {step.workflow for step in _at_once(published) if step.workflow}
    return found


def _way(leads: dict[int, set[int]], start: int, end: int) -> Sequence[int]:
    """The workflows from one to another, both included; empty when there is no way."""
    todo: list[tuple[int, ...]] = [(start,)]
    seen = set[int]()
    while todo:
        way = todo.pop(0)
        if way[-1] == end:
            return way
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        todo += [(*way, one) for one in sorted(leads.get(way[-1], ()))]
    return ()
