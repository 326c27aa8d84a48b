"""The contacts table: filters as addresses, search, sorting, edits, many at once, and a fixed number of queries."""

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import associations, consent, contacts, properties, records
from baton.crm.models import Contact, PropertyHistory
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid
from baton.segments.models import Score, ScoreModel
from baton.web.parts import contact_rows, filters, initials

pytestmark = pytest.mark.django_db


def person(last: str, first: str, *, owner: User | None = None, score: int | None = None, company: str = "", size: int = 0, **more: object) -> int:
    values = {"lastname": last, "firstname": first, "email": f"{len(Contact.objects.all())}@people.example", **more}
    made = records.create("contact", values, actor=SYSTEM, source="test", owner_id=owner.pk if owner else None)
    if company:
        firm = records.create("company", {"name": company, "numberofemployees": size or 10}, actor=SYSTEM, source="test")
        associations.link("contact", made, "company", firm, actor=SYSTEM)
    if score is not None:
        model = ScoreModel.objects.order_by("pk").first() or ScoreModel.objects.create(name="Leads")
        Score.objects.create(contact_id=made, model_id=model.pk, total=score, changed_at=records.get("contact", made).created_at)
    return made


def names(web: Client, query: str) -> list[str]:
    body = web.get(f"/contacts/{query}").content.decode()
    return re.findall(r'<a href="/contacts/\d+/">([^<]+)</a>', body)


def test_filters_are_addresses(web: Client, oh: User) -> None:
    person("서", "지우", owner=oh, score=131, lifecyclestage="sql", company="가온로지스", size=340)
    person("한", "도윤", score=40, lifecyclestage="mql", company="다온정밀", size=20)
    person("오", "하늘", score=5, lifecyclestage="lead", city="부산")
    assert names(web, "?f=stage:mql,sql&sort=name") == ["서지우", "한도윤"]
    assert names(web, "?f=score:35..&sort=score") == ["한도윤", "서지우"]
    assert names(web, "?f=score:6..40") == ["한도윤"]
    assert names(web, "?f=owner:me") == ["서지우"]
    assert names(web, "?f=owner:-&sort=name") == ["오하늘", "한도윤"]
    assert names(web, "?f=company.numberofemployees:300..") == ["서지우"]
    assert names(web, "?f=(stage:lead|company.numberofemployees:300..)&sort=name") == ["서지우", "오하늘"]
    assert names(web, "?f=stage:lead;city:부산") == ["오하늘"]
    assert names(web, "?f=stage:lead;city:서울") == []


@pytest.mark.parametrize(
    "text", ["stage:mql,sql;score:35..;(rank:head|company.numberofemployees:300..)", "owner:me,-", "city:부산", "student:true", "score:..40"]
)
def test_a_filter_is_written_as_it_was_read(text: str, oh: User) -> None:
    known = filters.fields([oh])
    assert str(filters.parse(text, known)) == (text if text.isascii() else "city:%EB%B6%80%EC%82%B0")
    assert str(filters.parse(str(filters.parse(text, known)), known)) == str(filters.parse(text, known))


@pytest.mark.parametrize("text", ["nothing:1", "score:a..", "stage:great", "score:1e9..", "(stage:great|score:1..)"])
def test_an_address_with_a_fault_is_refused(text: str, oh: User) -> None:
    with pytest.raises(Invalid):
        filters.parse(text, filters.fields([oh]))


def test_chips_are_added_changed_joined_and_removed(oh: User) -> None:
    known = filters.fields([oh])
    start = filters.parse("stage:mql", known)
    two = start.put("new", filters.cond(known, "score", low="35"))
    assert str(two) == "stage:mql;score:35.."
    grouped = two.put("0.or", filters.cond(known, "rank", ["head"]))
    assert str(grouped) == "(stage:mql|rank:head);score:35.."
    assert str(grouped.put("0.1", filters.cond(known, "rank", ["exec"]))) == "(stage:mql|rank:exec);score:35.."
    assert str(grouped.put("0.0", None)) == "rank:head;score:35.."
    assert str(grouped.put("0", None)) == "score:35.."
    assert str(two.put("1", filters.cond(known, "score"))) == "stage:mql"
    assert two.at("1") == filters.cond(known, "score", low="35")


def test_search_finds_names_addresses_companies_and_initial_consonants(web: Client) -> None:
    person("서", "지우", company="가온로지스")
    person("Baker", "Anna", email="anna@other.example")
    assert names(web, "?q=지우") == ["서지우"]
    assert names(web, "?q=ㅅㅈㅇ") == ["서지우"]
    assert names(web, "?q=서ㅈ") == ["서지우"]
    assert names(web, "?q=가온") == ["서지우"]
    assert names(web, "?q=ㄱㅇㄹㅈ") == ["서지우"]
    assert names(web, "?q=anna+baker") == ["Anna Baker"]
    assert names(web, "?q=OTHER.example") == ["Anna Baker"]
    assert names(web, "?q=100%25") == []


def test_initial_consonants_stand_for_syllables() -> None:
    assert initials.found("ㅅㅈㅇ", "서지우")
    assert not initials.found("ㅅㅈㅇ", "서재민")
    assert initials.found("(", "a(b")


def test_the_number_of_queries_does_not_grow(web: Client, oh: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "FRESH", 3600.0)  # else a slow moment between the two looks asks for the definitions again
    for number in range(3):
        person("김", f"하나{number}", owner=oh, score=number, company=f"회사{number}")
    web.get("/contacts/?f=stage:-;score:..100&q=김")  # fills what is kept for a second
    with CaptureQueriesContext(connection) as few:
        web.get("/contacts/?f=stage:-;score:..100&q=김")
    for number in range(30):
        person("김", f"두리{number}", owner=oh, score=number, company=f"회사{number}")
    with CaptureQueriesContext(connection) as many:
        assert web.get("/contacts/?f=stage:-;score:..100&q=김").status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 16


