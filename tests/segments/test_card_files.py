"""Files of scores that are none, or that would cost too much to read."""

import pytest

from baton.platform.errors import Invalid
from baton.segments import cards

ODD = {
    "aliases": "a: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n",
    "a circle": "a: &a [*a]\n",
    "too deep": "a: " + "[" * 20_000,
    "too many": "a: [" + "x, " * 60_000 + "x]",
    "bytes": "name: !!binary aGk=\n",
    "a set": "name: !!set {a}\n",
    "a number of many digits": "name: " + "9" * 5_000,
    "code": "!!python/object/apply:os.getcwd []",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_file_that_is_no_score_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        cards.from_yaml(text)
    assert refused.value.problems[0].path == "file"


def test_a_day_in_a_file_stays_the_text_it_is_in_filters() -> None:
    assert cards.from_yaml("since: 2026-11-21\nuntil: 2026-13-45") == {"since": "2026-11-21", "until": "2026-13-45"}
