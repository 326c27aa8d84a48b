"""A catalog without a database, and strategies for worlds: a moment, a time zone, some people, some filters about them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from baton.query.catalog import Band, Match, News, Property, SegmentInfo
from baton.query.evaluate import Happened, Person, Thing
from baton.query.nodes import (
    And,
    Compare,
    EventTest,
    Everyone,
    FirstSeen,
    HasState,
    InBand,
    KeyTest,
    MemberOf,
    Nobody,
    Node,
    Not,
    Or,
    PayloadTest,
    Performed,
    Related,
    ScoreIs,
    Subscribed,
    Total,
)
from baton.query.operators import OPERATORS
from baton.query.periods import PERIODS, Period, days

OPTIONS = (("it", "IT"), ("bio", "Bio"), ("IT", "Big IT"), ("콘텐츠", "Content"))
PROPERTIES = [
    Property("city", "City", "text"),
    Property("email", "Email", "email"),
    Property("employees", "Employees", "number"),
    Property("ends", "Contract ends", "date"),
    Property("met", "Last met", "datetime"),
    Property("industry", "Industry", "choice", OPTIONS),
    Property("interests", "Interests", "multi_choice", OPTIONS),
    Property("student", "Student", "boolean"),
    Property("owner_id", "Owner", "user"),
    Property("createdate", "Created", "datetime", column="created_at"),
]
COMPANY = [
    Property("name", "Name", "text"),
    Property("industry", "Industry", "choice", OPTIONS),
    Property("renewal", "Renewal", "date"),
    Property("created_at", "Created", "datetime", column="created_at"),
    Property("archived", "Archived", "boolean", column="archived_at"),
]
DEAL = [Property("amount", "Amount", "number"), Property("stage", "Stage", "choice", OPTIONS)]
PAGE, DWELL, OPEN, OWN = 1, 2, 11, 60
BANDS = (Band("cold", "Cold", -5), Band("mql", "MQL", 35), Band("sql", "SQL", 36))
PAYLOAD = {  # of page views, and of the company's own event "order", which stores texts
    PAGE: [Property("url", "Address", "url"), Property("from", "Stage before", "choice", OPTIONS), Property("total", "Points", "number")],
    OWN: [
        Property("amount", "Amount", "number"),
        Property("kind", "Kind", "choice", OPTIONS),
        Property("note", "Note", "text"),
        Property("due", "Due", "datetime"),
    ],
}


@dataclass
class FakeCatalog:
    """Names are plain; lists mention what they are told to."""

    lists: dict[int, SegmentInfo] = field(default_factory=lambda: {1: SegmentInfo("VIP"), 2: SegmentInfo("Pricing visitors")})
    pages: dict[int, str] = field(default_factory=lambda: {1: "nuriwork.example/pricing", 2: "nuriwork.example/blog/a", 3: "nuriwork.example/blog/b"})

    def property(self, object_type: str, name: str) -> Property | None:
        return next((p for p in {"contact": PROPERTIES, "company": COMPANY, "deal": DEAL}.get(object_type, []) if p.name == name), None)

    def relation(self, object_type: str) -> str | None:
        return {"company": "Company", "deal": "Deal"}.get(object_type)

    def link(self, from_type: str, to_type: str, name: str) -> str | None:
        return {"primary": "Primary"}.get(name)

    def segment(self, segment_id: int) -> SegmentInfo | None:
        return self.lists.get(segment_id)

    def score(self, model_id: int) -> str | None:
        return {1: "Lead score", 2: "Health"}.get(model_id)

    def score_named(self, key: str) -> int | None:
        return {"lead": 1, "health": 2}.get(key)

    def bands(self, model_id: int) -> tuple[Band, ...]:
        return BANDS if model_id == 1 else ()

    def news(self, news_id: int) -> News | None:
        return {1: News("Newsletter"), 2: News("Seminars", separate=True)}.get(news_id)

    def event(self, name: str) -> str | None:
        return {"order": "Order"}.get(name)

    def event_property(self, kind: int, event: str, name: str) -> Property | None:
        return next((p for p in PAYLOAD.get(kind, []) if p.name == name and (kind != OWN or event == "order")), None)

    def first_score(self) -> int | None:
        return 1

    def event_keys(self, kind: int, how: Match, value: str | Sequence[str]) -> tuple[int, ...]:
        tests = {
            "is": lambda page: page.endswith(value),
            "starts": lambda page: page[page.index("/") :].startswith(value),
            "contains": lambda page: value in page,
            "any_of": lambda page: page in value,
            "tagged": lambda page: value == "late" and page.endswith("pricing"),
        }
        return tuple(key for key, page in self.pages.items() if tests[how](page))

    def key_label(self, kind: int, value: str) -> str:
        return f"#{value}"

    def key_names(self, keys: Sequence[int]) -> list[str]:
        return [self.pages[key] for key in keys]

    def kind_label(self, kind: int) -> str:
        return {PAGE: "page viewed", DWELL: "stayed on a page", OPEN: "e-mail opened", OWN: "own event"}[kind]


CATALOG = FakeCatalog()

# --- strategies: a world keeps to a few values, so that its people and its filters meet -------------------------------

ZONES = ["Asia/Seoul", "UTC", "America/New_York", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia"]
NOWS = [
    datetime(2026, 11, 21, 15, 0, tzinfo=UTC),  # midnight in Seoul
    datetime(2026, 11, 21, 14, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 8, 7, 0, 0, 500_000, tzinfo=UTC),  # New York changes its clocks
    datetime(2018, 11, 4, 3, 0, tzinfo=UTC),  # a day without midnight in São Paulo
    datetime(2024, 2, 29, 23, 30, tzinfo=UTC),
    datetime(2025, 2, 28, 12, 0, tzinfo=UTC),  # a year without 29 February
    datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC),  # the last second of a year, a quarter and a month in Seoul
    datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC),  # of a week
]
LENGTHS = [0, 1, 7, 30]
FAMILIES = [
    ["서울", unicodedata.normalize("NFD", "서울"), "서울 강남", "É", "E\u0301", "é"],
    ["abc", "ABC", "abcabc", "c", "İstanbul", "istanbul", "ΣΑΣ", "σας", "straße"],
    ["100%", "a_c", "axc", "a\\c", "%", "_", "\\", "'; --", "%s {x}", "%(ids)s"],
]
BLANKS = ["", " ", "\t\n"]
WRONG: list[Any] = [
    None,
    "",
    " ",
    True,
    False,
    0,
    1,
    -2.5,
    "abc",
    "2026-02-30",
    "2026-13-01T00:00:00Z",
    "2026-11-21T24:00:00Z",
    [],
    ["it"],
    {"a": 1},
    [[]],
    "true",
    "12",
]
NUMBERS: list[int | float] = [0, 1, 0.1, 0.30000000000000004, 5, 5.0, 1e20, -3.25, 2**53 + 1]
PEOPLE = 40
SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)


@dataclass(frozen=True)
class World:
    now: datetime
    zone: ZoneInfo
    people: list[Person]
    filters: list[Node]
    later: datetime  # a moment after now


@dataclass  # its lists are made once
class Scope:
    """What a world is about."""

    now: datetime
    zone: ZoneInfo
    length: int  # days
    texts: list[str]
    known: list[Property]
    company: list[Property]
    deal: list[Property]
    leaves: list[str]
    moving: bool  # only filters that time alone can turn
    periods: tuple[Period, ...] = ("today", "last_month")  # those of the calendar it is about
    shape: str = "count"  # of what people did: count, pick, total

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    @cached_property
    def turns(self) -> list[date]:
        """The first days of the periods, and the first ones after them."""
        return [day for period in self.periods for day in days(period, self.today)]

    @cached_property
    def stored(self) -> list[datetime]:
        """Moments at and beside the edges of the window, of days and of periods."""
        edges = [self.now + timedelta(days=sign * self.length) for sign in (-1, 1)]
        edges += [self.midnight(day) for day in (*(self.today + timedelta(days=n) for n in (-1, 0, 1)), *self.turns)]
        return [at + by for at in edges for by in (timedelta(), SECOND, -SECOND)]

    @cached_property
    def days(self) -> list[date]:
        near = [self.today + timedelta(days=sign * self.length + by) for sign in (-1, 1) for by in (-1, 0, 1)]
        return [*near, *(day - timedelta(days=n) for day in self.turns for n in (0, 1)), *self.birthdays]

    @cached_property
    def birthdays(self) -> list[date]:
        """Days whose day of the year is near, or that most years do not have."""
        near = [self.today + timedelta(days=n) for n in (0, self.length, self.length + 1)]
        return [date(1996, 2, 29), date(1995, 2, 28), date(1995, 3, 1), *(date(1988, day.month, day.day) for day in near)]

    @cached_property
    def happened(self) -> list[datetime]:
        """Moments of events: at and beside both edges of the windows."""
        edges = [self.now, self.now - timedelta(days=self.length), self.now + timedelta(days=self.length), self.now - self.older]
        return [at + by for at in edges + [self.midnight(day) for day in self.turns] for by in (timedelta(), TICK, -TICK)]

    @property
    def older(self) -> timedelta:
        return timedelta(days=self.length) / 2


@st.composite
def worlds(draw: st.DrawFn, *, moving: bool = False, of: str = "contact") -> World:
    """Any world, or one in which every filter has a moving edge, or asks about companies."""
    moved = ["compare", "performed", "performed", "member"]
    kinds = moved if moving else ["compare", "compare", "performed", "performed", "performed", "member", "score", "state", "seen", "related", "related"]
    known = [p for p in PROPERTIES if p.type in {"date", "datetime"}] if moving else PROPERTIES
    now, zone = draw(st.sampled_from(NOWS)), ZoneInfo(draw(st.sampled_from(ZONES)))
    scope = Scope(
        now,
        zone,
        draw(st.sampled_from(LENGTHS[1:] if moving else LENGTHS)),
        draw(st.sampled_from(FAMILIES)),
        draw(st.lists(st.sampled_from(known), min_size=1, max_size=2)),
        [draw(st.sampled_from(COMPANY))],
        [draw(st.sampled_from(DEAL))],
        draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)),
        moving,
        tuple(draw(st.lists(st.sampled_from(PERIODS), min_size=1, max_size=2))),
        draw(st.sampled_from(["count", "count", "pick", "total"])),
    )
    makes = _People(scope, draw(st.integers(0, 2**32)))
    people = [makes.person() for _ in range(PEOPLE)]
    leaf = _leaf(scope) if of == "contact" else _about_company(scope)
    filters = draw(st.lists(leaf if moving else _groups(leaf), min_size=4, max_size=8))
    steps = [TICK, SECOND, timedelta(minutes=1), timedelta(hours=9), timedelta(days=1), timedelta(days=8), timedelta(days=30), timedelta(days=100)]
    return World(now, zone, people, filters, now + draw(st.sampled_from(steps)))


def _iso(at: datetime, shape: int) -> str:
    """The shapes in which a moment may be stored."""
    plain = at.astimezone(UTC).replace(tzinfo=None)
    return plain.isoformat(timespec=("seconds", "milliseconds", "microseconds")[shape]) + "Z"


def _valid(prop: Property, scope: Scope) -> list[Any]:
    """Values that the property may hold."""
    options = [value for value, _ in OPTIONS]
    match prop.type:
        case "text" | "email" | "phone" | "url":
            return scope.texts + BLANKS
        case "number":
            return NUMBERS
        case "date":
            return [day.isoformat() for day in scope.days]
        case "datetime":
            return [_iso(at, shape) for at in scope.stored for shape in range(3)]
        case "choice":
            return options
        case "multi_choice":
            return [[], *([a] for a in options), *([a, b] for a in options for b in options)]
        case "boolean":
            return [True, False]
        case "user":
            return [0, 1, 2]


class _People:
    """Makes people from a seed: many, so that some stand on every edge. A wrong answer is reported by person, so they need no shrinking."""

    def __init__(self, scope: Scope, seed: int) -> None:
        self.scope, self.random = scope, Random(seed)

    def person(self) -> Person:
        pick, scope = self.random.choice, self.scope
        until = pick([None, None, scope.now, scope.now + SECOND])
        agreed = {pick(["email", "sms"]): (pick([True, True, False]), pick([scope.now, scope.now - SECOND]), until)} if pick([True, True, False]) else {}
        stopped = (
            {"email": (pick(["unsubscribed", "unsubscribed", "bounced", "soft_limit"]), pick([scope.now, scope.now - SECOND]))} if pick([True, False]) else {}
        )
        return Person(
            self._properties(scope.known),
            tuple(self._event() for _ in range(pick([0, 1, 1, 2, 3]))),
            {number: (pick(scope.happened), pick(["filter", "filter:0:2", "user:3"])) for number in pick([[], [1], [2], [1, 2]])},
            {model: {part: pick([-5, 0, 34, 35, 36]) for part in ("total", "fit", "engagement")} for model in pick([[], [1], [1, 2]])},
            tuple(self._thing() for _ in range(pick([0, 1, 1, 2]))),
            agreed,
            stopped,
            created_at=pick(scope.happened),
            news={
                (kind, pick(["email", "email", "sms"])): (pick([True, False]), pick([None, None, scope.now, scope.now + SECOND]))
                for kind in pick([[], [1], [1, 2]])
            },
            seen=pick([{}, {what: pick([*scope.texts, ""]) for what in ("first_page", "first_referrer")}]),
        )

    def _properties(self, known: list[Property]) -> dict[str, Any]:
        some = [p for p in known if p.column is None and self.random.random() < 0.9]
        return {p.name: self.random.choice(WRONG) if self.random.random() < 0.15 else self.random.choice(_valid(p, self.scope)) for p in some}

    def _event(self) -> Happened:
        pick = self.random.choice
        kind = pick([PAGE, PAGE, PAGE, OPEN, DWELL, OWN, OWN])
        payload: dict[str, Any] = pick([{}, {}, {"machine": "proxy"}, {"machine": None}])
        if pick([True, True, False]):
            known = {p.name: pick(WRONG) if pick([True, *[False] * 5]) else self._told(p, kind) for p in PAYLOAD.get(kind, []) if pick([True, True, False])}
            payload = {**payload, **({"properties": known} if kind == OWN else known)}
        return Happened(kind, pick(self.scope.happened), pick([0, 1, 1, 2]), pick([None, 0.1, 0.2, 59.5, 60.0, -60.0]), payload)

    def _told(self, prop: Property, kind: int) -> Any:
        """A value of an event's property; the company's own events hold texts."""
        value = self.random.choice(_valid(prop, self.scope))
        if kind != OWN or prop.type not in ("number", "datetime"):
            return value
        if prop.type == "number":
            return self.random.choice([str(value), "12.50", " 7 ", "1e3", "seven", "", "NaN", "0"])
        return self.random.choice([value, "1795273200000", "soon"])

    def _thing(self) -> Thing:
        pick = self.random.choice
        deals = tuple(self._record("deal", self.scope.deal) for _ in range(pick([0, 1, 1, 2])))
        return self._record(pick(["company", "company", "company", "deal"]), self.scope.company, deals)

    def _record(self, kind: str, known: list[Property], related: tuple[Thing, ...] = ()) -> Thing:
        pick = self.random.choice
        return Thing(kind, self._properties(known), pick(["", "primary"]), pick([True, False, False]), related, pick(self.scope.happened))


@st.composite
def _compare(draw: st.DrawFn, known: list[Property], of: str, scope: Scope) -> Node:
    prop = draw(st.sampled_from(known))
    operator = draw(st.sampled_from([o for o in OPERATORS[prop.type].values() if o.turned or not scope.moving]))
    case = operator.cased is not None and draw(st.booleans())
    return Compare(prop.name, operator.key, draw(st.sampled_from(_values(prop, operator.takes, scope))), of, case)


@st.composite
def _tests(draw: st.DrawFn, kind: int, scope: Scope) -> tuple[Any, ...]:
    """What one event must be like."""
    found: list[Any] = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        what = draw(st.sampled_from(["payload", "key", "property", "property", "value"]))
        if what == "payload":
            found.append(draw(st.sampled_from([PayloadTest("machine", "missing"), PayloadTest("machine", "present"), PayloadTest("url", "is", "a")])))
        elif what == "key":
            found.append(KeyTest(draw(st.sampled_from([(), (1,), (1, 2)])), draw(st.booleans())))
        elif what == "property" and kind in PAYLOAD:
            test = draw(_compare(PAYLOAD[kind], "event", replace(scope, moving=False)))
            assert isinstance(test, Compare)
            found.append(EventTest(test.property, test.operator, test.value, test.case))
        else:
            operator, value = draw(st.sampled_from([("at_least", 0.2), ("less_than", 60), ("between", (0, 59.5)), ("known", None), ("is_not", 60)]))
            found.append(EventTest("value", operator, value))
    return tuple(found)


@st.composite
def _performed(draw: st.DrawFn, scope: Scope) -> Node:
    kinds = draw(st.sampled_from([(PAGE,), (PAGE,), (PAGE, OPEN), (DWELL,), (OWN,)]))
    at_least = draw(st.sampled_from([0, 1, 1, 2])) if scope.shape == "count" else draw(st.sampled_from([0, 1]))
    at_most = draw(st.none() | st.integers(at_least, 2)) if scope.shape == "count" else None
    window = _window(scope)
    ends = [-60, 0, 0.3, 60, 120]
    low, high = sorted((draw(st.sampled_from(ends)), draw(st.sampled_from(ends))))
    numbers = {PAGE: ["value", "total"], OWN: ["value", "amount"]}.get(kinds[0], ["value"])
    open_ = draw(st.sampled_from(["", "low", "high"]))
    total = Total(draw(st.sampled_from(numbers)), None if open_ == "low" else low, None if open_ == "high" else high)
    return Performed(
        kinds,
        draw(st.sampled_from([None, None, None, (), (1,), (1, 2)])),
        at_least,
        at_most,
        where=draw(_tests(kinds[0], scope)),
        value_at_least=draw(st.sampled_from([None, None, None, 60.0])),
        pick=draw(st.sampled_from(["first", "last"])) if scope.shape == "pick" else None,
        total=total if scope.shape == "total" else None,
        event="order" if kinds == (OWN,) else "",
        **draw(window),
    )


@st.composite
def _window(draw: st.DrawFn, scope: Scope) -> dict[str, Any]:
    """The time that events must lie in."""
    length = timedelta(days=scope.length)
    how = draw(st.sampled_from(["rolling", "period"] if scope.moving else ["any", "rolling", "fixed", "period"]))
    if how == "rolling" and scope.length:
        return draw(st.sampled_from([{"within": length}, {"within": length, "older": scope.older}, {"older": length}]))
    if how == "period" or (scope.moving and not scope.length):
        return {"period": draw(st.sampled_from(scope.periods))}
    if how == "fixed":
        moments = sorted([scope.now - length, scope.now, scope.now + length])
        days = sorted([scope.today - length, scope.today, scope.today + length])
        ends = draw(st.sampled_from([moments, days]))
        low, high = draw(st.sampled_from([(0, 1), (1, 2), (1, 1), (0, 2)]))
        return draw(st.sampled_from([{"since": ends[low], "until": ends[high]}, {"since": ends[low]}, {"until": ends[high]}]))
    return {}


def _members(scope: Scope) -> st.SearchStrategy[Node]:
    times: list[timedelta | None] = [timedelta(days=scope.length), scope.older] if scope.length else []
    lengths = st.sampled_from(times if scope.moving else [None, *times])
    reasons = st.sampled_from([None, None, "filter", "hand"])
    older = st.none() if scope.moving else lengths
    return st.builds(MemberOf, st.sampled_from([1, 2]), lengths, older, reasons) | st.builds(MemberOf, st.sampled_from([1, 2]), older, lengths, reasons)


def _leaf(scope: Scope) -> st.SearchStrategy[Node]:
    order = st.sampled_from(["at_least", "at_most", "more_than", "less_than", "is", "is_not"])
    made: dict[str, st.SearchStrategy[Node]] = {
        "compare": _compare(scope.known, "contact", scope),
        "performed": _performed(scope),
        "member": _members(scope) if scope.moving else _members(scope) | st.sampled_from([Everyone(), Nobody()]),
        "score": st.builds(ScoreIs, st.sampled_from([1, 2]), order, st.sampled_from([-5, 0, 35]), st.sampled_from(["total", "fit", "engagement"]))
        | st.builds(InBand, st.just(1), st.sampled_from([band.key for band in BANDS]), st.booleans()),
        "state": st.builds(HasState, st.sampled_from(["opted_in", "opted_out", "bounced", "complained", "unsubscribed"]), st.just("email"))
        | st.builds(Subscribed, st.sampled_from([1, 2]), st.booleans(), st.sampled_from(["email", "sms"])),
        "seen": _seen(scope),
        "related": _related("company", _groups(_about_company(scope))),
    }
    return st.one_of(*(made[name] for name in scope.leaves))


@st.composite
def _seen(draw: st.DrawFn, scope: Scope) -> Node:
    test = draw(_compare([Property("city", "City", "text")], "contact", scope))
    assert isinstance(test, Compare)
    return FirstSeen(draw(st.sampled_from(["first_page", "first_referrer"])), test.operator, test.value, test.case)


@st.composite
def _related(draw: st.DrawFn, kind: str, child: st.SearchStrategy[Node]) -> Node:
    least, most = draw(st.sampled_from([(1, None), (1, None), (0, 0), (2, None), (0, 1), (1, 1), (0, None)]))
    return Related(kind, draw(child), draw(st.sampled_from([None, "primary"])), least, most)


def _about_company(scope: Scope) -> st.SearchStrategy[Node]:
    deals = _related("deal", _groups(_compare(scope.deal, "deal", scope)) | st.just(Everyone()))
    return _compare(scope.company, "company", scope) | deals


def every_value(now: datetime, zone: ZoneInfo, length: int, texts: list[str]) -> World:
    """Every operator of every property with every value it may take, about people who hold every value there is."""
    scope = Scope(now, zone, length, texts, PROPERTIES, [], [], [], False, PERIODS)
    held = {p.name: [*_valid(p, scope), *WRONG] for p in PROPERTIES if p.column is None}
    count = max(len(values) for values in held.values())
    people = [Person({name: values[i % len(values)] for name, values in held.items()}, created_at=scope.stored[i % len(scope.stored)]) for i in range(count)]
    filters = [
        Compare(p.name, operator.key, value, case=case)
        for p in PROPERTIES
        for operator in OPERATORS[p.type].values()
        for value in _values(p, operator.takes, scope)
        for case in ([False, True] if operator.cased else [False])
    ]
    return World(now, zone, people, filters, now)


def _values(prop: Property, takes: str, scope: Scope) -> list[Any]:
    """What a filter may compare with."""
    one = _valid(prop, scope)
    if prop.type in {"text", "email", "url"}:
        one = scope.texts
    elif prop.type == "datetime":
        one = [day.isoformat() for day in scope.days] + [at.isoformat() for at in scope.stored]
    elif prop.type == "multi_choice":
        one = [value for value, _ in OPTIONS]
    pairs = [tuple(sorted(pair, key=str if prop.type == "datetime" else None)) for pair in zip(one, one[1:] + one[:1], strict=True)]
    return {"nothing": [None], "days": [scope.length], "many": [(v,) for v in one] + pairs, "two": pairs, "one": one, "period": list(scope.periods)}[takes]


def _some(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[tuple[Node, ...]]:
    return st.lists(inner, min_size=1, max_size=3).map(tuple)


def _groups(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.recursive(
        leaves,
        lambda inner: st.builds(Not, inner) | st.builds(And, _some(inner)) | st.builds(Or, _some(inner)),
        max_leaves=3,
    )
