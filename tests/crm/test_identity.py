"""Who is who: addresses, visitors that become contacts, ids that were joined, and names."""

import pytest

from baton.crm import contacts, records
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, NotFound

WHO = Actor("form", 3)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"lastname": "김", "firstname": "민준"}, "김민준"),
        ({"lastname": "남궁", "firstname": "민"}, "남궁민"),
        ({"lastname": "Kim", "firstname": "Minjun"}, "Minjun Kim"),
        ({"lastname": "김", "firstname": "Daniel"}, "김Daniel"),
        ({"lastname": "김", "email": "a@x.example"}, "김"),
        ({"firstname": "Ann"}, "Ann"),
        ({"email": "a@x.example"}, "a@x.example"),
        ({}, ""),
    ],
)
def test_a_name_is_written_as_its_language_does(given: dict[str, str], name: str) -> None:
    assert contacts.display_name(given) == name


@pytest.mark.django_db
class TestIdentity:
    def test_a_visitor_becomes_a_contact_under_the_same_id(self) -> None:
        contacts.create_as(4_000_000_000, {"email": "a@x.example"}, actor=WHO, source="form")
        assert records.get("contact", 4_000_000_000).properties == {"email": "a@x.example"}
        assert contacts.by_email("a@x.example") == 4_000_000_000
        with pytest.raises(Conflict) as error:
            contacts.create_as(4_000_000_000, {"email": "b@x.example"}, actor=WHO, source="form")
        assert error.value.existing_id == 4_000_000_000
        with pytest.raises(Conflict):
            contacts.create_as(4_000_000_001, {"email": "a@x.example"}, actor=WHO, source="form")

    def test_the_first_claim_wins(self) -> None:
        assert contacts.claim("cookie", "abc", 5) == 5
        assert contacts.claim("cookie", "abc", 6) == 5
        assert contacts.claim("external", "abc", 6) == 6

    def test_an_old_id_leads_to_the_new_one_for_ever(self) -> None:
        new = records.create("contact", {"email": "a@x.example"}, actor=WHO, source="form")
        newer = records.create("contact", {"email": "b@x.example"}, actor=WHO, source="form")
        contacts.claim("cookie", "abc", 111)
        contacts.redirect(111, new)
        assert contacts.claim("cookie", "abc", 222) == new
        assert records.get("contact", 111).id == new
        contacts.redirect(new, newer)
        assert contacts.resolve(111) == contacts.resolve(new) == newer
        assert contacts.resolve(newer) == newer
        records.update("contact", 111, {"city": "서울"}, actor=WHO, source="form")
        with pytest.raises(NotFound):
            records.get("contact", 333)
