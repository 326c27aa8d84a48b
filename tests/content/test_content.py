"""Content as it is made: what is checked, who needs what, what is counted, what is missing; links and their codes."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from baton.content import addresses, assets, blocks, campaign, counts, gaps, links, pages, rich, starters
from baton.content.models import Asset, AssetCount
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import verbs as forms
from baton.forms.models import Form
from baton.platform import clock
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid
from baton.platform.models import History


def paths(error: Invalid) -> set[str]:
    return {problem.path for problem in error.problems}


def test_what_does_not_fit_is_told_and_nothing_is_written(form: Form, actor: Actor) -> None:
    with pytest.raises(Invalid) as caught:
        assets.create("poem", " ", actor=actor, stage="soon", gate="maybe", url="javascript:alert(1)", minutes=0, language="xx")
    assert paths(caught.value) == {"kind", "title", "stage", "gate", "url", "minutes", "language"}
    assert not Asset.objects.exists()
    asset = assets.create("file", "백서", actor=actor, stage="middle")
    with pytest.raises(Invalid) as caught:
        assets.publish(asset, actor=actor)
    assert paths(caught.value) == {"file", "form_id"}
    assets.set_file(asset, "백서.pdf", b"%PDF-1.7 x", actor=actor)
    assets.update(asset, actor=actor, form_id=form.pk, topics=["근태 관리", " 급여", "급여", "late", "3교대"])
    assert asset.topics == ["근태_관리", "급여", "t_3교대"]
    assets.publish(asset, actor=actor)
    with pytest.raises(Invalid) as caught:
        assets.update(asset, actor=actor, form_id=None)
    assert paths(caught.value) == {"form_id"}
    assert [row.verb for row in History.objects.filter(subject_type="asset").order_by("id")] == ["created", "updated", "published"]


def test_what_is_needed_is_not_put_aside(make: Callable[..., Asset], form: Form, actor: Actor) -> None:
    asset = make("late", title="도입 사례집")
    with pytest.raises(Conflict, match="도입 사례집"):
        forms.archive(form, actor=actor)
    page = pages.create("사례 페이지", actor=actor, content=blocks.document("사례", [{"kind": "asset", "asset": asset.pk}, {"kind": "form", "form": form.pk}]))
    with pytest.raises(Conflict, match="사례 페이지"):
        assets.archive(asset, actor=actor)
    pages.archive(page, actor=actor)
    assets.archive(asset, actor=actor)
    forms.archive(form, actor=actor)


def test_a_page_has_drafts_and_versions_that_stay(form: Form, actor: Actor) -> None:
    page = pages.create("HR Guide 2026", actor=actor, language="en", content=starters.content("product", "en", title="HR guide"))
    assert (page.slug, page.published) == ("hr-guide-2026", None)
    with pytest.raises(Invalid) as caught:
        pages.publish(page, actor=actor)
    (wants,) = [block["key"] for block in page.draft["blocks"] if block["kind"] == "form"]
    assert paths(caught.value) == {f"blocks.{wants}.form"}
    pages.change(page, wants, {"form": str(form.pk), "title": "Ask", "evil": "<script>"}, actor=actor)
    first = pages.publish(page, actor=actor)
    key = pages.add(page, "button", actor=actor, after=page.draft["blocks"][0]["key"])
    assert page.draft["blocks"][1]["key"] == key
    pages.change(page, key, {"button": "Go", "link": "javascript:alert(1)"}, actor=actor)
    with pytest.raises(Invalid) as caught:
        pages.publish(page, actor=actor)
    assert paths(caught.value) == {f"blocks.{key}.link"}
    pages.move(page, key, 99, actor=actor)
    assert page.draft["blocks"][-1]["key"] == key
    assert pages.is_changed(page)
    place, block = pages.drop(page, key, actor=actor)
    pages.put_back(page, block, place, actor=actor)
    pages.change(page, key, {"button": "Go", "link": "#form"}, actor=actor)
    assert pages.publish(page, actor=actor).number == 2
    pages.revert(page, 1, actor=actor)
    assert page.draft == first.content
    assert pages.get(page.pk).published.number == 2  # type: ignore[union-attr]
    copy = pages.duplicate(page, actor=actor)
    assert (copy.slug, copy.published, copy.draft["blocks"]) == ("hr-guide-2026-2", None, page.draft["blocks"])
    with pytest.raises(Invalid) as caught:
        pages.update(copy, actor=actor, slug="hr-guide-2026")
    assert paths(caught.value) == {"slug"}


def test_every_starter_is_published_once_its_form_is_chosen(form: Form, actor: Actor) -> None:
    for key, language in itertools.product(starters.NAMES, ("ko", "en")):
        page = pages.create(key, actor=actor, language=language, content=starters.content(key, language, form=form.pk))
        assert pages.publish(page, actor=actor).number == 1


def test_text_of_a_page_runs_nothing() -> None:
    made = rich.html(
        "## 제목\n**굵게** [여기](https://a.example/?a=1&b=2)\n둘째 줄\n\n- 하나\n- 둘\n1. 첫째\n\n[x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    )
    assert "<h2>제목</h2>" in made
    assert '<a href="https://a.example/?a=1&amp;b=2" rel="noopener">여기</a>' in made
    assert "<ul><li>하나</li><li>둘</li></ul><ol><li>첫째</li></ol>" in made
    for evil in (
        '<p onclick="x()">a</p>',
        "<a href='javascript:x()'>a</a>",
        "<p>a<script>x()</script>",
        '<p>a<iframe src="//x"></iframe></p>',
        "<p style='x'>a</p>",
    ):
        cleaned = rich.html(evil)
        assert not any(word in cleaned for word in ("onclick", "javascript", "script", "iframe", "style"))


def test_numbers_tell_views_uses_people_and_forms(make: Callable[..., Asset], visitor: Callable[..., int], form: Form) -> None:
    asset = make("middle")
    known, stranger = visitor("1" * 32, "a@b.example"), visitor("2" * 32)
    view, file = (next(value for kind, value in addresses.of(asset) if kind == wanted) for wanted in (Kind.PAGE_VIEW, Kind.DOWNLOAD))
    now = clock.now()
    record.add(
        [
            NewEvent(known, Kind.PAGE_VIEW, now - timedelta(days=1), view), NewEvent(known, Kind.PAGE_VIEW, now, view),
            NewEvent(stranger, Kind.PAGE_VIEW, now, view), NewEvent(known, Kind.PAGE_VIEW, now - timedelta(days=91), view),
            NewEvent(known, Kind.DOWNLOAD, now, file), NewEvent(stranger, Kind.PAGE_VIEW, now, "elsewhere.example/"),
            NewEvent(known, Kind.FORM_SUBMISSION, now, str(form.pk), payload={"page": f"http://{view}/"}),
            NewEvent(known, Kind.FORM_SUBMISSION, now, str(form.pk), payload={"page": "https://elsewhere.example/"}),
        ]
    )  # fmt: skip
    counts.count_all()
    row = AssetCount.objects.get(pk=asset.pk)
    assert (row.views, row.downloads, row.visitors, row.known, row.answers) == (3, 1, 2, 1, 1)


def test_the_report_names_what_is_missing(make: Callable[..., Asset]) -> None:
    assert len(gaps.report([], {}).gaps) == 3
    some = [make("early", topics=["급여"]), make("early", topics=["급여"]), make("middle", topics=["근태"]), make("middle", topics=["근태", "급여"])]
    report = gaps.report(some, {}, "topic")
    assert [row.key for row in report.rows] == ["근태", "급여"]
    assert sum("late" in gap or "결정" in gap for gap in report.gaps) == 1
    assert any("근태" in gap for gap in report.gaps)  # nothing early
    full = gaps.report([make(stage) for stage in assets.STAGES for _n in range(2)], {})
    assert full.gaps == []
    assert {stage: cell.n for stage, cell in full.total.cells.items()} == {"early": 2, "middle": 2, "late": 2}


def test_links_carry_their_campaign_and_keep_what_is_there() -> None:
    url = campaign.with_campaign("https://a.example/b?utm_source=own&x=1#part", {"utm_source": "other", "utm_medium": "qr", "utm_campaign": "가을 & 겨울"})
    assert url == "https://a.example/b?utm_source=own&x=1&utm_medium=qr&utm_campaign=%EA%B0%80%EC%9D%84+%26+%EA%B2%A8%EC%9A%B8#part"
    assert campaign.with_campaign("https://a.example/", {}) == "https://a.example/"


def test_a_code_names_its_place_and_is_taken_once(account: object, actor: Actor) -> None:
    with pytest.raises(Invalid) as caught:
        links.create("부스", "ftp://a.example", actor=actor, medium="qr", utm={"utm_magic": "x"})
    assert paths(caught.value) == {"url", "place", "utm.utm_magic"}
    made = links.create("부스", "https://a.example/", actor=actor, medium="qr", place="HR 박람회", code="HR-1")
    assert (made.code, made.utm) == ("hr-1", {"utm_source": "HR 박람회", "utm_medium": "qr"})
    with pytest.raises(Conflict):
        links.create("다른 부스", "https://a.example/", actor=actor, code="hr-1")
    with pytest.raises(Invalid):
        links.create("또", "https://a.example/", actor=actor, code="../x")
    assert len({links.create("n", "https://a.example/", actor=actor).code for _ in range(20)}) == 20
