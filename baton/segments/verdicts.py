"""What sales says of a lead, and exactly what follows.

- `ready`, a true SQL: written down; who stood below SQL becomes one.
- `not_ready`, keep nurturing: just so many points are taken that the score falls below the SQL threshold, never below MQL's; back to MQL. What the
  person does later earns SQL again.
- `unqualified`, do not nurture: 100 points are taken, back to subscriber; no rule lifts him and no marketing reaches him until a person changes the verdict.
- `paused` until a day: see pauses.py.

`open` takes the newest verdict back: its points, its pause, its stage. The newest verdict holds; the property `sales_verdict` says which, and is empty
while an SQL waits for one. Each verdict keeps the score and its reasons as they were, by the keys of the rules.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import records, stages
from baton.crm.models import Contact
from baton.crm.values import stamp
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, DomainError, Invalid
from baton.segments import entries, pauses, scoring
from baton.segments.card import MOST
from baton.segments.models import Score, ScoreEntry, ScoreModel, ScoreRule, Verdict

PROPERTY, STAGE = "sales_verdict", "lifecyclestage"
WORDS: dict[str, str | Promise] = {
    "ready": gettext_lazy("True SQL"),
    "not_ready": gettext_lazy("Not ready"),
    "unqualified": gettext_lazy("Unqualified"),
    "paused": gettext_lazy("Paused"),
    "open": gettext_lazy("Taken back"),
}
GIVEN = ("ready", "not_ready", "unqualified", "paused")
SUBSCRIBER, MQL, SQL = "subscriber", "mql", "sql"
UNQUALIFIED = -100  # points
CLOSED = ("won", "dead_end")  # kinds of stages in which nobody asks sales

# What the properties must say: nothing of a verdict that was taken back, or of one after which the contact became an SQL anew, not by a verdict.
SAID = """
SELECT c.id, c.properties ->> 'sales_verdict', v.said, c.properties ->> 'paused_until', p.until
FROM contact c
LEFT JOIN LATERAL (
    SELECT CASE WHEN v.verdict IN ('open', 'paused') THEN NULL
                WHEN v.verdict <> 'unqualified' AND EXISTS (
                    SELECT 1 FROM booking b WHERE b.contact_id = c.id AND b.into = %(sql)s AND b.source <> 'verdict' AND b.at > v.at) THEN NULL
                ELSE v.verdict END AS said
    FROM verdict v WHERE v.contact_id = c.id ORDER BY v.at DESC, v.id DESC LIMIT 1
) v ON true
LEFT JOIN pause p ON p.contact_id = c.id AND p.ended_at IS NULL
WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL
  AND (c.properties ->> 'sales_verdict' IS DISTINCT FROM v.said OR (c.properties ->> 'paused_until') IS NOT NULL OR p.until IS NOT NULL)
