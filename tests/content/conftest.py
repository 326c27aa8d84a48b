"""A form, content in every stage, and visitors with their cookies."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from baton.content import assets
from baton.content.models import Asset
from baton.crm import contacts, records
from baton.events import identity
from baton.forms import verbs
from baton.forms.models import Form
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor

BROWSER = {
    "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "accept": "text/html", "accept-language": "ko-KR",
}  # fmt: skip
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8


@pytest.fixture
def form(account: object, actor: Actor) -> Form:
    fields = [{"name": "email", "label": "회사 이메일", "type": "email", "required": True}, {"name": "lastname", "label": "성", "type": "text"}]
    return verbs.create("자료 받기", {"fields": fields, "language": "ko"}, actor=actor, publish=True)


@pytest.fixture
def make(form: Form, actor: Actor) -> Callable[..., Asset]:
    """Make and publish a file."""

    def made(stage: str = "middle", gate: str = "by_stage", **settings: Any) -> Asset:
        asset = assets.create("file", settings.pop("title", f"{stage} 자료"), actor=actor, stage=stage, gate=gate, form_id=form.pk, **settings)
        assets.set_file(asset, "소개서.pdf", PDF, actor=actor)
        assets.publish(asset, actor=actor)
        return asset

    return made


@pytest.fixture
def browser() -> Client:
    return Client(headers=BROWSER)


@pytest.fixture
def visitor(account: object) -> Callable[..., int]:
    """Somebody with a cookie: anonymous, or a contact when there is an address."""

    def made(cookie: str, email: str = "") -> int:
        number = records.create("contact", {"email": email}, actor=SYSTEM, source="import") if email else sql.next_ids("record_id_seq", 1)[0]
        contacts.claim("cookie", cookie, number)
        identity.first_seen(number, clock.now())
        return number

    return made
