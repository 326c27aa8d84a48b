"""What the sample company's marketers have set up: forms, mails, lists, the score model with its rules, workflows.

All made through the verbs that people use, so everything here is as good as made by hand in the pages.
"""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from baton.demo.people import FREE_MAIL
from baton.forms.models import Form
from baton.messaging import render
from baton.messaging.models import Email
from baton.platform import history
from baton.platform.actor import Actor
from baton.segments import rules as scoring_rules
from baton.segments import verbs as lists
from baton.segments.models import ScoreModel, Segment

Filter = dict[str, Any]
_NAMES = uuid.UUID("6a1f0c52-7d1e-4c1b-9b56-0f2f6c0e2a11")
# The website embeds the forms by these, so they are the same in every demo.
GUIDS = {key: str(uuid.uuid5(_NAMES, key)) for key in ("demo", "brochure", "newsletter", "webinar", "whitepaper")}

SITE_LINK = re.compile(r'"https?://[^/"]+/site')  # how a mail's links to the website begin

CONSENT = {"channel": "email", "label": "누리워크의 소식과 자료를 이메일로 받는 데 동의합니다. (선택)", "required": False}
_NAME = [
    {"name": "lastname", "label": "성", "type": "text", "required": True, "placeholder": "김"},
    {"name": "firstname", "label": "이름", "type": "text", "required": True, "placeholder": "민준"},
]
_EMAIL = {"name": "email", "label": "회사 이메일", "type": "email", "required": True, "placeholder": "name@company.co.kr"}
_COMPANY = {"name": "company", "label": "회사", "type": "text", "required": True, "placeholder": ""}
SENIORITY = [
    {"value": "exec", "label": "임원 · 대표"},
    {"value": "head", "label": "부서장"},
    {"value": "manager", "label": "중간관리자"},
    {"value": "staff", "label": "실무자"},
]
FORMS: dict[str, dict[str, Any]] = {
    "demo": {
        "name": "상담 · 데모 신청",
        "fields": [
            *_NAME,
            _EMAIL,
            {"name": "phone", "label": "전화번호", "type": "phone", "required": False, "placeholder": "010-0000-0000"},
            _COMPANY,
            {"name": "jobtitle", "label": "직함", "type": "text", "required": False, "placeholder": "인사팀장"},
            {"name": "seniority", "label": "직급", "type": "choice", "required": False, "options": SENIORITY},
            {"name": "need", "label": "문의 내용", "type": "textarea", "required": False, "placeholder": "직원 수와 근무 유형을 적어 주시면 도움이 됩니다."},
        ],
        "submit_label": "상담 신청하기",
        "thanks": "신청해 주셔서 고맙습니다. 영업일 하루 안에 담당자가 연락드리겠습니다.",
    },
    "brochure": {
        "name": "상세 소개서 받기",
        "fields": [*_NAME, _EMAIL, _COMPANY],
        "submit_label": "소개서 받기",
        "thanks": "메일로 보내 드렸습니다.",
    },
    "newsletter": {
        "name": "뉴스레터 구독",
        "fields": [*_NAME, _EMAIL],
        "submit_label": "구독하기",
        "thanks": "구독해 주셔서 고맙습니다. 다음 호부터 보내 드리겠습니다.",
    },
    "webinar": {
        "name": "웨비나 신청",
        "fields": [*_NAME, _EMAIL, _COMPANY, {"name": "jobtitle", "label": "직함", "type": "text", "required": False, "placeholder": ""}],
        "submit_label": "웨비나 신청하기",
        "thanks": "신청되었습니다. 시작하기 하루 전에 접속 주소를 보내 드리겠습니다.",
    },
    "whitepaper": {
        "name": "백서 다운로드",
        "fields": [*_NAME, _EMAIL, _COMPANY],
        "submit_label": "백서 받기",
        "thanks": "메일로 내려받기 주소를 보내 드렸습니다.",
    },
}

