"""What the public is told of a form: texts in the form's language, inputs with their browser types. Short words, as every visitor's browser loads it.

A field: n name, l label, t type, i browser's input type, c autocomplete, r required, p placeholder, h help, o options [value, label], d default,
w half, f where a hidden value comes from, x the browser's own checks, q its condition, s what is shown (text, or a tree of elements).
What is empty is left out.
"""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import nh3
from django.utils import translation
from django.utils.translation import gettext as _

from baton.forms import captcha, definition, spam
from baton.forms.definition import ACCEPT, CHOICES, NOTICE
from baton.forms.models import Form, FormSplit
from baton.forms.shown import Shown

INPUTS = {"email": "email", "phone": "tel", "mobile": "tel", "number": "number", "date": "date", "datetime": "datetime-local", "url": "url", "hidden": "hidden",
          "file": "file"}  # fmt: skip
COMPLETE = {"email": "email", "firstname": "given-name", "lastname": "family-name", "phone": "tel", "mobilephone": "tel", "company": "organization",
            "jobtitle": "organization-title", "website": "url", "city": "address-level2", "country": "country-name",
            "fullname": "name", "zip": "postal-code"}  # fmt: skip
BY_TYPE = {"email": "email", "phone": "tel", "mobile": "tel"}
CHECKS = {"min": "min", "max": "max", "min_length": "minlength", "max_length": "maxlength", "pattern": "pattern"}
SUFFIXES = {
    "pdf": ".pdf",
    "image": "image/*",
    "document": ".doc,.docx,.hwp,.hwpx,.txt",
    "sheet": ".xls,.xlsx,.csv",
    "slides": ".ppt,.pptx",
    "archive": ".zip,.7z,.gz",
}
TAGS = {"a", "b", "strong", "i", "em", "u", "br", "p", "ul", "ol", "li"}

Shape = dict[str, Any]


def told(form: Form, versions: list[Shown], test: FormSplit | None) -> Shape:
    """All that the embed script knows: one version, or the two of a test."""
    with translation.override(versions[0].definition["language"]):
        body: Shape = {
            "guid": str(form.guid),
            "number": form.pk,
            "versions": [version(one) for one in versions],
            "trap": spam.TRAP,
            "words": {
                "choose": _("Please choose"),
                "failed": _("That did not work. Please try again in a moment."),
                "sending": _("Sending…"),
                "next": _("Next"),
                "back": _("Back"),
                "file": _("Download the file"),
            },
        }
    if test is not None:
        body["split"] = [test.pk, test.share]
    return body


def version(seen: Shown) -> Shape:
    """One version."""
    whole = seen.definition
    with translation.override(whole["language"]):
        body: Shape = {
            "v": seen.number,
            "lang": whole["language"],
            "fields": [field(one) for one in whole["fields"]],
            "submit": whole["submit_label"] or _("Send"),
        }
        if whole["steps"]:
            body["steps"] = [[one["title"], one["fields"]] for one in whole["steps"]]
        if boxes := whole["consent"]["boxes"]:
            body["boxes"] = [_bare({"k": b["key"], "l": b["label"], "s": b["text"], "r": b["required"], "m": b["kind"] == "channel"}) for b in boxes]
        if notice := said(whole):
            body["notice"] = notice
        if service := whole["spam"]["captcha"]:
            body["captcha"] = [captcha.SCRIPT[service], captcha.WIDGET[service], whole["spam"]["site_key"]]
        if any(one["ask"] != "always" for one in whole["fields"]):
            body["ask"] = 1
    return body


def said(whole: Mapping[str, Any]) -> list[list[Any]]:
    """The notice as lines of [title, text, whether the law wants it to stand out], in the language that is active."""
    titles = dict(zip(NOTICE, (_("Purpose"), _("What is collected"), _("Kept for"), _("Right to refuse")), strict=True))
    notice = whole["consent"]["notice"]
    return [[titles.get(word, ""), notice[word], int(word == "period")] for word in (*NOTICE, "text") if notice[word].strip()]


def field(one: Mapping[str, Any]) -> Shape:
    """One field of a whole definition."""
    kind = one["type"]
    shape: Shape = {
        "n": one["name"], "l": one.get("label", ""), "t": kind, "i": INPUTS.get(kind, ""), "c": COMPLETE.get(one["name"]) or BY_TYPE.get(kind, ""),
        "r": one["required"], "p": one["placeholder"], "h": one["help"], "d": one["default"], "f": one["from"], "q": one["when"],
    }  # fmt: skip
    if one["width"] == "half":
        shape["w"] = 1
    if kind in CHOICES:
        shape["o"] = [[o["value"], o["label"]] for o in definition.options(one)]
    if checks := {CHECKS[word]: limit for word, limit in one["rules"].items() if word in CHECKS}:
        shape["x"] = checks
    if kind == "file" and one["rules"].get("accept"):
        shape["x"] = {"accept": ",".join(SUFFIXES[word] for word in ACCEPT if word in one["rules"]["accept"])}
    if kind in definition.DISPLAY:
        shape["s"] = tree(one["text"] or one.get("label", "")) if kind == "richtext" else one["text"] or one.get("label", "")
    return _bare(shape)


def _bare(shape: Shape) -> Shape:
    return {word: value for word, value in shape.items() if value not in ("", None, False, {}, [])}


def clean(text: str) -> str:
    """Formatted text as a page may show it: a few elements, links that lead out safely."""
    return nh3.clean(text, tags=TAGS, attributes={"a": {"href", "title"}}, url_schemes={"http", "https", "mailto", "tel"}, link_rel="noopener nofollow")


def tree(text: str) -> list[Any]:
    """Formatted text as [tag, attributes, …children], so that a script can build it without parsing HTML."""
    parser = _Tree()
    parser.feed(clean(text))
    parser.close()
    return parser.top


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top: list[Any] = []
        self._open: list[list[Any]] = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made: list[Any] = [tag, {name: value or "" for name, value in attrs}]
        self._open[-1].append(made)
        if tag != "br":
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if len(self._open) > 1 and tag != "br":
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].append(data)
