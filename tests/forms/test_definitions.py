"""What may be in a form, what the public may see of it, and its versions."""

from typing import Any

import pytest

from baton.forms import definition, public, shown, verbs
from baton.forms.models import Form, FormVersion
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.django_db
EMAIL: dict[str, Any] = {"name": "email", "label": "E-mail", "type": "email"}
PROCESSING = {"key": "p", "kind": "processing", "label": "수집과 이용에 동의합니다.", "required": True}
NEWS = {"key": "n", "kind": "channel", "channel": "email", "label": "소식을 받습니다."}
NOTICE = {"purpose": "상담", "items": "이름", "period": "1년", "refusal": "거부할 수 있습니다."}
A, B = "a" * 32, "b" * 32


def field(**words: Any) -> dict[str, Any]:
    return {"fields": [EMAIL, {"name": "x", "label": "X", "type": "text", **words}]}


@pytest.mark.parametrize(
    ("made", "path"),
    [
        ([], ""),
        ({}, "fields"),
        ({"fields": [EMAIL], "colour": "red"}, "colour"),
        ({"fields": [EMAIL, EMAIL]}, "fields.1.name"),
        (field(name="baton_version"), "fields.1.name"),
        (field(name="a.b"), "fields.1.name"),
        (field(name="lifecyclestage_x", type="card"), "fields.1.type"),
        (field(label=" "), "fields.1.label"),
        (field(type="radio"), "fields.1.options"),
        (field(type="choice", options=[{"value": "a"}, {"value": "a"}]), "fields.1.options"),
        (field(type="heading", label=""), "fields.1.text"),
        (field(width="third"), "fields.1.width"),
        (field(ask="sometimes"), "fields.1.ask"),
        ({"fields": [{**EMAIL, "ask": "if_unknown"}]}, "fields.0.ask"),
        (field(rules={"min": 3}), "fields.1.rules.min"),
        (field(rules={"pattern": "("}), "fields.1.rules.pattern"),
        (field(type="file", rules={"accept": ["exe"]}), "fields.1.rules.accept"),
        (field(when={"all": [{"field": "y", "operator": "is", "value": "1"}]}), "fields.1.when.all.0.field"),
        (field(when={"all": [{"field": "x", "operator": "is", "value": "1"}]}), "fields.1.when.all.0.field"),  # itself
        (field(when={"any": [{"field": "email", "operator": "sounds", "value": "1"}]}), "fields.1.when.any.0.operator"),
        (field(**{"from": "query:utm_source"}), "fields.1.from"),
        ({"fields": [EMAIL], "steps": [{"title": "1", "fields": ["email", "email"]}]}, "steps.0.fields"),
        ({**field(), "steps": [{"title": "1", "fields": ["email"]}]}, "steps"),
        ({"fields": [EMAIL], "consent": {"boxes": [{**NEWS, "label": ""}]}}, "consent.boxes.0.label"),
        ({"fields": [EMAIL], "consent": {"boxes": [{**NEWS, "channel": "fax"}]}}, "consent.boxes.0.channel"),
        ({"fields": [EMAIL], "consent": {"boxes": [PROCESSING, {**NEWS, "required": True}]}}, "consent.boxes.1.required"),
        ({"fields": [EMAIL], "after": {"kind": "redirect", "redirect_url": "javascript:alert(1)"}}, "after.redirect_url"),
        ({"fields": [EMAIL], "spam": {"captcha": "hcaptcha"}}, "spam.site_key"),
        ({"fields": [EMAIL], "spam": {"seconds": -1}}, "spam.seconds"),
        ({"fields": [EMAIL], "notify": {"users": ["han"]}}, "notify"),
        ({"fields": [EMAIL], "language": "tlh"}, "language"),
        ({"fields": [EMAIL], "queue_size": 0}, "queue_size"),
    ],
)
def test_each_fault_is_named_with_its_path(made: Any, path: str) -> None:
    assert [p.path for p in definition.check(made)] == [path]
    with pytest.raises(Invalid):
        verbs.create("X", made, actor=Actor("user", 1))
    assert not Form.objects.exists()


def test_a_consent_without_its_notice_may_be_a_draft_and_is_not_published(actor: Actor) -> None:
    form = verbs.create("X", {"fields": [EMAIL], "consent": {"notice": {**NOTICE, "period": " "}, "boxes": [PROCESSING, NEWS]}}, actor=actor)
    with pytest.raises(Invalid) as caught:
        verbs.publish(form, actor=actor)
    assert [p.path for p in caught.value.problems] == ["consent.notice.period"]
    with pytest.raises(NotFound):
        shown.to(form)
    verbs.save(form, actor=actor, definition={**form.draft, "consent": {"notice": NOTICE, "boxes": [PROCESSING, NEWS]}})
    assert verbs.publish(form, actor=actor).number == 1


