"""How records are written: many at once, in a fixed number of statements, each with an outcome of its own.

One write is: typed values, the pipeline's place, calculated properties, the values nobody else may have (e-mail addresses, unique properties), the rows,
their history, the words quick search finds them by, and what the tick and open pages must know. `records` is the door; only it calls this.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from baton.crm import formulas, identity, ledger, life, offline, pipelines, search, titles, trail, types
from baton.crm import properties as definitions
from baton.crm.duplicates import find as likeness
from baton.crm.ledger import Move
from baton.crm.models import PropertyDefinition
from baton.crm.values import stamp
from baton.platform import changes, clock, live, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import Conflict, DomainError, Invalid, NotFound

Row = Mapping[str, Any]
Reckon = Callable[[Row], Row]  # from the values a record has at the moment it is written to what is to change
WATCHED = 200  # records of one write that open pages are told of; of more nobody looks at each
FOREIGN = frozenset({"api", "import"})  # sources that know nothing of what people asked for
ROUNDS = 20  # how often a record that others change at the same moment is tried again


@dataclass
class Plan:
    """What is asked once for all records of a write."""

    object_type: str
    actor: Actor
    source: str
    now: datetime
    freedom: life.Freedom = ""  # of moves between stages of the life cycle
    reason: str = ""  # of such a move
    quiet: bool = False  # what is worked out again and again leaves no history
    known: dict[str, PropertyDefinition] = field(init=False)
    ways: pipelines.Known = field(init=False)
    table: str = field(init=False)
    formulas: dict[str, str] = field(init=False)
    unique: set[str] = field(init=False)
    searched: set[str] = field(init=False)
    searchable: list[str] = field(init=False)

    def __post_init__(self) -> None:
        kind = types.get(self.object_type)
        self.known = definitions.definitions(self.object_type)
        self.ways = pipelines.stages(self.object_type) if kind.stage_property else {}
        self.table = "contact" if self.object_type == "contact" else "record"
        self.formulas = {name: d.formula for name, d in self.known.items() if d.formula}
        self.unique = {name for name, d in self.known.items() if d.unique_value} - ({"email"} if self.object_type == "contact" else set())
        self.searchable = list(kind.searchable)
        self.searched = set(kind.searchable) | ({"firstname", "lastname"} if self.object_type == "contact" else set())

    @property
    def people(self) -> bool:
        return self.object_type == "contact"

    @cached_property
    def offline(self) -> dict[str, str]:
        """The source of a new contact, unless a visit says another."""
        return offline.values(self.actor, self.source) if self.people else {}

    def complete(self, values: dict[str, Any], was: Row) -> None:
        """Add what follows from the values: the place in the pipeline, since when in a stage, when a task was done, calculated ones. Raises Invalid."""
        pipelines.place(self.object_type, values, was=was, known=self.ways)
        if self.people and life.PROPERTY in values and (values[life.PROPERTY] or None) != was.get(life.PROPERTY):
            self._enter(values, was)
        if self.object_type == "task" and "status" in values:
            done = values["status"] == "COMPLETED"
            values["completed_at"] = (was.get("completed_at") or stamp(self.now)) if done else None
        if self.people and values.get("email") and values["email"] in (others := str(was.get("additional_emails") or "").split(";")):
            values["additional_emails"] = ";".join(mail for mail in (*others, str(was.get("email") or "")) if mail not in ("", values["email"])) or None
        if (
            self.people
            and "jobtitle" in values
            and "seniority" not in values
            and was.get("seniority") in (None, titles.seniority(str(was.get("jobtitle") or "")))
        ):
            values["seniority"] = titles.seniority(str(values["jobtitle"] or "")) or None
        for name, formula in self.formulas.items():
            values[name] = formulas.result(formula, {**was, **values})

    def _enter(self, values: dict[str, Any], was: Row) -> None:
        """Another stage of the life cycle, since now. Raises Invalid when the contact may not go there."""
        try:
            life.judge(str(was.get(life.PROPERTY) or ""), str(values[life.PROPERTY] or ""), self.freedom)
        except Invalid:
            if self.freedom != "stay":
                raise
            del values[life.PROPERTY]
        else:
            values[life.SINCE] = stamp(self.now)


def create(plan: Plan, rows: Sequence[Row], ids: Sequence[int]) -> list[int | DomainError]:
    """Write new records under these ids; an outcome for each. In the caller's transaction."""
    outcomes: list[int | DomainError] = list(ids)
    ready: dict[int, dict[str, Any]] = {}  # position -> values
    for place, row in enumerate(rows):
        try:
            values = {name: value for name, value in definitions.clean(plan.object_type, row, partial=False, known=plan.known).items() if value is not None}
            plan.complete(values, {})
            values |= plan.offline
            ready[place] = {name: value for name, value in values.items() if value is not None}
        except DomainError as error:
            outcomes[place] = error
    taken = _claim(plan, {place: (ids[place], ready[place], {}) for place in ready})
    for place, conflict in taken.items():
        outcomes[place] = conflict
        del ready[place]
    if ready:
        _insert(plan, [(ids[place], values) for place, values in ready.items()])
        likeness.note(plan.object_type, [ids[place] for place in ready])
        if plan.people:
            booked = _book(plan, [(ids[place], values, {}) for place, values in ready.items()])
            changes.append([*(Change(ids[place], "identity", fact="new") for place in ready), *booked])
        elif not types.get(plan.object_type).activity:
            changes.append(Change(ids[place], "record", f"{plan.object_type}:*") for place in ready)
    return outcomes


