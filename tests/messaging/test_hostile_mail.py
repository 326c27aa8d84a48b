"""Mails of strangers that are made to keep a reader busy, or to look like our own: what they cost is bounded, and what they say is not believed."""

import io
import time
import zipfile
from email.message import EmailMessage

import pytest

from baton.messaging.deliverability import dmarc
from baton.messaging.incoming import dsn, mail_text, reading, replies
from baton.platform.errors import Invalid

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
    ],
    ids=["dots", "quotes", "parameters", "dashes", "brackets", "tags", "styles", "on"],
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
    ],
)
def test_a_mail_of_parts_without_end_is_not_taken_apart(raw: bytes) -> None:
    with pytest.raises(Invalid):
        reading.parsed(raw)


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
