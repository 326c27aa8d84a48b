"""The text that people write in a mail's text blocks, as safe HTML. Merge fields in it stay as they are."""

import re

import nh3

from baton.messaging.mail import merge_fields

TAGS = {"p", "br", "strong", "b", "em", "i", "u", "s", "a", "ul", "ol", "li", "h1", "h2", "h3", "blockquote", "span", "code", "hr"}
STYLES = {"color", "background-color", "text-align"}
ATTRIBUTES = {"a": {"href"}, **{tag: {"style"} for tag in ("p", "h1", "h2", "h3", "span", "li")}}
SCHEMES = {"http", "https", "mailto", "tel"}
GONE = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math"}
EMPTY = re.compile(r"<[^>]*>|&nbsp;|\s")

_cleaner = nh3.Cleaner(
    tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=None, clean_content_tags=GONE, filter_style_properties=STYLES, strip_comments=True
)


def cleaned(html: str) -> str:
    """What an editor sent, without anything that runs, loads or hides; a merge field is the same afterwards, letter by letter.

    A chip of the editor, `<span data-field="contact.firstname" data-fallback="...">`, becomes the merge field it stands for.
    """
    kept = merge_fields.Kept()
    return kept.back(_cleaner.clean(kept.away(merge_fields.from_chips(html), html=True)))


def is_empty(html: str) -> bool:
    """Whether a reader would see nothing."""
    return not EMPTY.sub("", html)
