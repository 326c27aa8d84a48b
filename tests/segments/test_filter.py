"""Stored filters: read with faults at their place, meant by the database, said in Korean and English."""

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import translation

from baton.crm import associations, consent, records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid
from baton.query import compile
from baton.query.nodes import Nobody
from baton.segments import catalog, filter, preview
from baton.segments.models import ScoreModel, Segment

if TYPE_CHECKING:
    from tests.segments.conftest import World

pytestmark = pytest.mark.django_db

CITY = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}


def problems(stored: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        filter.parse(stored, catalog.current())
    return [(p.path, p.code) for p in caught.value.problems]


def found(stored: dict[str, Any]) -> set[int]:
    """Who matches, asked about everybody and about each alone."""
    known = catalog.current()
    node = filter.parse(stored, known)
    everybody = [id for (id,) in sql.rows("SELECT id FROM contact")]
    asked = {whom: compile.members(node, known, now=clock.now(), zone=config().zone, whom=whom) for whom in (False, True)}
    matching = {id for (id,) in sql.rows(asked[False].text, asked[False].params)}
    alone = {id for one in everybody for (id,) in sql.rows(asked[True].text, {**asked[True].params, "ids": [one]})}
    assert alone == matching
    assert preview.count(stored) == len(matching)
    return matching


@pytest.mark.parametrize("stored", [{}, {"all": []}, {"any": []}])
def test_an_empty_filter_has_no_members(stored: dict[str, Any]) -> None:
    assert filter.parse(stored, catalog.current()) == Nobody()
    assert preview.count(stored) == 0


WRONG: list[tuple[Any, list[tuple[str, str]]]] = [
    ([], [("filter", "INVALID_FILTER")]),
    ({"some": []}, [("filter", "INVALID_FILTER")]),
    ({"all": [CITY], "any": [CITY]}, [("filter", "INVALID_FILTER")]),
    ({"all": CITY}, [("all", "INVALID_FILTER")]),
    ({"all": [CITY], "name": "x"}, [("name", "UNKNOWN_FIELD")]),
    ({"any": [CITY, {"all": []}]}, [("any.1.all", "EMPTY_GROUP")]),
    ({"condition": "horoscope"}, [("condition", "CONDITION_DOESNT_EXIST")]),
    ({"condition": ["property"]}, [("condition", "CONDITION_DOESNT_EXIST")]),
    ({"not": {"condition": "property", "property": "shoe", "operator": "is", "value": 1}}, [("not.property", "PROPERTY_DOESNT_EXIST")]),
    ({"condition": "property", "property": "industry", "operator": "any_of", "value": ["it", "x"]}, [("value.1", "INVALID_OPTION")]),
    ({"condition": "property", "property": "industry", "operator": "any_of", "value": {"a": 1}}, [("value", "INVALID_VALUE")]),
    ({"condition": "company_property", "property": "city", "operator": "near", "value": "x"}, [("operator", "INVALID_OPERATOR")]),
    ({"condition": "page_viewed", "address": "/a", "at_least": "2"}, [("at_least", "INVALID_NUMBER")]),
    ({"condition": "page_viewed", "address": "/a", "at_least": 2, "at_most": 1}, [("at_most", "INVALID_NUMBER")]),
    ({"condition": "page_viewed", "address": "/a", "match": "like"}, [("match", "INVALID_OPTION")]),
    ({"condition": "page_viewed", "address": "a\0"}, [("address", "INVALID_VALUE")]),
    ({"condition": "no_activity", "days": 0, "hours": 1}, [("days", "INVALID_NUMBER"), ("hours", "UNKNOWN_FIELD")]),
    ({"condition": "in_segment"}, [("segment", "REQUIRED")]),
    ({"condition": "in_segment", "segment": 12345}, [("segment", "SEGMENT_DOESNT_EXIST")]),
    ({"condition": "score", "at_least": 35}, [("model", "SCORE_DOESNT_EXIST")]),
    (
        {"all": [{"condition": "x"}, {"any": [CITY, {"condition": "y"}]}]},
        [("all.0.condition", "CONDITION_DOESNT_EXIST"), ("all.1.any.1.condition", "CONDITION_DOESNT_EXIST")],
    ),
]


@pytest.mark.parametrize(("stored", "faults"), WRONG)
def test_every_fault_is_said_with_its_path(stored: Any, faults: list[tuple[str, str]]) -> None:
    assert problems(stored) == faults


def test_a_filter_has_an_end() -> None:
    deep: dict[str, Any] = CITY
    for _ in range(5000):
        deep = {"not": deep}
    assert [code for _, code in problems(deep)] == ["TOO_DEEP"]
    assert [code for _, code in problems({"all": [CITY] * 600})] == ["TOO_MANY_CONDITIONS"]


def test_a_list_that_leads_back_to_itself_is_refused() -> None:
    first = Segment.objects.create(name="First", filter=CITY)
    second = Segment.objects.create(name="Second", filter={"any": [{"condition": "in_segment", "segment": first.pk}]})
    back = {"not": {"condition": "in_segment", "segment": second.pk}}
    filter.parse(back, catalog.current())
    with pytest.raises(Invalid, match="Second → First"):
        filter.parse(back, catalog.current(), segment=first.pk)


def test_properties_of_people_and_of_their_companies(world: "World") -> None:
    anna, ben, cho = world.contact(city="서울"), world.contact(city="busan"), world.contact(competitor=False, numberofemployees=0)
    firm = records.create("company", {"name": "Nuriwork", "industry": "it"}, actor=SYSTEM, source="test")
    associations.link("contact", ben, "company", firm, actor=SYSTEM)

    def asked(name: str, operator: str, value: Any = None, of: str = "property") -> set[int]:
        return found({"condition": of, "property": name, "operator": operator} | ({} if value is None else {"value": value}))

    assert asked("city", "is", unicodedata.normalize("NFD", "서울")) == {anna}
    assert asked("city", "contains", "BUS") == {ben}
    assert asked("city", "is_not", "Busan") == {anna, cho}
    assert asked("city", "unknown") == {cho}
    assert asked("competitor", "is", False) == {cho}
    assert asked("numberofemployees", "at_most", 5) == {cho}
    assert asked("createdate", "in_last_days", 1) == {anna, ben, cho}
    assert asked("industry", "any_of", ["it"], "company_property") == {ben}
    assert found({"not": {"condition": "company_property", "property": "name", "operator": "known"}}) == {anna, cho}
    records.archive("contact", cho, actor=SYSTEM)
    assert asked("city", "unknown") == set()


def test_what_people_did(world: "World") -> None:
    anna, ben, cho = world.contact(), world.contact(), world.contact()
    world.views(anna, "/pricing", days_ago=3, times=2)
    world.views(ben, "/pricing", days_ago=40)
    world.views(ben, "/blog/hr")
    world.did(anna, Kind.PAGE_DWELL, "nuriwork.example/pricing", value=75)
    world.did(ben, Kind.PAGE_DWELL, "nuriwork.example/pricing", value=59)
    world.did(anna, Kind.CTA_CLICK, "Request a demo")
    world.did(ben, Kind.DOWNLOAD, "nuriwork.example/files/brochure.pdf")
    world.did(ben, Kind.FORM_SUBMISSION, "7", ago=timedelta(days=2))
    pricing = {"condition": "page_viewed", "address": "/pricing"}
    assert found(pricing) == {anna, ben}
    assert found({**pricing, "at_least": 2, "days": 30}) == {anna}
    assert found({**pricing, "at_most": 1}) == {ben, cho}
    assert found({**pricing, "at_most": 0}) == {cho}
    assert found({"condition": "page_viewed", "address": "/blog", "match": "starts"}) == {ben}
    assert found({"condition": "page_viewed", "address": "https://NURIWORK.example/pricing?x=1"}) == {anna, ben}
    assert found({"condition": "page_viewed", "address": "/nowhere"}) == set()
    assert found({"condition": "page_stayed", "address": "", "seconds": 60}) == {anna}
    assert found({"condition": "page_stayed", "address": "/pricing", "seconds": 59}) == {anna, ben}
    assert found({"condition": "cta_clicked", "name": "request a demo"}) == {anna}
    assert found({"condition": "downloaded", "address": "brochure"}) == {ben}
    assert found({"condition": "form_submitted", "form": 7, "days": 3}) == {ben}
    assert found({"condition": "form_submitted", "form": 8}) == set()
    assert found({"condition": "no_activity", "days": 90}) == {cho}


def test_mails_opened_by_machines_do_not_count(world: "World") -> None:
    anna, ben = world.contact(), world.contact()
    record.add([NewEvent(anna, Kind.EMAIL_OPEN, clock.now(), "3"), NewEvent(ben, Kind.EMAIL_OPEN, clock.now(), "3", payload={"machine": "proxy"})])
    assert found({"condition": "email_opened", "email": 3}) == {anna}
    assert found({"condition": "email_opened", "email": None, "days": 30}) == {anna}
    assert found({"condition": "email_clicked"}) == set()
    assert found({"condition": "no_activity"}) == {ben}


def test_lists_scores_and_consent(world: "World") -> None:
    anna, ben = world.contact(city="서울"), world.contact()
    seoul = world.list(CITY)
    assert found({"condition": "in_segment", "segment": seoul.pk}) == {anna}
    model = ScoreModel.objects.create(name="Lead score")
    sql.run("INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at) VALUES (%s, %s, 40, 30, 10, '{}', now())", [anna, model.pk])
    assert found({"condition": "score", "at_least": 35}) == {anna}
    assert found({"condition": "score", "at_most": 34}) == {ben}
    assert found({"condition": "score", "at_least": 20, "at_most": 30, "part": "fit"}) == {anna}
    consent.set([ben], "email", False, actor=SYSTEM, source="test")
    assert found({"condition": "opted_out"}) == {ben}
    assert found({"condition": "opted_out", "channel": "sms"}) == set()


def test_counting_ends_in_time(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    world.contact(city="서울")
    monkeypatch.setattr(preview, "PATIENCE", 1)
    monkeypatch.setattr(preview, "_members", lambda node, known: compile.Sql("SELECT 1 AS id FROM pg_sleep(0.2)", {}))
    with pytest.raises(Conflict):
        preview.count(CITY)
    assert sql.rows("SELECT current_setting('statement_timeout')") == [("0",)]


def test_a_filter_reads_as_a_sentence(world: "World") -> None:
    world.views(world.contact(), "/pricing")
    stored = {"all": [{"any": [{**CITY, "property": "industry", "operator": "any_of", "value": ["it"]}, CITY]}, {"not": world.viewed("/pricing", at_least=2)}]}
    with translation.override("en"):
        assert filter.sentence(stored) == (
            "(Industry is any of IT and software or City is “서울”) and not (viewed the page “/pricing”, at least 2 times, in the last 30 days)"
        )
        assert filter.sentence({}) == "no contact"
        assert filter.sentence({"any": [CITY, {"condition": "horoscope"}]}) == "(City is “서울” or a condition that can no longer be read)"
