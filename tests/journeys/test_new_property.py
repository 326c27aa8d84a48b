"""A property made in the settings is at once usable everywhere: form, score, list, table, import, export, API."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from baton.accounts import tokens, users
from baton.accounts.models import User
from baton.crm import contacts, properties
from baton.crm.imports import run, store
from baton.crm.imports import verbs as imports
from baton.crm.models import Contact
from baton.forms import verbs as forms
from baton.forms.submissions import submit
from baton.platform import changes
from baton.platform.actor import SYSTEM, Actor
from baton.segments import explain, exports, scoring
from baton.segments import verbs as segments
from baton.segments.models import Membership
from tests.segments import scores

pytestmark = pytest.mark.django_db
OPTIONS = "isms = ISMS-P 인증\niso = ISO 27001"


@pytest.fixture
def admin(account: object) -> User:
    return users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM, language="en")


@pytest.fixture
def web(admin: User) -> Client:
    web = Client(headers={"accept-language": "en"})
    web.force_login(admin)
    return web


def test_from_the_settings_to_everywhere(web: Client, admin: User) -> None:
    me = Actor("user", admin.pk)
    made = web.post(
        "/settings/properties/contact/new/", {"label": "보안 인증", "name": "security_certificate", "kind": "choice", "options": OPTIONS, "group": "company"}
    )
    assert made.status_code == 204
    name = "security_certificate"
    assert name in properties.definitions("contact")
    # A form asks for it, with its options; a score rule and a list read it.
    form = forms.create(
        "상담",
        {"fields": [{"name": "email", "label": "이메일", "type": "email"}, {"name": name, "label": "보안 인증", "type": "choice"}]},
        actor=me,
        publish=True,
    )
    assert "ISMS-P 인증" in Client().get(f"/f/{form.guid}/").content.decode()
    has = {"condition": "property", "property": name, "operator": "any_of", "value": ["isms"]}
    model = scoring.first_model() or scores.create("리드", actor=me)
    scores.define(model, "security", "fit_company", has, 15, actor=me)
    listed = segments.create_segment("인증 기업", has, "active", me)
    person = submit(form, {"email": "jiwoo@gaon.example", name: "isms"}).contact_id
    changes.tick()
    assert [hit.points for hit in explain.explain(person, model).hits if hit.points] == [15]
    assert Membership.objects.filter(segment_id=listed.pk).values_list("contact_id", flat=True).get() == person
    # The record, the table's column, its filter and its chooser show it in words.
    assert "ISMS-P 인증" in web.get(f"/contacts/{person}/").content.decode()
    table = web.get(f"/contacts/?columns=email,{name}&f={name}:isms").content.decode()
    assert "jiwoo@gaon.example" in table
    assert "ISMS-P 인증" in table
    assert "jiwoo@gaon.example" not in web.get(f"/contacts/?f={name}:iso").content.decode()
    assert "보안 인증" in web.get("/contacts/filter/").content.decode()
    assert f'value="{name}"' in web.get("/contacts/bulk/edit/").content.decode()
    # A file's column of that label is matched, in the words of the options; an export tells them back.
    row = imports.upload("file.csv", ["이메일,보안 인증\nhan@gaon.example,ISO 27001\n".encode()], actor=me)
    assert row.columns[1]["to"] == f"property:contact:{name}"
    imports.match(row.pk, row.columns, row.options, actor=me)
    imports.start(row.pk, actor=me)
    run.run(row.pk)
    assert Contact.objects.get(id=contacts.by_email("han@gaon.example")).properties[name] == "iso"
    export = exports.start("contact", {}, "", ["email", name], format="csv", encoding="utf-8", actor=me)
    exports.run(export)
    lines = list(csv.reader(io.StringIO(b"".join(store.pieces("export", export)).decode("utf-8-sig"))))
    assert lines[0][1] == "보안 인증"
    assert {tuple(line) for line in lines[1:]} == {("jiwoo@gaon.example", "ISMS-P 인증"), ("han@gaon.example", "ISO 27001")}
    # Programs find, read and write it.
    token = tokens.create("everything", ["*"], limited=False, actor=SYSTEM)

    def call(method: str, path: str, body: Any = None) -> Any:
        sent = json.dumps(body) if body else ""
        return Client().generic(method, path, sent, content_type="application/json", headers={"authorization": f"Bearer {token}"}).json()

    assert [option["value"] for option in call("GET", f"/crm/v3/properties/contacts/{name}")["options"]] == ["isms", "iso"]
    wanted = {"filterGroups": [{"filters": [{"propertyName": name, "operator": "EQ", "value": "isms"}]}], "properties": [name]}
    assert [row["id"] for row in call("POST", "/crm/v3/objects/contacts/search", wanted)["results"]] == [str(person)]
    assert call("PATCH", f"/crm/v3/objects/contacts/{person}", {"properties": {name: "iso"}})["properties"][name] == "iso"
