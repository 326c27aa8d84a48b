"""Events are recorded in sets, once, and announced when they are new."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from baton.events import keys, record, timeline
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.platform.models import Change

pytestmark = pytest.mark.django_db
PAGE = "www.nuriwork.example/pricing"


def view(contact: int = 1, number: int | None = None, page: str = PAGE, label: str = "") -> NewEvent:
    return NewEvent(contact, Kind.PAGE_VIEW, clock.now(), page, label, id=number)


def test_a_thousand_events_take_a_handful_of_statements() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert record.add(view(contact, page=f"a.example/{contact % 50}") for contact in range(1, 1001)) == 1000
    assert len(queries) <= 6
    with CaptureQueriesContext(connection) as queries:
        record.add(view(contact, page=f"a.example/{contact % 50}") for contact in range(1, 1001))
    assert len(queries) <= 4


def test_the_same_event_counts_once_and_a_value_only_grows() -> None:
    at = clock.now()
    dwell = [NewEvent(1, Kind.PAGE_DWELL, at, PAGE, value=value, id=7) for value in (5.0, 3.0)]
    assert record.add(dwell) == 1
    assert record.add([NewEvent(1, Kind.PAGE_DWELL, at, PAGE, value=4.0, id=7)]) == 0
    assert record.add([NewEvent(1, Kind.PAGE_DWELL, at, PAGE, value=61.0, id=7)]) == 1
    assert [e.value for e in timeline.page(1)] == [61.0]


def test_only_what_is_new_is_announced() -> None:
    event = view(number=3)
    record.add([event])
    key = keys.ids(Kind.PAGE_VIEW, [PAGE])[PAGE]
    assert list(Change.objects.values_list("contact_id", "bucket", "kind", "key")) == [(1, 1, "event", f"1:{key}")]
    record.add([event])
    record.add([view(number=4)], announce=False)
    assert Change.objects.count() == 1


def test_nothing_to_record_asks_the_database_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert record.add([]) == 0
    assert len(queries) == 0


def test_a_page_is_called_as_last_seen() -> None:
    record.add([view(label="요금")])
    record.add([view(label="요금 안내")])
    record.add([view(label="")])
    assert {e.key_label for e in timeline.page(1)} == {"요금 안내"}


@pytest.mark.parametrize(
    ("how", "value", "found"),
    [
        ("is", "/pricing", {PAGE, "blog.nuriwork.example/pricing"}),
        ("is", "https://WWW.nuriwork.example/pricing/?utm_source=x", {PAGE}),
        ("is", PAGE, {PAGE}),
        ("starts", "/pri", {PAGE, "blog.nuriwork.example/pricing", "www.nuriwork.example/pricing/plans"}),
        ("starts", "www.nuriwork.example/pricing", {PAGE, "www.nuriwork.example/pricing/plans"}),
        ("contains", "PRICING/p", {"www.nuriwork.example/pricing/plans"}),
        ("contains", "100%", {"www.nuriwork.example/100%"}),
        ("any_of", ["/pricing/plans", "/100%"], {"www.nuriwork.example/pricing/plans", "www.nuriwork.example/100%"}),
        ("is", "/nowhere", set()),
    ],
)
def test_pages_are_found_by_patterns(how: keys.How, value: str | list[str], found: set[str]) -> None:
    pages = [PAGE, "blog.nuriwork.example/pricing", "www.nuriwork.example/pricing/plans", "www.nuriwork.example/100%", "www.nuriwork.example/"]
    ids = keys.ids(Kind.PAGE_VIEW, pages)
    names = {number: name for name, number in ids.items()}
    assert {names[number] for number in keys.matching(Kind.PAGE_VIEW, how, value)} == found
    assert keys.matching(Kind.PAGE_DWELL, how, value) == keys.matching(Kind.PAGE_VIEW, how, value)  # a dwell shares its page's key


def test_the_timeline_comes_page_by_page_without_gaps() -> None:
    start = clock.now() - timedelta(days=3)
    at_once = [NewEvent(1, Kind.PAGE_VIEW, start, f"a.example/{n}", id=n) for n in range(5)]
    later = [NewEvent(1, Kind.CTA_CLICK, start + timedelta(minutes=n), "상담 신청", id=n) for n in range(1, 4)]
    record.add([*at_once, *later, view(contact=2)])
    seen, before = [], None
    while page := timeline.page(1, None, before, 3):
        seen += page
        before = page[-1].cursor
    assert len(seen) == len({e.cursor for e in seen}) == 8
    assert [e.cursor for e in seen] == sorted((e.cursor for e in seen), reverse=True)
    assert {e.kind for e in timeline.page(1, [Kind.CTA_CLICK])} == {Kind.CTA_CLICK}
    assert timeline.page(1, []) == []
