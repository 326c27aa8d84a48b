"""Rehearsals: nothing real changes, nobody is told, nobody is held up; test files say what was expected and what came."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import InternalError, connection, transaction

from baton.accounts.models import Account
from baton.automation import graph, journeys, rehearsals, rehearse, shadow, verbs
from baton.automation.ghosts import Fact, Ghost
from baton.automation.models import Rehearsal, Workflow
from baton.cli.worker import load_jobs
from baton.crm import consent, records
from baton.events import record
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.messaging.models import Email
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid

START = datetime(2026, 11, 2, tzinfo=UTC)
NAMES = ["환영", "시작하기", "팀 초대", "도입 사례", "상담 제안"]


@pytest.fixture
def nurture(account: Account) -> Workflow:
    """Three mails; after a week two more for those who have not signed up."""
    load_jobs()
    with clock.stopped(START - timedelta(days=1)):
        emails = [Email.objects.create(name=name, subject=name, body="<p>내용</p>", purpose="marketing").pk for name in NAMES]
        Form.objects.create(name="무료 체험")
        signed_up = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
        more = [
            {"id": "s6", "type": "send_email", "email": emails[3]},
            {"id": "s7", "type": "wait", "days": 7},
            {"id": "s8", "type": "send_email", "email": emails[4]},
        ]
        steps: list[dict[str, Any]] = [{"id": f"s{n}", "type": "send_email", "email": emails[n - 1]} for n in (1, 2, 3)]
        steps += [{"id": "s4", "type": "wait", "days": 7}]
        steps += [{"id": "s5", "type": "branch", "filter": signed_up, "paths": [{"label": "yes", "steps": []}, {"label": "no", "steps": more}]}]
        return verbs.create("가입 육성", SYSTEM, {"triggers": [{"type": "form_submitted", "form": None}], "steps": steps})


FILE = """
workflow: 가입 육성
start: 2026-11-02 09:00
days: 21
contacts:
  joined:
    properties: {email: kim@hanbit.example}
    facts: [{day: 0, form: 무료 체험}, {day: 3, at: "14:00", property: {city: 서울}}]
  waiting:
    properties: {email: lee@gaon.example}
    facts: [{day: 0, form: 무료 체험}]
  silent:
    properties: {email: park@gaon.example}
    consent: false
    facts: [{day: 0, form: 무료 체험}]
expect:
  contacts:
    joined: {path: [s1, s2, s3, s4, s5=yes], mails: [{day: 0, mail: 환영}, {day: 0, mail: 시작하기}, {day: 0, mail: 팀 초대}], ends: finished}
    waiting:
      path: [s1, s2, s3, s4, s5=no, s6, s7, s8]
      mails: [환영, 시작하기, 팀 초대, {day: 7, mail: 도입 사례}, {day: 14, mail: 상담 제안}]
    silent: {mails: [{mail: 환영, skipped: no_consent}, {mail: 시작하기, skipped: no_consent}, {mail: 팀 초대, skipped: no_consent},
                     {day: 7, mail: 도입 사례, skipped: no_consent}, {day: 14, mail: 상담 제안, skipped: no_consent}]}
  counts: [{step: s4, day: 0, came: 3, waiting: 3}, {step: s6, day: 7, came: 2}, {step: s7, waiting: 0}]
  messages: {sent: 8, skipped: 5}
  ends: {finished: 3}
"""


def everything() -> dict[str, tuple[Any, ...]]:
    """Each real table: how many rows, which transactions wrote them, and a digest of all they hold. Sequences too."""
    names = [n for (n,) in sql.rows("SELECT c.relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")]
    found = {n: sql.rows(f"SELECT count(*), max(xmin::text::bigint), md5(string_agg(t::text, '' ORDER BY t::text)) FROM public.\"{n}\" t")[0] for n in names}
    return found | {f"sequence {n}": (last,) for n, last in sql.rows("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")}


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What the database tells those who listen."""
    got: list[str] = []
    info = connection.get_connection_params()
    words = {key: info[key] for key in ("dbname", "user", "password", "host", "port") if info.get(key)}
    with psycopg.connect(**words, autocommit=True) as listener:
        for channel in ("baton_change", "baton_timer", "baton_outbox", "baton_live"):
            listener.execute(f"LISTEN {channel}")
        yield got
        got += [notice.channel for notice in listener.notifies(timeout=0, stop_after=None)]


def test_a_file_says_what_came_and_what_was_expected(nurture: Workflow, tmp_path: Path) -> None:
    outcome = journeys.run(FILE, tmp_path)
    assert outcome.failures == []
    assert outcome.result is not None
    assert outcome.result.notes == []
    wrong = (
        FILE.replace("s5=yes]", "s5=no, s6]")
        .replace("{day: 14, mail: 상담 제안}]\n    silent", "{day: 13, mail: 상담 제안}]\n    silent")
        .replace("sent: 8", "sent: 9")
    )
    failures = journeys.run(wrong, tmp_path).failures
    assert len(failures) == 3
    assert "s1 s2 s3 s4 s5=no, s6" not in failures[0]
    assert "s1 s2 s3 s4 s5=yes" in failures[0]
    assert "13" in failures[1]
    assert "14" in failures[1]
    assert "9" in failures[2]
    assert "8" in failures[2]
    with pytest.raises(Invalid) as error:
        journeys.run(FILE.replace("form: 무료 체험}]", "form: 없는 폼}]").replace("step: s6", "step: s66"), tmp_path)
    assert {p.path for p in error.value.problems} == {"contacts.waiting.facts[0].form", "contacts.silent.facts[0].form", "expect.counts[1].step"}


