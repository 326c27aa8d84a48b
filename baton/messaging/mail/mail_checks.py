"""What is wrong with a mail, and what could be better: each finding says where, why, and how to put it right.

The grave ones keep a mail from being published. The others are advice: what filters, phones, people who cannot see, and Gmail make of it.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from baton.messaging import law
from baton.messaging.mail import blocks, colours, conditional, images, mail_page, merge_fields, mjml, render
from baton.messaging.mail.mail_page import Seen
from baton.messaging.models import CouponCode, CouponPool
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

Content = Mapping[str, Any]

CUT = 102 * 1024  # bytes after which Gmail hides the rest of a mail, with the way out
HEAVY = 1024 * 1024  # bytes of images
SUBJECT = 60  # columns a phone shows, where a Korean letter takes two
FEW = 80  # letters below which a mail is nothing but images
NOTHING_SAID = {
    "여기", "여기를클릭", "여기클릭", "클릭", "클릭하기", "링크", "바로가기", "더보기", "보기", "here", "clickhere", "click", "link", "thislink", "more", "go",
}  # fmt: skip
SPAM = (
    "무료체험기회", "100% 무료", "공짜", "대박", "당첨", "즉시 대출", "무담보", "수익 보장", "원금 보장", "마감 임박", "지금 당장", "클릭만 하면", "카지노",
    "act now", "risk free", "risk-free", "guaranteed", "no obligation", "winner", "earn money", "cash bonus", "100% free", "limited time", "buy now", "viagra",
)  # fmt: skip
SHORTENERS = {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "han.gl", "me2.do", "vo.la", "url.kr", "buly.kr", "is.gd", "ow.ly"}
OF_EXAMPLES = re.compile(r"https?://(?:www\.)?example\.(?:com|org|net)(?:[/?#:]|$)", re.IGNORECASE)
LOOKS_LIKE_ADDRESS = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)
COLOUR = re.compile(r"(?<![-\w])color:\s*(#[0-9a-fA-F]{6})")


@dataclass(frozen=True, slots=True)
class Finding:
    """`grave`: the mail cannot be published with it. `path` is a field (`subject`) or `document.blocks.<key>.<field>`."""

    path: str
    code: str
    message: str
    fix: str = ""  # what to do about it
    grave: bool = False

    @property
    def problem(self) -> Problem:
        return Problem(self.path, self.code, self.message)


def look(content: Content) -> list[Finding]:
    """Everything there is to say about a mail's content (see emails.draft), the grave ones first."""
    page = _compiled(content)
    found = [*grave(content), *_advice({**content, "body": page}, page)]
    return sorted(dict.fromkeys(found), key=lambda one: not one.grave)


def grave(content: Content) -> list[Finding]:
    """What keeps a mail from being published."""
    return [replace(one, grave=True) for one in _required({**content, "body": _compiled(content)})]


def _compiled(content: Content) -> str:
    composed = content["mode"] == "blocks" and content["document"]
    return mjml.html(content["document"], subject=content["subject"], language=content["language"], purpose=content["purpose"]) if composed else content["body"]


# -- what must be put right --------------------------------------------------------------------------------------------------------------------------


def _required(content: Content) -> Iterator[Finding]:
    composed = content["mode"] == "blocks" and bool(content["document"])
    if not str(content["subject"]).strip():
        yield Finding("subject", "REQUIRED", _("A subject is required."))
    if composed:
        for problem in (*blocks.problems(content["document"]), *conditional.problems(content["document"])):
            yield Finding(problem.path, problem.code, problem.message)
    elif not content["body"].strip():
        yield Finding("body", "REQUIRED", _("The e-mail is empty."))
    yield from _templates(content, composed=composed)
    if content["mode"] == "raw" and content["purpose"] == "marketing" and not re.search(r"\{\{-?\s*unsubscribe_url\b", content["body"]):
        yield Finding(
            "body", "NO_WAY_OUT", _("An advertisement must say how to unsubscribe."),
            _("HTML of your own goes out as it is: put a link to {field} into it.").format(field="{{ unsubscribe_url }}"),
        )  # fmt: skip
    for path, address in _addresses(content, composed=composed):
        if OF_EXAMPLES.match(address):
            yield Finding(
                path, "EXAMPLE_LINK", _("This link is still the one of the template: {address}").format(address=address), _("Enter your own address.")
            )