def _insert(plan: Plan, rows: Sequence[tuple[int, dict[str, Any]]]) -> None:
    own = "email" if plan.people else "object_type"
    given = [  # as one JSON text: an array of many texts costs more to quote than the rest of the write
        {
            "id": id,
            "properties": values,
            "owner_id": values.get("owner_id"),
            "own": values.get("email", "") if plan.people else plan.object_type,
            "words": search.terms(plan.object_type, values, plan.searchable),
        }
        for id, values in rows
    ]
    sql.run(
        f"INSERT INTO {plan.table} (id, properties, owner_id, created_at, created_by, source, updated_at, {own}, search)"
        " SELECT r.id, r.properties, r.owner_id, %s, %s, %s, %s, r.own, array_to_tsvector(r.words)"
        " FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, properties jsonb, owner_id bigint, own text, words text[])",
        [plan.now, str(plan.actor), plan.source, plan.now, json.dumps(given, ensure_ascii=False)],
    )


def update(plan: Plan, wanted: Mapping[int, Row | Reckon]) -> dict[int, DomainError | dict[str, Any]]:
    """Change values of records; an outcome for each id: the fault, or {name: new value} of what changed. In the caller's transaction.

    Nobody waits with a lock: a record is written only if it is still what it was when it was read, else it is read and tried again.
    """
    outcomes: dict[int, DomainError | dict[str, Any]] = {}
    cleaned: dict[int, dict[str, Any] | Reckon] = {}
    for id, row in wanted.items():
        if callable(row):
            cleaned[id] = _reckoned(plan, row)
            continue
        try:
            cleaned[id] = definitions.clean(plan.object_type, row, known=plan.known)
        except DomainError as error:
            outcomes[id] = error
    return outcomes | change(plan, cleaned)


def _reckoned(plan: Plan, work: Reckon) -> Reckon:
    return lambda was: definitions.clean(plan.object_type, work(was), known=plan.known)


def change(plan: Plan, wanted: Mapping[int, Row | Reckon], *, system: bool = False) -> dict[int, DomainError | dict[str, Any]]:
    """`update` with values that are typed already; `system` values bring nothing else with them but calculated ones."""
    outcomes: dict[int, DomainError | dict[str, Any]] = {}
    left = dict(wanted)
    for _round in range(ROUNDS):
        if not left:
            return outcomes
        outcomes |= _try(plan, left, system)
        left = {id: values for id, values in left.items() if id not in outcomes}
    raise Conflict(_("Somebody else changes this record at the same moment. Try again."))


