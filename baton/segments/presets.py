"""Scores to begin with. Their points are those the field's Korean guides give as examples; everybody changes them after some weeks.

Each is a card (see card.py) and works with any data: rules name properties, tags of content and addresses, never the number of a form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

Content = dict[str, Any]
Made = dict[str, Any]
Filter = dict[str, Any]


def groups() -> list[Made]:
    """The usual groups, in the reader's language."""
    return [
        {"key": "fit_person", "label": _("Fit · person"), "side": "fit", "cap": None},
        {"key": "fit_company", "label": _("Fit · company"), "side": "fit", "cap": None},
        {"key": "form", "label": _("Engagement · forms"), "side": "engagement", "cap": None},
        {"key": "web", "label": _("Engagement · website"), "side": "engagement", "cap": None},
        {"key": "email", "label": _("Engagement · e-mail and events"), "side": "engagement", "cap": None},
        {"key": "minus", "label": _("Negative points and exclusions"), "side": "engagement", "cap": None},
    ]


def bands(mql: int, sql: int) -> list[Made]:
    """MQL and SQL."""
    return [{"key": "mql", "label": _("MQL"), "at_least": mql}, {"key": "sql", "label": _("SQL"), "at_least": sql}]


def blank(name: str, *, mql: int = 35, sql: int = 65) -> Content:
    """A score of contacts without rules."""
    return {"name": name, "object_type": "contact", "people": None, "groups": groups(), "bands": bands(mql, sql), "rules": []}


# The rules below ----------------------------------------------------------------


def _rule(key: str, group: str, points: int, filter: Filter, *, explicit: bool = False, active: bool = True) -> Made:
    """Points while something is true."""
    return {"key": key, "group": group, "points": points, "filter": filter, "explicit": explicit, "active": active}


def _each(key: str, group: str, points: int, filter: Filter, times: int | None, *, half: int | None = None, per_item: bool = False) -> Made:
    """Points for each time, the newest `times` counting, halved every `half` days."""
    decay = None if half is None else {"kind": "half", "days": half}
    return {"key": key, "group": group, "points": points, "filter": filter, "kind": "event", "times": times, "per_item": per_item, "decay": decay}


def _has(name: str, operator: str, *value: Any) -> Filter:
    return {"condition": "property", "property": name, "operator": operator} | ({"value": value[0]} if value else {})


def _happened(condition: str, **more: Any) -> Filter:
    return {"condition": condition, **more}


def _ranks(staff: int, manager: int, head: int, executive: int) -> list[Made]:
    points = {"exec": executive, "head": head, "manager": manager, "staff": staff}
    return [_rule(f"rank_{rank}", "fit_person", worth, _has("seniority", "is", rank), explicit=True) for rank, worth in points.items()]


def _exclusions() -> list[Made]:
    """A large deduction for who will not buy, and for who wants to hear nothing."""
    flags = {"competitor": -100, "supplier": -100, "student": -100, "retired": -100, "employee": -100}
    return [
        *(_rule(name, "minus", points, _has(name, "is", True), explicit=True) for name, points in flags.items()),
        _rule("opted_out", "minus", -100, _happened("opted_out"), explicit=True),
    ]


