"""Changes of a draft: each can be undone and done again, the last fifty of them, also after a reload; and of two pages that edit at once the later is told.

A row keeps the draft to which its change goes back. Undoing swaps it with the draft, so the same row then leads on again; a new change forgets
what was undone.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.automation.models import Edit, Workflow
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, NotFound

KEPT = 50  # changes of one draft


@dataclass(frozen=True, slots=True)
class Seen:
    """What an open page knows of the draft: the page (any name that no other page has), and of when the draft is that it shows ("" : none yet)."""

    page: str
    at: str


class Overtaken(Conflict):
    """Somebody else changed the draft since this page read it; nothing was written."""


def of(workflow: Workflow) -> str:
    """Of when the draft is, for Seen.at."""
    return workflow.draft_at.isoformat() if workflow.draft_at else ""


def keep(held: Workflow, draft: dict[str, Any], actor: Actor, seen: Seen | None = None) -> None:
    """Give a locked workflow another draft and remember the one before. Raises Overtaken."""
    _check(held, seen)
    if held.draft == draft:
        return
    Edit.objects.filter(workflow=held, undone=True).delete()
    Edit.objects.create(workflow=held, draft=held.draft)
    old = Edit.objects.filter(workflow=held).order_by("-id").values_list("id", flat=True)[KEPT - 1 : KEPT]
    Edit.objects.filter(workflow=held, id__lt=max(old, default=0)).delete()
    _put(held, draft, actor, seen)


def undo(workflow: Workflow, actor: Actor, seen: Seen | None = None, *, only: int | None = None) -> None:
    """Take the newest change back; with `only` just when it is this one. Raises NotFound when there is none, Conflict, Overtaken."""
    _swap(workflow, actor, seen, undone=False, only=only)


def redo(workflow: Workflow, actor: Actor, seen: Seen | None = None) -> None:
    """Do what was undone last once more. Raises NotFound when there is nothing, and Overtaken."""
    _swap(workflow, actor, seen, undone=True)


def newest(workflow: Workflow) -> int | None:
    """The change that undo() would take back, for `only`."""
    return Edit.objects.filter(workflow=workflow, undone=False).order_by("-id").values_list("id", flat=True).first()


def left(workflow: Workflow) -> tuple[bool, bool]:
    """Whether something can be undone, and done again."""
    found = set(Edit.objects.filter(workflow=workflow).values_list("undone", flat=True).distinct())
    return False in found, True in found


def _swap(workflow: Workflow, actor: Actor, seen: Seen | None, *, undone: bool, only: int | None = None) -> None:
    with transaction.atomic():
        held = Workflow.objects.select_for_update().filter(pk=workflow.pk, archived_at=None).first()
        if held is None:
            raise NotFound(_("This workflow does not exist any more."))
        _check(held, seen)
        edit = Edit.objects.filter(workflow=held, undone=undone).order_by("id" if undone else "-id").first()
        if edit is None:
            raise NotFound(_("There is nothing to do again.") if undone else _("There is nothing to undo."))
        if only is not None and edit.pk != only:
            raise Conflict(_("The workflow was changed again since; undo those changes first."))
        draft, edit.draft, edit.undone = edit.draft, held.draft, not undone
        edit.save(update_fields=["draft", "undone"])
        _put(held, draft, actor, seen)
        history.record(actor, "draft_saved", "workflow", held.pk)
    workflow.draft, workflow.draft_at = held.draft, held.draft_at


def _check(held: Workflow, seen: Seen | None) -> None:
    """A page may write when nobody else did since it read; its own changes it knows."""
    if seen is not None and of(held) != seen.at and held.draft_page != seen.page:
        raise Overtaken(_("Somebody else has changed this draft meanwhile. Your change was not saved, so that nothing is overwritten."))


def _put(held: Workflow, draft: dict[str, Any], actor: Actor, seen: Seen | None) -> None:
    held.draft, held.draft_at, held.draft_by, held.draft_page = draft, clock.now(), str(actor), seen.page if seen else ""
    held.save(update_fields=["draft", "draft_at", "draft_by", "draft_page", "updated_at"])
