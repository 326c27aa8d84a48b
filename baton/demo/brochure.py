"""The brochure a visitor downloads: a small PDF written by hand, in Korean.

The font is named, not embedded: `HYGoThic-Medium` with the standard Adobe-Korea1 encoding, for which every PDF viewer
has a substitute. That keeps the file under 10 KB and needs no library.
"""

import zlib
from functools import cache

PAGE = (595, 842)  # A4, in points
INK, SOFT, GREEN, PALE = "0.10 0.14 0.13", "0.36 0.41 0.39", "0.05 0.42 0.33", "0.93 0.96 0.93"

COVER = ("누리워크 서비스 소개서", "채용부터 퇴사까지, 인사 업무를 한 흐름으로", "2026년 하반기판 · 누리워크 주식회사")
CHAPTERS = [
    (
        "무엇을 해결합니까",
        [
            ("흩어진 근태 기록", "지문 단말기, 엑셀, 메신저에 나뉜 출퇴근과 휴가를 한 화면에 모읍니다."),
            ("종이로 도는 근로계약", "계약서 작성, 서명, 보관, 갱신 알림까지 전자근로계약으로 처리합니다."),
            ("마감 때마다 생기는 급여 오류", "근태 마감과 급여 계산이 같은 자료를 씁니다. 옮겨 적는 단계가 없습니다."),
            ("제도 변화에 대한 대응", "주 52시간, 연차 촉진, 육아기 단축 근무의 기준을 규칙으로 관리합니다."),
        ],
    ),
    (
        "구성",
        [
            ("근태", "교대, 유연, 재택 근무를 조직마다 다르게 설정하고 모바일로 기록합니다."),
            ("전자계약", "근로계약, 연봉계약, 서약서를 서식으로 만들고 한 번에 보냅니다."),
            ("급여 연동", "쓰던 급여 프로그램과 ERP에 마감 자료를 넘깁니다."),
            ("인사 기록", "발령, 평가, 교육 이력이 사람마다 한 장에 쌓입니다."),
        ],
    ),
    (
        "도입 절차와 요금",
        [
            ("1주차: 진단", "인사 규정과 근무 유형을 함께 정리합니다. 담당 컨설턴트가 배정됩니다."),
            ("2주차: 설정과 이관", "조직도, 인사 기록, 잔여 연차를 옮깁니다."),
            ("3주차: 시범 운영", "한 부서에서 먼저 씁니다. 급여 마감을 기존 방식과 나란히 맞춰 봅니다."),
            ("요금", "스타터 1인 월 3,900원 · 비즈니스 1인 월 6,900원 · 엔터프라이즈 별도 협의."),
        ],
    ),
]
FOOT = "누리워크는 Baton의 견본 회사입니다. 실제 서비스가 아닙니다."


def _text(x: float, y: float, size: int, colour: str, words: str) -> str:
    return f"BT /F1 {size} Tf {colour} rg {x} {y} Td <{words.encode('utf-16-be').hex()}> Tj ET"


def _width(words: str, size: int) -> float:
    return sum(size * (0.5 if ord(c) < 128 else 1) for c in words)


def _lines(words: str, size: int, room: float) -> list[str]:
    """Break at spaces so that each line fits `room` points."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer, size) > room and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _cover() -> str:
    title, claim, edition = COVER
    mark = f"{GREEN} rg 64 690 44 44 re f 1 1 1 rg 74 700 8 24 re f 90 700 8 24 re f 74 724 m 82 724 l 98 700 l 90 700 l f"
    band = f"{PALE} rg 0 0 595 330 re f"
    return "\n".join(
        [band, mark, _text(64, 620, 30, INK, title), _text(64, 580, 15, SOFT, claim), _text(64, 280, 11, SOFT, edition), _text(64, 258, 9, SOFT, FOOT)]
    )


def _chapter(number: int, title: str, parts: list[tuple[str, str]]) -> str:
    out = [f"{GREEN} rg 64 770 28 4 re f", _text(64, 730, 22, INK, title)]
    y = 680.0
    for head, body in parts:
        lines = _lines(body, 12, 430)
        height = 48 + 20 * len(lines)
        out.append(f"{PALE} rg 64 {y - height + 18} 467 {height} re f")
        out.append(_text(82, y - 10, 15, GREEN, head))
        out += [_text(82, y - 36 - 20 * number, 12, INK, line) for number, line in enumerate(lines)]
        y -= height + 16
    out.append(_text(64, 44, 9, SOFT, FOOT))
    out.append(_text(515, 44, 9, SOFT, str(number)))
    return "\n".join(out)


@cache
def pdf() -> bytes:
    """The whole file."""
    pages = [_cover(), *(_chapter(i + 2, *chapter) for i, chapter in enumerate(CHAPTERS))]
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (ko) /ViewerPreferences << /DisplayDocTitle true >> >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{8 + 2 * i} 0 R' for i in range(len(pages)))}] >>".encode(),
        b"<< /Title <feff" + COVER[0].encode("utf-16-be").hex().encode() + b"> /Producer (Baton) >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /HYGoThic-Medium /Encoding /UniKS-UTF16-H /DescendantFonts [5 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HYGoThic-Medium /CIDSystemInfo << /Registry (Adobe) /Ordering (Korea1) /Supplement 1 >>"
        b" /DW 1000 /W [1 95 500 8094 8190 500] /FontDescriptor 6 0 R >>",
        b"<< /Type /FontDescriptor /FontName /HYGoThic-Medium /Flags 4 /FontBBox [0 -142 1000 880]"
        b" /ItalicAngle 0 /Ascent 880 /Descent -142 /CapHeight 700 /StemV 90 >>",
        b"<< /ProcSet [/PDF /Text] /Font << /F1 4 0 R >> >>",
    ]
    for i, content in enumerate(pages):
        stream = zlib.compress(content.encode())
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE[0]} {PAGE[1]}] /Resources 7 0 R /Contents {9 + 2 * i} 0 R >>".encode())
        objects.append(f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode() + stream + b"\nendstream")
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
