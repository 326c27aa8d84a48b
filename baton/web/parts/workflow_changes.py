"""What can be done to a draft from its canvas: by its names, each answering the new draft, what is chosen then, and what to tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.automation import graph, verbs
from baton.automation.models import Workflow
from baton.platform.errors import Invalid, NotFound

from . import workflow_draft
from .workflow_draft import Draft

Given = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A draft after a change. `selected` is the step, trigger or "" that the panel shows then."""

    draft: Draft
    selected: str
    said: str = ""


def make(workflow: Workflow, given: Given) -> Made:
    """What `do` asks for: add, move, nudge, copy, drop, trigger, drop_trigger. Raises Invalid (`do`), NotFound."""
    verb = VERBS.get(given.get("do", ""))
    if verb is None:
        raise Invalid.one("do", "INVALID_OPTION", _("This value cannot be used."))
    return verb(workflow, given)


def _add(workflow: Workflow, given: Given) -> Made:
    draft, id = workflow_draft.add(workflow.draft, given.get("at", ""), given.get("type", ""), workflow.object_type, verbs.used_ids(workflow))
    return Made(draft, id, _("Added: {step}").format(step=_title(workflow, draft, id)))


def _move(workflow: Workflow, given: Given) -> Made:
    draft = workflow_draft.move(workflow.draft, given.get("step", ""), given.get("at", ""))
    return _moved(workflow, draft, given.get("step", ""))


def _nudge(workflow: Workflow, given: Given) -> Made:
    draft = workflow_draft.nudge(workflow.draft, given.get("step", ""), given.get("to", ""))
    return _moved(workflow, draft, given.get("step", ""))


def _moved(workflow: Workflow, draft: Draft, id: str) -> Made:
    found = graph.parse(draft, workflow.object_type)
    place = workflow_draft.place(draft, id)
    said = _("{step}: now {n} of {total}").format(step=_title(workflow, draft, id), n=place.number, total=place.total)
    if (owner := found.get(place.owner)) is not None:
        said += " · " + _("way “{way}” of {step}").format(way=dict(owner.ways()).get(place.way, place.way), step=owner.heading())
    return Made(draft, id, said)


def _copy(workflow: Workflow, given: Given) -> Made:
    """A copy of a step of this or another workflow (`from`), at a place; behind the step itself when none is given."""
    other = given.get("from", "")
    source = workflow.draft
    if other and other != str(workflow.pk):
        found = Workflow.objects.filter(pk=int(other) if other.isascii() and other.isdigit() and len(other) < 19 else 0, archived_at=None).first()
        if found is None:
            raise NotFound(_("This workflow does not exist any more."))
        source = found.draft
    at = given.get("at", "") or workflow_draft.behind(workflow.draft, given.get("step", ""))
    draft, id = workflow_draft.copy(source, given.get("step", ""), workflow.draft, at, workflow.object_type, verbs.used_ids(workflow))
    return Made(draft, id, _("Copied: {step}").format(step=_title(workflow, draft, id)))


def _drop(workflow: Workflow, given: Given) -> Made:
    id = given.get("step", "")
    title = _title(workflow, workflow.draft, id)
    draft, at, step = workflow_draft.remove(workflow.draft, id)
    inside = len(workflow_draft.ids([step])) - 1
    said = _("Removed: {step}").format(step=title)
    if inside:
        said += " · " + ngettext("{n} step inside it too", "{n} steps inside it too", inside).format(n=inside)
    return Made(draft, workflow_draft.beside(draft, at), said)


def _trigger(workflow: Workflow, given: Given) -> Made:
    used = workflow_draft.used_triggers(workflow)
    draft, id = workflow_draft.add_trigger(workflow.draft, given.get("type", ""), workflow.object_type, used, given.get("instead", ""))
    return Made(draft, id, _("Added: {step}").format(step=_title(workflow, draft, id)))


def _drop_trigger(workflow: Workflow, given: Given) -> Made:
    title = _title(workflow, workflow.draft, given.get("step", ""))
    draft = workflow_draft.remove_trigger(workflow.draft, given.get("step", ""))
    return Made(draft, "", _("Removed: {step}").format(step=title))


VERBS: dict[str, Callable[[Workflow, Given], Made]] = {
    "add": _add, "move": _move, "nudge": _nudge, "copy": _copy, "drop": _drop, "trigger": _trigger, "drop_trigger": _drop_trigger,
}  # fmt: skip


def _title(workflow: Workflow, draft: Draft, id: str) -> str:
    found = graph.parse(draft, workflow.object_type)
    item = found.trigger(id) or found.get(id)
    return item.heading() if item else ""
