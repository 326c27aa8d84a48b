"""The stored form of a workflow: what is read, what is refused and where, what follows what."""

from typing import Any

import pytest

from baton.automation import graph
from baton.platform.errors import Invalid

TREE: dict[str, Any] = {
    "triggers": [{"id": "t", "type": "form_submitted", "form": None}],
    "settings": {"again": "never"},
    "steps": [
        {"id": "s1", "type": "wait", "days": 1},
        {
            "id": "s2",
            "type": "branch",
            "filter": {"condition": "property", "property": "city", "operator": "is", "value": "서울"},
            "paths": [{"label": "yes", "steps": [{"id": "s3", "type": "notify", "title": "보세요"}]}, {"label": "no", "steps": []}],
        },
        {"id": "s4", "type": "wait", "hours": 2},
    ],
}


def paths(data: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        graph.parse(data)
    return [p.path for p in caught.value.problems]


def test_what_is_stored_reads_back_as_the_same() -> None:
    parsed = graph.parse(TREE)
    assert graph.parse(parsed.stored()).stored() == parsed.stored()
    assert [s.id for s in parsed.walk()] == ["s1", "s2", "s3", "s4"]
    assert parsed.where("s3") == "steps[1].paths[0].steps[0]"


def test_the_walk_goes_on_behind_a_branch() -> None:
    parsed = graph.parse(TREE)
    assert parsed.first == "s1"
    assert parsed.after("s1") == "s2"
    assert parsed.after("s2", "yes") == "s3"
    assert parsed.after("s2", "no") == "s4"
    assert parsed.after("s3") == "s4"
    assert parsed.after("s4") == ""


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"steps": [{"id": "s1", "type": "fly"}]}, ["steps[0].type"]),
        ({"steps": [{"id": "s1", "type": "wait", "weeks": 1}]}, ["steps[0].weeks"]),
        ({"steps": [{"id": "s1", "type": "wait", "days": -1}]}, ["steps[0].days"]),
        ({"steps": [{"type": "wait"}]}, ["steps[0].id"]),
        ({"steps": [{"id": "s1", "type": "wait"}, {"id": "s1", "type": "wait"}]}, ["steps[1].id"]),
        ({"steps": "s1"}, ["steps"]),
        ({"triggers": [{"type": "moon"}]}, ["triggers[0].type"]),
        ({"steps": [{"id": "s1", "type": "branch", "paths": [{"label": "maybe", "steps": []}]}]}, ["steps[0].paths[0].label"]),
        ({"steps": [{"id": "s1", "type": "branch", "paths": [{"label": "yes", "steps": [{"id": "s2", "type": "x"}]}]}]}, ["steps[0].paths[0].steps[0].type"]),
        ({"steps": [{"id": "s1", "type": "wait", "paths": [{"label": "yes"}]}]}, ["steps[0].paths[0].label"]),
        ({"nodes": []}, ["nodes"]),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(data: dict[str, Any], expected: list[str]) -> None:
    assert paths(data) == expected


def test_a_branch_always_has_both_ways() -> None:
    parsed = graph.parse({"steps": [{"id": "s1", "type": "branch"}]})
    assert [p.label for p in next(parsed.walk()).paths] == ["yes", "no"]


def test_branches_may_not_be_nested_without_end() -> None:
    data: dict[str, Any] = {"id": "s0", "type": "wait"}
    for number in range(1, 20):
        data = {"id": f"s{number}", "type": "branch", "paths": [{"label": "yes", "steps": [data]}]}
    assert paths({"steps": [data]})[0].endswith("steps")
