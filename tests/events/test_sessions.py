"""Visits are the same whatever the order in which views arrive, and contacts know where they came from."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from baton.crm import contacts, merge, records
from baton.events import identity, record, sessions, sources
from baton.events.record import NewEvent
from baton.events.sessions import Fact
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config

pytestmark = pytest.mark.django_db
SITE = "https://www.acme.example"
NOON = datetime(2026, 11, 20, 3, tzinfo=UTC)  # in Seoul
GOOGLE, NAVER, BLOG = "https://www.google.com/", "https://search.naver.com/search.naver?query=crm", "https://blog.naver.com/acme/1"
Row = tuple[Any, ...]


@pytest.fixture(autouse=True)
def _today() -> None:
    clock.shift(datetime(2026, 11, 22, 3, tzinfo=UTC) - datetime.now(UTC))


def view(person: int, at: datetime, path: str = "/", referrer: str = "", *, id: int | None = None, **more: Any) -> NewEvent:
    url = f"{SITE}{path}"
    return NewEvent(person, Kind.PAGE_VIEW, at, f"www.acme.example{path.partition('?')[0]}", payload={"url": url, "referrer": referrer, **more}, id=id)


def stored(person: int) -> list[Row]:
    return sql.rows(
        "SELECT id, started_at, ended_at, views, source, detail_1, landing, leaving FROM session WHERE contact_id = %s ORDER BY started_at, id", [person]
    )


def visitor() -> int:
    number = sql.next_ids("record_id_seq", 1)[0]
    identity.first_seen(number, NOON)
    return number


def settle() -> None:
    for _ in range(5):
        if not changes.tick():
            return


def naive(facts: list[Fact]) -> list[Row]:
    """Read the facts of one person from first to last and write down the visits, plainly."""
    rows: list[list[Any]] = []
    waiting: Fact | None = None
    campaign: dict[str, str] = {}
    zone = ZoneInfo(config().time_zone)
    for fact in sorted(facts):
        if fact.kind != Kind.PAGE_VIEW:
            waiting = waiting if fact.machine else fact
            continue
        if fact.machine:
            continue
        found = sources.arrival(fact.url, fact.referrer)
        if waiting is not None and fact.ts.astimezone(zone).date() != waiting.ts.astimezone(zone).date():
            waiting = None
        by_click = (
            waiting is not None
            and fact.ts - waiting.ts <= timedelta(minutes=5)
            and (found is None or fact.url.partition("?")[0] == waiting.url.partition("?")[0])
        )
        if waiting is not None and (by_click or fact.ts - waiting.ts > timedelta(minutes=5)):
            if by_click:
                tags = sources.campaign(fact.url)
                found = sources.Source("email", tags.get("utm_campaign", "") or waiting.label, waiting.label, tags)
            waiting = None
        fresh = not rows or fact.ts - rows[-1][2] > timedelta(minutes=30)
        fresh = fresh or fact.ts.astimezone(zone).date() != rows[-1][1].astimezone(zone).date()
        if not fresh and found is not None:
            tags = dict(found.campaign)
            fresh = (found.source, tags) != (rows[-1][4], campaign) if tags or campaign else (found.source, found.detail_1) != (rows[-1][4], rows[-1][5])
        if fresh:
            source = found or sources.Source("direct", sources.page(fact.url))
            campaign = dict(source.campaign)
            rows.append([fact.id, fact.ts, fact.ts, 1, source.source, source.detail_1, fact.url, fact.url])
        else:
            rows[-1][2:4] = fact.ts, rows[-1][3] + 1
            rows[-1][7] = fact.url
    return [tuple(row) for row in rows]


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_visits_do_not_depend_on_the_order_of_arrival(draw: random.Random) -> None:
    """Random views and clicks of three browsers, in random portions, with ticks, joins and machines between; then all is read from first to last."""
    one, two, three = visitor(), visitor(), visitor()
    contact = records.create("contact", {"email": f"{one}@hanbit.example"}, actor=SYSTEM, source="api")
    mail = {number: f"Mail {number}" for number in (1, 2)}
    rows: list[NewEvent] = []
    for _ in range(draw.randint(5, 40)):
        person = draw.choice([one, two, three, contact])
        at = (
            NOON
            - timedelta(days=draw.choice([0, 0, 1, 90]))
            + timedelta(minutes=draw.choice([0, 1, 4, 6, 20, 29, 30, 31, 50, 710, 715, 721, 725]), seconds=draw.randint(0, 59))
        )
        path = draw.choice(["/", "/pricing", "/a?utm_source=x&utm_medium=y", "/a?utm_source=x&utm_medium=email&utm_campaign=c", "/b?gclid=Cj0"])
        if draw.random() < 0.25:
            number = draw.choice([1, 2])
            payload = {"url": f"{SITE}{path}", "message": number, **({"machine": "early"} if draw.random() < 0.3 else {})}
            rows.append(NewEvent(person, Kind.EMAIL_CLICK, at, str(number), mail[number], payload=payload, id=draw.randrange(1 << 40)))
        else:
            referrer = draw.choice(["", "", GOOGLE, NAVER, BLOG, f"{SITE}/", "https://mail.naver.com/"])
            rows.append(view(person, at, path, referrer, id=draw.randrange(1 << 40), **({"machine": "bot"} if draw.random() < 0.1 else {})))
    draw.shuffle(rows)
    joins = [(two, contact), (one, contact)][: draw.randint(0, 2)]
    while rows or joins:
        size = draw.randint(1, 9)
        record.add(row for row in rows[:size])
        rows = rows[size:]
        if joins and draw.random() < 0.4:
            identity.join(*joins.pop(), by="form")
        if draw.random() < 0.6:
            changes.tick()
    settle()
    read = (
        "SELECT e.ts, e.id, e.kind, coalesce(k.label, ''), e.payload ->> 'url', coalesce(e.payload ->> 'referrer', ''), e.payload ? 'machine' FROM event e"
        " LEFT JOIN event_key k ON k.id = e.key WHERE e.contact_id = %s AND e.kind = ANY(%s)"
    )
    for person in (one, two, three, contact):
        facts = [
            Fact(ts, id, kind, label if kind == Kind.EMAIL_CLICK else "", url, referrer, machine=machine)
            for ts, id, kind, label, url, referrer, machine in sql.rows(read, [person, [int(Kind.PAGE_VIEW), int(Kind.EMAIL_CLICK)]])
        ]
        if any(fact.ts < clock.now() - timedelta(days=70) for fact in facts):  # nothing that old arrives by itself; who joins is read as a whole
            sessions.rebuild([person])
        assert stored(person) == naive(facts)


def test_what_begins_a_visit() -> None:
    person = visitor()
    minutes = lambda n: NOON + timedelta(minutes=n)  # noqa: E731
    midnight = datetime(2026, 11, 20, 15, tzinfo=UTC)
    record.add(
        [
            view(person, minutes(0), "/", NAVER),
            view(person, minutes(30), "/pricing", f"{SITE}/"),  # half an hour is no break yet
            view(person, minutes(61), "/pricing"),  # more is
            view(person, minutes(62), "/?utm_source=newsletter&utm_medium=email&utm_campaign=oct"),  # by a mail: another visit
            view(person, minutes(63), "/?utm_source=newsletter&utm_medium=email&utm_campaign=oct"),  # the same page again is not
            view(person, minutes(64), "/", GOOGLE),  # nor is … somebody who comes from elsewhere is
            view(person, minutes(65), "/", "https://nid.naver.com/"),  # signing in elsewhere is not
            view(person, midnight - timedelta(minutes=1), "/late"),
            view(person, midnight, "/late"),  # a new day
        ]
    )
    settle()
    assert [(row[3], row[4], row[5]) for row in stored(person)] == [
        (2, "organic_search", "Naver"), (1, "direct", "www.acme.example/pricing"), (2, "email", "oct"), (2, "organic_search", "Google"),
        (1, "direct", "www.acme.example/late"), (1, "direct", "www.acme.example/late"),
    ]  # fmt: skip


def test_the_page_behind_a_link_of_a_mail_or_a_short_link() -> None:
    person = records.create("contact", {"email": "a@hanbit.example"}, actor=SYSTEM, source="api")
    record.add(
        [
            NewEvent(person, Kind.EMAIL_CLICK, NOON, "7", "October news", payload={"message": 1, "url": f"{SITE}/hr?x=1"}, id=70),
            view(person, NOON + timedelta(seconds=2), "/hr?x=1", "https://mail.naver.com/"),
            NewEvent(person, Kind.LINK_CLICK, NOON + timedelta(hours=2), "3", "Booth", payload={"url": f"{SITE}/demo", "medium": "qr"}),
            view(person, NOON + timedelta(hours=2, seconds=3), "/demo"),
            view(person, NOON + timedelta(hours=5), "/hr", click="70"),  # much later, but told by the link itself
        ]
    )
    settle()
    record.add([view(person, NOON + timedelta(days=1), "/hr", click="70"), view(person, NOON + timedelta(days=1, hours=1), "/hr", click="71")])  # the next day
    settle()
    found = [(row[4], row[5]) for row in stored(person)]
    assert found == [("email", "October news"), ("other_campaign", "Booth"), ("email", "October news"), ("email", "October news"), ("email", "")]
    sessions.rebuild([person])
    assert [(row[4], row[5]) for row in stored(person)] == found


def test_a_view_that_turns_out_to_be_a_machines_leaves_no_visit() -> None:
    person = visitor()
    record.add([view(person, NOON, "/", NAVER, id=4), view(person, NOON + timedelta(minutes=1), "/x", id=8)])
    settle()
    sql.run("""UPDATE event SET payload = payload || '{"machine": "bot"}' WHERE contact_id = %s AND id = 4""", [person])
    changes.append([changes.Change(person, "event", f"{int(Kind.PAGE_VIEW)}:0")])
    settle()
    assert [(row[0], row[3], row[4]) for row in stored(person)] == [(8, 1, "direct")]


def props(contact: int) -> dict[str, Any]:
    names = ("original_source", "original_source_1", "original_source_2", "latest_source", "latest_source_1", "first_url", "first_utm_campaign", "lead_source")
    held = records.get("contact", contact).properties
    return {name: held[name] for name in names if name in held}


def test_first_and_latest_source_of_a_visitor_who_says_who_he_is() -> None:
    person = visitor()
    record.add([view(person, NOON, "/hr?utm_source=fb&utm_medium=social&utm_campaign=spring", "https://l.facebook.com/")])
    settle()
    clock.shift(NOON + timedelta(minutes=9) - datetime.now(UTC))
    contacts.create_as(person, {"email": "b@hanbit.example"}, actor=Actor("form", 1), source="form")
    settle()
    first = {"original_source": "organic_social", "original_source_1": "Facebook", "original_source_2": "spring"}
    first |= {"first_url": f"{SITE}/hr?utm_source=fb&utm_medium=social&utm_campaign=spring", "first_utm_campaign": "spring"}
    assert props(person) == {**first, "latest_source": "organic_social", "latest_source_1": "Facebook"}
    record.add([view(person, NOON + timedelta(hours=3), "/", NAVER)])
    settle()
    assert props(person) == {**first, "latest_source": "organic_search", "latest_source_1": "Naver"}
    record.add([view(person, NOON - timedelta(hours=3), "/", GOOGLE)])  # arrives late, was earlier
    settle()
    assert props(person)["original_source_1"] == "Google"
    assert props(person)["latest_source_1"] == "Naver"
    told = dict(sql.rows("SELECT name, count(*) FROM property_history WHERE record_id = %s GROUP BY name", [person]))
    assert (told["original_source_1"], told["latest_source_1"]) == (2, 1), "later ones are told by the visits"


def test_direct_is_a_source_and_what_nobody_said_is_filled() -> None:
    person = visitor()
    record.add([view(person, NOON, "/")])
    contacts.create_as(person, {"email": "c@hanbit.example"}, actor=Actor("form", 1), source="form", at=NOON + timedelta(minutes=1))
    settle()
    assert (props(person)["original_source"], props(person)["lead_source"]) == ("direct", "direct")
    record.add([view(person, NOON + timedelta(hours=1), "/?bt=x")])
    settle()
    assert (props(person)["original_source"], props(person)["latest_source"], props(person)["lead_source"]) == ("direct", "email", "direct")


def test_offline_stays_first_and_the_form_of_a_browser_without_script_counts() -> None:
    made = records.create("contact", {"email": "d@hanbit.example", "lead_source": "exhibition"}, actor=SYSTEM, source="api", at=NOON)
    assert props(made) == {
        "original_source": "offline", "original_source_1": "api", "latest_source": "offline", "latest_source_1": "api", "lead_source": "exhibition",
    }  # fmt: skip
    record.add([view(made, NOON + timedelta(hours=1), "/", NAVER)])
    settle()
    assert (props(made)["original_source"], props(made)["latest_source"], props(made)["lead_source"]) == ("offline", "organic_search", "exhibition")
    silent = records.create("contact", {"email": "e@hanbit.example"}, actor=Actor("form", 1), source="form")
    identity.first_seen(silent, clock.now(), page=f"{SITE}/?utm_source=x&utm_medium=listing&utm_campaign=expo")
    settle()
    assert (props(silent)["original_source"], props(silent)["original_source_1"], props(silent)["latest_source"]) == (
        "other_campaign",
        "expo",
        "other_campaign",
    )


def test_the_earlier_of_two_who_become_one_counts_and_undoing_gives_both_back() -> None:
    early = records.create("contact", {"email": "f@hanbit.example"}, actor=SYSTEM, source="page", at=NOON - timedelta(days=2))
    late = records.create("contact", {"email": "g@hanbit.example"}, actor=SYSTEM, source="api", at=NOON)
    record.add([view(late, NOON - timedelta(hours=1), "/", NAVER), view(early, NOON - timedelta(minutes=50), "/", "")])
    settle()
    assert (props(late)["original_source"], props(early)["original_source"], props(early)["latest_source"]) == ("organic_search", "offline", "direct")
    number = merge.merge("contact", late, early, actor=SYSTEM)
    settle()
    assert (props(late)["original_source_1"], props(late)["latest_source"]) == ("page", "organic_search")
    assert [row[3] for row in stored(late)] == [2], "half an hour apart, one person: one visit"
    merge.undo(number, actor=SYSTEM)
    settle()
    assert (props(late)["original_source"], props(early)["original_source"]) == ("organic_search", "offline")
    assert [len(stored(id)) for id in (late, early)] == [1, 1]
