"""What a table keeps about people and records: how its rows follow a merge and come back, how they are erased, blanked and copied.

Every package lists its tables in a module `datamap` (`PARTS`); together they are Baton's data map. Nothing else knows them all, so a merge, an erasure and
a person's copy reach upper packages although crm never names one. tests/crm/test_datamap.py refuses a table about people that is in no list.
"""

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any, Literal

from django.apps import apps
from django.db import connection, models

import baton
from baton.platform import sql
from baton.platform.models import BUCKETS

Image = dict[str, Any]  # a whole row as JSON
Key = list[str]  # the values of a row's key beside its owner, as text


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that become one, or were one."""

    object_type: str
    keep: int
    gone: int
    at: datetime  # of the merge
    actor: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who is erased: every id he had, and what tells who he is."""

    ids: list[int]  # his own and those merged into it
    values: list[str]  # addresses and numbers, in every form they are written
    names: list[str]  # full name; others may have the same, so it is looked for in what is linked to him only
    cookies: list[str]
    word: str  # what stands in their place


class Part:
    """One place that keeps something. What a part does not need it leaves as here: nothing happens."""

    name = ""
    people_only = True  # false: also about companies, deals …

    def move(self, pair: Pair) -> Any:
        """Give what is `gone`'s to `keep`; returns what `back` needs, as JSON."""

    def back(self, pair: Pair, kept: Any) -> None:
        """Undo `move`, later rows included."""

    def erase(self, person: Person) -> None:
        """Leave no trace of the person."""

    def anonymise(self, person: Person) -> None:
        """Leave what is counted, and nothing that tells who it was."""

    def copy(self, ids: list[int]) -> list[Image]:
        """Everything about the person, row by row."""
        return []


@cache
def parts() -> dict[str, Part]:
    """The data map: all parts by name, lower packages first."""
    found: dict[str, Part] = {}
    order = ["crm", "events", "segments", "forms", "messaging", "automation"]
    packages = [info.name for info in pkgutil.iter_modules(baton.__path__) if info.ispkg]
    for package in sorted(packages, key=lambda name: (order.index(name) if name in order else len(order), name)):
        if find_spec(f"baton.{package}.datamap"):
            found |= {part.name: part for part in importlib.import_module(f"baton.{package}.datamap").PARTS}
    return found


