"""The sheet of one score: groups, rules and bands of its draft, which saves itself; the histogram; a contact tried against it."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.platform.errors import Invalid
from baton.segments import cards, preview
from baton.segments.card import MOST
from baton.segments.models import ScoreModel
from baton.web.answer import targets, toast
from baton.web.page import Page, actor, allow
from baton.web.parts import score_draft, score_sheet

WIDEST = 100_000  # points of a cap or a band


class ScoringSheet(Page):
    key = "scoring-sheet"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "scoring/<slug:key>/"
        return [
            path(at, show),
            path(f"{at}rules/<slug:rule>/set/", set_rule),
            path(f"{at}rules/<slug:rule>/count/", count),
            path(f"{at}rules/<slug:rule>/do/", change_rule),
            path(f"{at}back/", put_back),
            path(f"{at}groups/", change_groups),
            path(f"{at}bands/", change_bands),
            path(f"{at}thresholds/", change_thresholds),
            path(f"{at}rename/", rename),
        ]


@require_GET
@allow("scoring", "view")
def show(request: HttpRequest, key: str) -> HttpResponse:
    """The page; its side panel for another tested contact (`?contact`, `?on`, `?by`); or all that moves when everybody was scored again (`?counts`)."""
    model = cards.model(key)
    if "counts" in request.GET:
        found = score_sheet.context(request, model)
        found["groups"] = score_sheet.groups(model, found["content"], counted=True)
        return render(request, "scoring/changed.html", {**found, "aside": True})
    if targets(request, "tried"):
        content, draft = score_draft.working(model)
        return render(request, "scoring/tried.html", score_sheet.aside(request, model, content, draft))
    return render(request, "scoring/page.html", score_sheet.context(request, model))


def changed(
    request: HttpRequest, model: ScoreModel, text: str = "", *, undo: dict[str, Any] | None = None, side: bool = False, reset: bool = False
) -> HttpResponse:
    """The rules and the head after a change of the draft; with `side` the histogram too (`reset`: drawn anew, as sliders were dragged in vain)."""
    response = render(request, "scoring/changed.html", {**score_sheet.context(request, model, side=side), "aside": side, "reset": reset})
    told = json.loads(toast(response, text, undo)["HX-Trigger"]) if text else {}
    response["HX-Trigger"] = json.dumps({**told, "draft-changed": True})
    return response


# Rules -----------------------------------------------------------------------


@require_POST
@allow("scoring", "edit")
@score_draft.alone
def set_rule(request: HttpRequest, key: str, rule: str) -> HttpResponse:
    """Points and switch of one rule, in the draft."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    wanted = score_draft.rule(content, rule) | {"points": score_draft.integer(request.POST, "points", -MOST, MOST), "active": "active" in request.POST}
    cards.save(model, score_draft.put(content, wanted), actor=actor(request))
    return changed(request, model)


@require_GET
@allow("scoring", "view")
def count(request: HttpRequest, key: str, rule: str) -> HttpResponse:
    """How many contacts a rule of the draft finds, counted for its line of the sheet."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    line = next(
        line for group in score_sheet.groups(model, content, counted=False) for line in group.lines if line.key == score_draft.rule(content, rule)["key"]
    )
    found = preview.count(score_sheet.people_of(line.rule)) if line.rule["filter"] and model.object_type == "contact" else None
    return render(request, "scoring/matched.html", {"line": line, "model": model, "counted": found, "once": True})


@require_POST
@allow("scoring", "edit")
@score_draft.alone
def change_rule(request: HttpRequest, key: str, rule: str) -> HttpResponse:
    """What `do` says: `up`, `down`, `copy`, `drop`, or `to` another group. A rule taken away can be put back from the message."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    match request.POST.get("do", ""):
        case "up" | "down" as way:
            cards.save(model, score_draft.move(content, rule, way), actor=actor(request))
            return changed(request, model)
        case "to":
            cards.save(model, score_draft.move(content, rule, request.POST.get("group", "")), actor=actor(request))
            return changed(request, model, _("Rule moved"))
        case "copy":
            cards.save(model, score_draft.duplicate(content, rule), actor=actor(request))
            return changed(request, model, _("A copy stands below it, switched off"))
        case "drop":
            gone, place = score_draft.rule(content, rule), score_draft.find(content["rules"], rule)
            cards.save(model, score_draft.drop(content, rule), actor=actor(request))
            undo = {"url": f"/scoring/{key}/back/", "target": "#rules", "swap": "innerMorph", "values": {"rule": json.dumps(gone), "place": str(place)}}
            return changed(request, model, _("Rule deleted from the draft"), undo=undo if len(undo["values"]["rule"]) < 2000 else None)  # type: ignore[index]
    raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))


