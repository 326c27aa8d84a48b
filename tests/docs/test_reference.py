"""The docs say what the code says: every plug-in has its place, every example is taken, every command exists."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from baton.automation import graph
from baton.automation.step import steps
from baton.automation.trigger import triggers
from baton.cli.main import cli
from baton.messaging.channel import Channel
from baton.platform import registry
from baton.query.operators import OPERATORS
from baton.segments.condition import Happened, conditions
from baton.web.page import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


def text(name: str) -> str:
    return (DOCS / name).read_text()


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    return re.split(r"^#", page.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(page: str) -> dict[str, str]:
    """The rows of all tables of a page by the code word they begin with, or each of several."""
    found = re.findall(r"^\| (`[^`]+`(?:, `[^`]+`)*) \| (.*) \|$", page, flags=re.MULTILINE)
    return {word: rest for words, rest in found for word in re.findall(r"`([^`]+)`", words)}


def examples(name: str) -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text(name), flags=re.DOTALL)]


def test_every_condition_has_its_section_with_its_fields() -> None:
    page = text("filters.md")
    told = re.findall(r"^### `(\w+)`$", page, flags=re.MULTILINE)
    assert sorted(told) == sorted(conditions())
    shared = set(re.findall(r"`(\w+)`", section(page, "## How often and when")))
    for key, kind in conditions().items():
        words = set(re.findall(r"`(\w+)`", section(page, f"### `{key}`")))
        own = set(kind.model_fields) - (set(Happened.model_fields) if issubclass(kind, Happened) else set())
        assert not own - words, key
    assert not set(Happened.model_fields) - shared


def test_every_operator_is_in_the_table_of_its_type() -> None:
    table = rows(section(text("filters.md"), "## Operators"))
    assert {key: set(re.findall(r"`(\w+)`", row)) for key, row in table.items()} == {key: set(known) for key, known in OPERATORS.items()}


@pytest.mark.parametrize("kind", ["step", "trigger"])
def test_every_step_and_trigger_has_its_row_with_its_fields(kind: str) -> None:
    table = rows("".join(page.read_text() for page in sorted(DOCS.glob("workflows*.md"))))
    for key, plugin in (steps() if kind == "step" else triggers()).items():
        assert key in table
        words = set(re.findall(r"`(\w+)`", table[key]))
        assert not set(plugin.model_fields) - words - {"id", "name"} - (set() if key == "branch" else {"paths"}), key


def test_every_channel_and_every_page_is_named_in_its_guide() -> None:
    assert set(registry.discover("baton.messaging.channels", Channel)) <= set(rows(text("how-to/add-a-channel.md")))
    assert set(registry.discover("baton.web.pages", Page)) == set(rows(text("how-to/add-a-page.md")))


@pytest.mark.django_db
def test_the_examples_of_workflows_are_workflows() -> None:
    assert examples("workflows.md")
    for example in examples("workflows.md"):
        graph.parse(example)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_json_is_json_and_commands_exist(page: Path) -> None:
    written = page.read_text()
    for block in re.findall(r"```json\n(.*?)```", written, flags=re.DOTALL):
        json.loads(block)
    code = "\n".join([*re.findall(r"```sh\n(.*?)```", written, flags=re.DOTALL), *re.findall(r"`([^`\n]+)`", written)])
    for line in re.findall(r"(?:^|/|\s)baton ((?:[a-z][a-z-]* ?)+)", code, flags=re.MULTILINE):
        command: click.Command = cli
        for word in line.split():
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, f"{page.name}: baton {line}"
            command = command.commands[word]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", written, flags=re.MULTILINE):
        assert target in targets, f"{page.name}: make {target}"
