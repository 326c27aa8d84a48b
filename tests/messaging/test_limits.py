"""How fast mail may go: buckets that all senders share, what receivers teach, what people set, and days of a warm-up."""

from datetime import timedelta

import pytest

from baton.messaging.channel import Receipt, Result
from baton.messaging.models import Allowance, ReceiverDomain, ReceiverRate, SendingDomain, Transport
from baton.messaging.sending import groups, learning, limits, rates
from baton.messaging.sending.limits import Gauge
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.platform.models import History

pytestmark = pytest.mark.django_db
SLOW = Receipt(Result.DEFERRED, "421 4.7.28 <sora@gaon.example> Too many messages, slow down", 421)
TAKEN = Receipt(Result.SENT, code=250)


@pytest.fixture(autouse=True)
def _nothing_lately() -> None:
    learning.forget()
    groups.forget()


def relay(**settings: object) -> int:
    return Transport.objects.create(name="서버", kind="smtp", settings={"host": "relay.example", **settings}).pk


def admitted(gauge: Gauge, *addresses: str) -> list[bool]:
    return [not wait for wait in gauge.admit(addresses)]


def rate(group: str, transport: int | None = None) -> float | None:
    found = Gauge(transport, "n.example").rates.get(f"group:{transport or 0}:{group}")
    return found.per_second if found else None


def hosted(group: str, *domains: str) -> None:
    """As the DNS says, some company writes its mail at this operator."""
    for domain in domains:
        ReceiverDomain.objects.create(domain=domain, grouped=group, state="mx", wanted_at=clock.now())
    groups.forget()


def test_to_companies_without_a_limit_nothing_is_asked(django_assert_num_queries: object) -> None:
    gauge = Gauge(None, "nuriwork.example")
    gauge.admit(["a@b.example"])
    with django_assert_num_queries(0):  # type: ignore[operator]  # pytest-django's fixture
        assert gauge.admit(["a@b.example"] * 300) == [0.0] * 300


def test_a_bucket_fills_at_its_rate_and_is_shared() -> None:
    transport = relay(per_second=10)
    first, second = Gauge(transport, "nuriwork.example"), Gauge(transport, "nuriwork.example")
    waits = first.admit([f"p{n}@b.example" for n in range(25)])
    assert [not wait for wait in waits] == [True] * 10 + [False] * 15
    assert waits[-1] == pytest.approx(1, abs=0.1), "when as many can go as go at once"
    assert sum(admitted(second, *["a@b.example"] * 3)) == 0
    clock.shift(timedelta(seconds=0.5))
    assert 4 <= sum(admitted(second, *["a@b.example"] * 20)) <= 6
    clock.shift(timedelta(hours=1))
    assert sum(admitted(second, *["a@b.example"] * 99)) == 10, "what nobody used is not saved up"


def test_who_has_to_wait_does_not_hold_up_the_others() -> None:
    transport = relay()
    rates.set_rate(transport, "naver", SYSTEM, per_second=0.05)
    rates.set_rate(transport, "gaon.example", SYSTEM, per_second=1)
    waits = Gauge(transport, "nuriwork.example").admit(
        ["a@naver.com", "b@naver.com", "c@haneul.example", "d@NAVER.com", "e@gmail.com", *(f"p{n}@gaon.example" for n in range(4))]
    )
    assert [not wait for wait in waits] == [True, False, True, False, True, True, True, True, False]
    assert waits[1] == pytest.approx(20, abs=1)
    assert waits[-1] < 2, "nobody waits for another group's turn"


def test_what_did_not_go_after_all_is_given_back() -> None:
    gauge = Gauge(relay(per_second=5), "nuriwork.example")
    assert sum(admitted(gauge, *["a@b.example"] * 5)) == 5
    gauge.give_back(["a@b.example"] * 2)
    assert 2 <= sum(admitted(gauge, *["a@b.example"] * 5)) <= 3


def test_companies_at_one_operator_share_its_rate() -> None:
    hosted("naverworks", "gaon.example", "haneul.example")
    rates.set_rate(None, "naverworks", SYSTEM, per_second=1)
    may = admitted(Gauge(None, "n.example"), *["a@gaon.example", "b@haneul.example"] * 3, "c@solo.example")
    assert may == [True] * 3 + [False] * 3 + [True]


def test_some_receivers_take_only_a_few_letters_at_a_time() -> None:
    hosted("mailplug", "gaon.example", "haneul.example")
    rates.set_rate(None, "mailplug", SYSTEM, per_second=None, at_once=2)
    gauge = Gauge(None, "n.example")
    for _window in range(2):
        assert admitted(gauge, *["a@gaon.example", "b@haneul.example"] * 2, "c@solo.example") == [True, True, False, False, True]


