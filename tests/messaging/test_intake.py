"""The whole way back: a real postfix bounces, Baton's intake takes the bounce by LMTP, a job reads it, the message and the person know."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from baton.events.vocabulary import Kind
from baton.messaging.incoming import door, inbound, intake, reading
from baton.messaging.models import Email, Inbound, Message, SendingDomain
from baton.platform import signing
from tests.messaging.conftest import person
from tests.messaging.relay import free_port
from tests.messaging.test_receipts import events, sent, state, suppressed
from tests.running import PATIENCE
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


def wait_for(done: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE
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
            smtp.sendmail("", [verp(jiwoo, mail)], note.as_bytes(policy=SMTP))
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


class Stranger:
    """Speaks as badly as it likes, byte by byte."""

    def __init__(self, port: int, hello: bytes = b"EHLO x.example") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.answers = self.socket.makefile("rb")
        self.greeting = self.answer()
        if self.greeting.startswith(b"220"):
            self.says = self.ask(hello + b"\r\n")

    def answer(self) -> bytes:
        """The last line of an answer; empty when there is none, for the other side has hung up."""
        try:
            while (line := self.answers.readline())[3:4] == b"-":
                pass
        except ConnectionResetError:
            return b""
        return line.rstrip()

    def ask(self, raw: bytes) -> bytes:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(raw)
        return self.answer()

    def mail(self, raw: bytes, *to: str, answers: int = 1) -> list[bytes]:
        """Hand a mail over, and what is answered at its end."""
        for command in ("MAIL FROM:<>", *(f"RCPT TO:<{address}>" for address in to), "DATA"):
            assert self.ask(command.encode() + b"\r\n")[:1] in (b"2", b"3"), command
        self.socket.sendall(raw)
        return [self.answer() for _ in range(answers)]

    def close(self) -> None:
        self.answers.close()
        self.socket.close()


def test_strangers_are_bounded_in_all_they_decide(email: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LARGEST", 40_000)
    SendingDomain.objects.create(name="nuriwork.example", bounce_host=HOST)
    jiwoo = person()
    to = verp(jiwoo, sent(jiwoo, email))
    with listening("smtp") as port, contextlib.ExitStack() as opened:

        def come() -> Stranger:
            made = Stranger(port)
            opened.callback(made.close)
            return made

        # A dot between lone ends of lines ends no mail: what follows it is text, and the whole is refused.
        one = come()
        smuggled = b"Subject: x\r\n\r\nhello%s.%sMAIL FROM:<ceo@nuriwork.example>\r\nRCPT TO:<someone@nuriwork.example>\r\nDATA\r\nSubject: y\r\n\r\n.\r\n"
        for before, after in ((b"\n", b"\n"), (b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\r", b"\r\n"), (b"\r\n", b"\r"), (b"\r", b"\r")):
            [said] = one.mail(smuggled % (before, after), to)
            assert said.startswith(b"550 5.6.0"), (before, after)
        assert one.ask(b"NOOP\n").startswith(b"500 5.5.2")
        assert one.ask(b"NOOP\rx\r\n").startswith(b"500 5.5.2")
        assert one.mail(b"Subject: " + b"x" * 2000 + b"\r\n\r\n.\r\n", to)[0].startswith(b"500 5.6.0")
        assert one.mail(b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 4000 + b".\r\n", to)[0].startswith(b"552 5.3.4")
        assert one.ask(b"MAIL FROM:<> SIZE=40001\r\n").startswith(b"552")
        assert one.mail(b"Subject: fine\r\n\r\n" + b"x" * 998 + b"\r\n..dot\r\n.\r\n", to) == [b"250 2.0.0 Taken"]
        one.socket.sendall(b"MAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n" % to.encode())
        assert [one.answer()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        with contextlib.suppress(OSError):  # a mail without an end is not heard to it
            one.socket.sendall(b"x\r\n" * 40_000)
        assert one.answer() in (b"421 4.7.0 Too much", b"")
        assert one.answer() == b""

        # Nobody is relayed for, nobody signs in, and whoever only makes mistakes is left.
        two = come()
        assert two.says == b"250 ENHANCEDSTATUSCODES"
        two.ask(b"MAIL FROM:<ceo@nuriwork.example>\r\n")
        for address in (b"a@elsewhere.example", b"a%elsewhere.example@x.example", b"b+" + b"A" * 400 + b"@" + HOST.encode()):
            assert two.ask(b"RCPT TO:<" + address + b">\r\n")[:3] == b"550"
        for word, said in ((b"AUTH PLAIN AGEAYg==", b"502"), (b"VRFY root", b"252"), (b"\x00\xff", b"500"), (b"GET / HTTP/1.1", b"500")):
            assert two.ask(word + b"\r\n").startswith(said)
        answers = [two.ask(b"MAIL nonsense\r\n") for _ in range(20)]
        assert b"421 4.7.0 Too many errors" in answers
        for n in range(door.MOST + 1):
            one = come() if n == 0 else one
            n or one.ask(b"MAIL FROM:<>\r\n")
            said = one.ask(f"RCPT TO:<{n}@{HOST}>\r\n".encode())
        assert said.startswith(b"452 4.5.3")
        assert any(three.ask(b"NOOP\r\n").startswith(b"421") for three in [come()] for _ in range(door.COMMANDS["*"] + 1))

        # One machine has so many connections, and another gets in when one has gone.
        while (last := come()).greeting.startswith(b"220"):
            pass
        assert last.greeting.startswith(b"421 4.7.0")
        one.ask(b"QUIT\r\n")
        wait_for(lambda: come().greeting.startswith(b"220"))
    assert [bytes(row.body) for row in Inbound.objects.all()] == [b"Subject: fine\r\n\r\n" + b"x" * 998 + b"\r\n.dot\r\n"]


def test_whoever_says_nothing_is_left_and_the_line_can_be_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    SendingDomain.objects.create(name="nuriwork.example", bounce_host=HOST)
    with listening("smtp") as port:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            assert smtp.starttls(context=context)[0] == 220
            smtp.ehlo()
            assert not {"starttls", "auth"} & smtp.esmtp_features.keys()
            smtp.sendmail("", [f"fbl@{HOST}"], "Subject: x\r\n\r\nx")
        early = Stranger(port)
        early.socket.sendall(b"STARTTLS\r\nMAIL FROM:<>\r\n")  # what was said before is not believed as if it had been encrypted
        assert early.answer().startswith(b"220")
        early.close()
        monkeypatch.setattr(door, "IDLE", 0.05)
        silent = Stranger(port)
        assert (silent.answer(), silent.answer()) == (b"421 4.4.2 Timeout", b"")
        silent.close()
    assert Inbound.objects.count() == 1


def test_a_mail_to_several_is_kept_once_and_answered_for_each(email: Email) -> None:
    people = [person(f"{n}@gaon.example") for n in range(3)]
    mails = [sent(contact, email) for contact in people]
    to = [verp(*pair) for pair in zip(people, mails, strict=True)]
    with listening("lmtp") as port:
        lmtp = Stranger(port, b"LHLO x.example")
        assert lmtp.mail(b"Subject: x\r\n\r\nlone\nend\r\n.\r\n", *to, answers=3) == [door.BARE_MAIL.encode()] * 3
        note = b"From: a@gaon.example\r\nSubject: x\r\n\r\nOn holiday. From an empty sender, so by a program.\r\n.\r\n"
        for _ in range(2):
            assert lmtp.mail(note, *to, answers=3) == [b"250 2.0.0 Taken"] * 3
        assert lmtp.ask(b"EHLO x.example\r\n").startswith(b"500")
        lmtp.close()
    assert Inbound.objects.count() == 1
    assert inbound.take(reading.read) == 1
    assert [len(events(contact, Kind.EMAIL_AUTO_REPLY)) for contact in people] == [1, 1, 1]
