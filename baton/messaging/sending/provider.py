"""Providers that carry mail by an API, through django-anymail: what they share. Each one is a small class in transports/esp*.py.

A mail is handed over once. Where the answer is lost, or could not be understood, the message is `unknown` and never goes again by itself;
where the provider cannot have it (no connection, wrong key, too many at once) it waits. The provider's own opens and clicks are switched
off and passed over: Baton counts its own.
"""

import threading
import time
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import requests
from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from anymail.signals import AnymailTrackingEvent
from django.core.exceptions import SuspiciousOperation
from django.core.mail import EmailMultiAlternatives
from django.test.client import RequestFactory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.messaging.channel import Receipt, Result, Setting
from baton.messaging.incoming import bounces, whose
from baton.messaging.incoming.receipts import Told, Word
from baton.messaging.incoming.whose import Which
from baton.messaging.models import Inbound
from baton.messaging.sending.pace import Pace
from baton.messaging.sending.transport import Carrier, Down, Letter
from baton.platform import clock, http, logs
from baton.platform.errors import Invalid

TIMEOUT = (3.05, 30.0)  # seconds to connect, and for the answer
BREATHER, LONGEST = 30.0, 3600.0  # seconds without tries after a refusal; at most, whatever Retry-After says
MARK = "baton"  # our name for contact and message, in the provider's metadata or tags
PASSED_ON = ("list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "auto-submitted", "x-baton-message")

CONNECTIONS = Setting("connections", gettext_lazy("Connections at once, of each sending process"), "number", 8)
API_URL = Setting("api_url", gettext_lazy("Address of the API"), help=gettext_lazy("Empty: the provider's usual one."))
API_KEY = Setting("api_key", gettext_lazy("API key"), "secret", required=True)

_log = logs.log(__name__)
_quiet = threading.Lock()


class Probe(NamedTuple):
    """A question that changes nothing, to see whether a key is good."""

    path: str
    headers: dict[str, str]
    auth: tuple[str, str] | None = None


class Provider(Carrier):
    """A transport over an API. `send` keeps as many connections as the settings say."""

    esp: ClassVar[str]  # the module of anymail
    view: ClassVar[str]  # the class of anymail that reads its calls
    url: ClassVar[str]  # of the API
    by_tag: ClassVar[bool] = False  # it takes no metadata: our mark is a tag
    own_ids: ClassVar[bool] = False  # it leaves our Message-ID as it is
    hooks = True
    proof = gettext_lazy("This provider does not sign its calls: whoever knows the address is believed, so keep it to yourself.")

    def __init__(self, id: int | None, given: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        super().__init__(id, given, secret)
        connections = max(1, int(self.given.get("connections") or 8))
        self._threads = ThreadPoolExecutor(connections, f"transport-{id}")
        self._pace = Pace(connections)
        self._local = threading.local()
        self._until = 0.0
        self._why = ""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What anymail's backend is made with."""

    @abstractmethod
    def probe(self) -> Probe:
        """How `check` asks."""

    def hook_options(self) -> dict[str, Any]:
        """What anymail's reader of calls is made with."""
        return {}

    def permanent(self, said: Any) -> bool:
        """Whether the provider itself calls a bounce permanent, in its own words."""
        return False

    def words(self, event: AnymailTrackingEvent) -> str:
        """What the receiver said, as the provider passes it on."""
        return str(event.mta_response or event.description or "")

    @property
    def api_url(self) -> str:
        return f"{str(self.given.get('api_url') or self.url).rstrip('/')}/"

    # Sending ------------------------------------------------------------------

    def send(self, letters: Sequence[Letter]) -> Sequence[Receipt]:
        began = self._pace.now()
        receipts = list(self._threads.map(self._hand, letters))
        self._pace.learn(receipts, self._pace.now() - began)
        return receipts

    def at_once(self) -> int:
        return self._pace.window

    def pause(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    def _hand(self, letter: Letter) -> Receipt:
        if self.pause():
            return Receipt(Result.NOT_HANDED, self._why)
        try:
            return self._post(letter)
        except Exception as error:
            _log.exception("a mail may or may not have been handed to the provider", provider=self.kind)
            return Receipt(Result.UNKNOWN, f"{type(error).__name__}: {_brief(error)}")

    def _post(self, letter: Letter) -> Receipt:
        try:
            backend = self._backend()
        except Exception as error:  # its settings are no good: that is nobody's mail's fault
            return self._stop(BREATHER, _brief(error))
        try:
            message = self._message(letter)
        except (ValueError, LookupError) as error:
            return Receipt(Result.REFUSED, f"5.6.0 {_brief(error)}", 554)
        try:
            backend.send_messages([message])
        except AnymailRecipientsRefused:
            pass  # the status says which
        except AnymailRequestsAPIError as error:
            return self._failed(error)
        except AnymailInvalidAddress as error:
            return Receipt(Result.REFUSED, f"5.1.3 {_brief(error)}", 501)
        except AnymailError as error:  # the mail cannot be said in the provider's form: nothing went out
            return Receipt(Result.REFUSED, f"5.6.0 {_brief(error)}", 554)
        return self._taken(message)

    def _taken(self, message: Any) -> Receipt:
        """The provider answered: what it says of the receiver."""
        status = message.anymail_status
        one = next(iter(status.recipients.values()), None)
        word, key = (one.status, str(one.message_id or "")) if one else ("unknown", "")
        if word == "invalid":
            return Receipt(Result.REFUSED, "5.1.3 " + _("the provider calls the address invalid"), 550, key)
        if word == "rejected":
            return Receipt(Result.REFUSED, "5.7.1 " + _("the provider does not write to this address (its own list of blocked receivers)"), 550, key)
        if word == "failed":
            return Receipt(Result.REFUSED, "5.6.0 " + _("the provider could not send it"), 554, key)
        if word not in ("sent", "queued"):
            return Receipt(Result.UNKNOWN, _("the provider's answer cannot be understood"), 0, key)
        return Receipt(Result.SENT, str(word or ""), 250, key)

    def _failed(self, error: AnymailRequestsAPIError) -> Receipt:
        """The call went wrong. What the provider may have is never sent again by itself."""
        response = error.response
        if response is None:
            cause = error.__cause__ or error
            if never_reached(cause):
                return self._stop(BREATHER, _brief(cause))
            return Receipt(Result.UNKNOWN, _brief(cause))
        status, said = response.status_code, f"{response.status_code} {_said(response)}"
        if 200 <= status < 300 or status in (408, 502, 504):  # taken, but in words nobody understands; or a gateway lost the answer
            return Receipt(Result.UNKNOWN, said)
        if status == 429:
            return self._stop(retry_after(response.headers.get("Retry-After", "")), said)
        if status in (401, 402, 403, 404) or 300 <= status < 400:
            return self._stop(BREATHER * 4, said)
        if status >= 500:
            return Receipt(Result.DEFERRED, f"4.3.0 {said}", 451)
        return Receipt(Result.REFUSED, f"5.6.0 {said}", 554)

    def _stop(self, seconds: float, why: str) -> Receipt:
        self._until, self._why = time.monotonic() + min(seconds, LONGEST), why
        return Receipt(Result.NOT_HANDED, why)

    def _backend(self) -> Any:
        """This thread's own, with its connection."""
        if not hasattr(self._local, "backend"):
            made = import_module(f"anymail.backends.{self.esp}").EmailBackend
            own = type("Backend", (made,), {"create_session": lambda _self: http.session()})
            with _quiet, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # anymail does not try SendGrid any more; our tests do
                self._local.backend = own(ignore_unsupported_features=True, timeout=TIMEOUT, api_url=self.api_url, **self.options())
            self._local.backend.open()
        return self._local.backend

    def _message(self, letter: Letter) -> EmailMultiAlternatives:
        """The mail in the form that anymail takes apart for the provider."""
        mail: EmailMessage = message_from_bytes(letter.content, policy=policy.default)
        text, page = mail.get_body(("plain",)), mail.get_body(("html",))
        headers = {name.title(): " ".join(str(mail[name]).split()) for name in PASSED_ON if mail[name]}
        if self.own_ids and mail["message-id"]:
            headers["Message-ID"] = str(mail["message-id"])
        made = EmailMultiAlternatives(
            " ".join(str(mail["subject"] or "").split()),
            text.get_content() if text is not None else "",
            str(mail["from"] or ""),
            [letter.address],
            reply_to=[str(mail["reply-to"])] if mail["reply-to"] else None,
            headers=headers,
        )
        if page is not None:
            made.attach_alternative(page.get_content(), "text/html")
        for part in mail.iter_attachments():
            made.attach(part.get_filename(), part.get_payload(decode=True), part.get_content_type())
        own = f"{letter.contact_id}.{letter.message_id}"
        more: dict[str, Any] = {"track_opens": False, "track_clicks": False} | ({"tags": [f"{MARK}-{own}"]} if self.by_tag else {"metadata": {MARK: own}})
        for name, value in more.items():
            setattr(made, name, value)
        return made

    # Asking -------------------------------------------------------------------

    def check(self) -> str:
        asked = self.probe()
        try:
            with http.session() as session:
                answer = session.request("GET", f"{self.api_url}{asked.path}", headers=asked.headers, auth=asked.auth, timeout=TIMEOUT)
        except (requests.RequestException, OSError) as error:
            raise Down(_brief(error)) from None
        if answer.status_code in (401, 403):
            raise Down(_("The provider does not accept the key: {answer}").format(answer=f"{answer.status_code} {_said(answer)}"))
        if answer.status_code >= 500 or 300 <= answer.status_code < 400:
            raise Down(f"{answer.status_code} {_said(answer)}")
        return _("{provider} answers and accepts the key.").format(provider=self.label)

    # What it tells us ---------------------------------------------------------

    def receipts(self, inbound: Inbound) -> list[Told]:
        reader = self._reader
        request = self._request(inbound)
        try:
            reader.run_validators(request)
        except SuspiciousOperation as error:
            raise Invalid.one("", "FORGED", str(error)) from None
        except (AnymailError, ValueError, KeyError, TypeError) as error:
            raise Invalid.one("", "UNREADABLE", f"{type(error).__name__}: {error}") from None
        try:
            events = reader.parse_events(request)
        except (AnymailError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Invalid.one("", "UNREADABLE", f"{type(error).__name__}: {error}") from None
        return [one for event in events if (one := self._told(event, inbound))]

    @cached_property
    def _reader(self) -> Any:
        """What of anymail reads this provider's calls."""
        view = getattr(import_module(f"anymail.webhooks.{self.esp}"), self.view)
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of calls without a signature: nobody can guess the address that the provider calls
            return view(**self.hook_options())

    def _request(self, inbound: Inbound) -> Any:
        headers = {name: value for name, value in inbound.headers.items() if name not in ("content-type", "content-length")}
        return RequestFactory(headers=headers).post("/", bytes(inbound.body), content_type=inbound.headers.get("content-type") or "application/json")

    def _told(self, event: AnymailTrackingEvent, inbound: Inbound) -> Told | None:
        kind = KINDS.get(event.event_type)
        which = self._which(event) if kind else None
        if kind is None or which is None:
            return None
        at = event.timestamp or inbound.at
        at = at if at.tzinfo else at.replace(tzinfo=clock.now().tzinfo)
        if kind == "complained":
            return Told(kind, which.contact_id, which.message_id, at, reason=str(event.description or "abuse")[:40])
        if kind not in ("bounced", "deferred"):
            return Told(kind, which.contact_id, which.message_id, at)
        text = " ".join(self.words(event).split())
        hard, reason = self._class(event, text)
        code = next(iter(".".join(part) for part in bounces.STATUS.findall(text)), "")
        return Told(
            kind, which.contact_id, which.message_id, at, hard=hard and kind == "bounced", reason=reason, code=code, text=text, details={"by": self.kind}
        )

    def _class(self, event: AnymailTrackingEvent, text: str) -> bounces.Bounce:
        """What the receiver said decides; where it said nothing that we know, the provider's own word."""
        found = bounces.classify("", text)
        if found.reason != "undefined" or event.event_type == "deferred":
            return found
        if event.event_type == "failed":
            return bounces.Bounce(False, "content")
        if event.reject_reason == "invalid":
            return bounces.Bounce(True, "bad_syntax")
        if event.reject_reason == "bounced" and self.permanent(event.esp_event):
            return bounces.Bounce(True, "user_unknown")
        return bounces.Bounce(
            False, {"timed_out": "expired", "blocked": "blocked", "spam": "blocked", "unsubscribed": "blocked"}.get(event.reject_reason or "", "undefined")
        )

    def _which(self, event: AnymailTrackingEvent) -> Which | None:
        """Our message: by the mark we gave along; where the provider lost it, the newest to this address."""
        metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
        tags = [str(tag).removeprefix(f"{MARK}-") for tag in event.tags or () if str(tag).startswith(f"{MARK}-")]
        found = whose.marks(str(metadata.get(MARK, "")), *tags)
        return found[0] if found else whose.newest(str(event.recipient or ""))


KINDS: dict[str, Word] = {
    "delivered": "delivered", "deferred": "deferred", "bounced": "bounced", "rejected": "bounced", "failed": "bounced",
    "complained": "complained", "unsubscribed": "unsubscribed", "autoresponded": "auto_replied",
}  # fmt: skip


def never_reached(error: BaseException) -> bool:
    """Whether a request that failed cannot have arrived: no name, no connection, no handshake."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError | requests.exceptions.InvalidURL):
        return True
    if isinstance(error, requests.ReadTimeout):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "SSLError") or isinstance(error, http.Refused)


def retry_after(value: str) -> float:
    """Seconds that a provider asks to wait: a number, or a moment."""
    try:
        return min(max(float(value), 1.0), LONGEST)
    except ValueError:
        pass
    try:
        return min(max((parsedate_to_datetime(value) - clock.now()).total_seconds(), 1.0), LONGEST)
    except (ValueError, TypeError):
        return BREATHER


def _said(response: Any) -> str:
    return " ".join(str(response.text or "").split())[:300]


def _brief(error: BaseException) -> str:
    return " ".join(str(error.args[0] if error.args else error).split())[:300] or type(error).__name__
