"""What the DNS says of a sending domain, held against what receivers want to see, with the exact record to put there.

Every look takes a resolver, so that tests answer from a zone of their own. A look that got no answer (`unknown`) is not one that found nothing.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
import dns.reversename
from publicsuffixlist import PublicSuffixList

from baton.messaging.deliverability import dkim, spf
from baton.messaging.models import Mailbox, SendingDomain, Transport
from baton.messaging.sending import transport
from baton.platform import clock
from baton.platform.config import config

OK, WARN, BAD, UNKNOWN = "ok", "warn", "bad", "unknown"
PATIENCE = 4.0  # seconds for one question
KEYS = ("from", "spf", "dkim", "dmarc", "rdns", "bounce", "tracking", "unsubscribe")  # in the order they are shown
TAG = re.compile(r"\s*([a-z]+)\s*=\s*([^;]*)")


class Silent(Exception):
    """The DNS did not answer."""


class Resolver(Protocol):
    """As dns.resolver.Resolver."""

    def resolve(self, qname: Any, rdtype: str, *, lifetime: float | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Record:
    """A record to put into the DNS."""

    type: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Check:
    """`why` is a key of WORDS in dns_words.py, `about` what its text names."""

    key: str
    state: str
    why: str
    found: list[str] = field(default_factory=list)
    wanted: list[Record] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)


class Names:
    """Questions to a resolver, each asked once."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver: Resolver = resolver or dns.resolver.get_default_resolver()
        self.known: dict[tuple[str, str], list[str]] = {}
        self.waited = 0  # questions that nobody answered in time

    def ask(self, name: str, kind: str) -> list[str]:
        """The records as text; none when the name or such a record does not exist. Raises Silent."""
        if (name, kind) not in self.known:
            self.known[name, kind] = self._ask(name, kind)
        return self.known[name, kind]

    def _ask(self, name: str, kind: str) -> list[str]:
        if self.waited >= 2:
            raise Silent(name)  # nobody is there: a page must not wait for every question
        try:
            answer = self.resolver.resolve(name, kind, lifetime=PATIENCE)
        except dns.resolver.LifetimeTimeout:
            self.waited += 1
            raise Silent(name) from None
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise Silent(f"{name}, {type(error).__name__}") from None
        if kind == "TXT":
            return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]
        return [row.to_text().rstrip(".").lower() for row in answer]

    def addresses(self, host: str) -> list[str]:
        return self.ask(host, "A") + self.ask(host, "AAAA")


def look(domain: SendingDomain, resolver: Resolver | None = None) -> list[Check]:
    """All checks of a domain, in the order of KEYS."""
    names = Names(resolver)
    works: dict[str, Callable[[SendingDomain, Names], list[Check]]] = {
        "from": _from, "spf": _spf, "dkim": _dkim, "dmarc": _dmarc, "rdns": _rdns, "bounce": _bounce, "tracking": _tracking, "unsubscribe": _unsubscribe,
    }  # fmt: skip
    found = []
    for key in KEYS:
        try:
            found += works[key](domain, names)
        except Silent as silent:
            found.append(Check(key, UNKNOWN, "silent", about={"question": str(silent)}))
    return found


def keep(domain: SendingDomain, resolver: Resolver | None = None) -> list[Check]:
    """Look and keep what was found."""
    found = look(domain, resolver)
    SendingDomain.objects.filter(pk=domain.pk).update(checks={"rows": [asdict(check) for check in found]}, checked_at=clock.now())
    return found


def kept(domain: SendingDomain) -> list[Check]:
    """What the last look found; nothing before the first."""
    return [Check(**{**row, "wanted": [Record(**record) for record in row["wanted"]]}) for row in domain.checks.get("rows", [])]


def worst(checks: Sequence[Check]) -> str:
    """The state of a domain as a whole."""
    states = {check.state for check in checks}
    return next((state for state in (BAD, WARN, UNKNOWN, OK) if state in states), UNKNOWN)


@cache
def suffixes() -> PublicSuffixList:
    """The ends of names under which anybody registers (co.kr, com)."""
    return PublicSuffixList()


def organisation(name: str) -> str:
    """The domain that belongs to somebody: of mail.nuriwork.co.kr that is nuriwork.co.kr (RFC 7489, 3.2)."""
    return suffixes().privatesuffix(name) or name


def aligned(one: str, other: str) -> bool:
    """Whether DMARC takes the two for one sender, in its relaxed form."""
    return organisation(one) == organisation(other)


def _from(domain: SendingDomain, names: Names) -> list[Check]:
    """Receivers turn mail away that comes from a domain which could not be answered to."""
    found = names.ask(domain.name, "MX") or names.addresses(domain.name)
    return [Check("from", OK if found else BAD, "from_ok" if found else "from_nothing", found)]


