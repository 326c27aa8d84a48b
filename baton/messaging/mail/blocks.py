"""What a mail is made of: a document of rows, columns and blocks; how it is cleaned, what is wrong with it, and how an editor changes it.

{"theme": {...}, "rows": [{"key", "layout", "colour", "space", "stack", "filter", "columns": [[block, ...], ...]}]}
A block is {"key", "kind", "space", "filter", and the fields of its kind}. A place is (row's key, number of the column, number in the column).
"""

import copy as copies
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.messaging.mail import merge_fields, rich
from baton.messaging.mail.block_kinds import KINDS, SPACE, Field
from baton.platform.errors import Invalid, NotFound, Problem

Block = dict[str, Any]
Row = dict[str, Any]
Document = dict[str, Any]
Place = tuple[str, int, int]  # row's key, number of the column, number in the column

MOST_ROWS, MOST_BLOCKS = 60, 200
LONGEST = {"text": 300, "area": 4000, "rich": 40_000, "link": 2048, "code": 60_000}
COLOUR = re.compile(r"#[0-9a-f]{6}")
KEY = re.compile(r"[0-9a-f]{8}")
IMAGE = re.compile(r"[0-9a-f]{40}\.(?:png|jpg|gif)|[a-z][a-z_]{1,30}\.png")  # one that was uploaded, one that comes with Baton
LINK = re.compile(r"https?://[^\s<>\"]+|mailto:[^\s<>\"]+|tel:\+?[\d-]{3,20}", re.IGNORECASE)

LAYOUTS: dict[str, tuple[int, ...]] = {  # widths of the columns in percent
    "1": (100,), "1-1": (50, 50), "1-2": (33, 67), "2-1": (67, 33), "1-1-1": (33, 34, 33), "1-1-1-1": (25, 25, 25, 25),
}  # fmt: skip
FONTS: dict[str, str | Promise] = {"sans": gettext_lazy("Sans serif"), "serif": gettext_lazy("Serif")}
DARK: dict[str, str | Promise] = {"auto": gettext_lazy("As the reader’s device"), "never": gettext_lazy("Always light")}
THEME: dict[str, Any] = {
    "accent": "#1d4ed8", "page": "#f3f4f6", "paper": "#ffffff", "ink": "#1f2937", "link": "", "font": "sans", "width": 600, "radius": 8, "dark": "auto",
}  # fmt: skip
WIDTHS, RADII = (480, 720), (0, 24)


@dataclass(frozen=True, slots=True)
class Found:
    """A block with its place."""

    block: Block
    row: Row
    column: int
    number: int


def new(*, theme: Mapping[str, Any] | None = None, rows: Sequence[Row] = ()) -> Document:
    """A document; without rows it is empty."""
    return {"theme": cleaned_theme(theme), "rows": list(rows)}


def starter() -> Document:
    """What a new mail begins with: a text, a button and a footer, one under the other."""
    hello = _("Hello,")
    said = new_block("text", body=f"<p>{hello}</p><p></p>")
    return new(rows=[new_row("1", [[said]]), new_row("1", [[new_block("footer")]])])


def new_key() -> str:
    return secrets.token_hex(4)


def new_block(kind: str, **values: Any) -> Block:
    """A block of this kind with these values; what is not given is as usual. Raises Invalid for an unknown kind."""
    if kind not in KINDS:
        raise Invalid.one("kind", "INVALID_OPTION", _("There is no such block."))
    usual: dict[str, Any] = {field.name: [] if field.input == "rows" else field.usual for field in KINDS[kind].fields}
    return cleaned_block({**usual, "kind": kind, **values})


def new_row(layout: str = "1", columns: Sequence[Sequence[Block]] | None = None, **values: Any) -> Row:
    """A row of this layout. Raises Invalid for an unknown layout."""
    if layout not in LAYOUTS:
        raise Invalid.one("layout", "INVALID_OPTION", _("There is no such layout."))
    return cleaned_row({**values, "layout": layout, "columns": columns or []})


# -- what is stored ------------------------------------------------------------------------------------------------------------------------------