@require_POST
@allow("scoring", "edit")
@score_draft.alone
def put_back(request: HttpRequest, key: str) -> HttpResponse:
    """Undo of a deleted rule."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    try:
        rule = json.loads(request.POST.get("rule", ""))
    except (ValueError, RecursionError):
        rule = None
    if not isinstance(rule, dict):
        raise Invalid.one("rule", "INVALID_VALUE", _("This value cannot be used."))
    content["rules"].insert(score_draft.integer(request.POST, "place", 0, 1000), rule)
    cards.save(model, content, actor=actor(request))
    return changed(request, model, _("The rule is back"))


# Groups and bands --------------------------------------------------------------


@require_POST
@allow("scoring", "edit")
@score_draft.alone
def change_groups(request: HttpRequest, key: str) -> HttpResponse:
    """What `do` says: `add` a group of this `label` and `side`, `change` one (with its `cap`, blank for none), or `drop` an empty one."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    label, side, group = score_draft.text(request.POST, "label"), request.POST.get("side", "engagement"), request.POST.get("group", "")
    match request.POST.get("do", ""):
        case "add":
            content = score_draft.add_group(content, label, side)
        case "change":
            cap = score_draft.optional(request.POST, "cap", -WIDEST, WIDEST)
            content = score_draft.change_group(content, group, {"label": label, "side": side, "cap": cap})
        case "drop":
            content = score_draft.drop_group(content, group)
        case _:
            raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    cards.save(model, content, actor=actor(request))
    return changed(request, model, _("Saved in the draft"))


@require_POST
@allow("scoring", "edit")
@score_draft.alone
def change_bands(request: HttpRequest, key: str) -> HttpResponse:
    """What `do` says: `add` a band of this `label` from `at_least` points, `change` one, or `drop` one."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    label, band, do = score_draft.text(request.POST, "label"), request.POST.get("band", ""), request.POST.get("do", "")
    if do == "drop":
        content = score_draft.drop_band(content, band)
    elif do in ("add", "change"):
        at_least = score_draft.integer(request.POST, "at_least", -WIDEST, WIDEST)
        content = score_draft.add_band(content, label, at_least) if do == "add" else score_draft.change_band(content, band, label, at_least)
    else:
        raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    cards.save(model, content, actor=actor(request))
    return changed(request, model, _("Saved in the draft"), side=True)


@require_POST
@allow("scoring", "edit")
@score_draft.alone
def change_thresholds(request: HttpRequest, key: str) -> HttpResponse:
    """Where bands begin, as they were dragged: a number for each band's key."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    wanted = {b["key"]: score_draft.integer(request.POST, b["key"], -WIDEST, WIDEST) for b in content["bands"] if b["key"] in request.POST}
    try:
        cards.save(model, score_draft.thresholds(content, wanted), actor=actor(request))
    except Invalid as error:
        return changed(request, model, "; ".join(p.message for p in error.problems), side=True, reset=True)
    return changed(request, model, side=True)


@allow("scoring", "edit")
@score_draft.alone
def rename(request: HttpRequest, key: str) -> HttpResponse:
    """Another name; of a company's score also what its people bring."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    if request.method != "POST":
        hows = (("sum", _("their sum")), ("average", _("their average")), ("highest", _("the highest")), ("count", _("how many have at least")))
        models = ScoreModel.objects.filter(object_type="contact", archived_at=None)
        return render(request, "scoring/rename.html", {"model": model, "content": content, "models": models, "hows": hows})
    content["name"] = score_draft.text(request.POST, "name")
    if model.object_type == "company":
        of, how = request.POST.get("people", ""), request.POST.get("how", "sum")
        content["people"] = {"model": of, "how": how, "at_least": score_draft.optional(request.POST, "at_least", -WIDEST, WIDEST) or 0} if of else None
    cards.save(model, content, actor=actor(request))
    return changed(request, model, _("Saved in the draft"))
