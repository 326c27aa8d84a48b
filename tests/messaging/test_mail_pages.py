"""What a document becomes: the gallery against its golden pages, conditions for each person, raw mails byte for byte, images."""

import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from baton.accounts.models import Account
from baton.messaging.mail import blocks, emails, gallery, images, letters, mail_checks, mjml, render
from baton.messaging.models import Email
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound
from tests.messaging.conftest import person

GOLDEN = Path(__file__).parent / "golden"  # `GOLDEN=new pytest tests/messaging/test_mail_pages.py` writes them anew: look at them before
HAN = Actor("user", 1)
KNOWN = {"all": [{"condition": "property", "property": "company", "operator": "known"}]}
UNKNOWN = {"not": KNOWN}


def page(template: gallery.Template) -> str:
    made = mjml.html(template.document, subject=template.subject, language=template.language, purpose=template.purpose)
    return made.replace(config().url, "https://go.nuriwork.example").replace("><", ">\n<")


@pytest.mark.parametrize(("language", "key"), [(language, one.key) for language in gallery.LANGUAGES for one in gallery.templates(language)])
def test_a_mail_of_the_gallery_looks_as_it_did(language: str, key: str) -> None:
    template, made = gallery.template(key, language), page(gallery.template(key, language))
    assert not blocks.problems(template.document)
    assert blocks.cleaned(template.document) == template.document
    assert len(made) < mail_checks.CUT / 2
    fetched = re.findall(r"""(?:\bsrc=|@import |url\()\s*["']?([^"')\s]+)""", made)
    assert all(address.startswith("https://go.nuriwork.example/m/") for address in fetched), "nothing comes from anywhere else"
    file = GOLDEN / f"{key}.html"
    if language == "ko":  # the other differs by its words only
        if os.environ.get("GOLDEN") == "new":
            file.write_text(made)
        assert made == file.read_text()


def test_who_wants_a_mail_always_light_gets_it_so() -> None:
    document = gallery.template("newsletter").document
    assert "prefers-color-scheme:dark" in mjml.html(document)
    always_light = mjml.html(blocks.restyle(dict(document), {"dark": "never"}))
    assert "prefers-color-scheme" not in always_light
    assert '<meta name="color-scheme" content="light only">' in always_light


def mail(*parts: dict[str, Any], **values: Any) -> Email:
    made = emails.create("조건", HAN, subject="소식", document=blocks.new(rows=[blocks.new_row("1", [list(parts)]), *values.pop("rows", [])]), **values)
    emails.publish(made.pk, HAN)
    made.refresh_from_db()
    return made


@pytest.mark.django_db
def test_everybody_gets_the_blocks_that_are_for_him_in_one_question(nuriwork: Account, django_assert_max_num_queries: Any) -> None:
    text = blocks.new_block
    email = mail(
        text("text", body="<p>모두에게</p>"), text("text", body="<p>{{ contact.company }} 전용</p>", filter=KNOWN),
        text("button", label="회사를 알려 주십시오", link="https://nuriwork.example/form", filter=UNKNOWN),
        rows=[blocks.new_row("1-1", [[text("text", body="<p>왼쪽</p>")], [text("text", body="<p>오른쪽</p>", filter=KNOWN)]], filter=KNOWN)],
    )  # fmt: skip
    company, none = person("a@gaon.example", company="가온"), person("b@gaon.example")
    with_company, without = (one.html for one in render.mail(email, [company, none]))
    assert all(word in with_company for word in ("모두에게", "가온 전용", "왼쪽", "오른쪽"))
    assert "알려 주십시오" not in with_company
    assert "모두에게" in without
    assert "알려 주십시오" in without
    assert not [word for word in ("전용", "왼쪽", "오른쪽") if word in without]
    assert "{%" not in with_company + without
    sent = letters.build(email.pk, email.version, [letters.Recipient(company), letters.Recipient(none)])
    assert ["가온 전용" in letter.html for letter in sent] == [True, False]
    assert ["알려 주십시오" in letter.text for letter in sent] == [False, True]
    for letter in sent:  # tables stay whole, whoever gets what
        assert letter.html.count("<table") == letter.html.count("</table>")
        assert letter.html.count("<!--[if") == letter.html.count("<![endif]")
    more = [company, none, *(person(f"c{n}@gaon.example") for n in range(8))]
    with django_assert_max_num_queries(25):  # the same for two as for two hundred
        letters.build(email.pk, email.version, [letters.Recipient(one) for one in more])


