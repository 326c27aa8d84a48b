"""E-mail through a relay by SMTP, one connection for a batch. Settings: BATON_SMTP_URL, BATON_MAIL_FROM."""

import re
import smtplib
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from baton.messaging.channel import Receipt, Result
from baton.messaging.letters import Letter
from baton.messaging.transport import Down
from baton.platform.config import config

TIMEOUT = 20  # seconds for each answer of the relay
DEAD = re.compile(r"\b5\.1\.[0-36]\b")  # RFC 3463: bad destination mailbox or system


class Line(ABC):
    """An open connection to a carrier."""

    @abstractmethod
    def hand(self, address: str, message: Letter, about_to_hand: Callable[[], bool]) -> Receipt:
        """Hand over one message; `about_to_hand` is called once, at the last moment before the carrier might take it."""


class EmailSmtp:
    key = "email"
    label = _("E-mail")

    def connect(self) -> AbstractContextManager[Line]:
        return _connect(config().smtp_url)


@contextmanager
def _connect(url: str) -> Iterator[Line]:
    parts = urlsplit(url)
    try:
        smtp = _open(parts.scheme, parts.hostname or "", parts.port, unquote(parts.username or ""), unquote(parts.password or ""))
    except (OSError, smtplib.SMTPException) as error:
        raise Down(_words(error)) from error
    try:
        yield _SmtpLine(smtp)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        smtp.close()


def _open(scheme: str, host: str, port: int | None, user: str, password: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not user:  # without a password to protect, encryption with anybody is better than none
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT, context=context)
    else:
        smtp = smtplib.SMTP(host, port or 25, timeout=TIMEOUT)
    try:
        smtp.ehlo_or_helo_if_needed()
        if scheme == "smtp" and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif scheme == "smtp" and user:
            raise smtplib.SMTPNotSupportedError("the relay offers no STARTTLS, so the password was not sent; use smtps:// or another relay")
        if user:
            smtp.login(user, password)
    except BaseException:
        smtp.close()
        raise
    return smtp


class _SmtpLine(Line):
    def __init__(self, smtp: smtplib.SMTP) -> None:
        self.smtp = smtp

    def hand(self, address: str, message: Letter, about_to_hand: Callable[[], bool]) -> Receipt:
        content = message.content
        options = []
        if not address.isascii():
            if not self.smtp.has_extn("smtputf8"):
                return Receipt(Result.REFUSED, "the relay does not carry addresses outside ASCII")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            code, text = self.smtp.mail(message.envelope_from, options)
            if code != 250:  # about us, not about this recipient: log in first, sender not allowed ...
                raise smtplib.SMTPSenderRefused(code, text, message.envelope_from)
            code, text = self.smtp.rcpt(address)
            if code not in (250, 251):
                return self._turned_down(code, text)
        except (OSError, smtplib.SMTPException) as error:
            raise Down(_words(error)) from error
        except ValueError as error:  # smtplib will not put such an address on the wire
            self._reset()
            return Receipt(Result.REFUSED, str(error))
        if not about_to_hand():
            self._reset()
            return Receipt(Result.LOST)
        return self._data(content)

    def _data(self, content: bytes) -> Receipt:
        """From here on a broken line leaves it open whether the relay has the message."""
        begun = False
        try:
            code, text = self.smtp.docmd("DATA")
            if code != 354:
                return self._turned_down(code, text)
            begun = True
            self.smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
            code, text = self.smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.smtp.close()
            return Receipt(Result.UNKNOWN if begun else Result.DEFERRED, _words(error))
        return Receipt(Result.SENT, text.decode(errors="replace")) if code == 250 else self._turned_down(code, text)

    def _turned_down(self, code: int, text: bytes) -> Receipt:
        words = f"{code} {text.decode(errors='replace')}".replace("\n", " ")
        if code == 421:  # the relay is about to hang up
            self.smtp.close()
            return Receipt(Result.DEFERRED, words)
        self._reset()
        if 500 <= code < 600:
            return Receipt(Result.REFUSED, words)
        return Receipt(Result.DEFERRED, words)

    def _reset(self) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self.smtp.rset()


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"{error.smtp_code} {text}"
    return str(error) or type(error).__name__
