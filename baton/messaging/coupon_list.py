"""Coupons for colleagues: codes out of a text or a file, codes made after a pattern, and who has which."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import contacts
from baton.messaging import column, coupons
from baton.messaging.models import CouponPool
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from baton.platform.models import History

PAGE = 50
COLUMNS = ("code", "codes", "coupon", "coupon code", "쿠폰", "쿠폰 코드", "쿠폰코드", "쿠폰번호", "쿠폰 번호", "코드")
USUAL = "****-****"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is read as another: no I, no O, no 0, no 1
DIGITS = "0123456789"
SIGNS = {"*": LETTERS, "#": DIGITS}
RARE = 10_000  # as many codes fit a pattern for each that is made, so that nobody finds one by trying
TRIES = 5
SHOWN = ("", "open", "redeemed")

ROWS = """
SELECT c.contact_id, c.id, c.code, c.given_at, c.redeemed_at, c.redeemed_by FROM coupon c
WHERE c.pool_id = %(pool)s AND c.id < %(before)s {tests} ORDER BY c.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Given:
    """A code somebody has."""

    contact_id: int
    id: int
    code: str
    given_at: datetime
    redeemed_at: datetime | None
    redeemed_by: str


def page(pool: CouponPool, *, shown: str = "", text: str = "", before: int = 0) -> tuple[list[Given], int]:
    """Up to PAGE codes people have, those given last first, and what the next page is `before` (0: there is none).

    `shown` is one of SHOWN; `text` is a code, or the e-mail address of somebody.
    """
    tests = {"open": " AND c.redeemed_at IS NULL", "redeemed": " AND c.redeemed_at IS NOT NULL"}.get(shown, "")
    params = {"pool": pool.pk, "before": before or 1 << 62, "limit": PAGE + 1, "code": text, "contact": 0}
    if text:
        person = contacts.by_email(text) if "@" in text else None
        tests += " AND c.contact_id = %(contact)s" if person else " AND c.code = %(code)s"
        params["contact"] = person or 0
    rows = [Given(*row) for row in sql.rows(ROWS.replace("{tests}", tests), params)]
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else 0


def told(pool: CouponPool, limit: int = 50) -> list[History]:
    """What was done with the pool itself, newest first. Who redeemed which code stands beside the code."""
    return list(History.objects.filter(subject_type="coupon_pool", subject_id=str(pool.pk)).exclude(verb="redeemed").order_by("-at", "-pk")[:limit])


def typed(text: str) -> list[str]:
    """The codes of a text: one a line, or with blanks, commas or semicolons between them."""
    return re.split(r"[\s,;]+", text.strip(" \t\r\n,;")) if text.strip(" \t\r\n,;") else []


def read(content: bytes) -> list[str]:
    """The codes of a CSV file: the column that is called so, or the first one. Raises Invalid (`file`)."""
    if not any(found := column.read(content, COLUMNS)):
        raise Invalid.one("file", "EMPTY", _("There are no codes in this file."))
    return [code for code in found if code]


def made(pattern: str, count: int) -> list[str]:
    """`count` different codes: `*` in the pattern is a letter or digit that is not read as another, `#` a digit. Raises Invalid (`pattern`, `count`)."""
    if not 1 <= count <= coupons.MOST:
        raise Invalid.one("count", "OUT_OF_RANGE", _("A number from 1 to {most}.").format(most=f"{coupons.MOST:,}"))
    if not coupons.CODE.fullmatch(pattern):
        raise Invalid.one("pattern", "INVALID_TEXT", _("A code has 1 to 64 letters, digits or signs, and no blanks."))
    room = 1
    for sign in pattern:
        room *= len(SIGNS.get(sign, " "))
    if room < count * RARE:
        raise Invalid.one("pattern", "GUESSABLE", _("Codes of this pattern are too easy to guess. Add more *."))
    found: set[str] = set()
    while len(found) < count:
        found.add(re.sub(r"[*#]", lambda sign: secrets.choice(SIGNS[sign[0]]), pattern))
    return sorted(found)


def make(pool: CouponPool, pattern: str, count: int, actor: Actor) -> int:
    """Put `count` new codes of the product's own into a pool; returns how many. Raises Invalid (`pattern`, `count`)."""
    done = 0
    with transaction.atomic():
        for _try in range(TRIES):  # of many, one may be there already
            done += coupons.add(pool.key, made(pattern, count - done), actor)
            if done == count:
                break
    return done
