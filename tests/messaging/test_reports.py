"""What comes back is read right: reports of the RFCs, bounces in words of many hosts and three languages, answers and out-of-office notes."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from baton.messaging.incoming import bounces, dsn, mail_text, replies

MAILS = Path(__file__).parent / "mails"


def sample(name: str) -> EmailMessage:
    return parsed((MAILS / f"{name}.eml").read_bytes())


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def mail(text: str, *, subject: str = "", sender: str = "jiwoo@gaon.example", html: str = "", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "news@nuriwork.example", subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    if html and not text:
        made.set_content(html, subtype="html")
    else:
        made.set_content(text)
    return parsed(made.as_bytes())


ANSWERS = [  # (reply or status, words, hard, reason)
    (550, "5.1.1 <x@y.example>: Recipient address rejected: User unknown in local recipient table", True, "user_unknown"),
    (550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", True, "user_unknown"),
    (554, "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", True, "user_unknown"),
    ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", True, "user_unknown"),
    ("5.0.0", "550 No such user here", True, "user_unknown"),
    ("5.4.4", "Host or domain name not found. Name service error for name=nope.example type=A: Host not found", True, "host_unknown"),
    ("5.1.0", "Domain null.example does not accept mail (nullMX)", True, "null_mx"),
    (556, "", True, "null_mx"),
    (501, "5.1.3 Bad recipient address syntax", True, "bad_syntax"),
    (551, "5.1.6 User has moved to other@y.example", True, "moved"),
    (550, "5.2.1 The email account that you tried to reach is disabled", False, "disabled"),
    (452, "4.2.2 The email account that you tried to reach is over quota", False, "mailbox_full"),
    (552, "5.2.2 Mailbox full", False, "mailbox_full"),
    (552, "5.3.4 Message size exceeds fixed limit", False, "too_big"),
    (450, "4.2.1 The user you are trying to contact is receiving mail too quickly", False, "throttled"),
    (421, "4.7.28 Our system has detected an unusual rate of unsolicited mail", False, "throttled"),
    (550, "5.7.26 This mail is unauthenticated", False, "auth_failure"),
    (550, "5.7.515 Access denied, sending domain does not meet the required level", False, "auth_failure"),
    (450, "4.1.8 <b@x.example>: Sender address rejected: Domain not found", False, "auth_failure"),
    (550, "5.7.1 Service unavailable; Client host [192.0.2.4] blocked using Spamhaus", False, "blocked"),
    (550, "SC-001 Unfortunately, messages from [192.0.2.4] weren't sent. block list", False, "blocked"),
    (450, "4.1.1 user unknown", False, "temporary"),
    ("4.4.1", "connect to mx.y.example[192.0.2.9]:25: Connection timed out", False, "expired"),
    ("5.6.0", "Invalid mail: no such address in the template", False, "content"),
    (500, "5.5.2 Syntax error", False, "protocol"),
    (550, "", False, "undefined"),
    (550, "5.1.1 존재하지 않는 사용자입니다", True, "user_unknown"),
    ("", "수신자를 찾을 수 없습니다", True, "user_unknown"),
    ("", "존재하지 않는 도메인입니다", True, "host_unknown"),
    (554, "휴면 계정입니다", False, "disabled"),
    ("", "받는 사람의 메일함 용량이 초과되었습니다", False, "mailbox_full"),
    (554, "5.7.1 스팸으로 차단되었습니다", False, "blocked"),
    (550, "宛先のメールアドレスが見つかりませんでした", True, "user_unknown"),
    ("", "ドメインが存在しません", True, "host_unknown"),
    (552, "メールボックスの容量が一杯です", False, "mailbox_full"),
    (550, "迷惑メールとして拒否されました", False, "blocked"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "hard", "reason"), ANSWERS, ids=[f"{row[0]} {row[1][:30]}" for row in ANSWERS])
def test_a_refusal_is_understood(code: int | str, words: str, hard: bool, reason: str) -> None:
    assert bounces.classify(code, words) == (hard, reason)
    assert bounces.words(reason) != reason


def test_the_reports_of_rfc_3464() -> None:
    [one] = dsn.read(sample("rfc3464-simple"))
    assert (one.kind, one.recipient, one.status, one.bounce) == ("bounced", "louisl@larry.slip.umd.edu", "4.0.0", (False, "expired"))
    assert one.original == {"message-id": "<11.12@mail.nuriwork.example>", "subject": "hello"}
    gateway, later, gone = dsn.read(sample("rfc3464-many"))
    assert (gateway.kind, gateway.bounce.hard, gateway.remote_mta, gateway.text) == (
        "bounced", False, "vnet.ibm.com", "550 'arathib@vnet.IBM.COM' is not a registered gateway user",
    )  # fmt: skip
    assert (later.kind, later.text) == ("deferred", "hpnjld.njd.jp.com: host name lookup failure")
    assert (gone.kind, gone.bounce) == ("bounced", (True, "user_unknown"))


def test_the_complaint_of_rfc_5965_and_one_that_says_it_is_no_spam() -> None:
    abuse = sample("rfc5965-abuse")
    [one] = dsn.read(abuse)
    assert (one.kind, one.feedback, one.recipient) == ("complained", "abuse", "user@example.com")
    assert (one.original or {})["message-id"] == "8787KJKJ3K4J3K4J3K4J3.mail@example.net"
    [other] = dsn.read(parsed((MAILS / "rfc5965-abuse.eml").read_bytes().replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")))
    assert other.kind == "nothing"


WORDS = [  # bounces that are no reports: (subject, text, kind, recipient, hard, reason)
    (
        "failure notice",
        "Hi. This is the qmail-send program at mx.gaon.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
        "<jiwoo@gaon.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\nReturn-Path: <>\nMessage-ID: <11.12@mail.nuriwork.example>\nSubject: mailbox full of offers\n",
        "bounced", "jiwoo@gaon.example", True, "user_unknown",
    ),
    (
        "[반송] 메일이 전달되지 못했습니다",
        "보내신 메일이 아래의 이유로 반송되었습니다.\n받는 사람: jiwoo@gaon.example\n사유: 수신자의 메일함 용량이 초과되었습니다.\n\n----- 원본 메시지 -----\n"
        "X-Baton-Message: 11.12\n제목: 없는 사용자\n",
        "bounced", "jiwoo@gaon.example", False, "mailbox_full",
    ),
    ("메일 배달 실패 안내", "jiwoo@gaon.example 님은 존재하지 않는 사용자입니다. (550)", "bounced", "jiwoo@gaon.example", True, "user_unknown"),
    (
        "配信不能：メールをお届けできませんでした",
        "次の宛先にメールを配信できませんでした。\njiwoo@gaon.example\n宛先のメールアドレスが存在しません。\n",
        "bounced", "jiwoo@gaon.example", True, "user_unknown",
    ),
    (
        "Warning: message delayed 4 hours",
        "A message that you sent has not yet been delivered to jiwoo@gaon.example. It will be tried again.\nhost mx: 451 4.3.0 temporary\n",
        "deferred", "jiwoo@gaon.example", False, "temporary",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "text", "kind", "recipient", "hard", "reason"), WORDS, ids=[row[0] for row in WORDS])
def test_bounces_in_words(subject: str, text: str, kind: str, recipient: str, hard: bool, reason: str) -> None:
    [one] = dsn.read(mail(text, subject=subject, sender="Mail System <MAILER-DAEMON@mx.gaon.example>"))
    assert (one.kind, one.recipient, one.bounce) == (kind, recipient, (hard, reason))
    if "11.12" in text:
        assert "11.12" in str(one.original)


def test_a_person_who_writes_about_bounces_is_no_bounce() -> None:
    assert dsn.read(mail("반송된 메일은 어떻게 하나요? 사용자를 찾을 수 없다고 나옵니다.", subject="Re: 반송 메일 문의")) == []
    exim = mail(
        "This message was created automatically.\n\n  jiwoo@gaon.example\n    host mx: 550 5.1.1 unknown user", X_Failed_Recipients="jiwoo@gaon.example"
    )
    assert dsn.read(exim)[0].bounce == (True, "user_unknown")


QUOTES = [
    "2026년 11월 22일 (일) 오후 3:14, 누리워크 마케팅 <news@nuriwork.example>님이 작성:",
    "2026년 11월 22일 (일) 오후 3:14, 누리워크 마케팅 <news@nuriwork.example>\n님이 작성:",
    "-----Original Message-----",
    "----- 원본 메일 -----",
    "보낸 사람: 누리워크 마케팅 <news@nuriwork.example>",
    "On Sun, Nov 22, 2026 at 3:14 PM Nuriwork <news@nuriwork.example> wrote:",
    "2026年11月22日(日) 15:14 Nuriwork <news@nuriwork.example>:",
]


@pytest.mark.parametrize("quote", QUOTES)
def test_of_an_answer_only_what_was_written_is_kept(quote: str) -> None:
    text = f"네, 다음 주 화요일에 통화 가능합니다.\n견적도 부탁드려요.\n\n{quote}\n> 안녕하세요, 지우 님.\n> 요금제를 안내드립니다.\n"
    assert mail_text.answer(mail(text)) == "네, 다음 주 화요일에 통화 가능합니다.\n견적도 부탁드려요."


def test_an_answer_in_html_and_in_an_old_character_set() -> None:
    page = '<style>p {}</style><p>네, <b>좋습니다</b>.</p><div class="gmail_quote"><p>요금제 안내</p></div>'
    assert mail_text.answer(mail("", html=page)) == "네, 좋습니다."
    raw = (
        b"From: j@gaon.example\r\nSubject: x\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "네, 좋습니다.".encode("cp949")
    )
    assert mail_text.answer(parsed(raw)) == "네, 좋습니다."


@pytest.mark.parametrize(
    ("automatic", "made"),
    [
        (True, mail("출장 중입니다.", subject="자동 회신: 요금제 안내", Auto_Submitted="auto-replied")),
        (True, mail("I am away.", subject="Out of Office Re: pricing")),
        (True, mail("휴가입니다", subject="[부재중] 11/25까지 자리를 비웁니다")),
        (True, mail("不在にしております", subject="不在通知：Re: 料金")),
        (True, mail("thanks", subject="Re: x", X_Autoreply="yes")),
        (True, mail("thanks", subject="Re: x", Precedence="auto_reply")),
        (True, mail("접수되었습니다", subject="문의가 접수되었습니다", sender="no-reply@gaon.example")),
        (False, mail("네, 좋습니다", subject="Re: 요금제 안내")),
        (False, mail("newsletter", subject="Re: 소식", Precedence="bulk")),
        (False, mail("a", subject="Re: 부재 시 연락처 문의", Auto_Submitted="no", X_Auto_Response_Suppress="OOF")),
    ],
)  # fmt: skip
def test_out_of_office_is_told_from_an_answer(automatic: bool, made: EmailMessage) -> None:
    assert replies.automatic(made) is automatic
