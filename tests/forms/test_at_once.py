"""Answers that come at the same moment, and together with a mail link that tells whose cookie it is."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from baton.crm import contacts, records
from baton.crm.models import Contact
from baton.events import identity, timeline
from baton.events.vocabulary import Kind
from baton.forms import submissions
from baton.forms.models import Form, FormSubmission
from baton.platform import sql
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
A, B = "a" * 32, "b" * 32
MINJUN = {"email": "minjun@hankyul.example", "lastname": "김"}


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run all at once, each on a connection of its own; returns what each returned or raised."""
    found: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works), timeout=10)

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            found[number] = works[number]()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.parametrize("cookies", [("", ""), (A, A), (A, B), (A, "")])
def test_the_same_new_address_twice_at_once_is_one_contact(form: Form, visit: Callable[..., int], cookies: tuple[str, str]) -> None:
    for cookie in set(cookies) - {""}:
        visit(cookie)
    for _ in range(3):
        done = together(*(lambda cookie=cookie: submissions.submit(form, MINJUN, cookie=cookie).contact_id for cookie in cookies * 2))
        assert set(map(type, done)) == {int}, done
        assert len({identity.current(id) for id in done}) == 1
    assert Contact.objects.count() == 1
    assert FormSubmission.objects.filter(contact_id=Contact.objects.get().id).count() == 12
    assert all(identity.visitor(cookie) == Contact.objects.get().id for cookie in cookies if cookie)


def test_two_colleagues_at_one_browser_at_once_stay_two(form: Form, visit: Callable[..., int]) -> None:
    visit(A)
    other = {"email": "seoyeon@hankyul.example", "lastname": "이"}
    done = together(*(lambda values=values: submissions.submit(form, values, cookie=A).contact_id for values in (MINJUN, other)))
    assert {type(one) for one in done} == {int}, done
    assert done[0] != done[1]
    assert [records.get("contact", id).properties["email"] for id in done] == [MINJUN["email"], other["email"]]


def test_an_answer_waits_for_the_join_of_its_visitor(form: Form, visit: Callable[..., int]) -> None:
    """A mail link says that the visitor is somebody known while he sends a form with a new address."""
    visitor = visit(A)
    known = records.create("contact", {"email": "old@hankyul.example"}, actor=SYSTEM, source="api")
    joined, go = threading.Event(), threading.Event()

    def join() -> bool:
        with transaction.atomic():
            done = identity.join(visitor, known, by="email_click")
            joined.set()
            go.wait(1.0)
        return done

    def send() -> int:
        joined.wait(5)
        return submissions.submit(form, MINJUN, cookie=A).contact_id

    done, sender = together(join, send)
    assert done is True
    assert isinstance(sender, int), sender
    assert sender != visitor  # that id is the known contact's for ever
    assert identity.current(visitor) == known
    assert contacts.by_email(MINJUN["email"]) == sender
    assert Kind.FORM_SUBMISSION in [e.kind for e in timeline.page(sender)]
    assert not sql.rows("SELECT 1 FROM contact WHERE id = %s", [visitor])


def test_a_join_waits_for_the_answer_of_its_visitor(form: Form, visit: Callable[..., int]) -> None:
    visitor = visit(A)
    known = records.create("contact", {"email": "old@hankyul.example"}, actor=SYSTEM, source="api")
    sent, go = threading.Event(), threading.Event()

    def send() -> int:
        with transaction.atomic():
            done = submissions.submit(form, MINJUN, cookie=A).contact_id
            sent.set()
            go.wait(1.0)
        return done

    def join() -> bool:
        sent.wait(5)
        return identity.join(visitor, known, by="email_click")

    sender, done = together(send, join)
    assert sender == visitor
    assert type(done).__name__ == "Conflict"  # two known people stay two
    assert identity.current(visitor) == visitor


def test_an_answer_that_lost_a_deadlock_is_taken_at_once(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    real, lost = identity.first_seen, []

    def unlucky(*args: Any, **given: Any) -> None:
        if not lost:
            lost.append(1)
            sql.run("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$")
        real(*args, **given)

    monkeypatch.setattr(identity, "first_seen", unlucky)
    sender = submissions.submit(form, MINJUN).contact_id
    assert lost
    assert contacts.by_email(MINJUN["email"]) == sender
    assert FormSubmission.objects.count() == 1
