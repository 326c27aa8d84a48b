"""One page of a table, in a fixed number of statements however many rows and columns it shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.crm import associations, properties, records, types
from baton.crm.models import Contact, Record
from baton.platform import sql
from baton.segments import finder
from baton.segments.models import ScoreModel

from ..templatetags.fmt import about, ago, num
from . import columns, values
from .columns import Column
from .table import Table

PAGE = 50
DEEPEST = 400  # pages that can be opened by their number; further ones follow from the page before
CHANNELS = (("email", "mail"), ("kakaotalk", "message-circle"), ("sms", "smartphone"))
ON_THE_RIGHT = ("amount", "price", "priority")  # what a phone shows at the end of the line, with stages and points
LINKED = {"contacts": "contact", "deals": "deal"}  # columns that count


@dataclass(frozen=True, slots=True)
class Linked:
    """A record another one is linked to."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. `text` is what people read; `raw` what is stored, or for what is no property a number, a time, a link, consents."""

    column: Column
    text: str
    raw: Any = None
    editable: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One record as the table shows it."""

    id: int
    title: str
    below: str  # the second line: a person's address
    phone: str  # the second line on a phone
    cells: list[Cell]
    editable: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with how many there are in all; `exact` is false where the count is an estimate."""

    rows: list[Row]
    number: int
    more: bool
    total: int
    exact: bool

    @property
    def shown(self) -> str:
        """How many, as people read it."""
        return num(self.total) if self.exact else about(self.total)

    @property
    def cursor(self) -> int:
        """Where the next page goes on."""
        return self.rows[-1].id if self.rows else 0

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return (self.number - 1) * PAGE + len(self.rows)


def page(table: Table) -> Page:
    """The rows an address asks for. Raises Invalid when its filter cannot be compiled."""
    if table.after is not None and table.number > 1:
        number = table.number
        ids = finder.ids(table.find, limit=PAGE + 1, after=table.after)
    else:
        number = min(table.number, DEEPEST)
        ids = finder.ids(table.find, limit=PAGE + 1, offset=(number - 1) * PAGE)
    if number == 1 and len(ids) <= PAGE:
        total, exact = len(ids), True
    else:
        counted = finder.count(table.find)
        total, exact = counted.number, counted.exact
    return Page(rows(table, ids[:PAGE]), number, len(ids) > PAGE, total, exact)


def rows(table: Table, ids: Sequence[int]) -> list[Row]:
    """These records in this order; those that are gone by now are left out."""
    kind = table.kind
    found = records.many(kind.key, ids)
    more = _Beside(table, list(found))
    return [_row(table, found[id], more) for id in ids if id in found]


def _row(table: Table, record: Contact | Record, more: "_Beside") -> Row:
    given = record.properties
    editable = table.rights.may(table.kind.key, "edit", [record.owner_id])
    cells = [_cell(table, record, column, more, editable) for column in table.columns]
    contact = table.kind.key == "contact"
    return Row(
        record.id,
        types.title(table.kind.key, given) or f"#{record.id}",
        str(given.get("email") or "") if contact else "",
        " · ".join(more.phone(record)),
        cells,
        editable,
    )


def _cell(table: Table, record: Contact | Record, column: Column, more: "_Beside", editable: bool) -> Cell:
    raw = record.properties.get(column.name)
    match column.kind:
        case "company":
            found = more.companies.get(record.id)
            return Cell(column, found.name if found else str(raw or ""), found, editable and found is None and column.editable)
        case "score":
            return Cell(column, "", more.scores.get(record.id))
        case "last_seen":
            return Cell(column, "", more.seen.get(record.id))
        case "consent":
            return Cell(column, "", more.consents(record.id))
        case "contacts" | "deals":
            return Cell(column, "", more.counted[column.name].get(record.id, 0))
        case "created_at" | "updated_at":
            return Cell(column, "", getattr(record, column.name))
    return Cell(column, more.text(column, raw), raw, editable and column.editable)


