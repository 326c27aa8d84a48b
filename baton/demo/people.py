"""The people and companies in the sample company's database: invented, Korean, and the same for the same seed and moment.

Pure data: nothing here touches the database. history.py tells what these people did.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SOURCES = {"search": 24, "webinar": 16, "ad_linkedin": 12, "ad_naver": 14, "referral": 6, "exhibition": 9, "direct": 11, "newsletter": 8}
RANKS = {"exec": 4, "head": 12, "manager": 30, "staff": 54}
TITLES = {
    "exec": ["대표이사", "최고인사책임자", "경영지원본부장", "최고운영책임자"],
    "head": ["인사팀장", "총무팀장", "경영기획팀장", "IT팀장", "재무팀장"],
    "manager": ["인사팀 과장", "구매팀 과장", "정보보안팀 차장", "조직문화팀 과장"],
    "staff": ["인사팀 매니저", "채용 담당", "총무팀 사원", "HR 애널리스트"],
}
INDUSTRIES = ["manufacturing", "logistics", "it", "retail", "construction", "bio", "education", "finance"]
CITIES = ["서울", "서울", "서울", "성남", "수원", "인천", "부산", "대전", "대구", "광주", "창원", "청주"]
SIZES = [6, 7, 8, 14, 18, 26, 34, 62, 120, 260, 340, 870, 1400, 3200]
FREE_MAIL = "freemail.example"
BUDGETS = ("unknown", "short", "fit", "ample")


def _pairs(text: str) -> dict[str, str]:
    """Korean words and how they are written in Latin letters, from `word:letters` divided by spaces."""
    return dict(pair.split(":") for pair in text.split())


STEMS = _pairs("""
    가온:gaon 누보:nubo 다온:daon 라온:raon 마루:maru 바른:bareun 새롬:saerom 아라:ara 이음:ieum 자람:jaram 차오름:chaoreum 해솔:haesol
    한결:hangyeol 늘품:neulpum 도담:dodam 미르:mir 보람:boram 소담:sodam 온새:onsae 청람:cheongram 푸름:pureum 하람:haram 나래:narae
    윤슬:yunseul 가람:garam 그루:geuru 너울:neoul 다솜:dasom 두레:dure 라움:raum 모아:moa 민들:mindeul 벼리:byeori 새벽:saebyeok 서리:seori
    솔비:solbi 시나브로:sinabro 아름:areum 여울:yeoul 올림:ollim 우람:uram 은솔:eunsol 잔디:jandi 참샘:chamsaem 초록:chorok 큰솔:keunsol
    터울:teoul 하늬:hanui 한빛:hanbit 해맑:haemalg 햇살:haetsal 호연:hoyeon
""")
TAILS = {
    "manufacturing": {"정밀": "precision", "테크": "tech", "소재": "materials"},
    "logistics": {"물류": "logistics", "로지스": "logis"},
    "it": {"소프트": "soft", "클라우드": "cloud", "데이터": "data"},
    "retail": {"커머스": "commerce", "리테일": "retail"},
    "construction": {"건설": "build", "이앤씨": "enc"},
    "bio": {"바이오": "bio", "제약": "pharm"},
    "education": {"에듀": "edu", "아카데미": "academy"},
    "finance": {"캐피탈": "capital", "인베스트": "invest"},
}
FAMILY = _pairs("""
    김:kim 이:lee 박:park 최:choi 정:jung 강:kang 조:cho 윤:yoon 장:jang 임:lim 한:han 오:oh 서:seo 신:shin 권:kwon 황:hwang 안:ahn 송:song
    류:ryu 전:jeon 홍:hong 고:ko 문:moon 양:yang 손:son 배:bae 백:baek 허:heo 남:nam 심:shim 노:noh 하:ha 곽:kwak 성:sung 차:cha 주:joo 우:woo
    구:koo 민:min 나:na
