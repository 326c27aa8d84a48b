"""What happens on a board: a card is moved to another stage, by hand or by its menu, and moved back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.accounts import rights
from baton.crm import pipelines, properties, records, types
from baton.platform.errors import Invalid, NotFound

from ..answer import done, faults
from ..page import Page, actor, allow, user
from ..parts import people


class Boards(Page):
    key = "board"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("board/<str:object_type>/<int:id>/move/", move)]


@require_POST
@allow()
def move(request: HttpRequest, object_type: str, id: int) -> HttpResponse:
    """Put a record into a stage. Where the stage asks for values that are missing, the answer is a dialog that asks for them (422)."""
    kind = types.get(object_type)
    if not kind.stage_property:
        raise NotFound(_("There is no such record."))
    row = records.get(object_type, id)
    rights.of(user(request)).require(object_type, "edit", [row.owner_id])
    before = {name: row.properties.get(name) for name in ("pipeline", kind.stage_property)}
    pipeline = request.POST.get("pipeline") or before["pipeline"]
    known = properties.definitions(object_type)
    given = {name: request.POST[name] for name in request.POST if name in known and not known[name].read_only}
    wanted = {**given, "pipeline": pipeline, kind.stage_property: request.POST.get("stage", "")}
    try:
        records.update(object_type, id, wanted, actor=actor(request), source="page")
    except Invalid as error:
        if {problem.code for problem in error.problems} != {"REQUIRED"} and not given:
            raise
        return _ask(request, kind.key, id, wanted, faults(error), given)
    labels = pipelines.stage_labels(object_type)
    stage = labels.get((str(pipeline), wanted[kind.stage_property]), "")
    undo = {"url": request.path, "target": "#records", "swap": "none", "values": {"pipeline": before["pipeline"], "stage": before[kind.stage_property]}}
    text = _("{title}: now in ‘{stage}’").format(title=types.title(object_type, row.properties) or f"#{id}", stage=stage)
    return done(text, undo, tell="records-changed")


def _ask(request: HttpRequest, object_type: str, id: int, wanted: dict[str, Any], problems: dict[str, str], given: dict[str, str]) -> HttpResponse:
    """The dialog that asks for what a stage needs."""
    known = properties.definitions(object_type)
    names = [name for name in dict.fromkeys([*given, *problems]) if name in known and name not in ("pipeline", types.get(object_type).stage_property)]
    fields = [
        {
            "definition": known[name], "label": properties.label(known[name]), "value": given.get(name, ""),
            "fault": "" if name not in given and known[name].required is False else problems.get(name, ""),
            "options": [(o["value"], properties.option_label(known[name], o["value"])) for o in known[name].options if not o.get("archived")],
        }
        for name in names
    ]  # fmt: skip
    stage = pipelines.stage_labels(object_type).get((str(wanted["pipeline"]), wanted[types.get(object_type).stage_property]), "")
    context = {
        "fields": fields, "stage": stage, "id": id, "object_type": object_type, "users": people.colleagues(),
        "kept": {"pipeline": wanted["pipeline"], "stage": wanted[types.get(object_type).stage_property]},
    }  # fmt: skip
    response = render(request, "tables/board_ask.html", context, status=422)
    response["HX-Retarget"] = "#dialog"
    response["HX-Reswap"] = "innerHTML"
    return response
