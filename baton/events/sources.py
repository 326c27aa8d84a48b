"""Where a visit comes from: one class, two details and the campaign, worked out from the address of the first page and the page before it. Pure.

The order of the rules is HubSpot's, with what Baton knows beside it; docs/sources.md lists them. The first that fits decides.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from baton.events import places
from baton.events.places import Place

# Their words stand in crm/builtin/choices.py, beside the properties that hold them.
CLASSES = (
    "direct", "organic_search", "paid_search", "organic_social", "paid_social", "email", "referral", "ai_referral", "display", "messaging", "other_campaign",
    "offline",
)  # fmt: skip
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
CLICKS = (
    "gclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "fbclid", "li_fat_id", "msclkid", "ttclid", "twclid",
    "n_media", "n_query", "n_rank", "n_ad_group", "n_ad", "n_keyword_id", "n_keyword", "n_campaign_type", "n_ad_group_type", "n_match", "n_mall_id",
    "n_mall_pid", "napm",
)  # fmt: skip
PARAMETERS = frozenset((*UTM, *CLICKS))
NAVER = ("n_media", "n_query", "n_ad", "n_ad_group", "n_keyword", "n_keyword_id", "n_campaign_type", "napm")
GOOGLE = ("gclid", "gbraid", "wbraid")
PAID = re.compile(r"paid|ppc|cpc")
SEARCH_AD = re.compile(r"adword|ppc|cpc")
DISPLAY = frozenset({"display", "banner", "gdn", "gfa", "cpm", "da"})
MESSAGING = frozenset({"sms", "lms", "mms", "kakao", "alimtalk", "brandmessage", "friendtalk", "kakao_message", "push", "whatsapp"})
MAIL = frozenset({"mail", "e-mail", "newsletter", "edm"})
SENT = ("bt", "_hsmi", "mc_eid", "mc_cid")  # parameters that only links of mails carry
ALONE = {"fbclid": "Facebook", "li_fat_id": "LinkedIn"}  # on every link there, paid or not
LONGEST = 300  # characters of a value


@dataclass(frozen=True, slots=True)
class Source:
    """A class of CLASSES and what it means more precisely: engine and words, site and campaign, domain and address …"""

    source: str
    detail_1: str = ""
    detail_2: str = ""
    campaign: Mapping[str, str] = field(default_factory=dict)  # utm_* and click ids as given, names in small letters


@dataclass(frozen=True, slots=True)
class _Visit:
    """What the rules look at; texts in small letters but for the details."""

    page: str  # host/path
    tags: Mapping[str, str]  # utm_* and click ids as given
    extra: str  # parameter `source`
    sent: bool  # by a link of a mail
    host: str  # of the page before, "" for none or one of the own
    before: SplitResult | None
    place: Place | None

    def low(self, name: str) -> str:
        return self.tags.get(name, "").lower()

    @property
    def marked(self) -> bool:
        return any(self.tags.get(name) for name in UTM[:3])

    @property
    def social(self) -> Place | None:
        """The social site that utm_source names, else the one people came from."""
        named = places.named(self.tags.get("utm_source", ""))
        if named and named.kind == "social":
            return named
        return self.place if self.place and self.place.kind == "social" else None

    @property
    def assistant(self) -> Place | None:
        """The assistant that utm_source names, if nobody paid for it, else the one people came from."""
        named = places.named(self.tags.get("utm_source", ""))
        if named and named.kind == "ai" and not PAID.search(self.low("utm_medium")):
            return named
        return self.place if self.place and self.place.kind == "ai" and not self.marked else None

    @property
    def from_google(self) -> bool:
        return bool(self.place and self.place.kind == "search" and self.place.name == "Google" and "google" in self.host)


def classify(url: str, referrer: str, own: Collection[str] = ()) -> Source:
    """The source of a visit that begins at `url`, to which people came from `referrer` ("" for none).

    `own` are the account's domains, each with everything below it; the domain of `url` is one of them anyway. Never fails, whatever the texts are.
    """
    return arrival(url, referrer, own) or Source("direct", page(url))


def arrival(url: str, referrer: str, own: Collection[str] = ()) -> Source | None:
    """The same, or None where the address says nothing new: no campaign, and nobody else's site before it.

    A view that has an arrival of its own may begin a visit; one without goes on with the visit there is.
    """
    return _arrival(url, referrer, tuple(own))


@lru_cache(maxsize=16_384)  # people read the same pages, and come from the same places
def _arrival(url: str, referrer: str, own: tuple[str, ...]) -> Source | None:
    visit = _read(url, referrer, own)
    found = _rules(visit)
    if found is None:
        return None
    name, one, two = found
    return Source(name, _storable(one), _storable(two), visit.tags)


def campaign(url: str) -> dict[str, str]:
    """The campaign words and click ids of an address, as given; names in small letters, the first of each."""
    return _tags(_split(url))


def _rules(v: _Visit) -> tuple[str, str, str] | None:  # one rule a line, in the order of docs/sources.md
    medium, source, name, term = v.low("utm_medium"), v.low("utm_source"), v.tags.get("utm_campaign", ""), v.tags.get("utm_term", "")
    social = v.social
    if v.sent:
        return "email", name, v.tags.get("utm_content", "")
    if medium == "social" and social:
        return "organic_social", social.name, name
    if SEARCH_AD.search(v.extra):
        return "paid_search", name or "Google", term
    if any(v.tags.get(click) for click in GOOGLE):
        return "paid_search", name or "Google", term
    if (PAID.search(medium) and social) or "paidsocial" in source or "paidsocial" in medium:
        return "paid_social", social.name if social else v.tags.get("utm_source", ""), name
    if any(v.tags.get(mark) for mark in NAVER):
        return "paid_search", name or "Naver", term or v.tags.get("n_keyword", "") or v.tags.get("n_query", "")
    if v.tags.get("msclkid"):
        return "paid_search", name or "Microsoft", term
    if not v.marked and (v.tags.get("ttclid") or v.tags.get("twclid")):
        return "paid_social", "TikTok" if v.tags.get("ttclid") else "Twitter", name
    if medium in DISPLAY:
        return "display", v.tags.get("utm_source", ""), name
    if medium in MESSAGING:
        return "messaging", v.tags.get("utm_medium", ""), name
    if medium in MAIL:
        return "email", name, v.tags.get("utm_content", "")
    if assistant := v.assistant:
        return "ai_referral", assistant.name, name or _address(v)
    if v.marked and v.from_google:
        return "paid_search", name or "Google", term
    if any(SEARCH_AD.search(v.low(utm)) for utm in UTM):
        return "paid_search", name or v.tags.get("utm_source", ""), term
    if any("email" in text for text in (source, medium, name.lower(), v.extra)):
        return "email", name, v.tags.get("utm_content", "")
    if v.marked:
        return "other_campaign", name, " / ".join(filter(None, (v.tags.get("utm_source", ""), v.tags.get("utm_medium", ""))))
    return _from_referrer(v)


def _from_referrer(v: _Visit) -> tuple[str, str, str] | None:
    place = v.place
    if not v.host or (place and place.kind in ("mail", "through")):
        for click, site in ALONE.items():
            if v.tags.get(click) and not v.host and v.before is None:
                return "organic_social", site, ""
        return None
    if place is None:
        return "referral", places.registrable(v.host), _address(v)
    if place.kind == "social":
        return "organic_social", place.name, ""
    if place.kind in ("paid_search", "display"):
        return place.kind, place.name, ""
    words = places.searched(place, v.before.path, v.before.query) if v.before else ""
    if place.needs_words and not words:
        return "referral", places.registrable(v.host), _address(v)
    return "organic_search", place.name, words


def _read(url: str, referrer: str, own: Collection[str]) -> _Visit:
    here, before = _split(url), _split(referrer)
    given = _given(here)
    host = _host(before)
    mine = bool(host) and (is_own(host, own) or _same_site(host, _host(here)))
    return _Visit(
        page=page(url),
        tags=_tags(here),
        extra=given.get("source", "").lower(),
        sent=any(given.get(name) for name in SENT),
        host="" if mine else host,
        before=before if host else None,
        place=None if mine or not host else places.at(host, before.path if before else ""),
    )


def is_own(host: str, own: Collection[str]) -> bool:
    """Whether a host is one of the account's domains, or below one."""
    return any(host == domain or host.endswith(f".{domain}") for domain in own)


