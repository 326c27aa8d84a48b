"""Answers kept on the disk: each is taken once, and one that cannot be taken holds up no other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from baton.crm import contacts
from baton.forms import kept, submissions
from baton.forms.models import Form, FormSubmission
from baton.platform import clock

pytestmark = pytest.mark.django_db
MINJUN = {"email": "minjun@hankyul.example", "lastname": "김"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    return tmp_path


def test_a_worker_killed_after_the_commit_takes_no_answer_twice(form: Form, folder: Path) -> None:
    assert kept.keep(str(form.guid), MINJUN)
    [path] = folder.iterdir()
    text = path.read_text()
    assert kept.deliver() == 1
    path.write_text(text)  # the worker was killed before it could remove the file
    assert kept.deliver() == 1
    assert FormSubmission.objects.count() == 1
    assert list(folder.iterdir()) == []
    assert kept.keep(str(form.guid), MINJUN)  # the same words sent again are another answer
    kept.deliver()
    assert FormSubmission.objects.count() == 2


def test_what_a_killed_worker_had_taken_is_taken_later(form: Form, folder: Path) -> None:
    kept.keep(str(form.guid), MINJUN)
    [path] = folder.iterdir()
    path.rename(path.with_suffix(".taken"))
    kept.put_back()
    assert kept.deliver() == 0  # perhaps it is still at work
    clock.shift(kept.ABANDONED * 2)
    kept.put_back()
    assert kept.deliver() == 1
    assert contacts.by_email(MINJUN["email"])


def test_an_answer_that_cannot_be_taken_holds_up_no_other(form: Form, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = submissions.submit

    def picky(form: Form, values: Any, **about: Any) -> submissions.Submission:
        if values["lastname"] == "박":
            raise ZeroDivisionError
        return real(form, values, **about)

    monkeypatch.setattr(submissions, "submit", picky)
    kept.keep(str(form.guid), {**MINJUN, "lastname": "박"})
    kept.keep(str(form.guid), MINJUN)
    (folder / "00000000000000-cut.json").write_text('{"guid": "')
    assert kept.deliver() == 1
    assert sorted(p.suffix for p in folder.iterdir()) == [".refused", ".refused"]


def test_what_another_worker_is_taking_stays_his(form: Form, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(form: Form, values: Any, **about: Any) -> None:
        kept.put_back()
        assert [p.suffix for p in folder.iterdir()] == [".taken"]

    monkeypatch.setattr(submissions, "submit", look)
    kept.keep(str(form.guid), MINJUN)
    clock.shift(kept.ABANDONED * 3)  # it waited longer than that on the disk
    assert kept.deliver() == 1


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
def test_nothing_moves_while_the_database_is_away(form: Form, folder: Path, monkeypatch: pytest.MonkeyPatch, away: type[Exception]) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise away

    kept.keep(str(form.guid), MINJUN)
    monkeypatch.setattr(submissions, "submit", gone)
    assert kept.deliver() == 0
    assert [p.suffix for p in folder.iterdir()] == [".json"]


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])
def test_letters_that_cannot_be_stored_are_left_out_of_what_nobody_typed(form: Form, account: Any, folder: Path, bad: str) -> None:
    body = {"fields": [{"name": k, "value": v} for k, v in MINJUN.items()], "context": {"pageName": bad, "pageUri": "https://www.nuriwork.example/demo"}}
    answer = Client().post(f"/submissions/v3/integration/submit/{account.pk}/{form.guid}", json.dumps(body), content_type="application/json")
    assert answer.status_code == 200
    assert list(folder.iterdir()) == []
    assert FormSubmission.objects.get().page_title == "ab"


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])
def test_letters_that_cannot_be_stored_are_refused_in_an_answer(form: Form, account: Any, folder: Path, bad: str, visit: Callable[..., int]) -> None:
    for name in ("lastname", "remark", "company", bad):
        body = {"fields": [{"name": k, "value": v} for k, v in {**MINJUN, name: bad}.items()], "context": {"pageUri": "https://www.nuriwork.example/a\x00b"}}
        answer = Client().post(f"/submissions/v3/integration/submit/{account.pk}/{form.guid}", json.dumps(body), content_type="application/json")
        assert answer.status_code == 400, name
    assert list(folder.iterdir()) == []
    assert not FormSubmission.objects.exists()
