"""What pages, files and forms are (how far their readers are, what they are worth), said by people; what asks for it follows."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import stages
from baton.events import keys
from baton.events.models import EventKey
from baton.events.vocabulary import Kind, key_kind
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, Problem
from baton.segments import jobs
from baton.segments.models import ScoreModel, ScoreRule, Segment

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
            _evaluate_again()


def _evaluate_again() -> None:
    """Everybody once more, for the lists, scores and stages that ask for a tag."""
    for segment in Segment.objects.filter(kind="active", archived_at=None):
        if _asks_for_tags(segment.filter):
            jobs.evaluate_list.defer(lock=f"segment:{segment.pk}", segment_id=segment.pk, asked=segment.updated_at.isoformat())
    models = {rule.model_id for rule in ScoreRule.objects.filter(active=True) if _asks_for_tags(rule.filter)}
    for model in ScoreModel.objects.filter(pk__in=models, archived_at=None):
        jobs.evaluate_model.defer(lock=f"model:{model.pk}", model_id=model.pk, rules_version=model.version)
    if any(_asks_for_tags(stage.rule) for stage in stages.known()):
        jobs.evaluate_stages.defer(lock="stages")


def _asks_for_tags(stored: object) -> bool:
    match stored:
        case dict():
            return bool(stored.get("condition") and stored.get("tag")) or any(_asks_for_tags(part) for part in stored.values())
        case list():
            return any(_asks_for_tags(part) for part in stored)
        case _:
            return False