def cleaned(given: Any) -> Document:
    """A document as it is stored: known fields of the right types only, texts cut to length, HTML without anything that runs, keys that are unique.

    What is wrong becomes usual, nothing is refused: a half-written mail can be saved. See problems() for what keeps it from being published.
    """
    found = given if isinstance(given, Mapping) else {}
    rows, taken, left = [], set[str](), MOST_BLOCKS
    for one in _list(found.get("rows"))[:MOST_ROWS]:
        row = cleaned_row(one)
        for thing in (row, *(block for column in row["columns"] for block in column)):
            if thing["key"] in taken:
                thing["key"] = new_key()
            taken.add(thing["key"])
        for number, column in enumerate(row["columns"]):
            row["columns"][number] = column[:left]
            left -= len(row["columns"][number])
        rows.append(row)
    return {"theme": cleaned_theme(found.get("theme")), "rows": rows}


def cleaned_theme(given: Any) -> dict[str, Any]:
    """The look of a mail, with what is missing or wrong as usual."""
    found = given if isinstance(given, Mapping) else {}
    theme = {name: _colour(found.get(name)) or usual for name, usual in THEME.items() if name in ("accent", "page", "paper", "ink", "link")}
    theme["font"] = found.get("font") if found.get("font") in FONTS else THEME["font"]
    theme["dark"] = found.get("dark") if found.get("dark") in DARK else THEME["dark"]
    theme["width"] = _number(found.get("width"), THEME["width"], *WIDTHS)
    theme["radius"] = _number(found.get("radius"), THEME["radius"], *RADII)
    return theme


def cleaned_row(given: Any) -> Row:
    found = given if isinstance(given, Mapping) else {}
    layout = found.get("layout") if found.get("layout") in LAYOUTS else "1"
    columns = [
        [cleaned_block(block) for block in _list(column) if isinstance(block, Mapping) and block.get("kind") in KINDS] for column in _list(found.get("columns"))
    ]
    many = len(LAYOUTS[str(layout)])
    columns += [[] for _none in range(many - len(columns))]
    columns[many - 1 :] = [[block for column in columns[many - 1 :] for block in column]]  # fewer columns than before: the last takes the rest
    return {
        "key": _key(found.get("key")), "layout": layout, "colour": _colour(found.get("colour")), "space": _choice(found.get("space"), SPACE),
        "stack": bool(found.get("stack", True)), "filter": _filter(found.get("filter")), "columns": columns,
    }  # fmt: skip


def cleaned_block(given: Mapping[str, Any]) -> Block:
    """A block of a known kind as it is stored."""
    fields = {field.name: _cleaned(field, given.get(field.name, field.usual)) for field in KINDS[str(given["kind"])].fields}
    condition = {} if given["kind"] == "footer" else _filter(given.get("filter"))  # everybody is told who sends and how to unsubscribe
    return {"key": _key(given.get("key")), "kind": given["kind"], "space": _choice(given.get("space"), SPACE), "filter": condition, **fields}


# -- how an editor changes it: each returns a new document, the one given stays as it was -----------------------------------------------------------


def add(document: Document, kind: str, place: Place | None = None, **values: Any) -> tuple[Document, str]:
    """Put a new block at a place (None: in a row of its own at the end, before the footer); returns its key too. Raises Invalid, NotFound."""
    made = copies.deepcopy(document)
    block = new_block(kind, **values)
    _room(made, 1)
    if place is None:
        made["rows"].insert(_before_footer(made), new_row("1", [[block]]))
        _room(made, 0)
    else:
        _put(made, block, place)
    return made, block["key"]


def add_row(document: Document, layout: str = "1", at: int | None = None) -> tuple[Document, str]:
    """Put an empty row in front of another (None: at the end, before the footer); returns its key too. Raises Invalid."""
    made = copies.deepcopy(document)
    row = new_row(layout)
    made["rows"].insert(_before_footer(made) if at is None else max(0, at), row)
    _room(made, 0)
    return made, row["key"]


def change(document: Document, key: str, values: Mapping[str, Any]) -> Document:
    """Other values for a block or a row (also `filter`, `space`, `layout`); its key and kind stay. Raises NotFound."""
    made = copies.deepcopy(document)
    for number, row in enumerate(made["rows"]):
        if row["key"] == key:
            made["rows"][number] = cleaned_row({**row, **values, "key": key})
            return made
    found = find(made, key)
    found.row["columns"][found.column][found.number] = cleaned_block({**found.block, **values, "key": key, "kind": found.block["kind"]})
    return made


def restyle(document: Document, values: Mapping[str, Any]) -> Document:
    """Another look."""
    return {**document, "theme": cleaned_theme({**document.get("theme", {}), **values})}


