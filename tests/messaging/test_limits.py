"""How fast mail may go: buckets that all senders share, what receivers teach, and days of a warm-up."""

from datetime import timedelta

import pytest

from baton.messaging.channel import Receipt, Result
from baton.messaging.models import Allowance, SendingDomain, Transport
from baton.messaging.sending import limits
from baton.messaging.sending.limits import Gauge, group_of
from baton.platform import clock

pytestmark = pytest.mark.django_db
SLOW = Receipt(Result.DEFERRED, "421 4.7.28 Too many messages, slow down", 421)


@pytest.fixture(autouse=True)
def _nothing_lately() -> None:
    limits._lately.clear()


def relay(**settings: object) -> int:
    return Transport.objects.create(name="서버", kind="smtp", settings={"host": "relay.example", **settings}).pk


def test_without_limits_nothing_is_asked(django_assert_num_queries: object) -> None:
    gauge = Gauge(None, "nuriwork.example")
    with django_assert_num_queries(0):  # type: ignore[operator]  # pytest-django's fixture
        assert gauge.admit(["a@b.example"] * 300) == ([True] * 300, 0.0)


def test_a_bucket_fills_at_its_rate_and_is_shared() -> None:
    transport = relay(per_second=10)
    first, second = Gauge(transport, "nuriwork.example"), Gauge(transport, "nuriwork.example")
    may, wait = first.admit([f"p{n}@b.example" for n in range(25)])
    assert may == [True] * 10 + [False] * 15
    assert 0 < wait <= 0.1
    assert sum(second.admit(["a@b.example"] * 3)[0]) == 0
    clock.shift(timedelta(seconds=0.5))
    assert 4 <= sum(second.admit(["a@b.example"] * 20)[0]) <= 6
    clock.shift(timedelta(hours=1))
    assert sum(second.admit(["a@b.example"] * 99)[0]) == 10, "what nobody used is not saved up"


def test_who_has_to_wait_does_not_hold_up_the_others() -> None:
    gauge = Gauge(relay(groups={"naver": 1}), "nuriwork.example")
    may, wait = gauge.admit(["a@naver.com", "b@naver.com", "c@gaon.example", "d@NAVER.com", "e@gmail.com"])
    assert may == [True, False, True, False, True]
    assert wait > 0


def test_what_did_not_go_after_all_is_given_back() -> None:
    gauge = Gauge(relay(per_second=5), "nuriwork.example")
    assert sum(gauge.admit(["a@b.example"] * 5)[0]) == 5
    gauge.give_back(["a@b.example"] * 2)
    assert 2 <= sum(gauge.admit(["a@b.example"] * 5)[0]) <= 3


def test_a_receiver_that_wants_less_gets_half_and_slowly_more_again() -> None:
    taken = Receipt(Result.SENT, code=250)
    limits.learn([(None, f"p{n}@gmail.com", taken) for n in range(200)])  # ten a second in the last 20 seconds
    limits.learn([(None, "x@googlemail.com", SLOW)] * 50)
    assert Gauge(None, "n.example").rates["group:0:gmail"].per_second == pytest.approx(5, rel=0.01)
    limits.learn([(None, "y@gmail.com", SLOW)])  # of the same haste
    assert Gauge(None, "n.example").rates["group:0:gmail"].per_second == pytest.approx(5, rel=0.01)
    clock.shift(timedelta(minutes=1))
    assert Gauge(None, "n.example").rates["group:0:gmail"].per_second == pytest.approx(5.5, rel=0.02)
    limits.learn([(None, "y@gmail.com", SLOW)])
    assert Gauge(None, "n.example").rates["group:0:gmail"].per_second == pytest.approx(2.75, rel=0.02)
    assert Gauge(None, "n.example").admit(["a@naver.com"] * 500)[1] == 0, "others are not slowed down"
    clock.shift(timedelta(hours=3))
    assert Gauge(None, "n.example").rates == {}, "it has grown beyond what holds anybody back"
    clock.shift(timedelta(days=3))
    limits.tidy()
    assert not Allowance.objects.exists()


def test_a_full_mailbox_teaches_nothing() -> None:
    limits.learn([(None, "a@gmail.com", Receipt(Result.DEFERRED, "452 4.2.2 Mailbox full", 452))])
    assert not Allowance.objects.exists()


def test_a_domain_is_warmed_up_day_by_day() -> None:
    today = clock.now().date().isoformat()
    SendingDomain.objects.create(name="n.example", warm_up={"from": today, "first": 50, "growth": 2})
    with clock.stopped(clock.now().replace(hour=3)):
        may, wait = Gauge(None, "n.example").admit(["a@b.example"] * 80)
        assert (sum(may), 0 < wait <= 86_400) == (50, True)
        assert sum(Gauge(None, "n.example").admit(["a@b.example"])[0]) == 0
        assert sum(Gauge(None, "other.example").admit(["a@b.example"] * 80)[0]) == 80
    with clock.stopped(clock.now().replace(hour=3) + timedelta(days=1)):
        assert sum(Gauge(None, "n.example").admit(["a@b.example"] * 180)[0]) == 100


@pytest.mark.parametrize(("address", "group"), [("a@hanmail.net", "kakao"), ("a@Outlook.com", "microsoft"), ("a@gaon.example", "gaon.example")])
def test_domains_of_one_operator_are_one_group(address: str, group: str) -> None:
    assert group_of(address) == group
