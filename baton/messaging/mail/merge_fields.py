"""Merge fields: which there are, how one is written with its fallback, and how they are kept whole through programs that do not know them."""

import re
from dataclasses import dataclass
from html import escape, unescape

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import properties
from baton.crm.models.property import PropertyType
from baton.messaging.models import CouponPool

PIECE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)  # anything of a template
FIELD = re.compile(r"\{\{.*?\}\}", re.DOTALL)
SIMPLE = re.compile(
    r"""\{\{-?\s*([a-z_]\w*(?:\.\w+)?)\s*(?:\|\s*default\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*(?:,\s*true\s*)?\))?\s*-?\}\}""", re.IGNORECASE
)
MENTION = re.compile(r"\b(contact|owner|account|coupon)\.(\w+)")
CHIP = re.compile(r'<span\b[^>]*?\bdata-field="([^"]*)"[^>]*>.*?</span>', re.DOTALL)
FALLBACK = re.compile(r'\bdata-fallback="([^"]*)"')
NAME = re.compile(r"[a-z_]\w*(?:\.\w+)?", re.IGNORECASE)
STANDS = "bjx{}xjb"  # what stands for a piece: letters and digits only, which no program quotes, breaks or takes for something else
STANDING = re.compile(r"bjx\d+xjb")
FOOTER = "{# footer #}"  # where a composed mail has the sender and the way out, as the law and the account say when it is sent (frame.py)

OWNER = ("name", "email")
ACCOUNT = ("name", "address", "phone", "email")
ADDRESSES = {"unsubscribe_url": gettext_lazy("Address to unsubscribe"), "preferences_url": gettext_lazy("Address to choose news")}
PERSONAL: dict[str, str | Promise] = {
    "contact.firstname": gettext_lazy("customer"), "contact.lastname": "", "contact.company": gettext_lazy("your company"),
    "owner.name": gettext_lazy("our team"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MergeField:
    """One that an editor offers. `fallback`: what is proposed for people who have no such value."""

    name: str  # contact.firstname
    label: str
    group: str  # contact, owner, account, coupon, mail
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A simple merge field as it stands in a text. `fallback` is None when it has none: then nothing stands there for who has no value."""

    name: str
    fallback: str | None


def catalogue() -> list[MergeField]:
    """What an editor offers: the contact's properties, those most used first, his owner, the account, coupons, and the addresses every mail has."""
    first = list(PERSONAL)
    known = [
        MergeField(f"contact.{name}", properties.label(definition), "contact", str(PERSONAL.get(f"contact.{name}", "")))
        for name, definition in properties.definitions("contact").items()
        if definition.type != PropertyType.USER
    ]
    known.sort(key=lambda one: first.index(one.name) if one.name in first else len(first))
    owner = [
        MergeField("owner.name", _("Name of the owner"), "owner", str(PERSONAL["owner.name"])),
        MergeField("owner.email", _("E-mail of the owner"), "owner"),
    ]
    words = {"name": _("Name of the account"), "address": _("Address of the account"), "phone": _("Phone of the account"), "email": _("E-mail of the account")}
    pools = CouponPool.objects.filter(archived_at=None).order_by("-pk").values_list("key", "name")
    return [
        *known, *owner, *(MergeField(f"account.{name}", words[name], "account") for name in ACCOUNT),
        *(MergeField(f"coupon.{key}", name, "coupon") for key, name in pools), *(MergeField(name, str(label), "mail") for name, label in ADDRESSES.items()),
    ]  # fmt: skip


def write(name: str, fallback: str | None = None) -> str:
    """A merge field as it stands in a text: `{{ contact.firstname|default("고객") }}`. Raises ValueError for what is no name."""
    if not NAME.fullmatch(name):
        raise ValueError(name)
    if not fallback:
        return f"{{{{ {name} }}}}"
    quoted = fallback.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("{", "(").replace("}", ")")
    return f'{{{{ {name}|default("{quoted}") }}}}'


def read(piece: str) -> Written | None:
    """The name and fallback of a merge field that an editor can show as a chip; None for anything more."""
    found = SIMPLE.fullmatch(piece.strip())
    if found is None:
        return None
    fallback = found[2] if found[2] is not None else found[3]
    return Written(found[1], None if fallback is None else re.sub(r"\\(.)", r"\1", fallback))


def mentioned(text: str) -> set[str]:
    """Names such as contact.firstname that the templates in a text read."""
    return {f"{owner}.{name}" for piece in PIECE.findall(text) for owner, name in MENTION.findall(re.sub(r"\"[^\"]*\"|'[^']*'", "", piece))}


def from_chips(html: str) -> str:
    """An editor's chips (`<span data-field="contact.firstname" data-fallback="고객">이름</span>`) as merge fields."""

    def written(chip: re.Match[str]) -> str:
        name, fallback = unescape(chip[1]), FALLBACK.search(chip[0])
        return write(name, unescape(fallback[1]) if fallback else None) if NAME.fullmatch(name) else ""

    return CHIP.sub(written, html)


def to_chips(html: str) -> str:
    """The other way, for an editor: simple merge fields become chips, anything else of a template becomes text that HTML does not misread."""
    kept = Kept()
    text = kept.away(html, html=True)

    def shown(place: re.Match[str]) -> str:
        piece = kept.back(place[0])
        if text.rfind("<", 0, place.start()) > text.rfind(">", 0, place.start()):  # within a tag: the address of a link
            return escape(piece)
        if (one := read(piece)) is None:
            return escape(piece, quote=False)
        fallback = "" if one.fallback is None else f' data-fallback="{escape(one.fallback)}"'
        return f'<span data-field="{escape(one.name)}"{fallback}>{escape(label(one.name))}</span>'

    return STANDING.sub(shown, text)


def named(text: str) -> str:
    """A text for people who look at a mail: simple merge fields by what they are called, [성]; any other piece of a template as […]."""

    def called(piece: re.Match[str]) -> str:
        found = read(piece[0])
        return f"[{label(found.name)}]" if found else "[…]"

    return FIELD.sub(called, text)


def label(name: str) -> str:
    """What a merge field is called; its own name when it is none of the catalogue."""
    if name.startswith("contact."):
        definition = properties.definitions("contact").get(name.removeprefix("contact."))
        return properties.label(definition) if definition else name
    if name.startswith("coupon."):
        return CouponPool.objects.filter(key=name.removeprefix("coupon.")).values_list("name", flat=True).first() or name
    return next((one.label for one in catalogue() if one.name == name), name)


def is_known(name: str) -> bool:
    """Whether a template can read it: `contact.firstname`."""
    owner, _dot, rest = name.partition(".")
    match owner:
        case "contact":
            return rest in ("id", "email") or rest in properties.definitions("contact")
        case "owner":
            return rest in OWNER
        case "account":
            return rest in ACCOUNT
        case "coupon":
            return CouponPool.objects.filter(key=rest).exists()
    return name in ADDRESSES


class Kept:
    """Pieces of templates put away while a program that does not know them works on a text, and put back afterwards, letter by letter."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def keep(self, piece: str) -> str:
        """What stands for a piece."""
        self.pieces.append(piece)
        return STANDS.format(len(self.pieces) - 1)

    def away(self, text: str, *, html: bool = False) -> str:
        """The text without templates. In HTML a sign within them that was written as an entity (`&quot;`) is meant as it was typed."""
        return PIECE.sub(lambda found: self.keep(unescape(found[0]) if html else found[0]), STANDING.sub("", text))

    def back(self, text: str) -> str:
        return STANDING.sub(lambda found: self.pieces[int(found[0][3:-3])], text)
