"""What pages, files and forms are (how far their readers are, what they are worth), said by people; what asks for it follows."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from baton.events import keys
from baton.events.models import EventKey
from baton.events.vocabulary import Kind, key_kind
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, Problem
from baton.segments import uses

POSITIONS = ("early", "middle", "late")  # of a buyer who reads it: learning, comparing, deciding


def tag(kind: Kind, value: str, *, tags: Sequence[str], rating: int | None, actor: Actor) -> None:
    """Say what a piece of content is, in place of what was said before. Raises Invalid (`tags`, `rating`)."""
    problems = []
    if any(not word.isidentifier() or word != word.lower() or len(word) > 40 for word in tags):
        problems.append(Problem("tags", "INVALID_TEXT", _("A tag is made of small letters, digits and underscores.")))
    if len({*tags} & {*POSITIONS}) > 1:
        problems.append(Problem("tags", "INVALID_OPTION", _("Content has one position: early, middle or late.")))
    if rating is not None and not 1 <= rating <= 10:
        problems.append(Problem("rating", "INVALID_NUMBER", _("A rating is a whole number from 1 to 10.")))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        number = keys.ids(kind, [value])[value]
        row = EventKey.objects.get(pk=number)
        before = sorted(row.tags)
        if (before, row.rating) == (sorted({*tags}), rating):
            return
        keys.tag(kind, value, tags=tags, rating=rating)
        history.record(actor, "tagged", "content", number, kind=key_kind(kind).word, value=value, tags=[before, sorted({*tags})], rating=[row.rating, rating])
        if before != sorted({*tags}):
            uses.ask_again(_asks_for_tags)


def _asks_for_tags(stored: object) -> bool:
    match stored:
        case dict():
            return bool(stored.get("condition") and stored.get("tag")) or any(_asks_for_tags(part) for part in stored.values())
        case list():
            return any(_asks_for_tags(part) for part in stored)
        case _:
            return False
