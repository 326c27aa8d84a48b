"""From what people and programs send to the value that is stored, one function a property type.

Stored as JSON: text, choice, phone (E.164), e-mail (lower case) and URL as text, number as number, boolean as boolean,
date as "2026-11-21", datetime as "2026-11-21T10:15:30.123Z" (always UTC, fixed width, so that text order is time order),
multi_choice as a list in the order of the options, user as the user's id. An empty value is not stored at all.
"""

import math
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

from baton.crm.models.property import PropertyDefinition, PropertyType
from baton.platform.config import config

LONGEST = 65_536  # characters of one text
HOME = "KR"  # the country of phone numbers written without one
Value = str | int | float | bool | list[str]
FRESH = 1.0  # seconds; a user made in another process is known here after that
_users: tuple[float, frozenset[int]] = (0.0, frozenset())
# What needs no library, which takes its time: most of what comes, and an import has many.
EASY_EMAIL = re.compile(
    r"(?=.{6,200}$)(?!.*--)[a-z0-9_+-]{1,30}(\.[a-z0-9_+-]{1,30})?@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,4}(com|net|org|io|kr|jp|de|uk|example)"
)
EASY_PHONE = re.compile(r"\+8210\d{8}")
UNSTORED = re.compile("[\x00\ud800-\udfff]")
LARGEST = 10**15  # of a number: above it a float no longer holds every integer


class Kept(str):
    """A phone number that is none in our eyes and is kept as its owner wrote it: what an import finds is not thrown away."""

    __slots__ = ()


class Fault(Exception):
    """A value that cannot be stored: a code for programs and a text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def convert(definition: PropertyDefinition, raw: Any) -> Value | None:
    """The stored form of `raw`; None for null, "" and [], which clear the property. Raises Fault."""
    if isinstance(raw, str) and not isinstance(raw, Kept):
        raw = raw.strip()
    if isinstance(raw, str) and ("\x00" in raw if raw.isascii() else UNSTORED.search(raw)):
        raise Fault("INVALID_TEXT", _("The text contains characters that cannot be stored."))
    if raw is None or raw == "" or raw == []:
        return None
    return CONVERT[definition.type](definition, raw)


def _text(definition: PropertyDefinition, raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if not isinstance(raw, (str, int, float)):
        raise Fault("INVALID_TEXT", _("Expected a text."))
    text = str(raw)
    if len(text) > LONGEST:
        raise Fault("INVALID_TEXT", _("The text is longer than {limit} characters.").format(limit=LONGEST))
    return text


def _number(definition: PropertyDefinition, raw: Any) -> int | float:
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) <= LARGEST:
        return raw
    if isinstance(raw, str) and len(raw) < 16 and raw.isascii() and raw.isdigit():  # most numbers of a file
        return int(raw)
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        raise _no_number(raw)
    try:
        number = Decimal(raw.replace(",", "") if isinstance(raw, str) and re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", raw) else str(raw))
    except InvalidOperation:
        raise _no_number(raw) from None
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise _no_number(raw)
    return int(number) if number == number.to_integral_value() else float(number)


def _no_number(raw: Any) -> Fault:
    return Fault("INVALID_NUMBER", _("{value} is not a number.").format(value=raw))


def _date(definition: PropertyDefinition, raw: Any) -> str:
    if isinstance(raw, datetime):
        return raw.astimezone(config().zone).date().isoformat() if raw.tzinfo else raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, str) and (parts := re.fullmatch(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})", raw)):
        try:
            return date(int(parts[1]), int(parts[2]), int(parts[3])).isoformat()
        except ValueError:
            pass
    raise Fault("INVALID_DATE", _("{value} is not a date. Expected the form 2026-11-21.").format(value=raw))


def _datetime(definition: PropertyDefinition, raw: Any) -> str:
    moment = raw
    if isinstance(raw, str):
        try:
            moment = datetime.fromisoformat(raw)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime):
        raise Fault("INVALID_DATE", _("{value} is not a date and time. Expected the form 2026-11-21T10:15:30Z.").format(value=raw))
    try:
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=config().zone))
    except OverflowError:
        raise Fault("INVALID_DATE", _("{value} is not a date and time. Expected the form 2026-11-21T10:15:30Z.").format(value=raw)) from None


def stamp(moment: datetime) -> str:
    """A moment as it is stored and sent: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _allowed(definition: PropertyDefinition) -> list[str]:
    return [option["value"] for option in definition.options if not option.get("archived")]


