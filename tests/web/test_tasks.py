"""The tasks page: by when they are due, whose they are, ticked off and put off."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import activities, records
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.config import config

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 18, 12, tzinfo=ZoneInfo("Asia/Seoul"))  # a Wednesday


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def task(subject: str, owner: User, at: datetime | None = None, **values: object) -> int:
    return records.create("task", {"subject": subject, "owner_id": owner.pk, "at": at or "", **values}, actor=SYSTEM, source="page")


def sections(web: Client, query: str = "") -> dict[str, str]:
    """Heading -> HTML of what stands below it."""
    page = web.get(f"/tasks/{query}").content.decode()
    return {part.partition("<h2>")[2].partition("<")[0].strip(): part for part in page.split('<section class="task-group')[1:]}


def test_tasks_stand_by_when_they_are_due(web: Client, oh: User) -> None:
    for subject, days in (("늦은 일", -1), ("오늘 일", 0), ("이번 주 일", 3), ("나중 일", 30)):
        task(subject, oh, NOON + timedelta(days=days))
    records.create("task", {"subject": "날짜 없는 일", "owner_id": oh.pk}, actor=SYSTEM, source="api")
    found = sections(web)
    assert [(key, next(s for s in ("늦은 일", "오늘 일", "이번 주 일", "나중 일", "날짜 없는 일") if s in part)) for key, part in found.items()] == [
        ("Overdue", "늦은 일"), ("Today", "오늘 일"), ("Next 7 days", "이번 주 일"), ("Later", "나중 일"), ("Without a day", "날짜 없는 일"),
    ]  # fmt: skip
    assert 'data-nav-count="tasks">2<' in web.get("/tasks/").content.decode()


def test_whose_tasks_they_are(web: Client, oh: User) -> None:
    other = users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM)
    task("내 일", oh, NOON)
    task("남의 일", other, NOON)
    assert "남의 일" not in sections(web)["Today"]
    assert "남의 일" in sections(web, "?whose=all")["Today"]


def test_a_task_is_ticked_off_and_back(web: Client, oh: User) -> None:
    id = task("전화하기", oh, NOON)
    told = json.loads(web.post(f"/tasks/{id}/done/")["HX-Trigger"])
    assert records.get("task", id).properties["status"] == "COMPLETED"
    assert records.get("task", id).properties["completed_at"]
    assert "전화하기" in sections(web, "?done=1")["Done lately"]
    web.post(told["toast"]["undo"]["url"], told["toast"]["undo"]["values"])
    assert "전화하기" in sections(web)["Today"]


def test_a_task_is_put_off(web: Client, oh: User) -> None:
    id = task("전화하기", oh, NOON - timedelta(days=2))
    told = json.loads(web.post(f"/tasks/{id}/later/", {"to": "tomorrow"})["HX-Trigger"])
    due = datetime.fromisoformat(str(records.get("task", id).properties["at"])).astimezone(config().zone)
    assert (due.date(), due.hour) == ((NOON + timedelta(days=1)).date(), 12)
    web.post(told["toast"]["undo"]["url"], told["toast"]["undo"]["values"])
    assert "전화하기" in sections(web)["Overdue"]


def test_a_task_is_added(web: Client, oh: User) -> None:
    assert web.post("/tasks/new/", {"subject": " ", "owner_id": oh.pk}).status_code == 422
    answer = web.post("/tasks/new/", {"subject": "제안서 보내기", "day": "2026-11-18", "time": "15:30", "owner_id": oh.pk, "kind": "EMAIL", "priority": "HIGH"})
    assert answer.status_code == 200
    assert "제안서 보내기" in sections(web)["Today"]


def test_who_may_not_edit_a_task_leaves_it_as_it_is(web: Client, oh: User, client: Client) -> None:
    id = task("전화하기", oh, NOON)
    client.force_login(users.create("kim@nuriwork.example", "김보기", "a-long-enough-one", "viewer", actor=SYSTEM))
    assert client.post(f"/tasks/{id}/done/").status_code == 403
    assert records.get("task", id).properties.get("status") != "COMPLETED"


def test_the_number_of_queries_does_not_grow_with_the_tasks(web: Client, oh: User, django_assert_max_num_queries: object) -> None:
    web.get("/tasks/")
    for number in range(40):
        contact = records.create("contact", {"lastname": f"김{number}"}, actor=SYSTEM, source="page")
        activities.write("task", {"subject": f"일 {number}", "owner_id": oh.pk, "at": NOON}, [("contact", contact)], actor=SYSTEM)
    with django_assert_max_num_queries(24):  # type: ignore[operator]
        assert "김39" in web.get("/tasks/").content.decode()
