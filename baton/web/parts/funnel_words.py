"""The Model in words: teams, rules of entry, periods, what a number counts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import format_skeleton
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from baton.accounts.models import User
from baton.analytics.periods import Period, add
from baton.crm import properties, stages
from baton.crm.stages import Stage
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from baton.query.errors import FilterError
from baton.segments import lifecycle

from ..templatetags.fmt import korean


def team(key: str) -> str:
    """Which team a stage is."""
    words = {"marketing": _("Marketing"), "inside_sales": _("Inside sales"), "sales": pgettext("team", "Sales"), "success": _("Customer success")}
    return words.get(key, key)


def period(found: Period) -> str:
    """2026년 11월 · 2026년 4분기 · 2025년 12월 – 2026년 11월."""
    if found.span == "quarter":
        return _("Q{n} {year}").format(n=(found.first.month + 2) // 3, year=found.first.year)
    last = month(add(found.until, -1))
    return last if found.span == "month" else f"{month(found.first)} – {last}"


def month(first: date) -> str:
    """2026년 11월 / Nov 2026."""
    return str(format_skeleton("yMMM", first, locale="ko" if korean() else "en"))


def short_month(first: date) -> str:
    """11월 / Nov."""
    return str(format_skeleton("MMM", first, locale="ko" if korean() else "en"))


def percent(share: float | None) -> str:
    """70%, 61.2%; a dash when there is nothing to take it of."""
    return "–" if share is None else f"{share * 100:.1f}".removesuffix(".0") + "%"


def rule(stage: Stage) -> str:
    """Who enters a stage, in words."""
    if stage.rule:
        return sentence(stage.rule)
    words = {"recycle": _("Sales talked to them, and it is not the time"), "dead_end": _("Will never be customers")}
    return words.get(stage.kind, _("Set by people"))


def sentence(rule: Mapping[str, Any]) -> str:
    """A rule of entry in words, also one of the past whose lists or properties are gone."""
    try:
        return lifecycle.sentence(rule)
    except (Invalid, FilterError):
        return _("A rule that can no longer be read")


def what(asked: str) -> str:
    """What a number of a stage counts."""
    words = {
        "opening": _("Balance at the beginning"), "closing": _("Balance"), "stuck": _("Longer here than planned"), "in": _("Came in"), "out": _("Left"),
        "next": _("To the next stage"), "new": _("New"), "exit": _("Left"), "in_new": _("New"), "in_forward": _("From the stage before"),
        "in_fast_pass": _("By fast pass"), "in_returned": _("Back from recycling"), "in_recycled": _("Recycled"), "in_ended": _("Reached a dead end"),
        "in_other": _("Came in otherwise"), "out_forward": _("To the next stage"), "out_fast_pass": _("Fast pass"), "out_returned": _("Back on the way"),
        "out_recycled": _("Recycled"), "out_ended": _("Dead end"), "out_exit": _("Left"), "out_other": _("Left otherwise"),
        "out_rest": _("Left otherwise"),
    }  # fmt: skip
    return words[asked] if asked in words else _("To {stage}").format(stage=stages.get(asked).label)


def path(key: str) -> str:
    """How somebody moved."""
    words = {
        "entry": _("new"), "forward": _("forward"), "fast_pass": _("fast pass"), "recycle": _("recycled"), "return": _("back from recycling"),
        "dead_end": _("dead end"), "reopen": _("reopened"), "back": _("back"), "exit": _("left"),
    }  # fmt: skip
    return words.get(key, key)


def cause(source: str) -> str:
    """By what it came to that."""
    words = {
        "rule": _("rule of entry"), "page": _("by hand"), "api": _("program"), "import": _("import"), "workflow": _("workflow"),
        "verdict": _("verdict of sales"), "evidence": _("it was a program"),
        "merge": _("merge"), "archive": _("archived"), "restore": _("restored"), "erase": _("erased"), "form": _("form"), "reopen": _("reopened"),
        "bulk": _("many at once"), "score": _("points"),
    }  # fmt: skip
    return words.get(source, source)


def stage_name(key: str) -> str:
    """What people call a stage; outside for none."""
    found = next((stage for stage in stages.known() if stage.key == key), None)
    return _("outside") if not key else found.label if found else key


def source_name(key: str) -> str:
    """What people call a source of leads."""
    return properties.option_label(properties.definitions("contact")["lead_source"], key) if key else _("no source")


def actor_name(stored: str, users: dict[int, str]) -> str:
    """Who changed a definition."""
    by = Actor.parse(stored)
    return users.get(by.id or 0) or _("a former colleague") if by.kind == "user" else "Baton"


def names() -> dict[int, str]:
    """All colleagues by id, former ones too."""
    return dict(User.objects.values_list("pk", "name"))


def kind(key: str) -> str:
    """What sort of stage it is."""
    words = {"forward": _("On the way"), "won": _("Contract"), "recycle": _("Recycling"), "dead_end": _("Dead end"), "aside": _("Beside the way")}
    return words.get(key, key)


def change(detail: Mapping[str, Any]) -> str:
    """What was changed of a stage: the new rule in words, the rest as from → to."""
    was = detail.get("was") or {}
    told = [sentence(detail["rule"])] if isinstance(detail.get("rule"), dict) else []
    told += [f"{kind(was.get('kind', ''))} → {kind(detail['kind'])}"] if "kind" in detail else []
    told += [f"{team(was.get('team', '')) or '–'} → {team(detail['team']) or '–'}"] if "team" in detail else []
    told += [_("stuck after {n} days").format(n=detail["days"] or "–")] if "days" in detail else []
    told += [_("back to {stage}").format(stage=stage_name(detail["returns_to"]))] if detail.get("returns_to") else []
    return "; ".join(told)