def _try(plan: Plan, wanted: Mapping[int, Row | Reckon], system: bool) -> dict[int, DomainError | dict[str, Any]]:
    outcomes: dict[int, DomainError | dict[str, Any]] = {}
    of_type = "" if plan.people else " AND object_type = %s"
    texts = dict(
        sql.rows(
            f"SELECT id, properties::text FROM {plan.table} WHERE id = ANY(%s) AND archived_at IS NULL{of_type}",
            [list(wanted), *([] if plan.people else [plan.object_type])],
        )
    )
    found = {id: json.loads(text) for id, text in texts.items()}
    changed: dict[int, tuple[int, dict[str, Any], dict[str, Any]]] = {}  # id -> (id, new values, all values before)
    for id, values in wanted.items():
        if id not in found:
            outcomes[id] = NotFound(_("There is no such record."))
            continue
        try:
            full = dict(values(found[id]) if callable(values) else values)
            if system:
                full |= {name: formulas.result(formula, {**found[id], **full}) for name, formula in plan.formulas.items()}
            else:
                plan.complete(full, found[id])
        except Invalid as error:
            outcomes[id] = error
            continue
        different = {name: value for name, value in full.items() if found[id].get(name) != value}
        if different:
            changed[id] = (id, different, found[id])
        else:
            outcomes[id] = {}
    for id, conflict in _claim(plan, changed).items():
        outcomes[id] = conflict
        del changed[id]
    written = _write(plan, list(changed.values()), texts) if changed else set()
    done = [changed[id] for id in changed if id in written]
    _give_up(plan, done)
    noted: dict[tuple[int, str], int] = {}
    if not plan.quiet:
        told = [(id, name, was.get(name), value) for id, new, was in done for name, value in new.items()]
        numbers = trail.write(plan.object_type, told, plan.actor, plan.source, plan.now)
        noted = {(id, name): number for (id, name, _was, _is), number in zip(told, numbers, strict=True)}
    if plan.people:
        changes.append(_book(plan, done))
    tell(plan.object_type, {id: new for id, new, _was in done}, noted)
    likeness.note(plan.object_type, [id for id, _new, _was in done], {name for _id, new, _was in done for name in new})
    return outcomes | {id: new for id, new, _was in done}


def _book(plan: Plan, rows: Iterable[tuple[int, Row, Row]]) -> list[Change]:
    """Write down who moved between stages of the life cycle; `rows` are (id, new values, values before)."""
    moves = [Move(id, str(was.get(life.PROPERTY) or ""), str(new[life.PROPERTY] or "")) for id, new, was in rows if life.PROPERTY in new]
    return ledger.book(moves, at=plan.now, actor=plan.actor, source=plan.source, reason=plan.reason)


def _write(plan: Plan, rows: Sequence[tuple[int, dict[str, Any], dict[str, Any]]], texts: Mapping[int, str]) -> set[int]:
    """Write the rows that are still as they were (`texts`: their properties as read); returns their ids."""
    after = [{name: value for name, value in {**was, **new}.items() if value is not None} for _id, new, was in rows]
    words = [
        json.dumps(search.terms(plan.object_type, full, plan.searchable), ensure_ascii=False) if new.keys() & plan.searched else None
        for (_id, new, _was), full in zip(rows, after, strict=True)
    ]
    written = sql.rows(
        f"UPDATE {plan.table} AS t SET properties = r.after, owner_id = r.owner_id, updated_at = %s,"
        + (" email = r.email," if plan.people else "")
        + " search = CASE WHEN r.words IS NULL THEN t.search ELSE array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(r.words))) END"
        " FROM unnest(%s::bigint[], %s::jsonb[], %s::jsonb[], %s::bigint[], %s::text[], %s::jsonb[]) AS r(id, was, after, owner_id, email, words)"
        " WHERE t.id = r.id AND t.archived_at IS NULL AND t.properties = r.was RETURNING t.id",
        [
            plan.now,
            [id for id, _new, _was in rows],
            [texts[id] for id, _new, _was in rows],
            [json.dumps(full, ensure_ascii=False) for full in after],
            [full.get("owner_id") for full in after],
            [full.get("email", "") for full in after],
            words,
        ],
    )
    return {row[0] for row in written}


def _claim(plan: Plan, rows: Mapping[int, tuple[int, Mapping[str, Any], Row]]) -> dict[int, Conflict]:
    """Claim the values that one record may have only; returns the conflicts by key. What a losing record claimed is given up again."""
    faults: dict[int, Conflict] = {}
    if plan.people:
        faults |= _forgotten(rows) if plan.source in FOREIGN else {}
        faults |= _claim_mail({key: row for key, row in rows.items() if key not in faults})
    for name in plan.unique:
        faults |= _claim_unique(plan, name, {key: row for key, row in rows.items() if key not in faults})
    lost = [rows[key] for key in faults]
    if plan.people:
        identity.release_many("email", [(new["email"], id) for id, new, was in lost if new.get("email") and new["email"] != was.get("email")])
    _release_unique(
        plan, [(name, _text(new[name]), id) for id, new, was in lost for name in plan.unique & new.keys() if new[name] not in (None, was.get(name))]
    )
    return faults


