"""How fast campaigns leave, beside what the machine can do at all in the same rounds: postfix's smtp-source into the same smtp-sink, and bare signatures.

Mails of 21 kB, one durable row for each recipient. BENCH_PEOPLE: recipients of a round (20,000); BENCH_SENDERS: processes (2); BENCH_MANY: the large audience.
"""

import os
import statistics
import time
from typing import Any

import psutil

from bench import mailing

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "20000"))
SENDERS = int(os.environ.get("BENCH_SENDERS", "2"))
MANY = int(os.environ.get("BENCH_MANY", "1000000"))
ROUNDS = 5
PLAIN, SIGNED = 0.8, 0.55  # of smtp-source; of bare RSA-2048 signatures
SLOTS, BRANCHES = 60e-6, 250e-6  # seconds to build a letter: with values only, with conditions
FREEZE = 30.0  # seconds for the large audience
GROWTH = 1.15  # memory of a sender after the large audience's middle, of what it was before it
Row = dict[str, Any]


def sending() -> list[Row]:
    """Without a signature, then with one of RSA-2048; medians of interleaved rounds."""
    from django.db import connection

    with mailing.world(PEOPLE) as environment, mailing.sink() as port:
        campaign = mailing.campaign()
        plain = _rounds(environment, port, campaign, lambda: mailing.source(port, PEOPLE))
        _domain()
        signed = _rounds(environment, port, campaign, _signatures)
        connection.close()
    return [
        _row("campaign, messages a second", "smtp-source", plain, PLAIN),
        _row("campaign signed with RSA-2048, messages a second", "bare signatures", signed, SIGNED),
    ]


def _rounds(environment: dict[str, str], port: int, campaign: int, limit: Any) -> list[tuple[float, float]]:
    """(what the machine does, what we do) in messages a second, of each round."""
    from baton.messaging.campaigns import freeze
    from baton.platform import sql

    senders = mailing.Senders(environment, port, SENDERS)
    found = []
    try:
        for _ in range(ROUNDS):
            mailing.again(campaign)
            freeze.freeze(campaign)
            bare = limit()
            before = mailing.spent(senders, port)
            found.append((bare, PEOPLE / senders.run()))
            cost = {part: round((now - before[part]) / PEOPLE * 1e6) for part, now in mailing.spent(senders, port).items()}
            states = dict(sql.rows("SELECT state, count(*) FROM message GROUP BY 1"))
            print(f"  {bare:,.0f} and {found[-1][1]:,.0f} a second, load {os.getloadavg()[0]:.1f}; {states}; us of the processor a message: {cost}", flush=True)
            if states != {"sent": PEOPLE}:
                raise RuntimeError("not everybody was written to")
    finally:
        senders.stop()
    return found


def _row(name: str, limit: str, rounds: list[tuple[float, float]], goal: float) -> Row:
    ratio = statistics.median(ours / bare for bare, ours in rounds)
    return {
        "name": f"{name} (beside {limit})", "value": statistics.median(ours for _, ours in rounds), "unit": "/s",
        "limit": statistics.median(bare for bare, _ in rounds), "ratio": ratio, "goal": f"ratio >= {goal}", "ok": ratio >= goal,
    }  # fmt: skip


def _domain() -> None:
    """The sender's domain signs from now on."""
    from baton.messaging.deliverability import domains
    from baton.messaging.models import DkimKey
    from baton.platform.actor import SYSTEM

    made = domains.add("nuriwork.example", SYSTEM)
    if not DkimKey.objects.filter(domain=made, algorithm="rsa-sha256").exists():
        domains.make_key(made.pk, "rsa-sha256", SYSTEM)
    DkimKey.objects.filter(domain=made, algorithm="rsa-sha256").update(state="active")


def _signatures() -> float:
    """RSA-2048 signatures a second of one core."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(65537, 2048)
    began = time.process_time()
    for _ in range(1000):
        key.sign(b"x" * 500, padding.PKCS1v15(), hashes.SHA256())
    return 1000 / (time.process_time() - began)


def building() -> list[Row]:
    """Seconds of the processor for one letter of 21 kB, without a signature and without its part of the queries' time in the database."""
    rows = []
    with mailing.world(2000):
        from baton.messaging.mail import letters
        from baton.messaging.models import Email

        for name, conditions, goal in (("values only", False, SLOTS), ("with conditions", True, BRANCHES)):
            mailing.campaign(name, conditions)
            mail = Email.objects.get(name=name)
            people = [letters.Recipient(n, n) for n in range(1, 1001)]
            sizes = [len(letter.content) for letter in letters.build(mail.pk, 1, people, campaign_id=1)]
            times = []
            for _ in range(7):
                began = time.process_time()
                letters.build(mail.pk, 1, people, campaign_id=1)
                times.append((time.process_time() - began) / len(people))
            took = min(times)
            rows.append(
                {
                    "name": f"building a letter of {statistics.mean(sizes) / 1000:.0f} kB, {name}",
                    "value": took * 1e6,
                    "unit": "us",
                    "limit": None,
                    "ratio": None,
                    "goal": f"<= {goal * 1e6:.0f}",
                    "ok": took <= goal,
                }
            )
    return rows


def large() -> list[Row]:
    """A million people: the audience is frozen, and a sender's memory stays what it was."""
    from django.db import connection

    with mailing.world(MANY) as environment, mailing.sink() as port:
        from baton.messaging.campaigns import freeze
        from baton.platform import sql

        campaign = mailing.campaign()
        began = time.perf_counter()
        freeze.freeze(campaign)
        took = time.perf_counter() - began
        print(f"  frozen in {took:.1f} s", flush=True)
        senders = mailing.Senders(environment, port, 1)
        process = psutil.Process(senders.processes[0].pid)
        stdin = senders.processes[0].stdin
        assert stdin is not None
        stdin.write("go\n")
        stdin.flush()
        sizes, sent = list[float](), 0
        until = time.monotonic() + float(os.environ.get("BENCH_SECONDS", "600"))
        while time.monotonic() < until:
            time.sleep(2)
            sizes.append(process.memory_info().rss / 1e6)
            [(sent,)] = sql.rows("SELECT count(*) FROM message")
            if sent >= MANY:
                break
        senders.processes[0].kill()
        connection.close()
    early, late = sizes[min(len(sizes) - 1, 5)], max(sizes[len(sizes) // 2 :])
    print(f"  {sent:,} messages; memory in MB {[round(size) for size in sizes[:: max(1, len(sizes) // 10)]]}", flush=True)
    return [
        {"name": f"freezing {MANY:,} people", "value": took, "unit": "s", "limit": None, "ratio": None, "goal": f"< {FREEZE:.0f} s", "ok": took < FREEZE},
        {
            "name": f"a sender's memory after {sent:,} messages", "value": late, "unit": "MB", "limit": early, "ratio": late / early,
            "goal": f"ratio <= {GROWTH}", "ok": late / early <= GROWTH,
        },
    ]  # fmt: skip


BENCHES = {"sending": sending, "sending_building": building, "sending_large": large}
