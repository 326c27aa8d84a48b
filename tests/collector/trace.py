"""A labelled trace: who opens and clicks the mails of one sending, programs of many kinds and people of many kinds, made from a seed.

Everything is as the wire shows it. What made a hit is known by its label only, which the test keeps to itself.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

LINKS = 4  # in each mail
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36 Edg/{0}.0.0.0"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Safari/605.1.15"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
PHONE = "Mozilla/5.0 (Linux; Android 14; SM-S92{}N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36"
KAKAO = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 10.{}.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Microsoft Outlook 16.0.17628; ms-office; MSOffice 16)"
GATEWAYS = (
    "Mozilla/5.0 (compatible; BarracudaCentral/1.0)",
    "Mimecast-URL-Protect/2.1",
    "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
    "FortiMail-URLFilter/7.4",
    "Sophos Email Appliance",
    "Mozilla/5.0 (compatible; TrendMicro IMSVA)",
    "IronPort-URL-Scanner",
    "Symantec.cloud MessageLabs",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Microsoft Office Existence Discovery",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/534 Safari/534 BingPreview/1.0b",
)
NAVIGATED = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "ko-KR,ko;q=0.9", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1"}
IMAGE = {"accept": "image/avif,image/webp,*/*", "accept-language": "ko-KR"}
PLAIN = {"accept": "text/html,*/*"}


@dataclass(frozen=True, slots=True)
class Landing:
    """What the tracker of the page told: seconds visible, percent seen, whether something was clicked."""

    dwell: float
    depth: int
    clicked: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One request. `at`: seconds after the sending. `what`: open, trap, or the number of a link."""

    at: float
    person: int
    what: str
    label: str
    agent: str
    address: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"
    landing: Landing | None = None

    @property
    def human(self) -> bool:
        return self.label.startswith("human")


