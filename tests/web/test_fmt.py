"""How values read on the screens: addresses that break well, origins in words, conditions with their subject, times of a log."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from baton.accounts import users
from baton.accounts.models import Account
from baton.automation.steps.set_property import SetProperty
from baton.messaging import law
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.web.templatetags import fmt


def test_an_address_breaks_before_its_parts_only() -> None:
    assert fmt.breakable("jiwoo.seo@gaonlogis.example") == "jiwoo<wbr>.seo<wbr>@gaonlogis<wbr>.example"
    assert fmt.breakable("<b>3.5") == "&lt;b&gt;3.5"


@pytest.mark.parametrize(("stored", "words"), [("form:4", "폼 제출"), ("page", "직접 변경"), ("unsubscribe", "수신 거부"), ("elsewhere", "elsewhere")])
def test_the_origin_of_a_consent_is_said_in_words(stored: str, words: str) -> None:
    with translation.override("ko"):
        assert fmt.origin(stored) == words


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("직급: 부서장", "<b>직급</b>: 부서장"),
        ("‘웨비나 신청’ 폼 제출", "‘<b>웨비나 신청</b>’ 폼 제출"),
        ("최근 90일 동안 활동 없음", "최근 90일 동안 활동 없음"),
        ("(학생: 예 또는 경쟁사 재직: 예)", "(학생: 예 또는 경쟁사 재직: 예)"),
        ("직책: <i>", "<b>직책</b>: &lt;i&gt;"),
        ("‘<i>’ 폼 제출", "‘<b>&lt;i&gt;</b>’ 폼 제출"),
    ],
)
def test_a_condition_shows_its_subject(sentence: str, shown: str) -> None:
    assert fmt.marked(sentence) == shown


def test_a_log_says_the_time_today_and_the_day_before_that() -> None:
    with translation.override("ko"):
        now = clock.now()
        assert ":" in fmt.lately(now)
        assert fmt.lately(timezone.localtime(now).replace(hour=12) - timedelta(days=1)) == "어제"


@pytest.mark.django_db
def test_a_step_names_the_owner_it_sets(account: Account) -> None:
    owner = users.create("han@nuriwork.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM)
    step = SetProperty(id="s1", property="owner_id", value=str(owner.pk))
    with translation.override("ko"):
        assert step.detail() == "담당자: 한도윤"


def test_articles_of_the_law_are_cited_in_the_readers_language() -> None:
    with translation.override("ko"):
        assert fmt.article(law.ARTICLES["result"]) == law.ARTICLES["result"]
    with translation.override("en"):
        cited = {name: fmt.article(text) for name, text in law.ARTICLES.items()}
    assert cited["result"] == "Art. 50(7), Decree Art. 62-2"
    assert cited["label"] == "Art. 50(4), Decree Art. 61(3), Table 6"
    assert not [text for text in cited.values() if any("가" <= letter <= "힣" or letter in "①②③④⑤⑥⑦⑧" for letter in text)]


def test_rates_of_a_column_have_the_same_decimals() -> None:
    assert [fmt.rate(share) for share in (0.35, 0.363, 0, None)] == ["35.0%", "36.3%", "0.0%", ""]
