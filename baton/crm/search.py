"""The words quick search finds a record by, and the question it asks: name, e-mail, company, phone, Korean initials (초성).

Every record keeps its words in a `search` column (tsvector), written with its values. A question matches the beginning of words, so that it is
answered by the index alone however many records there are; Hangul words are kept from each of their letters on, because Korean joins words.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from baton.crm import types

MOST = 80  # words of one record
LONGEST = 60  # letters of one word
INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
FORMS = re.compile(r"㈜|\(주\)|주식회사|\(유\)|유한회사")  # of companies; nobody types them
HANGUL = re.compile(r"[가-힣]")
WORD = re.compile(r"[^\W_]+")
TAG = re.compile(r"<[^>]*>")
NUMBER = re.compile(r"\+?[\d][\d\s().-]{2,}\d")


def plain(text: str) -> str:
    """The form in which words are compared: NFC, lower case, without the form of a company."""
    if text.isascii():
        return text.lower()
    return FORMS.sub(" ", unicodedata.normalize("NFC", text)).casefold()


def initials(word: str) -> str:
    """The first consonant of each Hangul syllable: 서지우 is ㅅㅈㅇ; "" for a word that is not all Hangul."""
    if not word or not all("가" <= letter <= "힣" for letter in word):
        return ""
    return "".join(INITIALS[(ord(letter) - 0xAC00) // 588] for letter in word)


def terms(object_type: str, properties: Mapping[str, Any], searchable: Sequence[str] | None = None) -> list[str]:
    """The words of a record with these values, at most MOST, without doubles; `searchable`: the type's, when the caller has them."""
    found: dict[str, None] = {}
    for name in types.get(object_type).searchable if searchable is None else searchable:
        if value := properties.get(name):
            for part in str(value).split(";") if name == "additional_emails" else (str(value),):
                for word in _of(name, part):
                    found.setdefault(word[:LONGEST])
    found.pop("", None)
    if object_type == "contact" and (first := properties.get("firstname")) and (last := properties.get("lastname")):
        for word in _words(plain(f"{last}{first}")):
            found.setdefault(word[:LONGEST])
    return list(found)[:MOST]


def _of(name: str, value: str) -> Iterable[str]:
    if "phone" in name or name.endswith("number"):
        digits = re.sub(r"\D", "", re.sub(r"^\+82", "0", value.partition(";")[0]))
        return (digits, digits[-8:], digits[-4:], *((re.sub(r"\D", "", value),) if value.startswith("+") else ()))
    text = plain(TAG.sub(" ", value) if "<" in value else value)
    if "@" in text and " " not in text:
        box, _, domain = text.partition("@")
        return (text, box, domain, *_split(box), *_words(domain))
    return _words(text)


@lru_cache(maxsize=20_000)  # the same names, companies and domains come again and again
def _words(text: str) -> tuple[str, ...]:
    return tuple(_split(text))


def _split(text: str) -> Iterable[str]:
    found = WORD.findall(text)
    if len(found) > 1 and len(joined := "".join(found)) <= LONGEST:
        found.append(joined)
    for word in dict.fromkeys(found):
        yield word
        if not word.isascii() and HANGUL.search(word) and len(word) <= 12:
            yield from (word[start:] for start in range(1, len(word) - 1))
            if letters := initials(word):
                yield letters


def query(text: str) -> str:
    """The tsquery of what somebody typed: every word must begin a word of the record; "" when there is no word in it."""
    text = unicodedata.normalize("NFC", text.strip())
    if NUMBER.fullmatch(text):
        return _lexeme(re.sub(r"\D", "", text))
    asked = [
        piece for part in plain(text).split() for piece in ([part] if "@" in part else [re.sub(r"\D", "", part)] if NUMBER.fullmatch(part) else _asked(part))
    ]
    return " & ".join(_lexeme(word[:LONGEST]) for word in dict.fromkeys(asked[:8]))


def _asked(part: str) -> list[str]:
    return WORD.findall(part)


def _lexeme(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"
