"""Filters of a whole workflow (audience, goal) as SQL about contacts or other records."""

from baton.automation.step import Stored
from baton.platform import clock
from baton.platform.config import config
from baton.query import compile
from baton.query.statement import Sql
from baton.segments import catalog, filter


def condition(stored: Stored, object_type: str, *, whom: bool = False) -> Sql:
    """A condition over `contact c`, or `record c`. With `whom` the caller adds `ids` to the parameters. Raises Invalid when it mentions what is gone."""
    known = catalog.current()
    node = filter.parse(stored, known, object_type=object_type)
    return compile.condition(node, known, now=clock.now(), zone=config().zone, whom=whom and object_type == "contact", prefix="f")
