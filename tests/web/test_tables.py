"""The tables of records: every type, page and part, filters, search, views, cells, changes of many with a way back, and who sees what."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import users
from baton.accounts.models import Role, Team, User
from baton.crm import associations, consent, contacts, properties, records, types
from baton.crm.models import Export, PropertyHistory, Stage, View
from baton.messaging.models import Notification
from baton.platform.actor import SYSTEM, Actor
from baton.segments import bulk
from baton.segments import verbs as segments
from baton.segments.models import BulkChange, Membership, Score, ScoreModel
from baton.web import jobs
from baton.web.parts import initials, table_rows

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "div#records"}
made_so_far = iter(range(10**6))


def person(last: str, first: str = "씨", *, owner: User | None = None, score: int | None = None, company: str = "", size: int = 0, **more: object) -> int:
    values = {"lastname": last, "firstname": first, "email": f"{next(made_so_far)}@people.example", **more}
    made = records.create("contact", values, actor=SYSTEM, source="test", owner_id=owner.pk if owner else None)
    if company:
        firm = records.create("company", {"name": company, "numberofemployees": size or 10}, actor=SYSTEM, source="test")
        associations.link("contact", made, "company", firm, actor=SYSTEM)
    if score is not None:
        model = ScoreModel.objects.order_by("pk").first() or ScoreModel.objects.create(name="Leads")
        Score.objects.create(contact_id=made, model_id=model.pk, total=score, changed_at=records.get("contact", made).created_at)
    return made


def deal(name: str, **more: object) -> int:
    return records.create("deal", {"dealname": name, **more}, actor=SYSTEM, source="test")


def names(web: Client, address: str) -> list[str]:
    return re.findall(r'<td class="name">.*?<a href="[^"]+">([^<]+)</a>', web.get(address).content.decode(), re.DOTALL)


def heads(web: Client, address: str) -> list[str]:
    body = web.get(address).content.decode().split("</thead>")[0]
    return [re.sub(r"<[^>]+>", "", found) for found in re.findall(r"<th[ >].*?</th>", body) if "checkbox" not in found]


def trigger(answer: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(answer["HX-Trigger"])
    return found


@pytest.fixture
def chief(account: object) -> Client:
    """The browser of an administrator, who may change deals and tickets too."""
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(users.create("chief@nuriwork.example", "문가영", "a-long-enough-one", "admin", actor=SYSTEM))
    return browser


def own_type() -> None:
    types.define("contract", "Contract", "Contracts", actor=SYSTEM, properties=[{"name": "value", "label": "Value", "type": "number"}])


# Every type


def test_every_type_has_a_table_and_a_place_in_the_navigation(web: Client) -> None:
    own_type()
    for plural, address in (("contacts", "/contacts/"), ("deals", "/deals/"), ("products", "/objects/products/"), ("contracts", "/objects/contracts/")):
        body = web.get(address).content.decode()
        assert f'href="{address}" aria-current="page"' in body, plural
        assert 'href="/objects/quotes/"' in body
    assert "No contracts yet" in web.get("/objects/contracts/").content.decode()
    for missing in ("/objects/nothing/", "/objects/contacts/", "/objects/deals/"):
        assert web.get(missing).status_code == 404


def test_records_of_every_type_are_found_sorted_and_shown_by_their_properties(web: Client) -> None:
    own_type()
    for name, value in (("가", 5), ("나", 50)):
        records.create("contract", {"name": name, "value": value}, actor=SYSTEM, source="test")
        deal(f"거래 {name}", amount=value)
    assert names(web, "/objects/contracts/?sort=value") == ["가", "나"]
    assert names(web, "/objects/contracts/?f=value:10..") == ["나"]
    assert names(web, "/deals/?layout=table&f=amount:..10") == ["거래 가"]
    assert names(web, "/deals/?layout=table&sort=-amount") == ["거래 나", "거래 가"]
    assert "₩50" in web.get("/deals/?layout=table").content.decode()


def test_filters_are_addresses(web: Client, oh: User) -> None:
    person("서", "지우", owner=oh, score=131, lifecyclestage="sql", company="가온로지스", size=340)
    person("한", "도윤", score=40, lifecyclestage="mql", company="다온정밀", size=20)
    person("오", "하늘", score=5, lifecyclestage="lead", city="부산")
    base = "/contacts/"
    assert names(web, f"{base}?sort=name") == ["서지우", "오하늘", "한도윤"]
    assert names(web, f"{base}?f=stage:mql,sql&sort=score") == ["한도윤", "서지우"]
    assert names(web, f"{base}?f=owner:me") == ["서지우"]
    assert names(web, f"{base}?f=score:..50;!city:부산") == ["한도윤"]
    assert names(web, f"{base}?f=(city:부산|company.numberofemployees:300..)&sort=name") == ["서지우", "오하늘"]
    assert names(web, f"{base}?f=!(city:부산|(stage:sql;score:100..))") == ["한도윤"]
    assert names(web, f"{base}?f=created_at:last7d;city:^부") == ["오하늘"]
    assert names(web, f"{base}?f=stage:lead;city:서울") == []


def test_an_address_with_a_fault_says_so_on_the_page(web: Client) -> None:
    person("서", "지우")
    answer = web.get("/contacts/?f=height:1")
    assert answer.status_code == 422
    assert "There is no field ‘height’ to filter by." in answer.content.decode()
    assert "서지우" not in answer.content.decode()
    assert web.get("/contacts/?f=(stage:mql", headers=PART).status_code == 422
    assert web.get("/contacts/?sort=nothing&columns=nothing&page=x&after=x&layout=x&view=x").status_code == 200


def test_search_finds_names_addresses_companies_phones_and_initial_consonants(web: Client) -> None:
    person("서", "지우", company="가온로지스", mobilephone="010-4827-1935")
    person("Baker", "Anna", email="anna@other.example")
    for q, found in (("지우", "서지우"), ("ㅅㅈㅇ", "서지우"), ("anna baker", "Anna Baker"), ("OTHER.example", "Anna Baker"), ("1935", "서지우")):
        assert names(web, f"/contacts/?q={q}") == [found], q
    assert names(web, "/contacts/?q=100%25") == []
    assert names(web, "/companies/?q=ㄱㅇㄹㅈ") == ["가온로지스"]


def test_initial_consonants_stand_for_syllables() -> None:
    assert initials.found("ㅅㅈㅇ", "서지우")
    assert not initials.found("ㅅㅈㅇ", "서재민")
    assert initials.found("(", "a(b")


def test_the_palette_finds_records_of_every_type_and_pages(web: Client) -> None:
    made, sold = person("서", "지우", company="가온로지스"), deal("가온 근태")
    body = web.get("/palette/?q=가온").content.decode()
    assert f'href="/deals/{sold}/"' in body
    assert 'href="/companies/' in body
    assert f'href="/contacts/{made}/"' in web.get("/palette/?q=ㅅㅈㅇ").content.decode()
    assert 'href="/contacts/"' in web.get("/palette/").content.decode()


# Columns, pages, parts


def test_columns_are_chosen_and_stand_in_the_order_of_the_address(web: Client) -> None:
    person("서", "지우", city="부산", score=7)
    assert heads(web, "/contacts/?columns=city,score")[1:] == ["City", "Score"]
    assert heads(web, "/contacts/?columns=score,city,nothing")[1:] == ["Score", "City"]
    answer = web.get("/contacts/?choose=1&show=city&show=jobtitle", headers=PART)
    assert answer["HX-Push-Url"] == "/contacts/?columns=city%2Cjobtitle"
    assert "부산" in answer.content.decode()


def test_any_column_sorts_and_what_is_the_usual_is_not_in_the_address(web: Client) -> None:
    person("가", city="서울")
    person("나", city="부산")
    assert names(web, "/contacts/?columns=city&sort=city") == ["나씨", "가씨"]
    assert web.get("/contacts/?sort=-last_seen", headers=PART)["HX-Push-Url"] == "/contacts/"


def test_pages_follow_each_other(web: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rows, "PAGE", 2)
    for letter in "가나다라마":
        person(letter)
    seen, address = [], "/contacts/?sort=name"
    for _ in range(3):
        body = web.get(address).content.decode()
        seen.append(names(web, address))
        following = re.search(r'Next page"( disabled)? hx-get="([^"]+)"', body)
        assert following
        address = following[2].replace("&amp;", "&")
    assert seen == [["가씨", "나씨"], ["다씨", "라씨"], ["마씨"]]
    assert names(web, "/contacts/?sort=name&page=2") == ["다씨", "라씨"]
    assert "There are no more" in web.get("/contacts/?page=9").content.decode()


def test_the_table_answers_htmx_with_its_part(web: Client) -> None:
    consent.set([person("서", "지우", score=5)], "email", True, actor=SYSTEM, source="test")
    answer = web.get("/contacts/?f=score:..10", headers=PART)
    assert "<html" not in answer.content.decode()
    assert answer["HX-Push-Url"] == "/contacts/?f=score%3A..10"
    answer = web.get("/contacts/?f=stage:mql&place=new&field=score&low=5", headers=PART)
    assert answer["HX-Push-Url"] == "/contacts/?f=stage%3Amql%3Bscore%3A5.."
    answer = web.get("/contacts/?f=stage:mql&place=0&field=created_at&span=last&days=7&no=1", headers=PART)
    assert answer["HX-Push-Url"] == "/contacts/?f=%21created_at%3Alast7d"


def test_the_filter_editor_shows_fields_conditions_and_groups(web: Client) -> None:
    assert b"field=score" in web.get("/contacts/filter/?place=new").content
    assert re.search(r'value="mql" checked', web.get("/contacts/filter/?f=stage:mql&place=0").content.decode())
    assert "Turn it round" in web.get("/contacts/filter/?f=(stage:mql|score:1..)&place=0").content.decode()
    assert b"field=dealstage" in web.get("/deals/filter/?place=new").content


def test_the_number_of_queries_does_not_grow(web: Client, oh: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "FRESH", 3600.0)  # else a slow moment between the two looks asks for the definitions again
    monkeypatch.setattr(types, "FRESH", 3600.0)
    address = "/contacts/?f=stage:-;score:..100&q=김&columns=company,score,consent,last_seen,owner_id,jobtitle,city,created_at"
    for number in range(3):
        person("김", f"하나{number}", owner=oh, score=number, company=f"회사{number}")
    web.get(address)
    with CaptureQueriesContext(connection) as few:
        web.get(address)
    for number in range(30):
        person("김", f"두리{number}", owner=oh, score=number, company=f"회사{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(names(web, address)) == 33
    assert len(many) == len(few)
    assert len(many) <= 26


# Cells


VALUES = [
    ("text", {}, "본부장", "본부장"), ("number", {}, "1,200", "1,200"), ("date", {}, "2026-03-04", "Mar 4, 2026"),
    ("datetime", {}, "2026-03-04T09:30", "9:30"), ("boolean", {}, "true", "Yes"), ("phone", {}, "010-4827-1935", "10-4827-1935"),
    ("email", {}, "A@other.example", "a@other.example"), ("url", {}, "https://a.example/x", "https://a.example/x"),
    ("choice", {"options": [{"value": "a", "label": "Alpha"}]}, "a", "Alpha"),
    ("multi_choice", {"options": [{"value": "a", "label": "Alpha"}, {"value": "b", "label": "Beta"}]}, ["a", "b"], "Alpha, Beta"),
]  # fmt: skip


@pytest.mark.parametrize(("type", "more", "sent", "shown"), VALUES, ids=[row[0] for row in VALUES])
def test_a_cell_of_every_type_is_edited_and_given_back(web: Client, type: str, more: dict[str, Any], sent: Any, shown: str) -> None:
    properties.define("company", "extra", "Extra", type, actor=SYSTEM, **more)
    made = records.create("company", {"name": "가온"}, actor=SYSTEM, source="test")
    url = f"/companies/cells/{made}/extra/"
    assert 'name="value"' in web.get(url).content.decode()
    answer = web.post(url, {"value": sent})
    assert shown in answer.content.decode()
    undo = trigger(answer)["toast"]["undo"]
    web.post(undo["url"], undo["values"])
    assert "extra" not in records.get("company", made).properties


def test_an_edit_leaves_history_and_a_fault_stays_in_the_cell(web: Client, oh: User) -> None:
    made = person("서", "지우", jobtitle="인사팀장")
    url = f"/contacts/cells/{made}/jobtitle/"
    web.post(url, {"value": "본부장"})
    row = PropertyHistory.objects.get(record_id=made, name="jobtitle", source="page")
    assert (row.old, row.new, row.actor) == ("인사팀장", "본부장", str(Actor("user", oh.pk)))
    assert "본부장" in web.get(f"{url}?cancel=1").content.decode()
    answer = web.post(f"/contacts/cells/{made}/numberofemployees/", {"value": "many"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    other = person("한", "도윤")
    address = records.get("contact", other).properties["email"]
    assert web.post(f"/contacts/cells/{made}/email/", {"value": address}).status_code == 422
    assert web.get(f"/contacts/cells/{made}/nothing/").status_code == 404


def test_a_stage_is_a_choice_of_the_pipeline(chief: Client) -> None:
    made = deal("가온 근태")
    assert "Won" in chief.get(f"/deals/cells/{made}/dealstage/").content.decode()
    assert "Won" in chief.post(f"/deals/cells/{made}/dealstage/", {"value": "closedwon"}).content.decode()
    assert records.get("deal", made).properties["probability"] == 1


# Views


def test_a_view_keeps_what_the_table_shows_and_is_renamed_shared_moved_and_deleted(web: Client, oh: User) -> None:
    person("서", "지우", lifecyclestage="mql", city="부산")
    person("한", "도윤", lifecyclestage="sql")
    answer = web.post("/contacts/views/?f=stage:mql&columns=city&sort=name", {"name": " 부산  MQL ", "shared": "me"})
    view = View.objects.get()
    assert answer["HX-Redirect"] == f"/contacts/?view={view.pk}"
    assert (view.name, view.owner_id, view.object_type) == ("부산 MQL", oh.pk, "contact")
    address = f"/contacts/?view={view.pk}"
    assert names(web, address) == ["서지우"]
    assert heads(web, address)[1:] == ["City"]
    assert names(web, f"{address}&f=") == ["서지우", "한도윤"]
    assert web.get(f"{address}&f=stage:sql", headers=PART)["HX-Push-Url"] == f"{address}&f=stage%3Asql"
    web.post(f"/contacts/views/{view.pk}/?view={view.pk}&f=stage:sql", {"do": "keep"})
    assert names(web, address) == ["한도윤"]
    web.post("/contacts/views/", {"name": "둘", "shared": "me"})
    second = View.objects.get(name="둘")
    web.post(f"/contacts/views/{second.pk}/", {"do": "left"})
    assert list(View.objects.values_list("name", flat=True)) == ["둘", "부산 MQL"]
    web.post(f"/contacts/views/{view.pk}/", {"do": "change", "name": "서울", "shared": "all"})
    assert View.objects.get(pk=view.pk).shared == "all"
    assert web.post("/contacts/views/", {"name": " ", "shared": "me"}).status_code == 422
    assert web.get(f"/contacts/views/{view.pk}/")["Location"] == address
    web.post(f"/contacts/views/{view.pk}/", {"do": "delete"})
    assert not View.objects.filter(pk=view.pk).exists()


def test_a_view_is_seen_by_those_it_is_shared_with_and_changed_by_its_owner(web: Client, oh: User) -> None:
    team = Team.objects.create(name="영업")
    mate, other = (users.create(f"{n}@nuriwork.example", n, "a-long-enough-one", "marketing", actor=SYSTEM) for n in ("mate", "other"))
    User.objects.filter(pk__in=[oh.pk, mate.pk]).update(team=team)
    for shared in ("me", "team", "all"):
        View.objects.create(object_type="contact", name=f"보기 {shared}", owner_id=oh.pk, shared=shared, query={"f": "stage:mql"})

    def seen(user: User) -> list[str]:
        browser = Client()
        browser.force_login(User.objects.get(pk=user.pk))
        return re.findall(r"보기 (me|team|all)<", browser.get("/contacts/").content.decode())

    assert seen(oh) == ["me", "team", "all"]
    assert seen(mate) == ["team", "all"]
    assert seen(other) == ["all"]
    stranger = Client()
    stranger.force_login(other)
    shared = View.objects.get(shared="all")
    assert stranger.post(f"/contacts/views/{shared.pk}/", {"do": "delete"}).status_code == 403
    assert stranger.post(f"/contacts/views/{View.objects.get(shared='me').pk}/", {"do": "delete"}).status_code == 404


# Adding


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


def test_records_of_every_type_are_added(chief: Client) -> None:
    own_type()
    for address, given in (
        ("/companies/", {"name": "가온"}), ("/tickets/", {"subject": "로그인"}), ("/objects/products/", {"name": "근태", "price": "1,000"}),
        ("/objects/contracts/", {"name": "2026", "value": "5"}),
    ):  # fmt: skip
        form = chief.get(f"{address}new/").content.decode()
        assert 'role="alert"' not in form
        assert chief.post(f"{address}new/", {}).status_code == 422, address
        assert re.fullmatch(rf"{address}\d+/", chief.post(f"{address}new/", given)["HX-Redirect"]), address


# Many at once


def test_many_get_an_owner_and_give_it_back(web: Client, oh: User) -> None:
    one, two = person("가"), person("나", owner=oh)
    answer = web.post("/contacts/bulk/", {"id": [one, two], "owner": oh.pk})
    told = trigger(answer)
    assert told["records-changed"]
    assert told["toast"]["text"] == "1 record: Owner changed"
    assert [records.get("contact", i).owner_id for i in (one, two)] == [oh.pk, oh.pk]
    web.post(told["toast"]["undo"]["url"])
    assert [records.get("contact", i).owner_id for i in (one, two)] == [None, oh.pk]
    assert web.post(told["toast"]["undo"]["url"]).status_code == 409


def test_any_property_of_many_is_changed_and_only_that_change_is_taken_back(web: Client) -> None:
    one, two, three = person("가", city="서울"), person("나"), person("다")
    assert "Choose" in web.get("/contacts/bulk/edit/").content.decode()
    assert 'form="bulk"' in web.get("/contacts/bulk/edit/?name=city").content.decode()
    told = trigger(web.post("/contacts/bulk/", {"id": [one, two], "do": "set", "name": "city", "value": "부산"}))
    records.update("contact", two, {"city": "대구"}, actor=SYSTEM, source="test")
    web.post(told["toast"]["undo"]["url"])
    assert [records.get("contact", i).properties.get("city") for i in (one, two, three)] == ["서울", "대구", None]


def test_a_value_that_cannot_be_is_said_in_the_dialog(web: Client) -> None:
    one = person("가")
    answer = web.post("/contacts/bulk/", {"id": one, "do": "set", "name": "numberofemployees", "value": "many"})
    assert (answer.status_code, "many is not a number" in answer.content.decode()) == (422, True)
    for given in ({"name": "email", "value": "x@y.example"}, {"name": "nothing", "value": "1"}):
        assert web.post("/contacts/bulk/", {"id": one, "do": "set", **given}).status_code == 422
    assert web.post("/contacts/bulk/", {"do": "archive"}).status_code == 422
    assert web.post("/contacts/bulk/", {"id": one, "do": "explode"}).status_code == 422


def test_a_stage_that_needs_more_leaves_the_others_changed(chief: Client) -> None:
    Stage.objects.filter(key="closedlost").update(required=["closed_lost_reason"])
    one, two = deal("가", closed_lost_reason="가격"), deal("나")
    told = trigger(chief.post("/deals/bulk/", {"id": [one, two], "do": "set", "name": "dealstage", "value": "closedlost"}))
    assert told["toast"]["text"].startswith("1 record: Deal stage changed · 1 left as they were")
    assert records.get("deal", two).properties["dealstage"] == "appointmentscheduled"


def test_many_are_archived_and_come_back(web: Client, oh: User) -> None:
    ids = [person(letter) for letter in "가나"]
    told = trigger(web.post("/contacts/bulk/", {"id": ids, "do": "archive"}))
    assert names(web, "/contacts/") == []
    web.post(told["toast"]["undo"]["url"])
    assert names(web, "/contacts/?sort=name") == ["가씨", "나씨"]


def test_many_are_put_in_a_list_and_only_those_who_joined_leave_it(web: Client) -> None:
    one, two = person("가"), person("나")
    segment = segments.create_segment("손으로", {}, "fixed", SYSTEM)
    segments.add(segment.pk, [one], SYSTEM)
    assert "손으로" in web.get("/contacts/bulk/lists/").content.decode()
    told = trigger(web.post("/contacts/bulk/", {"id": [one, two], "list": segment.pk}))
    assert set(Membership.objects.values_list("contact_id", flat=True)) == {one, two}
    web.post(told["toast"]["undo"]["url"])
    assert set(Membership.objects.values_list("contact_id", flat=True)) == {one}
    web.post("/contacts/bulk/", {"id": [two], "list": "new", "list_name": "새 목록"})
    assert Membership.objects.filter(contact_id=two).count() == 1
    assert web.post("/contacts/bulk/", {"id": [two], "list": "new", "list_name": ""}).status_code == 422


def test_all_that_match_are_changed_whatever_page_they_are_on(web: Client) -> None:
    for letter in "가나다":
        person(letter, city="부산")
    other = person("라", city="서울")
    told = trigger(web.post("/contacts/bulk/?f=city:부산", {"all": "1", "do": "set", "name": "city", "value": "울산"}))
    assert told["toast"]["text"].startswith("3 records")
    assert records.get("contact", other).properties["city"] == "서울"
    assert BulkChange.objects.get().find is not None
    web.post(told["toast"]["undo"]["url"])
    assert len(names(web, "/contacts/?f=city:부산")) == 3
    assert web.post("/contacts/bulk/?f=nothing:1", {"all": "1", "do": "archive"}).status_code == 422


def test_very_many_are_asked_about_and_left_to_the_worker(web: Client, oh: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [person(letter, city="부산") for letter in "가나다라"]
    monkeypatch.setattr("baton.web.pages.table_bulk.ASKED", 2)
    monkeypatch.setattr("baton.web.pages.table_bulk.TYPED", 3)
    monkeypatch.setattr(bulk, "HERE", 2)
    monkeypatch.setattr(bulk, "SET", 3)
    given = {"all": "1", "do": "set", "name": "city", "value": "울산"}
    answer = web.post("/contacts/bulk/?f=city:부산", given)
    assert "Change “City” of 4 records?" in answer.content.decode()
    assert "City ‘부산’" in answer.content.decode()
    assert web.post("/contacts/bulk/?f=city:부산", {**given, "sure": "1", "typed": "3"}).status_code == 422
    answer = web.post("/contacts/bulk/?f=city:부산", {**given, "sure": "1", "typed": "4"})
    assert "Changing 0 of 4" in answer.content.decode()
    asked = BulkChange.objects.get()
    assert "Changing 0 of 4" in web.get("/contacts/").content.decode()
    jobs.change_many(id=asked.pk)
    jobs.change_many(id=asked.pk)  # a second run finds nothing left
    assert "4 records: City changed" in web.get(f"/contacts/bulk/{asked.pk}/").content.decode()
    assert [records.get("contact", id).properties["city"] for id in ids] == ["울산"] * 4
    assert Notification.objects.filter(user_id=oh.pk, cause=f"bulk:{asked.pk}").count() == 1
    jobs.undo_many(id=asked.pk)
    assert [records.get("contact", id).properties["city"] for id in ids] == ["부산"] * 4


def test_a_worker_that_died_is_followed_by_one_that_goes_on(web: Client, oh: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [person(letter) for letter in "가나다라"]
    monkeypatch.setattr(bulk, "SET", 2)
    asked = bulk.prepare("contact", "archive", {}, user=oh, stored={})
    sets = 0

    def dying(*given: Any) -> Any:
        nonlocal sets
        sets += 1
        if sets == 2:
            raise RuntimeError("killed")
        return change(*given)

    change = bulk._act
    monkeypatch.setattr(bulk, "_act", dying)
    with pytest.raises(RuntimeError):
        bulk.run(asked.pk)
    monkeypatch.setattr(bulk, "_act", change)
    done = bulk.run(asked.pk)
    assert (done.state, done.done, done.changed) == ("done", 4, 4)
    assert bulk.undo(asked.pk, user=oh) == 4
    assert len(records.many("contact", ids)) == 4


# Rights


@pytest.fixture
def reach(oh: User) -> Any:
    """A browser of somebody of 오세린's team whose rights reach as far as said."""

    def made(view: str, edit: str) -> Client:
        team = Team.objects.create(name="영업")
        Role.objects.create(key="reach", name="Reach", rights={"*": {"view": view, "edit": edit, "create": "all", "delete": edit}}, areas={})
        me = users.create("me@nuriwork.example", "나", "a-long-enough-one", "reach", actor=SYSTEM)
        User.objects.filter(pk__in=[oh.pk, me.pk]).update(team=team)
        stranger = users.create("far@nuriwork.example", "먼", "a-long-enough-one", "marketing", actor=SYSTEM)
        for name, owner in (("나의", me), ("팀의", oh), ("먼", stranger), ("없는", None)):
            records.create("company", {"name": name}, actor=SYSTEM, source="test", owner_id=owner.pk if owner else None)
        web = Client(headers={"accept-language": "en"})
        web.force_login(User.objects.get(pk=me.pk))
        return web

    return made


