"""The pages of forms: list, builder, publishing, sharing, answers, quarantine, report; who may what; and the honest test of two versions."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from baton.accounts import users
from baton.analytics import form_report, form_trial
from baton.crm import records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import quarantine, shown, submissions, verbs
from baton.forms.models import Form, FormSubmission
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.web.pages import forms_answers
from baton.web.parts import form_changes, form_draft, form_presets

HTMX = {"HX-Request": "true"}


def made(key: str = "contact", language: str = "en", *, publish: bool = True) -> Form:
    name, definition = form_presets.make(key, language)
    return verbs.create(name, definition, actor=SYSTEM, publish=publish)


def sent(form: Form, name: str, **values: Any) -> int:
    given = {"firstname": name, "lastname": "Kim", "email": f"{name.lower()}@client.example", "company": "Client", "message": "Hello", **values}
    return submissions.submit(form, given, boxes={"processing": True, "email": True}, page_url="https://site.example/contact?x=1").contact_id


def did(contact: int, form: Form, kind: Kind, minutes: int = 5, **payload: Any) -> NewEvent:
    about = {"page": "https://site.example/contact", **payload}
    return NewEvent(contact, kind, clock.now() - timedelta(minutes=minutes), str(form.pk), form.name, payload=about)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_preset_can_be_published_as_it_is(account: object, language: str) -> None:
    for kind in form_presets.PRESETS:
        form = made(kind.key, language)
        assert form.version == 1
        consent = form.draft["consent"]
        if kind.key == "empty":
            continue
        assert all(consent["notice"][word] for word in ("purpose", "items", "period", "refusal"))
        processing, marketing = consent["boxes"]
        assert processing["required"]
        assert not marketing["required"]


@pytest.mark.django_db
def test_a_form_is_made_built_and_published(web: Client) -> None:
    assert "No forms yet" in web.get("/forms/").content.decode()
    answer = web.post("/forms/new/", {"preset": "contact", "language": "en", "name": "Talk to us"}, headers=HTMX)
    form = Form.objects.get()
    assert answer["HX-Redirect"] == f"/forms/{form.pk}/"
    page = web.get(f"/forms/{form.pk}/").content.decode()
    assert "Talk to us" in page
    assert "not published yet" in page
    assert "Business e-mail" in page

    blocks = f"/forms/{form.pk}/blocks/"
    answer = web.post(blocks, {"do": "add", "kind": "type:choice", "block": "company"}, headers=HTMX)
    assert "draft-changed" in answer["HX-Trigger"]
    names = [field["name"] for field in Form.objects.get().draft["fields"]]
    assert names[names.index("company") + 1] == "choice"
    panel = {
        "label": "Size",
        "type": "choice",
        "option": ["Small", "Large", ""],
        "option_value": ["", "l", ""],
        "required": "on",
        "name": "size",
        "ask": "queued",
    }
    answer = web.post(f"{blocks}choice/", panel, headers=HTMX)
    field = Form.objects.get().draft["fields"][names.index("choice")]
    assert field == {
        "name": "size", "label": "Size", "type": "choice", "required": True, "ask": "queued",
        "options": [{"value": "Small", "label": "Small"}, {"value": "l", "label": "Large"}],
    }  # fmt: skip
    assert "Size" in answer.content.decode()

    web.post(blocks, {"do": "move", "block": "size", "to": "0"}, headers=HTMX)
    assert Form.objects.get().draft["fields"][0]["name"] == "size"
    answer = web.post(blocks, {"do": "drop", "block": "size"}, headers=HTMX)
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    assert "size" not in [field["name"] for field in Form.objects.get().draft["fields"]]
    web.post(undo["url"], undo["values"], headers=HTMX)
    assert Form.objects.get().draft["fields"][0] == field  # with all it had

    preview = web.get(f"/forms/{form.pk}/preview/?language=ko")
    assert "frame-ancestors 'self'" in preview["Content-Security-Policy"]
    assert "Size" in preview.content.decode()
    assert "Everything that must be there is there." in web.get(f"/forms/{form.pk}/publish/").content.decode()
    assert web.post(f"/forms/{form.pk}/publish/", {"note": "first"}, headers=HTMX)["HX-Redirect"] == f"/forms/{form.pk}/share/"
    assert "Version 1 is public now" in web.get(f"/forms/{form.pk}/share/").content.decode()
    assert "Size" in Client().get(f"/f/{form.guid}/").content.decode()


@pytest.mark.django_db
def test_what_is_wrong_is_said_where_it_is_mended(web: Client) -> None:
    form = made(publish=False)
    assert "Nothing was published yet." in web.get(f"/forms/{form.pk}/versions/").content.decode()
    answer = web.post(f"/forms/{form.pk}/blocks/email/", {"label": "", "type": "email"}, headers=HTMX)
    assert answer.status_code == 422
    assert "A field needs a label." in answer.content.decode()
    assert Form.objects.get().draft == form.draft
    notice = {
        "purpose": "To answer",
        "items": "",
        "period": "1 year",
        "refusal": "You may",
        "box": ["processing"],
        "label_processing": "I agree",
        "required_processing": "on",
    }
    web.post(f"/forms/{form.pk}/parts/consent/", notice, headers=HTMX)
    assert [box["key"] for box in Form.objects.get().draft["consent"]["boxes"]] == ["processing"]
    page = web.get(f"/forms/{form.pk}/publish/").content.decode()
    assert "Whoever agrees must be told this first" in page
    assert f"/forms/{form.pk}/?part=consent" in page
    answer = web.post(f"/forms/{form.pk}/publish/", {}, headers=HTMX)
    assert answer.status_code == 422
    assert Form.objects.get().version == 0
    web.post(f"/forms/{form.pk}/parts/consent/", {**notice, "do": "fill"}, headers=HTMX)
    assert "Business e-mail" in Form.objects.get().draft["consent"]["notice"]["items"]
    assert web.post(f"/forms/{form.pk}/publish/", {}, headers=HTMX).status_code == 204
    # a condition may only ask for what stands before it: moving it there is refused with the reason, and nothing changes
    web.post(f"/forms/{form.pk}/blocks/company/?more=1", {"label": "Company", "type": "text"}, headers=HTMX)
    assert Form.objects.get().draft["fields"][4]["when"] == {"all": [{"field": "phone", "operator": "known"}]}
    answer = web.post(f"/forms/{form.pk}/blocks/", {"do": "move", "block": "company", "to": "0"}, headers=HTMX)
    assert "stands before it" in json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert Form.objects.get().draft["fields"][4]["name"] == "company"
    for path in ("blocks/nothing/", "parts/nothing/"):
        assert web.get(f"/forms/{form.pk}/{path}").status_code == 404
    assert web.post(f"/forms/{form.pk}/blocks/", {"do": "add", "kind": "property:createdate"}).status_code == 404
    assert web.get("/forms/999/").status_code == 404


@pytest.mark.django_db
def test_every_part_and_kind_of_field_can_be_set(web: Client) -> None:
    form = made(publish=False)
    for kind in (*form_draft.KINDS, "property:seniority"):
        asked = kind if kind == "step" or ":" in kind else f"type:{kind}"
        assert web.post(f"/forms/{form.pk}/blocks/", {"do": "add", "kind": asked}, headers=HTMX).status_code == 200
    form.refresh_from_db()
    for key in form_draft.keys(form_draft.blocks(form.draft)):
        assert web.get(f"/forms/{form.pk}/blocks/{key}/").status_code == 200
    assert 'name="rule_accept"' in web.get(f"/forms/{form.pk}/?field=file").content.decode()
    parts = {
        "after": ({"kind": "redirect", "thanks": "Bye", "redirect_url": "https://site.example/thanks"}, {"kind": "redirect", "thanks": "Bye", "redirect_url": "https://site.example/thanks"}),
        "notify": ({"owner": "on", "user": "7"}, {"owner": True, "users": [7]}),
        "spam": ({"captcha": "turnstile", "site_key": "0xkey", "seconds": "5", "disposable": "refuse", "captcha_secret": "s3cret"},
                 {"captcha": "turnstile", "site_key": "0xkey", "seconds": 5, "disposable": "refuse"}),
    }  # fmt: skip
    for part, (given, kept) in parts.items():
        assert web.post(f"/forms/{form.pk}/parts/{part}/", given, headers=HTMX).status_code == 200
        assert Form.objects.get().draft[part] == kept
        assert "s3cret" not in web.get(f"/forms/{form.pk}/?part={part}").content.decode()
    assert Form.objects.get().captcha_secret not in ("", "s3cret")
    answer = web.post(f"/forms/{form.pk}/parts/spam/", {"captcha": "hcaptcha", "site_key": "", "seconds": "900"}, headers=HTMX)
    assert answer.status_code == 422
    assert "site key" in answer.content.decode()
    assert web.get(f"/forms/{form.pk}/preview/").status_code == 200


@pytest.mark.django_db
def test_versions_tell_what_changed_and_lead_back(web: Client) -> None:
    form = made()
    first = dict(form.draft)
    verbs.save(form, actor=SYSTEM, definition=form_draft.drop(form.draft, "phone")[0] | {"submit_label": "Go"})
    verbs.publish(form, actor=SYSTEM)
    page = web.get(f"/forms/{form.pk}/versions/").content.decode()
    assert "Field “Phone” taken out" in page
    assert "Button: Send → Go" in page
    assert "The first version." in page
    web.post(f"/forms/{form.pk}/versions/1/back/", headers=HTMX)
    assert Form.objects.get().draft == first
    with translation.override("en"):
        assert "Field “Phone” added" in dict(reversed(pair) for pair in form_changes.said(form.draft, first))
    web.post(f"/forms/{form.pk}/do/", {"do": "archive"}, headers=HTMX)
    assert form.name not in web.get("/forms/").content.decode()
    assert form.name in web.get("/forms/?archived=1").content.decode()
    web.post(f"/forms/{form.pk}/do/", {"do": "restore"}, headers=HTMX)
    assert form.name in web.get("/forms/?q=conta").content.decode()


@pytest.mark.django_db
def test_answers_are_read_filed_and_let_out_of_quarantine(web: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms_answers, "PAGE", 4)
    form = made()
    other = sent(form, "Anna", phone="02-312-5678")
    for n in range(5):
        sent(form, f"Ben{n}")
    page = web.get(f"/forms/{form.pk}/answers/").content.decode()
    assert "6 answers" in page
    assert f"/contacts/{other}/" not in page
    older = web.get(f"/forms/{form.pk}/answers/" + page.split('href="?')[1].split('"')[0].join(("?", "")).replace("&amp;", "&"))
    assert f"/contacts/{other}/" in older.content.decode()
    assert "Kim Anna" in older.content.decode() or "Anna Kim" in older.content.decode()
    lines = b"".join(web.get(f"/forms/{form.pk}/answers/file/?page=https://site.example/contact").streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert (len(lines) == 7 and "processing; email" in lines[1] and "+82" in lines[-1]) or "02-312" in lines[-1]
    assert len(b"".join(web.get(f"/forms/{form.pk}/answers/file/?day=2001-01-01").streaming_content).decode().splitlines()) == 1  # type: ignore[attr-defined]

    seen = shown.to(form)
    values = {"firstname": "Carl", "lastname": "Cho", "email": "carl@client.example", "company": "C", "message": "cheap http://x.example"}
    quarantine.keep(form, seen, ["trap", "links"], values, {"boxes": {"processing": True}, "page_url": "https://site.example/"})
    quarantine.keep(form, seen, ["too_fast"], {**values, "email": "no address"}, {"boxes": {"processing": True}})
    page = web.get(f"/forms/{form.pk}/quarantine/").content.decode()
    assert "Filled in a field that people do not see" in page
    assert "Sent faster than a person" in page
    assert "carl@client.example" in page
    bad, good = (row.pk for row in quarantine.listing(form))
    answer = web.post(f"/forms/{form.pk}/quarantine/do/", {"do": "release", "id": str(bad)}, headers=HTMX)
    assert "does not fit the form" in json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert quarantine.count(form) == 2
    web.post(f"/forms/{form.pk}/quarantine/do/", {"do": "release", "id": str(good)}, headers=HTMX)
    assert FormSubmission.objects.filter(form_id=form.pk, values__email="carl@client.example").exists()
    web.post(f"/forms/{form.pk}/quarantine/do/", {"do": "delete", "id": str(bad)}, headers=HTMX)
    assert "Nothing waits here" in web.get(f"/forms/{form.pk}/quarantine/").content.decode()


@pytest.mark.django_db
def test_the_report_counts_people_and_opens_them(web: Client) -> None:
    form = made()
    senders = [sent(form, f"Dora{n}") for n in range(6)]
    readers = [records.create("contact", {"email": f"eve{n}@client.example"}, actor=SYSTEM, source="test") for n in range(24)]
    strangers = [9_000_000 + n for n in range(4)]
    events = [did(id, form, Kind.FORM_VIEW) for id in (*senders[:5], *readers, *strangers)] + [did(id, form, Kind.FORM_VIEW, 50) for id in readers]
    events += [did(id, form, Kind.FORM_START, 4) for id in (*senders[:5], *readers[:10])]
    events += [did(id, form, Kind.FORM_ABANDON, 3, field="company") for id in readers[:8]] + [did(senders[0], form, Kind.FORM_ABANDON, 60, field="email")]
    record.add(events)
    sums = form_report.sums([form.pk])[form.pk]
    assert (sums.saw, sums.began, sums.converted, sums.sent, sums.elsewhere) == (33, 15, 5, 6, 1)
    rate = sums.conversion
    assert rate.share == 5 / 33
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < rate.share < rate.high
    report = form_report.of(form, 30)
    assert report.fields == [("company", 8)]
    assert report.left == 8
    assert report.by_page[0][:2] == ("https://site.example/contact", 33)
    assert sum(day[3] for day in report.by_day) == 6
    page = web.get(f"/forms/{form.pk}/report/").content.decode()
    assert "15.2%" in page
    assert "29 known" in page
    assert "Company" in page
    assert "1 person more sent it" in page
    opened = page.split('class="n num" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "eve3@client.example" in web.get(opened).content.decode()
    assert "–" in web.get("/forms/").content.decode() or "15.2%" in web.get("/forms/").content.decode()
    fresh = made("survey")
    assert "Not enough data for a conversion rate" in web.get(f"/forms/{fresh.pk}/report/?days=7").content.decode()


@pytest.mark.django_db
def test_two_versions_are_compared_without_a_winner_by_chance(web: Client) -> None:
    form = made()
    web.post(f"/forms/{form.pk}/blocks/", {"do": "drop", "block": "phone"}, headers=HTMX)
    assert web.post(f"/forms/{form.pk}/publish/", {"how": "split", "share": "50"}, headers=HTMX)["HX-Redirect"] == f"/forms/{form.pk}/report/#test"
    split = verbs.splits(form)[0]
    people = [records.create("contact", {"email": f"f{n}@client.example"}, actor=SYSTEM, source="test") for n in range(4)]
    record.add([did(id, form, Kind.FORM_VIEW, 0, version=1 + n % 2) for n, id in enumerate(people)] + [did(people[0], form, Kind.FORM_VIEW, 0, version=2)])
    trial = form_trial.of(verbs.running(form) or split)
    assert (trial.a.rate.n, trial.b.rate.n, trial.both, trial.better, trial.why) == (1, 2, 1, None, "few")
    page = web.get(f"/forms/{form.pk}/report/").content.decode()
    assert "not enough data" in page
    assert "1 person saw both versions" in page
    assert web.post(f"/forms/{form.pk}/publish/", {}, headers=HTMX).status_code == 409
    assert web.post(f"/forms/{form.pk}/test/", {"keep": "9"}, headers=HTMX).status_code == 404
    web.post(f"/forms/{form.pk}/test/", {"keep": "2"}, headers=HTMX)
    assert Form.objects.get().version == 2
    assert verbs.running(form) is None


def test_a_test_that_is_looked_at_every_day_rarely_names_a_winner_among_equals() -> None:
    luck = random.Random(5)

    def ends(p1: float, p2: float, people: int) -> int:
        """The first verdict of a test that is judged after every 25 visitors."""
        k, n = [0, 0], [0, 0]
        for number in range(people):
            side = luck.random() < 0.5
            n[side] += 1
            k[side] += luck.random() < (p2 if side else p1)
            if number % 25 == 0:
                better, _why = form_trial.judge(k[0], n[0], k[1], n[1], timedelta(days=9))
                if better:
                    return better
        return 0

    assert sum(ends(0.1, 0.1, 2500) != 0 for _ in range(40)) <= 9  # one in ten, and four deviations of chance
    assert [ends(0.1, 0.2, 6000) for _ in range(8)].count(1) >= 7
    assert form_trial.judge(30, 200, 60, 200, timedelta(days=3)) == (0, "week")
    assert form_trial.judge(5, 99, 60, 200, timedelta(days=30)) == (0, "few")


@pytest.mark.django_db
def test_only_those_who_may_see_and_change_forms_do(web: Client) -> None:
    form = made()
    own = users.create("han@nuriwork.example", "한", "a-long-enough-one", "sales", actor=SYSTEM)
    viewer = users.create("view@nuriwork.example", "뷰", "a-long-enough-one", "viewer", actor=SYSTEM)
    for user in (own, viewer):
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        assert client.post("/forms/new/", {"preset": "contact"}).status_code == 403
        for path in ("blocks/", "blocks/email/", "parts/consent/", "publish/", "quarantine/do/", "do/", "test/", "google/", "versions/1/back/", "files/"):
            assert client.post(f"/forms/{form.pk}/{path}", {"do": "drop"}).status_code == 403, path
    pages = [f"/forms/{form.pk}/{tab}" for tab in ("", "share/", "answers/", "quarantine/", "report/", "versions/", "publish/", "preview/", "qr.svg")]
    assert all(web.get(page).status_code == 200 for page in pages)
    assert all(Client().get(page).status_code == 302 for page in pages)


@pytest.mark.django_db
def test_pages_ask_as_many_questions_with_many_forms_and_answers(web: Client) -> None:
    forms = [made(), made("demo")]
    sent(forms[0], "Gus")
    urls = ["/forms/", *(f"/forms/{forms[0].pk}/{tab}" for tab in ("", "answers/", "quarantine/", "report/", "versions/"))]

    def asked(url: str) -> int:
        web.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert web.get(url).status_code == 200
        return len(seen)

    before = {url: asked(url) for url in urls}
    for n in range(4):
        made("quote")
        sent(forms[0], f"Hal{n}")
        quarantine.keep(forms[0], shown.to(forms[0]), ["trap"], {"email": f"x{n}@client.example"}, {})
        verbs.save(forms[0], actor=SYSTEM, definition={**forms[0].draft, "submit_label": f"Go {n}"})
        verbs.publish(forms[0], actor=SYSTEM)
    after = {url: asked(url) for url in urls}
    assert {url: n - before[url] for url, n in after.items() if n > before[url] + 2} == {}  # the definitions of properties are read again now and then
    assert max(after.values()) <= 80, after
