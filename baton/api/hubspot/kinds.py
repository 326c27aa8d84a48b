"""Which object type a path names, and which a client may ask for although Baton has none of them."""

from django.http import HttpRequest

from baton.accounts import scopes
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.crm import types
from baton.crm.models import ObjectType

# Types HubSpot has and Baton has not, by plural, with their numbers. Programs that copy everything ask for them unconditionally:
# they get an empty answer, not a fault.
LACKING = {
    "postal_mail": "0-116",
    "orders": "0-123",
    "leads": "0-136",
    "carts": "0-142",
    "services": "0-162",
    "courses": "0-410",
    "listings": "0-420",
    "appointments": "0-421",
    "users": "0-115",
    "feedback_submissions": "0-19",
    "conversations": "0-11",
    "invoices": "0-53",
    "marketing_events": "0-54",
    "subscriptions": "0-69",
    "deal_splits": "0-72",
    "goal_targets": "0-74",
    "taxes": "0-85",
    "commerce_payments": "0-101",
    "partner_clients": "0-145",
    "partner_services": "0-146",
    "contracts": "0-424",
    "projects": "0-970",
}
_WORDS = {
    *LACKING,
    *LACKING.values(),
    *(plural.removesuffix("s") for plural in LACKING),
    "deal_split",
    "feedback_submission",
    "discounts",
    "discount",
    "fees",
    "fee",
}


class NeedsType(Needs):
    """`auth=NeedsType("read")`: how the object type of the path is made may be read by who may read its records; changing it is a right of its own."""

    def __init__(self, verb: str) -> None:
        super().__init__(f"schemas.{verb}")

    def needed(self, request: HttpRequest) -> tuple[str, ...]:
        match = request.resolver_match
        kind = types.resolve(str(match.kwargs.get("object_type", ""))) if match else None
        if kind is None or self.scopes != ("schemas.read",):
            return self.scopes
        return (*self.scopes, f"{scopes.OBJECTS.get(kind.key, 'custom')}.read")


def lacking(word: str) -> bool:
    """Does HubSpot have this type and Baton not?"""
    word = word.strip().lower()
    return word in _WORDS and types.resolve(word) is None


def of(word: str) -> ObjectType:
    """The object type a path names: contacts, contact, 0-1, p_contract ... in any case. Raises Failure 400."""
    found = types.resolve(word)
    if found is None:
        raise Failure(400, "VALIDATION_ERROR", f"Unable to infer object type from: {word[:100]}")
    return found
