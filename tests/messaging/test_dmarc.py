"""Reports of DMARC: read from mails as large receivers send them, and refused when they are meant to do harm."""

import gzip
import io
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from baton.accounts.models import Account
from baton.messaging.deliverability import dmarc, domains
from baton.messaging.incoming import inbound, reading
from baton.messaging.models import DmarcReport, Inbound
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
RECORD = """<record><row><source_ip>{ip}</source_ip><count>{n}</count><policy_evaluated><disposition>{verdict}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>
</policy_evaluated></row><identifiers><header_from>nuriwork.example</header_from></identifiers><auth_results><dkim><domain>nuriwork.example</domain>
<result>pass</result></dkim><spf><domain>bounce.nuriwork.example</domain><result>pass</result></spf></auth_results></record>"""


@pytest.fixture(autouse=True)
def small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made sooner."""
    monkeypatch.setattr("baton.messaging.deliverability.dkim.RSA_BITS", 1024)


def report(*records: tuple[str, int, str, str, str], number: str = "7", domain: str = "nuriwork.example", head: str = '<?xml version="1.0"?>') -> bytes:
    rows = "".join(RECORD.format(ip=ip, n=n, verdict=verdict, dkim=dkim, spf=spf) for ip, n, verdict, dkim, spf in records)
    return (
        f'{head}<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><report_metadata><org_name>mail.example</org_name><report_id>{number}</report_id>'
        "<date_range><begin>1795132800</begin><end>1795219199</end></date_range></report_metadata>"
        f"<policy_published><domain>{domain}</domain><p>none</p></policy_published>{rows}</feedback>"
    ).encode()


def mail(content: bytes, name: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "noreply@mail.example", "dmarc@bounce.nuriwork.example"
    made["Subject"] = "Report Domain: nuriwork.example Submitter: mail.example"
    made.set_content("This is an aggregate report.")
    made.add_attachment(content, maintype="application", subtype="octet-stream" if name.endswith("gz") else "zip", filename=name)
    return made


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.xml", content)
    return out.getvalue()


def test_a_report_that_comes_by_mail_shows_who_sends_in_our_name_once(nuriwork: Account) -> None:
    domains.add("nuriwork.example", SYSTEM, bounce_host="bounce.nuriwork.example")
    first = report(("203.0.113.9", 120, "none", "pass", "fail"), ("198.51.100.66", 7, "reject", "fail", "fail"))
    second = report(("203.0.113.9", 30, "none", "pass", "pass"), number="8")
    foreign = report(("192.0.2.1", 1, "none", "pass", "pass"), number="9", domain="elsewhere.example")
    for content, name in ((gzip.compress(first), "r.xml.gz"), (zipped(a=first, b=second), "r.zip"), (zipped(a=foreign), "r.zip")):
        inbound.store("lmtp", mail(content, name).as_bytes(), recipient="dmarc@bounce.nuriwork.example")
    with clock.stopped(NOW):
        inbound.take(reading.read)
        found = dmarc.sources(["nuriwork.example"])["nuriwork.example"]
        assert found == [dmarc.Source("203.0.113.9", 150, 150, 0), dmarc.Source("198.51.100.66", 7, 0, 7)]
    assert set(Inbound.objects.values_list("became", "problem")) == {("dmarc", "")}
    assert DmarcReport.objects.count() == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(b"<feedback>" + b" " * (dmarc.LARGEST + 1)), id="a bomb"),
        pytest.param(zipped(bomb=b" " * (dmarc.LARGEST + 1)), id="a zipped bomb"),
        pytest.param(
            zipped(a=report(head='<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>')),
            id="entities",
        ),
        pytest.param(gzip.compress(report())[:40], id="cut short"),
        pytest.param(b"PK\x03\x04 no archive", id="no archive"),
        pytest.param(zipped(a=b"<html>not a report</html>"), id="another document"),
        pytest.param(zipped(a=report(number="")), id="no number"),
        pytest.param(zipped(a=report().replace(b"1795132800", b"9" * 40)), id="no day"),
    ],
)
def test_what_is_no_report_or_means_harm_is_refused(nuriwork: Account, content: bytes) -> None:
    domains.add("nuriwork.example", SYSTEM)
    with pytest.raises(Invalid):
        dmarc.keep(mail(content, "r.zip"))
    inbound.store("lmtp", mail(content, "r.zip").as_bytes(), recipient="dmarc@bounce.nuriwork.example")
    inbound.take(reading.read)
    assert Inbound.objects.get().problem
    assert not DmarcReport.objects.exists()
