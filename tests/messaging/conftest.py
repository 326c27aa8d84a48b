"""A real SMTP server on a free port, and people to write to."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from baton.accounts.models import Account
from baton.crm import consent, records
from baton.messaging.models import Email
from baton.platform.actor import SYSTEM
from tests.messaging.relay import Relay, free_port


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """Running, and where Baton sends; `relay.stop()` takes it down."""
    from baton.platform.config import config

    relay = Relay(free_port())
    settings = config().model_copy(
        update={
            "smtp_url": f"smtp://127.0.0.1:{relay.port}",
            "mail_from": "누리워크 마케팅 <news@nuriwork.example>",
            "language": "ko",
            "base_url": "https://go.nuriwork.example",
        }
    )
    for module in ("mail.letters", "deliverability.domains", "mail.render", "sending.transport", "channels.email"):
        monkeypatch.setattr(f"baton.messaging.{module}.config", lambda: settings)
    relay.start()
    yield relay
    relay.stop()


@pytest.fixture
def nuriwork(account: Account) -> Account:
    account.postal_address = "서울특별시 중구 세종대로 1"
    account.save()
    return account


@pytest.fixture
def email(nuriwork: Account) -> Email:
    return Email.objects.create(
        name="서비스 소개",
        subject='{{ contact.lastname }}{{ contact.firstname|default("고객") }} 님, 인사 관리가 쉬워지는 방법을 알려 드립니다',
        preheader="3분이면 읽습니다",
        body='<p>안녕하세요, {{ contact.firstname|default("고객") }} 님.</p><p><a href="https://nuriwork.example/pricing?a=1&amp;b=2">요금 보기</a></p>',
    )


def person(email: str = "jiwoo@gaon.example", *, agreed: bool = True, **properties: Any) -> int:
    contact_id = records.create("contact", {"email": email, **properties} if email else {**properties}, actor=SYSTEM, source="test")
    if agreed:
        consent.set([contact_id], "email", True, actor=SYSTEM, source="test")
    return contact_id


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]  # policy.default makes EmailMessage
