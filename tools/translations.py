"""Translations: `check` fails on a text without Korean, `add FILE...` takes new entries in, `compile` makes the .mo files.

Babel reads Python; Django's own lexer turns a template into something Babel can read. No gettext programs are needed.
"""

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "baton"
LOCALE = PACKAGE / "locale"
KEYWORDS = {
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "_": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
STRING = r"""(?:u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(?P<name>gettext|_|ngettext|pgettext|npgettext)\((?P<args>\s*{STRING}(?:\s*,\s*{STRING})*)")

Message = str | tuple[str, ...]


def words(given: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """A translation as its forms: one, or one for each plural."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def in_python() -> Iterator[tuple[str, Message, str | None]]:
    """(where, text, context) for every text in Python code."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts:
            with path.open("rb") as file:
                for line, message, _comments, context in extract("python", file, keywords=KEYWORDS):
                    yield f"{path.relative_to(ROOT)}:{line}", message, context


def in_templates() -> Iterator[tuple[str, Message, str | None]]:
    """(where, text, context) for every text in templates."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=True)
    from django.utils.translation.template import templatize

    for path in sorted(PACKAGE.rglob("*.html")):
        for found in CALL.finditer(templatize(path.read_text(), origin=str(path))):
            texts = [ast.literal_eval(s.removeprefix("u")) for s in re.findall(STRING, found["args"])]
            match found["name"]:
                case "ngettext":
                    yield str(path.relative_to(ROOT)), tuple(texts[:2]), None
                case "pgettext":
                    yield str(path.relative_to(ROOT)), texts[1], texts[0]
                case _:
                    yield str(path.relative_to(ROOT)), texts[0], None


def wanted() -> dict[tuple[str, str | None], tuple[Message, str]]:
    """Every text of the product: (msgid, context) -> (message, where it stands first)."""
    found: dict[tuple[str, str | None], tuple[Message, str]] = {}
    for where, message, context in (*in_python(), *in_templates()):
        key = (message if isinstance(message, str) else message[0], context)
        if key[0] and (key not in found or isinstance(message, tuple)):
            found[key] = (message, where)
    return found


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def load(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="ko", abort_invalid=True)


def check() -> int:
    """Print what is missing, unsure or no longer used; returns how many faults."""
    catalog, faults = load(path_of("ko")), 0
    texts = wanted()
    for (msgid, context), (message, where) in texts.items():
        entry = catalog.get(msgid, context)
        given = words(entry.string) if entry else ()
        if not given or not all(given):
            print(f"{where}: no Korean for {msgid!r}")
            faults += 1
        elif entry is not None and entry.fuzzy:
            print(f"{where}: the Korean for {msgid!r} is marked fuzzy")
            faults += 1
        elif sorted(_slots(words(message)[-1])) != sorted(_slots(given[-1])):
            print(f"{where}: the Korean for {msgid!r} has other placeholders")
            faults += 1
    for entry in catalog:
        key = (entry.id if isinstance(entry.id, str) else entry.id[0], entry.context)
        if key[0] and key not in texts:
            print(f"{path_of('ko').relative_to(ROOT)}: {key[0]!r} is not used any more")
            faults += 1
    return faults


def _slots(text: str) -> list[str]:
    return re.findall(r"%\(\w+\)[sd]|\{\w*\}|%[sd]", text)


def add(files: list[str]) -> None:
    """Take the entries of PO files into the Korean catalogue, drop what is not used, keep it sorted."""
    path = path_of("ko")
    texts = wanted()
    known: dict[tuple[str, str | None], tuple[str, ...]] = {}
    for source in (*([path] if path.exists() else []), *map(Path, files)):
        for entry in load(source):
            if entry.id and entry.string:
                known[(entry.id if isinstance(entry.id, str) else entry.id[0], entry.context)] = words(entry.string)
    catalog = Catalog(locale="ko", project="Baton", charset="utf-8", fuzzy=False)
    for key, (message, _where) in sorted(texts.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        forms = known.get(key, ("",))
        string = forms if isinstance(message, tuple) else forms[0]
        catalog.add(message, string, context=key[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    out = BytesIO()
    write_po(out, catalog, omit_header=False, width=0)
    text = out.getvalue().decode()
    path.write_text(
        re.sub(r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To|Last-Translator|Language-Team):.*\n', "", text, flags=re.M)
    )


def compile_all() -> None:
    for path in LOCALE.glob("*/LC_MESSAGES/*.po"):
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, load(path))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            faults = check()
            sys.exit(f"{faults} faults in the translations" if faults else 0)
        case ["add", *files]:
            add(files)
        case ["compile"]:
            compile_all()
        case _:
            sys.exit(__doc__)
