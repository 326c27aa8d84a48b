"""What a program did counts for nobody: points, lists and stages follow a later verdict, for those nobody has worked on."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from baton.crm import activities
from baton.crm.models import Booking, Contact
from baton.events import hits, record
from baton.events.models import Event, Visitor
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict, NotFound
from baton.platform.models import History
from baton.segments import scoring

if TYPE_CHECKING:
    from tests.segments.conftest import World

CLICKED = {"condition": "email_clicked", "days": 30}
NET = "203.0.113.0"


def click(contact: int, at: datetime, *, message: int = 7, kind: Kind = Kind.EMAIL_CLICK, **more: Any) -> int:
    """A hit as the collector keeps it; its number."""
    number = int(at.timestamp() * 1000)
    said = {"message": message, "url": "https://a.example/1", "ua": "Browser", "net": NET, "human": 0.95, **more}
    record.add([NewEvent(contact, kind, at, "3", payload=said, id=number)])
    return number


def trap(contact: int, at: datetime) -> None:
    click(contact, at, url="", human=0.01, why=["trap"], machine="trap")


def stage(contact: int) -> str:
    return str(Contact.objects.get(pk=contact).properties.get("lifecyclestage"))


def total(contact: int) -> int:
    found = scoring.explain(contact)
    return found.total if found else 0


@pytest.fixture
def lead(world: "World") -> int:
    """Somebody for whom a click in a mail is worth more than it should be."""
    world.model(("email", CLICKED, 70))
    contact = world.contact(lifecyclestage="lead")
    world.settle()
    assert stage(contact) == "lead"
    return contact


def test_an_sql_whom_a_scanner_made_goes_back_with_the_reason_and_comes_again_by_a_person(world: "World", lead: int) -> None:
    listed = world.list(CLICKED)
    at = clock.now() - timedelta(seconds=20)
    number = click(lead, at)
    world.settle()
    assert (stage(lead), total(lead), world.members(listed)) == ("sql", 70, {lead})
    trap(lead, at + timedelta(seconds=4))
    world.settle()
    assert (stage(lead), total(lead), world.members(listed)) == ("lead", 0, set())
    last = Booking.objects.filter(contact_id=lead).order_by("id").last()
    assert last is not None
    assert (last.out_of, last.into, last.path, last.source) == ("sql", "lead", "back", "evidence")
    assert "사람" in last.reason or "person" in last.reason
    told = Event.objects.get(contact_id=lead, kind=Kind.STAGE_CHANGED, id=last.id)
    assert told.payload["reason"] == last.reason
    before = Booking.objects.count()
    world.settle()
    hits.overrule(lead, at, number, True, actor=SYSTEM)
    world.settle()
    assert (stage(lead), total(lead), Booking.objects.count()) == ("sql", 70, before + 1)


def test_whoever_somebody_has_worked_on_stays(world: "World", lead: int) -> None:
    at = clock.now() - timedelta(seconds=20)
    click(lead, at)
    world.settle()
    activities.write("call", {"body": "통화함"}, [("contact", lead)], actor=SYSTEM)
    world.settle()
    trap(lead, at + timedelta(seconds=4))
    world.settle()
    assert (stage(lead), total(lead)) == ("sql", 0)


def test_whoever_is_there_by_his_own_deeds_stays(world: "World") -> None:
    world.model(("email", CLICKED, 70), ("web", world.viewed("/pricing"), 70))
    contact = world.contact(lifecyclestage="lead")
    at = clock.now() - timedelta(seconds=20)
    click(contact, at)
    world.settle()
    world.views(contact, "/pricing")
    world.settle()
    trap(contact, at + timedelta(seconds=4))
    world.settle()
    assert (stage(contact), total(contact)) == ("sql", 70)


def test_points_that_faded_by_themselves_take_nobody_back(world: "World", lead: int) -> None:
    """He came by a person's click, long ago; that a program came today changes nothing about it."""
    click(lead, clock.now() - timedelta(days=29, hours=23))
    world.settle()
    world.later(hours=2)
    assert (stage(lead), total(lead)) == ("sql", 0)
    at = clock.now() - timedelta(seconds=20)
    click(lead, at, message=8)
    world.settle()
    record.add(
        [
            NewEvent(
                lead, Kind.EMAIL_CLICK, at + timedelta(seconds=2), "3", payload={"message": 8, "human": 0.01, "why": ["trap"], "machine": "trap", "net": NET}
            )
        ]
    )
    world.settle()
    assert (stage(lead), total(lead)) == ("sql", 0)


