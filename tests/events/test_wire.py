"""What a tracker may say, word by word, and where a fault is when it says something else."""

from typing import Any

import pytest

from baton.events import wire
from baton.events.vocabulary import Kind

PAGE = "https://www.nuriwork.example/pricing?plan=team"


def hit(kind: str, **more: Any) -> dict[str, Any]:
    return {"k": kind, "id": 4, "t": 1_795_165_199_000, "u": PAGE, **more}


def parse(*hits: dict[str, Any], **more: Any) -> wire.Batch:
    return wire.parse({"v": 1, "c": "c" * 32, "s": 1_795_165_200_000, "h": list(hits), **more})


@pytest.mark.parametrize(
    ("sent", "kind", "key", "label", "value", "extra"),
    [
        (hit("page_view", title="요금", r="https://search.example/"), Kind.PAGE_VIEW, "www.nuriwork.example/pricing", "요금", None, {}),
        (hit("page_dwell", n=61.5), Kind.PAGE_DWELL, "www.nuriwork.example/pricing", "", 61.5, {}),
        (hit("page_scroll", n=80), Kind.PAGE_SCROLL, "www.nuriwork.example/pricing", "", 80, {}),
        (hit("cta_click", x={"cta": "상담", "href": "https://a.example/demo"}), Kind.CTA_CLICK, "상담", "", None, {"url": "https://a.example/demo"}),
        (
            hit("download", x={"href": "https://a.example/f/소개서.pdf?v=2"}),
            Kind.DOWNLOAD,
            "a.example/f/소개서.pdf",
            "소개서.pdf",
            None,
            {"url": "https://a.example/f/소개서.pdf?v=2"},
        ),
        (
            hit("outbound_click", x={"href": "https://Partner.example/a/?b=1", "text": "파트너"}),
            Kind.OUTBOUND_CLICK,
            "partner.example/a",
            "",
            None,
            {"url": "https://Partner.example/a/?b=1", "text": "파트너"},
        ),
        (hit("form_view", x={"form": "12", "label": "Mine now", "version": "v2"}), Kind.FORM_VIEW, "12", "", None, {"version": "v2"}),
        (hit("form_start", x={"form": "#contact", "label": "문의"}), Kind.FORM_START, "#contact", "문의", None, {}),
        (hit("form_abandon", x={"form": "#contact", "field": "phone", "value": "010"}), Kind.FORM_ABANDON, "#contact", "contact", None, {"field": "phone"}),
        (
            hit("video_watched", n=50, x={"video": "youtube:dQw4w9WgXcQ", "title": "소개", "seconds": 30, "duration": 60.5}),
            Kind.VIDEO_WATCHED,
            "youtube:dQw4w9WgXcQ",
            "소개",
            50,
            {"seconds": 30, "duration": 60.5},
        ),
        (hit("video_watched", n=0, x={"video": "https://cdn.example/v.mp4?x=1"}), Kind.VIDEO_WATCHED, "cdn.example/v.mp4", "", 0, {}),
        (
            hit("tracking_choice", x={"choice": "granted", "version": "3", "language": "ko"}),
            Kind.TRACKING_CHOICE,
            "granted",
            "",
            None,
            {"version": "3", "language": "ko"},
        ),
        (
            hit("custom_event", x={"name": "Signed_In", "properties": {"plan": "team", "seats": 3, "trial": True, "none": " "}}),
            Kind.CUSTOM_EVENT,
            "signed_in",
            "",
            None,
            {"properties": {"plan": "team", "seats": "3", "trial": "true"}},
        ),
    ],
)
def test_each_kind_says_what_it_is_about(sent: dict[str, Any], kind: Kind, key: str, label: str, value: float | None, extra: dict[str, Any]) -> None:
    [found] = parse(sent).hits
    assert (found.kind, found.key, found.label, found.value, found.extra) == (kind, key, label, value, extra)
    assert (found.id, found.time, found.url) == (4, 1_795_165_199_000, PAGE)


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (hit("form_submission"), "k"),
        (hit("said_who"), "k"),
        (hit("page_scroll", n=0), "n"),
        (hit("page_scroll", n=101), "n"),
        (hit("page_scroll", n=True), "n"),
        (hit("outbound_click", x={"href": "mailto:a@b.example"}), "x.href"),
        (hit("outbound_click", x=[]), "x"),
        (hit("form_view"), "x.form"),
        (hit("form_view", x={"form": "contact"}), "x.form"),
        (hit("form_view", x={"form": "#"}), "x.form"),
        (hit("form_start", x={"form": "12", "version": 2}), "x.version"),
        (hit("video_watched", n=10, x={"video": "dailymotion:1"}), "x.video"),
        (hit("video_watched", n=110, x={"video": "vimeo:1"}), "n"),
        (hit("video_watched", n=10, x={"video": "vimeo:1", "seconds": "9"}), "x.seconds"),
        (hit("video_watched", n=10, x={"video": "vimeo:1", "duration": float("inf")}), "x.duration"),
        (hit("tracking_choice", x={"choice": "perhaps"}), "x.choice"),
        (hit("tracking_choice", x={"choice": ["granted"]}), "x.choice"),
        (hit("custom_event", x={"name": "two words"}), "x.name"),
        (hit("custom_event", x={"name": "order", "properties": {"total": [1]}}), "x.properties.total"),
        (hit("custom_event", x={"name": "order", "properties": {f"p{n}": n for n in range(51)}}), "x.properties"),
    ],
)
def test_a_fault_is_named_by_its_place(sent: dict[str, Any], path: str) -> None:
    with pytest.raises(wire.Malformed) as caught:
        parse(hit("page_view"), sent)
    assert caught.value.path == f"h[1].{path}"


def test_the_browser_tells_its_language_and_zone_and_the_site_who_it_is() -> None:
    batch = parse(hit("page_view"), l="ko-KR", z="Asia/Seoul", i={"email": " minjun@hankyul.example ", "firstname": "민준", "seats": 3, "none": ""})
    assert (batch.language, batch.zone) == ("ko-KR", "Asia/Seoul")
    assert batch.said == {"email": "minjun@hankyul.example", "firstname": "민준", "seats": "3"}
    assert parse(i={"email": "a@b.example"}).hits == ()  # nothing but who he is
    odd = parse(hit("page_view"), l="en_US.UTF-8; x", z="<zone>")
    assert (odd.language, odd.zone, len(odd.hits)) == ("", "", 1)  # no hit is lost for an odd browser


@pytest.mark.parametrize(
    ("more", "path"), [({"l": 1}, "l"), ({"z": [1]}, "z"), ({"i": 1}, "i"), ({"i": {}}, "i.email"), ({"i": {"email": "a@b", "x": {}}}, "i.x")]
)
def test_a_fault_of_the_whole_is_named_too(more: dict[str, Any], path: str) -> None:
    with pytest.raises(wire.Malformed) as caught:
        parse(hit("page_view"), **more)
    assert caught.value.path == path