def test_a_large_operator_is_begun_with_gently_and_grows_while_it_takes_our_mail() -> None:
    gauge = Gauge(None, "n.example")
    assert sum(admitted(gauge, *["a@gmail.com"] * 500)) == 60, "three seconds of its twenty a second"
    clock.shift(timedelta(minutes=10))
    assert rate("gmail") == pytest.approx(20 * 1.1**10, rel=0.01)
    learning.learn([(None, "a@gmail.com", TAKEN)])
    clock.shift(timedelta(minutes=40))
    learning._count(at_once=True)
    assert rate("gmail") is None, "it holds nobody back any more"
    learning.learn([(None, "a@gmail.com", TAKEN)])
    clock.shift(timedelta(hours=5))
    learning._count(at_once=True)
    clock.shift(timedelta(hours=8))
    assert rate("gmail") is None, "it gets mail from us"
    clock.shift(timedelta(hours=20))
    assert rate("gmail") == 20, "after a rest it is begun with anew"
    provider = Transport.objects.create(name="대행", kind="sendgrid", settings={}).pk
    assert rate("gmail", provider) is None, "a provider paces by itself"


def test_a_receiver_that_wants_less_gets_half_and_slowly_more_again() -> None:
    hosted("hiworks", "gaon.example", "haneul.example")
    Gauge(None, "n.example").admit(["p@gaon.example"])
    clock.shift(timedelta(hours=1))
    learning.learn([(None, f"p{n}@gaon.example", TAKEN) for n in range(200)])  # ten a second in the last 20 seconds
    learning.learn([(None, "x@haneul.example", SLOW)] * 50)
    assert rate("hiworks") == pytest.approx(5, rel=0.05)
    learning.learn([(None, "y@gaon.example", SLOW)])  # of the same haste
    assert rate("hiworks") == pytest.approx(5, rel=0.05)
    [shown] = [one for one in rates.shown(None) if one.group == "hiworks"]
    assert (shown.label, shown.domains, shown.why) == ("하이웍스", 2, "slower")
    assert shown.before == pytest.approx(10, rel=0.05)
    assert shown.answers[0].text == "421 4.7.28 <…@gaon.example> Too many messages, slow down", "nobody's mailbox is kept"
    clock.shift(timedelta(hours=1, minutes=1))
    assert rate("hiworks") == pytest.approx(5.5, rel=0.05)
    learning.learn([(None, f"p{n}@gaon.example", TAKEN) for n in range(200)])
    learning.learn([(None, "y@gaon.example", SLOW)])
    assert rate("hiworks") == pytest.approx(2.75, rel=0.05)
    assert not any(Gauge(None, "n.example").admit(["a@solo.example"] * 500)), "others are not slowed down"
    rates.forget(None, "hiworks", SYSTEM)
    assert rate("hiworks") is None
    clock.shift(timedelta(days=30))
    limits.tidy()
    assert not Allowance.objects.exists()
    assert not ReceiverRate.objects.exists()


@pytest.mark.parametrize(
    "said",
    [
        "452 4.2.2 Mailbox full",
        "450 4.2.0 Greylisted, see https://postgrey.example/help",
        "451 4.7.1 Greylisting in action, please come back later",
        "451 4.3.0 busy",
    ],
)
def test_what_is_not_about_haste_teaches_nothing(said: str) -> None:
    learning.learn([(None, "a@gaon.example", Receipt(Result.DEFERRED, said, int(said[:3])))])
    assert not ReceiverRate.objects.exists()


def test_when_everybody_asks_for_less_it_is_the_carrier() -> None:
    transport = relay()
    learning.learn([(transport, f"a@d{n}.example", TAKEN) for n in range(4)])
    learning.learn([(transport, f"a@d{n}.example", SLOW) for n in range(300)])
    assert ReceiverRate.objects.count() == 1
    assert Gauge(transport, "n.example").rates[f"relay:{transport}"].per_second == pytest.approx(0.1, rel=0.01)
    assert [(one.group, one.why) for one in rates.shown(transport)] == [("", "slower")]


def test_a_person_sets_a_rate_and_it_is_written_down() -> None:
    transport = relay()
    rates.set_rate(transport, "microsoft365", SYSTEM, per_second=2.5, at_once=4)
    assert rate("microsoft365", transport) == 2.5
    assert [(h.verb, h.detail["group"], h.detail["per_second"]) for h in History.objects.filter(subject_type="transport")] == [
        ("rate_set", "microsoft365", 2.5)
    ]
    [shown] = rates.shown(transport)
    assert (shown.now, shown.most, shown.at_once, shown.why) == (2.5, 2.5, 4, "set")
    with pytest.raises(Invalid) as error:
        rates.set_rate(transport, "nobody", SYSTEM, per_second=0, at_once=0)
    assert {problem.path for problem in error.value.problems} == {"group", "per_second", "at_once"}
    rates.set_rate(transport, "microsoft365", SYSTEM, per_second=None)
    assert rate("microsoft365", transport) == 10


def test_a_domain_is_warmed_up_day_by_day() -> None:
    today = clock.now().date().isoformat()
    SendingDomain.objects.create(name="n.example", warm_up={"from": today, "first": 50, "growth": 2})
    with clock.stopped(clock.now().replace(hour=3)):
        waits = Gauge(None, "n.example").admit(["a@b.example"] * 80)
        assert (sum(not wait for wait in waits), 0 < waits[-1] <= 86_400) == (50, True)
        assert sum(admitted(Gauge(None, "n.example"), "a@b.example")) == 0
        assert sum(admitted(Gauge(None, "other.example"), *["a@b.example"] * 80)) == 80
    with clock.stopped(clock.now().replace(hour=3) + timedelta(days=1)):
        assert sum(admitted(Gauge(None, "n.example"), *["a@b.example"] * 180)) == 100
