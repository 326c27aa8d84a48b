"""What people and other systems call the columns that Baton has a property for, in Korean and English; compared by `folded`."""

import re
import unicodedata

PEOPLE = {
    "email": (
        "e-mail, email address, e-mail address, mail, 이메일, 이메일 주소, 메일, 메일 주소, 전자우편, 전자메일, e메일, "
        "회사 이메일, 업무 이메일, work email, メールアドレス, メール"
    ),
    "lastname": "last name, family name, surname, last, lname, 성, 姓",
    "firstname": "first name, given name, first, fname, 이름(성 제외), 名",
    "phone": "phone number, telephone, tel, work phone, 전화, 전화번호, 회사 전화, 유선전화, 사무실 전화, 직장 전화, 電話番号",
    "mobilephone": (
        "mobile phone number, mobile, mobile phone, cell, cell phone, 휴대폰, 휴대전화, 휴대폰 번호, 핸드폰, 핸드폰 번호, 휴대전화번호, 연락처, 携帯電話"
    ),
    "fax": "fax number, 팩스, 팩스번호",
    "jobtitle": "job title, title, position, role, 직함, 직급, 직책, 직위, 포지션, 부서직급, 役職",
    "company": (
        "company name, company, organization, organisation, account, account name, employer, 회사, 회사명, 기업명, "
        "소속, 소속 기업, 업체명, 직장, 거래처, 会社名"
    ),
    "seniority": "seniority, level, 직급 구분",
    "lifecyclestage": "lifecycle stage, lifecyclestage, 라이프사이클 단계, 고객 단계, 생애주기 단계",
    "lead_status": "lead status, hs_lead_status, 리드 상태",
    "lead_source": "lead source, source, original source, hs_analytics_source, 유입 경로, 리드 소스, 유입경로, 출처",
    "website": "website url, website, homepage, url, web site, 홈페이지, 웹사이트, 웹 사이트",
    "owner_id": (
        "owner, contact owner, hubspot_owner_id, 담당자, 영업 담당, 영업담당자, 담당 영업, sales agent, sales rep, salesperson, owner email, 담당자 이메일"
    ),
    "industry": "industry, sector, 업종, 산업, 산업군",
    "numberofemployees": "employees, number of employees, company size, 직원 수, 임직원수, 종업원수, 사원수",
    "address": "street address, address, address 1, street, office location, 주소, 도로명주소, 住所",
    "city": "city, town, 시, 도시, 시군구",
    "state": "state, state/region, region, province, 시도, 도, 주",
    "zip": "postal code, zip code, zip, postcode, 우편번호, 郵便番号",
    "country": "country, country/region, nation, 국가, 나라",
}
FIRMS = {
    "name": "company name, name, account, account name, organization, company, 회사, 회사명, 기업명, 업체명, 상호, 법인명, 거래처명, 이름, 会社名",
    "domain": "company domain name, domain, company domain, website domain, 도메인, 회사 도메인, 이메일 도메인",
    "website": PEOPLE["website"],
    "owner_id": f"company owner, account owner, {PEOPLE['owner_id']}",
    "industry": PEOPLE["industry"],
    "type": "type, company type, 유형, 회사 유형",
    "lifecyclestage": PEOPLE["lifecyclestage"],
    "numberofemployees": PEOPLE["numberofemployees"],
    "annualrevenue": "annual revenue, revenue, sales, turnover, 매출, 연매출, 매출액",
    "phone": PEOPLE["phone"],
    "description": "description, about us, about, notes, 설명, 소개, 비고, 메모",
    "business_number": "business registration number, business number, registration number, 사업자등록번호, 사업자번호, 사업자 등록 번호",
    "address": PEOPLE["address"],
    "city": PEOPLE["city"],
    "state": PEOPLE["state"],
    "zip": PEOPLE["zip"],
    "country": PEOPLE["country"],
}
WORDS: dict[str, dict[str, str]] = {
    "contact": PEOPLE,
    "company": FIRMS,
    "deal": {
        "dealname": "deal name, deal, name, opportunity, opportunity name, 거래명, 거래 이름, 딜 이름, 딜, 이름, 건명, 영업 기회",
        "amount": "amount, value, deal value, close value, price, 금액, 거래 금액, 예상 금액, 계약 금액, 수주 금액",
        "closedate": "close date, closing date, expected close date, 마감일, 종료일, 계약일, 수주 예정일, 예상 마감일",
        "pipeline": "pipeline, 파이프라인",
        "dealstage": "deal stage, stage, status, pipeline stage, 단계, 거래 단계, 딜 단계, 영업 단계, 상태, 파이프라인 단계",
        "owner_id": f"deal owner, {PEOPLE['owner_id']}",
        "dealtype": "deal type, type, 거래 유형",
        "priority": "priority, deal priority, 우선순위",
        "description": "description, deal description, notes, 설명, 메모, 비고",
        "next_step": "next step, 다음 단계, 다음 할 일",
        "closed_won_reason": "closed won reason, won reason, 수주 이유, 수주 사유",
        "closed_lost_reason": "closed lost reason, lost reason, 실주 이유, 실주 사유, 실패 사유",
    },
    "ticket": {
        "subject": "ticket name, subject, title, name, ticket, 제목, 티켓 이름, 티켓명, 문의 제목",
        "content": "ticket description, description, content, body, 내용, 설명, 문의 내용",
        "pipeline": "pipeline, 파이프라인",
        "ticket_stage": "ticket status, status, ticket stage, stage, 상태, 티켓 상태, 단계",
        "priority": "ticket priority, priority, 우선순위",
        "category": "category, ticket category, 분류, 유형",
        "source_type": "ticket source, source, 접수 경로, 출처",
        "owner_id": f"ticket owner, {PEOPLE['owner_id']}",
    },
    "product": {
        "name": "product name, product, name, item, 제품, 제품명, 상품명, 품명, 이름",
        "description": "description, product description, 설명, 제품 설명",
        "price": "unit price, price, sales price, list price, 가격, 단가, 판매가",
        "sku": "sku, article number, product code, item code, 품번, 제품 코드, 상품 코드",
        "cost": "unit cost, cost, cost of goods sold, 원가",
        "currency": "currency, 통화",
        "recurring_period": "billing frequency, term, 결제 주기",
    },
    "activity": {
        "kind": "activity type, type, kind, 활동 유형, 유형, 종류",
        "at": "activity date, date, timestamp, time, created, 활동 일시, 일시, 날짜",
        "title": "title, subject, call/meeting title/subject, 제목",
        "body": "notes, description, notes/description, body, content, 내용, 메모",
        "owner_id": f"activity owner, assigned to, {PEOPLE['owner_id']}",
        "call_outcome": "call outcome, 통화 결과",
        "meeting_outcome": "meeting outcome, 미팅 결과",
        "task_status": "task status, 할 일 상태",
        "due": "task due date, due date, due, 기한, 마감일",
    },
}
FULL_NAME = "name, full name, fullname, contact name, customer name, 이름, 성명, 성함, 고객명, 고객 이름, 담당자명, 담당자 이름, 이름(성함), 氏名"
MINUTES = (
    "minutes attended, attended minutes, time in session (minutes), time in session, duration (minutes), "
    "참석 시간(분), 참석 시간, 시청 시간, 시청 시간(분), 세션 시간(분)"
)
MORE_EMAILS = "additional email addresses, additional emails, hs_additional_emails, other email, 추가 이메일, 보조 이메일, 다른 이메일"
CONSENT = (
    "marketing consent, email consent, opt-in, opt in, subscribed, subscription status, email opt-in, consent, "
    "newsletter, 마케팅 수신 동의, 수신 동의, 수신동의, 마케팅 동의, 광고성 정보 수신 동의, 광고 수신 동의, "
    "이메일 수신 동의, 구독 상태, 뉴스레터 수신, 수신 여부"
)
CONSENT_AT = (
    "consent date, opt-in date, optin_time, confirm_time, subscribed at, subscription date, 수신 동의일, 동의일, 동의 일시, 수신 동의 일시, 구독일, 구독 일시"
)
REFUSED = "unsubscribed from all email, opted out of all email, hs_email_optout, do not email, email opt out, 수신거부 여부"
RECORD_ID = "baton id, baton 번호"
LINKS = {  # (linked type, looked up by) -> headers
    ("company", "domain"): "associated company domain, associated company domain name, primary associated company domain, 연결된 회사 도메인, 회사 도메인",
    (
        "company",
        "name",
    ): (
        "associated company, associated company name, account, account name, company, company name, customer, client, "
        "organization, 회사, 회사명, 고객사, 거래처, 업체명, 연결된 회사"
    ),
    ("company", "business_number"): "company business number, 사업자등록번호, 회사 사업자등록번호, 사업자번호",
    (
        "contact",
        "email",
    ): "associated contact email, associated contact, contact email, customer email, contact, email, 고객 이메일, 연락처 이메일, 연결된 연락처, 이메일",
    ("product", "name"): "product, product name, item, 제품, 제품명, 상품, 상품명",
    ("deal", "name"): "associated deal, associated deal name, deal, 거래, 연결된 거래",
}


def folded(text: str) -> str:
    """Letters and digits alone, in lower case: "E-mail Address", "email_address" and "EmailAddress" are one."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())


def forms(listed: str) -> set[str]:
    """The words of one of the lists above, folded."""
    return {folded(word) for word in listed.split(", ")}
