"""Some rows of an import, written in the caller's transaction: records made and changed, links, consent, and what it takes to undo them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.crm import contacts, identity, records
from baton.crm.imports import lookup
from baton.crm.imports.consents import write as write_consents
from baton.crm.imports.links import write as write_links
from baton.crm.imports.lookup import Key
from baton.crm.imports.notes import Note, note
from baton.crm.imports.options import BROUGHT
from baton.crm.imports.plan import Item, Plan, Problem
from baton.crm.imports.targets import unique_names
from baton.crm.models import Import
from baton.platform import changes, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import Conflict, DomainError, Invalid

SOURCE = "import"
WEAK = ("name", "domain")  # what two records may have in common
TRIES = 4  # of a row whose values are refused: each time without those that were


@dataclass
class Chunk:
    row: Import
    plan: Plan
    items: list[Item]
    actor: Actor
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)
    placed: dict[int, dict[str, int]] = field(default_factory=dict)  # number of a row -> object type -> record id
    made: dict[str, list[int]] = field(default_factory=dict)  # object type -> ids of new records
    fate: dict[int, str] = field(default_factory=dict)  # number of a row -> created, updated, same, double, skipped, faulty

    @cached_property
    def held(self) -> rights.Rights:
        """What whoever imports may do: a file reaches no further than he does."""
        return rights.of_actor(self.actor)

    def write(self) -> None:
        """Everything of these rows. What a row could not give is a problem of its item afterwards."""
        main = self.plan.object_type
        for kind in [*self.plan.kinds, *sorted({kind for item in self.items for kind in item.values} - set(self.plan.kinds))]:
            self._records(kind, main in ("activity", kind))
        live = [item for item in self.items if not item.lost and item.number in self.placed]
        self.counts["linked"] += write_links(self.row.pk, live, self.placed, self.notes, self.actor)
        if main == "contact":
            write_consents(self.row.pk, live, self.placed, self.plan.options, self.actor, SOURCE)
            self._met(live)
        self._created_at(live)
        for item in self.items:
            fate = self.fate.get(item.number) or ("same" if item.number in self.placed else "faulty")
            if item.lost and fate != "skipped":
                fate = "faulty"
            self.counts[fate] += 1
            if item.problems and fate not in ("faulty", "skipped"):
                self.counts["partly"] += 1
        if kept := sum(item.kept for item in self.items):
            self.notes.append(note("PHONE_KEPT", rows=kept))

    def _met(self, items: Sequence[Item]) -> None:
        """Whoever was at the occasion: the tick makes an event of it (events/offline.py)."""
        if self.plan.options.occasion:
            met = {self.placed[item.number]["contact"]: item.minutes for item in items if "contact" in self.placed[item.number]}
            changes.append(Change(id, "attended", f"{self.row.pk}:{'' if minutes is None else f'{minutes:g}'}") for id, minutes in sorted(met.items()))

    def _new(self, kind: str, item: Item) -> dict[str, Any]:
        """The values of a new record. Who was met at an occasion came by it, unless the file says otherwise."""
        brought = BROUGHT.get(self.plan.options.occasion) if kind == "contact" else None
        return {"lead_source": brought, **item.values[kind]} if brought else item.values[kind]

    def _records(self, kind: str, main: bool) -> None:
        wanted = [item for item in self.items if not item.lost and (kind in item.values or kind in item.ids)]
        if not wanted:
            return
        asked = {item.number: self._keys(kind, item) for item in wanted}
        found = lookup.find(kind, {key for keys in asked.values() for key in keys})
        self._tell_apart(kind, wanted, asked, found)
        shared = self._shared(kind, wanted)
        creates: list[list[Item]] = []  # rows of one new record, the first makes it
        slots: dict[Key, int] = {}
        updates: dict[int, list[Item]] = {}
        for item in wanted:
            ids = self._ids(kind, item, asked[item.number], found, shared)
            if ids is None:
                continue
            own = asked[item.number]
            sure = [key for key in own if key[0] in unique_names(kind)]  # with a number of its own a name is not enough
            slot = next((slots[key] for key in (sure or own) if key in slots), None) if not ids and item.number not in shared else None
            if ids:
                updates.setdefault(ids, []).append(item)
            elif slot is not None:
                creates[slot].append(item)
            elif kind in item.ids:
                self._lose(item, kind, main, Problem(self._header(kind, ""), "NOT_FOUND", _("There is no record {value}.").format(value=item.ids[kind])))
            elif self.plan.options.mode == "update" and main:
                self._skip(item, Problem("", "NOT_THERE", _("There is no such record yet, and this import makes none.")))
            elif not item.values.get(kind):
                continue
            else:
                creates.append([item])
                for key in own:
                    slots.setdefault(key, len(creates) - 1)
        self._create(kind, main, creates, updates)
        self._update(kind, main, updates)

    def _keys(self, kind: str, item: Item) -> list[Key]:
        if kind in item.ids:
            return [("id", str(item.ids[kind]))]
        return lookup.keys(kind, item.values.get(kind, {}), emails=item.emails if kind == "contact" else ())

    def _tell_apart(self, kind: str, items: Sequence[Item], asked: dict[int, list[Key]], found: Mapping[Key, list[int]]) -> None:
        """A row with the number another system gave it is not about a record of the same name that has another such number."""
        unique = unique_names(kind)
        doubtful: dict[int, list[tuple[Key, int]]] = {}
        for item in items:
            keys = asked[item.number]
            if any(key[0] in unique for key in keys) and not any(key in found for key in keys if key[0] not in WEAK):
                doubtful[item.number] = [(key, found[key][0]) for key in keys if key in found]
        rows = records.many(kind, {id for pairs in doubtful.values() for _key, id in pairs}) if doubtful else {}
        for number, pairs in doubtful.items():
            mine = {name: value for name, value in asked[number] if name in unique}
            wrong = {
                key for key, id in pairs if id in rows and any(str(rows[id].properties.get(name) or value).casefold() != value for name, value in mine.items())
            }
            asked[number] = [key for key in asked[number] if key not in wrong]

    def _shared(self, kind: str, items: Sequence[Item]) -> dict[int, int | None]:
        """Of contacts whose address several people read: which of them a row is about, by its name."""
        if kind != "contact":
            return {}
        mails = {str(item.values["contact"]["email"]): item for item in items if item.values.get("contact", {}).get("email") and "contact" not in item.ids}
        several = identity.shared_among(mails) if mails else set()
        about = [item for item in items if str(item.values.get("contact", {}).get("email") or "") in several]
        matched = lookup.match_contacts([item.values["contact"] for item in about]) if about else []
        return {item.number: id for item, id in zip(about, matched, strict=True)}

    def _ids(self, kind: str, item: Item, keys: Sequence[Key], found: Mapping[Key, list[int]], shared: Mapping[int, int | None]) -> int | None:
        """The record a row is about, 0 for none, None when the row contradicts itself (it is lost then)."""
        if item.number in shared:
            return shared[item.number] or 0
        sure = [found[key] for key in keys if key in found]
        if not sure:
            return 0
        first = sure[0][0]
        strong = {ids[0] for key in keys if key in found and key[0] not in WEAK for ids in [found[key]]}
        if len(strong) > 1:
            text = _("The values of this row belong to several records: {ids}.").format(ids=", ".join(map(str, sorted(strong))))
            self._lose(item, kind, True, Problem("", "AMBIGUOUS", text))
            return None
        return first

    def _create(self, kind: str, main: bool, groups: list[list[Item]], updates: dict[int, list[Item]]) -> None:
        if not main and not self.held.may(kind, "create"):
            for item in (item for group in groups for item in group):
                self._lose(item, kind, main, Problem("", "FORBIDDEN", rights.refusal()))
            return
        left = groups
        for attempt in range(TRIES):
            if not left:
                return
            outcomes = records.create_many(kind, [self._new(kind, group[0]) for group in left], actor=self.actor, source=SOURCE)
            again = []
            for group, outcome in zip(left, outcomes, strict=True):
                first = group[0]
                if isinstance(outcome, int):
                    self._place(first, kind, outcome, main, "created")
                    self.made.setdefault(kind, []).append(outcome)
                    if group[1:]:
                        updates.setdefault(outcome, []).extend(group[1:])
                elif isinstance(outcome, Conflict) and outcome.existing_id and kind == "contact":
                    updates.setdefault(outcome.existing_id, []).extend(group)  # somebody made it a moment ago
                elif attempt < TRIES - 1 and self._spare(first, kind, outcome):
                    again.append(group)
                else:
                    self._lose(first, kind, main, None)
                    if group[1:]:
                        again.append(group[1:])
            left = again
        for group in left:
            for item in group:
                self._lose(item, kind, main, Problem("", "FAULTY", _("The row could not be written.")))

    def _update(self, kind: str, main: bool, groups: Mapping[int, list[Item]]) -> None:
        mode = self.plan.options.mode
        fresh = set(self.made.get(kind, ()))
        earlier = self._earlier(groups.keys() - fresh)
        groups = self._reached(kind, main, groups, fresh | earlier)
        before = {id: dict(row.properties) for id, row in records.many(kind, groups).items()}
        wanted: dict[int, dict[str, Any]] = {}
        for id, items in groups.items():
            for item in items:
                mine = id in fresh or id in earlier
                if mode == "create" and main and not mine:
                    self._place(item, kind, id, False, "")
                    self._skip(item, Problem("", "THERE", _("The record is there already and was left as it is.")))
                    continue
                if mode == "create" and not main and not mine:
                    self._place(item, kind, id, False, "")
                    continue
                values = dict(item.values.get(kind, {}))
                if kind == "contact" and values.get("email") and before.get(id, {}).get("email") not in (None, values["email"]):
                    values.pop("email")  # he is known by another address; this one is his too
                wanted[id] = {**wanted.get(id, {}), **values}
                self._place(item, kind, id, main, "double" if mine or item is not items[0] else "updated")
        for _attempt in range(2):
            faulty = {}
            for id, fault in records.update_many(kind, wanted, actor=self.actor, source=SOURCE).items():
                if fault is not None:
                    faulty[id] = fault
            wanted = {}
            for id, fault in faulty.items():
                for item in groups[id]:
                    if self._spare(item, kind, fault):
                        wanted[id] = {**wanted.get(id, {}), **item.values.get(kind, {})}
                    else:
                        self._lose(item, kind, main, None)
            if not wanted:
                break
        self._remember(kind, before, fresh, main)

    def _reached(self, kind: str, main: bool, groups: Mapping[int, list[Item]], own: set[int]) -> Mapping[int, list[Item]]:
        """Those of the records that may be changed. Others that are seen are linked and stay as they are; the rest is nothing to this import."""
        if self.held.scope(kind, "edit") == "all":
            return groups
        rows = records.many(kind, groups.keys() - own)
        left = {}
        for id, items in groups.items():
            owner = [rows[id].owner_id] if id in rows else []
            if id in own or self.held.may(kind, "edit", owner):
                left[id] = items
                continue
            for item in items:
                if not main and self.held.may(kind, "view", owner):
                    item.values.pop(kind, None)
                    item.emails = [] if kind == "contact" else item.emails
                    self._place(item, kind, id, False, "")
                else:
                    self._lose(item, kind, main, Problem("", "FORBIDDEN", rights.refusal()))
        return left

    def _spare(self, item: Item, kind: str, fault: DomainError | int) -> bool:
        """Leave out the values a row was refused for; whether anything is left to try again with."""
        if isinstance(fault, Invalid):
            names = [problem.path.removeprefix("properties.") for problem in fault.problems]
            for name, problem in zip(names, fault.problems, strict=True):
                item.problems.append(Problem(self._header(kind, name), problem.code, problem.message))
            own = item.values.get(kind, {})
            gone = [own.pop(name, None) for name in names]
            return bool(own) and self.plan.options.faulty == "rest" and any(value is not None for value in gone)
        item.problems.append(Problem("", "CONFLICT", str(fault)))
        return False

    def _header(self, kind: str, name: str) -> str:
        return self.plan.header_of.get((kind, name), "")

    def _place(self, item: Item, kind: str, id: int, main: bool, fate: str) -> None:
        self.placed.setdefault(item.number, {})[kind] = id
        if main:
            self.fate[item.number] = fate

    def _lose(self, item: Item, kind: str, main: bool, problem: Problem | None) -> None:
        if problem is not None:
            item.problems.append(problem)
        item.values.pop(kind, None)
        item.ids.pop(kind, None)
        self.placed.get(item.number, {}).pop(kind, None)
        if main:
            item.lost = True
            self.fate[item.number] = "faulty"

    def _skip(self, item: Item, problem: Problem) -> None:
        item.problems.append(problem)
        item.lost = True
        self.fate[item.number] = "skipped"

    def _earlier(self, ids: Iterable[int]) -> set[int]:
        """Those this import has written in an earlier chunk."""
        return {row[0] for row in sql.rows("SELECT record_id FROM import_change WHERE record_id = ANY(%s) AND import_id = %s", [list(ids), self.row.pk])}

    def _remember(self, kind: str, before: Mapping[int, dict[str, Any]], fresh: set[int], main: bool) -> None:
        """Keep what was done, so that it can be undone; rows that changed nothing count as such."""
        after = {id: row.properties for id, row in records.many(kind, before.keys() - fresh).items()}
        rows: list[tuple[int, bool, str, str]] = [(id, True, "{}", "{}") for id in self.made.pop(kind, [])]
        same = set()
        for id, new in after.items():
            old = before[id]
            names = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
            if not names:
                same.add(id)
            rows.append((id, False, json.dumps({name: old.get(name) for name in names}), json.dumps({name: new.get(name) for name in names})))
        for number, fate in self.fate.items():
            if main and fate == "updated" and self.placed.get(number, {}).get(kind) in same:
                self.fate[number] = "same"
        if kind == "contact":
            self._emails(before, fresh)
        if rows:
            sql.run(
                "INSERT INTO import_change (import_id, record_id, object_type, created, before, after)"
                " SELECT %s, r.id, %s, r.created, r.before, r.after"
                " FROM unnest(%s::bigint[], %s::boolean[], %s::jsonb[], %s::jsonb[]) AS r(id, created, before, after)"
                " ON CONFLICT (record_id, import_id) DO UPDATE"
                " SET before = excluded.before || import_change.before, after = import_change.after || excluded.after",
                [self.row.pk, kind, *(list(column) for column in zip(*rows, strict=True))],
            )

    def _emails(self, before: Mapping[int, dict[str, Any]], fresh: set[int]) -> None:
        """Addresses beside the primary one: few people have some, so each is added by itself."""
        for item in self.items:
            id = self.placed.get(item.number, {}).get("contact")
            if id is None or item.lost:
                continue
            own = str(item.values.get("contact", {}).get("email") or "")
            more = [*item.emails, *([own] if own and id not in fresh and before.get(id, {}).get("email", own) != own else [])]
            if not more:
                continue
            have = {address.email for address in contacts.emails(id)}
            for mail in more:
                if mail not in have:
                    try:
                        contacts.add_email(id, mail, actor=self.actor, source=SOURCE)
                    except DomainError as error:
                        item.problems.append(Problem(self._header("contact", "email"), "CONFLICT", str(error)))

    def _created_at(self, items: Sequence[Item]) -> None:
        """When records of another system were made there."""
        for kind in {kind for item in items for kind in item.created}:
            at = {}
            for item in items:
                for one, id in self.placed[item.number].items():
                    if (one == kind or kind == "activity") and kind in item.created and self.fate.get(item.number) == "created":
                        at[id] = item.created[kind]
            table = "contact" if kind == "contact" else "record"
            sql.run(
                f"UPDATE {table} AS t SET created_at = r.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) WHERE t.id = r.id",
                [list(at), list(at.values())],
            )