def _forgotten(rows: Mapping[int, tuple[int, Mapping[str, Any], Row]]) -> dict[int, Conflict]:
    """Those who asked to be forgotten do not come back by a file or a program; the person himself and colleagues may bring them."""
    blocked = identity.blocked({new["email"] for _id, new, was in rows.values() if new.get("email") and new["email"] != was.get("email")})
    text = _("The owner of this e-mail address asked to be forgotten.")
    return {key: Conflict(text) for key, (_id, new, _was) in rows.items() if new.get("email") in blocked}


def _claim_mail(rows: Mapping[int, tuple[int, Mapping[str, Any], Row]]) -> dict[int, Conflict]:
    wanted: dict[str, int] = {}
    for id, new, was in rows.values():
        if new.get("email") and new["email"] != was.get("email"):
            wanted.setdefault(new["email"], id)
    owners = identity.claim_many("email", wanted)
    text = _("Another contact has the e-mail address {email}.")
    return {
        key: Conflict(text.format(email=new["email"]), existing_id=owners[new["email"]][0])
        for key, (id, new, _was) in rows.items()
        if new.get("email") in owners and owners[new["email"]][0] != id and not owners[new["email"]][1]
    }


def _claim_others(plan: Plan, rows: Mapping[int, Row]) -> None:
    """Give contacts that came back their other addresses, as far as nobody else has them by now."""
    wanted = {id: str(values["additional_emails"]).split(";") for id, values in rows.items() if values.get("additional_emails")}
    owners = identity.claim_many("email", {mail: id for id, mails in wanted.items() for mail in mails})
    left = {id: [mail for mail in mails if owners[mail][0] == id] for id, mails in wanted.items()}
    change(plan, {id: {"additional_emails": ";".join(left[id]) or None} for id in wanted if left[id] != wanted[id]}, system=True)


def _claim_unique(plan: Plan, name: str, rows: Mapping[int, tuple[int, Mapping[str, Any], Row]]) -> dict[int, Conflict]:
    wanted: dict[str, int] = {}
    for id, new, was in rows.values():
        if new.get(name) is not None and new[name] != was.get(name):
            wanted.setdefault(_text(new[name]), id)
    if not wanted:
        return {}
    owners: dict[str, int] = {}
    while len(owners) < len(wanted):
        left = {value: id for value, id in sorted(wanted.items()) if value not in owners}
        sql.run(
            "INSERT INTO unique_value (value, name, object_type, record_id) SELECT r.value, %s, %s, r.id"
            " FROM unnest(%s::text[], %s::bigint[]) AS r(value, id) ORDER BY r.value ON CONFLICT DO NOTHING",
            [name, plan.object_type, list(left), list(left.values())],
        )
        owners |= dict(
            sql.rows("SELECT value, record_id FROM unique_value WHERE value = ANY(%s) AND name = %s AND object_type = %s", [list(left), name, plan.object_type])
        )
    text = _("Another record has the value {value} in {label}.")
    return {
        key: Conflict(text.format(value=new[name], label=definitions.label(plan.known[name])), existing_id=owners[_text(new[name])])
        for key, (id, new, _was) in rows.items()
        if new.get(name) is not None and _text(new[name]) in owners and owners[_text(new[name])] != id
    }


def _text(value: Any) -> str:
    """A value as it stands among the unique ones: compared without regard to case."""
    return str(value).strip().casefold()


def _give_up(plan: Plan, rows: Iterable[tuple[int, Row, Row]]) -> None:
    """Free the values that records had before."""
    rows = list(rows)
    if plan.people:
        given_up = [(was["email"], id, str(new.get("additional_emails") or "")) for id, new, was in rows if "email" in new and was.get("email")]
        identity.release_many("email", [(mail, id) for mail, id, still_his in given_up if mail not in still_his.split(";")])
    _release_unique(plan, [(name, _text(was[name]), id) for id, new, was in rows for name in plan.unique & new.keys() if was.get(name) is not None])


