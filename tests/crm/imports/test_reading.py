"""Files in every encoding and form become the same rows."""

import io
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from baton.crm.imports import reading, unpacked
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
    translation.activate("en")
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
    with translation.override("en"), pytest.raises(Invalid, match="not a table"):
        rows(b"%PDF-1.7 ...")


def test_a_quotation_mark_without_end_is_said() -> None:
    with translation.override("en"), pytest.raises(Invalid, match="quotation mark"):
        rows(b'a,b\n1,"' + b"x" * (reading.LONGEST + 10))


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fall(content: bytes) -> None:
    try:
        found = rows(content)
    except Invalid:
        return
    assert all(isinstance(cell, str) for row in found for cell in row)


def refused(work: Callable[[], object]) -> str:
    """Why a file is not read."""
    with pytest.raises(Invalid) as caught:
        work()
    return caught.value.problems[0].code


def a_book(sheet: str, **more: str) -> io.BytesIO:
    """A workbook of one sheet, written by hand."""
    out = io.BytesIO()
    main, of = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packed = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", f'<Types xmlns="{packed}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>')
        file.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{of}"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>')
        book = f'<Relationship Id="rId1" Type="{of}/officeDocument" Target="xl/workbook.xml"/>'
        file.writestr("_rels/.rels", f'<Relationships xmlns="{packed}/relationships">{book}</Relationships>')
        link = f'<Relationship Id="rId1" Type="{of}/worksheet" Target="worksheets/sheet1.xml"/>'
        file.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{packed}/relationships">{link}</Relationships>')
        file.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>')
        for name, text in more.items():
            file.writestr(name, text)
    out.seek(0)
    return out


CELL = '<row r="{row}"><c r="{at}{row}"><v>7</v></c></row>'


def test_a_workbook_by_hand_is_read() -> None:
    book = a_book(CELL.format(row=1, at="A") + CELL.format(row=3, at="B"))
    assert list(reading.rows(book, reading.detect(book))) == [["7", ""], ["", "7"]]


def test_a_small_file_that_claims_a_huge_sheet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cells, one in each corner: a reader that made room for all between them would take the whole process down."""
    assert refused(lambda: unpacked.check(a_book(CELL.format(row=1, at="A") + CELL.format(row=1_048_576, at="XFD")))) == "TOO_LARGE"
    monkeypatch.setattr(unpacked, "LARGEST", 1 << 20)
    assert refused(lambda: reading.detect(a_book(CELL.format(row=1, at="A"), padding=" " * (2 << 20)))) == "TOO_LARGE"


def test_archives_that_are_no_workbook_or_lie_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "x")
    assert refused(lambda: reading.detect(io.BytesIO(out.getvalue()))) == "BROKEN"
    sheet = CELL.format(row=1, at="A") * 5000
    honest = a_book(sheet).getvalue()
    size = len(f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{sheet}</sheetData></worksheet>').to_bytes(4, "little")
    assert honest.count(size) == 2
    assert refused(lambda: reading.detect(io.BytesIO(honest.replace(size, (10).to_bytes(4, "little"))))) == "BROKEN"


@pytest.mark.parametrize(
    "rows",
    [
        '<table:table-row><table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/></table:table-row>',
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float" office:value="1"/></table:table-row>',
    ],
)
def test_a_repeated_cell_is_refused(rows: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("content.xml", f"<office:document-content>{rows}</office:document-content>")
    assert refused(lambda: unpacked.check(io.BytesIO(out.getvalue()))) == "TOO_LARGE"
