"""Forms in HubSpot's words: definitions both ways, and the ways to send and read answers."""

import json
from typing import Any

import pytest
from django.test import Client

from baton.accounts.models import Account
from baton.crm import consent, contacts
from baton.forms import shown, spam, verbs
from baton.forms.models import FormSubmission, Quarantine
from baton.platform.actor import SYSTEM

from .conftest import Call

FORM: dict[str, Any] = {
    "name": "Demo",
    "formType": "hubspot",
    "createdAt": "2026-01-01T00:00:00Z",
    "updatedAt": "2026-01-01T00:00:00Z",
    "archived": False,
    "fieldGroups": [
        {"groupType": "default_group", "richTextType": "text", "richText": "<p>Hello</p>", "fields": []},
        {
            "groupType": "default_group", "richTextType": "text",
            "fields": [{
                "objectTypeId": "0-1", "name": "email", "label": "E-mail", "required": True, "hidden": False, "fieldType": "email",
                "validation": {"blockedEmailDomains": ["rival.example"], "useDefaultBlockList": True},
            }],
        },
        {
            "groupType": "default_group", "richTextType": "text",
            "fields": [{
                "objectTypeId": "0-1", "name": "interest", "label": "Interest", "required": False, "hidden": False, "fieldType": "radio", "description": "One",
                "options": [{"label": "A", "value": "a", "displayOrder": 0}, {"label": "B", "value": "b", "displayOrder": 1}],
                "dependentFields": [{
                    "dependentCondition": {"operator": "set_any", "values": ["a", "b"]},
                    "dependentField": {"objectTypeId": "0-1", "name": "why", "label": "Why", "required": True, "hidden": False, "fieldType": "multi_line_text"},
                }],
            }],
        },
        {
            "groupType": "queued", "richTextType": "text",
            "fields": [{"objectTypeId": "0-1", "name": "company", "label": "Company", "fieldType": "single_line_text"}],
        },
    ],
    "configuration": {
        "language": "en", "notifyContactOwner": True, "notifyRecipients": ["7"], "recaptchaEnabled": False,
        "postSubmitAction": {"type": "redirect_url", "value": "https://www.nuriwork.example/thanks"},
    },
    "displayOptions": {"renderRawHtml": True, "theme": "default_style", "submitButtonText": "Go"},
    "legalConsentOptions": {
        "type": "explicit_consent_to_process", "privacyText": "We keep it for a year.", "consentToProcessText": "May we process it?",
        "consentToProcessCheckboxLabel": "I agree", "communicationsCheckboxes": [{"subscriptionTypeId": 1, "label": "News by e-mail", "required": False}],
    },
}  # fmt: skip


def test_a_definition_comes_back_as_it_was_sent(program: Call) -> None:
    made = program("POST", "/marketing/v3/forms/", FORM)
    assert made.status_code == 201, made.body
    back = program("GET", f"/marketing/v3/forms/{made.body['id']}").body
    assert back == made.body
    text, email, interest, company = back["fieldGroups"]
    assert (text["richText"], text["fields"]) == ("<p>Hello</p>", [])
    assert email["fields"][0]["validation"] == {"blockedEmailDomains": ["rival.example"], "useDefaultBlockList": True}
    assert interest["fields"][0]["fieldType"] == "radio"
    [dependent] = interest["fields"][0]["dependentFields"]
    assert dependent["dependentField"]["name"] == "why"
    assert (dependent["dependentCondition"]["operator"], dependent["dependentCondition"]["values"]) == ("set_any", ["a", "b"])
    assert company["groupType"] == "queued"
    assert {k: back["configuration"][k] for k in FORM["configuration"]} == FORM["configuration"]
    assert back["legalConsentOptions"] == FORM["legalConsentOptions"]
    assert back["displayOptions"]["submitButtonText"] == "Go"
    put = program("PUT", f"/marketing/v3/forms/{back['id']}", back)  # what was read may be written
    assert (put.status_code, put.body["fieldGroups"], put.body["legalConsentOptions"]) == (200, back["fieldGroups"], back["legalConsentOptions"])
    assert len(verbs.versions(verbs.by_guid(back["id"]))) == 1


def test_a_change_keeps_what_it_does_not_name_and_leaves_a_draft_alone(program: Call) -> None:
    guid = program("POST", "/marketing/v3/forms", FORM).body["id"]
    thanks = {"configuration": {"postSubmitAction": {"type": "thank_you", "value": "Thanks"}}}
    changed = program("PATCH", f"/marketing/v3/forms/{guid}", thanks).body
    assert changed["configuration"]["postSubmitAction"] == {"type": "thank_you", "value": "Thanks"}
    assert (changed["configuration"]["notifyContactOwner"], changed["legalConsentOptions"]) == (True, FORM["legalConsentOptions"])
    form = verbs.by_guid(guid)
    verbs.save(form, actor=SYSTEM, definition={**form.draft, "submit_label": "Half done"})
    assert program("PATCH", f"/marketing/v3/forms/{guid}", thanks).status_code == 409
    assert shown.to(form).definition["submit_label"] == "Go"
    assert program("GET", "/marketing/v3/forms?formTypes=captured").body == {"results": []}
    dependent = [{"dependentCondition": {"operator": "between"}, "dependentField": {"name": "b", "fieldType": "single_line_text"}}]
    bad = {"fieldGroups": [{"fields": [{"name": "a", "fieldType": "single_line_text", "dependentFields": dependent}]}]}
    assert program("PATCH", f"/marketing/v3/forms/{guid}", bad).status_code == 400


