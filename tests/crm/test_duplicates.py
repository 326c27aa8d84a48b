"""Records that look like one: which are found, why, how the suggestions follow changes, and what people said about them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from baton.crm import duplicates, mailboxes, merge, records
from baton.crm.duplicates import find, traits
from baton.platform import sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import NotFound


class TestTraits:
    @pytest.mark.parametrize(
        "name", ["㈜한결소프트", "(주)한결소프트", "（주）한결 소프트", "주식회사 한결소프트", "한결소프트 주식회사", "한결소프트(주)", "한결소프트"]
    )
    def test_korean_forms_of_a_company(self, name: str) -> None:
        assert traits.company(name) == "한결소프트"

    @pytest.mark.parametrize("name", ["Hankyul Soft Co., Ltd.", "HANKYUL SOFT Inc.", "Hankyul-Soft", "hankyul soft corp", "HankyulSoft Co.,Ltd"])
    def test_english_forms_of_a_company(self, name: str) -> None:
        assert traits.company(name) == "hankyulsoft"

    def test_a_form_alone_is_a_name(self) -> None:
        assert traits.company("Group") == "group"

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("minjun@gmial.com", "minjun@gmail.com"), ("min.jun+news@gmail.com", "minjun@gmail.com"), ("kim@hankyul.con", "kim@hankyul.com"),
            ("kim@naver.con", "kim@naver.com"), ("kim@daum.net", "kim@hanmail.net"), ("a.b@hankyul.example", "a.b@hankyul.example"),
        ],
    )  # fmt: skip
    def test_slips_in_addresses(self, typed: str, meant: str) -> None:
        assert mailboxes.meant(typed) == meant

    @pytest.mark.parametrize(
        ("a", "b", "alike"),
        [
            ("minjun.kim", "minjn.kim", True), ("minjun.kim", "minjnu.kim", True), ("minjun.kim", "minjum.kim", True), ("minjun.kim", "minjun.lee", False),
            ("kim01", "kim02", False), ("sykim", "jykim", True), ("abc", "abd", False),
        ],
    )  # fmt: skip
    def test_one_slip_within_a_company(self, a: str, b: str, alike: bool) -> None:
        assert traits._slip(f"{a}@hankyul.example", f"{b}@hankyul.example") is alike

    @pytest.mark.parametrize(
        ("a", "b", "enough"),
        [
            ({"name": "㈜한결", "business_number": "123-45-67890"}, {"name": "한결", "business_number": "1234567890"}, True),
            ({"name": "㈜한결", "business_number": "123-45-67890"}, {"name": "한결", "business_number": "2222222222"}, False),
            ({"name": "한결", "website": "https://www.hankyul.example/kr"}, {"name": "한결소프트", "domain": "hankyul.example"}, True),
            ({"name": "가나", "phone": "02-555-1000"}, {"name": "다라", "phone": "02-555-1000"}, False),
            ({"name": "가게", "website": "https://smartstore.naver.com/a"}, {"name": "점포", "website": "https://smartstore.naver.com/b"}, False),
        ],
    )
    def test_companies(self, a: dict[str, Any], b: dict[str, Any], enough: bool) -> None:
        assert (traits.compare("company", a, b)[0] >= traits.ENOUGH) is enough

    @pytest.mark.parametrize(
        ("a", "b", "enough"),
        [
            ({"email": "kim@gmial.com"}, {"email": "kim@gmail.com"}, True),
            ({"lastname": "김", "firstname": "민준", "mobilephone": "+821023456789"}, {"lastname": "김민준", "phone": "010-2345-6789"}, True),
            ({"lastname": "김", "firstname": "민준", "mobilephone": "+821023456789"}, {"lastname": "이서연", "phone": "010-2345-6789"}, False),
            ({"lastname": "김", "firstname": "민준", "company": "㈜한결"}, {"lastname": "김", "firstname": "민준", "company": "한결 주식회사"}, True),
            ({"firstname": "Anna", "lastname": "Lee", "email": "a@x.example"}, {"firstname": "Lee", "lastname": "Anna", "email": "anna@x.example"}, True),
            ({"email": "info@x.example"}, {"email": "info@x.example"}, False),
            ({"lastname": "김", "firstname": "민준"}, {"lastname": "김", "firstname": "민준"}, False),
        ],
    )
    def test_people(self, a: dict[str, Any], b: dict[str, Any], enough: bool) -> None:
        assert (traits.compare("contact", a, b)[0] >= traits.ENOUGH) is enough


def person(**values: Any) -> int:
    return records.create("contact", values, actor=SYSTEM, source="api")


def company(**values: Any) -> int:
    return records.create("company", values, actor=SYSTEM, source="api")


def open_pairs(object_type: str = "contact") -> list[tuple[int, int]]:
    while duplicates.drain():
        pass
    return sorted((s.a, s.b) for s in duplicates.page(object_type))


@pytest.mark.django_db
class TestStanding:
    def test_a_new_record_is_compared_and_says_why(self) -> None:
        one, two = company(name="㈜한결", domain="hankyul.example"), company(name="한결 주식회사", website="www.hankyul.example")
        company(name="두레")
        assert open_pairs("company") == [(one, two)]
        [found] = duplicates.page("company")
        assert found.reasons == ["company_name", "domain"]
        assert found.score > 90

    def test_a_change_makes_and_ends_a_suggestion(self) -> None:
        one, two = person(email="kim@gmail.com"), person(email="lee@gmail.com")
        assert open_pairs() == []
        records.update("contact", two, {"email": "kim@gmial.com"}, actor=SYSTEM, source="page")
        assert open_pairs() == [(one, two)]
        records.update("contact", two, {"email": "lee@gmail.com"}, actor=SYSTEM, source="page")
        assert open_pairs() == []

    def test_what_nobody_compares_wakes_nothing(self) -> None:
        one = person(email="kim@gmail.com")
        open_pairs()
        records.update("contact", one, {"jobtitle": "팀장"}, actor=SYSTEM, source="page")
        assert duplicates.drain() == 0

    def test_archived_merged_and_brought_back(self) -> None:
        one, two = person(email="kim@gmail.com"), person(email="kim@gmial.com")
        assert open_pairs() == [(one, two)]
        records.archive("contact", two, actor=SYSTEM)
        assert open_pairs() == []
        records.restore("contact", two, actor=SYSTEM)
        assert open_pairs() == [(one, two)]
        made = merge.merge("contact", one, two, actor=SYSTEM)
        assert open_pairs() == []
        merge.undo(made, actor=SYSTEM)
        assert open_pairs() == [(one, two)]

    def test_not_the_same_is_for_good(self) -> None:
        one, two = person(email="kim@gmail.com"), person(email="kim@gmial.com")
        open_pairs()
        duplicates.dismiss(two, one, actor=SYSTEM)
        records.update("contact", two, {"firstname": "민준"}, actor=SYSTEM, source="page")
        assert open_pairs() == []
        find.rebuild()
        assert open_pairs() == []
        with pytest.raises(NotFound):
            duplicates.dismiss(one, two, actor=SYSTEM)
        duplicates.take_back(one, two, actor=SYSTEM)
        assert open_pairs() == [(one, two)]

    def test_a_key_that_thousands_have_says_nothing(self) -> None:
        records.create_many("contact", [{"lastname": "김", "firstname": "민준", "phone": "02-1588-1588"} for _ in range(60)], actor=SYSTEM, source="import")
        assert open_pairs() == []

    def test_a_rebuild_finds_the_same(self) -> None:
        for n in range(30):
            person(lastname="김", firstname=f"민{n % 20}", company=f"한결{n % 20}", email=f"p{n}@gmail.com")
        company(name="㈜한결"), company(name="한결")
        before = open_pairs(), open_pairs("company")
        assert len(before[0]) == 10
        assert find.rebuild() == 11
        assert (open_pairs(), open_pairs("company")) == before

    def test_the_number_of_statements_does_not_grow(self) -> None:
        def turn(count: int) -> int:
            records.create_many("contact", [{"email": f"u{n}-{count}@gmail.com"} for n in range(count)], actor=SYSTEM, source="import")
            with CaptureQueriesContext(
                connection,
            ) as queries:
                duplicates.drain()
            return len(queries)

        assert turn(3) == turn(300)
        assert sql.rows("SELECT count(*) FROM like_due") == [(0,)]