class _Beside:
    """What the columns show that is not in the records themselves: one statement for each kind of it."""

    def __init__(self, table: Table, ids: Collection[int]) -> None:
        self.table = table
        kinds = {column.kind for column in table.columns}
        contact = table.kind.key == "contact"
        self.companies = _companies(ids) if "company" in kinds or contact else {}
        self.scores = _scores(ids) if "score" in kinds else {}
        self.seen = _seen(ids) if "last_seen" in kinds or contact else {}
        self._agreed = _agreed(ids) if "consent" in kinds else {}
        self.counted = {name: associations.counts(ids, LINKED[name]) for name in LINKED if name in kinds}
        self._labels: dict[str, dict[str, str]] = {}
        self._known = properties.definitions(table.kind.key)
        self._users = {user.pk: user.name for user in table.users}

    def consents(self, id: int) -> tuple[tuple[str, bool, str], ...]:
        """(channel, agreed, icon) of each channel."""
        return tuple((channel, bool(self._agreed.get((id, channel))), glyph) for channel, glyph in CHANNELS)

    def text(self, column: Column, raw: Any) -> str:
        """A stored value in the reader's language; the labels of choices are looked up once a page."""
        if raw is None or raw == "" or raw == [] or column.definition is None:
            return ""
        if column.kind == "choice":
            return self._label(column, str(raw))
        if column.kind == "multi_choice" and isinstance(raw, list):
            return ", ".join(self._label(column, str(value)) for value in raw)
        if column.kind == "user" and raw in self._users:
            return self._users[raw]
        if column.kind == "stage" or column.name == "pipeline":
            return self._label(column, str(raw))
        return values.text(column.definition, raw, self.table.users)

    def _label(self, column: Column, value: str) -> str:
        known = self._labels.get(column.name)
        if known is None:
            assert column.definition is not None
            options = [(o["value"], properties.option_label(column.definition, o["value"])) for o in column.definition.options]
            known = self._labels[column.name] = dict(options or columns.options(self.table.kind, column))
        return known.get(value, value)

    def phone(self, record: Contact | Record) -> list[str]:
        """What a phone shows below the name; amount, stage and points stand beside it."""
        given = record.properties
        if self.table.kind.key == "contact":
            company = self.companies.get(record.id)
            words = [company.name if company else str(given.get("company") or ""), str(given.get("jobtitle") or ""), ago(self.seen.get(record.id))]
        else:
            words = [self._beside_name(column, record) for column in self.table.columns if column.name not in ON_THE_RIGHT and column.kind != "stage"][:3]
        return [text for text in words if text][:3]

    def _beside_name(self, column: Column, record: Contact | Record) -> str:
        if column.kind == "company":
            found = self.companies.get(record.id)
            return found.name if found else ""
        return self.text(column, record.properties.get(column.name)) if column.definition else ""


def _companies(ids: Collection[int]) -> dict[int, Linked]:
    """The main company of each record."""
    found = sql.rows(
        "SELECT DISTINCT ON (a.from_id) a.from_id, r.id, r.properties->>'name' FROM association a JOIN record r ON r.id = a.to_id"
        " WHERE a.from_id = ANY(%s) AND a.to_type = 'company' AND r.archived_at IS NULL ORDER BY a.from_id, (a.label = 'primary') DESC, r.id",
        [list(ids)],
    )
    return {record: Linked(id, name or f"#{id}") for record, id, name in found}


def _scores(ids: Collection[int]) -> dict[int, int]:
    """Points of the first score model."""
    first = ScoreModel.objects.order_by("pk").values_list("pk", flat=True).first()
    return dict(sql.rows("SELECT contact_id, total FROM score WHERE contact_id = ANY(%s) AND model_id = %s", [list(ids), first or 0]))


def _seen(ids: Collection[int]) -> dict[int, datetime]:
    return dict(sql.rows("SELECT contact_id, last_seen_at FROM visitor WHERE contact_id = ANY(%s)", [list(ids)]))


def _agreed(ids: Collection[int]) -> dict[tuple[int, str], bool]:
    found = sql.rows("SELECT contact_id, channel, granted FROM consent WHERE contact_id = ANY(%s)", [list(ids)])
    return {(contact, channel): granted for contact, channel, granted in found}