def _release_unique(plan: Plan, rows: Sequence[tuple[str, str, int]]) -> None:
    if rows:
        sql.run(
            "DELETE FROM unique_value AS u USING unnest(%s::text[], %s::text[], %s::bigint[]) AS r(name, value, id)"
            " WHERE u.value = r.value AND u.name = r.name AND u.object_type = %s AND u.record_id = r.id",
            [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], plan.object_type],
        )


def set_archived(object_type: str, ids: Sequence[int], archived: bool, *, actor: Actor) -> dict[int, DomainError | bool]:
    """Put records aside or take them back; an outcome for each id: the fault, or whether it was not so before. In the caller's transaction.

    What one record may have only is free while it is aside; one that comes back needs it again.
    """
    plan = Plan(object_type, actor, "", clock.now())
    of_type = "" if plan.people else " AND object_type = %s"
    rows = sql.rows(
        f"SELECT id, properties::text, archived_at IS NOT NULL FROM {plan.table} WHERE id = ANY(%s){of_type}",
        [list(ids), *([] if plan.people else [object_type])],
    )
    outcomes: dict[int, DomainError | bool] = {id: NotFound(_("There is no such record.")) for id in ids}
    outcomes |= {id: False for id, _text, was in rows if was == archived}
    turned: dict[int, tuple[int, Row, Row]] = {id: (id, json.loads(text), {}) for id, text, was in rows if was != archived}
    if not archived:
        for id, conflict in _claim(plan, turned).items():
            outcomes[id] = conflict
            del turned[id]
    done = dict(
        sql.rows(
            f"UPDATE {plan.table} SET archived_at = %s, updated_at = %s WHERE id = ANY(%s) AND (archived_at IS NULL) = %s"
            " RETURNING id, coalesce(properties ->> %s, '')",
            [plan.now if archived else None, plan.now, sorted(turned), archived, life.PROPERTY],
        )
    )
    if plan.people:
        moves = [Move(id, stage, "") if archived else Move(id, "", stage) for id, stage in sorted(done.items())]
        ledger.book(moves, at=plan.now, actor=actor, source="archive" if archived else "restore")
    if archived:
        _give_up(plan, [(id, values, values) for id, values, _was in turned.values() if id in done])
        if plan.people:
            identity.release_all(sorted(done))
    elif plan.people:
        _claim_others(plan, {id: values for id, values, _was in turned.values() if id in done})
    trail.write(object_type, [(id, "archived", not archived, archived) for id in sorted(done)], actor, "", plan.now)
    tell(object_type, {id: {"archived": archived} for id in done})
    likeness.note(object_type, sorted(done))
    if plan.people:
        changes.append(Change(id, "identity") for id in sorted(done))
    return outcomes | {id: id in done for id in turned}


def tell(object_type: str, changed: Mapping[int, Iterable[str]], noted: Mapping[tuple[int, str], int] | None = None) -> None:
    """Tell the tick and open pages which properties of which records changed; `noted`: under which numbers the history has it."""
    if not changed:
        return

    def fact(id: int, *names: str) -> str:
        return ",".join(str(noted[id, name]) for name in names if (id, name) in noted) if noted else ""

    if object_type == "contact":
        changes.append(Change(id, "property", name, fact(id, name)) for id, names in changed.items() for name in names)
    if len(changed) <= WATCHED:
        live.changed("contact" if object_type == "contact" else "record", changed)
    if object_type == "contact":
        return
    if object_type == "company":
        changes.append(Change(id, "company", name) for id, names in changed.items() for name in names)
    if not types.get(object_type).activity:
        changes.append(Change(id, "record", f"{object_type}:{','.join(sorted(names))}", fact(id, *sorted(names))) for id, names in changed.items())
    linked = sql.rows("SELECT DISTINCT from_id, to_id FROM association WHERE from_id = ANY(%s) AND to_type = 'contact'", [list(changed)])
    changes.append(
        Change(contact_id, "property", f"{object_type}.{name}", f"{id}:{fact(id, name)}" if fact(id, name) else "")
        for id, contact_id in linked
        for name in changed[id]
    )
