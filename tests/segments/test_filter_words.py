"""Every condition with its fields: whom it finds, what it refuses and how it reads."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from django.utils import translation

from baton.crm import associations, consent, merge, records
from baton.events import own, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.consent import subscriptions, suppression
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.platform.errors import Conflict
from baton.query.periods import PERIODS, days
from baton.segments import content, filter, verbs
from baton.segments.conditions.event import Happening
from tests.segments import scores
from tests.segments.test_filter import found, problems

if TYPE_CHECKING:
    from tests.segments.conftest import World

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)  # a Thursday, noon in Seoul


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


def at(day: str, hour: int = 12) -> datetime:
    """An hour of a day in Seoul."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=config().zone).replace(hour=hour)


def did(contact: int, kind: Kind, about: str, when: datetime, value: float | None = None, **payload: Any) -> None:
    record.add([NewEvent(contact, kind, when, about, value=value, payload=payload)])


def prop(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"condition": "property", "property": name, "operator": operator, **({} if value is None else {"value": value}), **more}


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"condition": "event", "event": kind, **more}


def test_a_negative_comparison_may_leave_out_the_unknown_and_a_text_may_respect_its_case(world: "World") -> None:
    anna, ben, cho = world.contact(city="Seoul"), world.contact(city="SEOUL"), world.contact()
    assert found(prop("city", "is_not", "busan")) == {anna, ben, cho}
    assert found(prop("city", "is_not", "busan", unset=False)) == {anna, ben}
    assert found(prop("city", "is_not", "seoul", unset=False)) == set()
    assert found(prop("city", "is", "seoul")) == {anna, ben}
    assert found(prop("city", "is", "Seoul", case=True)) == {anna}
    assert found(prop("city", "any_of", ["SEOUL", "x"], case=True)) == {ben}
    assert found(prop("city", "not_contains", "EO", case=True)) == {anna, cho}
    assert problems(prop("createdate", "known", case=True)) == [("case", "UNEXPECTED_VALUE")]
    with translation.override("en"):
        assert filter.sentence(prop("city", "is_not", "Seoul", unset=False, case=True)) == (
            "City is not “Seoul” (capital and small letters as written), and it is known"
        )


def test_dates_in_periods_of_the_calendar_and_days_that_come_back(world: "World", noon: datetime) -> None:
    from baton.crm import properties

    properties.define("contact", "birthday", "Birthday", "date", actor=SYSTEM)
    sunday, monday, leap = world.contact(birthday="2026-11-15"), world.contact(birthday="2026-11-16"), world.contact(birthday="1996-02-29")
    assert found(prop("birthday", "in_period", "this_week")) == {monday}
    assert found(prop("birthday", "in_period", "last_week")) == {sunday}
    assert found(prop("birthday", "in_period", "this_month")) == {sunday, monday}
    assert found(prop("birthday", "not_in_period", "this_quarter")) == {leap}
    assert found(prop("birthday", "anniversary_in_days", 362)) == {sunday, monday, leap}
    assert found(prop("birthday", "anniversary_in_days", 360)) == {leap}
    assert found(prop("birthday", "anniversary_in_days", 100)) == set()
    assert found(prop("birthday", "anniversary_in_days", 101)) == {leap}  # on 28 February, for 2027 has no 29th
    assert problems(prop("birthday", "in_period", "some_day")) == [("value", "INVALID_OPTION")]
    with translation.override("en"):
        assert filter.sentence(prop("birthday", "anniversary_in_days", 0)) == "Birthday has its day of the year today"


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("today", "2026-01-01", "2026-01-02"),
        ("yesterday", "2025-12-31", "2026-01-01"),
        ("tomorrow", "2026-01-02", "2026-01-03"),
        ("this_week", "2025-12-29", "2026-01-05"),
        ("last_week", "2025-12-22", "2025-12-29"),
        ("next_week", "2026-01-05", "2026-01-12"),
        ("this_month", "2026-01-01", "2026-02-01"),
        ("last_month", "2025-12-01", "2026-01-01"),
        ("next_month", "2026-02-01", "2026-03-01"),
        ("this_quarter", "2026-01-01", "2026-04-01"),
        ("last_quarter", "2025-10-01", "2026-01-01"),
        ("next_quarter", "2026-04-01", "2026-07-01"),
        ("this_year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
        ("next_year", "2027-01-01", "2028-01-01"),
    ],
)
def test_a_period_has_its_days(period: Any, first: str, after: str) -> None:
    assert days(period, date(2026, 1, 1)) == (date.fromisoformat(first), date.fromisoformat(after))
    assert period in PERIODS


