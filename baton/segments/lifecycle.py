"""Who enters a stage of the life cycle by its rule: forward only, in one statement for the few who changed and for everybody.

A rule is what the stage says (crm/models/stage.py): a band of a score, a filter, either, both. Here it becomes one stored filter, so that it is checked, woken
and worded like a list's. Who fits several stages goes to the furthest at once, in one booking; who has no stage yet first enters at the nearest.

What people decided is theirs: nobody is lifted out of recycling, a dead end or a stage beside the way, nor when sales found him unqualified or somebody
cleared his stage. Who was moved back, came back from recycling, was reopened or was put in anew is lifted again only when he has done something, or won points,
since: the old reasons have been judged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import stages
from baton.crm.models import LifecycleStage
from baton.crm.stages import Stage
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.changes import Batch, Change
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.query import compile
from baton.query.nodes import And, Compare, Node, Or
from baton.query.statement import Sql
from baton.segments import catalog, definitions, filter, patience
from baton.segments.definitions import Definition
from baton.segments.models import ScoreModel

PROPERTY = "lifecyclestage"
CHUNK = 5000  # contacts moved at once by a full evaluation
PATIENCE = 5_000  # milliseconds for a preview
Stored = dict[str, Any]

# `fits` has a row for each contact and stage whose rule holds and which lies ahead of him.
DUE = """
SELECT d.id, d.stage, d.nearest, d.furthest, d.since,
       (last.path IN ('back', 'return', 'reopen') AND last.source <> 'evidence') OR (last.path = 'entry' AND last.source <> 'restore' AND last.again) AS decided
