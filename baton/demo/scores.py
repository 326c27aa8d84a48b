"""How the sample company scores: the lead score in four versions that sales agreed to one after the other, the score of companies, and what pages are worth."""

from datetime import datetime, timedelta
from typing import Any

from baton.demo.pages import SITE, TAGS
from baton.demo.people import FREE_MAIL
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.segments import cards, presets
from baton.segments.models import ScoreModel, ScoreVersion

Made = dict[str, Any]
Filter = dict[str, Any]

CAPS = {"web": 35, "email": 25}  # from version 3 on
# number: published so many days ago, reviewed so many hours before that by, what changed
VERSIONS = {
    1: (540, 0, "", "첫 버전: 직급, 회사 규모, 폼"),
    2: (365, 30, "문가영", "영업 의견 반영: 부적합 항목을 감점으로, SQL 기준을 60점에서 65점으로"),
    3: (170, 21, "한도윤", "웹과 이메일 점수에 상한을 두어 많이 읽기만 한 사람이 SQL이 되지 않게 함"),
    4: (48, 44, "한도윤", "요금 페이지는 30일마다 절반으로, 블로그와 도입 사례는 글마다 한 번만"),
}
FORM_TAGS: dict[str, tuple[list[str], int]] = {
    "newsletter": (["early"], 2),
    "whitepaper": (["middle"], 5),
    "webinar": (["middle"], 6),
    "brochure": (["middle"], 7),
    "demo": (["late"], 10),
}


def tag(forms: dict[str, int]) -> None:
    """Say of forms and pages how far those are who use them."""
    for key, (tags, rating) in FORM_TAGS.items():
        keys.tag(Kind.FORM_SUBMISSION, str(forms[key]), tags=tags, rating=rating)
    host = config().url.rstrip("/").partition("://")[2]
    for path, (tags, rating) in TAGS.items():
        keys.tag(Kind.PAGE_VIEW, f"{host}{SITE}{path}", tags=tags, rating=rating)


def _rule(key: str, group: str, filter: Filter, points: int, **more: Any) -> Made:
    return {"key": key, "group": group, "filter": filter, "points": points, **more}


def _each(key: str, group: str, filter: Filter, points: int, times: int | None, **more: Any) -> Made:
    """Points for each time, of which the newest so many count."""
    return _rule(key, group, filter, points, kind="event", times=times, **more)


def rules(forms: dict[str, int], attended: int) -> list[Made]:
    """The 26 rules of the lead score. Behaviour counts for 90 days, forms for ever."""

    def rank(value: str) -> Filter:
        return {"condition": "property", "property": "seniority", "operator": "is", "value": value}

    def sent(form: str) -> Filter:
        return {"condition": "form_submitted", "form": forms[form]}

    def company(name: str, operator: str, value: Any) -> Filter:
        return {"condition": "company_property", "property": name, "operator": operator, "value": value}

    def viewed(**where: Any) -> Filter:
        return {"condition": "page_viewed", **where, "days": 90}

    free = [f"@{domain}" for domain in ("gmail.com", "naver.com", "daum.net", "hanmail.net", FREE_MAIL)]
    excluded = [{"condition": "property", "property": name, "operator": "is", "value": True} for name in ("competitor", "student")]
    said: Made = {"explicit": True}
    return [
        _rule("rank_exec", "fit_person", rank("exec"), 20, **said),
        _rule("rank_head", "fit_person", rank("head"), 15, **said),
        _rule("rank_manager", "fit_person", rank("manager"), 10, **said),
        _rule("rank_staff", "fit_person", rank("staff"), 5, **said),
        _rule("phone", "fit_person", {"condition": "property", "property": "phone", "operator": "known"}, 5, **said),
        _rule("size_fit", "fit_company", company("numberofemployees", "between", [50, 999]), 10, **said),
        _rule("industry", "fit_company", company("industry", "any_of", ["logistics", "manufacturing", "retail"]), 5, **said),
        _rule("budget_ok", "fit_company", {"condition": "property", "property": "budget", "operator": "any_of", "value": ["fit", "ample"]}, 10, **said),
        _rule("demo", "form", sent("demo"), 50),
        _each("webinar_form", "form", sent("webinar"), 10, 2),
        _each("whitepaper", "form", sent("whitepaper"), 10, 2),
        _rule("newsletter", "form", sent("newsletter"), 5),
        _each("pricing", "web", viewed(address="/site/pricing", match="contains"), 5, 3, decay={"kind": "half", "days": 30}),
        _each("case_study", "web", viewed(tag="case_study"), 3, 2, per_item=True),
        _each("blog", "web", viewed(tag="early"), 2, 3, per_item=True),
        _each("brochure", "web", {"condition": "downloaded", "address": "nuriwork-brochure", "match": "contains", "days": 180}, 10, None, per_item=True),
        _each("dwell", "web", {"condition": "page_stayed", "address": "", "seconds": 60, "days": 90}, 1, 5),
        _each("pageview", "web", viewed(address=""), 1, 8),
        _rule("webinar", "email", {"condition": "in_segment", "segment": attended}, 15),
        _each("click", "email", {"condition": "email_clicked", "email": None, "days": 90}, 3, 4),
        _each("open", "email", {"condition": "email_opened", "email": None, "days": 90}, 1, 5),
        _rule("silent", "minus", {"condition": "no_activity", "days": 90}, -10),
        _rule("size_small", "minus", company("numberofemployees", "less_than", 10), -10, **said),
        _rule(
            "freemail", "minus",
            {"any": [{"condition": "property", "property": "email", "operator": "ends_with", "value": domain} for domain in free]}, -5, **said,
        ),
        _rule("optout", "minus", {"condition": "opted_out"}, -100),
        _rule("competitor", "minus", {"any": excluded}, -100, **said),
    ]  # fmt: skip