def test_how_often_and_when(world: "World", noon: datetime) -> None:
    anna, ben, cho = world.contact(), world.contact(), world.contact()
    for day in ("2026-10-31", "2026-11-01", "2026-11-18"):
        did(anna, Kind.PAGE_VIEW, "nuriwork.example/pricing", at(day, 0))
    did(ben, Kind.PAGE_VIEW, "nuriwork.example/pricing", at("2026-11-16", 0))
    viewed = {"condition": "page_viewed", "address": "/pricing"}
    assert found({**viewed, "exactly": 3}) == {anna}
    assert found({**viewed, "exactly": 0}) == {cho}
    assert found({**viewed, "at_most": 1}) == {ben, cho}
    assert found({**viewed, "at_most": 1, "never": False}) == {ben}
    assert found({**viewed, "period": "this_month"}) == {anna, ben}
    assert found({**viewed, "period": "last_month", "exactly": 1}) == {anna}
    assert found({**viewed, "period": "this_week"}) == {anna, ben}
    assert found({**viewed, "period": "yesterday"}) == {anna}
    assert found({**viewed, "since": "2026-11-01", "until": "2026-11-16"}) == {anna}  # a Monday's midnight is not before that Monday
    assert found({**viewed, "since": "2026-11-16", "until": "2026-11-17"}) == {ben}
    assert found({**viewed, "since": "2026-11-16T00:00:01+09:00"}) == {anna}
    assert found({**viewed, "days": 10, "until_days": 2}) == {ben}
    assert found({**viewed, "until_days": 15}) == {anna}
    assert found({**viewed, "which": "first", "days": 30}) == {anna, ben}
    assert found({**viewed, "which": "first", "days": 10}) == {ben}
    assert found({**viewed, "which": "last", "until_days": 2}) == {ben}


FAULTS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"exactly": 1, "at_least": 1}, [("at_least", "UNEXPECTED_VALUE")]),
    ({"which": "last", "at_most": 1}, [("at_most", "UNEXPECTED_VALUE")]),
    ({"days": 3, "period": "today"}, [("period", "UNEXPECTED_VALUE")]),
    ({"days": 3, "until_days": 3}, [("until_days", "INVALID_NUMBER")]),
    ({"since": "2026-11-02", "until": "2026-11-01"}, [("until", "INVALID_DATE")]),
    ({"since": "soon"}, [("since", "INVALID_VALUE")]),
    ({"since": "2026-11-02T00:00:00"}, [("since", "INVALID_VALUE")]),
    ({"period": "soon"}, [("period", "INVALID_OPTION")]),
    ({"at_most": 0, "never": False}, [("at_most", "INVALID_NUMBER")]),
    ({"event": "page_view", "tests": [{"property": "url", "operator": "near", "value": "x"}]}, [("tests.0.operator", "INVALID_OPERATOR")]),
    ({"event": "page_view", "tests": [{"property": "shoe", "operator": "is", "value": "x"}]}, [("tests.0.property", "PROPERTY_DOESNT_EXIST")]),
    ({"event": "page_view", "tests": [{"property": "value", "operator": "at_least", "value": "x"}]}, [("tests.0.value", "INVALID_NUMBER")]),
    ({"event": "page_view", "tests": [{"property": "about", "operator": "known"}]}, [("tests.0.operator", "INVALID_OPERATOR")]),
    ({"event": "page_view", "tests": [{"property": "url", "operator": "is", "value": "x", "size": 1}]}, [("tests.0.size", "UNKNOWN_FIELD")]),
    ({"event": "page_view", "sum": {"of": "url", "at_least": 1}}, [("sum.of", "INVALID_NUMBER")]),
    ({"event": "page_view", "sum": {}}, [("sum.at_least", "REQUIRED")]),
    ({"event": "page_view", "sum": {"at_least": 2, "at_most": 1}}, [("sum.at_most", "INVALID_NUMBER")]),
    ({"event": "page_view", "sum": {"at_least": 2}, "at_least": 1}, [("at_least", "UNEXPECTED_VALUE")]),
    ({"event": "page_view", "name": "order"}, [("name", "UNEXPECTED_VALUE")]),
    ({"event": "custom_event"}, [("name", "REQUIRED")]),
    ({"event": "custom_event", "name": "order"}, [("name", "EVENT_DOESNT_EXIST")]),
    ({"event": "landing"}, [("event", "INVALID_OPTION")]),
]


