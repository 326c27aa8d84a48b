"""What is wrong with a mail, and what could be better: each finding says where, why, and how to put it right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from baton.messaging import blocks, render
from baton.platform.errors import Invalid, Problem

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """`grave`: the mail cannot be published with it. `path` is a field (`subject`) or `document.blocks.<key>.<field>`."""

    path: str
    code: str
    message: str
    fix: str = ""  # what to do about it
    grave: bool = False

    @property
    def problem(self) -> Problem:
        return Problem(self.path, self.code, self.message)


def look(content: Content) -> list[Finding]:
    """Everything there is to say about a mail's content (see emails.draft), the grave ones first."""
    return grave(content)


def grave(content: Content) -> list[Finding]:
    """What keeps a mail from being published."""
    return list(_required(content))


def _required(content: Content) -> Iterator[Finding]:
    if not str(content["subject"]).strip():
        yield Finding("subject", "REQUIRED", _("A subject is required."), grave=True)
    if content["mode"] == "blocks" and content["document"]:
        for problem in blocks.problems(content["document"]):
            yield Finding(problem.path, problem.code, problem.message, grave=True)
    try:
        render.check(subject=content["subject"], body=content["body"], preheader=content["preheader"])
    except Invalid as error:
        for problem in error.problems:
            yield Finding(problem.path, problem.code, problem.message, grave=True)