# Mails: key, name, subject, preheader, heading, paragraphs, button, path on the site
_GREETING = '{{ contact.lastname }}{{ contact.firstname|default("고객") }} 님, 안녕하세요.'
EMAILS: dict[str, tuple[str, str, str, str, list[str], str, str]] = {
    "intro": (
        "서비스 소개",
        '{{ contact.firstname|default("고객") }} 님, 누리워크를 먼저 보여 드립니다',
        "시연 전에 보실 수 있는 3분 요약입니다.",
        "상담을 신청해 주셔서 고맙습니다",
        [
            _GREETING,
            '{{ contact.company|default("귀사") }}의 근무 유형에 맞춘 화면을 준비하고 있습니다. 담당자가 영업일 하루 안에 연락드리겠습니다.',
            "그 전에 비슷한 규모의 회사가 11주 만에 인사 시스템을 옮긴 이야기를 읽어 보십시오.",
        ],
        "도입 사례 읽기",
        "/case",
    ),
    "guide": (
        "이용 가이드와 가입 안내",
        "누리워크를 직접 써 보시는 방법",
        "30일 동안 모든 기능을 쓰실 수 있습니다.",
        "30분이면 첫 근무표가 만들어집니다",
        [_GREETING, "조직도와 근무 유형만 있으면 시작할 수 있습니다. 제품 화면에서 세 단계를 먼저 살펴보십시오."],
        "제품 살펴보기",
        "/product",
    ),
    "nudge": (
        "가입 독려",
        "시작이 막히는 세 가지 지점",
        "규정, 이관, 급여 연동",
        "막히는 곳은 대개 비슷합니다",
        [_GREETING, "취업규칙과 실제 근무가 다를 때, 잔여 연차를 옮길 때, 급여 프로그램과 맞출 때. 세 가지 해결 방법을 정리했습니다."],
        "요금과 도입 절차 보기",
        "/pricing",
    ),
    "case": (
        "도입 사례: 340명 물류사의 인사 시스템 전환",
        "도입 사례: 340명 물류사의 인사 시스템 전환",
        "급여 마감 4.5일에서 1.3일로",
        "마감이 사흘 줄었습니다",
        [_GREETING, "세 곳의 물류센터, 3교대, 종이 계약서. 한결물류가 11주 동안 무엇을 어떤 순서로 바꾸었는지 담았습니다."],
        "사례 읽기",
        "/case",
    ),
    "webinar_invite": (
        "11월 웨비나 초대",
        "[웨비나] 2027 인사 제도 변화와 대응",
        "노무사와 함께하는 60분",
        "2027년에 바뀌는 것 다섯 가지",
        [_GREETING, "바뀌는 제도를 짚고, 취업규칙의 어느 조항을 고쳐야 하는지 함께 봅니다. 다시보기도 제공합니다."],
        "웨비나 신청하기",
        "/webinar",
    ),
    **{
        f"letter{number}": (
            f"인사 실무 노트 {year}년 {quarter}분기",
            f"인사 실무 노트 {year}년 {quarter}분기: {topic}",
            topic,
            topic,
            [_GREETING, "이번 분기에 가장 많이 받은 질문과 답을 모았습니다."],
            "블로그에서 읽기",
            "/blog",
        )
        for number, (year, quarter, topic) in enumerate(
            [
                (2024, 4, "연차 촉진, 언제 어떻게"),
                (2025, 1, "유연근무 규정 쓰는 법"),
                (2025, 2, "수습 기간과 근로계약"),
                (2025, 3, "교대제 연장근로 계산"),
                (2025, 4, "연말 인사 일정표"),
                (2026, 1, "육아기 단축근무 실무"),
                (2026, 2, "급여 오류 줄이기"),
                (2026, 3, "전자근로계약 도입"),
            ]
        )
    },
}


@dataclass(frozen=True, slots=True)
class Rule:
    key: str
    group: str
    filter: Filter
    points: int
    each: bool = False
    cap: int | None = None


