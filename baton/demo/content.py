"""The words of the sample company: its forms, its mails, its people who sign in. Pure data, used where Django is not."""

import uuid
from typing import Any

PASSWORD = "baton-demo"
PEOPLE = [("oh@nuriwork.example", "marketing"), ("han@nuriwork.example", "sales"), ("admin@nuriwork.example", "administrator")]
STAFF = {  # name: address, role, team
    "관리자": ("admin@nuriwork.example", "admin", None),
    "오세린": ("oh@nuriwork.example", "marketing", "마케팅"),
    "한도윤": ("han@nuriwork.example", "sales", "영업"),
    "배준서": ("bae@nuriwork.example", "sales", "영업"),
    "문가영": ("moon@nuriwork.example", "sales", "영업"),
    "류태경": ("ryu@nuriwork.example", "sales", "영업"),
}

_NAMES = uuid.UUID("6a1f0c52-7d1e-4c1b-9b56-0f2f6c0e2a11")
# The website embeds the forms by these, so they are the same in every demo.
GUIDS = {key: str(uuid.uuid5(_NAMES, key)) for key in ("demo", "brochure", "newsletter", "webinar", "whitepaper")}

CONSENT = {
    "notice": {
        "purpose": "상담과 요청하신 자료 제공",
        "items": "이름, 회사 이메일, 회사, 전화번호, 직함",
        "period": "목적을 이룬 날부터 1년",
        "refusal": "동의하지 않으실 수 있습니다. 그 경우 신청을 받을 수 없습니다.",
    },
    "boxes": [
        {"key": "processing", "kind": "processing", "label": "개인정보 수집과 이용에 동의합니다.", "required": True},
        {"key": "email", "kind": "channel", "channel": "email", "label": "누리워크의 소식과 자료를 이메일로 받는 데 동의합니다."},
    ],
}
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
            {"name": "message", "label": "문의 내용", "type": "textarea", "required": False, "placeholder": "직원 수와 근무 유형을 적어 주시면 도움이 됩니다."},
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
        "thanks": "구독해 주셔서 고맙습니다. 메일로 보내 드린 확인 단추를 누르시면 다음 호부터 보내 드리겠습니다.",
        "double_opt_in": True,
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
