"""The one machine of stages: what may follow what, what each move is called, who may decide, and that every door books."""

from typing import Any

import pytest

from baton.accounts.models import User
from baton.crm import erase, merge, properties, records, stages
from baton.crm.models import Booking, LifecycleStage
from baton.crm.values import stamp
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.changes import Change
from baton.platform.errors import Forbidden, Invalid, NotFound

pytestmark = pytest.mark.django_db
OH = Actor("user", 41)


def person(stage: str = "", **values: Any) -> int:
    return records.create("contact", {"lastname": "서", "lifecyclestage": stage, **values}, actor=OH, source="page")


def set_to(id: int, stage: str) -> None:
    records.update("contact", id, {"lifecyclestage": stage}, actor=OH, source="page")


def stage(id: int) -> str:
    return str(records.get("contact", id).properties.get("lifecyclestage", ""))


def ways(id: int) -> list[tuple[str, str, str]]:
    return list(Booking.objects.filter(contact_id=id).order_by("id").values_list("out_of", "into", "path"))


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("", "sql", "entry"), ("subscriber", "lead", "forward"), ("lead", "nurturing", "forward"), ("lead", "sql", "fast_pass"), ("sql", "", "exit"),
        ("mql", "customer", "fast_pass"), ("mql", "recycle_a", "recycle"), ("recycle_a", "recycle_b", "recycle"), ("recycle_b", "nurturing", "return"),
        ("recycle_a", "mql", "return"), ("sql", "deadend", "dead_end"), ("recycle_a", "deadend", "dead_end"), ("customer", "evangelist", "forward"),
        ("evangelist", "customer", "back"), ("customer", "other", "forward"),
    ],
)  # fmt: skip
def test_a_plain_change_is_one_booking_with_its_path(before: str, after: str, path: str) -> None:
    id = person(before)
    set_to(id, after)
    assert ways(id) == [*([("", before, "entry")] if before else []), (before, after, path)]
    booked = Booking.objects.filter(contact_id=id).latest("id")
    assert (booked.actor, booked.source) == ("user:41", "page")
    assert records.get("contact", id).properties["stage_since"] == stamp(booked.at)
    set_to(id, after)
    assert Booking.objects.filter(contact_id=id).latest("id").id == booked.id


@pytest.mark.parametrize(("before", "after"), [("sql", "mql"), ("customer", "lead"), ("lead", "subscriber"), ("opportunity", "nurturing")])
def test_going_back_is_refused_with_words_unless_the_stage_is_cleared_first(before: str, after: str) -> None:
    id = person(before)
    with pytest.raises(Invalid) as fault:
        set_to(id, after)
    assert [(p.path, p.code) for p in fault.value.problems] == [("properties.lifecyclestage", "BACKWARD")]
    assert stages.get(before).label in fault.value.problems[0].message
    assert (stage(id), len(ways(id))) == (before, 1)
    set_to(id, "")
    set_to(id, after)
    assert ways(id)[1:] == [(before, "", "exit"), ("", after, "entry")]


def test_moving_back_is_a_decision_of_its_own() -> None:
    id, other = person("sql"), person("lead")
    moved = stages.move([id, other, 999_999_999], "mql", actor=OH, source="page", reason="예산 없음", back=True)
    assert (moved[id], moved[other]) == (True, True)
    assert isinstance(moved[999_999_999], NotFound)
    assert (ways(id)[-1], ways(other)[-1]) == (("sql", "mql", "back"), ("lead", "mql", "fast_pass"))
    assert Booking.objects.filter(contact_id=id).latest("id").reason == "예산 없음"
    refused = stages.move([id], "lead", actor=OH, source="page")[id]
    assert isinstance(refused, Invalid)


def test_many_at_once_are_judged_one_by_one() -> None:
    ids = [person(one) for one in ("lead", "sql", "deadend", "")]
    outcomes = records.update_many("contact", {id: {"lifecyclestage": "mql"} for id in ids}, actor=OH, source="import")
    codes = [fault.problems[0].code if isinstance(fault, Invalid) else None for fault in (outcomes[id] for id in ids)]
    assert codes == [None, "BACKWARD", "DEAD_END", None]
    assert [stage(id) for id in ids] == ["mql", "sql", "deadend", "mql"]


class TestDeadEnd:
    def test_only_an_administrator_leads_out_of_it_with_a_reason(self) -> None:
        admin = Actor("user", User.objects.create_user("a@nuriwork.example", name="관리자", role="admin").pk)
        seller = Actor("user", User.objects.create_user("s@nuriwork.example", name="영업", role="sales").pk)
        id = person("mql")
        with pytest.raises(Invalid):
            stages.move([id], "deadend", actor=seller, source="page", reason=" ")
        assert stages.move([id], "deadend", actor=seller, source="page", reason="학생") == {id: True}
        for into in ("", "lead", "recycle_a", "customer"):
            assert isinstance(stages.move([id], into, actor=admin, source="page", back=True)[id], Invalid), into
        with pytest.raises(Forbidden):
            stages.reopen(id, "lead", reason="졸업", actor=seller)
        with pytest.raises(Invalid):
            stages.reopen(id, "lead", reason="", actor=admin)
        stages.reopen(id, "lead", reason="졸업", actor=admin)
        assert ways(id)[-1] == ("deadend", "lead", "reopen")
        with pytest.raises(Invalid):
            stages.reopen(id, "lead", reason="다시", actor=admin)


