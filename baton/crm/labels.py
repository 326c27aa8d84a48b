"""Names for kinds of links, made by the company: "decision maker", "reports to". Each has a number on either side, which programs know it by."""

import re

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from baton.crm import associations, types
from baton.crm.builtin.links import LABELS
from baton.crm.models import Association, AssociationLabel
from baton.platform import history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

FIRST = 1001  # of the numbers of one's own; below are the built-in ones
LAST = 999_999  # above are the numbers of links without a name (api/hubspot/link_numbers.py)
LONGEST = 50  # letters of a label


def define(from_type: str, to_type: str, name: str, label: str, *, actor: Actor, inverse: str = "") -> list[AssociationLabel]:
    """Make a label; `label` is read on the side of `from_type`, `inverse` on the other, where it is the same when not given.

    Returns the rows of both directions; one row where two records of one type stand to each other in the same way. Raises Invalid, Conflict, NotFound.
    """
    types.get(from_type), types.get(to_type)
    problems = [
        Problem(path, code, text)
        for path, wrong, code, text in (
            ("name", not re.fullmatch(r"[a-z0-9_]{1,100}", name), "INVALID_NAME", _("A name has small letters, digits and underscores.")),
            ("label", not label.strip(), "REQUIRED", _("A label is required.")),
            ("label", len(label.strip()) > LONGEST, "TOO_LONG", _("At most {most} letters.").format(most=LONGEST)),
            ("inverse", len(inverse.strip()) > LONGEST, "TOO_LONG", _("At most {most} letters.").format(most=LONGEST)),
        )
        if wrong
    ]
    if problems:
        raise Invalid(problems)
    label, inverse = label.strip(), inverse.strip() or label.strip()
    paired = from_type == to_type and inverse != label
    with transaction.atomic():
        sql.run("LOCK TABLE association_label IN SHARE ROW EXCLUSIVE MODE")  # two at once must not get the same number
        if AssociationLabel.objects.filter(from_type=from_type, to_type=to_type, name__in=[name, f"{name}>"]).exists():
            raise Conflict(_("A label named '{name}' already exists.").format(name=name))
        number = max(FIRST, 1 + (AssociationLabel.objects.filter(type_id__lte=LAST).aggregate(most=Max("type_id"))["most"] or 0))
        rows = [AssociationLabel(type_id=number, name=f"{name}>" if paired else name, from_type=from_type, to_type=to_type, label=label)]
        if paired or from_type != to_type:
            rows.append(
                AssociationLabel(type_id=number + 1, name=associations.turned(rows[0].name), from_type=to_type, to_type=from_type, label=inverse),
            )
        AssociationLabel.objects.bulk_create(rows)
        history.record(actor, "created", "association_label", number, label=label, from_type=from_type, to_type=to_type)
    return rows


def change(type_id: int, *, actor: Actor, label: str | None = None, inverse: str | None = None) -> None:
    """Call a label otherwise, on its side and on the other. Raises NotFound, Invalid, Conflict for a built-in one."""
    one, other = _own(type_id)
    for path, text in (("label", label), ("inverse", inverse)):
        if text is not None and (not text.strip() or len(text.strip()) > LONGEST):
            raise Invalid.one(path, "REQUIRED", _("A label is required."))
    with transaction.atomic():
        if label is not None:
            AssociationLabel.objects.filter(type_id=one.type_id).update(label=label.strip())
        if inverse is not None and other is not None:
            AssociationLabel.objects.filter(type_id=other.type_id).update(label=inverse.strip())
        history.record(actor, "changed", "association_label", type_id, label=label)


def remove(type_id: int, *, actor: Actor) -> None:
    """Take a label away on both sides; records that had it stay linked. Raises NotFound, Conflict for a built-in one."""
    one, other = _own(type_id)
    with transaction.atomic():
        for row in filter(None, (one, other)):
            Association.objects.filter(from_type=row.from_type, to_type=row.to_type, label=row.name).delete()
            row.delete()
        history.record(actor, "deleted", "association_label", type_id, label=one.label)


def _own(type_id: int) -> tuple[AssociationLabel, AssociationLabel | None]:
    """A label of one's own and the one of the other side, if that is another."""
    one = AssociationLabel.objects.filter(type_id=type_id).first()
    if one is None:
        raise NotFound(_("There is no such label."))
    if type_id in {row["type_id"] for row in LABELS}:
        raise Conflict(_("A built-in label cannot be changed."))
    other = AssociationLabel.objects.filter(from_type=one.to_type, to_type=one.from_type, name=associations.turned(one.name)).exclude(type_id=type_id).first()
    return one, other
