"""Two records become one and two again: what is whose, before, meanwhile and after."""

import itertools
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts import users
from baton.automation.models import Enrollment, StepRun, Timer
from baton.crm import associations, consent, contacts, files, identity, merge, properties, records, trail
from baton.crm.models import Contact, Merge
from baton.events import identity as visitors
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import submissions
from baton.forms import verbs as forms
from baton.messaging.consent import suppression
from baton.messaging.models import Message, Outbox, Suppression
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Forbidden, Invalid, NotFound
from baton.segments.models import Membership, Score, Segment
from tests import examples

pytestmark = pytest.mark.django_db
A, B = "a" * 32, "b" * 32
NUMBERS = itertools.count()


def person(email: str = "", **more: Any) -> int:
    return records.create("contact", {"email": email, **more} if email else more, actor=SYSTEM, source="api")


def two() -> tuple[int, int]:
    return person("minjun@hankyul.example", lastname="김", firstname="민준", phone="02-555-1000"), person(
        "mj.kim@hankyul.example", firstname="민준", company="한결소프트"
    )


def browse(contact_id: int, *pages: str, via: int | None = None) -> None:
    at = clock.now() - timedelta(hours=1)
    payload = {"via": via} if via else {}
    record.add(NewEvent(contact_id, Kind.PAGE_VIEW, at + timedelta(seconds=i), page, payload=payload) for i, page in enumerate(pages))


def views(contact_id: int) -> list[str]:
    return [
        row[0]
        for row in sql.rows("SELECT k.value FROM event e JOIN event_key k ON k.id = e.key WHERE e.contact_id = %s AND e.kind = 1 ORDER BY e.ts", [contact_id])
    ]


def values(id: int, object_type: str = "contact") -> dict[str, Any]:
    return dict(records.get(object_type, id).properties)


class TestWhatWins:
    def test_the_survivors_values_win_and_gaps_are_filled(self) -> None:
        keep, gone = two()
        records.update("contact", gone, {"phone": "02-555-2000"}, actor=SYSTEM, source="api")
        shown = {f.name: (f.wins, f.why) for f in merge.preview("contact", keep, gone).fields}
        assert shown["phone"] == ("keep", "kept")
        assert shown["company"] == ("gone", "only")
        assert shown["firstname"] == ("keep", "same")
        merge.merge("contact", keep, gone, actor=SYSTEM)
        assert values(keep)["phone"] == "+8225551000"
        assert values(keep)["company"] == "한결소프트"
        assert values(keep)["email"] == "minjun@hankyul.example"

    def test_a_choice_overrules(self) -> None:
        keep, gone = two()
        merge.merge("contact", keep, gone, {"email": "gone"}, actor=SYSTEM)
        assert values(keep)["email"] == "mj.kim@hankyul.example"
        assert [a.email for a in contacts.emails(keep)] == ["mj.kim@hankyul.example", "minjun@hankyul.example"]
        with pytest.raises(Invalid):
            merge.merge("contact", keep, person("x@y.example"), {"no_such": "gone"}, actor=SYSTEM)

    def test_the_further_stage_wins(self) -> None:
        keep, gone = person("a@b.example", lifecyclestage="lead"), person("c@b.example", lifecyclestage="customer")
        merge.merge("contact", keep, gone, actor=SYSTEM)
        assert values(keep)["lifecyclestage"] == "customer"

    def test_both_addresses_lead_to_the_one_left(self) -> None:
        keep, gone = two()
        merge.merge("contact", keep, gone, actor=SYSTEM)
        assert contacts.by_email("MJ.Kim@hankyul.example") == contacts.by_email("minjun@hankyul.example") == keep
        assert values(keep)["additional_emails"] == "mj.kim@hankyul.example"

    def test_the_strictest_consent_wins(self) -> None:
        keep, gone = two()
        consent.set([keep], "email", True, actor=SYSTEM, source="form", wording="뉴스를 받겠습니다")
        consent.set([gone], "email", False, actor=SYSTEM, source="page")
        consent.set([gone], "sms", True, actor=SYSTEM, source="page")
        suppression.suppress(gone, "kakaotalk", "complained")
        assert merge.preview("contact", keep, gone).refused == ["email"]
        merge.merge("contact", keep, gone, actor=SYSTEM)
        assert consent.granted(keep, "email") is False
        assert consent.granted(keep, "sms") is True
        assert Suppression.objects.filter(contact_id=keep, channel="kakaotalk").exists()

    def test_an_automatic_write_never_merges(self) -> None:
        for kind in ("form", "workflow", "visitor", "import"):
            with pytest.raises(Conflict):
                merge.merge("contact", *two_more(kind), actor=Actor(kind, 1))  # type: ignore[arg-type]  # the literals above

    def test_only_who_may_merges(self, account: object) -> None:
        viewer = users.create("viewer@nuriwork.example", "보기", "a-long-enough-one", "viewer", actor=SYSTEM)
        keep, gone = two()
        with pytest.raises(Forbidden):
            merge.merge("contact", keep, gone, actor=Actor("user", viewer.pk))
        assert records.many("contact", [keep, gone]).keys() == {keep, gone}


