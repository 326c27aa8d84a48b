"""Short ways to make scores: each change is a draft that is published at once."""

from collections.abc import Sequence
from typing import Any

from baton.platform.actor import SYSTEM, Actor
from baton.segments import cards, presets
from baton.segments.models import ScoreModel, ScoreRule


def create(name: str = "점수", *, mql: int = 35, sql: int = 65, rules: Sequence[dict[str, Any]] = (), actor: Actor = SYSTEM) -> ScoreModel:
    """A score of contacts, usually without rules."""
    return cards.create(presets.blank(name, mql=mql, sql=sql) | {"rules": [*rules]}, actor=actor)


def rule(key: str, group: str, filter: dict[str, Any], points: int, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """A rule as a card has it. `each` is short for an event rule."""
    about = dict(more or {})
    kind = "event" if about.pop("each", False) or about.get("times") else about.pop("kind", "state")
    return {"key": key, "group": group, "filter": filter, "points": points, "kind": kind, **about}


def define(model: ScoreModel, key: str, group: str, filter: dict[str, Any], points: int, *, actor: Actor = SYSTEM, **more: Any) -> ScoreRule:
    """A new rule, published. `each` is short for an event rule."""
    cards.put_rule(model, rule(key, group, filter, points, more), actor=actor)
    cards.publish(model, actor=actor)
    return model.rules.get(key=key)


def change(rule: ScoreRule, *, actor: Actor = SYSTEM, **more: Any) -> ScoreRule:
    """Another version of a rule, published."""
    model = rule.model
    wanted = next(r for r in cards.current(model).rules if r.key == rule.key).model_dump(mode="json")
    cards.put_rule(model, wanted | more, actor=actor)
    cards.publish(model, actor=actor)
    return model.rules.get(key=rule.key)


def thresholds(model: ScoreModel, mql: int, sql: int, *, actor: Actor = SYSTEM) -> ScoreModel:
    """Other bands, published."""
    cards.save(model, cards.current(model).to_json() | {"bands": presets.bands(mql, sql)}, actor=actor)
    cards.publish(model, actor=actor)
    return model
