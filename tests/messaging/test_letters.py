"""Mails as bytes: read back by the standard library, verified by dkimpy, and filled with values of people who mean no good."""

import re
from base64 import b64decode
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from typing import Any

import dkim as oracle
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from baton.accounts.models import Account
from baton.messaging import rules
from baton.messaging.deliverability import dkim, domains
from baton.messaging.mail import encode, frame, letters
from baton.messaging.mail.sandbox import Fields
from baton.messaging.models import Email, SendingDomain, SubscriptionType
from baton.platform import signing
from baton.platform.actor import SYSTEM
from tests.examples import some
from tests.messaging.conftest import parsed, person

pytestmark = pytest.mark.django_db
LISTED = {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"}
ALWAYS = {"From", "To", "Subject", "Message-ID", "X-Baton-Message", "Date", "MIME-Version", "Content-Type", "Feedback-ID", "Reply-To"} | LISTED
HOSTILE = (
    "<script>alert(1)</script><b>",
    "지우\r\nBcc: everybody@evil.example\r\n\r\n<html>",
    '"><img src=x onerror=alert(1)>',
    "=?utf-8?q?=0D=0ABcc:_x?= =0D=0A=2E",
    "\u202eexe.txt\u2066",
    "👩‍👩‍👧‍👦 🇰🇷 Ünïcode שלום مرحبا",
    "{{ 7 * 7 }}{% raw %}{# #}",
    "half \ud83d and \udc00 NUL \x00 bell \x07 \x1b[31m \x85 \u2028",
    ".\r\n.\r\nQUIT\r\n--=_baton--\r\n",
    "가" * 3334,
    "x" * 10_000,
    " \t ",
)
BODY = "".join(
    (
        '<p title="{{ contact.firstname }}">[{{ contact.firstname|default("고객") }}]</p>',
        '<p><a href="https://nuriwork.example/a?b=1&amp;c=2">{{ contact.firstname|upper }}</a></p>',
    )
)
WITH_CONDITIONS = BODY + "{% if contact.firstname %}<i>{{ contact.firstname }}</i>{% endif %}{% for n in [1, 2] %}<u>{{ n }}</u>\n{% endfor %}"
AS_A_WHOLE = "{% set word %}<i>{{ contact.firstname }}</i>{% endset %}" + BODY + "{{ word }}"


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _value in attrs)))


class _Curve:
    """What dkimpy asks of PyNaCl, by `cryptography`: what is signed and how it is hashed is still dkimpy's own."""

    class exceptions:
        BadSignatureError = InvalidSignature
        ValueError = ValueError

    class encoding:
        Base64Encoder = staticmethod(b64decode)

    class signing:
        class VerifyKey:
            def __init__(self, key: bytes, encoder: Callable[[bytes], bytes]) -> None:
                self.key = Ed25519PublicKey.from_public_bytes(encoder(key))

            def verify(self, data: bytes, signature: bytes) -> bytes:
                self.key.verify(signature, data)
                return data


@pytest.fixture(autouse=True)
def curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dkim, "RSA_BITS", 1024)  # made sooner; the least that dkimpy takes
    monkeypatch.setattr(oracle, "nacl", _Curve, raising=False)


@pytest.fixture
def domain(nuriwork: Account) -> SendingDomain:
    """Signs with a key of each kind; bounces and links have names of their own."""
    row = domains.add("Nuriwork.example", SYSTEM, bounce_host="bounce.nuriwork.example", tracking_host="go.nuriwork.example")
    domains.make_key(row.pk, dkim.ED25519, SYSTEM)
    for key in row.keys.all():
        domains.activate(key.pk, SYSTEM)
    return row


def dns(domain: SendingDomain) -> Any:
    records = {f"{k.selector}._domainkey.{domain.name}.".encode(): dkim.record(k.algorithm, k.public).encode() for k in domain.keys.all()}
    return lambda name, timeout=5: records.get(name)


def verifies(raw: bytes, number: int, domain: SendingDomain) -> bool:
    """Whether the signature of this number holds, as an independent library sees it."""
    try:
        return bool(oracle.DKIM(raw).verify(idx=number, dnsfunc=dns(domain)))
    except oracle.DKIMException:
        return False


def content(**columns: Any) -> frame.Content:
    email = Email.objects.create(name="x", **{"subject": "{{ contact.firstname }}", "body": BODY, **columns})
    return frame.of(email)


