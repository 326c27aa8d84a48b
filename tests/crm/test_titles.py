"""Job titles tell a rank, in Korean and English, and contacts get it by themselves."""

import pytest

from baton.crm import records
from baton.crm.titles import seniority
from baton.platform.actor import SYSTEM

TITLES = {
    "exec": ["대표이사", "대표", "이사", "상무이사 겸 본부장", "CTO / 공동창업자", "CEO", "VP of Sales", "Managing Director", "전무님"],
    "head": ["인사팀장", "부장", "부장님", "팀장(부장)", "연구소장", "수석연구원", "Head of IT", "Sales Director", "General Manager"],
    "manager": ["영업1팀 과장", "차장", "책임연구원", "파트장", "Marketing Manager", "Supervisor"],
    "staff": ["사원", "마케팅팀 대리", "채용 담당", "선임 연구원", "대표이사 비서", "Assistant to the CEO", "Software Engineer", "Account Manager", "인턴"],
    "": ["", " ", "인사", "감사팀", "이사관", "Surveyor"],
}


@pytest.mark.parametrize(("rank", "title"), [(rank, title) for rank, titles in TITLES.items() for title in titles])
def test_a_title_tells_a_rank(rank: str, title: str) -> None:
    assert seniority(title) == rank


@pytest.mark.django_db
def test_a_contact_has_the_rank_of_his_title_until_somebody_says_otherwise() -> None:
    def rank(**props: object) -> object:
        records.update("contact", him, props, actor=SYSTEM, source="page")
        return records.get("contact", him).properties.get("seniority")

    him = records.create("contact", {"email": "kim@acme.example", "jobtitle": "과장"}, actor=SYSTEM, source="form")
    assert records.get("contact", him).properties["seniority"] == "manager"
    assert rank(jobtitle="부장") == "head"
    assert rank(jobtitle="감사팀") is None
    assert rank(jobtitle="과장", seniority="exec") == "exec"
    assert rank(jobtitle="사원") == "exec"  # said by somebody: a title does not overrule it