""")
GIVEN = _pairs("""
    민준:minjun 서연:seoyeon 도윤:doyun 지우:jiwoo 하준:hajun 서윤:seoyun 예준:yejun 지민:jimin 주원:juwon 수아:sua 시우:siwoo 하은:haeun
    지호:jiho 채원:chaewon 건우:gunwoo 다은:daeun 우진:woojin 유진:yujin 현우:hyunwoo 소율:soyul 정민:jungmin 예린:yerin 승현:seunghyun
    가은:gaeun 태윤:taeyun 나윤:nayun 재희:jaehee 은서:eunseo 동현:donghyun 세아:sea 규리:gyuri 성민:sungmin 보경:bokyung 희영:heeyoung
    상훈:sanghoon 미래:mirae 한결:hangyeol 소라:sora 준영:junyoung 아름:areum
""")


@dataclass(slots=True)
class Company:
    name: str
    industry: str
    employees: int
    revenue: int  # won a year
    domain: str
    city: str
    created: datetime
    phone: str = ""  # E.164 or ""
    number: str = ""  # business registration number, 012-34-56789
    id: int = 0


@dataclass(slots=True)
class Person:
    """One contact. `warm` from 0 to 1 is how much this person cares; `hits` is how often what was done, by score rule."""

    family: str
    given: str
    email: str
    phone: str  # E.164 or ""
    title: str
    rank: str
    company: Company
    source: str
    budget: str
    seen: datetime
    created: datetime
    warm: float
    consent: dict[str, bool]
    hits: dict[str, int] = field(default_factory=dict)
    owner: str = ""  # name of a colleague
    more: dict[str, str] = field(default_factory=dict)  # further properties
    id: int = 0
    origin: str = "import:1"  # who made the record, when no form did

    @property
    def name(self) -> str:
        return self.family + self.given


def companies(rng: random.Random, count: int, now: datetime) -> list[Company]:
    """The first is the hero's. Names are unique; with more companies than names a number follows."""
    names = [(stem, tail, industry) for stem in STEMS for industry, tails in TAILS.items() for tail in tails]
    rng.shuffle(names)
    names = [n for n in names if n[:2] not in (("가온", "로지스"), ("한결", "물류"))]
    found = [Company("가온로지스", "logistics", 340, 82_000_000_000, "gaonlogis.example", "인천", now - timedelta(days=37))]
    for i in range(count - 1):
        stem, tail, industry = names[i % len(names)]
        turn = i // len(names)
        employees = rng.choice(SIZES)
        found.append(
            Company(
                f"{stem}{tail}{turn + 1 if turn else ''}",
                industry,
                employees,
                int(employees * rng.uniform(1.2, 4)) * 100_000_000,
                f"{STEMS[stem]}{TAILS[industry][tail]}{turn + 1 if turn else ''}.example",
                rng.choice(CITIES),
                now - timedelta(days=rng.randint(30, 800)),
            )
        )
    return found


AREAS = {"서울": "2", "성남": "31", "수원": "31", "인천": "32", "부산": "51", "대전": "42", "대구": "53", "광주": "62", "창원": "55", "청주": "43"}
WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def registration(number: int) -> str:
    """The business registration number of a company by a number of its own below a hundred million; its last digit fits the others.

    No tax office has a number below 101, and these begin with 0: they are nobody's.
    """
    serial = f"{number:08d}"
    digits = [0, *(int(digit) for digit in serial)]
    total = sum(digit * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) + digits[8] * 5 // 10
    text = f"0{serial}{-total % 10}"
    return f"{text[:3]}-{text[3:5]}-{text[5:]}"


def register(rng: random.Random, firms: list[Company]) -> None:
    """Give most companies their registration number, and many a telephone."""
    for firm, number in zip(firms, rng.sample(range(10_000_000, 99_999_999), len(firms)), strict=True):
        phone = f"+82{AREAS[firm.city]}{rng.randint(2000000, 9999999)}"
        if firm is firms[0] or rng.random() < 0.8:
            firm.number = registration(number)
        if firm is firms[0] or rng.random() < 0.6:
            firm.phone = phone


