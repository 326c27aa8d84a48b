"""The form of one rule of a score: its condition, points, how often and how long it counts. What is complete is kept in the draft at once."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from baton.accounts import rights
from baton.crm import properties
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound
from baton.segments import card as cards_of
from baton.segments import cards, catalog, finder, patience
from baton.segments.card import MOST, RULES
from baton.segments.models import ScoreModel
from baton.web.page import Page, actor, allow, user
from baton.web.parts import filter_editor, score_draft, score_sheet, score_words
from baton.web.parts.score_draft import Content, Part

from .scoring_sheet import changed

TIMES, DAYS = 1000, 3650
VALUES = 12  # of a property, offered as rules
LOOKED_AT = 50_000  # contacts whose values are counted for it

COMMON = """
SELECT v.value, count(*) FROM (SELECT c.properties ->> %(name)s AS value FROM contact c {sample} WHERE c.archived_at IS NULL AND {seen} LIMIT %(most)s) v
WHERE v.value <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(shown)s
"""


class ScoringRule(Page):
    key = "scoring-rule"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "scoring/<slug:key>/"
        return [
            path(f"{at}rules/new/", new),
            path(f"{at}rules/<slug:rule>/", fill),
            path(f"{at}values/", values),
        ]


@require_GET
@allow("scoring", "edit")
def new(request: HttpRequest, key: str) -> HttpResponse:
    """The form of a rule that is not kept yet, for the group `?group`."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    group = request.GET.get("group") or content["groups"][0]["key"]
    score_draft.find(content["groups"], group)
    if len(content["rules"]) >= RULES:
        raise Invalid.one("rules", "TOO_MANY", _("A score has at most {most} rules.").format(most=RULES))
    return _form(request, model, content, blank(score_draft.free(f"{group}_rule", score_draft.keys(content["rules"])), group))


def blank(key: str, group: str) -> Part:
    """A rule before anything is chosen."""
    return {
        "key": key, "group": group, "kind": "state", "filter": {}, "points": 5, "times": None, "per_item": False, "decay": None,
        "expires_days": None, "explicit": False, "active": True,
    }  # fmt: skip


def _form(request: HttpRequest, model: ScoreModel, content: Content, rule: Part, problems: dict[str, str] | None = None, *, kept: bool = False) -> HttpResponse:
    """The form; `problems` by path in the rule. When the rule was kept, the sheet behind it follows."""
    faults = problems or {}
    countable = _countable(rule, model.object_type)
    context: dict[str, Any] = {
        "model": model,
        "content": content,
        "rule": rule,
        "sentence": score_words.sentence(rule, model.object_type) if rule["filter"] else "",
        **filter_editor.editor(request, rule["filter"], object_type=model.object_type, url=f"/scoring/{model.key}/rules/{rule['key']}/", target="sheet"),
        "filter_fault": faults.get("filter", ""),
        "faults": {p.replace(".", "_"): m for p, m in faults.items()},
        "countable": countable,
        "free": next(score_words.free_texts(rule["filter"]), ""),
        "map_property": _mapped(rule["filter"]),
        "is_kept": any(r["key"] == rule["key"] for r in content["rules"]),
        "kept": kept,
    }
    context["limit_faults"] = [text for name, text in faults.items() if name.partition(".")[0] in ("times", "decay", "decay_days", "expires_days", "group")]
    context["actions"] = [
        ("up", "arrow-up", _("Move up")),
        ("down", "arrow-down", _("Move down")),
        ("copy", "copy", _("Duplicate")),
        ("drop", "trash-2", _("Delete")),
    ]
    if kept:
        context |= score_sheet.context(request, model, side=False) | {"aside": False}
    response = render(request, "scoring/rule.html", context, status=422 if faults else 200)
    if kept:
        response["HX-Trigger"] = json.dumps({"draft-changed": True})
    return response


def _countable(rule: Part, object_type: str) -> bool:
    """Whether the filter is one condition about what people did, so that the rule may count each time."""
    if object_type != "contact" or "condition" not in rule["filter"]:
        return False
    content = {"name": "-", "groups": [{"key": rule["group"], "label": "-"}], "rules": [rule | {"kind": "event"}]}
    try:
        cards_of.parse(content, catalog.current())
    except Invalid as error:
        return not any(p.code == "NOT_COUNTABLE" for p in error.problems) and rule["kind"] == "event"
    return True


def _mapped(stored: Any) -> str:
    """The property of a filter that is one comparison of a property."""
    return str(stored.get("property", "")) if isinstance(stored, dict) and stored.get("condition") == "property" else ""


