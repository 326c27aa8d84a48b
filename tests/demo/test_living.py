"""The sample company is at work: what its people wrote down, offered, signed, planned and kept is there, and fits together."""

import random
from pathlib import Path

import pytest
from django.test import Client

from baton.accounts.models import User
from baton.content.models import Asset
from baton.crm import formulas, types
from baton.crm import properties as definitions
from baton.crm.imports import names
from baton.crm.models import Contact, File, Record, View
from baton.demo import doubles, kept, load, people
from baton.events import logged
from baton.messaging.models import Notification
from baton.platform import sql
from tests.demo.test_world import NOW


def test_registration_numbers_pass_the_check_of_imports_and_are_nobodys() -> None:
    numbers = [people.registration(number) for number in (1, *range(10_000_000, 99_999_999, 179_321))]
    assert [names.business_number(number) for number in numbers] == numbers
    assert all(number.startswith("0") for number in numbers)


def test_most_companies_are_registered_each_under_its_own_number() -> None:
    firms = people.companies(random.Random(1), 900, NOW)
    people.register(random.Random(2), firms)
    known = [firm.number for firm in firms if firm.number]
    assert len(known) == len({*known})
    assert 600 < len(known) < 900


def test_a_slip_is_another_address_at_the_same_company() -> None:
    rng = random.Random(3)
    for _ in range(50):
        wrong = doubles.slip(rng, "minjun.kim@gaonlogis.example")
        assert wrong.endswith("@gaonlogis.example")
        assert 9 <= len(wrong.partition("@")[0]) <= 11


def _count(object_type: str) -> int:
    return Record.objects.filter(object_type=object_type).count()


@pytest.mark.usefixtures("loaded")
def test_there_is_some_of_everything() -> None:
    assert [key for key in ("note", "call", "meeting", "task", "product", "line_item", "quote", "contract", "deal", "company") if not _count(key)] == []
    assert _count("product") == 6
    assert File.objects.exclude(record_id__in=Asset.objects.values("id")).count() == 2
    assert {(view.object_type, view.shared) for view in View.objects.all()} == {(key, "all") for key in kept.VIEWS}


@pytest.mark.usefixtures("loaded")
def test_activities_and_their_events_are_what_the_tick_would_make() -> None:
    load.load(700)
    people_and_types = {(id, type) for id in Contact.objects.values_list("id", flat=True) for type in logged.KINDS}
    assert logged.follow(people_and_types) == []
    assert logged.come_due() == 0
    ahead = Record.objects.filter(object_type="meeting", properties__outcome="SCHEDULED")
    assert ahead.exists()
    assert not sql.rows("SELECT 1 FROM event WHERE id = ANY(%s) AND payload ? 'record'", [[row.id for row in ahead]])


@pytest.mark.usefixtures("loaded")
def test_what_is_written_down_is_found_where_people_look_for_it() -> None:
    hero = Contact.objects.get(email="jiwoo.seo@gaonlogis.example")
    oh = User.objects.get(email="oh@nuriwork.example")
    notice = Notification.objects.get(user_id=oh.pk)
    assert (notice.contact_id, notice.read_at) == (hero.id, None)
    assert "도입 사례" in notice.body
    for record in Record.objects.exclude(object_type="company"):
        definitions.clean(record.object_type, {name: value for name, value in record.properties.items() if not _own(record.object_type, name)})


def _own(object_type: str, name: str) -> bool:
    return definitions.definitions(object_type)[name].read_only


@pytest.mark.usefixtures("loaded")
def test_lines_quotes_and_deals_have_the_same_sum() -> None:
    formula = definitions.definitions("line_item")["amount"].formula
    for line in Record.objects.filter(object_type="line_item"):
        assert line.properties["amount"] == formulas.result(formula, line.properties)
    different = sql.rows(
        "SELECT d.id FROM record d JOIN association a ON a.from_id = d.id AND a.to_type = 'line_item' JOIN record l ON l.id = a.to_id"
        " WHERE d.object_type IN ('deal', 'quote') GROUP BY d.id HAVING sum((l.properties ->> 'amount')::numeric) <> (d.properties ->> 'amount')::numeric"
    )
    assert different == []
    gaon = Record.objects.get(object_type="deal", properties__dealname__startswith="가온로지스")
    assert gaon.properties["amount"] == 38_400_000


@pytest.mark.usefixtures("loaded")
def test_contracts_come_of_deals_that_were_won_or_wait_for_a_signature() -> None:
    assert types.get("contract").stage_property == "stage"
    unfit = sql.rows(
        "SELECT c.id FROM record c LEFT JOIN association a ON a.from_id = c.id AND a.to_type = 'deal' LEFT JOIN record d ON d.id = a.to_id"
        " WHERE c.object_type = 'contract' AND coalesce(d.properties ->> 'dealstage', '') NOT IN ('closedwon', 'contractsent')"
    )
    assert unfit == []


@pytest.mark.usefixtures("loaded")
def test_who_signs_in_has_something_to_do_and_duplicates_wait(client: Client, tmp_path: Path) -> None:
    for email in ("oh@nuriwork.example", "han@nuriwork.example", "admin@nuriwork.example"):
        me = User.objects.get(email=email)
        mine = Record.objects.filter(object_type="task", owner_id=me.pk)
        assert mine.filter(properties__status="NOT_STARTED").exists(), email
        assert mine.filter(properties__status="COMPLETED").exists(), email
        client.force_login(me)
        page = client.get("/tasks/").content.decode()
        assert mine.filter(properties__status="NOT_STARTED").order_by("properties__at")[0].properties["subject"] in page
    pairs = sql.rows("SELECT object_type, count(*) FROM likeness WHERE dismissed_at IS NULL GROUP BY object_type")
    assert dict(pairs).keys() == {"contact", "company"}
    forms = Record.objects.filter(object_type="company", properties__name__regex=r"㈜|\(주\)|주식회사")
    assert forms.count() == 2


@pytest.mark.usefixtures("loaded")
def test_every_view_shows_something_and_opens(client: Client) -> None:
    client.force_login(User.objects.get(email="han@nuriwork.example"))
    for view in View.objects.all():
        kind = types.get(view.object_type)
        path = f"/{kind.plural}/" if kind.builtin else f"/objects/{kind.plural}/"
        answer = client.get(f"{path}?view={view.pk}")
        assert answer.status_code == 200, view.name
        assert view.name in answer.content.decode()
