"""What is sold: products, the lines of an offer, quotes."""

from django.utils.translation import gettext_noop as _

from .choices import CURRENCIES
from .shape import Kind

PERIODS = {"weekly": _("Weekly"), "monthly": _("Monthly"), "quarterly": _("Quarterly"), "per_six_months": _("Every six months"), "annually": _("Yearly")}
QUOTE_STATUS = {
    "DRAFT": _("Draft"),
    "PENDING_APPROVAL": _("Waiting for approval"),
    "APPROVED": _("Approved"),
    "APPROVAL_NOT_NEEDED": _("Published"),
    "REJECTED": _("Rejected"),
    "SIGNED": _("Signed"),
}

KINDS = (
    Kind(
        key="product",
        plural="products",
        type_id="0-7",
        label=_("Product"),
        label_plural=_("Products"),
        icon="package",
        primary="name",
        secondary=("sku", "price"),
        searchable=("name", "description", "sku"),
        usual=("sku", "price", "recurring_period", "owner_id", "created_at"),
        groups={"basic": _("Basics")},
        properties=(
            ("name", _("Name"), "text", "basic", {"indexed": True}),
            ("description", _("Description"), "text", "basic", {"field_type": "textarea"}),
            ("price", _("Price"), "number", "basic", {"field_type": "currency"}),
            ("currency", _("Currency"), "choice", "basic", {"options": CURRENCIES}),
            ("sku", _("Article number"), "text", "basic", {}),
            ("cost", _("Cost"), "number", "basic", {"field_type": "currency"}),
            ("recurring_period", _("Billed"), "choice", "basic", {"options": PERIODS}),
            ("owner_id", _("Owner"), "user", "basic", {}),
        ),
    ),
    Kind(
        key="line_item",
        plural="line_items",
        type_id="0-8",
        label=_("Line item"),
        label_plural=_("Line items"),
        icon="list",
        primary="name",
        secondary=("quantity", "amount"),
        searchable=("name",),
        usual=("quantity", "price", "discount_percentage", "amount", "created_at"),
        groups={"basic": _("Basics")},
        properties=(
            ("name", _("Name"), "text", "basic", {}),
            ("product_id", _("Product"), "number", "basic", {}),
            ("quantity", _("Quantity"), "number", "basic", {}),
            ("price", _("Price"), "number", "basic", {"field_type": "currency"}),
            ("currency", _("Currency"), "choice", "basic", {"options": CURRENCIES}),
            ("discount", _("Discount each"), "number", "basic", {"field_type": "currency"}),
            ("discount_percentage", _("Discount in percent"), "number", "basic", {}),
            ("recurring_period", _("Billed"), "choice", "basic", {"options": PERIODS}),
            (
                "amount", _("Amount"), "number", "basic",
                {"field_type": "currency", "read_only": True, "formula": "quantity * (price - discount) * (1 - discount_percentage / 100)"},
            ),
            ("owner_id", _("Owner"), "user", "basic", {}),
        ),
    ),
    Kind(
        key="quote",
        plural="quotes",
        type_id="0-14",
        label=_("Quote"),
        label_plural=_("Quotes"),
        icon="file-text",
        primary="title",
        secondary=("status", "amount"),
        searchable=("title", "number"),
        usual=("status", "amount", "expires_on", "owner_id", "created_at"),
        groups={"basic": _("Basics")},
        properties=(
            ("title", _("Title"), "text", "basic", {}),
            ("number", _("Quote number"), "text", "basic", {}),
            ("status", _("Status"), "choice", "basic", {"options": QUOTE_STATUS}),
            ("amount", _("Amount"), "number", "basic", {"field_type": "currency"}),
            ("currency", _("Currency"), "choice", "basic", {"options": CURRENCIES}),
            ("expires_on", _("Valid until"), "date", "basic", {}),
            ("language", _("Language"), "text", "basic", {}),
            ("comments", _("Comments"), "text", "basic", {"field_type": "textarea"}),
            ("terms", _("Terms"), "text", "basic", {"field_type": "textarea"}),
            ("public_key", _("Public key"), "text", "basic", {"hidden": True}),
            ("owner_id", _("Owner"), "user", "basic", {}),
        ),
    ),
)  # fmt: skip
