"""What tells a robot's answer from a person's. Whoever looks like one is thanked like everybody; his answer waits in quarantine."""

import re
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import Any

from django.utils.translation import gettext_lazy as _

from baton.crm import mail_domains
from baton.platform import clock, signing

TRAP = "baton_homepage"  # a field that people do not see; robots fill in everything
TIME = "baton_time"  # when the form was drawn, signed
OPEN = 7 * 86400  # seconds: longer nobody leaves a page open before he sends its form
WINDOW = timedelta(minutes=10)
OF_COOKIE, OF_NETWORK = 10, 40  # answers within WINDOW; a company behind one address sends more than one browser
OF_PROGRAM = 400  # answers within WINDOW of a program that says itself where its senders are: anybody can say that
REMEMBERED = 20_000  # senders; then the one that was quiet for longest is forgotten
SHORT = ("firstname", "lastname", "fullname", "company", "jobtitle", "city", "country")  # nobody's name is an address
MANY_LINKS = 3  # in a long text
LINK = re.compile(r"https?://|www\.|\bhref\s*=|\[url|\b[a-z0-9-]+\.(?:ru|xyz|top|click|info|shop|online|site)\b", re.IGNORECASE)

REASONS = {
    "trap": _("Filled in a field that people do not see"),
    "too_fast": _("Sent faster than a person can read the form"),
    "no_time": _("Sent without the page of the form"),
    "rate_cookie": _("The same browser sent very many answers"),
    "rate_network": _("Very many answers came from the same network"),
    "disposable": _("A throw-away e-mail address"),
    "links": _("Web addresses where a name is expected, or many in a text"),
    "captcha_unreachable": _("The captcha service could not be asked"),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came with an answer beside the answer."""

    trap: str = ""  # what stands in the field that nobody sees
    drawn: str = ""  # the signed time
    timed: bool = True  # whether the sender had to have one: programs have none
    address: str = ""  # of the sender's network, whole; only its truncated form is ever kept
    through: str = ""  # the address of a program that tells the sender's; as `address`
    captcha: str = ""  # the answer of the captcha's widget
    late: bool = False  # it waited on the disk: the captcha's answer has expired


def drawn() -> str:
    """What a form carries so that the time between drawing and sending is known."""
    return signing.make("form_time", int(clock.now().timestamp()))


def network(address: str) -> str:
    """An address cut to what does not tell who it is: /24, or /48."""
    try:
        there = ip_address(address)
    except ValueError:
        return ""
    there = getattr(there, "ipv4_mapped", None) or there
    return str(ip_network(f"{there}/{24 if there.version == 4 else 48}", strict=False))


def reasons(definition: Mapping[str, Any], evidence: Evidence, values: Mapping[str, Any], cookie: str) -> list[str]:
    """Why the answer is not taken at once, as words of REASONS; [] for a person's."""
    found = ["trap"] if evidence.trap else []
    seconds = definition["spam"]["seconds"]
    if evidence.timed and seconds:
        then = signing.read("form_time", evidence.drawn)
        if then is None or clock.now().timestamp() - then[0] > OPEN:  # taken from a page once and used ever since
            found.append("no_time")
        elif clock.now().timestamp() - then[0] < seconds:
            found.append("too_fast")
    if cookie and not _pace.ok(f"c:{cookie}", OF_COOKIE):
        found.append("rate_cookie")
    networks = (("n", network(evidence.address), OF_NETWORK), ("p", network(evidence.through), OF_PROGRAM))
    if not all([_pace.ok(f"{word}:{net}", most) for word, net, most in networks if net]):
        found.append("rate_network")
    if definition["spam"]["disposable"] == "quarantine" and any(mail_domains.kind(one) == "disposable" for one in addresses(definition, values)):
        found.append("disposable")
    if _links(values):
        found.append("links")
    return found


def addresses(definition: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """The e-mail addresses in an answer."""
    return [str(values[one["name"]]) for one in definition["fields"] if one["type"] == "email" and "@" in str(values.get(one["name"]) or "")]


def _links(values: Mapping[str, Any]) -> bool:
    if any(LINK.search(str(values.get(name) or "")) for name in SHORT):
        return True
    return any(len(LINK.findall(str(value))) >= MANY_LINKS for value in values.values())


class Pace:
    """How often somebody did something lately, in this process's memory: nothing is written for a flood."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def ok(self, who: str, most: int) -> bool:
        """Count one; whether it is not more than `most` within WINDOW."""
        now = clock.now().timestamp()
        with self._lock:
            times = self._times.setdefault(who, deque(maxlen=most + 1))
            self._times.move_to_end(who)
            times.append(now)
            while times[0] < now - WINDOW.total_seconds():
                times.popleft()
            if len(self._times) > REMEMBERED:
                self._times.popitem(last=False)
            return len(times) <= most

    def forget(self) -> None:
        self._times.clear()


_pace = Pace()
forget = _pace.forget
