"""What a filter would find, while it is being written: how many, some of them, and who would join or leave a list. Nothing here may keep a page waiting."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Conflict
from baton.query import compile
from baton.query.nodes import Nobody, Node
from baton.query.statement import Sql
from baton.segments import catalog, filter, finder
from baton.segments.finder import Count, Find
from baton.segments.models import Segment
from baton.segments.patience import rows as limited

PATIENCE = 8_000  # milliseconds for what somebody asked to be counted
LIVE = 350  # for a count beside an editor; then it is estimated

EFFECT = """
WITH fits AS MATERIALIZED ({members}),
joining AS MATERIALIZED (SELECT f.id FROM fits f WHERE NOT EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = f.id AND m.segment_id = %(segment)s)
    AND NOT EXISTS (SELECT 1 FROM membership_pin p WHERE p.contact_id = f.id AND p.segment_id = %(segment)s)),
leaving AS MATERIALIZED (SELECT m.contact_id AS id FROM membership m WHERE m.segment_id = %(segment)s
    AND NOT EXISTS (SELECT 1 FROM fits f WHERE f.id = m.contact_id)
    AND NOT EXISTS (SELECT 1 FROM membership_pin p WHERE p.contact_id = m.contact_id AND p.segment_id = %(segment)s))
SELECT (SELECT count(*) FROM fits), (SELECT count(*) FROM joining), (SELECT count(*) FROM leaving),
    ARRAY(SELECT j.id FROM joining j ORDER BY j.id DESC LIMIT %(some)s), ARRAY(SELECT l.id FROM leaving l ORDER BY l.id DESC LIMIT %(some)s)
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """What saving a filter does to a list: how many fit it, join and leave, and some of both (ids, the newest first)."""

    fits: int
    joining: int
    leaving: int
    some_joining: list[int]
    some_leaving: list[int]


def live(stored: dict[str, Any], object_type: str = "contact", rights: Rights | None = None) -> Count:
    """How many records that somebody may see a filter finds: counted while that is quick, else estimated (`exact` false). Raises Invalid."""
    known = catalog.current()
    node = filter.parse(stored, known, object_type=object_type)
    if isinstance(node, Nobody):
        return Count(0, True)
    if object_type == "contact" and (rights is None or finder.visible(rights, "contact", "c").text == "true"):
        # as the list itself will find them: what happened several times is joined, which looks at far fewer rows than asking each contact
        members = _members(node, known)
        counted = limited(f"SELECT count(*) FROM ({members.text}) m", members.params, milliseconds=LIVE)
        if counted is not None:
            return Count(int(counted[0][0]), True)
    return finder.count(Find(object_type, node, rights=rights))


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


def effect(segment: Segment | None, stored: dict[str, Any], *, some: int = 5, patience: int | None = None) -> Effect:
    """Who would join and leave a list (None: a new one) with this filter, exactly and in one statement; who is pinned stays. Raises as count() does."""
    node = filter.parse(stored, catalog.current(), segment=segment.pk if segment else None)
    members = _members(node, catalog.current())
    return Effect(*_rows(members, EFFECT, {"segment": segment.pk if segment else 0, "some": some}, patience)[0])


def _members(node: Node, known: catalog.Current) -> Sql:
    return compile.members(node, known, now=clock.now(), zone=config().zone)


def _rows(members: Sql, around: str, more: dict[str, Any] | None = None, milliseconds: int | None = None) -> list[tuple[Any, ...]]:
    found = limited(around.replace("{members}", members.text), {**members.params, **(more or {})}, milliseconds=milliseconds or PATIENCE)
    if found is None:
        raise Conflict(_("Counting takes too long. The list itself will be right."))
    return found
