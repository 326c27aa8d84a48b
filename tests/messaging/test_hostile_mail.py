"""Mails of strangers that are made to keep a reader busy, or to look like our own: what they cost is bounded, and what they say is not believed."""

import io
import time
import zipfile
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.messaging.deliverability import dmarc
from baton.messaging.incoming import dsn, inbound, mail_text, reading, replies
from baton.messaging.models import Inbound
from baton.platform.errors import Invalid
from tests.examples import some

SECONDS = 8.0  # of one mail; each of these took from ten seconds to hours

REPORT = b"From: mailer-daemon@x.example\r\nSubject: Undeliverable\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"a." * 500_000 + b"\r\n\r\nx",
        b"To: " + b'"a" ' * 250_000 + b"\r\n\r\nx",
        b"Content-Type: text/plain" + b"; a=b" * 200_000 + b"\r\n\r\nx",
        REPORT + b"\r\n" + b"-" * 20_000,
        REPORT + b"Content-Type: text/html\r\n\r\n" + b"<" * 200_000,
        REPORT + b"Content-Type: text/html\r\n\r\n" + b"<div " * 40_000,
        REPORT + b"Content-Type: text/html\r\n\r\n" + b"<style " * 28_000,
        b"From: a@x.example\r\n\r\n" + b"On a, " * 3300,
        b"Subject: " + b"\\" * 100_000 + b"\r\n\r\nx",
        b"From: " + b"(" * 100_000 + b"\r\n\r\nx",
        b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\nx",
        b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" + b"z" * 300_000,
        b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * 300_000,
        b"x: y\r\n" * 20_000 + b"\r\nx",
    ],
    ids=["dots", "quotes", "parameters", "dashes", "brackets", "tags", "styles", "on", "subject", "comments", "words", "punycode", "idna", "headers"],
)
def test_a_mail_made_to_keep_the_reader_busy_is_read_in_seconds(raw: bytes) -> None:
    started = time.process_time()
    mail = reading.parsed(raw)
    reading.addresses(mail)
    replies.sender(mail)
    dsn.read(mail, expected=True)
    mail_text.answer(mail)
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * 100_000,
        b"Content-Type: message/delivery-status\r\n\r\n" + b"a: b\r\n\r\n" * 100_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + b"x",
        b"a: b\r\n\r\n" + b"\n" * 700_000,
    ],
)
def test_a_mail_of_parts_without_end_is_not_taken_apart(raw: bytes) -> None:
    with pytest.raises(Invalid):
        reading.parsed(raw)


def odd(raw: bytes) -> EmailMessage:
    mail = reading.parsed(raw)
    told = [*reading.addresses(mail), replies.sender(mail), mail_text.answer(mail), mail_text.whole(mail), str(mail["subject"] or "")]
    for report in dsn.read(mail, expected=True):
        told += [report.recipient, report.text, report.status, report.remote_mta, *(report.original or {}).values()]
    for text in told:
        assert "\0" not in text
        text.encode()  # no halves of letters: the database keeps none
    replies.automatic(mail)
    dmarc.is_report(mail)
    return mail


SEEDS = [
    b"From: a@gaon.example\r\nTo: x@bounce.nuriwork.example\r\nSubject: =?utf-8?b?7JWI64WV?=\r\nContent-Type: text/plain; charset=euc-kr\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nxNrAzA==\r\n",
    b'From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
    b"Final-Recipient: rfc822; j@gaon.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nTo: x\r\n\r\n--b--\r\n",
]
HEADERS = [b"From", b"To", b"Subject", b"Message-ID", b"References", b"Content-Type", b"Content-Transfer-Encoding", b"X-Failed-Recipients", b"Auto-Submitted"]
VALUES = [
    b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"=?utf-8?q?=ED=A0=80=00?=", b"=?x?b?//?=", b"=?utf-8?q?=0d=0aBcc:_x?=", b"<>", b'"', b"((", b"group: a@b, c@d;",
    b"a@[1",
    b"multipart/mixed; boundary=", b"message/partial", b"message/delivery-status", b"text/plain; charset=undefined", b"text/plain; charset=zip",
    b"text/plain; charset*=x''%",
    b'text/html; charset="a\0b"', b"uuencode", b"base64", b"a@b," * 900, b"utf-8; \xed\x95\x9c@x", "지우@한국.example".encode(), b"xn--@xn--.example",
]  # fmt: skip


@settings(max_examples=some(15), deadline=None)
@given(
    st.sampled_from(SEEDS), st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(VALUES) | st.binary(max_size=40)), max_size=5),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=8),
)  # fmt: skip
def test_nothing_that_comes_breaks_the_reader(seed: bytes, headers: list[tuple[bytes, bytes]], spoilt: list[tuple[int, int]]) -> None:
    raw = bytearray(b"".join(name + b": " + value + b"\r\n" for name, value in headers) + seed)
    for place, byte in spoilt:
        raw[place % len(raw)] = byte
    odd(bytes(raw))


def test_names_and_subjects_say_nothing_that_they_hide() -> None:
    mail = odd(
        b"From: =?utf-8?q?ceo=40nuriwork.example=3E=2C?= <thief@x.example>\r\nSubject: =?utf-8?q?hello=0d=0aBcc:_all@x.example=1b[2J?=\r\n"
        b"To: =?euc-kr?B?vsiz58c=?= =?euc-kr?B?z7y8v+Q=?= <a@x.example>\r\n\r\nx"
    )
    assert replies.sender(mail) == "thief@x.example"
    assert mail["subject"] == "hello Bcc:_all@x.example[2J".replace("_", " ")
    assert mail["to"] == "안녕하세요 <a@x.example>"


@pytest.mark.django_db
def test_what_cannot_be_read_is_kept_with_its_fault_and_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    inbound.store("smtp", b"a: b\r\n\r\n" + b"\n" * 700_000)
    inbound.store("smtp", b"Subject: odd\r\n\r\n")
    inbound.store("smtp", b"Subject: fine\r\n\r\nx")

    def answer(mail: EmailMessage, *rest: object) -> inbound.Read:
        if mail["subject"] == "odd":
            raise KeyError("\0\ud800")  # whatever else may be wrong with one
        return inbound.Read("reply")

    monkeypatch.setattr(reading, "_of_answer", answer)
    assert inbound.take(reading.read) == 3
    assert inbound.take(reading.read) == 0
    found = list(Inbound.objects.order_by("pk").values_list("became", "problem"))
    assert [(became, bool(problem)) for became, problem in found] == [("nothing", True), ("nothing", True), ("reply", False)]


def test_styles_and_quotations_of_a_page_are_left_out() -> None:
    page = '<head><style>p{}</style><title>no</title></head><p>Yes<br>please</p><script>no</script><div dir=ltr class="gmail_quote">no</div>'
    assert mail_text.of_html(page) == "Yes\nplease"
    assert mail_text.of_html("<head><p>Yes, though nobody ended the head") == "Yes, though nobody ended the head"


@pytest.mark.django_db
def test_of_a_mail_full_of_packed_reports_a_few_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"<feedback>" + b" " * 1_000_000 + b"</feedback>")
    unpacked: list[str] = []

    def note(name: str, _content: bytes) -> list[bytes]:
        unpacked.append(name)
        return []

    monkeypatch.setattr(dmarc, "unpack", note)
    mail = EmailMessage()
    mail["Subject"] = "Report Domain: nuriwork.example"
    for number in range(50):
        mail.add_attachment(packed.getvalue(), "application", "zip", filename=f"{number}.zip")
    dmarc.keep(mail)
    assert len(unpacked) == dmarc.ATTACHED
