"""Views as files: whole, safe, within the rights of who asked, and gone after a week."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from baton.accounts.models import Role, User
from baton.crm import records
from baton.crm.imports import store
from baton.crm.models import Export
from baton.messaging.colleagues import told
from baton.messaging.models import Notification
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Forbidden, Invalid
from baton.platform.models import History
from baton.segments import exports

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(account: object) -> Actor:
    return Actor("user", User.objects.create_user("oh@nuriwork.example", name="오세린", role="admin").pk)


@pytest.fixture
def people(someone: Actor) -> None:
    rows = [
        {"email": "hong@gana.example", "lastname": "홍", "firstname": "길동", "mobilephone": "010-1234-5678", "lifecyclestage": "mql", "owner_id": someone.id},
        {"email": "anna@gana.example", "lastname": "=1+1", "firstname": "-2+3 cmd", "numberofemployees": 30, "city": "똠방"},
    ]
    records.create_many("contact", rows, actor=SYSTEM, source="test")


def made(someone: Actor, columns: list[str], *, format: str = "csv", encoding: str = "utf-8", **more: object) -> bytes:
    id = exports.start("contact", None, "", columns, format=format, encoding=encoding, actor=someone, **more)  # type: ignore[arg-type]
    exports.run(id)
    row = Export.objects.get(pk=id)
    assert row.state == "done", row.trouble
    return b"".join(store.pieces("export", id))


def table(content: bytes, encoding: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding))))


def test_words_and_labels_in_a_file_that_worksheets_read(someone: Actor, people: None) -> None:
    content = made(someone, ["email", "mobilephone", "lifecyclestage", "owner_id"])
    assert content.startswith(b"\xef\xbb\xbf")
    head, hong, _anna = table(content)
    assert head[0] == "이메일"
    assert hong[0] == "hong@gana.example"
    assert hong[1:] == ["010-1234-5678", "MQL", "오세린"]


def test_names_and_stored_values_for_programs(someone: Actor, people: None) -> None:
    head, hong, _anna = table(made(someone, ["email", "mobilephone", "lifecyclestage"], names="internal", values="raw"))
    assert head == ["email", "mobilephone", "lifecyclestage"]
    assert hong[1:] == ["+821012345678", "mql"]


def test_no_cell_is_a_formula_but_phones_stay(someone: Actor, people: None) -> None:
    _head, hong, anna = table(made(someone, ["lastname", "firstname", "mobilephone"], values="raw"))
    assert anna[:2] == ["'=1+1", "'-2+3 cmd"]
    assert hong[2] == "+821012345678"
    assert exports.safe("@SUM(A1)") == "'@SUM(A1)"
    assert exports.safe("-5.2") == "-5.2"


def test_cp949_says_which_letters_it_lacks(someone: Actor, people: None) -> None:
    records.create("contact", {"email": "c@gana.example", "city": "Zürich"}, actor=SYSTEM, source="test")
    rows = table(made(someone, ["city"], encoding="cp949"), "cp949")
    assert rows[2:] == [["똠방"], ["Z?rich"]]
    assert Export.objects.get().notes == [{"code": "LETTERS_LOST", "rows": 1}]


def test_a_worksheet_has_numbers_and_texts_and_no_formula(someone: Actor, people: None) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made(someone, ["lastname", "numberofemployees"], format="xlsx")))
    rows = book.get_sheet_by_index(0).to_python()
    assert rows[2] == ["=1+1", 30.0]


def test_a_filter_words_and_chosen_records(someone: Actor, people: None) -> None:
    node = {"condition": "property", "property": "lifecyclestage", "operator": "any_of", "value": ["mql"]}
    id = exports.start("contact", node, "", ["email"], format="csv", encoding="utf-8", actor=someone)
    exports.run(id)
    assert [row[0] for row in table(b"".join(store.pieces("export", id)))[1:]] == ["hong@gana.example"]
    assert len(table(made(someone, ["email"], ids=[Export.objects.get().pk]))) == 1


def test_who_may_not_export_gets_no_file(account: object, people: None) -> None:
    viewer = Actor("user", User.objects.create_user("v@nuriwork.example", name="뷰어", role="viewer").pk)
    with pytest.raises(Forbidden):
        exports.start("contact", None, "", ["email"], format="csv", encoding="utf-8", actor=viewer)
    assert not Export.objects.exists()


def test_a_right_lost_meanwhile_counts(someone: Actor, people: None) -> None:
    id = exports.start("contact", None, "", ["email"], format="csv", encoding="utf-8", actor=someone)
    User.objects.filter(pk=someone.id).update(role="viewer")
    exports.run(id)
    assert Export.objects.get(pk=id).state == "failed"
    assert not list(store.pieces("export", id))


def test_it_is_written_down_and_told(someone: Actor, people: None) -> None:
    made(someone, ["email"])
    assert told.tell() == 1
    assert told.tell() == 0
    assert Notification.objects.get().url == "/exports/"
    assert {"started", "finished"} <= set(History.objects.filter(subject_type="export").values_list("verb", flat=True))


def test_files_are_thrown_away_after_a_week(someone: Actor, people: None) -> None:
    made(someone, ["email"])
    clock.shift(timedelta(days=8))
    assert exports.expire() == 1
    assert Export.objects.get().state == "expired"
    assert not list(store.pieces("export", Export.objects.get().pk))


def test_unknown_wishes_are_refused(someone: Actor) -> None:
    with pytest.raises(Invalid):
        exports.start("contact", None, "", ["nothing"], format="csv", encoding="utf-8", actor=someone)
    with pytest.raises(Invalid):
        exports.start("contact", None, "", [], format="pdf", encoding="utf-8", actor=someone)


def test_a_filter_that_names_what_is_gone_fails_and_says_so(someone: Actor, people: None) -> None:
    id = exports.start("contact", None, "", ["email"], format="csv", encoding="utf-8", actor=someone)
    Export.objects.filter(pk=id).update(filter={"kind": "property", "name": "gone", "operator": "is", "value": "x"})
    exports.run(id)
    row = Export.objects.get(pk=id)
    assert row.state == "failed"
    assert row.trouble


def test_a_file_of_all_records_is_not_for_who_may_export_his_own_only(someone: Actor, people: None) -> None:
    id = exports.start("contact", None, "", ["email"], format="csv", encoding="utf-8", actor=someone)
    exports.run(id)
    own = {"*": {"view": "all", "export": "own"}}
    Role.objects.create(key="keeper", name="keeper", rights=own, areas={"settings": "edit"})
    web = Client()
    web.force_login(User.objects.create_user("keeper@nuriwork.example", name="지기", role="keeper"))
    assert web.get(f"/exports/{id}/").status_code == 404
    Role.objects.filter(key="keeper").update(rights={"*": {"view": "all", "export": "all"}})
    assert web.get(f"/exports/{id}/").status_code == 200