def _classic() -> Content:
    """MQL from 35, SQL from 65: forms by how far their readers are, visits in ranges that never add up, recency of mail."""
    mails = {"any": [_happened("email_opened", days=7), _happened("email_clicked", days=7)]}
    month = {"any": [_happened("email_opened", days=30), _happened("email_clicked", days=30)]}
    season = {"any": [_happened("email_opened", days=90), _happened("email_clicked", days=90)]}
    ever = {"any": [_happened("email_opened"), _happened("email_clicked")]}
    rules = [
        *_ranks(2, 5, 10, 15),
        _rule("phone_korea", "fit_person", 5, _has("phone", "starts_with", "+82"), explicit=True),
        _rule("size_fit", "fit_company", 10, _has("numberofemployees", "between", [50, 999]), explicit=True),
        _rule("size_small", "minus", -5, _has("numberofemployees", "less_than", 10), explicit=True),
        _rule("industry_first", "fit_company", 10, _has("industry", "any_of", ["manufacturing"]), explicit=True, active=False),
        _rule("industry_second", "fit_company", 5, _has("industry", "any_of", ["logistics", "it"]), explicit=True, active=False),
        _rule("budget_ample", "bant_budget", 10, _has("budget", "is", "ample"), explicit=True),
        _rule("budget_fit", "bant_budget", 5, _has("budget", "is", "fit"), explicit=True),
        _rule("budget_short", "bant_budget", -5, _has("budget", "is", "short"), explicit=True),
        _rule("authority", "bant_authority", 10, _has("authority", "is", "decider"), explicit=True),
        _rule("need", "bant_need", 5, _has("need", "known"), explicit=True),
        _rule("timeframe", "bant_timeframe", 10, _has("timeframe", "any_of", ["now", "quarter"]), explicit=True),
        _each("form_early", "form", 5, _happened("form_submitted", tag="early"), 2, per_item=True),
        _each("form_middle", "form", 10, _happened("form_submitted", tag="middle"), 2, per_item=True),
        _each("form_late", "form", 50, _happened("form_submitted", tag="late"), 1),
        _each("form_demo", "form", 20, _happened("form_submitted", tag="demo"), 1),
        _rule("visits_some", "web", 3, _happened("page_viewed", at_least=2, at_most=5)),
        _rule("visits_many", "web", 6, _happened("page_viewed", at_least=6)),
        _each("pricing", "web", 5, _happened("page_viewed", address="pricing", match="contains"), 3, half=30),
        _each("case_studies", "web", 3, _happened("page_viewed", tag="case_study"), 3, per_item=True),
        _each("buttons", "web", 3, _happened("cta_clicked"), 3, half=60),
        _each("downloads", "web", 5, _happened("downloaded"), 2, per_item=True),
        _rule("mail_week", "email", 5, mails),
        _rule("mail_month", "email", 2, {"all": [month, {"not": mails}]}),
        _rule("mail_asleep", "minus", -5, {"all": [ever, {"not": season}]}),
        _rule("came_direct", "web", 5, _has("lead_source", "is", "direct")),
        _rule("came_by_referral", "web", 10, _has("lead_source", "is", "referral")),
        _each("meetings", "email", 10, _happened("activity", kind="meeting", outcome="COMPLETED"), 2),
        *_exclusions(),
    ]
    return blank(_("Lead score")) | {"groups": [*groups(), *_bant()], "rules": rules}


def _bant() -> list[Made]:
    words = {"budget": _("BANT · budget"), "authority": _("BANT · authority"), "need": _("BANT · need"), "timeframe": _("BANT · timeframe")}
    return [{"key": f"bant_{key}", "label": label, "side": "fit", "cap": None} for key, label in words.items()]


def _hundred() -> Content:
    """MQL from 100, beside a catalogue request or a direct inquiry, which the stage's own rule looks at."""
    rules = [
        *_ranks(5, 10, 15, 20),
        _each("mail_clicks", "email", 10, _happened("email_clicked"), 5, half=60),
        _each("product_pages", "web", 5, _happened("page_viewed", address="product", match="contains"), 6, half=60),
        _each("pricing", "web", 10, _happened("page_viewed", address="pricing", match="contains"), 3, half=30),
        _each("downloads", "web", 20, _happened("downloaded"), 3, per_item=True),
        _each("form_early", "form", 10, _happened("form_submitted", tag="early"), 3, per_item=True),
        _each("form_middle", "form", 30, _happened("form_submitted", tag="middle"), 2, per_item=True),
        _each("form_late", "form", 100, _happened("form_submitted", tag="late"), 1),
        _each("seminars", "email", 30, _happened("event", event="custom_event", name="webinar_attended"), 2),
        *_exclusions(),
    ]
    return blank(_("Lead score"), mql=100, sql=150) | {"rules": rules}


def _small() -> Content:
    """One to four points each, for markets of some hundred people: title, website, sales."""
    rules = [
        *_ranks(1, 2, 3, 4),
        _rule("visit", "web", 1, _happened("page_viewed")),
        _rule("stay", "web", 1, _happened("page_stayed", seconds=60)),
        _rule("brochure", "web", 2, _happened("downloaded")),
        _rule("newsletter", "email", 1, _happened("email_opened")),
        _each("meeting", "email", 2, _happened("activity", kind="meeting", outcome="COMPLETED"), None),
        _each("webinar", "email", 3, _happened("event", event="custom_event", name="webinar_attended"), None),
        *_exclusions(),
    ]
    return blank(_("Lead score"), mql=5, sql=9) | {"rules": rules}


@dataclass(frozen=True, slots=True)
class Preset:
    """A score to begin with: what it is called, what it is for, and its card in the reader's language."""

    key: str
    label: str
    about: str
    content: Callable[[], Content]


PRESETS = {
    preset.key: preset
    for preset in (
        Preset("s1-35-65", gettext_noop("MQL 35, SQL 65"), gettext_noop("Person, company, BANT, forms, website and mail, with points taken away."), _classic),
        Preset("s2-100", gettext_noop("MQL 100"), gettext_noop("Mostly what people do; an inquiry alone is enough."), _hundred),
        Preset("s3-small", gettext_noop("Small market"), gettext_noop("One to four points each, for a few hundred contacts."), _small),
        Preset("blank", gettext_noop("Blank"), gettext_noop("Groups and bands without rules."), lambda: blank(_("Lead score"))),
    )
}
