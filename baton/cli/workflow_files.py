"""`baton workflow export`, `import` and `templates`: workflows as YAML files in a terminal."""

from collections.abc import Sequence
from pathlib import Path

import click

from baton.automation import gallery, portable
from baton.automation.models import Workflow
from baton.automation.names import Names
from baton.platform.actor import SYSTEM
from baton.platform.errors import DomainError, Invalid, NotFound


def export(name: str, published: bool, out: Path | None) -> None:
    """Print a workflow's YAML, or write it to a file. Raises NotFound."""
    id = Names().id("workflow", name) or (int(name) if name.isdecimal() else 0)
    workflow = Workflow.objects.select_related("published").filter(pk=id).first()
    if workflow is None:
        raise NotFound(f"There is no workflow “{name}”.")
    text = portable.export(workflow, published=published)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def bring(files: Sequence[Path]) -> bool:
    """A draft of each file; whether all were read. What is wrong with one is told line by line."""
    good = True
    for path in files:
        try:
            made = portable.load(path.read_text("utf-8"), SYSTEM)
        except (DomainError, UnicodeDecodeError) as error:
            good = False
            click.echo(f"{path}: nothing was made", err=True)
            faults = [f"{p.path}: {p.message}" for p in error.problems] if isinstance(error, Invalid) else [str(error)]
            for line in faults:
                click.echo(f"  {line}", err=True)
        else:
            click.echo(f"{made.pk}\t{made.name}")
    return good


def templates(key: str | None, language: str) -> None:
    """The list of templates, or a draft of one. Raises NotFound."""
    if key is None:
        for one in gallery.all():
            click.echo(f"{one.key}\t{one.name(language)}\t{one.description(language)}")
        return
    made = gallery.make(key, SYSTEM, language)
    click.echo(f"{made.pk}\t{made.name}")
    for path, words in gallery.get(key).decide.items():
        click.echo(f"  {path}: {words[language]}")