def test_values_of_people_who_mean_no_good_are_only_text(domain: SendingDomain, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, who = letters.Recipient(1, 2, "a@gaon.example"), {"name": ""}
    monkeypatch.setattr("baton.messaging.mail.render.people", lambda *_asked: {1: {"contact": Fields({"firstname": who["name"]}), "owner": Fields({})}})
    bodies = [content(body=body, from_address="news@nuriwork.example") for body in (BODY, WITH_CONDITIONS, AS_A_WHOLE)]

    def build(kind: int, name: str) -> letters.Letter:
        who["name"] = name
        given = frame.Content(
            **{**{f: getattr(bodies[kind], f) for f in (*frame.NAMES, "email_id")}, "from_name": name, "reply_to": '"x" <r@nuriwork.example>'}
        )
        [letter] = letters.written(given, [plain])
        assert letter.problem == ""
        return letter

    tags = [Tags(build(kind, "지우").html).found for kind in range(3)]

    @settings(max_examples=some(15), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2), st.text(max_size=200) | st.text(alphabet="a=\r\n .<>:?가\u202e\ud800", max_size=200))
    def harmless(kind: int, name: str) -> None:
        letter = build(kind, name)
        raw = letter.content
        assert b"\r" not in raw.replace(b"\r\n", b"")
        assert b"\n" not in raw.replace(b"\r\n", b"")
        head, _blank, body = raw.partition(b"\r\n\r\n")
        assert max(map(len, body.split(b"\r\n"))) <= 76
        assert max(map(len, head.split(b"\r\n"))) <= 200
        head.decode("ascii")
        mail = parsed(raw)
        assert set(mail.keys()) == ALWAYS | {"DKIM-Signature"}
        assert len(mail.keys()) == len(ALWAYS) + 2
        assert [a.addr_spec for a in mail["From"].addresses] == ["news@nuriwork.example"]
        clean = encode.clean(name)
        assert mail["Subject"] == f"(광고) {encode.one_line(clean)}".strip() or "광" in clean
        html = mail.get_body(("html",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
        if name not in ("", None):
            assert f"[{escape(clean).replace('&quot;', '&#34;').replace('&#x27;', '&#39;')}]" in html or kind == 2
        assert Tags(html).found == tags[kind] or clean == ""
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
        assert "{{" not in html.replace(clean, "").replace(escape(clean), "") or "{" in clean
        assert letter.html == html.removesuffix("\n") or letter.html == html
        assert mail.get_body(("plain",)) is not None
        assert all(verifies(raw, number, domain) for number in range(2))

    for value in HOSTILE:
        harmless = example(1, value)(example(0, value)(harmless))
    example(2, HOSTILE[0])(harmless)()


def test_every_mail_says_who_sent_it_and_the_ways_out_are_signed(domain: SendingDomain) -> None:
    kind = SubscriptionType.objects.create(key="news", names={"ko": "뉴스레터", "en": "Newsletter"})
    who = person("jiwoo@gaon.example", firstname="지우")
    given = content(from_name="누리워크", from_address="news@nuriwork.example", reply_to="문의 <help@nuriwork.example>", subscription_id=kind.pk)
    [letter] = letters.written(given, [letters.Recipient(who, 77)], campaign_id=5)
    mail, token = parsed(letter.content), letter.unsubscribe_url.rsplit("/", 1)[1]
    assert str(mail["From"]) == "누리워크 <news@nuriwork.example>"
    assert str(mail["Reply-To"]) == "문의 <help@nuriwork.example>"
    assert mail["To"] == "jiwoo@gaon.example"
    assert mail["Subject"] == "(광고) 지우"
    path, shown = signing.make_both("bounce", 77, who)
    assert (mail["Message-ID"], mail["X-Baton-Message"]) == (f"<{shown}@nuriwork.example>", path)
    assert str(mail["List-Id"]) == "뉴스레터 <news.nuriwork.example>"
    assert mail["Feedback-ID"].startswith("c5:news:")
    assert mail["List-Unsubscribe"] == f"<https://go.nuriwork.example/u/{token}>, <mailto:u+{token}@bounce.nuriwork.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert signing.read("unsub", token) == (who, given.email_id)
    assert "https://go.nuriwork.example/c/" in letter.html
    local, host = letter.envelope_from.split("@")
    assert (signing.read("bounce", local.removeprefix("b+")), host) == ((77, who), "bounce.nuriwork.example")
    signatures = mail.get_all("DKIM-Signature") or []
    assert {re.search(r"a=([\w-]+)", s)[1] for s in signatures} == {"rsa-sha256", "ed25519-sha256"}  # type: ignore[index]
    for number, signature in enumerate(signatures):
        signed = "".join(re.search(r"h=([^;]+);", signature)[1].split()).split(":")  # type: ignore[index]
        assert {"from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post", "list-id", "reply-to"} <= set(signed)
        assert signed.count("from") == 2, "a second From would not go unnoticed"
        assert verifies(letter.content, number, domain)
        for was, forged in ((b"One-Click", b"Two-Click"), (b"\r\nFrom:", b"\r\nFrom: x@evil.example\r\nFrom:"), (b"=_baton--", b"=_baton--x")):
            assert not verifies(letter.content.replace(was, forged), number, domain)


def test_who_asked_for_a_mail_gets_no_way_out_and_a_colleague_is_told_nothing_he_must_count(nuriwork: Account) -> None:
    given = content(purpose="transactional", from_name='Kim, "Han"')
    [letter, untracked] = letters.written(given, [letters.Recipient(person(), 77), letters.Recipient(person("b@gaon.example"))])
    mail = parsed(letter.content)
    assert LISTED.isdisjoint(mail.keys())
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"].addresses[0].display_name == 'Kim, "Han"'
    assert letter.envelope_from == mail["From"].addresses[0].addr_spec, "without a host for bounces they go where the mail is from"
    assert "/c/" in letter.html
    assert "/c/" not in untracked.html + untracked.text
    assert "/o/" not in untracked.html
    assert 'href="https://nuriwork.example/a?b=1&amp;c=2"' in untracked.html


def test_html_of_ones_own_changes_nothing_but_links_and_pixel(nuriwork: Account) -> None:
    html = (
        "<!DOCTYPE html>\r\n<html><head><style>a{color:#c00} @media(max-width:600px){.x{display:none}}</style></head>\n<BODY class='x'>\t가  나\n"
        "<a class=b href='https://nuriwork.example/?a=1&amp;b=2'>link</a> <a href=\"{{ unsubscribe_url }}\">out</a>   "
        "<!--[if mso]><b>x</b><![endif]-->\n</BODY ></html>\n\n"
    )
    [letter] = letters.written(content(mode="raw", body=html, subject="x"), [letters.Recipient(person(), 77)])
    got = re.sub(r'<img src="[^"]*/o/[\w-]+\.gif"[^>]*>', "", letter.html)
    got = re.sub(r"(href=')[^']*/c/[\w-]+/[0-9]+'", r"\1https://nuriwork.example/?a=1&amp;b=2'", got).replace(letter.unsubscribe_url, "{{ unsubscribe_url }}")
    assert got == html.replace("\r\n", "\n")
    assert "out (" in letter.text


def test_the_text_part_says_what_the_page_says(nuriwork: Account) -> None:
    body = (
        "<h1>{{ contact.firstname }}</h1><ul>{% for n in [1, 2] %}<li>{{ n }}</li>{% endfor %}</ul>"
        "{% if contact.company %}\n<p>{{ contact.company }} &amp; 우리</p>\n{% endif %}"
        '<p style="{% if contact.company %}color:red{% endif %}">&#123;&#123; 7 &#125;&#125; '
        '<a href="https://nuriwork.example/{{ contact.firstname }}">여기</a></p>'
    )
    who = [person(firstname="지우", company="가온"), person("b@gaon.example", firstname="하나")]
    first, second = letters.written(content(body=body, purpose="transactional"), [letters.Recipient(c, 7) for c in who])
    assert first.text.strip() == "지우\n\n- 1\n- 2\n가온 & 우리\n{{ 7 }} 여기 (https://nuriwork.example/지우)"
    assert "우리" not in second.text
    own = content(body=body, text="안녕하세요, {{ contact.firstname }} 님")
    [letter] = letters.written(own, [letters.Recipient(who[0], 7)])
    assert letter.text.split() == ["안녕하세요,", "지우", "님", letter.unsubscribe_url]


def test_a_key_is_made_put_to_use_and_replaced_and_is_stored_encrypted(domain: SendingDomain) -> None:
    old = domain.keys.get(algorithm=dkim.RSA)
    assert "PRIVATE" not in old.secret
    made = domains.rotate(domain.pk, SYSTEM)
    assert {k.state for k in made} == {"new"}
    before = {s.selector for s in domains.sender("a@nuriwork.example").signers}
    assert before == set(domain.keys.filter(state="active").values_list("selector", flat=True))
    for key in made:
        domains.activate(key.pk, SYSTEM)
    assert {s.selector for s in domains.sender("a@mail.nuriwork.example").signers} == {k.selector for k in made}
    old.refresh_from_db()
    assert old.state == "retired"
    assert domains.sender("a@elsewhere.example").signers == ()


def test_the_rules_of_another_country_put_no_label(nuriwork: Account) -> None:
    rules.change({"law": "none"}, actor=SYSTEM)
    [letter] = letters.written(content(), [letters.Recipient(person(firstname="Mina"), 7)])
    assert letter.subject == "Mina"


@settings(max_examples=some(15), deadline=None)
@given(st.text(alphabet='ab =?_<>"가힣é😀\n\t\x00\u202e\ud800', max_size=300))
def test_a_headers_words_are_read_back_as_they_were(text: str) -> None:
    line = encode.one_line(text)
    written = f"Subject: {encode.words(line, 9)}"
    assert max(map(len, written.split("\r\n"))) <= 76
    assert parsed(written.encode() + b"\r\n\r\n")["Subject"] == line
