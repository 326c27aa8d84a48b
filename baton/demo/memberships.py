"""Since when somebody is in a list: from when its filter began to hold, as far as the history tells."""

import datetime as calendar
from collections import Counter
from datetime import datetime, timedelta

from baton.demo import tables
from baton.demo.book import Event
from baton.demo.copying import copy, update
from baton.demo.people import Person
from baton.demo.sample import Sample
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.segments import verbs
from baton.segments.models import Pin

DAYS = 35  # of which the sizes of lists are known


def date(sample: Sample) -> None:
    """Everybody joined now; move that to when the filter began to hold, as far as the history tells."""
    sql.run("DELETE FROM event WHERE kind = %s", [int(Kind.SEGMENT_JOINED)])
    by_id = {p.id: p for p in sample.people}
    names = {s.pk: (key, s.name) for key, s in sample.setting.lists.items()} | {sample.setting.attended.pk: ("attended", sample.setting.attended.name)}
    dated, events = [], []
    for contact_id, segment_id, since in sql.rows("SELECT contact_id, segment_id, joined_at FROM membership ORDER BY contact_id, segment_id"):
        key, name = names[segment_id]
        at = since if key == "attended" else sample.pinned.get((contact_id, key)) or joined(sample, by_id[contact_id], key)
        dated.append((contact_id, segment_id, at))
        events.append(Event(contact_id, at, Kind.SEGMENT_JOINED, str(segment_id), name, None, {}, sample.rng.getrandbits(52)))
    update("membership", "joined_at = r.at", "t.contact_id = r.id AND t.segment_id = r.segment", "id bigint, segment bigint, at timestamptz", dated)
    tables.events(events)
    _sizes(sample, dated)


def pin(sample: Sample) -> None:
    """Two decisions by hand, which win over the filter: who wants letters without having asked for them, and whom sales keeps out of the list of SQLs."""
    who, lists = Actor("user", sample.setting.users["한도윤"]), sample.setting.lists
    waiting = [p for p in sample.people[1:] if sample.journeys[p.id].stage == "sql" and not p.hits["optout"]]
    cold = next(p for p in sample.people[1:] if sample.journeys[p.id].stage == "nurturing" and not p.hits["newsletter"] and not p.hits["optout"])
    chosen = [("letter", "add", cold, "전시회에서 만나 뉴스레터를 요청하셨습니다")]
    chosen += [("sql", "remove", waiting[0], "본사 구매팀과 직접 이야기하기로 했습니다")] if waiting else []
    for number, (key, do, person, why) in enumerate(chosen):
        at = max(sample.now - timedelta(days=6 + 5 * number, hours=3), person.created + timedelta(seconds=2))
        getattr(verbs, do)(lists[key].pk, [person.id], who, why=why)
        Pin.objects.filter(contact_id=person.id, segment_id=lists[key].pk).update(at=at)
        sample.pinned[person.id, key] = at


def _sizes(sample: Sample, dated: list[tuple[int, int, datetime]]) -> None:
    """How large each list was at the end of the last days: whoever is in it now counts from when he came."""
    zone = config().zone
    today = sample.now.astimezone(zone).date()
    first = today - timedelta(days=DAYS)
    came: dict[int, Counter[calendar.date]] = {segment.pk: Counter() for segment in (*sample.setting.lists.values(), sample.setting.attended)}
    for _contact, segment_id, at in dated:
        came[segment_id][max(at.astimezone(zone).date(), first - timedelta(days=1))] += 1
    rows = []
    for segment_id, arrived in came.items():
        members = arrived[first - timedelta(days=1)]
        for day in (first + timedelta(days=n) for n in range(DAYS + 1)):
            members += arrived[day]
            rows.append((segment_id, day, members, arrived[day], 0))
    sql.run("DELETE FROM segment_day")
    copy("segment_day", ("segment_id", "day", "members", "joined", "departed"), rows)


def joined(sample: Sample, person: Person, key: str) -> datetime:
    gains, journey = sample.book.gains.get(person.id, {}), sample.journeys[person.id]
    at = {
        "sql": journey.at("sql"),
        "promising": journey.at("mql"),
        "mql": journey.at("mql"),
        "excluded": journey.at("opportunity") or journey.at("customer"),
        "almost_customers": journey.at("sql"),
        "stuck": journey.moves[-1][0] + timedelta(days=30),
        "letter": min(gains.get("newsletter", []), default=None),
        "pricing": sorted(gains.get("pricing", []))[-2:][0] if gains.get("pricing") else None,
        "asleep": person.seen + timedelta(days=90),
    }.get(key)
    return min(max(at or person.created, person.created) + timedelta(seconds=2), sample.now)