@allow("scoring", "edit")
@score_draft.alone
def fill(request: HttpRequest, key: str, rule: str) -> HttpResponse:
    """GET: the form of a rule. POST: its fields; kept in the draft when nothing is missing, else the form says what."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    known = next((r for r in content["rules"] if r["key"] == rule), None)
    if request.method != "POST":
        if known is None:
            raise NotFound(_("This rule no longer exists."))
        return _form(request, model, content, known)
    try:
        wanted = _read(request, content, known or blank(rule, ""), model.object_type)
    except Invalid as error:
        shown = (known or blank(rule, request.POST.get("group", ""))) | {"filter": _filter(request, model.object_type)}
        return _form(request, model, content, shown, {p.path: p.message for p in error.problems})
    if not wanted["filter"]:
        return _form(request, model, content, wanted)
    try:
        cards.save(model, score_draft.put(content, wanted), actor=actor(request))
    except Invalid as error:
        place = score_draft.find(score_draft.put(content, wanted)["rules"], rule)
        mine = {p.path.removeprefix(f"rules.{place}."): p.message for p in error.problems}
        return _form(request, model, content, wanted, mine)
    content, _draft = score_draft.working(model)
    return _form(request, model, content, score_draft.rule(content, rule), kept=True)


def _filter(request: HttpRequest, object_type: str) -> dict[str, Any]:
    """The condition as the form has it; one condition stands alone."""
    found = filter_editor.read(request.POST, object_type=object_type)
    alone = found.get("all") or found.get("any")
    return alone[0] if isinstance(alone, list) and len(alone) == 1 else found


def _read(request: HttpRequest, content: Content, old: Part, object_type: str) -> Part:
    """The rule as the form has it. Raises Invalid."""
    given = request.POST
    group = str(given.get("group", old["group"]))
    score_draft.find(content["groups"], group)
    rule = old | {
        "group": group,
        "filter": _filter(request, object_type),
        "points": score_draft.integer(given, "points", -MOST, MOST),
        "explicit": "explicit" in given,
        "active": "active" in given or "active_shown" not in given,
        "kind": "event" if given.get("kind") == "event" else "state",
    }
    if rule["kind"] == "event" and "times" in given:
        decay = given.get("decay", "")
        days = score_draft.integer(given, "decay_days", 1, DAYS) if decay and given.get("decay_days", "").strip() else 30
        rule |= {
            "times": score_draft.optional(given, "times", 1, TIMES),
            "per_item": "per_item" in given,
            "decay": {"kind": decay, "days": days} if decay in ("half", "linear") else None,
            "expires_days": score_draft.optional(given, "expires_days", 1, DAYS),
        }
    if rule["kind"] == "state" or not _countable(rule, object_type):
        rule |= {"kind": "state", "times": None, "per_item": False, "decay": None, "expires_days": None}
    return rule


# Values -> points ----------------------------------------------------------------


@allow("scoring", "edit")
@score_draft.alone
def values(request: HttpRequest, key: str) -> HttpResponse:
    """GET: the frequent values of `?property`, each with a field for its points. POST: a rule for each that got points, in `group`."""
    model = cards.model(key)
    content, _draft = score_draft.working(model)
    given = request.POST if request.method == "POST" else request.GET
    name, group = given.get("property", ""), given.get("group", "") or content["groups"][0]["key"]
    definition = properties.definitions(model.object_type).get(name)
    if definition is None:
        raise NotFound(_("There is no such property."))
    score_draft.find(content["groups"], group)
    if request.method != "POST":
        context = {
            "model": model,
            "group": group,
            "definition": definition,
            "label": properties.label(definition),
            "rows": _common(model, definition, rights.of(user(request))),
            "replace": given.get("replace", ""),
        }
        return render(request, "scoring/values.html", context)
    operator = "any_of" if definition.type in ("choice", "multi_choice") else "contains" if "contains" in given else "is"
    pairs = zip((value.replace("\0", "") for value in given.getlist("value")), given.getlist("points"), strict=False)
    made = 0
    for value, text in pairs:
        if not value.strip() or not text.strip():
            continue
        points = score_draft.integer({"points": text}, "points", -MOST, MOST)
        rule = blank(score_draft.free(f"{name}_value", score_draft.keys(content["rules"])), group)
        stored = {"condition": "property", "property": name, "operator": operator, "value": [value] if operator == "any_of" else value.strip()}
        content = score_draft.put(content, rule | {"filter": stored, "points": points})
        made += 1
    replaced = given.get("replace", "")
    if made and replaced and any(r["key"] == replaced for r in content["rules"]):
        content = score_draft.drop(content, replaced)
    if made:
        cards.save(model, content, actor=actor(request))
    return changed(request, model, _("{n} rules are in the draft").format(n=made))


def _common(model: ScoreModel, definition: Any, held: rights.Rights) -> list[tuple[str, str, int | None]]:
    """The values of a property that many have, of the contacts one may see: (value, label, how many of those looked at)."""
    if definition.type in ("choice", "multi_choice"):
        return [(o["value"], properties.option_label(definition, o["value"]), None) for o in definition.options if not o.get("archived")]
    if model.object_type != "contact":
        return []
    sample = f"TABLESAMPLE SYSTEM ({100 * LOOKED_AT / patience.size('contact'):.4f})" if patience.size("contact") > LOOKED_AT else ""
    seen = finder.visible(held, "contact", "c")
    found = sql.rows(COMMON.format(sample=sample, seen=seen.text), {**seen.params, "name": definition.name, "most": LOOKED_AT, "shown": VALUES})
    return [(value, value, n) for value, n in found]