FROM (
    SELECT f.id, coalesce(c.properties ->> 'lifecyclestage', '') AS stage, f.nearest, f.furthest, (c.properties ->> 'stage_since')::timestamptz AS since
    FROM (SELECT id, min(rank) AS nearest, max(rank) AS furthest FROM fits GROUP BY id) f JOIN contact c ON c.id = f.id
) d
LEFT JOIN LATERAL (
    SELECT b.path, b.source, EXISTS (SELECT 1 FROM booking p WHERE p.contact_id = d.id AND p.id < b.id) AS again
    FROM booking b WHERE b.contact_id = d.id ORDER BY b.id DESC LIMIT 1
) last ON d.since IS NOT NULL
WHERE d.stage <> '' OR d.since IS NULL
ORDER BY d.id
"""
# Who did something, or won points, since the decision about him.
MOVED_ON = """
SELECT r.id FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, since)
WHERE EXISTS (SELECT 1 FROM visitor v WHERE v.contact_id = r.id AND v.last_seen_at > r.since)
   OR EXISTS (SELECT 1 FROM event e WHERE e.contact_id = r.id AND e.ts > r.since AND e.kind = %s AND e.value > 0)
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A contact whom a rule moves; `nearest` and `furthest` are ranks of the stages ahead of him that he fits."""

    contact_id: int
    stage: str
    nearest: int
    furthest: int
    since: datetime | None
    decided: bool | None  # his last move was a decision that rules do not undo by what was known then


# Moving ---------------------------------------------------------------------


def some(ids: Iterable[int], now: datetime | None = None, *, batch: Batch | None = None) -> int:
    """Move those of the contacts whom a rule calls; returns how many moved. Inside the tick what changed goes to its `batch`."""
    contact_ids = sorted({*ids})
    return _move(_due(_rules(), now or clock.now(), contact_ids), batch) if contact_ids else 0


def everyone(now: datetime | None = None) -> int:
    """Move all contacts whom a rule calls; returns how many moved."""
    rules, at = _rules(), now or clock.now()
    due = _due(rules, at, None)
    LifecycleStage.objects.filter(key__in=[stage.key for stage in rules]).update(looked_at=at)
    return sum(_move(due[i : i + CHUNK], None) for i in range(0, len(due), CHUNK))


def woken(changes: Iterable[Change]) -> set[int]:
    """The contacts for whom these changes can make a rule hold."""
    changes = list(changes)
    found = definitions.woken("stage", {rank: (stored, {}) for rank, stored in _stored(_rules()).items()}, changes)
    return {c.contact_id for c in changes if c.kind == "identity"}.union(*found.values())


def timed(before: datetime) -> list[tuple[Definition, datetime]]:
    """The rules that time alone can make hold, with until when their windows were looked at, where that is before a moment."""
    keys = {stage.rank: stage.key for stage in stages.known()}
    looked = {key: at for key, at in LifecycleStage.objects.filter(looked_at__lte=before).values_list("key", "looked_at") if at is not None}
    ready = definitions.ready("stage", _stored(_rules())) if looked else {}
    return [(definition, looked[keys[rank]]) for rank, definition in ready.items() if definition.windows and keys[rank] in looked]


def looked(ranks: Iterable[int], at: datetime) -> None:
    """Remember that windows of these rules were looked at until now."""
    keys = {stage.rank: stage.key for stage in stages.known()}
    LifecycleStage.objects.filter(key__in=[keys[rank] for rank in ranks]).update(looked_at=at)


def _move(due: Sequence[Due], batch: Batch | None) -> int:
    """Book the moves: first those who come in from outside, then those who go on."""
    keys = {stage.rank: stage.key for stage in stages.known()}
    entering = [(one.contact_id, keys[one.nearest]) for one in due if not one.stage]
    going_on = [(one.contact_id, keys[one.furthest]) for one in due if one.stage or one.nearest < one.furthest]
    moved: dict[int, str] = {}
    with transaction.atomic():
        for wanted in (entering, going_on):
            for into in dict.fromkeys(into for _id, into in wanted):
                outcomes = stages.move([id for id, one in wanted if one == into], into, actor=SYSTEM, source="rule")
                moved |= {id: into for id, outcome in outcomes.items() if outcome is True}
    if batch is not None:
        batch.add(Change(id, "stage", into) for id, into in moved.items())
    return len(moved)


# Asking ---------------------------------------------------------------------


def _rules() -> dict[Stage, Mapping[str, Any]]:
    """The stages on the way that have a rule, in order."""
    return {stage: stage.rule for stage in stages.known() if stage.on_the_way and stage.measured}


def _stored(rules: Mapping[Stage, Mapping[str, Any]]) -> dict[int, Stored]:
    """The rules as stored filters, by the rank of their stage; one that nobody can fulfil now is left out."""
    scores = _scores()
    found = {stage.rank: as_filter(rule, scores) for stage, rule in rules.items()}
    return {rank: stored for rank, stored in found.items() if stored}


def _scores() -> list[ScoreModel]:
    """The scores of contacts, the first one first."""
    return list(ScoreModel.objects.filter(object_type="contact", archived_at=None))


def as_filter(rule: Mapping[str, Any], scores: Sequence[ScoreModel] | None = None) -> Stored:
    """A rule of entry as one stored filter; {} (nobody) when people decide or the band is not there. `scores`: those of contacts, if known."""
    score, asked = _band(rule, _scores() if scores is None else scores), rule.get("filter") or {}
    match rule.get("mode"):
        case "score":
            return score
        case "filter":
            return dict(asked)
        case "either":
            return {"any": [score, asked]} if score and asked else score or dict(asked)
        case "both":
            return {"all": [score, asked]} if score and asked else {}
    return {}


def _band(rule: Mapping[str, Any], scores: Sequence[ScoreModel]) -> Stored:
    model = score_of(rule, scores)
    least = model.begins(str(rule.get("band") or "")) if model else None
    return {} if model is None or least is None else {"condition": "score", "model": model.pk, "at_least": least}


def looks_at(model: ScoreModel) -> bool:
    """Whether a stage is entered by a band of this score."""
    scores = _scores()
    return any(rule.get("band") and score_of(rule, scores) == model for rule in _rules().values())


def score_of(rule: Mapping[str, Any], scores: Sequence[ScoreModel] | None = None) -> ScoreModel | None:
    """The score that a rule looks at: the one it names, else the first of contacts."""
    named = rule.get("model")
    return next((model for model in (_scores() if scores is None else scores) if not named or model.key == named), None)


def fitting(ids: Iterable[int], at: datetime | None = None) -> dict[int, set[str]]:
    """Of these contacts the stages whose rule of entry holds now, wherever they stand."""
    contact_ids = sorted({*ids})
    known, zone, now, rules = catalog.current(), config().zone, at or clock.now(), _rules()
    keys = {stage.rank: stage.key for stage in rules}
    parts, params = [], dict[str, Any](ids=contact_ids)
    for rank, definition in sorted(definitions.ready("stage", _stored(rules)).items()):
        found = compile.condition(definition.node, known, now=now, zone=zone, prefix=f"s{rank}_")
        parts.append(f"SELECT c.id, {rank} FROM contact c WHERE c.id = ANY(%(ids)s) AND {found.text}")
        params |= found.params
    holding: dict[int, set[str]] = {}
    for id, rank in sql.rows(" UNION ALL ".join(parts), params) if parts else ():
        holding.setdefault(id, set()).add(keys[rank])
    return holding


def _due(rules: Mapping[Stage, Mapping[str, Any]], at: datetime, ids: Sequence[int] | None) -> list[Due]:
    statement = _statement(definitions.ready("stage", _stored(rules)), at, ids)
    found = [Due(*row) for row in sql.rows(statement.text, statement.params)] if statement else []
    judged = [one for one in found if one.decided]
    if not judged:
        return found
    moved_on = {id for (id,) in sql.rows(MOVED_ON, [[one.contact_id for one in judged], [one.since for one in judged], int(Kind.SCORE_CHANGED)])}
    return [one for one in found if not one.decided or one.contact_id in moved_on]


def _statement(ready: Mapping[int, Definition], at: datetime, ids: Sequence[int] | None) -> Sql | None:
    """SELECT of the contacts whom a rule moves. Columns: Due."""
    if not ready:
        return None
    known, zone = catalog.current(), config().zone
    params: dict[str, Any] = {} if ids is None else {"ids": list(ids)}
    parts = []
    for rank, definition in sorted(ready.items()):
        node = And((_ahead(rank), definition.node))
        if ids is None:
            found = compile.members(node, known, now=at, zone=zone, prefix=f"s{rank}_")
            parts.append(f"SELECT m.id, {rank} AS rank FROM ({found.text}) m")
        else:
            found = compile.condition(node, known, now=at, zone=zone, prefix=f"s{rank}_")
            parts.append(f"SELECT c.id, {rank} AS rank FROM contact c WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL AND {found.text}")
        params |= found.params
    return Sql(f"WITH fits AS MATERIALIZED ({' UNION ALL '.join(parts)}){DUE}", params)


def _ahead(rank: int) -> Node:
    """Those for whom the stage lies ahead: on the way before it or without a stage, and not found unqualified by sales."""
    before = tuple(stage.key for stage in stages.known() if stage.on_the_way and stage.rank < rank)
    nowhere: Node = Compare(PROPERTY, "unknown", None)
    standing: Node = Or((nowhere, Compare(PROPERTY, "any_of", before))) if before else nowhere
    return And((standing, Compare("sales_verdict", "is_not", "unqualified")))


# Defining -------------------------------------------------------------------


def define(key: str, *, actor: Actor, **fields: Any) -> Stage:
    """Change a stage (see stages.define) with its rule checked to the last word; whom another rule calls moves in the background.

    Raises NotFound, Invalid (`rule.model`, `rule.band`, `rule.filter.all.0…`).
    """
    if isinstance(fields.get("rule"), dict):
        fields["rule"] = checked(fields["rule"])
    before = stages.get(key)
    with transaction.atomic():
        stage = stages.define(key, actor=actor, **fields)
        if (stage.rule, stage.kind) != (before.rule, before.kind):
            _evaluate()
    return stage


def apply(preset: str, *, actor: Actor) -> list[str]:
    """Give the stages the rules of a preset; returns which changed. Raises Invalid."""
    with transaction.atomic():
        if changed := stages.apply(preset, actor=actor):
            _evaluate()
    return changed


def checked(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without what its mode does not use. Raises Invalid at `rule.model`, `rule.band`, `rule.filter…`."""
    mode = rule.get("mode")
    uses = {"score": ("model", "band"), "filter": ("filter",), "people": ("reason",)}.get(str(mode), ("model", "band", "filter"))
    found = {name: value for name, value in rule.items() if name == "mode" or name in uses}
    problems: list[Problem] = []
    if found.get("band"):
        model = score_of(found)
        if model is None and found.get("model"):
            problems.append(Problem("rule.model", "SCORE_DOESNT_EXIST", _("There is no such score.")))
        elif model is not None and model.begins(str(found["band"])) is None:
            problems.append(Problem("rule.band", "INVALID_OPTION", _("The score has no such band.")))
    if found.get("filter"):
        try:
            filter.parse(found["filter"], catalog.current())
        except Invalid as error:
            problems += [Problem(f"rule.filter.{p.path}" if p.path else "rule.filter", p.code, p.message) for p in error.problems]
    if problems:
        raise Invalid(problems)
    return found


