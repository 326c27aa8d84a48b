"""A crowd by COPY: as many as asked for, each as the record layer would have written them, the same for the same size."""

import random
from itertools import islice

import pytest

from baton.crm import associations, records, search, trail
from baton.crm.models import Contact, Record
from baton.demo import load, world
from baton.demo.crowd import Crowd, Sizes
from baton.platform import clock, sql
from baton.segments import finder
from baton.segments.finder import Find
from tests.crm.test_ledger import balance, real


def crowd(contacts: int) -> Crowd:
    return Crowd(1, clock.now().replace(microsecond=0), Sizes(contacts), [1, 2], {"contractsent": 0.9, "closedwon": 1.0})


def test_a_crowd_is_the_same_every_time_and_addresses_are_unique_and_nobodys() -> None:
    one, again = crowd(3000), crowd(3000)
    again.now = one.now
    people = list(one.contacts())
    assert people == list(again.contacts())
    assert list(islice(one.companies(), 50)) == list(islice(again.companies(), 50))
    addresses = [str(person.properties["email"]) for person in people]
    assert len({*addresses}) == 3000
    assert all(address.endswith(".example") for address in addresses)
    assert len({str(company.properties["domain"]) for company in crowd(200_000).companies()}) == 40_000


@pytest.mark.django_db
def test_a_loaded_crowd_is_found_linked_and_searched_like_everything_else() -> None:
    world.load(100)
    said: list[str] = []
    assert load.load(1100, say=said.append) == 1000
    assert load.load(1100) == 0
    assert Contact.objects.count() == 1100
    assert balance(clock.now()) == real()
    assert Record.objects.filter(object_type="deal").count() >= 100
    assert any(text.startswith("contact 1,000/1,000 · ") for text in said)
    assert sql.rows("SELECT count(*) FROM contact WHERE search IS NULL") == [(0,)]
    assert sql.rows("SELECT count(*) FROM record WHERE search IS NULL") == [(0,)]
    assert sql.rows("SELECT count(*) FROM change") == [(0,)]
    last = random.Random(1).choice(list(Contact.objects.order_by("-id").values_list("id", flat=True)[:500]))
    row = records.get("contact", last)
    assert finder.ids(Find("contact", text=str(row.properties["email"])), limit=5) == [last]
    assert set(search.terms("contact", row.properties)) >= {row.properties["email"]}
    if company := row.properties.get("company"):
        (employer,) = associations.of(last, "company")
        assert records.get("company", employer).properties["name"] == company
        assert associations.linked([last], "company")[last] == [(employer, ["primary"])]
    assert [entry.value for entry in trail.of([row], ["email"])[last]["email"]] == [row.properties["email"]]
    assert sql.rows("SELECT count(*) FROM pg_indexes WHERE indexname IN ('contact_search', 'contact_email', 'contact_properties')") == [(3,)]