class Rows(Part):
    """Rows of one table that belong to a contact (or record).

    key: what tells rows of one owner apart. stay: SQL condition on `o` of rows that keep their owner (what Baton concluded about him as he was).
    drop: of rows that are worked out anew, so that the survivor does not get them. tell_apart: a text column that is marked where both sides have the same
    value of it, with the other columns of that unique constraint. blank: what columns become when the person is anonymised; None: rows are left alone.
    """

    def __init__(
        self,
        table: str,
        key: Sequence[str],
        *,
        by: str = "contact_id",
        stay: str = "false",
        drop: str = "false",
        tell_apart: tuple[str, tuple[str, ...]] | None = None,
        blank: Mapping[str, Any] | Literal["delete"] | None = None,
        copied: bool = True,
    ) -> None:
        self.name, self.key, self.by = table, list(key), by
        self.stay, self.drop, self.tell_apart, self.blank, self.copied = stay, drop, tell_apart, blank, copied
        self.people_only = by == "contact_id"

    @cached_property
    def columns(self) -> dict[str, str]:
        """Column -> type in the database."""
        model: type[models.Model] = next(m for m in apps.get_models() if m._meta.db_table == self.name)
        return {str(f.column): str(f.db_type(connection)).replace("serial", "int") for f in model._meta.local_concrete_fields}

    # Merge -----------------------------------------------------------------

    def move(self, pair: Pair) -> Any:
        kept: dict[str, Any] = {}
        if dropped := self.images([pair.gone], f"({self.drop}) AND NOT ({self.stay})"):
            kept["dropped"] = dropped
            self.delete(pair.gone, [self.key_of(image) for image in dropped])
        keys = self.keys(pair.gone, f"NOT ({self.stay})")
        moved = self.carry(keys, pair.gone, pair.keep, mark=pair.gone)
        if moved:
            kept["moved"] = moved
        if len(moved) < len(keys):  # the survivor has the same already
            there = {tuple(key) for key in moved}
            left = [key for key in keys if tuple(key) not in there]
            kept["doubles"] = [image for image in self.images([pair.gone], f"NOT ({self.stay})") if self.key_of(image) in left]
        self.delete(pair.gone, keys)
        return kept or None

    def back(self, pair: Pair, kept: Any) -> None:
        kept = kept or {}
        if moved := kept.get("moved"):
            self.give(moved, pair.keep, pair.gone)
        self.put([*kept.get("dropped", []), *kept.get("doubles", [])])

    def give(self, keys: Sequence[Key], old: int, new: int) -> None:
        """Let rows belong to somebody else; those that are no more are passed over."""
        self.carry(keys, old, new, unmark=new)
        self.delete(old, keys)

    def keys(self, owner: int, test: str = "true", params: Sequence[Any] = ()) -> list[Key]:
        """The keys of the owner's rows that meet a condition on `o`, held until the transaction ends."""
        wanted = ", ".join(f"o.{column}::text" for column in self.key)
        found = sql.rows(
            f"SELECT {wanted} FROM {self.name} o JOIN (VALUES (%s::bigint)) AS owner(id) ON o.{self.by} = owner.id"
            f" WHERE owner.id = %s AND {test} FOR UPDATE OF o",
            [owner, owner, *params],
        )
        return [list(row) for row in found]

    def images(self, owners: Sequence[int], test: str = "true", params: Sequence[Any] = ()) -> list[Image]:
        """Whole rows as JSON."""
        found = sql.rows(f"SELECT to_jsonb(o)::text FROM {self.name} o WHERE o.{self.by} = ANY(%s) AND {test}", [list(owners), *params])
        return [json.loads(row[0]) for row in found]

    def key_of(self, image: Image) -> Key:
        """The key of a row as `keys` gives it. Times are compared as PostgreSQL writes them."""
        return [_as_text(image[column], self.columns[column]) for column in self.key]

    def carry(self, keys: Sequence[Key], old: int, new: int, *, mark: int = 0, unmark: int = 0) -> list[Key]:
        """Copy rows to another owner, except those he has already; returns the keys of what was copied."""
        if not keys:
            return []
        sign = ""
        values: list[str] = []
        params: list[Any] = []
        for column in self.columns:
            if column == self.by:
                values.append("%s")
                params.append(new)
            elif column == "bucket":
                values.append("%s")
                params.append(new % BUCKETS)
            elif self.tell_apart and column == self.tell_apart[0] and mark:
                sign = f"~{mark}"
                same = " AND ".join(f"x.{other} = o.{other}" for other in (column, *self.tell_apart[1]))
                values.append(f"o.{column} || CASE WHEN EXISTS (SELECT 1 FROM {self.name} x WHERE x.{self.by} = %s AND {same}) THEN %s ELSE '' END")
                params += [new, sign]
            elif self.tell_apart and column == self.tell_apart[0] and unmark:
                values.append(f"regexp_replace(o.{column}, %s, '')")
                params.append(f"~{unmark}$")
            else:
                values.append(f"o.{column}")
        back = ", ".join(f"{column}::text" for column in self.key)
        rows = sql.rows(
            f"INSERT INTO {self.name} ({', '.join(self.columns)}) SELECT {', '.join(values)} FROM {self.name} o JOIN {self._listed} ON {self._same}"
            f" WHERE o.{self.by} = %s ON CONFLICT DO NOTHING RETURNING {back}",
            [*params, *self._unzipped(keys), old],
        )
        return [list(row) for row in rows]

    def delete(self, owner: int, keys: Sequence[Key]) -> None:
        if keys:
            sql.run(
                f"DELETE FROM {self.name} o USING {self._listed} WHERE o.{self.by} = %s AND {self._same}",
                [*self._unzipped(keys), owner],
            )

    def put(self, images: Sequence[Image]) -> None:
        """Insert rows as they were, where there is none of their key."""
        if images:
            columns = ", ".join(self.columns)
            sql.run(
                f"INSERT INTO {self.name} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{self.name}, %s::jsonb) ON CONFLICT DO NOTHING",
                [json.dumps(list(images), ensure_ascii=False)],
            )

    @property
    def _listed(self) -> str:
        names = [f"k{number}" for number in range(len(self.key))]
        return f"unnest({', '.join('%s::text[]' for _ in names)}) AS r({', '.join(names)})"

    @property
    def _same(self) -> str:
        return " AND ".join(f"o.{column} = r.k{number}::{self.columns[column]}" for number, column in enumerate(self.key))

    def _unzipped(self, keys: Sequence[Key]) -> list[list[str]]:
        return [[key[place] for key in keys] for place in range(len(self.key))]

    # Privacy ---------------------------------------------------------------

    def erase(self, person: Person) -> None:
        sql.run(f"DELETE FROM {self.name} o WHERE o.{self.by} = ANY(%s)", [person.ids])

    def anonymise(self, person: Person) -> None:
        if self.blank == "delete":
            self.erase(person)
        elif self.blank:
            columns = ", ".join(f"{column} = %s" for column in self.blank)
            sql.run(f"UPDATE {self.name} o SET {columns} WHERE o.{self.by} = ANY(%s)", [*self.blank.values(), person.ids])

    def copy(self, ids: list[int]) -> list[Image]:
        return self.images(ids) if self.copied else []


