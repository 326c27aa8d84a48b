"""What a landing page is made of, and whether it can be published.

A document is {"title", "description", "image": file or null, "theme": {"accent", "mode"}, "blocks": [{"key", "kind", ...}]}.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.content.assets import is_address
from baton.content.kinds import KINDS, Field
from baton.crm.uses import Mention
from baton.platform.errors import Problem

Block = dict[str, Any]
MOST = 60  # blocks of a page
ACCENT = re.compile(r"#[0-9a-f]{6}")
MODES: dict[str, str | Promise] = {"light": gettext_lazy("Light"), "dark": gettext_lazy("Dark"), "auto": gettext_lazy("As the visitor’s device")}
THEME = {"accent": "#365fe0", "mode": "light"}


LONG: dict[str, int] = {"rich": 20_000, "area": 3_000, "text": 300, "link": 2048, "address": 2048}


def new(kind: str) -> Block:
    """An empty block."""
    return {"key": new_key(), "kind": kind, **{field.name: _empty(field) for field in KINDS[kind].fields}}


def new_key() -> str:
    return secrets.token_hex(4)


def cleaned(kind: str, given: Mapping[str, Any]) -> Block:
    """The settings of a block as they are stored: known fields only, texts cut to length, numbers of files, forms and assets or null."""
    return {field.name: _cleaned(field, given.get(field.name)) for field in KINDS[kind].fields}


def theme(given: Any) -> dict[str, str]:
    """A theme's settings, with what is missing or wrong as usual."""
    found = given if isinstance(given, Mapping) else {}
    accent, mode = str(found.get("accent", "")).lower(), str(found.get("mode", ""))
    return {"accent": accent if ACCENT.fullmatch(accent) else THEME["accent"], "mode": mode if mode in MODES else THEME["mode"]}


def document(title: str, blocks: Sequence[Mapping[str, Any]], *, description: str = "", **look: str) -> dict[str, Any]:
    """A document of these blocks; each gets a key, and what it does not say is empty."""
    made = [{"key": new_key(), "kind": block["kind"], **cleaned(block["kind"], block)} for block in blocks]
    return {"title": title[:200], "description": description[:300], "image": None, "theme": theme(look), "blocks": made}


def problems(content: Mapping[str, Any]) -> list[Problem]:
    """What must be put right before a page is published, at `title` or `blocks.<key>.<field>`."""
    found = [] if str(content.get("title", "")).strip() else [Problem("title", "REQUIRED", _("The page needs a title: browsers and search engines show it."))]
    blocks = content.get("blocks", [])
    if not blocks:
        found.append(Problem("blocks", "REQUIRED", _("The page has no blocks yet.")))
    for block in blocks:
        for field in KINDS[block["kind"]].fields:
            found += _problems(field, block.get(field.name), f"blocks.{block['key']}.{field.name}")
    return found


def mentions(content: Mapping[str, Any]) -> Iterator[Mention]:
    """The forms and assets that a document shows."""
    for block in content.get("blocks", []):
        if block.get("kind") == "form" and block.get("form"):
            yield Mention("form", str(block["form"]))
        if block.get("kind") == "asset" and block.get("asset"):
            yield Mention("asset", str(block["asset"]))


def images(content: Mapping[str, Any]) -> set[int]:
    """The files that a document shows."""
    found = {content.get("image")}
    for block in content.get("blocks", []):
        found.add(block.get("image"))
        found.update(row.get("image") for row in block.get("rows") or [])
    return {number for number in found if isinstance(number, int)}


def name(block: Mapping[str, Any]) -> str:
    """What a block is called in the list: the beginning of its text, or "" when it has none yet."""
    text = str(block.get(KINDS[block["kind"]].name) or "")
    return re.sub(r"[*#\[\]]+|\(https?://[^)]*\)", "", text).strip().partition("\n")[0][:80]


def is_link(text: str) -> bool:
    """What a button may lead to: an address, a path of this Baton, a place on the page, a mail or a phone."""
    if re.fullmatch(r"#[\w-]+|/(?!/)[^\s\\]*", text):
        return True
    return is_address(text) or bool(re.fullmatch(r"mailto:[^\s@]+@[^\s@]+|tel:\+?[\d-]{3,20}", text))


def _problems(field: Field, value: Any, path: str) -> Iterator[Problem]:
    if field.required and value in (None, "", []):
        yield Problem(path, "REQUIRED", _("{what} is missing.").format(what=field.label))
    elif field.input == "link" and value and not is_link(value):
        yield Problem(path, "INVALID_URL", _("Expected an http:// or https:// address, or #form."))
    elif field.input == "address" and value and not is_address(value):
        yield Problem(path, "INVALID_URL", _("Expected an http:// or https:// address."))
    elif field.input == "rows":
        for number, row in enumerate(value or []):
            for part in field.rows:
                yield from _problems(part, row.get(part.name), f"{path}.{number}.{part.name}")


def _empty(field: Field) -> Any:
    match field.input:
        case "rows":
            return []
        case "image" | "form" | "asset":
            return None
        case "choice":
            return field.options[0][0]
    return ""


def _cleaned(field: Field, value: Any) -> Any:
    match field.input:
        case "rows":
            rows = [{part.name: _cleaned(part, row.get(part.name)) for part in field.rows} for row in value or [] if isinstance(row, Mapping)]
            return [row for row in rows if any(row.values())][: field.most]
        case "image" | "form" | "asset":
            text = str(value or "")
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and int(text) else None
        case "choice":
            return value if value in dict(field.options) else field.options[0][0]
    text = str(value or "").replace("\r\n", "\n").replace("\0", "").strip()
    return text[: LONG[field.input]]