def _same_site(host: str, here: str) -> bool:
    return bool(here) and (host == here or ("." in here and places.registrable(host) == places.registrable(here)))


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url.strip()[:4096])
    except ValueError:
        return None


def _host(parts: SplitResult | None) -> str:
    try:
        return ((parts.hostname if parts else "") or "").rstrip(".")
    except ValueError:
        return ""


def _given(parts: SplitResult | None) -> dict[str, str]:
    """The parameters of an address, names in small letters, the first of each."""
    if parts is None or not parts.query:
        return {}
    try:
        pairs = parse_qsl(parts.query, max_num_fields=200)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), _storable(value.strip()))
    return found


def _storable(text: str) -> str:
    return text.replace("\0", "")[:LONGEST]


def _tags(parts: SplitResult | None) -> dict[str, str]:
    return {name: value for name, value in _given(parts).items() if name in PARAMETERS and value}


def page(url: str) -> str:
    """host/path of an address; what is no address stands for itself as far as it can."""
    parts = _split(url)
    return _storable(f"{_host(parts)}{parts.path.rstrip('/') if parts else ''}")


def _address(v: _Visit) -> str:
    return f"{v.host}{v.before.path.rstrip('/') if v.before else ''}"


def as_columns(found: Source) -> dict[str, Any]:
    """The source as the columns of a session."""
    return {"source": found.source, "detail_1": found.detail_1, "detail_2": found.detail_2, "campaign": dict(found.campaign)}
