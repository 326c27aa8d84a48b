"""Programs and people in one trace: who keeps points, and how long it took to know."""

from collections import Counter
from collections.abc import Iterator

import pytest

from baton.platform import sql
from baton.platform.actor import SYSTEM
from baton.segments import cards, presets
from tests.collector.replay import World, settle
from tests.collector.running import Running
from tests.collector.trace import PEOPLE, PROGRAMS, trace

MORE = ("score", "score_entry", "score_rule", "score_version", "score_model", "site", "booking", "score_cursor", "membership")


@pytest.fixture
def collector(collector: Running) -> Iterator[Running]:
    sql.run("ALTER SEQUENCE record_id_seq INCREMENT BY 32")  # everybody in two buckets of the tick, which is not what is tried here
    yield collector
    sql.run("ALTER SEQUENCE record_id_seq INCREMENT BY 1")
    there = {name for (name,) in sql.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    for table in MORE:
        if table in there:
            sql.run(f"DELETE FROM {table}")


def one_point_each() -> None:
    """A score that gives one point for every open and every click of a person."""
    filters = ({"condition": kind, "email": None, "at_least": 1, "days": 30} for kind in ("email_opened", "email_clicked"))
    rules = [
        {"key": f"r{n}", "group": "email", "filter": {k: v for k, v in filter.items() if v is not None}, "points": 1, "kind": "event"}
        for n, filter in enumerate(filters)
    ]
    cards.create(presets.blank("점수", mql=35, sql=65) | {"rules": rules}, actor=SYSTEM)


def test_programs_get_no_points_and_people_keep_them(collector: Running) -> None:
    assert len(PROGRAMS) >= 10
    assert len(PEOPLE) >= 6
    collector.app.judge.secure = True  # as behind an https address, where browsers send all their headers
    maker = trace(4)
    one_point_each()
    world = World(maker, collector)
    middle = len(maker.hits) // 2
    world.play(maker.hits[:middle])
    settle()  # what is found out later revises what counted by then
    world.play(maker.hits[middle:])
    settle()
    result = world.result()
    (scanned, programs), (kept, people) = result.share(human=False), result.share(human=True)
    print(result)
    assert programs >= 150
    assert people >= 150
    assert scanned <= 0.01 * programs, str(result)
    assert kept >= 0.97 * people, str(result)
    assert result.points == scanned + kept
    assert {label for label in world.landed.values() if not label.startswith("human")} == {"runs scripts", "patient"}
    assert result.views == Counter(label for label in world.landed.values() if label.startswith("human"))  # what programs saw is nobody's
