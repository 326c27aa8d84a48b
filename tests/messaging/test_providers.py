"""Every provider, against a server that speaks its documented protocol: what was taken, refused, put off, and what nobody can know; and its calls."""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_plus

import pytest

from baton.messaging.channel import Result
from baton.messaging.incoming import bounces, inbound, provider_hooks, reading
from baton.messaging.models import Email, Inbound, Transport
from baton.messaging.sending import provider, transport
from baton.messaging.sending.transports import esp, esp_ses
from baton.platform import clock
from tests.messaging import amazon
from tests.messaging.conftest import person
from tests.messaging.test_receipts import sent, state, suppressed


class Fake(BaseHTTPRequestHandler):
    """Answers as the provider whose answer is set; `script` holds what comes instead, once each."""

    answer: tuple[int, dict[str, str], Any] = (200, {}, {})
    script: list[Any] = []
    log: list[tuple[str, bytes]] = []

    def do_GET(self) -> None:
        self._say(401 if self.script else 200, {}, {"message": "who are you?"} if self.script else {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).log.append((self.path, raw))
        said = type(self).script.pop(0) if self.script else self.answer
        if said == "drop":
            self.close_connection = True
            self.connection.close()
        else:
            self._say(*said)

    def _say(self, status: int, headers: dict[str, str], body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def fake() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _near(monkeypatch: pytest.MonkeyPatch, fake: str) -> None:
    """The fake is on this machine, where outgoing requests must not go otherwise."""
    from baton.platform import http

    known = http.config()
    monkeypatch.setattr(http, "config", lambda: known.model_copy(update={"allow_private_webhooks": "127.0.0.0/8"}))
    params = esp_ses.Ses._params
    monkeypatch.setattr(esp_ses.Ses, "_params", lambda self: {**params(self), "endpoint_url": fake})
    Fake.script, Fake.log = [], []


@dataclass(frozen=True)
class Said:
    """How a provider says that it has a mail, and that a mail is wrong."""

    given: dict[str, str]
    secret: dict[str, str]
    path: str
    taken: tuple[int, dict[str, str], Any]
    wrong: tuple[int, dict[str, str], Any]


PROVIDERS = {
    "postmark": Said(
        {},
        {"server_token": "token"},
        "/email",
        (
            200,
            {},
            {
                "To": "jiwoo@gaon.example",
                "SubmittedAt": "2026-11-22T07:25:01.4178645-05:00",
                "MessageID": "0a129aee-e1cd-480d-b08d-4f48548ff48d",
                "ErrorCode": 0,
                "Message": "OK",
            },
        ),
        (422, {}, {"ErrorCode": 300, "Message": "Invalid 'From' address: 'no such address'."}),
    ),
    "sendgrid": Said(
        {},
        {"api_key": "SG.key"},
        "/mail/send",
        (202, {"X-Message-Id": "abc"}, b""),
        (400, {}, {"errors": [{"message": "The from address does not match a verified Sender Identity", "field": "from"}]}),
    ),
    "mailgun": Said(
        {"sender_domain": "mg.nuriwork.example"},
        {"api_key": "key", "signing_key": "sign"},
        "/mg.nuriwork.example/messages",
        (200, {}, {"id": "<20261122.1@mg.nuriwork.example>", "message": "Queued. Thank you."}),
        (400, {}, {"message": "'from' parameter is not a valid address"}),
    ),
    "brevo": Said(
        {},
        {"api_key": "xkeysib"},
        "/smtp/email",
        (201, {}, {"messageId": "<202611221@smtp-relay.example>"}),
        (400, {}, {"code": "invalid_parameter", "message": "valid sender email required"}),
    ),
    "resend": Said(
        {},
        {"api_key": "re_1", "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        "/emails",
        (200, {}, {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}),
        (422, {}, {"statusCode": 422, "name": "validation_error", "message": "The `from` field is invalid"}),
    ),
    "mailersend": Said(
        {},
        {"api_token": "mlsn", "signing_secret": "sign"},
        "/email",
        (202, {"X-Message-Id": "5e42957d51f1d94a1070a733", "Content-Type": "text/html"}, b""),
        (422, {}, {"message": "The given data was invalid.", "errors": {"from.email": ["The from.email must be verified."]}}),
    ),
    "sparkpost": Said(
        {},
        {"api_key": "key"},
        "/transmissions/",
        (200, {}, {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "11668787484950529"}}),
        (422, {}, {"errors": [{"message": "invalid data format/type", "code": "1300"}]}),
    ),
    "mailjet": Said(
        {},
        {"api_key": "key", "secret_key": "secret"},
        "/send",
        (200, {}, {"Messages": [{"Status": "success", "To": [{"Email": "jiwoo@gaon.example", "MessageUUID": "cb927469", "MessageID": 70650219165027410}]}]}),
        (400, {}, {"ErrorIdentifier": "1ab23cd4", "ErrorCode": "mj-0002", "StatusCode": 400, "ErrorMessage": "Malformed JSON"}),
    ),
    "postal": Said(
        {},
        {"api_key": "key", "webhook_key": "x"},
        "/api/v1/send/message",
        (
            200,
            {},
            {
                "status": "success",
                "time": 0.1,
                "flags": {},
                "data": {"message_id": "a@rp.example", "messages": {"jiwoo@gaon.example": {"id": 1503, "token": "abc"}}},
            },
        ),
        (400, {}, {"status": "error", "data": {"code": "ValidationError"}}),
    ),
    "ses": Said(
        {"access_key": "AKIA", "region": "ap-northeast-2", "topic": amazon.TOPIC},
        {"secret_key": "secret"},
        "/v2/email/outbound-emails",
        (200, {}, {"MessageId": "010701938-1"}),
        (400, {"x-amzn-ErrorType": "MessageRejected"}, {"message": "Email address is not verified."}),
    ),
}


@dataclass(frozen=True)
class Paper:
    contact_id: int = 11
    message_id: int = 12
    address: str = "jiwoo@gaon.example"
    envelope_from: str = "b+x@bounce.nuriwork.example"
    content: bytes = b""


def letter() -> Paper:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "누리워크 <news@nuriwork.example>", "jiwoo@gaon.example", "(광고) 요금제가 바뀝니다 🙂"
    mail["Message-ID"], mail["X-Baton-Message"], mail["List-Unsubscribe"] = "<11.12@nuriwork.example>", "11.12", "<https://go.nuriwork.example/u/x>"
    mail["List-Unsubscribe-Post"], mail["Reply-To"] = "List-Unsubscribe=One-Click", "한지우 <han@nuriwork.example>"
    mail.set_content("안녕하세요.")
    mail.add_alternative("<p>안녕하세요.</p>", subtype="html")
    return Paper(content=mail.as_bytes())


def made(kind: str, fake: str) -> transport.Carrier:
    said = PROVIDERS[kind]
    return transport.make(kind, {"connections": 2, **({} if kind == "ses" else {"api_url": fake}), **said.given}, said.secret, id=5)


def test_every_provider_has_its_fake() -> None:
    assert set(transport.kinds()) - {"smtp"} == set(PROVIDERS)


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_takes_refuses_puts_off_and_loses_mails(kind: str, fake: str) -> None:
    said = PROVIDERS[kind]
    Fake.answer = said.taken
    carrier = made(kind, fake)
    [taken] = carrier.send([letter()])
    assert taken.result == Result.SENT, taken
    [(path, raw)] = Fake.log
    assert path == said.path
    text = unquote_plus(raw.decode()) if kind == "mailgun" else raw.decode()
    words = base64.b64decode(json.loads(text)["Content"]["Raw"]["Data"]).decode() if kind == "ses" else text
    assert "11.12" in words
    assert "jiwoo@gaon.example" in words
    if kind != "ses":
        assert "요금제가 바뀝니다" in text or "\\uc694\\uae08\\uc81c" in text
        assert "List-Unsubscribe" in text

    Fake.script = [said.wrong]
    [refused] = carrier.send([letter()])
    assert (refused.result, bounces.classify(refused.code, refused.reason)) == (Result.REFUSED, (False, "content")), refused

    Fake.script = [(500, {}, {"message": "internal error"})]
    assert carrier.send([letter()])[0].result == Result.DEFERRED

    for lost in ("drop", (502, {}, b"<html>bad gateway</html>")):
        before = len(Fake.log)
        Fake.script = [lost]
        assert carrier.send([letter()])[0].result == Result.UNKNOWN
        assert len(Fake.log) == before + 1  # asked once: a second time could be a second mail

    assert carrier.pause() == 0
    Fake.script = [(429, {"Retry-After": "7", "x-amzn-ErrorType": "TooManyRequestsException"}, {"message": "slow down"})]
    assert carrier.send([letter()])[0].result == Result.NOT_HANDED
    assert 0 < carrier.pause() <= 7
    before = len(Fake.log)
    assert [one.result for one in carrier.send([letter()] * 3)] == [Result.NOT_HANDED] * 3
    assert len(Fake.log) == before
    carrier.close()

    stranger = made(kind, fake)
    Fake.script = [(401 if kind != "ses" else 403, {"x-amzn-ErrorType": "UnrecognizedClientException"}, {"message": "who are you?"})]
    assert stranger.send([letter()])[0].result == Result.NOT_HANDED
    assert stranger.pause() > 60
    Fake.script = ["x"]
    with pytest.raises(transport.Down):
        stranger.check()
    Fake.script = []
    assert stranger.check()
    stranger.close()


@pytest.mark.parametrize("kind", sorted(set(PROVIDERS) - {"sendgrid", "mailersend"}))
def test_an_answer_that_nobody_understands_is_unknown(kind: str, fake: str) -> None:
    carrier = made(kind, fake)
    Fake.script = [(200, {}, b"{oops")]
    assert carrier.send([letter()])[0].result == Result.UNKNOWN
    carrier.close()


def test_a_provider_that_cannot_be_reached_has_nothing() -> None:
    for kind in ("postmark", "ses"):
        carrier = made(kind, "http://127.0.0.1:1/")
        if kind == "ses":
            carrier._params = lambda made=carrier: {**esp_ses.Ses._params(made), "endpoint_url": "http://127.0.0.1:1/"}  # type: ignore[attr-defined]
        assert carrier.send([letter()])[0].result == Result.NOT_HANDED
        assert carrier.pause() > 0
        carrier.close()


def test_an_inactive_receiver_is_refused_and_not_dead(fake: str) -> None:
    carrier = made("postmark", fake)
    Fake.script = [
        (
            422,
            {},
            {
                "ErrorCode": 406,
                "Message": "You tried to send to a recipient that is inactive. Found inactive addresses: jiwoo@gaon.example. Inactive recipients are ones ...",
            },
        )
    ]
    [one] = carrier.send([letter()])
    assert (one.result, bounces.classify(one.code, one.reason).hard) == (Result.REFUSED, False)
    carrier.close()


def test_retry_after_is_seconds_or_a_moment() -> None:
    assert provider.retry_after("7") == 7
    assert provider.retry_after("999999") == provider.LONGEST
    assert provider.retry_after("") == provider.BREATHER
    assert provider.retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 1


# What providers tell ----------------------------------------------------------


def signed_mailgun(event: dict[str, Any], key: str = "sign") -> dict[str, Any]:
    mac = hmac.new(key.encode(), b"1763800000token", hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": "1763800000", "token": "token", "signature": mac}, "event-data": event}


def call(kind: str, what: str, mark: str, *, forged: bool = False) -> tuple[bytes, dict[str, str]]:
    """A recorded call of this provider: delivered, hard, soft, complained or strange; signed as it signs."""
    to, own = "jiwoo@gaon.example", {"baton": mark}
    gone = "550 5.1.1 The email account that you tried to reach does not exist"
    full = "552 5.2.2 mailbox full"
    headers: dict[str, str] = {}
    body: Any
    if kind == "postmark":
        words = {"delivered": "Delivery", "hard": "Bounce", "soft": "Bounce", "complained": "SpamComplaint", "strange": "LoyaltyPoints"}
        body = {"RecordType": words[what], "MessageID": "m1", "Metadata": own, "Email": to, "Recipient": to, "Details": gone if what == "hard" else full}
        body |= {
            "hard": {"Type": "HardBounce", "BouncedAt": "2026-11-22T05:00:00Z"},
            "soft": {"Type": "SoftBounce"},
            "complained": {"Type": "SpamComplaint"},
        }.get(what, {})
    elif kind == "sendgrid":
        words = {"delivered": "delivered", "hard": "bounce", "soft": "bounce", "complained": "spamreport", "strange": "party"}
        body = [
            {
                "email": to,
                "event": words[what],
                "timestamp": 1763800000,
                "sg_event_id": f"e-{what}",
                "smtp-id": "<1>",
                **own,
                "reason": gone if what == "hard" else full,
            }
        ]
        body[0] |= {"type": "bounce" if what == "hard" else "blocked"} if what in ("hard", "soft") else {}
    elif kind == "mailgun":
        words = {"delivered": "delivered", "hard": "failed", "soft": "failed", "complained": "complained", "strange": "danced"}
        event = {
            "event": words[what],
            "timestamp": 1763800000.5,
            "id": f"i-{what}",
            "recipient": to,
            "user-variables": own,
            "message": {"headers": {"message-id": "a@b"}},
        }
        if what in ("hard", "soft"):
            event |= {"severity": "permanent", "reason": "bounce", "delivery-status": {"code": 550, "message": gone if what == "hard" else full}}
        body = signed_mailgun(event, "wrong" if forged else "sign")
    elif kind == "brevo":
        words = {"delivered": "delivered", "hard": "hard_bounce", "soft": "soft_bounce", "complained": "spam", "strange": "list_dance"}
        body = {"event": words[what], "email": to, "message-id": "<1@brevo>", "ts_epoch": 1763800000000, "X-Mailin-custom": json.dumps(own)}
        body |= {"reason": gone if what == "hard" else full} if what in ("hard", "soft") else {}
    elif kind == "resend":
        words = {"delivered": "delivered", "hard": "bounced", "soft": "bounced", "complained": "complained", "strange": "danced"}
        data = {"email_id": "e1", "to": [to], "created_at": "2026-11-22T05:00:00.000Z", "headers": [{"name": "X-Metadata", "value": json.dumps(own)}]}
        data |= (
            {"bounce": {"message": gone if what == "hard" else full, "type": "Permanent" if what == "hard" else "Transient"}}
            if what in ("hard", "soft")
            else {}
        )
        body = {"type": f"email.{words[what]}", "created_at": "2026-11-22T05:00:00.000Z", "data": data}
    elif kind == "mailersend":
        words = {"delivered": "delivered", "hard": "hard_bounced", "soft": "soft_bounced", "complained": "spam_complaint", "strange": "danced"}
        email = {"message": {"id": "m"}, "recipient": {"email": to}, "tags": [f"baton-{mark}"]}
        data = {
            "id": f"i-{what}",
            "type": words[what],
            "created_at": "2026-11-22T05:00:00.000000Z",
            "email": email,
            "morph": {"object": "recipient_bounce", "reason": gone if what == "hard" else full},
        }
        body = {"type": f"activity.{words[what]}", "created_at": "2026-11-22T05:00:00.000000Z", "data": data}
    elif kind == "sparkpost":
        words = {"delivered": "delivery", "hard": "bounce", "soft": "bounce", "complained": "spam_complaint", "strange": "danced"}
        event = {
            "type": words[what],
            "event_id": f"9{what}",
            "timestamp": "1763800000",
            "rcpt_to": to,
            "rcpt_meta": own,
            "transmission_id": "65",
            "raw_reason": gone if what == "hard" else full,
        }
        body = [{"msys": {"message_event": {**event, "bounce_class": "10" if what == "hard" else "22"}}}]
    elif kind == "mailjet":
        words = {"delivered": "sent", "hard": "bounce", "soft": "bounce", "complained": "spam", "strange": "danced"}
        body = {"event": words[what], "time": 1763800000, "MessageID": 70650219165027410, "email": to, "Payload": json.dumps(own)}
        body |= {
            "hard": {"hard_bounce": True, "error": "user unknown", "comment": gone},
            "soft": {"hard_bounce": False, "error": "quota exceeded", "comment": full},
        }.get(what, {})
    else:
        words = {"delivered": "Delivery", "hard": "Bounce", "soft": "Bounce", "complained": "Complaint", "strange": "Dance"}
        event = {"eventType": words[what], "mail": {"messageId": "1", "destination": [to], "headers": [{"name": "X-Metadata", "value": json.dumps(own)}]}}
        recipients = [{"emailAddress": to, "diagnosticCode": f"smtp; {gone if what == 'hard' else full}"}]
        event |= {
            "delivered": {"delivery": {"recipients": [to], "smtpResponse": "250 ok"}}, "complained": {
                "complaint": {"complainedRecipients": recipients, "complaintFeedbackType": "abuse"}
            },
            "hard": {"bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": recipients}},
            "soft": {"bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": recipients}},
        }.get(what, {})  # fmt: skip
        body = {
            "Type": "Notification",
            "MessageId": f"n-{what}",
            "TopicArn": amazon.TOPIC,
            "Message": json.dumps(event),
            "Timestamp": "2026-11-22T05:00:00.000Z",
        }
        body, headers = amazon.signed(body), amazon.headers(body)
        body |= {"MessageId": f"n-{what}-forged"} if forged else {}
    raw = json.dumps(body).encode()
    if kind == "resend":
        id, at = f"msg_{what}", str(int(clock.now().timestamp()))
        key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if not forged else "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        mac = base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + raw, hashlib.sha256).digest()).decode()
        headers = {"svix-id": id, "svix-timestamp": at, "svix-signature": f"v1,{mac}"}
    if kind == "mailersend":
        headers = {"Signature": hmac.new(b"wrong" if forged else b"sign", raw, hashlib.sha256).hexdigest()}
    return raw, headers


SIGN = {"mailgun", "resend", "mailersend", "ses"}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(set(PROVIDERS) - {"postal"}))
def test_what_a_provider_tells_is_stored_believed_and_read_once(kind: str, email: Email, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = PROVIDERS[kind]
    amazon.answers(monkeypatch)
    row = Transport.objects.create(name=kind, kind=kind, settings=said.given, secret=transport.encrypted(said.secret))
    path = re.sub(r"^https?://[^/]+", "", provider_hooks.address(row.pk))
    wanted = {
        "delivered": ("delivered", "", ""),
        "hard": ("bounced", "user_unknown", "bounced"),
        "soft": ("bounced", "mailbox_full", ""),
        "complained": ("delivered", "", "complained"),
    }
    whom = {what: (contact := person(f"{what}@gaon.example"), sent(contact, email)) for what in (*wanted, "strange")}
    for what, (contact_id, message_id) in whom.items():
        raw, headers = call(kind, what, f"{contact_id}.{message_id}")
        for _again in range(2):
            assert client.post(path, raw, content_type="application/json", headers=headers).status_code == 200
    assert Inbound.objects.count() == len(whom)
    if kind in SIGN:
        contact_id, message_id = whom["strange"]
        raw, headers = call(kind, "hard", f"{contact_id}.{message_id}", forged=True)
        assert client.post(path, raw, content_type="application/json", headers=headers).status_code == 403
    while inbound.take(reading.read):
        pass
    assert {what: (*state(whom[what][1]), suppressed(whom[what][0])) for what in wanted} == wanted
    assert (*state(whom["strange"][1]), suppressed(whom["strange"][0])) == ("sent", "", "")
    assert client.post("/hooks/AAAA/", b"{}", content_type="application/json").status_code == 404


@pytest.mark.django_db
def test_postal_signs_with_its_private_key(email: Email, client: Any) -> None:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    public = "".join(pem.splitlines()[1:-1])
    row = Transport.objects.create(
        name="p", kind="postal", settings={"api_url": "https://postal.example/"}, secret=transport.encrypted({"api_key": "k", "webhook_key": public})
    )
    path = re.sub(r"^https?://[^/]+", "", provider_hooks.address(row.pk))
    contact = person()
    mail = sent(contact, email)
    event = {
        "event": "MessageDeliveryFailed",
        "timestamp": 1763800000.1,
        "payload": {"status": "HardFail", "details": "x", "output": "550 5.1.1 unknown user", "message": {"id": 1, "to": "jiwoo@gaon.example", "tag": None}},
    }
    raw = json.dumps(event).encode()
    signature = base64.b64encode(key.sign(raw, padding.PKCS1v15(), hashes.SHA1())).decode()  # as Postal signs
    assert client.post(path, raw, content_type="application/json", headers={"X-Postal-Signature": "AAAA"}).status_code == 403
    assert client.post(path, raw, content_type="application/json", headers={"X-Postal-Signature": signature}).status_code == 200
    inbound.take(reading.read)
    assert state(mail) == ("bounced", "user_unknown")


def test_all_kinds_say_what_they_need() -> None:
    for carrier in (*vars(esp).values(), esp_ses.Ses):
        if isinstance(carrier, type) and issubclass(carrier, provider.Provider) and carrier is not provider.Provider:
            assert any(s.kind == "secret" and s.required for s in carrier.settings), carrier
