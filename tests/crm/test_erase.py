"""The right to be forgotten and the right to a copy, over the whole database."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from baton.accounts import users
from baton.crm import associations, consent, contacts, duplicates, erase, files, identity, merge, portrait, records
from baton.crm.models import Contact, Import, ImportChange, ImportFault, ImportPart
from baton.events import identity as visitors
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import submissions
from baton.forms import verbs as forms
from baton.messaging.models import Message, Notification
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Forbidden, NotFound
from baton.segments.models import Segment

pytestmark = pytest.mark.django_db
COOKIE = "e" * 32
MAIL, OTHER, SECOND = "gaeguri@yeonmot.example", "olchaengi@yeonmot.example", "dukkeobi@yeonmot.example"
VALUES = ["gaeguri", "olchaengi", "dukkeobi", "연못마을", "왕눈이", "5550123", "비밀한 이야기", COOKIE]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of the test's own: the other tests of this machine spill and are erased in theirs."""
    own = config().model_copy(update={"data_dir": tmp_path})
    monkeypatch.setattr("baton.cli.datamap.config", lambda: own)
    monkeypatch.setattr(f"{__name__}.config", lambda: own)


def everywhere(*values: str) -> dict[str, list[str]]:
    """Which tables and columns of the whole database hold one of these texts."""
    columns = sql.rows(
        "SELECT c.oid::regclass::text, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    )
    found: dict[str, list[str]] = {}
    for table, column in columns:
        quoted = connection.ops.quote_name(column)
        text = f"convert_from({quoted}, 'LATIN1')" if (table, column) in BINARY else f"{quoted}::text"
        for value in values:
            needle = value.encode().decode("latin1") if (table, column) in BINARY else value
            if sql.rows(f"SELECT 1 FROM {table} WHERE position(lower(%s) IN lower({text})) > 0 LIMIT 1", [needle]):
                found.setdefault(f"{table}.{column}", []).append(value)
    return found


BINARY = {("file", "content"), ("import_part", "content"), ("export_part", "content")}


def a_life() -> tuple[int, int]:
    """Somebody with a trace of every kind; returns his id and a colleague's of his, who stays."""
    form = forms.create(
        "문의",
        {"fields": [{"name": "email", "label": "이메일", "type": "email"}, {"name": "memo", "label": "메모", "type": "text"}]},
        actor=SYSTEM,
        publish=True,
    )
    now = clock.now()
    he = records.create(
        "contact",
        {"email": MAIL, "lastname": "연못마을", "firstname": "왕눈이", "phone": "02-555-0123", "lifecyclestage": "lead"},
        actor=SYSTEM,
        source="import",
    )
    contacts.add_email(he, OTHER, actor=SYSTEM)
    contacts.claim("cookie", COOKIE, he)
    visitors.first_seen(he, now, page=f"https://a.example/?email={MAIL}")
    record.add([NewEvent(he, Kind.PAGE_VIEW, now, f"a.example/{MAIL}/", payload={"url": f"https://a.example/?m={MAIL}"})])
    submissions.submit(form, {"email": MAIL, "memo": "비밀한 이야기"}, cookie=COOKIE)
    consent.set([he], "email", True, actor=SYSTEM, source="form", wording="왕눈이 동의")
    twin = records.create("contact", {"email": SECOND, "lastname": "연못마을", "firstname": "왕눈이"}, actor=SYSTEM, source="api")
    merge.merge("contact", he, twin, actor=SYSTEM)
    friend = records.create("contact", {"email": "mate@yeonmot.example", "firstname": "짝꿍"}, actor=SYSTEM, source="api")
    note = records.create("note", {"body": "연못마을왕눈이 님은 비밀한 이야기를 했다"}, actor=SYSTEM, source="page")
    call = records.create("call", {"title": f"{MAIL} 통화", "body": "연못마을 왕눈이, 02-555-0123"}, actor=SYSTEM, source="page")
    deal = records.create("deal", {"dealname": "연못마을왕눈이 도입"}, actor=SYSTEM, source="page")
    records.update("deal", deal, {"dealname": "연못마을 왕눈이 도입 2차"}, actor=SYSTEM, source="page")
    associations.link("contact", he, "note", note, actor=SYSTEM)
    for contact_id in (he, friend):
        associations.link("contact", contact_id, "call", call, actor=SYSTEM)
    associations.link("contact", he, "deal", deal, actor=SYSTEM)
    files.add(he, "왕눈이.txt", "연못마을 왕눈이".encode(), actor=SYSTEM)
    files.add(note, "memo.txt", "비밀한 이야기".encode(), actor=SYSTEM)
    Message.objects.create(contact_id=he, id=1, cause="x", address=MAIL, subject="왕눈이 님께", state="sent", created_at=now)
    Notification.objects.create(user_id=1, cause="x", title="연못마을왕눈이", body=MAIL, contact_id=he, at=now)
    Segment.objects.create(name="하나", kind="fixed", filter={"kind": "property", "name": "email", "value": MAIL})
    row = Import.objects.create(
        object_type="contact", name="a.csv", size=1, actor="user:1", created_at=now, state="done", seen=[{"examples": [MAIL, "왕눈이"]}]
    )
    ImportPart.objects.create(import_id=row.pk, number=0, content=f"email,name\n{MAIL},연못마을 왕눈이".encode())
    ImportChange.objects.create(import_id=row.pk, record_id=he, object_type="contact", created=True, after={"email": MAIL})
    ImportFault.objects.create(import_id=row.pk, number=1, place=0, column="phone", code="X", message=MAIL, taken=True, cells=[MAIL, "왕눈이"])
    spill = config().data_dir / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    (spill / "refused.lines").write_text(json.dumps({"cookie": COOKIE}) + "\n" + json.dumps({"cookie": "f" * 32}) + "\n")
    duplicates.drain()
    return he, friend


class TestErase:
    def test_nothing_is_left_in_the_whole_database(self) -> None:
        he, friend = a_life()
        assert len(everywhere(*VALUES)) > 15  # the search finds him
        erase.erase(he, actor=SYSTEM)
        assert everywhere(*VALUES) == {}
        with pytest.raises(NotFound):
            records.get("contact", he, archived=None)
        assert (config().data_dir / "spill" / "refused.lines").read_text() == json.dumps({"cookie": "f" * 32}) + "\n"
        assert records.get("contact", friend).properties["firstname"] == "짝꿍"
        assert len(associations.of(friend, "call")) == 1  # the friend's call stays, without his name

    def test_the_tick_before_changes_nothing(self) -> None:
        he, _friend = a_life()
        while changes.tick():
            pass
        erase.erase(he, actor=SYSTEM)
        assert everywhere(*VALUES) == {}

    def test_his_address_is_remembered_as_a_hash_only(self) -> None:
        he, _friend = a_life()
        erase.erase(he, actor=SYSTEM)
        assert identity.blocked([MAIL.upper(), OTHER, SECOND, "mate@yeonmot.example"]) == {MAIL.upper(), OTHER, SECOND}
        erase.erase_address("nobody@nowhere.example", actor=SYSTEM)
        assert everywhere("nobody@nowhere") == {}
        for source in ("import", "api"):
            with pytest.raises(Conflict):
                records.create("contact", {"email": "nobody@nowhere.example"}, actor=SYSTEM, source=source)
        assert records.create("contact", {"email": "nobody@nowhere.example"}, actor=SYSTEM, source="form")

    def test_by_address_also_an_archived_one(self) -> None:
        he, _friend = a_life()
        records.archive("contact", he, actor=SYSTEM)
        erase.erase_address(MAIL, actor=SYSTEM)
        assert not Contact.objects.filter(id=he).exists()

    def test_only_who_may_delete(self, account: object) -> None:
        he, _friend = a_life()
        viewer = users.create("viewer@nuriwork.example", "보기", "a-long-enough-one", "viewer", actor=SYSTEM)
        for work in (erase.erase, erase.anonymise):
            with pytest.raises(Forbidden):
                work(he, actor=Actor("user", viewer.pk))

    def test_nothing_else_is_touched(self) -> None:
        """What is everybody's word (ids "email" and "1234" of other systems, the name Won) changes neither filters nor records nor others' addresses."""
        he = records.create(
            "contact",
            {"email": "kim@yeonmot.example", "firstname": "Won"},
            actor=SYSTEM,
            source="api",
        )
        deal = records.create("deal", {"dealname": "Won 3 deals, wonderful", "dealstage": "closedwon", "amount": 1234}, actor=SYSTEM, source="api")
        records.update("deal", deal, {"dealname": "The deal of Won"}, actor=SYSTEM, source="api")
        associations.link("contact", he, "deal", deal, actor=SYSTEM)
        contacts.claim("external", "1234", he)
        contacts.claim("external", "email", he)
        kept = {"kind": "property", "name": "email", "value": "jun.kim@yeonmot.example", "days": 1234}
        Segment.objects.create(name="email 1234", kind="fixed", filter=kept)
        Segment.objects.create(name="his", kind="fixed", filter={"kind": "property", "name": "email", "value": "kim@yeonmot.example"})
        Notification.objects.create(user_id=1, cause="x", title="?m=kim%40yeonmot.example", body="kim@yeonmot.example.", at=clock.now())
        erase.erase(he, actor=SYSTEM)
        assert Segment.objects.get(name="email 1234").filter == kept
        assert Segment.objects.get(name="his").filter == {"kind": "property", "name": "email", "value": f"(#{he})"}
        notice = Notification.objects.get()
        assert (notice.title, notice.body) == (f"?m=(#{he})", f"(#{he}).")
        values = records.get("deal", deal).properties
        assert (values["dealname"], values["dealstage"], values["amount"]) == (f"The deal of (#{he})", "closedwon", 1234)
        assert sql.rows("SELECT old #>> '{}' FROM property_history WHERE record_id = %s AND name = 'dealname'", [deal]) == [(f"(#{he}) 3 deals, wonderful",)]


class TestAnonymise:
    def test_counts_stay_and_nothing_tells_who_it_was(self) -> None:
        he, _friend = a_life()
        kinds = "SELECT kind, count(*) FROM event WHERE contact_id = %s AND kind <> 40 GROUP BY kind ORDER BY kind"
        before = sql.rows(kinds, [he])
        erase.anonymise(he, actor=SYSTEM)
        assert everywhere(*VALUES) == {}
        assert sql.rows(kinds, [he]) == before
        left = records.get("contact", he).properties
        assert left.pop("stage_since")
        assert left == {"lifecyclestage": "lead", "original_source": "offline", "latest_source": "offline"}
        assert sql.rows("SELECT count(*) FROM form_submission") == [(1,)]


def test_a_copy_has_everything() -> None:
    he, _friend = a_life()
    with zipfile.ZipFile(io.BytesIO(portrait.zipped(he, actor=SYSTEM))) as file:
        told = file.read("person.json").decode()
        page = file.read("person.html").decode()
        assert file.read("files/1-왕눈이.txt").decode() == "연못마을 왕눈이"
    for value in (MAIL, OTHER, "왕눈이", "비밀한 이야기", "a.example", COOKIE):
        assert value in told
        assert value in page
    assert "&lt;" not in told
    assert clock.now() - timedelta(minutes=1) < Contact.objects.get(id=he).updated_at


def test_a_copy_cannot_run_anything() -> None:
    he = records.create("contact", {"firstname": "<script>alert(1)</script>"}, actor=SYSTEM, source="api")
    assert "<script" not in portrait.page("x", portrait.everything(he))
