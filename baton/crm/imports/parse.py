"""From texts as people write them in tables to what a property takes: dates in the orders of several countries, numbers with units, phones, answers."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

import phonenumbers
from django.utils.translation import gettext as _

from baton.crm.values import HOME, Fault

MONTHS = {name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)}
YES = {
    "yes",
    "y",
    "true",
    "t",
    "1",
    "o",
    "on",
    "예",
    "네",
    "동의",
    "동의함",
    "동의합니다",
    "수신동의",
    "수신",
    "참",
    "subscribed",
    "opted in",
    "opt-in",
    "granted",
    "구독",
    "구독중",
    "구독 중",
    "はい",
}
NO = {
    "no",
    "n",
    "false",
    "f",
    "0",
    "x",
    "off",
    "아니오",
    "아니요",
    "거부",
    "미동의",
    "동의안함",
    "동의 안 함",
    "비동의",
    "수신거부",
    "거짓",
    "unsubscribed",
    "opted out",
    "opt-out",
    "cleaned",
    "bounced",
    "수신 거부",
    "자동삭제",
    "자동 삭제",
    "いいえ",
}
UNKNOWN = {"", "-", "unknown", "not asked", "모름", "미확인", "unknown / not asked", "none", "null", "n/a"}
TIME = re.compile(
    r"(?:(오전|오후|am|pm)\s*)?(\d{1,2})(?::|시\s*)(\d{1,2})(?::|분\s*)?(\d{1,2}(?:\.\d+)?)?\s*초?\s*(am|pm|오전|오후)?"
    r"\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
KOREAN = re.compile(r"(\d{4})\s*[년./-]\s*(\d{1,2})\s*[월./-]\s*(\d{1,2})\s*(?:일|\.)?(?:\s*\([월화수목금토일]\)|\s*[월화수목금토일]요일)?")
PACKED = re.compile(r"(19|20)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
WRITTEN = re.compile(r"(?:(\d{1,2})(?:st|nd|rd|th)?[ .-]+([a-z]{3})[a-z]*|([a-z]{3})[a-z]*\.?[ ]+(\d{1,2})(?:st|nd|rd|th)?),?[ .-]+(\d{4})", re.IGNORECASE)
PARTS = re.compile(r"(\d{1,2})[./-]\s*(\d{1,2})[./-]\s*(\d{4}|\d{2})\.?")
UNITS = {"천": 10**3, "만": 10**4, "백만": 10**6, "천만": 10**7, "억": 10**8, "조": 10**12, "k": 10**3, "m": 10**6, "bn": 10**9, "b": 10**9}
MONEY = re.compile(r"[₩￦$€£¥￥]|krw|usd|eur|jpy|gbp|cny|원|명|개|건|달러|엔|유로", re.IGNORECASE)


def order(texts: Iterable[str]) -> str:
    """The order of day and month that the dates of a column have; "" when they would do for both, "ymd" when the question does not come up."""
    seen = False
    for text in texts:
        if found := PARTS.match(text.strip()):
            first, second = int(found[1]), int(found[2])
            if first > 12 and second <= 12:
                return "dmy"
            if second > 12 and first <= 12:
                return "mdy"
            seen = True
    return "" if seen else "ymd"


@lru_cache(maxsize=8192)
def day(text: str, order: str = "mdy") -> date:
    """A day; a time of day behind it is left out. `order` tells 3/4/2026. Raises Fault."""
    found, _rest = _day(text, order)
    return found


@lru_cache(maxsize=8192)
def moment(text: str, order: str = "mdy") -> datetime:
    """A moment; without a time of day it is midnight, without a zone it has none (the account's is meant). Raises Fault."""
    if re.fullmatch(r"\d{13}", text):
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(milliseconds=int(text))
    try:
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d", text):
            return datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        pass
    found, rest = _day(text, order)
    midnight = datetime(found.year, found.month, found.day)
    rest = rest.strip(" ,T")
    if not rest:
        return midnight
    at = TIME.fullmatch(rest)
    if at is None:
        raise _no_date(text)
    hour, half = int(at[2]), (at[1] or at[5] or "").lower()
    if half:
        hour = hour % 12 + (12 if half in ("오후", "pm") else 0)
    zone = (at[6] or "").lower()
    try:
        plain = midnight.replace(hour=hour, minute=int(at[3]), second=int(float(at[4] or 0)))
        return datetime.fromisoformat(plain.isoformat() + ("" if not zone else "+00:00" if zone in ("z", "utc", "gmt") else zone))
    except ValueError:
        raise _no_date(text) from None


def _no_date(text: str) -> Fault:
    return Fault("INVALID_DATE", _("{value} is not a date.").format(value=text))


def _day(text: str, order: str) -> tuple[date, str]:
    """The day at the beginning of a text, and what is left of it."""
    text = text.strip()
    try:
        if found := KOREAN.match(text):
            return date(int(found[1]), int(found[2]), int(found[3])), text[found.end() :]
        if found := PARTS.match(text):
            year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
            one, other = int(found[1]), int(found[2])
            if len(found[3]) == 2 and order == "ymd":  # 26.11.20
                return date(2000 + one, other, int(found[3])), text[found.end() :]
            month, number = (other, one) if order == "dmy" else (one, other)
            return date(year, month, number), text[found.end() :]
        if found := WRITTEN.match(text):
            name, at = (found[2], found[1]) if found[1] else (found[3], found[4])
            if name.lower() in MONTHS:
                return date(int(found[5]), MONTHS[name.lower()], int(at)), text[found.end() :]
        if found := PACKED.fullmatch(text):
            return date(int(found[1] + found[2]), int(found[3]), int(found[4])), ""
        if re.fullmatch(r"\d{13}", text):
            return moment(text).date(), ""
        if re.fullmatch(r"[2-6]\d{4}", text):  # the number of days that a worksheet keeps: 1954 to 2091
            return date(1899, 12, 30) + timedelta(days=int(text)), ""
    except ValueError:
        pass
    raise _no_date(text)


@lru_cache(maxsize=8192)
def number(text: str, *, percent: bool = False) -> int | float:
    """A number with separators, a currency, a unit (만, 억, k, %) or in brackets when it is below zero. Raises Fault."""
    wrong = Fault("INVALID_NUMBER", _("{value} is not a number.").format(value=text))
    plain = re.sub(r"\s", "", MONEY.sub("", text.strip().lower().replace("−", "-").replace("\u00a0", "")))
    sign = 1
    if plain.startswith("(") and plain.endswith(")"):
        plain, sign = plain[1:-1], -1
    if plain.startswith(("-", "+")):
        sign, plain = (-sign if plain[0] == "-" else sign), plain[1:]
    share = plain.endswith("%")
    plain = plain.removesuffix("%")
    if re.fullmatch(r"\d(\.\d+)?e\+?\d{1,2}", plain):  # what worksheets make of long numbers
        return int(sign * float(plain)) if float(plain).is_integer() else sign * float(plain)
    total: float = 0
    pieces = re.findall(r"([\d.,]+)(조|억|천만|백만|만|천|bn|k|m|b)?", plain)
    if not pieces or "".join(a + b for a, b in pieces) != plain or (len(pieces) > 1 and not all(unit for _amount, unit in pieces[:-1])):
        raise wrong
    try:
        for amount, unit in pieces:
            value = float(_with_point(amount))
            total += value * UNITS.get(unit, 1)
    except ValueError:
        raise wrong from None
    total = sign * total / (100 if share and percent else 1)
    if len(pieces) == 1 and not pieces[0][1] and total.is_integer() and abs(total) >= 2**53:
        raise wrong
    return int(total) if total.is_integer() else round(total, 12)


def _with_point(amount: str) -> str:
    """1,234.5 and 1.234,5 and 1234,5 with a point and nothing else."""
    if "," in amount and "." in amount:
        last = max(amount.rfind(","), amount.rfind("."))
        return amount[:last].replace(",", "").replace(".", "") + "." + amount[last + 1 :]
    if "," in amount:
        return amount.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", amount) else amount.replace(",", ".") if amount.count(",") == 1 else "x"
    if amount.count(".") > 1:
        return amount.replace(".", "") if re.fullmatch(r"\d{1,3}(\.\d{3})+", amount) else "x"
    return amount


@lru_cache(maxsize=32768)
def minutes(text: str) -> float:
    """How long somebody stayed, in minutes: `42`, `42분`, `1시간 20분`, `1h 5m`, `1:20:30` (hours first) or `42:10` (minutes first). Raises Fault."""
    plain = text.strip().lower()
    if found := re.fullmatch(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2})", plain):
        hours, whole, seconds = (int(part or 0) for part in found.groups())
        return round(hours * 60 + whole + seconds / 60, 1)
    found = re.fullmatch(r"(?:(\d+)\s*(?:시간|h|hours?|hrs?)\.?)?\s*(?:(\d+(?:\.\d+)?)\s*(?:분|m|mins?|minutes?)?\.?)?", plain)
    if found and (found[1] or found[2]):
        return float(found[1] or 0) * 60 + float(found[2] or 0)
    raise Fault("INVALID_NUMBER", _("{value} is no length of time.").format(value=text))