def people(rng: random.Random, count: int, firms: list[Company], now: datetime) -> list[Person]:
    """The first is the hero 서지우. Most people are cold."""
    taken = {"jiwoo.seo@gaonlogis.example"}
    found = [_hero(firms[0], now)]
    names, following = {(firms[0].domain, "서", "지우")}, dict(zip(GIVEN, [*list(GIVEN)[1:], *GIVEN], strict=False))
    families, weights = list(FAMILY), [40 if i < 2 else 14 if i < 10 else 4 for i in range(len(FAMILY))]
    for _ in range(count - 1):
        rank = rng.choices(list(RANKS), list(RANKS.values()))[0]
        company = rng.choice(firms)
        warm = rng.random() ** 4.2
        hits = _hits(rng, warm)
        ago = timedelta()
        if hits["demo"] and rng.random() < 0.45:  # who asked long ago, and has not been here since it was decided
            ago = timedelta(days=rng.randint(0, 420))
            hits |= {"silent": 1, "open": 0, "click": 0, "webinar": 0, "webinar_form": 0}
        family, given = rng.choices(families, weights)[0], rng.choice(list(GIVEN))
        while (company.domain, family, given) in names:  # two people of one name at one company would look like one
            given = following[given]
        names.add((company.domain, family, given))
        # Whoever cares was here lately; the cold ones are spread over half a year and more.
        seen = now - timedelta(minutes=int(8 + rng.random() ** 1.4 * (1.04 - warm) * 60 * 24 * (200 if hits["silent"] else 120)))
        if hits["silent"]:
            seen -= timedelta(days=92) + ago
        found.append(
            Person(
                family=family,
                given=given,
                email=_address(f"{GIVEN[given]}.{FAMILY[family]}", FREE_MAIL if hits["freemail"] else company.domain, taken),
                phone=f"+8210{rng.randint(2000, 9999)}{rng.randint(1000, 9999)}" if rng.random() < 0.45 else "",
                title=rng.choice(TITLES[rank]),
                rank=rank,
                company=company,
                source=rng.choices(list(SOURCES), list(SOURCES.values()))[0],
                budget=rng.choices(BUDGETS, [76, 10, 10, 4])[0],
                seen=seen,
                created=max(seen - timedelta(days=rng.randint(2, 600)), now - timedelta(days=725)),
                warm=warm,
                consent={"email": not hits["optout"] and rng.random() < 0.93, "kakaotalk": rng.random() < 0.55, "sms": rng.random() < 0.4},
                hits=hits,
            )
        )
    return found


def _hits(rng: random.Random, warm: float) -> dict[str, int]:
    def many(top: int, chance: float) -> int:
        return sum(rng.random() < chance * warm for _ in range(top))

    return {
        "pageview": many(14, 1.1),
        "dwell": many(8, 0.9),
        "pricing": many(4, 0.7),
        "brochure": many(1, 0.6),
        "open": many(9, 1.0),
        "click": many(6, 0.7),
        "newsletter": int(rng.random() < 0.3),
        "webinar_form": many(1, 0.7),
        "webinar": many(1, 0.45),
        "whitepaper": many(2, 0.6),
        "demo": many(1, 0.36),
        "meeting": many(1, 0.25),
        "silent": int(warm < 0.04),
        "optout": int(rng.random() < 0.03),
        "competitor": int(rng.random() < 0.006),
        "student": int(rng.random() < 0.012),
        "freemail": int(rng.random() < 0.09),
    }


def _address(name: str, domain: str, taken: set[str]) -> str:
    for number in range(1, 10_000):
        address = f"{name}{number if number > 1 else ''}@{domain}"
        if address not in taken:
            taken.add(address)
            return address
    raise ValueError(f"no address left for {name}@{domain}")


def _hero(company: Company, now: datetime) -> Person:
    """서지우: the person of the screenshots, with a history of her own in history.py."""
    return Person(
        family="서",
        given="지우",
        email="jiwoo.seo@gaonlogis.example",
        phone="+821048271935",
        title="인사팀장",
        rank="head",
        company=company,
        source="webinar",
        budget="unknown",
        seen=now - timedelta(minutes=6),
        created=now - timedelta(days=15),
        warm=1.0,
        consent={"email": True, "kakaotalk": True, "sms": False},
        hits={},
        owner="한도윤",
        more={"authority": "influencer", "need": "근태 · 전자계약", "timeframe": "quarter"},
    )
