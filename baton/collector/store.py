"""Writes packets to PostgreSQL: everything that waits, in one transaction."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import asyncpg

from baton.collector.device import device
from baton.collector.packet import Fact, Packet
from baton.events import evidence, months
from baton.events.vocabulary import Kind
from baton.platform import logs

BUCKETS = 64  # as platform.models.BUCKETS, which cannot be imported without Django
TIMEOUT = 5  # seconds a statement may take before the database counts as away
ATTEMPTS = 4  # of a transaction that lost a deadlock or a serialization
KEPT = 100_000  # entries of a cache; it is emptied when full
RENAME = 600  # seconds between two looks at whether a page's title changed
DEFINED = 30  # seconds between two looks at which events are defined, and between two warnings about one that is not

log = logs.log(__name__)

COOKIES = """
SELECT i.value, coalesce(m.contact_id, i.contact_id), CASE WHEN m.contact_id IS NULL THEN 0 ELSE i.contact_id END
FROM identity i LEFT JOIN identity m ON m.kind = 'merged' AND m.value = i.contact_id::text
WHERE i.kind = 'cookie' AND i.value = ANY($1::text[])
"""
NEW_COOKIES = """
INSERT INTO identity (value, kind, contact_id, shared, created_at)
SELECT r.value, 'cookie', r.id, false, $3 FROM unnest($1::text[], $2::bigint[]) AS r(value, id)
ON CONFLICT DO NOTHING RETURNING value, contact_id
"""
VISITORS = """
INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent, language, zone, country, device)
SELECT r.id, r.at, r.at, r.page, r.referrer, r.agent, r.language, r.zone, r.country, r.device
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  AS r(id, at, page, referrer, agent, language, zone, country, device)
ON CONFLICT DO NOTHING
"""
CHOICES = """
UPDATE visitor v SET choice = r.choice FROM unnest($1::bigint[], $2::text[]) AS r(id, choice) WHERE v.contact_id = r.id AND v.choice <> r.choice
"""
DEFINITIONS = """
SELECT d.name, coalesce((SELECT array_agg(p ->> 'name') FROM jsonb_array_elements(d.properties) AS p), '{}')
FROM event_definition d WHERE d.archived_at IS NULL
"""
KEYS = """
SELECT k.kind, k.value, k.id
FROM unnest($1::smallint[], $2::text[]) AS r(kind, value) JOIN event_key k ON k.kind = r.kind AND k.value = r.value
"""
NEW_KEYS = """
INSERT INTO event_key (kind, value, label) SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[])
ON CONFLICT (kind, value) DO UPDATE SET label = excluded.label WHERE excluded.label <> '' AND event_key.label <> excluded.label
"""
MESSAGES = """
SELECT m.id, m.email_id, m.sent_at, coalesce(e.name, ''), m.campaign_id
FROM unnest($1::bigint[], $2::bigint[]) AS r(contact_id, id)
JOIN message m ON m.contact_id = r.contact_id AND m.id = r.id LEFT JOIN email e ON e.id = m.email_id
"""
MERGED = "SELECT value, contact_id FROM identity WHERE kind = 'merged' AND value = ANY($1::text[])"
ATTACHED = "SELECT 1 FROM pg_inherits WHERE inhparent = 'event'::regclass AND inhrelid::regclass::text = $1"
MONTHS = "SELECT pg_advisory_xact_lock($1)"
EVENTS = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT r.contact_id, timestamptz 'epoch' + r.ts * interval '1 millisecond', r.id, r.kind, r.key, r.value, r.payload
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::double precision[], $7::jsonb[])
  AS r(contact_id, ts, id, kind, key, value, payload)
ON CONFLICT (contact_id, ts, id) DO UPDATE SET value = excluded.value, payload = event.payload || excluded.payload
WHERE excluded.value > event.value OR (event.value IS NULL AND excluded.value IS NOT NULL)
RETURNING contact_id, kind, key, (extract(epoch FROM ts) * 1000000)::bigint || ':' || id AS fact
"""
CHANGES = """
INSERT INTO change (bucket, contact_id, kind, key, fact)
SELECT r.contact_id % $1, r.contact_id, r.kind, r.key, r.fact FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS r(contact_id, kind, key, fact)
"""
# Events, changes and the wake-up call in one statement: one way to the server and back instead of five.
AT_ONCE = f"""
WITH done AS ({EVENTS}),
told AS (
    INSERT INTO change (bucket, contact_id, kind, key, fact)
    SELECT r.contact_id % $8, r.contact_id, r.kind, r.key, r.fact FROM (
        SELECT contact_id, 'event' AS kind, kind || ':' || key AS key, fact FROM done
        UNION ALL SELECT * FROM unnest($9::bigint[], $10::text[], $11::text[], $12::text[])
    ) AS r(contact_id, kind, key, fact)
    RETURNING 1
)
SELECT pg_notify('baton_change', '') WHERE EXISTS (SELECT 1 FROM told)
"""

AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
# What says "not now" rather than "never": the hit is kept and tried again. Anything else is the row's own fault.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,  # the migrations have not run yet
    asyncpg.LockNotAvailableError,
    *AGAIN,
)


def is_away(error: BaseException) -> bool:
    """Whether to keep the packets and try again. (asyncpg's complaint about a value is an InterfaceError and a ValueError.)"""
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


RARE = (Kind.TRACKING_CHOICE, Kind.CUSTOM_EVENT)
Row = tuple[int, Fact, int]  # contact id, fact, key id
Owner = tuple[int, int]  # contact id; the id the cookie led to before that one was merged into the contact, or 0


class Store:
    """The collector's one writing connection and what it remembers of the database."""

    def __init__(self, url: str, listeners: Mapping[str, Callable[..., None]] = MappingProxyType({})) -> None:
        self.url = url
        self._listeners = {"baton_identity": self._forget, **listeners}
        self._connection: asyncpg.Connection | None = None
        self._owners: dict[str, Owner] = {}  # by cookie
        self._age = 0  # grows when the owners are forgotten: what was read before must not be remembered after
        self._keys: dict[tuple[int, str], tuple[int, str, float]] = {}  # (kind, value) -> id, label, when looked at
        self._defined: dict[str, frozenset[str]] = {}  # events of one's own and their properties
        self._defined_at = -float(DEFINED)
        self._undefined = Counter[str]()
        self._at_once = True

    async def connect(self) -> None:
        """Connect unless connected. Raises one of AWAY."""
        if self._connection is not None and not self._connection.is_closed():
            return
        self._forget()
        connection = await asyncpg.connect(self.url, timeout=TIMEOUT, command_timeout=TIMEOUT, server_settings={"application_name": "baton collector"})
        for channel, listener in self._listeners.items():
            await connection.add_listener(channel, listener)
        self._connection = connection

    def _forget(self, *_: object) -> None:
        self._owners.clear()
        self._age += 1

    async def close(self) -> None:
        """Give the connection up, at once if need be."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=2)
            except (*AWAY, asyncpg.PostgresError):
                connection.terminate()

    async def write(self, packets: Sequence[Packet]) -> None:
        """Commit the packets' events and changes in one transaction. Raises one of AWAY, or PostgresError when a packet cannot be stored."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._write(packets)
            except AGAIN:
                self._forget()
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.02 * (attempt + 1))
            except asyncpg.CheckViolationError as error:
                if "no partition" not in str(error) or attempt == ATTEMPTS - 1:
                    raise
                await self._make_months(packets)

    async def _write(self, packets: Sequence[Packet]) -> None:
        await self.connect()
        connection = self._connection
        assert connection is not None
        age = self._age
        owners = await self._find_owners(connection, packets)
        if age == self._age:
            _remember(self._owners, owners)
        rows, changes = await self._rows(connection, packets, owners)
        if not rows and not changes:
            return
        ordered = sorted(rows.items(), key=lambda item: item[0])  # one order everywhere: two writers never wait for each other
        columns = (
            [at[0] for at, _ in ordered],
            [at[1] for at, _ in ordered],
            [at[2] for at, _ in ordered],
            [row[1].kind for _, row in ordered],
            [row[2] for _, row in ordered],
            [row[1].value for _, row in ordered],
            [row[1].payload for _, row in ordered],
        )
        if self._at_once:
            try:
                await connection.execute(AT_ONCE, *columns, BUCKETS, *_columns(changes))
            except asyncpg.FeatureNotSupportedError:
                self._at_once = False  # a distributed table: the same in several statements
            else:
                return
        async with connection.transaction():
            done = await connection.fetch(EVENTS, *columns)
            changes.update((contact, "event", f"{kind}:{key}", fact) for contact, kind, key, fact in done)
            if changes:
                await connection.execute(CHANGES, BUCKETS, *_columns(changes))
                await connection.execute("NOTIFY baton_change")

    async def _find_owners(self, connection: asyncpg.Connection, packets: Sequence[Packet]) -> dict[str, Owner]:
        """Whose the cookies seen are; a cookie nobody has seen gets a visitor. Committed at once: it stays true whatever becomes of the events."""
        owners: dict[str, Owner] = {}
        first: dict[str, Packet] = {}
        for packet in packets:
            if packet.cookie and packet.cookie not in owners:
                known = self._owners.get(packet.cookie)
                if known is not None:
                    owners[packet.cookie] = known
                else:
                    first.setdefault(packet.cookie, packet)
        if not first:
            return owners
        owners.update(await self._known(connection, list(first)))
        unknown = sorted(cookie for cookie in first if cookie not in owners)
        if not unknown:
            return owners
        ids = [r[0] for r in await connection.fetch("SELECT nextval('record_id_seq') FROM generate_series(1, $1)", len(unknown))]
        made = dict(await connection.fetch(NEW_COOKIES, unknown, ids, datetime.now(UTC)))
        owners.update({cookie: (id, 0) for cookie, id in made.items()})
        if len(made) < len(unknown):  # another collector was first
            owners.update(await self._known(connection, [cookie for cookie in unknown if cookie not in made]))
        found = [(made[cookie], first[cookie]) for cookie in unknown if cookie in made]
        await connection.execute(
            VISITORS,
            [contact for contact, _ in found],
            [datetime.fromtimestamp(min([f.ts for f in p.facts if f.kind != Kind.SAID_WHO], default=p.received) / 1000, UTC) for _, p in found],
            [p.page for _, p in found],
            [p.referrer for _, p in found],
            [p.user_agent for _, p in found],
            [p.language for _, p in found],
            [p.zone for _, p in found],
            [p.where() for _, p in found],
            [device(p.user_agent) for _, p in found],
        )
        return owners

    async def _known(self, connection: asyncpg.Connection, cookies: list[str]) -> dict[str, Owner]:
        return {cookie: (contact, via) for cookie, contact, via in await connection.fetch(COOKIES, cookies)}

    async def _rows(
        self, connection: asyncpg.Connection, packets: Sequence[Packet], owners: dict[str, Owner]
    ) -> tuple[dict[tuple[int, int, int], Row], set[tuple[int, str, str, str]]]:
        """The event rows by (contact, ts, id), and the changes that are no events."""
        found: list[tuple[int, Fact]] = []
        changes: set[tuple[int, str, str, str]] = set()
        for packet in packets:
            if packet.cookie:
                contact, via = owners[packet.cookie]
                for fact in packet.facts:
                    found.append((contact, fact._replace(payload=json.dumps(json.loads(fact.payload) | {"via": via})) if via else fact))
                if packet.known and packet.known != contact:
                    changes.add((contact, "identity", f"cookie:{packet.cookie}:{packet.known}", ""))
        mails = [p for p in packets if p.message]
        if mails:
            found += await self._mail_facts(connection, mails)
        if any(fact.kind in RARE for _, fact in found):
            found = await self._rare(connection, found)
        keys = await self._find_keys(connection, (fact for _, fact in found))
        rows: dict[tuple[int, int, int], Row] = {}
        for contact, fact in found:
            at = (contact, fact.ts, fact.id)
            known = rows.get(at)
            if known is None or (fact.value or 0) > (known[1].value or 0):
                rows[at] = (contact, fact, keys[fact.key_kind, fact.key])
        return rows, changes

    async def _mail_facts(self, connection: asyncpg.Connection, packets: Sequence[Packet]) -> list[tuple[int, Fact]]:
        """Opens and clicks with the e-mail they are of; those of a message that is no more are dropped."""
        moved = {int(old): new for old, new in await connection.fetch(MERGED, [str(p.contact) for p in packets])}
        whose = [(id, p.message) for p in packets for id in {p.contact, moved.get(p.contact, p.contact)}]  # a merge moves messages, a join leaves them
        found = {r[0]: r for r in await connection.fetch(MESSAGES, [id for id, _ in whose], [message for _, message in whose])}
        facts = []
        for packet in packets:
            message = found.get(packet.message)
            if message is None:
                continue
            _, email, sent, name, campaign = message
            early = packet.grace and (sent is None or packet.received - sent.timestamp() * 1000 < packet.grace)
            for fact in packet.facts:
                payload = evidence.early(fact.kind, fact.payload) if early else fact.payload
                if campaign is not None:
                    payload = f'{payload.rstrip()[:-1]}, "campaign": {campaign}}}'  # a payload has the message at least
                facts.append((moved.get(packet.contact, packet.contact), fact._replace(key=str(email or ""), label=name, payload=payload)))
        return facts

    async def _rare(self, connection: asyncpg.Connection, found: list[tuple[int, Fact]]) -> list[tuple[int, Fact]]:
        """Leave out events that nobody defined; note what visitors chose."""
        choices = {contact: fact.key for contact, fact in sorted(found, key=lambda one: one[1].ts) if fact.kind == Kind.TRACKING_CHOICE}
        if choices:
            await connection.execute(CHOICES, sorted(choices), [choices[contact] for contact in sorted(choices)])
        if not any(fact.kind == Kind.CUSTOM_EVENT for _, fact in found):
            return found
        age = time.monotonic() - self._defined_at
        if age > DEFINED or (age > 1 and any(fact.kind == Kind.CUSTOM_EVENT and fact.key not in self._defined for _, fact in found)):
            self._defined = {name: frozenset(properties) for name, properties in await connection.fetch(DEFINITIONS)}
            self._defined_at = time.monotonic()
            if self._undefined:
                log.warning("events came that nobody defined; they were left out", events=dict(self._undefined))
                self._undefined.clear()
        kept = []
        for contact, fact in found:
            if fact.kind == Kind.CUSTOM_EVENT:
                if fact.key not in self._defined:
                    if len(self._undefined) < 100:
                        self._undefined[fact.key] += 1
                    continue
                said = json.loads(fact.payload)
                said["properties"] = {name: value for name, value in said["properties"].items() if name in self._defined[fact.key]}
                fact = fact._replace(payload=json.dumps(said))
            kept.append((contact, fact))
        return kept

    async def _find_keys(self, connection: asyncpg.Connection, facts: Iterable[Fact]) -> dict[tuple[int, str], int]:
        """Key ids of the facts. A title is compared now and then only: some pages change it all the time."""
        now = time.monotonic()
        wanted: dict[tuple[int, str], str] = {}
        keys: dict[tuple[int, str], int] = {}
        for fact in facts:
            pair = (fact.key_kind, fact.key)
            if pair in keys:
                continue
            if not fact.key:
                keys[pair] = 0
                continue
            known = self._keys.get(pair)
            if known is not None and (fact.label in ("", known[1]) or now - known[2] < RENAME):
                keys[pair] = known[0]
            else:
                wanted[pair] = fact.label or wanted.get(pair, "")
        if wanted:
            pairs = sorted(wanted)
            columns = [kind for kind, _ in pairs], [value for _, value in pairs]
            await connection.execute(NEW_KEYS, *columns, [wanted[pair] for pair in pairs])
            found = {(kind, value): number for kind, value, number in await connection.fetch(KEYS, *columns)}
            keys |= found
            _remember(self._keys, {pair: (number, wanted[pair], now) for pair, number in found.items()})
        return keys

    async def _make_months(self, packets: Sequence[Packet]) -> None:
        """The partitions these packets need. Late hits may be of a month before this Baton was set up."""
        assert self._connection is not None
        for start in sorted({months.month(datetime.fromtimestamp(f.ts / 1000, UTC)) for p in packets for f in p.facts}):
            async with self._connection.transaction():
                await self._connection.execute(MONTHS, months.LOCK)  # two writers find the gap in the same moment
                if not await self._connection.fetchval(ATTACHED, months.name(start)):
                    for statement in months.statements(start):
                        await self._connection.execute(statement)


def _columns(changes: set[tuple[int, str, str, str]]) -> tuple[list[int], list[str], list[str], list[str]]:
    told = sorted(changes)
    return [c[0] for c in told], [c[1] for c in told], [c[2] for c in told], [c[3] for c in told]


def _remember(cache: dict[Any, Any], new: dict[Any, Any]) -> None:
    if len(cache) + len(new) > KEPT:
        cache.clear()
    cache.update(new)
