"""The plain text part of a mail, made from its page: for one filled page, or once for all people with the merge fields left in."""

import re
from html.parser import HTMLParser

from jinja2 import Environment, TemplateError

BLOCKS = frozenset(
    ("p", "div", "br", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "blockquote", "hr")
)
UNSEEN = frozenset(("style", "script", "head", "title"))
MARK = re.compile("\ue000([0-9]+)\ue001")  # stands for a merge field; the two are characters of nobody
ALONE = re.compile("(?m)^((?:\ue000[0-9]+\ue001[ ]?)+)\n")
DEFINES = re.compile(r"\{%[-+]?\s*(set|macro|import|from|block)\b")


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
        if tag == "img" and (told := dict(attrs).get("alt")):
            self.words.append(told)

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


def template(html: str, environment: Environment) -> str | None:
    """The text part as a template, from the page's: filled in for a person it says what `as_text` says of his page.

    None when tags and statements are so mixed that only the filled page can tell.
    """
    fields, page = _masked(html, environment)
    text = as_text(page)
    kept = {int(found[1]) for found in MARK.finditer(text)}
    if any(DEFINES.match(field) for number, field in enumerate(fields) if number not in kept):
        return None
    text = ALONE.sub(lambda row: row[1] if all(fields[int(m[1])].startswith("{%") for m in MARK.finditer(row[1])) else row[0], text)
    pieces = MARK.split(text)  # text, number, text, number ... text
    source = "".join(fields[int(piece)] if number % 2 else _quoted(piece) for number, piece in enumerate(pieces))
    try:
        environment.parse(source)
    except TemplateError:
        return None
    return source


def _masked(html: str, environment: Environment) -> tuple[list[str], str]:
    """The page with every merge field and statement replaced by a mark, and what they were."""
    fields: list[str] = []
    page: list[str] = []
    inside = ""
    for _line, kind, value in environment.lex(html):
        if kind == "data":
            page.append(MARK.sub("", value))
        elif kind in ("raw_begin", "raw_end", "comment", "comment_begin", "comment_end"):
            continue
        else:
            inside += value
            if kind in ("variable_end", "block_end"):
                page.append(f"\ue000{len(fields)}\ue001")
                fields.append(inside)
                inside = ""
    return fields, "".join(page)


def _quoted(text: str) -> str:
    """Text of the mail's author that looks like a merge field but is none."""
    return "{% raw %}" + text + "{% endraw %}" if any(sign in text for sign in ("{{", "{%", "{#")) and "{% endraw" not in text else text