def two_more(word: str) -> tuple[int, int]:
    return person(f"{word}.a@hankyul.example"), person(f"{word}.b@hankyul.example")


class TestWhatFollows:
    def test_the_old_id_leads_to_the_survivor_for_ever(self) -> None:
        first, second, third = person("a@x.example"), person("b@x.example"), person("c@x.example")
        merge.merge("contact", second, first, actor=SYSTEM)
        merge.merge("contact", third, second, actor=SYSTEM)
        assert records.get("contact", first).id == records.get("contact", second).id == third
        records.update("contact", first, {"jobtitle": "팀장"}, actor=SYSTEM, source="api")
        assert values(third)["jobtitle"] == "팀장"
        with pytest.raises(Conflict):
            merge.merge("contact", first, third, actor=SYSTEM)

    def test_a_company_too(self) -> None:
        one = records.create("company", {"name": "㈜한결"}, actor=SYSTEM, source="api")
        two = records.create("company", {"name": "한결", "domain": "hankyul.example"}, actor=SYSTEM, source="api")
        merge.merge("company", one, two, actor=SYSTEM)
        assert records.get("company", two).id == one
        assert values(one, "company") == {"name": "㈜한결", "domain": "hankyul.example"}

    def test_what_belongs_to_him_follows(self) -> None:
        keep, gone = two()
        now = clock.now()
        company = records.create("company", {"name": "한결"}, actor=SYSTEM, source="api")
        other = records.create("company", {"name": "두번째"}, actor=SYSTEM, source="api")
        associations.link("contact", keep, "company", company, actor=SYSTEM)
        associations.link("contact", gone, "company", other, actor=SYSTEM)
        browse(gone, "a.example/pricing")
        browse(keep, "a.example/")
        files.add(gone, "명함.txt", b"card", actor=SYSTEM)
        fixed, active = Segment.objects.create(name="박람회", kind="fixed"), Segment.objects.create(name="모두")
        Membership.objects.create(contact_id=gone, segment_id=fixed.pk, joined_at=now, reason="user:1")
        Membership.objects.create(contact_id=gone, segment_id=active.pk, joined_at=now)
        Score.objects.create(contact_id=gone, model_id=1, total=5, changed_at=now)
        Enrollment.objects.create(contact_id=gone, id=1, workflow_id=1, version_id=1, cause="form:1", step="wait", entered_at=now, enrolled_at=now)
        StepRun.objects.create(contact_id=gone, enrollment_id=1, step="wait", workflow_id=1, outcome="waiting", at=now)
        Timer.objects.create(bucket=gone % 64, enrollment_id=1, contact_id=gone, workflow_id=1, due_at=now + timedelta(days=1))
        Message.objects.create(contact_id=gone, id=1, cause="test:1", address="mj.kim@hankyul.example", created_at=now)
        Message.objects.create(contact_id=keep, id=2, cause="test:1", address="minjun@hankyul.example", created_at=now)
        Outbox.objects.create(bucket=gone % 64, message_id=1, contact_id=gone, due_at=now)
        merge.merge("contact", keep, gone, actor=SYSTEM)
        assert views(keep) == ["a.example/pricing", "a.example/"] or set(views(keep)) == {"a.example/pricing", "a.example/"}
        assert associations.of(keep, "company") == [company, other]  # his own stays the primary one
        assert [f.name for f in files.of([keep])] == ["명함.txt"]
        assert list(Membership.objects.filter(contact_id=keep).values_list("segment_id", flat=True)) == [fixed.pk]
        assert not Score.objects.filter(contact_id__in=[keep, gone]).exists()
        assert StepRun.objects.get(enrollment_id=1).contact_id == Enrollment.objects.get(id=1).contact_id == keep
        timer = Timer.objects.get(enrollment_id=1)
        assert (timer.contact_id, timer.bucket) == (keep, keep % 64)
        assert {m.id for m in Message.objects.filter(contact_id=keep)} == {1, 2}
        assert Outbox.objects.get(message_id=1).bucket == keep % 64
        assert not sql.rows("SELECT 1 FROM event WHERE contact_id = %s", [gone])

    def test_one_walk_through_a_workflow_is_left(self) -> None:
        keep, gone = two()
        now = clock.now()
        for contact_id, id in ((keep, 1), (gone, 2)):
            Enrollment.objects.create(contact_id=contact_id, id=id, workflow_id=1, version_id=1, cause="x", step="wait", entered_at=now, enrolled_at=now)
            Timer.objects.create(bucket=contact_id % 64, enrollment_id=id, contact_id=contact_id, workflow_id=1, due_at=now)
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        assert dict(Enrollment.objects.values_list("id", "state")) == {1: "active", 2: "removed"}
        assert [t.enrollment_id for t in Timer.objects.all()] == [1]
        merge.undo(made, actor=SYSTEM)
        assert set(Enrollment.objects.values_list("contact_id", "id", "state", "cause")) == {(keep, 1, "active", "x"), (gone, 2, "active", "x")}
        assert {(t.contact_id, t.enrollment_id) for t in Timer.objects.all()} == {(keep, 1), (gone, 2)}

    def test_the_tick_works_it_out_anew(self) -> None:
        keep, gone = two()
        changes.tick()
        merge.merge("contact", keep, gone, actor=SYSTEM)
        assert (keep, "identity") in {(c[0], c[1]) for c in sql.rows("SELECT contact_id, kind FROM change")}
        changes.tick()

    def test_a_message_on_its_way_is_not_moved(self) -> None:
        keep, gone = two()
        Message.objects.create(contact_id=gone, id=1, cause="test:1", state="handing", created_at=clock.now())
        with pytest.raises(Conflict):
            merge.merge("contact", keep, gone, actor=SYSTEM)


