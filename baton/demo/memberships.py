"""Since when somebody is in a list: from when its filter began to hold, as far as the history tells."""

from datetime import datetime, timedelta

from baton.demo import tables
from baton.demo.book import Event
from baton.demo.copying import update
from baton.demo.people import Person
from baton.demo.sample import Sample
from baton.events.vocabulary import Kind
from baton.platform import sql


def date(sample: Sample) -> None:
    """Everybody joined now; move that to when the filter began to hold, as far as the history tells."""
    sql.run("DELETE FROM event WHERE kind = %s", [int(Kind.SEGMENT_JOINED)])
    by_id = {p.id: p for p in sample.people}
    names = {s.pk: (key, s.name) for key, s in sample.setting.lists.items()} | {sample.setting.attended.pk: ("attended", sample.setting.attended.name)}
    dated, events = [], []
    for contact_id, segment_id, since in sql.rows("SELECT contact_id, segment_id, joined_at FROM membership ORDER BY contact_id, segment_id"):
        key, name = names[segment_id]
        at = since if key == "attended" else joined(sample, by_id[contact_id], key)
        dated.append((contact_id, segment_id, at))
        events.append(Event(contact_id, at, Kind.SEGMENT_JOINED, str(segment_id), name, None, {}, sample.rng.getrandbits(52)))
    update("membership", "joined_at = r.at", "t.contact_id = r.id AND t.segment_id = r.segment", "id bigint, segment bigint, at timestamptz", dated)
    tables.events(events)


def joined(sample: Sample, person: Person, key: str) -> datetime:
    gains, journey = sample.book.gains.get(person.id, {}), sample.journeys[person.id]
    at = {
        "sql": journey.at("sql"),
        "mql": journey.at("mql"),
        "letter": min(gains.get("newsletter", []), default=None),
        "pricing": sorted(gains.get("pricing", []))[-2:][0] if gains.get("pricing") else None,
        "asleep": person.seen + timedelta(days=90),
    }.get(key)
    return min(max(at or person.created, person.created) + timedelta(seconds=2), sample.now)
