"""From a mail and its recipients to what each of them gets: merge fields, tracked links, pixel, footer, text part.

A mail is compiled once (links replaced, templates built) and filled in per person. Merge fields are Jinja in its
immutable sandbox: `{{ contact.firstname|default("고객") }}`. A value a contact does not have counts as undefined.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape, unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

from django.utils import translation
from django.utils.translation import gettext
from jinja2 import ChainableUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import properties, values
from baton.crm.models.property import PropertyType
from baton.messaging.models import Email, EmailLink
from baton.platform import signing, sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

ADVERTISING = "(광고)"  # 정보통신망법 시행령 별표 6: the subject of advertising mail begins with exactly this
LINK = re.compile(r"""(<a\b[^>]*?\bhref\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
HEAD = '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>'
BODY_START = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
WIDE = re.compile(r"[0-9]{4}|\*")  # in a format: %9999d
MANY = 1000
PADDING = frozenset({"ljust", "rjust", "center", "zfill"})  # methods of texts


def _range(*ends: int) -> range:
    """Numbers to go through: as many as a mail has lines."""
    if len(found := range(*ends)) > MANY:
        raise SecurityError(f"at most {MANY} numbers")
    return found


def _narrow(work: Callable[..., Any], widths: str = "\0") -> Callable[..., Any]:
    """A filter that makes a text wider, by no more than a line has room for. `widths`: the letter that says in the text itself how wide."""

    def narrow(text: Any, *values: Any, **named: Any) -> Any:
        if (widths in str(text) and WIDE.search(str(text))) or any(isinstance(one, int) and abs(one) > MANY for one in (*values, *named.values())):
            raise SecurityError(f"at most {MANY} letters")
        return work(text, *values, **named)

    return narrow


class _Sandbox(ImmutableSandboxedEnvironment):
    """What a few letters of a template can cost is bounded: powers, repeated and padded texts would fill the memory before anybody could stop them."""

    intercepted_binops = frozenset({"**", "*", "%"})  # these are not worked out while the template is read either

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals["range"] = _range
        for name, widths in (("center", "\0"), ("indent", "\0"), ("format", "%")):
            self.filters[name] = _narrow(self.filters[name], widths)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str) and not WIDE.search(left):
            return super().call_binop(context, operator, left, right)
        if not all(isinstance(one, int | float) and abs(one) < 10**30 for one in (left, right)) or (operator == "**" and abs(right) > 10):
            raise SecurityError(f"{operator} is only for numbers of usual size")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in PADDING and super().is_safe_attribute(obj, attr, value)


_html = _Sandbox(autoescape=True, undefined=ChainableUndefined)
_text = _Sandbox(autoescape=False, undefined=ChainableUndefined)
_url = _Sandbox(autoescape=False, undefined=ChainableUndefined, finalize=lambda found: quote(str(found), safe=""))
SINGLE = re.compile(r"\{\{((?:(?!\}\}|\{\{).)*)\}\}")
WRONG = (TemplateError, TypeError, ValueError, ArithmeticError)  # what a template can do wrong with somebody's values


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message goes to. Without a message (0) the result is a preview: nothing in it is tracked."""

    contact_id: int
    message_id: int = 0
    sender: str = ""  # "owner": in the name of the contact's owner


@dataclass(frozen=True, slots=True)
class Rendered:
    contact_id: int
    message_id: int
    subject: str = ""
    html: str = ""
    text: str = ""
    from_name: str = ""  # empty: the account's sender
    reply_to: str = ""  # who gets the answers, as `Name <address>`; empty: the sender
    unsubscribe_url: str = ""  # empty: the mail needs no way out (it is not marketing)
    problem: str = ""  # why this person's mail could not be filled in; the rest is empty then


class Fields:
    """The values a template may read. Not a dict: `contact.items` must be the property, not the method."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {k: v for k, v in values.items() if v not in (None, "", [])}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]


def check(*, subject: str, body: str, preheader: str = "") -> None:
    """Raises Invalid naming the part and the line of every fault in the merge fields."""
    problems = []
    for path, environment, source in (("subject", _text, subject), ("preheader", _html, preheader), ("body", _html, body)):
        try:
            environment.from_string(source)
        except TemplateSyntaxError as error:
            problems.append(_problem(path, error))
    if problems:
        raise Invalid(problems)


def mail(email: Email, contact_ids: Sequence[int]) -> list[Rendered]:
    """What these contacts would get, in the same order: for previews, so links stay as they are written."""
    return messages(email, [Recipient(c) for c in contact_ids])


def messages(email: Email, recipients: Sequence[Recipient]) -> list[Rendered]:
    """One Rendered for each recipient, in order. Two queries for all of them, none per person.

    Raises Invalid when the mail itself is faulty; one person's failure is in his `problem`.
    """
    account = users.account()
    compiled = _compile(email.id, email.subject, email.preheader, email.body, email.purpose == "marketing", account.name, account.postal_address)
    known = people([r.contact_id for r in recipients])
    owners = _owners([r.contact_id for r in recipients if r.sender == "owner"])
    result = []
    for recipient in recipients:
        try:
            person = known.get(recipient.contact_id, {})
            sender = owners.get(recipient.contact_id) if recipient.sender == "owner" else None
            filled = compiled.fill(email.id, recipient, person)
            result.append(replace(filled, from_name=email.from_name) if sender is None else _in_the_name(filled, sender, account.name))
        except WRONG as error:
            result.append(Rendered(recipient.contact_id, recipient.message_id, problem=f"{type(error).__name__}: {error}"))
    return result


