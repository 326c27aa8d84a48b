"""Calls to other people's servers: signed, tried again, answered once; what an answer says is there for later steps. The receiver is a real server."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from baton.automation import calls, enroll, graph, sealed, verbs
from baton.automation.models import Call, Enrollment, StepRun, Timer, Workflow
from baton.automation.step import Batch, Standing
from baton.automation.steps.webhook import Webhook
from baton.crm import records
from baton.platform import clock, http
from baton.platform.actor import SYSTEM
from baton.platform.config import Config
from tests.automation.conftest import contact, drain

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
KEY = "a-long-signing-secret"


@dataclass
class Receiver:
    """What came, and what is answered: for each path a list of (status, headers, body), the last one from then on."""

    url: str = ""
    came: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, str], str]]] = field(default_factory=dict)
    pause: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    allowed = Config(base_url="https://baton.example", allow_private_webhooks="127.0.0.1/32")
    monkeypatch.setattr(http, "config", lambda: allowed)
    it = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            it.came.append({"method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body})
            ways = it.answers.get(self.path.split("?")[0], [(200, {}, "{}")])
            status, headers, text = ways.pop(0) if len(ways) > 1 else ways[0]
            if status == 0:
                it.pause.wait(5)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield it
    it.pause.set()
    server.shutdown()
    thread.join()
    server.server_close()


def hook(receiver: Receiver, path: str = "/in", **fields: Any) -> dict[str, Any]:
    return {"id": "s1", "type": "webhook", "url": receiver.url + path, "key_to_sign": KEY, **fields}


def work() -> None:
    """The runner and the sender, until nothing is left to do now."""
    drain()
    while calls.send_due():
        drain()


def good(came: dict[str, Any]) -> bool:
    """As the documentation tells a receiver to check (docs/workflow-webhooks.md)."""
    parts = dict(part.split("=", 1) for part in came["headers"]["x-baton-signature"].split(","))
    said = "\n".join((parts["t"], came["method"], came["path"], came["body"]))
    return hmac.compare_digest(hmac.new(KEY.encode(), said.encode(), hashlib.sha256).hexdigest(), parts["v1"])


def test_an_answer_goes_into_later_steps_and_the_call_is_signed_and_keyed(live: Live, receiver: Receiver) -> None:
    receiver.answers["/people/A%26B%2F1"] = [(200, {}, json.dumps({"data": {"plan": "프로", "seats": [{"n": 12}], "none": None}}))]
    step = hook(
        receiver, "/people/{{ contact.city }}?from=baton",
        body={"email": "{{ contact.email }}", "employees": "{{ contact.numberofemployees }}", "gone": "{{ contact.nothing }}", "line": "{{ contact.city }} 님"},
        headers={"X-Team": "crm"}, secret_header="Authorization", secret_value="Bearer 1234",
        keep={"plan": "$.data.plan", "seats": "data.seats[0].n", "none": "$.data.none"},
    )  # fmt: skip
    answer = {"id": "s3", "type": "set_property", "property": "jobtitle", "value": "{{ steps.s1.plan }} {{ steps.s1.seats }}"}
    failed = {"id": "s4", "type": "set_property", "property": "jobtitle", "value": "실패"}
    workflow = live({**step, "paths": [{"label": "ok", "steps": [answer]}, {"label": "error", "steps": [failed]}]})
    jiwoo = contact(city="A&B/1", numberofemployees=12)
    enroll.enroll(workflow, [jiwoo], "test", SYSTEM)
    drain()
    assert StepRun.objects.get(step="s1").outcome == "waiting"
    assert not receiver.came, "nothing leaves within the step's transaction"
    work()
    [came] = receiver.came
    assert came["path"] == "/people/A%26B%2F1?from=baton"
    assert json.loads(came["body"]) == {"email": "jiwoo@gaon.example", "employees": 12, "gone": None, "line": "A&B/1 님"}
    run = Enrollment.objects.get(contact_id=jiwoo)
    assert came["headers"]["idempotency-key"] == f"step:{run.id}:s1"
    assert (came["headers"]["authorization"], came["headers"]["x-team"], came["headers"]["content-type"]) == ("Bearer 1234", "crm", "application/json")
    assert good(came)
    assert StepRun.objects.get(step="s1").outcome == "ok"
    assert run.data["s1"] == {"status": 200, "plan": "프로", "seats": 12}
    assert records.get("contact", jiwoo).properties["jobtitle"] == "프로 12"
    assert run.state == "finished"
    for stored in (json.dumps(workflow.draft), Call.objects.get().headers, repr(Call.objects.values().get())):
        assert "1234" not in str(stored)
        assert KEY not in str(stored)


def test_two_failures_and_then_an_answer_are_one_answer_later(live: Live, receiver: Receiver) -> None:
    receiver.answers["/in"] = [(503, {}, ""), (429, {"Retry-After": "7200"}, ""), (201, {}, "no json")]
    workflow = live(hook(receiver, keep={"id": "id"}))
    enroll.enroll(workflow, [contact(), contact("minho@gaon.example"), contact("sora@gaon.example")], "test", SYSTEM)
    receiver.answers["/in"] = receiver.answers["/in"][:1] * 3 + receiver.answers["/in"][1:2] * 3 + receiver.answers["/in"][2:]
    work()
    assert (len(receiver.came), StepRun.objects.filter(outcome="waiting").count()) == (3, 3)
    for hours, tries in ((0.1, 6), (1.5, 6), (2.2, 9)):  # what was asked for by Retry-After is kept to
        clock.shift(timedelta(hours=hours))
        work()
        assert len(receiver.came) == tries
    assert set(StepRun.objects.values_list("outcome", flat=True)) == {"ok"}
    assert StepRun.objects.first().detail["tries"] == 3  # type: ignore[union-attr]
    assert len({c["headers"]["idempotency-key"] for c in receiver.came}) == 3, "all tries of a run carry the same key"
    assert all(good(c) for c in receiver.came)
    clock.shift(timedelta(days=3))
    work()
    assert len(receiver.came) == 9, "never again after an answer"
    clock.shift(timedelta(days=100))
    assert calls.forget() == 3


def test_what_cannot_be_answered_takes_the_other_way_with_the_reason(live: Live, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by the receiver, sent elsewhere, a private address, too slow: each is said; slow ones are tried so often as was asked."""
    monkeypatch.setattr(calls, "PATIENCE", 0.2)
    receiver.answers |= {
        "/no": [(422, {}, "Authorization: Bearer 1234")],
        "/elsewhere": [(302, {"Location": "http://169.254.169.254/latest/meta-data/"}, "")],
        "/slow": [(0, {}, "")],
    }
    found = {}
    for name, url in (("no", "/no"), ("elsewhere", "/elsewhere"), ("slow", "/slow"), ("private", "http://10.0.0.1/in")):
        step = hook(receiver, url, tries=2) if url.startswith("/") else {**hook(receiver), "url": url}
        workflow = live({**step, "paths": [{"label": "error", "steps": [{"id": "s2", "type": "set_property", "property": "city", "value": name}]}]})
        person = contact(f"{name}@gaon.example")
        enroll.enroll(workflow, [person], "test", SYSTEM)
        found[name] = person
    work()
    clock.shift(timedelta(minutes=5))
    work()
    reasons = {name: StepRun.objects.get(contact_id=id, step="s1") for name, id in found.items()}
    assert {name: run.outcome for name, run in reasons.items()} == dict.fromkeys(found, "error")
    assert (reasons["no"].detail["reason"], reasons["elsewhere"].detail["reason"]) == ("HTTP 422", "HTTP 302")
    assert "private network" in reasons["private"].detail["reason"]
    assert (reasons["slow"].detail["tries"], "127.0.0.1" in reasons["slow"].detail["reason"]) == (2, True)
    assert records.get("contact", found["private"]).properties["city"] == "private"
    assert [c["path"] for c in receiver.came].count("/slow") == 2
    assert not any("latest" in c["path"] for c in receiver.came)