@pytest.mark.parametrize(("fields", "faults"), FAULTS)
def test_what_contradicts_itself_is_said_at_its_field(fields: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert problems({"condition": "event" if "event" in fields else "page_viewed", **fields}) == faults


OTHER_FAULTS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"condition": "stage", "stages": ["mql", "moon"]}, [("stages.1", "INVALID_OPTION")]),
    ({"condition": "stage", "stages": []}, [("stages", "INVALID_VALUE")]),
    ({"condition": "stage", "stages": ["mql"], "ever": True, "longer_days": 3}, [("ever", "UNEXPECTED_VALUE")]),
    ({"condition": "stage_moved", "into": ["moon"]}, [("into.0", "INVALID_OPTION")]),
    ({"condition": "stage_moved", "path": ["fly"]}, [("path.0", "INVALID_OPTION")]),
    ({"condition": "source"}, [("sources", "REQUIRED")]),
    ({"condition": "source", "classes": ["moon"], "which": "latest"}, [("classes.0", "INVALID_OPTION")]),
    ({"condition": "source", "sources": ["moon"]}, [("sources.0", "INVALID_OPTION")]),
    ({"condition": "verdict", "verdicts": ["none"], "days": 3}, [("days", "UNEXPECTED_VALUE")]),
    ({"condition": "mail_state", "state": "never_mailed", "channel": "sms"}, [("channel", "INVALID_OPTION")]),
    ({"condition": "score", "model": "nobody", "at_least": 1}, [("model", "SCORE_DOESNT_EXIST")]),
    ({"related": "deal", "at_least": 3, "at_most": 2}, [("at_most", "INVALID_NUMBER")]),
    ({"related": "deal", "label": "enemy"}, [("label", "INVALID_OPTION")]),
]