def _templates(content: Content, *, composed: bool) -> Iterator[Finding]:
    """Faults in merge fields; those of blocks at the block, not at a line of HTML that nobody has seen."""
    fix = _("A merge field looks like {field}.").format(field='{{ contact.firstname|default("…") }}')
    at_blocks = False
    for path, _field, text in blocks.texts(content["document"]) if composed else ():
        try:
            render.check(subject="", body=text)
        except Invalid as error:
            at_blocks = True
            yield Finding(path, "INVALID_TEMPLATE", error.problems[0].message, fix)
    try:
        render.check(subject=content["subject"], body="" if at_blocks else content["body"], preheader=content["preheader"], text=content["text"])
    except Invalid as error:
        for problem in error.problems:
            yield Finding(problem.path, problem.code, problem.message, fix)


def _addresses(content: Content, *, composed: bool) -> Iterator[tuple[str, str]]:
    """Where links lead: (path, address)."""
    if not composed:
        yield from (("body", link.address) for link in mail_page.read(content["body"]).links)
        return
    for path, field, text in blocks.texts(content["document"]):
        if field.input == "link":
            yield path, text
        elif field.input in ("rich", "code"):
            yield from ((path, link.address) for link in mail_page.read(text).links)


# -- advice --------------------------------------------------------------------------------------------------------------------------------------------


def _advice(content: Content, page: str) -> Iterator[Finding]:
    seen = mail_page.read(page)
    yield from _line(content)
    yield from _fields(content)
    yield from _links(content)
    yield from _pictures(content, seen)
    yield from _spam(content, seen)
    if content["mode"] == "blocks" and content["document"]:
        yield from _contrasts(content["document"])
    size = len(page.encode()) + 120 * len(seen.links) + 1500  # addresses that count clicks, footer, pixel
    if size > CUT:
        words = _("The mail has about {size} kB. Gmail hides what comes after 102 kB, with the way out.").format(size=round(size / 1024))
        yield Finding("body", "TOO_LARGE", words, _("Leave parts out, or let them be read on a page."))
    for tag in sorted(seen.dead):
        yield Finding("body", "DEAD_TAG", _("Mail programs take <{tag}> out.").format(tag=tag), _("Link to a page that has it."))


def _line(content: Content) -> Iterator[Finding]:
    subject = merge_fields.PIECE.sub(lambda piece: _fallback(piece[0]), content["subject"])
    columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in subject)
    if content["purpose"] == "marketing" and law.disguised(content["subject"]):
        yield Finding("subject", "LABEL", _("The label of advertisements is written by Baton."), _("Take it out of the subject."))
    if columns > SUBJECT:
        yield Finding("subject", "LONG_SUBJECT", _("Phones show about 30 Korean letters of a subject, or 60 others."), _("Say the most important thing first."))
    if (len(subject) > 8 and subject.isupper()) or re.search(r"[!?]{2,}", subject):
        yield Finding("subject", "LOUD_SUBJECT", _("Filters take a loud subject for spam."), _("Write it as you would to a colleague."))
    if not content["preheader"].strip() and content["mode"] == "blocks" and content["purpose"] == "marketing":
        yield Finding(
            "preheader", "NO_PREHEADER", _("Without a preview line, inboxes show the beginning of the mail beside the subject."), _("Add one sentence.")
        )


