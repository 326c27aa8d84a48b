"""Enrolling many by hand: those chosen in a table, and the members of a list; who is passed over, and the way back."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from baton.accounts.models import User
from baton.automation import by_hand, runner, verbs
from baton.automation.models import Enrollment
from baton.crm import records
from baton.platform import changes
from baton.platform.actor import SYSTEM
from baton.segments import bulk
from baton.segments import verbs as lists

pytestmark = pytest.mark.django_db
WAIT = {"id": "s1", "type": "wait", "days": 1}


def live(name: str = "후속", object_type: str = "contact", **settings: Any) -> int:
    made = verbs.create(name, SYSTEM, {"triggers": [{"type": "manual"}], "settings": settings, "steps": [WAIT]}, object_type=object_type)
    verbs.publish(made, SYSTEM)
    return int(made.pk)


def people(count: int, city: str = "서울") -> list[int]:
    return [records.create("contact", {"email": f"p{n}@{city}.example".replace("서울", "s"), "city": city}, actor=SYSTEM, source="test") for n in range(count)]


def inside() -> list[int]:
    return sorted(Enrollment.objects.filter(state="active").values_list("contact_id", flat=True))


def test_chosen_rows_are_enrolled_once_and_taken_out_again(web: Client, oh: User) -> None:
    workflow, ids = live(), people(3)
    live("회사", "company")
    shown = web.get("/contacts/bulk/workflows/").content.decode()
    assert "후속" in shown
    assert "회사" not in shown
    answer = web.post("/contacts/bulk/", {"workflow": workflow, "id": ids[:2]})
    assert json.loads(answer["HX-Trigger"])["toast"]["text"] == "2 records enrolled in 후속"
    assert inside() == ids[:2]
    again = json.loads(web.post("/contacts/bulk/", {"workflow": workflow, "id": ids})["HX-Trigger"])["toast"]
    assert inside() == ids
    assert again["text"] == "1 record enrolled in 후속 · 2 were not let in"
    while changes.tick() + runner.run_due():
        pass
    web.post(again["undo"]["url"])
    assert inside() == ids[:2], "only those whom this brought in are taken out"
    assert web.post("/contacts/bulk/", {"workflow": 999999, "id": ids}).status_code == 422


def test_all_members_of_a_list_are_enrolled(web: Client, oh: User) -> None:
    workflow, ids = live(audience={"condition": "property", "property": "city", "operator": "is", "value": "서울"}), people(2)
    members = lists.create_segment("행사", {}, "fixed", SYSTEM)
    lists.add(members.pk, [*ids[:1], records.create("contact", {"email": "x@b.example", "city": "부산"}, actor=SYSTEM, source="test")], SYSTEM)
    page = web.get(f"/lists/{members.pk}/").content.decode()
    address = re.search(r'<form id="bulk" hx-post="([^"]+)"', page)
    assert address
    web.post(address[1], {"workflow": workflow, "all": "1"})
    assert inside() == ids[:1]


def test_a_worker_that_died_goes_on_without_doing_it_twice(oh: User) -> None:
    workflow, ids = live(again="every_time"), people(2)
    asked = bulk.prepare("contact", by_hand.ACTION, {"workflow": workflow}, user=oh, ids=ids)
    bulk.run(asked.pk)
    type(asked).objects.filter(pk=asked.pk).update(state="running")
    asked.parts.update(done=False, ids=ids)
    bulk.run(asked.pk)
    assert Enrollment.objects.count() == 2


def test_who_may_not_edit_workflows_enrolls_nobody(account: object, client: Client) -> None:
    client.force_login(User.objects.create_user("viewer@nuriwork.example", name="보기", role="viewer"))
    workflow, ids = live(), people(1)
    assert client.get("/contacts/bulk/workflows/").status_code == 403
    assert client.post("/contacts/bulk/", {"workflow": workflow, "id": ids}).status_code == 403
    assert inside() == []