def test_a_worker_that_died_is_followed_by_another_and_a_run_that_left_sends_nothing(live: Live, receiver: Receiver) -> None:
    workflow = live(hook(receiver))
    jiwoo, minho = contact(), contact("minho@gaon.example")
    enroll.enroll(workflow, [jiwoo], "test", SYSTEM)
    drain()
    [taken] = calls._claim()  # and then the worker dies
    work()
    assert not receiver.came, "another worker leaves it alone while the lease runs"
    clock.shift(calls.LEASE + timedelta(seconds=1))
    verbs.pause(workflow, SYSTEM)
    work()
    assert not receiver.came, "a paused workflow sends nothing"
    verbs.resume(workflow, SYSTEM)
    work()
    assert len(receiver.came) == 1
    calls._store(taken, calls._Result("queued", 503, trouble="late"))  # the dead one was only slow
    assert Call.objects.get().state == "done"
    enroll.enroll(workflow, [minho], "test", SYSTEM)
    drain()
    Enrollment.objects.filter(contact_id=minho).update(state="removed")
    work()
    assert len(receiver.came) == 1
    assert Call.objects.get(contact_id=minho).trouble == "ended"


def test_a_rehearsal_calls_nobody(live: Live, receiver: Receiver) -> None:
    workflow = live(hook(receiver))
    step = graph.of(workflow.published_id or 0).get("s1")
    assert step is not None
    batch = Batch(workflow.pk, "s1", clock.now(), [Standing(contact(), 1)], rehearsal=True)
    step.run(batch)
    assert batch.effects[1].path == "ok"
    work()
    assert not receiver.came
    assert not Timer.objects.exists()


def test_what_is_wrong_is_said_before_publishing_and_secrets_are_never_stored_plain() -> None:
    step = Webhook(
        id="s1", url="https://{{ contact.website }}/in", body={"a": "{{ contact. }}"}, headers={"bad name": "x", "X-Ok": "한글"},
        secret_header="Authorization", key_to_sign="short", keep={"no name": "$.a", "b": "$..["},
    )  # fmt: skip
    assert {p.path for p in step.problems()} == {"url", "body.a", "headers.bad name", "headers.X-Ok", "secret_value", "key_to_sign", "keep.no name", "keep.b"}
    assert Webhook(id="s1").unfilled() == ["url", "key_to_sign"]
    again = Webhook.model_validate(step.model_dump(mode="json"))
    assert again.key_to_sign == step.key_to_sign
    assert step.key_to_sign.startswith(sealed.MARK)
    assert sealed.open(step.key_to_sign) == "short"
    assert not Webhook(id="s1", url="https://api.example/x?{{ contact.id }}", key_to_sign=KEY).problems()


def test_a_secret_goes_to_the_server_it_was_entered_for_and_to_no_other() -> None:
    step = Webhook(id="s1", url="https://api.partner.example/in", secret_header="Authorization", secret_value="Bearer 1234", key_to_sign="0123456789abcdef")
    assert step.problems() == []
    assert "1234" not in str(step.model_dump())
    elsewhere = Webhook.model_validate({**step.model_dump(exclude={"paths"}), "url": "https://api.else.example/in"})
    assert [(p.path, p.code) for p in elsewhere.problems()] == [("secret_value", "OTHER_SERVER")]
    assert sealed.bound(step.secret_value, "api.partner.example") == "Bearer 1234"
    with pytest.raises(sealed.Elsewhere):
        sealed.bound(step.secret_value, "api.else.example")
