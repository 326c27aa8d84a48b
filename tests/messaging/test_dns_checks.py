"""Sending domains held against a DNS: a small real server, and what stands there after each step."""

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from baton.accounts.models import Account
from baton.cli import doctor
from baton.messaging.deliverability import dkim, dns_checks, dns_words, domains, spf
from baton.messaging.models import SendingDomain, Transport
from baton.platform.actor import SYSTEM
from baton.platform.config import config

pytestmark = pytest.mark.django_db


class Server:
    """A DNS server on UDP that knows what is in `zone`: {(name, type): [values]}."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.silent: set[str] = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def resolver(self) -> dns.resolver.Resolver:
        made = dns.resolver.Resolver(configure=False)
        made.nameservers, made.port = ["127.0.0.1"], self.socket.getsockname()[1]
        return made

    def _run(self) -> None:
        while True:
            try:
                data, sender = self.socket.recvfrom(4096)
            except OSError:
                return
            asked = dns.message.from_wire(data)
            answer = dns.message.make_response(asked)
            answer.flags |= dns.flags.RA
            name = asked.question[0].name.to_text().rstrip(".").lower()
            kind = asked.question[0].rdtype.name
            if name in self.silent:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif values := self.zone.get((name, kind)):
                answer.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", kind, *values))
            elif not any(known == name for known, _kind in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), sender)


@pytest.fixture(autouse=True)
def small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made sooner."""
    monkeypatch.setattr("baton.messaging.deliverability.dkim.RSA_BITS", 1024)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.socket.close()


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config().model_copy(update={"base_url": "https://baton.nuriwork.example", "smtp_url": "smtp://relay.nuriwork.example:25"})
    for module in ("dns_checks", "domains"):
        monkeypatch.setattr(f"baton.messaging.deliverability.{module}.config", lambda: settings)


def txt(text: str) -> list[str]:
    """As a zone file has it: pieces of at most 255 characters."""
    return [" ".join(f'"{text[n : n + 250]}"' for n in range(0, len(text), 250))]


def states(domain: SendingDomain, server: Server) -> dict[str, tuple[str, str]]:
    found = dns_checks.keep(domain, server.resolver)
    domain.refresh_from_db()
    assert dns_checks.kept(domain) == found
    assert all(dns_words.told(check.why, check.about) and dns_words.LABELS[check.key] for check in found)
    return {check.key: (check.state, check.why) for check in found}


def put(domain: SendingDomain, server: Server, *keys: str) -> None:
    """Do what the page says: copy the wanted records into the DNS."""
    for check in dns_checks.kept(domain):
        if check.key in keys:
            for record in check.wanted:
                server.zone[record.name, record.type] = txt(record.value) if record.type == "TXT" else [record.value + "."]


@pytest.mark.usefixtures("public")
def test_from_an_empty_zone_to_a_domain_in_order_by_copying_what_is_shown(nuriwork: Account, server: Server) -> None:
    domain = domains.add("mail.nuriwork.example", SYSTEM, bounce_host="bounce.nuriwork.example", tracking_host="go.nuriwork.example")
    server.zone["baton.nuriwork.example", "A"] = ["203.0.113.5"]
    server.zone["relay.nuriwork.example", "A"] = ["203.0.113.9"]
    assert states(domain, server) == {
        "from": ("bad", "from_nothing"),
        "spf": ("bad", "spf_none"),
        "dkim": ("bad", "dkim_new"),
        "dmarc": ("bad", "dmarc_none"),
        "rdns": ("bad", "rdns_broken"),
        "bounce": ("bad", "bounce_none"),
        "tracking": ("bad", "tracking_none"),
        "unsubscribe": ("bad", "unsubscribe_unsigned"),
    }
    assert dns_checks.worst(dns_checks.kept(domain)) == "bad"
    put(domain, server, "spf", "dkim", "dmarc", "bounce", "tracking", "rdns")
    server.zone["mail.nuriwork.example", "MX"] = ["10 mx.nuriwork.example."]
    assert states(domain, server) | {"rdns": ("", "")} == {
        "from": ("ok", "from_ok"),
        "spf": ("ok", "spf_ok"),
        "dkim": ("warn", "dkim_ready"),
        "dmarc": ("ok", "dmarc_watching"),
        "rdns": ("", ""),
        "bounce": ("ok", "bounce_ok"),
        "tracking": ("ok", "tracking_ok"),
        "unsubscribe": ("bad", "unsubscribe_unsigned"),
    }
    domains.activate(domain.keys.get().pk, SYSTEM)
    server.zone["9.113.0.203.in-addr.arpa", "PTR"] = ["relay.nuriwork.example."]
    assert {state for state, _why in states(domain, server).values()} == {"ok"}
    assert server.zone["_dmarc.mail.nuriwork.example", "TXT"] == ['"v=DMARC1; p=none; rua=mailto:dmarc@bounce.nuriwork.example"']
    assert server.zone["bounce.nuriwork.example", "TXT"] == ['"v=spf1 ip4:203.0.113.9 ~all"']


