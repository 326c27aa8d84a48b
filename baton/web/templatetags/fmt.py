"""Formatting rules of the product, in one place: numbers, dates, money, phones and icons, in the reader's language."""

import math
import re
from datetime import date, datetime
from functools import cache
from typing import Any

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import get_currency_precision, get_currency_symbol
from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.crm import values
from baton.messaging.mail import merge_fields
from baton.platform import clock as time

register = template.Library()

EXACT = 10_000  # counts above are said about
STAGES = ("subscriber", "lead", "nurturing", "mql", "sql", "opportunity", "customer")  # in the order of the life cycle


def korean() -> bool:
    return (get_language() or "ko").startswith("ko")


def _locale() -> str:
    return "ko" if korean() else "en"


def _local(when: datetime) -> datetime:
    return timezone.localtime(when) if timezone.is_aware(when) else when


@cache
def _sprite() -> str:
    return static("dist/icons.svg")


@register.simple_tag
def icon(name: str, cls: str = "") -> SafeString:
    """A Lucide icon by name. Both arguments come from templates and code, never from users."""
    return mark_safe(f'<svg class="icon {cls}" aria-hidden="true"><use href="{_sprite()}#{name}"/></svg>')


# Numbers


@register.filter
def num(n: float | None) -> str:
    """12,000 and 1,234.5; nothing for None."""
    if n is None:
        return ""
    return f"{n:,.0f}" if float(n).is_integer() else f"{n:,.2f}".rstrip("0").rstrip(".")


@register.filter
def signed(n: int) -> str:
    return f"+{n:,}" if n > 0 else minus(n)


@register.filter
def percent(share: float | None) -> str:
    """61.2%: a share from 0 to 1. Nothing is said of None."""
    return "" if share is None else f"{share * 100:.1f}".removesuffix(".0") + "%"


@register.filter
def rate(share: float | None) -> str:
    """A measured share, always with one decimal, so that those of a column stand under each other: 35.0%."""
    return "" if share is None else f"{share * 100:.1f}%"


@register.filter
def article(text: str) -> str:
    """Articles of the Korean law as the reader's language cites them: 제50조⑦, 시행령 제62조의2 is Art. 50(7), Decree Art. 62-2."""
    if korean():
        return text
    text = re.sub(r"제(\d+)조(?:의(\d+))?", lambda found: f"Art. {found[1]}" + (f"-{found[2]}" if found[2] else ""), text)
    text = re.sub(r"제(\d+)호", r" no. \1", text)
    text = re.sub("[①-⑳]", lambda found: f"({ord(found[0]) - ord('①') + 1})", text)
    return text.replace("시행령", "Decree").replace("·별표", ", Table").replace("별표", "Table")


@register.filter
def merged(text: str) -> str:
    """A subject as its writer reads it: 안녕하세요, [이름] 님."""
    return merge_fields.named(text) if "{{" in text else text


@register.filter
def points(share: float | None) -> str:
    """A difference of shares: +3.2%p, in English +3.2 pts."""
    if share is None:
        return ""
    number = f"{'−' if share < 0 else '+'}{abs(share) * 100:.1f}"
    return f"{number}%p" if korean() else f"{number} pts"


@register.filter
def minus(n: int | None) -> str:
    """Negative numbers with a real minus sign."""
    return "–" if n is None else f"{n:,}".replace("-", "−")


@register.filter
def about(n: int) -> str:
    """Exact to 10,000, then about: 약 124만, about 1.2M."""
    if n <= EXACT:
        return num(n)
    return _("about %(n)s") % {"n": short(n)}


@register.filter
def short(n: float) -> str:
    """3,840만, 1.2억; 38.4M, 12K."""
    steps = ((10**12, "조"), (10**8, "억"), (10**4, "만")) if korean() else ((10**9, "B"), (10**6, "M"), (10**3, "K"))
    for unit, word in steps:
        if abs(n) >= unit:
            value = n / unit
            return f"{value:,.0f}{word}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}{word}".replace(".0", "")
    return num(round(n))