def test_counts_are_exact_while_they_are_small(account: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        person("김", f"하나{number}")
    where, params = contact_rows.condition(None, "")
    assert contact_rows.count(where, params) == (5, True)
    monkeypatch.setattr(contact_rows, "EXACT", 3)
    total, _exact = contact_rows.count(where, params)
    assert total == 5


def test_pages_follow_each_other(web: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_rows, "PAGE", 2)
    for letter in "가나다라마":
        person(letter, "씨")
    assert [names(web, f"?sort=name&page={n}") for n in (1, 2, 3)] == [["가씨", "나씨"], ["다씨", "라씨"], ["마씨"]]
    assert web.get("/contacts/?page=x").status_code == 200


def test_an_edit_in_the_table_is_saved_and_can_be_undone(web: Client, oh: User) -> None:
    made = person("서", "지우", jobtitle="인사팀장")
    url = f"/contacts/{made}/properties/jobtitle/?as=cell"
    assert b'value="' in web.get(url).content
    answer = web.post(url, {"value": "본부장"})
    assert "본부장" in answer.content.decode()
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    row = PropertyHistory.objects.get(record_id=made, name="jobtitle", source="page")
    assert (row.old, row.new, row.actor) == ("인사팀장", "본부장", str(Actor("user", oh.pk)))
    web.post(undo["url"], undo["values"])
    assert records.get("contact", made).properties["jobtitle"] == "인사팀장"


def test_many_get_an_owner_and_give_it_back(web: Client, oh: User) -> None:
    one, two = person("가", "씨"), person("나", "씨", owner=oh)
    answer = web.post("/contacts/bulk/", {"id": f"{one},{two}", "name": "owner_id", "value": oh.pk})
    told = json.loads(answer["HX-Trigger"])
    assert told["contacts-changed"]
    assert [records.get("contact", i).owner_id for i in (one, two)] == [oh.pk, oh.pk]
    web.post("/contacts/bulk/undo/", told["toast"]["undo"]["values"])
    assert [records.get("contact", i).owner_id for i in (one, two)] == [None, oh.pk]


def test_many_get_a_stage(web: Client) -> None:
    one = person("가", "씨", lifecyclestage="mql")
    web.post("/contacts/bulk/", {"id": one, "name": "lifecyclestage", "value": "recycled"})
    assert records.get("contact", one).properties["lifecyclestage"] == "recycled"
    assert web.post("/contacts/bulk/", {"id": one, "name": "email", "value": "x@y.example"}).status_code == 422
    assert web.post("/contacts/bulk/", {"name": "owner_id", "value": ""}).status_code == 422
    assert web.post("/contacts/bulk/undo/", {"name": "owner_id", "before": "x"}).status_code == 422


def test_adding_a_contact_tells_what_is_wrong_under_the_field(web: Client) -> None:
    answer = web.post("/contacts/new/", {"email": "not an address", "lastname": "김"})
    assert answer.status_code == 422
    assert 'id="fault-email"' in answer.content.decode()
    answer = web.post("/contacts/new/", {"email": "new@people.example", "lastname": "김", "firstname": "하나"})
    made = contacts.by_email("new@people.example")
    assert answer["HX-Redirect"] == f"/contacts/{made}/"
    answer = web.post("/contacts/new/", {"email": "NEW@people.example"})
    assert answer.status_code == 422
    assert f'href="/contacts/{made}/"' in answer.content.decode()
    assert web.post("/contacts/new/", {}).status_code == 422


def test_who_may_only_look_cannot_change(account: object) -> None:
    made = person("서", "지우", jobtitle="인사팀장")
    web = Client()
    web.force_login(users.create("v@nuriwork.example", "V", "a-long-enough-one", "viewer", actor=SYSTEM))
    body = web.get("/contacts/").content.decode()
    assert "인사팀장" in body
    assert 'id="bulk"' not in body
    assert "/contacts/new/" not in body
    for url in ("/contacts/new/", "/contacts/bulk/", f"/contacts/{made}/properties/jobtitle/", f"/contacts/{made}/notes/", f"/contacts/{made}/consent/"):
        assert web.post(url, {"value": "x", "id": made, "text": "x"}).status_code == 403, url


def test_the_table_answers_htmx_with_its_part(web: Client) -> None:
    consent.set([person("서", "지우", score=5)], "email", True, actor=SYSTEM, source="test")
    answer = web.get("/contacts/?f=score:..10", headers={"HX-Request": "true", "HX-Target": "div#contacts"})
    assert "<html" not in answer.content.decode()
    assert answer["HX-Push-Url"] == "/contacts/?f=score%3A..10"
    answer = web.get("/contacts/?f=stage:mql&place=new&field=score&low=5", headers={"HX-Request": "true", "HX-Target": "div#contacts"})
    assert answer["HX-Push-Url"] == "/contacts/?f=stage%3Amql%3Bscore%3A5.."


def test_the_filter_editor_shows_fields_and_conditions(web: Client) -> None:
    assert b"field=score" in web.get("/contacts/filter/?place=new").content
    body = web.get("/contacts/filter/?f=stage:mql&place=0").content.decode()
    assert re.search(r'value="mql" checked', body)


def test_the_palette_finds_people_and_pages(web: Client) -> None:
    made = person("서", "지우", company="가온로지스")
    body = web.get("/palette/?q=ㅅㅈㅇ").content.decode()
    assert f'href="/contacts/{made}/"' in body
    assert 'href="/contacts/"' in web.get("/palette/").content.decode()