def _evaluate() -> None:
    from baton.segments import jobs

    jobs.evaluate_stages.defer(lock="stages")


def sentence(rule: Mapping[str, Any]) -> str:
    """A rule in words, in the current language."""
    if rule.get("mode") == "people":
        return _("People decide: {reason}").format(reason=_(str(rule.get("reason") or "–")))
    parts = []
    if rule.get("mode") in ("score", "either", "both") and rule.get("band"):
        model = score_of(rule)
        band = next((b for b in model.bands if b["key"] == rule["band"]), None) if model else None
        if model and band:
            parts.append(_("{score} reaches {band} (from {points} points)").format(score=model.name, band=band["label"], points=band["at_least"]))
        else:
            parts.append(_("the score reaches {band}").format(band=str(rule["band"]).upper()))
    if rule.get("mode") in ("filter", "either", "both") and rule.get("filter"):
        parts.append(filter.sentence(dict(rule["filter"])))
    if not parts:
        return _("Nobody enters by rule")
    return (_(" or ") if rule.get("mode") == "either" else _(" and ")).join(parts)


def would_move(key: str, rule: Mapping[str, Any]) -> dict[tuple[str, str], int] | None:
    """How many contacts would move now if a stage had this rule: (from, to) -> how many; None when counting takes too long. Raises Invalid."""
    asked = checked(rule)
    stage = stages.get(key)
    rules = {one: asked if one.key == key else one.rule for one in stages.known() if one.on_the_way and (one.key == key or one.measured)}
    known = catalog.current()
    ready = {rank: definitions.parse("stage", rank, stored, known) for rank, stored in _stored({s: r for s, r in rules.items() if s == stage}).items()}
    ready = definitions.ready("stage", _stored({s: r for s, r in rules.items() if s != stage})) | ready
    statement = _statement(ready, clock.now(), None)
    if statement is None:
        return {}
    counted = "SELECT q.stage, q.furthest, count(*) FROM ({due}) q WHERE q.decided IS NOT TRUE GROUP BY 1, 2"
    head, body = statement.text.split(DUE)[0], DUE.rsplit("ORDER BY", 1)[0]
    rows = patience.rows(f"{head} {counted.format(due=body)}", statement.params, milliseconds=PATIENCE)
    keys = {one.rank: one.key for one in stages.known()}
    return None if rows is None else {(out_of, keys[rank]): number for out_of, rank, number in rows}
