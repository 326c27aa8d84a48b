"""What the measurements of sending share: a scratch database with people and a campaign to them, a sink, and senders as processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from django.db import connection

from bench.collector import DATABASE, ROOT, free_port, scratch, wait_until_open

SIZE = 21_000  # bytes of a mail on the wire
LINE = "이 문단은 소식지의 길이를 보통의 것과 같게 하려고 여기에 있습니다. "

PEOPLE = """
INSERT INTO contact (id, properties, created_at, updated_at, email, created_by, source)
SELECT n, jsonb_build_object('email', 'p' || n || '@d' || n %% 997 || '.example', 'firstname', '지우' || n, 'lastname', '서', 'city', 'Seoul'), now(), now(),
    'p' || n || '@d' || n %% 997 || '.example', 'system', 'bench'
FROM generate_series(1, %s) AS n
"""
CONSENT = """
INSERT INTO consent (contact_id, channel, granted, at, source, wording, actor)
SELECT n, 'email', true, now(), 'bench', '', 'system' FROM generate_series(1, %s) AS n
"""
MEMBERS = "INSERT INTO membership (contact_id, segment_id, joined_at, reason) SELECT n, %s, now(), '' FROM generate_series(1, %s) AS n"
UNINDEXED = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'contact' AND indexname NOT IN ('contact_pkey', 'contact_email')"


@contextmanager
def world(people: int) -> Iterator[dict[str, str]]:
    """A database of its own with this many people who agreed to mail, and this process connected to it; gives the variables for other processes."""
    with scratch() as environment:
        environment |= {"DJANGO_SETTINGS_MODULE": "baton.settings", "BATON_MAIL_FROM": "누리워크 <news@nuriwork.example>", "BATON_LOG_FORMAT": "text"}
        environment |= {"BATON_BASE_URL": "https://go.nuriwork.example"}
        os.environ.update(environment)
        import django

        django.setup()
        from baton.platform.config import config

        config.cache_clear()
        connection.close()
        connection.settings_dict["NAME"] = urlsplit(environment["BATON_DATABASE_URL"]).path.lstrip("/")
        from baton.cli.migrate import migrate

        migrate(quiet=True)
        fill(people)
        yield environment


def fill(people: int) -> None:
    """People, their agreement, and a list of all of them. The other indexes of contacts would cost most of the time and are not asked."""
    from baton.accounts.models import Account

    Account.objects.create(name="누리워크", postal_address="서울특별시 중구 세종대로 1", phone="02-1234-5678", contact_email="hello@nuriwork.example")
    with connection.cursor() as cursor:
        cursor.execute(UNINDEXED)
        for name, _definition in cursor.fetchall():
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute(PEOPLE, [people])
        cursor.execute(CONSENT, [people])
        cursor.execute("SELECT setval('message_id_seq', 1000)")
    from baton.segments.models import Segment

    everybody = Segment.objects.create(name="모두", kind="fixed", filter={})
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, [everybody.pk, people])
        cursor.execute("VACUUM ANALYZE contact, consent, membership")


def body(conditions: bool = False) -> str:
    """A mail's HTML with merge fields and ten links; on the wire about SIZE bytes, both parts together."""
    links = "".join(f'<p><a href="https://nuriwork.example/article/{n}">기사 {n}</a></p>' for n in range(10))
    branch = '{% if contact.city == "Seoul" %}<p>서울의 소식</p>{% else %}<p>다른 곳의 소식</p>{% endif %}' if conditions else ""
    filler = "".join(f'<p style="margin:0 0 16px;line-height:1.6">{LINE * times}</p>' for times in (*[2] * 12, 1))
    return f'<p>안녕하세요, {{{{ contact.firstname|default("고객") }}}} 님.</p>{branch}{links}{filler}'


def campaign(name: str = "소식지", conditions: bool = False) -> int:
    """A campaign to everybody that has begun and whose audience waits to be frozen."""
    from baton.messaging.campaigns import steering, verbs
    from baton.messaging.mail import emails
    from baton.platform.actor import SYSTEM

    mail = emails.create(name, SYSTEM, subject="{{ contact.firstname }} 님, 11월 소식입니다", body=body(conditions))
    made = verbs.create(name, SYSTEM, email_id=mail.pk, audience={"lists": [1]})
    steering.start(made.pk, SYSTEM)
    return made.pk


def again(campaign_id: int) -> None:
    """Nothing of it was sent."""
    from baton.platform import sql

    sql.run("TRUNCATE message, outbox, campaign_tally, campaign_chunk, event, change, sending_allowance")
    sql.run("UPDATE campaign SET state = 'preparing', started_at = NULL, ended_at = NULL, people = 0 WHERE id = %s", [campaign_id])


@contextmanager
def sink(*options: str, port: int = 0) -> Iterator[int]:
    """postfix's smtp-sink on a free port, which throws mail away."""
    port = port or free_port()
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", *options, f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield port
    finally:
        process.kill()
        process.wait()


def source(port: int, messages: int, connections: int = 16) -> float:
    """Messages a second of postfix's smtp-source, which keeps its connections and makes nothing."""
    began = time.perf_counter()
    command = ["smtp-source", "-d", "-s", str(connections), "-m", str(messages), "-l", str(SIZE), "-f", "a@b.example", "-t", "c@d.example"]
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return messages / (time.perf_counter() - began)


def spent(senders: "Senders", port: int) -> dict[str, float]:
    """Seconds of the processor so far: our processes, those of the database that work for us, and the sink."""
    ours = {process.pid for process in senders.processes}
    found = {"python": 0.0, "database": 0.0, "sink": 0.0}
    for process in psutil.process_iter(["name", "cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        part = "python" if process.pid in ours else "database" if f" {DATABASE} " in command else "sink" if f"127.0.0.1:{port}" in command else ""
        if part and (part != "sink" or process.info["name"] == "smtp-sink"):
            times = process.cpu_times()
            found[part] += times.user + times.system
    return found


class Senders:
    """Processes that send; each is warm before the clock starts."""

    def __init__(self, environment: dict[str, str], port: int, count: int) -> None:
        environment = {**environment, "BATON_SMTP_URL": f"smtp://127.0.0.1:{port}", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "ignore", str(Path(__file__).parent / "mailing_sender.py")]
        self.processes = [subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        for process in self.processes:
            assert process.stdout is not None
            process.stdout.readline()

    def run(self) -> float:
        """Seconds until nothing is left to send."""
        began = time.perf_counter()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in self.processes:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "done":
                raise RuntimeError("a sender died")
        return time.perf_counter() - began

    def stop(self) -> None:
        for process in self.processes:
            process.communicate(timeout=20)