def test_two_stages_at_once_are_taken_back_in_one_booking(world: "World") -> None:
    world.model(("email", CLICKED, 40), ("email", {**CLICKED, "at_least": 2}, 40))
    contact = world.contact(lifecyclestage="lead")
    at = clock.now() - timedelta(seconds=20)
    click(contact, at)
    world.settle()
    assert stage(contact) == "mql"
    click(contact, at + timedelta(seconds=3))
    world.settle()
    assert stage(contact) == "sql"
    trap(contact, at + timedelta(seconds=4))
    world.settle()
    moves = Booking.objects.filter(contact_id=contact).order_by("id").values_list("out_of", "into")
    assert list(moves)[-1] == ("sql", "lead")


def test_what_is_done_on_the_page_proves_the_click_and_the_open_before_it(world: "World", lead: int) -> None:
    at = clock.now() - timedelta(minutes=5)
    early = {"why": ["early"], "machine": "early", "human": 0.05}
    opened, number = click(lead, at, kind=Kind.EMAIL_OPEN, **early), click(lead, at + timedelta(seconds=1), **early)
    world.settle()
    assert (stage(lead), total(lead)) == ("lead", 0)
    seen = at + timedelta(seconds=2)
    page = "a.example/1"
    record.add([NewEvent(lead, Kind.PAGE_VIEW, seen, page, payload={"url": f"https://{page}", "click": str(number)}, id=400)])
    world.settle()
    assert stage(lead) != "sql"
    record.add([NewEvent(lead, Kind.PAGE_DWELL, seen, page, value=40, id=401)])
    world.settle()
    assert (stage(lead), total(lead)) == ("sql", 70)
    found = {e.id: e.payload for e in Event.objects.filter(contact_id=lead, kind__in=[11, 12])}
    assert (found[number]["human"], found[opened]["human"] > 0.5) == (0.99, True)
    assert not any("machine" in payload for payload in found.values())


def test_a_colleagues_word_holds_and_can_be_taken_back(world: "World", lead: int) -> None:
    at = clock.now() - timedelta(seconds=20)
    number = click(lead, at)
    world.settle()
    hits.overrule(lead, at, number, False, actor=SYSTEM)
    world.settle()
    assert (stage(lead), total(lead)) == ("lead", 0)
    hits.overrule(lead, at, number, True, actor=SYSTEM)
    trap(lead, at + timedelta(seconds=4))
    world.settle()
    assert (stage(lead), total(lead)) == ("sql", 70)  # against all that speaks for a program
    hits.overrule(lead, at, number, None, actor=SYSTEM)
    world.settle()
    assert (stage(lead), total(lead)) == ("lead", 0)
    assert History.objects.filter(subject_type="hit").count() == 3
    with pytest.raises(NotFound):
        hits.overrule(lead, at, 1, True, actor=SYSTEM)
    world.did(lead, Kind.CTA_CLICK, "demo")
    other = Event.objects.get(contact_id=lead, kind=Kind.CTA_CLICK)
    with pytest.raises(Conflict):
        hits.overrule(lead, other.ts, other.id, True, actor=SYSTEM)


def test_a_program_was_never_here(world: "World", lead: int) -> None:
    """When somebody was last active forgets what turns out to be a program's."""
    world.views(lead, "/about", days_ago=3)
    world.settle()
    before = Visitor.objects.get(pk=lead).last_seen_at
    at = clock.now() - timedelta(seconds=20)
    click(lead, at)
    world.settle()
    assert Visitor.objects.get(pk=lead).last_seen_at == at
    trap(lead, at + timedelta(seconds=4))
    world.settle()
    assert Visitor.objects.get(pk=lead).last_seen_at == before
