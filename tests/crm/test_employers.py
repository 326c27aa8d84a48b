"""Contacts with a business address are linked to their company."""

import pytest

from baton.accounts import users
from baton.crm import associations, employers, records
from baton.platform import changes
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid

pytestmark = pytest.mark.django_db


def companies(contact: int) -> list[dict[str, object]]:
    found = records.many("company", associations.of(contact, "company"))
    return [{name: row.properties.get(name) for name in ("name", "domain")} for row in found.values()]


def test_new_contacts_find_their_company_or_get_one() -> None:
    there = records.create("company", {"name": "Hanbit", "domain": "www.Hanbit.example"}, actor=SYSTEM, source="page")
    employers.choose("create", ["agency.example"], actor=SYSTEM)
    rows = [
        {"email": "a@hanbit.example"},
        {"email": "b@mail.hanbit.example"},
        {"email": "c@sori.example", "company": "Sori"},
        {"email": "d@sori.example", "company": "Sori"},
        {"email": "e@naver.com"},
        {"email": "f@mailinator.com"},
        {"email": "g@agency.example"},
        {"lastname": "Nobody"},
    ]
    ids = [id for id in records.create_many("contact", rows, actor=SYSTEM, source="import") if isinstance(id, int)]
    linked = records.create("contact", {"email": "h@sori.example"}, actor=SYSTEM, source="page")
    associations.link("contact", linked, "company", there, actor=SYSTEM)
    while changes.tick():
        pass
    hanbit, sori = [{"name": "Hanbit", "domain": "www.Hanbit.example"}], [{"name": "Sori", "domain": "sori.example"}]
    assert [companies(id) for id in ids] == [hanbit, hanbit, sori, sori, [], [], [], []]
    assert companies(linked) == hanbit, "who has a company keeps it"
    records.update("contact", ids[4], {"email": "e@sori.example"}, actor=SYSTEM, source="page")
    while changes.tick():
        pass
    assert companies(ids[4]) == sori


def test_it_is_a_choice(django_assert_max_num_queries: object) -> None:
    made = records.create("contact", {"email": "a@hanbit.example"}, actor=SYSTEM, source="page")
    changes.tick()
    assert (companies(made), employers.chosen()["mode"]) == ([], "off")
    employers.choose("link", [], actor=SYSTEM)
    assert employers.find([made]) == 0
    for mode, domains in (("maybe", []), ("link", ["no domain"])):
        with pytest.raises(Invalid):
            employers.choose(mode, domains, actor=SYSTEM)
    assert users.account().employers == {"mode": "link", "not": []}
    employers.choose("create", [], actor=SYSTEM)
    many = [id for id in records.create_many("contact", [{"email": f"{n}@firm{n % 9}.example"} for n in range(40)], actor=SYSTEM, source="import")]
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        assert employers.find([id for id in many if isinstance(id, int)]) == 40
