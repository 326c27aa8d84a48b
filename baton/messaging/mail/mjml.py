"""From a document of blocks to the HTML that is sent: MJML, made into tables that Outlook draws too, with styles written into the elements.

Nothing a colleague wrote goes through MJML or the inliner as a template: pieces of Jinja, texts and addresses stand aside as words meanwhile (`Kept`) and
come back letter by letter. A block or row with a condition is `{% if "<key>" in _shown %}`; see conditional.py for who gets it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any

import css_inline
import mrml
from django.utils import translation

from baton.messaging.mail import blocks, colours, images
from baton.messaging.mail.block_kinds import NETWORKS
from baton.messaging.mail.blocks import LAYOUTS
from baton.messaging.mail.conditional import FLAGS
from baton.messaging.mail.merge_fields import FOOTER, Kept

SANS = "Pretendard,-apple-system,BlinkMacSystemFont,'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR','Segoe UI',Arial,sans-serif"
SERIF = "'Noto Serif KR','Nanum Myeongjo',AppleMyungjo,Batang,Georgia,'Times New Roman',serif"
ROW_SPACE = {"none": 0, "small": 8, "medium": 16, "large": 36}
BLOCK_SPACE = {"none": 0, "small": 4, "medium": 8, "large": 20}
LETTERS = {"small": (14, 1.6), "medium": (16, 1.7), "large": (18, 1.7)}
SIDE, BESIDE = 32, 14  # pixels beside a block: alone in its row, among columns
ALIGNED = {"start": "left", "center": "center", "end": "right"}
NARROW = 480  # below this width columns stand under each other
ITEM = re.compile(r"<li><p>((?:(?!</?p\b|</?li\b).)*)</p></li>", re.DOTALL)  # an editor's lists have a paragraph in every item
MARK = re.compile(r"<!--(bjx\d+xjb)-->")

# What is written into the elements themselves: some programs read nothing else.
RICH = """
.rt p{{margin:0 0 14px}} .rt h1{{margin:0 0 14px;font-size:26px;line-height:1.35;font-weight:700;letter-spacing:-0.01em}}
.rt h2{{margin:24px 0 12px;font-size:21px;line-height:1.4;font-weight:700;letter-spacing:-0.01em}}
.rt h3{{margin:20px 0 8px;font-size:17px;line-height:1.5;font-weight:700}}
.rt ul,.rt ol{{margin:0 0 14px;padding:0 0 0 22px}} .rt li{{margin:0 0 6px}} .rt li p{{margin:0}}
.rt blockquote{{margin:0 0 14px;padding:2px 0 2px 16px;border-left:3px solid {accent}}}
.rt hr{{margin:18px 0;border:0;border-top:1px solid #d1d5db}} .rt code{{font-family:Menlo,Consolas,monospace;font-size:0.92em}}
.rt h2:first-child,.rt h3:first-child{{margin-top:0}}
.rt p:last-child,.rt ul:last-child,.rt ol:last-child,.rt h1:last-child,.rt h2:last-child,.rt h3:last-child,.rt blockquote:last-child{{margin-bottom:0}}
.rt a{{color:{link};text-decoration:underline}} .rp a{{color:#ffffff}} .rt div{{word-break:keep-all;overflow-wrap:anywhere}}
"""
OUTLOOK = "<!--[if mso]><style>td,div,p,a,li,h1,h2,h3{font-family:'Malgun Gothic','Segoe UI',Arial,sans-serif !important}</style><![endif]-->"
PHONE = "@media only screen and (max-width:479px){.side>table>tbody>tr>td.pad{padding-left:20px !important;padding-right:20px !important}}"


def html(document: Mapping[str, Any], *, subject: str = "", language: str = "ko", purpose: str = "marketing", marked: bool = False) -> str:
    """The whole page, with merge fields and conditions as Jinja. A marketing mail without a footer gets one, as its last row.

    `marked` is for the editor: each row and block has the class `b-<key>`, and conditions are left out, so that everything can be seen.
    """
    with translation.override(language):  # words that Baton itself puts in
        return _Page(document, language, marked).html(subject, purpose == "marketing")


@lru_cache(maxsize=64)
def _inliner(accent: str, link: str) -> css_inline.CSSInliner:
    return css_inline.CSSInliner(inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False, extra_css=RICH.format(accent=accent, link=link))


class _Page:
    """One mail on its way to HTML. `jinja` keeps what must not be touched at all, `said` what is put in before styles are written into it."""

    def __init__(self, document: Mapping[str, Any], language: str, marked: bool) -> None:
        self.theme: Mapping[str, Any] = document["theme"]
        self.rows = document["rows"]
        self.language, self.marked = language, marked
        self.jinja = Kept()
        self.said: list[str] = []
        self.dark: dict[str, str] = {}  # selector: what it is where mails are dark
        self.font = SERIF if self.theme["font"] == "serif" else SANS
        self.link = self.theme["link"] or self.theme["accent"]
        self.ground = self.theme["paper"]  # of the row that is being drawn
        self.column = int(self.theme["width"])  # pixels of the column that is being drawn
        self.sizes = images.sizes(blocks.images(document))

    def html(self, subject: str, marketing: bool) -> str:
        body = "".join(self.row(row) for row in self.rows)
        if marketing and not any(block["kind"] == "footer" for row in self.rows for column in row["columns"] for block in column):
            body += self.section("", "medium", f"<mj-column>{''.join(self.footer({'text': '', 'align': 'center'}, SIDE))}</mj-column>", "")
        page, theme = self.theme["page"], self.theme
        around = "" if page == theme["paper"] else '<mj-section padding="12px 0"><mj-column><mj-spacer height="12px" /></mj-column></mj-section>'
        source = (
            f'<mjml lang="{self.language}"><mj-head><mj-title>{self.plain(subject)}</mj-title><mj-breakpoint width="{NARROW}px" />'
            f'<mj-attributes><mj-all font-family="{self.font}" padding="0" /></mj-attributes>'
            f"<mj-raw>{self.say(self.head())}</mj-raw><mj-style>{PHONE}</mj-style></mj-head>"
            f'<mj-body width="{theme["width"]}px" background-color="{page}" css-class="bt-page">{around}{body}{around}</mj-body></mjml>'
        )
        made = re.sub(r"bjs(\d+)sjb", lambda found: self.said[int(found[1])], str(mrml.to_html(source).content))
        made = _inliner(theme["accent"], self.link).inline(made)
        return self.jinja.back(MARK.sub(r"\1", made)) + "\n"

    def head(self) -> str:
        """Said once the body is drawn, when all colours are known."""
        if self.theme["dark"] == "never":
            return f'<meta name="color-scheme" content="light only"><meta name="supported-color-schemes" content="light only">{OUTLOOK}'
        paper, page = self.dark_paper, colours.DARK_PAGE if _grey(self.theme["page"]) else colours.darkened(self.theme["page"])
        if self.theme["page"] == self.theme["paper"]:
            page = paper  # one ground by day is one by night
        link = colours.legible(self.link, paper)
        rules = {
            "body,.bt-page": f"background-color:{page}",
            ".bt-paper,.bt-paper>table": f"background:{paper};background-color:{paper}",
            ".bt-ink div,.bt-ink p,.bt-ink h1,.bt-ink h2,.bt-ink h3,.bt-ink li,.bt-ink td": f"color:{colours.DARK_INK}",
            ".bt-quiet div,.bt-quiet p": "color:#a3a9b3",
            ".bt-ink a": f"color:{link}",
            ".bt-line p": f"border-top-color:{colours.DARK_LINE}",
            ".bt-outline td": f"border-color:{link}", ".bt-outline a": f"color:{link}",
            ".bt-plate img": "background:#ffffff;padding:8px;border-radius:8px;box-sizing:border-box",
            **self.dark,
        }  # fmt: skip
        important = {selector: ";".join(f"{one} !important" for one in rule.split(";")) for selector, rule in rules.items()}
        device = "".join(f"{selector}{{{rule}}}" for selector, rule in important.items())
        outlook = "".join(f"[data-ogsc] {selector.replace(',', ',[data-ogsc] ')}{{{rule}}}" for selector, rule in important.items() if "body" not in selector)
        return (
            '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
            f'{OUTLOOK}<style type="text/css">:root{{color-scheme:light dark;supported-color-schemes:light dark}}'
            f"@media (prefers-color-scheme:dark){{{device}}}{outlook}</style>"
        )

    @property
    def dark_paper(self) -> str:
        paper = self.theme["paper"]
        return colours.DARK_PAPER if _grey(paper) else colours.darkened(paper)

    # -- pieces that stand aside ---------------------------------------------------------------------------------------------------------------------

    def say(self, text: str) -> str:
        """Finished HTML that MJML need not understand."""
        self.said.append(text)
        return f"bjs{len(self.said) - 1}sjb"

    def plain(self, text: str, *, lines: bool = False) -> str:
        """A text as HTML, fit for attributes too, with its merge fields."""
        made = escape(self.jinja.away(text))
        return self.say(made.replace("\n", "<br>") if lines else made)

    def rich(self, text: str) -> str:
        return self.say(self.jinja.away(ITEM.sub(r"<li>\1</li>", text).replace("<p></p>", "<p>&nbsp;</p>"), html=True))

    def condition(self, thing: Mapping[str, Any], drawn: str) -> str:
        """What is drawn, for those only whom the condition is about."""
        if not thing.get("filter") or self.marked:
            return drawn
        begin, end = self.jinja.keep(f'{{% if "{thing["key"]}" in {FLAGS} %}}'), self.jinja.keep("{% endif %}")
        return f"<mj-raw>{self.say(f'<!--{begin}-->')}</mj-raw>{drawn}<mj-raw>{self.say(f'<!--{end}-->')}</mj-raw>"

    # -- rows ----------------------------------------------------------------------------------------------------------------------------------------

    def row(self, row: Mapping[str, Any]) -> str:
        self.ground = row["colour"] or self.theme["paper"]
        widths = LAYOUTS[row["layout"]]
        side = SIDE if len(widths) == 1 else BESIDE
        columns = "".join(self.one_column(width, found, side, row) for width, found in zip(widths, row["columns"], strict=True))
        if not row["stack"] and len(widths) > 1:
            columns = tag("mj-group", columns)
        return self.condition(row, self.section(row["colour"], row["space"], columns, f"b-{row['key']}" if self.marked else "", many=len(widths) > 1))

    def one_column(self, percent: int, found: list[dict[str, Any]], side: int, row: Mapping[str, Any]) -> str:
        room = int(self.theme["width"]) - (0 if side == SIDE else 2 * (SIDE - BESIDE))
        self.column = room * percent // 100
        drawn = "".join(self.block(block, side, row) for block in found)
        return tag("mj-column", drawn, width=f"{percent}%", vertical_align="top", css_class="side")

    def section(self, colour: str, space: str, columns: str, mark: str = "", *, many: bool = False) -> str:
        name = f"bt-g{colour[1:]}" if colour else "bt-paper"
        if colour and colours.is_light(colour):
            dark = colours.darkened(colour)
            self.dark[f".{name},.{name}>table"] = f"background:{dark};background-color:{dark}"
        padding = f"{ROW_SPACE[space]}px {SIDE - BESIDE if many else 0}px"
        return tag("mj-section", columns, background_color=colour or self.theme["paper"], padding=padding, css_class=f"{name} {mark}".strip())

    # -- blocks --------------------------------------------------------------------------------------------------------------------------------------

    def block(self, block: Mapping[str, Any], side: int, row: Mapping[str, Any]) -> str:
        drawn = "".join(getattr(self, block["kind"])(block, 0 if self.bleeds(block, row) else side))
        return self.condition(block, drawn)

    def bleeds(self, block: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        """An image as wide as the mail itself: in a row of one column without space."""
        return block["kind"] == "image" and row["layout"] == "1" and row["space"] == "none" and block["width"] == 100 and not block["rounded"]

    def placed(self, block: Mapping[str, Any], side: int, *classes: str) -> dict[str, str]:
        """What all blocks have: their place, and the names that style sheets know them by."""
        names = [*classes, "pad" if side == SIDE else "", f"b-{block['key']}" if self.marked and "key" in block else ""]
        align = ALIGNED[block["align"]] if "align" in block else ""
        return {"css_class": " ".join(filter(None, names)), "align": align, "padding": f"{BLOCK_SPACE[block.get('space', 'medium')]}px {side}px"}

    @property
    def light(self) -> bool:
        return colours.is_light(self.ground)

    @property
    def ink(self) -> str:
        return str(self.theme["ink"]) if self.light else colours.WHITE

    def written(self, block: Mapping[str, Any], side: int, text: str, *, size: str = "medium", bold: bool = False, quiet: bool = False) -> str:
        """A text block around finished HTML."""
        pixels, height = LETTERS[size]
        colour = colours.legible("#6b7280", self.ground) if quiet and self.light else self.ink
        tone = ("bt-quiet" if quiet else "bt-ink") if self.light else "rp"
        look = {"color": colour, "font_size": f"{pixels}px", "line_height": str(height), "font_weight": "700" if bold else ""}
        return tag("mj-text", text, **look, **self.placed(block, side, "rt", tone))

    def text(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        yield self.written(block, side, self.rich(block["body"]), size=block["size"])

    def button(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        colour, filled = block["colour"] or self.theme["accent"], block["look"] == "filled"
        shade = colours.legible(colour, self.ground)
        look = {"background_color": colour, "color": colours.on(colour), "inner_padding": "13px 24px"}
        if not filled:
            look = {"background_color": "transparent", "color": shade, "border": f"2px solid {shade}", "inner_padding": "11px 22px"}
        letters = {"font_size": "16px", "font_weight": "700", "line_height": "1.4", "border_radius": f"{self.theme['radius']}px"}
        placed = self.placed(block, side, "bt-outline" if not filled and self.light else "")
        yield tag("mj-button", self.plain(block["label"]), href=self.plain(block["link"]), width="100%" if block["wide"] else "", **letters, **look, **placed)

    def image(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        if block["image"]:
            yield self.picture(block, side, block["width"], "" if block["decoration"] else block["alt"], rounded=block["rounded"], plate=block["plate"])
        elif self.marked:
            yield self.written({**block, "align": "center"}, side, self.plain("—"), quiet=True)

    def picture(self, block: Mapping[str, Any], side: int, percent: int, alt: str, *, rounded: bool, plate: bool = False) -> str:
        room = self.column - 2 * side
        width = min(room * percent // 100, self.sizes.get(block["image"], (room, 0))[0])  # a small image is not blown up
        source = self.say(escape(images.address(block["image"])))
        look = {
            "alt": self.plain(alt),
            "width": f"{width}px",
            "fluid_on_mobile": "true" if percent == 100 and width == room else "",
            "border_radius": f"{self.theme['radius']}px" if rounded else "",
        }
        return tag(
            "mj-image", src=source, href=self.plain(block["link"]) if block["link"] else "", **look, **self.placed(block, side, "bt-plate" if plate else "")
        )

    def divider(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        colour = block["colour"] or ("#d9dce1" if self.light else colours.WHITE)
        placed = self.placed(block, side, "bt-line" if not block["colour"] and self.light else "")
        yield tag("mj-divider", border_color=colour, border_width=f"{block['thick']}px", width=f"{block['width']}%", **placed)

    def spacer(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        yield tag("mj-spacer", height=f"{block['height']}px", css_class=self.placed(block, 0)["css_class"])

    def social(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        words, icons = dict(NETWORKS), ""
        for row in block["rows"]:
            if row["link"]:
                said = {"src": self.say(images.icon(row["network"])), "href": self.plain(row["link"]), "alt": self.plain(str(words[row["network"]]))}
                icons += tag("mj-social-element", **said, padding="0 6px")
        if icons or self.marked:
            yield tag("mj-social", icons, mode="horizontal", icon_size=f"{block['size']}px", **self.placed(block, side))

    def product(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        parts = {"align": block["align"], "space": "small"}
        named = {**parts, "key": block["key"]}
        if block["image"]:
            look = {**named, "align": "center", "image": block["image"], "link": block["link"]}
            yield self.picture(look, side, 100, block["alt"] or block["title"], rounded=True)
        if block["title"] or self.marked:
            yield self.written(named, side, self.plain(block["title"]), bold=True)
        if block["text"]:
            yield self.written({**parts, "space": "none"}, side, self.plain(block["text"], lines=True), size="small", quiet=True)
        if block["price"]:
            yield self.written(parts, side, self.plain(block["price"]), bold=True)
        if block["button"] and block["link"]:
            yield from self.button(
                {**parts, "colour": "", "look": "outline", "wide": False, "label": block["button"], "link": block["link"], "space": "medium"}, side
            )

    def code(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        kept = self.jinja.keep(block["html"])  # byte for byte, its templates included
        yield tag("mj-text", self.say(kept), color=self.ink, font_size="16px", line_height="1.7", **self.placed(block, side, "bt-ink" if self.light else ""))

    def footer(self, block: Mapping[str, Any], side: int) -> Iterator[str]:
        if block["text"]:
            yield self.written(block, side, self.plain(block["text"], lines=True), size="small", quiet=True)
        rest = {"align": block["align"], "space": "small", **({} if block["text"] else {"key": block.get("key", "")})}
        yield self.written(rest, side, self.say(self.jinja.keep(FOOTER)), size="small", quiet=True)


def tag(name: str, inner: str = "", **attributes: str) -> str:
    """An element of MJML; attributes without a value are left out."""
    given = "".join(f' {word.replace("_", "-")}="{value}"' for word, value in attributes.items() if value or word == "alt")
    return f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given} />"


def _grey(colour: str) -> bool:
    """Whether it has no hue to speak of: then the usual dark is taken."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return max(parts) - min(parts) < 12
