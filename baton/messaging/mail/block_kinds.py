"""The kinds of blocks a mail is made of, and what each holds. A new one is an entry here and a way to draw it in mjml.py."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Input = Literal["text", "area", "rich", "image", "link", "choice", "colour", "number", "switch", "code", "rows"]


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in. `rows`: the fields of each row, for input "rows"; `least` and `most`: of a number, or (`most`) how many rows.

    Merge fields may stand in "text", "area", "rich", "link" and "code". An "image" holds the name of a kept image (`images.py`) or "".
    """

    name: str
    label: str | Promise
    input: Input = "text"
    required: bool = False
    usual: str | int | bool = ""  # what a new block has; of a choice always its first option
    options: tuple[tuple[str, str | Promise], ...] = ()
    hint: str | Promise = ""
    rows: tuple["Field", ...] = ()
    least: int = 0
    most: int = 12


@dataclass(frozen=True, slots=True)
class Kind:
    key: str
    label: str | Promise
    icon: str  # of Lucide
    fields: tuple[Field, ...]
    name: str = ""  # the field whose text names a block in an outline


Options = tuple[tuple[str, str | Promise], ...]
START: Options = (("start", pgettext_lazy("alignment", "Left")), ("center", _("Centre")), ("end", pgettext_lazy("alignment", "Right")))
CENTRE: Options = (START[1], START[0], START[2])
SPACE: Options = (("medium", pgettext_lazy("size", "Medium")), ("none", pgettext_lazy("space", "None")), ("small", _("Small")), ("large", _("Large")))
NETWORKS: Options = (
    ("website", _("Website")),
    ("blog", _("Blog")),
    ("youtube", "YouTube"),
    ("linkedin", "LinkedIn"),
    ("instagram", "Instagram"),
    ("facebook", "Facebook"),
    ("x", "X"),
    ("threads", "Threads"),
    ("kakao", _("KakaoTalk channel")),
    ("email", _("E-mail")),
)
LEADS_TO = _("https://… , mailto: , tel: or a merge field")
ALT = Field("alt", _("What it shows"), hint=_("For those who cannot see it, and where images are not loaded."))
DECORATION = Field("decoration", _("It is decoration only"), "switch", usual=False)
ALIGN = Field("align", _("Alignment"), "choice", options=START)
MIDDLE = Field("align", _("Alignment"), "choice", options=CENTRE)

KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "text",
            _("Text"),
            "text",
            (
                Field("body", _("Text"), "rich", required=True),
                ALIGN,
                Field("size", _("Letters"), "choice", options=(("medium", pgettext_lazy("size", "Medium")), ("small", _("Small")), ("large", _("Large")))),
            ),
            "body",
        ),
        Kind(
            "button",
            _("Button"),
            "mouse-pointer-click",
            (
                Field("label", _("Words"), required=True),
                Field("link", _("Leads to"), "link", required=True, hint=LEADS_TO),
                Field("look", pgettext_lazy("block", "Look"), "choice", options=(("filled", _("Filled")), ("outline", _("Outline")))),
                Field("colour", _("Colour"), "colour", hint=_("Empty: the colour of the mail.")),
                Field("wide", _("As wide as the column"), "switch", usual=False),
                ALIGN,
            ),
            "label",
        ),
        Kind(
            "image",
            _("Image"),
            "image",
            (
                Field("image", _("Image"), "image", required=True),
                ALT,
                DECORATION,
                Field("link", _("Leads to"), "link", hint=LEADS_TO),
                Field("width", _("Width in percent"), "number", usual=100, least=10, most=100),
                Field("rounded", _("Rounded corners"), "switch", usual=False),
                Field("plate", _("On white where mails are dark"), "switch", usual=False, hint=_("For logos that cannot be seen on a dark ground.")),
                MIDDLE,
            ),
            "alt",
        ),
        Kind(
            "divider",
            _("Divider"),
            "minus",
            (
                Field("colour", _("Colour"), "colour", hint=_("Empty: a quiet line.")),
                Field("thick", _("Thickness"), "number", usual=1, least=1, most=8),
                Field("width", _("Width in percent"), "number", usual=100, least=10, most=100),
            ),
        ),
        Kind("spacer", pgettext_lazy("block", "Space"), "separator-horizontal", (Field("height", _("Height"), "number", usual=24, least=4, most=160),)),
        Kind(
            "social",
            _("Social links"),
            "share-2",
            (
                Field(
                    "rows",
                    _("Links"),
                    "rows",
                    required=True,
                    rows=(Field("network", _("Where"), "choice", options=NETWORKS), Field("link", _("Leads to"), "link", required=True)),
                ),
                Field("size", _("Size"), "number", usual=28, least=20, most=48),
                MIDDLE,
            ),
        ),
        Kind(
            "product",
            _("Product"),
            "package",
            (
                Field("image", _("Image"), "image"),
                ALT,
                Field("title", _("Name"), required=True),
                Field("text", _("Text"), "area"),
                Field("price", _("Price")),
                Field("button", _("Button")),
                Field("link", _("Leads to"), "link", hint=LEADS_TO),
                ALIGN,
            ),
            "title",
        ),
        Kind("code", _("HTML of your own"), "code", (Field("html", "HTML", "code", required=True, hint=_("It goes out as it is written.")),), "html"),
        Kind(
            "footer",
            _("Footer"),
            "panel-bottom",
            (
                Field("text", _("Text"), "area", hint=_("Stands above who sends the mail and how to unsubscribe, which are always there.")),
                MIDDLE,
            ),
            "text",
        ),
    )
}
