"""Which column is which property: told by the header (name, label in both languages, synonyms) and, where that says nothing, by the values."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm import properties, types
from baton.crm.imports import names, words
from baton.crm.imports.sources import SALESMAP
from baton.crm.imports.targets import ACTIVITY, BESIDE, LINKED_BY, Target, unique_names
from baton.crm.imports.words import folded, forms
from baton.crm.models.property import PropertyType

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOBILE = re.compile(r"(\+82|0)?[ -]?1[016789][ -.]?\d{3,4}[ -.]?\d{4}")
PHONE = re.compile(r"\+?[\d(][\d ().-]{6,18}\d")
IDS = (
    "recordid",
    "contactid",
    "companyid",
    "dealid",
    "ticketid",
    "productid",
    "id",
    "hsobjectid",
    "hubspotid",
    "opportunityid",
    "accountid",
    "externalid",
    "prospectid",
    "leadid",
    "leadnumber",
    "customerid",
    "memberid",
    "userid",
    "고객번호",
    "회원번호",
    "거래번호",
)


def guess(object_type: str, headers: Sequence[str], seen: Sequence[Mapping[str, Any]], *, origin: str = "") -> list[str]:
    """A target for each column. `seen` is what scan.py found in it. A target is given to one column only, the first that fits best."""
    headers = [re.sub(r"^propert(?:y|ies)[_.]", "", header) for header in headers]  # what HubSpot's pipelines call columns
    taken: set[str] = set()
    found: list[str] = [""] * len(headers)
    for sure in (True, False):  # headers first, values for what is left
        for place, header in enumerate(headers):
            if found[place]:
                continue
            for target in _by_header(object_type, header, headers, seen[place], origin) if sure else _by_values(object_type, seen[place], taken):
                if target not in taken:
                    found[place] = target
                    taken.add(target)
                    break
    return found


def _by_header(object_type: str, header: str, headers: Sequence[str], seen: Mapping[str, Any], origin: str) -> list[str]:
    """Targets that fit a header, best first."""
    prefix, dash, rest = header.partition("-")
    if origin == "salesmap" and dash and (kind := SALESMAP.get(prefix.strip().lower())):
        if folded(rest) in IDS:
            name = property_name(header)
            return [f"property:{kind}:{name}" if name in unique_names(kind) else f"new:{kind}:text:unique"]
        return _named(kind, rest, headers)
    found = _named(object_type, header, headers)
    if found:
        return found
    if object_type == "activity" and folded(header) in ("activityid", "engagementid"):
        name = property_name(header)
        return [f"property:activity:{name}" if name in unique_names("call") else "new:activity:text:unique"]
    plain = folded(header)
    if plain in IDS and plain.removesuffix("id") not in {"contact", "company", "deal", "ticket", "product"} - {object_type}:
        name = property_name(header)
        if name in unique_names(object_type):
            return [f"property:{object_type}:{name}"]
        return [f"new:{object_type}:text:unique"] if seen.get("distinct") else []
    for (linked, by), listed in words.LINKS.items():
        if linked != object_type and plain in forms(listed) and not (object_type == "contact" and by == "email"):
            return [f"link:{linked}:{by}"]
    for kind in ("contact", "company", "deal", "ticket", "product"):
        if kind == object_type:
            continue
        for name in unique_names(kind):
            label = folded(properties.label(properties.definitions(kind)[name]))
            if plain in (folded(name), label) or (plain.rstrip("s") in (f"associated{kind}id", f"{kind}id") and folded(name) in IDS):
                return [f"link:{kind}:{name}"]
    return []


def _named(object_type: str, header: str, headers: Sequence[str]) -> list[str]:
    plain = folded(header)
    found: list[str] = []
    if object_type == "activity":
        return [
            "kind:activity" if name == "kind" else f"property:activity:{name}"
            for name, listed in words.WORDS["activity"].items()
            if plain in forms(listed) or plain == folded(name)
        ]
    definitions = properties.definitions(object_type)
    if object_type == "contact":
        others = {folded(other.rpartition("-")[2]) for other in headers}
        alone = not others & (forms(words.PEOPLE["lastname"]) | {folded("성씨")})
        if plain in forms(words.FULL_NAME) and (alone or plain != "이름"):
            found.append("fullname:contact")
        elif plain == "이름":
            found.append("property:contact:firstname")
        for what, listed in (("consent:email", words.CONSENT), ("consent_at:email", words.CONSENT_AT), ("refused:email", words.REFUSED)):
            if plain in forms(listed):
                found.append(what)
        if plain in forms(words.MORE_EMAILS):
            found.append("emails:contact")
        if plain in forms(words.MINUTES):
            found.append("minutes:contact")
    for name, definition in definitions.items():
        if not definition.read_only and plain in {folded(name), folded(name.removesuffix("_id")), *_labels(definition)}:
            found.append(f"property:{object_type}:{name}")
    for name, listed in words.WORDS.get(object_type, {}).items():
        if name in definitions and plain in forms(listed):
            found.append(f"property:{object_type}:{name}")
    if plain in forms(words.RECORD_ID):
        found.append(f"id:{object_type}")
    if plain in ("createdate", "createdat", "생성일", "등록일"):
        found.append(f"created:{object_type}")
    return list(dict.fromkeys(found))


def _labels(definition: Any) -> set[str]:
    texts = {folded(definition.label)}
    for language in ("ko", "en") if definition.builtin else ():
        with translation.override(language):
            texts.add(folded(properties.label(definition)))
    return texts - {""}


def _by_values(object_type: str, seen: Mapping[str, Any], taken: set[str]) -> list[str]:
    examples = [text for text in seen.get("examples", []) if text]
    if not examples:
        return []

    def most(test: Any) -> bool:
        return sum(bool(test(text)) for text in examples) >= 0.8 * len(examples)

    if most(EMAIL.fullmatch):
        if object_type == "contact":
            return ["property:contact:email", "emails:contact"]
        return ["link:contact:email"]
    if object_type == "company" and most(names.business_number):
        return ["property:company:business_number"]
    if object_type in ("contact", "company"):
        if most(MOBILE.fullmatch):
            return [f"property:{object_type}:{name}" for name in ("mobilephone", "phone") if name in properties.definitions(object_type)]
        if most(lambda text: PHONE.fullmatch(text) and re.search(r"[-+() .]", text)):
            return [f"property:{object_type}:phone"]
        if most(lambda text: text.lower().startswith(("http://", "https://", "www."))):
            return [f"property:{object_type}:website"]
    return []


def property_name(header: str) -> str:
    """An internal name for a new property that is made of a column: Latin letters where there are some, else `column_` and a number of the text."""
    base = re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")[:90]
    if not base:
        base = f"column_{sum(ord(letter) * (place + 1) for place, letter in enumerate(header)) % 1_000_000}"
    if base in ("id", "record_id", "hs_object_id"):
        return "external_id"
    return base if base[0].isalpha() else f"c_{base}"


def value_type(seen: Mapping[str, Any]) -> str:
    """What kind of values a column has, for a property made of it."""
    from baton.crm.imports import parse
    from baton.crm.values import Fault

    examples = [text for text in seen.get("examples", []) if text]
    for kind, test in ((PropertyType.NUMBER, parse.number), (PropertyType.DATE, parse.day)):
        try:
            for text in examples:
                if kind == PropertyType.NUMBER and re.match(r"0\d", text):
                    raise Fault("INVALID_NUMBER", "")  # a number that begins with 0 is a code
                test(text)
        except Fault:
            continue
        if examples:
            return str(kind)
    return str(PropertyType.TEXT)


def choices(object_type: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the wizard offers for a column: groups of (target, words)."""
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    if object_type == "activity":
        own = [("kind:activity", _("Kind of activity")), *((f"property:activity:{name}", activity_label(name)) for name in ACTIVITY)]
        groups.append((_("Activity"), own))
    else:
        groups.append((types.label(types.get(object_type)), _own(object_type)))
    if object_type == "contact":
        consent = [
            ("consent:email", _("Consent to e-mail: yes or no")), ("consent_at:email", _("Consent to e-mail: since when")),
            ("refused:email", _("Opted out of e-mail: yes or no")), ("consent:sms", _("Consent to text messages: yes or no")),
            ("consent:kakaotalk", _("Consent to KakaoTalk: yes or no")),
        ]  # fmt: skip
        groups.append((_("Consent"), consent))
        groups.append((_("At the event"), [("minutes:contact", _("Minutes attended"))]))
    linked = []
    for kind in ("company", "contact", "deal", "ticket", "product"):
        if kind == object_type or (object_type == "product"):
            continue
        label = types.label(types.get(kind))
        by = [*LINKED_BY[kind], *unique_names(kind), "id"]
        linked += [(f"link:{kind}:{name}", _("{record} by {property}").format(record=label, property=_by_label(kind, name))) for name in dict.fromkeys(by)]
    groups.append((_("Linked record that is there already"), linked))
    for kind in BESIDE.get(object_type, ()):
        groups.append((_("{record}, made when it is missing").format(record=types.label(types.get(kind))), _own(kind, ids=False)))
    return [(label, rows) for label, rows in groups if rows]