@pytest.mark.parametrize(("view", "seen"), [("own", {"나의"}), ("team", {"나의", "팀의", "없는"}), ("all", {"나의", "팀의", "먼", "없는"})])
def test_a_table_shows_as_far_as_rights_reach(reach: Any, view: str, seen: set[str]) -> None:
    web = reach(view, "none")
    assert set(names(web, "/companies/")) == seen
    body = web.get("/companies/").content.decode()
    assert "bulk/" not in body
    assert 'class="edit' not in body
    found = set(re.findall(r'<span class="grow clip">(\S+) ', web.get("/palette/?q=나의").content.decode()))
    assert found == {"나의"}


def test_edits_reach_as_far_as_rights_on_cells_and_on_all_that_match(reach: Any) -> None:
    web = reach("all", "own")
    rows = {r.properties["name"]: r.id for r in records.page("company", after=0, limit=10)}
    assert web.post(f"/companies/cells/{rows['나의']}/city/", {"value": "부산"}).status_code == 200
    assert web.post(f"/companies/cells/{rows['먼']}/city/", {"value": "부산"}).status_code == 403
    told = trigger(web.post("/companies/bulk/", {"all": "1", "do": "set", "name": "city", "value": "울산"}))
    assert told["toast"]["text"] == "1 record: City changed · 3 left as they were: Some records belong to colleagues."
    assert web.get("/companies/").content.decode().count('class="edit') > 0