def rules(forms: dict[str, int], attended: int) -> list[Rule]:
    """The 24 rules of the score model. Behaviour counts for 90 days, forms for ever."""

    def rank(value: str) -> Filter:
        return {"condition": "property", "property": "seniority", "operator": "is", "value": value}

    def sent(form: str) -> Filter:
        return {"condition": "form_submitted", "form": forms[form]}

    def company(name: str, operator: str, value: Any) -> Filter:
        return {"condition": "company_property", "property": name, "operator": operator, "value": value}

    free = [f"@{domain}" for domain in ("gmail.com", "naver.com", "daum.net", "hanmail.net", FREE_MAIL)]
    return [
        Rule("rank_exec", "fit_person", rank("exec"), 20),
        Rule("rank_head", "fit_person", rank("head"), 15),
        Rule("rank_manager", "fit_person", rank("manager"), 10),
        Rule("rank_staff", "fit_person", rank("staff"), 5),
        Rule("phone", "fit_person", {"condition": "property", "property": "phone", "operator": "known"}, 5),
        Rule("size_fit", "fit_company", company("numberofemployees", "between", [50, 999]), 10),
        Rule("industry", "fit_company", company("industry", "any_of", ["logistics", "manufacturing", "retail"]), 5),
        Rule("budget_ok", "fit_company", {"condition": "property", "property": "budget", "operator": "any_of", "value": ["fit", "ample"]}, 10),
        Rule("demo", "form", sent("demo"), 50),
        Rule("webinar_form", "form", sent("webinar"), 10, each=True, cap=20),
        Rule("whitepaper", "form", sent("whitepaper"), 10, each=True, cap=20),
        Rule("newsletter", "form", sent("newsletter"), 5),
        Rule("pricing", "web", {"condition": "page_viewed", "address": "/site/pricing", "match": "contains", "days": 90}, 5, each=True, cap=15),
        Rule("brochure", "web", {"condition": "downloaded", "address": "nuriwork-brochure", "match": "contains", "days": 180}, 10),
        Rule("dwell", "web", {"condition": "page_stayed", "address": "", "seconds": 60, "days": 90}, 1, each=True, cap=5),
        Rule("pageview", "web", {"condition": "page_viewed", "address": "", "days": 90}, 1, each=True, cap=8),
        Rule("webinar", "email", {"condition": "in_segment", "segment": attended}, 15),
        Rule("click", "email", {"condition": "email_clicked", "email": None, "days": 90}, 3, each=True, cap=12),
        Rule("open", "email", {"condition": "email_opened", "email": None, "days": 90}, 1, each=True, cap=5),
        Rule("silent", "minus", {"condition": "no_activity", "days": 90}, -10),
        Rule("size_small", "minus", company("numberofemployees", "less_than", 10), -10),
        Rule("freemail", "minus", {"any": [{"condition": "property", "property": "email", "operator": "ends_with", "value": domain} for domain in free]}, -5),
        Rule("optout", "minus", {"condition": "opted_out"}, -100),
        Rule("competitor", "minus", {"any": [{"condition": "property", "property": name, "operator": "is", "value": True} for name in ("competitor", "student")]}, -100),
    ]


def make_forms(actor: Actor) -> dict[str, int]:
    """The five forms; ids by key."""
    made = {}
    for key, about in FORMS.items():
        form = Form.objects.create(guid=GUIDS[key], consent=CONSENT, **about)
        history.record(actor, "created", "form", form.pk, name=form.name)
        made[key] = form.pk
    return made


def make_emails(actor: Actor, site: str) -> dict[str, int]:
    """The mails; ids by key. `site` is Baton's public address, under which the website stands."""
    made = {}
    for key, (name, subject, preheader, heading, paragraphs, button, path) in EMAILS.items():
        body = letter(heading, paragraphs, button, f"{site}/site{path}")
        render.check(subject=subject, body=body, preheader=preheader)
        email = Email.objects.create(name=name, subject=subject, preheader=preheader, body=body, purpose="marketing", from_name="누리워크")
        history.record(actor, "created", "email", email.pk, name=name)
        made[key] = email.pk
    return made


def letter(heading: str, paragraphs: list[str], button: str, url: str) -> str:
    """A mail in the company's look: one column, one button, readable without pictures."""
    font = "font-family:Pretendard,'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif"
    text = "".join(f'<p style="margin:0 0 16px;font-size:16px;line-height:1.7;color:#24302b">{p}</p>' for p in paragraphs)
    return f"""<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{heading}</title></head>
<body style="margin:0 auto;padding:32px 24px;max-width:600px;background:#ffffff;{font};word-break:keep-all">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse">
<tr><td style="padding:0 0 24px;font-size:18px;font-weight:800;color:#0c6b54">누리워크</td></tr>
<tr><td style="padding:36px 32px;background:#f4f7f1;border-radius:16px">
<h1 style="margin:0 0 20px;font-size:26px;line-height:1.35;color:#17231f">{heading}</h1>
{text}
<p style="margin:24px 0 0"><a href="{url}" style="display:inline-block;background:#0c6b54;color:#ffffff;text-decoration:none;font-weight:700;font-size:16px;padding:14px 24px;border-radius:10px">{button}</a></p>
</td></tr>
<tr><td style="padding:24px 4px 0;font-size:14px;line-height:1.6;color:#4c5b55">궁금한 점은 이 메일에 답장하시거나 02-555-0142로 전화해 주십시오.</td></tr>
</table>
</body></html>"""


def make_model(actor: Actor, forms: dict[str, int], attended: int) -> ScoreModel:
    """The score model with its rules; nobody is scored yet."""
    model = scoring_rules.create_model("리드 스코어", mql=35, sql=65, actor=actor)
    for rule in rules(forms, attended):
        scoring_rules.define(model, rule.key, rule.group, rule.filter, rule.points, each=rule.each, cap=rule.cap, actor=actor)
    return model


