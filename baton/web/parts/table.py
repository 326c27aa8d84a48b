"""What a table page is asked to show, read from its address: records of a type, filter, search, order, columns, view and layout.

An address says only what differs from the view it stands on, so that links stay short; everything in it can be shared.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import HttpRequest, QueryDict

from baton.accounts import rights as access
from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm import types
from baton.crm.models import ObjectType, View
from baton.platform.errors import Invalid
from baton.query.nodes import Everyone
from baton.segments import catalog, finder
from baton.segments import filter as stored_filters

from ..page import user
from . import columns, filters, views
from .address import table_url
from .columns import Column
from .filter_fields import Fields
from .filters import Filter
from .layout import Layout, layouts

KEPT = ("view", "f", "q", "sort", "columns", "layout", "pipeline", "page", "after")  # what an address of a table carries; anything else is for one request
LONGEST = 200  # letters of a search


@dataclass
class Table:
    """One reading of an address. `fault` says why its filter cannot be used; then nothing is shown."""

    kind: ObjectType
    me: User
    rights: Rights
    users: Sequence[User]
    view: View | None
    filter: Filter
    q: str
    sort: str
    shown: list[str]
    layout: type[Layout]
    number: int
    after: int | None  # the last record of the page before
    fault: str = ""
    pipeline: str = ""  # of a board; empty: the first
    saved: dict[str, Any] = field(default_factory=dict)  # what the view, or a table without one, shows by itself

    @property
    def url(self) -> str:
        return table_url(self.kind.key)

    @property
    def label(self) -> str:
        return types.label(self.kind)

    @property
    def labels(self) -> str:
        return types.label(self.kind, plural=True)

    @property
    def name_sort(self) -> str:
        return name_sort(self.kind)

    @cached_property
    def known(self) -> dict[str, Column]:
        return columns.known(self.kind)

    @cached_property
    def columns(self) -> list[Column]:
        return [self.known[name] for name in self.shown]

    @cached_property
    def layouts(self) -> list[type[Layout]]:
        return layouts(self.kind)

    @property
    def stored(self) -> dict[str, Any]:
        """The filter as the compiler reads it; {} for everybody."""
        return self.filter.stored(self.me.pk) if self.filter else {}

    @cached_property
    def find(self) -> finder.Find:
        """What to look for. Raises Invalid when the filter cannot be compiled."""
        node = stored_filters.parse(self.stored, catalog.current(), object_type=self.kind.key) if self.filter else Everyone()
        return finder.Find(self.kind.key, node, text=self.q, sort=self.sort.lstrip("-"), descending=self.sort.startswith("-"), rights=self.rights)

    @property
    def state(self) -> dict[str, str]:
        """What a view keeps of this."""
        return {"f": str(self.filter), "sort": self.sort, "columns": ",".join(self.shown), "layout": self.layout.key}

    @cached_property
    def changed(self) -> bool:
        """Whether this differs from what the view keeps."""
        return any(self.state[name] != self.saved[name] for name in self.state)

    @cached_property
    def params(self) -> QueryDict:
        """The canonical address of this: only what differs from the view."""
        found = QueryDict(mutable=True)
        if self.view:
            found["view"] = str(self.view.pk)
        for name, value in self.state.items():
            if value != self.saved[name]:
                found[name] = value
        if self.q:
            found["q"] = self.q
        if self.pipeline:
            found["pipeline"] = self.pipeline
        if self.number > 1:
            found["page"] = str(self.number)
            if self.after is not None:
                found["after"] = str(self.after)
        return found

    @property
    def address(self) -> str:
        return f"{self.url}?{self.params.urlencode()}" if self.params else self.url

    def may(self, action: access.Action) -> bool:
        """Whether the reader may do this with some record of the type."""
        return self.rights.may(self.kind.key, action)


def read(request: HttpRequest, kind: ObjectType, users: Sequence[User], *, change: bool = True) -> Table:
    """The table an address asks for, with what a chip's editor changes of its filter, unless `change` is off.

    An unreadable filter becomes `fault`; anything else that is wrong is left out.
    """
    me = user(request)
    held = access.of(me)
    view = views.of(me, kind.key, request.GET.get("view", ""))
    known = columns.known(kind)
    fitting = layouts(kind)
    query = view.query if view else {}
    saved = {
        "f": str(query.get("f", "")),
        "sort": _sort(str(query.get("sort", "")), kind, known) or first_sort(kind),
        "columns": ",".join(columns.chosen(_joined(query.get("columns")), known) or columns.usual(kind, known)),
        "layout": _layout(str(query.get("layout", "")), fitting).key,
    }
    asked = {name: request.GET.get(name, saved[name]) for name in saved}
    fields = filters.fields(kind.key, users)
    fault = ""
    with suppress(Invalid):  # a view whose property is gone: said below, when it is what is shown
        saved["f"] = str(filters.parse(saved["f"], fields))
    try:
        wanted = filters.parse(asked["f"], fields)
        wanted = edited(request, wanted, fields) if change else wanted
    except Invalid as error:
        wanted, fault = Filter(), "; ".join(problem.message for problem in error.problems)
    return Table(
        kind,
        me,
        held,
        users,
        view,
        wanted,
        request.GET.get("q", "").strip()[:LONGEST].replace("\0", ""),
        _sort(asked["sort"], kind, known) or saved["sort"],
        _columns(request, asked["columns"], known) or saved["columns"].split(","),
        _layout(asked["layout"], fitting),
        _number(request.GET.get("page", "")) or 1,
        _number(request.GET.get("after", "")) or None,
        fault,
        request.GET.get("pipeline", "")[:100],
        saved,
    )


def edited(request: HttpRequest, wanted: Filter, fields: Fields) -> Filter:
    """The filter of the address, with the change made in a chip's editor applied. Raises Invalid."""
    given = request.GET
    if "drop" in given:
        return wanted.put(given["drop"], None)
    if "flip" in given:
        return wanted.flip(given["flip"])
    if "place" in given:
        values = [given["op"] + v if given.get("op") in ("=", "^") and v.strip() else v for v in given.getlist("v")]
        low, high, days = given.get("low", ""), given.get("high", ""), given.get("days", "").strip()
        if given.get("span") in ("last", "next"):
            values, low, high = [f"{given['span']}{days}d"] if days else [], "", ""
        elif given.get("span") in (filters.NONE, filters.ANY):
            values, low, high = [given["span"]], "", ""
        made = filters.cond(fields, given.get("field", ""), values, low, high, no="no" in given)
        return wanted.put(given["place"], made or None)
    return wanted


def first_sort(kind: ObjectType) -> str:
    """The order of a table nobody sorted: people by their last activity, everything else newest first."""
    return "-last_seen" if kind.key == "contact" else "-created_at"


def name_sort(kind: ObjectType) -> str:
    """What the name column sorts by."""
    return "name" if kind.key == "contact" else kind.primary_property


def _sort(text: str, kind: ObjectType, known: dict[str, Column]) -> str:
    name = text.removeprefix("-")
    return text if name == name_sort(kind) or (name in known and known[name].sortable) else ""


def _columns(request: HttpRequest, text: str, known: dict[str, Column]) -> list[str]:
    """The columns of the address, with the change made in the column chooser."""
    if "choose" in request.GET:
        return columns.chosen(",".join(request.GET.getlist("show")), known)
    return columns.chosen(text, known)


def _joined(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _layout(key: str, fitting: Sequence[type[Layout]]) -> type[Layout]:
    return next((layout for layout in fitting if layout.key == key), fitting[0])


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