def _fields(content: Content) -> Iterator[Finding]:
    """Merge fields that nobody has, and those that may be empty in the middle of a sentence."""
    texts = [(name, content[name]) for name in ("subject", "preheader", "text")]
    composed = content["mode"] == "blocks" and content["document"]
    texts += [(path, text) for path, _field, text in blocks.texts(content["document"])] if composed else [("body", content["body"])]
    for path, text in texts:
        for name in sorted(merge_fields.mentioned(text)):
            if name.startswith("coupon."):
                yield from _coupon(path, name.removeprefix("coupon."))
            elif not merge_fields.is_known(name):
                yield Finding(path, "UNKNOWN_FIELD", _("There is no {name}.").format(name=name), _("Choose a field from the list, or make the property first."))
        for piece in merge_fields.FIELD.findall(text):
            one = merge_fields.read(piece)
            bare = one is not None and one.fallback is None and one.name.partition(".")[0] in ("contact", "owner") and merge_fields.is_known(one.name)
            if one and bare and one.name not in ("contact.lastname", "contact.email", "contact.id"):
                words = _("Who has no “{field}” reads a gap.").format(field=merge_fields.label(one.name))
                yield Finding(path, "NO_FALLBACK", words, _("Say what stands there for them."))


def _coupon(path: str, key: str) -> Iterator[Finding]:
    """Who finds no code gets no mail."""
    pool = CouponPool.objects.filter(key=key).first()
    if pool is None:
        words = _("There are no coupons with the key {key}.").format(key=key)
        yield Finding(path, "UNKNOWN_COUPON", words, _("Nobody gets this mail: make them first, or take the field out."))
    elif pool.archived_at is not None:
        words = _("The coupons “{name}” were put aside: whoever has no code of them yet gets no mail.").format(name=pool.name)
        yield Finding(path, "ARCHIVED_COUPON", words, _("Take them back, or choose others."))
    elif not CouponCode.objects.filter(pool_id=pool.pk).exists():
        words = _("No code of “{name}” is left: whoever has none yet gets no mail.").format(name=pool.name)
        yield Finding(path, "NO_COUPON", words, _("Add codes to the coupons."))


def _links(content: Content) -> Iterator[Finding]:
    composed = content["mode"] == "blocks" and content["document"]
    pages = (
        [(path, text) for path, field, text in blocks.texts(content["document"]) if field.input in ("rich", "code")]
        if composed
        else [("body", content["body"])]
    )
    for path, text in pages:
        for link in mail_page.read(text).links:
            said = "".join(merge_fields.PIECE.sub("x", link.text).split()).lower().strip(".!→»>")
            if not link.address.strip() or link.address.strip() == "#":
                yield Finding(path, "EMPTY_LINK", _("The link “{text}” leads nowhere.").format(text=link.text[:60]), _("Enter an address."))
            elif not said and not link.image:
                yield Finding(path, "EMPTY_LINK", _("A link has no words: {address}").format(address=link.address[:80]), _("Give it words, or take it out."))
            elif said in NOTHING_SAID:
                words = _("“{text}” does not say where the link leads; screen readers read links alone.").format(text=link.text.strip()[:60])
                yield Finding(path, "LINK_TEXT", words, _("Name what is behind it."))
            elif (host := LOOKS_LIKE_ADDRESS.fullmatch(link.text.strip())) and "{{" not in link.address and host[1].lower() != _host(link.address):
                words = _("The words are an address, and the link leads to another one: filters take that for fraud.")
                yield Finding(path, "LINK_MISMATCH", words, _("Write in words where it leads."))
    for path, address in _addresses(content, composed=bool(composed)):
        if _host(address) in SHORTENERS:
            yield Finding(path, "SHORT_LINK", _("Filters distrust shortened addresses: {address}").format(address=address[:80]), _("Use the address itself."))


