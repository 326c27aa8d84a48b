"""Forms to begin with, in Korean and English: fields, words, and the notice that the Korean privacy law asks for. They become data of the account."""

from copy import deepcopy
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..parts.builder import Kind

PRESETS = (
    Kind("contact", _("Contact form"), "message-square"),
    Kind("brochure", _("Brochure download"), "file-down"),
    Kind("demo", _("Demo request"), "presentation"),
    Kind("newsletter", _("Newsletter"), "newspaper"),
    Kind("webinar", _("Webinar"), "video"),
    Kind("quote", _("Quote request"), "receipt"),
    Kind("survey", _("Survey"), "list-checks"),
    Kind("empty", _("Empty form"), "square-plus"),
)

Words = dict[str, tuple[str, str]]  # Korean, English

LABELS: Words = {
    "lastname": ("성", "Family name"),
    "firstname": ("이름", "Given name"),
    "email": ("업무용 이메일", "Business e-mail"),
    "phone": ("전화번호", "Phone"),
    "company": ("회사명", "Company"),
    "jobtitle": ("직함", "Job title"),
    "numberofemployees": ("직원 수", "Number of employees"),
    "timeframe": ("도입 희망 시기", "When would you start?"),
    "message": ("문의 내용", "Your message"),
    "question": ("미리 묻고 싶은 것", "What would you like to ask?"),
    "needs": ("필요한 제품과 수량", "What do you need, and how much of it?"),
    "satisfaction": ("전반적으로 얼마나 만족하셨습니까?", "How satisfied are you overall?"),
    "useful": ("가장 도움이 된 것", "What helped you most?"),
    "better": ("더 나아졌으면 하는 점", "What should be better?"),
}
HINTS: Words = {"email": ("name@company.co.kr", "name@company.com"), "phone": ("010-0000-0000", "+82 10-0000-0000")}
CHOICES: dict[str, list[tuple[str, str, str]]] = {
    "satisfaction": [
        ("5", "매우 만족", "Very satisfied"),
        ("4", "만족", "Satisfied"),
        ("3", "보통", "Neither"),
        ("2", "불만족", "Dissatisfied"),
        ("1", "매우 불만족", "Very dissatisfied"),
    ],
    "useful": [
        ("product", "제품 기능", "The product"),
        ("support", "고객 지원", "The support"),
        ("price", "가격", "The price"),
        ("content", "자료와 교육", "Guides and training"),
    ],
}
TYPES = {"email": "email", "phone": "phone", "numberofemployees": "number", "timeframe": "choice", "message": "textarea", "question": "textarea",
         "needs": "textarea", "satisfaction": "choice", "useful": "multi_choice", "better": "textarea"}  # fmt: skip
HALVES = {"lastname", "firstname"}

