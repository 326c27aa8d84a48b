"""The goal of a campaign as a form: the usual ones by a few inputs, anything else by the editor of filters; and what a stored goal says in words."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from baton.crm import life
from baton.forms.models import Form
from baton.messaging.campaigns import goals
from baton.platform.errors import Problem
from baton.segments import filter

from . import filter_editor

Goal = dict[str, Any]

KINDS: dict[str, str | Promise] = {
    "": gettext_lazy("Nothing"),
    "form": gettext_lazy("sends a form"),
    "page": gettext_lazy("visits a page"),
    "file": gettext_lazy("downloads a file"),
    "stage": gettext_lazy("comes to a lifecycle stage"),
    "meeting": gettext_lazy("a meeting is arranged"),
    "deal": gettext_lazy("a deal is opened"),
    "won": gettext_lazy("a deal is won"),
    "filter": gettext_lazy("comes to fulfil a filter"),
}
MATCHES: dict[str, str | Promise] = {"is": gettext_lazy("is"), "starts": gettext_lazy("begins with"), "contains": gettext_lazy("contains")}
ADDRESSED = {"page": ("page_viewed", "is"), "file": ("downloaded", "contains")}  # kind -> condition, and how an address is compared unsaid


def kind_of(goal: Goal) -> str:
    """Which of KINDS a stored goal is: one that the inputs cannot say is a filter."""
    if not goal:
        return ""
    if made := goal.get("made"):
        return str(made)
    match goal.get("filter") or {}:
        case {"condition": "form_submitted", **rest} if rest.keys() <= {"form"}:
            return "form"
        case {"condition": "page_viewed", **rest} if rest.keys() <= {"address", "match"}:
            return "page"
        case {"condition": "downloaded", **rest} if rest.keys() <= {"address", "match"}:
            return "file"
        case {"condition": "stage_moved", "into": [_one], **rest} if not rest:
            return "stage"
    return "filter"


def read(given: QueryDict, before: Goal) -> Goal:
    """What was posted, as it is stored; a goal that is not known stays what it is, and is refused by goals.problems. Raises Invalid for what is no filter."""
    kind = given.get("goal_kind", "")
    if not kind:
        return {}
    days = _whole(given.get("goal_days", ""), goals.DAYS)
    match kind:
        case "form":
            form = given.get("goal_form", "")
            asked: Goal = {"condition": "form_submitted", **({"form": int(form)} if form.isascii() and form.isdecimal() and len(form) < 18 else {})}
        case "page" | "file":
            condition, usual = ADDRESSED[kind]
            asked = {"condition": condition, "address": given.get("goal_address", "").strip(), "match": given.get("goal_match") or usual}
        case "stage":
            asked = {"condition": "stage_moved", "into": [given.get("goal_stage") or _stages()[0][0]]}
        case "filter":
            asked = filter_editor.read(given, "goal") if "goal" in given else before.get("filter") or {}
        case _:
            return {"made": kind, "days": days}
    return {"filter": asked, "days": days}


def unfinished(goal: Goal) -> bool:
    """Whether only something is still missing in a filter that is being put together: that is no fault yet, and is not stored yet."""
    found = [problem for problem in goals.problems(goal) if problem.path != "goal.days"]
    return kind_of(goal) == "filter" and bool(found) and (not goal.get("filter") or all(problem.code in filter_editor.UNFINISHED for problem in found))


def context(request: HttpRequest, campaign_id: int, goal: Goal, kind: str | None, problems: list[Problem]) -> dict[str, Any]:
    """What the template needs. `kind` is the one that was chosen, where somebody is choosing."""
    kind = kind if kind in KINDS else kind_of(goal)
    asked = goal.get("filter") or {}
    faults = {p.path.removeprefix("goal.").removeprefix("filter."): p.message for p in problems if p.path.startswith("goal.") and p.path != "goal.days"}
    found: dict[str, Any] = {
        "goal_kind": kind, "goal_kinds": KINDS.items(), "goal_days": goal.get("days") or goals.DAYS,
        "goal_fault": "" if kind == "filter" else next(iter(faults.values()), ""),
        "goal_form": asked.get("form"), "goal_stage": next(iter(asked.get("into") or ()), ""),
        "goal_address": asked.get("address", ""), "goal_match": asked.get("match") or ADDRESSED.get(kind, ("", "is"))[1], "goal_matches": MATCHES.items(),
    }  # fmt: skip
    if kind == "form":
        found["forms"] = Form.objects.filter(archived_at=None).order_by("name")
    elif kind == "stage":
        found["goal_stages"] = _stages()
    elif kind == "filter":
        sent = "goal" in request.POST
        tree = filter_editor.tree(request.POST, "goal") if sent else asked
        focus = filter_editor.focus_of(str(request.POST.get("goal!", "")), tree) if sent else ""
        editor = filter_editor.editor(
            request, tree, "goal", url=f"/campaigns/{campaign_id}/change/", target="campaign-form", errors=faults or None, count=False, focus=focus
        )["editor"]
        found["editor"] = editor | {"exclusions": False}
    return found


def sentence(goal: Mapping[str, Any]) -> str:
    """What counts as a conversion, in words."""
    if made := goal.get("made"):
        return str(KINDS.get(str(made), made))
    return filter.sentence(goal.get("filter") or {}, "contact")


def _stages() -> list[tuple[str, str]]:
    return [(stage.key, stage.label) for stage in life.known()]


def _whole(text: str, usual: int) -> int:
    """A whole number as it was given, also one that is too large or none: the refusal names it."""
    text = text.strip().replace(",", "")
    if not text:
        return usual
    return int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdecimal() and len(text) < 15 else -1