class TestOutside:
    def test_archive_and_restore_are_bookings(self) -> None:
        id = person("mql")
        since = records.get("contact", id).properties["stage_since"]
        records.archive("contact", id, actor=OH)
        records.restore("contact", id, actor=OH)
        assert ways(id)[1:] == [("mql", "", "exit"), ("", "mql", "entry")]
        assert list(Booking.objects.filter(contact_id=id).order_by("id").values_list("source", flat=True)) == ["page", "archive", "restore"]
        assert records.get("contact", id).properties["stage_since"] == since

    def test_a_merge_leaves_one_place_and_its_undo_takes_it_again(self) -> None:
        keep, gone = person("lead", email="a@x.example"), person("sql", email="b@x.example")
        before = {id: records.get("contact", id).properties for id in (keep, gone)}
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        assert (stage(keep), ways(keep)[-1], ways(gone)[-1]) == ("sql", ("lead", "sql", "fast_pass"), ("sql", "", "exit"))
        merge.undo(made, actor=SYSTEM)
        assert (ways(keep)[-1], ways(gone)[-1]) == (("sql", "lead", "back"), ("", "sql", "entry"))
        assert {id: records.get("contact", id).properties for id in (keep, gone)} == before

    def test_the_bookings_of_somebody_erased_stay_under_a_number_of_nobodys(self) -> None:
        id = person("lead", email="gone@x.example")
        stages.move([id], "recycle_a", actor=OH, source="page", reason="gone@x.example 휴직")
        erase.erase(id, actor=SYSTEM)
        assert ways(id) == []
        ((number, reasons, out_of),) = sql.rows("SELECT contact_id, array_agg(DISTINCT reason), max(out_of) FROM booking WHERE contact_id < 0 GROUP BY 1")
        assert (abs(number) != id, reasons, out_of) == (True, [""], "recycle_a")
        assert ways(number)[-1] == ("recycle_a", "", "exit")


def test_the_tick_hears_of_each_booking() -> None:
    id = person("lead")
    sql.run("DELETE FROM change")
    set_to(id, "mql")
    told = [Change(*row) for row in sql.rows("SELECT contact_id, kind, key FROM change WHERE kind = 'booking'")]
    assert told == [Change(id, "booking", str(Booking.objects.filter(contact_id=id).latest("id").id))]


class TestStages:
    def test_they_are_the_options_in_their_order(self) -> None:
        keys = [option["value"] for option in properties.definitions("contact")["lifecyclestage"].options]
        assert [one.key for one in stages.known()] == keys
        assert {one.key for one in stages.known()} == set(LifecycleStage.objects.values_list("key", flat=True))
        assert [one.key for one in stages.known() if one.on_the_way] == ["subscriber", "lead", "nurturing", "mql", "sql", "opportunity", "customer"]
        assert {one.key: one.returns_to for one in stages.known() if one.kind == "recycle"} == {"recycle_a": "nurturing", "recycle_b": "nurturing"}

    def test_a_stage_of_ones_own_stands_beside_the_way_until_it_is_defined(self) -> None:
        options = [*properties.definitions("contact")["lifecyclestage"].options, {"value": "trial", "label": "체험"}]
        properties.change("contact", "lifecyclestage", actor=OH, options=options)
        assert (stages.get("trial").kind, stages.get("trial").label) == ("aside", "체험")
        stages.define("trial", actor=OH, kind="recycle", returns_to="lead", days=30, team="sales")
        assert (stages.get("trial").returns_to, stages.get("trial").days) == ("lead", 30)

    @pytest.mark.parametrize(
        ("key", "fields", "path"),
        [
            ("mql", {"rule": {}}, "rule"), ("mql", {"rule": {"mode": "people", "reason": " "}}, "rule.reason"), ("mql", {"rule": {"mode": "score"}}, "rule"),
            ("customer", {"rule": {"mode": "either"}}, "rule"), ("other", {"kind": "forward"}, "rule"), ("mql", {"kind": "sideways"}, "kind"),
            ("recycle_a", {"returns_to": "deadend"}, "returns_to"), ("mql", {"returns_to": "lead"}, "returns_to"), ("mql", {"days": 0}, "days"),
            ("mql", {"days": "7"}, "days"), ("mql", {"colour": "red"}, "colour"), ("mql", {"team": "army"}, "team"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_said_at_its_field(self, key: str, fields: dict[str, Any], path: str) -> None:
        with pytest.raises(Invalid) as fault:
            stages.define(key, actor=OH, **fields)
        assert [p.path for p in fault.value.problems] == [path]

    def test_only_another_rule_marks_the_charts(self) -> None:
        stages.define("mql", actor=OH, days=14)
        assert LifecycleStage.objects.get(key="mql").changed_at is None
        stages.define("mql", actor=OH, rule={"mode": "score", "model": "", "band": "sql"})
        marked = LifecycleStage.objects.get(key="mql").changed_at
        assert marked is not None
        assert marked <= clock.now()
        stages.define("mql", actor=OH, rule={"mode": "score", "model": "", "band": "sql"})
        assert LifecycleStage.objects.get(key="mql").changed_at == marked

    def test_ones_own_last_move_can_be_taken_back(self) -> None:
        id = person("lead")
        set_to(id, "deadend")
        assert stages.taking_back(id, "lead", actor=OH) == "any"
        assert stages.taking_back(id, "mql", actor=OH) == ""
        assert stages.taking_back(id, "lead", actor=Actor("user", 42)) == ""
