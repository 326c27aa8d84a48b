"""What the salespeople of the sample company say and write down."""

NOTES = (
    "연말까지 예산 없음. 내년 2월에 다시 연락.",
    "급여 프로그램 교체와 함께 검토 중.",
    "총무팀이 결정. 인사팀은 추천만 함.",
    "교대제 설정을 가장 궁금해함.",
    "보안 검토에 2주 걸린다고 함. 점검표 양식을 먼저 받기로.",
    "현재 엑셀로 근무표를 만듦. 센터마다 양식이 달라 합치는 데 이틀.",
    "노무사 검토 의견을 기다리는 중.",
)
ASKS = (
    "@{name} 비슷한 규모의 도입 사례 있으면 공유 부탁드립니다.",
    "@{name} 다음 주 시연에 함께 들어와 주실 수 있을까요?",
    "@{name} 할인 5%까지 가능한지 확인 부탁드립니다.",
    "@{name} 웨비나 다시보기 주소를 보내 주시면 전달하겠습니다.",
)
# outcome -> how often, status of the call, what is written down
CALLS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "connected": (58, "COMPLETED", (
        "인원과 근무 유형 확인. 3교대 120명 포함.", "견적 받음. 팀장 보고 후 회신 예정.", "전자결재 연동 방식 설명. 자료 보내기로.",
        "경쟁 제품 시연도 받았다고 함. 이관 지원이 차이.", "계약 조건 협의. 2년 약정이면 할인 문의.", "도입 시기를 1월로 당기고 싶어 함.",
    )),
    "no_answer": (24, "NO_ANSWER", ("", "부재중. 오후에 다시.")),
    "busy": (8, "BUSY", ("",)),
    "message": (10, "COMPLETED", ("회의 중. 메모 남김.",)),
}  # fmt: skip
CALL_TITLES = ("도입 상담", "견적 안내", "진행 확인", "시연 일정 잡기")
MEETINGS = (("화면 시연", "online", 30, "화상 회의"), ("도입 상담", "visit", 60, "고객사 회의실"), ("요구사항 정리", "meeting", 60, "누리워크 4층 회의실"))
SAID = ("근무표 작성과 휴가 승인 흐름 시연.", "출입 기록 연동과 급여 파일 형식 확인.", "규정 두 벌을 나눠 쓰는 방법을 설명.", "도입 일정 11주 안 제시.")
MAILS = (
    ("견적서를 보내 드립니다", "말씀하신 인원 기준 견적서입니다. 궁금한 점은 편하게 연락 주십시오."),
    ("시연 자료", "오늘 보여 드린 화면과 설정 순서를 정리했습니다."),
)
CHATS = ("내일 2시 회의 주소 보내 드렸습니다.", "계약서 초안 확인 부탁드립니다.", "자료 잘 받았습니다. 감사합니다.")
TASKS = (
    ("견적서 보내기", "EMAIL"),
    ("진행 확인 전화", "CALL"),
    ("시연 일정 잡기", "TODO"),
    ("계약 조건 확인", "TODO"),
    ("보안 점검표 작성", "TODO"),
    ("갱신 안내 전화", "CALL"),
)

# Whose, what, kind, priority, days from today (below 0: overdue; None: done), about the hero (0) or another of the deals
DESK: dict[str, tuple[tuple[str, str, str, float | None, int], ...]] = {
    "한도윤": (
        ("전자결재 연동 자료 보내기", "EMAIL", "HIGH", 0, 0), ("본부장 회의 결과 확인 전화", "CALL", "MEDIUM", 5, 0),
        ("견적서 초안 검토", "TODO", "NONE", None, 0),
    ),
    "오세린": (
        ("웨비나 참석자 감사 메일 보내기", "EMAIL", "HIGH", -1, 0), ("도입 사례 인터뷰 일정 잡기", "CALL", "MEDIUM", 0, 3),
        ("박람회 명함 정리", "TODO", "LOW", 2, 5), ("4분기 뉴스레터 주제 정하기", "TODO", "MEDIUM", 4, 7), ("광고 유입 리드 품질 점검", "TODO", "NONE", 11, 9),
        ("웨비나 다시보기 주소 공유", "EMAIL", "NONE", None, 1), ("백서 신청자에게 후속 메일", "EMAIL", "NONE", None, 4),
    ),
    "관리자": (
        ("중복 회사 정리", "TODO", "MEDIUM", -2, 2), ("계약 갱신 단가표 승인", "TODO", "HIGH", 0, 6), ("연동 API 토큰 점검", "TODO", "LOW", 6, 8),
        ("영업팀 권한 확인", "TODO", "NONE", None, 2),
    ),
}  # fmt: skip
