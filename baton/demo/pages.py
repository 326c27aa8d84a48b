"""The company's website as its visitors walk it: pages with their titles, where people come from, what they read with."""

SITE = "/site"
TITLES = {
    "": "누리워크 | 인사 업무를 한 흐름으로",
    "/product": "제품 | 누리워크",
    "/pricing": "요금 | 누리워크",
    "/blog": "블로그 | 누리워크",
    "/blog/electronic-contract-guide": "전자근로계약, 도입 전에 확인할 다섯 가지 | 누리워크 블로그",
    "/blog/attendance-2027": "2027년 근태 제도 변화, 인사팀의 준비표 | 누리워크 블로그",
    "/blog/payroll-errors": "급여 오류의 절반은 근태 마감에서 생깁니다 | 누리워크 블로그",
    "/case": "도입 사례 | 누리워크",
    "/brochure": "회사소개서 | 누리워크",
    "/demo": "상담 · 데모 신청 | 누리워크",
    "/newsletter": "뉴스레터 | 누리워크",
    "/webinar": "웨비나 | 누리워크",
    "/whitepaper": "백서 | 누리워크",
}
FREQUENT = {
    "": 30,
    "/product": 22,
    "/blog": 9,
    "/blog/electronic-contract-guide": 10,
    "/blog/attendance-2027": 9,
    "/blog/payroll-errors": 7,
    "/case": 11,
    "/brochure": 6,
}
SOURCES = ("search", "ad_naver", "ad_linkedin", "newsletter", "webinar", "direct", "referral", "exhibition")  # of people.py
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
]
FORM_PAGES = {"demo": "/demo", "newsletter": "/newsletter", "webinar": "/webinar", "whitepaper": "/whitepaper", "brochure": "/brochure"}
TAGS: dict[str, tuple[list[str], int]] = {  # of pages: how far their readers are, and what they are worth
    "/blog": (["early"], 2),
    "/blog/electronic-contract-guide": (["early"], 3),
    "/blog/attendance-2027": (["early"], 3),
    "/blog/payroll-errors": (["early"], 3),
    "/newsletter": (["early"], 2),
    "/product": (["middle"], 5),
    "/webinar": (["middle"], 6),
    "/whitepaper": (["middle"], 6),
    "/case": (["case_study", "middle"], 7),
    "/brochure": (["late"], 8),
    "/pricing": (["late"], 9),
    "/demo": (["demo", "late"], 10),
}
