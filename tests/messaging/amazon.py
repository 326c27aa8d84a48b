"""SNS as far as it is seen from outside: signs with a certificate of its own, and says yes where it is asked."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from baton.messaging.incoming import sns
from baton.platform import clock, http

HOST = "https://sns.ap-northeast-2.amazonaws.com"
TOPIC = "arn:aws:sns:ap-northeast-2:123456789012:bounces"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123abcd.pem"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem() -> bytes:
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")]), clock.now()
    made = x509.CertificateBuilder(name, name, _key().public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)).sign(_key(), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of SNS from now on: its certificate, and the confirmation of a topic."""
    asked: list[str] = []
    sns._known.clear()

    def get(url: str) -> http.Answer:
        asked.append(url)
        return http.Answer(200, {}, _pem() if url.endswith(".pem") else b"<ConfirmSubscriptionResponse/>")

    monkeypatch.setattr(sns.http, "get", get)
    return asked


def signed(message: Mapping[str, Any], *, version: str = "1", at: str = CERTIFICATE) -> dict[str, Any]:
    """The message as SNS sends it."""
    names = ("Message", "MessageId", *(("Subject",) if "Subject" in message else ()), "Timestamp", "TopicArn", "Type")
    if message["Type"] != "Notification":
        names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{message[name]}\n" for name in names)
    signature = _key().sign(text.encode(), padding.PKCS1v15(), hashes.SHA1() if version == "1" else hashes.SHA256())
    return {**message, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode(), "SigningCertURL": at}


def headers(message: Mapping[str, Any]) -> dict[str, str]:
    return {"x-amz-sns-message-type": message["Type"], "x-amz-sns-message-id": message["MessageId"]}
