"""The board of The Model as a page shows it: what is asked for, the columns, the lines of the table, and where each number leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from baton.accounts.models import Team, User
from baton.analytics import funnel, lever, marks, periods
from baton.analytics.flows import Only
from baton.analytics.funnel import Board, Row
from baton.analytics.marks import Mark
from baton.analytics.periods import Period
from baton.analytics.rates import LEAST
from baton.crm import stages

from ..templatetags.fmt import day_only
from . import funnel_words as words
from . import sankey

COST = 10**15  # the highest cost that is taken


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address of The Model asks for: the period, whose contacts, the rates that are tried, the cost of new leads."""

    period: Period
    source: str | None = None
    owner: str = ""  # a user's id, `team-<id>`, `-` for nobody, or "" for all
    rates: Mapping[str, int] = field(default_factory=dict)  # stage -> percent
    cost: int | None = None

    @property
    def only(self) -> Only:
        owners: tuple[int | None, ...] | None = None
        if self.owner == "-":
            owners = (None,)
        elif self.owner.startswith("team-"):
            owners = tuple(User.objects.filter(team_id=int(self.owner[5:])).values_list("pk", flat=True))
        elif self.owner:
            owners = (int(self.owner),)
        return Only(self.source, owners)

    @property
    def month(self) -> str:
        return f"{periods.add(self.period.until, -1):%Y-%m}"

    def params(self, *, rates: bool = True) -> QueryDict:
        """The address of the same in one form."""
        found = QueryDict(mutable=True)
        if self.period.span != "month":
            found["span"] = self.period.span
        if not self.period.running:
            found["month"] = self.month
        if self.source is not None:
            found["source"] = self.source or "-"
        if self.owner:
            found["owner"] = self.owner
        if self.cost is not None:
            found["cost"] = str(self.cost)
        for key, percent in self.rates.items() if rates else ():
            found[key] = str(percent)
        return found

    def query(self, *, rates: bool = True) -> str:
        """`?span=quarter&…`, or nothing for the usual."""
        encoded = self.params(rates=rates).urlencode()
        return f"?{encoded}" if encoded else ""

    @property
    def query_as_was(self) -> str:
        """The same without rates that are tried."""
        return self.query(rates=False)


def read(request: HttpRequest) -> Asked:
    """What the address asks for; what makes no sense in it is left out."""
    given = {key: str(value) for key, value in request.GET.items()}
    source = given.get("source") or None
    owner = given.get("owner", "")
    known = owner == "-" or (owner.removeprefix("team-").isdecimal() and owner.isascii() and len(owner) < 19)
    rates = {key: int(value) for key, value in given.items() if value.isascii() and value.isdecimal() and len(value) < 4 and int(value) <= 100}
    cost = given.get("cost", "").replace(",", "")
    return Asked(
        periods.of(given.get("span", ""), given.get("month", "")),
        "" if source == "-" else source,
        owner if known else "",
        {key: value for key, value in rates.items() if key not in ("owner", "cost", "source", "month", "span")},
        int(cost) if cost.isascii() and cost.isdecimal() and int(cost) < COST else None,
    )


@dataclass(frozen=True, slots=True)
class Number:
    """A number and the address of exactly the people it counts; none while a rate is tried, for nobody has walked that way."""

    n: int
    url: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One stage: a column of the drawing and a line of the table."""

    row: Row
    team: str
    rule: str
    flow: Number
    opening: Number
    next: Number
    fast: Number
    recycled: tuple[Number, ...]
    dead: Number
    other: Number
    closing: Number
    came: tuple[Number, ...]  # the parts of `flow` that are worth a word
    cvr: str
    percent: int  # of the slider
    change: int | None  # of the flow, against the period before
    cvr_before: str
    mark: str
    narrow: bool = False

    @property
    def key(self) -> str:
        return self.row.stage.key

    @property
    def name(self) -> str:
        return self.row.stage.label

    @property
    def slides(self) -> bool:
        return self.row.stage.kind in ("forward", "recycle") and self.row.stays > 0

    @property
    def parts(self) -> list[tuple[str, int]]:
        return [(kind, n) for kind, n in sankey.parts(self.row) if n > 0]

    @property
    def size(self) -> int:
        """People its bar stands for."""
        return sum(n for _kind, n in self.parts)


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything the board's template needs."""

    asked: Asked
    board: Board
    lines: list[Line]  # columns
    boxes: list[Line]
    rest: list[Line]  # stages beside the way that somebody stood in
    drawing: sankey.Drawing
    teams: list[tuple[str, int]]
    gains: list[lever.Gain]
    enough: bool
    bottleneck: Line | None
    changed: frozenset[str]  # stages whose rate is tried
    won: int
    won_change: int
    marks: list[str]

    @property
    def empty(self) -> bool:
        return not any(row.stays for row in self.board.rows.values())

    @property
    def held(self) -> int:
        return sum(line.row.closing for line in self.lines if line.row.stage.kind != "won")

    @property
    def dead(self) -> int:
        return sum(line.row.left["ended"] for line in (*self.lines, *self.boxes, *self.rest))

    @property
    def largest(self) -> int:
        return max((line.size for line in self.lines), default=0) or 1

    @property
    def most(self) -> float:
        return max((gain.contracts for gain in self.gains), default=0.0) or 1.0

    @property
    def top_share(self) -> str:
        """What the best lever would bring, as a share of the contracts there were."""
        return words.percent(round(self.gains[0].contracts / (self.won - self.won_change), 3)) if self.gains and self.won - self.won_change else ""

    @property
    def costs(self) -> list[tuple[str, int]]:
        """What one of each stage has cost: new leads were paid for; who was recycled cost nothing, and counts all the same."""
        if self.asked.cost is None:
            return []
        counted = [(_("New lead"), sum(n for way, n in self.board.ways.items() if not way.out_of))]
        counted += [(line.name, line.row.flow_in) for line in self.lines if line.key in ("mql", "sql") or line.row.stage.kind == "won"]
        return [(name, round(self.asked.cost / n)) for name, n in counted if n]


