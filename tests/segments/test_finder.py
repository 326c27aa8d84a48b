"""The finder: every type of record by filter, words, rights and order, a page at a time."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.utils import translation

from baton.accounts import rights, users
from baton.crm import associations, indexes, properties, records
from baton.platform import sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid, NotFound
from baton.query.nodes import And, Compare, Everyone, Node, Not, Related
from baton.segments import catalog, filter, finder
from baton.segments.finder import Find
from tests.segments.conftest import World

COLUMNS = ["id", "created_at", "updated_at", "owner_id"]


def made(object_type: str, **values: Any) -> int:
    return records.create(object_type, values, actor=SYSTEM, source="test")


def linked(one: tuple[str, int], other: tuple[str, int]) -> None:
    associations.link(*one, *other, actor=SYSTEM)


def found(object_type: str, node: Node | None = None, **more: Any) -> list[int]:
    return finder.ids(Find(object_type, node or Everyone(), **more), limit=100)


def walked(find: Find, size: int) -> list[int]:
    """All ids, a page after the other by the last id."""
    ids: list[int] = []
    while page := finder.ids(find, limit=size, after=ids[-1] if ids else None):
        ids += page
    return ids


def leafed(find: Find, size: int) -> list[int]:
    """All ids, a page after the other by number."""
    ids: list[int] = []
    while page := finder.ids(find, limit=size, offset=len(ids)):
        ids += page
    return ids


@pytest.fixture
def deals(db: None) -> list[int]:
    amounts: Sequence[Any] = (300, None, 5, 20, None, 5, 1000)
    names = ("Delta", "alpha", "Bravo", "delta", "charlie", "Echo", "foxtrot")
    stages = ("closedwon", "appointmentscheduled", "contractsent", "closedlost", "appointmentscheduled", "qualifiedtobuy", "closedwon")
    return [
        made("deal", dealname=name, dealstage=stage, **({} if amount is None else {"amount": amount}))
        for name, amount, stage in zip(names, amounts, stages, strict=True)
    ]


def test_numbers_sort_as_numbers_texts_without_case_and_what_is_not_set_comes_last(deals: list[int]) -> None:
    a, b, c, d, e, f, g = deals
    assert found("deal", sort="amount") == [c, f, d, a, g, b, e]
    assert found("deal", sort="amount", descending=True) == [g, a, d, f, c, e, b]
    assert found("deal", sort="dealname") == [b, c, e, a, d, f, g]


def test_stages_sort_in_the_order_of_the_pipeline(deals: list[int]) -> None:
    a, b, c, d, e, f, g = deals
    assert found("deal", sort="dealstage") == [b, e, f, c, a, g, d]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_pages_have_everyone_once_however_they_are_walked(deals: list[int], size: int, descending: bool) -> None:
    for sort in [*COLUMNS, *properties.definitions("deal")]:
        find = Find("deal", sort=sort, descending=descending)
        whole = finder.ids(find, limit=100)
        assert sorted(whole) == sorted(deals)
        assert walked(find, size) == whole
        assert leafed(find, size) == whole


def test_contacts_sort_by_name_score_and_last_visit(world: World) -> None:
    kim, lee, nobody = world.contact(lastname="김", firstname="민준"), world.contact(lastname="이", firstname="서연"), world.contact()
    model = world.model().pk
    sql.run("INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at) VALUES (%s, %s, 5, 5, 0, '{}', now())", [lee, model])
    sql.run(
        "INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent)"
        " VALUES (%s, now(), now(), '', '', ''), (%s, now(), now() - interval '1 day', '', '', '')",
        [nobody, kim],
    )
    assert found("contact", sort="name") == [kim, lee, nobody]
    assert found("contact", sort="score", descending=True) == [lee, nobody, kim]
    assert found("contact", sort="last_seen", descending=True) == [nobody, kim, lee]
    for sort in ("name", "score", "last_seen"):
        for descending in (False, True):
            find = Find("contact", sort=sort, descending=descending)
            assert walked(find, 1) == leafed(find, 2) == finder.ids(find, limit=9)


@pytest.mark.django_db
def test_an_unknown_order_or_type_is_said() -> None:
    with pytest.raises(Invalid) as error:
        found("contact", sort="castle")
    assert error.value.problems[0].path == "sort"
    with pytest.raises(NotFound):
        found("castle")


@pytest.mark.django_db
def test_archived_records_are_found_only_when_they_are_asked_for() -> None:
    here, gone = made("company", name="here"), made("company", name="gone")
    records.archive("company", gone, actor=SYSTEM)
    assert found("company") == [here]
    assert found("company", archived=True) == [gone]
    assert finder.count(Find("company", archived=True)).number == 1


@pytest.mark.django_db
def test_relations_are_followed_from_any_type_to_any_other() -> None:
    busan, seoul = made("company", name="b", city="부산"), made("company", name="s", city="서울")
    boss = made("contact", email="boss@b.example", jobtitle="대표이사")
    near, far = made("deal", dealname="near"), made("deal", dealname="far")
    linked(("deal", near), ("company", busan))
    linked(("deal", far), ("company", seoul))
    linked(("contact", boss), ("company", busan))
    in_busan = Related("company", Compare("city", "is", "부산", of="company"))
    assert found("deal", in_busan) == [near]
    led = Related("contact", Compare("jobtitle", "contains", "대표"))
    assert found("company", led) == [busan]
    assert found("deal", Related("company", led)) == [near]
    assert found("deal", Not(Related("company", led))) == [far]
    assert found("deal", Related("company", Compare("id", "is", seoul, of="company"))) == [far]


@pytest.mark.django_db
def test_moments_number_owner_and_archived_can_be_compared() -> None:
    one, two = made("ticket", subject="a"), made("ticket", subject="b")
    assert found("ticket", Compare("created_at", "in_last_days", 1, of="ticket")) == [one, two]
    assert found("ticket", Compare("updated_at", "before", "2020-01-01", of="ticket")) == []
    assert found("ticket", Compare("id", "more_than", one, of="ticket")) == [two]
    assert found("ticket", Compare("archived", "is", False, of="ticket")) == [one, two]
    assert found("ticket", Compare("owner_id", "unknown", of="ticket")) == [one, two]


@pytest.mark.django_db
def test_whole_words_are_found_and_a_star_stands_for_any_letters() -> None:
    acme = made("company", name="ACME Korea", domain="acme.example")
    other = made("company", name="Acmeology", domain="acmeology.example")

    def asked(value: str, operator: str = "has_word") -> list[int]:
        return found("company", Compare("name", operator, value, of="company"))

    assert asked("acme") == [acme]
    assert asked("korea acme") == [acme]
    assert asked("acm*") == [acme, other]
    assert asked("*ology") == [other]
    assert asked("acme", "has_no_word") == [other]


@pytest.mark.django_db
def test_a_stored_filter_asks_about_its_object_type_and_follows_relations() -> None:
    big, small = made("company", name="big", numberofemployees=500), made("company", name="small", numberofemployees=5)
    deal, _other = made("deal", dealname="one", amount=10), made("deal", dealname="two", amount=10)
    linked(("deal", deal), ("company", big))
    worth = {"condition": "property", "property": "amount", "operator": "at_least", "value": 10}
    large = {"condition": "property", "property": "numberofemployees", "operator": "at_least", "value": 100}
    known = catalog.current()
    node = filter.parse({"all": [worth, {"related": "company", "filter": large}]}, known, object_type="deal")
    assert found("deal", node) == [deal]
    assert found("company", filter.parse({"related": "deal", "filter": worth}, known, object_type="company")) == [big]
    assert found("company", filter.parse({"not": {"related": "deal"}}, known, object_type="company")) == [small]
    with translation.override("en"):
        assert filter.sentence({"related": "company", "filter": large}, "deal") == "Company: Employees is at least 100"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "path", "code"),
    [
        ({"related": "castle"}, "related", "OBJECT_DOESNT_EXIST"),
        ({"related": "company", "colour": 1}, "colour", "UNKNOWN_FIELD"),
        ({"related": "company", "filter": {"condition": "score", "at_least": 1}}, "filter.model", "SCORE_DOESNT_EXIST"),
        ({"related": "company", "filter": {"condition": "property", "property": "nix", "operator": "known"}}, "filter.property", "PROPERTY_DOESNT_EXIST"),
        ({"condition": "no_activity", "days": 3}, "filter", "NOT_ABOUT_A_PERSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(stored: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        filter.parse(stored, catalog.current(), object_type="deal")
    assert [(problem.path, problem.code) for problem in error.value.problems] == [(path, code)]


@pytest.mark.django_db
def test_a_list_of_people_follows_relations_one_step_only() -> None:
    further = {"related": "company", "filter": {"related": "deal"}}
    with pytest.raises(Invalid):
        filter.parse(further, catalog.current())
    filter.parse(further, catalog.current(), deep=True)


@pytest.mark.django_db
def test_rights_hide_what_is_not_mine() -> None:
    me = users.create("me@b.example", "Me", "secret-word-1", "sales", actor=SYSTEM)
    mine, others = made("deal", dealname="mine", owner_id=me.pk), made("deal", dealname="others")
    own = rights.Rights({"deal": {"view": "own"}}, {}, me.pk)
    assert found("deal", rights=own) == [mine]
    assert found("deal", rights=rights.NOTHING) == []
    assert finder.count(Find("deal", rights=own)).number == 1
    assert [hit.id for hit in finder.quick("mine", rights=own)] == [mine]
    assert finder.quick("others", rights=own) == []
    assert finder.matching(Find("deal", rights=own), [mine, others]) == [mine]


@pytest.mark.django_db
def test_quick_search_finds_names_addresses_companies_phones_and_initials() -> None:
    jiwoo = made("contact", email="jiwoo@gaonlogis.example", lastname="서", firstname="지우", phone="010-4827-1935", company="가온로지스")
    gaon = made("company", name="㈜가온로지스", domain="gaonlogis.example")
    deal = made("deal", dealname="가온로지스 근태")

    def hits(text: str) -> list[tuple[str, int]]:
        return [(hit.object_type, hit.id) for hit in finder.quick(text)]

    assert hits("서지우") == hits("ㅅㅈㅇ") == hits("1935") == hits("jiwoo@gaon") == [("contact", jiwoo)]
    assert {("contact", jiwoo), ("company", gaon), ("deal", deal)} == set(hits("가온"))
    assert [hit.object_type for hit in finder.quick("가온", types=["deal"])] == ["deal"]
    assert hits("김") == hits("  ") == []
    assert finder.quick("서지우")[0].title == "서지우"
    assert found("contact", text="가온") == [jiwoo]


@pytest.mark.django_db
def test_counts_are_exact_for_few_and_honest_for_many() -> None:
    for number in range(5):
        made("company", name=f"c{number}")
    assert finder.count(Find("company")) == finder.Count(5, True)
    many = finder.count(Find("company"), most=3)
    assert many.number >= 3
    assert [len(piece) for piece in finder.each(Find("company"), size=2)] == [2, 2, 1]


@pytest.mark.django_db
def test_a_property_that_is_to_be_indexed_gets_an_index_that_answers_filters_and_orders() -> None:
    indexes.ensure()
    assert indexes.ensure() == []
    properties.define("company", "floor", "Floor", "number", indexed=True, actor=SYSTEM)
    new = indexes.ensure()
    assert [name.startswith("by_company_floor_") for name in new] == [True]
    sql.run("SET LOCAL enable_seqscan = off")
    sql.run("SET LOCAL enable_bitmapscan = off")
    order = indexes.expression("company", "floor", "c")
    text = f"EXPLAIN SELECT c.id FROM record c WHERE c.object_type = 'company' AND c.archived_at IS NULL AND {order} IS NOT NULL ORDER BY {order}, c.id LIMIT 9"
    plan = "\n".join(line for (line,) in sql.rows(text))
    assert new[0] in plan
    assert "Sort" not in plan
    properties.change("company", "floor", indexed=False, actor=SYSTEM)
    assert indexes.ensure() == new
    assert indexes.ensure() == []


@pytest.mark.django_db
def test_the_filter_of_an_index_holds_the_same_people_as_without(deals: list[int]) -> None:
    indexes.ensure()
    nodes: list[Node] = [
        Compare("amount", "at_least", 20, of="deal"), Compare("dealname", "is", "DELTA", of="deal"), Compare("dealname", "starts_with", "de", of="deal"),
        And((Compare("amount", "known", of="deal"), Compare("dealstage", "is", "closedwon", of="deal"))),
    ]  # fmt: skip
    for node in nodes:
        sql.run("SET LOCAL enable_seqscan = off")
        with_index = found("deal", node)
        sql.run("SET LOCAL enable_seqscan = on")
        assert with_index == found("deal", node) != []


@pytest.mark.parametrize(("view", "seen"), [("own", {"me"}), ("team", {"me", "mate", "nobody"}), ("all", {"me", "mate", "far", "nobody"}), ("none", set())])
def test_what_is_asked_of_linked_records_is_asked_of_those_in_sight(account: object, view: str, seen: set[str]) -> None:
    """A filter by deals tells nothing about the deals of others, neither with nor without "not"."""
    people = {
        name: users.create(f"{name}@nuriwork.example", name, "a-long-enough-one", "sales", actor=SYSTEM, team=team)
        for name, team in (("me", "1팀"), ("mate", "1팀"), ("far", "2팀"))
    }
    by: dict[int, str] = {}
    for owner in (*people, "nobody"):
        he = made("contact", email=f"{owner}@gana.example")
        deal = made("deal", dealname="Big", amount=900, owner_id=str(people[owner].pk) if owner in people else None)
        linked(("contact", he), ("deal", deal))
        by[he] = owner
    me = people["me"]
    held = rights.Rights({"contact": {"view": "all"}, "deal": {"view": view}}, {}, me.pk, me.team_id)
    big = Related("deal", Compare("amount", "more_than", 500, of="deal"))
    assert {by[id] for id in found("contact", big, rights=held)} == seen
    assert {by[id] for id in found("contact", Not(And((big,))), rights=held)} == set(by.values()) - seen