def move(document: Document, key: str, place: Place) -> Document:
    """Take a block to a place, counted as it is before the move: in front of the block that stands there. Raises NotFound."""
    made = copies.deepcopy(document)
    found = find(made, key)
    row, column, number = place
    if row == found.row["key"] and column == found.column and number > found.number:
        number -= 1
    del found.row["columns"][found.column][found.number]
    _put(made, found.block, (row, column, number))
    return made


def move_row(document: Document, key: str, to: int) -> Document:
    """Take a row to another position, counted as it is before the move. Raises NotFound."""
    made = copies.deepcopy(document)
    at = _row(made, key)
    row = made["rows"].pop(at)
    made["rows"].insert(max(0, to - 1 if to > at else to), row)
    return made


def step(document: Document, key: str, by: int) -> Document:
    """One up (-1) or down (1), the menu's way: within the column, then to the next row; a row among rows. Raises NotFound."""
    if any(row["key"] == key for row in document["rows"]):
        at = _row(document, key)
        return move_row(document, key, at + 2 if by > 0 else at - 1)
    found = find(document, key)
    number = found.number + by
    if 0 <= number < len(found.row["columns"][found.column]):
        return move(document, key, (found.row["key"], found.column, found.number + 2 if by > 0 else number))
    beside = found.column + by
    if 0 <= beside < len(found.row["columns"]):
        return move(document, key, (found.row["key"], beside, len(found.row["columns"][beside]) if by < 0 else 0))
    to = _row(document, found.row["key"]) + by
    if not 0 <= to < len(document["rows"]):
        return document
    row = document["rows"][to]
    column = len(row["columns"]) - 1 if by < 0 else 0
    return move(document, key, (row["key"], column, len(row["columns"][column]) if by < 0 else 0))


def copy(document: Document, key: str) -> tuple[Document, str]:
    """The same block or row once more, right behind it; returns its key too. Raises Invalid, NotFound."""
    made = copies.deepcopy(document)
    for number, row in enumerate(made["rows"]):
        if row["key"] == key:
            twin = copies.deepcopy(row)
            for thing in (twin, *(block for column in twin["columns"] for block in column)):
                thing["key"] = new_key()
            made["rows"].insert(number + 1, twin)
            _room(made, 0)
            return made, twin["key"]
    found = find(made, key)
    _room(made, 1)
    block = {**copies.deepcopy(found.block), "key": new_key()}
    found.row["columns"][found.column].insert(found.number + 1, block)
    return made, block["key"]


def remove(document: Document, key: str) -> Document:
    """Without this block or row. Raises NotFound."""
    made = copies.deepcopy(document)
    rows = [row for row in made["rows"] if row["key"] != key]
    if len(rows) < len(made["rows"]):
        return {**made, "rows": rows}
    found = find(made, key)
    del found.row["columns"][found.column][found.number]
    return made


# -- what it says ----------------------------------------------------------------------------------------------------------------------------------


def each(document: Mapping[str, Any]) -> Iterator[Found]:
    """Every block with its place, in the order of reading."""
    for row in document.get("rows") or []:
        for column, blocks in enumerate(row["columns"]):
            for number, block in enumerate(blocks):
                yield Found(block, row, column, number)


def find(document: Mapping[str, Any], key: str) -> Found:
    """A block by its key. Raises NotFound."""
    for found in each(document):
        if found.block["key"] == key:
            return found
    raise NotFound(_("This block does not exist any more."))


def name(block: Mapping[str, Any]) -> str:
    """What a block is called in an outline: the beginning of its text, or "" when it has none yet."""
    text = str(block.get(KINDS[block["kind"]].name) or "")
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:80]