def test_people_see_what_was_published_and_may_go_back(actor: Actor) -> None:
    form = verbs.create("X", {"fields": [EMAIL]}, actor=actor, publish=True)
    verbs.save(form, actor=actor, definition={**form.draft, "submit_label": "보내기"})
    assert verbs.is_changed(form)
    named = "SELECT label FROM event_key WHERE kind = 5 AND value = %s"
    assert sql.rows(named, [str(form.pk)]) == [("X",)]  # who only looks at it is told of by name as well
    assert shown.to(form).definition["submit_label"] == ""
    assert verbs.publish(form, actor=actor, note="단추").number == 2
    assert verbs.publish(form, actor=actor).number == 2  # nothing new to publish
    old, new = (verbs.version(form, n).definition for n in (1, 2))
    assert [line for line in verbs.diff(old, new) if line[0] in "+-"] == ['-  "submit_label": ""', '+  "submit_label": "보내기"']
    verbs.back_to(form, 1, actor=actor)
    assert shown.to(form).number == 2
    assert verbs.publish(form, actor=actor).number == 3
    assert [(v.number, v.note) for v in verbs.versions(form)] == [(3, ""), (2, "단추"), (1, "")]
    assert shown.to(form).definition["submit_label"] == ""


def test_two_versions_are_shown_by_lot_and_each_visitor_always_sees_his(actor: Actor) -> None:
    form = verbs.create("X", {"fields": [EMAIL]}, actor=actor, publish=True)
    with pytest.raises(Invalid):
        verbs.split(form, 50, actor=actor)  # nothing to compare
    verbs.save(form, actor=actor, definition={**form.draft, "submit_label": "보내기"})
    test = verbs.split(form, 30, actor=actor)
    cookies = [f"{n:032x}" for n in range(2000)]
    seen = [shown.to(form, cookie) for cookie in cookies]
    assert 500 < sum(one.number == 2 for one in seen) < 700
    assert {one.split_id for one in seen} == {test.pk}
    assert [one.number for one in seen[:50]] == [shown.to(form, cookie).number for cookie in cookies[:50]]
    assert (shown.to(form).number, shown.to(form).split_id) == (1, None)  # nobody to draw for: the present one, outside of the test
    with pytest.raises(Conflict):
        verbs.publish(form, actor=actor)
    verbs.end_split(form, 2, actor=actor)
    assert shown.to(form, A).number == 2
    assert verbs.splits(form)[0].kept == 2


def test_an_answer_is_checked_by_the_version_its_page_had_for_a_week(actor: Actor) -> None:
    form = verbs.create("X", {"fields": [EMAIL]}, actor=actor, publish=True)
    verbs.save(form, actor=actor, definition=field(required=True))
    verbs.publish(form, actor=actor)
    assert shown.answered(form, 1).number == 1
    assert shown.answered(form, 0).number == 2
    assert shown.answered(form, 99).number == 2
    clock.shift(shown.OPEN * 1.1)
    assert shown.answered(form, 1).number == 2


def test_formatted_text_cannot_carry_a_script() -> None:
    nasty = '<p onclick="x()">앞 <a href="javascript:alert(1)">a</a><script>alert(1)</script><b>굵게</b><br><img src=x onerror=y></p>'
    assert public.tree(nasty) == [["p", {}, "앞 ", ["a", {"rel": "noopener nofollow"}, "a"], ["b", {}, "굵게"], ["br", {}]]]
    assert "script" not in public.clean(nasty)
    assert "onclick" not in public.clean(nasty)


def test_the_captcha_secret_is_encrypted_and_in_no_definition(actor: Actor) -> None:
    made = {"fields": [EMAIL], "spam": {"captcha": "turnstile", "site_key": "1x00"}}
    form = verbs.create("X", made, actor=actor, publish=True)
    verbs.set_captcha_secret(form, "sehr-geheim", actor=actor)
    form.refresh_from_db()
    assert form.captcha_secret
    assert "geheim" not in form.captcha_secret
    assert "geheim" not in str(public.told(form, *shown.both(form)))
    assert FormVersion.objects.get().definition == made
