"""The gallery: mails to begin with, in Korean and in English. One is a file in mail_templates/<language>/; the images are Baton's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

from baton.messaging.mail import blocks, emails, mjml
from baton.messaging.models import Email
from baton.platform.actor import Actor
from baton.platform.errors import NotFound

FOLDER = Path(__file__).parent / "mail_templates"
LANGUAGES = ("ko", "en")


@dataclass(frozen=True, slots=True)
class Template:
    """A mail to begin with. `kind` is that of the e-mail: mail, or personal for what a colleague writes in his own name."""

    key: str
    language: str
    kind: str
    name: str
    description: str
    subject: str
    preheader: str
    purpose: str
    document: Mapping[str, Any]


def templates(language: str = "ko") -> list[Template]:
    """All of them in this language, in the order of the gallery."""
    return list(_read(language if language in LANGUAGES else "en").values())


def template(key: str, language: str = "ko") -> Template:
    """Raises NotFound."""
    found = _read(language if language in LANGUAGES else "en").get(key)
    if found is None:
        raise NotFound(_("There is no such template."))
    return found


def start(key: str, actor: Actor, *, language: str = "ko", name: str = "") -> Email:
    """A new draft made of a template. Raises NotFound."""
    found = template(key, language)
    return emails.create(
        name.strip() or found.name, actor, subject=found.subject, preheader=found.preheader, purpose=found.purpose, kind=found.kind, language=found.language,
        document=found.document,
    )  # fmt: skip


def page(found: Template) -> str:
    """What it looks like before anybody's values, for a preview of the gallery: merge fields show their fallbacks."""
    return mjml.html(found.document, subject=found.subject, language=found.language, purpose=found.purpose, marked=True)


@cache
def _read(language: str) -> dict[str, Template]:
    read = [(file.stem, yaml.safe_load(file.read_text())) for file in sorted((FOLDER / language).glob("*.yaml"))]
    made = [
        Template(
            key, language, said.get("kind", "mail"), said["name"], said["description"], said["subject"], said.get("preheader", ""),
            said.get("purpose", "marketing"), _document(said),
        )
        for key, said in sorted(read, key=lambda one: one[1]["order"])
    ]  # fmt: skip
    return {one.key: one for one in made}


def _document(said: Mapping[str, Any]) -> dict[str, Any]:
    """Rows may name the blocks of their only column; keys are numbers in the order of reading, the same each time."""
    rows, number = [], 0
    for row in said["rows"]:
        made = blocks.new_row(row.get("layout", "1"), row.get("columns") or [row["blocks"]], **{k: row[k] for k in ("colour", "space", "stack") if k in row})
        for thing in (made, *(block for column in made["columns"] for block in column)):
            number += 1
            thing["key"] = f"{number:08x}"
        rows.append(made)
    return blocks.new(theme=said.get("theme"), rows=rows)
