"""Links between records, seen from both sides."""

import pytest

from baton.crm import associations, records
from baton.crm.models import Association
from baton.platform.actor import SYSTEM
from baton.platform.errors import NotFound

pytestmark = pytest.mark.django_db


def make(object_type: str, **values: str) -> int:
    return records.create(object_type, values, actor=SYSTEM, source="page")


def test_both_sides_find_each_other() -> None:
    contact, deal = make("contact", lastname="김"), make("deal", dealname="x")
    associations.link("contact", contact, "deal", deal, actor=SYSTEM)
    associations.link("deal", deal, "contact", contact, actor=SYSTEM)
    assert associations.of(contact, "deal") == [deal]
    assert associations.of(deal, "contact") == [contact]
    assert associations.of(deal, "company") == []
    assert Association.objects.count() == 2


def test_the_first_company_is_the_primary_one_until_another_is_named() -> None:
    contact, one, two = make("contact", lastname="김"), make("company", name="하나"), make("company", name="둘")
    associations.link("company", one, "contact", contact, actor=SYSTEM)
    associations.link("contact", contact, "company", two, actor=SYSTEM)
    assert associations.of(contact, "company") == [one, two]
    associations.link("contact", contact, "company", two, label="primary", actor=SYSTEM)
    assert associations.of(contact, "company") == [two, one]
    assert sorted(Association.objects.filter(label="primary").values_list("from_id", "to_id")) == sorted([(contact, two), (two, contact)])


def test_a_link_goes_in_both_directions_or_loses_one_label() -> None:
    contact, company = make("contact", lastname="김"), make("company", name="하나")
    associations.link("contact", contact, "company", company, actor=SYSTEM)
    associations.unlink("contact", contact, "company", company, label="primary", actor=SYSTEM)
    assert associations.of(contact, "company") == [company]
    associations.unlink("company", company, "contact", contact, actor=SYSTEM)
    assert not Association.objects.exists()


def test_only_what_exists_can_be_linked() -> None:
    contact, company = make("contact", lastname="김"), make("company", name="하나")
    records.archive("company", company, actor=SYSTEM)
    for to in (company, contact, 999_999):
        with pytest.raises(NotFound):
            associations.link("contact", contact, "company", to, actor=SYSTEM)
