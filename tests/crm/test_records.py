"""Creating, changing, archiving and restoring records: what is written, what is told, what is refused."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from baton.accounts import users
from baton.crm import associations, builtin, contacts, pipelines, properties, records, trail
from baton.crm.models import Contact, Identity, PropertyHistory
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid, NotFound

WHO = Actor("user", 7)


def make(**values: object) -> int:
    return records.create("contact", values, actor=WHO, source="page")


def said(properties: dict[str, object]) -> dict[str, object]:
    """Without what Baton notes of every new contact: that nobody visited."""
    return {name: value for name, value in properties.items() if "_source" not in name}


def told() -> list[tuple[int, str, str]]:
    """The changes since the last call."""
    found = sql.rows("SELECT contact_id, kind, key FROM change ORDER BY id")
    sql.run("DELETE FROM change")
    return [(row[0], row[1], row[2]) for row in found]


def history(id: int) -> list[tuple[str, object, object, str, str]]:
    return [(h.name, h.old, h.new, h.actor, h.source) for h in PropertyHistory.objects.filter(record_id=id).order_by("id")]


@pytest.mark.django_db
class TestCreate:
    def test_it_writes_row_identity_history_and_changes(self) -> None:
        id = make(email="Kim@X.example", lastname="김", phone="")
        row = records.get("contact", id)
        assert isinstance(row, Contact)
        assert said(row.properties) == {"email": "kim@x.example", "lastname": "김"}
        assert row.email == "kim@x.example"
        assert contacts.by_email(" KIM@x.example ") == id
        assert (row.created_by, row.source, history(id)) == ("user:7", "page", [])
        story = trail.of([row], ["email", "phone"])[id]
        assert {name: [(e.value, e.actor, e.at) for e in entries] for name, entries in story.items()} == {
            "email": [("kim@x.example", "user:7", row.created_at)]
        }
        assert told() == [(id, "identity", "")]

    def test_one_live_contact_an_address(self) -> None:
        id = make(email="a@x.example")
        with pytest.raises(Conflict) as error:
            make(email="A@X.EXAMPLE", lastname="second")
        assert error.value.existing_id == id
        assert Contact.objects.count() == 1

    def test_nothing_is_written_of_what_is_invalid(self) -> None:
        with pytest.raises(Invalid):
            make(email="a@x.example", numberofemployees="many")
        assert not Contact.objects.exists()
        assert not Identity.objects.exists()
        assert told() == []

    def test_an_owner_is_a_property_too(self) -> None:
        user = users.create("han@nuriwork.example", "한도윤", "long-enough-4u", "sales", actor=SYSTEM)
        id = records.create("contact", {"email": "a@x.example"}, actor=WHO, source="page", owner_id=user.pk)
        row = records.get("contact", id)
        assert (row.owner_id, row.properties["owner_id"]) == (user.pk, user.pk)
        records.set_many("contact", [id], {"owner_id": None}, actor=WHO, source="rule")
        row = records.get("contact", id)
        assert (row.owner_id, said(row.properties)) == (None, {"email": "a@x.example"})

    def test_a_deal_begins_in_the_first_stage_and_stays_in_its_pipeline(self) -> None:
        id = records.create("deal", {"dealname": "누리워크 도입", "amount": "1,000"}, actor=WHO, source="page")
        deal = records.get("deal", id).properties
        assert (deal["amount"], deal["pipeline"], deal["dealstage"], deal["weighted_amount"]) == (1000, "default", "appointmentscheduled", 200)
        assert deal["stage_since"]
        records.update("deal", id, {"dealstage": "closedwon"}, actor=WHO, source="page")
        with pytest.raises(Invalid) as error:
            records.update("deal", id, {"dealstage": "nowhere"}, actor=WHO, source="page")
        assert error.value.problems[0].path == "properties.dealstage"
        with pytest.raises(Invalid):
            records.create("deal", {"pipeline": "nowhere"}, actor=WHO, source="page")
        assert records.get("deal", id).properties["dealstage"] == "closedwon"

    def test_an_object_type_nobody_knows(self) -> None:
        with pytest.raises(NotFound):
            records.create("spaceship", {}, actor=WHO, source="page")


@pytest.mark.django_db
class TestUpdate:
    def test_only_what_differs_leaves_a_trace(self) -> None:
        id = make(email="a@x.example", city="부산", phone="010-4827-1935")
        before = records.get("contact", id).updated_at
        told()
        records.update("contact", id, {"email": "A@x.example", "city": "부산 "}, actor=WHO, source="api")
        assert records.get("contact", id).updated_at == before
        assert told() == []
        records.update("contact", id, {"city": "서울", "phone": None}, actor=SYSTEM, source="api")
        assert said(records.get("contact", id).properties) == {"email": "a@x.example", "city": "서울"}
        assert history(id) == [("city", "부산", "서울", "system", "api"), ("phone", "+821048271935", None, "system", "api")]
        assert told() == [(id, "property", "city"), (id, "property", "phone")]
        assert records.get("contact", id).updated_at > before

    def test_an_address_moves_with_its_identity(self) -> None:
        one, two = make(email="a@x.example"), make(email="b@x.example")
        with pytest.raises(Conflict) as error:
            records.update("contact", two, {"email": "a@x.example"}, actor=WHO, source="page")
        assert error.value.existing_id == one
        records.update("contact", one, {"email": "c@x.example"}, actor=WHO, source="page")
        records.update("contact", two, {"email": "a@x.example"}, actor=WHO, source="page")
        assert (contacts.by_email("a@x.example"), contacts.by_email("b@x.example"), contacts.by_email("c@x.example")) == (two, None, one)
        records.update("contact", two, {"email": ""}, actor=WHO, source="page")
        assert contacts.by_email("a@x.example") is None
        row = records.get("contact", two)
        assert isinstance(row, Contact)
        assert row.email == ""

    def test_a_company_tells_the_contacts_linked_to_it(self) -> None:
        contact, company = make(email="a@x.example"), records.create("company", {"name": "누리워크"}, actor=WHO, source="page")
        associations.link("contact", contact, "company", company, actor=WHO)
        told()
        records.update("company", company, {"industry": "it"}, actor=WHO, source="page")
        assert (contact, "property", "company.industry") in told()

    @pytest.mark.parametrize("object_type", ["contact", "company"])
    def test_what_is_not_there_is_not_found(self, object_type: str) -> None:
        other = make(lastname="김") if object_type == "company" else records.create("company", {}, actor=WHO, source="page")
        for id in (999_999, other):
            with pytest.raises(NotFound):
                records.get(object_type, id)
            with pytest.raises(NotFound):
                records.update(object_type, id, {"city": "x"}, actor=WHO, source="page")
            with pytest.raises(NotFound):
                records.archive(object_type, id, actor=WHO)
            with pytest.raises(NotFound):
                records.restore(object_type, id, actor=WHO)


@pytest.mark.django_db
class TestSetMany:
    def test_it_changes_only_those_that_differ(self) -> None:
        ids = [make(lastname=str(n), lifecyclestage="lead" if n else "mql", city="부산") for n in range(3)]
        make(lastname="not asked for")
        told()
        assert records.set_many("contact", ids, {"lifecyclestage": "mql", "city": ""}, actor=Actor("workflow", 3), source="workflow") == 3
        now = [records.get("contact", id).properties for id in ids]
        assert [(p["lastname"], p["lifecyclestage"], "city" in p) for p in now] == [(str(n), "mql", False) for n in range(3)]
        assert history(ids[0])[-1] == ("city", "부산", None, "workflow:3", "workflow")
        assert ("lifecyclestage", "lead", "mql", "workflow:3", "workflow") in history(ids[1])
        heard = told()
        assert [id for id, kind, *_ in heard if kind == "booking"] == ids[1:]
        assert sorted(row for row in heard if row[1] != "booking") == sorted(
            [(id, "property", "city") for id in ids] + [(id, "property", name) for id in ids[1:] for name in ("lifecyclestage", "stage_since")]
        )
        assert records.set_many("contact", ids, {"lifecyclestage": "mql", "city": None}, actor=WHO, source="workflow") == 0
        assert told() == []

    def test_it_takes_the_same_number_of_statements_for_any_number_of_contacts(self, held: None, django_assert_max_num_queries: object) -> None:
        ids = [make(lastname=str(n)) for n in range(60)]
        with django_assert_max_num_queries(11):  # type: ignore[operator]
            assert records.set_many("contact", ids, {"lead_source": "search", "numberofemployees": 5}, actor=WHO, source="rule") == 60

    def test_archived_contacts_and_addresses_are_left_alone(self) -> None:
        id = make(lastname="김")
        records.archive("contact", id, actor=WHO)
        assert records.set_many("contact", [id], {"city": "서울"}, actor=WHO, source="rule") == 0
        with pytest.raises(Invalid):
            records.set_many("contact", [id], {"email": "a@x.example"}, actor=WHO, source="rule")
        assert records.set_many("contact", [], {"city": "서울"}, actor=WHO, source="rule") == 0


@pytest.mark.django_db
class TestMany:
    def test_each_row_has_its_own_outcome_and_the_good_ones_are_written(self) -> None:
        first = make(email="taken@x.example")
        rows = [{"email": "a@x.example"}, {"email": "no address"}, {"email": "A@x.example"}, {"email": "taken@x.example"}, {"lastname": "이"}]
        outcomes = records.create_many("contact", rows, actor=WHO, source="import")
        assert [type(outcome) for outcome in outcomes] == [int, Invalid, Conflict, Conflict, int]
        assert [outcomes[2].existing_id, outcomes[3].existing_id] == [outcomes[0], first]  # type: ignore[union-attr]
        assert Contact.objects.count() == 3
        assert contacts.by_email("a@x.example") == outcomes[0]

    def test_many_records_are_written_in_a_fixed_number_of_statements(self, held: None, django_assert_max_num_queries: object) -> None:
        records.create_many("contact", [{"email": "z@x.example"}], actor=WHO, source="import")  # definitions are known now
        with django_assert_max_num_queries(10):  # type: ignore[operator]
            ids = records.create_many("contact", [{"email": f"{n}@x.example", "city": "부산"} for n in range(300)], actor=WHO, source="import")
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            outcomes = records.update_many("contact", {id: {"email": f"new{id}@x.example"} for id in ids if isinstance(id, int)}, actor=WHO, source="api")
        assert set(outcomes.values()) == {None}
        assert contacts.by_email(f"new{ids[7]}@x.example") == ids[7]
        assert contacts.by_email("7@x.example") is None

    def test_two_cannot_swap_into_one_value_and_the_loser_keeps_his(self) -> None:
        one, two = make(email="1@x.example"), make(email="2@x.example")
        outcomes = records.update_many("contact", {one: {"email": "3@x.example"}, two: {"email": "3@x.example", "city": "서울"}}, actor=WHO, source="api")
        assert (outcomes[one], type(outcomes[two])) == (None, Conflict)
        assert said(records.get("contact", two).properties) == {"email": "2@x.example"}
        assert contacts.by_email("2@x.example") == two

    def test_a_unique_property_belongs_to_one_live_record(self, actor: Actor) -> None:
        properties.define("company", "erp", "ERP number", "text", actor=actor, unique_value=True)
        one = records.create("company", {"erp": "K-1"}, actor=WHO, source="api")
        with pytest.raises(Conflict) as error:
            records.create("company", {"erp": " k-1"}, actor=WHO, source="api")
        assert error.value.existing_id == one
        two = records.create("company", {"erp": "K-2"}, actor=WHO, source="api")
        with pytest.raises(Conflict):
            records.update("company", two, {"erp": "K-1"}, actor=WHO, source="api")
        records.archive("company", one, actor=WHO)
        records.update("company", two, {"erp": "K-1"}, actor=WHO, source="api")
        with pytest.raises(Conflict) as error:
            records.restore("company", one, actor=WHO)
        assert error.value.existing_id == two
        assert records.archive_many("company", [one, two, 999_999], actor=WHO) == 1
        assert records.restore_many("company", [one, two], actor=WHO) == 1

    def test_a_merged_id_is_written_through_to_whom_it_became(self) -> None:
        kept = make(lastname="김")
        contacts.redirect(424_242, kept)
        assert records.update_many("contact", {424_242: {"city": "서울"}}, actor=WHO, source="api") == {424_242: None}
        assert records.get("contact", kept).properties["city"] == "서울"


@pytest.mark.django_db
class TestStages:
    def test_a_stage_tells_what_follows_from_it(self) -> None:
        id = records.create("deal", {"dealname": "x", "amount": 1000}, actor=WHO, source="page")
        records.update("deal", id, {"dealstage": "closedwon"}, actor=WHO, source="page")
        deal = records.get("deal", id).properties
        assert (deal["probability"], deal["weighted_amount"]) == (1.0, 1000)
        assert deal["closedate"]
        ticket = records.create("ticket", {"subject": "x", "ticket_stage": "4"}, actor=WHO, source="page")
        assert records.get("ticket", ticket).properties["closed_at"]
        records.update("ticket", ticket, {"ticket_stage": "1"}, actor=WHO, source="page")
        assert "closed_at" not in records.get("ticket", ticket).properties

    def test_a_stage_may_ask_for_values(self) -> None:
        pipelines.change_stage("deal", "default", "contractsent", actor=WHO, required=["amount"])
        id = records.create("deal", {"dealname": "x"}, actor=WHO, source="page")
        with pytest.raises(Invalid) as error:
            records.update("deal", id, {"dealstage": "contractsent"}, actor=WHO, source="page")
        assert [(p.path, p.code) for p in error.value.problems] == [("properties.amount", "REQUIRED")]
        records.update("deal", id, {"dealstage": "contractsent", "amount": 5}, actor=WHO, source="page")

    def test_a_new_probability_reaches_the_deals_that_stand_there(self) -> None:
        id = records.create("deal", {"dealname": "x", "amount": 1000}, actor=WHO, source="page")
        pipelines.change_stage("deal", "default", "appointmentscheduled", actor=WHO, probability=0.5)
        assert records.get("deal", id).properties["weighted_amount"] == 500

    def test_a_stage_that_records_stand_in_is_not_removed(self) -> None:
        records.create("deal", {"dealname": "x"}, actor=WHO, source="page")
        with pytest.raises(Conflict):
            pipelines.archive_stage("deal", "default", "appointmentscheduled", actor=WHO)
        pipelines.archive_stage("deal", "default", "contractsent", actor=WHO)
        assert "contractsent" not in {stage.key for stage in pipelines.stages("deal")["default"]}


@pytest.mark.django_db
class TestArchive:
    def test_an_archived_contact_is_gone_and_its_address_free(self) -> None:
        id = make(email="a@x.example")
        told()
        records.archive("contact", id, actor=WHO)
        records.archive("contact", id, actor=WHO)
        with pytest.raises(NotFound):
            records.get("contact", id)
        with pytest.raises(NotFound):
            records.update("contact", id, {"city": "x"}, actor=WHO, source="page")
        assert records.get("contact", id, archived=True).id == id
        assert (id, "identity", "") in told()
        other = make(email="a@x.example")
        with pytest.raises(Conflict) as error:
            records.restore("contact", id, actor=WHO)
        assert error.value.existing_id == other
        records.archive("contact", other, actor=WHO)
        records.restore("contact", id, actor=WHO)
        assert contacts.by_email("a@x.example") == id
        assert records.get("contact", id).archived_at is None

    def test_pages_walk_by_id(self) -> None:
        ids = [records.create("company", {"name": str(n)}, actor=WHO, source="page") for n in range(5)]
        records.archive("company", ids[1], actor=WHO)
        assert [row.id for row in records.page("company", after=0, limit=2)] == [ids[0], ids[2]]
        assert [row.id for row in records.page("company", after=ids[2], limit=9)] == ids[3:]
        assert [row.id for row in records.page("company", after=0, limit=9, archived=True)] == [ids[1]]
        assert set(records.many("company", ids)) == {ids[0], *ids[2:]}


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """For transactions that must see each other; takes back what they wrote."""
    with django_db_blocker.unblock():
        builtin.ensure()  # another test with real transactions may have emptied the tables
        yield
        for table in ("contact", "identity", "change", "property_history", "unique_value", "record"):
            sql.run(f"DELETE FROM {table}")
        connection.close()


@pytest.mark.usefixtures("committed")
class TestAtTheSameTime:
    def together(self, count: int, act: object) -> list[object]:
        results: list[object] = []
        start = threading.Barrier(count)

        def run(number: int) -> None:
            start.wait()
            try:
                results.append(act(number))  # type: ignore[operator]
            except Conflict as error:
                results.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return results

    def test_one_of_many_gets_the_address(self) -> None:
        results = self.together(6, lambda number: make(email="same@x.example", lastname=str(number)))
        ids = [result for result in results if isinstance(result, int)]
        assert len(ids) == 1
        assert {result.existing_id for result in results if isinstance(result, Conflict)} == {ids[0]}
        assert Contact.objects.count() == 1

    def test_changes_of_one_contact_follow_each_other(self) -> None:
        id = make(email="a@x.example", city="0")
        names = ["city", "jobtitle", "company", "country"]
        self.together(4, lambda number: records.update("contact", id, {names[number]: "x", "need": str(number)}, actor=WHO, source="api"))
        row = records.get("contact", id)
        assert {row.properties[name] for name in names} == {"x"}
        story = [(h.old, h.new) for h in PropertyHistory.objects.filter(record_id=id, name="need").order_by("id")]
        assert [old for old, _new in story] == [None, *(new for _old, new in story[:-1])]
