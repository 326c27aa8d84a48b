"""Who takes the mail of a domain: looked up before the mail is due, kept for a while, and never waited for."""

from collections.abc import Iterator
from datetime import timedelta

import dns.resolver
import pytest

from baton.messaging.campaigns import freeze, receivers, steering, verbs
from baton.messaging.models import Email, EmailVersion, ReceiverDomain
from baton.messaging.sending import groups, mx, operators
from baton.platform import clock
from baton.platform.actor import SYSTEM
from tests.messaging.conftest import person
from tests.messaging.test_dns_checks import Server

pytestmark = pytest.mark.django_db


@pytest.fixture
def dns_server() -> Iterator[Server]:
    made = Server()
    groups.forget()
    yield made
    made.socket.close()
    groups.forget()


def known() -> dict[str, tuple[str, str]]:
    return {one.domain: (one.state, one.grouped) for one in ReceiverDomain.objects.all()}


def test_companies_are_grouped_by_who_takes_their_mail(dns_server: Server) -> None:
    dns_server.zone = {
        ("gaon.kr", "MX"): ["10 aspmx.l.google.com.", "20 alt1.aspmx.l.google.com."],
        ("haneul.co.kr", "MX"): ["0 haneul-co-kr.mail.protection.outlook.com."],
        ("dasom.kr", "MX"): ["20 kr1-aspmx2.worksmobile.com.", "10 kr1-aspmx1.worksmobile.com."],
        ("byeol.kr", "MX"): ["10 MAILAPP.hiworks.co.kr."],
        ("own.co.kr", "MX"): ["10 mail.own.co.kr."],
        ("guest.kr", "MX"): ["10 mx1.hosting-abc.co.kr."],
        ("inner.kr", "MX"): ["10 mail.corp."],
        ("closed.kr", "MX"): ["0 ."],
        ("old.kr", "A"): ["192.0.2.7"],
        ("silent.kr", "MX"): ["10 x."],
    }
    dns_server.silent = {"silent.kr"}
    names = ["gaon.kr", "haneul.co.kr", "dasom.kr", "byeol.kr", "own.co.kr", "guest.kr", "inner.kr", "closed.kr", "old.kr", "silent.kr", "gone.kr"]
    assert mx.want([*names, "naver.com", "a.example", "[10.0.0.1]", "localhost", ""]) == len(names) + 4
    assert mx.look(dns_server.resolver) == 10
    assert known() == {
        "gaon.kr": ("mx", "gmail"), "haneul.co.kr": ("mx", "microsoft365"), "dasom.kr": ("mx", "naverworks"), "byeol.kr": ("mx", "hiworks"),
        "own.co.kr": ("mx", "own.co.kr"), "guest.kr": ("mx", "hosting-abc.co.kr"), "inner.kr": ("mx", "inner.kr"), "closed.kr": ("null_mx", "closed.kr"),
        "old.kr": ("address", "old.kr"), "gone.kr": ("nothing", "gone.kr"), "silent.kr": ("silent", ""), "naver.com": ("named", "naver"),
        "a.example": ("unasked", ""), "[10.0.0.1]": ("unasked", ""), "localhost": ("unasked", ""),
    }  # fmt: skip
    assert groups.of(["gaon.kr", "silent.kr", "nobody-asked.kr"]) == {"gaon.kr": "gmail", "silent.kr": "silent.kr", "nobody-asked.kr": "nobody-asked.kr"}
    assert operators.label("naverworks") == "네이버웍스"

    dns_server.zone[("gaon.kr", "MX")] = ["10 mx.mailplug.com."]
    dns_server.silent = {"silent.kr", "dasom.kr"}
    assert mx.look(dns_server.resolver) == 0, "what is known is not asked again"
    clock.shift(timedelta(days=8))
    mx.look(dns_server.resolver)
    assert groups.of_address("sora@GAON.kr") == "mailplug", "who moved is found at his new operator after a week"
    assert known()["dasom.kr"] == ("mx", "naverworks"), "who does not answer is believed to be where he was"
    clock.shift(timedelta(days=90))
    assert mx.look(dns_server.resolver) == 0
    mx.tidy()
    assert not known()


def test_without_a_dns_everything_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    mx.want(f"d{n}.kr" for n in range(100))
    monkeypatch.setattr(dns.resolver, "get_default_resolver", nobody)
    assert mx.look() == 0

    class Away:
        asked = 0

        def resolve(self, *_: object, **__: object) -> None:
            self.asked += 1
            raise dns.resolver.NoNameservers

    assert mx.look(away := Away()) == 0
    assert away.asked == mx.BATCH, "it stops asking"
    assert groups.of_address("a@d1.kr") == "d1.kr"


def test_the_domains_of_an_audience_are_named_when_it_is_scheduled_and_when_it_is_frozen(email: Email) -> None:
    people = [person("a@gaon.kr"), person("b@gaon.kr"), person("c@naver.com")]
    content = {name: getattr(email, name) for name in ("subject", "preheader", "body", "purpose", "language")}
    EmailVersion.objects.create(email=email, number=1, content=content, published_at=clock.now(), published_by="system")
    Email.objects.filter(pk=email.pk).update(version=1)
    made = verbs.create("소식지", SYSTEM, email_id=email.pk, audience={"contacts": people[:1]})
    receivers.name(campaign_id=made.pk)
    assert set(known()) == {"gaon.kr"}
    verbs.change(made.pk, SYSTEM, audience={"contacts": people})
    steering.start(made.pk, SYSTEM)
    freeze.freeze(made.pk)
    receivers.name(campaign_id=made.pk)
    assert known() == {"gaon.kr": ("", ""), "naver.com": ("named", "naver")}