class Maker:
    """Gives people to behaviours: `companies` of people each, who are asked once."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.companies: list[int] = []  # size of each
        self.hits: list[Hit] = []
        self._networks = 0

    def company(self, size: int) -> list[int]:
        first = sum(self.companies)
        self.companies.append(size)
        return list(range(first, first + size))

    def network(self) -> Callable[[], str]:
        """Addresses of one network."""
        self._networks += 1
        number = self._networks
        return lambda: f"{20 + number // 60000}.{number // 250 % 240}.{number % 250}.{self.random.randint(1, 254)}"

    def agent(self) -> str:
        """A browser that people use."""
        return self.random.choice((WINDOWS, EDGE, MAC, FIREFOX)).format(self.random.choice((1, 2)) + 126)

    def hit(self, at: float, person: int, what: str, label: str, agent: str, address: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        self.hits.append(Hit(at, person, what, label, agent, address, headers or {}, **more))

    def later(self, low: float = 60, high: float = 6000) -> float:
        return self.random.uniform(low, high)

    def stay(self) -> Landing:
        return Landing(self.random.uniform(12, 180), self.random.randint(55, 100), self.random.random() < 0.3)


def links(maker: Maker) -> list[str]:
    order = [str(n) for n in range(LINKS)]
    maker.random.shuffle(order)
    return order


# Programs -------------------------------------------------------------------


def fan_out(m: Maker) -> None:
    """All links within a second or four, by what looks like a browser, after the grace."""
    [who], at, agent, where = m.company(1), m.later(8, 300), m.agent(), m.network()
    m.hit(at - 0.3, who, "open", "fan-out", agent, where(), IMAGE)
    for n, link in enumerate(links(m)):
        m.hit(at + n * m.random.uniform(0.05, 1.1), who, link, "fan-out", agent, where(), NAVIGATED)


def head_then_get(m: Maker) -> None:
    """A link checker: the headers first, the page a moment later."""
    [who], at, agent, where = m.company(1), m.later(20, 900), m.agent(), m.network()
    m.hit(at, who, "1", "head then get", agent, where(), PLAIN, method="HEAD")
    m.hit(at + m.random.uniform(0.2, 6), who, "1", "head then get", agent, where(), PLAIN)


def trapped(m: Maker) -> None:
    """Follows one or two links slowly, and the one that nobody sees."""
    [who], at, agent, where = m.company(1), m.later(10, 2000), m.agent(), m.network()
    for n, link in enumerate(["trap", *links(m)[: m.random.randint(1, 2)]]):
        m.hit(at + n * m.random.uniform(1, 4.5), who, link, "trap", agent, where(), NAVIGATED)


def sandbox(m: Maker) -> None:
    """Minutes later, one browser from one network for all recipients of a company."""
    agent, where, at = m.agent(), m.network(), m.later(300, 3000)
    for who in m.company(m.random.randint(3, 6)):
        m.hit(at + m.random.uniform(0, 7), who, m.random.choice("0123"), "sandbox", agent, where(), NAVIGATED)


def many_faces(m: Maker) -> None:
    """The same with another browser each time."""
    where, at = m.network(), m.later(300, 3000)
    for who in m.company(m.random.randint(6, 9)):
        m.hit(at + m.random.uniform(0, 9), who, m.random.choice("0123"), "many faces", m.agent(), where(), NAVIGATED)


def gateway(m: Maker) -> None:
    """Says its name."""
    [who], at, where = m.company(1), m.later(1, 900), m.network()
    agent = m.random.choice(GATEWAYS)
    m.hit(at, who, "0", "gateway", agent, where(), PLAIN)


def apple(m: Maker) -> None:
    """Mail Privacy Protection: every picture, read or not."""
    [who], where = m.company(1), m.network()
    m.hit(m.later(5, 5000), who, "open", "apple", "Mozilla/5.0", where(), IMAGE)


def prefetch(m: Maker) -> None:
    """Webmail in a browser that loads ahead."""
    [who], at, agent, where = m.company(1), m.later(30, 4000), WINDOWS.format(130), m.network()
    purpose = m.random.choice(({"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}))
    m.hit(at, who, "2", "prefetch", agent, where(), {**NAVIGATED, **purpose})


def preview(m: Maker) -> None:
    """Somebody put the link in a messenger, or a short address in a text message."""
    [who], where = m.company(1), m.network()
    agent = m.random.choice((
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
        "facebookexternalhit/1.1", "TelegramBot (like TwitterBot)", "SkypeUriPreview Preview/0.5", "bitlybot/3.0 (+http://bit.ly/)", "WhatsApp/2.24",
    ))  # fmt: skip
    m.hit(m.later(60, 6000), who, "3", "preview", agent, where(), {"accept": "*/*"})


def script(m: Maker) -> None:
    """A program that does not hide."""
    [who], where = m.company(1), m.network()
    agent = m.random.choice(
        ("python-requests/2.32", "curl/8.9.1", "Go-http-client/2.0", "Java/17.0.2", "okhttp/4.12", "axios/1.7", "", "Wget/1.21", "Apache-HttpClient/5")
    )
    m.hit(m.later(6, 3000), who, m.random.choice("0123"), "script", agent, where(), {"accept": "*/*"})


def at_once(m: Maker) -> None:
    """A perfect browser, in the seconds of delivery."""
    [who], agent, where = m.company(1), m.agent(), m.network()
    m.hit(m.random.uniform(0.3, 4.5), who, "open", "at once", agent, where(), IMAGE)
    m.hit(m.random.uniform(0.3, 4.5), who, "1", "at once", agent, where(), NAVIGATED)


def headless(m: Maker) -> None:
    """Runs the page's scripts too, for a few seconds, on all links."""
    [who], at, agent, where = m.company(1), m.later(10, 600), m.agent(), m.network()
    for n, link in enumerate(links(m)):
        m.hit(at + n * 0.4, who, link, "runs scripts", agent, where(), NAVIGATED, landing=Landing(m.random.uniform(1, 8), 100))


def patient(m: Maker) -> None:
    """Stays on the page for a while, but also follows what nobody sees."""
    [who], at, agent, where = m.company(1), m.later(60, 2000), m.agent(), m.network()
    m.hit(at, who, "1", "patient", agent, where(), NAVIGATED, landing=Landing(m.random.uniform(15, 25), 40))
    m.hit(at + 6, who, "trap", "patient", agent, where(), NAVIGATED)


def bare(m: Maker) -> None:
    """The name of a browser and nothing else."""
    [who], where = m.company(1), m.network()
    m.hit(m.later(10, 3000), who, "0", "bare", WINDOWS.format(m.random.randint(88, 130)), where(), {"accept": "*/*"})


# People ---------------------------------------------------------------------


def slow(m: Maker) -> None:
    """Opens, reads, clicks some time, and reads on."""
    [who], at, agent, where = m.company(1), m.later(60, 6000), m.agent(), m.network()
    m.hit(at, who, "open", "human: slow", m.random.choice((agent, GMAIL, OUTLOOK)), where(), IMAGE)
    m.hit(at + m.later(8, 400), who, m.random.choice("0123"), "human: slow", agent, where(), NAVIGATED, landing=m.stay())


