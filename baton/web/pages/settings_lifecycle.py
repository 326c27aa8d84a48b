"""Settings: the stages of the life cycle in their order; who enters each, whose work it is, when somebody is stuck; sets of rules to choose from."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.crm import stages
from baton.crm.models import LifecycleStage
from baton.crm.stages import Stage
from baton.platform.errors import Invalid, Problem
from baton.segments import lifecycle
from baton.segments.models import ScoreModel

from ..answer import go
from ..page import actor, allow
from ..parts import filter_editor
from ..settings_page import SettingsPage

KINDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "forward": (gettext_lazy("On the way"), gettext_lazy("to a contract; nobody goes back by himself")),
    "won": (gettext_lazy("Won"), gettext_lazy("the contract is made")),
    "recycle": (gettext_lazy("Recycling"), gettext_lazy("not now; comes back to another stage")),
    "dead_end": (gettext_lazy("Dead end"), gettext_lazy("never again; only an administrator reopens it")),
    "aside": (gettext_lazy("Beside the way"), gettext_lazy("has no place on the way")),
}
TEAMS: dict[str, str | Promise] = {
    "": gettext_lazy("Nobody"), "marketing": gettext_lazy("Marketing"), "inside_sales": gettext_lazy("Inside sales"), "sales": gettext_lazy("Sales team"),
    "success": gettext_lazy("Customer success"),
}  # fmt: skip
MODES: dict[str, str | Promise] = {
    "score": gettext_lazy("By points: a band of a score"),
    "filter": gettext_lazy("By a filter: who they are and what they did"),
    "either": gettext_lazy("By points or the filter"),
    "both": gettext_lazy("By points and the filter"),
    "people": gettext_lazy("People decide, with a reason"),
}


class LifecycleSettings(SettingsPage):
    key = "settings_lifecycle"
    slug = "lifecycle"
    label = gettext_lazy("Lifecycle stages")
    about = gettext_lazy("Who enters which stage, whose work it is, and when somebody is stuck.")
    glyph = "milestone"
    section = "data"
    order = 25
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/lifecycle/", page),
            path("settings/lifecycle/preset/", preset),
            path("settings/lifecycle/<str:key>/", edit),
            path("settings/lifecycle/<str:key>/effect/", effect),
        ]

    @classmethod
    def fact(cls) -> str:
        n = len(stages.known())
        return ngettext("%(n)d stage", "%(n)d stages", n) % {"n": n}


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    """All stages with their rules in words."""
    changed = dict(LifecycleStage.objects.exclude(changed_at=None).values_list("key", "changed_at"))
    names = {stage.key: stage.label for stage in stages.known()}
    rows = [
        {
            "stage": stage, "kind": KINDS[stage.kind][0], "team": TEAMS.get(stage.team, stage.team), "changed": changed.get(stage.key),
            "rule": lifecycle.sentence(stage.rule) if stage.on_the_way else "", "returns": names.get(stage.returns_to, ""),
        }
        for stage in stages.known()
    ]  # fmt: skip
    used = next((key for key, (_name, rules) in stages.PRESETS.items() if all(stages.get(k).rule == rule for k, rule in rules.items() if k in names)), "")
    context = {
        "label": LifecycleSettings.label, "rows": rows, "presets": [(key, _(name)) for key, (name, _rules) in stages.PRESETS.items()], "used": used,
        "may_edit": permissions.can(request.user, "settings", "edit"),
    }  # fmt: skip
    return render(request, "settings/lifecycle.html", context)


@require_POST
@allow("settings", "edit")
def preset(request: HttpRequest) -> HttpResponse:
    """Give all stages the rules of a set; whom they call moves in the background."""
    lifecycle.apply(request.POST.get("preset", ""), actor=actor(request))
    return go("/settings/lifecycle/")


@allow("settings", "view")
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """One stage: GET the form, POST saves it; 422 with the faults."""
    stage = stages.get(key)
    if request.method != "POST":
        return _form(request, stage, {name: getattr(stage, name) for name in stages.FIELDS}, None)
    permissions.require(request.user, "settings", "edit")
    given = _given(request.POST, stage)
    try:
        lifecycle.define(key, actor=actor(request), **_checked(given))
    except Invalid as error:
        return _form(request, stage, given, error)
    return go("/settings/lifecycle/")


@require_POST
@allow("settings", "view")
def effect(request: HttpRequest, key: str) -> HttpResponse:
    """How many contacts would move now with the rule of the form."""
    stage = stages.get(key)
    context: dict[str, Any] = {"stage": stage}
    names = {one.key: one.label for one in stages.known()}
    try:
        moved = lifecycle.would_move(key, _given(request.POST, stage)["rule"])
    except Invalid:
        return render(request, "settings/lifecycle_effect.html", {**context, "faulty": True})
    if moved is None:
        return render(request, "settings/lifecycle_effect.html", {**context, "slow": True})
    mine = {out_of: n for (out_of, into), n in moved.items() if into == key}
    context |= {"total": sum(mine.values()), "rows": [(names.get(out_of, "") or _("No stage"), n) for out_of, n in sorted(mine.items(), key=lambda x: -x[1])]}
    return render(request, "settings/lifecycle_effect.html", context)


def _given(given: QueryDict, stage: Stage) -> dict[str, Any]:
    """What the form says, not checked; a number of days that is none stays text."""
    days = given.get("days", "").strip()
    rule: dict[str, Any] = {"mode": given.get("mode", "")}
    model, _bar, band = given.get("band", "").partition("|")
    rule |= {"model": model, "band": band, "filter": filter_editor.read(given), "reason": given.get("reason", "").strip()}
    kind = given.get("kind", stage.kind)
    return {
        "kind": kind, "team": given.get("team", ""), "days": int(days) if days.isascii() and days.isdigit() else days or None,
        "returns_to": given.get("returns_to", "") if kind == "recycle" else "", "rule": rule,
    }  # fmt: skip


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    if given["kind"] not in ("forward", "won"):
        return {**given, "rule": {}}
    if given["rule"]["mode"] not in stages.MODES:
        raise Invalid([Problem("rule.mode", "REQUIRED", _("Say how people enter this stage."))])
    return given


def _form(request: HttpRequest, stage: Stage, given: dict[str, Any], problems: Invalid | None) -> HttpResponse:
    errors = {p.path: p.message for p in reversed(problems.problems)} if problems else None
    rule = given["rule"]
    inside = {p.removeprefix("rule.filter.").replace("rule.filter", "filter"): m for p, m in (errors or {}).items() if p.startswith("rule.filter")}
    context = {
        "label": LifecycleSettings.label, "stage": stage, "given": given, "rule": rule, "errors": errors or {},
        "fault": next((m for p, m in (errors or {}).items() if p in ("rule", "rule.mode", "rule.model", "rule.band", "rule.reason")), ""),
        "kinds": [(key, name, about) for key, (name, about) in KINDS.items()], "teams": TEAMS.items(), "modes": MODES.items(),
        "bands": _bands(), "band": f"{rule.get('model') or ''}|{rule.get('band') or ''}",
        "backs": [(one.key, one.label) for one in stages.known() if one.on_the_way and one.key != stage.key],
        "reason": _(rule["reason"]) if rule.get("reason") else "", "may_edit": permissions.can(request.user, "settings", "edit"),
        **filter_editor.editor(request, rule.get("filter") or {}, errors=inside if problems else None),
    }  # fmt: skip
    partial = request.method == "POST"
    return render(request, "settings/lifecycle_form.html" if partial else "settings/lifecycle_stage.html", context, status=422 if problems else 200)


def _bands() -> list[tuple[str, str, int]]:
    """(value, text, points) of every band that can be asked for; of the first score also whichever that is."""
    found: list[tuple[str, str, int]] = []
    for number, model in enumerate(ScoreModel.objects.filter(object_type="contact", archived_at=None)):
        if number == 0:
            found += [(f"|{b['key']}", _("{score} (the first score) · {band}").format(score=model.name, band=b["label"]), b["at_least"]) for b in model.bands]
        found += [(f"{model.key}|{b['key']}", f"{model.name} · {b['label']}", b["at_least"]) for b in model.bands]
    return found
