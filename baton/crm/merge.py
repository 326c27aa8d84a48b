"""Two records become one, and two again.

The one that stays keeps its id; the other's id leads to it for ever. Nothing is thrown away: `Merge.kept` says what belonged to whom, part by part of the
data map, so that a merge can be undone long after, with what happened meanwhile given back to whom it belongs. The rules are in docs/duplicates.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.crm import contacts, identity, ledger, life, records, types
from baton.crm import duplicates as likeness
from baton.crm import properties as definitions
from baton.crm.models import Contact, Merge, PropertyDefinition, Record
from baton.crm.part import Image, Pair, Rows, parts
from baton.platform import changes, clock, history, live, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import Conflict, Invalid, NotFound, Problem
from baton.platform.transaction import retrying

Side = Literal["keep", "gone"]
SOURCE = "merge"
PEOPLE = ("user", "token", "system")  # who may merge; everything else only joins a visitor to a contact (events/identity.py)
ROUNDS = 3  # how often two records are looked for again that others merge at the same moment


@dataclass(frozen=True, slots=True)
class Field:
    """One property of the two. `why`: same, only (one has it), stage (the further one), kept (the survivor's), chosen."""

    name: str
    label: str
    keep: Any
    gone: Any
    wins: Side
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would do. `refused`: channels on which the one left must not be written to because one of the two said no."""

    object_type: str
    keep: Contact | Record
    gone: Contact | Record
    fields: list[Field]
    emails: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Undone:
    """The two records, and the names of what the second one did not get back because a third has it by now."""

    object_type: str
    keep_id: int
    gone_id: int
    missing: list[str]


# Looking --------------------------------------------------------------------


def preview(object_type: str, keep_id: int, gone_id: int, choices: Mapping[str, Side] | None = None) -> Preview:
    """Field by field: both values, which wins, and why. Raises NotFound, Conflict when they are one already, Invalid (`choices.<name>`)."""
    keep, gone = records.get(object_type, keep_id), records.get(object_type, gone_id)
    _two(keep.id, gone.id)
    fields = _fields(object_type, keep.properties, gone.properties, choices or {})
    if object_type != "contact":
        return Preview(object_type, keep, gone, fields)
    emails = dict.fromkeys(a.email for id in (keep.id, gone.id) for a in contacts.emails(id))
    refused = sql.rows("SELECT DISTINCT channel FROM consent WHERE contact_id = ANY(%s) AND NOT granted ORDER BY channel", [[keep.id, gone.id]])
    return Preview(object_type, keep, gone, fields, list(emails), [row[0] for row in refused])


def absorbed(id: int) -> list[int]:
    """The ids that lead to this record because theirs were merged into it, first merged first."""
    return [int(row[0]) for row in sql.rows("SELECT value FROM identity WHERE contact_id = %s AND kind = 'merged' ORDER BY created_at, value", [id])]


def of_record(id: int) -> list[Merge]:
    """The merges into a record, newest first, without what they remember."""
    return list(Merge.objects.filter(record_id=id).defer("kept", "changed").order_by("-id")[:50])


def get(merge_id: int) -> Merge:
    """One merge, without what it remembers. Raises NotFound."""
    found = Merge.objects.filter(id=merge_id).defer("kept").first()
    if found is None:
        raise NotFound(_("There is no such merge."))
    return found


def _two(keep_id: int, gone_id: int) -> None:
    if keep_id == gone_id:
        raise Conflict(_("These two are one record already."), existing_id=keep_id)


def _fields(object_type: str, keep: Image, gone: Image, choices: Mapping[str, Side]) -> list[Field]:
    known = {name: d for name, d in definitions.definitions(object_type).items() if not d.read_only}
    problems = [
        Problem(f"choices.{name}", "INVALID_OPTION", _('Choose "keep" or "gone" for a property the two have.'))
        for name, side in choices.items()
        if name not in known or side not in ("keep", "gone")
    ]
    if problems:
        raise Invalid(problems)
    return [_field(d, keep.get(name), gone.get(name), choices.get(name)) for name, d in known.items() if name in keep or name in gone]


def _field(definition: PropertyDefinition, ours: Any, theirs: Any, choice: Side | None) -> Field:
    wins: Side = "keep"
    why = "kept"
    if ours == theirs:
        why = "same"
    elif choice and not (definition.name == "email" and theirs is None):
        wins, why = choice, "chosen"
    elif ours is None or theirs is None:
        wins, why = ("gone" if ours is None else "keep"), "only"
    elif definition.name == life.PROPERTY and (further := _further(ours, theirs)):
        wins, why = further, "stage"
    return Field(definition.name, definitions.label(definition), ours, theirs, wins, why)


def _further(ours: Any, theirs: Any) -> Side | None:
    """Who is further on the way; None when one of them stands beside it."""
    stages = life.by_key()
    here, there = stages.get(str(ours)), stages.get(str(theirs))
    if here is None or there is None or not (here.on_the_way and there.on_the_way):
        return None
    return "gone" if there.rank > here.rank else "keep"


# Merging --------------------------------------------------------------------


@retrying
def merge(object_type: str, keep_id: int, gone_id: int, choices: Mapping[str, Side] | None = None, *, actor: Actor) -> int:
    """Make one record of two, in one transaction; returns the id of the merge. `choices` overrule the preview, by property.

    Ids of records that were merged themselves mean the ones they were merged into. Raises Forbidden, NotFound, Conflict, Invalid (`choices.<name>`).
    """
    if actor.kind not in PEOPLE:
        raise Conflict(_("Only people merge records."))
    types.get(object_type)
    with transaction.atomic():
        keep, gone = _hold(object_type, keep_id, gone_id)
        rights.of_actor(actor).require(object_type, "merge", [keep["owner_id"], gone["owner_id"]])
        now = clock.now()
        pair = Pair(object_type, keep["id"], gone["id"], now, str(actor))
        fields = _fields(object_type, keep["properties"], gone["properties"], choices or {})
        kept: dict[str, Any] = {"gone": gone, "updated_at": keep["updated_at"]}
        kept["identities"] = _move_identities(pair)
        kept["unique"] = sql.rows("DELETE FROM unique_value WHERE record_id = %s RETURNING value, name", [pair.gone])
        kept["parts"] = {name: part.move(pair) for name, part in parts().items() if object_type == "contact" or not part.people_only}
        sql.run(f"DELETE FROM {_table(object_type)} WHERE id = %s", [pair.gone])
        _book(pair, gone, actor, back=False)
        identity.claim("merged", str(pair.gone), pair.keep)
        wanted = {f.name: f.gone for f in fields if f.wins == "gone"}
        _write(pair, wanted, actor, chosen=choices or {})
        after = _row(object_type, pair.keep)
        changed = {
            name: [keep["properties"].get(name), after["properties"].get(name)]
            for name in (*wanted, life.SINCE)
            if keep["properties"].get(name) != after["properties"].get(name)
        }
        kept["written_at"] = after["updated_at"]
        id = sql.next_ids("record_id_seq", 1)[0]
        Merge.objects.create(
            record_id=pair.keep, id=id, gone_id=pair.gone, object_type=object_type, title=types.title(object_type, gone["properties"]),
            changed=changed, kept=kept, actor=str(actor), at=now,
        )  # fmt: skip
        history.record(actor, "merged", object_type, pair.keep, gone=pair.gone, merge=id)
        _tell(object_type, pair.keep)
        likeness.note(object_type, [pair.keep, pair.gone])
    return id


def _hold(object_type: str, keep_id: int, gone_id: int) -> tuple[Image, Image]:
    """Both rows, held until the transaction ends; a merge of one of them that ends first is followed."""
    for _round in range(ROUNDS):
        ids = [_now(keep_id), _now(gone_id)]
        _two(*ids)
        if object_type == "contact":
            changes.hold(ids)
        rows = {id: _row(object_type, id, hold=True) for id in sorted(ids)}
        if all(rows.values()):
            return rows[ids[0]], rows[ids[1]]
        if ids == [_now(keep_id), _now(gone_id)]:
            break
    raise NotFound(_("There is no such record."))


def _now(id: int) -> int:
    return identity.resolve(id)


def _table(object_type: str) -> str:
    return "contact" if object_type == "contact" else "record"


def _row(object_type: str, id: int, *, hold: bool = False) -> Image:
    """A live record's whole row as JSON; {} when there is none."""
    of_type = "" if object_type == "contact" else " AND object_type = %s"
    found = sql.rows(
        f"SELECT to_jsonb(o)::text FROM {_table(object_type)} o WHERE id = %s AND archived_at IS NULL{of_type}" + (" FOR UPDATE" if hold else ""),
        [id, *([object_type] if of_type else [])],
    )
    return json.loads(found[0][0]) if found else {}


def _move_identities(pair: Pair) -> list[list[str]]:
    """Addresses, ids of other systems and earlier merged ids point to the survivor. Cookies stay: they are led on by the merged id, so that what comes
    by them later can still be told apart."""
    rows = sql.rows("UPDATE identity SET contact_id = %s WHERE contact_id = %s AND kind <> 'cookie' RETURNING kind, value", [pair.keep, pair.gone])
    return [list(row) for row in rows]


def _book(pair: Pair, gone: Image, actor: Actor, *, back: bool) -> None:
    """The place of the one that goes is left, or, when a merge is undone, taken again."""
    stage = str(gone["properties"].get(life.PROPERTY) or "")
    if pair.object_type == "contact":
        move = ledger.Move(pair.gone, "", stage) if back else ledger.Move(pair.gone, stage, "")
        ledger.book([move], at=clock.now(), actor=actor, source=SOURCE)


def _write(pair: Pair, wanted: dict[str, Any], actor: Actor, *, chosen: Mapping[str, Side]) -> None:
    """Give the survivor what it takes over. A value that may not be written any more (an option that was archived) is left out unless somebody chose it."""
    if pair.object_type == "contact":
        contacts.others_changed(pair.keep, actor=actor)
    try:
        with transaction.atomic():
            records.update(pair.object_type, pair.keep, wanted, actor=actor, source=SOURCE, freedom="back")
    except Invalid as error:
        faulty = {problem.path.rpartition(".")[2] for problem in error.problems}
        if not faulty & wanted.keys() or faulty & chosen.keys():
            raise
        for name in faulty:
            wanted.pop(name, None)
        records.update(pair.object_type, pair.keep, wanted, actor=actor, source=SOURCE, freedom="back")


def _tell(object_type: str, *ids: int) -> None:
    """The tick works everything out anew, open pages reload, collectors forget whose cookie was whose."""
    if object_type == "contact":
        changes.append(Change(id, "identity") for id in ids)
        sql.run("NOTIFY baton_identity")
    else:
        linked = sql.rows("SELECT DISTINCT to_id FROM association WHERE from_id = ANY(%s) AND to_type = 'contact'", [list(ids)])
        changes.append(Change(contact_id, "property", f"{object_type}.*") for (contact_id,) in linked)
        if object_type == "company":
            changes.append(Change(id, "company") for id in ids)
    for id in ids:
        live.publish(f"{'contact' if object_type == 'contact' else 'record'}:{id}", what="changed")


# Undoing --------------------------------------------------------------------


@retrying
def undo(merge_id: int, *, actor: Actor) -> Undone:
    """Make two records of one again, in one transaction, with later events, messages and answers given back to whom they belong.

    Raises Forbidden, NotFound, and Conflict when it was undone already, or the survivor was archived or merged into another one: undo that first.
    """
    with transaction.atomic():
        found = get(merge_id)
        [kept_text, done] = sql.rows("SELECT kept::text, undone_at FROM merge WHERE record_id = %s AND id = %s FOR UPDATE", [found.record_id, merge_id])[0]
        if done:
            raise Conflict(_("This merge was undone already."))
        kept = json.loads(kept_text)
        pair = Pair(found.object_type, found.record_id, found.gone_id, found.at, found.actor)
        if pair.object_type == "contact":
            changes.hold([pair.keep, pair.gone])
        keep = _row(pair.object_type, pair.keep, hold=True)
        if not keep:
            raise Conflict(_("The record was merged into another one or archived. Undo that first."))
        rights.of_actor(actor).require(pair.object_type, "merge", [keep["owner_id"], kept["gone"]["owner_id"]])
        missing = _bring_back(pair, kept)
        _book(pair, kept["gone"], actor, back=True)
        for name, part in reversed(parts().items()):
            if name in kept["parts"]:
                part.back(pair, kept["parts"][name])
        _revert(pair, found, keep, kept, actor)
        Merge.objects.filter(record_id=pair.keep, id=merge_id).update(undone_at=clock.now(), undone_by=str(actor), kept={})
        history.record(actor, "unmerged", pair.object_type, pair.keep, gone=pair.gone, merge=merge_id)
        _tell(pair.object_type, pair.keep, pair.gone)
        likeness.note(pair.object_type, [pair.keep, pair.gone])
    return Undone(pair.object_type, pair.keep, pair.gone, missing)


def _bring_back(pair: Pair, kept: dict[str, Any]) -> list[str]:
    """The row that went, with the identities and unique values that nobody else has by now; returns the names of the others."""
    gone, table = kept["gone"], _table(pair.object_type)
    identity.release("merged", str(pair.gone), pair.keep)
    kinds, texts = [row[0] for row in kept["identities"]], [row[1] for row in kept["identities"]]
    sql.run(
        "UPDATE identity i SET contact_id = %s FROM unnest(%s::text[], %s::text[]) AS r(kind, value)"
        " WHERE i.kind = r.kind AND i.value = r.value AND i.contact_id = %s",
        [pair.gone, kinds, texts, pair.keep],
    )
    missing: list[str] = []
    if pair.object_type == "contact":
        mails = [value for kind, value in kept["identities"] if kind == "email"]
        owners = identity.claim_many("email", {mail: pair.gone for mail in mails})
        lost = {mail for mail in mails if owners[mail][0] != pair.gone and not owners[mail][1]}
        missing += sorted(lost)
        if gone["email"] in lost:
            gone["email"] = ""
            gone["properties"].pop("email", None)
        if others := [mail for mail in str(gone["properties"].get("additional_emails") or "").split(";") if mail]:
            gone["properties"]["additional_emails"] = ";".join(mail for mail in others if mail not in lost)
    if kept["unique"]:
        sql.run(
            "INSERT INTO unique_value (value, name, object_type, record_id) SELECT r.value, r.name, %s, %s"
            " FROM unnest(%s::text[], %s::text[]) AS r(value, name) ON CONFLICT DO NOTHING",
            [pair.object_type, pair.gone, [row[0] for row in kept["unique"]], [row[1] for row in kept["unique"]]],
        )
    columns = {**Rows(table, ["id"]).columns, "search": "tsvector"}  # the last one is none the model reads
    shape = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    sql.run(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns)} FROM jsonb_to_record(%s::jsonb) AS r({shape})",
        [json.dumps(gone, ensure_ascii=False)],
    )
    return missing


