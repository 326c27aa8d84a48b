"""Tickets: what customers ask for."""

from django.utils.translation import gettext_noop as _

from .choices import PRIORITIES
from .shape import Kind, Way

CATEGORIES = {
    "PRODUCT_ISSUE": _("Product issue"),
    "BILLING_ISSUE": _("Billing issue"),
    "FEATURE_REQUEST": _("Feature request"),
    "GENERAL_INQUIRY": _("General inquiry"),
}
SOURCES = {"CHAT": _("Chat"), "EMAIL": _("Email"), "FORM": _("Form"), "PHONE": _("Phone")}

KIND = Kind(
    key="ticket",
    plural="tickets",
    type_id="0-5",
    label=_("Ticket"),
    label_plural=_("Tickets"),
    icon="ticket",
    primary="subject",
    secondary=("ticket_stage", "priority"),
    searchable=("subject", "content"),
    stage_property="ticket_stage",
    usual=("ticket_stage", "priority", "owner_id", "company", "created_at"),
    groups={"basic": _("Basics"), "service": _("Service")},
    properties=(
        ("subject", _("Subject"), "text", "basic", {"indexed": True}),
        ("content", _("Description"), "text", "basic", {"field_type": "textarea"}),
        ("pipeline", _("Pipeline"), "text", "basic", {}),
        ("ticket_stage", _("Ticket stage"), "text", "basic", {"indexed": True}),
        ("priority", _("Priority"), "choice", "basic", {"options": PRIORITIES, "indexed": True}),
        ("category", _("Category"), "choice", "basic", {"options": CATEGORIES}),
        ("source_type", _("Source"), "choice", "basic", {"options": SOURCES}),
        ("owner_id", _("Owner"), "user", "basic", {}),
        ("stage_since", _("In this stage since"), "datetime", "service", {"read_only": True}),
        ("closed_at", _("Closed at"), "datetime", "service", {"read_only": True}),
    ),
    pipeline=Way(
        "0",
        _("Support pipeline"),
        (
            ("1", _("New"), 0.0, False, 4),
            ("2", _("Waiting on contact"), 0.0, False, None),
            ("3", _("Waiting on us"), 0.0, False, 24),
            ("4", _("Closed"), 0.0, True, None),
        ),
    ),
)