# fields (with * required, with ? asked only while unknown, with + queued), name, button, thanks, purpose of the notice
FORMS: dict[str, tuple[str, tuple[str, str], tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    "contact": (
        "lastname* firstname* email* phone company* message*",
        ("문의하기", "Contact us"),
        ("문의 보내기", "Send"),
        ("문의해 주셔서 고맙습니다. 영업일 하루 안에 답변드리겠습니다.", "Thank you for your message. We answer within one working day."),
        ("문의 내용 확인과 답변, 상담을 위한 연락", "To read and answer your message and to contact you about it"),
    ),
    "brochure": (
        "lastname* firstname* email* company*? jobtitle?+ numberofemployees+",
        ("소개서 받기", "Get the brochure"),
        ("소개서 받기", "Get the brochure"),
        ("고맙습니다. 아래에서 소개서를 내려받으실 수 있습니다.", "Thank you. You can download the brochure below."),
        ("소개서 제공과 도입 상담을 위한 연락", "To give you the brochure and to contact you about our product"),
    ),
    "demo": (
        "lastname* firstname* email* phone* company* jobtitle numberofemployees timeframe message",
        ("데모 신청", "Request a demo"),
        ("데모 신청하기", "Request a demo"),
        (
            "신청해 주셔서 고맙습니다. 담당자가 영업일 하루 안에 연락드려 일정을 잡겠습니다.",
            "Thank you. A colleague will call you within one working day to agree on a time.",
        ),
        ("데모 일정 조율과 도입 상담", "To arrange the demo and to advise you"),
    ),
    "newsletter": (
        "email* firstname",
        ("뉴스레터 구독", "Newsletter"),
        ("구독하기", "Subscribe"),
        ("구독해 주셔서 고맙습니다. 다음 호부터 보내 드리겠습니다.", "Thank you for subscribing. You will receive the next issue."),
        ("뉴스레터 발송", "To send you the newsletter"),
    ),
    "webinar": (
        "lastname* firstname* email* company* jobtitle question",
        ("웨비나 신청", "Webinar registration"),
        ("웨비나 신청하기", "Register"),
        ("신청되었습니다. 시작하기 하루 전에 접속 주소를 보내 드리겠습니다.", "You are registered. We send you the address one day before the webinar."),
        ("웨비나 신청 확인, 접속 주소와 다시보기 안내", "To confirm your registration and to send you the address and the recording"),
    ),
    "quote": (
        "company* lastname* firstname* email* phone* needs* timeframe",
        ("견적 요청", "Request a quote"),
        ("견적 요청하기", "Request a quote"),
        ("요청해 주셔서 고맙습니다. 영업일 이틀 안에 견적을 보내 드리겠습니다.", "Thank you. You will have our quote within two working days."),
        ("견적 작성과 계약 상담을 위한 연락", "To make the quote and to contact you about it"),
    ),
    "survey": (
        "satisfaction* useful better email",
        ("만족도 설문", "Survey"),
        ("설문 보내기", "Send"),
        ("소중한 의견을 주셔서 고맙습니다.", "Thank you for your answers."),
        ("설문 결과 분석과 서비스 개선", "To evaluate the survey and to improve our service"),
    ),
    "empty": (
        "email*",
        ("새 폼", "New form"),
        ("보내기", "Send"),
        ("고맙습니다. 답변을 받았습니다.", "Thank you. We have received your answer."),
        ("", ""),
    ),
}
PERIOD = ("수집한 날부터 1년간 보관한 뒤 지체 없이 파기합니다.", "We keep your data for one year and then delete them without delay.")
REFUSAL = (
    "동의를 거부할 수 있습니다. 다만 거부하시면 이 양식을 접수할 수 없습니다.",
    "You may refuse. If you do, we cannot take this form.",
)
PROCESSING = ("개인정보 수집·이용에 동의합니다.", "I agree that my personal data are collected and used as described.")
EMAIL_BOX = (
    "마케팅 정보를 이메일로 받는 데 동의합니다.",
    "I agree to receive marketing messages by e-mail.",
)
EMAIL_TEXT = (
    "새 소식, 행사, 할인 등 광고성 정보를 보내 드립니다. 동의하지 않아도 신청에 불이익이 없으며 언제든지 수신을 거부할 수 있습니다.",
    "News, events and offers. You lose nothing by not agreeing, and you can unsubscribe at any time.",
)
OTHER_BOXES: dict[str, tuple[str, str]] = {
    "sms": ("마케팅 정보를 문자로 받는 데 동의합니다.", "I agree to receive marketing messages by SMS."),
    "kakaotalk": ("마케팅 정보를 카카오톡으로 받는 데 동의합니다.", "I agree to receive marketing messages by KakaoTalk."),
    "email": EMAIL_BOX,
}


def make(key: str, language: str) -> tuple[str, dict[str, Any]]:
    """(name, definition) of a preset. Raises KeyError for an unknown one."""
    at = 1 if language == "en" else 0
    fields_asked, name, button, thanks, purpose = FORMS[key]
    fields = [_field(word, at) for word in fields_asked.split()]
    definition: dict[str, Any] = {
        "fields": fields,
        "consent": consent(language, purpose[at], items(fields)) if purpose[at] else {},
        "after": {"kind": "thanks", "thanks": thanks[at]},
        "submit_label": button[at],
        "language": language,
    }
    return name[at], definition


def consent(language: str, purpose: str, what: str) -> dict[str, Any]:
    """The notice with its four texts and two separate boxes; nothing is ticked beforehand."""
    at = 1 if language == "en" else 0
    return {
        "notice": {"purpose": purpose, "items": what, "period": PERIOD[at], "refusal": REFUSAL[at]},
        "boxes": [
            {"key": "processing", "kind": "processing", "label": PROCESSING[at], "text": "", "required": True},
            box("email", language),
        ],
        "double_opt_in": False,
    }


def box(channel: str, language: str) -> dict[str, Any]:
    """An optional box for marketing on one channel."""
    at = 1 if language == "en" else 0
    return {"key": channel, "kind": "channel", "channel": channel, "label": OTHER_BOXES[channel][at], "text": EMAIL_TEXT[at], "required": False}


def items(fields: list[dict[str, Any]]) -> str:
    """What is collected, as the notice says it: the labels of the fields that people fill in."""
    return ", ".join(dict.fromkeys(str(field["label"]) for field in fields if field.get("type") != "hidden"))


def _field(word: str, at: int) -> dict[str, Any]:
    name = word.rstrip("*?+")
    field: dict[str, Any] = {"name": name, "label": LABELS[name][at], "type": TYPES.get(name, "text"), "required": "*" in word}
    if name in HINTS:
        field["placeholder"] = HINTS[name][at]
    if name in CHOICES:
        field["options"] = [{"value": value, "label": words[at]} for value, *words in deepcopy(CHOICES[name])]
    if name in HALVES:
        field["width"] = "half"
    if "?" in word or "+" in word:
        field["ask"] = "queued" if "+" in word else "if_unknown"
    return field
