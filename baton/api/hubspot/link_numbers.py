"""The numbers HubSpot's clients know kinds of links by: built-in pairs as HubSpot numbers them, all other pairs by a rule, names as they are stored."""

from dataclasses import dataclass

from baton.crm import types
from baton.crm.models import AssociationLabel

PLAIN: dict[tuple[str, str], int] = {}  # (from, to) -> the number of a link without a name
for _one, _other, _there, _back in (
    ("contact", "company", 279, 280), ("deal", "contact", 3, 4), ("deal", "company", 341, 342), ("contact", "ticket", 15, 16),
    ("ticket", "company", 339, 340), ("deal", "line_item", 19, 20), ("deal", "ticket", 27, 28), ("deal", "quote", 63, 64),
    ("quote", "line_item", 67, 68), ("quote", "contact", 69, 70), ("quote", "company", 71, 72), ("quote", "task", 217, 218), ("call", "meeting", 399, 400),
    ("company", "call", 181, 182), ("company", "email", 185, 186), ("company", "meeting", 187, 188), ("company", "note", 189, 190),
    ("company", "task", 191, 192), ("contact", "call", 193, 194), ("contact", "email", 197, 198), ("contact", "meeting", 199, 200),
    ("contact", "note", 201, 202), ("contact", "task", 203, 204), ("deal", "call", 205, 206), ("deal", "email", 209, 210), ("deal", "meeting", 211, 212),
    ("deal", "note", 213, 214), ("deal", "task", 215, 216), ("ticket", "call", 219, 220), ("ticket", "email", 223, 224), ("ticket", "meeting", 225, 226),
    ("ticket", "note", 227, 228), ("ticket", "task", 229, 230), ("communication", "contact", 81, 82), ("ticket", "communication", 83, 84),
    ("communication", "deal", 85, 86), ("communication", "company", 87, 88), ("contact", "contact", 449, 449), ("company", "company", 450, 450),
    ("deal", "deal", 451, 451), ("ticket", "ticket", 452, 452),
):  # fmt: skip
    PLAIN[_one, _other], PLAIN[_other, _one] = _there, _back
_PAIRS = {number: pair for pair, number in PLAIN.items()}

BUILTIN = {1, 2, 5, 6, 25, 26, 13, 14}  # the primary company from either side; child and parent company
FAMILY = {13: "parent_to_child_company", 14: "child_to_parent_company"}
PRIMARY_PAIRS = {pair for one in ("contact", "deal", "ticket") for pair in ((one, "company"), ("company", one))}

# The numbers of all other pairs are made of those of the two object types: FIRST + type * SPAN + type.
FIRST, SPAN, OWN = 1_000_000, 10_000, 1_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of link, seen from one side."""

    number: int
    from_type: str
    to_type: str
    name: str = ""  # what is stored with the link; "" for a plain one
    label: str | None = None  # what people read
    own: bool = False  # made by the company

    @property
    def category(self) -> str:
        return "USER_DEFINED" if self.own else "HUBSPOT_DEFINED"

    @property
    def typed(self) -> dict[str, object]:
        """As programs read it."""
        return {"category": self.category, "typeId": self.number, "label": self.label}


def plain(from_type: str, to_type: str) -> int:
    """The number of a link without a name."""
    return PLAIN.get((from_type, to_type)) or FIRST + _place(from_type) * SPAN + _place(to_type)


def _place(object_type: str) -> int:
    family, _, number = types.get(object_type).type_id.partition("-")
    return int(number) + (OWN if family == "2" else 0)


def of_pair(from_type: str, to_type: str) -> list[Kind]:
    """All kinds of links from one object type to another: named ones first, as people gave them, the plain one among them. One query."""
    rows = AssociationLabel.objects.filter(from_type=from_type, to_type=to_type).order_by("type_id")
    return [*(_named(row) for row in rows), Kind(plain(from_type, to_type), from_type, to_type)]


def between(from_types: set[str], to_types: set[str]) -> dict[tuple[str, str, str], Kind]:
    """The named kinds of links by (from, to, name). One query."""
    rows = AssociationLabel.objects.filter(from_type__in=from_types, to_type__in=to_types)
    return {(row.from_type, row.to_type, row.name): _named(row) for row in rows}


def numbered(numbers: set[int]) -> dict[int, Kind]:
    """The kinds of links with these numbers; those that Baton does not have are missing. One query, none when all are plain."""
    found = {number: Kind(number, *_PAIRS[number]) for number in numbers if number in _PAIRS}
    for number in numbers - found.keys():
        if number > FIRST and (pair := _pair(number)):
            found[number] = Kind(number, *pair)
    if left := [number for number in numbers - found.keys() if 0 < number < 2**31]:
        found |= {row.type_id: _named(row) for row in AssociationLabel.objects.filter(type_id__in=left)}
    return found


def _pair(number: int) -> tuple[str, str] | None:
    places = {_place(kind.key): kind.key for kind in types.all()}
    one, other = divmod(number - FIRST, SPAN)
    return (places[one], places[other]) if one in places and other in places and (places[one], places[other]) not in PLAIN else None


def _named(row: AssociationLabel) -> Kind:
    return Kind(row.type_id, row.from_type, row.to_type, row.name, row.label, own=row.type_id not in BUILTIN)


def word(kind: Kind) -> str:
    """What version 3 calls a kind of link. Where there are primary ones beside the plain ones, those have the short word."""
    if kind.number in FAMILY:
        return FAMILY[kind.number]
    if kind.own:
        return kind.name.rstrip("<>")
    short = f"{kind.from_type}_to_{kind.to_type}"
    return f"{short}_unlabeled" if (kind.from_type, kind.to_type) in PRIMARY_PAIRS and not kind.name else short
