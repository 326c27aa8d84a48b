"""The wizard of imports and the page of exports, as a browser asks for them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.crm.imports import run, undo
from baton.crm.models import Contact, Import
from baton.messaging.colleagues import told
from baton.messaging.models import Notification
from baton.platform.actor import SYSTEM, Actor
from baton.segments import exports

pytestmark = pytest.mark.django_db
TEXT = "이메일,성명,유입 경로,메모\r\nhong@gana.example,홍길동,박람회장,x\r\nanna@gana.example,Anna Lee,Webinar,y\r\n"


@pytest.fixture
def boss(account: object) -> User:
    return users.create("boss@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM)


@pytest.fixture
def admin(boss: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(boss)
    return client


def upload(client: Client, text: str = TEXT) -> Import:
    answer = client.post("/import/", {"file": SimpleUploadedFile("list.csv", text.encode("cp949"))})
    assert answer.status_code == 302, answer.content.decode()
    return Import.objects.latest("pk")


def form(row: Import, **more: str) -> dict[str, str]:
    return {f"to.{number}": column["to"] for number, column in enumerate(row.columns)} | more


def test_a_whole_walk(admin: Client) -> None:
    row = upload(admin)
    page = admin.get(f"/import/{row.pk}/").content.decode()
    assert "CP949" in page
    assert "박람회장" in page
    assert "Not imported" in page
    source = row.headers.index("유입 경로")
    place = [pair[0] for pair in row.seen[source]["values"]].index("박람회장")
    answer = admin.post(f"/import/{row.pk}/match/", form(row, **{f"value.{source}.{place}": "exhibition", "next": "1"}), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == f"/import/{row.pk}/preview/"
    page = admin.get(f"/import/{row.pk}/preview/").content.decode()
    assert "Exhibition" in page
    assert "Import 2 rows" in page
    assert not Contact.objects.exists()
    admin.post(f"/import/{row.pk}/start/")
    assert "every 1s" in admin.get(f"/import/{row.pk}/").content.decode()
    run.run(row.pk)
    assert Contact.objects.get(email="hong@gana.example").properties["lead_source"] == "exhibition"
    page = admin.get(f"/import/{row.pk}/progress/").content.decode()
    assert "The import is done" in page
    assert told.tell() == 1
    assert Notification.objects.get().url == f"/import/{row.pk}/"
    admin.post(f"/import/{row.pk}/undo/")
    undo.run(row.pk)
    assert "2 records were archived" in admin.get(f"/import/{row.pk}/").content.decode()
    assert "list.csv" in admin.get("/import/").content.decode()


def test_a_wrong_match_is_said_at_its_column(admin: Client) -> None:
    row = upload(admin)
    answer = admin.post(f"/import/{row.pk}/match/", form(row, **{"to.1": "property:contact:email"}), headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "goes there already" in answer.content.decode()


def test_a_property_is_made_of_a_column(admin: Client) -> None:
    row = upload(admin)
    admin.post(f"/import/{row.pk}/match/", form(row, **{"to.3": "new:contact", "fresh.3": "text"}))
    admin.post(f"/import/{row.pk}/start/")
    run.run(row.pk)
    row.refresh_from_db()
    assert Contact.objects.get(email="hong@gana.example").properties[row.columns[3]["name"]] == "x"


def test_another_encoding_and_kind(admin: Client) -> None:
    row = upload(admin)
    answer = admin.post(f"/import/{row.pk}/read/", {"encoding": "cp932", "delimiter": ",", "object_type": "company"})
    assert answer.status_code == 200
    row.refresh_from_db()
    assert (row.object_type, row.layout["encoding"]) == ("company", "cp932")


def test_what_is_no_table_is_said(admin: Client) -> None:
    answer = admin.post("/import/", {"file": SimpleUploadedFile("x.pdf", b"%PDF-1.7")})
    assert answer.status_code == 422
    assert "not a table" in answer.content.decode()


def test_the_rows_with_problems_come_in_the_encoding_of_the_upload(admin: Client) -> None:
    row = upload(admin, TEXT.replace("Webinar", "어딘가"))
    admin.post(f"/import/{row.pk}/start/")
    run.run(row.pk)
    answer = admin.get(f"/import/{row.pk}/faults/")
    assert "어딘가" in b"".join(answer.streaming_content).decode("cp949")  # type: ignore[attr-defined]


def test_others_do_not_see_it_and_viewers_may_not_import(admin: Client, web: Client, client: Client) -> None:
    row = upload(admin)
    assert web.get(f"/import/{row.pk}/").status_code == 404
    assert web.post(f"/import/{row.pk}/start/").status_code == 404
    viewer = users.create("v@nuriwork.example", "뷰어", "a-long-enough-one", "viewer", actor=SYSTEM)
    client.force_login(viewer)
    assert client.get("/import/").status_code == 403
    assert client.post("/import/", {"file": SimpleUploadedFile("list.csv", b"a,b\n1,2\n")}).status_code == 403


def test_an_export_is_downloaded_by_whoever_asked(admin: Client, boss: User, web: Client) -> None:
    row = upload(admin)
    admin.post(f"/import/{row.pk}/start/")
    run.run(row.pk)
    id = exports.start("contact", None, "", ["email"], format="csv", encoding="utf-8", actor=Actor("user", boss.pk))
    assert admin.get(f"/exports/{id}/").status_code == 409
    assert "Running" in admin.get("/exports/").content.decode()
    exports.run(id)
    assert "Download" in admin.get("/exports/").content.decode()
    answer = admin.get(f"/exports/{id}/")
    assert b"hong@gana.example" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert web.get(f"/exports/{id}/").status_code == 404
