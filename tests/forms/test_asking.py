"""Which questions are asked: by conditions, by what is known, by rules; and that what is known stays private."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.crm import contacts, files, records
from baton.forms import fields, known, shown, verbs
from baton.forms.fields import Upload
from baton.forms.models import Form, FormSubmission
from baton.forms.submissions import submit
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid

A, B = "a" * 32, "b" * 32
EMAIL: dict[str, Any] = {"name": "email", "label": "E-mail", "type": "email", "required": True}
PDF = b"%PDF-1.7\n" + b"x" * 200


def made(*more: dict[str, Any], **parts: Any) -> Form:
    return verbs.create("X", {"fields": [EMAIL, *more], "spam": {"seconds": 0}, **parts}, actor=Actor("user", 1), publish=True)


def faults(form: Form, values: dict[str, Any], **about: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        submit(form, {"email": "kim@gaon.example", **values}, **about)
    return [f"{p.path} {p.code}" for p in caught.value.problems]


@pytest.mark.parametrize(
    ("operator", "value", "answer", "expected"),
    [
        ("is", "a", "a", True), ("is", "a", "b", False), ("is", "a", None, False), ("is_not", "a", None, True), ("is_not", "a", "a", False),
        ("any_of", ["a", "b"], "b", True), ("any_of", ["a"], "b", False), ("any_of", [], "b", False), ("contains", "AN", "Banana", True),
        ("contains", "x", None, False), ("known", None, "a", True), ("known", None, None, False), ("unknown", None, None, True),
        ("gt", "5", 10, True), ("gt", 5, "10", True), ("gt", 5, None, False), ("lt", 5, "abc", False), ("lt", 5, 4.5, True),
        ("is", "true", True, True), ("unknown", None, False, True), ("is", "b", ["a", "b"], True), ("is_not", "b", ["a", "b"], False),
    ],
)  # fmt: skip
def test_conditions(operator: str, value: Any, answer: Any, expected: bool) -> None:
    test = {"field": "x", "operator": operator, "value": value}
    given = {} if answer is None else {"x": answer}
    assert fields.holds({"all": [test]}, given) is expected
    assert fields.holds({"any": [test]}, given) is expected
    assert fields.holds({}, given)


@pytest.mark.django_db
def test_a_field_whose_condition_does_not_hold_is_neither_asked_nor_taken() -> None:
    size = {"name": "numberofemployees", "label": "직원 수", "type": "number"}
    large = {"all": [{"field": "numberofemployees", "operator": "gt", "value": 100}]}
    plan = {"name": "plan", "label": "도입 시기", "type": "text", "required": True, "when": large}
    why = {"name": "why", "label": "이유", "type": "text", "required": True, "when": {"any": [{"field": "plan", "operator": "known"}]}}
    form = made(size, plan, why)
    contact = submit(form, {"email": "kim@gaon.example", "numberofemployees": "20", "plan": "몰래", "why": "몰래"}).contact_id
    assert FormSubmission.objects.get(contact_id=contact).values == {"email": "kim@gaon.example", "numberofemployees": 20}
    assert faults(form, {"numberofemployees": "200"}) == ["fields.plan REQUIRED_FIELD"]
    assert faults(form, {"numberofemployees": "200", "plan": "봄"}) == ["fields.why REQUIRED_FIELD"]  # a condition on a conditional field


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ({"type": "number", "rules": {"min": 1}}, "0", "NUMBER_OUT_OF_RANGE"),
        ({"type": "number", "rules": {"max": 9}}, "9.5", "NUMBER_OUT_OF_RANGE"),
        ({"type": "date", "rules": {"min": "2026-01-01"}}, "2025-12-31", "NUMBER_OUT_OF_RANGE"),
        ({"type": "text", "rules": {"min_length": 3}}, "ab", "INPUT_TOO_SHORT"),
        ({"type": "text", "rules": {"max_length": 3}}, "abcd", "INPUT_TOO_LARGE"),
        ({"type": "text", "rules": {"pattern": r"\d{3}-\d{2}"}}, "123-456", "INVALID_PATTERN"),
        ({"type": "mobile", "rules": {"min_digits": 13}}, "010-1234-5678", "INVALID_PHONE"),
        ({"type": "radio", "options": [{"value": "a"}]}, "b", "VALUE_NOT_IN_FIELD_DEFINITION"),
        ({"type": "datetime"}, "tomorrow", "INVALID_DATE"),
        ({"type": "boolean", "required": True}, "false", ""),  # an answer, though a no
    ],
)
def test_rules(field: dict[str, Any], value: str, fault: str) -> None:
    form = made({"name": "x", "label": "X", **field})
    if fault:
        assert faults(form, {"x": value}) == [f"fields.x {fault}"]
    else:
        submit(form, {"email": "kim@gaon.example", "x": value})


@pytest.mark.django_db
def test_addresses_of_a_domain_or_of_a_provider_are_refused_where_the_form_says_so() -> None:
    rules = {"business_only": True, "blocked_domains": ["rival.example"]}
    form = verbs.create("X", {"fields": [{**EMAIL, "rules": rules}]}, actor=SYSTEM, publish=True)
    for address in ("kim@gmail.com", "kim@naver.com", "kim@rival.example", "kim@mail.rival.example"):
        with pytest.raises(Invalid) as caught:
            submit(form, {"email": address})
        assert [p.code for p in caught.value.problems] == ["BLOCKED_EMAIL"], address
    assert submit(form, {"email": "kim@gaon.co.kr"}).contact_id


@pytest.mark.django_db
def test_a_file_is_kept_with_the_contact_and_told_by_its_content(client: Client) -> None:
    form = made({"name": "cv", "label": "소개서", "type": "file", "required": True, "rules": {"max_mb": 1, "accept": ["pdf"]}})
    assert faults(form, {}) == ["fields.cv REQUIRED_FIELD"]
    assert faults(form, {"cv": "text"}) == ["fields.cv REQUIRED_FIELD"]
    assert faults(form, {}, uploads={"cv": Upload("a.pdf", b"MZ" + b"\0" * 50)}) == ["fields.cv INVALID_FILE"]
    assert faults(form, {}, uploads={"cv": Upload("a.pdf", PDF + b"x" * 1024 * 1024)}) == ["fields.cv INPUT_TOO_LARGE"]
    answer = client.post(f"/f/{form.guid}/", {"email": "kim@gaon.example", "cv": SimpleUploadedFile("../회사 소개.pdf", PDF)})
    assert answer.status_code == 200
    contact = contacts.by_email("kim@gaon.example")
    assert contact is not None
    [about] = files.of([contact])
    assert (about.name, about.media_type) == ("회사 소개.pdf", "application/pdf")
    sent = FormSubmission.objects.get(contact_id=contact)
    assert (sent.values["cv"], sent.about["files"]) == ("회사 소개.pdf", {"cv": about.id})


QUEUED = [{"name": name, "label": name, "type": "text", "ask": "queued", "required": True} for name in ("company", "jobtitle", "city")]


@pytest.mark.django_db
def test_a_known_field_makes_room_for_the_next_of_the_queue() -> None:
    form = made({"name": "firstname", "label": "이름", "type": "text", "ask": "if_unknown", "required": True}, *QUEUED, queue_size=1)
    definition = shown.to(form).definition
    assert known.skipped(form, definition, A) == ["jobtitle", "city"]
    submit(form, {"email": "kim@gaon.example", "firstname": "민준", "company": "가온"}, cookie=A)
    assert known.skipped(form, definition, A) == ["firstname", "company", "city"]
    submit(form, {"email": "kim@gaon.example", "jobtitle": "팀장"}, cookie=A)  # what was not shown is not missed
    assert known.skipped(form, definition, A) == ["firstname", "company", "jobtitle"]
    assert faults(form, {"jobtitle": "", "firstname": "민준"}, cookie=B) == ["fields.jobtitle REQUIRED_FIELD"]  # shown and left empty
    assert faults(form, {}, cookie=B) == ["fields.firstname REQUIRED_FIELD"]


@pytest.mark.django_db
def test_nobody_learns_what_is_known_of_whom(client: Client) -> None:
    form = made(*QUEUED, queue_size=2)
    records.create("contact", {"email": "kim@gaon.example", "company": "가온"}, actor=SYSTEM, source="api")
    fresh = client.get(f"/f/{form.guid}/known").json()
    for cookie in (B, "x", "0" * 31, "' OR 1=1"):
        assert client.get(f"/f/{form.guid}/known", {"c": cookie}).json() == fresh == {"skip": ["city"]}
    submit(form, {"email": "kim@gaon.example", "jobtitle": "비밀팀장"}, cookie=A)
    answer = client.get(f"/f/{form.guid}/known", {"c": A})
    assert answer.json() == {"skip": ["company", "jobtitle"]}
    client.cookies["baton_v"] = A
    page = client.get(f"/f/{form.guid}/").text
    assert 'name="company"' not in page
    assert 'name="city"' in page
    assert "가온" not in page + answer.text
    assert "비밀팀장" not in page + client.get(f"/f/{form.guid}.js").text
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_shared_computer_changes_nobody_elses_record() -> None:
    form = made({"name": "lastname", "label": "성", "type": "text"}, {"name": "company", "label": "회사", "type": "text"})
    asked = [{"name": name, "label": name, "type": "text"} for name in ("lastname", "city")]
    nameless = verbs.create("Y", {"fields": asked}, actor=SYSTEM, publish=True)
    first = submit(form, {"email": "kim@gaon.example", "lastname": "김", "company": "가온"}, cookie=A)
    before = records.get("contact", first.contact_id).properties
    second = submit(form, {"email": "lee@gaon.example", "lastname": "이", "company": "다른 회사"}, cookie=A)
    assert second.contact_id != first.contact_id
    assert records.get("contact", first.contact_id).properties == before
    assert second.cookie  # from now on the browser is the second one's
    submit(nameless, {"lastname": "박", "city": "서울"}, cookie=A)  # nobody says who it is: nothing known is overwritten
    after = records.get("contact", first.contact_id).properties
    assert (after["lastname"], after["city"]) == ("김", "서울")
