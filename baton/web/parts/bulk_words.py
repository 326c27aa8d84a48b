"""A change of many records in words: what it is doing, or what it did."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.automation.models import Workflow
from baton.crm import properties
from baton.segments.models import BulkChange

from ..templatetags.fmt import num


def said(asked: BulkChange) -> str:
    """What a change of many did, or is doing, in words."""
    if asked.state in ("waiting", "running"):
        words = {
            "set": _("Changing {done} of {total}"),
            "archive": _("Archiving {done} of {total}"),
            "add_to_list": _("Adding {done} of {total} to the list"),
            "enroll": _("Enrolling {done} of {total}"),
        }
        return words[asked.action].format(done=num(asked.done), total=num(max(asked.total, asked.done)))
    n = num(asked.changed)
    match asked.action:
        case "set":
            name = next(iter(asked.detail["properties"]))
            definition = properties.definitions(asked.object_type).get(name)
            label = properties.label(definition) if definition else name
            text = ngettext("{n} record: {label} changed", "{n} records: {label} changed", asked.changed).format(n=n, label=label)
        case "archive":
            text = ngettext("{n} record archived", "{n} records archived", asked.changed).format(n=n)
        case "enroll":
            name = Workflow.objects.filter(pk=asked.detail.get("workflow") or 0).values_list("name", flat=True).first() or ""
            text = ngettext("{n} record enrolled in {workflow}", "{n} records enrolled in {workflow}", asked.changed).format(n=n, workflow=name)
            if asked.changed < asked.done - asked.refused:
                text += " · " + _("{n} were not let in").format(n=num(asked.done - asked.refused - asked.changed))
        case _:
            text = ngettext("{n} contact added to the list", "{n} contacts added to the list", asked.changed).format(n=n)
    if asked.refused:
        text += " · " + _("{n} left as they were: {why}").format(n=num(asked.refused), why=asked.fault)
    elif asked.fault:
        text += f" · {asked.fault}"
    return text
