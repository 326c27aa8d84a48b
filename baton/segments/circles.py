"""Lists look at lists and scores, scores look at lists: none may look at itself on the way, or it would never come to rest.

Who looks at a list is also asked before it is put aside; packages above that use lists say so with `also_used_by`.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from django.utils.translation import gettext as _

from baton.crm import properties
from baton.crm.models import LifecycleStage
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound
from baton.query.depends import Depends
from baton.segments import mentions
from baton.segments.models import ScoreModel, ScoreRule, ScoreVersion, Segment

WAKES = "SELECT DISTINCT wake::text FROM pause WHERE ended_at IS NULL AND wake <> '{}'"
Users = Callable[[Sequence[int]], Iterable[tuple[int, str]]]
_others: list[Users] = []
Thing = tuple[Literal["segment", "score"], int]


def forbid(thing: Thing, looks_at: Depends) -> None:
    """Raises Invalid, with the circle named, when `thing`, looking at these, would end up looking at itself."""
    below = _all()
    came_from: dict[Thing, Thing] = {}
    ahead = [(thing, found) for found in _things(looks_at)]
    while ahead:
        above, found = ahead.pop()
        if found == thing:
            way = [above]
            while way[-1] != thing:
                way.append(came_from[way[-1]])
            names = _names([*way, thing])
            said = " → ".join(names[step] for step in [*reversed(way), thing])
            raise Invalid.one("filter", "CIRCLE", _("This filter would depend on its own result: {way}.").format(way=said))
        if found not in came_from:
            came_from[found] = above
            ahead += [(found, lower) for lower in below.get(found, ())]


def users_of(segment_id: int) -> list[str]:
    """Names of the lists, scores, drafts, stages and pauses, and of whatever else looks at a list."""
    return users_of_many([segment_id])[segment_id]


def users_of_many(segment_ids: Sequence[int]) -> dict[int, list[str]]:
    """The same of several lists, in as many statements as of one."""
    found: dict[int, list[str]] = {id: [] for id in segment_ids}
    pairs: list[tuple[int, str]] = []
    for own, name, stored in Segment.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name", "filter"):
        pairs += [(id, name) for id in mentions.lists(stored) if id != own]
    for name, key, stored in ScoreRule.objects.filter(active=True, model__archived_at=None).values_list("model__name", "key", "filter"):
        pairs += [(id, f"{name} · {key}") for id in mentions.lists(stored)]
    for key, rule in LifecycleStage.objects.exclude(rule={}).values_list("key", "rule"):
        pairs += [(id, _stage(key)) for id in mentions.lists(rule.get("filter"))]
    drafts = ScoreVersion.objects.filter(state__in=["draft", "reviewed"], model__archived_at=None).values_list("model__name", "content")
    for name, content in drafts:
        pairs += [(id, _("{name} (draft)").format(name=name)) for rule in content["rules"] for id in mentions.lists(rule["filter"])]
    for (wake,) in sql.rows(WAKES):
        pairs += [(id, _("the wake-up of a pause")) for id in mentions.lists(json.loads(wake))]
    for others in _others:
        pairs += others(segment_ids)
    for id, name in dict.fromkeys(pairs):
        if id in found:
            found[id].append(name)
    return found


def also_used_by(find: Users) -> Users:
    """Make a function one that is asked who uses lists: it gets their ids and gives back pairs of an id and a name that people know."""
    _others.append(find)
    return find


def _stage(key: str) -> str:
    try:
        return properties.option_label(properties.definitions("contact")["lifecyclestage"], key)
    except (KeyError, NotFound):
        return key


def _names(things: Sequence[Thing]) -> dict[Thing, str]:
    lists = dict(Segment.objects.filter(pk__in=[id for what, id in things if what == "segment"]).values_list("pk", "name"))
    scores = dict(ScoreModel.objects.filter(pk__in=[id for what, id in things if what == "score"]).values_list("pk", "name"))
    return {(what, id): (lists if what == "segment" else scores).get(id, _("this list") if what == "segment" else _("this score")) for what, id in things}


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