def phone(text: str) -> str | None:
    """A number in E.164 (with ";ext=" when there is one); None for one that is no valid number here and has no country: it is kept as it was written."""
    digits = re.sub(r"[\s().-]", "", text)
    if re.fullmatch(r"01[016789]\d{7,8}", digits):  # mobile phones of Korea: most of what comes, and the library takes its time
        return f"+82{digits[1:]}"
    if re.fullmatch(r"10\d{8}", digits):  # a worksheet took the zero away
        return f"+82{digits}"
    try:
        parsed = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        return None
    abroad = text.lstrip(" (").startswith(("+", "00"))
    known = phonenumbers.is_possible_number(parsed) if abroad else digits[:1] in ("0", "1") and phonenumbers.is_valid_number(parsed)
    if not known:
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return f"{e164};ext={parsed.extension}" if parsed.extension else e164


def answer(text: str) -> bool | None:
    """A yes or a no; None when it says that nobody asked. Raises Fault for anything else."""
    plain = " ".join(text.strip().lower().split())
    if plain in YES:
        return True
    if plain in NO:
        return False
    if plain in UNKNOWN:
        return None
    raise Fault("INVALID_BOOLEAN", _("{value} is neither yes nor no.").format(value=text))


def full_name(text: str) -> tuple[str, str]:
    """Family and given name of a whole one: 홍길동 is 홍 and 길동, Anna Lee is Lee and Anna."""
    text = " ".join(text.split())
    if re.fullmatch(r"[가-힣]{2,5}", text):
        split = 2 if text[:2] in ("남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방") and len(text) > 2 else 1
        return text[:split], text[split:]
    if "," in text:
        family, _comma, given = text.partition(",")
        return family.strip(), given.strip()
    parts = text.split(" ")
    if re.search(r"[가-힣一-龥ぁ-ヿ]", text) and len(parts) == 2:
        return parts[0], parts[1]
    return (parts[-1], " ".join(parts[:-1])) if len(parts) > 1 else (text, "")
