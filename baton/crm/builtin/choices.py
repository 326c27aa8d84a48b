"""Options that several object types share, as value: label."""

from django.utils.translation import gettext_noop as _

from baton.accounts import models

INDUSTRIES = {
    "manufacturing": _("Manufacturing"),
    "logistics": _("Logistics"),
    "it": _("IT and software"),
    "retail": _("Retail"),
    "construction": _("Construction"),
    "bio": _("Biotech and pharma"),
    "education": _("Education"),
    "finance": _("Finance"),
    "other": _("Other"),
}
LIFECYCLE = {
    "subscriber": _("Subscriber"),
    "lead": _("Lead"),
    "nurturing": _("Nurturing"),
    "mql": _("MQL"),
    "sql": _("SQL"),
    "opportunity": _("Opportunity"),
    "customer": _("Customer"),
    "evangelist": _("Evangelist"),
    "other": _("Other"),
    "recycle_a": _("Recycle A"),
    "recycle_b": _("Recycle B"),
    "deadend": _("Dead end"),
}
VERDICTS = {"ready": _("True SQL"), "not_ready": _("Not ready"), "unqualified": _("Unqualified")}
SOURCES = {  # the classes of events/sources.py
    "direct": _("Direct traffic"),
    "organic_search": _("Organic search"),
    "paid_search": _("Paid search"),
    "organic_social": _("Organic social"),
    "paid_social": _("Paid social"),
    "email": _("Email marketing"),
    "referral": _("Referrals"),
    "ai_referral": _("AI assistants"),
    "display": _("Display ads"),
    "messaging": _("Messages"),
    "other_campaign": _("Other campaigns"),
    "offline": _("Offline sources"),
}
PRIORITIES = {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "urgent": _("Urgent")}
CURRENCIES = {code: code for code in models.CURRENCIES}
PLACE = (
    ("address", _("Street address"), "text"),
    ("city", _("City"), "text"),
    ("state", _("State or province"), "text"),
    ("zip", _("Postal code"), "text"),
    ("country", _("Country"), "text"),
)
