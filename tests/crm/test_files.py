"""Files on records: limits, names, and types told by content."""

import io
import zipfile

import pytest

from baton.crm import files, records
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid, NotFound
from baton.platform.models import History

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm(account: object) -> int:
    return records.create("company", {"name": "가온로지스"}, actor=SYSTEM, source="test")


def office(folder: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}/document.xml", "<x/>")
    return made.getvalue()


def test_a_file_is_kept_listed_and_removed(firm: int, actor: Actor) -> None:
    id = files.add(firm, "견적서.pdf", b"%PDF-1.7 ...", actor=actor)
    (listed,) = files.of([firm])
    assert (listed.name, listed.media_type, listed.size, listed.created_by) == ("견적서.pdf", "application/pdf", 12, str(actor))
    assert files.get(firm, id)[1] == b"%PDF-1.7 ..."
    with pytest.raises(NotFound):
        files.get(firm + 1, id)
    files.remove(firm, id, actor=Actor("user", 7))
    assert list(History.objects.filter(subject_type="file", subject_id=str(id)).order_by("pk").values_list("verb", flat=True)) == ["added", "deleted"]
    assert History.objects.get(subject_type="file", subject_id=str(id), verb="deleted").actor == "user:7"
    assert files.of([firm]) == []
    with pytest.raises(NotFound):
        files.remove(firm, id, actor=SYSTEM)


def test_empty_and_large_files_are_refused(firm: int, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 10)
    for content in (b"", b"x" * 11):
        with pytest.raises(Invalid):
            files.add(firm, "a.txt", content, actor=actor)
    assert files.of([firm]) == []


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (b"%PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n0000", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (office("word"), files.OFFICE["word/"]),
        (office("xl"), files.OFFICE["xl/"]),
        (b"PK\x03\x04broken", files.UNKNOWN),
        ("안녕하세요".encode(), "text/plain"),
        ("안녕하세요".encode() * 1000, "text/plain"),
        (b"<html><script>alert(1)</script>", "text/plain"),
        (b"MZ\x00\x01\x02", files.UNKNOWN),
        ("안녕".encode("cp949"), files.UNKNOWN),
    ],
)
def test_the_content_tells_the_type(content: bytes, type: str) -> None:
    assert files.media_type(content) == type


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\견적.xlsx", "견적.xlsx"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\nb\0.txt", "ab.txt"),
        (" .. ", "file"),
        ("가" * 300 + ".pdf", "가" * 196 + ".pdf"),
    ],
)
def test_names_carry_no_path_and_no_tricks(sent: str, kept: str) -> None:
    assert files.clean_name(sent) in (kept, "파일")
