"""Values as people write them."""

from datetime import date

import pytest

from baton.crm.imports import names, parse
from baton.crm.values import Fault, phone_in_words


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026. 11. 20.", "2026년 11월 20일", "2026.11.20 (금)", "20261120", "11/20/2026", "Nov 20, 2026", "20 November 2026", "46346"]
)
def test_a_day(text: str) -> None:
    assert parse.day(text) == date(2026, 11, 20)


def test_the_order_of_day_and_month_is_told_by_the_column_or_asked() -> None:
    assert parse.order(["3/4/2026", "25/4/2026"]) == "dmy"
    assert parse.order(["3/4/2026", "4/25/2026"]) == "mdy"
    assert parse.order(["3/4/2026"]) == ""
    assert parse.order(["2026-01-02"]) == "ymd"
    assert parse.day("3/4/2026", "dmy") == date(2026, 4, 3)


def test_a_moment() -> None:
    assert parse.moment("2026. 11. 20. 오후 2:05").isoformat() == "2026-11-20T14:05:00"
    assert parse.moment("2026-11-20T10:11:12Z").utcoffset() is not None


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,234.5", 1234.5), ("1.234,5", 1234.5), ("₩1,200,000", 1_200_000), ("1,200원", 1200), ("(1,200)", -1200), ("1.2억", 120_000_000),
     ("3,840만 원", 38_400_000), ("3억 2,000만", 320_000_000), ("12%", 12), ("1.5e3", 1500)],
)  # fmt: skip
def test_a_number(text: str, number: float) -> None:
    assert parse.number(text) == number


@pytest.mark.parametrize("text", ["abc", "1,2,3", "12월", "1 2 x"])
def test_no_number(text: str) -> None:
    with pytest.raises(Fault):
        parse.number(text)


def test_phones_of_here_and_elsewhere() -> None:
    assert parse.phone("010-4827-1935") == parse.phone("1048271935") == "+821048271935"
    assert parse.phone("02-312-5678") == "+8223125678"
    assert parse.phone("+1-781-948-6348x4026") == "+17819486348;ext=4026"
    assert parse.phone("831.605.2433x72946") is None, "no Korean number: it is kept as it was written"


def test_names() -> None:
    assert parse.full_name("홍길동") == ("홍", "길동")
    assert parse.full_name("남궁민수") == ("남궁", "민수")
    assert parse.full_name("Anna Lee") == ("Lee", "Anna")


def test_companies_by_any_spelling() -> None:
    assert len({names.plain(text) for text in ("㈜가나", "(주)가나", "주식회사 가나", "가나")}) == 1
    assert names.plain("GTXPro") == names.plain("GTX Pro")


def test_the_last_digit_of_a_business_number() -> None:
    assert names.business_number("1234567891") == "123-45-67891"
    assert names.business_number("123-45-67890") is None


def test_a_kept_phone_is_shown_as_it_was_written() -> None:
    assert phone_in_words("416-810-9897x752", home=True) == "416-810-9897x752"
    assert phone_in_words("+821012345678", home=True) == "010-1234-5678"