"""


def give(
    contact_id: int,
    verdict: str,
    *,
    reason: str = "",
    until: datetime | date | None = None,
    wake: dict[str, Any] | None = None,
    into: str = "",
    actor: Actor,
) -> Verdict:
    """Write down a verdict and do what follows from it, at once. `until`, `wake` and `into` (a recycle stage) are of `paused`.

    Raises NotFound, Invalid (`verdict`, `until`, `wake…`, `into`), Conflict (a customer, a dead end).
    """
    if verdict not in GIVEN:
        raise Invalid.one("verdict", "INVALID_OPTION", _("Unknown verdict: {verdict}").format(verdict=verdict))
    if verdict == "paused" and until is None:
        raise Invalid.one("until", "REQUIRED", _("Until when?"))
    with transaction.atomic():
        contact = _held(contact_id)
        stage = _stage(contact)
        if _kind(stage) in CLOSED:
            raise Conflict(_("Sales has nothing to say of somebody in this stage."))
        before = newest(contact.id)
        model = _model()
        found = _score(contact.id, model)
        made = _write(contact.id, verdict, reason, stage, model, found, actor)
        if before is not None and before.verdict == "unqualified":
            _give_back(before, model, actor)
        records.derive("contact", [contact.id], {PROPERTY: None if verdict == "paused" else verdict}, actor=actor)
        if verdict != "paused":
            pauses.end([contact.id], by=actor, reason=reason or str(WORDS[verdict]), stay=True)
        match verdict:
            case "ready":
                _forward(contact.id, stage, reason, actor)
            case "not_ready":
                _take(made, model, _surplus(model, found), actor)
                if stage and (_rank(stage) > _rank(MQL) or _kind(stage) == "recycle"):
                    _move(contact.id, MQL, reason, actor, back=True)
            case "unqualified":
                _take(made, model, UNQUALIFIED, actor)
                if stage != SUBSCRIBER:
                    _move(contact.id, SUBSCRIBER, reason, actor, back=True)
            case "paused":
                assert until is not None
                pauses.pause([contact.id], until, reason=reason, wake=wake, into=into or _box(stage), actor=actor, source="verdict")
        _tell(made, until)
    return made


def take_back(contact_id: int, *, reason: str = "", actor: Actor) -> Verdict:
    """Undo the newest verdict: points, pause and, when nobody moved him since, the stage. Raises NotFound, Conflict (there is none)."""
    with transaction.atomic():
        contact = _held(contact_id)
        last = newest(contact.id)
        if last is None:
            raise Conflict(_("There is no verdict to take back."))
        model, stage = _model(), _stage(contact)
        made = _write(contact.id, "open", reason, stage, model, _score(contact.id, model), actor)
        _give_back(last, model, actor)
        if last.verdict == "paused":
            pauses.end([contact.id], by=actor, reason=reason or _("The verdict was taken back"), stay=True)
        records.derive("contact", [contact.id], {PROPERTY: None}, actor=actor)
        led_to = sql.rows(
            "SELECT b.into FROM booking b WHERE contact_id = %s AND source = 'verdict' AND at >= %s ORDER BY at, id LIMIT 1", [contact.id, last.at]
        )
        if led_to and led_to[0][0] == stage and last.stage != stage:
            _move(contact.id, last.stage, reason or _("The verdict was taken back"), actor, back=True)
        _tell(made, None)
    return made


def newest(contact_id: int) -> Verdict | None:
    """The verdict that holds; None when there is none or it was taken back."""
    found = Verdict.objects.filter(contact_id=contact_id).order_by("-at", "-id").first()
    return None if found is None or found.verdict == "open" else found


def of(contact_id: int) -> list[Verdict]:
    """All verdicts of a contact, newest first, those taken back too."""
    return list(Verdict.objects.filter(contact_id=contact_id).order_by("-at", "-id"))


def settle(ids: Iterable[int]) -> int:
    """Let the properties say what holds: after a merge, and for whoever became an SQL anew and waits for a new verdict. Returns of how many they changed.

    The tick calls this.
    """
    wanted: dict[int, dict[str, Any]] = {}
    for id, verdict, said, paused, until in sql.rows(SAID, {"ids": sorted({*ids}), "sql": SQL}):
        end = None if until is None else stamp(until)
        if (verdict, paused) != (said, end):
            wanted[id] = {PROPERTY: said, "paused_until": end}
    if wanted:
        records.derive_each("contact", wanted, actor=SYSTEM)
    return len(wanted)


# Below: points and stages --------------------------------------------------------


def threshold() -> tuple[ScoreModel | None, int | None]:
    """The score that the SQL stage looks at, and from how many points it lets people in."""
    rule = stages.get(SQL).rule
    model = ScoreModel.objects.filter(key=rule.get("model") or "", archived_at=None).first() or scoring.first_model()
    return model, model.begins(str(rule.get("band") or SQL)) if model else None


def _model() -> ScoreModel | None:
    return threshold()[0]


def _surplus(model: ScoreModel | None, score: Score | None) -> int:
    """How many points must go (0 or fewer) so that the score is one below the SQL threshold. Bands ascend, so that is never below MQL."""
    least = threshold()[1]
    return 0 if model is None or score is None or least is None else min(0, least - 1 - score.total)


def _held(contact_id: int) -> Contact:
    """The contact, which no tick looks at until the transaction ends: nothing happens between his score and what follows from it."""
    contact = records.get("contact", contact_id)
    assert isinstance(contact, Contact)
    changes.hold([contact.id])
    contact.refresh_from_db()
    return contact


def _stage(contact: Contact) -> str:
    return str(contact.properties.get(STAGE) or "")


def _rank(stage: str) -> int:
    return next((known.rank for known in stages.known() if known.key == stage), 0)


def _kind(stage: str) -> str:
    return next((known.kind for known in stages.known() if known.key == stage), "")


def _score(contact_id: int, model: ScoreModel | None) -> Score | None:
    """As the rules say this moment."""
    if model is None:
        return None
    scoring.some([contact_id], models=[model.pk])
    return Score.objects.filter(contact_id=contact_id, model_id=model.pk).first()


def _write(contact_id: int, verdict: str, reason: str, stage: str, model: ScoreModel | None, score: Score | None, actor: Actor) -> Verdict:
    keys = {str(pk): key for pk, key in ScoreRule.objects.filter(model=model).values_list("pk", "key")} if model and score else {}
    reasons = {keys.get(id, id): given for id, given in score.reasons.items()} if score else {}
    [number] = sql.next_ids("record_id_seq", 1)
    return Verdict.objects.create(
        contact_id=contact_id, id=number, verdict=verdict, reason=reason.strip(), actor=str(actor), at=clock.now(),
        stage=stage, score=score.total if score else None, reasons=reasons,
    )  # fmt: skip


def _tell(made: Verdict, until: datetime | date | None) -> None:
    payload = {"actor": made.actor, "reason": made.reason, "score": made.score, "until": until.isoformat() if until else None}
    record.add([NewEvent(made.contact_id, Kind.VERDICT_GIVEN, made.at, key_value=made.verdict, payload=payload)])


def _take(made: Verdict, model: ScoreModel | None, points: int, actor: Actor) -> None:
    """An entry of the ledger, or as many as its bounds ask for."""
    if model is None or not points:
        return
    reason, left, part = (made.reason or str(WORDS[made.verdict]))[: entries.LONGEST], points, 0
    while left:
        now = max(left, -MOST)
        entries.add([made.contact_id], model, now, reason=reason, actor=actor, cause=f"verdict:{made.id}:{part}")
        left, part = left - now, part + 1
    scoring.some([made.contact_id], models=[model.pk])


def _give_back(verdict: Verdict, model: ScoreModel | None, actor: Actor) -> None:
    """The points that a verdict took, with an entry of their own: the ledger is only ever added to."""
    if model is None:
        return
    for entry in ScoreEntry.objects.filter(contact_id=verdict.contact_id, model_id=model.pk, points__lt=0, cause__startswith=f"verdict:{verdict.id}:"):
        entries.add([verdict.contact_id], model, -entry.points, reason=_("The verdict was taken back"), actor=actor, cause=f"{entry.cause}:back")
    scoring.some([verdict.contact_id], models=[model.pk])


def _forward(contact_id: int, stage: str, reason: str, actor: Actor) -> None:
    if _rank(stage) < _rank(SQL) or _kind(stage) != "forward":
        _move(contact_id, SQL, reason, actor)


def _move(contact_id: int, into: str, reason: str, actor: Actor, *, back: bool = False) -> None:
    outcome = stages.move([contact_id], into, actor=actor, source="verdict", reason=reason, back=back)[contact_id]
    if isinstance(outcome, DomainError):
        raise outcome


def _box(stage: str) -> str:
    """The recycle stage of who names none: B for those who were lost in the middle of selling, else A."""
    return "recycle_b" if _rank(stage) > _rank(SQL) else "recycle_a"
