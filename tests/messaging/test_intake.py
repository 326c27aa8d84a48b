"""The whole way back: a real postfix bounces, Baton's intake takes the bounce by LMTP, a job reads it, the message and the person know."""

import asyncio
import contextlib
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

import pytest

from baton.events.vocabulary import Kind
from baton.messaging.incoming import inbound, intake, reading
from baton.messaging.models import Email, Inbound, Message, SendingDomain
from baton.platform import signing
from tests.messaging.conftest import person
from tests.messaging.relay import free_port
from tests.messaging.test_receipts import events, sent, state, suppressed
from tools import postfix

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "bounce.nuriwork.example"


@contextlib.contextmanager
def listening(scheme: str) -> Iterator[int]:
    """The intake on a free port."""
    loop, port = asyncio.new_event_loop(), free_port()

    def close_connections() -> None:
        from django.db import connection

        connection.close()

    with ThreadPoolExecutor(1, "intake") as threads:
        runner = threading.Thread(target=loop.run_forever)
        runner.start()
        server = asyncio.run_coroutine_threadsafe(intake.listen(f"{scheme}://127.0.0.1:{port}", threads), loop).result(10)
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            runner.join()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            threads.submit(close_connections).result(10)


def letter(contact_id: int, message_id: int, to: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "누리워크 <news@nuriwork.example>", to, "요금제 안내"
    mail["Message-ID"], mail["X-Baton-Message"] = id_of(contact_id, message_id), signing.make("bounce", message_id, contact_id)
    mail.set_content("안녕하세요.")
    return mail.as_bytes()


def id_of(contact_id: int, message_id: int) -> str:
    return f"<{signing.make_both('bounce', message_id, contact_id)[1]}@nuriwork.example>"


def verp(contact_id: int, message_id: int) -> str:
    return f"b+{signing.make('bounce', message_id, contact_id)}@{HOST}"


def wait_for(done: Callable[[], Any], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.05)


class Receiver:
    """A receiver that refuses by the first part of the address, as real ones write it."""

    SAYS = {
        "gone": "550 5.1.1 <{0}>: Recipient address rejected: User unknown in virtual mailbox table",
        "full": "552 5.2.2 <{0}>: Over quota",
        "spam": "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "later": "451 4.3.0 Temporary lookup failure",
    }

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        if answer := self.SAYS.get(address.partition("@")[0]):
            return answer.format(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.mark.skipif(not postfix.found(), reason="no postfix can be had here; tools/postfix.py brings one where that is possible")
def test_what_a_real_postfix_returns_is_understood(email: Email) -> None:
    from aiosmtpd.controller import Controller

    receiver = Controller(Receiver(), hostname="127.0.0.1", port=free_port())
    receiver.start()
    wanted = {
        "gone@gaon.example": ("bounced", "user_unknown", "bounced"),
        "full@gaon.example": ("bounced", "mailbox_full", ""),
        "spam@gaon.example": ("bounced", "blocked", ""),
        "later@gaon.example": ("bounced", "temporary", ""),
        "nobody@nowhere.example": ("bounced", "expired", ""),
        "fine@gaon.example": ("sent", "", ""),
    }
    port = free_port()
    with listening("lmtp") as lmtp:
        transports = {
            "gaon.example": f"smtp:[127.0.0.1]:{receiver.port}",
            "nowhere.example": "smtp:[127.0.0.1]:1",
            HOST: f"lmtp:inet:127.0.0.1:{lmtp}",
        }
        mails = {address: (contact := person(address), sent(contact, email)) for address in wanted}
        with postfix.running(port, transports):
            wait_for(lambda: _answers(port))
            with smtplib.SMTP("127.0.0.1", port) as smtp:
                smtp.ehlo()
                assert smtp.has_extn("dsn")
                for address, (contact_id, message_id) in mails.items():
                    options = [f"RET=HDRS ENVID={contact_id}.{message_id}"]
                    smtp.sendmail(verp(contact_id, message_id), [address], letter(contact_id, message_id, address), options, ["NOTIFY=FAILURE,DELAY"])
            wait_for(lambda: Inbound.objects.count() >= 5)
    receiver.stop()
    assert inbound.take(reading.read) == 5
    got = {address: (*state(message_id), suppressed(contact_id)) for address, (contact_id, message_id) in mails.items()}
    assert got == wanted
    [event] = events(mails["gone@gaon.example"][0], Kind.EMAIL_BOUNCE)
    assert (event["class"], event["code"], event["remote_mta"]) == ("hard", "5.1.1", "127.0.0.1")
    assert "User unknown in virtual mailbox table" in event["text"]

    # The same without the return path: a mailbox read by IMAP shows what postfix wrote, and our marks come back in it.
    Message.objects.all().update(state="sent", reason="", settled_at=None)
    for row in Inbound.objects.all():
        body = bytes(row.body).replace(b"\nReturn-Path:", b"\nX-Gone:")
        inbound.store("imap:1", body, recipient="bounces@nuriwork.example")
    inbound.take(reading.read)
    assert [state(mails[address][1]) for address in wanted] == [wanted[address][:2] for address in wanted]


def _answers(port: int) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", port, timeout=1).close()
    except (OSError, smtplib.SMTPException):
        return False
    return True


def test_by_smtp_only_what_is_ours_is_taken_and_nothing_twice(email: Email) -> None:
    jiwoo = person()
    mail = sent(jiwoo, email)
    SendingDomain.objects.create(name="nuriwork.example", bounce_host=HOST)
    note = EmailMessage()
    note["From"], note["Subject"] = "jiwoo@gaon.example", "자동 회신: 요금제 안내"
    note.set_content("휴가 중입니다.")
    with listening("smtp") as port, smtplib.SMTP("127.0.0.1", port) as smtp:
        for _ in range(2):
            smtp.sendmail("", [verp(jiwoo, mail)], note.as_bytes())
        smtp.sendmail("", [f"fbl@{HOST}"], b"Subject: hello\r\n\r\nx")
        for stranger in (verp(jiwoo, mail).replace("@", "A@"), "someone@elsewhere.example"):
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                smtp.sendmail("", [stranger], b"Subject: x\r\n\r\nx")
            assert refused.value.recipients[stranger][0] == 550
    assert Inbound.objects.count() == 2
    inbound.take(reading.read)
    assert sorted(Inbound.objects.values_list("became", flat=True)) == ["auto_reply", "nothing"]
    assert (state(mail)[0], len(events(jiwoo, Kind.EMAIL_AUTO_REPLY)), events(jiwoo, Kind.EMAIL_REPLY)) == ("delivered", 1, [])


def test_a_mail_that_cannot_be_written_down_is_left_with_its_sender(email: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    jiwoo = person()
    mail = sent(jiwoo, email)

    def away(*_args: Any, **_named: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(intake.inbound, "store", away)
    with listening("lmtp") as port:
        lmtp = smtplib.LMTP("127.0.0.1", port)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            lmtp.sendmail("", [verp(jiwoo, mail)], b"Subject: x\r\n\r\nx")
        assert refused.value.smtp_code == 451
        lmtp.close()