def _revert(pair: Pair, found: Merge, keep: Image, kept: dict[str, Any], actor: Actor) -> None:
    """The survivor's values as they were, except those that somebody changed since; a value that a later merge took over is forgotten there."""
    later = list(Merge.objects.filter(record_id=pair.keep, id__gt=found.id, undone_at=None).order_by("id"))
    wanted: dict[str, Any] = {}
    for name, (before, after) in found.changed.items():
        over = next((m for m in later if name in m.changed and m.changed[name][0] == after), None)
        if over is not None:
            over.changed[name][0] = before
        elif keep["properties"].get(name) == after:
            filler = next((m for m in later if before is None and name in m.kept["gone"]["properties"]), None)
            wanted[name] = filler.kept["gone"]["properties"][name] if filler else before
            if filler:
                filler.changed[name] = [None, wanted[name]]
    for other in later:
        Merge.objects.filter(record_id=other.record_id, id=other.id).update(changed=other.changed)
    since = {life.SINCE: wanted.pop(life.SINCE)} if life.SINCE in wanted else {}
    unique = {row[1]: row[0] for row in kept["unique"]}
    given = {name: value for name, value in wanted.items() if name in unique}
    if wanted:
        _restore_values(pair, wanted, actor)
    if since and life.PROPERTY in wanted:
        records.derive(pair.object_type, [pair.keep], since, actor=actor)
    if given:  # the survivor gave up what the other one had; it is his again
        sql.run(
            "INSERT INTO unique_value (value, name, object_type, record_id) SELECT r.value, r.name, %s, %s"
            " FROM unnest(%s::text[], %s::text[]) AS r(value, name) ON CONFLICT DO NOTHING",
            [pair.object_type, pair.gone, [unique[name] for name in given], list(given)],
        )
    if pair.object_type == "contact":
        contacts.others_changed(pair.keep, actor=actor)
    if keep["updated_at"] == kept["written_at"]:
        sql.run(f"UPDATE {_table(pair.object_type)} SET updated_at = %s WHERE id = %s", [kept["updated_at"], pair.keep])


def _restore_values(pair: Pair, wanted: Mapping[str, Any], actor: Actor) -> None:
    """Write values back one by one where they do not pass together: what is refused today stays as it is."""
    try:
        with transaction.atomic():
            records.update(pair.object_type, pair.keep, wanted, actor=actor, source=SOURCE, freedom="any")
    except (Invalid, Conflict):
        if len(wanted) > 1:
            for name, value in wanted.items():
                _restore_values(pair, {name: value}, actor)


def summary(merges: Sequence[Merge]) -> list[tuple[int, str, datetime, bool]]:
    """(merge id, what the other was called, when, whether it was undone) for a record's history."""
    return [(m.id, m.title, m.at, m.undone_at is not None) for m in merges]