def fast(m: Maker) -> None:
    """Sits before the inbox and clicks within eight seconds."""
    [who], at, agent, where = m.company(1), m.random.uniform(3.5, 8), m.agent(), m.network()
    m.hit(at, who, m.random.choice("0123"), "human: fast", agent, where(), NAVIGATED, landing=m.stay())


def twice(m: Maker) -> None:
    """Clicks like a file on the desktop."""
    [who], at, agent, where, link = m.company(1), m.later(), m.agent(), m.network(), m.random.choice("0123")
    address = where()
    for n in (0, m.random.uniform(0.1, 0.5)):
        m.hit(at + n, who, link, "human: double click", agent, address, NAVIGATED)


def phone(m: Maker) -> None:
    """A messenger's own browser, which leaves headers out."""
    [who], where = m.company(1), m.network()
    agent = m.random.choice((PHONE, KAKAO)).format(m.random.randint(1, 6))
    m.hit(m.later(), who, m.random.choice("0123"), "human: phone", agent, where(), m.random.choice((PLAIN, {"accept-language": "ko"})))


def colleagues(m: Maker) -> None:
    """One office behind one address; the boss said: read this now."""
    where, at = m.network(), m.later(120, 5000)
    for who in m.company(m.random.randint(3, 6)):
        landing = m.stay() if m.random.random() < 0.8 else None
        m.hit(at + m.random.uniform(0, 60), who, m.random.choice("0123"), "human: colleagues", m.agent(), where(), NAVIGATED, landing=landing)


def no_scripts(m: Maker) -> None:
    """Scripts are switched off."""
    [who], at, agent, where = m.company(1), m.later(), m.agent(), m.network()
    m.hit(at, who, m.random.choice("0123"), "human: no scripts", agent, where(), NAVIGATED)


def unwatched(m: Maker) -> None:
    """Do Not Track and Global Privacy Control: a click is an action and counts."""
    [who], at, agent, where = m.company(1), m.later(), m.agent(), m.network()
    m.hit(at, who, m.random.choice("0123"), "human: do not track", agent, where(), {**NAVIGATED, "dnt": "1", "sec-gpc": "1"})


def behind_a_scanner(m: Maker) -> None:
    """The gateway looked first; the person comes later, from his own desk."""
    [who], agent, where, at = m.company(1), m.agent(), m.network(), m.random.uniform(1, 90)
    gate = m.network()
    for n, link in enumerate(links(m)):
        m.hit(at + n * 0.2, who, link, "fan-out", WINDOWS.format(120), gate(), NAVIGATED)
    m.hit(at + m.later(120, 3000), who, m.random.choice("0123"), "human: behind a scanner", agent, where(), NAVIGATED, landing=m.stay())


def two_tabs(m: Maker) -> None:
    """Opens two of the links, one after the other."""
    [who], at, agent, where = m.company(1), m.later(), m.agent(), m.network()
    address = where()
    for n, link in enumerate(links(m)[:2]):
        m.hit(at + n * m.random.uniform(1.5, 4), who, link, "human: two tabs", agent, address, NAVIGATED)


def outlook(m: Maker) -> None:
    """Outlook asks for the headers of what is clicked; then the browser opens it."""
    [who], at, agent, where = m.company(1), m.later(), m.agent(), m.network()
    address = where()
    m.hit(at, who, "1", "gateway", "Microsoft Office Existence Discovery", address, {"accept": "*/*"}, method="HEAD")
    m.hit(at + m.random.uniform(0.3, 2), who, "1", "human: outlook", agent, address, NAVIGATED)


PROGRAMS = (fan_out, head_then_get, trapped, sandbox, many_faces, gateway, apple, prefetch, preview, script, at_once, headless, patient, bare)
PEOPLE = (slow, fast, twice, phone, colleagues, no_scripts, unwatched, behind_a_scanner, two_tabs, outlook)


def trace(times: int, seed: int = 1) -> Maker:
    """Each behaviour of programs so often, each of people three times as often; hits in the order of time."""
    maker = Maker(seed)
    for behaviour in _repeated(times):
        behaviour(maker)
    maker.hits.sort(key=lambda hit: hit.at)
    return maker


def _repeated(times: int) -> Iterator[Callable[[Maker], None]]:
    for behaviour in PROGRAMS:
        yield from [behaviour] * times
    for behaviour in PEOPLE:
        yield from [behaviour] * times * 3