def everything(*ids: int) -> dict[str, list[Any]]:
    """All rows about these ids in all tables, except the trail that says what was done."""
    left_out = {"merge", "history", "property_history", "booking", "change", "like_due", "like_key", "likeness"}
    tables = sql.rows(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname IN ('contact_id', 'record_id', 'from_id', 'to_id')"
    )
    tables += [("contact", "id"), ("record", "id")]
    found: dict[str, list[Any]] = {}
    for table, column in tables:
        if table not in left_out:
            rows = sql.rows(f'SELECT to_jsonb(t)::text FROM "{table}" t WHERE {column} = ANY(%s)', [list(ids)])
            found[f"{table}.{column}"] = sorted(row[0] for row in rows)
    return found


class TestUndo:
    def test_both_are_as_they_were(self) -> None:
        keep, gone = two()
        consent.set([gone], "email", False, actor=SYSTEM, source="page")
        consent.set([keep], "email", True, actor=SYSTEM, source="page")
        browse(gone, "a.example/1", "a.example/2")
        visitors.first_seen(gone, clock.now() - timedelta(days=9), page="https://a.example/1")
        visitors.first_seen(keep, clock.now() - timedelta(days=2), page="https://a.example/")
        associations.link("contact", keep, "contact", gone, actor=SYSTEM)
        associations.link("contact", gone, "company", records.create("company", {"name": "한결"}, actor=SYSTEM, source="api"), actor=SYSTEM)
        contacts.claim("cookie", A, gone)
        before = everything(keep, gone)
        made = merge.merge("contact", keep, gone, {"firstname": "gone", "email": "gone"}, actor=SYSTEM)
        undone = merge.undo(made, actor=SYSTEM)
        assert (undone.keep_id, undone.gone_id, undone.missing) == (keep, gone, [])
        assert everything(keep, gone) == before
        assert merge.get(made).undone_at
        with pytest.raises(Conflict):
            merge.undo(made, actor=SYSTEM)

    def test_what_came_meanwhile_goes_to_whom_it_belongs(self) -> None:
        keep, gone = two()
        form = forms.create("문의", {"fields": [{"name": "email", "label": "이메일", "type": "email", "required": True}]}, actor=SYSTEM, publish=True)
        contacts.claim("cookie", A, gone)
        contacts.claim("cookie", B, keep)
        Message.objects.create(contact_id=gone, id=1, cause="test:1", address="mj.kim@hankyul.example", state="sent", created_at=clock.now())
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        assert visitors.visitor(A) == keep
        assert visitors.origin(A) == gone
        assert visitors.origin(B) is None
        browse(keep, "a.example/his", via=visitors.origin(A))
        browse(keep, "a.example/mine")
        record.add([NewEvent(keep, Kind.EMAIL_CLICK, clock.now(), "1", payload={"message": 1})])
        submissions.submit(form, {"email": "mj.kim@hankyul.example"})
        submissions.submit(form, {"email": "minjun@hankyul.example"})
        records.update("contact", keep, {"jobtitle": "팀장"}, actor=SYSTEM, source="page")
        changes.tick()
        merge.undo(made, actor=SYSTEM)
        changes.tick()
        assert views(gone) == ["a.example/his"]
        assert views(keep) == ["a.example/mine"]
        kinds = dict(sql.rows("SELECT contact_id, array_agg(kind ORDER BY kind) FROM event WHERE kind IN (5, 12) GROUP BY contact_id"))
        assert kinds == {gone: [5, 12], keep: [5]}
        assert {c for (c,) in sql.rows("SELECT contact_id FROM form_submission")} == {keep, gone}
        assert values(keep)["jobtitle"] == "팀장"
        assert "jobtitle" not in values(gone)
        assert visitors.visitor(A) == gone
        assert contacts.by_email("mj.kim@hankyul.example") == gone

    def test_what_was_changed_meanwhile_stays(self) -> None:
        keep, gone = two()
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        records.update("contact", keep, {"company": "한결그룹"}, actor=SYSTEM, source="page")
        merge.undo(made, actor=SYSTEM)
        assert values(keep)["company"] == "한결그룹"
        assert values(gone)["company"] == "한결소프트"

    def test_a_refusal_meanwhile_counts_for_both(self) -> None:
        keep, gone = two()
        consent.set([gone], "email", True, actor=SYSTEM, source="page")
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        consent.set([keep], "email", False, actor=SYSTEM, source="unsubscribe")
        suppression.suppress(keep, "email", "unsubscribed")
        merge.undo(made, actor=SYSTEM)
        assert consent.granted(keep, "email") is consent.granted(gone, "email") is False
        assert Suppression.objects.filter(channel="email").count() == 2

    def test_in_any_order(self) -> None:
        keep, one, two_ = person("k@x.example"), person("a@x.example", company="가"), person("b@x.example", company="나", jobtitle="팀장")
        first, second = merge.merge("contact", keep, one, actor=SYSTEM), merge.merge("contact", keep, two_, actor=SYSTEM)
        merge.undo(first, actor=SYSTEM)
        assert (values(keep)["company"], values(keep)["jobtitle"]) == ("나", "팀장")  # as if the first had never been
        merge.undo(second, actor=SYSTEM)
        assert not {"company", "jobtitle"} & values(keep).keys()
        assert values(one)["company"] == "가"
        assert values(two_)["company"] == "나"

    def test_the_later_merge_of_a_chain_first(self) -> None:
        a, b, c = person("a@x.example"), person("b@x.example"), person("c@x.example")
        browse(a, "a.example/a")
        browse(b, "a.example/b")
        before = everything(a, b, c)
        first, second = merge.merge("contact", b, a, actor=SYSTEM), merge.merge("contact", c, b, actor=SYSTEM)
        assert sorted(views(c)) == ["a.example/a", "a.example/b"]
        with pytest.raises(Conflict):
            merge.undo(first, actor=SYSTEM)
        merge.undo(second, actor=SYSTEM)
        assert records.get("contact", a).id == b
        merge.undo(first, actor=SYSTEM)
        assert everything(a, b, c) == before

    def test_an_address_that_a_third_has_by_now_is_not_taken_from_him(self) -> None:
        keep, gone = two()
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        contacts.remove_email(keep, "mj.kim@hankyul.example", actor=SYSTEM)
        third = person("mj.kim@hankyul.example")
        assert merge.undo(made, actor=SYSTEM).missing == ["mj.kim@hankyul.example"]
        assert contacts.by_email("mj.kim@hankyul.example") == third
        assert "email" not in values(gone)

    def test_unique_values_come_back(self) -> None:
        properties.define("company", "customer_number", "고객 번호", "text", actor=SYSTEM, unique_value=True)
        one = records.create("company", {"name": "한결"}, actor=SYSTEM, source="api")
        two = records.create("company", {"name": "한결", "customer_number": "K-7"}, actor=SYSTEM, source="api")
        before = everything(one, two)
        made = merge.merge("company", one, two, actor=SYSTEM)
        assert values(one, "company")["customer_number"] == "K-7"
        merge.undo(made, actor=SYSTEM)
        assert everything(one, two) == before

    @settings(max_examples=examples.some(6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_merge_then_undo_is_nothing(self, db: None, data: st.DataObject) -> None:
        names = ["firstname", "lastname", "company", "jobtitle", "city", "lifecyclestage", "phone"]
        words = {"lifecyclestage": ["lead", "mql", "customer", "recycle_a"], "phone": ["02-555-1000", "010-2345-6789"]}
        side = st.fixed_dictionaries({}, optional={n: st.sampled_from(words.get(n, ["가", "나", "Kim"])) for n in names})
        mark = next(NUMBERS)
        keep, gone = person(f"a{mark}@x.example", **data.draw(side)), person(f"b{mark}@x.example" if data.draw(st.booleans()) else "", **data.draw(side))
        for id in (keep, gone):
            for answer in data.draw(st.lists(st.tuples(st.sampled_from(["email", "sms"]), st.booleans()), max_size=2)):
                consent.set([id], *answer, actor=SYSTEM, source="page")
            browse(id, *data.draw(st.lists(st.sampled_from(["x.example/1", "x.example/2"]), max_size=3)))
        both = {f.name for f in merge.preview("contact", keep, gone).fields}
        choices = data.draw(st.dictionaries(st.sampled_from(sorted(both)), st.sampled_from(["keep", "gone"]))) if both else {}
        before = everything(keep, gone)
        merge.undo(merge.merge("contact", keep, gone, choices, actor=SYSTEM), actor=SYSTEM)
        assert everything(keep, gone) == before
        assert sql.rows("SELECT count(*) FROM contact WHERE id = ANY(%s)", [[keep, gone]])[0][0] == 2


class TestManyAddresses:
    def test_add_remove_and_make_primary(self) -> None:
        one = person("a@x.example", firstname="민준")
        contacts.add_email(one, "B@x.example", actor=SYSTEM)
        assert [(a.email, a.primary) for a in contacts.emails(one)] == [("a@x.example", True), ("b@x.example", False)]
        assert contacts.by_email("b@x.example") == one
        contacts.make_primary(one, "b@x.example", actor=SYSTEM)
        assert values(one)["email"] == "b@x.example"
        assert values(one)["additional_emails"] == "a@x.example"
        contacts.remove_email(one, "b@x.example", actor=SYSTEM)
        assert values(one)["email"] == "a@x.example"
        assert "additional_emails" not in values(one)
        assert contacts.by_email("b@x.example") is None

    def test_another_persons_address_is_refused(self) -> None:
        one, two = person("a@x.example"), person("b@x.example")
        with pytest.raises(Conflict) as error:
            contacts.add_email(one, "b@x.example", actor=SYSTEM)
        assert error.value.existing_id == two

    def test_all_are_free_while_he_is_archived(self) -> None:
        one = person("a@x.example")
        contacts.add_email(one, "b@x.example", actor=SYSTEM)
        records.archive("contact", one, actor=SYSTEM)
        other = person("b@x.example")
        records.restore("contact", one, actor=SYSTEM)
        assert contacts.by_email("b@x.example") == other
        assert [a.email for a in contacts.emails(one)] == ["a@x.example"]


class TestSharedMailboxes:
    def test_several_people_have_one_address_and_it_names_nobody(self) -> None:
        one, two = person("info@hankyul.example", lastname="김", firstname="민준"), person("info@hankyul.example", lastname="이", firstname="서연")
        assert one != two
        assert contacts.by_email("info@hankyul.example") is None
        assert contacts.match("info@hankyul.example", {"lastname": "이", "firstname": "서연"}) == two
        assert contacts.match("info@hankyul.example", {"lastname": "박", "firstname": "도윤"}) is None

    def test_a_form_does_not_overwrite_another_person(self) -> None:
        form = forms.create(
            "문의", {"fields": [{"name": n, "label": n, "type": t} for n, t in (("email", "email"), ("firstname", "text"))]}, actor=SYSTEM, publish=True
        )
        one = submissions.submit(form, {"email": "sales@hankyul.example", "firstname": "민준"}, cookie=A).contact_id
        two = submissions.submit(form, {"email": "sales@hankyul.example", "firstname": "서연"}, cookie=A).contact_id
        assert one != two
        assert values(one)["firstname"] == "민준"
        assert submissions.submit(form, {"email": "sales@hankyul.example", "firstname": "서연"}, cookie=B).contact_id == two

    def test_by_hand(self) -> None:
        person("team-a@hankyul.example", firstname="가")
        with pytest.raises(Conflict):
            person("team-a@hankyul.example", firstname="나")
        contacts.set_shared("team-a@hankyul.example", True, actor=SYSTEM)
        person("team-a@hankyul.example", firstname="나")
        with pytest.raises(Conflict):
            contacts.set_shared("team-a@hankyul.example", False, actor=SYSTEM)

    def test_it_stays_shared_when_one_of_them_goes(self) -> None:
        one, two = person("info@x.example", firstname="가"), person("info@x.example", firstname="나")
        records.archive("contact", one, actor=SYSTEM)
        assert identity.shared_among(["info@x.example"]) == {"info@x.example"}
        assert contacts.emails(two)[0].email == "info@x.example"


def at_once(*work: Any) -> list[Any]:
    """Run the calls in threads that start together; their results or errors."""
    gate, results = threading.Barrier(len(work)), [None] * len(work)

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = work[number]()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_eight_that_make_the_same_person_make_one(self) -> None:
        def upsert() -> int | None:
            try:
                return person("minjun@hankyul.example")
            except Conflict as conflict:
                return conflict.existing_id

        made = at_once(*[upsert] * 8)
        assert len(set(made)) == 1
        assert Contact.objects.count() == 1

    def test_eight_merges_leave_no_half_state(self) -> None:
        ids = [person(f"p{n}@x.example") for n in range(5)]
        for id in ids:
            browse(id, f"x.example/{id}")
        pairs = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 0), (4, 0), (0, 4), (2, 4)]
        outcomes = at_once(*[lambda a=a, b=b: merge.merge("contact", ids[a], ids[b], actor=SYSTEM) for a, b in pairs])
        assert all(isinstance(outcome, int | Conflict | NotFound) for outcome in outcomes), outcomes
        left = list(Contact.objects.values_list("id", flat=True))
        assert len(left) == 1
        assert {contacts.resolve(id) for id in ids} == set(left)
        assert sorted(views(left[0])) == sorted(f"x.example/{id}" for id in ids)
        assert {contacts.by_email(f"p{n}@x.example") for n in range(5)} == set(left)
        assert sum(isinstance(outcome, int) for outcome in outcomes) == Merge.objects.count() == 4


