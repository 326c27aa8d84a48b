"""What the stages of the life cycle are from the start, and the sets of entry rules to choose from. Rules are data (crm/models/stage.py).

A band is looked for in the first score of contacts while a rule names no other (`model`: "").
"""

from typing import Any

from django.utils.translation import gettext_noop as _

Rule = dict[str, Any]


def _people(reason: str) -> Rule:
    return {"mode": "people", "reason": reason}


def _filter(filter: dict[str, Any]) -> Rule:
    return {"mode": "filter", "filter": filter}


def _is(property: str, operator: str, value: Any = None) -> dict[str, Any]:
    found = {"condition": "property", "property": property, "operator": operator}
    return found if value is None else {**found, "value": value}


REACHABLE = {"any": [_is("email", "known"), _is("phone", "known"), _is("mobilephone", "known")]}
CONTACT_INFO = {"all": [REACHABLE, {"not": _is("lifecyclestage", "is", "subscriber")}]}  # who only reads along says so himself
INTEREST = {"any": [{"condition": "email_clicked", "email": None}, {"condition": "page_viewed", "address": ""}]}
INQUIRY = {"condition": "form_submitted", "form": None, "tag": "late"}  # catalogue request, direct inquiry
UNFIT = [_is(name, "is_not", True) for name in ("competitor", "student", "supplier", "retired")]
OPEN_DEAL = {"related": "deal", "filter": {"all": [_is("probability", "more_than", 0), _is("probability", "less_than", 1)]}}
WON_DEAL = {"related": "deal", "filter": _is("probability", "at_least", 1)}

SUBSCRIBED = _people(_("Who subscribed to news says so himself."))
DEALS = {"opportunity": _filter(OPEN_DEAL), "customer": _filter(WON_DEAL)}

PRESETS: dict[str, tuple[str, dict[str, Rule]]] = {  # key -> name, rule of each stage
    "the_model": (
        _("The Model: MQL by points, catalogue request or inquiry"),
        {
            "subscriber": SUBSCRIBED,
            "lead": _filter(CONTACT_INFO),
            "nurturing": _filter(INTEREST),
            "mql": {"mode": "either", "model": "", "band": "mql", "filter": INQUIRY},
            "sql": {"mode": "score", "model": "", "band": "sql"},
            **DEALS,
        },
    ),
    "score": (
        _("Score-driven: MQL and SQL by points alone"),
        {
            "subscriber": SUBSCRIBED,
            "lead": _filter(CONTACT_INFO),
            "nurturing": _people(_("With this set points alone decide; nurturing is for those whom somebody puts there.")),
            "mql": {"mode": "score", "model": "", "band": "mql"},
            "sql": {"mode": "score", "model": "", "band": "sql"},
            **DEALS,
        },
    ),
    "qualification": (
        _("Qualification and form: points only rank"),
        {
            "subscriber": SUBSCRIBED,
            "lead": _filter(CONTACT_INFO),
            "nurturing": _filter(INTEREST),
            "mql": _filter({"all": [_is("industry", "known"), INTEREST, *UNFIT]}),
            "sql": _filter({"all": [INQUIRY, *UNFIT]}),
            **DEALS,
        },
    ),
}
DEFAULT = "the_model"

# key -> kind, team, days until somebody there is stuck, where a recycle stage returns to
STAGES: dict[str, tuple[str, str, int | None, str]] = {
    "subscriber": ("forward", "marketing", None, ""),
    "lead": ("forward", "marketing", 30, ""),
    "nurturing": ("forward", "marketing", 90, ""),
    "mql": ("forward", "inside_sales", 7, ""),
    "sql": ("forward", "sales", 7, ""),
    "opportunity": ("forward", "sales", 60, ""),
    "customer": ("won", "success", None, ""),
    "evangelist": ("aside", "success", None, ""),
    "other": ("aside", "", None, ""),
    "recycle_a": ("recycle", "inside_sales", 180, "nurturing"),
    "recycle_b": ("recycle", "sales", 180, "nurturing"),
    "deadend": ("dead_end", "", None, ""),
}
