"""What is wrong with a filter, what it looks at, when it turns by itself, and how it reads."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from baton.query import check, depends, describe, edges
from baton.query.catalog import SegmentInfo
from baton.query.edges import DateWindow, Window
from baton.query.errors import FilterError
from baton.query.nodes import And, Compare, Everyone, HasState, MemberOf, Nobody, Node, Not, Or, Performed, Related, ScoreIs, Subscribed
from baton.query.operators import OPERATORS
from tests.query.fake import CATALOG, FakeCatalog

WRONG: list[tuple[Node, str, str]] = [
    (Compare("shoe_size", "is", 1), "property", "PROPERTY_DOESNT_EXIST"),
    (Compare("city", "at_least", 1), "operator", "INVALID_OPERATOR"),
    (Compare("city", "is", " "), "value", "REQUIRED"),
    (Compare("city", "is", "a\0"), "value", "INVALID_TEXT"),
    (Compare("city", "is", "\ud800"), "value", "INVALID_TEXT"),
    (Compare("city", "is", ("a",)), "value", "REQUIRED"),
    (Compare("city", "known", "a"), "value", "UNEXPECTED_VALUE"),
    (Compare("employees", "at_least", True), "value", "INVALID_NUMBER"),
    (Compare("employees", "at_least", float("nan")), "value", "INVALID_NUMBER"),
    (Compare("employees", "between", (9, 1)), "value", "INVALID_RANGE"),
    (Compare("industry", "any_of", ("it", "steel")), "value.1", "INVALID_OPTION"),
    (Compare("industry", "any_of", ()), "value", "REQUIRED"),
    (Compare("student", "is", "true"), "value", "INVALID_BOOLEAN"),
    (Compare("owner_id", "is", "kim"), "value", "INVALID_USER"),
    (Compare("ends", "is", "2026-02-30"), "value", "INVALID_DATE"),
    (Compare("ends", "after", "2026-02-03T00:00:00Z"), "value", "INVALID_DATE"),
    (Compare("met", "after", "2026-02-03T00:00:00"), "value", "INVALID_DATE"),
    (Compare("ends", "in_last_days", -1), "value", "INVALID_NUMBER"),
    (Compare("name", "is", "a", of="company"), "property", "WRONG_OBJECT"),
    (And((Everyone(), Not(Compare("city", "is", "")))), "children.1.children.0.value", "REQUIRED"),
    (Related("castle", Everyone()), "object_type", "OBJECT_DOESNT_EXIST"),
    (Related("company", MemberOf(1)), "child", "NOT_ABOUT_A_PERSON"),
    (Related("company", Compare("city", "known")), "child.property", "WRONG_OBJECT"),
    (MemberOf(77), "segment", "SEGMENT_DOESNT_EXIST"),
    (ScoreIs(77, "is", 1), "model", "SCORE_DOESNT_EXIST"),
    (HasState("opted_out", "no such"), "channel", "INVALID_CHANNEL"),
    (Subscribed(9), "news", "NEWS_DOESNT_EXIST"),
    (Subscribed(1, True, "no such"), "channel", "INVALID_CHANNEL"),
    (Performed(()), "kinds", "REQUIRED"),
    (Performed((1,), at_least=3, at_most=2), "at_most", "INVALID_NUMBER"),
    (Performed((1,), within=timedelta()), "days", "INVALID_NUMBER"),
    (Performed((1,), since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC)), "until", "INVALID_DATE"),
]


@pytest.mark.parametrize(("node", "path", "code"), WRONG)
def test_what_is_wrong_is_said_with_its_place(node: Node, path: str, code: str) -> None:
    with pytest.raises(FilterError) as caught:
        check.check(node, CATALOG)
    assert (caught.value.path, caught.value.code) == (path, code)


def test_a_list_must_not_lead_back_to_itself() -> None:
    catalog = FakeCatalog(
        {1: SegmentInfo("A", frozenset({2})), 2: SegmentInfo("B", frozenset({3, 4})), 3: SegmentInfo("C"), 4: SegmentInfo("D", frozenset({4}))}
    )
    check.check(MemberOf(1), catalog, segment=9)
    with pytest.raises(FilterError, match="B → C") as caught:
        check.check(Not(MemberOf(2)), catalog, segment=3)
    assert caught.value.code == "CIRCLE"


def test_it_knows_what_it_looks_at() -> None:
    node = Or(
        (
            Compare("city", "known"),
            Not(Performed((1, 2), (7,))),
            Performed((1,), (8, 9), growing=True),
            Performed((3,)),
            And((MemberOf(4), ScoreIs(5, "at_least", 1), HasState("opted_out", "sms"))),
            Related("company", Compare("name", "is", "a", of="company")),
        )
    )
    found = depends.of(node)
    assert found.properties == {"city"}
    assert found.events == {(1, 7), (2, 7), (1, None), (3, None)}
    assert (found.segments, found.scores, found.states) == ({4}, {5}, {"sms"})
    assert found.related == {("company", ""), ("company", "name")}
    assert depends.Depends.from_json(found.to_json()) == found
    woken = ["property city", "event 1:99", "event 2:7", "membership 4:left", "score 5", "consent sms", "related company:name", "related company:", "identity "]
    asleep = ["property phone", "event 2:8", "event 4:0", "membership 5:joined", "score 6", "consent email", "related company:city", "related deal:"]
    assert [change for change in woken if not found.woken_by(*change.split(" "))] == []
    assert [change for change in asleep if found.woken_by(*change.split(" "))] == []


def test_it_knows_when_it_turns_by_itself() -> None:
    week = timedelta(days=7)
    node = And((Performed((1,), (2,), within=week), Not(Performed((1,), (2,), at_least=2, within=week)), Performed((1,)), Compare("ends", "in_next_days", 60)))
    assert edges.windows(node) == [Window((1,), (2,), week), DateWindow("ends", "in_next_days", 60)]
    assert edges.windows(Compare("employees", "is", 5)) == []


def test_a_day_has_no_edge_before_midnight_of_the_account() -> None:
    def asked(since: datetime, until: datetime) -> int:
        return len(edges.crossed(Compare("ends", "in_last_days", 7), CATALOG, since=since, until=until, zone=ZoneInfo("Asia/Seoul")))

    assert asked(datetime(2026, 11, 21, 14, 58, tzinfo=UTC), datetime(2026, 11, 21, 14, 59, tzinfo=UTC)) == 0
    assert asked(datetime(2026, 11, 21, 14, 59, tzinfo=UTC), datetime(2026, 11, 21, 15, 0, tzinfo=UTC)) == 1


SENTENCES: list[tuple[Node, str]] = [
    (Nobody(), "no contact"),
    (Compare("industry", "none_of", ("it", "bio")), "Industry is none of IT, Bio"),
    (Compare("employees", "between", (1000, 2000)), "Employees is from 1,000 to 2,000"),
    (Compare("student", "is", False), "Student is no"),
    (Compare("ends", "in_next_days", 60), "Contract ends is in the next 60 days"),
    (Not(Or((MemberOf(1), Compare("city", "contains", "서울")))), "not (is in the list “VIP” or City contains “서울”)"),
    (Performed((1,), (1,), at_least=2, within=timedelta(days=90)), "page viewed “nuriwork.example/pricing”, at least 2 times, in the last 90 days"),
    (Performed((11,), at_least=0, at_most=0), "e-mail opened, never"),
    (ScoreIs(1, "at_least", 35, "fit"), "Lead score (fit) is at least 35"),
    (Related("company", Compare("name", "starts_with", "누리", of="company")), "Company: Name starts with “누리”"),
]


@pytest.mark.parametrize(("node", "words"), SENTENCES)
def test_it_reads_as_a_sentence(node: Node, words: str) -> None:
    check.check(node, CATALOG)
    assert describe.sentence(node, CATALOG) == words


@pytest.mark.parametrize(("type_", "key"), [(type_, key) for type_, operators in OPERATORS.items() for key in operators])
def test_an_operator_shows_all_its_faces(type_: Any, key: str) -> None:
    operator = OPERATORS[type_][key]
    assert operator.key == key
    assert operator.label
    assert "{property}" in operator.sentence
    assert ("{value}" in operator.sentence) == (operator.takes != "nothing")
