"""A form as a marketer would make it, and visitors with a past."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.crm import contacts
from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import spam, verbs
from baton.forms.models import Form
from baton.platform import clock, sql
from baton.platform.actor import Actor

FIELDS: list[dict[str, Any]] = [
    {"name": "email", "label": "회사 이메일", "type": "email", "required": True},
    {"name": "lastname", "label": "성", "type": "text", "required": True},
    {"name": "firstname", "label": "이름", "type": "text"},
    {"name": "company", "label": "회사", "type": "text"},
    {"name": "phone", "label": "전화번호", "type": "phone"},
    {"name": "numberofemployees", "label": "직원 수", "type": "number"},
    {"name": "seniority", "label": "직급", "type": "choice", "options": [{"value": "exec", "label": "임원"}, {"value": "staff", "label": "실무자"}]},
    {"name": "remark", "label": "문의 내용", "type": "textarea"},
]
BOX = {"key": "news", "kind": "channel", "channel": "email", "label": "소식을 이메일로 받는 데 동의합니다."}
DEFINITION: dict[str, Any] = {"fields": FIELDS, "consent": {"boxes": [BOX]}, "after": {"thanks": "고맙습니다."}, "spam": {"seconds": 0}}


@pytest.fixture(autouse=True)
def unhurried() -> None:
    spam.forget()  # how often a browser sent something is kept in memory


@pytest.fixture
def form(account: object, actor: Actor) -> Form:
    return verbs.create("상담 신청", DEFINITION, actor=actor, publish=True)


@pytest.fixture
def visit(db: None) -> Callable[..., int]:
    """Make an anonymous visitor with `views` page views in the past; returns his id."""

    def make(cookie: str, views: int = 3) -> int:
        number = sql.next_ids("record_id_seq", 1)[0]
        contacts.claim("cookie", cookie, number)
        start = clock.now() - timedelta(days=2)
        identity.first_seen(number, start, page="https://www.nuriwork.example/")
        record.add(NewEvent(number, Kind.PAGE_VIEW, start + timedelta(minutes=i), f"www.nuriwork.example/page{i}") for i in range(views))
        return number

    return make
