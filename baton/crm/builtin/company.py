"""Companies: where contacts work."""

from django.utils.translation import gettext_noop as _

from .choices import INDUSTRIES, LIFECYCLE, PLACE
from .shape import Kind

TYPES = {"PROSPECT": _("Prospect"), "PARTNER": _("Partner"), "RESELLER": _("Reseller"), "VENDOR": _("Vendor"), "OTHER": _("Other")}

KIND = Kind(
    key="company",
    plural="companies",
    type_id="0-2",
    label=_("Company"),
    label_plural=_("Companies"),
    icon="building-2",
    primary="name",
    secondary=("domain", "industry"),
    searchable=("name", "domain", "website", "phone", "business_number"),
    usual=("domain", "industry", "numberofemployees", "annualrevenue", "city", "owner_id", "contacts", "created_at"),
    groups={"basic": _("Basics"), "address": _("Address")},
    properties=(
        ("name", _("Name"), "text", "basic", {"indexed": True}),
        ("domain", _("Domain"), "text", "basic", {"indexed": True}),
        ("website", _("Website"), "url", "basic", {}),
        ("owner_id", _("Owner"), "user", "basic", {}),
        ("industry", _("Industry"), "choice", "basic", {"options": INDUSTRIES, "indexed": True}),
        ("type", _("Type"), "choice", "basic", {"options": TYPES}),
        ("lifecyclestage", _("Lifecycle stage"), "choice", "basic", {"options": LIFECYCLE}),
        ("numberofemployees", _("Employees"), "number", "basic", {"indexed": True}),
        ("lead_score", _("Company score"), "number", "basic", {"read_only": True, "form_field": False, "indexed": True}),
        ("annualrevenue", _("Annual revenue"), "number", "basic", {"field_type": "currency", "indexed": True}),
        ("phone", _("Phone"), "phone", "basic", {}),
        ("description", _("Description"), "text", "basic", {"field_type": "textarea"}),
        ("business_number", _("Business registration number"), "text", "basic", {"indexed": True}),
        *((name, label, type, "address", {"indexed": name == "city"}) for name, label, type in PLACE),
    ),
)
