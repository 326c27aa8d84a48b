"""Search by initial consonants: ㅅㅈㅇ finds 서지우, 서ㅈ finds 서지우 and 서진."""

import re

FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
SYLLABLES = 588  # with each initial consonant


def asked(text: str) -> bool:
    """Whether the text has a consonant standing alone."""
    return any(letter in FIRST for letter in text)


def pattern(text: str) -> str:
    """A regular expression, for PostgreSQL and Python alike, of what a text with initial consonants means."""
    return "".join(_range(FIRST.index(c)) if c in FIRST else re.escape(c) for c in text)


def _range(index: int) -> str:
    start = 0xAC00 + index * SYLLABLES
    return f"[{chr(start)}-{chr(start + SYLLABLES - 1)}]"


def found(asked_for: str, text: str) -> bool:
    """Whether a text has what was asked for, letters or initial consonants."""
    return re.search(pattern(asked_for), text) is not None
