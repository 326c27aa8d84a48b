"""The compiled SQL on PostgreSQL means what the plain Python says, for random filters about random people."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from baton.platform import sql
from baton.query import check, compile, edges, evaluate
from baton.query.evaluate import Person, Thing
from baton.query.nodes import Compare, Node
from tests import examples
from tests.query.fake import CATALOG, FAMILIES, NOWS, PROPERTIES, ZONES, World, every_value, worlds

COLUMNS = {prop.name for prop in PROPERTIES if prop.column}  # not among what a person holds as properties
TABLES = ("contact", "event", "membership", "score", "record", "association", "consent", "suppression", "visitor", "subscription")
EXAMPLES = settings(max_examples=examples.some(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

# One statement puts a whole world into the tables. jsonb_to_recordset reads each list of rows.
LOAD = """
WITH w AS (SELECT %s::jsonb AS j),
a AS (INSERT INTO contact (id, properties, owner_id, created_at, created_by, source, updated_at, archived_at, email)
      SELECT r.id, r.properties, NULL, r.created_at, '', '', r.created_at, NULL, ''
      FROM w, jsonb_to_recordset(j->'contact') r(id bigint, properties jsonb, created_at timestamptz)),
b AS (INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
      SELECT r.contact_id, r.ts, r.id, r.kind, r.key, r.value, r.payload
      FROM w, jsonb_to_recordset(j->'event') r(contact_id bigint, ts timestamptz, id bigint, kind smallint, key bigint, value float, payload jsonb)),
c AS (INSERT INTO membership (contact_id, segment_id, joined_at, reason)
      SELECT r.contact_id, r.segment_id, r.joined_at, r.reason
      FROM w, jsonb_to_recordset(j->'membership') r(contact_id bigint, segment_id bigint, joined_at timestamptz, reason text)),
d AS (INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at)
      SELECT r.contact_id, r.model_id, r.total, r.fit, r.engagement, '{}', now()
      FROM w, jsonb_to_recordset(j->'score') r(contact_id bigint, model_id bigint, total int, fit int, engagement int)),
e AS (INSERT INTO record (id, object_type, properties, created_at, created_by, source, updated_at, archived_at)
      SELECT r.id, r.object_type, r.properties, r.created_at, '', '', now(), CASE WHEN r.archived THEN now() END
      FROM w, jsonb_to_recordset(j->'record') r(id bigint, object_type text, properties jsonb, archived boolean, created_at timestamptz)),
f AS (INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)
      SELECT r.from_id, r.from_type, r.to_id, r.to_type, r.label, now()
      FROM w, jsonb_to_recordset(j->'association') r(from_id bigint, from_type text, to_id bigint, to_type text, label text)),
g AS (INSERT INTO consent (contact_id, channel, granted, at, expires_at, source, wording, actor)
      SELECT r.contact_id, r.channel, r.granted, r.at, r.until, '', '', ''
      FROM w, jsonb_to_recordset(j->'consent') r(contact_id bigint, channel text, granted boolean, at timestamptz, until timestamptz)),
h AS (INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent)
      SELECT r.contact_id, now(), now(), r.first_page, r.first_referrer, ''
      FROM w, jsonb_to_recordset(j->'visitor') r(contact_id bigint, first_page text, first_referrer text)),
i AS (INSERT INTO subscription (contact_id, type_id, channel, granted, at, expires_at, basis, source, wording, proof, actor)
      SELECT r.contact_id, r.type_id, r.channel, r.granted, now(), r.until, '', '', '', '{}', ''
      FROM w, jsonb_to_recordset(j->'subscription') r(contact_id bigint, type_id bigint, channel text, granted boolean, until timestamptz))
