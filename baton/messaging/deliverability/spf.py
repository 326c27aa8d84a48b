"""SPF records (RFC 7208), as far as is needed to say whether a record lets a sender pass and stays within the rules."""

import ipaddress
from dataclasses import dataclass, field
from typing import Protocol

LOOKUPS = 10  # RFC 7208, 4.6.4: a record that needs more is none
ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
PROVIDERS = {  # what a provider wants to be included, by the kind of its transport
    "ses": "amazonses.com",
    "sendgrid": "sendgrid.net",
    "mailgun": "mailgun.org",
    "postmark": "spf.mtasv.net",
    "brevo": "spf.brevo.com",
    "sparkpost": "sparkpostmail.com",
    "mailjet": "spf.mailjet.com",
    "resend": "amazonses.com",
    "mailersend": "_spf.mailersend.net",
}


class Names(Protocol):
    def ask(self, name: str, kind: str) -> list[str]: ...
    def addresses(self, host: str) -> list[str]: ...


@dataclass
class Read:
    """What a record and all that it includes say."""

    includes: set[str] = field(default_factory=set)
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = field(default_factory=list)
    lookups: int = 0
    problem: str = ""  # a key of WORDS in dns_words.py
    term: str = ""  # that is about

    def permits(self, ip: str) -> bool:
        address = ipaddress.ip_address(ip)
        return any(address in network for network in self.networks)


def read(record: str, host: str, names: Names) -> Read:
    """Go through a record and what it includes. Raises what `names` raises."""
    found = Read()
    _walk(record, host, names, found, own=True)
    if not found.problem and found.lookups > LOOKUPS:
        found.problem, found.term = "spf_lookups", str(found.lookups)
    return found


def extended(record: str, ways: list[str]) -> str:
    """The record with these ways put before its end; a new one when there is none."""
    terms = record.split() or ["v=spf1", "~all"]
    last = next((n for n, term in enumerate(terms) if term.lstrip("+-~?").lower() == "all" or term.lower().startswith("redirect=")), len(terms))
    end = ["~all" if term.lower() in ("+all", "all") else term for term in terms[last:]]
    return " ".join([*terms[:last], *(way for way in ways if way not in terms), *(end or ["~all"])])


def _walk(record: str, host: str, names: Names, found: Read, *, own: bool) -> None:
    for term in record.split()[1:]:
        qualifier, rest = (term[0], term[1:]) if term[0] in "+-~?" else ("+", term)
        name, sign, value = _split(rest)
        if name in ASKING:
            found.lookups += 1
        if found.lookups > 2 * LOOKUPS or (qualifier != "+" and name != "all"):
            continue
        if name == "all":
            if own and qualifier == "+":
                found.problem = "spf_all"
        elif name in ("ip4", "ip6"):
            _add(found, value, term)
        elif name in ("a", "mx"):
            _hosts(name, value.partition("/")[0] or host, names, found)
        elif name in ("include", "redirect") and value:
            if name == "include":
                found.includes.add(value.lower())
            inner = [text for text in names.ask(value, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
            if len(inner) == 1:
                _walk(inner[0], value, names, found, own=False)
            elif not found.problem:
                found.problem, found.term = "spf_dead", term
        elif name not in ("ptr", "exists", "exp") and sign != "=" and not found.problem:
            found.problem, found.term = "spf_syntax", term


def _split(term: str) -> tuple[str, str, str]:
    for sign in ":=":
        if sign in term:
            name, _sign, value = term.partition(sign)
            return name.lower(), sign, value
    name, slash, bits = term.partition("/")
    return name.lower(), "", slash + bits


def _add(found: Read, value: str, term: str) -> None:
    try:
        found.networks.append(ipaddress.ip_network(value, strict=False))
    except ValueError:
        found.problem, found.term = "spf_syntax", term


def _hosts(name: str, host: str, names: Names, found: Read) -> None:
    hosts = [row.split()[-1] for row in names.ask(host, "MX")[:LOOKUPS]] if name == "mx" else [host]
    for one in hosts:
        for ip in names.addresses(one):
            found.networks.append(ipaddress.ip_network(ip))
