"""What a record is linked to, one panel for each type: who, in which role, what of it matters; a quote's line items with their sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.crm import pipelines, properties, types
from baton.crm.associations import PRIMARY, WITH_PRIMARY
from baton.crm.models import AssociationLabel, Contact, ObjectType, Record
from baton.platform import sql

from ..templatetags.fmt import day_only, money, num
from .address import record_url
from .subject import Subject

SHOWN = 8  # of a panel; the table has the rest
USUAL = {
    "contact": ("company", "deal", "ticket"),
    "company": ("contact", "deal", "ticket"),
    "deal": ("contact", "company", "quote", "line_item"),
    "ticket": ("contact", "company"),
    "quote": ("deal", "contact", "company", "line_item"),
    "line_item": ("quote", "deal"),
    "product": (),
}
OTHERS = ("contact", "company", "deal")

LINKED = """
SELECT * FROM (
    SELECT l.to_type, l.to_id, l.labels, count(*) OVER (PARTITION BY l.to_type),
        row_number() OVER (PARTITION BY l.to_type ORDER BY l.main DESC, l.at {newest}, l.to_id) AS place
    FROM (
        SELECT a.to_type, a.to_id, array_agg(a.label ORDER BY a.label) AS labels, bool_or(a.label = %(primary)s) AS main, min(a.created_at) AS at
        FROM association a WHERE a.from_id = %(id)s AND a.to_type = ANY(%(types)s) GROUP BY a.to_type, a.to_id
    ) l
    WHERE (l.to_type = 'contact' AND EXISTS (SELECT 1 FROM contact c WHERE c.id = l.to_id AND c.archived_at IS NULL AND {people}))
       OR (l.to_type <> 'contact' AND EXISTS (SELECT 1 FROM record r WHERE r.id = l.to_id AND r.archived_at IS NULL AND ({others})))
) found WHERE place <= %(shown)s ORDER BY place
"""


@dataclass(frozen=True)
class Linked:
    """One linked record in a line."""

    id: int
    type: str
    url: str
    name: str
    about: str
    badge: str = ""
    tone: str = ""
    labels: tuple[str, ...] = ()  # as people call them
    names: tuple[str, ...] = ()  # as stored
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def primary(self) -> bool:
        return PRIMARY in self.names


@dataclass(frozen=True)
class Panel:
    """The linked records of one type; `count` is all of them, `rows` the first ones."""

    kind: ObjectType
    rows: list[Linked]
    count: int
    may_add: bool
    may_create: bool

    @property
    def key(self) -> str:
        return self.kind.key

    @property
    def icon(self) -> str:
        return self.kind.icon

    @property
    def label(self) -> str:
        return types.label(self.kind)

    @property
    def labels(self) -> str:
        return types.label(self.kind, plural=True)

    @property
    def rest(self) -> int:
        return self.count - len(self.rows)

    @cached_property
    def total(self) -> float | None:
        """The sum of line items; None for other types."""
        if self.key != "line_item" or not self.rows:
            return None
        return sum(float(row.values.get("amount") or 0) for row in self.rows)


def panels(subject: Subject, only: str = "") -> list[Panel]:
    """The panels of a record in order: those its type usually has, and every other type it is linked to. Five queries, whatever is linked."""
    kinds = {kind.key: kind for kind in types.all(activities=False) if subject.rights.may(kind.key, "view")}
    asked = [only] if only else list(kinds)
    found = _found(subject, asked)
    rows = _rows({kind: [id for id, _labels, _n in items] for kind, items in found.items()})
    words = _labels(subject.key)
    shown = [kind for kind in (USUAL.get(subject.key, OTHERS)) if kind in kinds]
    own = [key for key, kind in kinds.items() if not kind.builtin and subject.kind.builtin and subject.key != "product"]
    order = [only] if only else list(dict.fromkeys([*shown, *found, *own]))
    stages = {key: pipelines.stages(key) for key in order if key in found and kinds[key].stage_property}
    made = []
    for key in order:
        if key not in kinds:
            continue
        items = found.get(key, [])
        linked = [_linked(rows[id], key, labels, words, stages.get(key, {})) for id, labels, _n in items if id in rows]
        made.append(Panel(kinds[key], linked, items[0][2] if items else 0, subject.may_edit, subject.may_edit and subject.rights.may(key, "create")))
    return made


def _found(subject: Subject, asked: Sequence[str]) -> dict[str, list[tuple[int, list[str], int]]]:
    people, params = subject.rights.where("contact", "view", "c")
    tests, values = [], list[Any]()
    for key in asked:
        if key != "contact":
            where, more = subject.rights.where(key, "view", "r")
            tests.append(f"(r.object_type = %s AND {where})")
            values += [key, *more]
    # one kind of parameters in a statement: named ones
    names = {f"p{n}": value for n, value in enumerate([*params, *values])}
    text = LINKED.format(
        people=_numbered(people, 0), others=_numbered(" OR ".join(tests) or "false", len(params)), newest="DESC" if subject.key == "company" else ""
    )
    found: dict[str, list[tuple[int, list[str], int]]] = {}
    for to_type, to_id, labels, count, _place in sql.rows(
        text, {"id": subject.id, "types": list(asked), "primary": PRIMARY, "shown": SHOWN if len(asked) > 1 or asked[0] != "line_item" else 100, **names}
    ):
        found.setdefault(to_type, []).append((to_id, [label for label in labels if label], count))
    return found


def _numbered(condition: str, start: int) -> str:
    parts = condition.split("%s")
    return "".join(part + (f"%(p{start + n})s" if n < len(parts) - 1 else "") for n, part in enumerate(parts))


def _rows(ids: Mapping[str, Sequence[int]]) -> dict[int, Contact | Record]:
    rows: dict[int, Contact | Record] = {}
    if people := ids.get("contact"):
        rows |= {row.id: row for row in Contact.objects.filter(id__in=people)}
    if others := [id for kind, part in ids.items() if kind != "contact" for id in part]:
        rows |= {row.id: row for row in Record.objects.filter(id__in=others)}
    return rows


def _labels(from_type: str) -> dict[tuple[str, str], str]:
    """(other type, name) -> what people call the label on this side."""
    rows = AssociationLabel.objects.filter(from_type=from_type).values_list("to_type", "name", "label")
    return {(to_type, name): _(label) if name == PRIMARY else label for to_type, name, label in rows}


def labels(from_type: str, to_type: str) -> list[tuple[str, str]]:
    """The labels a link between two types may have, as (name, what people call it), without the primary one."""
    return [(name, text) for (other, name), text in _labels(from_type).items() if other == to_type and name != PRIMARY]


def may_be_primary(one: str, other: str) -> bool:
    """Whether a link between these types may mark a main company."""
    return "company" in (one, other) and bool({one, other} & set(WITH_PRIMARY))


def _linked(row: Contact | Record, key: str, names: list[str], words: Mapping[tuple[str, str], str], stages: pipelines.Known) -> Linked:
    p = row.properties
    badge, tone = _stage(key, p, stages)
    said = tuple(words.get((key, name), name) for name in names if name not in (PRIMARY, "pinned"))
    return Linked(
        row.id, key, record_url(key, row.id), types.title(key, p) or f"#{row.id}", " · ".join(filter(None, _about(key, p))), badge, tone, said, tuple(names), p
    )


def _stage(key: str, p: Mapping[str, Any], stages: pipelines.Known) -> tuple[str, str]:
    kind = types.get(key)
    if not kind.stage_property:
        return "", ""
    here = next((s for s in stages.get(str(p.get("pipeline") or ""), []) if s.key == p.get(kind.stage_property)), None)
    if here is None:
        return "", ""
    return pipelines.label(here), "" if here.closed and not here.probability else "good" if here.closed else "accent"


def _about(key: str, p: Mapping[str, Any]) -> tuple[str, ...]:
    """What matters of a linked record, in a line."""
    match key:
        case "contact":
            return (str(p.get("jobtitle") or ""), str(p.get("email") or ""))
        case "company":
            size = _("{n} people").format(n=num(p["numberofemployees"])) if p.get("numberofemployees") else ""
            return (_option("company", "industry", p), size, str(p.get("domain") or ""))
        case "deal":
            return (money(p.get("amount")), _("expected {day}").format(day=day_only(p["closedate"])) if p.get("closedate") else "")
        case "quote":
            return (money(p.get("amount")), _option("quote", "status", p))
        case "line_item":
            price = money(p.get("price"))
            return (f"{num(p.get('quantity') or 1)} × {price}" if price else "", f"−{num(p['discount_percentage'])}%" if p.get("discount_percentage") else "")
        case "ticket":
            return (_option("ticket", "priority", p),)
    known = properties.definitions(key)
    return tuple(_option(key, name, p) if known[name].options else str(p.get(name) or "") for name in types.get(key).secondary_properties if name in known)


def _option(key: str, name: str, p: Mapping[str, Any]) -> str:
    return properties.option_label(properties.definitions(key)[name], str(p[name])) if p.get(name) else ""


def open_deals(panel: Panel | None, subject: Subject) -> tuple[int, float]:
    """How many deals linked to the record are still open, and what they are worth together."""
    return open_deals_of(subject.id, subject.rights) if panel is not None and panel.count else (0, 0.0)


def open_deals_of(id: int, rights: Rights) -> tuple[int, float]:
    """The same for any record. Two queries."""
    closed = [stage.key for rows in pipelines.stages("deal").values() for stage in rows if stage.closed]
    where, params = rights.where("deal", "view", "r")
    ((count, amount),) = sql.rows(
        "SELECT count(*), coalesce(sum((r.properties->>'amount')::numeric), 0) FROM record r WHERE r.object_type = 'deal' AND r.archived_at IS NULL"
        " AND r.id IN (SELECT a.to_id FROM association a WHERE a.from_id = %s AND a.to_type = 'deal')"
        f" AND NOT coalesce(r.properties->>'dealstage', '') = ANY(%s) AND {where}",
        [id, closed, *params],
    )
    return int(count), float(amount)
