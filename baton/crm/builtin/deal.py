"""Deals: what may be sold, on its way to a contract."""

from django.utils.translation import gettext_noop as _

from .choices import CURRENCIES, PRIORITIES
from .shape import Kind, Way

TYPES = {"newbusiness": _("New business"), "existingbusiness": _("Existing business")}

KIND = Kind(
    key="deal",
    plural="deals",
    type_id="0-3",
    label=_("Deal"),
    label_plural=_("Deals"),
    icon="handshake",
    primary="dealname",
    secondary=("amount", "dealstage"),
    searchable=("dealname", "description"),
    stage_property="dealstage",
    usual=("amount", "dealstage", "closedate", "owner_id", "company", "created_at"),
    groups={"basic": _("Basics"), "outcome": _("Outcome")},
    properties=(
        ("dealname", _("Deal name"), "text", "basic", {"indexed": True}),
        ("amount", _("Amount"), "number", "basic", {"field_type": "currency", "indexed": True}),
        ("currency", _("Currency"), "choice", "basic", {"options": CURRENCIES}),
        ("closedate", _("Close date"), "date", "basic", {"indexed": True}),
        ("pipeline", _("Pipeline"), "text", "basic", {}),
        ("dealstage", _("Deal stage"), "text", "basic", {"indexed": True}),
        ("owner_id", _("Owner"), "user", "basic", {}),
        ("dealtype", _("Deal type"), "choice", "basic", {"options": TYPES}),
        ("priority", _("Priority"), "choice", "basic", {"options": PRIORITIES}),
        ("description", _("Description"), "text", "basic", {"field_type": "textarea"}),
        ("next_step", _("Next step"), "text", "basic", {}),
        ("stage_since", _("In this stage since"), "datetime", "outcome", {"read_only": True}),
        ("probability", _("Probability"), "number", "outcome", {"read_only": True, "field_type": "percent"}),
        ("weighted_amount", _("Weighted amount"), "number", "outcome", {"read_only": True, "field_type": "currency", "formula": "amount * probability"}),
        ("closed_won_reason", _("Why it was won"), "text", "outcome", {"field_type": "textarea"}),
        ("closed_lost_reason", _("Why it was lost"), "text", "outcome", {"field_type": "textarea"}),
    ),
    pipeline=Way(
        "default",
        _("Sales pipeline"),
        (
            ("appointmentscheduled", _("Appointment scheduled"), 0.2, False, 14 * 24),
            ("qualifiedtobuy", _("Qualified to buy"), 0.4, False, 14 * 24),
            ("presentationscheduled", _("Presentation scheduled"), 0.6, False, 21 * 24),
            ("decisionmakerboughtin", _("Decision maker bought in"), 0.8, False, 21 * 24),
            ("contractsent", _("Contract sent"), 0.9, False, 14 * 24),
            ("closedwon", _("Won"), 1.0, True, None),
            ("closedlost", _("Lost"), 0.0, True, None),
        ),
    ),
)