def _pictures(content: Content, seen: Seen) -> Iterator[Finding]:
    if content["mode"] == "blocks" and content["document"]:
        for found in blocks.each(content["document"]):
            block = found.block
            if block["kind"] == "image" and block["image"] and not block["alt"].strip() and not block["decoration"]:
                words = _("Who cannot see the image, or has not loaded it, does not learn what it shows.")
                yield Finding(f"document.blocks.{block['key']}.alt", "NO_ALT", words, _("Describe it in a few words, or mark it as decoration."))
    elif bare := sum(image.alt is None for image in seen.images):
        words = _("Images without a text for those who cannot see them: {n}").format(n=bare)
        yield Finding("body", "NO_ALT", words, _("Give each an alt attribute; empty for decoration."))
    if seen.images and seen.letters < FEW:
        words = _("The mail is nothing but images: filters distrust it, and where images are off it is empty.")
        yield Finding("body", "ONLY_IMAGES", words, _("Say the most important thing in words."))
    if (weight := sum(images.weights(blocks.images(content["document"])).values())) > HEAVY:
        yield Finding(
            "document",
            "HEAVY",
            _("The images weigh {size} MB together.").format(size=round(weight / 1024 / 1024, 1)),
            _("Make them smaller: 1200 dots wide is enough."),
        )
    ours = _host(config().url)
    if strange := sorted({host for image in seen.images if (host := _host(image.address)) and host != ours and "{{" not in image.address}):
        words = _("Images come from elsewhere: {hosts}. They may vanish, and their owners learn who reads.").format(hosts=", ".join(strange[:3]))
        yield Finding("body", "FOREIGN_IMAGE", words, _("Upload them to Baton."))


def _spam(content: Content, seen: Seen) -> Iterator[Finding]:
    for path, text in (("subject", content["subject"]), ("body", seen.text)):
        low = text.lower()
        if words := [word for word in SPAM if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", low)]:
            said = _("Words that filters look for: {words}").format(words=", ".join(words[:5]))
            yield Finding(path, "SPAM_WORDS", said, _("Say the same plainly."))


def _contrasts(document: Mapping[str, Any]) -> Iterator[Finding]:
    """What cannot be read on its ground (WCAG 2.2, 1.4.3). What Baton chooses itself can be read always."""
    theme = document["theme"]
    fix = _("Take a darker or lighter colour; 4.5 to 1 is enough.")
    grounds = {row["key"]: row["colour"] or theme["paper"] for row in document["rows"]}
    inks = {(colours.is_light(ground) and theme["ink"]) or colours.WHITE: ground for ground in grounds.values()}
    for ink, ground in inks.items():
        if colours.contrast(ink, ground) < colours.READABLE:
            yield Finding("document.theme.ink", "CONTRAST", _("The text can hardly be read on {ground}.").format(ground=ground), fix)
    link = theme["link"] or theme["accent"]
    for found in blocks.each(document):
        ground, path = grounds[found.row["key"]], f"document.blocks.{found.block['key']}"
        if found.block["kind"] == "text":
            for colour in dict.fromkeys(COLOUR.findall(found.block["body"])):
                if colours.contrast(colour.lower(), ground) < colours.READABLE:
                    yield Finding(f"{path}.body", "CONTRAST", _("{colour} can hardly be read on {ground}.").format(colour=colour, ground=ground), fix)
            if "<a " in found.block["body"] and colours.is_light(ground) and colours.contrast(link, ground) < colours.READABLE:
                yield Finding(f"{path}.body", "CONTRAST", _("Links ({colour}) can hardly be read on {ground}.").format(colour=link, ground=ground), fix)
        elif found.block["kind"] == "button" and found.block["look"] == "filled":
            colour = found.block["colour"] or theme["accent"]
            if colours.contrast(colours.on(colour), colour) < colours.READABLE:
                yield Finding(f"{path}.colour", "CONTRAST", _("The words of the button can hardly be read on {ground}.").format(ground=colour), fix)


def _fallback(piece: str) -> str:
    one = merge_fields.read(piece)
    return (one.fallback or "xxx") if one else ""


def _host(address: str) -> str:
    try:
        return (urlsplit(address.strip()).hostname or "").lower()
    except ValueError:
        return ""
