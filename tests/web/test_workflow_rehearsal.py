"""The page of a workflow's rehearsals: asked for, under way, with its result; what was wrong stays beside the form."""

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account
from baton.automation import rehearsals, verbs
from baton.automation.models import Rehearsal, Workflow
from baton.cli.worker import load_jobs
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def marketer(client: Client, account: Account) -> Client:
    client.force_login(users.create("oh@nuriwork.example", "오세린", "baton-demo-1", "marketing", actor=SYSTEM, language="en"))
    return client


@pytest.fixture
def workflow(account: Account) -> Workflow:
    load_jobs()
    email = Email.objects.create(name="환영", subject="환영합니다", body="<p>내용</p>", purpose="marketing")
    steps = [
        {"id": "s1", "type": "send_email", "email": email.pk},
        {"id": "s2", "type": "wait", "days": 7},
        {"id": "s3", "type": "send_email", "email": email.pk},
    ]
    return verbs.create("육성", SYSTEM, {"triggers": [{"type": "manual"}], "steps": steps})


def test_made_up_contacts_are_led_and_their_ways_are_shown(marketer: Client, workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    at = f"/workflows/{workflow.pk}/rehearsal/"
    assert "Not rehearsed yet" in marketer.get(at).content.decode()
    contacts = "kim:\n  properties: {email: kim@hanbit.example, lastname: 김}\n  facts: [{day: 0, enroll: true}]\n"
    given = {"population": "ghosts", "version": "draft", "days": "14", "start": "2026-11-02T09:00", "contacts": contacts}
    wrong = marketer.post(f"{at}start/", {**given, "contacts": contacts.replace("enroll", "flies")})
    assert wrong.status_code == 422
    assert "contacts.kim.facts[0]" in wrong.content.decode()
    assert "flies" in wrong.content.decode()  # what was written is still there
    answer = marketer.post(f"{at}start/", given)
    assert answer.status_code == 302
    assert 'hx-trigger="every 1s"' in marketer.get(answer["Location"]).content.decode()
    assert marketer.post(f"{at}start/", given).status_code == 409  # one at a time
    monkeypatch.setattr(rehearsals._Beside, "__call__", lambda self, percent: True)  # another connection does not see what this test has not committed
    made = Rehearsal.objects.get()
    rehearsals.run(made.pk)
    made.refresh_from_db()
    assert (made.state, made.trouble) == ("done", "")
    shown = marketer.get(answer["Location"], headers={"HX-Request": "true", "HX-Target": "div#rehearsal"}).content.decode()
    assert "<html" not in shown
    for words in ("환영", "kim", "came through", "2 mails", "Nov 9"):
        assert words in shown, words
    assert not Workflow.objects.get(pk=workflow.pk).published
    assert json.dumps(made.result)


def test_the_past_is_asked_for_and_stopped(marketer: Client, workflow: Workflow) -> None:
    at = f"/workflows/{workflow.pk}/rehearsal/"
    answer = marketer.post(f"{at}start/", {"population": "past", "version": "draft", "days": "30", "window": "14"})
    made = Rehearsal.objects.get()
    assert (made.asked["window"], made.asked["days"], made.state) == (14, 30, "waiting")
    assert clock.now() > datetime.fromisoformat(made.asked["start"])
    assert marketer.post(f"{at}{made.pk}/stop/").status_code in (200, 204)
    assert "was stopped" in marketer.get(answer["Location"]).content.decode()
    assert marketer.post(f"{at}start/", {"population": "past", "days": "31", "window": "14"}).status_code == 422
    assert marketer.get("/workflows/999999/rehearsal/").status_code == 404