def _content(number: int, made: list[Made]) -> Made:
    """The score as it was in a version; the fourth is what counts now."""
    gone = {"case_study", "blog"} if number < 4 else set()
    if number == 1:
        gone |= {"silent", "size_small", "freemail", "dwell", "budget_ok"}
    kept = [rule for rule in made if rule["key"] not in gone]
    if number < 4:
        kept = [{name: value for name, value in rule.items() if name != "decay"} for rule in kept]
    content = presets.blank("리드 스코어", sql=60 if number == 1 else 65)
    groups = [group | {"cap": CAPS.get(group["key"]) if number > 2 else None} for group in content["groups"]]
    return content | {"groups": groups, "rules": kept}


def make_lead(actor: Actor, staff: dict[str, int], made: list[Made], now: datetime) -> ScoreModel:
    """The lead score, in four versions; nobody is scored yet."""
    model = cards.create(_content(1, made), key="lead", actor=actor)
    for number, (_days, _hours, reviewer, note) in VERSIONS.items():
        if number > 1:
            cards.save(model, _content(number, made), note=note, actor=actor)
            cards.review(model, actor=Actor("user", staff[reviewer]))
            cards.publish(model, actor=actor)
    for number, (days, hours, _reviewer, note) in VERSIONS.items():
        published = now - timedelta(days=days)
        began = published - timedelta(hours=hours + 50)
        ScoreVersion.objects.filter(model=model, number=number).update(
            note=note, created_at=began, changed_at=began + timedelta(hours=2), published_at=published,
            reviewed_at=published - timedelta(hours=hours) if hours else None,
        )  # fmt: skip
    model.refresh_from_db()
    return model


def version_at(at: datetime, now: datetime) -> int:
    """The version that counted then."""
    return max([number for number, (days, *_rest) in VERSIONS.items() if at >= now - timedelta(days=days)], default=1)


def make_company(actor: Actor) -> ScoreModel:
    """The score of companies: the points of their people, and whether the company suits what is sold."""

    def has(name: str, operator: str, value: Any) -> Filter:
        return {"condition": "property", "property": name, "operator": operator, "value": value}

    content: Made = {
        "name": "기업 스코어", "object_type": "company", "people": {"model": "lead", "how": "sum", "at_least": 0},
        "groups": [{"key": "fit", "label": "회사 적합도", "side": "fit", "cap": None}],
        "bands": [{"key": "warm", "label": "관심 기업", "at_least": 150}, {"key": "target", "label": "집중 기업", "at_least": 300}],
        "rules": [
            _rule("size_fit", "fit", has("numberofemployees", "between", [50, 999]), 30, explicit=True),
            _rule("size_large", "fit", has("numberofemployees", "at_least", 1000), 15, explicit=True),
            _rule("size_small", "fit", has("numberofemployees", "less_than", 10), -30, explicit=True),
            _rule("industry", "fit", has("industry", "any_of", ["logistics", "manufacturing", "retail"]), 20, explicit=True),
        ],
    }  # fmt: skip
    return cards.create(content, key="company", actor=actor)
