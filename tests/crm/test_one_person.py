"""One person, one contact: addresses written in other ways by forms, programs and visitors; shared mailboxes; verified people never joined by themselves."""

import json
from typing import Any

import pytest
from django.test import Client

from baton.accounts import tokens
from baton.crm import contacts, records
from baton.crm.models import Contact, Merge
from baton.events import identity, timeline
from baton.events.vocabulary import Kind
from baton.forms import verbs as forms
from baton.forms.models import Form
from baton.forms.submissions import submit
from baton.platform import changes
from baton.platform.actor import SYSTEM, Actor

pytestmark = pytest.mark.django_db
A = "a" * 32
JIWOO = "jiwoo@gaon.example"
WAYS = ["JiWoo@Gaon.Example", "  jiwoo@gaon.example ", "jiwoo@GAON.example\t"]


@pytest.fixture
def form(account: object, actor: Actor) -> Form:
    fields = [{"name": "email", "label": "이메일", "type": "email"}, {"name": "lastname", "label": "성", "type": "text"}]
    return forms.create("상담", {"fields": fields}, actor=actor, publish=True)


@pytest.fixture
def program(db: None) -> Any:
    token = tokens.create("everything", ["*"], limited=False, actor=SYSTEM)

    def call(method: str, path: str, body: Any) -> Any:
        sent = json.dumps(body)
        return Client().generic(method, path, sent, content_type="application/json", headers={"authorization": f"Bearer {token}"})

    return call


def upsert(program: Any, *addresses: str, **values: str) -> list[int]:
    inputs = [{"id": address, "idProperty": "email", "properties": values} for address in addresses]
    answer = program("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": inputs})
    assert answer.status_code == 200, answer.content
    return [int(row["id"]) for row in answer.json()["results"]]


@pytest.mark.parametrize("address", WAYS)
def test_an_address_in_other_letters_is_the_same_person(form: Form, program: Any, address: str) -> None:
    person = records.create("contact", {"email": JIWOO}, actor=SYSTEM, source="api")
    assert submit(form, {"email": address}).contact_id == person
    assert upsert(program, address) == [person]
    answer = program("POST", "/crm/v3/objects/contacts", {"properties": {"email": address}})
    assert (answer.status_code, answer.json()["message"]) == (409, f"Contact already exists. Existing ID: {person}")
    assert Contact.objects.count() == 1


def test_a_new_address_is_kept_in_one_form(form: Form, program: Any) -> None:
    [made] = upsert(program, WAYS[1].upper())
    assert records.get("contact", made).properties["email"] == JIWOO
    assert submit(form, {"email": JIWOO}).contact_id == made


def test_a_tag_makes_an_address_of_its_own(form: Form, program: Any) -> None:
    person = records.create("contact", {"email": JIWOO}, actor=SYSTEM, source="api")
    tagged = submit(form, {"email": "jiwoo+news@gaon.example"}).contact_id
    assert tagged != person
    assert upsert(program, "JIWOO+news@gaon.example", JIWOO) == [tagged, person]


def test_any_of_his_addresses_finds_him(form: Form, program: Any) -> None:
    person = records.create("contact", {"email": JIWOO}, actor=SYSTEM, source="api")
    contacts.add_email(person, "seo@home.example", actor=SYSTEM)
    assert submit(form, {"email": "Seo@Home.example "}).contact_id == person
    assert upsert(program, " SEO@home.example") == [person]
    assert records.get("contact", person).properties["email"] == JIWOO


def test_people_at_one_mailbox_stay_apart(form: Form, program: Any) -> None:
    kim = submit(form, {"email": "info@gaon.example", "lastname": "김"}).contact_id
    lee = submit(form, {"email": "INFO@gaon.example", "lastname": "이"}).contact_id
    assert kim != lee
    assert submit(form, {"email": "info@gaon.example ", "lastname": "김"}).contact_id == kim
    assert upsert(program, "Info@gaon.example", lastname="이") == [lee]
    assert contacts.by_email("info@gaon.example") is None


def test_two_verified_people_at_one_browser_are_never_merged(form: Form, program: Any) -> None:
    first = submit(form, {"email": JIWOO, "lastname": "서"}, cookie=A).contact_id
    other = records.create("contact", {"email": "han@gaon.example", "lastname": "한"}, actor=SYSTEM, source="api")
    assert submit(form, {"email": " HAN@gaon.example", "lastname": "한"}, cookie=A).contact_id == other
    third = submit(form, {"email": "new@gaon.example", "lastname": "박"}, cookie=A).contact_id
    changes.tick()
    assert len({first, other, third}) == Contact.objects.count() == 3
    assert not Merge.objects.exists()
    assert identity.visitor(A) == first
    assert [e.contact_id for e in timeline.page(first) if e.kind is Kind.FORM_SUBMISSION] == [first]
    assert {id: records.get("contact", id).properties["email"] for id in (first, other, third)} == {
        first: JIWOO, other: "han@gaon.example", third: "new@gaon.example",
    }  # fmt: skip
