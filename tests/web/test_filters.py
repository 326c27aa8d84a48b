"""Filters as addresses: read, written as read, edited by chips, said in words, and refused with a reason."""

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.accounts.models import User
from baton.crm import properties
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.web.parts import filters
from baton.web.parts.filter_fields import Field
from tests import examples

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    [
        "stage:mql,sql;score:35..;(rank:head|company.numberofemployees:300..)",
        "owner:me,-", "city:부산", "city:=부산", "city:^부", "city:*", "!city:-", "student:true", "score:..40", "score:-5..5",
        "created_at:last30d", "!created_at:2026-01-01..2026-03-31", "optout:email",
        "!(stage:mql|(city:부산;rank:head));score:1..",
        "(stage:mql;city:부산|stage:sql)",
    ],
)  # fmt: skip
def test_a_filter_is_written_as_it_was_read(text: str, oh: User) -> None:
    known = filters.fields("contact", [oh])
    once = str(filters.parse(text, known))
    assert str(filters.parse(once, known)) == once
    assert once == text.replace("(city:부산;rank:head)", "city:부산;rank:head")  # `;` binds tighter than `|`


@pytest.mark.parametrize("text", ["a,b;c|d(e)!f%", "100%", "=같음", "^처음", "a!b", "%41"])
def test_signs_of_the_grammar_are_letters_of_a_value(text: str, oh: User) -> None:
    known = filters.fields("contact", [oh])
    one = filters.cond(known, "city", [text])
    assert filters.parse(str(filters.Filter().put("new", one)), known).nodes == (one,)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
@settings(max_examples=examples.some(30), deadline=None)
def test_any_text_comes_back(text: str) -> None:
    known = {"city": Field("city", "city", "City", "text")}
    one = filters.cond(known, "city", [text])
    assert filters.parse(str(filters.Filter().put("new", one)), known).nodes == ((one,) if one else ())


@pytest.mark.parametrize(
    "text",
    [
        "nothing:1", "score:a..", "stage:great", "score:1e9..", "(stage:great|score:1..)", "owner:nobody", "created_at:yesterday", "created_at:2026-13-01..",
        "(stage:mql", "stage:mql)", "((((((((stage:mql))))))))", "score:-", "list:0", ";".join(["score:1.."] * 61),
    ],
)  # fmt: skip
def test_an_address_with_a_fault_is_refused(text: str, oh: User) -> None:
    with pytest.raises(Invalid) as refused:
        filters.parse(text, filters.fields("contact", [oh]))
    assert refused.value.problems[0].path == "f"


def test_chips_are_added_changed_joined_turned_round_and_removed(oh: User) -> None:
    known = filters.fields("contact", [oh])
    start = filters.parse("stage:mql", known)
    two = start.put("new", filters.cond(known, "score", low="35"))
    assert str(two) == "stage:mql;score:35.."
    either = two.put("0/or", filters.cond(known, "rank", ["head"]))
    assert str(either) == "(stage:mql|rank:head);score:35.."
    assert str(either.put("0.1", filters.cond(known, "rank", ["exec"]))) == "(stage:mql|rank:exec);score:35.."
    assert str(either.put("0/or", filters.cond(known, "city", ["부산"]))) == "(stage:mql|rank:head|city:부산);score:35.."
    assert str(either.put("0.1/and", filters.cond(known, "city", ["부산"]))) == "(stage:mql|rank:head;city:부산);score:35.."
    assert str(either.flip("0")) == "!(stage:mql|rank:head);score:35.."
    assert str(either.flip("0").flip("0")) == str(either)
    assert str(either.flip("0").put("0.0", None)) == "!rank:head;score:35.."
    assert str(either.put("0.0", None)) == "rank:head;score:35.."
    assert str(either.put("0", None)) == "score:35.."
    assert str(two.put("1", filters.cond(known, "score"))) == "stage:mql"
    assert str(two.put("9", None)) == str(two)
    assert two.at("1") == filters.cond(known, "score", low="35")


def test_a_filter_is_a_sentence(oh: User) -> None:
    translation.activate("en")
    known = filters.fields("contact", [oh])
    said = filters.parse("stage:mql,sql;(industry:logistics|size:300..);!city:=부산", known).sentence()
    assert said == "Lifecycle stage MQL or SQL and (Industry Logistics or Employees 300 people or more) and City not exactly ‘부산’"
    assert filters.parse("!(stage:mql|score:..5)", known).sentence() == "not (Lifecycle stage MQL or Score 5 points or less)"


def test_every_type_has_its_own_fields(oh: User) -> None:
    properties.define("deal", "region", "Region", "choice", actor=SYSTEM, options=[{"value": "s", "label": "South"}])
    known = filters.fields("deal", [oh])
    assert str(filters.parse("dealstage:closedwon;region:s;amount:1000..;company.industry:it", known)) == (
        "dealstage:closedwon;region:s;amount:1000..;company.industry:it"
    )
    assert "score" not in known
    with pytest.raises(Invalid):
        filters.parse("dealstage:nowhere", known)
