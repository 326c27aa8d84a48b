"""Which lists, scores, stages and pauses need a property, an option, a form or a band: asked before one is put aside."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from baton.crm import properties, uses
from baton.crm.models import LifecycleStage
from baton.crm.uses import Mention
from baton.platform import sql
from baton.segments import circles, jobs, mentions
from baton.segments.models import ScoreModel, ScoreRule, ScoreVersion, Segment


@uses.also_used_by
def definitions(thing: Mention) -> Iterator[str]:
    """Names of the lists, rules, drafts and stages whose filter mentions it."""
    wanted = names(thing)
    for name, of, stored in _filters():
        if not wanted.isdisjoint(mentions.things(stored, of)):
            yield name
    for name, people in ScoreModel.objects.filter(archived_at=None, people__isnull=False).values_list("name", "people"):
        if Mention("score", str((people or {}).get("model"))) in wanted:
            yield name
    for key, rule in LifecycleStage.objects.exclude(rule={}).values_list("key", "rule"):
        model = str(rule.get("model") or "")
        asked = {Mention("score", model), Mention("band", model, str(rule.get("band") or ""))} if rule.get("mode") != "filter" else set()
        if not wanted.isdisjoint(asked) or not wanted.isdisjoint(mentions.things(rule.get("filter"))):
            yield stage(key)


def ask_again(asks: Callable[[Any], bool]) -> None:
    """Evaluate the lists and scores whose stored filter does, for everybody: what it asks for means something else now."""
    for segment in Segment.objects.filter(kind="active", archived_at=None):
        if asks(segment.filter):
            jobs.evaluate_list.defer(lock=f"segment:{segment.pk}", segment_id=segment.pk, asked=segment.updated_at.isoformat())
    models = {rule.model_id for rule in ScoreRule.objects.filter(active=True) if asks(rule.filter)}
    for model in ScoreModel.objects.filter(pk__in=models, archived_at=None):
        jobs.evaluate_model.defer(lock=f"model:{model.pk}", model_id=model.pk, rules_version=model.version)


def bands_changed(model: ScoreModel, before: list[dict[str, Any]]) -> None:
    """What follows other bands of a score. Raises Conflict for one that is gone and still asked for."""
    now = {band["key"]: band["at_least"] for band in model.bands}
    for band in before:
        if band["key"] not in now:
            uses.refuse(Mention("band", model.key, band["key"]), band["label"])
    if {band["key"]: band["at_least"] for band in before} == now:
        return
    called = {mention.key for mention in names(Mention("score", model.key))}
    ask_again(lambda stored: any(mention.kind == "band" and mention.key in called for mention in mentions.things(stored)))


def stage(key: str) -> str:
    """What people call the rule of a lifecycle stage."""
    definition = properties.definitions("contact").get("lifecyclestage")
    return _("lifecycle stage {name}").format(name=properties.option_label(definition, key) if definition else key)


def _filters() -> Iterator[tuple[str, str, Any]]:
    """(name, object type asked about, stored filter) of all that there is."""
    for name, stored in Segment.objects.filter(archived_at=None).order_by("name", "pk").values_list("name", "filter"):
        yield name, "contact", stored
    rules = ScoreRule.objects.filter(active=True, model__archived_at=None).values_list("model__name", "key", "model__object_type", "filter")
    for model, key, of, stored in rules:
        yield f"{model} · {key}", of, stored
    drafts = ScoreVersion.objects.filter(state__in=["draft", "reviewed"], model__archived_at=None).values_list("model__name", "content")
    for model, content in drafts:
        for rule in content.get("rules", ()):
            yield _("{name} (draft)").format(name=f"{model} · {rule.get('key', '')}"), content.get("object_type", "contact"), rule.get("filter")
    for (wake,) in sql.rows(circles.WAKES):
        yield _("the wake-up of a pause"), "contact", json.loads(wake)


def names(thing: Mention) -> set[Mention]:
    """All the ways in which a filter may name it: a score by key, by number, or as the first one."""
    if thing.kind not in ("score", "band"):
        return {thing}
    found = ScoreModel.objects.filter(key=thing.key).first()
    keys = {thing.key} if found is None else {thing.key, str(found.pk)}
    first = ScoreModel.objects.filter(object_type="contact", archived_at=None).first()
    if found is not None and first is not None and first.pk == found.pk:
        keys.add("")
    return {thing._replace(key=key) for key in keys}