@pytest.mark.django_db
def test_a_filter_that_cannot_be_read_any_more_shows_nobody_and_is_told(nuriwork: Account) -> None:
    email = mail(blocks.new_block("text", body="<p>모두</p>"), blocks.new_block("text", body="<p>비밀</p>", filter=KNOWN))
    broken = {"all": [{"condition": "property", "property": "gone", "operator": "known"}]}
    email.document["rows"][0]["columns"][0][1]["filter"] = broken
    email.save()
    assert "비밀" not in render.mail(email, [person("a@gaon.example", company="가온")])[0].html
    with pytest.raises(Invalid):
        emails.publish(email.pk, HAN)


@pytest.mark.django_db
def test_a_raw_mail_goes_out_byte_for_byte_but_for_links_and_pixel(nuriwork: Account) -> None:
    raw = (
        "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0'>\r\n<HTML><head><style>a{color:red}\t</style></head><BODY bgcolor=#fff>\n<table>"
        "<tr><td>"
        "&nbsp;가격 &copy;<!--[if mso]><v:rect><![endif]--> <a  class='x'  href='https://nuriwork.example/a?b=1&amp;c=2'>보기</a> "
        '<a href="{{ unsubscribe_url }}">거부</a>'
        "<br/>{% raw %}{{ x }}{% endraw %}</td></tr></table>  </BODY></HTML>\n\n"
    )
    email = emails.create("손으로", HAN, subject="소식", body=raw, mode="raw")
    contact = person()
    shown = render.mail(email, [contact])[0].html
    assert email.body == raw
    expected = raw.replace("{% raw %}{{ x }}{% endraw %}", "{{ x }}").replace("\r\n", "\n")  # each line ends as mail does on the wire
    way_out = re.search(r'href="([^"]*/u/[^"]*)"', shown)
    assert way_out
    assert shown == expected.replace("{{ unsubscribe_url }}", way_out[1])
    sent = letters.build(email.pk, 0, [letters.Recipient(contact, 77)], sign=False)[0].html
    sent = re.sub(r'<img src="[^"]*/o/[^"]*" width="1" height="1" alt="" style="[^"]*">', "", sent)
    sent = re.sub(r"href='https?://[^']*/c/[^']*'", "href='https://nuriwork.example/a?b=1&amp;c=2'", sent)
    sent = re.sub(r'href="[^"]*/u/[^"]*"', f'href="{way_out[1]}"', sent)
    assert sent.rstrip("\n") == shown.rstrip("\n")
    with pytest.raises(Invalid) as refused:
        emails.create("손으로", HAN, subject="소식", body="<p>a</p>", mode="raw")
    assert [problem.code for problem in refused.value.problems] == ["NO_WAY_OUT"]
    assert emails.create("손으로", HAN, subject="소식", body="<p>a</p>", mode="raw", purpose="transactional").version == 1


@pytest.mark.django_db
def test_what_people_are_called_cannot_break_a_composed_mail(nuriwork: Account) -> None:
    link = '<a href="https://nuriwork.example/?q={{ contact.firstname }}">보기</a>'
    text = blocks.new_block("text", body=f'<p>{{{{ contact.firstname|default("고객") }}}}</p><p>{link}</p>')
    email = mail(text, blocks.new_block("button", label="{{ contact.firstname }} 님", link="https://nuriwork.example/{{ contact.firstname }}"))
    for name in ('</td></table><script>alert(1)</script>"', "{{ account.name }}{% for x in y %}", "😀\u202e가" * 50, "bjx0xjb bjs1sjb"):
        shown = render.mail(email, [person(f"x{abs(hash(name))}@gaon.example", firstname=name)])[0]
        assert not shown.problem
        assert "<script" not in shown.html
        assert "누리워크{%" not in shown.html
        assert shown.html.count("<table") == shown.html.count("</table>")


# -- images ------------------------------------------------------------------------------------------------------------------------------------------


def png(width: int, height: int, *, note: bytes = b"") -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(b"".join(b"\0" + b"\x99" * width for _row in range(height)))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + (chunk(b"tEXt", note) if note else b"") + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width: int, height: int, *, turned: int = 1) -> bytes:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0" + bytes([turned]) + b"\0\0\0\x25\x88\x04\0\x01\0\0\0\x26\0\0\0GPS here"
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return (
        b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + b"\xff\xfe\0\x08secret" + frame + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0abc\xff\xd9<script>"
    )


