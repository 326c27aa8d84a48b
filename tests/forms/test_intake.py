"""Answers of Google Forms and sheets, and files that a form hands out."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from baton.accounts import tokens
from baton.crm import consent, contacts
from baton.events import timeline
from baton.events.vocabulary import Kind
from baton.forms import intake, submissions, verbs
from baton.forms.models import Form, FormSubmission
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db
FIELDS: list[dict[str, Any]] = [
    {"name": "email", "label": "이메일", "type": "email", "required": True},
    {"name": "lastname", "label": "성", "type": "text"},
    {"name": "seniority", "label": "직급", "type": "radio", "options": [{"value": "exec", "label": "임원"}, {"value": "staff", "label": "실무자"}]},
    {"name": "topics", "label": "관심", "type": "multi_choice", "options": [{"value": "a", "label": "근태"}, {"value": "b", "label": "급여"}]},
    {"name": "memo", "label": "메모", "type": "text"},
]
RESPONSE: dict[str, Any] = {
    "response": "2_ABaOnud", "at": "2026-11-20T02:03:04.000Z", "email": "kim@gaon.example",
    "answers": {"성": "김", "귀하의 직급은?": "임원", "관심": ["급여", "근태"], "좋아하는 색": "파랑"},
}  # fmt: skip


@pytest.fixture
def form(actor: Actor) -> Form:
    return verbs.create("X", {"fields": FIELDS}, actor=actor, publish=True)


def post(client: Client, form: Form, body: Any, key: str = "") -> Any:
    return client.post(f"/f/{form.guid}/intake", body, content_type="application/json", headers={"authorization": f"Bearer {key or intake.secret(form)}"})


def test_a_response_is_taken_once_by_its_questions(client: Client, form: Form, actor: Actor) -> None:
    intake.save_titles(form, {"귀하의 직급은?": "seniority"}, actor=actor)
    with pytest.raises(Invalid):
        intake.save_titles(form, {"색": "colour"}, actor=actor)
    first, again = post(client, form, RESPONSE), post(client, form, RESPONSE)
    assert first.json() == again.json() == {"contact": contacts.by_email("kim@gaon.example")}
    sent = FormSubmission.objects.get()
    assert sent.values == {"email": "kim@gaon.example", "lastname": "김", "seniority": "exec", "topics": ["a", "b"]}
    assert (sent.at.isoformat(), sent.about["via"]) == ("2026-11-20T02:03:04+00:00", "intake")
    assert post(client, form, {**RESPONSE, "response": "other"}).status_code == 200
    assert FormSubmission.objects.count() == 2


@pytest.mark.parametrize(("said", "agreed"), [("네, 동의합니다", True), ("아니요", False), ("동의하지 않습니다", False), (["동의"], True)])
def test_a_consent_asked_at_google_is_one_here_and_one_not_asked_is_none(client: Client, actor: Actor, said: Any, agreed: bool) -> None:
    boxes = [
        {"key": "p", "kind": "processing", "label": "수집과 이용에 동의합니다.", "required": True},
        {"key": "n", "kind": "channel", "channel": "email", "label": "소식을 받습니다."},
    ]
    made = verbs.create("X", {"fields": FIELDS, "consent": {"notice": {"text": "알림"}, "boxes": boxes}}, actor=actor, publish=True)
    intake.save_titles(made, {"개인정보": "consent.p"}, actor=actor)
    contact = post(client, made, RESPONSE).json()["contact"]
    assert consent.granted(contact, "email") is None
    asked = RESPONSE["answers"] | {"개인정보": "동의", "소식을 받습니다.": said}
    assert post(client, made, RESPONSE | {"response": "2", "answers": asked}).status_code == 200
    assert consent.granted(contact, "email") is (True if agreed else None)
    assert post(client, made, RESPONSE | {"response": "3", "answers": asked | {"개인정보": "아니요"}}).status_code == 422


@pytest.mark.parametrize(
    ("change", "path"),
    [({"response": ""}, "response"), ({"answers": []}, "answers"), ({"at": "yesterday"}, "at"), ({"email": "no address"}, "fields.email")],
)
def test_a_faulty_response_is_told_where(client: Client, form: Form, change: dict[str, Any], path: str) -> None:
    answer = post(client, form, RESPONSE | change)
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (422, path)
    assert post(client, form, "[").status_code == 400


def test_only_the_key_of_this_form_or_a_token_for_forms_opens_it(client: Client, form: Form, actor: Actor) -> None:
    other = verbs.create("Y", {"fields": FIELDS}, actor=actor, publish=True)
    old = intake.secret(form)
    reader, writer = (tokens.create("t", [scope], actor=SYSTEM) for scope in ("forms.read", "forms.write"))
    assert intake.renew(form, actor=actor) == intake.secret(form) != old
    for key in (old, intake.secret(other), reader, "x", "bfi_é"):
        assert post(client, form, RESPONSE, key).status_code == 401, key
    assert not FormSubmission.objects.exists()
    assert post(client, form, RESPONSE, writer).status_code == 200


def test_the_snippet_carries_address_and_key_and_no_open_brace(form: Form) -> None:
    text = intake.snippet(form)
    assert intake.secret(form) in text
    assert f"/f/{form.guid}/intake" in text
    assert text.count("{") == text.count("}")
    assert "{{" not in text


def test_a_file_is_handed_out_by_a_link_that_expires_and_the_download_is_remembered(client: Client, form: Form, actor: Actor) -> None:
    file = verbs.add_file(form, "백서 2026.pdf", b"%PDF-1.7 white", actor=actor)
    verbs.save(form, actor=actor, definition={"fields": FIELDS[:1], "after": {"kind": "file", "file": file}, "spam": {"seconds": 0}})
    verbs.publish(form, actor=actor)
    with pytest.raises(Conflict):
        verbs.drop_file(form, file, actor=actor)
    answer = client.post(f"/f/{form.guid}/", {"email": "kim@gaon.example"}, headers={"accept": "application/json"}).json()
    path = answer["file"].partition("testserver")[2]
    assert client.head(path).status_code == 200
    got = client.get(path)
    assert got.content == b"%PDF-1.7 white"
    assert got["Content-Disposition"].startswith("attachment")
    contact = contacts.by_email("kim@gaon.example")
    assert contact is not None
    assert [e.key_label for e in timeline.page(contact) if e.kind is Kind.DOWNLOAD] == ["백서 2026.pdf"]
    assert client.get(path[:-4] + "AAAA").status_code == 404
    clock.shift(submissions.HANDED + timedelta(minutes=1))
    assert client.get(path).status_code == 404