def make_attended(actor: Actor) -> Segment:
    """Who came to the webinar: a list filled by hand, which a score rule reads."""
    return lists.create_segment("11월 웨비나 참석자", {}, "fixed", actor)


def make_lists(actor: Actor, forms: dict[str, int]) -> dict[str, Segment]:
    """The lists that follow their filters, by key; nobody is in them yet."""

    def stage(value: str) -> Filter:
        return {"condition": "property", "property": "lifecyclestage", "operator": "is", "value": value}

    agreed = {"not": {"condition": "opted_out"}}
    filters: dict[str, tuple[str, Filter]] = {
        "sql": ("SQL: 영업에 넘길 리드", {"all": [{"condition": "score", "at_least": 65}, stage("sql")]}),
        "mql": ("MQL: 유망 리드", stage("mql")),
        "pricing": (
            "최근 30일 가격 페이지 2회 이상",
            {"all": [{"condition": "page_viewed", "address": "/site/pricing", "match": "contains", "at_least": 2, "days": 30}, agreed]},
        ),
        "makers": (
            "제조 · 물류 50명 이상",
            {
                "all": [
                    {"condition": "company_property", "property": "industry", "operator": "any_of", "value": ["manufacturing", "logistics"]},
                    {"condition": "company_property", "property": "numberofemployees", "operator": "at_least", "value": 50},
                    agreed,
                ]
            },
        ),
        "letter": ("뉴스레터 구독자", {"all": [{"condition": "form_submitted", "form": forms["newsletter"]}, agreed]}),
        "asleep": ("90일 동안 조용한 리드", {"all": [{"condition": "no_activity", "days": 90}, {"any": [stage("lead"), stage("subscriber")]}]}),
    }
    return {key: lists.create_segment(name, filter, "active", actor) for key, (name, filter) in filters.items()}


def inquiry(forms: dict[str, int], emails: dict[str, int]) -> dict[str, Any]:
    """The graph of '상담 문의 후속': tell sales at once, send the introduction, look after a day whether it was read."""
    who = '{{ contact.lastname }}{{ contact.firstname }} 님 ({{ contact.company|default("회사 미확인") }})'
    return {
        "trigger": {"id": "t", "type": "form_submitted", "form": forms["demo"], "again": "every_time"},
        "steps": [
            {"id": "s1", "type": "notify", "name": "영업에 바로 알림", "to": "owner", "title": f"상담 문의: {who}", "message": "{{ contact.need }}"},
            {"id": "s2", "type": "send_email", "name": "", "email": emails["intro"]},
            {"id": "s3", "type": "wait", "name": "", "days": 1},
            {
                "id": "s4",
                "type": "branch",
                "name": "소개 메일의 링크를 클릭했나요?",
                "filter": {"condition": "email_clicked", "email": emails["intro"], "days": 7},
                "paths": [
                    {"label": "yes", "steps": [{"id": "s5", "type": "notify", "name": "다시 알림", "to": "owner", "title": f"소개 메일을 읽었습니다: {who}", "message": ""}]},
                    {
                        "label": "no",
                        "steps": [
                            {"id": "s6", "type": "send_email", "name": "", "email": emails["guide"]},
                            {"id": "s7", "type": "wait", "name": "", "days": 7},
                            {"id": "s8", "type": "send_email", "name": "", "email": emails["nudge"]},
                        ],
                    },
                ],
            },
        ],
    }


def handover(segment_id: int, owner_id: int) -> dict[str, Any]:
    """The graph of 'SQL 영업 인계': who has no owner gets one, and the owner hears of it."""
    who = '{{ contact.lastname }}{{ contact.firstname }} 님 ({{ contact.company|default("회사 미확인") }})'
    return {
        "trigger": {"id": "t", "type": "segment_joined", "segment": segment_id, "again": "every_time"},
        "steps": [
            {
                "id": "s1",
                "type": "branch",
                "name": "담당자가 있나요?",
                "filter": {"condition": "property", "property": "owner_id", "operator": "known"},
                "paths": [
                    {"label": "yes", "steps": []},
                    {"label": "no", "steps": [{"id": "s2", "type": "set_property", "name": "담당자 배정", "property": "owner_id", "value": owner_id}]},
                ],
            },
            {"id": "s3", "type": "notify", "name": "SQL 인계 알림", "to": "owner", "title": f"새 SQL: {who}", "message": "{{ contact.jobtitle }}"},
        ],
    }
