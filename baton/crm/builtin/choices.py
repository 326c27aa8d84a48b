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
PRIORITIES = {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "urgent": _("Urgent")}
CURRENCIES = {code: code for code in models.CURRENCIES}
PLACE = (
    ("address", _("Street address"), "text"),
    ("city", _("City"), "text"),
    ("state", _("State or province"), "text"),
    ("zip", _("Postal code"), "text"),
    ("country", _("Country"), "text"),
)
