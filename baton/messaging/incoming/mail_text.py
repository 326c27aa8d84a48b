"""The text of a mail that came, and what its writer has written himself: without quotation, signature block of the quoted mail, or disclaimers of it."""

import re
from email.message import EmailMessage
from html import unescape

from mailparser_reply import EmailReplyParser

from baton.messaging.incoming import parsing

LONGEST = 20_000  # letters of a mail that are looked at
KEPT = 4_000  # letters of an answer that are kept
READ = 6_000  # letters of an answer in which its quotation is looked for: that takes time with the square of them
_GAP = re.compile(r"(?i)<(/?)(style|script|head)\b[^<>]*>?")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"(?i)<br\s*/?>|</(?:p|div|tr|li|h\d|blockquote)>")
_QUOTED = re.compile(
    r"(?is)<(?:blockquote\b|div[^<>]{0,500}?class=\"[^\"<>]{0,500}?(?:gmail_quote|moz-cite-prefix|yahoo_quoted)|div[^<>]{0,500}?id=\"(?:divRplyFwdMsg|appendonsend)\").*"
)

# Where the quotation begins in Korean mail programs, and in the Japanese ones; the library knows the rest.
CUTS = [
    re.compile(pattern, re.M)
    for pattern in (
        r"^\s*(?:>\s*)?\d{4}년 \d{1,2}월 \d{1,2}일 ?\([월화수목금토일]\)[^\n]*?(?:님이 )?작성:\s*$",
        r"^\s*(?:>\s*)?\d{4}년 \d{1,2}월 \d{1,2}일 ?\([월화수목금토일]\)[^\n]*\n?[^\n]*님이 작성:\s*$",
        r"^\s*\d{4}\. ?\d{1,2}\. ?\d{1,2}\.[^\n]*(?:작성|wrote|쓴 글)[^\n]*:?\s*$",
        r"^\s*-{2,}\s*(?:Original Message|원본 메일|원본 메시지|원본메일|元のメッセージ)\s*-{2,}\s*$",
        r"^\s*(?:보낸 ?사람|보낸이|발신자|差出人)\s*:.*$",
        r"^\s*\d{4}年\d{1,2}月\d{1,2}日[^\n]*(?:のメール|:|：)\s*$",
    )
]


def plain(mail: EmailMessage) -> str:
    """The mail as text: its plain part, else its HTML without tags."""
    found = next((part for part in mail.walk() if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment"), None)
    if found is not None and (text := parsing.text(found)).strip():
        return text[:LONGEST]
    page = next((part for part in mail.walk() if part.get_content_type() == "text/html" and part.get_content_disposition() != "attachment"), None)
    return of_html(parsing.text(page))[:LONGEST] if page is not None else ""


def whole(mail: EmailMessage) -> str:
    """All that it says, in text and HTML as it was written, quotations too: where our own links are looked for."""
    parts = [part for part in mail.walk() if part.get_content_type() in ("text/plain", "text/html") and part.get_content_disposition() != "attachment"]
    return "\n".join(parsing.text(part)[: LONGEST * 10] for part in parts[:2])


def of_html(page: str) -> str:
    """A page as text; what its mail program marked as a quotation is left out."""
    page = _shown(page[: LONGEST * 10])
    own = _QUOTED.sub("", page)
    text = unescape(_TAG.sub("", _BREAK.sub("\n", own if _TAG.sub("", own).strip() else page)))
    return re.sub(r"\n\s*\n\s*\n+", "\n\n", text).replace("\xa0", " ").strip()


def _shown(page: str) -> str:
    """The page without what stands in style, script and head, in one pass; one that nobody ends hides nothing."""
    kept, at, inside = [], 0, ""
    for found in _GAP.finditer(page):
        ends, name = found[1] == "/", found[2].lower()
        if not inside and not ends:
            kept.append(page[at : found.start()])
            at, inside = found.end(), name
        elif inside == name and ends:
            at, inside = found.end(), ""
    return "".join([*kept, page[at:]])


def answer(mail: EmailMessage) -> str:
    """What the writer has written above the quotation."""
    text = plain(mail)[:READ].replace("\r\n", "\n")
    ends = [found.start() for cut in CUTS if (found := cut.search(text))]
    if ends:
        text = text[: min(ends)]
    own = EmailReplyParser(languages=["en", "ko", "ja"]).parse_reply(text=text) or ""
    lines = [line for line in own.splitlines() if not line.lstrip().startswith(">")]
    return "\n".join(lines).strip()[:KEPT]
