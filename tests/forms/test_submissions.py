"""Who a form's answer belongs to, what it writes, and that nothing is written before it is valid."""

from collections.abc import Callable

import pytest

from baton.crm import consent, contacts, records
from baton.crm.models import Contact, PropertyHistory
from baton.events import identity, timeline
from baton.events.vocabulary import Kind
from baton.forms import verbs
from baton.forms.models import Form, FormSubmission
from baton.forms.submissions import submit
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.platform.models import Change
from tests.forms.conftest import BOX

A, B = "a" * 32, "b" * 32
MINJUN = {"email": "Minjun@Hankyul.example", "lastname": "김", "firstname": "민준"}


def kinds(contact_id: int) -> list[Kind]:
    return [e.kind for e in reversed(timeline.page(contact_id))]


def test_an_anonymous_visitor_becomes_the_contact_with_his_views_before_the_form(form: Form, visit: Callable[..., int]) -> None:
    visitor = visit(A)
    sent = submit(form, MINJUN, cookie=A, page_url="https://www.nuriwork.example/demo")
    assert sent.contact_id == visitor
    assert sent.thanks == "고맙습니다."
    assert records.get("contact", visitor).properties["email"] == "minjun@hankyul.example"
    assert kinds(visitor) == [Kind.PAGE_VIEW] * 3 + [Kind.FORM_SUBMISSION, Kind.IDENTIFIED]
    noted = next(e for e in timeline.page(visitor) if e.kind is Kind.IDENTIFIED)
    assert noted.payload == {"by": "form", "views": 3}


def test_a_visitor_who_turns_out_to_be_known_is_joined(form: Form, visit: Callable[..., int]) -> None:
    known = records.create("contact", MINJUN, actor=SYSTEM, source="api")
    visitor = visit(A, views=2)
    sent = submit(form, {**MINJUN, "company": "한결물류"}, cookie=A)
    assert sent.contact_id == known
    assert kinds(known)[:2] == [Kind.PAGE_VIEW, Kind.PAGE_VIEW]
    assert kinds(visitor) == []
    assert identity.visitor(A) == known
    assert identity.current(visitor) == known
    assert records.get("contact", known).properties["company"] == "한결물류"


def test_two_known_people_at_one_browser_stay_two(form: Form, visit: Callable[..., int]) -> None:
    visit(A)
    first = submit(form, MINJUN, cookie=A).contact_id
    other = records.create("contact", {"email": "seoyeon@hankyul.example"}, actor=SYSTEM, source="api")
    second = submit(form, {"email": "seoyeon@hankyul.example", "lastname": "이"}, cookie=A).contact_id
    assert second == other
    assert identity.visitor(A) == first
    assert Kind.PAGE_VIEW in kinds(first)
    assert Kind.PAGE_VIEW not in kinds(second)


def test_a_colleague_with_a_new_address_at_a_known_browser_is_a_new_contact(form: Form, visit: Callable[..., int]) -> None:
    visit(A)
    first = submit(form, MINJUN, cookie=A).contact_id
    second = submit(form, {"email": "new@hankyul.example", "lastname": "박"}, cookie=A).contact_id
    assert first != second
    assert records.get("contact", first).properties["email"] == "minjun@hankyul.example"


def test_a_form_without_a_cookie_makes_a_contact_and_a_later_cookie_is_joined(form: Form, visit: Callable[..., int]) -> None:
    first = submit(form, MINJUN).contact_id
    visit(B)
    assert submit(form, MINJUN, cookie=B).contact_id == first
    assert identity.visitor(B) == first


def test_an_unknown_cookie_is_bound(form: Form) -> None:
    contact = submit(form, MINJUN, cookie=A).contact_id
    assert identity.visitor(A) == contact


def test_a_cookie_of_another_form_is_ignored(form: Form) -> None:
    submit(form, MINJUN, cookie="../../etc/passwd")
    assert contacts.by_email("minjun@hankyul.example")


@pytest.mark.parametrize(
    ("values", "path", "code"),
    [
        ({"lastname": "김"}, "fields.email", "REQUIRED_FIELD"),
        ({"email": "   ", "lastname": "김"}, "fields.email", "REQUIRED_FIELD"),
        ({"email": "minjun@", "lastname": "김"}, "fields.email", "INVALID_EMAIL"),
        ({**MINJUN, "salary": "1"}, "fields.salary", "FIELD_NOT_IN_FORM_DEFINITION"),
        ({**MINJUN, "numberofemployees": "many"}, "fields.numberofemployees", "INVALID_NUMBER"),
        ({**MINJUN, "seniority": "king"}, "fields.seniority", "VALUE_NOT_IN_FIELD_DEFINITION"),
        ({**MINJUN, "seniority": "head"}, "fields.seniority", "VALUE_NOT_IN_FIELD_DEFINITION"),  # the property knows it, this form does not offer it
        ({**MINJUN, "remark": "x" * 70_000}, "fields.remark", "INPUT_TOO_LARGE"),
        ({**MINJUN, "phone": "call me"}, "fields.phone", "INVALID_PHONE"),
    ],
)
def test_nothing_is_written_before_all_is_valid(form: Form, visit: Callable[..., int], values: dict[str, str], path: str, code: str) -> None:
    visitor = visit(A)
    Change.objects.all().delete()
    with pytest.raises(Invalid) as caught:
        submit(form, values, cookie=A, boxes={"news": True})
    assert [(p.path, p.code) for p in caught.value.problems] == [(path, code)]
    assert not Contact.objects.exists()
    assert not FormSubmission.objects.exists()
    assert not PropertyHistory.objects.exists()
    assert not Change.objects.exists()
    assert kinds(visitor) == [Kind.PAGE_VIEW] * 3


def test_every_fault_is_told_at_once(form: Form) -> None:
    with pytest.raises(Invalid) as caught:
        submit(form, {"email": "x", "foo": "1"})
    assert {p.path for p in caught.value.problems} == {"fields.email", "fields.lastname", "fields.foo"}


def test_consent_is_kept_with_the_words_that_were_shown(form: Form) -> None:
    contact = submit(form, MINJUN, boxes={"news": True}).contact_id
    assert consent.granted(contact, "email") is True
    assert Contact.objects.filter(id=contact, source="form", created_by=f"form:{form.pk}").exists()


def test_a_box_left_empty_takes_nothing_back(form: Form) -> None:
    contact = submit(form, MINJUN, boxes={"news": True}).contact_id
    submit(form, MINJUN, boxes={"news": False})
    assert consent.granted(contact, "email") is True


def test_a_required_consent_is_asked_for(form: Form) -> None:
    verbs.save(form, actor=SYSTEM, definition={**form.draft, "consent": {"boxes": [{**BOX, "required": True}]}})
    verbs.publish(form, actor=SYSTEM)
    with pytest.raises(Invalid) as caught:
        submit(form, MINJUN)
    assert caught.value.problems[0].path == "consent.news"


def test_an_empty_answer_does_not_clear_what_is_known(form: Form) -> None:
    contact = submit(form, {**MINJUN, "company": "한결물류"}).contact_id
    submit(form, {**MINJUN, "company": ""})
    assert records.get("contact", contact).properties["company"] == "한결물류"


def test_a_field_without_a_property_is_kept_with_the_submission(form: Form) -> None:
    contact = submit(form, {**MINJUN, "remark": "주 4일 근무도 되나요?"}).contact_id
    assert FormSubmission.objects.get(contact_id=contact).values["remark"] == "주 4일 근무도 되나요?"
    assert "remark" not in records.get("contact", contact).properties
