"""On which records a step acts: on the one that walks, on its main company, or on all records of a type that are linked to it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.automation.field import Input
from baton.automation.step import Batch, Effect, Standing
from baton.crm import associations, types
from baton.crm.associations import WITH_PRIMARY
from baton.platform.errors import DomainError, Invalid, NotFound

# For steps that can act on another record than the one that walks.
TYPES = (
    ("contact", gettext_lazy("Contact")),
    ("company", gettext_lazy("Company (the main one)")),
    ("deal", gettext_lazy("Deal")),
    ("ticket", gettext_lazy("Ticket")),
)
Record = Annotated[
    Literal["", "contact", "company", "deal", "ticket"],
    Input(
        "choice",
        gettext_lazy("Of"),
        options=TYPES,
        optional=True,
        empty=gettext_lazy("The record in the workflow"),
        help=gettext_lazy("Or what is linked to it."),
    ),
]
Role = Annotated[
    str,
    Input(
        "role",
        gettext_lazy("Only contacts with the role"),
        optional=True,
        empty=gettext_lazy("All"),
        help=gettext_lazy("Of the contacts linked to the record."),
        shown_when=("object_type", "company", "deal", "ticket"),
    ),
]
Targets = dict[int, list[int]]  # by enrollment


def targets(batch: Batch, object_type: str, role: str = "") -> Targets:
    """The records a step acts on, by enrollment. Of a contact's, deal's or ticket's companies only the main one; `role`: only those linked with this label."""
    if object_type == batch.object_type:
        return {one.enrollment_id: [one.contact_id] for one in batch.standing}
    linked = associations.linked(batch.contact_ids, object_type)
    main = object_type == "company" and batch.object_type in WITH_PRIMARY
    found: Targets = {}
    for one in batch.standing:
        ids = [id for id, labels in linked.get(one.contact_id, []) if not role or role in labels]
        found[one.enrollment_id] = ids[:1] if main else ids
    return found


def each(found: Targets) -> list[int]:
    """All of them, each once."""
    return list(dict.fromkeys(id for ids in found.values() for id in ids))


def account(batch: Batch, found: Targets, object_type: str, outcomes: Mapping[int, DomainError | bool | None], **detail: Any) -> None:
    """Say for each run what became of it: skipped with the reason where nothing could be done, and what was refused where only a part could."""
    for one in batch.standing:
        ids = found.get(one.enrollment_id, [])
        faults = [fault for id in ids if isinstance(fault := outcomes.get(id), DomainError)]
        told = [fault for fault in faults if not isinstance(fault, NotFound)]
        if not ids or (len(faults) == len(ids) and not told):
            batch.skip(one, missing(object_type))
        elif len(faults) == len(ids):
            batch.skip(one, said(told))
        elif told:
            add(batch, one, refused=said(told), **detail)
        elif detail:
            add(batch, one, **detail)


def add(batch: Batch, one: Standing, **detail: Any) -> None:
    """Say more about what was done for somebody, for the log."""
    batch.effects.setdefault(one.enrollment_id, Effect()).detail.update(detail)


def missing(object_type: str) -> str:
    return _("There is no record of this kind: {kind}").format(kind=types.label(types.get(object_type)))


def said(faults: Iterable[DomainError]) -> str:
    """Faults in words, each once."""
    return "; ".join(dict.fromkeys(text for fault in faults for text in _texts(fault)))[:500]


def _texts(fault: DomainError) -> list[str]:
    return [p.message for p in fault.problems] if isinstance(fault, Invalid) else [str(fault)]