def test_who_may_only_look_cannot_change(account: object) -> None:
    made = person("서", "지우", jobtitle="인사팀장")
    web = Client()
    web.force_login(users.create("v@nuriwork.example", "V", "a-long-enough-one", "viewer", actor=SYSTEM))
    body = web.get("/contacts/").content.decode()
    assert "인사팀장" in body
    assert "/contacts/new/" not in body
    for url in ("/contacts/new/", "/contacts/bulk/", f"/contacts/cells/{made}/jobtitle/"):
        assert web.post(url, {"value": "x", "id": made, "do": "archive"}).status_code == 403, url
    asked = BulkChange.objects.count()
    assert asked == 0


def test_nobody_without_the_right_sees_a_table(account: object) -> None:
    Role.objects.create(key="nothing", name="Nothing", rights={"*": {}}, areas={})
    web = Client()
    web.force_login(users.create("n@nuriwork.example", "N", "a-long-enough-one", "nothing", actor=SYSTEM))
    for address in ("/contacts/", "/objects/products/", "/deals/new/", "/companies/filter/"):
        assert web.get(address).status_code == 403, address
    assert Client().get("/companies/").status_code == 302


def test_a_table_is_exported_as_it_is_shown(web: Client) -> None:
    one, _two = person("가", city="부산"), person("나", city="서울")
    form = web.get("/contacts/export/?f=city:부산").content.decode()
    assert "City ‘부산’" in form
    answer = web.post("/contacts/export/?f=city:부산&columns=city", {"format": "csv", "encoding": "utf-8", "which": "shown"})
    assert answer["HX-Redirect"] == "/exports/"
    asked = Export.objects.get()
    assert (asked.object_type, asked.columns) == ("contact", ["id", "lastname", "firstname", "email", "city"])
    web.post("/contacts/export/", {"format": "csv", "encoding": "utf-8", "which": "all", "chosen": "1", "id": one})
    assert Export.objects.latest("pk").ids == [one]
    assert web.post("/contacts/export/", {"format": "pdf"}).status_code == 422
