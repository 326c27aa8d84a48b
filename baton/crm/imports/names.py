"""How companies and products are told apart: names without their form and spelling, domains, the registration number of Korean companies."""

import re
import unicodedata
from urllib.parse import urlsplit

FORMS = r"주식회사|유한회사|\(주\)|\(유\)|\m(inc|ltd|llc|gmbh|corp|co|incorporated|limited|corporation)\M|[^[:alnum:]]"
PLAIN = f"regexp_replace(lower(normalize({{}}, NFKC)), '{FORMS}', '', 'g')"  # the expression of the index record_plain_name
DOMAIN = "lower({})"  # of the index record_company_domain
DIGITS = r"regexp_replace({}, '\D', '', 'g')"  # of the index record_company_number
WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_LATIN = re.compile(r"\b(inc|ltd|llc|gmbh|corp|co|incorporated|limited|corporation)\b")
_KOREAN = re.compile(r"주식회사|유한회사|\(주\)|\(유\)")


def plain(name: str) -> str:
    """A name as it is compared: ㈜가나, (주)가나 and 주식회사 가나 are the same, and so are GTXPro and GTX Pro."""
    text = unicodedata.normalize("NFKC", name).lower()
    text = _LATIN.sub("", _KOREAN.sub("", text))
    return "".join(letter for letter in text if letter.isalnum())


def domain(text: str) -> str:
    """The host of a web address or of an e-mail address without www: "" when there is none."""
    text = text.strip().lower()
    if "@" in text:
        text = text.rpartition("@")[2]
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    host = host.removeprefix("www.").rstrip(".")
    return host if "." in host and not re.search(r"\s", host) else ""


def business_number(text: str) -> str | None:
    """A Korean registration number as 123-45-67891; None when its last digit does not fit the others."""
    digits = re.sub(r"\D", "", text)
    if len(digits) != 10:
        return None
    numbers = [int(digit) for digit in digits]
    total = sum(number * weight for number, weight in zip(numbers, WEIGHTS, strict=False)) + numbers[8] * 5 // 10
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if (10 - total % 10) % 10 == numbers[9] else None
