"""The mail catcher keeps what it is given, and its pages show it without letting it do anything."""

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client

from baton.demo import mail


@pytest.fixture
def catcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object) -> int:
    monkeypatch.setattr(mail, "folder", lambda: tmp_path / "mail")
    settings.ROOT_URLCONF = "baton.demo.urls"  # type: ignore[attr-defined]  # the demo's addresses are on in a demo only
    return mail.start()


def send(port: int, *, to: str = "jiwoo.seo@gaonlogis.example", subject: str = "누리워크를 보여 드립니다", html: str = "") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "누리워크 <hello@nuriwork.example>", to, subject
    message.set_content("안녕하세요.")
    if html:
        message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", port) as line:
        line.send_message(message)


def test_a_mail_is_kept_with_its_envelope_and_the_moment_it_came(catcher: int) -> None:
    send(catcher)
    send(catcher, to="other@example.example", subject="둘째")
    first, second = mail.newest()
    assert (first.subject, first.to) == ("둘째", "other@example.example")
    assert second.subject == "누리워크를 보여 드립니다"
    assert first.at >= second.at
    assert [m.to for m in mail.newest(to="JIWOO")] == ["jiwoo.seo@gaonlogis.example"]
    found = mail.read(second.key)
    assert found is not None
    assert found[1].get_content().strip() == "안녕하세요."


def test_on_mail_is_told_of_each_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "folder", lambda: tmp_path / "mail")
    told: list[str] = []
    send(mail.start(on_mail=told.append))
    assert told == [m.key for m in mail.newest()]


def test_a_taken_port_is_an_error(catcher: int) -> None:
    with pytest.raises(OSError, match="in use"):
        mail.start(catcher)


def test_no_file_outside_the_folder_is_read(catcher: int) -> None:
    assert mail.read("../secret_key") is None
    assert mail.read("nothing") is None


def test_the_list_is_empty_before_the_first_mail(client: Client, catcher: int) -> None:
    assert 'data-newest=""' in client.get("/demo/inbox/").content.decode()
    assert client.get("/demo/inbox/latest").content == b""


def test_the_pages_show_headers_and_the_html_part_locked_in(client: Client, catcher: int) -> None:
    send(
        catcher,
        html='<html><head></head><body><script>alert(1)</script><a href="http://127.0.0.1:8000/c/abc">열기</a><img src="http://127.0.0.1:8000/o/abc.gif"></body></html>',
    )
    [found] = mail.newest()
    assert found.key in client.get("/demo/inbox/").content.decode()
    assert client.get("/demo/inbox/latest").content.decode() == found.key
    page = client.get(f"/demo/inbox/{found.key}/").content.decode()
    assert "jiwoo.seo@gaonlogis.example" in page
    assert 'sandbox="allow-popups' in page
    part = client.get(f"/demo/inbox/{found.key}/html")
    body = part.content.decode()
    assert '<base target="_blank">' in body
    assert 'href="/c/abc"' in body  # whichever name of the machine the reader came by
    assert 'src="/o/abc.gif"' in body
    assert "default-src 'none'" in part["Content-Security-Policy"]
    assert "sandbox" in part["Content-Security-Policy"]
    assert client.get("/demo/inbox/0000000000000-aaaaaa/").status_code == 404


def test_clear_throws_everything_away(catcher: int) -> None:
    send(catcher)
    assert mail.clear() == 1
    assert mail.newest() == []
