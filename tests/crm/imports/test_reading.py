"""Files in every encoding and form become the same rows."""

import io

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from baton.crm.imports import reading
from baton.platform.errors import Invalid

KOREAN = '이름,회사,메모\r\n홍길동,㈜가나,"첫 줄\r\n둘째 ""줄"""\r\n김민수,다라,\r\n'
ROWS = [["이름", "회사", "메모"], ["홍길동", "㈜가나", '첫 줄\r\n둘째 "줄"'], ["김민수", "다라", ""]]


def rows(content: bytes) -> list[list[str]]:
    file = io.BytesIO(content)
    layout = reading.detect(file)
    file.seek(0)
    return list(reading.rows(file, layout))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"])
def test_korean_in_every_encoding(encoding: str) -> None:
    assert rows(KOREAN.encode(encoding)) == ROWS


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
def test_japanese(encoding: str) -> None:
    assert rows("名前\t会社\n山田太郎\tソフトウェア株式会社\n".encode(encoding))[1] == ["山田太郎", "ソフトウェア株式会社"]


def test_western_letters() -> None:
    assert rows("Name;Stadt\nMüller;Köln\nJosé;São Paulo\n".encode("cp1252"))[1] == ["Müller", "Köln"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter(delimiter: str) -> None:
    text = delimiter.join(("name", "amount, or so", "city")) if delimiter != "," else "name,amount,city"
    assert len(rows(f"{text}\n{delimiter.join('abc')}\n".encode())[1]) == 3


def test_a_line_that_names_the_delimiter_is_no_row() -> None:
    assert rows(b"sep=;\r\na;b\r\n1;2\r\n") == [["a", "b"], ["1", "2"]]


def test_headers_are_never_empty_nor_double() -> None:
    assert reading.headers([" 이메일 ", "이메일", "", "a\nb", ""], [["x", "y", "z", "", ""]]) == ["이메일", "이메일 (2)", "Column 3", "a b"]


def test_a_workbook_with_two_worksheets() -> None:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    book.add_worksheet("빈 장").write_row(0, 0, ["이름"])
    sheet = book.add_worksheet("명단")
    sheet.write_row(0, 0, ["이름", "금액", "날짜"])
    sheet.write_row(1, 0, ["홍길동", 1500])
    sheet.write_datetime(1, 2, __import__("datetime").datetime(2026, 11, 20), book.add_format({"num_format": "yyyy-mm-dd"}))
    book.close()
    layout = reading.detect(file := io.BytesIO(file.getvalue()))
    assert layout.sheets == ["빈 장", "명단"]
    layout.sheet = "명단"
    file.seek(0)
    assert list(reading.rows(file, layout)) == [["이름", "금액", "날짜"], ["홍길동", "1500", "2026-11-20"]]


def test_what_is_no_table_is_said() -> None:
    with pytest.raises(Invalid, match="not a table"):
        rows(b"%PDF-1.7 ...")


def test_a_quotation_mark_without_end_is_said() -> None:
    with pytest.raises(Invalid, match="quotation mark"):
        rows(b'a,b\n1,"' + b"x" * (reading.LONGEST + 10))


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fall(content: bytes) -> None:
    try:
        found = rows(content)
    except Invalid:
        return
    assert all(isinstance(cell, str) for row in found for cell in row)
