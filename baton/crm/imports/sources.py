"""Whose export a file is, told by its headers: HubSpot, Mailchimp, Stibee, Salesmap; and what its rows are."""

from collections.abc import Sequence
from dataclasses import dataclass

from baton.crm.imports.words import folded

LABELS = {"hubspot": "HubSpot", "mailchimp": "Mailchimp", "stibee": "스티비", "salesmap": "세일즈맵"}
SALESMAP = {
    "people": "contact",
    "organization": "company",
    "deal": "deal",
    "lead": "contact",
    "product": "product",
    "고객": "contact",
    "회사": "company",
    "딜": "deal",
    "리드": "contact",
}
TELLING = {  # object type -> headers that only its files have
    "activity": {"activitytype", "activitydate", "callmeetingtitlesubject", "활동유형"},
    "ticket": {"ticketname", "ticketid", "ticketstatus", "ticketpriority", "티켓이름", "티켓상태"},
    "deal": {"dealname", "dealstage", "dealid", "closedate", "opportunityid", "closevalue", "거래명", "딜이름", "거래단계", "opportunity"},
    "product": {"productname", "sku", "salesprice", "unitprice", "listprice", "제품명", "상품명", "품번", "가격"},
    "contact": {"email", "emailaddress", "firstname", "lastname", "이메일", "이메일주소", "메일", "성명", "휴대폰", "jobtitle", "fullname", "contactid"},
    "company": {
        "companyname",
        "companydomainname",
        "domain",
        "annualrevenue",
        "numberofemployees",
        "회사명",
        "기업명",
        "사업자등록번호",
        "sector",
        "employees",
        "companyid",
    },
}


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a file from its headers."""

    origin: str  # hubspot, mailchimp, stibee, salesmap, or ""
    object_type: str  # what a row is above all
    consent: str = ""  # of everybody in the file: yes, no


def recognise(headers: Sequence[str], name: str = "") -> Source:
    """Whose file this is; the object type is a guess that the user may change."""
    plain = {folded(header.removeprefix("property_")) for header in headers}
    if prefixes := {header.partition("-")[0].strip().lower() for header in headers if "-" in header} & SALESMAP.keys():
        found = {SALESMAP[prefix] for prefix in prefixes}
        if sum(header.partition("-")[0].strip().lower() in SALESMAP for header in headers) > len(headers) / 2:
            return Source("salesmap", next(kind for kind in ("deal", "contact", "company", "product") if kind in found))
    if len(plain & {"memberrating", "optintime", "confirmtime", "leid", "euid", "lastchanged", "gmtoff", "unsubtime", "cleantime"}) >= 3:
        refused = bool(plain & {"unsubtime", "cleantime"}) or name.lower().startswith(("unsubscribed", "cleaned"))
        return Source("mailchimp", "contact", "no" if refused else "yes" if name.lower().startswith("subscribed") else "")
    if "이메일주소" in plain and plain & {"구독상태", "광고성정보수신동의", "구독일", "구독일시", "추가일", "그룹"}:
        return Source("stibee", "contact")
    kind = _kind(plain)
    theirs = {"createdate", "lastmodifieddate", "recordid", "contactowner", "companyowner", "dealowner", "ticketowner", "activityowner", "associatedcompany"}
    theirs |= {
        "associatedcontactemail",
        "associatedcompanydomain",
        "lifecyclestage",
        "leadstatus",
        "associatedcompanyids",
        "associatedcontactids",
        "hsobjectid",
    }
    return Source("hubspot" if len(plain & theirs) >= 2 else "", kind)


def _kind(plain: set[str]) -> str:
    marks = {kind: len(plain & words) for kind, words in TELLING.items()}
    if marks["activity"] >= 2:
        return "activity"
    for kind in ("ticket", "deal", "product"):
        if marks[kind] >= 2 and marks[kind] >= marks["contact"] - 1:
            return kind
    best = max(("contact", "company"), key=lambda kind: marks[kind])
    if marks[best]:
        return best
    return next((kind for kind in ("deal", "ticket", "product") if marks[kind]), "company" if plain & {"account", "company", "회사"} else "contact")
