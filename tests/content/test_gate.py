"""Who is asked for a form: three stages, known and unknown, over HTTP as a browser comes; and what a sent form, a pass and a signed address open."""

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from baton.content import assets, gate
from baton.content.models import Asset
from baton.events.vocabulary import Kind
from baton.events.wire import COOKIE
from baton.forms import submissions
from baton.forms.models import Form
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.config import config

from .conftest import BROWSER, PDF

UNKNOWN, KNOWN = "a" * 32, "b" * 32
MATRIX = {  # (stage, known) -> whether the form is asked
    ("early", False): False, ("early", True): False,
    ("middle", False): True, ("middle", True): True,
    ("late", False): True, ("late", True): False,
}  # fmt: skip


def asked(browser: Client, asset: Asset) -> bool:
    page = browser.get(f"/a/{asset.guid}/")
    assert page.status_code == 200
    assert page["Cache-Control"] == "private, no-store"
    assert "Cookie" in page["Vary"]
    gated = "data-baton-form" in page.text
    assert gated != ("/file?t=" in page.text)
    return gated


def file_url(browser: Client, asset: Asset, query: str = "") -> str:
    found = re.search(r'href="(/a/[^"]+/file\?t=[^"]+)"', browser.get(f"/a/{asset.guid}/{query}").text)
    assert found
    return found[1]


def downloads() -> list[tuple[Any, ...]]:
    return sql.rows("SELECT e.contact_id, k.value, k.label FROM event e JOIN event_key k ON k.id = e.key WHERE e.kind = %s ORDER BY e.ts", [int(Kind.DOWNLOAD)])


def test_three_stages_known_and_unknown(browser: Client, make: Callable[..., Asset], visitor: Callable[..., int]) -> None:
    visitor(UNKNOWN)
    visitor(KNOWN, "jiwoo@gaon.example")
    for (stage, known), form in MATRIX.items():
        browser.cookies[COOKIE] = KNOWN if known else UNKNOWN
        assert asked(browser, make(stage, title=f"{stage} {known}")) is form, (stage, known)
    del browser.cookies[COOKIE]
    assert [asked(browser, make(stage, title=f"{stage} nobody")) for stage in ("early", "middle", "late")] == [False, True, True]


@pytest.mark.parametrize(("rule", "unknown", "known"), [("never", False, False), ("if_unknown", True, False), ("always", True, True)])
def test_a_gate_of_its_own_wins_over_the_stage(
    browser: Client, make: Callable[..., Asset], visitor: Callable[..., int], rule: str, unknown: bool, known: bool
) -> None:
    visitor(KNOWN, "jiwoo@gaon.example")
    for stage in ("early", "middle", "late"):
        asset = make(stage, rule)
        browser.cookies.clear()
        assert asked(browser, asset) is unknown
        browser.cookies[COOKIE] = KNOWN
        assert asked(browser, asset) is known
        assert "jiwoo" not in browser.get(f"/a/{asset.guid}/").text


def test_decisions_do_not_depend_on_order(make: Callable[..., Asset], form: Form) -> None:
    """All there are: 3 stages, 4 gates, known or not, has sent the form or not."""
    asset = make("early")
    for stage, rule, known, sent in itertools.product(assets.STAGES, assets.GATES, (False, True), (False, True)):
        asset.stage, asset.gate = stage, rule
        wanted = {"never": False, "if_unknown": not (known or sent), "always": True}.get(rule)
        if wanted is None:
            wanted = {"early": False, "middle": not sent, "late": not (known or sent)}[stage]
        assert (gate.decide(asset, known, {form.pk} if sent else set()) == "ask") is wanted, (stage, rule, known, sent)


def test_a_sent_form_opens_it_with_a_cookie_and_without(browser: Client, make: Callable[..., Asset], form: Form) -> None:
    asset = make("middle")
    browser.cookies[COOKIE] = UNKNOWN
    assert asked(browser, asset)
    submissions.submit(form, {"email": "new@gaon.example"}, cookie=UNKNOWN)
    assert not asked(browser, asset)
    assert not asked(browser, make("middle", title="another one with the same form"))
    stranger = Client(headers=BROWSER)
    done = submissions.submit(form, {"email": "shy@gaon.example"})
    url = gate.after_form(f"{config().url}/a/{asset.guid}/", form.pk, done.contact_id)
    query = url.partition("?")[2]
    assert url == f"/a/{asset.guid}/?{query}"
    answer = stranger.get(file_url(stranger, asset, f"?{query}"))
    assert answer.status_code == 200
    assert [row[0] for row in downloads()] == [done.contact_id]  # no cookie, but he said who he is a moment ago
    assert "data-baton-form" in stranger.get(f"/a/{asset.guid}/").text
    assert "data-baton-form" in stranger.get(f"/a/{make('middle', title='other').guid}/?{query}").text
    assert gate.after_form("https://other.example/a/x/", form.pk, done.contact_id) == ""
    assert gate.after_form(f"{config().url}/a/{asset.guid}/", form.pk + 1, done.contact_id) == ""