def lines(source: str, contact_ids: Sequence[int]) -> dict[int, str]:
    """A short plain text with merge fields (a notice's title) filled in for each contact. Raises Invalid."""
    known = people(contact_ids)
    return {contact_id: line(source, known.get(contact_id, {})) for contact_id in contact_ids}


def line(source: str, known: Mapping[str, Any]) -> str:
    """A text with merge fields filled in, on one line; `known` is what it may read (see people). Raises Invalid."""
    return _one_line(text(source, known))


def text(source: str, known: Mapping[str, Any]) -> str:
    """The same as it was written, with its lines. What this person's values make impossible is left as it was written. Raises Invalid."""
    template = _template("text", source, html=False)
    try:
        return template.render(known)
    except WRONG:
        return source


def address(source: str, known: Mapping[str, Any]) -> str:
    """A web address with merge fields, whose values are quoted: none of them leads to another host or adds a parameter. Raises Invalid."""
    template = _template("url", source, html=False)
    try:
        return template.render(known)
    except WRONG as error:
        raise Invalid.one("url", "INVALID_VALUE", f"{type(error).__name__}: {error}") from None


def value(source: str, known: Mapping[str, Any]) -> Any:
    """A text with merge fields; of one that is a single merge field, the value itself: a number stays a number, one that is not there is None."""
    if (single := SINGLE.fullmatch(source.strip())) is None:
        return text(source, known)
    try:
        found = _expression(single[1])(known)
    except WRONG:
        return None
    return found if found is None or isinstance(found, str | int | float | bool | list | dict) else str(found)


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: Template
    html: Template
    links: tuple[tuple[int, str], ...]  # (link id, address as written) by its number in the template
    advertising: bool

    def fill(self, email_id: int, to: Recipient, person: Mapping[str, Any]) -> Rendered:
        base = config().url
        tracked = to.message_id != 0
        way_out = f"{base}/u/{signing.make('unsub', to.contact_id, email_id)}"

        def link(number: int) -> str:
            link_id, address = self.links[number]
            return f"{base}/c/{signing.make('click', to.message_id, to.contact_id, link_id)}" if tracked else address

        values = {**person, "unsubscribe_url": way_out}
        subject = _one_line(self.subject.render(values))
        if self.advertising and config().language == "ko" and not subject.startswith(ADVERTISING):
            subject = f"{ADVERTISING} {subject}"
        html = self.html.render(values, _link=link)
        text = as_text(html)
        if tracked:
            pixel = f'<img src="{base}/o/{signing.make("open", to.message_id, to.contact_id)}.gif" width="1" height="1" alt="" style="display:block;border:0">'
            html = _before_end(html, _trap(f"{base}/c/{signing.make('trap', to.message_id, to.contact_id, email_id)}") + pixel)
        return Rendered(to.contact_id, to.message_id, subject, html, text, unsubscribe_url=way_out if self.advertising else "")


@lru_cache(maxsize=64)
def _compile(email_id: int, subject: str, preheader: str, body: str, advertising: bool, sender: str, postal: str) -> _Compiled:
    """Everything that is the same for all recipients. The link rows are made here, once."""
    check(subject=subject, body=body, preheader=preheader)
    page = body if BODY_START.search(body) else f"{HEAD}<body>{body}</body></html>"
    addresses: list[str] = []

    def count(match: re.Match[str]) -> str:
        address = unescape(match[2] if match[2] is not None else match[3]).strip()
        if not address.lower().startswith(("http://", "https://")) or "{{" in address or "{%" in address:
            return match[0]  # mailto:, an anchor, or an address made of merge fields: it goes out as it is
        if address not in addresses:
            addresses.append(address)
        return f'{match[1]}"{{{{ _link({addresses.index(address)}) }}}}"'

    page = LINK.sub(count, page)
    if preheader:
        hidden = f'<div style="display:none;max-height:0;overflow:hidden">{preheader}</div>'
        page = BODY_START.sub(lambda match: match[0] + hidden, page, count=1)
    if advertising:
        page = _before_end(page, _footer(sender, postal))
    ids = _link_ids(email_id, addresses)
    return _Compiled(_template("subject", subject, html=False), _template("body", page, html=True), tuple((ids[a], a) for a in addresses), advertising)


def _link_ids(email_id: int, addresses: Collection[str]) -> dict[str, int]:
    if not addresses:
        return {}
    EmailLink.objects.bulk_create([EmailLink(email_id=email_id, url=a) for a in addresses], ignore_conflicts=True)
    return dict(EmailLink.objects.filter(email_id=email_id, url__in=addresses).values_list("url", "id"))