@pytest.mark.django_db
def test_images_are_kept_once_without_what_a_camera_wrote_and_never_change(client: Client) -> None:
    one = images.add("../봄\u202e.png", png(300, 20, note=b"Author\0Oh"), actor=HAN)
    assert images.add("other.png", png(300, 20), actor=HAN).key == one.key, "what a program wrote into it does not count"
    assert (one.width, one.height, one.name) == (300, 20, "봄.png")
    photo = images.add("p.jpg", jpeg(40, 30, turned=6), actor=HAN)
    assert (photo.width, photo.height) == (30, 40)
    answer = client.get(f"/m/{photo.key}")
    assert answer["Content-Type"] == "image/jpeg"
    assert "immutable" in answer["Cache-Control"]
    assert b"GPS" not in answer.content
    assert b"secret" not in answer.content
    assert answer.content.endswith(b"\xff\xd9")
    assert b"\x01\x12\0\x03\0\0\0\x01\0\x06" in answer.content, "it is turned as before"
    for wrong in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"RIFF0000WEBP", b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xd8\xff\xe1\0", png(7000, 1), b"GIF89a", b""):
        with pytest.raises(Invalid):
            images.add("x", wrong, actor=HAN)
    assert client.get(f"/m/{one.key.replace('.png', '.jpg')}").status_code == client.get("/m/none.png").status_code == 404
    assert client.get("/m/icons/linkedin.png").content.startswith(b"\x89PNG")
    assert client.get("/m/icons/..%2f..%2fx.png").status_code == 404
    assert client.get("/m/news.png").content.startswith(b"\x89PNG")
    assert {image.key for image in images.known()} == {one.key, photo.key}
    images.archive(one.key, actor=HAN)
    assert [image.key for image in images.known()] == [photo.key]
    assert client.get(f"/m/{one.key}").status_code == 200, "mails that show it go on showing it"
    with pytest.raises(NotFound):
        images.archive(one.key, actor=HAN)
    assert sql.rows("SELECT count(*) FROM history WHERE subject_type = 'mail_image'") == [(3,)]


# -- checks --------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_mail_is_looked_through_before_it_goes_out(nuriwork: Account) -> None:
    text = '<p><span style="color:#eeeeee">흐린 글</span> <a href="https://bit.ly/x">여기</a> <a href="https://bad.example/">nuriwork.example</a></p>'
    text += "<p>{{ contact.gone }}</p>"
    document = blocks.new(rows=[blocks.new_row("1", [[
        blocks.new_block("text", body=text), blocks.new_block("image", image="news.png"), blocks.new_block("button", label="신청", link="https://example.com/x"),
        blocks.new_block("code", html="<iframe src=https://a.example></iframe>{{ contact.firstname }}"),
    ]])])  # fmt: skip
    email = emails.create("검사", HAN, subject="대박!! 당첨되신 것을 진심으로 축하드리며 안내해 드립니다 지금 바로 확인하십시오", document=document)
    found = mail_checks.look(emails.draft(email))
    assert {one.code for one in found if one.grave} == {"EXAMPLE_LINK"}
    assert {one.code for one in found if not one.grave} >= {
        "CONTRAST", "LINK_TEXT", "LINK_MISMATCH", "UNKNOWN_FIELD", "NO_ALT", "NO_FALLBACK", "DEAD_TAG", "LONG_SUBJECT", "LOUD_SUBJECT", "SPAM_WORDS",
        "NO_PREHEADER", "SHORT_LINK",
    }  # fmt: skip
    assert all(one.fix for one in found if not one.grave)
    where = {one.code: one.path for one in found}
    key = next(blocks.each(document)).block["key"]
    assert where["CONTRAST"] == where["LINK_TEXT"] == f"document.blocks.{key}.body"
    long = emails.create("길다", HAN, subject="a", body=f"<p>{'가나다라 ' * 9000}</p>")
    assert "TOO_LARGE" in {one.code for one in mail_checks.look(emails.content(long))}
    words = "안녕하세요. 새로운 기능을 소개해 드립니다. 자세한 내용은 아래에서 보실 수 있으며, 언제든지 답장으로 물어봐 주십시오. " * 2
    fine = blocks.new(rows=[blocks.new_row("1", [[blocks.new_block("text", body=f"<p>{words}</p>")]])])
    good = emails.create("좋다", SYSTEM, subject="새 기능 소개", preheader="세 가지가 달라졌습니다", document=fine)
    assert mail_checks.look(emails.draft(good)) == []