def test_a_file_comes_in_pieces_and_counts_once(browser: Client, make: Callable[..., Asset], visitor: Callable[..., int]) -> None:
    asset, who = make("early"), visitor(UNKNOWN)
    browser.cookies[COOKIE] = UNKNOWN
    url = file_url(browser, asset)
    head = browser.head(url)
    assert (head["Content-Length"], head["Accept-Ranges"], head.content) == (str(len(PDF)), "bytes", b"")
    Client(headers={**BROWSER, "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}).get(url)
    Client(headers={**BROWSER, "sec-purpose": "prefetch"}).get(url)
    assert downloads() == []
    whole = browser.get(url)
    assert (whole.content, whole["Content-Type"]) == (PDF, "application/pdf")
    assert whole["Content-Disposition"].startswith("attachment; ")
    assert "sandbox" in whole["Content-Security-Policy"]
    for asked_for, start, end in (("bytes=0-99", 0, 99), ("bytes=100-", 100, len(PDF) - 1), ("bytes=-10", len(PDF) - 10, len(PDF) - 1)):
        piece = browser.get(url, headers={"range": asked_for})
        assert (piece.status_code, piece["Content-Range"]) == (206, f"bytes {start}-{end}/{len(PDF)}")
        assert piece.content == PDF[start : end + 1]
    piece = browser.get(url, headers={"range": "bytes=0-", "accept-encoding": "gzip"})
    assert piece.content == PDF  # compressed on the way, a download that is taken up again would be broken
    assert browser.get(url, headers={"range": f"bytes={len(PDF)}-"}).status_code == 416
    host = config().url.partition("://")[2]
    assert downloads() == [(who, f"{host}/a/{asset.guid}/file", "early 자료")]
    browser.get(file_url(browser, asset))
    assert len(downloads()) == 2  # the page was opened again: another download


def test_an_address_of_a_file_expires_and_cannot_be_made_up(browser: Client, make: Callable[..., Asset], monkeypatch: pytest.MonkeyPatch) -> None:
    asset, other = make("early"), make("late")
    url = file_url(browser, asset)
    assert browser.get(url[:-3] + "abc").status_code == 404
    assert browser.get(f"/a/{asset.guid}/file").status_code == 404
    assert browser.get(url.replace(str(asset.guid), str(other.guid))).status_code == 404
    real = gate.time.time()
    monkeypatch.setattr(gate.time, "time", lambda: real + 3601)
    old = browser.get(url)
    assert (old.status_code, old["Location"]) == (302, f"/a/{asset.guid}/")
    assert downloads() == []


def test_what_is_not_published_or_put_away_is_nothing(browser: Client, make: Callable[..., Asset], actor: Actor) -> None:
    asset = make("early")
    url = file_url(browser, asset)
    assets.unpublish(asset, actor=actor)
    assert browser.get(f"/a/{asset.guid}/").status_code == 404
    assert browser.get(url).status_code == 404
    assert browser.get("/a/not-a-guid/").status_code == 404


def test_a_webinar_opens_its_door_in_time_and_shows_the_recording_afterwards(browser: Client, form: Form, actor: Actor) -> None:
    url = "https://meet.example/hr"
    starts = clock.now() + timedelta(hours=2)
    asset = assets.create(
        "webinar", "근태 웨비나", actor=actor, stage="early", url=url, starts_at=starts, minutes=60, replay_url="https://youtu.be/abcdefghijk"
    )
    assets.publish(asset, actor=actor)
    seen = []
    for ahead in (timedelta(), timedelta(hours=1, minutes=50), timedelta(hours=4)):
        clock.shift(ahead)
        page = browser.get(f"/a/{asset.guid}/").text
        seen.append((url in page, "youtube-nocookie.com/embed/abcdefghijk" in page))
    assert seen == [(False, False), (True, False), (False, True)]


def test_a_link_leads_on_and_is_noted_for_whom_we_know(browser: Client, visitor: Callable[..., int], actor: Actor) -> None:
    asset = assets.create("link", "기사", actor=actor, stage="early", url="https://press.example/story")
    assets.publish(asset, actor=actor)
    who = visitor(KNOWN, "jiwoo@gaon.example")
    browser.cookies[COOKIE] = KNOWN
    answer = browser.get(f"/a/{asset.guid}/")
    assert (answer.status_code, answer["Location"]) == (302, "https://press.example/story")
    Client(headers=BROWSER).get(f"/a/{asset.guid}/")
    assert downloads() == [(who, "press.example/story", "기사")]
