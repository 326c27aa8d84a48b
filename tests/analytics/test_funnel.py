"""The board of The Model: opening + in - out = closing, whatever happened; and what its rates are of."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.analytics import ageing, breakdown, cohorts, counting, flows, funnel, periods, whose
from baton.analytics.flows import Only
from baton.analytics.models import CohortMonth, Counted, FlowDay, StayMonth, WayMonth, WhoseDue
from baton.analytics.people import number
from baton.analytics.periods import Period
from baton.crm import ledger
from baton.crm.models import BookedFor, Booking, Contact
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.platform.changes import Change
from tests import examples
from tests.analytics.ledger import Step, at, book, many

pytestmark = pytest.mark.django_db
NOVEMBER = Period("month", date(2026, 11, 1), date(2026, 12, 1))
STAGES = ("subscriber", "lead", "nurturing", "mql", "sql", "opportunity", "customer", "evangelist", "recycle_a", "recycle_b", "deadend", "gone_stage", "")


@pytest.fixture(autouse=True)
def _november() -> None:
    clock.shift(at("2026-11-30", 20) - clock.now())


def test_the_example_of_ten_thousand_new_leads() -> None:
    """10,000 new leads: 70 % go on to nurturing (7,000), 10 % are no target (1,000, dead end), and 2,000 remain."""
    new, later = at("2026-11-03"), at("2026-11-20")
    book(
        [
            *many(7_000, [(new, "lead"), (later, "nurturing")], 1),
            *many(1_000, [(new, "lead"), (later, "deadend")], 7_001),
            *many(2_000, [(new, "lead")], 8_001),
        ]
    )
    board, _before = funnel.board(NOVEMBER)
    lead, nurturing, dead = (board.rows[key] for key in ("lead", "nurturing", "deadend"))
    assert (lead.opening, lead.flow_in, lead.moved, lead.left["ended"], lead.closing) == (0, 10_000, 7_000, 1_000, 2_000)
    assert lead.cvr == 0.7
    assert (nurturing.flow_in, nurturing.closing, dead.closing) == (7_000, 7_000, 1_000)
    december, november = funnel.board(Period("month", date(2026, 12, 1), date(2027, 1, 1)))
    assert (december.rows["lead"].opening, december.rows["lead"].closing) == (2_000, 2_000)
    assert november.rows["lead"].moved == 7_000


def test_each_way_through_the_stages_has_its_number() -> None:
    before, new, later, last = at("2026-10-05"), at("2026-11-03"), at("2026-11-10"), at("2026-11-20")
    book(
        [
            *many(3, [(before, "sql"), (new, "recycle_a")], 1),
            *many(2, [(before, "recycle_a"), (later, "nurturing")], 10),
            *many(1, [(before, "opportunity"), (later, "recycle_b")], 20),
            *many(4, [(new, "lead"), (later, "sql"), (last, "opportunity")], 30),  # skips nurturing and MQL
            *many(5, [(before, "lead"), (later, "nurturing"), (last, "mql")], 40),
            *many(1, [(before, "mql"), (last, "nurturing")], 50),  # back
            *many(1, [(before, "mql"), (last, "")], 60),  # archived
            *many(1, [(before, "deadend"), (last, "lead")], 70),  # reopened
        ]
    )
    board, october = funnel.board(NOVEMBER)
    rows = board.rows
    assert rows["sql"].left == {"recycled": 3, "forward": 4}
    assert rows["sql"].came == {"fast_pass": 4}
    assert rows["lead"].left == {"fast_pass": 4, "forward": 5}
    assert rows["lead"].cvr == 5 / 10  # of 5 that were there, 4 new and 1 reopened; a fast pass is no conversion of the stages it skips
    assert rows["nurturing"].came == {"forward": 5, "returned": 2, "other": 1}
    assert (rows["recycle_a"].opening, rows["recycle_a"].came, rows["recycle_a"].cvr) == (2, {"recycled": 3}, 2 / 5)
    assert (rows["recycle_b"].flow_in, rows["recycle_b"].cvr) == (1, 0.0)
    assert rows["mql"].left == {"other": 1, "exit": 1}
    assert (rows["deadend"].opening, rows["deadend"].closing) == (1, 0)
    assert october.rows["lead"].closing == rows["lead"].opening == 5
    assert rows["customer"].cvr is None
    assert rows["lead"].waited == 5 * 9 + 5 * 0 + 4 * 7 + 1 * 11


def test_of_a_source_and_an_owner_only() -> None:
    for id, source, owner in ((1, "webinar", 7), (2, "webinar", None), (3, "search", 7)):
        Contact.objects.create(id=id, properties={"lead_source": source}, owner_id=owner, created_at=clock.now(), updated_at=clock.now())
    book([(id, [(at("2026-11-03"), "lead")]) for id in (1, 2, 3, 4)])

    def leads(**only: object) -> int:
        return funnel.board(NOVEMBER, only=Only(**only))[0].rows["lead"].flow_in  # type: ignore[arg-type]

    assert (leads(), leads(source="webinar"), leads(owners=(7,)), leads(source="webinar", owners=(7,)), leads(source=""), leads(owners=(None,))) == (
        4,
        2,
        2,
        1,
        1,
        2,
    )


def test_days_and_months_are_those_of_the_account() -> None:
    book([(1, [(at("2026-11-30", 23), "lead")]), (2, [(at("2026-12-01", 0), "lead")]), (3, [(at("2026-11-01", 0), "lead")])])
    assert funnel.board(NOVEMBER)[0].rows["lead"].flow_in == 2


history = st.lists(st.tuples(st.integers(0, 150), st.sampled_from(STAGES)), max_size=7)


@given(st.lists(history, min_size=1, max_size=12), st.integers(0, 10))
@settings(max_examples=examples.some(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_opening_plus_in_minus_out_is_closing_after_any_history(histories: list[list[tuple[int, str]]], counted: int) -> None:
    """For every stage and month; and the same whether all, some or nothing of the ledger was counted beforehand."""
    Booking.objects.all().delete()
    Counted.objects.all().delete()
    start = date(2026, 7, 1)

    def steps(days: list[tuple[int, str]]) -> list[Step]:
        return [(at(start + timedelta(days=day), 1 + n), stage) for n, (day, stage) in enumerate(sorted(days, key=lambda pair: pair[0]))]

    ways = [(id, steps(days)) for id, days in enumerate(histories, 1)]
    book(ways[:counted])
    count_all()
    book(ways[counted:])
    months = [Period("month", periods.add(start, n), periods.add(start, n + 1)) for n in range(5)]
    found = funnel.boards(months)
    for month, board in zip(months, found, strict=True):
        end = periods.at(month.until)
        standing = Counter(stage for _id, way in ways if (stage := ([""] + [into for when, into in way if when < end])[-1]))
        assert {key: row.closing for key, row in board.rows.items() if row.closing} == standing
        for row in board.rows.values():
            assert row.opening + row.flow_in - row.flow_out == row.closing
            assert row.left == Counter() if not row.stays else row.flow_out <= row.stays
            assert row.to.total() == row.flow_out
        assert sum(board.rows[key].waited for key in board.rows) == sum(
            max(0, (min(month.until, date(2026, 12, 1)) - max(month.first, day)).days) * (1 if into else 0)
            - max(0, (min(month.until, date(2026, 12, 1)) - max(month.first, day)).days) * (1 if before else 0)
            for _id, way in ways
            for (day, into, before) in [(when.date(), into, before) for (when, into), before in zip(way, ["", *[i for _w, i in way]], strict=False)]
        )
    for earlier, later in pairwise(found):
        assert {k: r.closing for k, r in earlier.rows.items() if r.closing} == {k: r.opening for k, r in later.rows.items() if r.opening}
    whole = flows.read([start, periods.add(start, 5)])
    assert sum(whole[0].ways.values()) == 0
    one = funnel.boards([Period("year", start, periods.add(start, 5))])[0]
    assert sum(row.flow_in for row in one.rows.values()) == sum(row.flow_in for board in found for row in board.rows.values())


def count_all() -> None:
    """Count everything there is; what a worker does in two rounds because transactions may still be open."""
    counting.forward()
    Counted.objects.update(looked_at=at("2000-01-01"))
    counting.forward()
    assert Counted.objects.get().upto == max(Booking.objects.values_list("id", flat=True), default=0)


@given(st.lists(history, min_size=1, max_size=10), st.integers(0, 8))
@settings(max_examples=examples.some(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ages_are_those_of_the_people_who_stand_there(histories: list[list[tuple[int, str]]], counted: int) -> None:
    """At the end of every month, however much was counted beforehand; and counting all again from nothing changes nothing."""
    Booking.objects.all().delete()
    Counted.objects.all().delete()
    start = date(2026, 7, 1)
    ways = [(id, [(at(start + timedelta(days=day), 1 + n), stage) for n, (day, stage) in enumerate(sorted(days))]) for id, days in enumerate(histories, 1)]
    book(ways[:counted])
    count_all()
    book(ways[counted:])
    for n in range(1, 6):
        until = periods.add(start, n)
        expected: dict[str, list[int]] = {}
        for _id, way in ways:
            here, since = "", start
            for when, into in way:
                if when < periods.at(until) and into != here:
                    here, since = into, when.astimezone(periods.at(until).tzinfo).date()
            if here and here != "gone_stage":
                expected.setdefault(here, []).append((periods.asof(until) - since).days)
        found = {age.stage.key: age for age in ageing.read(until)}
        assert {key: (age.people, age.longest) for key, age in found.items()} == {key: (len(days), max(days)) for key, days in expected.items()}
        for key, days in expected.items():
            assert found[key].median == sorted(days)[(len(days) - 1) // 2]
            allowed = found[key].stage.days
            assert found[key].stuck == sum(1 for one in days if allowed is not None and one > allowed)
        some = {age.stage.key: age for age in ageing.read(until, only=Only(owners=(None,)))}
        assert {key: (age.people, age.median, age.longest, age.stuck) for key, age in some.items()} == {
            key: (age.people, age.median, age.longest, age.stuck) for key, age in found.items()
        }
    count_all()

    def tables() -> list[object]:
        return [
            sorted(FlowDay.objects.filter(n__gt=0).values_list("day", "out_of", "into", "path", "n")),
            sorted(StayMonth.objects.exclude(n=0).values_list("stage", "since", "left", "n")),
            sorted(WayMonth.objects.exclude(n=0).values_list("month", "source", "owner_id", "out_of", "into", "path", "n", "days")),
            sorted(CohortMonth.objects.exclude(n=0).values_list("came", "reached", "source", "owner_id", "n")),
        ]

    before = tables()
    counting.again()
    assert tables() == before


def test_a_booking_of_an_open_transaction_is_not_counted_yet() -> None:
    book([(1, [(at("2026-11-03"), "lead")])])
    assert counting.forward() == 0  # seen for the first time: a smaller number may still be on its way
    assert funnel.board(NOVEMBER)[0].rows["lead"].flow_in == 1
    count_all()
    book([(2, [(at("2026-09-03"), "lead")])])  # dated into the past
    assert funnel.board(NOVEMBER)[0].rows["lead"].closing == 2
    assert Counted.objects.get().upto == Booking.objects.get(contact_id=1).id


SOURCES, OWNERS = ("", "webinar", "search"), (None, 7, 8)
whoses = st.tuples(st.sampled_from(SOURCES), st.sampled_from(OWNERS))


@given(st.lists(st.tuples(history, whoses, whoses, st.booleans()), min_size=1, max_size=10), st.integers(0, 8), st.booleans())
@settings(max_examples=examples.some(2), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sources_owners_and_cohorts_tie_out_whoever_changes_hands(
    people: list[tuple[list[tuple[int, str]], tuple[str, int | None], tuple[str, int | None], bool]], counted: int, told: bool
) -> None:
    """Boards of sources and owners add up to the whole and open their people; cohorts are those of the histories; at every moment of the counting."""
    for table in (Booking, Counted, Contact, BookedFor):
        table.objects.all().delete()
    start = date(2026, 7, 1)
    months = [periods.add(start, n) for n in range(5)]
    ways = [(id, [(at(start + timedelta(days=day), 1 + n), into) for n, (day, into) in enumerate(sorted(days))]) for id, (days, *_) in enumerate(people, 1)]
    for id, (_days, (source, owner), _new, _gone) in enumerate(people, 1):
        Contact.objects.create(id=id, properties={"lead_source": source} if source else {}, owner_id=owner, created_at=clock.now(), updated_at=clock.now())

    def check(now: dict[int, tuple[str, int | None]] | None = None) -> None:
        for month in (months[1], months[4]):
            period = Period("month", month, periods.add(month, 1))
            whole = numbers(funnel.board(period)[0])
            for by, values in (("source", SOURCES), ("owner", OWNERS)):
                parts = breakdown.boards(by, period)
                assert sum((numbers(board) for board in parts.values()), Counter()) == whole
                for value in values:
                    only = Only(source=value) if by == "source" else Only(owners=(value,))  # type: ignore[arg-type]
                    own = funnel.board(period, only=only)[0]
                    assert numbers(own) == (numbers(parts[value]) if value in parts else Counter())
                    for key, row in own.rows.items():
                        if row.closing and key != "gone_stage":
                            behind = number(key, "closing", f"{month}", f"{period.until}", only)
                            assert len(behind.page()) == behind.count() == row.closing
                    before, moves = flows.read([month, period.until], only=only)
                    sameday = flows.read([month, periods.add_days(period.until, -1), period.until], only=only)  # of days: the ledger itself
                    assert moves.ways == sameday[1].ways + sameday[2].ways
                    assert (before.ways, moves.days) == (sameday[0].ways, Counter({w: sameday[1].days[w] + sameday[2].days[w] for w in moves.days}))
        cells = {(source, owner): cohorts.read(months, only=Only(source, (owner,))) for source in SOURCES for owner in OWNERS}
        everybody = cohorts.read(months)
        for place, month in enumerate(months):
            came = [
                (id, {into for (_when, into), was in zip(way, ["", *[i for _w, i in way]], strict=False) if into != was})
                for id, way in ways
                if (first := next((when for when, into in way if into), None)) and periods.at(month) <= first < periods.at(periods.add(month, 1))
            ]
            assert everybody[place].people == len(came) == sum(cell[place].people for cell in cells.values())
            assert everybody[place].ended.part == sum("deadend" in been for _id, been in came) == sum(cell[place].ended.part for cell in cells.values())
            for n, stage in enumerate(order := [stage.key for stage in cohorts.way()]):
                so_far = sum(bool(been & set(order[n:])) for _id, been in came)
                assert everybody[place].reached[stage].part == so_far == sum(cell[place].reached[stage].part for cell in cells.values())
            if now:
                for cell, found in cells.items():
                    assert found[place].people == sum(now.get(id) == cell for id, _been in came)

    book(ways[:counted])
    count_all()
    book(ways[counted:])
    check(dict(enumerate((old for _days, old, *_ in people), 1)))
    for id, (_days, _old, (source, owner), gone) in enumerate(people, 1):
        Contact.objects.filter(id=id).update(properties={"lead_source": source} if source else {}, owner_id=owner)
        if gone:  # erased: counted as it was
            ledger.forget_whose([id], at=clock.now(), actor=SYSTEM)
            Contact.objects.filter(id=id).delete()
            people[id - 1] = (*people[id - 1][:2], people[id - 1][1], True)
    check()
    if told:
        whose.note(Change(id, "property", "owner_id") for id in range(1, len(people) + 1))
        whose.moved()
        check()
    count_all()
    whose.note(Change(id, "identity") for id in range(1, len(people) + 1))
    whose.moved()
    check()
    if not any(gone for *_, gone in people):
        check(dict(enumerate((new for _days, _old, new, _gone in people), 1)))


def numbers(board: funnel.Board) -> Counter[tuple[str, str]]:
    """What a board says of its stages: none of it is 0."""
    found = {(key, what): n for key, row in board.rows.items() for what, n in (("opening", row.opening), ("closing", row.closing), *row.came.items())}
    found |= {(key, f"to {to}"): n for key, row in board.rows.items() for to, n in row.to.items()}
    return Counter({name: n for name, n in found.items() if n})


def test_another_source_takes_all_that_was_counted_along() -> None:
    """Through the doors: a new contact, counted; another source, which the tick notes and the next count takes over; then he is erased."""
    import baton.segments.jobs  # noqa: F401 - the tick's stages
    from baton.analytics import jobs  # noqa: F401
    from baton.crm import erase, records

    id = records.create("contact", {"email": "han@people.example", "lead_source": "webinar", "lifecyclestage": "lead"}, actor=SYSTEM, source="test")
    count_all()

    def leads(source: str) -> int:
        return funnel.board(NOVEMBER, only=Only(source=source))[0].rows["lead"].closing

    assert (leads("webinar"), leads("search")) == (1, 0)
    records.update("contact", id, {"lead_source": "search"}, actor=SYSTEM, source="test")
    assert (leads("webinar"), leads("search")) == (1, 0)  # whole with the old one until the next count
    while changes.tick():
        pass
    assert whose.moved() == 1
    assert (leads("webinar"), leads("search")) == (0, 1)
    erase.erase(id, actor=SYSTEM)
    board = funnel.board(NOVEMBER, only=Only(source="search"))[0].rows["lead"]
    assert (board.flow_in, board.left["exit"], board.closing) == (1, 1, 0)  # who is gone stays where he was counted
    assert not WhoseDue.objects.filter(contact_id=id).exists()
