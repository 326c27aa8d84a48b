"""The hosted page, the embed script, and HubSpot's submission call."""

import gzip
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from baton.accounts.models import Account
from baton.crm import contacts
from baton.forms import jobs, kept, submissions, verbs
from baton.forms.models import Form, FormSubmission, Quarantine
from baton.forms.spam import TRAP
from baton.platform.actor import Actor
from baton.platform.errors import Invalid

A = "a" * 32


def hubspot(client: Client, account: Account, form: Form, body: Any, guid: str = "") -> Any:
    return client.post(f"/submissions/v3/integration/submit/{account.pk}/{guid or form.guid}", body, content_type="application/json")


def changed(form: Form, actor: Actor, **parts: Any) -> None:
    """Publish the form with other parts."""
    verbs.save(form, actor=actor, definition={**form.draft, **parts})
    verbs.publish(form, actor=actor)


def fields(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def test_the_hosted_page_works_without_a_script(client: Client, form: Form) -> None:
    page = client.get(f"/f/{form.guid}/")
    assert page.status_code == 200
    assert 'lang="ko"' in page.text
    assert "회사 이메일" in page.text
    wrong = client.post(f"/f/{form.guid}/", {"email": "x", "lastname": "김"})
    assert wrong.status_code == 422
    assert 'value="김"' in wrong.text
    assert 'aria-describedby="fault-email"' in wrong.text
    right = client.post(f"/f/{form.guid}/", {"email": "a@b.example", "lastname": "김", "consent.news": "true"})
    assert right.status_code == 200
    assert "고맙습니다." in right.text
    assert contacts.by_email("a@b.example")


def test_a_hosted_form_leads_on_to_its_address(client: Client, form: Form, actor: Actor) -> None:
    changed(form, actor, after={"kind": "redirect", "redirect_url": "https://www.nuriwork.example/thanks"})
    answer = client.post(f"/f/{form.guid}/", {"email": "a@b.example", "lastname": "김"})
    assert (answer.status_code, answer["Location"]) == (303, "https://www.nuriwork.example/thanks")
    assert "form-action 'self' https: http:" in answer["Content-Security-Policy"]


def test_the_script_sends_and_reads_json_from_any_site(client: Client, form: Form) -> None:
    wrong = client.post(f"/f/{form.guid}/", {"email": "x", "lastname": ""}, headers={"accept": "application/json", "origin": "https://www.nuriwork.example"})
    assert wrong.status_code == 422
    assert wrong["Access-Control-Allow-Origin"] == "*"
    assert [p["path"] for p in wrong.json()["problems"]] == ["fields.email", "fields.lastname"]
    right = client.post(
        f"/f/{form.guid}/",
        {"email": "a@b.example", "lastname": "김", "hutk": A, "page_url": "https://www.nuriwork.example/demo"},
        headers={"accept": "application/json"},
    )
    assert right.json() == {"thanks": "고맙습니다.", "redirect": ""}
    assert FormSubmission.objects.get().page_url == "https://www.nuriwork.example/demo"


def test_a_robot_is_thanked_and_set_aside(client: Client, form: Form) -> None:
    answer = client.post(f"/f/{form.guid}/", {"email": "a@b.example", "lastname": "x", TRAP: "https://spam.example"}, headers={"accept": "application/json"})
    assert answer.json()["thanks"] == "고맙습니다."
    assert not FormSubmission.objects.exists()
    assert Quarantine.objects.get().reasons == ["trap"]


def test_the_embed_script_is_small_and_carries_the_form(client: Client, form: Form) -> None:
    script = client.get(f"/f/{form.guid}.js")
    assert script["Content-Type"] == "text/javascript; charset=utf-8"
    assert "회사 이메일" in script.text
    assert len(gzip.compress(script.content)) < 5 * 1024
    assert client.get(f"/f/{form.guid}.js", headers={"if-none-match": script["ETag"]}).status_code == 304


def test_a_label_cannot_end_the_script(client: Client, form: Form, actor: Actor) -> None:
    changed(form, actor, submit_label="</script><script>alert(1)</script>")
    assert "</script>" not in client.get(f"/f/{form.guid}.js").text


@pytest.mark.parametrize("guid", ["0" * 8, "6a1f0c52-7d1e-4c1b-9b56-0f2f6c0e2a11", "%00"])
def test_an_unknown_form_is_not_found(client: Client, account: Account, form: Form, guid: str) -> None:
    assert client.get(f"/f/{guid}/").status_code == 404
    assert client.get(f"/f/{guid}.js").status_code == 404
    answer = hubspot(client, account, form, {"fields": fields(email="a@b.example")}, guid)
    assert (answer.status_code, answer.json()["status"]) == (404, "error")
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_a_page_built_for_a_hubspot_form_shows_this_one_by_its_old_id(client: Client, account: Account, form: Form, actor: Actor) -> None:
    old, other = "0f0e0d0c-0b0a-4908-8706-050403020100", "11111111-2222-4333-8444-555555555555"
    verbs.answer_to(form, [old, "", old], actor=actor)
    assert f'"guid":"{old}"' in client.get(f"/f/{old}.js").text
    assert "고맙습니다." in client.post(f"/f/{old}/", {"email": "a@b.example", "lastname": "김"}).text
    assert hubspot(client, account, form, {"fields": fields(email="c@b.example", lastname="이")}, guid=old).status_code == 200
    assert FormSubmission.objects.filter(form_id=form.pk).count() == 2
    second = verbs.create("소식", form.draft, actor=actor)
    for wrong, code in (([old], "TAKEN"), (["123"], "INVALID"), ([str(form.guid)], "TAKEN"), ([other[:-2] + f"{n:02d}" for n in range(21)], "TOO_MANY")):
        with pytest.raises(Invalid) as caught:
            verbs.answer_to(second, wrong, actor=actor)
        assert [(problem.path, problem.code) for problem in caught.value.problems] == [("former", code)]
    verbs.answer_to(form, [], actor=actor)
    assert client.get(f"/f/{old}.js").status_code == 404


def test_an_archived_form_is_closed(client: Client, form: Form, actor: Actor) -> None:
    verbs.archive(form, actor=actor)
    assert client.get(f"/f/{form.guid}/").status_code == 404
    assert client.post(f"/f/{form.guid}/", {"email": "a@b.example", "lastname": "김"}).status_code == 404


def test_hubspots_call_makes_a_contact(client: Client, account: Account, form: Form) -> None:
    body = {
        "fields": [{"objectTypeId": "0-1", "name": "email", "value": "a@b.example"}, {"name": "0-1/lastname", "value": "김"}],
        "context": {"hutk": A, "pageUri": "https://www.nuriwork.example/demo", "pageName": "상담"},
        "legalConsentOptions": {
            "consent": {"consentToProcess": True, "text": "처리 동의", "communications": [{"value": True, "subscriptionTypeId": 1, "text": "수신 동의"}]}
        },
    }
    answer = hubspot(client, account, form, body)
    assert answer.json() == {"inlineMessage": "<p>고맙습니다.</p>"}
    assert answer["Access-Control-Allow-Origin"] == "*"
    contact = contacts.by_email("a@b.example")
    assert contact is not None
    sent = FormSubmission.objects.get(contact_id=contact)
    assert (sent.page_url, sent.page_title) == ("https://www.nuriwork.example/demo", "상담")


def test_hubspots_call_answers_the_preflight(client: Client, account: Account, form: Form) -> None:
    answer = client.options(
        f"/submissions/v3/integration/submit/{account.pk}/{form.guid}",
        headers={"origin": "https://x.example", "access-control-request-headers": "content-type"},
    )
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Headers"] == "content-type"


@pytest.mark.parametrize(
    ("body", "where", "kind"),
    [
        ({"fields": [{"name": "email", "value": "x"}, {"name": "lastname", "value": "김"}]}, "fields.email", "INVALID_EMAIL"),
        ({"fields": [{"name": "lastname", "value": "김"}]}, "fields.email", "REQUIRED_FIELD"),
        ({"fields": [*fields(email="a@b.example", lastname="김", foo="1")]}, "fields.foo", "FIELD_NOT_IN_FORM_DEFINITION"),
        ({"fields": fields(email="a@b.example", lastname="김", phone="no")}, "fields.phone", "VALUE_NOT_IN_FIELD_DEFINITION"),
        ({"fields": fields(email="a@b.example", lastname="김"), "context": {"hutk": "zz"}}, "context.hutk", "INVALID_HUTK"),
        ({"fields": fields(email="a@b.example", lastname="김"), "context": {"ipAddress": "999.1"}}, "context.ipAddress", "INVALID_IP_ADDRESS"),
        (
            {"fields": fields(email="a@b.example", lastname="김"), "legalConsentOptions": {"consent": {"consentToProcess": False}}},
            "legalConsentOptions",
            "MISSING_PROCESSING_CONSENT",
        ),
        ({"fields": [{"name": f"f{i}", "value": ""} for i in range(1001)]}, "fields", "MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED"),
        ({"fields": fields(email="a@b.example", lastname="김"), "submittedAt": "yesterday"}, "submittedAt", "INVALID_METADATA"),
        ("[[", "body", "INVALID_METADATA"),
    ],
)
def test_hubspots_call_names_each_fault(client: Client, account: Account, form: Form, body: Any, where: str, kind: str) -> None:
    answer = hubspot(client, account, form, body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "The request is not valid"
    assert answer.json()["correlationId"]
    assert (answer.json()["errors"][0]["errorType"], answer.json()["errors"][0]["message"].startswith(f"Error in '{where}'. ")) == (kind, True)
    assert not FormSubmission.objects.exists()


def test_hubspots_secure_call_needs_a_token(client: Client, account: Account, form: Form) -> None:
    answer = client.post(f"/submissions/v3/integration/secure/submit/{account.pk}/{form.guid}", json.dumps({"fields": []}), content_type="application/json")
    assert answer.status_code == 401


def test_an_answer_is_kept_while_the_database_is_away_and_taken_once(
    client: Client, account: Account, form: Form, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "kept")
    with monkeypatch.context() as broken:
        broken.setattr(submissions, "_person", _away)
        answer = client.post(f"/f/{form.guid}/", {"email": "a@b.example", "lastname": "김"}, headers={"accept": "application/json"})
        assert answer.status_code == 200
        assert hubspot(client, account, form, {"fields": fields(email="c@d.example", lastname="이")}).status_code == 200
        assert not FormSubmission.objects.exists()
    jobs.take_kept_answers.task.func(0)
    jobs.take_kept_answers.task.func(0)
    assert contacts.by_email("a@b.example")
    assert contacts.by_email("c@d.example")
    assert FormSubmission.objects.count() == 2
    assert not list((tmp_path / "kept").iterdir())


def _away(*_: object) -> int:
    raise OperationalError("the connection is closed")


def test_every_change_of_a_form_is_in_the_history(form: Form, actor: Actor) -> None:
    from baton.platform.models import History

    verbs.save(form, actor=actor, name="상담")
    verbs.save(form, actor=actor, name="상담")
    verbs.archive(form, actor=actor)
    assert list(History.objects.filter(subject_type="form").order_by("id").values_list("verb", flat=True)) == ["created", "published", "updated", "archived"]