def show(asked: Asked, board: Board, before: Board) -> Shown:
    """The board with the rates that are tried, beside what happened and what happened before."""
    rates = {key: percent / 100 for key, percent in asked.rates.items() if _differs(board, key, percent)}
    shown = lever.with_rates(board, rates) if rates else board
    found = marks.between(asked.period.first, asked.period.until)
    marked = {key: day_only(mark.at) for mark in found for key in mark.stages}
    narrow = board.bottleneck
    names = words.names() if found else {}

    def line(row: Row) -> Line:
        real = board.rows[row.stage.key]
        rate = min(rates[row.stage.key], real.most) if row.stage.key in rates else row.cvr  # what is tried, not what whole people make of it
        return _line(asked, row, rate, real, before.rows.get(row.stage.key), marked, bool(rates), narrow)

    columns = [row for row in shown.way if row.stays or row.stage.measured]
    lines = [line(row) for row in columns]
    boxes = [line(row) for row in shown.boxes if row.stays]
    rest = [line(row) for row in shown.of("dead_end", "aside") if row.stays]
    gains = lever.gains(board)
    return Shown(
        asked, shown, lines, boxes, rest, sankey.draw(shown, columns),
        [(name, len(list(group))) for name, group in groupby(lines, key=lambda found: found.team)],
        gains[:6],
        bool(gains) and gains[0].row.stays >= LEAST and board.won > 0 and gains[0].contracts > 0,
        next((one for one in lines if one.narrow), None),
        frozenset(rates), shown.won, shown.won - board.won, told(found, names),
    )  # fmt: skip


def _differs(board: Board, key: str, percent: int) -> bool:
    row = board.rows.get(key)
    return row is not None and row.stage.kind in ("forward", "recycle") and row.cvr is not None and percent != round(row.cvr * 100)


def _line(asked: Asked, row: Row, rate: float | None, real: Row, before: Row | None, marked: Mapping[str, str], tried: bool, narrow: Row | None) -> Line:
    key = row.stage.key

    def number(n: int, what: str, note: str = "", tone: str = "") -> Number:
        return Number(n, "" if tried or n <= 0 else people_url(asked, key, what), note, tone)

    boxes = [stage.key for stage in stages.known() if stage.kind == "recycle" and row.to[stage.key]]
    others = row.left["exit"] + row.left["other"]
    came = [
        number(row.came[kind], f"in_{kind}", note, tone)
        for kind, note, tone in (
            ("new", _("new"), ""), ("returned", _("recycled"), "warn"), ("fast_pass", _("fast pass"), ""), ("other", _("otherwise"), ""),
        )
        if row.came[kind] and row.came[kind] != row.flow_in
    ]  # fmt: skip
    return Line(
        row, words.team(row.stage.team), words.rule(row.stage),
        number(row.flow_in, "in"), number(row.opening, "opening"), number(row.moved, "next"), number(row.left["fast_pass"], "out_fast_pass"),
        tuple(number(row.to[box], box, words.stage_name(box) if len(boxes) > 1 else "", "warn") for box in boxes),
        number(row.left["ended"], "out_ended"), number(others, "out_rest"),
        number(row.closing, "closing"), tuple(came),
        words.percent(rate), round((rate or 0) * 100),
        real.flow_in - before.flow_in if before is not None and before.stays and not tried else None,
        words.percent(before.cvr) if before is not None and before.cvr is not None else "",
        marked.get(key, ""), narrow is not None and narrow.stage.key == key,
    )  # fmt: skip


def people_url(asked: Asked, stage: str, what: str, period: Period | None = None) -> str:
    """The address of who is behind a number."""
    found = period or asked.period
    query = {"stage": stage, "what": what, "from": found.first.isoformat(), "to": found.until.isoformat()}
    if asked.source is not None:
        query["source"] = asked.source or "-"
    if asked.owner:
        query["owner"] = asked.owner
    return f"/model/people/?{urlencode(query)}"


def told(found: Sequence[Mark], names: dict[int, str]) -> list[str]:
    """Changed measures in words."""
    return [_told(mark, names) for mark in found]


def _told(mark: Mark, names: dict[int, str]) -> str:
    """A changed measure in words."""
    who = words.actor_name(mark.actor, names)
    if mark.score:
        text = _("{day}: version {n} of the score ‘{score}’ was published ({who}); it decides who enters {stages}")
        return text.format(day=day_only(mark.at), n=mark.version, score=mark.score, who=who, stages=", ".join(words.stage_name(key) for key in mark.stages))
    return _("{day}: the rule of {stages} was changed ({who})").format(
        day=day_only(mark.at), who=who, stages=", ".join(words.stage_name(key) for key in mark.stages)
    )


@dataclass(frozen=True, slots=True)
class Brief:
    """A stage of the strip on the start page."""

    name: str
    flow: Number
    cvr: str


def strip() -> list[Brief]:
    """The funnel of this month in one line; nothing before anybody has come into a stage."""
    asked = Asked(periods.of())
    rows = [row for row in funnel.boards([asked.period])[0].way if row.stays or row.stage.measured]
    if not any(row.stays for row in rows):
        return []
    return [
        Brief(row.stage.label, Number(row.flow_in, people_url(asked, row.stage.key, "in") if row.flow_in else ""), words.percent(row.cvr) if row.moved else "")
        for row in rows
    ]


def teams() -> Sequence[Team]:
    """The teams to choose from."""
    return list(Team.objects.order_by("name"))