def activity_label(name: str) -> str:
    """What a column of a file of activities is called."""
    labels = {
        "at": _("Time"), "title": _("Title"), "body": _("Text"), "owner_id": _("Owner"), "call_outcome": _("Outcome of the call"),
        "meeting_outcome": _("Outcome of the meeting"), "task_status": _("Status of the task"), "due": _("Due date of the task"),
    }  # fmt: skip
    return labels[name]


def _by_label(kind: str, name: str) -> str:
    if name == "id":
        return _("Baton number")
    definition = properties.definitions(kind).get(types.get(kind).primary_property if name == "name" and kind != "contact" else name)
    return properties.label(definition) if definition else name


def _own(kind: str, *, ids: bool = True) -> list[tuple[str, str]]:
    rows = [("fullname:contact", _("Full name")), ("emails:contact", _("More e-mail addresses"))] if kind == "contact" else []
    for name, definition in properties.definitions(kind).items():
        if not definition.read_only and not definition.hidden and definition.field_type != "file":
            rows.append((f"property:{kind}:{name}", properties.label(definition)))
    if ids:
        rows += [(f"created:{kind}", _("Created on")), (f"id:{kind}", _("Baton number"))]
    return rows


def label(target: str, object_type: str) -> str:
    """A target in words."""
    parsed = Target.parse(target)
    if parsed.what == "new":
        return _("New property")
    return next((text for _group, rows in choices(object_type) for value, text in rows if value == target), target)
