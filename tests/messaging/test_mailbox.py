"""A mailbox read by IMAP: bounces and answers of people become what they are, once, and nothing in the mailbox changes."""

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account
from baton.events.vocabulary import Kind
from baton.messaging.incoming import imap, inbound, reading, replies
from baton.messaging.models import Email, Inbound, Mailbox, Message, Notification, Subscription, Suppression, Trouble
from baton.platform import clock, secrets, signing, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid
from tests.messaging.conftest import person
from tests.messaging.imap_server import ImapServer
from tests.messaging.test_intake import id_of
from tests.messaging.test_receipts import events, sent, state, suppressed

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[ImapServer]:
    server = ImapServer()
    server.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def box(server: ImapServer) -> Mailbox:
    server.put(b"Subject: from before Baton knew the mailbox\r\n\r\nx")
    values = {"name": "답장", "host": "127.0.0.1", "port": server.port, "user": "news@nuriwork.example", "folder": "INBOX"}
    made = imap.add(values, "secret", actor=SYSTEM)
    assert imap.look(made) == 0
    return made


def answer(to: str = "", *, sender: str = "jiwoo@gaon.example", subject: str = "Re: 요금제 안내", text: str = "네, 좋습니다.", **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "news@nuriwork.example", subject
    mail["Message-ID"] = f"<{abs(hash((sender, subject, text)))}@gaon.example>"
    if to:
        mail["In-Reply-To"] = to
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def taken(box: Mailbox) -> list[str]:
    """What was new in the mailbox, as it was understood, in order."""
    box.refresh_from_db()
    known = set(Inbound.objects.values_list("pk", flat=True))
    imap.look(box)
    while inbound.take(reading.read):
        pass
    assert not Inbound.objects.exclude(problem="").exists()
    return list(Inbound.objects.exclude(pk__in=known).order_by("pk").values_list("became", flat=True))


def test_answers_are_on_the_timeline_and_told_to_the_owner(server: ImapServer, box: Mailbox, email: Email) -> None:
    owner = users.create("han@nuriwork.example", "한지우", "correct horse battery", "sales", actor=SYSTEM)
    jiwoo, sumin = person(owner_id=owner.pk), person("sumin@gaon.example")
    mail, other = sent(jiwoo, email), sent(sumin, email)
    Message.objects.update(subject="요금제 안내")
    mark = id_of(jiwoo, mail)
    server.put(answer(mark, text="네, 좋습니다. 화요일에 뵙죠.\n\n2026년 11월 22일 (일) 오후 3:14, 누리워크 <news@nuriwork.example>님이 작성:\n> 안녕하세요"))
    server.put(answer(mark, subject="자동 회신: 요금제 안내", text="휴가 중입니다.", Auto_Submitted="auto-replied"))
    link = f"https://go.nuriwork.example/c/{signing.make('mail', other, sumin, 1)}/5"
    server.put(answer("<01-made-by-the-carrier@mail.example>", sender="SUMIN@gaon.example", text=f"관심 있어요\n\n----- 원본 메일 -----\n> 보기: {link}"))
    server.put(answer(mark, sender="colleague@gaon.example", text="지우 님 대신 답합니다"))
    server.put(answer(mark, sender="thief@elsewhere.example", text="not about this at all"))
    server.put(answer(sender="stranger@elsewhere.example", subject="hello"))
    for forged in ("", f"<{jiwoo}.{mail}@nuriwork.example>", mark.replace("@", "A@"), f"<{signing.make('bounce', mail, jiwoo)[:-1]}x@nuriwork.example>"):
        server.put(answer(forged, subject="Re: 요금제 안내", text="whoever knows his address and what we wrote could have written this"))
    assert taken(box) == ["reply", "auto_reply", "reply", "reply", *["nothing"] * 6]
    texts = [(e["subject"], e["text"]) for e in events(jiwoo, Kind.EMAIL_REPLY)]
    assert sorted(texts) == [("Re: 요금제 안내", "네, 좋습니다. 화요일에 뵙죠."), ("Re: 요금제 안내", "지우 님 대신 답합니다")]
    assert len(events(jiwoo, Kind.EMAIL_AUTO_REPLY)) == len(events(sumin, Kind.EMAIL_REPLY)) == 1
    assert state(mail)[0] == "delivered"

    for _ in range(2):
        replies.tell({jiwoo, sumin})
    notices = list(Notification.objects.filter(user_id=owner.pk, contact_id=jiwoo).values_list("body", flat=True))
    assert sorted(notices) == ["네, 좋습니다. 화요일에 뵙죠.", "지우 님 대신 답합니다"]
    assert server.changed == []


def test_a_mailbox_is_read_on_from_where_it_was_and_again_when_it_was_made_anew(server: ImapServer, box: Mailbox, email: Email) -> None:
    jiwoo = person()
    mark = id_of(jiwoo, sent(jiwoo, email))
    server.put(answer(mark, text="one"))
    assert taken(box) == ["reply"]
    assert taken(box) == []
    server.put(answer(mark, text="two"))
    assert taken(box) == ["reply"]
    server.validity, server.mails = 8, {5: server.mails[2], 6: server.mails[3]}  # the same mails under other numbers
    server.put(answer(mark, text="three"))
    assert taken(box) == ["reply"]
    assert sorted(e["text"] for e in events(jiwoo, Kind.EMAIL_REPLY)) == ["one", "three", "two"]
    box.refresh_from_db()
    assert (box.validity, box.uid) == (8, 7)


def test_a_mailbox_that_does_not_answer_says_why(server: ImapServer, box: Mailbox) -> None:
    server.password = "changed"
    imap.poll()
    box.refresh_from_db()
    assert "wrong password" in box.problem
    server.password = "secret"
    imap.poll()
    box.refresh_from_db()
    assert box.problem == ""
    with pytest.raises(Invalid):
        imap.check("127.0.0.1", 1, "x", "y", "INBOX")


def test_a_password_is_kept_encrypted_and_never_sent_to_another_server(server: ImapServer, box: Mailbox) -> None:
    assert "secret" not in box.secret
    imap.change(box.pk, {"name": "새 이름"}, actor=Actor("user", 1))
    with pytest.raises(Invalid) as refused:
        imap.change(box.pk, {"host": "evil.example"}, actor=Actor("user", 1))
    assert refused.value.problems[0].path == "password"
    box.refresh_from_db()
    assert (box.name, box.host, secrets.decrypt(box.secret)) == ("새 이름", "127.0.0.1", "secret")
    assert not sql.rows("SELECT 1 FROM history WHERE detail::text LIKE '%%secret%%'")


def test_bounces_and_complaints_without_our_return_path_are_believed_by_what_we_have_signed(server: ImapServer, box: Mailbox, email: Email) -> None:
    jiwoo, sumin = person(), person("sumin@gaon.example")
    mail, other = sent(jiwoo, email), sent(sumin, email)

    def bounce(header: str) -> bytes:
        return (
            "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n"
            f"Original-Envelope-Id: {jiwoo}.{mail}\r\n\r\n"
            "Final-Recipient: rfc822; jiwoo@gaon.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{header}\r\n\r\n--b--\r\n"
        ).encode()

    def complaint(header: str) -> bytes:
        return (
            "From: fbl@gaon.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
            f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n{header}\r\n\r\n"
            "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: redacted\r\n\r\nx\r\n--b--\r\n"
        ).encode()

    path = signing.make("bounce", mail, jiwoo)
    # Who knows the address and guesses numbers, or was copied in an answer and has seen the Message-ID, can strike nobody off.
    for header in (f"X-Baton-Message: {jiwoo}.{mail}", f"Message-ID: <{jiwoo}.{mail}@nuriwork.example>", f"Message-ID: {id_of(jiwoo, mail)}"):
        server.put(bounce(header))
    for sender in (id_of(jiwoo, mail)[1:-1], f"b+{id_of(jiwoo, mail)[1:-1]}", f"b+{path[:-2]}AA@bounce.nuriwork.example"):
        server.put(complaint(f"Original-Mail-From: <{sender}>\r\nOriginal-Rcpt-To: jiwoo@gaon.example"))
        server.put(bounce(f"Return-Path: <{sender}>"))
    assert set(taken(box)) == {"receipt", "nothing"}
    assert (state(mail), suppressed(jiwoo)) == (("sent", "user_unknown"), "")

    server.put(bounce(f"X-Baton-Message: {path}"))
    server.put(complaint(f"Original-Mail-From: <b+{signing.make('bounce', other, sumin)}@bounce.nuriwork.example>"))
    assert taken(box) == ["bounce", "complaint"]
    assert (suppressed(jiwoo), suppressed(sumin)) == ("bounced", "complained")


def test_bounces_that_name_nothing_but_an_address_strike_nobody_off_however_many_come(server: ImapServer, box: Mailbox, email: Email) -> None:
    jiwoo = person()
    for day in range(12, 0, -2):
        mail = sent(jiwoo, email, at=clock.now() - timedelta(days=day))
        server.put(f"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered\r\n\r\n550 5.1.1 <jiwoo@gaon.example>: User unknown: {day}\r\n".encode())
        assert taken(box) == ["receipt"]
        assert state(mail) == ("sent", "user_unknown")
    assert (suppressed(jiwoo), Trouble.objects.count()) == ("", 0)


def test_unsubscribing_by_mail(server: ImapServer, box: Mailbox, email: Email) -> None:
    jiwoo = person()
    mail: Any = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "jiwoo@gaon.example", f"u+{signing.make('unsub', jiwoo, email.pk)}@bounce.nuriwork.example", "unsubscribe"
    server.put(mail.as_bytes() + b"\r\n\r\n")
    assert taken(box) == ["unsubscribe"]
    assert Suppression.objects.filter(contact_id=jiwoo).exists() or Subscription.objects.filter(contact_id=jiwoo, granted=False).exists()


def test_the_page_tries_a_mailbox_before_it_keeps_it(server: ImapServer, client: Client, nuriwork: Account) -> None:
    admin = users.create("oh@nuriwork.example", "오민지", "correct horse battery", "admin", actor=SYSTEM)
    client.force_login(admin)
    given = {"name": "답장", "host": "127.0.0.1", "port": str(server.port), "user": "news@nuriwork.example", "folder": "INBOX"}
    refused = client.post("/settings/mailboxes/new/", {**given, "password": "guess"}, headers={"HX-Request": "true"})
    assert (refused.status_code, "wrong password" in refused.content.decode()) == (422, True)
    assert client.post("/settings/mailboxes/new/", {**given, "port": "x", "password": "secret"}).status_code == 422
    assert not Mailbox.objects.exists()
    assert (
        client.post("/settings/mailboxes/new/", {**given, "password": "secret"}, headers={"HX-Request": "true"}).headers["HX-Redirect"]
        == "/settings/mailboxes/"
    )
    made = Mailbox.objects.get()
    shown = client.get("/settings/mailboxes/").content.decode()
    assert "news@nuriwork.example" in shown
    assert "secret" not in client.get(f"/settings/mailboxes/{made.pk}/").content.decode()
    assert client.post(f"/settings/mailboxes/{made.pk}/remove/").status_code == 200
    assert not Mailbox.objects.exists()

    client.force_login(users.create("v@nuriwork.example", "구경", "correct horse battery", "viewer", actor=SYSTEM))
    assert client.post("/settings/mailboxes/new/", {**given, "password": "secret"}).status_code == 403
