"""A worker may be killed at any point: the contact is enrolled once, each step runs once, no mail goes out twice.

Real processes on a real database and a real SMTP server. A child (killed_child.py) dies at one point between a form's
answer and the sent mail; others take over, with the clock moved past the leases, until nothing is left to do.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from baton.accounts.models import Account, Role, User
from baton.automation import enroll, verbs
from baton.automation.models import Enrollment, StepRun, Timer, Workflow
from baton.crm import consent, records
from baton.events import record
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.messaging.models import Email, Message, Notification, Outbox
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import waiting
from baton.segments import verbs as segments
from baton.segments.models import Membership, Score
from tests.journeys.killed_child import DIED
from tests.messaging.relay import Relay, free_port
from tests.running import PATIENCE
from tests.segments import scores

ROOT = Path(__file__).resolve().parents[2]

# In the order in which one worker passes them. True: the relay may or may not have the mail, so it must be visible as such.
POINTS = [
    ("baton.platform.changes:_take:before", False),
    ("baton.segments.locks:share:after", False),  # about to score
    ("baton.segments.scoring:some:after", False),
    ("baton.segments.refresh:_some:after", False),  # in the list, nothing told
    ("baton.segments.refresh:each:after", False),
    ("baton.segments.lifecycle:some:after", False),
    ("baton.automation.enroll:by_changes:before", False),
    ("baton.automation.enroll:_enter:after", False),  # enrolled, the tick not committed
    ("baton.platform.changes:tick:after", False),
    ("baton.automation.runner:run_due:before", False),
    ("baton.automation.steps.notify:Notify.run:after", False),
    ("baton.automation.steps.send_email:SendEmail.run:before", False),
    ("baton.messaging.outbox:add:after", False),  # in the outbox, the step not committed
    ("baton.crm.records:update_many:after", False),
    ("baton.automation.steps.set_property:SetProperty.run:after", False),
    ("baton.automation.runner:_Pass._save:before", False),
    ("baton.automation.runner:_Pass._save:after", False),
    ("baton.automation.runner:run_due:after", False),
    ("baton.messaging.sending.delivery:claim:before", False),
    ("baton.messaging.sending.delivery:claim:after", False),
    ("baton.messaging.sending.window:built:after", False),
    ("baton.messaging.sending.window:handing:before", False),
    ("baton.messaging.sending.window:handing:after", True),  # handing is committed, nothing is on the wire
    ("baton.messaging.sending.window:sent:before", True),
    ("baton.messaging.sending.window:sent:after", True),  # the relay has it, `sent` is not committed
    ("baton.messaging.sending.settle:settle:before", True),
    ("baton.messaging.sending.settle:settle:after", False),
    ("baton.messaging.sending.delivery:deliver:after", False),
]


class Workers:
    """Starts workers that send to a relay of their own."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        given = {key: str(connection.settings_dict[key]) for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")}
        who = quote(given["USER"]) + (f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else "")
        socket = given["HOST"] == "" or given["HOST"].startswith("/")
        where = "" if socket else given["HOST"] + (f":{given['PORT']}" if given["PORT"] else "")
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "baton.settings",
            "PYTHONPATH": str(ROOT),
            "BATON_DATABASE_URL": f"postgresql://{who}@{where}/{given['NAME']}" + (f"?host={given['HOST']}" if socket and given["HOST"] else ""),
            "BATON_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
            "BATON_MAIL_FROM": "누리워크 <news@nuriwork.example>",
        }
        command = [sys.executable, "-W", "ignore", str(ROOT / "tests/journeys/killed_child.py")]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, point: str, hours: float, what: str = "drains") -> int:
        """Run one until it has nothing to do or dies; returns its exit code. What went wrong in it is on standard error."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{point} {hours} {what}\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        assert code in (0, DIED)
        return code

    def stop(self) -> None:
        self.process.communicate(timeout=PATIENCE)
        self.relay.stop()


@pytest.fixture(scope="module")
def _workers(django_db_setup: None) -> Iterator[Workers]:
    relay = Relay(free_port())
    relay.start()
    workers = Workers(relay)
    yield workers
    workers.stop()


@pytest.fixture
def workers(_workers: Workers) -> Workers:
    _workers.relay.mails.clear()
    return _workers


def a_form_is_sent() -> tuple[int, Workflow]:
    """A live workflow, and one change in the queue: a contact sent its form, which is worth points, a list and a stage."""
    Account.objects.create(name="누리워크", postal_address="서울", phone="02-1234-5678", contact_email="hello@nuriwork.example")
    han = User.objects.create_user("han@nuriwork.example", name="한도윤", role=Role.SALES)
    email = Email.objects.create(name="서비스 소개", subject="안녕하세요", body='<p><a href="https://nuriwork.example/">누리워크</a></p>')
    form = Form.objects.create(name="상담 문의")
    steps = [
        {"id": "s1", "type": "notify", "title": "문의"},
        {"id": "s2", "type": "send_email", "email": email.pk},
        {"id": "s3", "type": "set_property", "property": "city", "value": "서울"},
    ]
    workflow = verbs.create("후속", SYSTEM, {"triggers": [{"type": "form_submitted", "form": form.pk}], "steps": steps})
    verbs.publish(workflow, SYSTEM)
    contact_id = records.create("contact", {"email": "jiwoo@gaon.example"}, actor=SYSTEM, source="test", owner_id=han.pk)
    consent.set([contact_id], "email", True, actor=SYSTEM, source="test")
    model = scores.create("점수", actor=SYSTEM)
    scores.define(model, "form", "form", {"condition": "form_submitted", "form": form.pk}, 40, actor=SYSTEM)
    segments.create_segment("뜨거운 리드", {"condition": "score", "at_least": 35}, "active", SYSTEM)
    record.add([record.NewEvent(contact_id, Kind.FORM_SUBMISSION, clock.now(), str(form.pk), form.name)])
    return contact_id, workflow


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("point", "unsure"), POINTS, ids=[p for p, _ in POINTS])
def test_nothing_is_lost_and_nothing_happens_twice(point: str, unsure: bool, workers: Workers) -> None:
    contact_id, _workflow = a_form_is_sent()
    assert workers.run(point, 0) == DIED, "the worker never came to this point"
    assert workers.run("-", 1) == 0
    assert workers.run("-", 2) == 0

    assert Enrollment.objects.filter(contact_id=contact_id).values_list("state", flat=True).get() == "finished"
    assert dict(StepRun.objects.filter(contact_id=contact_id).values_list("step", "outcome")) == {"s1": "done", "s2": "done", "s3": "done"}
    assert Event.objects.filter(contact_id=contact_id, kind__in=[Kind.WORKFLOW_ENROLLED, Kind.WORKFLOW_FINISHED]).count() == 2
    assert Notification.objects.filter(contact_id=contact_id).count() == 1
    assert records.get("contact", contact_id).properties["city"] == "서울"
    assert (waiting(), Timer.objects.count(), Outbox.objects.count()) == (0, 0, 0)

    assert Score.objects.get(contact_id=contact_id).total == 40
    assert list(Event.objects.filter(contact_id=contact_id, kind=Kind.SCORE_CHANGED).values_list("value", flat=True)) == [40]
    assert Membership.objects.filter(contact_id=contact_id).count() == 1
    assert Event.objects.filter(contact_id=contact_id, kind=Kind.SEGMENT_JOINED).count() == 1
    assert records.get("contact", contact_id).properties["lifecyclestage"] == "mql"
    assert Event.objects.filter(contact_id=contact_id, kind=Kind.STAGE_CHANGED, payload__to="mql").count() == 1
    assert sql.rows("SELECT count(*) FROM property_history WHERE record_id = %s AND name = 'city'", [contact_id]) == [(1,)]

    message = Message.objects.get(contact_id=contact_id)
    sent = Event.objects.filter(contact_id=contact_id, kind=Kind.EMAIL_SENT).count()
    if unsure:
        assert message.state == "unknown"
        assert message.reason == "interrupted"
        assert len(workers.relay.mails) <= 1
        assert sent == 0
    else:
        assert message.state == "sent"
        assert len(workers.relay.mails) == 1
        assert sent == 1


@pytest.mark.django_db(transaction=True)
def test_killed_at_every_point_in_a_row_it_still_gets_there(workers: Workers) -> None:
    """One contact, a worker that dies at every point in turn, each time an hour later."""
    contact_id, _workflow = a_form_is_sent()
    for hour, (point, unsure) in enumerate(POINTS):
        if not unsure:
            workers.run(point, hour)
    assert workers.run("-", len(POINTS)) == 0
    assert Message.objects.get(contact_id=contact_id).state == "sent"
    assert len(workers.relay.mails) == 1
    assert StepRun.objects.filter(contact_id=contact_id).count() == 3
    assert sql.rows("SELECT count(*) FROM notification") == [(1,)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["baton.segments.refresh:everyone:before", "baton.segments.refresh:_all:after", "baton.segments.refresh:everyone:after"])
def test_a_full_evaluation_that_was_killed_is_done_by_another_worker(point: str, workers: Workers) -> None:
    sql.run("DELETE FROM procrastinate_jobs")  # of the tests before: this table is not emptied behind them
    contact_id = records.create("contact", {"email": "jiwoo@gaon.example", "city": "서울"}, actor=SYSTEM, source="test")
    segment = segments.create_segment("서울", {"condition": "property", "property": "city", "operator": "is", "value": "서울"}, "active", SYSTEM)
    assert workers.run(point, 0, "jobs") == DIED
    segments.update_segment(segment, name="서울 사람", actor=SYSTEM, filter={"condition": "property", "property": "city", "operator": "known"})
    sql.run("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")
    for _ in range(2):  # the second job has the lock of the first, and a worker that does not wait leaves it to the next
        assert workers.run("-", 0, "jobs") == 0
    assert list(Membership.objects.values_list("contact_id", "segment_id")) == [(contact_id, segment.pk)]
    assert Event.objects.filter(contact_id=contact_id, kind=Kind.SEGMENT_JOINED).count() == 1
    left = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name LIKE %s"
    assert sql.rows(left, ["%evaluate_list"]) == [(0,)]  # others come by the clock


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_everything_once(workers: Workers) -> None:
    _contact_id, workflow = a_form_is_sent()
    people = [records.create("contact", {"email": f"p{n}@gaon.example"}, actor=SYSTEM, source="test") for n in range(80)]
    consent.set(people, "email", True, actor=SYSTEM, source="test")
    assert enroll.enroll(workflow, people, "hand", SYSTEM) == 80
    other = Workers(workers.relay)
    try:
        with ThreadPoolExecutor(2) as pool:
            codes = list(pool.map(lambda one: one.run("-", 0), (workers, other)))
    finally:
        other.process.communicate(timeout=PATIENCE)
    assert codes == [0, 0]
    assert workers.run("-", 0) == 0  # what one left to the other while it held a bucket
    assert len(workers.relay.mails) == 81
    assert len({to for to, _ in workers.relay.mails}) == 81
    assert StepRun.objects.filter(outcome="done").count() == 3 * 81
    assert Notification.objects.count() == 81
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}
    assert (waiting(), Timer.objects.count(), Outbox.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_wait_that_ends_while_the_workflow_is_paused_ends_once_when_it_goes_on(workers: Workers) -> None:
    contact_id, workflow = a_form_is_sent()
    assert workers.run("baton.automation.enroll:_enter:after", 0) == DIED
    verbs.pause(workflow, SYSTEM)
    assert workers.run("-", 1) == 0  # the form's answer came while nobody may enter
    assert not Enrollment.objects.exists()
    verbs.resume(workflow, SYSTEM)
    assert enroll.enroll(workflow, [contact_id], "hand", SYSTEM) == 1
    verbs.pause(workflow, SYSTEM)
    assert workers.run("-", 2) == 0
    assert Timer.objects.count() == 1
    verbs.resume(workflow, SYSTEM)
    assert workers.run("baton.automation.runner:_Pass._save:after", 3) == DIED
    assert workers.run("-", 4) == 0
    assert Enrollment.objects.get().state == "finished"
    assert len(workers.relay.mails) == 1
