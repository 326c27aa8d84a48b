"""What sales says of a lead, and exactly what follows; what the owner hears of it."""

from datetime import timedelta
from typing import Any

import pytest

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import activities, records, stages
from baton.crm.models import Booking
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging import jobs as _alerts_in_the_tick  # noqa: F401
from baton.messaging.colleagues import alerts
from baton.messaging.models import Notification
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Forbidden, Invalid
from baton.segments import entries, handover, lifecycle, scoring, verdicts
from baton.segments.models import Membership, Score, ScoreEntry, ScoreModel
from tests.segments import scores


@pytest.fixture
def han(account: object) -> User:
    return users.create("han@nuriwork.example", "한지원", "a-long-enough-one", "sales", actor=SYSTEM, language="en")


@pytest.fixture
def sales(han: User) -> Actor:
    return Actor("user", han.pk)


def says(contact_id: int) -> tuple[str, int, Any]:
    """Stage, points, verdict."""
    given = records.get("contact", contact_id).properties
    score = Score.objects.filter(contact_id=contact_id).first()
    return str(given.get("lifecyclestage") or ""), score.total if score else 0, given.get("sales_verdict")


def model(world: Any) -> Any:
    return world.model(
        ("web", world.viewed("/pricing"), 10, {"each": True}),
        ("web", world.viewed("/case"), 1, {"each": True}),
        ("web", world.has("seniority", "head"), 20),
    )


def an_sql(world: Any, han: User, **more: Any) -> int:
    """50 points by pages and 20 by rank."""
    anna: int = world.contact(lastname="서", firstname="지우", company="가온", seniority="head", owner_id=han.pk, **more)
    world.settle()
    world.views(anna, "/pricing", times=5)
    world.settle()
    return anna


def titles(user: User) -> list[str]:
    return list(Notification.objects.filter(user_id=user.pk).order_by("id").values_list("title", flat=True))


def test_not_ready_takes_just_so_many_points_and_he_earns_sql_again(world: Any, han: User, sales: Actor) -> None:
    model(world)
    anna = an_sql(world, han)
    ripe = world.list(world.has("lifecyclestage", "sql"))
    assert says(anna) == ("sql", 70, None)
    first = Notification.objects.get(user_id=han.pk)
    assert first.title == "서지우 (가온) became an SQL with 70 points"
    assert "(+50)" in first.body
    assert "(+20)" in first.body

    given = verdicts.give(anna, "not_ready", reason="예산이 없음", actor=sales)
    assert says(anna) == ("mql", 64, "not_ready")  # at once, before the tick
    [entry] = entries.of(anna)
    assert (entry.points, entry.reason, entry.actor) == (-6, "예산이 없음", f"user:{han.pk}")
    assert (given.score, given.stage, given.reasons) == (70, "sql", {"rule0": [5, 50], "rule2": [1, 20]})
    booking = Booking.objects.filter(contact_id=anna).latest("id")
    assert (booking.out_of, booking.into, booking.path, booking.source, booking.reason) == ("sql", "mql", "back", "verdict", "예산이 없음")
    world.settle()
    lifecycle.everyone()
    scoring.everyone(ScoreModel.objects.get())
    world.settle()
    assert says(anna) == ("mql", 64, "not_ready")
    assert not Membership.objects.filter(segment_id=ripe.pk).exists()

    world.views(anna, "/case")
    world.settle()
    assert says(anna) == ("sql", 65, None)  # a new question: it waits for a verdict again
    assert world.members(ripe) == {anna}
    assert Event.objects.filter(contact_id=anna, kind=Kind.SEGMENT_JOINED).count() == 2  # so workflows run again
    second = Notification.objects.filter(user_id=han.pk).latest("id")
    assert second.title == "서지우 (가온) is an SQL again with 65 points"
    today = clock.now().astimezone().date()
    assert f"Re-qualified, was demoted on {today:%Y}" in second.body
    assert "Not ready: 예산이 없음" in second.body
    assert len(titles(han)) == 2


def test_not_ready_never_falls_below_mql_and_takes_nothing_from_who_has_less(world: Any, han: User, sales: Actor) -> None:
    scored = model(world)
    scores.thresholds(scored, 64, 65)
    anna = an_sql(world, han)
    verdicts.give(anna, "not_ready", actor=sales)
    assert says(anna)[:2] == ("mql", 64)
    ben = world.contact()
    world.settle()
    records.update("contact", ben, {"lifecyclestage": "sql"}, actor=sales, source="page")  # by hand, without the points
    verdicts.give(ben, "not_ready", actor=sales)
    assert says(ben) == ("mql", 0, "not_ready")
    assert not entries.of(ben)


def test_unqualified_takes_100_and_nothing_lifts_him_until_a_person_changes_the_verdict(world: Any, han: User, sales: Actor) -> None:
    model(world)
    anna = an_sql(world, han)
    verdicts.give(anna, "unqualified", reason="경쟁사 직원", actor=sales)
    assert says(anna) == ("subscriber", -30, "unqualified")
    world.views(anna, "/pricing", times=30)
    world.settle()
    lifecycle.everyone()
    scoring.everyone(ScoreModel.objects.get())
    world.settle()
    assert says(anna) == ("subscriber", 270, "unqualified")
    verdicts.take_back(anna, reason="잘못 눌렀습니다", actor=sales)
    assert says(anna) == ("sql", 370, None)
    assert [e.points for e in entries.of(anna)] == [100, -100]
    with pytest.raises(Conflict):
        verdicts.take_back(anna, actor=sales)


