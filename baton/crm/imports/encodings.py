"""In which letters a file is written: UTF-8, the Korean and Japanese ones, UTF-16; told from the bytes alone."""

import codecs
from typing import BinaryIO

from charset_normalizer import from_bytes

PIECE = 1 << 20  # bytes read at once
SAMPLE = 1 << 18  # bytes that are looked at closely
CHOICES = {
    "utf-8": "UTF-8",
    "cp949": "CP949 (EUC-KR)",
    "cp932": "Shift-JIS",
    "utf-16": "UTF-16",
    "euc_jp": "EUC-JP",
    "gb18030": "GB18030",
    "cp1252": "Windows-1252",
}
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def detect(file: BinaryIO) -> str:
    """The encoding of a file that is open at its beginning, as Python calls it. The file is read as far as that takes."""
    head = file.read(PIECE)
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    if wide := _wide(head[:4096]):
        return wide
    decoder = codecs.getincrementaldecoder("utf-8")()
    piece, sample = head, b""
    try:
        while piece:
            decoder.decode(piece)
            piece = file.read(PIECE)
        decoder.decode(b"", final=True)
        return "utf-8"
    except UnicodeDecodeError:
        sample = _telling(piece or head)
    return _legacy(sample)


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every second byte of Latin text is zero."""
    if len(head) < 4:
        return ""
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.3 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 and odd < 0.05 else ""


def _telling(piece: bytes) -> bytes:
    """The lines with letters beyond ASCII, whole lines only: a cut letter would count as a fault."""
    found, size = [], 0
    for line in piece.splitlines(keepends=True):
        if not line.isascii():
            found.append(line)
            size += len(line)
            if size > SAMPLE:
                break
    return b"".join(found)


def _legacy(sample: bytes) -> str:
    """Korean first, because that is where our users' files come from; then Japanese; then whatever charset-normalizer reads in it."""
    points = {"cp949": _hangul(sample), "cp932": _kana(sample, "cp932"), "euc_jp": _kana(sample, "euc_jp")}
    best = max(points, key=lambda name: points[name])
    if points[best] > 0.2:
        return best
    guess = from_bytes(sample, cp_isolation=["cp949", "cp932", "euc_jp", "gb18030", "cp1252"]).best()
    if guess is not None and guess.encoding in ("cp949", "cp932", "euc_jp", "gb18030", "cp1252"):
        return guess.encoding
    return "cp949" if points["cp949"] > 0 else "cp1252"


def _decoded(sample: bytes, encoding: str) -> str:
    text = sample.decode(encoding, "replace")
    return text if text.count("\ufffd") <= len(text) * 0.01 else ""


def _hangul(sample: bytes) -> float:
    """How much of the letters beyond ASCII are the 2,350 syllables that Korean is written with; the rare ones of CP949 come up in texts that are not Korean."""
    letters = [letter for letter in _decoded(sample, "cp949") if letter > "\x7f"]
    if not letters:
        return 0.0
    common = sum(1 for letter in letters if "가" <= letter <= "힣" and _common(letter))
    rare = sum(1 for letter in letters if "가" <= letter <= "힣") - common
    return (common - 2 * rare) / len(letters)


def _common(letter: str) -> bool:
    try:
        letter.encode("euc_kr")
    except UnicodeEncodeError:
        return False
    return True


def _kana(sample: bytes, encoding: str) -> float:
    """How much of the letters beyond ASCII are kana (full width: half-width ones are what other encodings look like) or, beside kana, kanji."""
    letters = [letter for letter in _decoded(sample, encoding) if letter > "\x7f"]
    if not letters:
        return 0.0
    kana = sum("ぁ" <= letter <= "ヿ" for letter in letters)
    narrow = sum("｡" <= letter <= "ﾟ" for letter in letters)
    kanji = sum("一" <= letter <= "龥" for letter in letters) if kana else 0
    return (kana + 0.8 * kanji - 2 * narrow) / len(letters)
