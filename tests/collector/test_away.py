"""The database goes away under traffic: nothing is lost, nothing is counted twice."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from baton.collector.buffer import Refused
from baton.collector.packet import Packet, of_mail
from baton.collector.spill import Spill
from baton.collector.store import Store
from baton.events import identity
from baton.events.vocabulary import Kind
from baton.platform import sql
from tests.collector.running import COOKIE, Running, events, now_ms, view, wait_for
from tests.running import PATIENCE


def recorded(count: int) -> bool:
    return len(events()) == count


def test_some_seconds_away_under_traffic(collector: Running) -> None:
    statuses: list[int] = []
    longest = 0.0
    number = 0

    def send() -> None:
        nonlocal number, longest
        number += 2
        began = time.monotonic()
        statuses.append(collector.hits(view(number), cookie=f"{number % 7:032x}").status_code)
        longest = max(longest, time.monotonic() - began)

    for _ in range(20):
        send()
    collector.cut()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        send()
        time.sleep(0.02)
    assert statuses[-1] == 202
    collector.mend()
    last = view(1_000_000)
    wait_for(lambda: collector.hits(last).status_code == 204)
    for _ in range(20):
        send()
    assert set(statuses) == {204, 202}
    assert statuses[-1] == 204
    assert longest < PATIENCE / 4  # nobody waits for the database
    wait_for(lambda: recorded(len(statuses) + 1))
    assert sorted(e[4] for e in events()) == sorted([1_000_000, *(2 * (i + 1) for i in range(len(statuses)))])
    assert sql.rows("SELECT count(*) FROM identity WHERE kind = 'cookie'") == [(8,)]
    wait_for(lambda: not list(collector.folder.glob("spill/*.jsonl")))


def test_what_was_kept_survives_a_restart(collector: Running) -> None:
    collector.cut()
    assert collector.hits(view(2)).status_code == 202
    assert collector.hits(view(4)).status_code == 202
    collector.stop()
    collector.start()
    assert collector.hits(view(6)).status_code == 202
    collector.mend()
    wait_for(lambda: recorded(3))
    assert identity.visitor(COOKIE) == events()[0][0]


def test_a_delivery_cut_in_the_middle_is_finished_once(collector: Running) -> None:
    collector.cut()
    for number in range(2, 22, 2):
        collector.hits(view(number, at=now_ms() - 1000))
    for _ in range(6):
        collector.mend()
        time.sleep(0.15)
        collector.cut()
        time.sleep(0.1)
    collector.mend()
    wait_for(lambda: recorded(10))


def test_a_commit_whose_answer_was_lost_counts_once(collector: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction went through, the line broke before the answer: the hit is kept and delivered again."""
    original, broken = Store._write, False

    async def write_and_break(store: Store, packets: list[Packet]) -> None:
        nonlocal broken
        await original(store, packets)
        if not broken:
            broken = True
            raise ConnectionResetError

    monkeypatch.setattr(Store, "_write", write_and_break)
    assert collector.hits(view(2)).status_code == 202
    assert recorded(1)
    wait_for(lambda: not list(collector.folder.glob("spill/*.jsonl")))
    assert recorded(1)
    assert sql.rows("SELECT count(*) FROM change") == [(1,)]


def test_a_full_disk_budget_turns_hits_away_for_a_while(collector: Running) -> None:
    collector.stop()
    collector.start(spill_limit=600)
    collector.cut()
    statuses = [collector.hits(view(number)).status_code for number in (2, 4, 6, 8)]
    assert statuses[0] == 202
    assert statuses[-1] == 503
    answer = collector.hits(view(10))
    assert int(answer.headers["retry-after"]) > 0
    collector.mend()
    wait_for(lambda: recorded(statuses.count(202)))
    wait_for(lambda: collector.hits(view(12)).status_code == 204)


def test_a_line_that_was_cut_by_a_crash_is_left_out(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    spill.append([Packet(1, [], cookie=COOKIE), Packet(2, [], cookie=COOKIE)])
    spill.finish()
    [path] = spill.segments()
    path.write_bytes(path.read_bytes()[:-20])
    with spill.take(path) as packets:
        assert [p.received for p in packets or []] == [1]
    assert spill.segments() == []


def test_a_file_is_delivered_by_one_process(tmp_path: Path) -> None:
    mine, other = Spill(tmp_path), Spill(tmp_path)
    mine.append([Packet(1, [], cookie=COOKIE)])
    [path] = other.segments()
    with other.take(path) as packets:
        assert packets is None  # still being written
    mine.finish()
    with mine.take(path) as first, other.take(path) as second:
        assert first is not None
        assert second is None


def test_a_packet_the_database_refuses_does_not_hold_up_the_others(collector: Running) -> None:
    bad = of_mail(Kind.EMAIL_OPEN, 1, 1 << 70, now_ms(), grace=0, machine="", payload={})  # an id that no bigint holds

    async def both() -> tuple[Any, Any]:
        body = {"v": 1, "c": COOKIE, "s": now_ms(), "h": [view(2)]}
        refused, answer = await asyncio.gather(collector.app.buffer.put(bad), collector.http.post("/t/e", json=body), return_exceptions=True)
        return refused, answer

    refused, answer = collector.do(both())
    assert isinstance(refused, Refused)
    assert answer.status_code == 204
    assert recorded(1)
    assert (collector.folder / "spill" / "refused.lines").exists()