@pytest.mark.parametrize(("stored", "faults"), OTHER_FAULTS)
def test_unknown_words_are_said_with_their_place(stored: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert problems({"all": [stored]}) == [(f"all.0.{path}", code) for path, code in faults]


def test_several_things_of_one_and_the_same_event(world: "World") -> None:
    own.define("Order", name="order", properties=[{"name": n, "type": t} for n, t in (("amount", "number"), ("item", "string"))], actor=SYSTEM)
    anna, ben = world.contact(), world.contact()
    orders = [own.Occurrence("order", anna, clock.now(), {"amount": a, "item": i}) for a, i in ((500, "desk"), (20, "pen"))]
    own.send([*orders, own.Occurrence("order", ben, clock.now() - timedelta(days=1), {"amount": 500, "item": "pen"})])
    big, pen = {"property": "amount", "operator": "at_least", "value": 100}, {"property": "item", "operator": "is", "value": "PEN"}
    order = event("custom_event", name="order")
    assert found({**order, "tests": [big]}) == {anna, ben}
    assert found({**order, "tests": [big, pen]}) == {ben}
    assert found({"all": [{**order, "tests": [big]}, {**order, "tests": [pen]}]}) == {anna, ben}
    assert found({**order, "tests": [{**pen, "case": True}]}) == set()
    assert found({**order, "sum": {"of": "amount", "at_least": 501}}) == {anna}
    assert found({**order, "sum": {"of": "amount", "at_most": 500}, "never": False}) == {ben}
    assert found({**order, "which": "last", "tests": [{"property": "amount", "operator": "known"}], "period": "this_year"}) == {anna, ben}
    with translation.override("en"):
        assert filter.sentence({**order, "tests": [big, pen], "at_least": 2, "days": 7}) == (
            "event of one’s own “Order” (amount is at least 100 and item is “PEN”), at least 2 times, in the last 7 days"
        )
        assert filter.sentence({**order, "sum": {"of": "amount", "at_least": 1500.5}, "period": "this_quarter"}) == (
            "event of one’s own “Order”, amount adds up to at least 1,500.5, this quarter"
        )


def test_any_kind_of_event_what_it_was_about_its_number_and_its_payload(world: "World") -> None:
    anna, ben = world.contact(), world.contact()
    now = clock.now()
    did(anna, Kind.PAGE_VIEW, "nuriwork.example/blog/a", now - timedelta(days=2), referrer="https://search.example/?q=erp")
    did(anna, Kind.PAGE_VIEW, "nuriwork.example/pricing", now - timedelta(days=1))
    did(ben, Kind.PAGE_VIEW, "nuriwork.example/pricing", now - timedelta(days=2))
    did(ben, Kind.PAGE_VIEW, "nuriwork.example/blog/a", now - timedelta(days=1))
    did(anna, Kind.PAGE_DWELL, "nuriwork.example/blog/a", now, value=40)
    did(ben, Kind.PAGE_DWELL, "nuriwork.example/blog/a", now, value=61)
    did(anna, Kind.EMAIL_OPEN, "3", now, machine="proxy")
    blog = {"property": "about", "operator": "contains", "value": "/blog"}
    assert found(event("page_view", which="last", tests=[blog])) == {ben}
    assert found(event("page_view", which="first", tests=[blog])) == {anna}
    assert found(event("page_view", tests=[{**blog, "operator": "not_contains"}], exactly=1)) == {anna, ben}
    assert found(event("page_view", tests=[{"property": "referrer", "operator": "contains", "value": "SEARCH.example"}])) == {anna}
    assert found(event("page_dwell", about="/blog", match="starts", tests=[{"property": "value", "operator": "between", "value": [30, 60]}])) == {anna}
    assert found(event("page_dwell", sum={"at_least": 61})) == {ben}
    assert found(event("email_open")) == set()
    assert found(event("email_open", machines=True)) == {anna}
    assert set(get_args(Happening)) == {kind.word for kind in Kind}


def test_content_that_carries_a_tag(world: "World") -> None:
    anna, ben = world.contact(), world.contact()
    world.views(anna, "/pricing")
    world.views(ben, "/blog/a")
    world.did(ben, Kind.FORM_SUBMISSION, "7")
    late = {"condition": "page_viewed", "tag": "late"}
    assert found(late) == set()
    readers = world.list(late)
    content.tag(Kind.PAGE_VIEW, "nuriwork.example/pricing", tags=["late"], rating=None, actor=SYSTEM)
    content.tag(Kind.FORM_SUBMISSION, "7", tags=["late"], rating=9, actor=SYSTEM)
    assert found(late) == {anna}
    assert found({"condition": "page_viewed", "tag": "late", "address": "/blog", "match": "starts"}) == set()
    assert found({"condition": "form_submitted", "tag": "late"}) == {ben}
    world.views(ben, "/pricing")
    world.settle()
    assert ben in world.members(readers)  # the parsed filter was read again when the tag changed
    with translation.override("en"):
        assert filter.sentence(late) == "viewed any page (tag “late”)"


def test_since_when_and_why_somebody_is_in_a_list(world: "World") -> None:
    anna, ben = world.contact(city="서울"), world.contact()
    seoul = world.list(world.has_city("서울"))
    asked = {"condition": "in_segment", "segment": seoul.pk}
    new, old = world.list({**asked, "joined_days": 7}, "New"), world.list({**asked, "longer_days": 7}, "Old")
    assert (world.members(new), world.members(old)) == ({anna}, set())
    world.later(days=7, hours=1)
    assert (world.members(new), world.members(old)) == (set(), {anna})
    verbs.add(seoul.pk, [ben], SYSTEM)
    assert found({**asked, "reason": "hand"}) == {ben}
    assert found({**asked, "reason": "filter"}) == {anna}
    with translation.override("en"):
        assert filter.sentence({**asked, "longer_days": 7, "reason": "hand"}) == "is in the list “List”, for more than 7 days, put in by hand"


def test_bands_follow_what_is_published(world: "World") -> None:
    anna, ben, cho = world.contact(), world.contact(), world.contact()
    model = scores.create("Lead score")
    for contact, total in ((anna, 40), (ben, 70)):
        sql.run(
            "INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at) VALUES (%s, %s, %s, 0, 0, '{}', now())",
            [contact, model.pk, total],
        )
    band = {"condition": "score", "band": "mql"}
    assert found(band) == {anna}
    assert found({**band, "above": True}) == {anna, ben}
    assert found({**band, "model": model.key}) == {anna}
    assert found({"not": {**band, "above": True}}) == {cho}
    mql = world.list(band)
    scores.thresholds(model, 50, 80)
    assert found(band) == {ben}
    assert [job for job in sql.rows("SELECT 1 FROM procrastinate_jobs WHERE args->>'segment_id' = %s", [str(mql.pk)])] != []
    assert problems({**band, "band": "hot"}) == [("band", "INVALID_OPTION")]
    assert problems({"condition": "score", "above": True}) == [("band", "REQUIRED")]
    assert problems({**band, "part": "fit"}) == [("part", "UNEXPECTED_VALUE")]
    with translation.override("en"):
        assert filter.sentence({**band, "above": True}) == "Lead score is in the band “MQL” or above"


def test_stages_how_long_and_how_people_got_there(world: "World") -> None:
    anna, ben = world.contact(lifecyclestage="lead"), world.contact(lifecyclestage="mql")
    world.settle()
    world.later(days=10)
    world.change(anna, lifecyclestage="sql")
    world.settle()
    assert found({"condition": "stage", "stages": ["mql", "sql"]}) == {anna, ben}
    assert found({"condition": "stage", "stages": ["mql", "sql"], "longer_days": 9}) == {ben}
    assert found({"condition": "stage", "stages": ["mql", "sql"], "entered_days": 9}) == {anna}
    assert found({"condition": "stage", "stages": ["lead"]}) == set()
    assert found({"condition": "stage", "stages": ["lead"], "ever": True}) == {anna}
    assert found({"condition": "stage_moved", "out_of": ["lead"], "into": ["sql"], "days": 3}) == {anna}
    assert found({"condition": "stage_moved", "out_of": ["lead"], "path": ["fast_pass"]}) == {anna}
    assert found({"condition": "stage_moved", "into": ["mql"], "days": 3}) == set()
    assert found({"condition": "stage_moved", "out_of": [""], "path": ["entry"]}) == {anna, ben}
    assert found({"condition": "stage_moved", "which": "last", "into": ["lead"]}) == set()
    with translation.override("en"):
        assert filter.sentence({"condition": "stage", "stages": ["mql"], "longer_days": 30}) == "Lifecycle stage is any of MQL, for more than 30 days"
        assert filter.sentence({"condition": "stage_moved", "out_of": ["", "lead"], "into": ["sql"], "path": ["fast_pass"], "days": 30}) == (
            "moved to another lifecycle stage, from outside, Lead, to SQL, by the fast pass, in the last 30 days"
        )


def test_companies_and_deals_counted_labelled_and_none(world: "World") -> None:
    anna, ben, cho = world.contact(), world.contact(), world.contact()
    firm = records.create("company", {"name": "Nuriwork", "industry": "it", "numberofemployees": 50}, actor=SYSTEM, source="test")
    other = records.create("company", {"name": "Haneul", "industry": "finance", "numberofemployees": 500}, actor=SYSTEM, source="test")
    associations.link("contact", anna, "company", firm, actor=SYSTEM)  # the first one is the primary
    associations.link("contact", anna, "company", other, actor=SYSTEM)
    associations.link("contact", ben, "company", other, actor=SYSTEM)
    it, large = prop("industry", "is", "it"), prop("numberofemployees", "at_least", 100)
    assert found({"related": "company", "filter": {"all": [it, large]}}) == set()
    assert found({"all": [{"related": "company", "filter": it}, {"related": "company", "filter": large}]}) == {anna}
    assert found({"related": "company", "filter": large, "label": "primary"}) == {ben}
    assert found({"related": "company", "at_least": 2}) == {anna}
    assert found({"related": "company", "at_most": 1}) == {ben, cho}
    assert found({"related": "company", "at_most": 0}) == {cho}
    assert found({"related": "company", "filter": it, "at_most": 0}) == {ben, cho}
    assert found({"related": "ticket", "at_most": 0}) == {anna, ben, cho}
    counted = world.list({"related": "company", "at_least": 2})
    associations.link("contact", ben, "company", firm, actor=SYSTEM)
    world.settle()
    assert world.members(counted) == {anna, ben}
    with translation.override("en"):
        assert filter.sentence({"related": "company", "filter": large, "label": "primary"}) == "Company (Primary): Employees is at least 100"
        assert filter.sentence({"related": "deal", "at_least": 2}) == "has a Deal, at least 2 of them"
        assert filter.sentence({"related": "deal", "at_most": 0}) == "has no Deal"


def test_consent_and_what_became_of_mails(world: "World", noon: datetime) -> None:
    yes, no, quiet, bounced, paused = (world.contact() for _ in range(5))
    consent.set([yes, bounced], "email", True, actor=SYSTEM, source="test")
    consent.set([no], "email", False, actor=SYSTEM, source="test")
    suppression.suppress(bounced, "email", "bounced")
    did(yes, Kind.EMAIL_SENT, "3", NOW)
    sql.run('UPDATE contact SET properties = properties || \'{"paused_until": "2026-11-20T00:00:00Z"}\' WHERE id = %s', [paused])

    def state(word: str) -> set[int]:
        return found({"condition": "mail_state", "state": word})

    assert state("opted_in") == {yes}
    assert state("opted_out") == {no, bounced}
    assert state("no_answer") == {quiet, paused}
    assert state("bounced") == {bounced}
    assert state("unsubscribed") == set()
    assert state("never_mailed") == {no, quiet, bounced, paused}
    assert state("paused") == {paused}


def test_kinds_of_news_taken_refused_and_ended(world: "World") -> None:
    plain, own = (
        subscriptions.define({"ko": name, "en": english}, SYSTEM, separate=own) for name, english, own in (("소식", "News", False), ("강연", "Talks", True))
    )
    took, refused, quiet, out = (world.contact() for _ in range(4))
    consent.set([took, refused, quiet], "email", True, actor=SYSTEM, source="test")
    for id, granted in ((took, True), (refused, False), (out, True)):
        subscriptions.choose(id, {plain.pk: granted, own.pk: granted}, actor=SYSTEM, source="test")

    def said(state: str, kind: Any = plain, **more: Any) -> set[int]:
        return found({"condition": "news", "news": kind.pk, "state": state, **more})

    assert said("takes") == {took, out}
    assert said("refused") == {refused}
    assert said("no_answer") == {quiet}
    assert said("gets") == {took, quiet}  # who never agreed to marketing gets nothing
    assert said("gets", own) == {took}
    assert said("takes", channel="sms") == set()
    assert problems({"condition": "news", "news": 987654}) == [("news", "NEWS_DOESNT_EXIST")]
    with translation.override("en"):
        assert filter.sentence({"condition": "news", "news": plain.pk, "state": "refused"}) == "refused the news “News” by e-mail"
    listed = world.list({"condition": "news", "news": own.pk})
    world.settle()
    assert world.members(listed) == {took, out}
    with pytest.raises(Conflict):
        subscriptions.archive(own.pk, SYSTEM)
    sql.run("UPDATE subscription SET expires_at = %s WHERE contact_id = %s", [clock.now() + timedelta(days=1), took])
    with clock.stopped(clock.now() + timedelta(days=1, seconds=1)):
        assert (subscriptions.end_expired(), subscriptions.end_expired()) == (2, 0)
        world.settle()
        assert world.members(listed) == {out}
    subscriptions.choose(out, {own.pk: False}, actor=SYSTEM, source="test")
    world.settle()
    assert world.members(listed) == set()


def test_where_people_came_from_and_what_sales_said(world: "World") -> None:
    anna, ben = world.contact(lead_source="search"), world.contact()
    sql.run(
        "INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent) VALUES (%s, now(), now(), %s, %s, '')",
        [ben, "https://nuriwork.example/blog/hr?utm_source=naver", "https://search.naver.example/"],
    )
    assert found({"condition": "source", "sources": ["search", "webinar"]}) == {anna}
    assert found({"condition": "source", "first_page": "UTM_source=naver"}) == {ben}
    assert found({"condition": "source", "referrer": "https://search", "match": "starts"}) == {ben}
    assert found({"condition": "source", "sources": ["search"], "referrer": "naver"}) == set()
    came = {"original_source": "organic_search", "original_source_1": "Naver", "latest_source": "email", "latest_source_1": "October"}
    came["first_utm_campaign"] = "expo"
    records.derive("contact", [ben], came, actor=SYSTEM)
    assert found({"condition": "source", "classes": ["organic_search", "email"]}) == {ben}
    assert found({"condition": "source", "classes": ["email"], "which": "latest", "detail": "octo"}) == {ben}
    assert found({"condition": "source", "classes": ["email"]}) == found({"condition": "source", "detail": "octo"}) == set()
    assert found({"condition": "source", "utm_campaign": "Expo", "match": "is"}) == {ben}
    assert found({"condition": "source", "classes": ["offline"]}) == {anna}
    sql.run('UPDATE contact SET properties = properties || \'{"sales_verdict": "not_ready"}\' WHERE id = %s', [ben])
    did(ben, Kind.VERDICT_GIVEN, "not_ready", clock.now() - timedelta(days=5))
    assert found({"condition": "verdict", "verdicts": ["not_ready", "ready"]}) == {ben}
    assert found({"condition": "verdict", "verdicts": ["none"]}) == {anna}
    assert found({"condition": "verdict", "verdicts": ["not_ready"], "days": 6}) == {ben}
    assert found({"condition": "verdict", "verdicts": ["not_ready"], "days": 4}) == set()


def test_the_same_event_counts_once_and_those_of_a_merged_contact_count_for_the_one_that_stays(world: "World") -> None:
    anna, ben = world.contact(), world.contact()
    moment = clock.now() - timedelta(days=1)
    for contact in (anna, anna, ben):
        record.add([NewEvent(contact, Kind.PAGE_VIEW, moment, "nuriwork.example/pricing", id=77)])
    record.add([NewEvent(ben, Kind.PAGE_VIEW, moment, "nuriwork.example/pricing", id=78)])
    viewed = {"condition": "page_viewed", "address": "/pricing"}
    assert found({**viewed, "exactly": 1}) == {anna}
    everybody = world.list(viewed)
    merge.merge("contact", anna, ben, actor=SYSTEM)
    world.settle()
    assert found({**viewed, "exactly": 2}) == {anna}
    assert world.members(everybody) == {anna}
