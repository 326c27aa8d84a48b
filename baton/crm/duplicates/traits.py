"""By which traits two records look like one, and how much each says. Pure: no database.

A trait becomes a key (kind and hash); records with a key in common are compared. What contradicts (another name, another mobile number, another business
number) takes points away.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from baton.crm import mail_domains, mailboxes

Values = Mapping[str, Any]
Key = tuple[int, int]  # kind, hash

MAIL, MOBILE, PHONE, NAME_COMPANY, NAME_DOMAIN, NEAR, COMPANY_NAME, DOMAIN, NUMBER = range(1, 10)
WORDS = {
    MAIL: "mail", MOBILE: "mobile", PHONE: "phone", NAME_COMPANY: "name_company", NAME_DOMAIN: "name_domain", NEAR: "near", COMPANY_NAME: "company_name",
    DOMAIN: "domain", NUMBER: "number",
}  # fmt: skip
WEIGHT = {MAIL: 0.9, MOBILE: 0.75, PHONE: 0.4, NAME_COMPANY: 0.7, NAME_DOMAIN: 0.8, NEAR: 0.55, COMPANY_NAME: 0.75, DOMAIN: 0.7, NUMBER: 0.97}
MOST = {kind: 20 for kind in WEIGHT}  # records with one key; above it the key says nothing (a switchboard, a name like many)
ENOUGH = 50  # points from which two records are shown

WATCHED = {
    "contact": frozenset({"email", "additional_emails", "phone", "mobilephone", "firstname", "lastname", "company", "archived"}),
    "company": frozenset({"name", "domain", "website", "phone", "business_number", "archived"}),
}
FORMS = re.compile(
    r"\((주|유|사|재|합|자|의|학|복)\)|주식회사|유한회사|유한책임회사|합자회사|합명회사|사단법인|재단법인|학교법인|의료법인|사회복지법인|농업회사법인|협동조합"
)
_ENDS = "inc incorporated co company ltd limited corp corporation llc llp lp plc gmbh ag kg se sa sas srl spa bv nv ab oy as kk pte pty holdings group"
ENDS = frozenset(_ENDS.split())
PUNCTUATION = re.compile(r"[^\w\s]|_")
_SITES = (
    "naver.com blog.naver.com cafe.naver.com smartstore.naver.com facebook.com m.facebook.com instagram.com linkedin.com kr.linkedin.com youtube.com"
    " twitter.com x.com notion.site notion.so modoo.at cafe24.com tistory.com brunch.co.kr github.com sites.google.com google.com imweb.me wixsite.com"
)
SITES = frozenset(_SITES.split())
HANGUL = re.compile(r"[가-힣]")
KINDRED = 3  # letters at the beginning or end of a local part that two addresses must share to be compared


def plain(text: Any) -> str:
    return unicodedata.normalize("NFKC", str(text or "")).casefold().strip()


def person(values: Values) -> str:
    """A person's name for comparing: Hangul family name first, else the words in alphabetical order."""
    last, first = plain(values.get("lastname")), plain(values.get("firstname"))
    if HANGUL.search(last + first):
        return re.sub(r"\s|님$", "", last + first)
    return " ".join(sorted(PUNCTUATION.sub(" ", f"{last} {first}").split()))


def company(name: Any) -> str:
    """A company's name without its legal form, spaces and signs."""
    words = PUNCTUATION.sub(" ", FORMS.sub(" ", plain(name))).split()
    while len(words) > 1 and words[-1] in ENDS:
        words.pop()
    return "".join(words)


def domains(values: Values) -> set[str]:
    """The domains a company is known by; those of providers and platforms are not."""
    found = set()
    for text in (plain(values.get("domain")), plain(values.get("website"))):
        try:
            host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        except ValueError:
            continue
        host = host.removeprefix("www.").rstrip(".")
        if "." in host and host not in SITES and host not in mail_domains.free():
            found.add(host)
    return found


def number(values: Values) -> str:
    """The business registration number's ten digits, else ""."""
    digits = re.sub(r"\D", "", str(values.get("business_number") or ""))
    return digits if len(digits) == 10 else ""


def phones(values: Values) -> dict[str, int]:
    """Numbers as digits, each with whether it is a mobile one."""
    found: dict[str, int] = {}
    for name in ("mobilephone", "phone"):
        digits = re.sub(r"\D", "", re.sub(r"^\+?82", "0", str(values.get(name) or "").partition(";")[0]))
        if len(digits) >= 8:
            found[digits] = MOBILE if digits.startswith("01") else PHONE
    return found


def mails(values: Values) -> list[str]:
    """The addresses that are somebody's own."""
    all_of_them = [plain(values.get("email")), *plain(values.get("additional_emails")).split(";")]
    return [mail for mail in all_of_them if "@" in mail and not mailboxes.is_shared(mail)]


def business(mail: str) -> str:
    """The employer's domain of an address, else ""."""
    domain = mailboxes.meant(mail).partition("@")[2]
    return "" if mail_domains.kind(domain) != "business" else domain


