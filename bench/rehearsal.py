"""The rehearsal of a five-step nurture for 10,000 people over 21 days: how long it takes, and what the bare statements of the same size take."""

import os
import time
from datetime import timedelta
from typing import Any

from bench import engine

PEOPLE, DAYS, GOAL = int(os.environ.get("BENCH_PEOPLE", "10000")), 21, 60.0
FILL = """
WITH made AS (
    INSERT INTO contact (id, properties, created_at, updated_at, email, created_by, source)
    SELECT nextval('record_id_seq'), '{}', %(at)s, %(at)s, 'b' || n || '@bench.example', 'system', 'bench'
    FROM generate_series(1, %(people)s) n RETURNING id
), agreed AS (
    INSERT INTO consent (contact_id, channel, granted, at, source, wording, proof, actor)
    SELECT id, 'email', true, %(at)s, 'bench', '', '{}', 'system' FROM made
)
INSERT INTO event (contact_id, ts, id, kind, key, payload)
SELECT id, %(at)s + (row_number() OVER (ORDER BY id)) * interval '6 days' / %(people)s, id, 5, %(key)s, '{}' FROM made
"""


def run() -> list[dict[str, Any]]:
    """One in three signs up within the first week; they get three mails, the others five. In the scratch database of the engine's measurements."""
    engine._world()
    from django.db import connection, transaction

    from baton.automation import graph, rehearse
    from baton.cli.worker import load_jobs
    from baton.events import keys
    from baton.events.vocabulary import Kind
    from baton.forms.models import Form
    from baton.messaging.models import Email
    from baton.platform import clock, sql

    load_jobs()
    start = clock.now() - timedelta(days=DAYS)
    with transaction.atomic():
        form = Form.objects.create(name="bench")
        emails = [Email.objects.create(name=f"bench {n}", subject="x", body="<p>x</p>", purpose="marketing").pk for n in range(5)]
        key = keys.ids(Kind.FORM_SUBMISSION, [str(form.pk)])[str(form.pk)]
        sql.run(FILL, {"at": start, "people": PEOPLE, "key": key})
        sql.run(
            "INSERT INTO property_history (record_id, id, object_type, name, old, new, actor, source, at)"
            " SELECT c.id, nextval('property_history_id_seq'), 'contact', 'city', NULL, '\"서울\"', 'system', 'bench', %s + (c.id %% 5) * interval '1 day'"
            " FROM contact c WHERE c.source = 'bench' AND c.id %% 3 = 0",
            [start + timedelta(days=1)],
        )
        sql.run("UPDATE contact SET properties = properties || '{\"city\": \"서울\"}' WHERE source = 'bench' AND id %% 3 = 0", {"none": 0})
        sql.run("ANALYZE contact; ANALYZE event")
        signed_up = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
        more = [
            {"id": "s6", "type": "send_email", "email": emails[3]},
            {"id": "s7", "type": "wait", "days": 7},
            {"id": "s8", "type": "send_email", "email": emails[4]},
        ]
        steps = [
            *({"id": f"s{n}", "type": "send_email", "email": emails[n - 1]} for n in (1, 2, 3)),
            {"id": "s4", "type": "wait", "days": 7},
            {"id": "s5", "type": "branch", "filter": signed_up, "paths": [{"label": "yes", "steps": []}, {"label": "no", "steps": more}]},
        ]
        asked = graph.parse({"triggers": [{"type": "form_submitted", "form": form.pk}], "steps": steps})
        began = time.perf_counter()
        result = rehearse.run(asked, rehearse.Past(7), start, DAYS)
        spent = time.perf_counter() - began
        sent = sum(mail["sent"] for mail in result.mails)
        limit = _bare(sent)
        transaction.set_rollback(True)
    connection.close()
    told = f"{result.people:,} people, {result.runs:,} runs, {sent:,} mails, {result.instants:,} instants"
    right = (result.people, result.ends) == (PEOPLE, {"finished": PEOPLE}) and sent > 3 * PEOPLE
    return [
        {
            "name": f"rehearsal of a nurture, {PEOPLE:,} people, {DAYS} days ({told})", "value": spent, "unit": "s", "limit": limit, "ratio": spent / limit,
            "goal": f"< {GOAL:.0f}", "ok": spent < GOAL and right,
        }
    ]  # fmt: skip


def _bare(rows: int) -> float:
    """Seconds for the rows alone that such a rehearsal leaves: a message, a step and two events for each mail, in temporary tables."""
    from baton.platform import sql

    began = time.perf_counter()
    for table in ("message", "step_run", "event"):
        sql.run(f"CREATE TEMP TABLE bare_{table} (LIKE {table} INCLUDING ALL) ON COMMIT DROP")
    sql.run("INSERT INTO bare_message SELECT n, n, n::text, 'email', 1, 'x', '', 'sent', '', 0, now(), now() FROM generate_series(1, %s) n", [rows])
    sql.run(
        "INSERT INTO bare_step_run (contact_id, enrollment_id, step, turn, workflow_id, outcome, detail, at)"
        " SELECT n, n, 's1', 0, 1, 'done', '{}', now() FROM generate_series(1, %s) n",
        [rows * 2],
    )
    sql.run("INSERT INTO bare_event SELECT n, now(), n, 10, 1, NULL, '{}' FROM generate_series(1, %s) n", [rows * 2])
    return time.perf_counter() - began


BENCHES = {"rehearsal": run}
