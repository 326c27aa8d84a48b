"""Whatever JSON comes as a filter: it is read and can be asked, or refused with a path. Never an error of the program."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.query import compile
from baton.segments import catalog, filter
from baton.segments.condition import conditions
from tests import examples

WORDS = [
    "all",
    "any",
    "not",
    "condition",
    "property",
    "operator",
    "value",
    "address",
    "match",
    "at_least",
    "at_most",
    "days",
    "seconds",
    "form",
    "email",
    "name",
]
NUMBERS = st.integers() | st.sampled_from([-1, 0, 1, 2**31, 2**63, 10**30]) | st.floats()
TEXTS = st.text(max_size=8) | st.sampled_from(["", " ", "a\x00b", "\ud800", "%", "it", "2026-11-21", "2026-13-40", "9999-12-31", "0001-01-01", "/pricing"])
SIMPLE = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(TEXTS, SIMPLE, max_size=2)
PROPERTIES = ["email", "firstname", "industry", "numberofemployees", "competitor", "createdate", "lifecyclestage", "phone", "website", "owner_id", "domain"]
OPERATORS = [
    "is",
    "is_not",
    "contains",
    "any_of",
    "none_of",
    "known",
    "at_least",
    "between",
    "in_last_days",
    "in_next_days",
    "before",
    "after",
    "more_than_days_ago",
]


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    """A condition, nearly right: its fields are its own, their values anything."""
    key = draw(st.sampled_from(sorted(conditions())))
    fields = conditions()[key].model_fields
    stored: dict[str, Any] = {"condition": key}
    for name, field in fields.items():
        if field.is_required() or draw(st.booleans()):
            if name == "property":
                stored[name] = draw(st.sampled_from(PROPERTIES))
            elif name == "operator":
                stored[name] = draw(st.sampled_from(OPERATORS))
            else:
                stored[name] = draw(VALUES)
    return stored


ANYTHING = st.recursive(
    leaves() | VALUES,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
        | st.dictionaries(st.sampled_from(WORDS) | TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.django_db
@settings(max_examples=examples.some(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(ANYTHING)
def test_any_json_is_a_filter_or_is_refused_with_a_path(stored: Any) -> None:
    known = catalog.current()
    try:
        node = filter.parse(stored, known)
    except Invalid as refused:
        unclear = [p for p in refused.problems if not (p.path and p.code and p.message)]
    else:
        unclear = []
        members = compile.members(node, known, now=clock.now(), zone=config().zone)
        sql.rows(members.text, members.params)
        filter.sentence(stored)
    assert not unclear
