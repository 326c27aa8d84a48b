"""Messages of Amazon SNS: believed only when Amazon signed them and they are of the topic that the settings name.

What is signed, and how: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from baton.platform import clock, http
from baton.platform.errors import Invalid

TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-\d):\d{1,12}:[A-Za-z0-9_.-]{1,256}")
PEM = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # topics have version 1 unless somebody changed it
NOTIFICATION, QUESTION = "Notification", "SubscriptionConfirmation"
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    QUESTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
PROVED = "baton-proved"  # among the headers of a call that has been checked; whoever sends one of that name sends it in vain
MOST = 20  # certificates that are kept; Amazon has one for each region, and a new one every year or so

_known: dict[str, x509.Certificate] = {}
_lock = threading.Lock()


def read(body: bytes) -> dict[str, Any]:
    """What SNS sent. Raises Invalid."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid.one("", "UNREADABLE", "not JSON") from None
    if not isinstance(found, dict):
        raise Invalid.one("", "UNREADABLE", "not a message of SNS")
    return found


def check(message: Mapping[str, Any], topic: str) -> None:
    """Raises Invalid unless Amazon signed this message, and it is of this topic; http.Unreachable when Amazon's certificate cannot be had now."""
    fields = SIGNED.get(str(message.get("Type")))
    if fields is None or not all(isinstance(message.get(name), str) for name in fields if name != "Subject"):
        raise Invalid.one("", "FORGED", "not a message of SNS")
    if not topic or message["TopicArn"] != topic:
        raise Invalid.one("", "FORGED", f"of another topic: {str(message['TopicArn'])[:200]}")
    algorithm = HASHES.get(str(message.get("SignatureVersion")))
    if algorithm is None:
        raise Invalid.one("", "FORGED", "a signature of unknown version")
    key = _certificate(str(message.get("SigningCertURL") or message.get("SigningCertUrl") or ""), topic).public_key()
    signed = "".join(f"{name}\n{message[name]}\n" for name in fields if isinstance(message.get(name), str))
    try:
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidSignature
        key.verify(base64.b64decode(str(message.get("Signature") or ""), validate=True), signed.encode(), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError):
        raise Invalid.one("", "FORGED", "the signature is not Amazon's") from None


def confirm(message: Mapping[str, Any]) -> None:
    """Say yes to SNS' question whether the calls of a topic are wanted; `message` has been checked. Raises Invalid, http.Unreachable."""
    url = str(message["SubscribeURL"])
    if not _of_amazon(url, str(message["TopicArn"])):
        raise Invalid.one("", "FORGED", "an address that is not Amazon's")
    answer = http.get(url)
    if answer.status != 200:
        raise http.Unreachable(f"SNS: {answer.status}")


def _of_amazon(url: str, topic: str) -> bool:
    """Whether an address is SNS' own in the region of the topic, and nothing that only looks like it."""
    arn = TOPIC.fullmatch(topic)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if arn is None or parts.scheme != "https" or port not in (None, 443) or parts.username is not None or parts.password is not None:
        return False
    return parts.hostname == f"sns.{arn[2]}.amazonaws.com{'.cn' if arn[1] == 'aws-cn' else ''}" and "\\" not in url


def _certificate(url: str, topic: str) -> x509.Certificate:
    if not _of_amazon(url, topic) or not PEM.fullmatch(urlsplit(url).path):
        raise Invalid.one("", "FORGED", "a certificate from somewhere else")
    with _lock:
        found = _known.get(url)
    if found is None:
        answer = http.get(url)
        if answer.status != 200:
            raise http.Unreachable(f"SNS: {answer.status}")
        try:
            found = x509.load_pem_x509_certificate(answer.body)
        except ValueError:
            raise Invalid.one("", "FORGED", "no certificate") from None
        with _lock:
            if len(_known) >= MOST:
                _known.clear()
            _known[url] = found
    if not found.not_valid_before_utc <= clock.now() <= found.not_valid_after_utc:
        raise Invalid.one("", "FORGED", "the certificate is not valid now")
    return found
