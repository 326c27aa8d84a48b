"""What quick search finds a record by."""

import pytest

from baton.crm import records, search
from baton.platform import sql
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db
SEO = {"lastname": "서", "firstname": "지우", "email": "jiwoo.seo@nuri-work.example", "phone": "010-4827-1935", "company": "㈜누리워크 코리아"}


def found(text: str) -> bool:
    return bool(sql.rows("SELECT 1 FROM contact WHERE search @@ %s::tsquery", [search.query(text)]))


@pytest.mark.parametrize(
    "text",
    ["서지우", "지우", "서", "ㅅㅈㅇ", "ㅈㅇ", "jiwoo", "JIWOO.SEO@nuri", "nuri-work", "nuri", "누리워크", "리워크", "ㄴㄹㅇㅋ", "코리아", "(주)누리워크",
     "01048271935", "010-4827-1935", "1935", "4827-1935", "+82 10-4827-1935", "서지우 누리", "ㅅㅈ 코리"],
)  # fmt: skip
def test_a_contact_is_found_by(text: str) -> None:
    records.create("contact", SEO, actor=SYSTEM, source="page")
    assert found(text)


@pytest.mark.parametrize("text", ["서지민", "ㅅㅈㅎ", "9999", "서지우 삼성", "kim"])
def test_a_contact_is_not_found_by(text: str) -> None:
    records.create("contact", SEO, actor=SYSTEM, source="page")
    assert not found(text)


@pytest.mark.parametrize("text", ["", "  ", "'", "\\", "a'b\\c:*|!()&", "()", "&", "%", "\u0000x", "😀"])
def test_odd_text_is_no_error(text: str) -> None:
    query = search.query(text.replace("\0", ""))
    sql.rows("SELECT 1 FROM contact WHERE search @@ %s::tsquery", [query])


def test_words_follow_a_change() -> None:
    id = records.create("contact", SEO, actor=SYSTEM, source="page")
    records.update("contact", id, {"company": "한빛테크"}, actor=SYSTEM, source="page")
    assert found("한빛")
    assert not found("누리워크")
    records.set_many("contact", [id], {"company": "새벽상사"}, actor=SYSTEM, source="page")
    assert found("새벽")
    assert not found("한빛")
