"""The side panel of a workflow: the form of the chosen step, trigger or settings, or the list of what can be added."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from baton.accounts import permissions, rights
from baton.automation import standing
from baton.automation.field import Fields
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.step import Step, steps
from baton.automation.trigger import Trigger, triggers
from baton.messaging.models import Email
from baton.platform.errors import Problem
from baton.segments import filter as filters
from baton.segments.condition import Happened, conditions

from ..page import user
from . import condition_form, filter_editor, step_form, workflow_draft, workflow_log
from .step_choices import About

SETTINGS = "settings"
COUNTED = frozenset({"often", "when", *condition_form.TIMES, *condition_form.TIME})
GROUPS = (
    ("people", _lazy("What people do")),
    ("place", _lazy("Lists, points, stages")),
    ("message", _lazy("Messages")),
    ("time", _lazy("Time")),
    ("path", _lazy("Ways")),
    ("record", _lazy("Records")),
    ("outside", _lazy("Other programs")),
    ("other", _lazy("Other")),
)


def item(found: Graph, selected: str) -> Step | Trigger | Fields | None:
    """What the panel is about."""
    return found.settings if selected == SETTINGS else found.trigger(selected) or found.get(selected)


def at(found: Graph, selected: str) -> str:
    """Where it is in the stored form, as problems name it, with a dot behind."""
    if selected == SETTINGS:
        return "settings."
    for number, trigger in enumerate(found.triggers):
        if trigger.id == selected:
            return f"triggers[{number}]."
    return f"{found.where(selected)}."


def chosen(found: Graph, asked: str) -> str:
    """What is asked for when it exists, else the first trigger, else the first step; "" in an empty workflow."""
    if asked and item(found, asked) is not None:
        return asked
    return found.triggers[0].id if found.triggers else found.first


def context(
    request: HttpRequest,
    workflow: Workflow,
    found: Graph,
    selected: str,
    *,
    problems: Sequence[Problem],
    errors: Mapping[str, str] | None = None,
    adding: str = "",
) -> dict[str, Any]:
    """What inspector.html needs. `adding` is the place (`root:0`) of a new step, or `trigger`."""
    about = item(found, selected)
    kind = "settings" if selected == SETTINGS else "trigger" if isinstance(about, Trigger) else "step"
    result: dict[str, Any] = {
        "workflow": workflow, "selected": selected, "item": about, "item_kind": kind, "adding": adding,
        "may_edit": permissions.can(request.user, "workflows", "edit"),
    }  # fmt: skip
    if adding or about is None:
        trigger = adding == "trigger" or not adding
        return result | {"choices": _choices(triggers() if trigger else steps(), workflow.object_type), "adding_trigger": trigger}
    place = at(found, selected)
    missing = {p.path.removeprefix(place): p.message for p in problems if p.path.startswith(place)}
    faults = {**{k.partition(".")[0].partition("[")[0]: v for k, v in missing.items()}, **(errors or {})}
    form = About(workflow, found, selected)
    widgets = step_form.draw(about, form, faults, request.POST if errors else None)
    result["widgets"] = widgets
    result["filters"] = [_filter(request, workflow, selected, w, about) for w in widgets if w.kind == "filter"]
    result["rules"] = step_form.rules(about, form)
    result["filters"] += [_rule_filter(request, workflow, selected, rule) for rule in result["rules"]]
    if kind == "trigger":
        result["kinds"] = _choices(triggers(), workflow.object_type)
    if isinstance(about, Step):
        result["passed"] = workflow_log.rows(workflow, found, rights.of(user(request)), selected, 3)
        if (email_id := getattr(about, "email", None)) is not None:
            result["email"] = Email.objects.filter(pk=email_id).first()
            result["stats"] = _mail_stats(standing.mail(workflow, selected))
    return result


def _choices(known: Mapping[str, type[Step] | type[Trigger]], object_type: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Plug-ins by group, as a template can show them; it would call a class."""
    found: dict[str, list[dict[str, Any]]] = {key: [] for key, _words in GROUPS}
    for key, kind in known.items():
        if workflow_draft.fits(kind, object_type):
            group = getattr(kind, "group", "other")
            found[group if group in found else "other"].append({"key": key, "icon": kind.icon, "label": kind.label, "group": group})
    words = dict(GROUPS)
    return [(str(words[group]), kinds) for group, kinds in found.items() if kinds]


def _filter(request: HttpRequest, workflow: Workflow, selected: str, widget: step_form.Widget, about: Any) -> dict[str, Any]:
    stored, happening = widget.value or {}, getattr(about, "happenings", False)
    if happening and not {"any", "all", "not"} & stored.keys():
        stored = {"any": [stored] if stored else []}
    made = _editor(request, workflow, selected, widget.name, stored) | {"label": widget.label, "help": widget.help, "error": widget.error}
    if happening:
        made["editor"] |= _of_one_event(made["editor"])
    return made


def _of_one_event(editor: Mapping[str, Any]) -> dict[str, Any]:
    """An editor that offers only what happens, and does not ask how often and when: it begins when it happens. Nobody is counted, for it has not yet."""
    kinds = [(heading, [(key, label) for key, label in some if issubclass(conditions()[key], Happened)]) for heading, some in editor["kinds"]]
    root = editor["root"]
    items = []
    for item in root.items:
        if isinstance(item, filter_editor.Item):
            inputs = tuple(one for one in item.row.inputs if one.error or one.name.rpartition("/")[2] not in COUNTED)
            item = replace(item, row=replace(item.row, inputs=inputs))
        items.append(item)
    offered = [(heading, some) for heading, some in kinds if some]
    return {"kinds": offered, "root": replace(root, items=tuple(items)), "relations": [], "exclusions": False, "counted": False}


def _rule_filter(request: HttpRequest, workflow: Workflow, selected: str, rule: step_form.Rule) -> dict[str, Any]:
    made = _editor(request, workflow, selected, f"{rule.field}-{rule.number}", rule.filter)
    return made | {"label": _("Rule {n}: when").format(n=rule.number + 1), "help": "", "error": ""}


def _editor(request: HttpRequest, workflow: Workflow, selected: str, name: str, stored: dict[str, Any]) -> dict[str, Any]:
    kind = workflow.object_type
    asked = str(request.POST.get(f"{name}!", ""))
    made = filter_editor.editor(
        request, stored, name, kind, url=f"/workflows/{workflow.pk}/steps/{selected}/filter/{name}/", target="workflow-part",
        focus=filter_editor.focus_of(asked, filter_editor.whole(stored)),
    )  # fmt: skip
    return {"name": name, "editor": made["editor"], "sentence": filters.sentence(stored, kind) if stored else _("No condition")}


def _mail_stats(mail: standing.Mail) -> list[tuple[str, str]]:
    def share(n: int) -> str:
        return f"{n * 100 / mail.sent:.1f}%" if mail.sent else "–"

    return [(_("Sent"), f"{mail.sent:,}"), (_("Opened"), share(mail.opened)), (_("Clicked"), share(mail.clicked)), (_("Opted out"), share(mail.unsubscribed))]
