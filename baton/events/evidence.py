"""How probably a person opened a mail or clicked a link, and why. Pure Python, no database: the collector judges each hit with it.

Each reason has a weight, the logarithm of odds. A hit begins at what most hits of its kind are worth, its reasons are added, and the sum becomes a
probability. The reasons alone therefore tell the probability: one that comes later (events/hits.py) is added and all are weighed again, in any order.
docs/evidence.md is the table for people; a test compares the two.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from crawleruseragents import is_crawler

from baton.events.vocabulary import Kind

GRACE = 5.0  # seconds after the sending in which a hit is taken for a scanner's
LIMIT = 0.5  # less is a machine
KEPT_AGENT = 200  # characters
LONGEST = 500  # characters of a program's name that are looked at; no browser's is longer
USUAL = {Kind.EMAIL_OPEN: 2.0, Kind.EMAIL_CLICK: 3.0, Kind.LINK_CLICK: 3.0}  # 88 % and 95 %


def gettext_noop(text: str) -> str:
    """Mark a text for translation. (Django's own would bring Django.)"""
    return text


# word -> weight, text
REASONS: dict[str, tuple[float, str]] = {
    # by the request alone
    "head": (-9, gettext_noop("asked only for the headers, as link checkers do")),
    "scanner": (-8, gettext_noop("a mail security gateway that says its name")),
    "preview": (-8, gettext_noop("a messenger or social network making a preview")),
    "shortener": (-8, gettext_noop("a link shortener checking the address")),
    "script": (-8, gettext_noop("a program, not a browser")),
    "crawler": (-8, gettext_noop("a known robot")),
    "scanner_network": (-8, gettext_noop("from a network that is known for scanners")),
    "prefetch": (-7, gettext_noop("fetched ahead, in case somebody clicks")),
    "privacy": (-6, gettext_noop("fetched by Apple’s privacy service, whether it is read or not")),
    "relay": (-5, gettext_noop("through a relay that fetches every mail")),
    "no_agent": (-5, gettext_noop("does not say which program it is")),
    "bare_agent": (-5, gettext_noop("calls itself a browser without saying which")),
    "fetched": (-3.5, gettext_noop("loaded by a script inside a page")),
    "odd_agent": (-4.6, gettext_noop("is no browser that we know")),
    "old_agent": (-1.5, gettext_noop("a browser that is many years old")),
    "no_fetch": (-1.5, gettext_noop("lacks headers that this browser always sends")),
    "no_language": (-1.2, gettext_noop("does not say its language")),
    "no_html": (-1.2, gettext_noop("does not ask for a page")),
    "image_proxy": (0, gettext_noop("through the image store of a mail provider, when somebody opened it")),
    "gesture": (1.5, gettext_noop("the browser says that somebody clicked")),
    # by the clock
    "early": (-6, gettext_noop("seconds after the sending, before anybody can have read it")),
    # by what else happened; found later
    "trap": (-12, gettext_noop("followed a link that no person can see")),
    "fan_out": (-5, gettext_noop("several links of the mail at the same instant")),
    "companion": (-5, gettext_noop("the same program asked only for the headers, seconds before or after")),
    "crowd": (-5, gettext_noop("mails of several colleagues from one network at the same instant")),
    "landed": (8, gettext_noop("stayed, scrolled or clicked on the page it led to")),
    "read": (5, gettext_noop("a person clicked in this mail afterwards")),
    # by somebody's hand
    "program": (-99, gettext_noop("a colleague says it was a program")),
    "person": (99, gettext_noop("a colleague says it was a person")),
}
HAND = frozenset({"program", "person"})

# Names that mail security puts in its user agent. What names itself a robot in other ways is in crawler-user-agents already.
SCANNERS = re.compile(
    r"barracuda|mimecast|proofpoint|urldefense|symantec|messagelabs|brightmail|fortimail|fortigate|fortiguard|fortinet|fortisandbox|sophos"
    r"|trend ?micro|trendmicro|imsva|ironport|cisco[ /_-]?(secure|email|esa|talos|umbrella)|safelinks|safe links|bingpreview"
    r"|microsoft office (existence|protocol) discovery|ms-?office|exchangeservices|atp[ -]?(scan|detonation|safe)|office ?365 atp"
    r"|google-?safety|google-?inspection|avanan|check ?point|forcepoint|websense|hornetsecurity|ironscales|vadesecure|cloudmark|trustwave|fireeye|trellix"
    r"|mcafee|zscaler|spamtitan|mailguard|libraesva|kaspersky|bitdefender|virustotal|urlscan|netcraft|phishtank|abusix|spamhaus",
    re.IGNORECASE,
)
PREVIEWS = re.compile(
    r"slackbot|slack-imgproxy|kakaotalk-scrap|facebookexternalhit|facebookcatalog|twitterbot|linkedinbot|telegrambot|discordbot|whatsapp/|skypeuripreview"
    r"|line-?poker|linespider|viber|google[ -]?web ?preview|google-pagerenderer|iframely|embedly|pinterest|redditbot|vkshare|yeti|naver(bot|.*preview)",
    re.IGNORECASE,
)
SHORTENERS = re.compile(r"bitly|bit\.ly|tinyurl|rebrandly|owly|ow\.ly|vivoldi|shorturl|short\.io|urlshort|t2m|snip\.ly", re.IGNORECASE)
SCRIPTS = re.compile(
    r"^(curl|wget|python|go-http|java|jakarta|apache-http|okhttp|axios|node|undici|got |ruby|perl|libwww|lwp|php|guzzle|dart|scrapy|httpie|postman|insomnia"
    r"|winhttp|powershell|dalvik|rest-?client|restsharp|aiohttp|httpx|http_request|faraday|mechanize)"
    r"|headless|phantomjs|puppeteer|playwright|selenium|webdriver|electron/.*scan|windowspowershell|winhttp",
    re.IGNORECASE,
)
IMAGE_PROXIES = re.compile(r"googleimageproxy|yahoomailproxy|yahoo mail proxy|mailproxy|naver ?mail|hanmail|outlook-?imageproxy", re.IGNORECASE)
MAIL_PROGRAMS = re.compile(r"outlook|ms-?office|thunderbird|lotus|notes/|airmail|emclient|em client|apple ?mail|mailspring|postbox", re.IGNORECASE)
CHROMIUM = re.compile(r"(?:Chrome|Chromium|CriOS)/(\d+)")
FIREFOX = re.compile(r"Firefox/(\d+)")
SAFARI = re.compile(r"Version/(\d+)\.(\d+)[^ ]* (?:Mobile/\S+ )?Safari/")
OLD = re.compile(r"MSIE [2-9]\.|Windows (?:NT [45]|9[58]|CE)|Android [1-4]\.|Opera/[1-9]\.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`human`: 0 to 1. `why`: words of REASONS, what speaks against a person first."""

    human: float
    why: tuple[str, ...] = ()

    @property
    def machine(self) -> str:
        """The first reason when it was probably no person, else ""."""
        return "" if self.human >= LIMIT else self.why[0]

    def payload(self) -> dict[str, Any]:
        """As it is kept with the hit: `machine` is there only for a machine, as filters ask."""
        return {"human": self.human, **({"why": list(self.why)} if self.why else {}), **({"machine": self.machine} if self.machine else {})}


def judge(
    *,
    kind: Kind,
    method: str = "GET",
    user_agent: str = "",
    network: str = "",
    delay: float | None = None,
    headers: Mapping[str, str] | None = None,
    grace: float = GRACE,
    secure: bool = False,
    headless: bool = False,
) -> Verdict:
    """What the request says of who made it. Look again with `again` when more is known.

    `network`: what kind of network it came from, "relay" or "scanner" (collector/networks.py); anything else says nothing. `delay`: seconds since the
    sending, if known. `headers`: by small name. `secure`: whether our address is https, without which browsers leave some headers out. `headless`:
    browsers without a window pass, as in the demo.
    """
    user_agent = user_agent[:LONGEST]
    why = set(_by_agent(user_agent, kind == Kind.EMAIL_OPEN, headless))
    given = headers or {}
    if method not in ("GET", "POST"):
        why.add("head")
    if network == "scanner":
        why.add("scanner_network")
    elif network == "relay" and kind == Kind.EMAIL_OPEN:
        why.add("relay")
    purpose = " ".join(given.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
    if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose:
        why.add("prefetch")
    if kind != Kind.EMAIL_OPEN and headers is not None:
        why |= _by_headers(given, user_agent, secure)
    if delay is not None and delay < grace:
        why.add("early")
    return weigh(kind, why)


def weigh(kind: int, why: Iterable[str]) -> Verdict:
    """The verdict of some reasons; unknown words weigh nothing."""
    known = sorted({word for word in why if word in REASONS}, key=lambda word: (REASONS[word][0], word))
    total = USUAL.get(Kind(kind), 3.0) + sum(REASONS[word][0] for word in known)
    return Verdict(round(min(max(1 / (1 + math.exp(-max(min(total, 50), -50))), 0.01), 0.99), 2), tuple(known))


def again(kind: int, payload: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """The payload of a hit for which more reasons were found. What a colleague said of it stays."""
    before = {*words(payload)}
    why = {*more, *(before - HAND if HAND & {*more} else before)}
    rest = {name: value for name, value in payload.items() if name not in ("human", "why", "machine")}
    return rest | weigh(kind, why).payload()


def words(payload: Mapping[str, Any]) -> list[str]:
    """The reasons kept with a hit; of one from before there were reasons, what its mark says."""
    why = payload.get("why")
    if isinstance(why, list):
        return [str(word) for word in why]
    return [str(payload["machine"])] if payload.get("machine") else []


def early(kind: int, payload: str) -> str:
    """A hit (JSON) of which it is known now that it came within the seconds after the sending."""
    return json.dumps(again(kind, json.loads(payload), "early"))


@lru_cache(8192)
def _by_agent(user_agent: str, image: bool, headless: bool) -> frozenset[str]:
    """What the name of the program says. `image`: it asked for a picture, which mail programs do too."""
    agent = user_agent.strip()
    if headless:
        agent = agent.replace("HeadlessChrome", "Chrome")
    if not agent:
        return frozenset({"no_agent"})
    if image:
        if agent == "Mozilla/5.0":
            return frozenset({"privacy"})
        if IMAGE_PROXIES.search(agent):
            return frozenset({"image_proxy"})
        if MAIL_PROGRAMS.search(agent):
            return frozenset()
    for word, names in (("scanner", SCANNERS), ("preview", PREVIEWS), ("shortener", SHORTENERS), ("script", SCRIPTS)):
        if names.search(agent):
            return frozenset({word})
    if is_crawler(agent):
        return frozenset({"crawler"})
    if agent == "Mozilla/5.0":
        return frozenset({"bare_agent"})
    if not image and not agent.startswith(("Mozilla/", "Opera/")):
        return frozenset({"odd_agent"})
    return frozenset({"old_agent"}) if _old(agent) else frozenset()


def _old(agent: str) -> bool:
    chromium, firefox = CHROMIUM.search(agent), FIREFOX.search(agent)
    return bool(OLD.search(agent)) or bool(chromium and int(chromium[1]) < 60) or bool(firefox and int(firefox[1]) < 52)


def _by_headers(given: Mapping[str, str], agent: str, secure: bool) -> set[str]:
    """What a browser says when somebody follows a link, and programs forget."""
    why = set()
    if not given.get("accept-language"):
        why.add("no_language")
    if "text/html" not in given.get("accept", ""):
        why.add("no_html")
    mode = given.get("sec-fetch-mode", "")
    if mode and mode != "navigate":
        why.add("fetched")
    elif given.get("sec-fetch-user") == "?1":
        why.add("gesture")
    elif not mode and secure and _sends_fetch(agent):
        why.add("no_fetch")
    return why


@lru_cache(8192)
def _sends_fetch(agent: str) -> bool:
    """Whether this browser sends Sec-Fetch-* to https addresses: Chromium since 80, Firefox since 90, Safari since 16.4."""
    if chromium := CHROMIUM.search(agent):
        return int(chromium[1]) >= 80 and "CriOS" not in agent
    if firefox := FIREFOX.search(agent):
        return int(firefox[1]) >= 90
    safari = SAFARI.search(agent)
    return bool(safari) and (int(safari[1]), int(safari[2])) >= (16, 4)  # type: ignore[index]
