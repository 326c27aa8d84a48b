"""The kinds of blocks and what each holds. A new one is an entry here and a template of its name (web/templates/content/blocks/)."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Input = Literal["text", "area", "rich", "image", "link", "address", "choice", "form", "asset", "rows"]


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in. `rows`: the fields of each row, for input "rows"."""

    name: str
    label: str | Promise
    input: Input = "text"
    required: bool = False
    options: tuple[tuple[str, str | Promise], ...] = ()
    hint: str | Promise = ""
    rows: tuple["Field", ...] = ()
    most: int = 12


@dataclass(frozen=True, slots=True)
class Kind:
    key: str
    label: str | Promise
    icon: str
    fields: tuple[Field, ...]
    name: str = "title"  # the field whose text names a block in the list


ALIGN = (("start", pgettext_lazy("alignment", "Left")), ("center", _("Centre")))
TITLE = Field("title", _("Heading"))
ANCHOR = _("https://… , or #form to go to the form of this page")
KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "hero",
            pgettext_lazy("block", "Opening"),
            "panel-top",
            (
                Field("eyebrow", _("Line above")),
                Field("title", _("Heading"), required=True),
                Field("text", _("Text"), "area"),
                Field("button", _("Button")),
                Field("link", _("Leads to"), "link", hint=ANCHOR),
                Field("image", _("Image"), "image"),
                Field("align", _("Alignment"), "choice", options=ALIGN),
            ),
        ),
        Kind(
            "heading",
            _("Heading"),
            "heading",
            (
                Field("title", _("Heading"), required=True),
                Field("text", _("Text below"), "area"),
                Field("align", _("Alignment"), "choice", options=ALIGN),
            ),
        ),
        Kind(
            "text",
            _("Text"),
            "text",
            (Field("body", _("Text"), "rich", required=True, hint=_("**bold**, [words](https://…), lines that begin with - or ##")),),
            "body",
        ),
        Kind(
            "image",
            _("Image"),
            "image",
            (
                Field("image", _("Image"), "image", required=True),
                Field("alt", _("What it shows"), required=True, hint=_("For those who cannot see it.")),
                Field("caption", _("Caption")),
            ),
            "alt",
        ),
        Kind(
            "features",
            pgettext_lazy("block", "Columns"),
            "columns-3",
            (
                TITLE,
                Field("columns", pgettext_lazy("block", "Columns"), "choice", options=(("3", "3"), ("2", "2"), ("4", "4"))),
                Field(
                    "rows",
                    pgettext_lazy("block", "Columns"),
                    "rows",
                    required=True,
                    rows=(Field("title", _("Heading"), required=True), Field("text", _("Text"), "area")),
                ),
            ),
        ),
        Kind(
            "logos",
            _("Logos"),
            "building-2",
            (
                TITLE,
                Field("rows", _("Logos"), "rows", required=True, rows=(Field("name", _("Company"), required=True), Field("image", _("Image"), "image"))),
            ),
        ),
        Kind(
            "quote",
            pgettext_lazy("block", "Quote"),
            "quote",
            (
                Field("text", pgettext_lazy("block", "Quote"), "area", required=True),
                Field("name", _("Who says it")),
                Field("role", _("Position and company")),
            ),
            "text",
        ),
        Kind(
            "video",
            _("Video"),
            "circle-play",
            (
                TITLE,
                Field("url", _("Address"), "address", required=True, hint=_("YouTube, Vimeo, or a video file.")),
            ),
            "url",
        ),
        Kind(
            "numbers",
            _("Numbers"),
            "chart-column",
            (
                TITLE,
                Field(
                    "rows", _("Numbers"), "rows", required=True, most=6, rows=(Field("value", _("Number"), required=True), Field("label", _("What it counts")))
                ),
            ),
        ),
        Kind(
            "faq",
            _("Questions"),
            "circle-help",
            (
                TITLE,
                Field(
                    "rows",
                    _("Questions"),
                    "rows",
                    required=True,
                    most=30,
                    rows=(Field("question", _("Question"), required=True), Field("answer", _("Answer"), "area", required=True)),
                ),
            ),
        ),
        Kind(
            "form",
            _("Form"),
            "clipboard-list",
            (
                Field("form", _("Form"), "form", required=True),
                TITLE,
                Field("text", _("Text"), "area"),
            ),
        ),
        Kind("asset", _("Content"), "library", (Field("asset", _("Content"), "asset", required=True), Field("button", _("Button"))), "button"),
        Kind(
            "button",
            _("Button"),
            "mouse-pointer-click",
            (
                Field("button", _("Button"), required=True),
                Field("link", _("Leads to"), "link", required=True, hint=ANCHOR),
                Field("look", pgettext_lazy("block", "Look"), "choice", options=(("filled", _("Filled")), ("outline", _("Outline")))),
                Field("align", _("Alignment"), "choice", options=ALIGN),
            ),
            "button",
        ),
        Kind(
            "spacer",
            pgettext_lazy("block", "Space"),
            "separator-horizontal",
            (Field("size", _("Height"), "choice", options=(("medium", _("Medium")), ("small", _("Small")), ("large", _("Large")))),),
            "",
        ),
        Kind(
            "footer",
            _("Footer"),
            "panel-bottom",
            (
                Field("text", _("Text"), "area", hint=_("Empty: name and address of your company, as in the settings.")),
                Field("rows", _("Links"), "rows", rows=(Field("label", _("Words"), required=True), Field("link", _("Leads to"), "link", required=True))),
            ),
            "text",
        ),
    )
}