@register.filter
def money(n: float | None) -> str:
    """₩38,400,000 or $1,200.50 in the account's currency: won have no decimals, round amounts show none."""
    if n is None:
        return ""
    code = users.currency()
    digits = 0 if float(n).is_integer() else get_currency_precision(code)
    return f"{'−' if n < 0 else ''}{currency_sign(code)}{abs(n):,.{digits}f}"


def currency_sign(code: str) -> str:
    """What stands before an amount."""
    sign = get_currency_symbol(code, _locale())
    return f"{sign}\u00a0" if sign[-1:].isalpha() else sign


@register.filter
def phone(number: str | None) -> str:
    """A stored E.164 number as people write it: Korean numbers nationally for Koreans, others internationally."""
    return values.phone_in_words(number, home=korean()) if number else ""


# Times


@register.filter
def ago(when: datetime | None) -> str:
    """Relative up to a week, then the date: 6분 전, 3시간 전, 어제, 4일 전, 10월 14일."""
    if when is None:
        return ""
    now, when = _local(time.now()), _local(when)
    seconds = (now - when).total_seconds()
    days = (now.date() - when.date()).days
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        return _("%(n)d min ago") % {"n": seconds // 60}
    if days == 0:
        return _("%(n)d h ago") % {"n": seconds // 3600}
    if days == 1:
        return _("yesterday")
    if days < 7:
        return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    return str(format_skeleton("MMMd", when, locale=_locale())) if when.year == now.year else day_only(when)


@register.filter
def clock(when: datetime) -> str:
    """오후 2:26 / 2:26 PM."""
    local = _local(when)
    if korean():
        return f"{'오전' if local.hour < 12 else '오후'} {local.hour % 12 or 12}:{local.minute:02}"
    return str(format_time(local, "short", locale="en")).replace("\u202f", " ")


@register.filter
def lately(when: datetime) -> str:
    """Today the time, before that the day: 오후 2:26, 어제, 4일 전."""
    return clock(when) if _local(when).date() == _local(time.now()).date() else ago(when)


@register.filter
def day(when: datetime | date) -> str:
    """오늘 · 11월 20일 (금) / Today · Fri, Nov 20."""
    local = _local(when).date() if isinstance(when, datetime) else when
    today = _local(time.now()).date()
    text = format_skeleton("MMMEd", local, locale=_locale()) if local.year == today.year else format_skeleton("yMMMEd", local, locale=_locale())
    head = {0: _("Today"), 1: _("Yesterday")}.get((today - local).days, "")
    return f"{head} · {text}" if head else str(text)


@register.filter
def day_only(when: datetime | date | str | None) -> str:
    """2026. 11. 20. / Nov 20, 2026; takes a stored ISO date too."""
    if not when:
        return ""
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when) if "T" in when else date.fromisoformat(when)
        except ValueError:
            return str(when)
    local = _local(when).date() if isinstance(when, datetime) else when
    return str(format_date(local, "yyyy. M. d." if korean() else "medium", locale=_locale()))


@register.filter
def moment(when: datetime | str | None) -> str:
    """Date and time."""
    if not when:
        return ""
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    return f"{day_only(when)} {clock(when)}"


@register.filter
def due(when: datetime) -> str:
    """When something is due: 오늘 오후 4:00, 내일 오전 9:00, 11월 24일 (화) 오후 2:00."""
    local = _local(when).date()
    days = (local - _local(time.now()).date()).days
    words = {0: _("Today"), 1: _("Tomorrow"), -1: _("Yesterday")}
    return f"{words[days] if days in words else day(local)} {clock(when)}"


@register.filter
def spent(seconds: float) -> str:
    """2분 14초 / 2 min 14 s; seconds alone below a minute."""
    whole = round(seconds)
    return _("{m} min {s} s").format(m=whole // 60, s=whole % 60) if whole >= 60 else _("{s} s").format(s=whole)


@register.filter
def iso(when: datetime | None) -> str:
    """For the `datetime` attribute of <time>."""
    return "" if when is None else _local(when).isoformat(timespec="seconds")


@register.filter
def local_day(when: datetime) -> date:
    """The day an event belongs to, in the account's time zone (to group by)."""
    return _local(when).date()


# Drawings and parts


@register.filter
def sparkline(values: list[int]) -> SafeString:
    """A polyline in a 100 × 28 box; drawn by the server, no script."""
    top = max(*values, 1)
    step = 100 / max(len(values) - 1, 1)
    points = " ".join(f"{i * step:.1f},{26 - max(v, 0) / top * 24:.1f}" for i, v in enumerate(values))
    return format_html(
        '<svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true"><polygon points="0,28 {} 100,28"/><polyline points="{}"/></svg>',
        points,
        points,
    )


@register.filter
def hue(key: object) -> int:
    """A stable hue for an avatar."""
    return sum(map(ord, str(key))) * 47 % 360


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar: the given name in Korean, first letters elsewhere."""
    name = (name or "").strip()
    if name and "가" <= name[-1] <= "힣":
        return name[-2:]
    words = name.split()
    return (words[0][:1] + words[-1][:1] if len(words) > 1 else name[:2]).upper()


@register.filter
def origin(source: str) -> str:
    """Where a consent comes from, in words; it is stored as `form:4`, `page`, `unsubscribe` …"""
    kind = source.partition(":")[0]
    words = {
        "form": _("by a form"),
        "page": _("by hand"),
        "user": _("by hand"),
        "unsubscribe": _("unsubscribed"),
        "one_click": _("unsubscribed in the mail program"),
        "preferences": _("by himself, in the preference centre"),
        "undo": _("took the unsubscription back"),
        "reply": _("by an answer to a mail"),
        "move": _("moved over from another tool"),
        "import": _("by an import"),
        "import_undo": _("an import was undone"),
        "workflow": _("by a workflow"),
        "token": _("by a program"),
    }
    return words.get(kind, source)


@register.filter
def marked(sentence: str) -> SafeString:
    """A condition with its subject in bold: the name before the colon, else what stands in quotes."""
    before, colon, after = sentence.partition(": ")
    if colon and not set("‘“(") & set(before):
        return format_html("<b>{}</b>: {}", before, after)
    return mark_safe(re.sub(r"(?<=[‘“])[^’”]+(?=[’”])", r"<b>\g<0></b>", escape(sentence)))


@register.filter
def breakable(text: str) -> SafeString:
    """An address may break before @ and dots, not in the middle of a word."""
    return mark_safe(re.sub(r"(?<=\w)(?=[@.]\w)", "<wbr>", escape(text)) if "@" in text or "://" in text else escape(text))


@register.filter
def within(label: str) -> str:
    """A label as the middle of a sentence has it: contacts, but NPS answers."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


@register.filter
def first_letter(name: str) -> str:
    return (name or "").strip()[:1]


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The current query string with changes; None removes a key. `params` of the view go before the request's own."""
    given = context.get("params")
    q: QueryDict = (context["request"].GET if given is None else given).copy()
    for key, value in changes.items():
        q.pop(key, None)
        if value not in (None, ""):
            q[key] = str(value)
    return f"?{q.urlencode()}" if q else "?"


@register.simple_tag
def pips(stage: str) -> SafeString:
    """A pip for each stage: how far along the life cycle a contact is."""
    n = STAGES.index(stage) + 1 if stage in STAGES else 0
    return mark_safe('<span class="pips" aria-hidden="true">' + "".join(f"<i{' class=on' if i < n else ''}></i>" for i in range(len(STAGES))) + "</span>")


@register.simple_tag
def meter(value: int | None, sql: int = 65) -> int:
    """There is no top score: the meter is full at twice the SQL threshold."""
    return max(0, min(100, math.floor((value or 0) * 100 / (max(sql, 1) * 2) + 0.5)))


@register.filter
def get(mapping: dict[str, Any], key: str) -> Any:
    """mapping[key] or nothing."""
    return mapping.get(key, "") if mapping else ""
