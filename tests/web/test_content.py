"""The pages of content: library, one piece, landing pages and their builder, links, and what colleagues are told."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.accounts.models import User
from baton.content import assets, links, pages, starters
from baton.content.models import Asset, LandingPage
from baton.crm import records
from baton.events import keys, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import verbs as forms
from baton.forms.models import Form
from baton.messaging.models import Notification
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.segments import cards, presets
from baton.web.parts import content_scored

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082".replace(" ", "")
)
HOST = config().url.partition("://")[2]


@pytest.fixture
def form(account: object) -> Form:
    fields = [{"name": "email", "label": "E-mail", "type": "email", "required": True}]
    return forms.create("Brochure", {"fields": fields, "language": "en"}, actor=SYSTEM, publish=True)


def test_a_piece_is_made_filled_in_and_published(web: Client, form: Form) -> None:
    assert web.post("/content/new/", {"kind": "file", "title": ""}).status_code == 422
    made = web.post("/content/new/", {"kind": "file", "title": "Guide", "stage": "middle", "language": "en"})
    asset = Asset.objects.get()
    assert made["HX-Redirect"] == f"/content/{asset.pk}/"
    refused = web.post(f"/content/{asset.pk}/do/", {"do": "publish"})
    assert refused.status_code == 422
    assert "Choose a file first." in refused["HX-Trigger"]
    web.post(f"/content/{asset.pk}/file/", {"file": SimpleUploadedFile("guide.pdf", b"%PDF-1.7 x")})
    wrong = web.post(f"/content/{asset.pk}/", {"title": "Guide", "stage": "middle", "gate": "by_stage", "url": "nowhere", "form_id": str(form.pk)})
    assert wrong.status_code == 422
    assert "Expected an http:// or https:// address." in wrong.text
    saved = web.post(f"/content/{asset.pk}/", {"title": "Guide", "stage": "middle", "gate": "by_stage", "form_id": str(form.pk), "topics": "Payroll, shifts"})
    assert saved.status_code == 200
    assert "fills in the form, once" in web.get(f"/content/{asset.pk}/gate/", {"stage": "middle", "gate": "by_stage"}).text
    assert web.post(f"/content/{asset.pk}/do/", {"do": "publish"}).status_code == 200
    assert keys.tags(Kind.DOWNLOAD)[f"{HOST}/a/{asset.guid}/file"][0] == ["middle", "payroll", "shifts"]
    web.post(f"/content/{asset.pk}/", {"title": "Guide", "stage": "late", "gate": "by_stage", "form_id": str(form.pk), "topics": "shifts"})
    assert keys.tags(Kind.DOWNLOAD)[f"{HOST}/a/{asset.guid}/file"][0] == ["late", "shifts"]


def test_every_number_of_the_library_opens_its_people(web: Client, form: Form, held: None) -> None:
    asset = assets.create("page", "Shift work", actor=SYSTEM, stage="early", url="https://www.nuriwork.example/shifts", form_id=form.pk)
    assets.publish(asset, actor=SYSTEM)
    who = records.create("contact", {"email": "jiwoo@gaon.example", "lastname": "Seo"}, actor=SYSTEM, source="import")
    now = clock.now()
    record.add(
        [
            NewEvent(who, Kind.PAGE_VIEW, now, "www.nuriwork.example/shifts"),
            NewEvent(who, Kind.PAGE_VIEW, now - timedelta(hours=1), "www.nuriwork.example/shifts"),
        ]
    )
    row = web.get("/content/", {"stage": "early"}).text
    found = re.findall(r'<a class="link" href="(/contacts/\?f=only:[^"]+)">(\d+)</a>', row)
    assert [n for _url, n in found] == ["2", "1"]
    for url, _n in found:
        assert "jiwoo@gaon.example" in web.get(url).text
    assert "Shift work" not in web.get("/content/", {"stage": "late"}).text
    assert "There is nothing for readers who decide (late)" in web.get("/content/stages/").text
    assert web.get("/content/stages/?by=topic").status_code == 200


def test_what_gives_no_points_is_said_once_to_those_who_keep_the_scores(web: Client, oh: User, form: Form) -> None:
    asset = assets.create("page", "Case study", actor=SYSTEM, stage="late", url="https://www.nuriwork.example/case", gate="never")
    page = pages.create("Fair", actor=SYSTEM, content=starters.content("event", "en", form=form.pk))
    assets.publish(asset, actor=SYSTEM)
    pages.publish(page, actor=SYSTEM)
    assert content_scored.remind() == 0  # it was published this minute
    clock.shift(timedelta(hours=1))
    assert content_scored.remind() == 2
    assert content_scored.remind() == 0
    assert set(Notification.objects.filter(user_id=oh.pk).values_list("url", flat=True)) == {f"/content/{asset.pk}/", f"/content/pages/{page.pk}/"}
    assert "no points yet" in web.get("/content/").text
    task = web.post(f"/content/{asset.pk}/task/")
    assert "Case study" in task["HX-Trigger"]
    seen = {"condition": "page_viewed", "address": "/case", "match": "is", "days": 90}
    model = cards.create(presets.blank("Lead"), key="lead", actor=SYSTEM)
    rule = {"key": "case", "group": cards.current(model).groups[0].key, "kind": "state", "filter": seen, "points": 12}
    model.rules.create(key="case", filter=seen, points=12, position=0, active=True, depends=[], group=rule["group"])
    assert content_scored.points([asset, page]) == {asset.pk: [("Lead", 12)], page.pk: []}


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"condition": "page_viewed", "address": "www.a.example/Guide", "match": "is"}, True),
        ({"condition": "page_viewed", "address": "/guide", "match": "starts"}, True),
        ({"condition": "page_viewed", "address": "uid", "match": "contains"}, True),
        ({"condition": "page_viewed", "address": "/guides", "match": "is"}, False),
        ({"condition": "page_viewed"}, False),
        ({"condition": "page_viewed", "tag": "late"}, True),
        ({"condition": "downloaded", "address": "guide", "match": "contains"}, False),
        ({"all": [{"any": [{"condition": "event", "event": "page_view", "about": "www.a.example/guide"}]}]}, True),
        ({"not": {"condition": "page_viewed", "tag": "late"}}, False),
    ],
)
def test_whether_a_rule_looks_at_a_page(stored: Any, wanted: bool) -> None:
    assert content_scored.asks_for(stored, Kind.PAGE_VIEW, "www.a.example/guide", ["late"]) is wanted


def test_a_landing_page_is_built_published_and_seen(web: Client, client: Client, form: Form) -> None:
    made = web.post("/content/pages/new/", {"starter": "product", "name": "Autumn", "slug": "autumn", "language": "en", "form": str(form.pk)})
    page = LandingPage.objects.get()
    assert made["HX-Redirect"] == f"/content/pages/{page.pk}/"
    assert web.post("/content/pages/new/", {"starter": "product", "slug": "autumn"}).status_code == 422
    url = f"/content/pages/{page.pk}"
    assert web.get(f"{url}/").status_code == 200
    added = web.post(f"{url}/blocks/", {"do": "add", "kind": "features", "block": page.draft["blocks"][0]["key"]})
    assert "draft-changed" in added["HX-Trigger"]
    page.refresh_from_db()
    key = page.draft["blocks"][1]["key"]
    web.post(f"{url}/blocks/{key}/", {"title": "Why", "columns": "2", "rows.title": ["One", "Two"], "rows.text": ["first", "<b>second</b>"]})
    picture = web.post(f"{url}/images/", {"panel": page.draft["blocks"][0]["key"], "file": SimpleUploadedFile("a.png", PNG)})
    assert picture.status_code == 200
    assert web.post(f"{url}/images/", {"panel": key, "file": SimpleUploadedFile("a.png", b"<svg/>")}).status_code == 422
    assert web.post(f"{url}/blocks/about/", {"name": "Autumn", "slug": "Not A Slug", "title": "x"}).status_code == 422
    web.post(
        f"{url}/blocks/about/",
        {
            "name": "Autumn",
            "slug": "autumn",
            "language": "en",
            "stage": "late",
            "title": "Autumn 2026",
            "description": "All of it",
            "accent": "#ffcc00",
            "mode": "dark",
        },
    )
    assert client.get("/p/autumn/").status_code == 404
    assert "All of it" in web.get(f"{url}/preview/").text
    assert "/t/baton.js" not in web.get(f"{url}/preview/").text
    assert web.post(f"{url}/publish/").status_code == 200
    public = client.get("/p/autumn/")
    assert public.status_code == 200
    for part in (
        'lang="en" data-mode="dark"',
        "<title>Autumn 2026</title>",
        'property="og:title"',
        "/t/baton.js",
        f"/f/{form.guid}.js",
        "&lt;b&gt;second&lt;/b&gt;",
        'rel="canonical"',
    ):
        assert part in public.text
    assert "unsafe-inline" not in public["Content-Security-Policy"]
    assert "style=" not in public.text
    assert len(public.content) < 30_000
    (image,) = re.findall(r'src="(/p/images/[^"]+)"', public.text)
    shown = client.get(image)
    assert (shown.status_code, shown["Content-Type"], shown.content) == (200, "image/png", PNG)
    colours = client.get("/p/colours/ffcc00.css").text
    assert "--on-accent:#16181e" in colours
    assert keys.tags(Kind.PAGE_VIEW)[f"{HOST}/p/autumn"][0] == ["late"]
    gone = web.post(f"{url}/blocks/", {"do": "drop", "block": key})
    assert "undo" in gone["HX-Trigger"]
    web.post(f"{url}/blocks/", {"do": "back", "block": key})
    page.refresh_from_db()
    assert page.draft["blocks"][1]["key"] == key
    assert web.post(f"{url}/do/", {"do": "unpublish"}).status_code == 200
    assert client.get("/p/autumn/").status_code == 404
    assert client.get("/p/%00/").status_code == 404
    assert web.get(f"{url}/versions/").status_code == 200


def test_a_code_is_made_shown_and_printed(web: Client) -> None:
    assert web.post("/content/links/new/", {"medium": "qr", "name": "Booth", "url": "https://a.example/"}).status_code == 422
    made = web.post("/content/links/new/", {"medium": "qr", "name": "Booth", "url": "https://a.example/", "place": "HR fair", "code": "hr"})
    url = made["HX-Redirect"]
    page = web.get(url).text
    assert f"{config().url}/l/hr" in page
    assert "utm_source=HR+fair&amp;utm_medium=qr" in page.replace("<wbr>", "")
    assert web.get(f"{url}qr.svg").content.startswith(b"<svg")
    assert web.get(f"{url}qr.png").content.startswith(b"\x89PNG")
    assert "HR fair" in web.get(f"{url}print/").text
    assert web.post("/content/links/new/", {"medium": "link", "name": "x", "url": "https://a.example/", "code": "hr"}).status_code == 422
    assert web.post(url, {"name": "Booth 2", "url": "https://b.example/", "place": "HR fair"}).status_code == 200
    assert web.post(f"{url}switch/", {"active": "false"}).status_code == 200
    assert not links.get(int(url.split("/")[3])).active
    assert "Booth 2" in web.get("/content/links/?q=fair").text


def test_a_form_that_was_asked_leads_to_the_content(client: Client, form: Form) -> None:
    asset = assets.create("video", "Tour", actor=SYSTEM, stage="late", form_id=form.pk, url="https://youtu.be/abcdefghijk", language="en")
    assets.publish(asset, actor=SYSTEM)
    gate = client.get(f"/a/{asset.guid}/").text
    assert f"/f/{form.guid}.js" in gate
    link = f"/f/{form.guid}/?for={asset.guid}"
    assert link in gate
    hosted = client.get(link).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', hosted))
    assert fields["page_url"].endswith(f"/a/{asset.guid}/")
    clock.shift(timedelta(minutes=1))  # nobody types that quickly
    sent = client.post(f"/f/{form.guid}/", {**fields, "email": "new@gaon.example"})
    assert sent.status_code == 303
    opened = client.get(sent["Location"])
    assert "youtube-nocookie.com/embed/abcdefghijk" in opened.text


def test_who_may_not_edit_sees_and_changes_nothing(client: Client, account: object, form: Form) -> None:
    from baton.accounts import users

    viewer = users.create("ryu@nuriwork.example", "류태경", "a-long-enough-one", "viewer", actor=SYSTEM)
    asset = assets.create("link", "Story", actor=SYSTEM, stage="early", url="https://a.example/")
    client.force_login(viewer)
    assert client.get("/content/").status_code == 200
    assert client.get(f"/content/{asset.pk}/").status_code == 200
    for url in ("/content/new/", f"/content/{asset.pk}/", f"/content/{asset.pk}/do/", "/content/pages/new/", "/content/links/new/"):
        assert client.post(url, {"do": "archive", "title": "x", "kind": "link"}).status_code == 403
    assert Asset.objects.get().title == "Story"
