"""Lists look at lists and scores, scores look at lists: none may look at itself on the way, or it would never come to rest.

Who looks at a list is also asked before it is put aside; packages above that use lists say so with `also_used_by`.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from django.utils.translation import gettext as _

from baton.platform.errors import Invalid
from baton.query.depends import Depends
from baton.segments.models import ScoreRule, Segment

Users = Callable[[int], list[str]]
_others: list[Users] = []
Thing = tuple[Literal["segment", "score"], int]


def forbid(thing: Thing, looks_at: Depends) -> None:
    """Raises Invalid when `thing`, looking at these, would end up looking at itself."""
    below = _all()
    seen: set[Thing] = set()
    ahead = list(_things(looks_at))
    while ahead:
        found = ahead.pop()
        if found == thing:
            raise Invalid.one("filter", "CIRCLE", _("This filter would depend on its own result."))
        if found not in seen:
            seen.add(found)
            ahead += below.get(found, ())


def users_of(segment_id: int) -> list[str]:
    """Names of the lists, keys of the score rules, and names of whatever else looks at a list."""
    lists = Segment.objects.filter(archived_at=None, depends__segments__contains=segment_id).values_list("name", flat=True)
    rules = ScoreRule.objects.filter(depends__segments__contains=segment_id).values_list("key", flat=True)
    return [*lists, *rules, *(name for others in _others for name in others(segment_id))]


def users_of_score(model_id: int) -> list[str]:
    """Names of the lists and keys of the rules of other scores that look at a score."""
    lists = Segment.objects.filter(archived_at=None, depends__scores__contains=model_id).values_list("name", flat=True)
    rules = ScoreRule.objects.filter(active=True, depends__scores__contains=model_id).exclude(model=model_id).values_list("key", flat=True)
    return [*lists, *rules]


def also_used_by(find: Users) -> Users:
    """Make a function one that is asked who uses a list: it gets the list's id and gives back names that people know."""
    _others.append(find)
    return find


def _all() -> dict[Thing, list[Thing]]:
    found: dict[Thing, list[Thing]] = {}
    for id, stored in Segment.objects.filter(kind="active", archived_at=None).values_list("id", "depends"):
        found["segment", id] = list(_things(Depends.from_json(stored)))
    for id, stored in ScoreRule.objects.values_list("model_id", "depends"):
        found.setdefault(("score", id), []).extend(_things(Depends.from_json(stored)))
    return found


def _things(looks_at: Depends) -> Iterable[Thing]:
    yield from (("segment", id) for id in looks_at.segments)
    yield from (("score", id) for id in looks_at.scores)
