"""Long work on records that somebody asked for: imports, and their undoing. And crm's steady work: suggestions of duplicates, indexes."""

from baton.crm import consent, duplicates, employers, indexes  # noqa: F401  # employers is a stage of the tick
from baton.crm.imports import run, undo
from baton.platform import sql
from baton.platform.jobs import drain, every, job


@drain("duplicates")
def like_each_other() -> int:
    """Bring the suggestions of what changed up to date."""
    return duplicates.drain()


@every("40 4 * * *")
def first_time() -> None:
    """A database that came from elsewhere has records, and no keys of likeness yet."""
    if not sql.rows("SELECT 1 FROM like_key LIMIT 1") and sql.rows("SELECT 1 FROM contact LIMIT 1"):
        duplicates.rebuild()


@every("*/5 * * * *")
def ensure_indexes() -> None:
    """A property became indexed, or the order of its options changed: sorting follows within minutes."""
    indexes.ensure()


@every("* * * * *")
def consents_end() -> None:
    """Agreements whose time is over: lists and workflows hear of it within a minute."""
    while consent.end_expired():
        pass


@job
def run_import(import_id: int) -> None:
    """What is left of an import; may be called again after a worker died."""
    run.run(import_id)


@job
def undo_import(import_id: int) -> None:
    undo.run(import_id)