INSERT INTO suppression (contact_id, channel, reason, at)
SELECT r.contact_id, r.channel, r.reason, r.at FROM w, jsonb_to_recordset(j->'suppression') r(contact_id bigint, channel text, reason text, at timestamptz)
"""


@pytest.fixture
def tables(db: None) -> Iterator[None]:
    """Temporary tables like the real ones stand before them, so that loading and planning a small world is quick."""
    for table in TABLES:
        sql.run(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL)")
    yield
    for table in TABLES:
        sql.run(f"DROP TABLE pg_temp.{table}")


def load(world: World) -> None:
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for id, person in enumerate(world.people, 1):
        rows["contact"].append({"id": id, "properties": person.properties, "created_at": person.created_at})
        for number, event in enumerate(person.events):
            rows["event"].append({"contact_id": id, "id": number, **{name: getattr(event, name) for name in ("ts", "kind", "key", "value", "payload")}})
        rows["membership"] += [{"contact_id": id, "segment_id": number, "joined_at": at, "reason": why} for number, (at, why) in person.segments.items()]
        rows["visitor"] += [{"contact_id": id, **person.seen}] if person.seen else []
        rows["score"] += [{"contact_id": id, "model_id": model, **points} for model, points in person.scores.items()]
        for number, thing in enumerate(person.related):
            record(rows, thing, id * 100 + number, (id, "contact"))
        rows["consent"] += [
            {"contact_id": id, "channel": channel, "granted": granted, "at": at, "until": until} for channel, (granted, at, until) in person.consent.items()
        ]
        rows["subscription"] += [
            {"contact_id": id, "type_id": number, "channel": channel, "granted": granted, "until": until}
            for (number, channel), (granted, until) in person.news.items()
        ]
        rows["suppression"] += [{"contact_id": id, "channel": channel, "reason": reason, "at": at} for channel, (reason, at) in person.suppressed.items()]
    for table in TABLES:
        sql.run(f"DELETE FROM {table}")
    sql.run(LOAD, [json.dumps(rows, default=datetime.isoformat)])


def record(rows: dict[str, list[dict[str, Any]]], thing: Thing, id: int, of: tuple[int, str]) -> None:
    """A record, its link from what it belongs to, and the records that hang on it."""
    about = {"object_type": thing.object_type, "properties": thing.properties, "archived": thing.archived, "created_at": thing.created_at}
    rows["record"].append({"id": id, **about})
    rows["association"].append({"from_id": of[0], "from_type": of[1], "to_id": id, "to_type": thing.object_type, "label": thing.label})
    for number, other in enumerate(thing.related):
        record(rows, other, id * 100 + number, (id, thing.object_type))


def found(world: World, *, ids: list[int] | None = None) -> dict[int, tuple[bool, ...]]:
    """For each contact, the answer of every filter, all asked in one statement."""
    pieces = [compile.condition(node, CATALOG, now=world.now, zone=world.zone, whom=ids is not None, prefix=f"f{i}_") for i, node in enumerate(world.filters)]
    params = {name: value for piece in pieces for name, value in piece.params.items()}
    where = "" if ids is None else " WHERE c.id = ANY(%(ids)s)"
    rows = sql.rows(f"SELECT c.id, {', '.join(piece.text for piece in pieces)} FROM contact c{where}", {**params, "ids": ids or []})
    return {row[0]: row[1:] for row in rows}


def joined(world: World) -> dict[int, tuple[bool, ...]]:
    """The same, but what is in other tables is joined."""
    sets: dict[str, str] = {}
    pieces = [compile.condition(node, CATALOG, now=world.now, zone=world.zone, prefix=f"f{i}_", sets=sets) for i, node in enumerate(world.filters)]
    params = {name: value for piece in pieces for name, value in piece.params.items()}
    joins = " ".join(f"LEFT JOIN (SELECT DISTINCT q.id FROM ({text}) q(id)) {alias} ON {alias}.id = c.id" for text, alias in sets.items())
    rows = sql.rows(f"SELECT c.id, {', '.join(piece.text for piece in pieces)} FROM contact c {joins}", {**params, "none": 0})
    return {row[0]: row[1:] for row in rows}


def listed(world: World, *, ids: list[int] | None = None) -> dict[int, tuple[bool, ...]]:
    """The same from the statements that list who a filter finds."""
    pieces = [compile.members(node, CATALOG, now=world.now, zone=world.zone, whom=ids is not None, prefix=f"f{i}_") for i, node in enumerate(world.filters)]
    params = {name: value for piece in pieces for name, value in piece.params.items()}
    whose = " UNION ALL ".join(f"SELECT {i}, q.id FROM ({piece.text}) q" for i, piece in enumerate(pieces))
    pairs = [(number, id) for number, id in sql.rows(whose, {**params, "ids": ids or []})]
    assert len({*pairs}) == len(pairs)
    return {id: tuple((i, id) in pairs for i in range(len(pieces))) for id in ids or range(1, len(world.people) + 1)}


def meant(world: World, now: datetime) -> dict[int, tuple[bool, ...]]:
    """The same from plain Python. A comparison with a property is asked of each value once, however many people hold it."""
    known: dict[tuple[Any, ...], bool] = {}

    def holds(number: int, node: Node, person: Person) -> bool:
        if not isinstance(node, Compare):
            return evaluate.holds(node, person, CATALOG, now=now, zone=world.zone)
        key = (number, person.created_at if node.property in COLUMNS else repr(person.properties.get(node.property)))
        if key not in known:
            known[key] = evaluate.holds(node, person, CATALOG, now=now, zone=world.zone)
        return known[key]

    return {id: tuple(holds(i, node, person) for i, node in enumerate(world.filters)) for id, person in enumerate(world.people, 1)}


def differences(world: World, answers: dict[int, tuple[bool, ...]], ids: list[int]) -> list[tuple[Any, ...]]:
    """Filter, person, and what SQL wrongly says of them."""
    expected = meant(world, world.now)
    assert sorted(answers) == ids
    return [(node, world.people[id - 1], answers[id][i]) for id in ids for i, node in enumerate(world.filters) if answers[id][i] is not expected[id][i]]


@EXAMPLES
@given(world=worlds())
def test_sql_and_python_agree_for_everybody_and_for_a_few(tables: None, world: World) -> None:
    for node in world.filters:
        check.check(node, CATALOG, deep=True)
    load(world)
    everybody = list(range(1, len(world.people) + 1))
    some = everybody[::3]
    for answer in (found, listed):
        assert differences(world, answer(world), everybody) == []
        assert differences(world, answer(world, ids=some), some) == []
    assert differences(world, joined(world), everybody) == []


@EXAMPLES
@given(world=worlds(of="company"))
def test_sql_and_python_agree_about_records_that_are_no_people(tables: None, world: World) -> None:
    for node in world.filters:
        check.check(node, CATALOG, of="company", deep=True)
    load(world)
    pieces = [compile.condition(node, CATALOG, now=world.now, zone=world.zone, prefix=f"f{i}_") for i, node in enumerate(world.filters)]
    params = {name: value for piece in pieces for name, value in piece.params.items()}
    rows = sql.rows(f"SELECT c.id, {', '.join(piece.text for piece in pieces)} FROM record c WHERE c.object_type = 'company'", {**params, "none": 0})
    things = {id * 100 + number: thing for id, person in enumerate(world.people, 1) for number, thing in enumerate(person.related)}
    companies = {id: thing for id, thing in things.items() if thing.object_type == "company"}
    assert {row[0] for row in rows} == companies.keys()
    for id, *answers in rows:
        for node, answer in zip(world.filters, answers, strict=True):
            assert answer is evaluate.holds(node, companies[id], CATALOG, now=world.now, zone=world.zone), (node, companies[id])


LENGTHS = (0, 1, 7)
PAIRS = [pytest.param(length, texts, id=f"{length}-{name}") for length in LENGTHS for texts, name in zip(FAMILIES, ("accents", "case", "signs"), strict=True)]


@pytest.mark.parametrize(("length", "texts"), PAIRS if examples.TIMES > 1 else PAIRS[::4])  # each length and each family once
def test_every_operator_agrees_on_every_value(tables: None, texts: list[str], length: int) -> None:
    world = every_value(NOWS[length % len(NOWS)], ZoneInfo(ZONES[length % len(ZONES)]), length, texts)
    load(world)
    everybody = list(range(1, len(world.people) + 1))
    filters = world.filters if examples.TIMES > 1 else world.filters[length % 2 :: 2]  # between them the lengths ask all
    for i in range(0, len(filters), 100):
        part = replace(world, filters=filters[i : i + 100])
        for node in part.filters:
            check.check(node, CATALOG)
        assert differences(part, found(part), everybody) == []


@EXAMPLES
@given(world=worlds(moving=True))
def test_whoever_time_moves_has_crossed_an_edge(tables: None, world: World) -> None:
    load(world)
    before, after = meant(world, world.now), meant(world, world.later)
    for i, node in enumerate(world.filters):
        moved = {id for id in before if before[id][i] != after[id][i]}
        crossed = edges.crossed(node, CATALOG, since=world.now, until=world.later, zone=world.zone)
        asked = {id for statement in crossed for (id,) in sql.rows(statement.text, statement.params)}
        assert [(node, world.people[id - 1]) for id in moved - asked] == []


def test_the_connection_time_zone_does_not_matter(tables: None) -> None:
    person = Person({"met": "2026-11-20T15:00:00.000Z"}, created_at=datetime(2026, 11, 20, 15, tzinfo=UTC))
    filters = [Compare("met", "is", "2026-11-21"), Compare("createdate", "is", "2026-11-21")]
    world = World(datetime(2026, 11, 21, 3, tzinfo=UTC), ZoneInfo("Asia/Seoul"), [person], filters, datetime(2026, 11, 22, tzinfo=UTC))
    load(world)
    for zone in ZONES:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('timezone', %s, true)", [zone])
        assert found(world) == {1: (True, True)}
