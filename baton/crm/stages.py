"""The door to the life cycle: which stages there are, what they are, and the moves that are decisions: recycle, dead end, back, return, reopen.

Plain steps forward need no door: whoever sets `lifecyclestage` is judged, booked and dated by `writing`, whatever way he came.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts.models import Role, User
from baton.crm import life, records
from baton.crm.builtin.stages import PRESETS
from baton.crm.life import PATH, PROPERTY, Freedom, Stage, get, known, measured
from baton.crm.models import LifecycleStage
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import DomainError, Forbidden, Invalid, Problem

__all__ = ["KINDS", "MODES", "PRESETS", "PROPERTY", "Stage", "apply", "define", "get", "known", "move", "preset", "reopen", "taking_back"]

KINDS = ("forward", "won", "recycle", "dead_end", "aside")
TEAMS = ("", "marketing", "inside_sales", "sales", "success")
MODES = ("score", "filter", "either", "both", "people")
FIELDS = ("kind", "team", "rule", "returns_to", "days")
RULED = ("kind", "rule")  # a change of these makes another measure of the same stage: charts mark it
LONGEST = 3650  # days
TAKEN_BACK = timedelta(minutes=10)  # for so long one's own move can be taken back


# Moves ----------------------------------------------------------------------


def move(ids: Iterable[int], into: str, *, actor: Actor, source: str, reason: str = "", back: bool = False) -> dict[int, DomainError | bool]:
    """Move contacts into a stage; `into=""` clears. For each id the fault (Invalid, NotFound), or whether he moved.

    `back` allows an earlier stage. A dead end of people's choice needs a reason. Nothing leads out of a dead end but `reopen`.
    Raises Invalid for an unknown stage or a missing reason.
    """
    if into:
        stage = _known(into)
        if stage.kind == "dead_end" and actor.kind == "user" and not reason.strip():
            raise Invalid.one("reason", "REQUIRED", _("Say why this is the end."))
    return records.move_many({id: {PROPERTY: into} for id in ids}, actor=actor, source=source, freedom="back" if back else "", reason=reason.strip())


def reopen(id: int, into: str, *, reason: str, actor: Actor) -> None:
    """Take a contact out of a dead end. Raises Forbidden (administrators only), Invalid (`reason`, `properties.lifecyclestage`), NotFound."""
    if not _administrator(actor):
        raise Forbidden(_("Only an administrator reopens a dead end."))
    stage = _known(into)
    if stage.kind == "dead_end":
        raise Invalid.one(PATH, "INVALID_OPTION", _("Choose a stage that is not an end."))
    if not reason.strip():
        raise Invalid.one("reason", "REQUIRED", _("Say why the contact is reopened."))
    contact = records.get("contact", id)
    now = life.by_key().get(str(contact.properties.get(PROPERTY) or ""))
    if now is None or now.kind != "dead_end":
        raise Invalid.one(PATH, "NOT_DEAD_END", _("This contact is in no dead end."))
    outcome = records.move_many({contact.id: {PROPERTY: into}}, actor=actor, source="reopen", freedom="any", reason=reason.strip())[contact.id]
    if isinstance(outcome, DomainError):
        raise outcome


def taking_back(id: int, into: str, *, actor: Actor) -> Freedom:
    """How free a contact's stage is for whoever takes his own last move back a moment later: the toast's way back works for every move."""
    since = clock.now() - TAKEN_BACK
    last = sql.rows("SELECT out_of, actor, at > %s FROM booking WHERE contact_id = %s ORDER BY id DESC LIMIT 1", [since, id])
    return "any" if last == [(into, str(actor), True)] else ""


def _known(key: str) -> Stage:
    stage = life.by_key().get(key)
    if stage is None:
        raise Invalid.one(PATH, "INVALID_OPTION", _("There is no such stage."))
    return stage


def _administrator(actor: Actor) -> bool:
    return actor.kind == "system" or (
        actor.kind == "user" and actor.id is not None and User.objects.filter(pk=actor.id, is_active=True, role=Role.ADMIN).exists()
    )


# Definitions ----------------------------------------------------------------


def define(key: str, *, actor: Actor, **fields: Any) -> Stage:
    """Change what a stage is: kind, team, rule, returns_to, days. Who is there stays there. Raises NotFound, Invalid at the field.

    A stage on the way is entered by what can be measured; otherwise the rule is {"mode": "people", "reason": "…"} and says why people decide.
    """
    stage = get(key)
    if unknown := sorted(fields.keys() - set(FIELDS)):
        raise Invalid([Problem(name, "UNKNOWN_FIELD", _("There is no such field.")) for name in unknown])
    wanted = {name: fields.get(name, getattr(stage, name)) for name in FIELDS}
    if problems := _problems(key, wanted):
        raise Invalid(problems)
    with transaction.atomic():
        row, _made = LifecycleStage.objects.select_for_update().get_or_create(key=key, defaults={"kind": "aside"})
        before = {name: getattr(row, name) for name in FIELDS}
        changed = {name: value for name, value in wanted.items() if before[name] != value}
        if not changed:
            return stage
        for name, value in changed.items():
            setattr(row, name, value)
        if changed.keys() & set(RULED):
            row.changed_at, row.looked_at = clock.now(), None  # everybody is looked at first
        row.save()
        history.record(actor, "changed", "lifecycle_stage", key, was={name: before[name] for name in changed}, **changed)
        life.forget()
        transaction.on_commit(life.forget)
    return get(key)


def preset(key: str) -> Mapping[str, Mapping[str, Any]]:
    """The rule of each stage in a set. Raises Invalid."""
    if key not in PRESETS:
        raise Invalid.one("preset", "INVALID_OPTION", _("There is no such set of rules."))
    return PRESETS[key][1]


def apply(key: str, *, actor: Actor) -> list[str]:
    """Give the stages the rules of a preset; returns the keys of those that changed. Raises Invalid."""
    rules, live = preset(key), life.by_key()
    changed = [stage for stage, rule in rules.items() if stage in live and live[stage].rule != rule]
    with transaction.atomic():
        for stage in changed:
            define(stage, actor=actor, rule=dict(rules[stage]))
    return changed


def _problems(key: str, wanted: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, allowed in (("kind", KINDS), ("team", TEAMS)):
        if wanted[name] not in allowed:
            problems.append(Problem(name, "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(one for one in allowed if one))))
    rule = wanted["rule"]
    if not isinstance(rule, dict) or (rule and rule.get("mode") not in MODES) or rule.keys() - {"mode", "model", "band", "filter", "reason"}:
        problems.append(Problem("rule", "INVALID_RULE", _("A rule of entry has a mode: score, filter, either, both or people.")))
    elif wanted["kind"] in life.ON_THE_WAY and not measured(rule):
        if rule.get("mode") != "people":
            problems.append(Problem("rule", "RULE_REQUIRED", _("Say by what can be measured who enters this stage: a band of a score, a filter, or both.")))
        elif not str(rule.get("reason") or "").strip():
            problems.append(Problem("rule.reason", "REQUIRED", _("Say why people decide and nothing that can be measured.")))
    if wanted["kind"] == "recycle":
        back = life.by_key().get(str(wanted["returns_to"]))
        if back is None or not back.on_the_way or back.key == key:
            problems.append(Problem("returns_to", "INVALID_OPTION", _("Choose the stage its people go back to.")))
    elif wanted["returns_to"]:
        problems.append(Problem("returns_to", "NOT_ALLOWED", _("Only people of a recycle stage go back.")))
    if wanted["days"] is not None and not (type(wanted["days"]) is int and 1 <= wanted["days"] <= LONGEST):
        problems.append(Problem("days", "INVALID_NUMBER", _("A number of days from 1 to {most}.").format(most=LONGEST)))
    return problems