class One(Rows):
    """Rows of which a person has at most one of a key: when both have one, `pick(survivor's, other's)` says what the survivor has.

    After an undo the survivor has his own again, or, when the row changed meanwhile, what `since(his own, the row now)` says.
    """

    def __init__(
        self,
        table: str,
        key: Sequence[str],
        pick: Callable[[Image, Image], Image],
        since: Callable[[Image | None, Image], Image | None] = lambda _own, now: now,
        **more: Any,
    ) -> None:
        super().__init__(table, key, **more)
        self.pick, self.since = pick, since

    def move(self, pair: Pair) -> Any:
        theirs, ours = self._by_key(pair.gone), self._by_key(pair.keep)
        result = {key: {**(self.pick(ours[key], row) if key in ours else row), self.by: pair.keep} for key, row in theirs.items()}
        self._set(pair.keep, result)
        self.delete(pair.gone, [list(key) for key in theirs])
        if not theirs:
            return None
        return {"theirs": list(theirs.values()), "ours": [ours[key] for key in theirs if key in ours], "result": list(self._only(pair.keep, theirs).values())}

    def back(self, pair: Pair, kept: Any) -> None:
        if not kept:
            return
        ours, result = self._keyed(kept["ours"]), self._keyed(kept["result"])
        now = self._only(pair.keep, result)
        after = {key: ours.get(key) if now[key] == result[key] else self.since(ours.get(key), now[key]) for key in result if key in now}
        self._set(pair.keep, {key: row for key, row in after.items() if row is not None})
        self.delete(pair.keep, [list(key) for key, row in after.items() if row is None])
        self.put(kept["theirs"])

    def _keyed(self, images: Iterable[Image]) -> dict[tuple[str, ...], Image]:
        return {tuple(self.key_of(image)): image for image in images}

    def _by_key(self, owner: int) -> dict[tuple[str, ...], Image]:
        return self._keyed(self.images([owner]))

    def _only(self, owner: int, keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], Image]:
        wanted = set(keys)
        return {key: image for key, image in self._by_key(owner).items() if key in wanted}

    def _set(self, owner: int, rows: Mapping[tuple[str, ...], Image]) -> None:
        self.delete(owner, [list(key) for key in rows])
        self.put([{**row, self.by: owner} for row in rows.values()])

    def delete(self, owner: int, keys: Sequence[Key]) -> None:
        if self.key:
            super().delete(owner, keys)
        elif keys:
            sql.run(f"DELETE FROM {self.name} o WHERE o.{self.by} = %s", [owner])


class Mentions(Rows):
    """Rows of a local table that mention a contact and stay where they are: only the mention changes."""

    def __init__(self, table: str, key: str = "id", *, by: str = "contact_id", **more: Any) -> None:
        super().__init__(table, [key], by=by, **more)

    def move(self, pair: Pair) -> Any:
        column = self.key[0]
        rows = sql.rows(f"UPDATE {self.name} o SET {self.by} = %s WHERE o.{self.by} = %s RETURNING o.{column}::text", [pair.keep, pair.gone])
        return {"moved": [row[0] for row in rows]} if rows else None

    def back(self, pair: Pair, kept: Any) -> None:
        if kept:
            column = self.key[0]
            sql.run(
                f"UPDATE {self.name} o SET {self.by} = %s WHERE o.{self.by} = %s AND o.{column} = ANY(%s::{self.columns[column]}[])",
                [pair.gone, pair.keep, kept["moved"]],
            )


class Strict(One):
    """Permissions: a refusal of either counts. One given while the two were one counts for both after an undo."""

    def __init__(self, table: str, key: Sequence[str], refusal: Callable[[Image], bool], pick: Callable[[Image, Image], Image], **more: Any) -> None:
        super().__init__(table, key, pick, **more)
        self.refusal = refusal

    def back(self, pair: Pair, kept: Any) -> None:
        later = [row for row in self.images([pair.keep]) if self.refusal(row) and datetime.fromisoformat(row["at"]) > pair.at]
        super().back(pair, kept)
        self._set(pair.gone, self._keyed(later))


class Stays(Rows):
    """Rows that keep the id they were written for: they are read under every id of a person."""

    def move(self, pair: Pair) -> Any:
        return None

    def back(self, pair: Pair, kept: Any) -> None:
        return None


class Nothing(Part):
    """A table that names contacts or records and needs nothing done, with the reason."""

    def __init__(self, table: str, why: str) -> None:
        self.name, self.why = table, why


def _as_text(value: Any, type: str) -> str:
    if type == "timestamp with time zone":
        return sql.rows("SELECT %s::timestamptz::text", [value])[0][0]  # type: ignore[no-any-return]
    return str(value)
