"""What people do with scores: make them, change them in a draft, have sales review it, publish it, go back. With an actor and a history.

A published score changes in one way only: a draft of it is published. Contacts are scored again in the background.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from baton.crm import uses as mentions
from baton.crm.uses import Mention
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.query import depends
from baton.query.depends import Depends
from baton.segments import card, catalog, circles, filter, jobs, uses
from baton.segments.card import Card, Rule
from baton.segments.models import ScoreModel, ScoreRule, ScoreVersion

OPEN = ("draft", "reviewed")
DEEPEST, MOST_PARTS = 100, 50_000  # of a file


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in two cards: a rule, a group, a band, or the score itself. `before` or `after` is None for what is new or gone."""

    what: str  # rule, group, band, score
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def model(key: str) -> ScoreModel:
    """The score of this key that is not archived. Raises NotFound."""
    found = ScoreModel.objects.filter(key=key, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no score “{key}”.").format(key=key))
    return found


def create(content: Mapping[str, Any], *, key: str = "", actor: Actor) -> ScoreModel:
    """A new score, published at once as version 1. Raises Invalid with paths, Conflict (there is a score of this key)."""
    with transaction.atomic():
        checked = card.parse(content, catalog.current())
        key = key or _free_key(checked.name)
        if ScoreModel.objects.filter(key=key).exists():
            raise Conflict(_("There is a score “{key}” already.").format(key=key))
        position = (ScoreModel.objects.aggregate(last=Max("position"))["last"] or 0) + 1
        made = ScoreModel.objects.create(key=key, name=checked.name, object_type=checked.object_type, version=0, position=position)
        history.record(actor, "created", "score_model", made.pk, name=made.name)
        _open(made, content, actor, "")
        publish(made, actor=actor)
    made.refresh_from_db()
    return made


def current(model: ScoreModel) -> Card:
    """What is published."""
    return card.read(_published(model).content)


def draft(model: ScoreModel) -> ScoreVersion | None:
    """The version that is being worked on, if there is one."""
    return model.versions.filter(state__in=OPEN).first()


def save(model: ScoreModel, content: Mapping[str, Any], *, note: str | None = None, actor: Actor) -> ScoreVersion:
    """Keep a draft: nothing is scored by it yet. A reviewed one must be reviewed again.

    Raises Invalid with paths, Conflict (another object type).
    """
    with transaction.atomic():
        found = _hold(model.pk)
        checked = card.parse(content, catalog.current())
        if checked.object_type != found.object_type:
            raise Conflict(_("A score stays one of contacts, or one of companies."))
        _forbid_circles(found, checked)
        version = draft(found)
        if version is None:
            return _open(found, content, actor, note or "")
        if version.content == checked.to_json() and note in (None, version.note):
            return version
        version.content, version.state, version.changed_at = checked.to_json(), "draft", clock.now()
        version.reviewed_by, version.reviewed_at = "", None
        version.note = version.note if note is None else note
        version.save()
        return version


@contextmanager
def changing(key: str) -> Iterator[ScoreModel]:
    """A score while its draft is read, changed and saved: whoever else changes it waits, so that no change is lost. Raises NotFound."""
    with transaction.atomic():
        yield _hold(model(key).pk)


def put_rule(model: ScoreModel, rule: Mapping[str, Any], *, actor: Actor) -> ScoreVersion:
    """Put a rule in the draft, in place of the one of its key or after the others. Raises Invalid with paths."""
    with changing(model.key) as held:
        content = dict(_working(held))
        rules = list(content["rules"])
        place = next((i for i, r in enumerate(rules) if r["key"] == rule.get("key")), len(rules))
        rules[place : place + 1] = [dict(rule)]
        return save(held, content | {"rules": rules}, actor=actor)


def drop_rule(model: ScoreModel, key: str, *, actor: Actor) -> ScoreVersion:
    """Leave a rule out of the draft. Raises NotFound."""
    with changing(model.key) as held:
        content = dict(_working(held))
        rules = [r for r in content["rules"] if r["key"] != key]
        if len(rules) == len(content["rules"]):
            raise NotFound(_("There is no rule {key}.").format(key=key))
        return save(held, content | {"rules": rules}, actor=actor)


def discard(model: ScoreModel, *, actor: Actor) -> None:
    """Throw the draft away. Raises NotFound."""
    with transaction.atomic():
        found = _hold(model.pk)
        version = _need_draft(found)
        history.record(actor, "discarded", "score_model", found.pk, version=version.number)
        version.delete()


def review(model: ScoreModel, *, note: str = "", actor: Actor) -> ScoreVersion:
    """Sales has read the draft and agrees. Raises NotFound."""
    with transaction.atomic():
        found = _hold(model.pk)
        version = _need_draft(found)
        version.state, version.reviewed_by, version.reviewed_at = "reviewed", str(actor), clock.now()
        version.note = note or version.note
        version.save()
        history.record(actor, "reviewed", "score_model", found.pk, version=version.number, note=note)
    return version


def publish(model: ScoreModel, *, note: str = "", actor: Actor) -> ScoreVersion:
    """Make the draft what counts: everybody is scored again in the background. A draft nobody reviewed is published as such.

    Raises NotFound (no draft), Invalid (what it names was deleted since), Conflict (a band is gone that lists or stages ask for).
    """
    with transaction.atomic():
        found = _hold(model.pk)
        version = _need_draft(found)
        checked = card.parse(version.content, catalog.current())
        _forbid_circles(found, checked)
        found.versions.filter(state="published").update(state="replaced")
        version.state, version.published_by, version.published_at = "published", str(actor), clock.now()
        version.note = note or version.note
        version.save()
        bands = found.bands
        _write(found, checked, version.number)
        uses.bands_changed(found, bands)
        history.record(actor, "published", "score_model", found.pk, version=version.number, reviewed_by=version.reviewed_by, note=version.note)
        jobs.evaluate_model.defer(lock=f"model:{found.pk}", model_id=found.pk, rules_version=found.version)
    model.refresh_from_db()
    return version


def back_to(model: ScoreModel, number: int, *, actor: Actor) -> ScoreVersion:
    """Make a draft of an older version; publishing it goes back. Raises NotFound, Conflict (there is a draft), Invalid (it names what was deleted since)."""
    with transaction.atomic():
        found = _hold(model.pk)
        old = found.versions.filter(number=number).exclude(state__in=OPEN).first()
        if old is None:
            raise NotFound(_("There is no version {number}.").format(number=number))
        if draft(found):
            raise Conflict(_("There is a draft already. Publish it or throw it away first."))
        return _open(found, old.content, actor, _("Back to version {number}").format(number=number))


def archive(model: ScoreModel, *, actor: Actor) -> None:
    """Put a score aside. Raises Conflict that names the lists, scores, stages and workflows that look at it."""
    with transaction.atomic():
        found = _hold(model.pk)
        mentions.refuse(Mention("score", found.key), found.name)
        found.archived_at = clock.now()
        found.save(update_fields=["archived_at"])
        history.record(actor, "archived", "score_model", found.pk)


def difference(before: Card, after: Card) -> list[Difference]:
    """What is not the same in two cards, in the order of the second."""
    found: list[Difference] = []
    head = [{"name": c.name, "people": c.people and c.people.model_dump(mode="json")} for c in (before, after)]
    if head[0] != head[1]:
        found.append(Difference("score", "", *head))
    for what in ("bands", "groups", "rules"):
        old, new = ({part.key: part.model_dump(mode="json") for part in getattr(c, what)} for c in (before, after))
        keys = [*new, *(key for key in old if key not in new)]
        found += [Difference(what[:-1], key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]
    return found


def to_yaml(content: Card) -> str:
    """The card as a YAML file."""
    return yaml.safe_dump(content.to_json(), allow_unicode=True, sort_keys=False, width=120)


def from_yaml(text: str) -> dict[str, Any]:
    """The content in a YAML file, for `create` or `save`. Raises Invalid (`file`)."""
    try:
        found = yaml.load(text, _Loader)  # a safe loader
        json.dumps(found)  # sets and bytes are no part of a score
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise Invalid.one("file", "INVALID_FILE", _("This is no YAML file: {fault}").format(fault=error)) from error
    if not isinstance(found, dict):
        raise Invalid.one("file", "INVALID_FILE", _("The file holds no score."))
    return found


class _Loader(yaml.SafeLoader):
    """Plain values only: no aliases, which make much of a small file or lead back to themselves; neither too deep nor too many parts."""

    yaml_implicit_resolvers = {  # a day stays the text it is in filters
        letter: [(tag, shape) for tag, shape in known if not tag.endswith(":timestamp")] for letter, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = self.parts = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth, self.parts = self.depth + 1, self.parts + 1
        if self.check_event(yaml.AliasEvent) or self.depth > DEEPEST or self.parts > MOST_PARTS:
            raise yaml.YAMLError(_("it refers to itself, or is too large."))
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


# Below: how it is kept --------------------------------------------------------


def _hold(model_id: int) -> ScoreModel:
    found = ScoreModel.objects.select_for_update().filter(pk=model_id, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no score model {id}.").format(id=model_id))
    return found


def _published(model: ScoreModel) -> ScoreVersion:
    return model.versions.get(state="published")


def _working(model: ScoreModel) -> dict[str, Any]:
    """The content that a change begins with: the draft, else what is published."""
    return dict((draft(model) or _published(model)).content)


def _need_draft(model: ScoreModel) -> ScoreVersion:
    version = draft(model)
    if version is None:
        raise NotFound(_("There is no draft."))
    return version


def _open(model: ScoreModel, content: Mapping[str, Any], actor: Actor, note: str) -> ScoreVersion:
    checked, now = card.parse(content, catalog.current()), clock.now()
    number = (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    return model.versions.create(number=number, content=checked.to_json(), note=note, created_by=str(actor), created_at=now, changed_at=now)


def _write(model: ScoreModel, checked: Card, number: int) -> None:
    """The card as rows: a rule keeps its number as long as it keeps its key."""
    model.name, model.version = checked.name, number
    model.people = checked.people and checked.people.model_dump(mode="json")
    model.groups = [group.model_dump(mode="json") for group in checked.groups]
    model.bands = [band.model_dump(mode="json") for band in checked.bands]
    model.save(update_fields=["name", "version", "people", "groups", "bands"])
    model.rules.exclude(key__in=[rule.key for rule in checked.rules]).update(active=False)
    fields = [name for name in Rule.model_fields if name != "key"]
    ScoreRule.objects.bulk_create(
        [
            ScoreRule(model=model, position=i, depends=_depends(rule, checked.object_type).to_json(), **rule.model_dump(mode="json"))
            for i, rule in enumerate(checked.rules)
        ],
        update_conflicts=True,
        unique_fields=["model", "key"],
        update_fields=[*fields, "position", "depends"],
    )


def _depends(rule: Rule, object_type: str) -> Depends:
    return depends.of(filter.parse(rule.filter, catalog.current(), object_type=object_type))


def _forbid_circles(model: ScoreModel, checked: Card) -> None:
    for rule in checked.rules:
        circles.forbid(("score", model.pk), _depends(rule, checked.object_type))


def _free_key(name: str) -> str:
    """A key from the name; Korean names have none, so they are counted."""
    found = slugify(name).replace("-", "_")[:40]
    key = found if found[:1].isalpha() else "score"
    taken = set(ScoreModel.objects.filter(key__startswith=key).values_list("key", flat=True))
    return key if key not in taken else next(f"{key}_{n}" for n in range(2, 10_000) if f"{key}_{n}" not in taken)
