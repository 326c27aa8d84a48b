"""Consent boxes: what was read is kept, nothing is assumed, and a mail address agrees only by its owner's click."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from baton.accounts.models import Account
from baton.crm import consent, contacts
from baton.crm.models import Consent, ConsentEvent
from baton.forms import consents, jobs, public, shown, verbs
from baton.forms.models import Form, FormSubmission, OptIn
from baton.forms.submissions import submit
from baton.messaging.consent import opt_in, subscriptions, suppression
from baton.messaging.models import Notification
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid

pytestmark = pytest.mark.django_db
NOTICE = {"purpose": "상담", "items": "이름, 이메일", "period": "1년", "refusal": "거부할 수 있습니다."}
BOXES: list[dict[str, Any]] = [
    {"key": "processing", "kind": "processing", "label": "수집과 이용에 동의합니다.", "required": True},
    {"key": "news", "kind": "channel", "channel": "email", "label": "소식을 이메일로 받습니다."},
    {"key": "sms", "kind": "channel", "channel": "sms", "label": "소식을 문자로 받습니다."},
]
KIM = {"email": "kim@gaon.example"}
YES = {"processing": True, "news": True}


def made(**parts: Any) -> Form:
    fields = [{"name": "email", "label": "이메일", "type": "email", "required": True}]
    base = {"fields": fields, "consent": {"notice": NOTICE, "boxes": BOXES, **parts.pop("consent", {})}, "spam": {"seconds": 0}}
    return verbs.create("뉴스레터", base | parts, actor=SYSTEM, publish=True)


def ticks() -> None:
    """The tick, and the mails it asked for."""
    while changes.tick():
        pass
    for row in OptIn.objects.all():
        opt_in.ask(contact_id=row.contact_id, id=row.id)


def test_boxes_are_apart_unticked_and_the_marketing_one_is_free(client: Client) -> None:
    form = made()
    page = client.get(f"/f/{form.guid}/").text
    boxes = re.findall(r'<input type="checkbox" name="consent\.(\w+)" value="true"([^>]*)>', page)
    assert boxes == [("processing", " required"), ("news", ""), ("sms", "")]
    assert all(text in page for text in NOTICE.values())
    assert "checked" not in page
    assert client.post(f"/f/{form.guid}/", KIM).status_code == 422
    assert not FormSubmission.objects.exists()
    assert client.post(f"/f/{form.guid}/", {**KIM, "consent.processing": "true"}).status_code == 200
    contact = contacts.by_email("kim@gaon.example")
    assert contact is not None
    assert consent.granted(contact, "email") is None  # refusing it did not block anything, and agreed to nothing


def test_the_proof_holds_what_was_read_which_wording_where_and_when() -> None:
    form = made()
    contact = submit(form, KIM, boxes=YES, page_url="https://www.nuriwork.example/demo").contact_id
    sent = FormSubmission.objects.get(contact_id=contact)
    assert [(one["key"], one["granted"]) for one in sent.consents] == [("processing", True), ("news", True), ("sms", False)]
    row = Consent.objects.get(contact_id=contact)
    assert (row.channel, row.granted) == ("email", True)
    assert row.wording.startswith("소식을 이메일로 받습니다.")
    assert "1년" in row.wording
    assert row.proof["page"] == "https://www.nuriwork.example/demo"
    assert (row.proof["form_version"], row.proof["submission"], row.proof["version"]) == (1, sent.id, sent.consents[1]["version"])
    changed = {**form.draft, "consent": {"notice": {**NOTICE, "period": "3년"}, "boxes": BOXES}}
    verbs.save(form, actor=SYSTEM, definition=changed)
    verbs.publish(form, actor=SYSTEM)
    submit(form, KIM, boxes=YES)
    now = Consent.objects.get(contact_id=contact)
    assert now.proof["version"] != row.proof["version"]  # other words, another version
    assert FormSubmission.objects.get(contact_id=contact, version=1).consents == sent.consents


def test_an_answer_names_each_box_that_is_missing() -> None:
    with pytest.raises(Invalid) as caught:
        submit(made(), KIM, boxes={"news": True})
    assert [(p.path, p.code) for p in caught.value.problems] == [("consent.processing", "MISSING_PROCESSING_CONSENT")]


def test_double_opt_in_counts_after_the_owners_click_and_scanners_confirm_nothing(account: Account, client: Client) -> None:
    form = made(consent={"double_opt_in": True})
    client.post(f"/f/{form.guid}/", {**KIM, "consent.processing": "true", "consent.news": "true", "consent.sms": "true"})
    contact = contacts.by_email("kim@gaon.example")
    assert contact is not None
    assert consent.granted(contact, "email") is None
    assert consent.granted(contact, "sms") is True  # a mail proves nothing of a phone
    ticks()
    ticks()
    [letter] = mail.outbox
    assert letter.to == ["kim@gaon.example"]
    assert "소식을 이메일로 받습니다." in letter.body
    path = re.search(r"http\S+(/f/confirm/\S+)", str(letter.body))
    assert path
    for method in ("get", "head", "get"):  # a gateway opens every link of a mail, with and without a script
        assert getattr(client, method)(path[1]).status_code == 200
    assert client.get(path[1])["Cache-Control"] == "no-store"
    assert consent.granted(contact, "email") is None
    clock.shift(consents.PENDING / 2)
    assert "kim@gaon.example" in client.post(path[1], REMOTE_ADDR="203.0.113.77").text
    assert consent.granted(contact, "email") is True
    proof = Consent.objects.get(contact_id=contact, channel="email").proof
    assert proof["asked_at"] < proof["confirmed_at"]
    assert proof["confirmed_from"] == "203.0.113.0/24"
    assert client.post(path[1]).status_code == 200  # twice is once
    assert client.get(path[1][:-3] + "abc").status_code == 404
    submit(form, KIM, boxes=YES)
    assert OptIn.objects.count() == 1  # he is asked no more
    assert len(mail.outbox) == 1


def test_an_unconfirmed_address_is_forgotten_and_nobody_can_be_flooded(account: Account, client: Client) -> None:
    form = made(consent={"double_opt_in": True})
    for _ in range(5):
        contact = submit(form, KIM, boxes=YES).contact_id
    assert OptIn.objects.count() == consents.MOST
    ticks()
    assert len(mail.outbox) == consents.MOST
    token = consents.token(OptIn.objects.all()[0])
    clock.shift(consents.PENDING * 1.01)
    assert client.post(f"/f/confirm/{token}").status_code == 404
    jobs.forget.task.func(0)
    assert not OptIn.objects.exists()
    assert consent.granted(contact, "email") is None


def test_a_dead_address_is_not_asked_and_a_relay_that_is_away_is_tried_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    form = made(consent={"double_opt_in": True})
    contact = submit(form, KIM, boxes=YES).contact_id

    def away(*_: Any) -> None:
        raise OSError("away")

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", away)
        with pytest.raises(OSError, match="away"):
            ticks()
    suppression.suppress(contact, "email", suppression.BOUNCED)
    ticks()
    assert mail.outbox == []
    submit(form, {"email": "lee@gaon.example"}, boxes=YES)
    ticks()
    assert [m.to for m in mail.outbox] == [["lee@gaon.example"]]


def test_colleagues_hear_of_an_answer_once(account: Account) -> None:
    from baton.accounts import users

    han = users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM)
    oh = users.create("oh@nuriwork.example", "오세린", "a-long-enough-one", "marketing", actor=SYSTEM)
    fields = [{"name": "email", "label": "이메일", "type": "email"}, {"name": "message", "label": "문의", "type": "textarea"}]
    form = made(fields=fields, notify={"owner": True, "users": [oh.pk]}, consent={"boxes": []})
    contact = submit(form, {**KIM, "message": "견적을 받고 싶습니다."}).contact_id
    while changes.tick():
        pass
    told = Notification.objects.filter(cause__startswith="form:")
    assert {n.user_id for n in told} == {han.pk, oh.pk}  # nobody owns the contact: sales
    assert {(n.body, n.url) for n in told} == {("견적을 받고 싶습니다.", f"/contacts/{contact}/")}
    changes.append([changes.Change(contact, "event", "5:1")])
    while changes.tick():
        pass
    assert told.count() == 2


def test_the_script_carries_the_notice_and_no_box_is_ticked() -> None:
    about = public.version(shown.to(made()))
    assert [(text, loud) for _title, text, loud in about["notice"]] == [(text, int(word == "period")) for word, text in NOTICE.items()]
    assert [(box["k"], box.get("r", False)) for box in about["boxes"]] == [("processing", True), ("news", False), ("sms", False)]


def test_a_newsletter_is_subscribed_to_with_proof_and_one_tap_that_scanners_cannot_do(client: Client, account: Account) -> None:
    news = subscriptions.define({"ko": "뉴스레터", "en": "Newsletter"}, SYSTEM)
    boxes = [BOXES[0], {**BOXES[1], "subscription": news.pk}]
    form = made(consent={"boxes": boxes, "double_opt_in": True})
    for left in (False, True):  # the second time he had left the newsletter
        if left:
            subscriptions.leave(contacts.by_email("kim@gaon.example") or 0, 0)
        assert client.post(f"/f/{form.guid}/", {**KIM, "consent.processing": "true", "consent.news": "true"}).status_code == 200
        ticks()
        contact = contacts.by_email("kim@gaon.example")
        assert contact is not None
        [state] = subscriptions.state(contact)
        assert state.gets is False
        link = re.search(r"/f/confirm/\S+", mail.outbox[-1].body)
        assert link
        for _ in range(3):
            assert client.get(link[0]).status_code == 200
        assert [s.gets for s in subscriptions.state(contact)] == [False]
        assert client.post(link[0]).status_code == 200
        ticks()
        [state] = subscriptions.state(contact)
        assert (state.gets, state.said) == (True, True)
        assert state.row is not None
        assert "소식을 이메일로 받습니다." in state.row.wording
        assert {"form", "submission", "page", "asked_at", "confirmed_at", "version"} <= state.row.proof.keys()
    kinds = ConsentEvent.objects.filter(contact_id=contact, type_id=news.pk).order_by("id").values_list("granted", flat=True)
    assert list(kinds) == [True, False, True]
    with pytest.raises(Invalid):
        made(consent={"boxes": [{**BOXES[1], "subscription": "x"}]})