def _trap(address: str) -> str:
    """A link that nobody sees, hears or reaches with the keyboard: only programs that fetch every address follow it."""
    return f'<a href="{address}" style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1"></a>'


def _owners(contact_ids: Sequence[int]) -> dict[int, User]:
    """The colleagues in whose name these contacts are written to; an owner who left is none."""
    if not contact_ids:
        return {}
    found = dict(sql.rows("SELECT id, owner_id FROM contact WHERE id = ANY(%s) AND owner_id IS NOT NULL", [list(contact_ids)]))
    here = User.objects.filter(is_active=True).in_bulk(set(found.values()))
    return {contact_id: here[owner] for contact_id, owner in found.items() if owner in here}


def _in_the_name(message: Rendered, owner: User, account: str) -> Rendered:
    """The sender's name, and who gets the answers. The address stays the account's: that is what the mail is signed for."""
    name = f"{owner.name} ({account})" if account else owner.name
    return replace(message, from_name=name, reply_to=owner.email)


def _footer(sender: str, postal: str) -> str:
    """Who sends, from where, and the way out, in the account's language and in English (정보통신망법 제50조④)."""

    def quoted(text: str) -> str:  # the words are data of the account, not a template
        return "{% raw %}" + escape(text).replace("{%", "{&#37;") + "{% endraw %}"

    parts = []
    for language in dict.fromkeys([config().language, "en"]):
        with translation.override(language):
            why = gettext("You receive this e-mail because you agreed to receive news from {sender}.").format(sender=sender)
            ask = gettext("If you no longer wish to receive these e-mails:")
            word = gettext("Unsubscribe")
        parts.append(f'{quoted(why)} {quoted(ask)} <a href="{{{{ unsubscribe_url }}}}" style="color:inherit">{quoted(word)}</a>')
    where = " · ".join(p for p in (sender, postal) if p)
    style = "margin:32px 0 0;padding:16px 0 0;border-top:1px solid #ddd;font-size:12px;line-height:1.6;color:#666"
    return f'<div style="{style}">{quoted(where)}<br>{"<br>".join(parts)}</div>'


def people(contact_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What a template may read, by contact: one query for the contacts and one for their owners."""
    found = sql.rows("SELECT id, properties, owner_id, email FROM contact WHERE id = ANY(%s)", [list(contact_ids)])
    owner_ids = {row[2] for row in found if row[2]}
    owners = {u.id: Fields({"name": u.name, "email": u.email}) for u in User.objects.filter(id__in=owner_ids)} if owner_ids else {}
    account = users.account()
    sender, nobody = Fields({"name": account.name, "address": account.postal_address}), Fields({})
    phones = [name for name, definition in properties.definitions("contact").items() if definition.type == PropertyType.PHONE]
    return {
        contact_id: {
            "contact": Fields({"email": email, **_shown(_json(stored), phones), "id": contact_id}),
            "owner": owners.get(owner_id, nobody),
            "account": sender,
        }
        for contact_id, stored, owner_id, email in found
    }


def _shown(stored: dict[str, Any], phones: Sequence[str]) -> dict[str, Any]:
    """The properties as people write them: phone numbers are stored in a form for machines."""
    home = config().language == "ko"
    return stored | {name: values.phone_in_words(stored[name], home=home) for name in phones if isinstance(stored.get(name), str)}


def _json(value: Any) -> dict[str, Any]:
    """Raw cursors of Django hand out jsonb as text."""
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


@lru_cache(maxsize=512)
def _template(path: str, source: str, *, html: bool) -> Template:
    try:
        return (_html if html else _url if path == "url" else _text).from_string(source)
    except TemplateSyntaxError as error:
        raise Invalid([_problem(path, error)]) from None


@lru_cache(maxsize=512)
def _expression(source: str) -> Callable[..., Any]:
    """What stands within the braces of a merge field."""
    try:
        return _text.compile_expression(source)
    except TemplateSyntaxError as error:
        raise Invalid([_problem("text", error)]) from None


def _problem(path: str, error: TemplateSyntaxError) -> Problem:
    return Problem(path, "INVALID_TEMPLATE", gettext("Line {line}: {message}").format(line=error.lineno, message=error.message))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _before_end(page: str, piece: str) -> str:
    """Put `piece` last in the body."""
    ends = list(BODY_END.finditer(page))
    at = ends[-1].start() if ends else len(page)
    return page[:at] + piece + page[at:]


BLOCKS = frozenset(
    ("p", "div", "br", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "blockquote", "hr")
)
UNSEEN = frozenset(("style", "script", "head", "title"))


class _Words(HTMLParser):
    """Collects what a reader of the plain text should see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0
        self.address = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self.hidden += 1
        elif tag in BLOCKS:
            self.words.append("\n")
        if tag == "li":
            self.words.append("- ")
        if tag == "a":
            self.address = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in BLOCKS:
            self.words.append("\n")
        if tag == "a" and self.address:
            self.words.append(f" ({self.address})")
            self.address = ""

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(re.sub(r"\s+", " ", data))


def as_text(html: str) -> str:
    """The text part of a mail: blocks become lines, links keep their address."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    rows = [" ".join(row.split()) for row in "".join(parser.words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip() + "\n"