@pytest.fixture
def guid(program: Call) -> str:
    groups = [{"fields": [{"name": "email", "label": "E", "fieldType": "email"}, {"name": "firstname", "label": "F", "fieldType": "single_line_text"}]}]
    body = {"name": "Old", "fieldGroups": groups, "legalConsentOptions": FORM["legalConsentOptions"], "configuration": {"language": "en"}}
    return str(program("POST", "/marketing/v3/forms", body).body["id"])


def test_the_boxes_are_answered_by_the_call(client: Client, account: Account, guid: str) -> None:
    address = f"/submissions/v3/integration/submit/{account.pk}/{guid}"
    fields = [{"name": "email", "value": "kim@gaon.example"}]
    missing = client.post(address, {"fields": fields}, content_type="application/json")
    assert missing.json()["errors"][0]["errorType"] == "MISSING_PROCESSING_CONSENT"
    said = {"consentToProcess": True, "text": "I agree", "communications": [{"value": True, "subscriptionTypeId": 1, "text": "News as that page said it"}]}
    done = client.post(address, {"fields": fields, "legalConsentOptions": {"consent": said}}, content_type="application/json")
    assert done.status_code == 200, done.text
    contact = contacts.by_email("kim@gaon.example")
    assert contact is not None
    assert consent.granted(contact, "email") is True
    sent = FormSubmission.objects.get()
    assert [(one["key"], one["granted"], one["text"]) for one in sent.consents] == [
        ("processing", True, "News as that page said it"), ("email", True, "News as that page said it"),
    ]  # fmt: skip


def test_who_says_another_address_each_time_sends_no_more_for_it(client: Client, account: Account, program: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spam, "OF_PROGRAM", 2)
    spam.forget()
    groups = [{"fields": [{"name": "email", "label": "E", "fieldType": "email", "required": True}]}]
    guid = program("POST", "/marketing/v3/forms", {"name": "Open", "fieldGroups": groups}).body["id"]
    for n in range(3):
        body = {"fields": [{"name": "email", "value": f"k{n}@gaon.example"}], "context": {"ipAddress": f"198.51.{n}.1"}}
        address = f"/submissions/v3/integration/submit/{account.pk}/{guid}"
        assert client.post(address, body, content_type="application/json", REMOTE_ADDR="203.0.113.5").status_code == 200
    spam.forget()
    assert (FormSubmission.objects.count(), Quarantine.objects.get().reasons) == (2, ["rate_network"])


def test_the_first_way_to_send(client: Client, account: Account, program: Call) -> None:
    groups = [{"fields": [{"name": "email", "label": "E", "fieldType": "email", "required": True}]}]
    guid = program("POST", "/marketing/v3/forms", {"name": "Old", "fieldGroups": groups}).body["id"]
    address = f"/uploads/form/v2/{account.pk}/{guid}"
    context = json.dumps({"hutk": "a" * 32, "ipAddress": "203.0.113.7", "pageUrl": "https://www.nuriwork.example/demo", "pageName": "Demo"})
    assert client.post(address, {"email": "kim@gaon.example", "hs_context": context}).status_code == 204
    sent = FormSubmission.objects.get()
    assert (sent.page_url, sent.page_title, sent.about["network"]) == ("https://www.nuriwork.example/demo", "Demo", "203.0.113.0/24")
    assert client.post(address, {"email": "no address"}).status_code == 400
    assert client.post(address, {"email": "a@b.example", "hs_context": "["}).status_code == 400
    assert client.post(address[:-1] + "x", {"email": "a@b.example"}).status_code == 404
    program(
        "PATCH", f"/marketing/v3/forms/{guid}", {"configuration": {"postSubmitAction": {"type": "redirect_url", "value": "https://www.nuriwork.example/t"}}}
    )
    answer = client.post(address, {"email": "kim@gaon.example"})
    assert (answer.status_code, answer["Location"]) == (302, "https://www.nuriwork.example/t")
    client.post(address, {"email": "kim@mailinator.com"})
    assert Quarantine.objects.get().reasons == ["disposable"]


def test_a_form_with_a_captcha_takes_no_answers_of_open_programs(client: Client, account: Account, program: Call, guid: str) -> None:
    form = verbs.by_guid(guid)
    verbs.save(form, actor=SYSTEM, definition={**form.draft, "consent": {}, "spam": {"captcha": "turnstile", "site_key": "1x"}})
    verbs.publish(form, actor=SYSTEM)
    body = {"fields": [{"name": "email", "value": "kim@gaon.example"}]}
    answer = client.post(f"/submissions/v3/integration/submit/{account.pk}/{guid}", body, content_type="application/json")
    assert answer.json()["errors"][0]["errorType"] == "FORM_HAS_RECAPTCHA_ENABLED"
    assert program("POST", f"/submissions/v3/integration/secure/submit/{account.pk}/{guid}", body).status_code == 200
