"""Contacts: people."""

from typing import Any

from django.utils.translation import gettext_noop as _

from .choices import INDUSTRIES, LIFECYCLE, PLACE, SOURCES, VERDICTS
from .shape import Kind

SENIORITY = {"exec": _("Executive"), "head": _("Head of department"), "manager": _("Manager"), "staff": _("Staff")}
LEAD_SOURCES = {
    "search": _("Search"),
    "webinar": _("Webinar"),
    "ad_linkedin": _("Ad · LinkedIn"),
    "ad_naver": _("Ad · Naver"),
    "referral": _("Referral"),
    "exhibition": _("Exhibition"),
    "direct": _("Direct visit"),
    "newsletter": _("Newsletter"),
}
LEAD_STATUS = {
    "NEW": _("New"),
    "OPEN": _("Open"),
    "IN_PROGRESS": _("In progress"),
    "OPEN_DEAL": _("Open deal"),
    "UNQUALIFIED": _("Unqualified"),
    "ATTEMPTED_TO_CONTACT": _("Attempted to contact"),
    "CONNECTED": _("Connected"),
    "BAD_TIMING": _("Bad timing"),
}
BUDGETS = {"unknown": _("Unknown"), "short": _("Too small"), "fit": _("Fitting"), "ample": _("Ample")}
AUTHORITY = {"decider": _("Decides"), "influencer": _("Influences"), "user": _("Uses"), "unknown": _("Unknown")}
OURS: dict[str, Any] = {"read_only": True, "form_field": False}  # worked out: events/origins.py
TIMEFRAMES = {"now": _("Now"), "quarter": _("Within 3 months"), "half": _("Within 6 months"), "year": _("Within a year"), "unknown": _("Unknown")}

KIND = Kind(
    key="contact",
    plural="contacts",
    type_id="0-1",
    label=_("Contact"),
    label_plural=_("Contacts"),
    icon="users-round",
    primary="email",
    secondary=("company", "jobtitle"),
    searchable=("firstname", "lastname", "email", "additional_emails", "phone", "mobilephone", "company"),
    usual=("company", "jobtitle", "lifecyclestage", "score", "owner_id", "last_seen", "lead_source", "consent"),
    groups={"basic": _("Basics"), "company": _("Company"), "address": _("Address"), "qualification": _("Qualification"), "source": _("Where from")},
    properties=(
        ("email", _("Email"), "email", "basic", {"unique_value": True}),
        ("additional_emails", _("Other e-mail addresses"), "text", "basic", {"read_only": True, "form_field": False}),
        ("lastname", _("Family name"), "text", "basic", {"indexed": True}),
        ("firstname", _("Given name"), "text", "basic", {}),
        ("phone", _("Phone"), "phone", "basic", {}),
        ("mobilephone", _("Mobile phone"), "phone", "basic", {}),
        ("fax", _("Fax"), "text", "basic", {}),
        ("owner_id", _("Owner"), "user", "basic", {}),
        ("lifecyclestage", _("Lifecycle stage"), "choice", "basic", {"options": LIFECYCLE, "indexed": True}),
        ("lead_status", _("Lead status"), "choice", "basic", {"options": LEAD_STATUS, "indexed": True}),
        ("lead_source", _("Source"), "choice", "basic", {"options": LEAD_SOURCES, "indexed": True}),
        ("company", _("Company name"), "text", "company", {"indexed": True}),
        ("jobtitle", _("Job title"), "text", "company", {"indexed": True}),
        ("seniority", _("Seniority"), "choice", "company", {"options": SENIORITY, "indexed": True}),
        ("industry", _("Industry"), "choice", "company", {"options": INDUSTRIES, "indexed": True}),
        ("numberofemployees", _("Employees"), "number", "company", {"indexed": True}),
        ("website", _("Website"), "url", "company", {}),
        *((name, label, type, "address", {"indexed": name in ("city", "country")}) for name, label, type in PLACE),
        ("time_zone", _("Time zone"), "text", "address", {}),  # Asia/Seoul; what it is for: crm/calendar.py
        ("budget", _("Budget"), "choice", "qualification", {"options": BUDGETS}),
        ("authority", _("Authority"), "choice", "qualification", {"options": AUTHORITY}),
        ("need", _("Need"), "text", "qualification", {}),
        ("timeframe", _("Timeframe"), "choice", "qualification", {"options": TIMEFRAMES}),
        ("competitor", _("Works at a competitor"), "boolean", "qualification", {}),
        ("student", _("Student"), "boolean", "qualification", {}),
        ("supplier", _("Works at a supplier"), "boolean", "qualification", {}),
        ("retired", _("Retired"), "boolean", "qualification", {}),
        ("partner", _("Partner"), "boolean", "qualification", {}),
        ("employee", _("Our own employee"), "boolean", "qualification", {}),
        ("stage_since", _("In this stage since"), "datetime", "qualification", {"read_only": True, "form_field": False, "indexed": True}),
        ("sales_verdict", _("Verdict of sales"), "choice", "qualification", {"options": VERDICTS, "read_only": True, "form_field": False, "indexed": True}),
        ("paused_until", _("No marketing until"), "datetime", "qualification", {"read_only": True, "form_field": False}),
        ("original_source", _("Original source"), "choice", "source", {"options": SOURCES, **OURS, "indexed": True}),
        ("original_source_1", _("Original source: detail"), "text", "source", {**OURS, "indexed": True}),
        ("original_source_2", _("Original source: second detail"), "text", "source", OURS),
        ("latest_source", _("Latest source"), "choice", "source", {"options": SOURCES, **OURS, "indexed": True}),
        ("latest_source_1", _("Latest source: detail"), "text", "source", OURS),
        ("latest_source_2", _("Latest source: second detail"), "text", "source", OURS),
        ("latest_source_at", _("Latest visit since"), "datetime", "source", OURS),
        ("first_url", _("First page"), "text", "source", OURS),
        ("first_referrer", _("First referring page"), "text", "source", OURS),
        ("first_utm_source", _("First campaign: source"), "text", "source", OURS),
        ("first_utm_medium", _("First campaign: medium"), "text", "source", OURS),
        ("first_utm_campaign", _("First campaign: name"), "text", "source", OURS),
        ("first_utm_term", _("First campaign: search term"), "text", "source", OURS),
        ("first_utm_content", _("First campaign: content"), "text", "source", OURS),
    ),
)
