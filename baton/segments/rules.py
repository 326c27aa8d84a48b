"""What people do with lead scoring: models, rules, thresholds. Checked, and with an actor; scores follow in the background."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem
from baton.query.depends import Depends
from baton.query.nodes import Performed
from baton.segments import catalog, circles, definitions, jobs
from baton.segments.models import ScoreModel, ScoreRule

GROUPS = ("fit_person", "fit_company", "form", "web", "email", "minus")
MOST = 1000  # points of one rule, up or down


def create_model(name: str, *, mql: int = 35, sql: int = 65, actor: Actor) -> ScoreModel:
    """A new score model without rules. Raises Invalid (`name`, `mql`, `sql`)."""
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("Give the score a name."))
    _check_thresholds(mql, sql)
    with transaction.atomic():
        model = ScoreModel.objects.create(name=name.strip(), mql=mql, sql=sql)
        history.record(actor, "created", "score_model", model.pk, name=model.name, mql=mql, sql=sql)
    return model


def define(
    model: ScoreModel,
    key: str,
    group: str,
    filter: dict[str, Any],
    points: int,
    *,
    each: bool = False,
    cap: int | None = None,
    active: bool = True,
    position: int | None = None,
    actor: Actor,
) -> ScoreRule:
    """A new rule. `each` gives the points for every time it happened, up to `cap`; then the filter must be one condition about what people did.

    Raises Invalid (`group`, `points`, `cap`, `each` or a path inside the filter), Conflict when the model has a rule of this key.
    """
    if group not in GROUPS:
        raise Invalid.one("group", "INVALID_OPTION", _("Unknown group: {group}").format(group=group))
    _check_points(points, cap)
    with transaction.atomic():
        model = _hold(model.pk)
        if model.rules.filter(key=key).exists():
            raise Conflict(_("There is a rule {key} already.").format(key=key))
        looks_at = _depends(model, filter, each)
        rule = ScoreRule.objects.create(
            model=model,
            key=key,
            group=group,
            filter=filter,
            points=points,
            each=each,
            cap=cap,
            active=active,
            position=model.rules.count() if position is None else position,
            depends=looks_at.to_json(),
        )
        history.record(actor, "created", "score_rule", rule.pk, key=key, points=points, cap=cap, each=each, active=active, filter=filter)
        _moved(model)
    return rule


def update(rule: ScoreRule, points: int | None = None, active: bool | None = None, actor: Actor | None = None, **more: Any) -> ScoreRule:
    """Change points or switch a rule on or off; also `cap` and `filter`. What is not given stays; nothing is written when nothing changes.

    Raises Invalid (`points`, `cap` or a path inside the filter), NotFound.
    """
    if actor is None:
        raise TypeError("a rule is changed by somebody: actor is missing")
    if unknown := more.keys() - {"cap", "filter"}:
        raise TypeError(f"a rule has no {', '.join(sorted(unknown))} to change")
    wanted = {**({} if points is None else {"points": points}), **({} if active is None else {"active": active}), **more}
    with transaction.atomic():
        model = _hold(rule.model_id)
        found = model.rules.filter(pk=rule.pk).first()
        if found is None:
            raise NotFound(_("There is no rule {id}.").format(id=rule.pk))
        changed = {name: [getattr(found, name), value] for name, value in wanted.items() if getattr(found, name) != value}
        if not changed:
            return found
        for name, (_old, value) in changed.items():
            setattr(found, name, value)
        _check_points(found.points, found.cap)
        if "filter" in changed:
            found.depends = _depends(model, found.filter, found.each).to_json()
        found.save()
        history.record(actor, "updated", "score_rule", found.pk, key=found.key, **changed)
        _moved(model)
    return found


def set_thresholds(model: ScoreModel, mql: int, sql: int, actor: Actor) -> ScoreModel:
    """From how many points a lead is an MQL and an SQL. Contacts move forward in the background, nobody moves back. Raises Invalid (`mql`, `sql`)."""
    _check_thresholds(mql, sql)
    with transaction.atomic():
        found = _hold(model.pk)
        if (found.mql, found.sql) == (mql, sql):
            return found
        history.record(actor, "updated", "score_model", found.pk, mql=[found.mql, mql], sql=[found.sql, sql])
        found.mql, found.sql = mql, sql
        found.version += 1
        found.save(update_fields=["mql", "sql", "version"])
        jobs.evaluate_stages.defer(lock="stages")
    return found


def _hold(model_id: int) -> ScoreModel:
    model = ScoreModel.objects.select_for_update().filter(pk=model_id).first()
    if model is None:
        raise NotFound(_("There is no score model {id}.").format(id=model_id))
    return model


def _moved(model: ScoreModel) -> None:
    """The rules are not what they were: a new version, and everybody is scored again."""
    model.version += 1
    model.save(update_fields=["version"])
    jobs.evaluate_model.defer(lock=f"model:{model.pk}", model_id=model.pk, rules_version=model.version)


def _depends(model: ScoreModel, filter: dict[str, Any], each: bool) -> Depends:
    definition = definitions.parse("rule", 0, filter, catalog.current())
    if each and not isinstance(definition.node, Performed):
        raise Invalid.one("each", "NOT_COUNTABLE", _("Only one condition about what people did can be counted."))
    circles.forbid(("score", model.pk), definition.depends)
    return definition.depends


def _check_points(points: object, cap: object) -> None:
    def whole(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST

    problems = []
    if not whole(points):
        problems.append(Problem("points", "INVALID_NUMBER", _("Points are a whole number from -{most} to {most}.").format(most=MOST)))
    if cap is not None and (not whole(cap) or cap == 0):
        problems.append(Problem("cap", "INVALID_NUMBER", _("The limit is a whole number other than 0, up to {most}.").format(most=MOST)))
    if problems:
        raise Invalid(problems)


def _check_thresholds(mql: int, sql: int) -> None:
    if not 0 < mql < sql:
        raise Invalid.one("mql", "INVALID_NUMBER", _("The MQL threshold is above 0 and below the SQL threshold."))
