"""What rank a job title tells: Korean and English titles as people write them, to the options of `seniority`.

A title is read from its end, as Korean titles are ("영업1팀 과장", "대표이사 / CEO"), and the highest rank that stands in it counts
("상무이사 겸 본부장" is an executive). Deputies of heads are heads; who only works for one is not ("대표이사 비서", "assistant to the CEO").
"""

import re
import unicodedata
from functools import lru_cache

EXEC, HEAD, MANAGER, STAFF = "exec", "head", "manager", "staff"

KOREAN = {  # endings of a word
    EXEC: """
        대표 대표이사 대표자 각자대표 공동대표 사장 회장 부회장 부사장 전무 상무 상무보 전무이사 상무이사 이사 사내이사 사외이사 등기이사
        임원 이사장 행장 총재 의장 창업자 설립자 원장 총장 조합장 소유주 오너 감사
    """,
    HEAD: """
        부장 본부장 부본부장 팀장 부팀장 실장 센터장 지점장 지사장 소장 부소장 부서장 그룹장 공장장 국장 단장 사업부장 처장 학과장 연구소장
        총괄 책임자 점장 법인장 헤드 디렉터 수석연구원 수석 전문위원
    """,
    MANAGER: "과장 차장 파트장 책임 책임연구원 책임매니저 셀장 반장 계장 팀리더 파트리더 리더 교수 중간관리자",
    STAFF: """
        사원 대리 주임 선임 선임연구원 연구원 전임 전임연구원 인턴 담당 담당자 매니저 프로 간사 주무관 서무 비서 직원 실무자 컨설턴트
        디자이너 개발자 엔지니어 마케터 프리랜서 조교 강사 기사 기획자 어시스턴트 코디네이터 스페셜리스트
    """,
}
ENGLISH = (  # in this order: the first of whose words one is found
    (STAFF, "(assistant|secretary|aide) (to|of)"),
    (EXEC, "ceo|cto|cfo|coo|cmo|cio|ciso|cpo|cso|cro|cdo|chro|chief [a-z ]*officer|chair(man|woman|person)?|(co-?)?founder|owner"),
    (EXEC, "(managing|executive) (director|partner)|(senior |executive )?vice[- ]president|[se]?vp|president|general partner"),
    (HEAD, "head|director|dept.? manager|department manager|general manager|gm|group leader|team lead(er)?|principal|plant manager|branch manager"),
    (MANAGER, "manager|mgr|supervisor|lead|leader|deputy"),
    (STAFF, "associate|specialist|analyst|engineer|developer|designer|coordinator|assistant|intern|trainee|staff|officer|executive|rep(resentative)?"),
    (STAFF, "consultant|administrator|clerk|researcher|planner|marketer|accountant|buyer|technician"),
)
NOT_MANAGERS = re.compile(r"\b(account|product|project|community|office|program|social media|customer success|sales|brand|content) (manager|mgr)\b")
_BY_ENDING = sorted(((ending, rank) for rank, endings in KOREAN.items() for ending in endings.split()), key=lambda pair: -len(pair[0]))
_ORDER = (EXEC, HEAD, MANAGER, STAFF)
_SPLIT = re.compile(r"[\s/|,·∙&+()\[\]<>:;]+|겸\s")
_HELPERS = ("비서", "보좌", "수행")


@lru_cache(maxsize=10_000)
def seniority(title: str) -> str:
    """`exec`, `head`, `manager`, `staff`, or "" when the title tells no rank."""
    text = unicodedata.normalize("NFKC", title).strip().casefold()
    if not text:
        return ""
    words = [word.removesuffix("님").removesuffix("급").strip(".-_'\"") for word in _SPLIT.split(text)]
    if any(word.endswith(_HELPERS) for word in words):
        return STAFF
    found = {rank for word in words if (rank := _korean(word))}
    return next((rank for rank in _ORDER if rank in found), "") or _english(text)


def _korean(word: str) -> str:
    return next((rank for ending, rank in _BY_ENDING if word.endswith(ending)), "")


def _english(text: str) -> str:
    if NOT_MANAGERS.search(text) and not re.search(r"\b(head|director|senior|general|vp|chief)\b", text):
        return STAFF if "account" in text or "community" in text or "office" in text else MANAGER
    return next((rank for rank, words in ENGLISH if re.search(rf"\b({words})\b", text)), "")
