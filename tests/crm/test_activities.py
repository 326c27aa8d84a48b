"""What is written down about people: notes, calls, meetings, tasks; pinned ones; and their texts."""

from datetime import timedelta

import pytest

from baton.accounts import users
from baton.crm import activities, associations, records
from baton.crm.models import PropertyHistory
from baton.crm.values import stamp
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(account: object) -> Actor:
    return Actor("user", users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM).pk)


@pytest.fixture
def seo(account: object) -> int:
    return records.create("contact", {"lastname": "서", "firstname": "지우"}, actor=SYSTEM, source="test")


def written(contact: int, *types: str) -> list[str]:
    found = activities.page([contact], types or list(activities.TEXT), None, 10)
    return [activities.plain(a.html) or str(a.properties.get("subject")) for a in found]


def test_an_activity_belongs_to_what_it_is_about_and_to_who_wrote_it(seo: int, actor: Actor) -> None:
    deal = records.create("deal", {"dealname": "근태"}, actor=SYSTEM, source="test")
    note = activities.write("note", {"body": "예산 확정"}, [("contact", seo), ("deal", deal)], actor=actor)
    row = records.get("note", note)
    assert (row.owner_id, row.created_by) == (actor.id, str(actor))
    assert written(seo) == written(deal) == ["예산 확정"]
    assert activities.about(note, ["deal", "contact"]) == [("contact", seo), ("deal", deal)]


def test_the_newest_is_first_and_the_list_goes_on(seo: int, actor: Actor) -> None:
    now = clock.now()
    for n in range(5):
        activities.write("note", {"body": f"note {n}", "at": stamp(now - timedelta(hours=n))}, [("contact", seo)], actor=actor)
    first = activities.page([seo], ["note"], None, 3)
    rest = activities.page([seo], ["note"], (first[-1].at, first[-1].id), 3)
    assert [a.html for a in (*first, *rest)] == [f"note {n}" for n in range(5)]


@pytest.mark.parametrize(("type", "values", "field"), [("note", {"body": " <br> "}, "body"), ("task", {"body": "…"}, "subject"), ("note", {}, "body")])
def test_an_empty_activity_is_refused(seo: int, actor: Actor, type: str, values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        activities.write(type, values, [("contact", seo)], actor=actor)
    assert refused.value.problems[0].path == f"properties.{field}"
    assert written(seo) == []


def test_nothing_is_written_about_what_is_not_there(seo: int, actor: Actor) -> None:
    with pytest.raises(NotFound):
        activities.write("note", {"body": "lost"}, [("deal", 999_999)], actor=actor)
    assert activities.page([999_999], ["note"], None, 5) == []


def test_a_task_is_done_and_open_again(seo: int, actor: Actor) -> None:
    later, sooner = (clock.now() + timedelta(days=days) for days in (3, 1))
    activities.write("task", {"subject": "보내기", "at": stamp(later)}, [("contact", seo)], actor=actor)
    call = activities.write("task", {"subject": "전화", "at": stamp(sooner)}, [("contact", seo)], actor=actor)
    assert [t.properties["subject"] for t in activities.open_tasks(seo)] == ["전화", "보내기"]
    activities.finish(call, actor=actor)
    assert [t.properties["subject"] for t in activities.open_tasks(seo)] == ["보내기"]
    assert records.get("task", call).properties["completed_at"]
    activities.finish(call, False, actor=actor)
    assert len(activities.open_tasks(seo)) == 2
    assert "completed_at" not in records.get("task", call).properties


def test_changes_leave_history_and_removed_ones_come_back(seo: int, actor: Actor) -> None:
    note = activities.write("note", {"body": "first"}, [("contact", seo)], actor=actor)
    activities.change("note", note, {"body": "second"}, actor=actor)
    assert PropertyHistory.objects.filter(record_id=note, name="body").count() == 1
    records.archive("note", note, actor=actor)
    assert written(seo) == []
    records.restore("note", note, actor=actor)
    assert written(seo) == ["second"]


def test_one_activity_is_pinned(seo: int, actor: Actor) -> None:
    one, two = (activities.write("note", {"body": text}, [("contact", seo)], actor=actor) for text in ("one", "two"))
    activities.pin("contact", seo, "note", one, actor=actor)
    activities.pin("contact", seo, "note", two, actor=actor)
    pinned = activities.pinned(seo)
    assert pinned is not None
    assert pinned.id == two
    assert associations.of(seo, "note") == [one, two] or set(associations.of(seo, "note")) == {one, two}
    activities.pin("contact", seo, "note", None, actor=actor)
    assert activities.pinned(seo) is None


def test_names_become_mentions() -> None:
    made = activities.html("@오세린 님, 예산 <확인>\n@오세 도", {"오세린": 3, "오세": 4})
    assert made == '<span data-mention="3">@오세린</span> 님, 예산 &lt;확인&gt;<br><span data-mention="4">@오세</span> 도'
    assert activities.mentioned(made) == [3, 4]
    assert activities.plain(made) == "@오세린 님, 예산 <확인>\n@오세 도"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello<br>there</p><p>you &amp; me</p>", "Hello\nthere\nyou & me"),
        ("<script>alert(1)</script>fine<style>p{}</style>", "fine"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("1 < 2 <b>yes</b>", "1 < 2 yes"),
        ("plain &lt;3", "plain <3"),
    ],
)
def test_what_programs_write_is_read_as_lines(html: str, text: str) -> None:
    assert activities.plain(html) == text