def traits(object_type: str, values: Values) -> set[tuple[int, str]]:
    """What tells who a record is: (kind, text)."""
    if object_type == "company":
        found = {(COMPANY_NAME, name) for name in [company(values.get("name"))] if len(name) > 1}
        found |= {(DOMAIN, domain) for domain in domains(values)}
        found |= {(NUMBER, digits) for digits in [number(values)] if digits}
        return found | {(PHONE, digits) for digits in phones(values)}
    name, employer = person(values), company(values.get("company"))
    found = {(kind, digits) for digits, kind in phones(values).items()}
    if len(name) > 1 and len(employer) > 1:
        found.add((NAME_COMPANY, f"{name}|{employer}"))
    for mail in mails(values):
        found.add((MAIL, mailboxes.meant(mail)))
        if domain := business(mail):
            if len(name) > 1:
                found.add((NAME_DOMAIN, f"{name}|{domain}"))
            box = mail.partition("@")[0]
            if len(box) >= 2 * KINDRED - 1:
                found |= {(NEAR, f"{domain}|{box[:KINDRED]}-"), (NEAR, f"{domain}|-{box[-KINDRED:]}")}
    return found


def keys(object_type: str, values: Values) -> set[Key]:
    return {(kind, _hash(f"{object_type}|{kind}|{text}")) for kind, text in traits(object_type, values)}


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


@dataclass(frozen=True, slots=True)
class Face:
    """What of a record is compared, worked out once for all its comparisons."""

    object_type: str
    traits: frozenset[tuple[int, str]]
    name: str
    mails: tuple[str, ...]
    mobiles: frozenset[str]
    number: str
    domains: frozenset[str]


def face(object_type: str, values: Values) -> Face:
    found = frozenset(trait for trait in traits(object_type, values) if trait[0] != NEAR)
    if object_type == "company":
        return Face(object_type, found, "", (), frozenset(), number(values), frozenset(domains(values)))
    mobiles = frozenset(text for kind, text in found if kind == MOBILE)
    return Face(object_type, found, person(values), tuple(mailboxes.meant(mail) for mail in mails(values)), mobiles, "", frozenset())


def compare(object_type: str, a: Values, b: Values) -> tuple[int, list[str]]:
    """How much two records look like one, 0 to 100, and by what: names of WORDS, weightiest first."""
    return alike(face(object_type, a), face(object_type, b))


def alike(a: Face, b: Face) -> tuple[int, list[str]]:
    """`compare`, of faces."""
    shared = {kind for kind, _text in a.traits & b.traits}
    if MAIL not in shared and any(_slip(x, y) for x in a.mails for y in b.mails):
        shared.add(NEAR)
    if not shared:
        return 0, []
    unlike = 1.0
    for kind in shared:
        unlike *= 1 - WEIGHT[kind]
    likely = (1 - unlike) * (_company_doubt(a, b, shared) if a.object_type == "company" else _person_doubt(a, b, shared))
    return round(100 * likely), [WORDS[kind] for kind in sorted(shared, key=lambda kind: -WEIGHT[kind])]


def _person_doubt(a: Face, b: Face, shared: set[int]) -> float:
    doubt = 1.0
    if a.name and b.name and a.name != b.name:
        one, two = a.name.replace(" ", ""), b.name.replace(" ", "")
        doubt *= 0.75 if one in two or two in one else 0.6 if MAIL in shared else 0.35
    if NAME_DOMAIN in shared and not shared & {MAIL, NEAR}:
        doubt *= 0.7  # one employer gives each of two namesakes an address of his own
    if a.mobiles and b.mobiles and not a.mobiles & b.mobiles:
        doubt *= 0.75
    return doubt


def _company_doubt(a: Face, b: Face, shared: set[int]) -> float:
    doubt = 1.0
    if a.number and b.number and a.number != b.number:
        doubt *= 0.3  # branches and sister companies
    if COMPANY_NAME not in shared and NUMBER not in shared:
        doubt *= 0.85
    if a.domains and b.domains and not a.domains & b.domains:
        doubt *= 0.8
    return doubt


def _slip(one: str, two: str) -> bool:
    """Whether two addresses, as they were meant, of one employer differ by one slip of the fingers; another digit is another person."""
    (a, _, x), (b, _, y) = one.partition("@"), two.partition("@")
    if x != y or mail_domains.kind(x) != "business" or a == b or min(len(a), len(b)) < 5 or abs(len(a) - len(b)) > 1:
        return False
    if re.sub(r"\D", "", a) != re.sub(r"\D", "", b):
        return False
    return _one_apart(a, b)


def _one_apart(a: str, b: str) -> bool:
    """Whether one letter was left out, added, changed, or two neighbours changed places."""
    if len(a) > len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    rest_a, rest_b = a[start:], b[start:]
    if len(a) < len(b):
        return rest_a == rest_b[1:]
    return rest_a[1:] == rest_b[1:] or (len(rest_a) > 1 and rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])


def pairs(members: list[int]) -> Iterator[tuple[int, int]]:
    """Every two of the members, the smaller id first."""
    ordered = sorted(members)
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            yield one, other
