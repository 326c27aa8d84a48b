"""The document of a mail: what an editor does to it, how it is cleaned, and its drafts and versions."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.accounts.models import Account
from baton.messaging.mail import blocks, emails, mail_checks, merge_fields, mjml, rich
from baton.messaging.mail.block_kinds import KINDS
from baton.messaging.models import Email, EmailVersion
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from tests.examples import some

HAN, OH = Actor("user", 1), Actor("user", 2)
PIECES = st.sampled_from([
    "안녕", "<b>", "</b>", "<p>", "</p>", "</a>", "<script>x</script>", "<!--", "{% if contact.n > 5 %}", "{% endif %}", "{{", "&lt;", "😀", "bjx0xjb",
    "\u202e",
    '<a href="https://a.example/?a=1&amp;b=2">', '<a href="javascript:alert(1)">', '{{ contact.firstname|default("고객") }}', "<img src=x onerror=alert(1)>",
    '<span style="color:#ff0000;position:fixed">', "</span>",
])  # fmt: skip


def keys(document: blocks.Document) -> list[str]:
    return [found.block["key"] for found in blocks.each(document)]


@settings(max_examples=some(15), deadline=None)
@given(st.data())
def test_whatever_an_editor_does_no_other_block_is_lost_or_changed(data: st.DataObject) -> None:
    document = blocks.new()
    for _step in range(data.draw(st.integers(1, 12))):
        before, there = json.dumps(document), keys(document)
        rows = [row["key"] for row in document["rows"]]
        what = data.draw(st.sampled_from(["add", "row", "move", "move_row", "step", "copy", "remove", "change"] if there else ["add", "row"]))
        key = data.draw(st.sampled_from(there)) if there else ""
        row = data.draw(st.sampled_from(document["rows"])) if rows else {"key": "", "columns": [[]]}
        column = data.draw(st.integers(0, len(row["columns"]) - 1))
        place = (row["key"], column, data.draw(st.integers(0, len(row["columns"][column]))))
        kept = {found.block["key"]: found.block for found in blocks.each(document) if found.block["key"] != key}
        made: Any = None
        match what:
            case "add":
                made, new = blocks.add(document, data.draw(st.sampled_from(list(KINDS))), place if rows else None)
                assert new in keys(made)
                assert len(keys(made)) == len(there) + 1
            case "row":
                made, _key = blocks.add_row(document, data.draw(st.sampled_from(list(blocks.LAYOUTS))), data.draw(st.none() | st.integers(0, 3)))
            case "move":
                made = blocks.move(document, key, place)
                assert sorted(keys(made)) == sorted(there)
            case "move_row":
                made = blocks.move_row(document, row["key"], data.draw(st.integers(0, len(rows))))
                assert sorted(r["key"] for r in made["rows"]) == sorted(rows)
            case "step":
                made = blocks.step(document, data.draw(st.sampled_from([key, row["key"]])), data.draw(st.sampled_from([-1, 1])))
                assert sorted(keys(made)) == sorted(there)
            case "copy":
                made, new = blocks.copy(document, key)
                twin, one = blocks.find(made, new), blocks.find(made, key)
                assert {**twin.block, "key": key} == one.block
                assert twin.number == one.number + 1
            case "remove":
                made = blocks.remove(document, key)
                assert key not in keys(made)
            case _:
                made = blocks.change(document, key, {"space": "large"})
                assert blocks.find(made, key).block["space"] == "large"
        after = {found.block["key"]: found.block for found in blocks.each(made)}
        assert all(after[one] == block for one, block in kept.items())
        assert len(set(keys(made))) == len(keys(made))
        assert json.dumps(document) == before, "the document given stays as it was"
        assert blocks.cleaned(made) == made
        assert blocks.cleaned(json.loads(json.dumps(made))) == made
        document = made


@pytest.mark.django_db
@settings(max_examples=some(15), deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_text_of_an_editor_keeps_its_merge_fields_and_nothing_that_runs(html: str) -> None:
    kept = rich.cleaned(html)
    assert rich.cleaned(kept) == kept
    bare = merge_fields.PIECE.sub("", kept).lower()
    assert "<script" not in bare
    assert "javascript:" not in bare
    assert "onerror" not in bare
    assert "<img" not in bare
    assert "position" not in bare
    assert rich.cleaned(merge_fields.to_chips(kept)) == kept, "what an editor is given and sends back is the same"


def test_merge_fields_are_written_and_read() -> None:
    assert merge_fields.write("contact.firstname", "고객") == '{{ contact.firstname|default("고객") }}'
    for fallback in ('그 "분"', "a\\b", "it's", ""):
        assert merge_fields.read(merge_fields.write("contact.firstname", fallback)) == merge_fields.Written("contact.firstname", fallback or None)
    assert merge_fields.read("{{ contact.firstname|upper }}") is None
    assert merge_fields.mentioned('{{ contact.a|default("contact.b") }} {% if owner.name %}{% endif %} contact.c') == {"contact.a", "owner.name"}
    chip = '<p><span data-field="contact.firstname" data-fallback="고객">이름</span> 님</p>'
    assert rich.cleaned(chip) == '<p>{{ contact.firstname|default("고객") }} 님</p>'


def test_what_is_wrong_becomes_usual() -> None:
    block = {"kind": "button", "key": "zz", "label": "x" * 900, "link": " https://a.example/ ", "look": "neon", "colour": "red", "wide": "on", "unknown": 1}
    row = {"layout": "2-1", "colour": "#ABCDEF", "filter": {"all": []}, "columns": [[block, {"kind": "rocket"}], [], [{"kind": "spacer", "height": 9999}]]}
    document = blocks.cleaned({"theme": {"accent": "blue", "width": 9999}, "rows": [row, "?"], "more": 1})
    first, second = document["rows"]
    button = first["columns"][0][0]
    assert (button["look"], button["colour"], button["wide"], len(button["label"]), button["link"]) == ("filled", "", True, 300, "https://a.example/")
    assert first["colour"] == "#abcdef"
    assert first["filter"] == {}
    assert len(first["columns"]) == 2
    assert first["columns"][1][0]["height"] == 160
    assert second["columns"] == [[]]
    assert document["theme"]["accent"] == blocks.THEME["accent"]
    assert document["theme"]["width"] == 720
    assert set(document) == {"theme", "rows"}
    with pytest.raises(NotFound):
        blocks.remove(document, "00000000")
    with pytest.raises(Invalid):
        blocks.new_block("rocket")


# -- drafts and versions -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mail(account: Account) -> Email:
    return emails.create("소식", HAN, subject="첫 제목", document=blocks.new(rows=[blocks.new_row("1", [[blocks.new_block("text", body="<p>처음</p>")]])]))


@pytest.mark.django_db
def test_a_draft_is_not_sent_until_it_is_published_and_versions_come_back(mail: Email) -> None:
    assert (mail.version, mail.body) == (0, "")
    first = emails.publish(mail.pk, HAN, note="첫 발행")
    mail.refresh_from_db()
    assert (first.number, mail.version, mail.draft) == (1, 1, {})
    assert "처음" in mail.body
    assert "unsubscribe" not in first.content["subject"]
    changed = blocks.change(mail.document, next(blocks.each(mail.document)).block["key"], {"body": "<p>나중</p>"})
    mail = emails.draft_save(mail.pk, HAN, mail.revision, subject="둘째 제목", document=changed, name="새 이름")
    assert (mail.subject, mail.name, emails.draft(mail)["subject"]) == ("첫 제목", "새 이름", "둘째 제목")
    assert "처음" in mail.body
    assert emails.preview(mail).subject.endswith("둘째 제목")
    assert "나중" in emails.preview(mail).html
    assert "처음" in emails.preview(mail, sent=True).html
    emails.publish(mail.pk, HAN)
    mail = emails.restore(mail.pk, 1, OH)
    assert emails.draft(mail)["subject"] == "첫 제목"
    assert mail.subject == "둘째 제목"
    assert "나중" in mail.body
    assert "처음" in emails.preview(mail).html
    emails.publish(mail.pk, OH, note="되돌림")
    mail.refresh_from_db()
    assert "처음" in mail.body
    assert [(v.number, v.note) for v in emails.versions(mail.pk)] == [(3, "되돌림"), (2, ""), (1, "첫 발행")]
    assert EmailVersion.objects.get(email=mail, number=2).content["subject"] == "둘째 제목", "a version never changes"
    twin = emails.copy(mail.pk, OH)
    assert emails.draft(twin)["document"] == mail.document
    assert (twin.version, twin.body) == (0, "")
    emails.archive(mail.pk, OH)
    with pytest.raises(NotFound):
        emails.publish(mail.pk, OH)
    emails.unarchive(mail.pk, OH)
    assert emails.discard(mail.pk, OH).draft == {}


@pytest.mark.django_db
def test_two_editors_at_once_are_told(mail: Email) -> None:
    saw = mail.revision
    emails.draft_save(mail.pk, HAN, saw, subject="한 사람")
    with pytest.raises(Conflict):
        emails.draft_save(mail.pk, OH, saw, subject="다른 사람")
    with pytest.raises(Conflict):
        emails.publish(mail.pk, OH, revision=saw)
    mail.refresh_from_db()
    assert mail.draft["subject"] == "한 사람"
    same = emails.draft_save(mail.pk, HAN, mail.revision, subject="한 사람")
    assert same.revision == mail.revision, "saving the same changes nothing"


@pytest.mark.django_db
def test_what_is_missing_is_told_all_at_once_before_publishing(mail: Email) -> None:
    document, key = blocks.add(emails.draft(mail)["document"], "button", link="pricing")
    document, code = blocks.add(document, "code", html="{% if %}")
    mail = emails.draft_save(mail.pk, HAN, mail.revision, document=document, subject="")
    with pytest.raises(Invalid) as refused:
        emails.publish(mail.pk, HAN)
    assert {problem.path for problem in refused.value.problems} == {
        "subject", f"document.blocks.{key}.label", f"document.blocks.{key}.link", f"document.blocks.{code}.html",
    }  # fmt: skip
    assert emails.create("단순", SYSTEM, subject="s", body="<p>b</p>").version == 1, "a simple mail is published at once"
    with pytest.raises(Invalid):
        emails.create(" ", SYSTEM)


def test_a_marketing_mail_has_its_footer_even_when_nobody_put_one() -> None:
    text = blocks.new_row("1", [[blocks.new_block("text", body="<p>a</p>")]])
    assert merge_fields.FOOTER in mjml.html(blocks.new(rows=[text]))
    assert merge_fields.FOOTER not in mjml.html(blocks.new(rows=[text]), purpose="transactional")
    document, key = blocks.add(blocks.new(rows=[text]), "footer")
    assert mjml.html(document).count(merge_fields.FOOTER) == 1
    assert blocks.find(blocks.change(document, key, {"filter": {"condition": "x"}}), key).block["filter"] == {}
    row = blocks.change(document, document["rows"][-1]["key"], {"filter": {"condition": "x"}})
    assert [problem.code for problem in blocks.problems(row)] == ["FOOTER_CONDITION"]


def test_the_page_about_writing_says_what_blocks_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mail-editor.md").read_text()
    example = json.loads(page.partition("```json\n")[2].partition("```")[0])
    assert blocks.cleaned(example) == example
    told = {kind: set(re.findall(r"`(\w+)`", fields)) for kind, fields in re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE) if kind in KINDS}
    assert told == {key: {field.name for field in kind.fields} | {part.name for field in kind.fields for part in field.rows} for key, kind in KINDS.items()}
    checked = set(re.findall(r"`([A-Z_]{5,})`", page.partition("## Checks")[2]))
    written = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)",\s', "".join(inspect.getsource(module) for module in (mail_checks, blocks))))
    assert checked == {code for code in written if len(code) > 4 and code not in ("TOO_MANY", "INVALID_OPTION")} | {"INVALID_URL"}
