"""Whoever calls the addresses of providers: nothing of it breaks anything, and Amazon is believed by its signature only."""

import json
import re
from typing import Any

import pytest
from django.test import Client, RequestFactory

from baton.api.own import provider_hooks as view
from baton.messaging.incoming import provider_hooks, sns
from baton.messaging.models import Inbound, Transport
from baton.messaging.sending import transport
from baton.platform import http
from tests.messaging import amazon

pytestmark = pytest.mark.django_db
QUESTION = {
    "Type": "SubscriptionConfirmation", "MessageId": "q", "Token": "t", "TopicArn": amazon.TOPIC, "Message": "Do you?", "Timestamp": "2026-11-22T05:00:00.000Z",
    "SubscribeURL": f"{amazon.HOST}/?Action=ConfirmSubscription&Token=t",
}  # fmt: skip
NOTE = {"Type": "Notification", "MessageId": "n", "TopicArn": amazon.TOPIC, "Message": "{}", "Subject": "s", "Timestamp": "2026-11-22T05:00:00.000Z"}


def hook(kind: str, secret: dict[str, Any], **given: Any) -> str:
    row = Transport.objects.create(name=kind, kind=kind, settings=given, secret=transport.encrypted(secret))
    return re.sub(r"^https?://[^/]+", "", provider_hooks.address(row.pk))


def test_whatever_is_sent_is_answered_and_breaks_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_hooks, "FORGERIES", 10_000)
    paths = [
        hook("mailgun", {"api_key": "k", "signing_key": "s"}, sender_domain="x.example"), hook("postmark", {"server_token": "k"}),
        hook("sparkpost", {"api_key": "k"}), hook("ses", {"secret_key": "s"}, access_key="a", region="ap-northeast-2", topic=amazon.TOPIC),
    ]  # fmt: skip
    bodies = [
        b"null", b"[]", b"7", b'"x"', b"{}", b"[[]]", b"[null]", b"{", b"\xff\x00", b"[" * 100_000, b"{\"event-data\": []}", b"{\"signature\": 7}",
        b'{"Type": []}', b'[{"msys": []}]', b'[{"msys": {"message_event": 7}}]', b'{"RecordType": "Bounce", "Type": {}, "Email": []}',
        b'{"event": {"a": 1}, "email": {}}', b'[{"event": "bounce", "email": 7, "timestamp": "x"}]', b'{"event": "hard_bounce", "ts_epoch": "x"}',
    ]  # fmt: skip
    kinds = [
        "application/json",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "text/plain; charset=klingon",
        "",
    ]
    for path in paths:
        answers = {client.generic("POST", path, body, kinds[n % len(kinds)]).status_code for n, body in enumerate(bodies)}
        answers |= {client.generic("POST", path, b"{}", kind).status_code for kind in kinds if path == paths[0]}
        assert answers <= {200, 400, 403}, path
    assert not Inbound.objects.filter(read_at=None, body=b"{").exists()
    assert client.post(paths[0], b"{}", content_type="application/json", headers={"Content-Encoding": "gzip"}).status_code == 415

    for length, status in (("", 411), ("x", 400), ("-1", 400), ("٣", 400), ("1e3", 400), (str(provider_hooks.LARGEST + 1), 413), ("9" * 5000, 413)):
        request = RequestFactory().post(paths[0], b"{}", content_type="application/json")
        request.META["CONTENT_LENGTH"] = length
        assert view.receive(request, "x").status_code == status, length
    for unknown in ("AAAA", "%00", "x" * 5000, paths[0].split("/")[2][:-1] + "_"):
        assert client.post(f"/hooks/{unknown}/", b"{}", content_type="application/json").status_code == 404
    monkeypatch.setattr(provider_hooks, "FORGERIES", 1)
    assert client.post(paths[0], b"[1]", content_type="application/json").status_code == 429


def test_amazon_is_believed_by_its_signature_for_the_topic_of_the_settings(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = amazon.answers(monkeypatch)
    path = hook("ses", {"secret_key": "s"}, access_key="a", region="ap-northeast-2", topic=amazon.TOPIC)

    def call(message: dict[str, Any]) -> int:
        return int(client.post(path, json.dumps(message), content_type="application/json", headers=amazon.headers(message)).status_code)

    other = "arn:aws:sns:ap-northeast-2:999999999999:theirs"
    elsewhere = [
        "http://sns.ap-northeast-2.amazonaws.com/SimpleNotificationService-1.pem", "https://sns.ap-northeast-2.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/SimpleNotificationService-1.pem", "https://sns.ap-northeast-2.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        f"{amazon.HOST}/bucket/SimpleNotificationService-1.pem", f"{amazon.HOST}/x.pem", "https://s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem", "https://evil.example\\@sns.ap-northeast-2.amazonaws.com/x.pem", "https://[", "",
    ]  # fmt: skip
    forged = [
        NOTE, QUESTION, *(amazon.signed(NOTE, at=url) for url in elsewhere), {**amazon.signed(NOTE), "Message": "[]"},
        {**amazon.signed(NOTE), "Signature": "AAAA"},
        {**amazon.signed(NOTE), "SignatureVersion": "2"}, {**amazon.signed(NOTE), "SignatureVersion": "3"}, amazon.signed({**NOTE, "TopicArn": other}),
        amazon.signed({**QUESTION, "TopicArn": other}), amazon.signed({**QUESTION, "SubscribeURL": "https://evil.example/"}),
    ]  # fmt: skip
    monkeypatch.setattr(provider_hooks, "FORGERIES", 10_000)
    assert {call(message) for message in forged} == {403}
    assert set(asked) == {amazon.CERTIFICATE}, "nothing is asked of anybody else"
    asked.clear()

    assert [call(amazon.signed(NOTE)), call(amazon.signed({**NOTE, "MessageId": "2"}, version="2")), call(amazon.signed(QUESTION))] == [200, 200, 200]
    assert asked == [QUESTION["SubscribeURL"]], "and the certificate is known by now"
    monkeypatch.setattr(sns, "_known", {})
    monkeypatch.setattr(sns.http, "get", lambda _url: (_ for _ in ()).throw(http.Unreachable("away")))
    late = amazon.signed({**NOTE, "MessageId": "3"})
    assert call(late) == 503
    amazon.answers(monkeypatch)
    assert call(late) == 200
    unset = hook("ses", {"secret_key": "s"}, access_key="a", region="ap-northeast-2")
    assert client.post(unset, json.dumps(amazon.signed(NOTE)), content_type="application/json", headers=amazon.headers(NOTE)).status_code == 403