def test_another_verdict_gives_the_points_of_unqualified_back(world: Any, han: User, sales: Actor) -> None:
    model(world)
    anna = an_sql(world, han)
    verdicts.give(anna, "unqualified", actor=sales)
    verdicts.give(anna, "ready", actor=sales)
    world.settle()
    assert says(anna) == ("sql", 70, "ready")
    assert verdicts.newest(anna).verdict == "ready"  # type: ignore[union-attr]
    assert [v.verdict for v in verdicts.of(anna)] == ["ready", "unqualified"]


def test_ready_stays_sql_and_lifts_who_was_below(world: Any, han: User, sales: Actor) -> None:
    model(world)
    anna = an_sql(world, han)
    before = Booking.objects.count()
    verdicts.give(anna, "ready", actor=sales)
    world.settle()
    assert says(anna) == ("sql", 70, "ready")
    assert Booking.objects.count() == before
    ben = world.contact(owner_id=han.pk)
    world.settle()
    verdicts.give(ben, "ready", reason="전시회에서 만남", actor=sales)
    world.settle()
    assert says(ben) == ("sql", 0, "ready")
    assert Booking.objects.filter(contact_id=ben).latest("id").path == "fast_pass"
    assert len(titles(han)) == 1  # he lifted Ben himself
    verdicts.take_back(ben, actor=sales)
    assert says(ben) == ("lead", 0, None)


def test_paused_goes_to_a_recycle_stage_and_a_dead_end_has_no_verdict(world: Any, han: User, sales: Actor) -> None:
    model(world)
    anna = an_sql(world, han)
    with pytest.raises(Invalid) as error:
        verdicts.give(anna, "paused", actor=sales)
    assert [p.path for p in error.value.problems] == ["until"]
    verdicts.give(anna, "paused", until=clock.now() + timedelta(days=90), reason="내년 예산", into="recycle_b", actor=sales)
    assert says(anna)[0] == "recycle_b"
    stages.move([anna], "deadend", actor=sales, source="page", reason="퇴직")
    with pytest.raises(Conflict):
        verdicts.give(anna, "ready", actor=sales)
    with pytest.raises(Forbidden):
        stages.reopen(anna, "lead", reason="복직", actor=sales)


def test_who_called_twice_is_asked_once_for_a_verdict_and_so_is_who_waits_for_days(world: Any, han: User, sales: Actor) -> None:
    model(world)
    anna = an_sql(world, han)

    def call() -> None:
        activities.write("call", {"body": "통화"}, [("contact", anna)], actor=sales)
        world.settle()

    call()
    assert len(titles(han)) == 1
    call()
    assert titles(han)[1:] == ["What do you say of 서지우 (가온)?"]
    assert "2 attempts" in Notification.objects.filter(user_id=han.pk).latest("id").body
    call()
    world.later(days=handover.settings().days, seconds=1)
    alerts.overdue()
    assert len(titles(han)) == 2
    ben = world.contact(lifecyclestage="sql", owner_id=han.pk, lastname="백")
    world.settle()
    verdicts.give(anna, "ready", actor=sales)
    assert alerts.overdue() == 0
    world.later(days=handover.settings().days, seconds=1)
    assert (alerts.overdue(), alerts.overdue()) == (1, 0)
    assert titles(han)[-1] == "What do you say of 백?"
    assert ben


def test_the_queue_is_in_the_order_of_points_with_classes_and_the_report_counts_everybody(world: Any, han: User, sales: Actor) -> None:
    model(world)
    begin = clock.now() - timedelta(minutes=1)
    anna = an_sql(world, han)
    ben, cleo, dana = (world.contact(lifecyclestage="sql") for _ in range(3))
    world.views(ben, "/pricing", times=4)
    world.settle()
    from baton.segments import finder

    def waiting(**only: Any) -> list[int]:
        return finder.ids(handover.waiting(None, **only), limit=10)

    assert waiting()[:2] == [anna, ben]
    assert (waiting(band="first"), waiting(band="later"), set(waiting(band="short"))) == ([anna], [ben], {cleo, dana})
    assert waiting(owner=han.pk) == [anna]
    assert set(waiting(owner=0)) == {ben, cleo, dana}
    verdicts.give(anna, "ready", actor=sales)
    verdicts.give(ben, "not_ready", actor=sales)
    verdicts.give(cleo, "unqualified", actor=sales)
    activities.write("call", {"body": "통화"}, [("contact", dana)], actor=sales)
    world.settle()
    assert waiting() == [dana]
    found = handover.report(begin, clock.now())
    assert (found.total, found.ready, found.not_ready, found.unqualified, found.waiting, found.unworked, found.rejected) == (4, 1, 1, 1, 1, 0, 2)


def test_a_merge_keeps_the_verdict_and_the_longer_pause(world: Any, han: User, sales: Actor) -> None:
    from baton.crm import merge

    model(world)
    anna, again = an_sql(world, han), world.contact(lastname="서", owner_id=han.pk)
    world.settle()
    verdicts.give(again, "unqualified", reason="경쟁사", actor=sales)
    merge.merge("contact", anna, again, actor=SYSTEM)
    world.settle()
    assert says(anna)[2] == "unqualified"
    assert ScoreEntry.objects.filter(contact_id=anna).count() == 1
