"""What names a person in texts, and how it is taken out of them: only where it stands by itself, and never out of names of fields, numbers or ids."""

import re
from collections.abc import Iterable
from typing import Any

SHORTEST = 7  # digits or letters of what tells one person from everybody else; "none", "1234" and "admin" do not
BEFORE, AFTER = r"(?:(?<![A-Za-z0-9._+-])|(?<=%[0-9A-Fa-f]{2}))", r"(?![A-Za-z0-9-]|[._+][A-Za-z0-9])"


def telling(value: str) -> bool:
    """Whether a value can be nobody else's word: an address, a number of seven digits or more, an id of letters and digits."""
    if "@" in value or "%40" in value:
        return len(value) >= SHORTEST
    digits = sum(letter.isdigit() for letter in value)
    return digits >= SHORTEST or (len(value) >= SHORTEST and digits > 0 and any(letter.isalpha() for letter in value))


def loose(texts: Iterable[str]) -> str:
    """A pattern for the database: where one of these texts might be."""
    return "|".join(_quoted(text) for text in _ordered(texts)) or "$^"


def exact(texts: Iterable[str]) -> re.Pattern[str]:
    """The same for `cleaned`: a text counts where no letter, digit or address goes on before or behind it."""
    return re.compile("|".join(f"{BEFORE}{_quoted(text)}{AFTER}" for text in _ordered(texts)) or "$^", re.IGNORECASE)


def cleaned(value: Any, found: re.Pattern[str], word: str) -> Any:
    """A text or JSON value with `word` in the place of what was found; names of fields, numbers and the shape stay as they are."""
    match value:
        case str():
            return found.sub(lambda _match: word, value)
        case list():
            return [cleaned(one, found, word) for one in value]
        case dict():
            return {found.sub(lambda _match: word, key) if "@" in key else key: cleaned(one, found, word) for key, one in value.items()}
    return value


def _ordered(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if text}, key=len, reverse=True)


def _quoted(text: str) -> str:
    return re.sub(r"([^\w\s@])", r"\\\1", text)
