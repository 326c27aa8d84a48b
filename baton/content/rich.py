"""Text that people write for a page, as safe HTML: a few signs for bold, links, lists and headings; pasted HTML is cleaned."""

import re
from html import escape

import nh3

TAGS = {"p", "br", "strong", "b", "em", "i", "u", "s", "a", "ul", "ol", "li", "h2", "h3", "h4", "blockquote", "code"}
PASTED = re.compile(rf"<(?:{'|'.join(sorted(TAGS))}|div|span)\b", re.IGNORECASE)
BOLD = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
LINK = re.compile(r"\[([^\]\n]{1,300})\]\(([^()\s]{1,2000})\)")
ITEM = re.compile(r"[-*•] +(.*)")
NUMBERED = re.compile(r"\d{1,2}[.)] +(.*)")
QUOTE = '"'
HEADING = re.compile(r"(#{2,3}) +(.*)")


def html(text: str) -> str:
    """What browsers show of a text. Whatever comes in, no script, style or foreign picture comes out."""
    made = text if PASTED.search(text) else _made(text)
    return nh3.clean(
        made, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto", "tel"}, link_rel="noopener", clean_content_tags={"script", "style"}
    )


def _made(text: str) -> str:
    out: list[str] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in part.split("\n") if line.strip()]
        open_list = ""
        paragraph: list[str] = []
        for line in lines:
            found = next(((tag, match) for tag, sign in (("ul", ITEM), ("ol", NUMBERED), ("h", HEADING)) if (match := sign.fullmatch(line))), None)
            tag = found[0] if found else ""
            if open_list and tag != open_list:
                out.append(f"</{open_list}>")
                open_list = ""
            if paragraph and tag:
                out.append(f"<p>{'<br>'.join(paragraph)}</p>")
                paragraph = []
            if not found:
                paragraph.append(_inline(line))
            elif tag == "h":
                level = len(found[1][1])
                out.append(f"<h{level}>{_inline(found[1][2])}</h{level}>")
            else:
                if not open_list:
                    out.append(f"<{tag}>")
                    open_list = tag
                out.append(f"<li>{_inline(found[1][1])}</li>")
        if open_list:
            out.append(f"</{open_list}>")
        if paragraph:
            out.append(f"<p>{'<br>'.join(paragraph)}</p>")
    return "".join(out)


def _inline(line: str) -> str:
    text = BOLD.sub(r"<strong>\1</strong>", escape(line, quote=False))
    return LINK.sub(lambda found: f'<a href="{found[2].replace(QUOTE, "%22")}">{found[1]}</a>', text)
