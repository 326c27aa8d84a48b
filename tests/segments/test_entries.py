"""Points given by hand: appended, once per cause, until they expire."""

from typing import Any

import pytest

from baton.crm import merge
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid
from baton.segments import cards, entries, explain, scoring
from baton.segments.models import Score, ScoreEntry, ScoreModel

ANN = Actor("user", 7)


def total(contact_id: int, model: ScoreModel) -> int:
    return Score.objects.get(contact_id=contact_id, model_id=model.pk).total


def test_points_by_hand_count_with_their_reason_until_they_expire(world: Any) -> None:
    anna = world.contact(seniority="exec")
    model = world.model(("fit_person", world.has("seniority", "exec"), 20))
    assert entries.add([anna], model, 15, reason="전시회에서 만남", actor=ANN, expires_days=30) == 1
    assert entries.add([anna], model, -5, reason="경쟁사 이직설", actor=SYSTEM) == 1
    world.settle()
    assert total(anna, model) == 30
    assert Score.objects.get(contact_id=anna, model_id=model.pk).reasons["ledger"] == [2, 10]
    assert [(e.points, e.reason, e.actor, e.counts) for e in entries.of(anna)] == [
        (-5, "경쟁사 이직설", "system", True),
        (15, "전시회에서 만남", "user:7", True),
    ]
    world.later(days=29)
    assert total(anna, model) == 30
    world.later(days=2)
    assert total(anna, model) == 15
    assert [e.counts for e in entries.of(anna)] == [True, False]
    explained = scoring.explain(anna, model)
    assert (explained.ledger, explained.groups["fit_person"], explained.total) == (-5, 20, 15)


def test_the_same_cause_counts_once_for_each_contact(world: Any) -> None:
    anna, ben = world.contact(), world.contact()
    model = world.model()
    assert entries.add([anna], model, 10, reason="워크플로", actor=SYSTEM, cause="run:1:step:2") == 1
    assert entries.add([anna, ben], model, 10, reason="워크플로", actor=SYSTEM, cause="run:1:step:2") == 1
    assert entries.add([anna], model, 10, reason="워크플로", actor=SYSTEM, cause="run:2:step:2") == 1
    world.settle()
    assert (total(anna, model), total(ben, model)) == (20, 10)


def test_a_reset_brings_the_total_to_nothing_and_later_points_count_again(world: Any) -> None:
    anna = world.contact(seniority="exec")
    model = world.model(("fit_person", world.has("seniority", "exec"), 20), ("web", world.viewed("/pricing"), 5))
    entries.add([anna], model, 7, reason="통화", actor=ANN)
    assert entries.reset([anna], model, reason="다시 시작", actor=ANN) == 1  # what is not scored yet counts too
    world.settle()
    assert total(anna, model) == 0
    assert entries.reset([anna], model, reason="다시 시작", actor=ANN) == 0
    world.views(anna, "/pricing")
    world.settle()
    assert total(anna, model) == 5
    assert [e.points for e in entries.of(anna)] == [-27, 7]


def test_a_merge_brings_both_contacts_points_together(world: Any) -> None:
    anna, ben = world.contact(), world.contact(seniority="exec")
    model = world.model(("fit_person", world.has("seniority", "exec"), 20))
    for who, points in ((anna, 3), (ben, 4)):
        entries.add([who], model, points, reason="통화", actor=ANN, cause="call")
    world.settle()
    done = merge.merge("contact", anna, ben, actor=SYSTEM)
    world.settle()
    assert total(anna, model) == 27
    assert entries.add([ben], model, 1, reason="통화", actor=ANN) == 1  # his old number still means him
    world.settle()
    assert total(anna, model) == 28
    merge.undo(done, actor=SYSTEM)
    world.settle()
    assert (total(anna, model), total(ben, model)) == (4, 24)


@pytest.mark.parametrize(
    ("given", "path"), [({"points": 0}, "points"), ({"points": 1001}, "points"), ({"reason": " "}, "reason"), ({"expires_days": 0}, "expires_days")]
)
def test_faulty_entries_are_refused(world: Any, given: dict[str, Any], path: str) -> None:
    anna, model = world.contact(), world.model()
    with pytest.raises(Invalid) as error:
        entries.add([anna], model, **{"points": 5, "reason": "통화", "actor": ANN, **given})
    assert error.value.problems[0].path == path
    assert not ScoreEntry.objects.exists()


def test_archived_contacts_get_nothing(world: Any) -> None:
    from baton.crm import records

    anna, model = world.contact(), world.model()
    records.archive("contact", anna, actor=SYSTEM)
    assert entries.add([anna], model, 5, reason="통화", actor=ANN) == 0


def test_a_draft_counts_what_was_given_by_hand(world: Any) -> None:
    him = world.contact(seniority="exec")
    model = world.model(("fit_person", world.has("seniority", "exec"), 20))
    entries.add([him], model, 4, reason="전시회에서 오래 이야기함", actor=SYSTEM)
    world.settle()
    found = explain.explain(him, model, card=cards.current(model))
    assert found is not None
    assert (found.total, found.ledger) == (24, 4)