def _spf(domain: SendingDomain, names: Names) -> list[Check]:
    """SPF is asked of the domain of the return path, so of the host for bounces where there is one."""
    host = domain.bounce_host or domain.name
    include, ips = _origin(domain, names)
    records = [text for text in names.ask(host, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    ways = ([f"include:{include}"] if include else []) or [f"ip{ipaddress.ip_address(ip).version}:{ip}" for ip in ips] or ["mx"]
    wanted = [Record("TXT", host, spf.extended(records[0] if len(records) == 1 else "", ways))]
    if not records:
        return [Check("spf", BAD, "spf_none", [], wanted, {"host": host})]
    if len(records) > 1:
        return [Check("spf", BAD, "spf_many", records, wanted, {"host": host})]
    read = spf.read(records[0], host, names)
    if read.problem:
        return [Check("spf", BAD, read.problem, records, wanted, {"host": host, "term": read.term})]
    missing = [include] if include and include not in read.includes else [ip for ip in ips if not read.permits(ip)]
    if missing:
        return [Check("spf", BAD, "spf_missing", records, wanted, {"host": host, "missing": ", ".join(missing)})]
    if not aligned(host, domain.name):
        return [Check("spf", WARN, "spf_other", records, [], {"host": host, "domain": domain.name})]
    if not include and not ips:
        return [Check("spf", WARN, "spf_unseen", records, [], {"host": host})]
    return [Check("spf", OK, "spf_ok", records, [], {"host": host})]


def _dkim(domain: SendingDomain, names: Names) -> list[Check]:
    """Every key that signs, or is to, must be where receivers look for it."""
    keys = list(domain.keys.exclude(state="retired").order_by("created_at"))
    signed, found = any(key.state == "active" for key in keys), []
    for key in keys:
        name = f"{key.selector}._domainkey.{domain.name}"
        wanted, texts = Record("TXT", name, dkim.record(key.algorithm, key.public)), names.ask(name, "TXT")
        about = {"selector": key.selector}
        right = [text for text in texts if re.sub(r"\s", "", _tags(text).get("p", "")) == key.public]
        if right:
            found.append(Check("dkim", OK if key.state == "active" else WARN, "dkim_ok" if key.state == "active" else "dkim_ready", texts, [wanted], about))
        elif texts:
            found.append(Check("dkim", BAD, "dkim_other", texts, [wanted], about))
        else:
            new = key.state == "new"
            found.append(Check("dkim", WARN if new and signed else BAD, "dkim_new" if new else "dkim_none", [], [wanted], about))
    return found or [Check("dkim", BAD, "dkim_no_key")]


def _dmarc(domain: SendingDomain, names: Names) -> list[Check]:
    own, above = f"_dmarc.{domain.name}", f"_dmarc.{organisation(domain.name)}"
    records: list[str] = []
    for name in dict.fromkeys((own, above)):
        records = [text for text in names.ask(name, "TXT") if _tags(text).get("v", "").upper() == "DMARC1"]
        if records:
            break
    reports = f"dmarc@{domain.bounce_host}" if domain.bounce_host else f"dmarc@{domain.name}"
    wanted = [Record("TXT", own, f"v=DMARC1; p=none; rua=mailto:{reports}")]
    if not records:
        return [Check("dmarc", BAD, "dmarc_none", [], wanted, {"domain": domain.name})]
    tags = _tags(records[0])
    if len(records) > 1 or tags.get("p", "").lower() not in ("none", "quarantine", "reject"):
        return [Check("dmarc", BAD, "dmarc_many" if len(records) > 1 else "dmarc_broken", records, wanted, {"name": name})]
    if domain.bounce_host and f"mailto:{reports}" not in tags.get("rua", "").lower():
        both = ",".join(filter(None, [tags.get("rua", "").strip(), f"mailto:{reports}"]))
        rest = "; ".join(f"{key}={value.strip()}" for key, value in tags.items() if key != "rua")
        return [Check("dmarc", WARN, "dmarc_reports", records, [Record("TXT", name, f"{rest}; rua={both}")], {"name": name, "reports": reports})]
    if tags["p"].lower() == "none":
        return [Check("dmarc", OK, "dmarc_watching", records, [], {"name": name})]
    return [Check("dmarc", OK, "dmarc_ok", records, [], {"name": name, "policy": tags["p"].lower()})]


def _rdns(domain: SendingDomain, names: Names) -> list[Check]:
    """The name of the address that mail comes from, and that this name leads back to it."""
    include, ips = _origin(domain, names)
    if include:
        return [Check("rdns", OK, "rdns_provider")]
    if not ips:
        return [Check("rdns", UNKNOWN, "rdns_unseen")]
    found, broken = [], []
    for ip in ips:
        pointers = names.ask(dns.reversename.from_address(ip).to_text().rstrip("."), "PTR")
        found += [f"{ip} → {name}" for name in pointers] or [f"{ip} → –"]
        if not any(ip in names.addresses(name) for name in pointers):
            broken.append(ip)
    if broken:
        host = urlsplit(config().url).hostname or domain.name
        wanted = [Record("PTR", dns.reversename.from_address(ip).to_text().rstrip("."), host) for ip in broken]
        return [Check("rdns", BAD, "rdns_broken", found, wanted, {"ip": ", ".join(broken)})]
    return [Check("rdns", OK, "rdns_ok", found)]


def _bounce(domain: SendingDomain, names: Names) -> list[Check]:
    """Where bounces, complaints and reports go."""
    if not domain.bounce_host:
        return [Check("bounce", WARN, "bounce_off", about={"host": f"bounce.{domain.name}"})]
    here = urlsplit(config().url).hostname or ""
    found = names.ask(domain.bounce_host, "MX")
    wanted, about = [Record("MX", domain.bounce_host, f"10 {here}")], {"host": domain.bounce_host, "here": here}
    if not found:
        return [Check("bounce", BAD, "bounce_none", [], wanted, about)]
    targets = [row.split()[-1] for row in found]
    if here in targets or Mailbox.objects.filter(active=True).exists():
        return [Check("bounce", OK, "bounce_ok" if here in targets else "bounce_mailbox", found, [], about)]
    if not any(names.addresses(target) for target in targets):
        return [Check("bounce", BAD, "bounce_nowhere", found, wanted, about)]
    return [Check("bounce", WARN, "bounce_elsewhere", found, wanted, about)]


def _tracking(domain: SendingDomain, names: Names) -> list[Check]:
    """The name in the addresses of links."""
    here = urlsplit(config().url).hostname or ""
    if not domain.tracking_host:
        good = aligned(here, domain.name)
        return [Check("tracking", OK if good else WARN, "tracking_here" if good else "tracking_off", about={"host": here, "domain": f"go.{domain.name}"})]
    wanted, about = [Record("CNAME", domain.tracking_host, here)], {"host": domain.tracking_host, "here": here}
    alias = names.ask(domain.tracking_host, "CNAME")
    if here in alias:
        return [Check("tracking", OK, "tracking_ok", alias, [], about)]
    mine = names.addresses(domain.tracking_host)
    if mine and set(mine) <= set(names.addresses(here)):
        return [Check("tracking", OK, "tracking_ok", mine, [], about)]
    return [Check("tracking", BAD, "tracking_elsewhere" if alias or mine else "tracking_none", alias or mine, wanted, about)]


def _unsubscribe(domain: SendingDomain, _names: Names) -> list[Check]:
    """Both headers are in every marketing mail and signed; what may be missing is https and a key."""
    if not domain.tracking_host and not config().url.startswith("https://"):
        return [Check("unsubscribe", BAD, "unsubscribe_http", [config().url], [])]
    if not domain.keys.filter(state="active").exists():
        return [Check("unsubscribe", BAD, "unsubscribe_unsigned")]
    found = ["List-Unsubscribe: <https://…/u/…>" + (f", <mailto:u+…@{domain.bounce_host}>" if domain.bounce_host else "")]
    return [Check("unsubscribe", OK, "unsubscribe_ok", [*found, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"])]


def _origin(domain: SendingDomain, names: Names) -> tuple[str, list[str]]:
    """What mail of this domain comes from: the SPF name of a provider, or the public addresses of a relay, as far as they can be seen from here."""
    chosen = transport.choose(domain.name)
    row = Transport.objects.filter(pk=chosen).first() if chosen else None
    if row is not None and row.kind in spf.PROVIDERS:
        return spf.PROVIDERS[row.kind], []
    given = str(row.settings.get("sends_from", "")) if row is not None else ""
    if given:
        return "", [part for part in re.split(r"[\s,]+", given) if _public(part)]
    host = str(row.settings.get("host", "")) if row is not None else urlsplit(config().smtp_url).hostname or ""
    found = [host] if _is_address(host) else names.addresses(host) if "." in host else []
    return "", [ip for ip in found if _public(ip)]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _public(ip: str) -> bool:
    return _is_address(ip) and (ipaddress.ip_address(ip).is_global or ip.startswith(DOCUMENTATION))


DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")  # RFC 5737: the addresses of examples


def _tags(text: str) -> dict[str, str]:
    """`v=DKIM1; k=rsa; p=...` as a table."""
    return {match[1]: match[2] for part in text.split(";") if (match := TAG.match(part.replace("\n", " ")))}