class TestHistory:
    def test_the_survivor_tells_what_both_were(self) -> None:
        keep, gone = person("minjun@hankyul.example", jobtitle="대리"), person("mj.kim@hankyul.example", jobtitle="과장")
        records.update("contact", keep, {"jobtitle": "팀장"}, actor=SYSTEM, source="page")
        records.update("contact", gone, {"jobtitle": "차장", "company": "한결"}, actor=SYSTEM, source="import")
        made = merge.merge("contact", keep, gone, actor=SYSTEM)
        story = trail.of([records.get("contact", keep)], ["jobtitle", "company"])[keep]
        assert story["jobtitle"][0].value == values(keep)["jobtitle"] == "팀장"
        assert {e.value for e in story["jobtitle"]} == {"대리", "과장", "팀장", "차장"}
        assert [(e.value, e.source) for e in story["company"]] == [("한결", "merge"), ("한결", "import")]
        merge.undo(made, actor=SYSTEM)
        parted = trail.of([records.get("contact", keep)], ["jobtitle"])[keep]["jobtitle"]
        assert [e.value for e in parted] == ["팀장", "대리"]

    def test_also_what_was_merged_before(self) -> None:
        first, second, third = (person(f"{n}@x.example", jobtitle=n) for n in "abc")
        merge.merge("contact", second, first, actor=SYSTEM)
        merge.merge("contact", third, second, actor=SYSTEM)
        assert {e.value for e in trail.of([records.get("contact", third)], ["jobtitle"])[third]["jobtitle"]} == {"a", "b", "c"}
