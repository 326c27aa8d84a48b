"""Who gets the next lead, and what steps make: owners in turn, by rules and within limits; tasks, deals, tickets and notes; workflows of deals."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from baton.accounts.models import Account, Role, Team, User
from baton.automation import enroll, graph, rotation, verbs
from baton.automation.models import Rotation, StepRun, Workflow
from baton.automation.step import Batch, Standing, steps
from baton.crm import activities, associations, labels, properties, records
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.platform.errors import Problem
from baton.segments.models import ScoreEntry
from tests.automation.conftest import contact, drain
from tests.automation.test_record_steps import prop, runs, walk
from tests.segments import scores

Live = Callable[..., Workflow]


@pytest.fixture
def team(sales: list[int]) -> Team:
    found = Team.objects.create(name="영업 1팀")
    User.objects.filter(pk__in=sales).update(team=found)
    return found


def owners(ids: list[int]) -> list[int | None]:
    found = dict(sql.rows("SELECT id, owner_id FROM contact WHERE id = ANY(%s)", [ids]))
    return [found[id] for id in ids]


@pytest.mark.django_db
def test_owners_in_turn_and_nobody_gets_more_than_he_can_hold(live: Live, sales: list[int]) -> None:
    han, yoon = sales
    people = [contact(f"p{n}@gaon.example") for n in range(7)]
    records.update("contact", people[0], {"owner_id": yoon}, actor=SYSTEM, source="test")
    workflow = live({"id": "s1", "type": "assign_owner", "how": "turn", "users": [han, yoon], "most": 3})
    walk(workflow, people[:4])
    assert owners(people[:4]) == [yoon, han, yoon, han]
    assert runs("s1")[people[0]][0] == "skipped", "has an owner already"
    assert runs("s1")[people[1]][1] == {"owner": han}
    walk(workflow, people[4:])
    assert Counter(owners(people)) == {han: 3, yoon: 3, None: 1}, "three each, and the last one stays without"
    assert runs("s1")[people[6]][1]["reason"]
    records.update("contact", people[1], {"lifecyclestage": "customer"}, actor=SYSTEM, source="test")
    User.objects.filter(pk=yoon).update(is_active=False)
    enroll.enroll(workflow, [people[6]], "again", SYSTEM)
    drain()
    assert owners(people)[6] == han, "a customer is no open lead any more, and who left gets nothing"


@pytest.mark.django_db
def test_owners_by_rules(live: Live, sales: list[int], team: Team) -> None:
    boss = User.objects.create_user("boss@nuriwork.example", name="대표", role=Role.SALES).pk
    seoul = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
    known = {"condition": "property", "property": "city", "operator": "known"}
    rules = [{"filter": seoul, "user": boss}, {"filter": known, "team": team.pk}]
    people = [contact(f"p{n}@gaon.example", **({"city": city} if city else {})) for n, city in enumerate(("서울", "부산", "대전", ""))]
    walk(live({"id": "s1", "type": "assign_owner", "how": "rules", "rules": rules}), people)
    assert owners(people) == [boss, *sales, None]
    assert runs("s1")[people[3]][0] == "skipped"
    broken = verbs.create("x", SYSTEM, {"triggers": [], "steps": [{"id": "s1", "type": "assign_owner", "how": "rules", "rules": [{"filter": {}}]}]})
    assert {p.path for p in _problems(broken)} >= {"steps[0].rules[0].user", "steps[0].rules[0].filter"}


def _problems(workflow: Workflow) -> list[Problem]:
    return graph.parse(workflow.draft).problems()


@pytest.mark.django_db(transaction=True)
def test_many_workers_give_out_evenly_and_count_up_without_losing_any(account: Account) -> None:
    """Four workers at once, each in a transaction and a connection of its own: exactly a quarter each, and every increase is there."""
    properties.define("company", "visits", "방문", "number", actor=SYSTEM)
    company = records.create("company", {"name": "가온"}, actor=SYSTEM, source="test")
    people = [contact(f"p{n}@gaon.example") for n in range(24)]
    associations.link_many([associations.Link("contact", id, "company", company) for id in people], actor=SYSTEM)
    users = [User.objects.create_user(f"u{n}@nuriwork.example", name=f"u{n}", role=Role.SALES).pk for n in range(3)]
    give = steps()["assign_owner"].model_validate({"id": "s1", "how": "turn", "users": users, "most": 8})
    count = steps()["change_number"].model_validate({"id": "s2", "record": "company", "property": "visits", "by": 1})
    faults: list[Exception] = []
    ready = threading.Barrier(4)

    def work(mine: list[int]) -> None:
        try:
            ready.wait(10)
            for id in mine:
                with transaction.atomic():
                    for step in (give, count):
                        step.run(Batch(1, step.id, clock.now(), [Standing(id, id)]))
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(people[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not faults
    assert sorted(Counter(owners(people)).values()) == [8, 8, 8]
    assert prop(company, "visits", "company") == 24
    assert rotation.take("other", users, 2) == users[:2]
    assert Rotation.objects.get(key="step:1:s1").given == 24


@pytest.mark.django_db
def test_tasks_deals_tickets_and_notes_are_made_once_and_linked(live: Live, sales: list[int]) -> None:
    jiwoo, minho = contact(firstname="지우", owner_id=sales[0]), contact("minho@gaon.example")
    company = records.create("company", {"name": "가온"}, actor=SYSTEM, source="test")
    associations.link("contact", jiwoo, "company", company, actor=SYSTEM)
    first = "{{ contact.firstname }}"
    workflow = live(
        {"id": "s1", "type": "create_task", "title": f"{first} 님께 전화", "text": "가격 문의\n견적", "days": 2, "at": "14:30"},
        {"id": "s2", "type": "create_deal", "title": f"{first}", "values": {"amount": "{{ 1000 * 3 }}", "dealtype": "newbusiness"}},
        {"id": "s3", "type": "create_ticket", "title": "{{ company.name }} 도입 지원", "stage": "3", "whose": "user", "user": sales[1]},
        {"id": "s4", "type": "create_note", "text": f"{first}: {{{{ run.workflow }}}}에서"},
    )
    walk(workflow, [jiwoo, minho])
    [task] = records.page("task", after=0, limit=9)[:1]
    assert (task.properties["subject"], task.owner_id, task.properties["status"]) == ("지우 님께 전화", sales[0], "NOT_STARTED")
    due = datetime.fromisoformat(task.properties["at"]).astimezone(config().zone)
    assert (due.date(), due.hour, due.minute) == (clock.now().astimezone(config().zone).date() + timedelta(days=2), 14, 30)
    assert activities.about(task.id, ["contact"]) == [("contact", jiwoo)]
    [deal] = records.page("deal", after=0, limit=9)
    assert (deal.properties["dealname"], deal.properties["amount"], deal.owner_id, deal.created_by) == ("지우", 3000, sales[0], f"workflow:{workflow.pk}")
    assert (associations.of(deal.id, "contact"), associations.of(deal.id, "company")) == ([jiwoo], [company])
    assert runs("s2")[minho][0] == "skipped", "without a first name there is no title"
    assert runs("s2")[jiwoo][1] == {"made": deal.id}
    tickets = {t.properties["subject"]: t for t in records.page("ticket", after=0, limit=9)}
    assert set(tickets) == {"가온 도입 지원", "도입 지원"}
    assert (tickets["가온 도입 지원"].properties["ticket_stage"], tickets["도입 지원"].owner_id) == ("3", sales[1])
    assert {activities.plain(n.properties["body"]) for n in records.page("note", after=0, limit=9)} == {"지우: 후속에서", ": 후속에서"}


@pytest.mark.django_db
def test_a_workflow_of_deals_reaches_its_people_by_role(account: Account, sales: list[int]) -> None:
    """A deal moves on: the decider is put further, his owner is told, the company counts it, and the deal gets its next step."""
    labels.define("deal", "contact", "decider", "결정권자", actor=SYSTEM)
    decider, user = contact(firstname="지우", owner_id=sales[0]), contact("minho@gaon.example", owner_id=sales[1])
    company = records.create("company", {"name": "가온", "numberofemployees": 1}, actor=SYSTEM, source="test")
    deal = records.create("deal", {"dealname": "도입", "owner_id": sales[0]}, actor=SYSTEM, source="test")
    alone = records.create("deal", {"dealname": "홀로"}, actor=SYSTEM, source="test")
    for id, label in ((decider, "decider"), (user, "")):
        associations.link("deal", deal, "contact", id, label=label, actor=SYSTEM)
    associations.link("deal", deal, "company", company, actor=SYSTEM)
    second = records.create("deal", {"dealname": "확장", "owner_id": sales[0]}, actor=SYSTEM, source="test")
    associations.link("deal", second, "contact", user, actor=SYSTEM)
    model = scores.create("Lead score", rules=[], actor=SYSTEM)
    steps = [
        {"id": "s1", "type": "set_stage", "stage": "customer", "role": "decider"},
        {"id": "s2", "type": "set_property", "property": "next_step", "value": "{{ deal.dealname }}: {{ company.name }} 미팅"},
        {"id": "s3", "type": "change_number", "record": "company", "property": "numberofemployees", "by": 2},
        {"id": "s4", "type": "create_task", "title": "{{ deal.dealname }} 견적"},
        {"id": "s5", "type": "set_property", "record": "contact", "property": "city", "value": "서울"},
        {"id": "s6", "type": "assign_owner", "how": "user", "user": sales[1]},
        {"id": "s7", "type": "give_points", "score": model.pk, "points": 3, "reason": "거래"},
    ]
    workflow = verbs.create("거래", SYSTEM, {"triggers": [{"type": "manual"}], "steps": steps}, object_type="deal")
    verbs.publish(workflow, SYSTEM)
    walk(workflow, [deal, alone, second])
    assert prop(decider, "lifecyclestage") == "customer"
    assert prop(user, "lifecyclestage") != "customer"
    assert prop(deal, "next_step", "deal") == "도입: 가온 미팅"
    assert prop(company, "numberofemployees", "company") == 3
    tasks = {t.properties["subject"]: t.owner_id for t in records.page("task", after=0, limit=9)}
    assert tasks == {"도입 견적": sales[0], "홀로 견적": None, "확장 견적": sales[0]}
    assert Counter(ScoreEntry.objects.values_list("contact_id", flat=True)) == {decider: 1, user: 2}, "points for each of his deals"
    assert [prop(id, "city") for id in (decider, user)] == ["서울", "서울"]
    assert (records.get("deal", deal).owner_id, records.get("deal", alone).owner_id) == (sales[0], sales[1])
    assert [runs(step)[alone][0] for step in ("s1", "s3", "s5")] == ["skipped"] * 3
    assert StepRun.objects.filter(outcome="failed").count() == 0
