"""What colleagues of the sample company keep: views of tables that everybody sees, and files on the hero's records."""

from typing import Any

from baton.accounts.models import User
from baton.crm import files, types
from baton.demo import brochure
from baton.demo.sample import Sample
from baton.platform.actor import Actor
from baton.web.parts import views

# object type -> (name, whose, what the table's address says)
VIEWS: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "contact": (
        ("통화할 부서장", "한도윤", {"f": "stage:mql,sql;rank:exec,head;phone:*", "sort": "-score"}),
        ("웨비나로 온 리드", "오세린", {"f": "source:webinar;!stage:customer,deadend", "sort": "-created_at"}),
    ),
    "company": (
        ("제조 · 물류 50명 이상", "오세린", {"f": "industry:manufacturing,logistics;size:50..", "sort": "-numberofemployees"}),
        ("고객사", "한도윤", {"f": "stage:customer", "sort": "name"}),
    ),
    "deal": (
        ("계약 직전", "한도윤", {"f": "dealstage:decisionmakerboughtin,contractsent", "sort": "-amount"}),
        ("30일 안에 마감", "한도윤", {"f": "closedate:next30d;!dealstage:closedwon,closedlost", "sort": "closedate"}),
    ),
    "ticket": (("급한 문의", "한도윤", {"f": "priority:high;!ticket_stage:4", "sort": "-created_at"}),),
    "contract": (("갱신 협의", "관리자", {"f": "stage:renewing", "sort": "ends_on"}),),
}
NEEDS = """요구사항 정리 · 가온로지스

1. 3개 센터, 3교대. 센터마다 다른 근무표를 한 화면에서.
2. 기존 ERP 전자결재와 휴가 승인 연동.
3. 근로계약 340건 전자서명, 기간 만료 30일 전 알림.
4. 급여 파일: 현재 쓰는 프로그램의 양식 그대로.
"""


def make(sample: Sample) -> None:
    """Keep both."""
    for object_type, kept in VIEWS.items():
        for name, who, query in kept:
            views.create(User.objects.get(pk=sample.setting.users[who]), types.get(object_type), name, "all", query)
    hero, han = sample.people[0], Actor("user", sample.setting.users["한도윤"])
    deal = next(deal for deal in sample.deals if deal.person is hero)
    files.add(hero.id, "누리워크 회사소개서.pdf", brochure.pdf(), actor=han)
    files.add(deal.row.id, "가온로지스 요구사항.txt", NEEDS.encode(), actor=han)
