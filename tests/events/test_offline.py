"""Lists of business cards and attendees: consent for each row, the event as source, an entry for everybody who was there, and all of it taken back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.accounts.models import User
from baton.crm import records
from baton.crm.imports import faults, parse, run, undo, verbs
from baton.crm.models import Contact, Import
from baton.crm.values import Fault
from baton.events import timeline
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.errors import Invalid

pytestmark = pytest.mark.django_db
CARDS = """성명,회사,직급,이메일,휴대폰,수신 동의
김서연,㈜가나,과장,seoyeon@gana.example,010-1234-5678,Y
박민준,주식회사 다라,부장,minjun@dara.example,010-2345-6789,N
이지호,마바,사원,jiho@maba.example,010-3456-7890,
"""
WORDING = "[선택] 부스에서 받은 명함으로 제품 소식을 보내는 데 동의합니다."


@pytest.fixture
def someone(account: object) -> Actor:
    return Actor("user", User.objects.create_user("oh@nuriwork.example", name="오세린", role="admin").pk)


@pytest.fixture
def bring(someone: Actor) -> Callable[..., Import]:
    def do(text: str, **options: Any) -> Import:
        row = verbs.upload("cards.csv", [text.encode("cp949")], actor=someone, object_type="contact")
        columns = [{"to": "consent:email"} if header == "수신 동의" else dict(column) for header, column in zip(row.headers, row.columns, strict=True)]
        verbs.match(row.pk, columns, options, actor=someone)
        verbs.start(row.pk, actor=someone)
        run.run(row.pk)
        changes.tick()
        row.refresh_from_db()
        return row

    return do


def yesterday() -> str:
    return str((clock.now().astimezone(config().zone) - timedelta(days=1)).date())


def fair(**more: str) -> dict[str, str]:
    return {"occasion": "fair", "occasion_name": "서울 HR 박람회", "occasion_day": yesterday(), "source": WORDING, **more}


def met(id: int) -> list[tuple[str, float | None]]:
    return [(e.key_value, e.value) for e in timeline.page(id) if e.kind is Kind.ATTENDED]


def test_cards_of_a_booth(bring: Callable[..., Import]) -> None:
    row = bring(CARDS, **fair())
    assert (row.counts["created"], row.counts["faulty"]) == (2, 1), "who did not say whether he agrees is not taken"
    assert "agreed" in faults.some(row.pk, 5)[0][2] or "동의" in str(faults.some(row.pk, 5))
    seoyeon, minjun = (Contact.objects.get(email=mail) for mail in ("seoyeon@gana.example", "minjun@dara.example"))
    assert seoyeon.properties["lead_source"] == "exhibition"
    assert met(seoyeon.pk) == [("서울 HR 박람회", None)]
    assert sql.rows("SELECT granted, wording FROM consent ORDER BY contact_id") == [(True, WORDING), (False, WORDING)]
    undo_all(row)
    assert met(seoyeon.pk) == met(minjun.pk) == []


def undo_all(row: Import) -> None:
    verbs.undo(row.pk, actor=Actor.parse(row.actor))
    undo.run(row.pk)
    changes.tick()


def test_who_came_to_the_webinar_and_how_long(bring: Callable[..., Import]) -> None:
    known = records.create("contact", {"email": "seoyeon@gana.example", "lead_source": "search"}, actor=SYSTEM, source="api")
    text = "이름,이메일,참석 시간(분)\n김서연,seoyeon@gana.example,42\n박민준,minjun@dara.example,1시간 5분\n"
    bring(text, **fair(occasion="webinar", occasion_name="급여 자동화 웨비나", everybody="none"))
    assert met(known) == [("급여 자동화 웨비나", 42.0)]
    new = Contact.objects.get(email="minjun@dara.example")
    assert met(new.pk) == [("급여 자동화 웨비나", 65.0)]
    assert new.properties["lead_source"] == "webinar"
    assert records.get("contact", known).properties["lead_source"] == "search", "what is known of somebody is not overwritten"
    assert sql.rows("SELECT count(*) FROM consent") == [(0,)]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"occasion_name": ""}, "options.occasion_name"),
        ({"occasion_day": "2999-01-01"}, "options.occasion_day"),
        ({"occasion_day": "gestern"}, "options.occasion_day"),
        ({"source": "cards.csv"}, "options.source"),
        ({"occasion": "party"}, "options.occasion"),
        ({"everybody": "perhaps"}, "options.everybody"),
    ],
)
def test_what_is_missing_is_said(bring: Callable[..., Import], wrong: dict[str, str], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        bring(CARDS, **fair(**wrong))
    assert path in [problem.path for problem in caught.value.problems]


def test_nobody_is_taken_without_an_answer_about_consent(bring: Callable[..., Import]) -> None:
    with pytest.raises(Invalid) as caught:
        bring("성명,이메일\n김서연,seoyeon@gana.example\n", **fair())
    assert [problem.path for problem in caught.value.problems] == ["options.everybody"]


@pytest.mark.parametrize(
    ("text", "minutes"), [("42", 42), ("42분", 42), ("1시간 20분", 80), ("2시간", 120), ("1h 5m", 65), ("1:20:30", 80.5), ("42:30", 42.5), ("37.5", 37.5)]
)
def test_lengths_of_time(text: str, minutes: float) -> None:
    assert parse.minutes(text) == minutes


def test_no_length_of_time() -> None:
    for text in ("", "long", "12 apples"):
        with pytest.raises(Fault):
            parse.minutes(text)
