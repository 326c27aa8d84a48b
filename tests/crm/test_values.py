"""What each property type accepts, how it is stored, and what it refuses."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from baton.crm.models import PropertyDefinition
from baton.crm.values import Fault, convert

OPTIONS = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}, {"value": "old", "label": "Old", "archived": True}]


def stored(type: str, raw: Any) -> Any:
    return convert(PropertyDefinition(name="x", type=type, options=OPTIONS), raw)


GOOD: list[tuple[str, Any, Any]] = [
    ("text", "  hello ", "hello"),
    ("text", 1500, "1500"),
    ("text", True, "true"),
    ("number", "1500", 1500),
    ("number", " 1,234,567.5 ", 1234567.5),
    ("number", -3, -3),
    ("number", 1.0, 1),
    ("number", "1e3", 1000),
    ("date", "2026-11-21", "2026-11-21"),
    ("date", "2026. 1. 2".replace(" ", ""), "2026-01-02"),
    ("date", "2026/1/2", "2026-01-02"),
    ("date", date(2026, 1, 2), "2026-01-02"),
    ("date", datetime(2026, 1, 1, 20, tzinfo=UTC), "2026-01-02"),  # already the next day in Seoul
    ("datetime", "2026-11-21T10:15:30Z", "2026-11-21T10:15:30.000Z"),
    ("datetime", "2026-11-21T10:15:30.1234+09:00", "2026-11-21T01:15:30.123Z"),
    ("datetime", "2026-11-21 10:15", "2026-11-21T01:15:00.000Z"),  # without a zone: the account's
    ("datetime", datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=9))), "2026-11-20T15:00:00.000Z"),
    ("choice", "a", "a"),
    ("multi_choice", "b;a", ["a", "b"]),
    ("multi_choice", ["b", "b"], ["b"]),
    ("boolean", "TRUE", True),
    ("boolean", False, False),
    ("boolean", 0, False),
    ("phone", "010-4827-1935", "+821048271935"),
    ("phone", "02) 312-5678", "+8223125678"),
    ("phone", "1588-1234", "+8215881234"),
    ("phone", "+1 650 253 0000 ext. 12", "+16502530000;ext=12"),
    ("email", "  Oh.Serin@Nuriwork.EXAMPLE ", "oh.serin@nuriwork.example"),
    ("email", "a+tag@sub.example.com", "a+tag@sub.example.com"),
    ("email", "user@corp.test", "user@corp.test"),
    ("url", "www.nuriwork.example", "https://www.nuriwork.example"),
    ("url", "http://nuriwork.example:8080/a?b=c#d", "http://nuriwork.example:8080/a?b=c#d"),
    ("url", "https://누리워크.example/소개", "https://누리워크.example/소개"),
]


@pytest.mark.parametrize(("type", "raw", "expected"), GOOD)
def test_it_stores_one_form(type: str, raw: Any, expected: Any) -> None:
    value = stored(type, raw)
    assert value == expected
    assert value.__class__ is expected.__class__


@pytest.mark.parametrize("type", ["text", "number", "date", "datetime", "choice", "multi_choice", "boolean", "phone", "email", "url", "user"])
@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_nothing_clears(type: str, nothing: Any) -> None:
    assert stored(type, nothing) is None


BAD: list[tuple[str, Any, str]] = [
    ("text", {"a": 1}, "INVALID_TEXT"),
    ("text", "x" * 65_537, "INVALID_TEXT"),
    ("text", "a\x00b", "INVALID_TEXT"),
    ("number", "many", "INVALID_NUMBER"),
    ("number", "1,2", "INVALID_NUMBER"),
    ("number", "NaN", "INVALID_NUMBER"),
    ("number", float("inf"), "INVALID_NUMBER"),
    ("number", "1e400", "INVALID_NUMBER"),
    ("number", True, "INVALID_NUMBER"),
    ("number", [1], "INVALID_NUMBER"),
    ("date", "2026-02-30", "INVALID_DATE"),
    ("date", "21.11.2026", "INVALID_DATE"),
    ("date", 5, "INVALID_DATE"),
    ("datetime", "yesterday", "INVALID_DATE"),
    ("datetime", "0001-01-01T00:00:00+14:00", "INVALID_DATE"),
    ("choice", "A", "INVALID_OPTION"),
    ("choice", "old", "INVALID_OPTION"),
    ("multi_choice", "a;c", "INVALID_OPTION"),
    ("boolean", "maybe", "INVALID_BOOLEAN"),
    ("boolean", 2, "INVALID_BOOLEAN"),
    ("phone", "call me", "INVALID_PHONE"),
    ("phone", "12", "INVALID_PHONE"),
    ("phone", ["010"], "INVALID_PHONE"),
    ("email", "nobody", "INVALID_EMAIL"),
    ("email", "a@b", "INVALID_EMAIL"),
    ("email", "a@1.2.3.4", "INVALID_EMAIL"),
    ("email", "a@test", "INVALID_EMAIL"),
    ("email", "a@intranet.local", "INVALID_EMAIL"),
    ("email", "a b@x.example", "INVALID_EMAIL"),
    ("email", "A <a@x.example>", "INVALID_EMAIL"),
    ("email", "a@x.example, b@x.example", "INVALID_EMAIL"),
    ("email", f"{'a' * 300}@x.example", "INVALID_EMAIL"),
    ("email", 5, "INVALID_EMAIL"),
    ("url", "javascript:alert(1)", "INVALID_URL"),
    ("url", "ftp://files.example", "INVALID_URL"),
    ("url", "https://", "INVALID_URL"),
    ("url", "https://a b.example", "INVALID_URL"),
    ("url", "https://x.example:99999", "INVALID_URL"),
]


@pytest.mark.parametrize(("type", "raw", "code"), BAD)
def test_it_says_what_is_wrong(type: str, raw: Any, code: str) -> None:
    with pytest.raises(Fault) as fault:
        stored(type, raw)
    assert fault.value.code == code
    assert fault.value.message
