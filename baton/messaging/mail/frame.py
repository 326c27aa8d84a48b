"""What is put around a mail's contents before anybody's values come in: shell, preheader, footer, tracked links, pixel."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from html import unescape
from typing import Any

from baton.accounts.models import Account
from baton.messaging import law
from baton.messaging.mail import encode, merge_fields
from baton.messaging.models import Email, EmailLink, EmailVersion
from baton.messaging.rules import Rules
from baton.platform import signing

LINK = re.compile(r"""(<a\b[^>]*?\bhref\s*=\s*)(?:(")([^"]*)"|(')([^']*)')""", re.IGNORECASE)
BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
BODY_START = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
HEAD = '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>'
FOOTER = "margin:32px 0 0;padding:16px 0 0;border-top:1px solid #ddd;font-size:12px;line-height:1.6;color:#666"
# A link that nobody sees, hears or reaches with the keyboard: only programs that fetch every address follow it.
TRAP = '<a href="{base}/c/{{{{ _mail }}}}/0" style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1"></a>'
PIXEL = '<img src="{base}/o/{{{{ _mail }}}}.gif" width="1" height="1" alt="" style="display:block;border:0">'
WAY, CHOICE = "/u/", "/preferences"
WAYS = re.compile(r"(\{\{ (?:unsubscribe_url|preferences_url) \}\})")


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent of a mail: the columns of Email, or of one of its versions."""

    email_id: int
    subject: str
    body: str
    preheader: str = ""
    text: str = ""
    kind: str = "mail"
    mode: str = "blocks"
    document: Mapping[str, Any] = field(default_factory=dict, compare=False)  # what `body` was made from, with a footer of its own; {}: a simple mail
    purpose: str = "marketing"
    subscription_id: int | None = None
    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""

    @property
    def marketing(self) -> bool:
        return self.purpose == "marketing"


def of(email: Email) -> Content:
    """What is sent of this mail now."""
    return Content(email.pk, **{name: getattr(email, name) for name in NAMES})


@lru_cache(maxsize=256)
def version(email_id: int, number: int) -> Content:
    """What was published under this number; it never changes. Raises EmailVersion.DoesNotExist."""
    kept = EmailVersion.objects.values_list("content", flat=True).get(email_id=email_id, number=number)
    return Content(email_id, **{name: kept[name] for name in NAMES if name in kept})


NAMES = tuple(f.name for f in fields(Content) if f.name != "email_id")  # columns of Email


@dataclass(frozen=True, slots=True)
class Page:
    """A mail's page as a template, before anybody's values."""

    seen: str  # without what only programs find: what the text part is made from
    html: str
    addresses: tuple[str, ...]  # of its links, by the number `link` is called with


def page(content: Content, account: Account, rules: Rules, link: Callable[[int, str], str], *, tracked_at: str = "") -> Page:
    """`link(number, address)` is what stands for the address of a link to a web page. `tracked_at`: the base address of pixel and trap; empty: none.

    Of a mail in raw mode nothing else changes.
    """
    addresses: list[str] = []

    def put(match: re.Match[str]) -> str:
        quote, written = (match[2], match[3]) if match[2] else (match[4], match[5])
        address = unescape(written).strip()
        if not address.lower().startswith(("http://", "https://")) or "{{" in address or "{%" in address:
            return match[0]  # mailto:, an anchor, or an address made of merge fields: it goes out as it is
        if address not in addresses:
            addresses.append(address)
        return f"{match[1]}{quote}{link(addresses.index(address), written)}{quote}"

    html = content.body
    if raw := content.mode == "raw":
        html = LINK.sub(put, html)
    else:
        html = html if BODY_START.search(html) else f"{HEAD}<body>{html}</body></html>"
        html = LINK.sub(put, html)
        if content.preheader:
            hidden = f'<div style="display:none;max-height:0;overflow:hidden">{content.preheader}</div>'
            html = BODY_START.sub(lambda match: match[0] + hidden, html, count=1)
        if content.document and merge_fields.FOOTER in html:
            html = html.replace(merge_fields.FOOTER, "<br>".join(lines(account, rules)[: None if content.marketing else 1]))
        elif content.marketing:
            html = _before_end(html, footer(account, rules))
    seen = html
    if tracked_at:
        html = _before_end(html, ("" if raw else TRAP.format(base=tracked_at)) + PIXEL.format(base=tracked_at))
    return Page(seen, html, tuple(addresses))


def footer(account: Account, rules: Rules) -> str:
    """Who sends, from where, and the way out, for mails that have no place of their own for it."""
    return f'<div style="{FOOTER}">{"<br>".join(lines(account, rules))}</div>'


def lines(account: Account, rules: Rules) -> list[str]:
    """Who sends, then the way out (정보통신망법 제50조④). The words are data of the account, not a template."""
    return ["".join(part if WAYS.fullmatch(part) else _quoted(part) for part in WAYS.split(line)) for line in law.footer(account, rules)]


def _quoted(text: str) -> str:
    return text.replace("{", "&#123;")


def link_ids(email_id: int, addresses: Collection[str]) -> dict[str, int]:
    """The ids of a mail's links, made where they are new: a click's address carries the id, never the target."""
    if not addresses:
        return {}
    found = dict(EmailLink.objects.filter(email_id=email_id, url__in=addresses).values_list("url", "id"))
    if missing := [a for a in addresses if a not in found]:
        EmailLink.objects.bulk_create([EmailLink(email_id=email_id, url=a) for a in missing], ignore_conflicts=True)
        found = dict(EmailLink.objects.filter(email_id=email_id, url__in=addresses).values_list("url", "id"))
    return found


def ways(base: str, contact_id: int, email_id: int) -> dict[str, str]:
    """The addresses every mail may name: the way out, and the choice of what one receives."""
    out = f"{base}{WAY}{signing.make('unsub', contact_id, email_id)}"
    return {"unsubscribe_url": out, "preferences_url": out + CHOICE}


def written_ways(base: str, unsubscribe_url: str) -> dict[str, bytes]:
    """The same as they stand in a body (slots.WRITTEN): only the token is another one for each."""
    begin, end = _written(base)
    out = begin + unsubscribe_url[len(base) + len(WAY) :].encode() + encode.BREAK
    return {"_unsubscribe": out, "_preferences": out + end}


@lru_cache(maxsize=64)
def _written(base: str) -> tuple[bytes, bytes]:
    return encode.piece(base + WAY), encode.piece(CHOICE)


def _before_end(html: str, put: str) -> str:
    """Put it last in the body."""
    ends = list(BODY_END.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return html[:at] + put + html[at:]
