"""The matrix of a role as the settings page shows and sends it: a row for each object type, a column for each action, and the areas below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.rights import ACTIONS, AREAS, LEVELS, OTHERS, SCOPES, WHOLE
from baton.crm import types

ACTION_LABELS: dict[str, str | Promise] = {
    "view": gettext_lazy("View"), "create": gettext_lazy("Create"), "edit": gettext_lazy("Edit"), "delete": gettext_lazy("Delete"),
    "export": gettext_lazy("Export"), "merge": gettext_lazy("Merge"), "import": gettext_lazy("Import"),
}  # fmt: skip
SCOPE_LABELS: dict[str, str | Promise] = {"none": gettext_lazy("None"), "own": gettext_lazy("Own"), "team": gettext_lazy("Team"), "all": gettext_lazy("All")}
WHOLE_LABELS: dict[str, str | Promise] = {"none": gettext_lazy("No"), "all": gettext_lazy("Yes")}
LEVEL_LABELS: dict[str, str | Promise] = {"none": gettext_lazy("Nothing"), "view": gettext_lazy("View"), "edit": gettext_lazy("Edit")}
AREA_LABELS: dict[str, str | Promise] = {
    "segments": gettext_lazy("Lists"), "scoring": gettext_lazy("Lead scoring"), "workflows": gettext_lazy("Workflows"), "emails": gettext_lazy("E-mails"),
    "forms": gettext_lazy("Forms"), "content": gettext_lazy("Content"), "messages": gettext_lazy("Sending messages"),
    "settings": gettext_lazy("Account settings"), "users": gettext_lazy("Users, teams and roles"), "tokens": gettext_lazy("API tokens"),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One choice of the matrix."""

    name: str  # of its field: rights.deal.view
    label: str | Promise  # the action
    value: str
    options: list[tuple[str, str | Promise]]

    @property
    def text(self) -> str | Promise:
        return dict(self.options).get(self.value, self.value)


@dataclass(frozen=True)
class Row:
    """One object type, or all that have no row of their own (key "*")."""

    key: str
    label: str
    cells: list[Cell]

    @property
    def others(self) -> bool:
        return self.key == OTHERS


def rows(rights: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """The rows in the order of the object types, the one for all others at the end."""
    known = labels()
    keys = [*(key for key in known if key in rights), *(key for key in rights if key not in known and key != OTHERS), OTHERS]
    others = _("Every object") if len(keys) == 1 else _("Every other object")
    return [Row(key, others if key == OTHERS else known.get(key, key), [_cell(key, action, rights.get(key, {})) for action in ACTIONS]) for key in keys]


def addable(rights: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The object types without a row of their own."""
    return [(key, label) for key, label in labels().items() if key not in rights]


def areas(held: Mapping[str, str]) -> list[Cell]:
    return [Cell(f"areas.{area}", AREA_LABELS[area], held.get(area, "none"), [(level, LEVEL_LABELS[level]) for level in LEVELS]) for area in AREAS]


def labels() -> dict[str, str]:
    """What each object type is called, many of it."""
    return {kind.key: types.label(kind, plural=True) for kind in types.all()}


def sent(form: QueryDict) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Rights and areas as the form has them, unchecked; `add` copies the row of the others, `drop` takes a row away."""
    rights: dict[str, dict[str, str]] = {}
    levels: dict[str, str] = {}
    for field, value in form.items():
        match field.split("."):
            case ["rights", key, action]:
                rights.setdefault(key, {})[action] = str(value)
            case ["areas", area]:
                levels[area] = str(value)
    added, dropped = form.get("add", ""), form.get("drop", "")
    if added and added in labels() and added not in rights:
        rights[added] = dict(rights.get(OTHERS, {}))
    if dropped and dropped != OTHERS:
        rights.pop(dropped, None)
    return rights, levels


def _cell(key: str, action: str, held: Mapping[str, str]) -> Cell:
    value = held.get(action, "none")
    options = WHOLE_LABELS if action in WHOLE else {scope: SCOPE_LABELS[scope] for scope in SCOPES}
    return Cell(f"rights.{key}.{action}", ACTION_LABELS[action], value, list(options.items()))