def filters(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The conditions of rows and blocks, by key."""
    things = [*(document.get("rows") or []), *(found.block for found in each(document))]
    return {thing["key"]: thing["filter"] for thing in things if thing.get("filter")}


def images(document: Mapping[str, Any]) -> set[str]:
    """The images that a document shows."""
    return {found.block["image"] for found in each(document) if found.block.get("image")}


def texts(document: Mapping[str, Any]) -> Iterator[tuple[str, Field, str]]:
    """Everything that is written in it: (path, field, text)."""
    for found in each(document):
        for field, path, value in _values(found.block):
            if isinstance(value, str) and value and field.input in LONGEST:
                yield path, field, value


def problems(document: Mapping[str, Any]) -> list[Problem]:
    """What must be put right before a mail of blocks is published, at `document.blocks.<key>.<field>`."""
    found = [] if any(each(document)) else [Problem("document", "REQUIRED", _("The e-mail has no blocks yet."))]
    for one in each(document):
        for field, path, value in _values(one.block):
            found += _problems(field, value, path)
        if one.block["kind"] == "footer" and one.row["filter"]:
            words = _("Everybody must see who sends the mail and how to unsubscribe: take the condition off the row of the footer.")
            found.append(Problem(f"document.blocks.{one.row['key']}.filter", "FOOTER_CONDITION", words))
    return found


def is_link(text: str) -> bool:
    """Whether it can be followed from a mail: a web address, a mail, a phone, or one that merge fields make."""
    return bool(LINK.fullmatch(merge_fields.FIELD.sub("x", text))) or bool(re.match(r"\{\{.*\}\}", text, re.DOTALL))


def _values(block: Block) -> Iterator[tuple[Field, str, Any]]:
    """Fields of a block with their paths, those of its rows too."""
    path = f"document.blocks.{block['key']}"
    for field in KINDS[block["kind"]].fields:
        yield field, f"{path}.{field.name}", block.get(field.name)
        if field.input == "rows":
            for number, row in enumerate(block.get(field.name) or []):
                for part in field.rows:
                    yield part, f"{path}.{field.name}.{number}.{part.name}", row.get(part.name)


def _problems(field: Field, value: Any, path: str) -> Iterator[Problem]:
    empty = value in (None, "", []) or (field.input == "rich" and rich.is_empty(str(value)))
    if field.required and empty:
        yield Problem(path, "REQUIRED", _("{what} is missing.").format(what=field.label))
    elif field.input == "link" and value and not is_link(str(value)):
        yield Problem(path, "INVALID_URL", _("Expected an address that begins with http://, https://, mailto: or tel:."))


def _put(document: Document, block: Block, place: Place) -> None:
    key, column, number = place
    columns = document["rows"][_row(document, key)]["columns"]
    if not 0 <= column < len(columns):
        raise NotFound(_("This column does not exist any more."))
    columns[column].insert(max(0, number), block)


def _row(document: Mapping[str, Any], key: str) -> int:
    for number, row in enumerate(document["rows"]):
        if row["key"] == key:
            return number
    raise NotFound(_("This row does not exist any more."))


def _before_footer(document: Document) -> int:
    last = document["rows"][-1] if document["rows"] else None
    footer = last is not None and any(block["kind"] == "footer" for column in last["columns"] for block in column)
    return len(document["rows"]) - footer


def _room(document: Document, more: int) -> None:
    if len(document["rows"]) > MOST_ROWS:
        raise Invalid.one("document", "TOO_MANY", _("A mail may have at most {most} rows.").format(most=MOST_ROWS))
    if sum(1 for _found in each(document)) + more > MOST_BLOCKS:
        raise Invalid.one("document", "TOO_MANY", _("A mail may have at most {most} blocks.").format(most=MOST_BLOCKS))


def _cleaned(field: Field, value: Any) -> Any:
    match field.input:
        case "rows":
            rows = [{part.name: _cleaned(part, row.get(part.name)) for part in field.rows} for row in _list(value) if isinstance(row, Mapping)]
            return rows[: field.most]
        case "choice":
            return _choice(value, field.options)
        case "colour":
            return _colour(value)
        case "number":
            return _number(value, int(field.usual), field.least, field.most)
        case "switch":
            return value in (True, "on", "true", "1")
        case "image":
            return value if isinstance(value, str) and IMAGE.fullmatch(value) else ""
    text = value.replace("\r\n", "\n").replace("\0", "") if isinstance(value, str) else ""
    if field.input == "rich":
        return rich.cleaned(text)[: LONGEST["rich"]] if len(text) <= LONGEST["rich"] else rich.cleaned(text[: LONGEST["rich"]])
    return (text if field.input == "code" else text.strip())[: LONGEST[field.input]]


def _choice(value: Any, options: Sequence[tuple[str, Any]]) -> str:
    return value if isinstance(value, str) and value in dict(options) else options[0][0]


def _colour(value: Any) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if COLOUR.fullmatch(text) else ""


def _number(value: Any, usual: int, least: int, most: int) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 9:
        value = int(value)
    return usual if isinstance(value, bool) or not isinstance(value, int) else min(max(value, least), most)


def _key(value: Any) -> str:
    return value if isinstance(value, str) and KEY.fullmatch(value) else new_key()


def _filter(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) and value not in ({"all": []}, {"any": []}) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value) if isinstance(value, tuple) else []