@pytest.mark.usefixtures("public")
def test_what_is_wrong_is_said_and_the_record_to_copy_keeps_what_is_there(nuriwork: Account, server: Server) -> None:
    domain = domains.add("nuriwork.example", SYSTEM, bounce_host="bounce.nuriwork.example")
    server.zone.update({
        ("relay.nuriwork.example", "A"): ["203.0.113.9"],
        ("bounce.nuriwork.example", "TXT"): ['"v=spf1 ip4:198.51.100.1 -all"', '"some other text"'],
        ("_dmarc.nuriwork.example", "TXT"): ['"v=DMARC1;p=reject; rua=mailto:it@nuriwork.example"'],
        ("baton.nuriwork.example", "A"): ["203.0.113.5"],
    })  # fmt: skip
    key = domain.keys.get()
    domains.activate(key.pk, SYSTEM)
    server.zone[f"{key.selector}._domainkey.nuriwork.example", "TXT"] = txt(dkim.record(dkim.RSA, dkim.make(dkim.RSA)[1]))
    found = states(domain, server)
    wanted = {check.key: [record.value for record in check.wanted] for check in dns_checks.kept(domain)}
    assert found["spf"] == ("bad", "spf_missing")
    assert wanted["spf"] == ["v=spf1 ip4:198.51.100.1 ip4:203.0.113.9 -all"]
    assert found["dkim"] == ("bad", "dkim_other")
    assert found["dmarc"] == ("warn", "dmarc_reports")
    assert wanted["dmarc"] == ["v=DMARC1; p=reject; rua=mailto:it@nuriwork.example,mailto:dmarc@bounce.nuriwork.example"]
    server.silent.add("bounce.nuriwork.example")
    found = states(domain, server)
    assert (found["spf"], found["bounce"]) == (("unknown", "silent"), ("unknown", "silent")), "no answer is not the answer that there is nothing"


@pytest.mark.usefixtures("public")
def test_the_doctor_says_the_same_with_the_record(nuriwork: Account, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    domains.add("nuriwork.example", SYSTEM, bounce_host="bounce.nuriwork.example")
    monkeypatch.setattr(dns.resolver, "get_default_resolver", lambda: server.resolver)
    found = list(doctor._sending())
    assert (False, "nuriwork.example: {text}; put into the DNS: bounce.nuriwork.example MX 10 baton.nuriwork.example") in [
        (good, text.replace(dns_words.told("bounce_none", {"host": "bounce.nuriwork.example"}), "{text}")) for good, text in found
    ]
    assert len(found) == len(dns_checks.KEYS)


@pytest.mark.usefixtures("public")
def test_a_provider_wants_to_be_included_and_its_own_domain_is_no_part_of_ours(nuriwork: Account, server: Server) -> None:
    provider = Transport.objects.create(name="메일건", kind="mailgun", settings={})
    domain = domains.add("nuriwork.co.kr", SYSTEM, bounce_host="bounce.other.co.kr", transport_id=provider.pk)
    server.zone["bounce.other.co.kr", "TXT"] = ['"v=spf1 include:mailgun.org ~all"']
    server.zone["mailgun.org", "TXT"] = ['"v=spf1 ip4:198.51.100.0/24 ~all"']
    found = states(domain, server)
    assert found["spf"] == ("warn", "spf_other"), "co.kr is nobody's domain"
    assert found["rdns"] == ("ok", "rdns_provider")


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("v=spf1 +all", "spf_all"),
        ("v=spf1 ip4:nonsense -all", "spf_syntax"),
        ("v=spf1 include:nothing.example -all", "spf_dead"),
        ("v=spf1 " + " ".join(f"a:h{n}.example" for n in range(11)) + " -all", "spf_lookups"),
        ("v=spf1 include:loop.example -all", "spf_lookups"),
        ("v=spf1 a mx ip6:2001:db8::/32 redirect=more.example", ""),
    ],
)
def test_spf_records_are_read_as_receivers_read_them(record: str, problem: str) -> None:
    zone = {("loop.example", "TXT"): ["v=spf1 include:loop.example -all"], ("more.example", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"]}
    zone |= {("x.example", "MX"): ["10 mx.x.example"], ("mx.x.example", "A"): ["198.51.100.7"]}

    class Names:
        def ask(self, name: str, kind: str) -> list[str]:
            return zone.get((name, kind), [])

        def addresses(self, host: str) -> list[str]:
            return self.ask(host, "A")

    found = spf.read(record, "x.example", Names())
    assert found.problem == problem
    if not problem:
        assert [found.permits(ip) for ip in ("192.0.2.9", "198.51.100.7", "2001:db8::1", "203.0.113.1")] == [True, True, True, False]


def test_one_organisation_is_one_domain_of_the_public_list() -> None:
    assert dns_checks.aligned("mail.nuriwork.co.kr", "nuriwork.co.kr")
    assert not dns_checks.aligned("a.co.kr", "b.co.kr")
