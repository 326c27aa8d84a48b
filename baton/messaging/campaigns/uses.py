"""Which campaigns need a list, a mail, or what a goal asks about: asked before one is put aside. Those whose audience is frozen need no list any more."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from baton.crm import uses
from baton.crm.uses import Mention
from baton.messaging.campaigns import states
from baton.messaging.models import Campaign, Variant
from baton.segments import circles, mentions
from baton.segments import uses as scores

WAITING = (states.DRAFT, states.SCHEDULED, states.PREPARING)


@circles.also_used_by
def of_lists(segment_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Campaigns that have not begun and name these lists."""
    wanted = set(segment_ids)
    for name, audience, goal in Campaign.objects.filter(state__in=WAITING, archived_at=None).order_by("pk").values_list("name", "audience", "goal"):
        named = {*(audience.get("lists") or []), *(audience.get("except") or []), *mentions.lists(goal.get("filter"))}
        yield from ((id, _called(name)) for id in sorted(named & wanted))


@uses.also_used_by
def of_things(thing: Mention) -> Iterator[str]:
    """Campaigns that are not over and send this mail, or whose goal asks about this."""
    running = Campaign.objects.filter(archived_at=None).exclude(state__in=states.OVER).order_by("pk")
    if thing.kind == "email" and thing.key.isdigit():
        sending = Variant.objects.filter(email_id=int(thing.key)).values("campaign_id")
        yield from (_called(name) for name in running.filter(pk__in=sending).values_list("name", flat=True))
    wanted = scores.names(thing)
    for name, goal in running.exclude(goal={}).values_list("name", "goal"):
        if not wanted.isdisjoint(mentions.things(goal.get("filter"))):
            yield _called(name)


def _called(name: str) -> str:
    return _("campaign “{name}”").format(name=name)
