"""How many contacts a filter finds, for the editor, while it is being written."""

from typing import Any

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Conflict
from baton.query import compile
from baton.query.nodes import Nobody, Node
from baton.query.statement import Sql
from baton.segments import catalog, filter

PATIENCE = 5_000  # milliseconds


def count(stored: dict[str, Any]) -> int:
    """How many contacts match now. Raises Invalid for a wrong filter, Conflict when counting takes longer than PATIENCE."""
    known = catalog.current()
    node = filter.parse(stored, known)
    return 0 if isinstance(node, Nobody) else int(_rows(_members(node, known), "SELECT count(*) FROM ({members}) m")[0][0])


def sample(stored: dict[str, Any], limit: int = 10) -> list[int]:
    """Ids of some who match, newest contacts first. Raises as count() does."""
    known = catalog.current()
    node = filter.parse(stored, known)
    if isinstance(node, Nobody):
        return []
    return [id for (id,) in _rows(_members(node, known), f"SELECT m.id FROM ({{members}}) m ORDER BY m.id DESC LIMIT {int(limit)}")]


def _members(node: Node, known: catalog.Current) -> Sql:
    return compile.members(node, known, now=clock.now(), zone=config().zone)


def _rows(members: Sql, around: str) -> list[tuple[Any, ...]]:
    try:
        with transaction.atomic():
            (before,) = sql.rows("SELECT current_setting('statement_timeout')")[0]
            sql.rows("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE)])
            found = sql.rows(around.replace("{members}", members.text), members.params)
            sql.rows("SELECT set_config('statement_timeout', %s, true)", [before])
            return found
    except OperationalError as error:
        if "statement timeout" in str(error):
            raise Conflict(_("Counting takes too long. The list itself will be right.")) from error
        raise