@pytest.mark.django_db(transaction=True)
def test_nothing_real_changes_and_nobody_hears_of_it(nurture: Workflow, heard: list[str]) -> None:
    with clock.stopped(START):
        jiwoo = records.create("contact", {"email": "jiwoo@gaon.example"}, actor=SYSTEM, source="test")
        consent.set([jiwoo], "email", True, actor=SYSTEM, source="test")
        record.add([record.NewEvent(jiwoo, Kind.FORM_SUBMISSION, START + timedelta(days=1), str(Form.objects.get().pk))])
        while changes.tick():
            pass
    with clock.stopped(START + timedelta(days=5)):
        records.update("contact", jiwoo, {"city": "서울"}, actor=SYSTEM, source="test")
        while changes.tick():
            pass
    before = everything()
    heard.clear()
    asked = graph.parse(nurture.draft)
    past = rehearse.run(asked, rehearse.Past(10), START, 21, workflow=nurture)
    assert (past.people, past.runs, past.ends) == (1, 1, {"finished": 1})
    assert [step["step"] for step in past.paths[0]["runs"][0]["walked"]] == ["s1", "s2", "s3", "s4", "s5"]  # signed up on the fifth day
    kept = json.dumps(rehearsals._kept(past, rehearse.Past(10)))
    assert (str(jiwoo) in kept, "jiwoo" in kept) == (True, False)  # who is erased leaves nothing in it
    calls = {"id": "s9", "type": "webhook", "url": "https://hooks.example/{{ contact.email }}", "key_to_sign": "long enough to sign"}
    calling = graph.parse({**nurture.draft, "steps": [calls, *nurture.draft["steps"]]})
    kim = [Ghost("kim", {"email": "kim@hanbit.example"}, True, [Fact(START, "enroll")])]
    told = rehearse.run(calling, rehearse.Ghosts(kim), START, 10, workflow=nurture)
    assert [(one["step"], one["url"], one["count"]) for one in told.calls] == [("s9", "https://hooks.example/kim%40hanbit.example", 1)]
    assert everything() == before

    # While one is under way, workers are not held up: no lock of theirs is taken, no row, and the real tables cannot be written.
    def others() -> list[tuple[Any, ...]]:
        return sql.rows("SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('advisory', 'tuple')")

    with shadow.world("SELECT id FROM contact"):
        changes.hold([jiwoo])
        records.update("contact", jiwoo, {"city": "부산"}, actor=SYSTEM, source="test")
        assert others() == []
        held = sql.rows(
            "SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid()"
            " AND c.relnamespace = 'public'::regnamespace AND l.mode <> 'AccessShareLock' AND c.relkind <> 'S'"
        )
        assert held == []
        with pytest.raises(InternalError, match="read-only"), transaction.atomic():
            sql.run("UPDATE public.contact SET email = 'x'")
    assert everything() == before
    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_one_that_was_asked_for_is_kept_with_its_result(nurture: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts = [{"name": "kim", "properties": {"email": "kim@hanbit.example"}, "facts": [{"at": START.isoformat(), "kind": "enroll"}]}]
    asked = {"population": "ghosts", "start": START.isoformat(), "days": 21, "contacts": contacts}
    made = rehearsals.ask(nurture, asked, actor=SYSTEM)
    rehearsals.run(made.pk)
    made.refresh_from_db()
    assert (made.state, made.progress, made.result["ends"]) == ("done", 100, {"finished": 1})
    stopped = rehearsals.ask(nurture, asked, actor=SYSTEM)
    monkeypatch.setattr(rehearsals, "PACE", 0)
    told = rehearsals._Beside.__call__

    def cancelled(self: Any, percent: int) -> bool:
        Rehearsal.objects.filter(pk=-1)  # the rehearsal's own tables; somebody else's connection stops it
        self.connection.cursor().execute("UPDATE workflow_rehearsal SET state = 'cancelled' WHERE id = %s", [self.id])
        return told(self, percent)

    monkeypatch.setattr(rehearsals._Beside, "__call__", cancelled)
    rehearsals.run(stopped.pk)
    stopped.refresh_from_db()
    assert (stopped.state, stopped.result) == ("cancelled", {})


def test_what_cannot_be_rehearsed_is_said(nurture: Workflow) -> None:
    asked = graph.parse(nurture.draft)
    for population, start, days, path in (
        (rehearse.Past(30), clock.now() + timedelta(days=1), 10, "start"),
        (rehearse.Past(30), START, 500, "days"),
        (rehearse.Ghosts([Ghost("a"), Ghost("a")]), START, 10, "contacts"),
        (rehearse.Ghosts([Ghost("a", {}, True, [Fact(START, "flies")])]), START, 10, "contacts.a.facts"),
    ):
        with pytest.raises(Invalid) as error:
            rehearse.run(asked, population, start, days)
        assert error.value.problems[0].path == path