def _option(definition: PropertyDefinition, raw: Any, allowed: list[str]) -> str:
    value = _text(definition, raw)
    if value not in allowed:
        raise Fault("INVALID_OPTION", _("{value} was not one of the allowed options: [{options}]").format(value=value, options=", ".join(allowed)))
    return value


def _choice(definition: PropertyDefinition, raw: Any) -> str:
    return _option(definition, raw, _allowed(definition))


def _multi_choice(definition: PropertyDefinition, raw: Any) -> list[str] | None:
    allowed = _allowed(definition)
    given = raw.split(";") if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
    chosen = {_option(definition, item.strip() if isinstance(item, str) else item, allowed) for item in given if item != ""}
    return [value for value in allowed if value in chosen] or None


def _boolean(definition: PropertyDefinition, raw: Any) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False}
    value = known.get(str(raw).lower()) if isinstance(raw, (str, bool, int)) else None
    if value is None:
        raise Fault("INVALID_BOOLEAN", _("{value} is neither true nor false.").format(value=raw))
    return value


def phone_in_words(number: str, *, home: bool) -> str:
    """A stored E.164 number as people write it: nationally for readers at `home`, else internationally; what is no number stays as it is."""
    if not number.startswith("+"):
        return number  # kept as it was written
    try:
        parsed = phonenumbers.parse(number, HOME)
    except phonenumbers.NumberParseException:
        return number
    at_home = home and parsed.country_code == phonenumbers.country_code_for_region(HOME)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _phone(definition: PropertyDefinition, raw: Any) -> str:
    if isinstance(raw, Kept) and len(raw) <= 100:
        return str(raw)
    if isinstance(raw, str) and EASY_PHONE.fullmatch(raw):
        return raw
    try:
        number = phonenumbers.parse(str(raw) if isinstance(raw, (str, int)) and not isinstance(raw, bool) else "", HOME)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Fault("INVALID_PHONE", _("{value} is not a phone number.").format(value=raw))
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{e164};ext={number.extension}" if number.extension else e164


def _email(definition: PropertyDefinition, raw: Any) -> str:
    if isinstance(raw, str) and EASY_EMAIL.fullmatch(raw):
        return raw
    wrong = Fault("INVALID_EMAIL", _("Email address {value} is invalid").format(value=raw))
    if not isinstance(raw, str):
        raise wrong
    try:
        # no DNS: an import must not wait for the network. .example and .test are for trying things out, so they pass.
        address = validate_email(raw, check_deliverability=False, test_environment=True).normalized
    except (EmailNotValidError, ValueError):
        raise wrong from None
    domain = address.rpartition("@")[2]
    if "." not in domain or not domain[-1].isalpha():
        raise wrong
    return address.lower()


def _url(definition: PropertyDefinition, raw: Any) -> str:
    text = _text(definition, raw)
    if "://" not in text and not re.match(r"[A-Za-z][A-Za-z0-9+-]*:(?!\d)", text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise Fault("INVALID_URL", _("{value} is not a web address.").format(value=raw))
    return text


def _user(definition: PropertyDefinition, raw: Any) -> int:
    number = int(raw) if isinstance(raw, (str, int)) and not isinstance(raw, bool) and re.fullmatch(r"\d{1,18}", str(raw)) else None
    if number is None or not _is_user(number):
        raise Fault("INVALID_USER", _("There is no user {value}.").format(value=raw))
    return number


def _is_user(number: int) -> bool:
    """Whether there is a user with this id; asked of the database only for ids not met in the last second."""
    global _users
    from baton.accounts.models import User

    at, known = _users
    if number not in known or time.monotonic() - at > FRESH:
        known = frozenset(User.objects.values_list("pk", flat=True))
        _users = (time.monotonic(), known)
    return number in known


CONVERT: dict[str, Callable[[PropertyDefinition, Any], Value | None]] = {
    PropertyType.TEXT: _text,
    PropertyType.NUMBER: _number,
    PropertyType.DATE: _date,
    PropertyType.DATETIME: _datetime,
    PropertyType.CHOICE: _choice,
    PropertyType.MULTI_CHOICE: _multi_choice,
    PropertyType.BOOLEAN: _boolean,
    PropertyType.PHONE: _phone,
    PropertyType.EMAIL: _email,
    PropertyType.URL: _url,
    PropertyType.USER: _user,
}
