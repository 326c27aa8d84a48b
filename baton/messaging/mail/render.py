"""Merge fields for everything that is no mail on its way: previews, short texts, addresses. What is sent is built by letters.py from the same pages.

Merge fields are Jinja in its immutable sandbox: `{{ contact.firstname|default("고객") }}`. A value a contact does not have counts as undefined.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext
from jinja2 import ChainableUndefined, Template, TemplateSyntaxError
from jinja2.exceptions import SecurityError

from baton.accounts import users
from baton.accounts.models import Account, User
from baton.crm import properties, values
from baton.crm.models.property import PropertyType
from baton.messaging import coupons, law, rules
from baton.messaging.consent import agreed
from baton.messaging.mail import blocks, conditional, encode, frame, plain
from baton.messaging.mail.sandbox import ANYBODY, BUDGET, SINGLE, WRONG, Budget, Fields, Sandbox
from baton.messaging.models import Email
from baton.platform import sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

_html = Sandbox(autoescape=True, undefined=ChainableUndefined, keep_trailing_newline=True)
_text = Sandbox(autoescape=False, undefined=ChainableUndefined)
_url = Sandbox(autoescape=False, undefined=ChainableUndefined, finalize=lambda found: quote(str(found), safe=""))
EVERYTHING = frozenset({"*"})
MANY = 40  # fields by name of one statement


@dataclass(frozen=True, slots=True)
class Rendered:
    """What somebody would get. Nothing in it is tracked."""

    contact_id: int
    subject: str = ""
    html: str = ""
    text: str = ""
    unsubscribe_url: str = ""  # empty: the mail needs no way out (it is not marketing)
    problem: str = ""  # why this person's mail could not be filled in; the rest is empty then


def check(*, subject: str, body: str, preheader: str = "", text: str = "") -> None:
    """Raises Invalid naming the part and the line of every fault in the merge fields, or the part that costs more than a mail may (sandbox.STEPS)."""
    problems: list[Problem] = []
    tried: list[dict[str, Any]] = [{BUDGET: Budget()}, {BUDGET: Budget(), "contact": ANYBODY, "owner": ANYBODY, "account": ANYBODY}]
    for path, environment, source in (("subject", _text, subject), ("preheader", _html, preheader), ("body", _html, body), ("text", _text, text)):
        try:
            template = environment.from_string(source)
        except TemplateSyntaxError as error:
            problems.append(_problem(path, error))
            continue
        if "{" in source and (said := _refused(template, tried)):
            problems.append(Problem(path, "TOO_COSTLY", said))
            break
    if problems:
        raise Invalid(problems)


def _refused(template: Template, tried: Sequence[dict[str, Any]]) -> str:
    """Why nobody could get this: what it does for somebody of whom we know nothing, and for somebody of whom we know everything."""
    for known in tried:
        try:
            "".join(template.root_render_func(template.new_context(known)))
        except SecurityError as error:
            return str(error)
        except RecursionError:
            return gettext("Too many things lie in one another here.")
        except WRONG:  # it is written for other values
            continue
    return ""


def mail(email: Email, contact_ids: Sequence[int]) -> list[Rendered]:
    """What these contacts would get, in the same order: for previews, so links stay as they are written. Raises Invalid when the mail itself is faulty."""
    content, account, chosen = frame.of(email), users.account(), rules.rules()
    check(subject=content.subject, body=content.body, preheader=content.preheader, text=content.text)
    page = frame.page(content, account, chosen, lambda _number, written: written.replace("{", "&#123;"))
    html, subject = _template("body", page.html, html=True), _template("subject", content.subject, html=False)
    words = _template("text", content.text, html=False) if content.text else None
    known, shown = people(contact_ids), conditional.conditions(blocks.filters(content.document), contact_ids)
    answered = agreed.answers(contact_ids) if agreed.mentioned(content.body) else {}
    pools = coupons.mentioned(content.subject, content.body, content.text)
    result = []
    for contact_id in contact_ids:
        ways = frame.ways(config().url, contact_id, content.email_id)
        given = {**known.get(contact_id, {}), **ways, conditional.FLAGS: shown.get(contact_id, conditional.NOBODY), "consents": answered.get(contact_id, [])}
        given |= {"coupon": coupons.samples(pools), BUDGET: Budget()}
        try:
            filled, line = html.render(given), encode.one_line(subject.render(given))
            text = words.render(given) if words else plain.as_text(filled)
        except WRONG as error:
            result.append(Rendered(contact_id, problem=f"{type(error).__name__}: {error}"))
            continue
        way_out = ways["unsubscribe_url"] if content.marketing else ""
        result.append(Rendered(contact_id, law.labelled(line, chosen) if content.marketing else line, filled, text, way_out))
    return result


def lines(source: str, contact_ids: Sequence[int]) -> dict[int, str]:
    """A short plain text with merge fields (a notice's title) filled in for each contact. Raises Invalid."""
    known = people(contact_ids)
    return {contact_id: line(source, known.get(contact_id, {})) for contact_id in contact_ids}


def line(source: str, known: Mapping[str, Any]) -> str:
    """A text with merge fields filled in, on one line; `known` is what it may read (see people). Raises Invalid."""
    return " ".join(text(source, known).split())


def text(source: str, known: Mapping[str, Any]) -> str:
    """The same as it was written, with its lines. What this person's values make impossible is left as it was written. Raises Invalid."""
    template = _template("text", source, html=False)
    try:
        return template.render(known)
    except WRONG:
        return source


def markup(source: str, known: Mapping[str, Any]) -> str:
    """HTML with merge fields filled in; values are escaped. Raises Invalid."""
    template = _template("html", source, html=True)
    try:
        return template.render(known)
    except WRONG as error:
        raise Invalid.one("html", "INVALID_VALUE", f"{type(error).__name__}: {error}") from None


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


def people(contact_ids: Sequence[int], fields: Collection[str] = EVERYTHING, account: Account | None = None) -> dict[int, dict[str, Any]]:
    """What a template may read, by contact: one query for the contacts and one for their owners. `fields`: the properties it reads, if that is known."""
    if fields == EVERYTHING or len(fields) > MANY:
        found = sql.rows("SELECT id, properties::text, owner_id, email FROM contact WHERE id = ANY(%s)", [list(contact_ids)])
    else:  # a contact may have hundreds
        asked = ", ".join(["%s::text, properties -> %s::text"] * len(fields))
        statement = f"SELECT id, jsonb_strip_nulls(jsonb_build_object({asked}))::text, owner_id, email FROM contact WHERE id = ANY(%s::bigint[])"
        found = sql.prepared(statement, [*(name for name in sorted(fields) for _twice in range(2)), sql.numbers(contact_ids)])
    owner_ids = {row[2] for row in found if row[2]}
    owners = {u.id: Fields({"name": u.name, "email": u.email}) for u in User.objects.filter(id__in=owner_ids)} if owner_ids else {}
    account, nobody = account or users.account(), Fields({})
    sender = Fields({"name": account.name, "address": account.postal_address, "phone": account.phone, "email": account.contact_email})
    phones = [name for name, definition in properties.definitions("contact").items() if definition.type == PropertyType.PHONE]
    if fields != EVERYTHING:
        phones = [name for name in phones if name in fields]
    return {
        contact_id: {
            "contact": Fields({"email": email, **_shown(json.loads(stored), phones), "id": contact_id}),
            "owner": owners.get(owner_id, nobody),
            "account": sender,
        }
        for contact_id, stored, owner_id, email in found
    }


def _shown(stored: dict[str, Any], phones: Sequence[str]) -> dict[str, Any]:
    """The properties as people write them: phone numbers are stored in a form for machines."""
    if not phones:
        return stored
    home = config().language == "ko"
    return stored | {name: values.phone_in_words(stored[name], home=home) for name in phones if isinstance(stored.get(name), str)}


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
