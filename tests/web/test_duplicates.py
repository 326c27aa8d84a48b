"""The inbox of duplicates, the merge field by field, the way back, and a person's rights over his data."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import duplicates, merge, records
from baton.crm.models import Contact, Merge
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}


def person(**values: Any) -> int:
    return records.create("contact", values, actor=SYSTEM, source="api")


@pytest.fixture
def pair() -> tuple[int, int]:
    one = person(email="kim@gmail.com", lastname="김", firstname="민준", phone="02-555-1000")
    two = person(email="kim@gmial.com", lastname="김", firstname="민준", company="한결")
    while duplicates.drain():
        pass
    return one, two


@pytest.fixture
def admin(account: object) -> Client:
    boss = users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(boss)
    return web


def as_role(role: str) -> Client:
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create(f"{role}@nuriwork.example", role, "a-long-enough-one", role, actor=SYSTEM))
    return web


def test_the_inbox_shows_both_and_why(web: Client, pair: tuple[int, int]) -> None:
    page = web.get("/duplicates/").content.decode()
    assert page.count("김민준") >= 2
    assert "e-mail address but for a slip" in page
    assert "Nothing looks like a duplicate" in web.get("/duplicates/?type=company").content.decode()


def test_not_the_same_and_back(web: Client, pair: tuple[int, int]) -> None:
    answer = web.post(f"/duplicates/{pair[0]}/{pair[1]}/dismiss/", headers=HTMX)
    assert "not the same" in answer.headers["HX-Trigger"]
    assert "Nothing looks like a duplicate" in web.get("/duplicates/").content.decode()
    web.post(f"/duplicates/{pair[0]}/{pair[1]}/restore/", headers=HTMX)
    assert "김민준" in web.get("/duplicates/").content.decode()


def test_field_by_field_then_undone(admin: Client, pair: tuple[int, int]) -> None:
    one, two = pair
    page = admin.get(f"/duplicates/{one}/{two}/?keep={two}").content.decode()
    assert "All addresses stay: kim@gmial.com, kim@gmail.com" in page
    answer = admin.post(f"/duplicates/{one}/{two}/", {"keep": str(one), "p_email": "keep", "p_phone": "gone", "p_company": "gone"})
    made = Merge.objects.get()
    assert answer.headers["Location"] == f"/merges/{made.id}/"
    merged = records.get("contact", two).properties
    assert (merged["company"], "phone" in merged) == ("한결", False)
    assert "The two are one now" in admin.get(f"/merges/{made.id}/").content.decode()
    assert "Undo the merge" in admin.get(f"/merge/contact/{one}/").content.decode()
    assert admin.get(f"/contacts/{two}/").headers["Location"] == f"/contacts/{one}/"
    admin.post(f"/merges/{made.id}/undo/", headers=HTMX)
    assert Contact.objects.count() == 2
    assert records.get("contact", one).properties["phone"] == "+8225551000"


def test_any_two_are_found_by_search(admin: Client, pair: tuple[int, int]) -> None:
    other = person(lastname="이", firstname="서연", email="lee@hankyul.example")
    assert "kim@gmial.com" in admin.get(f"/merge/contact/{pair[0]}/").content.decode()
    assert f"/duplicates/{pair[0]}/{other}/" in admin.get(f"/merge/contact/{pair[0]}/?q=서연").content.decode()
    assert admin.get("/merge/nothing/1/").status_code == 404


def test_companies_too(admin: Client) -> None:
    one, two = (records.create("company", {"name": name}, actor=SYSTEM, source="api") for name in ("㈜한결", "한결 주식회사"))
    while duplicates.drain():
        pass
    assert "company name" in admin.get("/duplicates/?type=company").content.decode()
    assert "㈜한결" in admin.get(f"/duplicates/{one}/{two}/?type=company").content.decode()
    admin.post(f"/duplicates/{one}/{two}/?type=company", {"keep": str(two)})
    assert records.get("company", one).id == two


def test_one_record_cannot_be_merged_with_itself(admin: Client, pair: tuple[int, int]) -> None:
    merge.merge("contact", *pair, actor=SYSTEM)
    assert admin.get(f"/duplicates/{pair[0]}/{pair[1]}/").status_code in (404, 409)


def test_a_viewer_looks_only(account: object, pair: tuple[int, int]) -> None:
    viewer = as_role("viewer")
    page = viewer.get("/duplicates/")
    assert page.status_code == 200
    assert "Compare and merge" not in page.content.decode()
    one, two = pair
    for address in (f"/duplicates/{one}/{two}/", f"/duplicates/{one}/{two}/dismiss/", f"/privacy/{one}/erase/", f"/privacy/{one}/anonymise/"):
        assert viewer.post(address, {"keep": str(one), "name": "김민준"}, headers=HTMX).status_code == 403, address
    assert viewer.get(f"/privacy/{one}/copy/").status_code == 403
    assert Contact.objects.count() == 2


def test_the_count_of_questions_does_not_grow(web: Client, oh: User, django_assert_max_num_queries: Any) -> None:
    for n in range(20):
        person(email=f"user{n}@gmail.com"), person(email=f"user{n}@gmial.com")
    while duplicates.drain():
        pass
    with django_assert_max_num_queries(20):
        assert web.get("/duplicates/").content.decode().count('class="card twin"') == 20


class TestPrivacy:
    def test_a_copy_to_take_away(self, admin: Client, pair: tuple[int, int]) -> None:
        answer = admin.get(f"/privacy/{pair[0]}/copy/")
        assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == ["person.json", "person.html"]

    def test_forgetting_needs_the_name(self, admin: Client, pair: tuple[int, int]) -> None:
        assert "Forget this person" in admin.get(f"/privacy/{pair[0]}/").content.decode()
        assert admin.post(f"/privacy/{pair[0]}/erase/", {"name": "이서연"}, headers=HTMX).status_code == 422
        assert admin.post(f"/privacy/{pair[0]}/erase/", {"name": "김민준"}, headers=HTMX).headers["HX-Redirect"] == "/contacts/"
        assert list(Contact.objects.values_list("id", flat=True)) == [pair[1]]

    def test_anonymous(self, admin: Client, pair: tuple[int, int]) -> None:
        admin.post(f"/privacy/{pair[0]}/anonymise/", {"name": "김민준"}, headers=HTMX)
        assert Contact.objects.get(id=pair[0]).properties == {"original_source": "offline", "latest_source": "offline"}, "what is counted, not who it was"
